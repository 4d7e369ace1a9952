"""Every witness of a small circuit over a small prime, in a table that grows by one wire at a time.

A wire that a row determines through a constant is computed; another is tried with each value that the rows about it
alone allow; a row is applied as soon as all its wires are in the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.soundness.gadgets import Gadget
from tests.soundness.system import System, Terms

Table = np.ndarray  # (assignments, wires)


def solutions(system: System, given: Table, inputs: Sequence[int]) -> Table:
    """All assignments of all wires that satisfy every row, for assignments of some wires (column order `inputs`)."""
    p, n = system.p, system.n_wires
    table = np.zeros((len(given), n), dtype=np.int64)
    table[:, 0] = 1
    table[:, list(inputs)] = given
    known, left = {0, *inputs}, set(range(len(system.rows)))
    while True:
        for k in [k for k in left if system.wires_of(k) <= known]:
            table = table[_residual(system.rows[k], table, p) == 0]
            left.discard(k)
        if len(known) == n:
            return table
        table = _grown(system, table, known, left)


def _grown(system: System, table: Table, known: set[int], left: set[int]) -> Table:
    p = system.p
    for k in sorted(left):
        unknown = system.wires_of(k) - known
        if len(unknown) == 1 and (slope := _constant_slope(system.rows[k], *unknown)):
            (wire,) = unknown
            table[:, wire] = 0
            table[:, wire] = -_residual(system.rows[k], table, p) * pow(slope, -1, p) % p
            known.add(wire)
            return table
    choices = {wire: _alone(system, wire) for wire in range(system.n_wires) if wire not in known}
    nearest = min((len(system.wires_of(k) - known), k) for k in left)[1] if left else None
    among = (system.wires_of(nearest) - known) if nearest is not None else set(choices)
    wire = min(among, key=lambda w: (len(choices[w]), w))
    grown = np.repeat(table, len(choices[wire]), axis=0)
    grown[:, wire] = np.tile(np.array(choices[wire], dtype=np.int64), len(table))
    known.add(wire)
    return grown


def _alone(system: System, wire: int) -> list[int]:
    """The values that the rows about this wire alone allow it."""
    rows = [system.rows[k] for k in system.assertions[wire] if system.wires_of(k) == {wire}]
    values = np.zeros((system.p, system.n_wires), dtype=np.int64)
    values[:, 0], values[:, wire] = 1, np.arange(system.p)
    allowed = np.ones(system.p, dtype=bool)
    for row in rows:
        allowed &= _residual(row, values, system.p) == 0
    return np.nonzero(allowed)[0].tolist()


def _constant_slope(row: tuple[Terms, Terms, Terms], wire: int) -> int:
    """The factor of a wire in a row if it is a constant, else 0."""
    a, b, c = (dict(terms) for terms in row)
    if (wire in a and wire in b) or (wire in a and set(b) - {0}) or (wire in b and set(a) - {0}):
        return 0
    return a.get(wire, 0) * b.get(0, 0) + b.get(wire, 0) * a.get(0, 0) - c.get(wire, 0)


def _residual(row: tuple[Terms, Terms, Terms], table: Table, p: int) -> Table:
    a, b, c = (sum((v * table[:, w] for w, v in terms), np.zeros(len(table), dtype=np.int64)) % p for terms in row)
    return (a * b - c) % p


def every(p: int, count: int) -> Table:
    """All p^count assignments."""
    return np.stack(np.meshgrid(*[np.arange(p)] * count, indexing="ij"), axis=-1).reshape(-1, count)


def as_integers(system: System, row: np.ndarray) -> dict[str, Any] | None:
    """The secret inputs of one assignment as nested integers within their kinds; None if one is outside."""
    out = {}
    for item in system.circuit.inputs:
        if item.is_public:
            continue
        values = [int(v) for v in row[item.first : item.first + item.size]]
        if not item.kind.is_felt:
            values = [v - system.p if v > item.kind.hi else v for v in values]
            if any(v not in item.kind for v in values):
                return None
        out[item.name] = _shaped(values, item.shape)
    return out


def _shaped(values: list[int], shape: tuple[int, ...]) -> object:
    if not shape:
        return values[0]
    step = len(values) // shape[0]
    return [_shaped(values[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def compared(gadget: Gadget, p: int) -> tuple[int, int]:
    """(assignments of the inputs, how many are wrong): accepted against the meaning, or with more than one witness."""
    system = System(gadget.circuit(p), p)
    secret = [wire for wire, item in system.inputs.items() if not item.is_public]
    outs = [item for item in system.circuit.inputs if item.is_public]
    wanted: dict[tuple[int, ...], list[int]] = {}
    every_input = every(p, len(secret))
    kinds = [system.inputs[wire].kind for wire in secret]
    within = np.ones(len(every_input), dtype=bool)
    for column, kind in enumerate(kinds):
        if not kind.is_felt:
            value = every_input[:, column]
            within &= (value <= kind.hi) | (value - p >= kind.lo)
    for row in every_input[within]:
        full = np.zeros(system.n_wires, dtype=np.int64)
        full[secret] = row
        secrets = as_integers(system, full)
        assert secrets is not None
        out = gadget.inputs(secrets, p)
        if out is not None:
            wanted[tuple(row.tolist())] = [value % p for item in outs for value in item.flatten(out[item.name])]
    found = solutions(system, every_input, secret)
    places = [item.first + i for item in outs for i in range(item.size)]
    seen: Counter[tuple[int, ...]] = Counter()
    wrong = 0
    for row in found:
        key = tuple(row[secret].tolist())
        seen[key] += 1
        wrong += seen[key] > 1 or wanted.get(key) != row[places].tolist()
    return len(every_input), wrong + len(wanted.keys() - seen.keys())
