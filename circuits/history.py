"""History: what happened to the account between two epochs, as sums per kind of entry.

Public: earlier_root, instrument, and for each kind of entry an amount (10^-d of the instrument) and a value (10^-16
quote), and the fees (10^-16 quote). Secret: the account in both epochs and the entries between them, all of which
count. Values and fees are sums over the entries of `instrument`, or over all if it is 0; amounts are sums over the
entries of `instrument` alone, since amounts of different instruments do not add up.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.commitment.merkle import ACCOUNTS_ARITY
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, public, secret, uint
from zkstate.state.journal import KINDS

from .account import INSTRUMENT_BITS, PLACE_BITS, CommittedStatement
from .journal import JournalStatement


@dataclass(frozen=True)
class History(JournalStatement, CommittedStatement):
    """The entries between the account under `earlier_root` and the one under `state_root` add up to these sums."""

    earlier_root = public(FELT)
    instrument = public(uint(INSTRUMENT_BITS))
    deposit_amount = public(FELT)
    deposit_value = public(FELT)
    withdrawal_amount = public(FELT)
    withdrawal_value = public(FELT)
    transfer_amount = public(FELT)
    transfer_value = public(FELT)
    fill_amount = public(FELT)
    fill_value = public(FELT)
    funding_amount = public(FELT)
    funding_value = public(FELT)
    liquidation_amount = public(FELT)
    liquidation_value = public(FELT)
    fees = public(FELT)

    rows_digest = secret(FELT)
    place = secret(BOOL, count=lambda s: PLACE_BITS * s.accounts_depth)
    accounts_nodes = secret(FELT, count=(lambda s: s.accounts_depth, ACCOUNTS_ARITY))
    instruments_root = secret(FELT)
    meta = secret(FELT)

    @property
    def places(self) -> int:
        return self.size

    def define(self, c: Builder) -> None:
        path = (self.place, self.accounts_nodes)
        owner = self.open_leaf(c, self.rows_digest, path, self.instruments_root, self.meta)
        self.open_other(c, owner, self.earlier_root)
        earlier, later = (self.other_head, self.other_length), (self.history_head, self.history_length)
        entries = self.read_entries(c, earlier, later)

        every = c.bit(self.instrument == 0)
        amounts, values, fees = [], [], []
        for entry in entries:
            named = c.bit(entry.instrument == self.instrument)
            amount, value = named * entry.amount, (named | every) * entry.value
            amounts.append([kind * amount for kind in entry.kinds])
            values.append([kind * value for kind in entry.kinds])
            fees.append(entry.used * ((named | every) * entry.fee))
        for k, kind in enumerate(KINDS):
            amount_sum = c.linear((1, row[k]) for row in amounts)
            c.require(c.felt(amount_sum) == getattr(self, f"{kind}_amount"), f"the amounts of {kind} entries add up")
            value_sum = c.linear((1, row[k]) for row in values)
            c.require(c.felt(value_sum) == getattr(self, f"{kind}_value"), f"the values of {kind} entries add up")
        c.require(c.felt(c.linear((1, fee) for fee in fees)) == self.fees, "the fees add up")
