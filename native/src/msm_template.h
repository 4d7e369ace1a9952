/* Multi-scalar multiplication and fixed-base multiplication: written once, included by msm.c once per
 * group (parameters as group_template.h). */

#define G(name)     ZKN_CAT(GROUP, name)
#define ZKN_G(name) ZKN_CAT(ZKN_CAT(zkn_, GROUP), name)

/* ---- sum of s_i P_i ----
 *
 * Pippenger's buckets (Bernstein, Doumen, Lange, Oosterwijk 2012, section 4) over signed digits. Work is a
 * grid of windows times chunks of the input; a worker takes a cell, sorts the points of its chunk by
 * digit, sums each bucket by G(_sum_lists_vartime), and weighs the bucket sums by splitting their index in
 * two halves: sum_k k B_k = 2^h sum_high high R_high + sum_low low C_low, with R and C the sums of rows
 * and columns of the buckets laid out as a square, which are lists again. */

typedef struct {
    G(_list_room) lists;
    uint32_t *item, *offset;
    GROUP_AFF *bucket, *line;
} G(_msm_room);

typedef struct {
    const GROUP_AFF *points;
    const zkn_fr *scalars;
    size_t n;
    zkn_msm_plan plan;
    uint64_t bias[4];
    zkn_digits *digits;
    GROUP_JAC *cell;
    G(_msm_room) * room; /* one per worker */
} G(_msm);

static void G(_msm_room_take)(G(_msm_room) * room, zkn_scratch *s, const zkn_msm_plan *plan)
{
    const size_t buckets = ((size_t)1 << (plan->c - 1)) + 1,
                 items = plan->chunk > buckets ? plan->chunk : buckets;
    G(_list_room_take)(&room->lists, s);
    room->item = zkn_take(s, items, sizeof *room->item);
    room->offset = zkn_take(s, buckets + 1, sizeof *room->offset);
    room->bucket = zkn_take(s, buckets, sizeof *room->bucket);
    room->line = zkn_take(s, ((size_t)1 << (plan->c / 2)) + 1, sizeof *room->line);
}

static void G(_msm_take)(G(_msm) * m, zkn_scratch *s)
{
    m->digits = zkn_take(s, m->n, sizeof *m->digits);
    m->cell = zkn_take(s, (size_t)m->plan.windows * m->plan.chunks, sizeof *m->cell);
    m->room = zkn_take(s, m->plan.workers, sizeof *m->room);
    for (unsigned k = 0; k < m->plan.workers; k++) {
        G(_msm_room) measured;
        G(_msm_room_take)(m->room ? &m->room[k] : &measured, s, &m->plan);
    }
}

static void G(_msm_digits)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const G(_msm) *m = ctx;
    for (size_t i = begin; i < end; i++) zkn_digits_of(&m->digits[i], &m->scalars[i], m->bias);
}

/* out <- sum_k k line[k] for k in [0, n) */
static void G(_weigh_line)(GROUP_JAC *out, const GROUP_AFF *line, size_t n)
{
    GROUP_JAC running;
    G(_jac_zero)(&running);
    G(_jac_zero)(out);
    for (size_t k = n; k-- > 1;) {
        G(_jac_add_aff)(&running, &running, &line[k]);
        G(_jac_add)(out, out, &running);
    }
}

/* out <- sum_k k bucket[k] for k in [0, 2^(c-1)] */
static void G(_weigh_buckets)(GROUP_JAC *out, unsigned c, const G(_msm_room) * room)
{
    const unsigned low_bits = c / 2;
    const uint32_t buckets = ((uint32_t)1 << (c - 1)) + 1, columns = (uint32_t)1 << low_bits,
                   rows = ((buckets - 1) >> low_bits) + 1;
    GROUP_JAC high, low;
    uint32_t filled = 0;
    for (uint32_t row = 0; row < rows; row++) {
        room->offset[row] = filled;
        for (uint32_t k = row << low_bits; k < (row + 1) << low_bits && k < buckets; k++) {
            if (!G(_aff_is_zero)(&room->bucket[k])) room->item[filled++] = k;
        }
    }
    room->offset[rows] = filled;
    G(_sum_lists_vartime)(room->line, room->bucket, room->item, room->offset, rows, &room->lists);
    G(_weigh_line)(&high, room->line, rows);
    for (unsigned i = 0; i < low_bits; i++) G(_jac_dbl)(&high, &high);

    filled = 0;
    for (uint32_t column = 0; column < columns; column++) {
        room->offset[column] = filled;
        for (uint32_t k = column; k < buckets; k += columns) {
            if (!G(_aff_is_zero)(&room->bucket[k])) room->item[filled++] = k;
        }
    }
    room->offset[columns] = filled;
    G(_sum_lists_vartime)(room->line, room->bucket, room->item, room->offset, columns, &room->lists);
    G(_weigh_line)(&low, room->line, columns);
    G(_jac_add)(out, &high, &low);
}

static void G(_msm_cell)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)end;
    const G(_msm) *m = ctx;
    const G(_msm_room) *room = &m->room[worker];
    const unsigned c = m->plan.c, window = (unsigned)(begin / m->plan.chunks);
    const size_t first = begin % m->plan.chunks * m->plan.chunk, rest = m->n - first;
    const size_t n = rest < m->plan.chunk ? rest : m->plan.chunk;
    const uint32_t buckets = ((uint32_t)1 << (c - 1)) + 1;
    /* counting sort by |digit|; offset[k+1] counts bucket k, then is where it ends */
    for (uint32_t k = 0; k <= buckets; k++) room->offset[k] = 0;
    for (size_t i = 0; i < n; i++) {
        const int digit = zkn_digit(&m->digits[first + i], window, c);
        if (digit) room->offset[(digit < 0 ? -digit : digit) + 1]++;
    }
    uint32_t total = 0;
    for (uint32_t k = 1; k <= buckets; k++) {
        const uint32_t count = room->offset[k];
        room->offset[k] = total;
        total += count;
    }
    for (size_t i = 0; i < n; i++) {
        const int digit = zkn_digit(&m->digits[first + i], window, c);
        if (digit > 0) room->item[room->offset[digit + 1]++] = (uint32_t)i;
        if (digit < 0) room->item[room->offset[1 - digit]++] = (uint32_t)i | ZKN_LIST_NEGATE;
    }
    G(_sum_lists_vartime)(room->bucket, m->points + first, room->item, room->offset, buckets, &room->lists);
    G(_weigh_buckets)(&m->cell[begin], c, room);
}

size_t ZKN_G(_msm_scratch_size)(size_t n, unsigned threads)
{
    zkn_scratch measure = {NULL, 0};
    G(_msm) m = {.n = n, .plan = zkn_plan_msm(n, threads)};
    G(_msm_take)(&m, &measure);
    return measure.used;
}

zkn_status ZKN_G(_msm_vartime)(GROUP_AFF *out, const GROUP_AFF *points, const zkn_fr *scalars, size_t n,
                               unsigned threads, void *scratch)
{
    if (n > ZKN_MSM_MAX) return ZKN_BAD_LENGTH;
    zkn_scratch s = {scratch, 0};
    G(_msm) m = {.points = points, .scalars = scalars, .n = n, .plan = zkn_plan_msm(n, threads)};
    GROUP_JAC sum;
    G(_msm_take)(&m, &s);
    zkn_digit_bias(m.bias, m.plan.c);
    zkn_parallel(n, m.plan.workers, G(_msm_digits), &m);
    zkn_parallel_each((size_t)m.plan.windows * m.plan.chunks, m.plan.workers, G(_msm_cell), &m);
    G(_jac_zero)(&sum);
    for (unsigned window = m.plan.windows; window-- > 0;) {
        for (unsigned i = 0; i < m.plan.c; i++) G(_jac_dbl)(&sum, &sum);
        for (unsigned k = 0; k < m.plan.chunks; k++)
            G(_jac_add)(&sum, &sum, &m.cell[window * m.plan.chunks + k]);
    }
    G(_jac_to_aff)(out, &sum);
    return ZKN_OK;
}

/* ---- s_i B for one base B ----
 *
 * The table holds, window after window, 1, 2, .., 2^(c-1) times 2^(c window) B. A product is then a list
 * of one entry per window. */

typedef struct {
    GROUP_AFF *table, *out;
    const GROUP_AFF *base;
    const zkn_fr *scalars;
    unsigned c;
    uint64_t bias[4];
    size_t workers;
    G(_list_room) * lists;
    uint32_t **item, **offset;
} G(_fixed);

static void G(_fixed_take)(G(_fixed) * f, zkn_scratch *s)
{
    f->lists = zkn_take(s, f->workers, sizeof *f->lists);
    f->item = zkn_take(s, f->workers, sizeof *f->item);
    f->offset = zkn_take(s, f->workers, sizeof *f->offset);
    for (size_t k = 0; k < f->workers; k++) {
        G(_list_room) measured;
        G(_list_room_take)(f->lists ? &f->lists[k] : &measured, s);
        uint32_t *item = zkn_take(s, ZKN_FIXED_ITEMS, sizeof *item),
                 *offset = zkn_take(s, ZKN_FIXED_ITEMS + 1, sizeof *offset);
        if (f->item) f->item[k] = item, f->offset[k] = offset;
    }
}

size_t ZKN_G(_fixed_scratch_size)(unsigned threads)
{
    zkn_scratch measure = {NULL, 0};
    G(_fixed) f = {.workers = zkn_workers(ZKN_MAX_THREADS, threads)};
    G(_fixed_take)(&f, &measure);
    return measure.used;
}

static void G(_fixed_window)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)end;
    const G(_fixed) *f = ctx;
    const size_t size = (size_t)1 << (f->c - 1);
    GROUP_AFF *row = f->table + begin * size;
    GROUP_JAC first;
    uint32_t *item = f->item[worker], *offset = f->offset[worker];
    G(_jac_from_aff)(&first, f->base);
    for (size_t i = 0; i < begin * f->c; i++) G(_jac_dbl)(&first, &first);
    G(_jac_to_aff)(&row[0], &first);
    /* From 1..have times to have+1..2 have times: each of those plus the last. Lists are read from what is
     * written before. */
    for (size_t have = 1; have < size; have *= 2) {
        for (size_t done = 0; done < have;) {
            const size_t piece = have - done < ZKN_FIXED_ITEMS / 2 ? have - done : ZKN_FIXED_ITEMS / 2;
            for (size_t i = 0; i < piece; i++) {
                offset[i] = (uint32_t)(2 * i);
                item[2 * i] = (uint32_t)(done + i);
                item[2 * i + 1] = (uint32_t)(have - 1);
            }
            offset[piece] = (uint32_t)(2 * piece);
            G(_sum_lists_vartime)(row + have + done, row, item, offset, piece, &f->lists[worker]);
            done += piece;
        }
    }
}

zkn_status ZKN_G(_fixed_table)(GROUP_AFF *table, const GROUP_AFF *base, unsigned c, unsigned threads,
                               void *scratch)
{
    if (c < 2 || c > ZKN_DIGIT_BITS_MAX) return ZKN_BAD_LENGTH;
    zkn_scratch s = {scratch, 0};
    G(_fixed) f = {.table = table, .base = base, .c = c, .workers = zkn_workers(ZKN_MAX_THREADS, threads)};
    G(_fixed_take)(&f, &s);
    zkn_parallel_each(zkn_digit_windows(c), threads, G(_fixed_window), &f);
    return ZKN_OK;
}

static void G(_fixed_share)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const G(_fixed) *f = ctx;
    const unsigned windows = zkn_digit_windows(f->c);
    const size_t at_once = ZKN_FIXED_ITEMS / windows;
    uint32_t *item = f->item[worker], *offset = f->offset[worker];
    while (begin < end) {
        const size_t n = end - begin < at_once ? end - begin : at_once;
        uint32_t filled = 0;
        for (size_t i = 0; i < n; i++) {
            zkn_digits digits;
            zkn_digits_of(&digits, &f->scalars[begin + i], f->bias);
            offset[i] = filled;
            for (unsigned window = 0; window < windows; window++) {
                const int digit = zkn_digit(&digits, window, f->c);
                const uint32_t row = (uint32_t)window << (f->c - 1);
                if (digit > 0) item[filled++] = row + (uint32_t)digit - 1;
                if (digit < 0) item[filled++] = (row + (uint32_t)-digit - 1) | ZKN_LIST_NEGATE;
            }
        }
        offset[n] = filled;
        G(_sum_lists_vartime)(f->out + begin, f->table, item, offset, n, &f->lists[worker]);
        begin += n;
    }
}

zkn_status ZKN_G(_fixed_mul_vartime)(GROUP_AFF *out, const GROUP_AFF *table, unsigned c,
                                     const zkn_fr *scalars, size_t n, unsigned threads, void *scratch)
{
    if (c < 2 || c > ZKN_DIGIT_BITS_MAX) return ZKN_BAD_LENGTH;
    zkn_scratch s = {scratch, 0};
    /* the table is only read */
    G(_fixed) f = {.table = (GROUP_AFF *)table, .out = out, .scalars = scalars, .c = c};
    f.workers = zkn_workers(ZKN_MAX_THREADS, threads);
    G(_fixed_take)(&f, &s);
    zkn_digit_bias(f.bias, c);
    zkn_parallel(n, threads, G(_fixed_share), &f);
    return ZKN_OK;
}

#undef G
#undef ZKN_G
#undef GROUP
#undef GROUP_AFF
#undef GROUP_JAC
