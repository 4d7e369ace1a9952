/* Sums of pairs of affine points, four at a time: written once, included by pairs_quads.c once per group (parameters as
 * lane_steps_template.h).
 *
 * Coordinates keep the form x R of memory, of which a difference d stands for d / k in the form of lanes, k = S / R. Where
 * the product of all denominators is inverted, it is left in that form too: this gives every inverse the factor 1 / k that
 * makes it right. Then slope R = (1 / dx) S dy R / S, and products with slope S = k slope R have the form of memory again. */

#include "lane_steps_template.h"

/* Moves the pairs that have a chord to the front and returns their number. */
static size_t G(_chords_first)(const GROUP_AFF *p, zkn_pair *pairs, size_t n)
{
    size_t chords = 0;
    for (size_t k = 0; k < n; k++) {
        const zkn_pair pair = pairs[k];
        const COORD_TYPE *a = &p[pair.to].x, *b = &p[pair.from].x;
        if (C(_is_zero)(a) | C(_is_zero)(b) | C(_equal)(a, b)) continue;
        pairs[k] = pairs[chords];
        pairs[chords++] = pair;
    }
    return chords;
}

static inline void G(_quad_rows)(uint64_t *to[LANES], uint64_t *from[LANES], GROUP_AFF *p,
                                 const zkn_pair *pairs)
{
    for (int i = 0; i < LANES; i++) {
        to[i] = (uint64_t *)(void *)&p[pairs[i].to];
        from[i] = (uint64_t *)(void *)&p[pairs[i].from];
    }
}

static inline void G(_quad_x)(LANE *out, uint64_t *const rows[LANES])
{
    LANE_FP *parts = (LANE_FP *)(void *)out;
    for (size_t i = 0; i < FPS; i++) {
        lane_word words[FP_LIMBS];
        lane_gather_fp(words, (const uint64_t *const *)rows, FP_LIMBS * i);
        LF(_split)(&parts[i], words);
    }
}

/* Prefix products wait between the passes in four times the room of one coordinate. */
static inline void G(_quad_keep)(COORD_TYPE room[LANES], const LANE *a)
{
    const LANE_FP *parts = (const LANE_FP *)(const void *)a;
    for (int i = 0; i < FPS; i++) {
        lane_word words[FP_LIMBS];
        LF(_join)(words, &parts[i]);
        memcpy((uint8_t *)room + i * (int)sizeof words, words, sizeof words);
    }
}

static inline void G(_quad_kept)(LANE *out, const COORD_TYPE room[LANES])
{
    LANE_FP *parts = (LANE_FP *)(void *)out;
    for (int i = 0; i < FPS; i++) {
        lane_word words[FP_LIMBS];
        memcpy(words, (const uint8_t *)room + i * (int)sizeof words, sizeof words);
        LF(_split)(&parts[i], words);
    }
}

size_t G(_add_pairs_in_lanes)(GROUP_AFF *p, zkn_pair *pairs, size_t n, COORD_TYPE *products)
{
    if (n < PAIRS_QUADS_MIN) return 0;
    const size_t done = G(_chords_first)(p, pairs, n) / LANES * LANES;
    uint64_t *to[LANES], *from[LANES];
    LANE chain, prefix, inverse, d, slope, raised;
    if (done < PAIRS_QUADS_MIN) return 0;
    L(_one)(&chain);
    for (size_t i = 0; i < done; i += LANES) {
        LANE a, b;
        G(_quad_rows)(to, from, p, &pairs[i]);
        G(_quad_x)(&a, to), G(_quad_x)(&b, from);
        G(_quad_keep)(&products[i], &chain);
        L(_sub)(&d, &b, &a);
        L(_mul)(&chain, &chain, &d);
    }
    if (!G(_lanes_invert)(&chain, LANE_KEPT)) return 0;
    for (size_t i = done; i > 0; i -= LANES) {
        G(_lane_point) a, b, sum;
        G(_quad_rows)(to, from, p, &pairs[i - LANES]);
        G(_lanes_read)(&a, (const uint64_t *const *)to, LANE_KEPT);
        G(_lanes_read)(&b, (const uint64_t *const *)from, LANE_KEPT);
        G(_quad_kept)(&prefix, &products[i - LANES]);
        L(_sub)(&d, &b.x, &a.x);
        G(_lanes_next)(&inverse, &chain, &prefix, &d);
        L(_sub)(&d, &b.y, &a.y);
        L(_mul)(&slope, &inverse, &d);
        L(_raise)(&raised, &slope);
        L(_mul)(&sum.x, &raised, &slope);
        L(_sub)(&sum.x, &sum.x, &a.x);
        L(_sub)(&sum.x, &sum.x, &b.x);
        L(_settle)(&sum.x);
        L(_sub)(&d, &a.x, &sum.x);
        L(_mul)(&sum.y, &raised, &d);
        L(_sub)(&sum.y, &sum.y, &a.y);
        L(_settle)(&sum.y);
        G(_lanes_write)(to, &sum, LANE_REDUCED);
    }
    return done;
}

#include "lane_steps_end.h"
