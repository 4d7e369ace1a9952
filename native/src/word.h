/* 64-bit words with carry. */
#ifndef ZKN_WORD_H
#define ZKN_WORD_H

#include "path.h"

#ifdef ZKN_CHECK
#define ZKN_ASSERT(condition) assert(condition)
#else
#define ZKN_ASSERT(condition) ((void)0)
#endif

/* Vectors in memory are also the `feM`, `G1M` and `G2M` of files. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "zkn needs a little-endian machine");

/* Before a loop over limbs: unrolled, it keeps them in registers. */
#define ZKN_UNROLL _Pragma("GCC unroll 16")

__extension__ typedef unsigned __int128 zkn_u128;
__extension__ typedef __int128 zkn_i128;

/* After `static inline`, for functions that would spill if called. */
#define ZKN_INLINE __attribute__((always_inline))

/* A carry or borrow, 0 or 1. */
typedef unsigned char zkn_carry;

/* a + b + *carry, leaving the new carry. The intrinsic is the plain x86-64 instruction, which compilers do
 * not find themselves. */
static inline uint64_t zkn_adc(uint64_t a, uint64_t b, zkn_carry *carry)
{
#if defined(__x86_64__)
    unsigned long long sum;
    *carry = _addcarry_u64(*carry, a, b, &sum);
    return sum;
#else
    const zkn_u128 sum = (zkn_u128)a + b + *carry;
    *carry = (zkn_carry)(sum >> 64);
    return (uint64_t)sum;
#endif
}

/* a - b - *borrow, leaving the new borrow */
static inline uint64_t zkn_sbb(uint64_t a, uint64_t b, zkn_carry *borrow)
{
#if defined(__x86_64__)
    unsigned long long difference;
    *borrow = _subborrow_u64(*borrow, a, b, &difference);
    return difference;
#else
    const zkn_u128 difference = (zkn_u128)a - b - *borrow;
    *borrow = (zkn_carry)((difference >> 64) & 1);
    return (uint64_t)difference;
#endif
}

/* All ones for 1, zero for 0; the compiler cannot see which, so it makes no branch of what the mask selects. */
static inline uint64_t zkn_mask(uint64_t bit)
{
    uint64_t mask = 0 - bit;
#if defined(__GNUC__)
    __asm__("" : "+r"(mask));
#endif
    return mask;
}

/* a * b + *high, leaving the high word of it in *high */
static inline uint64_t zkn_mul_add(uint64_t a, uint64_t b, uint64_t *high)
{
    const zkn_u128 product = (zkn_u128)a * b + *high;
    *high = (uint64_t)(product >> 64);
    return (uint64_t)product;
}

#endif
