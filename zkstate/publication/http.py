"""One HTTP request within a byte and a time limit, to a server that may lie, stall or never stop.

The time limit covers connecting, the TLS handshake and the last byte of the body, however slowly they drip;
the system's name lookup alone has its own limit.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from zkstate.errors import InputError, SourceError
from zkstate.state.text import plain

CHUNK = 64 << 10

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


def server_url(url: str) -> SplitResult:
    """The parts of an http or https URL in plain ASCII, without user name, password and fragment.

    Errors: InputError, which shows no more of the URL than scheme and host, as a path may hold an API key.
    """
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
        (parts.hostname or "").encode("idna")  # as the name lookup does, which takes no empty or overlong label
    except ValueError as error:
        raise InputError(f"not a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise InputError(f"scheme {parts.scheme!r}: an http or https URL with a host is needed")
    if "@" in parts.netloc:
        raise InputError(f"{parts.scheme}://{parts.hostname}: a URL with a user name or password is not accepted")
    if parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise InputError(f"{origin(parts)}: a URL in plain ASCII without a fragment is needed")
    return parts


def origin(target: SplitResult) -> str:
    """Scheme, host and port: what may be printed of any URL."""
    return f"{target.scheme}://{target.netloc}"


@contextlib.contextmanager
def request(
    target: SplitResult,
    deadline: float,
    *,
    accept: str,
    body: tuple[str, bytes] | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a GET, or to a POST of `body` (its type and bytes), with status and headers read.

    `deadline` is on `time.monotonic`. One connection per request; redirects are the caller's to follow.
    Errors: those of the socket, TimeoutError among them, and HTTPException; `reported` gives them words.
    """
    with contextlib.closing(_connect(target, deadline)) as sock:
        method, query = "GET" if body is None else "POST", "?" * bool(target.query) + target.query
        lines = [
            f"{method} {target.path or '/'}{query} HTTP/1.1",
            f"Host: {target.netloc}",
            "User-Agent: zkstate",
            f"Accept: {accept}",
            "Accept-Encoding: identity",
            "Connection: close",
        ]
        if body is not None:
            lines += [f"Content-Type: {body[0]}", f"Content-Length: {len(body[1])}"]
        _send(sock, "\r\n".join((*lines, "", "")).encode("ascii") + (body[1] if body else b""), deadline)
        response = http.client.HTTPResponse(
            _ReadOnlySocket(sock, deadline),  # type: ignore[arg-type]  # all it needs is makefile
            method=method,
        )
        response.begin()
        yield response


def read_body(response: http.client.HTTPResponse, max_bytes: int, what: str) -> Iterator[bytes]:
    """The body, piece by piece and whole. SourceError, starting with `what`, if it is too long or cut off."""
    if (coding := response.getheader("Content-Encoding", "identity").lower()) != "identity":
        raise SourceError(f"{what}: content coding {coding[:40]!r}, which was not asked for")
    length = _stated_length(response, what)
    if length is not None and length > max_bytes:
        raise SourceError(f"{what} has {length} bytes; the limit is {max_bytes}")
    received = 0
    while part := response.read1(min(CHUNK, max_bytes + 1 - received)):
        received += len(part)
        yield part
        if received > max_bytes:
            raise SourceError(f"{what} goes on after the limit of {max_bytes} bytes")
    if length is not None and received != length:
        raise SourceError(f"{what} was cut off: {received} bytes of {length}")


@contextlib.contextmanager
def reported(what: str, timeout_s: float) -> Iterator[None]:
    """Turn what a request can raise into a SourceError that starts with `what`."""
    try:
        yield
    except TimeoutError as error:
        raise SourceError(f"{what}: not finished within {timeout_s:g} s") from error
    except http.client.HTTPException as error:
        raise SourceError(f"{what}: not an HTTP answer: {_words(error)}") from error
    except OSError as error:
        raise SourceError(f"{what}: {error.strerror or _words(error)}") from error


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


def _stated_length(response: http.client.HTTPResponse, what: str) -> int | None:
    """Content-Length, or None for a chunked body. Without either, a cut body could not be told."""
    stated = response.headers.get_all("Content-Length", [])
    if response.chunked:
        return None
    if len(stated) != 1 or _LENGTH.fullmatch(stated[0].strip()) is None:
        raise SourceError(f"{what}: unusable Content-Length {stated[:2]!r:.80}")
    return int(stated[0])


def _send(sock: socket.socket, content: bytes, deadline: float) -> None:
    view = memoryview(content)
    while view:
        sock.settimeout(_left(deadline))
        view = view[sock.send(view[:CHUNK]) :]


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


def _words(error: BaseException) -> str:
    """What an error says, made plain: it may repeat what the server sent."""
    return plain(f"{type(error).__name__} {error}".strip()[:200])
