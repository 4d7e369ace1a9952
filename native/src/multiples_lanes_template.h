/* Multiples of many points in lanes: written once, included by multiples_lanes.c once per group.
 *
 * Parameters, undefined again at the end: those of lane_steps_template.h, PIECES, how many pieces a
 * scalar is taken apart into, split_*, which does it, *_image, the endomorphism of the second, and *_square, its
 * square, of the pieces after these.
 *
 * As multiples_template.h, but points stay in lanes from the first doubling to the last sum, and no case is told apart:
 * all digits are odd, so every point is doubled and added to in every step. Where a step cannot be taken, the tile is
 * left undone. */

#include "lane_steps_template.h"

typedef struct {
    zkn_u128 biased[PIECES];
    unsigned even; /* bit k for piece k */
} G(_pieces);

typedef struct {
    G(_lanes) lanes;
    GROUP_AFF *table; /* in the form of lanes: entry k of the first and second piece, entry by entry */
    G(_pieces) * pieces;
    G(_image) image;
} G(_lane_tile);

static inline GROUP_AFF *G(_lane_entry)(const G(_lane_tile) * t, size_t piece, size_t k, size_t point)
{
    return &t->table[(piece % 2 * ZKN_MULTIPLES_TABLE + k) * t->lanes.n + point];
}

/* Entry k of both tables, from points in lanes. */
static void G(_lanes_keep)(const G(_lane_tile) * t, const G(_lane_point) * points, unsigned k)
{
    for (size_t g = 0; g < t->lanes.groups; g++) {
        G(_lane_point) p = points[g];
        for (size_t piece = 0; piece < 2; piece++) {
            uint64_t *rows[LANES];
            for (size_t i = 0; i < LANES; i++)
                rows[i] = (uint64_t *)(void *)G(_lane_entry)(t, piece, k, G(_lane_index)(&t->lanes, g, i));
            G(_lanes_write)(rows, &p, LANE_KEPT);
            G(_image_of)(&p.x, &p.y, &t->image);
        }
    }
}

/* addend <- the opposite of itself in some lanes */
static inline void G(_lanes_oppose)(G(_lane_point) * addend, lane_mask negative)
{
    LANE_FP *y = (LANE_FP *)(void *)&addend->y, zero, opposite;
    LF(_zero)(&zero);
    for (int i = 0; i < FPS; i++) {
        LF(_sub)(&opposite, &zero, &y[i]);
        LF(_select)(&y[i], &opposite, negative);
    }
}

/* out <- entries of a table of one piece, some of them their opposites. */
static inline void G(_lanes_addend)(const G(_lane_tile) * t, G(_lane_point) * out,
                                    const uint64_t *const rows[LANES], unsigned piece, lane_mask negative)
{
    G(_lanes_read)(out, rows, LANE_KEPT);
    if (piece >= 2) negative ^= G(_square_of)(&out->x, &t->image);
    G(_lanes_oppose)(out, negative);
}

/* The addends of a window of one piece: digit 2 e - 15 for e = 0, .., 15. */
static void G(_lanes_pick)(const G(_lane_tile) * t, G(_lane_point) * out, unsigned piece, unsigned window)
{
    for (size_t g = 0; g < t->lanes.groups; g++) {
        const uint64_t *rows[LANES];
        lane_mask negative = 0;
        for (size_t i = 0; i < LANES; i++) {
            const size_t index = G(_lane_index)(&t->lanes, g, i);
            const unsigned e = (unsigned)(t->pieces[index].biased[piece] >> (4 * window)) & 15,
                           k = e < ZKN_MULTIPLES_TABLE ? ZKN_MULTIPLES_TABLE - 1 - e
                                                       : e - ZKN_MULTIPLES_TABLE;
            rows[i] = (const uint64_t *)(const void *)G(_lane_entry)(t, piece, k, index);
            negative |= (lane_mask)((unsigned)(e < ZKN_MULTIPLES_TABLE) << i);
        }
        G(_lanes_addend)(t, &out[g], rows, piece, negative);
    }
}

/* 1, 3, .., 15 times each point, and their images. */
static int G(_lanes_tables)(const G(_lane_tile) * t, const GROUP_AFF *a)
{
    for (size_t g = 0; g < t->lanes.groups; g++) {
        const uint64_t *rows[LANES];
        for (size_t i = 0; i < LANES; i++)
            rows[i] = (const uint64_t *)(const void *)&a[G(_lane_index)(&t->lanes, g, i)];
        G(_lanes_read)(&t->lanes.sum[g], rows, LANE_CHANGED);
        t->lanes.addend[g] = t->lanes.sum[g];
    }
    G(_lanes_keep)(t, t->lanes.sum, 0);
    if (!G(_lanes_double)(&t->lanes)) return 0;
    for (size_t g = 0; g < t->lanes.groups; g++) {
        const G(_lane_point) twice = t->lanes.sum[g];
        t->lanes.sum[g] = t->lanes.addend[g], t->lanes.addend[g] = twice;
    }
    for (unsigned k = 1; k < ZKN_MULTIPLES_TABLE; k++) {
        if (!G(_lanes_add)(&t->lanes, NULL)) return 0;
        G(_lanes_keep)(t, t->lanes.sum, k);
    }
    return 1;
}

/* Takes from the sums what made even pieces odd. */
static int G(_lanes_correct)(const G(_lane_tile) * t)
{
    for (unsigned piece = 0; piece < PIECES; piece++) {
        lane_mask even[ZKN_MULTIPLES_TILE / LANES], any = 0;
        for (size_t g = 0; g < t->lanes.groups; g++) {
            const uint64_t *rows[LANES];
            even[g] = 0;
            for (size_t i = 0; i < LANES; i++) {
                const size_t index = G(_lane_index)(&t->lanes, g, i);
                rows[i] = (const uint64_t *)(const void *)G(_lane_entry)(t, piece, 0, index);
                even[g] |= (lane_mask)((t->pieces[index].even >> piece & 1) << i);
            }
            any |= even[g];
            G(_lanes_addend)(t, &t->lanes.addend[g], rows, piece, (lane_mask)((1u << LANES) - 1));
        }
        if (any && !G(_lanes_add)(&t->lanes, even)) return 0;
    }
    return 1;
}

/* The pieces of all scalars in odd digits; returns how many windows they take. */
static unsigned G(_lanes_recode)(const G(_lane_tile) * t, const zkn_fr *s)
{
    unsigned windows = 1;
    for (size_t i = 0; i < t->lanes.n; i++) {
        zkn_u128 part[PIECES];
        G(_take_apart)(part, &s[i]);
        t->pieces[i].even = 0;
        for (unsigned k = 0; k < PIECES; k++)
            t->pieces[i].even |= zkn_odd_digits(&t->pieces[i].biased[k], &windows, part[k]) << k;
    }
    for (size_t i = 0; i < t->lanes.n; i++) {
        for (unsigned k = 0; k < PIECES; k++) t->pieces[i].biased[k] += (zkn_u128)1 << (4 * windows - 1);
    }
    return windows;
}

int G(_multiples_in_lanes)(GROUP_AFF *out, const GROUP_AFF *a, const zkn_fr *s, size_t n,
                           const G(_multiples_room) * room)
{
    const uintptr_t lanes = ((uintptr_t)room->lanes + 63) & ~(uintptr_t)63;
    G(_lane_tile) t = {.table = room->table};
    const size_t groups = (n + LANES - 1) / LANES;
    t.lanes.n = n, t.lanes.groups = groups;
    t.lanes.sum = (G(_lane_point) *)lanes, t.lanes.addend = t.lanes.sum + groups;
    t.lanes.prefix = (LANE *)(void *)(t.lanes.addend + groups);
    t.pieces = (G(_pieces) *)(void *)(t.lanes.prefix + groups);
    const unsigned windows = G(_lanes_recode)(&t, s);
    G(_image_start)(&t.image);
    if (!G(_lanes_tables)(&t, a)) return 0;
    G(_lanes_pick)(&t, t.lanes.sum, 0, windows - 1);
    for (size_t g = 0; g < groups; g++) L(_settle)(&t.lanes.sum[g].y);
    for (unsigned window = windows; window-- > 0;) {
        if (window + 1 < windows) {
            for (int doubling = 0; doubling < 3; doubling++) {
                if (!G(_lanes_double)(&t.lanes)) return 0;
            }
            G(_lanes_pick)(&t, t.lanes.addend, 0, window);
            if (!G(_lanes_double_add)(&t.lanes)) return 0;
        }
        for (unsigned piece = 1; piece < PIECES; piece++) {
            G(_lanes_pick)(&t, t.lanes.addend, piece, window);
            if (!G(_lanes_add)(&t.lanes, NULL)) return 0;
        }
    }
    if (!G(_lanes_correct)(&t)) return 0;
    for (size_t g = 0; g < groups; g++) {
        uint64_t *rows[LANES];
        for (size_t i = 0; i < LANES; i++) rows[i] = (uint64_t *)(void *)&out[G(_lane_index)(&t.lanes, g, i)];
        G(_lanes_write)(rows, &t.lanes.sum[g], LANE_CHANGED);
    }
    return 1;
}

#undef PIECES
#include "lane_steps_end.h"
