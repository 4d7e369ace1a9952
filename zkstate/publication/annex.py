"""What belongs to an epoch and was made after its manifest: a folder of its own on each mirror, listed in an index.

The header cannot name such files, since it is older. What they prove binds them to it; the index, which nobody signs,
only tells a damaged copy from a whole one and lets a reader bound every file before it is read (docs/spec.md, 13, 14).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from zkstate.atomic import new_folder, write_new
from zkstate.errors import DisagreementError, EncodingError, MissingError
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.layout import HEADER, MANIFEST, PUBLIC, annex_folder
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Entry, Finding, Manifest, check_files
from zkstate.publication.progress import Progress, silent
from zkstate.publication.publish import CHUNK, REQUEST_S, Published, Target, copy_below
from zkstate.publication.regular import read_below, sha256_below
from zkstate.publication.stores import Store

INDEX = "index.json"
MAX_INDEX_BYTES = MAX_MANIFEST_BYTES

Limit = Callable[[str, Header], int]
"""How many bytes a file of an annex can have at most, by its path; EncodingError for a path that no annex has.
The empty path stands for all files together."""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["zkstate index"]
    version: Literal[1]
    header_hash: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    files: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """The files of an annex with sizes and hashes, and the hash of the header that they belong to."""

    header_hash: bytes
    manifest: Manifest

    def encode(self) -> bytes:
        """The canonical bytes of `index.json`."""
        return msgspec.json.encode(_Document("zkstate index", 1, self.header_hash.hex(), self.manifest.files))

    @classmethod
    def decode(cls, data: bytes, header: Header, limit: Limit) -> Index:
        """Read the index of a header's annex.

        EncodingError for anything but canonical bytes, or a file that is none or too large; DisagreementError for
        the index of another header.
        """
        try:
            document = msgspec.json.decode(data, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EncodingError(f"{INDEX}: {error}") from error
        index = cls(bytes.fromhex(document.header_hash), Manifest(document.files))
        if index.encode() != data:
            raise EncodingError(f"{INDEX} is not in its canonical form")
        if index.header_hash != header.hash:
            raise DisagreementError(f"{INDEX} is of header {document.header_hash}, not of {header.hash.hex()}")
        for entry in document.files:
            if entry.size > (most := limit(entry.path, header)):
                raise EncodingError(f"{INDEX}: {entry.path} has {entry.size} bytes; the limit is {most}")
        if (total := sum(entry.size for entry in document.files)) > (most := limit("", header)):
            raise EncodingError(f"{INDEX}: the files have {total} bytes together; the limit is {most}")
        return index


def publish_annex(
    source: Path, name: str, paths: Sequence[str], header: Header, mirror: Target, progress: Progress = silent
) -> Published:
    """Copy these files to the annex `name` of an epoch on a mirror, whole or not at all (to a store the index last).
    One that is there and the same is accepted.

    Errors: DisagreementError for another one, which is kept as it is; MissingError, SourceError if a file cannot be
    read; EnvironmentFailure if the disk refuses.
    """
    if not isinstance(mirror, Path):
        return _to_store(source, annex_folder(name, header.epoch), paths, header, mirror, progress)
    target = mirror / annex_folder(name, header.epoch)
    if os.path.lexists(target):
        _same_annex(source, target, paths, header)
        return Published(target, header.hash, len(paths) + 1, 0, already=True)
    done = 0
    with new_folder(target) as folder:
        for at, path in enumerate(paths):
            progress(f"copy {name}", at, len(paths))
            done += copy_below(source, folder, path)
        index = Index(header.hash, Manifest.of_folder(folder)).encode()
        write_new(folder / INDEX, index)
    return Published(target, header.hash, len(paths) + 1, done + len(index), already=False)


def check_annex(folder: Path, header: Header, limit: Limit, progress: Progress = silent) -> list[Finding]:
    """Compare an annex with its index; no findings where there is no index. Errors: as `Index.decode`."""
    try:
        index = Index.decode(read_below(folder, INDEX, MAX_INDEX_BYTES), header, limit)
    except MissingError:
        return []
    return check_files(folder, index.manifest, (INDEX,), progress)


def beside(public: Path, name: str, epoch: int) -> Path | None:
    """The annex of a published epoch on a mirror folder, if it is one and anything is there, damaged or no folder."""
    place = public.resolve()
    mirror = place.parent.parent
    annex = mirror / annex_folder(name, epoch)
    return annex if place.parent.name == "epochs" and os.path.lexists(annex) else None


def epoch_with(place: Path, name: str) -> tuple[Path, Path] | None:
    """A published epoch and its annex of a name: in one folder, or on a mirror folder each in its place."""
    if (place / PUBLIC / MANIFEST).exists():
        return place / PUBLIC, place / name
    if not (place / MANIFEST).exists():
        return None
    header = SignedHeader.decode(read_below(place, HEADER, SIGNED_BYTES)).header
    found = beside(place, name, header.epoch)
    return None if found is None else (place, found)


def _same_annex(source: Path, target: Path, paths: Sequence[str], header: Header) -> None:
    """DisagreementError unless the target is what copying these files makes."""
    try:
        data = read_below(target, INDEX, MAX_INDEX_BYTES)
    except MissingError:
        data = b""
    index = _index_of(source, paths, header)
    if data != index.encode():
        raise DisagreementError(f"{target} is of other files than {source}; what is published is never replaced")
    if findings := check_files(target, index.manifest, (INDEX,)):
        raise DisagreementError(f"{target} differs from its index in {len(findings)} files, first {findings[0]}")


def _to_store(
    source: Path, place: str, paths: Sequence[str], header: Header, store: Store, progress: Progress
) -> Published:
    index = _index_of(source, paths, header)
    data = index.encode()
    try:
        found: bytes | None = store.get(f"{place}/{INDEX}", max_bytes=MAX_INDEX_BYTES, timeout_s=REQUEST_S)
    except MissingError:
        found = None
    if found not in (None, data):
        raise DisagreementError(f"{store.url}/{place} is of other files; what is published is never replaced")
    sent = 0
    for at, entry in enumerate(index.manifest.files):
        path = f"{place}/{entry.path}"
        if found is None:
            sent += store.put(path, (source, entry.path))
        if (there := store.sha256(path, REQUEST_S + entry.size / CHUNK)) != entry.sha256:
            raise DisagreementError(f"{store.url}: {path} has SHA-256 {there}, and was published as {entry.sha256}")
        progress("upload files", at, len(paths))
    if found is None:
        sent += store.put(f"{place}/{INDEX}", data)
    return Published(f"{store.url}/{place}", header.hash, len(paths) + 1, sent, already=found is not None)


def _index_of(source: Path, paths: Sequence[str], header: Header) -> Index:
    return Index(header.hash, Manifest(tuple(Entry(path, *_measured(source, path)) for path in sorted(paths))))


def _measured(folder: Path, path: str) -> tuple[int, str]:
    return (folder / path).stat().st_size, sha256_below(folder, path)
