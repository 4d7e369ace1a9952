"""Products of pairings, with arguments in G2 that stay fixed prepared once."""

from __future__ import annotations

from zkstate.errors import LengthError
from zkstate.kernels.points import G1Vec, G2Vec
from zkstate.kernels.seam import check, ffi, lib, room, thread_count


def pairing_check(g1: G1Vec, g2: G2Vec, threads: int = 0) -> bool:
    """Is Π e(g1[i], g2[i]) = 1? Infinity contributes 1. LengthError if lengths differ."""
    _same_length(g1, g2)
    ok = ffi.new("int *")
    lib.zkn_pairing_check(ok, g1.array, g2.array, g1.n, thread_count(threads))
    return bool(ok[0])


class FixedPairing:
    """What Π e(·, fixed[j]) takes from `fixed` alone, 22 KiB a point, and the value that products are compared with.

    `target` is a product of pairings, given by its two vectors. LengthError if its lengths differ, or for more than
    eight fixed points.
    """

    __slots__ = ("_lines", "_n", "_target")

    def __init__(self, fixed: G2Vec, target: tuple[G1Vec, G2Vec]) -> None:
        _same_length(*target)
        if fixed.n > lib.ZKN_PAIRING_MAX_FIXED:
            raise LengthError(f"{fixed.n} fixed points, at most {lib.ZKN_PAIRING_MAX_FIXED}")
        self._n = fixed.n
        self._lines = room("zkn_line[]", lib.ZKN_PAIRING_LINES * fixed.n)
        self._target = ffi.new("zkn_gt *")
        lib.zkn_pairing_lines(self._lines, fixed.array, fixed.n)
        lib.zkn_pairing_product(self._target, target[0].array, target[1].array, target[0].n, 1)

    def check(self, g1: G1Vec, g2: G2Vec, with_fixed: G1Vec, threads: int = 0) -> bool:
        """Is Π e(g1[i], g2[i]) · Π e(with_fixed[j], fixed[j]) the target? LengthError if lengths differ."""
        _same_length(g1, g2)
        if with_fixed.n != self._n:
            raise LengthError(f"{with_fixed.n} points of G1 and {self._n} fixed points")
        ok = ffi.new("int *")
        status = lib.zkn_pairing_check_fixed(
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


def _same_length(g1: G1Vec, g2: G2Vec) -> None:
    if g1.n != g2.n:
        raise LengthError(f"{g1.n} points of G1 and {g2.n} of G2")
