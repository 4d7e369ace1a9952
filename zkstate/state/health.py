"""Cross margin of all accounts of a ledger, exactly and by columns; equal to `margin.py` account by account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zkstate.state import wide
from zkstate.state.ledger import Ledger
from zkstate.state.margin import BOUND_SCALE
from zkstate.state.schema import MAX_TIERS, PPM, SHORT_ONLY
from zkstate.state.table import InstrumentTable
from zkstate.state.wide import Flags, I64s, U64s, Wide

LIMBS = 7
_BLOCK_ROWS = 1 << 17


@dataclass(frozen=True, slots=True)
class Health:
    """Equity and need of every account in 10^-22 quote, as normalised wide columns, and who is healthy."""

    equity: Wide
    need: Wide
    healthy: Flags

    @property
    def unhealthy_count(self) -> int:
        """Accounts whose equity does not cover their requirement."""
        return int((~self.healthy).sum())

    @property
    def shortfall(self) -> int:
        """Sum over the unhealthy accounts of what they lack, 10^-22 quote."""
        missing = wide.normalise(self.need - self.equity)[:, ~self.healthy]
        return wide.to_ints(missing.sum(axis=1, keepdims=True))[0]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Table entries by instrument id; tiers as (ids, 13), thresholds lower_k * 10^12 as two 64-bit halves."""

    asset: Flags
    short_only: Flags
    price: U64s
    notional_price: U64s
    funding: I64s
    rate: I64s
    initial_rate: I64s
    offset: Wide
    threshold_high: U64s
    threshold_low: U64s


def _columns(table: InstrumentTable) -> _Columns:
    listed = [table[i] for i in range(len(table) + 1)]
    unused = (1 << 128) - 1
    thresholds = [
        [tier.lower * BOUND_SCALE for tier in i.tiers] + [unused] * (MAX_TIERS - len(i.tiers)) for i in listed
    ]
    rates = [[t.rate for t in i.tiers] + [0] * (MAX_TIERS - len(i.tiers)) for i in listed]
    initial = [[t.initial_rate for t in i.tiers] + [0] * (MAX_TIERS - len(i.tiers)) for i in listed]
    offsets = [
        offset * BOUND_SCALE
        for i in listed
        for offset in [tier.offset for tier in i.tiers] + [0] * (MAX_TIERS - len(i.tiers))
    ]
    return _Columns(
        np.array([i.is_asset for i in listed]),
        np.array([bool(i.flags & SHORT_ONLY) for i in listed]),
        np.array([i.price for i in listed], np.uint64),
        np.array([i.notional_price for i in listed], np.uint64),
        np.array([i.funding for i in listed], np.int64),
        np.array(rates, np.int64),
        np.array(initial, np.int64),
        wide.from_ints(offsets, LIMBS).reshape(LIMBS, len(listed), MAX_TIERS),
        np.array([[t >> 64 for t in row] for row in thresholds], np.uint64),
        np.array([[t & ((1 << 64) - 1) for t in row] for row in thresholds], np.uint64),
    )


def assess_all(ledger: Ledger, initial: bool = False) -> Health:
    """Equity and maintenance (or initial) requirement of every account, a bounded number of rows at a time."""
    columns = _columns(ledger.table)
    start = ledger.rows.start
    equity = np.zeros((LIMBS, len(ledger)), np.int64)
    need = np.zeros((LIMBS, len(ledger)), np.int64)
    first = 0
    while first < len(ledger):
        last = max(first + 1, int(np.searchsorted(start, start[first] + _BLOCK_ROWS, side="right")) - 1)
        rows = slice(int(start[first]), int(start[last]))
        row_equity, row_need = _rows(ledger, columns, rows, initial)
        segments = start[first : last + 1] - start[first]
        equity[:, first:last] = wide.segment_sums(row_equity, segments)
        need[:, first:last] = wide.segment_sums(row_need, segments)
        first = last
    return Health(equity, need, ~wide.is_negative(equity - need))


def _rows(ledger: Ledger, columns: _Columns, rows: slice, initial: bool) -> tuple[Wide, Wide]:
    """What each row adds to equity and to need, normalised."""
    r = ledger.rows
    i = r.instrument[rows].astype(np.int64)
    amount = r.amount[rows]
    short = amount < 0
    size = wide.from_u64(np.abs(amount).view(np.uint64))
    asset = columns.asset[i]

    value = wide.negate_where(wide.multiply(size, wide.from_u64(columns.price[i])), short)
    notional = wide.multiply(size, wide.from_u64(columns.notional_price[i]))
    k = _tiers(columns, i, notional)
    counted = _scaled(notional, columns.rate[i, k]) - columns.offset[:, i, k]

    entry = wide.from_halves(r.entry_high[rows], r.entry_low[rows])
    pnl = wide.extend(value, 5) - entry - _funding_due(columns.funding[i], r.funding[rows], size, short)
    whole = np.where(asset, wide.extend(value, 5), pnl)
    equity = np.where(asset & ~short, counted, _scaled(wide.normalise(whole), np.int64(PPM)))

    need = _scaled(notional, columns.initial_rate[i, k]) if initial else counted
    free = asset | (columns.short_only[i] & ~short)
    return wide.normalise(equity), wide.normalise(np.where(free, 0, need))


def _scaled(column: Wide, factor: NDArray[np.int64] | np.int64) -> Wide:
    """A normalised column times factors below 2^21, over LIMBS limbs."""
    return wide.extend(column, LIMBS) * factor


def _funding_due(now: I64s, at_entry: I64s, size: Wide, short: Flags) -> Wide:
    """amount * (funding - funding_at_entry) over 5 limbs; the difference of two int64 fits 64 bits and a sign."""
    fell = now < at_entry
    difference = now.view(np.uint64) - at_entry.view(np.uint64)
    distance = np.where(fell, np.uint64(0) - difference, difference)
    return wide.negate_where(wide.extend(wide.multiply(size, wide.from_u64(distance)), 5), fell ^ short)


def _tiers(columns: _Columns, instrument: I64s, notional: Wide) -> I64s:
    """How many thresholds above the first each notional value has reached."""
    low = notional[0].astype(np.uint64) | (notional[1].astype(np.uint64) << np.uint64(32))
    high = notional[2].astype(np.uint64) | (notional[3].astype(np.uint64) << np.uint64(32))
    tier = np.zeros(len(instrument), np.int64)
    for k in range(1, MAX_TIERS):
        bound_high = columns.threshold_high[instrument, k]
        bound_low = columns.threshold_low[instrument, k]
        tier += (high > bound_high) | ((high == bound_high) & (low >= bound_low))
    return tier
