/* Items sorted by the digits of one window of their sizes, for the buckets of msm_template.h.
 *
 * Sizes stand word by word, all lowest words first, so that a window reads what it needs and no more, and the digits of
 * a vector of items are found together. */
#ifndef ZKN_DIGIT_SORT_H
#define ZKN_DIGIT_SORT_H

#include "digits.h"

#include <string.h>

/* Word w of size i is word[w stride + i]. */
typedef struct {
    const uint64_t *word;
    size_t stride;
    unsigned words;
} zkn_sizes;

/* code[i], for i < n <- that of digit `window` of size first + i, as zkn_digit gives it. */
static void zkn_codes(uint32_t *code, const zkn_sizes *sizes, size_t first, size_t n, unsigned window,
                      unsigned c)
{
    const unsigned below = window ? window * c - 1 : 0, at = below / 64, shift = below % 64;
    const uint64_t mask = ((uint64_t)2 << c) - 1, *low = sizes->word + at * sizes->stride + first;
    const unsigned straddles = shift + c >= 64 && at + 1 < sizes->words;
    const uint64_t *high = straddles ? low + sizes->stride : low, wanted = straddles ? mask : 0;
    const unsigned doubled = window == 0, left = 63 - shift;
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = (low[i] >> shift << doubled & mask) | (high[i] << 1 << left & wanted);
        const uint32_t negative = (uint32_t)(bits >> c), digit = (uint32_t)((bits + 1) >> 1);
        code[i] = (negative ? ((uint32_t)1 << c) - digit : digit) << 1 | negative;
    }
}

/* Sorts n items by |digit| (counting sort); code[i] is that of item index[i]. On entry start[k + 1] counts the items of
 * bucket k and item `filled` is the next free one; on return bucket k holds items start[k] to start[k+1] - 1, and bucket
 * 0 none. Returns the next free item. */
static uint32_t zkn_sort_by_code(uint32_t *item, uint32_t *start, uint32_t filled, const uint32_t *code,
                                 const uint32_t *index, size_t n, size_t buckets)
{
    start[0] = start[1] = filled;
    for (size_t k = 1; k < buckets; k++) { /* start[k+1] is where bucket k starts, until it is filled */
        const uint32_t count = start[k + 1];
        start[k + 1] = filled;
        filled += count;
    }
    for (size_t i = 0; i < n; i++) {
        if (code[i] >> 1) item[start[(code[i] >> 1) + 1]++] = index[i] ^ code[i] << 31;
    }
    return filled;
}

enum {
    ZKN_PART_BITS = 9,        /* buckets of a part: with their items they stay in a core's first cache */
    ZKN_PARTS_FROM = 1 << 13, /* more buckets than this take turns in that cache */
    ZKN_INDEX_BITS = 21,      /* of an item that is sorted in parts */
    ZKN_CODES = 1024          /* found together */
};

/* The same in two passes, for so many buckets that one would wait for each: by the digit but for its low bits into
 * parts, then each part by those. An entry between passes is the low bits, the sign and the index. */
static uint32_t zkn_sort_in_parts(uint32_t *item, uint32_t *start, uint32_t filled, uint32_t *entry,
                                  const uint32_t *index, const zkn_sizes *sizes, size_t first, size_t n,
                                  unsigned window, unsigned c)
{
    enum { PARTS = 1 + (1 << (ZKN_DIGIT_BITS_MAX - 1 - ZKN_PART_BITS)), PART = 1 << ZKN_PART_BITS };
    const size_t buckets = ((size_t)1 << (c - 1)) + 1, parts = ((buckets - 1) >> ZKN_PART_BITS) + 1;
    const uint32_t sign = (uint32_t)1 << ZKN_INDEX_BITS;
    uint32_t end[PARTS] = {0}, next[PART], code[ZKN_CODES], begin = 0;
    for (size_t i = 0; i < n; i += ZKN_CODES) {
        const size_t few = n - i < ZKN_CODES ? n - i : ZKN_CODES;
        zkn_codes(code, sizes, first + i, few, window, c);
        for (size_t k = 0; k < few; k++) end[code[k] >> (ZKN_PART_BITS + 1)]++;
    }
    for (size_t part = 0; part < parts; part++) { /* where a part ends, once it is filled */
        const uint32_t count = end[part];
        end[part] = begin;
        begin += count;
    }
    for (size_t i = 0; i < n; i += ZKN_CODES) {
        const size_t few = n - i < ZKN_CODES ? n - i : ZKN_CODES;
        zkn_codes(code, sizes, first + i, few, window, c);
        for (size_t k = 0; k < few; k++) {
            const uint32_t low = code[k] >> 1 & (PART - 1), of = index[i + k] ^ code[k] << 31;
            entry[end[code[k] >> (ZKN_PART_BITS + 1)]++] =
                low << (ZKN_INDEX_BITS + 1) | of >> 31 << ZKN_INDEX_BITS | (of & (sign - 1));
        }
    }
    begin = 0;
    for (size_t part = 0; part < parts; begin = end[part++]) {
        const size_t bucket = part << ZKN_PART_BITS, left = buckets - bucket;
        memset(next, 0, sizeof next);
        for (uint32_t i = begin; i < end[part]; i++) next[entry[i] >> (ZKN_INDEX_BITS + 1)]++;
        if (part == 0) next[0] = 0; /* those that are in no bucket */
        for (size_t k = 0; k < PART && k < left; k++) {
            const uint32_t count = next[k];
            start[bucket + k] = next[k] = filled;
            filled += count;
        }
        for (uint32_t i = begin; i < end[part]; i++) {
            const uint32_t low = entry[i] >> (ZKN_INDEX_BITS + 1);
            if (part == 0 && low == 0) continue;
            item[next[low]++] = (entry[i] & (sign - 1)) | (entry[i] & sign) << (31 - ZKN_INDEX_BITS);
        }
    }
    start[buckets] = filled;
    zkn_wipe(code, sizeof code);
    zkn_wipe(next, sizeof next);
    return filled;
}

/* The items of n sizes from `first` on in the buckets of one window; the i-th is index[i], and its bit 31 set if its
 * opposite counts. As zkn_sort_by_code, with no counts on entry. `code` is room for n. */
static uint32_t zkn_sort_by_digit(uint32_t *item, uint32_t *start, uint32_t filled, uint32_t *code,
                                  const uint32_t *index, const zkn_sizes *sizes, size_t first, size_t n,
                                  unsigned window, unsigned c)
{
    const size_t buckets = ((size_t)1 << (c - 1)) + 1;
    if (buckets > ZKN_PARTS_FROM)
        return zkn_sort_in_parts(item, start, filled, code, index, sizes, first, n, window, c);
    zkn_codes(code, sizes, first, n, window, c);
    for (size_t i = 0; i < n; i++) start[(code[i] >> 1) + 1]++;
    return zkn_sort_by_code(item, start, filled, code, index, n, buckets);
}

#endif
