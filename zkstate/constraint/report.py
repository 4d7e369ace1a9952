"""What went wrong, in the statement's own words: the label of a broken row and the values of its sides."""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.kernels import FR_MODULUS


@dataclass(frozen=True, slots=True)
class Violation:
    """A row that a witness breaks. `values` are the two sides of its requirement, or A·w, B·w and C·w.

    They may be secret: `str` of this is for the prover's eyes. The repr shows label and row alone.
    """

    label: str
    values: tuple[int, ...]
    row: int
    operator: str = "row"

    def __str__(self) -> str:
        return f"{self.label}: {self._values_in_words()}"

    def __repr__(self) -> str:
        return f"Violation({self.label!r}, row {self.row})"

    def _values_in_words(self) -> str:
        if self.operator == "row":
            a, b, c = self.values
            return f"{a} · {b} = {c} does not hold"
        left, right = self.values
        if self.operator == "fits":
            return f"the value is {left}"
        if self.operator == "true":
            return "it does not hold" if left == 0 else f"the bit is {left}"
        return f"{left} {self.operator} {right} does not hold"


def signed(value: int) -> int:
    """The integer in (-r/2, r/2) of a field element: what an interval wire stands for."""
    return value - FR_MODULUS if value > FR_MODULUS // 2 else value
