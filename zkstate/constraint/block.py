"""The language of block circuits: what a statement says of one block, its neighbours and the tables of all blocks.

    class Account(BlockStatement):
        owed = public(uint(64))
        balance = secret(uint(32))

        def define(self, c: BlockBuilder) -> None:
            before = c.previous("sum", uint(64))            # that wire of the block before, 0 in the first
            total = bounded(before + self.balance, 0, 2**64 - 1)
            c.carry("sum", total)                           # what the next block reads
            c.require_where(c.last, total, self.owed, "the balances add up")
            left, right = c.children("tree", FELT)          # of the tree node that this block is
            c.parent("tree", node=hashed(left, right), leaf=hashed(self.balance))
            c.lookup("prices", [c.number(31), price])       # (asset, price) is in a table that some block provides
            c.provide("prices", [c.column("asset", uint(16)), c.column("price", uint(64))])

`compile_blocks` makes the circuit; `block_witness` solves it for all blocks, `block_check` judges what it solved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.constraint.block_circuit import (
    COLUMN,
    FIRST,
    LAST,
    MAX_LOG_BLOCKS,
    MAX_TUPLE,
    NUMBER,
    ROOT,
    BlockCircuit,
    Children,
    Column,
    Known,
    Previous,
    Use,
)
from zkstate.constraint.block_witness import passes
from zkstate.constraint.builder import ONE, Builder
from zkstate.constraint.compiler import freeze, title_of, write
from zkstate.constraint.statement import Kind, Statement
from zkstate.constraint.wire import ONE_WIRE, Wire, WireLike, as_bit, as_wire, bounded
from zkstate.errors import CircuitError
from zkstate.kernels import STEP_SOLVE

RANGE = "below 2^"  # and the number of bits: the names of tables of ranges
MAX_WEIGHT = 1 << 128  # of one use: no sum over all blocks wraps around


@dataclass(frozen=True)
class BlockStatement(Statement):
    """What holds of every block. Secret inputs are each block's own, public ones are shared by all."""

    def define(self, c: BlockBuilder) -> None:  # type: ignore[override]  # a block is written with more than a circuit
        """Say with `c` what must hold of one block."""
        raise NotImplementedError


class BlockBuilder(Builder):
    """Builder of one block."""

    def __init__(self) -> None:
        super().__init__()
        self._ports: dict[str, tuple[Kind, tuple[int, ...]]] = {}
        self._sources: dict[str, tuple[int, ...]] = {}
        self._known: dict[tuple[int, int], Wire] = {}
        self._columns: dict[str, tuple[int, Column]] = {}
        self._tables: dict[str, int] = {}
        self._arities: dict[int, int] = {}
        self._uses: list[Use] = []
        self._weights: list[Wire] = []

    # other blocks

    def previous(self, name: str, kind: Kind) -> Wire:
        """The wire that the block before carries under this name; 0 in the first block."""
        return self._open(name, kind, 1)[0]

    def carry(self, name: str, wire: Wire) -> None:
        """What the next block's `previous` of this name reads. CircuitError if it may leave that kind."""
        self._close(name, 1, [wire])

    def children(self, name: str, kind: Kind) -> tuple[Wire, Wire]:
        """Left and right child of the tree node that this block is (see block_circuit); 0 in block 0."""
        left, right = self._open(name, kind, 2)
        return left, right

    def parent(self, name: str, *, node: Wire, leaf: Wire) -> None:
        """What `children` of this name reads of this block: as a node of the tree, and as its leaf."""
        self._close(name, 2, [node, leaf])

    # the block's number and public values

    @property
    def first(self) -> Wire:
        """1 in block 0, else 0."""
        return self._known_wire("first", FIRST, 0, 0, 1)

    @property
    def last(self) -> Wire:
        """1 in the last block, else 0."""
        return self._known_wire("last", LAST, 0, 0, 1)

    @property
    def root(self) -> Wire:
        """1 in block 1, whose node is the root of the tree over all leaves, else 0."""
        return self._known_wire("root", ROOT, 0, 0, 1)

    def number(self, bits: int = MAX_LOG_BLOCKS) -> Wire:
        """The block's number mod 2^bits."""
        if not 1 <= bits <= MAX_LOG_BLOCKS:
            raise CircuitError(f"the low {bits} bits of a block's number: wanted 1 to {MAX_LOG_BLOCKS}")
        return self._known_wire(f"number mod 2^{bits}", NUMBER, bits, 0, (1 << bits) - 1)

    def column(self, name: str, kind: Kind) -> Wire:
        """A public value for each block, given to prover and verifier under this name."""
        index, known = self._columns.setdefault(name, (len(self._columns), Column(name, kind)))
        if known.kind != kind:
            raise CircuitError(f"column {name} is {known.kind.name} and {kind.name}")
        lo, hi = (None, None) if kind.is_felt else (kind.lo, kind.hi)
        return self._known_wire(name, COLUMN, index, lo, hi)

    # what holds in some blocks

    def require_where(self, bit: Wire, left: WireLike, right: WireLike, label: str) -> None:
        """left = right in the blocks where the bit is 1. One row."""
        gap = as_wire(self, left, felt=True) - as_wire(self, right, felt=True)
        if gap.constant is not None:
            raise CircuitError(f"{self.scoped(label)}: both sides are constants")
        self.constrain(as_bit(bit), self.felt(gap), 0, label)

    # tables

    def lookup(self, table: str, values: Sequence[WireLike], weight: WireLike = 1, label: str = "") -> None:
        """Over all blocks the weights of a tuple of this table add up to what is provided of it.

        Where `provide` says no `times`, to a hidden number: the tuple then is one that some block provides, if the
        weight is not 0. Such a weight is at least 0, and of known values alone or a bit, which costs a row: what a
        lookup shows must not rest on an interval that only lookups show. Where `provide` says `times`, to these: a
        weight is an integer of at most 2^128 either way, and a single lookup says nothing. The label says in words
        what fails if the tuple is not there.
        """
        self._refuse_range(table)
        self._use(table, values, as_wire(self, weight), provides=False, multiplicity=0, label=label)

    def provide(self, table: str, values: Sequence[WireLike], times: WireLike | None = None) -> None:
        """This block's tuple of a table. `times` is what its lookups have to add up to; None leaves that hidden."""
        self._refuse_range(table)
        self._provide(table, values, times)

    def provide_range(self, bits: int, log_blocks: int) -> None:
        """All of [0, 2^bits), spread over 2^log_blocks blocks: what `ranged` looks up. More blocks repeat it."""
        per_block = 1 << max(0, bits - log_blocks)
        number = self.number(min(bits, log_blocks)) if log_blocks else self.const(0)
        for i in range(per_block):
            self._provide(f"{RANGE}{bits}", [per_block * number + i])

    def ranged(self, wire: Wire, bits: int, label: str = "") -> Wire:
        """wire < 2^bits as an integer, by one lookup; the same wire with that interval. `label` as of `lookup`."""
        self._use(f"{RANGE}{bits}", [wire], self.const(1), provides=False, multiplicity=0, label=label)
        return bounded(wire, 0, (1 << bits) - 1)

    def finished(self, statement: Statement) -> BlockCircuit:
        """The compiled block. CircuitError for what is read and never said."""
        fields = write(statement, self)
        loose = sorted(set(self._ports) - set(self._sources))
        if loose:
            raise CircuitError(f"{', '.join(loose)}: read from another block, and no carry or parent says what it is")
        sides = {(use.table, use.provides) for use in self._uses}
        for name, table in self._tables.items():
            if len({side for side in sides if side[0] == table}) != 2:
                raise CircuitError(f"table {name}: looked up and not provided, or provided and not looked up")
            hidden = {bool(use.multiplicity) for use in self._uses if use.table == table and use.provides}
            if len(hidden) != 1:
                raise CircuitError(f"table {name}: provided both with a number of times and without")
        self._pin_weights()
        given = [*(wire for _, wires in self._ports.values() for wire in wires)]
        given += [next(iter(wire.terms)) for wire in self._known.values()]
        given += [use.multiplicity for use in self._uses if use.multiplicity]
        circuit = freeze(self, title_of(statement), fields, given)
        pool, renamed = self.pool.canonical()
        pairs = [(wires, self._sources[name]) for name, (_, wires) in self._ports.items()]
        block = BlockCircuit(
            circuit=circuit,
            previous=tuple(Previous(port[0], source[0]) for port, source in pairs if len(port) == 1),
            children=tuple(Children(*port, *source) for port, source in pairs if len(port) == 2),
            known=tuple(Known(next(iter(w.terms)), what, at) for (what, at), w in self._known.items()),
            columns=tuple(column for _, column in self._columns.values()),
            tables=tuple(self._tables),
            uses=tuple(self._uses),
            readings=self.readings.freeze(pool, renamed, self.n_wires, 0),
        )
        passes(block)  # an interval that comes back to its block over a tree and a carry would be shown by itself
        return block

    def _open(self, name: str, kind: Kind, count: int) -> tuple[Wire, ...]:
        name = self.scoped(name)
        if name in self._ports:
            raise CircuitError(f"{name}: read from another block already")
        if 0 not in kind:
            raise CircuitError(f"{name} is {kind.name}, and the block without a source reads 0")
        first = self.allocate(count, f"{name} of another block")
        self._ports[name] = (kind, tuple(range(first, first + count)))
        lo, hi = (None, None) if kind.is_felt else (kind.lo, kind.hi)
        return tuple(Wire(self, {first + i: 1}, lo, hi) for i in range(count))

    def _close(self, name: str, count: int, wires: Sequence[Wire]) -> None:
        name = self.scoped(name)
        kind, ports = self._ports.get(name, (None, ()))
        if kind is None or len(ports) != count or name in self._sources:
            raise CircuitError(f"{name}: no port of another block, or one whose source is known already")
        for wire in wires:
            if not kind.is_felt and not (kind.lo <= wire.bounds[0] and wire.bounds[1] <= kind.hi):
                raise CircuitError(f"{name}: {wire!r} may not be {kind.name}, as other blocks read it")
        self._sources[name] = tuple(self._own_wire(wire, name) for wire in wires)

    def _own_wire(self, wire: Wire, name: str) -> int:
        """A single wire of the block itself with this value: a copy where it is anything else. One row at most."""
        terms = dict(wire.terms)
        elsewhere = {w for _, wires in self._ports.values() for w in wires}
        elsewhere |= {next(iter(known.terms)) for known in self._known.values()}
        if len(terms) == 1 and next(iter(terms.values())) == 1:
            index = next(iter(terms))
            if index > self.n_public and index not in elsewhere:
                return index
        copy = self.allocate(1, name)
        row = self.row(terms, ONE, {copy: 1}, self.label(f"{name}, for other blocks"))
        self.step(STEP_SOLVE, copy, row)
        return copy

    def _known_wire(self, name: str, what: int, parameter: int, lo: int | None, hi: int | None) -> Wire:
        if (what, parameter) not in self._known:
            self._known[what, parameter] = Wire(self, {self.allocate(1, name): 1}, lo, hi)
        return self._known[what, parameter]

    def _provide(self, table: str, values: Sequence[WireLike], times: WireLike | None = None) -> None:
        if times is not None:
            self._use(table, values, as_wire(self, times), provides=True, multiplicity=0)
            return
        multiplicity = self.allocate(1, f"times {table}")
        self._use(table, values, Wire(self, {multiplicity: 1}, None, None), provides=True, multiplicity=multiplicity)

    def _use(
        self,
        table: str,
        values: Sequence[WireLike],
        weight: Wire,
        *,
        provides: bool,
        multiplicity: int,
        label: str = "",
    ) -> None:
        if not 1 <= len(values) <= MAX_TUPLE:
            raise CircuitError(f"table {table}: a tuple of {len(values)} values, wanted 1 to {MAX_TUPLE}")
        number = self._tables.setdefault(table, len(self._tables))
        arity = self._arities.setdefault(number, len(values))
        if arity != len(values):
            raise CircuitError(f"table {table}: tuples of {sorted((arity, len(values)))} values")
        if not multiplicity and not max(-weight.bounds[0], weight.bounds[1]) <= MAX_WEIGHT:
            raise CircuitError(f"table {table}: {weight!r} as a weight: wanted at most 2^128")
        first = len(self.readings)
        for wire in (weight, *(as_wire(self, value, felt=True) for value in values)):
            self.readings.append(wire.terms)
        self._weights.append(weight)
        said = self.scoped(label) if label else ""
        self._uses.append(Use(number, provides, first, len(values), multiplicity, said))

    def _refuse_range(self, table: str) -> None:
        if table.startswith(RANGE):
            raise CircuitError(f"table {table}: used by provide_range and ranged alone, which intervals rest on")

    def _pin_weights(self) -> None:
        """Of a table whose numbers are hidden, lookups must not take away: a false tuple could be hidden by another.

        The interval of a weight may itself rest on lookups, of this table even; so a row of its own keeps it.
        """
        hidden = {use.table for use in self._uses if use.multiplicity}
        known = {ONE_WIRE} | {next(iter(wire.terms)) for wire in self._known.values()}
        names, pinned = list(self._tables), []
        for use, weight in zip(self._uses, self._weights, strict=True):
            if use.table not in hidden or use.provides:
                continue
            settled = set(weight.terms) <= known
            if weight.bounds[0] < 0 or not (settled or weight.is_boolean):
                wanted = "wanted known values of at least 0, or a bit, as how often it is provided is hidden"
                raise CircuitError(f"table {names[use.table]}: {weight!r} as a weight: {wanted}")
            if not settled and weight.terms not in pinned:
                pinned.append(weight.terms)
                label = f"table {names[use.table]}: the weight is a bit"
                self.row(weight.terms, weight.terms, weight.terms, self.label(label))


def compile_blocks(statement: BlockStatement) -> BlockCircuit:
    """Compile what holds of a block.

    CircuitError as `build`, for links and tables that have one side alone, and where what the next block or a tree's
    leaf reads depends on the children of its block.
    """
    return BlockBuilder().finished(statement)
