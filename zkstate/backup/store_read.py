"""Reading a backup store: its versions, what each refers to, and where that comes back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag

from zkstate.backup.store_files import Sizes, read_object, version_path
from zkstate.backup.store_keys import StoreKey
from zkstate.backup.version import MAX_VERSION_BYTES, SEALED_CHUNK, Epoch, StoredFile, Version
from zkstate.errors import DisagreementError, InputError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER, MANIFEST, epoch_folder
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Manifest
from zkstate.publication.regular import read_below

MIRROR, SEALED = "mirror", "sealed"
STRIPPED = ".stripped"
"""How the name of a restored account bundle ends that lacks its secret."""
SEALED_LIMIT = 1 << 24
CHUNK_AD = [b"zkstate backup chunk v1"]


def read_version(store: Path, number: int) -> Version:
    """One version. MissingError if it is not there, EncodingError if it is none, or another one."""
    path = version_path(number)
    version = Version.decode(read_below(store, path, MAX_VERSION_BYTES), str(store / path))
    if version.number != number:
        raise DisagreementError(f"{store / path} is of version {version.number}")
    return version


def epoch_files(store: Path, epoch: Epoch) -> tuple[SignedHeader, Manifest]:
    """Header and manifest of an epoch that a version holds. Errors if they are not what their names say."""
    signed = SignedHeader.decode(read_object(store, epoch.header, SIGNED_BYTES))
    data = read_object(store, epoch.manifest, MAX_MANIFEST_BYTES)
    return signed, Manifest.decode_under(data, signed.header.data_root)


class Place(NamedTuple):
    """Where an object of a version comes back, and how many bytes it may have."""

    path: str
    name: str
    sizes: Sizes


def places(store: Path, version: Version, files: Iterable[StoredFile] = ()) -> list[Place]:
    """Where all that is not under the store's key comes back. InputError if two things would come back at one place."""
    found = [Place(f"{SEALED}/{i}.bin", name, (0, SEALED_LIMIT)) for i, name in enumerate(version.sealed, 1)]
    folders = set()
    for epoch in version.epochs:
        signed, manifest = epoch_files(store, epoch)
        folder = f"{MIRROR}/{epoch_folder(signed.header.epoch)}"
        if folder in folders:
            raise InputError(f"two epochs {signed.header.epoch}: a version holds one epoch of a number")
        folders.add(folder)
        found.append(Place(f"{folder}/{HEADER}", epoch.header, (SIGNED_BYTES, SIGNED_BYTES)))
        found.append(Place(f"{folder}/{MANIFEST}", epoch.manifest, (0, MAX_MANIFEST_BYTES)))
        found += [Place(f"{folder}/{entry.path}", entry.sha256, (entry.size, entry.size)) for entry in manifest.files]
    taken = {MIRROR, SEALED}
    for file in files:
        if file.name.lower() in taken or file.name.lower().endswith(STRIPPED):
            raise InputError(f"{file.name}: another file has this name, or a folder that a restore makes: rename it")
        taken.add(file.name.lower())
    return found


def objects_of(store: Path, version: Version) -> list[tuple[str, Sizes]]:
    """The names of all objects that a version needs, some more than once, and their sizes."""
    pieces = [(name, (SEALED_CHUNK, SEALED_CHUNK)) for name in version.chunks]
    return [*pieces, *((place.name, place.sizes) for place in places(store, version))]


def read_file(store: Path, file: StoredFile, key: StoreKey) -> bytes:
    """A private file. DisagreementError if a piece was changed or is of another store."""
    cipher, parts = key.chunks(), []
    for name in file.chunks:
        try:
            parts.append(cipher.decrypt(read_object(store, name, SEALED_CHUNK), CHUNK_AD))
        except (InvalidTag, ValueError):
            raise DisagreementError(f"{store}: object {name} is no piece under the key of this store") from None
    data = b"".join(parts)[: file.size]
    if len(data) != file.size:
        raise DisagreementError(f"{store}: the pieces of {file.name} have {len(data)} bytes, not {file.size}")
    return data
