"""A binary Merkle tree of column hashes whose upper levels are sent whole, so that every proof has one size."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from zkstate.kernels import DIGEST_BYTES, blake2b_parents

LEAF_PERSON, NODE_PERSON = b"zkstate leaf v1", b"zkstate node v1"


class MerkleTree:
    """All levels of a tree over 2^h leaves, lowest first."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: bytes, threads: int = 0) -> None:
        self._levels = [leaves]
        while len(self._levels[-1]) > DIGEST_BYTES:
            self._levels.append(blake2b_parents(NODE_PERSON, self._levels[-1], threads))

    def cap(self, height: int) -> bytes:
        """The 2^height nodes of one level, which stand for the root."""
        return self._levels[-1 - height]

    def paths(self, places: Sequence[int], height: int) -> bytes:
        """For each place, the siblings on the way from its leaf to the cap, leaf first."""
        steps = len(self._levels) - 1 - height
        return b"".join(_digest(self._levels[i], (place >> i) ^ 1) for place in places for i in range(steps))


def leaf(salt: bytes, column: bytes) -> bytes:
    """The hash of a column: 32 bytes an element."""
    return hashlib.blake2b(salt + column, digest_size=DIGEST_BYTES, person=LEAF_PERSON).digest()


def leads_to_cap(cap: bytes, place: int, found: bytes, path: bytes) -> bool:
    """Whether hashing a leaf with the siblings of its path gives the node of the cap above it."""
    for at in range(0, len(path), DIGEST_BYTES):
        sibling = path[at : at + DIGEST_BYTES]
        pair = sibling + found if place & 1 else found + sibling
        found = hashlib.blake2b(pair, digest_size=DIGEST_BYTES, person=NODE_PERSON).digest()
        place >>= 1
    return found == _digest(cap, place)


def _digest(level: bytes, index: int) -> bytes:
    return level[DIGEST_BYTES * index : DIGEST_BYTES * (index + 1)]
