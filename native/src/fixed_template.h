/* Multiples of one base: written once, included by fixed.c once per group (parameters as group_template.h).
 *
 * The table holds, window after window, 1, 2, .., 2^(c-1) times 2^(c window) B. A product is then a list
 * of one entry per window. */

#define G(name)     ZKN_CAT(GROUP, name)
#define ZKN_G(name) ZKN_CAT(ZKN_CAT(zkn_, GROUP), name)

typedef struct {
    GROUP_AFF *table, *out;
    const GROUP_AFF *base;
    const zkn_fr *scalars;
    unsigned c;
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
    if (c < 2 || c > ZKN_FIXED_BITS_MAX) return ZKN_BAD_LENGTH;
    zkn_scratch s = {scratch, 0};
    G(_fixed) f = {.table = table, .base = base, .c = c, .workers = zkn_workers(ZKN_MAX_THREADS, threads)};
    G(_fixed_take)(&f, &s);
    zkn_parallel_each(zkn_digit_windows(ZKN_SIZE_BITS, c), threads, G(_fixed_window), &f);
    return ZKN_OK;
}

static void G(_fixed_share)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const G(_fixed) *f = ctx;
    const unsigned windows = zkn_digit_windows(ZKN_SIZE_BITS, f->c);
    const size_t at_once = ZKN_FIXED_ITEMS / windows;
    uint32_t *item = f->item[worker], *offset = f->offset[worker];
    while (begin < end) {
        const size_t n = end - begin < at_once ? end - begin : at_once;
        uint32_t filled = 0;
        for (size_t i = 0; i < n; i++) {
            uint64_t size[4];
            const uint32_t opposite = zkn_size_of(size, &f->scalars[begin + i]);
            offset[i] = filled;
            for (unsigned window = 0; window < windows; window++) {
                const uint32_t code = zkn_digit(size, 4, window, f->c), row = (uint32_t)window << (f->c - 1);
                if (code >> 1) item[filled++] = (row + (code >> 1) - 1) | (code ^ opposite) << 31;
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
    if (c < 2 || c > ZKN_FIXED_BITS_MAX) return ZKN_BAD_LENGTH;
    zkn_scratch s = {scratch, 0};
    /* the table is only read */
    G(_fixed) f = {.table = (GROUP_AFF *)table, .out = out, .scalars = scalars, .c = c};
    f.workers = zkn_workers(ZKN_MAX_THREADS, threads);
    G(_fixed_take)(&f, &s);
    zkn_parallel(n, threads, G(_fixed_share), &f);
    return ZKN_OK;
}

#undef G
#undef ZKN_G
#undef GROUP
#undef GROUP_AFF
#undef GROUP_JAC
