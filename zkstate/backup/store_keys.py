"""What opens a backup store: one random key, which a passphrase opens, and the account's key if it was let in.

The store's key encrypts state alone. Account keys and settings in a store are sealed files of their own, each under
its own passphrase, so who learns one of the three has not learned the others (docs/spec.md, section 17).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from zkstate.errors import EncodingError, InputError
from zkstate.state.identity import AccountKey

KEY_BYTES = 32
TAG_BYTES = 16
SLOT_MAGIC = b"zkstate backup slot".ljust(32, b"\0")
SLOT_BYTES = 36 + TAG_BYTES + KEY_BYTES
_SLOT_HEAD = SLOT_MAGIC + struct.pack(">I", 1)


@dataclass(frozen=True, slots=True, repr=False)
class StoreKey:
    """The key of one store. AES-256-SIV (RFC 5297): the same piece encrypts to the same bytes, and is kept once."""

    seed: bytes

    def __post_init__(self) -> None:
        if len(self.seed) != KEY_BYTES:
            raise EncodingError(f"the key of a backup store has {len(self.seed)} bytes, not {KEY_BYTES}")

    def chunks(self) -> AESSIV:
        """Encrypts pieces of files."""
        return self._cipher(b"chunks")

    def index(self) -> AESSIV:
        """Encrypts the list of files of a version, bound to what stands in the clear beside it."""
        return self._cipher(b"index")

    def _cipher(self, use: bytes) -> AESSIV:
        return AESSIV(HKDFExpand(SHA256(), 64, b"zkstate backup " + use + b" v1").derive(self.seed))


def slot_of(key: StoreKey, account: AccountKey) -> bytes:
    """The file by which an account's key opens the store."""
    return _SLOT_HEAD + _account_cipher(account).encrypt(key.seed, [_SLOT_HEAD])


def open_slot(data: bytes, account: AccountKey, what: str) -> StoreKey:
    """The other way round. EncodingError if this is no such file, InputError if another key made it."""
    if len(data) != SLOT_BYTES or not data.startswith(_SLOT_HEAD):
        raise EncodingError(f"{what} is not a key slot of a backup store, version 1")
    try:
        return StoreKey(_account_cipher(account).decrypt(data[len(_SLOT_HEAD) :], [_SLOT_HEAD]))
    except InvalidTag:
        raise InputError(f"{what} does not open with this account key (or was changed)") from None


def _account_cipher(account: AccountKey) -> AESSIV:
    return AESSIV(HKDF(SHA256(), 64, None, b"zkstate backup slot v1").derive(account.seed))
