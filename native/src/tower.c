/* Arithmetic of the tower, each level from the products of the one below (Karatsuba). */
#include "tower.h"

/* ---- Fp2 = Fp[i] / (i^2 + 1) ---- */

void fp2_mul(zkn_fp2 *out, const zkn_fp2 *a, const zkn_fp2 *b)
{
    zkn_fp low, high, cross, t;
    fp_add(&cross, &a->c0, &a->c1);
    fp_add(&t, &b->c0, &b->c1);
    fp_mul(&low, &a->c0, &b->c0);
    fp_mul(&high, &a->c1, &b->c1);
    fp_mul(&cross, &cross, &t);
    fp_sub(&cross, &cross, &low);
    fp_sub(&out->c1, &cross, &high);
    fp_sub(&out->c0, &low, &high);
}

void fp2_sqr(zkn_fp2 *out, const zkn_fp2 *a)
{
    zkn_fp sum, difference, product;
    fp_add(&sum, &a->c0, &a->c1);
    fp_sub(&difference, &a->c0, &a->c1);
    fp_mul(&product, &a->c0, &a->c1);
    fp_mul(&out->c0, &sum, &difference);
    fp_dbl(&out->c1, &product);
}

void fp2_mul_xi(zkn_fp2 *out, const zkn_fp2 *a)
{
    zkn_fp2 t;
    fp2_dbl(&t, a);
    fp2_dbl(&t, &t);
    fp2_dbl(&t, &t);
    fp2_add(&t, &t, a); /* 9 a */
    const zkn_fp a0 = a->c0;
    fp_sub(&out->c0, &t.c0, &a->c1);
    fp_add(&out->c1, &t.c1, &a0);
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

/* out <- (x + y)(z + t) - minus1 - minus2 */
static void cross_product(zkn_fp2 *out, const zkn_fp2 *x, const zkn_fp2 *y, const zkn_fp2 *z,
                          const zkn_fp2 *t, const zkn_fp2 *minus1, const zkn_fp2 *minus2)
{
    zkn_fp2 left, right;
    fp2_add(&left, x, y);
    fp2_add(&right, z, t);
    fp2_mul(&left, &left, &right);
    fp2_sub(&left, &left, minus1);
    fp2_sub(out, &left, minus2);
}

/* Karatsuba over three terms: six products (Devegili et al. 2006, section 4) */
static void fp6_mul(zkn_fp6 *out, const zkn_fp6 *a, const zkn_fp6 *b)
{
    zkn_fp2 p0, p1, p2, s01, s02, s12;
    fp2_mul(&p0, &a->c0, &b->c0);
    fp2_mul(&p1, &a->c1, &b->c1);
    fp2_mul(&p2, &a->c2, &b->c2);
    cross_product(&s12, &a->c1, &a->c2, &b->c1, &b->c2, &p1, &p2);
    cross_product(&s01, &a->c0, &a->c1, &b->c0, &b->c1, &p0, &p1);
    cross_product(&s02, &a->c0, &a->c2, &b->c0, &b->c2, &p0, &p2);
    fp2_mul_xi(&s12, &s12);
    fp2_add(&out->c0, &p0, &s12);
    fp2_mul_xi(&p2, &p2);
    fp2_add(&out->c1, &s01, &p2);
    fp2_add(&out->c2, &s02, &p1);
}

/* out <- a (b0 + b1 v): five products */
static void fp6_mul_low(zkn_fp6 *out, const zkn_fp6 *a, const zkn_fp2 *b0, const zkn_fp2 *b1)
{
    zkn_fp2 p0, p1, s01, t, u;
    fp2_mul(&p0, &a->c0, b0);
    fp2_mul(&p1, &a->c1, b1);
    cross_product(&s01, &a->c0, &a->c1, b0, b1, &p0, &p1);
    fp2_mul(&t, &a->c2, b1);
    fp2_mul_xi(&t, &t);
    fp2_mul(&u, &a->c2, b0);
    fp2_add(&out->c0, &p0, &t);
    out->c1 = s01;
    fp2_add(&out->c2, &u, &p1);
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

int fp12_is_one(const zkn_fp12 *a)
{
    zkn_fp12 one;
    fp12_one(&one);
    return fp2_equal(&a->c0.c0, &one.c0.c0) & fp2_is_zero(&a->c0.c1) & fp2_is_zero(&a->c0.c2) &
           fp2_is_zero(&a->c1.c0) & fp2_is_zero(&a->c1.c1) & fp2_is_zero(&a->c1.c2);
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

void fp12_mul_line(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp2 *b0, const zkn_fp2 *b1, const zkn_fp2 *b3)
{
    zkn_fp6 low, high, cross;
    zkn_fp2 b01;
    fp2_mul(&low.c0, &a->c0.c0, b0);
    fp2_mul(&low.c1, &a->c0.c1, b0);
    fp2_mul(&low.c2, &a->c0.c2, b0);
    fp6_mul_low(&high, &a->c1, b1, b3);
    fp6_add(&cross, &a->c0, &a->c1);
    fp2_add(&b01, b0, b1);
    fp6_mul_low(&cross, &cross, &b01, b3);
    fp6_sub(&cross, &cross, &low);
    fp6_sub(&out->c1, &cross, &high);
    fp6_mul_v(&high, &high);
    fp6_add(&out->c0, &low, &high);
}

/* (a + b y)^2 = real + imaginary y over Fp4 = Fp2[y] / (y^2 - xi) */
static void fp4_sqr(zkn_fp2 *real, zkn_fp2 *imaginary, const zkn_fp2 *a, const zkn_fp2 *b)
{
    zkn_fp2 a2, b2, t;
    fp2_sqr(&a2, a);
    fp2_sqr(&b2, b);
    fp2_add(&t, a, b);
    fp2_sqr(&t, &t);
    fp2_sub(&t, &t, &a2);
    fp2_sub(imaginary, &t, &b2);
    fp2_mul_xi(&b2, &b2);
    fp2_add(real, &a2, &b2);
}

/* out <- 3 t - 2 a */
static void three_minus_two(zkn_fp2 *out, const zkn_fp2 *t, const zkn_fp2 *a)
{
    zkn_fp2 d;
    fp2_sub(&d, t, a);
    fp2_dbl(&d, &d);
    fp2_add(out, &d, t);
}

/* out <- 3 t + 2 a */
static void three_plus_two(zkn_fp2 *out, const zkn_fp2 *t, const zkn_fp2 *a)
{
    zkn_fp2 s;
    fp2_add(&s, t, a);
    fp2_dbl(&s, &s);
    fp2_add(out, &s, t);
}

void fp12_cyclotomic_sqr(zkn_fp12 *out, const zkn_fp12 *a)
{
    zkn_fp2 A0, A1, B0, B1, C0, C1;
    fp4_sqr(&A0, &A1, &a->c0.c0, &a->c1.c1);
    fp4_sqr(&B0, &B1, &a->c1.c0, &a->c0.c2);
    fp4_sqr(&C0, &C1, &a->c0.c1, &a->c1.c2);
    fp2_mul_xi(&C1, &C1);
    three_minus_two(&out->c0.c0, &A0, &a->c0.c0);
    three_minus_two(&out->c0.c1, &B0, &a->c0.c1);
    three_minus_two(&out->c0.c2, &C0, &a->c0.c2);
    three_plus_two(&out->c1.c0, &C1, &a->c1.c0);
    three_plus_two(&out->c1.c1, &A1, &a->c1.c1);
    three_plus_two(&out->c1.c2, &B1, &a->c1.c2);
}
