"""From a statement to its circuit: declare the inputs, run `define` once, freeze what it wrote."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zkstate.constraint.builder import Builder
from zkstate.constraint.circuit import Circuit, InputField
from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.constraint.record import Record
from zkstate.constraint.rows import FIRST_TEMPORARY, RowBuffer
from zkstate.constraint.statement import Input, Nested, Statement, flat_names, nested
from zkstate.constraint.wire import Wire
from zkstate.errors import CircuitError


def build(statement: Statement) -> Circuit:
    """Compile a statement, whatever a cache may hold.

    CircuitError if it cannot be said in the field, or an input is declared that no row speaks of.
    """
    builder = Builder()
    return freeze(builder, title_of(statement), write(statement, builder))


def write(statement: Statement, builder: Builder) -> list[InputField]:
    """Declare the inputs on a fresh builder and run `define`. CircuitError for an input that nothing touches."""
    fields = [_declare(builder, statement, item) for item in statement.inputs()]
    builder.n_public = sum(item.size for item in fields if item.is_public)
    read = {}
    for item in fields:
        read[item.name] = nested([_input_wire(builder, item, i) for i in range(item.size)], item.shape)
    own_wires = _require_kinds(builder, fields)
    rows_before = builder.n_rows
    statement.bound_to(read).define(builder)
    _refuse_untouched(builder, fields, own_wires, rows_before)
    return fields


def title_of(statement: Statement) -> str:
    """Margin(rows=16)."""
    parameters = ", ".join(f"{name}={value}" for name, value in statement.parameters().items())
    return f"{type(statement).__name__}({parameters})"


def _declare(builder: Builder, statement: Statement, item: Input[Nested]) -> InputField:
    shape = item.shape(statement)
    first = builder.n_wires
    for name in flat_names(item.name, shape):
        builder.allocate(1, name)
    return InputField(item.name, item.kind, shape, first, item.is_public)


def _input_wire(builder: Builder, item: InputField, i: int) -> Wire:
    interval = (None, None) if item.kind.is_felt else (item.kind.lo, item.kind.hi)
    return Wire(builder, {item.first + i: 1}, *interval)


def _require_kinds(builder: Builder, fields: Sequence[InputField]) -> dict[int, range]:
    """Rows that keep every input within its kind; for each input wire, the digits that came with it."""
    digits = {}
    for item in fields:
        for i, name in enumerate(item.names()):
            wire = item.first + i
            before = builder.n_wires
            if not item.kind.is_felt:
                builder.require_kind(wire, item.kind, f"{name} is {item.kind.name}")
            digits[wire] = range(before, builder.n_wires)
    return digits


def _refuse_untouched(builder: Builder, fields: Sequence[InputField], digits: dict[int, range], first_row: int) -> None:
    touched = np.zeros(builder.n_wires, dtype=bool)
    for matrix in (builder.a, builder.b, builder.c):
        first_entry = int(np.frombuffer(matrix.counts, dtype=np.uint32)[:first_row].sum(dtype=np.int64))
        touched[np.frombuffer(matrix.wires, dtype=np.uint32)[first_entry:]] = True
    touched[np.frombuffer(builder.readings.wires, dtype=np.uint32)] = True
    for item in fields:
        for i, name in enumerate(item.names()):
            wire = item.first + i
            if not touched[wire] and not touched[digits[wire].start : digits[wire].stop].any():
                kind = "public" if item.is_public else "secret"
                raise CircuitError(f"{kind} input {name} is declared and no row touches it: leave it out, or c.bind it")


def freeze(record: Record, title: str, fields: Sequence[InputField], given: Sequence[int] = ()) -> Circuit:
    """The finished circuit. CircuitError if a wire is computed by no step, or by two; `given` ones by none."""
    n_wires, n_inputs = record.n_wires, sum(item.size for item in fields)
    steps = np.array(record.steps, dtype=np.uint32).reshape(-1, 4)
    into_wires = steps[steps[:, 1] < FIRST_TEMPORARY].astype(np.int64)
    writes = np.zeros(n_wires + 1, dtype=np.int64)
    np.add.at(writes, into_wires[:, 1], 1)
    np.add.at(writes, into_wires[:, 1] + into_wires[:, 3], -1)
    times = np.cumsum(writes)[:n_wires]
    wanted = (np.arange(n_wires) > n_inputs).astype(np.int64)
    wanted[list(given)] = 0
    wrong = np.nonzero(times != wanted)[0]
    if len(wrong):
        raise CircuitError(
            f"{title}: wire {wrong[0]} is computed by {times[wrong[0]]} steps, wanted {wanted[wrong[0]]}"
        )
    past = steps[:, 1] >= FIRST_TEMPORARY
    steps[past, 1] -= np.uint32(FIRST_TEMPORARY - n_wires)
    pool, renamed = record.pool.canonical()

    def matrix(buffer: RowBuffer, n_temporaries: int) -> SparseMatrix:
        return buffer.freeze(pool, renamed, n_wires, n_temporaries)

    return Circuit(
        title=title,
        r1cs=R1cs(n_wires, record.n_public, matrix(record.a, 0), matrix(record.b, 0), matrix(record.c, 0)),
        inputs=tuple(fields),
        combinations=matrix(record.combinations, record.n_temporaries),
        sides=matrix(record.sides, 0),
        steps=steps,
        requirements=np.array(record.requirements, dtype=np.uint32).reshape(-1, 4),
        row_labels=np.array(record.row_labels, dtype=np.uint32),
        labels=tuple(record.labels),
        names=tuple(record.names),
        blocks=dict(record.blocks),
    )
