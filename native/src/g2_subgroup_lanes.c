/* The subgroup check of many points of G2 in lanes: as g2_is_in_subgroup_vartime, all points taking each step together. */
#include "path.h"

#if ZKN_LANES_OF_G2

#include "lane_points.h"
#include "points.h"

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define LANE       LANE_FP2
#define FPS        2
#include "lane_steps_template.h"

enum { GROUPS = ZKN_MEMBERS_TILE / LANES };

static void load(const g2_lanes *t, g2_lane_point *out, const zkn_g2_aff *a)
{
    for (size_t g = 0; g < t->groups; g++) {
        const uint64_t *rows[LANES];
        for (size_t i = 0; i < LANES; i++)
            rows[i] = (const uint64_t *)(const void *)&a[g2_lane_index(t, g, i)];
        g2_lanes_read(&out[g], rows, LANE_CHANGED);
    }
}

static void store_sums(const g2_lanes *t, zkn_g2_aff *out)
{
    for (size_t g = 0; g < t->groups; g++) {
        uint64_t *rows[LANES];
        for (size_t i = 0; i < LANES; i++) rows[i] = (uint64_t *)(void *)&out[g2_lane_index(t, g, i)];
        g2_lanes_write(rows, &t->sum[g], LANE_CHANGED);
    }
}

/* The addends of a tile: points, or their opposites. */
static void take(const g2_lanes *t, const g2_lane_point *own, int sign)
{
    LANE_FP2 zero;
    ZKN_CAT(LANE_FP, _zero)(&zero.c0);
    ZKN_CAT(LANE_FP, _zero)(&zero.c1);
    for (size_t g = 0; g < t->groups; g++) {
        t->addend[g] = own[g];
        if (sign < 0) ZKN_CAT(LANE_FP2, _sub)(&t->addend[g].y, &zero, &own[g].y);
    }
}

/* The sums of a tile: u times these points. */
static int times_parameter(const g2_lanes *t, const g2_lane_point *own)
{
    for (size_t g = 0; g < t->groups; g++) t->sum[g] = own[g];
    for (size_t i = sizeof PARAMETER_DIGITS - 1; i-- > 0;) {
        if (PARAMETER_DIGITS[i] == 0) {
            if (!g2_lanes_double(t)) return 0;
            continue;
        }
        take(t, own, PARAMETER_DIGITS[i]);
        if (!g2_lanes_double_add(t)) return 0;
    }
    return 1;
}

int g2_are_members_vartime(const zkn_g2_aff *a, size_t n)
{
    g2_lane_point own[GROUPS], sum[GROUPS], addend[GROUPS];
    LANE_FP2 prefix[GROUPS];
    zkn_g2_aff point[ZKN_MEMBERS_TILE], left[ZKN_MEMBERS_TILE], image[ZKN_MEMBERS_TILE];
    g2_lanes t = {.sum = sum, .addend = addend, .prefix = prefix};
    ZKN_ASSERT(n <= ZKN_MEMBERS_TILE);
    for (size_t i = 0; i < n; i++) {
        if (!g2_aff_is_on_curve(&a[i])) return 0;
        if (!g2_aff_is_zero(&a[i])) point[t.n++] = a[i];
    }
    if (t.n < ZKN_MEMBERS_MIN) return t.n == 0;
    t.groups = (t.n + LANES - 1) / LANES;

    load(&t, own, point);
    if (!times_parameter(&t, own)) return 0;
    store_sums(&t, image); /* u Q */
    take(&t, own, 1);
    if (!g2_lanes_add(&t, NULL)) return 0;
    for (int power = 1; power <= 2; power++) { /* psi^power(u Q) */
        for (size_t i = 0; i < t.n; i++) g2_psi(&image[i], &image[i]);
        load(&t, addend, image);
        if (!g2_lanes_add(&t, NULL)) return 0;
    }
    store_sums(&t, left);
    load(&t, sum, image);
    if (!g2_lanes_double(&t)) return 0;
    store_sums(&t, image);
    for (size_t i = 0; i < t.n; i++) {
        g2_psi(&image[i], &image[i]);
        if (!fp2_equal(&left[i].x, &image[i].x) || !fp2_equal(&left[i].y, &image[i].y)) return 0;
    }
    return 1;
}

#include "lane_steps_end.h"

#endif
