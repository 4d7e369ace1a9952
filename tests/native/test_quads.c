/* Four lanes of AVX2 against the scalar fields, at the edges of every bound. */
#include "path.h"

#if ZKN_PATH_ADX

#include "check.h"

#include <string.h>

#if ZKN_CURVE_BLS12_381
#include "quad_field.h"
#else
#include "quad_factor.h"
#include "quad_tower.h"
#endif

enum { ROUNDS = 2000 };

static void sample(zkn_fp out[LANES], int round, uint64_t *seed)
{
    for (int i = 0; i < LANES; i++) {
        fp_from_u64(&out[i], next_random(seed));
        for (int k = 0; k < 5; k++) fp_sqr(&out[i], &out[i]);
        const int kind = (round + i) % 9;
        if (kind == 0) fp_zero(&out[i]);
        if (kind == 1) fp_one(&out[i]);
        if (kind == 2) memcpy(out[i].l, FP_MODULUS, sizeof out[i].l), out[i].l[0]--; /* the largest form */
        if (kind == 3) out[i] = (zkn_fp){{1}};
        if (kind == 4) { /* every limb full */
            memset(&out[i], 0xff, sizeof out[i]);
            out[i].l[FP_LIMBS - 1] = FP_MODULUS[FP_LIMBS - 1] - 1;
        }
    }
}

static void enter(fp4 *out, const zkn_fp in[LANES])
{
    const uint64_t *rows[LANES];
    lane_word words[FP_LIMBS];
    for (int i = 0; i < LANES; i++) rows[i] = in[i].l;
    lane_gather_fp(words, rows, 0);
    fp4_enter(out, words);
}

static void leave(zkn_fp out[LANES], const fp4 *in)
{
    uint64_t *rows[LANES];
    lane_word words[FP_LIMBS];
    for (int i = 0; i < LANES; i++) rows[i] = out[i].l;
    fp4_leave(words, in);
    lane_scatter_fp(rows, 0, words);
}

/* a + k m, as integers */
static void raise(fp4 *a, uint64_t k)
{
    for (int i = 0; i < QUAD_LIMBS; i++) a->l[i] = lane_add(a->l[i], lane_all(k * FP_QUAD_MODULUS[i]));
    fp4_carry(a);
}

#define EXPECT(got, scalar)                                                                                  \
    do {                                                                                                     \
        zkn_fp lanes[LANES], expected;                                                                       \
        leave(lanes, got);                                                                                   \
        for (int i = 0; i < LANES; i++) {                                                                    \
            scalar;                                                                                          \
            CHECK(fp_equal(&lanes[i], &expected));                                                           \
        }                                                                                                    \
    } while (0)

static void field(void)
{
    uint64_t seed = 3;
    for (int round = 0; round < ROUNDS; round++) {
        zkn_fp a[LANES], b[LANES];
        fp4 x, y, out;
        sample(a, round, &seed);
        sample(b, 2 * round + round / 9, &seed);
        enter(&x, a), enter(&y, b);
        EXPECT(&x, expected = a[i]);
        raise(&x, (uint64_t)round % 12), raise(&y, 12 - (uint64_t)round % 12);
        fp4_mul(&out, &x, &y);
        EXPECT(&out, fp_mul(&expected, &a[i], &b[i]));
        raise(&out, 160);
        fp4_settle(&out);
        EXPECT(&out, fp_mul(&expected, &a[i], &b[i]));
        fp4_sqr(&out, &x);
        EXPECT(&out, fp_sqr(&expected, &a[i]));
        fp4_settle(&y);
        fp4_sub(&out, &x, &y);
        fp4_mul(&out, &y, &out);
        EXPECT(&out, (fp_sub(&expected, &a[i], &b[i]), fp_mul(&expected, &expected, &b[i])));
#if !ZKN_CURVE_BLS12_381
        fp4_mul_two(&out, &x, &y, &y, &y);
        EXPECT(&out, (fp_add(&expected, &a[i], &b[i]), fp_mul(&expected, &expected, &b[i])));
#endif
        const lane_mask mask = (lane_mask)round & 15;
        out = x;
        fp4_select(&out, &y, mask);
        EXPECT(&out, expected = mask >> i & 1 ? b[i] : a[i]);
    }
    /* limbs as large as each factor allows, alone and together */
    fp4 full, wide, out, sums[QUAD_LIMBS];
    for (int i = 0; i < QUAD_LIMBS; i++) {
        const int top = i + 1 == QUAD_LIMBS;
        full.l[i] = lane_all(top ? 12 * FP_QUAD_MODULUS[QUAD_LIMBS - 1] : QUAD_MASK);
        wide.l[i] = lane_all(top ? 12 * FP_QUAD_MODULUS[QUAD_LIMBS - 1] : ((uint64_t)1 << 31) - 1);
    }
    zkn_fp expected[LANES], again[LANES];
    out = wide, fp4_carry(&out);
    fp4_mul(&sums[0], &full, &wide), fp4_mul(&sums[1], &full, &out);
    leave(expected, &sums[1]), leave(again, &sums[0]);
    CHECK(memcmp(expected, again, sizeof again) == 0);
    fp4_sqr(&sums[0], &full), fp4_mul(&sums[1], &full, &full);
    leave(expected, &sums[1]), leave(again, &sums[0]);
    CHECK(memcmp(expected, again, sizeof again) == 0);
#if !ZKN_CURVE_BLS12_381
    fp4 half;
    for (int i = 0; i < QUAD_LIMBS; i++)
        half.l[i] =
            lane_all(i + 1 == QUAD_LIMBS ? 12 * FP_QUAD_MODULUS[QUAD_LIMBS - 1] : ((uint64_t)1 << 30) - 1);
    out = half, fp4_carry(&out);
    fp4_mul_two(&sums[0], &full, &full, &full, &half), fp4_mul_two(&sums[1], &full, &full, &full, &out);
    leave(expected, &sums[1]), leave(again, &sums[0]);
    CHECK(memcmp(expected, again, sizeof again) == 0);
#endif
}

/* The largest form, and words of it there and back. */
static void words(void)
{
    uint64_t seed = 11;
    for (int round = 0; round < ROUNDS; round++) {
        zkn_fp a[LANES], b[LANES];
        fp4 x, raised;
        const uint64_t *from[LANES];
        uint64_t *to[LANES];
        lane_word w[FP_LIMBS];
        sample(a, round, &seed);
        for (int i = 0; i < LANES; i++) from[i] = a[i].l, to[i] = b[i].l;
        lane_gather_fp(w, from, 0);
        fp4_split(&x, w);
        fp4_raise(&raised, &x);
        EXPECT(&raised, expected = a[i]);
        fp4_join(w, &x);
        lane_scatter_fp(to, 0, w);
        CHECK(memcmp(a, b, sizeof a) == 0);
    }
}

#if !ZKN_CURVE_BLS12_381

static void tower(void)
{
    uint64_t seed = 5;
    for (int round = 0; round < ROUNDS; round++) {
        zkn_fp parts[4][LANES];
        zkn_fp2 a, b, expected;
        fp24 x, y, out;
        for (int k = 0; k < 4; k++) sample(parts[k], round * (k + 1) + round / 9, &seed);
        enter(&x.c0, parts[0]), enter(&x.c1, parts[1]), enter(&y.c0, parts[2]), enter(&y.c1, parts[3]);
        for (int product = 0; product < 2; product++) {
            zkn_fp c0[LANES], c1[LANES];
            if (product) {
                fp24_mul(&out, &x, &y);
            } else {
                fp24_sqr(&out, &x);
            }
            leave(c0, &out.c0), leave(c1, &out.c1);
            for (int i = 0; i < LANES; i++) {
                a = (zkn_fp2){parts[0][i], parts[1][i]}, b = (zkn_fp2){parts[2][i], parts[3][i]};
                fp2_mul(&expected, &a, product ? &b : &a);
                CHECK(fp_equal(&c0[i], &expected.c0) && fp_equal(&c1[i], &expected.c1));
            }
        }
    }
}

/* Products by prepared factors, of elements with bounds and limbs as large as they may be. */
static void factors(void)
{
    uint64_t seed = 7;
    for (int round = 0; round < ROUNDS; round++) {
        zkn_fr a[LANES], w[LANES], expected;
        const uint64_t *from[LANES], *by[LANES];
        uint64_t *to[LANES], got[LANES][4];
        lane_word words[4];
        fr4_factors prepared;
        fr4 x, out;
        for (int i = 0; i < LANES; i++) {
            fr_from_u64(&a[i], next_random(&seed)), fr_from_u64(&w[i], next_random(&seed) | 1);
            for (int k = 0; k < 5; k++) fr_sqr(&a[i], &a[i]), fr_sqr(&w[i], &w[i]);
            const int kind = (round + i) % 7, other = (round / 7 + i) % 5;
            if (kind == 0) fr_zero(&a[i]);
            if (kind == 1) fr_one(&a[i]);
            if (kind == 2) memcpy(a[i].l, FR_MODULUS, sizeof a[i].l), a[i].l[0]--; /* the largest form */
            if (other == 0) fr_one(&w[i]);
            if (other == 1) memcpy(w[i].l, FR_MODULUS, sizeof w[i].l), w[i].l[0]--;
            if (other == 2) w[i] = (zkn_fr){{1, 0, 0, 0}};
            from[i] = a[i].l, by[i] = w[i].l, to[i] = got[i];
        }
        fr4_factors_of(&prepared, by);
        lane_gather4(words, from, 0);
        for (unsigned lane = 0; lane < LANES; lane++) {
            fr4_split(&x, words);
            for (int k = 0; k < QUAD_LIMBS; k++) /* a multiple of m, and what limbs lend each other */
                x.l[k] = lane_add(x.l[k], lane_all((uint64_t)(round % 120) * FR_QUAD_MODULUS[k]));
            fr4_carry(&x);
            for (int k = 0; round % 2 && k + 1 < QUAD_LIMBS; k++) {
                const lane_word lent = lane_and(x.l[k + 1], lane_all(3));
                x.l[k + 1] = lane_sub(x.l[k + 1], lent), x.l[k] = lane_add(x.l[k], lane_shl(lent, QUAD_BITS));
            }
            fr4_mul_factor(&out, &x, &prepared, lane);
            CHECK(fr4_is_below(&out, QUAD_BITS));
            fr4_settle(&out), fr4_canonical(&out);
            fr4_join(words, &out);
            lane_scatter4(to, 0, words);
            for (int i = 0; i < LANES; i++) {
                fr_mul(&expected, &a[i], &w[lane]);
                CHECK(memcmp(expected.l, got[i], sizeof got[i]) == 0);
            }
            lane_gather4(words, from, 0);
        }
    }
    /* every limb and the factor at its largest: x = S - 1 in limbs, and limbs of 2^31 - 1 below S */
    fr4 full, wide, once, again;
    zkn_fr largest;
    memcpy(largest.l, FR_MODULUS, sizeof largest.l), largest.l[0] -= 2;
    const uint64_t *same[LANES] = {largest.l, largest.l, largest.l, largest.l};
    fr4_factors prepared;
    fr4_factors_of(&prepared, same);
    for (int k = 0; k < QUAD_LIMBS; k++) {
        full.l[k] = lane_all(QUAD_MASK);
        wide.l[k] = lane_all(k + 1 < QUAD_LIMBS ? ((uint64_t)1 << 31) - 1 : QUAD_MASK - 4);
    }
    for (int which = 0; which < 2; which++) {
        fr4 x = which ? wide : full, carried = x;
        fr4_carry(&carried);
        fr4_mul_factor(&once, &x, &prepared, 0);
        fr4_settle(&carried);
        fr4_mul_factor(&again, &carried, &prepared, 0);
        fr4_settle(&once), fr4_canonical(&once), fr4_settle(&again), fr4_canonical(&again);
        CHECK(memcmp(&once, &again, sizeof once) == 0);
    }
}

#endif

int main(void)
{
    field();
    words();
#if !ZKN_CURVE_BLS12_381
    factors();
    tower();
#endif
    return failures != 0;
}

#else

int main(void)
{
    return 0;
}

#endif
