"""A venue's whole state at one moment, as columns and as the bytes of a state segment (docs/spec.md §15).

u32 size ‖ JSON ‖ u32 size ‖ instruments.json ‖ u32 size ‖ scenarios.json, empty without one
‖ n × (owner[32] ‖ view key[32] ‖ history head[32] ‖ length u64)
‖ rows × (account u32 ‖ instrument u16 ‖ isolated u8 ‖ amount i64 ‖ entry i128 ‖ funding at entry i64)
‖ orders × (number u64 ‖ account u32 ‖ instrument u16 ‖ flags u8 ‖ price u64 ‖ open i64)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from zkstate.errors import EncodingError, InputError, LedgerError, LengthError
from zkstate.kernels import FR_MODULUS
from zkstate.state import wide
from zkstate.state.journal_columns import no_entries
from zkstate.state.ledger import (
    MAX_ACCOUNTS,
    Bytes32,
    Ledger,
    OrderColumns,
    RowColumns,
    order_columns,
    row_columns,
    with_ordered,
)
from zkstate.state.scenarios import ScenarioTable, decode_scenarios, encode_scenarios
from zkstate.state.schema import I64, U16, U64
from zkstate.state.table import InstrumentTable, decode_table, encode_table
from zkstate.state.venue_check import at_entry, check_accounts, check_state, settlement_of
from zkstate.state.venue_events import ISOLATED, LIQUIDATES, SELLS

_ACCOUNT = np.dtype([("owner", "u1", 32), ("view_key", "u1", 32), ("head", "u1", 32), ("length", ">u8")])
_ROW = np.dtype(
    [("account", ">u4"), ("instrument", ">u2"), ("isolated", "u1"), ("amount", ">i8"), ("entry_high", ">i8"),
     ("entry_low", ">u8"), ("funding", ">i8")]
)  # fmt: skip
_RESTING = np.dtype(
    [("number", ">u8"), ("account", ">u4"), ("instrument", ">u2"), ("flags", "u1"), ("price", ">u8"), ("open", ">i8")]
)
_SIZE = struct.Struct(">I")
_MAX_HEAD = 1 << 31
_U32 = 1 << 32

_Count = Annotated[int, msgspec.Meta(ge=0, lt=_U32)]
_Whole = Annotated[str, msgspec.Meta(pattern=r"\A(0|-?[1-9][0-9]{0,79})\Z")]


class Extra(NamedTuple):
    """What trading an asset moved of the settlement asset: an entry behind that of event `number`."""

    number: int
    account: int
    amount: int
    time: int
    price: int


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    venue: str
    quote: str
    synthetic: bool
    time: _Whole
    events: _Whole
    link: _Whole
    last_order: _Whole
    house: _Whole
    net: list[_Whole]
    names: Annotated[list[str], msgspec.Meta(max_length=MAX_ACCOUNTS)]
    rows: _Count
    orders: _Count


_DECODER = msgspec.json.Decoder(_Form)


@dataclass(frozen=True, slots=True)
class RestingColumns:
    """Open orders by instrument and side, best price first, then oldest. `flags` as of an order's event."""

    number: NDArray[np.uint64]
    account: NDArray[np.uint32]
    instrument: NDArray[np.uint16]
    flags: NDArray[np.uint8]
    price: NDArray[np.uint64]
    open: NDArray[np.int64]

    def tuples(self) -> Iterator[tuple[int, int, int, int, int, int]]:
        """(number, account, instrument, flags, price, open) of each."""
        columns = (self.number, self.account, self.instrument, self.flags, self.price, self.open)
        return zip(*(column.tolist() for column in columns), strict=True)

    def as_orders(self, accounts: int) -> OrderColumns:
        """The order columns of a ledger."""
        columns = [self.instrument, self.flags & SELLS, self.price, self.open.view(np.uint64)]
        return order_columns(self.account.astype(np.int64), accounts, columns)


def resting_columns(orders: list[tuple[int, int, int, int, int, int]]) -> RestingColumns:
    """Columns of (number, account, instrument, flags, price, open)."""
    kinds = (np.uint64, np.uint32, np.uint16, np.uint8, np.uint64, np.int64)
    parts = list(zip(*orders, strict=True)) if orders else [()] * len(kinds)
    return RestingColumns(*(np.array(part, kind) for part, kind in zip(parts, kinds, strict=True)))


@dataclass(frozen=True, slots=True)
class VenueState:
    """Everything that later events depend on. `time`, `events`, `link` and `last_order` are those of the last event."""

    venue: str
    quote: str
    synthetic: bool
    time: int
    events: int
    link: int
    last_order: int
    house: int
    net: tuple[int, ...]
    table: InstrumentTable
    scenarios: ScenarioTable | None
    names: tuple[str, ...]
    owners: Bytes32
    view_keys: Bytes32
    heads: Bytes32
    lengths: NDArray[np.uint64]
    rows: RowColumns
    resting: RestingColumns

    def ledger(self) -> Ledger:
        """The ledger of this state, with nothing new in its histories."""
        orders = self.resting.as_orders(len(self.names))
        journal = no_entries(self.heads, self.lengths) if self.lengths.any() else None
        return Ledger(
            self.venue, self.quote, self.time, self.synthetic, self.table, self.names, with_ordered(self.rows, orders),
            orders, self.owners, self.view_keys, journal=journal, scenarios=self.scenarios,
        )  # fmt: skip

    def with_accounts(self, names: tuple[str, ...], owners: Bytes32, view_keys: Bytes32) -> VenueState:
        """The state with further accounts.

        LedgerError if one of the names is taken, or keys are missing; EncodingError for a name that is no plain text,
        or an owner that is not below the field's modulus.
        """
        every = (*self.names, *names)
        if len(set(every)) < len(every) or len(owners) != len(names) or len(view_keys) != len(names):
            raise LedgerError(f"{len(names)} new accounts: a name is taken, or there are {len(owners)} owners")
        check_accounts(names, owners)
        return replace(
            self,
            names=every,
            owners=np.concatenate([self.owners, owners]),
            view_keys=np.concatenate([self.view_keys, view_keys]),
            heads=np.concatenate([self.heads, np.zeros((len(names), 32), np.uint8)]),
            lengths=np.concatenate([self.lengths, np.zeros(len(names), np.uint64)]),
        )

    def encode(self) -> bytes:
        """The bytes of the state."""
        r, o = self.rows, self.resting
        form = _Form(
            1, self.venue, self.quote, self.synthetic, str(self.time), str(self.events), str(self.link),
            str(self.last_order), str(self.house), [str(n) for n in self.net], list(self.names), len(r.amount),
            len(o.number),
        )  # fmt: skip
        accounts = _packed(_ACCOUNT, (self.owners, self.view_keys, self.heads, self.lengths))
        account = np.repeat(np.arange(len(self.names)), r.counts)
        rows = _packed(_ROW, (account, r.instrument, r.isolated, r.amount, r.entry_high, r.entry_low, r.funding))
        orders = _packed(_RESTING, (o.number, o.account, o.instrument, o.flags, o.price, o.open))
        scenarios = b"" if self.scenarios is None else encode_scenarios(self.scenarios)
        parts = [msgspec.json.encode(form), encode_table(self.table), scenarios]
        sized = b"".join(_SIZE.pack(len(part)) + part for part in parts)
        return sized + accounts.tobytes() + rows.tobytes() + orders.tobytes()

    @classmethod
    def decode(cls, data: bytes) -> VenueState:
        """Read a state. LengthError, EncodingError unless it is the one encoding of a state."""
        try:
            state = _decode(cls, data)
            if state.encode() != data:
                raise EncodingError("it is not in its canonical form")
            check_state(state)
        except InputError as error:
            raise EncodingError(f"state of a venue: {error}") from error
        return state


def _packed(kind: np.dtype[np.void], columns: tuple[NDArray[np.generic], ...]) -> NDArray[np.void]:
    out = np.empty(len(columns[0]), kind)
    for name, column in zip(kind.names or (), columns, strict=True):
        out[name] = column
    return out


def _decode(cls: type[VenueState], data: bytes) -> VenueState:
    parts, at = [], 0
    for _ in range(3):
        if len(data) - at < _SIZE.size:
            raise LengthError(f"{len(data)} bytes end within its sizes")
        (size,) = _SIZE.unpack_from(data, at)
        at += _SIZE.size
        if size > min(_MAX_HEAD, len(data) - at):
            raise LengthError(f"a part of {size} bytes, and {len(data) - at} are left")
        parts.append(data[at : at + size])
        at += size
    try:
        form = _DECODER.decode(parts[0])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EncodingError(str(error)) from error
    table = decode_table(parts[1])
    n = len(form.names)
    needed = n * _ACCOUNT.itemsize + form.rows * _ROW.itemsize + form.orders * _RESTING.itemsize
    if len(data) - at != needed:
        raise LengthError(f"{len(data) - at} bytes of accounts, rows and orders, which take {needed}")
    accounts = np.frombuffer(data, _ACCOUNT, n, at)
    at += accounts.nbytes
    rows = np.frombuffer(data, _ROW, form.rows, at)
    orders = np.frombuffer(data, _RESTING, form.orders, at + rows.nbytes)
    columns = RestingColumns(
        *(orders[name].astype(orders[name].dtype.newbyteorder("=")) for name in _RESTING.names or ())
    )
    _check(form, table, accounts, rows, columns)
    stored = ("instrument", "amount", "entry_high", "entry_low", "funding", "isolated")
    held = row_columns(rows["account"].astype(np.int64), n, [rows[name] for name in stored])
    fields = {name: np.ascontiguousarray(accounts[name]) for name in ("owner", "view_key", "head")}
    return cls(
        form.venue, form.quote, form.synthetic, int(form.time), int(form.events), int(form.link), int(form.last_order),
        int(form.house), tuple(map(int, form.net)), table,
        decode_scenarios(parts[2], table.depth) if parts[2] else None,
        tuple(form.names), fields["owner"], fields["view_key"], fields["head"],
        accounts["length"].astype(np.uint64), held, columns,
    )  # fmt: skip


def _check(
    form: _Form, table: InstrumentTable, accounts: NDArray[np.void], rows: NDArray[np.void], o: RestingColumns
) -> None:
    """Ranges that a ledger does not check itself."""
    settlement_of(table, form.quote)
    for name in ("time", "events", "link", "last_order"):
        if not 0 <= int(getattr(form, name)) < U64:
            raise EncodingError(f"{name} is {getattr(form, name)}, outside 0..2^64-1")
    if len(form.net) != len(table):
        raise LengthError(f"{len(form.net)} net deposits for {len(table)} instruments")
    check_accounts(form.names, accounts["owner"])
    if not wide.below(np.ascontiguousarray(accounts["head"]), FR_MODULUS).all():
        raise EncodingError("a head is not below the field's modulus")
    for what, column in (("row", rows), ("order", o)):
        account = column["account"] if isinstance(column, np.ndarray) else column.account
        instrument = column["instrument"] if isinstance(column, np.ndarray) else column.instrument
        if (account >= len(form.names)).any() or (instrument < 1).any() or (instrument > len(table)).any():
            raise EncodingError(f"an {what} is of an account or instrument that there is not")
    if len(rows) and ((rows["amount"] == 0).any() or (rows["isolated"] > 1).any()):
        raise EncodingError("a row of amount 0, or neither isolated nor not")
    if (o.open <= 0).any() or (o.number == 0).any() or (o.number > np.uint64(int(form.last_order))).any():
        raise EncodingError("an order with nothing open, or a number that is none")
    if (np.diff(np.sort(o.number)) == 0).any() or (o.flags > SELLS | ISOLATED | LIQUIDATES).any():
        raise EncodingError("two orders of one number, or with other flags than orders have")
    side = o.flags & SELLS
    key = np.where(side == 1, o.price, np.uint64(U64 - 1) - o.price)
    order = np.lexsort((np.arange(len(key)), key, side, o.instrument))
    if (order != np.arange(len(order))).any():
        raise EncodingError("its orders do not stand by instrument, side and price")


def state_of(ledger: Ledger) -> VenueState:
    """The state in which a journal begins: a ledger with keys. Orders are numbered in the ledger's order.

    LedgerError if the ledger has no keys or no asset of the quote's symbol, a size is 2^63 or more, an account has
    portfolio margin, or a row or order is one that no event leaves.
    """
    settlement_of(ledger.table, ledger.quote)
    owners, view_keys = ledger.keys()
    if ledger.portfolio is not None and ledger.portfolio.any():
        name = ledger.names[int(ledger.portfolio.argmax())]
        raise LedgerError(f"account {name!r} has portfolio margin, which a journal has no place for")
    if (ledger.orders.size >= I64).any():
        raise LedgerError("an order's size is 2^63 or more, which a journal has no place for")
    r = ledger.rows
    kept = r.amount != 0
    account = np.repeat(np.arange(len(ledger)), r.counts)[kept]
    columns = [c[kept] for c in (r.instrument, r.amount, r.entry_high, r.entry_low, r.funding, r.isolated)]
    rows = row_columns(account, len(ledger), columns)
    totals = ledger.totals()
    net = tuple(
        credit - debit if instrument.is_asset else 0
        for instrument, credit, debit in zip(ledger.table.instruments, totals.credits, totals.debits, strict=True)
    )
    if ledger.journal is None:
        heads, lengths = np.zeros((len(ledger), 32), np.uint8), np.zeros(len(ledger), np.uint64)
    else:
        heads, lengths = ledger.journal.new_heads(), ledger.journal.new_lengths
    state = VenueState(
        ledger.venue, ledger.quote, ledger.synthetic, ledger.time, 0, 0, len(ledger.orders.price),
        at_entry(rows, ledger.table), net, ledger.table, ledger.scenarios, ledger.names, owners, view_keys, heads,
        lengths, rows, _numbered(ledger),
    )  # fmt: skip
    try:
        check_state(state)
    except EncodingError as error:
        raise LedgerError(f"no journal can begin with this ledger: {error}") from error
    return state


def _numbered(ledger: Ledger) -> RestingColumns:
    o, r = ledger.orders, ledger.rows
    account = np.repeat(np.arange(len(ledger)), o.counts)
    alone = np.repeat(np.arange(len(ledger)), r.counts)[r.isolated != 0] * U16 + r.instrument[r.isolated != 0]
    flags = o.side | np.where(np.isin(account * U16 + o.instrument, alone), ISOLATED, 0).astype(np.uint8)
    number = np.arange(1, len(account) + 1, dtype=np.uint64)
    key = np.where(o.side == 1, o.price, np.uint64(U64 - 1) - o.price)
    order = np.lexsort((number, key, o.side, o.instrument))
    return RestingColumns(
        number[order], account[order].astype(np.uint32), o.instrument[order], flags[order], o.price[order],
        o.size[order].astype(np.int64),
    )  # fmt: skip
