"""Attestation: a proof with all that a verifier needs beside it, as the files of one directory.

`proof.json`, `public.json` and `verification_key.json` are as snarkjs reads them, or `proof.bin` is a transparent proof
and there is no key; `statement.json` says what is claimed, `header.bin` about which committed state, and
`instruments.json` is the table of that state, so that the claim can be read with symbols and units. Nothing in the
directory vouches for itself: `examine` recomputes the public inputs from the header and the claim, and takes only a key
that the caller pinned or this program knows, and only a circuit that it compiles itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.kernels import FR_MODULUS
from zkstate.proof import json_form
from zkstate.proof.groth16 import Proof, verify
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.proof.record import CeremonyRecord
from zkstate.proof.transparent.proof_file import Proof as TransparentProof
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.verifier import verify as transparent_verify
from zkstate.publication.header import Header, SignedHeader
from zkstate.state.table import MAX_TABLE_BYTES, InstrumentTable, decode_table, encode_table

from . import catalogue, keys
from .claim import Claim
from .claims import claim_of
from .context import Context

HEADER_FILE, STATEMENT_FILE, TABLE_FILE = "header.bin", "statement.json", "instruments.json"
OTHER_FILE = "other_header.bin"  # of the other epoch, where a statement is about two
PROOF_FILE, PUBLIC_FILE, KEY_FILE = "proof.json", "public.json", "verification_key.json"
TRANSPARENT_FILE = "proof.bin"  # in place of PROOF_FILE and KEY_FILE
FILES = (HEADER_FILE, STATEMENT_FILE, TABLE_FILE, PROOF_FILE, PUBLIC_FILE, KEY_FILE)
TRANSPARENT_FILES = (HEADER_FILE, STATEMENT_FILE, TABLE_FILE, TRANSPARENT_FILE, PUBLIC_FILE)
MAX_FILE_BYTES = MAX_TABLE_BYTES

# Not $, which lets an end of line by.
_Hex20 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{40}\Z")]
_Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Integer = Annotated[str, msgspec.Meta(pattern=r"\A(0|-?[1-9][0-9]{0,79})\Z")]


class _ContextForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chain_id: _Integer
    registry: _Hex20
    recipient: _Hex20
    challenge: _Hex32
    expiry: _Integer


class _StatementForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["zkstate statement"]
    version: Literal[1]
    circuit: str
    statement: str
    parameters: dict[str, _Integer]
    context: _ContextForm


@dataclass(frozen=True, slots=True)
class Attestation:
    """A well-formed proof of a claim, true or not: every part decoded and in range."""

    signed: SignedHeader
    table: InstrumentTable
    circuit: str
    claim: Claim
    context: Context
    public_inputs: tuple[int, ...]
    proof: Proof | TransparentProof
    key: VerifyingKey | None  # None exactly with a transparent proof
    other: SignedHeader | None = None

    def __post_init__(self) -> None:
        if isinstance(self.proof, TransparentProof) != (self.key is None):
            raise InputError(f"{KEY_FILE}: a Groth16 proof has a key, and a transparent one has none")
        statement = catalogue.parse(self.circuit)
        if self.circuit.split("-")[0] != self.claim.statement:
            raise InputError(f"{STATEMENT_FILE}: circuit {self.circuit} does not state a {self.claim.statement}")
        header = self.signed.header
        if (self.table.root, self.table.depth) != (header.instruments_root, header.table_depth):
            raise DisagreementError(
                f"{TABLE_FILE} has root {self.table.root:#066x} and depth {self.table.depth}; the header has "
                f"{header.instruments_root:#066x} and {header.table_depth}"
            )
        self.claim.sentence(self.table)
        depth = getattr(statement, "table_depth", header.table_depth)
        if (statement.accounts_depth, depth) != (header.accounts_depth, header.table_depth):
            raise InputError(
                f"{STATEMENT_FILE}: circuit {self.circuit} is for depths {statement.accounts_depth} and {depth}; "
                f"the header has {header.accounts_depth} and {header.table_depth}"
            )

        self._check_other()

    def _check_other(self) -> None:
        """The other header is there if the statement is about two epochs, and is of the same venue."""
        wanted, header = self.claim.other_root, self.header
        if (wanted is None) != (self.other is None):
            stated = "there is none" if self.other is None else "there is one"
            raise InputError(f"{OTHER_FILE}: {stated}, and a {self.claim.statement} is about {1 + bool(wanted)} epochs")
        if self.other is None:
            return
        other = self.other.header
        if other.venue != header.venue:
            raise DisagreementError(f"{OTHER_FILE} is of venue {other.venue:#x}, {HEADER_FILE} of {header.venue:#x}")
        earlier, later = (header, other) if wanted == "later_root" else (other, header)
        if earlier.epoch >= later.epoch:
            raise DisagreementError(
                f"the earlier epoch of a {self.claim.statement} is {earlier.epoch}, and the later one {later.epoch}"
            )
        if other.accounts_depth != header.accounts_depth:
            raise InputError(
                f"{OTHER_FILE} has accounts depth {other.accounts_depth}, {HEADER_FILE} {header.accounts_depth}"
            )

    @property
    def groth16(self) -> tuple[VerifyingKey, Proof]:
        """The key and the proof under it. InputError if the proof is transparent."""
        if self.key is None or isinstance(self.proof, TransparentProof):
            raise InputError("this takes a Groth16 proof, and the proof is transparent: it has no key")
        return self.key, self.proof

    @property
    def header(self) -> Header:
        return self.signed.header

    def encode(self) -> dict[str, bytes]:
        """The files by name."""
        context = self.context
        form = _StatementForm(
            kind="zkstate statement",
            version=1,
            circuit=self.circuit,
            statement=self.claim.statement,
            parameters={name: str(value) for name, value in self.claim.parameters.items()},
            context=_ContextForm(
                str(context.chain_id),
                context.registry.hex(),
                context.recipient.hex(),
                context.challenge.hex(),
                str(context.expiry),
            ),
        )
        other = {} if self.other is None else {OTHER_FILE: self.other.encode()}
        return {
            HEADER_FILE: self.signed.encode(),
            **other,
            TABLE_FILE: encode_table(self.table),
            STATEMENT_FILE: msgspec.json.format(msgspec.json.encode(form), indent=1) + b"\n",
            **self._encode_proof(),
            PUBLIC_FILE: json_form.public_to_json(self.public_inputs).encode(),
        }

    def _encode_proof(self) -> dict[str, bytes]:
        if isinstance(self.proof, TransparentProof):
            return {TRANSPARENT_FILE: self.proof.encode()}
        key, proof = self.groth16
        return {PROOF_FILE: proof.to_json().encode(), KEY_FILE: key.to_json().encode()}

    @classmethod
    def decode(cls, files: Mapping[str, bytes]) -> Attestation:
        """Read the files. Errors name the file: LengthError, EncodingError, InputError, DisagreementError."""
        transparent = TRANSPARENT_FILE in files
        if transparent and (PROOF_FILE in files or KEY_FILE in files):
            raise InputError(f"{TRANSPARENT_FILE} beside {PROOF_FILE} or {KEY_FILE}: a proof directory holds one proof")
        wanted = TRANSPARENT_FILES if transparent else FILES
        for name in wanted:
            if name not in files:
                raise InputError(f"{name} is missing: a proof directory holds {', '.join(wanted)}")
        for name, content in files.items():
            if len(content) > MAX_FILE_BYTES:
                raise LengthError(f"{name} has {len(content)} bytes; the limit is {MAX_FILE_BYTES}")
        json_form.parse(files[STATEMENT_FILE], STATEMENT_FILE)  # no member twice: readers differ in which one counts
        try:
            form = msgspec.json.decode(files[STATEMENT_FILE], type=_StatementForm)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise EncodingError(f"{STATEMENT_FILE}: {error}") from None
        context = form.context
        key: VerifyingKey | None = None
        proof: Proof | TransparentProof
        if transparent:
            proof = TransparentProof.decode(files[TRANSPARENT_FILE], TRANSPARENT_FILE)
            n_public = proof.parameters.shape.n_public
        else:
            key = VerifyingKey.from_json(files[KEY_FILE], KEY_FILE)
            proof, n_public = Proof.from_json(files[PROOF_FILE], PROOF_FILE), key.n_public
        return cls(
            signed=SignedHeader.decode(files[HEADER_FILE]),
            circuit=form.circuit,
            claim=claim_of(form.statement, {name: int(value) for name, value in form.parameters.items()}),
            context=Context(
                int(context.chain_id),
                bytes.fromhex(context.registry),
                bytes.fromhex(context.recipient),
                bytes.fromhex(context.challenge),
                int(context.expiry),
            ),
            public_inputs=json_form.public_from_json(files[PUBLIC_FILE], n_public, PUBLIC_FILE),
            proof=proof,
            key=key,
            other=SignedHeader.decode(files[OTHER_FILE]) if OTHER_FILE in files else None,
            table=decode_table(files[TABLE_FILE]),  # the most work, so it comes last
        )


CEREMONY_REQUIRED = "give a record of its ceremony (--ceremony), or --allow-insecure-setup to try things out"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the verifier knows without the directory: each part is checked where it is given."""

    header_hash: bytes | None = None
    context: Context | None = None
    key_digest: str | None = None
    trusted_setup_only: bool = False
    ceremony: CeremonyRecord | None = None
    other_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What `examine` found. `reasons` says why not, one sentence each; accepted exactly if there is none."""

    reasons: tuple[str, ...]
    setup: SetupStatus

    @property
    def accepted(self) -> bool:
        return not self.reasons


def expected_inputs(attestation: Attestation) -> dict[str, int]:
    """The public inputs that the header, the context and the claim make, by name, in order."""
    stated = {
        "state_root": attestation.header.state_root,
        "context": attestation.context.digest,
    }
    if attestation.other is not None and attestation.claim.other_root is not None:
        stated[attestation.claim.other_root] = attestation.other.header.state_root
    stated |= attestation.claim.parameters
    return {name: value % FR_MODULUS for name, value in stated.items()}


def examine(attestation: Attestation, expectation: Expectation, now: int) -> Finding:
    """Judge an attestation at time `now`, in seconds since 1970. Nothing raises: every part was decoded before."""
    reasons = []
    header, context = attestation.header, attestation.context
    if expectation.header_hash is not None and expectation.header_hash != header.hash:
        reasons.append(
            f"the proof is about header {header.hash.hex()}, not about the expected {expectation.header_hash.hex()}"
        )
    if expectation.other_hash is not None and attestation.other is not None:
        found = attestation.other.header.hash
        if expectation.other_hash != found:
            reasons.append(f"the other header is {found.hex()}, not the expected {expectation.other_hash.hex()}")
    if expectation.context is not None and expectation.context != context:
        made_for, asked_for = _differing(context, expectation.context)
        reasons.append(f"the proof is addressed to {made_for}, not to the expected {asked_for}")
    if context.expiry and now > context.expiry:
        reasons.append(f"the proof expired at {context.expiry}; it is {now}")
    setup, refusal = _judge_key(attestation, expectation)
    reasons += refusal
    expected = expected_inputs(attestation)
    if len(expected) != len(attestation.public_inputs):
        reasons.append(f"{PUBLIC_FILE} has {len(attestation.public_inputs)} inputs; the statement has {len(expected)}")
        return Finding(tuple(reasons), setup)
    for (name, value), stated in zip(expected.items(), attestation.public_inputs, strict=True):
        if value != stated:
            reasons.append(f"public input {name} is {stated} in {PUBLIC_FILE}, and {value} by header and statement")
    if attestation.key is not None and attestation.key.setup is SetupStatus.FRESH:
        return Finding((*reasons, f"the key is {attestation.key.setup.value}"), setup)
    # A circuit is not compiled for a proof that is refused anyhow.
    if not (reasons and attestation.key is None) and not holds(attestation):
        reasons.append("the proof does not satisfy the verification equation for these public inputs")
    return Finding(tuple(reasons), setup)


def holds(attestation: Attestation) -> bool:
    """Whether the proof is true of its public inputs: under its key, or of the circuit, which is compiled here."""
    if isinstance(attestation.proof, TransparentProof):
        return transparent_verify(circuit_system(attestation.circuit), attestation.public_inputs, attestation.proof)
    key, proof = attestation.groth16
    return verify(key, attestation.public_inputs, proof)


@lru_cache(maxsize=4)
def circuit_system(circuit: str) -> System:
    return System.of(keys.trusted_circuit(circuit).r1cs)


def _differing(found: Context, expected: Context) -> tuple[str, str]:
    """The fields in which two contexts differ, with the values of each, named as `verify` takes them."""
    names = [field.name for field in fields(Context) if getattr(found, field.name) != getattr(expected, field.name)]
    return _listed(found, names), _listed(expected, names)


def _listed(context: Context, names: list[str]) -> str:
    values = {name: getattr(context, name) for name in names}
    return ", ".join(f"{name} {f'0x{v.hex()}' if isinstance(v, bytes) else v}" for name, v in values.items())


def _judge_key(attestation: Attestation, expectation: Expectation) -> tuple[SetupStatus, list[str]]:
    """Where the key comes from, and why it is refused if it is."""
    pinned, record = expectation.key_digest, expectation.ceremony
    if attestation.key is None:
        refused = pinned is not None or record is not None
        return SetupStatus.TRANSPARENT, ["a key is expected, and a transparent proof has none"] * refused
    digest = attestation.key.digest()
    known = keys.known().get(attestation.circuit)
    setup = known.status if known is not None and known.verification_key == digest else SetupStatus.UNVERIFIED
    if record is not None:
        refusals = list(record.refusals(attestation.key))
        recorded = (record.circuit.name, record.circuit.digest)
        if known is None or recorded != (attestation.circuit, known.circuit):
            refusals.append(
                f"the ceremony was for circuit {recorded[0]!r} {recorded[1]}, "
                f"not for this version's {attestation.circuit}"
            )
        if refusals:
            return setup, refusals
        setup = SetupStatus.VERIFIED
    if pinned is not None and digest != pinned:
        return setup, [f"the key has digest {digest}, not the expected {pinned}"]
    of = next((name for name, key in keys.known().items() if key.verification_key == digest), attestation.circuit)
    if of != attestation.circuit:
        return setup, [f"the key is the one known for {of}, and {STATEMENT_FILE} names {attestation.circuit}"]
    if pinned is None and setup is SetupStatus.UNVERIFIED:
        return setup, [
            (
                f"the key has digest {digest}, which is not the one known for {attestation.circuit}: a key is pinned "
                "by the verifier, never taken from beside the proof"
            )
        ]
    if expectation.trusted_setup_only and not setup.trusted:
        return setup, [f"the key is {setup.value}; {CEREMONY_REQUIRED}"]
    return setup, []
