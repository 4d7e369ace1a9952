"""Publishing a venue's journal: its segments lie beside `epochs` on a mirror, and are never replaced."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zkstate.atomic import PUBLIC_FOLDER, create_file, disk_errors, make_folder, remove_leftovers
from zkstate.errors import DisagreementError, MissingError
from zkstate.publication.progress import Progress, silent
from zkstate.publication.publish import REQUEST_S, Published, Target
from zkstate.publication.regular import read_below, sha256_below
from zkstate.publication.segments import segment_limit
from zkstate.publication.venue_journal import JOURNAL, check_chain, segment_path

FIRST = segment_path(1).removeprefix(f"{JOURNAL}/")


def publish_journal(folder: Path, mirror: Target, progress: Progress = silent) -> Published:
    """Copy the segments that a mirror lacks, in order, after checking the whole chain.

    Errors: DisagreementError if the mirror holds another segment of a number; else as `check_chain` and those of the
    mirror.
    """
    heads = check_chain(folder)
    copied = files = 0
    if isinstance(mirror, Path):
        with disk_errors(f"{mirror / JOURNAL} cannot be used"):
            if (mirror / JOURNAL).is_dir():
                remove_leftovers(mirror / JOURNAL, ".0")  # of a writer that died with its segment in place
    for head in heads:
        path = segment_path(head.number)
        data = read_below(folder, Path(path).name, segment_limit(head.number))
        ours = hashlib.sha256(data).hexdigest()
        there = _there(mirror, path)
        if there is None:
            files, copied = files + 1, copied + len(data)
            if isinstance(mirror, Path):
                with disk_errors(f"{mirror / path} was not written"):
                    make_folder((mirror / path).parent, PUBLIC_FOLDER)
                create_file(mirror / path, data, what="segment")
            else:
                mirror.put(path, data)
        elif there != ours:
            raise DisagreementError(
                f"{path} is there with SHA-256 {there}, and to publish with {ours}; segments are never replaced"
            )
        progress("publish segments", head.number, len(heads))
    place = mirror / JOURNAL if isinstance(mirror, Path) else f"{mirror.url}/{JOURNAL}"
    return Published(place, heads[-1].digest if heads else b"", files, copied, already=not files)


def _there(mirror: Target, path: str) -> str | None:
    try:
        return sha256_below(mirror, path) if isinstance(mirror, Path) else mirror.sha256(path, REQUEST_S)
    except MissingError:
        return None
