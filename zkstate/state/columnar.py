"""All accounts of a ledger as field elements, leaves and record plaintexts, size class by size class.

Agrees with `codec.py` account by account; numpy lays the limbs out and the core hashes them, in blocks of bounded size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from zkstate import kernels
from zkstate.commitment import domain
from zkstate.state import codec
from zkstate.state.ledger import Ledger, OrderColumns, RowColumns
from zkstate.state.limbs import LIMBS, ByteMatrix, Limbs, big_endian
from zkstate.state.schema import SIZE_CLASSES

Index = NDArray[np.int64]

_BLOCK_ELEMENTS = 1 << 19
_TOP = np.uint64(1 << 63)


@dataclass(frozen=True, slots=True)
class _Entries:
    """The entries of some accounts: `source` their places in the columns, at `account`, `slot` of a padded matrix."""

    source: Index
    account: Index
    slot: Index


def _entries(start: Index, accounts: Index) -> _Entries:
    counts = start[accounts + 1] - start[accounts]
    account = np.repeat(np.arange(len(accounts)), counts)
    slot = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return _Entries(np.repeat(start[accounts], counts) + slot, account, slot)


def row_limbs(rows: RowColumns, accounts: Index, n: int) -> Limbs:
    """The 2n elements that `rows_n` hashes for each account, as canonical limbs of shape (accounts, 2n, 4)."""
    limbs = np.zeros((len(accounts), n, 2, LIMBS), np.uint64)
    limbs[:, :, 0, :2] = _TOP
    limbs[:, :, 1, 1] = _TOP
    at = _entries(rows.start, accounts)
    limbs[at.account, at.slot, 0, 0] = rows.funding[at.source].view(np.uint64) ^ _TOP
    limbs[at.account, at.slot, 0, 1] = rows.amount[at.source].view(np.uint64) ^ _TOP
    instrument = rows.instrument[at.source].astype(np.uint64)
    limbs[at.account, at.slot, 0, 2] = (instrument << np.uint64(1)) | rows.isolated[at.source]
    limbs[at.account, at.slot, 1, 0] = rows.entry_low[at.source]
    limbs[at.account, at.slot, 1, 1] = rows.entry_high[at.source].view(np.uint64) ^ _TOP
    return limbs.reshape(len(accounts), 2 * n, LIMBS)


def order_limbs(orders: OrderColumns, accounts: Index, n: int) -> Limbs:
    """The n elements that `orders_n` hashes for each account, as canonical limbs of shape (accounts, n, 4)."""
    limbs = np.zeros((len(accounts), n, LIMBS), np.uint64)
    at = _entries(orders.start, accounts)
    limbs[at.account, at.slot, 0] = orders.size[at.source]
    limbs[at.account, at.slot, 1] = orders.price[at.source]
    instrument = orders.instrument[at.source].astype(np.uint64)
    limbs[at.account, at.slot, 2] = (instrument << np.uint64(1)) | orders.side[at.source]
    return limbs


def _chains(tag: int, length: int, accounts: Index, limbs_of: Callable[[Index], Limbs]) -> Limbs:
    """C(tag; elements) of each account as canonical limbs, a bounded number of elements at a time."""
    out = np.empty((len(accounts), LIMBS), np.uint64)
    step = max(1, _BLOCK_ELEMENTS // length)
    for first in range(0, len(accounts), step):
        part = accounts[first : first + step]
        elements = kernels.FrVec.from_limbs(limbs_of(part).reshape(-1, LIMBS))
        out[first : first + step] = kernels.poseidon_chain_many(tag, elements, length).to_limbs()
    return out


def digests(ledger: Ledger) -> tuple[Limbs, Limbs]:
    """rows_n and orders_n of every account, in the ledger's order, as canonical limbs of shape (accounts, 4)."""
    rows = np.empty((len(ledger), LIMBS), np.uint64)
    orders = np.empty((len(ledger), LIMBS), np.uint64)
    for n, accounts in by_class(ledger):
        of_rows = partial(row_limbs, ledger.rows, n=n)
        rows[accounts] = _chains(domain.tag(f"rows:{n}"), 2 * n, accounts, of_rows)
        tag = domain.tag(f"orders:{n}")
        empty = kernels.poseidon_chain_many(tag, kernels.FrVec(n), n).to_limbs()
        orders[accounts] = empty
        busy = accounts[ledger.orders.counts[accounts] > 0]
        orders[busy] = _chains(tag, n, busy, partial(order_limbs, ledger.orders, n=n))
    return rows, orders


def by_class(ledger: Ledger) -> Iterator[tuple[int, Index]]:
    """Each size class that occurs, with the places of its accounts."""
    classes = ledger.size_classes
    for n in SIZE_CLASSES:
        accounts = np.flatnonzero(classes == n)
        if len(accounts):
            yield n, accounts


def record_plaintexts(
    ledger: Ledger,
    accounts: Index,
    positions: Index,
    *,
    ids: ByteMatrix,
    salts: ByteMatrix,
    heads: ByteMatrix,
    lengths: NDArray[np.uint64],
    n: int,
) -> ByteMatrix:
    """Record plaintexts (§6) of accounts of class n, one row each.

    `positions` are their leaf indices; `ids`, `salts` and history `heads` (m, 32) big-endian bytes; `lengths` counts.
    """
    owners = ledger.keys()[0]
    out = np.zeros((len(accounts), codec.plaintext_bytes(n)), np.uint8)
    out[:, 0:4] = big_endian(positions.astype(np.uint32))
    out[:, 4:36] = ids
    out[:, 36:68] = owners[accounts]
    out[:, 68:100] = salts
    out[:, 100:132] = heads
    out[:, 132:140] = big_endian(lengths)
    if ledger.journal is not None:
        out[:, 140:148] = big_endian(ledger.journal.counts[accounts].astype(np.uint64))
    out[:, 148] = ledger.rows.counts[accounts]
    out[:, 149] = ledger.orders.counts[accounts]

    rows_end = codec.HEAD_BYTES + n * codec.ROW_BYTES
    r, at = ledger.rows, _entries(ledger.rows.start, accounts)
    columns = (r.instrument, r.isolated, r.amount, r.entry_high, r.entry_low, r.funding)
    packed = np.concatenate([big_endian(column[at.source]) for column in columns], axis=1)
    matrix = np.zeros((len(accounts), n, codec.ROW_BYTES), np.uint8)
    matrix[at.account, at.slot] = packed
    out[:, codec.HEAD_BYTES : rows_end] = matrix.reshape(len(accounts), -1)

    o, at = ledger.orders, _entries(ledger.orders.start, accounts)
    packed = np.concatenate(
        [big_endian(column[at.source]) for column in (o.instrument, o.side, o.price, o.size)], axis=1
    )
    matrix = np.zeros((len(accounts), n, codec.ORDER_BYTES), np.uint8)
    matrix[at.account, at.slot] = packed
    out[:, rows_end:] = matrix.reshape(len(accounts), -1)
    return out
