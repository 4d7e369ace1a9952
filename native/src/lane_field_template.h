/* Eight elements of a prime field side by side, written once and included by lane_field.h once per modulus.
 *
 * Parameters, undefined again at the end: FIELD, FIELD_CONST, FIELD_TYPE, as in field_template.h.
 *
 * The lanes' form of x is x S mod m with S = 2^260: five limbs of 52 bits, one vector a limb. Nothing is
 * reduced. A value has a *bound* of k if it is below k m. Since S > 84 m, six bits are left for sums that
 * nobody reduces, and the product of bounds a and b has a bound of
 *
 *     a b / 84 + 1        (x y + q m) / S, q < S  (Montgomery 1985)
 *
 * so 2 as long as a b <= 84. An element is *carried* if its limbs are below 2^52, which is what products
 * read; sums and differences leave signed limbs, until *_carry. ZKN_CHECK asserts that factors are carried.
 * Radix and reduction are those of Gueron and Krasnov 2016, "Accelerating big integer arithmetic using Intel
 * IFMA extensions". Constant time throughout. */

#define F(name)   ZKN_CAT(FIELD, name)
#define F_C(name) ZKN_CAT(FIELD_CONST, name)
#define F_T       ZKN_CAT(FIELD, 8)
#define F_WIDE    ZKN_CAT(FIELD, 8_wide)

typedef struct {
    lane_word l[LANE_LIMBS];
} F_T;

/* The ten columns of a product, or of a sum of products, before its reduction: each below 2^63. */
typedef struct {
    lane_word c[2 * LANE_LIMBS];
} F_WIDE;

/* The same limbs in every lane. */
static inline void F(8_all)(F_T *out, const uint64_t in[LANE_LIMBS])
{
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) out->l[i] = lane_all(in[i]);
}

static inline int F(8_is_carried)(const F_T *a)
{
    lane_word high = lane_all(0);
    for (int i = 0; i < LANE_LIMBS; i++) high = lane_or(high, lane_shr(a->l[i], LANE_BITS));
    return lane_equal(high, lane_all(0)) == 0xff;
}

/* Carries signed limbs below 2^62 in size, of a value from 0 to 2^260 - 1. */
static inline void F(8_carry)(F_T *a)
{
    const lane_word mask = lane_all(LANE_MASK);
    ZKN_UNROLL
    for (int i = 0; i + 1 < LANE_LIMBS; i++) {
        a->l[i + 1] = lane_add(a->l[i + 1], lane_sar(a->l[i], LANE_BITS));
        a->l[i] = lane_and(a->l[i], mask);
    }
    ZKN_ASSERT(F(8_is_carried)(a));
}

/* Bounds add; not carried. */
static inline void F(8_add)(F_T *out, const F_T *a, const F_T *b)
{
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) out->l[i] = lane_add(a->l[i], b->l[i]);
}

/* a - b + k m, for b of bound k, a constant: a bound of a + k; not carried. */
static inline void F(8_sub)(F_T *out, const F_T *a, const F_T *b, uint64_t k)
{
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        out->l[i] = lane_add(lane_sub(a->l[i], b->l[i]), lane_all(k * F_C(_LANE_MODULUS)[i]));
    }
}

/* 16 a: from a plain value (see *_load_plain) to the lanes' form; not carried. */
static inline void F(8_times_16)(F_T *out, const F_T *a)
{
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) out->l[i] = lane_shl(a->l[i], 4);
}

/* out <- b where the mask has a bit */
static inline void F(8_select)(F_T *out, const F_T *b, lane_mask mask)
{
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) out->l[i] = lane_select(out->l[i], b->l[i], mask);
}

static inline void F(8_wide_zero)(F_WIDE *out)
{
    ZKN_UNROLL
    for (int i = 0; i < 2 * LANE_LIMBS; i++) out->c[i] = lane_all(0);
}

/* sum += a b, for carried a and b. A column gains at most 10 words below 2^52: 200 products fit. */
static inline void F(8_wide_madd)(F_WIDE *sum, const F_T *a, const F_T *b)
{
    ZKN_ASSERT(F(8_is_carried)(a) && F(8_is_carried)(b));
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        ZKN_UNROLL
        for (int j = 0; j < LANE_LIMBS; j++) {
            sum->c[i + j] = lane_madd_low(sum->c[i + j], a->l[i], b->l[j]);
            sum->c[i + j + 1] = lane_madd_high(sum->c[i + j + 1], a->l[i], b->l[j]);
        }
    }
}

/* The same with a constant, whose limbs each feed a product from memory. */
static inline void F(8_wide_madd_all)(F_WIDE *sum, const F_T *a, const uint64_t b[LANE_LIMBS])
{
    ZKN_ASSERT(F(8_is_carried)(a));
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        ZKN_UNROLL
        for (int j = 0; j < LANE_LIMBS; j++) {
            sum->c[i + j] = lane_madd_low(sum->c[i + j], a->l[i], lane_all(b[j]));
            sum->c[i + j + 1] = lane_madd_high(sum->c[i + j + 1], a->l[i], lane_all(b[j]));
        }
    }
}

/* Columns to an element, not carried: limbs below 2^57, or 2^63 for long sums. The bound is the sum of products of bounds,
 * over 84, plus 1.
 *
 * The low three columns need no quotient: a word c of theirs is c 2^-52 mod m, CARRY, one column higher, so nothing waits
 * for a product with N0. What that adds is below 2^209 m, and S > 84.6 m, so the
 * bound holds. */
static inline ZKN_INLINE void F(8_reduce_columns)(F_T *out, F_WIDE *sum)
{
    lane_word *c = sum->c;
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        const int folds = i < 3;
        const lane_word q = folds ? c[i] : lane_madd_low(lane_all(0), c[i], lane_all(F_C(_LANE_N0)));
        const uint64_t *factor = folds ? F_C(_LANE_CARRY) : F_C(_LANE_MODULUS);
        lane_word *to = &c[i + folds];
        ZKN_UNROLL
        for (int j = 0; j < LANE_LIMBS; j++) {
            to[j] = lane_madd_low(to[j], q, lane_all(factor[j]));
            to[j + 1] = lane_madd_high(to[j + 1], q, lane_all(factor[j]));
        }
        c[i + 1] = lane_add(c[i + 1], lane_shr(c[i], LANE_BITS));
    }
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) out->l[i] = c[LANE_LIMBS + i];
}

static inline void F(8_reduce)(F_T *out, F_WIDE *sum)
{
    F(8_reduce_columns)(out, sum);
    F(8_carry)(out);
}

static inline void F(8_mul)(F_T *out, const F_T *a, const F_T *b)
{
    F_WIDE product;
    F(8_wide_zero)(&product);
    F(8_wide_madd)(&product, a, b);
    F(8_reduce)(out, &product);
}

static inline void F(8_mul_all)(F_T *out, const F_T *a, const uint64_t b[LANE_LIMBS])
{
    F_WIDE product;
    F(8_wide_zero)(&product);
    F(8_wide_madd_all)(&product, a, b);
    F(8_reduce)(out, &product);
}

/* Ten products of unequal limbs, doubled together, and five squares: 85 multiplications, where a product has 105. */
static inline void F(8_sqr)(F_T *out, const F_T *a)
{
    F_WIDE square;
    ZKN_ASSERT(F(8_is_carried)(a));
    F(8_wide_zero)(&square);
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        ZKN_UNROLL
        for (int j = i + 1; j < LANE_LIMBS; j++) {
            square.c[i + j] = lane_madd_low(square.c[i + j], a->l[i], a->l[j]);
            square.c[i + j + 1] = lane_madd_high(square.c[i + j + 1], a->l[i], a->l[j]);
        }
    }
    ZKN_UNROLL
    for (int i = 1; i < 2 * LANE_LIMBS - 1; i++) square.c[i] = lane_add(square.c[i], square.c[i]);
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        square.c[2 * i] = lane_madd_low(square.c[2 * i], a->l[i], a->l[i]);
        square.c[2 * i + 1] = lane_madd_high(square.c[2 * i + 1], a->l[i], a->l[i]);
    }
    F(8_reduce)(out, &square);
}

/* From bound 2 and carried to the one value below m. */
static inline void F(8_canonical)(F_T *a)
{
    F_T less = *a;
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) less.l[i] = lane_sub(less.l[i], lane_all(F_C(_LANE_MODULUS)[i]));
    ZKN_UNROLL
    for (int i = 0; i + 1 < LANE_LIMBS; i++) {
        less.l[i + 1] = lane_add(less.l[i + 1], lane_sar(less.l[i], LANE_BITS));
        less.l[i] = lane_and(less.l[i], lane_all(LANE_MASK));
    }
    F(8_select)(a, &less, (lane_mask)~lane_negative(less.l[LANE_LIMBS - 1]));
}

/* Less a multiple of m: from carried and bound 84 to bound 2. With T the top limb and q the quotient, T FOLD / 2^60
 * rounded down is q or q - 1: it is not above T / (m4 + 1) <= q, and misses that by less than T / 2^60 + 1. */
static inline void F(8_fold)(F_T *a)
{
    const lane_word q =
        lane_shr(lane_madd_high(lane_all(0), a->l[LANE_LIMBS - 1], lane_all(F_C(_LANE_FOLD))), 8);
    ZKN_ASSERT(F(8_is_carried)(a));
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        const lane_word m = lane_all(F_C(_LANE_MODULUS)[i]);
        a->l[i] = lane_sub(a->l[i], lane_madd_low(lane_all(0), q, m));
        if (i + 1 < LANE_LIMBS) a->l[i + 1] = lane_sub(a->l[i + 1], lane_madd_high(lane_all(0), q, m));
    }
    F(8_carry)(a);
}

/* Four words of 64 bits in limbs of 52 bits. */
static inline void F(8_split)(F_T *out, const lane_word w[4])
{
    const lane_word mask = lane_all(LANE_MASK);
    out->l[0] = lane_and(w[0], mask);
    out->l[1] = lane_and(lane_or(lane_shr(w[0], 52), lane_shl(w[1], 12)), mask);
    out->l[2] = lane_and(lane_or(lane_shr(w[1], 40), lane_shl(w[2], 24)), mask);
    out->l[3] = lane_and(lane_or(lane_shr(w[2], 28), lane_shl(w[3], 36)), mask);
    out->l[4] = lane_shr(w[3], 16);
}

/* Four words of 64 bits, times 2^4, in limbs of 52 bits. */
static inline void F(8_split_times_16)(F_T *out, const lane_word w[4])
{
    const lane_word mask = lane_all(LANE_MASK);
    out->l[0] = lane_and(lane_shl(w[0], 4), mask);
    out->l[1] = lane_and(lane_or(lane_shr(w[0], 48), lane_shl(w[1], 16)), mask);
    out->l[2] = lane_and(lane_or(lane_shr(w[1], 36), lane_shl(w[2], 28)), mask);
    out->l[3] = lane_and(lane_or(lane_shr(w[2], 24), lane_shl(w[3], 40)), mask);
    out->l[4] = lane_shr(w[3], 12);
}

/* A carried value below 2^256 in words of 64 bits. */
static inline void F(8_join)(lane_word w[4], const F_T *a)
{
    w[0] = lane_or(a->l[0], lane_shl(a->l[1], 52));
    w[1] = lane_or(lane_shr(a->l[1], 12), lane_shl(a->l[2], 40));
    w[2] = lane_or(lane_shr(a->l[2], 24), lane_shl(a->l[3], 28));
    w[3] = lane_or(lane_shr(a->l[3], 36), lane_shl(a->l[4], 16));
}

/* Lane i <- in[i stride], a Montgomery form with R = 2^256: times 2^4 it is the lanes' form, with a bound of
 * 16. Carried. The conversion costs shifts alone. */
static inline void F(8_load)(F_T *out, const FIELD_TYPE *in, size_t stride)
{
    lane_word w[4];
    lane_load4(w, in->l, 4 * stride);
    F(8_split_times_16)(out, w);
}

/* The lanes' form x S of bound 84 to x R, reduced, in words: a multiple of m that makes it divisible by 16 = S / R, and the
 * division, leave a bound of (84 + 15) / 16 < 7. */
static inline void F(8_leave)(lane_word w[4], const F_T *a)
{
    const lane_word mask = lane_all(LANE_MASK);
    const lane_word q = lane_and(lane_madd_low(lane_all(0), a->l[0], lane_all(F_C(_LANE_N0))), lane_all(15));
    F_T t = *a, reduced;
    ZKN_ASSERT(F(8_is_carried)(a));
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        const lane_word m = lane_all(F_C(_LANE_MODULUS)[i]);
        t.l[i] = lane_madd_low(t.l[i], q, m);
        if (i + 1 < LANE_LIMBS) t.l[i + 1] = lane_madd_high(t.l[i + 1], q, m);
    }
    ZKN_UNROLL
    for (int i = 0; i + 1 < LANE_LIMBS; i++) {
        t.l[i + 1] = lane_add(t.l[i + 1], lane_shr(t.l[i], LANE_BITS));
        t.l[i] = lane_and(t.l[i], mask);
    }
    ZKN_UNROLL
    for (int i = 0; i + 1 < LANE_LIMBS; i++) {
        reduced.l[i] = lane_and(lane_or(lane_shr(t.l[i], 4), lane_shl(t.l[i + 1], LANE_BITS - 4)), mask);
    }
    reduced.l[LANE_LIMBS - 1] = lane_shr(t.l[LANE_LIMBS - 1], 4);
    F(8_fold)(&reduced);
    F(8_canonical)(&reduced);
    F(8_join)(w, &reduced);
}

/* out[i stride] <- lane i, as a Montgomery form with R = 2^256, reduced; for carried values of bound 84. */
static inline void F(8_store)(FIELD_TYPE *out, size_t stride, const F_T *a)
{
    lane_word w[4];
    F(8_leave)(w, a);
    lane_store4(out->l, 4 * stride, w);
}

/* As *_load and *_store without a change of form, for what is linear: a value x R stays x R, and its product with a
 * lanes' form y S is x y R. Loaded values have a bound of 1. */
static inline void F(8_load_plain)(F_T *out, const FIELD_TYPE *in, size_t stride)
{
    lane_word w[4];
    lane_load4(w, in->l, 4 * stride);
    F(8_split)(out, w);
}

static inline void F(8_store_plain)(FIELD_TYPE *out, size_t stride, const F_T *a)
{
    F_T reduced = *a;
    lane_word w[4];
    F(8_fold)(&reduced);
    F(8_canonical)(&reduced);
    F(8_join)(w, &reduced);
    lane_store4(out->l, 4 * stride, w);
}

/* The lanes' form, reduced, of a Montgomery form with R = 2^256. */
static inline void F(_lane_limbs)(uint64_t out[LANE_LIMBS], const FIELD_TYPE *in)
{
    FIELD_TYPE x = *in;
    for (int i = 0; i < 4; i++) F(_dbl)(&x, &x);
    for (int i = 0; i < LANE_LIMBS; i++) {
        const int bit = LANE_BITS * i, word = bit / 64, shift = bit % 64;
        uint64_t limb = x.l[word] >> shift;
        if (shift > 64 - LANE_BITS && word < 3) limb |= x.l[word + 1] << (64 - shift);
        out[i] = limb & LANE_MASK;
    }
}

#undef F
#undef F_C
#undef F_T
#undef F_WIDE
#undef FIELD
#undef FIELD_CONST
#undef FIELD_TYPE
