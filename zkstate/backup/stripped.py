"""An account bundle without its secret: what a state backup holds, and what the account's key makes whole again."""

from __future__ import annotations

from lightclient.bundle import Bundle
from zkstate.errors import DisagreementError, EncodingError
from zkstate.kernels import FR_BYTES
from zkstate.state.commit import owner_commitment
from zkstate.state.identity import AccountKey

_FIELD = b'"owner_secret":"'
_NONE = b"0" * (2 * FR_BYTES)


def strip(bundle: Bundle) -> bytes:
    """The bundle's bytes with zeros in place of the owner secret: what shows the account, and proves nothing."""
    return bundle.encode().replace(_FIELD + _word(bundle.owner_secret), _FIELD + _NONE, 1)


def fill(data: bytes, key: AccountKey, what: str) -> Bundle:
    """The bundle again. DisagreementError if it is the account of another key, EncodingError if it is none."""
    if data.count(_FIELD + _NONE) != 1:
        raise EncodingError(f"{what} is not an account bundle without its secret")
    secret = key.owner_secret
    try:
        return Bundle.decode(data.replace(_FIELD + _NONE, _FIELD + _word(secret), 1))
    except DisagreementError as error:
        owner = f"{owner_commitment(secret):064x}"
        raise DisagreementError(f"{what} is not an account of owner {owner}, whose key is given: {error}") from None


def _word(secret: int) -> bytes:
    return secret.to_bytes(FR_BYTES).hex().encode()
