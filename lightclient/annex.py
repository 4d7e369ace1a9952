"""An annex of an epoch out of mirrors: the files that one index lists, each held to its size and hash before it counts.

Nobody signs an index, so mirrors may show different ones. Then each is fetched whole from the mirrors that show it,
and a judge says which of them is what it should be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from zkstate.atomic import new_folder, write_new
from zkstate.errors import DisagreementError, InputError, MissingError, SourceError, ZkstateError
from zkstate.publication.annex import INDEX, MAX_INDEX_BYTES, Index, Limit
from zkstate.publication.header import Header
from zkstate.publication.layout import annex_folder
from zkstate.publication.manifest import Entry
from zkstate.publication.mirrors import Mirror
from zkstate.publication.progress import Progress, silent

from .source import Fleet


def fetch_annex(
    mirrors: Sequence[Mirror],
    name: str,
    header: Header,
    limit: Limit,
    judge: Callable[[Path], bool],
    out: Path,
    *,
    request_s: float,
    progress: Progress = silent,
) -> list[str]:
    """Write the annex `name` of an epoch to `out`, which must not exist: what was wrong on the way.

    `judge` is asked only where mirrors show different ones. Memory: one file. Errors: MissingError if no mirror has
    one; SourceError, DisagreementError if none has a whole or right one; EnvironmentFailure if the disk refuses.
    """
    shown, notes, failures = _indexes(mirrors, annex_folder(name, header.epoch), header, limit, request_s)
    if not shown:
        if failures and not all(isinstance(error, MissingError) for error in failures):
            raise SourceError("; ".join(map(str, failures)))
        raise MissingError(f"no mirror has {annex_folder(name, header.epoch)}")
    for index, holders in sorted(shown.items(), key=lambda item: -len(item[1])):
        fleet = Fleet(holders, request_s=request_s, grace_s=0)
        try:
            with new_folder(out) as folder:
                _fetch(fleet, annex_folder(name, header.epoch), index, folder, progress)
                if len(shown) > 1:
                    _require(judge(folder), holders, name)
        except (SourceError, DisagreementError, InputError) as error:
            failures.append(error)
            notes.append(str(error))
            continue
        return notes
    raise DisagreementError("; ".join(map(str, failures)))


def _indexes(
    mirrors: Sequence[Mirror], folder: str, header: Header, limit: Limit, request_s: float
) -> tuple[dict[Index, list[Mirror]], list[str], list[ZkstateError]]:
    """Which mirrors show which index; what was wrong with the others; and every failure."""
    shown: dict[Index, list[Mirror]] = {}
    failures: list[ZkstateError] = []
    for mirror in mirrors:
        try:
            data = mirror.get(f"{folder}/{INDEX}", max_bytes=MAX_INDEX_BYTES, timeout_s=request_s)
            shown.setdefault(Index.decode(data, header, limit), []).append(mirror)
        except (SourceError, DisagreementError) as error:
            failures.append(error)
        except InputError as error:
            failures.append(DisagreementError(f"{mirror.name}: {error}"))
    return shown, [str(error) for error in failures if not isinstance(error, MissingError)], failures


def _fetch(fleet: Fleet, place: str, index: Index, folder: Path, progress: Progress) -> None:
    for at, entry in enumerate(index.manifest.files):
        progress("fetch files", at, len(index.manifest.files))
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_new(target, fleet.fetch(f"{place}/{entry.path}", entry.size, partial(_right, entry)))
    write_new(folder / INDEX, index.encode())


def _require(holds: bool, holders: Sequence[Mirror], name: str) -> None:
    if not holds:
        raise DisagreementError(f"{' and '.join(mirror.name for mirror in holders)}: the {name} files do not hold")


def _right(entry: Entry, data: bytes) -> bytes:
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise DisagreementError(
            f"{entry.path}: not the {entry.size} bytes of SHA-256 {entry.sha256} that {INDEX} lists"
        )
    return data
