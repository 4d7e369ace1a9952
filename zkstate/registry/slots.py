"""Where StateRegistry keeps what light clients read: the storage layout is part of the contract's promise."""

from __future__ import annotations

from zkstate.errors import EncodingError
from zkstate.kernels import keccak256
from zkstate.registry.chain import WORD_BYTES

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
BLOBS = 10


def header_hash_slot(epoch: int) -> int:
    """The slot of an epoch's header hash: Vyper puts key `k` of the map in slot `s` at keccak256(s ‖ k).

    (Solidity hashes k ‖ s.) Both are 32-byte big-endian words.
    """
    if not 0 <= epoch < 1 << 256:
        raise EncodingError(f"epoch {epoch} is outside 256 bits")
    return _entry(HEADER_HASH, epoch.to_bytes(WORD_BYTES, "big"))


def blobs_slot(header_hash: bytes) -> int:
    """The slot of what is committed about the blobs of an epoch, by its header's hash (docs/spec.md, section 6)."""
    if len(header_hash) != WORD_BYTES:
        raise EncodingError(f"a header hash has {WORD_BYTES} bytes, not {len(header_hash)}")
    return _entry(BLOBS, header_hash)


def _entry(slot: int, key: bytes) -> int:
    return int.from_bytes(keccak256(slot.to_bytes(WORD_BYTES, "big") + key), "big")
