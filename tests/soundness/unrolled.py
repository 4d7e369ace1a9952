"""A block circuit in a few blocks as one circuit, for the search that attacks rows: links and lookups become rows.

What the verifier works out is constant in it: known wires, and the entries of tables. Each range that is looked up has
its digits here, each row of a tuple is picked by a place; that is how a search finds its way, and no part of the block
circuit. So what it finds counts only once `zkstate/constraint/block_check.py` has
judged it for the block circuit itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from tests.soundness.attack import Search
from tests.soundness.system import HINTS, State, System, terms_of
from tests.soundness.unrolling import PLACE, Entry, Row, Shape, Terms, Unrolling, known_values
from zkstate.constraint import solve_blocks
from zkstate.constraint.block_check import broken_blocks
from zkstate.constraint.block_circuit import BlockCircuit, Use
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.statement import FELT, Kind
from zkstate.errors import InputError, WitnessError
from zkstate.kernels import (
    FR_MODULUS,
    FrVec,
)


@dataclass(eq=False)
class Unrolled(System):
    """A system to attack, judged by the block circuit. `places` says what each of its own rows stands for."""

    block: BlockCircuit = field(kw_only=True)
    shape: Shape = field(kw_only=True)
    places: dict[int, Row] = field(kw_only=True)
    wires: list[dict[int, int]] = field(kw_only=True)  # of each block: its own wires and ports here
    entries: dict[int, list[Entry]] = field(kw_only=True)  # of each table that is no range
    own_digits: set[int] = field(kw_only=True)  # what only this circuit has, to say what is looked up
    # of a lookup of a limb: its wire, or 0 for the lowest; by how much it is shifted if it is looked up again; bits
    # of a limb; the limbs below it but for the lowest
    limbs: dict[int, tuple[int, int, int, list[int]]] = field(kw_only=True)
    number_of: dict[int, Terms] = field(kw_only=True)  # and what its limbs add up to

    def __post_init__(self) -> None:
        super().__post_init__()
        for step in self.steps:
            if step.row < 0 and step.kind not in HINTS and step.outs[0] < self.n_wires:
                self.hints |= set(step.outs)  # a limb: some digits of a number, as one wire
        self.hints -= self.own_digits
        self.movable = self.hints | self.inputs.keys()

    def rows_of(self) -> dict[tuple[str, int, int], dict[int, int]]:
        """For each row, link and member of a lookup: its copy in each block that has one."""
        found: dict[tuple[str, int, int], dict[int, int]] = {}
        for k, row in self.places.items():
            found.setdefault(row.what, {})[row.block] = k
        return found

    def broken_exactly(self, state: State) -> list[int]:
        """The rows that are broken; nothing unless the block circuit agrees that this one alone is."""
        broken = super().broken_exactly(state)
        return broken if len(broken) == 1 and self._agrees(self.places.get(broken[0]), state) else []

    def refuses_inputs(self, state: State) -> bool:
        return self._refused(state.values) and self._refuses_blocks(state.values)

    def takes_with(self, state: State, honest: State) -> bool:
        """Whether the blocks are taken with what another state read of the tables, if that is something else."""
        read = self._derived_wires
        if all(state.values[wire] == honest.values[wire] for wire in read):
            return False
        values = state.values.copy()
        for wire in read:
            values[wire] = honest.values[wire]
        return not self._refused(values)

    def _refused(self, values: list[int]) -> bool:
        """Whether the program here refuses the same inputs: what rows read is an entry of the table, and its place."""
        inputs = values[: 1 + len(self.inputs)]
        place = next(item for item in self.circuit.inputs if item.name == PLACE)
        for i, (table, read) in enumerate(self._read_tuples):
            entry = (table, *(values[wire] * factor % self.p for wire, factor in read))
            if entry not in self._place_of:
                return True
            inputs[place.first + i] = self._place_of[entry]
        return self._refuses(inputs)

    @cached_property
    def _place_of(self) -> dict[Entry, int]:
        return {(table, *entry): i for table, listed in self.entries.items() for i, entry in enumerate(listed)}

    @cached_property
    def _read_tuples(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """For each place the table and what is read of it there, each a wire times a factor, block by block."""
        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for k in sorted(self.places):
            (kind, number, _), b = self.places[k].what, self.places[k].block
            if kind == "lookup" and self.block.uses[number].size > 1:
                found.setdefault((b, number), []).append(self.rows[k][2][0])
        return [(self.block.uses[number].table, read) for (_, number), read in found.items()]

    @cached_property
    def bits(self) -> set[int]:
        """The hints that a row of their own keeps 0 or 1."""
        return {a[0][0] for a, b, c in self.rows if a == b == c and len(a) == 1} & self.hints

    @cached_property
    def _derived_wires(self) -> list[int]:
        """What stands for the secret inputs that the prover works out."""
        names = {*self.shape.read, *self.shape.derived}
        fields = [item for item in self.block.circuit.inputs if item.name in names]
        return [own[item.first + i] for own in self.wires for item in fields for i in range(item.size)]

    def _refuses_blocks(self, values: list[int]) -> bool:
        secret = {item.name: [] for item in self.block.circuit.inputs}  # type: dict[str, list[Any]]
        for own in self.wires:
            for item in self.block.circuit.inputs:
                flat = [values[own[item.first + i]] for i in range(item.size)]
                secret[item.name].append(flat if item.shape else flat[0])
        try:
            witness = solve_blocks(self.block, self.shape.blocks, {}, secret, self._columns(values))
        except (WitnessError, InputError):
            return True
        return any(True for _ in broken_blocks(self.block, witness))

    def _columns(self, values: list[int]) -> dict[str, list[int]]:
        moved = {
            item.name: [values[item.first + b] for b in range(self.shape.blocks)]
            for item in self.circuit.inputs
            if item.is_public
        }
        return {
            column.name: moved.get(column.name) or [*self.shape.columns[column.name]] for column in self.block.columns
        }

    def _agrees(self, row: Row | None, state: State) -> bool:
        """Whether the block circuit finds exactly this row of it broken, by this state's own wires."""
        if row is None:
            return False
        kind, which, _ = row.what
        links = [link for i, link in enumerate(self.block.previous) if (kind, which) != ("link", i)]
        block = replace(self.block, previous=tuple(links))  # a port without its link is a wire of the block's own
        try:
            given = block.checked_columns(self._columns(state.values), self.shape.blocks)
        except InputError:
            return False
        times = self._times(state)
        own = [
            times.get((wire, b), 0) if wire in self._multiplicities else state.values[self.wires[b][wire]]
            for wire in block.own.tolist()
            for b in range(self.shape.blocks)
        ]
        found = list(broken_blocks(block, BlockWitness(FrVec.from_ints(own), FrVec(0), given, self.shape.blocks)))
        if kind == "link":
            return not found
        wanted = (
            f"block {row.block}: row {which}: "
            if kind == "row"
            else f"table {self.block.tables[self.block.uses[which].table]}: "
        )
        return len(found) == 1 and found[0].startswith(wanted)

    @cached_property
    def _multiplicities(self) -> set[int]:
        return {use.multiplicity for use in self.block.uses if use.multiplicity}

    def _times(self, state: State) -> dict[tuple[int, int], int]:
        """How often each entry is looked up, in the multiplicity of the first block and use that provides it."""
        first: dict[Entry, tuple[int, int]] = {}
        count: dict[tuple[int, int], int] = {}
        for use in (use for use in self.block.uses if use.provides):
            for b in range(self.shape.blocks):
                first.setdefault((use.table, *self._tuple(use, b, state)), (use.multiplicity, b))
        for use in (use for use in self.block.uses if not use.provides):
            for b in range(self.shape.blocks):
                provider = first.get((use.table, *self._tuple(use, b, state)))
                if provider is not None:
                    count[provider] = count.get(provider, 0) + 1
        return count

    def _tuple(self, use: Use, b: int, state: State) -> Entry:
        readings, known = self._readings, self._known[b]
        return tuple(
            sum(
                v * (known[w] if w in known else state.values[self.wires[b][w]]) for w, v in readings[use.first + 1 + i]
            )
            % FR_MODULUS
            for i in range(use.size)
        )

    @cached_property
    def _readings(self) -> list[tuple[tuple[int, int], ...]]:
        return terms_of(self.block.readings)

    @cached_property
    def _known(self) -> list[Terms]:
        return known_values(self.block, self.shape)


class LimbSearch(Search):
    """Begins with what a limb is for: a bit that makes a number negative, or a number out of its range."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bases_a_row = len(self.bases)

    def starts(self, k: int, base: State) -> Iterator[dict[int, int]]:
        system = self.system
        assert isinstance(system, Unrolled)
        inputs, _, nodes = self.behind(k)
        ranged = [(wire, kind) for wire in inputs if not (kind := system.inputs[wire].kind).is_felt]
        if k in system.limbs:
            # The last bits first: those of the rule that the limb is of come after those that it rests on.
            moves = [{bit: 1 - base.values[bit]} for bit in sorted(nodes & system.bits, reverse=True)]
            moves += [{wire: out} for wire, kind in ranged for out in (kind.hi + 1, kind.lo - 1)]
            for move in (*self._together(k, base), *moves):
                yield from self._overlapping(k, base, move)
                yield move
        elif k not in system.definer:
            yield from (
                {wire: base.values[wire] + by} for wire, _ in ranged if wire in system.wires_of(k) for by in (1, -1)
            )
        yield from super().starts(k, base)

    def _numbers(self, k: int) -> set[int]:
        return super()._numbers(k) | (set(self.behind(k)[0]) if k in self.system.limbs else set())

    def _overlapping(self, k: int, base: State, move: dict[int, int]) -> Iterator[dict[int, int]]:
        """A number just too large, by a highest limb that is a fraction: so much larger that it may be shifted."""
        system = self.system
        limb, shift, size, lower = system.limbs[k]
        if not shift or limb in move:
            return
        top = ((1 << size) - 1) * pow(1 << shift, -1, system.p) % system.p
        values = system.set(base, move).values
        place = size * (len(lower) + 1)
        left = (sum(v * values[w] for w, v in system.number_of[k].items()) - (top << place)) % system.p
        if 0 <= left < 1 << place:
            yield move | {limb: top} | {wire: left >> size * (i + 1) & (1 << size) - 1 for i, wire in enumerate(lower)}


def unroll(block: BlockCircuit, shape: Shape) -> Unrolled:
    """The blocks in a row. Every lookup has weight 1, as those of tables with hidden multiplicities have."""
    work = Unrolling(block, shape)
    circuit = work.circuit()
    kinds = {name: shape.moved.get(name, FELT) for name in work.names} | {
        PLACE: Kind("a place", 0, max(map(len, work.entries.values())) - 1)
    }
    circuit = replace(circuit, inputs=tuple(replace(item, kind=kinds[item.name]) for item in circuit.inputs))
    return Unrolled(
        circuit,
        derived=(PLACE, *shape.derived),
        block=block,
        shape=shape,
        places=work.places,
        wires=work.wires,
        entries=work.entries,
        own_digits=work.digits,
        limbs=work.limbs,
        number_of=work.number_of,
    )
