"""The tree over the digests of a public table (docs/spec.md §3).

The root is one chain over 32 or 64 nodes, each the root of a small tree of arity 8: a statement reads the nodes once
and then needs a path of one level, or two, for each instrument.
"""

from __future__ import annotations

from zkstate import kernels
from zkstate.commitment import domain, poseidon
from zkstate.commitment.merkle import MerklePath, MerkleTree

TABLE_ARITY = 8
TABLE_TOP = {2: 32, 3: 64}  # table depth -> the nodes that the root is a chain over
TABLE_DEPTHS = tuple(TABLE_TOP)


def capacity(depth: int) -> int:
    """The places of a table of that depth, the null instrument's included: 256 or 4096."""
    return int(TABLE_TOP[depth] * TABLE_ARITY ** (depth - 1))


class TableTree:
    """Digests of ids 0, 1, 2, .. under nodes of tag `name`, and a root of tag `name:32` or `name:64`."""

    __slots__ = ("_depth", "_name", "_tree")

    def __init__(self, name: str, digests: kernels.FrVec, depth: int) -> None:
        """`depth` is one of TABLE_DEPTHS, and at most `capacity(depth)` digests fit."""
        self._name, self._depth = name, depth
        # what MerkleTree puts above the top is not part of the table
        self._tree = MerkleTree(digests, TABLE_ARITY, depth + 1, domain.tag(name))

    @property
    def top(self) -> tuple[int, ...]:
        """The nodes that the root is a chain over."""
        nodes, empty = self._tree.levels[self._depth - 1], self._tree.empty[self._depth - 1]
        width = TABLE_TOP[self._depth]
        return (*nodes.to_ints(), *[empty] * (width - len(nodes)))

    @property
    def root(self) -> int:
        """The root of the table."""
        return poseidon.chain(domain.tag(f"{self._name}:{TABLE_TOP[self._depth]}"), self.top)

    def digest(self, instrument: int) -> int:
        """The digest of one id."""
        return self._tree.levels[0][instrument]

    def path(self, instrument: int) -> MerklePath:
        """The path from an id's digest to its node of `top`, that of number `instrument // 8^(depth - 1)`."""
        siblings = self._tree.path(instrument).siblings[: self._depth - 1]
        return MerklePath(instrument % TABLE_ARITY ** (self._depth - 1), siblings, domain.tag(self._name))
