"""Object stores, and whatever else a driver of fsspec reaches by a URL: S3, GCS, Azure, SFTP, memory, and so on.

A driver is foreign code that cannot be told to stop and raises what it likes, so each call runs in a thread of its own,
is waited for no longer than its limit, and its failure becomes one typed error. A call that never comes back keeps its
thread; with four such, the store is given up as silent.
"""

from __future__ import annotations

import hashlib
import importlib
import posixpath
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlsplit

from zkstate.errors import EnvironmentFailure, InputError, MissingError, SourceError, ZkstateError
from zkstate.publication.layout import checked_path
from zkstate.publication.regular import CHUNK, open_below

MAX_STUCK = 4
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[!-~]+", re.ASCII)
_ADDRESS, _PRIVATE = re.compile(r"\S+://\S+"), re.compile(r"\S*[@=]\S*")
_WEB = ("http", "https")
_SLOWEST = 64 << 10  # bytes a second, below which an upload counts as stuck
_UPLOAD_S = 60.0

T = TypeVar("T")


class _Outcome(Generic[T]):
    """What one call came to. As a context it takes whatever its block raises: a thread has nobody above it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: T | None = None
        self.failure: BaseException | None = None

    def __enter__(self) -> _Outcome[T]:
        return self

    def __exit__(self, _: object, failure: BaseException | None, __: TracebackType | None) -> bool:
        self.failure = failure
        self.done.set()
        return True


@dataclass(slots=True)
class Store:
    """The place of published files behind a URL. Reads as a `Mirror` does, and writes objects that appear whole.

    Errors of all methods: MissingError where there is no such object; SourceError for every other failure of the
    driver, in its words without addresses. Making one: InputError; EnvironmentFailure if its driver is not installed.
    """

    url: str
    bytes_read: int = field(default=0, init=False)
    _stuck: int = field(default=0, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _open: tuple[Any, str] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        scheme = self.url.partition("://")[0]
        if not _URL.fullmatch(self.url) or "::" in self.url or scheme in _WEB:
            raise InputError(
                f"mirror scheme {scheme[:20]!r}: a folder, an http(s) address or the URL of one store is needed"
            )
        try:
            parts = urlsplit(self.url)
        except ValueError as error:
            raise InputError(f"{scheme}: the store's URL is malformed") from error
        if parts.password is not None or parts.query or parts.fragment:
            raise InputError(
                f"{scheme}: a URL with a password, a query or a fragment is not accepted: drivers read their own "
                "configuration"
            )
        try:
            _fsspec().get_filesystem_class(scheme)
        except ValueError as error:
            raise InputError(f"mirror scheme {scheme!r} is none that fsspec knows") from error
        except ImportError as error:
            raise EnvironmentFailure(f"{scheme}:// needs a driver that is not installed: {_plain(error)}") from error

    @property
    def name(self) -> str:
        """The URL."""
        return self.url

    @property
    def place(self) -> str:
        """The same for two URLs of one place, as far as their words tell."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.lower()}{posixpath.normpath(f'/{parts.path}').rstrip('/')}"

    def get(self, path: str, *, max_bytes: int, timeout_s: float) -> bytes:
        """The content of one object, whose size is asked for before a byte of it is read."""
        name = checked_path(path)

        def read() -> bytes:
            store, base = self._store()
            store.invalidate_cache()
            size = _size(store, f"{base}/{name}", f"{self.url}: {path}")
            if size > max_bytes:
                raise SourceError(f"{self.url}: {path} has {size} bytes; the limit is {max_bytes}")
            return cast("bytes", store.cat_file(f"{base}/{name}", start=0, end=size)) if size else b""

        content = self._run(read, timeout_s, path)
        self.bytes_read += len(content)
        if len(content) > max_bytes:
            raise SourceError(f"{self.url}: {path} came with {len(content)} bytes; the limit is {max_bytes}")
        return content

    def sha256(self, path: str, timeout_s: float) -> str:
        """SHA-256 of an object in hexadecimal, read by ranges."""
        name = checked_path(path)

        def read() -> str:
            store, base = self._store()
            store.invalidate_cache()
            size, digest = _size(store, f"{base}/{name}", f"{self.url}: {path}"), hashlib.sha256()
            for start in range(0, size, CHUNK):
                digest.update(store.cat_file(f"{base}/{name}", start=start, end=min(start + CHUNK, size)))
            return digest.hexdigest()

        return self._run(read, timeout_s, path)

    def put(self, path: str, content: bytes | tuple[Path, str]) -> int:
        """Write an object, from bytes or from a file below a folder; the number of its bytes.

        It appears whole where the driver has transactions (under another name first, or when all parts are there).
        """
        name = checked_path(path)
        size = len(content) if isinstance(content, bytes) else (content[0] / content[1]).stat().st_size

        def write() -> int:
            store, base = self._store()
            target = f"{base}/{name}"
            store.makedirs(target.rpartition("/")[0], exist_ok=True)
            with store.transaction, store.open(target, "wb") as file:
                if isinstance(content, bytes):
                    return int(file.write(content))
                with open_below(*content) as fd, open(fd, "rb", closefd=False) as source:
                    written = 0
                    while chunk := source.read(CHUNK):
                        written += file.write(chunk)
                return written

        return self._run(write, _UPLOAD_S + size / _SLOWEST, path)

    def _store(self) -> tuple[Any, str]:
        """The driver and the path below which it looks; opened at the first call, in a thread that is waited for."""
        if self._open is None:
            store, base = _fsspec().url_to_fs(self.url, skip_instance_cache=True)
            self._open = store, str(base).rstrip("/")
        return self._open

    def _run(self, call: Callable[[], T], timeout_s: float, path: str) -> T:
        outcome: _Outcome[T] = _Outcome()
        with self._lock:
            if self._stuck >= MAX_STUCK:
                raise SourceError(f"{self.url}: {path}: {self._stuck} earlier requests have not come back")
            self._stuck += 1

        def work() -> None:
            with outcome:
                outcome.value = call()
            with self._lock:
                self._stuck -= 1

        threading.Thread(target=work, daemon=True).start()
        if not outcome.done.wait(timeout_s):
            raise SourceError(f"{self.url}: {path}: not finished within {timeout_s:g} s")
        failure = outcome.failure
        if failure is None:
            return cast("T", outcome.value)
        if isinstance(failure, ZkstateError):
            raise failure
        if isinstance(failure, (FileNotFoundError, NotADirectoryError)):
            raise MissingError(f"{self.url}: there is no {path}") from failure
        raise SourceError(f"{self.url}: {path}: {_plain(failure)}") from failure


def _fsspec() -> Any:  # noqa: ANN401 (fsspec has no types)
    try:
        return importlib.import_module("fsspec")
    except ImportError as error:
        raise EnvironmentFailure("a mirror behind a store's URL needs fsspec: pip install 'zkstate[backup]'") from error


def _size(store: Any, path: str, what: str) -> int:  # noqa: ANN401 (a filesystem of fsspec)
    found = store.info(path)
    size = found.get("size")
    if found.get("type") != "file" or found.get("islink") or type(size) is not int or size < 0:
        raise SourceError(f"{what} is a {found.get('type')!s:.20} of size {size!s:.20}, not a file of known size")
    return size


def _plain(error: BaseException) -> str:
    """A driver's words on one line, without addresses, which may be signed, and what may name a user or a key."""
    words = " ".join(_PRIVATE.sub("(left out)", _ADDRESS.sub("(address)", str(error))).split())
    return f"{type(error).__name__} {words}".strip()[:200]
