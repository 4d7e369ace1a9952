/* 64-bit words to and from bytes of either order, on any machine. */
#ifndef ZKN_BYTES_H
#define ZKN_BYTES_H

#include <stdint.h>

static inline uint64_t zkn_load_le(const uint8_t *in)
{
    uint64_t word = 0;
    for (int k = 7; k >= 0; k--) word = word << 8 | in[k];
    return word;
}

static inline uint64_t zkn_load_be(const uint8_t *in)
{
    uint64_t word = 0;
    for (int k = 0; k < 8; k++) word = word << 8 | in[k];
    return word;
}

static inline void zkn_store_le(uint8_t *out, uint64_t word)
{
    for (int k = 0; k < 8; k++) out[k] = (uint8_t)(word >> 8 * k);
}

static inline void zkn_store_be(uint8_t *out, uint64_t word)
{
    for (int k = 0; k < 8; k++) out[k] = (uint8_t)(word >> 8 * (7 - k));
}

#endif
