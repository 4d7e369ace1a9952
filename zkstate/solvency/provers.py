"""What proves the batches of one class, in either proof system."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from circuits.batch import Batch, batch_name
from circuits.proving import insecure_key_of
from zkstate.constraint import Circuit, compile_blocks, compile_statement, solve_blocks
from zkstate.kernels import FR_BYTES, wipe
from zkstate.proof import groth16, zkey_file
from zkstate.proof.keys import ProvingKey
from zkstate.proof.transparent import prover
from zkstate.proof.transparent.system import System
from zkstate.solvency.block_witness import block_inputs
from zkstate.solvency.classes import rows_of
from zkstate.solvency.files import BatchFile
from zkstate.solvency.plan import LAYOUTS
from zkstate.solvency.publics import Sums
from zkstate.solvency.tables import ReadTable
from zkstate.solvency.verifiers import Keyed, Transparent, Verifier, encode_words
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
        ends = before.commitment(blinds.before), (before + accounts.added).commitment(blinds.after)
        secret = block_inputs(accounts, before, blinds)
        columns = accounts.published.columns(accounts.part, *ends)
        try:
            witness = solve_blocks(self.block, self.system.parameters.shape.blocks, {}, secret, columns)
        finally:
            for values in secret.values():
                wipe(values)
        try:
            return BatchFile(*ends, prover.prove(self.system, witness, threads=1).encode())
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

    For Groth16 with the key in the folder `keys`, or else the insecure one, which anyone can make.
    """
    if system == "transparent":
        log_blocks = LAYOUTS[system].blocks(accounts).bit_length() - 1
        block = compile_blocks(table.block(kind, log_blocks))
        return TransparentProver(block, System.of(block, log_blocks))
    statement = table.statement(rows_of(kind), accounts)
    circuit = compile_statement(statement)
    name = batch_name(statement)
    if keys is not None:
        key = zkey_file.read_zkey(keys / f"{name}.zkey").with_circuit(circuit.r1cs)
    else:
        key = insecure_key_of(name, circuit)
    return KeyedProver(key.vk, statement, circuit, key)
