/* The levels of ntt.c on four rows at a time: a lane is a row, so all lanes share every twiddle.
 *
 * As in ntt.c a pass does the levels of a tile that stays in a core's cache. Between passes elements are in memory as ever,
 * below 2 m after all passes but the last. Within a pass a butterfly adds at most 4 m to an element, so that after eight levels it is
 * below 36 of the 169 m that limbs hold. Two levels make limbs of 2^29 grow below 2^31 and then 2^32; then they are carried. */
#include "path.h"

#if ZKN_PATH_ADX && !ZKN_CURVE_BLS12_381

#include "quad_factor.h"
#include "rows_quads.h"

enum {
    PASS_LEVELS = 8, /* at most */
    COLUMNS = 2,     /* side by side in a tile of rows that lie apart: a line of cache */
    FACTORS = 2 + ((1 << PASS_LEVELS) - 4) / LANES /* of all levels of a pass, four by four */
};

typedef struct {
    zkn_fr *row[LANES];
    const zkn_fr *rest[LANES]; /* where elements from n_head on are read in the first pass */
    size_t n_head;
} four_rows;

/* Of level l, the factors of its 2^l blocks begin here. */
static inline size_t factors_at(unsigned level)
{
    return level < 2 ? level : 1 + ((size_t)1 << (level - 2));
}

/* The twiddles of all levels of a pass that starts at block k. */
static void prepare(fr4_factors *factors, unsigned levels, size_t k, const zkn_fr *twiddles)
{
    for (unsigned level = 0; level < levels; level++) {
        const size_t blocks = (size_t)1 << level;
        for (size_t i = 0; i < blocks; i += LANES) {
            const uint64_t *from[LANES];
            for (size_t j = 0; j < LANES; j++)
                from[j] = twiddles[(k << level) + (i + j < blocks ? i + j : i)].l;
            fr4_factors_of(&factors[factors_at(level) + i / LANES], from);
        }
    }
}

/* x <- s x, for the factor number i */
static __attribute__((noinline)) void times(fr4 *out, const fr4 *x, const fr4_factors *factors, size_t i)
{
    fr4_mul_factor(out, x, &factors[i / LANES], i % LANES);
}

/* (lo, hi) <- (lo + s hi, lo - s hi), for the factor number i */
static inline ZKN_INLINE void butterfly(fr4 *lo, fr4 *hi, const fr4_factors *factors, size_t i)
{
    fr4 t;
    times(&t, hi, factors, i);
    fr4_sub(hi, lo, &t);
    fr4_add(lo, lo, &t);
}

/* The levels from `level` on of block i of a tile, which has n elements there. */
static void run(fr4 *a, size_t n, unsigned level, unsigned levels, size_t i, const fr4_factors *factors)
{
    const fr4_factors *here = factors + factors_at(level), *next = factors + factors_at(level + 1);
    if (level + 1 == levels) {
        for (size_t j = 0; j < n / 2; j++) butterfly(&a[j], &a[n / 2 + j], here, i);
        return;
    }
    if (level == levels) return;
    fr4 *b = a + n / 4, *c = b + n / 4, *d = c + n / 4;
    for (size_t j = 0; j < n / 4; j++) {
        butterfly(&a[j], &c[j], here, i);
        butterfly(&b[j], &d[j], here, i);
        butterfly(&a[j], &b[j], next, 2 * i);
        butterfly(&c[j], &d[j], next, 2 * i + 1);
        fr4_carry(&a[j]), fr4_carry(&b[j]), fr4_carry(&c[j]), fr4_carry(&d[j]);
    }
    for (size_t k = 0; k < 4; k++) run(a + k * (n / 4), n / 4, level + 2, levels, 4 * i + k, factors);
}

/* One tile: elements `first`, first + apart, .. of four rows, and as many columns after them. */
static void tile_of(const four_rows *r, size_t first, size_t apart, size_t columns, unsigned levels,
                    int is_first, int is_last, const fr4_factors *factors, fr4 *tile)
{
    lane_word words[4];
    for (size_t i = 0; i < (size_t)1 << levels; i++) {
        for (size_t j = 0; j < columns; j++) {
            const uint64_t *from[LANES];
            const size_t at = first + i * apart + j;
            for (size_t k = 0; k < LANES; k++)
                from[k] = is_first && at >= r->n_head ? r->rest[k][at].l : r->row[k][at].l;
            lane_gather4(words, from, 0);
            fr4_split(&tile[i * columns + j], words);
        }
    }
    run(tile, columns << levels, 0, levels, 0, factors);
    for (size_t i = 0; i < (size_t)1 << levels; i++) {
        for (size_t j = 0; j < columns; j++) {
            uint64_t *to[LANES];
            fr4 *element = &tile[i * columns + j];
            for (size_t k = 0; k < LANES; k++) to[k] = r->row[k][first + i * apart + j].l;
            fr4_settle(element);
            if (is_last) fr4_canonical(element);
            fr4_join(words, element);
            lane_scatter4(to, 0, words);
        }
    }
}

void rows_quads_block(zkn_fr *out, size_t apart, const zkn_fr *in, size_t columns, size_t n_head, size_t rows,
                      size_t length, size_t block, const zkn_fr *twiddles)
{
    fr4_factors factors[FACTORS];
    fr4 tile[COLUMNS << PASS_LEVELS];
    unsigned left = (unsigned)__builtin_ctzll(length);
    for (size_t blocks = 1, part = length; left > 0;) {
        const unsigned passes = (left + PASS_LEVELS - 1) / PASS_LEVELS, levels = (left + passes - 1) / passes;
        const size_t between = part >> levels, wide = between < COLUMNS ? between : COLUMNS;
        for (size_t k = 0; k < blocks; k++) {
            prepare(factors, levels, block * blocks + k, twiddles);
            for (size_t i = 0; i < rows; i += LANES) {
                four_rows r = {.n_head = n_head};
                for (size_t j = 0; j < LANES; j++) { /* the last row fills up the lanes */
                    const size_t row = i + j < rows ? i + j : rows - 1;
                    r.row[j] = out + row * apart;
                    r.rest[j] = in + row * columns;
                }
                for (size_t j = 0; j < between; j += wide)
                    tile_of(&r, k * part + j, between, wide, levels, blocks == 1, levels == left, factors,
                            tile);
            }
        }
        left -= levels, part = between, blocks <<= levels;
    }
    zkn_wipe(tile, sizeof tile);
}

#endif
