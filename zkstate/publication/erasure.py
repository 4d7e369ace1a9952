"""Erasure coding of one stripe: k slices of data and n − k of parity, any k of which give back the data.

A systematic Reed–Solomon code over GF(2^8), by ISA-L through `pyeclib`. It wraps each slice in a header of its own that
says nothing but the slice's place: it is cut off here, and put back before decoding.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Protocol

from zkstate.errors import EnvironmentFailure, InputError, LengthError

MAX_SHARDS = 32
SLICE = 1 << 16


class _Driver(Protocol):
    def encode(self, data: bytes) -> list[bytes]: ...

    def decode(self, fragments: Sequence[bytes]) -> bytes: ...


@dataclass(frozen=True)
class Code:
    """`needed` slices of `count` give the data. InputError for numbers that no code has.

    Parity slice j holds Σ_i slice_i / (i xor j) in GF(2)[x]/(x^8 + x^4 + x^3 + x^2 + 1), byte by byte, for places
    j from `needed` to `count` − 1 and i below `needed` (a Cauchy matrix: every square part of it is invertible).
    """

    needed: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.needed < self.count <= MAX_SHARDS:
            raise InputError(
                f"{self.needed} of {self.count} shards: from 2 to {MAX_SHARDS} of them, and fewer needed than there are"
            )

    def encode(self, data: bytes) -> list[bytes]:
        """The slices of one stripe of `needed` · SLICE bytes, those of the data first."""
        if len(data) != self.needed * SLICE:
            raise LengthError(f"a stripe has {len(data)} bytes, not {self.needed * SLICE}")
        return [slice_[len(self._heads[0]) :] for slice_ in self._driver.encode(data)]

    def decode(self, slices: Mapping[int, bytes]) -> bytes:
        """The data of a stripe from slices by their place, of which the first `needed` are taken.

        LengthError for too few, or for one that is no slice. A wrong slice gives wrong data: check them first.
        """
        places = sorted(slices)[: self.needed]
        if len(places) < self.needed:
            raise LengthError(f"{len(places)} slices of a stripe, and {self.needed} are needed")
        if any(len(slices[place]) != SLICE or not 0 <= place < self.count for place in places):
            raise LengthError(
                f"a slice of {self.needed} of {self.count} has {SLICE} bytes and a place below {self.count}"
            )
        if places[-1] < self.needed:
            return b"".join(slices[place] for place in places)
        return self._driver.decode([self._heads[place] + slices[place] for place in places])

    @cached_property
    def _driver(self) -> _Driver:
        return _driver(self.needed, self.count)

    @cached_property
    def _heads(self) -> list[bytes]:
        """What the library puts before each slice. It depends on place and size alone."""
        return [bytes(slice_[:-SLICE]) for slice_ in self._driver.encode(bytes(self.needed * SLICE))]


@cache
def _driver(needed: int, count: int) -> _Driver:
    try:
        library = importlib.import_module("pyeclib.ec_iface")
    except ImportError:
        raise EnvironmentFailure("shards of an epoch need the package pyeclib: pip install 'zkstate[backup]'") from None
    driver: _Driver = library.ECDriver(k=needed, m=count - needed, ec_type="isa_l_rs_cauchy")
    return driver
