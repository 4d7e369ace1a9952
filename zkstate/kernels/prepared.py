"""Points of G1 that serve many sums of multiples: their multiples by powers of two, made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from zkstate.errors import LengthError
from zkstate.kernels.bls12_381 import BlsG1Vec
from zkstate.kernels.points import G1Vec
from zkstate.kernels.scalars import BlsFrVec, FrVec, ScalarVec
from zkstate.kernels.seam import check, lib, room, thread_count

WINDOW = 8  # bits: 32 entries a point; the fewest additions for some tens of points a sum
_CURVES: dict[type[Any], tuple[str, type[ScalarVec]]] = {
    G1Vec: ("zkn_", FrVec),
    BlsG1Vec: ("zkn_bls_", BlsFrVec),
}

Points = TypeVar("Points", G1Vec, BlsG1Vec)


@dataclass(frozen=True, slots=True)
class PreparedPoints(Generic[Points]):
    """The points of so many sums, all of the same number, one sum after another; made by `of`.

    Source: Brickell, Gordon, McCurley, Wilson 1992, section 3.
    """

    table: Points
    sums: int
    count: int
    window: int

    @classmethod
    def of(cls, points: Points, sums: int, window: int = WINDOW, threads: int = 0) -> Self:
        """Points of the subgroup, divided among `sums`.

        LengthError if they cannot be, or for another window than 2 to 16 bits.
        """
        if sums < 1 or points.n % sums:
            raise LengthError(f"{points.n} points for {sums} sums")
        curve, _ = _CURVES[type(points)]
        if not 2 <= window <= 16:
            raise LengthError(f"windows of {window} bits, wanted 2 to 16")
        table = type(points).uninitialised(int(getattr(lib, f"{curve}prepared_length")(points.n, window)))
        status = getattr(lib, f"{curve}g1_prepare")(table.array, points.array, points.n, window, thread_count(threads))
        check(status, f"{points.n} points for {window}-bit windows")
        return cls(table, sums, points.n // sums, window)

    def multiplied(self, scalars: ScalarVec, threads: int = 0) -> Points:
        """For each sum Σ scalars[i]·points[i]; the scalars stand as the points did. Time depends on the scalars."""
        curve, kind = _CURVES[type(self.table)]
        if not isinstance(scalars, kind):
            raise TypeError(f"{type(scalars).__name__} for {type(self.table).__name__}, wanted {kind.__name__}")
        if scalars.n != self.sums * self.count:
            raise LengthError(f"{scalars.n} scalars for {self.sums} sums of {self.count} points")
        shape, threads = (self.count, self.sums, self.window), thread_count(threads)
        out = type(self.table).uninitialised(self.sums)
        scratch = room("uint8_t[]", getattr(lib, f"{curve}g1_prepared_scratch_size")(*shape, threads))
        status = getattr(lib, f"{curve}g1_prepared_sums_vartime")(
            out.array, self.table.array, scalars.array, *shape, threads, scratch
        )
        check(status, f"{self.sums} sums of {self.count} prepared points")
        return out
