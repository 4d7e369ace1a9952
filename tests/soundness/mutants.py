"""Coefficient and term mutants of a whole circuit at once, and the good witnesses that refuse them.

Changing an entry of A by d changes row A·w · B·w = C·w by d·w_i·(B·w), whatever d is: so one witness with w_i and B·w
not 0 refuses every other coefficient of that entry, zero included (the term dropped). A term added for another wire, or
an entry moved to another wire, is judged the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.circuits.nudge import nonzero
from zkstate.constraint.circuit import Circuit
from zkstate.constraint.r1cs import gather
from zkstate.kernels import FrVec, sparse_product


@dataclass(frozen=True, slots=True)
class Tally:
    """How many mutants of a kind were made, and how many no witness refused; `survivors` are (matrix, row, wire)."""

    kind: str
    tried: int
    survivors: tuple[tuple[str, int, int], ...]

    @property
    def killed(self) -> float:
        return 1 - len(self.survivors) / self.tried


def mutants(circuit: Circuit, witnesses: Sequence[FrVec], rng: np.random.Generator) -> list[Tally]:
    """Every coefficient changed, every term dropped; a term added to every side of every row; every entry moved.

    A changed and a dropped term fall together, since a witness that refuses one refuses the other.
    """
    r1cs, kinds = circuit.r1cs, ("changed or dropped", "added", "moved")
    tried = dict.fromkeys(kinds, 0)
    left: dict[str, list[tuple[str, int, int]]] = {kind: [] for kind in kinds}
    products = [[sparse_product(m, m.pool, w) for m in (r1cs.a, r1cs.b, r1cs.c)] for w in witnesses]
    for side, (name, matrix) in enumerate(r1cs.matrices().items()):
        row, wire = matrix.rows(), matrix.wire
        everywhere = np.arange(r1cs.n_constraints, dtype=np.uint32)
        other = rng.integers(0, r1cs.n_wires, len(wire), dtype=np.uint32)
        added = rng.integers(0, r1cs.n_wires, r1cs.n_constraints, dtype=np.uint32)
        moved = other != wire
        survives = {
            "changed or dropped": np.ones(len(wire), dtype=bool),
            "added": np.ones(len(added), dtype=bool),
            "moved": moved.copy(),
        }
        for w, product in zip(witnesses, products, strict=True):
            factor = {0: product[1], 1: product[0], 2: None}[side]
            matters = np.ones(r1cs.n_constraints, dtype=bool) if factor is None else nonzero(factor)
            survives["changed or dropped"] &= ~(nonzero(gather(w, wire)) & matters[row])
            survives["added"] &= ~(nonzero(gather(w, added)) & matters)
            survives["moved"] &= ~(nonzero(gather(w, wire) - gather(w, other)) & matters[row])
        where = {"changed or dropped": (row, wire), "added": (everywhere, added), "moved": (row, other)}
        for kind, alive in survives.items():
            rows, wires = where[kind]
            tried[kind] += int(moved.sum()) if kind == "moved" else len(alive)
            left[kind] += [(name, int(rows[i]), int(wires[i])) for i in np.nonzero(alive)[0]]
    return [Tally(kind, tried[kind], tuple(left[kind])) for kind in kinds]
