"""One account of a transparent batch that the portfolio rule judges: the account block with another cross pot.

Beside its entry a row reads what one unit of its instrument gains or loses in each scenario. The cross pot then needs
the largest loss of a scenario times the maintenance factor, and contingencies (docs/spec.md, section 7); isolated rows
are pots alone, judged by their tiers. All else is the account block's. Units: losses in 10^-16 quote, the rest there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.constraint.block import BlockBuilder
from zkstate.constraint.block_circuit import MAX_TUPLE
from zkstate.constraint.statement import FELT, secret, uint
from zkstate.constraint.wire import Wire, bounded
from zkstate.state.schema import I64

from .account_block import ENTRY, RANGES, RATES, AccountBlock, AccountRow, RoundedAccountBlock, limb_bits
from .limbs import require_below, require_not_negative

CHUNKS = 4  # places for chunks of one instrument's changes: an instrument's id times this, and the chunk's number
MOST_CHANGES = MAX_TUPLE - 1  # of a chunk


def chunks_of(scenarios: int) -> tuple[int, int]:
    """(how many chunks the changes of an instrument are cut into, changes in each)."""
    chunks = -(-scenarios // MOST_CHANGES)
    return chunks, -(-scenarios // chunks)


@dataclass(frozen=True)
class PortfolioAccountBlock(AccountBlock):
    """A block under a table of so many scenarios, which is at most `risks` chunks of changes."""

    scenarios: int
    risks: int

    contingency_long = secret(FELT, count=lambda s: s.rows)
    contingency_short = secret(FELT, count=lambda s: s.rows)
    changes = secret(FELT, count=(lambda s: s.rows, lambda s: s.scenarios))
    worst = secret(FELT)

    @property
    def size(self) -> int:
        """The bits of a limb."""
        return limb_bits((*RANGES * self.rows, *[self.worst_bits] * (1 + self.scenarios)), self.log_blocks)

    @property
    def members(self) -> tuple[str, ...]:
        """The members of an entry: contingency rates too."""
        return ENTRY + RATES

    @property
    def worst_bits(self) -> int:
        """The bits of a loss, which is an amount times a change in each row."""
        return (self.rows * I64 * I64).bit_length()

    @property
    def listed_risks(self) -> int:
        """Chunks of changes that a block provides."""
        return -(-self.risks >> self.log_blocks)

    def _provide(self, c: BlockBuilder) -> None:
        for k in range(self.listed_risks):
            c.provide("changes", [c.column(name, FELT) for name in risk_columns(self.scenarios, k)])

    def _cross(self, c: BlockBuilder, rows: Sequence[AccountRow]) -> Wire:
        """What the cross pot lacks: the worst loss times the factor, and contingencies, less its equity."""
        factor = c.column("factor", uint(32))
        changes = [self._changes(c, row, i) for i, row in enumerate(rows)]
        worst = self._worst_loss(c, rows, changes)
        parts = [(1, worst * factor)]
        for row in rows:
            # what tiers require of a row that is not isolated gives way to its contingency
            parts += [(1, row.missing), (-1, row.missing_alone), (1, self._contingency(row))]
            parts.append((-1, bounded(row.read["market"] - row.isolated, 0, 1) * row.required))
        return c.linear(parts)

    def _changes(self, c: BlockBuilder, row: AccountRow, i: int) -> list[Wire]:
        """The changes of the row's instrument, looked up a chunk at a time."""
        chunks, width = chunks_of(self.scenarios)
        own = self.changes[i]
        with c.scope(f"row {i}"):
            for k in range(chunks):
                chunk = own[k * width : (k + 1) * width]
                key = c.felt(row.read["instrument"]) * CHUNKS + k
                filled = [key, *chunk, *[c.const(0)] * (width - len(chunk))]
                c.lookup("changes", filled, label="the row reads the changes of its instrument")
        return [bounded(change, -I64, I64 - 1) for change in own]  # of the committed table, as the verifier provides it

    def _worst_loss(self, c: BlockBuilder, rows: Sequence[AccountRow], changes: Sequence[Sequence[Wire]]) -> Wire:
        """The largest loss of the cross rows in a scenario, or 0: at least every one of them, and one of them."""
        crossed = [bounded(row.amount - row.isolated * row.amount, -I64, I64 - 1) for row in rows]
        worst = require_below(c, self.worst, self.worst_bits, self.size, "the worst loss is not negative")
        distances = c.felt(worst)
        for s in range(self.scenarios):
            loss = -c.linear((1, amount * own[s]) for amount, own in zip(crossed, changes, strict=True))
            label = f"the worst loss is at least that of scenario {s}"
            require_not_negative(c, worst - loss, self.size, label)
            if s < self.scenarios - 1:
                distances = distances * c.felt(worst - loss)
            else:
                c.constrain(distances, c.felt(worst - loss), 0, "the worst loss is that of a scenario, or none")
        return worst

    def _contingency(self, row: AccountRow) -> Wire:
        """Notional value times contingency rate, by the sign of the amount; 0 of an isolated row."""
        long, short = (row.read[name] for name in RATES)
        rate = bounded(short + row.long * (long - short), 0, (1 << 20) - 1)
        contingency: Wire = bounded(rate - row.isolated * rate, 0, (1 << 20) - 1) * row.notional
        return contingency


@dataclass(frozen=True)
class RoundedPortfolioAccountBlock(PortfolioAccountBlock, RoundedAccountBlock):
    """Such a block under a table that rounds the counted value of some assets down."""


def risk_columns(scenarios: int, k: int) -> list[str]:
    """The public columns of the k-th chunk of changes that each block provides: what names it, then its changes."""
    return [f"{name} {k}" for name in ("chunk", *(f"change {i}" for i in range(chunks_of(scenarios)[1])))]


def portfolio_block_of(
    rows: int, log_blocks: int, entries: int, scenarios: int, risks: int, *, rounded: bool
) -> PortfolioAccountBlock:
    """The block of an account of so many rows under the portfolio rule, in 2^log_blocks blocks."""
    kind = RoundedPortfolioAccountBlock if rounded else PortfolioAccountBlock
    return kind(rows, log_blocks, entries, scenarios, risks)
