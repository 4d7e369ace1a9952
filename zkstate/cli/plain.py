"""A Groth16 proof of any circuit, as the three JSON files of snarkjs: the little that it shows, and what it does not.

What a circuit states is known to whoever wrote it. All that can be said here is that somebody knew a witness of the
circuit that the key is of, and which values its public wires had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from circuits.attestation import CEREMONY_REQUIRED, KEY_FILE, PROOF_FILE, PUBLIC_FILE
from circuits.keys import known, status_of
from zkstate.cli.named import read_named
from zkstate.cli.terminal import Terminal, show_judgement
from zkstate.cli.verdict import SECURITY, setup_result, setup_text
from zkstate.proof import json_form
from zkstate.proof.groth16 import Proof, verify
from zkstate.proof.json_form import SIZE_LIMIT
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.proof.record import CeremonyRecord
from zkstate.publication.regular import read_below

FILES = (KEY_FILE, PUBLIC_FILE, PROOF_FILE)
SHOWN = "somebody knew a witness of the circuit of this key, with these public inputs"
NOT_SHOWN = (
    "what the public inputs mean, or what the circuit states: that is for whoever wrote it to say",
    "anything about a venue: no header, claim or context is checked",
    "that the proof was made for you: anyone may show it again",
)


def read_key(path: Path) -> VerifyingKey:
    """A `verification_key.json` that the user named."""
    return VerifyingKey.from_json(read_named(path, SIZE_LIMIT), str(path))


@dataclass(frozen=True, slots=True)
class PlainProof:
    """A well-formed key, public inputs and proof, true or not."""

    key: VerifyingKey
    public_inputs: tuple[int, ...]
    proof: Proof

    @classmethod
    def decode(cls, contents: Sequence[bytes], names: Sequence[str] = FILES) -> PlainProof:
        """Read key, public inputs and proof. Errors: EncodingError and LengthError, naming the file."""
        key, public, proof = contents
        return cls(
            VerifyingKey.from_json(key, names[0]),
            json_form.public_inputs(public, names[1]),
            Proof.from_json(proof, names[2]),
        )

    @classmethod
    def read(cls, *paths: Path) -> PlainProof:
        """The three files that a user named. Errors as `decode` and `read_named`."""
        return cls.decode([read_named(path, SIZE_LIMIT) for path in paths], [str(path) for path in paths])

    @classmethod
    def below(cls, folder: Path) -> PlainProof:
        """The three files in a folder. Errors as `decode` and `read_below`."""
        return cls.decode([read_below(folder, name, SIZE_LIMIT) for name in FILES])

    def encode(self) -> dict[str, bytes]:
        """The three files by name, as snarkjs writes them. InputError for a FRESH key."""
        contents = self.key.to_json(), json_form.public_to_json(self.public_inputs), self.proof.to_json()
        return {name: content.encode() for name, content in zip(FILES, contents, strict=True)}

    def result(self) -> dict[str, object]:
        """Public inputs and key, in JSON."""
        return {
            "kind": "groth16",
            "public_inputs": [str(value) for value in self.public_inputs],
            "key_digest": self.key.digest(),
            "setup": setup_result(self.key.setup),
        }

    def facts(self) -> list[tuple[str, str]]:
        """Public inputs and key, for people."""
        return [
            ("public inputs", ", ".join(map(str, self.public_inputs)) or "none"),
            ("key", f"digest {self.key.digest()}"),
            ("setup", setup_text(self.key.setup)),
        ]


@dataclass(frozen=True, slots=True)
class PlainVerdict:
    """A judged `PlainProof`, its key's setup as it was found; why it is rejected; and who vouches for the key, if any.

    `key_named`: whether the verifier named or pinned the key, rather than take it from beside the proof.
    """

    plain: PlainProof
    reasons: tuple[str, ...]
    record: CeremonyRecord | None
    key_named: bool

    @property
    def accepted(self) -> bool:
        return not self.reasons

    @property
    def circuit(self) -> str:
        """Which circuit the key is of, as far as anything says so."""
        digest = self.plain.key.digest()
        name = next((name for name, each in known().items() if each.verification_key == digest), "")
        if name:
            return f"{name} of this version, but no claim, header or context is beside the proof"
        if self.record is None:
            return "unknown to this program"
        recorded = self.record.circuit
        name = f"{recorded.name}, " if recorded.name else ""
        return f"{name}r1cs digest {recorded.r1cs}, by the ceremony record"

    @property
    def not_shown(self) -> tuple[str, ...]:
        """What a reader might take for shown, and is not."""
        found = list(NOT_SHOWN)
        if not (self.key_named or self.record):
            found.append(
                "that the key is of a circuit you know: it came with the proof; pin one with --key or --ceremony"
            )
        if not self.plain.key.setup.trusted:
            found.append(f"anything, to those who rely on the key: it is {setup_text(self.plain.key.setup)}")
        return tuple(found)

    def emit(self, terminal: Terminal) -> None:
        """The judgement, why, and the facts."""
        shows = SHOWN if self.accepted else "nothing"
        if self.accepted and not self.plain.key.setup.trusted:
            shows += ", if nobody knows the trapdoor of its key"
        result = {
            "verb": "verify",
            **self.plain.result(),
            "accepted": self.accepted,
            "reasons": list(self.reasons),
            "shows": shows,
            "circuit": self.circuit,
            "security": SECURITY,
            "not_shown": list(self.not_shown),
        }
        facts = [
            ("shows", shows),
            *self.plain.facts(),
            ("circuit", self.circuit),
            ("security", SECURITY),
            *(("not shown" if i == 0 else "", words) for i, words in enumerate(self.not_shown)),
        ]
        terminal.emit(result, lambda console: show_judgement(console, self.accepted, self.reasons, facts))


def judge(
    plain: PlainProof, pinned: str | None, record: CeremonyRecord | None, *, key_named: bool, allow_insecure: bool
) -> PlainVerdict:
    """Judge a proof by the digest of a key and by a ceremony record, each where the verifier gave one.

    Errors: LengthError for another number of inputs than the key takes; InputError for a FRESH key.
    """
    key, reasons = plain.key, list[str]()
    if not verify(key, plain.public_inputs, plain.proof):
        reasons.append("the proof does not satisfy the verification equation")
    if pinned is not None and pinned != key.digest():
        reasons.append(f"the key has digest {key.digest()}, not the expected {pinned}")
    setup, refusals = status_of(key), () if record is None else record.refusals(key)
    if record is not None:
        reasons += refusals
        setup = setup if refusals else SetupStatus.VERIFIED
    elif not (setup.trusted or allow_insecure):
        reasons.append(f"the key is {setup_text(setup)}; {CEREMONY_REQUIRED}")
    judged = replace(plain, key=replace(key, setup=setup))
    return PlainVerdict(judged, tuple(reasons), None if refusals else record, key_named or pinned is not None)
