/* The sums of pairs in lanes of AVX2, for both groups of BN254 and G1 of BLS12-381; and the latter's in lanes of AVX-512. */
#include "path.h"

#if ZKN_PATH_ADX || (ZKN_PATH_IFMA && ZKN_CURVE_BLS12_381)

#include "lane_points.h"
#include "pairs.h"

/* Below this the one inversion costs more than lanes save. */
enum { PAIRS_QUADS_MIN = 32 };

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define LANE       LANE_FP
#define FPS        1
#include "pairs_quads_template.h"

#if ZKN_LANES_OF_G2

static inline void fp24_raise(fp24 *out, const fp24 *a)
{
    fp4_raise(&out->c0, &a->c0);
    fp4_raise(&out->c1, &a->c1);
}

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define LANE       fp24
#define FPS        2
#include "pairs_quads_template.h"

#endif

#endif
