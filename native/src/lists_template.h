/* Sums of many lists of affine points: written once, included by lists.h once per group (parameters as
 * group_template.h, and LISTS_DEFINE for the functions).
 *
 * Points are gathered into a tile that stays in a core's cache, and each list is summed in place as a tree:
 * first neighbours, then every second with the next, and so on. So no two sums of a round touch the same
 * point, however uneven the lists are, and all sums of a round share an inversion (pairs.h). */

#define G(name) ZKN_CAT(GROUP, name)
#define C(name) ZKN_CAT(COORD, name)

/* Room for one worker. */
#if ZKN_HAS_LANES
typedef struct {
    void *unit, *prefix;
    GROUP_AFF *staged; /* points on their way to the tile */
    uint32_t *staged_item;
    zkn_fold *fold;
    zkn_list_group *group;
    zkn_list_job *job, *sorted, *whole;
    GROUP_AFF *part;
} G(_list_room);
#else
typedef struct {
    GROUP_AFF *points;                       /* ZKN_LIST_TILE */
    COORD_TYPE *denominators, *products;     /* half of that each */
    zkn_pair *pairs;                         /* half of that */
    uint32_t *start, *length, *list, *order; /* per list in the tile: ZKN_LIST_TILE */
} G(_list_room);
#endif

void G(_list_room_take)(G(_list_room) * room, zkn_scratch *s);

/* out[k] <- sum over i in [offset[k], offset[k+1]) of base[item[i]], the point negated if ZKN_LIST_NEGATE
 * is set in item[i]. offset has n + 1 entries. base is an array of points at any alignment; out does not
 * alias it. Timing depends on the items. */
void G(_sum_lists_vartime)(GROUP_AFF *out, const void *base, const uint32_t *item, const uint32_t *offset,
                           size_t n, const G(_list_room) * room);

#ifdef LISTS_DEFINE

void G(_list_room_take)(G(_list_room) * room, zkn_scratch *s)
{
    room->points = zkn_take(s, ZKN_LIST_TILE, sizeof *room->points);
    room->denominators = zkn_take(s, ZKN_LIST_TILE / 2, sizeof *room->denominators);
    room->products = zkn_take(s, ZKN_LIST_TILE / 2, sizeof *room->products);
    room->pairs = zkn_take(s, ZKN_LIST_TILE / 2, sizeof *room->pairs);
    room->start = zkn_take(s, ZKN_LIST_TILE, sizeof *room->start);
    room->length = zkn_take(s, ZKN_LIST_TILE, sizeof *room->length);
    room->list = zkn_take(s, ZKN_LIST_TILE, sizeof *room->list);
    room->order = zkn_take(s, ZKN_LIST_TILE, sizeof *room->order);
}

/* Sum the `lists` lists of the tile, each of at least one point, into out[list[k]]. */
static void G(_sum_tile)(GROUP_AFF *out, const G(_list_room) * room, size_t lists)
{
    size_t open = lists;
    for (uint32_t k = 0; k < lists; k++) room->order[k] = k;
    for (uint32_t stride = 1;; stride *= 2) {
        size_t pairs = 0, longer = 0;
        for (size_t k = 0; k < open; k++) {
            const uint32_t start = room->start[room->order[k]], length = room->length[room->order[k]];
            if (length <= stride) continue;
            for (uint32_t i = 0; i + stride < length; i += 2 * stride)
                room->pairs[pairs++] = (zkn_pair){start + i, start + i + stride};
            room->order[longer++] = room->order[k];
        }
        if (pairs == 0) break;
        open = longer;
        G(_add_pairs_vartime)(room->points, room->pairs, pairs, room->denominators, room->products);
    }
    for (size_t k = 0; k < lists; k++) out[room->list[k]] = room->points[room->start[k]];
}

static inline void G(_gather)(GROUP_AFF *out, const uint8_t *base, uint32_t item)
{
    COORD_TYPE opposite;
    memcpy(out, base + sizeof *out * (size_t)(item & ~ZKN_LIST_NEGATE), sizeof *out);
    C(_neg)(&opposite, &out->y);
    C(_cmov)(&out->y, &opposite, item >> 31);
}

void G(_sum_lists_vartime)(GROUP_AFF *out, const void *base, const uint32_t *item, const uint32_t *offset,
                           size_t n, const G(_list_room) * room)
{
    enum { AHEAD = 16 };
    const uint8_t *bytes = base;
    const uint32_t last = offset[n];
    uint32_t at = offset[0], filled = 0;
    size_t lists = 0;
    for (size_t k = 0; k < n;) {
        if (at == offset[k]) G(_aff_zero)(&out[k]);
        if (at == offset[k + 1]) {
            k++;
            continue;
        }
        /* a list that continues from the last tile brings its sum so far */
        const uint32_t begin = filled;
        if (at != offset[k]) room->points[filled++] = out[k];
        const uint32_t left = offset[k + 1] - at, space = ZKN_LIST_TILE - filled,
                       taken = left < space ? left : space;
        for (uint32_t i = 0; i < taken; i++, at++) {
            if (last - at > AHEAD)
                __builtin_prefetch(bytes + sizeof *out * (size_t)(item[at + AHEAD] & ~ZKN_LIST_NEGATE));
            G(_gather)(&room->points[filled++], bytes, item[at]);
        }
        room->start[lists] = begin;
        room->length[lists] = filled - begin;
        room->list[lists++] = (uint32_t)k;
        if (filled == ZKN_LIST_TILE) {
            G(_sum_tile)(out, room, lists);
            filled = 0;
            lists = 0;
        }
    }
    G(_sum_tile)(out, room, lists);
}

#endif

#undef G
#undef C
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
