"""A block circuit written out in a few blocks, as the rows and steps of one circuit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.constraint.saying import saying
from tests.soundness.system import terms_of
from zkstate.constraint.block import RANGE
from zkstate.constraint.block_circuit import COLUMN, BlockCircuit, Use, known_value
from zkstate.constraint.builder import ONE, Builder
from zkstate.constraint.circuit import Circuit
from zkstate.constraint.statement import FELT, Kind
from zkstate.constraint.wire import Wire
from zkstate.kernels import (
    FR_MODULUS,
    STEP_BITS,
    STEP_LINEAR,
    STEP_ONE_HOT,
    STEP_PRODUCT,
    STEP_SOLVE,
    FrVec,
)

Terms = dict[int, int]
Entry = tuple[int, ...]
PLACE = "place"


@dataclass(frozen=True)
class Shape:
    """How many blocks, the columns that are the same in all inputs, and the kinds by which the others are moved.

    `read` are the secret inputs that rows look up, member by member; all inputs have the same table of entries.
    """

    blocks: int
    columns: Mapping[str, Sequence[int]]  # constant
    moved: Mapping[str, Kind]  # columns and secret inputs, FELT where it says nothing
    read: tuple[str, ...]
    derived: tuple[str, ...] = ()  # more secret inputs that the prover works out


@dataclass(frozen=True)
class Row:
    """One row of the unrolled circuit that stands for a row, a link, or (part of) a lookup of the block circuit."""

    what: tuple[str, int, int]  # "row", "link" or "lookup"; which; and of a lookup which member
    block: int


def known_values(block: BlockCircuit, shape: Shape) -> list[Terms]:
    """For each block the wires whose values are constant here: 1, and known ones but for columns that move."""
    found: list[Terms] = [{0: 1} for _ in range(shape.blocks)]
    columns = [FrVec.from_ints(shape.columns.get(column.name, [0])) for column in block.columns]
    for item in block.known:
        if item.what != COLUMN or block.columns[item.parameter].name in shape.columns:
            values = known_value(item, columns, shape.blocks).to_ints()
            for b in range(shape.blocks):
                found[b][item.wire] = values[b]
    return found


class Unrolling:
    """The unrolled circuit in the making."""

    def __init__(self, block: BlockCircuit, shape: Shape) -> None:
        self.block, self.shape, self.known = block, shape, known_values(block, shape)
        self.matrices = [terms_of(m) for m in (block.circuit.r1cs.a, block.circuit.r1cs.b, block.circuit.r1cs.c)]
        self.combinations, self.readings = terms_of(block.circuit.combinations), terms_of(block.readings)
        self.places: dict[int, Row] = {}
        self.wires: list[dict[int, int]] = []
        self.digits: set[int] = set()
        self.limbs: dict[int, tuple[int, int, int, list[int]]] = {}
        self.number_of: dict[int, Terms] = {}
        self._hinted: set[int] = set()  # limbs and bits of this block
        self._own: list[int] = []
        self._number: Terms = {}
        self._row_of: dict[int, int] = {}
        inputs = {item.name: item for item in block.circuit.inputs}
        self.columns = {c.name: i for i, c in enumerate(block.columns) if c.name not in shape.columns}
        self.secret = [item for name, item in inputs.items() if name not in shape.read]
        self.lookups = [i for i, use in enumerate(block.uses) if not use.provides and not self._is_range(use)]
        self.names = [*self.columns, *(item.name for item in self.secret)]
        self.entries = {table: list(dict.fromkeys(self._provided(table))) for table in self._tables()}

    def _tables(self) -> list[int]:
        """The tables that are no ranges."""
        return list(dict.fromkeys(self.block.uses[number].table for number in self.lookups))

    def _provided(self, table: int) -> Iterator[Entry]:
        for use in self.block.uses:
            if use.provides and use.table == table:
                for known in self.known:
                    rows = self.readings[use.first + 1 : use.first + 1 + use.size]
                    yield tuple(sum(v * known[w] for w, v in terms) % FR_MODULUS for terms in rows)

    def _is_range(self, use: Use) -> bool:
        return self.block.tables[use.table].startswith(RANGE)

    def circuit(self) -> Circuit:
        blocks = self.shape.blocks
        kinds = {f"out_{name}": (FELT, blocks) for name in self.columns}
        kinds |= {item.name: (FELT, (blocks, *item.shape)) for item in self.secret}
        kinds |= {PLACE: (FELT, (blocks, len(self.lookups)))}
        made = saying(self._define, **kinds)
        fields = [replace(item, name=item.name.removeprefix("out_")) for item in made.inputs]
        return replace(made, inputs=tuple(fields))

    def _define(self, c: Builder, **given: Any) -> None:
        for b in range(self.shape.blocks):
            own = {self._known_wire(i): _index(given[f"out_{name}"][b]) for name, i in self.columns.items()}
            for item in self.secret:
                value = given[item.name][b]
                flat = value if item.shape else [value]
                own |= {item.first + i: _index(wire) for i, wire in enumerate(flat)}
            self.wires.append(own)
            with c.scope(f"block {b}"):
                self._link(c, b)
                self._read(c, b, given[PLACE][b])
                self._solve(c, b)
                self._look_up(c, b)

    def _known_wire(self, column: int) -> int:
        return next(item.wire for item in self.block.known if (item.what, item.parameter) == (COLUMN, column))

    def _link(self, c: Builder, b: int) -> None:
        """Ports are the wires of the block before, or 0."""
        for i, link in enumerate(self.block.previous):
            name = self.block.circuit.name(link.port)
            port = self.wires[b][link.port] = c.allocate(1, name)
            source: Terms = {self.wires[b - 1][link.source]: 1} if b else {}
            row = c.row(source, ONE if b else {}, {port: 1}, c.label(f"{name}, linked"))
            c.step(STEP_SOLVE, port, row)
            self.places[row] = Row(("link", i, 0), b)

    def _read(self, c: Builder, b: int, places: Sequence[Wire]) -> None:
        """What is looked up is the entry at a place of its table, which stands for it."""
        for place, number in zip(places, self.lookups, strict=True):
            use = self.block.uses[number]
            entries = self.entries[use.table]
            first, size = c.allocate(len(entries), "picked"), len(entries)
            self.digits |= set(range(first, first + size))
            c.step(STEP_ONE_HOT, first, c.combination(place.terms), size)
            label = c.label("a place of the table")
            c.boolean_rows(first, size, label)
            c.row({0: -1} | {first + i: 1 for i in range(size)}, ONE, {}, label)
            c.row({first + i: i for i in range(1, size)}, ONE, dict(place.terms), label)
            for i in range(use.size):
                ((wire, factor),) = self.readings[use.first + 1 + i]
                name, is_read = self.block.circuit.name(wire), wire not in self.wires[b]
                if is_read:
                    assert factor == 1
                    self.wires[b][wire] = c.allocate(1, name)
                picked = {first + j: entry[i] for j, entry in enumerate(entries) if entry[i]}
                out = {self.wires[b][wire]: factor}
                row = c.row(picked, ONE, out, c.label(f"{use.label}: {name.split('[')[0]}"))
                if is_read:
                    c.step(STEP_SOLVE, self.wires[b][wire], row)
                self.places[row] = Row(("lookup", number, i), b)

    def _solve(self, c: Builder, b: int) -> None:
        """The rows and steps of the block itself; a row that its known wires make 0 = 0 is left out."""
        circuit, own = self.block.circuit, self.wires[b]
        self._hinted = set()
        n_wires, skipped = circuit.r1cs.n_wires, {use.multiplicity for use in self.block.uses}
        ports = {link.port for link in self.block.previous}
        for wire in self.block.own.tolist():
            if wire not in own and wire not in skipped and wire not in ports:
                own[wire] = c.allocate(1, circuit.name(wire))
        room = c.temporaries(circuit.combinations.n_columns - n_wires)
        here: dict[int, int] = {}
        for k in range(circuit.r1cs.n_constraints):
            left, right, out = (self._placed(matrix[k], b) for matrix in self.matrices)
            if set(left) <= {0}:
                left, right = right, left
            left, right = ({}, {}) if not left or not right else (left, right)
            if not left and not out:
                continue
            if set(right) == {0} and right != ONE:
                left, right = {w: v * right[0] % FR_MODULUS for w, v in left.items()}, dict(ONE)
            here[k] = c.row(left, right, out, c.label(circuit.label(k)))
            self.places[here[k]] = Row(("row", k, 0), b)
        for kind, target, source, count in circuit.steps.tolist():
            slot = own[target] if target < n_wires else room[target - n_wires]
            if kind in (STEP_SOLVE, STEP_PRODUCT):
                c.step(kind, slot, here[source])
            else:
                c.step(kind, slot, c.combination(self._placed(self.combinations[source], b, room)), count)
                self._hinted |= {slot} if kind == STEP_LINEAR and target < n_wires else set()

    def _look_up(self, c: Builder, b: int) -> None:
        """Ranges, each by digits of its own."""
        alone = [self.readings[use.first + 1] for use in self.block.uses if self._is_range(use)]
        self._hinted &= {
            self.wires[b][terms[0][0]] for terms in alone if len(terms) == 1 and terms[0][0] in self.wires[b]
        }
        for number, use in enumerate(self.block.uses):
            if use.provides or not self._is_range(use):
                continue
            size = int(self.block.tables[use.table].removeprefix(RANGE))
            value = self._placed(self.readings[use.first + 1], b)
            first = c.allocate(size, f"digits of {use.label}")
            self.digits |= set(range(first, first + size))
            c.step(STEP_BITS, first, c.combination(value), size)
            c.boolean_rows(first, size, c.label("a digit of a limb"))
            row, limb = c.n_rows, self._note_limb(c.n_rows, value, size)
            digits = {first + i: 1 << i for i in range(size)}
            c.row({w: -v for w, v in value.items()} | digits, ONE, {}, c.label(f"{use.label}: {limb}"))
            self.places[row] = Row(("lookup", number, 0), b)

    def _note_limb(self, row: int, value: Terms, size: int) -> str:
        """Limbs of a number follow each other: the lowest, which is what the others leave of it, first. Its name."""
        ((wire, factor), *more) = value.items()
        if more or wire not in self._hinted:  # the lowest
            self._own = []
            self._number = {w: v for w, v in value.items() if w not in self._hinted}
            found, name = (0, 0, size, []), "limb 0"
        elif factor != 1:  # the highest again
            shift = factor.bit_length() - 1
            found, name = (wire, 0, size, self._own[:-1]), f"limb {len(self._own)}, shifted"
            self.limbs[self._row_of[wire]] = (wire, shift, size, self._own[:-1])
        else:
            found, name = (wire, 0, size, list(self._own)), f"limb {len(self._own) + 1}"
            self._own.append(wire)
            self._row_of[wire] = row
        self.limbs[row], self.number_of[row] = found, self._number
        return name

    def _placed(self, terms: Sequence[tuple[int, int]], b: int, room: range | None = None) -> Terms:
        """The same over the wires here, what is known as a multiple of one."""
        found: Terms = {}
        own, known, n_wires = self.wires[b], self.known[b], self.block.circuit.r1cs.n_wires
        for wire, value in terms:
            if wire in known:
                at, times = 0, value * known[wire]
            elif wire < n_wires:
                at, times = own[wire], value
            else:
                assert room is not None
                at, times = room[wire - n_wires], value
            found[at] = (found.get(at, 0) + times) % FR_MODULUS
        return {wire: value for wire, value in found.items() if value}


def _index(wire: Wire) -> int:
    return next(iter(wire.terms))
