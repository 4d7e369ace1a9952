"""Where the histories of a venue stood after an epoch: what the next epoch's entries continue (docs/architecture.md).

"zkstate heads v1" ‖ state_root[32] ‖ n × (owner[32] ‖ head[32] ‖ length u64), by owner, accounts with a history only
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import DisagreementError, EncodingError, LedgerError, LengthError
from zkstate.kernels import FR_MODULUS
from zkstate.state import wide
from zkstate.state.journal_columns import check_times, no_entries
from zkstate.state.ledger import MAX_ACCOUNTS, Ledger
from zkstate.state.limbs import ByteMatrix, big_endian

_MAGIC = b"zkstate heads v1"
_START, _RECORD = len(_MAGIC) + 32, 72
MAX_HEADS_BYTES = _START + MAX_ACCOUNTS * _RECORD


@dataclass(frozen=True, slots=True)
class Heads:
    """Owners in rising order with the head and length of each history, all of the state with this root."""

    state_root: int
    owners: ByteMatrix
    heads: ByteMatrix
    lengths: NDArray[np.uint64]

    def encode(self) -> bytes:
        """The file."""
        body = np.concatenate([self.owners, self.heads, big_endian(self.lengths)], axis=1)
        return _MAGIC + self.state_root.to_bytes(32) + body.tobytes()

    @classmethod
    def decode(cls, data: bytes) -> Heads:
        """Read a file. LengthError, EncodingError unless it is the one encoding of such heads."""
        if not data.startswith(_MAGIC) or len(data) < _START or (len(data) - _START) % _RECORD:
            raise LengthError(f"history heads: {len(data)} bytes that are no whole file of {_MAGIC.decode()!r}")
        body = np.frombuffer(data, np.uint8, offset=_START).reshape(-1, _RECORD)
        owners, heads = body[:, :32].copy(), body[:, 32:64].copy()
        lengths = body[:, 64:].copy().view(">u8").astype(np.uint64).reshape(-1)
        if not wide.below(owners, FR_MODULUS).all() or not wide.below(heads, FR_MODULUS).all():
            raise EncodingError("history heads: an owner or a head is not below the field's modulus")
        if not lengths.all() or not heads.any(axis=1).all():
            raise EncodingError("history heads: a history of no entries")
        order = _sorted(owners)
        if (order != np.arange(len(order))).any() or _equal_neighbours(owners).any():
            raise EncodingError("history heads: the owners do not strictly increase")
        return cls(int.from_bytes(data[len(_MAGIC) : _START]), owners, heads, lengths)


def heads_of(ledger: Ledger, state_root: int) -> Heads:
    """Where the histories stand after a ledger's entries."""
    owners = ledger.keys()[0]
    if ledger.journal is None:
        return Heads(state_root, owners[:0], owners[:0], np.zeros(0, np.uint64))
    lengths = ledger.journal.new_lengths
    kept = np.flatnonzero(lengths)
    kept = kept[_sorted(owners[kept])]
    return Heads(state_root, owners[kept], ledger.journal.new_heads()[kept], lengths[kept])


def continued(ledger: Ledger, before: Heads | None, previous: tuple[int, int] | None) -> Ledger:
    """The ledger with each history continued from where the epoch before left it.

    `previous` is (state root, time) of that epoch, None for the first. Without `before` a ledger is believed about the
    heads it states. Errors: DisagreementError if `before` is of another state; LedgerError for an account that states
    another history than it had, or an entry whose time is not of this epoch.
    """
    if before is not None and (previous is None or before.state_root != previous[0]):
        stated = "none" if previous is None else f"{previous[0]:#066x}"
        raise DisagreementError(
            f"the history heads are of state {before.state_root:#066x}, the last header of {stated}"
        )
    journal = ledger.journal
    if before is not None and len(before.lengths):
        heads, lengths = np.zeros((len(ledger), 32), np.uint8), np.zeros(len(ledger), np.uint64)
        here, there = _matches(ledger.keys()[0], before.owners)
        heads[here], lengths[here] = before.heads[there], before.lengths[there]
        if journal is None:
            journal = no_entries(heads, lengths)
        else:
            _check_stated(ledger, heads, lengths)
            journal = replace(journal, heads=heads, lengths=lengths)
    elif before is not None and journal is not None:
        _check_stated(ledger, journal.heads[:0], np.zeros(len(ledger), np.uint64))
    if journal is not None:
        check_times(journal, ledger.names, None if previous is None else previous[1], ledger.time)
    return replace(ledger, journal=journal)


def _check_stated(ledger: Ledger, heads: ByteMatrix, lengths: NDArray[np.uint64]) -> None:
    """LedgerError if an account states a history, and it is not the one it had."""
    assert ledger.journal is not None
    stated = ledger.journal.lengths
    wrong = (stated != 0) & (stated != lengths)
    if len(heads):
        wrong |= (stated != 0) & (ledger.journal.heads != heads).any(axis=1)
    if wrong.any():
        i = int(wrong.argmax())
        raise LedgerError(
            f"account {ledger.names[i]!r} states a history of {stated[i]} entries, and the epoch before left it with "
            f"{lengths[i]}" + ("" if stated[i] != lengths[i] else " and another head")
        )


def _words(owners: ByteMatrix) -> NDArray[np.uint64]:
    return np.ascontiguousarray(owners).view(">u8").astype(np.uint64)


def _sorted(owners: ByteMatrix) -> NDArray[np.int64]:
    words = _words(owners)
    return np.lexsort((words[:, 3], words[:, 2], words[:, 1], words[:, 0]))


def _equal_neighbours(owners: ByteMatrix) -> NDArray[np.bool_]:
    return np.asarray((owners[1:] == owners[:-1]).all(axis=1))


def _matches(left: ByteMatrix, right: ByteMatrix) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places in `left` and in `right` of the owners in both; each has none twice."""
    both = np.concatenate([left, right])
    order = _sorted(both)
    pairs = np.flatnonzero(_equal_neighbours(both[order]))
    first, second = order[pairs], order[pairs + 1]
    return np.minimum(first, second), np.maximum(first, second) - len(left)
