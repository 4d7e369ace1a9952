"""Who signed a message of a wallet: EIP-191 and EIP-712, by canonical signatures of 65 bytes alone."""

from __future__ import annotations

from collections.abc import Mapping

from zkstate.errors import EncodingError, EnvironmentFailure, LengthError

SIGNATURE_BYTES = 65
_SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def signer(message: str | bytes | Mapping[str, object], signature: bytes) -> bytes:
    """The address whose key made r ‖ s ‖ v of a text or bytes (EIP-191, personal_sign) or of typed data (EIP-712).

    Another message gives another address, so this is compared with the one expected. LengthError or EncodingError for
    what is no canonical signature; EnvironmentFailure without eth-account.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise LengthError(f"a wallet signature has {len(signature)} bytes, not {SIGNATURE_BYTES}")
    r, s, v = (int.from_bytes(part) for part in (signature[:32], signature[32:64], signature[64:]))
    if not (0 < r < _SECP256K1_ORDER and 0 < s <= _SECP256K1_ORDER // 2 and v in (0, 1, 27, 28)):
        raise EncodingError("a wallet signature is not canonical: r and s in range, s low, v one of 0, 1, 27, 28")
    try:
        from eth_account import Account  # noqa: PLC0415 (optional dependency)
        from eth_account.messages import encode_defunct, encode_typed_data  # noqa: PLC0415 (optional dependency)
        from eth_keys.exceptions import BadSignature  # noqa: PLC0415 (optional dependency)
    except ImportError:
        raise EnvironmentFailure("wallet signatures need eth-account: pip install 'zkstate[chain]'") from None
    if isinstance(message, Mapping):
        signable = encode_typed_data(full_message=dict(message))
    else:
        signable = encode_defunct(message.encode() if isinstance(message, str) else message)
    try:
        found: str = Account.recover_message(signable, vrs=(v % 27 + 27, r, s))
    except BadSignature:
        raise EncodingError("a wallet signature is of no key") from None
    return bytes.fromhex(found.removeprefix("0x"))
