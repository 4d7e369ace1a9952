"""A light client's state in one file that survives a kill: written beside its place, flushed, and renamed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from zkstate.atomic import replace_file
from zkstate.errors import DisagreementError, EncodingError
from zkstate.publication.regular import read_below

from .forks import ROWS, Chain, Fork, depth
from .ssz import Container, Uint
from .sync import LightClient
from .types import (
    EMPTY_HEADER,
    KEY_BYTES,
    ROOT,
    SIGNATURE_BYTES,
    Bootstrap,
    Header,
    SyncAggregate,
    SyncCommittee,
    Update,
    formats,
)

MAGIC = b"zkstate light client 2\n"
_CHECKSUM = 32


@dataclass(frozen=True, slots=True)
class _Stored:
    genesis_validators_root: bytes
    checkpoint: bytes
    previous_participants: int
    current_participants: int
    finalized: Header
    optimistic: Header
    current: SyncCommittee
    following: SyncCommittee
    best: Update


def nobody(chain: Chain) -> SyncCommittee:
    """What stands for an absent committee."""
    return SyncCommittee(bytes(KEY_BYTES * chain.committee_size), bytes(KEY_BYTES))


def nothing(chain: Chain) -> Update:
    """What stands for an absent update."""
    return Update(EMPTY_HEADER, SyncAggregate((False,) * chain.committee_size, bytes(SIGNATURE_BYTES)), 0)


def latest_form(update: Update, chain: Chain) -> Update:
    """The update as the latest fork has it: zeros for what it lacks, and before branches that were shorter."""
    row = ROWS[Fork.FULU]
    return replace(
        update,
        next_sync_committee=update.next_sync_committee or nobody(chain),
        next_sync_committee_branch=_padded(update.next_sync_committee_branch, row.next_sync_committee),
        finality_branch=_padded(update.finality_branch, row.finalized_root),
    )


def encode_update(update: Update, chain: Chain) -> bytes:
    """SSZ of an update in the latest fork's form."""
    return formats(Fork.FULU, chain.committee_size).update.encode(latest_form(update, chain))


def latest_bootstrap(bootstrap: Bootstrap) -> Bootstrap:
    """The same of a bootstrap."""
    gindex = ROWS[Fork.FULU].current_sync_committee
    return replace(bootstrap, current_sync_committee_branch=_padded(bootstrap.current_sync_committee_branch, gindex))


def _padded(branch: bytes, gindex: int) -> bytes:
    return branch.rjust(32 * depth(gindex), b"\0")


def _format(chain: Chain) -> Container:
    """Every object in the form of the latest fork, what is absent as zeros."""
    kinds = formats(Fork.FULU, chain.committee_size)
    return Container(
        _Stored,
        (
            ("genesis_validators_root", ROOT),
            ("checkpoint", ROOT),
            ("previous_participants", Uint(8)),
            ("current_participants", Uint(8)),
            ("finalized", kinds.header),
            ("optimistic", kinds.header),
            ("current", kinds.committee),
            ("following", kinds.committee),
            ("best", kinds.update),
        ),
    )


def encode(client: LightClient) -> bytes:
    """Magic, SHA-256 of the rest, and the state as SSZ."""
    chain = client.chain
    stored = _Stored(
        chain.genesis_validators_root,
        client.checkpoint,
        client.previous_participants,
        client.current_participants,
        client.finalized,
        client.optimistic,
        client.current,
        client.following or nobody(chain),
        latest_form(client.best or nothing(chain), chain),
    )
    body = _format(client.chain).encode(stored)
    return MAGIC + hashlib.sha256(body).digest() + body


def decode(data: bytes, chain: Chain, what: str = "the state") -> LightClient:
    """The inverse of encode. EncodingError for damaged bytes, DisagreementError for the state of another chain."""
    if data[: len(MAGIC)] != MAGIC:
        raise EncodingError(f"{what} is no light client's state of version 2")
    checksum, body = data[len(MAGIC) : len(MAGIC) + _CHECKSUM], data[len(MAGIC) + _CHECKSUM :]
    if hashlib.sha256(body).digest() != checksum:
        raise EncodingError(f"{what} is damaged: its checksum is {checksum.hex()}")
    stored: _Stored = _format(chain).decode(body, what)
    if stored.genesis_validators_root != chain.genesis_validators_root:
        raise DisagreementError(
            f"{what} is of the chain {stored.genesis_validators_root.hex()}, "
            f"wanted {chain.genesis_validators_root.hex()}"
        )
    participants = max(stored.previous_participants, stored.current_participants)
    if participants > chain.committee_size:
        raise EncodingError(f"{what} counts {participants} participants of a committee of {chain.committee_size}")
    return LightClient(
        chain,
        stored.finalized,
        stored.current,
        stored.following if any(stored.following.pubkeys) else None,
        stored.optimistic,
        stored.best if stored.best.sync_aggregate.participants else None,
        stored.previous_participants,
        stored.current_participants,
        stored.checkpoint,
    )


def maximum(chain: Chain) -> int:
    """Bytes of the longest state of a chain."""
    return len(MAGIC) + _CHECKSUM + _format(chain).maximum


def save(path: Path, client: LightClient) -> None:
    """Replace the file in one step. EnvironmentFailure if the disk refuses; the old state then stands."""
    replace_file(path, encode(client))


def load(path: Path, chain: Chain) -> LightClient:
    """From a file that `save` wrote. Errors name it: those of decode, MissingError if there is none, SourceError if it
    is a link or no regular file, longer than any state, or not to be read.
    """
    return decode(read_below(path.parent, path.name, maximum(chain)), chain, str(path))
