"""Reading regular files below a folder that somebody else filled: no links, no devices, within limits."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zkstate.errors import MissingError, SourceError

CHUNK = 1 << 20
SHOWN = 200  # of a path that may be as long as its maker likes

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def open_below(root: Path, path: str) -> Iterator[int]:
    """A descriptor of the regular file `path` below `root`, which may itself be a link.

    Errors: MissingError if there is no such file; SourceError for a link on the way, a device, or an OSError.
    """
    try:
        fd = _walk(root, path, _FILE)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise MissingError(f"{root}: there is no {path}") from error
        if error.errno == errno.ELOOP:
            raise SourceError(f"{root}: {path} is a link, and links are not followed") from error
        raise SourceError(f"{root}: {path}: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise SourceError(f"{root}: {path} is not a regular file")
        yield fd
    finally:
        os.close(fd)


@contextmanager
def folder_below(root: Path, path: str) -> Iterator[int]:
    """A descriptor of the folder `path` below `root`, which may itself be a link.

    Errors: MissingError if nothing is there; SourceError for a link on the way, something else, or an OSError.
    """
    try:
        fd = _walk(root, path, _FOLDER)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise MissingError(f"{root}: there is no {path}") from error
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise SourceError(f"{root}: {path} is a link or no folder, and links are not followed") from error
        raise SourceError(f"{root}: {path}: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


def read_below(root: Path, path: str, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes. SourceError if it is longer, and as `open_below`."""
    with open_below(root, path) as fd:
        size = os.fstat(fd).st_size
        if size > limit:
            raise SourceError(f"{root}: {path} has {size} bytes; the limit is {limit}")
        parts, left = [], limit + 1
        for part in _chunks(fd, root, path):
            parts.append(part[:left])
            left -= len(parts[-1])
            if not left:
                break
        if not left:
            raise SourceError(f"{root}: {path} grew beyond the limit of {limit} bytes while it was read")
        return b"".join(parts)


def read_range(root: Path, path: str, offset: int, size: int) -> bytes:
    """Exactly `size` bytes of a file. SourceError if it ends before, and as `open_below`."""
    parts, left = [], size
    with open_below(root, path) as fd:
        while left:
            try:
                part = os.pread(fd, left, offset)
            except OSError as error:
                raise SourceError(f"{root}: {path}: {error.strerror}") from error
            if not part:
                raise SourceError(f"{root}: {path} ends {left} bytes too early")
            parts.append(part)
            offset += len(part)
            left -= len(part)
    return b"".join(parts)


def sha256_below(root: Path, path: str) -> str:
    """SHA-256 of a file in hexadecimal, read in chunks. Errors as `open_below`."""
    digest = hashlib.sha256()
    for chunk in chunks_below(root, path):
        digest.update(chunk)
    return digest.hexdigest()


def chunks_below(root: Path, path: str) -> Iterator[bytes]:
    """The content of a file of any length, a chunk at a time. Errors as `open_below`."""
    with open_below(root, path) as fd:
        yield from _chunks(fd, root, path)


def files_below(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry below `root` but folders, as (relative path, its own status); links stay unfollowed.

    SourceError for a folder that cannot be listed, as one nested deeper than a path is long.
    """
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    path = f"{folder}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(f"{path}/")
                    else:
                        yield path, entry.stat(follow_symlinks=False)
        except OSError as error:
            where = folder if len(folder) <= SHOWN else f"{folder[:SHOWN]}.."
            raise SourceError(f"{root}: {where or 'it'} cannot be listed: {error.strerror}") from error


def _chunks(fd: int, root: Path, path: str) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(fd, CHUNK)
        except OSError as error:
            raise SourceError(f"{root}: {path}: {error.strerror}") from error
        if not chunk:
            return
        yield chunk


def _walk(root: Path, path: str, flags: int) -> int:
    *folders, name = path.split("/")
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            below = os.open(folder, _FOLDER, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, flags, dir_fd=at)
    finally:
        os.close(at)
