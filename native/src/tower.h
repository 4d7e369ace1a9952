/* The tower over Fp, with xi = 9 + i for BN254 and 1 + i for BLS12-381:
 *
 *     Fp2 = Fp[i] / (i^2 + 1)      Fp6 = Fp2[v] / (v^3 - xi)      Fp12 = Fp6[w] / (w^2 - v)
 *
 * so Fp12 has the basis 1, w, .., w^5 over Fp2 with w^6 = xi. Outputs may alias inputs. Constant time in
 * the values. */
#ifndef ZKN_TOWER_H
#define ZKN_TOWER_H

#include "field.h"

/* c0 + c1 v + c2 v^2 */
typedef struct {
    zkn_fp2 c0, c1, c2;
} zkn_fp6;

/* c0 + c1 w */
typedef struct {
    zkn_fp6 c0, c1;
} zkn_fp12;

static inline void fp2_zero(zkn_fp2 *out)
{
    fp_zero(&out->c0);
    fp_zero(&out->c1);
}

static inline void fp2_one(zkn_fp2 *out)
{
    fp_one(&out->c0);
    fp_zero(&out->c1);
}

static inline int fp2_is_zero(const zkn_fp2 *a)
{
    return fp_is_zero(&a->c0) & fp_is_zero(&a->c1);
}

static inline int fp2_is_reduced(const zkn_fp2 *a)
{
    return fp_is_reduced(&a->c0) & fp_is_reduced(&a->c1);
}

static inline int fp2_equal(const zkn_fp2 *a, const zkn_fp2 *b)
{
    return fp_equal(&a->c0, &b->c0) & fp_equal(&a->c1, &b->c1);
}

static inline void fp2_add(zkn_fp2 *out, const zkn_fp2 *a, const zkn_fp2 *b)
{
    fp_add(&out->c0, &a->c0, &b->c0);
    fp_add(&out->c1, &a->c1, &b->c1);
}

static inline void fp2_dbl(zkn_fp2 *out, const zkn_fp2 *a)
{
    fp2_add(out, a, a);
}

static inline void fp2_sub(zkn_fp2 *out, const zkn_fp2 *a, const zkn_fp2 *b)
{
    fp_sub(&out->c0, &a->c0, &b->c0);
    fp_sub(&out->c1, &a->c1, &b->c1);
}

static inline void fp2_neg(zkn_fp2 *out, const zkn_fp2 *a)
{
    fp_neg(&out->c0, &a->c0);
    fp_neg(&out->c1, &a->c1);
}

static inline void fp2_cmov(zkn_fp2 *out, const zkn_fp2 *a, uint64_t choose)
{
    fp_cmov(&out->c0, &a->c0, choose);
    fp_cmov(&out->c1, &a->c1, choose);
}

static inline void fp2_conj(zkn_fp2 *out, const zkn_fp2 *a)
{
    out->c0 = a->c0;
    fp_neg(&out->c1, &a->c1);
}

static inline void fp2_mul_fp(zkn_fp2 *out, const zkn_fp2 *a, const zkn_fp *b)
{
    fp_mul(&out->c0, &a->c0, b);
    fp_mul(&out->c1, &a->c1, b);
}

static inline void fp2_halve(zkn_fp2 *out, const zkn_fp2 *a)
{
    fp_halve(&out->c0, &a->c0);
    fp_halve(&out->c1, &a->c1);
}

/* The factors by which (c0, c1) times b is two sums of two products: (b0, -b1) and (b1, b0). For fp_sum_products. */
static inline void fp2_factor(zkn_fp real[2], zkn_fp imaginary[2], const zkn_fp2 *b)
{
    real[0] = imaginary[1] = b->c0;
    imaginary[0] = b->c1;
    fp_neg_lazy(&real[1], &b->c1);
}

/* Two sums of two products, each reduced once */
void fp2_mul(zkn_fp2 *out, const zkn_fp2 *a, const zkn_fp2 *b);
/* (c0 + c1)(c0 - c1) + 2 c0 c1 i: two products */
void fp2_sqr(zkn_fp2 *out, const zkn_fp2 *a);
/* out <- xi a */
void fp2_mul_xi(zkn_fp2 *out, const zkn_fp2 *a);
/* 1/a, and 0 for 0 */
void fp2_inv(zkn_fp2 *out, const zkn_fp2 *a);

void fp12_one(zkn_fp12 *out);
int fp12_equal(const zkn_fp12 *a, const zkn_fp12 *b);
int fp12_is_one(const zkn_fp12 *a);
void fp12_mul(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp12 *b);
void fp12_sqr(zkn_fp12 *out, const zkn_fp12 *a);
void fp12_inv(zkn_fp12 *out, const zkn_fp12 *a);
/* c0 - c1 w: the p^6-th power, and the inverse of an element of the cyclotomic subgroup */
void fp12_conj(zkn_fp12 *out, const zkn_fp12 *a);
/* a^(p^power), power 1 to 3 */
void fp12_frobenius(zkn_fp12 *out, const zkn_fp12 *a, int power);
/* a times y + x w + c w^3, the shape of a line where the twist is of type D, or c + x w^2 + y w^3 (type M) */
void fp12_mul_line(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp2 *y, const zkn_fp2 *x, const zkn_fp2 *c);
/* The same for y = 1. */
void fp12_mul_unit_line(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp2 *x, const zkn_fp2 *c);
/* a^2 for a in the cyclotomic subgroup, a^(p^4 - p^2 + 1) = 1 (Granger, Scott 2010, section 3.2) */
void fp12_cyclotomic_sqr(zkn_fp12 *out, const zkn_fp12 *a);

#endif
