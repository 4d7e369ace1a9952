"""Groth16Verifier as its users call it: one key in a contract, and proofs checked by the EVM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.errors import LengthError
from zkstate.kernels import FP_MODULUS
from zkstate.proof.groth16 import Proof
from zkstate.proof.keys import VerifyingKey
from zkstate.registry.artefacts import artefact
from zkstate.registry.calls import deploy, read_words, word
from zkstate.registry.chain import WORD_BYTES, Chain, Receipt

CONTRACT = "Groth16Verifier"
MAX_INPUTS = 8


@dataclass(frozen=True, slots=True)
class ProofVerifier:
    """A deployed Groth16Verifier.

    Errors: RefusedError with the contract's reason; SourceError where a node does not deliver.
    """

    chain: Chain
    address: bytes

    @classmethod
    def deploy(cls, chain: Chain, key: VerifyingKey) -> tuple[ProofVerifier, Receipt]:
        """A new contract for a key of at most 8 public inputs. InputError for a key nobody contributed to."""
        if key.n_public > MAX_INPUTS:
            raise LengthError(f"the key has {key.n_public} public inputs; {CONTRACT} takes {MAX_INPUTS}")
        words = key.evm_words()
        points = (words[:2], *(_g2(words[at : at + 4]) for at in (2, 6, 10)), _pairs(words[14:]))
        digest = bytes.fromhex(key.digest())
        address, receipt = deploy(chain, CONTRACT, (*points, digest), _immutables(words, digest))
        return cls(chain, address), receipt

    def key_digest(self) -> str:
        """The digest of the key that the contract was made for, in hex."""
        return read_words(self.chain, self.address, CONTRACT, "KEY_DIGEST").hex()

    def is_valid(self, proof: Proof, public_inputs: Sequence[int]) -> bool:
        """Whether the contract finds a well-formed proof true. RefusedError if it finds it malformed."""
        contract = artefact(CONTRACT)
        answer = self.chain.call(self.address, _call_data("is_valid", proof, public_inputs))
        return bool(contract.results("is_valid", answer)[0])

    def verify(self, proof: Proof, public_inputs: Sequence[int]) -> Receipt:
        """Verify in a transaction, as a contract that pays out would; the receipt tells the gas.

        Errors: RefusedError, rule "proof is false", if it is.
        """
        return self.chain.transact(self.address, _call_data("verify", proof, public_inputs))


def proof_words(proof: Proof) -> tuple[Sequence[object], ...]:
    """A, B and C as the contracts take them."""
    words = proof.evm_words()
    return words[:2], _g2(words[2:6]), words[6:]


def _call_data(function: str, proof: Proof, public_inputs: Sequence[int]) -> bytes:
    return artefact(CONTRACT).call_data(function, *proof_words(proof), tuple(public_inputs))


def _immutables(words: Sequence[int], digest: bytes) -> dict[str, bytes | None]:
    """What the constructor makes of a key: alpha, gamma and delta negated, IC in the room for the longest."""

    def joined(numbers: Sequence[int]) -> bytes:
        return b"".join(map(word, numbers))

    def minus(numbers: Sequence[int]) -> list[int]:
        x, y = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
        return [*x, *(-each % FP_MODULUS for each in y)]

    ic = words[14:]
    return {
        "N_PUBLIC": word(len(ic) // 2 - 1),
        "KEY_DIGEST": digest,
        "MINUS_ALPHA_BETA": joined([*minus(words[:2]), *words[2:6]]),
        "MINUS_GAMMA": joined(minus(words[6:10])),
        "MINUS_DELTA": joined(minus(words[10:14])),
        "IC": joined([len(ic) // 2, *ic]).ljust(WORD_BYTES * (1 + 2 * (MAX_INPUTS + 1)), b"\0"),
    }


def _g2(words: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    return words[:2], words[2:]


def _pairs(words: Sequence[int]) -> tuple[Sequence[int], ...]:
    return tuple(words[at : at + 2] for at in range(0, len(words), 2))
