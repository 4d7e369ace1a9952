/* Many sums, each over points of its own that serve again: written once, included by msm.c after msm_template.h of the
 * same group (parameters as group_template.h).
 *
 * A table holds the points times 2^(c k) for every window k. So the digits of all windows of a sum fall into one set of
 * buckets, and what is left to double is the weight of c bits (Brickell, Gordon, McCurley, Wilson 1992, section 3, with the
 * buckets weighed as in msm_template.h). Sums side by side share inversions. */

#define G(name)     ZKN_CAT(GROUP, name)
#define C(name)     ZKN_CAT(COORD, name)
#define ZKN_G(name) ZKN_CAT(ZKN_CAT(zkn_, GROUP), name)

typedef struct {
    GROUP_AFF *table;
    const GROUP_AFF *points;
    size_t n;
    unsigned c, windows;
} G(_preparation);

/* The multiples of one point, by one inversion: no doubling of a point of odd order is infinity. */
static void G(_prepare_point)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    enum { WINDOWS_MAX = ZKN_SIZE_BITS / 2 + 1 };
    const G(_preparation) *p = ctx;
    GROUP_JAC multiple[WINDOWS_MAX];
    COORD_TYPE before[WINDOWS_MAX], inverse, z, z2;
    for (size_t i = begin; i < end; i++) {
        if (G(_aff_is_zero)(&p->points[i])) {
            for (unsigned k = 0; k < p->windows; k++) G(_aff_zero)(&p->table[k * p->n + i]);
            continue;
        }
        G(_jac_from_aff)(&multiple[0], &p->points[i]);
        C(_one)(&inverse);
        for (unsigned k = 1; k < p->windows; k++) {
            multiple[k] = multiple[k - 1];
            for (unsigned bit = 0; bit < p->c; bit++) G(_jac_dbl)(&multiple[k], &multiple[k]);
            before[k] = inverse;
            C(_mul)(&inverse, &inverse, &multiple[k].Z);
        }
        C(_inv)(&inverse, &inverse);
        p->table[i] = p->points[i];
        for (unsigned k = p->windows; k-- > 1;) {
            GROUP_AFF *out = &p->table[k * p->n + i];
            C(_mul)(&z, &inverse, &before[k]);
            C(_mul)(&inverse, &inverse, &multiple[k].Z);
            C(_sqr)(&z2, &z);
            C(_mul)(&out->x, &multiple[k].X, &z2);
            C(_mul)(&z, &z, &z2);
            C(_mul)(&out->y, &multiple[k].Y, &z);
        }
    }
}

zkn_status ZKN_G(_prepare)(GROUP_AFF *table, const GROUP_AFF *points, size_t n, unsigned c, unsigned threads)
{
    if (c < 2 || c > ZKN_PREPARED_BITS_MAX || n > ZKN_MSM_MAX) return ZKN_BAD_LENGTH;
    G(_preparation)
    p = {.table = table, .points = points, .n = n, .c = c, .windows = zkn_digit_windows(ZKN_SIZE_BITS, c)};
    zkn_parallel(n, threads, G(_prepare_point), &p);
    return ZKN_OK;
}

typedef struct {
    G(_msm_sum) sum; /* its windows are our sums */
    GROUP_AFF *out;
    const zkn_fr *scalars;
    size_t n, stride; /* points of a sum; of all */
    unsigned windows, workers;
    G(_msm_room) * room;
    uint32_t **index;
} G(_prepared);

/* Sums that share inversions: as many as have buckets for a cell, and no group much smaller than the others. */
static unsigned G(_prepared_group)(size_t sums, unsigned c, unsigned workers)
{
    const size_t buckets = zkn_msm_buckets(c), most = ZKN_MSM_CELL > buckets ? ZKN_MSM_CELL / buckets : 1,
                 share = (sums + workers - 1) / workers, groups = (share + most - 1) / most;
    return groups ? (unsigned)((share + groups - 1) / groups) : 1;
}

static void G(_prepared_take)(G(_prepared) * p, zkn_scratch *s)
{
    const unsigned c = p->sum.plan.c;
    const size_t items = p->n * p->windows * p->sum.plan.group,
                 buckets = zkn_msm_buckets(c) * p->sum.plan.group;
    p->sum.bit_sums = zkn_take(s, (size_t)p->sum.plan.windows * c, sizeof *p->sum.bit_sums);
    p->room = zkn_take(s, p->workers, sizeof *p->room);
    p->index = zkn_take(s, p->workers, sizeof *p->index);
    for (unsigned k = 0; k < p->workers; k++) {
        G(_msm_room) measured;
        G(_msm_room_take)(p->room ? &p->room[k] : &measured, s, items, buckets);
        uint32_t *index = zkn_take(s, p->n * p->windows, sizeof *index);
        if (p->index) p->index[k] = index;
    }
}

static void G(_prepared_plan)(G(_prepared) * p, size_t n, size_t sums, unsigned c, unsigned threads)
{
    p->n = n, p->stride = n * sums;
    p->windows = zkn_digit_windows(ZKN_SIZE_BITS, c);
    p->workers = zkn_workers(sums, threads);
    p->sum.plan = (zkn_msm_plan){.c = c, .windows = (unsigned)sums, .chunks = 1};
    p->sum.plan.group = G(_prepared_group)(sums, c, p->workers);
    p->sum.plan.groups = (unsigned)((sums + p->sum.plan.group - 1) / p->sum.plan.group);
}

/* The items of sum j in its buckets; returns the next free item. */
static uint32_t G(_prepared_items)(const G(_prepared) * p, const G(_msm_room) * room, uint32_t *index,
                                   uint32_t *start, uint32_t filled, size_t j)
{
    size_t items = 0;
    for (size_t i = 0; i < p->n; i++) {
        uint64_t size[4];
        const size_t at = j * p->n + i;
        const uint32_t opposite = zkn_size_of(size, &p->scalars[at]) << 31;
        for (unsigned k = 0; k < p->windows; k++, items++) {
            room->code[items] = zkn_digit(size, 4, k, p->sum.plan.c);
            index[items] = (uint32_t)(k * p->stride + at) | opposite;
            start[(room->code[items] >> 1) + 1]++;
        }
    }
    return zkn_sort_by_code(room->item, start, filled, room->code, index, items,
                            zkn_msm_buckets(p->sum.plan.c));
}

static void G(_prepared_cell)(void *ctx, size_t cell, size_t end, unsigned worker)
{
    (void)end;
    const G(_prepared) *p = ctx;
    const zkn_msm_plan *plan = &p->sum.plan;
    const G(_msm_room) *room = &p->room[worker];
    const size_t buckets = zkn_msm_buckets(plan->c);
    const unsigned first = (unsigned)cell * plan->group, left = plan->windows - first,
                   sums = left < plan->group ? left : plan->group;
    uint32_t filled = 0;
    memset(room->start, 0, (sums * buckets + 1) * sizeof *room->start);
    for (unsigned j = 0; j < sums; j++)
        filled = G(_prepared_items)(p, room, p->index[worker], room->start + j * buckets, filled, first + j);
    G(_sum_lists_vartime)(room->bucket, p->sum.points, room->item, room->start, sums * buckets, &room->lists);
    G(_weigh_buckets)(&p->sum, room, first, sums, 0);
    for (unsigned j = first; j < first + sums; j++) {
        GROUP_JAC acc;
        G(_jac_zero)(&acc);
        for (unsigned bit = plan->c; bit-- > 0;) {
            G(_jac_dbl)(&acc, &acc);
            G(_jac_add_aff)(&acc, &acc, &p->sum.bit_sums[(size_t)j * plan->c + bit]);
        }
        G(_jac_to_aff)(&p->out[j], &acc);
    }
}

size_t ZKN_G(_prepared_scratch_size)(size_t n, size_t sums, unsigned c, unsigned threads)
{
    zkn_scratch measure = {NULL, 0};
    G(_prepared) p = {0};
    G(_prepared_plan)(&p, n, sums, c, threads);
    G(_prepared_take)(&p, &measure);
    return measure.used;
}

zkn_status ZKN_G(_prepared_sums_vartime)(GROUP_AFF *out, const GROUP_AFF *table, const zkn_fr *scalars,
                                         size_t n, size_t sums, unsigned c, unsigned threads, void *scratch)
{
    if (c < 2 || c > ZKN_PREPARED_BITS_MAX || (sums && n > ZKN_MSM_MAX / sums) ||
        zkn_digit_windows(ZKN_SIZE_BITS, c) * n * sums > ZKN_MSM_MAX)
        return ZKN_BAD_LENGTH;
    zkn_scratch s = {scratch, 0};
    G(_prepared) p = {.out = out, .scalars = scalars, .sum.points = table};
    G(_prepared_plan)(&p, n, sums, c, threads);
    G(_prepared_take)(&p, &s);
    zkn_parallel_each(p.sum.plan.groups, p.workers, G(_prepared_cell), &p);
    return ZKN_OK;
}

#undef G
#undef C
#undef ZKN_G
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_JAC
