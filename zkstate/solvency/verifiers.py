"""What judges the batches of one circuit, in either proof system: proofs as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from zkstate.constraint import Circuit
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_BYTES
from zkstate.proof import groth16
from zkstate.proof.keys import VerifyingKey
from zkstate.proof.transparent import proof_file, verifier
from zkstate.proof.transparent.system import System

_WORDS = 8  # of a Groth16 proof

Stated = Sequence[tuple[list[int], bytes]]
"""Public inputs and a proof, of each batch."""


class Verifier(Protocol):
    """What judges the batches of one circuit."""

    @property
    def proof_bytes(self) -> int:
        """How long each proof is."""
        ...

    def holds(self, batches: Stated) -> list[bool]:
        """Whether each proof does; a malformed one does not."""
        ...


@dataclass(frozen=True)
class Transparent:
    """No key and no setup."""

    circuit: Circuit
    system: System

    @classmethod
    def of(cls, circuit: Circuit) -> Transparent:
        """For a circuit that the caller trusts."""
        return cls(circuit, System.of(circuit.r1cs))

    @property
    def proof_bytes(self) -> int:
        """As `Verifier`."""
        return proof_file.HEADER_BYTES + self.system.parameters.proof_bytes

    def holds(self, batches: Stated) -> list[bool]:
        """Each by itself."""
        return [self._holds(*batch) for batch in batches]

    def _holds(self, inputs: list[int], content: bytes) -> bool:
        try:
            return verifier.verify(self.system, inputs, proof_file.Proof.decode(content))
        except (EncodingError, LengthError):
            return False


@dataclass(frozen=True)
class Keyed:
    """Groth16 under one verification key: many proofs by one product of pairings."""

    key: VerifyingKey

    @property
    def proof_bytes(self) -> int:
        """As `Verifier`."""
        return _WORDS * FR_BYTES

    def holds(self, batches: Stated) -> list[bool]:
        """All at once; one by one only if that fails."""
        found = [_decoded(content) for _, content in batches]
        whole = [(inputs, proof) for (inputs, _), proof in zip(batches, found, strict=True) if proof is not None]
        if whole and groth16.verify_batch(self.key, whole):
            return [proof is not None for proof in found]
        return [
            proof is not None and groth16.verify(self.key, inputs, proof)
            for (inputs, _), proof in zip(batches, found, strict=True)
        ]


def encode_words(proof: groth16.Proof) -> bytes:
    """The eight words of a proof, as a contract takes them."""
    return b"".join(word.to_bytes(FR_BYTES) for word in proof.evm_words())


def _decoded(content: bytes) -> groth16.Proof | None:
    """The proof of eight words, or None."""
    if len(content) % FR_BYTES:
        return None
    words = [int.from_bytes(content[at : at + FR_BYTES]) for at in range(0, len(content), FR_BYTES)]
    try:
        return groth16.Proof.from_evm_words(words)
    except (EncodingError, LengthError):
        return None
