"""Mirrors: where published files are read from. Any of them may be wrong, slow, endless or gone.

A mirror hands over bytes within a size and a time limit and believes nothing; whoever asked checks the bytes.
"""

from __future__ import annotations

import http
import time
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from zkstate.errors import InputError, MissingError, SourceError
from zkstate.publication.http import origin, read_body, reported, request, server_url
from zkstate.publication.layout import checked_path
from zkstate.publication.regular import read_below
from zkstate.publication.stores import Store

MAX_REDIRECTS = 3

_GONE = (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE)
_ACCEPT = "application/octet-stream, */*"


class Mirror(Protocol):
    """A place that may hold published files. `name` goes into reports and never holds a secret."""

    @property
    def name(self) -> str: ...

    @property
    def bytes_read(self) -> int:
        """Bytes of file content received so far, those of failed answers included."""
        ...

    def get(self, path: str, *, max_bytes: int, timeout_s: float) -> bytes:
        """The content of one file. MissingError if the mirror lacks it, SourceError for any other failure."""
        ...


@dataclass(slots=True)
class FolderMirror:
    """A folder with published files: a disk, a mounted archive, an unpacked download."""

    root: Path
    bytes_read: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """The folder as the caller wrote it."""
        return str(self.root)

    def get(self, path: str, *, max_bytes: int, timeout_s: float) -> bytes:  # noqa: ARG002 (Mirror's shape)
        """Read a regular file; links below the folder are refused. `timeout_s` has no use for a disk."""
        content = read_below(self.root, checked_path(path), max_bytes)
        self.bytes_read += len(content)
        return content


@dataclass(slots=True)
class HttpMirror:
    """A static web server below a base URL, without credentials. Redirects must stay on its origin.

    `timeout_s` of `get` covers everything from connecting to the last byte, redirects included.
    """

    url: str = field(repr=False)
    accept: str = _ACCEPT
    label: str = ""  # its name in reports where the URL holds a secret
    bytes_read: int = field(default=0, init=False)
    _base: SplitResult = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            base = server_url(self.url)
        except InputError as error:
            raise InputError(f"mirror {error}") from error
        if base.query:
            raise InputError(f"mirror {origin(base)}: the base URL of a mirror has no query")
        self._base = base._replace(path=base.path.rstrip("/") + "/")

    @property
    def name(self) -> str:
        """The base URL, unless it has a label."""
        return self.label or self.url

    def get(self, path: str, *, max_bytes: int, timeout_s: float) -> bytes:
        """GET one file. Errors: MissingError for 404 and 410; SourceError for anything but a whole 200."""
        deadline = time.monotonic() + timeout_s
        target, what = self._base._replace(path=self._base.path + checked_path(path)), f"{self.name}: {path}"
        with reported(what, timeout_s):
            for _ in range(MAX_REDIRECTS + 1):
                with request(target, deadline, accept=self.accept) as response:
                    if not 300 <= response.status < 400:
                        return self._body(response, path, max_bytes)
                    target = self._follow(target, response, path)
        raise SourceError(f"{what}: more than {MAX_REDIRECTS} redirects")

    def _body(self, response: HTTPResponse, path: str, max_bytes: int) -> bytes:
        if response.status in _GONE:
            raise MissingError(f"{self.name}: there is no {path} (HTTP {response.status})")
        if response.status != http.HTTPStatus.OK:
            raise SourceError(f"{self.name}: {path}: HTTP status {response.status}, not 200")
        parts = []
        for part in read_body(response, max_bytes, f"{self.name}: {path}"):
            self.bytes_read += len(part)
            parts.append(part)
        return b"".join(parts)

    def _follow(self, target: SplitResult, response: HTTPResponse, path: str) -> SplitResult:
        location = response.getheader("Location", "")
        try:
            to = urlsplit(urljoin(target.geturl(), location))
        except ValueError:
            to = SplitResult("", "", "", "", "")
        plain = location.isascii() and location.isprintable() and " " not in location
        if not location or not plain or (to.scheme, to.netloc) != (target.scheme, target.netloc):
            shown = "an address" if self.label else f"{location[:200]!r}"
            raise SourceError(
                f"{self.name}: {path}: HTTP {response.status} redirects to {shown}, which is not on {origin(target)}"
            )
        return to


def mirror_at(place: str) -> FolderMirror | HttpMirror | Store:
    """The mirror at a folder path, an http(s) URL or the URL of a store. Errors: InputError, and those of `Store`."""
    if place.partition("://")[0].lower() in ("http", "https"):
        return HttpMirror(place)
    target = target_at(place)
    return target if isinstance(target, Store) else FolderMirror(target)


def target_at(place: str) -> Path | Store:
    """Where an epoch can be published: a folder, as a path or a file URL, or a store. Errors as `mirror_at`."""
    scheme, separator, path = place.partition("://")
    if not separator:
        return Path(place)
    if scheme in ("file", "local"):
        if not path.startswith("/"):
            raise InputError(f"{place}: a file URL names a path from the root, as in {scheme}:///srv/mirror")
        return Path(path)
    return Store(place)
