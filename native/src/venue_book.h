/* A venue's order book: open orders by number, and of each side of each instrument the one that is filled next.
 *
 * Numbers only rise, so that they lie sorted and are found by halving. A side is a pairing heap by price and age
 * (Fredman, Sedgewick, Sleator, Tarjan 1986) within the orders themselves: O(1) to add and to see the first, O(log n)
 * amortised to take any out, whatever the prices are. */
#ifndef ZKN_VENUE_BOOK_H
#define ZKN_VENUE_BOOK_H

#include "event.h"

enum { NO_ORDER_HERE = 0 };

/* The open order of a number, NO_ORDER_HERE if there is none. */
static inline uint32_t order_find(const zkn_venue *v, uint64_t number)
{
    size_t low = 0;
    for (size_t left = v->number_count; left > 1;) {
        const size_t half = left / 2;
        low += v->numbers[low + half - 1] < number ? half : 0;
        left -= half;
    }
    return v->number_count > 0 && v->numbers[low] == number ? v->order_of[low] : NO_ORDER_HERE;
}

/* Whether one order of a side is filled before another. */
static inline int order_before(const zkn_venue_order *a, const zkn_venue_order *b)
{
    if (a->price != b->price) return (a->flags & SELLS) ? a->price < b->price : a->price > b->price;
    return a->age < b->age;
}

/* Two heaps as one; its first. */
static inline uint32_t heap_join(zkn_venue_order *orders, uint32_t a, uint32_t b)
{
    if (a == NO_ORDER_HERE || b == NO_ORDER_HERE) return a | b;
    if (order_before(&orders[b], &orders[a])) {
        const uint32_t other = a;
        a = b, b = other;
    }
    zkn_venue_order *first = &orders[a], *second = &orders[b];
    second->before = a;
    second->next = first->child;
    if (first->child != NO_ORDER_HERE) orders[first->child].before = b;
    first->child = b;
    first->next = first->before = NO_ORDER_HERE;
    return a;
}

/* The children of an order that leaves as one heap: joined in pairs from the first on, then from the last back. */
static inline uint32_t heap_gather(zkn_venue_order *orders, uint32_t child)
{
    uint32_t pairs = NO_ORDER_HERE, heap = NO_ORDER_HERE;
    while (child != NO_ORDER_HERE) {
        const uint32_t a = child, b = orders[a].next;
        child = b == NO_ORDER_HERE ? b : orders[b].next;
        const uint32_t pair = heap_join(orders, a, b);
        orders[pair].next = pairs;
        pairs = pair;
    }
    while (pairs != NO_ORDER_HERE) {
        const uint32_t pair = pairs;
        pairs = orders[pair].next;
        orders[pair].next = NO_ORDER_HERE;
        heap = heap_join(orders, heap, pair);
    }
    if (heap != NO_ORDER_HERE) orders[heap].before = orders[heap].next = NO_ORDER_HERE;
    return heap;
}

static inline uint32_t *book_side(zkn_venue *v, const zkn_venue_order *order)
{
    return &v->instruments[order->instrument].best[order->flags & SELLS];
}

static inline void book_add(zkn_venue *v, uint32_t at)
{
    zkn_venue_order *order = &v->orders[at];
    order->child = order->next = order->before = NO_ORDER_HERE;
    uint32_t *best = book_side(v, order);
    *best = heap_join(v->orders, *best, at);
}

/* Takes an order out of its side, and of the orders. */
static inline void book_remove(zkn_venue *v, uint32_t at)
{
    zkn_venue_order *orders = v->orders, *order = &orders[at];
    uint32_t *best = book_side(v, order);
    const uint32_t below = heap_gather(orders, order->child);
    if (*best == at) {
        *best = below;
    } else {
        zkn_venue_order *before = &orders[order->before];
        if (before->child == at)
            before->child = order->next;
        else
            before->next = order->next;
        if (order->next != NO_ORDER_HERE) orders[order->next].before = order->before;
        *best = heap_join(orders, *best, below);
    }
    v->order_of[order->place] = NO_ORDER_HERE;
    *order = (zkn_venue_order){.next = v->free_order};
    v->free_order = at;
}

/* An order with a number above all others; where it stands. */
static inline uint32_t order_open(zkn_venue *v, const event *e)
{
    uint32_t at = v->free_order;
    if (at != NO_ORDER_HERE)
        v->free_order = v->orders[at].next;
    else
        at = (uint32_t)v->order_count++;
    ZKN_ASSERT(at < v->order_room && v->number_count < v->number_room);
    v->orders[at] = (zkn_venue_order){
        .number = e->order,
        .price = e->price,
        .age = v->age++,
        .open = e->amount,
        .account = e->account,
        .place = (uint32_t)v->number_count,
        .instrument = e->instrument,
        .flags = e->flags,
    };
    v->numbers[v->number_count] = e->order;
    v->order_of[v->number_count++] = at;
    book_add(v, at);
    return at;
}

/* Whether the best bid of an instrument is at or above its best ask. */
static inline int book_crossed(const zkn_venue *v, uint32_t instrument)
{
    const uint32_t *best = v->instruments[instrument].best;
    return best[0] != NO_ORDER_HERE && best[SELLS] != NO_ORDER_HERE &&
           v->orders[best[0]].price >= v->orders[best[SELLS]].price;
}

#endif
