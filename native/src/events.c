/* Records of a venue's journal: whether each is canonical, and the chain of their links (docs/spec.md, section 15). */
#include "event.h"
#include "sha256.h"

/* What is 0 in an event of a kind, beside its flags. */
enum {
    NO_ACCOUNT = 1,
    NO_ORDER = 2,
    NO_PRICE = 4,
    NO_AMOUNT = 8,
    NO_VALUE = 16,
    NO_HIGH_VALUE = 32,
    NO_FEE = 64,
    NO_AFTER = 128,
    NO_CASH = 256
};

typedef struct {
    uint8_t flags; /* that it may have */
    uint16_t empty;
} form;

static const form forms[PRICE + 1] = {
    [DEPOSIT] = {0, NO_ORDER},
    [WITHDRAWAL] = {0, NO_ORDER},
    [TRANSFER] = {0, 0},
    [FILL] = {ISOLATED, 0},
    [FUNDING] = {0, NO_ORDER | NO_AMOUNT},
    [LIQUIDATION] = {ISOLATED, 0},
    [ORDER] = {SELLS | ISOLATED | LIQUIDATES, NO_VALUE | NO_FEE | NO_CASH},
    [CANCEL] = {0, NO_PRICE | NO_AMOUNT | NO_VALUE | NO_FEE | NO_CASH},
    [PRICE] = {0, NO_ACCOUNT | NO_ORDER | NO_HIGH_VALUE | NO_FEE | NO_AFTER | NO_CASH},
};

static int is_canonical(const event *e)
{
    if (e->kind < DEPOSIT || e->kind > PRICE || e->instrument == 0) return 0;
    const form *f = &forms[e->kind];
    const int64_t fee = high_of(e->fee), limit = (int64_t)1 << 31;
    unsigned set = 0;
    if (e->account) set |= NO_ACCOUNT;
    if (e->order) set |= NO_ORDER;
    if (e->price) set |= NO_PRICE;
    if (e->amount) set |= NO_AMOUNT;
    if (e->value) set |= NO_VALUE;
    if (high_of(e->value)) set |= NO_HIGH_VALUE;
    if (e->fee) set |= NO_FEE;
    if (e->after) set |= NO_AFTER;
    if (e->cash) set |= NO_CASH;
    if ((e->flags & ~f->flags) || (set & f->empty) || fee < -limit || fee >= limit) return 0;
    if ((e->kind == ORDER || e->kind == CANCEL) && !e->order) return 0;
    if (e->kind == FUNDING || e->kind == CANCEL || e->kind == PRICE) return 1;
    if (e->kind == DEPOSIT || e->kind == ORDER) return e->amount > 0;
    return e->kind == WITHDRAWAL ? e->amount < 0 : e->amount != 0;
}

size_t zkn_events_canonical(const uint8_t *events, size_t n)
{
    for (size_t at = 0; at < n; at++) {
        event e;
        event_read(&e, events + ZKN_EVENT_BYTES * at);
        if (!is_canonical(&e)) return at;
    }
    return n;
}

/* What the link of an event has to be, after one with the link in *link. */
static void follow(uint8_t link[EVENT_LINK], const uint8_t *e, sha256_compress compress)
{
    uint8_t message[2 * SHA256_BLOCK] = {0};
    uint32_t state[SHA256_WORDS];
    memcpy(message, link, EVENT_LINK);
    memcpy(message + EVENT_LINK, e, EVENT_STATED);
    message[ZKN_EVENT_BYTES] = 0x80;
    zkn_store_be(message + sizeof message - 8, 8 * ZKN_EVENT_BYTES);
    memcpy(state, sha256_start, sizeof state);
    compress(state, message, 2);
    zkn_store_be(link, (uint64_t)state[0] << 32 | state[1]);
}

size_t zkn_events_linked(uint8_t link[8], const uint8_t *events, size_t n)
{
    const sha256_compress compress = sha256_best();
    for (size_t at = 0; at < n; at++, events += ZKN_EVENT_BYTES) {
        follow(link, events, compress);
        if (memcmp(link, events + EVENT_STATED, EVENT_LINK) != 0) return at;
    }
    return n;
}

void zkn_events_link(uint8_t link[8], uint8_t *events, size_t n)
{
    const sha256_compress compress = sha256_best();
    for (size_t at = 0; at < n; at++, events += ZKN_EVENT_BYTES) {
        follow(link, events, compress);
        memcpy(events + EVENT_STATED, link, EVENT_LINK);
    }
}
