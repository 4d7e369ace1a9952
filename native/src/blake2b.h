/* What the files of BLAKE2b-256 share. */
#ifndef ZKN_BLAKE2B_H
#define ZKN_BLAKE2B_H

#include "bytes.h"
#include "field.h"

enum { BLAKE2B_WORDS = 16, BLAKE2B_DIGEST = 32 };

static const uint64_t BLAKE2B_IV[8] = {0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B,
                                       0xA54FF53A5F1D36F1, 0x510E527FADE682D1, 0x9B05688C2B3E6C1F,
                                       0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179};
static const uint8_t BLAKE2B_SIGMA[10][BLAKE2B_WORDS] = {
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

/* The state before any byte: digest of 32 bytes, no key, fanout and depth 1, and the personalisation (section 2.5). */
static inline void blake2b_start(uint64_t h[8], const uint8_t person[16])
{
    for (int i = 0; i < 8; i++) h[i] = BLAKE2B_IV[i];
    h[0] ^= 0x01010000 ^ BLAKE2B_DIGEST;
    h[6] ^= zkn_load_le(person);
    h[7] ^= zkn_load_le(person + 8);
}

/* Columns of a matrix (zkn.h), or pairs of digests. */
typedef struct {
    uint8_t *out;
    const uint8_t *person, *in;
    const zkn_fr *matrix;
    uint64_t *states;
    size_t first, rows, columns;
} blake2b_job;

/* So many messages go side by side, on paths that have lanes. */
#if ZKN_PATH_IFMA
enum { BLAKE2B_MANY = 8 };
#elif ZKN_PATH_ADX
enum { BLAKE2B_MANY = 4 };
#else
enum { BLAKE2B_MANY = 1 };
#endif

/* The columns or pairs from begin to end, a multiple of BLAKE2B_MANY of them. */
void blake2b_many_columns(const blake2b_job *job, size_t begin, size_t end);
void blake2b_many_parents(const blake2b_job *job, size_t begin, size_t end);

#endif
