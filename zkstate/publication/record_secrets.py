"""The record key of an epoch and what it shares with each view key, for the next epochs of the same UTC hour.

    "zkstate record secrets v1" ‖ SHA-256 of what follows ‖ private key[32] ‖ count u64 ‖ count × view key[32]
    ‖ count × what `records.agree` makes of it[32]

Whoever reads the file opens the records and journals of every epoch with this record key. So it is the venue's choice
to keep it, no key is kept beyond its hour, and an epoch removes the file of the one before (docs/spec.md, section 6).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from zkstate.errors import DisagreementError
from zkstate.publication.header import Header
from zkstate.state.computed import Known, decode_tables, encode_tables
from zkstate.state.ledger import MAX_ACCOUNTS

SECRETS_FILE = "record-secrets.bin"
HOUR = 3600

_MAGIC = b"zkstate record secrets v1"
_KEY = 32
MAX_SECRETS_BYTES = len(_MAGIC) + 32 + _KEY + 8 + 2 * _KEY * MAX_ACCOUNTS


@dataclass(frozen=True, slots=True)
class RecordSecrets:
    """A record key's private half, and by view key what it shares. Its repr shows neither."""

    private: bytes = field(repr=False)
    shared: Known = field(repr=False)

    @property
    def public(self) -> bytes:
        """`record_key` of the headers it belongs to."""
        return X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()

    def encode(self) -> Iterator[bytes | memoryview]:
        """The file, in pieces."""
        return encode_tables(_MAGIC, self.private, (self.shared,))

    @classmethod
    def decode(cls, data: bytes, of: Header | None = None) -> RecordSecrets:
        """Read a file. LengthError, EncodingError unless it is whole; with `of`, errors as `check_of`."""
        private, (shared,) = decode_tables(data, _MAGIC, _KEY, (_KEY,), "record secrets")
        secrets = cls(private, shared)
        if of is not None:
            secrets.check_of(of)
        return secrets

    def check_of(self, header: Header) -> None:
        """DisagreementError unless the header has this record key."""
        if self.public != header.record_key:
            raise DisagreementError(
                f"{SECRETS_FILE} is of the record key {self.public.hex()}, and epoch {header.epoch} has "
                f"{header.record_key.hex()}"
            )


def same_hour(one: int, other: int) -> bool:
    """Whether epochs of these times may have one record key."""
    return one // HOUR == other // HOUR
