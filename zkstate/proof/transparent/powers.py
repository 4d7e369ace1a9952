"""Fifth powers among the rows of an R1CS: L·L = u, u·u = v and v·L = C, where nothing else reads u or v.

For any values of the other wires there are u and v for such rows if and only if L^5 = C. So the three are taken as one
row of degree 5, and u and v are not committed to. Which rows these are follows from the circuit alone (docs/spec.md,
section 11): the verifier finds them as the prover does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zkstate.constraint.r1cs import U32, R1cs, SparseMatrix, pooled
from zkstate.kernels import FrVec

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Narrow = npt.NDArray[np.int32]  # numbers of rows and wires, below 2^31 by Shape; -1 is none

_SQUARES, _FOURTHS = 3, 2  # entries of all matrices that speak of u, and of v
_MANY = 4  # more than either


@dataclass(frozen=True, slots=True, eq=False)
class Powers:
    """For each power its rows L·L = u, u·u = v and v·L = C, and its wires u and v; by rising `squares`."""

    squares: Numbers
    fourths: Numbers
    fifths: Numbers
    u: Numbers
    v: Numbers

    def __len__(self) -> int:
        return len(self.squares)

    def other_rows(self, count: int) -> Numbers:
        """Of `count` rows those that belong to no power."""
        left = np.ones(count, dtype=bool)
        for rows in (self.squares, self.fourths, self.fifths):
            left[rows] = False
        return np.flatnonzero(left)

    def numbers(self, count: int) -> Numbers:
        """The rows that belong to no power, then the last row of each power."""
        return np.concatenate([self.other_rows(count), self.fifths])

    def without_wires(self, wires: Mask) -> Mask:
        """A mask of wires, less those that powers do without."""
        left = wires.copy()
        left[self.u] = left[self.v] = False
        return left


NO_POWERS = Powers(*(np.zeros(0, dtype=np.int64) for _ in range(5)))


def powers_of(r1cs: R1cs, free: Mask) -> Powers:
    """The powers of a circuit. `free` are the wires that nothing but rows reads: own, and in no link or table."""
    a, b, c = (_sorted(matrix) for matrix in (r1cs.a, r1cs.b, r1cs.c))
    single_a, single_b, single_c = (_single_wires(matrix) for matrix in (a, b, c))
    entries = _entries_of_wires((a, b, c), r1cs.n_wires)

    u, v = single_a, single_c
    found = np.flatnonzero((u >= 0) & (u == single_b) & (v >= 0))
    u, v = u[found].astype(np.int64), v[found].astype(np.int64)
    good = free[u] & free[v] & (entries[u] == _SQUARES) & (entries[v] == _FOURTHS) & (u != v)
    fourths, u, v = found[good], u[good], v[good]

    squares = _row_of(single_c, r1cs.n_wires)[u].astype(np.int64)
    fifths = _row_of(single_a, r1cs.n_wires)[v].astype(np.int64)
    good = (squares >= 0) & (fifths >= 0)
    fourths, u, v, squares, fifths = (each[good] for each in (fourths, u, v, squares, fifths))

    _, numbers = pooled(FrVec.concat([a.pool, b.pool]))
    of_a, of_b = numbers[: len(a.pool)], numbers[len(a.pool) :]
    same = _equal_rows(a, of_a, squares, b, of_b, squares) & _equal_rows(a, of_a, squares, b, of_b, fifths)
    order = np.argsort(squares[same])
    return Powers(*(each[same][order] for each in (squares, fourths, fifths, u, v)))


def powers_and_wires(r1cs: R1cs, own: Mask, free: Mask) -> tuple[Powers, Numbers]:
    """The powers and the committed wires; no power where none of these would be left, as of blocks there has to be."""
    powers = powers_of(r1cs, free)
    wires = np.flatnonzero(powers.without_wires(own))
    return (powers, wires) if len(wires) else (NO_POWERS, np.flatnonzero(own))


def matrices_of(r1cs: R1cs, powers: Powers, column: U32, width: int) -> list[SparseMatrix]:
    """A, B and C without the rows of powers, D and E: over columns of a block instead of wires."""
    left = powers.other_rows(r1cs.n_constraints)
    rows = ((r1cs.a, left), (r1cs.b, left), (r1cs.c, left), (r1cs.a, powers.squares), (r1cs.c, powers.fifths))
    found = [m if len(some) == m.n_rows else _rows_at(m, some) for m, some in rows]
    return [SparseMatrix(m.row_ptr, column[m.wire], m.coefficient, m.pool, width) for m in found]


def _rows_at(matrix: SparseMatrix, rows: Numbers) -> SparseMatrix:
    """These rows of a matrix, in this order."""
    counts, at = _counts_and_entries(matrix, rows)
    ptr = np.zeros(len(rows) + 1, dtype=np.uint64)
    ptr[1:] = np.cumsum(counts)
    return SparseMatrix(ptr, matrix.wire[at], matrix.coefficient[at], matrix.pool, matrix.n_columns)


def _counts_and_entries(matrix: SparseMatrix, rows: Numbers) -> tuple[Numbers, Numbers]:
    """How many entries each of these rows has, and where all of them are."""
    first = matrix.row_ptr[rows].astype(np.int64)
    counts = matrix.row_ptr[rows + 1].astype(np.int64) - first
    before = np.cumsum(counts) - counts
    return counts, np.repeat(first - before, counts) + np.arange(int(counts.sum()), dtype=np.int64)


def _sorted(matrix: SparseMatrix) -> SparseMatrix:
    """The entries of each row by rising wire, as the circuit's file has them."""
    rises = matrix.wire[1:] > matrix.wire[:-1]
    starts = matrix.row_ptr[(matrix.row_ptr > 0) & (matrix.row_ptr < matrix.nnz)].astype(np.int64)
    rises[starts - 1] = True  # from one row to the next
    if rises.all():
        return matrix
    order = np.lexsort((matrix.wire, matrix.rows()))
    return SparseMatrix(matrix.row_ptr, matrix.wire[order], matrix.coefficient[order], matrix.pool, matrix.n_columns)


def _single_wires(matrix: SparseMatrix) -> Narrow:
    """For each row the wire that is all of it, with coefficient 1; -1 where there is none."""
    found = np.full(matrix.n_rows, -1, dtype=np.int32)
    one = _where_one(matrix.pool)
    rows = np.flatnonzero(np.diff(matrix.row_ptr) == 1)
    at = matrix.row_ptr[rows].astype(np.int64)
    good = one[matrix.coefficient[at]]
    found[rows[good]] = matrix.wire[at[good]]
    return found


def _where_one(pool: FrVec) -> Mask:
    words = np.frombuffer(pool.raw(), dtype="<u8").reshape(-1, 4)
    found: Mask = (words == np.frombuffer(FrVec.ones(1).raw(), dtype="<u8")).all(axis=1)
    return found


def _entries_of_wires(matrices: tuple[SparseMatrix, ...], n_wires: int) -> npt.NDArray[np.uint8]:
    """How many entries speak of each wire: _MANY or more are not told apart."""
    total = np.zeros(n_wires, dtype=np.uint8)
    for matrix in matrices:
        total += np.minimum(np.bincount(matrix.wire, minlength=n_wires), _MANY).astype(np.uint8)
    return total


def _row_of(single: Narrow, n_wires: int) -> Narrow:
    """For each wire a row that it is all of, -1 where there is none; of several rows any."""
    found = np.full(n_wires, -1, dtype=np.int32)
    rows = np.flatnonzero(single >= 0)
    found[single[rows]] = rows
    return found


def _equal_rows(a: SparseMatrix, of_a: U32, rows_a: Numbers, b: SparseMatrix, of_b: U32, rows_b: Numbers) -> Mask:
    """Whether row rows_a[i] of one matrix has the entries of row rows_b[i] of the other, one by one."""
    equal: Mask = np.diff(a.row_ptr)[rows_a] == np.diff(b.row_ptr)[rows_b]
    chosen = np.flatnonzero(equal)
    counts, at_a = _counts_and_entries(a, rows_a[chosen])
    _, at_b = _counts_and_entries(b, rows_b[chosen])
    differ = (a.wire[at_a] != b.wire[at_b]) | (of_a[a.coefficient[at_a]] != of_b[b.coefficient[at_b]])
    equal[chosen[np.repeat(np.arange(len(chosen)), counts)[differ]]] = False
    return equal
