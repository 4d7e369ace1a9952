/* A prime field of FIELD_LIMBS 64-bit limbs in Montgomery form, written once and included once per modulus.
 *
 * Before inclusion: FIELD (function prefix), FIELD_CONST (constant prefix), FIELD_TYPE, FIELD_LIMBS; all are undefined again at
 * the end. Constants come from constants.h. The modulus leaves at least one spare bit in its top limb.
 * Invariant: every element is below the modulus, on entry and on exit; ZKN_CHECK asserts it on exit.
 * Everything is constant time in the values, except *_vartime. Outputs may alias inputs. */

#define F(name) ZKN_CAT(FIELD, name)
#define F_M ZKN_CAT(FIELD_CONST, _MODULUS)
#define F_N0 ZKN_CAT(FIELD_CONST, _N0)
#define F_N FIELD_LIMBS
#define F_T FIELD_TYPE

static inline void F(_zero)(F_T *out)
{
    for (int i = 0; i < F_N; i++) out->l[i] = 0;
}

static inline void F(_one)(F_T *out)
{
    for (int i = 0; i < F_N; i++) out->l[i] = ZKN_CAT(FIELD_CONST, _R1)[i];
}

/* 1 or 0: is the integer in `a` below the modulus? */
static inline int F(_is_reduced)(const F_T *a)
{
    uint64_t borrow = 0;
    for (int i = 0; i < F_N; i++) (void)zkn_sbb(a->l[i], F_M[i], &borrow);
    return (int)borrow;
}

static inline int F(_is_zero)(const F_T *a)
{
    uint64_t any = 0;
    for (int i = 0; i < F_N; i++) any |= a->l[i];
    return any == 0;
}

static inline int F(_equal)(const F_T *a, const F_T *b)
{
    uint64_t differ = 0;
    for (int i = 0; i < F_N; i++) differ |= a->l[i] ^ b->l[i];
    return differ == 0;
}

/* out <- a if choose is 1, unchanged if it is 0 */
static inline void F(_cmov)(F_T *out, const F_T *a, uint64_t choose)
{
    const uint64_t mask = 0 - choose;
    for (int i = 0; i < F_N; i++) out->l[i] ^= mask & (out->l[i] ^ a->l[i]);
}

/* out <- t or t - m, for t < 2m */
static inline void F(_reduce_once)(F_T *out, const uint64_t t[F_N])
{
    uint64_t d[F_N], borrow = 0;
    for (int i = 0; i < F_N; i++) d[i] = zkn_sbb(t[i], F_M[i], &borrow);
    const uint64_t keep = 0 - borrow;
    for (int i = 0; i < F_N; i++) out->l[i] = (keep & t[i]) | (~keep & d[i]);
    ZKN_ASSERT(F(_is_reduced)(out));
}

static inline void F(_add)(F_T *out, const F_T *a, const F_T *b)
{
    uint64_t t[F_N], carry = 0;
    for (int i = 0; i < F_N; i++) t[i] = zkn_adc(a->l[i], b->l[i], &carry);
    F(_reduce_once)(out, t);
}

static inline void F(_dbl)(F_T *out, const F_T *a)
{
    F(_add)(out, a, a);
}

static inline void F(_sub)(F_T *out, const F_T *a, const F_T *b)
{
    uint64_t t[F_N], borrow = 0, carry = 0;
    for (int i = 0; i < F_N; i++) t[i] = zkn_sbb(a->l[i], b->l[i], &borrow);
    const uint64_t mask = 0 - borrow;
    for (int i = 0; i < F_N; i++) out->l[i] = zkn_adc(t[i], mask & F_M[i], &carry);
    ZKN_ASSERT(F(_is_reduced)(out));
}

static inline void F(_neg)(F_T *out, const F_T *a)
{
    F_T zero;
    F(_zero)(&zero);
    F(_sub)(out, &zero, a);
}

/* Montgomery product a b / R mod m. Coarsely integrated operand scanning (Koc, Acar, Kaliski 1996), without the carry word that a
 * modulus with a spare top bit makes unnecessary (Botrel, El Housni 2022, eprint 2022/1400, section 2.2). */
static inline void F(_mul)(F_T *out, const F_T *a, const F_T *b)
{
    uint64_t t[F_N];
    for (int i = 0; i < F_N; i++) t[i] = 0;
    for (int i = 0; i < F_N; i++) {
        const uint64_t bi = b->l[i];
        zkn_u128 product = (zkn_u128)a->l[0] * bi + t[0];
        const uint64_t m = (uint64_t)product * F_N0;
        zkn_u128 reduced = (zkn_u128)m * F_M[0] + (uint64_t)product;
        for (int j = 1; j < F_N; j++) {
            product = (zkn_u128)a->l[j] * bi + t[j] + (uint64_t)(product >> 64);
            reduced = (zkn_u128)m * F_M[j] + (uint64_t)product + (uint64_t)(reduced >> 64);
            t[j - 1] = (uint64_t)reduced;
        }
        t[F_N - 1] = (uint64_t)(product >> 64) + (uint64_t)(reduced >> 64);
    }
    F(_reduce_once)(out, t);
}

static inline void F(_sqr)(F_T *out, const F_T *a)
{
    F(_mul)(out, a, a);
}

/* The element of a canonical integer below m, little-endian limbs. */
static inline void F(_from_canonical)(F_T *out, const uint64_t in[F_N])
{
    F_T x, r2;
    for (int i = 0; i < F_N; i++) x.l[i] = in[i], r2.l[i] = ZKN_CAT(FIELD_CONST, _R2)[i];
    F(_mul)(out, &x, &r2);
}

static inline void F(_to_canonical)(uint64_t out[F_N], const F_T *a)
{
    F_T x, unit;
    F(_zero)(&unit);
    unit.l[0] = 1;
    F(_mul)(&x, a, &unit);
    for (int i = 0; i < F_N; i++) out[i] = x.l[i];
}

static inline void F(_from_u64)(F_T *out, uint64_t value)
{
    uint64_t t[F_N] = {value};
    F(_from_canonical)(out, t);
}

/* out <- a^e for a public exponent of n limbs. Timing depends on e alone. */
static inline void F(_pow_public)(F_T *out, const F_T *a, const uint64_t *e, int n)
{
    F_T powers[16], result;
    F(_one)(&powers[0]);
    for (int i = 1; i < 16; i++) F(_mul)(&powers[i], &powers[i - 1], a);
    F(_one)(&result);
    for (int i = n - 1; i >= 0; i--) {
        for (int shift = 60; shift >= 0; shift -= 4) {
            for (int k = 0; k < 4; k++) F(_sqr)(&result, &result);
            const unsigned digit = (unsigned)(e[i] >> shift) & 15;
            if (digit) F(_mul)(&result, &result, &powers[digit]);
        }
    }
    *out = result;
}

/* out <- 1/a, and 0 for 0, as a^(m-2). */
static inline void F(_inv)(F_T *out, const F_T *a)
{
    F(_pow_public)(out, a, ZKN_CAT(FIELD_CONST, _MINUS_2), F_N);
}

#undef F
#undef F_M
#undef F_N0
#undef F_N
#undef F_T
#undef FIELD
#undef FIELD_CONST
#undef FIELD_TYPE
#undef FIELD_LIMBS
