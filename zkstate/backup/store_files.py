"""The files of a backup store: objects named by their hash, versions by their number. No link below is followed.

Others may keep the folder (a disk that is shared, a service that synchronises it), and put anything into it. What does
not have the name and the place of a file of the store is neither read nor removed.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, disk_errors, replace_file
from zkstate.errors import DisagreementError, SourceError
from zkstate.publication.regular import folder_below, open_below, sha256_below

PASSPHRASE, ACCOUNT, LOCK = "passphrase.bin", "account.bin", "lock"
OBJECTS, VERSIONS = "objects", "versions"
Sizes = tuple[int, int]
"""The least and the most bytes that an object may have."""

_COPY = 1 << 20
_TOLD = 5
_SHARD = re.compile(r"[0-9a-f]{2}")
_OBJECT = re.compile(r"([0-9a-f]{64})|\.([0-9a-f]{64})\.partial-[0-9a-f]{16}")
_VERSION = re.compile(r"([0-9]{8})\.json", re.ASCII)


def version_path(number: int) -> str:
    return f"{VERSIONS}/{number:08d}.json"


def object_path(name: str) -> str:
    return f"{OBJECTS}/{name[:2]}/{name}"


def version_numbers(store: Path) -> list[int]:
    """The versions there are, oldest first. SourceError if their folder is a link."""
    return [int(match[1]) for name in _names(store, VERSIONS) if (match := _VERSION.fullmatch(name))]


def strangers(store: Path) -> list[str]:
    """What lies among the versions and is none, such as the loser of a conflict, in words; no hidden names."""
    names = [name for name in _names(store, VERSIONS) if not name.startswith(".") and not _VERSION.fullmatch(name)]
    words = [f"{store / VERSIONS} has {name!a}, which is no version: of another machine, perhaps?" for name in names]
    return words if len(words) <= _TOLD else [*words[:_TOLD], f"and {len(words) - _TOLD} more names like these"]


def checked_size(store: Path, name: str, sizes: Sizes) -> int:
    """The bytes of an object. DisagreementError if they are too few or too many, or not those of its name."""
    size = size_there(store, name, sizes)
    _same(store, name, sha256_below(store, object_path(name)))
    return size


def size_there(store: Path, name: str, sizes: Sizes) -> int:
    """As `checked_size`, but for the bytes themselves, which are not read."""
    with open_below(store, object_path(name)) as fd:
        return _within(store, name, os.fstat(fd).st_size, sizes)


def object_parts(store: Path, name: str, sizes: Sizes) -> Iterator[bytes]:
    """The bytes of an object in parts; DisagreementError as `checked_size`, at the end at the latest."""
    digest, size = hashlib.sha256(), 0
    with open_below(store, object_path(name)) as fd:
        _within(store, name, os.fstat(fd).st_size, sizes)
        while part := os.read(fd, _COPY):
            size = _within(store, name, size + len(part), (0, sizes[1]))
            digest.update(part)
            yield part
    _within(store, name, size, sizes)
    _same(store, name, digest.hexdigest())


def read_object(store: Path, name: str, limit: int) -> bytes:
    """An object of at most `limit` bytes. Errors as `checked_size`."""
    with disk_errors(f"{store / object_path(name)} was not read"):
        return b"".join(object_parts(store, name, (0, limit)))


def write_object(store: Path, name: str, parts: Iterable[bytes]) -> None:
    """Put an object in its place, whatever file is there. SourceError if that place is a link."""
    path = object_path(name)
    with folder_below(store, OBJECTS) as fd, disk_errors(f"{store / path} was not written"):
        try:
            os.mkdir(name[:2], PRIVATE_FOLDER, dir_fd=fd)
        except FileExistsError:
            pass
        else:
            os.fsync(fd)
    with folder_below(store, f"{OBJECTS}/{name[:2]}"):
        pass
    replace_file(store / path, parts, PRIVATE_FILE)


def unneeded(store: Path, needed: Container[str]) -> list[tuple[str, str]]:
    """Objects that nothing refers to and what killed writers left, as (folder, name)."""
    found = []
    for shard in _names(store, OBJECTS):
        if _SHARD.fullmatch(shard) is None:
            continue
        try:
            names = _names(store, f"{OBJECTS}/{shard}")
        except SourceError:
            continue  # a link or a file: none of the store's
        for name in names:
            match = _OBJECT.fullmatch(name)
            if match is None or (match[1] or match[2])[:2] != shard or match[1] in needed:
                continue
            found.append((shard, name))
    return found


def remove_object(store: Path, shard: str, name: str) -> bool:
    """Remove one that `unneeded` found, if it is a regular file. Errors: SourceError, OSError."""
    with folder_below(store, f"{OBJECTS}/{shard}") as fd:
        if not stat.S_ISREG(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
            return False
        os.unlink(name, dir_fd=fd)
    return True


def remove_version(store: Path, number: int) -> None:
    """Errors: SourceError if the versions are a link, OSError."""
    with folder_below(store, VERSIONS) as fd:
        os.unlink(f"{number:08d}.json", dir_fd=fd)


def _names(store: Path, path: str) -> list[str]:
    with folder_below(store, path) as fd, disk_errors(f"{store / path} cannot be read"):
        return sorted(os.listdir(fd))  # noqa: PTH208 - of a descriptor, which no link takes the place of


def _within(store: Path, name: str, size: int, sizes: Sizes) -> int:
    least, most = sizes
    if not least <= size <= most:
        limits = f"{most}" if least == most else f"{least} to {most}"
        raise DisagreementError(f"{store / object_path(name)} has {size} bytes, not {limits}: it was changed")
    return size


def _same(store: Path, name: str, found: str) -> None:
    if found != name:
        raise DisagreementError(f"{store / object_path(name)} has SHA-256 {found}: it was changed")
