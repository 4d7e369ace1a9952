"""The sum of fractions that shows tables (Haboeck 2022, eprint 2022/1530): rows and wires of a second phase.

For each use of a table a wire I and a row (beta − table − Σ gamma^i value_i) · I = weight, i from 1; a running sum of I
over all blocks, what is provided taken away; and a row that it is 0 in the last block. beta and gamma are drawn when
all values and weights are committed, so their rows have coefficients that are known only then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zkstate.constraint.block_circuit import BlockCircuit, Use
from zkstate.constraint.r1cs import U32, SparseMatrix, pooled
from zkstate.kernels import FR_MODULUS, FrVec, running_sums, sparse_blocks_product, wipe

CHALLENGES = 2  # beta, gamma
BETA = -1
SIDES = 3  # of a row: A, B, C

Symbol = tuple[int, int]  # factor, and the power of gamma it stands with; BETA for beta
Entry = tuple[int, int, int]  # column, coefficient, and the power of gamma; 0 where it is the coefficient itself
Row = tuple[list[Entry], list[Entry], list[Entry]]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the matrix of a block with tables has what its second phase reads."""

    of_wire: U32  # of each wire of the block's circuit
    inverse: int  # of the first use; those of the others follow, and then the running sum
    sum_before: int
    last: int
    constant: int


def second_phase(block: BlockCircuit, at: Columns) -> list[Row]:
    """The rows of A, B and C for every use, the running sum and its end."""
    total = at.inverse + len(block.uses)
    rows: list[Row] = []
    running: list[Entry] = [(at.sum_before, 1, 0), (total, -1, 0)]
    for i, use in enumerate(block.uses):
        weight, *values = (
            [(int(at.of_wire[w]), v, 0) for w, v in _reading(block, use, j)] for j in range(1 + use.size)
        )
        denominator: list[Entry] = [(at.constant, 1, BETA), (at.constant, -use.table, 0)]
        for power, value in enumerate(values, 1):
            denominator += [(column, -factor, power) for column, factor, _ in value]
        rows.append((denominator, [(at.inverse + i, 1, 0)], weight))
        running.append((at.inverse + i, -1 if use.provides else 1, 0))
    rows.append((running, [(at.constant, 1, 0)], []))
    rows.append(([(at.last, 1, 0)], [(total, 1, 0)], []))
    return rows


def _reading(block: BlockCircuit, use: Use, i: int) -> list[tuple[int, int]]:
    return list(block.readings.row(use.first + i).items())


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """The pool of a matrix: what is known of it, then a place for each symbol."""

    known: FrVec
    symbols: tuple[Symbol, ...]

    def at(self, challenges: list[int]) -> FrVec:
        """The pool once the challenges are drawn."""
        if not self.symbols:
            return self.known
        beta, gamma = challenges
        filled = (factor * (beta if power == BETA else pow(gamma, power, FR_MODULUS)) for factor, power in self.symbols)
        return FrVec.concat([self.known, FrVec.from_ints(filled)])


def with_rows(matrices: list[SparseMatrix], rows: list[Row], width: int) -> tuple[SparseMatrix, Coefficients]:
    """Matrices over `width` columns, the rows of a second phase below the first three, all in one, and its pool."""
    symbols: dict[Symbol, int] = {}
    values, row_ptr, columns, picks = [], [np.zeros(1, dtype=np.uint64)], [], []
    n_values = n_entries = 0
    for i, matrix in enumerate(matrices):
        below = [row[i] for row in rows] if i < SIDES else []
        own = [entry for side in below for entry in sorted(side)]
        plain = [value for _, value, power in own if not power]
        values += [matrix.pool, FrVec.from_ints(plain)]
        picks.append(matrix.coefficient.astype(np.int64) + n_values)
        numbered = iter(range(n_values + len(matrix.pool), n_values + len(matrix.pool) + len(plain)))
        picks.append(
            np.array(
                [
                    -1 - symbols.setdefault((value % FR_MODULUS, power), len(symbols)) if power else next(numbered)
                    for _, value, power in own
                ],
                dtype=np.int64,
            )
        )
        columns += [matrix.wire, np.array([column for column, _, _ in own], dtype=np.uint32)]
        counts = np.concatenate([np.diff(matrix.row_ptr), np.array([len(side) for side in below], dtype=np.uint64)])
        row_ptr.append(np.cumsum(counts, dtype=np.uint64) + np.uint64(n_entries))
        n_entries += matrix.nnz + len(own)
        n_values += len(matrix.pool) + len(plain)
    known, renamed = pooled(FrVec.concat([*values, FrVec.ones(1)]))
    pick = np.concatenate(picks)
    chosen = np.where(pick >= 0, renamed[np.maximum(pick, 0)].astype(np.int64), len(known) - 1 - pick)
    pool = FrVec.concat([known, FrVec(len(symbols))])
    matrix = SparseMatrix(
        np.concatenate(row_ptr), np.concatenate(columns).astype(np.uint32), chosen.astype(np.uint32), pool, width
    )
    return matrix, Coefficients(known, tuple(symbols))


def second_wires(
    block: BlockCircuit,
    sides: Sequence[SparseMatrix],
    pool: FrVec,
    every: FrVec,
    shared: FrVec,
    blocks: int,
    threads: int,
) -> FrVec:
    """The wires of the second phase in all blocks. `every` has the other columns, zeros for what this makes.

    Shapes: `sides` are A, B and C with the rows of the second phase. InputError, once in 2^200 proofs, where a
    denominator is 0.
    """
    n, uses = sides[0].n_rows, len(block.uses)
    first = n - uses - 2
    picked = [side.between(first, first + uses) for side in (sides[0], sides[2])]
    denominators, weights = (sparse_blocks_product(m, pool, every, shared, blocks, threads) for m in picked)
    inverses = denominators.inverse()
    fractions = inverses * weights
    total = FrVec(blocks)
    for i, use in enumerate(block.uses):
        fraction = fractions.slice(i * blocks, (i + 1) * blocks)
        before, total = total, total - fraction if use.provides else total + fraction
        wipe(before)
        wipe(fraction)
    sums = running_sums(total)
    try:
        return FrVec.concat([fractions, sums])
    finally:
        for values in (denominators, weights, inverses, fractions, total, sums):
            wipe(values)
