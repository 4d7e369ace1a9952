"""The records and journals of an epoch, sealed: one key agreement an account, on as many processes as are allowed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from zkstate.errors import EncodingError, LedgerError
from zkstate.publication.processes import spread
from zkstate.publication.progress import Progress, silent
from zkstate.publication.records import Block, Sealer
from zkstate.state import tree
from zkstate.state.ledger import Ledger

_REPORT_EVERY = 1024


def seal_records(
    ledger: Ledger, accounts: tree.AccountsTree, sealer: Sealer, progress: Progress = silent, jobs: int = 1
) -> list[bytes]:
    """The sealed entry of every account, sorted by tag, the same on any number of processes.

    LedgerError names an account whose view key cannot share a secret.
    """
    entries: list[bytes] = []
    blocks = _blocks(ledger, accounts)
    done = (
        map(sealer.seal_block, blocks)
        if jobs == 1
        else spread(jobs, _start, (sealer.private.private_bytes_raw(), sealer.venue, sealer.epoch), _seal,
                    ((block,) for block in blocks), "nothing was written")
    )  # fmt: skip
    try:
        for sealed in done:
            entries += sealed
            progress("seal records", len(entries), len(accounts))
    except EncodingError:
        _name_unusable(ledger, sealer)
        raise
    entries.sort()
    return entries


def _blocks(ledger: Ledger, accounts: tree.AccountsTree) -> Iterator[Block]:
    leaves = np.frombuffer(accounts.leaves.to_bytes(), np.uint8).reshape(-1, 32)
    view_keys = ledger.keys()[1]
    for size_class, positions, plaintexts in accounts.records(ledger):
        yield size_class, view_keys[accounts.accounts[positions]], leaves[positions], plaintexts


def _name_unusable(ledger: Ledger, sealer: Sealer) -> None:
    for name, view_key in zip(ledger.names, ledger.keys()[1], strict=True):
        try:
            sealer.secrets(view_key.tobytes())
        except EncodingError as error:
            raise LedgerError(f"view key of account {name!r}: {error}") from error


_SEALER: list[Sealer] = []  # of a process


def _start(private: bytes, venue: int, epoch: int) -> None:
    _SEALER.append(Sealer(X25519PrivateKey.from_private_bytes(private), venue, epoch))


def _seal(block: Block) -> list[bytes]:
    return _SEALER[0].seal_block(block)


def seal_journals(ledger: Ledger, sealer: Sealer, progress: Progress = silent) -> list[bytes]:
    """The sealed new entries of every account that has any, sorted by tag."""
    if ledger.journal is None:
        return []
    view_keys = ledger.keys()[1]
    entries: list[bytes] = []
    for code, accounts, plaintexts in ledger.journal.plaintexts(np.arange(len(ledger))):
        for account, plaintext in zip(accounts.tolist(), plaintexts, strict=True):
            entries.append(sealer.seal(view_keys[account].tobytes(), code, b"", plaintext.tobytes()))
            if len(entries) % _REPORT_EVERY == 0:
                progress("seal journals", len(entries), len(ledger))
    entries.sort()
    return entries
