"""Segments of a venue's journal: signed, chained by SHA-256, and sealed to those who may replay it (docs/spec.md §15).

    head[248] ‖ signature[64] ‖ recipients × wrapped key[48] ‖ public part ‖ ciphertext

Anyone can check head, signature, chain and the bytes behind; what happened to whom is for the holders of a journal key.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError, MissingError
from zkstate.publication.layout import MAX_EPOCH
from zkstate.state.table import low248
from zkstate.state.venue_events import EVENT_BYTES

MAGIC = b"zkvenue\x01"
STATE, EVENTS = 1, 2
MAX_EVENTS = 1 << 16  # of a segment
MAX_RECIPIENTS = 16
MAX_SEALED_BYTES = 1 << 30  # of a state
MAX_EVENTS_BYTES = 32 << 20  # of events and the accounts they open
SALT_BYTES, WRAPPED_BYTES, GCM_TAG_BYTES = 32, 48, 16

_LAYOUT = struct.Struct(">8s32s32sQQQQIBBBB32s32s32s32sII")
HEAD_BYTES, SIGNATURE_BYTES = _LAYOUT.size, 64
SIGNED_HEAD_BYTES = HEAD_BYTES + SIGNATURE_BYTES
PLACED = 4 + EVENT_BYTES  # an event of a public part, behind its place in the segment

_DOMAIN = b"zkstate segment v1"
_WRAP = b"zkstate segment key v1"
_NONCE = bytes(12)


class NoJournalKeyError(MissingError):
    """A segment that is sealed to other keys than the one given."""


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """What a segment says of itself. `first` events came before it; `time` is that of its last event, or of the epoch.

    `content` commits to what is sealed, `payload` is SHA-256 of everything behind the signature.
    """

    operator_key: bytes
    venue: bytes
    number: int
    epoch: int
    time: int
    first: int
    count: int
    kind: int
    closes: int
    disclosed: int
    recipients: int
    previous: bytes
    ephemeral: bytes
    content: bytes
    payload: bytes
    public_bytes: int
    sealed_bytes: int

    def __post_init__(self) -> None:
        for name in ("operator_key", "venue", "previous", "ephemeral", "content", "payload"):
            if len(getattr(self, name)) != 32:
                raise LengthError(f"segment field {name}: {len(getattr(self, name))} bytes, not 32")
        for name, low, high in (
            ("number", 1, MAX_EPOCH),
            ("epoch", 1, MAX_EPOCH),
            ("time", 0, 2**64 - 1),
            ("first", 0, 2**64 - 1),
            ("count", 0, MAX_EVENTS),
            ("kind", STATE, EVENTS),
            ("closes", 0, 1),
            ("disclosed", 0, 2),
            ("recipients", 1, MAX_RECIPIENTS),
            ("public_bytes", 0, self.count * PLACED),
            ("sealed_bytes", GCM_TAG_BYTES + SALT_BYTES, _most_sealed(self.kind)),
        ):
            if not low <= getattr(self, name) <= high:
                raise EncodingError(f"segment field {name}: {getattr(self, name)} is outside {low}..{high}")
        if self.kind == STATE and (self.count or not self.closes):
            raise EncodingError(f"a state segment with {self.count} events, or that closes no epoch")

    def encode(self) -> bytes:
        """The 248 bytes."""
        return _LAYOUT.pack(MAGIC, *(getattr(self, one.name) for one in fields(self)))

    @property
    def digest(self) -> bytes:
        """SHA-256 of the head: what the next segment names and the operator signs."""
        return hashlib.sha256(self.encode()).digest()

    @property
    def journal_head(self) -> int:
        """`journal_head` of the header of an epoch that this segment closes."""
        return low248(self.digest)

    @property
    def behind(self) -> int:
        """How many bytes follow the signature."""
        return self.recipients * WRAPPED_BYTES + self.public_bytes + self.sealed_bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment whose signature and bytes were checked."""

    head: SegmentHead
    signature: bytes
    wrapped: bytes
    public: bytes
    sealed: bytes | memoryview

    def encode(self) -> bytes:
        """The file."""
        return b"".join((self.head.encode(), self.signature, self.wrapped, self.public, self.sealed))

    @classmethod
    def decode(cls, data: bytes, where: str = "segment") -> Segment:
        """Read a file. LengthError, EncodingError; DisagreementError for a signature or bytes that are not its own."""
        head, signature = decode_head(data[:SIGNED_HEAD_BYTES], where)
        if len(data) != SIGNED_HEAD_BYTES + head.behind:
            raise LengthError(f"{where} has {len(data)} bytes, and its head makes it {SIGNED_HEAD_BYTES + head.behind}")
        body = memoryview(data)[SIGNED_HEAD_BYTES:]
        found = hashlib.sha256(body).digest()
        if found != head.payload:
            raise DisagreementError(f"{where} has payload {found.hex()}, and its head states {head.payload.hex()}")
        wraps = head.recipients * WRAPPED_BYTES
        public = wraps + head.public_bytes
        return cls(head, signature, bytes(body[:wraps]), bytes(body[wraps:public]), body[public:])

    def open(self, key: X25519PrivateKey) -> bytes:
        """What was sealed. NoJournalKeyError for another key; DisagreementError if it was altered."""
        head = self.head
        wrapping = _wrapping_key(key, head.ephemeral, head)
        for at in range(0, len(self.wrapped), WRAPPED_BYTES):
            try:
                content_key = AESGCM(wrapping).decrypt(_NONCE, self.wrapped[at : at + WRAPPED_BYTES], None)
                break
            except InvalidTag:
                continue
        else:
            raise NoJournalKeyError(f"segment {head.number} is sealed to {head.recipients} keys, and not to this one")
        try:
            plain = AESGCM(content_key).decrypt(_NONCE, self.sealed, _bound(head))
        except InvalidTag as error:
            raise DisagreementError(f"segment {head.number} does not open: its AES-GCM tag does not fit") from error
        content = hashlib.sha256(_DOMAIN)
        content.update(plain)
        if (found := content.digest()) != head.content:
            raise DisagreementError(f"segment {head.number} holds {found.hex()}, its head states {head.content.hex()}")
        return plain[SALT_BYTES:]


def _most_sealed(kind: int) -> int:
    return MAX_SEALED_BYTES if kind == STATE else MAX_EVENTS_BYTES


def segment_limit(number: int) -> int:
    """How long the file of a segment may be: the first is a state."""
    public = MAX_EVENTS * PLACED if number > 1 else 0
    return SIGNED_HEAD_BYTES + MAX_RECIPIENTS * WRAPPED_BYTES + public + _most_sealed(EVENTS if number > 1 else STATE)


def decode_head(data: bytes, where: str) -> tuple[SegmentHead, bytes]:
    """Head and signature of the first bytes of a file, checked against each other."""
    if len(data) != SIGNED_HEAD_BYTES:
        raise LengthError(f"{where} has {len(data)} bytes, and a segment's head {SIGNED_HEAD_BYTES}")
    magic, *values = _LAYOUT.unpack(data[:HEAD_BYTES])
    if magic != MAGIC:
        raise EncodingError(f"{where} begins with {magic.hex()}, not {MAGIC.hex()}: it is no segment of a journal")
    try:
        head = SegmentHead(*values)
    except InputError as error:
        raise EncodingError(f"{where}: {error}") from error
    signature = data[HEAD_BYTES:]
    try:
        Ed25519PublicKey.from_public_bytes(head.operator_key).verify(signature, _DOMAIN + head.digest)
    except (InvalidSignature, ValueError) as error:
        raise DisagreementError(
            f"{where}: signature {signature.hex()} is not by its operator key {head.operator_key.hex()}"
        ) from error
    return head, signature


def seal(
    head: SegmentHead,
    body: bytes,
    public: bytes,
    recipients: Sequence[bytes],
    operator: Ed25519PrivateKey,
    entropy: Callable[[int], bytes] = os.urandom,
) -> Segment:
    """A segment of what `head` says, its hashes, keys and sizes filled in. LengthError for a body that is too long."""
    if len(body) + SALT_BYTES + GCM_TAG_BYTES > _most_sealed(head.kind):
        raise LengthError(f"a segment of {len(body)} bytes; at most {_most_sealed(head.kind)} can be sealed")
    ephemeral, content_key = X25519PrivateKey.from_private_bytes(entropy(32)), entropy(32)
    plain = entropy(SALT_BYTES) + body
    head = replace(
        head,
        recipients=len(recipients),
        ephemeral=ephemeral.public_key().public_bytes_raw(),
        content=hashlib.sha256(_DOMAIN + plain).digest(),
        public_bytes=len(public),
        sealed_bytes=len(plain) + GCM_TAG_BYTES,
    )
    sealed = AESGCM(content_key).encrypt(_NONCE, plain, _bound(head))
    wrapped = b"".join(
        AESGCM(_wrapping_key(ephemeral, recipient, head)).encrypt(_NONCE, content_key, None) for recipient in recipients
    )
    digest = hashlib.sha256(wrapped)
    digest.update(public)
    digest.update(sealed)
    head = replace(head, payload=digest.digest())
    return Segment(head, operator.sign(_DOMAIN + head.digest), wrapped, public, sealed)


def _wrapping_key(private: X25519PrivateKey, public: bytes, head: SegmentHead) -> bytes:
    try:
        secret = private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise EncodingError(f"{public.hex()} is not an X25519 key that can share a secret") from error
    salt = head.venue + head.number.to_bytes(8)
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=_WRAP).derive(secret)


def _bound(head: SegmentHead) -> bytes:
    """Associated data: which segment it is."""
    return head.venue + head.number.to_bytes(8) + head.ephemeral + head.content


def follow(before: SegmentHead | None, head: SegmentHead) -> None:
    """DisagreementError unless `head` is the segment after `before`, or the first of a journal."""
    where = f"segment {head.number}"
    if before is None:
        if head.number != 1 or head.kind != STATE or head.first or any(head.previous):
            raise DisagreementError(f"{where} of kind {head.kind} begins no journal: segment 1 does, with a state")
        return
    expected = {
        "operator_key": before.operator_key,
        "venue": before.venue,
        "number": before.number + 1,
        "previous": before.digest,
        "first": before.first + before.count,
        "epoch": before.epoch + before.closes,
    }
    for name, value in expected.items():
        if (found := getattr(head, name)) != value:
            shown = [word.hex() if isinstance(word, bytes) else word for word in (found, value)]
            raise DisagreementError(
                f"{where} states {name} {shown[0]}, and after segment {before.number} it is {shown[1]}"
            )
    if head.time < before.time or (before.closes and (head.count or head.closes) and head.time == before.time):
        raise DisagreementError(f"{where} is of time {head.time}, and the one before of {before.time}")
