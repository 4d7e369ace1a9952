"""Every statement of the catalogue with accounts it holds of: a fixed one for the probes, random ones for the rest."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from circuits import catalogue
from tests.circuits import models, test_statements
from tests.circuits.raw import (
    AS_HEALTH,
    PRICED,
    RawAccount,
    RawRow,
    raw_row,
)
from tests.soundness import journals
from tests.soundness.batches import BATCHES, batches, good_batch
from tests.soundness.system import System
from zkstate.constraint import Circuit, compile_statement

Inputs = dict[str, Any]
AS_PRICED = (*PRICED, *AS_HEALTH)
FULL_SIZE, FULL_ENTRY = (-(2**63), 2**63 - 1), (-(2**127), 2**127 - 1)


@cache
def circuit_of(name: str, rows: int) -> Circuit:
    """A statement of the catalogue, or the circuit of a batch."""
    return BATCHES[name].circuit(rows) if name in BATCHES else compile_statement(catalogue.get(name, rows))


def given(name: str) -> tuple[str, ...]:
    """The inputs that no attack may choose."""
    return BATCHES[name].given if name in BATCHES else ()


TIER = ("tier", "lowers", "uppers", "rates", "initial_rates", "offsets")
DERIVED = {"margin": TIER} | dict.fromkeys(AS_PRICED[1:], (*TIER, "counted_units", "counted_rests"))
DERIVED |= {"initial": (*DERIVED["initial"], "order_rows"), "portfolio": (*DERIVED["portfolio"], "worst")}
DERIVED |= {"liquidation": (*DERIVED["liquidation"], "before")}


def system_of(name: str, rows: int) -> System:
    """A circuit to attack, with the inputs that no attack may choose and those that the prover works out."""
    return System(circuit_of(name, rows), given=given(name), derived=DERIVED.get(name, ()))


def good(name: str, rows: int) -> list[Inputs]:
    """Inputs that a statement holds of: rows worth nothing, every kind of row, no rows, the claim made tight."""
    if name in BATCHES:
        return good_batch(name, rows)
    if name in journals.GOOD:
        return journals.GOOD[name](rows)
    quiet, busy = test_statements.QUIET, test_statements.GOOD[name]
    apart = tuple(replace(row, instrument=40 * i + 16) for i, row in enumerate(quiet.rows))  # no node in common
    padding = [RawRow()] * (rows - len(quiet.rows))
    accounts = [
        replace(quiet, rows=(*apart, *padding)),
        replace(busy, rows=(*busy.rows, *padding)),
        replace(quiet, rows=(RawRow(),) * rows),
        replace(quiet, rows=(*(journals.grain(row, name) for row in apart), *padding)),
        replace(quiet, rows=(*(journals.grain(row, name, 2 * 10**6 - 1) for row in apart), *padding)),
        *(replace(quiet, rows=(*apart[:held], *[RawRow()] * (rows - held))) for held in (1, 2, 3)),
    ]
    accounts = [replace(account, place=journals.turned(i % 4)) for i, account in enumerate(accounts)]
    loose, tight = test_statements.ANY[name], test_statements.HEALTHY[name]
    return [
        *(account.inputs(name, **loose) for account in accounts),
        replace(busy, rows=accounts[1].rows).inputs(name, **tight),
    ]


def honest(name: str, rows: int, seed: int, count: int) -> Iterator[Inputs]:
    """Random and edge accounts with claims that are true of them by the specification (tests/state/oracle.py)."""
    make = HONEST.get(name)
    assert make is not None, f"statement {name} has no honest accounts in tests/soundness/statements.py: add them"
    produced, draw = 0, 0
    while produced < count:
        for inputs in make(random.Random(f"{name} {seed} {draw}"), rows):
            produced += 1
            yield inputs
            if produced == count:
                return
        draw += 1


def _around(rng: random.Random, value: int, least: int, most: int) -> tuple[int, int]:
    """An interval that holds a value: exact, from below, from above or anything."""
    lo, hi = rng.choice([value, least, rng.randint(least, value)]), rng.choice([value, most, rng.randint(value, most)])
    return lo, hi


def holdings(rng: random.Random, rows: int) -> Iterator[tuple[RawAccount, int, int, int]]:
    """(account, instrument, amount, entry); sometimes of an instrument that is not held."""
    for seed, case in models.cases("health", rng.randrange(2**32), 8, rows):
        padded = [*case.rows, *[(0, 0, 0, 0)] * (rows - len(case.rows))]
        account = RawAccount(tuple(raw_row(row, case.instruments) for row in padded), seed=seed)
        number, amount, entry, *_ = rng.choice([*case.rows, (4095, 0, 0, 0)])
        yield account, number, amount, entry


def _balances(rng: random.Random, rows: int) -> Iterator[Inputs]:
    for account, number, amount, _ in holdings(rng, rows):
        lo, hi = _around(rng, amount, *FULL_SIZE)
        yield account.inputs("balance", instrument=number, lo=lo, hi=hi)


def _positions(rng: random.Random, rows: int) -> Iterator[Inputs]:
    for account, number, amount, entry in holdings(rng, rows):
        (lo, hi), (entry_lo, entry_hi) = _around(rng, amount, *FULL_SIZE), _around(rng, entry, *FULL_ENTRY)
        yield account.inputs("position", instrument=number, lo=lo, hi=hi, entry_lo=entry_lo, entry_hi=entry_hi)


def _covered(model: str) -> Callable[[random.Random, int], Iterator[Inputs]]:
    """Accounts that a margin model finds healthy."""

    def make(rng: random.Random, rows: int) -> Iterator[Inputs]:
        for seed, case in models.cases(model, rng.randrange(2**32), 8, rows):
            if not case.expected():
                yield case.inputs(rows, seed, depth=catalogue.ACCOUNTS_DEPTH)

    return make


HONEST = (
    {"balance": _balances, "position": _positions}
    | {model: _covered(model) for model in models.COVERED}
    | journals.HONEST
    | {name: batches(name) for name in BATCHES}
)
