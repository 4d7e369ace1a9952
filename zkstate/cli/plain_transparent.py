"""Transparent proofs of any circuit: from a `.r1cs` and a `.wtns`, and judged by the `.r1cs` that the verifier has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from circuits.attestation import PUBLIC_FILE, TRANSPARENT_FILE
from zkstate.cli.plain import NOT_SHOWN
from zkstate.cli.terminal import Terminal, show_judgement
from zkstate.cli.verdict import PLAIN_TRANSPARENT_SECURITY, setup_result, setup_text
from zkstate.kernels import wipe
from zkstate.proof import json_form, r1cs_file, wtns_file
from zkstate.proof.keys import SetupStatus
from zkstate.proof.transparent.proof_file import MAX_BYTES, Proof
from zkstate.proof.transparent.prover import prove
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.verifier import verify
from zkstate.publication.regular import read_below

TAKES = ("r1cs", "wtns", "system")


@dataclass(frozen=True, slots=True)
class PlainTransparent:
    """A well-formed transparent proof and public inputs, true or not."""

    public_inputs: tuple[int, ...]
    proof: Proof

    @classmethod
    def below(cls, folder: Path) -> PlainTransparent:
        """The two files in a folder. Errors: EncodingError and LengthError, naming the file."""
        proof = Proof.decode(read_below(folder, TRANSPARENT_FILE, MAX_BYTES), TRANSPARENT_FILE)
        public = read_below(folder, PUBLIC_FILE, json_form.SIZE_LIMIT)
        return cls(json_form.public_from_json(public, proof.parameters.shape.n_public, PUBLIC_FILE), proof)

    def encode(self) -> dict[str, bytes]:
        """The two files by name."""
        return {
            TRANSPARENT_FILE: self.proof.encode(),
            PUBLIC_FILE: json_form.public_to_json(self.public_inputs).encode(),
        }

    def result(self) -> dict[str, object]:
        """What it is of, in JSON."""
        return {
            "kind": "transparent",
            "public_inputs": [str(value) for value in self.public_inputs],
            "r1cs": self.proof.circuit.hex(),
            "setup": setup_result(SetupStatus.TRANSPARENT),
            "security": PLAIN_TRANSPARENT_SECURITY,
        }

    def facts(self) -> list[tuple[str, str]]:
        """The same for people."""
        return [
            ("public inputs", ", ".join(map(str, self.public_inputs)) or "none"),
            ("circuit", f"r1cs digest {self.proof.circuit.hex()}"),
            ("setup", setup_text(SetupStatus.TRANSPARENT)),
            ("security", PLAIN_TRANSPARENT_SECURITY),
        ]


def prove_files(circuit: Path, witness: Path, terminal: Terminal) -> PlainTransparent:
    """The proof of a witness. Errors: WitnessError naming the row it breaks; those of the files."""
    with terminal.progress("prove") as progress:
        progress("reading the circuit", 0, 0)
        system = System.of(r1cs_file.read(circuit).r1cs)
        values = wtns_file.read(witness)
        try:
            progress("proving", 0, 0)
            proof = prove(system, values)
            return PlainTransparent(tuple(values.slice(1, system.parameters.shape.n_public + 1).to_ints()), proof)
        finally:
            wipe(values)


def judge_files(plain: PlainTransparent, circuit: Path, terminal: Terminal) -> bool:
    """Say whether the proof holds for the circuit in a `.r1cs` file, and what it shows."""
    system = System.of(r1cs_file.read(circuit).r1cs)
    reasons = []
    if plain.proof.circuit != system.digest:
        reasons.append(f"the proof is of r1cs digest {plain.proof.circuit.hex()}, {circuit} has {system.digest.hex()}")
    elif not verify(system, plain.public_inputs, plain.proof):
        reasons.append("the proof does not hold for these public inputs")
    accepted = not reasons
    shows = f"somebody knew a witness of {circuit}, with these public inputs" if accepted else "nothing"
    verdict = {"verb": "verify", "accepted": accepted, "reasons": reasons, "shows": shows, "not_shown": list(NOT_SHOWN)}
    facts = [
        ("shows", shows),
        *plain.facts(),
        *(("not shown" if i == 0 else "", words) for i, words in enumerate(NOT_SHOWN)),
    ]
    terminal.emit(plain.result() | verdict, lambda console: show_judgement(console, accepted, reasons, facts))
    return accepted
