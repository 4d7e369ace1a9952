"""Sealed files: one secret each, under a passphrase of its own (docs/spec.md, section 12).

Argon2id (RFC 9106) turns passphrase and salt into a key; AES-256-GCM encrypts, with everything before the ciphertext as
associated data. A check value tells a wrong passphrase from a damaged file, and commits the file to one key.
"""

from __future__ import annotations

import hmac
import os
import struct
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError

MAGIC = b"zkstate sealed file".ljust(32, b"\0")
VERSION = 1
CONTENT_LIMIT = 1 << 30
MIN_PASSPHRASE = 12
MAX_PASSPHRASE = 1024

_HEAD = struct.Struct(">32sIIIII16s12s32s")
_TAG_BYTES = 16
OUTLINE_BYTES = _HEAD.size + _TAG_BYTES


class Kind(IntEnum):
    """What a sealed file holds. Each is sealed alone, so that who opens one has not opened the others."""

    ACCOUNT_KEY = 1
    STATE = 2
    SETTINGS = 3

    @property
    def title(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess of a passphrase costs: Argon2id passes, KiB of memory, lanes.

    The default is RFC 9106's second recommendation with four times its memory, about half a second.
    InputError outside what an opener will spend: 1 to 16 passes and lanes, 8 KiB a lane to 1 GiB.
    """

    passes: int = 3
    memory_kib: int = 256 << 10
    lanes: int = 4

    def __post_init__(self) -> None:
        if not (1 <= self.passes <= 16 and 1 <= self.lanes <= 16 and 8 * self.lanes <= self.memory_kib <= 1 << 20):
            raise InputError(
                f"a sealed file asks for {self.passes} passes over {self.memory_kib} KiB in {self.lanes} lanes: "
                "at most 16 passes, 16 lanes and 1048576 KiB are spent on one, and at least 8 KiB a lane"
            )

    def keys(self, passphrase: bytes, salt: bytes) -> tuple[bytes, bytes]:
        """(encryption key, check value)"""
        kdf = Argon2id(salt=salt, length=32, iterations=self.passes, lanes=self.lanes, memory_cost=self.memory_kib)
        stretched = kdf.derive(passphrase)
        key, check = (
            HKDFExpand(SHA256(), 32, b"zkstate sealed " + use + b" v1").derive(stretched) for use in (b"key", b"check")
        )
        return key, check


def check_passphrase(passphrase: bytes) -> bytes:
    """The passphrase, if it is long enough to be worth anything and no longer than anyone types. LengthError if not."""
    if not MIN_PASSPHRASE <= len(passphrase) <= MAX_PASSPHRASE:
        raise LengthError(
            f"a passphrase has {len(passphrase)} bytes: {MIN_PASSPHRASE} to {MAX_PASSPHRASE} are taken; "
            "six random words are a good one"
        )
    return passphrase


def seal(kind: Kind, content: bytes, passphrase: bytes, cost: Cost | None = None) -> bytes:
    """The bytes of a sealed file, fresh at every call. LengthError for a passphrase or content out of bounds."""
    check_passphrase(passphrase)
    if len(content) > CONTENT_LIMIT:
        raise LengthError(f"{len(content)} bytes are more than a sealed file holds, {CONTENT_LIMIT}")
    cost = cost or Cost()
    salt, nonce = os.urandom(16), os.urandom(12)
    key, check = cost.keys(passphrase, salt)
    head = _HEAD.pack(MAGIC, VERSION, kind, cost.passes, cost.memory_kib, cost.lanes, salt, nonce, check)
    return head + AESGCM(key).encrypt(nonce, content, head)


def is_sealed(data: bytes) -> bool:
    """Whether this begins as a sealed file does."""
    return data[: len(MAGIC)] == MAGIC


def outline(data: bytes, what: str = "a sealed file") -> tuple[Kind, Cost]:
    """What it says that it holds, and what a guess at its passphrase costs. Errors: EncodingError, InputError."""
    if len(data) < OUTLINE_BYTES or not is_sealed(data):
        raise EncodingError(f"{what} is not a sealed file of zkstate")
    _, version, found, passes, memory_kib, lanes, *_ = _HEAD.unpack_from(data)
    if version != VERSION:
        raise EncodingError(f"{what} has version {version}, not {VERSION}")
    if found not in list(Kind):
        raise EncodingError(
            f"{what} holds something of kind {found}, which is none of {', '.join(k.title for k in Kind)}"
        )
    return Kind(found), Cost(passes, memory_kib, lanes)


def unseal(kind: Kind, data: bytes, passphrase: bytes, what: str = "a sealed file") -> bytes:
    """The content of a sealed file of that kind.

    EncodingError if it is none or of another kind or version, InputError if it asks for more work than `Cost` allows
    or the passphrase is not its own, DisagreementError if it was changed.
    """
    found, cost = outline(data, what)
    if found is not kind:
        raise EncodingError(f"{what} holds {found.title}, not {kind.title}")
    salt, nonce, expected = _HEAD.unpack_from(data)[-3:]
    key, check = cost.keys(check_passphrase(passphrase), salt)
    if not hmac.compare_digest(check, expected):
        raise InputError(f"{what} does not open with this passphrase (or its first {_HEAD.size} bytes were changed)")
    try:
        return AESGCM(key).decrypt(nonce, data[_HEAD.size :], data[: _HEAD.size])
    except InvalidTag:
        raise DisagreementError(f"{what} was changed after it was sealed: use another copy") from None
