"""The journal behind `history` and `liquidation`: an account's entries lead from one epoch's head to another's.

Secret: the same owner's account in another epoch, and the entries between the two. Formats: docs/spec.md section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.commitment.domain import tag
from zkstate.commitment.merkle import ACCOUNTS_ARITY
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, Statement, secret, sint
from zkstate.constraint.wire import Wire
from zkstate.state.journal import I96, KINDS
from zkstate.state.schema import I64, I128

from .account import INSTRUMENT_BITS, PLACE_BITS, leaf_of, state_root_of
from .gadgets.poseidon import poseidon


@dataclass(frozen=True)
class EntryWires:
    """One place for an entry. `kinds` has one bit a kind; none is 1 where the place is unused."""

    used: Wire
    kinds: tuple[Wire, ...]
    instrument: Wire
    amount: Wire
    value: Wire
    fee: Wire
    moment: Wire

    def is_kind(self, kind: int) -> Wire:
        """1 if the entry is of a kind of `zkstate.state.journal`."""
        return self.kinds[kind - 1]


@dataclass(frozen=True)
class JournalStatement(Statement):
    """A statement that reads up to `places` entries between the account's epoch and another one.

    What begins with `other_` belongs to the same owner's account in the other epoch.
    """

    other_id = secret(FELT)
    other_salt = secret(FELT)
    other_rows_digest = secret(FELT)
    other_orders_digest = secret(FELT)
    other_head = secret(FELT)
    other_length = secret(FELT)
    other_place = secret(BOOL, count=lambda s: PLACE_BITS * s.accounts_depth)
    other_nodes = secret(FELT, count=(lambda s: s.accounts_depth, ACCOUNTS_ARITY))
    other_instruments_root = secret(FELT)
    other_meta = secret(FELT)

    used = secret(BOOL, count=lambda s: s.places)
    kinds = secret(BOOL, count=(lambda s: s.places, len(KINDS)))
    entry_instruments = secret(FELT, count=lambda s: s.places)
    entry_amounts = secret(sint(64), count=lambda s: s.places)
    entry_values = secret(sint(128), count=lambda s: s.places)
    entry_fees = secret(sint(96), count=lambda s: s.places)
    entry_moments = secret(FELT, count=lambda s: s.places)  # e_2: time and price

    @property
    def places(self) -> int:
        """The entries there is room for."""
        raise NotImplementedError

    def open_other(self, c: Builder, owner: Wire, state_root: Wire) -> None:
        """The owner's account in the other epoch is committed to by `state_root`."""
        with c.scope("other account"):
            leaf = leaf_of(
                c,
                account_id=self.other_id,
                owner=owner,
                salt=self.other_salt,
                rows_digest=self.other_rows_digest,
                orders_digest=self.other_orders_digest,
                history=(self.other_head, self.other_length),
            )
            path = (self.other_place, self.other_nodes)
            committed = state_root_of(c, leaf, path, self.other_instruments_root, self.other_meta)
        c.require(committed == state_root, "the owner's other account lies under the other state root")

    def read_entries(self, c: Builder, before: tuple[Wire, Wire], after: tuple[Wire, Wire]) -> tuple[EntryWires, ...]:
        """The entries that lead from one (head, length) to another: all of them, in order, in the first places."""
        head, length = before[0], c.require_uint(before[1], 64, "the earlier length is an unsigned 64-bit integer")
        found: list[EntryWires] = []
        for i in range(self.places):
            with c.scope(f"entry {i}"):
                entry = self._entry(c, i)
                if found:
                    c.require(~entry.used | found[-1].used, "the place before is in use too")
                following = poseidon(c, c.felt(head) + tag("entry"), self._elements(c, entry, length + i))
                head = c.select(entry.used, following, head)
                found.append(entry)
        c.require(head == after[0], "the entries lead to the later head")
        count = c.linear((1, entry.used) for entry in found)
        c.require(c.felt(length + count) == after[1], "the entries are as many as the later length says")
        return tuple(found)

    def _entry(self, c: Builder, i: int) -> EntryWires:
        c.require(
            c.linear((1, kind) for kind in self.kinds[i]) == self.used[i], "an entry has one kind, an unused place none"
        )
        given, label = self.entry_instruments[i], f"the instrument is an unsigned {INSTRUMENT_BITS}-bit integer"
        return EntryWires(
            used=self.used[i],
            kinds=self.kinds[i],
            instrument=c.require_uint(given, INSTRUMENT_BITS, label),
            amount=self.entry_amounts[i],
            value=self.entry_values[i],
            fee=self.entry_fees[i],
            moment=self.entry_moments[i],
        )

    def _elements(self, c: Builder, entry: EntryWires, sequence: Wire) -> Sequence[Wire]:
        """e_0, e_1, e_2 of an entry."""
        kind = c.linear((k, bit) for k, bit in enumerate(entry.kinds, start=1))
        numbered = ((sequence * 16 + kind) * (1 << 16) + entry.instrument) * (1 << 64) + entry.amount + I64
        worth = (entry.value + I128) * (1 << 96) + entry.fee + I96
        return numbered, worth, entry.moment
