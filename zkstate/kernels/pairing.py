"""Products of pairings, with arguments in G2 that stay fixed prepared once."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from zkstate.errors import LengthError
from zkstate.kernels.bls12_381 import BlsG1Vec, BlsG2Vec
from zkstate.kernels.points import G1Vec, G2Vec, PointVec
from zkstate.kernels.seam import check, ffi, lib, room, thread_count

First = TypeVar("First", G1Vec, BlsG1Vec)
Second = TypeVar("Second", G2Vec, BlsG2Vec)


def pairing_check(g1: G1Vec, g2: G2Vec, threads: int = 0) -> bool:
    """Is Π e(g1[i], g2[i]) = 1? Infinity contributes 1. LengthError if lengths differ."""
    _same_length(g1, g2)
    ok = ffi.new("int *")
    lib.zkn_pairing_check(ok, g1.array, g2.array, g1.n, thread_count(threads))
    return bool(ok[0])


class FixedPairing(Generic[First, Second]):
    """What Π e(·, fixed[j]) takes from `fixed` alone, 20 KiB a point, and the value that products are compared with.

    `target` is a product of pairings, given by its two vectors. LengthError if its lengths differ, or for more than
    eight fixed points.
    """

    __slots__ = ("_check", "_lines", "_n", "_target")

    def __init__(self, fixed: Second, target: tuple[First, Second]) -> None:
        _same_length(*target)
        if fixed.n > lib.ZKN_PAIRING_MAX_FIXED:
            raise LengthError(f"{fixed.n} fixed points, at most {lib.ZKN_PAIRING_MAX_FIXED}")
        curve, lines = ("zkn_", lib.ZKN_PAIRING_LINES)
        if isinstance(fixed, BlsG2Vec):
            curve, lines = ("zkn_bls_", lib.ZKN_BLS_PAIRING_LINES)
        self._n = fixed.n
        self._lines = room(f"{curve}line[]", lines * fixed.n)
        self._target = ffi.new(f"{curve}gt *")
        self._check = getattr(lib, f"{curve}pairing_check_fixed")
        getattr(lib, f"{curve}pairing_lines")(self._lines, fixed.array, fixed.n)
        getattr(lib, f"{curve}pairing_product")(self._target, target[0].array, target[1].array, target[0].n, 1)

    def check(self, g1: First, g2: Second, with_fixed: First, threads: int = 0) -> bool:
        """Is Π e(g1[i], g2[i]) · Π e(with_fixed[j], fixed[j]) the target? LengthError if lengths differ."""
        _same_length(g1, g2)
        if with_fixed.n != self._n:
            raise LengthError(f"{with_fixed.n} points of G1 and {self._n} fixed points")
        ok = ffi.new("int *")
        status = self._check(
            ok,
            self._target,
            g1.array,
            g2.array,
            g1.n,
            with_fixed.array,
            self._lines,
            self._n,
            thread_count(threads),
        )
        check(status, f"{self._n} fixed points")
        return bool(ok[0])


def _same_length(g1: PointVec[Any], g2: PointVec[Any]) -> None:
    if g1.n != g2.n:
        raise LengthError(f"{g1.n} points of G1 and {g2.n} of G2")
