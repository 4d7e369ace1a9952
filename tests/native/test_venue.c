/* The tables of a venue's journal: hash by both ways, rows whose keys collide, a book of any removals beside a plain list, and
 * events that are taken in whole or leave nothing behind. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "event.h"
#include "sha256.h"
#include "venue_book.h"
#include "venue_rows.h"

enum { ROWS = 400, PLACES = 1024, ORDERS = 300, EXTRAS = 8, INSTRUMENTS = 4, STEPS = 4000 };
enum { COIN = 1, ASSET = 2, MARKET = 3 };

static uint64_t seed = 15;

typedef struct {
    zkn_venue venue;
    zkn_venue_row rows[ROWS];
    uint32_t places[PLACES], tabulation[ZKN_VENUE_TABULATION], order_of[STEPS];
    zkn_venue_order orders[ORDERS];
    uint64_t numbers[STEPS];
    zkn_venue_instrument instruments[INSTRUMENTS];
    zkn_venue_extra extras[EXTRAS];
} tables;

/* Settled in instrument 1, with another asset and two markets. `spread`: 0 makes every key collide. */
static tables *begun(int spread)
{
    tables *t = calloc(1, sizeof *t);
    if (!t) abort();
    for (size_t i = 0; i < ZKN_VENUE_TABULATION && spread; i++)
        t->tabulation[i] = (uint32_t)next_random(&seed);
    for (unsigned i = 1; i < INSTRUMENTS; i++) t->instruments[i].is_asset = i < MARKET;
    t->venue = (zkn_venue){
        .rows = t->rows,
        .row_count = 1,
        .row_room = ROWS,
        .places = t->places,
        .place_mask = PLACES - 1,
        .tabulation = t->tabulation,
        .orders = t->orders,
        .order_count = 1,
        .order_room = ORDERS,
        .numbers = t->numbers,
        .order_of = t->order_of,
        .number_room = STEPS,
        .instruments = t->instruments,
        .n_instruments = INSTRUMENTS - 1,
        .extras = t->extras,
        .extra_room = EXTRAS,
        .settlement = COIN,
        .unit = 100,
    };
    zkn_venue_place_rows(&t->venue);
    return t;
}

static void hashes(void)
{
    uint8_t blocks[5 * SHA256_BLOCK];
    for (unsigned round = 0; round < 200; round++) {
        uint32_t one[SHA256_WORDS], other[SHA256_WORDS];
        const size_t n = round % 6;
        for (size_t i = 0; i < sizeof blocks; i++) blocks[i] = (uint8_t)next_random(&seed);
        memcpy(one, sha256_start, sizeof one);
        memcpy(other, sha256_start, sizeof other);
        sha256_in_words(one, blocks, n);
        sha256_best()(other, blocks, n);
        CHECK(memcmp(one, other, sizeof one) == 0);
    }
    /* FIPS 180-4, example of one block: "abc" */
    uint8_t abc[SHA256_BLOCK] = {'a', 'b', 'c', 0x80};
    uint32_t state[SHA256_WORDS];
    abc[SHA256_BLOCK - 1] = 24;
    memcpy(state, sha256_start, sizeof state);
    sha256_best()(state, abc, 1);
    CHECK(state[0] == 0xba7816bf && state[7] == 0xf20015ad);
}

static void rows_of_any_keys(int spread)
{
    tables *t = begun(spread);
    for (uint32_t i = 0; i < ROWS - 1; i++) {
        zkn_venue_row *row = row_open(&t->venue, row_key(i * 7919, i % 4096));
        CHECK(row->amount == 0);
        row->amount = i + 1;
    }
    zkn_venue_place_rows(&t->venue);
    for (uint32_t i = 0; i < ROWS - 1; i++) {
        CHECK(row_find(&t->venue, row_key(i * 7919, i % 4096))->amount == i + 1);
        CHECK(row_find(&t->venue, row_key(i * 7919 + 1, i % 4096))->amount == 0);
    }
    free(t);
}

/* The first of a side by looking at all orders. */
static uint32_t first_of(const zkn_venue *v, unsigned instrument, unsigned side)
{
    uint32_t best = NO_ORDER_HERE;
    for (uint32_t at = 1; at < v->order_count; at++) {
        const zkn_venue_order *o = &v->orders[at];
        if (!o->number || o->instrument != instrument || (o->flags & SELLS) != side) continue;
        if (best == NO_ORDER_HERE || order_before(o, &v->orders[best])) best = at;
    }
    return best;
}

static void books_of_any_removals(void)
{
    tables *t = begun(1);
    zkn_venue *v = &t->venue;
    unsigned live = 0;
    for (uint64_t step = 1; step < STEPS; step++) {
        const uint64_t draw = next_random(&seed);
        if (live + 2 < ORDERS && draw % 9 < 5) {
            const event e = {.order = 3 * step,
                             .price = draw >> 20 & 7,
                             .amount = 5,
                             .instrument = (uint16_t)(1 + (draw >> 30) % (INSTRUMENTS - 1)),
                             .flags = draw >> 40 & 1};
            order_open(v, &e);
            live++;
        } else if (live) {
            const uint64_t number = v->numbers[(draw >> 8) % v->number_count];
            const uint32_t at = order_find(v, number);
            if (at != NO_ORDER_HERE) book_remove(v, at), live--;
            CHECK(order_find(v, number) == NO_ORDER_HERE);
        }
        CHECK(order_find(v, 3 * step + 1) == NO_ORDER_HERE);
        for (unsigned i = 1; i < INSTRUMENTS; i++) {
            for (unsigned side = 0; side < 2; side++)
                CHECK(t->instruments[i].best[side] == first_of(v, i, side));
        }
    }
    CHECK(live > 0);
    free(t);
}

static void put_event(uint8_t out[ZKN_EVENT_BYTES], const event *e)
{
    memset(out, 0, ZKN_EVENT_BYTES);
    out[0] = e->kind, out[1] = e->flags;
    out[2] = (uint8_t)(e->instrument >> 8), out[3] = (uint8_t)e->instrument;
    for (unsigned i = 0; i < 4; i++) out[4 + i] = (uint8_t)(e->account >> 8 * (3 - i));
    const uint64_t words[] = {e->order,
                              e->time,
                              e->price,
                              (uint64_t)e->amount,
                              (uint64_t)high_of(e->value),
                              (uint64_t)e->value,
                              (uint64_t)high_of(e->fee),
                              (uint64_t)e->fee,
                              (uint64_t)e->after,
                              (uint64_t)e->cash};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) zkn_store_be(out + 8 + 8 * i, words[i]);
}

/* Random events of few accounts and prices, most of which do not follow. Whatever does not leaves every row as it was. */
static void events_whole_or_not_at_all(void)
{
    tables *t = begun(1);
    zkn_venue *v = &t->venue;
    unsigned taken_in = 0;
    size_t done;
    for (unsigned step = 0; step < 40 * STEPS; step++) {
        uint8_t two[2 * ZKN_EVENT_BYTES];
        event e[2];
        uint64_t draw = next_random(&seed);
        const uint64_t number = v->last_order - (draw & 3);
        for (unsigned i = 0; i < 2; i++) {
            e[i] = (event){.kind = (uint8_t)(1 + (draw >> 4) % 9),
                           .instrument = (uint16_t)(1 + (draw >> 8) % 3),
                           .account = (uint32_t)(draw >> 10 & 1),
                           .price = 100 + (draw >> 12 & 3)};
            e[i].amount = (draw >> 16 & 1) ? 5 : -5;
            if (draw >> 17 & 1) e[i].amount = INT64_MAX - 2 * (int64_t)(draw >> 18 & 1);
            if ((draw >> 20 & 7) == 0) e[i].fee = (zkn_i128)(draw >> 24 & 255) - 128;
            if (e[i].kind == ORDER)
                e[i].order = v->last_order + 1, e[i].flags = draw >> 33 & 1, e[i].amount = 5;
            if (e[i].kind == FILL || e[i].kind == CANCEL) e[i].order = number + i;
            if (e[i].kind == CANCEL) e[i].amount = 0;
            const zkn_venue_row *row = row_find(v, row_key(e[i].account, e[i].instrument));
            e[i].after = e[i].kind == CANCEL  ? 5
                         : e[i].kind == ORDER ? e[i].amount
                                              : row->amount + (draw & 1 ? 5 : -5);
            e[i].cash = row_find(v, row_key(e[i].account, COIN))->amount;
            if (e[i].instrument == COIN && e[i].kind < FILL) e[i].cash = e[i].after;
            if (e[i].kind == ORDER || e[i].kind == CANCEL) e[i].cash = 0;
            put_event(two + i * ZKN_EVENT_BYTES, &e[i]);
            draw ^= (uint64_t)1 << 16 | (uint64_t)1 << 10;
        }
        if (v->active && (draw >> 50 & 3) == 0) { /* the fills that the order calls for */
            const zkn_venue_order in = t->orders[order_find(v, v->active)];
            const zkn_venue_order rests = t->orders[t->instruments[in.instrument].best[!(in.flags & SELLS)]];
            const int64_t size = rests.open < in.open ? rests.open : in.open;
            for (unsigned i = 0; i < 2; i++) {
                const zkn_venue_order *o = i ? &in : &rests;
                e[i] = (event){.kind = FILL,
                               .instrument = o->instrument,
                               .account = o->account,
                               .order = o->number,
                               .price = rests.price,
                               .amount = (o->flags & SELLS) ? -size : size};
                e[i].after = row_find(v, row_key(o->account, o->instrument))->amount + e[i].amount;
                if (i && in.account == rests.account) e[i].after -= e[i].amount;
                e[i].cash = row_find(v, row_key(o->account, COIN))->amount;
                put_event(two + i * ZKN_EVENT_BYTES, &e[i]);
            }
        }
        if (v->extra_count + 4 > EXTRAS) v->extra_count = 0;
        if (v->number_count + 4 > STEPS) break;
        tables *before = malloc(sizeof *before);
        if (!before) abort();
        memcpy(before, t, sizeof *t);
        const zkn_venue_end end = zkn_venue_run_vartime(&done, v, two, 1 + (draw >> 60 & 1), draw >> 61 & 1);
        taken_in += done > 0;
        CHECK(v->number == before->venue.number + done);
        CHECK(end != ZKN_VENUE_DONE || done > 0);
        if (done == 0) {
            CHECK(v->house_low == before->venue.house_low && v->house_high == before->venue.house_high);
            CHECK(v->extra_count == before->venue.extra_count && v->active == before->venue.active);
            CHECK(memcmp(t->instruments, before->instruments, sizeof t->instruments) == 0);
            CHECK(memcmp(t->orders, before->orders, sizeof t->orders) == 0);
            CHECK(memcmp(t->rows, before->rows, sizeof *t->rows * before->venue.row_count) == 0);
            for (size_t i = before->venue.row_count; i < v->row_count; i++) CHECK(t->rows[i].amount == 0);
        }
        free(before);
    }
    CHECK(taken_in > 200);
    zkn_venue_row one[INSTRUMENTS];
    zkn_venue_account(one, v, 1);
    for (uint32_t i = 1; i < INSTRUMENTS; i++) CHECK(one[i].amount == row_find(v, row_key(1, i))->amount);
    v->row_room = v->row_count;
    const uint8_t nothing[ZKN_EVENT_BYTES] = {0};
    CHECK(zkn_venue_run_vartime(&done, v, nothing, 1, 0) == ZKN_VENUE_FULL && done == 0);
    free(t);
}

static void links(void)
{
    uint8_t events[5 * ZKN_EVENT_BYTES], link[EVENT_LINK] = {0}, first[EVENT_LINK] = {0};
    for (size_t i = 0; i < sizeof events; i++) events[i] = (uint8_t)next_random(&seed);
    zkn_events_link(link, events, 5);
    CHECK(zkn_events_linked(first, events, 5) == 5 && memcmp(first, link, sizeof link) == 0);
    memset(first, 0, sizeof first);
    events[3 * ZKN_EVENT_BYTES + 17] ^= 1;
    CHECK(zkn_events_linked(first, events, 5) == 3);
    CHECK(zkn_events_canonical(events, 0) == 0);
}

int main(void)
{
    hashes();
    links();
    rows_of_any_keys(1);
    rows_of_any_keys(0);
    books_of_any_removals();
    events_whole_or_not_at_all();
    return failures != 0;
}
