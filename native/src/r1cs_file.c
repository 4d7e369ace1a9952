/* The constraint section of a .r1cs file: linear combinations back to back, each a little-endian u32 count
 * and then `count` entries of 36 bytes (wire u32, coefficient 32 bytes). Where one starts is known only once
 * the one before was read, so this walk is all that Python leaves to C. */
#include "zkn.h"

enum { COUNT_BYTES = 4, ENTRY_BYTES = 36 };

zkn_status zkn_r1cs_counts(uint32_t *counts, size_t *bad, const uint8_t *section, size_t length, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        *bad = i;
        if (length - at < COUNT_BYTES) return ZKN_BAD_LENGTH;
        const uint8_t *p = section + at;
        const uint32_t count =
            (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        at += COUNT_BYTES;
        if (count > (length - at) / ENTRY_BYTES) return ZKN_BAD_LENGTH;
        at += (size_t)count * ENTRY_BYTES;
        counts[i] = count;
    }
    *bad = n;
    return at == length ? ZKN_OK : ZKN_BAD_LENGTH;
}
