"""The public tables of an epoch beside the instruments: totals, and the order book by price level.

Canonical JSON as in `instruments.json`: no white space, fixed key order, quantities as decimal strings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np

from zkstate.errors import DisagreementError, EncodingError
from zkstate.publication.header import Header
from zkstate.publication.layout import INSTRUMENTS, ORDER_BOOK, SCENARIOS, TOTALS
from zkstate.publication.regular import read_below
from zkstate.state import commit, table, wide
from zkstate.state.ledger import Ledger, Totals
from zkstate.state.scenarios import MAX_SCENARIOS_BYTES, ScenarioTable, decode_scenarios
from zkstate.state.schema import BUY, MAX_INSTRUMENTS, SELL
from zkstate.state.table import InstrumentTable

MAX_TOTALS_BYTES = 1 << 20
MAX_ORDER_BOOK_BYTES = 1 << 30

_Quantity = Annotated[str, msgspec.Meta(pattern=r"\A(0|[1-9][0-9]{0,29})\Z")]
_Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_INSTRUMENTS)]


class _Total(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    instrument: _Id
    credit: _Quantity
    debit: _Quantity


class _Totals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    totals: Annotated[list[_Total], msgspec.Meta(max_length=MAX_INSTRUMENTS)]


class _Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    price: _Quantity
    size: _Quantity
    orders: int


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    instrument: _Id
    bids: list[_Level]
    asks: list[_Level]


class _OrderBook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    books: list[_Book]


_TOTALS_DECODER = msgspec.json.Decoder(_Totals)


def encode_totals(totals: Totals) -> bytes:
    """`tables/totals.json`: what all accounts hold (credit) and owe (debit) of each instrument, from id 1."""
    pairs = enumerate(zip(totals.credits, totals.debits, strict=True), start=1)
    return msgspec.json.encode(_Totals(1, [_Total(i, str(credit), str(debit)) for i, (credit, debit) in pairs]))


def decode_totals(data: bytes) -> Totals:
    """Read `tables/totals.json`; EncodingError for anything but canonical bytes."""
    if len(data) > MAX_TOTALS_BYTES:
        raise EncodingError(f"{TOTALS} has {len(data)} bytes; the limit is {MAX_TOTALS_BYTES}")
    try:
        form = _TOTALS_DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EncodingError(f"{TOTALS}: {error}") from error
    for place, total in enumerate(form.totals, start=1):
        if total.instrument != place:
            raise EncodingError(f"{TOTALS}: instrument {total.instrument} stands at place {place}")
    totals = Totals(tuple(int(t.credit) for t in form.totals), tuple(int(t.debit) for t in form.totals))
    if encode_totals(totals) != data:
        raise EncodingError(f"{TOTALS} is not in its canonical form")
    return totals


def check_totals(data: bytes, header: Header) -> Totals:
    """The totals a header commits to; DisagreementError with both roots if these are others."""
    totals = decode_totals(data)
    _under(TOTALS, "totals_root", commit.totals_root(totals.credits, totals.debits), header.totals_root)
    return totals


def check_instruments(data: bytes, header: Header) -> InstrumentTable:
    """The instrument table a header commits to; DisagreementError with both roots if this is another."""
    instruments = table.decode_table(data)
    if instruments.depth != header.table_depth:
        raise DisagreementError(
            f"{INSTRUMENTS} has depth {instruments.depth}, the header's table_depth is {header.table_depth}"
        )
    _under(INSTRUMENTS, "instruments_root", instruments.root, header.instruments_root)
    return instruments


def check_scenarios(data: bytes, header: Header, instruments: InstrumentTable) -> ScenarioTable:
    """The scenario table a header commits to, of as many instruments as the table it stands beside.

    DisagreementError with both roots if this is another.
    """
    found = decode_scenarios(data, instruments.depth)
    _under(SCENARIOS, "scenarios_root", found.root, header.scenarios_root)
    found.check_beside(instruments)
    return found


def read_scenarios(public: Path, header: Header, instruments: InstrumentTable) -> ScenarioTable | None:
    """The published scenario table that a header commits to, None if to none. Errors: also as `read_below`."""
    if not header.scenarios_root:
        return None
    return check_scenarios(read_below(public, SCENARIOS, MAX_SCENARIOS_BYTES), header, instruments)


def check_order_book(data: bytes, header: Header) -> None:
    """DisagreementError with both roots unless this is the order book a header commits to."""
    _under(ORDER_BOOK, "order_book_root", commit.order_book_root(data), header.order_book_root)


def encode_order_book(ledger: Ledger) -> bytes:
    """`tables/orderbook.json`: open orders summed by instrument, side and price; bids fall, asks rise."""
    o = ledger.orders
    order = np.lexsort((o.price, o.side, o.instrument))
    instrument, side, price = o.instrument[order], o.side[order], o.price[order]
    changes = (np.diff(instrument) != 0) | (np.diff(side) != 0) | (price[1:] != price[:-1])
    first = np.flatnonzero(np.concatenate(([len(order) > 0], changes))) if len(order) else np.zeros(0, np.int64)
    edges = np.append(first, len(order)).astype(np.int64)
    sizes = wide.to_ints(wide.segment_sums(wide.from_u64(o.size[order], 4), edges))
    sides: dict[tuple[int, int], list[_Level]] = {}
    for at, size, count in zip(first.tolist(), sizes, np.diff(edges).tolist(), strict=True):
        level = _Level(str(int(price[at])), str(size), count)
        sides.setdefault((int(instrument[at]), int(side[at])), []).append(level)
    books = [_Book(i, sides.get((i, BUY), [])[::-1], sides.get((i, SELL), [])) for i in sorted({i for i, _ in sides})]
    return msgspec.json.encode(_OrderBook(1, books))


def _under(path: str, field: str, found: int, stated: int) -> None:
    if found != stated:
        raise DisagreementError(f"{path} has root {found:#066x}, and the header's {field} is {stated:#066x}")
