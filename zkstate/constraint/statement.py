"""Statement: what a proof says. Inputs are declared with their kinds, `define` says what must hold of them.

    @dataclass(frozen=True)
    class Covered(Statement):
        rows: int

        limit = public(uint(64))
        sizes = secret(sint(64), count=lambda s: s.rows)

        def define(self, c: Builder) -> None:
            c.require(sum(abs(size) for size in self.sizes) <= self.limit, "the sizes stay within the limit")

    circuit = compile_statement(Covered(rows=4))

Public inputs are wires 1..n in the order declared (a base class first), then come the secret ones. A count is
a number, a function of the statement's parameters, or a tuple of them for nested tuples of wires.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from zkstate.constraint.wire import LARGEST, Wire
from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS

if TYPE_CHECKING:
    from zkstate.constraint.builder import Builder


@dataclass(frozen=True, slots=True)
class Kind:
    """The integers an input may be: [lo, hi], or for a FELT all of Fr, as [0, r)."""

    name: str
    lo: int
    hi: int
    is_felt: bool = False

    def __contains__(self, value: int) -> bool:
        return self.lo <= value <= self.hi


FELT = Kind("a field element", 0, FR_MODULUS - 1, is_felt=True)
BOOL = Kind("0 or 1", 0, 1)


def uint(bits: int) -> Kind:
    """[0, 2^bits)."""
    return _ranged(f"an unsigned {bits}-bit integer", bits, 0, (1 << max(bits, 0)) - 1)


def sint(bits: int) -> Kind:
    """[-2^(bits-1), 2^(bits-1))."""
    half = 1 << max(bits - 1, 0)
    return _ranged(f"a signed {bits}-bit integer", bits, -half, half - 1)


def _ranged(name: str, bits: int, lo: int, hi: int) -> Kind:
    if bits < 1 or -lo > LARGEST or hi > LARGEST:
        raise CircuitError(f"{name}: {bits} bits, wanted at least 1 and a range within ±{LARGEST}")
    return Kind(name, lo, hi)


Size = int | Callable[[Any], int]
Nested = Any  # one item, or tuples of items as deep as the input's count
W_co = TypeVar("W_co", covariant=True)
Vector = tuple[Wire, ...]
Grid = tuple[Vector, ...]
Cube = tuple[Grid, ...]


class Input(Generic[W_co]):
    """A declared input. On a statement inside `define` it reads as its wires."""

    def __init__(self, kind: Kind, count: Size | tuple[Size, ...] | None, *, is_public: bool) -> None:
        self.kind, self.is_public = kind, is_public
        self.count: tuple[Size, ...] = () if count is None else count if isinstance(count, tuple) else (count,)
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def shape(self, statement: Statement) -> tuple[int, ...]:
        """The lengths, outermost first; () for a single wire."""
        shape = tuple(size if isinstance(size, int) else size(statement) for size in self.count)
        if any(n < 1 for n in shape):
            raise CircuitError(f"{type(statement).__name__}.{self.name}: count {shape} has no element")
        return shape

    @overload
    def __get__(self, instance: None, owner: type) -> Input[W_co]: ...
    @overload
    def __get__(self, instance: Statement, owner: type) -> W_co: ...
    def __get__(self, instance: Statement | None, owner: type) -> Input[W_co] | W_co:
        if instance is None:
            return self
        wires: Mapping[str, Any] | None = instance.__dict__.get("_wires")
        if wires is None:
            raise CircuitError(f"{owner.__name__}.{self.name} has wires only inside define")
        return cast("W_co", wires[self.name])


@overload
def public(kind: Kind) -> Input[Wire]: ...
@overload
def public(kind: Kind, count: Size) -> Input[Vector]: ...
@overload
def public(kind: Kind, count: tuple[Size, Size]) -> Input[Grid]: ...
@overload
def public(kind: Kind, count: tuple[Size, Size, Size]) -> Input[Cube]: ...
def public(kind: Kind, count: Size | tuple[Size, ...] | None = None) -> Input[Any]:
    """An input that the verifier sees."""
    return Input(kind, count, is_public=True)


@overload
def secret(kind: Kind) -> Input[Wire]: ...
@overload
def secret(kind: Kind, count: Size) -> Input[Vector]: ...
@overload
def secret(kind: Kind, count: tuple[Size, Size]) -> Input[Grid]: ...
@overload
def secret(kind: Kind, count: tuple[Size, Size, Size]) -> Input[Cube]: ...
def secret(kind: Kind, count: Size | tuple[Size, ...] | None = None) -> Input[Any]:
    """An input that the proof hides."""
    return Input(kind, count, is_public=False)


@dataclass(frozen=True)
class Statement:
    """Base of all statements. The parameters of a subclass are its fields, as a frozen dataclass."""

    def define(self, c: Builder) -> None:
        """Say with `c` what must hold of the declared inputs."""
        raise NotImplementedError

    @classmethod
    def inputs(cls) -> tuple[Input[Any], ...]:
        """Every declared input in wire order: public ones first, each group in the order declared."""
        found: dict[str, Input[Any]] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, Input):
                    if name in found:
                        raise CircuitError(f"{cls.__name__}.{name} is declared twice, again in {base.__name__}")
                    found[name] = value
        return tuple(sorted(found.values(), key=lambda item: not item.is_public))

    def parameters(self) -> dict[str, int | str]:
        """The values that, with the class, determine the circuit."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        others = {name: value for name, value in vars(self).items() if name not in {"_wires", *values}}
        for name, value in {**values, **others}.items():
            if name in others or not isinstance(value, int | str):
                what = f"{type(self).__name__}.{name} of type {type(value).__name__}"
                raise CircuitError(f"{what}: a parameter is a dataclass field and an int or a str")
        return values

    def bound_to(self, wires: Mapping[str, Any]) -> Statement:
        """A copy whose inputs read as these wires, for `define` to run on."""
        bound = copy.copy(self)
        bound.__dict__["_wires"] = dict(wires)
        return bound


def flat_names(name: str, shape: tuple[int, ...]) -> Iterator[str]:
    """name, or name[0], name[1], … for each element in order."""
    if not shape:
        yield name
        return
    for i in range(shape[0]):
        yield from flat_names(f"{name}[{i}]", shape[1:])


def nested(items: Sequence[Wire], shape: tuple[int, ...]) -> Nested:
    """Flat items as tuples of tuples of that shape; the single item for ()."""
    if not shape:
        return items[0]
    step = math.prod(shape[1:])
    return tuple(nested(items[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0]))
