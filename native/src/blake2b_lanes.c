/* BLAKE2b-256 of eight messages side by side: neighbouring columns of a matrix, or pairs of digests. */
#include "path.h"

#if ZKN_PATH_IFMA

#include "blake2b.h"
#include "lane_field.h"

#define B_WORD          lane_word
#define B_ALL(x)        lane_all(x)
#define B_ADD(a, b)     lane_add(a, b)
#define B_XOR(a, b)     lane_xor(a, b)
#define B_ROTATE(a, by) lane_rotate_right(a, by)
#include "blake2b_template.h"

static inline lane_word bytes_reversed(lane_word word)
{
    return lane_bytes_reversed(word);
}

/* The word at place `at` of eight strings of `size` bytes each, one after another, and the three after it; and back. */
static inline void read_words(lane_word out[4], const void *from, size_t size, size_t at)
{
    lane_load4(out, (const uint64_t *)from + at, size / 8);
}

static inline void write_words(void *to, size_t size, size_t at, const lane_word in[4])
{
    lane_store4((uint64_t *)to + at, size / 8, in);
}

/* Nothing to prepare: 1/R is 2^4 in the lanes' form. */
typedef struct {
    int none;
} element_constants;

static inline void element_prepare(element_constants *out)
{
    out->none = 0;
}

/* Eight neighbours of a row as 32 bytes big-endian each. With the factor 2^4 of *_load an element is x S, and reduced as a
 * product it is x: below (16 + S) m / S. */
static inline void element_words(lane_word m[4], const zkn_fr *in, const element_constants *constants)
{
    lane_word words[4];
    fr8 x;
    fr8_wide wide;
    (void)constants;
    fr8_load(&x, in, 1);
    fr8_wide_zero(&wide);
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) wide.c[i] = x.l[i];
    fr8_reduce(&x, &wide);
    fr8_canonical(&x);
    fr8_join(words, &x);
    for (int k = 0; k < 4; k++) m[k] = lane_bytes_reversed(words[3 - k]);
}

#include "blake2b_many_template.h"

#endif
