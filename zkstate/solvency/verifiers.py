"""What judges the batches of one circuit, in either proof system: proofs as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from zkstate.constraint.block_circuit import BlockCircuit
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_BYTES, FR_MODULUS
from zkstate.proof import groth16, mirage
from zkstate.proof.keys import VerifyingKey
from zkstate.proof.transparent import proof_file, verifier
from zkstate.proof.transparent.system import System
from zkstate.solvency.files import BatchFile
from zkstate.solvency.known import KnownValues
from zkstate.solvency.plan import Part
from zkstate.solvency.publics import Committed, Published

_WORDS = 1 + 8  # the commitment to reads, and a Groth16 proof

Batches = Sequence[tuple[Part, BatchFile]]


class Verifier(Protocol):
    """What judges the batches of one circuit."""

    @property
    def proof_bytes(self) -> int:
        """How long each proof is."""
        ...

    @property
    def digest(self) -> str:
        """What names the circuit, and the key if there is one."""
        ...

    def holds(self, published: Published, batches: Batches) -> list[bool]:
        """Whether each proof does; a malformed one does not."""
        ...


@dataclass(frozen=True)
class Transparent:
    """No key and no setup."""

    block: BlockCircuit
    system: System

    @classmethod
    def of(cls, block: BlockCircuit, log_blocks: int) -> Transparent:
        """For a circuit that the caller trusts."""
        return cls(block, System.of(block, log_blocks))

    @property
    def proof_bytes(self) -> int:
        """As `Verifier`."""
        return proof_file.HEADER_BYTES + self.system.parameters.proof_bytes

    @property
    def digest(self) -> str:
        """As `Verifier`."""
        return self.system.digest.hex()

    def holds(self, published: Published, batches: Batches) -> list[bool]:
        """Each by itself."""
        return [self._holds(published, *each) for each in batches]

    def _holds(self, published: Published, part: Part, batch: BatchFile) -> bool:
        try:
            proof = proof_file.Proof.decode(batch.proof)
        except (EncodingError, LengthError):
            return False
        return verifier.verify(self.system, (), proof, published.columns(part, batch.before, batch.after))


@dataclass(frozen=True)
class Committing:
    """Mirage under one verification key: many proofs by one product of pairings."""

    key: VerifyingKey
    known: KnownValues

    @property
    def proof_bytes(self) -> int:
        """As `Verifier`."""
        return mirage.EVM_WORDS * FR_BYTES

    @property
    def digest(self) -> str:
        """As `Verifier`."""
        return self.key.digest()

    def holds(self, published: Published, batches: Batches) -> list[bool]:
        """All at once; one by one only if that fails."""
        found = [self._read(published, *each) for each in batches]
        whole = [each for each in found if each is not None]
        if whole and mirage.verify_batch(self.key, whole):
            return [each is not None for each in found]
        return [each is not None and mirage.verify(self.key, *each) for each in found]

    def _read(self, published: Published, part: Part, batch: BatchFile) -> tuple[mirage.Statement, mirage.Proof] | None:
        """What the batch is about and its proof, or None for malformed bytes."""
        words = [int.from_bytes(batch.proof[at : at + FR_BYTES]) for at in range(0, len(batch.proof), FR_BYTES)]
        try:
            if len(batch.proof) != self.proof_bytes:
                return None
            proof = mirage.Proof.from_evm_words(words)
        except (EncodingError, LengthError):
            return None
        return self.known.statement(published, part, batch.before, batch.after), proof


@dataclass(frozen=True)
class Keyed:
    """Groth16 under one verification key: many proofs by one product of pairings."""

    key: VerifyingKey

    @property
    def proof_bytes(self) -> int:
        """As `Verifier`."""
        return _WORDS * FR_BYTES

    @property
    def digest(self) -> str:
        """As `Verifier`."""
        return self.key.digest()

    def holds(self, published: Published, batches: Batches) -> list[bool]:
        """All at once; one by one only if that fails."""
        proofs = [_decoded(batch) for _, batch in batches]
        stated = [(part, found[0]) for (part, _), found in zip(batches, proofs, strict=True) if found is not None]
        inputs = iter(published.inputs_of(stated))
        found = [None if proof is None else (next(inputs), proof[1]) for proof in proofs]
        whole = [each for each in found if each is not None]
        if whole and groth16.verify_batch(self.key, whole):
            return [each is not None for each in found]
        return [each is not None and groth16.verify(self.key, *each) for each in found]


def encode_words(proof: groth16.Proof | mirage.Proof) -> bytes:
    """The words of a proof, as a contract takes them."""
    return b"".join(word.to_bytes(FR_BYTES) for word in proof.evm_words())


def _decoded(batch: BatchFile) -> tuple[Committed, groth16.Proof] | None:
    """What the batch commits to and its proof, or None for malformed bytes."""
    content = batch.proof
    if len(content) % FR_BYTES or not content:
        return None
    reads, *words = (int.from_bytes(content[at : at + FR_BYTES]) for at in range(0, len(content), FR_BYTES))
    if reads >= FR_MODULUS:
        return None
    try:
        proof = groth16.Proof.from_evm_words(words)
    except (EncodingError, LengthError):
        return None
    return Committed(batch.before, batch.after, reads), proof
