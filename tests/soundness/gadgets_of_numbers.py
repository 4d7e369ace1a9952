"""Gadgets about numbers and bits: comparisons, ranges, digits, products, divisions, inverses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from circuits.gadgets import bits, comparison, division, fractions
from tests.soundness.gadget import Gadget, Inputs, digits, each_out
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, sint, uint
from zkstate.kernels import FR_MODULUS


def _pairs(width: int) -> list[Inputs]:
    top = (1 << width) - 1
    edges = [0, 1, top // 2, top - 1, top]
    return [{"x": x, "y": y} for x in edges for y in edges]


def _order(name: str, holds: Callable[[int, int], bool]) -> list[Gadget]:
    """A comparison as a bit and as a requirement, of unsigned integers."""
    return [
        Gadget(
            f"bit of x {name} y",
            (Builder.bit,),
            lambda w: {"out": FELT, "x": uint(w), "y": uint(w)},
            lambda c, out, x, y: c.require(c.bit(_relation(name, x, y)) == out, "result"),
            lambda p, w, x, y: {"out": int(holds(x, y))},
            _pairs,
        ),
        Gadget(
            f"require x {name} y",
            (Builder.require,),
            lambda w: {"x": FELT if name == "==" else uint(w), "y": uint(w)},
            lambda c, x, y: c.require(_relation(name, x, y), "required"),
            lambda p, w, x, y: {} if holds(x, y) else None,
            _pairs,
        ),
    ]


def _relation(name: str, x: Any, y: Any) -> Any:
    return {"==": x.__eq__, "!=": x.__ne__, "<": x.__lt__, "<=": x.__le__, ">": x.__gt__, ">=": x.__ge__}[name](y)


ORDERS = {
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}


def _all_bits(n: int) -> Callable[[int], list[Inputs]]:
    return lambda w: [{"x": digits(i, n)} for i in range(1 << n)]


def _logic(c: Builder, out: Sequence[Any], x: Sequence[Any]) -> None:
    each_out(c, out, (x[0] & x[1], x[0] | x[1], x[0] ^ x[1], ~(x[0] & x[1])))


def _weighed(c: Builder, out: Any, x: Any) -> None:
    """Digits weighed by powers of 3, so that no other digits of the same sum pass for them."""
    digits = bits.canonical_bits(c, x)
    c.require(c.linear((3**i % FR_MODULUS, c.felt(digit)) for i, digit in enumerate(digits)) == out, "result")


def _canonical_examples(w: int) -> list[Inputs]:
    """Edges, and a value whose alias x + r departs from r - 1 only at the lowest digit that is 0 there."""
    limit = FR_MODULUS - 1
    lowest = next(i for i in range(254) if not limit >> i & 1)
    departing = (limit >> lowest << lowest) + (1 << lowest) - FR_MODULUS
    return [{"x": x} for x in dict.fromkeys([max(departing, 0), 0, 1, limit, limit // 2])]


def _within(c: Builder, out: Any, x: Any, y: Any) -> None:
    c.require(comparison.is_within(c, x, 1, y) == out, "result")


NUMBERS = [
    Gadget(
        "inverse",
        (fractions.inverse,),
        lambda _: {"out": FELT, "x": FELT},
        lambda c, out, x: c.require(fractions.inverse(c, x, "x is not 0") == out, "result"),
        lambda p, _, x: {"out": pow(x, -1, p)} if x % p else None,
        lambda _: [{"x": x} for x in (1, 2, 5)],
    ),
    Gadget(
        "fraction",
        (fractions.fraction,),
        lambda _: {"out": FELT, "x": FELT, "at": FELT, "key": FELT},
        lambda c, out, x, at, key: c.require(fractions.fraction(c, x, at, key, "at is no key") == out, "result"),
        lambda p, _, x, at, key: {"out": x * pow(at - key, -1, p) % p} if (at - key) % p else None,
        lambda _: [{"x": x, "at": 7, "key": key} for x in (0, 1, 3) for key in (2, 5)],
        primes=(11, 13),
    ),
    *(gadget for name, holds in ORDERS.items() for gadget in _order(name, holds)),
    Gadget(
        "bit of a signed order",
        (Builder.bit,),
        lambda w: {"out": FELT, "x": sint(w), "y": sint(w)},
        lambda c, out, x, y: c.require(c.bit(x >= y) == out, "result"),
        lambda p, w, x, y: {"out": int(x >= y)},
        lambda w: [{"x": x, "y": y} for x in (-8, -1, 0, 7) for y in (-8, 0, 1, 7)],
    ),
    Gadget(
        "declared kinds",
        (Builder.require_kind,),
        lambda w: {"out": FELT, "x": uint(w), "y": sint(w), "z": BOOL},
        lambda c, out, x, y, z: c.require(c.felt(x) + 2 * c.felt(y) + 3 * c.felt(z) == out, "sum"),
        lambda p, w, x, y, z: {"out": (x + 2 * y + 3 * z) % p},
        lambda w: [{"x": x, "y": y, "z": z} for x in (0, 15) for y in (-8, 7) for z in (0, 1)],
        primes=(11, 13),
    ),
    Gadget(
        "a felt that must fit",
        (Builder.require_uint, Builder.bits, bits.to_bits, bits.from_bits),
        lambda w: {"out": (FELT, w), "x": FELT},
        lambda c, out, x: each_out(c, out, bits.to_bits(c, x, len(out), "it fits")),
        lambda p, w, x: {"out": digits(x, w)} if x < 1 << w else None,
        lambda w: [{"x": x} for x in range(1 << w)],
    ),
    Gadget(
        "equality of felts",
        (comparison.is_equal, comparison.is_zero),
        lambda w: {"out": (FELT, 2), "x": FELT, "y": FELT},
        lambda c, out, x, y: each_out(c, out, (comparison.is_equal(c, x, y), comparison.is_zero(c, x))),
        lambda p, w, x, y: {"out": [int(x == y), int(x == 0)]},
        lambda w: [{"x": x, "y": y} for x in (0, 5, FR_MODULUS - 1) for y in (0, 5)],
    ),
    Gadget(
        "required inequality of felts",
        (Builder.require,),
        lambda w: {"x": FELT, "y": FELT},
        lambda c, x, y: c.require(x != y, "they differ"),
        lambda p, w, x, y: {} if x != y else None,
        lambda w: [{"x": 0, "y": 4}, {"x": 9, "y": 4}],
    ),
    Gadget(
        "choice",
        (Builder.select,),
        lambda w: {"out": FELT, "choose": BOOL, "x": uint(w), "y": uint(w)},
        lambda c, out, choose, x, y: c.require(c.select(choose, x, y) == out, "chosen"),
        lambda p, w, choose, x, y: {"out": x if choose else y},
        lambda w: [{"choose": b, "x": x, "y": 3} for b in (0, 1) for x in (0, 3, 15)],
        primes=(11, 13),
    ),
    Gadget(
        "product and magnitude",
        (Builder.product, Builder.magnitude),
        lambda w: {"out": (FELT, 2), "x": sint(w // 2 + 1), "y": uint(w // 2)},
        lambda c, out, x, y: each_out(c, out, (x * y, abs(x))),
        lambda p, w, x, y: {"out": [x * y % p, abs(x)]},
        lambda w: [{"x": x, "y": y} for x in (-4, -1, 0, 3) for y in (0, 1, 3)],
    ),
    Gadget(
        "and, or, exclusive or",
        (),
        lambda w: {"out": (FELT, 4), "x": (BOOL, 2)},
        _logic,
        lambda p, w, x: {"out": [x[0] & x[1], x[0] | x[1], x[0] ^ x[1], 1 - (x[0] & x[1])]},
        _all_bits(2),
    ),
    Gadget(
        "all and any of three",
        (comparison.all_of, comparison.any_of),
        lambda w: {"out": (FELT, 2), "x": (BOOL, 3)},
        lambda c, out, x: each_out(c, out, (comparison.all_of(c, x), comparison.any_of(c, x))),
        lambda p, w, x: {"out": [int(all(x)), int(any(x))]},
        _all_bits(3),
    ),
    Gadget(
        "all and any of five",
        (comparison.all_of, comparison.any_of),
        lambda w: {"out": (FELT, 2), "x": (BOOL, 5)},
        lambda c, out, x: each_out(c, out, (comparison.all_of(c, x), comparison.any_of(c, x))),
        lambda p, w, x: {"out": [int(all(x)), int(any(x))]},
        _all_bits(5),
        primes=(11, 13),
    ),
    Gadget(
        "within bounds",
        (comparison.is_within,),
        lambda w: {"out": FELT, "x": uint(w), "y": uint(w)},
        _within,
        lambda p, w, x, y: {"out": int(1 <= x <= y)},
        _pairs,
    ),
    Gadget(
        "strictly increasing",
        (comparison.require_strictly_increasing,),
        lambda w: {"x": (uint(w), 3)},
        lambda c, x: comparison.require_strictly_increasing(c, x, "they rise"),
        lambda p, w, x: {} if x[0] < x[1] < x[2] else None,
        lambda w: [{"x": x} for x in ([0, 1, 2], [0, 7, 15], [13, 14, 15], [3, 4, 9])],
        primes=(11, 13),
        redundant={r"x\[1\] is": "the values beside it are in range and it lies between them"},
    ),
    Gadget(
        "canonical digits",
        (bits.canonical_bits,),
        lambda w: {"out": FELT, "x": FELT},
        _weighed,
        lambda p, w, x: {"out": sum(3**i for i in range(254) if x >> i & 1) % p},
        _canonical_examples,
    ),
    Gadget(
        "low digits",
        (bits.low_bits,),
        lambda w: {"out": FELT, "x": FELT},
        lambda c, out, x: c.require(bits.low_bits(c, x, 2) == out, "low"),
        lambda p, w, x: {"out": x % 4},
        _canonical_examples,
    ),
    Gadget(
        "packed fields",
        (bits.pack,),
        lambda w: {"out": FELT, "x": uint(w), "y": BOOL},
        lambda c, out, x, y: c.require(bits.pack(c, [(x, (x.hi + 1).bit_length() - 1), (y, 1)]) == out, "packed"),
        lambda p, w, x, y: {"out": (2 * x + y) % p},
        lambda w: [{"x": x, "y": y} for x in (0, 5, 15) for y in (0, 1)],
    ),
    Gadget(
        "division with a remainder",
        (division.require_division,),
        lambda w: {"x": uint(w + 1), "quotient": uint(w), "remainder": uint(2)},
        lambda c, x, quotient, remainder: division.require_division(c, x, 3, quotient, remainder),
        lambda p, w, x, quotient, remainder: {} if (quotient, remainder) == divmod(x, 3) else None,
        lambda w: [{"x": x, "quotient": x // 3, "remainder": x % 3} for x in (0, 2, 3, 10, 29, 31)],
        primes=(97,),
    ),
]
