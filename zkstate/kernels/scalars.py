"""FrVec, BlsFrVec: vectors of scalars of BN254 and of BLS12-381, in Montgomery form in one C array between calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self, TypeVar

import numpy as np
import numpy.typing as npt

from zkstate.errors import LengthError
from zkstate.kernels.seam import CArray, check, ffi, lib, room, thread_count

FR_MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617
BLS_FR_MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
FR_BYTES = 32

Buffer = bytes | bytearray | memoryview


class ScalarVec:
    """n scalars in Montgomery form, in one C array. Its repr shows the length alone: scalars may be secret."""

    __slots__ = ("array", "n")

    _ctype: ClassVar[str]  # of an element, and the beginning of the names of its kernels
    MODULUS: ClassVar[int]

    n: int
    array: CArray  # for zkstate.kernels only

    def __init__(self, n: int) -> None:
        """n zeros."""
        if n < 0:
            raise LengthError(f"{n} scalars: the number cannot be negative")
        self.n, self.array = n, room(f"{self._ctype}[]", n, clear=True)

    @classmethod
    def uninitialised(cls, n: int) -> Self:
        """Room for n scalars that a kernel is about to write."""
        vec = cls.__new__(cls)
        vec.n, vec.array = n, room(f"{cls._ctype}[]", n)
        return vec

    @classmethod
    def ones(cls, n: int) -> Self:
        return cls.from_ints([1]).repeated(n)

    @classmethod
    def from_bytes(cls, data: Buffer) -> Self:
        """Decode 32-byte big-endian scalars. EncodingError names the first that is not below r."""
        return cls._decode(data, cls.kernel("vec_decode_be"))

    @classmethod
    def from_le_bytes(cls, data: Buffer) -> Self:
        """Decode 32-byte little-endian scalars (`fe` of .wtns and .r1cs). EncodingError as from_bytes."""
        return cls._decode(data, cls.kernel("vec_decode_le"))

    @classmethod
    def from_limbs(cls, limbs: npt.NDArray[np.uint64]) -> Self:
        """From shape (n, 4): little-endian 64-bit limbs of integers below r. EncodingError as from_bytes."""
        if limbs.ndim != 2 or limbs.shape[1] != 4 or limbs.dtype.kind not in "iu" or limbs.dtype.itemsize != 8:
            raise LengthError(f"limbs of shape {limbs.shape} and type {limbs.dtype}: wanted (n, 4) of 64-bit integers")
        return cls.from_le_bytes(np.ascontiguousarray(limbs, dtype="<u8").tobytes())

    @classmethod
    def from_raw(cls, data: Buffer) -> Self:
        """From `feM` bytes: little-endian Montgomery forms, as in .zkey. EncodingError as from_bytes."""
        vec = cls.uninitialised(_count(data))
        ffi.buffer(vec.array)[:] = data
        bad = ffi.new("size_t *")
        check(cls.kernel("vec_check")(bad, vec.array, vec.n), f"scalar {bad[0]}")
        return vec

    @classmethod
    def from_ints(cls, values: Iterable[int]) -> Self:
        """From integers of any size and sign, taken mod r."""
        return cls.from_bytes(b"".join((v % cls.MODULUS).to_bytes(FR_BYTES, "big") for v in values))

    @classmethod
    def _decode(cls, data: Buffer, decode: CArray) -> Self:
        vec = cls.uninitialised(_count(data))
        bad = ffi.new("size_t *")
        status = decode(vec.array, bad, ffi.from_buffer("uint8_t[]", data), vec.n)
        check(status, f"scalar {bad[0]}")
        return vec

    def to_bytes(self) -> bytes:
        """32 bytes big-endian each."""
        return self._encode(self.kernel("vec_encode_be"))

    def to_le_bytes(self) -> bytes:
        """32 bytes little-endian each, canonical."""
        return self._encode(self.kernel("vec_encode_le"))

    def _encode(self, encode: CArray) -> bytes:
        out = room("uint8_t[]", FR_BYTES * self.n)
        encode(out, self.array, self.n)
        return bytes(ffi.buffer(out))

    def to_limbs(self) -> npt.NDArray[np.uint64]:
        """Shape (n, 4): little-endian 64-bit limbs of the canonical integers."""
        return np.frombuffer(bytearray(self.to_le_bytes()), dtype="<u8").reshape(self.n, 4)

    def to_ints(self) -> list[int]:
        data = self.to_bytes()
        return [int.from_bytes(data[i : i + FR_BYTES], "big") for i in range(0, len(data), FR_BYTES)]

    def raw(self) -> memoryview:
        """The Montgomery forms themselves, 32 little-endian bytes each, without a copy. Read-only."""
        return memoryview(ffi.buffer(self.array)).toreadonly()

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.n})"

    def __eq__(self, other: object) -> bool:
        return self.raw() == other.raw() if isinstance(other, type(self)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # kernels write into it

    def __getitem__(self, index: int) -> int:
        i = index + self.n if index < 0 else index
        if not 0 <= i < self.n:
            raise IndexError(f"scalar {index} of {self.n}")
        return self.slice(i, i + 1).to_ints()[0]

    def slice(self, start: int, stop: int) -> Self:
        """A copy of [start, stop)."""
        if not 0 <= start <= stop <= self.n:
            raise LengthError(f"slice [{start}, {stop}) of {self.n} scalars")
        vec = self.uninitialised(stop - start)
        ffi.memmove(vec.array, self.array + start, FR_BYTES * vec.n)
        return vec

    def view(self, start: int, stop: int) -> Self:
        """[start, stop) itself: what is written into either is in both."""
        if not 0 <= start <= stop <= self.n:
            raise LengthError(f"view [{start}, {stop}) of {self.n} scalars")
        vec = type(self).__new__(type(self))
        part = memoryview(ffi.buffer(self.array))[FR_BYTES * start : FR_BYTES * stop]
        vec.n, vec.array = stop - start, ffi.from_buffer(f"{self._ctype}[]", part, require_writable=True)
        return vec

    def put(self, start: int, values: Self) -> None:
        """Overwrite from `start` on."""
        if not 0 <= start <= start + values.n <= self.n:
            raise LengthError(f"{values.n} scalars from {start} on of {self.n}")
        ffi.memmove(self.array + start, values.array, FR_BYTES * values.n)

    def copy(self) -> Self:
        return self.slice(0, self.n)

    def repeated(self, times: int) -> Self:
        """The whole vector, `times` times over."""
        vec = self.uninitialised(self.n * times)
        ffi.buffer(vec.array)[:] = bytes(self.raw()) * times
        return vec

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        vec = cls.uninitialised(sum(part.n for part in parts))
        at = 0
        for part in parts:
            ffi.memmove(vec.array + at, part.array, FR_BYTES * part.n)
            at += part.n
        return vec

    def __add__(self, other: Self) -> Self:
        out = self._room_beside(other)
        self.kernel("vec_add")(out.array, self.array, other.array, self.n)
        return out

    def __sub__(self, other: Self) -> Self:
        out = self._room_beside(other)
        self.kernel("vec_sub")(out.array, self.array, other.array, self.n)
        return out

    def __mul__(self, other: Self) -> Self:
        out = self._room_beside(other)
        self.kernel("vec_mul")(out.array, self.array, other.array, self.n, _threads_for(self.n))
        return out

    def scale(self, factor: int) -> Self:
        """factor · each."""
        out = self.uninitialised(self.n)
        self.kernel("vec_scale")(out.array, self.array, self.scalar(factor), self.n, _threads_for(self.n))
        return out

    def scale_powers(self, ratio: int, first: int = 1) -> Self:
        """Element i times first · ratio^i. On a vector of ones: the geometric sequence."""
        out = self.uninitialised(self.n)
        self.kernel("vec_scale_powers")(
            out.array, self.array, self.scalar(first), self.scalar(ratio), self.n, _threads_for(self.n)
        )
        return out

    def inverse(self) -> Self:
        """1/each. InputError names the first that is zero."""
        out, bad = self.uninitialised(self.n), ffi.new("size_t *")
        check(self.kernel("vec_inverse")(out.array, bad, self.array, self.n), f"scalar {bad[0]}")
        return out

    def dot(self, other: Self) -> int:
        """Σ self[i] · other[i]."""
        self._same_length(other)
        out = self.uninitialised(1)
        self.kernel("vec_dot")(out.array, self.array, other.array, self.n)
        return out[0]

    def evaluate(self, x: int) -> int:
        """Σ self[i] · x^i."""
        out = self.uninitialised(1)
        self.kernel("vec_evaluate")(out.array, self.array, self.n, self.scalar(x))
        return out[0]

    def value_at(self, x: int) -> int:
        """The value at x of the polynomial of degree below n with these values at the nth roots of unity.

        They stand in bit-reversed order. LengthError unless n is a power of two.
        """
        out, used = self.uninitialised(1), self.copy()
        check(self.kernel("vec_value_at")(out.array, used.array, self.n, self.scalar(x)), f"{self.n} values")
        return out[0]

    @classmethod
    def scalar(cls, value: int) -> CArray:
        """One scalar as a C array of one, from an integer taken mod r."""
        return cls.from_ints([value]).array

    @classmethod
    def kernel(cls, name: str) -> CArray:
        """The function `name` of the core, for this curve."""
        return getattr(lib, f"{cls._ctype}_{name}")

    def _room_beside(self, other: Self) -> Self:
        self._same_length(other)
        return self.uninitialised(self.n)

    def _same_length(self, other: Self) -> None:
        if self.n != other.n:
            raise LengthError(f"vectors of {self.n} and {other.n} scalars")


class FrVec(ScalarVec):
    """Scalars of BN254."""

    __slots__ = ()

    _ctype, MODULUS = "zkn_fr", FR_MODULUS


class BlsFrVec(ScalarVec):
    """Scalars of BLS12-381."""

    __slots__ = ()

    _ctype, MODULUS = "zkn_bls_fr", BLS_FR_MODULUS


Scalars = TypeVar("Scalars", bound=ScalarVec)


def divide_linear(a: Scalars, z: int) -> tuple[Scalars, int]:
    """Quotient and remainder of Σ a[i] X^i by X − z. LengthError if a is empty."""
    if not a.n:
        raise LengthError("division of a polynomial without coefficients")
    quotient, remainder = a.uninitialised(a.n - 1), a.uninitialised(1)
    a.kernel("vec_divide_linear")(quotient.array, remainder.array, a.array, a.n, a.scalar(z))
    return quotient, remainder[0]


def _count(data: Buffer) -> int:
    size = memoryview(data).nbytes
    n, rest = divmod(size, FR_BYTES)
    if rest:
        raise LengthError(f"{size} bytes is not a whole number of {FR_BYTES}-byte scalars")
    return n


def _threads_for(n: int) -> int:
    """All cores where the work (some 20 ns an element) outweighs starting a thread, else one."""
    return thread_count(0) if n >= 1 << 15 else 1
