/* The sums of pairs in lanes of AVX2, for both groups. */
#include "path.h"

#if ZKN_PATH_ADX && !ZKN_CURVE_BLS12_381

#include "lane_points.h"
#include "pairs.h"

/* Below this the one inversion costs more than lanes save. */
enum { PAIRS_QUADS_MIN = 32 };

/* 32 a, settled: from x R to x S */
static inline void fp4_raise(fp4 *out, const fp4 *a)
{
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_shl(a->l[i], 5);
    fp4_settle(out);
}

static inline void fp24_raise(fp24 *out, const fp24 *a)
{
    fp4_raise(&out->c0, &a->c0);
    fp4_raise(&out->c1, &a->c1);
}

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define LANE       fp4
#define FPS        1
#include "pairs_quads_template.h"

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define LANE       fp24
#define FPS        2
#include "pairs_quads_template.h"

#endif
