"""Accounts to attack rows of a statement from: such as are refused, one rule after the other, or scattered."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from circuits import catalogue
from circuits.priced import TIER_BITS
from tests.circuits import models, raw_journal, test_exit, test_statements
from tests.circuits.raw import (
    FLAT,
    UNBOUNDED,
    RawAccount,
    RawOrder,
    RawRow,
    RawScenarios,
    with_row,
)
from tests.soundness import journals
from tests.soundness.batches import BATCHES, false_batches
from tests.soundness.statements import AS_PRICED, TIER, Inputs, holdings
from zkstate.state.schema import MAX_TIERS

RICH = ((0, UNBOUNDED, 950_000, 0, 0),)


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
        made += (
            [*_hollow(rows), *_beside(rows), *_apart(name, rows), *_invented(name, rows)] if name in AS_PRICED else []
        )
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
        account, number, amount, entry = next(holdings(rng, rows))
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
        yield RawAccount((*held[: i + 1], *[RawRow()] * (rows - i - 1)))  # and nothing behind them
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


def _invented(name: str, rows: int) -> Iterator[RawAccount]:
    """A debt, and an asset that counts nothing in any of its tiers, but all of its price in one that is made up."""
    for i in range(rows):
        held, other = _plain(rows), 1 if i != 1 else 2
        held[other] = replace(held[other], amount=-1, price=1)
        held[i] = replace(held[i], notional_price=10**6, tiers=FLAT * MAX_TIERS)
        made_up = dict(zip(TIER[1:], ([FLAT[0][k]] * rows for k in range(5)), strict=True))
        made_up |= {each: [10**6 * (k == i) for k in range(rows)] for each in ("rates", "initial_rates")}
        left = held[i].amount - (name == "exit" and i == 0)
        made_up |= {"counted_units": [10**6 * left * (k == i) for k in range(rows)]} if name in AS_PRICED[1:] else {}
        for tier in range(0, MAX_TIERS, 2):  # of two, which share all choices but for the lowest digit's, one
            made_up["tier"] = [[tier >> digit & (k == i) for digit in range(TIER_BITS)] for k in range(rows)]
            yield RawAccount(tuple(held), overrides=dict(made_up))


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
