"""What proves the batches of one circuit, in either proof system."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from circuits.batch import Batch, batch_name
from circuits.proving import insecure_key_of
from zkstate.constraint import Circuit, compile_statement
from zkstate.constraint.circuit import Witness
from zkstate.proof import groth16, zkey_file
from zkstate.proof.keys import ProvingKey
from zkstate.proof.transparent import prover
from zkstate.proof.transparent.system import System
from zkstate.solvency.verifiers import Keyed, Stated, Transparent, encode_words


class Prover(Protocol):
    """What proves batches and judges them."""

    @property
    def circuit(self) -> Circuit: ...

    @property
    def proof_bytes(self) -> int: ...

    def holds(self, batches: Stated) -> list[bool]: ...

    def prove(self, witness: Witness) -> bytes:
        """The proof, made by one thread with fresh masks."""
        ...


@dataclass(frozen=True)
class TransparentProver(Transparent):
    """No key and no setup."""

    def prove(self, witness: Witness) -> bytes:
        """As `Prover`."""
        return prover.prove(self.system, witness.values, threads=1).encode()


@dataclass(frozen=True)
class KeyedProver(Keyed):
    """Groth16 under one proving key."""

    circuit: Circuit
    proving: ProvingKey

    def prove(self, witness: Witness) -> bytes:
        """As `Prover`."""
        return encode_words(groth16.prove(self.proving, witness.values, threads=1))


def prover_of(statement: Batch, system: str, keys: Path | None) -> Prover:
    """A prover; for Groth16 with the key in the folder `keys`, or else the insecure one, which anyone can make."""
    circuit = compile_statement(statement)
    if system == "transparent":
        return TransparentProver(circuit, System.of(circuit.r1cs))
    name = batch_name(statement)
    if keys is not None:
        key = zkey_file.read_zkey(keys / f"{name}.zkey").with_circuit(circuit.r1cs)
    else:
        key = insecure_key_of(name, circuit)
    return KeyedProver(key.vk, circuit, key)
