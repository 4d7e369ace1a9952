"""Groth16 over BN254: prove, verify, and many at once of either.

Source: Groth 2016 (eprint 2016/260), section 3.2; batch verification after Bellare, Garay, Rabin 1998, small exponents.
A proof can be re-randomised by anyone, so its bytes never identify a statement and never serve as a nullifier.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from zkstate.algebra.bn254 import G1, G1_EIGENVALUE, G2
from zkstate.errors import EncodingError, EnvironmentFailure, InputError, LengthError, WitnessError
from zkstate.kernels import (
    FR_BYTES,
    FR_MODULUS,
    FixedPairing,
    FrVec,
    G1Vec,
    G2Vec,
    msm_g1,
    msm_g2,
    pairing_check,
    quotient,
    sparse_product,
    thread_count,
    wipe,
)
from zkstate.proof import json_form
from zkstate.proof.keys import ProvingKey, VerifyingKey

Random = Callable[[int], bytes]
EVM_WORDS = 8
G1_BYTES = 64
_R_BYTES = FR_MODULUS.to_bytes(FR_BYTES, "big")
_MAX_DRAWS = 256


@dataclass(frozen=True, slots=True)
class Proof:
    """A and C in G1, B in G2, none of them infinity: EncodingError otherwise.

    An honest proof holds infinity with probability 2^-252. JSON cannot say it here (the third coordinate is one), and
    where the EVM reads zeros as infinity the equation fails unless the trapdoor is known. Refusing it everywhere keeps
    all readers of one mind.
    """

    a: G1
    b: G2
    c: G1

    def __post_init__(self) -> None:
        for title, point in (("A", self.a), ("B", self.b), ("C", self.c)):
            if point.is_infinity:
                raise EncodingError(f"proof: {title} is the point at infinity")

    @classmethod
    def from_json(cls, content: bytes | str, name: str = "proof") -> Proof:
        """Read a `proof.json` of snarkjs. Errors: EncodingError, LengthError name the member."""
        value = json_form.parse(content, name)
        json_form.expect(value, "protocol", json_form.PROTOCOL, name)
        json_form.expect(value, "curve", json_form.CURVE, name)
        return cls(
            json_form.g1(json_form.member(value, "pi_a", name), f"{name}: pi_a"),
            json_form.g2(json_form.member(value, "pi_b", name), f"{name}: pi_b"),
            json_form.g1(json_form.member(value, "pi_c", name), f"{name}: pi_c"),
        )

    def to_json(self) -> str:
        """The `proof.json` that snarkjs reads, laid out as it writes it."""
        return json_form.render(
            {
                "pi_a": self.a.to_json(),
                "pi_b": self.b.to_json(),
                "pi_c": self.c.to_json(),
                "protocol": json_form.PROTOCOL,
                "curve": json_form.CURVE,
            }
        )

    @classmethod
    def from_evm_words(cls, words: Sequence[int]) -> Proof:
        """From the eight words of `evm_words`. Errors: LengthError, EncodingError."""
        if len(words) != EVM_WORDS:
            raise LengthError(f"proof: {len(words)} words, expected {EVM_WORDS}")
        return cls(G1.from_evm_words(words[:2]), G2.from_evm_words(words[2:6]), G1.from_evm_words(words[6:]))

    def evm_words(self) -> tuple[int, ...]:
        """a.x a.y, b.x.c1 b.x.c0 b.y.c1 b.y.c0, c.x c.y: the arguments of a verifier contract."""
        return (*self.a.evm_words(), *self.b.evm_words(), *self.c.evm_words())


def verify(vk: VerifyingKey, public_inputs: Sequence[int], proof: Proof, *, allow_fresh: bool = False) -> bool:
    """Whether e(A, B) = e(alpha, beta) · e(IC_0 + sum p_s IC_s, gamma) · e(C, delta).

    Errors: LengthError for a wrong number of inputs, EncodingError for one not in [0, r), InputError for a FRESH key.
    """
    vk.check_usable("verifying", allow_fresh)
    check_inputs(vk, public_inputs, json_form.PROTOCOL)
    bound = msm_g1(vk.ic_points(), FrVec.from_ints([1, *public_inputs]), threads=1)
    with_fixed = -G1Vec.concat([bound, proof.c.vec()])
    return _prepared(vk).check(proof.a.vec(), proof.b.vec(), with_fixed, threads=1)


@lru_cache(maxsize=32)
def _prepared(vk: VerifyingKey) -> FixedPairing[G1Vec, G2Vec]:
    """The lines of gamma and delta, and e(alpha, beta)."""
    return FixedPairing(G2Vec.concat([vk.gamma.vec(), vk.delta.vec()]), (vk.alpha.vec(), vk.beta.vec()))


def verify_batch(
    vk: VerifyingKey,
    statements: Sequence[tuple[Sequence[int], Proof]],
    rng: Random = os.urandom,
    *,
    allow_fresh: bool = False,
) -> bool:
    """Whether every (public inputs, proof) is accepted under one key: one product of n + 3 pairings.

    Each equation is raised to its own random power 1 + k + l·lambda with k, l below 2^64 and all are multiplied. These
    are 2^128 different powers modulo r, as k + l·lambda = 0 has no solution of that size but 0: a false equation passes
    with probability 2^-128 (Bellare, Garay, Rabin 1998, section 3). It does not say which proof is false.
    Errors: as `verify`; LengthError for no statements, since nothing would have been verified.
    """
    vk.check_usable("verifying", allow_fresh)
    if not statements:
        raise LengthError("no proofs to verify")
    for inputs, _ in statements:
        check_inputs(vk, inputs, json_form.PROTOCOL)
    powers = random_powers(len(statements), rng)
    left, right = combined(vk, [inputs for inputs, _ in statements], [p for _, p in statements], powers)
    return pairing_check(G1Vec.concat(left), G2Vec.concat(right))


def combined(
    vk: VerifyingKey, inputs: Sequence[Sequence[int]], proofs: Sequence[Proof], powers: FrVec
) -> tuple[list[G1Vec], list[G2Vec]]:
    """Both sides of the pairings that are all equations at once, each raised to its power."""
    total = powers.dot(FrVec.ones(len(powers)))
    columns = zip(*inputs, strict=True)
    sums = FrVec.from_ints([total, *(powers.dot(FrVec.from_ints(column)) for column in columns)])
    a, c = (
        G1Vec.from_raw(b"".join(point.raw for point in column), check=False)
        for column in ([p.a for p in proofs], [p.c for p in proofs])
    )
    b = G2Vec.from_raw(b"".join(p.b.raw for p in proofs), check=False)
    left = [
        a.scale_each(powers),
        (vk.alpha * -total).vec(),
        -msm_g1(vk.ic_points(), sums),
        -msm_g1(c, powers),
    ]
    return left, [b, vk.beta.vec(), vk.gamma.vec(), vk.delta.vec()]


def random_powers(n: int, rng: Random) -> FrVec:
    """n scalars 1 + k + l·lambda, which the endomorphism of G1 makes half as long to multiply by."""
    limbs = np.zeros((2, n, 4), dtype=np.uint64)
    limbs[:, :, 0] = np.frombuffer(rng(16 * n), dtype="<u8").reshape(2, n)
    k, l = map(FrVec.from_limbs, limbs)
    return FrVec.ones(n) + k + l.scale(G1_EIGENVALUE)


def check_inputs(vk: VerifyingKey, public_inputs: Sequence[int], protocol: str) -> None:
    """InputError for a key of another protocol, LengthError and EncodingError for inputs that are none of it."""
    if vk.protocol != protocol:
        raise InputError(f"the key is one of {vk.protocol}, and the proof of {protocol}")
    if len(public_inputs) != vk.n_public:
        raise LengthError(f"{len(public_inputs)} public inputs, the key takes {vk.n_public}")
    for i, value in enumerate(public_inputs):
        if not 0 <= value < FR_MODULUS:
            raise EncodingError(f"public input {i} is {value}, not in [0, r): aliases of a value are refused")


def prove(
    pk: ProvingKey, witness: FrVec, rng: Random = os.urandom, *, allow_fresh: bool = False, threads: int = 0
) -> Proof:
    """A proof that `witness` satisfies the circuit of the key, which shows nothing but its public wires 1..n_public.

    With `pk.matrix_c` a bad witness is refused by row before the work, otherwise by verifying the finished proof, which
    happens in any case: a proof made by a faulty machine can leak the witness.
    The witness stays the caller's to wipe; everything derived from it is wiped here, except what `rng` itself returned.
    Errors: LengthError, WitnessError; InputError for a FRESH key.
    """
    pk.vk.check_usable("proving", allow_fresh)
    if pk.vk.protocol != json_form.PROTOCOL:
        raise InputError(f"the key is one of {pk.vk.protocol}: its proofs commit to wires, which `mirage` does")
    if len(witness) != pk.n_wires:
        raise LengthError(f"a witness of {len(witness)} values, the key has {pk.n_wires} wires")
    if witness[0] != 1:
        raise WitnessError("wire 0 of the witness is not the constant 1")
    proof = assemble(pk, witness, rng, threads)
    public_inputs = witness.slice(1, pk.n_public + 1).to_ints()
    if not verify(pk.vk, public_inputs, proof, allow_fresh=allow_fresh):
        raise WitnessError("the witness does not satisfy the circuit of this key: the proof made of it is false")
    return proof


def prove_many(
    pk: ProvingKey,
    witnesses: Iterable[FrVec],
    rng: Random = os.urandom,
    *,
    allow_fresh: bool = False,
    threads: int = 0,
) -> Iterator[Proof]:
    """The proofs of many witnesses under one key, in order: one thread each, so that no core waits for another.

    A witness is taken when a thread is free for it, so at most `threads` of them are in work. `rng` must allow calls
    from several threads. Errors: as `prove`, when the turn of the bad witness comes; the proofs after it are not made.
    """
    workers = thread_count(threads)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Proof]] = deque()
        try:
            for witness in witnesses:
                if len(waiting) == workers:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(prove, pk, witness, rng, allow_fresh=allow_fresh, threads=1))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _quotient(pk: ProvingKey, witness: FrVec, threads: int, row_title: Callable[[int], str]) -> FrVec:
    """h_i = a·b − c at the odd points v^(2i+1) of the domain of twice the size, v^2 = w, where section H is the basis.

    On the domain itself a·b = c, so these values are all of a·b − c: no division by the vanishing polynomial.
    """
    a, b = (sparse_product(m, m.pool, witness, threads) for m in (pk.matrix_a, pk.matrix_b))
    try:
        if pk.matrix_c is not None:
            _check_rows(a * b, sparse_product(pk.matrix_c, pk.matrix_c.pool, witness, threads), row_title)
        return quotient(a, b, threads)
    finally:
        wipe(a)
        wipe(b)


def _check_rows(product: FrVec, claimed: FrVec, row_title: Callable[[int], str]) -> None:
    """Refuse a witness with (A·w)(B·w) ≠ C·w in some row, naming the first."""
    left, right = (np.frombuffer(v.raw(), dtype="<u8").reshape(-1, 4) for v in (product, claimed))
    broken = np.flatnonzero((left != right).any(axis=1))
    wipe(product)
    wipe(claimed)
    if len(broken):
        raise WitnessError(f"the witness breaks {len(broken)} rows of the circuit, {row_title(int(broken[0]))} first")


def assemble(
    pk: ProvingKey, witness: FrVec, rng: Random, threads: int, row_title: Callable[[int], str] = "row {}".format
) -> Proof:
    """A = rho A', B = (B' + sigma delta) / rho, C = sum_secret w_i C_i + sum h_i H_i + sigma A', of
    A' = alpha + sum w_i A_i and B' = beta + sum w_i B_i. Committed wires are left out of C.

    Section 3.2 blinds A by adding rho delta, which takes sum w_i B_i in G1 for C. This re-randomises the proof with
    both blinding scalars 0 instead (Baghery, Kohlweiss, Siim, Volkhov 2021, eprint 2020/811). What comes out is the
    same: A is uniform but for infinity, B uniform, whatever the witness, and C the one point that the equation leaves.
    Errors: WitnessError names the first broken row by its title.
    """
    hidden = [_quotient(pk, witness, threads, row_title)]
    try:
        hidden += [random_scalar(rng), random_scalar(rng)]
        h, rho, sigma = hidden
        hidden += [rho.inverse(), witness.slice(pk.n_public + 1 + pk.n_committed, pk.n_wires)]
        *_, over_rho, secret = hidden
        points_c = memoryview(pk.points_c)[G1_BYTES * pk.n_committed :]
        a, c, quotient = (
            G1Vec.msm_in_place(section, scalars, threads)
            for section, scalars in ((pk.points_a, witness), (points_c, secret), (pk.points_h, h))
        )
        b = G2Vec.msm_in_place(pk.points_b2, witness, threads)
        a = pk.vk.alpha.vec() + a
        b = pk.vk.beta.vec() + b + msm_g2(pk.vk.delta.vec(), sigma)
        c = c + quotient + msm_g1(a, sigma)
        return Proof(G1.from_vec(msm_g1(a, rho)), G2.from_vec(msm_g2(b, over_rho)), G1.from_vec(c))
    finally:
        for values in hidden:
            wipe(values)


def random_scalar(rng: Random) -> FrVec:
    """One uniform scalar other than 0, by rejection: 254 random bits are below r three times in four."""
    for _ in range(_MAX_DRAWS):
        draw = bytearray(rng(FR_BYTES))
        draw[0] &= 0x3F
        try:
            if any(draw) and draw < _R_BYTES:
                return FrVec.from_bytes(draw)
        finally:
            draw[:] = bytes(FR_BYTES)
    raise EnvironmentFailure(f"the random source gave no scalar in {_MAX_DRAWS} draws: it is broken")
