"""Builder: what `define` writes a statement with. Operators on wires come back to it when they cost rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zkstate.constraint.record import Record, Terms
from zkstate.constraint.statement import Kind
from zkstate.constraint.template import Define, Interval, Template, instantiate, trace
from zkstate.constraint.wire import (
    ONE_WIRE,
    BitLike,
    Relation,
    Wire,
    WireLike,
    as_bit,
    as_wire,
    bounded,
    gap,
    interval_wire,
    linear,
)
from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS, STEP_BITS, STEP_INVERSE, STEP_SOLVE

WIDEST = FR_MODULUS.bit_length() - 1  # bits that every integer of that width fits in without wrapping: 253
ONE: Terms = {ONE_WIRE: 1}
Key = tuple[tuple[int, int], ...]


class Builder(Record):
    """Rows for comparisons, products, choices and bits, each followed by what pins its hints.

    Products and decompositions are remembered: the same one asked for again costs nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.allocate(1, "one")
        self._products: dict[tuple[Key, Key], int] = {}
        self._bits: dict[Key, tuple[int, int]] = {}  # terms -> first bit, width

    # what a statement says

    def require(self, what: Relation | Wire, label: str) -> None:
        """`what` holds; `label` says so in words and becomes the failure message.

        CircuitError if it can never fail or never hold: then it is not what was meant.
        """
        if not isinstance(what, Relation | Wire):
            raise TypeError(f"{label}: {what!r} of type {type(what).__name__}: wanted a relation or a boolean wire")
        number, first = self.label(label), self.n_rows
        if isinstance(what, Wire):
            bit = as_bit(what)
            if bit.constant is not None:
                raise CircuitError(f"{self.scoped(label)}: the bit is the constant {bit.constant}")
            self.row(gap(bit, self.const(1))[0], ONE, {}, number)
            self.requirement("true", number, first, bit.terms, {})
            return
        left, right = what.left, what.right
        if what.op in {"==", "!="}:
            self._require_equality(what, label, number)
        else:
            self._require_order(what, label, number)
        self.requirement(what.op, number, first, left.terms, right.terms)

    def require_uint(self, wire: Wire, width: int, label: str) -> Wire:
        """wire < 2^width as an integer below r; the same wire with that interval. width is at most 252."""
        number, first = self.label(label), self.n_rows
        if width < 1:
            raise CircuitError(f"{self.scoped(label)}: {width} bits")
        fitted = interval_wire(self, wire.terms, 0, (1 << width) - 1)
        if wire.lo is not None and wire.hi is not None and wire.lo >= 0 and not wire.hi >> width:
            raise CircuitError(f"{self.scoped(label)}: {wire!r} can never fail to fit {width} bits")
        self._required_digits(wire.terms, width, label, number)
        self.requirement("fits", number, first, wire.terms, {})
        return fitted

    def bit(self, relation: Relation) -> Wire:
        """1 where the relation holds, else 0. An order costs nothing where it, or its opposite, is known already."""
        if relation.op in {"==", "!="}:
            equal = self._equality_bit(relation)
            return equal if relation.op == "==" else 1 - equal
        shifted, width = self._shifted(relation)
        opposite, opposite_width = self._shifted(~relation)
        if _key(shifted) not in self._bits and self._bits.get(_key(opposite), (0, -1))[1] == opposite_width:
            return 1 - self.bit(~relation)
        if width == 0:
            return self.const(int(_excess(relation)[1] >= 0))
        return self._bit_wires(self._decompose(shifted, width, self.label("comparison")), width)[-1]

    def select(self, choose: BitLike, if_one: WireLike, if_zero: WireLike) -> Wire:
        """if_one where `choose` is 1, if_zero where it is 0. One row."""
        bit = as_bit(choose if isinstance(choose, Relation) else as_wire(self, choose))
        felt = any(isinstance(w, Wire) and w.is_felt for w in (if_one, if_zero))
        one, zero = as_wire(self, if_one, felt=felt), as_wire(self, if_zero, felt=felt)
        if bit.constant is not None:
            return one if bit.constant else zero
        moved = self._product_wire(bit.terms, gap(one, zero)[0], "choice")
        chosen = linear(self, [(1, Wire(self, {moved: 1}, None, None)), (1, zero)])
        if felt:
            return chosen
        return bounded(chosen, min(one.bounds[0], zero.bounds[0]), max(one.bounds[1], zero.bounds[1]))

    def bits(self, wire: WireLike, width: int) -> tuple[Wire, ...]:
        """The binary digits of a wire known to lie in [0, 2^width), lowest first."""
        value = as_wire(self, wire)
        lo, hi = value.bounds
        if lo < 0 or hi >> width:
            raise CircuitError(f"{value!r} may not fit {width} bits: require_uint says that it must")
        if value.constant is not None:
            return tuple(self.const(value.constant >> i & 1) for i in range(width))
        return self._bit_wires(self._decompose(value.terms, width, self.label("bits")), width)

    def linear(self, terms: Iterable[tuple[int, WireLike]], constant: int = 0) -> Wire:
        """Σ factor·wire + constant. No rows, and no cost that grows with the square of the terms."""
        wires = [(factor, as_wire(self, wire)) for factor, wire in terms]
        return linear(self, [*wires, (1, as_wire(self, constant, felt=any(w.is_felt for _, w in wires)))])

    def const(self, value: int) -> Wire:
        return as_wire(self, value)

    def felt(self, wire: WireLike) -> Wire:
        """The same element without its interval: what follows is arithmetic mod r."""
        return Wire(self, as_wire(self, wire, felt=True).terms, None, None)

    def bind(self, wire: Wire, label: str = "bound to the proof") -> None:
        """Touch a public input that nothing else is said about, so that a proof holds for it alone."""
        copy = self.allocate(1, "copy")
        self.step(STEP_SOLVE, copy, self.row(wire.terms, ONE, {copy: 1}, self.label(label)))

    @classmethod
    def template(cls, name: str, ports: Sequence[Interval], define: Define) -> Template:
        """A block to copy: `define` runs once, with a wire per port (an interval, or None for a FELT)."""
        return trace(cls(), name, ports, define)

    def use(self, template: Template, inputs: Sequence[WireLike]) -> tuple[Wire, ...]:
        """One copy of a template: its rows and steps shifted into place, without building them again."""
        return instantiate(self, template, inputs)

    def repeat(self, template: Template, inputs: Iterable[Sequence[WireLike]]) -> list[tuple[Wire, ...]]:
        """A copy of a template for each list of inputs; the compiled circuit lists them in `blocks`."""
        return [instantiate(self, template, each) for each in inputs]

    # what gadgets are made of

    def hint(self, count: int, name: str, lo: int | None = None, hi: int | None = None) -> tuple[Wire, ...]:
        """New wires with an interval that the caller's next rows enforce."""
        first = self.allocate(count, name)
        return tuple(Wire(self, {i: 1}, lo, hi) for i in range(first, first + count))

    def constrain(self, a: WireLike, b: WireLike, c: WireLike, label: str) -> int:
        """The row a·b = c; its number."""
        left, right, out = (as_wire(self, w, felt=True).terms for w in (a, b, c))
        return self.row(left, right, out, self.label(label))

    def solve(self, row: int, wire: Wire) -> None:
        """The witness computes `wire` from a row, in which it stands once, in C, with coefficient 1."""
        self.step(STEP_SOLVE, index_of(wire), row)

    def product(self, a: Wire, b: Wire) -> Wire:
        """a·b. One row, and none if the same product is known."""
        key_a, key_b = _key(a.terms), _key(b.terms)
        felt = a.is_felt or b.is_felt
        corners = [0] if felt else [x * y for x in a.bounds for y in b.bounds]
        lo, hi = min(corners), max(corners)
        if not felt and key_a == key_b and lo < 0:
            lo = 0  # a square
        interval_wire(self, {}, lo, hi)
        key = min((key_a, key_b), (key_b, key_a))
        if key not in self._products:
            self._products[key] = self._product_wire(a.terms, b.terms, "product")
        terms = {self._products[key]: 1}
        return Wire(self, terms, None, None) if felt else Wire(self, terms, lo, hi)

    def magnitude(self, a: Wire) -> Wire:
        """|a|. One row beside the comparison with zero."""
        lo, hi = a.bounds
        if lo >= 0:
            return a
        if hi <= 0:
            return -a
        return bounded(self.product(2 * self.bit(a >= 0) - 1, a), 0, max(-lo, hi))

    def require_kind(self, wire: int, kind: Kind, label: str) -> None:
        """A declared input is within its kind: a full range of 2^width values from kind.lo."""
        number, first = self.label(label), self.n_rows
        width = (kind.hi - kind.lo).bit_length()
        if width == 1 and kind.lo == 0:
            self.boolean_rows(wire, 1, number)
            self._bits[((wire, 1),)] = (wire, 1)
        else:
            self._decompose({wire: 1, ONE_WIRE: -kind.lo} if kind.lo else {wire: 1}, width, number)
        self.requirement("fits", number, first, {wire: 1}, {})

    def _require_equality(self, relation: Relation, label: str, number: int) -> None:
        terms, lo, hi = gap(relation.left, relation.right)
        never = set(terms) == {ONE_WIRE} or not lo <= 0 <= hi
        self._refuse_certainty(label, relation, never=never, always=not terms)
        if relation.op == "==":
            self.row(terms, ONE, {}, number)
            return
        inverse = self.allocate(1, "inverse of a difference")
        self.step(STEP_INVERSE, inverse, self.combination(terms))
        self.row(terms, {inverse: 1}, ONE, number)

    def _refuse_certainty(self, label: str, relation: Relation, *, never: bool, always: bool) -> None:
        """`never` and `always` are about equality of the two sides, or about the order as it is written."""
        if relation.op == "!=":
            never, always = always, never
        if never or always:
            fate = "never fail" if always else "never hold"
            raise CircuitError(f"{self.scoped(label)}: {relation!r} can {fate}")

    def _require_order(self, relation: Relation, label: str, number: int) -> None:
        """The excess d is in [0, 2^width): for a negative d, r + d is past 2^width and has no such digits."""
        terms, lo, hi = _excess(relation)
        self._refuse_certainty(label, relation, never=hi < 0, always=lo >= 0)
        width = hi.bit_length()
        if (1 << width) - 1 >= FR_MODULUS + lo:
            raise CircuitError(f"{self.scoped(label)}: {relation!r}: a negative one could pass as {width} bits")
        self._required_digits(terms, width, label, number)

    def _required_digits(self, terms: Terms, width: int, label: str, number: int) -> None:
        if self._bits.get(_key(terms), (0, -1))[1] == width:
            raise CircuitError(f"{self.scoped(label)}: the same has been required already")
        self._decompose(terms, width, number)

    def _shifted(self, relation: Relation) -> tuple[dict[int, int], int]:
        """Terms whose top digit, of so many, says whether the relation holds; 0 digits if that is certain.

        The excess plus 2^w lies in [0, 2^(w + 1)), and its top digit says which half. CircuitError past 253.
        """
        terms, lo, hi = _excess(relation)
        if lo >= 0 or hi < 0:
            return terms, 0
        half = max((-lo - 1).bit_length(), hi.bit_length())
        if half + 1 > WIDEST:
            raise CircuitError(f"{relation!r}: a difference of {half + 1} bits with its sign, over {WIDEST}")
        terms[ONE_WIRE] = terms.get(ONE_WIRE, 0) + (1 << half)
        return terms, half + 1

    def _equality_bit(self, relation: Relation) -> Wire:
        terms, lo, hi = gap(relation.left, relation.right)
        if not terms:
            return self.const(1)
        if not lo <= 0 <= hi or set(terms) == {ONE_WIRE}:
            return self.const(0)
        if lo >= -1 and hi <= 1:
            difference = interval_wire(self, terms, lo, hi)
            return 1 - (difference * difference if lo < 0 < hi else abs(difference))
        return self._is_zero(terms)

    def _is_zero(self, terms: Terms) -> Wire:
        """1 if d = Σ terms is 0 mod r, else 0.

        Rows: d·inverse = 1 - z, d·z = 0, and inverse·z = 0, without which the inverse of 0 would be free.
        """
        inverse, zero = self.hint(1, "inverse")[0], self.hint(1, "is zero", 0, 1)[0]
        label = self.label("is zero")
        self.step(STEP_INVERSE, index_of(inverse), self.combination(terms))
        negated = {w: -v for w, v in terms.items()}
        row = self.row(negated, inverse.terms, {**zero.terms, ONE_WIRE: -1}, label)
        self.solve(row, zero)
        self.row(terms, zero.terms, {}, label)
        self.row(inverse.terms, zero.terms, {}, label)
        return zero

    def _decompose(self, terms: Terms, width: int, label: int) -> int:
        """The first of `width` boolean wires with Σ 2^i·bit_i = Σ terms."""
        key = _key(terms)
        known = self._bits.get(key)
        if known is not None and known[1] == width:
            return known[0]
        first = self.allocate(width, "bits")
        if width:
            self.step(STEP_BITS, first, self.combination(terms), width)
        self.boolean_rows(first, width, label)
        recomposed = {first + i: 1 << i for i in range(width)}
        self.row({**recomposed, **{w: -v for w, v in terms.items()}}, ONE, {}, label)
        self._bits.setdefault(key, (first, width))
        return first

    def _bit_wires(self, first: int, width: int) -> tuple[Wire, ...]:
        return tuple(Wire(self, {i: 1}, 0, 1) for i in range(first, first + width))

    def _product_wire(self, a: Terms, b: Terms, name: str) -> int:
        out = self.allocate(1, name)
        self.step(STEP_SOLVE, out, self.row(a, b, {out: 1}, self.label(name)))
        return out


def index_of(wire: Wire) -> int:
    """The witness wire behind a wire that is exactly one."""
    if len(wire.terms) != 1 or ONE_WIRE in wire.terms or next(iter(wire.terms.values())) != 1:
        raise CircuitError(f"{wire!r} is not a single witness wire")
    return next(iter(wire.terms))


def _excess(relation: Relation) -> tuple[dict[int, int], int, int]:
    """d with `relation` exactly when d >= 0, and its interval."""
    if relation.op in {">=", ">"}:
        terms, lo, hi = gap(relation.left, relation.right)
    else:
        terms, lo, hi = gap(relation.right, relation.left)
    if relation.op in {">", "<"}:
        terms[ONE_WIRE] = terms.get(ONE_WIRE, 0) - 1
        lo, hi = lo - 1, hi - 1
    return terms, lo, hi


def _key(terms: Terms) -> Key:
    return tuple(sorted(item for item in terms.items() if item[1]))
