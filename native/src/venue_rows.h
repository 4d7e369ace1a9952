/* Rows of accounts by account and instrument: an array that grows at its end, and a table of places in it.
 *
 * The table is open, with linear probing, and hashes by simple tabulation under words that the caller draws for each
 * process: then an operation takes constant expected time whatever the keys are (Patrascu & Thorup, "The power of
 * simple tabulation hashing", J. ACM 2012, section 3), and whoever writes a journal cannot choose keys that collide. */
#ifndef ZKN_VENUE_ROWS_H
#define ZKN_VENUE_ROWS_H

#include "word.h"
#include "zkn.h"

enum { KEY_BITS = 12, KEY_BYTES = 6, NO_ROW = 0 };

static inline uint64_t row_key(uint32_t account, uint32_t instrument)
{
    return (uint64_t)account << KEY_BITS | instrument;
}

/* Where a key stands in the table, or would. A table is never full. */
static inline uint32_t *row_place(const zkn_venue *v, uint64_t key)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < KEY_BYTES; i++) at ^= v->tabulation[256 * i + (uint8_t)(key >> 8 * i)];
    for (at &= v->place_mask;; at = (at + 1) & v->place_mask) {
        const uint32_t row = v->places[at];
        if (row == NO_ROW || v->rows[row].key == key) return &v->places[at];
    }
}

/* The row of a key; one of amount 0 that is nobody's if it has none. */
static inline const zkn_venue_row *row_find(const zkn_venue *v, uint64_t key)
{
    return &v->rows[*row_place(v, key)];
}

/* The row of a key, a new one of amount 0 if it had none. */
static inline zkn_venue_row *row_open(zkn_venue *v, uint64_t key)
{
    uint32_t *place = row_place(v, key);
    if (*place == NO_ROW) {
        ZKN_ASSERT(v->row_count < v->row_room);
        *place = (uint32_t)v->row_count++;
        v->rows[*place] = (zkn_venue_row){.key = key};
    }
    return &v->rows[*place];
}

#endif
