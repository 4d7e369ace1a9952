/* BLAKE2b-256 of four messages side by side: neighbouring columns of a matrix, or pairs of digests. */
#include "path.h"

#if ZKN_PATH_ADX

#include "blake2b.h"
#include "quad_factor.h"

static inline lane_word rotate_right(lane_word word, int by)
{
    const lane_word by_24 = _mm256_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3, 4, 5, 6,
                                             7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
    const lane_word by_16 = _mm256_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2, 3, 4, 5,
                                             6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
    if (by == 32) return _mm256_shuffle_epi32(word, 0xb1);
    if (by == 24) return _mm256_shuffle_epi8(word, by_24);
    if (by == 16) return _mm256_shuffle_epi8(word, by_16);
    return lane_or(lane_shr(word, 63), lane_add(word, word));
}

#define B_WORD          lane_word
#define B_ALL(x)        lane_all(x)
#define B_ADD(a, b)     lane_add(a, b)
#define B_XOR(a, b)     _mm256_xor_si256(a, b)
#define B_ROTATE(a, by) rotate_right(a, by)
#include "blake2b_template.h"

static inline lane_word bytes_reversed(lane_word word)
{
    return _mm256_shuffle_epi8(word, _mm256_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7,
                                                      6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
}

/* The word at place `at` of four strings of `size` bytes each, one after another, and the three after it; and back. */
static inline void read_words(lane_word out[4], const void *from, size_t size, size_t at)
{
    const uint64_t *rows[LANES];
    for (size_t i = 0; i < LANES; i++)
        rows[i] = (const uint64_t *)(const void *)((const uint8_t *)from + size * i);
    lane_gather4(out, rows, at);
}

static inline void write_words(void *to, size_t size, size_t at, const lane_word in[4])
{
    uint64_t *rows[LANES];
    for (size_t i = 0; i < LANES; i++) rows[i] = (uint64_t *)(void *)((uint8_t *)to + size * i);
    lane_scatter4(rows, at, in);
}

static void start(lane_word h[8], const uint8_t person[16])
{
    uint64_t state[8];
    blake2b_start(state, person);
    for (int i = 0; i < 8; i++) h[i] = lane_all(state[i]);
}

/* Four neighbours of a row as 32 bytes big-endian each. The factor 1/R takes an element out of Montgomery form. */
static void element_words(lane_word m[4], const zkn_fr *in, const fr4_factors *inverse_r)
{
    lane_word words[4];
    fr4 x;
    read_words(words, in, sizeof *in, 0);
    fr4_split(&x, words);
    fr4_mul_factor(&x, &x, inverse_r, 0);
    fr4_settle(&x);
    fr4_canonical(&x);
    fr4_join(words, &x);
    for (int k = 0; k < 4; k++) m[k] = bytes_reversed(words[3 - k]);
}

void blake2b_quads_columns(const blake2b_job *job, size_t begin, size_t end)
{
    static const zkn_fr INVERSE_R = {{1, 0, 0, 0}}; /* in Montgomery form */
    const uint64_t *const same[LANES] = {INVERSE_R.l, INVERSE_R.l, INVERSE_R.l, INVERSE_R.l};
    lane_word h[8], m[BLAKE2B_WORDS];
    fr4_factors inverse_r;
    fr4_factors_of(&inverse_r, same);
    for (size_t j = begin; j < end; j += LANES) {
        for (int i = 0; i < BLAKE2B_WORDS; i++) m[i] = lane_all(0);
        if (job->first == 0) {
            start(h, job->person);
            read_words(m, job->in + BLAKE2B_DIGEST * j, BLAKE2B_DIGEST, 0);
        } else {
            for (size_t at = 0; at < 8; at += 4) read_words(&h[at], job->states + 8 * j, 64, at);
        }
        for (size_t i = 0; i < job->rows; i++) { /* as column_share of blake2b.c */
            const size_t before = job->first + i + 1, at = 4 * (before % 4);
            if (at == 0 && i > 0) {
                compress(h, m, BLAKE2B_DIGEST * before, 0);
                for (int k = 0; k < BLAKE2B_WORDS; k++) m[k] = lane_all(0);
            }
            element_words(&m[at], &job->matrix[i * job->columns + j], &inverse_r);
        }
        compress(h, m, BLAKE2B_DIGEST * (job->first + job->rows + 1), job->out != NULL);
        if (job->out) {
            write_words(job->out + BLAKE2B_DIGEST * j, BLAKE2B_DIGEST, 0, h);
        } else {
            for (size_t at = 0; at < 8; at += 4) write_words(job->states + 8 * j, 64, at, &h[at]);
        }
    }
    zkn_wipe(m, sizeof m);
}

void blake2b_quads_parents(const blake2b_job *job, size_t begin, size_t end)
{
    lane_word h[8], m[BLAKE2B_WORDS];
    for (size_t i = 8; i < BLAKE2B_WORDS; i++) m[i] = lane_all(0);
    for (size_t j = begin; j < end; j += LANES) {
        start(h, job->person);
        for (size_t at = 0; at < 8; at += 4)
            read_words(&m[at], job->in + 2 * BLAKE2B_DIGEST * j, 2 * BLAKE2B_DIGEST, at);
        compress(h, m, 2 * BLAKE2B_DIGEST, 1);
        write_words(job->out + BLAKE2B_DIGEST * j, BLAKE2B_DIGEST, 0, h);
    }
}

#endif
