"""Reading one value of a list at a secret place, given by binary digits or by one-hot flags."""

from __future__ import annotations

from collections.abc import Sequence

from zkstate.constraint import Builder, Wire
from zkstate.constraint.builder import index_of
from zkstate.constraint.wire import WireLike, as_wire, bounded
from zkstate.errors import CircuitError
from zkstate.kernels import STEP_ONE_HOT


class OneHot(tuple[Wire, ...]):
    """Boolean wires of which exactly one is 1."""

    __slots__ = ()


def one_hot(c: Builder, index: WireLike, n: int, label: str = "the place is in the list") -> OneHot:
    """flags[i] = 1 exactly where index is i; index in [0, n) becomes a requirement with this label.

    flag·(index - i) = 0 leaves only the right flag free, and their sum is 1: n + 1 rows, none for being boolean.
    """
    wire = as_wire(c, index)
    if n < 1:
        raise CircuitError(f"{c.scoped(label)}: a list of {n}")
    if wire.constant is not None:
        if not 0 <= wire.constant < n:
            raise CircuitError(f"{c.scoped(label)}: place {wire.constant} of {n}")
        return OneHot(c.const(int(i == wire.constant)) for i in range(n))
    flags = c.hint(n, "flag", 0, 1)
    c.step(STEP_ONE_HOT, index_of(flags[0]), c.combination(wire.terms), n)
    for i, flag in enumerate(flags):
        c.constrain(flag, wire - i, 0, "one flag")
    number, first = c.label(label), c.n_rows
    c.constrain(c.linear((1, flag) for flag in flags), 1, 1, label)
    c.requirement("fits", number, first, wire.terms, {})
    return OneHot(flags)


def select_by(c: Builder, flags: Sequence[Wire], values: Sequence[WireLike]) -> Wire:
    """Σ flags[i]·values[i]: with one-hot flags the chosen value, with flags all 0 it is 0.

    A row for each value that is not constant; from a `OneHot` one row less, and the interval of the values.
    """
    if len(flags) != len(values) or not values:
        raise CircuitError(f"{len(flags)} flags for {len(values)} values")
    felt = any(isinstance(value, Wire) and value.is_felt for value in values)
    wires = [as_wire(c, value, felt=felt) for value in values]
    if not isinstance(flags, OneHot):
        return c.linear((1, flag * wire) for flag, wire in zip(flags, wires, strict=True))
    base = c.felt(wires[0])
    moves = [flag * (wire - base) for flag, wire in zip(flags[1:], wires[1:], strict=True)]
    chosen = c.linear((1, wire) for wire in [base, *moves])
    if felt:
        return chosen
    return bounded(chosen, min(w.bounds[0] for w in wires), max(w.bounds[1] for w in wires))


def select_at(c: Builder, place: Sequence[Wire], values: Sequence[WireLike]) -> Wire:
    """values[place], for the binary digits of a place, lowest first; 0 past the end of the list.

    A row for each value past the first, and at most one more a digit where their number is no power of two.
    """
    if not 1 <= len(values) <= 1 << len(place):
        raise CircuitError(f"{len(values)} values for a place of {len(place)} digits")
    level: list[WireLike] = list(values)
    for digit in place:
        level += [0] * (len(level) % 2)
        level = [c.select(digit, level[i + 1], level[i]) for i in range(0, len(level), 2)]
    return as_wire(c, level[0])
