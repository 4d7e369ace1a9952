"""Accounts and storage words under a state root, proved present or absent (EIP-1186, Yellow Paper 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import keccak256

from . import mpt, rlp

ADDRESS_BYTES = 20
EMPTY_CODE_HASH = keccak256(b"")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the state trie. `balance` in wei; `storage_root` and `code_hash` 32 bytes."""

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes

    @classmethod
    def decode(cls, data: bytes) -> Account:
        """Read the RLP of the state trie. EncodingError for anything but its canonical form."""
        fields = rlp.decode_list(data, "account")
        if len(fields) != 4:
            raise EncodingError(f"account: {len(fields)} fields, not 4")
        nonce, balance, storage_root, code_hash = fields
        return cls(
            rlp.decode_uint(nonce, 1 << 64, "account nonce"),
            rlp.decode_uint(balance, 1 << 256, "account balance"),
            _digest(storage_root, "account storage root"),
            _digest(code_hash, "account code hash"),
        )


def verify_account_proof(state_root: bytes, address: bytes, proof: Sequence[bytes]) -> Account | None:
    """The account at `address` under `state_root`, or None if the proof shows there is none.

    Errors: EncodingError for a node or account that is not canonical; DisagreementError for a proof that does
    not lead from the root to the answer.
    """
    if len(address) != ADDRESS_BYTES:
        raise LengthError(f"an address has {ADDRESS_BYTES} bytes, not {len(address)}")
    value = mpt.prove(state_root, keccak256(address), proof)
    return None if value is None else Account.decode(value)


def verify_storage_proof(storage_root: bytes, slot: int, proof: Sequence[bytes]) -> int:
    """The word in `slot` under `storage_root`, 0 if the proof shows that there is none. Errors as above."""
    if not 0 <= slot < 1 << 256:
        raise EncodingError(f"storage slot {slot:#x} is outside 256 bits")
    value = mpt.prove(storage_root, keccak256(slot.to_bytes(32, "big")), proof)
    if value is None:
        return 0
    # Ethereum deletes a word that becomes zero; anvil keeps a zero in its tries, which says the same.
    return rlp.decode_uint(rlp.decode(value), 1 << 256, f"storage slot {slot:#x}")


def _digest(item: rlp.Item, what: str) -> bytes:
    if not isinstance(item, bytes) or len(item) != 32:
        raise EncodingError(f"{what}: not 32 bytes")
    return item
