"""Random and edge accounts for every margin model, and the verdict of the specification in Fractions on each."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from circuits import catalogue
from tests.circuits.nudge import broken_labels
from tests.circuits.raw import RawAccount, RawOrder, RawScenarios, raw_row
from tests.state import oracle
from zkstate.constraint import compile_statement

COVERED = {
    "margin": "equity covers the margin requirement",
    "health": "equity covers the margin requirement",
    "initial": "equity covers the initial requirement",
    "portfolio": "equity covers the portfolio's requirement",
}
ALONE = "row {}, if isolated, covers its own requirement"
FULL = 2**63 - 1
UNIT = Fraction(1, 10**28)  # of equity·10^6 - ratio·need, in quote
GRAIN = {  # an asset whose value counts at one millionth: its amount moves equity by units of 10^-22 quote
    "id": 1, "flags": 1, "decimals": 0, "price": 1, "notional_price": 1, "funding": 0, "tiers": [(0, 1, 0)],
}  # fmt: skip
NO_RISK = (0, 0, 0, 0, ())


@dataclass(frozen=True)
class Case:
    """An account with the tables that price it, and a claim about it."""

    model: str
    instruments: list
    rows: list
    orders: list
    scenarios: dict | None
    ratio: int
    initial: int

    def excesses(self):
        """equity·10^6 - ratio·need of the cross pot and of each isolated row, in units of the circuit: integers."""
        held = [row for row in self.rows if row[0]]
        initial = {"health": False, "initial": True}.get(self.model, bool(self.initial))
        pots = oracle.pots(held, self.instruments, initial, self.orders)
        if self.scenarios is not None:
            pots[0] = pots[0][0], oracle.portfolio(held, self.instruments, self.scenarios, initial)[1]
        units = [(equity * 10**6 - self.ratio * need) / (UNIT * 10**6) for equity, need in pots]
        assert all(unit.denominator == 1 for unit in units)
        return [int(unit) for unit in units]

    def expected(self):
        """The labels that refuse."""
        cross, *isolated = self.excesses()
        apart = [i for i, row in enumerate(self.rows) if any(row[4:])]
        below = {ALONE.format(i) for i, excess in zip(apart, isolated, strict=True) if excess < 0}
        own = {COVERED[self.model]} if cross < 0 else set()
        return own if self.model == "margin" else own | below

    def broken(self, circuit, n, seed):
        """The labels by which a circuit of class n refuses."""
        return broken_labels(circuit, self.inputs(n, seed, depth=1))

    def inputs(self, n, seed, depth):
        """What a circuit of class n takes, under an accounts tree of a depth."""
        flag = {"initial": self.initial} if self.model in {"margin", "portfolio"} else {}
        return self.account(n, seed, depth).inputs(self.model, ratio_ppm=self.ratio, **flag)

    def account(self, n, seed, depth):
        """The account of class n, with what prices it."""
        rows = [*self.rows, *[(0, 0, 0, 0)] * (n - len(self.rows))]
        places = {row[0]: place for place, row in enumerate(self.rows)}
        risks = self.scenarios["risks"] if self.scenarios else []
        return RawAccount(
            tuple(
                raw_row(row, self.instruments, self._margined(row), risks[row[0] - 1] if risks and row[0] else NO_RISK)
                for row in rows
            ),
            seed=seed,
            depth=depth,
            orders=tuple(RawOrder(places[of], side, price, size) for of, side, price, size in self.orders),
            scenarios=RawScenarios(
                *(len(self.scenarios["scenarios"]), self.scenarios["initial_factor"]),
                self.scenarios["maintenance_factor"],
            )
            if self.scenarios
            else RawScenarios(),
        )

    def _margined(self, row):
        """The size that chooses the tier, where orders are reserved: a hint, which the circuit does not believe."""
        number, amount = row[:2]
        if self.model != "initial" or not number or self.instruments[number - 1]["flags"] & 1:
            return abs(amount)
        bought = sum(size for of, side, _, size in self.orders if of == number and not side)
        sold = sum(size for of, side, _, size in self.orders if of == number and side)
        if self.instruments[number - 1]["flags"] & 2:
            return max(0, sold - amount)
        return max(abs(amount + bought), abs(amount - sold))


def random_instrument(rng, number, rounding=True):
    asset = rng.random() < 0.4
    price = rng.choice([0, 1, 2**64 - 1, rng.randrange(2**64), rng.randrange(10**12), rng.randrange(10**12)])
    lowers = sorted(rng.sample(range(1, 10 ** rng.randrange(3, 19)), rng.randrange(13)))
    rates = sorted((rng.choice([0, 10**6, rng.randrange(10**6)]) for _ in range(len(lowers) + 1)), reverse=asset)
    initial = [0 if asset else rate + (10**6 - rate) * k // 13 for k, rate in enumerate(rates)]
    return {
        "id": number,
        "flags": rng.choice([1, 5 if rounding else 1] if asset else [0, 0, 2]),
        "decimals": 8,
        "price": price,
        "notional_price": price if asset or rng.random() < 0.7 else rng.randrange(2**64),
        "funding": 0 if asset else rng.randrange(-(10**9), 10**9),
        "tiers": list(zip([0, *lowers], rates, initial, strict=True)),
    }


def random_book(rng, n, rounding):
    """(instruments, rows) for one account of class n: GRAIN first, then anything, with padding sometimes."""
    instruments = [GRAIN, *(random_instrument(rng, i, rounding) for i in range(2, 40))]
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


def random_orders(rng, instruments, rows, n):
    orders = []
    for _ in range(rng.randrange(n + 1) if rows else 0):
        i = instruments[rng.choice(rows)[0] - 1]
        price = rng.choice([0, i["price"], 2**64 - 1, max(0, i["price"] - 1), rng.randrange(2**64)])
        orders.append((i["id"], rng.randrange(2), price, rng.choice([1, 2**64 - 1, rng.randrange(1, 10**10)])))
    return [order for order in orders if order[0] != 1]


def random_scenarios(rng, instruments):
    count = rng.choice([1, 32, rng.randrange(1, 33)])
    wild = rng.random() < 0.3
    bound = 2**63 if wild else 10**9
    risks = []
    for _ in instruments:
        rates = [rng.choice([0, 10**6, rng.randrange(10**6)]) for _ in range(4)]
        gains = rng.random() < 0.2  # in no scenario a loss for those who are long
        changes = [rng.choice([0, -bound, bound - 1, rng.randrange(-bound, bound)]) for _ in range(count)]
        risks.append((*rates, [abs(c) if gains and c > -(2**63) else c for c in changes]))
    risks[0] = (0, 0, 0, 0, [0] * count)
    factors = [rng.choice([0, 10**6, 2**32 - 1, rng.randrange(2 * 10**6)]) for _ in range(2)]
    return {
        "scenarios": [(0, 0)] * count, "initial_factor": factors[0], "maintenance_factor": factors[1], "risks": risks,
    }  # fmt: skip


def cases(model, seed, count, n):
    """Random claims; about a third are moved to where equity meets the requirement, or misses it by one unit."""
    rng = random.Random(seed)
    for number in range(count):
        instruments, rows = random_book(rng, n, rounding=model != "margin")
        ratio, initial = rng.choice([10**6, 10**6, 0, 2**32 - 1, rng.randrange(2 * 10**6)]), rng.randrange(2)
        orders = random_orders(rng, instruments, rows, n) if model == "initial" else []
        scenarios = random_scenarios(rng, instruments) if model == "portfolio" else None
        if rng.random() < 0.6:
            rows = [(*row[:4], 0) for row in rows]
        case = Case(model, instruments, rows, orders, scenarios, ratio, initial)
        if rows and rows[0][0] == 1 and number % 3 == 0:
            # a millionth of the value of `grain` units of GRAIN is `grain` units of equity: 10^6 units of the excess
            grain = -(case.excesses()[0] // 10**6) - rng.choice([0, 0, 1])
            if 0 <= grain < 2**63:
                rows[0] = (1, grain, 0, 0, 0)
        yield rng.randrange(2**32), case


def compared(model, n, count, seed):
    """(kinds of account seen, the accounts on which the circuit of class n and the specification differ)."""
    circuit = compile_statement(catalogue.STATEMENTS[model](n, accounts_depth=1))
    seen, differing = Counter(), []
    for number, case in cases(model, seed, count, n):
        expected = case.expected()
        if case.broken(circuit, n, number) != expected:
            differing.append((number, case))
        seen["isolated"] += bool(expected - {COVERED[model]})
        seen["refused" if expected else "accepted"] += 1
        seen["exactly enough"] += case.excesses()[0] == 0
    return seen, differing


def agree(model, n, count):
    """The circuit of class n refuses for the reasons that the specification has, and for no other."""
    seen, differing = compared(model, n, count, n * 1_000_003 + count)
    assert not differing, differing[0]
    assert min(seen["accepted"], seen["refused"]) >= count // 20, seen
    if n == 4:
        assert seen["exactly enough"] >= count // 20, seen
        assert model == "margin" or seen["isolated"], seen
