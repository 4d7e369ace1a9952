/* The levels of ntt.c eight at a time.
 *
 * A pass does up to MAX_LEVELS levels in a buffer that stays in a core's second cache, so that a transform of
 * 2^20 reads and writes memory three times, not twenty (the passes of Bailey 1990, "FFTs in external or
 * hierarchical memory", without his transpositions). While a block is longer than a pass, eight neighbouring
 * columns are the lanes, and share every twiddle; in the last pass eight neighbouring blocks are, each with
 * twiddles of its own, which lie beside each other.
 *
 * Elements keep the form they have in memory, x R, and twiddles take the lanes' form, of bound 16. A butterfly turns a
 * bound of B into B + ceil(16 B / 84 + 1), which is ROOM of the level; nine levels reach 35 of the 84 that a
 * factor may have. */
#include "ntt_lanes.h"

#if ZKN_PATH_IFMA

#include "lane_field.h"
#include "threads.h"

enum { MAX_LEVELS = 9, ROWS = 1 << MAX_LEVELS };

/* the bound of a twiddle times an element, by the level within a pass */
static const uint64_t ROOM[MAX_LEVELS] = {2, 2, 2, 3, 3, 4, 5, 6, 7};

/* (lo, hi) <- (lo + s hi, lo - s hi) */
static inline void butterfly(fr8 *lo, fr8 *hi, const fr8 *s, uint64_t room)
{
    fr8 t;
    fr8_mul(&t, hi, s);
    fr8_sub(hi, lo, &t, room);
    fr8_add(lo, lo, &t);
    fr8_carry(hi);
    fr8_carry(lo);
}

/* Twiddles k, k + stride, .. of the lanes, or with a stride of 0 the same in all. */
static inline void load_twiddle(fr8 *out, const zkn_fr *twiddles, size_t k, size_t stride)
{
    if (stride) {
        fr8_load(out, &twiddles[k], stride);
        return;
    }
    lane_word w[4];
    for (int i = 0; i < 4; i++) w[i] = lane_all(twiddles[k].l[i]);
    fr8_split_raised(out, w);
}

/* All levels of a pass on `rows` rows, of the block k in lane 0 and k + stride i in lane i. Levels go in pairs, four rows
 * at a time, while two are left. */
static void run(fr8 *rows, unsigned levels, size_t k, size_t stride, const zkn_fr *twiddles)
{
    unsigned level = 0;
    for (; level + 2 <= levels; level += 2) {
        const size_t blocks = (size_t)1 << level, quarter = (size_t)1 << (levels - level - 2);
        const uint64_t room = ROOM[level], next = ROOM[level + 1];
        for (size_t block = 0; block < blocks; block++) {
            const size_t first = (k << level) + block, step = stride << level;
            fr8 s, left, right, *p = &rows[block * 4 * quarter];
            load_twiddle(&s, twiddles, first, step);
            load_twiddle(&left, twiddles, 2 * first, 2 * step);
            load_twiddle(&right, twiddles, 2 * first + 1, 2 * step);
            for (fr8 *end = p + quarter; p < end; p++) {
                fr8 a = p[0], b = p[quarter], c = p[2 * quarter], d = p[3 * quarter];
                butterfly(&a, &c, &s, room);
                butterfly(&b, &d, &s, room);
                butterfly(&a, &b, &left, next);
                butterfly(&c, &d, &right, next);
                p[0] = a, p[quarter] = b, p[2 * quarter] = c, p[3 * quarter] = d;
            }
        }
    }
    if (level == levels) return;
    for (size_t block = 0; block < (size_t)1 << level; block++) {
        fr8 s;
        load_twiddle(&s, twiddles, (k << level) + block, stride << level);
        butterfly(&rows[2 * block], &rows[2 * block + 1], &s, ROOM[level]);
    }
}

/* Items are groups of eight columns, block after block. */
static void column_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const ntt_pass *p = ctx;
    const size_t rows = (size_t)1 << p->levels, apart = p->length >> p->levels, groups = apart / LANES;
    fr8 buffer[ROWS];
    for (size_t item = begin; item < end; item++) {
        const size_t block = item / groups;
        zkn_fr *base = p->a + block * p->length + item % groups * LANES;
        for (size_t row = 0; row < rows; row++) fr8_load_plain(&buffer[row], base + row * apart, 1);
        run(buffer, p->levels, p->first + block, 0, p->twiddles);
        for (size_t row = 0; row < rows; row++) fr8_store_plain(base + row * apart, 1, &buffer[row]);
    }
}

/* Items are groups of eight blocks, done to the end. */
static void block_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const ntt_pass *p = ctx;
    fr8 buffer[ROWS];
    for (size_t item = begin; item < end; item++) {
        zkn_fr *base = p->a + item * LANES * p->length;
        for (size_t row = 0; row < p->length; row++) fr8_load_plain(&buffer[row], base + row, p->length);
        run(buffer, p->levels, p->first + item * LANES, 1, p->twiddles);
        for (size_t row = 0; row < p->length; row++) fr8_store_plain(base + row, p->length, &buffer[row]);
    }
}

void ntt_lanes(ntt_pass *p, size_t n, unsigned threads)
{
    const unsigned log_n = (unsigned)__builtin_ctzll(n),
                   passes = log_n <= MAX_LEVELS ? 2 : (log_n + MAX_LEVELS - 1) / MAX_LEVELS;
    ntt_passes(p, log_n - log_n / passes, passes - 1, LANES, n, threads, column_share);
    zkn_parallel(n / p->length / LANES, threads, block_share, p);
}

#endif
