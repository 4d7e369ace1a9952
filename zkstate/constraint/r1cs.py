"""R1CS: rows (A·w)·(B·w) = C·w over Fr, as three sparse matrices that share one pool of coefficients.

Wire 0 is the constant one, wires 1..n_public are the public inputs in order, the rest is secret.
A circuit repeats few coefficients in many places, so an entry is a wire and the index of its coefficient:
8 bytes, not 36.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_BYTES, FrVec

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)
_MOST_GROUP_BITS = 20


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SparseMatrix:
    """Rows of (wire, coefficient) entries: row i is entries row_ptr[i] to row_ptr[i+1] - 1 (CSR).

    Shapes: row_ptr uint64 (n_rows + 1), wire and coefficient uint32 (nnz); `coefficient` indexes `pool`.
    Invariant: row_ptr starts at 0, never falls and ends at nnz; wire < n_columns; coefficient < len(pool).
    LengthError or EncodingError otherwise. The arrays are made read-only.
    """

    row_ptr: U64
    wire: U32
    coefficient: U32
    pool: FrVec
    n_columns: int

    def __post_init__(self) -> None:
        for name, dtype in (("row_ptr", np.uint64), ("wire", np.uint32), ("coefficient", np.uint32)):
            array = np.ascontiguousarray(getattr(self, name))
            if array.ndim != 1 or array.dtype != dtype:
                raise LengthError(
                    f"{name}: shape {array.shape} of {array.dtype}, wanted one dimension of {dtype.__name__}"
                )
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        nnz = len(self.wire)
        if len(self.coefficient) != nnz:
            raise LengthError(f"{nnz} wires beside {len(self.coefficient)} coefficients")
        if not len(self.row_ptr) or self.row_ptr[0] != 0 or self.row_ptr[-1] != nnz:
            raise LengthError(f"row_ptr does not run from 0 to the {nnz} entries")
        if (self.row_ptr[1:] < self.row_ptr[:-1]).any():
            raise EncodingError("row_ptr falls")
        if nnz and int(self.wire.max()) >= self.n_columns:
            raise EncodingError(f"an entry on wire {int(self.wire.max())} of {self.n_columns}")
        if nnz and int(self.coefficient.max()) >= len(self.pool):
            raise EncodingError(f"entry with coefficient {int(self.coefficient.max())} of a pool of {len(self.pool)}")

    @classmethod
    def from_values(cls, row_ptr: U64, wire: U32, values: FrVec, n_columns: int) -> SparseMatrix:
        """From one value per entry (as in .r1cs files); equal values are pooled."""
        pool, coefficient = pooled(values)
        return cls(row_ptr, wire, coefficient, pool, n_columns)

    def __repr__(self) -> str:
        return f"SparseMatrix({self.n_rows} rows, {self.n_columns} columns, {self.nnz} entries)"

    @property
    def n_rows(self) -> int:
        return len(self.row_ptr) - 1

    @property
    def nnz(self) -> int:
        return len(self.wire)

    def rows(self) -> U32:
        """The row of each entry."""
        return np.repeat(np.arange(self.n_rows, dtype=np.uint32), np.diff(self.row_ptr).astype(np.int64))

    def values(self) -> FrVec:
        """The coefficient of each entry: 32 bytes an entry, for file formats."""
        return gather(self.pool, self.coefficient)

    def row(self, i: int) -> dict[int, int]:
        """Row i as {wire: coefficient}, repeated wires added up. For reports and tests, not for loops."""
        terms: dict[int, int] = {}
        for k in range(int(self.row_ptr[i]), int(self.row_ptr[i + 1])):
            wire = int(self.wire[k])
            terms[wire] = terms.get(wire, 0) + self.pool[int(self.coefficient[k])]
        return terms

    def between(self, begin: int, end: int) -> SparseMatrix:
        """Rows begin to end - 1."""
        first, last = int(self.row_ptr[begin]), int(self.row_ptr[end])
        ptr = self.row_ptr[begin : end + 1] - np.uint64(first)
        return SparseMatrix(ptr, self.wire[first:last], self.coefficient[first:last], self.pool, self.n_columns)

    def transposed(self) -> SparseMatrix:
        """The columns as rows, entries of a column in row order: what a key generator multiplies by."""
        order = np.argsort(self.wire, kind="stable")
        ptr = np.zeros(self.n_columns + 1, dtype=np.uint64)
        ptr[1:] = np.cumsum(np.bincount(self.wire, minlength=self.n_columns))
        return SparseMatrix(ptr, self.rows()[order], self.coefficient[order], self.pool, self.n_rows)


@dataclass(frozen=True, slots=True, eq=False)
class R1cs:
    """n_constraints rows over n_wires wires, the constant included; wires 1..n_public are public."""

    n_wires: int
    n_public: int
    a: SparseMatrix
    b: SparseMatrix
    c: SparseMatrix
    n_constraints: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_constraints", self.a.n_rows)
        for name, matrix in self.matrices().items():
            if matrix.n_rows != self.n_constraints or matrix.n_columns != self.n_wires:
                shape = f"{matrix.n_rows} rows by {matrix.n_columns} wires"
                raise LengthError(f"{name} is {shape}, wanted {self.n_constraints} by {self.n_wires}")
        if not 0 <= self.n_public < self.n_wires:
            raise LengthError(f"{self.n_public} public wires of {self.n_wires} (one is the constant)")

    def matrices(self) -> dict[str, SparseMatrix]:
        return {"A": self.a, "B": self.b, "C": self.c}


def gather(pool: FrVec, index: U32) -> FrVec:
    """pool[index[i]] for every i."""
    raw = np.frombuffer(pool.raw(), dtype="<u8").reshape(len(pool), 4)
    return FrVec.from_raw(raw[index].tobytes())


def pooled(values: FrVec) -> tuple[FrVec, U32]:
    """The distinct values in order of their bytes, and for each value the index of its equal.

    Values are grouped by a few bits that are made of all of theirs, and what differs from the one that stands for its
    group is sorted: values that are few, which is what circuits have, are hardly ever.
    """
    limbs = np.frombuffer(values.raw(), "<u8").reshape(-1, FR_BYTES // 8)
    bits = min(_MOST_GROUP_BITS, 1 + len(limbs).bit_length())
    group = _groups(limbs, bits)
    stands = np.empty(1 << bits, np.int64)
    stands[group] = np.arange(len(limbs))
    equal = stands[group]
    differs = np.zeros(len(limbs), np.bool_)
    for column in limbs.T:
        differs |= column[equal] != column
    rest = np.flatnonzero(differs)  # every one of these values, as equal values are of one group
    _, first, number = np.unique(_whole(limbs[rest]), return_index=True, return_inverse=True)
    equal[rest] = rest[first[number]]
    is_used = np.zeros(len(limbs), np.bool_)
    is_used[equal] = True
    used = np.flatnonzero(is_used)
    used = used[np.argsort(_whole(limbs[used]))]
    place = np.empty(len(limbs), np.uint32)
    place[used] = np.arange(len(used))
    return FrVec.from_raw(limbs[used].tobytes()), place[equal]


def _groups(limbs: U64, bits: int) -> U64:
    """For each row of limbs the highest bits of a sum of odd multiples, so many."""
    words = limbs[:, 0] * np.uint64(_FACTORS[0])
    for j, factor in enumerate(_FACTORS[1:], 1):
        words += limbs[:, j] * np.uint64(factor)
    groups: U64 = words >> np.uint64(64 - bits)
    return groups


def _whole(limbs: U64) -> npt.NDArray[np.void]:
    """Each row as one item, which is ordered by its bytes."""
    return np.ascontiguousarray(limbs).view(np.dtype((np.void, FR_BYTES)))[:, 0]
