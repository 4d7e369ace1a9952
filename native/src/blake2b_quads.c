/* BLAKE2b-256 of four messages side by side: neighbouring columns of a matrix, or pairs of digests. */
#include "path.h"

#if ZKN_PATH_ADX

#include "quad_factor.h" /* before declarations of what is defined here: clang wants both for the same instructions */

#include "blake2b.h"

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

/* The factor 1/R, which takes an element out of Montgomery form. */
typedef fr4_factors element_constants;

static void element_prepare(element_constants *out)
{
    static const zkn_fr INVERSE_R = {{1, 0, 0, 0}}; /* in Montgomery form */
    const uint64_t *const same[LANES] = {INVERSE_R.l, INVERSE_R.l, INVERSE_R.l, INVERSE_R.l};
    fr4_factors_of(out, same);
}

/* Four neighbours of a row as 32 bytes big-endian each. */
static void element_words(lane_word m[4], const zkn_fr *in, const element_constants *inverse_r)
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

#include "blake2b_many_template.h"

#endif
