/* Number-theoretic transform over Fr.
 *
 * A transform splits A mod (X^2m - s^2) into A mod (X^m - s) and A mod (X^m + s), from X^n - 1 down to X -
 * w^k: natural order in, bit-reversed order out. Block k of any level uses the one root twiddles[k],
 * whatever n is, because twiddles[2k] is a square root of twiddles[k] and twiddles[2k+1] = i twiddles[2k]
 * (Bernstein 2001, "Multidigit multiplication for mathematicians", section 3). So the table for a large n
 * begins with the tables of all smaller ones, and is read in order. Block 1 of a transform twice as long is the
 * same from X^n + 1 down: a coset for nothing.
 *
 * Elements stay below 4 m between levels and are reduced at the end (fr_factor.h). A pass does the levels of a
 * tile that stays in a core's cache, so that a transform of 2^20 reads and writes memory twice, not twenty times (Bailey
 * 1990, "FFTs in external or hierarchical memory", without his transpositions). */
#include "ntt.h"
#include "fr_factor.h"
#include "ntt_lanes.h"

#include <stddef.h>

enum {
    TILE_LEVELS = 12,  /* 2^12 elements, 128 KiB */
    COLUMNS = 8,       /* side by side in a tile of rows that lie apart: four lines of cache */
    COLUMN_LEVELS = 8, /* of a tile of such columns, an even number */
    FACTOR_FROM = 4    /* butterflies of one root that pay for making a factor of it */
};

zkn_status zkn_fr_ntt_twiddles(zkn_fr *twiddles, size_t n)
{
    if (!ntt_is_length(n) || n > (size_t)1 << (FR_TWO_ADICITY - 1)) return ZKN_BAD_LENGTH;
    fr_one(&twiddles[0]);
    const zkn_fr *root = &FR_ROOTS[2];
    for (size_t half = 1; half < n; half *= 2, root++) {
        for (size_t k = 0; k < half; k++) fr_mul(&twiddles[half + k], &twiddles[k], root);
    }
    return ZKN_OK;
}

/* (lo, hi) <- (lo + s hi, lo - s hi) */
static inline ZKN_INLINE void butterfly(zkn_fr *lo, zkn_fr *hi, const zkn_fr *s)
{
    uint64_t t[4];
    fr_mul_lazy(t, hi, s);
    fr_cross(lo, hi, t);
}

static inline ZKN_INLINE void butterfly_factor(zkn_fr *lo, zkn_fr *hi, const fr_factor *s)
{
    uint64_t t[4];
    fr_mul_factor(t, hi, s);
    fr_cross(lo, hi, t);
}

static inline ZKN_INLINE void butterfly_one(zkn_fr *lo, zkn_fr *hi)
{
    uint64_t t[4];
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) t[i] = hi->l[i];
    fr_halve_bound(t);
    fr_cross(lo, hi, t);
}

/* One level of block k, which starts at `a` and has 2 half elements. */
static void level(zkn_fr *a, size_t half, size_t k, const zkn_fr *twiddles)
{
    zkn_fr *b = a + half;
    fr_factor s;
    if (k == 0) {
        for (size_t j = 0; j < half; j++) butterfly_one(&a[j], &b[j]);
    } else if (half < FACTOR_FROM) {
        for (size_t j = 0; j < half; j++) butterfly(&a[j], &b[j], &twiddles[k]);
    } else {
        fr_factor_of(&s, &twiddles[k]);
        for (size_t j = 0; j < half; j++) butterfly_factor(&a[j], &b[j], &s);
    }
}

/* Two levels of block k, which starts at `a` and has 4 quarter elements, in one pass over them. */
static void two_levels(zkn_fr *a, size_t quarter, size_t k, const zkn_fr *twiddles)
{
    zkn_fr *b = a + quarter, *c = b + quarter, *d = c + quarter;
    const zkn_fr *s = &twiddles[k], *left = &twiddles[2 * k], *right = left + 1;
    fr_factor by_s, by_left, by_right;
    if (k == 0) {
        fr_factor_of(&by_right, right);
        for (size_t j = 0; j < quarter; j++) {
            butterfly_one(&a[j], &c[j]);
            butterfly_one(&b[j], &d[j]);
            butterfly_one(&a[j], &b[j]);
            butterfly_factor(&c[j], &d[j], &by_right);
        }
    } else if (quarter < FACTOR_FROM) {
        for (size_t j = 0; j < quarter; j++) {
            butterfly(&a[j], &c[j], s);
            butterfly(&b[j], &d[j], s);
            butterfly(&a[j], &b[j], left);
            butterfly(&c[j], &d[j], right);
        }
    } else {
        fr_factor_of(&by_s, s);
        fr_factor_of(&by_left, left);
        fr_factor_of(&by_right, right);
        for (size_t j = 0; j < quarter; j++) {
            butterfly_factor(&a[j], &c[j], &by_s);
            butterfly_factor(&b[j], &d[j], &by_s);
            butterfly_factor(&a[j], &b[j], &by_left);
            butterfly_factor(&c[j], &d[j], &by_right);
        }
    }
}

/* The first levels of block k, which starts at `a`. */
static void run(zkn_fr *a, size_t length, unsigned levels, size_t k, const zkn_fr *twiddles)
{
    size_t blocks = 1;
    for (; levels >= 2; levels -= 2, length /= 4, blocks *= 4) {
        for (size_t i = 0; i < blocks; i++) two_levels(a + i * length, length / 4, k * blocks + i, twiddles);
    }
    if (levels == 0) return;
    for (size_t i = 0; i < blocks; i++) level(a + i * length, length / 2, k * blocks + i, twiddles);
}

/* Items are groups of columns, block after block. */
static void column_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const ntt_pass *p = ctx;
    const size_t rows = (size_t)1 << p->levels, apart = p->length >> p->levels, groups = apart / COLUMNS;
    zkn_fr tile[1 << TILE_LEVELS];
    for (size_t item = begin; item < end; item++) {
        const size_t block = item / groups;
        zkn_fr *base = p->a + block * p->length + item % groups * COLUMNS;
        for (size_t row = 0; row < rows; row++)
            memcpy(tile + row * COLUMNS, base + row * apart, COLUMNS * sizeof *tile);
        run(tile, rows * COLUMNS, p->levels, p->first + block, p->twiddles);
        for (size_t row = 0; row < rows; row++)
            memcpy(base + row * apart, tile + row * COLUMNS, COLUMNS * sizeof *tile);
    }
}

/* Items are blocks, done to the end. */
static void block_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const ntt_pass *p = ctx;
    for (size_t block = begin; block < end; block++) {
        zkn_fr *a = p->a + block * p->length;
        run(a, p->length, p->levels, p->first + block, p->twiddles);
        for (size_t i = 0; i < p->length; i++) fr_normalise(&a[i]);
    }
}

void ntt_passes(ntt_pass *p, unsigned levels, unsigned passes, size_t columns, size_t n, unsigned threads,
                zkn_task task)
{
    for (; passes > 0; passes--) {
        const unsigned share = (levels + passes - 1) / passes;
        p->levels = share + (share % 2 && share < levels); /* levels are done in pairs */
        zkn_parallel((n >> p->levels) / columns, threads, task, p);
        p->length >>= p->levels;
        p->first <<= p->levels;
        levels -= p->levels;
    }
    p->levels = (unsigned)__builtin_ctzll(p->length);
}

void ntt_reversed(zkn_fr *a, size_t n, size_t first, const zkn_fr *twiddles, unsigned threads)
{
    const unsigned log_n = (unsigned)__builtin_ctzll(n);
    ntt_pass p = {.a = a, .twiddles = twiddles, .length = n, .first = first};
    if (n < NTT_THREADS_MIN) threads = 1;
#if ZKN_HAS_LANES
    if (n >= NTT_LANES_MIN) {
        ntt_lanes(&p, n, threads);
        return;
    }
#endif
    const unsigned apart = log_n > TILE_LEVELS ? log_n - TILE_LEVELS : 0;
    ntt_passes(&p, apart, (apart + COLUMN_LEVELS - 1) / COLUMN_LEVELS, COLUMNS, n, threads, column_share);
    zkn_parallel(n / p.length, threads, block_share, &p);
}

zkn_status zkn_fr_ntt(zkn_fr *a, size_t n, const zkn_fr *twiddles, unsigned threads)
{
    if (!ntt_is_length(n)) return ZKN_BAD_LENGTH;
    ntt_reversed(a, n, 0, twiddles, threads);
    ntt_order(a, n, n < NTT_THREADS_MIN ? 1 : threads);
    return ZKN_OK;
}

typedef struct {
    zkn_fr *a;
    size_t n;
    const zkn_fr *scale;
} mirror;

/* a[k] and a[n-k] change places and are scaled; k in [1, n/2] */
static void mirror_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const mirror *t = ctx;
    for (size_t k = begin + 1; k <= end; k++) {
        zkn_fr *lo = &t->a[k], *hi = &t->a[t->n - k], x = *hi;
        fr_mul(hi, lo, t->scale);
        if (lo != hi) fr_mul(lo, &x, t->scale);
    }
}

zkn_status zkn_fr_intt(zkn_fr *a, size_t n, const zkn_fr *twiddles, unsigned threads)
{
    const zkn_status status = zkn_fr_ntt(a, n, twiddles, threads);
    if (status != ZKN_OK) return status;
    /* the sum over w^-jk is the sum over w^jk read backwards */
    mirror t = {.a = a, .n = n, .scale = &FR_INVERSE_POWERS_OF_TWO[__builtin_ctzll(n)]};
    zkn_parallel(n / 2, n < NTT_THREADS_MIN ? 1 : threads, mirror_share, &t);
    fr_mul(&a[0], &a[0], t.scale);
    return ZKN_OK;
}
