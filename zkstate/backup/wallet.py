"""An account key from a wallet: one EIP-712 signature, which a deterministic wallet can make again anywhere.

The signature is as secret as the key. ECDSA signatures differ from call to call unless the wallet derives its nonce
from key and message (RFC 6979), as hardware wallets do; so two are asked for, and a wallet whose two differ is refused:
its key could not be made again. Contract wallets and wallets of several parties sign otherwise, and are refused too.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zkstate.errors import DisagreementError, LengthError
from zkstate.registry.signatures import SIGNATURE_BYTES, signer
from zkstate.state.identity import KEY_BYTES, AccountKey

__all__ = ["SIGNATURE_BYTES", "WalletRequest"]

_INFO = b"zkstate wallet key v1"
_WARNING = "This signature is the key of your account at this venue. Sign it in zkstate only, and show it to nobody."


@dataclass(frozen=True, slots=True)
class WalletRequest:
    """What a wallet signs: the venue (32 bytes), and the number of the account there, 0 for the first."""

    venue: bytes
    number: int = 0

    def __post_init__(self) -> None:
        if len(self.venue) != 32:
            raise LengthError(f"a venue id has {len(self.venue)} bytes, not 32")
        if not 0 <= self.number < 1 << 32:
            raise LengthError(f"account number {self.number} is not from 0 to {(1 << 32) - 1}")

    def typed_data(self) -> dict[str, object]:
        """The message as `eth_signTypedData_v4` takes it. No chain: the key is the same on all of them."""
        return {
            "types": {
                "EIP712Domain": [{"name": "name", "type": "string"}, {"name": "version", "type": "string"}],
                "AccountKey": [
                    {"name": "warning", "type": "string"},
                    {"name": "venue", "type": "bytes32"},
                    {"name": "account", "type": "uint32"},
                ],
            },
            "primaryType": "AccountKey",
            "domain": {"name": "zkstate", "version": "1"},
            "message": {"warning": _WARNING, "venue": "0x" + self.venue.hex(), "account": self.number},
        }

    def key(self, address: bytes, signature: bytes, again: bytes) -> AccountKey:
        """The account key of the wallet at `address`, from two signatures of this message made one after the other.

        LengthError or EncodingError for what is no canonical signature, DisagreementError if it is another wallet's or
        of another message, or if the two differ. HKDF-SHA256(r ‖ s, info = "zkstate wallet key v1").
        """
        first, second = (self._checked(address, one) for one in (signature, again))
        if first != second:
            raise DisagreementError(
                "the wallet signs the same message differently each time, so this key could never be made again: "
                "use a wallet with deterministic signatures (RFC 6979), or a random key and shares of it"
            )
        return AccountKey(HKDF(SHA256(), KEY_BYTES, salt=None, info=_INFO).derive(first))

    def _checked(self, address: bytes, signature: bytes) -> bytes:
        """r ‖ s of a signature by that address."""
        found = signer(self.typed_data(), signature)
        if found != address:
            raise DisagreementError(
                f"the signature is by 0x{found.hex()} or of another message, not by 0x{address.hex()} of this one"
            )
        return signature[:64]
