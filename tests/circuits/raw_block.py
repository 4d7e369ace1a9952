"""A raw batch as blocks: secret inputs and columns of `circuits.account_block`, hashed as docs/spec.md says."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from circuits.account_block import ENTRY, HELD, PARTS, READ, AccountBlock, block_of, entry_column
from tests.circuits.raw_batch import E12, NOTHING, PPM, UNBOUNDED, Entry, Held, RawAccount, RawBatch, sums_commitment
from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import chain, poseidon
from zkstate.kernels import FR_MODULUS


def entry_values(entry: Entry, point: int, mix: int) -> list[int]:
    """The members of an entry as the verifier provides them."""
    e = entry
    weight = pow(point - e.instrument, -1, FR_MODULUS)
    top = 2**128 if e.upper == UNBOUNDED else e.upper * E12
    funding = 0 if e.asset else e.funding
    bounds = (e.lower * E12, top, e.rate, e.offset * E12)
    flags = (1 - e.asset, e.asset | e.short_only, e.rounded, int(e.instrument == 0))
    values = (e.instrument, e.price, e.notional_price, funding, *bounds, *flags, weight, mix * weight)
    return [value % FR_MODULUS for value in values]


@dataclass(frozen=True)
class RawBlocks:
    """A raw batch in 2^log_blocks blocks. `columns` and `secret` change values: (name, block[, row]) -> value."""

    batch: RawBatch
    log_blocks: int = 2
    columns: dict = field(default_factory=dict)
    secret: dict = field(default_factory=dict)

    @property
    def statement(self) -> AccountBlock:
        n = len(self.batch.accounts[0].rows)
        return block_of(n, self.log_blocks, self.batch.entries, rounded=self.batch.rounded)

    def inputs(self) -> dict:
        """What `solve_blocks` takes behind the number of blocks."""
        columns, secret = self.true()
        for (name, at), value in self.columns.items():
            columns[name][at] = value
        for (name, *at), value in self.secret.items():
            place = secret[name]
            for i in at[:-1]:
                place = place[i]
            place[at[-1]] = value % FR_MODULUS
        return {"public": {}, "secret": secret, "columns": columns}

    @property
    def grid(self) -> list[list[Held]]:
        """The rows of every block."""
        blocks, accounts = 1 << self.log_blocks, self.batch.accounts
        nothing = [NOTHING] * len(accounts[0].rows)
        return [nothing, *(list(account.rows) for account in accounts), *[nothing] * (blocks - 1 - len(accounts))]

    def true(self) -> tuple[dict, dict]:
        """Columns and secret inputs, none changed."""
        batch, blocks = self.batch, 1 << self.log_blocks
        rng = random.Random(batch.seed)
        felt = lambda: rng.randrange(FR_MODULUS)  # noqa: E731
        point, mix = felt() if batch.point is None else batch.point, felt()
        before = batch.start
        true = [a + b for a, b in zip(before, batch.added(point, mix), strict=True)]
        after = [(a + b) % FR_MODULUS for a, b in zip(true, batch.sums_after, strict=True)]
        rows = len(batch.accounts[0].rows)
        empty = RawAccount((NOTHING,) * rows, 0, real=0, lower=0, upper=1)
        inside = [*batch.accounts, *[empty] * (blocks - 2 - len(batch.accounts))]
        opened, columns = [], {"stated": [], "real": [], "bound": [], "next_bound": []}
        for place, account in enumerate([empty, *inside, empty]):
            end = {0: before, blocks - 1: after}.get(place)
            if end is not None:
                held, unhealthy, shortfall, profit = end
                parts = [0, felt(), held, unhealthy, shortfall, profit % FR_MODULUS]
                stated = sums_commitment(parts[1], end)
            else:
                parts = [account.id, *(felt() for _ in range(5))]
                digest = chain(tag(f"rows:{rows}"), [e for row in account.rows for e in row.elements()])
                own, owner, salt, orders, head, length = parts
                stated = account.real * poseidon(tag("leaf"), [own, owner, salt, digest, orders, head, length])
            opened.append(parts)
            lower = account.id - 5 if account.lower is None else account.lower
            upper = account.id + 9 if account.upper is None else account.upper
            real = account.real if end is None else 0
            for name, value in zip(columns, (stated, real, lower, upper), strict=True):
                columns[name].append(value)
        listed = [*batch.table, *[batch.table[0]] * (batch.entries - len(batch.table))]
        for k in range(-(-batch.entries >> self.log_blocks)):
            chunk = [entry_values(e, point, mix) for e in listed[k * blocks : (k + 1) * blocks]]
            columns |= {entry_column(name, k): [values[i] for values in chunk] for i, name in enumerate(ENTRY)}
        grid = self.grid
        read = [[dict(zip(ENTRY, entry_values(row.reads, point, mix), strict=True)) for row in each] for each in grid]
        held = [[_held(row) for row in each] for each in grid]
        secret = {name: [parts[i] for parts in opened] for i, name in enumerate(PARTS)}
        secret |= {name: [[row[i] for row in each] for each in held] for i, name in enumerate(HELD)}
        secret |= {name: [[values[name] for values in each] for each in read] for name in READ}
        if batch.rounded:
            secret["counted_units"] = [[counted(row) // PPM for row in each] for each in grid]
            secret["counted_rest"] = [[counted(row) % PPM for row in each] for each in grid]
        return columns, secret


def _held(row: Held) -> list[int]:
    """The inputs of a row as it is hashed."""
    offset = (row.id, row.isolated, row.amount + 2**63, row.entry + 2**127, row.funding_at_entry + 2**63)
    return [value % FR_MODULUS for value in offset]


def counted(row: Held) -> int:
    """What an asset counts before rounding; 0 for what is no asset."""
    e = row.reads
    return e.asset * (abs(row.amount) * e.notional_price * e.rate - e.offset * E12)
