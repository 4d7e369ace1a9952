/* BLAKE2b-256 with a personalisation and no key (RFC 7693, section 3), for Merkle trees over columns. */
#include "blake2b.h"
#include "threads.h"

#include <string.h>

static inline uint64_t rotate_right(uint64_t word, int by)
{
    return word >> by | word << (64 - by);
}

#define B_WORD          uint64_t
#define B_ALL(x)        (x)
#define B_ADD(a, b)     ((a) + (b))
#define B_XOR(a, b)     ((a) ^ (b))
#define B_ROTATE(a, by) rotate_right(a, by)
#include "blake2b_template.h"

static void finish(uint8_t out[BLAKE2B_DIGEST], const uint64_t h[8])
{
    for (int i = 0; i < BLAKE2B_DIGEST / 8; i++) zkn_store_le(out + 8 * i, h[i]);
}

static void column_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const blake2b_job *job = ctx;
#if ZKN_HAS_ADX
    const size_t many = (end - begin) / BLAKE2B_MANY * BLAKE2B_MANY;
    blake2b_many_columns(job, begin, begin + many);
    begin += many;
#endif
    uint64_t initial[8], h[8], m[BLAKE2B_WORDS];
    blake2b_start(initial, job->person);
    for (size_t j = begin; j < end; j++) {
        memcpy(h, job->first ? job->states + 8 * j : initial, sizeof h);
        memset(m, 0, sizeof m);
        if (job->first == 0)
            for (int k = 0; k < 4; k++) m[k] = zkn_load_le(job->in + BLAKE2B_DIGEST * j + 8 * k);
        for (size_t i = 0; i < job->rows; i++) {
            /* Row i of all is words 4 (i + 1) to 4 (i + 1) + 3 of the message; a block is hashed once more bytes follow. */
            const size_t before = job->first + i + 1, at = 4 * (before % 4);
            if (at == 0 && i > 0) {
                compress(h, m, BLAKE2B_DIGEST * before, 0);
                memset(m, 0, sizeof m);
            }
            uint64_t x[4];
            fr_to_canonical(x, &job->matrix[i * job->columns + j]);
            for (size_t k = 0; k < 4; k++) m[at + k] = __builtin_bswap64(x[3 - k]);
        }
        compress(h, m, BLAKE2B_DIGEST * (job->first + job->rows + 1), job->out != NULL);
        if (job->out) {
            finish(job->out + BLAKE2B_DIGEST * j, h);
        } else {
            memcpy(job->states + 8 * j, h, sizeof h);
        }
    }
    zkn_wipe(m, sizeof m);
}

void zkn_blake2b_columns(uint8_t *out, uint64_t *states, const uint8_t person[16], const uint8_t *salts,
                         const zkn_fr *in, size_t first, size_t rows, size_t columns, unsigned threads)
{
    blake2b_job job = {out, person, salts, in, states, first, rows, columns};
    zkn_parallel(columns, threads, column_share, &job);
}

static void parent_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const blake2b_job *job = ctx;
#if ZKN_HAS_ADX
    const size_t many = (end - begin) / BLAKE2B_MANY * BLAKE2B_MANY;
    blake2b_many_parents(job, begin, begin + many);
    begin += many;
#endif
    uint64_t h[8], m[BLAKE2B_WORDS] = {0};
    for (size_t i = begin; i < end; i++) {
        blake2b_start(h, job->person);
        for (size_t k = 0; k < 8; k++) m[k] = zkn_load_le(job->in + 2 * BLAKE2B_DIGEST * i + 8 * k);
        compress(h, m, 2 * BLAKE2B_DIGEST, 1);
        finish(job->out + BLAKE2B_DIGEST * i, h);
    }
}

void zkn_blake2b_parents(uint8_t *out, const uint8_t person[16], const uint8_t *in, size_t n,
                         unsigned threads)
{
    blake2b_job job = {.out = out, .person = person, .in = in};
    zkn_parallel(n, threads, parent_share, &job);
}
