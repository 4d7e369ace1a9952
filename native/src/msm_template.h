/* Multi-scalar multiplication: written once, included by msm.c once per group (parameters as
 * group_template.h, and MSM_SCALE_X: x <- beta x, the endomorphism that is lambda).
 *
 * Pippenger's buckets (Bernstein, Doumen, Lange, Oosterwijk 2012, section 4) over signed digits. First the items
 * are taken apart: no zeros and no infinities, sizes below 2^64 in a sum of their own (most of a witness), and of
 * the others, where there are not too many, the two halves by the endomorphism. Then a worker takes a cell of a
 * sum's grid: sorts its items by digit, sums each bucket, and weighs the bucket sums, all of it as lists (lists.h)
 * and so in affine additions that share inversions. */

#define G(name)     ZKN_CAT(GROUP, name)
#define C(name)     ZKN_CAT(COORD, name)
#define ZKN_G(name) ZKN_CAT(ZKN_CAT(zkn_, GROUP), name)

/* One sum: item i is a size, of which word w is size[w stride + i], times points[index[i]]. */
typedef struct {
    const void *points;
    uint32_t *index;
    uint64_t *size;
    size_t n, stride;
    unsigned words;
    zkn_msm_plan plan;
    GROUP_AFF *bit_sums; /* (window, chunk, bit of the digit) */
} G(_msm_sum);

typedef struct {
    G(_list_room) lists;
    uint32_t *code, *item, *start;
    GROUP_AFF *bucket, *line;
    uint8_t *begin;        /* of the room, all of it lists up to `code` */
    size_t items, buckets; /* the most that were in it at once */
} G(_msm_room);

typedef struct {
    const uint8_t *points;
    const zkn_fr *scalars;
    size_t n;
    unsigned workers, rooms;
    size_t most_full, most_items, most_few; /* in a segment: full, with their halves, and few */
    G(_msm_sum) full, few;                  /* sizes of any length, and those of one word */
    GROUP_AFF *images;                      /* the full points, then their images; NULL if never made */
    struct {
        size_t begin, full, few;
        uint64_t few_bits; /* or of all words */
    } *share;
    G(_msm_room) * room; /* one per worker */
} G(_msm);

static void G(_msm_room_take)(G(_msm_room) * room, zkn_scratch *s, size_t items, size_t buckets)
{
    room->begin = zkn_take(s, 0, 0);
    room->items = room->buckets = 0;
    G(_list_room_take)(&room->lists, s);
    room->code = zkn_take(s, items, sizeof *room->code);
    room->item = zkn_take(s, items > 2 * buckets ? items : 2 * buckets, sizeof *room->item);
    room->start = zkn_take(s, buckets + 1, sizeof *room->start);
    room->bucket = zkn_take(s, buckets, sizeof *room->bucket);
    room->line = zkn_take(s, buckets, sizeof *room->line);
}

static void G(_msm_take)(G(_msm) * m, zkn_scratch *s)
{
    /* Of more points than may be split, so few may be full that they are after all. */
    const size_t n = m->n, split = n < ZKN_MSM_SPLIT_MAX ? n : ZKN_MSM_SPLIT_MAX,
                 halves = 2 * split > n ? 2 * split : n;
    size_t buckets = ZKN_MSM_CELL;
    const unsigned windows[3] = {zkn_msm_window(n, ZKN_SIZE_BITS), zkn_msm_window(2 * split, ZKN_HALF_BITS),
                                 zkn_msm_window(n, ZKN_MSM_SHORT_BITS)};
    for (int k = 0; k < 3; k++) {
        if (zkn_msm_buckets(windows[k]) > buckets) buckets = zkn_msm_buckets(windows[k]);
    }
    const size_t chunk = zkn_msm_chunk(halves, m->workers),
                 items = ZKN_MSM_CELL + (chunk > ZKN_MSM_CHUNK_MIN ? chunk : ZKN_MSM_CHUNK_MIN);
    const size_t chunks = (m->workers + 3) / 4;
    m->full.index = zkn_take(s, halves, sizeof *m->full.index);
    m->full.size = zkn_take(s, n, 4 * sizeof *m->full.size);
    m->few.index = zkn_take(s, n, sizeof *m->few.index);
    m->few.size = zkn_take(s, n, sizeof *m->few.size);
    m->full.bit_sums = zkn_take(s, chunks * (ZKN_SIZE_BITS + ZKN_DIGIT_BITS_MAX), sizeof(GROUP_AFF));
    m->few.bit_sums = zkn_take(s, chunks * (ZKN_MSM_SHORT_BITS + ZKN_DIGIT_BITS_MAX), sizeof(GROUP_AFF));
    m->images = zkn_take(s, 2 * split, sizeof *m->images);
    m->share = zkn_take(s, m->workers, sizeof *m->share);
    m->room = zkn_take(s, m->workers, sizeof *m->room);
    for (unsigned k = 0; k < m->workers; k++) {
        G(_msm_room) measured;
        G(_msm_room_take)(m->room ? &m->room[k] : &measured, s, items, buckets);
    }
}

/* ---- taking the items apart ---- */

/* Each worker packs the items of its share from the start of the share on. Most of a witness is 0 or 1, which needs no
 * product to tell. */
static void G(_msm_sizes)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const G(_msm) *m = ctx;
    size_t full = 0, few = 0;
    uint64_t few_bits = 0;
    zkn_fr one;
    fr_one(&one);
    for (size_t i = begin; i < end; i++) {
        COORD_TYPE x;
        uint64_t size[4];
        if (fr_is_zero(&m->scalars[i])) continue;
        uint32_t item = (uint32_t)i;
        if (fr_equal(&m->scalars[i], &one)) {
            memset(size, 0, sizeof size);
            size[0] = 1;
        } else {
            item |= zkn_size_of(size, &m->scalars[i]) << 31;
        }
        memcpy(&x, m->points + i * sizeof(GROUP_AFF), sizeof x);
        if (C(_is_zero)(&x)) continue; /* infinity alone: see _pair_is_open */
        if (size[1] | size[2] | size[3]) {
            for (size_t w = 0; w < 4; w++) m->full.size[w * m->n + begin + full] = size[w];
            m->full.index[begin + full++] = item;
        } else {
            m->few.size[begin + few] = size[0];
            m->few.index[begin + few++] = item;
            few_bits |= size[0];
        }
    }
    m->share[worker].begin = begin;
    m->share[worker].full = full;
    m->share[worker].few = few;
    m->share[worker].few_bits = few_bits;
}

static void G(_msm_pack)(G(_msm_sum) * sum, size_t begin, size_t n)
{
    zkn_move_down(sum->index + sum->n, sum->index + begin, n * sizeof *sum->index);
    for (size_t w = 0; w < sum->words; w++) {
        uint64_t *word = sum->size + w * sum->stride;
        zkn_move_down(word + sum->n, word + begin, n * sizeof *word);
    }
    sum->n += n;
}

/* The words of the sizes without what is free behind each. */
static void G(_msm_close_up)(G(_msm_sum) * sum)
{
    for (size_t w = 1; w < sum->words; w++)
        zkn_move_down(sum->size + w * sum->n, sum->size + w * sum->stride, sum->n * sizeof *sum->size);
    sum->stride = sum->n;
}

/* Item i of the full ones becomes items i and n + i, the halves: the first two words of the sizes those of the low ones, and
 * of the high ones the others, in the place of what they come from. */
static void G(_msm_split)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const G(_msm) *m = ctx;
    const size_t n = m->full.n;
    uint64_t *word = m->full.size;
    for (size_t i = begin; i < end; i++) {
        uint64_t size[4], low[2], high[2];
        for (size_t w = 0; w < 4; w++) size[w] = word[w * n + i];
        const uint32_t item = m->full.index[i], opposite = zkn_split_size(low, high, size),
                       negate = item & ZKN_LIST_NEGATE;
        word[i] = low[0], word[n + i] = high[0];
        word[2 * n + i] = low[1], word[3 * n + i] = high[1];
        GROUP_AFF *p = &m->images[i];
        memcpy(p, m->points + (item & ~ZKN_LIST_NEGATE) * sizeof *p, sizeof *p);
        p[n] = *p;
        MSM_SCALE_X(&p[n].x);
        m->full.index[i] = (uint32_t)i | negate;
        m->full.index[n + i] = (uint32_t)(n + i) | (negate ^ opposite << 31);
    }
}

static void G(_msm_items)(G(_msm) * m)
{
    uint64_t few_bits = 0;
    unsigned bits = ZKN_SIZE_BITS;
    m->full.n = m->few.n = 0;
    m->full.stride = m->few.stride = m->n;
    m->full.words = 4, m->few.words = 1;
    m->full.points = m->few.points = m->points;
    zkn_parallel(m->n, m->workers, G(_msm_sizes), m);
    for (unsigned k = 0; k < m->workers; k++) {
        G(_msm_pack)(&m->full, m->share[k].begin, m->share[k].full);
        G(_msm_pack)(&m->few, m->share[k].begin, m->share[k].few);
        few_bits |= m->share[k].few_bits;
    }
    const size_t n = m->full.n;
    if (n > m->most_full) m->most_full = n;
    if (m->few.n > m->most_few) m->most_few = m->few.n;
    G(_msm_close_up)(&m->full);
    if (n <= ZKN_MSM_SPLIT_MAX) {
        zkn_parallel(n, m->workers, G(_msm_split), m);
        m->full.points = m->images;
        m->full.n = m->full.stride = 2 * n;
        m->full.words = 2;
        bits = ZKN_HALF_BITS;
    }
    if (m->full.n > m->most_items) m->most_items = m->full.n;
    m->full.plan = zkn_plan_msm(m->full.n, bits, bits, m->workers);
    m->few.plan = zkn_plan_msm(m->few.n, few_bits ? 64 - (unsigned)__builtin_clzll(few_bits) : 0,
                               ZKN_MSM_SHORT_BITS, m->workers);
}

/* ---- a cell ---- */

/* The bucket sums of so many windows, as lists. */
static void G(_fill_buckets)(const G(_msm_sum) * sum, G(_msm_room) * room, unsigned window, unsigned windows,
                             size_t chunk)
{
    const zkn_msm_plan *plan = &sum->plan;
    const size_t first = chunk * plan->chunk, rest = sum->n - first,
                 n = rest < plan->chunk ? rest : plan->chunk, buckets = zkn_msm_buckets(plan->c);
    const zkn_sizes sizes = {sum->size, sum->stride, sum->words};
    uint32_t filled = 0;
    if (n * windows > room->items) room->items = n * windows;
    if (windows * buckets > room->buckets) room->buckets = windows * buckets;
    memset(room->start, 0, (windows * buckets + 1) * sizeof *room->start);
    for (unsigned k = 0; k < windows; k++)
        filled = zkn_sort_by_digit(room->item, room->start + k * buckets, filled, room->code,
                                   sum->index + first, &sizes, first, n, window + k, plan->c);
    G(_sum_lists_vartime)(room->bucket, sum->points, room->item, room->start, windows * buckets,
                          &room->lists);
}

/* Appends to `item` the indices below `end` of points of `from` that are not infinity: first, first + step, .. in
 * runs of `run`. */
static uint32_t G(_append)(uint32_t *item, uint32_t filled, const GROUP_AFF *from, uint32_t first,
                           uint32_t end, uint32_t run, uint32_t step)
{
    for (; first < end; first += step) {
        for (uint32_t k = first; k < first + run && k < end; k++) {
            if (!C(_is_zero)(&from[k].x)) item[filled++] = k;
        }
    }
    return filled;
}

/* sum_k k B_k over a window's buckets, given as sums whose j-th counts 2^j times: k is split into a row and a
 * column of a square, and R_h, the sum of row h, goes into the sums of the bits of h, columns likewise. */
static void G(_weigh_buckets)(const G(_msm_sum) * sum, const G(_msm_room) * room, unsigned window,
                              unsigned windows, size_t chunk)
{
    const zkn_msm_plan *plan = &sum->plan;
    const unsigned c = plan->c, low = c / 2;
    const uint32_t buckets = (uint32_t)zkn_msm_buckets(c), columns = (uint32_t)1 << low,
                   rows = 1 + ((buckets - 1) >> low);
    uint32_t filled = 0, lists = 0;
    for (unsigned k = 0; k < windows; k++) { /* row and column 0 have no weight */
        const uint32_t first = k * buckets, end = first + buckets;
        for (uint32_t row = 1; row < rows; row++) {
            room->start[lists++] = filled;
            filled =
                G(_append)(room->item, filled, room->bucket, first + (row << low), end, columns, buckets);
        }
        for (uint32_t column = 1; column < columns; column++) {
            room->start[lists++] = filled;
            filled = G(_append)(room->item, filled, room->bucket, first + column, end, 1, columns);
        }
    }
    room->start[lists] = filled;
    G(_sum_lists_vartime)(room->line, room->bucket, room->item, room->start, lists, &room->lists);

    filled = lists = 0;
    for (unsigned k = 0; k < windows; k++) {
        const uint32_t row = k * (rows + columns - 2) - 1, column = row + rows - 1,
                       end = column + columns; /* 0-th */
        for (unsigned bit = 0; bit < c; bit++) {
            const uint32_t weight = (uint32_t)1 << (bit < low ? bit : bit - low);
            room->start[lists++] = filled;
            filled = G(_append)(room->item, filled, room->line, (bit < low ? column : row) + weight,
                                bit < low ? end : column + 1, weight, 2 * weight);
        }
    }
    room->start[lists] = filled;
    G(_sum_lists_vartime)(room->bucket, room->line, room->item, room->start, lists, &room->lists);
    for (unsigned k = 0; k < windows; k++)
        memcpy(sum->bit_sums + ((window + k) * plan->chunks + chunk) * c, room->bucket + k * c,
               c * sizeof *room->bucket);
}

static void G(_msm_cell)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)end;
    const G(_msm) *m = ctx;
    const G(_msm_sum) *sum = &m->full;
    const size_t full_cells = (size_t)sum->plan.groups * sum->plan.chunks;
    if (begin >= full_cells) {
        begin -= full_cells;
        sum = &m->few;
    }
    const unsigned window = (unsigned)(begin / sum->plan.chunks) * sum->plan.group,
                   left = sum->plan.windows - window,
                   windows = left < sum->plan.group ? left : sum->plan.group;
    const size_t chunk = begin % sum->plan.chunks;
    G(_fill_buckets)(sum, &m->room[worker], window, windows, chunk);
    G(_weigh_buckets)(sum, &m->room[worker], window, windows, chunk);
}

/* acc <- acc + the bit sums that count 2^bit times */
static void G(_add_bit)(GROUP_JAC *acc, const G(_msm_sum) * sum, unsigned bit)
{
    const unsigned c = sum->plan.c, window = bit / c;
    if (window >= sum->plan.windows) return;
    for (unsigned chunk = 0; chunk < sum->plan.chunks; chunk++)
        G(_jac_add_aff)(acc, acc, &sum->bit_sums[(window * sum->plan.chunks + chunk) * c + bit % c]);
}

/* *out <- *out + the sum over one segment */
static void G(_msm_add)(GROUP_JAC *out, G(_msm) * m)
{
    GROUP_JAC acc;
    G(_msm_items)(m);
    const zkn_msm_plan *full = &m->full.plan, *few = &m->few.plan;
    zkn_parallel_each((size_t)full->groups * full->chunks + (size_t)few->groups * few->chunks, m->workers,
                      G(_msm_cell), m);
    G(_jac_zero)(&acc);
    const unsigned full_top = full->windows * full->c, few_top = few->windows * few->c;
    for (unsigned bit = full_top > few_top ? full_top : few_top; bit-- > 0;) {
        G(_jac_dbl)(&acc, &acc);
        G(_add_bit)(&acc, &m->full, bit);
        G(_add_bit)(&acc, &m->few, bit);
    }
    G(_jac_add)(out, out, &acc);
}

/* Erases what a sum has written to scratch. */
static void G(_msm_erase)(const G(_msm) * m)
{
    const size_t full = m->most_full, halves = full < ZKN_MSM_SPLIT_MAX ? full : ZKN_MSM_SPLIT_MAX;
    zkn_wipe_shared(m->full.size, 4 * full * sizeof *m->full.size, m->workers);
    zkn_wipe_shared(m->full.index, m->most_items * sizeof *m->full.index, m->workers);
    zkn_wipe_shared(m->few.size, m->most_few * sizeof *m->few.size, m->workers);
    zkn_wipe_shared(m->few.index, m->most_few * sizeof *m->few.index, m->workers);
    zkn_wipe_shared(m->images, 2 * halves * sizeof *m->images, m->workers);
    zkn_wipe(m->full.bit_sums, (size_t)((uint8_t *)m->images - (uint8_t *)m->full.bit_sums));
    for (unsigned k = 0; k < m->rooms; k++) {
        const G(_msm_room) *room = &m->room[k];
        if (room->buckets == 0) continue;
        const size_t twice = 2 * room->buckets, items = room->items > twice ? room->items : twice;
        zkn_wipe(room->begin, (size_t)((uint8_t *)room->code - room->begin));
        zkn_wipe_shared(room->code, room->items * sizeof *room->code, m->workers);
        zkn_wipe_shared(room->item, items * sizeof *room->item, m->workers);
        zkn_wipe(room->start, (room->buckets + 1) * sizeof *room->start);
        zkn_wipe_shared(room->bucket, room->buckets * sizeof *room->bucket, m->workers);
        zkn_wipe_shared(room->line, room->buckets * sizeof *room->line, m->workers);
    }
    zkn_wipe(m->share, m->rooms * sizeof *m->share);
    zkn_wipe(m->room, m->rooms * sizeof *m->room);
}

size_t ZKN_G(_msm_scratch_size)(size_t n, unsigned threads)
{
    zkn_scratch measure = {NULL, 0};
    if (n <= ZKN_FEW) return 0;
    G(_msm) m = {.n = n < ZKN_MSM_SEGMENT ? n : ZKN_MSM_SEGMENT};
    m.workers = zkn_workers(m.n, threads);
    G(_msm_take)(&m, &measure);
    return measure.used;
}

zkn_status ZKN_G(_msm_vartime)(GROUP_AFF *out, const void *points, const zkn_fr *scalars, size_t n,
                               unsigned threads, void *scratch)
{
    if (n > ZKN_MSM_MAX) return ZKN_BAD_LENGTH;
    zkn_scratch s = {scratch, 0};
    G(_msm) m = {.points = points, .scalars = scalars, .n = n < ZKN_MSM_SEGMENT ? n : ZKN_MSM_SEGMENT};
    GROUP_JAC sum;
    if (n <= ZKN_FEW) {
        G(_sum_few_vartime)(&sum, points, scalars, n);
        G(_jac_to_aff)(out, &sum);
        return ZKN_OK;
    }
    m.workers = zkn_workers(m.n, threads);
    m.rooms = m.workers;
    G(_msm_take)(&m, &s);
    G(_jac_zero)(&sum);
    for (size_t done = 0; done < n; done += m.n) {
        m.n = n - done < ZKN_MSM_SEGMENT ? n - done : ZKN_MSM_SEGMENT;
        m.workers = zkn_workers(m.n, threads);
        m.points = (const uint8_t *)points + done * sizeof *out;
        m.scalars = scalars + done;
        G(_msm_add)(&sum, &m);
    }
    G(_msm_erase)(&m);
    G(_jac_to_aff)(out, &sum);
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
#undef MSM_SCALE_X
