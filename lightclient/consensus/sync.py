"""The sync protocol: what a light client believes after a checkpoint and signed updates, as pure functions.

`verify_*` raises UpdateError and changes nothing; `apply_*` takes what was verified and cannot fail. A state is a
frozen value: nothing here reads a clock, a disk or a network. Source: consensus-specs, light-client/sync-protocol.md of
altair, with the changes of later forks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from zkstate.algebra.bls12_381 import G2, verify
from zkstate.errors import DisagreementError, InputError, StaleError

from .forks import EXECUTION_PAYLOAD_GINDEX, GENESIS_SLOT, ROWS, Chain
from .signers import signers_key
from .ssz import is_branch
from .types import (
    EMPTY_EXECUTION,
    EMPTY_HEADER,
    Bootstrap,
    Header,
    SyncCommittee,
    Update,
    execution_root,
    nodes,
    signing_root,
)

# Two thirds, as numerator and denominator: what a committee's word counts from.
SUPERMAJORITY = 2, 3


class UpdateError(DisagreementError):
    """An object that the protocol refuses; the message names the rule and both values."""


@dataclass(frozen=True, slots=True)
class LightClient:
    """What is believed. `finalized` is the only header to judge by; `optimistic` is signed and may be abandoned."""

    chain: Chain
    finalized: Header
    current: SyncCommittee
    following: SyncCommittee | None
    optimistic: Header
    best: Update | None = None
    previous_participants: int = 0
    current_participants: int = 0
    checkpoint: bytes = bytes(32)  # the block root that the reader chose to start from

    @property
    def period(self) -> int:
        """The committee period of the finalized header."""
        return self.chain.period(self.finalized.slot)

    @property
    def safety_threshold(self) -> int:
        """Participants below which an optimistic header is not taken."""
        return max(self.previous_participants, self.current_participants) // 2


# ---- headers ----


def verify_header(header: Header, chain: Chain, what: str) -> None:
    """is_valid_light_client_header: the execution header is the one that the beacon block holds."""
    row = ROWS[chain.fork_at(header.slot)]
    if not row.execution:
        _require_no_execution(header, what)
        return
    if not row.blob_gas:
        _require(
            header.execution.blob_gas_used == 0 == header.execution.excess_blob_gas,
            f"{what} of slot {header.slot} carries blob gas, and its fork has none",
        )
    _require(
        is_branch(
            execution_root(header, chain),
            nodes(header.execution_branch),
            EXECUTION_PAYLOAD_GINDEX,
            header.beacon.body_root,
        ),
        f"the execution header of {what} is not in the block body {header.beacon.body_root.hex()}",
    )


def _require_no_execution(header: Header, what: str) -> None:
    _require(
        header.execution == EMPTY_EXECUTION and not any(header.execution_branch),
        f"{what} of slot {header.slot} carries an execution header, and its fork has none",
    )


# ---- checkpoint ----


def verify_bootstrap(bootstrap: Bootstrap, checkpoint: bytes, chain: Chain) -> None:
    """UpdateError unless the bootstrap is of the block whose root the reader trusts, and the committee of its state.

    Whether that block is young enough to be trusted, verify_age says.
    """
    header = bootstrap.header
    _require(
        header.beacon.root == checkpoint,
        f"the bootstrap is of block {header.beacon.root.hex()}, the checkpoint is {checkpoint.hex()}",
    )
    verify_header(header, chain, "the bootstrap's header")
    _require(
        is_branch(
            bootstrap.current_sync_committee.root,
            nodes(bootstrap.current_sync_committee_branch),
            ROWS[chain.fork_at(header.slot)].current_sync_committee,
            header.beacon.state_root,
        ),
        f"the sync committee is not in the state {header.beacon.state_root.hex()} of the checkpoint",
    )


def verify_age(header: Header, chain: Chain, current_slot: int, max_age_slots: int) -> None:
    """StaleError if a checkpoint, or what a saved state holds final, is older than the limit: who held most keys then
    may have left since.

    Whoever picks the limit decides how long ago keys may have been sold (weak subjectivity). UpdateError for a
    header of the future.
    """
    _require(
        header.slot <= current_slot,
        f"the trusted header is of slot {header.slot}, and the present slot is {current_slot}",
    )
    age = current_slot - header.slot
    if age > max_age_slots:
        days = age * chain.seconds_per_slot / 86400
        raise StaleError(
            f"the trusted header of slot {header.slot} is {age} slots ({days:.1f} days) old, at most {max_age_slots}"
        )


def start(bootstrap: Bootstrap, chain: Chain) -> LightClient:
    """The state after a verified bootstrap."""
    header = bootstrap.header
    return LightClient(chain, header, bootstrap.current_sync_committee, None, header, checkpoint=header.beacon.root)


# ---- updates ----


def verify_update(client: LightClient, update: Update, current_slot: int) -> None:
    """validate_light_client_update: UpdateError names the first rule that the update breaks."""
    chain, attested, finalized = client.chain, update.attested_header, update.finalized_header
    participants = update.sync_aggregate.participants
    _require(participants >= 1, "nobody signed the update")
    verify_header(attested, chain, "the attested header")
    _require(
        current_slot >= update.signature_slot > attested.slot >= finalized.slot,
        f"slots out of order: present {current_slot}, signature {update.signature_slot}, attested {attested.slot}, "
        f"finalized {finalized.slot}",
    )
    signed_in, attested_in = chain.period(update.signature_slot), chain.period(attested.slot)
    allowed = (client.period,) if client.following is None else (client.period, client.period + 1)
    _require(signed_in in allowed, f"the update is signed in period {signed_in}, the known committees are of {allowed}")
    brings_committee = client.following is None and update.has_next_committee and attested_in == client.period
    _require(
        attested.slot > client.finalized.slot or brings_committee,
        f"the update attests slot {attested.slot}, and slot {client.finalized.slot} is final already",
    )
    _verify_finality(client, update)
    _verify_next_committee(client, update)
    committee = client.current if signed_in == client.period else client.following
    assert committee is not None
    verify_signature(committee, update, chain)


def _verify_finality(client: LightClient, update: Update) -> None:
    chain, finalized, attested = client.chain, update.finalized_header, update.attested_header
    if not update.has_finality:
        _require(finalized.is_empty, "the update has a finalized header and no branch to it")
        return
    if finalized.slot == GENESIS_SLOT:
        _require(finalized.is_empty, "the finalized header of genesis is not empty")
        root = bytes(32)
    else:
        if chain.is_before_altair(finalized.slot):
            _require_no_execution(finalized, "the finalized header")
        else:
            verify_header(finalized, chain, "the finalized header")
        root = finalized.beacon.root
    gindex = ROWS[chain.fork_at(attested.slot)].finalized_root
    _require(
        is_branch(root, nodes(update.finality_branch), gindex, attested.beacon.state_root),
        f"the finalized header {root.hex()} is not in the attested state {attested.beacon.state_root.hex()}",
    )


def _verify_next_committee(client: LightClient, update: Update) -> None:
    chain, attested, committee = client.chain, update.attested_header, update.next_sync_committee
    if not update.has_next_committee:
        empty = committee is None or not (any(committee.pubkeys) or any(committee.aggregate_pubkey))
        _require(empty, "the update has a next committee and no branch to it")
        return
    _require(committee is not None, "the update has the branch of a next committee and no committee")
    assert committee is not None
    if client.following is not None and chain.period(attested.slot) == client.period:
        _require(
            committee == client.following,
            f"the update's next committee {committee.root.hex()} is not the one known, {client.following.root.hex()}",
        )
    gindex = ROWS[chain.fork_at(attested.slot)].next_sync_committee
    _require(
        is_branch(committee.root, nodes(update.next_sync_committee_branch), gindex, attested.beacon.state_root),
        f"the next committee {committee.root.hex()} is not in the attested state {attested.beacon.state_root.hex()}",
    )


def verify_signature(committee: SyncCommittee, update: Update, chain: Chain) -> None:
    """UpdateError unless those of the committee whose bits are set signed the attested header."""
    aggregate = update.sync_aggregate
    size = len(aggregate.sync_committee_bits)
    message = signing_root(update.attested_header.beacon, chain.sync_committee_domain(update.signature_slot))
    try:
        key = signers_key(committee, aggregate.sync_committee_bits)
        signature = G2.decode(aggregate.sync_committee_signature)
    except InputError as error:
        raise UpdateError(f"the update's committee or signature is no valid encoding: {error}") from error
    _require(
        verify(key, message, signature),
        f"the signature of {aggregate.participants} of {size} over slot {update.attested_header.slot} is false",
    )


def apply_update(client: LightClient, update: Update) -> LightClient:
    """process_light_client_update after verify_update: keeps the best, moves optimistic and finalized headers."""
    chain, participants = client.chain, update.sync_aggregate.participants
    size = len(update.sync_aggregate.sync_committee_bits)
    best = update if client.best is None or is_better(update, client.best, chain) else client.best
    client = replace(client, best=best, current_participants=max(client.current_participants, participants))
    attested = update.attested_header
    if participants > client.safety_threshold and attested.slot > client.optimistic.slot:
        client = replace(client, optimistic=attested)
    brings_committee = (
        client.following is None
        and update.has_next_committee
        and update.has_finality
        and chain.period(update.finalized_header.slot) == chain.period(attested.slot)
    )
    newer = update.finalized_header.slot > client.finalized.slot
    if has_supermajority(participants, size) and (newer or brings_committee):
        client = replace(_advance(client, update), best=None)
    return client


def can_force(client: LightClient, current_slot: int) -> bool:
    """Has nothing become final for a whole committee period, while some update was signed?"""
    return client.best is not None and current_slot > client.finalized.slot + client.chain.slots_per_period


def apply_forced(client: LightClient, current_slot: int) -> LightClient:
    """process_light_client_store_force_update: takes the best update as final although it is not.

    Never called by default: whoever calls it trades safety for going on. Unchanged where can_force is False.
    """
    best = client.best
    if best is None or not can_force(client, current_slot):
        return client
    if best.finalized_header.slot <= client.finalized.slot:
        best = replace(best, finalized_header=best.attested_header)
    return replace(_advance(client, best), best=None)


def _advance(client: LightClient, update: Update) -> LightClient:
    """apply_light_client_update."""
    chain, finalized = client.chain, update.finalized_header
    if client.following is None:
        if chain.period(finalized.slot) == client.period:
            client = replace(client, following=_next_of(update))
    elif chain.period(finalized.slot) == client.period + 1:
        client = replace(
            client,
            current=client.following,
            following=_next_of(update),
            previous_participants=client.current_participants,
            current_participants=0,
        )
    if finalized.slot > client.finalized.slot:
        client = replace(client, finalized=finalized)
        if finalized.slot > client.optimistic.slot:
            client = replace(client, optimistic=finalized)
    return client


def _next_of(update: Update) -> SyncCommittee | None:
    return update.next_sync_committee if update.has_next_committee else None


def has_supermajority(participants: int, size: int) -> bool:
    """Two thirds or more of the committee."""
    return participants * SUPERMAJORITY[1] >= size * SUPERMAJORITY[0]


def is_better(new: Update, old: Update, chain: Chain) -> bool:
    """is_better_update: which of two verified updates of a period is kept."""
    size = len(new.sync_aggregate.sync_committee_bits)
    signed = [update.sync_aggregate.participants for update in (new, old)]
    strong = [has_supermajority(n, size) for n in signed]
    if strong[0] != strong[1]:
        return strong[0]
    if not strong[0] and signed[0] != signed[1]:
        return signed[0] > signed[1]
    relevant = [
        update.has_next_committee and chain.period(update.attested_header.slot) == chain.period(update.signature_slot)
        for update in (new, old)
    ]
    if relevant[0] != relevant[1]:
        return relevant[0]
    if new.has_finality != old.has_finality:
        return new.has_finality
    if new.has_finality:
        same = [
            chain.period(update.finalized_header.slot) == chain.period(update.attested_header.slot)
            for update in (new, old)
        ]
        if same[0] != same[1]:
            return same[0]
    if signed[0] != signed[1]:
        return signed[0] > signed[1]
    slots = [update.attested_header.slot for update in (new, old)]
    if slots[0] != slots[1]:
        return slots[0] < slots[1]
    return new.signature_slot < old.signature_slot


def are_conflicting(one: Update, other: Update) -> bool:
    """Do two verified updates attest, or hold final, two blocks of one slot? One signer is enough for that.

    It says that some member or proposer is at fault, and nothing of a committee: that says are_signed_twice.
    """
    pairs = [(one.attested_header, other.attested_header)]
    if one.has_finality and other.has_finality:
        pairs.append((one.finalized_header, other.finalized_header))
    return any(a.slot == b.slot and a != EMPTY_HEADER and a.beacon != b.beacon for a, b in pairs)


def are_signed_twice(one: Update, other: Update, chain: Chain) -> bool:
    """Do two verified updates conflict, with two thirds of one committee behind each? Then a third signed both."""
    aggregates = (one.sync_aggregate, other.sync_aggregate)
    return (
        are_conflicting(one, other)
        and chain.period(one.signature_slot) == chain.period(other.signature_slot)
        and all(has_supermajority(a.participants, len(a.sync_committee_bits)) for a in aggregates)
    )


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise UpdateError(rule)
