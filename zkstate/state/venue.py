"""A venue as a deterministic state machine over the events of its journal (docs/spec.md §15).

Exact integers, the units of docs/spec.md §2. An event that does not follow from the state is a DivergenceError with its
number; the machine is then between two states and is thrown away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from zkstate.state import venue_margin
from zkstate.state.journal import FILL, FUNDING, LIQUIDATION, TRANSFER
from zkstate.state.ledger import Bytes32, RowColumns
from zkstate.state.schema import BUY, I64, I128, SELL
from zkstate.state.venue_book import Book, Resting
from zkstate.state.venue_check import check_uncrossed, settlement_of
from zkstate.state.venue_events import (
    CANCEL,
    ISOLATED,
    LIQUIDATES,
    ORDER,
    PRICE,
    SELLS,
    DivergenceError,
    Event,
    Events,
    as_records,
    check_columns,
    check_form,
    check_links,
    linked,
)
from zkstate.state.venue_margin import KEY_BITS
from zkstate.state.venue_state import Extra, RestingColumns, VenueState

_READ = (
    "kind", "flags", "instrument", "account", "order", "time", "price", "amount", "value_high", "value_low", "fee_high",
    "fee_low", "after", "cash",
)  # fmt: skip
_KEY = KEY_BITS
_HALVES = frozenset((TRANSFER, FILL, LIQUIDATION))  # two records one behind the other make one event
_LEG = tuple[int, ...]  # kind, flags, account, order, time, price, amount, value, fee


class Venue:
    """Balances, positions, open orders, marks, and what the venue itself is left with.

    `balances` and `positions` are by account << 12 | instrument; a position is [amount, entry, funding at entry,
    isolated]. `house` is what the venue holds against entry values, fees and roundings, 10^-16 quote; `net` what was
    deposited and not withdrawn of each instrument. Unit of the settlement asset in 10^-16 quote, balances b of it:

        unit · Σ b + house = unit · net + Σ (entry + amount · (funding now - funding at entry))
    """

    def __init__(self, state: VenueState) -> None:
        check_uncrossed(state)
        self.state = state
        self.settlement, self.unit = settlement_of(state.table, state.quote)
        listed = state.table.instruments
        self.asset = [True, *(i.is_asset for i in listed)]
        self.price = [0, *(i.price for i in listed)]
        self.notional = [0, *(i.notional_price for i in listed)]
        self.funding = [0, *(i.funding for i in listed)]
        self.house, self.net = state.house, list(state.net)
        self.last_order, self.number, self.time, self.link = state.last_order, state.events, state.time, state.link
        self.entries: list[Events] = []  # since the last epoch: what goes into histories
        self.entry_numbers: list[NDArray[np.int64]] = []
        self.extras: list[Extra] = []
        self.last_event: NDArray[np.int64] = np.zeros(len(state.names), np.int64)  # by account, 0 for none
        self._active = 0  # an order that came in and still crosses
        self._put: list[tuple[int, ...]] = []
        self.whole: list[int] = []  # those since `recorded` after which no match or transfer is half done
        self._load(state.rows, state.resting)

    def _load(self, r: RowColumns, resting: RestingColumns) -> None:
        self.balances: dict[int, int] = {}
        self.positions: dict[int, list[int]] = {}
        self.imbalance = [0] * len(self.price)
        account = np.repeat(np.arange(len(self.state.names)), r.counts)
        keys = (account << _KEY | r.instrument).tolist()
        columns = [c.tolist() for c in (r.instrument, r.amount, r.entry_high, r.entry_low, r.funding, r.isolated)]
        for key, i, amount, high, low, funding, isolated in zip(keys, *columns, strict=True):
            if self.asset[i] and amount:
                self.balances[key] = amount
            elif amount:
                self.positions[key] = [amount, (high << 64) + low, funding, isolated]
                self.imbalance[i] += amount
        self.orders: dict[int, Resting] = {}
        self.books: defaultdict[int, Book] = defaultdict(Book)
        self.liquidating: dict[int, int] = {}  # what orders of flag 4 have open, by account << 12 | instrument
        for number, owner, instrument, flags, price, size in resting.tuples():
            self.orders[number] = Resting(owner, instrument, flags, price, size)
            self.books[instrument].side(flags & SELLS).add(price, number)
            if flags & LIQUIDATES:
                self._waits(owner << _KEY | instrument, size)

    def open_accounts(self, names: tuple[str, ...], owners: Bytes32, view_keys: Bytes32) -> None:
        """Add accounts, which take the next numbers. Errors as `VenueState.with_accounts`."""
        self.state = self.state.with_accounts(names, owners, view_keys)

    def put(self, events: Iterable[Event]) -> None:
        """Take in new events; `recorded` gives the records of all that were put since it was last asked."""
        rows: list[tuple[int, ...]] = []
        self.whole = self.whole if self._put else []
        accounts, instruments = len(self.state.names), len(self.state.table)
        for event in events:
            if event.account >= accounts or event.instrument > instruments or event.time < self.time:
                where = f"account {event.account}, instrument {event.instrument}, time {event.time}"
                known = f"{accounts} accounts and {instruments} instruments at {self.time}"
                raise DivergenceError(self.number + 1 + len(rows), f"{where}, and there are {known}")
            self.time = event.time
            rows.append(event.record())
        results = self._apply((row[:12] for row in rows), fill=True)
        self._put += [(*row[:12], *result, 0) for row, result in zip(rows, results, strict=True)]

    def recorded(self) -> Events:
        """The records of what was put, with what each left and its link. EncodingError if one is not canonical."""
        made = as_records(self._put)
        self._put.clear()
        first = self.number + 1 - len(made)
        check_form(made, first)
        self.link = linked(made, self.link)
        self._keep(made, first)
        return made

    def replay(self, events: Events) -> None:
        """Take in recorded events. DivergenceError names the first whose link, fields or results do not follow."""
        first = self.number + 1
        check_form(events, first)
        link = check_links(events, self.link, first)
        check_columns(events, first, self.time, len(self.state.names), len(self.state.table))
        self._run(events)
        self._keep(events, first)
        self.link = link

    def _run(self, events: Events) -> None:
        self._apply(zip(*(events[name].tolist() for name in _READ), strict=True), fill=False)

    def _apply(self, rows: Iterable[tuple[int, ...]], *, fill: bool) -> list[tuple[int, int]]:
        """Run events, in the order of `_READ`; what each leaves. Unless `fill`, it has to be what they state."""
        results: list[tuple[int, int]] = []
        leg: _LEG | None = None
        paired, stated, left = 0, (0, 0), (0, 0)
        for kind, flags, instrument, account, order, time, price, amount, high, low, fee_high, fee_low, *found in rows:
            self.number += 1
            value, fee = (high << 64) + low, (fee_high << 64) + fee_low
            if not fill:
                left = (found[0], found[1])
            if leg is not None:
                half = (kind, flags, account, order, time, price, amount, value, fee)
                if instrument != paired or (kind == TRANSFER) != (leg[0] == TRANSFER) or kind not in _HALVES:
                    self._fail("it is not the other half of what the event before it began")
                first, got = (self._transfer if kind == TRANSFER else self._trade)(instrument, leg, half)
                if not fill and first != stated:
                    self._differs(self.number - 1, first, stated)
                results.append(first)
                leg = None
            elif self._active and kind != CANCEL and (not order or kind not in (FILL, LIQUIDATION)):
                self._fail(f"order {self._active} still crosses the book, and this is no fill or cancellation")
            elif kind in _HALVES and (kind != TRANSFER or not order):
                leg = (kind, flags, account, order, time, price, amount, value, fee)
                paired, stated = instrument, left
                continue
            elif kind == CANCEL:
                got = self._cancel(account, instrument, order)
            elif kind == ORDER:
                got = self._order(account, instrument, flags, order, price, amount)
            elif kind == PRICE:
                got = self._price(instrument, price, low, amount)
            elif kind == FUNDING:
                got = self._funding(account, instrument, value, fee)
            else:
                got = self._move(kind, account, instrument, order, amount, fee)
            if not fill and got != left:
                self._differs(self.number, got, left)
            results.append(got)
            self.whole += () if self._active or not fill else (self.number,)
        if leg is not None:
            self._fail("it is one half of a trade or transfer, and the other does not follow")
        if self._active:
            self._fail(f"order {self._active} crosses the book, and its fills do not follow")
        return results

    def _keep(self, events: Events, first: int) -> None:
        """Remember what goes into histories, and each account's last event."""
        if len(events):
            self.time = int(events["time"][-1])
        moved = np.flatnonzero(events["kind"] <= LIQUIDATION)
        self.entries.append(events[moved])
        self.entry_numbers.append(moved + first)
        opened = len(self.state.names) - len(self.last_event)
        self.last_event = np.concatenate([self.last_event, np.zeros(opened, np.int64)])
        owned = np.flatnonzero(events["kind"] != PRICE)
        self.last_event[events["account"][owned]] = owned + first

    def _fail(self, what: str) -> NoReturn:
        raise DivergenceError(self.number, what)

    def _differs(self, number: int, got: tuple[int, int], stated: tuple[int, int]) -> NoReturn:
        raise DivergenceError(number, f"it states {stated} left (amount, cash), and what came before makes {got}")

    def _settle(self, account: int, gained: int, realised: int) -> int:
        """Credit `gained` 10^-16 quote, rounded down to the settlement asset; the balance after."""
        key = account << _KEY | self.settlement
        units = gained // self.unit
        cash = self.balances.get(key, 0) + units
        if units:
            self._balance(key, cash)
        self.house += realised - units * self.unit
        return cash

    def _balance(self, key: int, amount: int) -> int:
        if not -I64 <= amount < I64:
            self._fail(f"it leaves a balance of {amount}")
        if amount:
            self.balances[key] = amount
        else:
            self.balances.pop(key, None)
        return amount

    def _order(self, account: int, instrument: int, flags: int, number: int, price: int, size: int) -> tuple[int, int]:
        if number <= self.last_order:
            self._fail(f"its order number {number} is not above {self.last_order}")
        if instrument == self.settlement or (self.asset[instrument] and flags & (ISOLATED | LIQUIDATES)):
            self._fail(f"an order with flags {flags} of instrument {instrument}")
        if flags & LIQUIDATES:
            self._check_liquidation(account, instrument, -size if flags & SELLS else size, flags & ISOLATED)
            self._waits(account << _KEY | instrument, size)
        self.last_order = number
        self.orders[number] = Resting(account, instrument, flags, price, size)
        book = self.books[instrument]
        book.side(flags & SELLS).add(price, number)
        if book.crossed:
            self._active = number
        return size, 0

    def _cancel(self, account: int, instrument: int, number: int) -> tuple[int, int]:
        order = self.orders.get(number)
        if order is None or order.account != account or order.instrument != instrument:
            self._fail(f"account {account} has no open order {number} of instrument {instrument}")
        self._close(number, order)
        if self._active:
            active = self.orders.get(self._active)
            if active is None or not self.books[active.instrument].crossed:
                self._active = 0
        return order.open, 0

    def _close(self, number: int, order: Resting) -> None:
        del self.orders[number]
        self.books[order.instrument].side(order.flags & SELLS).remove(order.price, number)
        if order.flags & LIQUIDATES:
            self._waits(order.account << _KEY | order.instrument, -order.open)

    def _waits(self, key: int, size: int) -> None:
        waiting = self.liquidating[key] = self.liquidating.get(key, 0) + size
        if not waiting:
            del self.liquidating[key]

    def _price(self, instrument: int, price: int, notional: int, funding: int) -> tuple[int, int]:
        if self.asset[instrument] and (notional != price or funding):
            self._fail("an asset has one price and no funding")
        self.house += self.imbalance[instrument] * (funding - self.funding[instrument])
        self.price[instrument], self.notional[instrument], self.funding[instrument] = price, notional, funding
        return 0, 0

    def _funding(self, account: int, instrument: int, value: int, fee: int) -> tuple[int, int]:
        position = self.positions.get(account << _KEY | instrument)
        if position is None:
            self._fail(f"account {account} has no position in instrument {instrument}")
        now = self.funding[instrument]
        if value != -position[0] * (now - position[2]):
            self._fail(f"it pays funding of {value}, and {-position[0] * (now - position[2])} is due")
        position[2] = now
        return position[0], self._settle(account, value - fee, value)

    def _move(self, kind: int, account: int, instrument: int, market: int, amount: int, fee: int) -> tuple[int, int]:
        """A deposit or withdrawal, one half of a transfer, or a transfer to or from the isolated pot of a market."""
        if not self.asset[instrument]:
            self._fail("assets alone move")
        if market:
            known = market < len(self.asset)  # or it would be a key of another account
            position = self.positions.get(account << _KEY | market) if known else None
            if instrument != self.settlement or position is None or not position[3]:
                self._fail(f"account {account} has no isolated pot of instrument {market} for instrument {instrument}")
            position[1] = self._entry(position[1] + amount * self.unit)
        elif kind != TRANSFER:
            self.net[instrument - 1] += amount
        key = account << _KEY | instrument
        after = self._balance(key, self.balances.get(key, 0) + amount)
        cash = self._settle(account, -fee, 0)
        return (cash if instrument == self.settlement else after), cash

    def _transfer(self, instrument: int, giver: _LEG, taker: _LEG) -> tuple[tuple[int, int], tuple[int, int]]:
        """The two halves of a transfer between accounts, the giving one first. What they leave."""
        if giver[6] + taker[6] or giver[6] > 0 or giver[4] != taker[4] or taker[3]:
            self._fail("the halves of a transfer differ in amount or time, or the first does not give")
        first = self._move(TRANSFER, giver[2], instrument, 0, giver[6], giver[8])
        return first, self._move(TRANSFER, taker[2], instrument, 0, taker[6], taker[8])

    def _entry(self, entry: int) -> int:
        if not -I128 <= entry < I128:
            self._fail(f"it leaves an entry value of {entry}")
        return entry

    def _trade(self, instrument: int, maker: _LEG, taker: _LEG) -> tuple[tuple[int, int], tuple[int, int]]:
        """The two halves of a trade, the resting side first. What they leave."""
        kind, _, _, number, time, price, amount, _, _ = maker
        kind_2, flags_2, account_2, number_2, time_2, price_2, amount_2, _, _ = taker
        if amount + amount_2 or price != price_2 or time != time_2 or instrument == self.settlement:
            self._fail("the halves of a trade differ in amount, price or time, or are of the settlement asset")
        if number and number_2:
            self._match(instrument, maker, taker)
        elif number or number_2 or kind != FILL or kind_2 != LIQUIDATION:
            self._fail("a trade without orders that is no liquidation")
        else:
            self._check_liquidation(account_2, instrument, amount_2, flags_2)
        return self._half(instrument, maker, self.number - 1), self._half(instrument, taker, self.number)

    def _match(self, instrument: int, maker: _LEG, taker: _LEG) -> None:
        """Check a trade against price and time, and take it out of the book."""
        number, number_2, price, size = maker[3], taker[3], maker[5], abs(maker[6])
        resting, incoming = self.orders.get(number), self.orders.get(number_2)
        if number_2 != self._active or incoming is None or resting is None:
            self._fail(f"order {number_2} did not come in across the book, or order {number} is not open")
        book = self.books[instrument] if incoming.instrument == instrument else None
        sells = resting.flags & SELLS
        if book is None or resting.instrument != instrument or sells == incoming.flags & SELLS:
            self._fail(f"orders {number} and {number_2} are not the two sides of instrument {instrument}")
        side = book.side(sells)
        best = side.best()
        if best is None or resting.price != best or price != best or side.front(best) != number:
            ahead = None if best is None else side.front(best)
            self._fail(f"order {number} fills at {price} before order {ahead} at {best}")
        if price < incoming.price if sells == BUY else price > incoming.price:
            self._fail(f"order {number_2} of limit {incoming.price} fills at {price}")
        if size != min(resting.open, incoming.open) or (maker[6] < 0) != (sells == SELL):
            self._fail(f"{maker[6]} of orders with {resting.open} and {incoming.open} open")
        for order, half in ((resting, maker), (incoming, taker)):
            expected = LIQUIDATION if order.flags & LIQUIDATES else FILL
            if order.account != half[2] or half[0] != expected or half[1] != order.flags & ISOLATED:
                self._fail(f"order {half[3]} is of account {order.account} with flags {order.flags}")
            if order.open == size:
                self._close(half[3], order)
            else:
                order.open -= size
                if order.flags & LIQUIDATES:
                    self._waits(order.account << _KEY | instrument, -size)
        if number_2 not in self.orders or not book.crossed:
            self._active = 0

    def _half(self, instrument: int, half: _LEG, number: int) -> tuple[int, int]:
        kind, flags, account, _, time, price, amount, value, fee = half
        key = account << _KEY | instrument
        if self.asset[instrument]:
            if flags or value:
                self._fail(f"a trade of an asset is not isolated and realises nothing: flags {flags}, value {value}")
            after = self._balance(key, self.balances.get(key, 0) + amount)
            paid = -amount * price // self.unit  # a buyer pays what is rounded up
            if not -I64 <= paid < I64:
                self._fail(f"it pays {paid}, which no history has a place for")
            self.house -= paid * self.unit + amount * price
            if paid:
                cash_key = account << _KEY | self.settlement
                self._balance(cash_key, self.balances.get(cash_key, 0) + paid)
                self.extras.append(Extra(number, account, paid, time, self.price[self.settlement]))
            return after, self._settle(account, -fee, 0)
        position = self.positions.get(key)
        now = self.funding[instrument]
        if position is None:
            position = self.positions[key] = [0, 0, now, flags & ISOLATED and 1]
        elif position[3] != (flags & ISOLATED and 1):
            self._fail(f"account {account} holds instrument {instrument} in its cross pot or isolated, not both")
        held = position[0]
        after = held + amount
        if not -I64 <= after < I64:
            self._fail(f"it leaves a position of {after}")
        closes = (held < 0 < amount) or (amount < 0 < held)
        if kind == LIQUIDATION and (not closes or abs(amount) > abs(held)):
            self._fail(f"it liquidates {amount} of a position of {held}")
        if value and not closes:
            self._fail(f"it realises {value}, and closes nothing of a position of {held}")
        entry = position[1] + held * (now - position[2]) + amount * price + value
        if after:
            position[0], position[1], position[2] = after, self._entry(entry), now
        else:
            if entry:
                self._fail(f"it closes a position and leaves an entry value of {entry}: it realises {value - entry}")
            del self.positions[key]
        return after, self._settle(account, value - fee, value)

    def _check_liquidation(self, account: int, instrument: int, amount: int, isolated: int) -> None:
        if fault := venue_margin.liquidation_fault(self, account, instrument, amount, isolated):
            self._fail(fault)
