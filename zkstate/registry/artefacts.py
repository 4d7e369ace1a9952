"""The compiled contracts: ABI, bytecode and layout as `build` wrote them, and calls after their ABI."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import msgspec

from zkstate.errors import EncodingError, EnvironmentFailure
from zkstate.kernels import keccak256
from zkstate.registry.chain import Log


class _Slot(msgspec.Struct, frozen=True):
    slot: int
    type: str


class _Immutable(msgspec.Struct, frozen=True):
    offset: int
    type: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    contract: str
    compiler: str
    source_sha256: str
    abi: tuple[dict[str, Any], ...]
    selectors: dict[str, str]
    storage: dict[str, _Slot]
    immutables: dict[str, _Immutable]
    bytecode: str
    runtime: str


@dataclass(frozen=True, slots=True)
class Artefact:
    """One compiled contract. `bytecode` creates it; deployed, it is `runtime` followed by its immutables."""

    name: str
    compiler: str
    source_sha256: str
    bytecode: bytes
    runtime: bytes
    storage: Mapping[str, int]
    immutables: Mapping[str, int]
    _entries: tuple[Mapping[str, Any], ...]

    def creation(self, *arguments: object) -> bytes:
        """The code that creates the contract with these constructor arguments."""
        entry = self._entry("constructor", "")
        return self.bytecode + _encode(_types(entry["inputs"]), arguments, f"{self.name} constructor")

    def call_data(self, function: str, *arguments: object) -> bytes:
        """A call of the overload of `function` that takes this many arguments."""
        inputs = _types(self._entry("function", function, len(arguments))["inputs"])
        selector = keccak256(f"{function}({','.join(inputs)})".encode())[:4]
        return selector + _encode(inputs, arguments, f"{self.name}.{function}")

    def results(self, function: str, data: bytes) -> tuple[Any, ...]:
        """The values that a call of `function` returned."""
        return _decode(_types(self._entry("function", function)["outputs"]), data, f"{self.name}.{function}")

    def topic(self, event: str) -> bytes:
        """The first topic of an event."""
        inputs = _types(self._entry("event", event)["inputs"])
        return keccak256(f"{event}({','.join(inputs)})".encode())

    def event(self, event: str, log: Log) -> dict[str, Any]:
        """The fields of an event by name. EncodingError if the log is not that event."""
        what = f"{self.name} event {event}"
        fields = self._entry("event", event)["inputs"]
        indexed = [field for field in fields if field["indexed"]]
        if log.topics[:1] != (self.topic(event),) or len(log.topics) != 1 + len(indexed):
            raise EncodingError(f"{what}: the log is another event")
        plain = [field for field in fields if not field["indexed"]]
        values = dict(zip((field["name"] for field in plain), _decode(_types(plain), log.data, what), strict=True))
        for field, word in zip(indexed, log.topics[1:], strict=True):
            values[field["name"]] = _decode([field["type"]], word, what)[0]
        return values

    def _entry(self, kind: str, name: str, arity: int | None = None) -> Mapping[str, Any]:
        for entry in self._entries:
            if (entry["type"], entry.get("name", "")) != (kind, name):
                continue
            if arity is None or len(entry["inputs"]) == arity:
                return entry
        raise EncodingError(f"{self.name} has no {kind} {name} with {arity} arguments")


@functools.cache
def artefact(name: str) -> Artefact:
    """The checked-in artefact of a contract."""
    content = files("zkstate.registry").joinpath(f"{name}.json").read_bytes()
    file = msgspec.json.decode(content, type=_File)
    return Artefact(
        file.contract,
        file.compiler,
        file.source_sha256,
        bytes.fromhex(file.bytecode.removeprefix("0x")),
        bytes.fromhex(file.runtime.removeprefix("0x")),
        {variable: entry.slot for variable, entry in file.storage.items()},
        {variable: entry.offset for variable, entry in file.immutables.items()},
        file.abi,
    )


def _types(fields: Sequence[Mapping[str, Any]]) -> list[str]:
    return [field["type"] for field in fields]


def _encode(types: Sequence[str], values: Sequence[object], what: str) -> bytes:
    try:
        from eth_abi.abi import encode  # noqa: PLC0415 (optional dependency)
        from eth_abi.exceptions import EncodingError as AbiError  # noqa: PLC0415 (optional dependency)
    except ImportError as error:
        raise _missing() from error
    try:
        return bytes(encode(types, values))
    except (AbiError, ValueError, TypeError) as error:
        raise EncodingError(f"{what}: {error}") from error


def _decode(types: Sequence[str], data: bytes, what: str) -> tuple[Any, ...]:
    try:
        from eth_abi.abi import decode  # noqa: PLC0415 (optional dependency)
        from eth_abi.exceptions import DecodingError as AbiError  # noqa: PLC0415 (optional dependency)
    except ImportError as error:
        raise _missing() from error
    try:
        return tuple(decode(types, data))
    except (AbiError, OverflowError, UnicodeDecodeError) as error:
        raise EncodingError(f"{what}: the answer does not have its form: {error}") from error


def _missing() -> EnvironmentFailure:
    return EnvironmentFailure("calls of contracts need the chain extra: pip install 'zkstate[chain]'")
