"""The header of an epoch: one canonical record of all that a venue commits to (docs/spec.md, section 5)."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zkstate.commitment.merkle import ACCOUNTS_ARITY
from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.kernels import FR_MODULUS
from zkstate.publication.layout import HEADER, MAX_EPOCH, MAX_RECORD_BITS
from zkstate.state.commit import MAX_ACCOUNTS_DEPTH, Meta, state_root, venue_id
from zkstate.state.text import is_plain
from zkstate.state.tree import accounts_depth

MAGIC = b"zkstate\x01"
HEADER_BYTES = 480
SIGNATURE_BYTES = 64
SIGNED_BYTES = HEADER_BYTES + SIGNATURE_BYTES
NAME_BYTES = 60
SYNTHETIC = 1

_DOMAIN = b"zkstate header v1"
_LAYOUT = struct.Struct(">8s32s32s32sQQ" + "32s" * 9 + "QBBBB60s")
_ROOTS = (
    "accounts_root",
    "instruments_root",
    "order_book_root",
    "scenarios_root",
    "journal_head",
    "totals_root",
)
_RANGES = (
    *((name, 0, FR_MODULUS - 1) for name in ("previous_state_root", *_ROOTS)),
    ("epoch", 1, MAX_EPOCH),
    ("time", 0, 2**64 - 1),
    ("account_count", 0, ACCOUNTS_ARITY**MAX_ACCOUNTS_DEPTH),
    ("table_depth", 2, 3),
    ("record_bits", 0, MAX_RECORD_BITS),
    ("flags", 0, SYNTHETIC),
)


@dataclass(frozen=True, slots=True)
class Header:
    """One epoch, as the venue commits to it. Roots are field elements, the keys and `data_root` 32 bytes.

    `venue`, `accounts_depth` and `state_root` follow from the rest and are computed, so every instance
    agrees with itself. Errors: LengthError, EncodingError for a value out of range.
    """

    operator_key: bytes
    record_key: bytes
    venue_name: str
    epoch: int
    time: int
    previous_state_root: int
    accounts_root: int
    instruments_root: int
    totals_root: int
    data_root: bytes
    account_count: int
    table_depth: int
    record_bits: int
    order_book_root: int = 0
    scenarios_root: int = 0
    journal_head: int = 0
    flags: int = 0
    venue: int = field(init=False)
    accounts_depth: int = field(init=False)
    state_root: int = field(init=False)

    def __post_init__(self) -> None:
        for name in ("operator_key", "record_key", "data_root"):
            if len(getattr(self, name)) != 32:
                raise LengthError(f"header field {name}: {len(getattr(self, name))} bytes, not 32")
        for name, low, high in _RANGES:
            if not low <= getattr(self, name) <= high:
                raise EncodingError(f"header field {name}: {getattr(self, name)} is outside {low}..{high}")
        _check_name(self.venue_name)
        object.__setattr__(self, "venue", venue_id(self.operator_key, self.venue_name))
        object.__setattr__(self, "accounts_depth", accounts_depth(self.account_count))
        root = state_root(self.accounts_root, self.instruments_root, self.meta_root)
        object.__setattr__(self, "state_root", root)

    @property
    def meta_root(self) -> int:
        """The part of `state_root` that binds everything but the accounts and the instrument table."""
        return self.meta.root

    @property
    def meta(self) -> Meta:
        """What `meta_root` is the hash of."""
        return Meta(
            venue=self.venue,
            epoch=self.epoch,
            time=self.time,
            previous_state_root=self.previous_state_root,
            account_count=self.account_count,
            order_book_root=self.order_book_root,
            scenarios_root=self.scenarios_root,
            journal_head=self.journal_head,
            totals_root=self.totals_root,
            accounts_depth=self.accounts_depth,
            table_depth=self.table_depth,
        )

    @property
    def synthetic(self) -> bool:
        """Whether the venue marked its data as generated, not real."""
        return bool(self.flags & SYNTHETIC)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the 480 bytes: what a registry stores and the operator signs."""
        return hashlib.sha256(self.encode()).digest()

    def encode(self) -> bytes:
        """The 480 canonical bytes."""
        return _LAYOUT.pack(
            MAGIC,
            self.operator_key,
            self.record_key,
            _word(self.venue),
            self.epoch,
            self.time,
            _word(self.previous_state_root),
            _word(self.state_root),
            *(_word(getattr(self, name)) for name in _ROOTS),
            self.data_root,
            self.account_count,
            self.accounts_depth,
            self.table_depth,
            self.record_bits,
            self.flags,
            self.venue_name.encode(),
        )

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """Read 480 bytes. Errors: LengthError, EncodingError; DisagreementError if parts contradict."""
        if len(data) != HEADER_BYTES:
            raise LengthError(f"a header has {HEADER_BYTES} bytes, not {len(data)}")
        magic, operator_key, record_key, venue, epoch, time, previous, state, *rest = _LAYOUT.unpack(data)
        if magic != MAGIC:
            raise EncodingError(f"header starts with {magic.hex()}, not {MAGIC.hex()} (zkstate, version 1)")
        roots, (data_root, count, depth, table_depth, record_bits, flags, name) = rest[:6], rest[6:]
        header = cls(
            operator_key=operator_key,
            record_key=record_key,
            venue_name=_decode_name(name),
            epoch=epoch,
            time=time,
            previous_state_root=_integer(previous),
            data_root=data_root,
            account_count=count,
            table_depth=table_depth,
            record_bits=record_bits,
            flags=flags,
            **{name: _integer(word) for name, word in zip(_ROOTS, roots, strict=True)},
        )
        _agree("venue", _integer(venue), header.venue)
        _agree("accounts_depth", depth, header.accounts_depth)
        _agree("state_root", _integer(state), header.state_root)
        return header


@dataclass(frozen=True, slots=True)
class SignedHeader:
    """A header with a valid signature of its operator key: the 544 bytes of `header.bin`.

    Errors: LengthError; DisagreementError where the signature is not the operator's.
    """

    header: Header
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.signature) != SIGNATURE_BYTES:
            raise LengthError(f"a header signature has {SIGNATURE_BYTES} bytes, not {len(self.signature)}")
        if not verify_signature(self.header, self.signature):
            raise DisagreementError(
                f"header of epoch {self.header.epoch}, hash {self.header.hash.hex()}: the signature "
                f"{self.signature.hex()} is not by its operator key {self.header.operator_key.hex()}"
            )

    def encode(self) -> bytes:
        """The bytes of `header.bin`: header, then signature."""
        return self.header.encode() + self.signature

    @classmethod
    def decode(cls, data: bytes) -> SignedHeader:
        """Read `header.bin`. Errors as of `Header.decode` and of this class."""
        if len(data) != SIGNED_BYTES:
            raise LengthError(f"{HEADER} has {SIGNED_BYTES} bytes, not {len(data)}")
        return cls(Header.decode(data[:HEADER_BYTES]), data[HEADER_BYTES:])


def sign(header: Header, operator: Ed25519PrivateKey) -> SignedHeader:
    """Sign a header with the operator key it names; DisagreementError if it names another."""
    return SignedHeader(header, operator.sign(_DOMAIN + header.hash))


def verify_signature(header: Header, signature: bytes) -> bool:
    """Whether `signature` is Ed25519 by the header's operator key over its hash (RFC 8032)."""
    try:
        Ed25519PublicKey.from_public_bytes(header.operator_key).verify(signature, _DOMAIN + header.hash)
    except InvalidSignature:
        return False
    return True


def equivocation(a: SignedHeader, b: SignedHeader) -> bool:
    """Whether two headers prove that a venue signed two states for one epoch.

    Both signatures were checked when the instances were made, so the pair convinces anyone who sees it.
    """
    same = (a.header.operator_key, a.header.venue, a.header.epoch) == (
        b.header.operator_key,
        b.header.venue,
        b.header.epoch,
    )
    return same and a.header.hash != b.header.hash


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _integer(word: bytes) -> int:
    return int.from_bytes(word, "big")


def _agree(field: str, stated: int, computed: int) -> None:
    if stated != computed:
        raise DisagreementError(f"header field {field}: it states {stated:#x}, and its other fields make {computed:#x}")


def _decode_name(padded: bytes) -> str:
    name = padded.rstrip(b"\0")
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise EncodingError(f"header field venue_name: {name.hex()} is not UTF-8") from error


def _check_name(name: str) -> None:
    """A name is printed on terminals, so it is plain text; zero is its padding."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise EncodingError(f"header field venue_name: {name!r} is not Unicode text") from error
    if not 1 <= size <= NAME_BYTES:
        raise EncodingError(f"header field venue_name: {size} bytes in UTF-8, outside 1..{NAME_BYTES}")
    if not is_plain(name):
        raise EncodingError(f"header field venue_name: {name!a} has a character that hides or moves others")
