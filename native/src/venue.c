/* The state machine of a venue's journal: docs/spec.md, section 15. zkstate/state/venue.py says the same in the words of
 * that section, and is what runs from the first event on that this does not take in: it names what is wrong, or goes on
 * with larger integers. So an event is taken in whole here, with all that it makes checked against what it states,
 * or leaves nothing behind. */
#include "venue_book.h"
#include "venue_rows.h"

/* What one unit changed, a single event or the two halves of a trade or transfer: at most three rows a half. */
enum { MOST_ROWS = 6, MOST_EXTRAS = 2 };

typedef struct {
    zkn_venue *venue;
    zkn_venue_row saved[MOST_ROWS];
    unsigned n_saved;
    size_t extras;
    int64_t house_high;
    uint64_t house_low;
} unit;

typedef struct {
    int64_t after, cash;
} result;

static unit unit_begin(zkn_venue *v)
{
    return (unit){
        .venue = v, .extras = v->extra_count, .house_high = v->house_high, .house_low = v->house_low};
}

static zkn_venue_end unit_undo(unit *u)
{
    while (u->n_saved > 0) {
        const zkn_venue_row *row = &u->saved[--u->n_saved];
        *row_open(u->venue, row->key) = *row;
    }
    u->venue->extra_count = u->extras;
    u->venue->house_high = u->house_high;
    u->venue->house_low = u->house_low;
    return ZKN_VENUE_STOPS;
}

/* A row that the unit may change. */
static zkn_venue_row *unit_row(unit *u, uint32_t account, uint32_t instrument)
{
    zkn_venue_row *row = row_open(u->venue, row_key(account, instrument));
    ZKN_ASSERT(u->n_saved < MOST_ROWS);
    u->saved[u->n_saved++] = *row;
    return row;
}

static int fits(zkn_i128 x)
{
    return x >= INT64_MIN && x <= INT64_MAX;
}

/* floor(x / unit), and what is left over, 0 to unit - 1 */
static zkn_i128 divided(zkn_i128 x, uint64_t by, uint64_t *rest)
{
    if (fits(x)) {
        const int64_t quotient = (int64_t)x / (int64_t)by, left = (int64_t)x % (int64_t)by;
        *rest = (uint64_t)(left < 0 ? left + (int64_t)by : left);
        return quotient - (left < 0);
    }
    const zkn_i128 quotient = x / by, left = x % by;
    *rest = (uint64_t)(left < 0 ? left + by : left);
    return quotient - (left < 0);
}

static int house_add(zkn_venue *v, zkn_i128 x)
{
    zkn_i128 house;
    if (__builtin_add_overflow(wide_of(v->house_high, v->house_low), x, &house)) return 0;
    v->house_high = high_of(house);
    v->house_low = (uint64_t)house;
    return 1;
}

static int row_add(zkn_venue_row *row, zkn_i128 x)
{
    zkn_i128 sum;
    if (__builtin_add_overflow((zkn_i128)row->amount, x, &sum) || !fits(sum)) return 0;
    row->amount = (int64_t)sum;
    return 1;
}

/* Credits `gained` 10^-16 quote, rounded down to the settlement asset; the house gains `realised` less what was paid out. */
static int settle(unit *u, uint32_t account, zkn_i128 gained, zkn_i128 realised, int64_t *cash)
{
    zkn_venue *v = u->venue;
    uint64_t rest;
    const zkn_i128 units = divided(gained, v->unit, &rest);
    if (units == 0) {
        *cash = row_find(v, row_key(account, (uint32_t)v->settlement))->amount;
    } else {
        zkn_venue_row *row = unit_row(u, account, (uint32_t)v->settlement);
        if (!row_add(row, units)) return 0;
        *cash = row->amount;
    }
    zkn_i128 kept; /* realised - units * unit */
    return !__builtin_sub_overflow(realised, gained, &kept) &&
           !__builtin_add_overflow(kept, (zkn_i128)rest, &kept) && house_add(v, kept);
}

/* Takes the fee of an event, where nothing is realised. */
static int charge(unit *u, const event *e, int64_t *cash)
{
    zkn_i128 gained;
    return !__builtin_sub_overflow((zkn_i128)0, e->fee, &gained) && settle(u, e->account, gained, 0, cash);
}

/* A deposit or withdrawal, one half of a transfer, or a transfer to or from the isolated pot of a market. */
static int move(unit *u, const event *e, uint64_t market, result *left)
{
    zkn_venue *v = u->venue;
    if (!v->instruments[e->instrument].is_asset) return 0;
    if (market) {
        if (e->instrument != v->settlement || market > v->n_instruments || v->instruments[market].is_asset)
            return 0;
        zkn_venue_row *row = unit_row(u, e->account, (uint32_t)market);
        zkn_i128 entry;
        if (row->amount == 0 || !row->isolated) return 0;
        if (__builtin_add_overflow(wide_of(row->entry_high, row->entry_low),
                                   (zkn_i128)e->amount * (zkn_i128)v->unit, &entry))
            return 0;
        row->entry_high = high_of(entry);
        row->entry_low = (uint64_t)entry;
    }
    zkn_venue_row *row = unit_row(u, e->account, e->instrument);
    if (!row_add(row, e->amount)) return 0;
    left->after = row->amount;
    if (!charge(u, e, &left->cash)) return 0;
    if (e->instrument == v->settlement) left->after = left->cash;
    return 1;
}

static int half_of_asset(unit *u, const event *e, uint64_t number, result *left)
{
    zkn_venue *v = u->venue;
    uint64_t rest;
    if (e->flags || e->value) return 0;
    zkn_venue_row *row = unit_row(u, e->account, e->instrument);
    if (!row_add(row, e->amount)) return 0;
    left->after = row->amount;
    /* A buyer pays what is rounded up. The house gains -paid * unit - amount * price, which is the rest. */
    const zkn_i128 paid = divided(-((zkn_i128)e->amount * (zkn_i128)e->price), v->unit, &rest);
    if (!fits(paid) || !house_add(v, (zkn_i128)rest)) return 0;
    if (paid) {
        if (!row_add(unit_row(u, e->account, (uint32_t)v->settlement), paid)) return 0;
        v->extras[v->extra_count++] = (zkn_venue_extra){number, e->account, e->time,
                                                        v->instruments[v->settlement].price, (int64_t)paid};
    }
    return charge(u, e, &left->cash);
}

/* One half of a trade. */
static int half(unit *u, const event *e, uint64_t number, result *left)
{
    const zkn_venue_instrument *listed = &u->venue->instruments[e->instrument];
    if (listed->is_asset) return half_of_asset(u, e, number, left);
    zkn_venue_row *row = unit_row(u, e->account, e->instrument);
    const uint64_t isolated = (e->flags & ISOLATED) != 0;
    const zkn_i128 held = row->amount, after = held + e->amount, size = e->amount;
    if (held == 0) {
        row->entry_high = 0, row->entry_low = 0;
        row->funding = listed->funding;
        row->isolated = isolated;
    }
    const int closes = (held < 0 && size > 0) || (held > 0 && size < 0);
    const int within = (size < 0 ? -size : size) <= (held < 0 ? -held : held);
    if (row->isolated != isolated || !fits(after) || (e->kind == LIQUIDATION && (!closes || !within)) ||
        (e->value && !closes))
        return 0;
    zkn_i128 entry = wide_of(row->entry_high, row->entry_low), gained;
    if (__builtin_add_overflow(entry, held * ((zkn_i128)listed->funding - row->funding), &entry) ||
        __builtin_add_overflow(entry, size * (zkn_i128)e->price, &entry) ||
        __builtin_add_overflow(entry, e->value, &entry) || (after == 0 && entry != 0) ||
        __builtin_sub_overflow(e->value, e->fee, &gained))
        return 0;
    row->amount = (int64_t)after;
    row->entry_high = high_of(entry);
    row->entry_low = (uint64_t)entry;
    row->funding = listed->funding;
    left->after = row->amount;
    return settle(u, e->account, gained, e->value, &left->cash);
}

static int states(const event *e, const result *left)
{
    return e->after == left->after && e->cash == left->cash;
}

static zkn_venue_end transfer(zkn_venue *v, const event *giver, const event *taker)
{
    unit u = unit_begin(v);
    result first, second;
    if ((zkn_i128)giver->amount + taker->amount != 0 || giver->amount > 0 || giver->time != taker->time ||
        taker->order)
        return ZKN_VENUE_STOPS;
    if (!move(&u, giver, 0, &first) || !move(&u, taker, 0, &second) || !states(giver, &first) ||
        !states(taker, &second))
        return unit_undo(&u);
    return ZKN_VENUE_DONE;
}

static int is_half_of(const event *e, const zkn_venue_order *order)
{
    return order->account == e->account && e->kind == ((order->flags & LIQUIDATES) ? LIQUIDATION : FILL) &&
           e->flags == (order->flags & ISOLATED);
}

/* Whether two halves are what price and time make of the order that came in, and of the first of the other side. */
static int matches(const zkn_venue *v, const event *maker, const event *taker, uint32_t resting_at,
                   uint32_t incoming_at)
{
    const zkn_venue_order *resting = &v->orders[resting_at], *incoming = &v->orders[incoming_at];
    if (taker->order != v->active || resting_at == NO_ORDER_HERE || incoming_at == NO_ORDER_HERE ||
        incoming->instrument != maker->instrument || resting->instrument != maker->instrument)
        return 0;
    const unsigned sells = resting->flags & SELLS;
    if (sells == (incoming->flags & SELLS) || v->instruments[maker->instrument].best[sells] != resting_at ||
        maker->price != resting->price)
        return 0;
    if (sells ? maker->price > incoming->price : maker->price < incoming->price) return 0;
    const zkn_i128 size = maker->amount < 0 ? -(zkn_i128)maker->amount : maker->amount;
    return size == (resting->open < incoming->open ? resting->open : incoming->open) &&
           (maker->amount < 0) == (sells != 0) && is_half_of(maker, resting) && is_half_of(taker, incoming);
}

static void fill(zkn_venue *v, uint32_t at, int64_t size)
{
    zkn_venue_order *order = &v->orders[at];
    if (order->flags & LIQUIDATES)
        row_open(v, row_key(order->account, order->instrument))->waiting -= (uint64_t)size;
    order->open -= size;
    if (order->open == 0) book_remove(v, at);
}

static zkn_venue_end trade(zkn_venue *v, const event *maker, const event *taker, int allowed)
{
    const int between_orders = maker->order && taker->order;
    uint32_t resting = NO_ORDER_HERE, incoming = NO_ORDER_HERE;
    if ((zkn_i128)maker->amount + taker->amount != 0 || maker->price != taker->price ||
        maker->time != taker->time || maker->instrument == v->settlement)
        return ZKN_VENUE_STOPS;
    if (between_orders) {
        resting = order_find(v, maker->order), incoming = order_find(v, taker->order);
        if (!matches(v, maker, taker, resting, incoming)) return ZKN_VENUE_STOPS;
    } else if (maker->order || taker->order || maker->kind != FILL || taker->kind != LIQUIDATION) {
        return ZKN_VENUE_STOPS;
    } else if (!allowed) {
        return ZKN_VENUE_ASKS;
    }
    unit u = unit_begin(v);
    result first, second;
    if (!half(&u, maker, v->number + 1, &first) || !half(&u, taker, v->number + 2, &second) ||
        !states(maker, &first) || !states(taker, &second))
        return unit_undo(&u);
    if (between_orders) {
        const int64_t size = maker->amount < 0 ? -maker->amount : maker->amount;
        fill(v, resting, size);
        fill(v, incoming, size);
        if (v->orders[incoming].number != taker->order || !book_crossed(v, maker->instrument)) v->active = 0;
    }
    return ZKN_VENUE_DONE;
}

static zkn_venue_end place(zkn_venue *v, const event *e, int allowed)
{
    if (e->order <= v->last_order || e->instrument == v->settlement || e->after != e->amount ||
        (v->instruments[e->instrument].is_asset && (e->flags & (ISOLATED | LIQUIDATES))))
        return ZKN_VENUE_STOPS;
    if (e->flags & LIQUIDATES) {
        if (!allowed) return ZKN_VENUE_ASKS;
        zkn_venue_row *row = row_open(v, row_key(e->account, e->instrument));
        if (__builtin_add_overflow(row->waiting, (uint64_t)e->amount, &row->waiting)) {
            row->waiting -= (uint64_t)e->amount;
            return ZKN_VENUE_STOPS;
        }
    }
    v->last_order = e->order;
    order_open(v, e);
    if (book_crossed(v, e->instrument)) v->active = e->order;
    return ZKN_VENUE_DONE;
}

static zkn_venue_end cancel(zkn_venue *v, const event *e)
{
    const uint32_t at = order_find(v, e->order);
    const zkn_venue_order *order = &v->orders[at];
    if (at == NO_ORDER_HERE || order->account != e->account || order->instrument != e->instrument ||
        order->open != e->after)
        return ZKN_VENUE_STOPS;
    fill(v, at, order->open);
    if (v->active) {
        const uint32_t active = order_find(v, v->active);
        if (active == NO_ORDER_HERE || !book_crossed(v, v->orders[active].instrument)) v->active = 0;
    }
    return ZKN_VENUE_DONE;
}

static zkn_venue_end mark(zkn_venue *v, const event *e)
{
    zkn_venue_instrument *listed = &v->instruments[e->instrument];
    const uint64_t notional = (uint64_t)e->value;
    const zkn_i128 imbalance = wide_of(listed->imbalance_high, listed->imbalance_low),
                   limit = (zkn_i128)1 << 61;
    if ((listed->is_asset && (notional != e->price || e->amount)) || imbalance < -limit || imbalance > limit)
        return ZKN_VENUE_STOPS;
    if (!house_add(v, imbalance * ((zkn_i128)e->amount - listed->funding))) return ZKN_VENUE_STOPS;
    listed->price = e->price;
    listed->notional = notional;
    listed->funding = e->amount;
    return ZKN_VENUE_DONE;
}

static zkn_venue_end fund(zkn_venue *v, const event *e)
{
    const zkn_venue_instrument *listed = &v->instruments[e->instrument];
    unit u = unit_begin(v);
    zkn_venue_row *row = unit_row(&u, e->account, e->instrument);
    zkn_i128 gained;
    result left = {.after = row->amount};
    if (listed->is_asset || row->amount == 0 ||
        e->value != -((zkn_i128)row->amount * ((zkn_i128)listed->funding - row->funding)) ||
        __builtin_sub_overflow(e->value, e->fee, &gained))
        return unit_undo(&u);
    row->funding = listed->funding;
    if (!settle(&u, e->account, gained, e->value, &left.cash) || !states(e, &left)) return unit_undo(&u);
    return ZKN_VENUE_DONE;
}

static zkn_venue_end single(zkn_venue *v, const event *e)
{
    zkn_venue_instrument *listed = &v->instruments[e->instrument];
    zkn_i128 net = wide_of(listed->net_high, listed->net_low);
    unit u = unit_begin(v);
    result left;
    if ((!e->order && __builtin_add_overflow(net, (zkn_i128)e->amount, &net)) ||
        !move(&u, e, e->order, &left) || !states(e, &left))
        return unit_undo(&u);
    listed->net_high = high_of(net);
    listed->net_low = (uint64_t)net;
    return ZKN_VENUE_DONE;
}

static int has_room(const zkn_venue *v)
{
    return v->row_count + MOST_ROWS <= v->row_room && v->extra_count + MOST_EXTRAS <= v->extra_room &&
           v->number_count < v->number_room && (v->free_order || v->order_count < v->order_room);
}

static int is_half(const event *e)
{
    return e->kind == FILL || e->kind == LIQUIDATION || (e->kind == TRANSFER && !e->order);
}

/* The next event, or two that are one: how many in *taken. */
static zkn_venue_end step(zkn_venue *v, size_t *taken, const uint8_t *events, size_t n, int allowed)
{
    event e, other;
    event_read(&e, events);
    *taken = 1;
    if (e.instrument == 0 || e.instrument > v->n_instruments) return ZKN_VENUE_STOPS;
    if (v->active && e.kind != CANCEL && (!e.order || (e.kind != FILL && e.kind != LIQUIDATION)))
        return ZKN_VENUE_STOPS;
    if (is_half(&e)) {
        if (n < 2) return ZKN_VENUE_HALF;
        event_read(&other, events + ZKN_EVENT_BYTES);
        *taken = 2;
        if (other.instrument != e.instrument || (other.kind == TRANSFER) != (e.kind == TRANSFER))
            return ZKN_VENUE_STOPS;
        if (other.kind != FILL && other.kind != LIQUIDATION && other.kind != TRANSFER) return ZKN_VENUE_STOPS;
        return e.kind == TRANSFER ? transfer(v, &e, &other) : trade(v, &e, &other, allowed);
    }
    switch (e.kind) {
    case ORDER:
        return place(v, &e, allowed);
    case CANCEL:
        return cancel(v, &e);
    case PRICE:
        return mark(v, &e);
    case FUNDING:
        return fund(v, &e);
    default:
        return single(v, &e);
    }
}

zkn_venue_end zkn_venue_run_vartime(size_t *done, zkn_venue *v, const uint8_t *events, size_t n, int allowed)
{
    *done = 0;
    while (*done < n) {
        size_t taken;
        if (!has_room(v)) return ZKN_VENUE_FULL;
        const zkn_venue_end end = step(v, &taken, events + ZKN_EVENT_BYTES * *done, n - *done, allowed);
        if (end != ZKN_VENUE_DONE) return end;
        allowed = 0;
        *done += taken;
        v->number += taken;
    }
    return ZKN_VENUE_DONE;
}

void zkn_venue_place_rows(zkn_venue *v)
{
    memset(v->places, 0, sizeof *v->places * ((size_t)v->place_mask + 1));
    for (size_t row = 1; row < v->row_count; row++) *row_place(v, v->rows[row].key) = (uint32_t)row;
}

zkn_status zkn_venue_place_orders(zkn_venue *v)
{
    for (uint32_t at = 1; at < v->order_count; at++) {
        const zkn_venue_order *order = &v->orders[at];
        if (order->instrument == 0 || order->instrument > v->n_instruments) return ZKN_OUT_OF_RANGE;
        book_add(v, at);
        if (!(order->flags & LIQUIDATES)) continue;
        zkn_venue_row *row = row_open(v, row_key(order->account, order->instrument));
        if (__builtin_add_overflow(row->waiting, (uint64_t)order->open, &row->waiting))
            return ZKN_OUT_OF_RANGE;
    }
    return ZKN_OK;
}

void zkn_venue_account(zkn_venue_row *out, const zkn_venue *v, uint32_t account)
{
    out[0] = (zkn_venue_row){0};
    for (uint32_t i = 1; i <= v->n_instruments; i++) out[i] = *row_find(v, row_key(account, i));
}
