"""The witness machine and the rows once more, in Python integers: slow, and independent of the C core."""

from __future__ import annotations

from collections.abc import Mapping

from zkstate.constraint.circuit import Circuit
from zkstate.constraint.r1cs import SparseMatrix
from zkstate.kernels import FR_MODULUS

SOLVE, PRODUCT, LINEAR, INVERSE, BITS, ONE_HOT = range(1, 7)


def solved(circuit: Circuit, inputs: Mapping[str, object]) -> list[int]:
    """What `circuit.evaluate` should give."""
    slots = [1]
    for item in circuit.inputs:
        slots += [value % FR_MODULUS for value in item.flatten(inputs[item.name])]
    n_slots = circuit.combinations.n_columns
    slots += [0] * (n_slots - len(slots))
    a, b, c = circuit.r1cs.a, circuit.r1cs.b, circuit.r1cs.c

    def dot(matrix: SparseMatrix, row: int) -> int:
        return sum(v * slots[w] for w, v in matrix.row(row).items()) % FR_MODULUS

    for step, target, source, count in circuit.steps.tolist():
        if step == SOLVE:
            slots[target] = 0
            slots[target] = (dot(a, source) * dot(b, source) - dot(c, source)) % FR_MODULUS
        elif step == PRODUCT:
            slots[target] = dot(a, source) * dot(b, source) % FR_MODULUS
        elif step == LINEAR:
            slots[target] = dot(circuit.combinations, source)
        elif step == INVERSE:
            value = dot(circuit.combinations, source)
            slots[target] = pow(value, -1, FR_MODULUS) if value else 0
        elif step == BITS:
            value = dot(circuit.combinations, source)
            slots[target : target + count] = [value >> i & 1 for i in range(count)]
        elif step == ONE_HOT:
            value = dot(circuit.combinations, source)
            slots[target : target + count] = [int(value == i) for i in range(count)]
        else:
            raise AssertionError(f"step {step}")
    return slots[: circuit.r1cs.n_wires]


def broken(circuit: Circuit, wires: list[int]) -> list[int]:
    """The rows that do not hold."""
    r1cs = circuit.r1cs

    def dot(matrix: SparseMatrix, row: int) -> int:
        return sum(v * wires[w] for w, v in matrix.row(row).items())

    return [i for i in range(r1cs.n_constraints) if (dot(r1cs.a, i) * dot(r1cs.b, i) - dot(r1cs.c, i)) % FR_MODULUS]
