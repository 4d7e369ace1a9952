"""Checking a backup store, with or without its key, and bringing a version back.

Without a key: every object has the bytes its name says, every epoch the header and manifest that belong together, all
its files, and, with something to believe, the header that the chain holds. With the key also: each version is one
that this store's owner wrote, and the pieces of each file are those it names. No piece is decrypted for either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, write_new
from zkstate.backup.sealed import is_sealed
from zkstate.backup.store import (
    OBJECTS,
    SEALED_LIMIT,
    epoch_files,
    object_path,
    objects_of,
    read_file,
    read_object,
    read_version,
    unneeded,
    version_numbers,
    version_path,
)
from zkstate.backup.store_keys import StoreKey
from zkstate.backup.version import Version
from zkstate.errors import DisagreementError, InputError, MissingError, SourceError
from zkstate.publication.header import SIGNED_BYTES, Header
from zkstate.publication.layout import HEADER, MANIFEST, epoch_folder
from zkstate.publication.manifest import MAX_MANIFEST_BYTES
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import sha256_below
from zkstate.publication.trust import TrustRoot

MIRROR, SEALED = "mirror", "sealed"


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What a check found. `findings` are faults; `unchecked` says what it could not look at, and why.

    `headers` are those of the newest version; `unneeded` counts what a killed run left, which the next one removes.
    """

    versions: tuple[int, ...]
    headers: tuple[Header, ...]
    objects: int
    object_bytes: int
    findings: tuple[str, ...]
    unchecked: tuple[str, ...]
    unneeded: int

    @property
    def sound(self) -> bool:
        return not self.findings


def check(
    store: Path, key: StoreKey | None = None, trust_root: TrustRoot | None = None, progress: Progress = silent
) -> StoreReport:
    """Read every object once. Faults are findings; MissingError if this is no store, or it has no version."""
    numbers = version_numbers(store) if (store / OBJECTS).is_dir() else []
    if not numbers:
        raise MissingError(f"{store} holds no version of a backup")
    findings: list[str] = []
    unchecked = [] if key is not None else ["that the versions are those of the store's owner, and the list of files"]
    needed: set[str] = set()
    headers: tuple[Header, ...] = ()
    for number in numbers:
        try:
            version = read_version(store, number)
            _follows(store, version, numbers, findings)
            needed |= objects_of(store, version)
            headers = tuple(epoch_files(store, epoch)[0].header for epoch in version.epochs)
            if key is not None:
                version.files(key, f"version {number}")
        except (InputError, DisagreementError, SourceError) as error:
            findings.append(f"version {number}: {error}")
            continue
        for header in headers:
            _hold_to_chain(header, number, trust_root, findings, unchecked)
    if trust_root is None:
        unchecked.append("that the headers are those the chain holds: give --header, or --rpc and --registry")
    size = 0
    for done, name in enumerate(sorted(needed)):
        try:
            found = sha256_below(store, object_path(name))
            size += (store / object_path(name)).stat().st_size
        except SourceError as error:
            findings.append(str(error))
        else:
            if found != name:
                findings.append(f"{store / object_path(name)} has SHA-256 {found}: it was changed")
        progress("check objects", done + 1, len(needed))
    left = len(unneeded(store, needed)) if not findings else 0
    return StoreReport(
        tuple(numbers), headers, len(needed), size, tuple(findings), tuple(dict.fromkeys(unchecked)), left
    )


def _follows(store: Path, version: Version, numbers: Sequence[int], findings: list[str]) -> None:
    """Whether a version names the one before it, where that is still there."""
    if version.number - 1 not in numbers:
        return
    found = sha256_below(store, version_path(version.number - 1))
    if version.previous != found:
        findings.append(
            f"version {version.number} follows one with SHA-256 {version.previous}, and the one before it has {found}"
        )


def _hold_to_chain(
    header: Header, number: int, trust_root: TrustRoot | None, findings: list[str], unchecked: list[str]
) -> None:
    if trust_root is None:
        return
    try:
        expected = trust_root.epoch_hash(header.epoch)
    except MissingError as error:
        unchecked.append(f"epoch {header.epoch} against the chain: {error}")
        return
    if expected != header.hash:
        findings.append(
            f"version {number} has header {header.hash.hex()} of epoch {header.epoch}, and {expected.hex()} is believed"
        )


def restore(
    store: Path, folder: Path, number: int | None = None, key: StoreKey | None = None, progress: Progress = silent
) -> tuple[str, ...]:
    """Bring a version back, the newest by default, into an empty folder; the names of its private files.

    `mirror/` holds the epochs as mirrors have them, `sealed/` the sealed files; with the key, private files lie beside
    them. Errors: MissingError, DisagreementError or EncodingError for what is missing or was changed, OSError if
    the disk refuses. What was written until then is the caller's to remove.
    """
    numbers = version_numbers(store)
    if not numbers:
        raise MissingError(f"{store} holds no version of a backup")
    version = read_version(store, numbers[-1] if number is None else number)
    files = () if key is None else version.files(key, f"version {version.number}")
    if taken := {MIRROR, SEALED} & {file.name for file in files}:
        raise InputError(f"version {version.number} has a file {taken.pop()}, which is the name of a folder")
    for epoch in version.epochs:
        signed, manifest = epoch_files(store, epoch)
        place = folder / MIRROR / epoch_folder(signed.header.epoch)
        place.mkdir(parents=True)
        entries: Sequence[tuple[str, str, int]] = [
            (HEADER, epoch.header, SIGNED_BYTES),
            (MANIFEST, epoch.manifest, MAX_MANIFEST_BYTES),
            *((entry.path, entry.sha256, entry.size) for entry in manifest.files),
        ]
        for done, (path, name, size) in enumerate(entries):
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            write_new(place / path, read_object(store, name, size))
            progress("restore files", done + 1, len(entries))
    for i, name in enumerate(version.sealed, 1):
        data = read_object(store, name, SEALED_LIMIT)
        if not is_sealed(data):
            raise DisagreementError(f"version {version.number}: object {name} is not a sealed file")
        (folder / SEALED).mkdir(exist_ok=True, mode=PRIVATE_FOLDER)
        write_new(folder / SEALED / f"{i}.bin", data, PRIVATE_FILE)
    for file in files:
        write_new(folder / file.name, read_file(store, file, key) if key is not None else b"", PRIVATE_FILE)
    return tuple(file.name for file in files)
