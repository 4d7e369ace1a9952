"""A backup store: a folder of objects named by their hash, and versions that refer to them (docs/spec.md, section 17).

What is published stays in the clear, as it is on every mirror, and is held to the header that the chain holds. What is
private is cut into pieces of one size, encrypted under the store's key. Either can be checked by its name, without a
key. Pieces have a fixed size and are padded to it: boundaries that follow content would tell of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, replace_file, write_new
from zkstate.backup.rotation import Keep
from zkstate.backup.sealed import Cost, Kind, is_sealed, seal, unseal
from zkstate.backup.store_files import (
    ACCOUNT,
    LOCK,
    OBJECTS,
    PASSPHRASE,
    VERSIONS,
    checked_size,
    remove_object,
    remove_version,
    size_there,
    strangers,
    unneeded,
    version_numbers,
    version_path,
    write_object,
)
from zkstate.backup.store_keys import KEY_BYTES, SLOT_BYTES, StoreKey, open_slot, slot_of
from zkstate.backup.store_read import (
    CHUNK_AD,
    SEALED_LIMIT,
    epoch_files,
    objects_of,
    places,
    read_file,
    read_version,
)
from zkstate.backup.version import (
    CHUNK,
    MAX_FILE,
    MAX_NUMBER,
    Epoch,
    StoredFile,
    Version,
    gone,
)
from zkstate.errors import (
    DisagreementError,
    EncodingError,
    EnvironmentFailure,
    InputError,
    MissingError,
    SourceError,
    ZkstateError,
)
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER, MANIFEST, checked_path
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Entry, Manifest
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import open_below, read_below
from zkstate.state.identity import AccountKey

NO_VERSION = "0" * 64
_COPY = 1 << 20


@dataclass(frozen=True, slots=True)
class Contents:
    """What one version is to hold: published epoch folders, sealed files, and private files by plain name."""

    epochs: tuple[Path, ...] = ()
    sealed: tuple[bytes, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What `make` did. `added` objects were not there before; `removed` versions gave way to newer ones.

    `warnings` say what it found or could not remove; the version is there and comes back all the same.
    """

    version: Version
    objects: int
    added: int
    added_bytes: int
    removed: tuple[int, ...]
    dropped_objects: int
    warnings: tuple[str, ...]


def lay_out(folder: Path, passphrase: bytes, cost: Cost | None = None) -> StoreKey:
    """Make an empty folder a store without versions, under a fresh key. LengthError for a passphrase out of bounds."""
    key = StoreKey(os.urandom(KEY_BYTES))
    folder.chmod(PRIVATE_FOLDER)
    for name in (OBJECTS, VERSIONS):
        (folder / name).mkdir(mode=PRIVATE_FOLDER)
    write_new(folder / LOCK, b"", PRIVATE_FILE)
    write_new(folder / PASSPHRASE, seal(Kind.STATE, key.seed, passphrase, cost), PRIVATE_FILE)
    return key


@contextlib.contextmanager
def locked(store: Path, *, writing: bool) -> Iterator[None]:
    """Keep other writers out, and while writing readers too.

    EnvironmentFailure if somebody is there already, MissingError if this is no store.
    """
    if not os.path.lexists(store / LOCK):
        raise MissingError(f"{store} is not a backup store: it has no file {LOCK}")
    with open_below(store, LOCK) as fd:
        try:
            fcntl.flock(fd, (fcntl.LOCK_EX if writing else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EnvironmentFailure(f"{store} is in use by another backup: wait until it is done") from None
        yield


def unlock(store: Path, passphrase: bytes) -> StoreKey:
    """The store's key. Errors as `unseal`."""
    data = read_below(store, PASSPHRASE, 1 << 12)
    return StoreKey(unseal(Kind.STATE, data, passphrase, str(store / PASSPHRASE)))


def unlock_by_account(store: Path, account: AccountKey) -> StoreKey:
    """The store's key by an account's. MissingError if no account key was let in, else as `open_slot`."""
    return open_slot(read_below(store, ACCOUNT, SLOT_BYTES), account, str(store / ACCOUNT))


def lets_in(store: Path, key: StoreKey, account: AccountKey) -> bool:
    """Whether this account's key opens the store already.

    InputError if another account's key does (or that file was changed), DisagreementError if it gives another key than
    the passphrase.
    """
    try:
        found = unlock_by_account(store, account)
    except MissingError:
        return False
    except InputError as error:
        raise InputError(f"{error}: --replace-key lets this one in instead") from None
    if found != key:
        raise DisagreementError(
            f"{store / ACCOUNT} holds another key than {store / PASSPHRASE}: one is of another store"
        )
    return True


def let_in(store: Path, key: StoreKey, account: AccountKey) -> None:
    """Let an account's key open the store too, in place of one that did before."""
    replace_file(store / ACCOUNT, slot_of(key, account), PRIVATE_FILE)


def make(
    store: Path,
    key: StoreKey,
    contents: Contents,
    now: int,
    keep: Keep | None = None,
    progress: Progress = silent,
    *,
    carry: bool = False,
) -> Made:
    """Add a version, and then remove those that `keep` does not keep, with what only they needed.

    With `carry` it also holds what the newest one before it does, where nothing given has its place.
    Call it under `locked`. Objects come first, the version last, so a killed run leaves the versions that were there.
    What was written is read and decrypted as a restore does before the version is made. Versions that `key` did not
    write count for nothing; as long as there is one, no object is removed.
    Errors: InputError for contents that cannot be or come back; DisagreementError for an epoch folder that differs
    from its manifest; SourceError for a store with links; EnvironmentFailure if the disk refuses. None of them adds a
    version, and what fails after it is there is a warning.
    """
    if not (contents.epochs or contents.sealed or contents.files):
        raise InputError("there is nothing to back up: give an account, an epoch, a file or a sealed file")
    if len({name.lower() for name, _ in contents.files}) != len(contents.files):
        raise InputError("two files of one name: a version holds one of each")
    if not all(is_sealed(data) and len(data) <= SEALED_LIMIT for data in contents.sealed):
        raise InputError(f"a sealed file is none, or has more than {SEALED_LIMIT} bytes")
    past = _past(store, key)
    writer = _Writer(store)
    epochs = tuple(_add_epoch(writer, folder, progress) for folder in contents.epochs)
    sealed = tuple(writer.add(data) for data in contents.sealed)
    files = tuple(_add_file(writer, key, name, data) for name, data in contents.files)
    if carry and past.known:
        before = read_version(store, past.known[-1][0])
        epochs += _not_replaced(store, before, epochs)
        sealed += before.sealed
        names = {file.name.lower() for file in files}
        files += tuple(file for file in before.files(key) if file.name.lower() not in names)
    known = [*past.known, (past.next, now)]
    stays = {number for number, _ in known} if keep is None else keep.kept(known)
    version = Version.make(key, past.next, now, past.previous, epochs=epochs, sealed=sealed, files=files, kept=stays)
    encoded = version.encode()
    objects = _rehearse(store, key, Version.decode(encoded, "the version of so many files"), contents)
    replace_file(store / version_path(past.next), encoded, PRIVATE_FILE)
    warnings = list(past.warnings)
    removed = _remove_versions(store, [number for number, _ in past.known if number not in stays], warnings)
    dropped = 0 if past.warnings else _drop_unneeded(store, warnings)
    return Made(version, objects, writer.added, writer.added_bytes, removed, dropped, tuple(warnings))


class _Past(NamedTuple):
    """Versions that the key wrote, as (number, time); the number and the hash that the next one has; what was odd."""

    known: list[tuple[int, int]]
    next: int
    previous: str
    warnings: list[str]


def _past(store: Path, key: StoreKey) -> _Past:
    known: list[tuple[int, int]] = []
    left: tuple[tuple[int, int], ...] = ()
    previous, foreign = NO_VERSION, 0
    warnings = strangers(store)
    numbers = version_numbers(store)
    for number in numbers:
        try:
            version = read_version(store, number)
            foreign += 1
            left = version.opened(key, f"version {number}").kept
            foreign -= 1
        except (InputError, DisagreementError, SourceError) as error:
            warnings.append(f"{error}. Until it is put right or away, nothing that it may need is removed")
        else:
            known.append((number, version.time))
            previous = hashlib.sha256(version.encode()).hexdigest()
    if foreign and not known:
        raise DisagreementError(
            f"{store}: the key that was opened wrote none of the {foreign} versions there; is a file of another "
            f"store in the place of {PASSPHRASE} or {ACCOUNT}?"
        )
    warnings += gone(left, numbers)
    if numbers and numbers[-1] >= MAX_NUMBER:
        raise DisagreementError(
            f"{store / version_path(numbers[-1])} is of the last number there can be: {'; '.join(warnings)}"
        )
    return _Past(known, numbers[-1] + 1 if numbers else 1, previous, warnings)


def _not_replaced(store: Path, before: Version, given: Iterable[Epoch]) -> tuple[Epoch, ...]:
    """The epochs of a version but for those of which another is given."""
    numbers = {epoch_files(store, epoch)[0].header.epoch for epoch in given}
    return tuple(epoch for epoch in before.epochs if epoch_files(store, epoch)[0].header.epoch not in numbers)


def _rehearse(store: Path, key: StoreKey, version: Version, contents: Contents) -> int:
    """Read a version as a restore does, and count its objects; of what is not private all but the bytes.

    InputError if it would not come back, SourceError or DisagreementError for what is gone or was changed.
    """
    files = version.files(key)
    places(store, version, files)
    given = dict(contents.files)
    for file in files:
        data = read_file(store, file, key)
        if data != given.get(file.name, data):
            raise DisagreementError(f"{store}: {file.name} did not come back as it was given; is the disk sound?")
    needed = dict(objects_of(store, version))
    for name, sizes in needed.items():
        size_there(store, name, sizes)
    return len(needed)


class _Writer:
    """Adds objects that are not there, and puts right those that were damaged."""

    def __init__(self, store: Path) -> None:
        self.store, self.added, self.added_bytes = store, 0, 0

    def add(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self.put(name, [data], len(data))
        return name

    def put(self, name: str, parts: Iterable[bytes], size: int) -> None:
        try:
            checked_size(self.store, name, (size, size))
        except (SourceError, DisagreementError):
            write_object(self.store, name, parts)
            self.added, self.added_bytes = self.added + 1, self.added_bytes + size


def _add_epoch(writer: _Writer, folder: Path, progress: Progress) -> Epoch:
    signed = SignedHeader.decode(read_below(folder, HEADER, SIGNED_BYTES))
    data = read_below(folder, MANIFEST, MAX_MANIFEST_BYTES)
    manifest = Manifest.decode_under(data, signed.header.data_root)
    done, total = 0, sum(entry.size for entry in manifest.files)
    for entry in manifest.files:
        writer.put(entry.sha256, _checked(folder, entry), entry.size)
        done += entry.size
        progress("back up files", done, total)
    return Epoch(writer.add(signed.encode()), writer.add(data))


def _checked(folder: Path, entry: Entry) -> Iterator[bytes]:
    """The content of a published file in parts; DisagreementError at its end if it is another."""
    digest, size = hashlib.sha256(), 0
    with open_below(folder, entry.path) as fd:
        while size <= entry.size and (part := os.read(fd, _COPY)):
            digest.update(part)
            size += len(part)
            yield part
    if size != entry.size:
        more = "more than " if size > entry.size else ""
        raise DisagreementError(
            f"{folder / entry.path} has {more}{min(size, entry.size)} bytes, and its manifest says {entry.size}"
        )
    if digest.hexdigest() != entry.sha256:
        raise DisagreementError(
            f"{folder / entry.path} has SHA-256 {digest.hexdigest()}, and its manifest says {entry.sha256}"
        )


def _add_file(writer: _Writer, key: StoreKey, name: str, data: bytes) -> StoredFile:
    try:
        checked_path(name.replace("/", " "))
    except EncodingError:
        words = "letters, digits, - and _, and single dots between them: rename a copy of the file"
        raise InputError(f"{name[:200]!r} is no name that a backup keeps, which is of {words}") from None
    if len(data) > MAX_FILE:
        raise InputError(f"{name} has {len(data)} bytes; a file of a backup has at most {MAX_FILE}")
    cipher = key.chunks()
    pieces = (data[at : at + CHUNK].ljust(CHUNK, b"\0") for at in range(0, len(data), CHUNK))
    return StoredFile(name, len(data), tuple(writer.add(cipher.encrypt(piece, CHUNK_AD)) for piece in pieces))


def _remove_versions(store: Path, numbers: list[int], warnings: list[str]) -> tuple[int, ...]:
    removed = []
    for number in numbers:
        try:
            remove_version(store, number)
        except (OSError, SourceError) as error:
            warnings.append(f"version {number} was not removed: {error}")
        else:
            removed.append(number)
    return tuple(removed)


def _drop_unneeded(store: Path, warnings: list[str]) -> int:
    """Remove objects that no version needs, those of killed runs among them; nothing if a version cannot be read."""
    needed: set[str] = set()
    dropped = 0
    try:
        for number in version_numbers(store):
            needed |= {name for name, _ in objects_of(store, read_version(store, number))}
        for shard, name in unneeded(store, needed):
            dropped += remove_object(store, shard, name)
    except (OSError, ZkstateError) as error:
        warnings.append(f"objects that nothing needs may be left: {error}")
    return dropped
