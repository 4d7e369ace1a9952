"""Files and folders that appear whole or not at all, and survive a power cut once they have appeared.

What is new is written beside its target under a hidden name, synced, and made visible by one rename. The writer
holds a lock on the hidden file or folder, so the leftovers of a killed writer can be told from the work of a
live one, and the next writer removes them.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from zkstate.errors import EnvironmentFailure

PRIVATE_FILE = 0o600
PUBLIC_FILE = 0o644
PRIVATE_FOLDER = 0o700
PUBLIC_FOLDER = 0o755


@contextlib.contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn an OSError of the block into an EnvironmentFailure that says what could not be done."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename is not None else ""
        raise EnvironmentFailure(f"{what}: {error.strerror or error}{where}") from error


def write_new(path: Path, content: bytes | memoryview | Iterable[bytes | memoryview], mode: int = PUBLIC_FILE) -> None:
    """Write a file that does not exist yet, whole or in parts, inside a folder that `new_folder` will sync."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb", buffering=0) as file:
        for part in [content] if isinstance(content, bytes | memoryview) else content:
            view = memoryview(part)
            while view:
                view = view[file.write(view) :]


def replace_file(path: Path, content: bytes | Iterable[bytes | memoryview], mode: int = PUBLIC_FILE) -> None:
    """Write or replace one file, given whole or in chunks, in one step.

    EnvironmentFailure if the disk refuses, or if a folder, a pipe or a device has the name, or a link to one: a rename
    would take /dev/null from everybody.
    """
    with disk_errors(f"{path} was not written"):
        if path.exists() and not path.is_file():
            raise EnvironmentFailure(f"{path} was not written: it is no regular file, and is not replaced by one")
        _write(path, content, mode, _replace)


def create_file(
    path: Path, content: bytes | Iterable[bytes | memoryview], mode: int = PUBLIC_FILE, what: str = "file"
) -> None:
    """As `replace_file`, where nothing is yet. EnvironmentFailure, which calls it `what`, if something is."""
    with disk_errors(f"{what} {path} cannot be written"):
        if os.path.lexists(path):
            remove_partials(path)  # of a writer that was killed with its file in place
            raise _taken(path)
        _write(path, content, mode, _link_new)


@contextlib.contextmanager
def new_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give an empty hidden folder beside `target`; if the block ends well, sync it and rename it to `target`.

    Nothing is left behind by a block that raises. EnvironmentFailure if the disk refuses or `target` exists.
    With `replace` a folder that is there gives way, by two renames: a kill between them leaves neither.
    """
    with (
        disk_errors(f"{target} was not written"),
        _parents(target),
        _partial(target, Path.mkdir) as (partial, _),
    ):
        yield partial
        sync_tree(partial)
        old = partial.with_name(f"{partial.name}-old")
        moved = replace and target.is_dir() and not target.is_symlink()
        if moved:
            target.rename(old)
        try:
            _rename_new(partial, target)
        except BaseException:
            if moved:
                old.rename(target)
            raise
        _sync(target.parent)
        shutil.rmtree(old, ignore_errors=True)


def remove_file(path: Path) -> None:
    """Remove a file so that a power cut does not bring it back. OSError if it cannot."""
    path.unlink()
    _sync(path.parent)


def make_folder(path: Path, mode: int) -> None:
    """Make a folder where none is, and those above it, so that they survive a power cut. OSError if it cannot."""
    made = _missing(path)
    path.mkdir(parents=True, exist_ok=True, mode=mode)
    for folder in made:
        _sync(folder.parent)


def sync_tree(root: Path) -> None:
    """Flush every file and folder under `root`, files first."""
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            _sync(Path(folder, name))
        _sync(Path(folder))


def _missing(folder: Path) -> list[Path]:
    """The folder and those above it that are not there, the innermost first."""
    whole = folder.absolute()
    return [each for each in (whole, *whole.parents) if not each.exists()]


@contextlib.contextmanager
def _parents(target: Path) -> Iterator[None]:
    """The folders above `target`, made where they are missing, and unmade if the block raises."""
    made = _missing(target.parent)
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


@contextlib.contextmanager
def _partial(target: Path, create: Callable[[Path], None]) -> Iterator[tuple[Path, int]]:
    """A hidden file or folder beside `target`, locked, and its descriptor; removed if the block raises."""
    prefix = _hidden(target)
    remove_leftovers(target.parent, prefix)
    while True:
        partial = target.parent / f"{prefix}{secrets.token_hex(8)}"
        create(partial)
        try:
            fd = _lock(partial)
        except (FileNotFoundError, BlockingIOError):
            continue
        # Between its creation and its locking another writer may have taken it for a leftover.
        if partial.exists() and os.path.samestat(os.fstat(fd), partial.stat()):
            break
        os.close(fd)
    try:
        yield partial, fd
    except BaseException:
        _remove(partial)
        raise
    finally:
        os.close(fd)


def _hidden(target: Path) -> str:
    """How the names of files and folders begin that are to become `target`."""
    return f".{target.name}.partial-"


def remove_partials(target: Path) -> None:
    """Remove what killed writers left of a file or folder that nobody will write here again. OSError if it cannot."""
    if target.parent.is_dir():
        remove_leftovers(target.parent, _hidden(target))


def remove_leftovers(folder: Path, prefix: str) -> None:
    """Remove what killed writers left in a folder under hidden names that begin so."""
    for path in folder.iterdir():
        if path.name.startswith(prefix) and ".partial-" in path.name:
            with contextlib.suppress(OSError):
                fd = _lock(path)
                try:
                    _remove(path)
                finally:
                    os.close(fd)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _lock(path: Path) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _write(
    path: Path,
    content: bytes | Iterable[bytes | memoryview],
    mode: int,
    show: Callable[[Path, Path], object],
) -> None:
    def create(partial: Path) -> None:
        write_new(partial, b"", mode)

    with _partial(path, create) as (partial, fd):
        with partial.open("r+b") as file:
            for chunk in [content] if isinstance(content, bytes) else content:
                file.write(chunk)
        os.fsync(fd)
        show(partial, path)


def _replace(source: Path, target: Path) -> None:
    """Give a file its name, or the name of the one that was there, as one step."""
    source.replace(target)
    _sync(target.parent)


def _link_new(source: Path, target: Path) -> None:
    """Give a file a name that must be free, as one step, and take its hidden one."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise _taken(target) from None
    try:
        source.unlink()
        _sync(target.parent)
    except BaseException:
        target.unlink(missing_ok=True)  # who is told that it failed finds nothing
        raise


def _rename_new(source: Path, target: Path) -> None:
    """Rename a folder to a name that must be free. (rename(2) would take an empty folder's place.)"""
    _require_free(target)
    source.rename(target)


def _require_free(path: Path) -> None:
    if os.path.lexists(path):
        raise _taken(path)


def _taken(path: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, "it exists already, and is never overwritten", str(path))


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
