"""Mirage over BN254: Groth16 with one point more, which commits to wires before challenges that the circuit reads.

    e(A, B) = e(alpha, beta) e(IC_0 + Σ p_s IC_s, gamma) e(D, delta') e(C, delta)

D commits to the first phase of an `Unrolled` circuit, and the challenges are a hash of it and of the statement; so a
circuit may look up what Groth16 has to take apart. Source: Kosba, Papadopoulos, Papamanthou and Song 2020, "MIRAGE"
(eprint 2020/278), section 4; the argument for this form, in the algebraic group model, is in docs/soundness.md.
No tool of circom reads these proofs or keys.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from zkstate.algebra.bn254 import G1
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.unrolled import CHALLENGES, Unrolled
from zkstate.errors import EncodingError, InputError, LengthError, WitnessError
from zkstate.kernels import FixedPairing, FrVec, G1Vec, G2Vec, msm_g1, pairing_check, wipe
from zkstate.proof import groth16, json_form
from zkstate.proof.groth16 import G1_BYTES, Random, assemble, check_inputs, combined, random_powers, random_scalar
from zkstate.proof.keys import ProvingKey, VerifyingKey
from zkstate.proof.transparent.transcript import Transcript

PROTOCOL, PERSON = b"zkstate mirage v1", b"zkstate mirage"
EVM_WORDS = groth16.EVM_WORDS + 2
_WORD = 32


@dataclass(frozen=True, slots=True)
class Proof:
    """What Groth16 has, and D in G1, which is not infinity either: EncodingError otherwise."""

    rest: groth16.Proof
    d: G1

    def __post_init__(self) -> None:
        if self.d.is_infinity:
            raise EncodingError("proof: D is the point at infinity")

    @classmethod
    def from_evm_words(cls, words: Sequence[int]) -> Proof:
        """From the ten words of `evm_words`. Errors: LengthError, EncodingError."""
        if len(words) != EVM_WORDS:
            raise LengthError(f"proof: {len(words)} words, expected {EVM_WORDS}")
        rest = groth16.Proof.from_evm_words(words[: groth16.EVM_WORDS])
        return cls(rest, G1.from_evm_words(words[groth16.EVM_WORDS :]))

    def evm_words(self) -> tuple[int, ...]:
        """Those of A, B and C as Groth16 has them, then d.x d.y."""
        return (*self.rest.evm_words(), *self.d.evm_words())


@dataclass(frozen=True)
class Statement:
    """What a proof is about: the public inputs that all blocks share, and the known values, item by item.

    `digests` may be given where a caller has them: those of `digest_of` each item.
    """

    public: FrVec
    known: tuple[FrVec, ...]
    digests: tuple[bytes, ...] = ()

    @cached_property
    def digest(self) -> bytes:
        """BLAKE2b-256 of the digests of all items, one behind another."""
        digests = self.digests or tuple(map(digest_of, self.known))
        if len(digests) != len(self.known):
            raise LengthError(f"{len(digests)} digests of {len(self.known)} items of known values")
        return _hash(b"".join(digests))

    def inputs(self, challenges: Sequence[int]) -> list[int]:
        """The public inputs of the circuit: those of the block, the challenges, and what the known values come to."""
        at = challenges[CHALLENGES.index("at")]
        # not kept: a verifier holds many statements at once, whose items are shared
        return [*self.public.to_ints(), *challenges, FrVec.concat([FrVec(0), *self.known]).evaluate(at)]


def digest_of(item: FrVec) -> bytes:
    """BLAKE2b-256 of one item of known values, each as 32 bytes, big-endian."""
    return _hash(item.to_bytes())


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=32, person=PERSON).digest()


def challenges_of(vk: VerifyingKey, statement: Statement, d: G1) -> list[int]:
    """What the circuit reads, drawn from the key, the statement and D."""
    transcript = Transcript(PROTOCOL, bytes.fromhex(vk.digest()), statement.digest, statement.public)
    transcript.absorb("D", b"".join(word.to_bytes(_WORD) for word in d.evm_words()))
    return transcript.challenges("tables", len(CHALLENGES))


def verify(vk: VerifyingKey, statement: Statement, proof: Proof, *, allow_fresh: bool = False) -> bool:
    """Whether the equation holds for the inputs of this statement at the challenges that D leads to.

    Errors: InputError for a FRESH key or one of Groth16, LengthError for a statement of other inputs.
    """
    vk.check_usable("verifying", allow_fresh)
    inputs = _inputs(vk, statement, proof)
    bound = msm_g1(vk.ic_points(), FrVec.from_ints([1, *inputs]), threads=1)
    with_fixed = -G1Vec.concat([bound, proof.rest.c.vec(), proof.d.vec()])
    return _prepared(vk).check(proof.rest.a.vec(), proof.rest.b.vec(), with_fixed, threads=1)


def _inputs(vk: VerifyingKey, statement: Statement, proof: Proof) -> list[int]:
    if vk.delta_committed is None:
        raise InputError(f"the key is one of {vk.protocol}, and the proof of {json_form.MIRAGE}")
    inputs = statement.inputs(challenges_of(vk, statement, proof.d))
    check_inputs(vk, inputs, json_form.MIRAGE)
    return inputs


@lru_cache(maxsize=32)
def _prepared(vk: VerifyingKey) -> FixedPairing[G1Vec, G2Vec]:
    """The lines of gamma and both deltas, and e(alpha, beta)."""
    assert vk.delta_committed is not None
    fixed = G2Vec.concat([vk.gamma.vec(), vk.delta.vec(), vk.delta_committed.vec()])
    return FixedPairing(fixed, (vk.alpha.vec(), vk.beta.vec()))


def verify_batch(
    vk: VerifyingKey,
    statements: Sequence[tuple[Statement, Proof]],
    rng: Random = os.urandom,
    *,
    allow_fresh: bool = False,
) -> bool:
    """Whether all are accepted under one key: one product of n + 4 pairings, as `groth16.verify_batch` makes it.

    A false one passes with probability 2^-128. Errors: as `verify`; LengthError for no statements.
    """
    vk.check_usable("verifying", allow_fresh)
    if not statements:
        raise LengthError("no proofs to verify")
    inputs = [_inputs(vk, *each) for each in statements]
    powers = random_powers(len(statements), rng)
    left, right = combined(vk, inputs, [proof.rest for _, proof in statements], powers)
    d = G1Vec.from_raw(b"".join(proof.d.raw for _, proof in statements), check=False)
    assert vk.delta_committed is not None
    return pairing_check(G1Vec.concat([*left, -msm_g1(d, powers)]), G2Vec.concat([*right, vk.delta_committed.vec()]))


def prove(
    pk: ProvingKey,
    circuit: Unrolled,
    witness: BlockWitness,
    rng: Random = os.urandom,
    *,
    allow_fresh: bool = False,
    threads: int = 0,
) -> Proof:
    """A proof that shows nothing of a witness but that it satisfies the circuit with these public and known values.

    A bad witness is refused by row before most of the work, and the finished proof is verified in any case. The witness
    stays the caller's to wipe. Errors: LengthError, WitnessError; InputError for a FRESH key or one of Groth16.
    """
    pk.vk.check_usable("proving", allow_fresh)
    if pk.committed_1 is None:
        raise InputError(f"the key is one of {pk.vk.protocol}: its proofs commit to no wires")
    if (pk.n_wires, pk.n_public, pk.n_committed) != (circuit.n_wires, circuit.n_public, circuit.n_committed):
        raise LengthError(
            f"the circuit has {circuit.n_wires} wires, {circuit.n_public} public and {circuit.n_committed} committed; "
            f"the key {pk.n_wires}, {pk.n_public} and {pk.n_committed}"
        )
    statement = Statement(witness.public, tuple(circuit.block.known_values(witness.columns, circuit.blocks)))
    first, kappa = circuit.committed(witness), random_scalar(rng)
    everything = FrVec(0)
    try:
        points = memoryview(pk.points_c)[: G1_BYTES * pk.n_committed]
        d = G1.from_vec(G1Vec.msm_in_place(points, first, threads) + msm_g1(pk.delta_1.vec(), kappa))
        everything = circuit.complete(witness.public, first, challenges_of(pk.vk, statement, d), threads)
        rest = assemble(pk, everything, rng, threads, circuit.row_title)
        c = G1.from_vec(rest.c.vec() - msm_g1(pk.committed_1.vec(), kappa))
    finally:
        for secret in (first, kappa, everything):
            wipe(secret)
    proof = Proof(replace(rest, c=c), d)
    if not verify(pk.vk, statement, proof, allow_fresh=allow_fresh):
        raise WitnessError("the witness does not satisfy the circuit of this key: the proof made of it is false")
    return proof
