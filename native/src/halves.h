/* A scalar as k + l e, e the eigenvalue of an endomorphism and k, l of half its length, in signed digits. */
#ifndef ZKN_HALVES_H
#define ZKN_HALVES_H

#include "field.h"

enum {
    ZKN_HALF_WINDOWS = 32, /* of four bits: |k|, |l| < 0x7777...78, and 8 more in each fit */
    ZKN_HALF_DIGIT_MAX = 8
};

/* |k| and |l| plus 8 in every window, and whether they are negative. */
typedef struct {
    zkn_u128 biased[2];
    int negative[2];
} zkn_halves;

static inline zkn_u128 zkn_two_words(const uint64_t words[2])
{
    return (zkn_u128)words[1] << 64 | words[0];
}

/* round(s q / 2^FR_BITS), s below 2^FR_BITS */
static inline zkn_u128 zkn_quotient(const uint64_t s[4], const uint64_t q[2])
{
    uint64_t product[6] = {0};
    for (int i = 0; i < 2; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++) {
            const zkn_u128 t = (zkn_u128)q[i] * s[j] + product[i + j] + carry;
            product[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        product[i + 4] = carry;
    }
    const zkn_u128 high = (zkn_u128)product[5] << 64 | product[4];
    enum { BELOW = FR_BITS - 192 };
    return (high << (64 - BELOW) | product[3] >> BELOW) + (product[3] >> (BELOW - 1) & 1);
}

/* The halves of a scalar by the constants G1_SPLIT or G2_SPLIT, in two's complement: sums wrap, and what they give is below
 * 2^127 in size. */
static inline void zkn_split(zkn_u128 half[2], const zkn_fr *scalar, const uint64_t split[6][2])
{
    uint64_t s[4];
    fr_to_canonical(s, scalar);
    const zkn_u128 c1 = zkn_quotient(s, split[0]), c2 = zkn_quotient(s, split[1]);
    half[0] = zkn_two_words(s) - c1 * zkn_two_words(split[2]) - c2 * zkn_two_words(split[4]);
    half[1] = -(c1 * zkn_two_words(split[3])) - c2 * zkn_two_words(split[5]);
}

/* The halves in signed digits; returns how many windows reach the highest that is not zero. */
static inline unsigned zkn_halve(zkn_halves *out, const zkn_fr *scalar, const uint64_t split[6][2])
{
    zkn_u128 half[2];
    zkn_split(half, scalar, split);
    const zkn_u128 bias = (zkn_u128)0x8888888888888888ULL << 64 | 0x8888888888888888ULL;
    zkn_u128 most = 0;
    for (int i = 0; i < 2; i++) {
        out->negative[i] = (int)(half[i] >> 127);
        const zkn_u128 size = out->negative[i] ? -half[i] : half[i];
        ZKN_ASSERT(size <= ~bias);
        out->biased[i] = size + bias;
        if (size > most) most = size;
    }
    unsigned windows = 0;
    for (zkn_u128 left = most; left; left >>= 4) windows++;
    /* the digits of a number of w windows reach one window more if its highest digit exceeds 7 */
    return windows < ZKN_HALF_WINDOWS && most ? windows + 1 : windows;
}

/* From -8 to 8, the sign of the half included. */
static inline int zkn_half_digit(const zkn_halves *h, unsigned half, unsigned window)
{
    const int digit = (int)(h->biased[half] >> (4 * window) & 15) - ZKN_HALF_DIGIT_MAX;
    return h->negative[half] ? -digit : digit;
}

#endif
