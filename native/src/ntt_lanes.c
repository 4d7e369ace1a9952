/* The levels of ntt.c eight at a time.
 *
 * A pass does up to MAX_LEVELS levels in a buffer that stays in a core's second cache, so that a transform of
 * 2^20 reads and writes memory twice, not twenty times (the passes of Bailey 1990, "FFTs in external or
 * hierarchical memory", without his transpositions). While a block is longer than a pass, eight neighbouring
 * columns are the lanes, and share every twiddle; in the last pass eight neighbouring blocks are, each with
 * twiddles of its own, which lie beside each other. Levels go in pairs; the last CLOSE of them run through parts of the
 * buffer that the first cache holds.
 *
 * Elements keep the form they have in memory, x R, below 2 m, and twiddles take the lanes' form, of bound 16. A butterfly
 * turns a bound of B into B + ceil(16 B / 84.6 + 1), which is ROOM of the level; ten levels reach 49 of the 84 that a factor
 * may have. Only factors are carried: what is not multiplied gains less than 20 words of 52 bits in a limb at each level. */
#include "ntt_lanes.h"

#if ZKN_PATH_IFMA

#include "lane_field.h"
#include "threads.h"

enum { MAX_LEVELS = 10, ROWS = 1 << MAX_LEVELS, CLOSE = 6 };

/* the bound of a twiddle times an element, by the level within a pass */
static const uint64_t ROOM[MAX_LEVELS] = {2, 2, 3, 3, 4, 5, 5, 6, 8, 9};

typedef struct {
    fr8 *rows;
    zkn_fr *base;
    size_t apart, lanes;  /* elements in memory from row to row, and from lane to lane */
    size_t block, stride; /* number of the block in lane 0, and from lane to lane: 0 in columns */
    const zkn_fr *twiddles;
    unsigned levels;
    const zkn_fr *ahead; /* base of the next job */
} job;

/* where the rows of a step come from and go to: memory, if not the buffer */
enum { LOADS = 1, STORES = 2, COLUMNS = 4 };
/* of the first block of all in columns, whose own twiddle is 1, and so is that of the first half of it: three butterflies of
 * four need no product */
enum { UNIT = 8 };

/* The next job's rows to the second cache: they lie too far apart for the hardware to see where they lead. */
static inline ZKN_INLINE void fetch_ahead(const job *t, size_t row, int columns)
{
    if (columns) {
        const char *at = (const char *)&t->ahead[row * t->apart];
        for (size_t line = 0; line < LANES * sizeof(zkn_fr); line += 64) __builtin_prefetch(at + line, 0, 2);
    } else if (row % 2 == 0) {
        for (size_t i = 0; i < LANES; i++) __builtin_prefetch(&t->ahead[row + i * t->lanes], 0, 2);
    }
}

static inline ZKN_INLINE void load(fr8 *out, const job *t, size_t row, int columns)
{
    lane_word w[4];
    if (columns) {
        lane_load4_near(w, t->base[row * t->apart].l);
    } else {
        lane_load4(w, t->base[row].l, 4 * t->lanes);
    }
    fr8_split(out, w);
}

/* In columns below 2 m; else reduced, in the order of the transform. */
static inline ZKN_INLINE void store(const job *t, size_t row, fr8 *a, int columns)
{
    lane_word w[4];
    fr8_carry(a);
    fr8_fold(a);
    if (columns) {
        fr8_join(w, a);
        lane_store4_near(t->base[row * t->apart].l, w);
    } else {
        fr8_canonical(a);
        fr8_join(w, a);
        lane_store4(t->base[row].l, 4 * t->lanes, w);
    }
}

/* Of block `k` of the pass's level. */
static inline ZKN_INLINE void load_twiddle(fr8 *out, const job *t, unsigned level, size_t k, int columns)
{
    const zkn_fr *w = &t->twiddles[(t->block << level) + k];
    lane_word words[4];
    if (columns) {
        for (int i = 0; i < 4; i++) words[i] = lane_all(w->l[i]);
    } else {
        lane_load4(words, w->l, 4 * (t->stride << level));
    }
    fr8_split_raised(out, words);
}

/* (lo, hi) <- (lo + s hi, lo - s hi), for hi carried; not carried */
static inline ZKN_INLINE void butterfly(fr8 *lo, fr8 *hi, const fr8 *s, uint64_t room)
{
    fr8_wide product;
    fr8 t;
    fr8_wide_zero(&product);
    fr8_wide_madd(&product, hi, s);
    fr8_reduce_columns(&t, &product);
    fr8_sub(hi, lo, &t, room);
    fr8_add(lo, lo, &t);
}

/* The same for s = 1, where `settled` tells that hi is carried and of bound 2. */
static inline ZKN_INLINE void butterfly_one(fr8 *lo, fr8 *hi, int settled)
{
    fr8 t = *hi;
    if (!settled) fr8_carry(&t), fr8_fold(&t);
    fr8_sub(hi, lo, &t, 2);
    fr8_add(lo, lo, &t);
}

/* Level 0, for a pass of an odd number of levels. */
static inline ZKN_INLINE void one_level(const job *t, int columns)
{
    const size_t half = (size_t)1 << (t->levels - 1);
    const int unit = columns && t->block == 0;
    fr8 s;
    load_twiddle(&s, t, 0, 0, columns);
    for (size_t i = 0; i < half; i++) {
        fr8 a, b;
        load(&a, t, i, columns);
        load(&b, t, i + half, columns);
        if (unit) {
            butterfly_one(&a, &b, 1);
        } else {
            butterfly(&a, &b, &s, ROOM[0]);
        }
        t->rows[i] = a, t->rows[i + half] = b;
    }
}

/* Levels `level` and the next of block k. */
static inline ZKN_INLINE void two_levels(const job *t, unsigned level, size_t k, int kind)
{
    const int columns = kind & COLUMNS, fetches = !(kind & (LOADS | STORES)) && level <= 2;
    const size_t quarter = (size_t)1 << (t->levels - level - 2), first = k * 4 * quarter;
    const uint64_t room = ROOM[level], next = ROOM[level + 1];
    fr8 s, left, right;
    load_twiddle(&s, t, level, k, columns);
    load_twiddle(&left, t, level + 1, 2 * k, columns);
    load_twiddle(&right, t, level + 1, 2 * k + 1, columns);
    for (size_t i = 0; i < quarter; i++) {
        fr8 row[4], *p = &t->rows[first + i];
        ZKN_UNROLL
        for (size_t j = 0; j < 4; j++) {
            if (kind & LOADS) {
                load(&row[j], t, first + i + j * quarter, columns);
            } else {
                row[j] = p[j * quarter];
            }
        }
        if (fetches) {
            for (size_t j = 0; j < 4; j++) fetch_ahead(t, first + i + j * quarter, columns);
        }
        if (kind & UNIT) {
            butterfly_one(&row[0], &row[2], kind & LOADS);
            butterfly_one(&row[1], &row[3], kind & LOADS);
            butterfly_one(&row[0], &row[1], 0);
        } else {
            if (!(kind & LOADS)) fr8_carry_factor(&row[2]), fr8_carry_factor(&row[3]);
            butterfly(&row[0], &row[2], &s, room);
            butterfly(&row[1], &row[3], &s, room);
            fr8_carry_factor(&row[1]);
            butterfly(&row[0], &row[1], &left, next);
        }
        fr8_carry_factor(&row[3]);
        butterfly(&row[2], &row[3], &right, next);
        ZKN_UNROLL
        for (size_t j = 0; j < 4; j++) {
            if (kind & STORES) {
                store(t, first + i + j * quarter, &row[j], columns);
            } else {
                p[j * quarter] = row[j];
            }
        }
    }
}

static inline ZKN_INLINE void blocks(const job *t, unsigned level, size_t k, size_t end, int kind)
{
    if (kind & COLUMNS && k == 0 && t->block == 0) two_levels(t, level, k++, kind | UNIT);
    for (; k < end; k++) two_levels(t, level, k, kind);
}

/* All levels of a pass of three or more. */
static inline ZKN_INLINE void run(const job *t, int columns)
{
    unsigned level = t->levels % 2;
    if (level) {
        one_level(t, columns);
    } else {
        blocks(t, 0, 0, 1, columns | LOADS);
        level = 2;
    }
    for (; t->levels - level > CLOSE; level += 2) {
        blocks(t, level, 0, (size_t)1 << level, columns);
    }
    for (size_t part = 0; part < (size_t)1 << level; part++) {
        size_t k = part, end = part + 1;
        unsigned next = level;
        for (; next + 2 < t->levels; next += 2, k = 4 * k, end = 4 * end) {
            blocks(t, next, k, end, columns);
        }
        blocks(t, next, k, end, columns | STORES);
    }
}

/* Items are groups of eight columns, block after block. */
static void column_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const ntt_pass *p = ctx;
    const size_t apart = p->length >> p->levels, groups = apart / LANES;
    fr8 rows[ROWS];
    for (size_t item = begin; item < end; item++) {
        const size_t block = item / groups, next = item + 1 < end ? item + 1 : item;
        const job t = {.rows = rows,
                       .base = p->a + block * p->length + item % groups * LANES,
                       .apart = apart,
                       .block = p->first + block,
                       .twiddles = p->twiddles,
                       .levels = p->levels,
                       .ahead = p->a + next / groups * p->length + next % groups * LANES};
        run(&t, COLUMNS);
    }
}

/* Items are groups of eight blocks, done to the end. */
static void block_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const ntt_pass *p = ctx;
    fr8 rows[ROWS];
    for (size_t item = begin; item < end; item++) {
        const job t = {.rows = rows,
                       .base = p->a + item * LANES * p->length,
                       .lanes = p->length,
                       .block = p->first + item * LANES,
                       .stride = 1,
                       .twiddles = p->twiddles,
                       .levels = p->levels,
                       .ahead = p->a + (item + 1 < end ? item + 1 : item) * LANES * p->length};
        run(&t, 0);
    }
}

void ntt_lanes(ntt_pass *p, size_t n, unsigned threads)
{
    const unsigned log_n = (unsigned)__builtin_ctzll(n),
                   passes = log_n <= MAX_LEVELS ? 2 : (log_n + MAX_LEVELS - 1) / MAX_LEVELS,
                   last = (log_n / passes + 1) &
                          ~1U; /* even, from 4 to MAX_LEVELS, which leaves 3 or more a pass */
    ntt_passes(p, log_n - last, passes - 1, LANES, n, threads, column_share);
    zkn_parallel(n / p->length / LANES, threads, block_share, p);
}

#endif
