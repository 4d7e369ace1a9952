/* Vectors of points times vectors of scalars, sums of lists of points, and transforms: what takes powers of
 * tau to Lagrange bases and these to the key of a circuit. Timing depends on the scalars and lists. */
#include "lists.h"
#include "multiples.h"
#include "threads.h"

enum {
    ZKN_ITEMS_MAX = 0x7fffffff, /* an item of a list keeps its sign in bit 31 */
    ZKN_FEW_POINTS = 24,        /* too few to share an inversion in every step */
    ZKN_STEPS_MIN = 128,        /* fewer are not worth a tile of their own, for a thread more */
    ZKN_RADIX_BITS = 4,
    ZKN_RADIX = 1 << ZKN_RADIX_BITS,
    ZKN_COLUMNS_MAX = ZKN_MULTIPLES_TILE / 2, /* of a tile of a transform: a butterfly is two sums */
    ZKN_TILE_POINTS = 4 * ZKN_MULTIPLES_TILE,
    /* with the two sums that 16 points need more */
    ZKN_COLUMN_POINTS = ZKN_TILE_POINTS + 2 * ZKN_TILE_POINTS / ZKN_RADIX
};

/* The numbers that columns of a transform are multiplied by: i, cosine and sine of an eighth of a turn, and what gives the
 * two sums of two products with those of 1 and 5 sixteenths by three products. */
typedef unsigned zkn_by;
enum {
    ZKN_BY_I,
    ZKN_BY_COS_8,
    ZKN_BY_SIN_8,
    ZKN_BY_COS_16,
    ZKN_BY_SIN_16 = ZKN_BY_COS_16 + 3,
    ZKN_BY_NUMBERS = 9
};

/* (w^k + w^-k)/2 or, with minus, (w^k - w^-k)/2, w of order 16 */
static void zkn_half_sum(zkn_fr *out, unsigned k, int minus)
{
    zkn_fr power, inverse;
    fr_one(&power);
    for (unsigned i = 0; i < k; i++) fr_mul(&power, &power, &FR_ROOTS[ZKN_RADIX_BITS]);
    fr_one(&inverse);
    for (unsigned i = 0; i < ZKN_RADIX - k; i++) fr_mul(&inverse, &inverse, &FR_ROOTS[ZKN_RADIX_BITS]);
    if (minus) fr_neg(&inverse, &inverse);
    fr_add(out, &power, &inverse);
    fr_mul(out, out, &FR_INVERSE_POWERS_OF_TWO[1]);
}

/* u_0 h_0 + u_1 h_1 = u_0 (h_0 - h_1) + s and u_0 h_1 - u_1 h_0 = u_1 (-h_0 - h_1) + s, s = (u_0 + u_1) h_1. */
static void zkn_column_constants(zkn_fr by[ZKN_BY_NUMBERS])
{
    by[ZKN_BY_I] = FR_ROOTS[2];
    for (unsigned part = 0; part < 2; part++) {
        zkn_fr *three = &by[ZKN_BY_COS_16 + 3 * part], h;
        zkn_half_sum(&by[ZKN_BY_COS_8 + part], 2, (int)part);
        zkn_half_sum(&h, 1, (int)part);
        zkn_half_sum(&three[2], 5, (int)part);
        fr_sub(&three[0], &h, &three[2]);
        fr_add(&three[1], &h, &three[2]);
        fr_neg(&three[1], &three[1]);
    }
}

/* 5^a or, with minus, -5^a modulo 2^bits */
static unsigned zkn_odd_power(unsigned a, unsigned minus, unsigned bits)
{
    const unsigned power = a ? 5 : 1;
    return (minus ? (1U << bits) - power : power) & ((1U << bits) - 1);
}

/* odd[0] and odd[1] <- which of 2^(bits - 1) points d have the numbers 5^a and -5^a, up to 2^(bits - 1); returns how many
 * a there are. */
static unsigned zkn_odd_points(uint8_t odd[2][2], const uint8_t *d, unsigned bits)
{
    const unsigned terms = 1U << (bits - 3);
    for (unsigned a = 0; a < terms; a++) {
        for (unsigned minus = 0; minus < 2; minus++)
            odd[minus][a] = d[zkn_odd_power(a, minus, bits) & ((1U << (bits - 1)) - 1)];
    }
    return terms;
}

/* k with its bits reversed, k < n = 2^m */
static size_t zkn_reversed(size_t k, size_t n)
{
    size_t reversed = 0;
    for (size_t bit = 1; bit < n; bit *= 2, k /= 2) reversed = 2 * reversed + k % 2;
    return reversed;
}

/* How many of so many columns of 2^bits points are a tile, a power of two: so many that steps share an inversion and the
 * points stay in a cache, and that no worker is left without one. */
static size_t zkn_columns(size_t columns, unsigned bits, unsigned workers)
{
    size_t width = ZKN_TILE_POINTS >> (bits < 3 ? 3 : bits);
    while (width > 1 && columns / width < workers) width /= 2;
    return width;
}

/* n > 0 products in tiles of so many points: as few tiles as hold them, or one for each thread. */
static size_t zkn_products_tile(size_t n, unsigned threads)
{
    const size_t fewest = (n + ZKN_MULTIPLES_TILE - 1) / ZKN_MULTIPLES_TILE,
                 shares = zkn_worth(n, ZKN_STEPS_MIN, threads), tiles = shares > fewest ? shares : fewest;
    return (n + tiles - 1) / tiles;
}

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define GROUP_JAC  zkn_g1_jac
#include "group_ntt_template.h"

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define GROUP_JAC  zkn_g2_jac
#include "group_ntt_template.h"
