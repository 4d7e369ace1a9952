"""The journals of all accounts since the epoch before, by columns: their heads, and what each owner is sent.

Agrees with `journal.py` entry by entry; numpy lays limbs and bytes out and the core hashes, the k-th entries of all
accounts at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zkstate import kernels
from zkstate.errors import LedgerError, LengthError
from zkstate.state import journal
from zkstate.state.journal import ENTRY_BYTES, ENTRY_TAG, MAX_ENTRIES, SEGMENT_HEAD_BYTES, Entry, Segment
from zkstate.state.limbs import LIMBS, ByteMatrix, Limbs, big_endian, byte_limbs, limb_bytes

Index = NDArray[np.int64]

_BLOCK_BYTES = 16 << 20
_BLOCK_HASHES = 1 << 17
_TOP = np.uint64(1 << 63)
_I96_HIGH = np.uint64(1 << 31)
_LOW32 = np.uint64((1 << 32) - 1)


@dataclass(frozen=True, slots=True)
class JournalColumns:
    """New entries: account i has start[i] .. start[i+1]-1, in order. value and fee = high * 2^64 + low.

    `heads` are (n, 32) big-endian bytes and `lengths` counts, both of what came before the new entries.
    """

    heads: ByteMatrix
    lengths: NDArray[np.uint64]
    start: Index
    kind: NDArray[np.uint8]
    instrument: NDArray[np.uint16]
    amount: NDArray[np.int64]
    value_high: NDArray[np.int64]
    value_low: NDArray[np.uint64]
    fee_high: NDArray[np.int64]
    fee_low: NDArray[np.uint64]
    time: NDArray[np.uint64]
    price: NDArray[np.uint64]
    _new_heads: list[ByteMatrix] = field(default_factory=list, init=False, repr=False, compare=False)  # once asked for

    def __post_init__(self) -> None:
        n = len(self.start) - 1
        if self.heads.shape != (n, 32) or self.lengths.shape != (n,):
            raise LengthError(f"{len(self.lengths)} journal lengths and {len(self.heads)} heads for {n} accounts")
        if (most := int(self.counts.max(initial=0))) > MAX_ENTRIES:
            raise LengthError(f"{most} entries of one account in one epoch; at most {MAX_ENTRIES} can be published")

    @property
    def counts(self) -> Index:
        """New entries of each account."""
        return np.diff(self.start)

    @property
    def new_lengths(self) -> NDArray[np.uint64]:
        """Lengths with the new entries."""
        return self.lengths + self.counts.astype(np.uint64)

    def segment(self, account: int) -> Segment:
        """The new entries of one account, after what came before."""
        entries = tuple(
            Entry(
                int(self.kind[i]),
                int(self.instrument[i]),
                int(self.amount[i]),
                (int(self.value_high[i]) << 64) + int(self.value_low[i]),
                (int(self.fee_high[i]) << 64) + int(self.fee_low[i]),
                int(self.time[i]),
                int(self.price[i]),
            )
            for i in range(int(self.start[account]), int(self.start[account + 1]))
        )
        return Segment(int.from_bytes(self.heads[account].tobytes()), int(self.lengths[account]), entries)

    def new_heads(self) -> ByteMatrix:
        """Heads with the new entries, (n, 32) big-endian bytes; the same array to all who ask."""
        if not self._new_heads:
            self._new_heads.append(self._hashed())
        return self._new_heads[0]

    def _hashed(self) -> ByteMatrix:
        busiest = np.argsort(-self.counts, kind="stable")
        ordered = self.counts[busiest]
        heads = byte_limbs(self.heads)[busiest]
        for k in range(int(ordered.max(initial=0))):
            active = int(np.searchsorted(-ordered, -k))  # those with more than k entries come first
            for first in range(0, active, _BLOCK_HASHES):
                part = slice(first, min(active, first + _BLOCK_HASHES))
                accounts = busiest[part]
                elements = self._elements(self.start[accounts] + k, self.lengths[accounts] + np.uint64(k))
                before = kernels.FrVec.from_limbs(heads[part])
                tags = before + kernels.FrVec.from_ints([ENTRY_TAG]).repeated(len(accounts))
                vector = kernels.FrVec.from_limbs(elements.reshape(-1, LIMBS))
                heads[part] = kernels.poseidon_many(tags, vector, 3).to_limbs()
        out = np.empty_like(heads)
        out[busiest] = heads
        return limb_bytes(out)

    def _elements(self, at: Index, sequence: NDArray[np.uint64]) -> Limbs:
        """The three elements of the entries at these places, as canonical limbs of shape (m, 3, 4)."""
        limbs = np.zeros((len(at), 3, LIMBS), np.uint64)
        limbs[:, 0, 0] = self.amount[at].view(np.uint64) ^ _TOP
        kind = self.kind[at].astype(np.uint64)
        low = (kind << np.uint64(16)) | self.instrument[at]  # 20 bits, below the 64 of the sequence
        limbs[:, 0, 1] = low | (sequence << np.uint64(20))
        limbs[:, 0, 2] = sequence >> np.uint64(44)
        fee_high = (self.fee_high[at].view(np.uint64) + _I96_HIGH) & _LOW32
        value_low, value_high = self.value_low[at], self.value_high[at].view(np.uint64) ^ _TOP
        limbs[:, 1, 0] = self.fee_low[at]
        limbs[:, 1, 1] = fee_high | (value_low << np.uint64(32))
        limbs[:, 1, 2] = (value_low >> np.uint64(32)) | (value_high << np.uint64(32))
        limbs[:, 1, 3] = value_high >> np.uint64(32)
        limbs[:, 2, 0] = self.price[at]
        limbs[:, 2, 1] = self.time[at]
        return limbs

    def plaintexts(self, accounts: Index) -> Iterator[tuple[int, Index, ByteMatrix]]:
        """What owners are sent, by class: (class, places in `accounts`, one plaintext per row), some 16 MiB each.

        Accounts without new entries are left out.
        """
        counts = self.counts[accounts]
        codes = np.array([journal.entry_class(1 << k) for k in range(17)], np.uint8)
        by_account = codes[np.ceil(np.log2(np.maximum(counts, 1))).astype(np.int64)]
        for code in np.unique(by_account[counts > 0]).tolist():
            chosen = np.flatnonzero((by_account == code) & (counts > 0))
            step = max(1, _BLOCK_BYTES // journal.plaintext_bytes(code))
            for first in range(0, len(chosen), step):
                part = chosen[first : first + step]
                yield code, part, self._plaintexts(accounts[part], code)

    def _plaintexts(self, accounts: Index, code: int) -> ByteMatrix:
        out = np.zeros((len(accounts), journal.plaintext_bytes(code)), np.uint8)
        counts = self.counts[accounts]
        out[:, 0:32] = self.heads[accounts]
        out[:, 32:40] = big_endian(self.lengths[accounts])
        out[:, 40:SEGMENT_HEAD_BYTES] = big_endian(counts.astype(np.uint32))
        account = np.repeat(np.arange(len(accounts)), counts)
        slot = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        at = np.repeat(self.start[accounts], counts) + slot
        columns = (
            self.kind, self.instrument, self.amount, self.value_high, self.value_low,
            self.fee_high.astype(np.int32), self.fee_low, self.time, self.price,
        )  # fmt: skip
        matrix = np.zeros((len(accounts), 1 << 2 * code, ENTRY_BYTES), np.uint8)
        matrix[account, slot] = np.concatenate([big_endian(column[at]) for column in columns], axis=1)
        out[:, SEGMENT_HEAD_BYTES:] = matrix.reshape(len(accounts), -1)
        return out


def journal_columns(
    account: Index,
    accounts: int,
    columns: Sequence[NDArray[np.generic]],
    before: tuple[ByteMatrix, NDArray[np.uint64]] | None = None,
) -> JournalColumns:
    """Entries in the order of their events, from the columns of `JournalColumns` in its order, `kind` first.

    `before` are heads and lengths of the accounts; without it all journals begin here.
    """
    order = np.argsort(account, kind="stable")
    sorted_account = account[order]
    kinds = (np.uint8, np.uint16, np.int64, np.int64, np.uint64, np.int64, np.uint64, np.uint64, np.uint64)
    heads, lengths = before or (np.zeros((accounts, 32), np.uint8), np.zeros(accounts, np.uint64))
    start = np.searchsorted(sorted_account, np.arange(accounts + 1)).astype(np.int64)
    typed = [column[order].astype(kind) for column, kind in zip(columns, kinds, strict=True)]
    return JournalColumns(heads, lengths, start, *typed)


def no_entries(heads: ByteMatrix, lengths: NDArray[np.uint64]) -> JournalColumns:
    """Journals to which nothing is added."""
    return journal_columns(np.zeros(0, np.int64), len(lengths), [np.zeros(0, np.uint64)] * 9, (heads, lengths))


def check_times(columns: JournalColumns, names: Sequence[str], after: int | None, until: int) -> None:
    """LedgerError unless the times of each account never fall, and all lie in (after, until]."""
    account = np.repeat(np.arange(len(columns.counts)), columns.counts)
    falls = np.flatnonzero((account[1:] == account[:-1]) & (columns.time[1:] < columns.time[:-1]))
    late = np.flatnonzero(columns.time > np.uint64(until))
    early = np.flatnonzero(columns.time <= np.uint64(after)) if after is not None else np.zeros(0, np.int64)
    for at, what in ((falls + 1, "before the entry above it"), (late, f"after the state's, {until}")):
        if len(at):
            raise LedgerError(f"account {names[account[at[0]]]!r}: an entry of time {columns.time[at[0]]}, {what}")
    if len(early):
        at0 = early[0]
        raise LedgerError(
            f"account {names[account[at0]]!r}: an entry of time {columns.time[at0]} belongs in an epoch before, "
            f"the last of which is of {after}"
        )
