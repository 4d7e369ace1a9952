"""Transcript: every message of the prover in, every challenge of the verifier out (Fiat and Shamir 1986).

A chain of BLAKE2b-512: each step hashes the state before it, what kind of step it is, its label and its content with
their lengths, so no two different sequences of steps have one encoding.
"""

from __future__ import annotations

import hashlib

from zkstate.errors import LengthError
from zkstate.kernels import FR_MODULUS, FrVec

PERSON = b"zkstate trans v1"
_ABSORB, _SCALARS, _PLACES, _OUTPUT = b"\1", b"\2", b"\3", b"\4"
_WORD = 4


class Transcript:
    """Born with everything that both sides know: the protocol, the circuit, the parameters, the public inputs."""

    __slots__ = ("_state",)

    def __init__(self, protocol: bytes, circuit: bytes, parameters: bytes, public_inputs: FrVec) -> None:
        self._state = bytes(64)
        self.absorb("protocol", protocol)
        self.absorb("circuit", circuit)
        self.absorb("parameters", parameters)
        self.absorb_scalars("public inputs", public_inputs)

    def absorb(self, label: str, content: bytes) -> None:
        """Take in the bytes of one message."""
        self._step(_ABSORB, label, content)

    def absorb_scalars(self, label: str, scalars: FrVec) -> None:
        """Take in field elements, 32 bytes big-endian each."""
        self.absorb(label, scalars.to_bytes())

    def challenge(self, label: str) -> int:
        """One scalar, within 2^-257 of uniform."""
        return self.challenges(label, 1)[0]

    def challenges(self, label: str, count: int) -> list[int]:
        """So many scalars: 64 bytes each, taken mod r."""
        self._step(_SCALARS, label, count.to_bytes(8, "big"))
        return [int.from_bytes(self._output(i), "big") % FR_MODULUS for i in range(count)]

    def places(self, label: str, count: int, below: int) -> list[int]:
        """So many distinct places below a power of two, rising: 32-bit words in order, those seen before skipped."""
        if below & (below - 1) or not 0 < below <= 1 << 32 or count > below // 2:
            raise LengthError(f"{count} places below {below}: wanted at most half of a power of two up to 2^32")
        self._step(_PLACES, label, count.to_bytes(8, "big") + below.to_bytes(8, "big"))
        found: set[int] = set()
        block = 0
        while len(found) < count:
            output = self._output(block)
            block += 1
            for at in range(0, len(output), _WORD):
                if len(found) < count:
                    found.add(int.from_bytes(output[at : at + _WORD], "big") % below)
        return sorted(found)

    def _step(self, kind: bytes, label: str, content: bytes) -> None:
        name = label.encode()
        head = self._state + kind + len(name).to_bytes(8, "big") + name + len(content).to_bytes(8, "big")
        self._state = _hash(head + content)

    def _output(self, index: int) -> bytes:
        return _hash(self._state + _OUTPUT + index.to_bytes(8, "big"))


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, person=PERSON).digest()
