"""The account block of transparent batches as blocks to probe: two accounts between the ends, good and false ones."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import count, islice
from typing import Any

from circuits.account_block import READ
from circuits.batch_account import COUNTED
from tests.circuits import test_account_block
from tests.circuits.raw_batch import (
    COIN,
    COIN_2,
    NOTHING,
    NULL,
    PERP,
    PERP_2,
    QUOTE,
    ROUNDS,
    TABLE,
    Entry,
    Held,
    RawAccount,
    RawBatch,
)
from tests.circuits.raw_block import RawBlocks, counted
from tests.soundness import deletion
from tests.soundness.attack import DERIVED, SECOND
from tests.soundness.batches import Inputs, good_accounts, random_batch, widened
from tests.soundness.unrolled import LimbSearch, Unrolled, unroll
from tests.soundness.unrolling import PLACE, Shape
from zkstate.constraint import compile_blocks
from zkstate.constraint.statement import BOOL, uint

TOP = "the highest limb of a rest: below 2^24 it is at least 0, and another rule requires it to be below 10^6"
REASONS = {r"the rest has at most 20 bits: limb 2": TOP}
ROWS, LOG_BLOCKS, ENTRIES = 4, 2, 32
POINT = 10**60
RANDOM = 1  # batches of accounts drawn at random, whose entries the table has
PLAIN = tuple(replace(QUOTE, instrument=4000 + k, price=k, notional_price=k, rate=0) for k in range(ROWS))
GRAINS = tuple(replace(ROUNDS, instrument=4010 + k) for k in range(ROWS))
BARE = 243  # of a grain: rounding leaves 55 over, and a rest of 20 bits may then be 10^6 more
# at two tiers each, behind all others
MARKET, MARKET_2, ASSET, ASSET_2 = (
    replace(each, instrument=4090 + i // 2) for i, each in enumerate((PERP, PERP_2, COIN, COIN_2))
)
MOVED = {
    "bound": uint(249), "next_bound": uint(249), "isolated": BOOL, "amount": uint(64), "entry": uint(128),
    "funding_at_entry": uint(64), "counted_units": uint(128), "counted_rest": uint(20),
}  # fmt: skip
What = tuple[str, int, int]  # a row, link or member of a lookup of the block: of `Unrolled.rows_of`
Copies = dict[What, dict[int, int]]
OPEN = ("stated", "bound", "next_bound")  # columns that an attacker states; the rest the verifier works out


@cache
def _drawn() -> tuple[RawBatch, ...]:
    """Such of which no asset counts less than nothing, as its tiers allow, but no table's do."""
    drawn = (random_batch(random.Random(f"blocks {i}"), ROWS) for i in count())
    sound = (batch for batch in drawn if all(counted(row) >= 0 for account in batch.accounts for row in account.rows))
    return tuple(islice(sound, RANDOM))


@cache
def table() -> tuple[Entry, ...]:
    """All entries that some account here reads."""
    held = [row.reads for batch in _drawn() for account in batch.accounts for row in account.rows]
    found = tuple(dict.fromkeys([*TABLE, ROUNDS, *PLAIN, *GRAINS, MARKET, MARKET_2, ASSET, ASSET_2, *held]))
    assert len(found) <= ENTRIES
    return found


def raw(*accounts: RawAccount, **changes: Any) -> RawBlocks:
    columns, secret = changes.pop("columns", {}), changes.pop("secret", {})
    accounts = tuple(widened(account, ROWS) for account in accounts)
    batch = RawBatch(accounts, table(), ENTRIES, point=POINT, rounded=True, **changes)
    return RawBlocks(batch, LOG_BLOCKS, columns, secret)


@cache
def system() -> Unrolled:
    """The block with rounding, which says all that the one without says."""
    made = raw(*test_account_block.GOOD.accounts)
    constant = {name: tuple(v) for name, v in made.inputs()["columns"].items() if name not in OPEN}
    return unroll(
        compile_blocks(made.statement), Shape(1 << LOG_BLOCKS, constant, MOVED, ("instrument", *READ), COUNTED)
    )


def inputs(blocks: RawBlocks) -> Inputs:
    """The inputs of the unrolled circuit."""
    made = blocks.inputs()
    n, empty = 1 << LOG_BLOCKS, [NOTHING] * ROWS
    inside = [list(account.rows) for account in blocks.batch.accounts]
    rows = [empty, *inside, *[empty] * (n - 1 - len(inside))]
    listed = list(table())
    places = {PLACE: [[listed.index(row.reads) for row in each] for each in rows]}
    columns = {name: made["columns"][name] for name in OPEN}
    return columns | {k: v for k, v in made["secret"].items() if k not in ("instrument", *READ)} | places


def good() -> list[Inputs]:
    """As `good_batch`, with amounts that round."""
    grains = [_account([Held(GRAINS[k], amount + k) for k in range(ROWS)]) for amount in (7, 2 * 10**6 - 1)]
    owing = [_account([Held(e, -(10**9) if k == at else BARE) for k, e in enumerate(GRAINS)]) for at in (0, ROWS - 1)]
    # a tier without a notional value takes an amount of either sign for one of any size
    free = [_account([*(Held(e, 0) for e in (QUOTE, COIN, PERP)[:k]), Held(PLAIN[0], 5)]) for k in range(ROWS)]
    pairs = [
        (free[0], free[1]),
        (free[2], free[3]),
        *good_accounts(ROWS),
        (grains[0], grains[1]),
        (owing[0], owing[1]),
        (owing[1], owing[0]),
        *(batch.accounts for batch in _drawn()),
    ]
    return [inputs(raw(*pair)) for pair in pairs if all(account.real for account in pair)]


def false() -> list[Inputs]:
    """Batches that break one rule each, in one row after the other; an end that holds something."""
    ends = [inputs(raw(*test_account_block.GOOD.accounts)) for _ in range(2)]
    for at, made in zip((0, -1), ends, strict=True):
        made[PLACE][at][0], made["amount"][at][0] = table().index(QUOTE), 2**63 + 5
    return [*(inputs(each) for each in _false()), *ends]


def _false() -> Iterator[RawBlocks]:
    first, second = test_account_block.GOOD.accounts
    for made, _ in test_account_block.FALSE.values():
        blocks = made if isinstance(made, RawBlocks) else RawBlocks(made)
        reads = {row.reads for account in blocks.batch.accounts for row in account.rows}
        own = {name for name, _ in blocks.columns}
        if reads <= set(table()) and own <= set(OPEN) and all(account.real for account in blocks.batch.accounts):
            batch = blocks.batch
            yield raw(*batch.accounts, columns=blocks.columns, secret=blocks.secret, sums_after=batch.sums_after)
    null, lied = Held(NULL, 5), ((0, -1, 0, 0), (0, 0, -1, 0))
    tiers = (Held(MARKET_2, 5), Held(MARKET, 10**12), Held(ASSET_2, 5), Held(ASSET, 10**12), Held(ASSET, -(10**12)))
    for i in range(ROWS):
        before = [Held(each, 0) for each in PLAIN[:i]]
        for wrong in (*tiers, Held(MARKET, 5, isolated=2), Held(ASSET, 5, isolated=1), null):
            yield raw(_account([*before, wrong]), second)
        for poor in (Held(ASSET, -(10**9)), Held(MARKET, 5, 10**30, isolated=1), Held(MARKET, -5, 10**30)):
            yield from (raw(_account([*before, poor]), second, sums_after=off) for off in lied)
        if i:
            behind, twice, swapped = ([Held(each, 5) for each in PLAIN] for _ in range(3))
            behind[i - 1], twice[i] = NOTHING, twice[i - 1]
            swapped[i - 1 : i + 1] = reversed(swapped[i - 1 : i + 1])
            yield from (raw(first, _account(each)) for each in (behind, swapped, twice))
    off = [(1, 0, 0, 0), (0, -1, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)]
    for batch in _drawn():
        yield from (raw(*batch.accounts, sums_after=each) for each in off)


def _account(held: list[Held]) -> RawAccount:
    return widened(RawAccount(tuple(held), 10**70 + len(held)), ROWS)


def deleted(seed: str, most: int, rows: Collection[int] = ()) -> deletion.Found:
    """As `deleted_of` a sample of `most` of the account block, or what these rows of the unrolled circuit stand for."""
    copies = system().rows_of()
    return deleted_of(system(), good(), false, seed, chosen(copies, sorted(copies), seed, most, rows), REASONS)


def chosen(copies: Copies, among: list[What], seed: str, most: int, rows: Collection[int]) -> list[What]:
    """A sample, or those that these rows of the unrolled circuit are copies of."""
    if rows:
        return sorted(what for what, own in copies.items() if set(own.values()) & set(rows))
    return sorted(random.Random(seed).sample(among, min(most, len(among))))


def deleted_of(
    unrolled: Unrolled, good: list[Inputs], false: Callable[[], list[Inputs]], seed: str, left: list[What],
    reasons: Mapping[str, str],
) -> deletion.Found:  # fmt: skip
    """These rows, links and members of lookups of a block, each deleted once: attacked in one of the blocks, or not."""
    copies = unrolled.rows_of()
    attacked, named = 0, Counter[str]()
    rest: dict[What, deletion.Left] = dict.fromkeys(left, (0, "", ""))
    for turn in range(1 << LOG_BLOCKS):
        here = {there[turn]: what for what in rest if turn < len(there := _in_turn(copies[what]))}
        if not here:
            break
        found = deletion.delete(unrolled, good, here, f"{seed} {turn}", reasons, false, LimbSearch)
        attacked += found.attacked
        named.update(found.named)
        gone = set(here.values())
        again = {here[row[0]]: row for row in (*found.derived, *found.second, *found.unexplained)}
        rest = {what: row for what, row in rest.items() if what not in gone} | again
    derived, second, nothing = (tuple(row for row in rest.values() if row[2] == kind) for kind in (DERIVED, SECOND, ""))
    return deletion.Found(attacked, derived, second, named, nothing)


def _in_turn(copies: dict[int, int]) -> list[int]:
    """The copies of a row: in the accounts, then at the ends."""
    return [copies[b] for b in (1, 2, 0, 3) if b in copies]
