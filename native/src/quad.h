/* Four 64-bit words side by side in AVX2, which multiplies their low halves: 32 bits by 32.
 *
 * For the adx path alone. mulx gives one product of 64 by 64 bits a cycle; AVX2 gives eight of 32 by 32, half of
 * which limbs of 29 bits, their sums and their carries use up again. */
#ifndef ZKN_QUAD_H
#define ZKN_QUAD_H

#include "word.h"

/* AVX2 from here on: not for the sources without lanes, whose scalar code is faster without. */
#ifdef ZKN_TARGET_ON
#ifdef __clang__
#pragma clang attribute pop
#endif
ZKN_TARGET_ON("bmi2,adx,avx2")
#endif

enum { LANES = 4 };

typedef __m256i lane_word;
typedef unsigned lane_mask; /* bit i for lane i */

static inline lane_word lane_all(uint64_t value)
{
    return _mm256_set1_epi64x((long long)value);
}

static inline lane_word lane_add(lane_word a, lane_word b)
{
    return _mm256_add_epi64(a, b);
}

static inline lane_word lane_sub(lane_word a, lane_word b)
{
    return _mm256_sub_epi64(a, b);
}

static inline lane_word lane_and(lane_word a, lane_word b)
{
    return _mm256_and_si256(a, b);
}

static inline lane_word lane_or(lane_word a, lane_word b)
{
    return _mm256_or_si256(a, b);
}

/* The product of the low 32 bits of each word. */
static inline lane_word lane_mul_32(lane_word a, lane_word b)
{
    return _mm256_mul_epu32(a, b);
}

#define lane_shl(a, bits) _mm256_slli_epi64(a, bits)
#define lane_shr(a, bits) _mm256_srli_epi64(a, bits)

/* b where the sign bit of the choice is set, a elsewhere */
static inline lane_word lane_choose(lane_word a, lane_word b, lane_word choice)
{
    return _mm256_castpd_si256(
        _mm256_blendv_pd(_mm256_castsi256_pd(a), _mm256_castsi256_pd(b), _mm256_castsi256_pd(choice)));
}

/* The mask in the sign bits. */
static inline lane_word lane_signs(lane_mask mask)
{
    return _mm256_sllv_epi64(lane_all(mask), _mm256_setr_epi64x(63, 62, 61, 60));
}

/* Rows become columns, and columns rows: word j of out[i] is word i of in[j]. */
static inline void lane_transpose(lane_word out[LANES], const lane_word in[LANES])
{
    const lane_word a = _mm256_unpacklo_epi64(in[0], in[1]), b = _mm256_unpackhi_epi64(in[0], in[1]);
    const lane_word c = _mm256_unpacklo_epi64(in[2], in[3]), d = _mm256_unpackhi_epi64(in[2], in[3]);
    out[0] = _mm256_permute2x128_si256(a, c, 0x20);
    out[1] = _mm256_permute2x128_si256(b, d, 0x20);
    out[2] = _mm256_permute2x128_si256(a, c, 0x31);
    out[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

/* Limb j of four elements of four words, the i-th at in[i] + at, to out[j]. */
static inline void lane_gather4(lane_word out[4], const uint64_t *const in[LANES], size_t at)
{
    lane_word rows[LANES];
    ZKN_UNROLL
    for (int i = 0; i < LANES; i++) rows[i] = _mm256_loadu_si256((const __m256i *)(const void *)(in[i] + at));
    lane_transpose(out, rows);
}

/* The inverse of lane_gather4. */
static inline void lane_scatter4(uint64_t *const out[LANES], size_t at, const lane_word in[4])
{
    lane_word rows[LANES];
    lane_transpose(rows, in);
    ZKN_UNROLL
    for (int i = 0; i < LANES; i++) _mm256_storeu_si256((__m256i *)(void *)(out[i] + at), rows[i]);
}

/* The same for two words of each. */
static inline void lane_gather2(lane_word out[2], const uint64_t *const in[LANES], size_t at)
{
    __m128i row[LANES];
    ZKN_UNROLL
    for (int i = 0; i < LANES; i++) row[i] = _mm_loadu_si128((const __m128i *)(const void *)(in[i] + at));
    const lane_word even = _mm256_set_m128i(row[2], row[0]), odd = _mm256_set_m128i(row[3], row[1]);
    out[0] = _mm256_unpacklo_epi64(even, odd);
    out[1] = _mm256_unpackhi_epi64(even, odd);
}

static inline void lane_scatter2(uint64_t *const out[LANES], size_t at, const lane_word in[2])
{
    const lane_word even = _mm256_unpacklo_epi64(in[0], in[1]), odd = _mm256_unpackhi_epi64(in[0], in[1]);
    _mm_storeu_si128((__m128i *)(void *)(out[0] + at), _mm256_castsi256_si128(even));
    _mm_storeu_si128((__m128i *)(void *)(out[1] + at), _mm256_castsi256_si128(odd));
    _mm_storeu_si128((__m128i *)(void *)(out[2] + at), _mm256_extracti128_si256(even, 1));
    _mm_storeu_si128((__m128i *)(void *)(out[3] + at), _mm256_extracti128_si256(odd, 1));
}

#endif
