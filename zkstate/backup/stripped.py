"""An account bundle without its secret: what a state backup holds, and what the account's key makes whole again."""

from __future__ import annotations

import re

from lightclient.bundle import Bundle
from zkstate.backup.sealed import is_sealed
from zkstate.errors import DisagreementError, InputError
from zkstate.kernels import FR_BYTES
from zkstate.state.identity import AccountKey

_FIELD = b'"owner_secret":"'
_NONE = b"0" * (2 * FR_BYTES)
_BEGINS = b'{"kind":"zkstate account bundle",'
_HEX_LINE = re.compile(rb"\s*(0x)?([0-9a-fA-F]{64}|[0-9a-fA-F]{130})\s*")  # a key; a wallet's signature
_WORDS = re.compile(rb"\s*([a-z]{3,8}\s+){11,32}[a-z]{3,8}\s*")  # SLIP-39 and BIP-39: 12 to 33 words of 3 to 8 letters
_SMALL = 4096


def keepable(data: bytes, what: str) -> bytes:
    """A private file as the store keeps it: an account bundle without its secret, anything else as it is.

    InputError for what is recognised to open more than the state: a key, a share or a wallet's signature in the clear,
    a sealed file, an owner secret in a file that is no bundle in order.
    """
    if is_stripped(data):
        return data
    if data.startswith(_BEGINS):
        return strip(Bundle.decode(data))
    if is_sealed(data):
        raise InputError(f"{what} is a sealed file: give it with --sealed")
    small = data if len(data) <= _SMALL else b""
    if (
        b'"owner_secret"' in data
        or b" PRIVATE KEY-----" in data
        or _HEX_LINE.fullmatch(small)
        or _WORDS.fullmatch(small)
    ):
        raise InputError(
            f"{what} is or holds a key, a share or a wallet's signature, which the store's passphrase is not to open: "
            "seal it under another (backup seal), or keep it elsewhere"
        )
    return data


def is_stripped(data: bytes) -> bool:
    """Whether this is an account bundle whose secret was left out."""
    return data.startswith(_BEGINS) and data.count(_FIELD) == data.count(_FIELD + _NONE) == 1


def strip(bundle: Bundle) -> bytes:
    """The bundle's bytes with zeros in place of the owner secret: what shows the account, and proves nothing."""
    return bundle.encode().replace(_FIELD + _word(bundle.owner_secret), _FIELD + _NONE, 1)


def filled(data: bytes, key: AccountKey) -> Bundle | None:
    """The bundle again; None if this key does not make it one, as it is of another account."""
    try:
        return Bundle.decode(data.replace(_FIELD + _NONE, _FIELD + _word(key.owner_secret), 1))
    except (DisagreementError, InputError):
        return None


def _word(secret: int) -> bytes:
    return secret.to_bytes(FR_BYTES).hex().encode()
