"""System: a circuit laid out for proving and verifying, once per circuit, standing once or in many equal blocks.

The vector z is the secret wires, wire by wire and within a wire block by block: those of a first phase, if the circuit
has tables, zeros up to a whole number of rows, the others; three mask wires; zeros up to a whole number of rows; and
behind them the constant and the public inputs, which all blocks share. Rows are in the same order.
So each matrix is a sum of small ones, each times a matrix over pairs of blocks (the identity, or a link), and its value
at a point costs one block. Three more rows, true of any mask wires, make the values of A z, B z and C z at a random
point uniform: (u_1)·0 = 0, 0·(u_2) = 0 and (u_3)·1 = u_3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zkstate.constraint.block_circuit import LAST, BlockCircuit, Known
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.r1cs import U32, R1cs, SparseMatrix
from zkstate.errors import LengthError, WitnessError
from zkstate.kernels import FrVec, eq_table, sparse_blocks_product, sparse_product, wipe
from zkstate.proof import r1cs_file
from zkstate.proof.transparent import lookups
from zkstate.proof.transparent.block_digest import block_digest
from zkstate.proof.transparent.links import Links, Tree, equality, indexed
from zkstate.proof.transparent.lookups import Coefficients
from zkstate.proof.transparent.parameters import MASK_ROWS, MASK_WIRES, Parameters, Shape, parameters_for


@dataclass(frozen=True, eq=False)
class System:
    """The matrices A, B and C of one block, one below the other.

    Shapes: `matrix` has 3 n_constraints rows; its columns are the secret wires, what `links` adds, the constant and the
    public inputs. `digest` names the circuit. `block` is the circuit of many blocks, None for an R1CS.
    """

    parameters: Parameters
    digest: bytes
    matrix: SparseMatrix
    coefficients: Coefficients
    links: Links
    block: BlockCircuit | None

    @classmethod
    def of(cls, circuit: R1cs | BlockCircuit, log_blocks: int = 0) -> System:
        """Lay out a circuit, 2^log_blocks times over. LengthError beyond the limits of Shape."""
        if isinstance(circuit, BlockCircuit):
            circuit.require_blocks(1 << log_blocks if log_blocks >= 0 else 0)
            return cls._of_blocks(circuit, log_blocks)
        shape = Shape(circuit.n_constraints, circuit.n_wires, circuit.n_public, log_blocks)
        width = circuit.n_wires
        own = width - 1 - circuit.n_public
        at = np.concatenate([np.arange(own, width), np.arange(own)]).astype(np.uint32)
        matrix, coefficients = lookups.with_rows(_renamed(circuit, at, width), [], width)
        return cls(parameters_for(shape), r1cs_file.digest(circuit), matrix, coefficients, Links(), None)

    @classmethod
    def _of_blocks(cls, block: BlockCircuit, log_blocks: int) -> System:
        r1cs, own = block.circuit.r1cs, block.own.tolist()
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
        at = np.zeros(r1cs.n_wires, dtype=np.uint32)
        at[: 1 + r1cs.n_public] = np.arange(constant, width)
        at[own] = np.arange(len(own))
        at[[link.port for link in block.previous]] = first_port + np.arange(len(block.previous))
        sides = [port for link in block.children for port in (link.left, link.right)]
        at[sides] = first_port + len(previous) + np.arange(len(sides))
        at[[item.wire for item in block.known]] = first_port + links.n_ports + np.arange(len(block.known))
        rows = []
        if second:
            columns = lookups.Columns(at, len(own), first_port + len(block.previous), constant - 1, constant)
            rows = lookups.second_phase(block, columns)
        matrix, coefficients = lookups.with_rows(_renamed(r1cs, at, width), rows, width)
        n_wires = 1 + r1cs.n_public + first_port
        first_phase = len(own) if second else 0
        shape = Shape(r1cs.n_constraints + len(rows), n_wires, r1cs.n_public, log_blocks, first_phase)
        return cls(parameters_for(shape), block_digest(block), matrix, coefficients, links, block)

    @property
    def rows(self) -> int:
        """Rows of one of the three matrices, all blocks and the mask rows."""
        return self.parameters.shape.n_rows + MASK_ROWS

    @cached_property
    def transposed(self) -> tuple[SparseMatrix, SparseMatrix]:
        """The columns as rows: those of a block, and those that all blocks share."""
        whole = self.matrix.transposed()
        first = self._own + self.links.width
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

    def witness_of(self, witnesses: Sequence[FrVec]) -> BlockWitness:
        """One witness a block, of all wires, as a BlockWitness, which is the caller's to wipe.

        Errors: LengthError; WitnessError for a constant that is not 1, or a block with other public inputs.
        """
        shape = self.parameters.shape
        if self.block is not None:
            raise LengthError("witnesses block by block for a circuit whose blocks read each other")
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
        return BlockWitness(self._by_wire(witnesses), shared.slice(1, len(shared)), (), shape.blocks)

    def every_column(self, own: FrVec, columns: Sequence[FrVec]) -> FrVec:
        """What rows read of a block, in all blocks: own wires, what ports read, known values."""
        blocks = self.parameters.shape.blocks
        ports = self.links.gathered(own, blocks)
        try:
            return FrVec.concat([own, *ports, *self.links.known_values(columns, blocks)])
        finally:
            for values in ports:
                wipe(values)

    def second_wires(self, pool: FrVec, first: FrVec, shared: FrVec, columns: Sequence[FrVec], threads: int) -> FrVec:
        """The wires of the second phase, from those of the first."""
        shape = self.parameters.shape
        assert self.block is not None
        own = FrVec.concat([first, FrVec(shape.n_secret - len(first))])
        every = self.every_column(own, columns)
        try:
            return lookups.second_wires(self.block, self.matrix, pool, every, shared, shape.blocks, threads)
        finally:
            wipe(own)
            wipe(every)

    def products(self, pool: FrVec, every: FrVec, u: FrVec, shared: FrVec, threads: int = 0) -> list[FrVec]:
        """A z, B z and C z, from every column of all blocks, the mask wires and the shared ones."""
        shape = self.parameters.shape
        found = sparse_blocks_product(self.matrix, pool, every, shared, shape.blocks, threads)
        u_1, u_2, u_3 = (u.slice(i, i + 1) for i in range(MASK_WIRES))
        zero, one = FrVec(1), FrVec.ones(1)
        parts = [found.slice(i * shape.n_rows, (i + 1) * shape.n_rows) for i in range(3)]
        masks = ((u_1, zero, u_3), (zero, u_2, one), (zero, zero, u_3))
        try:
            return [FrVec.concat([part, *mask]) for part, mask in zip(parts, masks, strict=True)]
        finally:
            for values in (u_1, u_2, u_3, found, *parts):
                wipe(values)

    def columns_at(
        self,
        pool: FrVec,
        row_point: Sequence[int],
        weights: Sequence[int],
        columns: Sequence[FrVec],
        threads: int = 0,
    ) -> FrVec:
        """M: for each place the sum of its column of r_a A + r_b B + r_c C, weighted by eq(row_point)."""
        shape = self.parameters.shape
        at_rows = eq_table(FrVec.from_ints(row_point), self.rows)
        each = at_rows.slice(0, shape.n_rows)
        whole = self._rows_at(row_point)  # the sum over blocks
        own, shared = self.transposed
        every = FrVec.concat([each.scale(weight) for weight in weights])
        found = sparse_blocks_product(own, pool, every, FrVec(0), shape.blocks, threads)
        ports = shape.n_secret, shape.n_secret + self.links.n_ports * shape.blocks
        secret = self.links.given_back(found.slice(0, ports[0]), found.slice(*ports), shape.blocks)
        public = sparse_product(shared, pool, FrVec.concat([whole.scale(w) for w in weights]), threads)
        m_1, m_2, m_3 = at_rows.slice(shape.n_rows, self.rows).to_ints()
        a, b, c = weights
        masks = FrVec.from_ints([a * m_1, b * m_2, (a + c) * m_3])
        known = found.slice(ports[1], len(found)).dot(
            FrVec.concat([FrVec(0), *self.links.known_values(columns, shape.blocks)])
        )
        constant = FrVec.from_ints([public[0] + b * m_3 + known])
        return FrVec.concat([self.placed(secret, masks), constant, public.slice(1, len(public))])

    def placed(self, secret: FrVec, masks: FrVec) -> FrVec:
        """Values of the secret wires and the mask wires at their places, zeros between: all committed rows."""
        p, shape = self.parameters, self.parameters.shape
        cut = shape.first_phase << shape.log_blocks
        first, second = secret.slice(0, cut), secret.slice(cut, len(secret))
        gaps = p.second_start - cut, p.public_start - p.second_start - len(second) - len(masks)
        try:
            return FrVec.concat([first, FrVec(gaps[0]), second, masks, FrVec(gaps[1])])
        finally:
            wipe(first)
            wipe(second)

    def values_at(
        self,
        pool: FrVec,
        row_point: Sequence[int],
        column_point: Sequence[int],
        columns: Sequence[FrVec],
        threads: int = 0,
    ) -> list[int]:
        """The multilinear extensions of A, B and C at a point: one block's work."""
        p, shape, k = self.parameters, self.parameters.shape, self.parameters.shape.log_blocks
        x, y = row_point[len(row_point) - k :], column_point[len(column_point) - k :]
        start, n_second = p.second_start >> k, self._own - shape.first_phase
        places = eq_table(FrVec.from_ints(column_point[: len(column_point) - k]), max(1, start + n_second))
        own = FrVec.concat([places.slice(0, shape.first_phase), places.slice(start, start + n_second)])
        shared = self.shared_at(column_point)
        known = self.links.known_at(columns, x).scale(shared[0])
        seen = FrVec.concat([own.scale(equality(x, y)), self.links.ports_at(own, x, y), known, shared])
        found = sparse_product(self.matrix, pool, seen, threads)
        whole, n = self._rows_at(row_point), shape.n_constraints
        a, b, c = (whole.dot(found.slice(i * n, (i + 1) * n)) for i in range(3))
        m_1, m_2, m_3 = (indexed(row_point, shape.n_rows + i) for i in range(MASK_ROWS))
        u_1, u_2, u_3 = (indexed(column_point, p.mask_start + i) for i in range(MASK_WIRES))
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


def _renamed(r1cs: R1cs, column: U32, width: int) -> list[SparseMatrix]:
    """A, B and C over columns of a block instead of wires."""
    return [SparseMatrix(m.row_ptr, column[m.wire], m.coefficient, m.pool, width) for m in (r1cs.a, r1cs.b, r1cs.c)]
