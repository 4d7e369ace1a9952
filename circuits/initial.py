"""Initial: the committed account has enough equity to hold its positions and to have all its open orders filled.

Public: ratio_ppm. Secret: the account with its orders, and of each instrument it holds the table row that prices it.
Each pot (the cross rows together, each isolated row alone) has equity * 10^6 >= ratio_ppm * need, need being the
initial requirement of the largest position that any part of the orders can make, and what filling them costs at most.
Units: equity and need in 10^-22 quote, costs in 10^-16 quote (docs/spec.md section 7).
"""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.commitment.domain import tag
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, public, secret, uint
from zkstate.constraint.wire import Wire

from .gadgets.lookup import OneHot, one_hot, select_by
from .gadgets.poseidon import chain
from .priced import Reserved, RoundedStatement


@dataclass(frozen=True)
class _Filled:
    """One order once filled, by the row it belongs to: sizes, and the cost of filling it in 10^-16 quote."""

    row: OneHot
    bought: Wire
    sold: Wire
    cost: Wire


@dataclass(frozen=True)
class Initial(RoundedStatement):
    """Every pot covers `ratio_ppm` millionths of its initial requirement, with all open orders reserved."""

    ratio_ppm = public(uint(32))

    # each order, and the number of the row it is of; where there is no order, all 0 and the number of rows
    order_sells = secret(BOOL, count=lambda s: s.rows)
    order_prices = secret(uint(64), count=lambda s: s.rows)
    order_sizes = secret(uint(64), count=lambda s: s.rows)
    order_rows = secret(FELT, count=lambda s: s.rows)

    def define(self, c: Builder) -> None:
        ids = self.open_account(c)
        orders = self._open_orders(c, ids)
        reserved = [self._reserved(c, i, orders) for i in range(self.rows)]
        cross, *isolated = self.assess(c, ids, self.amounts, 1, reserved)
        cross.require_covered(c, self.ratio_ppm, "equity covers the initial requirement")
        for i, pot in enumerate(isolated):
            pot.require_covered(c, self.ratio_ppm, f"row {i}, if isolated, covers its own requirement")

    def _open_orders(self, c: Builder, ids: tuple[Wire, ...]) -> list[_Filled]:
        """All orders of the account, which are those its leaf commits to."""
        elements, orders = [], []
        for j in range(self.rows):
            with c.scope(f"order {j}"):
                row = one_hot(c, self.order_rows[j], self.rows + 1, "the order is of one of the account's rows")
                instrument = select_by(c, row, [*ids, 0])
                c.require((instrument == 0) == row[-1], "where there is no order there is no row")
                side_and_price = (instrument * 2 + self.order_sells[j]) * (1 << 64) + self.order_prices[j]
                elements.append(side_and_price * (1 << 64) + self.order_sizes[j])
                orders.append(self._filled(c, j, row))
        c.require(
            chain(c, tag(f"orders:{self.rows}"), elements) == self.orders_digest,
            "the orders are those of the account",
        )
        return orders

    def _filled(self, c: Builder, j: int, row: OneHot) -> _Filled:
        sells, price, size = self.order_sells[j], self.order_prices[j], self.order_sizes[j]
        mark = select_by(c, row, [*self.prices, 0])
        of_asset = select_by(c, row, [*self.is_asset, 0])
        worse_than_mark = c.select(sells, mark - price, price - mark)
        given_up = c.bit(worse_than_mark >= 0) * worse_than_mark
        cost = c.select(~sells & of_asset, price, given_up) * size
        sold = sells * size
        return _Filled(row, size - sold, sold, cost)

    def _reserved(self, c: Builder, i: int, orders: list[_Filled]) -> Reserved:
        with c.scope(f"orders of row {i}"):
            bought = c.linear((1, order.row[i] * order.bought) for order in orders)
            sold = c.linear((1, order.row[i] * order.sold) for order in orders)
            cost = c.linear((1, order.row[i] * order.cost) for order in orders)
            highest, lowest = self.amounts[i] + bought, self.amounts[i] - sold
            longest, shortest = abs(highest), abs(lowest)
            largest = c.select(longest >= shortest, longest, shortest)
            short = c.select(lowest >= 0, 0, shortest)
            return Reserved(c.select(self.short_only[i], short, largest), cost)
