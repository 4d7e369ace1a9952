"""Batch: some accounts of one size class, all of them: what they hold and owe, and how many are not healthy.

Public: leaves (of every account with the bounds of its id), table (the keys of what rows may read), before and after
(the hidden sums that run through all batches of an epoch), reads (what was read of the table), and the challenges that
the verifier draws: point and mix, of the epoch, read_point and read_mix, of the batch. The accounts are the copies of
one block (`batch_account`). No amount, price, id or sum of a batch is shown (docs/spec.md, section 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from zkstate.commitment.domain import tag
from zkstate.constraint.builder import Builder
from zkstate.constraint.compiler import build
from zkstate.constraint.statement import BOOL, FELT, Statement, public, secret
from zkstate.constraint.wire import Wire, WireLike
from zkstate.proof.keys import domain_of

from .batch_account import PARTS, READ, Judged, account_template, row_ports
from .gadgets.fractions import fraction
from .gadgets.poseidon import MAX_INPUTS, chain, permutation, poseidon


@dataclass(frozen=True)
class Batch(Statement):
    """`accounts` accounts of `rows` rows, that read a table of at most `entries` keys."""

    rows: int
    accounts: int
    entries: int

    leaves = public(FELT)
    table = public(FELT)
    before = public(FELT)
    after = public(FELT)
    reads = public(FELT)
    point = public(FELT)
    mix = public(FELT)
    read_point = public(FELT)
    read_mix = public(FELT)

    # of each account: whether it is one, the bounds of its id, and the parts of its leaf
    real = secret(BOOL, count=lambda s: s.accounts)
    lower = secret(FELT, count=lambda s: s.accounts)
    upper = secret(FELT, count=lambda s: s.accounts)
    account_id = secret(FELT, count=lambda s: s.accounts)
    owner = secret(FELT, count=lambda s: s.accounts)
    salt = secret(FELT, count=lambda s: s.accounts)
    orders_digest = secret(FELT, count=lambda s: s.accounts)
    history_head = secret(FELT, count=lambda s: s.accounts)
    history_length = secret(FELT, count=lambda s: s.accounts)

    # of each row: signed values as they are hashed, with half their range added
    instrument = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    isolated = secret(BOOL, count=(lambda s: s.accounts, lambda s: s.rows))
    amount = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    entry = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    funding_at_entry = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))

    # what it reads of the table
    price = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    notional_price = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    funding = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    tier_lower = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    tier_upper = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    tier_offset = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    tier_word = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))

    # the table, and how often each entry is read
    keys = secret(FELT, count=lambda s: s.entries)
    times = secret(FELT, count=lambda s: s.entries)

    # the sums before, and what hides them and the reads
    reads_blind = secret(FELT)
    before_blind = secret(FELT)
    after_blind = secret(FELT)
    held_before = secret(FELT)
    unhealthy_before = secret(FELT)
    shortfall_before = secret(FELT)
    profit_before = secret(FELT)

    @property
    def follows_rounding(self) -> bool:
        """Whether rows may read an instrument whose counted value is rounded."""
        return False

    def define(self, c: Builder) -> None:
        found = self._judge(c)
        self._commit_leaves(c, found)
        self._close_reads(c, found)
        self._advance(c, found)

    def _judge(self, c: Builder) -> list[Judged]:
        """Every account by the block, what was read chained through all of them."""
        powers = [self.read_mix]
        while len(powers) < len(READ):
            powers.append(powers[-1] * self.read_mix)
        template = account_template(self.rows, self.follows_rounding)
        reads, found = poseidon(c, tag("solvency reads"), [self.reads_blind]), []
        for j in range(self.accounts):
            rows = [getattr(self, name)[j][i] for i in range(self.rows) for name in row_ports(self.follows_rounding)]
            parts = [getattr(self, name)[j] for name in PARTS]
            inputs = [self.point, self.mix, self.read_point, *powers, reads, *parts, *rows]
            (outputs,) = c.repeat(template, [inputs])
            found.append(Judged(*outputs))
            reads = found[-1].reads
        return found

    def _commit_leaves(self, c: Builder, found: Sequence[Judged]) -> None:
        stated = [w for j, each in enumerate(found) for w in (each.leaf, self.lower[j], self.upper[j])]
        c.require(
            chain(c, tag("solvency leaves"), stated) == self.leaves, "the accounts are those of the stated leaves"
        )

    def _close_reads(self, c: Builder, found: Sequence[Judged]) -> None:
        """Every row read an entry of the table, by challenges drawn after `reads`."""
        c.require(chain(c, tag("solvency table"), self.keys) == self.table, "the keys are those of the table")
        c.require(chain(c, found[-1].reads, self.times) == self.reads, "what was read is what was committed to")
        label = "the reading point is no key"
        listed = [
            (1, fraction(c, times, self.read_point, key, label))
            for key, times in zip(self.keys, self.times, strict=True)
        ]
        read = c.linear((1, each.looked_up) for each in found)
        c.require(read == c.linear(listed), "every row reads an entry of the table")

    def _advance(self, c: Builder, found: Sequence[Judged]) -> None:
        """The sums after are the sums before and what these accounts add."""
        before = [self.held_before, self.unhealthy_before, self.shortfall_before, self.profit_before]
        added = list(zip(*((each.held, each.unhealthy, each.shortfall, each.profit) for each in found), strict=True))
        after = [c.linear((1, c.felt(w)) for w in (start, *more)) for start, more in zip(before, added, strict=True)]
        self._require_sums(c, self.before_blind, before, self.before, "the sums before are the committed ones")
        self._require_sums(c, self.after_blind, after, self.after, "the sums after are the committed ones")

    def _require_sums(self, c: Builder, blind: Wire, sums: Sequence[Wire], committed: Wire, label: str) -> None:
        held, *others = sums
        opened: list[WireLike] = [0, blind, held, 0, *others]  # as the parts of a leaf stand
        c.require(poseidon(c, tag("solvency sums"), opened) == committed, label)


@dataclass(frozen=True)
class RoundedBatch(Batch):
    """A batch under a table that rounds the counted value of some assets down."""

    counted_units = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))
    counted_rest = secret(FELT, count=(lambda s: s.accounts, lambda s: s.rows))

    @property
    def follows_rounding(self) -> bool:
        return True


def batch_name(batch: Batch) -> str:
    """batch-8x48-e512: rows, accounts, entries; with `-r` where rounding is followed."""
    rounding = "-r" if batch.follows_rounding else ""
    return f"batch-{batch.rows}x{batch.accounts}-e{batch.entries}{rounding}"


def constraints(batch: Batch) -> int:
    """How many its circuit has, from those of one and of two accounts under the smallest tables of that kind.

    Only the chain of leaves grows unevenly, and the table by as many entries as a permutation takes.
    """
    more, rest = divmod(batch.entries, MAX_INPUTS)
    few = replace(batch, accounts=1, entries=rest + MAX_INPUTS * min(more, 1))
    one, two = (_compiled_constraints(replace(few, accounts=n)) for n in (1, 2))
    each = two - one - _leaves(2) + _leaves(1)
    found = one - _leaves(1) + (batch.accounts - 1) * each + _leaves(batch.accounts)
    if more > 1:
        found += (more - 1) * (_compiled_constraints(replace(few, entries=rest + 2 * MAX_INPUTS)) - one)
    return found


def filled(batch: Batch) -> Batch:
    """The batch with the most accounts that has the same domain."""
    n_public = sum(item.is_public for item in batch.inputs())
    domain = domain_of(constraints(batch), n_public)
    more = batch
    while domain_of(constraints(more), n_public) == domain:
        batch, more = more, replace(more, accounts=more.accounts + 1)
    return batch


@cache
def _compiled_constraints(batch: Batch) -> int:
    return build(batch).r1cs.n_constraints


def _leaves(accounts: int) -> int:
    """The constraints of the chain of leaves and bounds."""
    whole, rest = divmod(3 * accounts, MAX_INPUTS)
    last = permutation(rest + 1).n_rows if rest else 0
    return whole * permutation(MAX_INPUTS + 1).n_rows + last
