"""One account of a batch, as a template: its leaf, its rows, what it owes and holds, and whether it is healthy.

Everything a batch says of an account is said here, and once: a batch is copies of this block, joined by what runs
through them (docs/spec.md, section 13). Units: as docs/spec.md section 2; equity and shortfall in 10^-22 quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from zkstate.commitment.domain import tag
from zkstate.constraint.builder import Builder
from zkstate.constraint.template import Interval, Template
from zkstate.constraint.wire import Wire, bounded
from zkstate.state.schema import I64, I128, PPM, U64

from .account import INSTRUMENT_BITS, leaf_of, require_order
from .gadgets.bits import from_bits, to_bits
from .gadgets.comparison import any_of
from .gadgets.division import require_division
from .gadgets.fractions import fraction
from .gadgets.poseidon import chain
from .priced import OFFSET_SCALE, Pot, require_tier

# what runs through all accounts of a batch
SHARED = ("point", "mix", "read_point", *(f"read_mix_{k}" for k in range(1, 8)))
# of an account: whether it is real, the bounds of its id, and the parts of its leaf
PARTS = ("real", "lower", "upper", "account_id", "owner", "salt", "orders_digest", "history_head", "history_length")
# of a row: as it is hashed, each at least 0, and what is read of the table for it, in the order of `read_mix`
HELD = ("instrument", "isolated", "amount", "entry", "funding_at_entry")
READ = ("price", "notional_price", "funding", "tier_lower", "tier_upper", "tier_offset", "tier_word")
COUNTED = ("counted_units", "counted_rest")
RATE_BITS, WORD_BITS = 20, 24  # a tier word: rate, then the flags asset, short only, rounded, unbounded
ID_BITS = 248
BITS = {"real", "isolated"}


@dataclass(frozen=True)
class Judged:
    """What one account adds to its batch."""

    leaf: Wire
    reads: Wire  # the chain of what was read, this account's rows included
    held: Wire  # Σ (credit + mix·debit) / (point − instrument) over its rows
    looked_up: Wire  # Σ 1 / (read_point − key) over its rows
    unhealthy: Wire
    shortfall: Wire
    profit: Wire  # Σ value − entry value − funding due over its market rows, 10^-16 quote

    @property
    def wires(self) -> tuple[Wire, ...]:
        return (self.leaf, self.reads, self.held, self.looked_up, self.unhealthy, self.shortfall, self.profit)


def row_ports(rounded: bool) -> tuple[str, ...]:
    """The inputs of one row."""
    return (*HELD, *READ, *(COUNTED if rounded else ()))


@cache
def account_template(rows: int, rounded: bool) -> Template:
    """The block of one account of size class `rows`: ports are SHARED, the chain so far, PARTS, then row by row."""
    of_row = row_ports(rounded)
    names = [*SHARED, "reads", *PARTS, *(name for _ in range(rows) for name in of_row)]
    ports: list[Interval] = [(0, 1) if name in BITS else None for name in names]

    def define(c: Builder, wires: tuple[Wire, ...]) -> tuple[Wire, ...]:
        first = len(SHARED) + 1 + len(PARTS)
        head = dict(zip(names[:first], wires[:first], strict=True))
        step = len(of_row)
        each = [dict(zip(of_row, wires[first + i * step : first + (i + 1) * step], strict=True)) for i in range(rows)]
        return _Account(c, head, each, rounded=rounded).judge().wires

    return Builder.template(f"account {rows}", ports, define)


class _Account:
    """The rows of the template, in the making."""

    def __init__(self, c: Builder, head: dict[str, Wire], rows: list[dict[str, Wire]], *, rounded: bool) -> None:
        self.c, self.head, self.rows, self.rounded = c, head, rows, rounded
        self.held: list[Wire] = []
        self.looked_up: list[Wire] = []
        self.profit: list[Wire] = []
        # in range, or the same leaf could be taken apart in other ways once the challenges are known
        label = f"the instrument is an unsigned {INSTRUMENT_BITS}-bit integer"
        self.ids = [c.require_uint(row["instrument"], INSTRUMENT_BITS, label) for row in rows]

    def judge(self) -> Judged:
        c = self.c
        padding = require_order(c, self.ids)
        c.require(self.head["real"] | padding[0], "an account that is padding holds nothing")
        elements: list[Wire] = []
        cross, isolated = Pot(c.const(0), c.const(0)), []
        for i, row in enumerate(self.rows):
            with c.scope(f"row {i}"):
                amount, entry, paid_at = self._amounts(row, elements)
                c.require(padding[i] * amount == 0, "padding holds nothing")
                self._count(i, amount)
                self._look_up(i, row)
                whole = self._value(row, amount, entry, paid_at)
                alone = Pot(row["isolated"] * whole.equity, row["isolated"] * whole.need)
                cross = Pot(cross.equity + whole.equity - alone.equity, cross.need + whole.need - alone.need)
                isolated.append(alone)
        reads = chain(c, self.head["reads"], [row[name] for row in self.rows for name in READ])
        unhealthy, shortfall = self._shortfall([cross, *isolated])
        return Judged(
            self._leaf(elements),
            reads,
            c.linear((1, part) for part in self.held),
            c.linear((1, part) for part in self.looked_up),
            unhealthy,
            shortfall,
            c.linear((1, part) for part in self.profit),
        )

    def _leaf(self, elements: Sequence[Wire]) -> Wire:
        """The leaf, 0 for padding, of an account whose id lies within its bounds."""
        c, head = self.c, self.head
        own, lower, upper = (head[name] for name in ("account_id", "lower", "upper"))
        c.require_uint(own - lower, ID_BITS, "the id is at least its lower bound")
        c.require_uint(upper - 1 - own, ID_BITS, "the id is below its upper bound")
        leaf = leaf_of(
            c,
            account_id=own,
            owner=head["owner"],
            salt=head["salt"],
            rows_digest=chain(c, tag(f"rows:{len(self.rows)}"), elements),
            orders_digest=head["orders_digest"],
            history=(head["history_head"], head["history_length"]),
        )
        return c.felt(head["real"]) * leaf

    def _amounts(self, row: dict[str, Wire], elements: list[Wire]) -> tuple[Wire, Wire, Wire]:
        """Amount, entry value and funding at entry in range; and the two elements that the leaf hashes."""
        c = self.c
        amount = c.require_uint(row["amount"], 64, "the amount is a signed 64-bit integer")
        entry = c.require_uint(row["entry"], 128, "the entry value is a signed 128-bit integer")
        funding = c.require_uint(row["funding_at_entry"], 64, "the funding at entry is a signed 64-bit integer")
        held = c.felt(row["instrument"]) * 2 + row["isolated"]
        elements.append(held * (1 << 128) + amount * U64 + funding)
        elements.append(c.felt(entry))
        return amount - I64, entry - I128, funding - I64

    def _count(self, i: int, amount: Wire) -> None:
        """What the row adds to the totals of its instrument."""
        c = self.c
        credit = c.bit(amount >= 0) * amount
        owed = c.felt(self.head["mix"]) * (credit - amount)
        label = "the totals' point is no instrument"
        self.held.append(fraction(c, c.felt(credit) + owed, self.head["point"], self.ids[i], label))

    def _look_up(self, i: int, row: dict[str, Wire]) -> None:
        """The row reads an entry of the table: its instrument, the prices, a tier."""
        c = self.c
        powers = [self.head[name] for name in SHARED[-len(READ) :]]
        key = c.linear([(1, c.felt(self.ids[i])), *((1, p * row[name]) for p, name in zip(powers, READ, strict=True))])
        self.looked_up.append(fraction(c, 1, self.head["read_point"], key, "the reading point is no key"))

    def _value(self, row: dict[str, Wire], amount: Wire, entry: Wire, paid_at: Wire) -> Pot:
        """Equity and maintenance requirement of the row alone, at what it read."""
        c = self.c
        price, notional_price, lower, upper = (
            bounded(row[name], 0, U64 - 1) for name in ("price", "notional_price", "tier_lower", "tier_upper")
        )
        offset, funding = bounded(row["tier_offset"], -(1 << 84), 1 << 84), bounded(row["funding"], -I64, I64 - 1)
        word = to_bits(c, row["tier_word"], WORD_BITS, "the rate and the flags of the tier")
        rate, (is_asset, short_only, rounded, unbounded) = from_bits(c, word[:RATE_BITS]), word[RATE_BITS:]
        is_short = ~c.bit(amount >= 0)
        notional = abs(amount) * notional_price
        require_tier(c, notional, lower, upper, unbounded)
        by_tier = notional * rate - offset * OFFSET_SCALE
        value, due = amount * price, amount * (funding - paid_at)
        counted = by_tier
        if self.rounded:
            counted = by_tier - rounded * self._rest(row, c.select(is_asset, by_tier, 0))
        gained = value - entry - due
        self.profit.append(~is_asset * gained)
        equity = c.select(is_asset, c.select(is_short, value * PPM, counted), gained * PPM)
        need = c.select(is_asset | (short_only & ~is_short), 0, by_tier)
        c.require((row["isolated"] & is_asset) == 0, "an asset is not isolated")
        return Pot(equity, need)

    def _rest(self, row: dict[str, Wire], counted: Wire) -> Wire:
        """What rounding down to whole 10^-16 quote takes from a counted value."""
        c = self.c
        units = c.require_uint(row["counted_units"], 128, "the counted value has at most 128 bits")
        rest = c.require_uint(row["counted_rest"], 20, "the rest has at most 20 bits")
        require_division(c, counted, PPM, units, rest)
        return rest

    def _shortfall(self, pots: Sequence[Pot]) -> tuple[Wire, Wire]:
        """Whether some pot lacks equity, and what all of them lack together."""
        c = self.c
        lacking, shortfall = [], c.const(0)
        for pot in pots:
            missing = pot.need - pot.equity
            lacks = c.bit(missing > 0)
            lacking.append(lacks)
            shortfall = shortfall + bounded(lacks * missing, 0, missing.bounds[1])
        return any_of(c, lacking), shortfall
