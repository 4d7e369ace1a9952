"""The batch of a solvency proof as a statement to probe: two accounts of one size class, good and false ones.

Another circuit of a batch is probed and attacked as this one once it has an entry in `BATCHES`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from circuits.batch import Batch
from tests.circuits import test_batch
from tests.circuits.raw_batch import (
    COIN,
    NOTHING,
    NULL,
    PADDING,
    PERP,
    QUOTE,
    UNBOUNDED,
    Entry,
    Held,
    RawAccount,
    RawBatch,
)
from zkstate.constraint import Circuit, compile_statement

Inputs = dict[str, Any]
ACCOUNTS, ENTRIES = 2, 16
# what the verifier draws or publishes, and what is fixed before it draws: no answer to a challenge
GIVEN = ("point", "mix", "read_point", "read_mix", "keys", "times")


@dataclass(frozen=True)
class BatchCircuit:
    """A circuit of batches of two accounts: how to compile it, and its inputs for accounts in raw numbers."""

    circuit: Callable[[int], Circuit]  # of a size class
    inputs: Callable[[RawBatch], Inputs]
    given: tuple[str, ...]


BATCHES = {
    "batch": BatchCircuit(lambda rows: compile_statement(Batch(rows, ACCOUNTS, ENTRIES)), RawBatch.inputs, GIVEN)
}


def good_batch(name: str, rows: int) -> list[Inputs]:
    """Pairs of them, and random ones."""
    batches = [RawBatch(accounts) for accounts in good_accounts(rows)]
    return [
        BATCHES[name].inputs(each) for each in (*batches, *(random_batch(random.Random(i), rows) for i in range(5)))
    ]


def good_accounts(rows: int) -> list[tuple[RawAccount, RawAccount]]:
    """Accounts with debts, padding, no rows, rows at the ends of their ranges; one of two that is not healthy."""
    first, second = (widened(account, rows) for account in (test_batch.FIRST, test_batch.SECOND))
    padding = widened(PADDING, rows)
    least = _account(rows, Held(QUOTE, -(2**63)), Held(PERP, 0))
    most = _account(
        rows, Held(QUOTE, 2**63 - 1), Held(COIN, 33_333_333_333), Held(PERP, -(10**5), 2**127 - 1, -(2**63), 1)
    )
    return [(first, second), (first, padding), (padding, padding), (least, most), (_account(rows), first)]


def batches(name: str) -> Callable[[random.Random, int], Iterator[Inputs]]:
    """Random batches, of which every claim is true."""

    def make(rng: random.Random, rows: int) -> Iterator[Inputs]:
        yield BATCHES[name].inputs(random_batch(rng, rows))

    return make


def false_batches(name: str, rows: int, seed: int, count: int) -> list[Inputs]:
    """Batches that break one rule each, and random ones whose sums are not the true ones."""
    rng, found = random.Random(f"batches {rows} {seed}"), []
    for batch, _ in test_batch.FALSE.values():
        if batch.point is None:
            found.append(replace(batch, accounts=tuple(widened(account, rows) for account in batch.accounts)))
    for i in range(1, rows):
        held = [Held(replace(QUOTE, instrument=k + 1), 5) for k in range(rows)]
        table = (NULL, *(row.reads for row in held))
        behind = (*held[: i - 1], NOTHING, *held[i:])  # a row behind an empty one
        swapped, twice = (*held[: i - 1], held[i], held[i - 1], *held[i + 1 :]), (*held[:i], *held[i - 1 : -1])
        found += [RawBatch((_account(rows, *each), _account(rows)), table) for each in (behind, swapped, twice)]
    found += [replace(batch, accounts=batch.accounts[::-1]) for batch in found]
    off = [(1, 0, 0, 0), (0, -1, 0, 0), (0, 0, -1, 0), (0, 0, 0, -1)]
    found += [replace(random_batch(rng, rows), sums_after=rng.choice(off)) for _ in range(count // 4)]
    return [BATCHES[name].inputs(batch) for batch in found]


def widened(account: RawAccount, rows: int) -> RawAccount:
    return replace(account, rows=(*account.rows, *[NOTHING] * (rows - len(account.rows))))


def _account(rows: int, *held: Held) -> RawAccount:
    return widened(RawAccount(held, 10**70 + len(held)), rows)


def random_batch(rng: random.Random, rows: int) -> RawBatch:
    """Two accounts of any holdings, each row of an instrument of its own with any digits in all it reads."""
    numbers = rng.sample(range(1, 4096), ACCOUNTS * rows)
    accounts, table = [], [NULL]
    for j in range(ACCOUNTS):
        held = [_held(rng, number) for number in sorted(numbers[j * rows : (j + 1) * rows])]
        held = held[: rng.choice([rows, rows, rng.randrange(rows + 1)])]
        table += [row.reads for row in held]
        own, below, above = (rng.randrange(2**247) for _ in range(3))
        accounts.append(
            replace(_account(rows, *held), id=2**247 + own, lower=2**247 + own - below, upper=2**247 + own + above + 1)
        )
    profit = rng.randrange(-(2**167), 2**167)
    sums = (rng.randrange(2**250), rng.randrange(2**40), rng.randrange(2**200), profit)
    unread = [Entry(4096 + k, rng.randrange(2**64)) for k in range(ENTRIES - len(table))]
    listed = rng.sample([*table, *unread], ENTRIES)  # so that any of them is read in some batch
    return RawBatch(tuple(accounts), tuple(listed), start=sums, seed=rng.randrange(2**32))


def _held(rng: random.Random, number: int) -> Held:
    amount = rng.choice([-1, 1]) * rng.randrange(2 ** rng.choice([1, 20, 63]))
    asset, notional_price = rng.randrange(2), rng.randrange(2 ** rng.choice([32, 64]))
    reached = abs(amount) * notional_price // 10**12
    lower = rng.randrange(min(reached, UNBOUNDED - 1) + 1)
    upper = rng.choice([UNBOUNDED, rng.randrange(reached + 1, UNBOUNDED)]) if reached + 1 < UNBOUNDED else UNBOUNDED
    entry = Entry(
        number, rng.randrange(2**64), notional_price, rng.randrange(-(2**63), 2**63), lower, upper,
        rng.randrange(-(2**84), 2**84), rng.randrange(2**20), asset, rng.randrange(2),
    )  # fmt: skip
    wide = rng.randrange(-(2**127), 2**127)
    return Held(entry, amount, wide, rng.randrange(-(2**63), 2**63), isolated=rng.randrange(2) * (1 - asset))
