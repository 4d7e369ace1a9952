/* Sums of pairs of affine points: written once, included by pairs.h once per group (parameters as
 * group_template.h, GROUP_LANES: 1 if there are lanes for its points, and PAIRS_DEFINE for the function).
 *
 * All slopes of a call share one inversion (Montgomery 1987), so a sum costs 5M + 1S: three products for
 * its share of the inversion, one for the slope, one square, one product. */

#define G(name) ZKN_CAT(GROUP, name)
#define C(name) ZKN_CAT(COORD, name)

/* p[to] <- p[to] + p[from] for n pairs, whose 2n indices all differ. Any points: infinity, equal and
 * opposite ones included. `pairs` is used up; denominators and products are room for n elements each.
 * Timing depends on which of those cases occur. */
void G(_add_pairs_vartime)(GROUP_AFF *p, zkn_pair *pairs, size_t n, COORD_TYPE *denominators,
                           COORD_TYPE *products);

#if GROUP_LANES
/* The same for some of the pairs, which come to the front; returns how many. What is left is infinity, equal x,
 * and what fills no lanes. */
size_t G(_add_pairs_in_lanes)(GROUP_AFF *p, zkn_pair *pairs, size_t n, COORD_TYPE *products);
#endif

/* Inverts the products of ZKN_CHAINS chains that do not wait for each other, by one inversion. */
static inline void G(_invert_products)(COORD_TYPE chain[ZKN_CHAINS])
{
    COORD_TYPE before[ZKN_CHAINS], all = chain[0], inverse;
    for (int k = 1; k < ZKN_CHAINS; k++) {
        before[k] = all;
        C(_mul)(&all, &all, &chain[k]);
    }
    C(_inv)(&all, &all);
    for (int k = ZKN_CHAINS; k-- > 1;) {
        C(_mul)(&inverse, &all, &before[k]);
        C(_mul)(&all, &all, &chain[k]);
        chain[k] = inverse;
    }
    chain[0] = all;
}

#ifdef PAIRS_DEFINE

/* The sums that need no slope, or that of a tangent: 1 if there is still a slope to invert. No point has x = 0:
 * those with y^2 = b are of order 3. */
static int G(_pair_is_open)(GROUP_AFF *a, const GROUP_AFF *b, COORD_TYPE *denominator)
{
    if (C(_is_zero)(&b->x)) return 0;
    if (C(_is_zero)(&a->x)) {
        *a = *b;
        return 0;
    }
    if (!C(_is_zero)(denominator)) return 1;
    if (!C(_equal)(&a->y, &b->y)) {
        G(_aff_zero)(a);
        return 0;
    }
    C(_dbl)(denominator, &a->y);
    return 1;
}

/* a <- a + b, with the inverse of the denominator of the slope */
static inline void G(_add_by_slope)(GROUP_AFF *a, const GROUP_AFF *b, const COORD_TYPE *inverse)
{
    COORD_TYPE slope, x, y;
    C(_sub)(&y, &b->y, &a->y);
    if (__builtin_expect(C(_equal)(&a->x, &b->x), 0)) {
        C(_sqr)(&x, &a->x);
        C(_dbl)(&y, &x);
        C(_add)(&y, &y, &x); /* 3 x^2 */
    }
    C(_mul)(&slope, &y, inverse);
    C(_sqr)(&x, &slope);
    C(_sub)(&x, &x, &a->x);
    C(_sub)(&x, &x, &b->x);
    C(_sub)(&y, &a->x, &x);
    C(_mul)(&y, &y, &slope);
    C(_sub)(&a->y, &y, &a->y);
    a->x = x;
}

void G(_add_pairs_vartime)(GROUP_AFF *p, zkn_pair *pairs, size_t n, COORD_TYPE *denominators,
                           COORD_TYPE *products)
{
#if GROUP_LANES
    const size_t in_lanes = G(_add_pairs_in_lanes)(p, pairs, n, products);
    pairs += in_lanes, n -= in_lanes;
#endif
    COORD_TYPE chain[ZKN_CHAINS], inverse;
    for (int k = 0; k < ZKN_CHAINS; k++) C(_one)(&chain[k]);
    size_t open = 0;
    for (size_t i = 0; i < n; i++) {
        GROUP_AFF *a = &p[pairs[i].to];
        const GROUP_AFF *b = &p[pairs[i].from];
        COORD_TYPE *denominator = &denominators[open];
        C(_sub)(denominator, &b->x, &a->x);
        if (__builtin_expect(C(_is_zero)(&a->x) | C(_is_zero)(&b->x) | C(_is_zero)(denominator), 0)) {
            if (!G(_pair_is_open)(a, b, denominator)) continue;
        }
        products[open] = chain[open % ZKN_CHAINS];
        C(_mul)(&chain[open % ZKN_CHAINS], &chain[open % ZKN_CHAINS], denominator);
        pairs[open++] = pairs[i];
    }
    if (open == 0) return;
    G(_invert_products)(chain);
    for (size_t i = open; i-- > 0;) {
        C(_mul)(&inverse, &products[i], &chain[i % ZKN_CHAINS]);
        C(_mul)(&chain[i % ZKN_CHAINS], &chain[i % ZKN_CHAINS], &denominators[i]);
        G(_add_by_slope)(&p[pairs[i].to], &p[pairs[i].from], &inverse);
    }
}

#endif

#undef G
#undef C
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_LANES
