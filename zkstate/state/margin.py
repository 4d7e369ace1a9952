"""Margin of one account, cross and isolated, exactly, in integers (docs/spec.md §7): what circuits agree with.

An account is one or more pots: each isolated row by itself, and all other rows together, the cross pot. A pot is
healthy if its equity covers its requirement; the account is if all its pots are. Units: values 10^-16 quote, equity and
need 10^-22 quote. Nothing is rounded but what the instrument says is. `health.py` does the same by columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.errors import EncodingError
from zkstate.state.orders import fill_cost, largest_position
from zkstate.state.schema import PPM, ROUNDED, SHORT_ONLY, UNBOUNDED, Instrument, Order, Row
from zkstate.state.table import InstrumentTable

BOUND_SCALE = 10**12  # 10^-4 quote in 10^-16, and 10^-10 in 10^-22
EQUITY_DECIMALS = 22


@dataclass(frozen=True, slots=True)
class RowMargin:
    """What one row adds. `value` and `notional` in 10^-16 quote, `pnl` (funding included) too; the rest in 10^-22.

    `tier` is that of the value margin is required on: with an initial requirement, of the largest position.
    """

    row: Row
    value: int
    notional: int
    tier: int
    pnl: int
    equity: int
    need: int


@dataclass(frozen=True, slots=True)
class Pot:
    """Equity and requirement of rows that stand up for each other, in 10^-22 quote."""

    equity: int
    need: int
    rows: tuple[RowMargin, ...]

    @classmethod
    def of(cls, rows: Sequence[RowMargin]) -> Pot:
        """The pot of some rows."""
        return cls(sum(row.equity for row in rows), sum(row.need for row in rows), tuple(rows))

    def covers(self, ratio_ppm: int = PPM) -> bool:
        """Whether equity is at least ratio_ppm / 10^6 of the requirement."""
        return self.equity * PPM >= ratio_ppm * self.need

    @property
    def shortfall(self) -> int:
        """What is missing to be healthy, 0 if nothing."""
        return max(0, self.need - self.equity)

    @property
    def ratio_ppm(self) -> int | None:
        """The largest ratio that `covers` holds for, rounded down; None if nothing is required."""
        return self.equity * PPM // self.need if self.need > 0 else None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The pots of an account: the cross pot, which may have no rows, and the isolated ones, one row each."""

    cross: Pot
    isolated: tuple[Pot, ...]
    initial: bool

    @property
    def pots(self) -> tuple[Pot, ...]:
        """All pots, the cross pot first."""
        return (self.cross, *self.isolated)

    @property
    def equity(self) -> int:
        """Equity of the cross pot."""
        return self.cross.equity

    @property
    def need(self) -> int:
        """Requirement of the cross pot."""
        return self.cross.need

    @property
    def rows(self) -> tuple[RowMargin, ...]:
        """The rows of all pots, by instrument."""
        return tuple(sorted((row for pot in self.pots for row in pot.rows), key=lambda row: row.row.instrument))

    def covers(self, ratio_ppm: int = PPM) -> bool:
        """Whether every pot's equity is at least ratio_ppm / 10^6 of its requirement."""
        return all(pot.covers(ratio_ppm) for pot in self.pots)

    @property
    def healthy(self) -> bool:
        """Every pot's equity covers its whole requirement."""
        return self.covers()

    @property
    def shortfall(self) -> int:
        """What the pots lack together; what one has over does not help another."""
        return sum(pot.shortfall for pot in self.pots)

    @property
    def ratio_ppm(self) -> int | None:
        """The least ratio of a pot; None if no pot requires anything."""
        return min((ratio for pot in self.pots if (ratio := pot.ratio_ppm) is not None), default=None)


def tier_of(instrument: Instrument, notional: int) -> int:
    """The one tier whose bounds hold a notional value in 10^-16 quote."""
    for k, tier in enumerate(instrument.tiers):
        if tier.lower * BOUND_SCALE <= notional and (tier.upper == UNBOUNDED or notional < tier.upper * BOUND_SCALE):
            return k
    raise EncodingError(f"notional value {notional} of {instrument.symbol!r} lies in no tier")


def assess_row(row: Row, instrument: Instrument, initial: bool = False, orders: Sequence[Order] = ()) -> RowMargin:
    """One row under its instrument's prices and tiers, `orders` being those of its instrument.

    EncodingError if a row of an asset is isolated or has an entry value or funding index.
    """
    value = row.amount * instrument.price
    notional = abs(row.amount) * instrument.notional_price
    if instrument.is_asset:
        if row.entry or row.funding_at_entry or row.isolated:
            raise EncodingError(
                f"row of asset {instrument.symbol!r} has an entry value or a funding index, or is isolated"
            )
        k = tier_of(instrument, notional)
        counted = by_tier(instrument, k, notional) if row.amount >= 0 else value * PPM
        need = fill_cost(instrument, orders) * PPM if initial else 0
        return RowMargin(row, value, notional, k, 0, counted, need)
    pnl = value - row.entry - row.amount * (instrument.funding - row.funding_at_entry)
    if initial:
        exposed = largest_position(row.amount, instrument, orders) * instrument.notional_price
        k = tier_of(instrument, exposed)
        need = exposed * instrument.tiers[k].initial_rate + fill_cost(instrument, orders) * PPM
    else:
        k = tier_of(instrument, notional)
        need = 0 if instrument.flags & SHORT_ONLY and row.amount >= 0 else by_tier(instrument, k, notional)
    return RowMargin(row, value, notional, k, pnl, pnl * PPM, need)


def by_tier(instrument: Instrument, k: int, notional: int) -> int:
    """What a notional value of tier k counts or needs, in 10^-22 quote; whole 10^-16 quote if the instrument rounds."""
    counted = notional * instrument.tiers[k].rate - instrument.tiers[k].offset * BOUND_SCALE
    return counted - counted % PPM if instrument.flags & ROUNDED else counted


def assess(
    rows: Sequence[Row], table: InstrumentTable, initial: bool = False, orders: Sequence[Order] = ()
) -> Assessment:
    """The pots of an account under the maintenance requirement, or the initial one with its open orders reserved.

    EncodingError if a row's instrument is not in the table, an order's has no row, or a row cannot be assessed.
    """
    if strays := {order.instrument for order in orders} - {row.instrument for row in rows}:
        raise EncodingError(f"there is an order of instrument {min(strays)}, and no row of it")
    assessed = [
        assess_row(row, table[row.instrument], initial, [o for o in orders if o.instrument == row.instrument])
        for row in rows
    ]
    isolated = tuple(Pot.of([row]) for row in assessed if row.row.isolated)
    return Assessment(Pot.of([row for row in assessed if not row.row.isolated]), isolated, initial)
