"""A `.ptau` file: the powers of tau of a phase-1 ceremony, with the record of its contributions.

Sections: 1 header, 2 tau^i G1 (2^(p+1) - 1), 3 tau^i G2, 4 alpha tau^i G1, 5 beta tau^i G1 (2^p each), 6 beta G2,
7 contributions; 12 to 15, if it is prepared for phase 2, the Lagrange bases of 2 to 5 on the domains of 1, 2, 4, ..
points.
The file is mapped, and points are read where they are used: memory does not grow with it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from zkstate.algebra.bn254 import G1, G2
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FP_MODULUS, FR_BYTES, FR_TWO_ADICITY, G1Vec, G2Vec
from zkstate.proof import blake2b, container
from zkstate.proof.container import Buffer, Container
from zkstate.proof.contribution import Author, Reader
from zkstate.proof.wtns_file import check_prime

MAGIC, VERSION = b"ptau", 1
SIZE_LIMIT = 1 << 40
TAU_1, TAU_2, ALPHA_1, BETA_1, BETA_2, CONTRIBUTIONS = 2, 3, 4, 5, 6, 7
POWERS = (TAU_1, TAU_2, ALPHA_1, BETA_1)
NAMES = {TAU_1: "tau G1", TAU_2: "tau G2", ALPHA_1: "alpha tau G1", BETA_1: "beta tau G1", BETA_2: "beta G2"}
LAGRANGE = 10  # what is added to the number of a section of powers
Points = TypeVar("Points", G1Vec, G2Vec)
_HEADER = struct.Struct("<I32sII")


@dataclass(frozen=True, slots=True)
class Secret:
    """The public key of one secret x of a contribution: s and x s in G1, x times a point in G2 that the hash fixes."""

    g1_s: G1
    g1_sx: G1
    g2_spx: G2


@dataclass(frozen=True, slots=True)
class PowersContribution:
    """One contribution to the powers: the points after it, its keys for tau, alpha and beta, and its hashes."""

    tau_1: G1
    tau_2: G2
    alpha_1: G1
    beta_1: G1
    beta_2: G2
    tau: Secret
    alpha: Secret
    beta: Secret
    partial_hash: bytes
    next_challenge: bytes
    author: Author

    @property
    def keys(self) -> tuple[Secret, Secret, Secret]:
        return self.tau, self.alpha, self.beta

    @property
    def public_key(self) -> list[G1 | G2]:
        """The points of the keys in the order of files and hashes."""
        pairs = [point for key in self.keys for point in (key.g1_s, key.g1_sx)]
        return [*pairs, *(key.g2_spx for key in self.keys)]

    def response(self, where: str) -> bytes:
        """BLAKE2b-512 of the response file: the partial hash of its points, continued over the public key."""
        return blake2b.finished(self.partial_hash, b"".join(point.encode() for point in self.public_key), where)

    def encode(self) -> bytes:
        """As it stands in the file."""
        points: list[G1 | G2] = [self.tau_1, self.tau_2, self.alpha_1, self.beta_1, self.beta_2]
        raw = b"".join(point.raw for point in points + self.public_key)
        return raw + self.partial_hash + self.next_challenge + self.author.encode()


@dataclass(frozen=True, slots=True, eq=False)
class PtauFile:
    """The powers for circuits of up to 2^power rows; `ceremony_power` is larger where the file was cut to size.

    `checked` are the sections whose points have been found on their curves and in their subgroups, and whose bases
    agree: they are read as they stand.
    """

    name: str
    power: int
    ceremony_power: int
    sections: dict[int, memoryview]
    contributions: tuple[PowersContribution, ...]
    checked: frozenset[int] = frozenset()

    @property
    def prepared(self) -> bool:
        """Whether the Lagrange bases are in the file. They are believed only after a check, as everything is."""
        return all(section + LAGRANGE in self.sections for section in POWERS)

    def count(self, section: int) -> int:
        """How many points a section of powers holds."""
        return _count(section, self.power)

    def g1(self, section: int, start: int, stop: int) -> G1Vec:
        """Points [start, stop) of a section, checked unless they have been; infinity where one power is missing."""
        return _points(G1Vec, self, section, start, stop)

    def g2(self, section: int, start: int, stop: int) -> G2Vec:
        """As `g1`, for the sections of G2."""
        return _points(G2Vec, self, section, start, stop)


def _points(group: type[Points], file: PtauFile, section: int, start: int, stop: int) -> Points:
    width, content = _width(section), file.sections[section]
    held = min(stop, len(content) // width)
    try:
        points = group.from_raw(content[start * width : held * width], check=section not in file.checked)
    except EncodingError as error:
        raise EncodingError(f"{file.name}: section {section}, counting from point {start}: {error}") from error
    return points if held == stop else group.concat([points, group(stop - held)])


def _width(section: int) -> int:
    return 128 if section in {TAU_2, BETA_2, TAU_2 + LAGRANGE} else 64


def _count(section: int, power: int) -> int:
    if section == BETA_2:
        return 1
    if section > CONTRIBUTIONS:
        return (1 << (power + (2 if section == TAU_1 + LAGRANGE else 1))) - 1
    return (1 << (power + 1)) - 1 if section == TAU_1 else 1 << power


def decode(content: Buffer, name: str = "ptau") -> PtauFile:
    """The file's parts, its points left where they are and not yet checked.

    Errors: EncodingError and LengthError name section and field; infinity stands nowhere in contributions.
    """
    file = Container.decode(content, MAGIC, VERSION, name)
    n8, prime, power, ceremony_power = _HEADER.unpack(file.get(1, "header", _HEADER.size))
    where = f"{name}: section 1 (header)"
    check_prime(n8, prime, FP_MODULUS, where)
    if not 1 <= power <= FR_TWO_ADICITY:
        raise EncodingError(f"{where}: power is {power}, expected 1 to {FR_TWO_ADICITY}")
    # 0 stands for the power itself: so `powersoftau new` of snarkjs writes it, and never anyone who contributes.
    if ceremony_power and not power <= ceremony_power <= FR_TWO_ADICITY:
        raise EncodingError(f"{where}: power is {power}, that of the ceremony {ceremony_power}")
    sections = {
        number: file.get(number, NAMES[number], _count(number, power) * _width(number)) for number in (*POWERS, BETA_2)
    }
    lagrange = [number + LAGRANGE for number in POWERS]
    if any(file.has(number) for number in lagrange):
        for number in lagrange:
            title = f"Lagrange {NAMES[number - LAGRANGE]}"
            sections[number] = file.get(number, title, _count(number, power) * _width(number))
    reader = Reader(file.get(CONTRIBUTIONS, "contributions"), f"{name}: section 7 (contributions)")
    contributions = [_contribution(reader, i, name) for i in range(1, reader.count() + 1)]
    reader.end()
    return PtauFile(name, power, ceremony_power or power, sections, tuple(contributions))


def _contribution(reader: Reader, index: int, name: str) -> PowersContribution:
    reader.where = f"{name}: section 7, contribution {index}"
    tau_1, tau_2 = reader.g1("tau G1"), reader.g2("tau G2")
    alpha_1, beta_1, beta_2 = reader.g1("alpha G1"), reader.g1("beta G1"), reader.g2("beta G2")
    in_g1 = [(reader.g1(f"{title} s"), reader.g1(f"{title} sx")) for title in ("tau", "alpha", "beta")]
    in_g2 = [reader.g2(f"{title} spx") for title in ("tau", "alpha", "beta")]
    tau, alpha, beta = (Secret(*pair, spx) for pair, spx in zip(in_g1, in_g2, strict=True))
    hashes = reader.take(blake2b.STATE_BYTES), reader.take(64)
    return PowersContribution(tau_1, tau_2, alpha_1, beta_1, beta_2, tau, alpha, beta, *hashes, reader.author())


def encode(
    power: int,
    ceremony_power: int,
    sections: dict[int, Iterable[Buffer]],
    contributions: Iterable[PowersContribution],
) -> Iterator[Buffer]:
    """The chunks of a `.ptau` file; `sections` holds the points by number."""
    prime = FP_MODULUS.to_bytes(FR_BYTES, "little")
    record = [c.encode() for c in contributions]
    parts: dict[int, Iterable[Buffer]] = {
        1: [_HEADER.pack(FR_BYTES, prime, power, ceremony_power)],
        **sections,
        CONTRIBUTIONS: [len(record).to_bytes(4, "little"), *record],
    }
    return container.encode(MAGIC, VERSION, dict(sorted(parts.items())))


def read(path: Path) -> PtauFile:
    """The file at `path`, mapped. Errors as `decode`, and EnvironmentFailure when it cannot be read."""
    return decode(container.map_file(path, SIZE_LIMIT), str(path))


def check_length(power: int, needed: int, name: str) -> None:
    """LengthError if the powers are too few for a domain of 2^needed."""
    if needed > power:
        raise LengthError(f"{name}: powers for 2^{power} rows, the circuit takes a domain of 2^{needed}")
