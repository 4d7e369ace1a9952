"""Polynomials over Fr: by coefficients or by values on a domain, two types that never pass for each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zkstate.algebra.bn254 import root_of_unity
from zkstate.errors import LengthError
from zkstate.kernels import FR_MODULUS, FrVec, divide_linear, ntt


@dataclass(frozen=True, slots=True)
class Domain:
    """The coset shift · {1, w, .., w^(size−1)}, w of order `size`, a power of two up to 2^28; shift is not 0 mod r."""

    size: int
    shift: int = 1

    def __post_init__(self) -> None:
        root_of_unity(self.size)
        if not 0 < self.shift < FR_MODULUS:
            raise LengthError(f"the shift of a domain is {self.shift}, wanted an integer in [1, r)")

    @classmethod
    def for_length(cls, n: int) -> Domain:
        """The smallest domain of at least n elements."""
        return cls(1 << max(n - 1, 0).bit_length())

    @property
    def root(self) -> int:
        """w."""
        return root_of_unity(self.size)

    def __getitem__(self, i: int) -> int:
        """shift · w^i."""
        return self.shift * pow(self.root, i % self.size, FR_MODULUS) % FR_MODULUS

    def elements(self) -> FrVec:
        """All of them, in order."""
        return FrVec.ones(self.size).scale_powers(self.root, self.shift)

    def vanishing_at(self, x: int) -> int:
        """x^size − shift^size: zero exactly on the domain."""
        return (pow(x, self.size, FR_MODULUS) - pow(self.shift, self.size, FR_MODULUS)) % FR_MODULUS

    def lagrange_at(self, x: int) -> FrVec:
        """L_i(x) for each element d_i: 1 at d_i, 0 on the rest.

        L_i(x) = (x^n − g^n) d_i / (n g^n (x − d_i)) outside the domain (Berrut, Trefethen 2004, section 3).
        """
        elements, vanishing = self.elements(), self.vanishing_at(x)
        differences = FrVec.ones(self.size).scale(x) - elements
        if vanishing == 0:
            return FrVec.from_ints(int(d == 0) for d in differences.to_ints())
        scale = vanishing * pow(self.size * pow(self.shift, self.size, FR_MODULUS), -1, FR_MODULUS)
        return (elements * differences.inverse()).scale(scale)


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Σ vec[i] X^i. High coefficients may be zero; `vec` belongs to the value and is not written to."""

    vec: FrVec

    def __len__(self) -> int:
        return len(self.vec)

    @property
    def degree(self) -> int:
        """The index of the last non-zero coefficient; −1 for the zero polynomial."""
        used = np.flatnonzero(self.vec.to_limbs().any(axis=1))
        return int(used[-1]) if len(used) else -1

    def __call__(self, x: int) -> int:
        return self.vec.evaluate(x)

    def __add__(self, other: Coefficients) -> Coefficients:
        n = max(len(self), len(other))
        return Coefficients(self._padded(n) + other._padded(n))

    def __sub__(self, other: Coefficients) -> Coefficients:
        n = max(len(self), len(other))
        return Coefficients(self._padded(n) - other._padded(n))

    def __mul__(self, other: Coefficients) -> Coefficients:
        """The product, with len(self) + len(other) − 1 coefficients. n log n."""
        if not len(self) or not len(other):
            return Coefficients(FrVec(0))
        n = len(self) + len(other) - 1
        domain = Domain.for_length(n)
        product = (self.on(domain) * other.on(domain)).interpolate()
        return Coefficients(product.vec.slice(0, n))

    def scale(self, factor: int) -> Coefficients:
        return Coefficients(self.vec.scale(factor))

    def divide_linear(self, z: int) -> tuple[Coefficients, int]:
        """The quotient q and remainder self(z) of division by X − z: self = q · (X − z) + self(z)."""
        quotient, remainder = divide_linear(self.vec, z)
        return Coefficients(quotient), remainder

    def on(self, domain: Domain) -> Evaluations:
        """Values on a domain. LengthError if it has fewer elements than there are coefficients."""
        if len(self) > domain.size:
            raise LengthError(f"{len(self)} coefficients on a domain of {domain.size} elements")
        values = self._padded(domain.size)
        ntt(values, coset=None if domain.shift == 1 else domain.shift)
        return Evaluations(domain, values)

    def _padded(self, n: int) -> FrVec:
        return FrVec.concat([self.vec, FrVec(n - len(self))])


@dataclass(frozen=True, slots=True)
class Evaluations:
    """vec[i] is the value at domain[i]. One value per element, or LengthError."""

    domain: Domain
    vec: FrVec

    def __post_init__(self) -> None:
        if len(self.vec) != self.domain.size:
            raise LengthError(f"{len(self.vec)} values on a domain of {self.domain.size} elements")

    def __len__(self) -> int:
        return len(self.vec)

    def __add__(self, other: Evaluations) -> Evaluations:
        return Evaluations(self._shared(other), self.vec + other.vec)

    def __sub__(self, other: Evaluations) -> Evaluations:
        return Evaluations(self._shared(other), self.vec - other.vec)

    def __mul__(self, other: Evaluations) -> Evaluations:
        """Pointwise: the product of polynomials only where its degree stays below the size of the domain."""
        return Evaluations(self._shared(other), self.vec * other.vec)

    def interpolate(self) -> Coefficients:
        """The one polynomial of degree below the domain's size with these values."""
        vec = self.vec.copy()
        ntt(vec, inverse=True, coset=None if self.domain.shift == 1 else self.domain.shift)
        return Coefficients(vec)

    def __call__(self, x: int) -> int:
        """The value of that polynomial at x, without interpolating."""
        return self.vec.dot(self.domain.lagrange_at(x))

    def _shared(self, other: Evaluations) -> Domain:
        if self.domain != other.domain:
            raise LengthError(f"values on two domains: {self.domain} and {other.domain}")
        return self.domain
