"""What a power cut could take from a run that ended well: by the order of its calls, since no cut is played.

Rules: what gets a name that is not hidden was flushed before, down to its last file; and what has such a name at the
end was flushed after its last change, and so was the folder after its last new name. Contents that are written
through a memory map, and removals, are not followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def unflushed(trace: str, root: Path, before: Iterable[str]) -> list[str]:
    """What breaks the rules, of calls below `root`. `before` are the paths, as text, that were there."""
    watched = _Disk(os.fspath(root), set(before))
    for line in trace.splitlines():
        name, path, source = line.split("\t")
        watched.take(name, os.path.normpath(path), os.path.normpath(source))
    return watched.found + [f"never flushed: {path}" for path in sorted(watched.dirty) if watched.shown(path)]


class _Disk:
    """Files and folders with changes that no fsync followed yet."""

    def __init__(self, root: str, known: set[str]):
        self._root, self._known = root, known
        self.dirty: set[str] = set()
        self.found: list[str] = []

    def shown(self, path: str) -> bool:
        """Whether no part of the path below the root is hidden."""
        return not any(part.startswith(".") for part in Path(path).relative_to(self._root).parts)

    def take(self, name: str, path: str, source: str) -> None:
        if name in {"write", "ftruncate", "ftruncate64"}:
            self.dirty.add(path)
        elif name in {"fsync", "fdatasync"}:
            self.dirty.discard(path)
        elif name in {"open", "mkdir", "mkdirat"}:
            if path not in self._known:
                self._known.add(path)
                self._named(path)
        elif name in {"rename", "renameat"}:
            self._move(source, path)
            self._check(path, source)
            self._named(path)
        elif name in {"link", "linkat"}:
            self._known.add(path)
            self.dirty |= {path} if source in self.dirty else set()
            self._check(path, source)
            self._named(path)
        elif name in {"unlink", "unlinkat", "rmdir"}:
            self._drop(path)

    def _named(self, path: str) -> None:
        if not Path(path).name.startswith("."):
            self.dirty.add(str(Path(path).parent))

    def _check(self, path: str, source: str) -> None:
        if self.shown(path) and not self.shown(source):
            self.found += [f"shown before it was flushed: {each}" for each in sorted(_at(self.dirty, path))]

    def _move(self, source: str, path: str) -> None:
        self._drop(path)
        for paths in (self.dirty, self._known):
            moved = _at(paths, source)
            paths.difference_update(moved)
            paths.update(path + each[len(source) :] for each in moved)

    def _drop(self, path: str) -> None:
        self.dirty -= _at(self.dirty, path)
        self._known -= _at(self._known, path)


def _at(paths: set[str], path: str) -> set[str]:
    return {each for each in paths if each == path or each.startswith(f"{path}/")}
