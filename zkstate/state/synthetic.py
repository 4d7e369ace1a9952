"""A deterministic, realistic venue for demonstrations and load: everything follows from (seed, accounts).

Heavy-tailed account sizes and row counts, spot holdings, margin debts, perpetuals with funding, dated futures, options
and open orders; most accounts are healthy, a few are not. The ledger says that it is synthetic, and so does its header.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import LengthError
from zkstate.state import wide
from zkstate.state.ledger import (
    MAX_ACCOUNTS,
    Ledger,
    OrderColumns,
    RowColumns,
    entry_keys,
    issue_keys,
    order_columns,
    row_columns,
    with_ordered,
)
from zkstate.state.schema import MAX_ROWS, U16, VALUE_DECIMALS
from zkstate.state.synthetic_market import TIME, Market, market
from zkstate.state.synthetic_scenarios import scenarios

VENUE = "Synthetic Derivatives Exchange"
QUOTE = "USDT"

_BLOCK = 1 << 14
_ROW_SHARES = np.array([0.01, 0.27, 0.24, 0.18, 0.12])  # of accounts with 0 to 4 rows; the rest has a long tail
_ORDERING = 0.12
_BORROWING = 0.06
_ISOLATED = 0.15
_PORTFOLIO = 0.25  # of accounts with a market
_LARGEST = float(1 << 61)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Marks:
    """What generation reads of the table, by instrument id (entry 0 unused)."""

    unit_value: Floats
    notional: Floats
    price: NDArray[np.uint64]
    funding: Ints
    leverage: Floats
    log_popularity: Floats
    option: NDArray[np.bool_]


def synthetic_master(seed: int) -> bytes:
    """The operator master key of a synthetic venue. Anyone can compute it: it is for demonstrations alone."""
    return hashlib.sha256(b"zkstate synthetic master v1" + seed.to_bytes(8)).digest()


def synthetic_ledger(seed: int, accounts: int, *, with_keys: bool = True, with_portfolio: bool = False) -> Ledger:
    """The synthetic venue of a seed below 2^64, with keys issued from `synthetic_master(seed)`.

    Without keys 100,000 accounts take a few seconds; deriving their keys takes a few more. `with_portfolio` puts a
    quarter of those who hold a market under the portfolio rule, and changes nothing else.
    """
    if not 0 <= seed < 1 << 64 or not 1 <= accounts <= MAX_ACCOUNTS:
        raise LengthError(f"seed {seed} or {accounts} accounts out of range: 64 bits, 1 to {MAX_ACCOUNTS}")
    rng = np.random.Generator(np.random.PCG64(seed))
    listed = market(rng)
    marks = _marks(listed)
    wealth = np.exp(rng.normal(7.6, 2.1, accounts))
    rows = _rows(rng, marks, wealth)
    rows, orders = _ordered(rows, _orders(rng, marks, wealth))
    ledger = Ledger(
        venue=VENUE,
        quote=QUOTE,
        time=TIME,
        synthetic=True,
        table=listed.table,
        names=tuple(f"user-{i:08d}" for i in range(1, accounts + 1)),
        rows=rows,
        orders=orders,
        scenarios=scenarios(listed.table),
        portfolio=_portfolio(seed, marks, rows) if with_portfolio else None,
    )
    return issue_keys(ledger, synthetic_master(seed)) if with_keys else ledger


def _marks(listed: Market) -> _Marks:
    instruments = listed.table.instruments
    price = np.array([0, *(i.price for i in instruments)], np.uint64)
    notional = np.array([0, *(i.notional_price for i in instruments)], np.float64)
    popularity = np.array([1.0, *(listing.popularity for listing in listed.listings)])
    return _Marks(
        price.astype(np.float64) / 10.0**VALUE_DECIMALS,
        notional / 10.0**VALUE_DECIMALS,
        price,
        np.array([0, *(i.funding for i in instruments)], np.int64),
        np.array([0, *(listing.leverage for listing in listed.listings)]),
        np.log(popularity),
        np.array([False, *(i.option != 0 for i in instruments)]),
    )


def _row_counts(rng: np.random.Generator, accounts: int, most: int) -> Ints:
    """Rows of each account: mostly up to 4, a geometric tail, some at the limit."""
    edges = np.cumsum(_ROW_SHARES)
    u = rng.random(accounts)
    counts = np.searchsorted(edges, u, side="right").astype(np.int64)
    tail = counts == len(_ROW_SHARES)
    counts[tail] = 4 + np.minimum(rng.zipf(1.6, int(tail.sum())), most - 4)
    return np.minimum(counts, most)


def _choice(rng: np.random.Generator, marks: _Marks, counts: Ints) -> tuple[Ints, Ints]:
    """Distinct instruments for each account by popularity, an asset always among them: (account, instrument).

    Sampling without replacement by the largest keys log w + Gumbel noise (Yellott 1977).
    """
    accounts, chosen = [], []
    assets = np.flatnonzero(marks.leverage[1:] == 0)
    for first in range(0, len(counts), _BLOCK):
        part = counts[first : first + _BLOCK]
        keys = rng.gumbel(size=(len(part), len(marks.price) - 1)).astype(np.float32)
        keys += marks.log_popularity[1:].astype(np.float32)
        best = assets[keys[:, assets].argmax(axis=1)]
        keys[np.arange(len(part)), best] = np.inf
        order = np.argsort(-keys, axis=1)[:, :MAX_ROWS]
        taken = np.arange(order.shape[1]) < part[:, None]
        accounts.append(np.repeat(np.arange(first, first + len(part)), part))
        chosen.append(order[taken] + 1)
    return np.concatenate(accounts), np.concatenate(chosen)


def _rows(rng: np.random.Generator, marks: _Marks, wealth: Floats) -> RowColumns:
    counts = _row_counts(rng, len(wealth), MAX_ROWS)
    account, instrument = _choice(rng, marks, counts)
    size = len(account)
    is_asset = marks.leverage[instrument] == 0
    first = np.ones(size, np.bool_)
    first[1:] = account[1:] != account[:-1]
    assets = np.bincount(account, is_asset, minlength=len(wealth))[account]
    markets = np.bincount(account, ~is_asset, minlength=len(wealth))[account]

    borrowed = is_asset & ~first & (rng.random(size) < _BORROWING)
    held = wealth[account] * rng.uniform(0.4, 1.6, size) / np.maximum(assets, 1)
    held *= np.where(borrowed, -rng.uniform(0.05, 0.45, size), 1.0)
    leverage = np.minimum(np.exp(rng.normal(-0.2, 0.9, size)), marks.leverage[instrument] * 0.8)
    position = wealth[account] * leverage / np.maximum(markets, 1) * np.where(rng.random(size) < 0.54, 1.0, -1.0)
    value = np.where(is_asset, held, position)
    unit = np.where(marks.option[instrument], marks.notional[instrument], marks.unit_value[instrument])
    amount = np.trunc(np.clip(value / unit, -_LARGEST, _LARGEST)).astype(np.int64)
    amount[amount == 0] = 1

    market_row = ~is_asset
    entry_price = np.zeros(size, np.uint64)
    moved = 1 + rng.normal(0, np.where(marks.option[instrument], 0.25, 0.03), size)
    entry_price[market_row] = _near(marks.price[instrument[market_row]], moved[market_row])
    entry = wide.multiply(wide.from_u64(np.abs(amount).view(np.uint64)), wide.from_u64(entry_price))
    drift = np.trunc(marks.funding[instrument] * rng.random(size)).astype(np.int64)
    funding = np.where(market_row, marks.funding[instrument] - drift, 0)
    isolated = market_row & ~marks.option[instrument] & (rng.random(size) < _ISOLATED)
    leverage = np.maximum(marks.leverage[instrument], 1.0)
    pledged = np.trunc(np.abs(position) / leverage * rng.uniform(1.5, 6.0, size) * 1e6)
    allocated = wide.multiply(
        wide.from_u64(np.where(isolated, np.minimum(pledged, _LARGEST), 0).astype(np.uint64)),
        wide.from_u64(np.full(size, 10**10, np.uint64)),
    )
    entry_high, entry_low, _ = wide.halves(wide.normalise(wide.negate_where(entry, amount < 0) - allocated))
    return row_columns(account, len(wealth), [instrument, amount, entry_high, entry_low, funding, isolated])


def _ordered(rows: RowColumns, orders: OrderColumns) -> tuple[RowColumns, OrderColumns]:
    """The rows with one for each instrument ordered; accounts that would get too many keep orders of what they hold."""
    crowded = with_ordered(rows, orders).counts > MAX_ROWS
    keys = entry_keys(orders)
    kept = np.isin(keys, entry_keys(rows)) | ~np.repeat(crowded, orders.counts)
    columns = [column[kept] for column in (orders.instrument, orders.side, orders.price, orders.size)]
    kept_orders = order_columns(keys[kept] // U16, len(crowded), columns)
    return with_ordered(rows, kept_orders), kept_orders


def _portfolio(seed: int, marks: _Marks, rows: RowColumns) -> NDArray[np.bool_]:
    """Which accounts the portfolio rule judges: some of those with a market."""
    account = np.repeat(np.arange(len(rows.counts)), rows.counts)
    markets = np.bincount(account, marks.leverage[rows.instrument] != 0, minlength=len(rows.counts))
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    return (markets > 0) & (rng.random(len(markets)) < _PORTFOLIO)


def _near(price: NDArray[np.uint64], factor: Floats) -> NDArray[np.uint64]:
    """Prices times factors around 1, on a tick of a hundred-thousandth of the price, at least one unit."""
    tick = np.maximum(price // np.uint64(100_000), np.uint64(1))
    ticks = np.maximum(np.rint(np.clip(factor, 0.0, 10.0) * (price // tick).astype(np.float64)), 1)
    return np.asarray(ticks.astype(np.uint64) * tick, np.uint64)


def _orders(rng: np.random.Generator, marks: _Marks, wealth: Floats) -> OrderColumns:
    """Open orders of some accounts: a few each, market makers up to the limit."""
    counts = np.where(rng.random(len(wealth)) < _ORDERING, np.minimum(rng.zipf(1.8, len(wealth)), MAX_ROWS), 0)
    account = np.repeat(np.arange(len(wealth)), counts)
    weights = np.exp(marks.log_popularity)
    weights[0] = 0
    instrument = rng.choice(len(weights), len(account), p=weights / weights.sum())
    side = (rng.random(len(account)) < 0.5).astype(np.int64)
    away = np.abs(rng.normal(0, 0.004, len(account))) * np.where(side == 1, 1.0, -1.0)
    price = _near(marks.price[instrument], 1 + np.rint(away * 2_000) / 2_000)
    budget = wealth[account] * rng.uniform(0.01, 0.2, len(account))
    size = np.clip(np.trunc(budget / marks.notional[instrument]), 1, _LARGEST).astype(np.int64)
    return order_columns(account, len(wealth), [instrument, side, price, size])
