"""Template: a block of rows and steps built once and copied by shifting its wires.

A template has ports, where a copy takes its inputs: any linear combinations. Rows that touch a port are
written anew for each copy; all others are arrays, and a copy costs a few array additions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zkstate.constraint.r1cs import U32
from zkstate.constraint.record import BlockUses, Terms
from zkstate.constraint.rows import FIRST_TEMPORARY, Block, RowBuffer
from zkstate.constraint.wire import ONE_WIRE, Wire, WireLike, as_wire
from zkstate.errors import CircuitError
from zkstate.kernels import STEP_PRODUCT, STEP_SOLVE

if TYPE_CHECKING:
    from zkstate.constraint.builder import Builder

Interval = tuple[int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Wires are local: 0 is the constant, 1 to len(ports) are the ports, the rest belong to the copy.

    `matrices` are A, B, C, the combinations that steps read and the sides of requirements, each as pieces in
    order: an array block, or one row that touches a port.
    """

    name: str
    ports: tuple[Interval, ...]
    outputs: tuple[tuple[Terms, int | None, int | None], ...]
    matrices: tuple[tuple[Block | Terms, ...], ...]
    pool: tuple[int, ...]
    labels: tuple[str, ...]
    row_labels: U32
    steps: U32
    requirements: U32
    names: tuple[tuple[int, str], ...]
    blocks: tuple[tuple[str, BlockUses], ...]
    port_rows: tuple[int, ...]
    n_wires: int
    n_temporaries: int

    @property
    def n_rows(self) -> int:
        return len(self.row_labels)


Define = Callable[["Builder", tuple[Wire, ...]], Sequence[Wire]]


def trace(builder: Builder, name: str, ports: Sequence[Interval], define: Define) -> Template:
    """Run `define` once, on a fresh builder, with a wire per port (its interval, or None for a FELT)."""
    first = builder.allocate(len(ports), "port")
    if first != 1:
        raise CircuitError(f"template {name}: traced on a builder that is not empty")
    inputs = tuple(Wire(builder, {first + i: 1}, *(interval or (None, None))) for i, interval in enumerate(ports))
    outputs = tuple((dict(w.terms), w.lo, w.hi) for w in define(builder, inputs))
    buffers = (builder.a, builder.b, builder.c, builder.combinations, builder.sides)
    touched = [_port_rows(buffer, len(ports)) for buffer in buffers]
    return Template(
        name=name,
        ports=tuple(ports),
        outputs=outputs,
        matrices=tuple(_pieces(buffer, rows) for buffer, rows in zip(buffers, touched, strict=True)),
        pool=tuple(builder.pool.index),
        labels=tuple(builder.labels),
        row_labels=np.array(builder.row_labels, dtype=np.uint32),
        steps=np.array(builder.steps, dtype=np.uint32).reshape(-1, 4),
        requirements=np.array(builder.requirements, dtype=np.uint32).reshape(-1, 4),
        names=tuple((wire, text) for wire, text in builder.names if wire > len(ports)),
        blocks=tuple(builder.blocks.items()),
        port_rows=tuple(sorted({row for rows in touched[:3] for row in rows})),
        n_wires=builder.n_wires - len(ports) - 1,
        n_temporaries=builder.n_temporaries,
    )


def _port_rows(buffer: RowBuffer, n_ports: int) -> list[int]:
    wires = np.frombuffer(buffer.wires, dtype=np.uint32)
    rows = np.repeat(np.arange(len(buffer)), np.frombuffer(buffer.counts, dtype=np.uint32))
    return [int(row) for row in np.unique(rows[(wires > 0) & (wires <= n_ports)])]


def _pieces(buffer: RowBuffer, port_rows: list[int]) -> tuple[Block | Terms, ...]:
    pieces: list[Block | Terms] = []
    begins = np.concatenate([[0], np.cumsum(np.frombuffer(buffer.counts, dtype=np.uint32))])
    at = 0
    for row in [*port_rows, len(buffer)]:
        if row > at:
            pieces.append(Block.of(buffer, at, row))
        if row < len(buffer):
            pieces.append(buffer.row(row, int(begins[row])))
        at = row + 1
    return tuple(pieces)


def instantiate(builder: Builder, template: Template, inputs: Sequence[WireLike]) -> tuple[Wire, ...]:
    """A copy of the template after what the builder holds; its outputs.

    CircuitError if the number of inputs is wrong or an input may leave the interval of its port.
    """
    bound = [wire.terms for wire in _checked_inputs(builder, template, inputs)]
    first_row, first_wire = builder.n_rows, builder.n_wires
    shift = first_wire - len(bound) - 1
    first_combination = len(builder.combinations)
    renamed = np.array([builder.pool.intern(value) for value in template.pool], dtype=np.uint32)
    buffers = (builder.a, builder.b, builder.c, builder.combinations, builder.sides)
    for buffer, pieces in zip(buffers, template.matrices, strict=True):
        for piece in pieces:
            if isinstance(piece, Block):
                buffer.append_block(piece, shift, renamed)
            else:
                buffer.append(_moved(piece, bound, shift))
    labels = np.array([builder.label(text) for text in template.labels], dtype=np.uint32)
    builder.row_labels.frombytes(labels[template.row_labels].tobytes())
    builder.steps.frombytes(_moved_steps(template, shift, first_row, first_combination).tobytes())
    requirements = template.requirements.copy()
    requirements[:, 1] = labels[requirements[:, 1]]
    requirements[:, 2:] += np.uint32(first_row)
    builder.requirements.frombytes(requirements.tobytes())
    builder.names.extend((wire + shift, builder.scoped(text)) for wire, text in template.names)
    builder.n_wires += template.n_wires
    builder.n_temporaries = max(builder.n_temporaries, template.n_temporaries)
    builder.note_block(template.name, _uses(template), first_row, first_wire)
    for name, uses in template.blocks:
        for row, wire in zip(uses.first_rows, uses.first_wires, strict=True):
            builder.note_block(name, uses, first_row + row, wire + shift)
    return tuple(Wire(builder, _moved(terms, bound, shift), lo, hi) for terms, lo, hi in template.outputs)


def _checked_inputs(builder: Builder, template: Template, inputs: Sequence[WireLike]) -> list[Wire]:
    if len(inputs) != len(template.ports):
        raise CircuitError(f"template {template.name}: {len(inputs)} inputs for {len(template.ports)} ports")
    wires = []
    for i, (value, port) in enumerate(zip(inputs, template.ports, strict=True)):
        wire = as_wire(builder, value, felt=port is None)
        if port is not None and not (port[0] <= wire.bounds[0] and wire.bounds[1] <= port[1]):
            raise CircuitError(f"template {template.name}: input {i} is {wire!r}, its port takes {list(port)}")
        wires.append(wire)
    return wires


def _moved(terms: Terms, bound: Sequence[Terms], shift: int) -> dict[int, int]:
    """Terms of the template as terms of the copy: ports become what is bound to them."""
    out: dict[int, int] = {}
    for wire, coefficient in terms.items():
        if wire == ONE_WIRE or wire >= FIRST_TEMPORARY:
            source: Terms = {wire: 1}
        elif wire <= len(bound):
            source = bound[wire - 1]
        else:
            source = {wire + shift: 1}
        for index, factor in source.items():
            out[index] = out.get(index, 0) + coefficient * factor
    return out


def _moved_steps(template: Template, shift: int, first_row: int, first_combination: int) -> U32:
    steps = template.steps.copy()
    steps[:, 1] += np.where(steps[:, 1] < FIRST_TEMPORARY, np.uint32(shift & 0xFFFFFFFF), np.uint32(0))
    reads_row = np.isin(steps[:, 0], (STEP_SOLVE, STEP_PRODUCT))
    steps[:, 2] += np.where(reads_row, np.uint32(first_row), np.uint32(first_combination))
    return steps


def _uses(template: Template) -> BlockUses:
    return BlockUses(template.n_rows, template.n_wires, template.port_rows)
