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

#endif
