"""System: an R1CS laid out for proving and verifying, once per circuit, standing once or in many equal blocks.

The vector z is the secret wires, wire by wire and within a wire block by block; three mask wires; zeros up to a whole
number of rows; and behind them the constant and the public inputs, which all blocks share. Rows are in the same order.
So each matrix is a small one times the identity of blocks, and its value at a point costs one block. Three more rows,
true of any mask wires, make the values of A z, B z and C z at a random point uniform: (u_1)·0 = 0, 0·(u_2) = 0 and
(u_3)·1 = u_3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zkstate.constraint.r1cs import R1cs, SparseMatrix, pooled
from zkstate.errors import LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec, eq_table, sparse_blocks_product, sparse_product, wipe
from zkstate.proof import r1cs_file
from zkstate.proof.transparent.parameters import MASK_ROWS, MASK_WIRES, Parameters, Shape, parameters_for


@dataclass(frozen=True, eq=False)
class System:
    """The matrices A, B and C of one block, one below the other.

    Shapes: `matrix` has 3 n_constraints rows; its columns are the secret wires, the constant and the public inputs.
    `digest` names the R1CS.
    """

    parameters: Parameters
    digest: bytes
    matrix: SparseMatrix

    @classmethod
    def of(cls, r1cs: R1cs, log_blocks: int = 0) -> System:
        """Lay out an R1CS, 2^log_blocks times over. LengthError beyond the limits of Shape."""
        shape = Shape(r1cs.n_constraints, r1cs.n_wires, r1cs.n_public, log_blocks)
        return cls(parameters_for(shape), r1cs_file.digest(r1cs), _stacked(r1cs))

    @property
    def rows(self) -> int:
        """Rows of one of the three matrices, all blocks and the mask rows."""
        return self.parameters.shape.n_rows + MASK_ROWS

    @cached_property
    def transposed(self) -> tuple[SparseMatrix, SparseMatrix]:
        """The columns as rows: those of secret wires, and those that all blocks share."""
        whole = self.matrix.transposed()
        first = self._own
        cut = int(whole.row_ptr[first])
        return (
            SparseMatrix(
                whole.row_ptr[: first + 1], whole.wire[:cut], whole.coefficient[:cut], whole.pool, whole.n_columns
            ),
            SparseMatrix(
                whole.row_ptr[first:] - np.uint64(cut),
                whole.wire[cut:],
                whole.coefficient[cut:],
                whole.pool,
                whole.n_columns,
            ),
        )

    def arranged(self, witnesses: Sequence[FrVec], mask_wires: FrVec) -> tuple[FrVec, FrVec]:
        """The committed part of z, whole rows, and its public part.

        Errors: LengthError; WitnessError for a constant that is not 1, or a block with other public inputs.
        """
        shape = self.parameters.shape
        if len(witnesses) != shape.blocks:
            raise LengthError(f"{len(witnesses)} witnesses for {shape.blocks} blocks")
        shared = witnesses[0].slice(0, min(1 + shape.n_public, len(witnesses[0])))
        for block, witness in enumerate(witnesses):
            if len(witness) != shape.n_wires:
                raise LengthError(f"a witness of {len(witness)} values, the circuit has {shape.n_wires} wires")
            if witness[0] != 1:
                raise WitnessError("wire 0 of the witness is not the constant 1")
            if witness.slice(0, 1 + shape.n_public) != shared:
                raise WitnessError(f"block {block} has other public inputs than block 0")
        secret = self._by_wire(witnesses)
        filled = FrVec(self.parameters.public_start - shape.n_secret - MASK_WIRES)
        try:
            return FrVec.concat([secret, mask_wires, filled]), shared
        finally:
            wipe(secret)

    def products(self, committed: FrVec, shared: FrVec, threads: int = 0) -> list[FrVec]:
        """A z, B z and C z, from the two parts of z."""
        shape = self.parameters.shape
        own = committed.slice(0, shape.n_secret)
        u = committed.slice(shape.n_secret, shape.n_secret + MASK_WIRES)
        found = sparse_blocks_product(self.matrix, self.matrix.pool, own, shared, shape.blocks, threads)
        u_1, u_2, u_3 = (u.slice(i, i + 1) for i in range(MASK_WIRES))
        zero, one = FrVec(1), FrVec.ones(1)
        parts = [found.slice(i * shape.n_rows, (i + 1) * shape.n_rows) for i in range(3)]
        masks = ((u_1, zero, u_3), (zero, u_2, one), (zero, zero, u_3))
        try:
            return [FrVec.concat([part, *mask]) for part, mask in zip(parts, masks, strict=True)]
        finally:
            for values in (own, u, u_1, u_2, u_3, found, *parts):
                wipe(values)

    def columns_at(self, row_point: Sequence[int], weights: Sequence[int], threads: int = 0) -> FrVec:
        """M: for each place the sum of its column of r_a A + r_b B + r_c C, weighted by eq(row_point)."""
        p, shape = self.parameters, self.parameters.shape
        at_rows = eq_table(FrVec.from_ints(row_point), self.rows)
        each = at_rows.slice(0, shape.n_rows)
        whole = self._rows_at(row_point)  # the sum over blocks
        own, shared = self.transposed
        every = FrVec.concat([each.scale(weight) for weight in weights])
        secret = sparse_blocks_product(own, own.pool, every, FrVec(0), shape.blocks, threads)
        public = sparse_product(shared, shared.pool, FrVec.concat([whole.scale(w) for w in weights]), threads)
        m_1, m_2, m_3 = at_rows.slice(shape.n_rows, self.rows).to_ints()
        a, b, c = weights
        masks = FrVec.from_ints([a * m_1, b * m_2, (a + c) * m_3])
        constant = public.slice(0, 1) + FrVec.from_ints([b * m_3])
        filled = FrVec(p.public_start - shape.n_secret - MASK_WIRES)
        return FrVec.concat([secret, masks, filled, constant, public.slice(1, len(public))])

    def values_at(self, row_point: Sequence[int], column_point: Sequence[int], threads: int = 0) -> list[int]:
        """The multilinear extensions of A, B and C at a point: one block's work."""
        shape, k = self.parameters.shape, self.parameters.shape.log_blocks
        own = eq_table(FrVec.from_ints(column_point[: len(column_point) - k]), max(1, self._own)).slice(0, self._own)
        same = equality(row_point[len(row_point) - k :], column_point[len(column_point) - k :])
        shared = self.shared_at(column_point)
        found = sparse_product(self.matrix, self.matrix.pool, FrVec.concat([own.scale(same), shared]), threads)
        whole, n = self._rows_at(row_point), shape.n_constraints
        a, b, c = (whole.dot(found.slice(i * n, (i + 1) * n)) for i in range(3))
        m_1, m_2, m_3 = (indexed(row_point, shape.n_rows + i) for i in range(MASK_ROWS))
        u_1, u_2, u_3 = (indexed(column_point, shape.n_secret + i) for i in range(MASK_WIRES))
        return [a + m_1 * u_1 + m_3 * u_3, b + m_2 * u_2 + m_3 * shared[0], c + m_3 * u_3]

    def shared_at(self, column_point: Sequence[int]) -> FrVec:
        """eq(column_point) at the places of the constant and the public inputs."""
        p = self.parameters
        high, low = column_point[: -p.log_width], FrVec.from_ints(column_point[-p.log_width :])
        parts = []
        for first in range(p.public_start, p.places, p.width):
            table = eq_table(low, min(p.width, p.places - first))
            parts.append(table.scale(indexed(high, first >> p.log_width)))
        return FrVec.concat(parts)

    @property
    def _own(self) -> int:
        """Secret wires of one block."""
        return self.parameters.shape.n_secret >> self.parameters.shape.log_blocks

    def _rows_at(self, row_point: Sequence[int]) -> FrVec:
        """eq of the bits that number rows within a block: the sum of eq(row_point) over blocks."""
        n, k = self.parameters.shape.n_constraints, self.parameters.shape.log_blocks
        return eq_table(FrVec.from_ints(row_point[: len(row_point) - k]), max(1, n)).slice(0, n)

    def _by_wire(self, witnesses: Sequence[FrVec]) -> FrVec:
        """The secret wires: all blocks of the first, all blocks of the second, .."""
        shape = self.parameters.shape
        if shape.blocks == 1:
            return witnesses[0].slice(1 + shape.n_public, shape.n_wires)
        limbs = np.empty((self._own, shape.blocks, 4), dtype="<u8")
        for block, witness in enumerate(witnesses):
            limbs[:, block] = np.frombuffer(witness.raw(), dtype="<u8").reshape(-1, 4)[1 + shape.n_public :]
        try:
            return FrVec.from_raw(limbs.reshape(-1).view(np.uint8).data)
        finally:
            limbs[:] = 0


def equality(x: Sequence[int], y: Sequence[int]) -> int:
    """Π (x_i y_i + (1 − x_i)(1 − y_i)): eq(x) summed against eq(y)."""
    found = 1
    for a, b in zip(x, y, strict=True):
        found = found * (1 - a - b + 2 * a * b) % FR_MODULUS
    return found


def indexed(point: Sequence[int], index: int) -> int:
    """Entry `index` of eq(point)."""
    return equality(point, [index >> (len(point) - 1 - j) & 1 for j in range(len(point))])


def _stacked(r1cs: R1cs) -> SparseMatrix:
    """The three matrices one below the other, shared wires behind the secret ones, one pool of coefficients."""
    column = np.arange(r1cs.n_wires, dtype=np.int64) - (1 + r1cs.n_public)
    column[: 1 + r1cs.n_public] += r1cs.n_wires
    matrices = (r1cs.a, r1cs.b, r1cs.c)
    pool, renamed = pooled(FrVec.concat([*(m.pool for m in matrices), FrVec.ones(1)]))
    starts = np.cumsum([0, *(len(m.pool) for m in matrices)])
    coefficients = [renamed[first + m.coefficient.astype(np.int64)] for first, m in zip(starts, matrices, strict=False)]
    counts = np.concatenate([np.diff(m.row_ptr) for m in matrices])
    row_ptr = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(counts, dtype=np.uint64)])
    wires = column[np.concatenate([m.wire for m in matrices])].astype(np.uint32)
    return SparseMatrix(row_ptr, wires, np.concatenate(coefficients).astype(np.uint32), pool, r1cs.n_wires)
