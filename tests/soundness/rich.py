"""Rich accounts with any digits everywhere, so that few wires of a statement are 0 in all of their witnesses."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from tests.circuits import test_exit, test_statements
from tests.circuits.raw import (
    UNBOUNDED,
    RawAccount,
    RawOrder,
    RawRow,
    RawScenarios,
)
from tests.soundness import journals
from tests.soundness.batches import BATCHES
from tests.soundness.statements import Inputs, circuit_of, honest
from zkstate.constraint.circuit import Witness
from zkstate.errors import WitnessError
from zkstate.kernels import FR_MODULUS

Tier = tuple[int, int, int, int, int]


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
