"""Points and scalars drawn from a hash as snarkjs draws them: public points nobody knows the logarithm of, and beacons.

A stream is ChaCha20 (RFC 8439, nonce and counter zero) under the first 32 bytes of a digest, read as eight big-endian
words. Its 32-bit words give, in this order, 64-bit words (high half first), elements (four of them, low first, cut to
254 bits, drawn again if not below the modulus) and points (x, then one bit that says whether y is the larger root,
drawn again if there is no y). An element of a field is the Montgomery form itself. Formats: ffjavascript 0.3.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from zkstate.algebra.bn254 import G1, G2
from zkstate.errors import LengthError
from zkstate.kernels import FP_MODULUS, FR_MODULUS, clear_cofactor

_Q = FP_MODULUS
_MASK = (1 << 254) - 1
_R = 1 << 256
_FROM_Q, _FROM_R = pow(_R, -1, FP_MODULUS), pow(_R, -1, FR_MODULUS)
_HALF = (_Q - 1) // 2
MAX_VALUE_BYTES = 255
MIN_EXPONENT, MAX_EXPONENT = 10, 32
Fp2 = tuple[int, int]


class Stream:
    """The words of one seed; secrets come of it where the seed is secret."""

    __slots__ = ("_words",)

    def __init__(self, seed: bytes) -> None:
        if len(seed) < 32:
            raise LengthError(f"a seed of {len(seed)} bytes, expected 32 or more")
        key = b"".join(seed[i : i + 4][::-1] for i in range(0, 32, 4))
        self._words = Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor()

    def u32(self) -> int:
        return int.from_bytes(self._words.update(bytes(4)), "little")

    def _below(self, modulus: int) -> int:
        while True:
            words = [self.u32() << 32 | self.u32() for _ in range(4)]
            value = sum(word << (64 * i) for i, word in enumerate(words)) & _MASK
            if value < modulus:
                return value

    def fr(self) -> int:
        """A scalar."""
        return self._below(FR_MODULUS) * _FROM_R % FR_MODULUS

    def fp(self) -> int:
        """A coordinate."""
        return self._below(_Q) * _FROM_Q % _Q

    def g1(self) -> G1:
        """A point of G1."""
        while True:
            x, larger = self.fp(), bool(self.u32() & 1)
            square = (x**3 + 3) % _Q
            y = pow(square, (_Q + 1) // 4, _Q)
            if y * y % _Q == square:
                return G1.from_affine(x, y if (y > _HALF) is larger else -y % _Q)

    def g2(self) -> G2:
        """A point of the subgroup G2: one of the curve, times the cofactor."""
        while True:
            x, larger = (self.fp(), self.fp()), bool(self.u32() & 1)
            y = _sqrt(_add(_mul(_mul(x, x), x), _TWIST_B))
            if y is not None:
                negative = (y[1] or y[0]) > _HALF
                return G2.from_vec(clear_cofactor(x, y if negative is larger else (-y[0] % _Q, -y[1] % _Q)))


def hash_to_g2(digest: bytes) -> G2:
    """The point of G2 that a 64-byte digest stands for."""
    return Stream(digest).g2()


@dataclass(frozen=True, slots=True)
class Beacon:
    """A public random value, hashed 2^exponent times with SHA-256, so that no contributor can try many in time."""

    value: bytes
    exponent: int

    def check(self, where: str) -> None:
        """LengthError for a value or exponent that files do not hold or that takes longer than hours to replay."""
        if not 1 <= len(self.value) <= MAX_VALUE_BYTES:
            raise LengthError(f"{where}: a beacon of {len(self.value)} bytes, expected 1 to {MAX_VALUE_BYTES}")
        if not MIN_EXPONENT <= self.exponent <= MAX_EXPONENT:
            raise LengthError(
                f"{where}: a beacon of 2^{self.exponent} steps, 2^{MIN_EXPONENT} to 2^{MAX_EXPONENT} are run"
            )

    def stream(self) -> Stream:
        """The words of the beacon; as slow as it has to be."""
        digest = self.value
        for _ in range(1 << self.exponent):
            digest = hashlib.sha256(digest).digest()
        return Stream(digest)


def _add(a: Fp2, b: Fp2) -> Fp2:
    return (a[0] + b[0]) % _Q, (a[1] + b[1]) % _Q


def _mul(a: Fp2, b: Fp2) -> Fp2:
    return (a[0] * b[0] - a[1] * b[1]) % _Q, (a[0] * b[1] + a[1] * b[0]) % _Q


def _sqrt(a: Fp2) -> Fp2 | None:
    """A square root in Fp[i]/(i^2+1), None if there is none (q = 3 mod 4: by the root of the norm)."""
    norm = pow(a[0] * a[0] + a[1] * a[1], (_Q + 1) // 4, _Q)
    for root in (norm, -norm):
        half = (a[0] + root) * pow(2, -1, _Q) % _Q
        real = pow(half, (_Q + 1) // 4, _Q)
        imaginary = a[1] * pow(2 * real, -1, _Q) % _Q if real else pow(-a[0], (_Q + 1) // 4, _Q)
        if _mul((real, imaginary), (real, imaginary)) == a:
            return real, imaginary
    return None


_TWIST_B = _mul((3, 0), (9 * pow(82, -1, _Q) % _Q, -pow(82, -1, _Q) % _Q))  # 3/(9 + i)
