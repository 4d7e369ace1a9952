/* Sums of many lists of affine points, a list to a lane: written once, included by lists_lanes.c once per group.
 *
 * Parameters, undefined again at the end: GROUP, COORD, GROUP_AFF, as in lists_template.h, LANE (fp16 or fp28: what is
 * computed together), WIDTH, its lanes, and FPS, how many elements of Fp a coordinate has.
 *
 * Lists of nearly one length go side by side and are folded: the second half of their points onto the first, then half of
 * what is left. So no point moves between lanes, and each is fetched, and changed into the lanes' form, once. All folds of a
 * tile share an inversion, as in pairs_template.h. Cases are not told apart until a product of denominators is zero.
 *
 * Bounds: abscissas of ENTRY, as loaded (16 in G1, 2 in G2), or 2; ordinates of ENTRY, and 2 more with every fold, not
 * carried. Lists have at most 2^8 points, so at the last of 8 folds that is 30 in G1, 16 in G2. */

#define G(name) ZKN_CAT(GROUP, name)
#define C(name) ZKN_CAT(COORD, name)
#define L(name) ZKN_CAT(LANE, name)

enum {
    G(_PARTS) = sizeof(LANE) / sizeof(fp8), /* vectors in a coordinate */
    G(_ENTRY) = FPS == 1 ? 16 : 2,
    G(_ALL) = (1 << WIDTH) - 1,
    G(_AHEAD) = 64 / WIDTH /* units whose points are on the way */
};

typedef struct {
    LANE x, y;
} G(_unit);

/* Room, source and target of some jobs, and the tile they go through. */
typedef struct {
    const G(_list_room) * room;
    GROUP_AFF *out;
    const uint8_t *base;
    const uint32_t *item; /* or NULL: the points of base, in order */
    G(_unit) * unit;
    LANE *prefix;
    size_t units, groups, folds;
    uint64_t bound; /* of ordinates */
    int special;    /* a point may be infinity */
    /* The points of the units to come, in a ring: so many units have been fetched, copied to it and loaded. */
    GROUP_AFF *staged;
    uint32_t *staged_item;
    size_t fetched, copied, loaded;
    /* the jobs not fetched whole: those of `ahead`, of which the next are at ahead_at, and those after */
    const zkn_list_job *job;
    size_t jobs;
    zkn_list_group ahead;
    uint32_t ahead_at;
} G(_tile);

/* The next jobs by length, as a group; lanes without one read the first again. */
static void G(_group_of)(zkn_list_group *group, const zkn_list_job *job, size_t jobs)
{
    group->lanes = jobs < WIDTH ? (unsigned)jobs : WIDTH;
    group->length = 0;
    if (jobs == 0) return;
    group->length = job[0].length;
    for (unsigned k = 0; k < WIDTH; k++) {
        const zkn_list_job *of = &job[k < group->lanes ? k : 0];
        group->begin[k] = of->begin;
        group->size[k] = (uint16_t)(k < group->lanes ? of->length : 1);
        group->target[k] = of->target;
    }
}

/* Sends for the points of one more unit, if there is room for it: to the second cache, where more lines may be on their way
 * at once than to the first. From there they are copied soon, while the translations of their pages are at hand. */
static inline void G(_fetch)(G(_tile) * t)
{
    if (t->ahead.lanes == 0 || t->fetched - t->loaded == ZKN_LIST_UNITS) return;
    uint32_t *item = t->staged_item + WIDTH * (t->fetched++ % ZKN_LIST_UNITS);
    for (unsigned k = 0; k < WIDTH; k++) {
        const uint32_t i = t->ahead.begin[k] + (t->ahead_at < t->ahead.size[k] ? t->ahead_at : 0);
        item[k] = t->item ? t->item[i] : i;
        const uint8_t *p = t->base + sizeof(GROUP_AFF) * (size_t)(item[k] & ~ZKN_LIST_NEGATE);
        for (size_t line = 0; line < sizeof(GROUP_AFF); line += 64) __builtin_prefetch(p + line, 0, 2);
    }
    if (++t->ahead_at < t->ahead.length) return;
    t->job += t->ahead.lanes, t->jobs -= t->ahead.lanes;
    G(_group_of)(&t->ahead, t->job, t->jobs);
    t->ahead_at = 0;
}

/* Copies the points of one unit that were sent for. */
static inline void G(_copy_unit)(G(_tile) * t)
{
    const size_t at = WIDTH * (t->copied++ % ZKN_LIST_UNITS);
    ZKN_UNROLL
    for (unsigned k = 0; k < WIDTH; k++) {
        const size_t i = t->staged_item[at + k] & ~ZKN_LIST_NEGATE;
        memcpy(&t->staged[at + k], t->base + sizeof(GROUP_AFF) * i, sizeof(GROUP_AFF));
    }
}

/* Copies a unit, once as many are on their way as it takes a point to come. */
static inline void G(_bring)(G(_tile) * t)
{
    G(_fetch)(t);
    if (t->fetched - t->copied > G(_AHEAD) || (t->ahead.lanes == 0 && t->copied < t->fetched))
        G(_copy_unit)(t);
}

#include "lists_folds_template.h"

/* ---- in and out of lanes ---- */

/* The points of eight lanes from `lane` on, of the next unit that was copied. */
static inline void G(_load)(G(_tile) * t, G(_unit) * unit, unsigned lane)
{
    enum { BLOCKS = sizeof(GROUP_AFF) / 64 };
    static const fp8 zero;
    lane_word words[8 * BLOCKS], rows[BLOCKS][LANES], any = lane_all(0);
    const size_t at = WIDTH * (t->loaded % ZKN_LIST_UNITS) + lane;
    unsigned negate = 0;
    ZKN_UNROLL
    for (unsigned k = 0; k < LANES; k++) {
        const uint64_t *p = (const uint64_t *)(const void *)&t->staged[at + k];
        negate |= (t->staged_item[at + k] >> 31) << k;
        ZKN_UNROLL
        for (int block = 0; block < BLOCKS; block++) rows[block][k] = lane_load(p + 8 * block);
    }
    ZKN_UNROLL
    for (int block = 0; block < BLOCKS; block++) lane_transpose(&words[8 * block], rows[block]);
    ZKN_UNROLL
    for (int i = 0; i < 4 * FPS; i++) any = lane_or(any, words[i]);
    t->special |= lane_equal(any, lane_all(0)) != 0;
    fp8 *x = (fp8 *)(void *)&unit->x + lane / LANES, *y = (fp8 *)(void *)&unit->y + lane / LANES;
    ZKN_UNROLL
    for (int i = 0; i < FPS; i++) {
        fp8 opposite;
        fp8_split_raised(&x[i], &words[4 * i]);
        fp8_split_raised(&y[i], &words[4 * (FPS + i)]);
        if (G(_ENTRY) < 16) fp8_fold(&x[i]), fp8_fold(&y[i]);
        fp8_sub(&opposite, &zero, &y[i], G(_ENTRY));
        fp8_select(&y[i], &opposite, (lane_mask)negate);
    }
}

static inline void G(_load_group)(G(_tile) * t, const zkn_list_group *group)
{
    for (uint32_t at = 0; at < group->length; at++) {
        while (t->copied == t->loaded) G(_bring)(t);
        for (unsigned lane = 0; lane < WIDTH; lane += LANES) G(_load)(t, &t->unit[group->unit + at], lane);
        t->loaded++;
    }
}

/* Coordinates reduced, in words: those of eight lanes from `lane` on. */
static inline void G(_store)(const G(_tile) * t, const zkn_list_group *group, unsigned lane)
{
    enum { BLOCKS = sizeof(GROUP_AFF) / 64 };
    const G(_unit) *unit = &t->unit[group->unit];
    const fp8 *x = (const fp8 *)(const void *)&unit->x + lane / LANES,
              *y = (const fp8 *)(const void *)&unit->y + lane / LANES;
    lane_word words[8 * BLOCKS], rows[LANES];
    ZKN_UNROLL
    for (int i = 0; i < FPS; i++) {
        fp8 carried = y[i];
        fp8_carry(&carried);
        fp8_leave(&words[4 * i], &x[i]);
        fp8_leave(&words[4 * (FPS + i)], &carried);
    }
    for (int block = 0; block < BLOCKS; block++) {
        lane_transpose(rows, &words[8 * block]);
        for (unsigned k = 0; k < LANES && lane + k < group->lanes; k++) {
            const uint32_t target = group->target[lane + k];
            GROUP_AFF *out =
                target & ZKN_LIST_PART ? &t->room->part[target & ~ZKN_LIST_PART] : &t->out[target];
            lane_store((uint64_t *)(void *)out + 8 * block, rows[k]);
        }
    }
}

static void G(_fold_tile)(G(_tile) * t)
{
    t->bound = G(_ENTRY);
    while ((t->folds = G(_plan_folds)(t)) > 0) G(_fold_once)(t);
    for (size_t g = 0; g < t->groups; g++) {
        for (unsigned lane = 0; lane < t->room->group[g].lanes; lane += LANES)
            G(_store)(t, &t->room->group[g], lane);
    }
    t->units = t->groups = 0;
    t->special = 0;
}

/* ---- jobs ---- */

static void G(_run_jobs)(G(_tile) * t, size_t jobs)
{
    const zkn_list_job *job = zkn_longest_first(t->room->job, t->room->sorted, jobs);
    t->job = job, t->jobs = jobs, t->ahead_at = 0;
    t->fetched = t->copied = t->loaded = 0;
    G(_group_of)(&t->ahead, job, jobs);
    for (size_t i = 0; i < jobs; i += WIDTH) {
        if (t->units + job[i].length > ZKN_LIST_UNITS) G(_fold_tile)(t);
        zkn_list_group *group = &t->room->group[t->groups++];
        G(_group_of)(group, job + i, jobs - i);
        group->unit = (uint32_t)t->units;
        t->units += group->length;
        G(_load_group)(t, group);
    }
    G(_fold_tile)(t);
}

/* Runs the jobs, then sums the parts of each long list. */
static void G(_finish)(const G(_tile) * t, size_t jobs, size_t wholes, size_t parts)
{
    G(_tile) now = *t;
    G(_run_jobs)(&now, jobs);
    now.base = (const uint8_t *)(const void *)t->room->part;
    now.item = NULL;
    for (size_t i = 0; i < wholes; i++) {
        const uint32_t begin = t->room->whole[i].begin,
                       end = i + 1 < wholes ? t->room->whole[i + 1].begin : (uint32_t)parts;
        t->room->job[i] = (zkn_list_job){begin, end - begin, t->room->whole[i].target};
    }
    G(_run_jobs)(&now, wholes);
}

static void G(_copy)(GROUP_AFF *out, const uint8_t *base, uint32_t item)
{
    memcpy(out, base + sizeof *out * (size_t)(item & ~ZKN_LIST_NEGATE), sizeof *out);
    if (item & ZKN_LIST_NEGATE) C(_neg)(&out->y, &out->y);
}

void G(_sum_lists_vartime)(GROUP_AFF *out, const void *base, const uint32_t *item, const uint32_t *offset,
                           size_t n, const G(_list_room) * room)
{
    const G(_tile) t = {.room = room,
                        .out = out,
                        .base = base,
                        .item = item,
                        .unit = room->unit,
                        .prefix = room->prefix,
                        .staged = room->staged,
                        .staged_item = room->staged_item};
    size_t jobs = 0, wholes = 0, parts = 0;
    for (uint32_t k = 0; k < n; k++) {
        const uint32_t end = offset[k + 1];
        uint32_t at = offset[k], length = end - at;
        if (length == 0) G(_aff_zero)(&out[k]);
        if (length == 1) G(_copy)(&out[k], base, item[at]);
        const int is_long = length > ZKN_LIST_LONGEST;
        for (int begun = 0; length > 1 || (begun && length); length = end - at, begun = 1) {
            const uint32_t taken = is_long ? ZKN_LIST_LONGEST : length;
            if (jobs == ZKN_LIST_JOBS || parts == ZKN_LIST_PARTS) {
                G(_finish)(&t, jobs, wholes, parts);
                jobs = wholes = parts = 0;
                if (begun) { /* a list that goes on brings its sum so far */
                    room->whole[wholes++] = (zkn_list_job){0, 0, k};
                    room->part[parts++] = out[k];
                }
            }
            if (is_long && !begun) room->whole[wholes++] = (zkn_list_job){(uint32_t)parts, 0, k};
            room->job[jobs++] = (zkn_list_job){at, taken < length ? taken : length,
                                               is_long ? (uint32_t)parts++ | ZKN_LIST_PART : k};
            at += room->job[jobs - 1].length;
        }
    }
    G(_finish)(&t, jobs, wholes, parts);
}

void G(_list_room_take)(G(_list_room) * room, zkn_scratch *s)
{
    room->unit = zkn_take_aligned(s, ZKN_LIST_UNITS, sizeof(G(_unit)));
    room->prefix = zkn_take_aligned(s, ZKN_LIST_UNITS / 2, sizeof(LANE));
    room->staged = zkn_take_aligned(s, WIDTH * ZKN_LIST_UNITS, sizeof *room->staged);
    room->staged_item = zkn_take_aligned(s, WIDTH * ZKN_LIST_UNITS, sizeof *room->staged_item);
    room->fold = zkn_take(s, ZKN_LIST_UNITS / 2, sizeof *room->fold);
    room->group = zkn_take(s, ZKN_LIST_UNITS, sizeof *room->group);
    room->job = zkn_take(s, ZKN_LIST_JOBS, sizeof *room->job);
    room->sorted = zkn_take(s, ZKN_LIST_JOBS, sizeof *room->sorted);
    room->whole = zkn_take(s, ZKN_LIST_PARTS, sizeof *room->whole);
    room->part = zkn_take(s, ZKN_LIST_PARTS, sizeof *room->part);
}

#undef G
#undef C
#undef L
#undef GROUP
#undef COORD
#undef GROUP_AFF
#undef LANE
#undef WIDTH
#undef FPS
