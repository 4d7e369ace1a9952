/* Products of Fp12 by the sparse values of lines: coefficients of w^k as sums of products over Fp, each reduced
 * once (Longa 2022, eprint 2022/367, section 3.2). */
#include "tower.h"

/* The coefficients of w^-3 to w^5, where w^-k stands for xi w^-k = w^(6 - k): so a product by b0 + b1 w + b2 w^2 +
 * b3 w^3 has, at w^k, b0, b1, b2 and b3 times what lies at k, k - 1, k - 2 and k - 3. */
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

/* Where the coefficients that a line multiplies lie, counted from k - 3: those of y, x and c. */
#if TWIST_IS_M
enum { AT_Y = 0, AT_X = 1, AT_C = 3 };
#else
enum { AT_Y = 3, AT_X = 2, AT_C = 0 };
#endif

/* Sums of six and of four products with these coefficients from `a` on. Not inline: their code is long and runs twelve
 * times a product. */
static __attribute__((noinline)) void sum_line(zkn_fp *out, const zkn_fp2 *a, const zkn_fp b[6])
{
    static const uint8_t pick[6] = {2 * AT_C, 2 * AT_C + 1, 2 * AT_X, 2 * AT_X + 1, 2 * AT_Y, 2 * AT_Y + 1};
    fp_sum_products(out, &a->c0, pick, b, 6, 6);
}

static __attribute__((noinline)) void sum_unit_line(zkn_fp *out, const zkn_fp2 *a, const zkn_fp b[4])
{
    static const uint8_t pick[4] = {2 * AT_C, 2 * AT_C + 1, 2 * AT_X, 2 * AT_X + 1};
    fp_sum_products(out, &a->c0, pick, b, 4, 4);
}

void fp12_mul_line(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp2 *y, const zkn_fp2 *x, const zkn_fp2 *c)
{
    unrolled from;
    zkn_fp real[6], imaginary[6];
    fp2_factor(&real[0], &imaginary[0], c);
    fp2_factor(&real[2], &imaginary[2], x);
    fp2_factor(&real[4], &imaginary[4], y);
    unroll(&from, a);
    for (int k = 0; k < 6; k++) {
        zkn_fp2 *to = coefficient(out, k);
        sum_line(&to->c0, &from.at[k], real);
        sum_line(&to->c1, &from.at[k], imaginary);
    }
}

void fp12_mul_unit_line(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp2 *x, const zkn_fp2 *c)
{
    unrolled from;
    zkn_fp real[4], imaginary[4];
    fp2_factor(&real[0], &imaginary[0], c);
    fp2_factor(&real[2], &imaginary[2], x);
    unroll(&from, a);
    for (int k = 0; k < 6; k++) {
        zkn_fp2 *to = coefficient(out, k), sum;
        sum_unit_line(&sum.c0, &from.at[k], real);
        sum_unit_line(&sum.c1, &from.at[k], imaginary);
        fp2_add(to, &from.at[k + AT_Y], &sum);
    }
}
