/* Eight 64-bit words side by side, and the products of AVX-512 IFMA on their low 52 bits.
 *
 * Only the ifma path includes this. Under ZKN_LANES_EMULATED the same functions are plain C, so that
 * everything built on them runs, and is checked, on machines without AVX-512. */
#ifndef ZKN_LANE_H
#define ZKN_LANE_H

#include "word.h"

enum { LANES = 8, LANE_BITS = 52 };

#define LANE_MASK (((uint64_t)1 << LANE_BITS) - 1)

#ifndef ZKN_LANES_EMULATED

typedef __m512i lane_word;
typedef __mmask8 lane_mask;

static inline lane_word lane_all(uint64_t value)
{
    return _mm512_set1_epi64((long long)value);
}

static inline lane_word lane_load(const uint64_t *in)
{
    return _mm512_loadu_si512(in);
}

static inline void lane_store(uint64_t *out, lane_word a)
{
    _mm512_storeu_si512(out, a);
}

static inline lane_word lane_add(lane_word a, lane_word b)
{
    return _mm512_add_epi64(a, b);
}

static inline lane_word lane_sub(lane_word a, lane_word b)
{
    return _mm512_sub_epi64(a, b);
}

static inline lane_word lane_and(lane_word a, lane_word b)
{
    return _mm512_and_si512(a, b);
}

static inline lane_word lane_or(lane_word a, lane_word b)
{
    return _mm512_or_si512(a, b);
}

static inline lane_word lane_xor(lane_word a, lane_word b)
{
    return _mm512_xor_si512(a, b);
}

/* of each word */
static inline lane_word lane_bytes_reversed(lane_word a)
{
    const __m128i order = _mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
    return _mm512_shuffle_epi8(a, _mm512_broadcast_i32x4(order));
}

#define lane_rotate_right(a, bits) _mm512_ror_epi64(a, bits)
#define lane_shl(a, bits)          _mm512_slli_epi64(a, bits)
#define lane_shr(a, bits)          _mm512_srli_epi64(a, bits)
/* the sign bit comes in from above */
#define lane_sar(a, bits) _mm512_srai_epi64(a, bits)

/* sum + the low, or the high, 52 bits of the 104-bit product of the low 52 bits of a and b */
static inline lane_word lane_madd_low(lane_word sum, lane_word a, lane_word b)
{
    return _mm512_madd52lo_epu64(sum, a, b);
}

static inline lane_word lane_madd_high(lane_word sum, lane_word a, lane_word b)
{
    return _mm512_madd52hi_epu64(sum, a, b);
}

static inline lane_mask lane_equal(lane_word a, lane_word b)
{
    return _mm512_cmpeq_epi64_mask(a, b);
}

/* a below 0 as a signed word */
static inline lane_mask lane_negative(lane_word a)
{
    return _mm512_movepi64_mask(a);
}

/* b where the mask has a bit, a elsewhere */
static inline lane_word lane_select(lane_word a, lane_word b, lane_mask mask)
{
    return _mm512_mask_blend_epi64(mask, a, b);
}

/* Word i is a[from[i]], or b[from[i] - 8] from 8 on. */
static inline lane_word lane_pick(lane_word a, lane_word b, const uint64_t from[LANES])
{
    return _mm512_permutex2var_epi64(a, _mm512_loadu_si512(from), b);
}

/* Rows become columns: word j of out[i] is word i of in[j]. */
static inline void lane_transpose(lane_word out[LANES], const lane_word in[LANES])
{
    lane_word pairs[LANES], quads[LANES];
    ZKN_UNROLL
    for (int i = 0; i < LANES; i += 2) {
        pairs[i] = _mm512_unpacklo_epi64(in[i], in[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi64(in[i], in[i + 1]);
    }
    ZKN_UNROLL
    for (int i = 0; i < LANES; i += 4) {
        ZKN_UNROLL
        for (int j = 0; j < 2; j++) {
            quads[i + j] = _mm512_shuffle_i64x2(pairs[i + j], pairs[i + j + 2], 0x88);
            quads[i + j + 2] = _mm512_shuffle_i64x2(pairs[i + j], pairs[i + j + 2], 0xdd);
        }
    }
    ZKN_UNROLL
    for (int j = 0; j < 4; j++) {
        out[j] = _mm512_shuffle_i64x2(quads[j], quads[j + 4], 0x88);
        out[j + 4] = _mm512_shuffle_i64x2(quads[j], quads[j + 4], 0xdd);
    }
}

/* Rows of four words, i and i + 4 in in[i], to columns. */
static inline void lane_columns4(lane_word out[4], const lane_word in[4])
{
    const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    const __m512i a = _mm512_unpacklo_epi64(in[0], in[1]), b = _mm512_unpacklo_epi64(in[2], in[3]);
    const __m512i c = _mm512_unpackhi_epi64(in[0], in[1]), d = _mm512_unpackhi_epi64(in[2], in[3]);
    out[0] = _mm512_permutex2var_epi64(a, even, b);
    out[1] = _mm512_permutex2var_epi64(c, even, d);
    out[2] = _mm512_permutex2var_epi64(a, odd, b);
    out[3] = _mm512_permutex2var_epi64(c, odd, d);
}

/* The inverse of lane_columns4. */
static inline void lane_rows4(lane_word out[4], const lane_word in[4])
{
    const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    const __m512i a = _mm512_permutex2var_epi64(in[0], even, in[2]);
    const __m512i b = _mm512_permutex2var_epi64(in[0], odd, in[2]);
    const __m512i c = _mm512_permutex2var_epi64(in[1], even, in[3]);
    const __m512i d = _mm512_permutex2var_epi64(in[1], odd, in[3]);
    out[0] = _mm512_unpacklo_epi64(a, c), out[1] = _mm512_unpackhi_epi64(a, c);
    out[2] = _mm512_unpacklo_epi64(b, d), out[3] = _mm512_unpackhi_epi64(b, d);
}

/* Limb j of eight elements of four words, the i-th at in + i stride words, to out[j]. */
static inline void lane_load4(lane_word out[4], const uint64_t *in, size_t stride)
{
    lane_word v[4];
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) {
        const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(in + (size_t)i * stride));
        const __m256i high =
            _mm256_loadu_si256((const __m256i *)(const void *)(in + (size_t)(i + 4) * stride));
        v[i] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    lane_columns4(out, v);
}

/* The inverse of lane_load4. */
static inline void lane_store4(uint64_t *out, size_t stride, const lane_word in[4])
{
    lane_word v[4];
    lane_rows4(v, in);
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(void *)(out + (size_t)i * stride), _mm512_castsi512_si256(v[i]));
        _mm256_storeu_si256((__m256i *)(void *)(out + (size_t)(i + 4) * stride),
                            _mm512_extracti64x4_epi64(v[i], 1));
    }
}

/* Word j of eight elements of four words, side by side at `in`, to out[j]: the lanes in an order of their own, the same
 * for all, for which no half vectors are put together. */
static inline void lane_load4_near(lane_word out[4], const uint64_t *in)
{
    const __m512i v0 = _mm512_loadu_si512(in), v1 = _mm512_loadu_si512(in + 8);
    const __m512i v2 = _mm512_loadu_si512(in + 16), v3 = _mm512_loadu_si512(in + 24);
    const __m512i a = _mm512_unpacklo_epi64(v0, v1), b = _mm512_unpacklo_epi64(v2, v3);
    const __m512i c = _mm512_unpackhi_epi64(v0, v1), d = _mm512_unpackhi_epi64(v2, v3);
    out[0] = _mm512_shuffle_i64x2(a, b, 0x88);
    out[1] = _mm512_shuffle_i64x2(c, d, 0x88);
    out[2] = _mm512_shuffle_i64x2(a, b, 0xdd);
    out[3] = _mm512_shuffle_i64x2(c, d, 0xdd);
}

/* The inverse of lane_load4_near. */
static inline void lane_store4_near(uint64_t *out, const lane_word in[4])
{
    const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i last = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    const __m512i a = _mm512_unpacklo_epi64(in[0], in[1]), b = _mm512_unpackhi_epi64(in[0], in[1]);
    const __m512i c = _mm512_unpacklo_epi64(in[2], in[3]), d = _mm512_unpackhi_epi64(in[2], in[3]);
    _mm512_storeu_si512(out, _mm512_permutex2var_epi64(a, first, c));
    _mm512_storeu_si512(out + 8, _mm512_permutex2var_epi64(b, first, d));
    _mm512_storeu_si512(out + 16, _mm512_permutex2var_epi64(a, last, c));
    _mm512_storeu_si512(out + 24, _mm512_permutex2var_epi64(b, last, d));
}

#else

typedef struct {
    uint64_t w[LANES];
} lane_word;
typedef uint8_t lane_mask;

#define LANE_EACH(expression)                                                                                \
    do {                                                                                                     \
        lane_word lane_out;                                                                                  \
        for (int i = 0; i < LANES; i++) lane_out.w[i] = (expression);                                        \
        return lane_out;                                                                                     \
    } while (0)

static inline lane_word lane_all(uint64_t value)
{
    LANE_EACH(value);
}

static inline lane_word lane_load(const uint64_t *in)
{
    LANE_EACH(in[i]);
}

static inline void lane_store(uint64_t *out, lane_word a)
{
    for (int i = 0; i < LANES; i++) out[i] = a.w[i];
}

static inline lane_word lane_add(lane_word a, lane_word b)
{
    LANE_EACH(a.w[i] + b.w[i]);
}

static inline lane_word lane_sub(lane_word a, lane_word b)
{
    LANE_EACH(a.w[i] - b.w[i]);
}

static inline lane_word lane_and(lane_word a, lane_word b)
{
    LANE_EACH(a.w[i] & b.w[i]);
}

static inline lane_word lane_or(lane_word a, lane_word b)
{
    LANE_EACH(a.w[i] | b.w[i]);
}

static inline lane_word lane_xor(lane_word a, lane_word b)
{
    LANE_EACH(a.w[i] ^ b.w[i]);
}

static inline lane_word lane_bytes_reversed(lane_word a)
{
    LANE_EACH(__builtin_bswap64(a.w[i]));
}

/* by 1 to 63 bits */
static inline lane_word lane_rotate_right(lane_word a, unsigned bits)
{
    LANE_EACH(a.w[i] >> bits | a.w[i] << (64 - bits));
}

static inline lane_word lane_shl(lane_word a, unsigned bits)
{
    LANE_EACH(a.w[i] << bits);
}

static inline lane_word lane_shr(lane_word a, unsigned bits)
{
    LANE_EACH(a.w[i] >> bits);
}

static inline lane_word lane_sar(lane_word a, unsigned bits)
{
    LANE_EACH((uint64_t)((int64_t)a.w[i] >> bits));
}

static inline lane_word lane_madd_low(lane_word sum, lane_word a, lane_word b)
{
    LANE_EACH(sum.w[i] + ((a.w[i] & LANE_MASK) * (b.w[i] & LANE_MASK) & LANE_MASK));
}

static inline lane_word lane_madd_high(lane_word sum, lane_word a, lane_word b)
{
    LANE_EACH(sum.w[i] + (uint64_t)((zkn_u128)(a.w[i] & LANE_MASK) * (b.w[i] & LANE_MASK) >> LANE_BITS));
}

static inline lane_mask lane_equal(lane_word a, lane_word b)
{
    unsigned mask = 0;
    for (int i = 0; i < LANES; i++) mask |= (unsigned)(a.w[i] == b.w[i]) << i;
    return (lane_mask)mask;
}

static inline lane_mask lane_negative(lane_word a)
{
    unsigned mask = 0;
    for (int i = 0; i < LANES; i++) mask |= (unsigned)(a.w[i] >> 63) << i;
    return (lane_mask)mask;
}

static inline lane_word lane_select(lane_word a, lane_word b, lane_mask mask)
{
    LANE_EACH(mask >> i & 1 ? b.w[i] : a.w[i]);
}

static inline lane_word lane_pick(lane_word a, lane_word b, const uint64_t from[LANES])
{
    LANE_EACH(from[i] < LANES ? a.w[from[i]] : b.w[from[i] - LANES]);
}

static inline void lane_transpose(lane_word out[LANES], const lane_word in[LANES])
{
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < LANES; j++) out[i].w[j] = in[j].w[i];
    }
}

static inline void lane_load4(lane_word out[4], const uint64_t *in, size_t stride)
{
    for (int j = 0; j < 4; j++) {
        for (size_t i = 0; i < LANES; i++) out[j].w[i] = in[i * stride + (size_t)j];
    }
}

static inline void lane_store4(uint64_t *out, size_t stride, const lane_word in[4])
{
    for (int j = 0; j < 4; j++) {
        for (size_t i = 0; i < LANES; i++) out[i * stride + (size_t)j] = in[j].w[i];
    }
}

static inline void lane_load4_near(lane_word out[4], const uint64_t *in)
{
    lane_load4(out, in, 4);
}

static inline void lane_store4_near(uint64_t *out, const lane_word in[4])
{
    lane_store4(out, 4, in);
}

#endif

#endif
