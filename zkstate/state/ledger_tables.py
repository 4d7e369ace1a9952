"""The one validation behind every file form of a ledger: chunks of seven tables in, a Ledger out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import EncodingError, LedgerError
from zkstate.kernels import FR_MODULUS
from zkstate.state import decimals, wide
from zkstate.state.ledger import (
    MAX_ACCOUNTS,
    MAX_NAME_BYTES,
    Ledger,
    OrderColumns,
    entry_keys,
    order_columns,
    row_columns,
    with_ordered,
)
from zkstate.state.ledger_chunk import Chunk, Place
from zkstate.state.ledger_instruments import InstrumentLines
from zkstate.state.ledger_journal import JournalLines
from zkstate.state.ledger_scenarios import ScenarioLines
from zkstate.state.schema import MAX_ROWS, U16, U64, VALUE_DECIMALS
from zkstate.state.table import InstrumentTable
from zkstate.state.text import is_plain

_SIDES = {"buy": 0, "sell": 1}
_MODELS = ("tiers", "portfolio")
_P25519 = (1 << 255) - 19
# u-coordinates of the points of small order on Curve25519 (RFC 7748, section 7): a shared secret with one is zero.
_SMALL_ORDER = (
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    _P25519 - 1,
    _P25519,
    _P25519 + 1,
)

Kept = tuple[Place, list[NDArray[np.generic]]]


class LedgerBuilder:
    """Takes the tables of a ledger in the order of `TABLES`."""

    __slots__ = (
        "_accounts",
        "_decimals",
        "_declared",
        "_is_asset",
        "_journals",
        "_lines",
        "_meta",
        "_orders",
        "_owners",
        "_portfolio",
        "_rows",
        "_scenarios",
        "_symbols",
        "_table",
        "_view_keys",
    )

    def __init__(self) -> None:
        self._meta: tuple[str, str, int, bool] | None = None
        self._lines = InstrumentLines()
        self._scenarios = ScenarioLines()
        self._table: InstrumentTable | None = None
        self._symbols: dict[str, int] = {}
        self._decimals = np.zeros(0, np.int64)
        self._is_asset = np.zeros(0, np.bool_)
        self._accounts: dict[str, int] = {}
        self._declared: list[tuple[int, Place]] = []
        self._owners: list[NDArray[np.uint8]] = []
        self._portfolio: list[NDArray[np.bool_]] = []
        self._view_keys: list[NDArray[np.uint8]] = []
        self._rows: list[Kept] = []
        self._orders: list[Kept] = []
        self._journals = JournalLines()

    def add(self, table: str, chunk: Chunk) -> None:
        """Check and keep some lines of a table."""
        adders: Mapping[str, Callable[[Chunk], None]] = {
            "ledger": self._add_ledger,
            "instruments": self._lines.add_instruments,
            "tiers": self._lines.add_tiers,
            "scenarios": self._scenarios.add_scenarios,
            "risks": lambda chunk: self._scenarios.add_risks(chunk, self._instrument_table()),
            "accounts": self._add_accounts,
            "rows": self._add_rows,
            "orders": self._add_orders,
            "entries": self._add_entries,
        }
        adders[table](chunk)

    def _add_ledger(self, chunk: Chunk) -> None:
        if chunk.count != 1 or self._meta is not None:
            chunk.place.fail(chunk.count - 1, "venue", "the ledger table has exactly one line")
        version, venue, quote, time = (chunk.required(name)[0] for name in ("version", "venue", "quote", "time"))
        if version != "1":
            chunk.place.fail(0, "version", f"{version!r}, but this reader knows version 1")
        self._scenarios.add_ledger(chunk)
        synthetic = bool(chunk.truths("synthetic")[0])
        try:
            seconds = decimals.parse(time, 0)
        except EncodingError as error:
            chunk.place.fail(0, "time", str(error))
        if not 0 <= seconds < U64:
            chunk.place.fail(0, "time", f"{seconds} is outside 64 bits")
        self._meta = (venue, quote, seconds, synthetic)

    def _instrument_table(self) -> InstrumentTable:
        if self._table is None:
            self._table = table = self._lines.table()
            self._symbols = {i.symbol: i.id for i in table.instruments}
            self._decimals = np.array([0, *(i.decimals for i in table.instruments)], np.int64)
            self._is_asset = np.array([True, *(i.is_asset for i in table.instruments)])
        return self._table

    def _add_accounts(self, chunk: Chunk) -> None:
        names = chunk.required("account")
        unfit = [len(name.encode()) > MAX_NAME_BYTES or not is_plain(name) for name in names]
        chunk.refuse("account", np.array(unfit, np.bool_), f"is not 1 to {MAX_NAME_BYTES} printable bytes")
        first = len(self._accounts)
        if first + len(names) > MAX_ACCOUNTS:
            chunk.place.fail(len(names) - 1, "account", f"more than {MAX_ACCOUNTS} accounts")
        self._declared.append((first, chunk.place))
        for i, name in enumerate(names):
            known = self._accounts.setdefault(name, first + i)
            if known != first + i:
                chunk.place.fail(i, "account", f"{name!r} was declared before, at {self._declaration(known)}")
        self._add_keys(chunk)
        self._add_models(chunk)
        self._journals.add_accounts(chunk)

    def _declaration(self, account: int) -> str:
        """Where an account was declared."""
        first, place = next(entry for entry in reversed(self._declared) if entry[0] <= account)
        return f"{place.unit} {place.first + account - first}"

    def _add_keys(self, chunk: Chunk) -> None:
        """Keep owners and view keys, which all accounts have or none has."""
        present = {
            field: np.fromiter(map(bool, chunk.text(field)), np.bool_, chunk.count) for field in ("owner", "view_key")
        }
        with_keys = bool(self._owners) or (len(self._declared) == 1 and bool(present["owner"].any()))
        for field, given in present.items():
            if with_keys:
                chunk.refuse(field, ~given, "has no key, but other accounts have: all of them or none")
            else:
                chunk.refuse(field, given, "is a key, but other accounts have none: all of them or none")
        if not with_keys:
            return
        owners, view_keys = chunk.bytes_32("owner"), chunk.bytes_32("view_key")
        chunk.refuse("owner", ~wide.below(owners, FR_MODULUS), "is not below the field's modulus")
        chunk.refuse("view_key", _small_order(view_keys), "is a point of small order, not a public key")
        self._owners.append(owners)
        self._view_keys.append(view_keys)

    def _add_models(self, chunk: Chunk) -> None:
        """Keep which accounts the portfolio rule judges."""
        models = chunk.text("margin")
        unknown = np.array([bool(model) and model not in _MODELS for model in models], np.bool_)
        chunk.refuse("margin", unknown, f"is neither {' nor '.join(_MODELS)}")
        chosen = np.array([model == "portfolio" for model in models], np.bool_)
        if not self._scenarios.stated:
            chunk.refuse("margin", chosen, "is stated, and the ledger has no scenarios")
        self._portfolio.append(chosen)

    def _add_rows(self, chunk: Chunk) -> None:
        self._instrument_table()
        account = chunk.lookup("account", self._accounts, "accounts")
        instrument = chunk.lookup("instrument", self._symbols, "instruments")
        scale = self._decimals[instrument]
        amount = chunk.signed_64("amount", scale)
        entry = chunk.numbers("entry", np.full(chunk.count, VALUE_DECIMALS), required=False)
        entry_high, entry_low, outside = wide.halves(entry)
        chunk.refuse("entry", outside, "does not fit a signed 128-bit number of 10^-16 quote")
        funding = chunk.signed_64("funding", VALUE_DECIMALS - scale, required=False)
        asset = self._is_asset[instrument]
        chunk.refuse("entry", asset & ((entry_high != 0) | (entry_low != 0)), "is given, but an asset has none")
        chunk.refuse("funding", asset & (funding != 0), "is given, but an asset has none")
        isolated = chunk.truths("isolated")
        chunk.refuse("isolated", asset & isolated, "is stated of an asset; only a market is held isolated")
        self._rows.append((chunk.place, [account, instrument, amount, entry_high, entry_low, funding, isolated]))
        self._limit(self._rows, chunk, "instrument")

    def _add_orders(self, chunk: Chunk) -> None:
        self._instrument_table()
        account = chunk.lookup("account", self._accounts, "accounts")
        instrument = chunk.lookup("instrument", self._symbols, "instruments")
        side = chunk.lookup("side", _SIDES, "sides, buy and sell")
        scale = self._decimals[instrument]
        price = chunk.unsigned_64("price", VALUE_DECIMALS - scale)
        size = chunk.unsigned_64("size", scale)
        chunk.refuse("size", size == 0, "is zero; an order has a size")
        self._orders.append((chunk.place, [account, instrument, side, price, size]))
        self._limit(self._orders, chunk, "instrument")

    def _add_entries(self, chunk: Chunk) -> None:
        self._instrument_table()
        self._journals.add_entries(chunk, self._accounts, self._symbols, self._decimals, self._is_asset)

    def _limit(self, kept: list[Kept], chunk: Chunk, field: str) -> None:
        total, most = sum(len(columns[0]) for _, columns in kept), MAX_ROWS * len(self._accounts)
        if total > most:
            chunk.place.fail(chunk.count - 1, field, f"{total} entries, but {most} fit {len(self._accounts)} accounts")

    def finish(self, notes: Sequence[str] = ()) -> Ledger:
        """The ledger; LedgerError if a table is missing, or an account holds something twice or too much."""
        if self._meta is None:
            raise LedgerError("the ledger table is missing: venue, quote and time are not stated")
        venue, quote, time, synthetic = self._meta
        table = self._instrument_table()
        names = tuple(self._accounts)
        rows, orders = _joined(self._rows, 7), _joined(self._orders, 5)
        _refuse_repeated(self._rows, rows, names, table)
        _refuse_crowded(self._rows, rows[0], names, "rows")
        _refuse_crowded(self._orders, orders[0], names, "orders")
        held = row_columns(rows[0], len(names), rows[1:])
        ordered = order_columns(orders[0], len(names), orders[1:])
        self._refuse_empty(rows, ordered, names)
        portfolio = np.concatenate([np.zeros(0, np.bool_), *self._portfolio])
        return Ledger(
            venue=venue,
            quote=quote,
            time=time,
            synthetic=synthetic,
            table=table,
            names=names,
            rows=with_ordered(held, ordered),
            orders=ordered,
            owners=np.concatenate(self._owners) if self._owners else None,
            view_keys=np.concatenate(self._view_keys) if self._view_keys else None,
            notes=tuple(notes),
            journal=self._journals.finish(names),
            scenarios=self._scenarios.table(table),
            portfolio=portfolio if portfolio.any() else None,
        )

    def _refuse_empty(self, rows: list[NDArray[np.int64]], ordered: OrderColumns, names: Sequence[str]) -> None:
        """LedgerError for a row of amount 0 whose instrument the account has no order of."""
        empty = np.flatnonzero(rows[2] == 0)
        alone = empty[~np.isin(rows[0][empty] * U16 + rows[1][empty], entry_keys(ordered))]
        if len(alone):
            place, line = _place(self._rows, int(alone[0]))
            name, symbol = names[int(rows[0][alone[0]])], self._instrument_table()[int(rows[1][alone[0]])].symbol
            place.fail(
                line, "amount", f"is zero, and {name!r} has no order of {symbol}; a row that is empty is left out"
            )


def _joined(kept: list[Kept], width: int) -> list[NDArray[np.int64]]:
    empty = [np.zeros(0, np.int64)] * width
    return [np.concatenate(parts) for parts in zip(*(columns for _, columns in kept), strict=True)] if kept else empty


def _place(kept: list[Kept], entry: int) -> tuple[Place, int]:
    """The place of the entry-th line kept, and its number within it."""
    for place, columns in kept:
        if entry < len(columns[0]):
            return place, entry
        entry -= len(columns[0])
    raise IndexError(entry)


def _refuse_repeated(
    kept: list[Kept], rows: list[NDArray[np.int64]], names: Sequence[str], table: InstrumentTable
) -> None:
    account, instrument = rows[0], rows[1]
    order = np.lexsort((instrument, account))
    same = (account[order][1:] == account[order][:-1]) & (instrument[order][1:] == instrument[order][:-1])
    if same.any():
        i = int(same.argmax())
        (first, one), (place, other) = (_place(kept, int(order[i + k])) for k in (0, 1))
        symbol = table[int(instrument[order[i]])].symbol
        name = names[int(account[order[i]])]
        place.fail(
            other,
            "instrument",
            f"account {name!r} has a row of {symbol} already, at {first.unit} {first.first + one}",
        )


def _refuse_crowded(kept: list[Kept], account: NDArray[np.int64], names: Sequence[str], what: str) -> None:
    counts = np.bincount(account, minlength=len(names)) if len(account) else np.zeros(0, np.int64)
    if counts.max(initial=0) > MAX_ROWS:
        crowded = int((counts > MAX_ROWS).argmax())
        place, line = _place(kept, int(np.flatnonzero(account == crowded)[MAX_ROWS]))
        place.fail(
            line,
            "account",
            f"{names[crowded]!r} has {int(counts[crowded])} {what}; at most {MAX_ROWS} fit an account",
        )


def _small_order(view_keys: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which (n, 32) little-endian u-coordinates, top bit ignored, are of small order."""
    words = np.ascontiguousarray(view_keys).view("<u8").astype(np.uint64)
    words[:, 3] &= np.uint64((1 << 63) - 1)
    small = np.zeros(len(view_keys), np.bool_)
    for u in _SMALL_ORDER:
        limbs = np.array([(u >> shift) & (U64 - 1) for shift in (0, 64, 128, 192)], np.uint64)
        small |= (words == limbs).all(axis=1)
    return small
