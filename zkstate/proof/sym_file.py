"""A `.sym` file: the names of a circuit's wires, as circom writes them beside a `.r1cs`.

One line a wire, `label,wire,component,name`; the label is the wire, as in the `.r1cs` files written here, and the
constant wire has no line. A name begins with `main.`; what stands before its last point is its component, numbered in
order of appearance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from zkstate.atomic import replace_file
from zkstate.constraint.circuit import Circuit

_BLOCK_LINES = 1 << 14
_FOREIGN = re.compile(r"[^A-Za-z0-9_^\[\]]+")


def encode(circuit: Circuit) -> Iterator[bytes]:
    """The file in pieces. Names are those of `Circuit.name` with `main.` for the circuit and `.` for each scope.

    Where several wires share a name, the later ones have `#2`, `#3`, .. behind it: names are unique, as circom's are.
    """
    seen: dict[str, int] = {}
    components: dict[str, int] = {}
    lines: list[str] = []
    for wire in circuit.wires:
        name = _dotted(circuit.name(wire))
        seen[name] = seen.get(name, 0) + 1
        component = components.setdefault(name.rpartition(".")[0], len(components))
        unique = name if seen[name] == 1 else f"{name}#{seen[name]}"
        lines.append(f"{wire},{wire},{component},{unique}\n")
        if len(lines) == _BLOCK_LINES:
            yield "".join(lines).encode("ascii")
            lines.clear()
    yield "".join(lines).encode("ascii")


def write(path: Path, circuit: Circuit) -> None:
    """Write a `.sym` file, whole or not at all."""
    replace_file(path, encode(circuit))


def _dotted(name: str) -> str:
    """`row 3: choice[1]` as `main.row_3.choice[1]`: nothing in it that the format or a shell gives a meaning."""
    return ".".join(["main", *(_FOREIGN.sub("_", part) for part in name.split(": "))])
