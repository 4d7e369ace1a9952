"""Evidence as a trust root and a place of blobs: an account is recovered from files alone, years later."""

from __future__ import annotations

from dataclasses import dataclass, replace

from zkstate.errors import MissingError
from zkstate.publication.blobs import encode_list
from zkstate.publication.trust import Trust

from .evidence import Replayed


@dataclass(frozen=True, slots=True)
class EvidenceRoot:
    """What a replay showed: one epoch, whatever came after the block that it was read at. `at` is the time that its
    reader had ages judged as of, in seconds since 1970, if not the present.
    """

    found: Replayed
    at: int | None = None

    def latest_epoch(self) -> tuple[int, bytes, Trust]:
        """The epoch of the evidence, which newer ones may have followed."""
        header, trust = self.found.signed.header, self.found.trust
        remark = "what came after that block the evidence cannot show"
        if not self.found.is_newest:
            remark = (
                f"epoch {self.found.state.latest_epoch} was the newest there, and the evidence is about {header.epoch}"
            )
        if self.at is not None:
            remark += f"; ages are judged as of {self.at}, as its reader said"
        return header.epoch, header.hash, replace(trust, text=f"{trust.text}; from evidence: {remark}")

    def epoch_hash(self, epoch: int) -> bytes:
        """The hash of the one header; MissingError for any other epoch."""
        header = self.found.signed.header
        if epoch != header.epoch:
            raise MissingError(f"the evidence is about epoch {header.epoch}, not {epoch}")
        return header.hash

    def blobs_root(self, header_hash: bytes) -> bytes | None:
        """What the registry held of the blobs of the one header."""
        return self.found.blobs_root if header_hash == self.found.signed.header.hash else None


@dataclass(frozen=True, slots=True)
class EvidenceBlobs:
    """The blobs that the evidence brings, which `replay` has held to the registry's word."""

    found: Replayed

    @property
    def name(self) -> str:
        return "the evidence"

    @property
    def bytes_read(self) -> int:
        return 0

    def list(self, header_hash: bytes, root: bytes, timeout_s: float) -> bytes:  # noqa: ARG002 (BlobSource's shape)
        """Their versioned hashes."""
        if not self.found.blobs:
            raise MissingError(f"{self.name} has no blobs")
        return encode_list(self.found.blob_hashes)

    def blob(self, found: bytes, header_hash: bytes, timeout_s: float) -> bytes:  # noqa: ARG002 (BlobSource's shape)
        """One of them."""
        if found not in self.found.blob_hashes:
            raise MissingError(f"{self.name} has no blob {found.hex()}")
        return self.found.blobs[self.found.blob_hashes.index(found)]
