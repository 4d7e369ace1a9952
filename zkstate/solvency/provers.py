"""What proves the batches of one class, in each proof system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from circuits.batch import Batch, batch_name
from circuits.proving import insecure_key_of
from zkstate.constraint import Circuit, compile_blocks, compile_statement, solve_blocks
from zkstate.constraint.block_circuit import BlockCircuit
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.r1cs import R1cs
from zkstate.errors import DisagreementError, InputError
from zkstate.kernels import FR_BYTES, wipe
from zkstate.proof import groth16, mirage, zkey_file
from zkstate.proof.keys import ProvingKey
from zkstate.proof.transparent import prover
from zkstate.proof.transparent.system import System
from zkstate.solvency.block_witness import block_inputs
from zkstate.solvency.classes import rows_of
from zkstate.solvency.files import BatchFile
from zkstate.solvency.known import KnownValues
from zkstate.solvency.plan import LAYOUTS
from zkstate.solvency.publics import Sums
from zkstate.solvency.tables import ReadTable
from zkstate.solvency.verifiers import Committing, Keyed, Transparent, Verifier, encode_words
from zkstate.solvency.witness import Accounts, Blinds


class Prover(Verifier, Protocol):
    """What proves batches and judges them."""

    @property
    def judge(self) -> Verifier:
        """What judges them, and keeps no proving key."""
        ...

    def prove(self, accounts: Accounts, before: Sums, blinds: Blinds) -> BatchFile:
        """The batch, by one thread with fresh masks. WitnessError names the rule that the accounts break."""
        ...


@dataclass(frozen=True)
class TransparentProver(Transparent):
    """No key and no setup."""

    @property
    def judge(self) -> Transparent:
        """As `Prover`."""
        return self

    def prove(self, accounts: Accounts, before: Sums, blinds: Blinds) -> BatchFile:
        """As `Prover`."""
        blocks = self.system.parameters.shape.blocks
        with _solved(self.block, blocks, accounts, before, blinds) as (ends, witness):
            return BatchFile(*ends, prover.prove(self.system, witness, threads=1).encode())


@dataclass(frozen=True)
class CommittingProver(Committing):
    """Mirage under one proving key."""

    proving: ProvingKey

    @property
    def judge(self) -> Committing:
        """As `Prover`."""
        return Committing(self.key, KnownValues(self.known.circuit))

    def prove(self, accounts: Accounts, before: Sums, blinds: Blinds) -> BatchFile:
        """As `Prover`."""
        circuit = self.known.circuit
        with _solved(circuit.block, circuit.blocks, accounts, before, blinds) as (ends, witness):
            return BatchFile(*ends, encode_words(mirage.prove(self.proving, circuit, witness, threads=1)))


@contextmanager
def _solved(
    block: BlockCircuit, blocks: int, accounts: Accounts, before: Sums, blinds: Blinds
) -> Iterator[tuple[tuple[int, int], BlockWitness]]:
    """The commitments to the sums before and after a batch, and the witness of its blocks, which is wiped."""
    ends = before.commitment(blinds.before), (before + accounts.added).commitment(blinds.after)
    secret = block_inputs(accounts, before, blinds)
    columns = accounts.published.columns(accounts.part, *ends)
    try:
        witness = solve_blocks(block, blocks, {}, secret, columns)
    finally:
        for values in secret.values():
            wipe(values)
    try:
        yield ends, witness
    finally:
        witness.wipe()


@dataclass(frozen=True)
class KeyedProver(Keyed):
    """Groth16 under one proving key."""

    statement: Batch
    circuit: Circuit
    proving: ProvingKey

    @property
    def judge(self) -> Keyed:
        """As `Prover`."""
        return Keyed(self.key)

    def prove(self, accounts: Accounts, before: Sums, blinds: Blinds) -> BatchFile:
        """As `Prover`."""
        committed = accounts.committed(before, blinds)
        fixed = accounts.fixed(self.statement, before, blinds, committed)
        try:
            witness = self.circuit.run(fixed)
        finally:
            wipe(fixed)
        try:
            self.circuit.require_satisfied(witness)
            words = encode_words(groth16.prove(self.proving, witness.values, threads=1))
        finally:
            witness.wipe()
        return BatchFile(committed.before, committed.after, committed.reads.to_bytes(FR_BYTES) + words)


def prover_of(table: ReadTable, kind: int, accounts: int, system: str, keys: Path | None) -> Prover:
    """A prover of batches of a class with `accounts` accounts.

    With a key, that in the folder `keys`, or else the insecure one, which anyone can make.
    """
    if system == "transparent":
        log_blocks = LAYOUTS[system].blocks(accounts).bit_length() - 1
        block = compile_blocks(table.block(kind, log_blocks))
        return TransparentProver(block, System.of(block, log_blocks))
    if system == "mirage":
        unrolled = table.unrolled(kind, accounts)
        name, known = table.unrolled_name(kind, accounts), KnownValues(unrolled)
        key = _key(name, unrolled.r1cs, unrolled.digest, unrolled.n_committed, keys).with_circuit(unrolled.r1cs)
        return CommittingProver(key.vk, known, key)
    statement = table.statement(rows_of(kind), accounts)
    circuit = compile_statement(statement)
    key = _key(batch_name(statement), circuit.r1cs, circuit.digest, 0, keys)
    return KeyedProver(key.vk, statement, circuit, key)


def _key(name: str, r1cs: R1cs, digest: str, n_committed: int, keys: Path | None) -> ProvingKey:
    """The proving key of a circuit with this digest. DisagreementError for one of another circuit."""
    if keys is None:
        return insecure_key_of(name, r1cs, digest, n_committed)
    path = keys / f"{name}.zkey"
    if not path.exists():
        raise InputError(
            f"{keys} has no {path.name}: make a key of each circuit that zkstate setup batches lists for this epoch, "
            "and give both the same --batch-rows"
        )
    key = zkey_file.read_zkey(path).with_circuit(r1cs)
    if key.n_committed != n_committed:
        found = f"its proofs commit to {key.n_committed} wires, those of the circuit to {n_committed}"
        raise DisagreementError(f"{path}: {found}: the key is for another circuit")
    return key
