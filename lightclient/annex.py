"""An annex of an epoch out of mirrors: the files that one index lists, each held to its size and hash before it counts.

Nobody signs an index, so mirrors may show different ones. Then each is fetched whole from the mirrors that show it,
and a judge says which of them is what it should be. One that would hold for whoever made its keys takes no place of
another: where that is all there is and mirrors differ, nothing is chosen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from enum import IntEnum
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


class Worth(IntEnum):
    """What a judge makes of an annex."""

    FALSE = 0
    UNDER_ITS_KEYS = 1  # holds, if whoever made the keys in it did not cheat
    HOLDS = 2


def fetch_annex(
    mirrors: Sequence[Mirror],
    name: str,
    header: Header,
    limit: Limit,
    judge: Callable[[Path], Worth],
    out: Path,
    *,
    request_s: float,
    progress: Progress = silent,
) -> list[str]:
    """Write the annex `name` of an epoch to `out`, which must not exist: what was wrong on the way.

    `judge` is asked only where mirrors show different ones; InputError, DisagreementError or SourceError from it is one
    that does not hold. Memory: one file. Errors: MissingError if no mirror has one; SourceError, DisagreementError if
    none has a whole and right one, or several hold under keys of their own; EnvironmentFailure if the disk refuses.
    """
    shown, notes, failures = _indexes(mirrors, annex_folder(name, header.epoch), header, limit, request_s)
    if not shown:
        if failures and not all(isinstance(error, MissingError) for error in failures):
            raise SourceError("; ".join(map(str, failures)))
        raise MissingError(f"no mirror has {annex_folder(name, header.epoch)}")
    place, ranked = annex_folder(name, header.epoch), sorted(shown.items(), key=lambda item: -len(item[1]))
    doubtful: list[tuple[Index, list[Mirror]]] = []
    for index, holders in ranked:
        try:
            with new_folder(out) as folder:
                _fetch(Fleet(holders, request_s=request_s, grace_s=0), place, index, folder, progress)
                if len(shown) > 1:
                    _require(judge(folder))
        except _Other as other:
            if other.worth is Worth.UNDER_ITS_KEYS:
                doubtful.append((index, holders))
                continue
            failures.append(DisagreementError(f"{_names(holders)}: the {name} files do not hold"))
        except (SourceError, DisagreementError, InputError) as error:
            failures.append(error)
        else:
            return notes
        notes.append(str(failures[-1]))
    if len(doubtful) == 1:
        index, holders = doubtful[0]
        with new_folder(out) as folder:
            _fetch(Fleet(holders, request_s=request_s, grace_s=0), place, index, folder, progress)
        return notes
    if doubtful:
        shows = " and ".join(_names(holders) for _, holders in doubtful)
        words = f"{shows} show different {name} files, each right under its own keys: name one mirror"
        failures.append(DisagreementError(words))
    raise DisagreementError("; ".join(map(str, failures)))


class _Other(Exception):
    """Not the one to keep: out of the block that writes it."""

    def __init__(self, worth: Worth) -> None:
        super().__init__()
        self.worth = worth


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


def _require(worth: Worth) -> None:
    if worth is not Worth.HOLDS:
        raise _Other(worth)


def _names(mirrors: Sequence[Mirror]) -> str:
    return " and ".join(mirror.name for mirror in mirrors)


def _right(entry: Entry, data: bytes) -> bytes:
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise DisagreementError(
            f"{entry.path}: not the {entry.size} bytes of SHA-256 {entry.sha256} that {INDEX} lists"
        )
    return data
