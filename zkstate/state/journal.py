"""The journal of one account: what happened to it, as entries in a hash chain (docs/spec.md §4).

    head' = P(T("entry") + head; e_0, e_1, e_2),   head = 0 before the first entry

An account's leaf holds the head and the number of entries, so that a list of entries between two heads is the
account's own, whole and in order. Units: amounts 10^-d of the instrument, prices 10^-(16-d) quote, values and fees
10^-16 quote, times seconds since 1970.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from zkstate.commitment import domain, poseidon
from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.kernels import FR_MODULUS
from zkstate.state.schema import I64, I128, MAX_INSTRUMENTS, U64

DEPOSIT, WITHDRAWAL, TRANSFER, FILL, FUNDING, LIQUIDATION = range(1, 7)
KINDS = ("deposit", "withdrawal", "transfer", "fill", "funding", "liquidation")  # kind k is KINDS[k - 1]
I96 = 1 << 95
MAX_ENTRIES = 1 << 16  # of one account in one epoch
ENTRY_TAG = domain.tag("entry")

_ENTRY = struct.Struct(">BHq16s12sQQ")
_HEAD = struct.Struct(">32sQI")
ENTRY_BYTES, SEGMENT_HEAD_BYTES = _ENTRY.size, _HEAD.size
_RANGES = (
    ("kind", DEPOSIT, LIQUIDATION + 1),
    ("instrument", 1, MAX_INSTRUMENTS + 1),
    ("amount", -I64, I64),
    ("value", -I128, I128),
    ("fee", -I96, I96),
    ("time", 0, U64),
    ("price", 0, U64),
)


def _within(what: str, value: int, low: int, bound: int) -> None:
    if not low <= value < bound:
        raise EncodingError(f"{what} is {value}, outside {low}..{bound - 1}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of an account.

    | kind | amount | value |
    |---|---|---|
    | deposit, withdrawal, transfer | what the balance of an asset gained (negative: lost) | its worth then |
    | fill, liquidation | what the row gained | the profit realised, before the fee |
    | funding | 0 | funding received (negative: paid) |

    `fee` is what was paid for it (negative: a rebate), `price` what it happened at, 0 if there was none.
    """

    kind: int
    instrument: int
    amount: int
    value: int
    fee: int
    time: int
    price: int

    def __post_init__(self) -> None:
        for name, low, bound in _RANGES:
            _within(f"entry {name}", getattr(self, name), low, bound)
        if (self.amount == 0) != (self.kind == FUNDING):
            raise EncodingError(f"a {self.name} of amount {self.amount}: funding alone has amount 0")
        if (self.kind == DEPOSIT and self.amount < 0) or (self.kind == WITHDRAWAL and self.amount > 0):
            raise EncodingError(f"a {self.name} of amount {self.amount}: deposits add and withdrawals take away")

    @property
    def name(self) -> str:
        """The kind in words."""
        return KINDS[self.kind - 1]

    def elements(self, sequence: int) -> tuple[int, int, int]:
        """The three field elements of entry number `sequence` of its account, counted from 0."""
        first = ((sequence << 4 | self.kind) << 16 | self.instrument) << 64 | self.amount + I64
        return first, (self.value + I128) << 96 | self.fee + I96, self.time << 64 | self.price


def next_head(head: int, sequence: int, entry: Entry) -> int:
    """The head after an entry: P(T("entry") + head; its elements)."""
    return poseidon.poseidon((ENTRY_TAG + head) % FR_MODULUS, entry.elements(sequence))


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive entries of an account, and the head and length of its journal before them."""

    head: int
    length: int
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        _within("journal head", self.head, 0, FR_MODULUS)
        _within("journal length", self.length, 0, U64 - len(self.entries))
        if (self.head == 0) != (self.length == 0):
            raise EncodingError(f"a journal of {self.length} entries with head {self.head:#x}")
        for before, after in pairwise(self.entries):
            if before.time > after.time:
                raise EncodingError(f"an entry of time {after.time} follows one of {before.time}")

    def heads(self) -> list[int]:
        """The head before the first entry and after each."""
        heads = [self.head]
        for sequence, entry in enumerate(self.entries, start=self.length):
            heads.append(next_head(heads[-1], sequence, entry))
        return heads

    def check_end(self, head: int, length: int) -> None:
        """DisagreementError unless the entries lead to this head and length."""
        if self.length + len(self.entries) != length:
            raise DisagreementError(
                f"journal: {len(self.entries)} entries after {self.length}, and the account has {length}"
            )
        if (found := self.heads()[-1]) != head:
            raise DisagreementError(f"journal: the entries lead to head {found:#066x}, the account has {head:#066x}")

    def since(self, head: int, length: int) -> Segment:
        """The part after another epoch's head. DisagreementError if the journal does not hold that head there."""
        skipped = length - self.length
        if not 0 <= skipped <= len(self.entries):
            raise DisagreementError(
                f"the journal has entries {self.length} to {self.length + len(self.entries)}, not those after {length}"
            )
        if (found := self.heads()[skipped]) != head:
            raise DisagreementError(
                f"after {length} entries the journal has head {found:#066x}, and the other epoch states {head:#066x}"
            )
        return Segment(head, length, self.entries[skipped:])

    def after(self, earlier: Segment) -> Segment:
        """Both segments as one; DisagreementError if this one does not continue `earlier`."""
        earlier.check_end(self.head, self.length)
        return Segment(earlier.head, earlier.length, earlier.entries + self.entries)


def entry_class(count: int) -> int:
    """The code k of the least 4^k, k from 1, that holds so many entries; LengthError above 65,536."""
    for code in range(1, 9):
        if count <= 1 << 2 * code:
            return code
    raise LengthError(f"{count} entries of one account in one epoch; at most {MAX_ENTRIES} can be published")


def plaintext_bytes(code: int) -> int:
    """The length of a segment's plaintext in class `code`."""
    if not 1 <= code <= 8:
        raise EncodingError(f"entry class {code} is outside 1..8")
    return SEGMENT_HEAD_BYTES + (ENTRY_BYTES << 2 * code)


def encode_entries(entries: Sequence[Entry]) -> bytes:
    """55 bytes an entry."""
    return b"".join(
        _ENTRY.pack(
            e.kind, e.instrument, e.amount, e.value.to_bytes(16, signed=True), e.fee.to_bytes(12, signed=True), e.time,
            e.price,
        )
        for e in entries
    )  # fmt: skip


def decode_entries(data: bytes) -> tuple[Entry, ...]:
    """Read them back; LengthError, EncodingError."""
    if len(data) % ENTRY_BYTES:
        raise LengthError(f"{len(data)} bytes are not whole entries of {ENTRY_BYTES}")
    return tuple(
        Entry(kind, instrument, amount, _signed(value), _signed(fee), time, price)
        for kind, instrument, amount, value, fee, time, price in _ENTRY.iter_unpack(data)
    )


def _signed(data: bytes) -> int:
    return int.from_bytes(data, signed=True)


def encode_segment(segment: Segment) -> bytes:
    """The plaintext the owner decrypts, padded with zero bytes to its class."""
    head = _HEAD.pack(segment.head.to_bytes(32), segment.length, len(segment.entries))
    return (head + encode_entries(segment.entries)).ljust(plaintext_bytes(entry_class(len(segment.entries))), b"\0")


def decode_segment(data: bytes, code: int) -> Segment:
    """The segment of a plaintext of class `code`. LengthError, EncodingError unless it is its one encoding."""
    if len(data) != plaintext_bytes(code):
        raise LengthError(f"journal plaintext has {len(data)} bytes; class {code} has {plaintext_bytes(code)}")
    head, length, count = _HEAD.unpack_from(data)
    if entry_class(count) != code:
        raise EncodingError(f"journal plaintext of class {code} claims {count} entries")
    end = SEGMENT_HEAD_BYTES + ENTRY_BYTES * count
    segment = Segment(int.from_bytes(head), length, decode_entries(data[SEGMENT_HEAD_BYTES:end]))
    if any(data[end:]):
        raise EncodingError("journal plaintext has other bytes than zero behind its last entry")
    return segment
