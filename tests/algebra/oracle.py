"""BN254 by py_ecc, which computes with Python integers from the textbook; points as this project writes them."""

from functools import cache

from py_ecc.fields import optimized_bn128_FQ as FQ
from py_ecc.fields import optimized_bn128_FQ2 as FQ2
from py_ecc.optimized_bn128 import (
    G1,
    G2,
    Z1,
    Z2,
    add,
    b2,
    curve_order,
    field_modulus,
    multiply,
    neg,
    normalize,
    pairing,
)

__all__ = ["FQ", "FQ2", "G1", "G2", "Z1", "Z2", "add", "affine", "curve_order", "field_modulus", "g1", "g2"]
__all__ += ["multiply", "neg", "outside_subgroup", "pairing"]


def affine(point):
    """(x, y) of integers, in G2 of pairs (real, imaginary); None for infinity."""
    if point[2] == type(point[2]).zero():
        return None
    return tuple(tuple(map(int, c.coeffs)) if hasattr(c, "coeffs") else int(c) for c in normalize(point))


@cache
def g1(k):
    """k times the generator of G1."""
    return affine(multiply(G1, k % curve_order))


@cache
def g2(k):
    """k times the generator of G2."""
    return affine(multiply(G2, k % curve_order))


def sqrt_fp2(a):
    """A square root in Fp2, p = 3 mod 4, or None (Adj, Rodriguez-Henriquez 2012, algorithm 9)."""
    p = field_modulus
    root = a ** ((p - 3) // 4)
    alpha, x = root * root * a, root * a
    if alpha == FQ2([p - 1, 0]):
        return FQ2([0, 1]) * x
    candidate = (FQ2.one() + alpha) ** ((p - 1) // 2) * x
    return candidate if candidate * candidate == a else None


@cache
def outside_subgroup(count):
    """The first `count` points of the twist with x = 1 + k i, k = 1, 2, ..: all are outside the subgroup of order r."""
    found, k = [], 0
    while len(found) < count:
        k += 1
        x = FQ2([1, k])
        y = sqrt_fp2(x * x * x + b2)
        if y is not None:
            point = (x, y, FQ2.one())
            assert affine(multiply(point, curve_order)) is not None, "in the subgroup after all"
            found.append(affine(point))
    return found
