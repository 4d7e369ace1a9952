/* Eight elements of Fp2 side by side. Bounds and carries as in lane_field_template.h, of both coordinates. */
#ifndef ZKN_LANE_TOWER_H
#define ZKN_LANE_TOWER_H

#include "lane_field.h"

#if ZKN_PATH_IFMA

static inline void fp8_one(fp8 *out)
{
    fp8_all(out, FP_LANE_ONE);
}

/* Products whose second factor, or whose factor, has bound k: what fp28 must know and fp8 need not. */
static inline void fp8_mul_by(fp8 *out, const fp8 *a, const fp8 *b, uint64_t k)
{
    (void)k;
    fp8_mul(out, a, b);
}

static inline void fp8_sqr_by(fp8 *out, const fp8 *a, uint64_t k)
{
    (void)k;
    fp8_sqr(out, a);
}

typedef struct {
    fp8 c0, c1;
} fp28;

static inline void fp28_one(fp28 *out)
{
    static const uint64_t zero[FP_LANE_LIMBS];
    fp8_all(&out->c0, FP_LANE_ONE);
    fp8_all(&out->c1, zero);
}

#if FP_LANE_LIMBS == 5
static inline void fp28_times_16(fp28 *out, const fp28 *a)
{
    fp8_times_16(&out->c0, &a->c0);
    fp8_times_16(&out->c1, &a->c1);
}
#endif

static inline void fp28_add(fp28 *out, const fp28 *a, const fp28 *b)
{
    fp8_add(&out->c0, &a->c0, &b->c0);
    fp8_add(&out->c1, &a->c1, &b->c1);
}

static inline void fp28_sub(fp28 *out, const fp28 *a, const fp28 *b, uint64_t k)
{
    fp8_sub(&out->c0, &a->c0, &b->c0, k);
    fp8_sub(&out->c1, &a->c1, &b->c1, k);
}

static inline void fp28_carry(fp28 *a)
{
    fp8_carry(&a->c0);
    fp8_carry(&a->c1);
}

/* a b, for b of bound k: a bound of 2 a k / 84 + 1. Four products and two reductions: 310 multiplications, where
 * Karatsuba's three products with their own reductions have 315 and more sums. */
static inline void fp28_mul_by(fp28 *out, const fp28 *a, const fp28 *b, uint64_t k)
{
    fp8_wide real, imaginary;
    fp8 zero, minus;
    for (int i = 0; i < FP_LANE_LIMBS; i++) zero.l[i] = lane_all(0);
    fp8_sub(&minus, &zero, &b->c1, k);
    fp8_carry(&minus);
    fp8_wide_zero(&real);
    fp8_wide_madd(&real, &a->c0, &b->c0);
    fp8_wide_madd(&real, &a->c1, &minus);
    fp8_wide_zero(&imaginary);
    fp8_wide_madd(&imaginary, &a->c0, &b->c1);
    fp8_wide_madd(&imaginary, &a->c1, &b->c0);
    fp8_reduce(&out->c0, &real);
    fp8_reduce(&out->c1, &imaginary);
}

/* (c0 + c1)(c0 - c1) and 2 c0 c1, for a of bound k, 4 k^2 <= 84: a bound of 4 k^2 / 84 + 1 */
static inline void fp28_sqr_by(fp28 *out, const fp28 *a, uint64_t k)
{
    fp8 sum, difference, twice;
    fp8_add(&sum, &a->c0, &a->c1);
    fp8_sub(&difference, &a->c0, &a->c1, k);
    fp8_add(&twice, &a->c0, &a->c0);
    fp8_carry(&sum), fp8_carry(&difference), fp8_carry(&twice);
    fp8_mul(&out->c1, &twice, &a->c1);
    fp8_mul(&out->c0, &sum, &difference);
}

#endif

#endif
