"""What a venue's journal may not say, rule by rule: matching, liquidations, realised values, and its first state."""

from dataclasses import replace

import numpy as np
import pytest

from tests.state.venues import balanced_ledger, fresh, quiet_ledger
from zkstate.errors import EncodingError, LedgerError
from zkstate.state.journal import FILL, LIQUIDATION, TRANSFER, WITHDRAWAL
from zkstate.state.ledger import row_columns
from zkstate.state.venue_events import CANCEL, ISOLATED, LIQUIDATES, ORDER, PRICE, SELLS, DivergenceError, Event
from zkstate.state.venue_margin import KEY_BITS
from zkstate.state.venue_state import VenueState, resting_columns, state_of

SIZE = 10**6


@pytest.fixture
def venue():
    return fresh(balanced_ledger())


def markets(venue):
    return [i for i in venue.state.table.instruments if not i.is_asset and not i.option and i.price]


def coin(venue):
    return next(i for i in venue.state.table.instruments if i.is_asset and i.id != venue.settlement)


def placed(venue, instrument, number, price, account=0, flags=0, size=SIZE):
    return Event(ORDER, instrument, venue.time + 1, account, number, price, size, flags=flags)


def traded(venue, instrument, price, seller, buyer, size=SIZE, **taken):
    """`buyer` takes what `seller` offers; `taken` are further fields of the buyer's half."""
    n, t = venue.last_order, venue.time
    return [
        Event(ORDER, instrument, t, seller, n + 1, price, size, flags=SELLS),
        Event(ORDER, instrument, t, buyer, n + 2, price, size),
        Event(FILL, instrument, t, seller, n + 1, price, -size),
        Event(FILL, instrument, t, buyer, n + 2, price, size, **taken),
    ]


def test_a_cancellation_in_another_book_does_not_end_the_duty_to_match(venue):
    a, b = markets(venue)[:2]
    venue.put([placed(venue, b.id, 1, b.price, 3), placed(venue, a.id, 2, a.price, 0, SELLS)])
    crossing = [placed(venue, a.id, 3, a.price + 5, 1), Event(CANCEL, b.id, venue.time + 1, 3, 1)]
    with pytest.raises(DivergenceError, match="order 3 still crosses"):
        venue.put([*crossing, placed(venue, a.id, 4, a.price - 10, 2)])


def test_a_cancellation_in_another_book_may_come_between(venue):
    a, b = markets(venue)[:2]
    venue.put([placed(venue, b.id, 1, b.price, 3)])
    t = venue.time
    venue.put(
        [
            Event(ORDER, a.id, t, 0, 2, a.price, SIZE, flags=SELLS),
            Event(ORDER, a.id, t, 1, 3, a.price, SIZE),
            Event(CANCEL, b.id, t, 3, 1),
            Event(FILL, a.id, t, 0, 2, a.price, -SIZE),
            Event(FILL, a.id, t, 1, 3, a.price, SIZE),
        ]
    )
    assert not venue.orders


@pytest.mark.parametrize(("side", "beyond"), [(0, 1), (SELLS, -1)])
def test_no_order_fills_beyond_its_limit(venue, side, beyond):
    a = markets(venue)[0]
    venue.put([placed(venue, a.id, 1, a.price, 0, SELLS - side)])
    venue._active = 2  # as if an order that does not reach the best price had come in across the book
    venue.orders[2] = replace(venue.orders[1], account=1, flags=side, price=a.price - beyond)
    venue.books[a.id].side(side).add(a.price - beyond, 2)
    gives = -SIZE if not side else SIZE
    halves = [Event(FILL, a.id, venue.time, 0, 1, a.price, gives), Event(FILL, a.id, venue.time, 1, 2, a.price, -gives)]
    with pytest.raises(DivergenceError, match="order 2 of limit"):
        venue.put(halves)


@pytest.mark.parametrize("what", ["transfer", "takeover"])
def test_nothing_comes_between_an_order_that_crosses_and_its_fills(venue, what):
    a, t = markets(venue)[0], venue.time + 1
    kind, instrument, other = (TRANSFER, 1, TRANSFER) if what == "transfer" else (FILL, a.id, LIQUIDATION)
    two = [Event(kind, instrument, t, 2, amount=-3), Event(other, instrument, t, 3, amount=3)]
    with pytest.raises(DivergenceError, match="order 2 still crosses"):
        venue.put([placed(venue, a.id, 1, a.price, 0, SELLS), placed(venue, a.id, 2, a.price, 1), *two])


def below_maintenance(venue):
    """Account 1 long of the market returned, with nothing behind it."""
    a = markets(venue)[0]
    venue.put(traded(venue, a.id, a.price, 0, 1))
    for i in venue.state.table.instruments:
        held = venue.balances.get(1 << KEY_BITS | i.id, 0)
        if held > 0:
            venue.put([Event(WITHDRAWAL, i.id, venue.time, 1, amount=-held)])
    venue.put([Event(PRICE, a.id, venue.time, price=a.price // 2, value=a.price // 2, amount=venue.funding[a.id])])
    return a


def test_liquidation_orders_together_are_no_larger_than_the_position(venue):
    a = below_maintenance(venue)
    price, flags = a.price // 2, SELLS | LIQUIDATES
    venue.put([placed(venue, a.id, 11, price, 1, flags, SIZE - 10)])
    with pytest.raises(DivergenceError, match=f"and {SIZE - 10} are open"):
        venue.put([placed(venue, a.id, 12, price, 1, flags, 11)])


def test_what_a_cancelled_liquidation_order_had_open_may_be_liquidated_again(venue):
    a = below_maintenance(venue)
    for number in (11, 12):
        venue.put([placed(venue, a.id, number, a.price // 2, 1, SELLS | LIQUIDATES)])
        venue.put([Event(CANCEL, a.id, venue.time, 1, number)])
    assert not venue.liquidating


def test_a_resting_liquidation_order_does_not_turn_a_position_around(venue):
    a = below_maintenance(venue)
    price, t = a.price // 2, venue.time + 1
    entry = venue.positions[1 << KEY_BITS | a.id][1]
    venue.put([placed(venue, a.id, 11, price, 1, SELLS | LIQUIDATES)])
    venue.put(
        [  # the account itself sells what it holds, before the order that liquidates it
            Event(ORDER, a.id, t, 2, 12, price - 1, SIZE),
            Event(ORDER, a.id, t, 1, 13, price - 1, SIZE, flags=SELLS),
            Event(FILL, a.id, t, 2, 12, price - 1, SIZE),
            Event(FILL, a.id, t, 1, 13, price - 1, -SIZE, SIZE * (price - 1) - entry),
        ]
    )
    again = [Event(ORDER, a.id, t, 2, 14, price, SIZE), Event(LIQUIDATION, a.id, t, 1, 11, price, -SIZE)]
    with pytest.raises(DivergenceError, match="of a position of 0"):
        venue.put([*again, Event(FILL, a.id, t, 2, 14, price, SIZE)])


def test_a_fill_that_closes_nothing_realises_nothing(venue):
    a = markets(venue)[0]
    with pytest.raises(DivergenceError, match="closes nothing"):
        venue.put(traded(venue, a.id, a.price, 0, 1, value=10**24))


def test_a_trade_of_an_asset_realises_nothing(venue):
    c = coin(venue)
    with pytest.raises(DivergenceError, match="realises nothing"):
        venue.put(traded(venue, c.id, c.price, 0, 1, value=10**20))


def test_a_buyer_pays_what_is_rounded_up_and_a_seller_gets_what_is_rounded_down(venue):
    c, house = coin(venue), venue.house
    before = [venue.balances.get(a << KEY_BITS | venue.settlement, 0) for a in (0, 1)]
    for _ in range(5):
        venue.put(traded(venue, c.id, venue.unit - 1, 0, 1, size=1))
    after = [venue.balances.get(a << KEY_BITS | venue.settlement, 0) for a in (0, 1)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [0, -5]
    assert venue.house - house == 5 * venue.unit


def doubled(state):
    r = state.rows
    account = np.repeat(np.arange(len(state.names)), r.counts)
    columns = (r.instrument, r.amount, r.entry_high, r.entry_low, r.funding, r.isolated)
    twice = [np.concatenate([column, column[:1]]) for column in columns]
    return replace(state, rows=row_columns(np.concatenate([account, account[:1]]), len(state.names), twice))


def of_first_asset(state, name):
    at = int(np.flatnonzero([state.table[int(i)].is_asset for i in state.rows.instrument])[0])
    column = getattr(state.rows, name).copy()
    column[at] = 1
    return replace(state, rows=replace(state.rows, **{name: column}))


def with_net(state, of, by):
    place = next(at for at, i in enumerate(state.table.instruments) if of(i, state))
    return replace(state, net=(*state.net[:place], state.net[place] + by, *state.net[place + 1 :]))


def with_order(state, of, flags):
    chosen = next(i.id for i in state.table.instruments if of(i, state))
    return replace(state, resting=resting_columns([(1, 0, chosen, flags, 5, 5)]), last_order=9)


def is_settlement(i, state):
    return i.symbol == state.quote


def is_other_asset(i, state):
    return i.is_asset and i.symbol != state.quote


STATES = {
    "house from nowhere": lambda s: replace(s, house=s.house + 10**40),
    "net of the settlement asset": lambda s: with_net(s, is_settlement, 1),
    "net of another asset": lambda s: with_net(s, is_other_asset, -1),
    "net of a market": lambda s: with_net(s, lambda i, _: not i.is_asset, 1),
    "two rows of one instrument": doubled,
    "an asset with an entry value": lambda s: of_first_asset(s, "entry_low"),
    "an asset with funding": lambda s: of_first_asset(s, "funding"),
    "an isolated asset": lambda s: of_first_asset(s, "isolated"),
    "an order of the settlement asset": lambda s: with_order(s, is_settlement, 0),
    "an isolated order of an asset": lambda s: with_order(s, is_other_asset, ISOLATED),
    "an order that liquidates before any event": lambda s: with_order(s, lambda i, _: not i.is_asset, LIQUIDATES),
    "an order that liquidates an asset": lambda s: with_order(s, is_other_asset, LIQUIDATES),
}


@pytest.mark.parametrize("what", STATES)
def test_a_state_that_no_events_lead_to_is_refused(what):
    state = state_of(quiet_ledger())
    assert VenueState.decode(state.encode()).house == state.house
    with pytest.raises(EncodingError, match=r"^state of a venue"):
        VenueState.decode(STATES[what](state).encode())


def test_no_journal_begins_with_a_ledger_whose_assets_have_entry_values():
    ledger = balanced_ledger()
    with pytest.raises(LedgerError, match="no journal can begin"):
        state_of(replace(ledger, rows=of_first_asset(state_of(ledger), "entry_low").rows))


@pytest.mark.parametrize(("name", "owner"), [("\x1b[31mx\n", 0), ("", 0), ("x", 0xFF)])
def test_accounts_opened_later_are_checked_as_those_at_the_beginning(venue, name, owner):
    keys = np.full((1, 32), owner, np.uint8)
    with pytest.raises(EncodingError):
        venue.open_accounts((name,), keys, keys)
