"""Witnesses of block circuits: every block solved by the program of one, links and tables filled in between.

Three passes of the program: each block by itself; blocks rising, for what is read from the block before; then blocks
falling, for what is read from children in the tree. A wire may depend on both, but nothing that a later block or a
tree's leaf reads on a child.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from zkstate.constraint.block_circuit import BlockCircuit
from zkstate.constraint.block_tables import multiplicities
from zkstate.constraint.circuit import Circuit, InputField
from zkstate.constraint.r1cs import U32, SparseMatrix
from zkstate.constraint.statement import Nested
from zkstate.errors import CircuitError, InputError, LengthError, WitnessError
from zkstate.kernels import STEP_PRODUCT, STEP_SOLVE, BlockSlots, FrVec, WitnessProgram, sparse_blocks_product, wipe


@dataclass(frozen=True, slots=True, eq=False)
class BlockWitness:
    """The own wires of all blocks, wire by wire and within a wire block by block. Secret: repr shows sizes alone.

    `public` are wires 1..n_public, which all blocks share; `columns` as `BlockCircuit.checked_columns` gives them.
    """

    own: FrVec = field(repr=False)
    public: FrVec
    columns: tuple[FrVec, ...]
    blocks: int

    def __repr__(self) -> str:
        return f"BlockWitness({self.blocks} blocks, {len(self.own) // self.blocks} own wires)"

    def wipe(self) -> None:
        """Overwrite every own wire with zero."""
        wipe(self.own)


def solve_blocks(
    block: BlockCircuit,
    blocks: int,
    public: Mapping[str, Nested],
    secret: Mapping[str, Sequence[Nested] | FrVec],
    columns: Mapping[str, Sequence[int]],
) -> BlockWitness:
    """The wires that the program computes, whether or not they satisfy a row: the prover or `block_check` judges.

    `secret` has for each secret input one value a block, in its shape; or all of them as a FrVec, block by block.
    Errors: InputError, LengthError for inputs and columns; WitnessError for an input outside its kind (a FrVec's are
    not looked at), or a tuple that no block provides.
    """
    block.require_count(blocks)
    known = block.known_values(given := block.checked_columns(columns, blocks), blocks)
    circuit = block.circuit
    apart, forward, upward = _programs(block)
    slots = BlockSlots(blocks, forward.n_slots)
    try:
        shared = _public(circuit, public)
        slots.put_all(0, FrVec.concat([FrVec.ones(1), shared]))
        _put_secrets(slots, circuit, secret)
        for item, values in zip(block.known, known, strict=True):
            slots.put(item.wire, values)
        slots.run_apart(apart)
        if block.previous:
            slots.run_forward(forward, block.previous)
        if block.children:
            slots.run_upward(upward, block.children)
        used = np.unique(block.readings.wire)
        read = slots.take(used)
        readings = _read(block.readings, used, read, blocks)
        try:
            for wire, values in multiplicities(block, readings, blocks).items():
                slots.put(wire, values)
                wipe(values)
        finally:
            wipe(read)
            wipe(readings)
        return BlockWitness(slots.take(block.own), shared, given, blocks)
    finally:
        slots.wipe()


def _public(circuit: Circuit, public: Mapping[str, Nested]) -> FrVec:
    flat: list[int] = []
    for item in _inputs(circuit, public, is_public=True):
        flat += _checked(item, public[item.name])
    return FrVec.from_ints(flat)


def _put_secrets(slots: BlockSlots, circuit: Circuit, secret: Mapping[str, Sequence[Nested] | FrVec]) -> None:
    for item in _inputs(circuit, secret, is_public=False):
        values = secret[item.name]
        if isinstance(values, FrVec):
            if len(values) != slots.blocks * item.size:
                raise LengthError(f"input {item.name}: {len(values)} scalars for {slots.blocks} blocks of {item.size}")
            slots.put(item.first, values)
            continue
        if len(values) != slots.blocks:
            raise LengthError(f"input {item.name}: values of {len(values)} blocks, wanted {slots.blocks}")
        flat = FrVec.from_ints(x for value in values for x in _checked(item, value))
        slots.put(item.first, flat)
        wipe(flat)


def _inputs(circuit: Circuit, values: Mapping[str, object], *, is_public: bool) -> list[InputField]:
    wanted = [item for item in circuit.inputs if item.is_public == is_public]
    if set(values) != {item.name for item in wanted}:
        kind = "public" if is_public else "secret"
        raise InputError(f"{kind} inputs {sorted(values)}, wanted {sorted(item.name for item in wanted)}")
    return wanted


def _checked(item: InputField, value: Nested) -> list[int]:
    flat = item.flatten(value)
    for name, x in zip(item.names(), flat, strict=True):
        if x not in item.kind:
            raise WitnessError(f"{name} is {x}: wanted {item.kind.name}")
    return flat


def _read(matrix: SparseMatrix, used: U32, values: FrVec, blocks: int) -> FrVec:
    """All rows of a matrix over wires, of which `values` has the used ones, in all blocks."""
    wires = np.searchsorted(used, matrix.wire).astype(np.uint32)
    narrow = SparseMatrix(matrix.row_ptr, wires, matrix.coefficient, matrix.pool, len(used))
    return sparse_blocks_product(narrow, narrow.pool, values, FrVec(0), blocks)


@lru_cache(maxsize=4)
def _programs(block: BlockCircuit) -> tuple[WitnessProgram, WitnessProgram, WitnessProgram]:
    """The passes over all blocks, in their order."""
    circuit = block.circuit
    matrices = [circuit.r1cs.a, circuit.r1cs.b, circuit.r1cs.c, circuit.combinations]
    n_fixed = 1 + sum(item.size for item in circuit.inputs)
    n_slots, pool = circuit.combinations.n_columns, circuit.combinations.pool
    return tuple(  # type: ignore[return-value]  # two of them
        WitnessProgram(matrices, pool, circuit.steps[chosen], n_fixed=n_fixed, n_slots=n_slots)
        for chosen in passes(block)
    )


def passes(block: BlockCircuit) -> tuple[list[int], list[int], list[int]]:
    """The steps that read no other block, those that depend on the block before, and those that depend on children; the
    latter two with what computes the intermediate values they read. CircuitError where that cannot be their order.

    Intervals of what blocks read of each other hold by the same order: from block 0 on, then from the leaves up.
    """
    circuit = block.circuit
    steps = [_Step.of(circuit, *step) for step in circuit.steps.tolist()]
    children = {wire for link in block.children for wire in (link.left, link.right)}
    upward, late = _dependent(steps, range(len(steps)), children)
    early = {f"{circuit.name(w)}, which the next block reads,": w for _, w in block.previous}
    early |= {f"{circuit.name(link.leaf)}, which is a leaf,": link.leaf for link in block.children}
    for what, wire in early.items():
        if wire in late:
            raise CircuitError(f"{circuit.title}: {what} depends on the children of its block")
    first = [i for i in range(len(steps)) if i not in upward]
    forward, _ = _dependent(steps, first, {port for port, _ in block.previous})
    n_wires = circuit.r1cs.n_wires
    apart = [i for i in first if i not in forward]
    return apart, _complete(steps, first, forward, n_wires), _complete(steps, range(len(steps)), upward, n_wires)


class _Step(NamedTuple):
    reads: set[int]
    writes: set[int]

    @classmethod
    def of(cls, circuit: Circuit, step: int, first: int, source: int, count: int) -> _Step:
        return cls(_reads(circuit, step, first, source), set(range(first, first + count)))


def _dependent(steps: Sequence[_Step], among: Iterable[int], ports: AbstractSet[int]) -> tuple[set[int], set[int]]:
    """Which steps depend on ports, and the slots that hold such values behind the last of them."""
    late, found = set(ports), set()
    for i in among:
        if steps[i].reads & late:
            late |= steps[i].writes
            found.add(i)
        else:
            late -= steps[i].writes  # a temporary, which holds something else now
    return found, late


def _complete(steps: Sequence[_Step], among: Sequence[int], chosen: AbstractSet[int], n_wires: int) -> list[int]:
    """The chosen steps, and what computes the temporaries that they read."""
    found: list[int] = []
    needed: set[int] = set()
    for i in reversed(among):
        if i in chosen or steps[i].writes & needed:
            found.append(i)
            needed = (needed - steps[i].writes) | {slot for slot in steps[i].reads if slot >= n_wires}
    return found[::-1]


def _reads(circuit: Circuit, step: int, target: int, source: int) -> set[int]:
    """The slots that a step reads."""
    r1cs = circuit.r1cs
    if step == STEP_SOLVE:
        return set().union(*(_wires(m, source) for m in (r1cs.a, r1cs.b, r1cs.c))) - {target}
    if step == STEP_PRODUCT:
        return _wires(r1cs.a, source) | _wires(r1cs.b, source)
    return _wires(circuit.combinations, source)


def _wires(matrix: SparseMatrix, row: int) -> set[int]:
    return set(matrix.wire[int(matrix.row_ptr[row]) : int(matrix.row_ptr[row + 1])].tolist())
