/* Multiples of many points at once: written once, included by multiples.h once per group (parameters as
 * group_template.h, GROUP_LANES: 1 if there are lanes for its points, MULTIPLES_SPLIT: the constants that halve its scalars, and MULTIPLES_DEFINE for the
 * functions).
 *
 * A scalar is split in halves (k, l) with s = k + l e, e the eigenvalue of an endomorphism that costs next
 * to nothing (Gallant, Lambert, Vanstone 2001, section 4; on G2 Galbraith, Scott 2008). A tile of points
 * then doubles and adds in step, in affine coordinates (pairs.h), all of a step sharing one inversion: 7M + 6M/2 a
 * bit, where Jacobian coordinates take 7M + 11M/2 and an inversion for each result. */

#define G(name) ZKN_CAT(GROUP, name)
#define C(name) ZKN_CAT(COORD, name)

/* Room for one worker. */
typedef struct {
    GROUP_AFF *sum, *addend; /* what is added to what, one behind the other */
    GROUP_AFF *table;        /* for both halves, ZKN_MULTIPLES_TABLE entries a point */
    COORD_TYPE *denominators, *products;
    zkn_pair *pairs;
    zkn_halves *halves;
#if GROUP_LANES
    void *lanes;
#endif
    size_t tile; /* how many points it is for, at most ZKN_MULTIPLES_TILE */
} G(_multiples_room);

void G(_multiples_room_take)(G(_multiples_room) * room, size_t tile, zkn_scratch *s);

/* out[i] <- a[i] + b[i] for as many points as the room is for; out may be a or b, and a the sums in the room, b the
 * addends there. Both are overwritten. */
void G(_add_in_step)(GROUP_AFF *out, const GROUP_AFF *a, const GROUP_AFF *b, size_t n,
                     const G(_multiples_room) * room);

/* out[i] <- s[i] a[i] for as many points as the room is for; out may be a. Scalars that are small, or minus
 * small, cost less when all of a tile are. */
void G(_multiples_vartime)(GROUP_AFF *out, const GROUP_AFF *a, const zkn_fr *s, size_t n,
                           const G(_multiples_room) * room);

/* *out <- the sum of s[i] a[i] for n <= ZKN_FEW points, at any alignment. */
void G(_sum_few_vartime)(GROUP_JAC *out, const void *a, const zkn_fr *s, size_t n);

#if GROUP_LANES
/* G(_multiples_vartime) for points and scalars of which none leads to infinity or to a sum of equal points. If one does, it
 * returns 0, and out is untouched. */
int G(_multiples_in_lanes)(GROUP_AFF *out, const GROUP_AFF *a, const zkn_fr *s, size_t n,
                           const G(_multiples_room) * room);
#endif

#ifdef MULTIPLES_DEFINE

/* table <- 1 to 8 times a, by one inversion; a is not infinity, and so no entry is. */
static void G(_table_of)(GROUP_AFF *table, const GROUP_AFF *a)
{
    GROUP_JAC multiple[ZKN_MULTIPLES_TABLE];
    COORD_TYPE before[ZKN_MULTIPLES_TABLE], inverse, z, z2;
    C(_one)(&inverse);
    table[0] = *a;
    G(_jac_from_aff)(&multiple[0], a);
    for (int k = 1; k < ZKN_MULTIPLES_TABLE; k++) {
        if (k % 2) {
            G(_jac_dbl)(&multiple[k], &multiple[k / 2]);
        } else {
            G(_jac_add_aff)(&multiple[k], &multiple[k - 1], a);
        }
        before[k] = inverse;
        C(_mul)(&inverse, &inverse, &multiple[k].Z);
    }
    C(_inv)(&inverse, &inverse);
    for (int k = ZKN_MULTIPLES_TABLE; k-- > 1;) {
        C(_mul)(&z, &inverse, &before[k]);
        C(_mul)(&inverse, &inverse, &multiple[k].Z);
        C(_sqr)(&z2, &z);
        C(_mul)(&table[k].x, &multiple[k].X, &z2);
        C(_mul)(&z, &z, &z2);
        C(_mul)(&table[k].y, &multiple[k].Y, &z);
    }
}

/* Doublings shared by all points and halves (Straus 1964), in Jacobian coordinates: too few for affine steps to share
 * an inversion. */
void G(_sum_few_vartime)(GROUP_JAC *out, const void *a, const zkn_fr *s, size_t n)
{
    GROUP_AFF table[ZKN_FEW][2][ZKN_MULTIPLES_TABLE], addend;
    zkn_halves halves[ZKN_FEW];
    unsigned windows[ZKN_FEW], most = 0;
    ZKN_ASSERT(n <= ZKN_FEW);
    for (size_t i = 0; i < n; i++) {
        memcpy(&addend, (const uint8_t *)a + i * sizeof addend, sizeof addend);
        windows[i] = G(_aff_is_zero)(&addend) ? 0 : zkn_halve(&halves[i], &s[i], MULTIPLES_SPLIT);
        if (windows[i] == 0) continue;
        if (windows[i] > most) most = windows[i];
        G(_table_of)(table[i][0], &addend);
        for (int k = 0; k < ZKN_MULTIPLES_TABLE; k++)
            MULTIPLES_ENDOMORPHISM(&table[i][1][k], &table[i][0][k]);
    }
    G(_jac_zero)(out);
    for (unsigned window = most; window-- > 0;) {
        for (int doubling = 0; doubling < 4; doubling++) G(_jac_dbl)(out, out);
        for (size_t i = 0; i < n; i++) {
            for (unsigned half = 0; half < 2 && window < windows[i]; half++) {
                const int digit = zkn_half_digit(&halves[i], half, window);
                if (digit == 0) continue;
                addend = table[i][half][(digit < 0 ? -digit : digit) - 1];
                if (digit < 0) G(_aff_neg)(&addend, &addend);
                G(_jac_add_aff)(out, out, &addend);
            }
        }
    }
    zkn_wipe(halves, sizeof halves);
}

void G(_multiples_room_take)(G(_multiples_room) * room, size_t tile, zkn_scratch *s)
{
    ZKN_ASSERT(tile <= ZKN_MULTIPLES_TILE);
    room->tile = tile;
    room->sum = zkn_take(s, 2 * tile, sizeof *room->sum);
    room->addend = room->sum ? room->sum + tile : NULL;
    room->table = zkn_take(s, 2 * ZKN_MULTIPLES_TABLE * tile, sizeof *room->table);
    room->denominators = zkn_take(s, tile, sizeof *room->denominators);
    room->products = zkn_take(s, tile, sizeof *room->products);
    room->pairs = zkn_take(s, tile, sizeof *room->pairs);
    room->halves = zkn_take(s, tile, sizeof *room->halves);
#if GROUP_LANES
    const size_t coordinate = ZKN_LANE_BYTES * (sizeof(COORD_TYPE) / sizeof(zkn_fp));
    const size_t filled = (tile + ZKN_LANES_FULL - 1) / ZKN_LANES_FULL * ZKN_LANES_FULL;
    room->lanes = zkn_take(s, 1, 64 + filled * (5 * coordinate + ZKN_PIECES_BYTES));
#endif
}

void G(_add_in_step)(GROUP_AFF *out, const GROUP_AFF *a, const GROUP_AFF *b, size_t n,
                     const G(_multiples_room) * room)
{
    if (a != room->sum) memcpy(room->sum, a, n * sizeof *a);
    if (b != room->addend) memcpy(room->addend, b, n * sizeof *b);
    for (uint32_t i = 0; i < n; i++) room->pairs[i] = (zkn_pair){i, (uint32_t)room->tile + i};
    G(_add_pairs_vartime)(room->sum, room->pairs, n, room->denominators, room->products);
    if (out != room->sum) memcpy(out, room->sum, n * sizeof *out);
}

/* p[i] <- 2 p[i] for n points, infinity included; no other point has y = 0, as it would
 * be of order 2. */
static void G(_double_in_step)(GROUP_AFF *p, size_t n, const G(_multiples_room) * room)
{
    COORD_TYPE chain[ZKN_CHAINS], inverse, slope, x;
    for (int k = 0; k < ZKN_CHAINS; k++) C(_one)(&chain[k]);
    for (size_t i = 0; i < n; i++) {
        COORD_TYPE *denominator = &room->denominators[i];
        C(_dbl)(denominator, &p[i].y);
        if (__builtin_expect(C(_is_zero)(denominator), 0)) C(_one)(denominator);
        room->products[i] = chain[i % ZKN_CHAINS];
        C(_mul)(&chain[i % ZKN_CHAINS], &chain[i % ZKN_CHAINS], denominator);
    }
    G(_invert_products)(chain);
    for (size_t i = n; i-- > 0;) {
        C(_mul)(&inverse, &room->products[i], &chain[i % ZKN_CHAINS]);
        C(_mul)(&chain[i % ZKN_CHAINS], &chain[i % ZKN_CHAINS], &room->denominators[i]);
        C(_sqr)(&x, &p[i].x);
        C(_dbl)(&slope, &x);
        C(_add)(&slope, &slope, &x); /* 3 x^2: 0 for infinity, which so stays what it is */
        C(_mul)(&slope, &slope, &inverse);
        C(_sqr)(&x, &slope);
        C(_sub)(&x, &x, &p[i].x);
        C(_sub)(&x, &x, &p[i].x);
        C(_sub)(&inverse, &p[i].x, &x);
        C(_mul)(&slope, &slope, &inverse);
        C(_sub)(&p[i].y, &slope, &p[i].y);
        p[i].x = x;
    }
}

/* The entries 1, 2, .., 8 times a half's base, tile by tile: entry k of point i is at [(k - 1) n + i]. */
static void G(_fill_tables)(const GROUP_AFF *a, size_t n, const G(_multiples_room) * room)
{
    GROUP_AFF *first = room->table, *second = first + ZKN_MULTIPLES_TABLE * n;
    for (size_t i = 0; i < n; i++) first[i] = a[i];
    memcpy(first + n, first, n * sizeof *first);
    G(_double_in_step)(first + n, n, room);
    for (size_t k = 3; k <= ZKN_MULTIPLES_TABLE; k++) {
        GROUP_AFF *entry = first + (k - 1) * n;
        G(_add_in_step)(entry, entry - n, first, n, room);
    }
    for (size_t i = 0; i < ZKN_MULTIPLES_TABLE * n; i++) MULTIPLES_ENDOMORPHISM(&second[i], &first[i]);
}

/* out <- that entry of a table for a digit other than 0 */
static inline void G(_entry_of)(GROUP_AFF *out, const GROUP_AFF *table, int digit, size_t n, size_t i)
{
    *out = table[(size_t)((digit < 0 ? -digit : digit) - 1) * n + i];
    if (digit < 0) G(_aff_neg)(out, out);
}

/* The multiples from tables and halves, one by one in Jacobian coordinates, by one inversion at the end. */
static void G(_multiples_apart)(GROUP_AFF *out, size_t n, unsigned windows, const G(_multiples_room) * room)
{
    COORD_TYPE inverse, z, z2;
    C(_one)(&inverse);
    for (size_t i = 0; i < n; i++) {
        GROUP_JAC sum;
        GROUP_AFF addend;
        G(_jac_zero)(&sum);
        for (unsigned window = windows; window-- > 0;) {
            for (int doubling = 0; doubling < 4 && window + 1 < windows; doubling++) G(_jac_dbl)(&sum, &sum);
            for (unsigned half = 0; half < 2; half++) {
                const int digit = zkn_half_digit(&room->halves[i], half, window);
                if (digit == 0) continue;
                G(_entry_of)(&addend, room->table + half * ZKN_MULTIPLES_TABLE * n, digit, n, i);
                G(_jac_add_aff)(&sum, &sum, &addend);
            }
        }
        out[i].x = sum.X, out[i].y = sum.Y;
        if (G(_jac_is_zero)(&sum)) {
            G(_aff_zero)(&out[i]);
            C(_one)(&sum.Z);
        }
        room->denominators[i] = sum.Z;
        room->products[i] = inverse;
        C(_mul)(&inverse, &inverse, &sum.Z);
    }
    C(_inv)(&inverse, &inverse);
    for (size_t i = n; i-- > 0;) {
        C(_mul)(&z, &inverse, &room->products[i]);
        C(_mul)(&inverse, &inverse, &room->denominators[i]);
        C(_sqr)(&z2, &z);
        C(_mul)(&out[i].x, &out[i].x, &z2);
        C(_mul)(&z, &z, &z2);
        C(_mul)(&out[i].y, &out[i].y, &z);
    }
}

void G(_multiples_vartime)(GROUP_AFF *out, const GROUP_AFF *a, const zkn_fr *s, size_t n,
                           const G(_multiples_room) * room)
{
#if GROUP_LANES
    if (n >= ZKN_LANES_MIN && G(_multiples_in_lanes)(out, a, s, n, room)) return;
#endif
    GROUP_AFF *sum = room->sum, *addend = room->addend;
    unsigned windows = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned needed = zkn_halve(&room->halves[i], &s[i], MULTIPLES_SPLIT);
        if (needed > windows) windows = needed;
    }
    if (windows > 0) G(_fill_tables)(a, n, room);
    if (n * sizeof(COORD_TYPE) < ZKN_STEP_BYTES) {
        G(_multiples_apart)(out, n, windows, room);
        return;
    }
    for (size_t i = 0; i < n; i++) G(_aff_zero)(&sum[i]);
    for (unsigned window = windows; window-- > 0;) {
        for (int doubling = 0; doubling < 4 && window + 1 < windows; doubling++)
            G(_double_in_step)(sum, n, room);
        for (unsigned half = 0; half < 2; half++) {
            const GROUP_AFF *table = room->table + half * ZKN_MULTIPLES_TABLE * n;
            int any = 0;
            for (size_t i = 0; i < n; i++) {
                const int digit = zkn_half_digit(&room->halves[i], half, window);
                any |= digit;
                if (digit == 0) {
                    G(_aff_zero)(&addend[i]);
                } else {
                    G(_entry_of)(&addend[i], table, digit, n, i);
                }
            }
            if (any) G(_add_in_step)(sum, sum, addend, n, room);
        }
    }
    for (size_t i = 0; i < n; i++) out[i] = sum[i];
}

#endif

#undef G
#undef C
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_LANES
#undef GROUP_JAC
#undef MULTIPLES_SPLIT
#undef MULTIPLES_ENDOMORPHISM
