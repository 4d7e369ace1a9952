"""Phase 1, the powers of tau: what a `.ptau` file must satisfy, and its Lagrange bases.

Source: Bowe, Gabizon, Miers 2017 (eprint 2017/1050), section 6, in the form of snarkjs; batching by random combinations
after Bellare, Garay, Rabin 1998. What a verified file shows: the powers are powers of one tau, with one alpha and one
beta, and each contribution multiplied the points before it by secrets its author knew. It does not show that any author
erased those secrets, who the authors are, or, where the file was cut to size, what the last of them published.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from zkstate.algebra.bn254 import G1, G2
from zkstate.errors import DisagreementError
from zkstate.kernels import FR_BYTES, FrVec, G1Vec, G2Vec, ntt, thread_count
from zkstate.proof.beacon import hash_to_g2
from zkstate.proof.container import Buffer
from zkstate.proof.contribution import same_ratio
from zkstate.proof.ptau_file import (
    ALPHA_1,
    BETA_1,
    BETA_2,
    LAGRANGE,
    NAMES,
    POWERS,
    TAU_1,
    TAU_2,
    PowersContribution,
    PtauFile,
    encode,
)

Random = Callable[[int], bytes]
Progress = Callable[[str], None]
_CHUNK = 1 << 16
_RANDOM_BYTES = 16
_SHORT = 1 << 11  # points of a basis per thread that are not worth sharing among threads
_SECRETS = ("tau", "alpha", "beta")


def silent(_words: str) -> None:
    """The progress of those who do not watch."""


@dataclass(frozen=True, slots=True)
class PowersVerdict:
    """Why the file is refused, one sentence each, none if it is verified; and each contribution's response hash.

    `file` is the same file, and knows which of its points need no other check.
    """

    reasons: tuple[str, ...]
    responses: tuple[bytes, ...]
    file: PtauFile

    @property
    def accepted(self) -> bool:
        return not self.reasons


def random_powers(n: int, rng: Random) -> FrVec:
    """n random scalars of 128 bits."""
    draws = rng(_RANDOM_BYTES * n)
    padding = bytes(FR_BYTES - _RANDOM_BYTES)
    return FrVec.from_bytes(
        b"".join(padding + draws[i : i + _RANDOM_BYTES] for i in range(0, len(draws), _RANDOM_BYTES))
    )


def verify_powers(file: PtauFile, rng: Random = os.urandom, progress: Progress = silent) -> PowersVerdict:
    """Everything a `.ptau` file can be asked: contributions, points, powers, hashes, Lagrange bases.

    Errors: EncodingError for a point off its curve or outside its subgroup, named by section and number.
    """
    responses = tuple(c.response(f"{file.name}: contribution {i}") for i, c in enumerate(file.contributions, 1))
    if not responses:
        return PowersVerdict(("the powers have no contribution: whoever made them knows tau",), (), file)
    progress("checking contributions to the powers")
    reasons = list(_broken_contributions(file))
    last = file.contributions[-1]
    state = hashlib.blake2b(responses[-1], digest_size=64)
    ratio_2, ratio_1 = (G2.generator(), last.tau_2), (G1.generator(), last.tau_1)
    for section in POWERS:
        progress(f"checking the powers, {NAMES[section]}")
        if section == TAU_2:
            holds = same_ratio(ratio_1, _shifted_g2(file, rng, state))
        else:
            holds = same_ratio(_shifted_g1(file, section, rng, state), ratio_2)
        if not holds:
            reasons.append(f"section {section} ({NAMES[section]}) does not hold the powers of one tau")
    state.update(file.g2(BETA_2, 0, 1).to_bytes())
    reasons += _wrong_starts(file, last)
    if file.power == file.ceremony_power and state.digest() != last.next_challenge:
        reasons.append(
            f"the points hash to {state.hexdigest()[:16]}.., contribution {len(responses)} "
            f"says {last.next_challenge.hex()[:16]}.."
        )
    file = replace(file, checked=file.checked | {*POWERS, BETA_2})
    if file.prepared and not reasons:
        progress("checking the Lagrange bases")
        reasons += [
            f"section {section + LAGRANGE} does not hold the Lagrange basis of 2^{level} points"
            for section in POWERS
            for level in levels(file, section)
            if not _basis_agrees(file, section, level, rng)
        ]
        if not reasons:
            file = replace(file, checked=frozenset(file.sections))
    return PowersVerdict(tuple(reasons), responses, file)


def _broken_contributions(file: PtauFile) -> Iterator[str]:
    """What is wrong with the chain of contributions, named by number and author."""
    g1, g2 = G1.generator(), G2.generator()
    before_1, before_tau_2, before_beta_2 = [g1, g1, g1], g2, g2
    challenge = first_challenge(file.ceremony_power)
    for i, c in enumerate(file.contributions, 1):
        who = f"contribution {i} ({c.author.title}) to the powers"
        after_1 = [c.tau_1, c.alpha_1, c.beta_1]
        for which, (title, key, old, new) in enumerate(zip(_SECRETS, c.keys, before_1, after_1, strict=True)):
            base = key_base(which, challenge, key.g1_s, key.g1_sx)
            if not same_ratio((key.g1_s, key.g1_sx), (base, key.g2_spx)):
                yield f"{who}: no proof that its author knew {title}, or it was made after another contribution"
            elif not same_ratio((old, new), (base, key.g2_spx)):
                yield f"{who}: {title} G1 is not the one before times its secret"
        for title, key, old_2, new_2 in (
            ("tau", c.tau, before_tau_2, c.tau_2),
            ("beta", c.beta, before_beta_2, c.beta_2),
        ):
            if not same_ratio((key.g1_s, key.g1_sx), (old_2, new_2)):
                yield f"{who}: {title} G2 is not the one before times its secret"
        if c.author.beacon is not None:
            c.author.beacon.check(who)
            if not _is_of_beacon(c, challenge):
                yield f"{who}: its keys are not those of the beacon it names"
        before_1, before_tau_2, before_beta_2, challenge = after_1, c.tau_2, c.beta_2, c.next_challenge


def key_base(which: int, challenge: bytes, g1_s: G1, g1_sx: G1) -> G2:
    """The point of G2 on which a key for tau (0), alpha (1) or beta (2) proves its secret."""
    return hash_to_g2(hashlib.blake2b(bytes((which,)) + challenge + g1_s.encode() + g1_sx.encode()).digest())


def _is_of_beacon(c: PowersContribution, challenge: bytes) -> bool:
    assert c.author.beacon is not None
    stream = c.author.beacon.stream()
    secrets = [stream.fr() for _ in _SECRETS]
    for which, (key, secret) in enumerate(zip(c.keys, secrets, strict=True)):
        s = stream.g1()
        sx = s * secret
        if (key.g1_s, key.g1_sx) != (s, sx) or key.g2_spx != key_base(which, challenge, s, sx) * secret:
            return False
    return True


def first_challenge(power: int) -> bytes:
    """BLAKE2b-512 of what a ceremony starts from: every point the generator."""
    g1, g2 = G1.generator().encode(), G2.generator().encode()
    state = hashlib.blake2b(hashlib.blake2b(b"").digest())
    n = 1 << power
    for point, count in ((g1, 2 * n - 1), (g2, n), (g1, n), (g1, n), (g2, 1)):
        block = point * min(count, _CHUNK)
        for _ in range(count // _CHUNK):
            state.update(block)
        state.update(point * (count % _CHUNK if count >= _CHUNK else count))
    return state.digest()


def _shifted_g1(file: PtauFile, section: int, rng: Random, state: hashlib.blake2b) -> tuple[G1, G1]:
    """Random combinations of all points but the last, and of all but the first; every point is checked and hashed."""
    n, low, high, last = file.count(section), G1.infinity(), G1.infinity(), None
    for start in range(0, n, _CHUNK):
        points = file.g1(section, start, min(n, start + _CHUNK))
        state.update(points.to_bytes())
        points = points if last is None else G1Vec.concat([last, points])
        scalars = random_powers(len(points) - 1, rng)
        low += G1.from_vec(points.slice(0, len(points) - 1).msm(scalars))
        high += G1.from_vec(points.slice(1, len(points)).msm(scalars))
        last = points.slice(len(points) - 1, len(points))
    return low, high


def _shifted_g2(file: PtauFile, rng: Random, state: hashlib.blake2b) -> tuple[G2, G2]:
    """As `_shifted_g1`."""
    n, low, high, last = file.count(TAU_2), G2.infinity(), G2.infinity(), None
    for start in range(0, n, _CHUNK):
        points = file.g2(TAU_2, start, min(n, start + _CHUNK))
        state.update(points.to_bytes())
        points = points if last is None else G2Vec.concat([last, points])
        scalars = random_powers(len(points) - 1, rng)
        low += G2.from_vec(points.slice(0, len(points) - 1).msm(scalars))
        high += G2.from_vec(points.slice(1, len(points)).msm(scalars))
        last = points.slice(len(points) - 1, len(points))
    return low, high


def _wrong_starts(file: PtauFile, last: PowersContribution) -> Iterator[str]:
    def g1(section: int, i: int) -> G1:
        return G1.from_vec(file.g1(section, i, i + 1))

    def g2(section: int, i: int) -> G2:
        return G2.from_vec(file.g2(section, i, i + 1))

    checks: tuple[tuple[str, G1 | G2, G1 | G2], ...] = (
        ("section 2 (tau G1), point 0", g1(TAU_1, 0), G1.generator()),
        ("section 2 (tau G1), point 1", g1(TAU_1, 1), last.tau_1),
        ("section 3 (tau G2), point 0", g2(TAU_2, 0), G2.generator()),
        ("section 3 (tau G2), point 1", g2(TAU_2, 1), last.tau_2),
        ("section 4 (alpha tau G1), point 0", g1(ALPHA_1, 0), last.alpha_1),
        ("section 5 (beta tau G1), point 0", g1(BETA_1, 0), last.beta_1),
        ("section 6 (beta G2)", g2(BETA_2, 0), last.beta_2),
    )
    for title, found, expected in checks:
        if found != expected:
            yield f"{title} is not what the last contribution left"


def levels(file: PtauFile, section: int) -> range:
    """The domains a section has a Lagrange basis for, as powers of two; tau G1 reaches one further."""
    return range(file.power + (2 if section == TAU_1 else 1))


def _basis_agrees(file: PtauFile, section: int, level: int, rng: Random) -> bool:
    """Whether a level of a prepared section is the Lagrange basis of the powers: one random combination of each.

    The largest level of tau G1 needs one power more than the file holds. Its basis counts that power as infinity,
    or, where the file was cut from a larger one, as what it is: then the difference is tau times the power before it.
    A check that leaves this power out would let any point be added along it, and so into every key.
    """
    n = 1 << level
    scalars = random_powers(n, rng)
    coefficients = scalars.slice(0, n)
    ntt(coefficients, inverse=True)
    start = n - 1
    if section == TAU_2:
        found = file.g2(section + LAGRANGE, start, start + n).msm(scalars)
        return bool(found == file.g2(section, 0, n).msm(coefficients))
    found_1 = file.g1(section + LAGRANGE, start, start + n).msm(scalars)
    difference = G1.from_vec(found_1 - file.g1(section, 0, n).msm(coefficients))
    if difference.is_infinity or n <= file.count(section):
        return difference.is_infinity
    before = G1.from_vec(file.g1(section, n - 2, n - 1)) * coefficients[n - 1]
    return same_ratio((before, difference), (G2.generator(), G2.from_vec(file.g2(TAU_2, 1, 2))))


def basis_g1(file: PtauFile, section: int, level: int, rng: Random = os.urandom) -> G1Vec:
    """L_i(tau) times the first point of a section, for the 2^level-th roots of unity: from the file, or computed.

    DisagreementError if the file's own basis is not that of its powers.
    """
    n = 1 << level
    if not file.prepared:
        return file.g1(section, 0, n).lagrange()
    _require_basis(file, section, level, rng)
    return file.g1(section + LAGRANGE, n - 1, 2 * n - 1)


def basis_g2(file: PtauFile, level: int, rng: Random = os.urandom) -> G2Vec:
    """As `basis_g1`, of the powers in G2."""
    n = 1 << level
    if not file.prepared:
        return file.g2(TAU_2, 0, n).lagrange()
    _require_basis(file, TAU_2, level, rng)
    return file.g2(TAU_2 + LAGRANGE, n - 1, 2 * n - 1)


def _require_basis(file: PtauFile, section: int, level: int, rng: Random) -> None:
    if section + LAGRANGE not in file.checked and not _basis_agrees(file, section, level, rng):
        raise DisagreementError(
            f"{file.name}: section {section + LAGRANGE}, basis of 2^{level} points, contradicts section {section}"
        )


def prepare(file: PtauFile, progress: Progress = silent) -> Iterator[Buffer]:
    """The chunks of the file prepared for phase 2: with every Lagrange basis, computed here."""
    sections: dict[int, Iterable[Buffer]] = {number: [file.sections[number]] for number in (*POWERS, BETA_2)}
    bases = _bases(file, progress)
    for section in POWERS:
        sections[section + LAGRANGE] = [bases[section, level] for level in levels(file, section)]
    return encode(file.power, file.ceremony_power, sections, file.contributions)


def _bases(file: PtauFile, progress: Progress) -> dict[tuple[int, int], Buffer]:
    """Every Lagrange basis by section and level: a long one takes all threads, short ones one each, side by side."""
    threads = thread_count(0)

    def basis(which: tuple[int, int], threads: int) -> Buffer:
        section, level = which
        read = file.g2 if section == TAU_2 else file.g1
        return read(section, 0, 1 << level).lagrange(threads).raw()

    wanted = [(section, level) for level in range(file.power + 1, -1, -1) for section in (TAU_2, *POWERS)]
    wanted = [which for which in dict.fromkeys(wanted) if which[1] in levels(file, which[0])]
    found = {}
    for which in wanted:
        if 1 << which[1] > _SHORT * threads:
            progress(f"computing Lagrange bases of 2^{which[1]} points, {NAMES[which[0]]}")
            found[which] = basis(which, threads)
    progress("computing the shorter Lagrange bases" if found else "computing Lagrange bases")
    short = [which for which in wanted if which not in found]
    with ThreadPoolExecutor(threads) as pool:
        found.update(zip(short, pool.map(lambda which: basis(which, 1), short), strict=True))
    return found
