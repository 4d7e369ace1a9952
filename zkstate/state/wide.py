"""Columns of exact integers wider than 64 bits, as numpy limbs of 32 bits.

A wide column of n integers is an int64 array of shape (limbs, n) whose value is sum(limb[j] * 2^(32 j)). Limbs may be
any 64-bit integers as long as no operation overflows one; `normalise` brings all but the top one into 0..2^32-1 and
leaves the sign in the top. Nothing here rounds, and nothing loops over n.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Wide = NDArray[np.int64]
U64s = NDArray[np.uint64]
I64s = NDArray[np.int64]
Flags = NDArray[np.bool_]

LIMB = 32
_MASK = np.int64((1 << LIMB) - 1)
_MASK_U = np.uint64((1 << LIMB) - 1)
_SHIFT_U = np.uint64(LIMB)


def from_u64(values: U64s, limbs: int = 2) -> Wide:
    """A column of unsigned 64-bit integers."""
    out = np.zeros((limbs, len(values)), np.int64)
    out[0] = (values & _MASK_U).astype(np.int64)
    out[1] = (values >> _SHIFT_U).astype(np.int64)
    return out


def from_halves(high: I64s, low: U64s, limbs: int = 5) -> Wide:
    """A column of signed 128-bit integers high * 2^64 + low; limbs >= 4."""
    out = np.zeros((limbs, len(low)), np.int64)
    out[:2] = from_u64(low)
    out[2] = high & _MASK
    out[3] = high >> LIMB
    return out


def normalise(column: Wide) -> Wide:
    """The same integers with every limb but the top in 0..2^32-1."""
    out = column.copy()
    for j in range(len(out) - 1):
        out[j + 1] += out[j] >> LIMB
        out[j] &= _MASK
    return out


def extend(column: Wide, limbs: int) -> Wide:
    """The same integers over more limbs, not normalised where negative."""
    return np.concatenate([column, np.zeros((limbs - len(column), column.shape[1]), np.int64)])


def multiply(a: Wide, b: Wide) -> Wide:
    """Products of two normalised non-negative columns, normalised, over len(a) + len(b) limbs."""
    out = np.zeros((len(a) + len(b), a.shape[1]), np.int64)
    for i in range(len(a)):
        for j in range(len(b)):
            product = a[i].astype(np.uint64) * b[j].astype(np.uint64)
            out[i + j] += (product & _MASK_U).astype(np.int64)
            out[i + j + 1] += (product >> _SHIFT_U).astype(np.int64)
    return normalise(out)


def negate_where(column: Wide, negative: Flags) -> Wide:
    """The column with the sign of the flagged entries changed."""
    return np.where(negative, -column, column)


def is_negative(column: Wide) -> Flags:
    """Which entries are below zero."""
    top: I64s = normalise(column)[-1]
    return top < np.int64(0)


def magnitude(column: Wide) -> tuple[Wide, Flags]:
    """Normalised absolute values, and which entries are negative."""
    negative = is_negative(column)
    return normalise(negate_where(column, negative)), negative


def divide(column: Wide, divisor: int) -> tuple[Wide, I64s]:
    """Quotients and remainders of a normalised non-negative column by 1 <= divisor < 2^31."""
    quotient = np.empty_like(column)
    rest = np.zeros(column.shape[1], np.int64)
    for j in reversed(range(len(column))):
        rest = (rest << LIMB) + column[j]
        quotient[j], rest = rest // divisor, rest % divisor
    return quotient, rest


def segment_sums(column: Wide, start: I64s) -> Wide:
    """Sums over the entries start[i] .. start[i+1]-1 of a normalised column; `start` has one more entry than sums."""
    out = np.zeros((len(column), len(start) - 1), np.int64)
    filled = np.flatnonzero(start[1:] > start[:-1])
    if len(filled):
        out[:, filled] = np.add.reduceat(column, start[filled], axis=1)
    return normalise(out)


def halves(column: Wide) -> tuple[I64s, U64s, Flags]:
    """Signed 128-bit halves (high, low) of a column of at least 4 limbs, and which entries do not fit them."""
    whole = normalise(column)
    low = whole[0].astype(np.uint64) | (whole[1].astype(np.uint64) << _SHIFT_U)
    if len(whole) == 4:
        top = whole[3]
        outside = (top < -(1 << 31)) | (top >= 1 << 31)
    else:
        top = np.where(whole[3] >= 1 << 31, whole[3] - (1 << 32), whole[3])
        sign = np.where(top < 0, -1, 0)
        outside = whole[-1] != sign
        for j in range(4, len(whole) - 1):
            outside |= whole[j] != (sign & _MASK)
    return (top << LIMB) | whole[2], low, outside


def to_u64(column: Wide, limbs: int) -> U64s:
    """Little-endian unsigned 64-bit limbs of a normalised column that is not negative. Shapes: (n, limbs).

    Every value is to be below 2^(64 limbs): what is above is cut off.
    """
    low = np.zeros((2 * limbs, column.shape[1]), np.uint64)
    kept = min(2 * limbs, len(column))
    low[:kept] = column[:kept].astype(np.uint64)
    out: U64s = (low[0::2] | (low[1::2] << _SHIFT_U)).T
    return out


def to_ints(column: Wide) -> list[int]:
    """Python integers, for reports and tests; not for columns the size of a venue."""
    return [sum(int(limb) << (LIMB * j) for j, limb in enumerate(entry)) for entry in column.T]


def from_ints(values: list[int], limbs: int) -> Wide:
    """The inverse of to_ints for values below 2^(32 limbs + 31) in size, normalised."""
    out = np.zeros((limbs, len(values)), np.int64)
    for k, value in enumerate(values):
        for j in range(limbs - 1):
            out[j, k] = (value >> (LIMB * j)) & int(_MASK)
        out[limbs - 1, k] = value >> (LIMB * (limbs - 1))
    return out


def below(values: NDArray[np.uint8], bound: int) -> Flags:
    """Which (n, 32) big-endian integers are below a bound."""
    words = np.ascontiguousarray(values).view(">u8")
    limits = [(bound >> shift) & ((1 << 64) - 1) for shift in (192, 128, 64, 0)]
    below = np.zeros(len(values), np.bool_)
    equal = np.ones(len(values), np.bool_)
    for j, limit in enumerate(limits):
        below |= equal & (words[:, j] < limit)
        equal &= words[:, j] == limit
    return below
