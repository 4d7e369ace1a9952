/* Points of a vector checked together. */
#ifndef ZKN_POINTS_H
#define ZKN_POINTS_H

#include "group.h"

enum {
    ZKN_MEMBERS_TILE = 128, /* so many share an inversion, a quarter of the work, and stay in a cache */
    ZKN_MEMBERS_MIN = 24    /* fewer pay for it alone */
};

/* 1 if n points, at most ZKN_MEMBERS_TILE, are reduced, on the curve and in the subgroup. 0 says nothing: of fewer than
 * ZKN_MEMBERS_MIN, or where small multiples of a point meet infinity; of G1, if one is infinity. */
#if ZKN_CURVE_BLS12_381 && ZKN_LANES_OF_G1
int g1_are_members_vartime(const zkn_g1_aff *a, size_t n);
#else
static inline int g1_are_members_vartime(const zkn_g1_aff *a, size_t n)
{
    (void)a, (void)n;
    return 0;
}
#endif

#if ZKN_LANES_OF_G2
int g2_are_members_vartime(const zkn_g2_aff *a, size_t n);
#else
static inline int g2_are_members_vartime(const zkn_g2_aff *a, size_t n)
{
    (void)a, (void)n;
    return 0;
}
#endif

#endif
