"""Masks: what hides the witness, from the operating system's randomness and the statement together.

The keystream of ChaCha20 under a key that hashes 64 random bytes, the circuit, its layout and the whole witness, each
behind its length. A generator that repeats itself gives one proof twice, and never the same masks to two witnesses or
two statements.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from zkstate.errors import EnvironmentFailure
from zkstate.kernels import FR_BYTES, FR_MODULUS, FrVec, wipe, wipe_bytes
from zkstate.proof.transparent.parameters import MASK_WIRES

Random = Callable[[int], bytes]
SEED_BYTES = 64
PERSON = b"zkstate masks v1"
_TOP_BITS = np.uint64((1 << 62) - 1)  # r is below 2^254: a quarter of all tries is refused
_LIMBS = [np.uint64(FR_MODULUS >> 64 * i & (1 << 64) - 1) for i in range(4)]


class Masks:
    """A stream of uniform bytes and scalars for one proof."""

    __slots__ = ("_stream",)

    def __init__(self, rng: Random, statement: Iterable[bytes], witness: Iterable[FrVec]) -> None:
        seed = rng(SEED_BYTES)
        if len(seed) != SEED_BYTES or len(set(seed)) == 1:
            raise EnvironmentFailure(f"the random source gave {len(seed)} bytes that are no seed: it is broken")
        state = hashlib.blake2b(digest_size=32, key=seed, person=PERSON)
        parts: list[bytes | memoryview] = [*statement, *(vec.raw() for vec in witness)]
        for part in parts:
            state.update(len(part).to_bytes(8, "big"))
            state.update(part)
        self._stream = Cipher(algorithms.ChaCha20(state.digest(), bytes(16)), mode=None).encryptor()

    def take_bytes(self, count: int) -> bytearray:
        """So many uniform bytes."""
        out = bytearray(count)
        self._stream.update_into(bytes(count), out)
        return out

    def take(self, count: int) -> FrVec:
        """So many uniform scalars, by rejection."""
        parts: list[FrVec] = []
        missing = count
        while missing:
            buffer = self.take_bytes(FR_BYTES * (missing + missing // 2 + 8))
            limbs = np.frombuffer(buffer, dtype="<u8").reshape(-1, 4)
            limbs[:, 3] &= _TOP_BITS
            chosen = limbs[_below_modulus(limbs)][:missing]
            parts.append(FrVec.from_raw(chosen.data.cast("B")))
            missing -= len(chosen)
            chosen[:] = 0
            wipe_bytes(buffer)
        if len(parts) == 1:
            return parts[0]
        whole = FrVec.concat(parts)
        for part in parts:
            wipe(part)
        return whole


def mask_wires(masks: Masks) -> FrVec:
    """The mask wires: four uniform scalars and the fifth power of the last of them, which their power asks for."""
    drawn = masks.take(MASK_WIRES - 1)
    last = drawn.view(MASK_WIRES - 2, MASK_WIRES - 1)
    square = last * last
    fourth = square * square
    fifth = fourth * last
    try:
        return FrVec.concat([drawn, fifth])
    finally:
        for values in (drawn, square, fourth, fifth):
            wipe(values)


def _below_modulus(limbs: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Which rows are below r, read as four little-endian limbs."""
    below = limbs[:, 0] < _LIMBS[0]
    for i in range(1, 4):
        below = (limbs[:, i] < _LIMBS[i]) | ((limbs[:, i] == _LIMBS[i]) & below)
    return below
