/* The inverse transform of many points: written once, included by group_ntt.c once per group (parameters as
 * group_template.h).
 *
 * A sum of two points costs a two-hundredth of a multiple of one, so the transform is arranged for few multiples. A level
 * splits every block of so many points into columns of up to 16, takes the transform of each column, multiplies it by
 * powers of w and leaves it in bit-reversed order, as 16 blocks (Gentleman, Sande 1966). 1/n goes into the powers of the
 * first level.
 *
 * The transform of a column is that of half its length of sums x_j + x_(j+h), for even outputs, and for odd ones o the sums
 * of d_j w^(jo), d_j = x_j - x_(j+h). Of these the even j are again the odd outputs of half the length. The odd j and o are
 * the numbers +-5^a, so that with u = d_(5^a) + d_(-5^a) and v = d_(5^a) - d_(-5^a) what is left are sums of
 * u_a cos(5^(a+b)) and v_a sin(5^(a+b)), cos(t) = (w^t + w^-t)/2 and sin(t) = (w^t - w^-t)/2 (Rader 1968, Winograd 1978).
 * So 4, 8, 16 points cost 1, 4, 13 multiples, where halving alone takes 1, 5, 17. */

#include "group_vec_template.h"

/* ---- a tile of columns ---- */

typedef struct {
    GROUP_AFF *at;        /* point i of every column, for each i; after them room for two sums of as many */
    size_t width;         /* how many columns */
    GROUP_AFF **multiple; /* points to be multiplied, and by what */
    zkn_fr *factor;
    size_t multiples;
    GROUP_AFF *points; /* room for ZKN_MULTIPLES_TILE */
    GROUP_AFF *sum_to[ZKN_MULTIPLES_TILE];
    size_t sums; /* that wait for others to share their inversion */
    const zkn_fr *by;
    G(_multiples_room) room;
} G(_columns);

static void G(_columns_take)(G(_columns) * c, zkn_scratch *s)
{
    c->at = zkn_take(s, ZKN_COLUMN_POINTS, sizeof *c->at);
    c->multiple = zkn_take(s, ZKN_COLUMN_POINTS, sizeof *c->multiple);
    c->factor = zkn_take(s, ZKN_COLUMN_POINTS, sizeof *c->factor);
    c->points = zkn_take(s, ZKN_MULTIPLES_TILE, sizeof *c->points);
    G(_multiples_room_take)(&c->room, ZKN_MULTIPLES_TILE, s);
}

static void G(_take_sums)(G(_columns) * c)
{
    const size_t bytes = c->width * sizeof *c->at;
    if (c->sums == 0) return;
    G(_add_in_step)(c->room.sum, c->room.sum, c->room.addend, c->sums * c->width, &c->room);
    for (size_t k = 0; k < c->sums; k++) memcpy(c->sum_to[k], c->room.sum + k * c->width, bytes);
    c->sums = 0;
}

/* Point `to` of every column <- point a + or - point b, at the latest with the next G(_take_sums). What waits must not be
 * read before that, but by sums that are put together with it. */
static void G(_put_sum)(G(_columns) * c, unsigned to, unsigned a, unsigned b, int minus)
{
    GROUP_AFF *sum = c->room.sum + c->sums * c->width, *addend = c->room.addend + c->sums * c->width;
    memcpy(sum, c->at + a * c->width, c->width * sizeof *sum);
    memcpy(addend, c->at + b * c->width, c->width * sizeof *addend);
    for (size_t i = 0; minus && i < c->width; i++) G(_aff_neg)(&addend[i], &addend[i]);
    c->sum_to[c->sums++] = c->at + to * c->width;
}

/* Makes sure that so many sums can be put together. */
static void G(_together)(G(_columns) * c, size_t sums)
{
    if ((c->sums + sums) * c->width > ZKN_MULTIPLES_TILE) G(_take_sums)(c);
}

/* a, b <- a + b, a - b */
static void G(_butterfly)(G(_columns) * c, unsigned a, unsigned b)
{
    G(_together)(c, 2);
    G(_put_sum)(c, a, a, b, 0);
    G(_put_sum)(c, b, a, b, 1);
}

static void G(_oppose)(G(_columns) * c, unsigned a)
{
    for (size_t i = 0; i < c->width; i++) G(_aff_neg)(&c->at[a * c->width + i], &c->at[a * c->width + i]);
}

static void G(_put_multiple)(G(_columns) * c, GROUP_AFF *point, const zkn_fr *factor)
{
    c->multiple[c->multiples] = point;
    c->factor[c->multiples++] = *factor;
}

static void G(_put_multiples)(G(_columns) * c, unsigned a, zkn_by by)
{
    for (size_t i = 0; i < c->width; i++) G(_put_multiple)(c, &c->at[a * c->width + i], &c->by[by]);
}

static void G(_take_multiples)(G(_columns) * c)
{
    const size_t tiles = (c->multiples + ZKN_MULTIPLES_TILE - 1) / ZKN_MULTIPLES_TILE,
                 share = tiles ? (c->multiples + tiles - 1) / tiles : 0;
    for (size_t begin = 0; begin < c->multiples; begin += share) {
        const size_t rest = c->multiples - begin, n = rest < share ? rest : share;
        for (size_t i = 0; i < n; i++) c->points[i] = *c->multiple[begin + i];
        G(_multiples_vartime)(c->points, c->points, c->factor + begin, n, &c->room);
        for (size_t i = 0; i < n; i++) *c->multiple[begin + i] = c->points[i];
    }
    c->multiples = 0;
}

/* ---- the transform of a column ---- */

/* d holds 2^(bits - 1) differences; half of each array is used up */
static void G(_odd_before)(G(_columns) * c, const uint8_t *d, unsigned bits)
{
    uint8_t even[ZKN_RADIX / 4], odd[2][2];
    if (bits < 2) return;
    if (bits == 2) {
        G(_put_multiples)(c, d[1], ZKN_BY_I);
        return;
    }
    for (unsigned j = 0; j < 1U << (bits - 2); j++) even[j] = d[2 * j];
    G(_odd_before)(c, even, bits - 1);
    const unsigned terms = zkn_odd_points(odd, d, bits);
    for (unsigned a = 0; a < terms; a++) {
        for (unsigned sign = 0; sign < 2; sign++) {
            if (zkn_odd_power(a, sign, bits) >> (bits - 1)) G(_oppose)(c, odd[sign][a]);
        }
        G(_butterfly)(c, odd[0][a], odd[1][a]);
    }
    G(_take_sums)(c);
    for (unsigned part = 0; part < 2; part++) { /* cosines, sines */
        if (terms == 1) {
            G(_put_multiples)(c, odd[part][0], ZKN_BY_COS_8 + part);
            continue;
        }
        const unsigned both = ZKN_RADIX + part;
        G(_together)(c, 1);
        G(_put_sum)(c, both, odd[part][0], odd[part][1], 0);
        G(_take_sums)(c);
        G(_put_multiples)(c, odd[part][0], ZKN_BY_COS_16 + 3 * part);
        G(_put_multiples)(c, odd[part][1], ZKN_BY_COS_16 + 3 * part + 1);
        G(_put_multiples)(c, both, ZKN_BY_COS_16 + 3 * part + 2);
    }
}

/* What comes before the multiples of the transform of 2^bits points x. */
static void G(_column_before)(G(_columns) * c, const uint8_t *x, unsigned bits)
{
    for (; bits > 0; bits--) {
        const unsigned half = 1U << (bits - 1);
        for (unsigned j = 0; j < half; j++) G(_butterfly)(c, x[j], x[j + half]);
        G(_take_sums)(c);
        G(_odd_before)(c, x + half, bits);
    }
}

/* z[k] <- where output 2k + 1 is */
static void G(_odd_after)(G(_columns) * c, uint8_t *z, const uint8_t *d, unsigned bits)
{
    uint8_t even[ZKN_RADIX / 4], from_even[ZKN_RADIX / 4], from_odd[ZKN_RADIX / 4], odd[2][2];
    if (bits <= 2) {
        if (bits == 2) G(_butterfly)(c, d[0], d[1]);
        for (unsigned k = 0; k < bits; k++) z[k] = d[k];
        return;
    }
    const unsigned quarter = 1U << (bits - 2);
    for (unsigned j = 0; j < quarter; j++) even[j] = d[2 * j];
    G(_odd_after)(c, from_even, even, bits - 1);
    const unsigned terms = zkn_odd_points(odd, d, bits);
    for (unsigned part = 0; part < 2 && terms == 2; part++) {
        G(_together)(c, 2);
        for (unsigned a = 0; a < 2; a++) G(_put_sum)(c, odd[part][a], odd[part][a], ZKN_RADIX + part, 0);
    }
    G(_take_sums)(c);
    for (unsigned b = 0; b < terms; b++) G(_butterfly)(c, odd[0][b], odd[1][b]);
    G(_take_sums)(c);
    for (unsigned b = 0; b < terms; b++) {
        for (unsigned sign = 0; sign < 2; sign++) {
            unsigned output = zkn_odd_power(b, sign, bits);
            if (output >> (bits - 1)) {
                output -= 1U << (bits - 1);
                G(_oppose)(c, odd[sign][b]);
            }
            from_odd[output / 2] = odd[sign][b];
        }
    }
    for (unsigned k = 0; k < quarter; k++) {
        G(_butterfly)(c, from_even[k], from_odd[k]);
        z[k] = from_even[k];
        z[k + quarter] = from_odd[k];
    }
}

/* y[k] <- where output k is */
static void G(_column_after)(G(_columns) * c, uint8_t y[ZKN_RADIX], const uint8_t *x, unsigned bits)
{
    y[0] = x[0];
    for (unsigned level = 1; level <= bits; level++) {
        const unsigned half = 1U << (level - 1);
        uint8_t odd[ZKN_RADIX / 2];
        G(_odd_after)(c, odd, x + half, level);
        for (unsigned k = 0; k < half; k++) y[(2 * k + 1) << (bits - level)] = odd[k];
    }
}

/* ---- the levels ---- */

typedef struct {
    GROUP_AFF *a;
    const zkn_fr *twiddles;
    size_t n, length; /* of the whole, and of one block before the current level */
    unsigned bits;    /* a column of it holds 2^bits points */
    zkn_fr by[ZKN_BY_NUMBERS];
    G(_columns) * columns; /* for each worker */
    unsigned workers;
} G(_transform);

static void G(_transform_take)(G(_transform) * t, zkn_scratch *s)
{
    t->columns = zkn_take(s, t->workers, sizeof *t->columns);
    for (unsigned k = 0; k < t->workers; k++) {
        G(_columns) measured;
        G(_columns_take)(t->columns ? &t->columns[k] : &measured, s);
    }
}

/* w^exponent, exponent < n: the table is in bit-reversed order */
static void G(_root)(zkn_fr *out, const G(_transform) * t, size_t exponent)
{
    const size_t half = t->n / 2;
    *out = t->twiddles[zkn_reversed(exponent % half, half)];
    if (exponent >= half) fr_neg(out, out);
}

static void G(_level_tile)(void *ctx, size_t tile, size_t end, unsigned worker)
{
    (void)end;
    const G(_transform) *t = ctx;
    G(_columns) *c = &t->columns[worker];
    const size_t stride = t->length >> t->bits, radix = (size_t)1 << t->bits;
    uint8_t x[ZKN_RADIX], y[ZKN_RADIX];
    size_t start[ZKN_COLUMNS_MAX], power[ZKN_COLUMNS_MAX];
    c->width = zkn_columns(t->n >> t->bits, t->bits, t->workers);
    c->by = t->by;
    c->sums = c->multiples = 0;
    for (size_t i = 0; i < c->width; i++) {
        const size_t column = tile * c->width + i;
        power[i] = column % stride;
        start[i] = column / stride * t->length + power[i];
        for (size_t k = 0; k < radix; k++) c->at[k * c->width + i] = t->a[start[i] + k * stride];
    }
    for (uint8_t k = 0; k < radix; k++) x[k] = k;
    G(_column_before)(c, x, t->bits);
    G(_take_multiples)(c);
    G(_column_after)(c, y, x, t->bits);
    G(_take_sums)(c);
    const int first = t->length == t->n;
    for (size_t i = 0; i < c->width; i++) {
        for (size_t k = 0; k < radix; k++) {
            zkn_fr factor;
            if (!first && power[i] * k == 0) continue;
            G(_root)(&factor, t, power[i] * k * (t->n / t->length));
            if (first) fr_mul(&factor, &factor, &FR_INVERSE_POWERS_OF_TWO[__builtin_ctzll(t->n)]);
            G(_put_multiple)(c, &c->at[y[k] * c->width + i], &factor);
        }
    }
    G(_take_multiples)(c);
    for (size_t i = 0; i < c->width; i++) {
        for (size_t k = 0; k < radix; k++)
            t->a[start[i] + zkn_reversed(k, radix) * stride] = c->at[y[k] * c->width + i];
    }
}

size_t ZKN_G(_intt_scratch_size)(unsigned threads)
{
    zkn_scratch measure = {NULL, 0};
    G(_transform) t = {.workers = zkn_workers(ZKN_MAX_THREADS, threads)};
    G(_transform_take)(&t, &measure);
    return measure.used;
}

zkn_status ZKN_G(_intt_vartime)(GROUP_AFF *a, size_t n, const zkn_fr *twiddles, unsigned threads,
                                void *scratch)
{
    if (n == 0 || (n & (n - 1)) != 0 || n > (size_t)1 << FR_TWO_ADICITY) return ZKN_BAD_LENGTH;
    if (n == 1) return ZKN_OK;
    zkn_scratch room = {scratch, 0};
    G(_transform)
    t = {.a = a, .twiddles = twiddles, .n = n, .workers = zkn_workers(ZKN_MAX_THREADS, threads)};
    G(_transform_take)(&t, &room);
    zkn_column_constants(t.by);
    for (t.length = n; t.length > 1; t.length >>= t.bits) {
        const unsigned left = (unsigned)__builtin_ctzll(t.length);
        t.bits = left < ZKN_RADIX_BITS ? left : ZKN_RADIX_BITS;
        const size_t columns = n >> t.bits;
        zkn_parallel_each(columns / zkn_columns(columns, t.bits, t.workers), threads, G(_level_tile), &t);
    }
    for (size_t i = 0; i < n; i++) { /* bit-reversed order to natural */
        const size_t mirrored = zkn_reversed(i, n);
        if (i >= mirrored) continue;
        const GROUP_AFF other = a[i];
        a[i] = a[mirrored];
        a[mirrored] = other;
    }
    for (size_t low = 1, high = n - 1; low < high; low++, high--) { /* the sum over w^ij to that over w^-ij */
        const GROUP_AFF other = a[low];
        a[low] = a[high];
        a[high] = other;
    }
    return ZKN_OK;
}

#undef G
#undef ZKN_G
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_JAC
