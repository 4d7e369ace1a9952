"""G1Vec, G2Vec of BN254, BlsG1Vec, BlsG2Vec of BLS12-381: vectors of affine points in Montgomery form, and the kernels
over them.

Infinity is all zero bytes, as G1M and G2M of the snarkjs files. A vector holds points of its group only: every way
in checks curve and subgroup, except `from_raw(check=False)`, which is for bytes that were checked before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from zkstate.errors import EncodingError, LengthError
from zkstate.kernels.scalars import Buffer, FrVec, ScalarVec
from zkstate.kernels.seam import CArray, check, ffi, lib, room, thread_count
from zkstate.kernels.transforms import twiddles_for

FP_MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583

Coordinate = TypeVar("Coordinate", int, tuple[int, int])


Points = TypeVar("Points", bound="PointVec[Any]")


@dataclass(frozen=True, slots=True)
class FixedTable(Generic[Points]):
    """Multiples of one base for windows of so many bits; made by `fixed_table`."""

    multiples: Points
    window: int


class PointVec(Generic[Coordinate]):
    """n affine points in one C array. `_group` names the kernels of its group, `_size` is the bytes of a point."""

    __slots__ = ("array", "n")

    _group: ClassVar[str]
    _size: ClassVar[int]
    _q: ClassVar[int] = FP_MODULUS
    _scalars: ClassVar[type[ScalarVec]] = FrVec

    n: int
    array: CArray  # for zkstate.kernels only

    def __init__(self, n: int) -> None:
        """n times infinity."""
        if n < 0:
            raise LengthError(f"{n} points: the number cannot be negative")
        self.n, self.array = n, ffi.new(f"zkn_{self._group}_aff[]", n)

    @classmethod
    def uninitialised(cls, n: int) -> Self:
        """Room for n points that a kernel is about to write."""
        vec = cls.__new__(cls)
        vec.n, vec.array = n, room(f"zkn_{cls._group}_aff[]", n)
        return vec

    @classmethod
    def generator(cls) -> Self:
        """The generator of the group (EIP-197), as a vector of one."""
        vec = cls.uninitialised(1)
        cls._kernel("generator")(vec.array)
        return vec

    @classmethod
    def from_raw(cls, data: Buffer, check: bool = True, threads: int = 0) -> Self:
        """From Montgomery little-endian affine points (`G1M`, `G2M`). EncodingError names the first bad one."""
        vec = cls.uninitialised(cls._count(data))
        ffi.buffer(vec.array)[:] = data
        if check:
            vec.validate(threads)
        return vec

    @classmethod
    def from_bytes(cls, data: Buffer, threads: int = 0) -> Self:
        """From EVM words: big-endian, for G2 imaginary part first. EncodingError names the first bad point."""
        vec = cls.uninitialised(cls._count(data))
        bad = ffi.new("size_t *")
        status = cls._kernel("vec_decode_be")(vec.array, bad, ffi.from_buffer("uint8_t[]", data), vec.n)
        check(status, f"a coordinate of {cls._name()} point {bad[0]}")
        vec.validate(threads)
        return vec

    @classmethod
    def from_affine(cls, points: Iterable[tuple[Coordinate, Coordinate] | None]) -> Self:
        """From integer coordinates, None for infinity. EncodingError as from_bytes, and for (0, 0)."""
        return cls.from_bytes(b"".join(cls._encode(i, point) for i, point in enumerate(points)))

    def to_bytes(self) -> bytes:
        """EVM words, as from_bytes."""
        out = room("uint8_t[]", self._size * self.n)
        self._kernel("vec_encode_be")(out, self.array, self.n)
        return bytes(ffi.buffer(out))

    def to_affine(self) -> list[tuple[Coordinate, Coordinate] | None]:
        """Integer coordinates, None for infinity."""
        data = self.to_bytes()
        return [self._decode(data[i : i + self._size]) for i in range(0, len(data), self._size)]

    def raw(self) -> memoryview:
        """The Montgomery forms themselves, as from_raw, without a copy. Read-only."""
        return memoryview(ffi.buffer(self.array)).toreadonly()

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.n})"

    def __eq__(self, other: object) -> bool:
        return self.raw() == other.raw() if isinstance(other, type(self)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # kernels write into it

    def slice(self, start: int, stop: int) -> Self:
        """A copy of [start, stop)."""
        if not 0 <= start <= stop <= self.n:
            raise LengthError(f"slice [{start}, {stop}) of {self.n} points")
        vec = self.uninitialised(stop - start)
        ffi.memmove(vec.array, self.array + start, self._size * vec.n)
        return vec

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        vec = cls.uninitialised(sum(part.n for part in parts))
        at = 0
        for part in parts:
            ffi.memmove(vec.array + at, part.array, cls._size * part.n)
            at += part.n
        return vec

    def __add__(self, other: Self) -> Self:
        """Elementwise; infinity, equal and opposite points included."""
        self._same_length(other.n, "points")
        out = self.uninitialised(self.n)
        self._kernel("vec_add")(out.array, self.array, other.array, self.n)
        return out

    def __neg__(self) -> Self:
        out = self.uninitialised(self.n)
        self._kernel("vec_neg")(out.array, self.array, self.n)
        return out

    def __sub__(self, other: Self) -> Self:
        return self + -other

    def scale_each(self, scalars: ScalarVec, threads: int = 0) -> Self:
        """scalars[i] · self[i]; one scalar is taken for every point. Time depends on the scalars."""
        if scalars.n != 1:
            self._same_length(scalars.n, "scalars")
        self._same_curve(scalars)
        threads, out = thread_count(threads), self.uninitialised(self.n)
        scratch = room("uint8_t[]", self._kernel("vec_mul_scratch_size")(self.n, threads))
        status = self._kernel("vec_mul_vartime")(
            out.array, self.array, scalars.array, scalars.n, self.n, threads, scratch
        )
        lib.zkn_wipe_shared(scratch, len(scratch), threads)
        check(status, f"{self.n} points times {scalars.n} scalars")
        return out

    def sums(self, items: npt.NDArray[np.uint32], offsets: npt.NDArray[np.uint32], threads: int = 0) -> Self:
        """out[k] = Σ self[items[i]] for offsets[k] <= i < offsets[k+1], negated where bit 31 of an item is set.

        Shapes: offsets has one entry more than there are sums. Errors: EncodingError names the item out of range.
        """
        items, offsets = (np.ascontiguousarray(a, dtype=np.uint32) for a in (items, offsets))
        n, threads, bad = len(offsets) - 1, thread_count(threads), ffi.new("size_t *")
        if n < 0 or int(offsets[-1]) > len(items):
            raise LengthError(f"{len(items)} items and {len(offsets)} offsets that end at {offsets[-1:]}")
        out = self.uninitialised(n)
        scratch = room("uint8_t[]", self._kernel("vec_sums_scratch_size")(n, threads))
        given = (ffi.from_buffer("uint32_t[]", a) for a in (items, offsets))
        status = self._kernel("vec_sums_vartime")(out.array, bad, self.array, self.n, *given, n, threads, scratch)
        check(status, f"list or item {bad[0]} of {n} sums")
        return out

    def msm(self, scalars: ScalarVec, threads: int = 0) -> Self:
        """Σ scalars[i] · self[i], a vector of one. Time depends on the scalars."""
        return self._msm(self.array, self.n, scalars, threads)

    @classmethod
    def msm_in_place(cls, data: Buffer, scalars: ScalarVec, threads: int = 0) -> Self:
        """As msm, over raw points (`G1M`, `G2M`) checked before: read where they are, as in a mapped file."""
        return cls._msm(ffi.from_buffer("uint8_t[]", data), cls._count(data), scalars, threads)

    @classmethod
    def _msm(cls, points: CArray, n: int, scalars: ScalarVec, threads: int) -> Self:
        if n != scalars.n:
            raise LengthError(f"{n} points and {scalars.n} scalars")
        cls._same_curve(scalars)
        threads = thread_count(threads)
        out = cls.uninitialised(1)
        scratch = room("uint8_t[]", cls._kernel("msm_scratch_size")(n, threads))
        status = cls._kernel("msm_vartime")(out.array, points, scalars.array, n, threads, scratch)
        check(status, f"a sum of {n} products")
        return out

    @classmethod
    def fixed_table(cls, expected: int, base: Self | None = None, threads: int = 0) -> FixedTable[Self]:
        """The multiples of a base (the generator if None) that about `expected` products of it are worth."""
        base = cls.generator() if base is None else base
        if base.n != 1:
            raise LengthError(f"{base.n} bases, wanted one")
        # An addition per scalar and window, and one per entry of the table.
        window = min(range(2, 17), key=lambda c: (253 // c + 1) * (expected + (1 << (c - 1))))
        table, threads = cls.uninitialised(cls._table_length(window)), thread_count(threads)
        scratch = room("uint8_t[]", cls._kernel("fixed_scratch_size")(threads))
        status = cls._kernel("fixed_table")(table.array, base.array, window, threads, scratch)
        check(status, f"a table of {window}-bit windows")
        return FixedTable(table, window)

    @classmethod
    def fixed_base(cls, scalars: ScalarVec, table: FixedTable[Self] | None = None, threads: int = 0) -> Self:
        """scalars[i] times the base of the table (the generator if None). Time depends on the scalars."""
        cls._same_curve(scalars)
        table = cls.fixed_table(scalars.n, threads=threads) if table is None else table
        out, threads = cls.uninitialised(scalars.n), thread_count(threads)
        scratch = room("uint8_t[]", cls._kernel("fixed_scratch_size")(threads))
        status = cls._kernel("fixed_mul_vartime")(
            out.array, table.multiples.array, table.window, scalars.array, scalars.n, threads, scratch
        )
        lib.zkn_wipe_shared(scratch, len(scratch), threads)
        check(status, f"{scalars.n} products of one base")
        return out

    def lagrange(self, threads: int = 0) -> Self:
        """From τ^j·G the values L_i(τ)·G of the Lagrange polynomials on the roots of unity of order len(self).

        The inverse transform of `ntt`, on points. Errors: LengthError if the order is no power of two up to 2^28.
        """
        out, threads = self.slice(0, self.n), thread_count(threads)
        scratch = room("uint8_t[]", self._kernel("intt_scratch_size")(threads))
        twiddles = twiddles_for(self.n, self._scalars)
        check(
            self._kernel("intt_vartime")(out.array, self.n, twiddles.array, threads, scratch),
            f"a transform of {self.n} points",
        )
        return out

    def validate(self, threads: int = 0) -> None:
        """EncodingError names the first point with a coordinate not below q, off the curve or out of the subgroup."""
        bad = ffi.new("size_t *")
        status = self._kernel("vec_check")(bad, self.array, self.n, thread_count(threads))
        check(status, f"{self._name()} point {bad[0]}")

    def _same_length(self, n: int, what: str) -> None:
        if self.n != n:
            raise LengthError(f"{self.n} points and {n} {what}")

    @classmethod
    def _same_curve(cls, scalars: ScalarVec) -> None:
        if not isinstance(scalars, cls._scalars):
            raise TypeError(f"{type(scalars).__name__} for {cls.__name__}, wanted {cls._scalars.__name__}")

    @classmethod
    def _table_length(cls, window: int) -> int:
        curve = cls._group[:-2]  # "" or "bls_"
        return int(getattr(lib, f"zkn_{curve}fixed_table_length")(window))

    @classmethod
    def _name(cls) -> str:
        return cls._group[-2:].upper()

    @classmethod
    def _word(cls) -> int:
        """Bytes of a coordinate."""
        return (cls._q.bit_length() + 63) // 64 * 8

    @classmethod
    def _kernel(cls, name: str) -> CArray:
        return getattr(lib, f"zkn_{cls._group}_{name}")

    @classmethod
    def _count(cls, data: Buffer) -> int:
        size = memoryview(data).nbytes
        n, rest = divmod(size, cls._size)
        if rest:
            raise LengthError(f"{size} bytes is not a whole number of {cls._size}-byte {cls._name()} points")
        return n

    @classmethod
    def _encode(cls, index: int, point: tuple[Coordinate, Coordinate] | None) -> bytes:
        if point is None:
            return bytes(cls._size)
        words = cls._words(point)
        for word in words:
            if not 0 <= word < cls._q:
                raise EncodingError(f"a coordinate of {cls._name()} point {index} is not in [0, q): {word}")
        if not any(words):
            raise EncodingError(f"{cls._name()} point {index} is (0, 0), which is not on the curve")
        return b"".join(word.to_bytes(cls._word(), "big") for word in words)

    @classmethod
    def _decode(cls, data: bytes) -> tuple[Coordinate, Coordinate] | None:
        size = cls._word()
        words = [int.from_bytes(data[i : i + size], "big") for i in range(0, len(data), size)]
        return cls._point(words) if any(words) else None

    @staticmethod
    def _words(point: tuple[Coordinate, Coordinate]) -> list[int]:
        """The integers of a point in EVM order."""
        raise NotImplementedError

    @staticmethod
    def _point(words: list[int]) -> tuple[Coordinate, Coordinate]:
        """The inverse of _words."""
        raise NotImplementedError


class G1Vec(PointVec[int]):
    """n points of G1, y² = x³ + 3; coordinates are integers below q."""

    __slots__ = ()

    _group, _size = "g1", 64

    @staticmethod
    def _words(point: tuple[int, int]) -> list[int]:
        return list(point)

    @staticmethod
    def _point(words: list[int]) -> tuple[int, int]:
        return words[0], words[1]


class G2Vec(PointVec[tuple[int, int]]):
    """n points of G2, y² = x³ + 3/(9 + i) in the subgroup of order r; coordinates are (real, imaginary)."""

    __slots__ = ()

    _group, _size = "g2", 128

    @staticmethod
    def _words(point: tuple[tuple[int, int], tuple[int, int]]) -> list[int]:
        (x0, x1), (y0, y1) = point
        return [x1, x0, y1, y0]

    @staticmethod
    def _point(words: list[int]) -> tuple[tuple[int, int], tuple[int, int]]:
        x1, x0, y1, y0 = words
        return (x0, x1), (y0, y1)


def clear_cofactor(x: tuple[int, int], y: tuple[int, int]) -> G2Vec:
    """(2q − r) times a point of G2's curve, which lies in G2. EncodingError if the coordinates are not on the curve."""
    vec = G2Vec.uninitialised(1)
    data, bad = b"".join(word.to_bytes(32, "big") for word in (*x[::-1], *y[::-1])), ffi.new("size_t *")
    check(lib.zkn_g2_vec_decode_be(vec.array, bad, data, 1), "a coordinate")
    lib.zkn_g2_clear_cofactor(vec.array, vec.array)
    vec.validate()
    return vec


def msm_g1(points: G1Vec, scalars: ScalarVec, threads: int = 0) -> G1Vec:
    """Σ scalars[i] · points[i], a vector of one. LengthError if lengths differ. Time depends on the scalars."""
    return points.msm(scalars, threads)


def msm_g2(points: G2Vec, scalars: ScalarVec, threads: int = 0) -> G2Vec:
    """As msm_g1, in G2."""
    return points.msm(scalars, threads)


def fixed_base_g1(scalars: ScalarVec, threads: int = 0) -> G1Vec:
    """scalars[i] times the generator of G1. Time depends on the scalars."""
    return G1Vec.fixed_base(scalars, threads=threads)


def fixed_base_g2(scalars: ScalarVec, threads: int = 0) -> G2Vec:
    """scalars[i] times the generator of G2. Time depends on the scalars."""
    return G2Vec.fixed_base(scalars, threads=threads)
