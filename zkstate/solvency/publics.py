"""What both sides of a solvency proof compute: the public inputs of a batch, from what the venue published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from circuits.account_block import ENDS
from zkstate.commitment.domain import tag
from zkstate.commitment.merkle import ACCOUNTS_ARITY, ACCOUNTS_NODE, MerkleTree
from zkstate.commitment.poseidon import poseidon
from zkstate.errors import DisagreementError, LengthError
from zkstate.kernels import FR_BYTES, FR_MODULUS, FrVec, poseidon_chain_many
from zkstate.publication.header import Header
from zkstate.publication.layout import tile_path
from zkstate.publication.regular import read_below
from zkstate.publication.tiles import TILE_NODES, tile_count
from zkstate.solvency import challenges
from zkstate.solvency.challenges import Challenge
from zkstate.solvency.plan import Bytes32, Part, stated_leaves
from zkstate.solvency.tables import Entries, ReadTable
from zkstate.state.ledger import Totals


@dataclass(frozen=True, slots=True)
class Sums:
    """What runs through all batches: the fraction sum of what is held, unhealthy accounts, 10^-22 quote they lack.

    And `profit`, what market rows have gained in 10^-16 quote: value less entry value and funding due. Modulo r as
    `held` is; that of all accounts is below 2^167 in size (docs/spec.md, section 13), and so one integer.
    """

    held: int = 0
    unhealthy: int = 0
    shortfall: int = 0
    profit: int = 0

    def __add__(self, other: Sums) -> Sums:
        held, profit = (self.held + other.held) % FR_MODULUS, (self.profit + other.profit) % FR_MODULUS
        return Sums(held, self.unhealthy + other.unhealthy, self.shortfall + other.shortfall, profit)

    @property
    def net_profit(self) -> int:
        """The profit as the integer, which is negative where positions have lost more than they gained."""
        return self.profit - FR_MODULUS * (self.profit > FR_MODULUS // 2)

    def commitment(self, blind: int) -> int:
        """P(T("solvency sums"); 0, blind, held, 0, unhealthy, shortfall, profit): where a leaf has its parts."""
        return poseidon(tag("solvency sums"), [0, blind, self.held, 0, self.unhealthy, self.shortfall, self.profit])


@dataclass(frozen=True, slots=True)
class Committed:
    """What a batch by Groth16 commits to before its challenges are drawn."""

    before: int
    after: int
    reads: int


@dataclass(frozen=True)
class Published:
    """An epoch as anyone sees it; `leaves` and `bounds` are (n, 32) and (n + 1, 32) big-endian bytes."""

    header: Header
    table: ReadTable
    leaves: Bytes32
    bounds: Bytes32

    @cached_property
    def challenge(self) -> Challenge:
        """Where the totals are compared."""
        return challenges.of_epoch(self.header.hash)

    @cached_property
    def inverses(self) -> FrVec:
        """1 / (point − i) for each instrument i, the null one included."""
        point = self.challenge.point
        return FrVec.from_ints((point - i) % FR_MODULUS for i in range(self.table.instruments)).inverse()

    def inputs(self, part: Part, committed: Committed) -> list[int]:
        """The public inputs of a batch by Groth16, in the statement's order."""
        return self.inputs_of([(part, committed)])[0]

    def inputs_of(self, batches: Sequence[tuple[Part, Committed]]) -> list[list[int]]:
        """Those of several batches of one class: their chains are hashed side by side, some at a time."""
        return [found for at in range(0, len(batches), _AT_ONCE) for found in self._inputs(batches[at : at + _AT_ONCE])]

    def _inputs(self, batches: Sequence[tuple[Part, Committed]]) -> list[list[int]]:
        stated = [stated_leaves(part, self.leaves, self.bounds) for part, _ in batches]
        leaves, sums = _chains("solvency leaves", stated), [(c.before, c.after, c.reads) for _, c in batches]
        drawn = [
            challenges.of_batch(self.header.hash, part.rows, part.number, (own, *committed))
            for (part, _), own, committed in zip(batches, leaves, sums, strict=True)
        ]
        tables = _chains("solvency table", [self.table.keys(each.mix) for each in drawn])
        epoch = (self.challenge.point, self.challenge.mix)
        return [
            [own, table, *committed, *epoch, each.point, each.mix]
            for own, table, committed, each in zip(leaves, tables, sums, drawn, strict=True)
        ]

    @cached_property
    def entries(self) -> Entries:
        """What the rows of a transparent batch may read."""
        return Entries.of(self.table, self.inverses, self.challenge.mix)

    @cached_property
    def portfolio_entries(self) -> Entries:
        """The same where the portfolio rule judges."""
        return Entries.of(self.table, self.inverses, self.challenge.mix, by_portfolio=True)

    def entries_of(self, part: Part) -> Entries:
        """What the rows of this batch may read."""
        return self.portfolio_entries if part.by_portfolio else self.entries

    def columns(self, part: Part, before: int, after: int) -> dict[str, list[int]]:
        """The public columns of a batch of blocks: the sums before, the accounts or padding, the sums after.

        A column that is shorter than the blocks are goes on with its last value.
        """
        count, room = len(part.leaves), part.accounts
        log_blocks = (room + ENDS).bit_length() - 1
        leaves, lower, upper = (
            [int.from_bytes(value.tobytes()) for value in values[part.leaves + at]]
            for values, at in ((self.leaves, 0), (self.bounds, 0), (self.bounds, 1))
        )
        return {
            "stated": [before, *leaves, *[0] * (room - count), after],
            "real": [0, *[1] * count, 0],
            "bound": [0, *lower, 0],
            "next_bound": [1, *upper, 1],
            **self.entries_of(part).columns(log_blocks),
            **(self.table.required_risks().columns(log_blocks) if part.by_portfolio else {}),
        }

    def held(self, totals: Totals) -> int:
        """The fraction sum that these totals make: Σ (credit + mix·debit) / (point − instrument)."""
        count = len(totals.credits)
        credit, debit = (FrVec.from_ints([0, *column]) for column in (totals.credits, totals.debits))
        inverses = self.inverses.slice(0, count + 1)
        return (credit.dot(inverses) + self.challenge.mix * debit.dot(inverses)) % FR_MODULUS


OWN_COLUMNS = ("stated", "real", "bound", "next_bound")  # of each batch; the others are those of its epoch
START = Sums().commitment(0)
_AT_ONCE = 16  # chains that the core hashes side by side


def _chains(name: str, each: Sequence[FrVec]) -> list[int]:
    """C(T(name); elements) of vectors of one length."""
    return poseidon_chain_many(tag(name), FrVec.concat(each), len(each[0]), threads=1).to_ints()


def published_leaves(public: Path, header: Header) -> Bytes32:
    """The leaves out of the tiles, those that the header commits to: whoever serves files may serve others later.

    Errors: MissingError, SourceError; LengthError, EncodingError for what are no leaves of so many accounts;
    DisagreementError with both roots for those of another tree.
    """
    count = header.account_count
    tiles = [read_below(public, tile_path(0, i), FR_BYTES * TILE_NODES) for i in range(tile_count(count, 0))]
    content = b"".join(tiles)
    if len(content) != FR_BYTES * count:
        raise LengthError(f"tiles of {len(content)} bytes, {count} leaves have {FR_BYTES * count}")
    root = MerkleTree(FrVec.from_bytes(content), ACCOUNTS_ARITY, header.accounts_depth, ACCOUNTS_NODE).root
    if root != header.accounts_root:
        raise DisagreementError(f"the tiles have root {root:#066x}, and accounts_root is {header.accounts_root:#066x}")
    return np.frombuffer(content, np.uint8).reshape(-1, FR_BYTES)
