/* Arithmetic of the tower, each level from the products of the one below (Karatsuba). */
#include "tower.h"

/* ---- Fp2 = Fp[i] / (i^2 + 1) ---- */

/* As sums of products (Longa 2022, eprint 2022/367, section 3.2): one product more than Karatsuba's three, one
 * reduction less, and nothing added but a negation. */
void fp2_mul(zkn_fp2 *out, const zkn_fp2 *a, const zkn_fp2 *b)
{
    zkn_fp x[2] = {a->c0, a->c1}, real[2], imaginary[2];
    fp2_factor(real, imaginary, b);
    fp_sum_products(&out->c0, x, fp_in_order, real, 2, 2);
    fp_sum_products(&out->c1, x, fp_in_order, imaginary, 2, 2);
}

void fp2_sqr(zkn_fp2 *out, const zkn_fp2 *a)
{
    zkn_fp sum, difference, twice;
    fp_add_lazy(&sum, &a->c0, &a->c1);
    fp_sub(&difference, &a->c0, &a->c1);
    fp_add_lazy(&twice, &a->c0, &a->c0);
    fp_sum_products(&out->c1, &twice, fp_in_order, &a->c1, 1, 2);
    fp_sum_products(&out->c0, &sum, fp_in_order, &difference, 1, 2);
}

void fp2_mul_xi(zkn_fp2 *out, const zkn_fp2 *a)
{
    const zkn_fp a0 = a->c0;
#if XI_REAL == 1
    fp_sub(&out->c0, &a0, &a->c1);
    fp_add(&out->c1, &a0, &a->c1);
#else
    zkn_fp minus;
    fp_neg_lazy(&minus, &a->c1);
    fp_mul_small_add(&out->c0, &a0, XI_REAL, &minus);
    fp_mul_small_add(&out->c1, &a->c1, XI_REAL, &a0);
#endif
}

void fp2_inv(zkn_fp2 *out, const zkn_fp2 *a)
{
    zkn_fp norm, t;
    fp_sqr(&norm, &a->c0);
    fp_sqr(&t, &a->c1);
    fp_add(&norm, &norm, &t);
    fp_inv(&norm, &norm);
    fp_mul(&out->c0, &a->c0, &norm);
    fp_neg(&norm, &norm);
    fp_mul(&out->c1, &a->c1, &norm);
}

/* ---- Fp6 = Fp2[v] / (v^3 - xi) ---- */

static void fp6_add(zkn_fp6 *out, const zkn_fp6 *a, const zkn_fp6 *b)
{
    fp2_add(&out->c0, &a->c0, &b->c0);
    fp2_add(&out->c1, &a->c1, &b->c1);
    fp2_add(&out->c2, &a->c2, &b->c2);
}

static void fp6_sub(zkn_fp6 *out, const zkn_fp6 *a, const zkn_fp6 *b)
{
    fp2_sub(&out->c0, &a->c0, &b->c0);
    fp2_sub(&out->c1, &a->c1, &b->c1);
    fp2_sub(&out->c2, &a->c2, &b->c2);
}

static void fp6_neg(zkn_fp6 *out, const zkn_fp6 *a)
{
    fp2_neg(&out->c0, &a->c0);
    fp2_neg(&out->c1, &a->c1);
    fp2_neg(&out->c2, &a->c2);
}

/* out <- v a */
static void fp6_mul_v(zkn_fp6 *out, const zkn_fp6 *a)
{
    zkn_fp2 t;
    fp2_mul_xi(&t, &a->c2);
    out->c2 = a->c1;
    out->c1 = a->c0;
    out->c0 = t;
}

/* The sum of six products; not inline, as its code is long and runs six times a product of Fp6. */
static __attribute__((noinline)) void sum_of_six(zkn_fp *out, const zkn_fp a[6], const zkn_fp b[6])
{
    fp_sum_products(out, a, fp_in_order, b, 6, 6);
}

/* Each coordinate of sum a_i b_(k - i) v^k, with b_-j = xi b_(3 - j), as one sum of products (Longa 2022,
 * section 3.2). The factors of all three k are windows of one row: b2 b1 b0 (xi b2) (xi b1). */
static void fp6_mul(zkn_fp6 *out, const zkn_fp6 *a, const zkn_fp6 *b)
{
    const zkn_fp x[6] = {a->c0.c0, a->c0.c1, a->c1.c0, a->c1.c1, a->c2.c0, a->c2.c1};
    zkn_fp real[10], imaginary[10];
    zkn_fp2 shifted1, shifted2;
    fp2_mul_xi(&shifted1, &b->c1);
    fp2_mul_xi(&shifted2, &b->c2);
    fp2_factor(&real[0], &imaginary[0], &b->c2);
    fp2_factor(&real[2], &imaginary[2], &b->c1);
    fp2_factor(&real[4], &imaginary[4], &b->c0);
    fp2_factor(&real[6], &imaginary[6], &shifted2);
    fp2_factor(&real[8], &imaginary[8], &shifted1);
    sum_of_six(&out->c2.c0, x, &real[0]);
    sum_of_six(&out->c2.c1, x, &imaginary[0]);
    sum_of_six(&out->c1.c0, x, &real[2]);
    sum_of_six(&out->c1.c1, x, &imaginary[2]);
    sum_of_six(&out->c0.c0, x, &real[4]);
    sum_of_six(&out->c0.c1, x, &imaginary[4]);
}

static void fp6_inv(zkn_fp6 *out, const zkn_fp6 *a)
{
    /* adjoint (A, B, C) of multiplication by a, and its norm (Devegili et al. 2006) */
    zkn_fp2 A, B, C, t, norm;
    fp2_sqr(&A, &a->c0);
    fp2_mul(&t, &a->c1, &a->c2);
    fp2_mul_xi(&t, &t);
    fp2_sub(&A, &A, &t); /* c0^2 - xi c1 c2 */
    fp2_sqr(&B, &a->c2);
    fp2_mul_xi(&B, &B);
    fp2_mul(&t, &a->c0, &a->c1);
    fp2_sub(&B, &B, &t); /* xi c2^2 - c0 c1 */
    fp2_sqr(&C, &a->c1);
    fp2_mul(&t, &a->c0, &a->c2);
    fp2_sub(&C, &C, &t); /* c1^2 - c0 c2 */
    fp2_mul(&norm, &a->c2, &B);
    fp2_mul(&t, &a->c1, &C);
    fp2_add(&norm, &norm, &t);
    fp2_mul_xi(&norm, &norm);
    fp2_mul(&t, &a->c0, &A);
    fp2_add(&norm, &norm, &t);
    fp2_inv(&norm, &norm);
    fp2_mul(&out->c0, &A, &norm);
    fp2_mul(&out->c1, &B, &norm);
    fp2_mul(&out->c2, &C, &norm);
}

/* ---- Fp12 = Fp6[w] / (w^2 - v) ---- */

void fp12_one(zkn_fp12 *out)
{
    *out = (zkn_fp12){0};
    fp_one(&out->c0.c0.c0);
}

static int fp6_equal(const zkn_fp6 *a, const zkn_fp6 *b)
{
    return fp2_equal(&a->c0, &b->c0) & fp2_equal(&a->c1, &b->c1) & fp2_equal(&a->c2, &b->c2);
}

int fp12_equal(const zkn_fp12 *a, const zkn_fp12 *b)
{
    return fp6_equal(&a->c0, &b->c0) & fp6_equal(&a->c1, &b->c1);
}

int fp12_is_one(const zkn_fp12 *a)
{
    zkn_fp12 one;
    fp12_one(&one);
    return fp12_equal(a, &one);
}

void fp12_mul(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp12 *b)
{
    zkn_fp6 low, high, cross, t;
    fp6_add(&cross, &a->c0, &a->c1);
    fp6_add(&t, &b->c0, &b->c1);
    fp6_mul(&low, &a->c0, &b->c0);
    fp6_mul(&high, &a->c1, &b->c1);
    fp6_mul(&cross, &cross, &t);
    fp6_sub(&cross, &cross, &low);
    fp6_sub(&out->c1, &cross, &high);
    fp6_mul_v(&high, &high);
    fp6_add(&out->c0, &low, &high);
}

/* (c0 + c1)(c0 + v c1) - (1 + v) c0 c1 + 2 c0 c1 w */
void fp12_sqr(zkn_fp12 *out, const zkn_fp12 *a)
{
    zkn_fp6 sum, shifted, product;
    fp6_add(&sum, &a->c0, &a->c1);
    fp6_mul_v(&shifted, &a->c1);
    fp6_add(&shifted, &shifted, &a->c0);
    fp6_mul(&product, &a->c0, &a->c1);
    fp6_mul(&sum, &sum, &shifted);
    fp6_sub(&sum, &sum, &product);
    fp6_mul_v(&shifted, &product);
    fp6_sub(&out->c0, &sum, &shifted);
    fp6_add(&out->c1, &product, &product);
}

void fp12_inv(zkn_fp12 *out, const zkn_fp12 *a)
{
    zkn_fp6 norm, t; /* c0^2 - v c1^2 */
    fp6_mul(&norm, &a->c0, &a->c0);
    fp6_mul(&t, &a->c1, &a->c1);
    fp6_mul_v(&t, &t);
    fp6_sub(&norm, &norm, &t);
    fp6_inv(&norm, &norm);
    fp6_mul(&out->c0, &a->c0, &norm);
    fp6_neg(&norm, &norm);
    fp6_mul(&out->c1, &a->c1, &norm);
}

void fp12_conj(zkn_fp12 *out, const zkn_fp12 *a)
{
    out->c0 = a->c0;
    fp6_neg(&out->c1, &a->c1);
}

void fp12_frobenius(zkn_fp12 *out, const zkn_fp12 *a, int power)
{
    const zkn_fp2 *gamma = power == 1 ? FROBENIUS_1 : power == 2 ? FROBENIUS_2 : FROBENIUS_3;
    const zkn_fp2 *from[6] = {&a->c0.c0, &a->c1.c0, &a->c0.c1, &a->c1.c1, &a->c0.c2, &a->c1.c2};
    zkn_fp2 *to[6] = {&out->c0.c0, &out->c1.c0, &out->c0.c1, &out->c1.c1, &out->c0.c2, &out->c1.c2};
    for (int k = 0; k < 6; k++) {
        zkn_fp2 t = *from[k];
        if (power & 1) fp2_conj(&t, &t);
        if (k == 0) {
            *to[k] = t;
        } else {
            fp2_mul(to[k], &t, &gamma[k]);
        }
    }
}
