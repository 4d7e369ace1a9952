"""A venue replayed in the core beside the reference: the same state, books, histories and errors, word by word."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.state.test_venue_rules import below_maintenance, markets, placed
from tests.state.test_venue_rules import traded as traded_between
from tests.state.venues import UNTIL, balanced_ledger, fresh, quiet_ledger, traded
from zkstate.errors import LengthError, ZkstateError
from zkstate.kernels.venue import events_canonical, events_linked
from zkstate.state.journal import FILL, LIQUIDATION
from zkstate.state.synthetic_events import Trading
from zkstate.state.venue import Venue
from zkstate.state.venue_close import close, epoch_ledger, levels, open_interest, resting, state_after
from zkstate.state.venue_events import (
    CANCEL,
    EVENT,
    LIQUIDATES,
    ORDER,
    PRICE,
    SELLS,
    DivergenceError,
    Event,
    event_array,
    joined_events,
    linked,
    malformed,
)
from zkstate.state.venue_margin import KEY_BITS
from zkstate.state.venue_replay import ReplayedVenue
from zkstate.state.venue_state import VenueState, state_of

SEEDS = st.integers(0, 2**32 - 1)


def found(venue, parts):
    """What a venue makes of parts of a journal, in bytes, or the error and its words."""
    try:
        for part in parts:
            venue.replay(part)
        ledger = epoch_ledger(venue, max(venue.time, venue.state.time))
        heads = b"" if ledger.journal is None else ledger.journal.new_heads().tobytes()
        return (
            state_after(venue, ledger).encode(), heads, list(resting(venue).tuples()), levels(venue),
            open_interest(venue), venue.last_event.tolist(), venue.extras,
        )  # fmt: skip
    except ZkstateError as error:
        return type(error), str(error), getattr(error, "event", None)


def both(state, parts):
    """The core's answer and the reference's, and the venue in the core."""
    core = ReplayedVenue(state)
    return found(core, parts), found(Venue(state), parts), core


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(1, 250), st.sampled_from([balanced_ledger, quiet_ledger]))
def test_a_random_venue_is_the_same_in_the_core(seed, count, ledger):
    venue = fresh(ledger())
    trading = Trading(venue, seed, ledger().time + UNTIL)
    parts = [trading.events(count), np.zeros(0, EVENT), trading.events(1), trading.events(count)]
    ours, theirs, core = both(state_of(ledger()), parts)
    assert ours == theirs
    assert ours[0] == state_after(venue, epoch_ledger(venue, venue.time)).encode()
    assert core.tables is not None


@settings(max_examples=120, deadline=None)
@given(seed=SEEDS, place=st.integers(0, 10**9), bits=st.integers(1, 255), links=st.booleans())
def test_any_changed_byte_is_told_in_the_same_words(seed, place, bits, links):
    ledger = quiet_ledger()
    _, events = traded(ledger, seed % 50, 60)
    spoiled = events.copy()
    data = spoiled.view(np.uint8).reshape(-1)
    data[place % len(data)] ^= bits
    if links:
        linked(spoiled, 0)
    cut = place % (len(spoiled) + 1)
    ours, theirs, _ = both(state_of(ledger), [spoiled[:cut], spoiled[cut:]] if bits % 2 else [spoiled])
    assert ours == theirs


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS, at=st.integers(0, 10**6), other=st.integers(0, 10**6), how=st.sampled_from(["drop", "swap", "twice"])
)
def test_events_left_out_moved_or_repeated_are_told_in_the_same_words(seed, at, other, how):
    ledger = quiet_ledger()
    _, events = traded(ledger, seed % 50, 80)
    at, other = at % len(events), other % len(events)
    order = list(range(len(events)))
    if how == "drop":
        del order[at]
    elif how == "swap":
        order[at], order[other] = order[other], order[at]
    else:
        order.insert(at, at)
    moved = events[order].astype(EVENT)
    moved["time"] = np.sort(moved["time"])
    linked(moved, 0)
    ours, theirs, _ = both(state_of(ledger), [moved])
    assert ours == theirs


def test_tables_grow_and_orders_by_the_thousand_come_and_go():
    ledger = quiet_ledger(300, 4)
    venue = fresh(ledger)
    parts = [Trading(venue, seed, ledger.time + UNTIL * (seed + 1)).events(4_000) for seed in range(2)]
    ours, theirs, core = both(state_of(ledger), parts)
    assert ours == theirs
    assert core.tables is not None


def test_liquidations_are_judged_for_the_core():
    venue = fresh(balanced_ledger())
    a = below_maintenance(venue)
    price, t = a.price // 2, venue.time + 1
    venue.put([placed(venue, a.id, 11, price, 1, SELLS | LIQUIDATES, 10**6 - 10), Event(CANCEL, a.id, t, 1, 11)])
    venue.put(
        [
            placed(venue, a.id, 12, price, 1, SELLS | LIQUIDATES, 10**5), placed(venue, a.id, 13, price, 2, 0, 10),
            Event(LIQUIDATION, a.id, t + 1, 1, 12, price, -10), Event(FILL, a.id, t + 1, 2, 13, price, 10),
        ]
    )  # fmt: skip
    t = venue.time
    taken = [Event(FILL, a.id, t, 3, amount=7, price=price), Event(LIQUIDATION, a.id, t, 1, amount=-7, price=price)]
    venue.put(taken)
    events = venue.recorded()
    ours, theirs, core = both(state_of(balanced_ledger()), [events])
    assert ours == theirs
    assert core.tables is not None
    for bad in (
        [placed(venue, a.id, 14, price, 1, SELLS | LIQUIDATES, 10**6)],
        [placed(venue, a.id, 14, price, 5, SELLS | LIQUIDATES, 10)],
        [taken[0], Event(LIQUIDATION, a.id, t, 4, amount=-7, price=price)],
        [taken[0], Event(LIQUIDATION, a.id, t, 1, amount=-7, price=price, flags=2)],
    ):
        more = joined_events([events, event_array(bad)])
        linked(more, 0)
        ours, theirs, _ = both(state_of(balanced_ledger()), [more])
        assert ours == theirs
        assert ours[0] is DivergenceError


def test_sums_beyond_the_core_are_the_references():
    """An entry value near 2^127, to which a sale adds funding before it takes the price of what is sold."""
    venue = fresh(balanced_ledger())
    a = markets(venue)[0]
    size, price = 10**6, a.price
    venue.put(traded_between(venue, a.id, price, 0, 1))
    state = state_after(venue, epoch_ledger(venue, venue.time))
    r, held = state.rows, np.flatnonzero(state.rows.instrument == a.id)
    high, low = r.entry_high.copy(), r.entry_low.copy()
    taken = (2**127 - 1) - ((int(high[held[1]]) << 64) + int(low[held[1]]))
    high[held[1]], low[held[1]] = 2**63 - 1, 2**64 - 1
    state = replace(state, rows=replace(r, entry_high=high, entry_low=low), house=state.house + taken)
    state = VenueState.decode(state.encode())
    reference, core = Venue(state), ReplayedVenue(state)
    assert core.tables is not None
    raised = Event(PRICE, a.id, state.time, price=price, value=price, amount=reference.funding[a.id] + 1)
    n, t, sold = state.last_order, state.time, size // 2
    reference.put(
        [
            raised,
            Event(ORDER, a.id, t, 2, n + 1, price, sold), Event(ORDER, a.id, t, 1, n + 2, price, sold, flags=SELLS),
            Event(FILL, a.id, t, 2, n + 1, price, sold), Event(FILL, a.id, t, 1, n + 2, price, -sold),
        ]
    )  # fmt: skip
    events = reference.recorded()
    assert found(core, [events]) == found(Venue(state), [events])
    assert core.tables is None
    assert core.positions == reference.positions


def test_what_no_table_of_the_core_holds_begins_in_the_reference():
    state = state_of(balanced_ledger())
    settlement = fresh(balanced_ledger()).settlement
    net = list(state.net)
    net[settlement - 1] += 2**130
    large = replace(state, house=state.house + 2**130 * fresh(balanced_ledger()).unit, net=tuple(net))
    assert ReplayedVenue(large).tables is None
    _, events = traded(balanced_ledger(), 3, 60)
    ours, theirs, _ = both(VenueState.decode(large.encode()), [events])
    assert ours == theirs


def test_who_writes_on_after_a_replay_gets_the_reference():
    ledger = quiet_ledger()
    venue, events = traded(ledger, 8, 200)
    core = ReplayedVenue(state_of(ledger))
    core.replay(events)
    assert core.tables is not None
    assert core.positions == venue.positions
    assert core.tables is None
    assert (core.balances, core.orders, core.imbalance) == (venue.balances, venue.orders, venue.imbalance)
    ours, theirs = (Trading(one, 4, ledger.time + 2 * UNTIL).events(100) for one in (core, venue))
    assert len(ours) == len(theirs)
    with pytest.raises(AttributeError):
        core.nothing  # noqa: B018
    again = ReplayedVenue(state_of(ledger))
    again.replay(events)
    again.put([Event(PRICE, markets(venue)[0].id, again.time, price=7, value=7)])
    assert len(again.recorded()) == 1


def test_accounts_opened_and_epochs_closed_in_the_core():
    ledger = balanced_ledger()
    venue, core = fresh(ledger), ReplayedVenue(state_of(ledger))
    keys = np.full((1, 32), 5, np.uint8)
    for one in (venue, core):
        one.open_accounts(("newcomer",), keys, keys)
    for epoch in range(2):
        core.replay(Trading(venue, epoch, ledger.time + (epoch + 1) * UNTIL).events(80))
        for one in (venue, core):
            made = epoch_ledger(one, ledger.time + (epoch + 1) * UNTIL)
            close(one, made)
    assert core.tables is not None
    assert core.state.heads.tobytes() == venue.state.heads.tobytes()
    assert core.last_event.tolist() == venue.last_event.tolist()
    assert found(core, []) == found(venue, [])


def test_books_of_a_state_keep_the_age_of_their_orders_whatever_their_numbers():
    """Orders at one price that stand in a state against the order of their numbers."""
    ledger = quiet_ledger(40)
    state = state_of(ledger)
    venue = fresh(ledger)
    a = markets(venue)[0]
    bids = [placed(venue, a.id, state.last_order + 1 + k, 1 + k % 2, k) for k in range(6)]
    venue.put(bids)
    state = state_after(venue, epoch_ledger(venue, venue.time))
    number = state.resting.number.copy()
    at = np.flatnonzero((state.resting.instrument == a.id) & (state.resting.price == 1))[:3]
    number[at] = number[at][::-1]
    state = VenueState.decode(replace(state, resting=replace(state.resting, number=number)).encode())
    reference = Venue(state)
    assert (
        list(resting(ReplayedVenue(state)).tuples())
        == list(resting(reference).tuples())
        == list(state.resting.tuples())
    )
    part = Trading(reference, 6, state.time + UNTIL).events(300)
    ours, theirs, core = both(state, [part])
    assert ours == theirs
    assert core.tables is not None


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(0, 10**9), st.integers(1, 255))
def test_what_is_a_canonical_record_is_the_same_in_the_core(seed, place, bits):
    rng = np.random.default_rng(seed)
    _, events = traded(quiet_ledger(), seed % 50, 60)
    one = events[[int(rng.integers(len(events)))]].astype(EVENT)
    one.view(np.uint8).reshape(-1)[place % 88] ^= bits
    assert events_canonical(one) == (not malformed(one).any())
    noise = np.frombuffer(rng.bytes(96 * 20), EVENT).copy()
    noise["kind"], noise["flags"] = noise["kind"] % 11, noise["flags"] % 8
    for name in EVENT.names[2:]:
        noise[name][rng.integers(0, 2, 20) == 0] = 0
    for k in range(20):
        assert events_canonical(noise[k : k + 1]) == (not malformed(noise[k : k + 1]).any())


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=96 * 4, max_size=96 * 4), st.integers(0, 3), st.integers(0, 2**64 - 1))
def test_links_are_what_hashlib_makes(data, place, link):
    events = np.frombuffer(data, EVENT).copy()
    last, before = linked(events, link), link.to_bytes(8)
    for event in events:
        before = hashlib.sha256(before + event.tobytes()[:88]).digest()[:8]
        assert int(event["link"]).to_bytes(8) == before
    assert last.to_bytes(8) == before
    assert events_linked(events, link.to_bytes(8)) == (4, before)
    right = int(events["link"][place])
    events["link"][place] ^= np.uint64(1)
    assert events_linked(events, link.to_bytes(8)) == (place, right.to_bytes(8))


def test_events_cut_off_are_refused():
    with pytest.raises(LengthError, match="not whole events"):
        events_canonical(bytes(95))


def test_an_order_of_flag_4_in_a_state_counts_as_waiting():
    venue = fresh(balanced_ledger())
    a = below_maintenance(venue)
    venue.put([placed(venue, a.id, 11, a.price // 2, 1, SELLS | LIQUIDATES, 10**6 - 10)])
    venue.recorded()
    state = VenueState.decode(state_after(venue, epoch_ledger(venue, venue.time)).encode())
    core = ReplayedVenue(state)
    assert core.tables.account(1)["waiting"][a.id] == 10**6 - 10
    events = event_array([placed(venue, a.id, 12, a.price // 2, 1, SELLS | LIQUIDATES, 11)])
    linked(events, state.link)
    ours, theirs, _ = both(state, [events])
    assert ours == theirs
    assert f"and {10**6 - 10} are open" in ours[1]
    assert core.liquidating == {1 << KEY_BITS | a.id: 10**6 - 10}
