"""Checking a backup store, with or without its key, and bringing a version back.

Without a key: every object has the bytes its name says, every epoch the header and manifest that belong together, all
its files, and, with something to believe, the header that the chain holds; each version follows the one before it,
where both are there. With the key also: each version is one that this store's owner wrote, and those are there that
the newest of them left. No piece is decrypted for either.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, PUBLIC_FILE, disk_errors, write_new
from zkstate.backup.sealed import is_sealed
from zkstate.backup.store_files import (
    Sizes,
    checked_size,
    object_parts,
    read_object,
    strangers,
    unneeded,
    version_numbers,
)
from zkstate.backup.store_keys import StoreKey
from zkstate.backup.store_read import (
    SEALED,
    SEALED_LIMIT,
    epoch_files,
    objects_of,
    places,
    read_file,
    read_version,
)
from zkstate.backup.version import StoredFile, Version, gone
from zkstate.errors import DisagreementError, InputError, MissingError, SourceError
from zkstate.publication.header import Header
from zkstate.publication.progress import Progress, silent
from zkstate.publication.trust import Trust, TrustRoot

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What a check found. `findings` are faults; `unchecked` says what it could not look at, and why.

    `headers` are those of the newest version that could be read; `unneeded` counts what a killed run left, which the
    next one removes; `trust` says why the newest header is believed, None if nothing was given to believe.
    """

    versions: tuple[int, ...]
    headers: tuple[Header, ...]
    objects: int
    object_bytes: int
    findings: tuple[str, ...]
    unchecked: tuple[str, ...]
    unneeded: int
    trust: Trust | None

    @property
    def sound(self) -> bool:
        return not self.findings


def check(
    store: Path, key: StoreKey | None = None, trust_root: TrustRoot | None = None, progress: Progress = silent
) -> StoreReport:
    """Read every object once. Faults are findings; MissingError if this is no store, or it has no version."""
    numbers = version_numbers(store)
    if not numbers:
        raise MissingError(f"{store} holds no version of a backup")
    findings = strangers(store)
    unchecked = ["whether a newer version was there"]
    if key is None:
        unchecked.append("that the versions are those of the store's owner, that none is gone, and the list of files")
    needed: dict[str, Sizes] = {}
    headers: tuple[Header, ...] = ()
    every: dict[bytes, Header] = {}
    hashes: dict[int, str] = {}
    left: tuple[tuple[int, int], ...] = ()
    for number in numbers:
        try:
            version = read_version(store, number)
            _follow(hashes, version, findings)
            if key is not None:
                left = version.opened(key, f"version {number}").kept
            _merge(needed, objects_of(store, version))
            headers = tuple(epoch_files(store, epoch)[0].header for epoch in version.epochs)
        except (InputError, DisagreementError, SourceError) as error:
            findings.append(f"version {number}: {error}")
        else:
            every |= {header.hash: header for header in headers}
    findings += gone(left, numbers)
    trust = None
    if trust_root is None:
        unchecked.append("that the headers are those the chain holds: give --header, or --rpc and --registry")
    else:
        unlike, missing, trust = hold_to_chain(every.values(), trust_root)
        findings += unlike
        unchecked += missing
    size = 0
    for done, name in enumerate(sorted(needed)):
        try:
            size += checked_size(store, name, needed[name])
        except (SourceError, DisagreementError) as error:
            findings.append(str(error))
        progress("check objects", done + 1, len(needed))
    idle = len(unneeded(store, needed)) if not findings else 0
    return StoreReport(
        tuple(numbers), headers, len(needed), size, tuple(findings), tuple(dict.fromkeys(unchecked)), idle, trust
    )


def _follow(hashes: dict[int, str], version: Version, findings: list[str]) -> None:
    """Hold a version to the one before it, where that is there, and add its own hash."""
    hashes[version.number] = hashlib.sha256(version.encode()).hexdigest()
    found = hashes.get(version.number - 1)
    if found is not None and found != version.previous:
        findings.append(
            f"version {version.number} follows one with SHA-256 {version.previous}, and that before it has {found}"
        )


def _merge(needed: dict[str, Sizes], objects: Iterable[tuple[str, Sizes]]) -> None:
    """Narrow the sizes that each object may have. DisagreementError if two manifests do not agree about one."""
    for name, (least, most) in objects:
        low, high = needed.get(name, (least, most))
        needed[name] = max(least, low), min(most, high)
        if needed[name][0] > needed[name][1]:
            raise DisagreementError(f"object {name} is said to have {low} to {high} bytes, and {least} to {most}")


def hold_to_chain(headers: Iterable[Header], trust_root: TrustRoot) -> tuple[list[str], list[str], Trust]:
    """Compare headers with those that are believed, and ask that the newest one believed is among them.

    Findings, what could not be compared, and why the newest is believed. Errors: those of the trust root.
    """
    newest, newest_hash, trust = trust_root.latest_epoch()
    findings, unchecked, epochs = [], [], set()
    for header in sorted(headers, key=lambda header: header.epoch):
        epochs.add(header.epoch)
        try:
            expected = newest_hash if header.epoch == newest else trust_root.epoch_hash(header.epoch)
        except MissingError as error:
            unchecked.append(f"epoch {header.epoch} against the chain: {error}")
            continue
        if expected != header.hash:
            findings.append(
                f"the backup has header {header.hash.hex()} of epoch {header.epoch}, and {expected.hex()} is believed"
            )
    if newest not in epochs:
        findings.append(
            f"epoch {newest} is the newest that is believed, and the backup holds {sorted(epochs) or 'none'}"
        )
    return findings, unchecked, trust


def chosen(store: Path, number: int | None = None, key: StoreKey | None = None) -> Version:
    """A version, the newest by default; with `key` one that its holder wrote.

    Errors: MissingError if it is not there, and as `read_version` and `Version.opened`; they name the ones to be had.
    """
    numbers = version_numbers(store)
    if not numbers:
        raise MissingError(f"{store} holds no version of a backup")
    number = numbers[-1] if number is None else number
    try:
        version = read_version(store, number)
        _require_own(version, key)
    except (InputError, DisagreementError, SourceError) as error:
        others = [str(other) for other, _ in _others(store, number, lambda version: _require_own(version, key))]
        hint = f"versions that can be had, with --number: {', '.join(others)}" if others else "there is no other one"
        raise type(error)(f"{error}; {hint}") from None
    return version


def elsewhere(store: Path, version: Version, key: StoreKey | None = None) -> list[str]:
    """What other versions hold that this one does not, in words: epochs, and private files if `key` opens them."""
    here, words = _names(store, version, key), []
    for number, there in _others(store, version.number, lambda other: _names(store, other, key)):
        if lacking := sorted(there - here):
            words.append(f"version {number}: {', '.join(lacking)}")
    return words


def _require_own(version: Version, key: StoreKey | None) -> None:
    if key is not None:
        version.opened(key, f"version {version.number}")


def _others(store: Path, number: int, read: Callable[[Version], T]) -> Iterator[tuple[int, T]]:
    """What `read` makes of each version but one; those that are damaged or foreign are passed over."""
    for other in version_numbers(store):
        if other != number:
            with contextlib.suppress(InputError, DisagreementError, SourceError):
                yield other, read(read_version(store, other))


def _names(store: Path, version: Version, key: StoreKey | None) -> set[str]:
    epochs = {f"epoch {epoch_files(store, epoch)[0].header.epoch}" for epoch in version.epochs}
    return epochs if key is None else epochs | {file.name for file in version.files(key)}


def restore(
    store: Path, version: Version, folder: Path, files: Sequence[StoredFile] = (), progress: Progress = silent
) -> None:
    """Bring back what is not under the store's key into an empty folder: `mirror/` as mirrors have it, `sealed/`.

    `files` are the private files that will lie beside them. Errors: MissingError, DisagreementError, EncodingError for
    what is missing or was changed, EnvironmentFailure if the disk refuses. What was written is the caller's to remove.
    """
    found = places(store, version, files)
    for name in version.sealed:
        if not is_sealed(read_object(store, name, SEALED_LIMIT)):
            raise DisagreementError(f"version {version.number}: object {name} is not a sealed file")
    for done, place in enumerate(found):
        target = folder / place.path
        private = place.path.startswith(f"{SEALED}/")
        with disk_errors(f"{target} was not written"):
            target.parent.mkdir(PRIVATE_FOLDER if private else 0o777, parents=True, exist_ok=True)
            parts = object_parts(store, place.name, place.sizes)
            write_new(target, parts, PRIVATE_FILE if private else PUBLIC_FILE)
        progress("restore files", done + 1, len(found))


def private_files(store: Path, files: Iterable[StoredFile], key: StoreKey) -> Iterator[tuple[str, bytes]]:
    """The private files of a version, each with its content. Errors as `read_file`."""
    for file in files:
        yield file.name, read_file(store, file, key)
