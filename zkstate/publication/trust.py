"""What a reader believes: the seam between recovery and whatever names the newest header.

A registry client, a set of nodes that agree, or a header the reader pinned all answer the same two questions,
and all say how far their answer can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from zkstate.errors import EncodingError

TRUST_LEVELS = {
    "a": "Ethereum's sync committee signed a finalized header that leads to the registry slot",
    "b": "several nodes agree, each with a valid proof against one block hash",
    "c": "a proof against a block hash the reader chose",
    "d": "a signed header the reader chose, or one node that nobody holds to account",
}


@dataclass(frozen=True, slots=True)
class Finality:
    """The finalized header that a sync committee signed, of a slot at `time` (seconds since 1970), and the block root
    `checkpoint` that the reader chose to start from.
    """

    slot: int
    time: int
    checkpoint: bytes

    def __post_init__(self) -> None:
        if not (0 <= self.slot < 1 << 64 and 0 <= self.time < 1 << 64) or len(self.checkpoint) != 32:
            raise EncodingError(f"finality of slot {self.slot} at {self.time} from {len(self.checkpoint)} bytes")


@dataclass(frozen=True, slots=True)
class Trust:
    """Why an epoch's header hash is believed: level `a` (strongest) to `d`, words, the block it was read at.

    `text` is printed as it stands. The block's number, hash and time (seconds since 1970) are None where no chain was
    read (level d). For an in-process chain the level is `c`: the block hash is the reader's own. `finality` comes
    with level a and no other.
    """

    level: str
    text: str
    block_number: int | None = None
    block_hash: bytes | None = None
    finality: Finality | None = None
    block_time: int | None = None

    def __post_init__(self) -> None:
        if self.level not in TRUST_LEVELS:
            raise EncodingError(f"trust level {self.level!r} is none of {', '.join(TRUST_LEVELS)}")
        if (self.finality is None) != (self.level != "a") or (self.finality is not None and self.block_hash is None):
            raise EncodingError(
                f"trust of level {self.level} with finality {self.finality}: level a has one, and a block"
            )
        if not (self.block_number is None) == (self.block_hash is None) == (self.block_time is None):
            raise EncodingError("a trust description has a block's number, hash and time, or none of them")
        if self.block_hash is not None and len(self.block_hash) != 32:
            raise EncodingError(f"a block hash has 32 bytes, not {len(self.block_hash)}")
        for name, value in (("number", self.block_number), ("time", self.block_time)):
            if value is not None and not 0 <= value < 1 << 64:
                raise EncodingError(f"block {name} {value} is outside 64 bits")


class TrustRoot(Protocol):
    """Names header hashes. Methods may raise SourceError (it is silent) or DisagreementError (it lied)."""

    def latest_epoch(self) -> tuple[int, bytes, Trust]:
        """The newest epoch known, its 32-byte header hash, and why that is believed."""
        ...

    def epoch_hash(self, epoch: int) -> bytes:
        """The header hash of an epoch; MissingError if the root does not know that epoch."""
        ...
