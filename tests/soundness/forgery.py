"""Invalid proofs of real statements, made from honest ones: each must be refused as malformed or found false."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from circuits import catalogue
from circuits.proving import proving_key
from tests.soundness.statements import circuit_of, honest
from zkstate.algebra.bn254 import G1, G2
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FP_MODULUS, FR_MODULUS
from zkstate.proof.groth16 import Proof, prove, verify
from zkstate.proof.keys import ProvingKey, VerifyingKey

Words = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """An honest proof with what it proves, as anyone sees them."""

    public: tuple[int, ...]
    words: Words


@dataclass(frozen=True, slots=True)
class Forgery:
    kind: str
    public: tuple[int, ...]
    words: Words


def honest_proofs(name: str, rows: int, seed: int, count: int) -> tuple[VerifyingKey, tuple[Signed, ...]]:
    """Proofs about different accounts, epochs and contexts, each accepted, under the statement's known key."""
    circuit, key = circuit_of(name, rows), _key(name, rows)
    found = []
    for inputs in honest(name, rows, seed, count):
        witness = circuit.solve(inputs)
        proof = prove(key, witness.values)
        public = tuple(witness.public_inputs)
        assert verify(key.vk, public, proof), "an honest proof is refused"
        found.append(Signed(public, proof.evm_words()))
    return key.vk, tuple(found)


@cache
def _key(name: str, rows: int) -> ProvingKey:
    return proving_key(catalogue.get(name, rows), circuit_of(name, rows))


def forgeries(proofs: Sequence[Signed], rng: random.Random) -> Iterator[Forgery]:
    """Endless invalid proofs, a kind at a time in turn."""
    kinds = (
        _flipped_proof, _flipped_input, _changed_input, _other_inputs, _spliced_inputs, _swapped_points,
        _spliced_points, _negated, _other_point, _alias, _shuffled_inputs, _wrong_count,
    )  # fmt: skip
    while True:
        for kind in kinds:
            one, other = rng.sample(list(proofs), 2)
            public, words = map(tuple, kind(one, other, rng))
            if (public, words) not in {(proof.public, proof.words) for proof in proofs}:
                yield Forgery(kind.__name__.strip("_").replace("_", " "), public, words)


def judged(vk: VerifyingKey, forgery: Forgery) -> str:
    """accepted, false, or malformed."""
    try:
        return "accepted" if verify(vk, forgery.public, Proof.from_evm_words(forgery.words)) else "false"
    except (EncodingError, LengthError):
        return "malformed"


def tally(name: str, rows: int, seed: int, count: int) -> tuple[Counter[str], Counter[str]]:
    """(verdicts, kinds accepted) of `count` forgeries."""
    vk, proofs = honest_proofs(name, rows, seed, 6)
    rng = random.Random(f"forgery {name} {seed}")
    verdicts: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    for _, forgery in zip(range(count), forgeries(proofs, rng), strict=False):
        verdict = judged(vk, forgery)
        verdicts[verdict] += 1
        if verdict == "accepted":
            accepted[forgery.kind] += 1
    return verdicts, accepted


def _flipped_proof(one: Signed, _: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    words = list(one.words)
    words[rng.randrange(8)] ^= 1 << rng.randrange(256)
    return one.public, words


def _flipped_input(one: Signed, _: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    public = list(one.public)
    public[rng.randrange(len(public))] ^= 1 << rng.randrange(254)
    return public, one.words


def _changed_input(one: Signed, _: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    public = list(one.public)
    i = rng.randrange(len(public))
    public[i] = rng.choice([public[i] + 1, public[i] - 1, rng.randrange(FR_MODULUS), 0, 1]) % FR_MODULUS
    return public, one.words


def _other_inputs(one: Signed, other: Signed, _: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    """The proof of one account for what another proved."""
    return other.public, one.words


def _spliced_inputs(one: Signed, other: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    """The root of another epoch, the context of another proof, or a parameter of another claim."""
    public = list(one.public)
    i = rng.randrange(len(public))
    public[i] = other.public[i]
    return public, one.words


def _swapped_points(one: Signed, _: Signed, __: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    return one.public, one.words[6:] + one.words[2:6] + one.words[:2]


def _spliced_points(one: Signed, other: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    begin, end = rng.choice([(0, 2), (2, 6), (6, 8), (0, 6), (2, 8)])
    return one.public, one.words[:begin] + other.words[begin:end] + one.words[end:]


def _negated(one: Signed, _: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    """A or B or C negated. A and B together would be another proof of the same."""
    words = list(one.words)
    for i in rng.choice([(1,), (4, 5), (7,), (1, 7), (4, 5, 7)]):
        words[i] = -words[i] % FP_MODULUS
    return one.public, words


def _other_point(one: Signed, _: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    k = rng.randrange(1, FR_MODULUS)
    if rng.randrange(3) == 0:
        return one.public, one.words[:2] + (G2.generator() * k).evm_words() + one.words[6:]
    begin = rng.choice([0, 6])
    return one.public, one.words[:begin] + (G1.generator() * k).evm_words() + one.words[begin + 2 :]


def _alias(one: Signed, _: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    public = list(one.public)
    public[rng.randrange(len(public))] += rng.choice([1, 2, 3, 4]) * FR_MODULUS
    return public, one.words


def _shuffled_inputs(one: Signed, _: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    public = list(one.public)
    rng.shuffle(public)
    return public, one.words


def _wrong_count(one: Signed, _: Signed, rng: random.Random) -> tuple[Sequence[int], Sequence[int]]:
    return rng.choice([one.public[:-1], (*one.public, 0), one.public[1:], ()]), one.words
