"""Margin: each pot of the committed account has enough equity for its margin requirement at the committed prices.

Public: ratio_ppm, initial. Secret: the account, and of each instrument it holds the table row that prices it.
The statement is equity * 10^6 >= ratio_ppm * need, of each isolated row and of all others together, where need
is the maintenance requirement, or the initial one if `initial` is 1 (open orders are not yet reserved in it).
Units: equity and need in 10^-22 quote (docs/spec.md section 7). Nothing is rounded but what an instrument says is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.commitment.domain import tag
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, public, secret, sint, uint
from zkstate.constraint.wire import Wire, WireLike
from zkstate.state.margin import BOUND_SCALE
from zkstate.state.schema import ASSET, MAX_TIERS, PPM, ROUNDED, SHORT_ONLY, UNBOUNDED
from zkstate.state.table_tree import TABLE_ARITY, TABLE_TOP, capacity

from .account import AccountStatement
from .gadgets.lookup import select_at
from .gadgets.merkle import SharedTop
from .gadgets.poseidon import poseidon

OFFSET_SCALE = 10**12  # 10^-10 quote in 10^-22
TIER_BITS = MAX_TIERS.bit_length()
COUNTED_BITS = 128  # of a counted value in 10^-16 quote


@dataclass(frozen=True)
class PricedStatement(AccountStatement):
    """A statement that reads, of each instrument the account holds, the row of the committed table that prices it."""

    table_depth: int = 2

    # of each row's instrument: its table words, and the tier its notional value falls in, by its number's digits
    is_asset = secret(BOOL, count=lambda s: s.rows)
    short_only = secret(BOOL, count=lambda s: s.rows)
    rounded = secret(BOOL, count=lambda s: s.rows)
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

    # what each row counts or needs by its tier, as whole 10^-16 quote and the rest
    by_tier = secret(uint(COUNTED_BITS), count=lambda s: s.rows)
    by_tier_rest = secret(uint(20), count=lambda s: s.rows)

    # of the table: the nodes under its root, and the children of each node between them and a row's instrument
    table_top = secret(FELT, count=lambda s: TABLE_TOP[s.table_depth])
    table_nodes = secret(FELT, count=(lambda s: s.rows, lambda s: s.table_depth - 1, TABLE_ARITY))

    @property
    def instrument_bits(self) -> int:
        return capacity(self.table_depth).bit_length() - 1

    def assess(
        self, c: Builder, ids: Sequence[Wire], amounts: Sequence[Wire], initial: WireLike
    ) -> list[tuple[Wire, Wire]]:
        """(equity, requirement) of each pot of rows with these instruments and amounts, in 10^-22 quote, as committed.

        The first is the cross pot, then comes one for each row, with 0 in both if the row is not isolated. The
        requirement is the maintenance one, or the initial one where the bit `initial` is 1.
        """
        table = SharedTop(c, tag("table"), tag(f"table:{len(self.table_top)}"), self.table_top)
        c.require(table.root == self.instruments_root, "the instrument table is the committed one")
        equity, need = c.const(0), c.const(0)
        isolated: list[tuple[Wire, Wire]] = []
        for i in range(self.rows):
            with c.scope(f"row {i}"):
                self._open_instrument(c, i, ids[i], table)
                row_equity, row_need = self._value(c, i, amounts[i], initial)
                alone = self.isolated[i] * row_equity, self.isolated[i] * row_need
                equity, need = equity + row_equity - alone[0], need + row_need - alone[1]
                isolated.append(alone)
        return [(equity, need), *isolated]

    def _open_instrument(self, c: Builder, i: int, instrument: Wire, table: SharedTop) -> None:
        """The row's table words hash to the leaf of its instrument id, and its tier is one of theirs."""
        flags = self.is_asset[i] * ASSET + self.short_only[i] * SHORT_ONLY + self.rounded[i] * ROUNDED
        head = instrument * 16 + flags
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

    def _value(self, c: Builder, i: int, amount: Wire, initial: WireLike) -> tuple[Wire, Wire]:
        """(equity, requirement) of one row, in 10^-22 quote."""
        is_short = ~c.bit(amount >= 0)
        notional = abs(amount) * self.notional_prices[i]
        c.require(notional >= self.lowers[i] * BOUND_SCALE, "the notional value reaches the tier's lower bound")
        bounded_notional = c.select(self.uppers[i] == UNBOUNDED, 0, notional)
        c.require(
            bounded_notional < self.uppers[i] * BOUND_SCALE, "the notional value stays below the tier's upper bound"
        )
        by_tier = notional * self.rates[i] - self.offsets[i] * OFFSET_SCALE
        value = amount * self.prices[i]
        paid_funding = amount * (self.fundings[i] - self.fundings_at_entry[i])
        whole, rest = self.by_tier[i], self.by_tier_rest[i]
        c.require(rest < PPM, "the rest of the counted value is less than a unit")
        c.require(by_tier == whole * PPM + rest, "the counted value is whole units and the rest")
        asset_equity = c.select(is_short, value * PPM, by_tier - self.rounded[i] * rest)
        market_equity = (value - self.entries[i] - paid_funding) * PPM
        required = c.select(initial, notional * self.initial_rates[i], by_tier)
        exempt = self.is_asset[i] | (self.short_only[i] & ~is_short)
        return c.select(self.is_asset[i], asset_equity, market_equity), c.select(exempt, 0, required)


@dataclass(frozen=True)
class Margin(PricedStatement):
    """Equity covers `ratio_ppm` millionths of the requirement."""

    ratio_ppm = public(uint(32))
    initial = public(BOOL)

    def define(self, c: Builder) -> None:
        cross, *isolated = self.assess(c, self.open_account(c), self.amounts, self.initial)
        c.require(cross[0] * PPM >= self.ratio_ppm * cross[1], "equity covers the margin requirement")
        for i, (equity, need) in enumerate(isolated):
            c.require(equity * PPM >= self.ratio_ppm * need, f"row {i}, if isolated, covers its own requirement")
