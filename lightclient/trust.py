"""Trust roots that need no network. The one that reads a chain is the registry's client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zkstate.errors import MissingError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.regular import read_below
from zkstate.publication.trust import Trust


@dataclass(frozen=True, slots=True)
class PinnedHeader:
    """A signed header that the reader got from somewhere they trust: level d, and nothing newer is known."""

    signed: SignedHeader

    @classmethod
    def read(cls, path: Path) -> PinnedHeader:
        """From a copy of `header.bin`. Errors: MissingError, SourceError, those of SignedHeader.decode."""
        return cls(SignedHeader.decode(read_below(path.parent, path.name, SIGNED_BYTES)))

    def latest_epoch(self) -> tuple[int, bytes, Trust]:
        """The header's own epoch."""
        header = self.signed.header
        text = (
            f"header of epoch {header.epoch} pinned by the reader, signed by {header.operator_key.hex()}; "
            "no chain was asked whether it is the newest or the only one"
        )
        return header.epoch, header.hash, Trust("d", text)

    def epoch_hash(self, epoch: int) -> bytes:
        """The hash of the one header; MissingError for any other epoch."""
        if epoch != self.signed.header.epoch:
            raise MissingError(f"the pinned header is of epoch {self.signed.header.epoch}, not {epoch}")
        return self.signed.header.hash
