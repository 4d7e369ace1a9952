"""One account of a transparent batch, as a block: what `batch_account` says of it, with tables that are looked up.

Public, by columns: the leaf of every account with the bounds of its id, and what rows may read, one entry for each
instrument and tier. The first block opens the sums before the batch and the last one those after it; the accounts, or
padding, are between them. No amount, price, id or sum of a batch is shown (docs/spec.md, section 13).
Units: as docs/spec.md section 2; what a pot lacks in 10^-22 quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.commitment.domain import tag
from zkstate.constraint.block import BlockBuilder, BlockStatement
from zkstate.constraint.statement import BOOL, FELT, secret, uint
from zkstate.constraint.wire import Wire, bounded
from zkstate.state.margin import BOUND_SCALE
from zkstate.state.schema import I64, I128, PPM, U64, UNBOUNDED

from .account import INSTRUMENT_BITS, leaf_of
from .gadgets.poseidon import chain
from .limbs import digit, excess, require_below, require_not_negative
from .priced import OFFSET_SCALE

ENDS = 2  # blocks that are no accounts: the first and the last
ID_BITS = 248
TOP = 1 << 128  # the upper bound of a tier without one: past every notional value
# of an account: what its leaf hashes; of a row: as it is hashed, each at least 0
PARTS = ("account_id", "owner", "salt", "orders_digest", "history_head", "history_length")
HELD = ("instrument", "isolated", "amount", "entry", "funding_at_entry")
# an entry of the table: bounds in 10^-16 quote, the offset in 10^-22; funding 0 for an asset. `market` is 1 for what is
# no asset, `spared` where an amount above zero requires nothing, `null` for the null instrument; a unit held adds
# `credit` to the sum of fractions and a unit owed adds `debit`
ENTRY = (
    "instrument", "price", "notional_price", "funding", "lower", "top", "rate", "offset",
    "market", "spared", "rounded", "null", "credit", "debit",
)  # fmt: skip
READ = ENTRY[1:]
RATES = ("contingency_long", "contingency_short")  # of the portfolio rule: further members of an entry
# what runs through all blocks, and which part of a leaf the ends open for it
SUMS = {"held": "salt", "unhealthy": "orders_digest", "shortfall": "history_head", "profit": "history_length"}
RANGES = (64, 64, 128, 128, 128, 150)  # bits of what a row has in limbs, about
LEAST_LIMB, MOST_LIMB = 8, 16


def limb_bits(ranges: Sequence[int], log_blocks: int) -> int:
    """The bits of a limb that make lookups and the table of all limbs fewest, the least of several.

    `ranges` are the bits of what a block has in limbs, about.
    """

    def cost(size: int) -> int:
        return (1 << size) + (sum(-(-width // size) for width in ranges) << log_blocks)

    return min(range(LEAST_LIMB, MOST_LIMB + 1), key=cost)


@dataclass(frozen=True)
class AccountBlock(BlockStatement):
    """An account of `rows` rows in one of 2^log_blocks blocks, that read a table of at most `entries` entries."""

    rows: int
    log_blocks: int
    entries: int

    account_id = secret(FELT)
    owner = secret(FELT)
    salt = secret(FELT)
    orders_digest = secret(FELT)
    history_head = secret(FELT)
    history_length = secret(FELT)

    instrument = secret(FELT, count=lambda s: s.rows)
    isolated = secret(FELT, count=lambda s: s.rows)
    amount = secret(FELT, count=lambda s: s.rows)
    entry = secret(FELT, count=lambda s: s.rows)
    funding_at_entry = secret(FELT, count=lambda s: s.rows)

    price = secret(FELT, count=lambda s: s.rows)
    notional_price = secret(FELT, count=lambda s: s.rows)
    funding = secret(FELT, count=lambda s: s.rows)
    lower = secret(FELT, count=lambda s: s.rows)
    top = secret(FELT, count=lambda s: s.rows)
    rate = secret(FELT, count=lambda s: s.rows)
    offset = secret(FELT, count=lambda s: s.rows)
    market = secret(FELT, count=lambda s: s.rows)
    spared = secret(FELT, count=lambda s: s.rows)
    rounded = secret(FELT, count=lambda s: s.rows)
    null = secret(FELT, count=lambda s: s.rows)
    credit = secret(FELT, count=lambda s: s.rows)
    debit = secret(FELT, count=lambda s: s.rows)

    @property
    def follows_rounding(self) -> bool:
        """Whether rows may read an instrument whose counted value is rounded."""
        return False

    @property
    def size(self) -> int:
        """The bits of a limb."""
        return limb_bits(RANGES * self.rows, self.log_blocks)

    @property
    def members(self) -> tuple[str, ...]:
        """The members of an entry of the table."""
        return ENTRY

    @property
    def listed(self) -> int:
        """Entries of the table that a block provides."""
        return -(-self.entries >> self.log_blocks)

    def define(self, c: BlockBuilder) -> None:  # type: ignore[override]  # as BlockStatement
        real = c.column("real", BOOL)
        for k in range(self.listed):
            c.provide("entries", [c.column(entry_column(name, k), FELT) for name in self.members])
        self._provide(c)
        c.provide_range(self.size, self.log_blocks)
        c.constrain(
            1 - real, 1 - c.felt(self.null[0]), 0, "an account that is padding holds nothing"
        )  # nor do its further rows: what is behind padding is padding
        rows = [AccountRow(self, c, i) for i in range(self.rows)]
        for i in range(1, self.rows):
            rise = rows[i].place - rows[i - 1].place - 1
            label = f"row {i} has a higher instrument id than row {i - 1}, or is padding, as all behind it"
            require_not_negative(c, rise, self.size, label)
        self._state(c, real, chain(c, tag(f"rows:{self.rows}"), [e for row in rows for e in row.elements]))
        lacking = [row.missing_alone for row in rows]
        cross = self._cross(c, rows)
        flags, shortfalls = [], []
        for what, missing in (("cross pot", cross), *((f"row {i}", alone) for i, alone in enumerate(lacking))):
            flag, part = excess(c, missing, self.size, f"{what}: what it lacks")
            flags.append(flag)
            shortfalls.append(part)
        healthy = c.bit(c.linear((1, flag) for flag in flags) == 0)
        held = c.linear((1, part) for row in rows for part in row.held)
        shortfall = c.linear((1, part) for part in shortfalls)
        profit = c.linear((1, row.profit) for row in rows)
        self._advance(c, {"held": held, "unhealthy": 1 - healthy, "shortfall": shortfall, "profit": profit})

    def _provide(self, c: BlockBuilder) -> None:
        """What the block provides of tables beside entries and ranges: nothing."""

    def _cross(self, c: BlockBuilder, rows: Sequence[AccountRow]) -> Wire:
        """What the cross pot lacks."""
        return c.linear([*((1, row.missing) for row in rows), *((-1, row.missing_alone) for row in rows)])

    def _state(self, c: BlockBuilder, real: Wire, rows_digest: Wire) -> None:
        """The account is the one of the stated leaf, its id within its bounds; the ends state sums in its place."""
        lower, upper = c.column("bound", uint(ID_BITS + 1)), c.column("next_bound", uint(ID_BITS + 1))
        own = c.felt(self.account_id)
        require_below(c, own - lower, ID_BITS, self.size, "the id is at least its lower bound")
        require_below(c, upper - 1 - own, ID_BITS, self.size, "the id is below its upper bound")
        ends = c.first + c.last
        stated = c.column("stated", FELT)
        found = leaf_of(
            c,
            tagged=c.felt(ends) * (tag("solvency sums") - tag("leaf")) + tag("leaf"),
            account_id=own,
            owner=self.owner,
            salt=self.salt,
            rows_digest=c.felt(real) * rows_digest,
            orders_digest=self.orders_digest,
            history=(self.history_head, self.history_length),
        )
        c.require_where(real, found, stated, "the accounts are those of the stated leaves")
        c.require_where(c.first, found, stated, "the sums before are the committed ones")
        c.require_where(c.last, found, stated, "the sums after are the committed ones")

    def _advance(self, c: BlockBuilder, added: dict[str, Wire]) -> None:
        """Sums begin with those that the first block opens, and end with those that the last one does."""
        for name, part in SUMS.items():
            opened, total = c.felt(getattr(self, part)), c.hint(1, name)[0]
            gained = total - c.previous(name, FELT) - c.felt(added[name])
            c.solve(c.constrain(c.first, opened, gained, f"{name} goes on from the block before"), total)
            c.carry(name, total)
            c.require_where(c.last, opened, total, f"{name} ends at the sum after")


@dataclass(frozen=True)
class RoundedAccountBlock(AccountBlock):
    """A block under a table that rounds the counted value of some assets down."""

    counted_units = secret(FELT, count=lambda s: s.rows)
    counted_rest = secret(FELT, count=lambda s: s.rows)

    @property
    def follows_rounding(self) -> bool:
        return True


class AccountRow:
    """One row of an account: its elements of the leaf, what it adds to totals and profit, and what it lacks."""

    def __init__(self, block: AccountBlock, c: BlockBuilder, i: int) -> None:
        self.c, self.size = c, block.size
        with c.scope(f"row {i}"):
            read = {name: getattr(block, name)[i] for name in block.members}
            c.lookup("entries", [read[name] for name in block.members], label="the row reads an entry of the table")
            # of the committed table, as the verifier provides them
            limits = {
                "instrument": (0, (1 << INSTRUMENT_BITS) - 1),
                "price": (0, U64 - 1),
                "notional_price": (0, U64 - 1),
                "funding": (-I64, I64 - 1),
                "lower": (0, UNBOUNDED * BOUND_SCALE),
                "top": (0, TOP),
                "rate": (0, (1 << 20) - 1),
                "offset": (-(1 << 84) * OFFSET_SCALE, (1 << 84) * OFFSET_SCALE),
                **dict.fromkeys(RATES, (0, (1 << 20) - 1)),
                **dict.fromkeys(("market", "spared", "rounded", "null"), (0, 1)),
            }
            self.read = read | {name: bounded(read[name], *limits[name]) for name in limits if name in read}
            self._hold(block, i)
            self._count()
            self.missing = self._judge(block, i)
            self.missing_alone = self.isolated * self.missing

    def _hold(self, block: AccountBlock, i: int) -> None:
        """What the row holds, in range, and the elements that the leaf hashes of it."""
        c, size, read = self.c, self.size, self.read
        amount, label = block.amount[i], "the amount is a signed 64-bit integer"
        self.long = digit(c, amount, 63, label)
        low = require_below(c, amount - I64 * c.felt(self.long), 63, size, label)
        raw = low + I64 * self.long
        entry = require_below(c, block.entry[i], 128, size, "the entry value is a signed 128-bit integer")
        funding = require_below(
            c, block.funding_at_entry[i], 64, size, "the funding at entry is a signed 64-bit integer"
        )
        self.amount, self.entry, self.paid_at = raw - I64, entry - I128, funding - I64
        isolated, null = block.isolated[i], read["null"]
        c.constrain(isolated, read["market"] - isolated, 0, "isolated is 0 or 1, and 0 for an asset")
        self.isolated = bounded(isolated, 0, 1)
        c.constrain(null, c.felt(self.amount), 0, "padding holds nothing")
        # behind every instrument stands padding, and behind that padding of a later row
        self.place = read["instrument"] + null * ((1 << INSTRUMENT_BITS) + i)
        held = c.felt(read["instrument"]) * 2 + isolated
        self.elements = (held * (1 << 128) + c.felt(amount) * U64 + funding, c.felt(entry))

    def _count(self) -> None:
        """What the row adds to the totals of its instrument."""
        c, read = self.c, self.read
        self.above = bounded(self.long * self.amount, 0, I64 - 1)
        self.below = bounded(self.above - self.amount, 0, I64)
        self.held = (c.felt(self.above) * read["credit"], c.felt(self.below) * read["debit"])

    def _judge(self, block: AccountBlock, i: int) -> Wire:
        """What the row alone lacks at what it read: its requirement less its equity.

        An asset held counts its value by tier, one owed its whole value. A market counts value less entry value and
        funding, and requires its value by tier, but for an amount above zero where that is spared.
        """
        c, size, read = self.c, self.size, self.read
        market = read["market"]
        self.notional = notional = bounded(self.above + self.below, 0, I64) * read["notional_price"]
        require_not_negative(c, notional - read["lower"], size, "the notional value reaches the tier's lower bound")
        room = read["top"] - 1 - notional
        require_not_negative(c, room, size, "the notional value stays below the tier's upper bound")
        by_tier = notional * read["rate"] - read["offset"]
        if isinstance(block, RoundedAccountBlock):
            by_tier = by_tier - self._dropped(by_tier, block.counted_units[i], block.counted_rest[i])
        self.required = required = (market - self.long * read["spared"]) * by_tier
        held = bounded(market * self.above - self.below, -I64, I64 - 1)  # the amount, less that of an asset held
        paid = read["funding"] - market * self.paid_at
        gained = held * (read["price"] - paid) - market * self.entry
        self.profit = market * gained
        missing: Wire = required - gained * PPM
        return missing

    def _dropped(self, by_tier: Wire, units: Wire, rest: Wire) -> Wire:
        """What rounding down to whole 10^-16 quote takes from a counted value."""
        c, size, read = self.c, self.size, self.read
        units = require_below(c, units, 128, size, "the counted value has at most 128 bits")
        rest = require_below(c, rest, 20, size, "the rest has at most 20 bits")
        require_not_negative(c, PPM - 1 - rest, size, f"the remainder is less than {PPM}")
        counted = by_tier - read["market"] * by_tier
        c.require(units * PPM + rest == counted, "the quotient and the remainder make the dividend")
        dropped: Wire = read["rounded"] * rest
        return dropped


def entry_column(name: str, k: int) -> str:
    """The public column with this member of the k-th entry that each block provides."""
    return f"{name} {k}"


def block_of(rows: int, log_blocks: int, entries: int, *, rounded: bool) -> AccountBlock:
    """The block of an account of so many rows, in 2^log_blocks blocks."""
    return (RoundedAccountBlock if rounded else AccountBlock)(rows, log_blocks, entries)
