"""What the rows of a batch may read: one entry for each instrument and tier, which a verifier takes from the table.

Of a batch by Groth16 an entry is (instrument, price, notional_price, funding, lower, upper, offset, word), read by a
key of one field element: with a mix m the sum of m^k times its k-th member. Of a transparent one see `Entries`.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.account_block import ENDS, ENTRY, MOST_LIMB, RATES, TOP, AccountBlock, block_of, entry_column
from circuits.batch import Batch, RoundedBatch, filled
from circuits.batch_account import RATE_BITS
from circuits.portfolio_block import portfolio_block_of
from circuits.priced import OFFSET_SCALE
from zkstate.constraint import compile_blocks
from zkstate.constraint.block_circuit import MAX_TUPLE, BlockCircuit
from zkstate.constraint.r1cs import gather
from zkstate.constraint.unrolled import Unrolled
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof.keys import domain_of
from zkstate.solvency.classes import class_name, rows_of
from zkstate.solvency.risks import Risks, capacity
from zkstate.state.health import TableColumns, table_columns
from zkstate.state.margin import BOUND_SCALE
from zkstate.state.scenarios import ScenarioTable
from zkstate.state.schema import PORTFOLIO, ROUNDED, SHORT_ONLY, UNBOUNDED, Instrument, Tier
from zkstate.state.table import InstrumentTable

Index = NDArray[np.int64]

MAX_CONSTRAINTS = 1 << 23
ROW_CONSTRAINTS, ENTRY_CONSTRAINTS = 1600, 78  # the row's share of its account included; a few rows have more
BLOCK_CONSTRAINTS, BLOCK_ROW_CONSTRAINTS = 800, 300  # at most, of a transparent batch: an account and each row
PROVIDED = 2 * MAX_TUPLE  # at most, of a batch by Mirage, beside: each tuple of known values, for products and sums
RISK_CONSTRAINTS, RISK_ROW_CONSTRAINTS = 32, 12  # at most, by scenario, of the portfolio rule: an account and each row


@dataclass(frozen=True, slots=True)
class ReadTable:
    """The entries of a table in order of instrument and tier, filled up with the first one to a power of two.

    `first[i]` is the first entry of instrument i; `fields` are the members, each a vector over the entries.
    """

    columns: TableColumns
    first: Index
    listed: tuple[tuple[Instrument, Tier], ...]
    fields: tuple[FrVec, ...]
    rounds: bool
    risks: Risks | None
    LEAST: ClassVar[int] = 16

    @classmethod
    def of(cls, table: InstrumentTable, scenarios: ScenarioTable | None = None) -> ReadTable:
        """The entries of a published table, the null instrument's first, and `scenarios` if some stand beside it."""
        instruments = [table[i] for i in range(len(table) + 1)]
        listed = [(instrument, tier) for instrument in instruments for tier in instrument.tiers]
        capacity = max(cls.LEAST, 1 << (len(listed) - 1).bit_length())
        listed += [listed[0]] * (capacity - len(listed))
        first = np.cumsum([0, *(len(i.tiers) for i in instruments)])[:-1].astype(np.int64)
        members = zip(*(_entry(*each) for each in listed), strict=True)
        fields = tuple(FrVec.from_ints(value % FR_MODULUS for value in column) for column in members)
        rounds = any(i.flags & ROUNDED for i in instruments)
        return cls(
            table_columns(table), first, tuple(listed), fields, rounds, None if scenarios is None else Risks(scenarios)
        )

    def __len__(self) -> int:
        return len(self.fields[0])

    @property
    def instruments(self) -> int:
        """How many instruments there are, the null one among them."""
        return len(self.first)

    def most_constraints(self, rows: int, accounts: int) -> int:
        """What a batch by Groth16 of so many accounts of so many rows is limited by: about what it has of them."""
        return accounts * rows * ROW_CONSTRAINTS + len(self) * ENTRY_CONSTRAINTS

    def most_of_block(self, kind: int, log_blocks: int) -> int:
        """What no block of a transparent batch of a class has more constraints than."""
        listed = (len(self) + (1 << MOST_LIMB) >> log_blocks) + 2
        most = BLOCK_CONSTRAINTS + rows_of(kind) * BLOCK_ROW_CONSTRAINTS + listed
        if kind < PORTFOLIO:
            return most
        risks = self.required_risks()
        own = RISK_CONSTRAINTS + rows_of(kind) * RISK_ROW_CONSTRAINTS + 1
        return most + (risks.scenarios + 1) * own + (capacity(risks.table) >> log_blocks)

    def block(self, kind: int, log_blocks: int) -> AccountBlock:
        """The statement of an account of a class, in a transparent batch of 2^log_blocks blocks."""
        rows, entries = rows_of(kind), len(self)
        if kind < PORTFOLIO:
            return block_of(rows, log_blocks, entries, rounded=self.rounds)
        risks = self.required_risks()
        chunks = capacity(risks.table)
        return portfolio_block_of(rows, log_blocks, entries, risks.scenarios, chunks, rounded=self.rounds)

    def required_risks(self) -> Risks:
        """The scenarios. EncodingError for a table that none stand beside."""
        if self.risks is None:
            raise EncodingError("the epoch commits to no scenarios, which the portfolio rule needs")
        return self.risks

    def statement(self, rows: int, accounts: int) -> Batch:
        """The statement of a batch by Groth16 of so many accounts of so many rows each.

        LengthError for one that could have more than MAX_CONSTRAINTS, which nobody should be made to compile.
        """
        most = self.most_constraints(rows, accounts)
        if most > MAX_CONSTRAINTS:
            found = f"{accounts} accounts of {rows} rows and {len(self)} entries"
            raise LengthError(f"a batch of {found}: up to {most} constraints, the limit is {MAX_CONSTRAINTS}")
        return (RoundedBatch if self.rounds else Batch)(rows, accounts, len(self))

    def filled(self, kind: int, accounts: int) -> int:
        """How many accounts the domain of a batch by Groth16 of so many has room for, of those that `statement` takes.

        LengthError as there.
        """
        rows = rows_of(kind)
        most = (MAX_CONSTRAINTS - len(self) * ENTRY_CONSTRAINTS) // (rows * ROW_CONSTRAINTS)
        return min(filled(self.statement(rows, accounts)).accounts, most)

    def most_unrolled(self, kind: int, blocks: int) -> int:
        """What a batch by Mirage of so many blocks of a class is limited by: it has no more constraints."""
        log_blocks = blocks.bit_length() - 1
        tuples = (len(self) >> log_blocks) + 1
        if kind >= PORTFOLIO:
            tuples += (capacity(self.required_risks().table) >> log_blocks) + 1
        return blocks * (self.most_of_block(kind, log_blocks) + tuples * PROVIDED)

    def unrolled(self, kind: int, accounts: int) -> Unrolled:
        """The circuit of a batch by Mirage of so many accounts of a class.

        LengthError for one that could have more than MAX_CONSTRAINTS, which nobody should be made to compile.
        """
        blocks = accounts + ENDS
        log_blocks = blocks.bit_length() - 1
        most = self.most_unrolled(kind, blocks)
        if most > MAX_CONSTRAINTS:
            found = f"{accounts} accounts of class {class_name(kind)} and {len(self)} entries"
            raise LengthError(f"a batch of {found}: up to {most} constraints, the limit is {MAX_CONSTRAINTS}")
        return Unrolled(compile_blocks(self.block(kind, log_blocks)), blocks)

    def unrolled_name(self, kind: int, accounts: int) -> str:
        """mirage-8x266-e512: class, accounts, entries; `-r` where rounding is followed, then scenarios and chunks."""
        name = f"mirage-{class_name(kind)}x{accounts}-e{len(self)}{'-r' if self.rounds else ''}"
        if kind < PORTFOLIO:
            return name
        risks = self.required_risks()
        return f"{name}-s{risks.scenarios}x{capacity(risks.table)}"

    def filled_blocks(self, kind: int, accounts: int) -> int:
        """How many accounts the domain of a batch by Mirage of so many has room for. LengthError as `unrolled`."""
        circuit = self.unrolled(kind, accounts)
        domain = domain_of(circuit.n_constraints, circuit.n_public)

        def fits(blocks: int, block: BlockCircuit) -> bool:
            grown = Unrolled(block, blocks)
            return domain_of(grown.n_constraints, grown.n_public) <= domain  # less where blocks provide fewer entries

        found, block = circuit.blocks, circuit.block
        while True:  # blocks of one power of two after another, as the circuit of a block depends on it
            below = 1 << found.bit_length()
            most = bisect_left(range(found + 1, below), True, key=lambda blocks: not fits(blocks, block)) + found
            if most + 1 < below:
                return most - ENDS
            try:
                next_block = self.unrolled(kind, below - ENDS).block
            except LengthError:
                return most - ENDS
            if not fits(below, next_block):
                return most - ENDS
            found, block = below, next_block

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


@dataclass(frozen=True)
class Entries:
    """The entries of a table as transparent batches read them: vectors by member, with weights at a challenge."""

    members: dict[str, FrVec]
    _columns: dict[int, dict[str, list[int]]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, table: ReadTable, inverses: FrVec, mix: int, *, by_portfolio: bool = False) -> Entries:
        """`inverses` are 1/(point − i) for each instrument i; the portfolio rule reads contingency rates too."""
        weights = inverses.to_ints()
        listed = [_members(*each, weights[each[0].id], mix) for each in table.listed]
        names: tuple[str, ...] = ENTRY
        if by_portfolio:
            names += RATES
            risks = table.required_risks().table
            rates = [[risks[each.id].rate(sign, initial=False) for sign in (1, -1)] for each, _ in table.listed]
            listed = [(*members, *own) for members, own in zip(listed, rates, strict=True)]
        columns = zip(*listed, strict=True)
        vectors = (FrVec.from_ints(value % FR_MODULUS for value in column) for column in columns)
        return cls(dict(zip(names, vectors, strict=True)))

    def columns(self, log_blocks: int) -> dict[str, list[int]]:
        """The public columns: of each member as many entries as there are blocks, then as many more."""
        if log_blocks not in self._columns:
            blocks = 1 << log_blocks
            self._columns[log_blocks] = {
                entry_column(name, at // blocks): values[at : at + blocks]
                for name, values in ((name, vec.to_ints()) for name, vec in self.members.items())
                for at in range(0, len(values), blocks)
            }
        return self._columns[log_blocks]

    def read(self, entries: Index) -> dict[str, FrVec]:
        """What rows read, member by member without the instrument, each from its entry."""
        index = entries.astype(np.uint32)
        return {name: gather(values, index) for name, values in self.members.items() if name != "instrument"}


def _members(i: Instrument, tier: Tier, credit: int, mix: int) -> tuple[int, ...]:
    """The members of an entry of a transparent batch, in the order of ENTRY."""
    top = TOP if tier.upper == UNBOUNDED else tier.upper * BOUND_SCALE
    funding = 0 if i.is_asset else i.funding
    bounds = (tier.lower * BOUND_SCALE, top, tier.rate, tier.offset * OFFSET_SCALE)
    spared, rounded = i.is_asset or bool(i.flags & SHORT_ONLY), bool(i.flags & ROUNDED)
    flags = (not i.is_asset, spared, rounded, not i.id)
    return (i.id, i.price, i.notional_price, funding, *bounds, *map(int, flags), credit, credit * mix)


def _entry(instrument: Instrument, tier: Tier) -> tuple[int, ...]:
    i = instrument
    flags = (i.is_asset, bool(i.flags & SHORT_ONLY), bool(i.flags & ROUNDED), tier.upper == UNBOUNDED)
    word = tier.rate + sum(int(flag) << (RATE_BITS + place) for place, flag in enumerate(flags))
    return (i.id, i.price, i.notional_price, i.funding, tier.lower, tier.upper, tier.offset, word)
