"""RLP, strictly: the one encoding of a byte string or a list is accepted, and nothing else.

Source: Ethereum Yellow Paper, appendix B. Everything that is hashed passes here, so a second spelling of the
same value would be a second hash for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from zkstate.errors import EncodingError

Item: TypeAlias = "bytes | list[Item]"

# A header is one list deep, a trie node at most 64 branches of embedded children.
MAX_DEPTH = 80
MAX_ITEMS = 1 << 16  # in one encoding: an item of one byte takes eight in memory, and as long as a long one


def decode(data: bytes) -> Item:
    """The item that `data` encodes, all of it. EncodingError for any other bytes."""
    item, end = _item(data, 0, len(data), 0, iter(range(MAX_ITEMS)))
    if end != len(data):
        raise EncodingError(f"RLP: the item ends at byte {end} of {len(data)}")
    return item


def decode_list(data: bytes, what: str) -> list[Item]:
    """As `decode`, and EncodingError if the item is not a list; `what` names it."""
    item = decode(data)
    if isinstance(item, bytes):
        raise EncodingError(f"{what}: RLP string {item.hex()[:64]} where a list is due")
    return item


def encode(item: Item | Sequence[Item]) -> bytes:
    """The encoding of a byte string or of nested lists of them."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(0x80, len(item)) + item
    payload = b"".join(encode(child) for child in item)
    return _prefix(0xC0, len(payload)) + payload


def encode_uint(value: int) -> bytes:
    """The shortest big-endian bytes of an integer, as RLP carries them; zero is the empty string."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def decode_uint(item: Item, limit: int, what: str) -> int:
    """An integer below `limit` from its shortest bytes. EncodingError if a list, padded or too large."""
    if not isinstance(item, bytes):
        raise EncodingError(f"{what}: RLP list where an integer is due")
    if item[:1] == b"\0":
        raise EncodingError(f"{what}: integer {item.hex()[:80]} has a leading zero byte")
    value = int.from_bytes(item, "big")
    if value >= limit:
        raise EncodingError(f"{what}: integer {item.hex()[:80]} is not below {limit:#x}")
    return value


def _prefix(base: int, length: int) -> bytes:
    if length < 56:
        return bytes([base + length])
    size = encode_uint(length)
    return bytes([base + 55 + len(size)]) + size


def _item(data: bytes, start: int, end: int, depth: int, left: Iterator[int]) -> tuple[Item, int]:
    """The item at `start`, which may reach up to `end`, and where it stops. Takes one of what is left for each item."""
    if next(left, None) is None:
        raise EncodingError(f"RLP: more than {MAX_ITEMS} items")
    if start >= end:
        raise EncodingError(f"RLP: no item at byte {start} of {end}")
    if depth > MAX_DEPTH:
        raise EncodingError(f"RLP: lists nested deeper than {MAX_DEPTH}")
    first = data[start]
    if first < 0x80:
        return data[start : start + 1], start + 1
    is_list = first >= 0xC0
    at, stop = _payload(data, start, end, first - (0xC0 if is_list else 0x80))
    if not is_list:
        if stop - at == 1 and data[at] < 0x80:
            raise EncodingError(f"RLP: byte {data[at]:#04x} at {at} has a length prefix and needs none")
        return data[at:stop], stop
    children: list[Item] = []
    while at < stop:
        child, at = _item(data, at, stop, depth + 1, left)
        children.append(child)
    return children, stop


def _payload(data: bytes, start: int, end: int, code: int) -> tuple[int, int]:
    """Where the payload of the item at `start` begins and stops; `code` is its first byte less the base."""
    if code < 56:
        at, length = start + 1, code
    else:
        at = start + 1 + code - 55
        if at > end:
            raise EncodingError(f"RLP: the length of the item at byte {start} passes the end at {end}")
        if data[start + 1] == 0:
            raise EncodingError(f"RLP: the length of the item at byte {start} has a leading zero byte")
        length = int.from_bytes(data[start + 1 : at], "big")
        if length < 56:
            raise EncodingError(f"RLP: length {length} of the item at byte {start} is written in the long form")
    if length > end - at:
        raise EncodingError(f"RLP: the item at byte {start} has {length} bytes and {end - at} are left")
    return at, at + length
