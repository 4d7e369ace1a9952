/* The transform and the quotient by their definitions, at the edges of the lazy bounds too. */
#include "check.h"
#include "fr_factor.h"
#include "ntt.h"

#include <stdlib.h>
#include <string.h>

enum { HALF = 1 << 13 };

static uint64_t seed = 11;

/* n elements: 0, 1 and the like, ends of the field, or anything. */
static void fill(zkn_fr *a, size_t n, unsigned kind)
{
    for (size_t i = 0; i < n; i++) {
        if (kind == 0) {
            fr_from_u64(&a[i], i * i + 3);
        } else if (kind == 1) {
            memcpy(a[i].l, FR_MODULUS, sizeof a[i].l);
            a[i].l[0] -= 1 + next_random(&seed) % 2;
        } else {
            const uint64_t words[4] = {next_random(&seed), next_random(&seed), next_random(&seed),
                                       next_random(&seed) >> 3};
            memcpy(a[i].l, words, sizeof words);
        }
    }
}

static void definition(size_t n, const zkn_fr *twiddles, unsigned threads, unsigned kind)
{
    zkn_fr *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
    fill(a, n, kind);
    memcpy(b, a, n * sizeof *a);
    CHECK(zkn_fr_ntt(b, n, twiddles, threads) == ZKN_OK);
    const zkn_fr *w = &FR_ROOTS[__builtin_ctzll(n)];
    for (size_t k = 0; k < n; k += n / 8 + 1) {
        zkn_fr x, value;
        const uint64_t exponent = k;
        fr_pow_public(&x, w, &exponent, 1);
        zkn_fr_vec_evaluate(&value, a, n, &x);
        CHECK(fr_equal(&value, &b[k]));
    }
    CHECK(zkn_fr_intt(b, n, twiddles, threads) == ZKN_OK);
    CHECK(memcmp(a, b, n * sizeof *a) == 0);
    free(a);
    free(b);
}

/* From coefficients: their values are what the quotient is given. */
static void quotient(size_t n, const zkn_fr *twiddles, unsigned threads, unsigned kind)
{
    zkn_fr *of[3], *values[2], *h = malloc(n * sizeof *h);
    for (int i = 0; i < 3; i++) of[i] = malloc(n * sizeof *h);
    for (int i = 0; i < 2; i++) {
        values[i] = malloc(n * sizeof *h);
        fill(of[i], n, kind);
        memcpy(values[i], of[i], n * sizeof *h);
        CHECK(zkn_fr_ntt(values[i], n, twiddles, 1) == ZKN_OK);
    }
    for (size_t k = 0; k < n; k++) fr_mul(&of[2][k], &values[0][k], &values[1][k]);
    CHECK(zkn_fr_intt(of[2], n, twiddles, 1) == ZKN_OK);
    CHECK(zkn_fr_quotient(h, values[0], values[1], n, twiddles, threads) == ZKN_OK);
    for (size_t i = 0; i < n; i += n / 8 + 1) {
        zkn_fr x, at[3];
        const uint64_t exponent = 2 * i + 1;
        fr_pow_public(&x, &FR_ROOTS[__builtin_ctzll(n) + 1], &exponent, 1);
        for (int j = 0; j < 3; j++) zkn_fr_vec_evaluate(&at[j], of[j], n, &x);
        fr_mul(&at[0], &at[0], &at[1]);
        fr_sub(&at[0], &at[0], &at[2]);
        CHECK(fr_equal(&at[0], &h[i]));
    }
    for (int i = 0; i < 3; i++) free(of[i]);
    free(values[0]), free(values[1]), free(h);
}

#if FR_SHORT >= 4

static void add_modulus(uint64_t x[4])
{
    zkn_carry carry = 0;
    for (int i = 0; i < 4; i++) x[i] = zkn_adc(x[i], FR_MODULUS[i], &carry);
    CHECK(carry == 0);
}

/* The element that words below 4 m stand for. */
static zkn_fr reduced(const uint64_t x[4])
{
    zkn_fr out;
    memcpy(out.l, x, sizeof out.l);
    fr_normalise(&out);
    return out;
}

/* Lazy products and sums of all representatives below 4 m against reduced ones. */
static void factors(void)
{
    zkn_fr x[2], w[2], unlike, want, lo, hi;
    for (unsigned round = 0; round < 3000; round++) {
        uint64_t t[4];
        fr_factor factor;
        fill(x, 2, round & 4 ? 1 : 2), fill(w, 2, round & 8 ? 1 : 2);
        if (round % 5 == 0) fr_zero(&x[0]);
        if (round % 7 == 0) fr_zero(&w[0]);
        if (round % 11 == 0) fr_one(&w[0]);
        fr_mul(&want, &x[0], &w[0]);
        unlike = x[0];
        for (unsigned i = 0; i < round % 4; i++) add_modulus(unlike.l);
        CHECK(fr_is_below(unlike.l, 2));
        fr_mul_lazy(t, &unlike, &w[0]);
        lo = reduced(t);
        CHECK(fr_is_below(t, 1) && fr_equal(&lo, &want));
        fr_factor_of(&factor, &w[0]);
        fr_mul_factor(t, &unlike, &factor);
        lo = reduced(t);
        CHECK(fr_is_below(t, 1) && fr_equal(&lo, &want));

        if (round & 16) {
            memcpy(t, x[1].l, sizeof t);
            add_modulus(t);
        }
        const zkn_fr other = reduced(t);
        lo = unlike;
        fr_cross(&lo, &hi, t);
        lo = reduced(lo.l), hi = reduced(hi.l);
        fr_add(&want, &x[0], &other);
        CHECK(fr_equal(&lo, &want));
        fr_sub(&want, &x[0], &other);
        CHECK(fr_equal(&hi, &want));
    }
}

#endif

int main(void)
{
    zkn_fr *twiddles = malloc(2 * HALF * sizeof *twiddles), a[6], b[6], h[6];
    CHECK(zkn_fr_ntt_twiddles(twiddles, 2 * HALF) == ZKN_OK);
#if FR_SHORT >= 4
    factors();
#endif
    for (size_t n = 1; n <= 2 * HALF; n *= 2) {
        for (unsigned threads = 0; threads <= 3; threads++) definition(n, twiddles, threads, threads % 3);
        for (unsigned threads = 1; threads <= 2; threads++) quotient(n, twiddles, threads, threads);
    }
    CHECK(zkn_fr_ntt(a, 0, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_ntt(a, 6, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_intt(a, 3, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_ntt(a, (size_t)2 << FR_TWO_ADICITY, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_ntt_twiddles(a, 3) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_ntt_twiddles(a, (size_t)1 << FR_TWO_ADICITY) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_quotient(h, a, b, 3, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_quotient(h, a, b, (size_t)1 << FR_TWO_ADICITY, twiddles, 1) == ZKN_BAD_LENGTH);
    free(twiddles);
    return failures != 0;
}
