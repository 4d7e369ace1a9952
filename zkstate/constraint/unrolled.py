"""All blocks of a block circuit as one R1CS in two phases: what tables show takes challenges drawn behind the first.

Wires: the constant; the block's public inputs; `point`, `mix`, `at` and `known`, public too; then those of the first
phase, to which a proof commits before the challenges are drawn: known wires, item by item, and own wires, wire by wire,
each block by block. Behind them the second phase:

    powers      mix^2, mix^3, .. up to mix^m, m the most values of a tuple
    products    mix^i value_i for the values of each tuple but the first, in each block, unless value_i is a constant
    fractions   weight / (point − Σ mix^i value_i − mix^m table) for each use in each block. They add up to 0, those of
                what is provided taken away (Haboeck 2022, eprint 2022/1530)
    sums        s_j = k_j + at s_(j+1) of the known values k, from the last one to the second; the first is `known`

A verifier who knows the known values computes `known` from them at a point that nobody knew when they were committed
to, so no proof carries them. Blocks that read a tree are not unrolled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zkstate.constraint.block_circuit import BlockCircuit, Use
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.r1cs import R1cs, SparseMatrix, pooled
from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS, FrVec, running_sums, sparse_product, wipe

CHALLENGES = ("point", "mix", "at")
PUBLICS = len(CHALLENGES) + 1  # beside the block's own: these, and what the known values come to

Terms = dict[int, int]  # coefficients by wire, of one side of a row
Row = tuple[Terms, Terms, Terms]
I64 = npt.NDArray[np.int64]
Entries = tuple[I64, I64, I64]  # of one side: where rows begin, wires, coefficients as places in a pool


class Unrolled:
    """The circuit. The first phase is the `n_committed` wires from `first` on."""

    def __init__(self, block: BlockCircuit, blocks: int) -> None:
        """CircuitError for blocks that read a tree, LengthError for a number of blocks that is none."""
        if block.children:
            raise CircuitError(f"{block.circuit.title}: blocks that read a tree are not unrolled")
        block.require_count(blocks)
        self.block, self.blocks = block, blocks
        inner = block.circuit.r1cs.n_public
        self.n_public = inner + PUBLICS
        self.point, self.mix, self.at, self.known = range(inner + 1, inner + 1 + PUBLICS)
        self.first = self.n_public + 1
        self.n_known = len(block.known) * blocks
        self.n_committed = self.n_known + len(block.own) * blocks
        self.most = max((use.size for use in block.uses), default=1)
        self.varying = [
            (use, i) for use in block.uses for i in range(1, use.size) if set(_reading(block, use, i)) - {0}
        ]
        self.powers = self.first + self.n_committed
        self.products = self.powers + self.most - 1
        self.fractions = self.products + len(self.varying) * blocks
        self.sums = self.fractions + len(block.uses) * blocks
        self.n_wires = self.sums + max(0, self.n_known - 2)

    def __repr__(self) -> str:
        return f"Unrolled({self.block!r}, {self.blocks} blocks)"

    @property
    def n_constraints(self) -> int:
        """How many rows `r1cs` has."""
        each = self.block.circuit.r1cs.n_constraints + len(self.varying) + len(self.block.uses)
        return each * self.blocks + self.most - 1 + bool(self.block.uses) + max(self.n_known - 1, min(self.n_known, 1))

    @cached_property
    def r1cs(self) -> R1cs:
        """The rows of all blocks, row by row and each block by block; those of powers, of all fractions, of sums."""
        inner, parts, pools = self.block.circuit.r1cs, [], [self.block.circuit.r1cs.a.pool]
        spread, flat = _Spread(self), self._flat_rows()
        second, sums = self._second_rows(spread), self._sum_rows(pools)
        for side, matrix in enumerate((inner.a, inner.b, inner.c)):
            rows = matrix.row_ptr.astype(np.int64), matrix.wire.astype(np.int64), matrix.coefficient.astype(np.int64)
            above = _compressed([row[side] for row in second], pools)
            below = _compressed([row[side] for row in flat], pools)
            parts.append(_stacked(_stacked(spread.all_blocks(_stacked(rows, above)), below), sums[side]))
        pool, renamed = pooled(FrVec.concat(pools))
        a, b, c = (
            SparseMatrix(ptr.astype(np.uint64), wire.astype(np.uint32), renamed[at], pool, self.n_wires)
            for ptr, wire, at in parts
        )
        return R1cs(self.n_wires, self.n_public, a, b, c)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the rows and of how many wires are committed to: what a proving key belongs to."""
        digest, matrices = hashlib.sha256(b"zkstate unrolled v1"), self.r1cs.matrices().values()
        counts = [self.n_wires, self.n_public, self.n_committed, self.n_constraints, *(m.nnz for m in matrices)]
        digest.update(np.array(counts, dtype="<u8").tobytes())
        digest.update(self.r1cs.a.pool.to_bytes())
        for m in matrices:
            for array, kind in ((m.row_ptr, "<u8"), (m.wire, "<u4"), (m.coefficient, "<u4")):
                digest.update(array.astype(kind).tobytes())
        return digest.hexdigest()

    def row_title(self, row: int) -> str:
        """A row in words."""
        number, block = divmod(row, self.blocks)
        inner = self.block.circuit
        if number < inner.r1cs.n_constraints:
            return f"{inner.label(number)}, in block {block},"
        second = [*(use for use, _ in self.varying), *self.block.uses]
        number -= inner.r1cs.n_constraints
        if number < len(second):
            return f"row {row}, of a tuple of table {self.block.tables[second[number].table]} in block {block},"
        flat = row - (inner.r1cs.n_constraints + len(second)) * self.blocks
        if flat < self.most - 1:
            return f"row {row}, of a power of a challenge,"
        if self.block.uses and flat == self.most - 1:
            return f"row {row}, by which what is looked up in all tables is what is provided,"
        return f"row {row}, of what the known values come to,"

    def known_values(self, columns: Sequence[FrVec]) -> FrVec:
        """The known values of all blocks, item by item."""
        return FrVec.concat([FrVec(0), *self.block.known_values(columns, self.blocks)])

    def committed(self, witness: BlockWitness) -> FrVec:
        """The first phase of a witness; secret."""
        return FrVec.concat([self.known_values(witness.columns), witness.own])

    def public_inputs(self, public: FrVec, known: FrVec, challenges: Sequence[int]) -> list[int]:
        """All public inputs: the block's own, the challenges, and what `known_values` come to."""
        return [*public.to_ints(), *challenges, known.evaluate(challenges[CHALLENGES.index("at")])]

    def complete(self, public: FrVec, committed: FrVec, challenges: Sequence[int], threads: int = 0) -> FrVec:
        """Every wire, from those of the first phase; secret. InputError, once in 2^200 proofs, for a denominator 0."""
        _, mix, at = challenges
        known = committed.slice(0, self.n_known)
        values = FrVec(self.n_wires)
        values.put(0, FrVec.ones(1))
        values.put(1, FrVec.from_ints(self.public_inputs(public, known, challenges)))
        values.put(self.powers, FrVec.ones(self.most - 1).scale_powers(mix, mix * mix % FR_MODULUS))
        if self.n_known > 2:
            values.put(self.sums, _tails(known, at))
        values.put(self.first, committed)
        try:
            self._complete_products(values, mix, threads)
            self._complete_fractions(values, threads)
        except BaseException:
            wipe(values)
            raise
        return values

    def _complete_products(self, values: FrVec, mix: int, threads: int) -> None:
        begin = self.block.circuit.r1cs.n_constraints * self.blocks
        hidden = [_product(self.r1cs.a, begin, begin + len(self.varying) * self.blocks, values, threads)]
        try:
            for j, (_, i) in enumerate(self.varying):
                each = hidden[0].view(j * self.blocks, (j + 1) * self.blocks)
                hidden.append(each.scale(pow(mix, i, FR_MODULUS)))
                values.put(self.products + j * self.blocks, hidden[-1])
        finally:
            for secret in hidden:
                wipe(secret)

    def _complete_fractions(self, values: FrVec, threads: int) -> None:
        begin = (self.block.circuit.r1cs.n_constraints + len(self.varying)) * self.blocks
        end = begin + len(self.block.uses) * self.blocks
        hidden: list[FrVec] = []
        try:
            hidden += (_product(m, begin, end, values, threads) for m in (self.r1cs.c, self.r1cs.b))
            weights, below = hidden
            hidden.append(below.inverse())
            hidden.append(hidden[-1] * weights)
            values.put(self.fractions, hidden[-1])
        finally:
            for secret in hidden:
                wipe(secret)

    def power(self, i: int) -> int:
        """The wire of mix^i, i from 1 to `most`."""
        return self.mix if i == 1 else self.powers + i - 2

    def _second_rows(self, spread: _Spread) -> list[Row]:
        """The rows of products, then of fractions, over the wires of a block and what `spread` puts beside them."""
        block = self.block
        products = {(use.first, i): spread.products + j for j, (use, i) in enumerate(self.varying)}
        rows: list[Row] = [
            (_reading(block, use, i), {spread.power(i): 1}, {products[use.first, i]: 1}) for use, i in self.varying
        ]
        for u, use in enumerate(block.uses):
            below = [(spread.point, 1), *((wire, -factor) for wire, factor in _reading(block, use, 0).items())]
            for i in range(1, use.size):
                product = products.get((use.first, i))
                constant = _reading(block, use, i).get(0, 0)
                below.append((spread.power(i), -constant) if product is None else (product, -1))
            below.append((spread.power(self.most), -use.table))
            rows.append(({spread.fractions + u: 1}, _sum(below), dict(block.readings.row(use.first))))
        return rows

    def _flat_rows(self) -> list[Row]:
        """The rows of powers and of what all fractions add up to, over the wires of the whole circuit."""
        rows: list[Row] = [({self.power(i): 1}, {self.mix: 1}, {self.power(i + 1): 1}) for i in range(1, self.most)]
        if self.block.uses:
            signs = ((u, -1 if use.provides else 1) for u, use in enumerate(self.block.uses))
            places = ((self.fractions + u * self.blocks + b, sign) for u, sign in signs for b in range(self.blocks))
            rows.append((dict(places), {0: 1}, {}))
        if self.n_known == 1:
            rows.append(({self.known: 1, self.first: -1}, {0: 1}, {}))
        return rows

    def _sum_rows(self, pools: list[FrVec]) -> tuple[Entries, Entries, Entries]:
        """The rows of sums of two known values or more, side by side: there are as many as known values."""
        n, one = self.n_known, sum(map(len, pools))
        pools.append(FrVec.from_ints([1, -1]))
        wires = np.arange(n) + self.sums - 1
        if n > 1:
            wires[0], wires[-1] = self.known, self.first + n - 1
        j = np.arange(n - 2, -1, -1)
        ptr, each = np.arange(len(j) + 1), np.full(len(j), one)
        here = np.stack((wires[j], self.first + j), axis=1).ravel()
        return (
            (ptr, wires[j + 1], each),
            (ptr, np.full(len(j), self.at), each),
            (2 * ptr, here, np.tile([one, one + 1], len(j))),
        )


class _Spread:
    """The wires of a block, behind them those that its second phase reads and makes: where they are in each block."""

    def __init__(self, circuit: Unrolled) -> None:
        block, blocks = circuit.block, circuit.blocks
        n = block.circuit.r1cs.n_wires
        count = 1 + circuit.most + len(circuit.varying) + len(block.uses)
        self.blocks = blocks
        self.base, self.step = np.zeros(n + count, np.int64), np.ones(n + count, np.int64)
        self.first = np.ones(n + count, bool)  # whether it is there in block 0
        inner = block.circuit.r1cs.n_public
        self.base[: inner + 1], self.step[: inner + 1] = np.arange(inner + 1), 0
        self.base[[item.wire for item in block.known]] = circuit.first + np.arange(len(block.known)) * blocks
        self.base[block.own] = circuit.first + circuit.n_known + np.arange(len(block.own)) * blocks
        for port, source in block.previous:
            self.base[port], self.first[port] = self.base[source] - 1, False
        self.point, self.powers, self.products = n, n + 1, n + 1 + circuit.most
        self.fractions = self.products + len(circuit.varying)
        self.base[n : self.products] = [circuit.point, *(circuit.power(i) for i in range(1, circuit.most + 1))]
        self.step[n : self.products] = 0
        self.base[self.products :] = circuit.products + np.arange(len(circuit.varying) + len(block.uses)) * blocks

    def power(self, i: int) -> int:
        """The wire of mix^i beside those of the block."""
        return self.powers + i - 1

    def all_blocks(self, rows: Entries) -> Entries:
        """Every row in every block, row by row."""
        ptr, wire, coefficient = rows
        lengths = np.diff(ptr)
        at = np.arange(len(wire) * self.blocks)
        length, start = (np.repeat(column, lengths * self.blocks) for column in (lengths, ptr[:-1]))
        number, entry = np.divmod(at - start * self.blocks, length)
        entry += start
        found = wire[entry]
        there = (number > 0) | self.first[found]
        counts = np.repeat(lengths, self.blocks)
        counts[:: self.blocks] -= np.bincount(
            np.repeat(np.arange(len(lengths)), lengths)[~self.first[wire]], minlength=len(lengths)
        )
        places = self.base[found] + self.step[found] * number
        return np.concatenate(([0], np.cumsum(counts))), places[there], coefficient[entry][there]


def _reading(block: BlockCircuit, use: Use, i: int) -> Terms:
    """Value i of the tuple of a use."""
    return block.readings.row(use.first + 1 + i)


def _sum(terms: Sequence[tuple[int, int]]) -> Terms:
    found: Terms = {}
    for wire, factor in terms:
        found[wire] = found.get(wire, 0) + factor
    return {wire: factor for wire, factor in found.items() if factor % FR_MODULUS}


def _compressed(rows: Sequence[Terms], pools: list[FrVec]) -> Entries:
    """One side of some rows, their coefficients put behind `pools`."""
    known = sum(map(len, pools))
    numbers: dict[int, int] = {}
    wires = [wire for row in rows for wire in row]
    places = [known + numbers.setdefault(factor % FR_MODULUS, len(numbers)) for row in rows for factor in row.values()]
    pools.append(FrVec.from_ints(numbers))
    ptr = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return ptr, np.array(wires, np.int64), np.array(places, np.int64)


def _stacked(above: Entries, below: Entries) -> Entries:
    """One side of rows and of the rows under them."""
    ptr = np.concatenate((above[0], above[0][-1] + below[0][1:]))
    return ptr, np.concatenate((above[1], below[1])), np.concatenate((above[2], below[2]))


def _product(matrix: SparseMatrix, begin: int, end: int, values: FrVec, threads: int) -> FrVec:
    some = matrix.between(begin, end)
    return sparse_product(some, some.pool, values, threads)


def _tails(values: FrVec, at: int) -> FrVec:
    """s_1 to s_(n-2) of s_j = Σ_(i >= j) values_i at^(i-j)."""
    n = len(values)
    sums = running_sums(values.scale_powers(at))
    whole = FrVec.ones(n - 2).scale(sums[n - 1])
    back = pow(at, -1, FR_MODULUS)
    return (whole - sums.slice(0, n - 2)).scale_powers(back, back)
