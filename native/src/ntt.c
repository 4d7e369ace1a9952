/* Number-theoretic transform over Fr.
 *
 * A transform splits A mod (X^2m - s^2) into A mod (X^m - s) and A mod (X^m + s), from X^n - 1 down to X -
 * w^k: natural order in, bit-reversed order out. Block k of any level uses the one root twiddles[k],
 * whatever n is, because twiddles[2k] is a square root of twiddles[k] and twiddles[2k+1] = i twiddles[2k]
 * (Bernstein 2001, "Multidigit multiplication for mathematicians", section 3). So the table for a large n
 * begins with the tables of all smaller ones, and is read in order. */
#include "field.h"
#include "ntt_lanes.h"
#include "threads.h"

#include <stddef.h>

/* Blocks of this many elements (128 KiB) stay in a core's cache while all their levels are done. */
enum { CACHED = 1 << 12 };

static int is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static int is_transform_length(size_t n)
{
    return is_power_of_two(n) && n <= (size_t)1 << FR_TWO_ADICITY;
}

zkn_status zkn_fr_ntt_twiddles(zkn_fr *twiddles, size_t n)
{
    if (!is_power_of_two(n) || n > (size_t)1 << (FR_TWO_ADICITY - 1)) return ZKN_BAD_LENGTH;
    fr_one(&twiddles[0]);
    const zkn_fr *root = &FR_ROOTS[2];
    for (size_t half = 1; half < n; half *= 2, root++) {
        for (size_t k = 0; k < half; k++) fr_mul(&twiddles[half + k], &twiddles[k], root);
    }
    return ZKN_OK;
}

/* (lo, hi) <- (lo + s hi, lo - s hi) */
static inline void butterfly(zkn_fr *lo, zkn_fr *hi, const zkn_fr *s)
{
    zkn_fr t;
    fr_mul(&t, hi, s);
    fr_sub(hi, lo, &t);
    fr_add(lo, lo, &t);
}

static inline void butterfly_one(zkn_fr *lo, zkn_fr *hi)
{
    const zkn_fr t = *hi;
    fr_sub(hi, lo, &t);
    fr_add(lo, lo, &t);
}

/* One level of block k, which starts at `a` and has 2 half elements; its butterflies [begin, end). */
static void level(zkn_fr *a, size_t half, size_t k, const zkn_fr *twiddles, size_t begin, size_t end)
{
    zkn_fr *b = a + half;
    if (k == 0) {
        for (size_t j = begin; j < end; j++) butterfly_one(&a[j], &b[j]);
    } else {
        for (size_t j = begin; j < end; j++) butterfly(&a[j], &b[j], &twiddles[k]);
    }
}

/* Two levels of block k, which starts at `a` and has 4 quarter elements; quadruples [begin, end). One pass
 * over memory, not two. */
static void two_levels(zkn_fr *a, size_t quarter, size_t k, const zkn_fr *twiddles, size_t begin, size_t end)
{
    zkn_fr *b = a + quarter, *c = b + quarter, *d = c + quarter;
    const zkn_fr *s = &twiddles[k], *left = &twiddles[2 * k], *right = left + 1;
    if (k == 0) {
        for (size_t j = begin; j < end; j++) {
            butterfly_one(&a[j], &c[j]);
            butterfly_one(&b[j], &d[j]);
            butterfly_one(&a[j], &b[j]);
            butterfly(&c[j], &d[j], right);
        }
        return;
    }
    for (size_t j = begin; j < end; j++) {
        butterfly(&a[j], &c[j], s);
        butterfly(&b[j], &d[j], s);
        butterfly(&a[j], &b[j], left);
        butterfly(&c[j], &d[j], right);
    }
}

/* All levels below block k of `length` elements. */
static void block(zkn_fr *a, size_t length, size_t k, const zkn_fr *twiddles)
{
    size_t blocks = 1;
    for (; length >= 4; length /= 4, blocks *= 4) {
        for (size_t i = 0; i < blocks; i++) {
            two_levels(a + i * length, length / 4, k * blocks + i, twiddles, 0, length / 4);
        }
    }
    if (length == 2) {
        for (size_t i = 0; i < blocks; i++) level(a + 2 * i, 1, k * blocks + i, twiddles, 0, 1);
    }
}

typedef struct {
    zkn_fr *a;
    const zkn_fr *twiddles;
    size_t n, length; /* of the whole, and of one block of the current level */
    const zkn_fr *scale;
} transform;

static void wide_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const transform *t = ctx;
    const size_t quarter = t->length / 4;
    while (begin < end) {
        const size_t k = begin / quarter, stop = (k + 1) * quarter < end ? (k + 1) * quarter : end;
        two_levels(t->a + k * t->length, quarter, k, t->twiddles, begin - k * quarter, stop - k * quarter);
        begin = stop;
    }
}

static void block_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const transform *t = ctx;
    for (size_t k = begin; k < end; k++) block(t->a + k * t->length, t->length, k, t->twiddles);
}

static size_t reverse_bits(size_t i, unsigned bits)
{
    size_t reversed = 0;
    for (unsigned k = 0; k < bits; k++, i >>= 1) reversed = reversed << 1 | (i & 1);
    return reversed;
}

static void swap(zkn_fr *a, zkn_fr *b)
{
    const zkn_fr t = *a;
    *a = *b;
    *b = t;
}

/* Index = high 3 bits, middle, low 3 bits. Middles that mirror each other exchange their 64 elements,
 * which lie in 8 runs each, so every line of cache that is fetched is used whole (Carter, Gatlin 1998). */
static void reverse_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const transform *t = ctx;
    const unsigned log_n = (unsigned)__builtin_ctzll(t->n), bits = log_n - 6;
    static const size_t mirror[8] = {0, 4, 2, 6, 1, 5, 3, 7};
    for (size_t middle = begin; middle < end; middle++) {
        const size_t other = reverse_bits(middle, bits);
        if (other < middle) continue;
        for (size_t high = 0; high < 8; high++) {
            for (size_t low = 0; low < 8; low++) {
                const size_t i = high << (log_n - 3) | middle << 3 | low;
                const size_t j = mirror[low] << (log_n - 3) | other << 3 | mirror[high];
                if (other != middle || i < j) swap(&t->a[i], &t->a[j]);
            }
        }
    }
}

static void reverse_order(transform *t, unsigned threads)
{
    if (t->n >= 64) {
        zkn_parallel(t->n / 64, threads, reverse_share, t);
        return;
    }
    const unsigned bits = (unsigned)__builtin_ctzll(t->n);
    for (size_t i = 0; i < t->n; i++) {
        const size_t j = reverse_bits(i, bits);
        if (i < j) swap(&t->a[i], &t->a[j]);
    }
}

zkn_status zkn_fr_ntt(zkn_fr *a, size_t n, const zkn_fr *twiddles, unsigned threads)
{
    if (!is_transform_length(n)) return ZKN_BAD_LENGTH;
    transform t = {.a = a, .twiddles = twiddles, .n = n, .length = n};
    if (n < CACHED) threads = 1;
#if ZKN_PATH_IFMA
    if (n >= NTT_LANES_MIN) {
        ntt_lanes(a, n, twiddles, threads);
        reverse_order(&t, threads);
        return ZKN_OK;
    }
#endif
    while (t.length > CACHED) {
        zkn_parallel(n / 4, threads, wide_share, &t);
        t.length /= 4;
    }
    zkn_parallel(n / t.length, threads, block_share, &t);
    reverse_order(&t, threads);
    return ZKN_OK;
}

/* a[k] and a[n-k] change places and are scaled; k in [1, n/2] */
static void mirror_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const transform *t = ctx;
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
    transform t = {.a = a, .n = n, .scale = &FR_INVERSE_POWERS_OF_TWO[__builtin_ctzll(n)]};
    zkn_parallel(n / 2, n < CACHED ? 1 : threads, mirror_share, &t);
    fr_mul(&a[0], &a[0], t.scale);
    return ZKN_OK;
}
