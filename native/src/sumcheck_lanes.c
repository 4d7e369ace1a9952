/* The loops of sumcheck.c over eight pairs at a time. Bounds are those of lane_field_template.h. */
#include "sumcheck_lanes.h"

#if ZKN_HAS_LANES

#include "fr_lanes.h"

enum {
    TERMS = 192 * LANES
}; /* before columns of *_wide are full; of products of bound 4, of bound 192 4/84 + 1 < 11 */

/* out <- upper - a, of bound 2; a is carried and below m */
static inline void step_of(fr8 *out, const fr8 *a, const zkn_fr *upper, size_t i)
{
    fr8 above;
    if (upper) {
        fr_lanes_load(&above, &upper[i]);
    } else {
        fr8_all(&above, (const uint64_t[LANE_LIMBS]){0});
    }
    fr8_sub(out, &above, a, 1);
    fr8_carry(out);
}

void sumcheck_lanes_fold(zkn_fr *a, const zkn_fr *upper, const zkn_fr *r, size_t n)
{
    uint64_t factor[LANE_LIMBS];
    fr_lane_limbs(factor, r);
    for (size_t i = 0; i < n; i += LANES) {
        fr8 x, step;
        fr_lanes_load(&x, &a[i]);
        step_of(&step, &x, upper, i);
        fr8_mul_all(&step, &step, factor);
        fr8_add(&x, &x, &step); /* of bound 3 */
        fr8_carry(&x);
        fr8_fold(&x);
        fr_lanes_store(&a[i], &x);
    }
}

static void add_sum(zkn_fr *sum, fr8_wide *wide)
{
    fr8 part;
    fr8_reduce(&part, wide);
    fr_lanes_add_all(sum, &part);
    fr8_wide_zero(wide);
}

void sumcheck_lanes_rows(zkn_fr sums[2], const zkn_fr *const tables[3], const zkn_fr *const upper[2],
                         const zkn_fr *eq, size_t n)
{
    fr8_wide low, high;
    fr8_wide_zero(&low);
    fr8_wide_zero(&high);
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < TERMS ? n : i + TERMS;
        for (; i < end; i += LANES) {
            fr8 a, b, c, weight, other;
            fr_lanes_load(&a, &tables[0][i]);
            fr_lanes_load(&b, &tables[1][i]);
            step_of(&c, &a, upper[0], i);
            step_of(&other, &b, upper[1], i);
            fr8_times_16(&b, &b);
            fr8_carry(&b);
            fr8_mul(&a, &a, &b); /* of bound 16/84 + 1 */
            fr8_times_16(&other, &other);
            fr8_carry(&other);
            fr8_mul(&other, &other, &c); /* of bound 64/84 + 1 */
            fr_lanes_load(&c, &tables[2][i]);
            fr8_sub(&a, &a, &c, 1);
            fr8_carry(&a);
            fr_lanes_load(&weight, &eq[i]);
            fr8_wide_madd(&low, &a, &weight);
            fr8_wide_madd(&high, &other, &weight);
        }
        add_sum(&sums[0], &low);
        add_sum(&sums[1], &high);
    }
}

/* 16 a: the other factor of a product. Of factors of bound 2 a product is of bound 2 * 32/84 + 1 < 2. */
static inline void factor_of(fr8 *out, const fr8 *a)
{
    fr8_times_16(out, a);
    fr8_carry(out);
}

void sumcheck_lanes_powers(zkn_fr sums[5], const zkn_fr *d, const zkn_fr *upper, const zkn_fr *e,
                           const zkn_fr *eq, size_t n)
{
    enum { SUMS = 5 };
    fr8_wide wide[SUMS];
    for (int k = 0; k < SUMS; k++) fr8_wide_zero(&wide[k]);
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < TERMS ? n : i + TERMS;
        for (; i < end; i += LANES) {
            fr8 x, step, x_1, x_2, step_1, step_2, x_3, step_3, term, weight;
            fr_lanes_load(&x, &d[i]);
            step_of(&step, &x, upper, i);
            factor_of(&x_1, &x), factor_of(&step_1, &step);
            fr8_mul(&x_2, &x, &x_1), fr8_mul(&step_2, &step, &step_1);
            fr_lanes_load(&weight, &eq[i]);
            fr8_mul(&term, &step_2, &x_1); /* step^2 x, to be times step^2 */
            factor_of(&x_2, &x_2), factor_of(&step_2, &step_2);
            fr8_mul(&term, &term, &step_2);
            fr8_wide_madd(&wide[3], &term, &weight);
            fr8_mul(&x_3, &x, &x_2), fr8_mul(&step_3, &step, &step_2);
            fr8_mul(&term, &x_3, &step_2);
            fr8_wide_madd(&wide[1], &term, &weight);
            fr8_mul(&term, &step_3, &x_2);
            fr8_wide_madd(&wide[2], &term, &weight);
            fr8_mul(&term, &step_3, &step_2);
            fr8_wide_madd(&wide[4], &term, &weight);
            fr8_mul(&term, &x_3, &x_2);
            fr_lanes_load(&x, &e[i]);
            fr8_sub(&term, &term, &x, 1); /* of bound 3 */
            fr8_carry(&term);
            fr8_wide_madd(&wide[0], &term, &weight);
        }
        for (int k = 0; k < SUMS; k++) add_sum(&sums[k], &wide[k]);
    }
}

void sumcheck_lanes_product(zkn_fr sums[2], const zkn_fr *const tables[2], const zkn_fr *const upper[2],
                            size_t n)
{
    fr8_wide low, high;
    fr8_wide_zero(&low);
    fr8_wide_zero(&high);
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < TERMS ? n : i + TERMS;
        for (; i < end; i += LANES) {
            fr8 a, b, left, right;
            fr_lanes_load(&a, &tables[0][i]);
            fr_lanes_load(&b, &tables[1][i]);
            step_of(&left, &a, upper[0], i);
            step_of(&right, &b, upper[1], i);
            fr8_wide_madd(&low, &a, &b);
            fr8_wide_madd(&high, &left, &right);
        }
        add_sum(&sums[0], &low);
        add_sum(&sums[1], &high);
    }
}

#endif
