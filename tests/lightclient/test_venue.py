"""A whole venue out of its published journal, held to the headers of its epochs."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from lightclient.recover import recover
from lightclient.trust import PinnedHeader
from lightclient.venue import recover_venue
from tests.publication.journaled import heads_in
from tests.publication.venue import OPERATOR
from tests.state.venues import UNTIL, quiet_ledger
from zkstate.errors import DisagreementError, MissingError
from zkstate.publication.epoch import write_epoch
from zkstate.publication.layout import ORDER_BOOK
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.publish import publish_folder
from zkstate.publication.segments import Segment
from zkstate.publication.tables import encode_order_book
from zkstate.publication.venue_journal import PRICES, VenueJournal, begin, replay_folder, segment_path
from zkstate.publication.venue_publish import publish_journal
from zkstate.state.ledger import issue_keys
from zkstate.state.synthetic_events import Trading
from zkstate.state.venue_close import levels
from zkstate.state.venue_events import CANCEL, EVENT, DivergenceError, Event, event_array, linked

KEY = X25519PrivateKey.from_private_bytes(bytes([7] * 32))


def run_venue(root, spoil=None):
    """Three epochs and events after them, on one mirror; (snapshots, journal). `spoil` alters the last ledger."""
    ledger = issue_keys(quiet_ledger(40), OPERATOR.issuing_master)
    (root / "journal").mkdir(parents=True)
    journal = begin(root / "journal", ledger, OPERATOR, [KEY.public_key().public_bytes_raw()], PRICES)
    snapshots, salts = [], journal.replay.salts
    for epoch in (1, 2, 3):
        if epoch > 1:
            journal.append(Trading(journal.venue, epoch, journal.last.time + UNTIL).events(300))
            ledger, salts = journal.close(journal.last.time + UNTIL)
        if spoil is not None and epoch == 3:
            ledger = spoil(ledger)
        before = {}
        if snapshots:
            before = {"previous": snapshots[-1].signed.header, "heads": heads_in(snapshots[-1].folder)}
        made = write_epoch(
            ledger,
            OPERATOR,
            root / f"epoch-{epoch}",
            salt_secret=salts,
            journal_head=journal.last.journal_head,
            **before,
        )
        snapshots.append(made)
        publish_folder(made.public, root / "mirror")
    journal.append(Trading(journal.venue, 9, journal.last.time + UNTIL).events(100))
    publish_journal(root / "journal", root / "mirror")
    return snapshots, journal


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    root = tmp_path_factory.mktemp("venue")
    return root, *run_venue(root)


def recovered(root, signed, *mirrors):
    found = [FolderMirror(mirror) for mirror in (mirrors or (root / "mirror",))]
    return recover_venue(KEY, found, PinnedHeader(signed), clock=lambda: signed.header.time + 10_000)


def test_every_epoch_is_checked_and_what_came_after_counts(venue):
    root, snapshots, journal = venue
    found = recovered(root, snapshots[-1].signed)
    assert found.epochs == (1, 2, 3)
    assert found.events == journal.venue.number
    assert found.after >= 100
    assert found.venue.balances == journal.venue.balances
    assert found.venue.positions == journal.venue.positions
    assert levels(found.venue) == levels(journal.venue)
    assert found.rpo_s == snapshots[-1].signed.header.time + 10_000 - journal.venue.time


def test_the_order_book_of_each_epoch_is_the_replayed_one(venue):
    root, snapshots, _ = venue
    for snapshot in snapshots:
        mirror = root / f"upto-{snapshot.signed.header.epoch}"
        shutil.copytree(root / "mirror", mirror)
        published = (snapshot.public / ORDER_BOOK).read_bytes()
        head = next(n for n in range(1, 20) if _closes(mirror, n) == snapshot.signed.header.journal_head)
        for number in range(head + 1, 20):
            (mirror / segment_path(number)).unlink(missing_ok=True)
        found = recovered(root, snapshot.signed, mirror)
        assert found.after == 0
        assert encode_order_book(found.ledger) == published


def _closes(mirror, number):
    path = mirror / segment_path(number)
    return Segment.decode(path.read_bytes()).head.journal_head if path.exists() else None


def test_histories_out_of_the_journal_are_what_owners_recover(venue):
    root, snapshots, _ = venue
    found = recovered(root, snapshots[-1].signed)
    busy = int(np.argmax(found.venue.state.lengths))
    name = found.ledger.names[busy]
    mine = recover(
        OPERATOR.account_key(name), [FolderMirror(root / "mirror")], PinnedHeader(snapshots[-1].signed), history_since=1
    ).bundle
    assert mine.account.history_length == int(found.venue.state.lengths[busy]) > 0
    assert mine.account.history_head == int.from_bytes(found.venue.state.heads[busy].tobytes())
    assert mine.history is not None
    assert len(mine.history.entries) == mine.account.history_length


def _richer(ledger):
    amount = ledger.rows.amount.copy()
    amount[0] += 1
    return replace(ledger, rows=replace(ledger.rows, amount=amount))


def test_a_commitment_to_another_state_names_the_account_and_its_last_event(tmp_path):
    snapshots, _ = run_venue(tmp_path, _richer)
    with pytest.raises(DivergenceError, match=f"account {quiet_ledger(40).names[0]!r}") as caught:
        recovered(tmp_path, snapshots[-1].signed)
    assert caught.value.event > 0


def test_a_commitment_to_other_totals_is_named_where_no_leaves_can_be_had(tmp_path):
    snapshots, _ = run_venue(tmp_path, _richer)
    shutil.rmtree(tmp_path / "mirror" / "epochs" / "00000003" / "tiles")
    with pytest.raises(DisagreementError, match="accounts_root"):
        recovered(tmp_path, snapshots[-1].signed)


def test_a_header_that_commits_to_another_journal_is_refused(tmp_path):
    snapshots, _ = run_venue(tmp_path / "a")
    run_venue(tmp_path / "b")
    shutil.rmtree(tmp_path / "a" / "mirror" / "journal")
    shutil.copytree(tmp_path / "b" / "mirror" / "journal", tmp_path / "a" / "mirror" / "journal")
    with pytest.raises(DisagreementError, match="journal_head"):
        recovered(tmp_path / "a", snapshots[-1].signed)


def test_a_lying_mirror_is_passed_over_and_named(venue, tmp_path):
    root, snapshots, journal = venue
    lying = shutil.copytree(root / "mirror", tmp_path / "lying")
    path = lying / segment_path(3)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    found = recovered(root, snapshots[-1].signed, lying, root / "mirror")
    assert found.events == journal.venue.number
    assert any("has payload" in lie for source in found.sources for lie in source.lied)
    with pytest.raises(DisagreementError, match="has payload"):
        recovered(root, snapshots[-1].signed, lying)


def test_a_journal_that_ends_before_the_epoch_is_no_recovery(venue, tmp_path):
    root, snapshots, _ = venue
    short = shutil.copytree(root / "mirror", tmp_path / "short")
    (short / segment_path(4)).unlink()
    with pytest.raises(MissingError):
        recovered(root, snapshots[-1].signed, short)


def test_an_older_header_than_the_newest_state_names_is_refused(venue, tmp_path):
    root, snapshots, _ = venue
    other = shutil.copytree(root / "mirror", tmp_path / "other")
    shutil.copy(other / "epochs" / "00000002" / "header.bin", other / "epochs" / "00000001" / "header.bin")
    with pytest.raises(DisagreementError, match="follows"):
        recovered(root, snapshots[-1].signed, other)


def _unknown_order(journal):
    bad = event_array([Event(CANCEL, 1, journal.venue.time + 1, order=2**60)])
    linked(bad, journal.venue.link)
    journal.append(bad)


def _other_key(journal):
    journal.recipients = (X25519PrivateKey.from_private_bytes(bytes([9] * 32)).public_key().public_bytes_raw(),)
    journal.append(np.zeros(0, EVENT), [("newcomer", bytes(32), bytes([1] * 32))])


def _owner_out_of_range(journal):
    journal.append(np.zeros(0, EVENT), [("newcomer", b"\xff" * 32, bytes([1] * 32))])


def _name_that_moves_others(journal):
    journal.append(np.zeros(0, EVENT), [("\x1b]0;x\x07", bytes(32), bytes([1] * 32))])


@pytest.mark.parametrize("spoil", [_unknown_order, _other_key, _owner_out_of_range, _name_that_moves_others])
def test_a_bad_segment_behind_the_newest_epoch_ends_the_recovery_before_it(venue, tmp_path, spoil):
    root, snapshots, _ = venue
    shutil.copytree(root, tmp_path / "venue")
    whole = recovered(root, snapshots[-1].signed)
    replay = replay_folder(tmp_path / "venue" / "journal", KEY)
    recipients = [KEY.public_key().public_bytes_raw()]
    journal = VenueJournal(tmp_path / "venue" / "journal", OPERATOR, recipients, PRICES, replay)
    spoil(journal)
    publish_journal(tmp_path / "venue" / "journal", tmp_path / "venue" / "mirror")
    found = recovered(tmp_path / "venue", snapshots[-1].signed)
    assert found.ended.startswith(f"behind segment {whole.segments}: ")
    assert (found.events, found.after, found.segments) == (whole.events, whole.after, whole.segments)
    assert found.venue.balances == whole.venue.balances
    assert list(found.ledger.names) == list(whole.ledger.names)
