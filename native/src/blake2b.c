/* BLAKE2b-256 with a personalisation and no key (RFC 7693, section 3), for Merkle trees over columns. */
#include "bytes.h"
#include "field.h"
#include "threads.h"

#include <string.h>

enum { WORDS = 16, BLOCK = 128, DIGEST = 32 };

static const uint64_t IV[8] = {0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B,
                               0xA54FF53A5F1D36F1, 0x510E527FADE682D1, 0x9B05688C2B3E6C1F,
                               0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179};
static const uint8_t SIGMA[10][WORDS] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t rotate_right(uint64_t word, int by)
{
    return word >> by | word << (64 - by);
}

static inline void mix(uint64_t v[WORDS], int a, int b, int c, int d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotate_right(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate_right(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate_right(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate_right(v[b] ^ v[c], 63);
}

static void compress(uint64_t h[8], const uint64_t m[WORDS], uint64_t hashed, int last)
{
    uint64_t v[WORDS];
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = IV[i];
    }
    v[12] ^= hashed;
    if (last) v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = SIGMA[round % 10];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
}

/* The state before any byte: digest of 32 bytes, no key, fanout and depth 1, and the personalisation (section 2.5). */
static void start(uint64_t h[8], const uint8_t person[16])
{
    for (int i = 0; i < 8; i++) h[i] = IV[i];
    h[0] ^= 0x01010000 ^ DIGEST;
    h[6] ^= zkn_load_le(person);
    h[7] ^= zkn_load_le(person + 8);
}

static void finish(uint8_t out[DIGEST], const uint64_t h[8])
{
    for (int i = 0; i < DIGEST / 8; i++) zkn_store_le(out + 8 * i, h[i]);
}

typedef struct {
    uint8_t *out;
    const uint8_t *person, *in;
    const zkn_fr *matrix;
    uint64_t *states;
    size_t first, rows, columns;
} hash_job;

static void column_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const hash_job *job = ctx;
    uint64_t initial[8], h[8], m[WORDS];
    start(initial, job->person);
    for (size_t j = begin; j < end; j++) {
        memcpy(h, job->first ? job->states + 8 * j : initial, sizeof h);
        memset(m, 0, sizeof m);
        if (job->first == 0)
            for (int k = 0; k < 4; k++) m[k] = zkn_load_le(job->in + DIGEST * j + 8 * k);
        for (size_t i = 0; i < job->rows; i++) {
            /* Row i of all is words 4 (i + 1) to 4 (i + 1) + 3 of the message; a block is hashed once more bytes follow. */
            const size_t before = job->first + i + 1, at = 4 * (before % 4);
            if (at == 0 && i > 0) {
                compress(h, m, DIGEST * before, 0);
                memset(m, 0, sizeof m);
            }
            uint64_t x[4];
            fr_to_canonical(x, &job->matrix[i * job->columns + j]);
            for (size_t k = 0; k < 4; k++) m[at + k] = __builtin_bswap64(x[3 - k]);
        }
        compress(h, m, DIGEST * (job->first + job->rows + 1), job->out != NULL);
        if (job->out) {
            finish(job->out + DIGEST * j, h);
        } else {
            memcpy(job->states + 8 * j, h, sizeof h);
        }
    }
    zkn_wipe(m, sizeof m);
}

void zkn_blake2b_columns(uint8_t *out, uint64_t *states, const uint8_t person[16], const uint8_t *salts,
                         const zkn_fr *in, size_t first, size_t rows, size_t columns, unsigned threads)
{
    hash_job job = {out, person, salts, in, states, first, rows, columns};
    zkn_parallel(columns, threads, column_share, &job);
}

static void parent_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const hash_job *job = ctx;
    uint64_t h[8], m[WORDS] = {0};
    for (size_t i = begin; i < end; i++) {
        start(h, job->person);
        for (size_t k = 0; k < 8; k++) m[k] = zkn_load_le(job->in + 2 * DIGEST * i + 8 * k);
        compress(h, m, 2 * DIGEST, 1);
        finish(job->out + DIGEST * i, h);
    }
}

void zkn_blake2b_parents(uint8_t *out, const uint8_t person[16], const uint8_t *in, size_t n,
                         unsigned threads)
{
    hash_job job = {.out = out, .person = person, .in = in};
    zkn_parallel(n, threads, parent_share, &job);
}
