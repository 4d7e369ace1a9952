"""The prover of transparent proofs. What it sends, and in which order, is the verifier's file read from the other side.

Every vector of witness values or masks, and every salt, is overwritten before it is let go. Python's integers, the
state of the generator and what the C compiler spills are not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from zkstate.constraint.block_witness import BlockWitness
from zkstate.errors import LengthError, WitnessError
from zkstate.kernels import (
    DIGEST_BYTES,
    FR_MODULUS,
    FrVec,
    SumcheckTable,
    blake2b_columns,
    eq_table,
    rows_beside,
    rows_columns,
    rows_encode,
    rows_filled,
    rows_sum,
    sumcheck_product,
    sumcheck_rows,
    wipe,
    wipe_bytes,
)
from zkstate.proof.transparent.claims import MaskedClaim
from zkstate.proof.transparent.lookups import CHALLENGES
from zkstate.proof.transparent.masks import Masks, Random
from zkstate.proof.transparent.merkle import LEAF_PERSON, MerkleTree
from zkstate.proof.transparent.parameters import MASK_WIRES
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.transcript import Transcript
from zkstate.proof.transparent.verifier import PROTOCOL


class _Secrets:
    """Vectors and bytes to be overwritten when the proof is done, or has failed."""

    def __init__(self) -> None:
        self._held: list[FrVec] = []
        self._bytes: list[bytearray] = []

    def hold(self, vec: FrVec) -> FrVec:
        self._held.append(vec)
        return vec

    def hold_bytes(self, content: bytearray) -> bytearray:
        self._bytes.append(content)
        return content

    def wipe(self) -> None:
        for vec in self._held:
            wipe(vec)
        for content in self._bytes:
            wipe_bytes(content)
        self._held.clear()
        self._bytes.clear()


class _Committed(NamedTuple):
    """An encoded matrix, the salts of its columns and the tree of their hashes."""

    matrix: FrVec
    salts: bytearray
    tree: MerkleTree

    def salt(self, column: int) -> bytes:
        return bytes(self.salts[DIGEST_BYTES * column : DIGEST_BYTES * (column + 1)])


@contextmanager
def _secrets() -> Iterator[_Secrets]:
    secrets = _Secrets()
    try:
        yield secrets
    finally:
        secrets.wipe()


def prove(
    system: System, witness: FrVec | Sequence[FrVec] | BlockWitness, rng: Random = os.urandom, *, threads: int = 0
) -> Proof:
    """A proof that `witness` satisfies the circuit, which shows nothing but its public wires 1..n_public.

    For an R1CS in several blocks, one witness each, all with the same public wires; for a block circuit, what
    `solve_blocks` gives. Witnesses stay the caller's to wipe. Another `rng` than the operating system's is for tests.
    Errors: LengthError; WitnessError names the first broken row; EnvironmentFailure for a broken rng.
    """
    with _secrets() as secrets:
        if not isinstance(witness, BlockWitness):
            witness = system.witness_of([witness] if isinstance(witness, FrVec) else witness)
            secrets.hold(witness.own)
        shape = system.parameters.shape
        counts = (len(witness.own), len(witness.public), witness.blocks)
        wanted = (shape.n_first or shape.n_secret, shape.n_public, shape.blocks)
        if counts != wanted:
            raise LengthError(f"a witness of {counts} own and public values and blocks, the circuit has {wanted}")
        masks = Masks(rng, system.digest, [witness.own, witness.public, *witness.columns])
        return _Proving(system, witness, masks, secrets, threads).run()


class _Proving:
    """One proof in the making."""

    def __init__(self, system: System, witness: BlockWitness, masks: Masks, secrets: _Secrets, threads: int) -> None:
        self.system, self.parameters, self.threads = system, system.parameters, threads
        self.masks, self.hold, self.hold_bytes = masks, secrets.hold, secrets.hold_bytes
        self.own, self.columns = witness.own, witness.columns
        self.shared = FrVec.concat([FrVec.ones(1), witness.public])
        self.transcript = Transcript(PROTOCOL, system.digest, self.parameters.encode(), witness.public)
        for column in self.columns:
            self.transcript.absorb_scalars("column", column)
        self.u = self.hold(masks.take(MASK_WIRES))
        self.pool = system.matrix.pool
        self.coefficients: list[FrVec] = []
        self.committed: list[_Committed] = []
        self.messages: list[FrVec] = []
        self.pads_used = 0

    def run(self) -> Proof:
        if self.parameters.shape.phases == 2:
            self._first_phase()
        every = self.hold(self.system.every_column(self.own, self.columns))
        products = self.system.products(self.pool, every, self.u, self.shared, self.threads)
        for product in products:
            self.hold(product)
        self._check_rows(products)
        places = self.hold(self.system.placed(self.own, self.u))
        self.z = self.hold(FrVec.concat([places, self.shared]))
        self._absorb_cap("cap", *self._commit(places))
        rows_claim, at_rows = self._row_rounds(products)
        factor, claim, column_point = self._column_rounds(at_rows)
        row, pad_row = self._open(rows_claim, factor, claim, column_point)
        chosen = self.transcript.places("columns", self.parameters.queries, self.parameters.length)
        return self._opened(row, pad_row, chosen)

    def _first_phase(self) -> None:
        """Commit to all that tables speak of, draw their challenges and add the wires that these make."""
        p = self.parameters
        gap = FrVec(p.second_start - len(self.own))
        coefficients = self._coefficients(self.hold(FrVec.concat([self.own, gap])), p.first_rows, [])
        self._absorb_cap("first cap", *self._encoded(coefficients))
        self.pool = self.system.coefficients.at(self.transcript.challenges("tables", CHALLENGES))
        more = self.system.second_wires(self.pool, self.own, self.shared, self.columns, self.threads)
        self.own = self.hold(FrVec.concat([self.own, self.hold(more)]))

    def _absorb_cap(self, label: str, matrix: FrVec, salts: bytearray) -> None:
        tree = MerkleTree(blake2b_columns(LEAF_PERSON, salts, matrix, self.threads), self.threads)
        self.committed.append(_Committed(matrix, salts, tree))
        self.transcript.absorb(label, tree.cap(self.parameters.cap_height))

    def _opened(self, row: FrVec, pad_row: FrVec, chosen: list[int]) -> Proof:
        p = self.parameters
        height, at = p.cap_height, np.array(chosen)
        parts = [rows_columns(each.matrix, p.length, at) for each in self.committed]
        return Proof(
            circuit=self.system.digest,
            parameters=p,
            caps=b"".join(each.tree.cap(height) for each in self.committed),
            messages=FrVec.concat(self.messages),
            row=row,
            pad_row=pad_row,
            salts=b"".join(each.salt(i) for i in chosen for each in self.committed),
            columns=rows_beside(parts, p.queries) if len(parts) > 1 else parts[0],
            paths=b"".join(each.tree.paths(chosen, height) for each in self.committed),
        )

    def _check_rows(self, products: list[FrVec]) -> None:
        """Refuse a witness with (A z)(B z) ≠ C z in some row, naming the first."""
        a, b, c = products
        product = self.hold(a * b)
        left, right = (np.frombuffer(v.raw(), dtype="<u8").reshape(-1, 4) for v in (product, c))
        broken = np.flatnonzero((left != right).any(axis=1))
        if len(broken):
            row, block = divmod(int(broken[0]), self.parameters.shape.blocks)
            where = f"row {row} first" if self.parameters.shape.blocks == 1 else f"row {row} of block {block} first"
            where += self.system.row_label(row)
            raise WitnessError(f"the witness breaks {len(broken)} rows of the circuit, {where}")

    def _commit(self, places: FrVec) -> tuple[FrVec, bytearray]:
        """The encoded rows of the second phase or the only one, masks and pads behind them; the salts of columns."""
        p = self.parameters
        counts = (p.pads, p.pad_dimension, p.dimension, p.queries)
        self.pads, self.pad_mask, self.row_mask, tail = (self.hold(self.masks.take(count)) for count in counts)
        self.pad_coefficients = self.hold(FrVec.concat([self.pads, tail]))
        more = [[self.row_mask], [self.pad_coefficients], [self.pad_mask]]
        second = self.hold(places.slice(p.second_start, p.public_start))
        return self._encoded(self._coefficients(second, p.rows - p.first_rows, more))

    def _coefficients(self, values: FrVec, count: int, more: list[list[FrVec]]) -> FrVec:
        """So many rows of values, each with random coefficients behind them, and the rows `more`."""
        p = self.parameters
        tails = self.hold(self.masks.take(count * p.queries))
        parts = [
            [
                self.hold(values.slice(i * p.width, (i + 1) * p.width)),
                self.hold(tails.slice(i * p.queries, (i + 1) * p.queries)),
            ]
            for i in range(count)
        ]
        self.coefficients.append(self.hold(rows_filled(p.dimension, parts + more)))
        return self.coefficients[-1]

    def _encoded(self, coefficients: FrVec) -> tuple[FrVec, bytearray]:
        p = self.parameters
        matrix = self.hold(rows_encode(coefficients, p.dimension, p.length, self.threads))
        return matrix, self.hold_bytes(self.masks.take_bytes(DIGEST_BYTES * p.length))

    def _send(self, label: str, message: FrVec) -> list[int]:
        self.messages.append(message)
        self.transcript.absorb_scalars(label, message)
        return message.to_ints()

    def _send_masked(self, label: str, true: FrVec) -> list[int]:
        """Send two values, each plus the next pad."""
        at = self.pads_used
        self.pads_used += 2
        return self._send(label, self.hold(true) + self.hold(self.pads.slice(at, at + 2)))

    def _row_rounds(self, products: list[FrVec]) -> tuple[MaskedClaim, FrVec]:
        """The first sumcheck; also what the second sums against z."""
        p = self.parameters
        tau = self.transcript.challenges("tau", p.row_variables)
        a, b, c = tables = [SumcheckTable(product, p.row_variables) for product in products]
        eq = SumcheckTable(eq_table(FrVec.from_ints(tau[1:]), 1 << (p.row_variables - 1)), p.row_variables - 1)
        claim, point = MaskedClaim(0), []
        for i in range(p.row_variables):
            at_zero, leading = self._send_masked("row round", sumcheck_rows(a, b, c, eq, self.threads))
            point.append(self.transcript.challenge("row point"))
            claim.after_rows(at_zero, leading, tau[i], point[-1])
            for table in tables:
                table.fold(point[-1], self.threads)
            if eq.variables:
                eq.sum_first()
        values = FrVec.from_ints([table.value() for table in tables])
        self._send("values", values)
        weights = self.transcript.challenges("weights", 3)
        self.value = FrVec.from_ints(weights).dot(values)
        return claim, self.system.columns_at(self.pool, point, weights, self.columns, self.threads)

    def _column_rounds(self, at_rows: FrVec) -> tuple[int, MaskedClaim, list[int]]:
        """The second sumcheck: the value of the matrix at its end, the claim about z there, and where that is."""
        p = self.parameters
        columns = SumcheckTable(at_rows, p.column_variables)
        z = SumcheckTable(self.z, p.column_variables)
        claim, point = MaskedClaim(self.value), []
        for _ in range(p.column_variables):
            at_zero, leading = self._send_masked("column round", sumcheck_product(columns, z, self.threads))
            point.append(self.transcript.challenge("column point"))
            claim.after_product(at_zero, leading, point[-1])
            columns.fold(point[-1], self.threads)
            z.fold(point[-1], self.threads)
        return columns.value(), claim, point

    def _open(self, rows_claim: MaskedClaim, factor: int, claim: MaskedClaim, point: list[int]) -> tuple[FrVec, FrVec]:
        """The combined rows that show the linear relation, and on the way the claim about their masks."""
        p = self.parameters
        join = self.transcript.challenge("join")
        pad_weights = FrVec.from_ints([join * weight for weight in rows_claim.weights] + claim.weights)
        low = eq_table(FrVec.from_ints(point[-p.log_width :]), p.width)
        masked = factor * low.dot(self.hold(self.row_mask.slice(0, p.width)))
        masked += pad_weights.dot(self.hold(self.pad_mask.slice(0, p.pads)))
        self._send("mask claim", FrVec.from_ints([masked % FR_MODULUS]))
        combine = self.transcript.challenge("combine")
        high = eq_table(FrVec.from_ints(point[: -p.log_width]), p.rows).scale(combine)
        weights = FrVec.concat([high, FrVec.from_ints([1])])
        row = rows_sum(self.coefficients[-1], p.dimension, weights.slice(p.first_rows, len(weights)), self.threads)
        if p.first_rows:
            first = weights.slice(0, p.first_rows)
            row += self.hold(rows_sum(self.coefficients[0], p.dimension, first, self.threads))
        pad_row = self.hold(self.pad_coefficients.scale(combine)) + self.pad_mask
        self.transcript.absorb_scalars("row", row)
        self.transcript.absorb_scalars("pad row", pad_row)
        return row, pad_row
