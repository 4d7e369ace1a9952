/* Four elements of Fp side by side: fp4_*, for the adx path and BN254.
 *
 * The form of x is x S mod m with S = 2^261: nine limbs of 29 bits, one vector a limb. Nothing is reduced. A value has a
 * *bound* of k if it is below k m. Since S > 169 m, the product of bounds a and b has a bound of
 *
 *     a b / 169 + 1        (x y + q m) / S, q < S  (Montgomery 1985)
 *
 * An element is *carried* if its limbs are below 2^29 (the top one: below 2^32), which is what products give. A product
 * needs one carried factor; limbs of the other may reach 2^31: a column is then below 9 (2^60 + 2^58) + 2^36 < 2^64. So
 * sums and differences of carried elements are factors as they are. Limbs are never negative. ZKN_CHECK asserts what
 * factors must be. Constant time throughout. */
#ifndef ZKN_QUAD_FIELD_H
#define ZKN_QUAD_FIELD_H

#include "field.h"
#include "quad.h"

enum { QUAD_BITS = 29, QUAD_LIMBS = 9 };

#define QUAD_MASK (((uint64_t)1 << QUAD_BITS) - 1)

typedef struct {
    lane_word l[QUAD_LIMBS];
} fp4;

/* out <- a b, for a carried and limbs of b below 2^31; carried */
void fp4_mul(fp4 *out, const fp4 *a, const fp4 *b);
/* out <- a^2, for a carried; carried */
void fp4_sqr(fp4 *out, const fp4 *a);
/* out <- a b + c d, all carried but for limbs of d below 2^30; carried */
void fp4_mul_two(fp4 *out, const fp4 *a, const fp4 *b, const fp4 *c, const fp4 *d);

/* out <- add + a b + c d + e f + g h, all carried; carried, and the bound is that of add above that of the products */
void fp4_add_four(fp4 *out, const fp4 *add, const fp4 *a, const fp4 *b, const fp4 *c, const fp4 *d,
                  const fp4 *e, const fp4 *f, const fp4 *g, const fp4 *h);

static inline int fp4_is_below(const fp4 *a, unsigned bits)
{
    lane_word high = _mm256_srli_epi64(a->l[QUAD_LIMBS - 1], 32);
    for (int i = 0; i + 1 < QUAD_LIMBS; i++)
        high = lane_or(high, _mm256_srl_epi64(a->l[i], _mm_cvtsi32_si128((int)bits)));
    return _mm256_testz_si256(high, high);
}

/* The same limbs in every lane. */
static inline void fp4_all(fp4 *out, const uint32_t in[QUAD_LIMBS])
{
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_all(in[i]);
}

static inline void fp4_zero(fp4 *out)
{
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_all(0);
}

static inline void fp4_one(fp4 *out)
{
    fp4_all(out, FP_QUAD_ONE);
}

/* Bounds and limbs add. */
static inline void fp4_add(fp4 *out, const fp4 *a, const fp4 *b)
{
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_add(a->l[i], b->l[i]);
}

/* a - b + 4 m, for b carried and of bound 3: limbs grow by 2^30. */
static inline void fp4_sub(fp4 *out, const fp4 *a, const fp4 *b)
{
    ZKN_ASSERT(fp4_is_below(b, QUAD_BITS));
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++)
        out->l[i] = lane_add(lane_sub(a->l[i], b->l[i]), lane_all(FP_QUAD_SPARE[i]));
}

/* out <- b in the lanes of the mask */
static inline void fp4_select(fp4 *out, const fp4 *b, lane_mask mask)
{
    const lane_word signs = lane_signs(mask);
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_choose(out->l[i], b->l[i], signs);
}

static inline void fp4_carry(fp4 *a)
{
    ZKN_UNROLL
    for (int i = 0; i + 1 < QUAD_LIMBS; i++) {
        a->l[i + 1] = lane_add(a->l[i + 1], lane_shr(a->l[i], QUAD_BITS));
        a->l[i] = lane_and(a->l[i], lane_all(QUAD_MASK));
    }
}

/* Less k m, k <= 169 in each lane, and carried. Each limb lends 2^9 units to the one below, so that none is negative
 * before its carry. */
static inline void fp4_less(fp4 *a, lane_word k)
{
    enum { LENT = 9 };
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) {
        const uint64_t lent =
            (i + 1 < QUAD_LIMBS ? (uint64_t)1 << (QUAD_BITS + LENT) : 0) - (i > 0 ? (uint64_t)1 << LENT : 0);
        a->l[i] = lane_sub(lane_add(a->l[i], lane_all(lent)), lane_mul_32(k, lane_all(FP_QUAD_MODULUS[i])));
    }
    fp4_carry(a);
}

/* From limbs below 2^35 and a bound of 169 to carried and a bound of 1.001. With T the top limb, T FOLD / 2^52 is at most
 * T / (m8 + 1), so never above the quotient by m, and misses it by less than 170 / m8 + 65 / m8 < 2^-13. */
static inline void fp4_settle(fp4 *a)
{
    fp4_less(a, lane_shr(lane_mul_32(a->l[QUAD_LIMBS - 1], lane_all(FP_QUAD_FOLD)), 52));
    ZKN_ASSERT(fp4_is_below(a, QUAD_BITS));
}

/* From carried and bound 2 to the one value below m. */
static inline void fp4_canonical(fp4 *a)
{
    fp4 less = *a;
    fp4_less(&less, lane_all(1));
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) a->l[i] = lane_choose(less.l[i], a->l[i], less.l[QUAD_LIMBS - 1]);
}

/* Four words of 64 bits in limbs. */
static inline void fp4_split(fp4 *out, const lane_word w[4])
{
    const lane_word mask = lane_all(QUAD_MASK);
    out->l[0] = lane_and(w[0], mask);
    out->l[1] = lane_and(lane_shr(w[0], 29), mask);
    out->l[2] = lane_and(lane_or(lane_shr(w[0], 58), lane_shl(w[1], 6)), mask);
    out->l[3] = lane_and(lane_shr(w[1], 23), mask);
    out->l[4] = lane_and(lane_or(lane_shr(w[1], 52), lane_shl(w[2], 12)), mask);
    out->l[5] = lane_and(lane_shr(w[2], 17), mask);
    out->l[6] = lane_and(lane_or(lane_shr(w[2], 46), lane_shl(w[3], 18)), mask);
    out->l[7] = lane_and(lane_shr(w[3], 11), mask);
    out->l[8] = lane_shr(w[3], 40);
}

/* A carried value below 2^256 in words of 64 bits. */
static inline void fp4_join(lane_word w[4], const fp4 *a)
{
    ZKN_ASSERT(fp4_is_below(a, QUAD_BITS));
    w[0] = lane_or(lane_or(a->l[0], lane_shl(a->l[1], 29)), lane_shl(a->l[2], 58));
    w[1] = lane_or(lane_or(lane_shr(a->l[2], 6), lane_shl(a->l[3], 23)), lane_shl(a->l[4], 52));
    w[2] = lane_or(lane_or(lane_shr(a->l[4], 12), lane_shl(a->l[5], 17)), lane_shl(a->l[6], 46));
    w[3] = lane_or(lane_or(lane_shr(a->l[6], 18), lane_shl(a->l[7], 11)), lane_shl(a->l[8], 40));
}

/* Words of x R to the form of quads, S = 2^5 R; settled. */
static inline void fp4_enter(fp4 *out, const lane_word w[4])
{
    fp4_split(out, w);
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_shl(out->l[i], 5);
    fp4_settle(out);
}

/* Back to words of x R, below m. */
static inline void fp4_leave(lane_word w[4], const fp4 *a)
{
    fp4 r;
    fp4_all(&r, FP_QUAD_R);
    fp4_mul(&r, a, &r);
    fp4_canonical(&r);
    fp4_join(w, &r);
}

#endif
