"""A compiled circuit in Python integers, to change one value, follow what its program makes of it, and see what breaks.

The rows that a step computes a wire from hold by themselves after `follow`, unless that wire is held in place. The
others are assertions. Nothing found here counts before `broken_exactly` has had the C core judge the whole witness.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np

from zkstate.constraint.circuit import Circuit
from zkstate.constraint.r1cs import SparseMatrix
from zkstate.kernels import (
    FR_MODULUS,
    STEP_BITS,
    STEP_INVERSE,
    STEP_LINEAR,
    STEP_ONE_HOT,
    STEP_PRODUCT,
    STEP_SOLVE,
    FrVec,
    broken_rows,
)

Terms = tuple[tuple[int, int], ...]  # (wire, coefficient)
Formula = Callable[[list[int]], int]
MOST_WRITTEN_OUT = 100  # terms of a formula; Python compiles no sum of any length
COMPUTING = (STEP_SOLVE, STEP_PRODUCT, STEP_LINEAR)
HINTS = (STEP_BITS, STEP_INVERSE, STEP_ONE_HOT)


@dataclass(slots=True)
class State:
    """Values of all nodes, the nodes held against the program, the rows broken, and the steps left for `settled`."""

    values: list[int]
    held: frozenset[int] = frozenset()
    broken: frozenset[int] = frozenset()
    waiting: frozenset[int] = frozenset()


@dataclass(slots=True)
class Step:
    kind: int
    outs: tuple[int, ...]
    row: int  # the row that SOLVE and PRODUCT read, else -1
    reads: Terms  # of SOLVE: C without its target; of PRODUCT: nothing; else the combination


@dataclass(eq=False)
class System:
    """Nodes 0 .. n_wires - 1 are wires; intermediate values of the program follow, one node for each writing."""

    circuit: Circuit
    p: int = FR_MODULUS
    given: tuple[str, ...] = ()  # inputs that an attacker does not choose, or not any more
    derived: tuple[str, ...] = ()  # inputs that are no part of what is committed: the prover works them out
    rows: list[tuple[Terms, Terms, Terms]] = field(init=False)
    steps: list[Step] = field(init=False)

    def __post_init__(self) -> None:
        r1cs = self.circuit.r1cs
        self.n_wires = r1cs.n_wires
        self.rows = list(zip(*(terms_of(m, self.p) for m in (r1cs.a, r1cs.b, r1cs.c)), strict=True))
        self.inputs = {
            item.first + i: item for item in self.circuit.inputs for i in range(item.size)
        }  # wire -> declaration
        self._read_steps()
        self._row_formulas: list[Formula | None] = [None] * len(self.rows)
        self._step_formulas: list[Formula | None] = [None] * len(self.steps)
        self.step_of = {node: s for s, step in enumerate(self.steps) for node in step.outs}
        self.hints = {node for step in self.steps if step.kind in HINTS for node in step.outs}
        self.movable = self.hints | self.inputs.keys()
        self._single = [step.outs[0] if step.kind in COMPUTING else 0 for step in self.steps]
        self._temporary = [s for s, step in enumerate(self.steps) if step.outs[-1] >= self.n_wires]
        self.definer = {step.row: s for s, step in enumerate(self.steps) if step.row >= 0}
        self.readers: list[list[int]] = [[] for _ in range(self.n_nodes)]
        for s, step in enumerate(self.steps):
            for node in {node for node in self.read_by(step) if node}:
                self.readers[node].append(s)
        self.assertions: list[list[int]] = [[] for _ in range(self.n_wires)]
        for k in range(len(self.rows)):
            if k not in self.definer:
                for wire in self.wires_of(k):
                    self.assertions[wire].append(k)

        felts = {wire for wire, item in self.inputs.items() if item.kind.is_felt}
        self.is_easy = [bool(felts & self.wires_of(k)) for k in range(len(self.rows))]  # some felt absorbs anything
        self._defer()

    def _defer(self) -> None:
        """Find what leads to nothing but `x == a public field element said once`: any x will do, so it can wait.

        In a statement that is the path from the leaf to the state root, in a gadget what only its output reads.
        """
        items, many = self.inputs, -1
        self.absorber = {}
        for wire, item in items.items():
            rows = self.assertions[wire]
            if item.is_public and item.kind.is_felt and len(rows) == 1 and not self.readers[wire]:
                a, b, _ = self.rows[rows[0]]
                if b == ((0, 1),) and wire in dict(a):
                    self.absorber[rows[0]] = wire
        leads: list[int | None] = [None] * self.n_nodes  # the one assertion a node leads to, `many`, or none

        def join(x: int | None, y: int | None) -> int | None:
            return y if x is None else x if y is None or x == y else many

        for node in range(self.n_wires):
            for row in self.assertions[node]:
                leads[node] = join(leads[node], row)
        self.deferred = set()
        for s in reversed(range(len(self.steps))):
            step, led = self.steps[s], None
            for out in step.outs:
                led = join(led, leads[out])
            if step.kind in COMPUTING and led in self.absorber:
                self.deferred.add(s)
            for node in self.read_by(step):
                leads[node] = join(leads[node], many if led is None else led)

    def _read_steps(self) -> None:
        combinations = terms_of(self.circuit.combinations, self.p)
        latest: dict[int, int] = {}
        self.steps, self.n_nodes = [], self.n_wires
        for kind, target, source, count in self.circuit.steps.tolist():
            if kind == STEP_SOLVE:
                row, reads = source, tuple(t for t in self.rows[source][2] if t[0] != target)
            elif kind == STEP_PRODUCT:
                row, reads = source, ()
            else:
                row, reads = -1, tuple((latest.get(wire, wire), value) for wire, value in combinations[source])
            outs = []
            for slot in range(target, target + count):
                if slot >= self.n_wires:
                    latest[slot] = self.n_nodes
                    self.n_nodes += 1
                outs.append(latest.get(slot, slot))
            self.steps.append(Step(kind, tuple(outs), row, reads))

    def read_by(self, step: Step) -> list[int]:
        """The nodes a step computes from."""
        own = self.rows[step.row][:2] if step.row >= 0 else ()
        return [wire for terms in (*own, step.reads) for wire, _ in terms]

    def wires_of(self, k: int) -> set[int]:
        """The wires of row k, the constant left out."""
        return {wire for terms in self.rows[k] for wire, _ in terms} - {0}

    def length(self, k: int) -> int:
        return sum(len(terms) for terms in self.rows[k])

    # values

    def start(self, inputs: Mapping[str, object]) -> State:
        """The program's own values for these inputs, whatever rows they break."""
        return self.of_wires(self.circuit.evaluate(inputs).values.to_ints())

    @cached_property
    def fixed(self) -> frozenset[int]:
        """The wires of the inputs given."""
        return self._wires_of(self.given)

    @cached_property
    def worked_out(self) -> frozenset[int]:
        """The wires of the derived inputs."""
        return self._wires_of(self.derived)

    def _wires_of(self, names: tuple[str, ...]) -> frozenset[int]:
        return frozenset(wire for wire, item in self.inputs.items() if item.name in names)

    def of_wires(self, wires: list[int]) -> State:
        values = wires + [0] * (self.n_nodes - self.n_wires)
        for s in self._temporary:
            for node, value in self._computed(s, values):
                if node >= self.n_wires:
                    values[node] = value
        return State(values, self.fixed, frozenset(self._broken(values)))

    def _broken(self, values: list[int]) -> Iterable[int]:
        if self.p == FR_MODULUS and len(self.rows) == self.circuit.r1cs.n_constraints:
            return self._judged(FrVec.from_ints(values[: self.n_wires]))
        return (k for k in range(len(self.rows)) if self.residual(k, values))

    def residual(self, k: int, values: list[int]) -> int:
        found = self._row_formulas[k]
        if found is None:
            found = self._row_formulas[k] = formula(*self.rows[k], -1, self.p)
        return found(values)

    def set(self, state: State, changes: Mapping[int, int]) -> State:
        """The state with some nodes changed and held, and what is computed from them, except what may wait."""
        values = state.values.copy()
        held = state.held | changes.keys()
        changed = {node for node, value in changes.items() if values[node] != value % self.p}
        for node in changed:
            values[node] = changes[node] % self.p
        moved, waiting = self.follow(values, changed, held, skipped=self.deferred)
        rows = {k for node in moved if node < self.n_wires for k in self.assertions[node]}
        rows |= {step.row for node in held if (step := self._computing(node)) and step.row >= 0}
        rows |= state.broken
        broken = frozenset(k for k in rows if k not in self.absorber and self.residual(k, values))
        return State(values, held, broken, state.waiting | waiting)

    def settled(self, state: State, deleted: int) -> State:
        """The state with what waited computed, and public inputs set to what they are to equal, but for one row."""
        values = state.values.copy()
        self.follow(values, (), state.held, waiting=state.waiting)
        for k in self.absorber.keys() - {deleted}:
            wire = self.absorber[k]
            coefficient = dict(self.rows[k][0])[wire]
            values[wire] = (values[wire] - self.residual(k, values) * pow(coefficient, -1, self.p)) % self.p
        return State(values, state.held, state.broken)

    def _computing(self, node: int) -> Step | None:
        return self.steps[self.step_of[node]] if node in self.step_of else None

    def follow(
        self,
        values: list[int],
        changed: Iterable[int],
        held: frozenset[int],
        *,
        only: Container[int] | None = None,
        skipped: Container[int] = (),
        waiting: Iterable[int] = (),
    ) -> tuple[dict[int, int], set[int]]:
        """Run the steps that read what changed, and those waiting.

        The nodes that moved, with what they were before unless they are among the changed; and the steps skipped.
        """
        moved, left = dict.fromkeys(changed, 0), set()
        readers, single, formulas = self.readers, self._single, self._step_formulas
        queued = {s for node in moved for s in self.readers[node]} | set(waiting)
        queue = list(queued)
        heapify(queue)
        while queue:
            s = heappop(queue)
            if s in skipped or (only is not None and s not in only):
                left.add(s)
                continue
            formula = formulas[s] or self._step_formula(s)
            # of most steps what `_computed` says, without its detours
            for node, value in ((single[s], formula(values)),) if single[s] else self._computed(s, values):
                if values[node] != value and node not in held:
                    moved[node] = values[node]
                    values[node] = value
                    for later in readers[node]:
                        if later not in queued:
                            queued.add(later)
                            heappush(queue, later)
        return moved, left

    def _computed(self, s: int, values: list[int]) -> Iterable[tuple[int, int]]:
        """(node, value) of all that step s writes."""
        step = self.steps[s]
        value = (self._step_formulas[s] or self._step_formula(s))(values)
        if step.kind in COMPUTING:
            return ((step.outs[0], value),)
        if step.kind == STEP_INVERSE:
            return ((step.outs[0], pow(value, -1, self.p) if value else 0),)
        if step.kind == STEP_BITS:
            return [(node, value >> i & 1) for i, node in enumerate(step.outs)]
        return [(node, int(value == i)) for i, node in enumerate(step.outs)]

    def _step_formula(self, s: int) -> Formula:
        step = self.steps[s]
        a, b = self.rows[step.row][:2] if step.row >= 0 else ((), ())
        sign = 1 if step.row < 0 else -1
        self._step_formulas[s] = found = formula(a, b, step.reads, sign, self.p)
        return found

    # judgements by the C core

    def broken_exactly(self, state: State) -> list[int]:
        """The rows that a state's wires break."""
        return self._judged(FrVec.from_ints(state.values[: self.n_wires]))

    def refuses_inputs(self, state: State) -> bool:
        """Whether the circuit refuses a state's inputs, public and secret: no honest witness has them."""
        return self._refuses(state.values[: 1 + len(self.inputs)])

    def takes_with(self, state: State, honest: State) -> bool:
        """Whether it takes them with the derived ones of another state, if those are others."""
        if all(state.values[wire] == honest.values[wire] for wire in self.worked_out):
            return False
        values = state.values[: 1 + len(self.inputs)]
        for wire in self.worked_out:
            values[wire] = honest.values[wire]
        return not self._refuses(values)

    def _refuses(self, inputs: list[int]) -> bool:
        return bool(self._judged(self.circuit._program.run(FrVec.from_ints(inputs)).slice(0, self.n_wires)))

    def _judged(self, w: FrVec) -> list[int]:
        r1cs = self.circuit.r1cs
        return broken_rows((r1cs.a, r1cs.b, r1cs.c), r1cs.a.pool, w).tolist()


def terms_of(matrix: SparseMatrix, p: int = FR_MODULUS) -> list[Terms]:
    """Each row as (wire, coefficient) pairs, coefficients taken mod p."""
    pool = np.array([value % p for value in matrix.pool.to_ints()], dtype=object)
    entries = list(zip(matrix.wire.tolist(), pool[matrix.coefficient].tolist(), strict=True))
    ends = matrix.row_ptr.tolist()
    return [tuple(entries[begin:end]) for begin, end in pairwise(ends)]


def formula(a: Terms, b: Terms, c: Terms, sign: int, p: int) -> Formula:
    """(A·v)(B·v) + sign·(C·v) mod p as compiled code: the search spends its time in nothing else."""
    if max(map(len, (a, b, c))) > MOST_WRITTEN_OUT:
        return lambda v: (dot(a, v) * dot(b, v) + sign * dot(c, v)) % p
    product = f"({_sum(a, p)})*({_sum(b, p)})" if a and b else "0"
    return eval(f"lambda v: ({product}{'+' if sign > 0 else '-'}({_sum(c, p)}))%{p}")


def _sum(terms: Terms, p: int) -> str:
    """Written out, coefficients by their signed value, which is short."""
    small = ((wire, value if value <= p // 2 else value - p) for wire, value in terms)
    return "+".join(f"{value}*v[{wire}]" if value != 1 else f"v[{wire}]" for wire, value in small) or "0"


def dot(terms: Terms, values: list[int]) -> int:
    total = 0
    for wire, coefficient in terms:
        total += coefficient * values[wire]
    return total
