"""The accounts tree of a ledger that comes in parts: the roots of more accounts than fit in memory at once.

Beside the part in hand there are 32 bytes of id, 31 of salt and 32 of leaf for each account, and the tree over them: a
gigabyte for ten million.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from zkstate import kernels
from zkstate.commitment import domain
from zkstate.commitment.merkle import ACCOUNTS_ARITY, MerkleTree
from zkstate.errors import DisagreementError, LedgerError
from zkstate.state import columnar
from zkstate.state.ledger import Ledger
from zkstate.state.limbs import LIMBS
from zkstate.state.tree import LEAF_BLOCK, SALT_BYTES, account_ids, accounts_depth, histories, leaf_hashes, salt_stream

Parts = Callable[[], Iterable[Ledger]]


def tree_of_parts(parts: Parts, venue: int, epoch: int, salt_secret: bytes) -> MerkleTree:
    """The tree that `tree.build` makes of one ledger with the accounts of all parts, which have keys.

    `parts` is called twice: for the owners, whose ids order the leaves, and for what they hold.
    Errors: LedgerError if two accounts share an owner or there is none; EncodingError for a venue or epoch out of
    range; DisagreementError if the second time brings other owners than the first.
    """
    ids, owners = _ids(parts, venue, epoch)
    rank = _ranks(ids)
    salts = np.frombuffer(salt_stream(salt_secret, len(ids)), np.uint8).reshape(-1, SALT_BYTES)
    leaves, again, first = np.empty((len(ids), LIMBS), np.uint64), hashlib.blake2b(), 0
    for part in parts():
        again.update(part.keys()[0].tobytes())
        if first + len(part) > len(ids):
            break
        _fill(leaves, part, ids[first : first + len(part)], rank[first : first + len(part)], salts)
        first += len(part)
    if again.digest() != owners or first != len(ids):
        raise DisagreementError(f"the parts of a ledger, read again, are not the {len(ids)} accounts that they were")
    del ids, rank, salts
    vector = kernels.FrVec.from_limbs(leaves)
    depth = accounts_depth(len(leaves))
    del leaves
    return MerkleTree(vector, ACCOUNTS_ARITY, depth, domain.tag("node"))


def _ids(parts: Parts, venue: int, epoch: int) -> tuple[NDArray[np.uint8], bytes]:
    """The id of every account in the order of the parts, and a digest of their owners."""
    found, digest = [], hashlib.blake2b()
    for part in parts():
        owners = part.keys()[0]
        digest.update(owners.tobytes())
        found += [account_ids(owners[at : at + LEAF_BLOCK], venue, epoch) for at in range(0, len(owners), LEAF_BLOCK)]
    if not found:
        raise LedgerError("the ledger has no accounts; there is nothing to commit to")
    return np.concatenate(found), digest.digest()


def _ranks(ids: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The leaf of each account."""
    words = ids.view(">u8")
    order = np.lexsort((words[:, 3], words[:, 2], words[:, 1], words[:, 0]))
    for at in range(0, len(order), LEAF_BLOCK):
        near = ids[order[at : at + LEAF_BLOCK + 1]]
        same = np.flatnonzero((near[1:] == near[:-1]).all(axis=1))
        if len(same):
            first, second = (int(order[at + int(same[0]) + k]) for k in (0, 1))
            raise LedgerError(f"accounts {first} and {second} have one owner; each needs its own key")
    rank = np.empty(len(order), np.uint32)
    rank[order] = np.arange(len(order), dtype=np.uint32)
    return rank


def _fill(
    leaves: NDArray[np.uint64], part: Ledger, ids: NDArray[np.uint8], rank: NDArray[np.uint32], salts: NDArray[np.uint8]
) -> None:
    """Put the leaves of a part where they belong."""
    rows, orders = columnar.digests(part)
    heads, lengths = histories(part, np.arange(len(part)))
    owners = part.keys()[0]
    for at in range(0, len(part), LEAF_BLOCK):
        block = slice(at, at + LEAF_BLOCK)
        own = np.zeros((len(rank[block]), 32), np.uint8)
        own[:, 32 - SALT_BYTES :] = salts[rank[block]]
        held = rows[block], orders[block], heads[block], lengths[block]
        leaves[rank[block]] = leaf_hashes(ids[block], owners[block], own, *held).to_limbs()
