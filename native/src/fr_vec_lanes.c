/* Vectors over Fr, sixteen elements at a time.
 *
 * An element keeps the form it has in memory, x R, as one factor; the other takes the lanes' form, y S, by a shift of four
 * bits as it is loaded, so that the product is x y R. Bounds are those of lane_field_template.h. */
#include "fr_vec_lanes.h"

#if ZKN_HAS_LANES

#include "lane_field.h"

enum { SETS = FR_VEC_LANES / LANES, DOT_TERMS = 192 };

/* x R, of bound 1 */
static inline void load(fr8 *out, const zkn_fr *in)
{
    lane_word w[4];
    lane_load4_near(w, in->l);
    fr8_split(out, w);
}

/* x S, of 16 times the bound in memory */
static inline void load_factor(fr8 *out, const zkn_fr *in)
{
    lane_word w[4];
    lane_load4_near(w, in->l);
    fr8_split_times_16(out, w);
}

static inline void store_lazy(zkn_fr *out, const fr8 *a)
{
    lane_word w[4];
    fr8_join(w, a);
    lane_store4_near(out->l, w);
}

/* for bound 2 */
static inline void store(zkn_fr *out, const fr8 *a)
{
    fr8 reduced = *a;
    fr8_canonical(&reduced);
    store_lazy(out, &reduced);
}

void fr_lanes_mul(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        fr8 x, y;
        load(&x, &a[i]);
        load_factor(&y, &b[i]);
        fr8_mul(&x, &x, &y);
        store(&out[i], &x);
    }
}

void fr_lanes_scale(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, size_t n)
{
    uint64_t factor[LANE_LIMBS];
    fr_lane_limbs(factor, s);
    for (size_t i = 0; i < n; i += LANES) {
        fr8 x;
        load(&x, &a[i]);
        fr8_mul_all(&x, &x, factor);
        store(&out[i], &x);
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
    for (size_t k = 0; k < SETS; k++) load_factor(&power[k], &row[k * LANES]);
    for (size_t i = 0; i < n; i += FR_VEC_LANES) {
        ZKN_UNROLL
        for (size_t k = 0; k < SETS; k++) {
            fr8 x;
            load(&x, &a[i + k * LANES]);
            fr8_mul(&x, &x, &power[k]);
            store(&out[i + k * LANES], &x);
            fr8_mul_all(&power[k], &power[k], ratio);
        }
    }
}

void fr_lanes_dot(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n)
{
    fr8 total;
    zkn_fr lanes[LANES];
    fr8_all(&total, (const uint64_t[LANE_LIMBS]){0});
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < DOT_TERMS * LANES ? n : i + DOT_TERMS * LANES;
        fr8_wide sum;
        fr8 part;
        fr8_wide_zero(&sum);
        for (; i < end; i += LANES) {
            fr8 x, y;
            load(&x, &a[i]);
            load(&y, &b[i]);
            fr8_wide_madd(&sum, &x, &y);
        }
        fr8_reduce(&part, &sum); /* x y R / 16, of bound 192/84 + 1 < 4 */
        fr8_add(&total, &total, &part);
        fr8_carry(&total);
        fr8_fold(&total);
    }
    store(lanes, &total);
    for (size_t i = 1; i < LANES; i++) fr_add(&lanes[0], &lanes[0], &lanes[i]);
    for (int i = 0; i < 4; i++) fr_dbl(&lanes[0], &lanes[0]);
    *out = lanes[0];
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
            load(&y, &a[i - FR_VEC_LANES + k * LANES]);
            fr8_mul_all(&value[k], &value[k], ratio);
            fr8_add(&value[k], &value[k], &y); /* of bound 3/84 + 1 + 1 < 3 */
            fr8_carry(&value[k]);
        }
    }
    zkn_fr last[FR_VEC_LANES];
    for (size_t k = 0; k < SETS; k++) {
        fr8_fold(&value[k]);
        store(&last[k * LANES], &value[k]);
    }
    fr_lanes_dot(out, last, row, FR_VEC_LANES);
}

void fr_lanes_inverse(zkn_fr *out, const zkn_fr *a, size_t n)
{
    fr8 running[SETS], x, y;
    zkn_fr products[FR_VEC_LANES], inverses[FR_VEC_LANES], all, before;
    for (size_t k = 0; k < SETS; k++) load(&running[k], &a[k * LANES]);
    for (size_t i = FR_VEC_LANES; i < n; i += FR_VEC_LANES) {
        ZKN_UNROLL
        for (size_t k = 0; k < SETS; k++) {
            store_lazy(&out[i + k * LANES], &running[k]); /* the product of all before, of bound 2 */
            load_factor(&x, &a[i + k * LANES]);
            fr8_mul(&running[k], &running[k], &x);
        }
    }
    for (size_t k = 0; k < SETS; k++) store(&products[k * LANES], &running[k]);
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
    for (size_t k = 0; k < SETS; k++) load(&running[k], &inverses[k * LANES]);
    for (size_t i = n - FR_VEC_LANES; i > 0; i -= FR_VEC_LANES) {
        ZKN_UNROLL
        for (size_t k = 0; k < SETS; k++) {
            load_factor(&y, &out[i + k * LANES]); /* of bound 32 */
            load_factor(&x, &a[i + k * LANES]);
            fr8_mul(&y, &y, &running[k]);
            store(&out[i + k * LANES], &y);
            fr8_mul(&running[k], &running[k], &x);
        }
    }
    for (size_t k = 0; k < SETS; k++) store(&out[k * LANES], &running[k]);
}

#endif
