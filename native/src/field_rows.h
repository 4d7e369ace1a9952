/* The steps that Montgomery products of one field are made of; included by field_template.h.
 *
 * The accumulator t has F_N + 2 words. A row adds a times one word of b; a fold adds the multiple of the
 * modulus that clears the lowest word, and drops that word. F_N rounds of k rows and one fold leave the sum
 * of k products over R = 2^(64 F_N): coarsely integrated operand scanning (Koc, Acar, Kaliski 1996), for k > 1
 * with one reduction for all (Longa 2022, eprint 2022/367, algorithm 2).
 *
 * Bounds, with c = m / R and a, b < m: by induction t < (k + 1) m after each fold, as t + k m 2^64 + m 2^64 over
 * 2^64 is below that again. So for k <= F_SHORT, where (k + 1) c < 1, t stays below R 2^64 within a round and below
 * R after it: F_N + 1 words hold it, and those steps leave the last word alone. The long steps carry into it.
 * The sum at the end is below k m^2 / R + m = (c k + 1) m, and that is below R for k <= F_SUM_MAX. */

#define F_SHORT   ZKN_CAT(FIELD_CONST, _SHORT)
#define F_STEP    ZKN_CAT(FIELD_CONST, _STEP)
#define F_SUM_MAX ZKN_CAT(FIELD_CONST, _SUM_MAX)

#if ZKN_HAS_ADX
#include "field_rows_adx.h"
#endif

#ifndef F_HAS_ROWS

/* t <- t + a b; the row first, then one carry chain: the form that compilers keep in registers */
static inline ZKN_INLINE void F(_row)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    uint64_t row[F_N], high = 0;
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) row[j] = zkn_mul_add(a->l[j], b, &high);
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) t[j] = zkn_adc(t[j], row[j], &carry);
    t[F_N] = zkn_adc(t[F_N], high, &carry);
    ZKN_ASSERT(carry == 0);
}

static inline ZKN_INLINE void F(_row_first)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    t[F_N] = t[F_N + 1] = 0;
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) t[j] = zkn_mul_add(a->l[j], b, &t[F_N]);
}

#endif

#ifndef F_HAS_LONG

static inline ZKN_INLINE void F(_row_long)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    uint64_t row[F_N], high = 0;
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) row[j] = zkn_mul_add(a->l[j], b, &high);
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) t[j] = zkn_adc(t[j], row[j], &carry);
    t[F_N] = zkn_adc(t[F_N], high, &carry);
    t[F_N + 1] += carry;
}

/* t <- (t + q m) / 2^64 for the q that makes it whole; t[F_N] <- 0 */
static inline ZKN_INLINE void F(_fold_long)(uint64_t t[F_N + 2])
{
    const uint64_t q = t[0] * F_N0;
    uint64_t row[F_N], high = 0;
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) row[j] = zkn_mul_add(F_M[j], q, &high);
    (void)zkn_adc(t[0], row[0], &carry); /* the word that cancels */
    ZKN_UNROLL
    for (int j = 1; j < F_N; j++) t[j - 1] = zkn_adc(t[j], row[j], &carry);
    t[F_N - 1] = zkn_adc(t[F_N], high, &carry);
    t[F_N] = t[F_N + 1] + carry;
    t[F_N + 1] = 0;
}

#endif

#ifndef F_HAS_ROWS

static inline ZKN_INLINE void F(_fold)(uint64_t t[F_N + 2])
{
    t[F_N + 1] = 0; /* as it is; said so that the compiler drops it */
    F(_fold_long)(t);
    ZKN_ASSERT(t[F_N] == 0);
    t[F_N] = 0;
}

#endif

#ifndef F_HAS_LONG

/* t <- a^2, all 2 F_N words: the products above the diagonal, doubled, and the squares. */
static inline ZKN_INLINE void F(_square_wide)(uint64_t t[2 * F_N], const F_T *a)
{
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int i = 0; i < 2 * F_N; i++) t[i] = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N - 1; i++) {
        uint64_t high = 0;
        ZKN_UNROLL
        for (int j = i + 1; j < F_N; j++) {
            const zkn_u128 sum = (zkn_u128)a->l[i] * a->l[j] + t[i + j] + high; /* below 2^128 */
            t[i + j] = (uint64_t)sum;
            high = (uint64_t)(sum >> 64);
        }
        t[i + F_N] = high;
    }
    ZKN_UNROLL
    for (int i = 2 * F_N - 1; i > 0; i--) t[i] = t[i] << 1 | t[i - 1] >> 63;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        uint64_t high = 0;
        const uint64_t low = zkn_mul_add(a->l[i], a->l[i], &high);
        t[2 * i] = zkn_adc(t[2 * i], low, &carry);
        t[2 * i + 1] = zkn_adc(t[2 * i + 1], high, &carry);
    }
}

#endif

/* out <- sum over the terms of a[pick[j]] b[j] / R mod m, with one reduction. Inlined: terms, k and pick are
 * constants. k counts the terms, those with a factor left unreduced as the number of m^2 they may reach. It is at
 * most F_SUM_MAX, and then one conditional subtraction for every F_STEP, of m each, leaves it below 2 m. */
static inline ZKN_INLINE void F(_sum_products)(F_T *out, const F_T *a, const uint8_t *pick, const F_T *b,
                                               int terms, int k)
{
    uint64_t t[F_N + 2];
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        ZKN_UNROLL
        for (int j = 0; j < terms; j++) {
            if (i == 0 && j == 0) {
                F(_row_first)(t, &a[pick[j]], b[j].l[0]);
            } else if (k <= F_SHORT) {
                F(_row)(t, &a[pick[j]], b[j].l[i]);
            } else {
                F(_row_long)(t, &a[pick[j]], b[j].l[i]);
            }
        }
        if (k <= F_SHORT) {
            F(_fold)(t);
        } else {
            F(_fold_long)(t);
        }
    }
    for (int reduced = F_STEP; reduced < k; reduced += F_STEP) F(_subtract_once)(t);
    F(_reduce_once)(out, t);
}

static const uint8_t F(_in_order)[] = {0, 1, 2, 3, 4, 5};
