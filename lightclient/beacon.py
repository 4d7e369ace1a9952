"""Where objects of the light client protocol come from: nodes that serve the Beacon API, and folders of their answers.

None is believed: what they hand over is decoded within limits and verified by whoever asked.
Source: Beacon API, routes under /eth/v1/beacon/light_client.
"""

from __future__ import annotations

import http.client
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult

import msgspec

from zkstate import nesting
from zkstate.errors import EncodingError, InputError, MissingError, SourceError
from zkstate.publication.http import origin, read_body, reported, request, server_url
from zkstate.publication.regular import read_below

from .consensus import wire
from .consensus.forks import Chain, Fork
from .consensus.types import Bootstrap, Update

ROUTES = "/eth/v1/beacon/light_client"
MAX_OBJECT_BYTES = 256 << 10  # a bootstrap of 512 keys has about 60 KB of JSON
MAX_PAGE_BYTES = 8 << 20  # 128 updates of as much
MAX_VALUES = 1 << 17  # in one answer: 128 updates have about 80,000
MAX_FILES = 256

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
class BeaconFolder:
    """Answers of nodes kept as files: bootstrap*.json, updates*.json and finality_update*.json, any number of each."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder as the caller wrote it."""
        return str(self.folder)

    def bootstrap(self, root: bytes, chain: Chain, deadline: float = math.inf) -> Bootstrap:  # noqa: ARG002
        """The one of the block with this root."""
        for answer in self._answers("bootstrap", MAX_OBJECT_BYTES):
            if (found := _bootstrap(answer, chain)).header.beacon.root == root:
                return found
        raise MissingError(f"{self.name}: there is no bootstrap of 0x{root.hex()}")

    def updates(self, first: int, count: int, chain: Chain, deadline: float = math.inf) -> list[Update]:  # noqa: ARG002
        """All of these periods."""
        found: list[Update] = []
        for answer in self._answers("updates", MAX_PAGE_BYTES):
            page = [
                one for one in _updates(answer, chain) if 0 <= chain.period(one.attested_header.slot) - first < count
            ]
            found += page
        return found

    def finality_update(self, chain: Chain, deadline: float = math.inf) -> Update:  # noqa: ARG002
        """The one that attests the latest slot."""
        found = [_update(answer, chain) for answer in self._answers("finality_update", MAX_OBJECT_BYTES)]
        if not found:
            raise MissingError(f"{self.name}: there is no finality update")
        return max(found, key=lambda one: one.attested_header.slot)

    def _answers(self, start: str, max_bytes: int) -> Iterator[object]:
        names = sorted(path.name for path in self.folder.glob(f"{start}*.json"))
        if len(names) > MAX_FILES:
            raise EncodingError(f"{len(names)} files {start}*.json, at most {MAX_FILES}")
        for name in names:
            yield _json(read_below(self.folder, name, max_bytes), f"{self.name}: {name}")


def beacon_at(place: str, timeout_s: float) -> BeaconNode | BeaconFolder:
    """The node at an http(s) URL, or the folder at a path. InputError for neither."""
    if "://" in place:
        return BeaconNode(place, timeout_s)
    if not Path(place).is_dir():
        raise InputError(f"beacon node {place} is neither an http(s) URL nor a folder")
    return BeaconFolder(Path(place))


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
