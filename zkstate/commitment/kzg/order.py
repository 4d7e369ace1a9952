"""The bit-reversed order in which blobs and cells hold their values, and vectors of scalars out of bytes."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from zkstate.errors import LengthError
from zkstate.kernels import FR_BYTES, BlsFrVec


@cache
def reversed_indices(n: int) -> npt.NDArray[np.int64]:
    """Index i with its bits reversed, for i below n, a power of two."""
    indices = np.zeros(1, dtype=np.int64)
    while len(indices) < n:
        indices = np.concatenate([2 * indices, 2 * indices + 1])
    indices.flags.writeable = False
    return indices


def reversed_order(data: bytes, width: int) -> bytes:
    """Items of `width` bytes, a power of two of them: item i goes to where the bits of i are reversed."""
    items = np.frombuffer(data, dtype=np.uint8).reshape(-1, width)
    return items[reversed_indices(len(items))].tobytes()


def reversed_vector(vec: BlsFrVec) -> BlsFrVec:
    """The same for a vector of scalars."""
    return BlsFrVec.from_raw(reversed_order(bytes(vec.raw()), FR_BYTES))


def decode_scalars(data: bytes, count: int, what: str) -> BlsFrVec:
    """`count` scalars of 32 bytes big-endian. LengthError, or EncodingError for one that is not below r."""
    if len(data) != count * FR_BYTES:
        raise LengthError(f"{what} has {len(data)} bytes, wanted {count * FR_BYTES}")
    return BlsFrVec.from_bytes(data)


def decode_scalar(data: bytes, what: str) -> int:
    """One scalar of 32 bytes big-endian."""
    return decode_scalars(data, 1, what)[0]
