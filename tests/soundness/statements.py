"""Every statement of the catalogue with accounts it holds of: a fixed one for the probes, random ones for the rest."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from circuits import catalogue
from tests.circuits import models, test_exit, test_statements
from tests.circuits.raw import UNBOUNDED, RawAccount, RawOrder, RawRow, RawScenarios, raw_row
from tests.soundness import journals
from zkstate.constraint import Circuit, compile_statement
from zkstate.kernels import FR_MODULUS

Inputs = dict[str, Any]
FULL_SIZE, FULL_ENTRY = (-(2**63), 2**63 - 1), (-(2**127), 2**127 - 1)


@cache
def circuit_of(name: str, rows: int) -> Circuit:
    return compile_statement(catalogue.get(name, rows))


def good(name: str, rows: int) -> list[Inputs]:
    """Inputs that a statement holds of: rows worth nothing, every kind of row, no rows, the claim made tight."""
    if name in journals.GOOD:
        return journals.GOOD[name](rows)
    quiet, busy = test_statements.QUIET, test_statements.GOOD[name]
    apart = tuple(replace(row, instrument=40 * i + 16) for i, row in enumerate(quiet.rows))  # no node in common
    first = tuple([0] * 2 * quiet.depth)  # where the first child of every node is the account's own
    padding = [RawRow()] * (rows - len(quiet.rows))
    accounts = [
        replace(quiet, rows=(*apart, *padding), place=first),
        replace(busy, rows=(*busy.rows, *padding), place=first),
        replace(quiet, rows=(RawRow(),) * rows, place=first),
        replace(quiet, rows=(*(journals.grain(row, name) for row in apart), *padding), place=first),
        *(replace(quiet, rows=(*apart[:held], *[RawRow()] * (rows - held)), place=first) for held in (1, 2, 3)),
    ]
    loose, tight = test_statements.ANY[name], test_statements.HEALTHY[name]
    return [
        *(account.inputs(name, **loose) for account in accounts),
        replace(busy, rows=accounts[1].rows).inputs(name, **tight),
    ]


def varied(name: str, rows: int, seed: int, count: int) -> Iterator[Inputs]:
    """Rich accounts with any digits everywhere, so that few wires are 0 in all of them."""
    rng = random.Random(f"varied {name} {rows} {seed}")
    if name == "history":
        yield from honest(name, rows, seed, count)
        return
    for _ in range(count):
        numbers = sorted(rng.sample(range(1, 256), rows))
        held = tuple(_position(rng, number) if rng.randrange(2) else _asset(rng, number) for number in numbers)
        orders = tuple(
            RawOrder(rng.randrange(rows), rng.randrange(2), rng.randrange(2**62), rng.randrange(1, 2**58))
            for _ in range(rng.choice([0, rows, rows]))
        )
        scenarios = RawScenarios(rng.choice([32, rng.randrange(1, 33)]), rng.randrange(2**32), rng.randrange(2**32))
        if name == "margin":  # it takes no asset that rounds
            held = tuple(replace(row, rounded=0) for row in held)
        if name == "initial":
            held = tuple(replace(row, margined=_margined(i, row, orders)) for i, row in enumerate(held))
        if name == "exit":
            held = (_asset(rng, numbers[0]), *held[1:])
        account = RawAccount(held, seed=rng.randrange(2**32), orders=orders, scenarios=scenarios)
        if name == "exit":
            yield test_exit.leaving(account, numbers[0], rng.randrange(1, 2**61))
        elif name == "liquidation":
            yield journals.struck(rng, account, rng.randrange(1, 10**6))
        else:
            yield account.inputs(name, **test_statements.ANY[name])


def _margined(place: int, row: RawRow, orders: Sequence[RawOrder]) -> int | None:
    if row.is_asset:
        return None
    bought, sold = (sum(o.size for o in orders if o.row == place and o.sells == side) for side in (0, 1))
    return max(abs(row.amount + bought), abs(row.amount - sold))


def _asset(rng: random.Random, number: int) -> RawRow:
    """Long, and worth much."""
    return RawRow(
        instrument=number,
        amount=rng.randrange(2**61, 2**62),
        entry=rng.randrange(-(2**127), 2**127),
        funding_at_entry=rng.randrange(-(2**63), 2**63),
        rounded=rng.randrange(2),
        price=rng.randrange(2**64),
        notional_price=rng.randrange(2**63, 2**64),
        funding=rng.randrange(-(2**63), 2**63),
        terms=rng.randrange(FR_MODULUS),
        tiers=_one_of_many(rng, 950_000),
        tier=12,
        risk=tuple(rng.randrange(2**10) for _ in range(4)),
        changes=tuple(rng.randrange(-(2**20), 2**62) for _ in range(33)),
    )


def _position(rng: random.Random, number: int) -> RawRow:
    """Isolated, long or short, and far above its requirement by what it was entered at."""
    row = _asset(rng, number)
    return replace(
        row,
        is_asset=0,
        isolated=1,
        rounded=0,
        amount=rng.choice([-1, 1]) * rng.randrange(2**54, 2**55),
        entry=-rng.randrange(2**125, 2**126),
        price=rng.randrange(2**60),
        funding=rng.randrange(2**63),
        funding_at_entry=rng.randrange(2**63),
        tiers=_one_of_many(rng, 1),
    )


def _one_of_many(rng: random.Random, rate: int) -> tuple[tuple[int, int, int, int, int], ...]:
    """Thirteen tiers of which the last holds any notional value from 2^117 to 2^126."""
    any_tier = lambda: (rng.randrange(2**64), rng.randrange(2**64), rng.randrange(2**20), rng.randrange(2**20), 0)  # noqa: E731
    last = (rng.randrange(2**63), UNBOUNDED, rate, rng.randrange(2), rng.randrange(-(2**80), 2**80))
    return (*(any_tier() for _ in range(12)), last)


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


def _holdings(rng: random.Random, rows: int) -> Iterator[tuple[RawAccount, int, int, int]]:
    """(account, instrument, amount, entry); sometimes of an instrument that is not held."""
    for seed, case in models.cases("health", rng.randrange(2**32), 8, rows):
        padded = [*case.rows, *[(0, 0, 0, 0)] * (rows - len(case.rows))]
        account = RawAccount(tuple(raw_row(row, case.instruments) for row in padded), seed=seed)
        number, amount, entry, *_ = rng.choice([*case.rows, (4095, 0, 0, 0)])
        yield account, number, amount, entry


def _balances(rng: random.Random, rows: int) -> Iterator[Inputs]:
    for account, number, amount, _ in _holdings(rng, rows):
        lo, hi = _around(rng, amount, *FULL_SIZE)
        yield account.inputs("balance", instrument=number, lo=lo, hi=hi)


def _positions(rng: random.Random, rows: int) -> Iterator[Inputs]:
    for account, number, amount, entry in _holdings(rng, rows):
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
)
