/* Both prime fields against schoolbook arithmetic on bits: double, add, subtract the modulus. */
#include "check.h"
#include "fr_dot.h"

#include <string.h>

enum { ROUNDS = 300 };

enum { WORDS = FP_LIMBS };

static int below(const uint64_t *a, const uint64_t *b, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        if (a[i] != b[i]) return a[i] < b[i];
    }
    return 0;
}

/* out <- a + b mod m, for a, b < m < 2^(64 n - 1) */
static void slow_add(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *m, int n)
{
    uint64_t sum[WORDS], carry = 0;
    for (int i = 0; i < n; i++) {
        const uint64_t partial = a[i] + carry;
        carry = partial < carry;
        sum[i] = partial + b[i];
        carry += sum[i] < partial;
    }
    if (!below(sum, m, n)) {
        uint64_t borrow = 0;
        for (int i = 0; i < n; i++) {
            const uint64_t old = sum[i], take = m[i] + borrow;
            borrow = (take < borrow) | (old < take);
            sum[i] = old - take;
        }
    }
    for (int i = 0; i < n; i++) out[i] = sum[i];
}

static void slow_mul(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *m, int n)
{
    uint64_t product[WORDS] = {0};
    for (int bit = 64 * n - 1; bit >= 0; bit--) {
        slow_add(product, product, product, m, n);
        if (b[bit / 64] >> bit % 64 & 1) slow_add(product, product, a, m, n);
    }
    for (int i = 0; i < n; i++) out[i] = product[i];
}

/* A number below m: random, or at one of the edges where carries and reductions happen. */
static void pick(uint64_t *out, uint64_t *state, const uint64_t *m, int n)
{
    const uint64_t kind = next_random(state) % 8;
    for (int i = 0; i < n; i++) out[i] = kind == 1 ? 0 : kind == 2 ? m[i] : next_random(state);
    if (kind == 3) out[0] = out[1] = ~(uint64_t)0;
    if (kind == 4) out[n - 1] = out[n - 2] = 0;
    if (kind == 2) out[0] -= 1 + next_random(state) % 3;
    out[n - 1] %= m[n - 1] + (kind == 2);
}

#define TEST_FIELD(F, TYPE, C)                                                                               \
    static void test_##F(void)                                                                               \
    {                                                                                                        \
        const uint64_t *m = C##_MODULUS;                                                                     \
        uint64_t state = 1, a[C##_LIMBS], b[C##_LIMBS], expected[C##_LIMBS], got[C##_LIMBS];                 \
        TYPE x, y, z, one;                                                                                   \
        F##_one(&one);                                                                                       \
        for (int round = 0; round < ROUNDS; round++) {                                                       \
            pick(a, &state, m, C##_LIMBS), pick(b, &state, m, C##_LIMBS);                                    \
            F##_from_canonical(&x, a), F##_from_canonical(&y, b);                                            \
            F##_to_canonical(got, &x);                                                                       \
            CHECK(memcmp(got, a, sizeof a) == 0);                                                            \
            slow_add(expected, a, b, m, C##_LIMBS);                                                          \
            F##_add(&z, &x, &y), F##_to_canonical(got, &z);                                                  \
            CHECK(memcmp(got, expected, sizeof got) == 0);                                                   \
            F##_sub(&z, &z, &y);                                                                             \
            CHECK(F##_equal(&z, &x));                                                                        \
            slow_mul(expected, a, b, m, C##_LIMBS);                                                          \
            F##_mul(&z, &x, &y), F##_to_canonical(got, &z);                                                  \
            CHECK(memcmp(got, expected, sizeof got) == 0);                                                   \
            F##_mul(&y, &x, &y);                                                                             \
            CHECK(F##_equal(&y, &z));                                                                        \
            slow_mul(expected, a, a, m, C##_LIMBS);                                                          \
            F##_sqr(&z, &x), F##_to_canonical(got, &z);                                                      \
            CHECK(memcmp(got, expected, sizeof got) == 0);                                                   \
            F##_neg(&z, &x), F##_add(&z, &z, &x);                                                            \
            CHECK(F##_is_zero(&z));                                                                          \
            F##_inv(&z, &x), F##_mul(&z, &z, &x);                                                            \
            CHECK(F##_is_zero(&x) ? F##_is_zero(&z) : F##_equal(&z, &one));                                  \
        }                                                                                                    \
        /* the words themselves, which are Montgomery forms, at every power of two */                        \
        for (int bit = 0; bit < C##_BITS - 1; bit++) {                                                       \
            memset(&x, 0, sizeof x);                                                                         \
            x.l[bit / 64] = (uint64_t)1 << bit % 64;                                                         \
            F##_inv(&z, &x), F##_mul(&z, &z, &x);                                                            \
            CHECK(F##_equal(&z, &one));                                                                      \
        }                                                                                                    \
        memcpy(x.l, m, sizeof x.l);                                                                          \
        CHECK(!F##_is_reduced(&x));                                                                          \
        x.l[0]--;                                                                                            \
        CHECK(F##_is_reduced(&x));                                                                           \
        F##_mul(&y, &x, &x);                                                                                 \
        F##_from_u64(&z, 5);                                                                                 \
        F##_cmov(&z, &x, 0);                                                                                 \
        CHECK(!F##_equal(&z, &x));                                                                           \
        F##_cmov(&z, &x, 1);                                                                                 \
        CHECK(F##_equal(&z, &x));                                                                            \
        const uint64_t exponent[2] = {0x123456789abcdef0ULL, 3};                                             \
        F##_from_u64(&x, 3), F##_pow_public(&y, &x, exponent, 2);                                            \
        z = one;                                                                                             \
        for (int bit = 127; bit >= 0; bit--) {                                                               \
            F##_sqr(&z, &z);                                                                                 \
            if (exponent[bit / 64] >> bit % 64 & 1) F##_mul(&z, &z, &x);                                     \
        }                                                                                                    \
        CHECK(F##_equal(&y, &z));                                                                            \
    }

/* Sums of products at their bounds: every count of terms, lazily added factors among them. */
#define TEST_SUMS(F, TYPE, C)                                                                                \
    static void sum_##F(TYPE *out, const TYPE *a, const TYPE *b, int k)                                      \
    {                                                                                                        \
        static const uint8_t pick[] = {5, 3, 0, 1, 2, 4};                                                    \
        if (k == 1) F##_sum_products(out, a, pick, b, 1, 1);                                                 \
        if (k == 2) F##_sum_products(out, a, pick, b, 2, 2);                                                 \
        if (k == 3 && k <= C##_SUM_MAX) F##_sum_products(out, a, pick, b, 3, 3);                             \
        if (k == 4 && k <= C##_SUM_MAX) F##_sum_products(out, a, pick, b, 4, 4);                             \
        if (k == 5 && k <= C##_SUM_MAX) F##_sum_products(out, a, pick, b, 5, 5);                             \
        if (k == 6 && k <= C##_SUM_MAX) F##_sum_products(out, a, pick, b, 6, 6);                             \
    }                                                                                                        \
    static void test_sums_##F(void)                                                                          \
    {                                                                                                        \
        static const int pick[] = {5, 3, 0, 1, 2, 4};                                                        \
        uint64_t state = 5;                                                                                  \
        TYPE a[6], b[6], lazy[2], got = {{0}}, expected, product;                                            \
        for (int round = 0; round < ROUNDS; round++) {                                                       \
            for (int i = 0; i < 6; i++) {                                                                    \
                pick_words(a[i].l, b[i].l, &state, C##_MODULUS, C##_LIMBS, round);                           \
            }                                                                                                \
            F##_zero(&expected);                                                                             \
            for (int k = 1; k <= 6 && k <= C##_SUM_MAX; k++) {                                               \
                F##_mul(&product, &a[pick[k - 1]], &b[k - 1]), F##_add(&expected, &expected, &product);      \
                sum_##F(&got, a, b, k);                                                                      \
                CHECK(F##_equal(&got, &expected));                                                           \
            }                                                                                                \
            F##_add_lazy(&lazy[0], &a[0], &a[1]), F##_neg_lazy(&lazy[1], &a[2]);                             \
            if (C##_SUM_MAX >= 3) F##_sum_products(&got, lazy, F##_in_order, b, 2, 3);                       \
            F##_add(&expected, &a[0], &a[1]), F##_mul(&expected, &expected, &b[0]);                          \
            F##_neg(&product, &a[2]), F##_mul(&product, &product, &b[1]);                                    \
            F##_add(&expected, &expected, &product);                                                         \
            CHECK(C##_SUM_MAX < 3 || F##_equal(&got, &expected));                                            \
            got = b[0];                                                                                      \
            for (uint64_t k = 0; k < 32; k++) {                                                              \
                F##_mul_small_add(&expected, &a[0], k, &b[0]);                                               \
                CHECK(F##_equal(&got, &expected));                                                           \
                F##_add(&got, &got, &a[0]);                                                                  \
            }                                                                                                \
            memcpy(got.l, C##_MODULUS, sizeof got.l); /* the modulus itself is allowed as b */               \
            F##_mul_small_add(&got, &a[0], 1, &got);                                                         \
            CHECK(F##_equal(&got, &a[0]));                                                                   \
            F##_halve(&got, &a[0]), F##_dbl(&got, &got);                                                     \
            CHECK(F##_equal(&got, &a[0]));                                                                   \
        }                                                                                                    \
    }

static void pick_words(uint64_t *a, uint64_t *b, uint64_t *state, const uint64_t *m, int n, int round)
{
    pick(a, state, m, n), pick(b, state, m, n);
    if (round > 1) return;
    for (int i = 0; i < n; i++) a[i] = b[i] = m[i]; /* all at m - 1, then all but the last words */
    a[0] -= 1, b[0] -= 1;
    for (int i = 0; round == 1 && i < n; i++) a[i] = i == n - 1 ? 0 : ~(uint64_t)0;
}

TEST_SUMS(fp, zkn_fp, FP)
TEST_SUMS(fr, zkn_fr, FR)

/* fr_dot at every length, of the largest factors and of others */
static void test_dot(void)
{
    uint64_t state = 6;
    zkn_fr a[FR_DOT_MAX_TERMS], b[FR_DOT_MAX_TERMS], got, expected, product;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < FR_DOT_MAX_TERMS; i++)
            pick_words(a[i].l, b[i].l, &state, FR_MODULUS, FR_LIMBS, round);
        fr_zero(&expected);
        for (size_t k = 1; k <= FR_DOT_MAX_TERMS; k++) {
            fr_mul(&product, &a[k - 1], &b[k - 1]), fr_add(&expected, &expected, &product);
            fr_dot(&got, a, b, k);
            CHECK(fr_equal(&got, &expected));
        }
    }
}

TEST_FIELD(fp, zkn_fp, FP)
TEST_FIELD(fr, zkn_fr, FR)

int main(void)
{
    test_fp();
    test_fr();
    test_sums_fp();
    test_sums_fr();
    test_dot();
    return failures != 0;
}
