"""Encrypted account records: the account's owner finds and opens one, nobody else learns more than its class.

    entry = tag[16] ‖ class u8 ‖ leaf[32] ‖ AES-256-GCM(plaintext), associated data: tag ‖ class ‖ leaf

Tag and key come from HKDF-SHA256 over X25519(record key, view key), with the epoch's state root in its info
(docs/spec.md, section 6; RFC 7748, RFC 5869). The root has fresh salts under it, so each AES key encrypts once, also
where a record key serves more than one epoch, and the nonce is zero. A bucket holds the entries whose tags share their
first bits, sorted by tag.
"""

from __future__ import annotations

import hmac
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from zkstate.atomic import write_new
from zkstate.errors import (
    DisagreementError,
    EncodingError,
    InputError,
    LedgerError,
    LengthError,
    MissingError,
)
from zkstate.publication.header import Header
from zkstate.publication.layout import MAX_RECORD_BITS, record_path
from zkstate.publication.progress import Progress, silent
from zkstate.state import codec
from zkstate.state.commit import account_id
from zkstate.state.identity import AccountKey
from zkstate.state.limbs import ByteMatrix
from zkstate.state.schema import Account

TAG_BYTES = 16
LEAF_BYTES = 32
GCM_TAG_BYTES = 16
BUCKET_BYTES = 16 << 10
MAX_BUCKET_BYTES = 8 << 20

_NONCE = bytes(12)


class NoRecordError(MissingError):
    """A bucket that is well formed and has no record for the key."""


@dataclass(frozen=True, slots=True)
class Record:
    """An account as its record says, and the leaf it hashes to. The tree says whether the leaf counts."""

    account: Account
    leaf: int


@dataclass(frozen=True, slots=True)
class Family:
    """One family of sealed entries: its key derivation's name, its files, and what stands beside the ciphertext.

    `plaintext_bytes` is the length of each class, and raises EncodingError for what is no class.
    """

    info: bytes
    path_of: Callable[[int], str]
    stated_bytes: int
    plaintext_bytes: Callable[[int], int]
    max_bucket_bytes: int

    def entry_bytes(self, size_class: int) -> int:
        """The length of an entry of one class."""
        return TAG_BYTES + 1 + self.stated_bytes + self.plaintext_bytes(size_class) + GCM_TAG_BYTES


RECORDS = Family(b"zkstate record v2", record_path, LEAF_BYTES, codec.plaintext_bytes, MAX_BUCKET_BYTES)


@dataclass(frozen=True, slots=True)
class Sealed:
    """One entry of a bucket; `stated` is what stands beside the ciphertext: a record's leaf."""

    tag: bytes
    size_class: int
    stated: bytes
    sealed: bytes

    @property
    def associated(self) -> bytes:
        return self.tag + bytes([self.size_class]) + self.stated

    def open(self, aes: bytes, where: str) -> bytes:
        """The plaintext; DisagreementError if it was altered."""
        try:
            return AESGCM(aes).decrypt(_NONCE, self.sealed, self.associated)
        except InvalidTag as error:
            raise DisagreementError(f"{where} was altered: its AES-GCM tag does not fit") from error


def record_bits_for(total_bytes: int) -> int:
    """How many tag bits choose the bucket, for buckets of about 16 KiB."""
    bits = 0
    while bits < MAX_RECORD_BITS and total_bytes > (BUCKET_BYTES * 3 // 2) << bits:
        bits += 1
    return bits


def bucket_of(tag: bytes, record_bits: int) -> int:
    """The bucket of a tag: its first `record_bits` bits."""
    return int.from_bytes(tag) >> (8 * TAG_BYTES - record_bits)


def agree(private: X25519PrivateKey, public: bytes) -> bytes:
    """What the record key and a view key share: HKDF-Extract, with empty salt, of X25519. About 60 µs.

    EncodingError for a public key of small order, with which there is no secret to share.
    """
    try:
        secret = private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise EncodingError(f"{public.hex()} is not an X25519 key that can share a secret") from error
    return hmac.digest(bytes(32), secret, "sha256")


def tag_and_key(shared: bytes, state_root: int, family: Family = RECORDS) -> tuple[bytes, bytes]:
    """The 16-byte tag and 32-byte AES key of one account in the snapshot with this state root, and in one family."""
    info = family.info + state_root.to_bytes(32)
    okm = HKDFExpand(algorithm=SHA256(), length=TAG_BYTES + 32, info=info).derive(shared)
    return okm[:TAG_BYTES], okm[TAG_BYTES:]


Block = tuple[int, ByteMatrix, ByteMatrix, ByteMatrix]
"""A size class, and of each account, one a line: what it shares, what stands beside the ciphertext, plaintext."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals the records of the snapshot that a state root commits to."""

    state_root: int
    family: Family = RECORDS

    def seal(self, shared: bytes, size_class: int, stated: bytes, plaintext: bytes) -> bytes:
        """One entry, for whom `shared` is of (`agree`). About 10 µs."""
        tag, key = tag_and_key(shared, self.state_root, self.family)
        associated = tag + bytes([size_class]) + stated
        return associated + AESGCM(key).encrypt(_NONCE, plaintext, associated)

    def seal_block(self, block: Block) -> list[bytes]:
        """The entries of many accounts of one class."""
        size_class, shared, stated, plaintexts = block
        lines = zip(shared, stated, plaintexts, strict=True)
        return [self.seal(one.tobytes(), size_class, beside.tobytes(), text.tobytes()) for one, beside, text in lines]


def write_buckets(
    entries: Sequence[bytes], record_bits: int, folder: Path, progress: Progress = silent, family: Family = RECORDS
) -> None:
    """Write all 2^record_bits bucket files, empty ones too, below `folder`, which has none of this family yet.

    `entries` are sorted. LedgerError if two share a tag: their accounts share a view key, and one AES key
    with one nonce must not seal two records; also for a bucket that grows past its limit.
    """
    (folder / family.path_of(0)).parent.mkdir()
    buckets, at = 1 << record_bits, 0
    for bucket in range(buckets):
        start = at
        while at < len(entries) and bucket_of(entries[at][:TAG_BYTES], record_bits) == bucket:
            if at and entries[at - 1][:TAG_BYTES] == entries[at][:TAG_BYTES]:
                raise LedgerError("two accounts have the same view key; each account needs a key of its own")
            at += 1
        content = b"".join(entries[start:at])
        if len(content) > family.max_bucket_bytes:
            path, limit = family.path_of(bucket), family.max_bucket_bytes
            raise LedgerError(f"{path} would have {len(content)} bytes; the limit is {limit}")
        write_new(folder / family.path_of(bucket), content)
        progress("write records", bucket + 1, buckets)


def parse_bucket(data: bytes, bucket: int, record_bits: int, family: Family = RECORDS) -> list[Sealed]:
    """The entries of a bucket file. EncodingError names the file and place of what is not canonical."""
    path, at = family.path_of(bucket), 0
    entries: list[Sealed] = []
    if len(data) > family.max_bucket_bytes:
        raise LengthError(f"{path} has {len(data)} bytes; the limit is {family.max_bucket_bytes}")
    stated_at = TAG_BYTES + 1
    while at < len(data):
        if len(data) - at < stated_at:
            raise EncodingError(f"{path}: there is no entry at byte {at}")
        size_class = data[at + TAG_BYTES]
        try:
            end = at + family.entry_bytes(size_class)
        except EncodingError as error:
            raise EncodingError(f"{path}: there is no entry at byte {at}: {error}") from None
        if end > len(data):
            raise EncodingError(f"{path}: the entry at byte {at} needs {end - at} bytes, {len(data) - at} are left")
        tag = data[at : at + TAG_BYTES]
        if bucket_of(tag, record_bits) != bucket:
            raise EncodingError(f"{path}: tag {tag.hex()} at byte {at} belongs to another bucket")
        if entries and tag <= entries[-1].tag:
            raise EncodingError(f"{path}: tag {tag.hex()} at byte {at} follows {entries[-1].tag.hex()}")
        sealed_at = at + stated_at + family.stated_bytes
        entries.append(Sealed(tag, size_class, data[at + stated_at : sealed_at], data[sealed_at:end]))
        at = end
    return entries


def find(entries: Sequence[Sealed], tag: bytes) -> Sealed | None:
    """The entry with a tag, of entries sorted by tag."""
    place = bisect_left(entries, tag, key=lambda entry: entry.tag)
    return entries[place] if place < len(entries) and entries[place].tag == tag else None


@dataclass(frozen=True, slots=True)
class RecordKey:
    """What an account's owner looks for in one epoch: the bucket, the tag, and the key to open the record."""

    header: Header
    owner: int
    tag: bytes
    _aes: bytes

    def __repr__(self) -> str:
        return f"RecordKey(epoch={self.header.epoch}, hidden)"

    @classmethod
    def derive(cls, key: AccountKey, header: Header) -> RecordKey:
        """Of one account key for the epoch of a header. EncodingError if its record key is unusable."""
        return cls(header, key.owner, *tag_and_key(agree(key.view_private(), header.record_key), header.state_root))

    @property
    def bucket(self) -> int:
        """The number of the bucket file."""
        return bucket_of(self.tag, self.header.record_bits)

    @property
    def path(self) -> str:
        """The bucket file, relative to the epoch's folder."""
        return record_path(self.bucket)

    def open(self, data: bytes) -> Record:
        """Find, open and check the record in the bucket's bytes.

        Errors: EncodingError, LengthError for a malformed bucket; NoRecordError if no entry has the tag;
        DisagreementError if the entry does not open, or its parts contradict each other or the owner.
        """
        entries = parse_bucket(data, self.bucket, self.header.record_bits)
        entry = find(entries, self.tag)
        if entry is None:
            raise NoRecordError(
                f"{self.path} of epoch {self.header.epoch} has {len(entries)} records, none for this key: "
                "it is another account's key, or the account was not in this epoch"
            )
        return self._check(entry)

    def _check(self, entry: Sealed) -> Record:
        where = f"record {entry.tag.hex()} in {self.path}"
        plaintext = entry.open(self._aes, where)
        try:
            account = codec.decode_record(plaintext, entry.size_class)
        except InputError as error:
            raise DisagreementError(f"{where} does not hold an account: {error}") from error
        stated = int.from_bytes(entry.stated)
        _agree(where, "leaf", stated, codec.leaf(account))
        _agree(where, "owner", account.owner, self.owner)
        _agree(where, "id", account.id, account_id(account.owner, self.header.venue, self.header.epoch))
        if account.index >= self.header.account_count:
            raise DisagreementError(f"{where} claims leaf {account.index} of {self.header.account_count} accounts")
        return Record(account, stated)


def _agree(where: str, what: str, stated: int, computed: int) -> None:
    if stated != computed:
        raise DisagreementError(f"{where} states {what} {stated:#066x}, and it should be {computed:#066x}")
