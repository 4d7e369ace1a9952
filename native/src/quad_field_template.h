/* Four elements of a field side by side, whatever their form: written once, included by quad_field.h once per modulus.
 *
 * Parameters, undefined again at the end: QUAD (type, and prefix of functions), QUAD_CONST (prefix of constants). */

#define Q(name)   ZKN_CAT(QUAD, name)
#define Q_C(name) ZKN_CAT(QUAD_CONST, name)
#define Q_T       QUAD

typedef struct {
    lane_word l[QUAD_LIMBS];
} Q_T;

static inline int Q(_is_below)(const Q_T *a, unsigned bits)
{
    lane_word high = _mm256_srli_epi64(a->l[QUAD_LIMBS - 1], 32);
    for (int i = 0; i + 1 < QUAD_LIMBS; i++)
        high = lane_or(high, _mm256_srl_epi64(a->l[i], _mm_cvtsi32_si128((int)bits)));
    return _mm256_testz_si256(high, high);
}

/* The same limbs in every lane. */
static inline void Q(_all)(Q_T *out, const uint32_t in[QUAD_LIMBS])
{
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_all(in[i]);
}

static inline void Q(_zero)(Q_T *out)
{
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_all(0);
}

/* Bounds and limbs add. */
static inline void Q(_add)(Q_T *out, const Q_T *a, const Q_T *b)
{
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_add(a->l[i], b->l[i]);
}

/* a - b + 4 m, for b carried and of bound 3: limbs grow by 2^30. */
static inline void Q(_sub)(Q_T *out, const Q_T *a, const Q_T *b)
{
    ZKN_ASSERT(Q(_is_below)(b, QUAD_BITS));
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++)
        out->l[i] = lane_add(lane_sub(a->l[i], b->l[i]), lane_all(Q_C(_SPARE)[i]));
}

/* out <- b in the lanes of the mask */
static inline void Q(_select)(Q_T *out, const Q_T *b, lane_mask mask)
{
    const lane_word signs = lane_signs(mask);
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_choose(out->l[i], b->l[i], signs);
}

static inline void Q(_carry)(Q_T *a)
{
    ZKN_UNROLL
    for (int i = 0; i + 1 < QUAD_LIMBS; i++) {
        a->l[i + 1] = lane_add(a->l[i + 1], lane_shr(a->l[i], QUAD_BITS));
        a->l[i] = lane_and(a->l[i], lane_all(QUAD_MASK));
    }
}

/* Less k m, k <= 300 in each lane, and carried. Each limb lends 2^9 units to the one below, so that none is negative
 * before its carry. */
static inline void Q(_less)(Q_T *a, lane_word k)
{
    enum { LENT = 9 };
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) {
        const uint64_t lent =
            (i + 1 < QUAD_LIMBS ? (uint64_t)1 << (QUAD_BITS + LENT) : 0) - (i > 0 ? (uint64_t)1 << LENT : 0);
        a->l[i] = lane_sub(lane_add(a->l[i], lane_all(lent)), lane_mul_32(k, lane_all(Q_C(_MODULUS)[i])));
    }
    Q(_carry)(a);
}

/* From limbs below 2^36 and a bound of 300 to carried and a bound of 1.01. With T the top limb and t that of m, below which
 * limbs add less than 2^8 + 1 units to T, T FOLD / 2^FOLD_BITS is at most T / (t + 1), so never above the quotient by m, and
 * misses it by less than (300 + 258) / t < 2^-7. */
static inline void Q(_settle)(Q_T *a)
{
    Q(_less)(a, lane_shr(lane_mul_32(a->l[QUAD_LIMBS - 1], lane_all(Q_C(_FOLD))), Q_C(_FOLD_BITS)));
    ZKN_ASSERT(Q(_is_below)(a, QUAD_BITS));
}

/* From carried and bound 2 to the one value below m. */
static inline void Q(_canonical)(Q_T *a)
{
    Q_T less = *a;
    Q(_less)(&less, lane_all(1));
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) a->l[i] = lane_choose(less.l[i], a->l[i], less.l[QUAD_LIMBS - 1]);
}

/* Words of 64 bits in limbs. */
static inline void Q(_split)(Q_T *out, const lane_word w[QUAD_WORDS])
{
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) {
        const int word = QUAD_BITS * i / 64, bit = QUAD_BITS * i % 64;
        lane_word limb = lane_shr(w[word], bit);
        if (bit > 64 - QUAD_BITS && word + 1 < QUAD_WORDS)
            limb = lane_or(limb, lane_shl(w[word + 1], 64 - bit));
        out->l[i] = i + 1 < QUAD_LIMBS ? lane_and(limb, lane_all(QUAD_MASK)) : limb;
    }
}

/* A carried value below 2^(64 words) in words of 64 bits. */
static inline void Q(_join)(lane_word w[QUAD_WORDS], const Q_T *a)
{
    ZKN_ASSERT(Q(_is_below)(a, QUAD_BITS));
    ZKN_UNROLL
    for (int i = 0; i < QUAD_WORDS; i++) w[i] = lane_all(0);
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) {
        const int word = QUAD_BITS * i / 64, bit = QUAD_BITS * i % 64;
        w[word] = lane_or(w[word], lane_shl(a->l[i], bit));
        if (bit > 64 - QUAD_BITS && word + 1 < QUAD_WORDS) w[word + 1] = lane_shr(a->l[i], 64 - bit);
    }
}

/* 2^QUAD_RAISE a, settled: from x R to x S. Carried and of bound 1.01. */
static inline void Q(_raise)(Q_T *out, const Q_T *a)
{
    ZKN_UNROLL
    for (int i = 0; i < QUAD_LIMBS; i++) out->l[i] = lane_shl(a->l[i], QUAD_RAISE);
    Q(_settle)(out);
}

/* Words of x R to the form of quads; settled. */
static inline void Q(_enter)(Q_T *out, const lane_word w[QUAD_WORDS])
{
    Q(_split)(out, w);
    Q(_raise)(out, out);
}

#undef Q
#undef Q_C
#undef Q_T
#undef QUAD
#undef QUAD_CONST
