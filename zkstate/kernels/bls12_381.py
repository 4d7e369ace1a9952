"""BlsG1Vec, BlsG2Vec: vectors of points of BLS12-381, compressed or hashed to, and their products by secrets."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from zkstate.errors import LengthError
from zkstate.kernels.points import G1Vec, G2Vec, PointVec
from zkstate.kernels.scalars import BlsFrVec, Buffer, ScalarVec
from zkstate.kernels.seam import check, ffi, lib, room, thread_count

BLS_FP_MODULUS = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
SECRET_BYTES = 32


class _BlsPointVec(PointVec[Any]):
    """What both groups have beside the vectors of points.py. `_uniform` is the bytes that hash to one point."""

    __slots__ = ()

    _q = BLS_FP_MODULUS
    _scalars: ClassVar[type[ScalarVec]] = BlsFrVec
    _uniform: ClassVar[int]

    @classmethod
    def from_compressed(cls, data: Buffer, threads: int = 0, check_subgroup: bool = True) -> Self:
        """From 48 or 96 bytes a point (ZCash). EncodingError names the first that is not canonical, on the curve, in G.

        `check_subgroup=False` is for bytes that were checked before.
        """
        size, width = memoryview(data).nbytes, cls._size // 2
        n, rest = divmod(size, width)
        if rest:
            raise LengthError(f"{size} bytes is not a whole number of {width}-byte {cls._name()} points")
        vec, bad = cls.uninitialised(n), ffi.new("size_t *")
        status = cls._kernel("vec_decompress")(vec.array, bad, ffi.from_buffer("uint8_t[]", data), n)
        check(status, f"compressed {cls._name()} point {bad[0]}")
        if check_subgroup:
            vec.validate(threads)
        return vec

    def to_compressed(self) -> bytes:
        """The inverse of from_compressed."""
        out = room("uint8_t[]", self._size // 2 * self.n)
        self._kernel("vec_compress")(out, self.array, self.n)
        return bytes(ffi.buffer(out))

    @classmethod
    def hashed(cls, uniform: bytes, encode_only: bool = False) -> Self:
        """Points from the bytes of expand_message (RFC 9380): two field elements each, or one with `encode_only`.

        Time depends on the bytes. LengthError if they are not a whole number of points.
        """
        width = cls._uniform // 2 if encode_only else cls._uniform
        n, rest = divmod(len(uniform), width)
        if rest:
            raise LengthError(f"{len(uniform)} uniform bytes, wanted a multiple of {width}")
        vec = cls.uninitialised(n)
        name = "vec_encode_to_curve_vartime" if encode_only else "vec_hash_vartime"
        cls._kernel(name)(vec.array, ffi.from_buffer("uint8_t[]", uniform), n)
        return vec

    def times_secret(self, scalar: Buffer) -> Self:
        """scalar · self for one point and 32 secret bytes, big-endian; no branch and no address depends on them."""
        if self.n != 1 or memoryview(scalar).nbytes != SECRET_BYTES:
            raise LengthError(f"{self.n} points and {memoryview(scalar).nbytes} bytes, wanted one and {SECRET_BYTES}")
        out = self.uninitialised(1)
        self._kernel("mul_secret")(out.array, self.array, ffi.from_buffer("uint8_t[]", scalar))
        return out

    def sum(self, chosen: npt.NDArray[np.uint32] | None = None) -> Self:
        """Of all points, or of those with the chosen indices, a vector of one; infinity for none."""
        items = np.arange(self.n, dtype=np.uint32) if chosen is None else chosen
        return self.sums(items, np.array([0, len(items)], dtype=np.uint32), threads=1)

    def infinities(self) -> list[int]:
        """The indices of points that are infinity."""
        if not self.n:
            return []
        words = np.frombuffer(self.raw(), dtype=np.uint64).reshape(self.n, -1)
        return [int(i) for i in np.flatnonzero(~words.any(axis=1))]


class BlsG1Vec(_BlsPointVec):
    """Points of E: y² = x³ + 4 over Fp, in the subgroup of order r. Encoded x, y; compressed 48 bytes."""

    __slots__ = ()

    _group, _size, _uniform = "bls_g1", 96, 128
    _words, _point = staticmethod(G1Vec._words), staticmethod(G1Vec._point)  # noqa: SLF001  # one wire order


class BlsG2Vec(_BlsPointVec):
    """Points of E': y² = x³ + 4 (1 + i) over Fp2, in the subgroup of order r. Imaginary part first; compressed 96."""

    __slots__ = ()

    _group, _size, _uniform = "bls_g2", 192, 256
    _words, _point = staticmethod(G2Vec._words), staticmethod(G2Vec._point)  # noqa: SLF001  # one wire order


def bls_pairing_check(g1: BlsG1Vec, g2: BlsG2Vec, threads: int = 0) -> bool:
    """Is Π e(g1[i], g2[i]) = 1? Infinity contributes 1. LengthError if lengths differ."""
    if g1.n != g2.n:
        raise LengthError(f"{g1.n} points of G1 and {g2.n} of G2")
    ok = ffi.new("int *")
    lib.zkn_bls_pairing_check(ok, g1.array, g2.array, g1.n, thread_count(threads))
    return bool(ok[0])
