/* Vectors over Fr: decoding at the edges, elementwise arithmetic between. */
#include "bytes.h"
#include "fr_dot.h"
#include "fr_vec_lanes.h"
#include "threads.h"

zkn_status zkn_fr_vec_decode_be(zkn_fr *out, size_t *bad, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        zkn_fr x;
        for (int k = 0; k < 4; k++) x.l[k] = zkn_load_be(in + 32 * i + 8 * (3 - k));
        if (!fr_is_reduced(&x)) return *bad = i, ZKN_BAD_ENCODING;
        fr_from_canonical(&out[i], x.l);
    }
    return ZKN_OK;
}

zkn_status zkn_fr_vec_decode_le(zkn_fr *out, size_t *bad, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        zkn_fr x;
        for (int k = 0; k < 4; k++) x.l[k] = zkn_load_le(in + 32 * i + 8 * k);
        if (!fr_is_reduced(&x)) return *bad = i, ZKN_BAD_ENCODING;
        fr_from_canonical(&out[i], x.l);
    }
    return ZKN_OK;
}

zkn_status zkn_fr_vec_check(size_t *bad, const zkn_fr *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!fr_is_reduced(&in[i])) return *bad = i, ZKN_BAD_ENCODING;
    }
    return ZKN_OK;
}

void zkn_fr_vec_encode_be(uint8_t *out, const zkn_fr *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t x[4];
        fr_to_canonical(x, &in[i]);
        for (int k = 0; k < 4; k++) zkn_store_be(out + 32 * i + 8 * (3 - k), x[k]);
    }
}

void zkn_fr_vec_encode_le(uint8_t *out, const zkn_fr *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t x[4];
        fr_to_canonical(x, &in[i]);
        for (int k = 0; k < 4; k++) zkn_store_le(out + 32 * i + 8 * k, x[k]);
    }
}

void zkn_fr_vec_add(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n)
{
    for (size_t i = 0; i < n; i++) fr_add(&out[i], &a[i], &b[i]);
}

void zkn_fr_vec_sub(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n)
{
    for (size_t i = 0; i < n; i++) fr_sub(&out[i], &a[i], &b[i]);
}

void zkn_fr_vec_running_sums(zkn_fr *out, const zkn_fr *a, size_t n)
{
    zkn_fr sum;
    fr_zero(&sum);
    for (size_t i = 0; i < n; i++) {
        fr_add(&sum, &sum, &a[i]);
        out[i] = sum;
    }
}

typedef struct {
    zkn_fr *out;
    const zkn_fr *a, *b, *g; /* b: a vector, or one scalar; g: ratio of a geometric row */
} operands;

#if ZKN_HAS_LANES
/* how many of n go in lanes */
static size_t in_lanes(size_t n)
{
    return n - n % FR_VEC_LANES;
}
#endif

static void mul_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const operands *o = ctx;
#if ZKN_HAS_LANES
    const size_t some = in_lanes(end - begin);
    fr_lanes_mul(&o->out[begin], &o->a[begin], &o->b[begin], some);
    begin += some;
#endif
    for (size_t i = begin; i < end; i++) fr_mul(&o->out[i], &o->a[i], &o->b[i]);
}

void zkn_fr_vec_mul(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n, unsigned threads)
{
    operands o = {out, a, b, NULL};
    zkn_parallel(n, zkn_worth(n, ZKN_PRODUCTS_MIN, threads), mul_share, &o);
}

static void scale_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const operands *o = ctx;
#if ZKN_HAS_LANES
    const size_t some = in_lanes(end - begin);
    fr_lanes_scale(&o->out[begin], &o->a[begin], o->b, some);
    begin += some;
#endif
    for (size_t i = begin; i < end; i++) fr_mul(&o->out[i], &o->a[i], o->b);
}

void zkn_fr_vec_scale(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, size_t n, unsigned threads)
{
    operands o = {out, a, s, NULL};
    zkn_parallel(n, zkn_worth(n, ZKN_PRODUCTS_MIN, threads), scale_share, &o);
}

static void scale_powers_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const operands *o = ctx;
    uint64_t exponent = begin;
    zkn_fr power;
    fr_pow_public(&power, o->g, &exponent, 1);
    fr_mul(&power, &power, o->b);
#if ZKN_HAS_LANES
    const size_t some = in_lanes(end - begin);
    if (some) {
        fr_lanes_scale_powers(&o->out[begin], &o->a[begin], &power, o->g, some);
        exponent = begin += some;
        fr_pow_public(&power, o->g, &exponent, 1);
        fr_mul(&power, &power, o->b);
    }
#endif
    for (size_t i = begin; i < end; i++) {
        fr_mul(&o->out[i], &o->a[i], &power);
        fr_mul(&power, &power, o->g);
    }
}

void zkn_fr_vec_scale_powers(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, const zkn_fr *g, size_t n,
                             unsigned threads)
{
    operands o = {out, a, s, g};
    zkn_parallel(n, zkn_worth(n, ZKN_PRODUCTS_MIN, threads), scale_powers_share, &o);
}

void zkn_fr_vec_dot(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n)
{
    zkn_fr sum, part;
    fr_zero(&sum);
    size_t i = 0;
#if ZKN_HAS_LANES
    i = in_lanes(n);
    if (i) fr_lanes_dot(&sum, a, b, i);
#endif
    for (size_t some; i < n; i += some) {
        some = n - i < FR_DOT_MAX_TERMS ? n - i : FR_DOT_MAX_TERMS;
        fr_dot(&part, &a[i], &b[i], some);
        fr_add(&sum, &sum, &part);
    }
    *out = sum;
}

zkn_status zkn_fr_vec_inverse(zkn_fr *out, size_t *bad, const zkn_fr *a, size_t n)
{
    zkn_fr running, x;
#if ZKN_HAS_LANES
    const size_t some = in_lanes(n);
    for (size_t i = 0; i < some; i++) {
        if (fr_is_zero(&a[i])) return *bad = i, ZKN_DIVISION_BY_ZERO;
    }
    if (some) {
        const zkn_status status =
            n == some ? ZKN_OK : zkn_fr_vec_inverse(out + some, bad, a + some, n - some);
        if (status != ZKN_OK) return *bad += some, status;
        fr_lanes_inverse(out, a, some);
        return ZKN_OK;
    }
#endif
    fr_one(&running);
    for (size_t i = 0; i < n; i++) {
        if (fr_is_zero(&a[i])) return *bad = i, ZKN_DIVISION_BY_ZERO;
        out[i] = running; /* product of all before i */
        fr_mul(&running, &running, &a[i]);
    }
    fr_inv(&running, &running);
    for (size_t i = n; i-- > 0;) {
        x = a[i];
        fr_mul(&out[i], &out[i], &running);
        fr_mul(&running, &running, &x);
    }
    return ZKN_OK;
}

void zkn_fr_vec_evaluate(zkn_fr *out, const zkn_fr *a, size_t n, const zkn_fr *x)
{
    zkn_fr value;
    fr_zero(&value);
    size_t rest = 0;
#if ZKN_HAS_LANES
    rest = in_lanes(n);
#endif
    for (size_t i = n; i-- > rest;) {
        fr_mul(&value, &value, x);
        fr_add(&value, &value, &a[i]);
    }
#if ZKN_HAS_LANES
    if (rest) {
        const uint64_t exponent = rest;
        zkn_fr power, low;
        fr_pow_public(&power, x, &exponent, 1);
        fr_mul(&value, &value, &power);
        fr_lanes_evaluate(&low, a, rest, x);
        fr_add(&value, &value, &low);
    }
#endif
    *out = value;
}

/* With P(X) = E(X^2) + X O(X^2), the polynomial E + x O of half the length has the value P(x) at x^2, and at w^2 the value
 * (P(w) + P(-w) + (x/w) (P(w) - P(-w))) / 2. P(w) and P(-w) are neighbours. */
static void halve_values(zkn_fr *a, size_t half, const zkn_fr *x, const zkn_fr *roots)
{
    zkn_fr ratio[FR_TWO_ADICITY], sum, difference; /* ratio[b]: x over the roots of the bits of i from b up */
    for (size_t b = 0; b < FR_TWO_ADICITY; b++) ratio[b] = *x;
    for (size_t i = 0; i < half; i++) {
        if (i) {
            const unsigned bit = (unsigned)__builtin_ctzll(i);
            fr_mul(&ratio[bit], &ratio[bit + 1], &roots[bit]);
            for (unsigned below = bit; below-- > 0;) ratio[below] = ratio[bit];
        }
        fr_add(&sum, &a[2 * i], &a[2 * i + 1]);
        fr_sub(&difference, &a[2 * i], &a[2 * i + 1]);
        fr_mul(&difference, &difference, &ratio[0]);
        fr_add(&a[i], &sum, &difference);
    }
}

zkn_status zkn_fr_vec_value_at(zkn_fr *out, zkn_fr *a, size_t n, const zkn_fr *x)
{
    zkn_fr roots[FR_TWO_ADICITY], power = *x; /* 1 over FR_ROOTS[bit + 2] */
    unsigned bits = 0;
    while (bits < FR_TWO_ADICITY && (size_t)1 << bits < n) bits++;
    if (n != (size_t)1 << bits) return ZKN_BAD_LENGTH;
    if (bits > 1) {
        fr_inv(&roots[bits - 2], &FR_ROOTS[bits]);
        for (unsigned bit = bits - 2; bit-- > 0;) fr_sqr(&roots[bit], &roots[bit + 1]);
    }
    for (size_t half = n / 2; half; half /= 2) {
        halve_values(a, half, &power, roots);
        fr_sqr(&power, &power);
    }
    fr_mul(out, &a[0], &FR_INVERSE_POWERS_OF_TWO[bits]);
    return ZKN_OK;
}

void zkn_fr_vec_divide_linear(zkn_fr *quotient, zkn_fr *remainder, const zkn_fr *a, size_t n, const zkn_fr *z)
{
    zkn_fr carried = a[n - 1], next; /* Horner's intermediate values are the quotient */
    for (size_t i = n - 1; i-- > 0;) {
        next = a[i];
        quotient[i] = carried;
        fr_mul(&carried, &carried, z);
        fr_add(&carried, &carried, &next);
    }
    *remainder = carried;
}
