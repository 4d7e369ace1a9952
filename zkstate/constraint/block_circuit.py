"""BlockCircuit: a circuit that stands in 2^k blocks, numbered from 0, whose blocks read each other and public tables.

Wires of a block are its own (inputs, hints, multiplicities) but for the constant, the public inputs, which all blocks
share, *ports*, which are own wires of another block, and *known* wires, whose values follow from the block's number:

    previous     port = source of the block before; block 0 reads 0
    children     block b in [1, N) is node b of a binary tree over N leaves, the root node 1: where 2b < N, left and
                 right are `node` of blocks 2b, 2b + 1, else `leaf` of blocks 2b - N, 2b + 1 - N; block 0 reads 0
    known        1 in the first, the last or the root's block (block 1) and 0 elsewhere; the low bits of the block's
                 number; a public value for each block

A *use* adds a weight to a tuple of values of a table, or provides for it: over all blocks, each tuple's weights of
lookups and of what is provided have one sum. That a proof system shows by a sum of fractions (Haboeck 2022, eprint
2022/1530), for which it adds wires and rows of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from zkstate.constraint.circuit import Circuit
from zkstate.constraint.r1cs import U32, SparseMatrix
from zkstate.constraint.statement import Kind
from zkstate.errors import InputError, LengthError
from zkstate.kernels import FrVec

FIRST, LAST, ROOT, NUMBER, COLUMN = range(5)
MAX_LOG_BLOCKS = 31
MAX_TUPLE = 16  # values of a tuple: docs/soundness.md counts on it


class Previous(NamedTuple):
    port: int
    source: int


class Children(NamedTuple):
    left: int
    right: int
    node: int
    leaf: int


class Known(NamedTuple):
    """`parameter` is the number of low bits of a NUMBER, the index of a COLUMN, and 0 otherwise."""

    wire: int
    what: int
    parameter: int


class Column(NamedTuple):
    """A public value for each block, within a kind."""

    name: str
    kind: Kind


class Use(NamedTuple):
    """Row `first` of the readings is the weight, the next `size` rows are the tuple.

    `multiplicity` is the own wire that is the weight of something provided, where no public value is: else 0.
    `label` says in words what a lookup is about, for whoever looks up what nobody provides.
    """

    table: int
    provides: bool
    first: int
    size: int
    multiplicity: int
    label: str = ""


@dataclass(frozen=True, eq=False)
class BlockCircuit:
    """A compiled block. Shapes: `readings`, over the block's wires, are the linear combinations that uses speak of.

    `circuit` has the rows and the steps of one block; its witnesses are over all wires, ports and known ones included.
    """

    circuit: Circuit
    previous: tuple[Previous, ...]
    children: tuple[Children, ...]
    known: tuple[Known, ...]
    columns: tuple[Column, ...]
    tables: tuple[str, ...]
    uses: tuple[Use, ...]
    readings: SparseMatrix

    def __repr__(self) -> str:
        return f"BlockCircuit({self.circuit!r}, {len(self.uses)} uses of {len(self.tables)} tables)"

    @cached_property
    def ports(self) -> tuple[int, ...]:
        """Wires that stand for wires of other blocks: those of `previous`, then left and right of `children`."""
        return tuple(link.port for link in self.previous) + tuple(w for c in self.children for w in (c.left, c.right))

    @cached_property
    def own(self) -> U32:
        """The wires that a block has of its own, rising."""
        mask = np.ones(self.circuit.r1cs.n_wires, dtype=bool)
        mask[: 1 + self.circuit.r1cs.n_public] = False
        mask[[*self.ports, *(item.wire for item in self.known)]] = False
        return np.flatnonzero(mask).astype(np.uint32)

    def require_count(self, blocks: int) -> None:
        """LengthError if this number of blocks is none, or no power of two from 2 on where they read a tree."""
        tree = self.children or any(item.what == ROOT for item in self.known)
        if (tree and (blocks < 2 or blocks & (blocks - 1))) or not 1 <= blocks <= 1 << MAX_LOG_BLOCKS:
            wanted = "a power of two from 2 to" if tree else "1 to"
            raise LengthError(f"{blocks} blocks: wanted {wanted} 2^{MAX_LOG_BLOCKS}")

    def checked_columns(self, columns: Mapping[str, Sequence[int]], blocks: int) -> tuple[FrVec, ...]:
        """The public columns in the circuit's order; a short one's last value holds for all further blocks.

        Errors: InputError for a name too many or too few or a value outside its kind, LengthError for too many values.
        """
        names = {column.name for column in self.columns}
        if set(columns) != names:
            raise InputError(f"columns {sorted(columns)}, wanted {sorted(names)}")
        found = []
        for name, kind in self.columns:
            values = columns[name]
            if not 1 <= len(values) <= blocks:
                raise LengthError(f"column {name} has {len(values)} values for {blocks} blocks")
            for i, value in enumerate(values):
                if value not in kind:
                    raise InputError(f"{name}[{i}] is {value}: wanted {kind.name}")
            found.append(FrVec.from_ints(values))
        return tuple(found)

    def known_values(self, columns: Sequence[FrVec], blocks: int) -> list[FrVec]:
        """For each known wire its value in every block."""
        return [known_value(item, columns, blocks) for item in self.known]


def known_value(item: Known, columns: Sequence[FrVec], blocks: int) -> FrVec:
    """A known wire in every block."""
    if item.what == COLUMN:
        column = columns[item.parameter]
        rest = column.slice(len(column) - 1, len(column)).repeated(blocks - len(column))
        return FrVec.concat([column, rest])
    limbs = np.zeros((blocks, 4), dtype=np.uint64)
    if item.what == NUMBER:
        limbs[:, 0] = np.arange(blocks, dtype=np.uint64) & np.uint64((1 << item.parameter) - 1)
    else:
        limbs[{FIRST: 0, LAST: blocks - 1, ROOT: min(1, blocks - 1)}[item.what], 0] = 1
    return FrVec.from_limbs(limbs)
