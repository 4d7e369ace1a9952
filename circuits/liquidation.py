"""Liquidation: the account was above maintenance at the committed prices of an epoch, and was liquidated next.

Public: later_root, ratio_ppm, and of the liquidation instrument, amount (10^-d of the instrument), time and price.
Secret: the account in both epochs and the entries between them. What was above maintenance is the pot that was then
liquidated: the isolated row of the instrument, or all rows that are not isolated. Between the first epoch and the
liquidation the journal holds nothing but funding and deposits; what those cost (funding paid, fees) is taken off the
equity, and what they brought is not added. Nothing is said of prices between the epoch and the liquidation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, public, secret, uint
from zkstate.constraint.wire import Wire
from zkstate.state.journal import DEPOSIT, FUNDING, LIQUIDATION
from zkstate.state.schema import PPM

from .account import rows_of
from .journal import EntryWires, JournalStatement
from .priced import RoundedStatement

LIQUIDATION_ENTRIES = 16


@dataclass(frozen=True)
class Liquidation(JournalStatement, RoundedStatement):
    """Equity at the epoch, less what was paid since, covers `ratio_ppm` millionths of maintenance; then liquidation."""

    later_root = public(FELT)
    ratio_ppm = public(uint(32))
    instrument = public(FELT)
    amount = public(FELT)
    time = public(uint(64))
    price = public(uint(64))

    before = secret(BOOL, count=LIQUIDATION_ENTRIES - 1)  # 1 where the entry comes before the liquidation

    @property
    def places(self) -> int:
        return LIQUIDATION_ENTRIES

    def define(self, c: Builder) -> None:
        ids, owner = self.open_owned(c)
        equity, need = self._pot(c, ids)
        self.open_other(c, owner, self.later_root)
        earlier, later = (self.history_head, self.history_length), (self.other_head, self.other_length)
        entries = self.read_entries(c, earlier, later)

        paid: list[Wire] = []
        for i, (entry, before) in enumerate(zip(entries, self.before, strict=False)):
            if i:
                c.require(~before | self.before[i - 1], f"entry {i} comes before the liquidation only if {i - 1} does")
            deposit = entry.is_kind(DEPOSIT) & c.bit(entry.amount >= 0)
            c.require(
                ~before | entry.is_kind(FUNDING) | deposit,
                f"entry {i} is funding or a deposit if it comes before the liquidation",
            )
            paid.append(before * self._cost(c, entry))
        remaining = (equity - PPM * c.linear((1, cost) for cost in paid)) * PPM
        c.require(remaining >= self.ratio_ppm * need, "equity less what was paid covers the maintenance requirement")

        chosen = [a - b for a, b in zip([c.const(1), *self.before], [*self.before, c.const(0)], strict=True)]
        kind = c.linear((1, at * entry.is_kind(LIQUIDATION)) for at, entry in zip(chosen, entries, strict=True))
        c.require(kind == 1, "the first other entry is a liquidation")
        for what, picked, stated in (
            ("instrument", [c.felt(e.instrument) for e in entries], self.instrument),
            ("amount", [c.felt(e.amount) for e in entries], self.amount),
            ("time and price", [e.moment for e in entries], self.time * (1 << 64) + self.price),
        ):
            found = c.linear((1, at * value) for at, value in zip(chosen, picked, strict=True))
            c.require(found == c.felt(stated), f"the liquidation has the stated {what}")

    def _pot(self, c: Builder, ids: Sequence[Wire]) -> tuple[Wire, Wire]:
        """(equity, requirement) of the pot that was liquidated: the instrument's isolated row, or the cross pot."""
        cross, *isolated = self.assess(c, ids, self.amounts, 0)
        alone, its_equity, its_need = c.const(0), c.const(0), c.const(0)
        for i, (row, pot) in enumerate(zip(rows_of(c, ids, self.instrument), isolated, strict=True)):
            alone = alone + (row & self.isolated[i])
            its_equity, its_need = its_equity + row * pot.equity, its_need + row * pot.need
        return c.select(alone == 1, its_equity, cross.equity), c.select(alone == 1, its_need, cross.need)

    def _cost(self, c: Builder, entry: EntryWires) -> Wire:
        """What funding or a deposit took from the account, in 10^-16 quote: never negative."""
        fee = c.bit(entry.fee >= 0) * entry.fee
        funding = (entry.is_kind(FUNDING) & ~c.bit(entry.value >= 0)) * entry.value
        return fee - funding
