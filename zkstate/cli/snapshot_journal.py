"""zkstate snapshot --journal: begin a venue's journal, add events to it, and commit to where it leads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from zkstate.cli.arguments import Namespace, Parser, hex_bytes, is_given
from zkstate.cli.ledgers import SYNTHETIC
from zkstate.errors import InputError
from zkstate.publication.header import Header
from zkstate.publication.operator import Operator
from zkstate.publication.progress import Progress
from zkstate.publication.segments import SegmentHead
from zkstate.publication.venue_journal import (
    DISCLOSURES,
    PRICES,
    Replay,
    VenueJournal,
    begin,
    check_recipients,
    events_from,
    list_segments,
    replay_folder,
)
from zkstate.state.identity import kept_secret, read_secret
from zkstate.state.ledger import Ledger, issue_keys
from zkstate.state.synthetic_events import Trading, begin_quietly
from zkstate.state.venue_events import Event
from zkstate.state.venue_lines import read_events
from zkstate.state.venue_state import state_of

JOURNAL_KEY = "journal.key"

HELP = """\
  --journal FOLDER       the venue's journal. With a LEDGER it begins there: the ledger's state is its first segment.
                         Without one the epoch is what the journal leads to; --events adds to it before
  --events FILE          events to add: the form of docs/ledger.md, or synthetic:N for N generated ones. Without --out
                         they are added and published between epochs, and no epoch is made
  --journal-recipient K  an X25519 key in hex that the journal is sealed to as well, at its beginning; operator/
                         journal.key, made on first use, always opens it
  --disclose WHAT        what everybody may read of new segments: none, prices (the default), or book, which adds
                         orders, cancellations and fills without their accounts"""


def declare_journal(parser: Parser) -> None:
    parser.add_argument("--journal", type=Path)
    parser.add_argument("--events")
    parser.add_argument("--journal-recipient", type=hex_bytes(32), action="append", default=[])
    parser.add_argument("--disclose", choices=DISCLOSURES)


@dataclass(frozen=True, slots=True)
class Closed:
    """An epoch of a journal: its ledger, the secret of its salts, and the journal's head for the header."""

    ledger: Ledger
    salts: bytes
    journal_head: int


def check_options(args: Namespace) -> None:
    """InputError for options that do not go together."""
    if args.journal is None:
        if is_given(args.events) or args.journal_recipient or args.disclose is not None:
            raise InputError("--events, --journal-recipient and --disclose are about a journal: give --journal")
        if args.ledger is None or args.out is None:
            raise InputError("name a ledger and --out (see --help)")
    elif args.keep_record_key:
        raise InputError("--keep-record-key needs salts of the snapshot's own, and a journal states them: leave it out")
    elif args.ledger is not None:
        if args.events is not None or args.out is None:
            raise InputError("a journal begins with a ledger alone, and with an epoch: leave --events out, give --out")
    elif args.journal_recipient:
        raise InputError("--journal-recipient is chosen where the journal begins")
    elif args.out is None and (args.events is None or args.time is not None or args.previous is not None):
        raise InputError("without --out, --events are added to the journal, and no epoch is made at a --time")
    elif args.out is not None and args.time is None:
        raise InputError("an epoch of a journal needs --time")


def journal_key(folder: Path, *, make: bool = False) -> X25519PrivateKey:
    """The key in the operator's folder; made now, if there is none and it may be."""
    path = folder / JOURNAL_KEY
    if make:
        secret = kept_secret(path, "journal key", lambda: X25519PrivateKey.generate().private_bytes_raw())
    else:
        secret = read_secret(path, "journal key")
    return X25519PrivateKey.from_private_bytes(secret)


def begun(args: Namespace, ledger: Ledger, operator: Operator, previous: Header | None) -> Closed:
    """Begin a journal; one that began with the same state, where a run was cut off, is taken as it is."""
    key = journal_key(args.operator, make=not list_segments(args.journal))
    epoch = 1 if previous is None else previous.epoch + 1
    recipients = (key.public_key().public_bytes_raw(), *args.journal_recipient)
    check_recipients(recipients)
    if args.ledger.startswith(SYNTHETIC):
        ledger = begin_quietly(ledger)
    if ledger.owners is None:
        ledger = issue_keys(ledger, operator.issuing_master)
    if list_segments(args.journal):
        replay = replay_folder(args.journal, key)
        assert replay.head is not None
        assert replay.ledger is not None
        if replay.head.number != 1 or replay.head.epoch != epoch:
            raise InputError(f"{args.journal} holds a journal already: leave the ledger out to go on with it")
        if state_of(ledger).encode() != state_of(replay.ledger).encode():
            raise InputError(f"{args.journal} began with another state; if it was never published, remove it")
        _check_begun(args, replay, recipients)
        return Closed(ledger, replay.salts, replay.head.journal_head)
    journal = begin(args.journal, ledger, operator, recipients, _disclosed(args), epoch)
    return Closed(ledger, journal.replay.salts, journal.last.journal_head)


def _check_begun(args: Namespace, replay: Replay, recipients: tuple[bytes, ...]) -> None:
    """InputError for options that a journal did not begin with."""
    assert replay.head is not None
    if replay.recipients != recipients:
        began, asked = (", ".join(key.hex() for key in keys) for keys in (replay.recipients, recipients))
        raise InputError(
            f"{args.journal} began with the recipients {began}, and not {asked}; if it was never published, remove it"
        )
    _check_disclosed(args, replay.head)


def _check_disclosed(args: Namespace, head: SegmentHead) -> None:
    """InputError if a segment that a run before wrote discloses something else than this one asks for."""
    if head.disclosed != _disclosed(args):
        raise InputError(
            f"segment {head.number} is written, and discloses {DISCLOSURES[head.disclosed]}, and not "
            f"{DISCLOSURES[_disclosed(args)]}: a run that was cut off is repeated with the same --disclose"
        )


def _disclosed(args: Namespace) -> int:
    return PRICES if args.disclose is None else DISCLOSURES.index(args.disclose)


def opened(args: Namespace, operator: Operator, progress: Progress) -> VenueJournal:
    """The journal after a replay of all it holds, ready for more."""
    key = journal_key(args.operator)
    replay = replay_folder(args.journal, key, progress)
    assert replay.head is not None
    return VenueJournal(args.journal, operator, replay.recipients, _disclosed(args), replay)


def continued(args: Namespace, operator: Operator, previous: Header | None, progress: Progress) -> Closed:
    """Add events, close the epoch after `previous`. What a run that was cut off has closed already stays as it is."""
    journal = opened(args, operator, progress)
    if previous is not None and journal.last.closes and journal.last.epoch == previous.epoch + 1:
        replay = journal.replay
        assert replay.ledger is not None
        if replay.head is not None and replay.head.time != args.time:
            raise InputError(f"the journal has closed epoch {replay.head.epoch} at time {replay.head.time}: state that")
        _check_disclosed(args, journal.last)
        _check_closed(args, journal)
        return Closed(replay.ledger, replay.salts, journal.last.journal_head)
    before = journal.last.epoch - (not journal.last.closes)
    if previous is None or previous.epoch != before:
        raise InputError(f"the journal goes on from epoch {before}: give its header.bin as --previous")
    add_events(args, journal)
    ledger, salts = journal.close(args.time)
    return Closed(ledger, salts, journal.last.journal_head)


def _check_closed(args: Namespace, journal: VenueJournal) -> None:
    """InputError if --events has more than the journal had when it closed the epoch."""
    if args.events is None or args.events.startswith(SYNTHETIC):
        return
    if next(_lines(args, journal), None) is not None:
        last, number = journal.last, journal.venue.number
        raise InputError(
            f"the journal has closed epoch {last.epoch} at time {last.time} with event {number}, and {args.events} "
            f"goes on with event {number + 1}: leave it for the next epoch, with a later time"
        )


def add_events(args: Namespace, journal: VenueJournal) -> int:
    """Add the events of --events; how many that were."""
    if args.events is None:
        return 0
    venue = journal.venue
    if args.events.startswith(SYNTHETIC):
        count = args.events.removeprefix(SYNTHETIC)
        if not count.isascii() or not count.isdigit() or not 1 <= int(count) <= 10**7:
            raise InputError(f"{args.events} is no number of events from 1 to 10,000,000")
        until = args.time if args.time is not None else venue.time + int(count)
        events = Trading(venue, venue.number, until).events(int(count))
    else:
        venue.put(_lines(args, journal))
        events = venue.recorded()
    journal.append(events)
    return len(events)


def _lines(args: Namespace, journal: VenueJournal) -> Iterator[Event]:
    """The events of a file that the journal does not have."""
    had = partial(events_from, args.journal, journal_key(args.operator))
    return read_events(Path(args.events), journal.venue, had)
