"""Where objects of the light client protocol come from: nodes that serve the Beacon API, and folders of their answers.

None is believed: what they hand over is decoded within limits and verified by whoever asked.
Source: Beacon API, routes under /eth/v1/beacon/light_client.
"""

from __future__ import annotations

import http.client
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import SplitResult

import msgspec

from zkstate import nesting
from zkstate.errors import EncodingError, InputError, MissingError, SourceError
from zkstate.publication.http import origin, read_body, reported, request, server_url
from zkstate.publication.regular import read_below

from .consensus import wire
from .consensus.forks import Chain, Fork
from .consensus.types import Bootstrap, Update

T = TypeVar("T")

ROUTES = "/eth/v1/beacon/light_client"
MAX_OBJECT_BYTES = 256 << 10  # a bootstrap of 512 keys has about 60 KB of JSON
MAX_PAGE_BYTES = 8 << 20  # 128 updates of as much
MAX_VALUES = 1 << 17  # in one answer: 128 updates have about 80,000
MAX_FILES = 256

_KINDS = (_BOOTSTRAP, _UPDATES, _FINALITY_UPDATE) = ("bootstrap", "updates", "finality_update")
_GONE = (http.client.NOT_FOUND, http.client.GONE)


class BeaconSource(Protocol):
    """Hands over objects, decoded and otherwise unchecked. `deadline` is on time.monotonic.

    Errors: MissingError if it does not have the object; SourceError if it does not deliver; InputError for an object
    that is malformed.
    """

    @property
    def name(self) -> str: ...

    def bootstrap(self, root: bytes, chain: Chain, deadline: float) -> Bootstrap: ...

    def updates(self, first: int, count: int, chain: Chain, deadline: float) -> list[Update]:
        """Of the periods from `first` on, in any order, with gaps."""
        ...

    def finality_update(self, chain: Chain, deadline: float) -> Update: ...


@dataclass(slots=True)
class BeaconNode:
    """One node by its base URL, which may hold an API key: reports name scheme, host and port."""

    url: str = field(repr=False)
    timeout_s: float
    name: str = field(init=False)
    _base: SplitResult = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            self._base = server_url(self.url)
        except InputError as error:
            raise InputError(f"beacon node: {error}") from error
        self.name = origin(self._base)

    def bootstrap(self, root: bytes, chain: Chain, deadline: float = math.inf) -> Bootstrap:
        """Of the block with this root."""
        return _bootstrap(self._get(f"bootstrap/0x{root.hex()}", "", MAX_OBJECT_BYTES, deadline), chain)

    def updates(self, first: int, count: int, chain: Chain, deadline: float = math.inf) -> list[Update]:
        """The best of each period. At most 128 are asked for, and no more than were asked for are read."""
        found = _updates(self._get("updates", f"start_period={first}&count={count}", MAX_PAGE_BYTES, deadline), chain)
        if len(found) > count:
            raise EncodingError(f"{len(found)} updates, and {count} were asked for")
        return found

    def finality_update(self, chain: Chain, deadline: float = math.inf) -> Update:
        """The newest."""
        return _update(self._get("finality_update", "", MAX_OBJECT_BYTES, deadline), chain)

    def _get(self, route: str, query: str, max_bytes: int, deadline: float) -> object:
        base = self._base
        target = base._replace(
            path=f"{base.path.rstrip('/')}{ROUTES}/{route}", query="&".join(filter(None, (base.query, query)))
        )
        what = f"{self.name}: {route}"
        deadline = min(deadline, time.monotonic() + self.timeout_s)
        with reported(what, self.timeout_s), request(target, deadline, accept="application/json") as response:
            if response.status in _GONE:
                raise MissingError(f"{what}: it does not have it (HTTP {response.status})")
            if response.status != http.client.OK:
                raise SourceError(f"{what}: HTTP status {response.status}, not 200")
            body = b"".join(read_body(response, max_bytes, what))
        return _json(body, what)


@dataclass(slots=True)
class BeaconFile:
    """One answer of a node, kept as a file whose name begins as its kind does.

    Each file of a folder is a source of its own: one that is damaged or lies is named and takes no other with it.
    """

    folder: Path
    file: str
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)  # of all files of the folder

    @property
    def name(self) -> str:
        """The file below the folder as the caller wrote it."""
        return str(self.folder / self.file)

    def bootstrap(self, root: bytes, chain: Chain, deadline: float = math.inf) -> Bootstrap:  # noqa: ARG002
        """The one of the block with this root."""
        if self.file.startswith(_BOOTSTRAP):
            found = self._read(MAX_OBJECT_BYTES, lambda answer: _bootstrap(answer, chain))
            if found.header.beacon.root == root:
                return found
        raise MissingError(f"{self.folder}: there is no bootstrap of 0x{root.hex()}")

    def updates(self, first: int, count: int, chain: Chain, deadline: float = math.inf) -> list[Update]:  # noqa: ARG002
        """All of these periods."""

        def wanted(answer: object) -> list[Update]:
            updates = _updates(answer, chain)
            return [one for one in updates if 0 <= chain.period(one.attested_header.slot) - first < count]

        return self._read(MAX_PAGE_BYTES, wanted) if self.file.startswith(_UPDATES) else []

    def finality_update(self, chain: Chain, deadline: float = math.inf) -> Update:  # noqa: ARG002
        """Whichever it is."""
        if not self.file.startswith(_FINALITY_UPDATE):
            raise MissingError(f"{self.folder}: there is no finality update")
        return self._read(MAX_OBJECT_BYTES, lambda answer: _update(answer, chain))

    def _read(self, max_bytes: int, decode: Callable[[object], T]) -> T:
        """One file of the folder after the other, so that memory holds one answer as it is written."""
        with self._turn:
            return decode(_json(read_below(self.folder, self.file, max_bytes), self.name))


def beacons_at(place: str, timeout_s: float) -> list[BeaconSource]:
    """The node at an http(s) URL, or the files in the folder at a path. InputError for neither."""
    if "://" in place:
        return [BeaconNode(place, timeout_s)]
    folder, turn = Path(place), threading.Lock()
    if not folder.is_dir():
        raise InputError(f"beacon node {place} is neither an http(s) URL nor a folder")
    names = sorted(path.name for path in folder.glob("*.json") if path.name.startswith(_KINDS))
    if not 1 <= len(names) <= MAX_FILES:
        kinds = ", ".join(f"{kind}*.json" for kind in _KINDS)
        raise InputError(f"{place}: {len(names)} files {kinds}, and 1 to {MAX_FILES} are read")
    return [BeaconFile(folder, name, turn) for name in names]


def _json(body: bytes, what: str) -> object:
    try:
        nesting.check(body, what, values=MAX_VALUES)
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{what}: the answer is not JSON: {error}") from error


def _versioned(answer: object) -> tuple[Fork, Mapping[str, Any]]:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("version"), str):
        raise EncodingError("the answer is no object with a version")
    if not isinstance(answer.get("data"), Mapping):
        raise EncodingError("the answer has no object as its data")
    return wire.fork_named(answer["version"]), answer["data"]


def _bootstrap(answer: object, chain: Chain) -> Bootstrap:
    fork, data = _versioned(answer)
    return wire.read_bootstrap(data, fork, chain)


def _update(answer: object, chain: Chain) -> Update:
    fork, data = _versioned(answer)
    return wire.read_update(data, fork, chain)


def _updates(answer: object, chain: Chain) -> list[Update]:
    if not isinstance(answer, list):
        raise EncodingError("the answer is no list of updates")
    if len(answer) > wire.MAX_UPDATES:
        raise EncodingError(f"more than {wire.MAX_UPDATES} updates in one answer")
    return [_update(one, chain) for one in answer]
