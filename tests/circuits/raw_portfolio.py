"""A raw batch of accounts under the portfolio rule, which is computed anew from section 7 of the text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from circuits.portfolio_block import PortfolioAccountBlock, portfolio_block_of
from tests.circuits.raw_batch import COIN, NOTHING, OPTION, PERP, PPM, QUOTE, ROUNDS, TABLE, Held, RawAccount, RawBatch
from tests.circuits.raw_block import RawBlocks
from zkstate.kernels import FR_MODULUS

WIDTHS = {1: 1, 3: 3, 15: 15, 16: 8, 20: 10, 32: 11}  # of a chunk: as few chunks of at most 15 as there can be
SCENARIOS = 3


@dataclass(frozen=True)
class RawRisks:
    """Changes and contingency rates (long, short) by instrument, all 0 of one that is not named, and the factor."""

    changes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    rates: dict[int, tuple[int, int]] = field(default_factory=dict)
    factor: int = PPM
    scenarios: int = SCENARIOS
    room: int = 16  # for chunks

    def of(self, instrument: int) -> tuple[int, ...]:
        return self.changes.get(instrument, (0,) * self.scenarios)

    def rates_of(self, instrument: int) -> tuple[int, int]:
        return self.rates.get(instrument, (0, 0))

    def losses(self, rows: tuple[Held, ...]) -> list[int]:
        """The loss of the rows that are not isolated in each scenario."""
        crossed = [row for row in rows if not row.isolated]
        return [-sum(row.amount * self.of(row.id)[s] for row in crossed) for s in range(self.scenarios)]

    def need(self, rows: tuple[Held, ...]) -> int:
        """What the cross pot requires, 10^-22 quote."""
        total = max(0, *self.losses(rows)) * self.factor
        for row in rows:
            if not row.isolated:
                total += abs(row.amount) * row.reads.notional_price * self.rates_of(row.id)[row.amount < 0]
        return total

    def chunks(self) -> list[tuple[int, ...]]:
        """What the verifier provides: key and changes of every chunk, for instruments 0 to 5."""
        width = WIDTHS[self.scenarios]
        found = []
        for i in range(6):
            own = [*self.of(i), *[0] * width]
            parts = range(0, self.scenarios, width)
            found += [(4 * i + k, *own[at : at + width]) for k, at in enumerate(parts)]
        return [*found, *found[:1] * (self.room - len(found))]


@dataclass(frozen=True)
class RiskyAccount(RawAccount):
    """An account under the portfolio rule."""

    risks: RawRisks = field(default_factory=RawRisks)

    def shortfalls(self) -> list[int]:
        """What each pot lacks: the cross pot, then each isolated row."""
        crossed = [row.margin()[0] for row in self.rows if not row.isolated]
        alone = [row.margin() for row in self.rows if row.isolated]
        pots = [(sum(crossed), self.risks.need(self.rows)), *alone]
        return [max(0, need - equity) for equity, need in pots]


@dataclass(frozen=True)
class RawPortfolio(RawBlocks):
    """A raw batch of such accounts in blocks."""

    risks: RawRisks = field(default_factory=RawRisks)

    @property
    def statement(self) -> PortfolioAccountBlock:
        n, batch = len(self.batch.accounts[0].rows), self.batch
        sizes = batch.entries, self.risks.scenarios, self.risks.room
        return portfolio_block_of(n, self.log_blocks, *sizes, rounded=batch.rounded)

    def true(self) -> tuple[dict, dict]:
        """Columns and secret inputs, none changed."""
        columns, secret = super().true()
        batch, risks, blocks = self.batch, self.risks, 1 << self.log_blocks
        listed = [*batch.table, *[batch.table[0]] * (batch.entries - len(batch.table))]
        for k in range(-(-batch.entries >> self.log_blocks)):
            rates = [risks.rates_of(entry.instrument) for entry in listed[k * blocks : (k + 1) * blocks]]
            for at, name in enumerate(("long", "short")):
                columns[f"contingency_{name} {k}"] = [pair[at] for pair in rates]
        chunks = risks.chunks()
        names = ["chunk", *(f"change {i}" for i in range(len(chunks[0]) - 1))]
        for k in range(-(-len(chunks) >> self.log_blocks)):
            part = chunks[k * blocks : (k + 1) * blocks]
            columns |= {f"{name} {k}": [chunk[i] % FR_MODULUS for chunk in part] for i, name in enumerate(names)}
        columns["factor"] = [risks.factor]
        for at, name in enumerate(("contingency_long", "contingency_short")):
            secret[name] = [[risks.rates_of(row.id)[at] for row in each] for each in self.grid]
        secret["changes"] = [[[v % FR_MODULUS for v in risks.of(row.id)] for row in each] for each in self.grid]
        secret["worst"] = [max(0, *risks.losses(tuple(each))) for each in self.grid]
        return columns, secret


# by instrument of TABLE: quote never changes; a coin, a market and an option move; an asset that rounds a little
CHANGES = {
    2: (-3 * 10**9, 0, 10**9),
    3: (-4 * 10**9, 10**8, 2 * 10**9),
    4: (-(10**9), 5 * 10**9, -7 * 10**8),
    5: (-5, 0, 9),
}
RISKS = RawRisks(CHANGES, {3: (2_000, 3_000), 4: (0, 5_000)}, 1_300_000)
RICH = (Held(QUOTE, 5 * 10**12), Held(COIN, 10**6), Held(PERP, -(10**5), -3 * 10**15, 4), Held(OPTION, 77))
# short of options beyond its means, and an isolated position under water
POOR = (Held(QUOTE, 10**3), Held(PERP, 10**3, 4 * 10**13, -9, isolated=1), Held(OPTION, -(10**6)), NOTHING)
FIRST, SECOND = RiskyAccount(RICH, 10**70, risks=RISKS), RiskyAccount(POOR, 10**71, risks=RISKS)


def raw(*accounts: RiskyAccount, risks: RawRisks = RISKS, log_blocks: int = 2, columns=None, secret=None, **changes):
    """Blocks of these accounts; all rows have the table's own risks."""
    accounts = tuple(replace(account, risks=risks) for account in accounts)
    batch = RawBatch(accounts, **changes)
    return RawPortfolio(batch, log_blocks, columns or {}, secret or {}, risks)


def of_rows(*rows: Held, **changes) -> RawPortfolio:
    """Two accounts, of which the first holds these rows."""
    return raw(replace(FIRST, rows=(*rows, *[NOTHING] * (4 - len(rows)))), SECOND, **changes)


GOOD = raw(FIRST, SECOND)
ROUNDED = raw(FIRST, SECOND, table=(*TABLE, ROUNDS), rounded=True)
