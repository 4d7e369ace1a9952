"""What stands beside an epoch on mirrors: which files `publish` takes there, and how `recover` judges two of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zkstate.publication.annex import Limit, publish_annex
from zkstate.publication.header import Header
from zkstate.publication.progress import Progress
from zkstate.publication.publish import Published, Target
from zkstate.solvency.carried import carried, most_bytes
from zkstate.solvency.files import CLAIM, SOLVENCY
from zkstate.solvency.verify import verify_solvency

Judge = Callable[[Path, Header, Path], bool]


def _solvent(public: Path, header: Header, folder: Path) -> bool:
    """Whether a proof holds, under whatever keys it brings: who relies on it judges those."""
    return verify_solvency(public, folder, header, lambda _, key: (key.setup, None)).accepted


ANNEXES: dict[str, tuple[Limit, Judge]] = {SOLVENCY: (most_bytes, _solvent)}


def publish_annexes(epoch: Path, header: Header, mirror: Target, progress: Progress) -> list[Published]:
    """Take to a mirror what is finished beside the public part of an epoch."""
    found = []
    if (epoch / SOLVENCY / CLAIM).exists():
        files = carried(epoch / SOLVENCY, header)
        found.append(publish_annex(epoch / SOLVENCY, SOLVENCY, files, header, mirror, progress))
    return found
