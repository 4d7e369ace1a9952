"""What points of every group share: each is valid from the moment it exists, and equal points have equal bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

from zkstate.errors import LengthError
from zkstate.kernels import PointVec

Vec = TypeVar("Vec", bound=PointVec[Any])


@dataclass(frozen=True, slots=True, repr=False)
class Point(Generic[Vec]):
    """A point of one group. `raw` is its affine Montgomery form. LengthError or EncodingError for bytes of none."""

    raw: bytes

    _vec: ClassVar[type[Any]]
    _scalars: ClassVar[type[Any]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", bytes(memoryview(self.raw)))  # a bytearray could change after the check
        if len(self.raw) != len(self._vec(1).raw()):
            raise LengthError(f"{len(self.raw)} bytes is not one point of {type(self).__name__}")
        self._vec.from_raw(self.raw)

    @classmethod
    def from_vec(cls, vec: Vec, index: int = 0) -> Self:
        """The point at `index` of a vector, which was checked when the vector was made."""
        point = object.__new__(cls)
        object.__setattr__(point, "raw", bytes(vec.slice(index, index + 1).raw()))
        return point

    @classmethod
    def generator(cls) -> Self:
        """The one that the group's standard names."""
        return cls.from_vec(cls._vec.generator())

    @classmethod
    def infinity(cls) -> Self:
        """The neutral element."""
        return cls.from_vec(cls._vec(1))

    @property
    def is_infinity(self) -> bool:
        return not any(self.raw)

    def vec(self) -> Vec:
        """This point as a vector of one."""
        vec: Vec = self._vec.from_raw(self.raw, check=False)
        return vec

    def __add__(self, other: Self) -> Self:
        return self.from_vec(self.vec() + other.vec())

    def __sub__(self, other: Self) -> Self:
        return self.from_vec(self.vec() - other.vec())

    def __neg__(self) -> Self:
        return self.from_vec(-self.vec())

    def __mul__(self, scalar: int) -> Self:
        """scalar · self, the scalar taken mod r. Time depends on the scalar."""
        return self.from_vec(self.vec().scale_each(self._scalars.from_ints([scalar]), threads=1))

    def __rmul__(self, scalar: int) -> Self:
        return self * scalar
