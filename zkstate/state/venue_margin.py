"""What the margin rules say of accounts of a replayed venue: whether a liquidation was due (docs/spec.md §15)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from zkstate.state.margin import assess
from zkstate.state.portfolio import assess_portfolio
from zkstate.state.schema import Instrument, Row
from zkstate.state.table import InstrumentTable

if TYPE_CHECKING:
    from zkstate.state.venue_state import VenueState

KEY_BITS = 12  # keys are account << 12 | instrument: ids are below 4096


class Holdings(Protocol):
    """What the rules read of a venue, with all of one account at least."""

    @property
    def state(self) -> VenueState:
        """What it began with."""

    @property
    def asset(self) -> list[bool]:
        """Whether each instrument is an asset."""

    @property
    def price(self) -> list[int]:
        """Marks."""

    @property
    def notional(self) -> list[int]:
        """Notional prices."""

    @property
    def funding(self) -> list[int]:
        """Funding indices."""

    @property
    def balances(self) -> Mapping[int, int]:
        """As of `Venue`."""

    @property
    def positions(self) -> Mapping[int, list[int]]:
        """As of `Venue`."""

    @property
    def liquidating(self) -> Mapping[int, int]:
        """As of `Venue`."""


def liquidation_fault(venue: Holdings, account: int, instrument: int, amount: int, isolated: int) -> str | None:
    """Why `amount` of a position may not be liquidated, None if it may.

    With what its orders of flag 4 have open it has to reduce the position, and the pot must not cover its maintenance
    requirement, at the journal's marks. Where the venue has scenarios, a cross pot may also be the one that fails the
    portfolio rule.
    """
    position = venue.positions.get(account << KEY_BITS | instrument)
    if position is None or bool(position[3]) != bool(isolated):
        return f"it liquidates a position in instrument {instrument} that account {account} has not"
    waiting = venue.liquidating.get(account << KEY_BITS | instrument, 0)
    if (position[0] > 0) == (amount > 0) or abs(amount) + waiting > abs(position[0]):
        return f"it liquidates {amount} of a position of {position[0]}, and {waiting} are open"
    rows, table = rows_of(venue, account), marked(venue, _held(venue, account))
    pots = assess(rows, table).pots
    alone = [pot for pot in pots[1:] if pot.rows[0].row.instrument == instrument]
    pot = alone[0] if isolated else pots[0]
    scenarios = None if isolated else venue.state.scenarios
    if pot.covers() and (scenarios is None or assess_portfolio(rows, table, scenarios).assessment.cross.covers()):
        return f"it liquidates account {account}, whose equity {pot.equity} covers its requirement {pot.need}"
    return None


def _held(venue: Holdings, account: int) -> list[int]:
    base = account << KEY_BITS
    return [i for i in range(1, len(venue.asset)) if base | i in venue.balances or base | i in venue.positions]


def rows_of(venue: Holdings, account: int) -> list[Row]:
    """The rows an account holds now, those of open orders alone left out."""
    rows = []
    for i in _held(venue, account):
        position = venue.positions.get(account << KEY_BITS | i)
        if position is None:
            rows.append(Row(i, venue.balances[account << KEY_BITS | i]))
        else:
            rows.append(Row(i, position[0], position[1], position[2], bool(position[3])))
    return rows


def marked(venue: Holdings, ids: Iterable[int] | None = None) -> InstrumentTable:
    """The table at the journal's marks, of all instruments or some alone."""
    table = venue.state.table
    listed = list(table.instruments)
    for i in range(1, len(table) + 1) if ids is None else ids:
        listed[i - 1] = _marked(venue, table[i])
    return InstrumentTable(tuple(listed), table.depth)


def _marked(venue: Holdings, instrument: Instrument) -> Instrument:
    i = instrument.id
    marks = (venue.price[i], venue.notional[i], venue.funding[i])
    if marks == (instrument.price, instrument.notional_price, instrument.funding):
        return instrument
    return replace(instrument, price=marks[0], notional_price=marks[1], funding=marks[2])
