"""A web server over published files that behaves badly in one of many ways: what a mirror may do to its readers."""

import contextlib
import gzip
import re
import socket
import struct
import time
import zlib

from tests.publication.servers import drip, flood, mute
from zkstate.errors import DisagreementError, SourceError

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(64 << 20))
DEFLATED = zlib.compress(bytes(64 << 20))
HARMLESS = None
"""The right bytes come all the same."""


def path_of(request):
    return re.match(rb"GET /(\S*) HTTP/1\.1\r\n", request)[1].decode()


def length(size):
    return b"Content-Length: %d\r\n\r\n" % size


def serving_files(root, reply):
    """A behaviour that sends reply(the file's content, its path, root) and closes."""

    def behave(connection, request, stop):
        path = path_of(request)
        content = (root / path).read_bytes() if (root / path).is_file() else b""
        for part in reply(content, path, root):
            connection.sendall(part)

    return behave


def replies(reply):
    return lambda root: serving_files(root, reply)


def always(behave):
    return lambda root: behave


def redirect(location):
    return replies(lambda data, path, root: [b"HTTP/1.1 302 Found\r\nLocation: %s\r\n" % location, length(0)])


def status(line):
    return replies(lambda data, path, root: [line + b"\r\n", length(len(data)), data])


def head(*lines):
    """The right bytes behind these header lines."""
    return replies(lambda data, path, root: [OK, *(line + b"\r\n" for line in lines), length(len(data)), data])


def reset_midway(root):
    def behave(connection, request, stop):
        data = (root / path_of(request)).read_bytes()
        connection.sendall(OK + length(len(data)) + data[: len(data) // 2])
        time.sleep(0.01)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave


def half_open(root):
    def behave(connection, request, stop):
        data = (root / path_of(request)).read_bytes()
        connection.sendall(OK + length(len(data)) + data[: len(data) // 2])
        stop.wait()

    return behave


def closed_for_writing(root):
    """The other half: it stops sending, and keeps the connection."""

    def behave(connection, request, stop):
        connection.sendall(OK)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        stop.wait()

    return behave


def another_path(data, path, root):
    other = root / ("epochs/00000001/header.bin" if "header" in path else "epochs/00000003/header.bin")
    found = other.read_bytes()
    return [OK, length(len(found)), found]


def stale(data, path, root):
    """A cache that still has the epoch before."""
    found = (root / path.replace("00000003", "00000002")).read_bytes()
    return [OK, b"Age: 86400\r\n", length(len(found)), found]


def partial(reply):
    return replies(lambda data, path, root: [b"HTTP/1.1 206 Partial Content\r\n", *reply(data)])


def chunked(*parts):
    return replies(lambda data, path, root: [CHUNKED, *(part(data) if callable(part) else part for part in parts)])


SLOW = "not finished within|no answer within"
BEHAVIOURS = {
    "slow drip": (always(drip(OK + length(544))), SLOW),
    "slow header": (always(drip(OK + b"X: ")), SLOW),
    "slow accept": ("backlog", SLOW),
    "mute": (always(mute), SLOW),
    "half-open silence": (half_open, SLOW),
    "half-closed": (closed_for_writing, "not an HTTP answer|Content-Length|not finished"),
    "endless body": (always(flood(CHUNKED, b"10000\r\n" + bytes(65536) + b"\r\n")), "goes on after the limit"),
    "endless header": (always(flood(OK + b"X: ")), "not an HTTP answer"),
    "endless status line": (always(flood(b"HTTP/1.1 200 ")), "not an HTTP answer"),
    "header flood": (always(flood(OK, b"X: y\r\n" * 9000)), "not an HTTP answer"),
    "one huge header": (head(b"X: " + b"y" * (1 << 20)), "not an HTTP answer"),
    "length too large": (replies(lambda d, p, r: [OK, length(len(d) + 1), d]), "cut off|the limit is"),
    "length far too large": (replies(lambda d, p, r: [OK, length(1 << 50), d]), "the limit is"),
    "length too small": (replies(lambda d, p, r: [OK, length(len(d) - 1), d]), "bytes"),
    "negative length": (replies(lambda d, p, r: [OK, length(-1), d]), "Content-Length"),
    "length no number": (replies(lambda d, p, r: [OK, b"Content-Length: 0x220\r\n\r\n", d]), "Content-Length"),
    "two lengths": (head(b"Content-Length: 1"), "Content-Length"),
    "length and chunks": (
        replies(lambda d, p, r: [OK, b"Transfer-Encoding: chunked\r\n", length(len(d)), d]), "not an HTTP answer"),
    "HTTP/1.0 without length": (replies(lambda d, p, r: [b"HTTP/1.0 200 OK\r\n\r\n", d]), "Content-Length"),
    "redirect to a file": (redirect(b"file:///etc/passwd"), "redirects to"),
    "redirect to another host": (redirect(b"http://127.0.0.2:1/x"), "redirects to"),
    "redirect loop": (redirect(b"/again"), "more than 3 redirects"),
    "gzip bomb": (replies(lambda d, p, r: [OK, b"Content-Encoding: gzip\r\n", length(len(BOMB)), BOMB]), "coding"),
    "deflate bomb": (
        replies(lambda d, p, r: [OK, b"Content-Encoding: deflate\r\n", length(len(DEFLATED)), DEFLATED]), "coding"),
    "gzip in transfer": (
        replies(lambda d, p, r: [OK, b"Transfer-Encoding: gzip\r\n", length(len(BOMB)), BOMB]), "limit|cut off|bytes"),
    "stale cache": (replies(stale), "the trust root holds"),
    "content for another path": (replies(another_path), "the trust root holds"),
    "wrong range": (partial(lambda d: [b"Content-Range: bytes 1-9/10\r\n", length(len(d)), d[::-1]]), "status 206"),
    "range that was not asked for": (
        partial(lambda d: [b"Content-Range: bytes 0-%d/%d\r\n" % (len(d) - 1, len(d)), length(len(d)), d]), "206"),
    "overlapping ranges": (
        partial(lambda d: [b"Content-Type: multipart/byteranges; boundary=x\r\n", length(len(d) * 2), d, d]), "206"),
    "reset midway": (reset_midway, "reset|cut off"),
    "invalid chunk size": (chunked(b"zz\r\n", lambda d: d), "not an HTTP answer"),
    "negative chunk": (chunked(b"-5\r\nabcde\r\n0\r\n\r\n"), "not an HTTP answer|bytes|cut off"),
    "huge chunk size": (chunked(b"f" * 5000 + b"\r\n", lambda d: d), "not an HTTP answer|limit"),
    "chunk cut off": (chunked(lambda d: b"%x\r\n" % (len(d) + 9), lambda d: d), "not an HTTP answer|limit"),
    "no content": (status(b"HTTP/1.1 204 No Content"), "status 204"),
    "not modified": (status(b"HTTP/1.1 304 Not Modified"), "304"),
    "wrong status with right body": (status(b"HTTP/1.1 404 Not Found"), "HTTP 404"),
    "NUL bytes": (always(flood(b"", bytes(65536))), "not an HTTP answer"),
    "NUL bytes in the body": (replies(lambda d, p, r: [OK, length(len(d)), bytes(len(d))]), "starts with 0000"),
    "many 1xx": (always(drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, 0.001)), SLOW + "|not an HTTP answer"),
    "early hints": (status(b"HTTP/1.1 103 Early Hints"), "status 103"),
    "not HTTP": (replies(lambda d, p, r: [b"SSH-2.0-x\r\n", d]), "not an HTTP answer"),
    "trailing garbage": (replies(lambda d, p, r: [OK, length(len(d)), d, b"garbage" * 1000]), HARMLESS),
    "a second answer behind the first": (
        replies(lambda d, p, r: [OK, length(len(d)), d, OK, length(len(d)), bytes(len(d))]), HARMLESS),
    "a false answer before the right one": (
        replies(lambda d, p, r: [OK, length(len(d)), bytes(len(d)), OK, length(len(d)), d]), "starts with 0000"),
}  # fmt: skip
"""(a server over a folder, what its error says) by name."""

TYPED = (SourceError, DisagreementError)
