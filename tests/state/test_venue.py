"""The state machine of a venue's journal, over random venues."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.state.venue_oracle import Oracle
from tests.state.venues import UNTIL, balanced_ledger, fresh, quiet_ledger, traded
from zkstate.errors import EncodingError, LedgerError
from zkstate.state.journal import DEPOSIT, FILL, FUNDING, LIQUIDATION, TRANSFER
from zkstate.state.ledger import order_columns, with_ordered
from zkstate.state.margin import assess
from zkstate.state.synthetic_events import Trading
from zkstate.state.venue import Venue
from zkstate.state.venue_check import at_entry, settlement_of
from zkstate.state.venue_close import close, epoch_ledger, levels, open_interest, resting, state_after
from zkstate.state.venue_events import (
    CANCEL,
    FIELDS,
    LIQUIDATES,
    ORDER,
    PRICE,
    SELLS,
    DivergenceError,
    Event,
    check_links,
    joined_events,
    linked,
)
from zkstate.state.venue_margin import KEY_BITS, marked, rows_of
from zkstate.state.venue_replay import ReplayedVenue
from zkstate.state.venue_state import VenueState, state_of

SEEDS = st.integers(0, 2**32 - 1)
COUNTS = st.integers(1, 250)


def oracle_of(ledger):
    settlement, unit = settlement_of(ledger.table, ledger.quote)
    assets = {i.id for i in ledger.table.instruments if i.is_asset}
    balances = {(a, row.instrument): row.amount for a in range(len(ledger)) for row in ledger.rows_of(a)}
    funding = {i.id: i.funding for i in ledger.table.instruments}
    return Oracle(settlement, unit, assets, balances, funding)


def held(venue):
    mask = (1 << KEY_BITS) - 1
    balances = {(key >> KEY_BITS, key & mask): amount for key, amount in venue.balances.items()}
    positions = {
        (key >> KEY_BITS, key & mask): {"amount": p[0], "entry": p[1], "at": p[2]} for key, p in venue.positions.items()
    }
    return balances, positions


@settings(max_examples=15, deadline=None)
@given(SEEDS, COUNTS)
def test_a_random_venue_agrees_with_exact_fractions_and_conserves_every_asset(seed, count):
    ledger = balanced_ledger()
    venue, events = traded(ledger, seed, count)
    oracle = oracle_of(ledger)
    for event in events:
        oracle.step(event)
    balances, positions = held(venue)
    assert balances == {key: amount for key, amount in oracle.balances.items() if amount}
    assert positions == oracle.positions
    assert not any(oracle.crossing(i) for i in range(1, len(ledger.table) + 1))
    began = {i: ledger.totals().credits[i - 1] - ledger.totals().debits[i - 1] for i in oracle.assets}
    for asset in oracle.assets:
        total = sum(amount for (_, i), amount in balances.items() if i == asset)
        deposited = began[asset] + oracle.moved.get(asset, 0)
        assert venue.net[asset - 1] == deposited
        if asset != oracle.settlement:
            assert total == deposited
        else:
            due = sum(p["entry"] + p["amount"] * (oracle.funding[m] - p["at"]) for (_, m), p in positions.items())
            assert oracle.unit * total + venue.house == oracle.unit * deposited + due
    assert venue.house == oracle.earned
    assert all(long == short for long, short in open_interest(venue).values())
    for number, order in oracle.orders.items():
        ours = venue.orders.pop(number)
        assert (ours.account, ours.instrument, ours.price, ours.open) == tuple(
            order[name] for name in ("account", "instrument", "price", "open")
        )
    assert not venue.orders


@settings(max_examples=10, deadline=None)
@given(SEEDS, COUNTS, st.data())
def test_a_replay_of_any_prefix_is_the_state_that_was_snapshotted_there(seed, count, data):
    ledger = quiet_ledger()
    venue = fresh(ledger)
    trading = Trading(venue, seed, ledger.time + UNTIL)
    parts, states = [], []
    for _ in range(3):
        parts.append(trading.events(count))
        states.append(state_after(venue, epoch_ledger(venue, venue.time)).encode())
    upto = data.draw(st.integers(1, 3))
    again = fresh(ledger)
    again.replay(joined_events(parts[:upto]))
    assert state_after(again, epoch_ledger(again, again.time)).encode() == states[upto - 1]
    restored = Venue(VenueState.decode(states[upto - 1]))
    for part in parts[upto:]:
        restored.replay(part)
    assert held(restored) == held(venue)
    assert restored.house == venue.house
    assert list(resting(restored).tuples()) == list(resting(venue).tuples())
    imbalance = {market: long - short for market, (long, short) in open_interest(fresh(ledger)).items()}
    assert all(long - short == imbalance.get(market, 0) for market, (long, short) in open_interest(venue).items())


def changed(events, at, field, bits):
    """A copy with some bits of one field of one event flipped."""
    out = events.copy()
    size = out[field].dtype.itemsize
    one = out[at : at + 1].view(np.uint8).reshape(-1)
    offset = out.dtype.fields[field][1]
    one[offset : offset + size] ^= np.frombuffer((bits % (1 << 8 * size) or 1).to_bytes(size), np.uint8)
    return out


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, place=st.integers(0, 10**6), bits=st.integers(1, 2**64 - 1))
def test_one_changed_event_is_named_whatever_field_it_was(field, seed, place, bits):
    ledger = quiet_ledger()
    _, events = traded(ledger, seed, 40)
    at = place % len(events)
    spoiled = changed(events, at, field, bits)
    with pytest.raises((DivergenceError, EncodingError), match=rf"^event {at + 1} of the venue's journal"):
        fresh(ledger).replay(spoiled)


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS, place=st.integers(0, 10**6), bits=st.integers(1, 2**64 - 1),
    field=st.sampled_from([name for name in FIELDS if name != "link"]),
)  # fmt: skip
def test_an_event_changed_before_it_was_linked_contradicts_what_follows_or_changes_what_is_committed(
    seed, place, bits, field
):
    ledger = quiet_ledger()
    venue, events = traded(ledger, seed, 40)
    moving = np.flatnonzero(events["kind"] <= LIQUIDATION)
    if not len(moving):
        return
    at = int(moving[place % len(moving)])
    spoiled = changed(events, at, field, bits)
    linked(spoiled, 0)
    found, divergence = replayed(ledger, spoiled)
    if divergence is not None:
        assert divergence.event >= at
    elif found is not None:
        honest = epoch_ledger(venue, ledger.time + UNTIL)
        assert found.journal.new_heads().tobytes() != honest.journal.new_heads().tobytes()


def replayed(ledger, events):
    """(the ledger after events, None), or (None, the divergence), or (None, None) for events that are no events."""
    venue = fresh(ledger)
    try:
        venue.replay(events)
        return epoch_ledger(venue, ledger.time + UNTIL), None
    except DivergenceError as error:
        return None, error
    except (EncodingError, LedgerError):
        return None, None


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_histories_are_the_events_of_each_account_in_order(seed):
    ledger = balanced_ledger()
    venue, events = traded(ledger, seed, 120)
    oracle = oracle_of(ledger)
    for event in events:
        oracle.step(event)
    made = epoch_ledger(venue, ledger.time + UNTIL)
    for account in range(len(made)):
        segment = () if made.journal is None else made.journal.segment(account).entries
        expected = [entry[1:] for entry in oracle.entries if entry[0] == account]
        for entry, plain in zip(segment, expected, strict=True):
            assert (entry.kind, entry.instrument, entry.amount, entry.value, entry.fee, entry.time) == plain[:6]
            assert plain[6] in (None, entry.price)


def test_the_levels_are_the_orders_added_up_and_the_queue_is_by_age():
    ledger = quiet_ledger(40)
    venue, _ = traded(ledger, 5, 2_000)
    sums = {}
    for number, order in sorted(venue.orders.items()):
        key = (order.instrument, order.flags & SELLS, order.price)
        sums.setdefault(key, []).append((number, order.open))
    assert {row[:3]: row[3:] for row in levels(venue)} == {
        key: (sum(size for _, size in orders), len(orders)) for key, orders in sums.items()
    }
    found = {}
    for number, _, instrument, flags, price, _ in resting(venue).tuples():
        found.setdefault((instrument, flags & SELLS, price), []).append(number)
    assert found == {key: [number for number, _ in orders] for key, orders in sums.items()}
    for side in (0, 1):
        prices = [row[2] for row in levels(venue) if row[0] == levels(venue)[0][0] and row[1] == side]
        assert prices == sorted(prices, reverse=not side)


def market_of(venue):
    return next(i for i in venue.state.table.instruments if not i.is_asset and not i.option and i.price)


def test_liquidations_are_taken_of_accounts_below_maintenance_alone():
    ledger = quiet_ledger(400)
    venue, events = traded(ledger, 9, 50)
    fallen = {i.id: max(1, i.price * 7 // 10) for i in ledger.table.instruments if not i.is_asset and not i.option}
    venue.put(Event(PRICE, i, venue.time, price=price, value=price) for i, price in fallen.items())
    made = joined_events([venue.recorded(), Trading(venue, 1, ledger.time + UNTIL).liquidations(20)])
    assert (made["kind"] == LIQUIDATION).any()
    fresh_one = fresh(ledger)
    fresh_one.replay(joined_events([events, made]))
    assert held(fresh_one) == held(venue)
    for key, position in venue.positions.items():
        account, market = key >> KEY_BITS, key & (1 << KEY_BITS) - 1
        if position[3] or account == 0:
            continue
        taken = [
            Event(FILL, market, venue.time, 0, amount=position[0], price=venue.price[market]),
            Event(LIQUIDATION, market, venue.time, account, amount=-position[0], price=venue.price[market]),
        ]
        if assess(rows_of(venue, account), marked(venue)).cross.covers():
            with pytest.raises(DivergenceError, match="covers its requirement"):
                venue.put(taken)
            return
    raise AssertionError("no healthy account with a position")


def order(venue, number, side, price, size, account=0, flags=0):
    return Event(ORDER, market_of(venue).id, venue.time + 1, account, number, price, size, flags=side | flags)


REFUSED = {
    "fills must follow": lambda v, m, p: [order(v, 1, SELLS, p, 5), order(v, 2, 0, p, 5, 1)],
    "another event while it crosses": lambda v, m, p: [
        order(v, 1, SELLS, p, 5), order(v, 2, 0, p, 5, 1), Event(PRICE, m, v.time + 1, price=p, value=p),
    ],
    "the older order first": lambda v, m, p: [
        order(v, 1, SELLS, p, 5), order(v, 2, SELLS, p, 5, 1), order(v, 3, 0, p, 5, 2),
        Event(FILL, m, v.time + 1, 1, 2, p, -5), Event(FILL, m, v.time + 1, 2, 3, p, 5),
    ],
    "the better price first": lambda v, m, p: [
        order(v, 1, SELLS, p, 5), order(v, 2, SELLS, p - 1, 5, 1), order(v, 3, 0, p, 5, 2),
        Event(FILL, m, v.time + 1, 0, 1, p, -5), Event(FILL, m, v.time + 1, 2, 3, p, 5),
    ],
    "at the resting price": lambda v, m, p: [
        order(v, 1, SELLS, p - 1, 5), order(v, 2, 0, p, 5, 1),
        Event(FILL, m, v.time + 1, 0, 1, p, -5), Event(FILL, m, v.time + 1, 1, 2, p, 5),
    ],
    "all that both have open": lambda v, m, p: [
        order(v, 1, SELLS, p, 5), order(v, 2, 0, p, 5, 1),
        Event(FILL, m, v.time + 1, 0, 1, p, -4), Event(FILL, m, v.time + 1, 1, 2, p, 4),
    ],
    "equal halves": lambda v, m, p: [
        order(v, 1, SELLS, p, 5), order(v, 2, 0, p, 5, 1),
        Event(FILL, m, v.time + 1, 0, 1, p, -5), Event(FILL, m, v.time + 1, 1, 2, p, 4),
    ],
    "half a trade": lambda v, m, p: [
        order(v, 1, SELLS, p, 5), order(v, 2, 0, p, 5, 1), Event(FILL, m, v.time + 1, 0, 1, p, -5),
    ],
    "orders of nobody": lambda v, m, p: [
        Event(FILL, m, v.time + 1, 0, 7, p, -5), Event(FILL, m, v.time + 1, 1, 8, p, 5),
    ],
    "another's order": lambda v, m, p: [order(v, 1, SELLS, p, 5), Event(CANCEL, m, v.time + 1, 1, 1)],
    "an order number again": lambda v, m, p: [order(v, 1, SELLS, p, 5), order(v, 1, SELLS, p + 1, 5)],
    "a trade without orders": lambda v, m, p: [
        Event(FILL, m, v.time + 1, 0, 0, p, -5), Event(FILL, m, v.time + 1, 1, 0, p, 5),
    ],
    "funding of no position": lambda v, m, p: [Event(FUNDING, m, v.time + 1, 0, value=3)],
    "a deposit of a market": lambda v, m, p: [Event(DEPOSIT, m, v.time + 1, 0, amount=3)],
    "an unknown account": lambda v, m, p: [Event(DEPOSIT, 1, v.time + 1, 12, amount=3)],
    "an unknown instrument": lambda v, m, p: [Event(DEPOSIT, 4000, v.time + 1, 0, amount=3)],
    "time that falls": lambda v, m, p: [
        Event(DEPOSIT, 1, v.time + 2, 0, amount=3), Event(DEPOSIT, 1, v.time + 1, 0, amount=3),
    ],
    "a transfer to nobody": lambda v, m, p: [Event(TRANSFER, 1, v.time + 1, 0, amount=-3)],
    "the pot of another account": lambda v, m, p: [
        Event(TRANSFER, v.settlement, v.time + 1, 0, (1 << KEY_BITS) | m, amount=-3),
    ],
    "unequal transfers": lambda v, m, p: [
        Event(TRANSFER, 1, v.time + 1, 0, amount=-3), Event(TRANSFER, 1, v.time + 1, 1, amount=4),
    ],
    "more than a balance holds": lambda v, m, p: [Event(DEPOSIT, 1, v.time + 1, 0, amount=2**63 - 1)] * 2,
    "a liquidation order of nothing": lambda v, m, p: [order(v, 1, SELLS, p, 5, flags=LIQUIDATES)],
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_follow_is_refused(name):
    venue = fresh(balanced_ledger())
    market = market_of(venue)
    with pytest.raises(DivergenceError):
        venue.put(REFUSED[name](venue, market.id, market.price))


def test_a_crossed_book_begins_no_journal_and_neither_does_a_ledger_without_its_quote():
    ledger = balanced_ledger()
    market = market_of(fresh(ledger))
    columns = [np.array(c) for c in ([market.id] * 2, [0, 1], [market.price] * 2, [5, 5])]
    orders = order_columns(np.array([0, 1]), 12, columns)
    crossed = replace(ledger, rows=with_ordered(ledger.rows, orders), orders=orders)
    with pytest.raises(LedgerError, match="crossed"):
        fresh(crossed)
    with pytest.raises(LedgerError, match="no asset has the symbol"):
        state_of(replace(ledger, quote="XYZ"))
    with pytest.raises(LedgerError, match="has portfolio margin, which a journal has no place for"):
        state_of(replace(ledger, portfolio=np.ones(len(ledger), bool)))


def test_a_state_has_one_encoding_and_spoiled_bytes_are_refused():
    venue, _ = traded(quiet_ledger(), 3, 300)
    data = state_after(venue, epoch_ledger(venue, venue.time)).encode()
    assert VenueState.decode(data).encode() == data
    rng = np.random.default_rng(7)
    for _ in range(120):
        spoiled = bytearray(data)
        at = int(rng.integers(len(data)))
        spoiled[at] ^= int(rng.integers(1, 256))
        try:
            assert VenueState.decode(bytes(spoiled)).encode() == spoiled != data
        except EncodingError:
            continue
    for cut in (0, 3, 4, 100, len(data) - 1):
        with pytest.raises(EncodingError):
            VenueState.decode(data[:cut])
    with pytest.raises(EncodingError):
        VenueState.decode(data + b"\0")


def test_what_the_venue_holds_is_what_entry_values_and_funding_add_up_to():
    ledger = quiet_ledger(60)
    total = sum(
        row.entry + row.amount * (ledger.table[row.instrument].funding - row.funding_at_entry)
        for account in range(len(ledger))
        for row in ledger.rows_of(account)
    )
    assert at_entry(ledger.rows, ledger.table) == total


def test_sums_of_what_is_due_are_exact_at_the_ends_of_their_words():
    ledger, ends = quiet_ledger(60), [-(2**63), 2**63 - 1, -1, 0, 1, 2**32, -(2**32) - 1]
    held, rng = ledger.rows, np.random.default_rng(4)
    amount, high, funding = (rng.choice(np.array(ends, np.int64), len(held.amount)) for _ in range(3))
    low = rng.choice(np.array([0, 1, 2**64 - 1], np.uint64), len(amount))
    rows = replace(held, amount=amount, entry_high=high, entry_low=low, funding=funding)
    now = [ledger.table[int(i)].funding for i in held.instrument]
    parts = zip(amount.tolist(), high.tolist(), low.tolist(), funding.tolist(), now, strict=True)
    assert at_entry(rows, ledger.table) == sum((h << 64) + w + a * (n - f) for a, h, w, f, n in parts)


def test_links_go_on_from_part_to_part():
    _, events = traded(quiet_ledger(), 4, 60)
    middle = check_links(events[:20], 0, 1)
    assert check_links(events[20:], middle, 21) == int(events["link"][-1])


def test_accounts_opened_later_take_part():
    venue = fresh(balanced_ledger())
    keys = np.full((1, 32), 5, np.uint8)
    venue.open_accounts(("newcomer",), keys, keys)
    venue.put([Event(DEPOSIT, venue.settlement, venue.time + 1, 12, amount=77)])
    venue.recorded()
    made = epoch_ledger(venue, venue.time)
    assert made.rows_of(made.index_of("newcomer"))[0].amount == 77
    close(venue, made)
    assert venue.state.lengths[12] == 1
    with pytest.raises(LedgerError, match="taken"):
        venue.open_accounts(("newcomer",), keys, keys)


@pytest.mark.parametrize("replayed", [Venue, ReplayedVenue])
def test_a_price_is_the_last_event_of_no_account(replayed):
    venue = fresh(balanced_ledger())
    market = next(i for i in venue.state.table.instruments if not i.is_asset)
    venue.put(Event(DEPOSIT, venue.settlement, venue.time + 1, account, amount=5) for account in (0, 3))
    venue.put([Event(PRICE, market.id, venue.time, price=1, amount=2, value=3)])
    again = replayed(venue.state)
    again.replay(venue.recorded())
    assert venue.last_event.tolist() == again.last_event.tolist() == [1, 0, 0, 2] + [0] * 8
