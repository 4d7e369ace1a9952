"""From the state machine of a venue's journal back to columns: the ledger of an epoch, and the state after it."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import LedgerError
from zkstate.state.journal import FILL
from zkstate.state.journal_columns import JournalColumns, journal_columns
from zkstate.state.ledger import Ledger, RowColumns, row_columns, with_ordered
from zkstate.state.schema import BUY, SELL
from zkstate.state.venue import Venue
from zkstate.state.venue_book import Book
from zkstate.state.venue_events import EVENT
from zkstate.state.venue_margin import KEY_BITS, marked
from zkstate.state.venue_replay import ReplayedVenue
from zkstate.state.venue_state import RestingColumns, VenueState, resting_columns

_LOW = (1 << KEY_BITS) - 1
_MASK64 = (1 << 64) - 1


def epoch_ledger(venue: Venue, time: int) -> Ledger:
    """The ledger of the venue now, at the journal's marks, with the entries since the last epoch.

    LedgerError if the time is before the last event's, or an account has more rows or orders than can be committed.
    """
    if time < venue.time:
        raise LedgerError(f"the journal's last event is of {venue.time}, after the epoch's time {time}")
    state = venue.state
    orders = resting(venue).as_orders(len(state.names))
    return Ledger(
        state.venue, state.quote, time, state.synthetic, marked(venue), state.names,
        with_ordered(_rows(venue), orders), orders, state.owners, state.view_keys, journal=_entries(venue),
        scenarios=state.scenarios,
    )  # fmt: skip


def state_after(venue: Venue, ledger: Ledger) -> VenueState:
    """The state in which the next epoch begins, `ledger` being that of the one that ends now."""
    heads, lengths = venue.state.heads, venue.state.lengths
    if ledger.journal is not None:
        heads, lengths = ledger.journal.new_heads(), ledger.journal.new_lengths
    return replace(
        venue.state, time=ledger.time, events=venue.number, link=venue.link, last_order=venue.last_order,
        house=venue.house, net=tuple(venue.net), table=ledger.table, heads=heads, lengths=lengths, rows=_rows(venue),
        resting=resting(venue),
    )  # fmt: skip


def close(venue: Venue, ledger: Ledger) -> None:
    """Begin the next epoch: histories go on from where `ledger`, that of the one that ends now, left them."""
    if ledger.journal is not None:
        heads, lengths = ledger.journal.new_heads(), ledger.journal.new_lengths
        venue.state = replace(venue.state, heads=heads, lengths=lengths)
    venue.time = ledger.time
    venue.entries.clear()
    venue.entry_numbers.clear()
    venue.extras.clear()


def resting(venue: Venue) -> RestingColumns:
    """The whole order book, order by order: L3."""
    if isinstance(venue, ReplayedVenue) and (kept := venue.resting()) is not None:
        return kept
    found = []
    for instrument in sorted(venue.books):
        book: Book = venue.books[instrument]
        for side in (BUY, SELL):
            for number in book.side(side):
                order = venue.orders[number]
                found.append((number, order.account, instrument, order.flags, order.price, order.open))
    return resting_columns(found)


def levels(venue: Venue) -> list[tuple[int, int, int, int, int]]:
    """The book by price level, L2: (instrument, side, price, size, orders), best price first."""
    rows = ((o[2], o[3] & 1, o[4], o[5]) for o in resting(venue).tuples())
    return [
        (*key, sum(sizes := [row[3] for row in group]), len(sizes))
        for key, group in groupby(rows, key=lambda row: row[:3])
    ]


def open_interest(venue: Venue) -> dict[int, tuple[int, int]]:
    """By market: what all long and what all short positions add up to, both as positive numbers."""
    r, found = _rows(venue), {}
    for market in np.flatnonzero(~np.array(venue.asset)).tolist():
        if len(amounts := r.amount[r.instrument == market].astype(object)):
            found[market] = (int(amounts[amounts > 0].sum()), -int(amounts[amounts < 0].sum()))
    return found


def _rows(venue: Venue) -> RowColumns:
    if isinstance(venue, ReplayedVenue) and (kept := venue.rows()) is not None:
        return kept
    held = np.fromiter(venue.balances, np.int64, len(venue.balances))
    amounts = np.fromiter(venue.balances.values(), np.int64, len(held))
    keys = np.fromiter(venue.positions, np.int64, len(venue.positions))
    positions = list(venue.positions.values())
    entries = [position[1] for position in positions]
    key = np.concatenate([held, keys])
    nothing = np.zeros(len(held), np.int64)
    columns: list[NDArray[np.generic]] = [
        key & _LOW,
        np.concatenate([amounts, np.array([position[0] for position in positions], np.int64)]),
        np.concatenate([nothing, np.array([entry >> 64 for entry in entries], np.int64)]),
        np.concatenate([nothing.astype(np.uint64), np.array([entry & _MASK64 for entry in entries], np.uint64)]),
        np.concatenate([nothing, np.array([position[2] for position in positions], np.int64)]),
        np.concatenate([nothing, np.array([position[3] for position in positions], np.int64)]),
    ]
    return row_columns(key >> KEY_BITS, len(venue.state.names), columns)


def _entries(venue: Venue) -> JournalColumns | None:
    """The entries of all histories since the last epoch; None if no account ever had any."""
    events = np.concatenate(venue.entries) if venue.entries else np.zeros(0, EVENT)
    numbers = np.concatenate(venue.entry_numbers) if venue.entry_numbers else np.zeros(0, np.int64)
    extras = venue.extras
    if not len(events) and not venue.state.lengths.any():
        return None
    more = [np.array([getattr(extra, name) for extra in extras], np.int64) for name in ("number", "account", "amount")]
    order = np.argsort(np.concatenate([2 * numbers, 2 * more[0] + 1]), kind="stable")
    zeros = np.zeros(len(extras), np.int64)

    def column(name: str, added: NDArray[np.generic], kind: type[np.generic]) -> NDArray[np.generic]:
        return np.concatenate([events[name].astype(kind), added.astype(kind)])[order]

    account = np.concatenate([events["account"].astype(np.int64), more[1]])[order]
    columns = [
        column("kind", np.full(len(extras), FILL), np.uint8),
        column("instrument", np.full(len(extras), venue.settlement), np.uint16),
        column("amount", more[2], np.int64),
        column("value_high", zeros, np.int64),
        column("value_low", zeros, np.uint64),
        column("fee_high", zeros, np.int64),
        column("fee_low", zeros, np.uint64),
        column("time", np.array([extra.time for extra in extras], np.uint64), np.uint64),
        column("price", np.array([extra.price for extra in extras], np.uint64), np.uint64),
    ]
    return journal_columns(account, len(venue.state.names), columns, (venue.state.heads, venue.state.lengths))
