"""Every gadget in one list: how to state it, what it means in integers, and good inputs.

`define(c, out…, **wires)` requires each `out…` to be what the gadget gives, so a gadget that does not determine its
outputs is a circuit that accepts two of them. `meaning` maps the inputs to the outputs, or to None if the gadget is to
refuse them. A gadget is stated for a width, so that it also fits a small prime: `WIDTHS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from circuits.gadgets import bits, comparison, division, fractions, lookup, merkle
from circuits.gadgets import poseidon as hashing
from tests.constraint.saying import saying
from tests.soundness.field import field_of
from zkstate.commitment import poseidon as native
from zkstate.constraint.builder import Builder
from zkstate.constraint.circuit import Circuit
from zkstate.constraint.statement import BOOL, FELT, Kind, sint, uint
from zkstate.kernels import FR_MODULUS

WIDTHS = {11: 2, 13: 2, 97: 4, FR_MODULUS: 4}  # of integers, so that their differences and products do not wrap
Kinds = Mapping[str, Kind | tuple[Kind, int]]
Inputs = dict[str, Any]


@dataclass(frozen=True)
class Gadget:
    """`covers` names the functions it states; `kinds` and `examples` take a width, `meaning` also the prime."""

    name: str
    covers: tuple[Any, ...]
    kinds: Callable[[int], Kinds]
    define: Callable[..., None]
    meaning: Callable[..., Mapping[str, Any] | None]
    examples: Callable[[int], Sequence[Inputs]]
    primes: tuple[int, ...] = (11, 13, 97)
    redundant: Mapping[str, str] = field(default_factory=dict)  # why a row of a label like this may go

    def circuit(self, p: int = FR_MODULUS) -> Circuit:
        return _compiled(self.name, p)

    def inputs(self, secret: Inputs, p: int = FR_MODULUS) -> Inputs | None:
        """The secret inputs with the outputs they mean."""
        out = self.meaning(p, WIDTHS[p], **secret)
        return None if out is None else {**secret, **out}

    def good(self) -> list[Inputs]:
        """Examples that the gadget is to accept."""
        found = [self.inputs(secret) for secret in self.examples(WIDTHS[FR_MODULUS])]
        return [inputs for inputs in found if inputs is not None]


@cache
def _compiled(name: str, p: int) -> Circuit:
    gadget = BY_NAME[name]
    with field_of(p):
        return saying(gadget.define, **gadget.kinds(WIDTHS[p]))


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


def _digits(value: int, n: int) -> list[int]:
    return [value >> i & 1 for i in range(n)]


def _all_bits(n: int) -> Callable[[int], list[Inputs]]:
    return lambda w: [{"x": _digits(i, n)} for i in range(1 << n)]


def _felt_examples(w: int) -> list[Inputs]:
    return [{"x": x} for x in (0, 1, 5, FR_MODULUS - 1, FR_MODULUS // 3, (1 << 253) + 1)]


def _each_out(c: Builder, outs: Sequence[Any], wires: Sequence[Any]) -> None:
    for i, (out, wire) in enumerate(zip(outs, wires, strict=True)):
        c.require(wire == out, f"result {i}")


def _logic(c: Builder, out: Sequence[Any], x: Sequence[Any]) -> None:
    _each_out(c, out, (x[0] & x[1], x[0] | x[1], x[0] ^ x[1], ~(x[0] & x[1])))


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


def _chosen(c: Builder, out: Any, place: Any, x: Any) -> None:
    c.require(lookup.select_by(c, lookup.one_hot(c, place, 3), x) == out, "chosen")


def _summed(c: Builder, out: Any, flags: Any, x: Any) -> None:
    c.require(lookup.select_by(c, flags, x) == out, "sum")


def _places(w: int) -> list[Inputs]:
    return [{"place": i, "x": [3, 0, 2]} for i in range(3)] + [{"place": i, "x": [1, 1, 3]} for i in range(3)]


TAG = 7


def _root(leaf: int, place: Sequence[int], nodes: Sequence[Sequence[int]]) -> int | None:
    """The root above a leaf; None if the children of a node do not hold the one below at its place."""
    node, digits = leaf, list(place)
    for children in nodes:
        width = len(children).bit_length() - 1
        if children[sum(digit << i for i, digit in enumerate(digits[:width]))] != node:
            return None
        node, digits = native.poseidon(TAG, list(children)), digits[width:]
    return node


def _placed(
    p: int, w: int, leaf: int, place: Sequence[int], nodes: Sequence[Sequence[int]]
) -> Mapping[str, Any] | None:
    root = _root(leaf, place, nodes)
    return None if root is None else {"out": root}


def _path_example(index: int, arity: int, levels: int) -> Inputs:
    width = arity.bit_length() - 1
    node, nodes, place = 1000 + index, [], _digits(index, width * levels)
    for level in range(levels):
        children = [100 * level + i for i in range(arity)]
        children[index >> width * level & (arity - 1)] = node
        nodes.append(children)
        node = native.poseidon(TAG, children)
    return {"leaf": 1000 + index, "place": place, "nodes": nodes}


def _shared(c: Builder, out: Any, leaf: Any, place: Any, nodes: Any, top: Any) -> None:
    table = merkle.SharedTop(c, TAG, TAG + 1, top)
    table.require_leaf(leaf, place, nodes, "the leaf is there")
    c.require(table.root == out, "the root")


def _under_top(
    p: int, w: int, leaf: int, place: Sequence[int], nodes: Any, top: Sequence[int]
) -> Mapping[str, Any] | None:
    root = _root(leaf, place[:2], nodes)
    return {"out": native.chain(TAG + 1, list(top))} if root == top[place[2]] else None


def _shared_example(index: int) -> Inputs:
    inputs = _path_example(index & 3, 4, 1)
    top = [77, 88]
    top[index >> 2] = native.poseidon(TAG, inputs["nodes"][0])
    return {**inputs, "place": _digits(index, 3), "top": top}


def _at(c: Builder, out: Any, place: Any, x: Any) -> None:
    c.require(lookup.select_at(c, place, x) == out, "chosen")


def _value_at(p: int, w: int, place: Sequence[int], x: Sequence[int]) -> Mapping[str, Any]:
    index = place[0] + 2 * place[1]
    return {"out": x[index] if index < len(x) else 0}


NO_PRIME: tuple[int, ...] = ()  # Poseidon's constants are of one field

GADGETS: list[Gadget] = [
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
        lambda c, out, x: _each_out(c, out, bits.to_bits(c, x, len(out), "it fits")),
        lambda p, w, x: {"out": _digits(x, w)} if x < 1 << w else None,
        lambda w: [{"x": x} for x in range(1 << w)],
    ),
    Gadget(
        "equality of felts",
        (comparison.is_equal, comparison.is_zero),
        lambda w: {"out": (FELT, 2), "x": FELT, "y": FELT},
        lambda c, out, x, y: _each_out(c, out, (comparison.is_equal(c, x, y), comparison.is_zero(c, x))),
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
        lambda c, out, x, y: _each_out(c, out, (x * y, abs(x))),
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
        lambda c, out, x: _each_out(c, out, (comparison.all_of(c, x), comparison.any_of(c, x))),
        lambda p, w, x: {"out": [int(all(x)), int(any(x))]},
        _all_bits(3),
    ),
    Gadget(
        "all and any of five",
        (comparison.all_of, comparison.any_of),
        lambda w: {"out": (FELT, 2), "x": (BOOL, 5)},
        lambda c, out, x: _each_out(c, out, (comparison.all_of(c, x), comparison.any_of(c, x))),
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
        "one-hot flags",
        (lookup.one_hot,),
        lambda w: {"out": (FELT, 3), "place": FELT},
        lambda c, out, place: _each_out(c, out, lookup.one_hot(c, place, 3)),
        lambda p, w, place: {"out": [int(i == place) for i in range(3)]} if place < 3 else None,
        lambda w: [{"place": i} for i in range(3)],
    ),
    Gadget(
        "reading a list",
        (lookup.one_hot, lookup.select_by),
        lambda w: {"out": FELT, "place": FELT, "x": (uint(2), 3)},
        _chosen,
        lambda p, w, place, x: {"out": x[place]} if place < 3 else None,
        _places,
        primes=(11, 13),
    ),
    Gadget(
        "flags that add up",
        (lookup.select_by,),
        lambda w: {"out": FELT, "flags": (BOOL, 2), "x": (uint(w), 2)},
        _summed,
        lambda p, w, flags, x: {"out": (flags[0] * x[0] + flags[1] * x[1]) % p},
        lambda w: [{"flags": f, "x": [3, 7]} for f in ([0, 0], [0, 1], [1, 0], [1, 1])],
        primes=(13,),
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
    Gadget(
        "Poseidon of one word",
        (hashing.poseidon, hashing.permutation),
        lambda w: {"out": FELT, "x": FELT},
        lambda c, out, x: c.require(hashing.poseidon(c, TAG, [x]) == out, "the hash"),
        lambda p, w, x: {"out": native.poseidon(TAG, [x])},
        _felt_examples,
        primes=NO_PRIME,
    ),
    Gadget(
        "Poseidon chain of seventeen words",
        (hashing.chain,),
        lambda w: {"out": FELT, "x": (FELT, 17)},
        lambda c, out, x: c.require(hashing.chain(c, TAG, x) == out, "the chain"),
        lambda p, w, x: {"out": native.chain(TAG, list(x))},
        lambda w: [{"x": [i * i + 1 for i in range(17)]}, {"x": [0] * 17}],
        primes=NO_PRIME,
    ),
    Gadget(
        "reading a list by binary digits",
        (lookup.select_at,),
        lambda w: {"out": FELT, "place": (BOOL, 2), "x": (uint(w), 3)},
        _at,
        _value_at,
        lambda w: [{"place": _digits(i, 2), "x": x} for i in range(4) for x in ([3, 0, 2], [1, 15, 3])],
        primes=(11,),
    ),
    Gadget(
        "path in a tree",
        (merkle.tree_root,),
        lambda w: {"out": FELT, "leaf": FELT, "place": (BOOL, 2), "nodes": (FELT, (2, 2))},
        lambda c, out, leaf, place, nodes: c.require(
            merkle.tree_root(c, TAG, leaf, place, nodes, "the leaf is there") == out, "the root"
        ),
        _placed,
        lambda w: [_path_example(i, 2, 2) for i in range(4)],
        primes=NO_PRIME,
    ),
    Gadget(
        "path under a shared top",
        (merkle.SharedTop, merkle.SharedTop.require_leaf),
        lambda w: {"out": FELT, "leaf": FELT, "place": (BOOL, 3), "nodes": (FELT, (1, 4)), "top": (FELT, 2)},
        _shared,
        _under_top,
        lambda w: [_shared_example(i) for i in (0, 3, 6)],
        primes=NO_PRIME,
    ),
]  # fmt: skip
BY_NAME = {gadget.name: gadget for gadget in GADGETS}
