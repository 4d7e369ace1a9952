"""Statements made on the spot: inputs by name and kind, and a function that says what must hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zkstate.constraint.builder import Builder
from zkstate.constraint.circuit import Circuit
from zkstate.constraint.compiler import build
from zkstate.constraint.statement import Kind, Statement, public, secret


def saying(define: Callable[..., None], /, **kinds: Kind | tuple[Kind, Any]) -> Circuit:
    """The circuit of define(c, **wires). An input is public if its name begins with `out`."""
    body: dict[str, Any] = {}
    for name, kind in kinds.items():
        declare = public if name.startswith("out") else secret
        body[name] = declare(*kind) if isinstance(kind, tuple) else declare(kind)

    def run(self: Statement, c: Builder) -> None:
        define(c, **{name: getattr(self, name) for name in kinds})

    return build(type("Saying", (Statement,), {**body, "define": run})())
