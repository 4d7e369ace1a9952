"""A venue whose recorded events are replayed in the core.

The rules are those of `venue.Venue`, which also runs from the first event on that the core does not take in: it says
what is wrong, or goes on with larger integers. Who asks for its dictionaries gets the reference too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from zkstate.errors import InputError, LengthError
from zkstate.kernels.venue import VENUE_INSTRUMENT, VENUE_ORDER, VENUE_ROW, VenueBegin, VenueEnd, VenueTables
from zkstate.state import venue_margin
from zkstate.state.ledger import RowColumns, row_columns
from zkstate.state.schema import I128, U64
from zkstate.state.venue import Venue
from zkstate.state.venue_check import sums
from zkstate.state.venue_events import ISOLATED, ORDER, SELLS, Event, Events
from zkstate.state.venue_margin import KEY_BITS
from zkstate.state.venue_state import Extra, RestingColumns, VenueState

_OF_THE_REFERENCE = frozenset(("balances", "positions", "imbalance", "orders", "books", "liquidating"))


@dataclass(frozen=True, slots=True)
class _Account:
    """One account of the core's, and the marks, as the margin rules read them."""

    state: VenueState
    asset: list[bool]
    price: list[int]
    notional: list[int]
    funding: list[int]
    balances: dict[int, int]
    positions: dict[int, list[int]]
    liquidating: dict[int, int]


class ReplayedVenue(Venue):
    """`Venue`, with its rows, orders and marks in `tables` as long as it is replayed, None once the reference runs."""

    tables: VenueTables | None = None

    def rows(self) -> RowColumns | None:
        """Balances and positions by account and instrument; None where the reference has them."""
        if self.tables is None:
            return None
        held = self.tables.rows[self.tables.rows["amount"] != 0]
        columns = [held["key"] & ((1 << KEY_BITS) - 1)]
        columns += [held[name] for name in ("amount", "entry_high", "entry_low", "funding", "isolated")]
        return row_columns((held["key"] >> KEY_BITS).astype(np.int64), len(self.state.names), columns)

    def resting(self) -> RestingColumns | None:
        """Open orders; None where the reference has them."""
        if self.tables is None:
            return None
        orders = self.tables.orders
        side = orders["flags"] & SELLS
        rank = np.where(side == 1, orders["price"], np.uint64(U64 - 1) - orders["price"])
        orders = orders[np.lexsort((orders["age"], rank, side, orders["instrument"]))]
        return RestingColumns(
            *(orders[name].copy() for name in ("number", "account", "instrument", "flags", "price", "open"))
        )

    def put(self, events: Iterable[Event]) -> None:
        """Take in new events, as `Venue.put`: the reference goes on from here."""
        self._leave_the_core()
        super().put(events)

    def _load(self, r: RowColumns, resting: RestingColumns) -> None:
        try:
            self.tables = self._tables_of(r, resting)
        except InputError:  # sums beyond the core's integers
            super()._load(r, resting)

    def _tables_of(self, r: RowColumns, resting: RestingColumns) -> VenueTables:
        if not all(-I128 <= number < I128 for number in (self.house, *self.net)):
            raise LengthError("what the venue holds does not fit 128 bits")
        rows = np.zeros(len(r.amount), VENUE_ROW)
        rows["key"] = np.repeat(np.arange(len(self.state.names)), r.counts) << KEY_BITS | r.instrument
        for name in ("amount", "entry_high", "entry_low", "funding", "isolated"):
            rows[name] = getattr(r, name)
        orders = np.zeros(len(resting.number), VENUE_ORDER)
        for name in ("number", "account", "instrument", "flags", "price", "open"):
            orders[name] = getattr(resting, name)
        instruments = np.zeros(len(self.price), VENUE_INSTRUMENT)
        for name, column in (("price", self.price), ("notional", self.notional), ("funding", self.funding)):
            instruments[name] = np.array(column, VENUE_INSTRUMENT[name])
        instruments["is_asset"] = self.asset
        for name, numbers in (("imbalance", sums(r, len(self.price) - 1)), ("net", self.net)):
            instruments[f"{name}_high"][1:] = [number >> 64 for number in numbers]
            instruments[f"{name}_low"][1:] = [number % U64 for number in numbers]
        begin = VenueBegin(self.settlement, self.unit, self.house, self.last_order, self.number)
        return VenueTables(begin, rows, orders, instruments)

    def _run(self, events: Events) -> None:
        at, allowed, events = 0, False, np.ascontiguousarray(events)
        while self.tables is not None:
            taken, end = self.tables.run(events[at:], allowed=allowed)
            at += taken
            self.number += taken
            self._follow(self.tables)
            allowed = end == VenueEnd.ASKS and self._may_liquidate(self.tables, events[at : at + 2])
            if end == VenueEnd.DONE and not self.tables.active:
                return
            if not allowed:
                self._leave_the_core()
        super()._run(events[at:])

    def _follow(self, tables: VenueTables) -> None:
        """Take over what is not by account or order."""
        marks = tables.instruments
        self.price, self.notional, self.funding = (marks[name].tolist() for name in ("price", "notional", "funding"))
        halves = zip(marks["net_high"][1:].tolist(), marks["net_low"][1:].tolist(), strict=True)
        self.net = [(high << 64) + low for high, low in halves]
        self.house, self.last_order = tables.house, tables.last_order
        self.extras += [Extra(*extra) for extra in tables.take_extras()[list(Extra._fields)].tolist()]

    def _may_liquidate(self, tables: VenueTables, events: Events) -> bool:
        """Whether an order of flag 4, or the second half of a takeover, takes of a pot that does not cover its need."""
        event = events[0] if events["kind"][0] == ORDER else events[1]
        account, instrument, flags = int(event["account"]), int(event["instrument"]), int(event["flags"])
        amount = int(event["amount"]) * (-1 if event["kind"] == ORDER and flags & SELLS else 1)
        found = tables.account(account)
        rows = {
            account << KEY_BITS | i: [int(row["amount"]), (int(row["entry_high"]) << 64) + int(row["entry_low"]),
                                      int(row["funding"]), int(row["isolated"])]
            for i, row in enumerate(found) if row["amount"]
        }  # fmt: skip
        assets = {key for key in rows if self.asset[key & (1 << KEY_BITS) - 1]}
        holdings = _Account(
            self.state, self.asset, self.price, self.notional, self.funding,
            {key: rows[key][0] for key in assets}, {key: row for key, row in rows.items() if key not in assets},
            {account << KEY_BITS | instrument: int(found["waiting"][instrument])},
        )  # fmt: skip
        return venue_margin.liquidation_fault(holdings, account, instrument, amount, flags & ISOLATED) is None

    def _leave_the_core(self) -> None:
        """Go on by the reference."""
        if self.tables is not None:
            rows, resting, self._active = self.rows(), self.resting(), self.tables.active
            assert rows is not None
            assert resting is not None
            self.tables = None
            super()._load(rows, resting)

    def __getattr__(self, name: str) -> object:
        """What the reference keeps, which is made when it is first asked for."""
        if name not in _OF_THE_REFERENCE or self.tables is None:
            raise AttributeError(name)
        self._leave_the_core()
        return getattr(self, name)
