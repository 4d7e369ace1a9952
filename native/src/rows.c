/* Matrices over Fr, row after row: encoded, and multiplied by a vector from either side. */
#include "fr_dot.h"
#include "ntt.h"
#include "rows_lanes.h"
#include "rows_quads.h"

#include <string.h>

enum { ROWS_TOGETHER = 8 }; /* in one item: what is prepared of twiddles serves all of them */

/* A row of k coefficients is low + X^block high with a block the largest power of two up to k, and n / block blocks of the
 * transform begin where X^block is one of its values: from low + root high. So levels that would only copy are left out. */
typedef struct {
    zkn_fr *out;
    const zkn_fr *in, *twiddles;
    size_t n, k, rows, block, together; /* rows of an item */
} code_job;

/* Block b of some rows, where high is not zero: all of it that differs from low. */
static void add_high(const code_job *job, size_t first, size_t rows, size_t b)
{
    zkn_fr product;
    for (size_t i = first; i < first + rows; i++) {
        const zkn_fr *low = job->in + i * job->k, *high = low + job->block;
        zkn_fr *head = job->out + i * job->n + b * job->block;
        for (size_t j = 0; j < job->k - job->block; j++) {
            fr_mul(&product, &high[j], &job->twiddles[b / 2]);
            if (b % 2) {
                fr_sub(&head[j], &low[j], &product);
            } else {
                fr_add(&head[j], &low[j], &product);
            }
        }
    }
}

static void encode_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)end, (void)worker;
    const code_job *job = ctx;
    const size_t first = begin * job->together, left = job->rows - first;
    const size_t rows = left < job->together ? left : job->together, n_high = job->k - job->block;
    zkn_fr *out = job->out + first * job->n;
    const zkn_fr *in = job->in + first * job->k;
    for (size_t b = 0; b * job->block < job->n; b++) {
        add_high(job, first, rows, b);
        zkn_fr *block = out + b * job->block;
#if ZKN_PATH_ADX
        if (job->block >= ROWS_QUAD_BLOCK_MIN && rows >= ROWS_QUADS_MIN) {
            rows_quads_block(block, job->n, in, job->k, n_high, rows, job->block, b, job->twiddles);
            continue;
        }
#endif
        for (size_t i = 0; i < rows; i++) {
            zkn_fr *row = block + i * job->n;
            memcpy(row + n_high, in + i * job->k + n_high, (job->block - n_high) * sizeof *row);
            ntt_reversed(row, job->block, b, job->twiddles, 1);
        }
    }
}

zkn_status zkn_fr_rows_encode(zkn_fr *out, size_t n, const zkn_fr *in, size_t k, size_t rows,
                              const zkn_fr *twiddles, unsigned threads)
{
    if (!ntt_is_length(n) || k > n) return ZKN_BAD_LENGTH;
    if (k == 0) {
        memset(out, 0, rows * n * sizeof *out);
        return ZKN_OK;
    }
    size_t block = 1;
    while (2 * block <= k) block *= 2;
    const unsigned workers = zkn_workers(rows, threads);
    const size_t together = rows >= 2 * ROWS_TOGETHER * workers ? ROWS_TOGETHER : ROWS_TOGETHER / 2;
    code_job job = {out, in, twiddles, n, k, rows, block, together};
    zkn_parallel_each((rows + together - 1) / together, threads, encode_share, &job);
    return ZKN_OK;
}

typedef struct {
    zkn_fr *out;
    const zkn_fr *in, *weights;
    size_t rows, columns;
} rows_job;

enum { SUM_TOGETHER = 16 }; /* columns: rows that lie far apart are read a few lines of cache at a time */

static void sum_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const rows_job *job = ctx;
#if ZKN_HAS_LANES
    const size_t many = (end - begin) / 8 * 8;
    rows_lanes_sum(job->out + begin, job->in + begin, job->rows, job->columns, job->weights, many);
    begin += many;
#endif
    zkn_fr terms[SUM_TOGETHER][FR_DOT_MAX_TERMS], part;
    for (size_t j = begin, wide; j < end; j += wide) {
        wide = end - j < SUM_TOGETHER ? end - j : SUM_TOGETHER;
        for (size_t c = 0; c < wide; c++) fr_zero(&job->out[j + c]);
        for (size_t i = 0, some; i < job->rows; i += some) {
            some = job->rows - i < FR_DOT_MAX_TERMS ? job->rows - i : FR_DOT_MAX_TERMS;
            for (size_t k = 0; k < some; k++) {
                const zkn_fr *row = &job->in[(i + k) * job->columns + j];
                for (size_t c = 0; c < wide; c++) terms[c][k] = row[c];
            }
            for (size_t c = 0; c < wide; c++) {
                fr_dot(&part, terms[c], job->weights + i, some);
                fr_add(&job->out[j + c], &job->out[j + c], &part);
            }
        }
    }
    zkn_wipe(terms, sizeof terms);
    zkn_wipe(&part, sizeof part);
}

void zkn_fr_rows_sum(zkn_fr *out, const zkn_fr *in, size_t rows, size_t columns, const zkn_fr *weights,
                     unsigned threads)
{
    rows_job job = {out, in, weights, rows, columns};
    zkn_parallel(columns, threads, sum_share, &job);
}

static void dot_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const rows_job *job = ctx;
    for (size_t i = begin; i < end; i++) {
        zkn_fr_vec_dot(&job->out[i], job->in + i * job->columns, job->weights, job->columns);
    }
}

void zkn_fr_rows_dot(zkn_fr *out, const zkn_fr *in, size_t rows, size_t columns, const zkn_fr *weights,
                     unsigned threads)
{
    rows_job job = {out, in, weights, rows, columns};
    zkn_parallel(rows, threads, dot_share, &job);
}
