/* Products of Fp12 by the sparse values of lines: coefficients of w^k as sums of products over Fp, each reduced
 * once (Longa 2022, eprint 2022/367, section 3.2). */
#include "tower.h"

/* The coefficients of w^-3 to w^5, where w^-k stands for xi w^-k = w^(6 - k): so a product by b0 + b1 w + b3 w^3
 * has, at w^k, b0, b1 and b3 times what lies at k, k - 1 and k - 3. */
typedef struct {
    zkn_fp2 at[9];
} unrolled;

static inline void unroll(unrolled *out, const zkn_fp12 *a)
{
    const zkn_fp2 *from[6] = {&a->c0.c0, &a->c1.c0, &a->c0.c1, &a->c1.c1, &a->c0.c2, &a->c1.c2};
    for (int k = 0; k < 6; k++) out->at[3 + k] = *from[k];
    for (int k = 3; k < 6; k++) fp2_mul_xi(&out->at[k - 3], from[k]);
}

static inline zkn_fp2 *coefficient(zkn_fp12 *a, int k)
{
    zkn_fp6 *half = k & 1 ? &a->c1 : &a->c0;
    return k < 2 ? &half->c0 : k < 4 ? &half->c1 : &half->c2;
}

/* Sums of six and of four products with the coefficients at 0, 2, 3 and at 0, 2 from `a` on. Not inline: their
 * code is long and runs twelve times a product. */
static __attribute__((noinline)) void sum_line(zkn_fp *out, const zkn_fp2 *a, const zkn_fp b[6])
{
    static const uint8_t pick[6] = {0, 1, 4, 5, 6, 7};
    fp_sum_products(out, &a->c0, pick, b, 6, 6);
}

static __attribute__((noinline)) void sum_unit_line(zkn_fp *out, const zkn_fp2 *a, const zkn_fp b[4])
{
    static const uint8_t pick[4] = {0, 1, 4, 5};
    fp_sum_products(out, &a->c0, pick, b, 4, 4);
}

void fp12_mul_line(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp2 *b0, const zkn_fp2 *b1, const zkn_fp2 *b3)
{
    unrolled from;
    zkn_fp real[6], imaginary[6];
    fp2_factor(&real[0], &imaginary[0], b3);
    fp2_factor(&real[2], &imaginary[2], b1);
    fp2_factor(&real[4], &imaginary[4], b0);
    unroll(&from, a);
    for (int k = 0; k < 6; k++) {
        zkn_fp2 *to = coefficient(out, k);
        sum_line(&to->c0, &from.at[k], real);
        sum_line(&to->c1, &from.at[k], imaginary);
    }
}

void fp12_mul_unit_line(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp2 *b1, const zkn_fp2 *b3)
{
    unrolled from;
    zkn_fp real[4], imaginary[4];
    fp2_factor(&real[0], &imaginary[0], b3);
    fp2_factor(&real[2], &imaginary[2], b1);
    unroll(&from, a);
    for (int k = 0; k < 6; k++) {
        zkn_fp2 *to = coefficient(out, k), sum;
        sum_unit_line(&sum.c0, &from.at[k], real);
        sum_unit_line(&sum.c1, &from.at[k], imaginary);
        fp2_add(to, &from.at[3 + k], &sum);
    }
}
