"""Merkle paths over Poseidon nodes P(tag; children), binary and 16-ary (docs/spec.md §3 and §4)."""

from __future__ import annotations

from collections.abc import Sequence

from zkstate.constraint import Builder, Wire
from zkstate.constraint.wire import WireLike
from zkstate.errors import CircuitError

from .bits import from_bits
from .lookup import OneHot, one_hot, select_by
from .poseidon import poseidon

ARITY = 16
DIGIT_BITS = 4


def binary_root(c: Builder, tag: WireLike, leaf: Wire, positions: Sequence[Wire], siblings: Sequence[Wire]) -> Wire:
    """The root above `leaf`. positions[i] is 1 where the node of height i is a right child; leaf level first.

    One row a level beside the hash. Positions are boolean wires; their number is the depth.
    """
    if len(positions) != len(siblings):
        raise CircuitError(f"{len(positions)} positions for {len(siblings)} siblings")
    node = leaf
    for is_right, sibling in zip(positions, siblings, strict=True):
        left = c.select(is_right, sibling, node)
        node = poseidon(c, tag, [left, node + sibling - left])
    return node


def wide_root(
    c: Builder, tag: WireLike, leaf: Wire, index: Wire, nodes: Sequence[Sequence[Wire]], *, label: str
) -> Wire:
    """The root of the 16-ary tree that has `leaf` at `index`.

    nodes are all 16 children of each node on the path, the lowest first. That each holds the node below it is a
    requirement with this label.
    """
    flags = digit_flags(c, index, len(nodes), label)
    node = leaf
    for level, children in zip(flags, nodes, strict=True):
        node = _parent(c, tag, node, level, children, label=label)
    return node


class SharedTop:
    """A 16-ary tree whose root node is read once, for many leaves: each then needs only the levels below it."""

    def __init__(self, c: Builder, tag: WireLike, children: Sequence[Wire]) -> None:
        self.c, self.tag, self.children = c, tag, tuple(children)
        self.root = poseidon(c, tag, self.children)

    def require_leaf(self, leaf: Wire, index: Wire, nodes: Sequence[Sequence[Wire]], label: str) -> None:
        """The tree has `leaf` at `index`. nodes as in `wide_root`, without the root's children."""
        *below, top = digit_flags(self.c, index, len(nodes) + 1, label)
        node = leaf
        for level, children in zip(below, nodes, strict=True):
            node = _parent(self.c, self.tag, node, level, children, label=label)
        self.c.require(select_by(self.c, top, self.children) == node, label)


def digit_flags(c: Builder, index: Wire, depth: int, label: str) -> list[OneHot]:
    """The base-16 digits of an index as flags, lowest first; that it has `depth` digits becomes a requirement."""
    width = DIGIT_BITS * depth
    lo, hi = index.bounds
    if lo < 0 or hi >> width:
        index = c.require_uint(index, width, f"{label}, at a place in the tree")
    bits = c.bits(index, width)
    return [one_hot(c, from_bits(c, bits[i : i + DIGIT_BITS]), ARITY) for i in range(0, width, DIGIT_BITS)]


def _parent(c: Builder, tag: WireLike, node: Wire, place: OneHot, children: Sequence[Wire], *, label: str) -> Wire:
    c.require(select_by(c, place, children) == node, label)
    return poseidon(c, tag, children)
