"""Growing buffers for sparse rows: what a builder writes, one row or a whole block at a time."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zkstate.constraint.r1cs import U32, SparseMatrix
from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS, FrVec

# Temporaries of the witness program live past the wires. While a circuit grows, their slots count from here.
FIRST_TEMPORARY = 1 << 31


class Pool:
    """The distinct coefficients of a system, 1 and -1 first."""

    def __init__(self) -> None:
        self.index = {1: 0, FR_MODULUS - 1: 1}

    def intern(self, coefficient: int) -> int:
        """The index of a coefficient, taken mod r."""
        index = self.index
        return index.setdefault(coefficient % FR_MODULUS, len(index))

    def canonical(self) -> tuple[FrVec, U32]:
        """(pool in its canonical order, new index of each old one): 1, -1, then by value.

        The order then depends on the set of coefficients alone, not on which row came first.
        """
        values = list(self.index)
        order = [0, 1, *sorted(range(2, len(values)), key=values.__getitem__)]
        renamed = np.empty(len(values), dtype=np.uint32)
        renamed[order] = np.arange(len(values), dtype=np.uint32)
        return FrVec.from_ints(values[i] for i in order), renamed


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows as arrays: entries per row, wires, and indices into a pool."""

    counts: U32
    wires: U32
    coefficients: U32

    @classmethod
    def of(cls, rows: RowBuffer, begin: int, end: int) -> Block:
        counts = np.frombuffer(rows.counts, dtype=np.uint32)
        first = int(counts[:begin].sum(dtype=np.int64))
        last = first + int(counts[begin:end].sum(dtype=np.int64))
        wires = np.frombuffer(rows.wires, dtype=np.uint32)[first:last]
        coefficients = np.frombuffer(rows.coefficients, dtype=np.uint32)[first:last]
        return cls(counts[begin:end].copy(), wires.copy(), coefficients.copy())


class RowBuffer:
    """Rows of (wire, coefficient) entries in the order they are written, entries of a row in wire order."""

    __slots__ = ("coefficients", "counts", "pool", "wires")

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.counts, self.wires, self.coefficients = array("I"), array("I"), array("I")

    def __len__(self) -> int:
        return len(self.counts)

    def append(self, terms: Mapping[int, int]) -> None:
        """One row; entries whose coefficient is 0 mod r are left out."""
        intern, written = self.pool.intern, 0
        for wire in sorted(terms):
            coefficient = terms[wire]
            if coefficient % FR_MODULUS:
                self.wires.append(wire)
                self.coefficients.append(intern(coefficient))
                written += 1
        self.counts.append(written)

    def append_each(self, wires: Sequence[int], coefficient: int = 1) -> None:
        """A row of one entry per wire, all with one coefficient."""
        self.counts.extend([1] * len(wires))
        self.wires.extend(wires)
        self.coefficients.extend([self.pool.intern(coefficient)] * len(wires))

    def append_block(self, block: Block, shift: int, renamed: U32) -> None:
        """A block of rows; its wires move by `shift`, except the constant and the temporaries."""
        own = (block.wires != 0) & (block.wires < FIRST_TEMPORARY)
        self.counts.frombytes(block.counts.tobytes())
        self.wires.frombytes((block.wires + own * np.uint32(shift & 0xFFFFFFFF)).tobytes())
        self.coefficients.frombytes(renamed[block.coefficients].tobytes())

    def row(self, i: int, begin: int) -> dict[int, int]:
        """Row i, whose first entry is number `begin`, as {wire: coefficient}."""
        values = list(self.pool.index)
        entries = range(begin, begin + self.counts[i])
        return {self.wires[k]: values[self.coefficients[k]] for k in entries}

    def freeze(self, pool: FrVec, renamed: U32, n_wires: int, n_temporaries: int) -> SparseMatrix:
        """The matrix over the canonical pool, with the temporaries moved to follow the wires."""
        n_columns = n_wires + n_temporaries
        if n_columns >= FIRST_TEMPORARY:
            raise CircuitError(f"{n_columns} wires: the limit is {FIRST_TEMPORARY}")
        row_ptr = np.zeros(len(self.counts) + 1, dtype=np.uint64)
        np.cumsum(np.frombuffer(self.counts, dtype=np.uint32), out=row_ptr[1:])
        wires = np.frombuffer(self.wires, dtype=np.uint32).copy()
        wires[wires >= FIRST_TEMPORARY] -= np.uint32(FIRST_TEMPORARY - n_wires)
        coefficients = renamed[np.frombuffer(self.coefficients, dtype=np.uint32)]
        return SparseMatrix(row_ptr, wires, coefficients, pool, n_columns)
