"""Portfolio margin, exactly, in integers (docs/spec.md §7): the worst loss of a scenario, and contingencies.

Equity is that of the cross pot, and isolated rows are judged as in `margin.py`. Units: losses 10^-16 quote, equity and
need 10^-22 quote. Nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zkstate.errors import EncodingError
from zkstate.state import wide
from zkstate.state.health import LIMBS, Health, Pots, TableColumns, assess_all, assess_rows, table_columns
from zkstate.state.ledger import Ledger, RowColumns
from zkstate.state.margin import Assessment, Pot, assess
from zkstate.state.scenarios import ScenarioTable
from zkstate.state.schema import Order, Row
from zkstate.state.table import InstrumentTable
from zkstate.state.wide import Flags, Wide

LOSS_LIMBS = 5


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Losses by scenario and contingencies of the cross pot, and all pots with what is required of them."""

    losses: tuple[int, ...]
    contingencies: int
    assessment: Assessment

    @property
    def worst(self) -> int:
        """The largest loss of a scenario, 0 if none loses."""
        return max(0, *self.losses)


def assess_portfolio(
    rows: Sequence[Row],
    table: InstrumentTable,
    scenarios: ScenarioTable,
    initial: bool = False,
    orders: Sequence[Order] = (),
) -> Portfolio:
    """The pots of an account, the cross pot's requirement being the portfolio rule's. Errors as `assess`.

    Open orders are reserved in isolated pots alone.
    """
    scenarios.check_beside(table)
    plain = assess(rows, table, initial, orders)
    held = [row for row in rows if not row.isolated]
    losses = tuple(
        -sum(row.amount * scenarios[row.instrument].changes[s] for row in held) for s in range(len(scenarios.shocks))
    )
    contingencies = sum(
        abs(row.amount)
        * table[row.instrument].notional_price
        * scenarios[row.instrument].rate(row.amount, initial=initial)
        for row in held
    )
    need = max(0, *losses) * scenarios.factor(initial=initial) + contingencies
    cross = Pot(plain.cross.equity, need, plain.cross.rows)
    return Portfolio(losses, contingencies, Assessment(cross, plain.isolated, initial))


def assess_portfolios(ledger: Ledger, scenarios: ScenarioTable, initial: bool = False) -> Health:
    """`assess_portfolio` of every account by columns."""
    scenarios.check_beside(ledger.table)
    return by_portfolio(assess_all(ledger, initial), table_columns(ledger.table), ledger.rows, scenarios, initial)


def by_portfolio(
    plain: Health, columns: TableColumns, r: RowColumns, scenarios: ScenarioTable, initial: bool = False
) -> Health:
    """The same of accounts that are `plain` by their tiers: the cross pots' requirements are the portfolio rule's."""
    accounts = len(r.start) - 1
    i, cross, short = r.instrument.astype(np.int64), r.isolated == 0, r.amount < 0
    size = wide.from_u64(np.where(cross, np.abs(r.amount).view(np.uint64), np.uint64(0)))
    notional = wide.multiply(size, wide.from_u64(columns.notional_price[i]))
    rates = [np.array([0, *(risk.rate(sign, initial=initial) for risk in scenarios.risks)])[i] for sign in (1, -1)]
    contingency = wide.normalise(wide.extend(notional, LIMBS) * np.where(short, rates[1], rates[0]))
    factor = wide.from_u64(np.full(accounts, scenarios.factor(initial=initial), np.uint64))
    worst = worst_losses(r, scenarios)
    need = wide.normalise(wide.multiply(worst, factor) + wide.segment_sums(contingency, r.start))
    pots = Pots(plain.cross.equity, need)
    healthy = pots.healthy
    healthy[plain.isolated_account[~plain.isolated.healthy]] = False
    return Health(pots, plain.isolated, plain.isolated_account, healthy)


def assess_judged(columns: TableColumns, r: RowColumns, portfolio: Flags, scenarios: ScenarioTable | None) -> Health:
    """Maintenance of accounts of which the portfolio rule judges some, with these scenarios, and tiers the others.

    EncodingError for such an account without scenarios.
    """
    plain = assess_rows(columns, r)
    if not portfolio.any():
        return plain
    if scenarios is None:
        raise EncodingError(f"account {int(portfolio.argmax())} has portfolio margin, and there are no scenarios")
    risky = by_portfolio(plain, columns, r, scenarios)
    cross = Pots(plain.cross.equity, np.where(portfolio, risky.cross.need, plain.cross.need))
    healthy = np.where(portfolio, risky.healthy, plain.healthy)
    return Health(cross, plain.isolated, plain.isolated_account, healthy)


def worst_losses(r: RowColumns, scenarios: ScenarioTable) -> Wide:
    """The largest loss of a scenario that each account's cross rows have, 0 if none loses."""
    i, cross, short = r.instrument.astype(np.int64), r.isolated == 0, r.amount < 0
    size = wide.from_u64(np.where(cross, np.abs(r.amount).view(np.uint64), np.uint64(0)))
    worst = np.zeros((LOSS_LIMBS, len(r.start) - 1), np.int64)
    for s in range(len(scenarios.shocks)):
        change = np.array([0, *(risk.changes[s] for risk in scenarios.risks)], np.int64)[i]
        loss = wide.multiply(size, wide.from_u64(np.abs(change).view(np.uint64)))
        loss = wide.normalise(wide.negate_where(wide.extend(loss, LOSS_LIMBS), short == (change < 0)))
        worst = _larger(worst, wide.segment_sums(loss, r.start))
    return worst


def _larger(a: Wide, b: Wide) -> Wide:
    """The larger of two normalised columns, entry by entry."""
    return np.where(wide.is_negative(a - b), b, a)
