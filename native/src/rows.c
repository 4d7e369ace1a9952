/* Matrices over Fr, row after row: encoded, and multiplied by a vector from either side. */
#include "fr_dot.h"
#include "threads.h"

#include <string.h>

typedef struct {
    zkn_fr *out;
    const zkn_fr *in, *weights;
    size_t rows, columns, length; /* length: of an encoded row */
} rows_job;

static void encode_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const rows_job *job = ctx;
    for (size_t i = begin; i < end; i++) {
        zkn_fr *row = job->out + i * job->length;
        memcpy(row, job->in + i * job->columns, job->columns * sizeof *row);
        memset(row + job->columns, 0, (job->length - job->columns) * sizeof *row);
        (void)zkn_fr_ntt(row, job->length, job->weights, 1);
    }
}

zkn_status zkn_fr_rows_encode(zkn_fr *out, size_t n, const zkn_fr *in, size_t k, size_t rows,
                              const zkn_fr *twiddles, unsigned threads)
{
    if (n == 0 || (n & (n - 1)) != 0 || n > (size_t)1 << FR_TWO_ADICITY || k > n) return ZKN_BAD_LENGTH;
    rows_job job = {out, in, twiddles, rows, k, n};
    zkn_parallel_each(rows, threads, encode_share, &job);
    return ZKN_OK;
}

static void sum_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const rows_job *job = ctx;
    zkn_fr terms[FR_DOT_MAX_TERMS], part;
    for (size_t j = begin; j < end; j++) {
        zkn_fr sum;
        fr_zero(&sum);
        for (size_t i = 0, some; i < job->rows; i += some) {
            some = job->rows - i < FR_DOT_MAX_TERMS ? job->rows - i : FR_DOT_MAX_TERMS;
            for (size_t k = 0; k < some; k++) terms[k] = job->in[(i + k) * job->columns + j];
            fr_dot(&part, terms, job->weights + i, some);
            fr_add(&sum, &sum, &part);
        }
        job->out[j] = sum;
    }
    zkn_wipe(terms, sizeof terms);
}

void zkn_fr_rows_sum(zkn_fr *out, const zkn_fr *in, size_t rows, size_t columns, const zkn_fr *weights,
                     unsigned threads)
{
    rows_job job = {out, in, weights, rows, columns, 0};
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
    rows_job job = {out, in, weights, rows, columns, 0};
    zkn_parallel(rows, threads, dot_share, &job);
}
