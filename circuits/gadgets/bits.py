"""Bits of field elements, and several integers packed into one element.

Up to 252 bits a value has one set of digits below r (`c.bits`, `c.require_uint`). 254 digits reach past r, where
x and x + r share an element; `canonical_bits` admits the digits of x alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from zkstate.constraint import Builder, Wire
from zkstate.constraint.builder import index_of
from zkstate.constraint.wire import ONE_WIRE, WireLike, as_wire
from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS, STEP_BITS

FIELD_BITS = FR_MODULUS.bit_length()


def to_bits(c: Builder, x: Wire, width: int, label: str) -> tuple[Wire, ...]:
    """The digits of x, lowest first; x < 2^width becomes a requirement. Up to 252 bits."""
    return c.bits(c.require_uint(x, width, label), width)


def from_bits(c: Builder, bits: Sequence[WireLike]) -> Wire:
    """Σ 2^i·bits[i]. No rows; CircuitError for a digit that is not boolean or for more than 252 of them."""
    wires = [as_wire(c, bit) for bit in bits]
    for i, wire in enumerate(wires):
        if not wire.is_boolean:
            raise CircuitError(f"digit {i} is {wire!r}: wanted 0 or 1")
    return c.linear((1 << i, wire) for i, wire in enumerate(wires))


def canonical_bits(c: Builder, x: Wire) -> tuple[Wire, ...]:
    """The 254 digits of the integer below r that x stands for, lowest first.

    A digit where r - 1 has a 0 must be 0 while all higher digits where r - 1 has a 1 are 1; one row says that and
    that it is boolean: (1 - run - d)·d = 0. Rows: 254, 1 for the sum, 1 for each 1 of r - 1 above its lowest 0.
    Source: Hopwood et al., Zcash protocol specification, appendix A.3.2.2.
    """
    limit = FR_MODULUS - 1
    digits = c.hint(FIELD_BITS, "bits", 0, 1)
    label = c.label("canonical bits")
    first = index_of(digits[0])
    c.step(STEP_BITS, first, c.combination(x.terms), FIELD_BITS)
    lowest_zero = next(i for i in range(FIELD_BITS) if not limit >> i & 1)
    run: Wire | None = None
    for i in reversed(range(FIELD_BITS)):
        digit = digits[i]
        if not limit >> i & 1:
            free = 1 - digit if run is None else 1 - run - digit
            c.row(free.terms, digit.terms, {}, label)
            continue
        c.boolean_rows(first + i, 1, label)
        if run is None:
            run = digit
        elif i > lowest_zero:
            longer = c.hint(1, "run", 0, 1)[0]
            row = c.row(run.terms, digit.terms, longer.terms, label)
            c.solve(row, longer)
            run = longer
    total = {wire: -value for wire, value in x.terms.items()}
    for i in range(FIELD_BITS):
        total[first + i] = 1 << i
    c.row(total, {ONE_WIRE: 1}, {}, label)
    return digits


def low_bits(c: Builder, x: Wire, width: int) -> Wire:
    """x mod 2^width, for x as the integer below r. width is at most 252."""
    return from_bits(c, canonical_bits(c, x)[:width])


def pack(c: Builder, fields: Sequence[tuple[WireLike, int]]) -> Wire:
    """Unsigned fields with their widths, the highest first, as one element: ((a·2^w_b + b)·2^w_c + c) and so on.

    A FELT, which determines every field: CircuitError if a field may not fit its width, or all together reach r.
    """
    packed, reach = c.felt(0), 0
    for i, (field, width) in enumerate(fields):
        wire = as_wire(c, field)
        lo, hi = wire.bounds
        if lo < 0 or hi >> width:
            raise CircuitError(f"packed field {i} is {wire!r}: it may not fit {width} bits")
        packed, reach = packed * (1 << width) + wire, (reach << width) + hi
    if reach >= FR_MODULUS:
        raise CircuitError(f"packed fields reach {reach.bit_length()} bits: two of them could share an element")
    return packed
