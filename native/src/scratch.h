/* Dividing the scratch that a caller gives into arrays, and knowing beforehand how much that takes. */
#ifndef ZKN_SCRATCH_H
#define ZKN_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

/* Next free byte; NULL while only measuring. `used` counts from the start. */
typedef struct {
    uint8_t *base;
    size_t used;
} zkn_scratch;

/* The next `count` items of `size` bytes, 64-byte aligned relative to the start; NULL while measuring. */
static inline void *zkn_take(zkn_scratch *s, size_t count, size_t size)
{
    void *taken = s->base ? s->base + s->used : NULL;
    s->used += (count * size + 63) & ~(size_t)63;
    return taken;
}

/* The same at an address that 64 divides, whatever the start: what vectors of 512 bits are read and written in. */
static inline void *zkn_take_aligned(zkn_scratch *s, size_t count, size_t size)
{
    const uintptr_t taken = (uintptr_t)zkn_take(s, count * size + 63, 1);
    return (void *)((taken + 63) & ~(uintptr_t)63);
}

#endif
