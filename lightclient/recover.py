"""Recovery: one account out of published files alone, believed for no other reason than the trust root.

    trust root → header hash → header → signature, age, tables → record → leaf → tiles → accounts_root

Whatever a mirror serves is checked against something already believed before it is used; the trust root alone
is taken at its word.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from zkstate.errors import DisagreementError, MissingError, SourceError, StaleError
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader, equivocation
from zkstate.publication.layout import HEADER, INSTRUMENTS, SCENARIOS, TOTALS, epoch_folder
from zkstate.publication.mirrors import Mirror
from zkstate.publication.progress import Progress, silent
from zkstate.publication.records import NoRecordError, Record, RecordKey
from zkstate.publication.tables import MAX_TOTALS_BYTES, check_instruments, check_scenarios, check_totals
from zkstate.publication.tiles import path_from_tiles
from zkstate.publication.trust import Trust, TrustRoot
from zkstate.state.identity import AccountKey
from zkstate.state.journal import Segment
from zkstate.state.ledger import Totals
from zkstate.state.scenarios import MAX_SCENARIOS_BYTES
from zkstate.state.table import MAX_TABLE_BYTES

from .blobs import BlobMirror
from .bundle import Bundle
from .history import extended, find_record, new_entries
from .shards import with_shards
from .source import Fleet, SourceReport

STEPS = ("trust root", "header", "tables", "record", "path", "history", "bundle")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a recovery puts up with. Times in seconds; `max_age_s` None accepts any age, and reports it.

    `request_s` bounds one request to one mirror; `grace_s` is how long the first mirror with the right header
    waits for the others; `epochs_back` is how many older epochs are tried when the newest is not to be had;
    `clock_skew_s` is how far in the future a header may lie.
    """

    max_age_s: int | None = None
    request_s: float = 10.0
    grace_s: float = 0.25
    epochs_back: int = 8
    clock_skew_s: int = 600


@dataclass(frozen=True, slots=True)
class Recovery:
    """What came back, and how.

    `rpo_s` is the age of the recovered state, `rto_s` the time it took; `newest_epoch` is what the trust root
    knows, and `skipped` says why newer epochs than the bundle's were passed over. `history_lacks` says why the
    bundle holds fewer entries of the account's history than asked for, or None. `equivocations` are validly
    signed headers that contradict the one believed: each convicts the venue together with it.
    """

    bundle: Bundle
    totals: Totals
    newest_epoch: int
    skipped: tuple[str, ...]
    history_lacks: str | None
    equivocations: tuple[SignedHeader, ...]
    rpo_s: int
    rto_s: float
    seconds: dict[str, float]
    sources: tuple[SourceReport, ...]

    @property
    def bytes_read(self) -> int:
        """From all mirrors together."""
        return sum(source.bytes_read for source in self.sources)


def recover(
    key: AccountKey,
    mirrors: Sequence[Mirror],
    trust_root: TrustRoot,
    *,
    clock: Callable[[], float] = time.time,
    limits: Limits = Limits(),
    history_since: int | None = None,
    progress: Progress = silent,
) -> Recovery:
    """Rebuild the account of `key` at the newest epoch that the trust root knows and some mirror can show.

    Its history comes with the entries that this epoch added, or all after epoch `history_since`. An account is worth
    having without its history: what keeps mirrors from showing that is reported, and fails nothing.
    Errors: what the trust root raises; NoRecordError if the epoch has no record for the key; StaleError if
    the newest state to be had is older than `limits.max_age_s`; otherwise that of the newest epoch:
    SourceError if no mirror delivered, DisagreementError if those that did lied. Nothing is written.
    """
    fleet = Fleet(mirrors, request_s=limits.request_s, grace_s=limits.grace_s)
    run = _Run(key, fleet, clock, limits, history_since, progress)
    with run.step("trust root"):
        newest, header_hash, trust = trust_root.latest_epoch()
    skipped: list[str] = []
    failure: SourceError | DisagreementError | None = None
    for epoch in range(newest, max(0, newest - limits.epochs_back - 1), -1):
        if epoch != newest:
            try:
                header_hash = trust_root.epoch_hash(epoch)
            except (SourceError, DisagreementError):
                break
        for mirror in mirrors:
            if isinstance(mirror, BlobMirror):  # takes longer than one file, and asks the trust root as this loop does
                mirror.fetch(epoch, limits.request_s)
        try:
            signed = run.header(epoch, header_hash)
            bundle, totals = run.account(signed, trust)
        except (NoRecordError, StaleError):
            raise
        except (SourceError, DisagreementError) as error:
            skipped.append(f"epoch {epoch}: {error}")
            failure = failure or error
            continue
        return Recovery(
            bundle=bundle,
            totals=totals,
            newest_epoch=newest,
            skipped=tuple(skipped),
            history_lacks=run.history_lacks,
            equivocations=tuple(other for other in run.contradicting if equivocation(signed, other)),
            rpo_s=max(0, bundle.recovered_at - signed.header.time),
            rto_s=time.perf_counter() - run.start,
            seconds=run.seconds,
            sources=fleet.reports(),
        )
    raise failure or MissingError(f"the trust root names epoch {newest}, and epochs start at 1")


class _Run:
    """The steps of one recovery, timed, over one fleet of mirrors."""

    def __init__(
        self,
        key: AccountKey,
        fleet: Fleet,
        clock: Callable[[], float],
        limits: Limits,
        history_since: int | None,
        progress: Progress,
    ) -> None:
        self.start = time.perf_counter()
        self.seconds: dict[str, float] = {}
        self.contradicting: list[SignedHeader] = []
        self.history_lacks: str | None = None
        self._key, self._fleet, self._clock = key, fleet, clock
        self._limits, self._history_since, self._progress = limits, history_since, progress

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Report and time one of STEPS; a step done again, for an older epoch, adds up."""
        self._progress(name, STEPS.index(name), len(STEPS))
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        self._progress(name, STEPS.index(name) + 1, len(STEPS))

    def header(self, epoch: int, header_hash: bytes) -> SignedHeader:
        """The header that the trust root names, from whichever mirror has it, if its age is acceptable."""

        def check(data: bytes) -> SignedHeader:
            signed = SignedHeader.decode(data)
            if signed.header.hash != header_hash:
                self.contradicting.append(signed)
                raise DisagreementError(
                    f"header of epoch {signed.header.epoch} has hash {signed.header.hash.hex()}, "
                    f"and the trust root holds {header_hash.hex()} for epoch {epoch}"
                )
            if signed.header.epoch != epoch:
                raise DisagreementError(f"the trust root's epoch {epoch} names a header of {signed.header.epoch}")
            return signed

        with self.step("header"):
            signed = self._fleet.poll(f"{epoch_folder(epoch)}/{HEADER}", SIGNED_BYTES, check)
            self._check_age(signed.header)
            return signed

    def account(self, signed: SignedHeader, trust: Trust) -> tuple[Bundle, Totals]:
        """Everything below a header that is believed."""
        header = signed.header
        fetch = with_shards(self._fleet, header)
        with self.step("tables"):
            table = fetch(INSTRUMENTS, MAX_TABLE_BYTES, lambda data: check_instruments(data, header))
            scenarios = None
            if header.scenarios_root:
                scenarios = fetch(SCENARIOS, MAX_SCENARIOS_BYTES, lambda data: check_scenarios(data, header, table))
            totals = fetch(TOTALS, MAX_TOTALS_BYTES, lambda data: check_totals(data, header))
        with self.step("record"):
            record = find_record(RecordKey.derive(self._key, header), fetch)
        with self.step("path"):
            leaf, path = path_from_tiles(
                record.account.index,
                count=header.account_count,
                depth=header.accounts_depth,
                root=header.accounts_root,
                fetch=fetch,
            )
            if leaf != record.leaf:
                raise DisagreementError(
                    f"the record's leaf is {record.leaf:#066x}, and leaf {path.index} of the tree is "
                    f"{leaf:#066x}: the venue encrypted another account than it committed to"
                )
        with self.step("history"):
            history = self._history(header, record)
        with self.step("bundle"):
            bundle = Bundle(
                signed=signed,
                account=record.account,
                path=path,
                table=table,
                scenarios=scenarios,
                history=history,
                trust=trust,
                recovered_at=int(self._clock()),
                owner_secret=self._key.owner_secret,
            )
        return bundle, totals

    def _history(self, header: Header, record: Record) -> Segment | None:
        """The entries asked for, or as many of the last as are to be had; None if not even this epoch's are."""
        self.history_lacks, segment = None, None
        try:
            segment = new_entries(self._key, header, record.account, with_shards(self._fleet, header))
            if self._history_since is not None:
                segment = extended(self._key, header, segment, self._history_since, self._fleet)
        except (SourceError, DisagreementError) as error:
            self.history_lacks = str(error)
        return segment

    def _check_age(self, header: Header) -> None:
        age = int(self._clock()) - header.time
        if age < -self._limits.clock_skew_s:
            raise StaleError(
                f"header of epoch {header.epoch} is of time {header.time}, {-age} s after this machine's "
                "clock; set the clock right"
            )
        if self._limits.max_age_s is not None and age > self._limits.max_age_s:
            raise StaleError(
                f"the newest state to be had, epoch {header.epoch}, is {age} s old; "
                f"the limit is {self._limits.max_age_s} s"
            )
