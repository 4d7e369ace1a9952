/* Multiples of many points in lanes. */
#include "path.h"

#if ZKN_LANES_OF_G1

#include "lane_points.h"
#include "multiples.h"
#include "quarters.h"

/* The same element in every lane. */
static void all_lanes(LANE_FP *out, const zkn_fp *in)
{
    const uint64_t *rows[LANES];
    lane_word words[FP_LIMBS];
    for (int i = 0; i < LANES; i++) rows[i] = in->l;
    lane_gather_fp(words, rows, 0);
    ZKN_CAT(LANE_FP, _enter)(out, words);
}

/* (x, y) -> (beta x, y) */
typedef struct {
    LANE_FP beta;
} g1_image;

static void g1_image_start(g1_image *e)
{
    all_lanes(&e->beta, &FP_CUBE_ROOTS[0]);
}

static inline void g1_image_of(LANE_FP *x, LANE_FP *y, const g1_image *e)
{
    (void)y;
    ZKN_CAT(LANE_FP, _mul)(x, x, &e->beta);
}

/* Of the pieces after the second: G1 has none. */
static inline lane_mask g1_square_of(LANE_FP *x, const g1_image *e)
{
    (void)x, (void)e;
    return 0;
}

static inline void g1_take_apart(zkn_u128 part[2], const zkn_fr *s)
{
    zkn_split(part, s, G1_SPLIT);
}

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define LANE       LANE_FP
#define FPS        1
#define PIECES     2
#include "multiples_lanes_template.h"

#if ZKN_LANES_OF_G2

/* psi; and psi^2, which is (omega x, -y) with omega in Fp, as xi is no square */
typedef struct {
    LANE_FP2 factor[2];
    LANE_FP omega;
} g2_image;

static void g2_image_start(g2_image *e)
{
    for (int i = 0; i < 2; i++) {
        all_lanes(&e->factor[i].c0, &PSI[i].c0);
        all_lanes(&e->factor[i].c1, &PSI[i].c1);
    }
    zkn_fp2 omega;
    fp2_conj(&omega, &PSI[0]);
    fp2_mul(&omega, &omega, &PSI[0]);
    all_lanes(&e->omega, &omega.c0);
}

static inline void g2_image_of(LANE_FP2 *x, LANE_FP2 *y, const g2_image *e)
{
    LANE_FP zero;
    LANE_FP2 *coordinates[2] = {x, y};
    ZKN_CAT(LANE_FP, _zero)(&zero);
    for (int i = 0; i < 2; i++) {
        ZKN_CAT(LANE_FP, _sub)(&coordinates[i]->c1, &zero, &coordinates[i]->c1);
        ZKN_CAT(LANE_FP2, _mul)(coordinates[i], &e->factor[i], coordinates[i]);
    }
}

static inline lane_mask g2_square_of(LANE_FP2 *x, const g2_image *e)
{
    ZKN_CAT(LANE_FP, _mul)(&x->c0, &x->c0, &e->omega);
    ZKN_CAT(LANE_FP, _mul)(&x->c1, &x->c1, &e->omega);
    return (lane_mask)((1u << LANES) - 1);
}

static inline void g2_take_apart(zkn_u128 part[4], const zkn_fr *s)
{
    zkn_quarters(part, s);
}

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define LANE       LANE_FP2
#define FPS        2
#define PIECES     4
#include "multiples_lanes_template.h"

#endif

#endif
