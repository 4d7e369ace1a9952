"""Where a venue's journal is cut into segments: never within a match or a transfer, and anywhere else."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.publication.venue import OPERATOR
from tests.state.venues import balanced_ledger
from zkstate.errors import LengthError
from zkstate.publication.segments import MAX_EVENTS
from zkstate.publication.venue_journal import PRICES, begin, check_chain, replay_folder
from zkstate.state.journal import FILL
from zkstate.state.venue_events import CANCEL, ORDER, SELLS, Event

KEY = X25519PrivateKey.from_private_bytes(bytes([7] * 32))


@pytest.fixture
def journal(tmp_path):
    return begin(tmp_path, balanced_ledger(), OPERATOR, [KEY.public_key().public_bytes_raw()], PRICES)


def market(journal):
    return next(i.id for i in journal.venue.state.table.instruments if not i.is_asset)


def test_more_orders_than_a_segment_holds_are_cancelled_at_once(journal):
    venue, book, count = journal.venue, market(journal), MAX_EVENTS + 1
    time, first = venue.time + 1, venue.last_order + 1
    venue.put(Event(ORDER, book, time, k % 12, first + k, 1, 1) for k in range(count))
    journal.append(venue.recorded())
    venue.put(Event(CANCEL, book, time, k % 12, first + k) for k in range(count))
    journal.append(venue.recorded())
    assert [head.count for head in check_chain(journal.folder)] == [0, MAX_EVENTS, 1, MAX_EVENTS, 1]
    assert (len(venue.orders), replay_folder(journal.folder, KEY).venue.link) == (0, venue.link)


def match(venue, book, resting):
    """Orders that rest, one that reaches them all, one of them cancelled, its fills, and its end."""
    time, first = venue.time + 1, venue.last_order + 1
    yield from (Event(ORDER, book, time, k, first + k, 100, 1, flags=SELLS) for k in range(resting + 1))
    number = first + resting + 1
    yield Event(ORDER, book, time, 11, number, 100, resting + 2)
    yield Event(CANCEL, book, time, resting, first + resting)
    for k in range(resting):
        yield Event(FILL, book, time, k, first + k, 100, -1)
        yield Event(FILL, book, time, 11, number, 100, 1)
    yield Event(CANCEL, book, time, 11, number)


def matched(journal):
    """Three matches of five fills, put one by one: 6 events that rest, 12 that go together, and a cancellation."""
    for _ in range(3):
        journal.venue.put(list(match(journal.venue, market(journal), 5)))
    return journal.venue.recorded()


@pytest.mark.parametrize(
    ("most", "counts"),
    [(12, [6, 12, 7, 12, 7, 12, 1]), (13, [6, 13, 6, 13, 6, 13]), (18, [18, 7, 18, 14]), (19, [19, 19, 19])],
)
def test_a_match_is_not_cut(journal, monkeypatch, most, counts):
    events = matched(journal)
    monkeypatch.setattr("zkstate.publication.venue_journal.MAX_EVENTS", most)
    journal.append(events)
    assert [head.count for head in check_chain(journal.folder)] == [0, *counts]
    assert replay_folder(journal.folder, KEY).venue.link == journal.venue.link


def test_a_match_longer_than_a_segment_is_refused(journal, monkeypatch):
    events = matched(journal)
    monkeypatch.setattr("zkstate.publication.venue_journal.MAX_EVENTS", 11)
    with pytest.raises(LengthError, match="event 7 is more than the 11 events of a segment"):
        journal.append(events)
