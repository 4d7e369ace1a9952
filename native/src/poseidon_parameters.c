/* Poseidon parameters for BN254, widths 2 to 17, derived when a width is first used.
 *
 * The published constants are the output of a short program, the Grain LFSR of Grassi, Khovratovich,
 * Rechberger, Roy, Schofnegger 2021 ("Poseidon", USENIX Security, appendix on the initialization of Grain),
 * seeded with the shape of the instance. That program is what stands here: its output is 10,854 round
 * constants and 16 matrices, a megabyte of source that nobody could review, and takes 0.2 to 3 ms a width to
 * derive. Tests compare every number with an independent derivation and with circomlib's list. */
#include "poseidon.h"

#include <pthread.h>
#include <stdatomic.h>

#include "field.h"

enum { FIELD_BITS = 254, MAX_LANES = ZKN_POSEIDON_MAX_WIDTH - 1 };

static const uint8_t PARTIAL_ROUNDS[ZKN_POSEIDON_MAX_WIDTH + 1] = {0,  0,  56, 57, 56, 60, 60, 63, 64,
                                                                   63, 60, 66, 60, 65, 70, 60, 64, 68};

size_t zkn_poseidon_partial_rounds(size_t width)
{
    return width <= ZKN_POSEIDON_MAX_WIDTH ? PARTIAL_ROUNDS[width] : 0;
}

/* ---- the generator ---- */

/* 80 bits of state, the oldest lowest. b_(i+80) = b_(i+62) + b_(i+51) + b_(i+38) + b_(i+23) + b_(i+13) +
 * b_i depends on nothing younger than 18 bits, so 16 bits are made at once. */
typedef struct {
    zkn_u128 state;
    unsigned bits, pairs; /* output not yet used, the oldest lowest, and how many pairs of it are left */
} grain;

static unsigned grain_clock_16(grain *g)
{
    const zkn_u128 s = g->state;
    const unsigned fresh = (unsigned)(s ^ s >> 13 ^ s >> 23 ^ s >> 38 ^ s >> 51 ^ s >> 62) & 0xffff;
    g->state = s >> 16 | (zkn_u128)fresh << 64;
    return fresh;
}

/* The seed is a bit string, most significant bit of each number first. */
static void grain_put(grain *g, unsigned *at, unsigned value, unsigned size)
{
    while (size--) g->state |= (zkn_u128)(value >> size & 1) << (*at)++;
}

static void grain_start(grain *g, size_t width)
{
    unsigned at = 0;
    *g = (grain){0, 0, 0};
    grain_put(g, &at, 1, 2); /* prime field */
    grain_put(g, &at, 0, 4); /* S-box x^5 */
    grain_put(g, &at, FIELD_BITS, 12);
    grain_put(g, &at, (unsigned)width, 12);
    grain_put(g, &at, ZKN_POSEIDON_FULL_ROUNDS, 10);
    grain_put(g, &at, PARTIAL_ROUNDS[width], 10);
    grain_put(g, &at, (1u << 30) - 1, 30);
    for (int discarded = 0; discarded < 160; discarded += 16) (void)grain_clock_16(g);
}

/* 254 bits, the first one highest. Of each pair of output bits the second counts, and only if the first is
 * 1. */
static void grain_integer(grain *g, uint64_t out[4])
{
    for (int i = 0; i < 4; i++) out[i] = 0;
    for (int position = FIELD_BITS - 1; position >= 0;) {
        if (g->pairs == 0) g->bits = grain_clock_16(g), g->pairs = 8;
        const unsigned counts = g->bits & 1, bit = g->bits >> 1 & 1;
        out[position >> 6] |= (uint64_t)(counts & bit) << (position & 63);
        position -= (int)counts;
        g->bits >>= 2, g->pairs--;
    }
}

/* A round constant: the first integer below r. */
static void grain_below_modulus(grain *g, zkn_fr *out)
{
    zkn_fr integer;
    do grain_integer(g, integer.l);
    while (!fr_is_reduced(&integer));
    fr_from_canonical(out, integer.l);
}

/* A coordinate of the matrix: the next integer modulo r. */
static void grain_modulo(grain *g, zkn_fr *out)
{
    uint64_t integer[4];
    zkn_fr reduced;
    grain_integer(g, integer);
    fr_reduce_once(&reduced, integer);
    fr_from_canonical(out, reduced.l);
}

zkn_status zkn_poseidon_constants(zkn_fr *round_constants, zkn_fr *mds, size_t width)
{
    if (zkn_poseidon_partial_rounds(width) == 0) return ZKN_BAD_LENGTH;
    grain g;
    grain_start(&g, width);
    const size_t n = width * (ZKN_POSEIDON_FULL_ROUNDS + PARTIAL_ROUNDS[width]);
    for (size_t i = 0; i < n; i++) grain_below_modulus(&g, &round_constants[i]);

    /* A Cauchy matrix 1/(x_i + y_j). The paper draws again if two of the coordinates meet; for these widths
     * none do. */
    zkn_fr xy[2 * ZKN_POSEIDON_MAX_WIDTH], sums[ZKN_POSEIDON_MAX_WIDTH * ZKN_POSEIDON_MAX_WIDTH];
    for (size_t i = 0; i < 2 * width; i++) grain_modulo(&g, &xy[i]);
    for (size_t i = 0; i < width; i++) {
        for (size_t j = 0; j < width; j++) fr_add(&sums[i * width + j], &xy[i], &xy[width + j]);
    }
    size_t bad;
    return zkn_fr_vec_inverse(mds, &bad, sums, width * width);
}

/* ---- the form that is run ---- */

/* out <- a b for an n x m matrix a and an m x k matrix b; no aliasing. Public values only, like everything
 * here. */
static void multiply(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n, size_t m, size_t k)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < k; j++) {
            zkn_fr sum, product;
            fr_zero(&sum);
            for (size_t l = 0; l < m; l++)
                fr_mul(&product, &a[i * m + l], &b[l * k + j]), fr_add(&sum, &sum, &product);
            out[i * k + j] = sum;
        }
    }
}

/* b <- a^-1 b for an invertible n x n matrix a, which is destroyed, and an n x k matrix b (Gauss-Jordan). */
static void solve(zkn_fr *b, zkn_fr *a, size_t n, size_t k)
{
    for (size_t i = 0; i < n; i++) {
        size_t pivot = i;
        while (pivot + 1 < n && fr_is_zero(&a[pivot * n + i])) pivot++;
        zkn_fr swap, inverse, factor, product;
        for (size_t j = 0; j < n; j++)
            swap = a[i * n + j], a[i * n + j] = a[pivot * n + j], a[pivot * n + j] = swap;
        for (size_t j = 0; j < k; j++)
            swap = b[i * k + j], b[i * k + j] = b[pivot * k + j], b[pivot * k + j] = swap;
        fr_inv(&inverse, &a[i * n + i]);
        for (size_t j = 0; j < n; j++) fr_mul(&a[i * n + j], &a[i * n + j], &inverse);
        for (size_t j = 0; j < k; j++) fr_mul(&b[i * k + j], &b[i * k + j], &inverse);
        for (size_t row = 0; row < n; row++) {
            if (row == i) continue;
            factor = a[row * n + i];
            for (size_t j = 0; j < n; j++) {
                fr_mul(&product, &factor, &a[i * n + j]);
                fr_sub(&a[row * n + j], &a[row * n + j], &product);
            }
            for (size_t j = 0; j < k; j++) {
                fr_mul(&product, &factor, &b[i * k + j]);
                fr_sub(&b[row * k + j], &b[row * k + j], &product);
            }
        }
    }
}

/* feed <- -p_1 .. -p_n and basis <- T for the lower right block H and the lower left column w of mds, n =
 * width - 1. H^n w = c_0 w + .. + c_(n-1) H^(n-1) w gives p_i = -c_(n-i); then T has the columns t_1 = w,
 * t_(i+1) = H t_i + p_i w. */
static void canonical_form(zkn_fr *feed, zkn_fr *basis, const zkn_fr *mds, size_t width)
{
    const size_t n = width - 1;
    zkn_fr h[MAX_LANES * MAX_LANES], w[MAX_LANES], krylov[MAX_LANES * MAX_LANES], power[MAX_LANES],
        next[MAX_LANES];
    for (size_t i = 0; i < n; i++) {
        w[i] = mds[(i + 1) * width];
        for (size_t j = 0; j < n; j++) h[i * n + j] = mds[(i + 1) * width + j + 1];
    }
    for (size_t i = 0; i < n; i++) power[i] = w[i];
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++) krylov[i * n + j] = power[i];
        multiply(next, h, power, n, n, 1);
        for (size_t i = 0; i < n; i++) power[i] = next[i];
    }
    solve(power, krylov, n, 1);
    for (size_t i = 0; i < n; i++) feed[i] = power[n - 1 - i];

    for (size_t i = 0; i < n; i++) power[i] = w[i];
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++) basis[i * n + j] = power[i];
        multiply(next, h, power, n, n, 1);
        for (size_t i = 0; i < n; i++) {
            zkn_fr product;
            fr_mul(&product, &feed[j], &w[i]);
            fr_sub(&power[i], &next[i], &product);
        }
    }
}

/* scalar, last <- the constants from the first partial round on: lanes 1.. of a partial round skip its
 * S-box, so their constants move through M into the next round. */
static void push_constants(poseidon_table *table, const zkn_fr *round_constants)
{
    const size_t t = table->width;
    zkn_fr carried[ZKN_POSEIDON_MAX_WIDTH], next[ZKN_POSEIDON_MAX_WIDTH];
    for (size_t i = 0; i < t; i++) fr_zero(&carried[i]);
    for (size_t round = 0; round < table->partial_rounds; round++) {
        for (size_t i = 0; i < t; i++) fr_add(&carried[i], &carried[i], &round_constants[round * t + i]);
        table->scalar[round] = carried[0];
        fr_zero(&carried[0]);
        multiply(next, table->mds, carried, t, t, 1);
        for (size_t i = 0; i < t; i++) carried[i] = next[i];
    }
    for (size_t i = 0; i < POSEIDON_HALF_FULL * t; i++)
        table->last[i] = round_constants[table->partial_rounds * t + i];
    for (size_t i = 0; i < t; i++) fr_add(&table->last[i], &table->last[i], &carried[i]);
}

static void derive(poseidon_table *table, size_t width)
{
    const size_t t = width, n = width - 1;
    zkn_fr round_constants[POSEIDON_MAX_ROUNDS * ZKN_POSEIDON_MAX_WIDTH];
    zkn_fr basis[MAX_LANES * MAX_LANES], lanes[MAX_LANES * ZKN_POSEIDON_MAX_WIDTH];
    table->width = width;
    table->partial_rounds = PARTIAL_ROUNDS[width];
    (void)zkn_poseidon_constants(round_constants, table->mds, width);
    for (size_t i = 0; i < POSEIDON_HALF_FULL * t; i++) table->first[i] = round_constants[i];
    push_constants(table, &round_constants[POSEIDON_HALF_FULL * t]);
    canonical_form(table->feed, basis, table->mds, width);

    for (size_t row = 0; row < t; row++) { /* leave = M diag(1, T), whose row 0 is also the step */
        table->leave[row * t] = table->mds[row * t];
        multiply(&table->leave[row * t + 1], &table->mds[row * t + 1], basis, 1, n, n);
    }
    for (size_t i = 0; i < t; i++) table->step[i] = table->leave[i], table->enter[i] = table->mds[i];
    for (size_t i = 0; i < n * t; i++) lanes[i] = table->mds[t + i];
    solve(lanes, basis, n, t); /* enter = diag(1, 1/T) M */
    for (size_t i = 0; i < n * t; i++) table->enter[t + i] = lanes[i];
}

const poseidon_table *poseidon_table_of(size_t width)
{
    static poseidon_table tables[ZKN_POSEIDON_MAX_WIDTH + 1];
    static atomic_int ready[ZKN_POSEIDON_MAX_WIDTH + 1];
    static pthread_mutex_t deriving = PTHREAD_MUTEX_INITIALIZER;
    if (!atomic_load_explicit(&ready[width], memory_order_acquire)) {
        pthread_mutex_lock(&deriving);
        if (!atomic_load_explicit(&ready[width], memory_order_relaxed)) {
            derive(&tables[width], width);
            atomic_store_explicit(&ready[width], 1, memory_order_release);
        }
        pthread_mutex_unlock(&deriving);
    }
    return &tables[width];
}
