"""JSON-RPC over HTTP to a node that is not trusted: limits on bytes and time, strict answers"""

from __future__ import annotations

import http.client
import itertools
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult

import msgspec

from zkstate import nesting
from zkstate.errors import EncodingError, InputError, SourceError
from zkstate.publication.http import origin, read_body, reported, request, server_url

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 8 << 20
MAX_ANSWER_VALUES = 1 << 18

_QUANTITY = re.compile(r"0x(?:0|[1-9a-f][0-9a-f]{0,63})", re.ASCII)
_DATA = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)


class RpcError(SourceError):
    """A node that answered a call with an error. `data` is what a reverted call returned, if it did."""

    def __init__(self, node: str, method: str, code: int, message: str, data: bytes | None) -> None:
        super().__init__(f"{node}: {method}: error {code}: {message}")
        self.code, self.reason, self.data = code, message, data


@dataclass(slots=True)
class JsonRpc:
    """One node. Every call has its own connection and ends within `timeout_s` and `max_bytes`.

    Errors of a call: RpcError if the node refuses it, SourceError if there is no usable answer in time.
    Both name the node by scheme, host and port, since a path may hold an API key.
    """

    url: str = field(repr=False)
    timeout_s: float = TIMEOUT_S
    max_bytes: int = MAX_ANSWER_BYTES
    name: str = field(init=False)
    _target: SplitResult = field(init=False, repr=False)
    _ids: Iterator[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            self._target = server_url(self.url)
        except InputError as error:
            raise InputError(f"node: {error}") from error
        self.name = origin(self._target)
        self._ids = itertools.count(1)

    def call(self, method: str, params: Sequence[object], deadline: float = math.inf) -> object:
        """The `result` member of the answer, as parsed JSON; None for null.

        `deadline`, on time.monotonic, ends the call even before `timeout_s` does.
        """
        number = next(self._ids)
        query = msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        what = f"{self.name}: {method}"
        deadline = min(deadline, time.monotonic() + self.timeout_s)
        with (
            reported(what, self.timeout_s),
            request(self._target, deadline, accept="application/json", body=("application/json", query)) as response,
        ):
            if response.status != http.client.OK:
                raise SourceError(f"{what}: HTTP status {response.status}, not 200")
            body = b"".join(read_body(response, self.max_bytes, what))
        answer = _answer(body, number, what)
        if "error" in answer:
            raise self._refusal(method, answer["error"])
        return answer["result"]

    def _refusal(self, method: str, error: object) -> SourceError:
        if not isinstance(error, dict) or not isinstance(error.get("code"), int):
            return SourceError(f"{self.name}: {method}: an error without a code")
        message = str(error.get("message", ""))[:300]
        printable = "".join(c if c.isprintable() else "?" for c in message)
        return RpcError(self.name, method, error["code"], printable, _revert_data(error.get("data")))


def _answer(body: bytes, number: int, what: str) -> Mapping[str, Any]:
    try:
        nesting.check(body, what, values=MAX_ANSWER_VALUES)
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, EncodingError) as error:
        raise SourceError(f"{what}: the answer is not JSON: {error}") from error
    if not isinstance(answer, dict):
        raise SourceError(f"{what}: the answer is not a JSON object")
    if answer.get("id") != number or isinstance(answer["id"], bool):
        raise SourceError(f"{what}: the answer is to id {answer.get('id')!r:.40}, not {number}")
    # Some nodes send "error": null beside a result.
    if answer.get("error") is None:
        answer.pop("error", None)
    if ("result" in answer) == ("error" in answer):
        raise SourceError(f"{what}: the answer has to have either a result or an error")
    return answer


def _revert_data(data: object) -> bytes | None:
    """Nodes put it there as a string, or inside an object."""
    if isinstance(data, dict):
        data = data.get("data")
    return bytes.fromhex(data[2:]) if isinstance(data, str) and _DATA.fullmatch(data.lower()) else None


def read_quantity(value: object, what: str, limit: int = 1 << 256) -> int:
    """An integer in the form of the JSON-RPC specification, below `limit`. EncodingError otherwise."""
    if not isinstance(value, str) or _QUANTITY.fullmatch(value.lower()) is None:
        raise EncodingError(f"{what}: {value!r:.80} is not a hexadecimal quantity")
    number = int(value, 16)
    if number >= limit:
        raise EncodingError(f"{what}: {value} is not below {limit:#x}")
    return number


def read_data(value: object, what: str, length: int | None = None) -> bytes:
    """Bytes in the form of the JSON-RPC specification, of `length` if given. EncodingError otherwise."""
    if not isinstance(value, str) or _DATA.fullmatch(value.lower()) is None:
        raise EncodingError(f"{what}: {value!r:.80} is not hexadecimal data")
    data = bytes.fromhex(value[2:])
    if length is not None and len(data) != length:
        raise EncodingError(f"{what}: {len(data)} bytes, not {length}")
    return data


def write_data(data: bytes) -> str:
    """Bytes in the form of the JSON-RPC specification."""
    return f"0x{data.hex()}"
