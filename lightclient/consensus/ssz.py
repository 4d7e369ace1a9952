"""SSZ: the few types that a light client reads, decoded strictly, encoded, and hashed to their roots.

One encoding per value: exact lengths, offsets that follow each other without gaps, no bit past the end of a bitvector.
Source: consensus-specs, ssz/simple-serialize.md and ssz/merkle-proofs.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from zkstate.errors import EncodingError, LengthError

CHUNK = 32
_OFFSET = 4


class Type(Protocol):
    """A type of SSZ. `size` is the bytes of every value, or None where they vary."""

    @property
    def size(self) -> int | None:
        """Bytes of every value, None where they vary."""

    @property
    def minimum(self) -> int:
        """Bytes of the shortest value."""

    @property
    def maximum(self) -> int:
        """Bytes of the longest value."""

    def decode(self, data: bytes, what: str) -> Any:  # noqa: ANN401  # each type has its own values
        """The value. EncodingError or LengthError says what of `what` is wrong."""

    def encode(self, value: Any) -> bytes:  # noqa: ANN401
        """The inverse of decode."""

    def root(self, value: Any) -> bytes:  # noqa: ANN401
        """hash_tree_root."""


class _Fixed:
    """A type whose values all have `size` bytes."""

    __slots__ = ()

    @property
    def minimum(self) -> int:
        return self.size  # type: ignore[attr-defined, no-any-return]  # of the class that inherits this

    maximum = minimum


@dataclass(frozen=True, slots=True)
class Uint(_Fixed):
    """An unsigned integer of so many bytes, little-endian."""

    size: int

    def decode(self, data: bytes, what: str) -> int:
        return int.from_bytes(exactly(data, self.size, what), "little")

    def encode(self, value: int) -> bytes:
        return value.to_bytes(self.size, "little")

    def root(self, value: int) -> bytes:
        return self.encode(value).ljust(CHUNK, b"\0")


@dataclass(frozen=True, slots=True)
class Bytes(_Fixed):
    """So many bytes."""

    size: int

    def decode(self, data: bytes, what: str) -> bytes:
        return exactly(data, self.size, what)

    def encode(self, value: bytes) -> bytes:
        return value

    def root(self, value: bytes) -> bytes:
        return merkleize(chunks(value), (self.size + CHUNK - 1) // CHUNK)


@dataclass(frozen=True, slots=True)
class Rows(_Fixed):
    """A vector of `count` items of `width` bytes each, kept as one string of bytes."""

    width: int
    count: int

    @property
    def size(self) -> int:
        return self.width * self.count

    def decode(self, data: bytes, what: str) -> bytes:
        return exactly(data, self.size, what)

    def encode(self, value: bytes) -> bytes:
        return value

    def root(self, value: bytes) -> bytes:
        rows = [value[i : i + self.width] for i in range(0, len(value), self.width)]
        if CHUNK < self.width <= 2 * CHUNK:  # keys of 48 bytes, of which a committee has a thousand hashes
            return merkleize(_hashed(b"".join(row.ljust(2 * CHUNK, b"\0") for row in rows)), self.count)
        return merkleize([Bytes(self.width).root(row) for row in rows], self.count)


@dataclass(frozen=True, slots=True)
class Bits(_Fixed):
    """A bitvector, as a tuple of bool."""

    count: int

    @property
    def size(self) -> int:
        return (self.count + 7) // 8

    def decode(self, data: bytes, what: str) -> tuple[bool, ...]:
        value = int.from_bytes(exactly(data, self.size, what), "little")
        if value >> self.count:
            raise EncodingError(f"{what} sets a bit past the {self.count} it has")
        return tuple(bool(value >> i & 1) for i in range(self.count))

    def encode(self, value: tuple[bool, ...]) -> bytes:
        return sum(bit << i for i, bit in enumerate(value)).to_bytes(self.size, "little")

    def root(self, value: tuple[bool, ...]) -> bytes:
        return merkleize(chunks(self.encode(value)), (self.size + CHUNK - 1) // CHUNK)


@dataclass(frozen=True, slots=True)
class ByteList:
    """At most `limit` bytes."""

    limit: int

    size = None
    minimum = 0

    @property
    def maximum(self) -> int:
        return self.limit

    def decode(self, data: bytes, what: str) -> bytes:
        if len(data) > self.limit:
            raise LengthError(f"{what} has {len(data)} bytes, at most {self.limit}")
        return data

    def encode(self, value: bytes) -> bytes:
        return value

    def root(self, value: bytes) -> bytes:
        body = merkleize(chunks(value), (self.limit + CHUNK - 1) // CHUNK)
        return hash_pair(body, len(value).to_bytes(CHUNK, "little"))


@dataclass(frozen=True, slots=True)
class Container:
    """Named fields in order; a value is an instance of `of`, made from them by keyword."""

    of: type[Any]
    fields: tuple[tuple[str, Type], ...]

    @property
    def size(self) -> int | None:
        sizes = [kind.size for _, kind in self.fields]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def head(self) -> int:
        """Bytes before the first field of varying size."""
        return sum(_OFFSET if kind.size is None else kind.size for _, kind in self.fields)

    @property
    def minimum(self) -> int:
        return self.head + sum(kind.minimum for _, kind in self.fields if kind.size is None)

    @property
    def maximum(self) -> int:
        return self.head + sum(kind.maximum for _, kind in self.fields if kind.size is None)

    def decode(self, data: bytes, what: str) -> Any:  # noqa: ANN401
        if not self.minimum <= len(data) <= self.maximum:
            raise LengthError(f"{what} has {len(data)} bytes, wanted {self.minimum} to {self.maximum}")
        parts, varying, at = {}, [], 0
        for name, kind in self.fields:
            width = _OFFSET if kind.size is None else kind.size
            part, at = data[at : at + width], at + width
            if kind.size is None:
                varying.append((name, int.from_bytes(part, "little")))
            else:
                parts[name] = part
        expected = at
        for i, (name, start) in enumerate(varying):
            stop = varying[i + 1][1] if i + 1 < len(varying) else len(data)
            if start != expected or not start <= stop <= len(data):
                raise EncodingError(
                    f"{what}.{name} begins at {start}, ends at {stop}, wanted {expected} to {len(data)}"
                )
            parts[name], expected = data[start:stop], stop
        return self.of(**{name: kind.decode(parts[name], f"{what}.{name}") for name, kind in self.fields})

    def encode(self, value: Any) -> bytes:  # noqa: ANN401
        head, tail = [], []
        at = self.head
        for name, kind in self.fields:
            part = kind.encode(getattr(value, name))
            if kind.size is None:
                head.append(at.to_bytes(_OFFSET, "little"))
                tail.append(part)
                at += len(part)
            else:
                head.append(part)
        return b"".join([*head, *tail])

    def root(self, value: Any) -> bytes:  # noqa: ANN401
        return merkleize([kind.root(getattr(value, name)) for name, kind in self.fields], len(self.fields))


def exactly(data: bytes, size: int, what: str) -> bytes:
    """LengthError unless there are `size` bytes."""
    if len(data) != size:
        raise LengthError(f"{what} has {len(data)} bytes, wanted {size}")
    return data


def chunks(data: bytes) -> list[bytes]:
    """The data in pieces of 32 bytes, the last padded with zeros."""
    return [data[i : i + CHUNK].ljust(CHUNK, b"\0") for i in range(0, len(data), CHUNK)]


def hash_pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(left + right).digest()


@cache
def _zero(depth: int) -> bytes:
    """The root of a tree of zeros."""
    return bytes(CHUNK) if depth == 0 else hash_pair(_zero(depth - 1), _zero(depth - 1))


def _hashed(pairs: bytes) -> list[bytes]:
    """The hash of each 64 bytes."""
    sha256 = hashlib.sha256
    return [sha256(pairs[i : i + 2 * CHUNK]).digest() for i in range(0, len(pairs), 2 * CHUNK)]


def merkleize(leaves: Sequence[bytes], limit: int) -> bytes:
    """The root of leaves padded with zeros to the power of two that holds `limit`. LengthError if there are more."""
    if len(leaves) > limit:
        raise LengthError(f"{len(leaves)} leaves of a tree of {limit}")
    level = list(leaves)
    for depth in range((limit - 1).bit_length()):
        if len(level) % 2:
            level.append(_zero(depth))
        level = _hashed(b"".join(level))
    return level[0] if level else _zero((limit - 1).bit_length())


def is_branch(leaf: bytes, branch: Sequence[bytes], gindex: int, root: bytes) -> bool:
    """Does `leaf` stand at the generalized index under `root`? A branch longer than that begins with zeros.

    Source: is_valid_normalized_merkle_branch, altair/light-client/sync-protocol.md.
    """
    depth = gindex.bit_length() - 1
    extra = len(branch) - depth
    if extra < 0 or any(any(node) for node in branch[:extra]):
        return False
    node = leaf
    for i, sibling in enumerate(branch[extra:]):
        node = hash_pair(sibling, node) if gindex >> i & 1 else hash_pair(node, sibling)
    return node == root
