/* Vectors over Fr, sixteen elements at a time.
 *
 * Bounds are those of lane_field_template.h. */
#include "fr_vec_lanes.h"

#if ZKN_HAS_LANES

#include "fr_lanes.h"

enum { SETS = FR_VEC_LANES / LANES, DOT_TERMS = 192 };

void fr_lanes_mul(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        fr8 x, y;
        fr_lanes_load(&x, &a[i]);
        fr_lanes_load_factor(&y, &b[i]);
        fr8_mul(&x, &x, &y);
        fr_lanes_store(&out[i], &x);
    }
}

void fr_lanes_scale(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, size_t n)
{
    uint64_t factor[LANE_LIMBS];
    fr_lane_limbs(factor, s);
    for (size_t i = 0; i < n; i += LANES) {
        fr8 x;
        fr_lanes_load(&x, &a[i]);
        fr8_mul_all(&x, &x, factor);
        fr_lanes_store(&out[i], &x);
    }
}

void fr_lanes_add_scaled(zkn_fr *sum, const zkn_fr *a, const zkn_fr *s, size_t n)
{
    uint64_t factor[LANE_LIMBS];
    fr_lane_limbs(factor, s);
    for (size_t i = 0; i < n; i += LANES) {
        fr8 x, y;
        fr_lanes_load(&x, &a[i]);
        fr8_mul_all(&x, &x, factor);
        fr_lanes_load(&y, &sum[i]);
        fr8_add(&x, &x, &y); /* of bound 3 */
        fr8_carry(&x);
        fr8_fold(&x);
        fr_lanes_store(&sum[i], &x);
    }
}

/* Eight neighbours in their order. */
static inline void load_in_order(fr8 *out, const zkn_fr *in)
{
    lane_word w[4];
    lane_load4(w, in->l, 4);
    fr8_split(out, w);
}

/* unequal[k] <- is lane k of x, of bound 2, another element than c[k]? */
static inline void put_unequal(uint8_t *unequal, fr8 *x, const zkn_fr *c)
{
    fr8 y;
    unsigned equal = 0xff;
    fr8_canonical(x);
    load_in_order(&y, c);
    for (int k = 0; k < LANE_LIMBS; k++) equal &= lane_equal(x->l[k], y.l[k]);
    for (size_t k = 0; k < LANES; k++) unequal[k] = (uint8_t)(~equal >> k & 1);
}

void fr_lanes_unequal_products(uint8_t *unequal, const zkn_fr *a, const zkn_fr *b, const zkn_fr *c, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        fr8 x, y;
        load_in_order(&x, &a[i]);
        load_in_order(&y, &b[i]);
        fr8_times_16(&y, &y);
        fr8_carry(&y);
        fr8_mul(&x, &x, &y);
        put_unequal(&unequal[i], &x, &c[i]);
    }
}

void fr_lanes_unequal_powers(uint8_t *unequal, const zkn_fr *d, const zkn_fr *e, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        fr8 x, factor, power;
        load_in_order(&x, &d[i]);
        fr8_times_16(&factor, &x);
        fr8_carry(&factor);
        fr8_mul(&x, &x, &factor); /* x^2, of bound 2; so are the next two */
        fr8_times_16(&power, &x);
        fr8_carry(&power);
        fr8_mul(&x, &x, &power);
        fr8_mul(&x, &x, &factor);
        put_unequal(&unequal[i], &x, &e[i]);
    }
}

void fr_lanes_split(zkn_fr *out, const zkn_fr *a, const zkn_fr *p, size_t n)
{
    uint64_t factor[LANE_LIMBS];
    lane_word w[4];
    fr_lane_limbs(factor, p);
    for (size_t i = n; i > 0; i -= LANES) {
        fr8 x, product;
        load_in_order(&x, &a[i - LANES]);
        fr8_mul_all(&product, &x, factor);
        fr8_canonical(&product);
        fr8_sub(&x, &x, &product, 1); /* from 1 to 2 m - 1 */
        fr8_carry(&x);
        fr8_canonical(&x);
        fr8_join(w, &x);
        lane_store4(out[2 * (i - LANES)].l, 8, w);
        fr8_join(w, &product);
        lane_store4(out[2 * (i - LANES) + 1].l, 8, w);
    }
}

/* FR_VEC_LANES powers s g^i, and the limbs of the one after them over the first */
static void powers(zkn_fr row[FR_VEC_LANES], uint64_t ratio[LANE_LIMBS], const zkn_fr *s, const zkn_fr *g)
{
    zkn_fr power = *g;
    row[0] = *s;
    for (size_t i = 1; i < FR_VEC_LANES; i++) fr_mul(&row[i], &row[i - 1], g);
    for (size_t i = 1; i < FR_VEC_LANES; i *= 2) fr_sqr(&power, &power);
    fr_lane_limbs(ratio, &power);
}

void fr_lanes_scale_powers(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, const zkn_fr *g, size_t n)
{
    zkn_fr row[FR_VEC_LANES];
    uint64_t ratio[LANE_LIMBS];
    fr8 power[SETS];
    powers(row, ratio, s, g);
    for (size_t k = 0; k < SETS; k++) fr_lanes_load_factor(&power[k], &row[k * LANES]);
    for (size_t i = 0; i < n; i += FR_VEC_LANES) {
        ZKN_UNROLL
        for (size_t k = 0; k < SETS; k++) {
            fr8 x;
            fr_lanes_load(&x, &a[i + k * LANES]);
            fr8_mul(&x, &x, &power[k]);
            fr_lanes_store(&out[i + k * LANES], &x);
            fr8_mul_all(&power[k], &power[k], ratio);
        }
    }
}

void fr_lanes_dot(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n)
{
    fr8 total;
    fr8_all(&total, (const uint64_t[LANE_LIMBS]){0});
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < DOT_TERMS * LANES ? n : i + DOT_TERMS * LANES;
        fr8_wide sum;
        fr8 part;
        fr8_wide_zero(&sum);
        for (; i < end; i += LANES) {
            fr8 x, y;
            fr_lanes_load(&x, &a[i]);
            fr_lanes_load(&y, &b[i]);
            fr8_wide_madd(&sum, &x, &y);
        }
        fr8_reduce(&part, &sum); /* x y R / 16, of bound 192/84 + 1 < 4 */
        fr8_add(&total, &total, &part);
        fr8_carry(&total);
        fr8_fold(&total);
    }
    fr_zero(out);
    fr_lanes_add_all(out, &total);
}

void fr_lanes_evaluate(zkn_fr *out, const zkn_fr *a, size_t n, const zkn_fr *x)
{
    zkn_fr row[FR_VEC_LANES], one;
    uint64_t ratio[LANE_LIMBS];
    fr8 value[SETS];
    fr_one(&one);
    powers(row, ratio, &one, x);
    for (size_t k = 0; k < SETS; k++) fr8_all(&value[k], (const uint64_t[LANE_LIMBS]){0});
    for (size_t i = n; i > 0; i -= FR_VEC_LANES) {
        ZKN_UNROLL
        for (size_t k = 0; k < SETS; k++) {
            fr8 y;
            fr_lanes_load(&y, &a[i - FR_VEC_LANES + k * LANES]);
            fr8_mul_all(&value[k], &value[k], ratio);
            fr8_add(&value[k], &value[k], &y); /* of bound 3/84 + 1 + 1 < 3 */
            fr8_carry(&value[k]);
        }
    }
    zkn_fr last[FR_VEC_LANES];
    for (size_t k = 0; k < SETS; k++) {
        fr8_fold(&value[k]);
        fr_lanes_store(&last[k * LANES], &value[k]);
    }
    fr_lanes_dot(out, last, row, FR_VEC_LANES);
}

void fr_lanes_inverse(zkn_fr *out, const zkn_fr *a, size_t n)
{
    fr8 running[SETS], x, y;
    zkn_fr products[FR_VEC_LANES], inverses[FR_VEC_LANES], all, before;
    for (size_t k = 0; k < SETS; k++) fr_lanes_load(&running[k], &a[k * LANES]);
    for (size_t i = FR_VEC_LANES; i < n; i += FR_VEC_LANES) {
        ZKN_UNROLL
        for (size_t k = 0; k < SETS; k++) {
            fr_lanes_store_lazy(&out[i + k * LANES], &running[k]); /* the product of all before, of bound 2 */
            fr_lanes_load_factor(&x, &a[i + k * LANES]);
            fr8_mul(&running[k], &running[k], &x);
        }
    }
    for (size_t k = 0; k < SETS; k++) fr_lanes_store(&products[k * LANES], &running[k]);
    fr_one(&all);
    for (size_t i = 0; i < FR_VEC_LANES; i++) {
        inverses[i] = all;
        fr_mul(&all, &all, &products[i]);
    }
    fr_inv(&all, &all);
    for (size_t i = FR_VEC_LANES; i-- > 0;) {
        before = inverses[i];
        fr_mul(&inverses[i], &all, &before);
        fr_mul(&all, &all, &products[i]);
    }
    for (size_t k = 0; k < SETS; k++) fr_lanes_load(&running[k], &inverses[k * LANES]);
    for (size_t i = n - FR_VEC_LANES; i > 0; i -= FR_VEC_LANES) {
        ZKN_UNROLL
        for (size_t k = 0; k < SETS; k++) {
            fr_lanes_load_factor(&y, &out[i + k * LANES]); /* of bound 32 */
            fr_lanes_load_factor(&x, &a[i + k * LANES]);
            fr8_mul(&y, &y, &running[k]);
            fr_lanes_store(&out[i + k * LANES], &y);
            fr8_mul(&running[k], &running[k], &x);
        }
    }
    for (size_t k = 0; k < SETS; k++) fr_lanes_store(&out[k * LANES], &running[k]);
}

#endif
