"""Columns of integers as the limbs and bytes that the core and the formats take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Limbs = NDArray[np.uint64]
ByteMatrix = NDArray[np.uint8]

LIMBS = 4


def byte_limbs(data: ByteMatrix) -> Limbs:
    """(m, 32) big-endian bytes as (m, 4) little-endian limbs."""
    return np.ascontiguousarray(data).view(">u8").astype(np.uint64)[:, ::-1]


def limb_bytes(limbs: Limbs) -> ByteMatrix:
    """(m, 4) little-endian limbs as (m, 32) big-endian bytes."""
    return np.ascontiguousarray(limbs[:, ::-1]).astype(">u8").view(np.uint8).reshape(-1, 8 * LIMBS)


def big_endian(values: NDArray[np.generic]) -> ByteMatrix:
    """Each value, of any width, as its big-endian bytes."""
    return values.astype(values.dtype.newbyteorder(">")).view(np.uint8).reshape(-1, values.dtype.itemsize)
