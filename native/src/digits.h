/* Signed digits of scalars, for window methods.
 *
 * A scalar s is first made small: s or r - s, whichever is below r/2, with the sign kept apart. Then |s| +
 * sum_i 2^(c-1) 2^(ci), over all windows i but the last, is stored; its c-bit words minus 2^(c-1) are
 * digits of |s| in [-2^(c-1), 2^(c-1)), each found without the others. A zero digit marks the windows that
 * a small scalar does not reach. The last word is the last digit, at most 2^(c-1). */
#ifndef ZKN_DIGITS_H
#define ZKN_DIGITS_H

#include "field.h"

enum { ZKN_DIGIT_BITS_MAX = 16 };

/* Bit 255 holds the sign. */
typedef struct {
    uint64_t l[4];
} zkn_digits;

/* Windows of c bits that cover |s| < r/2 and one carry. */
static inline unsigned zkn_digit_windows(unsigned c)
{
    return (FR_BITS - 1 + c) / c;
}

/* The number added to |s| for windows of c bits. */
static inline void zkn_digit_bias(uint64_t bias[4], unsigned c)
{
    for (int i = 0; i < 4; i++) bias[i] = 0;
    for (unsigned i = 0; i + 1 < zkn_digit_windows(c); i++) {
        const unsigned bit = i * c + c - 1;
        bias[bit / 64] |= (uint64_t)1 << (bit % 64);
    }
}

static inline void zkn_digits_of(zkn_digits *out, const zkn_fr *scalar, const uint64_t bias[4])
{
    zkn_fr s, opposite;
    fr_to_canonical(s.l, scalar);
    zkn_carry borrow = 0, carry = 0, bigger = 0;
    for (int i = 0; i < 4; i++) opposite.l[i] = zkn_sbb(FR_MODULUS[i], s.l[i], &borrow);
    for (int i = 0; i < 4; i++) (void)zkn_sbb(opposite.l[i], s.l[i], &bigger); /* r - s < s */
    fr_cmov(&s, &opposite, bigger);
    for (int i = 0; i < 4; i++) out->l[i] = zkn_adc(s.l[i], bias[i], &carry);
    out->l[3] |= (uint64_t)bigger << 63;
}

/* Digit of window i, its sign combined with that of the scalar. */
static inline int zkn_digit(const zkn_digits *d, unsigned i, unsigned c)
{
    const unsigned bit = i * c, word = bit / 64, shift = bit % 64, last = i + 1 == zkn_digit_windows(c);
    const uint64_t top = word == 3 ? d->l[3] & ~((uint64_t)1 << 63) : d->l[word];
    uint64_t value = top >> shift;
    if (shift + c > 64 && word < 3) {
        const uint64_t next = word == 2 ? d->l[3] & ~((uint64_t)1 << 63) : d->l[word + 1];
        value |= next << (64 - shift);
    }
    const int digit = (int)(value & (((uint64_t)1 << c) - 1)) - (last ? 0 : 1 << (c - 1));
    return d->l[3] >> 63 ? -digit : digit;
}

#endif
