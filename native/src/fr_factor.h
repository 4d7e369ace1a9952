/* Products of Fr by one factor over and over, and additions left unreduced, as a transform needs them.
 *
 * Values here are any words below 4 m, m the modulus, standing for what they are modulo m. A product leaves less than
 * 2 m, and is as exact modulo m as a reduced one. */
#ifndef ZKN_FR_FACTOR_H
#define ZKN_FR_FACTOR_H

#include "field.h"

#if FR_SHORT < 4

/* A modulus too long for values of 4 m in its words (BLS12-381): everything is reduced, and below m. */
typedef zkn_fr fr_factor;

static inline void fr_factor_of(fr_factor *out, const zkn_fr *w)
{
    *out = *w;
}

static inline ZKN_INLINE void fr_mul_lazy(uint64_t out[4], const zkn_fr *x, const zkn_fr *w)
{
    zkn_fr product;
    fr_mul(&product, x, w);
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) out[i] = product.l[i];
}

static inline ZKN_INLINE void fr_mul_factor(uint64_t out[4], const zkn_fr *x, const fr_factor *w)
{
    fr_mul_lazy(out, x, w);
}

static inline ZKN_INLINE void fr_halve_bound(uint64_t x[4])
{
    (void)x;
}

/* (lo, hi) <- (lo + t, lo - t) */
static inline ZKN_INLINE void fr_cross(zkn_fr *lo, zkn_fr *hi, const uint64_t t[4])
{
    zkn_fr y;
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) y.l[i] = t[i];
    fr_sub(hi, lo, &y);
    fr_add(lo, lo, &y);
}

static inline ZKN_INLINE void fr_normalise(zkn_fr *x)
{
    (void)x;
}

#else

/* Where the carries are the compiler's, a product beside other values spills, and a call costs less. */
#if ZKN_HAS_ADX
#define FR_LAZY static inline ZKN_INLINE
#else
#define FR_LAZY static __attribute__((noinline))
#endif

/* x w / 2^256 mod m for a factor in Montgomery form: below (1 + 4 c) m < 2 m for x < 4 m, c = m / 2^256 < 0.1891. The
 * rows stand for four terms below m^2 (field_rows.h). */
FR_LAZY void fr_mul_lazy(uint64_t out[4], const zkn_fr *x, const zkn_fr *w)
{
    uint64_t t[6];
    fr_row_first(t, x, w->l[0]);
    fr_fold(t);
    ZKN_UNROLL
    for (int i = 1; i < 4; i++) {
        fr_row(t, x, w->l[i]);
        fr_fold(t);
    }
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) out[i] = t[i];
}

#if ZKN_HAS_ADX

/* w as an integer below m, floor(w 2^256 / m), and 2^256 - m. */
typedef struct {
    uint64_t value[4], ratio[4], minus[4];
} fr_factor;

/* w 2^256 = ratio m + (w 2^256 mod m), and the last is the Montgomery form: so it is minus ratio m modulo 2^256. */
static inline void fr_factor_of(fr_factor *out, const zkn_fr *w)
{
    fr_to_canonical(out->value, w);
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) out->ratio[i] = 0, out->minus[i] = FR_MINUS_MODULUS[i];
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) {
        uint64_t high = 0;
        zkn_carry carry = 0;
        ZKN_UNROLL
        for (int j = 0; i + j < 4; j++) {
            out->ratio[i + j] =
                zkn_adc(out->ratio[i + j], zkn_mul_add(FR_MINUS_INVERSE[j], w->l[i], &high), &carry);
        }
    }
}

/* x w - q m for q = floor(x ratio / 2^256) or one less: below (1 + x / 2^256) m, and 2^-60 m for what q leaves out
 * (Shoup's trick; Harvey 2014, "Faster arithmetic for number-theoretic transforms", section 3). Against a Montgomery
 * product, 25 long and 8 short multiplications for 36, of which two thirds wait for nothing.
 *
 * Of x ratio, the words 4 to 7 are wanted. Columns 0 and 1 and the low halves of column 2 are left out: less than 6
 * in word 3, so at most one in word 4. Then x w + q (2^256 - m) modulo 2^256. */
static inline ZKN_INLINE void fr_mul_factor(uint64_t out[4], const zkn_fr *x, const fr_factor *w)
{
    uint64_t column, q0, q1, q2, q3, lo, hi;
    __asm__("mov 0(%[x]), %%rdx\n\t"
            "mulx 48(%[w]), %[lo], %[column]\n\t"
            "mulx 56(%[w]), %[lo], %[q0]\n\t"
            "add %[lo], %[column]\n\t"
            "adc $0, %[q0]\n\t"
            "mov 8(%[x]), %%rdx\n\t"
            "xor %k[q3], %k[q3]\n\t"
            "mulx 40(%[w]), %[lo], %[hi]\n\t"
            "adcx %[hi], %[column]\n\t"
            "mulx 48(%[w]), %[lo], %[hi]\n\t"
            "adox %[lo], %[column]\n\t"
            "adcx %[hi], %[q0]\n\t"
            "mulx 56(%[w]), %[lo], %[q1]\n\t"
            "adox %[lo], %[q0]\n\t"
            "adcx %[q3], %[q1]\n\t"
            "adox %[q3], %[q1]\n\t"
            "mov 16(%[x]), %%rdx\n\t"
            "xor %k[q3], %k[q3]\n\t"
            "mulx 32(%[w]), %[lo], %[hi]\n\t"
            "adcx %[hi], %[column]\n\t"
            "mulx 40(%[w]), %[lo], %[hi]\n\t"
            "adox %[lo], %[column]\n\t"
            "adcx %[hi], %[q0]\n\t"
            "mulx 48(%[w]), %[lo], %[hi]\n\t"
            "adox %[lo], %[q0]\n\t"
            "adcx %[hi], %[q1]\n\t"
            "mulx 56(%[w]), %[lo], %[q2]\n\t"
            "adox %[lo], %[q1]\n\t"
            "adcx %[q3], %[q2]\n\t"
            "adox %[q3], %[q2]\n\t"
            "mov 24(%[x]), %%rdx\n\t"
            "xor %k[q3], %k[q3]\n\t"
            "mulx 32(%[w]), %[lo], %[hi]\n\t"
            "adox %[lo], %[column]\n\t"
            "adcx %[hi], %[q0]\n\t"
            "mulx 40(%[w]), %[lo], %[hi]\n\t"
            "adox %[lo], %[q0]\n\t"
            "adcx %[hi], %[q1]\n\t"
            "mulx 48(%[w]), %[lo], %[hi]\n\t"
            "adox %[lo], %[q1]\n\t"
            "adcx %[hi], %[q2]\n\t"
            "mulx 56(%[w]), %[lo], %[hi]\n\t"
            "adox %[lo], %[q2]\n\t"
            "adcx %[q3], %[hi]\n\t"
            "adox %[hi], %[q3]\n\t"
            : [column] "=&r"(column), [q0] "=&r"(q0), [q1] "=&r"(q1), [q2] "=&r"(q2), [q3] "=&r"(q3),
              [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [x] "r"(x), [w] "r"(w), "m"(*x), "m"(*w)
            : "rdx", "cc");
    uint64_t t0, t1, t2, t3;
    __asm__("mov 0(%[x]), %%rdx\n\t"
            "mulx 0(%[w]), %[t0], %[t1]\n\t"
            "mulx 8(%[w]), %[lo], %[t2]\n\t"
            "mulx 16(%[w]), %[hi], %[t3]\n\t"
            "add %[lo], %[t1]\n\t"
            "adc %[hi], %[t2]\n\t"
            "adc $0, %[t3]\n\t"
            "imul 24(%[w]), %%rdx\n\t"
            "add %%rdx, %[t3]\n\t"
            "mov 8(%[x]), %%rdx\n\t"
            "mov %%rdx, %[hi]\n\t"
            "imul 16(%[w]), %[hi]\n\t"
            "add %[hi], %[t3]\n\t"
            "mulx 0(%[w]), %[lo], %[hi]\n\t"
            "add %[lo], %[t1]\n\t"
            "adc %[hi], %[t2]\n\t"
            "adc $0, %[t3]\n\t"
            "mulx 8(%[w]), %[lo], %[hi]\n\t"
            "add %[lo], %[t2]\n\t"
            "adc %[hi], %[t3]\n\t"
            "mov 16(%[x]), %%rdx\n\t"
            "mulx 0(%[w]), %[lo], %[hi]\n\t"
            "imul 8(%[w]), %%rdx\n\t"
            "add %[lo], %[t2]\n\t"
            "adc %[hi], %[t3]\n\t"
            "add %%rdx, %[t3]\n\t"
            "mov 24(%[x]), %%rdx\n\t"
            "imul 0(%[w]), %%rdx\n\t"
            "add %%rdx, %[t3]\n\t"
            /* and the quotient times minus m */
            "imul 64(%[w]), %[q3]\n\t"
            "mov %[q0], %%rdx\n\t"
            "mulx 64(%[w]), %[lo], %[hi]\n\t"
            "add %[q3], %[t3]\n\t"
            "xor %k[q3], %k[q3]\n\t"
            "adcx %[lo], %[t0]\n\t"
            "adox %[hi], %[t1]\n\t"
            "mulx 72(%[w]), %[lo], %[hi]\n\t"
            "adcx %[lo], %[t1]\n\t"
            "adox %[hi], %[t2]\n\t"
            "mulx 80(%[w]), %[lo], %[hi]\n\t"
            "adcx %[lo], %[t2]\n\t"
            "adox %[hi], %[t3]\n\t"
            "adcx %[q3], %[t3]\n\t"
            "imul 88(%[w]), %%rdx\n\t"
            "add %%rdx, %[t3]\n\t"
            "mov %[q1], %%rdx\n\t"
            "imul 80(%[w]), %[q1]\n\t"
            "mulx 64(%[w]), %[lo], %[hi]\n\t"
            "add %[q1], %[t3]\n\t"
            "add %[lo], %[t1]\n\t"
            "adc %[hi], %[t2]\n\t"
            "adc $0, %[t3]\n\t"
            "mulx 72(%[w]), %[lo], %[hi]\n\t"
            "add %[lo], %[t2]\n\t"
            "adc %[hi], %[t3]\n\t"
            "mov %[q2], %%rdx\n\t"
            "mulx 64(%[w]), %[lo], %[hi]\n\t"
            "imul 72(%[w]), %%rdx\n\t"
            "add %[lo], %[t2]\n\t"
            "adc %[hi], %[t3]\n\t"
            "add %%rdx, %[t3]\n\t"
            : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [lo] "=&r"(lo), [hi] "=&r"(hi),
              [q1] "+&r"(q1), [q3] "+&r"(q3)
            : [q0] "r"(q0), [q2] "r"(q2), [x] "r"(x), [w] "r"(w), "m"(*x), "m"(*w)
            : "rdx", "cc");
    out[0] = t0, out[1] = t1, out[2] = t2, out[3] = t3;
}

#else

typedef zkn_fr fr_factor;

static inline void fr_factor_of(fr_factor *out, const zkn_fr *w)
{
    *out = *w;
}

static inline ZKN_INLINE void fr_mul_factor(uint64_t out[4], const zkn_fr *x, const fr_factor *w)
{
    fr_mul_lazy(out, x, w);
}

#endif

/* 1 or 0: is x below 2^k m? for k > 0 */
static inline int fr_is_below(const uint64_t x[4], unsigned k)
{
    uint64_t low = 0;
    zkn_carry borrow = 0;
    for (int i = 0; i < 4; i++) {
        (void)zkn_sbb(x[i], FR_MODULUS[i] << k | low, &borrow);
        low = FR_MODULUS[i] >> (64 - k);
    }
    return (int)borrow;
}

/* x below 4 m <- x or x - 2 m: below 2 m */
static inline ZKN_INLINE void fr_halve_bound(uint64_t x[4])
{
    uint64_t d[4];
    zkn_carry borrow = 0;
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) d[i] = zkn_sbb(x[i], FR_TWICE_MODULUS[i], &borrow);
    const uint64_t keep = zkn_mask(borrow);
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) x[i] = d[i] ^ (keep & (x[i] ^ d[i]));
    ZKN_ASSERT(fr_is_below(x, 1));
}

/* (lo, hi) <- (lo + t, lo - t + 2 m), for t below 2 m and lo below 4 m: both below 4 m */
static inline ZKN_INLINE void fr_cross(zkn_fr *lo, zkn_fr *hi, const uint64_t t[4])
{
    ZKN_ASSERT(fr_is_below(lo->l, 2) && fr_is_below(t, 1));
#if ZKN_HAS_ADX
    uint64_t x0 = lo->l[0], x1 = lo->l[1], x2 = lo->l[2], x3 = lo->l[3];
    uint64_t y0 = x0, y1 = x1, y2 = x2, y3 = x3;
    __asm__(
        "sub %[m0], %[x0]\n\t"
        "sbb %[m1], %[x1]\n\t"
        "sbb %[m2], %[x2]\n\t"
        "sbb %[m3], %[x3]\n\t"
        "cmovc %[y0], %[x0]\n\t"
        "cmovc %[y1], %[x1]\n\t"
        "cmovc %[y2], %[x2]\n\t"
        "cmovc %[y3], %[x3]\n\t"
        "mov %[x0], %[y0]\n\t"
        "mov %[x1], %[y1]\n\t"
        "mov %[x2], %[y2]\n\t"
        "mov %[x3], %[y3]\n\t"
        "add %[t0], %[x0]\n\t"
        "adc %[t1], %[x1]\n\t"
        "adc %[t2], %[x2]\n\t"
        "adc %[t3], %[x3]\n\t"
        "sub %[t0], %[y0]\n\t"
        "sbb %[t1], %[y1]\n\t"
        "sbb %[t2], %[y2]\n\t"
        "sbb %[t3], %[y3]\n\t"
        "add %[m0], %[y0]\n\t"
        "adc %[m1], %[y1]\n\t"
        "adc %[m2], %[y2]\n\t"
        "adc %[m3], %[y3]\n\t"
        : [x0] "+&r"(x0), [x1] "+&r"(x1), [x2] "+&r"(x2), [x3] "+&r"(x3), [y0] "+&r"(y0), [y1] "+&r"(y1),
          [y2] "+&r"(y2), [y3] "+&r"(y3)
        : [t0] "rm"(t[0]), [t1] "rm"(t[1]), [t2] "rm"(t[2]), [t3] "rm"(t[3]), [m0] "m"(FR_TWICE_MODULUS[0]),
          [m1] "m"(FR_TWICE_MODULUS[1]), [m2] "m"(FR_TWICE_MODULUS[2]), [m3] "m"(FR_TWICE_MODULUS[3])
        : "cc");
    lo->l[0] = x0, lo->l[1] = x1, lo->l[2] = x2, lo->l[3] = x3;
    hi->l[0] = y0, hi->l[1] = y1, hi->l[2] = y2, hi->l[3] = y3;
#else
    uint64_t x[4];
    zkn_carry carry = 0, borrow = 0, back = 0;
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) x[i] = lo->l[i];
    fr_halve_bound(x);
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) lo->l[i] = zkn_adc(x[i], t[i], &carry);
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) x[i] = zkn_sbb(x[i], t[i], &borrow);
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) hi->l[i] = zkn_adc(x[i], FR_TWICE_MODULUS[i], &back);
#endif
    ZKN_ASSERT(fr_is_below(lo->l, 2) && fr_is_below(hi->l, 2));
}

/* The element that x below 4 m stands for. */
static inline ZKN_INLINE void fr_normalise(zkn_fr *x)
{
    fr_halve_bound(x->l);
    fr_reduce_once(x, x->l);
}

#endif

#endif
