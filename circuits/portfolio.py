"""Portfolio: the committed account has enough equity for the worst of the venue's scenarios, and contingencies.

Public: ratio_ppm, initial. Secret: the account, and of each instrument it holds the table row that prices it and the
row of the scenario table that says what one unit of it gains or loses in each scenario.
The cross pot has equity * 10^6 >= ratio_ppm * need, where need is the largest loss of a scenario (0 if none loses)
times the maintenance factor, or the initial one if `initial` is 1, and for each row its notional value times a
contingency rate. Isolated rows are judged each alone, by their tiers; open orders are not reserved. Units: losses in
10^-16 quote, equity and need in 10^-22 quote (docs/spec.md sections 3 and 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.commitment.domain import tag
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, public, secret, sint, uint
from zkstate.constraint.wire import Wire
from zkstate.state.scenarios import PLACES
from zkstate.state.schema import I64
from zkstate.state.table_tree import TABLE_ARITY, TABLE_TOP

from .epoch import EpochStatement
from .gadgets.merkle import SharedTop
from .gadgets.poseidon import poseidon
from .priced import Pot, RoundedStatement

SHOCKS = PLACES // 3  # three places fill an element


@dataclass(frozen=True)
class Portfolio(RoundedStatement, EpochStatement):
    """Equity covers `ratio_ppm` millionths of what the worst scenario and the contingencies require."""

    ratio_ppm = public(uint(32))
    initial = public(BOOL)

    # of the scenario table: its head, what its scenarios are, the nodes under its root; and the worst loss
    scenario_count = secret(uint(32))
    initial_factor = secret(uint(32))
    maintenance_factor = secret(uint(32))
    shocks = secret(FELT, count=SHOCKS)
    risks_top = secret(FELT, count=lambda s: TABLE_TOP[s.table_depth])
    worst = secret(uint(133))

    # of each row's instrument: its contingency rates, its change in each scenario, and the nodes above them
    maintenance_long = secret(uint(20), count=lambda s: s.rows)
    maintenance_short = secret(uint(20), count=lambda s: s.rows)
    initial_long = secret(uint(20), count=lambda s: s.rows)
    initial_short = secret(uint(20), count=lambda s: s.rows)
    changes = secret(sint(64), count=(lambda s: s.rows, PLACES))
    risk_nodes = secret(FELT, count=(lambda s: s.rows, lambda s: s.table_depth - 1, TABLE_ARITY))

    def define(self, c: Builder) -> None:
        ids = self.open_account(c)
        cross, *isolated = self.assess(c, ids, self.amounts, self.initial)
        self.open_epoch(c, self.meta)
        self._open_scenarios(c, ids)
        factor = c.select(self.initial, self.initial_factor, self.maintenance_factor)
        need = self._worst_loss(c) * factor + self._contingencies(c)
        Pot(cross.equity, need).require_covered(c, self.ratio_ppm, "equity covers the portfolio's requirement")
        for i, pot in enumerate(isolated):
            pot.require_covered(c, self.ratio_ppm, f"row {i}, if isolated, covers its own requirement")

    def _open_scenarios(self, c: Builder, ids: Sequence[Wire]) -> None:
        """The factors, and the rates and changes of each row, are those of the committed scenario table."""
        table = SharedTop(c, tag("risks"), tag(f"risks:{len(self.risks_top)}"), self.risks_top)
        counts = (self.scenario_count * (1 << 32) + self.initial_factor) * (1 << 32) + self.maintenance_factor
        root = poseidon(c, tag("scenarios"), [counts, *self.shocks, table.root])
        c.require(root == self.scenarios_root, "the scenario table is the committed one")
        for i, instrument in enumerate(ids):
            with c.scope(f"row {i}"):
                head = instrument
                for rates in (self.maintenance_long, self.maintenance_short, self.initial_long, self.initial_short):
                    head = head * (1 << 20) + rates[i]
                risk = poseidon(c, tag("risk"), [head, *_packed(self.changes[i])])
                place = c.bits(instrument, self.instrument_bits)
                table.require_leaf(risk, place, self.risk_nodes[i], "the risk is the one of the scenario table")

    def _worst_loss(self, c: Builder) -> Wire:
        """The largest loss of the cross rows in a scenario, or 0: at least every one of them, and one of them."""
        crossed = [amount - isolated * amount for isolated, amount in zip(self.isolated, self.amounts, strict=True)]
        distances = c.felt(self.worst)
        for s in range(PLACES):
            loss = -c.linear((1, amount * changes[s]) for amount, changes in zip(crossed, self.changes, strict=True))
            c.require(self.worst >= loss, f"the worst loss is at least that of scenario {s}")
            distances = distances * (self.worst - loss)
        c.require(distances == 0, "the worst loss is that of a scenario, or none")
        return self.worst

    def _contingencies(self, c: Builder) -> Wire:
        """Σ notional value times contingency rate over the cross rows, in 10^-22 quote."""
        terms = []
        for i, amount in enumerate(self.amounts):
            is_short = c.bit(amount < 0)
            long = c.select(self.initial, self.initial_long[i], self.maintenance_long[i])
            short = c.select(self.initial, self.initial_short[i], self.maintenance_short[i])
            rate = c.select(self.isolated[i], 0, c.select(is_short, short, long))
            terms.append((1, abs(amount) * self.notional_prices[i] * rate))
        return c.linear(terms)


def _packed(changes: Sequence[Wire]) -> list[Wire]:
    """Three changes to an element, the first the highest."""
    places = [change + I64 for change in changes]
    return [(places[k] * (1 << 64) + places[k + 1]) * (1 << 64) + places[k + 2] for k in range(0, PLACES, 3)]
