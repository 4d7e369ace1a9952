/* Eight elements of a prime field side by side, written once and included by lane_field.h once per modulus.
 *
 * Parameters, undefined again at the end: FIELD, FIELD_CONST, FIELD_TYPE, FIELD_LIMBS, as in field_template.h.
 *
 * The lanes' form of x is x S mod m with S = 2^260: five limbs of 52 bits, one vector a limb; for Fp of BLS12-381 S = 2^416
 * in eight limbs. Nothing is reduced. A value has a *bound* of k if it is below k m. Since S > 84 m, six bits are left for
 * sums that nobody reduces, and the product of bounds a and b has a bound of
 *
 *     a b / 84 + 1        (x y + q m) / S, q < S  (Montgomery 1985)
 *
 * so 2 as long as a b <= 84. In Fr of BLS12-381 35 stands for 84 everywhere, in Fp 2^35. An element is *carried* if its
 * limbs are below 2^52, which is what products read; sums and differences leave signed limbs, until *_carry. ZKN_CHECK
 * asserts that factors are carried.
 * Radix and reduction are those of Gueron and Krasnov 2016, "Accelerating big integer arithmetic using Intel
 * IFMA extensions". Constant time throughout. */

#define F(name)   ZKN_CAT(FIELD, name)
#define F_C(name) ZKN_CAT(FIELD_CONST, name)
#define F_T       ZKN_CAT(FIELD, 8)
#define F_WIDE    ZKN_CAT(FIELD, 8_wide)
#define F_N       F_C(_LANE_LIMBS)
/* S = 2^F_RAISE R */
#define F_RAISE (LANE_BITS * F_N - 64 * FIELD_LIMBS)
#if FIELD_LIMBS == 4
#define LANE_LOAD  lane_load4
#define LANE_STORE lane_store4
#else
#define LANE_LOAD  lane_load6
#define LANE_STORE lane_store6
#endif

typedef struct {
    lane_word l[F_N];
} F_T;

/* The columns of a product, or of a sum of products, before its reduction: each below 2^63. */
typedef struct {
    lane_word c[2 * F_N];
} F_WIDE;

/* The same limbs in every lane. */
static inline void F(8_all)(F_T *out, const uint64_t in[F_N])
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = lane_all(in[i]);
}

static inline int F(8_is_carried)(const F_T *a)
{
    lane_word high = lane_all(0);
    for (int i = 0; i < F_N; i++) high = lane_or(high, lane_shr(a->l[i], LANE_BITS));
    return lane_equal(high, lane_all(0)) == 0xff;
}

/* Carries signed limbs below 2^62 in size, of a value from 0 to S - 1. */
static inline void F(8_carry)(F_T *a)
{
    const lane_word mask = lane_all(LANE_MASK);
    ZKN_UNROLL
    for (int i = 0; i + 1 < F_N; i++) {
        a->l[i + 1] = lane_add(a->l[i + 1], lane_sar(a->l[i], LANE_BITS));
        a->l[i] = lane_and(a->l[i], mask);
    }
    ZKN_ASSERT(F(8_is_carried)(a));
}

/* The same for what is only a factor from then on: products read 52 bits of a limb, so those above may stay. */
static inline void F(8_carry_factor)(F_T *a)
{
    ZKN_UNROLL
    for (int i = 0; i + 1 < F_N; i++) {
        a->l[i + 1] = lane_add(a->l[i + 1], lane_sar(a->l[i], LANE_BITS));
#ifdef ZKN_CHECK
        a->l[i] = lane_and(a->l[i], lane_all(LANE_MASK));
#endif
    }
    ZKN_ASSERT(F(8_is_carried)(a));
}

/* Bounds add; not carried. */
static inline void F(8_add)(F_T *out, const F_T *a, const F_T *b)
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = lane_add(a->l[i], b->l[i]);
}

/* a - b + k m, for b of bound k <= 512, a constant: a bound of a + k; not carried. */
static inline void F(8_sub)(F_T *out, const F_T *a, const F_T *b, uint64_t k)
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        out->l[i] = lane_add(lane_sub(a->l[i], b->l[i]), lane_all(k * F_C(_LANE_MODULUS)[i]));
    }
}

#if F_N == 5
/* 16 a: from a plain value (see *_load_plain) to the lanes' form; not carried. */
static inline void F(8_times_16)(F_T *out, const F_T *a)
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = lane_shl(a->l[i], 4);
}
#endif

/* (S / R) a, from x R to x S: carried, for a carried a of bound 5, or 4 in Fp of BLS12-381. */
static inline void F(8_raise)(F_T *out, const F_T *a)
{
    lane_word below = lane_all(0);
    ZKN_ASSERT(F(8_is_carried)(a));
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        const lane_word limb = a->l[i];
        out->l[i] = lane_or(lane_and(lane_shl(limb, F_RAISE), lane_all(LANE_MASK)), below);
        below = lane_shr(limb, LANE_BITS - F_RAISE);
    }
}

/* out <- b where the mask has a bit */
static inline void F(8_select)(F_T *out, const F_T *b, lane_mask mask)
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = lane_select(out->l[i], b->l[i], mask);
}

static inline void F(8_wide_zero)(F_WIDE *out)
{
    ZKN_UNROLL
    for (int i = 0; i < 2 * F_N; i++) out->c[i] = lane_all(0);
}

/* sum += a b, for carried a and b. A column gains at most 10 words below 2^52, or 16 of them: 200 products fit, or 100. */
static inline void F(8_wide_madd)(F_WIDE *sum, const F_T *a, const F_T *b)
{
    ZKN_ASSERT(F(8_is_carried)(a) && F(8_is_carried)(b));
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        ZKN_UNROLL
        for (int j = 0; j < F_N; j++) {
            sum->c[i + j] = lane_madd_low(sum->c[i + j], a->l[i], b->l[j]);
            sum->c[i + j + 1] = lane_madd_high(sum->c[i + j + 1], a->l[i], b->l[j]);
        }
    }
}

/* The same with a constant, whose limbs each feed a product from memory. */
static inline void F(8_wide_madd_all)(F_WIDE *sum, const F_T *a, const uint64_t b[F_N])
{
    ZKN_ASSERT(F(8_is_carried)(a));
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        ZKN_UNROLL
        for (int j = 0; j < F_N; j++) {
            sum->c[i + j] = lane_madd_low(sum->c[i + j], a->l[i], lane_all(b[j]));
            sum->c[i + j + 1] = lane_madd_high(sum->c[i + j + 1], a->l[i], lane_all(b[j]));
        }
    }
}

/* Column i into the columns above. It needs no quotient: its word c is c 2^-52 mod m, CARRY, one column higher, so nothing
 * waits for a product with N0. What that adds is below m 2^(52 (i + 2)) / S, so the last two columns are brought to a
 * multiple of 2^52 by one of m instead. */
static inline ZKN_INLINE void F(8_row)(lane_word c[2 * F_N], int i)
{
    const int folds = i < F_N - 2;
    const lane_word q = folds ? c[i] : lane_madd_low(lane_all(0), c[i], lane_all(F_C(_LANE_N0)));
    const uint64_t *factor = folds ? F_C(_LANE_CARRY) : F_C(_LANE_MODULUS);
    lane_word *to = &c[i + folds];
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) {
        to[j] = lane_madd_low(to[j], q, lane_all(factor[j]));
        to[j + 1] = lane_madd_high(to[j + 1], q, lane_all(factor[j]));
    }
    c[i + 1] = lane_add(c[i + 1], lane_shr(c[i], LANE_BITS));
}

static inline void F(8_upper)(F_T *out, const F_WIDE *columns)
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = columns->c[F_N + i];
}

/* Columns to an element, not carried: limbs below 2^57, or 2^63 for long sums. The bound is the sum of products of bounds,
 * over 84, plus 1: columns without quotients add less than m / 2^51, and S > 84.6 m. */
static inline ZKN_INLINE void F(8_reduce_columns)(F_T *out, F_WIDE *sum)
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) F(8_row)(sum->c, i);
    F(8_upper)(out, sum);
}

static inline void F(8_reduce)(F_T *out, F_WIDE *sum)
{
    F(8_reduce_columns)(out, sum);
    F(8_carry)(out);
}

/* As *_wide_madd and *_reduce; columns that are not needed yet are taken beside the rows of the reduction. */
static inline void F(8_mul)(F_T *out, const F_T *a, const F_T *b)
{
    F_WIDE product;
    ZKN_ASSERT(F(8_is_carried)(a) && F(8_is_carried)(b));
    ZKN_UNROLL
    for (int k = 0; k < 2 * F_N; k++) {
        lane_word sum = lane_all(0);
        ZKN_UNROLL
        for (int i = 0; i < F_N; i++) {
            if (i <= k && k - i < F_N) sum = lane_madd_low(sum, a->l[i], b->l[k - i]);
            if (i < k && k - 1 - i < F_N) sum = lane_madd_high(sum, a->l[i], b->l[k - 1 - i]);
        }
        product.c[k] = sum;
        if (k > F_N) F(8_row)(product.c, k - F_N - 1);
    }
    F(8_row)(product.c, F_N - 1);
    F(8_upper)(out, &product);
    F(8_carry)(out);
}

static inline void F(8_mul_all)(F_T *out, const F_T *a, const uint64_t b[F_N])
{
    F_WIDE product;
    F(8_wide_zero)(&product);
    F(8_wide_madd_all)(&product, a, b);
    F(8_reduce)(out, &product);
}

/* Column k of a square: products of unequal limbs doubled together. */
static inline ZKN_INLINE lane_word F(8_sqr_column)(const F_T *a, int k)
{
    lane_word sum = lane_all(0);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        if (i < k - i && k - i < F_N) sum = lane_madd_low(sum, a->l[i], a->l[k - i]);
        if (i < k - 1 - i && k - 1 - i < F_N) sum = lane_madd_high(sum, a->l[i], a->l[k - 1 - i]);
    }
    if (k > 0 && k < 2 * F_N - 1) sum = lane_add(sum, sum);
    return k % 2 ? lane_madd_high(sum, a->l[k / 2], a->l[k / 2])
                 : lane_madd_low(sum, a->l[k / 2], a->l[k / 2]);
}

/* 82 multiplications, where a product has 102; with eight limbs 202 and 258. */
static inline void F(8_sqr)(F_T *out, const F_T *a)
{
    F_WIDE square;
    ZKN_ASSERT(F(8_is_carried)(a));
    ZKN_UNROLL
    for (int k = 0; k < 2 * F_N; k++) {
        square.c[k] = F(8_sqr_column)(a, k);
        if (k > F_N) F(8_row)(square.c, k - F_N - 1);
    }
    F(8_row)(square.c, F_N - 1);
    F(8_upper)(out, &square);
    F(8_carry)(out);
}

/* From bound 2 and carried to the one value below m. */
static inline void F(8_canonical)(F_T *a)
{
    F_T less = *a;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) less.l[i] = lane_sub(less.l[i], lane_all(F_C(_LANE_MODULUS)[i]));
    ZKN_UNROLL
    for (int i = 0; i + 1 < F_N; i++) {
        less.l[i + 1] = lane_add(less.l[i + 1], lane_sar(less.l[i], LANE_BITS));
        less.l[i] = lane_and(less.l[i], lane_all(LANE_MASK));
    }
    F(8_select)(a, &less, (lane_mask)~lane_negative(less.l[F_N - 1]));
}

/* Less a multiple of m: from carried and bound 84 to bound 2. With T the top limb, t that of m and q the quotient,
 * T FOLD / 2^60 rounded down is q or q - 1: it is not above T / (t + 1) <= q, and misses q by less than
 * T / 2^60 + (T / t + 1) / t + 1. In eight limbs t > 2^16, so that bounds of 2^15 come down to 2, and 2^32 to 2^16 + 2. */
static inline void F(8_fold)(F_T *a)
{
    const lane_word q = lane_shr(lane_madd_high(lane_all(0), a->l[F_N - 1], lane_all(F_C(_LANE_FOLD))), 8);
    ZKN_ASSERT(F(8_is_carried)(a));
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        const lane_word m = lane_all(F_C(_LANE_MODULUS)[i]);
        a->l[i] = lane_sub(a->l[i], lane_madd_low(lane_all(0), q, m));
        if (i + 1 < F_N) a->l[i + 1] = lane_sub(a->l[i + 1], lane_madd_high(lane_all(0), q, m));
    }
    F(8_carry)(a);
}

/* Words of 64 bits, times 2^raise, in limbs of 52 bits. */
static inline ZKN_INLINE void F(8_split_by)(F_T *out, const lane_word w[FIELD_LIMBS], unsigned raise)
{
    out->l[0] = lane_and(lane_shl(w[0], raise), lane_all(LANE_MASK));
    ZKN_UNROLL
    for (unsigned i = 1; i < F_N; i++) {
        const unsigned at = LANE_BITS * i - raise, word = at / 64, bit = at % 64;
        lane_word limb = lane_shr(w[word], bit);
        if (bit > 64 - LANE_BITS && word + 1 < FIELD_LIMBS)
            limb = lane_or(limb, lane_shl(w[word + 1], 64 - bit));
        out->l[i] =
            bit < 64 - LANE_BITS || word + 1 < FIELD_LIMBS ? lane_and(limb, lane_all(LANE_MASK)) : limb;
    }
}

static inline void F(8_split)(F_T *out, const lane_word w[FIELD_LIMBS])
{
    F(8_split_by)(out, w, 0);
}

/* Words of x R to x S, of bound S / R. */
static inline void F(8_split_raised)(F_T *out, const lane_word w[FIELD_LIMBS])
{
    F(8_split_by)(out, w, F_RAISE);
}

/* A carried value below R in words of 64 bits. */
static inline void F(8_join)(lane_word w[FIELD_LIMBS], const F_T *a)
{
    ZKN_UNROLL
    for (unsigned i = 0; i < FIELD_LIMBS; i++) {
        const unsigned limb = 64 * i / LANE_BITS, bit = 64 * i % LANE_BITS;
        w[i] = lane_or(lane_shr(a->l[limb], bit), lane_shl(a->l[limb + 1], LANE_BITS - bit));
        if (2 * LANE_BITS - bit < 64 && limb + 2 < F_N)
            w[i] = lane_or(w[i], lane_shl(a->l[limb + 2], 2 * LANE_BITS - bit));
    }
}

/* Lane i <- in[i stride], a Montgomery form: times S / R it is the lanes' form, with a bound of 16, or 2^32. Carried. The
 * conversion costs shifts alone. */
static inline void F(8_load)(F_T *out, const FIELD_TYPE *in, size_t stride)
{
    lane_word w[FIELD_LIMBS];
    LANE_LOAD(w, in->l, FIELD_LIMBS * stride);
    F(8_split_raised)(out, w);
}

/* The lanes' form x S of bound 84 to x R, reduced, in words: a multiple of m that makes it divisible by 16 = S / R, and the
 * division, leave a bound of (84 + 15) / 16 < 7; where S / R = 2^32, one of (2^35 + 2^32) / 2^32. */
static inline void F(8_leave)(lane_word w[FIELD_LIMBS], const F_T *a)
{
    const lane_word mask = lane_all(LANE_MASK);
    const lane_word q = lane_and(lane_madd_low(lane_all(0), a->l[0], lane_all(F_C(_LANE_N0))),
                                 lane_all(((uint64_t)1 << F_RAISE) - 1));
    F_T t = *a, reduced;
    ZKN_ASSERT(F(8_is_carried)(a));
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        const lane_word m = lane_all(F_C(_LANE_MODULUS)[i]);
        t.l[i] = lane_madd_low(t.l[i], q, m);
        if (i + 1 < F_N) t.l[i + 1] = lane_madd_high(t.l[i + 1], q, m);
    }
    ZKN_UNROLL
    for (int i = 0; i + 1 < F_N; i++) {
        t.l[i + 1] = lane_add(t.l[i + 1], lane_shr(t.l[i], LANE_BITS));
        t.l[i] = lane_and(t.l[i], mask);
    }
    ZKN_UNROLL
    for (int i = 0; i + 1 < F_N; i++) {
        reduced.l[i] =
            lane_and(lane_or(lane_shr(t.l[i], F_RAISE), lane_shl(t.l[i + 1], LANE_BITS - F_RAISE)), mask);
    }
    reduced.l[F_N - 1] = lane_shr(t.l[F_N - 1], F_RAISE);
    F(8_fold)(&reduced);
    F(8_canonical)(&reduced);
    F(8_join)(w, &reduced);
}

/* out[i stride] <- lane i, as a Montgomery form, reduced; for carried values of bound 84. */
static inline void F(8_store)(FIELD_TYPE *out, size_t stride, const F_T *a)
{
    lane_word w[FIELD_LIMBS];
    F(8_leave)(w, a);
    LANE_STORE(out->l, FIELD_LIMBS * stride, w);
}

/* As *_load and *_store without a change of form, for what is linear: a value x R stays x R, and its product with a
 * lanes' form y S is x y R. Loaded values have a bound of 1. */
static inline void F(8_load_plain)(F_T *out, const FIELD_TYPE *in, size_t stride)
{
    lane_word w[FIELD_LIMBS];
    LANE_LOAD(w, in->l, FIELD_LIMBS * stride);
    F(8_split)(out, w);
}

static inline void F(8_store_plain)(FIELD_TYPE *out, size_t stride, const F_T *a)
{
    F_T reduced = *a;
    lane_word w[FIELD_LIMBS];
    F(8_fold)(&reduced);
    F(8_canonical)(&reduced);
    F(8_join)(w, &reduced);
    LANE_STORE(out->l, FIELD_LIMBS * stride, w);
}

static inline void F(_lane_limbs)(uint64_t out[F_N], const FIELD_TYPE *in)
{
    FIELD_TYPE x = *in;
    for (int i = 0; i < F_RAISE; i++) F(_dbl)(&x, &x);
    for (int i = 0; i < F_N; i++) {
        const int bit = LANE_BITS * i, word = bit / 64, shift = bit % 64;
        uint64_t limb = x.l[word] >> shift;
        if (shift > 64 - LANE_BITS && word + 1 < FIELD_LIMBS) limb |= x.l[word + 1] << (64 - shift);
        out[i] = limb & LANE_MASK;
    }
}

#undef F
#undef F_C
#undef F_T
#undef F_WIDE
#undef F_N
#undef F_RAISE
#undef LANE_LOAD
#undef LANE_STORE
#undef FIELD
#undef FIELD_CONST
#undef FIELD_TYPE
#undef FIELD_LIMBS
