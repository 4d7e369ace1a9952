/* The rounds of a sumcheck, by the definition of their polynomials at 0, 1, 2 and beyond. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "field.h"

enum { BITS = 6, FULL = 1 << BITS };

static uint64_t seed = 29;

static void fill(zkn_fr *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fr_from_u64(&out[i], next_random(&seed));
        fr_sqr(&out[i], &out[i]), fr_sqr(&out[i], &out[i]);
        if (i % 7 == 3) fr_one(&out[i]), fr_neg(&out[i], &out[i]);
    }
}

/* A table with its first variable at x: value i, zeros past the end. */
static void at(zkn_fr *out, const zkn_fr *a, size_t n, size_t half, size_t i, const zkn_fr *x)
{
    zkn_fr low, high;
    fr_zero(&low), fr_zero(&high);
    if (i < n) low = a[i];
    if (i + half < n) high = a[i + half];
    fr_sub(&high, &high, &low);
    fr_mul(&high, &high, x);
    fr_add(out, &low, &high);
}

/* h(0) and the coefficient of X^2, which is (h(0) - 2 h(1) + h(2)) / 2, of sum eq (a b - c), or of sum a b. */
static void expect(zkn_fr out[2], const zkn_fr *a, const zkn_fr *b, const zkn_fr *c, const zkn_fr *eq,
                   size_t n, size_t half)
{
    zkn_fr h[3], x, left, right, third;
    for (uint64_t k = 0; k < 3; k++) {
        fr_from_u64(&x, k);
        fr_zero(&h[k]);
        for (size_t i = 0; i < half; i++) {
            at(&left, a, n, half, i, &x), at(&right, b, n, half, i, &x);
            fr_mul(&left, &left, &right);
            if (eq) {
                at(&third, c, n, half, i, &x);
                fr_sub(&left, &left, &third);
                fr_mul(&left, &left, &eq[i]);
            }
            fr_add(&h[k], &h[k], &left);
        }
    }
    out[0] = h[0];
    fr_dbl(&h[1], &h[1]);
    fr_add(&h[0], &h[0], &h[2]);
    fr_sub(&h[0], &h[0], &h[1]);
    fr_halve(&out[1], &h[0]);
}

/* sum eq (d^5 - e) with the first variable at x */
static void power_sum(zkn_fr *out, const zkn_fr *d, const zkn_fr *e, const zkn_fr *eq, size_t n, size_t half,
                      const zkn_fr *x)
{
    fr_zero(out);
    for (size_t i = 0; i < half; i++) {
        zkn_fr left, power, right;
        at(&left, d, n, half, i, x), at(&right, e, n, half, i, x);
        fr_sqr(&power, &left), fr_sqr(&power, &power);
        fr_mul(&power, &power, &left);
        fr_sub(&power, &power, &right);
        fr_mul(&power, &power, &eq[i]);
        fr_add(out, out, &power);
    }
}

/* The coefficients that are found, with that of X so that the sum at 1 comes out, give the sums at 2 to 6 as well. */
static void powers(void)
{
    const size_t half = FULL / 2;
    zkn_fr d[FULL], e[FULL], eq[FULL], found[5], sum, x, h, linear;
    fill(d, FULL), fill(e, FULL), fill(eq, FULL);
    for (size_t n = 1; n <= FULL; n += n < half + 4 ? 5 : 9) {
        for (unsigned threads = 0; threads <= 3; threads++) {
            zkn_sumcheck_powers(found, d, e, eq, n, half, threads);
            fr_zero(&x);
            power_sum(&sum, d, e, eq, n, half, &x);
            CHECK(fr_equal(&found[0], &sum));
            fr_one(&x);
            power_sum(&linear, d, e, eq, n, half, &x);
            for (int k = 0; k < 5; k++) fr_sub(&linear, &linear, &found[k]);
            for (uint64_t point = 2; point <= 6; point++) {
                fr_from_u64(&x, point);
                h = found[4];
                for (int k = 3; k >= 1; k--) fr_mul(&h, &h, &x), fr_add(&h, &h, &found[k]);
                fr_mul(&h, &h, &x), fr_add(&h, &h, &linear);
                fr_mul(&h, &h, &x), fr_add(&h, &h, &found[0]);
                power_sum(&sum, d, e, eq, n, half, &x);
                CHECK(fr_equal(&h, &sum));
            }
        }
    }
}

static void unequal_powers(void)
{
    zkn_fr d[FULL], e[FULL], one;
    uint8_t found[FULL];
    fill(d, FULL), fr_one(&one);
    for (size_t n = 0; n <= FULL; n += 7) {
        for (size_t i = 0; i < n; i++) {
            fr_sqr(&e[i], &d[i]), fr_sqr(&e[i], &e[i]), fr_mul(&e[i], &e[i], &d[i]);
            if (i % 5 == 2) fr_add(&e[i], &e[i], &one);
        }
        for (unsigned threads = 1; threads <= 3; threads += 2) {
            zkn_unequal_powers(found, d, e, n, threads);
            for (size_t i = 0; i < n; i++) CHECK(found[i] == (i % 5 == 2));
        }
    }
}

static void rounds(void)
{
    const size_t half = FULL / 2;
    zkn_fr a[FULL], b[FULL], c[FULL], eq[FULL], out[2], expected[2], r, folded;
    fill(a, FULL), fill(b, FULL), fill(c, FULL), fill(eq, FULL), fill(&r, 1);
    for (size_t n = 1; n <= FULL; n += n < half + 4 ? 5 : 9) {
        for (unsigned threads = 0; threads <= 3; threads++) {
            zkn_sumcheck_rows(out, a, b, c, eq, n, half, threads);
            expect(expected, a, b, c, eq, n, half);
            CHECK(fr_equal(&out[0], &expected[0]) && fr_equal(&out[1], &expected[1]));
            zkn_sumcheck_product(out, a, b, n, half, threads);
            expect(expected, a, b, NULL, NULL, n, half);
            CHECK(fr_equal(&out[0], &expected[0]) && fr_equal(&out[1], &expected[1]));
            zkn_fr copy[FULL];
            memcpy(copy, a, sizeof copy);
            zkn_sumcheck_fold(copy, n, half, &r, threads);
            for (size_t i = 0; i < half && i < n; i++) {
                at(&folded, a, n, half, i, &r);
                CHECK(fr_equal(&copy[i], &folded));
            }
            CHECK(memcmp(&copy[half], &a[half], half * sizeof *a) == 0);
        }
    }
}

static void equalities(void)
{
    zkn_fr point[BITS], out[FULL], one, factor, product;
    fill(point, BITS);
    fr_one(&one);
    for (size_t s = 0; s <= BITS; s++) {
        for (size_t n = 1; n <= (size_t)1 << s; n++) {
            memset(out, 0xaa, sizeof out);
            CHECK(zkn_eq_table(out, n, point, s) == ZKN_OK);
            for (size_t i = 0; i < n; i++) {
                product = one;
                for (size_t j = 0; j < s; j++) {
                    fr_sub(&factor, &one, &point[j]);
                    fr_mul(&product, &product, i >> (s - 1 - j) & 1 ? &point[j] : &factor);
                }
                CHECK(fr_equal(&out[i], &product));
            }
            for (size_t i = n; i < FULL; i++) CHECK(out[i].l[0] == 0xaaaaaaaaaaaaaaaaULL);
        }
        CHECK(zkn_eq_table(out, ((size_t)1 << s) + 1, point, s) == ZKN_BAD_LENGTH);
    }
    CHECK(zkn_eq_table(out, 0, point, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_eq_table(out, 1, point, 49) == ZKN_BAD_LENGTH);
}

int main(void)
{
    rounds();
    powers();
    unequal_powers();
    equalities();
    return failures != 0;
}
