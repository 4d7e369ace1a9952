"""Position: the size of the committed account's position in a market, and its entry value, lie in given ranges.

Public: instrument, lo, hi (sizes in 10^-d of the contract, short is negative), entry_lo, entry_hi (10^-16
quote). The full range says nothing. A market the account has no row of counts as size 0, entry value 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import public, sint, uint

from .account import INSTRUMENT_BITS, AccountStatement, rows_of
from .gadgets.lookup import select_by


@dataclass(frozen=True)
class Position(AccountStatement):
    """lo <= size in `instrument` <= hi, entry_lo <= entry value <= entry_hi."""

    instrument = public(uint(INSTRUMENT_BITS))
    lo = public(sint(64))
    hi = public(sint(64))
    entry_lo = public(sint(128))
    entry_hi = public(sint(128))

    def define(self, c: Builder) -> None:
        held = rows_of(c, self.open_account(c), self.instrument)
        size, entry = select_by(c, held, self.amounts), select_by(c, held, self.entries)
        c.require(size >= self.lo, "the size is at least the lower bound")
        c.require(size <= self.hi, "the size is at most the upper bound")
        c.require(entry >= self.entry_lo, "the entry value is at least the lower bound")
        c.require(entry <= self.entry_hi, "the entry value is at most the upper bound")
