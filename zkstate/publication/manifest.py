"""The manifest: every published file of an epoch with its size and SHA-256; the header holds its hash.

Canonical form: JSON without white space, keys in the order `version`, `files` and `path`, `size`, `sha256`,
files sorted by path, no end of line. Any other spelling is refused, so one list has one hash.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from zkstate.errors import DisagreementError, EncodingError, MissingError, SourceError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER, MANIFEST, checked_path
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import files_below, read_below, sha256_below

VERSION = 1
MAX_MANIFEST_BYTES = 64 << 20
MAX_FILE_BYTES = 1 << 40
MOST_FINDINGS = 1000


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: relative path, size in bytes, SHA-256 in lower-case hexadecimal."""

    path: str
    size: int
    sha256: str

    @classmethod
    def of(cls, path: str, content: bytes) -> Entry:
        """The entry of a file with this content."""
        return cls(path, len(content), hashlib.sha256(content).hexdigest())


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    files: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of an epoch in order of path. Every instance is canonical: EncodingError otherwise."""

    files: tuple[Entry, ...]

    def __post_init__(self) -> None:
        previous = ""
        for entry in self.files:
            checked_path(entry.path)
            if entry.path in (HEADER, MANIFEST):
                raise EncodingError(f"{MANIFEST} lists {entry.path}, which it cannot cover")
            if entry.path <= previous:
                raise EncodingError(f"{MANIFEST}: {entry.path} follows {previous}; paths must increase")
            if not 0 <= entry.size <= MAX_FILE_BYTES:
                raise EncodingError(f"{MANIFEST}: {entry.path} has size {entry.size}")
            if len(entry.sha256) != 64 or not set(entry.sha256) <= set("0123456789abcdef"):
                raise EncodingError(f"{MANIFEST}: {entry.path} has SHA-256 {entry.sha256[:80]!r}")
            previous = entry.path

    def encode(self) -> bytes:
        """The canonical bytes of `manifest.json`."""
        return msgspec.json.encode(_Document(VERSION, self.files))

    @property
    def root(self) -> bytes:
        """SHA-256 of the canonical bytes: the header's `data_root`."""
        return hashlib.sha256(self.encode()).digest()

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """Read `manifest.json`; EncodingError for anything but the canonical bytes."""
        if len(data) > MAX_MANIFEST_BYTES:
            raise EncodingError(f"{MANIFEST} has {len(data)} bytes; the limit is {MAX_MANIFEST_BYTES}")
        try:
            document = msgspec.json.decode(data, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EncodingError(f"{MANIFEST} is not a manifest: {error}") from error
        if document.version != VERSION:
            raise EncodingError(f"{MANIFEST} has version {document.version}, not {VERSION}")
        manifest = cls(document.files)
        if manifest.encode() != data:
            raise EncodingError(f"{MANIFEST} is not in its canonical form")
        return manifest

    @classmethod
    def decode_under(cls, data: bytes, data_root: bytes) -> Manifest:
        """Read the manifest that a header names; DisagreementError if these are other bytes."""
        found = hashlib.sha256(data).digest()
        if found != data_root:
            raise DisagreementError(
                f"{MANIFEST} has SHA-256 {found.hex()}, and the header's data_root is {data_root.hex()}"
            )
        return cls.decode(data)

    def find(self, path: str) -> Entry | None:
        """The entry of a path, or None if the epoch has no such file."""
        return next((entry for entry in self.files if entry.path == path), None)

    def including(self, path: str, content: bytes) -> Manifest:
        """The manifest with one file more."""
        return Manifest(tuple(sorted((*self.files, Entry.of(path, content)), key=lambda one: one.path)))

    @classmethod
    def of_folder(cls, folder: Path, progress: Progress = silent) -> Manifest:
        """List and hash every file under `folder`. EncodingError for a link, a device or an odd name."""
        sizes = {}
        for path, status in files_below(folder):
            if path in (HEADER, MANIFEST):
                continue
            if not stat.S_ISREG(status.st_mode):
                raise EncodingError(f"{folder / path} is not a regular file and cannot be published")
            sizes[checked_path(path)] = status.st_size
        entries, done, total = [], 0, sum(sizes.values())
        for path, size in sorted(sizes.items()):
            entries.append(Entry(path, size, sha256_below(folder, path)))
            done += size
            progress("hash files", done, total)
        return cls(tuple(entries))


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a folder differs from what it should be: kind, path, the two values that disagree.

    Kinds: `missing`, `extra`, `not a file`, `size`, `sha256`, `more`; of an audit also `root`, `node`, `record`.
    """

    kind: str
    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}: expected {self.expected}, found {self.found}"


def check_folder(folder: Path, signed: SignedHeader, progress: Progress = silent) -> list[Finding]:
    """Compare a whole epoch folder with the header given; an empty list says they agree.

    Reads every file once, in chunks. Links are never followed. Errors: SourceError, EncodingError or
    DisagreementError if `manifest.json` is missing or not the one the header names: there is then
    nothing to compare with.
    """
    manifest = Manifest.decode_under(read_below(folder, MANIFEST, MAX_MANIFEST_BYTES), signed.header.data_root)
    return [*_check_header(folder, signed), *check_files(folder, manifest, (HEADER, MANIFEST), progress)]


def check_files(folder: Path, manifest: Manifest, besides: Iterable[str], progress: Progress = silent) -> list[Finding]:
    """Compare the files below a folder with a list of them; those named `besides` may be there too. As `first`."""
    return first(_differences(folder, manifest, frozenset(besides), progress))


def first(findings: Iterable[Finding]) -> list[Finding]:
    """The first MOST_FINDINGS, and one that says so if there are more: who made the files chose how many differ."""
    found = list(islice(findings, MOST_FINDINGS + 1))
    if len(found) > MOST_FINDINGS:
        found[-1] = Finding("more", found[-1].path, "nothing else", "differences that are not looked for any more")
    return found


def _differences(folder: Path, manifest: Manifest, besides: frozenset[str], progress: Progress) -> Iterator[Finding]:
    listed = {entry.path for entry in manifest.files}
    present: dict[str, os.stat_result] = {}
    extra: list[Finding] = []
    for path, status in files_below(folder):
        if path in listed:
            present[path] = status
        elif path not in besides:
            extra.append(Finding("extra", path, "no such file", f"{status.st_size} bytes"))
        if len(extra) > MOST_FINDINGS:
            yield from extra
            return
    done, total = 0, sum(entry.size for entry in manifest.files)
    for entry in manifest.files:
        yield from _compare(folder, entry, present.get(entry.path))
        done += entry.size
        progress("check files", done, total)
    yield from sorted(extra, key=lambda finding: finding.path)


def _check_header(folder: Path, signed: SignedHeader) -> Iterable[Finding]:
    expected = hashlib.sha256(signed.encode()).hexdigest()
    try:
        found = hashlib.sha256(read_below(folder, HEADER, SIGNED_BYTES)).hexdigest()
    except MissingError:
        return [Finding("missing", HEADER, expected, "no such file")]
    except SourceError as error:
        return [Finding("not a file", HEADER, expected, str(error))]
    return [] if found == expected else [Finding("sha256", HEADER, expected, found)]


def _compare(folder: Path, entry: Entry, status: os.stat_result | None) -> Iterable[Finding]:
    if status is None:
        return [Finding("missing", entry.path, f"{entry.size} bytes", "no such file")]
    if not stat.S_ISREG(status.st_mode):
        return [Finding("not a file", entry.path, "a regular file", stat.filemode(status.st_mode))]
    if status.st_size != entry.size:
        return [Finding("size", entry.path, f"{entry.size} bytes", f"{status.st_size} bytes")]
    if (found := sha256_below(folder, entry.path)) != entry.sha256:
        return [Finding("sha256", entry.path, entry.sha256, found)]
    return []
