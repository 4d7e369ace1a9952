"""How a gadget is stated to be probed, what it means in integers, and good inputs.

`define(c, out…, **wires)` requires each `out…` to be what the gadget gives, so a gadget that does not determine its
outputs is a circuit that accepts two of them. `meaning` maps the inputs to the outputs, or to None if the gadget is to
refuse them. A gadget is stated for a width, so that it also fits a small prime: `WIDTHS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.constraint.saying import saying
from tests.soundness.field import field_of
from zkstate.constraint.builder import Builder
from zkstate.constraint.circuit import Circuit
from zkstate.constraint.statement import Kind
from zkstate.kernels import FR_MODULUS

WIDTHS = {11: 2, 13: 2, 97: 4, FR_MODULUS: 4}  # of integers, so that their differences and products do not wrap
NO_PRIME: tuple[int, ...] = ()  # Poseidon's constants are of one field
Kinds = Mapping[str, Kind | tuple[Kind, int]]
Inputs = dict[str, Any]


@dataclass(frozen=True, eq=False)
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
        return _compiled(self, p)

    def inputs(self, secret: Inputs, p: int = FR_MODULUS) -> Inputs | None:
        """The secret inputs with the outputs they mean."""
        out = self.meaning(p, WIDTHS[p], **secret)
        return None if out is None else {**secret, **out}

    def good(self) -> list[Inputs]:
        """Examples that the gadget is to accept."""
        found = [self.inputs(secret) for secret in self.examples(WIDTHS[FR_MODULUS])]
        return [inputs for inputs in found if inputs is not None]


@cache
def _compiled(gadget: Gadget, p: int) -> Circuit:
    with field_of(p):
        return saying(gadget.define, **gadget.kinds(WIDTHS[p]))


def digits(value: int, n: int) -> list[int]:
    return [value >> i & 1 for i in range(n)]


def each_out(c: Builder, outs: Sequence[Any], wires: Sequence[Any]) -> None:
    for i, (out, wire) in enumerate(zip(outs, wires, strict=True)):
        c.require(wire == out, f"result {i}")
