"""Merkle paths over Poseidon nodes P(tag; children), and trees whose top is read once (docs/spec.md §3 and §4).

The children of each node on a path are all given, the path's own among them; the arity is a power of two, so a place
is a few binary digits a level. Rows a level: the hash, a choice for each child past the first, and one.
"""

from __future__ import annotations

from collections.abc import Sequence

from zkstate.constraint import Builder, Wire
from zkstate.constraint.wire import WireLike
from zkstate.errors import CircuitError

from .lookup import select_at
from .poseidon import chain, poseidon


def tree_root(
    c: Builder, tag: WireLike, leaf: Wire, place: Sequence[Wire], nodes: Sequence[Sequence[Wire]], label: str
) -> Wire:
    """The root of the tree that has `leaf` at `place`.

    place are the binary digits of the leaf's number, lowest first; nodes the children of each node on the path, the
    lowest first. That each node's children hold the node below at its place is a requirement with this label.
    """
    digits = list(place)
    node = leaf
    for children in nodes:
        width = len(children).bit_length() - 1
        if len(children) != 1 << width or len(digits) < width:
            raise CircuitError(f"{label}: {len(children)} children with {len(digits)} digits of the place left")
        c.require(select_at(c, digits[:width], children) == node, label)
        node, digits = poseidon(c, tag, children), digits[width:]
    if digits:
        raise CircuitError(f"{label}: {len(digits)} digits of the place past the root")
    return node


class SharedTop:
    """Many trees under one chain over their roots, which is read once: a leaf then needs a path in its tree alone."""

    def __init__(self, c: Builder, tag: WireLike, top_tag: WireLike, children: Sequence[Wire]) -> None:
        self.c, self.tag, self.children = c, tag, tuple(children)
        self.root = chain(c, top_tag, self.children)

    def require_leaf(self, leaf: Wire, place: Sequence[Wire], nodes: Sequence[Sequence[Wire]], label: str) -> None:
        """The leaf stands at the place with these binary digits, lowest first. nodes as in `tree_root`."""
        inside = sum(len(children).bit_length() - 1 for children in nodes)
        root = tree_root(self.c, self.tag, leaf, place[:inside], nodes, label)
        self.c.require(select_at(self.c, place[inside:], self.children) == root, label)
