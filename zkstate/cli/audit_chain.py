"""A chain of epochs audited: each by itself, then each against the one before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from zkstate.cli.arguments import Namespace
from zkstate.cli.headers import CLOCK_SKEW_S
from zkstate.cli.reserves_pins import Pins, Registered
from zkstate.cli.reserves_verify import Assets, judge_assets
from zkstate.cli.solvency_verify import key_judge
from zkstate.cli.terminal import duration_text
from zkstate.errors import DisagreementError, InputError, MissingError, SourceError
from zkstate.publication.annex import beside, check_annex
from zkstate.publication.audit import audit_folder
from zkstate.publication.epoch import PRIVATE
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader, equivocation
from zkstate.publication.holdings import HOLDINGS, Holdings
from zkstate.publication.layout import HEADER, INSTRUMENTS, MANIFEST, PUBLIC, TOTALS, epoch_folder
from zkstate.publication.progress import Progress
from zkstate.publication.record_secrets import same_hour
from zkstate.publication.regular import read_below
from zkstate.publication.tables import MAX_TOTALS_BYTES, check_instruments, check_totals, read_scenarios
from zkstate.reserves.compare import Line, compare
from zkstate.reserves.document import RESERVES
from zkstate.solvency.carried import most_bytes
from zkstate.solvency.files import CLAIM, CLASSES, SOLVENCY, health_text, profit_text, rules_text
from zkstate.solvency.publics import published_leaves
from zkstate.solvency.verify import Solvency, verify_solvency
from zkstate.state import wide
from zkstate.state.health import table_columns
from zkstate.state.ledger import Totals
from zkstate.state.portfolio import assess_judged
from zkstate.state.table import MAX_TABLE_BYTES, InstrumentTable

RATIOS = ("below 1", "1 to 1.1", "1.1 to 1.5", "1.5 to 2", "2 to 5", "5 and more", "nothing required")
_EDGES = (10, 11, 15, 20, 50)  # tenths of equity to maintenance


@dataclass(frozen=True, slots=True)
class Place:
    """Where a published epoch lies and its signed header, with the folders of its proof and reserves, if there are."""

    signed: SignedHeader
    public: Path
    solvency: Path | None
    reserves: Path | None
    private: Path | None


@dataclass(slots=True)
class Audited:
    """One epoch: what was found, and why it does not hold, if so.

    `solvency` is a proof that holds; `health` counts accounts by RATIOS.
    """

    header: Header
    reasons: list[str]
    table: InstrumentTable | None = None
    totals: Totals | None = None
    solvency: Solvency | None = None
    assets: Assets | None = None
    health: list[int] | None = None
    lines: list[Line] = field(default_factory=list)

    def take(self, other: Audited, place: Place) -> None:
        """Add what another copy of the same epoch shows, and what is wrong with it."""
        self.reasons += [f"the copy in {place.public}: {words}" for words in other.reasons]
        if self.solvency is not None and other.solvency is not None:
            own, found = _proved(self.solvency), _proved(other.solvency)
            if own != found:
                self.reasons.append(f"the copy in {place.public} proves {found}; and another copy {own}")
        self.table, self.totals = self.table or other.table, self.totals or other.totals
        self.solvency = self.solvency or other.solvency
        self.health = self.health or other.health
        self.lines = self.lines or other.lines
        if self.assets is None and other.assets is not None:
            self.assets, self.lines = other.assets, other.lines


def _proved(proof: Solvency) -> str:
    """What a proof comes to under the rules that the venue chose, in words."""
    rules = "" if proof.by_portfolio is None else rules_text(proof.accounts, proof.by_portfolio)
    return f"{health_text(proof.claim)} ({rules}), and that {profit_text(proof.claim)}"


@dataclass(frozen=True, slots=True)
class Audit:
    """A chain: its epochs in order, what is wrong between them, and which are missing, as first and last of a gap.

    `pinned` is the hash of a header that the reader expects among them, `registered` what evidence shows: without
    either nobody says whose the operator key is.
    """

    epochs: tuple[Audited, ...]
    reasons: tuple[str, ...]
    missing: tuple[tuple[int, int], ...]
    pinned: bytes | None = None
    registered: Registered | None = None

    @property
    def accepted(self) -> bool:
        return not self.reasons and not any(each.reasons for each in self.epochs)

    @property
    def vouched(self) -> bool:
        """Whether anything but the epochs themselves names the venue."""
        return self.pinned is not None or self.registered is not None

    @property
    def gaps(self) -> str:
        """The missing epochs, for people."""
        return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in self.missing)


def places(folders: Sequence[Path]) -> tuple[list[Place], list[str]]:
    """The epochs in folders: mirrors, what snapshot wrote, or published epochs; and which of them have no header.

    InputError for any other folder, or if no epoch has a header.
    """
    public: dict[Path, None] = {}
    for folder in folders:
        if (folder / "epochs").is_dir():
            found = sorted((folder / "epochs").iterdir())
            public |= dict.fromkeys(
                each for each in found if (each.is_dir() or each.name.isdecimal()) and not each.name.startswith(".")
            )
        elif _is_epoch(folder / PUBLIC):
            public[folder / PUBLIC] = None
        elif _is_epoch(folder):
            public[folder] = None
        else:
            raise InputError(f"{folder} is no mirror, no epoch, and not what zkstate snapshot wrote")
    if not public:
        raise InputError("there is no epoch to audit")
    read, faults = {}, []
    for each in public:
        try:
            read[each.resolve()] = _place(each)
        except (InputError, SourceError, DisagreementError) as error:
            faults.append(f"{each.name}: {error}")
    if not read:
        raise InputError(faults[0])
    return list(read.values()), faults


def _is_epoch(folder: Path) -> bool:
    return (folder / MANIFEST).exists() or (folder / HEADER).exists()


def _place(public: Path) -> Place:
    signed = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES))
    place = epoch_folder(signed.header.epoch)
    if public.parent.name == "epochs" and f"epochs/{public.name}" != place:
        raise DisagreementError(f"it is epoch {signed.header.epoch}, which has its place in {place}")
    if public.name != PUBLIC:
        epoch = signed.header.epoch
        return Place(signed, public, beside(public, SOLVENCY, epoch), beside(public, RESERVES, epoch), None)
    whole = public.parent
    solvency = whole / SOLVENCY if (whole / SOLVENCY / CLAIM).exists() else None
    private = whole / PRIVATE / HOLDINGS if (whole / PRIVATE / HOLDINGS).is_dir() else None
    return Place(signed, public, solvency, whole / RESERVES, private)


def audit_chain(found: Sequence[Place], pinned: bytes | None, pins: Pins, args: Namespace, progress: Progress) -> Audit:
    """Judge every copy of every epoch, and the chain that they make. Errors: SourceError if nodes are silent."""
    reasons: list[str] = []
    copies: dict[bytes, list[Place]] = {}
    for each in sorted(found, key=lambda place: (place.signed.header.epoch, place.signed.header.hash)):
        copies.setdefault(each.signed.header.hash, []).append(each)
    chain = [same[0].signed for same in copies.values()]
    for before, after in pairwise(chain):
        if before.header.epoch == after.header.epoch:
            kind = "the venue signed both" if equivocation(before, after) else "of two venues"
            reasons.append(
                f"epoch {before.header.epoch} is stated twice, {kind}: header {before.header.hash.hex()} and "
                f"{after.header.hash.hex()}"
            )
        reasons += _steps(before.header, after.header)
    headers = [signed.header for signed in chain]
    reasons += [*_record_keys(headers), *pins.contradicted(headers)]
    if pinned is not None and pinned not in copies:
        reasons.append(f"no epoch here has the header hash {pinned.hex()} that is expected")
    epochs = []
    for first, *more in copies.values():
        epoch = _audited(first, pins, args, progress)
        for place in more:
            epoch.take(_audited(place, pins, args, progress), place)
        epochs.append(epoch)
    reasons += pins.unused()
    numbers = [each.header.epoch for each in epochs]
    missing = tuple((before + 1, after - 1) for before, after in pairwise(numbers) if after > before + 1)
    return Audit(tuple(epochs), tuple(reasons), missing, pinned, pins.evidence)


def _steps(before: Header, after: Header) -> list[str]:
    """What is wrong between two headers in order of epoch."""
    if (before.venue, before.operator_key) != (after.venue, after.operator_key):
        one, other = (f"{each.venue_name} with operator key {each.operator_key.hex()}" for each in (before, after))
        return [f"epochs {before.epoch} and {after.epoch} are of two venues, {one} and {other}"]
    reasons = []
    if after.epoch == before.epoch + 1 and after.previous_state_root != before.state_root:
        reasons.append(
            f"epoch {after.epoch} goes on from state root {after.previous_state_root:#066x}, and epoch {before.epoch} "
            f"has {before.state_root:#066x}: one of them was restated"
        )
    if after.epoch > before.epoch and after.time <= before.time:
        reasons.append(f"epoch {after.epoch} is of time {after.time}, not after that of {before.epoch}, {before.time}")
    return reasons


def _record_keys(headers: Sequence[Header]) -> list[str]:
    """Record keys that were kept beyond their hour: whoever takes one opens the records of all its epochs."""
    first: dict[bytes, Header] = {}
    return [
        f"epochs {before.epoch} and {header.epoch}, of two hours, have one record key, {header.record_key.hex()}"
        for header in headers
        if not same_hour((before := first.setdefault(header.record_key, header)).time, header.time)
    ]


def _audited(place: Place, pins: Pins, args: Namespace, progress: Progress) -> Audited:
    """One copy of an epoch. What is malformed, missing or contradicting in it is a reason, and ends no audit."""
    header = place.signed.header
    epoch = Audited(header, [])
    if header.epoch == 1 and header.previous_state_root:
        epoch.reasons.append(f"it is the first, and goes on from state root {header.previous_state_root:#066x}")
    ahead = header.time - int(time.time())
    if ahead > CLOCK_SKEW_S:
        epoch.reasons.append(f"it is dated {duration_text(ahead)} in the future")
    for step in (_files, _solvency, _reserves):
        try:
            step(epoch, place, pins, args, progress)
        except (InputError, SourceError, DisagreementError) as error:
            if step is _reserves and isinstance(error, SourceError) and not isinstance(error, MissingError):
                raise  # nodes are silent, which says nothing of the epoch
            epoch.reasons.append(str(error))
        if epoch.table is None:
            return epoch
    if args.holdings and place.private is not None and epoch.table is not None:
        proof = None if epoch.solvency is None else place.solvency
        epoch.health = _distribution(place.private, place.public, proof, header, epoch.table)
    return epoch


def _files(epoch: Audited, place: Place, _: Pins, __: Namespace, progress: Progress) -> None:
    header, public = epoch.header, place.public
    findings = [str(finding) for finding in audit_folder(public, place.signed, progress)]
    epoch.reasons += findings
    if not findings:
        epoch.totals = check_totals(read_below(public, TOTALS, MAX_TOTALS_BYTES), header)
        epoch.table = check_instruments(read_below(public, INSTRUMENTS, MAX_TABLE_BYTES), header)
        epoch.lines = compare(epoch.table, epoch.totals, {})


def _solvency(epoch: Audited, place: Place, _: Pins, args: Namespace, progress: Progress) -> None:
    if place.solvency is None:
        return
    findings = [str(finding) for finding in check_annex(place.solvency, epoch.header, most_bytes, progress)]
    epoch.reasons += findings
    judge = key_judge(args)
    found = verify_solvency(place.public, place.solvency, epoch.header, judge, progress, args.jobs or 1)
    epoch.reasons += found.reasons
    if found.accepted and not findings:
        epoch.solvency = replace(found, counted=None)  # as large as the epoch, of which there can be many


def _reserves(epoch: Audited, place: Place, pins: Pins, _: Namespace, __: Progress) -> None:
    epoch.assets = judge_assets(place.public, epoch.header, place.reserves, pins)
    if epoch.assets is not None:
        epoch.lines = epoch.assets.lines
        epoch.reasons += epoch.assets.reasons


def _distribution(private: Path, public: Path, proof: Path | None, header: Header, table: InstrumentTable) -> list[int]:
    """How many accounts have which ratio in their cross pot, out of the venue's own columns.

    DisagreementError unless their leaves are the published ones, and their classes those of the proof, if one holds.
    """
    held = Holdings.open(private)
    leaves = published_leaves(public, header)
    if len(held) != len(leaves) or not np.array_equal(np.asarray(held.parts.leaves), leaves):
        raise DisagreementError(f"{private}: these holdings are not what epoch {header.epoch} published")
    if proof is not None and read_below(proof, CLASSES, len(held)) != np.asarray(held.parts.classes).tobytes():
        raise DisagreementError(f"{private}: the proof of epoch {header.epoch} judges accounts by other rules")
    scenarios = read_scenarios(public, header, table)
    health = assess_judged(table_columns(table), held.rows, held.by_portfolio, scenarios)
    counts = [0] * len(RATIOS)
    for equity, need in zip(wide.to_ints(health.equity), wide.to_ints(health.need), strict=True):
        place_of = sum(10 * equity >= edge * need for edge in _EDGES) if need else len(_EDGES) + (equity >= 0)
        counts[place_of if need or equity >= 0 else 0] += 1
    return counts
