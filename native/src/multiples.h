/* g1_multiples_vartime, g2_multiples_vartime: multiples_template.h for both groups. */
#ifndef ZKN_MULTIPLES_H
#define ZKN_MULTIPLES_H

#include "group.h"
#include "halves.h"
#include "pairs.h"
#include "scratch.h"

enum {
/* Points in step: an inversion is a few percent of it, and the tables fit L2. */
#if ZKN_PATH_IFMA
    ZKN_MULTIPLES_TILE = 1024,
#else
    ZKN_MULTIPLES_TILE = 256,
#endif
    ZKN_MULTIPLES_TABLE = ZKN_HALF_DIGIT_MAX,
    ZKN_STEP_BYTES = 8192, /* of abscissas: fewer wait for the inversion of every step */
    ZKN_LANES_MIN = 32,    /* fewer leave lanes empty and pay the inversion of every step */
    ZKN_LANES_FULL = 8,    /* or fewer lanes are side by side */
    ZKN_LANE_BYTES = FP_LIMBS == 4 ? 72 : 112, /* of an element of Fp in lanes */
    ZKN_PIECES_BYTES = 80,                     /* of a scalar taken apart */
    ZKN_FEW = 8                                /* points that are faster in Jacobian coordinates */
};

static inline void g1_endomorphism(zkn_g1_aff *out, const zkn_g1_aff *a)
{
    fp_mul(&out->x, &a->x, &FP_CUBE_ROOTS[0]);
    out->y = a->y;
}

/* psi where its eigenvalue halves scalars, else as on G1 */
static inline void g2_endomorphism(zkn_g2_aff *out, const zkn_g2_aff *a)
{
#if ZKN_CURVE_BLS12_381
    fp2_mul_fp(&out->x, &a->x, &FP_CUBE_ROOTS[1]);
    out->y = a->y;
#else
    g2_psi(out, a);
#endif
}

#define GROUP                  g1
#define COORD                  fp
#define COORD_TYPE             zkn_fp
#define GROUP_AFF              zkn_g1_aff
#define GROUP_JAC              zkn_g1_jac
#define MULTIPLES_SPLIT        G1_SPLIT
#define MULTIPLES_ENDOMORPHISM g1_endomorphism
#define GROUP_LANES            ZKN_LANES_OF_G1
#include "multiples_template.h"

#define GROUP                  g2
#define COORD                  fp2
#define COORD_TYPE             zkn_fp2
#define GROUP_AFF              zkn_g2_aff
#define GROUP_JAC              zkn_g2_jac
#define MULTIPLES_SPLIT        G2_SPLIT
#define MULTIPLES_ENDOMORPHISM g2_endomorphism
#define GROUP_LANES            ZKN_LANES_OF_G2
#include "multiples_template.h"

#endif
