"""A chain of our own with committees whose secret keys we hold: signed updates, true and false ones."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

from lightclient.consensus import sync
from lightclient.consensus.forks import ROWS, Chain, Fork
from lightclient.consensus.ssz import hash_pair
from lightclient.consensus.types import (
    EMPTY_HEADER,
    BeaconHeader,
    Bootstrap,
    Header,
    SyncAggregate,
    SyncCommittee,
    Update,
    signing_root,
)
from zkstate.algebra import bls12_381 as bls

SIZE = 32
CHAIN = Chain(
    genesis_validators_root=b"\x11" * 32,
    genesis_version=b"\0\0\0\1",
    forks=((Fork.ALTAIR, 0, b"\1\0\0\1"),),
    committee_size=SIZE,
    slots_per_epoch=8,
    epochs_per_period=8,
)
PERIOD = CHAIN.slots_per_period
ROW = ROWS[Fork.ALTAIR]


@cache
def secrets(name):
    rng = random.Random(name)
    return tuple(bls.SecretKey(rng.randrange(1, bls.FR_MODULUS).to_bytes(32, "big")) for _ in range(SIZE))


@cache
def committee(name):
    keys = [secret.public_key() for secret in secrets(name)]
    total = bls.PublicKeys.of(keys).sum()
    return SyncCommittee(b"".join(key.encode() for key in keys), total.encode())


def node(leaves, gindex):
    if gindex in leaves:
        return leaves[gindex]
    below = [
        g
        for g in leaves
        if g.bit_length() > gindex.bit_length() and g >> g.bit_length() - gindex.bit_length() == gindex
    ]
    return hash_pair(node(leaves, 2 * gindex), node(leaves, 2 * gindex + 1)) if below else bytes(32)


def branch(leaves, gindex):
    return b"".join(node(leaves, (gindex >> i) ^ 1) for i in range(gindex.bit_length() - 1))


def block(slot, leaves):
    return Header(BeaconHeader(slot, 7, b"\x22" * 32, node(leaves, 1), b"\x33" * 32))


def state(period, finalized=None):
    """The leaves of a state: its committees, named by period, and its finalized block."""
    leaves = {
        ROW.current_sync_committee: committee(period).root,
        ROW.next_sync_committee: committee(period + 1).root,
    }
    return leaves | ({ROW.finalized_root: finalized.beacon.root} if finalized else {})


def checkpoint(slot=8):
    leaves = state(CHAIN.period(slot))
    header = block(slot, leaves)
    gindex = ROW.current_sync_committee
    return Bootstrap(header, committee(CHAIN.period(slot)), branch(leaves, gindex))


def started(slot=8):
    bootstrap = checkpoint(slot)
    sync.verify_bootstrap(bootstrap, bootstrap.header.beacon.root, CHAIN)
    return sync.start(bootstrap, CHAIN)


def signed(update, signers=SIZE, by=None, chain=CHAIN):
    """The update with the signature of its first `signers` members over its attested header."""
    period = chain.period(update.signature_slot) if by is None else by
    message = signing_root(update.attested_header.beacon, chain.sync_committee_domain(update.signature_slot))
    chosen = secrets(period)[:signers]
    signature = bls.aggregate(secret.sign(message) for secret in chosen).encode() if chosen else b"\xc0" + bytes(95)
    bits = tuple(i < signers for i in range(SIZE))
    return replace(update, sync_aggregate=SyncAggregate(bits, signature))


def update(attested_slot, finalized_slot=None, signers=SIZE, with_committee=True, body=b"\x33" * 32, by=None):
    """Signed in the slot after the attested one."""
    finalized = EMPTY_HEADER if finalized_slot is None else block(finalized_slot, state(CHAIN.period(finalized_slot)))
    leaves = state(CHAIN.period(attested_slot), finalized if finalized_slot is not None else None)
    attested = block(attested_slot, leaves)
    attested = replace(attested, beacon=replace(attested.beacon, body_root=body))
    return signed(
        Update(
            attested_header=attested,
            sync_aggregate=SyncAggregate((False,) * SIZE, bytes(96)),
            signature_slot=attested_slot + 1,
            next_sync_committee=committee(CHAIN.period(attested_slot) + 1) if with_committee else None,
            next_sync_committee_branch=branch(leaves, ROW.next_sync_committee) if with_committee else b"",
            finalized_header=finalized,
            finality_branch=branch(leaves, ROW.finalized_root) if finalized_slot is not None else b"",
        ),
        signers,
        by,
    )
