"""Cross margin of one account, exactly, in integers (docs/spec.md §7): the reference that circuits agree with.

Units: values 10^-16 quote, equity and need 10^-22 quote. Nothing is rounded. `health.py` does the same by columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.errors import EncodingError
from zkstate.state.schema import PPM, SHORT_ONLY, UNBOUNDED, Instrument, Row
from zkstate.state.table import InstrumentTable

BOUND_SCALE = 10**12  # 10^-4 quote in 10^-16, and 10^-10 in 10^-22
EQUITY_DECIMALS = 22


@dataclass(frozen=True, slots=True)
class RowMargin:
    """What one row adds. `value` and `notional` in 10^-16 quote, `pnl` (funding included) too; the rest in 10^-22."""

    row: Row
    value: int
    notional: int
    tier: int
    pnl: int
    equity: int
    need: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """Equity and requirement of an account in 10^-22 quote, and the rows they are sums over."""

    equity: int
    need: int
    initial: bool
    rows: tuple[RowMargin, ...]

    def covers(self, ratio_ppm: int = PPM) -> bool:
        """Whether equity is at least ratio_ppm / 10^6 of the requirement."""
        return self.equity * PPM >= ratio_ppm * self.need

    @property
    def healthy(self) -> bool:
        """Equity covers the whole requirement."""
        return self.equity >= self.need

    @property
    def shortfall(self) -> int:
        """What is missing to be healthy, 0 if nothing."""
        return max(0, self.need - self.equity)

    @property
    def ratio_ppm(self) -> int | None:
        """The largest ratio that `covers` holds for, rounded down; None if nothing is required."""
        return self.equity * PPM // self.need if self.need > 0 else None


def tier_of(instrument: Instrument, notional: int) -> int:
    """The one tier whose bounds hold a notional value in 10^-16 quote."""
    for k, tier in enumerate(instrument.tiers):
        if tier.lower * BOUND_SCALE <= notional and (tier.upper == UNBOUNDED or notional < tier.upper * BOUND_SCALE):
            return k
    raise EncodingError(f"notional value {notional} of {instrument.symbol!r} lies in no tier")


def assess_row(row: Row, instrument: Instrument, initial: bool = False) -> RowMargin:
    """One row under its instrument's prices and tiers."""
    value = row.amount * instrument.price
    notional = abs(row.amount) * instrument.notional_price
    k = tier_of(instrument, notional)
    tier = instrument.tiers[k]
    counted = notional * tier.rate - tier.offset * BOUND_SCALE
    if instrument.is_asset:
        equity = counted if row.amount >= 0 else value * PPM
        return RowMargin(row, value, notional, k, 0, equity, 0)
    pnl = value - row.entry - row.amount * (instrument.funding - row.funding_at_entry)
    need = notional * tier.initial_rate if initial else counted
    if instrument.flags & SHORT_ONLY and row.amount >= 0:
        need = 0
    return RowMargin(row, value, notional, k, pnl, pnl * PPM, need)


def assess(rows: Sequence[Row], table: InstrumentTable, initial: bool = False) -> Assessment:
    """Equity and maintenance requirement of an account, or its initial one.

    EncodingError if a row's instrument is not in the table, or a row of an asset has an entry value or funding index.
    """
    assessed = []
    for row in rows:
        instrument = table[row.instrument]
        if instrument.is_asset and (row.entry or row.funding_at_entry):
            raise EncodingError(f"row of asset {instrument.symbol!r} has an entry value or a funding index")
        assessed.append(assess_row(row, instrument, initial))
    return Assessment(sum(row.equity for row in assessed), sum(row.need for row in assessed), initial, tuple(assessed))
