"""Context: what ties a proof to one verifier, so that it cannot be replayed to another (docs/spec.md section 7)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from zkstate.errors import EncodingError, LengthError

_DOMAIN = b"zkstate context v1"
_U64 = 1 << 64


@dataclass(frozen=True, slots=True)
class Context:
    """Where and for whom a proof holds. Zero bytes and 0 stand for "anyone", "no challenge", "no expiry".

    Shapes: registry and recipient 20 bytes, challenge 32. `expiry` in seconds since 1970.
    """

    chain_id: int = 0
    registry: bytes = bytes(20)
    recipient: bytes = bytes(20)
    challenge: bytes = bytes(32)
    expiry: int = 0

    def __post_init__(self) -> None:
        for name, size in (("registry", 20), ("recipient", 20), ("challenge", 32)):
            if len(getattr(self, name)) != size:
                raise LengthError(f"context {name} has {len(getattr(self, name))} bytes, not {size}")
        for name in ("chain_id", "expiry"):
            if not 0 <= getattr(self, name) < _U64:
                raise EncodingError(f"context {name} is {getattr(self, name)}, outside 64 bits")

    @property
    def digest(self) -> int:
        """The public input `context`."""
        fields = self.chain_id.to_bytes(8) + self.registry + self.recipient + self.challenge
        return int.from_bytes(hashlib.sha256(_DOMAIN + fields + self.expiry.to_bytes(8)).digest()[1:])

    @property
    def is_open(self) -> bool:
        """Whether the proof is addressed to nobody in particular and anyone may replay it."""
        return self == Context()
