"""Phase 2: contributions to the key of a circuit, and whether a key with its record is what they made of the powers.

A contribution with secret d turns delta into d delta and divides the points of sections C and H by d; its record
proves, on a point of G2 that hashes everything before it, that its author knew d. One author who erased d suffices.
A key of `mirage` has two deltas, and each author a secret and a record for either: first that of delta, then that of
the delta of committed wires, which divides their points of section C. All records are one chain.
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
from zkstate.proof.beacon import Beacon, Stream, hash_to_g2
from zkstate.proof.container import Buffer
from zkstate.proof.contribution import MAX_CONTRIBUTIONS, Author, Reader, same_ratio
from zkstate.proof.keys import ProvingKey, SetupStatus, VerifyingKey, setup_status
from zkstate.proof.powers import Random, random_powers

HASH_BYTES = 64
DELTAS = ("delta", "delta of committed wires")
_CHUNK = 1 << 16
_G1_BYTES = 64


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


def deltas_of(key: VerifyingKey) -> tuple[G2, ...]:
    """The deltas of a key, in the order in which an author's records stand: one, or two if it is one of `mirage`."""
    return (key.delta,) if key.delta_committed is None else (key.delta, key.delta_committed)


def by_author(key: VerifyingKey, contributions: Sequence[Contribution]) -> tuple[Contribution, ...]:
    """The last record of each author: its hash, which they publish, takes in their others."""
    each = len(deltas_of(key))
    return tuple(contributions[each - 1 :: each])


def left(key: VerifyingKey, contributions: Sequence[Contribution]) -> tuple[G1, ...]:
    """What the contributions made of each delta, in G1."""
    each = len(deltas_of(key))
    last = (contributions[which::each][-1:] for which in range(each))
    return tuple(chain[0].delta_after if chain else G1.generator() for chain in last)


def _transcript(circuit_hash: bytes, before: Sequence[Contribution], g1_s: G1, g1_sx: G1) -> bytes:
    state = hashlib.blake2b(circuit_hash)
    for contribution in before:
        state.update(contribution.absorbed())
    state.update(g1_s.encode() + g1_sx.encode())
    return state.digest()


def contribute(
    key: ProvingKey, author: Author, entropy: bytes = b"", rng: Random = os.urandom
) -> tuple[ProvingKey, Contribution]:
    """The key after one more author, and their last record, whose hash they publish.

    The secrets are drawn from 64 bytes of `rng` hashed with `entropy`; a beacon draws them from its own value instead.
    They are held in Python integers, which cannot be wiped, until this returns: run it in a process of its own.
    Errors: LengthError for a beacon out of range or a name too long; DisagreementError for too many contributions, or
    records of which some author has not all.
    """
    chain, deltas = list(contributions_of(key)), deltas_of(key.vk)
    if len(chain) + len(deltas) > MAX_CONTRIBUTIONS:
        raise DisagreementError(f"the key has {len(chain)} contributions, at most {MAX_CONTRIBUTIONS} are read")
    if len(chain) % len(deltas):
        raise DisagreementError(f"the key: {_halved(len(chain), len(deltas))}")
    author.encode()
    if author.beacon is not None:
        author.beacon.check("beacon")
        stream = author.beacon.stream()
    else:
        stream = Stream(hashlib.blake2b(rng(64) + entropy).digest())
    in_g1, in_g2 = (key.delta_1, *([] if key.committed_1 is None else [key.committed_1])), list[G2]()
    after, inverses = list[G1](), list[FrVec]()
    for delta_1, delta_2 in zip(in_g1, deltas, strict=True):
        d = stream.fr()
        while d == 0:  # once in 2^254 seeds
            d = stream.fr()
        g1_s = stream.g1()
        g1_sx = g1_s * d
        transcript = _transcript(key.circuit_hash, chain, g1_s, g1_sx)
        chain.append(Contribution(delta_1 * d, g1_s, g1_sx, hash_to_g2(transcript) * d, transcript, author))
        after.append(chain[-1].delta_after)
        in_g2.append(delta_2 * d)
        inverses.append(FrVec.from_ints([pow(d, -1, FR_MODULUS)]))
    delta, committed = in_g2[0], in_g2[1] if len(in_g2) > 1 else None
    status = setup_status(key.vk.gamma, delta, "the key", committed)
    try:
        points_h = G1Vec.from_raw(key.points_h, check=False).scale_each(inverses[0]).raw()
        parts = [
            G1Vec.from_raw(part, check=False).scale_each(inverse)
            for part, inverse in zip(_divided_by(key), inverses, strict=True)
        ]
        points_c = (parts[0] if len(parts) == 1 else G1Vec.concat(parts[::-1])).raw()
    finally:
        for inverse in inverses:
            wipe(inverse)
    setup = SetupStatus.INSECURE if key.setup is SetupStatus.INSECURE else status
    made = replace(
        key,
        vk=replace(key.vk, delta=delta, delta_committed=committed, setup=setup),
        delta_1=after[0],
        committed_1=after[1] if len(after) > 1 else None,
        points_c=points_c,
        points_h=points_h,
        contributions=encode(chain),
    )
    return made, chain[-1]


def _divided_by(key: ProvingKey) -> tuple[memoryview, ...]:
    """The points of section C that each delta divides: those of committed wires stand first there, and second here."""
    points, at = memoryview(key.points_c), _G1_BYTES * key.n_committed
    return (points,) if key.vk.delta_committed is None else (points[at:], points[:at])


def _halved(records: int, each: int) -> str:
    return f"{records} records of contributions, expected {each} of each author, one for each delta"


@dataclass(frozen=True, slots=True)
class KeyVerdict:
    """Why a key is refused, one sentence each, none if it is verified; and the contributions it records."""

    reasons: tuple[str, ...]
    contributions: tuple[Contribution, ...]

    @property
    def accepted(self) -> bool:
        return not self.reasons


def broken_chain(key: VerifyingKey, circuit_hash: bytes, contributions: Sequence[Contribution]) -> Iterator[str]:
    """What is wrong with the record of contributions to a key, named by number and author; nothing if all is well.

    That they lead to the key's deltas is not looked at: `left` says where they lead.
    """
    each = len(deltas_of(key))
    if len(contributions) % each:
        yield _halved(len(contributions), each)
    before, stream = [G1.generator()] * each, None
    for i, c in enumerate(contributions):
        number, which = divmod(i, each)
        who = f"contribution {number + 1} ({c.author.title}{', committed wires' if which else ''})"
        if _transcript(circuit_hash, contributions[:i], c.g1_s, c.g1_sx) != c.transcript:
            yield f"{who}: its transcript is not the hash of the circuit, what came before and its own key"
        base = hash_to_g2(c.transcript)
        if not same_ratio((c.g1_s, c.g1_sx), (base, c.g2_spx)):
            yield f"{who}: no proof that its author knew the secret"
        if not same_ratio((before[which], c.delta_after), (base, c.g2_spx)):
            yield f"{who}: {DELTAS[which]} is not the one before times its secret"
        if c.g1_s == c.g1_sx:
            yield f"{who}: its secret is 1, so {DELTAS[which]} is the one before"
        if which == 0:
            stream = None if c.author.beacon is None else _replayed(c.author.beacon, who)
        elif c.author != contributions[i - 1].author:
            yield f"{who}: its author's other record names {contributions[i - 1].author.title}"
            stream = None
        if stream is not None:
            d = stream.fr()
            s = stream.g1()
            if (c.g1_s, c.g1_sx) != (s, s * d):
                yield f"{who}: its key is not that of the beacon it names"
        before[which] = c.delta_after


def _replayed(beacon: Beacon, who: str) -> Stream:
    beacon.check(who)
    return beacon.stream()


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
    reasons += broken_chain(key.vk, key.circuit_hash, contributions)
    reasons += _not_left(key, contributions)
    if not reasons:  # else the sections have been compared already, or have other lengths
        titles, parts = ("C", "C of committed wires"), zip(_divided_by(key), _divided_by(initial), strict=True)
        for title, (found, expected), delta, words in (
            *zip(titles, parts, deltas_of(key.vk), DELTAS, strict=False),
            ("H", (key.points_h, initial.points_h), key.vk.delta, DELTAS[0]),
        ):
            if not _divided(found, expected, delta, rng):
                reasons.append(f"section {title} is not that of the circuit divided by {words}")
    return KeyVerdict(tuple(reasons), contributions)


def _not_left(key: ProvingKey, contributions: Sequence[Contribution]) -> Iterator[str]:
    """Whether the deltas are what the contributions left, the same in both groups, and none that of the beginning."""
    number = -(-len(contributions) // len(deltas_of(key.vk)))
    in_g1 = (key.delta_1, key.committed_1 or G1.infinity())
    for words, mine, other, last in zip(DELTAS, in_g1, deltas_of(key.vk), left(key.vk, contributions), strict=False):
        if mine != last:
            yield f"{words} of the key is not what contribution {number}, the last one, left"
        if not same_ratio((G1.generator(), mine), (G2.generator(), other)):
            yield f"{words} in G1 and in G2 are different multiples of the generators"
        if last == G1.generator():
            yield f"{words} is that of the key before contributions"


def _differences(key: ProvingKey, initial: ProvingKey, r1cs: R1cs) -> Iterator[str]:
    """What a contribution leaves alone, and is not as the powers and the circuit make it."""
    if key.n_committed != initial.n_committed:
        yield f"proofs under the key commit to {key.n_committed} wires, those of the circuit to {initial.n_committed}"
        return
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
