"""What the rows of a batch may read: one entry for each instrument and tier, under a key of one field element.

An entry is (instrument, price, notional_price, funding, lower, upper, offset, word); its key with a mix m is the sum of
m^k times its k-th member. A batch reads keys, and a verifier computes them from the published table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.batch import Batch, RoundedBatch
from circuits.batch_account import RATE_BITS
from zkstate.constraint.r1cs import gather
from zkstate.errors import LengthError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.state.health import TableColumns, table_columns
from zkstate.state.schema import ROUNDED, SHORT_ONLY, UNBOUNDED, Instrument, Tier
from zkstate.state.table import InstrumentTable

Index = NDArray[np.int64]

MAX_CONSTRAINTS = 1 << 23
ROW_CONSTRAINTS, ENTRY_CONSTRAINTS = 1600, 78  # at most, the row's share of its account included


@dataclass(frozen=True, slots=True)
class ReadTable:
    """The entries of a table in order of instrument and tier, filled up with the first one to a power of two.

    `first[i]` is the first entry of instrument i; `fields` are the members, each a vector over the entries.
    """

    columns: TableColumns
    first: Index
    fields: tuple[FrVec, ...]
    rounds: bool
    LEAST: ClassVar[int] = 16

    @classmethod
    def of(cls, table: InstrumentTable) -> ReadTable:
        """The entries of a published table, the null instrument's first."""
        listed = [table[i] for i in range(len(table) + 1)]
        entries = [_entry(instrument, tier) for instrument in listed for tier in instrument.tiers]
        capacity = max(cls.LEAST, 1 << (len(entries) - 1).bit_length())
        entries += [entries[0]] * (capacity - len(entries))
        first = np.cumsum([0, *(len(i.tiers) for i in listed)])[:-1].astype(np.int64)
        fields = tuple(FrVec.from_ints(value % FR_MODULUS for value in column) for column in zip(*entries, strict=True))
        return cls(table_columns(table), first, fields, any(i.flags & ROUNDED for i in listed))

    def __len__(self) -> int:
        return len(self.fields[0])

    @property
    def instruments(self) -> int:
        """How many instruments there are, the null one among them."""
        return len(self.first)

    def most_constraints(self, rows: int, accounts: int) -> int:
        """What no batch of so many accounts of so many rows has more of."""
        return accounts * rows * ROW_CONSTRAINTS + len(self) * ENTRY_CONSTRAINTS

    def statement(self, rows: int, accounts: int) -> Batch:
        """The statement of a batch of so many accounts of so many rows each.

        LengthError for one that could have more than MAX_CONSTRAINTS, which nobody should be made to compile.
        """
        most = self.most_constraints(rows, accounts)
        if most > MAX_CONSTRAINTS:
            found = f"{accounts} accounts of {rows} rows and {len(self)} entries"
            raise LengthError(f"a batch of {found}: up to {most} constraints, the limit is {MAX_CONSTRAINTS}")
        return (RoundedBatch if self.rounds else Batch)(rows, accounts, len(self))

    def keys(self, mix: int) -> FrVec:
        """The key of every entry."""
        total, power = self.fields[0], 1
        for column in self.fields[1:]:
            power = power * mix % FR_MODULUS
            total = total + column.scale(power)
        return total

    def read(self, entries: Index) -> list[FrVec]:
        """What rows read, member by member without the instrument, each from its entry."""
        index = entries.astype(np.uint32)
        return [gather(column, index) for column in self.fields[1:]]


def _entry(instrument: Instrument, tier: Tier) -> tuple[int, ...]:
    i = instrument
    flags = (i.is_asset, bool(i.flags & SHORT_ONLY), bool(i.flags & ROUNDED), tier.upper == UNBOUNDED)
    word = tier.rate + sum(int(flag) << (RATE_BITS + place) for place, flag in enumerate(flags))
    return (i.id, i.price, i.notional_price, i.funding, tier.lower, tier.upper, tier.offset, word)
