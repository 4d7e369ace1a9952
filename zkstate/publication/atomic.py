"""Files and folders that appear whole or not at all, and survive a power cut once they have appeared.

A new folder is filled beside its target under a hidden name, every file and directory is synced, and one
rename makes it visible. The writer holds a lock on the hidden folder, so the leftovers of a killed writer can
be told from the work of a live one and are removed by the next writer.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from zkstate.errors import EnvironmentFailure

PRIVATE_FILE = 0o600
PUBLIC_FILE = 0o644
PRIVATE_FOLDER = 0o700


@contextlib.contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn an OSError of the block into an EnvironmentFailure that says what could not be done."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename is not None else ""
        raise EnvironmentFailure(f"{what}: {error.strerror or error}{where}") from error


def write_new(path: Path, content: bytes | memoryview, mode: int = PUBLIC_FILE) -> None:
    """Write a file that does not exist yet, inside a folder that `new_folder` will sync."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb", buffering=0) as file:
        view = memoryview(content)
        while view:
            view = view[file.write(view) :]


def replace_file(path: Path, content: bytes, mode: int = PUBLIC_FILE) -> None:
    """Write or replace one file in one step. EnvironmentFailure if the disk refuses."""
    partial = path.with_name(f".{path.name}.partial-{secrets.token_hex(8)}")
    with disk_errors(f"{path} was not written"):
        try:
            write_new(partial, content, mode)
            _sync(partial)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _sync(path.parent)


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give an empty hidden folder beside `target`; if the block ends well, sync it and rename it to `target`.

    Nothing is left behind by a block that raises. EnvironmentFailure if the disk refuses or `target` has
    appeared in the meantime; an existing `target` is never replaced.
    """
    prefix = f".{target.name}.partial-"
    with disk_errors(f"{target} was not written"), _parents(target):
        remove_leftovers(target.parent, prefix)
        partial, lock = _locked_folder(target.parent, prefix)
        try:
            yield partial
            sync_tree(partial)
            _rename_new(partial, target)
            _sync(target.parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        finally:
            os.close(lock)


@contextlib.contextmanager
def _parents(target: Path) -> Iterator[None]:
    """The folders above `target`, made where they are missing, and unmade if the block raises."""
    made = [folder for folder in target.absolute().parents if not folder.exists()]
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
        for folder in made:
            _sync(folder.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            for folder in made:
                folder.rmdir()
        raise


def remove_leftovers(folder: Path, prefix: str) -> None:
    """Remove the hidden folders that killed writers left; those of live writers are locked and stay."""
    for path in folder.iterdir():
        if not path.name.startswith(prefix):
            continue
        with contextlib.suppress(FileNotFoundError, BlockingIOError, NotADirectoryError):
            fd = _lock(path)
            try:
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(fd)


def sync_tree(root: Path) -> None:
    """Flush every file and folder under `root`, files first."""
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            _sync(Path(folder, name))
        _sync(Path(folder))


def _locked_folder(parent: Path, prefix: str) -> tuple[Path, int]:
    """A fresh folder that nobody else has taken for a leftover between its creation and its locking."""
    while True:
        partial = parent / f"{prefix}{secrets.token_hex(8)}"
        partial.mkdir()
        try:
            fd = _lock(partial)
        except (FileNotFoundError, BlockingIOError):
            continue
        if partial.is_dir() and os.path.samestat(os.fstat(fd), partial.stat()):
            return partial, fd
        os.close(fd)


def _lock(folder: Path) -> int:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _rename_new(source: Path, target: Path) -> None:
    """Rename a folder to a name that must be free. (rename(2) would take an empty folder's place.)"""
    if target.is_symlink() or target.exists():
        raise FileExistsError(errno.EEXIST, "it exists already", str(target))
    source.rename(target)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
