/* The tower by its laws: every formula against one that shares no code with it. */
#include "check.h"
#include "tower.h"
#include "tower_lanes.h"

#include <string.h>

static uint64_t state = 2;

static void random_fp12(zkn_fp12 *out)
{
    zkn_fp coordinate[12];
    for (int i = 0; i < 12; i++) {
        uint64_t words[FP_LIMBS];
        for (int k = 0; k < FP_LIMBS; k++) words[k] = next_random(&state);
        words[FP_LIMBS - 1] >>= 4;
        fp_from_canonical(&coordinate[i], words);
    }
    memcpy(out, coordinate, sizeof *out);
}

static int same(const zkn_fp12 *a, const zkn_fp12 *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void power(zkn_fp12 *out, const zkn_fp12 *a, const uint64_t e[FP_LIMBS])
{
    zkn_fp12 result;
    fp12_one(&result);
    for (int bit = 64 * FP_LIMBS - 1; bit >= 0; bit--) {
        fp12_mul(&result, &result, &result);
        if (e[bit / 64] >> bit % 64 & 1) fp12_mul(&result, &result, a);
    }
    *out = result;
}

static void add(zkn_fp12 *out, const zkn_fp12 *a, const zkn_fp12 *b)
{
    zkn_fp x[12], y[12];
    memcpy(x, a, sizeof x), memcpy(y, b, sizeof y);
    for (int i = 0; i < 12; i++) fp_add(&x[i], &x[i], &y[i]);
    memcpy(out, x, sizeof x);
}

static void ring_laws(void)
{
    zkn_fp12 a, b, c, left, right, t;
    random_fp12(&a), random_fp12(&b), random_fp12(&c);
    fp12_mul(&left, &a, &b), fp12_mul(&left, &left, &c);
    fp12_mul(&right, &b, &c), fp12_mul(&right, &a, &right);
    CHECK(same(&left, &right));
    fp12_mul(&left, &a, &b), fp12_mul(&right, &b, &a);
    CHECK(same(&left, &right));
    add(&t, &b, &c), fp12_mul(&left, &a, &t);
    fp12_mul(&right, &a, &b), fp12_mul(&t, &a, &c), add(&right, &right, &t);
    CHECK(same(&left, &right));
    fp12_sqr(&left, &a), fp12_mul(&right, &a, &a);
    CHECK(same(&left, &right));
    fp12_inv(&t, &a), fp12_mul(&t, &t, &a);
    CHECK(fp12_is_one(&t));
    CHECK(!fp12_is_one(&a));
    fp2_mul(&left.c0.c0, &a.c0.c0, &a.c0.c0), fp2_sqr(&right.c0.c0, &a.c0.c0);
    CHECK(fp2_equal(&left.c0.c0, &right.c0.c0));
    fp2_inv(&t.c0.c0, &a.c0.c0), fp2_mul(&t.c0.c0, &t.c0.c0, &a.c0.c0), fp2_one(&left.c0.c0);
    CHECK(fp2_equal(&t.c0.c0, &left.c0.c0));
}

/* i^2 = -1, v^3 = xi, w^2 = v */
static void generators(void)
{
    zkn_fp12 i = {0}, v = {0}, w = {0}, t, xi = {0};
    fp_one(&i.c0.c0.c1), fp_one(&v.c0.c1.c0), fp_one(&w.c1.c0.c0);
    fp_from_u64(&xi.c0.c0.c0, XI_REAL), fp_one(&xi.c0.c0.c1);
    fp12_mul(&t, &i, &i);
    fp_neg(&t.c0.c0.c0, &t.c0.c0.c0);
    CHECK(fp12_is_one(&t));
    fp12_mul(&t, &v, &v), fp12_mul(&t, &t, &v);
    CHECK(same(&t, &xi));
    fp12_mul(&t, &w, &w);
    CHECK(same(&t, &v));
    fp2_mul_xi(&t.c0.c0, &i.c0.c0), fp2_mul(&xi.c0.c0, &xi.c0.c0, &i.c0.c0);
    CHECK(fp2_equal(&t.c0.c0, &xi.c0.c0));
}

static void frobenius(void)
{
    zkn_fp12 a, left, right;
    random_fp12(&a);
    power(&right, &a, FP_MODULUS);
    fp12_frobenius(&left, &a, 1);
    CHECK(same(&left, &right));
    for (int k = 2; k <= 3; k++) {
        fp12_frobenius(&right, &right, 1);
        fp12_frobenius(&left, &a, k);
        CHECK(same(&left, &right));
    }
    fp12_frobenius(&right, &right, 3);
    fp12_conj(&left, &a);
    CHECK(same(&left, &right));
}

static void lines(void)
{
    zkn_fp12 a, b, line = {0}, left, right;
    random_fp12(&a), random_fp12(&b);
#if TWIST_IS_M
    zkn_fp2 *y = &line.c1.c1, *x = &line.c0.c1, *c = &line.c0.c0;
#else
    zkn_fp2 *y = &line.c0.c0, *x = &line.c1.c0, *c = &line.c1.c1;
#endif
    *y = b.c0.c0, *x = b.c0.c1, *c = b.c0.c2;
    fp12_mul(&right, &a, &line);
    fp12_mul_line(&left, &a, &b.c0.c0, &b.c0.c1, &b.c0.c2);
    CHECK(same(&left, &right));
    left = a;
    fp12_mul_line(&left, &left, &b.c0.c0, &b.c0.c1, &b.c0.c2);
    CHECK(same(&left, &right));
    fp2_one(y);
    fp12_mul(&right, &a, &line);
    fp12_mul_unit_line(&a, &a, &b.c0.c1, &b.c0.c2);
    CHECK(same(&a, &right));
}

static void cyclotomic(void)
{
    zkn_fp12 a, m, t, left, right;
    random_fp12(&a);
    fp12_conj(&m, &a), fp12_inv(&t, &a), fp12_mul(&m, &m, &t); /* a^(p^6 - 1) */
    fp12_frobenius(&t, &m, 2), fp12_mul(&m, &m, &t);           /* and ^(p^2 + 1) */
    fp12_sqr(&right, &m), fp12_cyclotomic_sqr(&left, &m);
    CHECK(same(&left, &right));
    fp12_cyclotomic_sqr(&left, &a), fp12_sqr(&right, &a);
    CHECK(!same(&left, &right)); /* and only there */
    fp12_conj(&t, &m), fp12_mul(&t, &t, &m);
    CHECK(fp12_is_one(&t));
}

#if ZKN_PATH_IFMA

static int lanes_hold(const fp12_lanes *lanes, const zkn_fp12 *value)
{
    zkn_fp12 left;
    fp12_lanes_leave(&left, lanes);
    return same(&left, value);
}

/* Every operation in lanes against the scalar one, each on what the one before left, so that bounds are met as they are. */
static void in_lanes(zkn_fp12 a, zkn_fp12 b)
{
    fp12_lanes x, y, z;
    lane_lines lines;
    zkn_fp12 t;
    fp12_lanes_enter(&x, &a), fp12_lanes_enter(&y, &b);
    CHECK(lanes_hold(&x, &a));
    for (int round = 0; round < 3; round++) {
        fp12_lanes_mul(&z, &x, &y), fp12_mul(&t, &a, &b);
        CHECK(lanes_hold(&z, &t));
        fp12_lanes_sqr(&x, &z), fp12_sqr(&a, &t);
        CHECK(lanes_hold(&x, &a));
        fp12_lanes_cyclotomic_sqr(&x, &x), fp12_cyclotomic_sqr(&a, &a);
        CHECK(lanes_hold(&x, &a));
        fp12_lanes_conj(&x, &x), fp12_conj(&a, &a);
        CHECK(lanes_hold(&x, &a));
        fp12_lanes_frobenius(&x, &x, 1 + round), fp12_frobenius(&a, &a, 1 + round);
        CHECK(lanes_hold(&x, &a));
        /* line i is (b_i, b_(5 - i), b_i) for the coefficients of b */
        const zkn_fp2 *at[6] = {&b.c0.c0, &b.c1.c0, &b.c0.c1, &b.c1.c1, &b.c0.c2, &b.c1.c2};
        zkn_fp12 backward = {{b.c1.c2, b.c1.c1, b.c1.c0}, {b.c0.c2, b.c0.c1, b.c0.c0}};
        fp12_lanes_enter(&z, &backward);
        lane_factors_of(&lines.y, &y), lane_factors_of(&lines.x, &z), lane_factors_of(&lines.c, &y);
        for (size_t i = 0; i < 6; i++) {
            fp12_lanes_mul_line(&x, &x, &lines, i), fp12_mul_line(&a, &a, at[i], at[5 - i], at[i]);
            CHECK(lanes_hold(&x, &a));
            fp12_lanes_mul_unit_line(&x, &x, &lines, i), fp12_mul_unit_line(&a, &a, at[5 - i], at[i]);
            CHECK(lanes_hold(&x, &a));
        }
    }
}

static void lanes(void)
{
    zkn_fp12 a, b, zero = {0}, most;
    zkn_fp coordinates[12];
    /* the greatest words there are, whatever they stand for */
    for (int i = 0; i < 12; i++)
        memcpy(coordinates[i].l, FP_MODULUS, sizeof *coordinates), coordinates[i].l[0]--;
    memcpy(&most, coordinates, sizeof most);
    random_fp12(&a), random_fp12(&b);
    in_lanes(a, b);
    in_lanes(zero, a);
    in_lanes(most, most);
    in_lanes(a, most);
}

#endif

int main(void)
{
    generators();
    for (int round = 0; round < 10; round++) {
        ring_laws();
        frobenius();
        lines();
        cyclotomic();
#if ZKN_PATH_IFMA
        lanes();
#endif
    }
    return failures != 0;
}
