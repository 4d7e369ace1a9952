"""What a batch by Mirage is about: the known values of its blocks, as anyone has them from what the venue published."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from circuits.account_block import ENDS
from zkstate.constraint.block_circuit import COLUMN, known_value
from zkstate.constraint.unrolled import Unrolled
from zkstate.kernels import FR_BYTES, FrVec
from zkstate.proof.mirage import Statement, digest_of
from zkstate.solvency.plan import Bytes32, Part
from zkstate.solvency.publics import OWN_COLUMNS, Published

Item = tuple[FrVec, bytes]  # the values of all blocks, and their digest


@dataclass(frozen=True, eq=False)
class KnownValues:
    """Of the batches of one circuit: what all of one epoch share is made once, whichever thread asks first."""

    circuit: Unrolled
    _shared: dict[bytes, dict[int, Item]] = field(default_factory=dict, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def statement(self, published: Published, part: Part, before: int, after: int) -> Statement:
        """What the proof of a batch has to be about."""
        shared, own = self._of_epoch(published, part), self._own(published, part, before, after)
        block = self.circuit.block
        named = {wire: own[name] for wire, name in self._own_wires().items()}
        items = [named[item.wire] if item.wire in named else shared[item.wire] for item in block.known]
        return Statement(FrVec(0), tuple(values for values, _ in items), tuple(digest for _, digest in items))

    def _own_wires(self) -> dict[int, str]:
        """The wires of columns that are each batch's own."""
        block = self.circuit.block
        names = {item.wire: block.columns[item.parameter].name for item in block.known if item.what == COLUMN}
        return {wire: name for wire, name in names.items() if name in OWN_COLUMNS}

    def _of_epoch(self, published: Published, part: Part) -> dict[int, Item]:
        """The known values that no batch has of its own, by wire."""
        key = published.header.hash
        with self._lock:
            if key not in self._shared:
                block, blocks = self.circuit.block, self.circuit.blocks
                columns = block.checked_columns(published.columns(part, 0, 0), blocks)
                own = self._own_wires()
                values = {item.wire: known_value(item, columns, blocks) for item in block.known if item.wire not in own}
                self._shared.clear()
                self._shared[key] = {wire: (value, digest_of(value)) for wire, value in values.items()}
            return self._shared[key]

    def _own(self, published: Published, part: Part, before: int, after: int) -> dict[str, Item]:
        """The sums and leaves, and the bounds of ids: as `Published.columns` has them, from bytes."""
        n = len(part.leaves)
        columns = {name: np.zeros((part.accounts + ENDS, FR_BYTES), np.uint8) for name in OWN_COLUMNS}
        columns["stated"][0], columns["stated"][-1] = _element(before), _element(after)
        columns["real"][1 : 1 + n, -1] = 1
        columns["next_bound"][[0, *range(1 + n, part.accounts + ENDS)], -1] = 1
        for name, values, at in (
            ("stated", published.leaves, 0),
            ("bound", published.bounds, 0),
            ("next_bound", published.bounds, 1),
        ):
            columns[name][1 : 1 + n] = values[part.leaves + at]
        found = {name: FrVec.from_bytes(content.tobytes()) for name, content in columns.items()}
        return {name: (values, digest_of(values)) for name, values in found.items()}


def _element(value: int) -> Bytes32:
    return np.frombuffer(value.to_bytes(FR_BYTES), np.uint8)
