/* Scalars taken apart for window methods.
 *
 * A scalar s becomes a sign and a size: s or r - s, whichever is smaller. Sizes are read in windows of c
 * bits, each with the bit below it, as signed digits in [-2^(c-1), 2^(c-1)] (Booth 1951): every digit is
 * found without the others, and those above the length of a size are zero. */
#ifndef ZKN_DIGITS_H
#define ZKN_DIGITS_H

#include "field.h"

enum {
    ZKN_DIGIT_BITS_MAX = 20,
    ZKN_SIZE_BITS = FR_BITS - 1, /* of a size: below r/2 */
    ZKN_HALF_BITS = SPLIT_BITS   /* of the two halves of a size */
};

/* Windows of c bits that cover sizes of so many bits: the highest digit is never negative. */
static inline unsigned zkn_digit_windows(unsigned bits, unsigned c)
{
    return bits / c + 1;
}

/* The size of a scalar; returns 1 if it stands for the opposite. */
static inline unsigned zkn_size_of(uint64_t size[4], const zkn_fr *scalar)
{
    zkn_fr s, opposite;
    fr_to_canonical(s.l, scalar);
    zkn_carry borrow = 0, bigger = 0;
    for (int i = 0; i < 4; i++) opposite.l[i] = zkn_sbb(FR_MODULUS[i], s.l[i], &borrow);
    for (int i = 0; i < 4; i++) (void)zkn_sbb(opposite.l[i], s.l[i], &bigger); /* r - s < s */
    fr_cmov(&s, &opposite, bigger);
    for (int i = 0; i < 4; i++) size[i] = s.l[i];
    return bigger;
}

/* The absolute value of digit `window` of a size of so many words, times 2, plus 1 if it is negative. */
static inline uint32_t zkn_digit(const uint64_t *size, unsigned words, unsigned window, unsigned c)
{
    const uint64_t mask = ((uint64_t)2 << c) - 1;
    uint64_t bits;
    if (window == 0) {
        bits = size[0] << 1 & mask;
    } else {
        const unsigned below = window * c - 1, word = below / 64, shift = below % 64;
        bits = size[word] >> shift;
        if (shift + c >= 64 && word + 1 < words) bits |= size[word + 1] << 1 << (63 - shift);
        bits &= mask;
    }
    const uint32_t negative = (uint32_t)(bits >> c), digit = (uint32_t)((bits + 1) >> 1);
    return (negative ? ((uint32_t)1 << c) - digit : digit) << 1 | negative;
}

/* The two words above 2^256 of a size times a ratio. */
static inline zkn_u128 zkn_scale_size(const uint64_t size[4], const uint64_t *ratio, unsigned words)
{
    uint64_t t[7] = {0};
    for (unsigned i = 0; i < words; i++) {
        uint64_t high = 0;
        zkn_carry carry = 0;
        for (unsigned j = 0; j < 4; j++)
            t[i + j] = zkn_adc(t[i + j], zkn_mul_add(size[j], ratio[i], &high), &carry);
        t[i + 4] = high + carry;
    }
    return t[4] | (zkn_u128)t[5] << 64;
}

/* size = low + lambda high, with 0 <= low < 2^ZKN_HALF_BITS and |high| < 2^127; returns 1 if high stands for its
 * opposite (Gallant, Lambert, Vanstone 2001, section 4). The quotients are rounded down. For BN254 they are short of
 * the exact ones by less than 9/8, as a size is below 2^253; so low is below 9/8 (6u^2 + 6u + 2) < 2^127 and high
 * between -9/8 (6u^2 + 2u) and 9/8 (2u + 1). For BLS12-381 the one quotient is short of size/x^2 by less than 5/4, as
 * a size is below 2^254; so low is below 5/4 x^2 < 2^128, and -high at most size/x^2 < 2^127. */
static inline unsigned zkn_split_size(uint64_t low[2], uint64_t high[2], const uint64_t size[4])
{
    const zkn_u128 longer = SPLIT_LONGER[0] | (zkn_u128)SPLIT_LONGER[1] << 64,
                   length = SPLIT_LONG[0] | (zkn_u128)SPLIT_LONG[1] << 64;
    const zkn_u128 c = zkn_scale_size(size, SPLIT_LONG_RATIO, 3),
                   d = zkn_scale_size(size, SPLIT_SHORT_RATIO, 2);
    const zkn_u128 first = (size[0] | (zkn_u128)size[1] << 64) - c * longer - d * SPLIT_SHORT[0];
    const zkn_u128 second = d * length - c * SPLIT_SHORT[0];
    const unsigned negative = (unsigned)(second >> 127);
    const zkn_u128 absolute = negative ? 0 - second : second;
    ZKN_ASSERT(first >> (ZKN_HALF_BITS - 1) <= 1);
    low[0] = (uint64_t)first, low[1] = (uint64_t)(first >> 64);
    high[0] = (uint64_t)absolute, high[1] = (uint64_t)(absolute >> 64);
    return negative;
}

#endif
