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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag

from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, disk_errors, replace_file, write_new
from zkstate.backup.rotation import Keep
from zkstate.backup.sealed import Cost, Kind, seal, unseal
from zkstate.backup.store_keys import KEY_BYTES, SLOT_BYTES, StoreKey, open_slot, slot_of
from zkstate.backup.version import CHUNK, MAX_FILE, MAX_VERSION_BYTES, SEALED_CHUNK, Epoch, StoredFile, Version
from zkstate.errors import DisagreementError, EnvironmentFailure, InputError, MissingError, SourceError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER, MANIFEST, checked_path
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Manifest
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import open_below, read_below, sha256_below
from zkstate.state.identity import AccountKey

PASSPHRASE, ACCOUNT, LOCK = "passphrase.bin", "account.bin", "lock"
OBJECTS, VERSIONS = "objects", "versions"
NO_VERSION = "0" * 64
SEALED_LIMIT = 1 << 24
_AD = [b"zkstate backup chunk v1"]
_COPY = 1 << 20


@dataclass(frozen=True, slots=True)
class Contents:
    """What one version is to hold: published epoch folders, sealed files, and private files by plain name."""

    epochs: tuple[Path, ...] = ()
    sealed: tuple[bytes, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What `make` did. `added` objects were not there before; `removed` versions gave way to newer ones."""

    version: Version
    objects: int
    added: int
    added_bytes: int
    removed: tuple[int, ...]
    dropped_objects: int


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


def let_in(store: Path, key: StoreKey, account: AccountKey) -> None:
    """Let an account's key open the store too, in place of one that did before."""
    replace_file(store / ACCOUNT, slot_of(key, account), PRIVATE_FILE)


def version_numbers(store: Path) -> list[int]:
    """The versions there are, oldest first."""
    with disk_errors(f"{store} cannot be read"):
        names = sorted(path.name for path in (store / VERSIONS).iterdir())
    return [int(name[:8]) for name in names if len(name) == 13 and name[:8].isdecimal() and name.endswith(".json")]


def read_version(store: Path, number: int) -> Version:
    """One version. MissingError if it is not there, EncodingError if it is none, or another one."""
    path = version_path(number)
    version = Version.decode(read_below(store, path, MAX_VERSION_BYTES), str(store / path))
    if version.number != number:
        raise DisagreementError(f"{store / path} is of version {version.number}")
    return version


def version_path(number: int) -> str:
    return f"{VERSIONS}/{number:08d}.json"


def object_path(name: str) -> str:
    return f"{OBJECTS}/{name[:2]}/{name}"


def epoch_files(store: Path, epoch: Epoch) -> tuple[SignedHeader, Manifest]:
    """Header and manifest of an epoch that a version holds. Errors if they are not what their names say."""
    signed = SignedHeader.decode(read_object(store, epoch.header, SIGNED_BYTES))
    data = read_object(store, epoch.manifest, MAX_MANIFEST_BYTES)
    return signed, Manifest.decode_under(data, signed.header.data_root)


def objects_of(store: Path, version: Version) -> set[str]:
    """The names of all objects that a version needs."""
    names = {*version.sealed, *version.chunks}
    for epoch in version.epochs:
        _, manifest = epoch_files(store, epoch)
        names |= {epoch.header, epoch.manifest, *(entry.sha256 for entry in manifest.files)}
    return names


def read_object(store: Path, name: str, limit: int) -> bytes:
    """An object, checked against its name. DisagreementError if it was changed."""
    data = read_below(store, object_path(name), limit)
    found = hashlib.sha256(data).hexdigest()
    if found != name:
        raise DisagreementError(f"{store / object_path(name)} has SHA-256 {found}: it was changed")
    return data


def read_file(store: Path, file: StoredFile, key: StoreKey) -> bytes:
    """A private file. DisagreementError if a piece was changed or is of another store."""
    cipher, parts = key.chunks(), []
    for name in file.chunks:
        try:
            parts.append(cipher.decrypt(read_object(store, name, SEALED_CHUNK), _AD))
        except (InvalidTag, ValueError):
            raise DisagreementError(f"{store / object_path(name)} is no piece under the key of this store") from None
    return b"".join(parts)[: file.size]


def make(
    store: Path, key: StoreKey, contents: Contents, now: int, keep: Keep | None = None, progress: Progress = silent
) -> Made:
    """Add a version, and then remove those that `keep` does not keep, with what only they needed.

    Call it under `locked`. Objects come first, the version last, so a killed run leaves the versions that were there.
    Errors: InputError for contents that cannot be; DisagreementError for an epoch folder that differs from its
    manifest; EnvironmentFailure if the disk refuses. None of them adds a version.
    """
    if len({name for name, _ in contents.files}) != len(contents.files):
        raise InputError("two files of one name: a version holds one of each")
    if not (contents.epochs or contents.sealed or contents.files):
        raise InputError("there is nothing to back up: give an account, an epoch, a file or a sealed file")
    numbers = version_numbers(store)
    number, previous = 1, NO_VERSION
    if numbers:
        number = numbers[-1] + 1
        previous = hashlib.sha256(read_below(store, version_path(numbers[-1]), MAX_VERSION_BYTES)).hexdigest()
    writer = _Writer(store)
    epochs = tuple(_add_epoch(writer, folder, progress) for folder in contents.epochs)
    sealed = tuple(writer.add(data) for data in contents.sealed)
    files = tuple(_add_file(writer, key, name, data) for name, data in contents.files)
    version = Version.make(key, number, now, previous, epochs=epochs, sealed=sealed, files=files)
    replace_file(store / version_path(number), version.encode(), PRIVATE_FILE)
    removed = _rotate(store, keep)
    dropped = _drop_unneeded(store)
    return Made(version, len(writer.names), writer.added, writer.added_bytes, removed, dropped)


class _Writer:
    """Adds objects that are not there, and puts right those that were damaged."""

    def __init__(self, store: Path) -> None:
        self.store, self.added, self.added_bytes = store, 0, 0
        self.names: set[str] = set()

    def add(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self.put(name, [data], len(data))
        return name

    def put(self, name: str, parts: Iterable[bytes], size: int) -> None:
        self.names.add(name)
        if _is_whole(self.store, name):
            return
        target = self.store / object_path(name)
        with disk_errors(f"{target} was not written"):
            target.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        replace_file(target, parts, PRIVATE_FILE)
        self.added, self.added_bytes = self.added + 1, self.added_bytes + size


def _is_whole(store: Path, name: str) -> bool:
    try:
        return sha256_below(store, object_path(name)) == name
    except (MissingError, SourceError):
        return False


def _add_epoch(writer: _Writer, folder: Path, progress: Progress) -> Epoch:
    signed = SignedHeader.decode(read_below(folder, HEADER, SIGNED_BYTES))
    data = read_below(folder, MANIFEST, MAX_MANIFEST_BYTES)
    manifest = Manifest.decode_under(data, signed.header.data_root)
    done, total = 0, sum(entry.size for entry in manifest.files)
    for entry in manifest.files:
        writer.put(entry.sha256, _checked(folder, entry.path, entry.sha256), entry.size)
        done += entry.size
        progress("back up files", done, total)
    return Epoch(writer.add(signed.encode()), writer.add(data))


def _checked(folder: Path, path: str, expected: str) -> Iterator[bytes]:
    """The content of a published file in parts; DisagreementError at its end if it is another."""
    digest = hashlib.sha256()
    with open_below(folder, path) as fd:
        while part := os.read(fd, _COPY):
            digest.update(part)
            yield part
    if digest.hexdigest() != expected:
        raise DisagreementError(f"{folder / path} has SHA-256 {digest.hexdigest()}, and its manifest says {expected}")


def _add_file(writer: _Writer, key: StoreKey, name: str, data: bytes) -> StoredFile:
    if "/" in checked_path(name) or len(data) > MAX_FILE:
        raise InputError(f"{name} is no plain name, or its {len(data)} bytes are more than {MAX_FILE}")
    cipher = key.chunks()
    pieces = (data[at : at + CHUNK].ljust(CHUNK, b"\0") for at in range(0, len(data), CHUNK))
    return StoredFile(name, len(data), tuple(writer.add(cipher.encrypt(piece, _AD)) for piece in pieces))


def _rotate(store: Path, keep: Keep | None) -> tuple[int, ...]:
    if keep is None:
        return ()
    versions = [(number, read_version(store, number).time) for number in version_numbers(store)]
    stays = keep.kept(versions)
    gone = tuple(number for number, _ in versions if number not in stays)
    for number in gone:
        with disk_errors(f"version {number} was not removed"):
            (store / version_path(number)).unlink()
    return gone


def _drop_unneeded(store: Path) -> int:
    """Remove objects that no version needs, those of killed runs among them; nothing if a version cannot be read."""
    needed: set[str] = set()
    try:
        for number in version_numbers(store):
            needed |= objects_of(store, read_version(store, number))
    except (InputError, DisagreementError, SourceError):
        return 0
    dropped = 0
    for path in unneeded(store, needed):
        with disk_errors(f"{path} was not removed"):
            path.unlink()
        dropped += 1
    return dropped


def unneeded(store: Path, needed: set[str]) -> Sequence[Path]:
    """Files among the objects that nothing refers to."""
    with disk_errors(f"{store} cannot be read"):
        return sorted(
            path
            for folder in (store / OBJECTS).iterdir()
            if folder.is_dir() and not folder.is_symlink()
            for path in folder.iterdir()
            if path.name not in needed
        )
