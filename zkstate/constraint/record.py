"""Record: what a circuit is while it grows: rows, labels, names, requirements, steps that solve it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from zkstate.constraint.rows import FIRST_TEMPORARY, Pool, RowBuffer
from zkstate.errors import CircuitError

Terms = Mapping[int, int]

# What a requirement says of its sides; the place in this list is its code. "fits" and "true" have one side.
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "fits", "true")


@dataclass(slots=True)
class BlockUses:
    """Where copies of a template stand: the same rows up to a shift of wires, but for its ports' rows."""

    rows: int
    wires: int
    port_rows: tuple[int, ...]
    first_rows: list[int] = field(default_factory=list)
    first_wires: list[int] = field(default_factory=list)


class Record:
    """Buffers, and the low-level operations on them. `Builder` gives them their meaning."""

    def __init__(self) -> None:
        self.pool = Pool()
        self.a, self.b, self.c = RowBuffer(self.pool), RowBuffer(self.pool), RowBuffer(self.pool)
        self.combinations, self.sides = RowBuffer(self.pool), RowBuffer(self.pool)
        self.readings = RowBuffer(self.pool)  # linear combinations that a block's tables speak of
        self.labels: dict[str, int] = {}
        self.row_labels = array("I")
        self.steps = array("I")  # (step, target, source, count) each
        self.requirements = array("I")  # (operator, label, first row, past the last row) each; two rows of sides
        self.names: list[tuple[int, str]] = []  # (first wire, name), a name holds until the next
        self.blocks: dict[str, BlockUses] = {}
        self.n_wires = 0
        self.n_public = 0
        self.n_temporaries = 0
        self._scope: list[str] = []

    @property
    def n_rows(self) -> int:
        return len(self.row_labels)

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Labels and names of what is built inside begin with `name: `."""
        self._scope.append(name)
        try:
            yield
        finally:
            self._scope.pop()

    def scoped(self, text: str) -> str:
        return ": ".join([*self._scope, text])

    def label(self, text: str) -> int:
        """The number of a label, the scope included."""
        return self.labels.setdefault(self.scoped(text), len(self.labels))

    def allocate(self, count: int, name: str) -> int:
        """The first of `count` new wires, which share a name."""
        first = self.n_wires
        self.names.append((first, self.scoped(name)))
        self.n_wires += count
        if self.n_wires >= FIRST_TEMPORARY:
            raise CircuitError(f"{self.n_wires} wires: the limit is {FIRST_TEMPORARY}")
        return first

    def temporaries(self, count: int) -> range:
        """Slots for intermediate values, shared: they keep nothing from one gadget to the next."""
        self.n_temporaries = max(self.n_temporaries, count)
        return range(FIRST_TEMPORARY, FIRST_TEMPORARY + count)

    def row(self, a: Terms, b: Terms, c: Terms, label: int) -> int:
        """The row a·b = c; its number."""
        self.a.append(a)
        self.b.append(b)
        self.c.append(c)
        self.row_labels.append(label)
        return self.n_rows - 1

    def boolean_rows(self, first: int, count: int, label: int) -> None:
        """w·w = w for consecutive wires."""
        wires = range(first, first + count)
        for matrix in (self.a, self.b, self.c):
            matrix.append_each(wires)
        self.row_labels.extend([label] * count)

    def step(self, step: int, target: int, source: int, count: int = 1) -> None:
        self.steps.extend((step, target, source, count))

    def combination(self, terms: Terms) -> int:
        """A linear combination for steps to read; its number."""
        self.combinations.append(terms)
        return len(self.combinations) - 1

    def requirement(self, operator: str, label: int, first_row: int, left: Terms, right: Terms) -> None:
        """Rows from first_row to the last one are what `left operator right` became."""
        self.requirements.extend((OPERATORS.index(operator), label, first_row, self.n_rows))
        self.sides.append(left)
        self.sides.append(right)

    def note_block(self, name: str, like: BlockUses, first_row: int, first_wire: int) -> None:
        """A copy of the template `name` stands here."""
        uses = self.blocks.setdefault(name, BlockUses(like.rows, like.wires, like.port_rows))
        if (uses.rows, uses.wires) != (like.rows, like.wires):
            raise CircuitError(f"two templates are called {name!r}")
        uses.first_rows.append(first_row)
        uses.first_wires.append(first_wire)
