"""The prover of transparent proofs. What it sends, and in which order, is the verifier's file read from the other side.

Every vector of witness values or masks, and every salt, is overwritten before it is let go. Python's integers, the
state of the generator and what the C compiler spills are not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from zkstate.constraint.block_witness import BlockWitness
from zkstate.errors import WitnessError
from zkstate.kernels import (
    FR_MODULUS,
    FrVec,
    eq_table,
    rows_beside,
    wipe,
)
from zkstate.proof.transparent.claims import MaskedClaim
from zkstate.proof.transparent.column_tables import ColumnTables
from zkstate.proof.transparent.committed import Committed
from zkstate.proof.transparent.lookups import CHALLENGES
from zkstate.proof.transparent.masks import Masks, Random, mask_wires
from zkstate.proof.transparent.parameters import VALUES
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.row_tables import RowTables
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.transcript import Transcript
from zkstate.proof.transparent.verifier import PROTOCOL, of_matrices

Held = TypeVar("Held", Committed, RowTables, ColumnTables)


class _Secrets:
    """Vectors and bytes to be overwritten when the proof is done, or has failed."""

    def __init__(self) -> None:
        self._held: list[FrVec] = []
        self._others: list[Committed | RowTables | ColumnTables] = []

    def hold(self, vec: FrVec) -> FrVec:
        self._held.append(vec)
        return vec

    def hold_also(self, secret: Held) -> Held:
        self._others.append(secret)
        return secret

    def drop(self, secret: FrVec | RowTables | ColumnTables) -> None:
        """Overwrite now, and let go."""
        if isinstance(secret, FrVec):
            wipe(secret)
        else:
            secret.wipe()
        self._held = [held for held in self._held if held is not secret]
        self._others = [held for held in self._others if held is not secret]

    def wipe(self) -> None:
        for vec in self._held:
            wipe(vec)
        for secret in self._others:
            secret.wipe()
        self._held.clear()
        self._others.clear()


@contextmanager
def _secrets() -> Iterator[_Secrets]:
    secrets = _Secrets()
    try:
        yield secrets
    finally:
        secrets.wipe()


def prove(
    system: System, witness: FrVec | Iterable[FrVec] | BlockWitness, rng: Random = os.urandom, *, threads: int = 0
) -> Proof:
    """A proof that `witness` satisfies the circuit, which shows nothing but its public wires 1..n_public.

    For an R1CS in several blocks, one witness each, all with the same public wires; they may come one after another.
    For a block circuit, what `solve_blocks` gives. Witnesses stay the caller's to wipe. Another `rng` than the
    operating system's is for tests.
    Errors: LengthError; WitnessError names the first broken row; EnvironmentFailure for a broken rng.
    """
    with _secrets() as secrets:
        columns: tuple[FrVec, ...] = ()
        if isinstance(witness, BlockWitness):
            every, public, columns = system.every_column(witness), witness.public, witness.columns
        else:
            every, public = system.witness_of([witness] if isinstance(witness, FrVec) else witness)
        secrets.hold(every)
        shape = system.parameters.shape
        statement = (system.digest, system.parameters.encode())
        masks = Masks(rng, statement, [every.view(0, shape.n_first or shape.n_secret), public, *columns])
        return _Proving(system, every, public, columns, masks, secrets, threads).run()


class _Proving:
    """One proof in the making."""

    def __init__(
        self,
        system: System,
        every: FrVec,
        public: FrVec,
        columns: tuple[FrVec, ...],
        masks: Masks,
        secrets: _Secrets,
        threads: int,
    ) -> None:
        self.system, self.parameters, self.threads = system, system.parameters, threads
        self.masks, self.hold, self.hold_also, self.drop = masks, secrets.hold, secrets.hold_also, secrets.drop
        self.every, self.columns = every, columns
        self.shared = FrVec.concat([FrVec.ones(1), public])
        self.transcript = Transcript(PROTOCOL, system.digest, self.parameters.encode(), public)
        for column in self.columns:
            self.transcript.absorb_scalars("column", column)
        self.u = self.hold(mask_wires(masks))
        self.pool = system.matrix.pool
        self.committed: list[Committed] = []
        self.messages: list[FrVec] = []
        self.pads_used = 0

    def run(self) -> Proof:
        own = self._wires()
        tables = self.hold_also(RowTables(self.system, self.pool, self.every, self.u, self.shared, self.threads))
        self._check_rows(tables)
        self._commit(own)
        rows_claim, point, weights = self._row_rounds(tables)
        self.drop(tables)
        charges = self.system.charges(self.pool, point, weights, self.columns, self.threads)
        columns = ColumnTables(self.parameters, charges, own, self.u, self.shared, self.threads)
        factor, claim, column_point = self._column_rounds(self.hold_also(columns))
        self.drop(columns)
        row, pad_row = self._open(rows_claim, factor, claim, column_point)
        chosen = self.transcript.places("columns", self.parameters.queries, self.parameters.length)
        return self._opened(row, pad_row, chosen)

    def _wires(self) -> FrVec:
        """Fill in every column of all blocks: the committed wires of them. Of two phases the first is committed to."""
        shape, every = self.parameters.shape, self.every
        self.system.set_links(every, self.columns)
        if shape.phases == 2:
            first = every.view(0, shape.n_first)
            self._absorb_cap("first cap", first, FrVec(0), self.parameters.first_rows, [])
            self.pool = self.system.coefficients.at(self.transcript.challenges("tables", CHALLENGES))
            every.put(shape.n_first, self.hold(self.system.second_wires(self.pool, every, self.shared, self.threads)))
            self.system.set_links(every, self.columns)
        return every.view(0, shape.n_secret)

    def _commit(self, own: FrVec) -> None:
        """To the wires of the second phase or the only one, with masks and pads behind them."""
        p = self.parameters
        counts = (p.pads, p.pad_dimension, p.dimension, p.queries)
        self.pads, self.pad_mask, self.row_mask, tail = (self.hold(self.masks.take(count)) for count in counts)
        self.pad_coefficients = self.hold(FrVec.concat([self.pads, tail]))
        more = [self.row_mask, self.pad_coefficients, self.pad_mask]
        second = own.view(p.shape.n_first, len(own))
        self._absorb_cap("cap", second, self.u, p.rows - p.first_rows, more)

    def _absorb_cap(self, label: str, values: FrVec, rest: FrVec, count: int, more: list[FrVec]) -> None:
        rows = Committed(self.parameters, values, rest, count, more, self.masks, self.threads)
        self.committed.append(self.hold_also(rows))
        self.transcript.absorb(label, rows.tree.cap(self.parameters.cap_height))

    def _opened(self, row: FrVec, pad_row: FrVec, chosen: list[int]) -> Proof:
        p = self.parameters
        columns = [each.columns(chosen) for each in self.committed]
        return Proof(
            circuit=self.system.digest,
            parameters=p,
            caps=b"".join(each.tree.cap(p.cap_height) for each in self.committed),
            messages=FrVec.concat(self.messages),
            row=row,
            pad_row=pad_row,
            salts=b"".join(each.salt(i) for i in chosen for each in self.committed),
            columns=rows_beside(columns, p.queries),
            paths=b"".join(each.tree.paths(chosen, p.cap_height) for each in self.committed),
        )

    def _check_rows(self, tables: RowTables) -> None:
        """Refuse a witness that breaks some row or power, naming the first, once the tables know."""
        if tables.broken:
            row, block = divmod(tables.broken[0], self.parameters.shape.blocks)
            where = f"row {row} first" if self.parameters.shape.blocks == 1 else f"row {row} of block {block} first"
            where += self.system.row_label(row)
            raise WitnessError(f"the witness breaks {len(tables.broken)} rows of the circuit, {where}")

    def _send(self, label: str, message: FrVec) -> list[int]:
        self.messages.append(message)
        self.transcript.absorb_scalars(label, message)
        return message.to_ints()

    def _send_masked(self, label: str, true: FrVec) -> list[int]:
        """Send values, each plus the next pad."""
        at = self.pads_used
        self.pads_used += len(true)
        return self._send(label, self.hold(true) + self.hold(self.pads.slice(at, self.pads_used)))

    def _row_rounds(self, tables: RowTables) -> tuple[MaskedClaim, list[int], list[int]]:
        """The first sumcheck: its claim, its point, and the weights of the five matrices there."""
        p = self.parameters
        *tau, power = self.transcript.challenges("tau", p.row_variables + 1)
        claim, point = MaskedClaim(0), []
        for i in range(p.row_variables):
            message = tables.message(tau[i:], power)
            self._check_rows(tables)
            sent = self._send_masked("row round", message)
            point.append(self.transcript.challenge("row point"))
            claim.after_rows(sent, tau[i], point[-1])
            tables.fold(point[-1])
        values = tables.values(power)
        self._send("values", values)
        weights = self.transcript.challenges("weights", VALUES)
        self.value = FrVec.from_ints(weights).dot(values)
        return claim, point, of_matrices(weights, power)

    def _column_rounds(self, tables: ColumnTables) -> tuple[int, MaskedClaim, list[int]]:
        """The second sumcheck: the value of the matrix at its end, the claim about z there, and where that is."""
        p = self.parameters
        claim, point = MaskedClaim(self.value), []
        for _ in range(p.column_variables):
            sent = self._send_masked("column round", tables.message())
            point.append(self.transcript.challenge("column point"))
            claim.after_product(sent, point[-1])
            tables.fold(point[-1])
        return tables.value(), claim, point

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
        row = self._combined(high)
        pad_row = self.hold(self.pad_coefficients.scale(combine)) + self.pad_mask
        self.transcript.absorb_scalars("row", row)
        self.transcript.absorb_scalars("pad row", pad_row)
        return row, pad_row

    def _combined(self, weights: FrVec) -> FrVec:
        """Rows of values with these weights, and the row that masks them."""
        row, at = self.row_mask, 0
        for rows in self.committed:
            row = self.hold(row) + self.hold(rows.combined(weights.slice(at, at + rows.count)))
            at += rows.count
        return row
