"""The records and journals of an epoch, sealed: one key agreement an account, on as many processes as are allowed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from zkstate.errors import EncodingError, LedgerError
from zkstate.publication.processes import spread
from zkstate.publication.progress import Progress, silent
from zkstate.publication.records import Block, Sealer, agree
from zkstate.state import tree
from zkstate.state.computed import Index, Known
from zkstate.state.ledger import Ledger
from zkstate.state.limbs import ByteMatrix

_REPORT_EVERY = 1024
_SHARE = 4096  # view keys
_NOTHING_WRITTEN = "nothing was written"


def agree_all(
    ledger: Ledger, private: X25519PrivateKey, known: Known, progress: Progress = silent, jobs: int = 1
) -> tuple[ByteMatrix, int]:
    """What the record key shares with the view key of each account, a line each, and how many of these were known.

    `known` holds by view key what an earlier epoch with this record key computed. Errors: LedgerError names an account
    whose view key cannot share a secret, DisagreementError if what is known is wrong.
    """
    view_keys = ledger.keys()[1]

    def compute(places: Index) -> ByteMatrix:
        found = np.empty((len(places), 32), np.uint8)
        shares = [(at, view_keys[places[at : at + _SHARE]]) for at in range(0, len(places), _SHARE)]
        done: Iterator[tuple[int, ByteMatrix]] = (
            ((at, _agree(private, share)) for at, share in shares)
            if jobs == 1 or len(shares) <= jobs
            else spread(jobs, _begin_agreeing, (private.private_bytes_raw(),), _agree_share, shares, _NOTHING_WRITTEN)
        )
        count = 0
        for at, share in done:
            found[at : at + len(share)] = share
            count += len(share)
            progress("agree on keys", count, len(places))
        return found

    try:
        return known.values_of(view_keys, compute, "record-secrets.bin")
    except EncodingError:
        _name_unusable(ledger, private)
        raise


def _agree(private: X25519PrivateKey, view_keys: ByteMatrix) -> ByteMatrix:
    shared = b"".join(agree(private, view_key.tobytes()) for view_key in view_keys)
    return np.frombuffer(shared, np.uint8).reshape(-1, 32)


def _name_unusable(ledger: Ledger, private: X25519PrivateKey) -> None:
    for name, view_key in zip(ledger.names, ledger.keys()[1], strict=True):
        try:
            agree(private, view_key.tobytes())
        except EncodingError as error:
            raise LedgerError(f"view key of account {name!r}: {error}") from error


def seal_records(
    ledger: Ledger,
    accounts: tree.AccountsTree,
    shared: ByteMatrix,
    sealer: Sealer,
    progress: Progress = silent,
    jobs: int = 1,
) -> list[bytes]:
    """The sealed entry of every account, sorted by tag, the same on any number of processes. `shared`: `agree_all`."""
    entries: list[bytes] = []
    blocks = _blocks(ledger, accounts, shared)
    done = (
        map(sealer.seal_block, blocks)
        if jobs == 1
        else spread(jobs, _begin_sealing, (sealer.state_root,), _seal, ((block,) for block in blocks), _NOTHING_WRITTEN)
    )
    for sealed in done:
        entries += sealed
        progress("seal records", len(entries), len(accounts))
    entries.sort()
    return entries


def _blocks(ledger: Ledger, accounts: tree.AccountsTree, shared: ByteMatrix) -> Iterator[Block]:
    leaves = np.frombuffer(accounts.leaves.to_bytes(), np.uint8).reshape(-1, 32)
    for size_class, positions, plaintexts in accounts.records(ledger):
        yield size_class, shared[accounts.accounts[positions]], leaves[positions], plaintexts


_PRIVATE: list[X25519PrivateKey] = []  # of a process
_SEALER: list[Sealer] = []  # of a process


def _begin_agreeing(private: bytes) -> None:
    _PRIVATE.append(X25519PrivateKey.from_private_bytes(private))


def _agree_share(at: int, view_keys: ByteMatrix) -> tuple[int, ByteMatrix]:
    return at, _agree(_PRIVATE[0], view_keys)


def _begin_sealing(state_root: int) -> None:
    _SEALER.append(Sealer(state_root))


def _seal(block: Block) -> list[bytes]:
    return _SEALER[0].seal_block(block)


def seal_journals(ledger: Ledger, shared: ByteMatrix, sealer: Sealer, progress: Progress = silent) -> list[bytes]:
    """The sealed new entries of every account that has any, sorted by tag."""
    if ledger.journal is None:
        return []
    entries: list[bytes] = []
    for code, accounts, plaintexts in ledger.journal.plaintexts(np.arange(len(ledger))):
        for account, plaintext in zip(accounts.tolist(), plaintexts, strict=True):
            entries.append(sealer.seal(shared[account].tobytes(), code, b"", plaintext.tobytes()))
            if len(entries) % _REPORT_EVERY == 0:
                progress("seal journals", len(entries), len(ledger))
    entries.sort()
    return entries
