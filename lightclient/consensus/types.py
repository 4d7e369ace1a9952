"""The containers of the light client protocol, for every fork, in one form: what a fork lacks is None or empty.

Source: consensus-specs, specs/<fork>/light-client/sync-protocol.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from .forks import EXECUTION_PAYLOAD_GINDEX, ROWS, Chain, Fork, ForkRow, depth
from .ssz import Bits, ByteList, Bytes, Container, Rows, Type, Uint, merkleize

ROOT = Bytes(32)
_U64 = Uint(8)
KEY_BYTES, SIGNATURE_BYTES = 48, 96


@dataclass(frozen=True, slots=True)
class BeaconHeader:
    """BeaconBlockHeader."""

    slot: int
    proposer_index: int
    parent_root: bytes
    state_root: bytes
    body_root: bytes

    @property
    def root(self) -> bytes:
        return BEACON_HEADER.root(self)


BEACON_HEADER = Container(
    BeaconHeader,
    (("slot", _U64), ("proposer_index", _U64), ("parent_root", ROOT), ("state_root", ROOT), ("body_root", ROOT)),
)


@dataclass(frozen=True, slots=True)
class ExecutionHeader:
    """ExecutionPayloadHeader; the blob fields are 0 where a fork has none."""

    parent_hash: bytes
    fee_recipient: bytes
    state_root: bytes
    receipts_root: bytes
    logs_bloom: bytes
    prev_randao: bytes
    block_number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    base_fee_per_gas: int
    block_hash: bytes
    transactions_root: bytes
    withdrawals_root: bytes
    blob_gas_used: int = 0
    excess_blob_gas: int = 0


@cache
def execution_header(blob_gas: bool) -> Container:
    fields: tuple[tuple[str, Type], ...] = (
        ("parent_hash", ROOT),
        ("fee_recipient", Bytes(20)),
        ("state_root", ROOT),
        ("receipts_root", ROOT),
        ("logs_bloom", Bytes(256)),
        ("prev_randao", ROOT),
        ("block_number", _U64),
        ("gas_limit", _U64),
        ("gas_used", _U64),
        ("timestamp", _U64),
        ("extra_data", ByteList(32)),
        ("base_fee_per_gas", Uint(32)),
        ("block_hash", ROOT),
        ("transactions_root", ROOT),
        ("withdrawals_root", ROOT),
    )
    return Container(
        ExecutionHeader, (*fields, ("blob_gas_used", _U64), ("excess_blob_gas", _U64)) if blob_gas else fields
    )


_HASH = bytes(32)
EMPTY_EXECUTION = ExecutionHeader(
    parent_hash=_HASH,
    fee_recipient=bytes(20),
    state_root=_HASH,
    receipts_root=_HASH,
    logs_bloom=bytes(256),
    prev_randao=_HASH,
    block_number=0,
    gas_limit=0,
    gas_used=0,
    timestamp=0,
    extra_data=b"",
    base_fee_per_gas=0,
    block_hash=_HASH,
    transactions_root=_HASH,
    withdrawals_root=_HASH,
)
EMPTY_BEACON = BeaconHeader(0, 0, bytes(32), bytes(32), bytes(32))
_EXECUTION_DEPTH = depth(EXECUTION_PAYLOAD_GINDEX)


@dataclass(frozen=True, slots=True)
class Header:
    """LightClientHeader; before Capella without an execution header, which is then the empty one."""

    beacon: BeaconHeader
    execution: ExecutionHeader = EMPTY_EXECUTION
    execution_branch: bytes = bytes(32 * _EXECUTION_DEPTH)

    @property
    def slot(self) -> int:
        return self.beacon.slot

    @property
    def is_empty(self) -> bool:
        return self == EMPTY_HEADER


EMPTY_HEADER = Header(EMPTY_BEACON)


@dataclass(frozen=True, slots=True)
class SyncCommittee:
    """The keys of a period as one string of bytes, and their aggregate."""

    pubkeys: bytes
    aggregate_pubkey: bytes

    @property
    def root(self) -> bytes:
        """Of a tree of a thousand hashes, kept for the last few committees."""
        return _committee_root(self)


@lru_cache(maxsize=8)
def _committee_root(of: SyncCommittee) -> bytes:
    return committee(len(of.pubkeys) // KEY_BYTES).root(of)


@cache
def committee(size: int) -> Container:
    return Container(SyncCommittee, (("pubkeys", Rows(KEY_BYTES, size)), ("aggregate_pubkey", Bytes(KEY_BYTES))))


@dataclass(frozen=True, slots=True)
class SyncAggregate:
    """Who signed, and the signature."""

    sync_committee_bits: tuple[bool, ...]
    sync_committee_signature: bytes

    @property
    def participants(self) -> int:
        return sum(self.sync_committee_bits)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """LightClientBootstrap."""

    header: Header
    current_sync_committee: SyncCommittee
    current_sync_committee_branch: bytes


@dataclass(frozen=True, slots=True)
class Update:
    """LightClientUpdate; one of finality alone has no next committee, an optimistic one no finalized header either."""

    attested_header: Header
    sync_aggregate: SyncAggregate
    signature_slot: int
    next_sync_committee: SyncCommittee | None = None
    next_sync_committee_branch: bytes = b""
    finalized_header: Header = EMPTY_HEADER
    finality_branch: bytes = b""

    @property
    def has_next_committee(self) -> bool:
        return any(self.next_sync_committee_branch)

    @property
    def has_finality(self) -> bool:
        return any(self.finality_branch)


def _header(row: ForkRow) -> Container:
    fields: tuple[tuple[str, Type], ...] = (("beacon", BEACON_HEADER),)
    if row.execution:
        fields += (("execution", execution_header(row.blob_gas)), ("execution_branch", Rows(32, _EXECUTION_DEPTH)))
    return Container(Header, fields)


@dataclass(frozen=True, slots=True)
class Formats:
    """The containers of one fork and one size of committee."""

    header: Container
    committee: Container
    aggregate: Container
    bootstrap: Container
    update: Container
    finality_update: Container
    optimistic_update: Container


@cache
def formats(fork: Fork, size: int) -> Formats:
    """What nodes send for objects of `fork`, with committees of `size` keys."""
    row = ROWS[fork]
    header, keys = _header(row), committee(size)
    aggregate = Container(
        SyncAggregate,
        (("sync_committee_bits", Bits(size)), ("sync_committee_signature", Bytes(SIGNATURE_BYTES))),
    )
    bootstrap = Container(
        Bootstrap,
        (
            ("header", header),
            ("current_sync_committee", keys),
            ("current_sync_committee_branch", Rows(32, depth(row.current_sync_committee))),
        ),
    )
    attested = ("attested_header", header)
    following = (
        ("next_sync_committee", keys),
        ("next_sync_committee_branch", Rows(32, depth(row.next_sync_committee))),
    )
    finality = (("finalized_header", header), ("finality_branch", Rows(32, depth(row.finalized_root))))
    signed = (("sync_aggregate", aggregate), ("signature_slot", _U64))
    return Formats(
        header,
        keys,
        aggregate,
        bootstrap,
        Container(Update, (attested, *following, *finality, *signed)),
        Container(Update, (attested, *finality, *signed)),
        Container(Update, (attested, *signed)),
    )


def nodes(branch: bytes) -> list[bytes]:
    """The nodes of a branch."""
    return [branch[i : i + 32] for i in range(0, len(branch), 32)]


def execution_root(header: Header, chain: Chain) -> bytes:
    """The root of the execution payload header of a header, zero before Capella."""
    row = ROWS[chain.fork_at(header.slot)]
    return execution_header(row.blob_gas).root(header.execution) if row.execution else bytes(32)


def signing_root(header: BeaconHeader, domain: bytes) -> bytes:
    """compute_signing_root."""
    return merkleize([header.root, domain], 2)
