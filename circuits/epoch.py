"""The epoch: what a state root binds besides the accounts and the instruments, opened (docs/spec.md section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.commitment.domain import tag
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import FELT, Statement, secret
from zkstate.constraint.wire import Wire

from .gadgets.poseidon import poseidon


@dataclass(frozen=True)
class EpochStatement(Statement):
    """A statement that reads a part of `meta`: the other parts are the prover's to give, and hashed with it."""

    venue = secret(FELT)
    epoch = secret(FELT)
    time = secret(FELT)
    previous_state_root = secret(FELT)
    account_count = secret(FELT)
    order_book_root = secret(FELT)
    scenarios_root = secret(FELT)
    journal_head = secret(FELT)
    totals_root = secret(FELT)
    depths = secret(FELT)

    def open_epoch(self, c: Builder, meta: Wire) -> None:
        """`meta` is the hash of the parts."""
        parts = [self.venue, self.epoch, self.time, self.previous_state_root, self.account_count, self.order_book_root]
        parts += [self.scenarios_root, self.journal_head, self.totals_root, self.depths]
        c.require(poseidon(c, tag("meta"), parts) == meta, "the epoch's tables and totals are the committed ones")
