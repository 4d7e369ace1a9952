"""Telling a web server of alerts: one POST of an event's JSON each, to https or this machine, never elsewhere."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult

from zkstate.errors import InputError, SourceError, ZkstateError
from zkstate.publication.http import origin, reported, request, server_url
from zkstate.state.identity import read_private

from .events import Event
from .folder import MAX_PENDING

TIMEOUT_S = 10.0
MAX_URL_BYTES = 2048


class Webhook:
    """A server to tell. Its URL is read from a private file, as the path of one is often a password; only the origin is
    ever shown. What could not be told waits, at most MAX_PENDING events, the oldest dropped first.
    """

    def __init__(self, target: SplitResult, timeout_s: float = TIMEOUT_S) -> None:
        host = target.hostname or ""
        if target.scheme != "https" and not _is_here(host):
            raise InputError(f"webhook {origin(target)}: https is needed, or a server of this machine")
        self._target, self._timeout_s = target, timeout_s

    @classmethod
    def read(cls, path: Path) -> Webhook:
        """From a file of one line. Errors: InputError; those of `read_private`."""
        data = read_private(path, MAX_URL_BYTES, "webhook")
        if len(data) > MAX_URL_BYTES or not data.isascii():
            raise InputError(f"{path} is not one line with a URL of at most {MAX_URL_BYTES} bytes")
        return cls(server_url(data.decode("ascii").strip()))

    @property
    def name(self) -> str:
        """Where it is, without its path."""
        return origin(self._target)

    def tell(self, waiting: Sequence[Event]) -> tuple[tuple[Event, ...], str]:
        """Deliver events in order. What is still to be told, and why; an event may arrive twice, and never changed.

        The time limit is one for all, so that a slow server does not hold up the watch.
        """
        left, deadline = list(waiting)[-MAX_PENDING:], time.monotonic() + self._timeout_s
        while left:
            try:
                self._post(left[0].encode(), deadline)
            except ZkstateError as error:
                return tuple(left), str(error)
            left.pop(0)
        return (), ""

    def _post(self, body: bytes, deadline: float) -> None:
        what = f"webhook {self.name}"
        with (
            reported(what, self._timeout_s),
            request(self._target, deadline, accept="*/*", body=("application/json", body)) as response,
        ):
            if not 200 <= response.status < 300:
                raise SourceError(f"{what}: HTTP status {response.status}")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
