"""Ranges by limbs: a number below 2^bits is a sum of limbs, each looked up in the table of all numbers below 2^size.

The lowest limb is no wire: it is what the others leave of the number. A limb of fewer bits than `size` is looked up
twice, as it is and shifted up to `size` bits: the first lookup keeps the second from wrapping around.
"""

from __future__ import annotations

from zkstate.constraint.block import BlockBuilder
from zkstate.constraint.builder import index_of
from zkstate.constraint.wire import Wire, bounded
from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS, STEP_BITS, STEP_LINEAR

WIDEST = 252  # bits: no two numbers below 2^252 are one element
HALF = (FR_MODULUS + 1) // 2


def require_below(c: BlockBuilder, value: Wire, bits: int, size: int, label: str) -> Wire:
    """value < 2^bits as an integer below r; the same wire with that interval. A lookup for each limb, and no row.

    CircuitError for more than 252 bits.
    """
    count = -(-bits // size)
    if not 1 <= bits <= WIDEST:
        raise CircuitError(f"{c.scoped(label)}: {bits} bits, wanted 1 to {WIDEST}")
    high = c.hint(count - 1, label)
    _digits(c, value, bits, [(limb, i * size, min(bits, (i + 1) * size)) for i, limb in enumerate(high, 1)])
    low = c.linear([(1, c.felt(value)), *((-(1 << i * size), limb) for i, limb in enumerate(high, 1))])
    limbs = [low, *high]
    for limb in limbs:
        c.ranged(limb, size, label)
    spare = count * size - bits
    if spare:
        c.ranged((1 << spare) * limbs[-1], size, label)
    return bounded(value, 0, (1 << bits) - 1)


def require_not_negative(c: BlockBuilder, value: Wire, size: int, label: str) -> None:
    """value >= 0, for a wire with an interval. Lookups alone: as many limbs as its largest value has."""
    _, hi = value.bounds
    bits = -(-hi.bit_length() // size) * size
    if bits > WIDEST or (1 << bits) > FR_MODULUS + value.bounds[0]:
        raise CircuitError(f"{c.scoped(label)}: {value!r}: a negative one could pass as {bits} bits")
    require_below(c, value, bits, size, label)


def excess(c: BlockBuilder, value: Wire, size: int, label: str) -> tuple[Wire, Wire]:
    """(1 where value > 0, else 0; max(value, 0)), for a wire with an interval.

    Two rows and lookups: a bit b, and (2 b - 1) value - b, which is not negative for the one right b.
    """
    lo, hi = value.bounds
    half = max(-lo, hi).bit_length()
    positive = digit(c, value - 1 + (1 << half), half, label)
    distance = c.hint(1, label)[0]
    c.solve(c.constrain(2 * positive - 1, value, distance + positive, label), distance)
    require_not_negative(c, bounded(distance, -max(-lo, hi) - 1, max(-lo, hi)), size, label)
    # 2 max(value, 0) = |value| + value, and |value| = distance + positive
    part = c.linear((HALF, c.felt(wire)) for wire in (distance, positive, value))
    return positive, bounded(part, 0, max(hi, 0))


def digit(c: BlockBuilder, value: Wire, place: int, label: str) -> Wire:
    """A bit, which the witness sets to the binary digit of the value at this place. One row, which keeps it a bit."""
    bit = c.hint(1, label, 0, 1)[0]
    _digits(c, value, place + 1, [(bit, place, place + 1)])
    c.boolean_rows(index_of(bit), 1, c.label(label))
    return bit


def _digits(c: BlockBuilder, value: Wire, bits: int, parts: list[tuple[Wire, int, int]]) -> None:
    """Let the witness set wires to the digits of a value from a place up to another."""
    if not parts:
        return
    room = c.temporaries(bits)
    c.step(STEP_BITS, room[0], c.combination(value.terms), bits)
    for wire, begin, end in parts:
        weights = {room[i]: 1 << (i - begin) for i in range(begin, end)}
        c.step(STEP_LINEAR, index_of(wire), c.combination(weights))
