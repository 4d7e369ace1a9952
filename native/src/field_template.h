/* A prime field in Montgomery form, written once and included by field.h once per modulus.
 *
 * Parameters, undefined again at the end: FIELD (prefix of functions), FIELD_CONST (prefix in
 * constants.h), FIELD_TYPE, FIELD_LIMBS. With FIELD_DEFINE (field.c alone) the product and the inverse are
 * defined too. The modulus leaves the top bit of its top limb free. Invariant: every element is below the
 * modulus, on entry and on exit; ZKN_CHECK asserts it on exit. Everything is constant time in the values,
 * except *_vartime. Outputs may alias inputs. */

#define F(name) ZKN_CAT(FIELD, name)
#define F_M     ZKN_CAT(FIELD_CONST, _MODULUS)
#define F_N0    ZKN_CAT(FIELD_CONST, _N0)
#define F_N     FIELD_LIMBS
#define F_T     FIELD_TYPE

static inline void F(_zero)(F_T *out)
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = 0;
}

static inline void F(_one)(F_T *out)
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = ZKN_CAT(FIELD_CONST, _R1)[i];
}

/* 1 or 0: is the integer in `a` below the modulus? */
static inline int F(_is_reduced)(const F_T *a)
{
    zkn_carry borrow = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) (void)zkn_sbb(a->l[i], F_M[i], &borrow);
    return (int)borrow;
}

static inline int F(_is_zero)(const F_T *a)
{
    uint64_t any = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) any |= a->l[i];
    return any == 0;
}

static inline int F(_equal)(const F_T *a, const F_T *b)
{
    uint64_t differ = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) differ |= a->l[i] ^ b->l[i];
    return differ == 0;
}

/* out <- a if choose is 1, unchanged if it is 0 */
static inline void F(_cmov)(F_T *out, const F_T *a, uint64_t choose)
{
    const uint64_t mask = zkn_mask(choose);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] ^= mask & (out->l[i] ^ a->l[i]);
}

/* t <- t - m, or t if that is negative */
static inline void F(_subtract_once)(uint64_t t[F_N])
{
    uint64_t d[F_N];
    zkn_carry borrow = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) d[i] = zkn_sbb(t[i], F_M[i], &borrow);
    const uint64_t keep = zkn_mask(borrow);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) t[i] = (keep & t[i]) | (~keep & d[i]);
}

/* out <- t or t - m, for t < 2m */
static inline void F(_reduce_once)(F_T *out, const uint64_t t[F_N])
{
    uint64_t d[F_N];
    zkn_carry borrow = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) d[i] = zkn_sbb(t[i], F_M[i], &borrow);
    const uint64_t keep = zkn_mask(borrow);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = (keep & t[i]) | (~keep & d[i]);
    ZKN_ASSERT(F(_is_reduced)(out));
}

static inline void F(_add)(F_T *out, const F_T *a, const F_T *b)
{
    uint64_t t[F_N];
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) t[i] = zkn_adc(a->l[i], b->l[i], &carry);
    F(_reduce_once)(out, t);
}

static inline void F(_dbl)(F_T *out, const F_T *a)
{
    F(_add)(out, a, a);
}

static inline void F(_sub)(F_T *out, const F_T *a, const F_T *b)
{
    uint64_t t[F_N];
    zkn_carry borrow = 0, carry = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) t[i] = zkn_sbb(a->l[i], b->l[i], &borrow);
    const uint64_t mask = zkn_mask(borrow);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = zkn_adc(t[i], mask & F_M[i], &carry);
    ZKN_ASSERT(F(_is_reduced)(out));
}

/* out <- a + b without reduction: below 2m, for factors of F(_sum_products) alone */
static inline void F(_add_lazy)(F_T *out, const F_T *a, const F_T *b)
{
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = zkn_adc(a->l[i], b->l[i], &carry);
    ZKN_ASSERT(carry == 0);
}

/* out <- m - a: at most m, for factors of F(_sum_products) alone */
static inline void F(_neg_lazy)(F_T *out, const F_T *a)
{
    zkn_carry borrow = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out->l[i] = zkn_sbb(F_M[i], a->l[i], &borrow);
}

static inline void F(_neg)(F_T *out, const F_T *a)
{
    F_T zero;
    F(_zero)(&zero);
    F(_sub)(out, &zero, a);
}

#include "field_rows.h"

/* out <- k a + b for an integer k < 32; b <= m. The quotient by m is estimated from the words from bit
 * 64 F_N - 56 up, of k a + b and of m + 1 unit there: it is right or one too low, as the estimates differ from
 * the true values by less than 2^-48 of the quotient. */
static inline void F(_mul_small_add)(F_T *out, const F_T *a, uint64_t k, const F_T *b)
{
    const uint64_t unit_inverse = ~(uint64_t)0 / ((F_M[F_N - 1] >> 8) + 1);
    uint64_t t[F_N], high = 0, quotient = 0;
    zkn_carry carry = 0, borrow = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) t[i] = zkn_adc(b->l[i], zkn_mul_add(a->l[i], k, &high), &carry);
    (void)zkn_mul_add(t[F_N - 1] >> 8 | (high + carry) << 56, unit_inverse, &quotient);
    high = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) t[i] = zkn_sbb(t[i], zkn_mul_add(F_M[i], quotient, &high), &borrow);
    F(_reduce_once)(out, t);
}

/* out <- a / 2 */
static inline void F(_halve)(F_T *out, const F_T *a)
{
    const uint64_t odd = zkn_mask(a->l[0] & 1);
    uint64_t t[F_N];
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) t[i] = zkn_adc(a->l[i], odd & F_M[i], &carry);
    ZKN_UNROLL
    for (int i = 0; i < F_N - 1; i++) out->l[i] = t[i] >> 1 | t[i + 1] << 63;
    out->l[F_N - 1] = t[F_N - 1] >> 1;
}

/* Montgomery product a b / R mod m. Neither it nor the square is inline: in callers they would spill, and a
 * call costs a twentieth of them. */
void F(_mul)(F_T *out, const F_T *a, const F_T *b);
void F(_sqr)(F_T *out, const F_T *a);

/* The element of a canonical integer below m, little-endian limbs. */
static inline void F(_from_canonical)(F_T *out, const uint64_t in[F_N])
{
    F_T x, r2;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) x.l[i] = in[i], r2.l[i] = ZKN_CAT(FIELD_CONST, _R2)[i];
    F(_mul)(out, &x, &r2);
}

static inline void F(_to_canonical)(uint64_t out[F_N], const F_T *a)
{
    F_T x, unit;
    F(_zero)(&unit);
    unit.l[0] = 1;
    F(_mul)(&x, a, &unit);
    ZKN_UNROLL
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

/* out <- 1/a, and 0 for 0 */
void F(_inv)(F_T *out, const F_T *a);

#ifdef FIELD_DEFINE

void F(_mul)(F_T *out, const F_T *a, const F_T *b)
{
    F(_sum_products)(out, a, F(_in_order), b, 1, 1);
}

/* The square, then folds of its lower half: below m^2 / R + m < 2 m. */
void F(_sqr)(F_T *out, const F_T *a)
{
#if defined(F_HAS_ROWS) && !defined(F_HAS_LONG)
    F(_mul)(out, a, a);
#else
    uint64_t t[2 * F_N], low[F_N + 2];
    zkn_carry carry = 0;
    F(_square_wide)(t, a);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) low[i] = t[i];
    low[F_N] = low[F_N + 1] = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) F(_fold)(low);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) low[i] = zkn_adc(low[i], t[F_N + i], &carry);
    F(_reduce_once)(out, low);
#endif
}

/* t <- a f + b g over the integers, in two's complement, |f| + |g| <= 2^31 */
static inline void F(_combine)(uint64_t t[F_N + 1], const uint64_t a[F_N], const uint64_t b[F_N], int64_t f,
                               int64_t g)
{
    zkn_i128 sum = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        sum += (zkn_i128)a[i] * f + (zkn_i128)b[i] * g;
        t[i] = (uint64_t)sum;
        sum >>= 64;
    }
    t[F_N] = (uint64_t)sum;
}

static inline void F(_shift_31)(uint64_t out[F_N], const uint64_t t[F_N + 1])
{
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out[i] = t[i] >> 31 | t[i + 1] << 33;
}

/* out <- |t / 2^31|, for t that 2^31 divides; returns 1 if t was negative */
static inline unsigned F(_reduce_signed)(uint64_t out[F_N], const uint64_t t[F_N + 1])
{
    const unsigned negative = (unsigned)(t[F_N] >> 63);
    const uint64_t mask = zkn_mask(negative);
    zkn_carry carry = (zkn_carry)negative;
    F(_shift_31)(out, t);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out[i] = zkn_adc(out[i] ^ mask, 0, &carry);
    return negative;
}

/* out <- t / 2^31 mod m, for |t| <= 2^31 m */
static inline void F(_divide_31)(uint64_t out[F_N], uint64_t t[F_N + 1])
{
    const uint64_t q = t[0] * F_N0 & 0x7fffffff;
    uint64_t high = 0, d[F_N];
    zkn_carry carry = 0, borrow = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) t[i] = zkn_adc(t[i], zkn_mul_add(F_M[i], q, &high), &carry);
    t[F_N] += high + carry;
    /* now in [-2^31 m, 2^32 m): add m where negative, then take it away where not below m */
    const uint64_t mask = zkn_mask((unsigned)(t[F_N] >> 63));
    F(_shift_31)(out, t);
    carry = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out[i] = zkn_adc(out[i], mask & F_M[i], &carry);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) d[i] = zkn_sbb(out[i], F_M[i], &borrow);
    const uint64_t keep = zkn_mask(borrow);
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) out[i] = (keep & out[i]) | (~keep & d[i]);
}

/* 31 steps of the binary GCD on a and b by their low 31 and top 33 bits. The steps are the matrix (f0 g0;
 * f1 g1) / 2^31; entries of a row are packed as f + 2^32 g. Pornin 2020 (eprint 2020/972), algorithm 2. */
static inline void F(_gcd_steps)(uint64_t rows[2], const uint64_t a[F_N], const uint64_t b[F_N])
{
    /* x, y: the top words of a and b, shifted to the top of the longer; exact if both fit one word */
    uint64_t x = 0, y = 0, x_next = 0, y_next = 0, above = ~(uint64_t)0, above_next = ~(uint64_t)0;
    ZKN_UNROLL
    for (int i = F_N - 1; i >= 0; i--) {
        x ^= (x ^ a[i]) & above;
        y ^= (y ^ b[i]) & above;
        x_next ^= (x_next ^ a[i]) & above_next;
        y_next ^= (y_next ^ b[i]) & above_next;
        above_next = above;
        const uint64_t word = a[i] | b[i];
        above &= ((word | (0 - word)) >> 63) - 1;
    }
    const unsigned shift = (unsigned)__builtin_clzll(x | y | 1);
    const uint64_t low = 0x7fffffff;
    x = (x << shift) | (x_next >> 1 >> (63 - shift));
    y = (y << shift) | (y_next >> 1 >> (63 - shift));
    x = (x & ~low) | (a[0] & low);
    y = (y & ~low) | (b[0] & low);
    x ^= (x ^ a[0]) & above_next;
    y ^= (y ^ b[0]) & above_next;

    uint64_t r0 = 1, r1 = (uint64_t)1 << 32;
    for (int step = 0; step < 31; step++) {
        const uint64_t odd = zkn_mask((unsigned)(x & 1)), swap = odd & zkn_mask(x < y);
        uint64_t t = (x ^ y) & swap;
        x ^= t, y ^= t;
        t = (r0 ^ r1) & swap;
        r0 ^= t, r1 ^= t;
        x = (x - (y & odd)) >> 1;
        r0 -= r1 & odd;
        r1 <<= 1;
    }
    rows[0] = r0, rows[1] = r1;
}

/* Invariant: a = u x and b = v x mod m, b odd. After 2 len(m) - 1 steps a = 0 and b = 1, so v = 1/x; here
 * x is the Montgomery form R/.., hence the last product. Constant time (Pornin 2020). */
void F(_inv)(F_T *out, const F_T *in)
{
    enum { ROUNDS = (2 * ZKN_CAT(FIELD_CONST, _BITS) - 1 + 30) / 31 };
    uint64_t a[F_N], b[F_N], u[F_N] = {1}, v[F_N] = {0}, t[F_N + 1], s[F_N + 1], rows[2];
    for (int i = 0; i < F_N; i++) a[i] = in->l[i], b[i] = F_M[i];
    for (int round = 0; round < ROUNDS; round++) {
        F(_gcd_steps)(rows, a, b);
        int64_t f[2], g[2];
        for (int i = 0; i < 2; i++) {
            const uint64_t shifted = rows[i] + 0x7fffffff7fffffffULL; /* entries lie in (-2^31, 2^31] */
            f[i] = (int64_t)(shifted & 0xffffffff) - 0x7fffffff;
            g[i] = (int64_t)(shifted >> 32) - 0x7fffffff;
        }
        F(_combine)(t, a, b, f[0], g[0]);
        F(_combine)(s, a, b, f[1], g[1]);
        const int64_t sign0 = 1 - 2 * (int64_t)F(_reduce_signed)(a, t);
        const int64_t sign1 = 1 - 2 * (int64_t)F(_reduce_signed)(b, s);
        F(_combine)(t, u, v, f[0] * sign0, g[0] * sign0);
        F(_combine)(s, u, v, f[1] * sign1, g[1] * sign1);
        F(_divide_31)(u, t);
        F(_divide_31)(v, s);
    }
    F_T inverse, r3;
    for (int i = 0; i < F_N; i++) inverse.l[i] = v[i], r3.l[i] = ZKN_CAT(FIELD_CONST, _R3)[i];
    F(_mul)(out, &inverse, &r3);
}

#endif

#undef F
#undef F_M
#undef F_N0
#undef F_SHORT
#undef F_STEP
#undef F_SUM_MAX
#undef F_HAS_ROWS
#undef F_HAS_LONG
#undef F_N
#undef F_T
#undef FIELD
#undef FIELD_CONST
#undef FIELD_TYPE
#undef FIELD_LIMBS
