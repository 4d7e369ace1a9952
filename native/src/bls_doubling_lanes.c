/* Doublings of one point of G2 of BLS12-381, its coordinates side by side in lanes: X0 X1 Y0 Y1 Z0 Z1, and Z0 Z1 again.
 *
 * dbl-2009-l of the Explicit-Formulas Database (Bernstein, Lange) with D = 4 X B, in three products of lanes, where no more
 * than one waits for another:
 *
 *     A = X^2, B = Y^2, Y Z;    C = B^2, F = E^2 for E = 3 A, X B;    E (D - X') for X' = F - 2 D
 *
 * and Y' = E (D - X') - 8 C, Z' = 2 Y Z. Coordinates have a bound of 20, products one of 2. */
#include "path.h"

#if ZKN_PATH_IFMA

#include "group.h"
#include "lane_field.h"

enum { BOUND = 20, SQUARES = 0x0f, DIFFERENCES = 0x05, REAL = 0x55, IMAGINARY = 0xaa };

static inline fp8 pick(const fp8 *a, const fp8 *b, const uint64_t from[LANES])
{
    fp8 out;
    ZKN_UNROLL
    for (int i = 0; i < FP_LANE_LIMBS; i++) out.l[i] = lane_pick(a->l[i], b->l[i], from);
    return out;
}

/* a in the lanes of the mask, 0 elsewhere */
static inline fp8 only(const fp8 *a, lane_mask mask)
{
    fp8 out;
    ZKN_UNROLL
    for (int i = 0; i < FP_LANE_LIMBS; i++) out.l[i] = lane_select(lane_all(0), a->l[i], mask);
    return out;
}

static inline fp8 times_power(const fp8 *a, unsigned power)
{
    fp8 out;
    ZKN_UNROLL
    for (int i = 0; i < FP_LANE_LIMBS; i++) out.l[i] = lane_shl(a->l[i], power);
    return out;
}

/* out <- a b + c d, of factors that are not carried yet */
static inline void two_products(fp8 *out, fp8 *a, fp8 *b, fp8 *c, fp8 *d)
{
    fp8_wide sum;
    fp8_carry_factor(a), fp8_carry_factor(b), fp8_carry_factor(c), fp8_carry_factor(d);
    fp8_wide_zero(&sum);
    fp8_wide_madd(&sum, a, b);
    fp8_wide_madd(&sum, c, d);
    fp8_reduce(out, &sum);
}

/* From the parts of s and t over Fp in lanes 0 1 and 2 3 of `of`, factors whose products are s^2, t^2 and, with those of *c
 * and *d, x y: x is in lanes 0 1 of `first`, y in 4 5 of `of`. */
static inline void squares_and_product(fp8 *out, const fp8 *of, const fp8 *first, uint64_t bound)
{
    static const uint64_t reals[LANES] = {0, 0, 2, 2, 8, 8, 8, 8}, others[LANES] = {1, 0, 3, 2, 4, 4, 4, 4};
    static const uint64_t crossed[LANES] = {1, 1, 3, 3, 5, 4, 5, 4},
                          imaginary[LANES] = {9, 9, 9, 9, 9, 9, 9, 9};
    const fp8 zero = only(of, 0);
    fp8 a = pick(of, first, reals), b = pick(of, of, others), c, d, minus;
    b = only(&b, SQUARES);
    fp8_add(&a, &a, &b); /* s0 + s1, 2 s0, t0 + t1, 2 t0, x0, x0 */
    d = pick(of, of, crossed);
    b = only(&d, DIFFERENCES);
    fp8_sub(&b, of, &b, bound); /* s0 - s1, s1, t0 - t1, t1, y0, y1 */
    c = pick(of, first, imaginary);
    fp8_sub(&minus, &zero, &d, bound);
    minus = only(&minus, REAL & 0xf0);
    d = only(&d, IMAGINARY & 0xf0);
    fp8_add(&d, &d, &minus); /* 0, 0, 0, 0, -y1, y0 */
    two_products(out, &a, &b, &c, &d);
}

/* out <- b in the lanes of the mask, a elsewhere */
static inline fp8 joined(const fp8 *a, const fp8 *b, lane_mask mask)
{
    fp8 out = *a;
    fp8_select(&out, b, mask);
    return out;
}

static void doubled(fp8 *point)
{
    static const uint64_t first[LANES] = {0, 1, 0, 1, 0, 1, 0, 1}, second[LANES] = {2, 3, 2, 3, 2, 3, 2, 3};
    static const uint64_t third[LANES] = {4, 5, 4, 5, 4, 5, 4, 5}, swapped[LANES] = {1, 0, 1, 0, 1, 0, 1, 0};
    static const uint64_t real[LANES] = {0}, imaginary[LANES] = {1, 1, 1, 1, 1, 1, 1, 1};
    static const uint64_t one_second[LANES] = {0, 1, 2, 3, 2, 3, 2, 3};
    const fp8 y = pick(point, point, second);
    fp8 of, squares, more, w, f, eight, four, a, c, d;
    squares_and_product(&squares, point, &y, BOUND); /* X^2, Y^2, Y Z */
    a = only(&squares, 0x03);
    fp8_add(&of, &squares, &a);
    fp8_add(&of, &of, &a);
    of = pick(&of, &of, one_second);
    squares_and_product(&more, &of, point, 6); /* E^2, B^2, X B */
    /* E (12 X B - F) */
    f = pick(&more, &more, first);
    w = pick(&more, &more, third);
    eight = times_power(&w, 3), four = times_power(&w, 2);
    fp8_add(&w, &eight, &four);
    fp8_sub(&w, &w, &f, 2); /* 26 */
    d = pick(&w, &w, swapped);
    c = only(&d, IMAGINARY);
    d = only(&d, REAL);
    fp8_sub(&d, &c, &d, 26);
    a = pick(&of, &of, real), c = pick(&of, &of, imaginary);
    two_products(&w, &a, &w, &c, &d);
    /* F - 8 X B, E (D - X') - 8 C, 2 Y Z */
    f = joined(&f, &w, 0x0c);
    f = joined(&f, &squares, 0xf0);
    c = times_power(&more, 3);
    eight = joined(&eight, &c, 0x0c);
    eight = only(&eight, 0x0f);
    fp8_sub(&f, &f, &eight, 16);
    c = only(&squares, 0xf0);
    fp8_add(point, &f, &c);
    fp8_carry(point);
}

void g2_jac_dbl_times(zkn_g2_jac *out, const zkn_g2_jac *a, unsigned times)
{
    const zkn_fp *const coordinates[6] = {&a->X.c0, &a->X.c1, &a->Y.c0, &a->Y.c1, &a->Z.c0, &a->Z.c1};
    zkn_fp *const results[6] = {&out->X.c0, &out->X.c1, &out->Y.c0, &out->Y.c1, &out->Z.c0, &out->Z.c1};
    const uint64_t *rows[LANES];
    uint64_t *to[LANES];
    zkn_fp again[2];
    lane_word words[FP_LIMBS];
    fp8 point;
    for (int i = 0; i < LANES; i++) rows[i] = coordinates[i < 6 ? i : i - 2]->l;
    for (int i = 0; i < LANES; i++) to[i] = (i < 6 ? results[i] : &again[i - 6])->l;
    lane_gather4(words, rows, 0), lane_gather2(words + 4, rows, 4);
    fp8_split_raised(&point, words);
    fp8_fold(&point), fp8_fold(&point); /* from 2^32 to 2 */
    while (times-- > 0) doubled(&point);
    fp8_leave(words, &point);
    lane_scatter4(to, 0, words), lane_scatter2(to, 4, words + 4);
}

#else

#include "group.h"

void g2_jac_dbl_times(zkn_g2_jac *out, const zkn_g2_jac *a, unsigned times)
{
    *out = *a;
    while (times-- > 0) g2_jac_dbl(out, out);
}

#endif
