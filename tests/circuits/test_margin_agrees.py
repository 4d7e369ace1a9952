"""The margin circuit against the specification in Fractions: the same verdict on random and edge accounts."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from circuits.margin import Margin
from tests.circuits.nudge import broken_labels
from tests.circuits.raw import RawAccount, raw_row
from tests.state import oracle
from zkstate.constraint import compile_statement

COVERED = "equity covers the margin requirement"
ALONE = "row {}, if isolated, covers its own requirement"
FULL = 2**63 - 1
UNIT = Fraction(1, 10**28)  # of equity·10^6 - ratio·need, in quote
GRAIN = {  # an asset whose value counts at one millionth: its amount moves equity by units of 10^-22 quote
    "id": 1, "flags": 1, "decimals": 0, "price": 1, "notional_price": 1, "funding": 0, "tiers": [(0, 1, 0)],
}  # fmt: skip


def random_instrument(rng, number):
    asset = rng.random() < 0.4
    price = rng.choice([0, 1, 2**64 - 1, rng.randrange(2**64), rng.randrange(10**12), rng.randrange(10**12)])
    lowers = sorted(rng.sample(range(1, 10 ** rng.randrange(3, 19)), rng.randrange(13)))
    rates = sorted((rng.choice([0, 10**6, rng.randrange(10**6)]) for _ in range(len(lowers) + 1)), reverse=asset)
    initial = [0 if asset else rate + (10**6 - rate) * k // 13 for k, rate in enumerate(rates)]
    return {
        "id": number,
        "flags": rng.choice([1, 5] if asset else [0, 0, 2]),
        "decimals": 8,
        "price": price,
        "notional_price": price if asset or rng.random() < 0.7 else rng.randrange(2**64),
        "funding": 0 if asset else rng.randrange(-(10**9), 10**9),
        "tiers": list(zip([0, *lowers], rates, initial, strict=True)),
    }


def random_book(rng, n):
    """(instruments, rows) for one account of class n: GRAIN first, then anything, with padding sometimes."""
    instruments = [GRAIN, *(random_instrument(rng, i) for i in range(2, 40))]
    held = rng.choice([n, n, rng.randrange(n + 1)])
    if held == 0:
        return instruments, []
    rows = []
    for number in sorted([1, *rng.sample(range(2, 40), min(held, 39) - 1)]):
        i = instruments[number - 1]
        amount = rng.choice([0, 1, -1, FULL, -FULL, -(2**63), rng.randrange(-(10**10), 10**10)])
        if rng.random() < 0.5 and i["notional_price"]:  # on a tier's bound, or one unit beside it
            bound = rng.choice(i["tiers"])[0] * 10**12 // i["notional_price"]
            amount = max(-FULL, min(FULL, rng.choice([-1, 1]) * (bound + rng.randrange(-1, 2))))
        entry = 0 if i["flags"] & 1 else rng.choice([0, amount * i["price"], rng.randrange(-(2**127), 2**127)])
        funding = 0 if i["flags"] & 1 else rng.randrange(-(2**63), 2**63)
        isolated = 0 if i["flags"] & 1 else int(rng.random() < 0.1)
        rows.append((number, 0 if number == 1 else amount, entry, rng.choice([i["funding"], funding]), isolated))
    return instruments, rows


def excesses(rows, instruments, ratio, initial):
    """equity·10^6 - ratio·need of the cross pot and of each isolated one, in units of the circuit: exact integers."""
    pots = oracle.pots([r for r in rows if r[0]], instruments, bool(initial))
    units = [(equity * 10**6 - ratio * need) / (UNIT * 10**6) for equity, need in pots]
    assert all(unit.denominator == 1 for unit in units)
    return [int(unit) for unit in units]


def excess(rows, instruments, ratio, initial):
    """That of the cross pot."""
    return excesses(rows, instruments, ratio, initial)[0]


def accounts(seed, count, n):
    """Random claims; about a third are moved to where equity meets the requirement, or misses it by one unit."""
    rng = random.Random(seed)
    for number in range(count):
        instruments, rows = random_book(rng, n)
        ratio, initial = rng.choice([10**6, 10**6, 0, 2**32 - 1, rng.randrange(2 * 10**6)]), rng.randrange(2)
        if rows and number % 3 == 0:
            # a millionth of the value of `grain` units of GRAIN is `grain` units of equity: 10^6 units of the excess
            distance = excess(rows, instruments, ratio, initial)
            grain = -(distance // 10**6) - rng.choice([0, 0, 1])
            if 0 <= grain < 2**63 and rows[0][0] == 1:
                rows[0] = (1, grain, 0, 0)
        yield rng.randrange(2**32), instruments, rows, ratio, initial


@pytest.mark.parametrize(
    ("n", "count"),
    [(4, 700), (8, 60), (16, 20), (64, 3)]
    + [pytest.param(*case, marks=pytest.mark.slow) for case in [(4, 8_000), (8, 1_500), (16, 500), (64, 30)]],
)
def test_the_verdict_is_that_of_the_specification(n, count):
    circuit = compile_statement(Margin(n, accounts_depth=1))
    seen = {"accepted": 0, "refused": 0, "exactly enough": 0, "isolated": 0}
    for seed, instruments, rows, ratio, initial in accounts(n * 1_000_003 + count, count, n):
        padded = [*rows, *[(0, 0, 0, 0)] * (n - len(rows))]
        account = RawAccount(tuple(raw_row(row, instruments) for row in padded), seed=seed, depth=1)
        broken = broken_labels(circuit, account.inputs(ratio_ppm=ratio, initial=initial))
        distance, *isolated = excesses(rows, instruments, ratio, initial)
        apart = [i for i, row in enumerate(rows) if any(row[4:])]
        expected = {ALONE.format(i) for i, of_row in zip(apart, isolated, strict=True) if of_row < 0}
        expected |= {COVERED} if distance < 0 else set()
        assert broken == expected, (seed, distance)
        seen["isolated"] += bool(expected - {COVERED})
        seen["refused" if expected else "accepted"] += 1
        seen["exactly enough"] += distance == 0
    assert min(seen["accepted"], seen["refused"]) >= count // 10, seen


@pytest.mark.parametrize("n", [4, 8, 16, 64])
@pytest.mark.parametrize("initial", [0, 1])
def test_one_unit_decides(n, initial):
    """Full rows, a requirement that is met exactly, missed by one unit of equity, and passed by one."""
    circuit = compile_statement(Margin(n, accounts_depth=1))
    rng = random.Random(n)
    market = {**random_instrument(rng, 2), "flags": 0, "price": 3, "notional_price": 3 * 10**9, "funding": 5}
    markets = [{**market, "id": i, "tiers": [(0, 7_000 + i, 20_000), (1, 11_000 + i, 30_000)]} for i in range(2, n + 1)]
    instruments = [GRAIN, *markets]
    rows = [(i, rng.randrange(-1000, 1000), rng.randrange(10**6), 4) for i in range(2, n + 1)]
    need = -excess(rows, instruments, 10**6, initial) // 10**6
    for extra in (-1, 0, 1):
        full = [(1, need + extra, 0, 0), *rows]
        assert excess(full, instruments, 10**6, initial) == extra * 10**6
        account = RawAccount(tuple(raw_row(row, instruments) for row in full), depth=1)
        broken = broken_labels(circuit, account.inputs(ratio_ppm=10**6, initial=initial))
        assert broken == ({COVERED} if extra < 0 else set())


def test_debt_alone_is_refused_and_no_rows_at_all_are_covered():
    circuit = compile_statement(Margin(4, accounts_depth=1))
    coin = {**GRAIN, "id": 2, "price": 10**9, "notional_price": 10**9, "tiers": [(0, 900_000, 0)]}
    for rows, broken in (([(2, -1, 0, 0)], {COVERED}), ([], set())):
        padded = [*rows, *[(0, 0, 0, 0)] * (4 - len(rows))]
        account = RawAccount(tuple(raw_row(row, [GRAIN, coin]) for row in padded), depth=1)
        assert broken_labels(circuit, account.inputs(ratio_ppm=0, initial=0)) == broken
