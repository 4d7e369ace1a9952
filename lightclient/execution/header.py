"""Execution block headers: the RLP whose Keccak-256 is the block hash, also rebuilt from what a node states.

Source: Yellow Paper section 4.4 and the EIPs that append fields: 1559 (base fee), 4895 (withdrawals), 4844 (blob
gas), 4788 (beacon root), 7685 (requests). Where a later fork appends more, the hash disagrees and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from zkstate.errors import DisagreementError, EncodingError
from zkstate.kernels import keccak256
from zkstate.registry.rpc import read_data, read_quantity

from . import rlp

HASH_BYTES = 32
MAX_EXTRA_DATA = 1 << 10  # 32 bytes on Ethereum; chains with an authority keep its signature there


class _Bytes(NamedTuple):
    """A field of so many bytes, or of any number up to MAX_EXTRA_DATA if `length` is None."""

    name: str
    length: int | None


class _Integer(NamedTuple):
    """A field that holds an integer of so many bits at most."""

    name: str
    bits: int


_FIELDS: tuple[_Bytes | _Integer, ...] = (
    _Bytes("parentHash", 32),
    _Bytes("sha3Uncles", 32),
    _Bytes("miner", 20),
    _Bytes("stateRoot", 32),
    _Bytes("transactionsRoot", 32),
    _Bytes("receiptsRoot", 32),
    _Bytes("logsBloom", 256),
    _Integer("difficulty", 256),
    _Integer("number", 64),
    _Integer("gasLimit", 64),
    _Integer("gasUsed", 64),
    _Integer("timestamp", 64),
    _Bytes("extraData", None),
    _Bytes("mixHash", 32),
    _Bytes("nonce", 8),
    _Integer("baseFeePerGas", 256),
    _Bytes("withdrawalsRoot", 32),
    _Integer("blobGasUsed", 64),
    _Integer("excessBlobGas", 64),
    _Bytes("parentBeaconBlockRoot", 32),
    _Bytes("requestsHash", 32),
)
_FORKS = {15: "Frontier", 16: "London", 17: "Shanghai", 20: "Cancun", 21: "Prague"}


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What is used of a header whose RLP has Keccak-256 `hash`. `timestamp` in seconds since 1970."""

    hash: bytes
    parent_hash: bytes
    state_root: bytes
    receipts_root: bytes
    number: int
    timestamp: int

    @classmethod
    def decode(cls, data: bytes) -> BlockHeader:
        """Read the RLP of a header. EncodingError for anything but the canonical form of a known fork."""
        items = rlp.decode_list(data, "block header")
        if len(items) not in _FORKS:
            raise EncodingError(
                f"block header: {len(items)} fields; the known forks have {', '.join(map(str, _FORKS))}"
            )
        texts: dict[str, bytes] = {}
        numbers: dict[str, int] = {}
        for field, item in zip(_FIELDS, items, strict=False):
            what = f"block header field {field.name}"
            if isinstance(field, _Integer):
                numbers[field.name] = rlp.decode_uint(item, 1 << field.bits, what)
            else:
                texts[field.name] = _checked(item, field.length, what)
        return cls(
            keccak256(data),
            texts["parentHash"],
            texts["stateRoot"],
            texts["receiptsRoot"],
            numbers["number"],
            numbers["timestamp"],
        )

    @classmethod
    def from_json(cls, block: object) -> BlockHeader:
        """The header in an answer to eth_getBlockByHash or eth_getBlockByNumber.

        Errors: EncodingError for a missing or malformed field; DisagreementError if the hash that the answer
        states is not that of its fields.
        """
        return cls.decode(encode_block(block))


def encode_block(block: object) -> bytes:
    """The RLP of the header in such an answer. Errors: as `BlockHeader.from_json`."""
    if not isinstance(block, Mapping):
        raise EncodingError("block: the answer is not an object")
    data = rlp.encode([_stated(block, field) for field in _present(block)])
    header = BlockHeader.decode(data)
    stated = read_data(block.get("hash"), "block field hash", HASH_BYTES)
    if header.hash != stated:
        raise DisagreementError(
            f"block {header.number}: it states hash 0x{stated.hex()}, and its fields have 0x{header.hash.hex()}"
        )
    return data


def verify_walk(block_hash: bytes, headers: Sequence[bytes]) -> tuple[BlockHeader, ...]:
    """The headers, as RLP, from the block with this hash back through its ancestors, each named by the one before.

    Errors: EncodingError for a header that is not canonical; DisagreementError naming the first that is not the one
    due, or whose number is not one less.
    """
    found: list[BlockHeader] = []
    for i, data in enumerate(headers):
        header = BlockHeader.decode(data)
        due = found[-1].parent_hash if found else block_hash
        if header.hash != due:
            raise DisagreementError(f"header {i} of the walk has hash 0x{header.hash.hex()}, and 0x{due.hex()} is due")
        if found and header.number != found[-1].number - 1:
            raise DisagreementError(
                f"header {i} of the walk has number {header.number}, and its child has {found[-1].number}"
            )
        found.append(header)
    return tuple(found)


def _present(block: Mapping[str, object]) -> tuple[_Bytes | _Integer, ...]:
    """The fields of the newest fork of which the block has one; that all of them are there shows later."""
    count = max((i + 1 for i, field in enumerate(_FIELDS) if block.get(field.name) is not None), default=0)
    return _FIELDS[: min(n for n in _FORKS if n >= count)]


def _stated(block: Mapping[str, object], field: _Bytes | _Integer) -> bytes:
    what = f"block field {field.name}"
    if isinstance(field, _Integer):
        return rlp.encode_uint(read_quantity(block.get(field.name), what, 1 << field.bits))
    return read_data(block.get(field.name), what, field.length)


def _checked(item: rlp.Item, length: int | None, what: str) -> bytes:
    if not isinstance(item, bytes):
        raise EncodingError(f"{what}: a list where bytes are due")
    if (len(item) > MAX_EXTRA_DATA) if length is None else (len(item) != length):
        raise EncodingError(f"{what}: {len(item)} bytes, not {length or f'at most {MAX_EXTRA_DATA}'}")
    return item
