/* The cyclotomic subgroup of Fp12, where a^(p^4 - p^2 + 1) = 1: cheaper squarings, and powers of the curve
 * parameter. */
#include "tower.h"

/* (a + b y)^2 = real + imaginary y over Fp4 = Fp2[y] / (y^2 - xi), each coordinate one sum of products:
 * real = a^2 + xi b^2 with a^2 = (a0 + a1)(a0 - a1) + 2 a0 a1 i, imaginary = 2 a b. Counted for fp_sum_products: sums left
 * unreduced as two. */
static void fp4_sqr(zkn_fp2 *real, zkn_fp2 *imaginary, const zkn_fp2 *a, const zkn_fp2 *b)
{
    zkn_fp2 shifted;
    zkn_fp x[3], y[3], twice[2], factor_real[2], factor_imaginary[2];
    fp2_mul_xi(&shifted, b);
    fp_add_lazy(&twice[0], &a->c0, &a->c0);
    fp_add_lazy(&twice[1], &a->c1, &a->c1);
    fp_add_lazy(&x[0], &a->c0, &a->c1);
    fp_sub(&y[0], &a->c0, &a->c1);
    x[1] = shifted.c0, x[2] = shifted.c1;
    fp2_factor(factor_real, factor_imaginary, b);
    y[1] = factor_real[0], y[2] = factor_real[1];
    fp_sum_products(&real->c0, x, fp_in_order, y, 3, 4);
    x[0] = twice[0];
    y[0] = a->c1, y[1] = factor_imaginary[0], y[2] = factor_imaginary[1];
    fp_sum_products(&real->c1, x, fp_in_order, y, 3, 4);
    fp_sum_products(&imaginary->c0, twice, fp_in_order, factor_real, 2, 4);
    fp_sum_products(&imaginary->c1, twice, fp_in_order, factor_imaginary, 2, 4);
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
