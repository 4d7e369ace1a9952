"""Opening: an account with everything its owner shows a circuit, and the witness inputs that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zkstate.commitment.merkle import MerklePath
from zkstate.commitment.poseidon import poseidon
from zkstate.errors import InputError
from zkstate.publication.header import Header
from zkstate.state import codec
from zkstate.state.margin import BOUND_SCALE, tier_of
from zkstate.state.schema import ASSET, MAX_TIERS, PPM, ROUNDED, SHORT_ONLY, Account, Row
from zkstate.state.table import InstrumentTable, words

from .account import PLACE_BITS, AccountStatement
from .margin import TIER_BITS, PricedStatement

Inputs = dict[str, Any]  # input name -> int, or nested sequences of int


@dataclass(frozen=True, slots=True)
class Opening:
    """One committed account with its path, the table that prices it, and its owner's secret."""

    header: Header
    account: Account
    path: MerklePath
    table: InstrumentTable
    owner_secret: int = field(repr=False)

    def inputs(self, statement: AccountStatement, claim: Mapping[str, int], context: int) -> Inputs:
        """Every input of `statement`. InputError if the statement is not of this account's size or depths."""
        if statement.rows != self.account.size_class:
            raise InputError(f"statement for {statement.rows} rows, account of class {self.account.size_class}")
        if statement.accounts_depth != self.path.depth:
            raise InputError(f"statement for depth {statement.accounts_depth}, path of {self.path.depth}")
        inputs = {"state_root": self.header.state_root, "context": context, **self._account(), **claim}
        if isinstance(statement, PricedStatement):
            if statement.table_depth != self.table.depth:
                raise InputError(f"statement for table depth {statement.table_depth}, table of {self.table.depth}")
            inputs |= self._priced(statement.rows)
        return inputs

    def _account(self) -> Inputs:
        account = self.account
        padding = account.size_class - len(account.rows)
        return {
            "owner_secret": self.owner_secret,
            "account_id": account.id,
            "salt": account.salt,
            "orders_digest": codec.orders_digest(account),
            "history_head": account.history_head,
            "history_length": account.history_length,
            "instruments": [row.instrument for row in account.rows] + [0] * padding,
            "isolated": [int(row.isolated) for row in account.rows] + [0] * padding,
            "amounts": [row.amount for row in account.rows] + [0] * padding,
            "entries": [row.entry for row in account.rows] + [0] * padding,
            "fundings_at_entry": [row.funding_at_entry for row in account.rows] + [0] * padding,
            "place": [account.index >> i & 1 for i in range(PLACE_BITS * self.path.depth)],
            "accounts_nodes": _children(self.path, codec.leaf(account)),
            "instruments_root": self.header.instruments_root,
            "meta": self.header.meta_root,
        }

    def _priced(self, rows: int) -> Inputs:
        held: list[Row | None] = [*self.account.rows, *[None] * (rows - len(self.account.rows))]
        each = [self._row(row) for row in held]
        priced: Inputs = {name: [row[name] for row in each] for name in each[0]}
        priced["table_top"] = self.table.top
        return priced

    def _row(self, row: Row | None) -> Inputs:
        """The table inputs of one row; the null instrument's for padding."""
        instrument = self.table[row.instrument if row else 0]
        notional = abs(row.amount) * instrument.notional_price if row else 0
        chosen = tier_of(instrument, notional)
        tier = instrument.tiers[chosen]
        whole, rest = divmod(notional * tier.rate - tier.offset * BOUND_SCALE, PPM)
        encoded = words(instrument)
        return {
            "is_asset": int(bool(instrument.flags & ASSET)),
            "short_only": int(bool(instrument.flags & SHORT_ONLY)),
            "rounded": int(bool(instrument.flags & ROUNDED)),
            "prices": instrument.price,
            "notional_prices": instrument.notional_price,
            "fundings": instrument.funding,
            "terms": encoded[1],
            "tiers": encoded[-MAX_TIERS:],
            "tier": [chosen >> i & 1 for i in range(TIER_BITS)],
            "lowers": tier.lower,
            "uppers": tier.upper,
            "rates": tier.rate,
            "initial_rates": tier.initial_rate,
            "offsets": tier.offset,
            "by_tier": whole,
            "by_tier_rest": rest,
            "table_nodes": _children(self.table.path(instrument.id), self.table.digest(instrument.id)),
        }


def _children(path: MerklePath, leaf: int) -> Sequence[Sequence[int]]:
    """All children of each node on a path, the lowest first."""
    node, found = leaf, []
    for place, siblings in zip(path.positions, path.siblings, strict=True):
        found.append([*siblings[:place], node, *siblings[place:]])
        node = poseidon(path.tag, found[-1])
    return found
