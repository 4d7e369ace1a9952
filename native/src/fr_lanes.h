/* Eight neighbours of a vector over Fr in lanes, and back: the lanes stand in an order of their own, the same in all of these.
 *
 * An element keeps the form it has in memory, x R, as one factor; the other takes the lanes' form, y S, by a shift of four
 * bits as it is loaded, so that the product is x y R. */
#ifndef ZKN_FR_LANES_H
#define ZKN_FR_LANES_H

#include "lane_field.h"

/* x R, of bound 1 */
static inline void fr_lanes_load(fr8 *out, const zkn_fr *in)
{
    lane_word w[4];
    lane_load4_near(w, in->l);
    fr8_split(out, w);
}

/* x S, of 16 times the bound in memory */
static inline void fr_lanes_load_factor(fr8 *out, const zkn_fr *in)
{
    lane_word w[4];
    lane_load4_near(w, in->l);
    fr8_split_raised(out, w);
}

static inline void fr_lanes_store_lazy(zkn_fr *out, const fr8 *a)
{
    lane_word w[4];
    fr8_join(w, a);
    lane_store4_near(out->l, w);
}

/* for bound 2 */
static inline void fr_lanes_store(zkn_fr *out, const fr8 *a)
{
    fr8 reduced = *a;
    fr8_canonical(&reduced);
    fr_lanes_store_lazy(out, &reduced);
}

/* *sum += 2^4 times the sum of the lanes of a carried a of bound 84: what sums of x R y R, reduced, lack to be x y R */
static inline void fr_lanes_add_all(zkn_fr *sum, const fr8 *a)
{
    zkn_fr lanes[LANES];
    fr8 x = *a;
    fr8_fold(&x);
    fr_lanes_store(lanes, &x);
    for (size_t i = 1; i < LANES; i++) fr_add(&lanes[0], &lanes[0], &lanes[i]);
    for (int i = 0; i < 4; i++) fr_dbl(&lanes[0], &lanes[0]);
    fr_add(sum, sum, &lanes[0]);
    zkn_wipe(lanes, sizeof lanes);
}

#endif
