"""Proving: from an opened account and a claim to an attestation, and the proving keys that takes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from zkstate.atomic import replace_file
from zkstate.constraint import Circuit, cache_folder, compile_statement
from zkstate.constraint.r1cs import R1cs
from zkstate.errors import DisagreementError, EnvironmentFailure, LengthError
from zkstate.proof import zkey_file
from zkstate.proof.groth16 import prove
from zkstate.proof.keys import ProvingKey
from zkstate.proof.record import CeremonyRecord
from zkstate.proof.setup import insecure_setup
from zkstate.proof.transparent.prover import prove as transparent_prove
from zkstate.proof.transparent.system import System
from zkstate.publication.header import SignedHeader
from zkstate.state.schema import SIZE_CLASSES

from . import catalogue
from .account import CommittedStatement
from .attestation import Attestation
from .claim import Claim
from .context import Context
from .journal_claims import HistoryClaim
from .keys import known
from .opening import Between, Opening

_SEED = "zkstate insecure setup v1: "

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    pass


def statement_of(opening: Opening, claim: Claim, between: Between | None = None) -> CommittedStatement:
    """The statement that a claim about this account needs: its size class and the depths of its epoch.

    The class is that of the account, or of the entries where it is them that the statement takes apart. LengthError
    for more entries than the largest class has.
    """
    header, size = opening.header, opening.account.size_class
    if claim.statement == HistoryClaim.statement and between is not None:
        count = len(between.entries)
        if count > SIZE_CLASSES[-1]:
            raise LengthError(f"{count} entries between the two epochs; a proof takes at most {SIZE_CLASSES[-1]}")
        size = next(n for n in SIZE_CLASSES if count <= n)
    return catalogue.get(claim.statement, size, header.accounts_depth, header.table_depth)


def attest(
    opening: Opening,
    signed: SignedHeader,
    claim: Claim,
    context: Context,
    *,
    other: SignedHeader | None = None,
    between: Between | None = None,
    key_file: Path | None = None,
    ceremony: CeremonyRecord | None = None,
    transparent: bool = False,
    progress: Progress = _silent,
) -> Attestation:
    """Prove a claim about an account. The proof is fresh randomness each time.

    A `transparent` proof takes no key; otherwise it is a Groth16 proof under the key of `key_file` or the known one.

    A claim about two epochs takes the header of the other one, and what lies `between`.
    Errors: WitnessError if the claim is false of the account, naming the requirement; InputError for a claim
    about another kind of instrument, a key that is not of this circuit, or one the ceremony record does not vouch for.
    """
    claim.sentence(opening.table)
    statement = statement_of(opening, claim, between)
    name = catalogue.name(statement)
    progress(f"compiling {name}")
    circuit = compile_statement(statement)
    progress("solving the witness")
    roots = {} if claim.other_root is None or other is None else {claim.other_root: other.header.state_root}
    witness = circuit.solve(opening.inputs(statement, roots | claim.parameters, context.digest, between))
    try:
        public_inputs = tuple(witness.public_inputs)
        if transparent:
            progress(f"proving {name}, {circuit.r1cs.n_constraints} constraints, without a key")
            shown = transparent_prove(System.of(circuit.r1cs), witness.values)
            return Attestation(signed, opening.table, name, claim, context, public_inputs, shown, None, other)
        key = (
            proving_key(statement, circuit, progress)
            if key_file is None
            else zkey_file.read_zkey(key_file).with_circuit(circuit.r1cs)
        )
        if ceremony is not None:
            key = replace(key, vk=ceremony.vouched(key.vk))
        progress(f"proving {name}, {circuit.r1cs.n_constraints} constraints")
        proof = prove(key, witness.values)
    finally:
        witness.wipe()
    return Attestation(signed, opening.table, name, claim, context, public_inputs, proof, key.vk, other)


def proving_key(statement: CommittedStatement, circuit: Circuit, progress: Progress = _silent) -> ProvingKey:
    """The known key of a circuit: from the cache, else made (insecurely) from its public seed and cached.

    DisagreementError if that is not the key that `keys.json` pins for the circuit.
    """
    name = catalogue.name(statement)
    key = insecure_key_of(name, circuit.r1cs, circuit.digest, progress=progress)
    path = _key_path(name, circuit.digest)
    pinned = known().get(name)
    if pinned is not None and pinned.verification_key != key.vk.digest():
        remedy = f"remove {path} and try again" if path is not None else "pin the keys of the changed circuits"
        raise DisagreementError(
            f"the key of {name} has digest {key.vk.digest()}; known is {pinned.verification_key}: {remedy}"
        )
    return key


def insecure_key_of(
    name: str, r1cs: R1cs, digest: str, n_committed: int = 0, progress: Progress = _silent
) -> ProvingKey:
    """The insecure key of a circuit with this digest, of `mirage` if it commits to wires: from the cache, or made."""
    path = _key_path(name, digest)
    key = _cached_key(path) if path is not None else None
    if key is None:
        progress(f"making the insecure key of {name}")
        key = insecure_key(name, r1cs, n_committed)
        if path is not None:
            _cache_key(path, key)
    return key


def _key_path(name: str, digest: str) -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / "keys" / f"{name}-{digest[:32]}.zkey"


def _cached_key(path: Path) -> ProvingKey | None:
    """The key in the cache, unless it is absent or not the bytes that were put there."""
    try:
        return zkey_file.read_zkey(path, _digest_file(path).read_text("ascii").strip())
    except (OSError, UnicodeDecodeError, EnvironmentFailure, DisagreementError):
        return None


def _cache_key(path: Path, key: ProvingKey) -> None:
    """Keep a key with the digest of its file, which spares checking its points again. A full disk keeps nothing."""
    with contextlib.suppress(OSError, EnvironmentFailure):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        zkey_file.write_zkey(path, key)
        replace_file(_digest_file(path), zkey_file.file_pin(path).encode())


def _digest_file(path: Path) -> Path:
    return path.with_suffix(".zkey.sha256")


def insecure_key(name: str, r1cs: R1cs, n_committed: int = 0) -> ProvingKey:
    """The key that anyone can make for a circuit from its name, and forge with."""
    return insecure_setup(r1cs, (_SEED + name).encode(), n_committed)
