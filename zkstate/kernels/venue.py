"""A venue's journal in the core: links and form of its events, and the tables that they change (docs/spec.md §15)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import LengthError
from zkstate.kernels.seam import CArray, check, ffi, lib

__all__ = ["VENUE_INSTRUMENT", "VENUE_ORDER", "VENUE_ROW", "VenueEnd", "VenueTables", "events_canonical", "events_link",
           "events_linked"]  # fmt: skip

_FORMATS: dict[str, object] = {
    "uint8_t": "u1", "uint16_t": "u2", "uint32_t": "u4", "uint64_t": "u8", "int64_t": "i8", "uint32_t[2]": ("u4", 2),
}  # fmt: skip
_EVENT_BYTES: int = lib.ZKN_EVENT_BYTES
_SPARE = 8  # rows and extras that one step may add, and more
_MOST = 1 << 31  # of any table


def _records(ctype: str) -> np.dtype[np.void]:
    """A struct of the core as records of numpy."""
    fields = ffi.typeof(ctype).fields
    return np.dtype(
        {
            "names": [name for name, _ in fields],
            "formats": [_FORMATS[field.type.cname] for _, field in fields],
            "offsets": [field.offset for _, field in fields],
            "itemsize": ffi.sizeof(ctype),
        }
    )


VENUE_ROW = _records("zkn_venue_row")
VENUE_ORDER = _records("zkn_venue_order")
VENUE_INSTRUMENT = _records("zkn_venue_instrument")
_EXTRA = _records("zkn_venue_extra")

Records = NDArray[np.void]


class VenueEnd(IntEnum):
    """Why a run ended before the last event, or did not."""

    DONE = lib.ZKN_VENUE_DONE
    HALF = lib.ZKN_VENUE_HALF
    ASKS = lib.ZKN_VENUE_ASKS
    STOPS = lib.ZKN_VENUE_STOPS


def _bytes(events: bytes | memoryview | Records, *, writable: bool = False) -> tuple[CArray, int]:
    """The events as C sees them, and how many there are."""
    data = events.view(np.uint8) if isinstance(events, np.ndarray) else events
    array = ffi.from_buffer("uint8_t[]", data, require_writable=writable)
    count, rest = divmod(len(array), _EVENT_BYTES)
    if rest:
        raise LengthError(f"{len(array)} bytes are not whole events of {_EVENT_BYTES}")
    return array, count


def events_canonical(events: bytes | memoryview | Records) -> bool:
    """Whether each event is a canonical record. Contiguous records. LengthError."""
    array, count = _bytes(events)
    return bool(lib.zkn_events_canonical(array, count) == count)


def events_linked(events: bytes | memoryview | Records, link: bytes) -> tuple[int, bytes]:
    """(the first event, from 0, whose link does not follow, the link it has to have).

    Where all follow: (how many there are, the last link).
    """
    array, count = _bytes(events)
    last = ffi.new("uint8_t[8]", link)
    at: int = lib.zkn_events_linked(last, array, count)
    return at, bytes(last)


def events_link(events: Records, link: bytes) -> bytes:
    """Fill in the links of events in place; the last one."""
    array, count = _bytes(events, writable=True)
    last = ffi.new("uint8_t[8]", link)
    lib.zkn_events_link(last, array, count)
    return bytes(last)


@dataclass(frozen=True, slots=True)
class VenueBegin:
    """What a venue begins with beside its tables. `unit` is one of the settlement asset, in 10^-16 quote as `house`."""

    settlement: int
    unit: int
    house: int
    last_order: int
    number: int


class VenueTables:
    """Rows, orders and instruments of a venue, changed by events.

    `rows`, one for each pair of an account and an instrument, and `orders`, from first to last in age, are records of
    VENUE_ROW and VENUE_ORDER; `instruments` of VENUE_INSTRUMENT, the first of which, 0, is none.
    """

    def __init__(self, begin: VenueBegin, rows: Records, orders: Records, instruments: Records) -> None:
        """EncodingError for an order of no instrument, or liquidations of an account and market beyond 64 bits."""
        venue = self._venue = ffi.new("zkn_venue *")
        self._tabulation = np.frombuffer(secrets.token_bytes(4 * lib.ZKN_VENUE_TABULATION), np.uint32)
        venue.tabulation = ffi.from_buffer("uint32_t[]", self._tabulation)
        venue.settlement, venue.unit = begin.settlement, begin.unit
        venue.house_high, venue.house_low = begin.house >> 64, begin.house & (1 << 64) - 1
        venue.last_order, venue.number = begin.last_order, begin.number
        self._instruments = instruments.copy()
        venue.instruments, venue.n_instruments = (
            _pointer("zkn_venue_instrument", self._instruments),
            len(instruments) - 1,
        )
        self._rows = _behind_none(VENUE_ROW, rows, len(orders))
        self._orders = _behind_none(VENUE_ORDER, orders, 0)
        venue.row_count, venue.order_count = len(rows) + 1, len(orders) + 1
        self._set_rows()
        live = self._orders[1 : len(orders) + 1]
        live["age"] = np.arange(len(orders))
        venue.age = len(orders)
        by_number = np.argsort(orders["number"], kind="stable")
        live["place"][by_number] = np.arange(len(orders))
        self._numbers = _grown(orders["number"][by_number], len(orders))
        self._order_of = _grown((by_number + 1).astype(np.uint32), len(orders))
        venue.number_count = len(orders)
        self._set_orders()
        self._extras = np.zeros(1 << 12, _EXTRA)
        venue.extras, venue.extra_room = _pointer("zkn_venue_extra", self._extras), len(self._extras)
        self._taken: list[Records] = []
        check(lib.zkn_venue_place_orders(venue), "an order of a venue, or what is being liquidated,")

    @property
    def house(self) -> int:
        """What the venue itself is left with, 10^-16 quote."""
        return int(self._venue.house_high << 64) + int(self._venue.house_low)

    @property
    def last_order(self) -> int:
        """The highest number of an order."""
        return int(self._venue.last_order)

    @property
    def active(self) -> int:
        """The order that crosses the book, 0 for none."""
        return int(self._venue.active)

    @property
    def rows(self) -> Records:
        """All rows there ever were, those of amount 0 too."""
        return self._rows[1 : self._venue.row_count]

    @property
    def orders(self) -> Records:
        """Open orders by number."""
        at = self._order_of[: self._venue.number_count]
        live: Records = self._orders[at[at != 0]]
        return live

    @property
    def instruments(self) -> Records:
        """All instruments, behind one that is none."""
        return self._instruments

    def account(self, account: int) -> Records:
        """The rows of an account by instrument, zeros where it has none."""
        out = np.zeros(len(self._instruments), VENUE_ROW)
        lib.zkn_venue_account(_pointer("zkn_venue_row", out), self._venue, account)
        return out

    def take_extras(self) -> Records:
        """What trades of assets moved of the settlement asset since this was last asked."""
        count = self._venue.extra_count
        found: Records = np.concatenate([*self._taken, self._extras[:count]], dtype=_EXTRA)
        self._taken.clear()
        self._venue.extra_count = 0
        return found

    def run(self, events: Records, *, allowed: bool) -> tuple[int, VenueEnd]:
        """Take in canonical events, accounts and times of which are checked; (how many were, why no more).

        `allowed` answers yes to ASKS about the first of them. LengthError for tables of 2^31 rows and more.
        """
        array, count = _bytes(events)
        done, at = ffi.new("size_t *"), 0
        while True:
            end: int = lib.zkn_venue_run_vartime(
                done, self._venue, array + at * _EVENT_BYTES, count - at, allowed and not at
            )
            at += done[0]
            if end != lib.ZKN_VENUE_FULL:
                return at, VenueEnd(end)
            self._make_room()

    def _make_room(self) -> None:
        venue = self._venue
        self._taken.append(self._extras[: venue.extra_count].copy())
        venue.extra_count = 0
        if venue.row_count + _SPARE > venue.row_room:
            self._rows = _grown(self._rows, venue.row_count)
            self._set_rows()
        if venue.number_count == venue.number_room:
            at = self._order_of[: venue.number_count]
            live = np.flatnonzero(at)
            self._orders["place"][at[live]] = np.arange(len(live))
            kept = len(self._numbers) if 2 * len(live) <= len(self._numbers) else 0  # or there is more room
            self._numbers = _grown(self._numbers[live], len(live), kept)
            self._order_of = _grown(at[live], len(live), kept)
            venue.number_count = len(live)
        if venue.order_count == venue.order_room:
            self._orders = _grown(self._orders, venue.order_count)
        self._set_orders()

    def _set_rows(self) -> None:
        venue = self._venue
        room = 1 << (2 * len(self._rows)).bit_length()
        self._places: NDArray[np.uint32] = np.zeros(room, np.uint32)
        venue.rows, venue.row_room = _pointer("zkn_venue_row", self._rows), len(self._rows)
        venue.places, venue.place_mask = ffi.from_buffer("uint32_t[]", self._places), room - 1
        lib.zkn_venue_place_rows(venue)

    def _set_orders(self) -> None:
        venue = self._venue
        venue.orders, venue.order_room = _pointer("zkn_venue_order", self._orders), len(self._orders)
        venue.numbers, venue.number_room = ffi.from_buffer("uint64_t[]", self._numbers), len(self._numbers)
        venue.order_of = ffi.from_buffer("uint32_t[]", self._order_of)


def _pointer(ctype: str, records: Records) -> CArray:
    return ffi.from_buffer(f"{ctype}[]", records.view(np.uint8), require_writable=True)


def _grown(array: NDArray[Any], count: int, room: int = 0) -> NDArray[Any]:
    """The first `count` of an array, with half as much room again behind them, or `room` in all."""
    room = room or count + count // 2 + 64
    if room >= _MOST:
        raise LengthError(f"a table of a venue with room for {room}, and at most {_MOST} are kept")
    out = np.zeros(room, array.dtype)
    out[:count] = array[:count]
    return out


def _behind_none(kind: np.dtype[np.void], records: Records, more: int) -> Records:
    """Records behind one that is all 0, with room for `more` and some."""
    return _grown(
        np.concatenate([np.zeros(1, kind), records, np.zeros(more, kind)], dtype=kind), 1 + len(records) + more
    )
