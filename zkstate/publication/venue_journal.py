"""A venue's journal as a folder of segments: begun with a ledger, appended to, and replayed (docs/spec.md §15).

Each segment appears whole or not at all, under the next number; who appends holds a lock on the folder.
"""

from __future__ import annotations

import fcntl
import os
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from zkstate.atomic import create_file, disk_errors, remove_leftovers
from zkstate.errors import DisagreementError, EncodingError, EnvironmentFailure, InputError, LedgerError, LengthError
from zkstate.publication.operator import Operator
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import read_below, read_range
from zkstate.publication.segments import (
    EVENTS,
    MAX_EVENTS,
    MAX_RECIPIENTS,
    PLACED,
    SALT_BYTES,
    SIGNED_HEAD_BYTES,
    STATE,
    Segment,
    SegmentHead,
    decode_head,
    follow,
    seal,
    segment_limit,
)
from zkstate.state import tree
from zkstate.state.commit import venue_id
from zkstate.state.journal import FILL, LIQUIDATION
from zkstate.state.ledger import Bytes32, Ledger
from zkstate.state.venue import Venue
from zkstate.state.venue_close import close, epoch_ledger
from zkstate.state.venue_events import CANCEL, EVENT, ORDER, PRICE, DivergenceError, Events, decode_events
from zkstate.state.venue_replay import ReplayedVenue
from zkstate.state.venue_state import VenueState, state_of

JOURNAL = "journal"
NOTHING, PRICES, BOOK = range(3)
DISCLOSURES = ("none", "prices", "book")
_SIZE = struct.Struct(">I")
_HIDDEN = ("account", "value_high", "value_low", "fee_high", "fee_low", "after", "cash")


class _Opened(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    owner: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    view_key: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


_OPENED = msgspec.json.Decoder(list[_Opened])


def segment_path(number: int) -> str:
    """The file of a segment on a mirror, beside `epochs`."""
    return f"{JOURNAL}/{number:08d}.bin"


def disclosed_part(events: Events, disclosed: int) -> bytes:
    """What everybody may read of a segment's events: nothing, prices, or also the book without its owners."""
    kind = events["kind"]
    chosen = np.isin(kind, {NOTHING: (), PRICES: (PRICE,), BOOK: (PRICE, ORDER, CANCEL, FILL, LIQUIDATION)}[disclosed])
    at = np.flatnonzero(chosen)
    part = events[at].astype(EVENT)
    owned = part["kind"] != PRICE
    for name in _HIDDEN:
        part[name][owned] = 0
    part["link"] = 0
    out = np.empty((len(at), PLACED), np.uint8)
    out[:, :4] = at.astype(">u4").view(np.uint8).reshape(-1, 4)
    out[:, 4:] = part.view(np.uint8).reshape(-1, EVENT.itemsize)
    return out.tobytes()


@dataclass(slots=True)
class Replay:
    """A journal as far as it was read: the head of its last segment, the venue after it, and the salts of each epoch.

    `salts` is the secret of the last epoch that was closed; `ledger` its ledger; `recipients` whom it is sealed to.
    """

    head: SegmentHead | None = None
    venue: Venue | None = None
    ledger: Ledger | None = None
    salts: bytes = b""
    recipients: tuple[bytes, ...] = ()
    closed: int = -1  # the time of the last epoch

    def take(self, segment: Segment, key: X25519PrivateKey) -> bool:
        """Read the next segment; whether it closes an epoch, whose ledger and salts are then `ledger` and `salts`.

        Errors: DisagreementError, EncodingError, LengthError; DivergenceError names an event.
        """
        head = segment.head
        follow(self.head, head)
        plain = segment.open(key)
        salts, body = plain[: tree.SECRET_BYTES], memoryview(plain)[tree.SECRET_BYTES :]
        if len(salts) != tree.SECRET_BYTES or bool(head.closes) != any(salts):
            raise EncodingError(f"segment {head.number} has a secret of salts and closes no epoch, or the reverse")
        if head.kind == STATE:
            self._take_state(head, bytes(body))
        else:
            self._take_events(segment, body)
        self.head = head
        if head.closes:
            self.salts, self.closed = salts, head.time
        return bool(head.closes)

    def _take_state(self, head: SegmentHead, body: bytes) -> None:
        if self.venue is not None:
            raise DisagreementError(f"segment {head.number} is a second state: a journal has one, at its beginning")
        keys = 1 + 32 * (body[0] if body else 0)
        self.recipients = tuple(body[at : at + 32] for at in range(1, keys, 32))
        if len(self.recipients) != head.recipients or any(len(one) != 32 for one in self.recipients):
            raise EncodingError(f"segment 1 lists {len(self.recipients)} recipients, its head {head.recipients}")
        state = VenueState.decode(body[keys:])
        stated = (venue_id(head.operator_key, state.venue).to_bytes(32), state.time, state.events)
        if stated != (head.venue, head.time, head.first):
            raise DisagreementError(
                f"segment {head.number} holds the state of {state.venue!r} at {state.time} after {state.events}, "
                f"and is of time {head.time} after {head.first}"
            )
        self.venue, self.ledger = ReplayedVenue(state), state.ledger()

    def _take_events(self, segment: Segment, body: memoryview) -> None:
        head, venue = segment.head, self.venue
        assert venue is not None
        opened, events = _split(head, body)
        names, owners, view_keys = _decode_opened(opened)
        if len(events) != head.count:
            raise LengthError(f"segment {head.number} holds {len(events)} events, and its head says {head.count}")
        if disclosed_part(events, head.disclosed) != segment.public:
            raise DisagreementError(f"segment {head.number}: its public part is not that of the events it holds")
        if names:
            venue.open_accounts(names, owners, view_keys)
        if len(events):
            late = np.flatnonzero(events["time"].astype(np.uint64) > np.uint64(head.time))
            early = int(events["time"][0]) <= self.closed
            if len(late) or early:
                number = head.first + 1 + (int(late[0]) if len(late) else 0)
                raise DivergenceError(number, f"its time is outside its segment's, which ends at {head.time}")
        venue.replay(events)
        if head.closes:
            self.ledger = epoch_ledger(venue, head.time)
            close(venue, self.ledger)


def _split(head: SegmentHead, body: memoryview) -> tuple[bytes, Events]:
    """The accounts opened, still encoded, and the events of a body behind its secret."""
    if len(body) < _SIZE.size or (size := _SIZE.unpack_from(body)[0]) > len(body) - _SIZE.size:
        raise LengthError(f"segment {head.number}: its accounts are longer than itself")
    at = _SIZE.size + size
    return bytes(body[_SIZE.size : at]), decode_events(body[at:], head.first + 1)


def _decode_opened(data: bytes) -> tuple[tuple[str, ...], Bytes32, Bytes32]:
    if not data:
        return (), np.zeros((0, 32), np.uint8), np.zeros((0, 32), np.uint8)
    try:
        opened = _OPENED.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EncodingError(f"accounts opened by a segment: {error}") from error
    if msgspec.json.encode(opened) != data or not opened:
        raise EncodingError("accounts opened by a segment are not in their canonical form")
    keys = [
        np.frombuffer(bytes.fromhex("".join(getattr(one, name) for one in opened)), np.uint8).reshape(-1, 32)
        for name in ("owner", "view_key")
    ]
    return tuple(one.name for one in opened), keys[0], keys[1]


@dataclass(slots=True)
class VenueJournal:
    """A journal that its venue appends to. `replay` is the state after what is on disk, or was put since.

    After an error the venue may be ahead of the disk: read the journal again.
    """

    folder: Path
    operator: Operator
    recipients: tuple[bytes, ...]
    disclosed: int
    replay: Replay

    @property
    def venue(self) -> Venue:
        """The venue after the last event."""
        assert self.replay.venue is not None
        return self.replay.venue

    @property
    def last(self) -> SegmentHead:
        """The head of the last segment."""
        assert self.replay.head is not None
        return self.replay.head

    def append(self, events: Events, opened: Sequence[tuple[str, bytes, bytes]] = ()) -> None:
        """Write what `venue.recorded` gave last as segments; accounts of (name, owner, view key) stand first.

        EnvironmentFailure if the disk refuses; what was written before stays.
        """
        if len(events) and int(events["time"][0]) <= self.replay.closed:
            raise LedgerError(f"an event of time {events['time'][0]} is not after the epoch of {self.replay.closed}")
        at, first, whole = 0, self.last.first + self.last.count, self.venue.whole
        while at < len(events) or (opened and not at):
            end = min(at + MAX_EVENTS, len(events))
            if end < len(events):
                before = bisect_right(whole, first + end) - 1
                end = whole[before] - first if before >= 0 else 0
                if end <= at:
                    raise LengthError(
                        f"what belongs to event {first + at + 1} is more than the {MAX_EVENTS} events of a segment"
                    )
            part = events[at:end]
            self._write(EVENTS, self._events_body(part, () if at else opened), part, bytes(tree.SECRET_BYTES))
            at = max(end, 1)

    def close(self, time: int, entropy: Callable[[int], bytes] = os.urandom) -> tuple[Ledger, bytes]:
        """End the epoch with an empty closing segment: its ledger and the secret of its salts. LedgerError."""
        if time < self.last.time or time <= self.replay.closed:
            raise LedgerError(f"an epoch at {time}, and the journal is at {self.last.time}")
        ledger, salts = epoch_ledger(self.venue, time), entropy(tree.SECRET_BYTES)
        nothing = np.zeros(0, EVENT)
        self._write(EVENTS, self._events_body(nothing, ()), nothing, salts, time)
        close(self.venue, ledger)
        self.replay.ledger, self.replay.salts, self.replay.closed = ledger, salts, time
        return ledger, salts

    def _events_body(self, events: Events, opened: Sequence[tuple[str, bytes, bytes]]) -> bytes:
        listed = [_Opened(name, owner.hex(), view_key.hex()) for name, owner, view_key in opened]
        data = msgspec.json.encode(listed) if listed else b""
        return _SIZE.pack(len(data)) + data + events.tobytes()

    def _write(self, kind: int, body: bytes, events: Events, salts: bytes, time: int | None = None) -> None:
        before = self.replay.head
        epoch = before.epoch + before.closes if before is not None else 1
        if time is None:
            time = int(events["time"][-1]) if len(events) else self.venue.time
        self._put(kind, epoch, salts + body, events, time, any(salts))

    def _put(self, kind: int, epoch: int, body: bytes, events: Events, time: int, closes: bool) -> None:
        before, nothing = self.replay.head, bytes(32)
        venue = venue_id(self.operator.public_key, self.venue.state.venue).to_bytes(32)
        public = disclosed_part(events, self.disclosed)
        head = SegmentHead(
            self.operator.public_key, venue, 1 if before is None else before.number + 1, epoch, time,
            0 if before is None else before.first + before.count, len(events), kind, int(closes), self.disclosed, 1,
            nothing if before is None else before.digest, nothing, nothing, nothing, len(public), SALT_BYTES + 16,
        )  # fmt: skip
        segment = seal(head, body, public, self.recipients, self.operator.signing_key)
        follow(before, segment.head)
        path = self.folder / f"{segment.head.number:08d}.bin"
        create_file(path, segment.encode(), what="segment")
        self.replay.head = segment.head


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The one writer of a journal's folder. EnvironmentFailure if another has it."""
    with disk_errors(f"journal {folder} cannot be locked"):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EnvironmentFailure(f"journal {folder} is being written by another process") from error
        with disk_errors(f"journal {folder} cannot be locked"):
            same = os.path.samestat(os.fstat(fd), folder.stat())
        if not same:  # removed, and made again, by who had the lock before
            raise EnvironmentFailure(f"journal {folder} was replaced while it was locked: repeat")
        with disk_errors(f"journal {folder} cannot be used"):
            remove_leftovers(folder, ".0")  # also of a segment that was shown, and whose writer died right after
        yield
    finally:
        os.close(fd)


def begin(
    folder: Path, ledger: Ledger, operator: Operator, recipients: Sequence[bytes], disclosed: int, epoch: int = 1,
    entropy: Callable[[int], bytes] = os.urandom,
) -> VenueJournal:  # fmt: skip
    """Begin a journal in an empty folder, with a ledger that has keys as the state of an epoch.

    Errors: LedgerError for a ledger a journal cannot begin with; InputError for no recipients or too many.
    """
    check_recipients(recipients)
    if list_segments(folder):
        raise EnvironmentFailure(f"{folder} holds a journal already")
    state = state_of(ledger)
    salts = entropy(tree.SECRET_BYTES)
    replay = Replay(None, Venue(state), ledger, salts, (), ledger.time)
    journal = VenueJournal(folder, operator, tuple(recipients), disclosed, replay)
    body = salts + bytes([len(recipients)]) + b"".join(recipients) + state.encode()
    journal._put(STATE, epoch, body, np.zeros(0, EVENT), ledger.time, closes=True)  # noqa: SLF001
    return journal


def check_recipients(recipients: Sequence[bytes]) -> None:
    """InputError unless there are 1 to 16 different ones."""
    if not 1 <= len(recipients) <= MAX_RECIPIENTS or len(set(recipients)) < len(recipients):
        raise InputError(f"{len(recipients)} recipients of a journal: there are 1 to {MAX_RECIPIENTS}, all different")


def list_segments(folder: Path) -> list[Path]:
    """The segment files of a folder by number. EncodingError if one is missing."""
    with disk_errors(f"journal {folder} cannot be read"):
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    for number, name in enumerate(names, start=1):
        if name != f"{number:08d}.bin":
            raise EncodingError(f"{folder} holds {name} in place of {number:08d}.bin: it is no whole journal")
    return [folder / name for name in names]


def read_segment(path: Path) -> Segment:
    """One segment of a folder. Errors as `Segment.decode` and `read_below`."""
    number = 1 if path.name == "00000001.bin" else 2
    return Segment.decode(read_below(path.parent, path.name, segment_limit(number)), path.name)


def check_chain(folder: Path, progress: Progress = silent) -> list[SegmentHead]:
    """The heads of a journal's segments, each checked: signature, chain, and the hash of its bytes."""
    heads: list[SegmentHead] = []
    paths = list_segments(folder)
    for path in paths:
        head = read_segment(path).head
        follow(heads[-1] if heads else None, head)
        heads.append(head)
        progress("check segments", len(heads), len(paths))
    return heads


def last_head(folder: Path) -> SegmentHead | None:
    """The head of the last segment of a folder, its signature checked; None if there is no segment."""
    paths = list_segments(folder)
    return _head(paths[-1]) if paths else None


def _head(path: Path) -> SegmentHead:
    return decode_head(read_range(path.parent, path.name, 0, SIGNED_HEAD_BYTES), path.name)[0]


def events_from(folder: Path, key: X25519PrivateKey, number: int) -> Iterator[Events]:
    """The events of a folder that was replayed, from a number on, segment by segment."""
    paths = list_segments(folder)
    start = len(paths) - 1
    while start > 0 and _head(paths[start]).first >= number:
        start -= 1
    for path in paths[start:]:
        segment = read_segment(path)
        if segment.head.kind == EVENTS:
            _, events = _split(segment.head, memoryview(segment.open(key))[tree.SECRET_BYTES :])
            yield events[max(0, number - 1 - segment.head.first) :]


def replay_folder(folder: Path, key: X25519PrivateKey, progress: Progress = silent) -> Replay:
    """The venue after all segments of a folder. Errors as `Replay.take`."""
    replay, paths = Replay(), list_segments(folder)
    for done, path in enumerate(paths, start=1):
        replay.take(read_segment(path), key)
        progress("replay the journal", done, len(paths))
    if replay.venue is None:
        raise EncodingError(f"{folder} holds no segments of a journal")
    return replay
