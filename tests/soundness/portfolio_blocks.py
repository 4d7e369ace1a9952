"""The block of the portfolio rule as blocks to probe, as `blocks` has the account block: good and false accounts."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache

from circuits.account_block import RATES, READ
from tests.circuits import test_portfolio_block
from tests.circuits.raw_batch import COIN, COIN_2, NOTHING, OPTION, PERP, QUOTE, TABLE, Held
from tests.circuits.raw_portfolio import FIRST, RISKS, SECOND, RawPortfolio, RiskyAccount, raw
from tests.soundness import deletion
from tests.soundness.batches import Inputs
from tests.soundness.blocks import LOG_BLOCKS, MOVED, OPEN, POINT, ROWS, What, chosen, deleted_of
from tests.soundness.unrolled import Unrolled, unroll
from tests.soundness.unrolling import PLACE, Shape
from zkstate.constraint import compile_blocks

WORST = "worst"
TOP = "the highest limb of a worst loss: either lookup bounds it, and another rule requires it to be a loss or 0"
REASONS = {r"the worst loss is not negative: limb 16": TOP}
OWN = re.compile(r"worst loss|reads the changes|: contingency_|cross pot|: product$")
CHUNKS = [key for key, *_ in RISKS.chunks()]
GAINS = (Held(COIN, -337_245), Held(PERP, 224_054), Held(OPTION, 15_519))  # in every scenario


def made(*accounts: RiskyAccount, **changes) -> RawPortfolio:
    return raw(*accounts, point=POINT, **changes)


@cache
def system() -> Unrolled:
    """The block without rounding, whose part `blocks` has."""
    blocks = made(FIRST, SECOND)
    constant = {name: tuple(v) for name, v in blocks.inputs()["columns"].items() if name not in OPEN}
    read = ("instrument", *READ, *RATES, "changes")
    return unroll(compile_blocks(blocks.statement), Shape(1 << LOG_BLOCKS, constant, MOVED, read, (WORST,)))


def inputs(blocks: RawPortfolio) -> Inputs:
    """The inputs of the unrolled circuit."""
    found, listed = blocks.inputs(), list(TABLE)
    # what rows read: an entry each, then the changes of its instrument each
    places = [[*(listed.index(row.reads) for row in each), *(CHUNKS.index(4 * row.id) for row in each)]
              for each in blocks.grid]  # fmt: skip
    columns = {name: found["columns"][name] for name in OPEN}
    read = ("instrument", *READ, *RATES, "changes")
    return columns | {k: v for k, v in found["secret"].items() if k not in read} | {PLACE: places}


def good() -> list[Inputs]:
    """Accounts of either sign in each instrument and place, with losses in each scenario and in none."""
    pairs = [(FIRST, SECOND), (SECOND, FIRST)]
    sizes = ((QUOTE, 10**9), (COIN, 10**6), (PERP, 10**5), (OPTION, 10**4))
    pairs.append((_account([Held(e, size) for e, size in sizes]), _account([Held(e, -size) for e, size in sizes])))
    pairs += [
        (_account([Held(e, -(10**4))]), _account([Held(e, 10**4, isolated=i)])) for e, i in ((COIN, 0), (PERP, 1))
    ]
    pairs += [(_account([]), _account([Held(OPTION, 10**5)])), (_account(GAINS), _account([Held(QUOTE, 1)]))]
    pairs += [(_account(mixed), _account(mixed[::2])) for mixed in _mixed()]
    return [inputs(made(*pair)) for pair in pairs]


def _mixed() -> list[list[Held]]:
    rng = random.Random(5)
    return [
        [
            Held(e, rng.randrange(-(10**6), 10**6), isolated=int(e == PERP and k % 2))
            for e in (QUOTE, COIN, PERP, OPTION)
        ]
        for k in range(4)
    ]


def false() -> list[Inputs]:
    """Accounts that break one rule each: a worst loss that is none, sums that leave something out, other tiers."""
    found = [inputs(case) for case, _ in test_portfolio_block.FALSE.values() if _plain(case)]
    for account in (FIRST, SECOND, *(_account(held) for held in (GAINS, *_mixed()))):
        worst = max(0, *RISKS.losses(account.rows))
        values = {0, worst - 1, worst + 1, -1, *RISKS.losses(account.rows)} - {worst}
        found += [inputs(made(account, SECOND, secret={(WORST, 1): value})) for value in values]
        lies = ((0, -1, 0, 0), (0, 0, -1, 0), (1, 0, 0, 0), (0, 0, 0, 1))
        found += [inputs(made(account, SECOND, sums_after=lie)) for lie in lies]
    wrong = [Held(COIN_2, 5), Held(COIN, 10**12), Held(PERP, 5, isolated=2), Held(QUOTE, 5, isolated=1)]
    return found + [inputs(made(_account([held]), SECOND)) for held in wrong]


def _plain(case: RawPortfolio) -> bool:
    """Whether a case differs in what is moved here alone."""
    reads = {row.reads for each in case.grid for row in each}
    names = {name for name, *_ in (*case.columns, *case.secret)}
    return case.risks == RISKS and reads <= set(TABLE) and names <= {*OPEN, WORST}


def _account(held: Sequence[Held]) -> RiskyAccount:
    return replace(FIRST, rows=(*held, *[NOTHING] * (ROWS - len(held))))


def own() -> list[What]:
    """What this block says and the account block does not: what `blocks` has is left to it."""
    unrolled = system()
    found = []
    for what, copies in sorted(unrolled.rows_of().items()):
        label = unrolled.circuit.label(next(iter(copies.values())))
        if OWN.search(label):
            found.append(what)
    return found


def deleted(seed: str, most: int, rows: Collection[int] = ()) -> deletion.Found:
    """As `deleted_of` a sample of `most` of what is its own, or what these rows of the unrolled circuit stand for."""
    picked = chosen(system().rows_of(), own(), seed, most, rows)
    return deleted_of(system(), good(), false, seed, picked, REASONS)
