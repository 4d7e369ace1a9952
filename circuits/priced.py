"""Pricing: what each row of an account is worth and what it requires, at the prices and tiers of the committed table.

Units: equity and requirement in 10^-22 quote, amounts times prices in 10^-16 quote (docs/spec.md sections 3 and 7).
Rows that stand up for each other are a pot: each isolated row by itself, and all others together, the cross pot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.commitment.domain import tag
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, secret, sint, uint
from zkstate.constraint.wire import BitLike, Wire, WireLike
from zkstate.state.margin import BOUND_SCALE
from zkstate.state.schema import ASSET, MAX_TIERS, PPM, ROUNDED, SHORT_ONLY, UNBOUNDED
from zkstate.state.table_tree import TABLE_ARITY, TABLE_TOP, capacity

from .account import AccountStatement
from .gadgets.division import require_division
from .gadgets.lookup import select_at
from .gadgets.merkle import SharedTop
from .gadgets.poseidon import poseidon

OFFSET_SCALE = 10**12  # 10^-10 quote in 10^-22
TIER_BITS = MAX_TIERS.bit_length()


@dataclass(frozen=True)
class Pot:
    """Equity and requirement of rows that stand up for each other, in 10^-22 quote."""

    equity: Wire
    need: Wire

    def require_covered(self, c: Builder, ratio_ppm: Wire, label: str) -> None:
        """equity >= ratio_ppm millionths of the requirement."""
        c.require(self.equity * PPM >= ratio_ppm * self.need, label)


@dataclass(frozen=True)
class Reserved:
    """What the open orders of a row reserve: the size that needs margin once they fill, and what filling costs at most.

    Units: the size as amounts, the cost in 10^-16 quote.
    """

    size: Wire
    cost: Wire


def require_tier(c: Builder, notional: Wire, lower: Wire, upper: Wire, unbounded: BitLike) -> None:
    """A notional value lies within a tier's bounds; without an upper one where `unbounded` is 1."""
    c.require(notional >= lower * BOUND_SCALE, "the notional value reaches the tier's lower bound")
    bounded_notional = c.select(unbounded, 0, notional)
    c.require(bounded_notional < upper * BOUND_SCALE, "the notional value stays below the tier's upper bound")


@dataclass(frozen=True)
class PricedStatement(AccountStatement):
    """A statement that reads, of each instrument the account holds, the row of the committed table that prices it.

    An instrument whose counted value is rounded has no place here: `RoundedStatement` follows it.
    """

    table_depth: int = 2

    # of each row's instrument: its table words, and the tier its notional value falls in, by its number's digits
    is_asset = secret(BOOL, count=lambda s: s.rows)
    short_only = secret(BOOL, count=lambda s: s.rows)
    prices = secret(uint(64), count=lambda s: s.rows)
    notional_prices = secret(uint(64), count=lambda s: s.rows)
    fundings = secret(sint(64), count=lambda s: s.rows)
    terms = secret(FELT, count=lambda s: s.rows)
    tiers = secret(FELT, count=(lambda s: s.rows, MAX_TIERS))
    tier = secret(BOOL, count=(lambda s: s.rows, TIER_BITS))
    lowers = secret(uint(64), count=lambda s: s.rows)
    uppers = secret(uint(64), count=lambda s: s.rows)
    rates = secret(uint(20), count=lambda s: s.rows)
    initial_rates = secret(uint(20), count=lambda s: s.rows)
    offsets = secret(sint(85), count=lambda s: s.rows)

    # of the table: the nodes under its root, and the children of each node between them and a row's instrument
    table_top = secret(FELT, count=lambda s: TABLE_TOP[s.table_depth])
    table_nodes = secret(FELT, count=(lambda s: s.rows, lambda s: s.table_depth - 1, TABLE_ARITY))

    @property
    def instrument_bits(self) -> int:
        return capacity(self.table_depth).bit_length() - 1

    def assess(
        self,
        c: Builder,
        ids: Sequence[Wire],
        amounts: Sequence[Wire],
        initial: WireLike,
        reserved: Sequence[Reserved] = (),
    ) -> list[Pot]:
        """The pots of rows with these instruments and amounts: the cross pot, then one for each row.

        That of a row which is not isolated is empty. The requirement is the maintenance one, or the initial one where
        the bit `initial` is 1, with what the orders of each row have reserved if that is given.
        """
        table = SharedTop(c, tag("table"), tag(f"table:{len(self.table_top)}"), self.table_top)
        c.require(table.root == self.instruments_root, "the instrument table is the committed one")
        equity, need = c.const(0), c.const(0)
        isolated: list[Pot] = []
        for i in range(self.rows):
            with c.scope(f"row {i}"):
                self._open_instrument(c, i, ids[i], table)
                row_equity, row_need = self._value(c, i, amounts[i], initial, reserved[i] if reserved else None)
                c.require((self.isolated[i] & self.is_asset[i]) == 0, "an asset is not isolated")
                alone = Pot(self.isolated[i] * row_equity, self.isolated[i] * row_need)
                equity, need = equity + row_equity - alone.equity, need + row_need - alone.need
                isolated.append(alone)
        return [Pot(equity, need), *isolated]

    def _open_instrument(self, c: Builder, i: int, instrument: Wire, table: SharedTop) -> None:
        """The row's table words hash to the leaf of its instrument id, and its tier is one of theirs."""
        head = instrument * 16 + self._flags(i)
        for price in (self.prices[i], self.notional_prices[i]):
            head = head * (1 << 64) + price
        head = head * (1 << 64) + self.fundings[i] + (1 << 63)
        digest = poseidon(c, tag("instrument"), [head, self.terms[i], *self.tiers[i]])
        place = c.bits(instrument, self.instrument_bits)
        table.require_leaf(digest, place, self.table_nodes[i], "the instrument is the one of the committed table")
        packed = self.lowers[i] * (1 << 64) + self.uppers[i]
        packed = (packed * (1 << 20) + self.rates[i]) * (1 << 20) + self.initial_rates[i]
        # 253 bits in all: below r, so no two tiers pack alike, though past what an interval may reach
        packed = c.felt(packed) * (1 << 85) + self.offsets[i] + (1 << 84)
        c.require(select_at(c, self.tier[i], self.tiers[i]) == packed, "the tier is one of the instrument's")

    def _flags(self, i: int) -> Wire:
        return self.is_asset[i] * ASSET + self.short_only[i] * SHORT_ONLY

    def _value(
        self, c: Builder, i: int, amount: Wire, initial: WireLike, reserved: Reserved | None
    ) -> tuple[Wire, Wire]:
        """(equity, requirement) of one row, in 10^-22 quote."""
        is_asset, is_short = self.is_asset[i], ~c.bit(amount >= 0)
        size = abs(amount) if reserved is None else c.select(is_asset, abs(amount), reserved.size)
        notional = size * self.notional_prices[i]
        require_tier(c, notional, self.lowers[i], self.uppers[i], self.uppers[i] == UNBOUNDED)
        by_tier = notional * self.rates[i] - self.offsets[i] * OFFSET_SCALE
        value = amount * self.prices[i]
        paid_funding = amount * (self.fundings[i] - self.fundings_at_entry[i])
        asset_equity = c.select(is_short, value * PPM, by_tier - self._dropped(c, i, by_tier))
        market_equity = (value - self.entries[i] - paid_funding) * PPM
        if isinstance(initial, Wire):
            required = c.select(initial, notional * self.initial_rates[i], by_tier)
        else:
            required = notional * self.initial_rates[i] if initial else by_tier
        if reserved is None:
            need = c.select(is_asset | (self.short_only[i] & ~is_short), 0, required)
        else:
            need = c.select(is_asset, 0, required) + reserved.cost * PPM
        return c.select(is_asset, asset_equity, market_equity), need

    def _dropped(self, c: Builder, i: int, counted: Wire) -> WireLike:  # noqa: ARG002  # `RoundedStatement` has more to say
        """What rounding takes from the counted value of an asset."""
        return 0


@dataclass(frozen=True)
class RoundedStatement(PricedStatement):
    """A priced statement that follows a table's rounding: such an asset counts whole 10^-16 quote, rounded down."""

    rounded = secret(BOOL, count=lambda s: s.rows)
    counted_units = secret(uint(128), count=lambda s: s.rows)
    counted_rests = secret(uint(20), count=lambda s: s.rows)

    def _flags(self, i: int) -> Wire:
        return super()._flags(i) + self.rounded[i] * ROUNDED

    def _dropped(self, c: Builder, i: int, counted: Wire) -> Wire:
        of_asset = c.select(self.is_asset[i], counted, 0)
        with c.scope("counted value"):
            require_division(c, of_asset, PPM, self.counted_units[i], self.counted_rests[i])
        return self.rounded[i] * self.counted_rests[i]
