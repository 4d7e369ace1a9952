"""A chain of epochs audited: each by itself, then each against the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from zkstate.cli.arguments import Namespace
from zkstate.cli.reserves_verify import Assets, find_assets
from zkstate.cli.solvency_verify import key_judge
from zkstate.errors import DisagreementError, InputError
from zkstate.publication.annex import beside, check_annex
from zkstate.publication.audit import audit_folder
from zkstate.publication.epoch import PRIVATE
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader, equivocation
from zkstate.publication.holdings import HOLDINGS, Holdings
from zkstate.publication.layout import HEADER, INSTRUMENTS, MANIFEST, PUBLIC, TOTALS
from zkstate.publication.progress import Progress
from zkstate.publication.regular import read_below
from zkstate.publication.tables import MAX_TOTALS_BYTES, check_instruments, check_totals
from zkstate.reserves.compare import Line, compare
from zkstate.reserves.document import RESERVES
from zkstate.solvency.carried import most_bytes
from zkstate.solvency.files import CLAIM, SOLVENCY
from zkstate.solvency.publics import published_leaves
from zkstate.solvency.verify import Solvency, verify_solvency
from zkstate.state import wide
from zkstate.state.health import assess_rows, table_columns
from zkstate.state.ledger import Totals
from zkstate.state.table import MAX_TABLE_BYTES, InstrumentTable

RATIOS = ("below 1", "1 to 1.1", "1.1 to 1.5", "1.5 to 2", "2 to 5", "5 and more", "nothing required")
_EDGES = (10, 11, 15, 20, 50)  # tenths of equity to maintenance


@dataclass(frozen=True, slots=True)
class Place:
    """Where a published epoch lies, with the folders of its proof and reserves, if there are such."""

    public: Path
    solvency: Path | None
    reserves: Path | None
    private: Path | None


@dataclass(slots=True)
class Audited:
    """One epoch: what was found, and why it does not hold, if so. `health` counts accounts by RATIOS."""

    header: Header
    reasons: list[str]
    table: InstrumentTable | None = None
    totals: Totals | None = None
    solvency: Solvency | None = None
    assets: Assets | None = None
    health: list[int] | None = None
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Audit:
    """A chain: its epochs in order, what is wrong between them, and which epochs are missing among them."""

    epochs: tuple[Audited, ...]
    reasons: tuple[str, ...]
    missing: tuple[int, ...]

    @property
    def accepted(self) -> bool:
        return not self.reasons and not any(each.reasons for each in self.epochs)


def places(folders: Sequence[Path]) -> list[Place]:
    """The epochs in folders: mirrors, what snapshot wrote, or published epochs. InputError for any other folder."""
    found: list[Place] = []
    for folder in folders:
        if (folder / "epochs").is_dir():
            found += [_place(each) for each in sorted((folder / "epochs").iterdir()) if (each / MANIFEST).exists()]
        elif (folder / PUBLIC / MANIFEST).exists():
            found.append(_place(folder / PUBLIC))
        elif (folder / MANIFEST).exists():
            found.append(_place(folder))
        else:
            raise InputError(f"{folder} is no mirror, no epoch, and not what zkstate snapshot wrote")
    if not found:
        raise InputError("there is no epoch to audit")
    return found


def _place(public: Path) -> Place:
    if public.name != PUBLIC:
        epoch = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES)).header.epoch
        return Place(public, beside(public, SOLVENCY, epoch), beside(public, RESERVES, epoch), None)
    whole = public.parent
    solvency = whole / SOLVENCY if (whole / SOLVENCY / CLAIM).exists() else None
    private = whole / PRIVATE / HOLDINGS if (whole / PRIVATE / HOLDINGS).is_dir() else None
    return Place(public, solvency, whole / RESERVES, private)


def audit_chain(found: Sequence[Place], pinned: bytes | None, args: Namespace, progress: Progress) -> Audit:
    """Judge every epoch and the chain that they make. Errors: those of files that cannot be read at all."""
    signed = [(SignedHeader.decode(read_below(each.public, HEADER, SIGNED_BYTES)), each) for each in found]
    signed.sort(key=lambda pair: (pair[0].header.epoch, pair[0].header.hash))
    reasons: list[str] = []
    chain: list[tuple[SignedHeader, Place]] = []
    for each in signed:
        last = chain[-1][0] if chain else None
        if last is None or last.header.epoch != each[0].header.epoch:
            chain.append(each)
        elif last.header.hash != each[0].header.hash:
            kind = "the venue signed both" if equivocation(last, each[0]) else "of two venues"
            reasons.append(
                f"epoch {last.header.epoch} is stated twice, {kind}: header {last.header.hash.hex()} and "
                f"{each[0].header.hash.hex()}"
            )
            chain.append(each)
    for (before, _), (after, _) in pairwise(chain):
        reasons += _steps(before.header, after.header)
    numbers = {each.header.epoch for each, _ in chain}
    missing = tuple(sorted(set(range(min(numbers), max(numbers))) - numbers))
    if pinned is not None and pinned not in {each.header.hash for each, _ in chain}:
        reasons.append(f"no epoch here has the header hash {pinned.hex()} that is expected")
    epochs = tuple(_audited(each, place, args, progress) for each, place in chain)
    return Audit(epochs, tuple(reasons), missing)


def _steps(before: Header, after: Header) -> list[str]:
    """What is wrong between two headers in order of epoch."""
    if (before.venue, before.operator_key) != (after.venue, after.operator_key):
        return [
            f"epochs {before.epoch} and {after.epoch} are of two venues, {before.venue_name} and {after.venue_name}"
        ]
    reasons = []
    if after.epoch == before.epoch + 1 and after.previous_state_root != before.state_root:
        reasons.append(
            f"epoch {after.epoch} goes on from state root {after.previous_state_root:#066x}, and epoch {before.epoch} "
            f"has {before.state_root:#066x}: one of them was restated"
        )
    if after.epoch > before.epoch and after.time <= before.time:
        reasons.append(f"epoch {after.epoch} is of time {after.time}, not after that of {before.epoch}, {before.time}")
    return reasons


def _audited(signed: SignedHeader, place: Place, args: Namespace, progress: Progress) -> Audited:
    header, public = signed.header, place.public
    epoch = Audited(header, [str(finding) for finding in audit_folder(public, signed, progress)])
    if epoch.reasons:
        return epoch
    epoch.table = check_instruments(read_below(public, INSTRUMENTS, MAX_TABLE_BYTES), header)
    epoch.totals = check_totals(read_below(public, TOTALS, MAX_TOTALS_BYTES), header)
    epoch.lines = compare(epoch.table, epoch.totals, {})
    if place.solvency is not None:
        epoch.reasons += [str(finding) for finding in check_annex(place.solvency, header, most_bytes, progress)]
        epoch.solvency = verify_solvency(public, place.solvency, header, key_judge(args), progress, args.jobs or 1)
        epoch.reasons += epoch.solvency.reasons
    epoch.assets = find_assets(public, header, place.reserves, args, needed=False)
    if epoch.assets is not None:
        epoch.lines = epoch.assets.lines
        epoch.reasons += epoch.assets.reasons
    if args.holdings:
        epoch.health = _distribution(place, header, epoch.table)
    return epoch


def _distribution(place: Place, header: Header, table: InstrumentTable) -> list[int]:
    """How many accounts have which ratio in their cross pot, out of the venue's own columns.

    DisagreementError unless their leaves are the published ones.
    """
    if place.private is None:
        raise InputError(f"--holdings: {place.public} has no private part beside it")
    held = Holdings.open(place.private)
    leaves = published_leaves(place.public, header.account_count)
    if len(held) != len(leaves) or not np.array_equal(np.asarray(held.parts.leaves), leaves):
        raise DisagreementError(f"{place.private}: these holdings are not what epoch {header.epoch} published")
    health = assess_rows(table_columns(table), held.rows)
    counts = [0] * len(RATIOS)
    for equity, need in zip(wide.to_ints(health.equity), wide.to_ints(health.need), strict=True):
        place_of = sum(10 * equity >= edge * need for edge in _EDGES) if need else len(_EDGES) + (equity >= 0)
        counts[place_of if need or equity >= 0 else 0] += 1
    return counts
