/* Products, sums and transforms of many points: written once, included by group_ntt.c once per group
 * (parameters as group_template.h). */

#define G(name)     ZKN_CAT(GROUP, name)
#define ZKN_G(name) ZKN_CAT(ZKN_CAT(zkn_, GROUP), name)

/* ---- s[i] a[i] ---- */

typedef struct {
    GROUP_AFF *out;
    const GROUP_AFF *in;
    const zkn_fr *scalars;
    size_t n, n_scalars;
    G(_multiples_room) * room; /* for each worker: this, and a tile of points and of scalars */
    GROUP_AFF *points;
    zkn_fr *factors;
    unsigned workers;
} G(_products);

static void G(_products_take)(G(_products) * p, zkn_scratch *s)
{
    p->room = zkn_take(s, p->workers, sizeof *p->room);
    p->points = zkn_take(s, (size_t)p->workers * 2 * ZKN_MULTIPLES_TILE, sizeof *p->points);
    p->factors = zkn_take(s, (size_t)p->workers * ZKN_MULTIPLES_TILE, sizeof *p->factors);
    for (unsigned k = 0; k < p->workers; k++) {
        G(_multiples_room) measured;
        G(_multiples_room_take)(p->room ? &p->room[k] : &measured, s);
    }
}

static void G(_products_tile)(void *ctx, size_t tile, size_t end, unsigned worker)
{
    (void)end;
    const G(_products) *p = ctx;
    const size_t begin = tile * ZKN_MULTIPLES_TILE, rest = p->n - begin;
    const size_t n = rest < ZKN_MULTIPLES_TILE ? rest : ZKN_MULTIPLES_TILE;
    zkn_fr *factors = p->factors + (size_t)worker * ZKN_MULTIPLES_TILE;
    for (size_t i = 0; n < ZKN_FEW_POINTS && i < n; i++) {
        uint64_t k[4];
        int limbs = 4;
        GROUP_JAC product;
        fr_to_canonical(k, &p->scalars[p->n_scalars == 1 ? 0 : begin + i]);
        while (limbs > 1 && k[limbs - 1] == 0) limbs--;
        G(_mul_vartime)(&product, &p->in[begin + i], k, limbs);
        G(_jac_to_aff)(&p->out[begin + i], &product);
    }
    if (n < ZKN_FEW_POINTS) return;
    for (size_t i = 0; i < n; i++) factors[i] = p->scalars[p->n_scalars == 1 ? 0 : begin + i];
    G(_multiples_vartime)(p->out + begin, p->in + begin, factors, n, &p->room[worker]);
}

static size_t G(_tiles)(size_t n)
{
    return (n + ZKN_MULTIPLES_TILE - 1) / ZKN_MULTIPLES_TILE;
}

size_t ZKN_G(_vec_mul_scratch_size)(size_t n, unsigned threads)
{
    zkn_scratch measure = {NULL, 0};
    if (n <= ZKN_FEW) return 0;
    G(_products) p = {.workers = zkn_workers(G(_tiles)(n), threads)};
    G(_products_take)(&p, &measure);
    return measure.used;
}

zkn_status ZKN_G(_vec_mul_vartime)(GROUP_AFF *out, const GROUP_AFF *a, const zkn_fr *s, size_t n_scalars,
                                   size_t n, unsigned threads, void *scratch)
{
    if (n_scalars != n && n_scalars != 1) return ZKN_BAD_LENGTH;
    if (n <= ZKN_FEW) {
        for (size_t i = 0; i < n; i++) {
            GROUP_JAC product;
            G(_sum_few_vartime)(&product, &a[i], &s[n_scalars == 1 ? 0 : i], 1);
            G(_jac_to_aff)(&out[i], &product);
        }
        return ZKN_OK;
    }
    zkn_scratch room = {scratch, 0};
    G(_products)
    p = {.out = out,
         .in = a,
         .scalars = s,
         .n = n,
         .n_scalars = n_scalars,
         .workers = zkn_workers(G(_tiles)(n), threads)};
    G(_products_take)(&p, &room);
    zkn_parallel_each(G(_tiles)(n), threads, G(_products_tile), &p);
    return ZKN_OK;
}

/* ---- sums of lists ---- */

typedef struct {
    GROUP_AFF *out;
    const GROUP_AFF *in;
    const uint32_t *item, *offset;
    G(_list_room) * room;
    unsigned workers;
} G(_sums);

static void G(_sums_take)(G(_sums) * p, zkn_scratch *s)
{
    p->room = zkn_take(s, p->workers, sizeof *p->room);
    for (unsigned k = 0; k < p->workers; k++) {
        G(_list_room) measured;
        G(_list_room_take)(p->room ? &p->room[k] : &measured, s);
    }
}

static void G(_sums_share)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const G(_sums) *p = ctx;
    G(_sum_lists_vartime)(p->out + begin, p->in, p->item, p->offset + begin, end - begin, &p->room[worker]);
}

size_t ZKN_G(_vec_sums_scratch_size)(size_t n, unsigned threads)
{
    zkn_scratch measure = {NULL, 0};
    G(_sums) p = {.workers = zkn_workers(n, threads)};
    G(_sums_take)(&p, &measure);
    return measure.used;
}

zkn_status ZKN_G(_vec_sums_vartime)(GROUP_AFF *out, size_t *bad, const GROUP_AFF *in, size_t n_in,
                                    const uint32_t *item, const uint32_t *offset, size_t n, unsigned threads,
                                    void *scratch)
{
    if (n_in > ZKN_ITEMS_MAX) return ZKN_BAD_LENGTH;
    for (size_t k = 0; k < n; k++) {
        if (offset[k] > offset[k + 1]) return *bad = k, ZKN_OUT_OF_RANGE;
    }
    for (size_t i = offset[0]; i < offset[n]; i++) {
        if ((item[i] & ~ZKN_LIST_NEGATE) >= n_in) return *bad = i, ZKN_OUT_OF_RANGE;
    }
    zkn_scratch room = {scratch, 0};
    G(_sums) p = {.out = out, .in = in, .item = item, .offset = offset, .workers = zkn_workers(n, threads)};
    G(_sums_take)(&p, &room);
    zkn_parallel(n, threads, G(_sums_share), &p);
    return ZKN_OK;
}

/* ---- the inverse transform ----
 *
 * As ntt.c: a level splits A mod (X^2m - s^2) into A mod (X^m - s) and A mod (X^m + s). Points times roots
 * are all it costs, so the first block of a level, whose root is 1, is spared them, and 1/n is multiplied
 * into the roots of the last level. The sum over w^-ij is the sum over w^ij read backwards. */

typedef struct {
    GROUP_AFF *a;
    const zkn_fr *twiddles;
    size_t n, half; /* of the whole, and of one block of the current level */
    G(_products) products;
} G(_transform);

static void G(_level_tile)(void *ctx, size_t tile, size_t end, unsigned worker)
{
    (void)end;
    const G(_transform) *t = ctx;
    const size_t butterflies = t->n / 2, begin = tile * ZKN_MULTIPLES_TILE, rest = butterflies - begin;
    const size_t n = rest < ZKN_MULTIPLES_TILE ? rest : ZKN_MULTIPLES_TILE;
    const zkn_fr *scale = &FR_INVERSE_POWERS_OF_TWO[__builtin_ctzll(t->n)];
    const G(_multiples_room) *room = &t->products.room[worker];
    zkn_fr *factors = t->products.factors + (size_t)worker * ZKN_MULTIPLES_TILE;
    GROUP_AFF *low = t->products.points + (size_t)worker * 2 * ZKN_MULTIPLES_TILE, *high = low + n;
    for (size_t i = 0; i < n; i++) {
        const size_t block = (begin + i) / t->half, at = block * 2 * t->half + (begin + i) % t->half;
        low[i] = t->a[at];
        high[i] = t->a[at + t->half];
    }
    if (t->half == 1) { /* the last level */
        for (size_t i = 0; i < n; i++) factors[i] = *scale;
        G(_multiples_vartime)(low, low, factors, n, room);
        for (size_t i = 0; i < n; i++) fr_mul(&factors[i], scale, &t->twiddles[begin + i]);
        G(_multiples_vartime)(high, high, factors, n, room);
    } else {
        const size_t ones = begin >= t->half ? 0 : t->half - begin < n ? t->half - begin : n;
        for (size_t i = ones; i < n; i++) factors[i - ones] = t->twiddles[(begin + i) / t->half];
        if (ones < n) G(_multiples_vartime)(high + ones, high + ones, factors, n - ones, room);
    }
    G(_add_in_step)(room->sum, low, high, n, room);
    for (size_t i = 0; i < n; i++) {
        const size_t block = (begin + i) / t->half, at = block * 2 * t->half + (begin + i) % t->half;
        t->a[at] = room->sum[i];
        G(_aff_neg)(&high[i], &high[i]);
    }
    G(_add_in_step)(room->sum, low, high, n, room);
    for (size_t i = 0; i < n; i++) {
        const size_t block = (begin + i) / t->half, at = block * 2 * t->half + (begin + i) % t->half;
        t->a[at + t->half] = room->sum[i];
    }
}

size_t ZKN_G(_intt_scratch_size)(unsigned threads)
{
    return ZKN_G(_vec_mul_scratch_size)((size_t)ZKN_MAX_THREADS * ZKN_MULTIPLES_TILE, threads);
}

zkn_status ZKN_G(_intt_vartime)(GROUP_AFF *a, size_t n, const zkn_fr *twiddles, unsigned threads,
                                void *scratch)
{
    if (n == 0 || (n & (n - 1)) != 0 || n > (size_t)1 << FR_TWO_ADICITY) return ZKN_BAD_LENGTH;
    zkn_scratch room = {scratch, 0};
    G(_transform)
    t = {.a = a,
         .twiddles = twiddles,
         .n = n,
         .half = n / 2,
         .products = {.workers = zkn_workers(ZKN_MAX_THREADS, threads)}};
    G(_products_take)(&t.products, &room);
    for (; t.half > 0; t.half /= 2) {
        zkn_parallel_each(G(_tiles)(n / 2), threads, G(_level_tile), &t);
    }
    for (size_t i = 0, mirrored = 0; i < n; i++) { /* bit-reversed order to natural */
        if (i < mirrored) {
            const GROUP_AFF other = a[i];
            a[i] = a[mirrored];
            a[mirrored] = other;
        }
        size_t bit = n / 2;
        for (; bit && mirrored & bit; bit /= 2) mirrored ^= bit;
        mirrored |= bit;
    }
    for (size_t low = 1, high = n - 1; low < high; low++, high--) {
        const GROUP_AFF other = a[low];
        a[low] = a[high];
        a[high] = other;
    }
    return ZKN_OK;
}

#undef G
#undef ZKN_G
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_JAC
