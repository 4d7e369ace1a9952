/* One event of a venue's journal, decoded: docs/spec.md, section 15. */
#ifndef ZKN_EVENT_H
#define ZKN_EVENT_H

#include "bytes.h"
#include "word.h"
#include "zkn.h"

enum { EVENT_LINK = 8, EVENT_STATED = ZKN_EVENT_BYTES - EVENT_LINK }; /* what a link covers of its event */
enum { DEPOSIT = 1, WITHDRAWAL, TRANSFER, FILL, FUNDING, LIQUIDATION, ORDER, CANCEL, PRICE };
enum { SELLS = 1, ISOLATED = 2, LIQUIDATES = 4 };

typedef struct {
    zkn_i128 value, fee; /* value <- notional price in an event of kind PRICE */
    uint64_t order, time, price;
    int64_t amount, after, cash;
    uint32_t account;
    uint16_t instrument;
    uint8_t kind, flags;
} event;

/* high * 2^64 + low */
static inline zkn_i128 wide_of(int64_t high, uint64_t low)
{
    return (zkn_i128)((zkn_u128)(uint64_t)high << 64 | low);
}

static inline int64_t high_of(zkn_i128 x)
{
    return (int64_t)(uint64_t)((zkn_u128)x >> 64);
}

static inline void event_read(event *out, const uint8_t in[ZKN_EVENT_BYTES])
{
    const uint64_t first = zkn_load_be(in);
    out->kind = (uint8_t)(first >> 56);
    out->flags = (uint8_t)(first >> 48);
    out->instrument = (uint16_t)(first >> 32);
    out->account = (uint32_t)first;
    out->order = zkn_load_be(in + 8);
    out->time = zkn_load_be(in + 16);
    out->price = zkn_load_be(in + 24);
    out->amount = (int64_t)zkn_load_be(in + 32);
    out->value = wide_of((int64_t)zkn_load_be(in + 40), zkn_load_be(in + 48));
    out->fee = wide_of((int64_t)zkn_load_be(in + 56), zkn_load_be(in + 64));
    out->after = (int64_t)zkn_load_be(in + 72);
    out->cash = (int64_t)zkn_load_be(in + 80);
}

#endif
