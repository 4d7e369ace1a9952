/* 64-bit words with carry, and what every source file needs to write one template for several types. */
#ifndef ZKN_WORD_H
#define ZKN_WORD_H

#include <stdint.h>

#ifdef ZKN_CHECK
#include <assert.h>
#define ZKN_ASSERT(condition) assert(condition)
#else
#define ZKN_ASSERT(condition) ((void)0)
#endif

#define ZKN_CAT_(a, b) a##b
#define ZKN_CAT(a, b) ZKN_CAT_(a, b)

__extension__ typedef unsigned __int128 zkn_u128;

/* a + b + *carry, leaving the new carry (0 or 1) */
static inline uint64_t zkn_adc(uint64_t a, uint64_t b, uint64_t *carry)
{
    const zkn_u128 sum = (zkn_u128)a + b + *carry;
    *carry = (uint64_t)(sum >> 64);
    return (uint64_t)sum;
}

/* a - b - *borrow, leaving the new borrow (0 or 1) */
static inline uint64_t zkn_sbb(uint64_t a, uint64_t b, uint64_t *borrow)
{
    const zkn_u128 difference = (zkn_u128)a - b - *borrow;
    *borrow = (uint64_t)(difference >> 64) & 1;
    return (uint64_t)difference;
}

#endif
