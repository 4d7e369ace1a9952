"""BN254 (alt_bn128 of EIP-196 and EIP-197): the scalar field, and points that are valid from the moment they exist.

A point is checked when it is decoded: canonical coordinates, on the curve, and for G2 in the subgroup of order r.
The curve offers about 100 bits of security (Barbulescu, Duquesne 2019).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar

from zkstate.algebra.point import Point
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FP_MODULUS, FR_MODULUS, FR_TWO_ADICITY, FrVec, G1Vec, G2Vec
from zkstate.kernels import pairing_check as _pairing_check

__all__ = ["FP_MODULUS", "FR_MODULUS", "G1", "G1_EIGENVALUE", "G2", "msm", "pairing_check", "root_of_unity"]

FR_GENERATOR = 5
# lambda of order 3 modulo r, by which (x, y) -> (beta x, y) multiplies G1, for a cube root of unity beta modulo q.
G1_EIGENVALUE = pow(FR_GENERATOR, (FR_MODULUS - 1) // 3, FR_MODULUS)
_WORD = 32

Vec = TypeVar("Vec", G1Vec, G2Vec)
Coordinate = TypeVar("Coordinate", int, tuple[int, int])


def root_of_unity(n: int) -> int:
    """The primitive n-th root of unity 5^((r−1)/n) of Fr; n is a power of two up to 2^28, or LengthError."""
    if n < 1 or n & (n - 1) or n > 1 << FR_TWO_ADICITY:
        raise LengthError(f"a root of unity of order {n}: the order must be a power of two up to 2^{FR_TWO_ADICITY}")
    return pow(FR_GENERATOR, (FR_MODULUS - 1) // n, FR_MODULUS)


class _Point(Point[Vec], Generic[Vec, Coordinate]):
    """A point as the EVM's precompiles write it. `raw` is `G1M` or `G2M` of `zkn.h`."""

    __slots__ = ()

    _scalars = FrVec
    _words: ClassVar[int]

    @classmethod
    def from_affine(cls, x: Coordinate, y: Coordinate) -> Self:
        """From integer coordinates. EncodingError if not in [0, q), off the curve or out of the subgroup."""
        return cls.from_vec(cls._vec.from_affine([(x, y)]))

    @classmethod
    def from_evm_words(cls, words: Sequence[int]) -> Self:
        """From the integers of the EVM precompiles, where zeros are infinity. EncodingError as from_affine."""
        if len(words) != cls._words:
            raise LengthError(f"{len(words)} words for a point of {cls.__name__}, wanted {cls._words}")
        if not all(0 <= word < FP_MODULUS for word in words):
            raise EncodingError(f"a coordinate of a {cls.__name__} point is not in [0, q): {list(words)}")
        return cls.decode(b"".join(word.to_bytes(_WORD, "big") for word in words))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """From the bytes of the EVM precompiles (`G1U`, `G2U`): 64 or 128, big-endian, imaginary part first."""
        if len(data) != cls._words * _WORD:
            raise LengthError(f"{len(data)} bytes for a point of {cls.__name__}, wanted {cls._words * _WORD}")
        return cls.from_vec(cls._vec.from_bytes(data))

    def encode(self) -> bytes:
        """The inverse of decode."""
        return self.vec().to_bytes()

    def evm_words(self) -> tuple[int, ...]:
        """The integers of the EVM precompiles: x, y; for G2 x.c1, x.c0, y.c1, y.c0."""
        data = self.encode()
        return tuple(int.from_bytes(data[i : i + _WORD], "big") for i in range(0, len(data), _WORD))

    def __repr__(self) -> str:
        words = ", ".join(map(str, self.evm_words()))
        return f"{type(self).__name__}.from_evm_words([{words}])"


class G1(_Point[G1Vec, int]):
    """A point of G1: y² = x³ + 3 over Fp, of order r."""

    __slots__ = ()

    _vec, _words = G1Vec, 2

    @property
    def affine(self) -> tuple[int, int] | None:
        """Coordinates x and y, or None for infinity."""
        return self.vec().to_affine()[0]

    def to_json(self) -> list[Any]:
        """Decimal projective coordinates of snarkjs: [x, y, "1"], infinity ["0", "1", "0"]."""
        affine = self.affine
        if affine is None:
            return ["0", "1", "0"]
        x, y = affine
        return [str(x), str(y), "1"]


class G2(_Point[G2Vec, tuple[int, int]]):
    """A point of G2: the subgroup of order r of y² = x³ + 3/(9 + i) over Fp2. Coordinates are (real, imaginary)."""

    __slots__ = ()

    _vec, _words = G2Vec, 4

    @property
    def affine(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Coordinates x and y, each (real, imaginary), or None for infinity."""
        return self.vec().to_affine()[0]

    def to_json(self) -> list[Any]:
        """As G1, coordinates [real, imaginary]: [[x.c0, x.c1], [y.c0, y.c1], ["1", "0"]]."""
        affine = self.affine
        if affine is None:
            return [["0", "0"], ["1", "0"], ["0", "0"]]
        x, y = affine
        return [[str(c) for c in x], [str(c) for c in y], ["1", "0"]]


def msm(points: Sequence[G1], scalars: Iterable[int]) -> G1:
    """Σ scalars[i] · points[i], scalars taken mod r. LengthError if lengths differ. Time depends on the scalars."""
    vec = G1Vec.from_raw(b"".join(point.raw for point in points), check=False)
    return G1.from_vec(vec.msm(FrVec.from_ints(scalars)))


def pairing_check(pairs: Iterable[tuple[G1, G2]]) -> bool:
    """Is the product of e(P, Q) over the pairs 1? True for no pairs.

    Source: optimal ate pairing, Vercauteren 2010; the predicate of EIP-197.
    """
    pairs = list(pairs)
    left = G1Vec.from_raw(b"".join(p.raw for p, _ in pairs), check=False)
    right = G2Vec.from_raw(b"".join(q.raw for _, q in pairs), check=False)
    return _pairing_check(left, right, threads=1)
