"""The way to a cluster: which schedulers of dask are taken, and a connection to one.

Whoever may speak to a dask scheduler can have its workers, and whoever is connected to it, run anything: messages are
Python pickles, and there are no users. So beyond this machine it is TLS with certificates of one's own, or by a flag.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from zkstate.errors import EnvironmentFailure, InputError

_HOST, _PORT = r"\[[0-9a-fA-F:.]+\]|[^\[\]:/@\s]+", r"[0-9]{1,5}"
_ADDRESS = re.compile(rf"(?:(?P<scheme>[a-z]+)://)?(?P<host>{_HOST}):(?P<port>{_PORT})", re.ASCII)


class Answer(Protocol):
    """What is used of a `distributed.Future`; its status is "finished" or "error" if there is an answer."""

    status: str

    def exception(self) -> BaseException | None: ...

    def cancel(self) -> None: ...

    def add_done_callback(self, fn: Callable[[Answer], None]) -> None: ...


class Client(Protocol):
    """What is used of a `distributed.Client`."""

    def nthreads(self) -> Mapping[str, int]:
        """Threads of every worker, by its address."""
        ...

    def submit(self, func: Callable[..., object], *args: object, **options: object) -> Answer: ...

    def gather(self, futures: list[Answer], errors: str) -> list[object]: ...


@dataclass(frozen=True, slots=True)
class Tls:
    """The authority whose certificates are taken, and the certificate and key of this side, as PEM files."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Cluster:
    """A dask scheduler by its address, `tls://host:port` or `tcp://host:port`.

    `plain` takes it without TLS beyond this machine. `folder` is where batches under way are put for workers to read;
    None for the private part of the epoch. `patience` is for how many seconds none need be there. InputError for an
    address that is none, TLS without its files or none where it is due.
    """

    address: str
    tls: Tls | None = None
    plain: bool = False
    folder: Path | None = None
    patience: float = 60.0

    def __post_init__(self) -> None:
        scheme, _ = _parsed(self.address)
        if scheme == "tls" and self.tls is None:
            raise InputError(f"{self.address}: TLS takes an authority, a certificate and its key")
        if scheme == "tcp" and self.tls is not None:
            raise InputError(f"{self.address}: certificates are for tls://, not for tcp://")
        self.check([self.address])

    def check(self, addresses: Iterable[str]) -> None:
        """Refuse addresses, of workers say, that are not reached as the cluster may be. InputError."""
        for address in addresses:
            scheme, host = _parsed(address)
            if scheme == "tls" or (self.plain and self.tls is None):
                continue
            if self.tls is not None or not _is_here(host):
                raise InputError(
                    f"{address} is beyond this machine and not tls://: whoever reaches it can run anything"
                )

    @contextmanager
    def connected(self) -> Iterator[Client]:
        """A `distributed.Client`. EnvironmentFailure without the package, or if nobody answers."""
        try:
            import distributed  # noqa: PLC0415 (optional dependency)
        except ImportError:
            raise EnvironmentFailure(
                "a cluster takes the package distributed: pip install 'zkstate[cluster]'"
            ) from None
        try:
            security = None
            if self.tls is not None:
                files = {"tls_ca_file": self.tls.ca, "tls_client_cert": self.tls.cert, "tls_client_key": self.tls.key}
                security = distributed.Security(
                    require_encryption=True, **{name: str(path) for name, path in files.items()}
                )
            client = distributed.Client(
                self.address, security=security, timeout=self.patience, set_as_default=False, direct_to_workers=False
            )
        except (OSError, ValueError) as error:  # of ssl too
            raise EnvironmentFailure(f"the scheduler at {self.address} was not reached: {error}") from error
        try:
            yield client
        finally:
            client.close()


def _parsed(address: str) -> tuple[str, str]:
    """Scheme and host."""
    found = _ADDRESS.fullmatch(address)
    scheme = "tcp" if found is None else found["scheme"] or "tcp"
    if found is None or scheme not in {"tcp", "tls"} or int(found["port"]) >= 1 << 16:
        raise InputError(f"{address!r} is no address of a scheduler: tls://host:port or tcp://host:port")
    return scheme, found["host"].strip("[]")


def _is_here(host: str) -> bool:
    """Whether a host is this machine. Names but `localhost` are not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
