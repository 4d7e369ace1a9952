"""Real servers on the loopback: one that serves a folder, one that writes whatever bytes it is told to."""

import contextlib
import http.server
import socket
import threading
from functools import partial
from pathlib import Path


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass


def static(folder: Path):
    """A static web server over a folder; its base URL."""
    return serving(partial(_Quiet, directory=str(folder)))


@contextlib.contextmanager
def serving(handler):
    """A server on the loopback whose requests `handler` answers; its base URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def raw(behave):
    """A server whose every connection is handled by behave(socket, request bytes, stop event); its base URL."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    threads = []

    def handle(connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            request = b""
            while b"\r\n\r\n" not in request and (part := connection.recv(65536)):
                request += part
            behave(connection, request, stop)

    def accept():
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=handle, args=(connection,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        acceptor.join()
        listener.close()
        for thread in threads:
            thread.join(timeout=5)


def answer(*parts):
    """A behaviour that sends these bytes and closes."""

    def behave(connection, request, stop):
        for part in parts:
            connection.sendall(part)

    return behave


def drip(head, byte=b"x", pause=0.05):
    """A behaviour that sends `head` and then one byte at a time for as long as anyone listens."""

    def behave(connection, request, stop):
        connection.sendall(head)
        while not stop.wait(pause):
            connection.sendall(byte)

    return behave


def flood(head, block=b"x" * 65536):
    """A behaviour that sends `head` and then data without end."""

    def behave(connection, request, stop):
        connection.sendall(head)
        while not stop.is_set():
            connection.sendall(block)

    return behave


def mute(connection, request, stop):
    """A behaviour that never answers."""
    stop.wait()
