/* Sums of pairs of affine points, eight at a time: written once, included by pairs_lanes.c once per group.
 *
 * Parameters, undefined again at the end: GROUP, COORD, COORD_TYPE, GROUP_AFF, as in pairs_template.h, LANE
 * (fp8 or fp28) and FPS, how many elements of Fp a coordinate has.
 *
 * Two chains of eight lanes run side by side, since one alone waits for its own carries. Coordinates are
 * loaded plain (bound 1), so a difference d of theirs stands for d / 16 in the lanes' form; the slope, a quotient
 * of two such, is right as it is, and only what is subtracted from its square is multiplied by 16. */

#define G(name) ZKN_CAT(GROUP, name)
#define C(name) ZKN_CAT(COORD, name)
#define L(name) ZKN_CAT(LANE, name)

enum { G(_WORDS) = sizeof(GROUP_AFF) / sizeof(uint64_t), G(_BLOCKS) = 2 * FPS / 2 };

typedef struct {
    LANE x, y;
} G(_lane_point);

/* Words of the coordinates x, then y, of point i in lane i. */
static inline void G(_gather)(lane_word words[G(_WORDS)], const GROUP_AFF *p, const uint32_t index[LANES])
{
    for (int block = 0; block < G(_BLOCKS); block++) {
        lane_word rows[LANES];
        ZKN_UNROLL
        for (int i = 0; i < LANES; i++) {
            rows[i] = lane_load((const uint64_t *)(const void *)&p[index[i]] + 8 * block);
        }
        lane_transpose(&words[8 * block], rows);
    }
}

static inline void G(_scatter)(GROUP_AFF *p, const uint32_t index[LANES], const lane_word words[G(_WORDS)])
{
    for (int block = 0; block < G(_BLOCKS); block++) {
        lane_word rows[LANES];
        lane_transpose(rows, &words[8 * block]);
        ZKN_UNROLL
        for (int i = 0; i < LANES; i++) {
            lane_store((uint64_t *)(void *)&p[index[i]] + 8 * block, rows[i]);
        }
    }
}

static inline void G(_split_point)(G(_lane_point) * out, const lane_word words[G(_WORDS)])
{
    fp8 *coordinates = (fp8 *)(void *)out;
    ZKN_UNROLL
    for (int i = 0; i < 2 * FPS; i++) fp8_split(&coordinates[i], &words[4 * i]);
}

/* The pairs whose slope is not that of a chord: a point at infinity, or equal x. */
static inline lane_mask G(_special)(const lane_word a[G(_WORDS)], const lane_word b[G(_WORDS)])
{
    lane_word any_a = a[0], any_b = b[0];
    lane_mask same = lane_equal(a[0], b[0]);
    ZKN_UNROLL
    for (int i = 1; i < 4 * FPS; i++) {
        any_a = lane_or(any_a, a[i]);
        any_b = lane_or(any_b, b[i]);
        same &= lane_equal(a[i], b[i]);
    }
    return same | lane_equal(any_a, lane_all(0)) | lane_equal(any_b, lane_all(0));
}

static inline void G(_indices)(uint32_t to[LANES], uint32_t from[LANES], const zkn_pair *pairs)
{
    for (int i = 0; i < LANES; i++) to[i] = pairs[i].to, from[i] = pairs[i].from;
}

/* Moves the pairs that have a chord to the front and returns their number. */
static size_t G(_chords_first)(const GROUP_AFF *p, zkn_pair *pairs, size_t n)
{
    size_t chords = 0;
    for (size_t i = 0; i + LANES <= n; i += LANES) {
        lane_word a[G(_WORDS)], b[G(_WORDS)];
        uint32_t to[LANES], from[LANES];
        G(_indices)(to, from, &pairs[i]);
        G(_gather)(a, p, to);
        G(_gather)(b, p, from);
        const unsigned special = G(_special)(a, b);
        if (special == 0 && chords == i) {
            chords += LANES;
            continue;
        }
        for (size_t k = i; k < i + LANES; k++) {
            if (special >> (k - i) & 1) continue;
            const zkn_pair pair = pairs[k];
            pairs[k] = pairs[chords];
            pairs[chords++] = pair;
        }
    }
    return chords;
}

static inline void G(_load_pair)(G(_lane_point) * a, G(_lane_point) * b, const GROUP_AFF *p,
                                 const zkn_pair *pairs)
{
    lane_word words[G(_WORDS)];
    uint32_t to[LANES], from[LANES];
    G(_indices)(to, from, pairs);
    G(_gather)(words, p, to);
    G(_split_point)(a, words);
    G(_gather)(words, p, from);
    G(_split_point)(b, words);
}

static inline void G(_lane_difference)(LANE *out, const LANE *a, const LANE *b)
{
    L(_sub)(out, a, b, 1);
    L(_carry)(out);
}

/* The sum from the inverse of (b.x - a.x) / 16, of bound 2 or from scalars 16. */
static inline void G(_sum_by_slope)(GROUP_AFF *p, const zkn_pair *pairs, const G(_lane_point) * a,
                                    const G(_lane_point) * b, const LANE *inverse)
{
    LANE dy, slope, t, u;
    G(_lane_point) sum;
    G(_lane_difference)(&dy, &b->y, &a->y); /* 2 */
    L(_mul_by)(&slope, inverse, &dy, 2);    /* 2 */
    L(_sqr_by)(&sum.x, &slope, 2);          /* 2 */
    L(_add)(&t, &a->x, &b->x);
    L(_times_16)(&t, &t);            /* 32 */
    L(_sub)(&sum.x, &sum.x, &t, 32); /* 34 */
    L(_carry)(&sum.x);
    L(_times_16)(&u, &a->x);
    L(_sub)(&u, &u, &sum.x, 34); /* 50 */
    L(_carry)(&u);
    L(_mul_by)(&sum.y, &slope, &u, 50); /* 4 */
    L(_times_16)(&t, &a->y);
    L(_sub)(&sum.y, &sum.y, &t, 16); /* 20 */
    L(_carry)(&sum.y);

    lane_word words[G(_WORDS)];
    uint32_t to[LANES], from[LANES];
    const fp8 *coordinates = (const fp8 *)(const void *)&sum;
    for (int i = 0; i < 2 * FPS; i++) fp8_leave(&words[4 * i], &coordinates[i]);
    G(_indices)(to, from, pairs);
    G(_scatter)(p, to, words);
}

/* Prefix products wait between the passes in eight times the room of one coordinate. */
static inline void G(_keep)(COORD_TYPE room[LANES], const LANE *a)
{
    const fp8 *parts = (const fp8 *)(const void *)a;
    uint64_t *out = (uint64_t *)(void *)room;
    for (int i = 0; i < FPS; i++) {
        lane_word words[4];
        fp8_join(words, &parts[i]);
        for (int j = 0; j < 4; j++) lane_store(out + 8 * (4 * i + j), words[j]);
    }
}

static inline void G(_kept)(LANE *out, const COORD_TYPE room[LANES])
{
    fp8 *parts = (fp8 *)(void *)out;
    const uint64_t *in = (const uint64_t *)(const void *)room;
    for (int i = 0; i < FPS; i++) {
        lane_word words[4];
        for (int j = 0; j < 4; j++) words[j] = lane_load(in + 8 * (4 * i + j));
        fp8_split(&parts[i], words);
    }
}

/* Both chains to their inverses, sixteen lanes by one inversion. */
static void G(_invert_chains)(LANE chain[2])
{
    enum { N = 2 * LANES };
    COORD_TYPE value[N], before[N], all;
    for (int k = 0; k < 2; k++) {
        fp8 *parts = (fp8 *)(void *)&chain[k];
        for (int i = 0; i < FPS; i++) {
            fp8_store((zkn_fp *)(void *)&value[k * LANES] + i, FPS, &parts[i]);
        }
    }
    C(_one)(&all);
    for (int i = 0; i < N; i++) {
        before[i] = all;
        C(_mul)(&all, &all, &value[i]);
    }
    C(_inv)(&all, &all);
    for (int i = N; i-- > 0;) {
        COORD_TYPE inverse;
        C(_mul)(&inverse, &all, &before[i]);
        C(_mul)(&all, &all, &value[i]);
        value[i] = inverse;
    }
    for (int k = 0; k < 2; k++) {
        fp8 *parts = (fp8 *)(void *)&chain[k];
        for (int i = 0; i < FPS; i++) {
            fp8_load(&parts[i], (const zkn_fp *)(const void *)&value[k * LANES] + i, FPS);
        }
    }
}

size_t G(_add_pairs_in_lanes)(GROUP_AFF *p, zkn_pair *pairs, size_t n, COORD_TYPE *products)
{
    enum { STEP = 2 * LANES };
    if (n < PAIRS_LANES_MIN) return 0;
    const size_t done = G(_chords_first)(p, pairs, n) / STEP * STEP;
    if (done < PAIRS_LANES_MIN) return 0;
    LANE chain[2];
    L(_one)(&chain[0]), L(_one)(&chain[1]);
    for (size_t i = 0; i < done; i += STEP) {
        for (size_t k = 0; k < 2; k++) {
            G(_lane_point) a, b;
            LANE d;
            G(_load_pair)(&a, &b, p, &pairs[i + k * LANES]);
            G(_lane_difference)(&d, &b.x, &a.x);
            G(_keep)(&products[i + k * LANES], &chain[k]);
            L(_mul_by)(&chain[k], &chain[k], &d, 2);
        }
    }
    G(_invert_chains)(chain);
    for (size_t i = done; i > 0; i -= STEP) {
        for (size_t k = 0; k < 2; k++) {
            const size_t at = i - STEP + k * LANES;
            G(_lane_point) a, b;
            LANE d, prefix, inverse;
            G(_load_pair)(&a, &b, p, &pairs[at]);
            G(_lane_difference)(&d, &b.x, &a.x);
            G(_kept)(&prefix, &products[at]);
            L(_mul_by)(&inverse, &chain[k], &prefix, 2);
            L(_mul_by)(&chain[k], &chain[k], &d, 2);
            G(_sum_by_slope)(p, &pairs[at], &a, &b, &inverse);
        }
    }
    return done;
}

#undef G
#undef C
#undef L
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef LANE
#undef FPS
