"""What stands beside an epoch on mirrors: which files `publish` takes there, and how `recover` judges two of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lightclient.annex import Worth
from zkstate.publication.annex import Limit, publish_annex
from zkstate.publication.header import Header
from zkstate.publication.progress import Progress
from zkstate.publication.publish import Published, Target
from zkstate.publication.regular import read_below
from zkstate.reserves import document
from zkstate.reserves.document import MAX_RESERVES_BYTES, RESERVES, Reserves, reserve_files
from zkstate.reserves.verify import verify_reserves
from zkstate.solvency.carried import carried, most_bytes
from zkstate.solvency.files import CLAIM, MAX_CLAIM_BYTES, SOLVENCY, Claim
from zkstate.solvency.verify import verify_solvency

Judge = Callable[[Path, Header, Path], Worth]


def _solvent(public: Path, header: Header, folder: Path) -> Worth:
    """What a proof is worth under whatever keys it brings: who relies on it judges those."""
    finding = verify_solvency(public, folder, header, lambda _name, _digest, key: (key.setup, None))
    if not finding.accepted:
        return Worth.FALSE
    claim = Claim.decode(read_below(folder, CLAIM, MAX_CLAIM_BYTES))
    return Worth.HOLDS if claim.system == "transparent" else Worth.UNDER_ITS_KEYS


def _reserved(public: Path, header: Header, folder: Path) -> Worth:  # noqa: ARG001 (the shape of a judge)
    """Whether reserves are proved, at whatever block and of whatever tokens: who relies on them judges those."""
    found = [Reserves.decode(read_below(folder, path.name, MAX_RESERVES_BYTES)) for path in reserve_files(folder)]
    holds = all(not verify_reserves(each, header, {}).reasons for each in found)
    return Worth.UNDER_ITS_KEYS if holds else Worth.FALSE


ANNEXES: dict[str, tuple[Limit, Judge]] = {
    SOLVENCY: (most_bytes, _solvent),
    RESERVES: (document.most_bytes, _reserved),
}


def publish_annexes(epoch: Path, header: Header, mirror: Target, progress: Progress) -> list[Published]:
    """Take to a mirror what is finished beside the public part of an epoch."""
    found = []
    if (epoch / SOLVENCY / CLAIM).exists():
        files = carried(epoch / SOLVENCY, header)
        found.append(publish_annex(epoch / SOLVENCY, SOLVENCY, files, header, mirror, progress))
    if files := [path.name for path in reserve_files(epoch / RESERVES)]:
        found.append(publish_annex(epoch / RESERVES, RESERVES, files, header, mirror, progress))
    return found
