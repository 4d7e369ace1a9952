"""Wire: a linear combination of witness wires with the integer interval its value lies in.

`+ - *`, `abs`, comparisons and the boolean operators `& | ^ ~` make new wires and relations. An interval wire
stands for an integer, and its field element is that integer mod r; an interval that leaves (-r/2, r/2), where
the two would part, is a CircuitError where it happens. A FELT wire has no interval: its arithmetic is Fr.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn, Protocol

from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS

LARGEST = FR_MODULUS // 2  # the largest value in (-r/2, r/2)
ONE_WIRE = 0


class Rows(Protocol):
    """What operators need of the builder: the ones that cost rows."""

    def product(self, a: Wire, b: Wire) -> Wire: ...
    def bit(self, relation: Relation) -> Wire: ...
    def magnitude(self, a: Wire) -> Wire: ...


class Wire:
    """Σ terms[w]·w, terms on wire 0 being the constant. Immutable; made by a builder.

    `lo` and `hi` bound the value as an integer, both None for a FELT. Rows keep the bounds.
    """

    __slots__ = ("hi", "lo", "rows", "terms")

    def __init__(self, rows: Rows, terms: Mapping[int, int], lo: int | None, hi: int | None) -> None:
        self.rows, self.terms, self.lo, self.hi = rows, terms, lo, hi

    @property
    def is_felt(self) -> bool:
        return self.lo is None

    @property
    def bounds(self) -> tuple[int, int]:
        """(lo, hi). CircuitError for a FELT."""
        if self.lo is None or self.hi is None:
            raise CircuitError(f"{self!r} has no interval: decompose a field element into bits first")
        return self.lo, self.hi

    @property
    def is_boolean(self) -> bool:
        return self.lo is not None and self.hi is not None and self.lo >= 0 and self.hi <= 1

    @property
    def constant(self) -> int | None:
        """The value of a wire that is a constant, else None."""
        if not self.terms:
            return 0
        return self.terms[ONE_WIRE] if len(self.terms) == 1 and ONE_WIRE in self.terms else None

    def __repr__(self) -> str:
        interval = "felt" if self.is_felt else f"[{self.lo}, {self.hi}]"
        return f"Wire({len(self.terms)} terms, {interval})"

    # linear operations: no rows

    def __add__(self, other: WireLike) -> Wire:
        return linear(self.rows, [(1, self), (1, self._beside(other))])

    __radd__ = __add__

    def __sub__(self, other: WireLike) -> Wire:
        return linear(self.rows, [(1, self), (-1, self._beside(other))])

    def __rsub__(self, other: WireLike) -> Wire:
        return linear(self.rows, [(1, self._beside(other)), (-1, self)])

    def __neg__(self) -> Wire:
        return linear(self.rows, [(-1, self)])

    # operations that may cost rows

    def __mul__(self, other: WireLike) -> Wire:
        factor = self._beside(other)
        if factor.constant is not None:
            return linear(self.rows, [(factor.constant, self)])
        if self.constant is not None:
            return linear(self.rows, [(self.constant, factor)])
        return self.rows.product(self, factor)

    __rmul__ = __mul__

    def __abs__(self) -> Wire:
        return self.rows.magnitude(self)

    def __and__(self, other: BitLike) -> Wire:
        return bounded(as_bit(self) * self._as_bit(other), 0, 1)

    __rand__ = __and__

    def __or__(self, other: BitLike) -> Wire:
        a, b = as_bit(self), self._as_bit(other)
        return bounded(a + b - a * b, 0, 1)

    __ror__ = __or__

    def __xor__(self, other: BitLike) -> Wire:
        a, b = as_bit(self), self._as_bit(other)
        return bounded(a + b - 2 * (a * b), 0, 1)

    __rxor__ = __xor__

    def __invert__(self) -> Wire:
        return 1 - as_bit(self)

    # comparisons: relations, rows only once required or turned into a bit

    def __eq__(self, other: object) -> Relation:  # type: ignore[override]  # a wire's equality is a relation
        return other == self if isinstance(other, Relation) else Relation("==", self, self._beside(other))

    def __ne__(self, other: object) -> Relation:  # type: ignore[override]  # as __eq__
        return other != self if isinstance(other, Relation) else Relation("!=", self, self._beside(other))

    def __le__(self, other: WireLike) -> Relation:
        return Relation("<=", self, self._beside(other))

    def __lt__(self, other: WireLike) -> Relation:
        return Relation("<", self, self._beside(other))

    def __ge__(self, other: WireLike) -> Relation:
        return Relation(">=", self, self._beside(other))

    def __gt__(self, other: WireLike) -> Relation:
        return Relation(">", self, self._beside(other))

    __hash__ = None  # type: ignore[assignment]  # equality is a relation, so wires are no keys

    def __bool__(self) -> NoReturn:
        raise TypeError("a wire has no truth value while a circuit is built: use c.select instead of if")

    def __iter__(self) -> NoReturn:
        raise TypeError("a wire is one value, not a sequence")

    def _beside(self, other: object) -> Wire:
        return as_wire(self.rows, other, felt=self.is_felt)

    def _as_bit(self, other: BitLike) -> Wire:
        return as_bit(other if isinstance(other, Relation) else self._beside(other))


class Relation:
    """left op right, not yet a row: `require` it, or turn it into a bit."""

    __slots__ = ("left", "op", "right")

    def __init__(self, op: str, left: Wire, right: Wire) -> None:
        if op not in {"==", "!="} and (left.is_felt or right.is_felt):
            raise CircuitError(f"{left!r} {op} {right!r}: field elements have no order, only integers")
        self.op, self.left, self.right = op, left, right

    def __repr__(self) -> str:
        return f"Relation({self.left!r} {self.op} {self.right!r})"

    def __eq__(self, other: object) -> Relation:  # type: ignore[override]  # whether both hold or neither
        return as_bit(self) == (as_bit(other) if isinstance(other, Relation) else other)

    def __ne__(self, other: object) -> Relation:  # type: ignore[override]  # as __eq__
        return as_bit(self) != (as_bit(other) if isinstance(other, Relation) else other)

    __hash__ = None  # type: ignore[assignment]  # as a wire's

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a relation has no truth value while a circuit is built: require it or choose with c.select, "
            "and write a <= b <= c as two relations"
        )

    def __and__(self, other: BitLike) -> Wire:
        return as_bit(self) & other

    __rand__ = __and__

    def __or__(self, other: BitLike) -> Wire:
        return as_bit(self) | other

    __ror__ = __or__

    def __xor__(self, other: BitLike) -> Wire:
        return as_bit(self) ^ other

    __rxor__ = __xor__

    def __invert__(self) -> Relation:
        """The opposite relation: no rows."""
        return Relation(_OPPOSITE[self.op], self.left, self.right)


WireLike = Wire | int
BitLike = Wire | Relation | int

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def as_wire(rows: Rows, value: object, *, felt: bool = False) -> Wire:
    """A wire of the same builder, or an integer as a constant (a FELT constant is taken mod r)."""
    if isinstance(value, Wire):
        if value.rows is not rows:
            raise CircuitError(f"{value!r} belongs to another builder")
        return value
    if type(value) is not int:
        raise TypeError(f"{value!r} of type {type(value).__name__} in a circuit: wanted a wire or an int")
    terms = {ONE_WIRE: value} if value else {}
    if felt:
        return Wire(rows, terms, None, None)
    return interval_wire(rows, terms, value, value)


def as_bit(value: Wire | Relation) -> Wire:
    """A relation as a boolean wire; a wire that is boolean already. CircuitError for any other wire."""
    if isinstance(value, Relation):
        return value.left.rows.bit(value)
    if not value.is_boolean:
        raise CircuitError(f"{value!r} is not boolean: its interval is not within [0, 1]")
    return value


def interval_wire(rows: Rows, terms: Mapping[int, int], lo: int, hi: int) -> Wire:
    """A wire whose value is in [lo, hi]. CircuitError if that leaves (-r/2, r/2)."""
    if lo < -LARGEST or hi > LARGEST:
        width = max(lo.bit_length(), hi.bit_length())
        raise CircuitError(
            f"a value of up to {width} bits, in [{lo}, {hi}], leaves the signed range of the field "
            f"(±{LARGEST}, under 253 bits): it could wrap around"
        )
    return Wire(rows, terms, lo, hi)


def bounded(wire: Wire, lo: int, hi: int) -> Wire:
    """The same wire with an interval that its rows are known to keep."""
    return interval_wire(wire.rows, wire.terms, lo, hi)


def linear(rows: Rows, terms: Iterable[tuple[int, Wire]]) -> Wire:
    """Σ factor·wire: no rows. A FELT among the wires makes a FELT."""
    total: dict[int, int] = {}
    lo = hi = 0
    felt = False
    for factor, wire in terms:
        for index, coefficient in wire.terms.items():
            total[index] = total.get(index, 0) + factor * coefficient
        if wire.lo is None or wire.hi is None:
            felt = True
        elif factor >= 0:
            lo, hi = lo + factor * wire.lo, hi + factor * wire.hi
        else:
            lo, hi = lo + factor * wire.hi, hi + factor * wire.lo
    if felt:
        centred = {i: (v + LARGEST) % FR_MODULUS - LARGEST for i, v in total.items()}
        return Wire(rows, {i: v for i, v in centred.items() if v}, None, None)
    return interval_wire(rows, {i: v for i, v in total.items() if v}, lo, hi)


def gap(left: Wire, right: Wire) -> tuple[dict[int, int], int, int]:
    """left - right as (terms, lo, hi), interval unchecked: up to ±r is harmless here."""
    terms = dict(left.terms)
    for index, coefficient in right.terms.items():
        terms[index] = terms.get(index, 0) - coefficient
    terms = {i: v for i, v in terms.items() if v % FR_MODULUS}
    if left.is_felt or right.is_felt:
        return terms, -LARGEST, LARGEST
    (left_lo, left_hi), (right_lo, right_hi) = left.bounds, right.bounds
    return terms, left_lo - right_hi, left_hi - right_lo
