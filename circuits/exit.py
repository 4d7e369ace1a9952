"""Exit: the owner may take so much of an asset out of the account, once.

Public: instrument, amount (10^-d of the asset), nullifier. Secret: the account, the table rows that price it, and the
parts of the header that `meta` is the hash of. The account holds the amount, and without it its cross pot still covers
the initial requirement at the committed prices, even if all it holds of assets with lower ids is taken out as well: so
exits of several assets are safe together, whichever are made. Open orders count as cancelled. The nullifier is the
same for every exit of an owner from this asset, epoch and venue, and says nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.commitment.domain import tag
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import FELT, public, uint
from zkstate.constraint.wire import Wire

from .account import INSTRUMENT_BITS, rows_of
from .epoch import EpochStatement
from .gadgets.lookup import select_by
from .gadgets.poseidon import poseidon
from .priced import RoundedStatement


@dataclass(frozen=True)
class Exit(EpochStatement, RoundedStatement):
    """`amount` of `instrument` can leave the account."""

    instrument = public(uint(INSTRUMENT_BITS))
    amount = public(uint(63))
    nullifier = public(FELT)

    def define(self, c: Builder) -> None:
        ids = self.open_account(c)
        of_asset = rows_of(c, ids, self.instrument)
        c.require(self.amount >= 1, "something is taken out")
        c.require(select_by(c, of_asset, self.is_asset) == 1, "the account holds the asset")
        c.require(select_by(c, of_asset, self.amounts) >= self.amount, "the account holds as much as is taken out")

        left = [self._left(c, i, row, ids[i]) for i, row in enumerate(of_asset)]
        cross, *_ = self.assess(c, ids, left, 1)
        c.require(cross.equity >= cross.need, "what is left covers the initial requirement")

        self.open_epoch(c, self.meta)
        once = poseidon(c, tag("exit"), [self.owner_secret, self.venue, self.epoch, self.instrument])
        c.require(once == self.nullifier, "the nullifier is that of owner, venue, epoch and asset")

    def _left(self, c: Builder, i: int, row: Wire, instrument: Wire) -> Wire:
        """What the requirement is judged on: the row less the exit, nothing of an asset with a lower id."""
        amount = self.amounts[i]
        gone = c.bit(instrument < self.instrument) & self.is_asset[i] & c.bit(amount >= 0)
        return c.select(gone, 0, amount - row * self.amount)
