/* Products of four elements of Fr by one prepared factor, for transforms of four rows side by side.
 *
 * The quotient of x w by m is taken from x floor(w S / m), S = 2^261, and x w less its multiple of m is computed modulo S
 * alone (Shoup's trick, as fr_mul_factor): 143 multiplications for four products, against 171 of a Montgomery product, and no
 * step of it waits for nine others. Elements keep whatever form they have. */
#ifndef ZKN_QUAD_FACTOR_H
#define ZKN_QUAD_FACTOR_H

#include "quad_field.h"

/* Four factors w < m beside each other: limbs of w, and of floor(w S / m). */
typedef struct {
    fr4 value, ratio;
} fr4_factors;

/* out <- the low limbs of a b, for both carried; carried and below S */
static inline void fr4_mul_low(fr4 *out, const fr4 *a, const fr4 *b)
{
    lane_word carry = lane_all(0);
    fr4 low;
    for (int c = 0; c < QUAD_LIMBS; c++) {
        for (int i = 0; i <= c; i++) carry = lane_add(carry, lane_mul_32(a->l[i], b->l[c - i]));
        low.l[c] = lane_and(carry, lane_all(QUAD_MASK));
        carry = lane_shr(carry, QUAD_BITS);
    }
    *out = low;
}

/* out <- one more than the high limbs of a m, for a carried */
static inline void fr4_modulus_high(fr4 *out, const fr4 *a)
{
    lane_word carry = lane_all(0);
    for (int c = 0; c < 2 * QUAD_LIMBS; c++) {
        if (c == QUAD_LIMBS) carry = lane_add(carry, lane_all(1));
        for (int i = c < QUAD_LIMBS ? 0 : c - QUAD_LIMBS + 1; i < QUAD_LIMBS && i <= c; i++)
            carry = lane_add(carry, lane_mul_32(a->l[i], lane_all(FR_QUAD_MODULUS[c - i])));
        if (c >= QUAD_LIMBS) out->l[c - QUAD_LIMBS] = lane_and(carry, lane_all(QUAD_MASK));
        carry = lane_shr(carry, QUAD_BITS);
    }
}

/* From four elements w, none of them 0, in Montgomery form. With e = w S mod m, which is that form times 2^5, w S =
 * ratio m + e and 0 < e < m: so ratio is -e / m modulo S, and w is one more than the high half of ratio m. */
static inline void fr4_factors_of(fr4_factors *out, const uint64_t *const w[LANES])
{
    lane_word words[4];
    fr4 rest, minus_inverse;
    lane_gather4(words, w, 0);
    fr4_enter(&rest, words);
    fr4_canonical(&rest);
    fr4_all(&minus_inverse, FR_QUAD_MINUS_INVERSE);
    fr4_mul_low(&out->ratio, &rest, &minus_inverse);
    fr4_modulus_high(&out->value, &out->ratio);
}

/* out <- x w for the factor of one lane of `w`, limbs of x below 2^31 and x below S: carried, and of bound 2.001.
 *
 * Columns 7 and up of x ratio give the quotient: those left out are below 2^237, and x (w S / m - ratio) is below S, so it is at
 * most 2 too low. x w + q (S - m) modulo S is the remainder. Columns stay below 9 (2^60 + 2^58) + 2^35. */
static inline void fr4_mul_factor(fr4 *out, const fr4 *x, const fr4_factors *w, unsigned lane)
{
    ZKN_ASSERT(fr4_is_below(x, 31));
    fr4 quotient;
    const uint64_t *factor = (const uint64_t *)(const void *)w + lane;
    /* clang-format off */
#define FACTOR(at)      "vpbroadcastq 32*" #at "(%[w]), %%ymm10\n\t"
#define SET(i, r)       "vpmuludq 32*" #i "(%[x]), %%ymm10, %%ymm" #r "\n\t"
#define ADD(i, r)       "vpmuludq 32*" #i "(%[x]), %%ymm10, %%ymm11\n\t" \
                        "vpaddq %%ymm11, %%ymm" #r ", %%ymm" #r "\n\t"
#define QUOTIENT(at)    "vmovdqu 32*" #at "(%[q]), %%ymm10\n\t"
#define LESS(i, r)      "vpmuludq 32*" #i "(%[m]), %%ymm10, %%ymm11\n\t" \
                        "vpaddq %%ymm11, %%ymm" #r ", %%ymm" #r "\n\t"
#define CARRY(r, next)  "vpsrlq $29, %%ymm" #r ", %%ymm11\n\t" \
                        "vpaddq %%ymm11, %%ymm" #next ", %%ymm" #next "\n\t"
#define KEEP(r, to, at) "vpand %%ymm13, %%ymm" #r ", %%ymm12\n\t" \
                        "vmovdqu %%ymm12, 32*" #at "(%[" #to "])\n\t"
    __asm__ volatile(
        "vmovdqu 32*9(%[m]), %%ymm13\n\t"
        /* column c of x ratio in ymm(c - 7) */
        FACTOR(9) SET(7, 0) SET(8, 1)
        FACTOR(10) ADD(6, 0) ADD(7, 1) SET(8, 2)
        FACTOR(11) ADD(5, 0) ADD(6, 1) ADD(7, 2) SET(8, 3)
        FACTOR(12) ADD(4, 0) ADD(5, 1) ADD(6, 2) ADD(7, 3) SET(8, 4)
        FACTOR(13) ADD(3, 0) ADD(4, 1) ADD(5, 2) ADD(6, 3) ADD(7, 4) SET(8, 5)
        FACTOR(14) ADD(2, 0) ADD(3, 1) ADD(4, 2) ADD(5, 3) ADD(6, 4) ADD(7, 5) SET(8, 6)
        FACTOR(15) ADD(1, 0) ADD(2, 1) ADD(3, 2) ADD(4, 3) ADD(5, 4) ADD(6, 5) ADD(7, 6) SET(8, 7)
        FACTOR(16) ADD(0, 0) ADD(1, 1) ADD(2, 2) ADD(3, 3) ADD(4, 4) ADD(5, 5) ADD(6, 6) ADD(7, 7) SET(8, 8)
        FACTOR(17) ADD(0, 1) ADD(1, 2) ADD(2, 3) ADD(3, 4) ADD(4, 5) ADD(5, 6) ADD(6, 7) ADD(7, 8) SET(8, 9)
        CARRY(0, 1) CARRY(1, 2)
        KEEP(2, q, 0) CARRY(2, 3) KEEP(3, q, 1) CARRY(3, 4) KEEP(4, q, 2) CARRY(4, 5) KEEP(5, q, 3) CARRY(5, 6)
        KEEP(6, q, 4) CARRY(6, 7) KEEP(7, q, 5) CARRY(7, 8) KEEP(8, q, 6) CARRY(8, 9) KEEP(9, q, 7)
        "vpsrlq $29, %%ymm9, %%ymm9\n\t"
        "vmovdqu %%ymm9, 32*8(%[q])\n\t"
        /* column c of x w + q (S - m) in ymm(c) */
        FACTOR(0) SET(0, 0) SET(1, 1) SET(2, 2) SET(3, 3) SET(4, 4) SET(5, 5) SET(6, 6) SET(7, 7) SET(8, 8)
        FACTOR(1) ADD(0, 1) ADD(1, 2) ADD(2, 3) ADD(3, 4) ADD(4, 5) ADD(5, 6) ADD(6, 7) ADD(7, 8)
        FACTOR(2) ADD(0, 2) ADD(1, 3) ADD(2, 4) ADD(3, 5) ADD(4, 6) ADD(5, 7) ADD(6, 8)
        FACTOR(3) ADD(0, 3) ADD(1, 4) ADD(2, 5) ADD(3, 6) ADD(4, 7) ADD(5, 8)
        FACTOR(4) ADD(0, 4) ADD(1, 5) ADD(2, 6) ADD(3, 7) ADD(4, 8)
        FACTOR(5) ADD(0, 5) ADD(1, 6) ADD(2, 7) ADD(3, 8)
        FACTOR(6) ADD(0, 6) ADD(1, 7) ADD(2, 8)
        FACTOR(7) ADD(0, 7) ADD(1, 8)
        FACTOR(8) ADD(0, 8)
        QUOTIENT(0) LESS(0, 0) LESS(1, 1) LESS(2, 2) LESS(3, 3) LESS(4, 4) LESS(5, 5) LESS(6, 6) LESS(7, 7) LESS(8, 8)
        QUOTIENT(1) LESS(0, 1) LESS(1, 2) LESS(2, 3) LESS(3, 4) LESS(4, 5) LESS(5, 6) LESS(6, 7) LESS(7, 8)
        QUOTIENT(2) LESS(0, 2) LESS(1, 3) LESS(2, 4) LESS(3, 5) LESS(4, 6) LESS(5, 7) LESS(6, 8)
        QUOTIENT(3) LESS(0, 3) LESS(1, 4) LESS(2, 5) LESS(3, 6) LESS(4, 7) LESS(5, 8)
        QUOTIENT(4) LESS(0, 4) LESS(1, 5) LESS(2, 6) LESS(3, 7) LESS(4, 8)
        QUOTIENT(5) LESS(0, 5) LESS(1, 6) LESS(2, 7) LESS(3, 8)
        QUOTIENT(6) LESS(0, 6) LESS(1, 7) LESS(2, 8)
        QUOTIENT(7) LESS(0, 7) LESS(1, 8)
        QUOTIENT(8) LESS(0, 8)
        KEEP(0, out, 0) CARRY(0, 1) KEEP(1, out, 1) CARRY(1, 2) KEEP(2, out, 2) CARRY(2, 3) KEEP(3, out, 3) CARRY(3, 4)
        KEEP(4, out, 4) CARRY(4, 5) KEEP(5, out, 5) CARRY(5, 6) KEEP(6, out, 6) CARRY(6, 7) KEEP(7, out, 7) CARRY(7, 8)
        KEEP(8, out, 8)
        :
        : [out] "r"(out), [x] "r"(x), [w] "r"(factor), [q] "r"(&quotient), [m] "r"(FR_QUAD_TABLE)
        : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
          "xmm12", "xmm13");
    /* clang-format on */
#undef FACTOR
#undef SET
#undef ADD
#undef QUOTIENT
#undef LESS
#undef CARRY
#undef KEEP
}

#endif
