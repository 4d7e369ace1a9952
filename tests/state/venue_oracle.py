"""A venue's journal by the text of docs/spec.md §15: exact fractions, lists and no queue, nothing of the program's."""

from fractions import Fraction
from math import floor

DEPOSIT, WITHDRAWAL, TRANSFER, FILL, FUNDING, LIQUIDATION, ORDER, CANCEL, PRICE = range(1, 10)


class Oracle:
    """`unit` is one unit of the settlement asset in 10^-16 quote; `assets` the ids of all assets."""

    def __init__(self, settlement, unit, assets, balances, funding):
        self.settlement, self.unit, self.assets = settlement, unit, assets
        self.balances, self.positions, self.orders = dict(balances), {}, {}
        self.funding = dict(funding)
        self.moved, self.earned, self.entries = {}, Fraction(0), []
        self.half = None

    def add(self, account, asset, amount):
        self.balances[account, asset] = self.balances.get((account, asset), 0) + amount

    def settle(self, account, gained, realised):
        units = floor(Fraction(gained, self.unit))
        self.add(account, self.settlement, units)
        self.earned += realised - units * self.unit

    def crossing(self, instrument):
        """Whether any buy order is at or above any sell order."""
        bids = [o["price"] for o in self.orders.values() if o["instrument"] == instrument and not o["sells"]]
        asks = [o["price"] for o in self.orders.values() if o["instrument"] == instrument and o["sells"]]
        return bool(bids and asks and max(bids) >= min(asks))

    def step(self, event):
        e = {name: int(event[name]) for name in event.dtype.names}
        value = (e["value_high"] << 64) + e["value_low"]
        fee = (e["fee_high"] << 64) + e["fee_low"]
        kind, account, instrument, amount = e["kind"], e["account"], e["instrument"], e["amount"]
        if kind <= LIQUIDATION:
            self.entries.append((account, kind, instrument, amount, value, fee, e["time"], e["price"]))
        if kind in (DEPOSIT, WITHDRAWAL, TRANSFER):
            self.add(account, instrument, amount)
            if kind != TRANSFER:
                self.moved[instrument] = self.moved.get(instrument, 0) + amount
            elif e["order"]:
                self.positions[account, e["order"]]["entry"] += amount * self.unit
            self.settle(account, -fee, 0)
        elif kind == PRICE:
            self.funding[instrument] = amount
        elif kind == FUNDING:
            position = self.positions[account, instrument]
            assert value == -position["amount"] * (self.funding[instrument] - position["at"])
            position["at"] = self.funding[instrument]
            self.settle(account, value - fee, value)
        elif kind == ORDER:
            assert not any(self.crossing(i) for i in {o["instrument"] for o in self.orders.values()})
            sells, price = e["flags"] & 1, e["price"]
            placed = {"account": account, "instrument": instrument, "sells": sells, "price": price, "open": amount}
            self.orders[e["order"]] = placed
        elif kind == CANCEL:
            assert self.orders.pop(e["order"])["account"] == account
        else:
            self.fill(e, value, fee)

    def fill(self, e, value, fee):
        account, instrument, amount, price = e["account"], e["instrument"], e["amount"], e["price"]
        if self.half is None:
            self.half = e
            if e["order"]:
                mine = self.orders[e["order"]]
                other = [
                    (o["price"] if o["sells"] else -o["price"], number)
                    for number, o in self.orders.items()
                    if o["instrument"] == instrument and o["sells"] == mine["sells"]
                ]
                assert min(other)[1] == e["order"], "an order fills before a better or an older one"
                assert mine["price"] == price
        else:
            assert self.half["amount"] == -amount
            self.half = None
        if e["order"]:
            order = self.orders[e["order"]]
            assert order["account"] == account
            order["open"] -= abs(amount)
            assert order["open"] >= 0
            if not order["open"]:
                del self.orders[e["order"]]
        if instrument in self.assets:
            self.add(account, instrument, amount)
            paid = floor(Fraction(-amount * price, self.unit))
            self.add(account, self.settlement, paid)
            self.earned -= paid * self.unit + amount * price
            if paid:
                self.entries.append((account, FILL, self.settlement, paid, 0, 0, e["time"], None))
            self.settle(account, -fee, 0)
            return
        now = self.funding[instrument]
        position = self.positions.setdefault((account, instrument), {"amount": 0, "entry": 0, "at": now})
        position["entry"] += position["amount"] * (now - position["at"]) + amount * price + value
        position["amount"] += amount
        position["at"] = now
        if not position["amount"]:
            assert position["entry"] == 0
            del self.positions[account, instrument]
        self.settle(account, value - fee, value)
