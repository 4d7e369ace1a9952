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
from zkstate.solvency.carried import carried, most_bytes
from zkstate.solvency.files import CLAIM, MAX_CLAIM_BYTES, SOLVENCY, Claim
from zkstate.solvency.verify import verify_solvency

Judge = Callable[[Path, Header, Path], Worth]


def _solvent(public: Path, header: Header, folder: Path) -> Worth:
    """What a proof is worth under whatever keys it brings: who relies on it judges those."""
    finding = verify_solvency(public, folder, header, lambda _, key: (key.setup, None))
    if not finding.accepted:
        return Worth.FALSE
    claim = Claim.decode(read_below(folder, CLAIM, MAX_CLAIM_BYTES))
    return Worth.HOLDS if claim.system == "transparent" else Worth.UNDER_ITS_KEYS


ANNEXES: dict[str, tuple[Limit, Judge]] = {SOLVENCY: (most_bytes, _solvent)}


def publish_annexes(epoch: Path, header: Header, mirror: Target, progress: Progress) -> list[Published]:
    """Take to a mirror what is finished beside the public part of an epoch."""
    found = []
    if (epoch / SOLVENCY / CLAIM).exists():
        files = carried(epoch / SOLVENCY, header)
        found.append(publish_annex(epoch / SOLVENCY, SOLVENCY, files, header, mirror, progress))
    return found
