"""The batches of an epoch: the leaves of each size class in leaf order, so many to a batch, classes rising.

Every leaf has its class in a published list and so its place in one batch, and bounds that its id lies between: bounds
rise from leaf to leaf, so no id stands twice, whatever batch its leaf is in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.account_block import ENDS
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FrVec
from zkstate.solvency.classes import check_classes, class_name, rows_of
from zkstate.state.schema import ID_BOUND, PORTFOLIO

BOUND_BYTES = 31

Bytes32 = NDArray[np.uint8]
Index = NDArray[np.int64]
Filled = Callable[[int, int], int]
"""Of a class and a number of accounts: how many the domain of a batch of so many has room for."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a proof system cuts: a batch has `ends` blocks without a place for an account.

    `most` blocks, and `most_rows` rows of blocks, at most; `usual` rows unless told otherwise. `powers` says whether
    its blocks are a power of two; otherwise there are as many as its circuit's domain has room for.
    """

    ends: int
    most: int
    most_rows: int
    usual: int
    powers: bool

    def blocks(self, accounts: int) -> int:
        """The blocks of a batch with room for so many accounts."""
        return accounts + self.ends

    def most_blocks(self, count: int) -> int:
        """The least power of two that has room for so many accounts: a batch of them has no more blocks."""
        return 1 << (count + self.ends - 1).bit_length()

    def accounts(self, kind: int, count: int, rows: int, filled: Filled) -> int:
        """Room in each batch for `count` accounts of a class, with about `rows` rows of blocks."""
        n, most = rows_of(kind), min(self.most_blocks(count), self.most)
        if self.powers:
            usual = max(self.most_blocks(1), 1 << max(0, (rows // n).bit_length() - 1))
            return min(usual, most) - self.ends
        usual = min(max(1, rows // n), count, self.most - self.ends)
        return max(usual, min(filled(kind, usual), most - self.ends, self.most_rows // n - self.ends))

    def check(self, n: int, count: int, accounts: int) -> None:
        """Refuse room for `accounts` to a batch. LengthError."""
        blocks = self.blocks(accounts)
        title = f"{accounts} accounts to a batch of class {n}"
        if accounts < 1 or blocks > self.most or (self.powers and blocks & (blocks - 1)):
            less = f", less {self.ends}" if self.ends else ""
            raise LengthError(f"{title}: {'a power of two' if self.powers else 'from 1'} up to {self.most}{less}")
        if blocks > self.most_blocks(count):
            raise LengthError(f"{title}, for {count} accounts in all")
        if blocks * n > self.most_rows:
            raise LengthError(f"{title}: it has at most {self.most_rows} rows")


LAYOUTS = {
    "transparent": Layout(ENDS, 1 << 14, 1 << 17, 1 << 15, powers=True),
    "groth16": Layout(0, 1 << 10, 1 << 12, 1 << 8, powers=False),
    "mirage": Layout(ENDS, 1 << 12, 1 << 13, 3 << 9, powers=False),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One batch: its class, its number in the class, how many accounts it has room for, and its leaves."""

    kind: int
    number: int
    accounts: int
    leaves: Index

    @property
    def rows(self) -> int:
        """How many rows an account has room for."""
        return rows_of(self.kind)

    @property
    def by_portfolio(self) -> bool:
        """Whether the portfolio rule judges its accounts."""
        return self.kind >= PORTFOLIO

    def __str__(self) -> str:
        return f"batch {self.number} of class {class_name(self.kind)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The class of every leaf, and for each class that occurs how many accounts a batch has room for."""

    classes: NDArray[np.uint8]
    sizes: dict[int, int]
    layout: Layout

    def __post_init__(self) -> None:
        check_classes(self.classes)
        found = [int(n) for n in np.unique(self.classes)]
        if list(self.sizes) != found:
            raise EncodingError(f"there are batches of classes {list(self.sizes)}, and leaves of {found}")
        for n, accounts in self.sizes.items():
            self.layout.check(rows_of(n), int((self.classes == n).sum()), accounts)

    @classmethod
    def of(cls, classes: NDArray[np.uint8], rows: int, layout: Layout, filled: Filled = lambda _, n: n) -> Plan:
        """Batches of about `rows` rows, or less where a class has fewer. LengthError beyond the layout's limits."""
        found = zip(*np.unique(classes, return_counts=True), strict=True)
        sizes = {int(kind): layout.accounts(int(kind), int(count), rows, filled) for kind, count in found}
        return cls(classes, sizes, layout)

    def count(self, kind: int) -> int:
        """How many batches a class has."""
        return -(-int((self.classes == kind).sum()) // self.sizes[kind])

    @property
    def by_portfolio(self) -> int:
        """How many accounts the portfolio rule judges."""
        return int((self.classes >= PORTFOLIO).sum())

    def parts(self) -> Iterator[Part]:
        """Every batch in the order in which the sums run."""
        for kind, accounts in self.sizes.items():
            leaves = np.flatnonzero(self.classes == kind)
            for number, first in enumerate(range(0, len(leaves), accounts)):
                yield Part(kind, number, accounts, leaves[first : first + accounts])


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
