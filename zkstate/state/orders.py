"""What open orders reserve in initial margin (docs/spec.md §7), one row's orders at a time and by columns.

An account that covers its initial requirement still covers it after any part of its orders fills at the order prices,
as long as prices stay and the quote asset counts in full: the largest position bounds what is required after, the cost
what is lost by trading away from the mark. Units: positions as amounts, costs 10^-16 quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zkstate.state import wide
from zkstate.state.ledger import Ledger, entry_keys
from zkstate.state.schema import BUY, SELL, SHORT_ONLY, Instrument, Order
from zkstate.state.wide import I64s, Wide

LIMBS = 5  # of sums of 64 products of 64 by 64 bits
POSITION_LIMBS = 3


def largest_position(amount: int, instrument: Instrument, orders: Sequence[Order]) -> int:
    """The largest position, in size, that needs margin after some of `orders` fill; all are of `instrument`."""
    bought = sum(order.size for order in orders if order.side == BUY)
    sold = sum(order.size for order in orders if order.side == SELL)
    if instrument.flags & SHORT_ONLY:
        return max(0, sold - amount)
    return max(abs(amount + bought), abs(amount - sold))


def fill_cost(instrument: Instrument, orders: Sequence[Order]) -> int:
    """What it costs at most that `orders` fill: all that buys of an asset spend, and trading worse than at the mark."""
    return sum(_cost(instrument, order) for order in orders)


def _cost(instrument: Instrument, order: Order) -> int:
    if order.side == SELL:
        return max(0, instrument.price - order.price) * order.size
    return (order.price if instrument.is_asset else max(0, order.price - instrument.price)) * order.size


@dataclass(frozen=True, slots=True)
class Reserved:
    """By entry: the row (its place in the columns), bought and sold sizes, and costs, as normalised wide columns."""

    row: I64s
    bought: Wide
    sold: Wide
    cost: Wide

    def part(self, entries: slice) -> Reserved:
        """Some of the entries."""
        return Reserved(self.row[entries], self.bought[:, entries], self.sold[:, entries], self.cost[:, entries])


def reserved(ledger: Ledger) -> Reserved:
    """What the orders of all accounts add up to, one entry for each row that has orders."""
    o = ledger.orders
    keys = entry_keys(o)
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    edges = np.append(first, len(keys))
    assets = np.array([True, *(i.is_asset for i in ledger.table.instruments)])[o.instrument]
    price = np.array([0, *(i.price for i in ledger.table.instruments)], np.uint64)[o.instrument]
    sells = o.side == SELL
    better = np.where(sells, o.price, price)
    worse = np.where(sells, price, o.price)
    apart = np.where(worse > better, worse - better, np.uint64(0))
    cost = wide.multiply(wide.from_u64(np.where(assets & ~sells, o.price, apart)), wide.from_u64(o.size))
    size = wide.from_u64(o.size, LIMBS)
    return Reserved(
        np.searchsorted(entry_keys(ledger.rows), keys[first]),
        wide.segment_sums(np.where(sells, 0, size), edges),
        wide.segment_sums(np.where(sells, size, 0), edges),
        wide.segment_sums(wide.extend(cost, LIMBS), edges),
    )


def largest_positions(amount: I64s, short_only: wide.Flags, of: Reserved) -> Wide:
    """`largest_position` of the rows of `of`, whose amounts and flags these are, normalised over POSITION_LIMBS."""
    now = wide.from_halves(amount >> 63, amount.view(np.uint64), LIMBS)
    most, least = wide.normalise(now + of.bought), wide.normalise(now - of.sold)
    upper, _ = wide.magnitude(most)
    lower, below = wide.magnitude(least)
    largest = np.where(wide.is_negative(upper - lower), lower, upper)
    largest = np.where(short_only, np.where(below, lower, 0), largest)
    return largest[:POSITION_LIMBS]
