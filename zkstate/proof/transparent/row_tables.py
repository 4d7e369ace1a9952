"""The tables of the first sumcheck: A z, B z and C z over all rows, computed twice where they are too long to hold.

Of long ones only halves are ever held: the first round is computed piece by piece, and once its challenge is known each
piece is computed again and folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from zkstate.kernels import FrVec, SumcheckTable, eq_table, sumcheck_rows, wipe
from zkstate.proof.transparent.links import indexed
from zkstate.proof.transparent.system import System

HELD = 1 << 21  # rows of tables that are held whole
PIECE = 1 << 17  # rows of a half of a piece, or those of all blocks if they are more
CHECKED = 1 << 16  # rows compared at a time


class RowTables:
    """A z, B z and C z, bound round by round. All of it is secret: `wipe` overwrites what is held.

    Shapes: `every` as System.every_column, `u` the mask wires, `shared` the constant and the public inputs.
    """

    def __init__(self, system: System, pool: FrVec, every: FrVec, u: FrVec, shared: FrVec, threads: int) -> None:
        self._system, self._read, self._threads = system, (pool, every, u, shared), threads
        self._log_rows = system.parameters.row_variables
        self._tables: list[SumcheckTable] = []
        self._eq: SumcheckTable | None = None
        self.broken: list[int] | None = None  # rows with (A z)(B z) ≠ C z, once that is known
        if system.rows <= HELD:
            products = system.products(*self._read, threads)
            self._tables = [SumcheckTable(product, self._log_rows) for product in products]
            self.broken = _broken(products, 0)

    def message(self, tau: Sequence[int]) -> FrVec:
        """What the next round sends, unmasked, tau being the point that is left: h(0) and the coefficient of X²."""
        if not self._tables:
            return self._first_message(tau)
        if self._eq is None:
            left = len(tau) - 1
            self._eq = SumcheckTable(eq_table(FrVec.from_ints(tau[1:]), 1 << left), left)
        a, b, c = self._tables
        return sumcheck_rows(a, b, c, self._eq, self._threads)

    def fold(self, r: int) -> None:
        """The first variable that is left becomes r."""
        if not self._tables:
            self._fold_first(r)
            return
        for table in self._tables:
            table.fold(r, self._threads)
        if self._eq is not None and self._eq.variables:
            self._eq.sum_first()

    def values(self) -> FrVec:
        """The three values when every variable is bound."""
        return FrVec.from_ints([table.value() for table in self._tables])

    def wipe(self) -> None:
        """Overwrite the tables and let them go."""
        for table in self._tables:
            wipe(table.values)
        self._tables = []

    def _first_message(self, tau: Sequence[int]) -> FrVec:
        log_piece = self._log_piece
        low = eq_table(FrVec.from_ints(tau[len(tau) - log_piece :]), 1 << log_piece)
        high = tau[1 : len(tau) - log_piece]
        sums, broken = [0, 0], []
        for i, pieces in enumerate(self._pieces()):
            a, b, c = (SumcheckTable(piece, log_piece + 1) for piece in pieces)
            found = sumcheck_rows(a, b, c, SumcheckTable(low, log_piece), self._threads).to_ints()
            factor = indexed(high, i)
            sums = [total + factor * value for total, value in zip(sums, found, strict=True)]
            half = 1 << log_piece
            for k, first in enumerate((i * half, (1 << (self._log_rows - 1)) + i * half)):
                broken += _broken([piece.view(k * half, (k + 1) * half) for piece in pieces], first)
        self.broken = sorted(broken)
        return FrVec.from_ints(sums)

    def _fold_first(self, r: int) -> None:
        size, log_piece = 1 << (self._log_rows - 1), self._log_piece
        folded = [FrVec.uninitialised(size) for _ in range(3)]
        for i, pieces in enumerate(self._pieces()):
            for piece, whole in zip(pieces, folded, strict=True):
                SumcheckTable(piece, log_piece + 1).fold(r, self._threads)
                whole.put(i << log_piece, piece.view(0, 1 << log_piece))
        self._tables = [SumcheckTable(whole, self._log_rows - 1) for whole in folded]

    @property
    def _log_piece(self) -> int:
        return min(self._log_rows - 1, max(PIECE.bit_length() - 1, self._system.parameters.shape.log_blocks))

    def _pieces(self) -> Iterator[list[FrVec]]:
        """Pieces of A z, B z and C z: each as long a stretch of the lower half and of the upper one behind it."""
        half, length = 1 << (self._log_rows - 1), 1 << self._log_piece
        for begin in range(0, half, length):
            pieces = [FrVec(2 * length) for _ in range(3)]
            for k, first in enumerate((begin, half + begin)):
                rooms = [piece.view(k * length, (k + 1) * length) for piece in pieces]
                self._system.some_products(*self._read, first, rooms, self._threads)
            try:
                yield pieces
            finally:
                for piece in pieces:
                    wipe(piece)


def _broken(products: Sequence[FrVec], first: int) -> list[int]:
    """The rows, numbered from `first`, with (A z)(B z) ≠ C z."""
    found: list[int] = []
    for begin in range(0, len(products[0]), CHECKED):
        a, b, c = (product.view(begin, min(begin + CHECKED, len(product))) for product in products)
        product = a * b
        left, right = (np.frombuffer(v.raw(), dtype="<u8").reshape(-1, 4) for v in (product, c))
        found += (np.flatnonzero((left != right).any(axis=1)) + (first + begin)).tolist()
        wipe(product)
    return found
