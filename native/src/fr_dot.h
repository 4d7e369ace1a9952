/* Sums of products over Fr with one Montgomery reduction for the whole sum. */
#ifndef ZKN_FR_DOT_H
#define ZKN_FR_DOT_H

#include "field.h"

enum { FR_DOT_MAX_TERMS = FR_SUM_MAX };

#if ZKN_HAS_ADX

/* *out <- sum a_i b_i / R mod r for k <= FR_DOT_MAX_TERMS, by rows (field_rows.h); `out` may be one of the terms. Constant
 * time in the values. */
static inline void fr_dot(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t k)
{
    ZKN_ASSERT(k <= FR_DOT_MAX_TERMS);
    uint64_t t[6] = {0};
    ZKN_UNROLL
    for (int i = 0; i < 4; i++) {
        for (size_t j = 0; j < k; j++) fr_row_long(t, &a[j], b[j].l[i]);
        fr_fold_long(t);
    }
    for (size_t reduced = FR_STEP; reduced < k; reduced += FR_STEP) fr_subtract_once(t);
    fr_reduce_once(out, t);
}

#else

/* A column: a sum of 128-bit terms, in three words. */
typedef struct {
    zkn_u128 low;
    uint64_t high;
} column;

static inline void column_add(column *c, uint64_t x, uint64_t y)
{
    c->high += __builtin_add_overflow(c->low, (zkn_u128)x * y, &c->low);
}

static inline void column_next(column *c)
{
    c->low = c->low >> 64 | (zkn_u128)c->high << 64;
    c->high = 0;
}

/* The terms of weight 2^(64 s) of all products; s is a constant where this is inlined. */
static inline void column_products(column *c, const zkn_fr *a, const zkn_fr *b, size_t k, int s)
{
    const int first = s < 4 ? 0 : s - 3, last = s < 4 ? s : 3;
    for (size_t j = 0; j < k; j++) {
        for (int i = first; i <= last; i++) column_add(c, a[j].l[i], b[j].l[s - i]);
    }
}

/* Columns 0 to 3: m_s makes the column vanish modulo 2^64. */
static inline void column_eliminated(column *c, uint64_t m[4], const zkn_fr *a, const zkn_fr *b, size_t k,
                                     int s)
{
    column_products(c, a, b, k, s);
    for (int i = 0; i < s; i++) column_add(c, m[i], FR_MODULUS[s - i]);
    m[s] = (uint64_t)c->low * FR_N0;
    column_add(c, m[s], FR_MODULUS[0]);
    column_next(c);
}

/* Columns 4 to 6. */
static inline uint64_t column_kept(column *c, const uint64_t m[4], const zkn_fr *a, const zkn_fr *b, size_t k,
                                   int s)
{
    column_products(c, a, b, k, s);
    for (int i = s - 3; i < 4; i++) column_add(c, m[i], FR_MODULUS[s - i]);
    const uint64_t limb = (uint64_t)c->low;
    column_next(c);
    return limb;
}

/* *out <- sum a_i b_i / R mod r for k <= FR_DOT_MAX_TERMS: finely integrated product scanning (Koc, Acar, Kaliski
 * 1996) with k products in each column. `out` may be one of the terms. Constant time in the values.
 *
 * Bounds: as in field_rows.h, the upper half is below (c k + 1) r < 2^256. A column has at most 4 k + 4 terms: three
 * words are plenty. */
static inline void fr_dot(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t k)
{
    ZKN_ASSERT(k <= FR_DOT_MAX_TERMS);
    uint64_t m[4], t[4];
    column c = {0, 0};
    column_eliminated(&c, m, a, b, k, 0);
    column_eliminated(&c, m, a, b, k, 1);
    column_eliminated(&c, m, a, b, k, 2);
    column_eliminated(&c, m, a, b, k, 3);
    t[0] = column_kept(&c, m, a, b, k, 4);
    t[1] = column_kept(&c, m, a, b, k, 5);
    t[2] = column_kept(&c, m, a, b, k, 6);
    t[3] = (uint64_t)c.low;
    for (size_t reduced = FR_STEP; reduced < k; reduced += FR_STEP) fr_subtract_once(t);
    fr_reduce_once(out, t);
}

#endif

#endif
