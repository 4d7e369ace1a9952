"""Soundness probes for compiled circuits: wires that could move alone, and requirements that break alone.

Changing wire i of a good witness by d turns row A·w · B·w = C·w into  d·(a_i·B·w + b_i·A·w - c_i + d·a_i·b_i) = 0.
So each row leaves a wire no other value, or exactly one other, or says nothing; a wire is free if some other value
passes all its rows. That is decided for every d in Fr at once, in array operations over the entries.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zkstate.constraint.circuit import Circuit, Witness
from zkstate.constraint.r1cs import R1cs, gather
from zkstate.kernels import FrVec, sparse_product


def free_wires(circuit: Circuit, witness: Witness) -> list[str]:
    """The names of wires that can take some other value, all others kept, without breaking a row."""
    assert circuit.violations(witness) == [], "only a good witness can be nudged"
    return [circuit.name(int(wire)) for wire in movable(circuit.r1cs, witness.values) if wire > 0]


def broken_labels(circuit: Circuit, inputs: Mapping[str, object]) -> set[str]:
    """The labels of all rows that break when the program runs on these inputs, kinds unchecked."""
    return {violation.label for violation in circuit.violations(circuit.evaluate(inputs))}


def movable(r1cs: R1cs, w: FrVec) -> np.ndarray:
    """The wires that some other value fits, for a witness that satisfies every row."""
    pool = r1cs.a.pool
    products = [sparse_product(m, pool, w) for m in (r1cs.a, r1cs.b, r1cs.c)]
    keys = [m.rows().astype(np.int64) * r1cs.n_wires + m.wire for m in (r1cs.a, r1cs.b, r1cs.c)]
    assert all(len(np.unique(key)) == len(key) for key in keys), "a wire stands twice in a row of one matrix"
    pairs = np.unique(np.concatenate(keys))
    row, wire = pairs // r1cs.n_wires, pairs % r1cs.n_wires
    a, b, c = (
        _scattered(len(pairs), np.searchsorted(pairs, key), m.values())
        for key, m in zip(keys, (r1cs.a, r1cs.b, r1cs.c), strict=True)
    )
    linear = a * gather(products[1], row) + b * gather(products[0], row) - c
    square = a * b
    moves_row, bends_row = nonzero(linear), nonzero(square)

    free = np.ones(r1cs.n_wires, dtype=bool)
    free[wire[moves_row != bends_row]] = False
    one_other = np.nonzero(moves_row & bends_row)[0]
    others = gather(linear, one_other) * gather(square, one_other).inverse()
    other_values = np.frombuffer(others.raw(), dtype="<u8").reshape(-1, 4)
    held = np.unique(np.column_stack([wire[one_other].astype(np.uint64), other_values]), axis=0)[:, 0]
    disagreeing = held[1:][held[1:] == held[:-1]]
    free[disagreeing.astype(np.int64)] = False
    return np.nonzero(free)[0]


def _scattered(n: int, places: np.ndarray, values: FrVec) -> FrVec:
    out = np.zeros((n, 4), dtype="<u8")
    out[places] = np.frombuffer(values.raw(), dtype="<u8").reshape(-1, 4)
    return FrVec.from_raw(out.tobytes())


def nonzero(values: FrVec) -> np.ndarray:
    """Which scalars are not 0."""
    return np.frombuffer(values.raw(), dtype="<u8").reshape(-1, 4).any(axis=1)
