"""Balance: the committed account holds at least, exactly or at most so much of an asset.

Public: instrument, lo, hi (amounts in 10^-d of the asset). "At least x" is [x, 2^63 - 1], "at most x" is
[-2^63, x], "exactly x" is [x, x]. An asset the account has no row of counts as 0; debt is negative.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import public, sint, uint

from .account import INSTRUMENT_BITS, AccountStatement, rows_of
from .gadgets.lookup import select_by


@dataclass(frozen=True)
class Balance(AccountStatement):
    """lo <= amount of `instrument` <= hi."""

    instrument = public(uint(INSTRUMENT_BITS))
    lo = public(sint(64))
    hi = public(sint(64))

    def define(self, c: Builder) -> None:
        ids = self.open_account(c)
        amount = select_by(c, rows_of(c, ids, self.instrument), self.amounts)
        c.require(amount >= self.lo, "the balance is at least the lower bound")
        c.require(amount <= self.hi, "the balance is at most the upper bound")
