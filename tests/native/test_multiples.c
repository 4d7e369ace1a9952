/* Multiples of many points in step, in lanes where the path has them, by repeated doubling. */
#include "check.h"
#include "multiples.h"

#include <stdlib.h>
#include <string.h>

enum { N = 131 }; /* fills neither a tile nor the last lanes */

static uint64_t seed = 17;

static void random_fr(zkn_fr *out)
{
    uint64_t words[4];
    for (int k = 0; k < 4; k++) words[k] = next_random(&seed);
    words[3] >>= 3;
    fr_from_canonical(out, words);
}

/* What a tile of scalars may be: full; of up to 64 bits, even and odd; with roots of 1 of small order, which are images of
 * 1 under endomorphisms; and what meets infinity or equal points. */
enum { FULL, SHORT, EQUAL, ROOTS, ENDS, KINDS };

static void scalars(zkn_fr s[N], int kind)
{
    zkn_fr one;
    fr_one(&one);
    for (int i = 0; i < N; i++) {
        random_fr(&s[i]);
        if (kind == SHORT) fr_from_u64(&s[i], next_random(&seed) >> i % 61 | 4);
        if (kind == EQUAL && i > 0) s[i] = s[0];
        if (kind == ROOTS && i > 0 && i < 12)
            fr_mul(&s[i], i > 1 ? &s[i - 1] : &FR_ROOTS[2], i % 2 ? &FR_ROOTS[2] : &FR_CUBE_ROOT);
        if (kind == ENDS && i < 6) fr_from_u64(&s[i], (uint64_t)i / 2);
        if (kind == ENDS && i < 6 && i % 2) fr_neg(&s[i], &s[i]);
        if (kind == ENDS && i == 6) s[i] = FR_CUBE_ROOT;
        if (kind == ENDS && i == 7) fr_sub(&s[i], &FR_CUBE_ROOT, &one);
    }
}

#define IN_LANES(G, AFF)                                                                                     \
    do {                                                                                                     \
        AFF before[N];                                                                                       \
        memset(out, 0xaa, sizeof out), memcpy(before, out, sizeof out);                                      \
        const int done = G##_multiples_in_lanes(out, p, s, N, &room);                                        \
        CHECK(done == (kind != ENDS && !infinite));                                                          \
        CHECK(done || memcmp(before, out, sizeof out) == 0);                                                 \
        for (size_t i = 0; done && i < N; i++) CHECK(memcmp(&out[i], &expected[i], sizeof out[i]) == 0);     \
    } while (0)
#if ZKN_LANES_OF_G1
#define G1_IN_LANES IN_LANES(g1, zkn_g1_aff)
#else
#define G1_IN_LANES ((void)0)
#endif
#if ZKN_LANES_OF_G2
#define G2_IN_LANES IN_LANES(g2, zkn_g2_aff)
#else
#define G2_IN_LANES ((void)0)
#endif

#define TEST_GROUP(G, AFF, JAC, GENERATOR, LANES_TOO)                                                        \
    static void G##_tiles(void)                                                                              \
    {                                                                                                        \
        static AFF p[N], out[N], expected[N];                                                                \
        zkn_fr s[N];                                                                                         \
        JAC sum;                                                                                             \
        zkn_scratch measure = {NULL, 0};                                                                     \
        G##_multiples_room room;                                                                             \
        G##_multiples_room_take(&room, N, &measure);                                                         \
        zkn_scratch taken = {malloc(measure.used), 0};                                                       \
        G##_multiples_room_take(&room, N, &taken);                                                           \
        G##_jac_from_aff(&sum, &GENERATOR);                                                                  \
        for (int i = 0; i < N; i++) {                                                                        \
            G##_jac_dbl(&sum, &sum), G##_jac_add_aff(&sum, &sum, &GENERATOR);                                \
            G##_jac_to_aff(&p[i], &sum);                                                                     \
        }                                                                                                    \
        for (int infinite = 0; infinite < 2; infinite++) {                                                   \
            if (infinite) G##_aff_zero(&p[N - 1]);                                                           \
            for (int kind = 0; kind < KINDS; kind++) {                                                       \
                scalars(s, kind);                                                                            \
                for (int i = 0; i < N; i++) {                                                                \
                    uint64_t k[4];                                                                           \
                    fr_to_canonical(k, &s[i]);                                                               \
                    G##_jac_zero(&sum);                                                                      \
                    for (int bit = 255; bit >= 0; bit--) {                                                   \
                        G##_jac_dbl(&sum, &sum);                                                             \
                        if (k[bit / 64] >> bit % 64 & 1) G##_jac_add_aff(&sum, &sum, &p[i]);                 \
                    }                                                                                        \
                    G##_jac_to_aff(&expected[i], &sum);                                                      \
                }                                                                                            \
                LANES_TOO;                                                                                   \
                memcpy(out, p, sizeof out);                                                                  \
                G##_multiples_vartime(out, out, s, N, &room);                                                \
                for (size_t i = 0; i < N; i++) CHECK(memcmp(&out[i], &expected[i], sizeof out[i]) == 0);     \
            }                                                                                                \
        }                                                                                                    \
        free(taken.base);                                                                                    \
    }

TEST_GROUP(g1, zkn_g1_aff, zkn_g1_jac, G1_GENERATOR, G1_IN_LANES)
TEST_GROUP(g2, zkn_g2_aff, zkn_g2_jac, G2_GENERATOR, G2_IN_LANES)

int main(void)
{
    g1_tiles();
    g2_tiles();
    return failures != 0;
}
