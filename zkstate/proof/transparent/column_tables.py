"""The tables of the second sumcheck, M and z, wire by wire until the last rounds: each as long as one block's wires.

At place w·2^κ + b the table M is a sum of few products c(w) e(b): e is eq of the block's number for a block's own
wires, that moved along a link for what ports read, and 1 in one block for mask wires and shared ones. All rounds but
the last κ bind w, and are rounds of c and Σ_b e(b) z(w, b). Left then are two tables over b: M and Σ_w eq(w) z(w, b).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zkstate.kernels import FrVec, SumcheckTable, eq_table, rows_columns, rows_dot, rows_sum, sumcheck_product, wipe
from zkstate.proof.transparent.links import Charges
from zkstate.proof.transparent.parameters import Parameters


class _Stretch(NamedTuple):
    """Values of z in all blocks, from a wire's place on."""

    first: int
    values: FrVec


class ColumnTables:
    """M and z, bound round by round. What is made of z is secret: `wipe` overwrites it.

    Shapes: `charges` as System.charges, `own` the own wires, `u` the mask wires, `shared` the constant and the public
    inputs. `own` is read until the last wire is bound, and stays the caller's.
    """

    def __init__(
        self, parameters: Parameters, charges: Sequence[Charges], own: FrVec, u: FrVec, shared: FrVec, threads: int
    ) -> None:
        p = parameters
        self._blocks, self._log_blocks, self._threads = p.shape.blocks, p.shape.log_blocks, threads
        self._charges = charges
        self._point: list[int] = []
        self._wires = len(charges[0].wires)
        last = p.mask_start // self._blocks
        self._tail = FrVec((self._wires - last) * self._blocks)
        self._tail.put(0, u)
        self._tail.put(p.public_start - p.mask_start, shared)
        first, second = own.view(0, p.shape.n_first), own.view(p.shape.n_first, len(own))
        placed = ((0, first), (p.second_start // self._blocks, second), (last, self._tail))
        self._z = [_Stretch(at, values) for at, values in placed if len(values)]
        self._left = p.column_variables - self._log_blocks
        self._pairs: list[tuple[SumcheckTable, SumcheckTable]] = []
        try:
            for wires, blocks in charges:
                z = SumcheckTable(self._over_blocks(blocks), self._left)
                self._pairs.append((SumcheckTable(wires, self._left), z))
        except BaseException:
            self.wipe()
            raise

    def message(self) -> FrVec:
        """What the next round sends, unmasked: h(0) and the coefficient of X²."""
        total = FrVec(2)
        for m, z in self._pairs:
            some = sumcheck_product(m, z, self._threads)
            before, total = total, total + some
            wipe(before)
            wipe(some)
        return total

    def fold(self, r: int) -> None:
        """The first variable that is left becomes r."""
        for pair in self._pairs:
            for table in pair:
                table.fold(r, self._threads)
        self._point.append(r)
        self._left -= 1
        if not self._left and self._charges:
            self._bind_wires()

    def value(self) -> int:
        """M when every variable is bound."""
        ((m, _),) = self._pairs
        return m.value()

    def wipe(self) -> None:
        """Overwrite what was made of z, and let it go."""
        wipe(self._tail)
        for _, z in self._pairs:
            wipe(z.values)
        self._pairs = []

    def _over_blocks(self, weights: FrVec | int) -> FrVec:
        """Σ_b weights[b] z(w, b) for each wire w; of one block's number, z in that block."""
        out = FrVec(self._wires)
        for first, values in self._z:
            if self._blocks == 1:
                out.put(first, values)
                continue
            if isinstance(weights, int):
                some = rows_columns(values, self._blocks, np.array([weights]))
            else:
                some = rows_dot(values, weights, self._threads)
            out.put(first, some)
            wipe(some)
        return out

    def _over_wires(self) -> FrVec:
        """Σ_w eq(point)[w] z(w, b) for each block b."""
        weights, out = eq_table(FrVec.from_ints(self._point), self._wires), FrVec(self._blocks)
        for first, values in self._z:
            count = len(values) // self._blocks
            some = rows_sum(values, self._blocks, weights.slice(first, first + count), self._threads)
            before, out = out, out + some
            wipe(before)
            wipe(some)
        return out

    def _bind_wires(self) -> None:
        """All wires are bound: go on with M and z over blocks."""
        m = FrVec(self._blocks)
        for (wires, _), (_, blocks) in zip(self._pairs, self._charges, strict=True):
            factor = wires.value()
            if isinstance(blocks, int):
                m.put(blocks, FrVec.from_ints([m[blocks] + factor]))
            else:
                m = m + blocks.scale(factor)
        z = self._pairs[0][1].values.slice(0, 1) if self._blocks == 1 else self._over_wires()
        for _, table in self._pairs:
            wipe(table.values)
        self._pairs = [(SumcheckTable(m, self._log_blocks), SumcheckTable(z, self._log_blocks))]
        self._left, self._charges, self._z = self._log_blocks, (), []
