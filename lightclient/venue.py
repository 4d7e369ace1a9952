"""A whole venue out of its published journal, replayed event by event and held to the header of every epoch.

Nothing is believed but the trust root: the newest header leads to the older ones through `previous_state_root`, each
names the journal's head at its epoch, and what the replay makes has to have the roots that they state.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from zkstate import kernels
from zkstate.commitment.merkle import ACCOUNTS_ARITY, ACCOUNTS_NODE, MerkleTree
from zkstate.errors import DisagreementError, LengthError, MissingError, ZkstateError
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.layout import HEADER, MAX_EPOCH, epoch_folder, tile_path
from zkstate.publication.mirrors import Mirror
from zkstate.publication.progress import Progress, silent
from zkstate.publication.segments import Segment, SegmentHead, follow, segment_limit
from zkstate.publication.tables import encode_order_book
from zkstate.publication.tiles import TILE_NODES, tile_count
from zkstate.publication.trust import Trust, TrustRoot
from zkstate.publication.venue_journal import Replay, segment_path
from zkstate.state import commit, tree
from zkstate.state.ledger import Ledger
from zkstate.state.venue import Venue
from zkstate.state.venue_close import epoch_ledger
from zkstate.state.venue_events import DivergenceError

from .recover import Limits
from .source import Fleet, SourceReport

_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class VenueRecovery:
    """A venue after the last segment found. `epochs` are those whose roots were checked; `ledger` is of that moment.

    `events` came back in all, `after` of them behind the newest epoch: signed by the operator, and in no header yet.
    `ended` says why no further segment was read.
    """

    venue: Venue
    ledger: Ledger
    signed: SignedHeader
    trust: Trust
    epochs: tuple[int, ...]
    segments: int
    events: int
    after: int
    ended: str
    rpo_s: int
    rto_s: float
    sources: tuple[SourceReport, ...]


def recover_venue(
    key: X25519PrivateKey,
    mirrors: Sequence[Mirror],
    trust_root: TrustRoot,
    *,
    clock: Callable[[], float] = time.time,
    limits: Limits = _LIMITS,
    progress: Progress = silent,
) -> VenueRecovery:
    """Replay a venue from the first segment of its journal to the last that the mirrors have.

    Errors: those of `Replay.take`, of `Fleet.fetch` and of the trust root; DivergenceError names the first event that
    does not follow, or the last of the first account that an epoch commits to differently; DisagreementError where a
    header commits to another head or another table. A segment behind the newest epoch that does not follow ends the
    recovery before it.
    """
    start = time.perf_counter()
    fleet = Fleet(mirrors, request_s=limits.request_s, grace_s=limits.grace_s)
    epoch, header_hash, trust = trust_root.latest_epoch()
    newest = _header(fleet, epoch, header_hash)
    last, ended = MAX_EPOCH, ""
    while True:
        reading = _Reading(fleet, newest, key)
        try:
            ended = reading.upto(last, progress) or ended
            venue, ledger = reading.state()
            break
        except ZkstateError as error:
            if not reading.at_segment or last == reading.at_segment:
                raise
            # The replay is between two states: another one ends with the last segment that held, or with the epoch.
            last = reading.segments if reading.segments < last else reading.at_segment
            ended = f"behind segment {last}: {error}"
    return VenueRecovery(
        venue, ledger, newest, trust, tuple(reading.checked), reading.segments, reading.events,
        reading.events - reading.at_events, ended, max(0, int(clock()) - ledger.time), time.perf_counter() - start,
        fleet.reports(),
    )  # fmt: skip


@dataclass(slots=True)
class _Reading:
    """Segments read so far. `at_events` and `at_segment` are how many events and segments the newest epoch closes."""

    fleet: Fleet
    newest: SignedHeader
    key: X25519PrivateKey
    replay: Replay = field(default_factory=Replay)
    headers: dict[int, SignedHeader] = field(default_factory=dict)
    checked: list[int] = field(default_factory=list)
    at_events: int = 0
    at_segment: int = 0  # 0 as long as the newest epoch was not reached

    @property
    def segments(self) -> int:
        """How many were taken whole."""
        return 0 if self.replay.head is None else self.replay.head.number

    @property
    def events(self) -> int:
        """How many came before the end of the last segment."""
        return 0 if self.replay.head is None else self.replay.head.first + self.replay.head.count

    def upto(self, last: int, progress: Progress) -> str:
        """Replay no segment after `last`; why there is no further one."""
        while (number := self.segments + 1) <= last:
            try:
                segment = _segment(self.fleet, number, self.replay.head, self.newest.header)
            except ZkstateError as error:
                if not self.at_segment:
                    raise
                return str(error) if not isinstance(error, MissingError) else f"there is no segment {number}"
            if not self.headers:
                self.headers = _headers(self.fleet, self.newest, segment.head.epoch)
            if self.replay.take(segment, self.key) and segment.head.epoch in self.headers:
                header = self.headers[segment.head.epoch].header
                check_epoch(header, self.replay, self.fleet)
                self.checked.append(header.epoch)
                if header.epoch == self.newest.header.epoch:
                    self.at_events, self.at_segment = self.events, number
            progress("replay segments", number, number + 1)
        return ""

    def state(self) -> tuple[Venue, Ledger]:
        """The venue and its ledger after the last segment. LedgerError if it cannot be committed."""
        venue, ledger = self.replay.venue, self.replay.ledger
        assert venue is not None
        assert ledger is not None
        return venue, ledger if self.events == self.at_events else epoch_ledger(venue, venue.time)


def check_epoch(header: Header, replay: Replay, fleet: Fleet | None = None) -> None:
    """Hold what a replay made of an epoch to the header.

    DisagreementError names the first field that differs; DivergenceError, where the published leaves can be had from
    the fleet, the first account whose leaf does, by its last event.
    """
    ledger, head, venue = replay.ledger, replay.head, replay.venue
    assert ledger is not None
    assert head is not None
    assert venue is not None
    if header.journal_head != head.journal_head:
        raise DisagreementError(
            f"segment {head.number} makes journal_head {head.journal_head:#066x} of epoch {header.epoch}, and its "
            f"header states {header.journal_head:#066x}"
        )
    totals = ledger.totals()
    accounts = tree.build(ledger, header.venue, header.epoch, replay.salts)
    found = {
        "operator_key": head.operator_key.hex(),
        "venue_name": ledger.venue,
        "time": head.time,
        "account_count": len(ledger),
        "instruments_root": ledger.table.root,
        "order_book_root": commit.order_book_root(encode_order_book(ledger)),
        "scenarios_root": 0 if ledger.scenarios is None else ledger.scenarios.root,
        "accounts_root": accounts.root,
        "totals_root": commit.totals_root(totals.credits, totals.debits),
    }
    stated = {name: getattr(header, name) for name in found} | {"operator_key": header.operator_key.hex()}
    differing = [name for name in found if found[name] != stated[name]]
    if not differing:
        return
    if "accounts_root" in differing and header.account_count == len(ledger) and fleet is not None:
        _name_account(header, replay, accounts, fleet)
    name = differing[0]
    raise DisagreementError(
        f"epoch {header.epoch}: the journal replayed to event {venue.number} makes {name} {found[name]}, and the "
        f"header states {stated[name]} (of {len(differing)} fields that differ)"
    )


def _name_account(header: Header, replay: Replay, accounts: tree.AccountsTree, fleet: Fleet) -> None:
    """DivergenceError for the first account, by the events, whose published leaf is not what the replay makes."""
    assert replay.ledger is not None
    assert replay.venue is not None
    try:
        published = _leaves(header, fleet)
    except ZkstateError:
        return
    ours = np.frombuffer(accounts.leaves.to_bytes(), np.uint8).reshape(-1, 32)
    places = np.flatnonzero((ours != published).any(axis=1))
    last = replay.venue.last_event
    by_event = sorted((int(last[account]), account) for account in accounts.accounts[places].tolist())
    event, account = next((pair for pair in by_event if pair[0]), by_event[0])
    raise DivergenceError(
        event,
        f"epoch {header.epoch} commits to another state of account {replay.ledger.names[account]!r}, whose last event "
        f"it is, and of {len(places) - 1} others",
    )


def _leaves(header: Header, fleet: Fleet) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The leaves that an epoch published, checked against its accounts root."""
    parts = []
    for index in range(tile_count(header.account_count, 0)):
        path = f"{epoch_folder(header.epoch)}/{tile_path(0, index)}"
        parts.append(fleet.fetch(path, TILE_NODES * 32, bytes))
    data = b"".join(parts)
    if len(data) != 32 * header.account_count:
        raise LengthError(f"{len(data)} bytes of leaves for {header.account_count} accounts")
    built = MerkleTree(kernels.FrVec.from_bytes(data), ACCOUNTS_ARITY, header.accounts_depth, ACCOUNTS_NODE)
    if built.root != header.accounts_root:
        raise DisagreementError(f"the published leaves of epoch {header.epoch} are not those of its accounts root")
    return np.frombuffer(data, np.uint8).reshape(-1, 32)


def _header(fleet: Fleet, epoch: int, header_hash: bytes) -> SignedHeader:
    def check(data: bytes) -> SignedHeader:
        signed = SignedHeader.decode(data)
        if signed.header.hash != header_hash:
            raise DisagreementError(
                f"header of epoch {signed.header.epoch} has hash {signed.header.hash.hex()}, and the trust root holds "
                f"{header_hash.hex()} for epoch {epoch}"
            )
        return signed

    return fleet.fetch(f"{epoch_folder(epoch)}/{HEADER}", SIGNED_BYTES, check)


def _headers(fleet: Fleet, newest: SignedHeader, first: int) -> dict[int, SignedHeader]:
    """The headers from epoch `first` to the newest, each the one that the next names as its previous state."""
    found = {newest.header.epoch: newest}
    for epoch in range(newest.header.epoch - 1, first - 1, -1):
        after = found[epoch + 1].header

        def check(data: bytes, epoch: int = epoch, after: Header = after) -> SignedHeader:
            signed = SignedHeader.decode(data)
            if (signed.header.epoch, signed.header.state_root) != (epoch, after.previous_state_root):
                raise DisagreementError(
                    f"header of epoch {signed.header.epoch} has state root {signed.header.state_root:#066x}, and epoch "
                    f"{after.epoch} follows {after.previous_state_root:#066x}"
                )
            return signed

        found[epoch] = fleet.fetch(f"{epoch_folder(epoch)}/{HEADER}", SIGNED_BYTES, check)
    return found


def _segment(fleet: Fleet, number: int, before: SegmentHead | None, header: Header) -> Segment:
    path = segment_path(number)

    def check(data: bytes) -> Segment:
        segment = Segment.decode(data, path)
        follow(before, segment.head)
        if segment.head.operator_key != header.operator_key:
            raise DisagreementError(
                f"{path} is of operator {segment.head.operator_key.hex()}, the header of {header.operator_key.hex()}"
            )
        return segment

    return fleet.fetch(path, segment_limit(number), check)
