/* Doublings and sums of points in lanes: written once, included once per group by the sources that take them.
 *
 * Parameters, undefined again by lane_steps_end.h: GROUP, COORD, COORD_TYPE, GROUP_AFF, as in pairs_template.h, LANE (elements
 * of a coordinate side by side), LANE_FP (of Fp) and FPS, how many elements of Fp a coordinate has.
 *
 * No case is told apart. Infinity, and sums of equal or opposite points, make a denominator 0 and with it the product of
 * all that share an inversion; then the step is not taken, and says so. */

#define G(name)  ZKN_CAT(GROUP, name)
#define C(name)  ZKN_CAT(COORD, name)
#define L(name)  ZKN_CAT(LANE, name)
#define LF(name) ZKN_CAT(LANE_FP, name)

typedef struct {
    LANE x, y;
} G(_lane_point);

/* y = slope x - constant */
typedef struct {
    LANE slope, constant;
} G(_lane_line);

typedef struct {
    G(_lane_point) * sum, *addend;
    G(_lane_line) * lines; /* of the last step, or NULL */
    LANE *prefix;
    size_t n, groups; /* of points, and of lanes full of them; the last point fills up the last group */
} G(_lanes);

static inline size_t G(_lane_index)(const G(_lanes) * t, size_t group, size_t lane)
{
    const size_t i = group * LANES + lane;
    return i < t->n ? i : t->n - 1;
}

static inline void G(_lanes_read)(G(_lane_point) * out, const uint64_t *const rows[LANES], lane_form form)
{
    LANE_FP *parts = (LANE_FP *)(void *)out;
    ZKN_UNROLL
    for (int i = 0; i < 2 * FPS; i++) {
        lane_word words[FP_LIMBS];
        lane_gather_fp(words, rows, FP_LIMBS * (size_t)i);
        if (form == LANE_CHANGED) {
            LF(_enter)(&parts[i], words);
        } else {
            LF(_split)(&parts[i], words);
        }
    }
}

/* The points are settled. */
static inline void G(_lanes_write)(uint64_t *const rows[LANES], const G(_lane_point) * in, lane_form form)
{
    const LANE_FP *parts = (const LANE_FP *)(const void *)in;
    ZKN_UNROLL
    for (int i = 0; i < 2 * FPS; i++) {
        lane_word words[FP_LIMBS];
        if (form == LANE_CHANGED) {
            LF(_leave)(words, &parts[i]);
        } else {
            LANE_FP part = parts[i];
            if (form == LANE_REDUCED) LF(_canonical)(&part);
            LF(_join)(words, &part);
        }
        lane_scatter_fp(rows, FP_LIMBS * (size_t)i, words);
    }
}

/* All lanes of a product to their inverses, by one inversion; 0 if one is zero. The inverse has the form of lanes, or is left
 * in that of memory. */
static int G(_lanes_invert)(LANE *product, lane_form form)
{
    COORD_TYPE value[LANES], before[LANES], all;
    LANE_FP *parts = (LANE_FP *)(void *)product;
    uint64_t *rows[LANES];
    for (int i = 0; i < LANES; i++) rows[i] = (uint64_t *)(void *)&value[i];
    for (int i = 0; i < FPS; i++) {
        lane_word words[FP_LIMBS];
        LF(_leave)(words, &parts[i]);
        lane_scatter_fp(rows, FP_LIMBS * (size_t)i, words);
    }
    C(_one)(&all);
    for (int i = 0; i < LANES; i++) {
        before[i] = all;
        C(_mul)(&all, &all, &value[i]);
    }
    if (C(_is_zero)(&all)) return 0;
    C(_inv)(&all, &all);
    for (int i = LANES; i-- > 0;) {
        COORD_TYPE inverse;
        C(_mul)(&inverse, &all, &before[i]);
        C(_mul)(&all, &all, &value[i]);
        value[i] = inverse;
    }
    for (int i = 0; i < FPS; i++) {
        lane_word words[FP_LIMBS];
        lane_gather_fp(words, (const uint64_t *const *)rows, FP_LIMBS * (size_t)i);
        if (form == LANE_CHANGED) {
            LF(_enter)(&parts[i], words);
        } else {
            LF(_split)(&parts[i], words);
        }
    }
    return 1;
}

/* Of products of denominators: *inverse <- that of the last one, *chain <- what the ones before share. Products have a bound
 * of 2, denominators of 6. */
static inline void G(_lanes_next)(LANE *inverse, LANE *chain, const LANE *prefix, const LANE *denominator)
{
    L(_mul)(inverse, chain, prefix);
    L(_mul)(chain, chain, denominator);
}

/* The third point of a line: x = slope^2 - a.x - b.x, y = slope (a.x - x) - a.y, where a may be the result. */
static inline void G(_lanes_third)(G(_lane_point) * out, G(_lane_line) * line, const LANE *slope,
                                   const G(_lane_point) * a, const LANE *bx)
{
    G(_lane_point) sum;
    LANE run;
    if (line) {
        line->slope = *slope;
        L(_mul)(&line->constant, slope, &a->x);
        L(_sub)(&line->constant, &line->constant, &a->y);
        L(_settle)(&line->constant);
    }
    L(_sqr)(&sum.x, slope);
    L(_sub)(&sum.x, &sum.x, &a->x);
    L(_sub)(&sum.x, &sum.x, bx);
    L(_settle)(&sum.x);
    L(_sub)(&run, &a->x, &sum.x);
    L(_mul)(&sum.y, slope, &run);
    L(_sub)(&sum.y, &sum.y, &a->y);
    L(_settle)(&sum.y);
    *out = sum;
}

/* The sums of a tile twice. */
static inline int G(_lanes_double)(const G(_lanes) * t)
{
    LANE chain, inverse, denominator, slope, square;
    L(_one)(&chain);
    for (size_t g = 0; g < t->groups; g++) {
        t->prefix[g] = chain;
        L(_add)(&denominator, &t->sum[g].y, &t->sum[g].y);
        L(_mul)(&chain, &chain, &denominator);
    }
    if (!G(_lanes_invert)(&chain, LANE_CHANGED)) return 0;
    for (size_t g = t->groups; g-- > 0;) {
        G(_lane_point) *p = &t->sum[g];
        L(_add)(&denominator, &p->y, &p->y);
        G(_lanes_next)(&inverse, &chain, &t->prefix[g], &denominator);
        L(_sqr)(&square, &p->x);
        L(_add)(&slope, &square, &square);
        L(_add)(&slope, &slope, &square);
        L(_mul)(&slope, &inverse, &slope);
        G(_lanes_third)(p, t->lines ? &t->lines[g] : NULL, &slope, p, &p->x);
    }
    return 1;
}

/* Elsewhere than in the wanted lanes a denominator is 1, as it may be 0 there. */
static inline void G(_lanes_run)(LANE *out, const LANE *from, const LANE *to, const lane_mask *wanted)
{
    LANE run;
    L(_sub)(&run, to, from);
    if (!wanted) {
        *out = run;
        return;
    }
    L(_one)(out);
    L(_select)(out, &run, *wanted);
}

/* To the sums of a tile their addends, in the lanes of `wanted` (all if NULL). Ordinates of addends may be uncarried. */
static inline int G(_lanes_add)(const G(_lanes) * t, const lane_mask *wanted)
{
    LANE chain, inverse, denominator, slope;
    L(_one)(&chain);
    for (size_t g = 0; g < t->groups; g++) {
        t->prefix[g] = chain;
        G(_lanes_run)(&denominator, &t->sum[g].x, &t->addend[g].x, wanted ? &wanted[g] : NULL);
        L(_mul)(&chain, &chain, &denominator);
    }
    if (!G(_lanes_invert)(&chain, LANE_CHANGED)) return 0;
    for (size_t g = t->groups; g-- > 0;) {
        G(_lane_point) *p = &t->sum[g], third;
        const G(_lane_point) *q = &t->addend[g];
        G(_lanes_run)(&denominator, &p->x, &q->x, wanted ? &wanted[g] : NULL);
        G(_lanes_next)(&inverse, &chain, &t->prefix[g], &denominator);
        L(_sub)(&slope, &q->y, &p->y);
        L(_mul)(&slope, &inverse, &slope);
        G(_lanes_third)(&third, t->lines ? &t->lines[g] : NULL, &slope, p, &q->x);
        if (wanted) {
            L(_select)(&p->x, &third.x, wanted[g]);
            L(_select)(&p->y, &third.y, wanted[g]);
        } else {
            *p = third;
        }
    }
    return 1;
}

/* The sums of a tile twice, and to that their addends, which are used up: as (P + Q) + P, and the ordinate of P + Q is not
 * needed for it (Eisentraeger, Lauter, Montgomery 2003, section 2). Two products less than a doubling and a sum. */
static inline int G(_lanes_double_add)(const G(_lanes) * t)
{
    LANE chain, inverse, denominator, slope, run;
    L(_one)(&chain);
    for (size_t g = 0; g < t->groups; g++) {
        t->prefix[g] = chain;
        G(_lanes_run)(&denominator, &t->sum[g].x, &t->addend[g].x, NULL);
        L(_mul)(&chain, &chain, &denominator);
    }
    if (!G(_lanes_invert)(&chain, LANE_CHANGED)) return 0;
    for (size_t g = t->groups; g-- > 0;) {
        const G(_lane_point) *p = &t->sum[g];
        G(_lane_point) *q = &t->addend[g];
        G(_lanes_run)(&denominator, &p->x, &q->x, NULL);
        G(_lanes_next)(&inverse, &chain, &t->prefix[g], &denominator);
        L(_sub)(&slope, &q->y, &p->y);
        L(_mul)(&q->y, &inverse, &slope);
        L(_sqr)(&slope, &q->y);
        L(_sub)(&slope, &slope, &p->x);
        L(_sub)(&q->x, &slope, &q->x);
        L(_settle)(&q->x);
    }
    /* now (q.x, q.y) is the abscissa of P + Q, and the slope to it; the slope from there to P is -(q.y + 2 p.y / (q.x - p.x)) */
    L(_one)(&chain);
    for (size_t g = 0; g < t->groups; g++) {
        t->prefix[g] = chain;
        G(_lanes_run)(&denominator, &t->sum[g].x, &t->addend[g].x, NULL);
        L(_mul)(&chain, &chain, &denominator);
    }
    if (!G(_lanes_invert)(&chain, LANE_CHANGED)) return 0;
    for (size_t g = t->groups; g-- > 0;) {
        G(_lane_point) *p = &t->sum[g], sum;
        const G(_lane_point) *q = &t->addend[g];
        G(_lanes_run)(&denominator, &p->x, &q->x, NULL);
        G(_lanes_next)(&inverse, &chain, &t->prefix[g], &denominator);
        L(_add)(&run, &p->y, &p->y);
        L(_mul)(&slope, &inverse, &run);
        L(_add)(&slope, &slope, &q->y);
        L(_settle)(&slope);
        L(_sqr)(&sum.x, &slope);
        L(_sub)(&sum.x, &sum.x, &p->x);
        L(_sub)(&sum.x, &sum.x, &q->x);
        L(_settle)(&sum.x);
        L(_sub)(&run, &sum.x, &p->x);
        L(_mul)(&sum.y, &slope, &run);
        L(_sub)(&sum.y, &sum.y, &p->y);
        L(_settle)(&sum.y);
        *p = sum;
    }
    return 1;
}
