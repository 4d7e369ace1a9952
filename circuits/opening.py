"""Opening: an account with everything its owner shows a circuit, and the witness inputs that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zkstate.commitment.merkle import MerklePath
from zkstate.commitment.poseidon import poseidon
from zkstate.errors import InputError
from zkstate.kernels import FR_MODULUS
from zkstate.publication.header import Header
from zkstate.state import codec
from zkstate.state.journal import DEPOSIT, FUNDING, KINDS, Entry
from zkstate.state.margin import BOUND_SCALE, tier_of
from zkstate.state.orders import largest_position
from zkstate.state.portfolio import assess_portfolio
from zkstate.state.scenarios import PLACES, ScenarioTable
from zkstate.state.schema import ASSET, MAX_TIERS, PPM, ROUNDED, SELL, SHORT_ONLY, Account, Instrument, Row
from zkstate.state.table import InstrumentTable, words
from zkstate.state.withdrawal import left_after

from .account import PLACE_BITS, AccountStatement, CommittedStatement
from .epoch import EpochStatement
from .exit import Exit
from .initial import Initial
from .journal import JournalStatement
from .liquidation import Liquidation
from .portfolio import Portfolio
from .priced import TIER_BITS, PricedStatement, RoundedStatement

Inputs = dict[str, Any]  # input name -> int, or nested sequences of int


@dataclass(frozen=True, slots=True)
class Opening:
    """One committed account with its path, the tables that price it, and its owner's secret."""

    header: Header
    account: Account
    path: MerklePath
    table: InstrumentTable
    owner_secret: int = field(repr=False)
    scenarios: ScenarioTable | None = None

    def inputs(
        self, statement: CommittedStatement, claim: Mapping[str, int], context: int, between: Between | None = None
    ) -> Inputs:
        """Every input of `statement`; `between` is what one about two epochs takes besides.

        InputError if the statement is not of this account's size or depths, or knows no way to price one of its rows.
        """
        if statement.accounts_depth != self.path.depth:
            raise InputError(f"statement for depth {statement.accounts_depth}, path of {self.path.depth}")
        felts = {declared.name for declared in statement.inputs() if declared.kind.is_felt}
        stated = {name: value % FR_MODULUS if name in felts else value for name, value in claim.items()}
        inputs: Inputs = {"state_root": self.header.state_root, "context": context, **self.account_inputs(), **stated}
        if isinstance(statement, AccountStatement):
            if statement.rows != self.account.size_class:
                raise InputError(f"statement for {statement.rows} rows, account of class {self.account.size_class}")
            inputs |= self._rows()
        else:
            inputs["rows_digest"] = codec.rows_digest(self.account)
        if isinstance(statement, PricedStatement):
            if statement.table_depth != self.table.depth:
                raise InputError(f"statement for table depth {statement.table_depth}, table of {self.table.depth}")
            inputs |= self._priced(statement, claim if isinstance(statement, Exit) else None)
        if isinstance(statement, Initial):
            inputs |= self._orders()
        if isinstance(statement, EpochStatement):
            inputs |= self._epoch()
        if isinstance(statement, Portfolio):
            inputs |= self._scenarios(bool(claim["initial"]))
        if isinstance(statement, JournalStatement):
            if between is None:
                raise InputError("a statement about two epochs takes the account and the entries of the other one")
            inputs |= between.inputs(statement)
        return inputs

    def account_inputs(self) -> Inputs:
        """The inputs of `CommittedStatement` and the path: all but what the account holds."""
        account = self.account
        return {
            "owner_secret": self.owner_secret,
            "account_id": account.id,
            "salt": account.salt,
            "orders_digest": codec.orders_digest(account),
            "history_head": account.history_head,
            "history_length": account.history_length,
            "place": _digits(account.index, PLACE_BITS * self.path.depth),
            "accounts_nodes": _children(self.path, codec.leaf(account)),
            "instruments_root": self.header.instruments_root,
            "meta": self.header.meta_root,
        }

    def _rows(self) -> Inputs:
        held = self._held()
        return {
            "instruments": [row.instrument if row else 0 for row in held],
            "isolated": [int(row.isolated) if row else 0 for row in held],
            "amounts": [row.amount if row else 0 for row in held],
            "entries": [row.entry if row else 0 for row in held],
            "fundings_at_entry": [row.funding_at_entry if row else 0 for row in held],
        }

    def _held(self) -> list[Row | None]:
        """The rows, and None for each place behind them."""
        rows = self.account.rows
        return [*rows, *[None] * (self.account.size_class - len(rows))]

    def _priced(self, statement: PricedStatement, leaving: Mapping[str, int] | None) -> Inputs:
        """What prices each row; after an exit of `leaving`, if that is given."""
        held = self._held()
        if leaving is not None:
            left = left_after(self.account.rows, self.table, leaving["instrument"], leaving["amount"])
            held = [None if row is None else replace(row, amount=left[row.instrument]) for row in held]
        each = [self._row(row, reserving=isinstance(statement, Initial)) for row in held]
        priced: Inputs = {name: [row[name] for row in each] for name in each[0]}
        priced["table_top"] = self.table.tree.top
        if not isinstance(statement, RoundedStatement):
            for name in ("counted_units", "counted_rests"):
                del priced[name]
            if any(priced.pop("rounded")):
                asset = next(i for row in self.account.rows if (i := self.table[row.instrument]).flags & ROUNDED)
                raise InputError(f"the value of {asset.symbol} is rounded, which margin does not follow: prove health")
        return priced

    def _row(self, row: Row | None, *, reserving: bool) -> Inputs:
        """The table inputs of one row; the null instrument's for padding."""
        instrument = self.table[row.instrument if row else 0]
        notional = self._margined_size(row, instrument, reserving=reserving) * instrument.notional_price
        chosen = tier_of(instrument, notional)
        tier = instrument.tiers[chosen]
        counted = notional * tier.rate - tier.offset * BOUND_SCALE if instrument.is_asset else 0
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
            "tier": _digits(chosen, TIER_BITS),
            "lowers": tier.lower,
            "uppers": tier.upper,
            "rates": tier.rate,
            "initial_rates": tier.initial_rate,
            "offsets": tier.offset,
            "counted_units": counted // PPM,
            "counted_rests": counted % PPM,
            "table_nodes": _children(self.table.path(instrument.id), self.table.digest(instrument.id)),
        }

    def _margined_size(self, row: Row | None, instrument: Instrument, *, reserving: bool) -> int:
        """The size whose notional value chooses the tier: with orders reserved, that of the largest position."""
        if row is None:
            return 0
        if not reserving or instrument.is_asset:
            return abs(row.amount)
        orders = [order for order in self.account.orders if order.instrument == row.instrument]
        return largest_position(row.amount, instrument, orders)

    def _orders(self) -> Inputs:
        rows, orders = self.account.rows, self.account.orders
        places = {row.instrument: place for place, row in enumerate(rows)}
        n = self.account.size_class
        padding = [0] * (n - len(orders))
        return {
            "order_sells": [int(order.side == SELL) for order in orders] + padding,
            "order_prices": [order.price for order in orders] + padding,
            "order_sizes": [order.size for order in orders] + padding,
            "order_rows": [places[order.instrument] for order in orders] + [n] * len(padding),
        }

    def _epoch(self) -> Inputs:
        header = self.header
        names = ["venue", "epoch", "time", "previous_state_root", "account_count", "order_book_root"]
        names += ["scenarios_root", "journal_head", "totals_root"]
        depths = header.accounts_depth << 8 | header.table_depth
        return {**{name: getattr(header, name) for name in names}, "depths": depths}

    def _scenarios(self, initial: bool) -> Inputs:
        table = self.scenarios
        if table is None:
            raise InputError(f"{self.header.venue_name} publishes no scenarios for epoch {self.header.epoch}")
        each = [self._risk(table, row.instrument if row else 0) for row in self._held()]
        worst = assess_portfolio(self.account.rows, self.table, table, initial).worst
        return {
            **{name: [row[name] for row in each] for name in each[0]},
            "scenario_count": len(table.shocks),
            "initial_factor": table.initial_factor,
            "maintenance_factor": table.maintenance_factor,
            "shocks": table.head[1:],
            "risks_top": table.tree.top,
            "worst": worst,
        }

    def _risk(self, table: ScenarioTable, instrument: int) -> Inputs:
        risk = table[instrument]
        rates = ("maintenance_long", "maintenance_short", "initial_long", "initial_short")
        return {
            **{name: getattr(risk, name) for name in rates},
            "changes": [*risk.changes, *[0] * (PLACES - len(risk.changes))],
            "risk_nodes": _children(table.path(instrument), table.digest(instrument)),
        }


@dataclass(frozen=True, slots=True)
class Between:
    """The same owner's account in another epoch, and the entries between the two, the oldest first."""

    other: Opening
    entries: tuple[Entry, ...]

    def inputs(self, statement: JournalStatement) -> Inputs:
        """What a statement about two epochs takes of them. InputError if it has no room for so many entries."""
        if len(self.entries) > statement.places:
            raise InputError(f"{len(self.entries)} entries between the epochs; there is room for {statement.places}")
        other = self.other.account_inputs()
        unused = [0] * (statement.places - len(self.entries))
        inputs: Inputs = {
            "other_id": other["account_id"],
            "other_salt": other["salt"],
            "other_rows_digest": codec.rows_digest(self.other.account),
            "other_orders_digest": other["orders_digest"],
            "other_head": other["history_head"],
            "other_length": other["history_length"],
            "other_place": other["place"],
            "other_nodes": other["accounts_nodes"],
            "other_instruments_root": other["instruments_root"],
            "other_meta": other["meta"],
            "used": [1] * len(self.entries) + unused,
            "kinds": [[int(entry.kind == k) for k in range(1, len(KINDS) + 1)] for entry in self.entries]
            + [[0] * len(KINDS)] * len(unused),
            "entry_instruments": [entry.instrument for entry in self.entries] + unused,
            "entry_amounts": [entry.amount for entry in self.entries] + unused,
            "entry_values": [entry.value for entry in self.entries] + unused,
            "entry_fees": [entry.fee for entry in self.entries] + unused,
            "entry_moments": [entry.elements(0)[2] for entry in self.entries] + unused,
        }
        if isinstance(statement, Liquidation):
            first = next((i for i, e in enumerate(self.entries) if e.kind not in (FUNDING, DEPOSIT)), len(self.entries))
            inputs["before"] = [int(i < first) for i in range(statement.places - 1)]
        return inputs


def _digits(number: int, count: int) -> list[int]:
    """Binary digits, lowest first."""
    return [number >> i & 1 for i in range(count)]


def _children(path: MerklePath, leaf: int) -> Sequence[Sequence[int]]:
    """All children of each node on a path, the lowest first."""
    node, found = leaf, []
    for place, siblings in zip(path.positions, path.siblings, strict=True):
        found.append([*siblings[:place], node, *siblings[place:]])
        node = poseidon(path.tag, found[-1])
    return found
