"""Blobs from the chain's own nodes: which ones a publication carried by an execution node, the blobs by a beacon node.

Neither is believed: `BlobMirror` holds the list to the registry's word and each blob to its versioned hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from zkstate.commitment.kzg import BLOB_BYTES
from zkstate.errors import EncodingError, MissingError, SourceError
from zkstate.kernels import keccak256
from zkstate.publication.blobs import MAX_BLOBS, blob_hash
from zkstate.publication.mirrors import HttpMirror
from zkstate.registry.chain import WORD_BYTES, address_text
from zkstate.registry.rpc import TIMEOUT_S, JsonRpc, read_data, read_quantity

T = TypeVar("T")

SLOT_S = 12
MAX_ANSWER_BYTES = 64 << 20  # the blobs of a block, in hexadecimal
_EVENT = keccak256(b"EpochBlobs(bytes32,bytes32,bytes32[])")


class _Genesis(msgspec.Struct, frozen=True):
    genesis_time: str


class _GenesisAnswer(msgspec.Struct, frozen=True):
    data: _Genesis


class _BlobsAnswer(msgspec.Struct, frozen=True):
    data: list[str]


@dataclass(slots=True)
class NodeSource:
    """The list of blobs from the registry's events; with a beacon node, the blobs of the block they came in."""

    rpc: JsonRpc
    registry: bytes
    beacon: HttpMirror | None = None
    _blobs: dict[bytes, dict[bytes, bytes]] = field(default_factory=dict, init=False)

    @classmethod
    def at(cls, url: str, registry: bytes, beacon: str | None, timeout_s: float = TIMEOUT_S) -> NodeSource:
        """From the addresses of the nodes."""
        return cls(
            JsonRpc(url, timeout_s), registry, None if beacon is None else HttpMirror(beacon, "application/json")
        )

    @property
    def name(self) -> str:
        return self.rpc.name if self.beacon is None else self.beacon.name

    @property
    def bytes_read(self) -> int:
        return 0 if self.beacon is None else self.beacon.bytes_read

    def list(self, header_hash: bytes, root: bytes, timeout_s: float) -> bytes:  # noqa: ARG002 (BlobSource's shape)
        """Of the event in which the registry said it."""
        data = read_data(self._event(header_hash).get("data"), "event data")
        count = int.from_bytes(data[WORD_BYTES : 2 * WORD_BYTES], "big")
        if not 1 <= count <= MAX_BLOBS or len(data) != (2 + count) * WORD_BYTES:
            raise EncodingError(f"{self.rpc.name}: an event of blobs has {len(data)} bytes and {count} blobs")
        return data[WORD_BYTES:]

    def blob(self, found: bytes, header_hash: bytes, timeout_s: float) -> bytes:
        """Of all blobs in the block of the publication the one that is meant."""
        if self.beacon is None:
            raise MissingError(f"{self.name}: an execution node has no blobs: name a beacon node")
        if header_hash not in self._blobs:
            block = self._event(header_hash).get("blockNumber")
            self._blobs[header_hash] = self._block_blobs(self.beacon, block, timeout_s)
        blobs = self._blobs[header_hash]
        if found not in blobs:
            raise MissingError(f"{self.name}: none of the {len(blobs)} blobs of that block is {found.hex()}")
        return blobs[found]

    def _event(self, header_hash: bytes) -> dict[str, object]:
        """The newest event of a header's blobs."""
        asked = {
            "address": address_text(self.registry),
            "topics": [f"0x{_EVENT.hex()}", f"0x{header_hash.hex()}"],
            "fromBlock": "0x0",
            "toBlock": "latest",
        }
        found = self.rpc.call("eth_getLogs", [asked])
        if not isinstance(found, list) or not all(isinstance(log, dict) for log in found):
            raise SourceError(f"{self.rpc.name}: eth_getLogs: the answer is not a list of events")
        if not found:
            raise MissingError(f"{self.rpc.name}: there is no event of blobs of header {header_hash.hex()}")
        event: dict[str, object] = found[-1]
        return event

    def _block_blobs(self, beacon: HttpMirror, block: object, timeout_s: float) -> dict[bytes, bytes]:
        """Of the slot of a block: by its time, or its number, which is what development nodes go by."""
        number = read_quantity(block, "block of the event")
        head = self.rpc.call("eth_getBlockByNumber", [hex(number), False])
        if not isinstance(head, dict):
            raise MissingError(f"{self.rpc.name}: there is no block {number}")
        began = _decoded(beacon.get("eth/v1/beacon/genesis", max_bytes=1 << 16, timeout_s=timeout_s), _GenesisAnswer)
        passed = read_quantity(head.get("timestamp"), "block timestamp") - _seconds(began.data.genesis_time)
        blobs: dict[bytes, bytes] = {}
        for slot in dict.fromkeys((max(0, passed) // SLOT_S, number)):
            try:
                data = beacon.get(f"eth/v1/beacon/blobs/{slot}", max_bytes=MAX_ANSWER_BYTES, timeout_s=timeout_s)
            except MissingError:
                continue
            blobs |= _by_hash([read_data(text, "blob", BLOB_BYTES) for text in _decoded(data, _BlobsAnswer).data])
        return blobs


def _by_hash(blobs: Sequence[bytes]) -> dict[bytes, bytes]:
    return {blob_hash(blob): blob for blob in blobs}


def _seconds(text: str) -> int:
    if not text.isdecimal() or len(text) > 12:
        raise EncodingError(f"genesis_time {text[:40]!r} is not a time")
    return int(text)


def _decoded(data: bytes, form: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EncodingError(f"a beacon node's answer does not have its form: {error}") from None
