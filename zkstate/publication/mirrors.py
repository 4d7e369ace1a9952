"""Mirrors: where published files are read from. Any of them may be wrong, slow, endless or gone.

A mirror hands over bytes within a size and a time limit and believes nothing; whoever asked checks the bytes.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import socket
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from zkstate.errors import InputError, MissingError, SourceError
from zkstate.publication.layout import checked_path
from zkstate.publication.regular import read_below

MAX_REDIRECTS = 3
CHUNK = 64 << 10

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_GONE = (http.client.NOT_FOUND, http.client.GONE)


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
    """A static web server below a base URL, without credentials. Redirects must stay on scheme, host, port.

    One connection per file. The time limit covers connecting, the TLS handshake and the last byte of the
    body, however slowly they drip; the system's name lookup alone has its own limit.
    """

    url: str
    bytes_read: int = field(default=0, init=False)
    _base: SplitResult = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._base = _base_url(self.url)

    @property
    def name(self) -> str:
        """The base URL."""
        return self.url

    def get(self, path: str, *, max_bytes: int, timeout_s: float) -> bytes:
        """GET one file. Errors: MissingError for 404 and 410; SourceError for anything but a whole 200."""
        deadline = time.monotonic() + timeout_s
        target = self._base._replace(path=self._base.path + checked_path(path))
        try:
            for _ in range(MAX_REDIRECTS + 1):
                with contextlib.closing(_connect(target, deadline)) as sock:
                    response = _request(sock, target, deadline)
                    if not 300 <= response.status < 400:
                        return self._body(response, path, max_bytes)
                    target = self._follow(target, response, path)
        except TimeoutError as error:
            raise SourceError(f"{self.name}: {path}: not finished within {timeout_s:g} s") from error
        except http.client.HTTPException as error:
            raise SourceError(f"{self.name}: {path}: not an HTTP answer: {_words(error)}") from error
        except OSError as error:
            raise SourceError(f"{self.name}: {path}: {error.strerror or _words(error)}") from error
        raise SourceError(f"{self.name}: {path}: more than {MAX_REDIRECTS} redirects")

    def _body(self, response: http.client.HTTPResponse, path: str, max_bytes: int) -> bytes:
        if response.status in _GONE:
            raise MissingError(f"{self.name}: there is no {path} (HTTP {response.status})")
        if response.status != http.client.OK:
            raise SourceError(f"{self.name}: {path}: HTTP status {response.status}, not 200")
        if (coding := response.getheader("Content-Encoding", "identity").lower()) != "identity":
            raise SourceError(f"{self.name}: {path}: content coding {coding[:40]!r}, which was not asked for")
        length = self._stated_length(response, path)
        if length is not None and length > max_bytes:
            raise SourceError(f"{self.name}: {path} has {length} bytes; the limit is {max_bytes}")
        parts, received = [], 0
        while part := response.read1(min(CHUNK, max_bytes + 1 - received)):
            parts.append(part)
            received += len(part)
            self.bytes_read += len(part)
            if received > max_bytes:
                raise SourceError(f"{self.name}: {path} goes on after the limit of {max_bytes} bytes")
        if length is not None and received != length:
            raise SourceError(f"{self.name}: {path} was cut off: {received} bytes of {length}")
        return b"".join(parts)

    def _stated_length(self, response: http.client.HTTPResponse, path: str) -> int | None:
        """Content-Length, or None for a chunked body. Without either, a cut body could not be told."""
        stated = response.headers.get_all("Content-Length", [])
        if response.chunked:
            return None
        if len(stated) != 1 or _LENGTH.fullmatch(stated[0].strip()) is None:
            raise SourceError(f"{self.name}: {path}: unusable Content-Length {stated[:2]!r:.80}")
        return int(stated[0])

    def _follow(self, target: SplitResult, response: http.client.HTTPResponse, path: str) -> SplitResult:
        location = response.getheader("Location", "")
        try:
            to = urlsplit(urljoin(target.geturl(), location))
            same = (to.scheme, to.netloc) == (target.scheme, target.netloc)
        except ValueError:
            same = False
        if not same or not location or any(ord(character) <= 32 for character in location):
            raise SourceError(
                f"{self.name}: {path}: HTTP {response.status} redirects to {location[:200]!r}, "
                f"which is not on {target.scheme}://{target.netloc}"
            )
        return to


def mirror_at(place: str) -> FolderMirror | HttpMirror:
    """The mirror at a folder path or an http(s) URL. InputError for any other scheme."""
    scheme, separator, _ = place.partition("://")
    if not separator:
        return FolderMirror(Path(place))
    if scheme.lower() in ("http", "https"):
        return HttpMirror(place)
    raise InputError(
        f"mirror {place}: scheme {scheme!r} is none of http, https; a folder is written as a path"
    )


class _DeadlineReader(io.RawIOBase):
    """A socket as a raw stream whose every read ends by one common deadline (TimeoutError)."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._sock.settimeout(_left(self._deadline))
        return self._sock.recv_into(buffer)


class _ReadOnlySocket:
    """What `http.client.HTTPResponse` needs of a socket: its reading side."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._reader = _DeadlineReader(sock, deadline)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 (socket.makefile's shape)
        return io.BufferedReader(self._reader)


def _request(sock: socket.socket, target: SplitResult, deadline: float) -> http.client.HTTPResponse:
    lines = (
        f"GET {target.path or '/'}{'?' + target.query if target.query else ''} HTTP/1.1",
        f"Host: {target.netloc}",
        "User-Agent: zkstate",
        "Accept: application/octet-stream, */*",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    sock.settimeout(_left(deadline))
    sock.sendall("\r\n".join((*lines, "", "")).encode("ascii"))
    response = http.client.HTTPResponse(_ReadOnlySocket(sock, deadline), method="GET")  # type: ignore[arg-type]
    response.begin()
    return response


def _connect(target: SplitResult, deadline: float) -> socket.socket:
    """A connected socket, with TLS verified against the system's authorities for https."""
    host, secure = target.hostname or "", target.scheme == "https"
    sock = _first_address(host, target.port or (443 if secure else 80), deadline)
    if not secure:
        return sock
    try:
        sock.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise


def _first_address(host: str, port: int, deadline: float) -> socket.socket:
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(deadline))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _base_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError as error:
        raise InputError(f"mirror {url!r} is not a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise InputError(f"mirror {url!r} is not an http or https URL with a host")
    if "@" in parts.netloc:
        raise InputError("a mirror URL has no user name or password: mirrors are public")
    if parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise InputError(f"mirror {url!r}: plain ASCII without query and fragment is needed")
    return parts._replace(path=parts.path.rstrip("/") + "/")


def _words(error: BaseException) -> str:
    return f"{type(error).__name__} {error}".strip()[:200]
