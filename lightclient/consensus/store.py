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
from .types import EMPTY_HEADER, KEY_BYTES, ROOT, SIGNATURE_BYTES, Header, SyncAggregate, SyncCommittee, Update, formats

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
    size = client.chain.committee_size
    nobody = SyncCommittee(bytes(KEY_BYTES * size), bytes(KEY_BYTES))
    nothing = Update(EMPTY_HEADER, SyncAggregate((False,) * size, bytes(SIGNATURE_BYTES)), 0)
    best = client.best or nothing
    row = ROWS[Fork.FULU]
    stored = _Stored(
        client.chain.genesis_validators_root,
        client.checkpoint,
        client.previous_participants,
        client.current_participants,
        client.finalized,
        client.optimistic,
        client.current,
        client.following or nobody,
        replace(
            best,
            next_sync_committee=best.next_sync_committee or nobody,
            next_sync_committee_branch=best.next_sync_committee_branch.rjust(
                32 * depth(row.next_sync_committee), b"\0"
            ),
            finality_branch=best.finality_branch.rjust(32 * depth(row.finalized_root), b"\0"),
        ),
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
