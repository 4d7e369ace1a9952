"""The tables of the first sumcheck: A z, B z and C z over all rows, made anew in some rounds where they are too long.

Of long ones only what is left after some rounds is ever held: until then each round makes them again piece by piece,
and folds each piece by the challenges that are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zkstate.kernels import FrVec, SumcheckTable, eq_table, sumcheck_rows, unequal_products, wipe
from zkstate.proof.transparent.links import indexed
from zkstate.proof.transparent.system import System

HELD = 1 << 21  # rows of tables that are held whole
FOLDED = 1 << 22  # rows that are left when others are held
PIECE = 1 << 18  # rows of a piece, in as many stretches as are folded; or a stretch is one row of all blocks


class RowTables:
    """A z, B z and C z, bound round by round. All of it is secret: `wipe` overwrites what is held.

    Shapes: `every` as System.every_column, `u` the mask wires, `shared` the constant and the public inputs.
    """

    def __init__(self, system: System, pool: FrVec, every: FrVec, u: FrVec, shared: FrVec, threads: int) -> None:
        self._system, self._read, self._threads = system, (pool, every, u, shared), threads
        self._log_rows = system.parameters.row_variables
        self._bound: list[int] = []  # challenges of rounds whose tables are made anew
        self._tables: list[SumcheckTable] = []
        self._eq: SumcheckTable | None = None
        self.broken: list[int] | None = None  # rows with (A z)(B z) ≠ C z, once that is known
        if system.rows <= HELD:
            products = system.products(*self._read, threads)
            self._tables = [SumcheckTable(product, self._log_rows) for product in products]
            a, b, c = products
            self.broken = unequal_products(a, b, c, threads).tolist()

    def message(self, tau: Sequence[int]) -> FrVec:
        """What the next round sends, unmasked, tau being the point that is left: h(0) and the coefficient of X²."""
        if not self._tables:
            return self._message_anew(tau)
        if self._eq is None:
            left = len(tau) - 1
            self._eq = SumcheckTable(eq_table(FrVec.from_ints(tau[1:]), 1 << left), left)
        a, b, c = self._tables
        return sumcheck_rows(a, b, c, self._eq, self._threads)

    def fold(self, r: int) -> None:
        """The first variable that is left becomes r."""
        if not self._tables:
            self._bound.append(r)
            if len(self._bound) == self._rounds_anew:
                self._fold_anew()
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

    def _message_anew(self, tau: Sequence[int]) -> FrVec:
        depth = len(self._bound) + 1
        log_length = self._log_length(depth)
        eq = SumcheckTable(eq_table(FrVec.from_ints(tau[len(tau) - log_length :]), 1 << log_length), log_length)
        high = tau[1 : len(tau) - log_length]
        sums, broken = [0, 0], []
        for i, pieces in enumerate(self._pieces(depth)):
            if self.broken is None:
                broken += self._broken(pieces, i << log_length)
            tables = self._folded(pieces, log_length + depth)
            found = sumcheck_rows(*tables, eq, self._threads).to_ints()
            factor = indexed(high, i)
            sums = [total + factor * value for total, value in zip(sums, found, strict=True)]
        if self.broken is None:
            self.broken = sorted(broken)
        return FrVec.from_ints(sums)

    def _fold_anew(self) -> None:
        depth = len(self._bound)
        left, log_length = self._log_rows - depth, self._log_length(depth)
        whole = [FrVec.uninitialised(1 << left) for _ in range(3)]
        self._tables = [SumcheckTable(each, left) for each in whole]
        for i, pieces in enumerate(self._pieces(depth)):
            for each, table in zip(whole, self._folded(pieces, log_length + depth), strict=True):
                each.put(i << log_length, table.values.view(0, 1 << log_length))

    def _folded(self, pieces: Sequence[FrVec], variables: int) -> tuple[SumcheckTable, SumcheckTable, SumcheckTable]:
        """The tables of a piece, bound as far as is known."""
        a, b, c = (SumcheckTable(piece, variables) for piece in pieces)
        for table in (a, b, c):
            for r in self._bound:
                table.fold(r, self._threads)
        return a, b, c

    def _broken(self, pieces: Sequence[FrVec], begin: int) -> list[int]:
        """The broken rows of a piece of two stretches, the lower of which begins there."""
        length, half = 1 << self._log_length(1), 1 << (self._log_rows - 1)
        a, b, c = pieces
        found = unequal_products(a, b, c, self._threads).tolist()
        return [begin + (i if i < length else half + i - length) for i in found]

    @property
    def _rounds_anew(self) -> int:
        """Rounds before tables are held: until few rows are left, unless pieces would get as long as these."""
        rounds, log_blocks = 1, self._system.parameters.shape.log_blocks
        while 1 << (self._log_rows - rounds) > FOLDED and log_blocks + 2 * rounds + 1 < self._log_rows:
            rounds += 1
        return rounds

    def _log_length(self, depth: int) -> int:
        """Of a stretch: so many variables are left in it when the first `depth` are bound."""
        log_blocks = self._system.parameters.shape.log_blocks
        return min(self._log_rows - depth, max(PIECE.bit_length() - 1 - depth, log_blocks))

    def _pieces(self, depth: int) -> Iterator[list[FrVec]]:
        """Pieces of A z, B z and C z: a stretch for each value of the first `depth` variables, up to the last row.

        Each piece is there until the next is asked for; all are wiped in the end.
        """
        apart, length, rows = 1 << (self._log_rows - depth), 1 << self._log_length(depth), self._system.rows
        rooms = [FrVec.uninitialised(length << depth) for _ in range(3)]
        try:
            for begin in range(0, apart, length):
                firsts = range(begin, rows, apart)
                for k, first in enumerate(firsts):
                    stretches = [room.view(k * length, (k + 1) * length) for room in rooms]
                    self._system.some_products(*self._read, first, stretches, self._threads)
                yield [room.view(0, len(firsts) * length) for room in rooms]
        finally:
            for room in rooms:
                wipe(room)
