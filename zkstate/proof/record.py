"""The record of a verified ceremony: what `setup verify` found about one key, small enough to keep beside it.

A record is the word of whoever ran the verification, so it is believed as a pinned key is: because the verifier chose
it. What can be checked without the powers and the circuit is checked again whenever it is read: the chain of
contributions, and that it leads to the deltas of the key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import msgspec

from zkstate import nesting
from zkstate.algebra.bn254 import G1, G2
from zkstate.errors import EncodingError, LengthError
from zkstate.proof import ceremony
from zkstate.proof.contribution import same_ratio
from zkstate.proof.keys import SetupStatus, VerifyingKey

KIND, VERSION = "zkstate ceremony", 1
SIZE_LIMIT = 1 << 24
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_CIRCUIT = re.compile(r"[a-z0-9-]{0,40}")


class PowersContribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contribution to the powers: its author's own words, and the hash of its response file."""

    name: str
    beacon: bool
    response: str


class Powers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `.ptau` file; `ceremony_power` above `power` means it was cut to size."""

    sha256: str
    power: int
    ceremony_power: int
    contributions: tuple[PowersContribution, ...]


class RecordedCircuit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`r1cs_file.circuit_digest`; name and digest are those of `circuits/keys.json`, empty for other circuits."""

    r1cs: str
    name: str
    digest: str


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    version: int
    circuit: RecordedCircuit
    powers: Powers
    circuit_hash: str
    contributions: str
    zkey: str
    verification_key: str


@dataclass(frozen=True, slots=True)
class CeremonyRecord:
    """What was verified. Digests are SHA-256 in hex; `verification_key` is the digest of the key that was verified."""

    circuit: RecordedCircuit
    powers: Powers
    circuit_hash: bytes
    contributions: tuple[ceremony.Contribution, ...]
    zkey: str
    verification_key: str

    def encode(self) -> bytes:
        """The file, one byte sequence for one record."""
        return msgspec.json.encode(
            _Document(
                KIND,
                VERSION,
                self.circuit,
                self.powers,
                self.circuit_hash.hex(),
                ceremony.encode(self.contributions).hex(),
                self.zkey,
                self.verification_key,
            )
        )

    @classmethod
    def decode(cls, content: bytes, name: str = "ceremony record") -> CeremonyRecord:
        """Read a record. Errors: EncodingError, LengthError; also for one that is not its own encoding."""
        if len(content) > SIZE_LIMIT:
            raise LengthError(f"{name}: {len(content)} bytes, at most {SIZE_LIMIT} are read")
        nesting.check(content, name)
        try:
            document = msgspec.json.decode(content, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EncodingError(f"{name}: no record of a ceremony: {error}") from error
        if (document.kind, document.version) != (KIND, VERSION):
            raise EncodingError(
                f"{name}: {document.kind[:40]!r} version {document.version}, expected {KIND!r} {VERSION}"
            )
        circuit, powers = document.circuit, document.powers
        for text in (
            *(document.circuit_hash, document.contributions, document.zkey, document.verification_key),
            *(circuit.r1cs, circuit.digest, powers.sha256, *(c.response for c in powers.contributions)),
        ):
            if not _HEX.fullmatch(text):
                raise EncodingError(f"{name}: a member is not lower-case hexadecimal")
        if not _CIRCUIT.fullmatch(circuit.name):
            raise EncodingError(f"{name}: {circuit.name[:40]!r} is no name of a circuit")
        record = cls(
            document.circuit,
            document.powers,
            bytes.fromhex(document.circuit_hash),
            ceremony.decode(bytes.fromhex(document.contributions), name),
            document.zkey,
            document.verification_key,
        )
        if record.encode() != content:
            raise EncodingError(f"{name}: not the one encoding of this record")
        return record

    def refusals(self, key: VerifyingKey) -> tuple[str, ...]:
        """Why this record does not vouch for a key, one sentence each, none if it does."""
        if key.digest() != self.verification_key:
            return (f"the ceremony record is of the key {self.verification_key}, not of {key.digest()}",)
        if not self.contributions:
            return ("the ceremony record has no contribution",)
        reasons = list(ceremony.broken_chain(key, self.circuit_hash, self.contributions))
        chains = zip(ceremony.DELTAS, ceremony.deltas_of(key), ceremony.left(key, self.contributions), strict=False)
        for words, delta, last in chains:
            if not same_ratio((G1.generator(), last), (G2.generator(), delta)):
                reasons.append(f"{words} of the key is not what the last contribution left")
            if last == G1.generator():
                reasons.append(f"{words} is that of the key before contributions")
        return tuple(f"ceremony record: {words}" for words in reasons)

    def vouched(self, key: VerifyingKey) -> VerifyingKey:
        """The key as VERIFIED. EncodingError if this record does not vouch for it."""
        for reason in self.refusals(key):
            raise EncodingError(reason)
        return replace(key, setup=SetupStatus.VERIFIED)
