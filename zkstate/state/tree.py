"""The accounts tree of an epoch: ids, salts, leaves sorted by id, the tree of arity 4 over them (docs/spec.md §4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zkstate import kernels
from zkstate.commitment import domain
from zkstate.commitment.merkle import ACCOUNTS_ARITY, MerklePath, MerkleTree
from zkstate.errors import EncodingError, LedgerError, LengthError
from zkstate.state import columnar
from zkstate.state.codec import plaintext_bytes
from zkstate.state.commit import DEFAULT_ACCOUNTS_DEPTH
from zkstate.state.ledger import Ledger
from zkstate.state.limbs import LIMBS, Limbs, byte_limbs
from zkstate.state.schema import ID_BOUND, Account

SALT_BYTES = 31
SECRET_BYTES = 32
RECORD_BLOCK = 4 << 20
LEAF_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class AccountsTree:
    """All leaves of an epoch in id order. Entry i of every column belongs to leaf i.

    `accounts` are places in the ledger; `ids`, `salts` and history `heads` are (n, 32) big-endian bytes; `lengths`
    are those of the histories, `classes` size classes, `orders` the orders_n digests as limbs.
    """

    accounts: NDArray[np.int64]
    ids: NDArray[np.uint8]
    salts: NDArray[np.uint8]
    heads: NDArray[np.uint8]
    lengths: NDArray[np.uint64]
    classes: NDArray[np.uint8]
    orders: Limbs
    tree: MerkleTree

    def __len__(self) -> int:
        return len(self.accounts)

    @property
    def depth(self) -> int:
        """`accounts_depth` of the header."""
        return self.tree.depth

    @property
    def root(self) -> int:
        """`accounts_root` of the header."""
        return self.tree.root

    @property
    def leaves(self) -> kernels.FrVec:
        """The leaves themselves, level 0 of the tree."""
        return self.tree.levels[0]

    def path(self, leaf: int) -> MerklePath:
        """The path of a leaf to the root."""
        return self.tree.path(leaf)

    def leaf_of(self, account: int) -> int:
        """The leaf index of the account at a place of the ledger."""
        found = np.flatnonzero(self.accounts == account)
        if not len(found):
            raise LedgerError(f"account {account} is not among the {len(self)} of this tree")
        return int(found[0])

    def account(self, ledger: Ledger, leaf: int) -> Account:
        """The account of a leaf as its owner will recover it."""
        place = int(self.accounts[leaf])
        return Account(
            index=leaf,
            id=int.from_bytes(self.ids[leaf].tobytes()),
            owner=ledger.owner_of(place),
            salt=int.from_bytes(self.salts[leaf].tobytes()),
            rows=ledger.rows_of(place),
            orders=ledger.orders_of(place),
            history_head=int.from_bytes(self.heads[leaf].tobytes()),
            history_length=int(self.lengths[leaf]),
            new_entries=0 if ledger.journal is None else int(ledger.journal.counts[place]),
        )

    def records(self, ledger: Ledger) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.uint8]]]:
        """Record plaintexts by class: (class, leaf indices, one plaintext per row), at most 4 MiB each."""
        for n in np.unique(self.classes):
            positions = np.flatnonzero(self.classes == n)
            step = max(1, RECORD_BLOCK // plaintext_bytes(int(n)))
            for first in range(0, len(positions), step):
                part = positions[first : first + step]
                texts = columnar.record_plaintexts(
                    ledger,
                    self.accounts[part],
                    part,
                    ids=self.ids[part],
                    salts=self.salts[part],
                    heads=self.heads[part],
                    lengths=self.lengths[part],
                    n=int(n),
                )
                yield int(n), part, texts


def accounts_depth(count: int) -> int:
    """10, or the least depth that holds more accounts, four to a node."""
    return max(DEFAULT_ACCOUNTS_DEPTH, -(-(count - 1).bit_length() // 2))


def account_ids(owners: NDArray[np.uint8], venue: int, epoch: int) -> NDArray[np.uint8]:
    """Ids of many owners, (n, 32) big-endian bytes each way.

    EncodingError if an owner is not below r, or for a venue or epoch out of range.
    """
    if not 0 <= venue < ID_BOUND or not 0 <= epoch < 1 << 64:
        raise EncodingError(f"venue {venue} or epoch {epoch} is out of range")
    inputs = np.empty((len(owners), 3, 32), np.uint8)
    inputs[:, 0] = owners
    inputs[:, 1] = np.frombuffer(venue.to_bytes(32), np.uint8)
    inputs[:, 2] = np.frombuffer(epoch.to_bytes(32), np.uint8)
    hashes = kernels.poseidon_many(domain.tag("id"), kernels.FrVec.from_bytes(inputs.tobytes()), 3)
    ids = np.frombuffer(hashes.to_bytes(), np.uint8).reshape(-1, 32).copy()
    ids[:, 0] = 0
    return ids


def epoch_salts(secret: bytes, count: int) -> NDArray[np.uint8]:
    """Fresh salts below 2^248 of an epoch, leaf by leaf, as (n, 32) bytes."""
    out = np.zeros((count, 32), np.uint8)
    out[:, 1:] = np.frombuffer(salt_stream(secret, count), np.uint8).reshape(count, SALT_BYTES)
    return out


def salt_stream(secret: bytes, count: int) -> bytes:
    """31 bytes for each salt, from one SHAKE-256 stream of the epoch's 32-byte secret."""
    if len(secret) != SECRET_BYTES:
        raise LengthError(f"an epoch's salt secret has {len(secret)} bytes, not {SECRET_BYTES}")
    return hashlib.shake_256(b"zkstate salts v1" + secret).digest(SALT_BYTES * count)


def build(
    ledger: Ledger,
    venue: int,
    epoch: int,
    salt_secret: bytes,
    depth: int | None = None,
    *,
    digests: tuple[Limbs, Limbs] | None = None,
) -> AccountsTree:
    """Commit to every account of a ledger that has keys.

    `digests` are those of its rows and orders, if they are at hand (`computed.py`). Errors: LedgerError if two accounts
    share an owner (their ids would collide) or there is no account, EncodingError for a venue or epoch out of range,
    LengthError if `depth` is too small.
    """
    if not len(ledger):
        raise LedgerError("the ledger has no accounts; there is nothing to commit to")
    depth = accounts_depth(len(ledger)) if depth is None else depth
    if len(ledger) > ACCOUNTS_ARITY**depth:
        raise LengthError(f"{len(ledger)} accounts do not fit a tree of depth {depth}")
    owners = ledger.keys()[0]
    ids = account_ids(owners, venue, epoch)
    words = ids.view(">u8")
    accounts = np.lexsort((words[:, 3], words[:, 2], words[:, 1], words[:, 0]))
    ids = ids[accounts]
    same = np.flatnonzero((ids[1:] == ids[:-1]).all(axis=1))
    if len(same):
        first, second = (ledger.names[int(accounts[int(same[0]) + k])] for k in (0, 1))
        raise LedgerError(f"accounts {first!r} and {second!r} have one owner; each needs its own key")
    salts = epoch_salts(salt_secret, len(ledger))
    rows, orders = columnar.digests(ledger) if digests is None else digests
    heads, lengths = histories(ledger, accounts)
    parts = []
    for at in range(0, len(ledger), LEAF_BLOCK):
        block = slice(at, at + LEAF_BLOCK)
        of = accounts[block]
        held = rows[of], orders[of]
        parts.append(leaf_hashes(ids[block], owners[of], salts[block], *held, heads[block], lengths[block]))
    leaves = kernels.FrVec.concat(parts)
    del parts
    tree = MerkleTree(leaves, ACCOUNTS_ARITY, depth, domain.tag("node"))
    return AccountsTree(accounts, ids, salts, heads, lengths, ledger.size_classes[accounts], orders[accounts], tree)


def leaf_hashes(
    ids: NDArray[np.uint8],
    owners: NDArray[np.uint8],
    salts: NDArray[np.uint8],
    rows: Limbs,
    orders: Limbs,
    heads: NDArray[np.uint8],
    lengths: NDArray[np.uint64],
) -> kernels.FrVec:
    """The leaves of some accounts: bytes are (n, 32) big-endian, the digests of rows and orders (n, 4) limbs."""
    inputs = np.zeros((len(ids), 7, LIMBS), np.uint64)
    for k, part in ((0, ids), (1, owners), (2, salts), (5, heads)):
        inputs[:, k] = byte_limbs(part)
    inputs[:, 3], inputs[:, 4], inputs[:, 6, 0] = rows, orders, lengths
    return kernels.poseidon_many(domain.tag("leaf"), kernels.FrVec.from_limbs(inputs.reshape(-1, LIMBS)), 7)


def histories(ledger: Ledger, accounts: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Head, as (n, 32) bytes, and length of each account's history with its new entries; 0 where there is none."""
    if ledger.journal is None:
        return np.zeros((len(accounts), 32), np.uint8), np.zeros(len(accounts), np.uint64)
    return ledger.journal.new_heads()[accounts], ledger.journal.new_lengths[accounts]
