"""The digest of a block circuit: SHA-256 of its rows, its links, its columns and its tables (docs/spec.md, section 11).

Integers are big-endian u32, field elements 32 bytes big-endian below r. A circuit without blocks has that of its .r1cs.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

from zkstate.constraint.block_circuit import BlockCircuit
from zkstate.kernels import FR_BYTES, FR_MODULUS
from zkstate.proof import r1cs_file

MAGIC = b"zkstate block circuit v1".ljust(32, b"\0")


def block_digest(block: BlockCircuit) -> bytes:
    """32 bytes."""
    digest = hashlib.sha256(MAGIC + r1cs_file.digest(block.circuit.r1cs))
    for links in (block.previous, block.children, block.known):
        digest.update(_words([len(links), *(word for link in links for word in link)]))
    digest.update(_words([len(block.columns)]))
    for _, kind in block.columns:
        digest.update(_scalar(kind.lo) + _scalar(kind.hi))
    digest.update(_words([len(block.uses)]))
    for use in block.uses:
        digest.update(_words([use.table, int(use.provides), use.size]))
        for i in range(1 + use.size):
            terms = sorted(block.readings.row(use.first + i).items())
            digest.update(_words([len(terms)]))
            for wire, coefficient in terms:
                digest.update(_words([wire]) + _scalar(coefficient))
    return digest.digest()


def _words(values: Iterable[int]) -> bytes:
    listed = list(values)
    return struct.pack(f">{len(listed)}I", *listed)


def _scalar(value: int) -> bytes:
    return (value % FR_MODULUS).to_bytes(FR_BYTES, "big")
