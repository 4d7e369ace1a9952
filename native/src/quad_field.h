/* Four elements of Fp or Fr side by side: fp4_* and, of BN254, fr4_*, for the adx path. In Fr there are products by prepared
 * factors alone (quad_factor.h).
 *
 * The form of x in Fp is x S mod m with S = 2^261: nine limbs of 29 bits, one vector a limb; for BLS12-381 S = 2^392 in
 * fourteen limbs of 28. Nothing is reduced. A value has a *bound* of k if it is below k m. Since S > 169 m, and
 * 2519 m for BLS12-381, the product of bounds a and b has a bound of at most
 *
 *     a b / 169 + 1        (x y + q m) / S, q < S  (Montgomery 1985)
 *
 * An element is *carried* if its limbs are below 2^29 or 2^28 (the top one: below 2^32), which is what products give. A
 * product needs one carried factor; limbs of the other may reach 2^31: a column is then below 9 (2^60 + 2^58) + 2^36 or
 * 14 (2^59 + 2^56) + 2^36, and so below 2^64. So
 * sums and differences of carried elements are factors as they are. Limbs are never negative. ZKN_CHECK asserts what
 * factors must be. Constant time throughout. */
#ifndef ZKN_QUAD_FIELD_H
#define ZKN_QUAD_FIELD_H

#include "field.h"
#include "quad.h"

#if ZKN_CURVE_BLS12_381
enum { QUAD_BITS = 28, QUAD_LIMBS = 14 };
#else
enum { QUAD_BITS = 29, QUAD_LIMBS = 9 };
#endif
/* S = 2^QUAD_RAISE R */
enum { QUAD_WORDS = FP_LIMBS, QUAD_RAISE = QUAD_BITS * QUAD_LIMBS - 64 * QUAD_WORDS };

#define QUAD_MASK (((uint64_t)1 << QUAD_BITS) - 1)

#define QUAD       fp4
#define QUAD_CONST FP_QUAD
#include "quad_field_template.h"

#if !ZKN_CURVE_BLS12_381
#define QUAD       fr4
#define QUAD_CONST FR_QUAD
#include "quad_field_template.h"
#endif

/* out <- a b, for a carried and limbs of b below 2^31; carried */
void fp4_mul(fp4 *out, const fp4 *a, const fp4 *b);
/* out <- a^2, for a carried; carried */
void fp4_sqr(fp4 *out, const fp4 *a);
#if !ZKN_CURVE_BLS12_381
/* out <- a b + c d, all carried but for limbs of d below 2^30; carried */
void fp4_mul_two(fp4 *out, const fp4 *a, const fp4 *b, const fp4 *c, const fp4 *d);

/* out <- add + a b + c d + e f + g h, all carried; carried, and the bound is that of add above that of the products */
void fp4_add_four(fp4 *out, const fp4 *add, const fp4 *a, const fp4 *b, const fp4 *c, const fp4 *d,
                  const fp4 *e, const fp4 *f, const fp4 *g, const fp4 *h);
#endif

static inline void fp4_one(fp4 *out)
{
    fp4_all(out, FP_QUAD_ONE);
}

/* The words of four elements of Fp, the i-th at in[i] + at: word j of all to out[j]. */
static inline void lane_gather_fp(lane_word out[FP_LIMBS], const uint64_t *const in[LANES], size_t at)
{
    lane_gather4(out, in, at);
#if FP_LIMBS == 6
    lane_gather2(out + 4, in, at + 4);
#endif
}

/* The inverse of lane_gather_fp. */
static inline void lane_scatter_fp(uint64_t *const out[LANES], size_t at, const lane_word in[FP_LIMBS])
{
    lane_scatter4(out, at, in);
#if FP_LIMBS == 6
    lane_scatter2(out, at + 4, in + 4);
#endif
}

/* Back to words of x R, below m. */
static inline void fp4_leave(lane_word w[QUAD_WORDS], const fp4 *a)
{
    fp4 r;
    fp4_all(&r, FP_QUAD_R);
    fp4_mul(&r, a, &r);
    fp4_canonical(&r);
    fp4_join(w, &r);
}

#endif
