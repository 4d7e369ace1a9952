"""Whether a witness of all blocks satisfies a block circuit: slow, in plain integers, and from the definitions alone.

What a proof of the circuit says, said once more without a proof: for tests, and for whoever writes a circuit.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from zkstate.constraint.block_circuit import COLUMN, FIRST, LAST, NUMBER, ROOT, BlockCircuit, Known
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.r1cs import SparseMatrix
from zkstate.kernels import FR_MODULUS

Values = list[int]  # of all wires of one block


def broken_blocks(block: BlockCircuit, witness: BlockWitness) -> Iterator[str]:
    """What does not hold, in words: rows block by block, then the tables. Nothing for a good witness."""
    circuit = block.circuit
    a, b, c = (_rows(matrix) for matrix in (circuit.r1cs.a, circuit.r1cs.b, circuit.r1cs.c))
    wires = wires_of(block, witness)
    for number, values in enumerate(wires):
        for row in range(circuit.r1cs.n_constraints):
            if (_dot(a[row], values) * _dot(b[row], values) - _dot(c[row], values)) % FR_MODULUS:
                yield f"block {number}: row {row}: {circuit.label(row)}"
    sums = _sums(block, wires)
    for (table, *values), (looked_up, provided) in sums.items():
        if (looked_up - provided) % FR_MODULUS:
            yield f"table {block.tables[table]}: {tuple(values)} is looked up {looked_up} times, provided {provided}"


def wires_of(block: BlockCircuit, witness: BlockWitness) -> list[Values]:
    """For every block the values of all its wires, ports and known ones by their definition."""
    blocks, own = witness.blocks, witness.own.to_ints()
    columns = [column.to_ints() for column in witness.columns]
    wires = []
    for number in range(blocks):
        values = [1, *witness.public.to_ints()]
        values += [0] * (block.circuit.r1cs.n_wires - len(values))
        for i, wire in enumerate(block.own.tolist()):
            values[wire] = own[i * blocks + number]
        for item in block.known:
            values[item.wire] = _known(item, number, blocks, columns)
        wires.append(values)
    for number, values in enumerate(wires):
        if number:
            for port, source in block.previous:
                values[port] = wires[number - 1][source]
            for left, right, node, leaf in block.children:
                inner = 2 * number < blocks
                first, source = (2 * number, node) if inner else (2 * number - blocks, leaf)
                values[left], values[right] = wires[first][source], wires[first + 1][source]
    return wires


def _known(item: Known, number: int, blocks: int, columns: list[Values]) -> int:
    if item.what == COLUMN:
        column = columns[item.parameter]
        return column[min(number, len(column) - 1)]
    if item.what == NUMBER:
        return number % (1 << item.parameter)
    return int(number == {FIRST: 0, LAST: blocks - 1, ROOT: 1}[item.what])


def _sums(block: BlockCircuit, wires: list[Values]) -> dict[tuple[int, ...], list[int]]:
    """For each table and tuple: its weight over all lookups, and over all that is provided."""
    readings = _rows(block.readings)
    sums: dict[tuple[int, ...], list[int]] = {}
    for use in block.uses:
        for values in wires:
            weight, *entry = (_dot(readings[use.first + i], values) for i in range(1 + use.size))
            sums.setdefault((use.table, *entry), [0, 0])[use.provides] += weight
    return sums


def _rows(matrix: SparseMatrix) -> list[dict[int, int]]:
    pool, wires, coefficients = matrix.pool.to_ints(), matrix.wire.tolist(), matrix.coefficient.tolist()
    found = []
    for begin, end in pairwise(matrix.row_ptr.tolist()):
        terms: dict[int, int] = {}
        for k in range(begin, end):
            terms[wires[k]] = terms.get(wires[k], 0) + pool[coefficients[k]]
        found.append(terms)
    return found


def _dot(terms: dict[int, int], values: Values) -> int:
    return sum(coefficient * values[wire] for wire, coefficient in terms.items()) % FR_MODULUS
