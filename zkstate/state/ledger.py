"""A venue's ledger at one moment, by columns. Readers and writers of its file forms are the `ledger_*` modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import LedgerError, LengthError
from zkstate.state import identity, wide
from zkstate.state.journal_columns import JournalColumns
from zkstate.state.scenarios import ScenarioTable
from zkstate.state.schema import MAX_ROWS, PORTFOLIO, SIZE_CLASSES, U16, Order, Row
from zkstate.state.table import InstrumentTable
from zkstate.state.text import is_plain

MAX_ACCOUNTS = 1 << 24
MAX_NAME_BYTES = 128
MAX_VENUE_BYTES = 60

Bytes32 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RowColumns:
    """All rows: account i has the entries start[i] .. start[i+1]-1, by instrument. entry = high * 2^64 + low.

    `isolated` is 1 for a pot of its own, else 0.
    """

    start: NDArray[np.int64]
    instrument: NDArray[np.uint16]
    amount: NDArray[np.int64]
    entry_high: NDArray[np.int64]
    entry_low: NDArray[np.uint64]
    funding: NDArray[np.int64]
    isolated: NDArray[np.uint8]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each account."""
        return np.diff(self.start)


@dataclass(frozen=True, slots=True)
class OrderColumns:
    """All open orders: account i has the entries start[i] .. start[i+1]-1, in the order of their encodings."""

    start: NDArray[np.int64]
    instrument: NDArray[np.uint16]
    side: NDArray[np.uint8]
    price: NDArray[np.uint64]
    size: NDArray[np.uint64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Orders of each account."""
        return np.diff(self.start)


@dataclass(frozen=True, slots=True)
class Ledger:
    """A whole venue. `owners` and `view_keys` are (n, 32) bytes, or both None before keys are issued.

    `notes` are warnings of the reader about values it kept or quantised; they belong in reports. `journal` holds what
    happened to the accounts since the state before; None if no account has a history.
    `scenarios` is None for a venue without portfolio margin, `portfolio` says which accounts are judged by it; None if
    none is.
    """

    venue: str
    quote: str
    time: int
    synthetic: bool
    table: InstrumentTable
    names: tuple[str, ...]
    rows: RowColumns
    orders: OrderColumns
    owners: Bytes32 | None = None
    view_keys: Bytes32 | None = None
    notes: tuple[str, ...] = ()
    journal: JournalColumns | None = None
    scenarios: ScenarioTable | None = None
    portfolio: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.venue.encode()) <= MAX_VENUE_BYTES or not is_plain(self.venue):
            raise LedgerError(f"venue name {self.venue!r} is not 1 to {MAX_VENUE_BYTES} printable bytes")
        n = len(self.names)
        if n > MAX_ACCOUNTS:
            raise LedgerError(f"{n} accounts; a ledger holds at most {MAX_ACCOUNTS}")
        for what, start in (("rows", self.rows.start), ("orders", self.orders.start)):
            if len(start) != n + 1:
                raise LengthError(f"{what} are cut into {len(start) - 1} accounts, but there are {n}")
            most = int(np.diff(start).max(initial=0))
            if most > MAX_ROWS:
                name = self.names[int(np.diff(start).argmax())]
                raise LedgerError(f"account {name!r} has {most} {what}; at most {MAX_ROWS} can be committed")
        if self.journal is not None and len(self.journal.lengths) != n:
            raise LengthError(f"journals of {len(self.journal.lengths)} accounts, but there are {n}")
        self._check_rows()
        if self.scenarios is not None:
            self.scenarios.check_beside(self.table)
        self._check_portfolio()
        if (self.owners is None) != (self.view_keys is None):
            raise LedgerError("a ledger has owners and view keys, or neither")
        for what, keys in (("owners", self.owners), ("view keys", self.view_keys)):
            if keys is not None and keys.shape != (n, 32):
                raise LengthError(f"{what} have shape {keys.shape}, not {(n, 32)}")

    def _check_portfolio(self) -> None:
        """LedgerError for an account under the portfolio rule of a venue without scenarios."""
        if self.portfolio is None:
            return
        if self.portfolio.shape != (len(self.names),):
            raise LengthError(f"margin models of {len(self.portfolio)} accounts, but there are {len(self.names)}")
        if self.scenarios is None and self.portfolio.any():
            name = self.names[int(self.portfolio.argmax())]
            raise LedgerError(f"account {name!r} has portfolio margin, and the venue has no scenarios")

    def _check_rows(self) -> None:
        """LedgerError unless every order's instrument has a row, and every row of amount 0 has an order."""
        for what, ids in (("row", self.rows.instrument), ("order", self.orders.instrument)):
            if ids.max(initial=0) > len(self.table) or ids.min(initial=1) < 1:
                bounds = f"{int(ids.min())} to {int(ids.max())}"
                raise LedgerError(f"{what}s are of instruments {bounds}, but the table has 1 to {len(self.table)}")
        held, ordered = entry_keys(self.rows), entry_keys(self.orders)
        for what, keys in (
            ("an order of {}, and no row of it", ordered[~among(ordered, held)]),
            ("a row of {} with amount 0, and no order of it", held[(self.rows.amount == 0) & ~among(held, ordered)]),
        ):
            if len(keys):
                account, instrument = divmod(int(keys[0]), U16)
                symbol = self.table[instrument].symbol
                raise LedgerError(f"account {self.names[account]!r} has {what.format(symbol)}")
        assets = np.array([True, *(i.is_asset for i in self.table.instruments)])
        isolated = np.flatnonzero((self.rows.isolated != 0) & assets[self.rows.instrument])
        if len(isolated):
            symbol = self.table[int(self.rows.instrument[isolated[0]])].symbol
            raise LedgerError(f"a row of asset {symbol!r} is isolated; only a market is held isolated")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size_classes(self) -> NDArray[np.uint8]:
        """The size class of each account: 4, 8, 16 or 64."""
        most = np.maximum(self.rows.counts, self.orders.counts)
        classes = np.array(SIZE_CLASSES, np.uint8)
        return classes[np.searchsorted(classes, most)]

    @property
    def judged_classes(self) -> NDArray[np.uint8]:
        """The size class of each account, and PORTFOLIO more where that rule judges it."""
        if self.portfolio is None:
            return self.size_classes
        return self.size_classes | np.where(self.portfolio, PORTFOLIO, 0).astype(np.uint8)

    def index_of(self, name: str) -> int:
        """The place of an account; LedgerError if there is none of that name."""
        try:
            return self.names.index(name)
        except ValueError:
            raise LedgerError(f"no account is named {name!r}; the ledger has {len(self)}") from None

    def rows_of(self, account: int) -> tuple[Row, ...]:
        """The rows of one account."""
        r = self.rows
        return tuple(
            Row(
                int(r.instrument[i]),
                int(r.amount[i]),
                (int(r.entry_high[i]) << 64) + int(r.entry_low[i]),
                int(r.funding[i]),
                bool(r.isolated[i]),
            )
            for i in range(int(r.start[account]), int(r.start[account + 1]))
        )

    def orders_of(self, account: int) -> tuple[Order, ...]:
        """The orders of one account."""
        o = self.orders
        return tuple(
            Order(int(o.instrument[i]), int(o.side[i]), int(o.price[i]), int(o.size[i]))
            for i in range(int(o.start[account]), int(o.start[account + 1]))
        )

    def owner_of(self, account: int) -> int:
        """The owner commitment of one account; LedgerError before keys are issued."""
        return int.from_bytes(self.keys()[0][account].tobytes())

    def keys(self) -> tuple[Bytes32, Bytes32]:
        """Owners and view keys; LedgerError if the ledger has none."""
        if self.owners is None or self.view_keys is None:
            raise LedgerError("the ledger has no account keys; issue them from an operator master key first")
        return self.owners, self.view_keys

    def totals(self) -> Totals:
        """Exact sums of positive and of negated negative amounts, for each instrument from id 1."""
        return Totals(self._sums(self.rows.amount > 0), self._sums(self.rows.amount < 0))

    def _sums(self, chosen: NDArray[np.bool_]) -> tuple[int, ...]:
        """Sums of |amount| of the chosen rows by instrument."""
        instrument = self.rows.instrument[chosen]
        order = np.argsort(instrument, kind="stable")
        edges = np.searchsorted(instrument[order], np.arange(1, len(self.table) + 2))
        size = np.abs(self.rows.amount[chosen][order]).view(np.uint64)
        return tuple(wide.to_ints(wide.segment_sums(wide.from_u64(size, 4), edges)))


@dataclass(frozen=True, slots=True)
class Totals:
    """What all accounts hold and owe of each instrument, entry 0 being id 1."""

    credits: tuple[int, ...]
    debits: tuple[int, ...]


def issue_keys(ledger: Ledger, master: bytes) -> Ledger:
    """The ledger with the keys that an operator's 32-byte master secret issues to its account names."""
    owners, view_keys = identity.issue_public_keys(master, ledger.names)
    return replace(ledger, owners=owners, view_keys=view_keys)


def starts(owner_of_entry: NDArray[np.int64], accounts: int) -> NDArray[np.int64]:
    """Where each account's entries start in a column sorted by account."""
    return np.searchsorted(owner_of_entry, np.arange(accounts + 1)).astype(np.int64)


def no_orders(accounts: int) -> OrderColumns:
    """The order columns of a venue without orders."""
    return order_columns(np.zeros(0, np.int64), accounts, [np.zeros(0, np.uint64)] * 4)


def row_columns(account: NDArray[np.int64], accounts: int, columns: Sequence[NDArray[np.generic]]) -> RowColumns:
    """Rows sorted by account and instrument, from (instrument, amount, entry_high, entry_low, funding, isolated)."""
    order = np.lexsort((columns[0], account))
    instrument, amount, entry_high, entry_low, funding, isolated = (column[order] for column in columns)
    return RowColumns(
        starts(account[order], accounts),
        instrument.astype(np.uint16),
        amount.astype(np.int64),
        entry_high.astype(np.int64),
        entry_low.astype(np.uint64),
        funding.astype(np.int64),
        isolated.astype(np.uint8),
    )


def entry_keys(entries: RowColumns | OrderColumns) -> NDArray[np.int64]:
    """account * 2^16 + instrument of each entry, ascending."""
    account = np.repeat(np.arange(len(entries.start) - 1), entries.counts)
    return account * U16 + entries.instrument


def among(keys: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which keys are among others. (numpy's isin hashes them, and keys like these collide there.)"""
    known = np.sort(others)
    return np.searchsorted(known, keys, "right") > np.searchsorted(known, keys, "left")


def with_ordered(rows: RowColumns, orders: OrderColumns) -> RowColumns:
    """The rows, and an empty one for each instrument that an account has an order of and no row."""
    held = entry_keys(rows)
    ordered = entry_keys(orders)
    missing = np.sort(ordered[~among(ordered, held)])
    missing = missing[np.diff(missing, prepend=-1) != 0]
    if not len(missing):
        return rows
    empty = np.zeros(len(missing), np.int64)
    account = np.concatenate([held, missing]) // U16
    columns = (rows.amount, rows.entry_high, rows.entry_low, rows.funding, rows.isolated)
    joined = [np.concatenate([column, empty.astype(column.dtype)]) for column in columns]
    joined.insert(0, np.concatenate([rows.instrument, (missing % U16).astype(np.uint16)]))
    return row_columns(account, len(rows.start) - 1, joined)


def order_columns(account: NDArray[np.int64], accounts: int, columns: Sequence[NDArray[np.generic]]) -> OrderColumns:
    """Orders sorted by account and encoding, from (instrument, side, price, size) in any order."""
    instrument, side, price, size = columns
    order = np.lexsort((size, price, side, instrument, account))
    return OrderColumns(
        starts(account[order], accounts),
        instrument[order].astype(np.uint16),
        side[order].astype(np.uint8),
        price[order].astype(np.uint64),
        size[order].astype(np.uint64),
    )
