"""What the contributions of both phases of a ceremony have in common: who, how, and how it is written down.

The end of a contribution in a `.ptau` or `.zkey` file: `type u32` (0 a person, 1 a beacon), `length u32`, then
parameters in rising order, each `tag u8`: 1 name (`length u8`, UTF-8), 2 exponent of a beacon (`u8`), 3 value of a
beacon (`length u8`, bytes).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeVar

from zkstate.algebra.bn254 import G1, G2, pairing_check
from zkstate.errors import EncodingError, InputError, LengthError
from zkstate.proof.beacon import Beacon

MAX_CONTRIBUTIONS = 4096
MAX_NAME_BYTES = 255
_NAME, _EXPONENT, _VALUE = 1, 2, 3
_ENDING = struct.Struct("<II")
Point = TypeVar("Point", G1, G2)


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a contribution: a name nobody has checked, and the beacon if it came from one."""

    name: str = ""
    beacon: Beacon | None = None

    @property
    def title(self) -> str:
        """For messages: control characters and the like are escaped."""
        name = self.name.encode("unicode_escape").decode("ascii") if not self.name.isprintable() else self.name
        return f"{name!r}" if self.beacon is None else f"{name!r}, a beacon"

    def encode(self) -> bytes:
        parameters = b""
        if self.name:
            name = self.name.encode("utf-8")
            if len(name) > MAX_NAME_BYTES:
                raise LengthError(f"a name of {len(name)} bytes, at most {MAX_NAME_BYTES} are written")
            parameters += bytes((_NAME, len(name))) + name
        if self.beacon is not None:
            parameters += bytes((_EXPONENT, self.beacon.exponent, _VALUE, len(self.beacon.value))) + self.beacon.value
        return _ENDING.pack(int(self.beacon is not None), len(parameters)) + parameters


class Reader:
    """Reads a section of contributions from front to back; every length is checked before anything is copied."""

    def __init__(self, section: memoryview, where: str) -> None:
        self.section, self.at, self.where = section, 0, where

    def take(self, n: int) -> bytes:
        if n > len(self.section) - self.at:
            raise LengthError(f"{self.where}: {n} bytes wanted at {self.at}, {len(self.section) - self.at} are left")
        self.at += n
        return bytes(self.section[self.at - n : self.at])

    def count(self) -> int:
        """The number of contributions."""
        n = int.from_bytes(self.take(4), "little")
        if n > MAX_CONTRIBUTIONS:
            raise LengthError(f"{self.where}: {n} contributions, at most {MAX_CONTRIBUTIONS} are read")
        return n

    def g1(self, field: str) -> G1:
        return self._point(G1, 64, field)

    def g2(self, field: str) -> G2:
        return self._point(G2, 128, field)

    def _point(self, group: type[Point], size: int, field: str) -> Point:
        """A point in Montgomery form that is not infinity."""
        raw = self.take(size)
        if not any(raw):
            raise EncodingError(f"{self.where}: {field} is the point at infinity")
        try:
            return group(raw)
        except InputError as error:
            raise EncodingError(f"{self.where}: {field}: {error}") from error

    def author(self) -> Author:
        kind, length = _ENDING.unpack(self.take(_ENDING.size))
        if kind > 1:
            raise EncodingError(f"{self.where}: type {kind} of a contribution is neither 0 (person) nor 1 (beacon)")
        end, last, found = self.at + length, 0, dict[int, bytes]()
        while self.at < end:
            (tag,) = self.take(1)
            if not last < tag <= _VALUE:
                raise EncodingError(
                    f"{self.where}: parameter {tag} after {last}, expected rising numbers up to {_VALUE}"
                )
            found[tag], last = self.take(1 if tag == _EXPONENT else self.take(1)[0]), tag
        if self.at != end:
            raise LengthError(f"{self.where}: parameters end at {self.at}, their length says {end}")
        try:
            name = found.pop(_NAME, b"").decode("utf-8")
        except UnicodeDecodeError as error:
            raise EncodingError(f"{self.where}: the name is not UTF-8") from error
        if kind == 0 and found:
            raise EncodingError(f"{self.where}: parameters of a beacon in the contribution of a person")
        if kind == 1 and set(found) != {_EXPONENT, _VALUE}:
            raise EncodingError(f"{self.where}: a beacon needs its exponent and its value")
        return Author(name, Beacon(found[_VALUE], found[_EXPONENT][0]) if kind else None)

    def end(self) -> None:
        if self.at != len(self.section):
            raise LengthError(f"{self.where}: {len(self.section) - self.at} bytes after the last contribution")


def same_ratio(a: tuple[G1, G1], b: tuple[G2, G2]) -> bool:
    """Whether a[1] = x a[0] and b[1] = x b[0] for one x, none of them infinity: e(a0, b1) = e(a1, b0)."""
    if any(point.is_infinity for point in (*a, *b)):
        return False
    return pairing_check([(a[0], b[1]), (-a[1], b[0])])
