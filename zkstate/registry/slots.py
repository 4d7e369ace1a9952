"""Where StateRegistry keeps what light clients read: the storage layout is part of the contract's promise."""

from __future__ import annotations

from zkstate.errors import EncodingError
from zkstate.kernels import keccak256

LATEST_EPOCH = 0
LATEST_STATE_ROOT = 1
LATEST_TIME = 2
HEADER_HASH = 3
HALTED = 4
ROLLBACK_READY_AT = 5
ROLLBACK_EPOCH = 6
PUBLISHER = 7
GOVERNANCE = 8
PENDING_GOVERNANCE = 9


def header_hash_slot(epoch: int) -> int:
    """The slot of an epoch's header hash: Vyper puts key `k` of the map in slot `s` at keccak256(s ‖ k).

    (Solidity hashes k ‖ s.) Both are 32-byte big-endian words.
    """
    if not 0 <= epoch < 1 << 256:
        raise EncodingError(f"epoch {epoch} is outside 256 bits")
    words = HEADER_HASH.to_bytes(32, "big") + epoch.to_bytes(32, "big")
    return int.from_bytes(keccak256(words), "big")
