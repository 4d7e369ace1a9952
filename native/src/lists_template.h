/* Sums of many short lists of affine points: written once, included by lists.h once per group (parameters
 * as group_template.h, and LISTS_DEFINE for the functions).
 *
 * Points are added in pairs, all pairs of a round sharing one inversion (Montgomery's trick), so an
 * addition costs 5M + 1S. That makes sums of buckets the cheapest part of a multi-scalar product, however
 * uneven the lists are. */

#define G(name) ZKN_CAT(GROUP, name)
#define C(name) ZKN_CAT(COORD, name)

/* Room for one worker. */
typedef struct {
    GROUP_AFF *points;               /* ZKN_LIST_TILE */
    COORD_TYPE *denominators;        /* half of that */
    COORD_TYPE *inverses;            /* half of that */
    uint32_t *start, *length, *list; /* per list in the tile: ZKN_LIST_TILE */
} G(_list_room);

void G(_list_room_take)(G(_list_room) * room, zkn_scratch *s);

/* out[k] <- sum over i in [offset[k], offset[k+1]) of base[item[i]], the point negated if ZKN_LIST_NEGATE
 * is set in item[i]. offset has n + 1 entries. out does not alias base. Timing depends on the items. */
void G(_sum_lists_vartime)(GROUP_AFF *out, const GROUP_AFF *base, const uint32_t *item,
                           const uint32_t *offset, size_t n, const G(_list_room) * room);

#ifdef LISTS_DEFINE

void G(_list_room_take)(G(_list_room) * room, zkn_scratch *s)
{
    room->points = zkn_take(s, ZKN_LIST_TILE, sizeof *room->points);
    room->denominators = zkn_take(s, ZKN_LIST_TILE / 2, sizeof *room->denominators);
    room->inverses = zkn_take(s, ZKN_LIST_TILE / 2, sizeof *room->inverses);
    room->start = zkn_take(s, ZKN_LIST_TILE, sizeof *room->start);
    room->length = zkn_take(s, ZKN_LIST_TILE, sizeof *room->length);
    room->list = zkn_take(s, ZKN_LIST_TILE, sizeof *room->list);
}

/* Halve every list of the tile, `lists` of them, all of at least two points. */
static void G(_halve_lists)(const G(_list_room) * room, size_t lists)
{
    COORD_TYPE product;
    size_t pairs = 0;
    C(_one)(&product);
    for (size_t k = 0; k < lists; k++) {
        const GROUP_AFF *p = room->points + room->start[k];
        for (size_t i = 0; i + 1 < room->length[k]; i += 2, pairs++) {
            G(_slope_denominator)(&room->denominators[pairs], &p[i], &p[i + 1]);
            room->inverses[pairs] = product;
            C(_mul)(&product, &product, &room->denominators[pairs]);
        }
    }
    C(_inv)(&product, &product);
    for (size_t i = pairs; i-- > 0;) {
        C(_mul)(&room->inverses[i], &room->inverses[i], &product);
        C(_mul)(&product, &product, &room->denominators[i]);
    }
    pairs = 0;
    for (size_t k = 0; k < lists; k++) {
        GROUP_AFF *p = room->points + room->start[k];
        const uint32_t half = room->length[k] / 2;
        for (size_t i = 0; i < half; i++, pairs++)
            G(_aff_add_by_slope)(&p[i], &p[2 * i], &p[2 * i + 1], &room->inverses[pairs]);
        if (room->length[k] & 1) p[half] = p[2 * half];
        room->length[k] -= half;
    }
}

/* Sum the `lists` lists of the tile, each of at least one point, into out[list[k]]. */
static void G(_sum_tile)(GROUP_AFF *out, const G(_list_room) * room, size_t lists)
{
    for (;;) {
        size_t open = 0;
        for (size_t k = 0; k < lists; k++) {
            if (room->length[k] == 1) {
                out[room->list[k]] = room->points[room->start[k]];
                continue;
            }
            room->start[open] = room->start[k];
            room->length[open] = room->length[k];
            room->list[open++] = room->list[k];
        }
        lists = open;
        if (lists == 0) return;
        G(_halve_lists)(room, lists);
    }
}

void G(_sum_lists_vartime)(GROUP_AFF *out, const GROUP_AFF *base, const uint32_t *item,
                           const uint32_t *offset, size_t n, const G(_list_room) * room)
{
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
        for (uint32_t i = 0; i < taken; i++) {
            const uint32_t code = item[at + i];
            GROUP_AFF *p = &room->points[filled + i];
            *p = base[code & ~ZKN_LIST_NEGATE];
            if (code & ZKN_LIST_NEGATE) G(_aff_neg)(p, p);
        }
        filled += taken;
        at += taken;
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
