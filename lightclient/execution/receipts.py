"""Receipts and logs: one proved under a block's receipts root, or all of them, which alone shows that none is missing.

Source: Yellow Paper section 4.3.1, EIP-658 (status), EIP-2718 (typed receipts: EIP-2930, 1559, 4844, 7702).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zkstate.errors import DisagreementError, EncodingError
from zkstate.kernels import keccak256
from zkstate.registry.rpc import read_data, read_quantity

from . import mpt, rlp
from .trie import index_key, ordered_root

MAX_RECEIPTS = 1 << 16
MAX_TOPICS = 4
_TYPES = (0, 1, 2, 3, 4)
_BLOOM_BYTES = 256


@dataclass(frozen=True, slots=True)
class Log:
    """What a contract at `address` (20 bytes) emitted: at most 4 topics of 32 bytes, and data."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes

    def __post_init__(self) -> None:
        if len(self.address) != 20 or len(self.topics) > MAX_TOPICS or any(len(topic) != 32 for topic in self.topics):
            sizes = [len(topic) for topic in self.topics]
            raise EncodingError(f"log of an address of {len(self.address)} bytes with topics of {sizes} bytes")


@dataclass(frozen=True, slots=True)
class BlockLog:
    """A log with its place: position of its transaction in the block, its own among all logs of the block."""

    transaction: int
    index: int
    log: Log


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction's receipt. `outcome` is empty for a failure, byte 1 for success, a state root before EIP-658."""

    type: int
    outcome: bytes
    cumulative_gas: int
    logs: tuple[Log, ...]

    def __post_init__(self) -> None:
        if self.type not in _TYPES:
            raise EncodingError(f"receipt of type {self.type}, and the known ones are {_TYPES}")
        if self.outcome not in (b"", b"\1") and len(self.outcome) != 32:
            raise EncodingError(f"receipt status {self.outcome.hex()[:80]} is neither 0, 1 nor a state root")

    @property
    def bloom(self) -> bytes:
        """The Bloom filter of the logs' addresses and topics (Yellow Paper, 4.3.1)."""
        bits = 0
        for log in self.logs:
            for word in (log.address, *log.topics):
                digest = keccak256(word)
                for i in (0, 2, 4):
                    bits |= 1 << (int.from_bytes(digest[i : i + 2], "big") & 2047)
        return bits.to_bytes(_BLOOM_BYTES, "big")

    def encode(self) -> bytes:
        """The bytes that the receipts trie holds."""
        logs: list[rlp.Item] = [[log.address, list(log.topics), log.data] for log in self.logs]
        body = rlp.encode([self.outcome, rlp.encode_uint(self.cumulative_gas), self.bloom, logs])
        return (bytes([self.type]) if self.type else b"") + body

    @classmethod
    def decode(cls, data: bytes) -> Receipt:
        """The inverse. EncodingError for any other bytes, a Bloom filter of other logs among them."""
        kind = data[0] if data and data[0] < 0x80 else 0
        if kind == 0 and data[:1] == b"\0":
            raise EncodingError("receipt: a type of 0 is not written")
        fields = rlp.decode_list(data[1:] if kind else data, "receipt")
        if len(fields) != 4:
            raise EncodingError(f"receipt: {len(fields)} fields, not 4")
        outcome, gas, bloom, logs = fields
        if not isinstance(outcome, bytes) or not isinstance(logs, list):
            raise EncodingError("receipt: a list where a status is due, or bytes where logs are")
        receipt = cls(
            kind,
            outcome,
            rlp.decode_uint(gas, 1 << 64, "receipt gas"),
            tuple(_log(i, log) for i, log in enumerate(logs)),
        )
        if bloom != receipt.bloom:
            raise EncodingError("receipt: its Bloom filter is not that of its logs")
        return receipt

    @classmethod
    def from_json(cls, value: object, what: str) -> Receipt:
        """As nodes state it (eth_getBlockReceipts, eth_getTransactionReceipt). EncodingError names the field."""
        if not isinstance(value, Mapping):
            raise EncodingError(f"{what} is not an object")
        kind = 0 if value.get("type") is None else read_quantity(value["type"], f"{what}: type", 1 << 7)
        if value.get("status") is not None:
            outcome = rlp.encode_uint(read_quantity(value["status"], f"{what}: status", 2))
        else:
            outcome = read_data(value.get("root"), f"{what}: root", 32)
        gas = read_quantity(value.get("cumulativeGasUsed"), f"{what}: cumulativeGasUsed", 1 << 64)
        logs = value.get("logs")
        if not isinstance(logs, list):
            raise EncodingError(f"{what}: logs is not a list")
        return cls(kind, outcome, gas, tuple(_stated_log(log, f"{what}: log {i}") for i, log in enumerate(logs)))


def verify_receipt_proof(receipts_root: bytes, index: int, proof: Sequence[bytes]) -> Receipt | None:
    """The receipt of the transaction at a position, or None if the proof shows that the block has no such position.

    Errors: EncodingError for a node or receipt that is not canonical; DisagreementError for a proof that does not lead
    from the root to the answer.
    """
    value = mpt.prove(receipts_root, index_key(index), proof)
    return None if value is None else Receipt.decode(value)


def verify_receipts(receipts_root: bytes, answer: object) -> tuple[Receipt, ...]:
    """All receipts of a block, in order, as nodes state them: right if their trie has the root, and refused otherwise.

    Errors: EncodingError for a malformed answer; DisagreementError for one that lacks, adds or changes anything.
    """
    if not isinstance(answer, list):
        raise EncodingError("receipts: the answer is not a list")
    if len(answer) > MAX_RECEIPTS:
        raise EncodingError(f"receipts: {len(answer)} in one block, at most {MAX_RECEIPTS}")
    receipts = tuple(Receipt.from_json(one, f"receipt {i}") for i, one in enumerate(answer))
    root = ordered_root([receipt.encode() for receipt in receipts])
    if root != receipts_root:
        raise DisagreementError(f"{len(receipts)} receipts have root {root.hex()}; the block has {receipts_root.hex()}")
    return receipts


def logs_of(receipts: Sequence[Receipt]) -> tuple[BlockLog, ...]:
    """Every log of a block, complete if the receipts are."""
    found: list[BlockLog] = []
    for transaction, receipt in enumerate(receipts):
        found += [BlockLog(transaction, len(found) + i, log) for i, log in enumerate(receipt.logs)]
    return tuple(found)


def _log(index: int, item: rlp.Item) -> Log:
    match item:
        case [bytes() as address, list() as topics, bytes() as data]:
            return Log(address, tuple(_bytes(topic, index) for topic in topics), data)
    raise EncodingError(f"receipt: log {index} is not an address, a list of topics, and data")


def _bytes(item: rlp.Item, index: int) -> bytes:
    if not isinstance(item, bytes):
        raise EncodingError(f"receipt: a topic of log {index} is a list")
    return item


def _stated_log(value: object, what: str) -> Log:
    if not isinstance(value, Mapping):
        raise EncodingError(f"{what} is not an object")
    topics = value.get("topics")
    if not isinstance(topics, list):
        raise EncodingError(f"{what}: topics is not a list")
    return Log(
        read_data(value.get("address"), f"{what}: address", 20),
        tuple(read_data(topic, f"{what}: topic {i}", 32) for i, topic in enumerate(topics)),
        read_data(value.get("data"), f"{what}: data"),
    )
