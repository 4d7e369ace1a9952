/* Words of eight elements anywhere in memory to lanes, and back. */
#ifndef ZKN_LANE_GATHER_H
#define ZKN_LANE_GATHER_H

#include "lane.h"

#ifndef ZKN_LANES_EMULATED

/* As lane_load4 and lane_store4, the i-th element at in[i] + at. */
static inline void lane_gather4(lane_word out[4], const uint64_t *const in[LANES], size_t at)
{
    lane_word v[4];
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) {
        const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(in[i] + at));
        const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(in[i + 4] + at));
        v[i] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    lane_columns4(out, v);
}

static inline void lane_scatter4(uint64_t *const out[LANES], size_t at, const lane_word in[4])
{
    lane_word v[4];
    lane_rows4(v, in);
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(void *)(out[i] + at), _mm512_castsi512_si256(v[i]));
        _mm256_storeu_si256((__m256i *)(void *)(out[i + 4] + at), _mm512_extracti64x4_epi64(v[i], 1));
    }
}

/* The same for two words of each. */
static inline void lane_gather2(lane_word out[2], const uint64_t *const in[LANES], size_t at)
{
    __m512i half[2];
    ZKN_UNROLL
    for (int k = 0; k < 2; k++) {
        __m128i row[4];
        ZKN_UNROLL
        for (int i = 0; i < 4; i++)
            row[i] = _mm_loadu_si128((const __m128i *)(const void *)(in[2 * i + k] + at));
        half[k] = _mm512_castsi128_si512(row[0]);
        half[k] = _mm512_inserti64x2(half[k], row[1], 1);
        half[k] = _mm512_inserti64x2(half[k], row[2], 2);
        half[k] = _mm512_inserti64x2(half[k], row[3], 3);
    }
    out[0] = _mm512_unpacklo_epi64(half[0], half[1]);
    out[1] = _mm512_unpackhi_epi64(half[0], half[1]);
}

static inline void lane_scatter2(uint64_t *const out[LANES], size_t at, const lane_word in[2])
{
    const __m512i half[2] = {_mm512_unpacklo_epi64(in[0], in[1]), _mm512_unpackhi_epi64(in[0], in[1])};
    ZKN_UNROLL
    for (int k = 0; k < 2; k++) {
        _mm_storeu_si128((__m128i *)(void *)(out[k] + at), _mm512_castsi512_si128(half[k]));
        _mm_storeu_si128((__m128i *)(void *)(out[2 + k] + at), _mm512_extracti64x2_epi64(half[k], 1));
        _mm_storeu_si128((__m128i *)(void *)(out[4 + k] + at), _mm512_extracti64x2_epi64(half[k], 2));
        _mm_storeu_si128((__m128i *)(void *)(out[6 + k] + at), _mm512_extracti64x2_epi64(half[k], 3));
    }
}

#else

static inline void lane_gather4(lane_word out[4], const uint64_t *const in[LANES], size_t at)
{
    for (size_t j = 0; j < 4; j++) {
        for (int i = 0; i < LANES; i++) out[j].w[i] = in[i][at + j];
    }
}

static inline void lane_scatter4(uint64_t *const out[LANES], size_t at, const lane_word in[4])
{
    for (size_t j = 0; j < 4; j++) {
        for (int i = 0; i < LANES; i++) out[i][at + j] = in[j].w[i];
    }
}

static inline void lane_gather2(lane_word out[2], const uint64_t *const in[LANES], size_t at)
{
    for (size_t j = 0; j < 2; j++) {
        for (int i = 0; i < LANES; i++) out[j].w[i] = in[i][at + j];
    }
}

static inline void lane_scatter2(uint64_t *const out[LANES], size_t at, const lane_word in[2])
{
    for (size_t j = 0; j < 2; j++) {
        for (int i = 0; i < LANES; i++) out[i][at + j] = in[j].w[i];
    }
}

#endif

/* As lane_load4 and lane_store4, for elements of six words. */
static inline void lane_load6(lane_word out[6], const uint64_t *in, size_t stride)
{
    const uint64_t *rows[LANES];
    for (size_t i = 0; i < LANES; i++) rows[i] = in + i * stride;
    lane_gather4(out, rows, 0);
    lane_gather2(out + 4, rows, 4);
}

static inline void lane_store6(uint64_t *out, size_t stride, const lane_word in[6])
{
    uint64_t *rows[LANES];
    for (size_t i = 0; i < LANES; i++) rows[i] = out + i * stride;
    lane_scatter4(rows, 0, in);
    lane_scatter2(rows, 4, in + 4);
}

#endif
