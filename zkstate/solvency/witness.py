"""The witness of a batch, by columns: what its accounts hold, what they read of the table, and the sums they add."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuits.batch import Batch
from circuits.batch_account import READ
from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import poseidon
from zkstate.kernels import FR_MODULUS, FrVec, poseidon_many
from zkstate.publication.holdings import Holdings
from zkstate.solvency.plan import Part
from zkstate.solvency.publics import Committed, Published, Sums
from zkstate.state import wide
from zkstate.state.columnar import row_limbs
from zkstate.state.health import assess_rows, counted_values, net_profit, notional_values, tiers_of
from zkstate.state.limbs import LIMBS, Limbs
from zkstate.state.portfolio import by_portfolio, worst_losses
from zkstate.state.schema import PPM

Index = NDArray[np.int64]
_CHAIN = 16


@dataclass(frozen=True, slots=True)
class Blinds:
    """What hides the sums and the reads of a batch; the sums of an epoch begin and end in the open, with 0."""

    before: int
    after: int
    reads: int

    @classmethod
    def of(cls, seed: bytes, number: int, count: int) -> Blinds:
        """Those of batch `number` of `count` in the order of the sums."""

        def drawn(kind: bytes, at: int) -> int:
            content = b"zkstate blinds v1" + seed + kind + at.to_bytes(8, "big")
            return int.from_bytes(hashlib.blake2b(content).digest(), "big") % FR_MODULUS

        def sums(at: int) -> int:
            return drawn(b"sums", at) if 0 < at < count else 0

        return cls(sums(number), sums(number + 1), drawn(b"read", number))


@dataclass(frozen=True)
class Accounts:
    """The accounts of one batch and what follows from them without a proof; padded to the places of the batch."""

    published: Published
    part: Part
    holdings: Holdings

    @classmethod
    def of(cls, published: Published, part: Part, holdings: Holdings) -> Accounts:
        """Those of a batch, from the columns of the whole epoch."""
        return cls(published, part, holdings.taken(part.leaves))

    @property
    def places(self) -> int:
        return self.part.accounts * self.part.rows

    @cached_property
    def at(self) -> Index:
        """The place of every row in the batch, account by account."""
        start, counts = self.holdings.rows.start, self.holdings.rows.counts
        account = np.repeat(np.arange(len(counts)), counts)
        return account * self.part.rows + np.arange(int(start[-1])) - start[account]

    @cached_property
    def entries(self) -> Index:
        """The table entry that each place reads: that of its instrument and of the tier of its notional value."""
        rows, columns = self.holdings.rows, self.published.table.columns
        instrument = rows.instrument.astype(np.int64)
        notional = notional_values(columns, instrument, rows.amount)
        found = np.zeros(self.places, np.int64)
        found[self.at] = self.published.table.first[instrument] + tiers_of(columns, instrument, notional)
        return found

    @cached_property
    def added(self) -> Sums:
        """What the batch adds to the sums."""
        rows, table = self.holdings.rows, self.published.table
        health = assess_rows(table.columns, rows)
        if self.part.by_portfolio:
            health = by_portfolio(health, table.columns, rows, table.required_risks().table)
        inverses = FrVec.from_raw(_gathered(self.published.inverses, rows.instrument))
        sizes = np.abs(rows.amount).view(np.uint64)
        credit, debit = (
            inverses.dot(_from_u64(np.where(chosen, sizes, 0))) for chosen in (rows.amount >= 0, rows.amount < 0)
        )
        held = (credit + self.published.challenge.mix * debit) % FR_MODULUS
        profit = net_profit(table.columns, rows) % FR_MODULUS
        return Sums(held, health.unhealthy_count, health.shortfall, profit)

    def committed(self, before: Sums, blinds: Blinds) -> Committed:
        """What the batch commits to by Groth16."""
        after = (before + self.added).commitment(blinds.after)
        return Committed(before.commitment(blinds.before), after, self._reads(blinds.reads))

    def fixed(self, statement: Batch, before: Sums, blinds: Blinds, committed: Committed) -> FrVec:
        """By Groth16: the constant one and every input of the statement, in wire order."""
        public = self.published.inputs(self.part, committed)
        mix = public[-1]
        named = {
            **{item.name: FrVec.from_ints([v]) for item, v in zip(statement.inputs(), public, strict=False)},
            **self.parts(),
            **self.rows(),
            **dict(zip(READ, self._read, strict=True)),
            "keys": self.published.table.keys(mix),
            "times": self._times,
            "reads_blind": FrVec.from_ints([blinds.reads]),
            "before_blind": FrVec.from_ints([blinds.before]),
            "after_blind": FrVec.from_ints([blinds.after]),
            "held_before": FrVec.from_ints([before.held]),
            "unhealthy_before": FrVec.from_ints([before.unhealthy]),
            "shortfall_before": FrVec.from_ints([before.shortfall]),
            "profit_before": FrVec.from_ints([before.profit]),
        }
        if statement.follows_rounding:
            named |= self.counted()
        return FrVec.concat([FrVec.ones(1), *(named[item.name] for item in statement.inputs())])

    @cached_property
    def _read(self) -> list[FrVec]:
        return self.published.table.read(self.entries)

    @cached_property
    def _times(self) -> FrVec:
        return _from_u64(np.bincount(self.entries, minlength=len(self.published.table)).astype(np.uint64))

    def _reads(self, blind: int) -> int:
        """The chain of what was read, account by account, then of how often each entry was."""
        raw = np.stack([np.frombuffer(v.raw(), "<u8").reshape(-1, LIMBS) for v in self._read], axis=1)
        each = raw.reshape(self.part.accounts, self.part.rows * len(READ), LIMBS)
        state = FrVec.from_ints([poseidon(tag("solvency reads"), [blind])])
        for elements in each:
            state = _chained(state, FrVec.from_raw(elements.tobytes()))
        return _chained(state, self._times)[0]

    def parts(self) -> dict[str, FrVec]:
        """The inputs of each account, with those of places without one."""
        parts, n = self.holdings.parts, self.part.accounts
        used = len(self.part.leaves)
        bounds = self.published.bounds
        column = {
            "real": np.ones((used, 1), np.uint8),
            "lower": bounds[self.part.leaves],
            "upper": bounds[self.part.leaves + 1],
            "account_id": parts.ids,
            "owner": parts.owners,
            "salt": parts.salts,
            "orders_digest": parts.orders,
            "history_head": parts.heads,
            "history_length": parts.lengths.astype(">u8").view(np.uint8).reshape(-1, 8),
        }
        found = {}
        for name, content in column.items():
            padded = np.zeros((n, 32), np.uint8)
            padded[:used, 32 - content.shape[1] :] = content
            if name == "upper":
                padded[used:, -1] = 1
            found[name] = FrVec.from_bytes(padded.tobytes())
        return found

    def rows(self) -> dict[str, FrVec]:
        """The inputs of each row as it is hashed: signed values with half their range added."""
        rows, used = self.holdings.rows, len(self.part.leaves)
        packed = np.zeros((self.part.accounts, self.part.rows, 2, LIMBS), np.uint64)
        packed[:used] = row_limbs(rows, np.arange(used), self.part.rows).reshape(used, self.part.rows, 2, LIMBS)
        packed[used:, :, 0, :2] = packed[used:, :, 1, 1:2] = np.uint64(1 << 63)
        flat = packed.reshape(self.places, 2, LIMBS)
        head, entry = flat[:, 0], flat[:, 1]
        return {
            "instrument": _from_u64(head[:, 2] >> np.uint64(1)),
            "isolated": _from_u64(head[:, 2] & np.uint64(1)),
            "amount": _from_u64(head[:, 1]),
            "entry": FrVec.from_limbs(np.ascontiguousarray(entry)),
            "funding_at_entry": _from_u64(head[:, 0]),
        }

    def risks(self) -> dict[str, FrVec]:
        """By the portfolio rule: the changes of each row's instrument, and the worst loss of each account."""
        risks, rows = self.published.table.required_risks(), self.holdings.rows
        instrument = np.zeros(self.places, np.int64)
        instrument[self.at] = rows.instrument
        worst = np.zeros((self.part.accounts, LIMBS), np.uint64)
        worst[: len(self.part.leaves)] = wide.to_u64(worst_losses(rows, risks.table), LIMBS)
        return {"changes": risks.read(instrument), "worst": FrVec.from_limbs(worst)}

    def counted(self) -> dict[str, FrVec]:
        """The counted value of each asset in whole 10^-16 quote and the rest, 0 for other rows."""
        rows, columns = self.holdings.rows, self.published.table.columns
        held = np.flatnonzero(columns.asset[rows.instrument])
        instrument, place = rows.instrument[held].astype(np.int64), self.at[held]
        tier = self.entries[place] - self.published.table.first[instrument]
        counted = counted_values(columns, instrument, tier, notional_values(columns, instrument, rows.amount[held]))
        whole, rest = wide.divide(counted, PPM)
        units, rests = np.zeros((self.places, LIMBS), np.uint64), np.zeros(self.places, np.uint64)
        units[place], rests[place] = wide.to_u64(whole, LIMBS), rest
        return {"counted_units": FrVec.from_limbs(units), "counted_rest": _from_u64(rests)}


def _from_u64(column: NDArray[np.uint64]) -> FrVec:
    limbs: Limbs = np.zeros((len(column), LIMBS), np.uint64)
    limbs[:, 0] = column
    return FrVec.from_limbs(limbs)


def _gathered(values: FrVec, index: NDArray[np.uint16]) -> bytes:
    return np.frombuffer(values.raw(), "<u8").reshape(-1, LIMBS)[index].tobytes()


def _chained(state: FrVec, elements: FrVec) -> FrVec:
    """C(state; elements), the state a vector of one."""
    for first in range(0, len(elements), _CHAIN):
        block = elements.slice(first, min(first + _CHAIN, len(elements)))
        state = poseidon_many(state, block, len(block), threads=1)
    return state
