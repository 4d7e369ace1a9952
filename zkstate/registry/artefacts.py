"""The compiled contracts: ABI, bytecode and layout as `build` wrote them, and calls after their ABI, by web3."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import msgspec

from zkstate.errors import EncodingError, EnvironmentFailure
from zkstate.registry.chain import WORD_BYTES, Log

if TYPE_CHECKING:
    from web3.contract import Contract
    from web3.types import LogReceipt

# What web3 copies from a log beside what it decodes.
_PLACE = ("address", "blockHash", "blockNumber", "logIndex", "transactionHash", "transactionIndex")


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
    abi: tuple[Mapping[str, Any], ...]

    def creation(self, *arguments: object) -> bytes:
        """The code that creates the contract with these constructor arguments."""
        contract = _contract(self.name)
        with _encoding(f"{self.name} constructor", arguments):
            return _unhex(contract.constructor(*arguments).data_in_transaction)

    def is_code(self, code: bytes, immutables: Mapping[str, bytes | None]) -> bool:
        """Whether this is the code of a deployed contract with these immutables; None stands for any one word."""
        assert set(immutables) == set(self.immutables)
        values = [(self.immutables[name], value) for name, value in immutables.items()]
        end = max(at + (WORD_BYTES if value is None else len(value)) for at, value in values)
        behind = code[len(self.runtime) :]
        return (
            code.startswith(self.runtime)
            and len(behind) == end
            and all(value is None or behind[at : at + len(value)] == value for at, value in values)
        )

    def call_data(self, function: str, *arguments: object) -> bytes:
        """A call of the overload of `function` that takes these arguments."""
        contract = _contract(self.name)
        with _encoding(f"{self.name}.{function}", arguments):
            return _unhex(contract.encode_abi(function, arguments))

    def results(self, function: str, data: bytes) -> tuple[Any, ...]:
        """The values that a call of `function` returned."""
        contract = _contract(self.name)
        with _decoding(f"{self.name}.{function}"):
            outputs = contract.get_function_by_name(function).abi["outputs"]
            return tuple(contract.w3.codec.decode([output["type"] for output in outputs], data))

    def width(self, function: str) -> int:
        """How many words a getter of plain values or of a struct of them returns."""
        (output,) = _contract(self.name).get_function_by_name(function).abi["outputs"]
        return len(output.get("components", (output,)))

    def topic(self, event: str) -> bytes:
        """The first topic of an event."""
        return _unhex(_contract(self.name).events[event]().topic)

    def event(self, event: str, log: Log) -> Mapping[str, Any]:
        """The fields of an event by name. EncodingError if the log is not that event."""
        entry = dict.fromkeys(_PLACE) | {"topics": log.topics, "data": log.data}
        contract = _contract(self.name)
        with _decoding(f"{self.name} event {event}"):
            fields: Mapping[str, Any] = contract.events[event]().process_log(cast("LogReceipt", entry))["args"]
            return fields


@functools.cache
def artefact(name: str) -> Artefact:
    """The checked-in artefact of a contract."""
    content = files("zkstate.registry").joinpath(f"{name}.json").read_bytes()
    file = msgspec.json.decode(content, type=_File)
    return Artefact(
        file.contract,
        file.compiler,
        file.source_sha256,
        _unhex(file.bytecode),
        _unhex(file.runtime),
        {variable: entry.slot for variable, entry in file.storage.items()},
        {variable: entry.offset for variable, entry in file.immutables.items()},
        file.abi,
    )


@functools.cache
def _contract(name: str) -> type[Contract]:
    """The contract as web3 knows it, with no node behind it."""
    try:
        from web3 import BaseProvider, Web3  # noqa: PLC0415 (optional dependency)
    except ImportError as error:
        raise EnvironmentFailure("calls of contracts need the chain extra: pip install 'zkstate[chain]'") from error
    contract = artefact(name)
    return Web3(BaseProvider()).eth.contract(abi=contract.abi, bytecode=contract.bytecode)


@contextmanager
def _encoding(what: str, arguments: Sequence[object]) -> Iterator[None]:
    from web3.exceptions import Web3Exception  # noqa: PLC0415 (optional dependency)

    try:
        yield
    except (Web3Exception, TypeError, ValueError) as error:
        kinds = ", ".join(type(argument).__name__ for argument in arguments)
        raise EncodingError(f"{what}: nothing takes the arguments ({kinds}), or not with these values") from error


@contextmanager
def _decoding(what: str) -> Iterator[None]:
    from eth_abi.exceptions import DecodingError  # noqa: PLC0415 (optional dependency)
    from web3.exceptions import Web3Exception  # noqa: PLC0415 (optional dependency)

    try:
        yield
    except (Web3Exception, DecodingError, OverflowError, UnicodeDecodeError) as error:
        raise EncodingError(f"{what}: the answer does not have its form: {error}") from error


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
