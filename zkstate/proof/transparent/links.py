"""What a block reads besides its own wires: other blocks' wires by ports, and values that follow from its number.

Each link is a matrix of zeros and ones over (block that reads, block that is read), with one entry a row at most. The
verifier needs its multilinear extension at a point, which costs some operations a bit of a block's number; the prover
gathers what ports read, and gives back to wires what a sum over rows charged to their ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zkstate.constraint.block_circuit import COLUMN, FIRST, LAST, NUMBER, ROOT, Known, known_value
from zkstate.kernels import FR_MODULUS, FrVec, eq_table


class Tree(NamedTuple):
    """The own wires that left and right ports read: of a node of the tree, or of a leaf."""

    node: int
    leaf: int


class Charges(NamedTuple):
    """A table over all places that is wires[w] · blocks[b]; a number stands for 1 in that block and 0 in others."""

    wires: FrVec
    blocks: FrVec | int


@dataclass(frozen=True, slots=True)
class Links:
    """In the order of their columns: ports on the block before, left and right port of each tree, known values.

    `previous` and `trees` name own wires by their place among the block's own. Vectors of all blocks are wire by wire.
    """

    previous: tuple[int, ...] = ()
    trees: tuple[Tree, ...] = ()
    known: tuple[Known, ...] = ()

    @property
    def n_ports(self) -> int:
        return len(self.previous) + 2 * len(self.trees)

    @property
    def width(self) -> int:
        """Columns of a block's matrix that are neither own wires nor shared."""
        return self.n_ports + len(self.known)

    def gathered(self, own: FrVec, blocks: int) -> list[FrVec]:
        """What each port reads in every block: as secret as the wires."""
        found = [FrVec.concat([FrVec(1), own.view(i * blocks, (i + 1) * blocks - 1)]) for i in self.previous]
        for tree in self.trees:
            node, leaf = (_words(own.view(i * blocks, (i + 1) * blocks)) for i in tree)
            for side in (0, 1):
                joined = np.concatenate([np.zeros((1, 4), dtype="<u8"), node[2 + side :: 2], leaf[side::2]])
                try:
                    found.append(_scalars(joined))
                finally:
                    joined[:] = 0
        return found

    def known_values(self, columns: Sequence[FrVec], blocks: int) -> list[FrVec]:
        """Each known wire in every block."""
        return [known_value(item, columns, blocks) for item in self.known]

    def charges(self, charged: FrVec, eq: FrVec) -> Iterator[tuple[dict[int, int], FrVec]]:
        """charged[port] eq[b], in block b, as charges of own wires: the adjoint of `gathered`.

        For each kind of link, wires with their factors, and what these are factors of: a vector over blocks.
        """
        n, blocks = len(self.previous), len(eq)
        if n and blocks > 1:  # else no block is before another
            moved = FrVec.concat([eq.slice(1, blocks), FrVec(1)])
            yield _added(zip(self.previous, charged.slice(0, n).to_ints(), strict=True)), moved
        if not self.trees:
            return
        half = blocks // 2
        for side in (0, 1):
            sides = charged.slice(n, len(charged)).to_ints()[side::2]
            for read, parents in enumerate((_words(eq)[:half], _words(eq)[half:])):
                children = np.zeros((blocks, 4), dtype="<u8")
                children[side::2] = parents
                if not read:
                    children[side] = 0  # block 0 has no nodes as children
                yield _added(zip((tree[read] for tree in self.trees), sides, strict=True)), _scalars(children)

    def ports_at(self, own: FrVec, x: Sequence[int], y: Sequence[int]) -> FrVec:
        """For each port the sum of its links' extensions at (x, y), each times its wire's entry of `own`."""
        before = previous_at(x, y)
        found = [own[i] * before for i in self.previous]
        if self.trees:
            sides = children_at(x, y)
            found += [own[t.node] * node + own[t.leaf] * leaf for t in self.trees for node, leaf in sides]
        return FrVec.from_ints(found)

    def known_at(self, columns: Sequence[FrVec], x: Sequence[int]) -> FrVec:
        """The extension of each known wire at x."""
        return FrVec.from_ints(_known_at(item, columns, x) for item in self.known)


def equality(x: Sequence[int], y: Sequence[int]) -> int:
    """Π (x_i y_i + (1 − x_i)(1 − y_i)): eq(x) summed against eq(y)."""
    found = 1
    for a, b in zip(x, y, strict=True):
        found = found * (1 - a - b + 2 * a * b) % FR_MODULUS
    return found


def indexed(point: Sequence[int], index: int) -> int:
    """Entry `index` of eq(point)."""
    return equality(point, [index >> (len(point) - 1 - j) & 1 for j in range(len(point))])


def previous_at(x: Sequence[int], y: Sequence[int]) -> int:
    """Extension of "y is x − 1": x is a prefix, 1 and zeros, where y is the same prefix, 0 and ones."""
    total, ending = 0, 1
    for j in reversed(range(len(x))):
        total += equality(x[:j], y[:j]) * x[j] * (1 - y[j]) * ending
        ending = ending * (1 - x[j]) * y[j] % FR_MODULUS
    return total % FR_MODULUS


def children_at(x: Sequence[int], y: Sequence[int]) -> list[tuple[int, int]]:
    """For left and right the extensions of "y is the child of x", among nodes and among leaves; block 0 has none.

    A child's number is that of x without its highest bit, which says whether the child is a leaf, and a last bit more.
    """
    moved = equality(x[1:], y[:-1])
    found = []
    for last in (1 - y[-1], y[-1]):
        root = indexed(x, 0) * indexed(y[:-1], 0) * last
        found.append((((1 - x[0]) * moved * last - root) % FR_MODULUS, x[0] * moved * last % FR_MODULUS))
    return found


def _known_at(item: Known, columns: Sequence[FrVec], x: Sequence[int]) -> int:
    if item.what == COLUMN:
        column = columns[item.parameter]
        table = eq_table(FrVec.from_ints(x), len(column))
        rest = 1 - FrVec.ones(len(column)).dot(table)
        return (column.dot(table) + rest * column[len(column) - 1]) % FR_MODULUS
    if item.what == NUMBER:
        return sum(bit << j for j, bit in zip(range(item.parameter), reversed(x), strict=False)) % FR_MODULUS
    return indexed(x, {FIRST: 0, LAST: (1 << len(x)) - 1, ROOT: 1}[item.what])


def _added(entries: Iterable[tuple[int, int]]) -> dict[int, int]:
    """One sum for each wire."""
    sums: dict[int, int] = {}
    for wire, value in entries:
        sums[wire] = (sums.get(wire, 0) + value) % FR_MODULUS
    return sums


def _words(values: FrVec) -> npt.NDArray[np.uint64]:
    return np.frombuffer(values.raw(), dtype="<u8").reshape(-1, 4)


def _scalars(words: npt.NDArray[np.uint64]) -> FrVec:
    return FrVec.from_raw(words.reshape(-1).view(np.uint8).data)
