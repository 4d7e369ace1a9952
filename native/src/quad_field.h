/* Four elements of Fp or Fr side by side: fp4_* and fr4_*, for the adx path and BN254. In Fr there are products by prepared
 * factors alone (quad_factor.h).
 *
 * The form of x in Fp is x S mod m with S = 2^261: nine limbs of 29 bits, one vector a limb. Nothing is reduced. A value has
 * a *bound* of k if it is below k m. Since S > 169 m, the product of bounds a and b has a bound of
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

#define QUAD       fp4
#define QUAD_CONST FP_QUAD
#include "quad_field_template.h"

#define QUAD       fr4
#define QUAD_CONST FR_QUAD
#include "quad_field_template.h"

/* out <- a b, for a carried and limbs of b below 2^31; carried */
void fp4_mul(fp4 *out, const fp4 *a, const fp4 *b);
/* out <- a^2, for a carried; carried */
void fp4_sqr(fp4 *out, const fp4 *a);
/* out <- a b + c d, all carried but for limbs of d below 2^30; carried */
void fp4_mul_two(fp4 *out, const fp4 *a, const fp4 *b, const fp4 *c, const fp4 *d);

/* out <- add + a b + c d + e f + g h, all carried; carried, and the bound is that of add above that of the products */
void fp4_add_four(fp4 *out, const fp4 *add, const fp4 *a, const fp4 *b, const fp4 *c, const fp4 *d,
                  const fp4 *e, const fp4 *f, const fp4 *g, const fp4 *h);

static inline void fp4_one(fp4 *out)
{
    fp4_all(out, FP_QUAD_ONE);
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
