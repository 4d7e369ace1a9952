"""Phase 2: contributions to the key of a circuit, and whether a key with its record is what they made of the powers.

A contribution with secret d turns delta into d delta and divides the points of sections C and H by d; its record
proves, on a point of G2 that hashes everything before it, that its author knew d. One author who erased d suffices.
Source: Bowe, Gabizon, Miers 2017 (eprint 2017/1050), section 7, in the form of snarkjs. It is not shown that anyone
erased anything, nor who the authors are; names are unchecked.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from zkstate.algebra.bn254 import G1, G2
from zkstate.constraint.r1cs import R1cs
from zkstate.errors import DisagreementError
from zkstate.kernels import FR_MODULUS, FrVec, G1Vec, wipe
from zkstate.proof.beacon import Stream, hash_to_g2
from zkstate.proof.container import Buffer
from zkstate.proof.contribution import MAX_CONTRIBUTIONS, Author, Reader, same_ratio
from zkstate.proof.keys import ProvingKey, SetupStatus, setup_status
from zkstate.proof.powers import Random, random_powers

HASH_BYTES = 64
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Contribution:
    """delta G1 after it, s and d s in G1, d times the point that `transcript` hashes to, the transcript's hash, who."""

    delta_after: G1
    g1_s: G1
    g1_sx: G1
    g2_spx: G2
    transcript: bytes
    author: Author

    def encode(self) -> bytes:
        points = (self.delta_after, self.g1_s, self.g1_sx, self.g2_spx)
        return b"".join(point.raw for point in points) + self.transcript + self.author.encode()

    def absorbed(self) -> bytes:
        """What the hashes of later contributions, and its own, take in."""
        points = (self.delta_after, self.g1_s, self.g1_sx, self.g2_spx)
        return b"".join(point.encode() for point in points) + self.transcript

    @property
    def hash(self) -> bytes:
        """BLAKE2b-512 by which its author knows it again."""
        return hashlib.blake2b(self.absorbed()).digest()


def decode(content: Buffer, name: str) -> tuple[Contribution, ...]:
    """The contributions of section 10 of a `.zkey`, behind the circuit's hash. Errors: EncodingError, LengthError."""
    reader = Reader(memoryview(content), f"{name}: section 10 (contributions)")
    found = []
    for i in range(1, reader.count() + 1):
        reader.where = f"{name}: section 10, contribution {i}"
        points = reader.g1("delta after"), reader.g1("s"), reader.g1("sx"), reader.g2("spx")
        found.append(Contribution(*points, reader.take(HASH_BYTES), reader.author()))
    reader.end()
    return tuple(found)


def encode(contributions: Sequence[Contribution]) -> bytes:
    """The inverse of `decode`."""
    return len(contributions).to_bytes(4, "little") + b"".join(c.encode() for c in contributions)


def contributions_of(key: ProvingKey, name: str = "key") -> tuple[Contribution, ...]:
    """The contributions a key's file records."""
    return decode(key.contributions, name)


def _transcript(circuit_hash: bytes, before: Sequence[Contribution], g1_s: G1, g1_sx: G1) -> bytes:
    state = hashlib.blake2b(circuit_hash)
    for contribution in before:
        state.update(contribution.absorbed())
    state.update(g1_s.encode() + g1_sx.encode())
    return state.digest()


def contribute(
    key: ProvingKey, author: Author, entropy: bytes = b"", rng: Random = os.urandom
) -> tuple[ProvingKey, Contribution]:
    """The key after one more contribution, and the contribution, whose hash its author publishes.

    The secret is drawn from 64 bytes of `rng` hashed with `entropy`; a beacon draws it from its own value instead. It
    is held in Python integers, which cannot be wiped, until this returns: run it in a process of its own.
    Errors: LengthError for a beacon out of range, a name too long or too many contributions.
    """
    before = contributions_of(key)
    if len(before) >= MAX_CONTRIBUTIONS:
        raise DisagreementError(f"the key has {len(before)} contributions, at most {MAX_CONTRIBUTIONS} are read")
    author.encode()
    if author.beacon is not None:
        author.beacon.check("beacon")
        stream = author.beacon.stream()
    else:
        stream = Stream(hashlib.blake2b(rng(64) + entropy).digest())
    d = stream.fr()
    while d == 0:  # once in 2^254 seeds
        d = stream.fr()
    g1_s = stream.g1()
    g1_sx = g1_s * d
    transcript = _transcript(key.circuit_hash, before, g1_s, g1_sx)
    contribution = Contribution(key.delta_1 * d, g1_s, g1_sx, hash_to_g2(transcript) * d, transcript, author)
    delta = key.vk.delta * d
    status = setup_status(key.vk.gamma, delta, "the key")
    inverse = FrVec.from_ints([pow(d, -1, FR_MODULUS)])
    try:
        points_c, points_h = (_scaled(section, inverse) for section in (key.points_c, key.points_h))
    finally:
        wipe(inverse)
    made = replace(
        key,
        vk=replace(key.vk, delta=delta, setup=SetupStatus.INSECURE if key.setup is SetupStatus.INSECURE else status),
        delta_1=contribution.delta_after,
        points_c=points_c,
        points_h=points_h,
        contributions=encode([*before, contribution]),
    )
    return made, contribution


def _scaled(section: Buffer, factor: FrVec) -> Buffer:
    return G1Vec.from_raw(section, check=False).scale_each(factor).raw()


@dataclass(frozen=True, slots=True)
class KeyVerdict:
    """Why a key is refused, one sentence each, none if it is verified; and the contributions it records."""

    reasons: tuple[str, ...]
    contributions: tuple[Contribution, ...]

    @property
    def accepted(self) -> bool:
        return not self.reasons


def broken_chain(circuit_hash: bytes, contributions: Sequence[Contribution]) -> Iterator[str]:
    """What is wrong with a record of contributions, named by number and author; nothing if all is well."""
    delta = G1.generator()
    for i, c in enumerate(contributions):
        who = f"contribution {i + 1} ({c.author.title})"
        if _transcript(circuit_hash, contributions[:i], c.g1_s, c.g1_sx) != c.transcript:
            yield f"{who}: its transcript is not the hash of the circuit, what came before and its own key"
        base = hash_to_g2(c.transcript)
        if not same_ratio((c.g1_s, c.g1_sx), (base, c.g2_spx)):
            yield f"{who}: no proof that its author knew the secret"
        if not same_ratio((delta, c.delta_after), (base, c.g2_spx)):
            yield f"{who}: delta is not the one before times its secret"
        if c.author.beacon is not None:
            c.author.beacon.check(who)
            stream = c.author.beacon.stream()
            d = stream.fr()
            s = stream.g1()
            if (c.g1_s, c.g1_sx) != (s, s * d):
                yield f"{who}: its key is not that of the beacon it names"
        delta = c.delta_after


def verify_key(
    key: ProvingKey, initial: ProvingKey, r1cs: R1cs, rng: Random = os.urandom, name: str = "key"
) -> KeyVerdict:
    """Whether a key is the initial one of its circuit, made again from the powers, after the contributions it records.

    The points of `key` are on their curves and in their subgroups, as `zkey_file.decode` checks.
    Errors: EncodingError and LengthError for a malformed record.
    """
    contributions = contributions_of(key, name)
    if not contributions:
        return KeyVerdict(("nobody has contributed to the key",), ())
    reasons = list(_differences(key, initial, r1cs))
    reasons += broken_chain(key.circuit_hash, contributions)
    last = contributions[-1].delta_after
    if key.delta_1 != last:
        reasons.append(f"delta of the key is not what contribution {len(contributions)}, the last one, left")
    if not same_ratio((G1.generator(), key.delta_1), (G2.generator(), key.vk.delta)):
        reasons.append("delta in G1 and in G2 are different multiples of the generators")
    if not reasons:  # else the sections have been compared already, or have other lengths
        for title, found, expected in (
            ("C", key.points_c, initial.points_c),
            ("H", key.points_h, initial.points_h),
        ):
            if not _divided(found, expected, key.vk.delta, rng):
                reasons.append(f"section {title} is not that of the circuit divided by delta")
    return KeyVerdict(tuple(reasons), contributions)


def _differences(key: ProvingKey, initial: ProvingKey, r1cs: R1cs) -> Iterator[str]:
    """What a contribution leaves alone, and is not as the powers and the circuit make it."""
    try:
        key.with_circuit(r1cs)
    except DisagreementError as error:
        yield str(error)
        return
    for title, found, expected in (
        ("alpha", key.vk.alpha, initial.vk.alpha),
        ("beta in G1", key.beta_1, initial.beta_1),
        ("beta in G2", key.vk.beta, initial.vk.beta),
        ("gamma", key.vk.gamma, initial.vk.gamma),
        ("section IC", key.vk.ic, initial.vk.ic),
        ("section A", key.points_a, initial.points_a),
        ("section B1", key.points_b1, initial.points_b1),
        ("section B2", key.points_b2, initial.points_b2),
        ("the circuit's hash", key.circuit_hash, initial.circuit_hash),
    ):
        if found != expected:
            yield f"{title} is not what these powers and this circuit make it"


def _divided(found: Buffer, expected: Buffer, delta: G2, rng: Random) -> bool:
    """Whether delta times each point found is the one expected: one random combination of each side."""
    size, left, right = memoryview(found).nbytes, G1.infinity(), G1.infinity()
    if size != memoryview(expected).nbytes:
        return False
    for at in range(0, size, 64 * _CHUNK):
        points = G1Vec.from_raw(memoryview(found)[at : at + 64 * _CHUNK], check=False)
        others = G1Vec.from_raw(memoryview(expected)[at : at + 64 * _CHUNK], check=False)
        scalars = random_powers(len(points), rng)
        left += G1.from_vec(points.msm(scalars))
        right += G1.from_vec(others.msm(scalars))
    if left.is_infinity or right.is_infinity:
        return left == right
    return same_ratio((left, right), (G2.generator(), delta))
