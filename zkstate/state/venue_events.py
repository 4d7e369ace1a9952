"""Events of a venue's journal: fixed records of 96 bytes, as numpy columns (docs/spec.md §15).

Numbers are big-endian. `after` and `cash` say what the event left, and `link` is a checksum over the event and all
before it, so that one altered event can be named. Units: as `journal.Entry`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.kernels.venue import events_canonical, events_link, events_linked
from zkstate.state.journal import DEPOSIT, FILL, FUNDING, I96, LIQUIDATION, TRANSFER, WITHDRAWAL

ORDER, CANCEL, PRICE = 7, 8, 9
EVENT_KINDS = ("deposit", "withdrawal", "transfer", "fill", "funding", "liquidation", "order", "cancel", "price")
SELLS, ISOLATED, LIQUIDATES = 1, 2, 4

EVENT = np.dtype(
    [
        ("kind", "u1"), ("flags", "u1"), ("instrument", ">u2"), ("account", ">u4"), ("order", ">u8"), ("time", ">u8"),
        ("price", ">u8"), ("amount", ">i8"), ("value_high", ">i8"), ("value_low", ">u8"), ("fee_high", ">i8"),
        ("fee_low", ">u8"), ("after", ">i8"), ("cash", ">i8"), ("link", ">u8"),
    ]
)  # fmt: skip
EVENT_BYTES, LINK_BYTES = EVENT.itemsize, 8
FIELDS = tuple(EVENT.names or ())

Events = NDArray[np.void]
Flags = NDArray[np.bool_]

_VALUE, _FEE = ("value_high", "value_low"), ("fee_high", "fee_low")
# By kind: the flags it may have, and the fields that are 0.
_FORM: dict[int, tuple[int, tuple[str, ...]]] = {
    DEPOSIT: (0, ("order",)),
    WITHDRAWAL: (0, ("order",)),
    TRANSFER: (0, ()),
    FILL: (ISOLATED, ()),
    FUNDING: (0, ("order", "amount")),
    LIQUIDATION: (ISOLATED, ()),
    ORDER: (SELLS | ISOLATED | LIQUIDATES, (*_VALUE, *_FEE, "cash")),
    CANCEL: (0, ("price", "amount", *_VALUE, *_FEE, "cash")),
    PRICE: (0, ("account", "order", "value_high", *_FEE, "after", "cash")),
}


class DivergenceError(DisagreementError):
    """A journal that contradicts itself or a committed state; `event` is the first one that does, counted from 1."""

    def __init__(self, event: int, what: str) -> None:
        super().__init__(f"event {event} of the venue's journal: {what}")
        self.event = event


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it is put in, before what it leaves is known. `value` and `fee` as of `journal.Entry`."""

    kind: int
    instrument: int
    time: int
    account: int = 0
    order: int = 0
    price: int = 0
    amount: int = 0
    value: int = 0
    fee: int = 0
    flags: int = 0

    def record(self) -> tuple[int, ...]:
        """The fields of its record, what it leaves and its link as 0."""
        low = (1 << 64) - 1
        return (
            self.kind, self.flags, self.instrument, self.account, self.order, self.time, self.price, self.amount,
            self.value >> 64, self.value & low, self.fee >> 64, self.fee & low, 0, 0, 0,
        )  # fmt: skip


def stated_events(events: Events) -> Iterator[Event]:
    """Records as they were put in."""
    names = ("kind", "instrument", "time", "account", "order", "price", "amount", *_VALUE, *_FEE, "flags")
    for kind, instrument, time, account, order, price, amount, high, low, fee_high, fee_low, flags in zip(
        *(events[name].tolist() for name in names), strict=True
    ):
        value, fee = (high << 64) + low, (fee_high << 64) + fee_low
        yield Event(kind, instrument, time, account, order, price, amount, value, fee, flags)


def event_array(events: list[Event]) -> Events:
    """Events as records. EncodingError if a field does not fit."""
    return as_records([event.record() for event in events])


def as_records(rows: list[tuple[int, ...]]) -> Events:
    """Records of their fields, row by row. EncodingError if one does not fit."""
    try:
        return np.array(rows, EVENT)
    except OverflowError as error:
        raise EncodingError(f"events of a venue: a field does not fit its place: {error}") from error


def joined_events(parts: list[Events]) -> Events:
    """Events one behind the other. (Of big-endian records numpy would make native ones.)"""
    return np.concatenate([np.zeros(0, EVENT), *parts], dtype=EVENT)


def decode_events(data: bytes | memoryview, first: int) -> Events:
    """Records in canonical form, read in place; `first` is the number of the first. LengthError, EncodingError."""
    if len(data) % EVENT_BYTES:
        raise LengthError(f"{len(data)} bytes are not whole events of {EVENT_BYTES}")
    events: Events = np.frombuffer(data, EVENT)
    check_form(events, first)
    return events


def check_form(events: Events, first: int) -> None:
    """EncodingError, with the number of the first event that is no canonical record."""
    if events.dtype != EVENT:
        raise EncodingError(f"events of a venue are records of {events.dtype}, not those of docs/spec.md")
    if events_canonical(np.ascontiguousarray(events)):
        return
    at = int(malformed(events).argmax())
    shown = ", ".join(f"{name} {events[name][at]}" for name in FIELDS)
    raise EncodingError(f"event {first + at} of the venue's journal is no canonical record: {shown}")


def malformed(events: Events) -> Flags:
    """Which events are no canonical records, as the core decides for all of them."""
    kind = events["kind"]
    wrong: Flags = (kind < DEPOSIT) | (kind > PRICE) | (events["instrument"] == 0)
    for code, (flags, empty) in _FORM.items():
        here = kind == code
        bad = (events["flags"] & np.uint8(0xFF ^ flags)) != 0
        for name in empty:
            bad |= events[name] != 0
        wrong |= here & bad
    amount = events["amount"]
    moves = (kind <= LIQUIDATION) & (kind != FUNDING) | (kind == ORDER)
    wrong |= moves & (amount == 0)
    wrong |= (amount < 0) & ((kind == DEPOSIT) | (kind == ORDER))
    wrong |= (amount > 0) & (kind == WITHDRAWAL)
    wrong |= (events["order"] == 0) & ((kind == ORDER) | (kind == CANCEL))
    limit = I96 >> 64
    wrong |= (events["fee_high"] < -limit) | (events["fee_high"] >= limit)
    return wrong


def check_columns(events: Events, first: int, since: int, accounts: int, instruments: int) -> None:
    """Bounds of all events at once: DivergenceError for a time that falls, or an account or instrument there is not."""
    time = events["time"].astype(np.uint64)
    falls = time < np.concatenate([np.array([since], np.uint64), time[:-1]])[: len(time)]
    for what, wrong in (
        ("its time is before that of the one before it", falls),
        (f"its account is none of {accounts}", events["account"] >= accounts),
        (f"its instrument is none of {instruments}", events["instrument"] > instruments),
    ):
        if wrong.any():
            raise DivergenceError(first + int(wrong.argmax()), what)


def linked(events: Events, link: int) -> int:
    """Fill in the links of events after one with `link`; the last link."""
    if not events.flags.c_contiguous:
        raise LengthError("events are linked in one piece of memory")
    return int.from_bytes(events_link(events, link.to_bytes(LINK_BYTES)))


def check_links(events: Events, link: int, first: int) -> int:
    """The last link; DivergenceError names the first event that is not what its link was made of."""
    at, last = events_linked(np.ascontiguousarray(events), link.to_bytes(LINK_BYTES))
    if at < len(events):
        stated = int(events["link"][at]).to_bytes(LINK_BYTES).hex()
        raise DivergenceError(first + at, f"its link is {stated}, and its fields make {last.hex()}")
    return int.from_bytes(last)
