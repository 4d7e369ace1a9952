"""Witness inputs of a batch from raw numbers, in range or not, hashed as docs/spec.md says, and its sums exactly.

Nothing here checks anything: a venue that commits to nonsense can be played, and what the circuit then refuses, it
refuses for its own rule. Margins are computed anew, from section 7 of the text.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import chain, poseidon
from zkstate.kernels import FR_MODULUS

PPM, E12 = 10**6, 10**12
UNBOUNDED = 2**64 - 1


@dataclass(frozen=True)
class Entry:
    """One entry of the table: an instrument at one of its tiers."""

    instrument: int
    price: int = 0
    notional_price: int = 0
    funding: int = 0
    lower: int = 0
    upper: int = UNBOUNDED
    offset: int = 0
    rate: int = 0
    asset: int = 0
    short_only: int = 0
    rounded: int = 0

    def members(self):
        flags = self.asset + 2 * self.short_only + 4 * self.rounded + 8 * (self.upper == UNBOUNDED)
        word = self.rate + 2**20 * flags
        read = (self.price, self.notional_price, self.funding, self.lower, self.upper, self.offset, word)
        return [v % FR_MODULUS for v in read]

    def key(self, mix):
        return sum(v * pow(mix, k, FR_MODULUS) for k, v in enumerate([self.instrument, *self.members()])) % FR_MODULUS


NULL = Entry(0, asset=1)
# quote; a coin that counts 90 %, then 50 % above 100,000; a market at 5 %, then 10 %; an option; an asset that rounds
QUOTE = Entry(1, 10**8, 10**8, rate=PPM, asset=1)
COIN = Entry(2, 3 * 10**10, 3 * 10**10, upper=10**9, rate=900_000, asset=1)
COIN_2 = replace(COIN, lower=10**9, upper=UNBOUNDED, rate=500_000, offset=10**9 * (500_000 - 900_000))
PERP = Entry(3, 3 * 10**10, 3 * 10**10 + 7, -55, upper=10**10, rate=50_000)
PERP_2 = replace(PERP, lower=10**10, upper=UNBOUNDED, rate=100_000, offset=10**10 * 50_000)
OPTION = Entry(4, 10**9, 3 * 10**10, rate=80_000, short_only=1)
ROUNDS = Entry(5, 12_345, 12_345, rate=333_333, asset=1, rounded=1)
TABLE = (NULL, QUOTE, COIN, COIN_2, PERP, PERP_2, OPTION)


@dataclass(frozen=True)
class Held:
    """One row, and the entry it reads, which need not be one of the table."""

    reads: Entry
    amount: int
    entry: int = 0
    funding_at_entry: int = 0
    isolated: int = 0
    instrument: int | None = None

    @property
    def id(self):
        return self.reads.instrument if self.instrument is None else self.instrument

    def margin(self):
        """(equity, need) in 10^-22 quote."""
        e, x = self.reads, abs(self.amount) * self.reads.notional_price
        by_tier = x * e.rate - e.offset * E12
        if e.asset:
            counted = by_tier - by_tier % PPM if e.rounded else by_tier
            return (counted if self.amount >= 0 else self.amount * e.price * PPM), 0
        pnl = self.amount * e.price - self.entry - self.amount * (e.funding - self.funding_at_entry)
        return pnl * PPM, 0 if e.short_only and self.amount >= 0 else by_tier

    def profit(self):
        """What a market row has gained, 10^-16 quote: its value at today's price and funding less what it cost."""
        e = self.reads
        return 0 if e.asset else self.amount * (e.price - e.funding + self.funding_at_entry) - self.entry

    def elements(self):
        held = (self.id * 2 + self.isolated) * 2**128 + (self.amount + 2**63) * 2**64 + self.funding_at_entry + 2**63
        return [held % FR_MODULUS, (self.entry + 2**127) % FR_MODULUS]


NOTHING = Held(NULL, 0)


@dataclass(frozen=True)
class RawAccount:
    rows: tuple[Held, ...]
    id: int
    real: int = 1
    lower: int | None = None
    upper: int | None = None

    def shortfalls(self):
        """What each pot lacks: the cross pot, then each isolated row."""
        margins = [row.margin() for row in self.rows]
        cross = [m for m, row in zip(margins, self.rows, strict=True) if not row.isolated]
        alone = [m for m, row in zip(margins, self.rows, strict=True) if row.isolated]
        pots = [(sum(e for e, _ in cross), sum(n for _, n in cross)), *alone]
        return [max(0, need - equity) for equity, need in pots]


PADDING = RawAccount((NOTHING,) * 4, 0, real=0, lower=0, upper=1)


def sums_commitment(blind, sums):
    """What a batch commits to: the sums where the parts of a leaf stand."""
    held, unhealthy, shortfall, profit = sums
    opened = [0, blind, held, 0, unhealthy, shortfall, profit]
    return poseidon(tag("solvency sums"), [value % FR_MODULUS for value in opened])


@dataclass(frozen=True)
class RawBatch:
    accounts: tuple[RawAccount, ...]
    table: tuple[Entry, ...] = TABLE
    entries: int = 16
    start: tuple[int, int, int, int] = (11, 3, 10**30, -(10**25))  # the sums before
    point: int | None = None
    sums_after: tuple[int, int, int, int] = (0, 0, 0, 0)  # added to the true ones
    rounded: bool = False
    seed: int = 1
    overrides: dict = field(default_factory=dict)  # input name -> value, set last
    forged: dict = field(default_factory=dict)  # input name -> value, before what depends on it is hashed

    def added(self, point, mix):
        """What these accounts add to the sums: exact integers, but for the sum of fractions."""
        held = 0
        for account in self.accounts:
            for row in account.rows:
                value = max(row.amount, 0) + mix * max(-row.amount, 0)
                held += value * pow(point - row.id, -1, FR_MODULUS)
        lacking = [account.shortfalls() for account in self.accounts]
        profit = sum(row.profit() for account in self.accounts for row in account.rows)
        return held % FR_MODULUS, sum(any(each) for each in lacking), sum(map(sum, lacking)), profit

    def inputs(self):
        rng = random.Random(self.seed)
        felt = lambda: rng.randrange(FR_MODULUS)  # noqa: E731
        point = felt() if self.point is None else self.point
        mix, read_point, read_mix, reads_blind, before_blind, after_blind = (felt() for _ in range(6))
        read_point = self.forged.get("read_point", read_point)
        parts, stated, reads = [], [], poseidon(tag("solvency reads"), [reads_blind])
        names = ("owner", "salt", "orders_digest", "history_head", "history_length")
        for account in self.accounts:
            part = dict(zip(names, (felt() for _ in names), strict=True))
            rows = chain(tag(f"rows:{len(account.rows)}"), [e for row in account.rows for e in row.elements()])
            leaf = [account.id, part["owner"], part["salt"], rows, part["orders_digest"]]
            leaf = poseidon(tag("leaf"), [*leaf, part["history_head"], part["history_length"]])
            lower = account.id - 5 if account.lower is None else account.lower
            upper = account.id + 9 if account.upper is None else account.upper
            stated += [account.real * leaf, lower, upper]
            parts.append({**part, "real": account.real, "lower": lower, "upper": upper, "account_id": account.id})
            reads = chain(reads, [v for row in account.rows for v in row.reads.members()])
        listed = [*self.table, *[self.table[0]] * (self.entries - len(self.table))]
        all_read = [row.reads for account in self.accounts for row in account.rows]
        times = [all_read.count(entry) if k < len(self.table) else 0 for k, entry in enumerate(listed)]
        times = self.forged.get("times", times)
        keys = [entry.key(read_mix) for entry in listed]
        before = self.start
        true = [a + b for a, b in zip(before, self.added(point, mix), strict=True)]
        after = [(a + b) % FR_MODULUS for a, b in zip(true, self.sums_after, strict=True)]
        grid = lambda value: [[value(row) for row in account.rows] for account in self.accounts]  # noqa: E731
        read = {
            name: grid(lambda row, k=k: row.reads.members()[k])
            for k, name in enumerate(
                ("price", "notional_price", "funding", "tier_lower", "tier_upper", "tier_offset", "tier_word")
            )
        }
        counted = {}
        if self.rounded:

            def by_tier(row):
                e = row.reads
                return e.asset * (abs(row.amount) * e.notional_price * e.rate - e.offset * E12)

            counted["counted_units"] = grid(lambda row: by_tier(row) // PPM)
            counted["counted_rest"] = grid(lambda row: by_tier(row) % PPM)
        return {
            "leaves": chain(tag("solvency leaves"), stated),
            "table": chain(tag("solvency table"), keys),
            "before": sums_commitment(before_blind, before),
            "after": sums_commitment(after_blind, after),
            "reads": chain(reads, times),
            "point": point,
            "mix": mix,
            "read_point": read_point,
            "read_mix": read_mix,
            **{name: [part[name] for part in parts] for name in parts[0]},
            "instrument": grid(lambda row: row.id % FR_MODULUS),
            "isolated": grid(lambda row: row.isolated),
            "amount": grid(lambda row: (row.amount + 2**63) % FR_MODULUS),
            "entry": grid(lambda row: (row.entry + 2**127) % FR_MODULUS),
            "funding_at_entry": grid(lambda row: (row.funding_at_entry + 2**63) % FR_MODULUS),
            **read,
            **counted,
            "keys": keys,
            "times": times,
            "reads_blind": reads_blind,
            "before_blind": before_blind,
            "after_blind": after_blind,
            "held_before": before[0],
            "unhealthy_before": before[1],
            "shortfall_before": before[2],
            "profit_before": before[3] % FR_MODULUS,
            **self.overrides,
        }


RICH = (Held(QUOTE, 5 * 10**12), Held(COIN, 10**6), Held(PERP, -(10**5), -3 * 10**15, 4), Held(OPTION, 77))
# a debt larger than what counts, and an isolated position under water
POOR = (Held(QUOTE, -(10**14)), Held(COIN_2, 10**11), Held(PERP_2, 10**12, 4 * 10**22, -9, isolated=1), NOTHING)
FIRST, SECOND = RawAccount(RICH, 10**70), RawAccount(POOR, 10**71)
GOOD = RawBatch((FIRST, SECOND))
ENDS_OF_RANGES = (
    Held(QUOTE, 2**63 - 1),
    Held(QUOTE, -(2**63)),
    Held(PERP_2, 2**63 - 1, -(2**127), -(2**63)),
    Held(PERP_2, -(2**63), 2**127 - 1, 2**63 - 1, isolated=1),
    Held(OPTION, -(10**6)),
    Held(COIN, (10**9 * 10**12 - 1) // COIN.notional_price),
    Held(COIN_2, -(-(10**9) * 10**12 // COIN.notional_price)),
    Held(PERP, 0),
)
COIN_AT_HOME = replace(COIN, price=COIN.price + 1)
# an asset whose amounts are notional values, and one that counts as the one that rounds but exactly
STEP = Entry(6, 1, 1, upper=9, rate=500_000, asset=1)
STEP_2 = replace(STEP, lower=9, upper=UNBOUNDED, rate=100_000, offset=9 * (100_000 - 500_000))
STEPS = (*TABLE, STEP, STEP_2)
EXACT = replace(ROUNDS, instrument=6, rounded=0)


def of_rows(*rows: Held, **changes: object) -> RawBatch:
    """GOOD, where the first account holds these rows."""
    padded = (*rows, *[NOTHING] * (4 - len(rows)))
    return replace(GOOD, accounts=(replace(FIRST, rows=padded), SECOND), **changes)


def gaining(claimed: int, batch: RawBatch = GOOD) -> RawBatch:
    """The batch, where its sums after claim this profit of its rows."""
    true = sum(row.profit() for account in batch.accounts for row in account.rows)
    assert claimed != true
    return replace(batch, sums_after=(0, 0, 0, claimed - true))


MARKETS = (RICH[2], RICH[3], POOR[2])
GAINED = sum(row.profit() for row in MARKETS)
ENTRY_OF_AN_ASSET = of_rows(Held(QUOTE, 5, -7), Held(COIN, -3, 11, 2))  # which nothing reads
PERPS = tuple(replace(PERP, instrument=6 + k) for k in range(4))
# of both signs, cross and isolated
POSITIONS_IN_ALL_ROWS = of_rows(
    *(Held(perp, 7 - 5 * k, 11**k, 3 - k, isolated=k % 2) for k, perp in enumerate(PERPS)), table=(*TABLE, *PERPS)
)
WRONG_PROFITS = {
    "a profit left out": gaining(0),
    "a profit of the other sign": gaining(-GAINED),
    "a profit by one unit more": gaining(GAINED + 1),
    "a profit without funding": gaining(sum(row.amount * row.reads.price - row.entry for row in MARKETS)),
    "a profit without what funding was at entry": gaining(
        sum(row.amount * (row.reads.price - row.reads.funding) - row.entry for row in MARKETS)
    ),
    "a profit without entry values": gaining(sum(row.profit() + row.entry for row in MARKETS)),
    "a profit without isolated positions": gaining(sum(row.profit() for row in MARKETS if not row.isolated)),
    "a profit without what short positions gained": gaining(sum(row.profit() for row in MARKETS if row.amount > 0)),
    "a profit with the debts of assets": gaining(GAINED + POOR[0].amount * QUOTE.price),
    "a profit with the entry value of an asset": gaining(POOR[2].profit() + 7, ENTRY_OF_AN_ASSET),
}
"""Sums whose profit is not that of the market rows."""

REFUSED_ALIKE = {
    "an id below its bound": (
        replace(GOOD, accounts=(replace(FIRST, lower=FIRST.id + 1), SECOND)),
        "the id is at least its lower bound",
    ),
    "an id at the next bound": (
        replace(GOOD, accounts=(replace(FIRST, upper=FIRST.id), SECOND)),
        "the id is below its upper bound",
    ),
    "an amount too large": (of_rows(Held(QUOTE, 2**63)), "row 0: the amount is a signed 64-bit integer"),
    "an amount too small": (of_rows(Held(QUOTE, -(2**63) - 1)), "row 0: the amount is a signed 64-bit integer"),
    "an entry value too large": (of_rows(Held(PERP, 5, 2**127)), "row 0: the entry value is a signed 128-bit integer"),
    "an entry value too small": (
        of_rows(Held(PERP, 5, -(2**127) - 1)),
        "row 0: the entry value is a signed 128-bit integer",
    ),
    "a funding index too large": (
        of_rows(Held(PERP, 5, 0, 2**63)),
        "row 0: the funding at entry is a signed 64-bit integer",
    ),
    "a funding index too small": (
        of_rows(Held(PERP, 5, 0, -(2**63) - 1)),
        "row 0: the funding at entry is a signed 64-bit integer",
    ),
    "padding that holds something": (of_rows(Held(QUOTE, 5), Held(NULL, 5)), "row 1: padding holds nothing"),
    "an account called padding": (
        replace(GOOD, accounts=(FIRST, replace(SECOND, real=0))),
        "an account that is padding holds nothing",
    ),
    "a tier too high": (of_rows(Held(PERP_2, 5)), "row 0: the notional value reaches the tier's lower bound"),
    "a tier too low": (of_rows(Held(COIN, 10**11)), "row 0: the notional value stays below the tier's upper bound"),
    "a tier too high by one unit": (
        of_rows(Held(STEP_2, 9 * E12 - 1), table=STEPS),
        "row 0: the notional value reaches the tier's lower bound",
    ),
    "a tier too low by one unit": (
        of_rows(Held(STEP, 9 * E12), table=STEPS),
        "row 0: the notional value stays below the tier's upper bound",
    ),
}
"""What both circuits of a batch refuse in the same words."""
