"""Merkle trees of Poseidon nodes, binary to 16-ary: build, open, verify.

A node is P(tag; children), an empty leaf is 0, and only nodes over real leaves are stored: whatever lies to
the right of them is the root of an empty subtree, which depends on its height alone (docs/spec.md §3, §4).
"""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.commitment import domain
from zkstate.commitment.poseidon import poseidon
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_MODULUS, FrVec, merkle_empty_roots, merkle_levels

ACCOUNTS_NODE, ACCOUNTS_ARITY = domain.tag("node"), 4


def empty_roots(tag: int, arity: int, depth: int) -> tuple[int, ...]:
    """Roots of empty subtrees of heights 0 to depth. Errors: LengthError unless arity is 2 to 16."""
    return tuple(merkle_empty_roots(tag, arity, depth).to_ints())


@dataclass(frozen=True, slots=True)
class MerklePath:
    """What beside a leaf makes a root: its index, and the other children of each node from the leaf upwards.

    Shapes: siblings[level] holds arity - 1 nodes in tree order without the path's own; the same arity at
    every level, index < arity^depth. `tag` is that of the tree's nodes; the accounts tree's unless given.
    Errors: LengthError or EncodingError for a path of any other shape, or with a node that is not in [0, r).
    """

    index: int
    siblings: tuple[tuple[int, ...], ...]
    tag: int = ACCOUNTS_NODE

    def __post_init__(self) -> None:
        arities = {len(level) + 1 for level in self.siblings}
        if len(arities) > 1 or not arities <= set(range(2, 17)):
            raise LengthError(f"a Merkle path whose levels have arities {sorted(arities)}: wanted one, from 2 to 16")
        if not 0 <= self.index < self.arity**self.depth:
            raise EncodingError(f"Merkle path index {self.index} is outside a tree of {self.arity}^{self.depth} leaves")
        for level, others in enumerate(self.siblings):
            if not all(0 <= node < FR_MODULUS for node in others):
                raise EncodingError(f"Merkle path level {level} holds a node that is not in [0, r)")

    @property
    def depth(self) -> int:
        return len(self.siblings)

    @property
    def arity(self) -> int:
        return len(self.siblings[0]) + 1 if self.siblings else 2

    @property
    def positions(self) -> tuple[int, ...]:
        """The path's own place among its siblings, level by level from the leaf: the digits of the index."""
        return tuple(self.index // self.arity**level % self.arity for level in range(self.depth))

    def root_from(self, leaf: int) -> int:
        """The root of the tree that has `leaf` here. Errors: EncodingError if the leaf is not in [0, r)."""
        node = leaf
        for position, others in zip(self.positions, self.siblings, strict=True):
            node = poseidon(self.tag, [*others[:position], node, *others[position:]])
        return node

    def verify(self, root: int, leaf: int) -> bool:
        """Whether the tree with this root has `leaf` here. Errors: as `root_from`."""
        return self.root_from(leaf) == root


class MerkleTree:
    """All nodes over `leaves`, level by level; immutable once built.

    `leaves` may be nodes of height `base` in a larger tree, such as a tile: this is then the subtree over them.
    Shapes: levels[i] has ceil(len(leaves) / arity^i) nodes, i from 0 (the leaves) to depth; empty[i] is the
    node of that level which has no leaf below it.
    """

    __slots__ = ("arity", "depth", "empty", "levels", "tag")

    def __init__(self, leaves: FrVec, arity: int, depth: int, tag: int, threads: int = 0, *, base: int = 0) -> None:
        """Hash every level. Errors: LengthError unless arity is 2 to 16 and the leaves fit in arity^depth."""
        self.arity, self.depth, self.tag = arity, depth, tag
        self.empty = empty_roots(tag, arity, base + depth)[base:]
        self.levels = tuple(merkle_levels(leaves, tag, arity, depth, threads, base=base))

    @property
    def root(self) -> int:
        return _node(self.levels[-1], 0, self.empty[-1])

    def path(self, index: int) -> MerklePath:
        """The path from leaf `index`, real or empty, to the root. Errors: LengthError outside the tree."""
        if not 0 <= index < self.arity**self.depth:
            raise LengthError(f"leaf {index} of a tree of {self.arity}^{self.depth} leaves")
        siblings = []
        node = index
        for nodes, missing in zip(self.levels[:-1], self.empty[:-1], strict=True):
            first = node - node % self.arity
            siblings.append(tuple(_node(nodes, i, missing) for i in range(first, first + self.arity) if i != node))
            node //= self.arity
        return MerklePath(index, tuple(siblings), self.tag)


def _node(nodes: FrVec, index: int, missing: int) -> int:
    return nodes[index] if index < len(nodes) else missing
