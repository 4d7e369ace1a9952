"""Order and equality beyond what operators say: `c.bit(a < b)`, `c.bit(a == b)` and `c.require` do the rest."""

from __future__ import annotations

from collections.abc import Sequence

from zkstate.constraint import Builder, Wire
from zkstate.constraint.wire import BitLike, Relation, WireLike, as_bit, as_wire
from zkstate.errors import CircuitError


def is_zero(c: Builder, x: Wire) -> Wire:
    """1 if x is 0, else 0."""
    return c.bit(x == 0)


def is_equal(c: Builder, a: Wire, b: WireLike) -> Wire:
    """1 if a and b are equal, else 0."""
    return c.bit(a == b)


def is_within(c: Builder, x: Wire, lo: WireLike, hi: WireLike) -> Wire:
    """1 if lo <= x <= hi, else 0."""
    return c.bit(x >= lo) & c.bit(x <= hi)


def all_of(c: Builder, bits: Sequence[BitLike]) -> Wire:
    """1 if every bit is 1. Three rows however many, or a product for each past the first if that is fewer."""
    wires = [_as_bit(c, bit) for bit in bits]
    if not wires:
        raise CircuitError("all of no bits")
    if len(wires) > 4:
        return c.bit(c.linear((1, wire) for wire in wires) == len(wires))
    result = wires[0]
    for wire in wires[1:]:
        result = result & wire
    return result


def any_of(c: Builder, bits: Sequence[BitLike]) -> Wire:
    """1 if some bit is 1. Rows as `all_of`."""
    return ~all_of(c, [~_as_bit(c, bit) for bit in bits])


def require_strictly_increasing(c: Builder, values: Sequence[Wire], label: str) -> None:
    """Each value is greater than the one before; the label gets the place of the greater one."""
    for i in range(1, len(values)):
        c.require(values[i] > values[i - 1], f"{label} ({i})")


def _as_bit(c: Builder, bit: BitLike) -> Wire:
    return as_bit(bit if isinstance(bit, Relation) else as_wire(c, bit))
