/* The sums of pairs in lanes, for both groups. */
#include "lane_tower.h"
#include "pairs.h"

#if ZKN_PATH_IFMA

/* Below this the one inversion costs more than lanes save. */
enum { PAIRS_LANES_MIN = 32 };

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define LANE       fp8
#define FPS        1
#include "pairs_lanes_template.h"

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define LANE       fp28
#define FPS        2
#include "pairs_lanes_template.h"

#endif
