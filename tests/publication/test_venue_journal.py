"""A venue's journal as segments: chain, signatures, sealing, and what is refused."""

import fcntl
import multiprocessing
import os
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.publication.venue import OPERATOR
from tests.state.venues import UNTIL, quiet_ledger
from zkstate.errors import (
    DisagreementError,
    EncodingError,
    EnvironmentFailure,
    InputError,
    LedgerError,
    LengthError,
    ZkstateError,
)
from zkstate.publication.operator import Operator
from zkstate.publication.segments import (
    EVENTS,
    HEAD_BYTES,
    PLACED,
    SIGNED_HEAD_BYTES,
    NoJournalKeyError,
    Segment,
    SegmentHead,
    follow,
    seal,
)
from zkstate.publication.venue_journal import (
    BOOK,
    NOTHING,
    PRICES,
    Replay,
    VenueJournal,
    begin,
    check_chain,
    last_head,
    list_segments,
    locked,
    read_segment,
    replay_folder,
)
from zkstate.publication.venue_publish import publish_journal
from zkstate.state.synthetic_events import Trading
from zkstate.state.venue_close import epoch_ledger, state_after
from zkstate.state.venue_events import EVENT, PRICE, DivergenceError, Event, joined_events, linked

KEY, OTHER = X25519PrivateKey.from_private_bytes(bytes([7] * 32)), X25519PrivateKey.from_private_bytes(bytes([9] * 32))


def public(key):
    return key.public_key().public_bytes_raw()


def written(folder, disclosed=PRICES, recipients=(KEY,)):
    """A journal of a state, three segments of events and two closed epochs; (journal, the events of each)."""
    folder.mkdir()
    ledger = quiet_ledger(30)
    journal = begin(folder, ledger, OPERATOR, [public(key) for key in recipients], disclosed)
    trading, parts = Trading(journal.venue, 1, ledger.time + UNTIL), []
    for close in (False, True, False):
        parts.append(trading.events(60))
        journal.append(parts[-1])
        if close:
            journal.close(journal.venue.time + 1)
            trading = Trading(journal.venue, 2, ledger.time + 2 * UNTIL)
    return journal, parts


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journal") / "venue"
    journal, parts = written(folder)
    return folder, journal, parts


def copied(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "copy")


def test_a_replay_gives_the_state_of_who_wrote_it(made):
    folder, journal, parts = made
    replay = replay_folder(folder, KEY)
    ours, theirs = (state_after(v, epoch_ledger(v, v.time)).encode() for v in (replay.venue, journal.venue))
    assert ours == theirs
    assert replay.salts == journal.replay.salts
    heads = check_chain(folder)
    assert [head.number for head in heads] == [1, 2, 3, 4, 5]
    assert [head.closes for head in heads] == [1, 0, 0, 1, 0]
    assert [head.epoch for head in heads] == [1, 2, 2, 2, 3]
    assert sum(head.count for head in heads) == sum(map(len, parts)) == replay.venue.number
    assert last_head(folder) == heads[-1] == journal.last


def test_any_recipient_opens_it_and_nobody_else(tmp_path):
    folder = tmp_path / "two"
    written(folder, recipients=(KEY, OTHER))
    assert replay_folder(folder, KEY).venue.number == replay_folder(folder, OTHER).venue.number
    stranger = X25519PrivateKey.from_private_bytes(bytes([8] * 32))
    with pytest.raises(NoJournalKeyError, match="sealed to 2 keys"):
        replay_folder(folder, stranger)
    with pytest.raises(InputError, match="recipients"):
        begin(tmp_path, quiet_ledger(), OPERATOR, [public(KEY)] * 2, PRICES)


@pytest.mark.parametrize("disclosed", [NOTHING, PRICES, BOOK])
def test_the_public_part_has_what_was_chosen_and_no_account(tmp_path, disclosed):
    folder = tmp_path / "public"
    _, parts = written(folder, disclosed)
    replay_folder(folder, KEY)
    segment = read_segment(list_segments(folder)[1])
    data = np.frombuffer(segment.public, np.uint8).reshape(-1, PLACED)
    events = np.frombuffer(data[:, 4:].tobytes(), EVENT)
    at = data[:, :4].copy().view(">u4").reshape(-1)
    kinds = {NOTHING: [], PRICES: [PRICE], BOOK: [4, 6, 7, 8, 9]}[disclosed]
    assert at.tolist() == np.flatnonzero(np.isin(parts[0]["kind"], kinds)).tolist()
    for name in ("account", "fee_high", "fee_low", "after", "cash", "link"):
        assert not events[name].any()
    assert events["price"].tolist() == parts[0]["price"][at].tolist()
    assert not events["value_low"][events["kind"] != PRICE].any()


def test_what_everybody_sees_does_not_depend_on_accounts(tmp_path):
    """The same events of other accounts: sizes and public parts are equal."""
    first, _ = written(tmp_path / "a", BOOK)
    second, _ = written(tmp_path / "b", BOOK)
    for one, other in zip(list_segments(first.folder), list_segments(second.folder), strict=True):
        a, b = read_segment(one), read_segment(other)
        assert (len(a.sealed), a.public) == (len(b.sealed), b.public)
        assert a.sealed != b.sealed


def test_truncated_segments_are_refused(made, tmp_path):
    folder = copied(made, tmp_path)
    data = (folder / "00000003.bin").read_bytes()
    for size in (0, 1, HEAD_BYTES, SIGNED_HEAD_BYTES, len(data) - 1):
        (folder / "00000003.bin").write_bytes(data[:size])
        with pytest.raises(LengthError):
            check_chain(folder)
    (folder / "00000003.bin").write_bytes(data + b"\0")
    with pytest.raises(LengthError, match="its head makes it"):
        check_chain(folder)


def test_a_gap_is_refused(made, tmp_path):
    folder = copied(made, tmp_path)
    (folder / "00000003.bin").unlink()
    with pytest.raises(EncodingError, match=r"in place of 00000003\.bin"):
        check_chain(folder)


def test_reordered_and_duplicated_segments_are_refused(made, tmp_path):
    folder = copied(made, tmp_path)
    two, three = ((folder / f"0000000{n}.bin").read_bytes() for n in (2, 3))
    (folder / "00000002.bin").write_bytes(three)
    (folder / "00000003.bin").write_bytes(two)
    with pytest.raises(DisagreementError, match="states number 3"):
        check_chain(folder)
    (folder / "00000002.bin").write_bytes(two)
    with pytest.raises(DisagreementError, match="states number 2, and after segment 2 it is 3"):
        check_chain(folder)
    with pytest.raises(DisagreementError, match="states number 2"):
        replay_folder(folder, KEY)


def test_a_segment_of_another_journal_of_the_operator_is_refused(made, tmp_path):
    folder = copied(made, tmp_path)
    other = tmp_path / "other"
    written(other)
    shutil.copy(other / "00000003.bin", folder / "00000003.bin")
    with pytest.raises(DisagreementError, match="states previous"):
        check_chain(folder)


def test_forged_signatures_are_refused(made, tmp_path):
    folder = copied(made, tmp_path)
    path = folder / "00000002.bin"
    segment = read_segment(path)
    stranger = Operator(bytes([3] * 32), bytes([4] * 32))
    forged = stranger.signing_key.sign(b"zkstate segment v1" + segment.head.digest)
    path.write_bytes(replace(segment, signature=forged).encode())
    with pytest.raises(DisagreementError, match="is not by its operator key"):
        check_chain(folder)
    head = replace(segment.head, operator_key=stranger.public_key)
    forged = stranger.signing_key.sign(b"zkstate segment v1" + head.digest)
    path.write_bytes(replace(segment, head=head, signature=forged).encode())
    with pytest.raises(DisagreementError, match="states operator_key"):
        check_chain(folder)


def test_every_byte_is_covered(made):
    segment = read_segment(made[0] / "00000002.bin")
    data = segment.encode()
    rng = np.random.default_rng(5)
    places = [*range(SIGNED_HEAD_BYTES), *rng.integers(SIGNED_HEAD_BYTES, len(data), 200).tolist()]
    for at in places:
        spoiled = bytearray(data)
        spoiled[at] ^= 1 << int(rng.integers(8))
        with pytest.raises((EncodingError, DisagreementError, LengthError)):
            Segment.decode(bytes(spoiled))


def resealed(folder, number, change):
    """Segment `number` with its body changed and its chain signed again, by the operator itself."""
    paths = list_segments(folder)
    before = read_segment(paths[number - 2]).head
    for at, path in enumerate(paths[number - 1 :], start=number):
        segment = read_segment(path)
        body = change(segment.open(KEY)) if at == number else segment.open(KEY)
        head = replace(segment.head, previous=before.digest)
        made = seal(head, body, segment.public, [public(KEY)], OPERATOR.signing_key)
        path.write_bytes(made.encode())
        before = made.head
    return folder


def test_an_event_that_the_operator_changed_and_signed_is_named(made, tmp_path):
    folder = copied(made, tmp_path)
    first = len(made[2][0])

    def change(body):
        events = np.frombuffer(body[36:], EVENT).copy()
        deposits = np.flatnonzero(events["kind"] == 1)
        assert len(deposits)
        events["amount"][deposits[0]] += 1
        change.event = first + 1 + int(deposits[0])
        linked(events, int(made[2][0]["link"][-1]))
        return body[:36] + events.tobytes()

    resealed(folder, 3, change)
    check_chain(folder)
    with pytest.raises(DivergenceError) as caught:
        replay_folder(folder, KEY)
    assert caught.value.event == change.event


def test_a_public_part_that_is_not_of_the_events_is_refused(made, tmp_path):
    folder = copied(made, tmp_path)
    path = folder / "00000002.bin"
    segment = read_segment(path)
    other = bytes(PLACED) + segment.public[PLACED:] if segment.public else bytes(PLACED)
    path.write_bytes(seal(segment.head, segment.open(KEY), other, [public(KEY)], OPERATOR.signing_key).encode())
    replay = Replay()
    replay.take(read_segment(folder / "00000001.bin"), KEY)
    with pytest.raises(DisagreementError, match="public part"):
        replay.take(read_segment(path), KEY)


def test_spoiled_plaintexts_signed_by_the_operator_are_typed_errors(made, tmp_path):
    segment = read_segment(made[0] / "00000002.bin")
    body = segment.open(KEY)
    rng = np.random.default_rng(11)
    first = read_segment(made[0] / "00000001.bin")
    base = Replay()
    base.take(first, KEY)
    state = base.venue.state
    for _ in range(60):
        spoiled = bytearray(body)
        at = int(rng.integers(len(spoiled)))
        spoiled[at] ^= int(rng.integers(1, 256))
        made_bad = seal(segment.head, bytes(spoiled), segment.public, [public(KEY)], OPERATOR.signing_key)
        replay = Replay(first.head, type(base.venue)(state), None, b"", base.recipients, base.closed)
        with pytest.raises((EncodingError, DisagreementError, LengthError)):
            replay.take(Segment.decode(made_bad.encode()), KEY)


def _append_and_die(folder, at):
    """Append, and be killed at the given call of write, rename or fsync."""
    calls = 0
    writing = locked(folder)
    writing.__enter__()  # clears away what the last one left
    replay = replay_folder(folder, KEY)
    journal = VenueJournal(folder, OPERATOR, (public(KEY),), PRICES, replay)
    events = Trading(journal.venue, 77, journal.venue.time + 50).events(20)

    def counted(call):
        def wrapper(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return wrapper

    for name in ("open", "fsync", "link", "unlink", "write", "rename", "replace"):
        setattr(os, name, counted(getattr(os, name)))
    journal.append(events)
    os._exit(0)


def test_a_kill_at_any_step_of_an_append_leaves_the_old_journal_or_the_new_one(made, tmp_path):
    folder = copied(made, tmp_path)
    before = len(list_segments(folder))
    context = multiprocessing.get_context("fork")
    for at in range(1, 40):
        process = context.Process(target=_append_and_die, args=(folder, at))
        process.start()
        process.join(60)
        heads = check_chain(folder)
        assert len(heads) in (before, before + 1)
        if process.exitcode == 0:
            break
        before = len(heads)
    else:
        raise AssertionError("an append has more than 40 steps")
    assert len(check_chain(folder)) == before + 1
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_two_writers_at_once_one_refuses(made, tmp_path):
    folder = copied(made, tmp_path)
    with locked(folder), pytest.raises(EnvironmentFailure, match="another process"), locked(folder):
        pass
    with locked(folder):
        pass


def test_a_lock_on_a_folder_that_was_replaced_is_none(tmp_path, monkeypatch):
    folder = tmp_path / "journal"
    folder.mkdir()
    flock = fcntl.flock

    def late(fd, how):
        folder.rmdir()  # by a writer that had the lock, and a third one makes it again
        (tmp_path / "other").mkdir()
        (tmp_path / "other").rename(folder)
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(EnvironmentFailure, match="was replaced"), locked(folder):
        pass


def test_long_appends_are_cut_between_matches(tmp_path, monkeypatch):
    monkeypatch.setattr("zkstate.publication.venue_journal.MAX_EVENTS", 16)
    folder = tmp_path / "cut"
    _, parts = written(folder)
    heads = check_chain(folder)
    assert max(head.count for head in heads) <= 16
    assert replay_folder(folder, KEY).venue.number == sum(map(len, parts))


def test_events_and_epochs_come_after_the_last_epoch(made, tmp_path):
    folder = copied(made, tmp_path)
    journal = VenueJournal(folder, OPERATOR, (public(KEY),), PRICES, replay_folder(folder, KEY))
    journal.close(journal.venue.time + 5)
    with pytest.raises(LedgerError, match="an epoch at"):
        journal.close(journal.last.time)
    journal.venue.put([Event(1, journal.venue.settlement, journal.last.time, 0, amount=5)])
    with pytest.raises(LedgerError, match="is not after the epoch"):
        journal.append(journal.venue.recorded())


def test_a_segment_that_closes_an_epoch_has_a_secret_of_salts(made, tmp_path):
    folder = copied(made, tmp_path)
    journal = VenueJournal(folder, OPERATOR, (public(KEY),), PRICES, replay_folder(folder, KEY))
    journal.close(journal.venue.time + 5)
    resealed(folder, journal.last.number, lambda body: bytes(32) + body[32:])
    with pytest.raises(EncodingError, match="secret of salts"):
        replay_folder(folder, KEY)


def test_two_epochs_do_not_close_at_one_time(made, tmp_path):
    folder = copied(made, tmp_path)
    journal = VenueJournal(folder, OPERATOR, (public(KEY),), PRICES, replay_folder(folder, KEY))
    journal.close(journal.venue.time + 5)
    last = journal.last
    again = replace(last, number=last.number + 1, epoch=last.epoch + 1, first=last.first, previous=last.digest)
    follow(last, replace(again, time=last.time + 1))
    with pytest.raises(DisagreementError, match="is of time"):
        follow(last, again)


def test_publishing_copies_what_is_missing_and_replaces_nothing(made, tmp_path):
    mirror = tmp_path / "mirror"
    first = publish_journal(made[0], mirror)
    again = publish_journal(made[0], mirror)
    assert (first.files, first.already, again.files, again.already) == (5, False, 0, True)
    other = tmp_path / "other"
    written(other)
    with pytest.raises(DisagreementError, match="never replaced"):
        publish_journal(other, mirror)


def test_heads_out_of_range_are_refused():
    head = SegmentHead(
        bytes(32), bytes(32), 1, 1, 0, 0, 0, EVENTS, 0, 0, 1, bytes(32), bytes(32), bytes(32), bytes(32), 0, 48
    )
    wrong = {"kind": 3, "closes": 2, "recipients": 17, "count": (1 << 16) + 1, "public_bytes": 1, "disclosed": 3}
    for name, value in [*wrong.items(), ("recipients", 0), ("sealed_bytes", (1 << 25) + 1)]:
        with pytest.raises(EncodingError, match=name):
            replace(head, **{name: value})
    with pytest.raises(DisagreementError, match="begins no journal"):
        follow(None, head)
    with pytest.raises(ZkstateError):
        replace(head, previous=b"")


def test_parts_of_events_go_together(made):
    assert joined_events(made[2]).dtype == EVENT
