"""Every statement of the catalogue with accounts it holds of: a fixed one for the probes, random ones for the rest."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from circuits import catalogue
from tests.circuits import models, raw_journal, test_exit, test_statements
from tests.circuits.raw import (
    AS_HEALTH,
    FLAT,
    PRICED,
    UNBOUNDED,
    RawAccount,
    RawOrder,
    RawRow,
    RawScenarios,
    raw_row,
    with_row,
)
from tests.soundness import journals
from tests.soundness.batches import BATCHES, batches, false_batches, good_batch
from tests.soundness.system import System
from zkstate.constraint import Circuit, compile_statement
from zkstate.constraint.circuit import Witness
from zkstate.errors import WitnessError
from zkstate.kernels import FR_MODULUS

Inputs = dict[str, Any]
Tier = tuple[int, int, int, int, int]
RICH = ((0, UNBOUNDED, 950_000, 0, 0),)
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


def varied(name: str, rows: int, seed: int, count: int) -> Iterator[Witness]:
    """Witnesses of rich accounts with any digits everywhere, so that few wires are 0 in all of them."""
    rng, circuit = random.Random(f"varied {name} {rows} {seed}"), circuit_of(name, rows)
    found = 0
    for _ in range(20 * count):
        with suppress(WitnessError):  # an account that turned out too poor
            yield circuit.solve(_rich(rng, name, rows))
            found += 1
        if found == count:
            return
    raise AssertionError(f"{found} of {20 * count} rich accounts satisfy {name}-{rows}, {count} wanted")


def _rich(rng: random.Random, name: str, rows: int) -> Inputs:
    if name == "history" or name in BATCHES:
        return next(honest(name, rows, rng.randrange(2**32), 1))
    numbers = sorted(rng.sample(range(1, 256), rows))
    lost = 2**20 if rng.randrange(2) else 2**61  # in a scenario, by one unit of an asset at most
    held = tuple(_position(rng, number) if rng.randrange(2) else _asset(rng, number, lost) for number in numbers)
    orders = tuple(
        RawOrder(rng.randrange(rows), rng.randrange(2), rng.randrange(2**62), rng.randrange(1, 2**58))
        for _ in range(rng.choice([0, rows, rows]))
    )
    factors = [rng.randrange(2**32 if lost == 2**20 else 2**20) for _ in range(2)]
    scenarios = RawScenarios(rng.randrange(2**32), *factors)
    if name == "margin":  # it takes no asset that rounds
        held = tuple(replace(row, rounded=0) for row in held)
    if name == "initial":
        held = tuple(replace(row, margined=_margined(i, row, orders)) for i, row in enumerate(held))
    if name == "exit":
        held = (_asset(rng, numbers[0], lost), *held[1:])
    account = RawAccount(held, seed=rng.randrange(2**32), orders=orders, scenarios=scenarios)
    if name == "exit":
        return test_exit.leaving(account, numbers[0], rng.randrange(1, 2**61))
    if name == "liquidation":
        return journals.struck(rng, account, rng.randrange(1, 10**6))
    claim = dict(test_statements.ANY[name])
    if "ratio_ppm" in claim:
        claim["ratio_ppm"] = rng.randrange(2 ** rng.choice([20, 22, 24]))
    return account.inputs(name, **claim)


def _margined(place: int, row: RawRow, orders: Sequence[RawOrder]) -> int | None:
    if row.is_asset:
        return None
    bought, sold = (sum(o.size for o in orders if o.row == place and o.sells == side) for side in (0, 1))
    return max(abs(row.amount + bought), abs(row.amount - sold))


def _asset(rng: random.Random, number: int, lost: int) -> RawRow:
    """Long, and worth much; one unit loses less than `lost` in any scenario."""
    least = rng.choice([38, 63, 63])
    return RawRow(
        instrument=number,
        amount=rng.randrange(2**61, 2**62),
        entry=rng.randrange(-(2**127), 2**127),
        funding_at_entry=rng.randrange(-(2**63), 2**63),
        rounded=rng.randrange(2),
        price=rng.randrange(2**64),
        notional_price=rng.randrange(2**least, 2 ** (least + 1)),
        funding=rng.randrange(-(2**63), 2**63),
        terms=rng.randrange(FR_MODULUS),
        tiers=_one_of_many(rng, 950_000, 61 + least),
        tier=12,
        risk=tuple(rng.randrange(2**k) for k in (16, 20, 20, 20)),
        changes=tuple(rng.randrange(-lost, 2**63) for _ in range(33)),
    )


def _position(rng: random.Random, number: int) -> RawRow:
    """Isolated, long or short, and far above its requirement by what it was entered at."""
    row, least = _asset(rng, number, 2**63), rng.choice([38, 63, 63])
    return replace(
        row,
        is_asset=0,
        isolated=1,
        rounded=0,
        amount=rng.choice([-1, 1]) * rng.randrange(2**54, 2**55),
        entry=-rng.randrange(2**125, 2**126),
        price=rng.randrange(2**60),
        notional_price=rng.randrange(2**least, 2 ** (least + 1)),
        funding=rng.randrange(2**63),
        funding_at_entry=rng.randrange(2**63),
        tiers=_one_of_many(rng, rng.randrange(2**20), 54 + least),
        risk=tuple(rng.randrange(2**20) for _ in range(4)),
    )


def _one_of_many(rng: random.Random, rate: int, least: int) -> tuple[Tier, ...]:
    """Thirteen tiers of which the last holds any notional value from 2^least to 2^(least + 2), if it is bounded."""
    any_tier = lambda: (rng.randrange(2**64), rng.randrange(2**64), rng.randrange(2**20), rng.randrange(2**20), 0)  # noqa: E731
    bounded = least < 100
    lower = rng.randrange(2 ** min(least - 40, 63))
    upper = rng.randrange(2**62, UNBOUNDED) if bounded else UNBOUNDED
    last = (lower, upper, rate, rng.randrange(2**20), rng.randrange(-(2**80), 2**80))
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


def others(name: str, rows: int, seed: int, count: int) -> list[Inputs]:
    """Accounts to attack rows from that the good ones do not help with: some false of their claim, the last half of
    `count` scattered.

    `history` has none of the first: its sums are public, so that changes of good inputs make them false.
    """
    if name in BATCHES:
        return false_batches(name, rows, seed, count)
    rng = random.Random(f"others {name} {rows} {seed}")
    found: list[Inputs] = []
    if name != "history":
        made = [*_disordered(rows)]
        made += [*_hollow(rows), *_beside(rows), *_apart(name, rows)] if name in AS_PRICED else []
        made += _rounded(name, rows) if name in AS_PRICED[1:] else []
        made += _ordering(rows) if name == "initial" else []
        made += _losing(rows) if name == "portfolio" else []
        found = [_claimed(name, rng, replace(account, seed=rng.randrange(2**32))) for account in made]
        found += journals.refused_liquidations(rows) if name == "liquidation" else []
        most = len(found) + count // 2
        while len(found) < most:
            found += _false(name, rng, rows)[: most - len(found)]
    last = count // 2 - 1
    return [*found, *(_scattered(name, rng, rows, k, (30 + rows) * k // last - rows + 1) for k in range(last + 1))]


def _scattered(name: str, rng: random.Random, rows: int, turn: int, first: int) -> Inputs:
    """Rows worth little, each in another tier and under another node of the table, from node `first` on.

    Before node 0 rows share it, past the last one there are none: so each place for a row comes under every node.
    """
    nodes = [(i, max(first + i, 0)) for i in range(rows) if first + i < 32]
    numbers = sorted({8 * node + (1 + i if node == 0 else rng.randrange(8)) for i, node in nodes})
    held = tuple(
        RawRow(
            number, rng.choice([0, 0, 1, 5]), -(10**12), is_asset=(turn + i) % 2, terms=number, tiers=FLAT * 13,
            tier=(turn + i) % 13,
        )
        for i, number in enumerate(numbers)
    )  # fmt: skip
    orders = tuple(RawOrder(i, rng.randrange(2), rng.randrange(4), rng.randrange(6)) for i in range(1, len(held)))
    place = tuple(rng.randrange(2) for _ in range(2 * test_statements.QUIET.depth))
    account = RawAccount(
        (*held, *[RawRow()] * (rows - len(held))), seed=rng.randrange(2**32), place=place, orders=orders
    )
    if name == "history":
        return raw_journal.history([], 0, account=account, places=rows)
    if name == "exit":
        end = len(held) - 1  # so that the rows before it may be of any kind
        leaving = with_row(account, end, is_asset=1, amount=1 + held[end].amount)
        return test_exit.leaving(leaving, held[end].instrument, 1) | {"tier": account.inputs("exit")["tier"]}
    if name == "liquidation":
        rich = with_row(account, 0, is_asset=1, amount=2**62, price=2**63, notional_price=2**63, tiers=RICH, tier=0)
        return journals.struck(rng, rich, 1)
    return account.inputs(name, **test_statements.ANY[name])


def _false(name: str, rng: random.Random, rows: int) -> list[Inputs]:
    if name in ("balance", "position"):
        account, number, amount, entry = next(_holdings(rng, rows))
        off = amount + 1 if amount == 0 else rng.choice([0, amount + 1])
        lo, hi = rng.choice([(amount + 1, 2**63 - 1), (-(2**63), amount - 1), (off, off)])
        bounds = {"lo": max(lo, -(2**63)), "hi": min(hi, 2**63 - 1)}
        if name == "position" and rng.randrange(2):
            bounds = {"lo": amount, "hi": amount}
            entry += rng.choice([-1, 1])
        entries = {"entry_lo": max(entry, -(2**127)), "entry_hi": min(entry, 2**127 - 1)} if name == "position" else {}
        return [account.inputs(name, instrument=number, **bounds, **entries)]
    if name == "exit":
        return list(journals.refused_exits(rng, rows))
    model, found = "health" if name == "liquidation" else name, []
    for seed, drawn in models.cases(model, rng.randrange(2**32), 6, rows):
        # what is first otherwise is an asset of which nobody is short
        case = replace(drawn, rows=drawn.rows[rng.choice([0, 0, 1]) :])
        account = case.account(rows, seed, catalogue.ACCOUNTS_DEPTH)
        if rng.randrange(4) == 0:  # judged in a tier beside the one that applies
            i = rng.randrange(rows)
            tier = account.rows[i].tier + rng.choice([-1, 1])
            account = with_row(account, i, tier=tier) if 0 <= tier < len(account.rows[i].tiers) else account
        if not case.expected():
            continue
        if name == "liquidation":
            found.append(journals.struck(rng, account, case.ratio))
        else:
            flag = {"initial": case.initial} if model in {"margin", "portfolio"} else {}
            found.append(account.inputs(name, ratio_ppm=case.ratio, **flag))
    return found


def _plain(rows: int, **changed: int) -> list[RawRow]:
    """Assets that are worth nothing, so far."""
    return [RawRow(9 * i + 7, 5, **changed) for i in range(rows)]


def _disordered(rows: int) -> Iterator[RawAccount]:
    """Two rows in the wrong order, or of one instrument; a row behind an empty one."""
    for i in range(1, rows):
        held = _plain(rows)
        yield RawAccount((*held[: i - 1], RawRow(), *held[i:]))
        held = _plain(rows)
        held[i - 1 : i + 1] = reversed(held[i - 1 : i + 1])
        yield RawAccount(tuple(held))
        held[i] = held[i - 1]
        yield RawAccount(tuple(held))


def _ordering(rows: int) -> Iterator[RawAccount]:
    """Orders that cost more than there is, or that leave a position too large: each row, each place for an order."""
    market = RawRow(0, 5, price=10, notional_price=10, is_asset=0, tiers=((0, UNBOUNDED, 10**6, 10**6, 0),))
    for i in range(rows):
        at_cost, held = replace(_plain(rows)[i], is_asset=0, amount=0, price=10), _plain(rows)
        for row, order in (
            (replace(_plain(rows)[i], price=10), RawOrder(i, 0, 7, 3)),
            (at_cost, RawOrder(i, 0, 17, 3)),
            (at_cost, RawOrder(i, 1, 3, 3)),
            (replace(market, instrument=9 * i + 7, entry=-60), RawOrder(i, 1, 10, 20)),
            (replace(market, instrument=9 * i + 7, entry=-60), RawOrder(i, 0, 10, 10)),
            (replace(market, instrument=9 * i + 7, entry=50, short_only=1), RawOrder(i, 1, 10, 20)),
        ):
            for place in {0, i}:
                orders = [RawOrder(rows)] * place + [order]
                yield RawAccount((*held[:i], row, *held[i + 1 :]), orders=tuple(orders))


def _losing(rows: int) -> Iterator[RawAccount]:
    """Every row loses in one scenario, more than there is, and the worst loss is said to be none; a debt, and a gain in
    every scenario, which is said to be a worst loss below none."""
    for s in range(33):
        held = tuple(
            replace(row, changes=tuple(-(i + 1) * (k == s) for k in range(33))) for i, row in enumerate(_plain(rows))
        )
        yield RawAccount(held, scenarios=RawScenarios(maintenance_factor=10**6), overrides={"worst": 0})
    gaining = [replace(row, changes=(10**6,) * 33) for row in _plain(rows, price=10**6)]
    gaining[1] = replace(gaining[1], amount=-1)
    gain = 10**6 * sum(row.amount for row in gaining)
    yield RawAccount(tuple(gaining), scenarios=RawScenarios(maintenance_factor=10**6), overrides={"worst": -gain})


def _rounded(name: str, rows: int) -> Iterator[RawAccount]:
    """Each row in turn an asset that just fails to cover what another requires, by what rounding takes from it."""
    short = 10**6 + 1
    for i in range(rows):
        held, other = _plain(rows), 1 if i != 1 else 2
        held[i] = journals.grain(held[i], name, short + 4 + (name == "exit" and i == 0))
        needing = replace(held[other], is_asset=0, amount=1, notional_price=1, risk=(short,) * 4)
        held[other] = replace(needing, tiers=((0, UNBOUNDED, short, short, 0),))
        yield RawAccount(tuple(held))


def _hollow(rows: int) -> Iterator[RawAccount]:
    """A debt, and assets that count nothing, but all of their price for who takes their owner to be short of them."""
    for i in {1, rows - 1}:
        held = _plain(rows, price=10**6)
        held[i] = replace(held[i], amount=-1)
        yield RawAccount(tuple(held))


def _beside(rows: int) -> Iterator[RawAccount]:
    """Assets that count nothing, of which one has a single tier, and its value lies above that or below."""
    for i in range(rows):
        for bounds in ((0, 50), (10**6, UNBOUNDED)):
            held = _plain(rows, notional_price=10**14)
            held[i] = replace(held[i], tiers=((*bounds, 0, 0, 0),))
            yield RawAccount(tuple(held))


def _apart(name: str, rows: int) -> Iterator[RawAccount]:
    """Isolated rows: a debt beside their profits, which must not count for it, or one of them at a loss."""
    held = [replace(row, is_asset=0, isolated=1, entry=-(10**12)) for row in _plain(rows)]
    if name == "exit":  # which takes an asset out
        held[0] = _plain(1)[0]
    for i in {1, rows - 1}:
        debt = replace(_plain(rows)[i], amount=-1, price=1)
        yield RawAccount((*held[:i], debt, *held[i + 1 :]))
    for i in range(rows) if name in ("health", "initial", "portfolio") else ():
        yield RawAccount((*held[:i], replace(held[i], entry=1), *held[i + 1 :]))


def _claimed(name: str, rng: random.Random, account: RawAccount) -> Inputs:
    if name == "exit":  # of the first asset there is
        return test_exit.leaving(account, next(row.instrument for row in account.rows if row.instrument), 1)
    if name == "liquidation":
        return journals.struck(rng, account, 10**6)
    return account.inputs(name, **test_statements.ANY[name])


HONEST = (
    {"balance": _balances, "position": _positions}
    | {model: _covered(model) for model in models.COVERED}
    | journals.HONEST
    | {name: batches(name) for name in BATCHES}
)
