/* Products of one element of Fp12 in lanes. Numbers in brackets are bounds over BN254, where 84 is the most a value or the
 * sum of products of one reduction may have for each of its unit; over BLS12-381 they are far below what is allowed. */
#include "path.h"

#if ZKN_PATH_IFMA

#include "tower_lanes.h"

enum {
    WRAPPED = 2 * (XI_REAL + 1), /* the bound of xi times what has 2 */
    EVEN = 0x15,
    HALF = 0x38 /* lanes 3 to 5 */
};

static inline void pick(fp8 *out, const fp8 *a, const fp8 *b, const uint64_t from[LANES])
{
    ZKN_UNROLL
    for (int i = 0; i < FP_LANE_LIMBS; i++) out->l[i] = lane_pick(a->l[i], b->l[i], from);
}

static inline void pick_both(fp28 *out, const fp28 *a, const fp28 *b, const uint64_t from[LANES])
{
    pick(&out->c0, &a->c0, &b->c0, from);
    pick(&out->c1, &a->c1, &b->c1, from);
}

/* out <- b in the lanes of the mask, a elsewhere */
static inline void choose(fp8 *out, const fp8 *a, const fp8 *b, lane_mask mask)
{
    ZKN_UNROLL
    for (int i = 0; i < FP_LANE_LIMBS; i++) out->l[i] = lane_select(a->l[i], b->l[i], mask);
}

static inline void negate(fp8 *out, const fp8 *a, uint64_t k)
{
    fp8 zero;
    for (int i = 0; i < FP_LANE_LIMBS; i++) zero.l[i] = lane_all(0);
    fp8_sub(out, &zero, a, k);
}

/* out <- XI_REAL a, not carried */
static inline void times_real(fp8 *out, const fp8 *a)
{
#if XI_REAL == 1
    *out = *a;
#else
    _Static_assert(XI_REAL == 9, "by a shift");
    ZKN_UNROLL
    for (int i = 0; i < FP_LANE_LIMBS; i++) out->l[i] = lane_add(a->l[i], lane_shl(a->l[i], 3));
#endif
}

/* out <- xi a, of bound (XI_REAL + 1) k for a of bound k */
static inline void times_xi(fp28 *out, const fp28 *a, uint64_t k)
{
    fp28 real;
    times_real(&real.c0, &a->c0), times_real(&real.c1, &a->c1);
    fp8_sub(&real.c0, &real.c0, &a->c1, k);
    fp8_add(&real.c1, &real.c1, &a->c0);
    fp28_carry(&real);
    *out = real;
}

/* To bound 2, from limbs that are not carried. */
static inline void settle(fp8 *a)
{
    fp8_carry(a);
    fp8_fold(a);
}

/* The same for sums of products, which over BLS12-381 have it. */
static inline void settle_product(fp8 *a)
{
    fp8_carry(a);
    if (FP_LANE_LIMBS == 5) fp8_fold(a);
}

/* out <- sum a[i] b[i], lane by lane, not carried */
static __attribute__((noinline)) void sum_of_products(fp8 *out, const fp8 *const *a, const fp8 *const *b,
                                                      int n)
{
    fp8_wide sum;
    fp8_wide_zero(&sum);
    for (int i = 0; i < n; i++) fp8_wide_madd(&sum, a[i], b[i]);
    fp8_reduce_columns(out, &sum);
}

/* out <- sum a[i] b[i] with one factor for all lanes, limb j at b[i][LANES j], not carried */
static __attribute__((noinline)) void sum_of_multiples(fp8 *out, const fp8 *const *a,
                                                       const uint64_t *const *b, int n)
{
    fp8_wide sum;
    fp8_wide_zero(&sum);
    for (int i = 0; i < n; i++) {
        uint64_t factor[FP_LANE_LIMBS];
        ZKN_UNROLL
        for (int j = 0; j < FP_LANE_LIMBS; j++) factor[j] = b[i][LANES * j];
        fp8_wide_madd_all(&sum, a[i], factor);
    }
    fp8_reduce_columns(out, &sum);
}

void lane_factors_of(lane_factors *out, const fp28 *a)
{
    fp8 minus;
    negate(&minus, &a->c1, 2);
    fp8_carry(&minus);
    ZKN_UNROLL
    for (int i = 0; i < FP_LANE_LIMBS; i++) {
        lane_store(out->parts[0][i], a->c0.l[i]);
        lane_store(out->parts[1][i], a->c1.l[i]);
        lane_store(out->parts[2][i], minus.l[i]);
    }
}

/* out <- a w^j: coefficients move up, and come back at the bottom as their multiples by xi. */
static inline void shifted(fp28 *out, const fp28 *a, const fp28 *xi_a, int j)
{
    static const uint64_t from[6][LANES] = {
        {0, 1, 2, 3, 4, 5, 6, 7},    {13, 0, 1, 2, 3, 4, 6, 7},    {12, 13, 0, 1, 2, 3, 6, 7},
        {11, 12, 13, 0, 1, 2, 6, 7}, {10, 11, 12, 13, 0, 1, 6, 7}, {9, 10, 11, 12, 13, 0, 6, 7},
    };
    pick_both(out, a, xi_a, from[j]);
}

/* out <- sum over i of a w^(at[i]) times element `number` of by[i], not carried */
static void sum_of_shifts(fp28 *out, const fp28 *a, const fp28 *xi_a, const int *at,
                          const lane_factors *const *by, const size_t *number, int n)
{
    fp28 moved[6];
    const fp8 *from[12];
    const uint64_t *real[12], *imaginary[12];
    for (int i = 0; i < n; i++) {
        shifted(&moved[i], a, xi_a, at[i]);
        from[2 * i] = &moved[i].c0, from[2 * i + 1] = &moved[i].c1;
        real[2 * i] = &by[i]->parts[0][0][number[i]], real[2 * i + 1] = &by[i]->parts[2][0][number[i]];
        imaginary[2 * i] = &by[i]->parts[1][0][number[i]], imaginary[2 * i + 1] = real[2 * i];
    }
    sum_of_multiples(&out->c0, from, real, 2 * n);
    sum_of_multiples(&out->c1, from, imaginary, 2 * n);
}

/* Twelve products of 20 and 2 a coordinate [6.7] */
void fp12_lanes_mul(fp12_lanes *out, const fp12_lanes *a, const fp12_lanes *b)
{
    static const int at[6] = {0, 1, 2, 3, 4, 5};
    static const size_t number[6] = {0, 1, 2, 3, 4, 5};
    lane_factors factors;
    const lane_factors *by[6] = {&factors, &factors, &factors, &factors, &factors, &factors};
    fp28 xi_a, sum;
    lane_factors_of(&factors, b);
    times_xi(&xi_a, a, 2);
    sum_of_shifts(&sum, a, &xi_a, at, by, number, 6);
    settle_product(&sum.c0), settle_product(&sum.c1);
    *out = sum;
}

/* Where the coefficients of a line lie: those of c, x and y. */
#if TWIST_IS_M
enum { AT_C = 0, AT_X = 2, AT_Y = 3 };
#else
enum { AT_C = 3, AT_X = 1, AT_Y = 0 };
#endif

/* Six products of 20 and 2 [3.9] */
void fp12_lanes_mul_line(fp12_lanes *out, const fp12_lanes *a, const lane_lines *lines, size_t i)
{
    static const int at[3] = {AT_C, AT_X, AT_Y};
    const lane_factors *by[3] = {&lines->c, &lines->x, &lines->y};
    const size_t number[3] = {i, i, i};
    fp28 xi_a, sum;
    times_xi(&xi_a, a, 2);
    sum_of_shifts(&sum, a, &xi_a, at, by, number, 3);
    settle_product(&sum.c0), settle_product(&sum.c1);
    *out = sum;
}

/* Four products of 20 and 2 and a coefficient [2.9 + 20] */
void fp12_lanes_mul_unit_line(fp12_lanes *out, const fp12_lanes *a, const lane_lines *lines, size_t i)
{
    static const int at[2] = {AT_C, AT_X};
    const lane_factors *by[2] = {&lines->c, &lines->x};
    const size_t number[2] = {i, i};
    fp28 xi_a, sum, moved;
    times_xi(&xi_a, a, 2);
    sum_of_shifts(&sum, a, &xi_a, at, by, number, 2);
    shifted(&moved, a, &xi_a, AT_Y);
    fp28_add(&sum, &sum, &moved);
    settle(&sum.c0), settle(&sum.c1);
    *out = sum;
}

/* With c0 and c1 over Fp6, (c0 + c1)(c0 + v c1) - (1 + v) c0 c1 + 2 c0 c1 w: c0 c1 in lanes 0 to 2, the other product in
 * 3 to 5, each a sum over j of x v^j times coefficient j of y. */
void fp12_lanes_sqr(fp12_lanes *out, const fp12_lanes *a)
{
    static const uint64_t x_first[LANES] = {0, 2, 4, 0, 2, 4, 6, 7},
                          x_second[LANES] = {0, 0, 0, 1, 3, 5, 0, 0};
    static const uint64_t y_first[LANES] = {1, 3, 5, 0, 2, 4, 6, 7},
                          y_second[LANES] = {0, 0, 0, 13, 1, 3, 0, 0};
    static const uint64_t times_v[3][LANES] = {
        {0, 1, 2, 3, 4, 5, 6, 7}, {10, 0, 1, 13, 3, 4, 6, 7}, {9, 10, 0, 12, 13, 3, 6, 7}};
    static const uint64_t of_y[3][LANES] = {
        {0, 0, 0, 3, 3, 3, 6, 7}, {1, 1, 1, 4, 4, 4, 6, 7}, {2, 2, 2, 5, 5, 5, 6, 7}};
    static const uint64_t woven[LANES] = {3, 0, 4, 1, 5, 2, 6, 7};
    static const uint64_t product[LANES] = {0, 0, 1, 1, 2, 2, 6, 7};
    static const uint64_t product_v[LANES] = {10, 10, 0, 0, 1, 1, 6, 7};
    fp28 xi, x, y, t, other, moved[3], by[3];
    fp8 minus_y, minus[3];
    const fp8 *from[6], *real[6], *imaginary[6];
    times_xi(&xi, a, 2);
    pick_both(&x, a, a, x_first), pick_both(&t, a, a, x_second);
    fp28_add(&other, &x, &t);
    choose(&x.c0, &x.c0, &other.c0, HALF), choose(&x.c1, &x.c1, &other.c1, HALF);
    fp28_carry(&x); /* 4 */
    pick_both(&y, a, a, y_first), pick_both(&t, a, &xi, y_second);
    fp28_add(&other, &y, &t);
    choose(&y.c0, &y.c0, &other.c0, HALF), choose(&y.c1, &y.c1, &other.c1, HALF);
    settle(&y.c0), settle(&y.c1);
    negate(&minus_y, &y.c1, 2);
    fp8_carry(&minus_y);
    times_xi(&xi, &x, 4);
    for (int j = 0; j < 3; j++) {
        pick_both(&moved[j], &x, &xi, times_v[j]);
        pick_both(&by[j], &y, &y, of_y[j]);
        pick(&minus[j], &minus_y, &minus_y, of_y[j]);
        from[2 * j] = &moved[j].c0, from[2 * j + 1] = &moved[j].c1;
        real[2 * j] = &by[j].c0, real[2 * j + 1] = &minus[j];
        imaginary[2 * j] = &by[j].c1, imaginary[2 * j + 1] = &by[j].c0;
    }
    sum_of_products(&t.c0, from, real, 6); /* four products of 40 and 2, two of 4 and 2 [5] */
    sum_of_products(&t.c1, from, imaginary, 6);
    settle_product(&t.c0), settle_product(&t.c1);
    times_xi(&xi, &t, 2);
    pick_both(&x, &t, &t, woven);
    pick_both(&y, &t, &t, product), pick_both(&other, &t, &xi, product_v);
    fp28_add(&other, &other, &y);
    negate(&other.c0, &other.c0, 2 + WRAPPED), negate(&other.c1, &other.c1, 2 + WRAPPED);
    choose(&other.c0, &x.c0, &other.c0, EVEN), choose(&other.c1, &x.c1, &other.c1, EVEN);
    fp28_add(&t, &x, &other); /* [24] */
    settle(&t.c0), settle(&t.c1);
    *out = t;
}

/* Granger, Scott 2010, section 3.2, over Fp4 = Fp2[s] / (s^2 - xi). With x, y the parts over Fp2 of an element of Fp4, even
 * lanes take 3 (x^2 + xi y^2) - 2 a and odd ones 3 * 2 x y + 2 a, where lane 1 has xi y for y. Over Fp, in even lanes
 *
 *     x^2 + xi y^2 = (x0 + x1)(x0 - x1) + (y0 + y1) XI_REAL (y0 - y1) - y0 2 y1
 *                    + i (2 x0 x1 + (y0 + y1)(y0 - y1) + y0 2 XI_REAL y1)
 */
void fp12_lanes_cyclotomic_sqr(fp12_lanes *out, const fp12_lanes *a)
{
    static const uint64_t at_x[LANES] = {0, 2, 1, 0, 2, 1, 6, 7}, at_y[LANES] = {3, 5, 4, 3, 5, 4, 6, 7};
    fp28 x, y, z, t, twice;
    fp8 zero, sum, difference, twice_x0, first, first_by, second, second_by, third_by, first_i, second_i,
        third_i;
    for (int i = 0; i < FP_LANE_LIMBS; i++) zero.l[i] = lane_all(0);
    pick_both(&x, a, a, at_x), pick_both(&y, a, a, at_y);
    times_xi(&z, &y, 2);
    choose(&z.c0, &y.c0, &z.c0, 2), choose(&z.c1, &y.c1, &z.c1, 2); /* WRAPPED in lane 1 */
    fp8_add(&twice_x0, &x.c0, &x.c0);
    /* first: 2 x0 or x0 + x1, by z0 or x0 - x1 */
    fp8_add(&sum, &x.c0, &x.c1);
    choose(&first, &twice_x0, &sum, EVEN);
    fp8_sub(&difference, &x.c0, &x.c1, 2);
    choose(&first_by, &z.c0, &difference, EVEN);
    choose(&first_i, &z.c1, &x.c1, EVEN);
    /* second: 2 x1 or y0 + y1, by -z1 or y0 - y1 */
    fp8_add(&second, &x.c1, &x.c1);
    fp8_add(&sum, &y.c0, &y.c1);
    choose(&second, &second, &sum, EVEN);
    fp8_sub(&difference, &y.c0, &y.c1, 2);
    choose(&second_i, &z.c0, &difference, EVEN);
    times_real(&difference, &difference);
    negate(&second_by, &z.c1, WRAPPED);
    choose(&second_by, &second_by, &difference, EVEN);
    /* third: y0, by nothing or 2 y1 */
    fp8_add(&sum, &y.c1, &y.c1);
    negate(&third_by, &sum, 4);
    choose(&third_by, &zero, &third_by, EVEN);
    times_real(&sum, &sum);
    choose(&third_i, &zero, &sum, EVEN);
    fp8_carry_factor(&twice_x0), fp8_carry_factor(&first), fp8_carry_factor(&first_by);
    fp8_carry_factor(&second), fp8_carry_factor(&second_by), fp8_carry_factor(&second_i);
    fp8_carry_factor(&third_by), fp8_carry_factor(&third_i);
    const fp8 *real[3] = {&first, &second, &y.c0}, *real_by[3] = {&first_by, &second_by, &third_by};
    const fp8 *imaginary[3] = {&twice_x0, &second, &y.c0}, *imaginary_by[3] = {&first_i, &second_i, &third_i};
    sum_of_products(&t.c0, real, real_by, 3); /* 4 * 4 + 4 * 36 + 2 * 4 at most [3] */
    sum_of_products(&t.c1, imaginary, imaginary_by, 3);
    negate(&z.c0, &a->c0, 2), negate(&z.c1, &a->c1, 2);
    choose(&z.c0, &a->c0, &z.c0, EVEN), choose(&z.c1, &a->c1, &z.c1, EVEN);
    fp28_add(&twice, &t, &z);
    fp28_add(&twice, &twice, &twice);
    fp28_add(&t, &t, &twice); /* [13] */
    settle(&t.c0), settle(&t.c1);
    *out = t;
}

void fp12_lanes_conj(fp12_lanes *out, const fp12_lanes *a)
{
    fp28 minus;
    negate(&minus.c0, &a->c0, 2), negate(&minus.c1, &a->c1, 2);
    choose(&out->c0, &minus.c0, &a->c0, EVEN), choose(&out->c1, &minus.c1, &a->c1, EVEN);
    settle(&out->c0), settle(&out->c1);
}

/* Words from each of eight places, times S / R: a bound of that. */
static void load(fp8 *out, const uint64_t *const rows[LANES], size_t at)
{
    lane_word words[FP_LIMBS];
    lane_gather4(words, rows, at);
#if FP_LIMBS == 6
    lane_gather2(words + 4, rows, at + 4);
#endif
    fp8_split_raised(out, words);
}

void fp12_lanes_frobenius(fp12_lanes *out, const fp12_lanes *a, int power)
{
    const zkn_fp2 *gamma = power == 1 ? FROBENIUS_1 : power == 2 ? FROBENIUS_2 : FROBENIUS_3;
    const uint64_t *rows[LANES];
    fp28 by;
    fp8 minus;
    for (int k = 0; k < LANES; k++) rows[k] = gamma[k < 6 ? k : 0].c0.l;
    load(&by.c0, rows, 0), load(&by.c1, rows, FP_LIMBS);
    negate(&minus, &a->c1, 2);
    fp8_carry(&minus);
    const fp8 *from[2] = {&a->c0, power & 1 ? &a->c1 : &minus}, *real[2] = {&by.c0, &by.c1};
    const fp8 *from_i[2] = {&a->c0, power & 1 ? &minus : &a->c1}, *imaginary[2] = {&by.c1, &by.c0};
    fp28 sum;
    sum_of_products(&sum.c0, from, real, 2); /* two products of 2 and 16 [1.8] */
    sum_of_products(&sum.c1, from_i, imaginary, 2);
    fp28_carry(&sum);
    *out = sum;
}

void fp12_lanes_enter(fp12_lanes *out, const zkn_fp12 *in)
{
    const zkn_fp2 *from[6] = {&in->c0.c0, &in->c1.c0, &in->c0.c1, &in->c1.c1, &in->c0.c2, &in->c1.c2};
    const uint64_t *rows[LANES];
    for (int k = 0; k < LANES; k++) rows[k] = from[k < 6 ? k : 0]->c0.l;
    load(&out->c0, rows, 0), load(&out->c1, rows, FP_LIMBS);
    for (int i = 0; i < (FP_LANE_LIMBS == 5 ? 1 : 2); i++) fp8_fold(&out->c0), fp8_fold(&out->c1);
}

void fp12_lanes_leave(zkn_fp12 *out, const fp12_lanes *in)
{
    zkn_fp2 *to[6] = {&out->c0.c0, &out->c1.c0, &out->c0.c1, &out->c1.c1, &out->c0.c2, &out->c1.c2}, unread;
    uint64_t *rows[LANES];
    for (int k = 0; k < LANES; k++) rows[k] = (k < 6 ? to[k] : &unread)->c0.l;
    for (size_t part = 0; part < 2; part++) {
        lane_word words[FP_LIMBS];
        fp8_leave(words, part ? &in->c1 : &in->c0);
        lane_scatter4(rows, FP_LIMBS * part, words);
#if FP_LIMBS == 6
        lane_scatter2(rows, FP_LIMBS * part + 4, words + 4);
#endif
    }
}

#endif
