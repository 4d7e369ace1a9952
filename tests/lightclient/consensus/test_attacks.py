"""Updates that must be refused, each for its own reason, and what is believed after those that are not."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, repeat

import pytest

from lightclient.consensus import follow, sync
from lightclient.consensus.types import EMPTY_HEADER, SyncAggregate
from lightclient.consensus.wire import MAX_UPDATES
from tests.lightclient.consensus.committees import (
    CHAIN,
    PERIOD,
    SIZE,
    block,
    checkpoint,
    committee,
    signed,
    started,
    state,
    update,
)
from zkstate.errors import SourceError, StaleError

NOW = 10 * PERIOD


def advanced(client, *updates):
    for one in updates:
        sync.verify_update(client, one, NOW)
        client = sync.apply_update(client, one)
    return client


def refused(client, one, rule, now=NOW):
    with pytest.raises(sync.UpdateError, match=rule):
        sync.verify_update(client, one, now)


def test_committees_are_followed_from_period_to_period():
    client = advanced(
        started(), update(40, 24), update(PERIOD + 40, PERIOD + 24), update(2 * PERIOD + 40, 2 * PERIOD + 8)
    )
    assert client.finalized.slot == 2 * PERIOD + 8
    assert (client.current, client.following) == (committee(2), committee(3))
    assert client.best is None


def test_two_thirds_make_final_and_one_less_does_not():
    client = started()
    few = advanced(client, update(40, 24, signers=21))
    assert (few.finalized.slot, few.optimistic.slot, few.following) == (8, 40, None)
    assert few.best is not None
    enough = advanced(client, update(40, 24, signers=22))
    assert (enough.finalized.slot, enough.following) == (24, committee(1))


def test_a_weak_update_becomes_final_only_when_forced():
    client = advanced(started(), update(40, 24, signers=21))
    last = client.finalized.slot + PERIOD
    assert not sync.can_force(client, last)
    assert sync.apply_forced(client, last) == client
    assert sync.can_force(client, last + 1)
    forced = sync.apply_forced(client, last + 1)
    assert (forced.finalized.slot, forced.following, forced.best) == (24, committee(1), None)
    assert sync.apply_forced(started(), NOW) == started()


def test_a_checkpoint_is_believed_only_as_pinned_and_only_while_young():
    bootstrap = checkpoint()
    root = bootstrap.header.beacon.root
    with pytest.raises(sync.UpdateError, match="the checkpoint is"):
        sync.verify_bootstrap(bootstrap, b"\1" * 32, CHAIN)
    with pytest.raises(sync.UpdateError, match="is not in the state"):
        sync.verify_bootstrap(replace(bootstrap, current_sync_committee=committee(1)), root, CHAIN)
    sync.verify_age(bootstrap.header, CHAIN, 108, 100)
    with pytest.raises(StaleError, match="101 slots"):
        sync.verify_age(bootstrap.header, CHAIN, 109, 100)
    with pytest.raises(sync.UpdateError, match="present slot is 7"):
        sync.verify_age(bootstrap.header, CHAIN, 7, 100)


def test_signatures_that_are_not_of_this_committee_are_refused():
    client, good = started(), update(40, 24)
    refused(client, update(40, 24, by=1), "is false")
    refused(client, signed(good, signers=0), "nobody signed")
    aggregate = good.sync_aggregate
    for i in range(0, SIZE, 7):
        bits = tuple(bit != (k == i) for k, bit in enumerate(aggregate.sync_committee_bits))
        refused(client, replace(good, sync_aggregate=replace(aggregate, sync_committee_bits=bits)), "is false")
    infinity = SyncAggregate(aggregate.sync_committee_bits, b"\xc0" + bytes(95))
    refused(client, replace(good, sync_aggregate=infinity), "is false")
    for signature in (bytes(96), b"\xe0" + bytes(95), b"\xff" * 96, aggregate.sync_committee_signature[::-1]):
        refused(
            client, replace(good, sync_aggregate=replace(aggregate, sync_committee_signature=signature)), "no valid"
        )
    other = replace(CHAIN, genesis_validators_root=b"\x12" * 32)
    refused(client, signed(good, chain=other), "is false")
    fork = replace(CHAIN, forks=((CHAIN.forks[0][0], 0, b"\2\0\0\1"),))
    refused(client, signed(good, chain=fork), "is false")


def test_slots_and_periods_must_be_in_order():
    client = started()
    refused(client, update(40, 24), "slots out of order", now=40)
    sync.verify_update(client, update(40, 24), 41)
    good = update(40, 24)
    refused(client, signed(replace(good, signature_slot=40)), "slots out of order")
    refused(client, update(40, 48), "slots out of order")
    refused(client, update(PERIOD + 8, 24, by=1), "known committees")
    known = advanced(client, update(40, 24))
    refused(known, update(2 * PERIOD + 8, PERIOD, by=2), "known committees")
    refused(known, update(24), "is final already")
    refused(known, update(16, 8), "is final already")
    relabelled = replace(update(PERIOD + 40, PERIOD + 24), signature_slot=PERIOD - 1)
    refused(known, relabelled, "slots out of order")


def test_headers_and_committees_must_be_in_the_attested_state():
    client, good = started(), update(40, 24)
    refused(client, replace(good, finalized_header=block(25, state(0))), "is not in the attested state")
    refused(client, replace(good, finalized_header=EMPTY_HEADER), "is not in the attested state")
    refused(client, replace(good, next_sync_committee=committee(2)), "is not in the attested state")
    for name in ("finality_branch", "next_sync_committee_branch"):
        nodes = getattr(good, name)
        for i in range(0, len(nodes), 32):
            broken = nodes[:i] + bytes([nodes[i] ^ 1]) + nodes[i + 1 :]
            refused(client, replace(good, **{name: broken}), "is not in the attested state")
        refused(client, replace(good, **{name: nodes[32:]}), "is not in the attested state")
        refused(client, replace(good, **{name: b"\1" * 32 + nodes}), "is not in the attested state")
        refused(client, replace(good, **{name: bytes(len(nodes))}), "no branch to it")
    later = update(PERIOD + 40, PERIOD + 24)
    refused(client, replace(good, finality_branch=later.finality_branch), "is not in the attested state")


def test_an_update_must_name_the_next_committee_that_is_known():
    """The committee lies in a signed state, and yet is not the one that the client was told of before."""
    client = replace(advanced(started(), update(40, 24)), following=committee(5))
    refused(client, update(56, 40), "is not the one known")


def test_an_execution_header_where_the_fork_has_none_is_refused():
    good = update(40, 24)
    header = good.attested_header
    with_execution = replace(header, execution=replace(header.execution, block_number=1))
    refused(started(), replace(good, attested_header=with_execution), "carries an execution header")


def test_a_finalized_header_before_altair_has_no_execution_header():
    since = replace(CHAIN, forks=((CHAIN.forks[0][0], 1, CHAIN.forks[0][2]),))
    client, good = replace(started(), chain=since), update(40, 4)
    sync.verify_update(client, good, NOW)
    header = good.finalized_header
    with_execution = replace(header, execution=replace(header.execution, block_number=1))
    refused(client, replace(good, finalized_header=with_execution), "carries an execution header")


def test_two_blocks_of_one_slot_signed_by_a_committee_are_a_conflict():
    one, other = update(40, 24), update(40, 24, body=b"\x44" * 32)
    for each in (one, other):
        sync.verify_update(started(), each, NOW)
    assert sync.are_conflicting(one, other)
    assert not sync.are_conflicting(one, one)
    assert not sync.are_conflicting(one, update(48, 32))
    assert not sync.are_conflicting(one, update(48, 24))


def test_a_committee_is_accused_only_with_two_thirds_behind_each_of_two_blocks():
    one = update(40, 24, signers=24)
    for signers, both in ((1, False), (21, False), (22, True), (24, True)):
        other = update(40, 24, signers=signers, body=b"\x44" * 32)
        assert sync.are_conflicting(one, other)
        assert sync.are_signed_twice(one, other, CHAIN) == sync.are_signed_twice(other, one, CHAIN) == both
    assert not sync.are_signed_twice(one, one, CHAIN)
    later = signed(replace(update(40, 24, body=b"\x44" * 32), signature_slot=PERIOD))
    assert sync.are_conflicting(one, later)
    assert not sync.are_signed_twice(one, later, CHAIN), "two committees signed once each"


def test_requests_are_paged_as_nodes_answer_them():
    assert list(follow.pages(5, 5)) == [(5, 1)]
    assert list(follow.pages(0, 300)) == [(0, 128), (128, 128), (256, 45)]
    assert list(follow.pages(6, 5)) == []


def test_catching_up_skips_lies_and_stops_at_a_gap():
    updates = {period: update(period * PERIOD + 40, period * PERIOD + 24) for period in range(4)}
    lie = update(40, 32, by=1)

    def fetch(first, count):
        return [u for p, u in reversed(updates.items()) if first <= p < first + count] + [lie, updates[0]]

    now = 4 * PERIOD
    progress = follow.catch_up(started(), fetch, now, max_age_slots=now)
    assert progress.client.finalized.slot == 3 * PERIOD + 24
    assert len(progress.refused) == 1
    del updates[2]
    progress = follow.catch_up(started(), fetch, now, max_age_slots=now)
    assert progress.client.period == 1
    assert progress.client.following == committee(2)
    again = follow.catch_up(progress.client, lambda first, count: [], now, max_age_slots=now)
    assert again.client == progress.client


def test_a_state_too_old_to_trust_is_not_followed():
    fetched = []
    with pytest.raises(StaleError, match="101 slots"):
        follow.catch_up(started(), lambda *page: fetched.append(page), 109, max_age_slots=100)
    assert fetched == []
    assert follow.catch_up(started(), lambda *page: [], 108, max_age_slots=100).client == started()


def test_a_source_that_fails_on_a_later_page_costs_nothing_that_was_verified():
    def fetch(first, count):
        if first:
            raise SourceError("the node hung up")
        return [update(40, 24)]

    now = (MAX_UPDATES + 1) * PERIOD
    progress = follow.catch_up(started(), fetch, now, max_age_slots=now)
    assert (progress.client.finalized.slot, progress.refused) == (24, ("the node hung up",))


def test_a_page_is_read_to_a_limit_and_old_updates_hide_no_new_one():
    old = update(4, with_committee=False)
    page = chain(repeat(old, 2 * MAX_UPDATES), [update(40, 24)], repeat(old, 100 * MAX_UPDATES))
    progress = follow.catch_up(started(), lambda first, count: page, PERIOD, max_age_slots=PERIOD)
    assert (progress.client.finalized.slot, progress.refused) == (24, ())
    assert next(page, None) is old, "read without a limit"


def test_a_contradicting_update_of_another_source_is_found_though_it_would_have_been_skipped():
    """Two sources, one block each for a slot, both signed by two thirds: the second is old once the first is taken."""
    honest = [update(40, 24), update(PERIOD + 40, PERIOD + 24)]
    client = started()
    accepted = follow.take(client, honest, NOW).accepted
    assert accepted == tuple(honest)
    other = update(PERIOD + 40, PERIOD + 24, body=b"\x44" * 32)
    unsigned = replace(other, sync_aggregate=honest[0].sync_aggregate)
    assert follow.conflicts(client, accepted, [*honest, unsigned, other], NOW) == [(honest[1], other)]
