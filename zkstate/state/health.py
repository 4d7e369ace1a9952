"""Margin of all accounts of a ledger, cross and isolated, exactly and by columns; equal to `margin.py` one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zkstate.state import wide
from zkstate.state.ledger import Ledger, RowColumns
from zkstate.state.margin import BOUND_SCALE
from zkstate.state.orders import POSITION_LIMBS, Reserved, largest_positions, reserved
from zkstate.state.schema import MAX_TIERS, PPM, ROUNDED, SHORT_ONLY
from zkstate.state.table import InstrumentTable
from zkstate.state.wide import Flags, I64s, U64s, Wide

LIMBS = 7
_BLOCK_ROWS = 1 << 17


@dataclass(frozen=True, slots=True)
class Pots:
    """Equity and requirement of many pots in 10^-22 quote, normalised wide columns."""

    equity: Wide
    need: Wide

    @property
    def healthy(self) -> Flags:
        """Whose equity covers the requirement."""
        return ~wide.is_negative(self.equity - self.need)

    @property
    def shortfall(self) -> int:
        """Sum over the unhealthy pots of what they lack."""
        missing = wide.normalise(self.need - self.equity)[:, ~self.healthy]
        return wide.to_ints(missing.sum(axis=1, keepdims=True))[0]


@dataclass(frozen=True, slots=True)
class Health:
    """Equity and need of every cross pot in 10^-22 quote, as normalised wide columns, and who is healthy in all pots.

    `isolated` are the isolated pots, the entry i of which belongs to the account `isolated_account[i]`.
    """

    cross: Pots
    isolated: Pots
    isolated_account: I64s
    healthy: Flags

    @property
    def equity(self) -> Wide:
        """Equity of the cross pots."""
        return self.cross.equity

    @property
    def need(self) -> Wide:
        """Requirements of the cross pots."""
        return self.cross.need

    @property
    def unhealthy_count(self) -> int:
        """Accounts with a pot whose equity does not cover its requirement."""
        return int((~self.healthy).sum())

    @property
    def shortfall(self) -> int:
        """Sum over all pots of what they lack, 10^-22 quote."""
        return self.cross.shortfall + self.isolated.shortfall


@dataclass(frozen=True, slots=True)
class TableColumns:
    """A table's entries by instrument id; tiers as (ids, 13), thresholds lower_k * 10^12 as two 64-bit halves."""

    asset: Flags
    short_only: Flags
    rounded: Flags
    price: U64s
    notional_price: U64s
    funding: I64s
    rate: I64s
    initial_rate: I64s
    offset: Wide
    threshold_high: U64s
    threshold_low: U64s


def table_columns(table: InstrumentTable) -> TableColumns:
    """The columns of a table, the null instrument's entry first."""
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
    return TableColumns(
        np.array([i.is_asset for i in listed]),
        np.array([bool(i.flags & SHORT_ONLY) for i in listed]),
        np.array([bool(i.flags & ROUNDED) for i in listed]),
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
    """Equity and requirement of every pot, a bounded number of rows at a time.

    The maintenance requirement, or the initial one with open orders reserved.
    """
    return assess_rows(table_columns(ledger.table), ledger.rows, reserved(ledger) if initial else None)


def assess_rows(columns: TableColumns, held: RowColumns, orders: Reserved | None = None) -> Health:
    """As `assess_all`, of the rows of some accounts: the maintenance requirement, or the initial one given `orders`."""
    start, count = held.start, len(held.start) - 1
    isolated = held.isolated != 0
    cross = Pots(np.zeros((LIMBS, count), np.int64), np.zeros((LIMBS, count), np.int64))
    apart: list[Pots] = []
    first = 0
    while first < count:
        last = max(first + 1, int(np.searchsorted(start, start[first] + _BLOCK_ROWS, side="right")) - 1)
        rows = slice(int(start[first]), int(start[last]))
        added = _rows(held, columns, rows, orders)
        segments = start[first : last + 1] - start[first]
        alone = isolated[rows]
        cross.equity[:, first:last] = wide.segment_sums(np.where(alone, 0, added.equity), segments)
        cross.need[:, first:last] = wide.segment_sums(np.where(alone, 0, added.need), segments)
        apart.append(Pots(added.equity[:, alone], added.need[:, alone]))
        first = last
    pots = Pots(
        np.concatenate([np.zeros((LIMBS, 0), np.int64), *(pot.equity for pot in apart)], axis=1),
        np.concatenate([np.zeros((LIMBS, 0), np.int64), *(pot.need for pot in apart)], axis=1),
    )
    account = np.repeat(np.arange(count), held.counts)[isolated]
    healthy = cross.healthy
    healthy[account[~pots.healthy]] = False
    return Health(cross, pots, account, healthy)


def _rows(r: RowColumns, columns: TableColumns, rows: slice, orders: Reserved | None) -> Pots:
    """What each row adds to equity and to need, normalised; the initial need if `orders` are given."""
    i = r.instrument[rows].astype(np.int64)
    amount = r.amount[rows]
    short = amount < 0
    size = wide.from_u64(np.abs(amount).view(np.uint64))
    asset, short_only = columns.asset[i], columns.short_only[i]

    value = _values(columns, i, amount)
    notional = notional_values(columns, i, amount)
    k = tiers_of(columns, i, notional)
    counted = _rounded(counted_values(columns, i, k, notional), columns.rounded[i] & ~short)

    whole = np.where(asset, wide.extend(value, 5), _profits(r, columns, rows, value))
    equity = wide.normalise(np.where(asset & ~short, counted, _scaled(wide.normalise(whole), np.int64(PPM))))
    free = asset | (short_only & ~short)
    if orders is None:
        return Pots(equity, np.where(free, 0, counted))

    largest = np.where(free, 0, wide.extend(size, POSITION_LIMBS))
    cost = np.zeros((LIMBS, len(i)), np.int64)
    low, high = np.searchsorted(orders.row, (rows.start, rows.stop))
    ordering = orders.part(slice(low, high))
    at = ordering.row - rows.start
    largest[:, at] = np.where(asset[at], 0, largest_positions(amount[at], short_only[at], ordering))
    cost[:, at] = _scaled(ordering.cost, np.int64(PPM))
    exposed = wide.multiply(largest, wide.from_u64(columns.notional_price[i]))
    rate = columns.initial_rate[i, tiers_of(columns, i, exposed)]
    return Pots(equity, wide.normalise(_scaled(exposed, rate) + cost))


def notional_values(columns: TableColumns, instrument: I64s, amount: I64s) -> Wide:
    """Size times notional price, 10^-16 quote, over 4 limbs."""
    size = wide.from_u64(np.abs(amount).view(np.uint64))
    return wide.multiply(size, wide.from_u64(columns.notional_price[instrument]))


def counted_values(columns: TableColumns, instrument: I64s, tier: I64s, notional: Wide) -> Wide:
    """What tiers count of notional values, 10^-22 quote: the rate times the value less the offset, normalised.

    Not negative in the tier that the value is in.
    """
    scaled = _scaled(notional, columns.rate[instrument, tier])
    return wide.normalise(scaled - columns.offset[:, instrument, tier])


def net_profit(columns: TableColumns, held: RowColumns) -> int:
    """What all market rows of some accounts have gained together: value less entry value and funding due.

    In 10^-16 quote, negative where they have lost more. Collateral allocated to an isolated row is in its entry value,
    and so in this sum.
    """
    markets = np.flatnonzero(~columns.asset[held.instrument])
    total = 0
    for at in range(0, len(markets), _BLOCK_ROWS):
        rows = markets[at : at + _BLOCK_ROWS]
        value = _values(columns, held.instrument[rows].astype(np.int64), held.amount[rows])
        gained = wide.normalise(_profits(held, columns, rows, value))
        total += wide.to_ints(gained.sum(axis=1, keepdims=True))[0]
    return total


def _values(columns: TableColumns, instrument: I64s, amount: I64s) -> Wide:
    """amount * price over 4 limbs."""
    size = wide.from_u64(np.abs(amount).view(np.uint64))
    return wide.negate_where(wide.multiply(size, wide.from_u64(columns.price[instrument])), amount < 0)


def _profits(r: RowColumns, columns: TableColumns, rows: slice | I64s, value: Wide) -> Wide:
    """Value less entry value and funding due over 5 limbs, not normalised."""
    amount, funding = r.amount[rows], columns.funding[r.instrument[rows].astype(np.int64)]
    size = wide.from_u64(np.abs(amount).view(np.uint64))
    due = _funding_due(funding, r.funding[rows], size, amount < 0)
    return wide.extend(value, 5) - wide.from_halves(r.entry_high[rows], r.entry_low[rows]) - due


def _rounded(column: Wide, chosen: Flags) -> Wide:
    """The column with the chosen entries, which are not negative, rounded down to whole 10^-16 quote."""
    if chosen.any():
        _, rest = wide.divide(column[:, chosen], PPM)
        column[0, chosen] -= rest
    return wide.normalise(column)


def _scaled(column: Wide, factor: NDArray[np.int64] | np.int64) -> Wide:
    """A normalised column times factors below 2^21, over LIMBS limbs."""
    return wide.extend(column, LIMBS) * factor


def _funding_due(now: I64s, at_entry: I64s, size: Wide, short: Flags) -> Wide:
    """amount * (funding - funding_at_entry) over 5 limbs; the difference of two int64 fits 64 bits and a sign."""
    fell = now < at_entry
    difference = now.view(np.uint64) - at_entry.view(np.uint64)
    distance = np.where(fell, np.uint64(0) - difference, difference)
    return wide.negate_where(wide.extend(wide.multiply(size, wide.from_u64(distance)), 5), fell ^ short)


def tiers_of(columns: TableColumns, instrument: I64s, notional: Wide) -> I64s:
    """How many thresholds above the first each notional value has reached."""
    low = notional[0].astype(np.uint64) | (notional[1].astype(np.uint64) << np.uint64(32))
    high = notional[2].astype(np.uint64) | (notional[3].astype(np.uint64) << np.uint64(32))
    beyond = (notional[4:] != 0).any(axis=0)  # 2^128, past every bound
    low, high = np.where(beyond, 0, low), np.where(beyond, np.uint64((1 << 64) - 1), high)
    tier = np.zeros(len(instrument), np.int64)
    for k in range(1, MAX_TIERS):
        bound_high = columns.threshold_high[instrument, k]
        bound_low = columns.threshold_low[instrument, k]
        tier += (high > bound_high) | ((high == bound_high) & (low >= bound_low))
    return tier
