"""zkstate prove --zkey --wtns: a proof of any circuit, from the files of circom and snarkjs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from circuits.attestation import CEREMONY_REQUIRED
from circuits.keys import status_of
from zkstate.cli.arguments import Namespace
from zkstate.cli.named import read_record
from zkstate.cli.plain import PlainProof
from zkstate.cli.terminal import Terminal
from zkstate.errors import DisagreementError, InputError
from zkstate.kernels import wipe
from zkstate.proof import r1cs_file, wtns_file, zkey_file
from zkstate.proof.groth16 import prove
from zkstate.proof.keys import ProvingKey
from zkstate.proof.record import CeremonyRecord

TAKES = ("zkey", "wtns", "r1cs", "ceremony", "allow_insecure_setup")


def prove_circom(args: Namespace, terminal: Terminal) -> PlainProof:
    """The proof that the options ask for.

    Errors: WitnessError if the witness does not satisfy the circuit; those of the files, naming file and section;
    InputError for a key that no ceremony record vouches for, unless that is allowed.
    """
    for option in ("zkey", "wtns"):
        if getattr(args, option) is None:
            raise InputError(f"prove of a circuit of circom: give --{option}")
    record = read_record(args.ceremony)
    with terminal.progress("prove") as progress:
        progress("reading the key", 0, 0)
        key = _proving_key(args.zkey, args.r1cs, record)
        if not (key.setup.trusted or args.allow_insecure_setup):
            raise InputError(f"{args.zkey}: the key is {key.setup.value}; {CEREMONY_REQUIRED}")
        witness = wtns_file.read(args.wtns)
        try:
            progress("proving", 0, 0)
            proof = prove(key, witness)
            return PlainProof(key.vk, tuple(witness.slice(1, key.n_public + 1).to_ints()), proof)
        finally:
            wipe(witness)


def _proving_key(path: Path, circuit: Path | None, record: CeremonyRecord | None) -> ProvingKey:
    """The key, with its circuit if that is given, and with the setup that is known of it."""
    key = zkey_file.read_zkey(path)
    if key.n_committed:
        raise InputError(f"{path}: a key of {key.vk.protocol}, which proves no .wtns file but batches of solvency")
    key = replace(key, vk=replace(key.vk, setup=status_of(key.vk)))
    if circuit is not None:
        r1cs = r1cs_file.read(circuit).r1cs
        key = key.with_circuit(r1cs)
        digest = r1cs_file.digest(r1cs).hex()
        if record is not None and record.circuit.r1cs != digest:
            raise DisagreementError(f"{circuit} has digest {digest}, the ceremony was for {record.circuit.r1cs}")
    return key if record is None else replace(key, vk=record.vouched(key.vk))
