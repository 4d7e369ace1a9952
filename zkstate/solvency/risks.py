"""What the portfolio rule reads beside entries: what a unit of each instrument gains or loses, in chunks of changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuits.portfolio_block import CHUNKS, chunks_of, risk_columns
from zkstate.constraint.r1cs import gather
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.state.scenarios import ScenarioTable

Index = NDArray[np.int64]
LEAST = 16  # chunks that a circuit has room for


def capacity(table: ScenarioTable) -> int:
    """How many chunks a circuit has room for that reads this table: a power of two."""
    count = (len(table) + 1) * chunks_of(len(table.shocks))[0]
    return max(LEAST, 1 << (count - 1).bit_length())


@dataclass(frozen=True)
class Risks:
    """A scenario table as transparent batches read it: chunks of changes by instrument, the null one's first."""

    table: ScenarioTable
    _columns: dict[int, dict[str, list[int]]] = field(default_factory=dict, init=False, repr=False)

    @property
    def scenarios(self) -> int:
        return len(self.table.shocks)

    def columns(self, log_blocks: int) -> dict[str, list[int]]:
        """The public columns: of each member as many chunks as there are blocks, then as many more; and the factor."""
        if log_blocks not in self._columns:
            blocks, listed = 1 << log_blocks, self._listed()
            found = {"factor": [self.table.factor(initial=False)]}
            for k, at in enumerate(range(0, len(listed), blocks)):
                members = zip(*listed[at : at + blocks], strict=True)
                named = zip(risk_columns(self.scenarios, k), members, strict=True)
                found |= {name: [value % FR_MODULUS for value in values] for name, values in named}
            self._columns[log_blocks] = found
        return self._columns[log_blocks]

    def _listed(self) -> list[tuple[int, ...]]:
        """Every chunk: its key and its changes, filled up with the first to the circuit's room."""
        chunks, width = chunks_of(self.scenarios)
        listed = []
        for instrument in range(len(self.table) + 1):
            changes = [*self.table[instrument].changes, *[0] * (chunks * width - self.scenarios)]
            listed += [(instrument * CHUNKS + k, *changes[k * width : (k + 1) * width]) for k in range(chunks)]
        return listed + listed[:1] * (capacity(self.table) - len(listed))

    def read(self, instruments: Index) -> FrVec:
        """The changes of some instruments, all of one before those of the next."""
        places = instruments[:, None] * self.scenarios + np.arange(self.scenarios)
        return gather(self._changes, places.reshape(-1).astype(np.uint32))

    @cached_property
    def _changes(self) -> FrVec:
        """The changes of every instrument, the null one's first."""
        listed = (change for i in range(len(self.table) + 1) for change in self.table[i].changes)
        return FrVec.from_ints(change % FR_MODULUS for change in listed)
