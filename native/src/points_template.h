/* Vectors of points: written once, included by points.c once per group. Parameters: GROUP, COORD,
 * COORD_TYPE, GROUP_AFF, GROUP_JAC, POINT_COORDINATES (base field elements in a point), POINT_ORDER (the
 * position on the wire of each), POINT_IN_SUBGROUP. */

#define G(name)     ZKN_CAT(GROUP, name)
#define C(name)     ZKN_CAT(COORD, name)
#define ZKN_G(name) ZKN_CAT(ZKN_CAT(zkn_, GROUP), name)

void ZKN_G(_generator)(GROUP_AFF *out)
{
    *out = POINT_GENERATOR;
}

zkn_status ZKN_G(_vec_decode_be)(GROUP_AFF *out, size_t *bad, const uint8_t *in, size_t n)
{
    static const uint8_t order[POINT_COORDINATES] = POINT_ORDER;
    for (size_t i = 0; i < n; i++) {
        zkn_fp coordinate[POINT_COORDINATES];
        for (int k = 0; k < POINT_COORDINATES; k++) {
            zkn_fp x;
            const uint8_t *word = in + 8 * FP_LIMBS * (i * POINT_COORDINATES + order[k]);
            for (int j = 0; j < FP_LIMBS; j++) x.l[j] = zkn_load_be(word + 8 * (FP_LIMBS - 1 - j));
            if (!fp_is_reduced(&x)) return *bad = i, ZKN_BAD_ENCODING;
            fp_from_canonical(&coordinate[k], x.l);
        }
        memcpy(&out[i], coordinate, sizeof out[i]);
    }
    return ZKN_OK;
}

void ZKN_G(_vec_encode_be)(uint8_t *out, const GROUP_AFF *in, size_t n)
{
    static const uint8_t order[POINT_COORDINATES] = POINT_ORDER;
    for (size_t i = 0; i < n; i++) {
        zkn_fp coordinate[POINT_COORDINATES];
        memcpy(coordinate, &in[i], sizeof in[i]);
        for (int k = 0; k < POINT_COORDINATES; k++) {
            uint64_t x[FP_LIMBS];
            uint8_t *word = out + 8 * FP_LIMBS * (i * POINT_COORDINATES + order[k]);
            fp_to_canonical(x, &coordinate[k]);
            for (int j = 0; j < FP_LIMBS; j++) zkn_store_be(word + 8 * (FP_LIMBS - 1 - j), x[j]);
        }
    }
}

typedef struct {
    const GROUP_AFF *in;
    size_t bad[ZKN_MAX_THREADS]; /* the first bad point of each worker's share, and why */
    zkn_status status[ZKN_MAX_THREADS];
} G(_points);

static zkn_status G(_check)(const GROUP_AFF *a)
{
    if (!(C(_is_reduced)(&a->x) & C(_is_reduced)(&a->y))) return ZKN_BAD_ENCODING;
    if (!G(_aff_is_on_curve)(a)) return ZKN_NOT_ON_CURVE;
    if (G(_aff_is_zero)(a)) return ZKN_OK;
    return POINT_IN_SUBGROUP(a) ? ZKN_OK : ZKN_NOT_IN_SUBGROUP;
}

static void G(_check_share)(void *ctx, size_t begin, size_t end, unsigned worker)
{
    G(_points) *p = ctx;
    size_t tile;
    p->status[worker] = ZKN_OK;
    for (; begin < end; begin += tile) {
        tile = end - begin < ZKN_MEMBERS_TILE ? end - begin : ZKN_MEMBERS_TILE;
        if (G(_are_members_vartime)(&p->in[begin], tile)) continue;
        for (size_t i = begin; i < begin + tile; i++) {
            p->bad[worker] = i;
            p->status[worker] = G(_check)(&p->in[i]);
            if (p->status[worker] != ZKN_OK) return;
        }
    }
}

zkn_status ZKN_G(_vec_check)(size_t *bad, const GROUP_AFF *in, size_t n, unsigned threads)
{
    G(_points) p;
    p.in = in;
    if (n == 0) return ZKN_OK;
    zkn_parallel(n, threads, G(_check_share), &p);
    for (unsigned k = 0; k < zkn_workers(n, threads); k++) {
        if (p.status[k] != ZKN_OK)
            return *bad = p.bad[k], p.status[k]; /* shares are in order: this is the first of all */
    }
    return ZKN_OK;
}

void ZKN_G(_vec_neg)(GROUP_AFF *out, const GROUP_AFF *a, size_t n)
{
    for (size_t i = 0; i < n; i++) G(_aff_neg)(&out[i], &a[i]);
}

void ZKN_G(_vec_add)(GROUP_AFF *out, const GROUP_AFF *a, const GROUP_AFF *b, size_t n)
{
    enum { AT_ONCE = 256 }; /* additions that share an inversion */
    GROUP_AFF sum[2 * AT_ONCE];
    COORD_TYPE denominators[AT_ONCE], products[AT_ONCE];
    zkn_pair pairs[AT_ONCE];
    for (size_t begin = 0; begin < n; begin += AT_ONCE) {
        const size_t some = n - begin < AT_ONCE ? n - begin : AT_ONCE;
        memcpy(sum, a + begin, some * sizeof *sum);
        memcpy(sum + some, b + begin, some * sizeof *sum);
        for (uint32_t i = 0; i < some; i++) pairs[i] = (zkn_pair){i, (uint32_t)some + i};
        G(_add_pairs_vartime)(sum, pairs, some, denominators, products);
        memcpy(out + begin, sum, some * sizeof *sum);
    }
}

#undef G
#undef C
#undef ZKN_G
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_JAC
#undef POINT_GENERATOR
#undef POINT_COORDINATES
#undef POINT_ORDER
#undef POINT_IN_SUBGROUP
