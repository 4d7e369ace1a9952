"""Good inputs of the statements that read a journal, and of `exit`: fixed ones, and random ones that are true."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from circuits import catalogue
from circuits.liquidation import LIQUIDATION_ENTRIES
from tests.circuits import models, raw_journal
from tests.circuits.raw import UNBOUNDED, RawAccount, RawRow, raw_row
from tests.circuits.raw_journal import RawEntry
from tests.circuits.test_exit import book, judged, leaving, table_of
from tests.circuits.test_journal_statements import ADDED, LIQUIDATED, PAID, liquidation
from tests.circuits.test_statements import QUIET, TRADER
from zkstate.kernels import FR_MODULUS
from zkstate.state.schema import Row
from zkstate.state.withdrawal import withdrawable

Inputs = dict[str, Any]
DEPOSIT, FUNDING, LIQUIDATION = 1, 5, 6


def turned(child: int) -> tuple[int, ...]:
    """The place of which every node's child `child` is the account's own: each choice on a path matters somewhere."""
    return (child & 1, child >> 1) * TRADER.depth


def padded(account: RawAccount, rows: int, child: int = 0) -> RawAccount:
    return replace(account, rows=(*account.rows, *[RawRow()] * (rows - len(account.rows))), place=turned(child))


def grain(row: RawRow, name: str, amount: int = 10**6 + 5) -> RawRow:
    """A little of an asset that counts by millionths, so that any remainder of a rounding is some amount's."""
    tiers = ((0, UNBOUNDED, 1, 0, 0),)
    return replace(row, amount=amount, price=1, notional_price=1, tiers=tiers, rounded=int(name != "margin"))


def grains(account: RawAccount, name: str, amount: int = 10**6 + 5) -> RawAccount:
    return replace(account, rows=tuple(grain(row, name, amount) for row in account.rows))


def few(account: RawAccount, rows: int) -> list[RawAccount]:
    """The same with its first row, two or three: then padding follows the last instrument."""
    return [padded(replace(account, rows=account.rows[:held]), rows, held) for held in (1, 2, 3)]


def good_history(rows: int) -> list[Inputs]:
    busy = [PAID, ADDED, replace(PAID, kind=4, amount=-3), LIQUIDATED]
    cases = [(busy, 9, QUIET), (busy[:1], 0, TRADER), ([], 0, QUIET), (busy[:2], 0, QUIET)]
    held = [([], 0, each) for each in few(QUIET, rows)]
    return [
        raw_journal.history(entries, instrument, account=padded(account, rows, i % 4), places=rows, place=turned(i % 4))
        for i, (entries, instrument, account) in enumerate([*cases, *held])
    ]


def good_liquidation(rows: int) -> list[Inputs]:
    apart = replace(QUIET, rows=tuple(replace(row, instrument=40 * i + 16) for i, row in enumerate(QUIET.rows)))
    cases = [
        ([LIQUIDATED], apart),
        ([PAID, ADDED, LIQUIDATED, PAID], TRADER),
        ([PAID, LIQUIDATED], TRADER),
        ([*[ADDED] * 15, LIQUIDATED], TRADER),
        ([LIQUIDATED], grains(apart, "liquidation")),
        ([LIQUIDATED], grains(apart, "liquidation", 2 * 10**6 - 1)),
    ]
    held = [([LIQUIDATED], each) for each in few(apart, rows)]
    return [
        liquidation(entries, account=padded(account, rows, i % 4), place=turned(i % 4))
        for i, (entries, account) in enumerate([*cases, *held])
    ]


def good_exit(rows: int) -> list[Inputs]:
    worthless = replace(
        QUIET, rows=tuple(replace(r, instrument=40 * i + 16, amount=5) for i, r in enumerate(QUIET.rows))
    )
    return [
        leaving(padded(worthless, rows), 16, 5),
        leaving(padded(TRADER, rows, 1), 1, 10**9),
        leaving(padded(worthless, rows, 2), 96, 1),
        leaving(padded(grains(worthless, "exit"), rows, 3), 16, 2),
        leaving(padded(grains(worthless, "exit", 2 * 10**6 - 1), rows), 16, 10**6),
        *(leaving(held, 16, 1) for held in few(worthless, rows)),
    ]


def random_entry(rng: random.Random, kind: int) -> RawEntry:
    wide = lambda bits: rng.choice([0, 1, -1, rng.randrange(-(2**bits), 2**bits)])  # noqa: E731
    return RawEntry(kind, rng.randrange(4096), wide(63), wide(127), wide(95), rng.randrange(2**128))


def histories(rng: random.Random, rows: int) -> Iterator[Inputs]:
    entries = [random_entry(rng, rng.randrange(1, 7)) for _ in range(rng.randrange(rows + 1))]
    instrument = rng.choice([0, *(e.instrument for e in entries), rng.randrange(4096)])
    yield raw_journal.history(entries, instrument, account=replace(QUIET, seed=rng.randrange(2**32)), places=rows)


def liquidations(rng: random.Random, rows: int) -> Iterator[Inputs]:
    """Healthy accounts, from which nothing was taken before the liquidation."""
    for seed, case in models.cases("health", rng.randrange(2**32), 8, rows):
        if not case.expected():
            yield struck(rng, case.account(rows, seed, catalogue.ACCOUNTS_DEPTH), case.ratio)


def refused_liquidations(rows: int) -> list[Inputs]:
    """Journals with an unused place before one in use, and such in which one entry took more than there was."""
    account, unused = padded(TRADER, rows), RawEntry()
    costly = (replace(ADDED, fee=2**94), replace(PAID, value=-(2**94), fee=0))
    journals = [[LIQUIDATED, *[unused] * (i - 1), PAID] for i in range(2, LIQUIDATION_ENTRIES)]
    free = LIQUIDATION_ENTRIES - 1
    journals += [[*[ADDED] * i, entry, *[ADDED] * (free - 1 - i), LIQUIDATED] for i in range(free) for entry in costly]
    return [liquidation(entries, account=account) for entries in journals]


def struck(rng: random.Random, account: RawAccount, ratio: int) -> Inputs:
    """A liquidation of an account among other entries."""
    free = [replace(random_entry(rng, k), fee=-rng.randrange(2**95)) for k in rng.choices((DEPOSIT, FUNDING), k=3)]
    free = [replace(e, amount=abs(e.amount) % 2**63, value=abs(e.value) % 2**127) for e in free]
    entry = random_entry(rng, LIQUIDATION)
    count = rng.choice([LIQUIDATION_ENTRIES, rng.randrange(LIQUIDATION_ENTRIES)])
    after = [random_entry(rng, rng.randrange(1, 7)) for _ in range(count)]
    entries = [*free[: rng.randrange(4)], entry, *after][:LIQUIDATION_ENTRIES]
    claim = {"ratio_ppm": ratio, "instrument": entry.instrument, "amount": entry.amount % FR_MODULUS}
    claim |= {"time": entry.moment >> 64, "price": entry.moment % 2**64}
    return liquidation(entries, account=account, **claim)


def exits(rng: random.Random, rows: int) -> Iterator[Inputs]:
    instruments, held = book(rng, rows)
    for number, amount, *_ in held:
        for out in {1, amount, rng.randrange(1, max(amount, 1) + 1)}:
            if judged(held, instruments, number, out):
                yield _exit(rng, rows, instruments, held, number, out)


def refused_exits(rng: random.Random, rows: int) -> Iterator[Inputs]:
    """One unit more than may leave, of an account whose first row may be of any kind."""
    instruments, held = book(rng, rows)
    held = held[rng.randrange(2) :]
    table = table_of(instruments)
    for number, amount, *_ in held:
        out = withdrawable([Row(*row) for row in held], table, number) + 1
        if out <= amount and instruments[number - 1]["flags"] & 1:
            yield _exit(rng, rows, instruments, held, number, out)


def _exit(rng: random.Random, rows: int, instruments: list[Any], held: list[Any], number: int, out: int) -> Inputs:
    raw = [raw_row(row, instruments) for row in held]
    return leaving(RawAccount((*raw, *[RawRow()] * (rows - len(raw))), seed=rng.randrange(2**32)), number, out)


GOOD = {"history": good_history, "liquidation": good_liquidation, "exit": good_exit}
HONEST = {"history": histories, "liquidation": liquidations, "exit": exits}
