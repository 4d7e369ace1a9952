"""What happens at a synthetic venue after its ledger: events of a journal, made by a small matching engine.

Deterministic in the seed. Money comes in and goes out, orders rest, match and are cancelled, prices move, funding is
paid, positions are opened, reduced and closed, and who falls below maintenance is liquidated.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from zkstate.state.journal import DEPOSIT, FILL, FUNDING, LIQUIDATION, TRANSFER, WITHDRAWAL
from zkstate.state.ledger import Ledger, entry_keys, order_columns, with_ordered
from zkstate.state.margin import assess
from zkstate.state.schema import BUY, SELL
from zkstate.state.venue import Venue
from zkstate.state.venue_check import settlement_of
from zkstate.state.venue_events import (
    CANCEL,
    ISOLATED,
    LIQUIDATES,
    ORDER,
    PRICE,
    SELLS,
    Event,
    Events,
)
from zkstate.state.venue_margin import KEY_BITS, marked, rows_of

_MOST = 52  # rows, and open orders, of an account
_MOVES = (ORDER, ORDER, ORDER, ORDER, ORDER, ORDER, CANCEL, CANCEL, DEPOSIT, WITHDRAWAL, TRANSFER, FUNDING, PRICE)


def begin_quietly(ledger: Ledger) -> Ledger:
    """A generated ledger as a journal can begin with it.

    Without sell orders at or below a bid, orders of the asset that it settles in, and entries.
    """
    o = ledger.orders
    account = np.repeat(np.arange(len(ledger)), o.counts)
    bid = np.zeros(len(ledger.table) + 1, np.uint64)
    np.maximum.at(bid, o.instrument[o.side == BUY], o.price[o.side == BUY])
    kept = (o.side == BUY) | (o.price > bid[o.instrument])
    kept &= o.instrument != settlement_of(ledger.table, ledger.quote)[0]
    columns = [column[kept] for column in (o.instrument, o.side, o.price, o.size)]
    orders = order_columns(account[kept], len(ledger), columns)
    rows = ledger.rows
    held = (rows.amount != 0) | np.isin(entry_keys(rows), entry_keys(orders))
    owner = np.repeat(np.arange(len(ledger)), rows.counts)[held]
    names = ("instrument", "amount", "entry_high", "entry_low", "funding", "isolated")
    start = np.searchsorted(owner, np.arange(len(ledger) + 1)).astype(np.int64)
    left = replace(rows, start=start, **{name: getattr(rows, name)[held] for name in names})
    return replace(ledger, rows=with_ordered(left, orders), orders=orders, journal=None)


class Trading:
    """Makes events for a venue, which it runs along with them; `venue` is the state after those made so far."""

    def __init__(self, venue: Venue, seed: int, until: int) -> None:
        self.venue, self.until = venue, until
        self._random = random.Random(seed)
        table = venue.state.table
        self._markets = [i.id for i in table.instruments if not i.is_asset and i.price]
        self._assets = [i.id for i in table.instruments if i.is_asset and i.price]
        self._time, self._held, self._open = venue.time + 1, list(venue.positions), list(venue.orders)
        self._kinds = {o.account << KEY_BITS | o.instrument: o.flags & ISOLATED for o in venue.orders.values()}
        self._touched = {*venue.balances, *venue.positions, *self._kinds}
        self._rows = Counter(key >> KEY_BITS for key in self._touched)
        self._ordered: Counter[int] = Counter()
        self._kinds |= {key: position[3] and ISOLATED for key, position in venue.positions.items()}

    def events(self, count: int) -> Events:
        """At least so many further events, recorded."""
        total, start = 0, self._time
        self._ordered = Counter(order.account for order in self.venue.orders.values())
        while total < count:
            total += self._step()
            self._time = start + (self.until - start) * min(total, count) // count
        return self.venue.recorded()

    def _step(self) -> int:
        """One move, with all that follows from it; how many events that made."""
        while True:
            made = list(getattr(self, _STEPS[self._random.choice(_MOVES)])())
            if made:
                self.venue.put(made)
                return len(made)

    def _may(self, account: int, instrument: int) -> bool:
        """Whether the account has room for a row of the instrument; if so it counts as having one."""
        key = account << KEY_BITS | instrument
        if key not in self._touched:
            if self._rows[account] >= _MOST:
                return False
            self._touched.add(key)
            self._rows[account] += 1
        return True

    def _account(self) -> int:
        count = len(self.venue.state.names)
        return min(int(self._random.expovariate(6 / count)), count - 1)

    def _order(self) -> Iterator[Event]:
        pick, venue = self._random, self.venue
        instrument = pick.choice(self._markets if pick.random() < 0.9 else self._assets)
        if instrument == venue.settlement:
            return
        account, side = self._account(), pick.randrange(2)
        if self._ordered[account] >= _MOST or not self._may(account, instrument):
            return
        self._ordered[account] += 1
        mark = venue.price[instrument]
        tick = max(1, mark // 2_000)
        away = tick * pick.randrange(-3, 12)
        price = max(tick, mark // tick * tick + (away if side == SELL else -away))
        size = self._size(instrument)
        position = venue.positions.get(account << KEY_BITS | instrument)
        if position and pick.random() < 0.5:
            side, size = (SELL if position[0] > 0 else BUY), abs(position[0])
        flags = side | self._isolated(account << KEY_BITS | instrument)
        yield from self._place(account, instrument, flags, price, size)

    def _isolated(self, key: int) -> int:
        """An account holds a market either isolated or not, from its first order on: as it began, or one in ten."""
        chosen = self._kinds.get(key)
        if chosen is None:
            market = not self.venue.asset[key & (1 << KEY_BITS) - 1]
            chosen = self._kinds[key] = ISOLATED if market and self._random.random() < 0.1 else 0
        return chosen

    def _size(self, instrument: int) -> int:
        """Some hundreds of quote."""
        worth = self._random.randrange(1, 1_000) * 10**16
        return max(1, worth // max(1, self.venue.notional[instrument]))

    def _place(self, account: int, instrument: int, flags: int, price: int, size: int) -> Iterator[Event]:
        """An order, its fills, and the cancellation of a rest that a position of the wrong kind leaves."""
        venue, number = self.venue, self.venue.last_order + 1
        yield Event(ORDER, instrument, self._time, account, number, price, size, flags=flags)
        left = size
        held: dict[int, tuple[int, int]] = {}
        book = venue.books.get(instrument)
        sells = flags & SELLS
        for other in () if book is None else book.side(1 - sells):
            resting = venue.orders[other]
            if not left or (resting.price > price if not sells else resting.price < price):
                break
            filled = min(left, resting.open)
            maker = filled if sells else -filled
            yield self._fill(resting.account, instrument, other, resting.price, maker, resting.flags, held)
            yield self._fill(account, instrument, number, resting.price, -maker, flags, held)
            left -= filled
        if left and self._random.random() < 0.3:
            yield Event(CANCEL, instrument, self._time, account, number)
        elif left:
            self._open.append(number)

    def _fill(
        self, account: int, instrument: int, number: int, price: int, amount: int, flags: int,
        held: dict[int, tuple[int, int]],
    ) -> Event:  # fmt: skip
        """One half of a trade: profit realised as far as the position shrinks, at its average entry price."""
        venue, value = self.venue, 0
        kind = LIQUIDATION if flags & LIQUIDATES else FILL
        fee = abs(amount) * price // 2_000
        if not venue.asset[instrument]:
            position = venue.positions.get(account << KEY_BITS | instrument)
            now = venue.funding[instrument]
            had, entry = held.get(account) or (
                (position[0], position[1] + position[0] * (now - position[2])) if position else (0, 0)
            )
            if had and (had > 0) != (amount > 0):
                closed = min(abs(amount), abs(had))
                part = entry * closed // abs(had)
                value = (closed if had > 0 else -closed) * price - part
            entry += amount * price + value
            if had + amount == 0:
                value, entry = value - entry, 0
            held[account] = (had + amount, entry)
            self._held.append(account << KEY_BITS | instrument)
        return Event(kind, instrument, self._time, account, number, price, amount, value, fee, flags & ISOLATED)

    def _cancel(self) -> Iterator[Event]:
        while self._open:
            at = self._random.randrange(len(self._open))
            self._open[at], number = self._open[-1], self._open[at]
            self._open.pop()
            if (order := self.venue.orders.get(number)) is not None:
                self._ordered[order.account] -= 1
                yield Event(CANCEL, order.instrument, self._time, order.account, number)
                return

    def _deposit(self) -> Iterator[Event]:
        asset = self._random.choice(self._assets)
        amount, account = self._size(asset), self._account()
        if self._may(account, asset):
            price, fee = self.venue.price[asset], self._random.randrange(10**14)
            yield Event(DEPOSIT, asset, self._time, account, 0, price, amount, amount * price, fee)

    def _withdrawal(self) -> Iterator[Event]:
        account, asset = self._account(), self._random.choice(self._assets)
        held = self.venue.balances.get(account << KEY_BITS | asset, 0)
        if held > 0:
            amount = -min(held, self._size(asset))
            price = self.venue.price[asset]
            yield Event(WITHDRAWAL, asset, self._time, account, 0, price, amount, amount * price)

    def _transfer(self) -> Iterator[Event]:
        pick, venue = self._random, self.venue
        if self._held and pick.random() < 0.5:
            key = pick.choice(self._held)
            position = venue.positions.get(key)
            if position and position[3]:
                yield Event(TRANSFER, venue.settlement, self._time, key >> KEY_BITS, key & (1 << KEY_BITS) - 1,
                            amount=-pick.randrange(1, 10**6))  # fmt: skip
            return
        giver, taker, asset = self._account(), self._account(), pick.choice(self._assets)
        held = venue.balances.get(giver << KEY_BITS | asset, 0)
        if giver != taker and held > 0 and self._may(taker, asset):
            amount = min(held, self._size(asset))
            yield Event(TRANSFER, asset, self._time, giver, 0, amount=-amount)
            yield Event(TRANSFER, asset, self._time, taker, 0, amount=amount)

    def _funding(self) -> Iterator[Event]:
        if not self._held:
            return
        key = self._random.choice(self._held)
        position, market = self.venue.positions.get(key), key & (1 << KEY_BITS) - 1
        if position:
            due = -position[0] * (self.venue.funding[market] - position[2])
            yield Event(FUNDING, market, self._time, key >> KEY_BITS, value=due)

    def _price(self) -> Iterator[Event]:
        pick, venue = self._random, self.venue
        instrument = pick.choice(self._markets + self._assets)
        old = venue.price[instrument]
        price = max(1, old + old * pick.randrange(-30, 31) // 1_000)
        if venue.asset[instrument]:
            yield Event(PRICE, instrument, self._time, price=price, value=price)
            return
        notional = max(1, price * venue.notional[instrument] // old)
        drift = venue.price[instrument] * pick.randrange(-3, 4) // 100_000
        yield Event(PRICE, instrument, self._time, 0, 0, price, venue.funding[instrument] + drift, notional)

    def liquidations(self, most: int) -> Events:
        """Take over some cross positions of accounts below maintenance, by the last account."""
        venue, count = self.venue, 0
        table = marked(venue)
        taker = len(venue.state.names) - 1
        for key in list(venue.positions):
            account, market = key >> KEY_BITS, key & (1 << KEY_BITS) - 1
            position = venue.positions.get(key)
            taken = venue.positions.get(taker << KEY_BITS | market)
            if position is None or position[3] or account == taker or (taken and taken[3]) or count >= most:
                continue
            if assess(rows_of(venue, account), table).cross.covers() or not self._may(taker, market):
                continue
            price, held = venue.price[market], dict[int, tuple[int, int]]()
            halves = [
                self._fill(taker, market, 0, price, position[0], 0, held),
                self._fill(account, market, 0, price, -position[0], LIQUIDATES, held),
            ]
            venue.put(halves)
            count += 1
        return venue.recorded()


_STEPS = {
    ORDER: "_order", CANCEL: "_cancel", DEPOSIT: "_deposit", WITHDRAWAL: "_withdrawal", TRANSFER: "_transfer",
    FUNDING: "_funding", PRICE: "_price",
}  # fmt: skip
