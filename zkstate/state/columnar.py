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
    orders, busy = no_order_digests(ledger), np.flatnonzero(ledger.orders.counts)
    orders[busy] = order_digests(ledger, busy)
    return row_digests(ledger, np.arange(len(ledger))), orders


def row_digests(ledger: Ledger, accounts: Index) -> Limbs:
    """rows_n of some accounts."""
    out = np.empty((len(accounts), LIMBS), np.uint64)
    for n, places in _by_class(ledger, accounts):
        of_rows = partial(row_limbs, ledger.rows, n=n)
        out[places] = _chains(domain.tag(f"rows:{n}"), 2 * n, accounts[places], of_rows)
    return out


def order_digests(ledger: Ledger, accounts: Index) -> Limbs:
    """orders_n of some accounts."""
    out = np.empty((len(accounts), LIMBS), np.uint64)
    for n, places in _by_class(ledger, accounts):
        of_orders = partial(order_limbs, ledger.orders, n=n)
        out[places] = _chains(domain.tag(f"orders:{n}"), n, accounts[places], of_orders)
    return out


def no_order_digests(ledger: Ledger) -> Limbs:
    """orders_n of every account as if it had none, which depends on its class alone."""
    classes = ledger.size_classes
    out = np.empty((len(ledger), LIMBS), np.uint64)
    for n in SIZE_CLASSES:
        out[classes == n] = kernels.poseidon_chain_many(domain.tag(f"orders:{n}"), kernels.FrVec(n), n).to_limbs()
    return out


def _by_class(ledger: Ledger, accounts: Index) -> Iterator[tuple[int, Index]]:
    """Each size class that occurs, with the places in `accounts` of those that have it."""
    classes = ledger.size_classes[accounts]
    for n in SIZE_CLASSES:
        places = np.flatnonzero(classes == n)
        if len(places):
            yield n, places


def packed_rows(rows: RowColumns, source: Index | slice = slice(None)) -> ByteMatrix:
    """Entries of the columns as they stand in a record plaintext, one a line."""
    columns = (rows.instrument, rows.isolated, rows.amount, rows.entry_high, rows.entry_low, rows.funding)
    return np.concatenate([big_endian(column[source]) for column in columns], axis=1)


def packed_orders(orders: OrderColumns, source: Index | slice = slice(None)) -> ByteMatrix:
    """Entries of the columns as they stand in a record plaintext, one a line."""
    columns = (orders.instrument, orders.side, orders.price, orders.size)
    return np.concatenate([big_endian(column[source]) for column in columns], axis=1)


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
    at = _entries(ledger.rows.start, accounts)
    matrix = np.zeros((len(accounts), n, codec.ROW_BYTES), np.uint8)
    matrix[at.account, at.slot] = packed_rows(ledger.rows, at.source)
    out[:, codec.HEAD_BYTES : rows_end] = matrix.reshape(len(accounts), -1)

    at = _entries(ledger.orders.start, accounts)
    matrix = np.zeros((len(accounts), n, codec.ORDER_BYTES), np.uint8)
    matrix[at.account, at.slot] = packed_orders(ledger.orders, at.source)
    out[:, rows_end:] = matrix.reshape(len(accounts), -1)
    return out
