"""Loopback servers of a drill: mirrors that serve, lie or stall."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zkstate.errors import MissingError, SourceError
from zkstate.publication.layout import checked_path
from zkstate.publication.regular import read_below

FILE_LIMIT = 1 << 30
STALL_S = 60.0

Answer = Callable[[str, bytes], bytes | None]
"""The body for a path and a request's body; None is a 404."""


@contextmanager
def serving(answer: Answer, stop: threading.Event) -> Iterator[str]:
    """A server on a free port of the loopback; its URL. It ends with the block, and `stop` with it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self, body: bytes | None) -> None:
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def do_GET(self) -> None:
            self._reply(answer(self.path.lstrip("/"), b""))

        def do_POST(self) -> None:
            self._reply(answer(self.path, self.rfile.read(int(self.headers.get("Content-Length", "0")))))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def unanswered() -> Iterator[str]:
    """The URL of a port that nobody listens on; it is held, so that no other server comes to listen there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def honest(folder: Path) -> Answer:
    """A mirror."""

    def answer(path: str, _: bytes) -> bytes | None:
        try:
            return read_below(folder, checked_path(path), FILE_LIMIT)
        except (MissingError, SourceError):
            return None

    return answer


def lying(folder: Path) -> Answer:
    """A mirror with one bit wrong in every file: the header too, so that its lie is heard whoever answers first."""
    truth = honest(folder)

    def answer(path: str, body: bytes) -> bytes | None:
        data = truth(path, body)
        if not data:
            return data
        middle = len(data) // 2
        return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]

    return answer


def slow(folder: Path, stop: threading.Event) -> Answer:
    """A mirror that would answer in a minute."""
    truth = honest(folder)

    def answer(path: str, body: bytes) -> bytes | None:
        stop.wait(STALL_S)
        return truth(path, body)

    return answer
