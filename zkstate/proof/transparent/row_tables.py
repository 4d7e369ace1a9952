"""The tables of the first sumcheck: A z, B z and C z over all rows, D z and E z over all powers; made anew in some
rounds where they are too long.

Of long ones only what is left after some rounds is ever held: until then each round makes them again piece by piece,
and folds each piece by the challenges that are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from zkstate.kernels import (
    FrVec,
    SumcheckTable,
    eq_table,
    sumcheck_powers,
    sumcheck_rows,
    unequal_powers,
    unequal_products,
    wipe,
)
from zkstate.proof.transparent.links import indexed
from zkstate.proof.transparent.lookups import SIDES
from zkstate.proof.transparent.parameters import ROW_MESSAGE
from zkstate.proof.transparent.system import System

HELD = 1 << 21  # rows of tables that are held whole
FOLDED = 1 << 22  # rows that are left when others are held
PIECE = 1 << 18  # rows of a piece, in as many stretches as are folded; or a stretch is one row of all blocks


class RowTables:
    """A z to E z, bound round by round. All of it is secret: `wipe` overwrites what is held.

    Shapes: `every` as System.every_column, `u` the mask wires, `shared` the constant and the public inputs.
    """

    def __init__(self, system: System, pool: FrVec, every: FrVec, u: FrVec, shared: FrVec, threads: int) -> None:
        self._system, self._read, self._threads = system, (pool, every, u, shared), threads
        self._log_rows = system.parameters.row_variables
        self._heights = (*[system.rows] * SIDES, system.powers, system.powers)
        self._bound: list[int] = []  # challenges of rounds whose tables are made anew
        self._tables: list[SumcheckTable] = []
        self._eq: SumcheckTable | None = None
        self.broken: list[int] | None = None  # rows of the circuit, times blocks, and the block; once they are known
        if max(self._heights) <= HELD:
            products = system.products(*self._read, threads)
            self._tables = [SumcheckTable(product, self._log_rows) for product in products]
            self.broken = sorted(self._numbered(self._broken_of(products), lambda i: i))

    def message(self, tau: Sequence[int], power: int) -> FrVec:
        """What the next round sends, unmasked, tau being the point that is left: h(0) and the coefficients from X² on.

        `power` is the weight of powers.
        """
        if not self._tables:
            return self._message_anew(tau, power)
        if self._eq is None:
            left = len(tau) - 1
            self._eq = SumcheckTable(eq_table(FrVec.from_ints(tau[1:]), 1 << left), left)
        return self._message_of(self._tables, self._eq, power)

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

    def values(self, power: int) -> FrVec:
        """a, b, d and c + power·e when every variable is bound."""
        a, b, c, d, e = (table.value() for table in self._tables)
        return FrVec.from_ints([a, b, d, c + power * e])

    def wipe(self) -> None:
        """Overwrite the tables and let them go."""
        for table in self._tables:
            wipe(table.values)
        self._tables = []

    def _message_of(self, tables: Sequence[SumcheckTable], eq: SumcheckTable, power: int) -> FrVec:
        """Of all five tables, or of D z and E z, or A z, B z and C z, alone."""
        message = FrVec(ROW_MESSAGE)
        if len(tables) >= SIDES:
            a, b, c = tables[:SIDES]
            found = sumcheck_rows(a, b, c, eq, self._threads)
            message.put(0, found)
            wipe(found)
        if len(tables) != SIDES:
            d, e = tables[-2:]
            found = sumcheck_powers(d, e, eq, self._threads)
            scaled, before = found.scale(power), message
            message = before + scaled
            for values in (found, scaled, before):
                wipe(values)
        return message

    def _message_anew(self, tau: Sequence[int], power: int) -> FrVec:
        depth = len(self._bound) + 1
        log_length = self._log_length(depth)
        eq = SumcheckTable(eq_table(FrVec.from_ints(tau[len(tau) - log_length :]), 1 << log_length), log_length)
        high = tau[1 : len(tau) - log_length]
        sums, broken = [0] * ROW_MESSAGE, []
        for i, pieces in enumerate(self._pieces(depth)):
            if self.broken is None:
                broken += self._broken(pieces, i << log_length)
            tables = self._folded([piece for piece in pieces if len(piece)], log_length + depth)
            found = self._message_of(tables, eq, power)
            factor = indexed(high, i)
            sums = [total + factor * value for total, value in zip(sums, found.to_ints(), strict=True)]
            wipe(found)
        if self.broken is None:
            self.broken = sorted(broken)
        return FrVec.from_ints(sums)

    def _fold_anew(self) -> None:
        depth = len(self._bound)
        left, log_length = self._log_rows - depth, self._log_length(depth)
        whole = [FrVec.uninitialised(min(height, 1 << left)) for height in self._heights]
        self._tables = [SumcheckTable(each, left) for each in whole]
        for i, pieces in enumerate(self._pieces(depth)):
            at, filled = i << log_length, [k for k, piece in enumerate(pieces) if len(piece)]
            folded = self._folded([pieces[k] for k in filled], log_length + depth)
            for k, table in zip(filled, folded, strict=True):
                whole[k].put(at, table.values.view(0, min(1 << log_length, len(whole[k]) - at)))

    def _folded(self, pieces: Sequence[FrVec], variables: int) -> list[SumcheckTable]:
        """The tables of a piece, bound as far as is known."""
        tables = [SumcheckTable(piece, variables) for piece in pieces]
        for table in tables:
            for r in self._bound:
                table.fold(r, self._threads)
        return tables

    def _broken(self, pieces: Sequence[FrVec], begin: int) -> list[int]:
        """The broken rows of a piece of two stretches, the lower of which begins there."""
        length, half = 1 << self._log_length(1), 1 << (self._log_rows - 1)
        return self._numbered(self._broken_of(pieces), lambda i: begin + (i if i < length else half + i - length))

    def _broken_of(self, products: Sequence[FrVec]) -> list[list[int]]:
        """Which of these rows, and of these powers, do not hold."""
        a, b, c, d, e = products
        return [unequal_products(a, b, c, self._threads).tolist(), unequal_powers(d, e, self._threads).tolist()]

    def _numbered(self, found: Sequence[Sequence[int]], place: Callable[[int], int]) -> list[int]:
        """Rows of the matrices, at their places, as rows of the circuit."""
        shape, numbers = self._system.parameters.shape, self._system.numbers
        listed = []
        for first, broken in zip((0, shape.products), found, strict=True):
            for i in broken:
                row, block = divmod(place(i), shape.blocks)
                listed.append(int(numbers[first + row]) * shape.blocks + block)
        return listed

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
        """Pieces of all five: a stretch for each value of the first `depth` variables, up to the last row; none of rows
        or powers that end before.

        Each piece is there until the next is asked for; all are wiped in the end.
        """
        apart, length = 1 << (self._log_rows - depth), 1 << self._log_length(depth)
        rooms = [FrVec.uninitialised(min(length << depth, -(-height // length) * length)) for height in self._heights]
        try:
            for begin in range(0, min(apart, max(self._heights)), length):
                counts = [len(range(begin, height, apart)) for height in self._heights]
                for k in range(max(counts)):
                    stretches = [
                        room.view(min(k, count) * length, min(k + 1, count) * length)
                        for room, count in zip(rooms, counts, strict=True)
                    ]
                    self._system.some_products(*self._read, begin + k * apart, stretches, self._threads)
                yield [room.view(0, count * length) for room, count in zip(rooms, counts, strict=True)]
        finally:
            for room in rooms:
                wipe(room)
