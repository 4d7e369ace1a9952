"""A venue's order book, order by order: price, then time (docs/spec.md §15). L3 is the orders, L2 the price levels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from zkstate.state.schema import BUY

Level = OrderedDict[int, None]


@dataclass(slots=True)
class Resting:
    """An open order; `open` is what is left of its size."""

    account: int
    instrument: int
    flags: int
    price: int
    open: int


@dataclass(slots=True)
class Side:
    """One side of one book: a queue of order numbers at each price. `sign` is -1 for bids: their best is highest."""

    sign: int
    levels: dict[int, Level] = field(default_factory=dict)
    _heap: list[int] = field(default_factory=list)

    def add(self, price: int, number: int) -> None:
        """Put an order last in the queue of its price."""
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = OrderedDict()
            heap = self._heap
            heappush(heap, self.sign * price)
            if len(heap) > 64 + 4 * len(self.levels):  # prices that came and went often
                heap[:] = [self.sign * known for known in self.levels]
                heapify(heap)
        level[number] = None

    def remove(self, price: int, number: int) -> None:
        """Take an order out."""
        level = self.levels[price]
        del level[number]
        if not level:
            del self.levels[price]

    def best(self) -> int | None:
        """The best price, None for an empty side."""
        heap = self._heap
        while heap:
            price = self.sign * heap[0]
            if price in self.levels:
                return price
            heappop(heap)
        return None

    def front(self, price: int) -> int:
        """The order that came first at a price."""
        return next(iter(self.levels[price]))

    def __iter__(self) -> Iterator[int]:
        """Order numbers, best price first, then oldest."""
        for price in sorted(self.levels, key=lambda price: self.sign * price):
            yield from self.levels[price]


class Book:
    """Bids and asks of one instrument."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids, self.asks = Side(-1), Side(1)

    def side(self, side: int) -> Side:
        """Bids for 0, asks for 1."""
        return self.bids if side == BUY else self.asks

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        bid = self.bids.best()
        if bid is None:
            return False
        ask = self.asks.best()
        return ask is not None and bid >= ask
