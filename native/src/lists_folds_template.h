/* Folds of a tile, by slopes that share an inversion: included by lists_lanes_template.h, with its parameters. */

/* The denominator of a fold's slopes, 1 in lanes without: a bound of 32. */
static inline void G(_run)(LANE *out, const G(_tile) * t, const zkn_fold *fold)
{
    const G(_unit) *a = &t->unit[fold->to], *b = &t->unit[fold->from];
    LANE other;
    L(_sub)(out, &b->x, &a->x, G(_ENTRY));
    if (__builtin_expect(fold->twice, 0)) {
        L(_add)(&other, &a->y, &a->y);
        L(_carry)(&other), L(_fold)(&other);
        L(_choose)(out, &other, fold->twice);
    }
    if (fold->mask != G(_ALL)) {
        L(_one)(&other);
        L(_choose)(out, &other, ~(unsigned)fold->mask);
    }
    L(_carry)(out);
}

static void G(_products)(const G(_tile) * t, LANE *chain)
{
    L(_one)(chain);
    for (size_t i = 0; i < t->folds; i++) {
        LANE run;
        G(_run)(&run, t, &t->room->fold[i]);
        t->prefix[i] = *chain;
        L(_mul_by)(chain, &run, chain, 2); /* 2 */
    }
}

/* a + k m - b, for a bound that only the tile knows */
static inline void G(_rise)(LANE *out, const LANE *a, const LANE *b, const LANE *multiple)
{
    L(_sub)(out, a, b, 0);
    L(_add)(out, out, multiple);
}

static inline void G(_fold_by_slope)(const G(_tile) * t, const zkn_fold *fold, const LANE *inverse,
                                     const LANE *multiple)
{
    G(_unit) *a = &t->unit[fold->to], sum;
    const G(_unit) *b = &t->unit[fold->from];
    LANE slope, u;
    G(_rise)(&u, &b->y, &a->y, multiple);
    if (__builtin_expect(fold->twice, 0)) {
        LANE square, thrice;
        L(_sqr_by)(&square, &a->x, G(_ENTRY)); /* 5 */
        L(_add)(&thrice, &square, &square);
        L(_add)(&thrice, &thrice, &square);
        L(_choose)(&u, &thrice, fold->twice);
    }
    L(_carry)(&u);                      /* 60, or 32 */
    L(_mul_by)(&slope, &u, inverse, 2); /* 3 */
    L(_sqr_by)(&sum.x, &slope, 3);      /* 2 */
    L(_add)(&u, &a->x, &b->x);
    L(_sub)(&sum.x, &sum.x, &u, 2 * G(_ENTRY));
    L(_carry)(&sum.x); /* 34, or 6 */
    L(_fold)(&sum.x);  /* 2 */
    L(_sub)(&u, &a->x, &sum.x, 2);
    L(_carry)(&u);                     /* 18, or 4 */
    L(_mul_by)(&sum.y, &u, &slope, 3); /* 2 */
    G(_rise)(&sum.y, &sum.y, &a->y, multiple);
    if (fold->mask == G(_ALL)) {
        *a = sum;
    } else {
        L(_choose)(&a->x, &sum.x, fold->mask);
        L(_choose)(&a->y, &sum.y, fold->mask);
    }
}

/* Does what needs no slope, and says where points are equal. */
static void G(_tell_cases)(const G(_tile) * t, const LANE *multiple)
{
    for (size_t i = 0; i < t->folds; i++) {
        zkn_fold *fold = &t->room->fold[i];
        G(_unit) *a = &t->unit[fold->to], none = {0};
        const G(_unit) *b = &t->unit[fold->from];
        LANE x, y;
        L(_sub)(&x, &b->x, &a->x, G(_ENTRY));
        G(_rise)(&y, &b->y, &a->y, multiple);
        L(_carry)(&x), L(_carry)(&y);
        const unsigned mask = fold->mask, no_a = L(_zeros)(&a->x), no_b = L(_zeros)(&b->x),
                       open = mask & ~no_a & ~no_b, same = open & L(_zeros)(&x), level = L(_zeros)(&y),
                       opposite = same & ~level;
        L(_choose)(&a->x, &b->x, mask & no_a);
        L(_choose)(&a->y, &b->y, mask & no_a);
        L(_choose)(&a->x, &none.x, opposite);
        L(_choose)(&a->y, &none.y, opposite);
        fold->twice = (uint16_t)(same & level);
        fold->mask = (uint16_t)(open & ~opposite);
    }
}

static void G(_fold_once)(G(_tile) * t)
{
    LANE chain, multiple;
    L(_modulus)(&multiple, t->bound);
    if (t->special) G(_tell_cases)(t, &multiple);
    G(_products)(t, &chain);
    if (!L(_invert)(&chain) && !t->special) {
        t->special = 1;
        G(_tell_cases)(t, &multiple);
        G(_products)(t, &chain);
        L(_invert)(&chain);
    }
    for (size_t i = t->folds; i-- > 0;) {
        const zkn_fold *fold = &t->room->fold[i];
        LANE run, inverse;
        G(_bring)(t);
        G(_run)(&run, t, fold);
        L(_mul_by)(&inverse, &t->prefix[i], &chain, 2); /* 2 */
        L(_mul_by)(&chain, &run, &chain, 2);            /* 2 */
        G(_fold_by_slope)(t, fold, &inverse, &multiple);
    }
    t->bound += 2;
}

/* The next fold of every list in the tile: how many there are of units. */
static size_t G(_plan_folds)(const G(_tile) * t)
{
    size_t folds = 0;
    for (size_t g = 0; g < t->groups; g++) {
        zkn_list_group *group = &t->room->group[g];
        const uint32_t half = (group->length + 1) / 2, unit = group->unit;
        unsigned lanes = group->lanes;
        for (uint32_t i = 0; i + half < group->length; i++) {
            while (group->size[lanes - 1] <= i + half) lanes--;
            t->room->fold[folds++] = (zkn_fold){.to = (uint16_t)(unit + i),
                                                .from = (uint16_t)(unit + i + half),
                                                .mask = (uint16_t)((1U << lanes) - 1)};
        }
        for (unsigned k = 0; k < group->lanes && group->size[k] > half; k++) group->size[k] = (uint16_t)half;
        group->length = half;
    }
    return folds;
}
