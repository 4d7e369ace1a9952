"""The batches of an epoch: the leaves of each size class in leaf order, so many to a batch, classes rising.

Every leaf has its class in a published list and so its place in one batch, and bounds that its id lies between: bounds
rise from leaf to leaf, so no id stands twice, whatever batch its leaf is in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FrVec
from zkstate.state.schema import ID_BOUND, SIZE_CLASSES

BOUND_BYTES = 31
MAX_ACCOUNTS, MAX_ROWS = 1 << 10, 1 << 12  # of a batch
ROWS = {"transparent": 512, "groth16": 64}  # rows of accounts that a batch has room for unless told otherwise

Bytes32 = NDArray[np.uint8]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """One batch: its class, its number in the class, how many accounts it has room for, and its leaves."""

    rows: int
    number: int
    accounts: int
    leaves: Index

    def __str__(self) -> str:
        return f"batch {self.number} of class {self.rows}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The class of every leaf, and for each class that occurs how many accounts a batch has room for."""

    classes: NDArray[np.uint8]
    sizes: dict[int, int]

    def __post_init__(self) -> None:
        wrong = np.flatnonzero(~np.isin(self.classes, SIZE_CLASSES))
        if len(wrong):
            raise EncodingError(f"leaf {wrong[0]} has class {self.classes[wrong[0]]}, none of {SIZE_CLASSES}")
        found = [int(n) for n in np.unique(self.classes)]
        if list(self.sizes) != found:
            raise EncodingError(f"there are batches of classes {list(self.sizes)}, and leaves of {found}")
        for n, accounts in self.sizes.items():
            if not 1 <= accounts <= MAX_ACCOUNTS or accounts & (accounts - 1):
                raise LengthError(f"{accounts} accounts to a batch of class {n}: a power of two up to {MAX_ACCOUNTS}")
            count = int((self.classes == n).sum())
            if accounts >= 2 * count:
                raise LengthError(f"{accounts} accounts to a batch of class {n}, for {count} accounts in all")
            if accounts * n > MAX_ROWS:
                raise LengthError(f"{accounts} accounts to a batch of class {n}: it has at most {MAX_ROWS} rows")

    @classmethod
    def of(cls, classes: NDArray[np.uint8], rows: int) -> Plan:
        """Batches with room for about `rows` rows, or less where a class has fewer. LengthError beyond MAX_ROWS."""
        sizes = {}
        for n, count in zip(*np.unique(classes, return_counts=True), strict=True):
            most = 1 << max(0, (rows // int(n)).bit_length() - 1)
            sizes[int(n)] = min(most, 1 << (int(count) - 1).bit_length(), MAX_ACCOUNTS)
        return cls(classes, sizes)

    def count(self, rows: int) -> int:
        """How many batches a class has."""
        return -(-int((self.classes == rows).sum()) // self.sizes[rows])

    def parts(self) -> Iterator[Part]:
        """Every batch in the order in which the sums run."""
        for rows, accounts in self.sizes.items():
            leaves = np.flatnonzero(self.classes == rows)
            for number, first in enumerate(range(0, len(leaves), accounts)):
                yield Part(rows, number, accounts, leaves[first : first + accounts])


def stated_leaves(part: Part, leaves: Bytes32, bounds: Bytes32) -> FrVec:
    """(leaf, lower, upper) of each place of a batch; (0, 0, 1) where there is no account."""
    stated = np.zeros((part.accounts, 3, 32), np.uint8)
    stated[:, 2, -1] = 1
    n = len(part.leaves)
    stated[:n, 0], stated[:n, 1], stated[:n, 2] = leaves[part.leaves], bounds[part.leaves], bounds[part.leaves + 1]
    return FrVec.from_bytes(stated.tobytes())


def draw_bounds(ids: Bytes32, seed: bytes) -> Bytes32:
    """Bounds of rising ids, one more than there are: each id lies from its bound up to below the next one.

    Each is uniform above the id before, so that it says no more than how many ids are below it. EncodingError if the
    ids do not strictly rise.
    """
    stream = hashlib.shake_256(b"zkstate bounds v1" + seed).digest(40 * len(ids))
    content = ids.tobytes()
    found, before = bytearray(), -1
    for i in range(len(ids)):
        own = int.from_bytes(content[32 * i : 32 * i + 32])
        if own <= before:
            raise EncodingError(f"the id of leaf {i} is not above that of leaf {i - 1}: an id stands twice")
        bound = before + 1 + int.from_bytes(stream[40 * i : 40 * i + 40]) % (own - before)
        found += bound.to_bytes(32)
        before = own
    found += ID_BOUND.to_bytes(32)
    return np.frombuffer(bytes(found), np.uint8).reshape(-1, 32)


def encode_bounds(bounds: Bytes32) -> bytes:
    """The published bounds, 31 bytes a leaf; that behind the last is 2^248."""
    return bounds[:-1, 1:].tobytes()


def decode_bounds(content: bytes, count: int) -> Bytes32:
    """Read the bounds of so many leaves. LengthError; EncodingError names the leaf whose bound does not rise."""
    if len(content) != BOUND_BYTES * count:
        raise LengthError(f"{len(content)} bytes of bounds, {count} leaves have {BOUND_BYTES * count}")
    bounds = np.zeros((count + 1, 32), np.uint8)
    bounds[:-1, 1:] = np.frombuffer(content, np.uint8).reshape(-1, BOUND_BYTES)
    bounds[-1, 0] = 1
    words = bounds.view(">u8").astype(np.uint64)
    rises = np.zeros(count, bool)
    for k in reversed(range(4)):
        rises = (words[:-1, k] < words[1:, k]) | ((words[:-1, k] == words[1:, k]) & rises)
    if not rises.all():
        raise EncodingError(f"the bound of leaf {np.flatnonzero(~rises)[0] + 1} does not rise: an id could stand twice")
    return bounds
