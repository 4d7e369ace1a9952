"""Challenges: points that nobody could choose, drawn once everything they judge is fixed (docs/spec.md, section 13)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from zkstate.kernels import FR_MODULUS

PERSON = b"zkstate solvency"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A point, and the mix that makes several numbers one."""

    point: int
    mix: int


def of_epoch(header_hash: bytes) -> Challenge:
    """Where credits and debits by instrument are compared with the totals: the header commits to both."""
    return Challenge(_drawn(b"totals", header_hash, 0), _drawn(b"totals", header_hash, 1))


def of_batch(header_hash: bytes, rows: int, number: int, committed: tuple[int, int, int, int]) -> Challenge:
    """Where the reads of a batch are compared with the table; `committed` are leaves, before, after and reads."""
    content = header_hash + rows.to_bytes(8, "big") + number.to_bytes(8, "big")
    content += b"".join(value.to_bytes(32, "big") for value in committed)
    return Challenge(_drawn(b"reads", content, 0), _drawn(b"reads", content, 1))


def _drawn(label: bytes, content: bytes, number: int) -> int:
    """64 bytes of BLAKE2b taken mod r: within 2^-257 of uniform."""
    digest = hashlib.blake2b(label.ljust(8, b"\0") + number.to_bytes(8, "big") + content, person=PERSON).digest()
    return int.from_bytes(digest, "big") % FR_MODULUS
