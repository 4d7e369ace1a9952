"""The evidence bundle: one file that shows, without a network, which header a registry held in a finalized block.

    checkpoint → bootstrap → updates → finalized header → state root → account and storage proofs → epoch header

Nothing in it is believed but what its reader pins: the network, the checkpoint's block root, the registry's address.
It holds no secret. With the blobs that an epoch travelled in it holds the whole epoch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from zkstate.commitment.kzg import BLOB_BYTES
from zkstate.errors import DisagreementError, EncodingError, InputError
from zkstate.publication.blobs import MAX_BLOBS, blob_hash, blobs_root
from zkstate.publication.header import SignedHeader
from zkstate.publication.trust import Finality, Trust
from zkstate.registry.chain import ADDRESS_BYTES, WORD_BYTES, address_text

from .consensus.forks import Chain, Fork
from .consensus.store import encode_update, latest_bootstrap
from .consensus.sync import LightClient, UpdateError, apply_update, start, verify_age, verify_bootstrap, verify_update
from .consensus.types import Bootstrap, Update, formats
from .execution import rlp
from .execution.account import Account, verify_account_proof, verify_storage_proof
from .execution.mpt import EMPTY_ROOT
from .execution.proof import MAX_NODE_BYTES, MAX_NODES, ProvedState
from .finality import Finalized
from .registry_reader import RegistryProofs, RegistryState, evidence_slots, registry_state

MAGIC = b"zkstate evidence 2\n"
MAX_EVIDENCE_BYTES = 32 << 20  # three years of committees
MAX_UPDATES = 4096
MAX_CODE_BYTES = 24_576  # EIP-170
_CHECKSUM = 32
_FIELDS = 11


@dataclass(frozen=True, slots=True)
class Evidence:
    """What `replay` checks. `time`, in seconds since 1970, is when its maker says that it was made; `blobs` are all
    of the epoch's, in the registry's order, or none.
    """

    genesis_validators_root: bytes
    checkpoint: bytes
    time: int
    bootstrap: Bootstrap
    updates: tuple[Update, ...]
    registry: bytes
    proofs: RegistryProofs
    signed: SignedHeader
    blobs: tuple[bytes, ...] = ()

    def encode(self, chain: Chain) -> bytes:
        """Magic, SHA-256 of the rest, and one RLP list; objects of the consensus are SSZ in Fulu's form."""
        kinds = formats(Fork.FULU, chain.committee_size)
        body = rlp.encode(
            [
                self.genesis_validators_root,
                self.checkpoint,
                rlp.encode_uint(self.time),
                kinds.bootstrap.encode(latest_bootstrap(self.bootstrap)),
                [encode_update(update, chain) for update in self.updates],
                self.registry,
                list(self.proofs.account),
                [list(nodes) for nodes in self.proofs.storage],
                self.proofs.code,
                self.signed.encode(),
                list(self.blobs),
            ]
        )
        data = MAGIC + hashlib.sha256(body).digest() + body
        if len(data) > MAX_EVIDENCE_BYTES:
            raise InputError(
                f"evidence of {len(data)} bytes, at most {MAX_EVIDENCE_BYTES}: start from a younger checkpoint"
            )
        return data

    @classmethod
    def decode(cls, data: bytes, chain: Chain) -> Self:
        """The inverse. EncodingError for anything but canonical bytes; DisagreementError for another chain's."""
        parts = _parts(data)
        _, _, _, bootstrap, updates, _, account, storage, code, _, blobs = parts
        outline = Outline.of(parts)
        root = outline.genesis_validators_root
        if root != chain.genesis_validators_root:
            raise DisagreementError(
                f"the evidence is of the network with genesis validators {root.hex()}; {chain.name} has "
                f"{chain.genesis_validators_root.hex()}"
            )
        kinds = formats(Fork.FULU, chain.committee_size)
        return cls(
            root,
            outline.checkpoint,
            outline.time,
            kinds.bootstrap.decode(_bytes(bootstrap, "bootstrap"), "bootstrap"),
            tuple(
                kinds.update.decode(_bytes(one, f"update {i}"), f"update {i}")
                for i, one in enumerate(_list(updates, "updates", MAX_UPDATES))
            ),
            outline.registry,
            RegistryProofs(
                _nodes(account, "account proof"),
                tuple(_nodes(nodes, f"storage proof {i}") for i, nodes in enumerate(_list(storage, "storage", 64))),
                _bytes(code, "code", limit=MAX_CODE_BYTES),
            ),
            outline.signed,
            tuple(_bytes(blob, f"blob {i}", BLOB_BYTES) for i, blob in enumerate(_list(blobs, "blobs", MAX_BLOBS))),
        )


@dataclass(frozen=True, slots=True)
class Outline:
    """What evidence says of itself, of any network, with nothing checked but its form and the header's signature."""

    genesis_validators_root: bytes
    checkpoint: bytes
    time: int
    updates: int
    registry: bytes
    signed: SignedHeader
    blobs: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """EncodingError for another file, or a damaged one."""
        return cls.of(_parts(data))

    @classmethod
    def of(cls, parts: Sequence[Any]) -> Self:
        genesis, checkpoint, time, _, updates, registry, _, _, _, header, blobs = parts
        return cls(
            _bytes(genesis, "genesis validators root", WORD_BYTES),
            _bytes(checkpoint, "checkpoint", WORD_BYTES),
            rlp.decode_uint(time, 1 << 40, "evidence time"),
            len(_list(updates, "updates", MAX_UPDATES)),
            _bytes(registry, "registry", ADDRESS_BYTES),
            SignedHeader.decode(_bytes(header, "epoch header")),
            len(_list(blobs, "blobs", MAX_BLOBS)),
        )


def _parts(data: bytes) -> Sequence[Any]:
    """The fields of a bundle whose checksum holds."""
    if len(data) > MAX_EVIDENCE_BYTES:
        raise EncodingError(f"evidence of {len(data)} bytes, at most {MAX_EVIDENCE_BYTES}")
    if not data.startswith(MAGIC):
        raise EncodingError("not an evidence bundle of version 2")
    checksum, body = data[len(MAGIC) :][:_CHECKSUM], data[len(MAGIC) + _CHECKSUM :]
    if hashlib.sha256(body).digest() != checksum:
        raise EncodingError(f"the evidence is damaged: its checksum is {checksum.hex()}")
    items = rlp.decode_list(body, "evidence")
    if len(items) != _FIELDS:
        raise EncodingError(f"evidence: {len(items)} fields, not {_FIELDS}")
    return items


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the evidence shows: the header of an epoch that the registry held, its state then, and why to believe it."""

    signed: SignedHeader
    state: RegistryState
    trust: Trust
    made_at: int
    finality: Finality  # of the block that the state was proved in
    blobs_root: bytes | None  # the registry's word of the epoch's blobs, None if it came without any
    blobs: tuple[bytes, ...]  # all of them, or none
    blob_hashes: tuple[bytes, ...]

    @property
    def is_newest(self) -> bool:
        """Was the epoch the registry's newest in that block?"""
        return self.signed.header.epoch == self.state.latest_epoch


def replay(
    evidence: Evidence,
    chain: Chain,
    *,
    checkpoint: bytes,
    registry: bytes,
    now: float,
    max_checkpoint_age_s: float | None = None,
) -> Replayed:
    """Check every step from the reader's checkpoint down to the header, as of the time `now`.

    `now` bounds the age of the checkpoint: whoever judges old evidence as of an earlier time believes that nobody has
    bought the committees' keys since. Errors: DisagreementError naming the step that fails, or the pin that differs;
    StaleError for a checkpoint older than the limit, the chain's unless another is given; EncodingError for a malformed
    node.
    """
    for what, stated, pinned in (
        ("checkpoint", evidence.checkpoint, checkpoint),
        ("registry", evidence.registry, registry),
    ):
        if stated != pinned:
            raise DisagreementError(f"the evidence is about {what} 0x{stated.hex()}, and 0x{pinned.hex()} is expected")
    limit = chain.checkpoint_age_s if max_checkpoint_age_s is None else max_checkpoint_age_s
    client = _followed(evidence, chain, chain.slot_at(now), int(limit // chain.seconds_per_slot))
    finalized = Finalized.of(client, evidence.updates)
    if evidence.time < finalized.finality.time:
        raise DisagreementError(
            f"the evidence says it was made at {evidence.time}, and its last finalized slot began at "
            f"{finalized.finality.time}"
        )
    signed, block = evidence.signed, finalized.block
    *wanted, epoch_slot, blobs_slot = evidence_slots(signed.header.epoch, signed.header.hash)
    proved = _proved(block.state_root, registry, (*wanted, epoch_slot), evidence.proofs)
    state = registry_state(chain.chain_id, block, registry, proved, evidence.proofs.code)
    held = proved.words[epoch_slot].to_bytes(WORD_BYTES, "big")
    if held != signed.header.hash or not 0 < signed.header.epoch <= state.latest_epoch:
        raise DisagreementError(
            f"registry {address_text(registry)} holds {held.hex()} for epoch {signed.header.epoch} of "
            f"{state.latest_epoch}, and the header beside it has hash {signed.header.hash.hex()}"
        )
    assert proved.account is not None
    word = verify_storage_proof(proved.account.storage_root, blobs_slot, evidence.proofs.storage[-1])
    root, hashes = word.to_bytes(WORD_BYTES, "big"), tuple(map(blob_hash, evidence.blobs))
    if hashes and blobs_root(hashes) != root:
        raise DisagreementError(
            f"the blobs of the evidence hash to {blobs_root(hashes).hex()}, the registry has {root.hex()}"
        )
    where = f"proved against block {block.number}, hash 0x{block.hash.hex()}, of chain {chain.chain_id}"
    text = "; ".join([f"{finalized}", where, *state.remarks])
    finality = finalized.finality
    trust = Trust("a", text, block.number, block.hash, finality, block.timestamp)
    return Replayed(signed, state, trust, evidence.time, finality, root if word else None, evidence.blobs, hashes)


def _followed(evidence: Evidence, chain: Chain, slot: int, max_age_slots: int) -> LightClient:
    verify_bootstrap(evidence.bootstrap, evidence.checkpoint, chain)
    client = start(evidence.bootstrap, chain)
    verify_age(client.finalized, chain, slot, max_age_slots)
    for i, update in enumerate(evidence.updates):
        try:
            verify_update(client, update, slot)
        except UpdateError as error:
            raise UpdateError(f"update {i} of the evidence: {error}") from error
        client = apply_update(client, update)
    return client


def _proved(state_root: bytes, registry: bytes, wanted: Sequence[int], proofs: RegistryProofs) -> ProvedState:
    """The words wanted, after which one more is proved: of the blobs, whose slot depends on what the words say."""
    account: Account | None = verify_account_proof(state_root, registry, proofs.account)
    if len(proofs.storage) != len(wanted) + 1:
        raise DisagreementError(f"the evidence has {len(proofs.storage)} storage proofs, and {len(wanted) + 1} are due")
    root = EMPTY_ROOT if account is None else account.storage_root
    pairs = zip(wanted, proofs.storage, strict=False)
    return ProvedState(account, {slot: verify_storage_proof(root, slot, nodes) for slot, nodes in pairs})


def _bytes(item: rlp.Item, what: str, length: int | None = None, limit: int | None = None) -> bytes:
    if not isinstance(item, bytes):
        raise EncodingError(f"evidence: {what} is a list")
    if (length is not None and len(item) != length) or (limit is not None and len(item) > limit):
        raise EncodingError(f"evidence: {what} has {len(item)} bytes, and {length or f'at most {limit}'} are due")
    return item


def _list(item: rlp.Item, what: str, limit: int) -> list[Any]:
    if not isinstance(item, list) or len(item) > limit:
        raise EncodingError(f"evidence: {what} is no list of at most {limit}")
    return item


def _nodes(item: rlp.Item, what: str) -> tuple[bytes, ...]:
    nodes = enumerate(_list(item, what, MAX_NODES))
    return tuple(_bytes(node, f"{what} node {i}", limit=MAX_NODE_BYTES) for i, node in nodes)
