/* The lanes against the scalar fields, at the edges of every bound. */
#if ZKN_PATH_IFMA

#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lane_points.h"
#include "ntt_lanes.h"
#include "pairs.h"
#if !ZKN_CURVE_BLS12_381
#include "poseidon_lanes.h"
#endif

#if ZKN_CURVE_BLS12_381
enum { ROUNDS = 200, FR_SPARE = 35 };
#else
enum { ROUNDS = 200, FR_SPARE = 84 };
#endif

#define FIELD      fp
#define FIELD_TYPE zkn_fp
#define MODULUS    FP_LANE_MODULUS
#define WORDS      FP_MODULUS
#define SPARE      (FP_LANE_LIMBS == 5 ? 84 : 512)
#include "test_lanes_template.h"

#define FIELD      fr
#define FIELD_TYPE zkn_fr
#define MODULUS    FR_LANE_MODULUS
#define WORDS      FR_MODULUS
#define SPARE      FR_SPARE
#include "test_lanes_template.h"

static void test_words(void)
{
    uint64_t seed = 5, a[LANES], b[LANES], c[LANES], out[LANES];
    const uint64_t edges[] = {0, 1, LANE_MASK, LANE_MASK - 1, (uint64_t)1 << 51};
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LANES; i++) {
            a[i] = round < 25 ? edges[round % 5] : next_random(&seed) & LANE_MASK;
            b[i] = round < 25 ? edges[round / 5] : next_random(&seed) & LANE_MASK;
            c[i] = next_random(&seed) >> 4;
        }
        /* only the low 52 bits of a factor count */
        lane_store(out,
                   lane_madd_low(lane_load(c), lane_or(lane_load(a), lane_all(LANE_MASK + 1)), lane_load(b)));
        for (int i = 0; i < LANES; i++) CHECK(out[i] == c[i] + (a[i] * b[i] & LANE_MASK));
        lane_store(
            out, lane_madd_high(lane_load(c), lane_load(a), lane_or(lane_load(b), lane_all(LANE_MASK + 1))));
        for (int i = 0; i < LANES; i++) {
            CHECK(out[i] == c[i] + (uint64_t)((zkn_u128)a[i] * b[i] >> LANE_BITS));
        }
    }
    const uint64_t signs[LANES] = {0, (uint64_t)-1, 1, (uint64_t)1 << 63, 5, 0, (uint64_t)-7, 0};
    CHECK(lane_negative(lane_load(signs)) == 0x4a);
    CHECK(lane_equal(lane_load(signs), lane_all(0)) == 0xa1);
    lane_store(out, lane_sar(lane_load(signs), 2));
    CHECK(out[1] == (uint64_t)-1 && out[3] == 0xe000000000000000ULL && out[4] == 1 && out[6] == (uint64_t)-2);
    lane_store(out, lane_select(lane_all(3), lane_all(4), 0x81));
    CHECK(out[0] == 4 && out[1] == 3 && out[6] == 3 && out[7] == 4);

    lane_word rows[LANES], columns[LANES];
    uint64_t square[LANES][LANES];
    for (uint64_t i = 0; i < LANES; i++) {
        for (uint64_t j = 0; j < LANES; j++) square[i][j] = 8 * i + j;
        rows[i] = lane_load(square[i]);
    }
    lane_transpose(columns, rows);
    for (uint64_t i = 0; i < LANES; i++) {
        lane_store(out, columns[i]);
        for (uint64_t j = 0; j < LANES; j++) CHECK(out[j] == 8 * j + i);
    }
    uint64_t elements[LANES * 6], back[LANES * 6];
    lane_word limbs[4];
    for (uint64_t i = 0; i < LANES * 6; i++) elements[i] = i, back[i] = i % 6 < 4 ? 999 : i;
    lane_load4(limbs, elements, 6);
    for (uint64_t j = 0; j < 4; j++) {
        lane_store(out, limbs[j]);
        for (uint64_t i = 0; i < LANES; i++) CHECK(out[i] == 6 * i + j);
    }
    lane_store4(back, 6, limbs);
    CHECK(memcmp(back, elements, sizeof back) == 0);
}

#if !ZKN_CURVE_BLS12_381

static void test_poseidon(void)
{
    uint64_t seed = 11;
    for (size_t n = 1; n <= ZKN_POSEIDON_MAX_ARITY; n++) {
        zkn_fr tags[2 * LANES], inputs[2 * LANES * 20], out[2 * LANES], first[LANES];
        for (int i = 0; i < 2 * LANES; i++) fr_from_u64(&tags[i], next_random(&seed));
        for (int i = 0; i < 2 * LANES * 20; i++) {
            fr_from_u64(&inputs[i], next_random(&seed));
            fr_sqr(&inputs[i], &inputs[i]);
            if (i % 7 == 3) fr_zero(&inputs[i]);
            if (i % 11 == 3) fr_one(&inputs[i]), fr_neg(&inputs[i], &inputs[i]);
        }
        poseidon_eight(first, tags, 1, inputs, 20, n);
        poseidon_sixteen(out, tags, 1, inputs, 20, n);
        CHECK(memcmp(first, out, sizeof first) == 0);
        for (int i = 0; i < 2 * LANES; i++) {
            zkn_fr state[ZKN_POSEIDON_MAX_WIDTH] = {tags[i]};
            memcpy(&state[1], &inputs[20 * i], n * sizeof *state);
            CHECK(zkn_poseidon_permute(state, n + 1) == ZKN_OK);
            CHECK(fr_equal(&out[i], &state[0]));
        }
    }
}

#endif

#if ZKN_HAS_LANES

/* The longest pass has ten levels: 2^18 elements at the ends of the field, where bounds are what they can be. */
static void test_longest_passes(void)
{
    enum { N = 1 << 18 };
    uint64_t seed = 7;
    zkn_fr *twiddles = malloc(N / 2 * sizeof *twiddles), *a = malloc(N * sizeof *a),
           *b = malloc(N * sizeof *b);
    CHECK(zkn_fr_ntt_twiddles(twiddles, N / 2) == ZKN_OK);
    for (size_t i = 0; i < N; i++) {
        memcpy(a[i].l, FR_MODULUS, sizeof a[i].l);
        a[i].l[0] -= 1 + next_random(&seed) % 2;
    }
    memcpy(b, a, N * sizeof *a);
    ntt_reversed(b, N, 0, twiddles, 2);
    for (size_t k = 0; k < N; k += N / 4 + 12345) {
        size_t reversed = 0;
        for (int bit = 0; bit < 18; bit++) reversed |= (k >> bit & 1) << (17 - bit);
        const uint64_t exponent = reversed;
        zkn_fr x, value;
        fr_pow_public(&x, &FR_ROOTS[18], &exponent, 1);
        zkn_fr_vec_evaluate(&value, a, N, &x);
        CHECK(fr_equal(&value, &b[k]));
    }
    free(twiddles), free(a), free(b);
}

#endif

static void test_fold(void)
{
    for (uint64_t k = 0; k < FR_SPARE; k++) {
        fr8 a;
        zkn_fr out[LANES];
        for (int i = 0; i < FR_LANE_LIMBS; i++) a.l[i] = lane_all(k * FR_LANE_MODULUS[i]);
        a.l[0] = lane_add(a.l[0], lane_all(k % 2 ? 5 : FR_LANE_MODULUS[0] - 1));
        if (k % 2 == 0) { /* (k + 1) m - 1 */
            for (int i = 1; i < FR_LANE_LIMBS; i++) a.l[i] = lane_add(a.l[i], lane_all(FR_LANE_MODULUS[i]));
        }
        fr8_carry(&a);
        fr8_store_plain(out, 1, &a);
        zkn_fr expected = {{5, 0, 0, 0}};
        if (k % 2 == 0) memcpy(expected.l, FR_MODULUS, sizeof expected.l), expected.l[0]--;
        for (int i = 0; i < LANES; i++) CHECK(fr_equal(&out[i], &expected));
    }
}

static void store(zkn_fp out[LANES], const l8 *a)
{
    lane_word words[FP_LIMBS];
    uint64_t *rows[LANES];
    for (int i = 0; i < LANES; i++) rows[i] = out[i].l;
    l8_leave(words, a);
    lane_scatter_fp(rows, 0, words);
}

/* What points in lanes are read and written by, and the ends of its bounds. */
static void test_words_of_fp(void)
{
    uint64_t seed = 13;
    for (int round = 0; round < ROUNDS; round++) {
        zkn_fp a[LANES], b[LANES];
        const uint64_t *from[LANES];
        uint64_t *to[LANES];
        lane_word w[FP_LIMBS];
        l8 x, y, out, full, one;
        test_fp_sample(a, round, &seed);
        for (int i = 0; i < LANES; i++) from[i] = a[i].l, to[i] = b[i].l;
        lane_gather_fp(w, from, 0);
        l8_split(&x, w);
        CHECK(fp8_is_carried(&x));
        for (uint64_t k = 0; k < 4; k++) { /* k p + a, and so also p - 1, p and 2 p - 1, raised */
            y = x;
            test_fp_raise(&y, k);
            l8_raise(&out, &y);
            store(b, &out);
            CHECK(memcmp(a, b, sizeof a) == 0);
        }
        l8_join(w, &x);
        lane_scatter_fp(to, 0, w);
        CHECK(memcmp(a, b, sizeof a) == 0);
        test_fp_raise(&x, 7);
        l8_settle(&x), l8_canonical(&x), l8_join(w, &x);
        lane_scatter_fp(to, 0, w);
        CHECK(memcmp(a, b, sizeof a) == 0);
        lane_gather_fp(w, from, 0);
        l8_enter(&x, w);
        store(b, &x);
        CHECK(memcmp(a, b, sizeof a) == 0);
        /* (S - 1) x / S + x / S = x, where a factor may be as large as it can be written */
        for (int i = 0; i < FP_LANE_LIMBS; i++) full.l[i] = lane_all(LANE_MASK), one.l[i] = lane_all(i == 0);
        fp8_mul(&y, &full, &x);
        fp8_mul(&out, &one, &x);
        l8_add(&out, &out, &y), fp8_carry(&out);
        store(b, &out);
        CHECK(memcmp(a, b, sizeof a) == 0);
    }
}

/* One point of each kind that a sum of pairs can meet, against sums of two points. */
#define PAIRS_TEST(group)                                                                                    \
    static void test_##group##_pairs(size_t n, unsigned odd)                                                 \
    {                                                                                                        \
        zkn_##group##_aff *p = malloc(2 * n * sizeof *p), *expected = malloc(n * sizeof *p), two[2];         \
        zkn_pair *pairs = malloc(n * sizeof *pairs);                                                         \
        void *denominators = malloc(n * sizeof p->x), *products = malloc(n * sizeof p->x);                   \
        zkn_##group##_generator(&p[0]);                                                                      \
        for (size_t i = 1; i < 2 * n; i++) {                                                                 \
            zkn_##group##_vec_add(&p[i], &p[i - 1], &p[i / 2], 1);                                           \
        }                                                                                                    \
        for (size_t i = 0; i < n; i++) {                                                                     \
            pairs[i] = (zkn_pair){(uint32_t)i, (uint32_t)(2 * n - 1 - i)};                                   \
            zkn_##group##_aff *a = &p[pairs[i].to], *b = &p[pairs[i].from];                                  \
            if (odd && i % odd == 1) *b = *a;                                                                \
            if (odd && i % odd == 2) zkn_##group##_vec_neg(b, a, 1);                                         \
            if (odd && i % odd == 3) memset(a, 0, sizeof *a);                                                \
            if (odd && i % odd == 4) memset(b, 0, sizeof *b);                                                \
            if (odd && i % odd == 5) memset(a, 0, sizeof *a), memset(b, 0, sizeof *b);                       \
            two[0] = *a, two[1] = *b;                                                                        \
            zkn_##group##_vec_add(&expected[i], &two[0], &two[1], 1);                                        \
        }                                                                                                    \
        group##_add_pairs_vartime(p, pairs, n, denominators, products);                                      \
        for (size_t i = 0; i < n; i++) CHECK(memcmp(&p[i], &expected[i], sizeof *p) == 0);                   \
        free(p), free(expected), free(pairs), free(denominators), free(products);                            \
    }

PAIRS_TEST(g1)
PAIRS_TEST(g2)

static void test_pairs(void)
{
    for (size_t n = 1; n < 300; n += n < 70 ? 1 : 57) {
        const unsigned odds[] = {0, 6, 7, 23, 1000};
        for (size_t i = 0; i < 5; i++) test_g1_pairs(n, odds[i]), test_g2_pairs(n, odds[i]);
    }
}

int main(void)
{
    test_words();
    test_pairs();
    test_fold();
    test_fp_lanes();
    test_fr_lanes();
    test_words_of_fp();
#if ZKN_HAS_LANES
    test_longest_passes();
#endif
#if !ZKN_CURVE_BLS12_381
    test_poseidon();
#endif
    return failures != 0;
}

#else

int main(void)
{
    return 0;
}

#endif
