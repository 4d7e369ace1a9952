"""The account behind every statement: its owner opens it, and it lies under the venue's state root.

Public: state_root, context. Secret: the account, the owner's secret, the path to the accounts root.
Units: as docs/spec.md section 2. Formats: sections 1, 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.commitment.domain import tag
from zkstate.commitment.merkle import ACCOUNTS_ARITY
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, Statement, public, secret, sint
from zkstate.constraint.wire import Wire
from zkstate.state.commit import DEFAULT_ACCOUNTS_DEPTH
from zkstate.state.schema import I64, I128

from .gadgets.merkle import tree_root
from .gadgets.poseidon import chain, poseidon

INSTRUMENT_BITS = 12  # a table of depth 3, the largest, has 4096 places
PLACE_BITS = ACCOUNTS_ARITY.bit_length() - 1  # of each level of the accounts tree


@dataclass(frozen=True)
class CommittedStatement(Statement):
    """A statement of size class `size` about one account, under an accounts tree of depth `accounts_depth`.

    It knows the owner's secret and every part of the leaf but the rows.
    """

    size: int
    accounts_depth: int = DEFAULT_ACCOUNTS_DEPTH

    state_root = public(FELT)
    context = public(FELT)

    owner_secret = secret(FELT)
    account_id = secret(FELT)
    salt = secret(FELT)
    orders_digest = secret(FELT)
    history_head = secret(FELT)
    history_length = secret(FELT)

    def open_leaf(
        self,
        c: Builder,
        rows_digest: Wire,
        path: tuple[Sequence[Wire], Sequence[Sequence[Wire]]],
        instruments_root: Wire,
        meta: Wire,
    ) -> Wire:
        """The account is the prover's own, and committed to by `state_root`: the owner."""
        with c.scope("account"):
            owner = poseidon(c, tag("owner"), [self.owner_secret])
            leaf = leaf_of(
                c,
                account_id=self.account_id,
                owner=owner,
                salt=self.salt,
                rows_digest=rows_digest,
                orders_digest=self.orders_digest,
                history=(self.history_head, self.history_length),
            )
            committed = state_root_of(c, leaf, path, instruments_root, meta)
        c.require(committed == self.state_root, "the account lies under the committed state root")
        c.bind(self.context, "the proof is bound to its context")
        return owner


@dataclass(frozen=True)
class AccountStatement(CommittedStatement):
    """A statement that takes apart what the account holds, in `rows` rows."""

    instruments = secret(FELT, count=lambda s: s.rows)
    isolated = secret(BOOL, count=lambda s: s.rows)
    amounts = secret(sint(64), count=lambda s: s.rows)
    entries = secret(sint(128), count=lambda s: s.rows)
    fundings_at_entry = secret(sint(64), count=lambda s: s.rows)

    # the binary digits of the leaf's place, and the children of each node above it
    place = secret(BOOL, count=lambda s: PLACE_BITS * s.accounts_depth)
    accounts_nodes = secret(FELT, count=(lambda s: s.accounts_depth, ACCOUNTS_ARITY))
    instruments_root = secret(FELT)
    meta = secret(FELT)

    @property
    def rows(self) -> int:
        """The rows there is room for: the size class."""
        return self.size

    @property
    def instrument_bits(self) -> int:
        """The width of the instrument ids this statement admits."""
        return INSTRUMENT_BITS

    def open_account(self, c: Builder) -> tuple[Wire, ...]:
        """The account is well formed, the prover's own, and committed to by `state_root`: its instrument ids."""
        return self.open_owned(c)[0]

    def open_owned(self, c: Builder) -> tuple[tuple[Wire, ...], Wire]:
        """As `open_account`: the instrument ids, and the owner."""
        width = self.instrument_bits
        ids = tuple(
            c.require_uint(given, width, f"instruments[{i}] is an unsigned {width}-bit integer")
            for i, given in enumerate(self.instruments)
        )
        require_order(c, ids)
        with c.scope("account"):
            rows_digest = self._rows_digest(c, ids)
        path = (self.place, self.accounts_nodes)
        return ids, self.open_leaf(c, rows_digest, path, self.instruments_root, self.meta)

    def _rows_digest(self, c: Builder, ids: Sequence[Wire]) -> Wire:
        elements: list[Wire] = []
        for instrument, isolated, amount, entry, funding in zip(
            ids, self.isolated, self.amounts, self.entries, self.fundings_at_entry, strict=True
        ):
            held = instrument * 2 + isolated
            elements.append(held * (1 << 128) + (amount + I64) * (1 << 64) + (funding + I64))
            elements.append(entry + I128)
        return chain(c, tag(f"rows:{self.rows}"), elements)


def leaf_of(
    c: Builder,
    *,
    account_id: Wire,
    owner: Wire,
    salt: Wire,
    rows_digest: Wire,
    orders_digest: Wire,
    history: tuple[Wire, Wire],
    tagged: Wire | None = None,
) -> Wire:
    """The leaf of an account; `history` is its head and its length, `tagged` another tag than a leaf's."""
    return poseidon(
        c, tag("leaf") if tagged is None else tagged, [account_id, owner, salt, rows_digest, orders_digest, *history]
    )


def state_root_of(
    c: Builder,
    leaf: Wire,
    path: tuple[Sequence[Wire], Sequence[Sequence[Wire]]],
    instruments_root: Wire,
    meta: Wire,
) -> Wire:
    """The state root that has a leaf at the end of a path: the digits of its place, and the nodes above it."""
    place, nodes = path
    accounts_root = tree_root(c, tag("node"), leaf, place, nodes, "the account is a leaf of the accounts tree")
    return poseidon(c, tag("state"), [accounts_root, instruments_root, meta])


def rows_of(c: Builder, ids: Sequence[Wire], instrument: Wire) -> list[Wire]:
    """One bit per row: 1 where the row is of `instrument`; at most one is, since ids strictly increase."""
    return [c.bit(own == instrument) for own in ids]


def require_order(c: Builder, ids: Sequence[Wire]) -> list[Wire]:
    """Instrument ids strictly increase, and behind them is padding: for each row whether it is padding."""
    padding = [c.bit(instrument == 0) for instrument in ids]
    for i in range(1, len(ids)):
        c.require((ids[i] > ids[i - 1]) | padding[i], f"row {i} has a higher instrument id than row {i - 1}")
        c.require(~padding[i - 1] | padding[i], f"row {i} is padding because row {i - 1} is")
    return padding
