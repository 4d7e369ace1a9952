/* The subgroup check of many points of G1 in lanes: as g1_is_in_subgroup_vartime, all points taking each step together. */
#include "path.h"

#if ZKN_LANES_OF_G1

#include "lane_points.h"
#include "points.h"

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define LANE       LANE_FP
#define FPS        1
#include "lane_steps_template.h"

enum { GROUPS = ZKN_MEMBERS_TILE / LANES };

/* The sums of a tile |x| times. */
static int times_parameter(const g1_lanes *t)
{
    const uint64_t x = CURVE_PARAMETER;
    for (size_t g = 0; g < t->groups; g++) t->addend[g] = t->sum[g];
    for (int bit = 62; bit >= 0; bit--) {
        if (!g1_lanes_double(t)) return 0;
        if (x >> bit & 1 && !g1_lanes_add(t, NULL)) return 0;
    }
    return 1;
}

int g1_are_members_vartime(const zkn_g1_aff *a, size_t n)
{
    g1_lane_point sum[GROUPS], addend[GROUPS];
    LANE_FP prefix[GROUPS];
    const size_t groups = (n + LANES - 1) / LANES;
    const g1_lanes t = {.sum = sum, .addend = addend, .prefix = prefix, .n = n, .groups = groups};
    ZKN_ASSERT(n <= ZKN_MEMBERS_TILE);
    if (n < ZKN_MEMBERS_MIN) return 0;
    for (size_t i = 0; i < n; i++) {
        if (g1_aff_is_zero(&a[i]) || !g1_aff_is_on_curve(&a[i])) return 0;
    }
    for (size_t g = 0; g < groups; g++) {
        const uint64_t *rows[LANES];
        for (size_t i = 0; i < LANES; i++)
            rows[i] = (const uint64_t *)(const void *)&a[g1_lane_index(&t, g, i)];
        g1_lanes_read(&sum[g], rows, LANE_CHANGED);
    }
    if (!times_parameter(&t) || !times_parameter(&t)) return 0;
    for (size_t g = 0; g < groups; g++) {
        zkn_g1_aff square[LANES], image;
        uint64_t *rows[LANES];
        for (size_t i = 0; i < LANES; i++) rows[i] = (uint64_t *)(void *)&square[i];
        g1_lanes_write(rows, &sum[g], LANE_CHANGED);
        for (size_t i = 0; i < LANES; i++) {
            const zkn_g1_aff *p = &a[g1_lane_index(&t, g, i)];
            fp_mul(&image.x, &p->x, &FP_CUBE_ROOTS[0]);
            fp_neg(&image.y, &p->y);
            if (!fp_equal(&square[i].x, &image.x) || !fp_equal(&square[i].y, &image.y)) return 0;
        }
    }
    return 1;
}

#include "lane_steps_end.h"

#endif
