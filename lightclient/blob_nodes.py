"""Blobs from the chain's own nodes: which ones a publication carried by an execution node, the blobs by a beacon node.

Neither is believed: `BlobMirror` holds the list to the registry's word and each blob to its versioned hash.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from zkstate import nesting
from zkstate.commitment.kzg import BLOB_BYTES
from zkstate.errors import EncodingError, InputError, MissingError, SourceError, ZkstateError
from zkstate.kernels import keccak256
from zkstate.publication.blobs import MAX_BLOBS, blob_hash
from zkstate.publication.http import origin, server_url
from zkstate.publication.mirrors import HttpMirror
from zkstate.registry.chain import WORD_BYTES, address_text
from zkstate.registry.rpc import TIMEOUT_S, JsonRpc, read_data, read_quantity

T = TypeVar("T")

MAINNET_SLOT_S = 12
MAX_BLOCK_BLOBS = 64  # three times as many as any fork so far lets a block have
MAX_ANSWER_BYTES = MAX_BLOCK_BLOBS * (2 * BLOB_BYTES + 16) + 4096  # in hexadecimal
_MAX_SMALL_BYTES, _MAX_SMALL_VALUES = 1 << 16, 1 << 12
_EVENT = keccak256(b"EpochBlobs(bytes32,bytes32,bytes32[])")


class _Genesis(msgspec.Struct, frozen=True):
    genesis_time: str


class _GenesisAnswer(msgspec.Struct, frozen=True):
    data: _Genesis


class _Spec(msgspec.Struct, frozen=True):
    SECONDS_PER_SLOT: str


class _SpecAnswer(msgspec.Struct, frozen=True):
    data: _Spec


class _BlobsAnswer(msgspec.Struct, frozen=True):
    data: list[str]


@dataclass(slots=True)
class _Block:
    """The blobs that a beacon node has of one block, hashed one after the other until the right one is found."""

    left: Iterator[str]
    known: dict[bytes, bytes] = field(default_factory=dict)

    def find(self, found: bytes) -> bytes | None:
        """The blob of a versioned hash, None if none is. EncodingError for a malformed one before it."""
        while found not in self.known:
            text = next(self.left, None)
            if text is None:
                return None
            blob = read_data(text, "blob", BLOB_BYTES)
            self.known[blob_hash(blob)] = blob
        return self.known[found]


@dataclass(slots=True)
class NodeSource:
    """The list of blobs from the registry's events; with a beacon node, the blobs of the block they came in."""

    rpc: JsonRpc
    registry: bytes
    beacon: HttpMirror | None = None
    _blocks: dict[bytes, _Block | ZkstateError] = field(default_factory=dict, init=False)

    @classmethod
    def at(cls, url: str, registry: bytes, beacon: str | None, timeout_s: float = TIMEOUT_S) -> NodeSource:
        """From the addresses of the nodes, which may hold API keys: reports name scheme, host and port."""
        rpc = JsonRpc(url, timeout_s)
        if beacon is None:
            return cls(rpc, registry)
        try:
            label = origin(server_url(beacon))
        except InputError as error:
            raise InputError(f"blob node: {error}") from error
        return cls(rpc, registry, HttpMirror(beacon, "application/json", label))

    @property
    def name(self) -> str:
        return self.rpc.name if self.beacon is None else self.beacon.name

    @property
    def bytes_read(self) -> int:
        return 0 if self.beacon is None else self.beacon.bytes_read

    def list(self, header_hash: bytes, root: bytes, timeout_s: float) -> bytes:  # noqa: ARG002 (BlobSource's shape)
        """Of the event in which the registry said it."""
        event = self._event(header_hash, time.monotonic() + timeout_s)
        data = read_data(event.get("data"), "event data")
        count = int.from_bytes(data[WORD_BYTES : 2 * WORD_BYTES], "big")
        if not 1 <= count <= MAX_BLOBS or len(data) != (2 + count) * WORD_BYTES:
            raise EncodingError(f"{self.rpc.name}: an event of blobs has {len(data)} bytes and {count} blobs")
        return data[WORD_BYTES:]

    def blob(self, found: bytes, header_hash: bytes, timeout_s: float) -> bytes:
        """Of all blobs in the block of the publication the one that is meant, within the time for all requests.

        A node that failed to show the block is not asked for it again.
        """
        if self.beacon is None:
            raise MissingError(f"{self.name}: an execution node has no blobs: name a beacon node")
        if header_hash not in self._blocks:
            try:
                self._blocks[header_hash] = self._block(self.beacon, header_hash, time.monotonic() + timeout_s)
            except ZkstateError as error:
                self._blocks[header_hash] = error
        block = self._blocks[header_hash]
        if isinstance(block, ZkstateError):
            raise block
        blob = block.find(found)
        if blob is None:
            raise MissingError(f"{self.name}: none of the {len(block.known)} blobs of that block is {found.hex()}")
        return blob

    def _event(self, header_hash: bytes, deadline: float) -> dict[str, object]:
        """The newest event of a header's blobs."""
        asked = {
            "address": address_text(self.registry),
            "topics": [f"0x{_EVENT.hex()}", f"0x{header_hash.hex()}"],
            "fromBlock": "0x0",
            "toBlock": "latest",
        }
        found = self.rpc.call("eth_getLogs", [asked], deadline)
        if not isinstance(found, list) or not all(isinstance(log, dict) for log in found):
            raise SourceError(f"{self.rpc.name}: eth_getLogs: the answer is not a list of events")
        if not found:
            raise MissingError(f"{self.rpc.name}: there is no event of blobs of header {header_hash.hex()}")
        event: dict[str, object] = found[-1]
        return event

    def _block(self, beacon: HttpMirror, header_hash: bytes, deadline: float) -> _Block:
        """Of the slot of a block: by its time, or its number, which is what development nodes go by."""

        def get(route: str, form: type[T], max_bytes: int = _MAX_SMALL_BYTES, values: int = _MAX_SMALL_VALUES) -> T:
            path = f"eth/v1/{route}"
            data = beacon.get(path, max_bytes=max_bytes, timeout_s=max(0.001, deadline - time.monotonic()))
            return _decoded(data, form, f"{beacon.name}: {path}", values)

        number = read_quantity(self._event(header_hash, deadline).get("blockNumber"), "block of the event")
        head = self.rpc.call("eth_getBlockByNumber", [hex(number), False], deadline)
        if not isinstance(head, dict):
            raise MissingError(f"{self.rpc.name}: there is no block {number}")
        began = _whole(get("beacon/genesis", _GenesisAnswer).data.genesis_time, "genesis_time")
        try:
            slot_s = _whole(get("config/spec", _SpecAnswer).data.SECONDS_PER_SLOT, "SECONDS_PER_SLOT")
        except SourceError:
            slot_s = MAINNET_SLOT_S
        passed = max(0, read_quantity(head.get("timestamp"), "block timestamp") - began)
        texts: list[str] = []
        for slot in dict.fromkeys((passed // max(1, slot_s), number)):
            try:
                found = get(f"beacon/blobs/{slot}", _BlobsAnswer, MAX_ANSWER_BYTES, MAX_BLOCK_BLOBS + 16).data
            except MissingError:
                continue
            if len(found) > MAX_BLOCK_BLOBS:
                raise EncodingError(
                    f"{beacon.name}: {len(found)} blobs in slot {slot}, at most {MAX_BLOCK_BLOBS} are read"
                )
            texts += found
        return _Block(iter(texts))


def _whole(text: str, what: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise EncodingError(f"{what} {text[:40]!r} is not a whole number")
    return int(text)


def _decoded(data: bytes, form: type[T], what: str, values: int) -> T:
    nesting.check(data, what, values=values)
    try:
        return msgspec.json.decode(data, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EncodingError(f"{what}: the answer does not have its form: {error}") from None
