"""Circuit: a compiled statement, and the witnesses it solves for and judges. Nothing here loops over rows."""

from __future__ import annotations

import hashlib
import json
import math
import operator
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zkstate.constraint.r1cs import U32, R1cs, SparseMatrix, gather
from zkstate.constraint.record import OPERATORS, BlockUses
from zkstate.constraint.report import Violation, signed
from zkstate.constraint.statement import Kind, Nested, flat_names
from zkstate.errors import InputError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec, WitnessProgram, broken_rows, wipe

MOST_REPORTED = 1000  # violations described in one report


@dataclass(frozen=True, slots=True)
class InputField:
    """One declared input: its wires are `first` and the following, prod(shape) of them."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    first: int
    is_public: bool

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def names(self) -> Iterator[str]:
        return flat_names(self.name, self.shape)

    def flatten(self, value: Nested) -> list[int]:
        """The integers of a nested value. LengthError for another shape, InputError for no integer."""
        return list(self._flatten(value, self.shape, self.name))

    def _flatten(self, value: Nested, shape: tuple[int, ...], name: str) -> Iterator[int]:
        if not shape:
            try:
                yield operator.index(value)
            except TypeError:
                raise InputError(f"input {name} is of type {type(value).__name__}: wanted an integer") from None
            return
        if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
            raise LengthError(f"input {name} is of type {type(value).__name__}: wanted {shape[0]} values")
        if len(value) != shape[0]:
            raise LengthError(f"input {name} has {len(value)} values, wanted {shape[0]}")
        for i, item in enumerate(value):
            yield from self._flatten(item, shape[1:], f"{name}[{i}]")


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """A value for every wire. Secret: repr shows sizes alone, `wipe` overwrites the values."""

    values: FrVec = field(repr=False)
    n_public: int

    def __repr__(self) -> str:
        return f"Witness({len(self.values)} wires, {self.n_public} public)"

    @property
    def public_inputs(self) -> list[int]:
        """Wires 1..n_public, canonical."""
        return self.values.slice(1, 1 + self.n_public).to_ints()

    def nudged(self, wire: int, by: int = 1) -> Witness:
        """The same witness with `by` added to one wire."""
        changed = FrVec.from_ints([self.values[wire] + by])
        n = len(self.values)
        parts = [self.values.slice(0, wire), changed, self.values.slice(wire + 1, n)]
        return Witness(FrVec.concat(parts), self.n_public)

    def wipe(self) -> None:
        """Overwrite every value with zero; the witness is of no use afterwards."""
        wipe(self.values)


@dataclass(frozen=True, eq=False)
class Circuit:
    """An R1CS, the program that solves it, and the words for its wires and rows.

    Shapes: row_labels uint32 (n_constraints) into `labels`; steps uint32 (n, 4); requirements uint32 (n, 4):
    operator, label, first row and past the last row, each with two rows of `sides`. `names` are (first wire,
    name), a name holding until the next begins.
    """

    title: str
    r1cs: R1cs
    inputs: tuple[InputField, ...]
    combinations: SparseMatrix
    sides: SparseMatrix
    steps: U32
    requirements: U32
    row_labels: U32
    labels: tuple[str, ...]
    names: tuple[tuple[int, str], ...]
    blocks: Mapping[str, BlockUses]

    def __repr__(self) -> str:
        r1cs = self.r1cs
        return f"Circuit({self.title}: {r1cs.n_constraints} rows, {r1cs.n_wires} wires, {r1cs.n_public} public)"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the constraint system and the names of its wires: what a proving key belongs to."""
        a, b, c = matrices = (self.r1cs.a, self.r1cs.b, self.r1cs.c)
        used, renamed = np.unique(np.concatenate([m.coefficient for m in matrices]), return_inverse=True)
        digest = hashlib.sha256(b"zkstate circuit v1")
        counts = [
            self.r1cs.n_wires,
            self.r1cs.n_public,
            self.r1cs.n_constraints,
            a.nnz,
            b.nnz,
            c.nnz,
            len(used),
        ]
        digest.update(np.array(counts, dtype="<u8").tobytes())
        digest.update(gather(a.pool, used.astype(np.uint32)).to_bytes())
        digest.update(renamed.astype("<u4").tobytes())
        for matrix in matrices:
            digest.update(matrix.row_ptr.astype("<u8").tobytes())
            digest.update(matrix.wire.astype("<u4").tobytes())
        digest.update(json.dumps(self.names, separators=(",", ":")).encode())
        return digest.hexdigest()

    @property
    def wires(self) -> range:
        """Every wire but the constant."""
        return range(1, self.r1cs.n_wires)

    @property
    def public_names(self) -> list[str]:
        """The names of wires 1..n_public."""
        return [name for item in self.inputs if item.is_public for name in item.names()]

    def name(self, wire: int) -> str:
        """What a wire is called; wires of one gadget share a name and are numbered."""
        at = bisect_right(self.names, wire, key=lambda entry: entry[0]) - 1
        first, text = self.names[at]
        end = self.names[at + 1][0] if at + 1 < len(self.names) else self.r1cs.n_wires
        if not first <= wire < end:
            raise LengthError(f"wire {wire} of {self.r1cs.n_wires}")
        return text if end == first + 1 else f"{text}[{wire - first}]"

    def label(self, row: int) -> str:
        return self.labels[int(self.row_labels[row])]

    def rows_by_label(self) -> dict[str, int]:
        """How many rows each label has, most first."""
        counts = np.bincount(self.row_labels, minlength=len(self.labels))
        return {self.labels[i]: int(counts[i]) for i in np.argsort(-counts, kind="stable") if counts[i]}

    # witnesses

    def solve(self, inputs: Mapping[str, Nested]) -> Witness:
        """The witness of the inputs, every row checked.

        Errors: InputError or LengthError for inputs that are missing, unknown or of the wrong shape;
        WitnessError names the first broken requirement and the values of its two sides, or an input outside
        its kind. These values may be secret and are no others: the message is for the prover alone.
        """
        for item in self.inputs:
            for name, value in zip(item.names(), item.flatten(self._given(inputs, item)), strict=True):
                if value not in item.kind:
                    raise WitnessError(f"{name} is {value}: wanted {item.kind.name}")
        witness = self.evaluate(inputs)
        self.require_satisfied(witness)
        return witness

    def evaluate(self, inputs: Mapping[str, Nested]) -> Witness:
        """The wires that the program computes from any integers mod r, whether or not they satisfy a row."""
        unknown = sorted(set(inputs) - {item.name for item in self.inputs})
        if unknown:
            raise InputError(f"{self.title} has no input {', '.join(unknown)}")
        flat = [1]
        for item in self.inputs:
            flat += item.flatten(self._given(inputs, item))
        fixed = FrVec.from_ints(flat)
        try:
            return self.run(fixed)
        finally:
            wipe(fixed)

    def run(self, fixed: FrVec) -> Witness:
        """As `evaluate`, from the constant one and every input in wire order; LengthError for another number."""
        slots = self._program.run(fixed)
        try:
            return Witness(slots.slice(0, self.r1cs.n_wires), self.r1cs.n_public)
        finally:
            wipe(slots)

    def require_satisfied(self, witness: Witness) -> None:
        """WitnessError as `solve`, of a witness that breaks a row; the witness is wiped then."""
        broken = self._broken(witness)
        if len(broken):
            first = str(self._violation(witness, int(broken[0])))
            witness.wipe()
            others = {self.label(int(row)) for row in broken[1:]} - {self.label(int(broken[0]))}
            more = f" (and {len(others)} more requirements)" if others else ""
            raise WitnessError(f"{first}{more}")

    def violations(self, witness: Witness, most: int = MOST_REPORTED) -> list[Violation]:
        """The rows that a witness breaks, in order, `most` of them at most."""
        return [self._violation(witness, int(row)) for row in self._broken(witness)[:most]]

    def _given(self, inputs: Mapping[str, Nested], item: InputField) -> Nested:
        if item.name not in inputs:
            raise InputError(f"{self.title}: input {item.name} is missing")
        return inputs[item.name]

    @cached_property
    def _program(self) -> WitnessProgram:
        matrices = [self.r1cs.a, self.r1cs.b, self.r1cs.c, self.combinations]
        n_fixed = 1 + sum(item.size for item in self.inputs)
        pool, n_slots = self.combinations.pool, self.combinations.n_columns
        return WitnessProgram(matrices, pool, self.steps, n_fixed=n_fixed, n_slots=n_slots)

    def _broken(self, witness: Witness) -> npt.NDArray[np.intp]:
        if len(witness.values) != self.r1cs.n_wires:
            raise LengthError(f"a witness of {len(witness.values)} wires for a circuit of {self.r1cs.n_wires}")
        return broken_rows((self.r1cs.a, self.r1cs.b, self.r1cs.c), self.r1cs.a.pool, witness.values)

    def _violation(self, witness: Witness, row: int) -> Violation:
        at = int(np.searchsorted(self.requirements[:, 2], row, side="right")) - 1
        if at >= 0 and row < self.requirements[at, 3]:
            code, label = int(self.requirements[at, 0]), int(self.requirements[at, 1])
            values = tuple(_row_value(self.sides, 2 * at + side, witness) for side in (0, 1))
            return Violation(self.labels[label], values, row, OPERATORS[code])
        values = tuple(_row_value(m, row, witness) for m in (self.r1cs.a, self.r1cs.b, self.r1cs.c))
        return Violation(self.label(row), values, row)


def _row_value(matrix: SparseMatrix, row: int, witness: Witness) -> int:
    total = sum(coefficient * witness.values[wire] for wire, coefficient in matrix.row(row).items())
    return signed(total % FR_MODULUS)
