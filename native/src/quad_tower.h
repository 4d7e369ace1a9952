/* Four elements of Fp2 side by side: fp24_*. Bounds and carries as in quad_field.h, of both coordinates. */
#ifndef ZKN_QUAD_TOWER_H
#define ZKN_QUAD_TOWER_H

#include "quad_field.h"
#include "tower.h"

typedef struct {
    fp4 c0, c1;
} fp24;

static inline void fp24_one(fp24 *out)
{
    fp4_one(&out->c0);
    fp4_zero(&out->c1);
}

static inline void fp24_add(fp24 *out, const fp24 *a, const fp24 *b)
{
    fp4_add(&out->c0, &a->c0, &b->c0);
    fp4_add(&out->c1, &a->c1, &b->c1);
}

static inline void fp24_sub(fp24 *out, const fp24 *a, const fp24 *b)
{
    fp4_sub(&out->c0, &a->c0, &b->c0);
    fp4_sub(&out->c1, &a->c1, &b->c1);
}

static inline void fp24_select(fp24 *out, const fp24 *b, lane_mask mask)
{
    fp4_select(&out->c0, &b->c0, mask);
    fp4_select(&out->c1, &b->c1, mask);
}

static inline void fp24_settle(fp24 *a)
{
    fp4_settle(&a->c0);
    fp4_settle(&a->c1);
}

/* a b, for a carried and of bound 3: four products and two reductions, 504 multiplications, where Karatsuba's three have
 * 513 and more sums. Limbs of b are below 2^31, and its bound at most 16. */
static inline void fp24_mul(fp24 *out, const fp24 *a, const fp24 *b)
{
    fp4 zero, minus, real = b->c0, imaginary = b->c1, first;
    fp4_carry(&real), fp4_carry(&imaginary);
    fp4_zero(&zero);
    fp4_sub(&minus, &zero, &a->c1);
    fp4_mul_two(&first, &a->c0, &real, &imaginary, &minus);
    fp4_mul_two(&out->c1, &a->c0, &imaginary, &a->c1, &real);
    out->c0 = first;
}

/* (c0 + c1)(c0 - c1) and 2 c0 c1, for a carried and of bound 3 */
static inline void fp24_sqr(fp24 *out, const fp24 *a)
{
    fp4 sum, difference, twice;
    fp4_add(&sum, &a->c0, &a->c1);
    fp4_carry(&sum);
    fp4_sub(&difference, &a->c0, &a->c1);
    fp4_add(&twice, &a->c0, &a->c0);
    fp4_mul(&out->c1, &a->c1, &twice);
    fp4_mul(&out->c0, &sum, &difference);
}

#endif
