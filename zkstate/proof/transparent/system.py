"""System: a circuit laid out for proving and verifying, once per circuit, standing once or in many equal blocks.

The vector z is the committed wires, wire by wire and within a wire block by block: those of a first phase, if the
circuit has tables, zeros up to a whole number of rows, the others; five mask wires; zeros up to a whole number of rows;
and behind them the constant and the public inputs, which all blocks share. Rows are in the same order.
So each matrix is a sum of small ones, each times a matrix over pairs of blocks (the identity, or a link), and its value
at a point costs one block. Fifth powers (powers.py) have matrices D and E of their own: (D z)^5 = E z. Three more rows
and one more power, true of the mask wires, make the values at a random point uniform: (u_1)·0 = 0, 0·(u_2) = 0,
(u_3)·1 = u_3 and u_4^5 = u_5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from zkstate.constraint.block_circuit import LAST, BlockCircuit, Known
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.errors import CircuitError, LengthError, WitnessError
from zkstate.kernels import (
    FrVec,
    eq_table,
    joined_slots,
    rows_columns,
    slots_taken,
    sparse_blocks_product,
    sparse_product,
    wipe,
)
from zkstate.proof import r1cs_file
from zkstate.proof.transparent import lookups
from zkstate.proof.transparent.block_digest import block_digest
from zkstate.proof.transparent.links import Charges, Links, Tree, equality, indexed
from zkstate.proof.transparent.lookups import SIDES, Coefficients
from zkstate.proof.transparent.parameters import (
    MASK_POWERS,
    MASK_ROWS,
    MASK_WIRES,
    Parameters,
    Shape,
    parameters_for,
)
from zkstate.proof.transparent.powers import Numbers, matrices_of, powers_and_wires

DROPPED = np.iinfo(np.uint32).max  # the column of a wire that is in none: a matrix that reads it is refused


@dataclass(frozen=True, eq=False)
class System:
    """The matrices A, B and C of one block, then D and E, one below the other.

    Shapes: `matrix` has 3 products + 2 powers rows; its columns are the committed wires, what `links` adds, the
    constant and the public inputs. `digest` names the circuit. `block` is the circuit of many blocks, None for an R1CS.
    `kept` are the committed wires, by their place among a block's own ones; of a first phase, if there are two.
    `numbers` are the rows of the circuit, one for each product, then the last row of each power.
    """

    parameters: Parameters
    digest: bytes
    matrix: SparseMatrix
    coefficients: Coefficients
    links: Links
    block: BlockCircuit | None
    kept: Numbers
    numbers: Numbers

    def __post_init__(self) -> None:
        if bool(self.coefficients.symbols) != (self.parameters.shape.phases == 2):
            raise CircuitError("tables in a block without a wire of its own: no commitment draws their challenges")

    @classmethod
    def of(cls, circuit: R1cs | BlockCircuit, log_blocks: int = 0) -> System:
        """Lay out a circuit, 2^log_blocks times over.

        Errors: LengthError beyond the limits of Shape; CircuitError for tables in a block without a wire of its own,
        or with tuples of several lengths, of which one could stand for another with zeros behind it.
        """
        if isinstance(circuit, BlockCircuit):
            circuit.require_count(1 << log_blocks if log_blocks >= 0 else 0)
            return cls._of_blocks(circuit, log_blocks)
        whole = Shape(circuit.n_constraints, circuit.n_wires, circuit.n_public, log_blocks)
        secret = np.arange(circuit.n_wires) > circuit.n_public
        powers, wires = powers_and_wires(circuit, secret, secret)
        shape = replace(whole, powers=len(powers))
        width = len(wires) + 1 + circuit.n_public
        at = np.full(circuit.n_wires, DROPPED, dtype=np.uint32)
        at[: 1 + circuit.n_public] = np.arange(len(wires), width)
        at[wires] = np.arange(len(wires))
        matrix, coefficients = lookups.with_rows(matrices_of(circuit, powers, at, width), [], width)
        kept, numbers = wires - 1 - circuit.n_public, powers.numbers(circuit.n_constraints)
        digest = r1cs_file.digest(circuit)
        return cls(parameters_for(shape), digest, matrix, coefficients, Links(), None, kept, numbers)

    @classmethod
    def _of_blocks(cls, block: BlockCircuit, log_blocks: int) -> System:
        r1cs = block.circuit.r1cs
        lengths = {(use.table, use.size) for use in block.uses}
        if len(lengths) != len({table for table, _ in lengths}):
            raise CircuitError(f"tables and lengths of their tuples {sorted(lengths)}: wanted one length a table")
        is_own = np.zeros(r1cs.n_wires, dtype=bool)
        is_own[block.own] = True
        free = is_own.copy()
        free[[link.source for link in block.previous]] = False
        free[[wire for link in block.children for wire in (link.node, link.leaf)]] = False
        free[block.readings.wire] = False
        powers, wires = powers_and_wires(r1cs, is_own, free)
        own = wires.tolist()
        place = {wire: i for i, wire in enumerate(own)}
        previous = [place[link.source] for link in block.previous]
        known = list(block.known)
        second = len(block.uses) + 1 if block.uses else 0
        if second:
            previous.append(len(own) + second - 1)
            known.append(Known(0, LAST, 0))
        trees = tuple(Tree(place[link.node], place[link.leaf]) for link in block.children)
        links = Links(tuple(previous), trees, tuple(known))
        first_port = len(own) + second
        constant = first_port + links.width
        width = constant + 1 + r1cs.n_public
        at = np.full(r1cs.n_wires, DROPPED, dtype=np.uint32)
        at[: 1 + r1cs.n_public] = np.arange(constant, width)
        at[wires] = np.arange(len(own))
        at[[link.port for link in block.previous]] = first_port + np.arange(len(block.previous))
        sides = [port for link in block.children for port in (link.left, link.right)]
        at[sides] = first_port + len(previous) + np.arange(len(sides))
        at[[item.wire for item in block.known]] = first_port + links.n_ports + np.arange(len(block.known))
        rows = []
        if second:
            columns = lookups.Columns(at, len(own), first_port + len(block.previous), constant - 1, constant)
            rows = lookups.second_phase(block, columns)
        matrix, coefficients = lookups.with_rows(matrices_of(r1cs, powers, at, width), rows, width)
        n_wires = 1 + r1cs.n_public + first_port + 2 * len(powers)
        first_phase = len(own) if second else 0
        n_rows = r1cs.n_constraints + len(rows)
        shape = Shape(n_rows, n_wires, r1cs.n_public, log_blocks, first_phase, len(powers))
        kept = np.searchsorted(block.own, wires)
        digest, numbers = block_digest(block), powers.numbers(n_rows)
        return cls(parameters_for(shape), digest, matrix, coefficients, links, block, kept, numbers)

    @property
    def rows(self) -> int:
        """Rows of A, B and C each, all blocks and the mask rows."""
        return self.parameters.shape.n_rows + MASK_ROWS

    @property
    def powers(self) -> int:
        """Rows of D and E each, all blocks and the mask row."""
        return self.parameters.shape.n_powers + MASK_POWERS

    @cached_property
    def transposed(self) -> SparseMatrix:
        """The columns as rows."""
        return self.matrix.transposed()

    def row_label(self, row: int) -> str:
        """What a row of a block circuit is about, in brackets; nothing for an R1CS."""
        if self.block is None:
            return ""
        circuit = self.block.circuit
        return f" ({circuit.label(row) if row < circuit.r1cs.n_constraints else 'the tables add up'})"

    def checked_columns(self, columns: Mapping[str, Sequence[int]]) -> tuple[FrVec, ...]:
        """The public columns of the blocks, in order. Errors: as `BlockCircuit.checked_columns`."""
        if self.block is not None:
            return self.block.checked_columns(columns, self.parameters.shape.blocks)
        if columns:
            raise LengthError(f"{len(columns)} public columns for a circuit without any")
        return ()

    def witness_of(self, witnesses: Iterable[FrVec]) -> tuple[FrVec, FrVec]:
        """Of one witness a block, of all wires, what is committed, which is the caller's to wipe, and what is public.

        Witnesses are taken one after another, and each is let go once it is copied.
        Errors: LengthError; WitnessError for a constant that is not 1, or a block with other public inputs.
        """
        shape = self.parameters.shape
        if self.block is not None:
            raise LengthError("witnesses block by block for a circuit whose blocks read each other")
        public, count = FrVec(0), 0

        def checked() -> Iterator[FrVec]:
            nonlocal public, count
            for block, witness in enumerate(witnesses):
                count += 1
                if count > shape.blocks:
                    break
                if len(witness) != shape.n_wires:
                    raise LengthError(f"a witness of {len(witness)} values, the circuit has {shape.n_wires} wires")
                if witness[0] != 1:
                    raise WitnessError("wire 0 of the witness is not the constant 1")
                found = witness.slice(1, 1 + shape.n_public)
                if not block:
                    public = found
                elif found != public:
                    raise WitnessError(f"block {block} has other public inputs than block 0")
                own = witness.view(1 + shape.n_public, shape.n_wires)
                if len(own) == len(self.kept):
                    yield own
                    continue
                kept = slots_taken(own, 1, self.kept)
                try:
                    yield kept
                finally:
                    wipe(kept)
            if count != shape.blocks:
                raise LengthError(f"{count} witnesses for {shape.blocks} blocks")

        return joined_slots(checked(), self._own, shape.blocks), public

    def every_column(self, witness: BlockWitness) -> FrVec:
        """Room for committed wires, what ports read and known values, in all blocks; wires of the witness are set.

        Errors: LengthError for a witness of other wires or blocks.
        """
        shape = self.parameters.shape
        if self.block is None:
            raise LengthError("a witness of blocks for a circuit that has no block of its own")
        counts = (len(witness.own), len(witness.public), witness.blocks)
        wanted = (len(self.block.own) << shape.log_blocks, shape.n_public, shape.blocks)
        if counts != wanted:
            raise LengthError(f"a witness of {counts} own and public values and blocks, the circuit has {wanted}")
        every = FrVec(shape.n_secret + self.links.width * shape.blocks)
        taken = every.view(0, len(self.kept) << shape.log_blocks)
        slots_taken(witness.own, shape.blocks, self.kept, out=taken)
        return every

    def set_links(self, every: FrVec, columns: Sequence[FrVec]) -> None:
        """Set what ports read of the own wires, and the known values."""
        shape = self.parameters.shape
        at = shape.n_secret
        for values in self.links.gathered(every.view(0, at), shape.blocks):
            every.put(at, values)
            wipe(values)
            at += shape.blocks
        for values in self.links.known_values(columns, shape.blocks):
            every.put(at, values)
            at += shape.blocks

    def second_wires(self, pool: FrVec, every: FrVec, shared: FrVec, threads: int) -> FrVec:
        """The wires of the second phase, from all other columns."""
        assert self.block is not None
        blocks = self.parameters.shape.blocks
        return lookups.second_wires(self.block, self.parts[:SIDES], pool, every, shared, blocks, threads)

    @cached_property
    def parts(self) -> tuple[SparseMatrix, ...]:
        """A, B, C, D and E."""
        shape = self.parameters.shape
        ends = np.cumsum([0, *[shape.products] * SIDES, shape.powers, shape.powers]).tolist()
        return tuple(self.matrix.between(begin, end) for begin, end in pairwise(ends))

    def products(self, pool: FrVec, every: FrVec, u: FrVec, shared: FrVec, threads: int = 0) -> list[FrVec]:
        """A z, B z, C z, D z and E z, from every column of all blocks, the mask wires and the shared ones."""
        found = [FrVec.uninitialised(rows) for rows in (*[self.rows] * SIDES, self.powers, self.powers)]
        self.some_products(pool, every, u, shared, 0, found, threads)
        return found

    def some_products(
        self,
        pool: FrVec,
        every: FrVec,
        u: FrVec,
        shared: FrVec,
        first: int,
        rooms: Sequence[FrVec],
        threads: int = 0,
    ) -> None:
        """Rows of A z, B z, C z, D z and E z from `first` on, a multiple of the number of blocks; then zeros."""
        shape = self.parameters.shape
        u_1, u_2, u_3, u_4, u_5 = (u.view(i, i + 1) for i in range(MASK_WIRES))
        zero, one = FrVec(1), FrVec.ones(1)
        masks = ((u_1, zero, u_3), (zero, u_2, one), (zero, zero, u_3), (u_4,), (u_5,))
        for matrix, mask, room in zip(self.parts, masks, rooms, strict=True):
            last = first + len(room)
            begin, end = (min(row >> shape.log_blocks, matrix.n_rows) for row in (first, last))
            some = matrix if end - begin == matrix.n_rows else matrix.between(begin, end)
            out = room.view(0, (end - begin) << shape.log_blocks)
            sparse_blocks_product(some, pool, every, shared, shape.blocks, threads, out=out)
            wipe(room.view(len(out), len(room)))
            for row, value in enumerate(mask, matrix.n_rows << shape.log_blocks):
                if first <= row < last:
                    room.put(row - first, value)

    def charges(
        self,
        pool: FrVec,
        row_point: Sequence[int],
        weights: Sequence[int],
        columns: Sequence[FrVec],
        threads: int = 0,
    ) -> list[Charges]:
        """M as a sum of products: for each place its column of the matrices, weighted by `weights` and eq(row_point).

        Of a block's column that is the sum over a block's rows, times eq of its number: the first product. Then come
        those of links, and one for each block that has a mask wire's place or a shared one's.
        """
        p, shape = self.parameters, self.parameters.shape
        x = row_point[len(row_point) - shape.log_blocks :]
        eq = eq_table(FrVec.from_ints(x), shape.blocks)
        at_rows = [self._rows_at(row_point, count) for count in self._heights]
        scaled = FrVec.concat([rows.scale(w) for rows, w in zip(at_rows, weights, strict=True)])
        charged = sparse_product(self.transposed, pool, scaled, threads)
        first, ports, constant = self._own, self._own + self.links.n_ports, self._own + self.links.width

        wires, start = -(-p.places // shape.blocks), p.second_start // shape.blocks
        found = [Charges(FrVec(wires), eq)]
        found[0].wires.put(0, charged.slice(0, shape.first_phase))
        found[0].wires.put(start, charged.slice(shape.first_phase, first))
        for sums, over in self.links.charges(charged.slice(first, ports), eq):
            found.append(Charges(FrVec(wires), over))
            for wire, value in sums.items():
                at = wire if wire < shape.first_phase else start + wire - shape.first_phase
                found[-1].wires.put(at, FrVec.from_ints([value]))

        m_1, m_2, m_3, m_4 = self._mask_rows_at(row_point)
        a, b, c, d, e = weights
        known = charged.slice(ports, constant).dot(self.links.known_at(columns, x))
        last = p.mask_start // shape.blocks
        single = FrVec((wires - last) * shape.blocks)  # from the mask wires on
        single.put(0, FrVec.from_ints([a * m_1, b * m_2, (a + c) * m_3, d * m_4, e * m_4]))
        single.put(p.public_start - p.mask_start, charged.slice(constant, len(charged)))
        single.put(p.public_start - p.mask_start, FrVec.from_ints([charged[constant] + b * m_3 + known]))
        if shape.blocks == 1:
            found[0].wires.put(last, single)
            return found
        places = [*range(MASK_WIRES), *range(p.public_start - p.mask_start, p.places - p.mask_start)]
        for block in sorted({place % shape.blocks for place in places}):
            found.append(Charges(FrVec(wires), block))
            found[-1].wires.put(last, rows_columns(single, shape.blocks, np.array([block])))
        return found

    def values_at(
        self,
        pool: FrVec,
        row_point: Sequence[int],
        column_point: Sequence[int],
        columns: Sequence[FrVec],
        threads: int = 0,
    ) -> list[int]:
        """The multilinear extensions of A, B, C, D and E at a point: one block's work."""
        p, shape, k = self.parameters, self.parameters.shape, self.parameters.shape.log_blocks
        x, y = row_point[len(row_point) - k :], column_point[len(column_point) - k :]
        start, n_second = p.second_start >> k, self._own - shape.first_phase
        places = eq_table(FrVec.from_ints(column_point[: len(column_point) - k]), max(1, start + n_second))
        own = FrVec.concat([places.slice(0, shape.first_phase), places.slice(start, start + n_second)])
        shared = self.shared_at(column_point)
        known = self.links.known_at(columns, x).scale(shared[0])
        seen = FrVec.concat([own.scale(equality(x, y)), self.links.ports_at(own, x, y), known, shared])
        found = sparse_product(self.matrix, pool, seen, threads)
        values, at = [], 0
        for count in self._heights:
            values.append(self._rows_at(row_point, count).dot(found.slice(at, at + count)))
            at += count
        m_1, m_2, m_3, m_4 = self._mask_rows_at(row_point)
        u_1, u_2, u_3, u_4, u_5 = (indexed(column_point, p.mask_start + i) for i in range(MASK_WIRES))
        masks = (m_1 * u_1 + m_3 * u_3, m_2 * u_2 + m_3 * shared[0], m_3 * u_3, m_4 * u_4, m_4 * u_5)
        return [value + mask for value, mask in zip(values, masks, strict=True)]

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
        """Committed wires of one block."""
        return self.parameters.shape.committed

    @property
    def _heights(self) -> tuple[int, ...]:
        """Rows of one block in each matrix."""
        shape = self.parameters.shape
        return (*[shape.products] * SIDES, shape.powers, shape.powers)

    def _rows_at(self, row_point: Sequence[int], count: int) -> FrVec:
        """eq of the bits that number `count` rows within a block: the sum of eq(row_point) over blocks."""
        k = self.parameters.shape.log_blocks
        return eq_table(FrVec.from_ints(row_point[: len(row_point) - k]), max(1, count)).slice(0, count)

    def _mask_rows_at(self, row_point: Sequence[int]) -> list[int]:
        """eq(row_point) at the three mask rows and at the mask power."""
        shape = self.parameters.shape
        places = (*(shape.n_rows + i for i in range(MASK_ROWS)), shape.n_powers)
        return [indexed(row_point, place) for place in places]
