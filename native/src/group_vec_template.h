/* Products and sums of many points: written once, included by group_ntt_template.h once per group (parameters as
 * group_template.h, undefined there). */

#define G(name)     ZKN_CAT(GROUP, name)
#define ZKN_G(name) ZKN_CAT(ZKN_CAT(zkn_, GROUP), name)

/* ---- s[i] a[i] ---- */

typedef struct {
    GROUP_AFF *out;
    const GROUP_AFF *in;
    const zkn_fr *scalars;
    size_t n, n_scalars, tile;
    G(_multiples_room) * room; /* for each worker: this, and a tile of scalars */
    zkn_fr *factors;
    unsigned workers;
} G(_products);

static void G(_products_take)(G(_products) * p, zkn_scratch *s)
{
    p->room = zkn_take(s, p->workers, sizeof *p->room);
    p->factors = zkn_take(s, (size_t)p->workers * p->tile, sizeof *p->factors);
    for (unsigned k = 0; k < p->workers; k++) {
        G(_multiples_room) measured;
        G(_multiples_room_take)(p->room ? &p->room[k] : &measured, p->tile, s);
    }
}

static void G(_products_tile)(void *ctx, size_t tile, size_t end, unsigned worker)
{
    (void)end;
    const G(_products) *p = ctx;
    const size_t begin = tile * p->tile, rest = p->n - begin, n = rest < p->tile ? rest : p->tile;
    zkn_fr *factors = p->factors + (size_t)worker * p->tile;
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

static size_t G(_products_divide)(G(_products) * p, unsigned threads)
{
    p->tile = zkn_products_tile(p->n, threads);
    const size_t tiles = (p->n + p->tile - 1) / p->tile;
    p->workers = zkn_workers(tiles, threads);
    return tiles;
}

size_t ZKN_G(_vec_mul_scratch_size)(size_t n, unsigned threads)
{
    zkn_scratch measure = {NULL, 0};
    if (n <= ZKN_FEW) return 0;
    G(_products) p = {.n = n};
    (void)G(_products_divide)(&p, threads);
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
    p = {.out = out, .in = a, .scalars = s, .n = n, .n_scalars = n_scalars};
    const size_t tiles = G(_products_divide)(&p, threads);
    G(_products_take)(&p, &room);
    zkn_parallel_each(tiles, threads, G(_products_tile), &p);
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
