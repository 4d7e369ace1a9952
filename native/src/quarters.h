/* Scalars in short pieces and odd digits, for points that all take the same steps. */
#ifndef ZKN_QUARTERS_H
#define ZKN_QUARTERS_H

#include "constants_quarters.h"
#include "halves.h"

/* The two words above 2^256 of a b, rounded. */
static inline zkn_u128 zkn_rounded_high(const uint64_t a[4], const uint64_t b[4])
{
    uint64_t t[8] = {0, 0, 0, (uint64_t)1 << 63};
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++) {
            const zkn_u128 sum = (zkn_u128)a[i] * b[j] + t[i + j] + carry;
            t[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        for (int k = i + 4; k < 8 && carry; k++) {
            t[k] += carry;
            carry = t[k] < carry;
        }
    }
    return (zkn_u128)t[5] << 64 | t[4];
}

/* s = part[0] + part[1] p + part[2] p^2 + part[3] p^3 mod r, each in two's complement and below 2^65 in size: rounding
 * leaves at most half of the sum of a column of the basis, 4 u + 2 (native/constants.py). Sums wrap. */
static inline void zkn_quarters(zkn_u128 part[4], const zkn_fr *scalar)
{
    uint64_t s[4];
    fr_to_canonical(s, scalar);
    part[0] = zkn_two_words(s), part[1] = part[2] = part[3] = 0;
    for (int i = 0; i < 4; i++) {
        const zkn_u128 multiple = zkn_rounded_high(s, QUARTERS_RATIO[i]);
        for (int j = 0; j < 4; j++) part[j] -= multiple * zkn_two_words(QUARTERS_BASIS[i][j]);
    }
}

/* A piece k in odd digits: where it is even, k + 1 takes its place, and the return value is 1. In W windows the odd k, below
 * 16^W in size, is the sum of (2 e_i - 15) 16^i, where e_i are the digits of (k + 16^W - 1) / 2, which is k / 2 rounded
 * down and half of 16^W (Joye, Tunstall 2009). *biased lacks that half, and *windows is raised to what k needs. */
static inline unsigned zkn_odd_digits(zkn_u128 *biased, unsigned *windows, zkn_u128 k)
{
    zkn_u128 size = k >> 127 ? -k : k + 1;
    unsigned needed = 0;
    for (; size; size >>= 4) needed++;
    if (needed > *windows) *windows = needed;
    *biased = k >> 1 | (k >> 127) << 127;
    return ~(unsigned)k & 1;
}

#endif
