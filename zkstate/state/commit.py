"""The hashes that tie an epoch together: venue id, account id, totals root, meta, state root (docs/spec.md §4, §5)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.commitment import domain, poseidon
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_MODULUS
from zkstate.state.schema import ID_BOUND, U64
from zkstate.state.table import low248

MAX_ACCOUNTS_DEPTH = 16
DEFAULT_ACCOUNTS_DEPTH = 10  # 4^10 accounts, as many as a binary tree of depth 20 holds
_TOTAL_BOUND = 1 << 96


def venue_id(operator_key: bytes, venue_name: str) -> int:
    """`venue` of the header: low248(SHA-256("zkstate venue v1", operator key, name))."""
    if len(operator_key) != 32:
        raise LengthError(f"an operator key has 32 bytes, not {len(operator_key)}")
    return low248(hashlib.sha256(b"zkstate venue v1" + operator_key + venue_name.encode()).digest())


def order_book_root(order_book_file: bytes) -> int:
    """low248(SHA-256) of the published order book file."""
    return low248(hashlib.sha256(order_book_file).digest())


def account_id(owner: int, venue: int, epoch: int) -> int:
    """The id under which an owner's account stands in one epoch; it cannot be linked to another epoch's."""
    return poseidon.poseidon(domain.tag("id"), [owner, venue, epoch]) % ID_BOUND


def owner_commitment(owner_secret: int) -> int:
    """P(T("owner"); owner_secret)."""
    return poseidon.poseidon(domain.tag("owner"), [owner_secret])


def totals_root(held: Sequence[int], owed: Sequence[int]) -> int:
    """The root of what the venue owes and is owed, one (credit, debit) below 2^96 for each instrument from id 1."""
    if len(held) != len(owed):
        raise LengthError(f"{len(held)} credits but {len(owed)} debits")
    for what, sums in (("credit", held), ("debit", owed)):
        for i, total in enumerate(sums, start=1):
            if not 0 <= total < _TOTAL_BOUND:
                raise EncodingError(f"total {what} of instrument {i} is {total}, outside 0..2^96-1")
    packed = [credit << 96 | debit for credit, debit in zip(held, owed, strict=True)]
    return poseidon.chain(domain.tag("totals"), [len(packed), *packed])


@dataclass(frozen=True, slots=True)
class Meta:
    """What a state root binds besides the two trees."""

    venue: int
    epoch: int
    time: int
    previous_state_root: int
    account_count: int
    order_book_root: int
    scenarios_root: int
    journal_head: int
    totals_root: int
    accounts_depth: int
    table_depth: int

    def __post_init__(self) -> None:
        bounds = {
            "venue": ID_BOUND,
            "epoch": U64,
            "time": U64,
            "previous_state_root": FR_MODULUS,
            "account_count": U64,
            "order_book_root": ID_BOUND,
            "scenarios_root": FR_MODULUS,
            "journal_head": FR_MODULUS,
            "totals_root": FR_MODULUS,
            "accounts_depth": MAX_ACCOUNTS_DEPTH + 1,
            "table_depth": 4,
        }
        for name, bound in bounds.items():
            value = getattr(self, name)
            if not 0 <= value < bound:
                raise EncodingError(f"{name} is {value}, outside 0..{bound - 1}")

    @property
    def elements(self) -> list[int]:
        """What the root is the hash of, in order."""
        return [
            self.venue,
            self.epoch,
            self.time,
            self.previous_state_root,
            self.account_count,
            self.order_book_root,
            self.scenarios_root,
            self.journal_head,
            self.totals_root,
            self.accounts_depth << 8 | self.table_depth,
        ]

    @property
    def root(self) -> int:
        """P(T("meta"); elements)."""
        return poseidon.poseidon(domain.tag("meta"), self.elements)


def state_root(accounts_root: int, instruments_root: int, meta_root: int) -> int:
    """P(T("state"); accounts_root, instruments_root, meta): the one value everything is shown against."""
    return poseidon.poseidon(domain.tag("state"), [accounts_root, instruments_root, meta_root])
