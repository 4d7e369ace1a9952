"""System: an R1CS laid out for proving and verifying, once per circuit.

The vector z is the secret wires, three mask wires, zeros up to a whole number of rows, and behind them the constant
and the public inputs. Three more rows, true of any mask wires, make the values of A z, B z and C z at a random point
uniform: (u_1)·0 = 0, 0·(u_2) = 0 and (u_3)·1 = u_3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zkstate.constraint.r1cs import U64, R1cs, SparseMatrix, pooled
from zkstate.errors import LengthError
from zkstate.kernels import FrVec, sparse_product
from zkstate.proof import r1cs_file
from zkstate.proof.transparent.parameters import MASK_ROWS, MASK_WIRES, Parameters, Shape, parameters_for

# The mask wire that each of the three mask rows has in A, B and C; None is no entry, "one" the constant.
_MASK_ROWS = (((0,), (), ()), ((), (1,), ()), ((2,), ("one",), (2,)))


@dataclass(frozen=True, eq=False)
class System:
    """The matrices A, B and C one below the other, with their mask rows, over the places of z.

    Shapes: `matrix` has 3 (n_constraints + 3) rows and parameters.places columns. `digest` names the R1CS.
    """

    parameters: Parameters
    digest: bytes
    matrix: SparseMatrix

    @classmethod
    def of(cls, r1cs: R1cs) -> System:
        """Lay out an R1CS. LengthError beyond the limits of Shape."""
        parameters = parameters_for(Shape(r1cs.n_constraints, r1cs.n_wires, r1cs.n_public))
        return cls(parameters, r1cs_file.digest(r1cs), _stacked(r1cs, parameters))

    @property
    def rows(self) -> int:
        """Rows of one of the three matrices."""
        return self.parameters.shape.n_constraints + MASK_ROWS

    @cached_property
    def transposed(self) -> SparseMatrix:
        """What the prover of the second sumcheck multiplies by."""
        return self.matrix.transposed()

    def products(self, z: FrVec, threads: int = 0) -> list[FrVec]:
        """A z, B z and C z."""
        stacked = sparse_product(self.matrix, self.matrix.pool, z, threads)
        return [stacked.slice(i * self.rows, (i + 1) * self.rows) for i in range(3)]

    def columns_at(self, weighted: FrVec, threads: int = 0) -> FrVec:
        """The sum of all rows, weighted: one value for each place."""
        return sparse_product(self.transposed, self.matrix.pool, weighted, threads)

    def values_at(self, rows: FrVec, places: FrVec, threads: int = 0) -> list[int]:
        """The bilinear forms of A, B and C: weighted rows times weighted places."""
        return [rows.dot(product) for product in self.products(places, threads)]

    def arranged(self, witness: FrVec, mask_wires: FrVec) -> tuple[FrVec, FrVec]:
        """The committed part of z, whole rows, and its public part."""
        shape, start = self.parameters.shape, self.parameters.public_start
        if len(witness) != shape.n_wires or len(mask_wires) != MASK_WIRES:
            raise LengthError(f"a witness of {len(witness)} values, the circuit has {shape.n_wires} wires")
        secret = witness.slice(1 + shape.n_public, shape.n_wires)
        filled = FrVec(start - shape.n_secret - MASK_WIRES)
        return FrVec.concat([secret, mask_wires, filled]), witness.slice(0, 1 + shape.n_public)


def _stacked(r1cs: R1cs, parameters: Parameters) -> SparseMatrix:
    """The three matrices with mask rows, wires renumbered to places, one pool of distinct coefficients."""
    shape = parameters.shape
    place = np.arange(shape.n_wires, dtype=np.int64) - (1 + shape.n_public)
    place[: 1 + shape.n_public] = parameters.public_start + np.arange(1 + shape.n_public)
    masks = {i: shape.n_secret + i for i in range(MASK_WIRES)} | {"one": parameters.public_start}
    matrices = (r1cs.a, r1cs.b, r1cs.c)
    pool, renamed = pooled(FrVec.concat([*(m.pool for m in matrices), FrVec.ones(1)]))
    first, one = 0, renamed[-1:]
    counts: list[U64] = []
    wires, coefficients = [], []
    for which, matrix in enumerate(matrices):
        added = [row[which] for row in _MASK_ROWS]
        counts += [np.diff(matrix.row_ptr), np.array([len(entries) for entries in added], dtype=np.uint64)]
        extra = [masks[entry] for entries in added for entry in entries]
        wires += [place[matrix.wire], np.array(extra, dtype=np.int64)]
        coefficients += [renamed[first + matrix.coefficient.astype(np.int64)], np.repeat(one, len(extra))]
        first += len(matrix.pool)
    row_ptr = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(np.concatenate(counts), dtype=np.uint64)])
    return SparseMatrix(
        row_ptr,
        np.concatenate(wires).astype(np.uint32),
        np.concatenate(coefficients).astype(np.uint32),
        pool,
        parameters.places,
    )
