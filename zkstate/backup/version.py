"""One version of a backup: what it refers to in the clear, and the names of its files under the store's key.

Objects are named by SHA-256 of their bytes, so everything but the index can be checked without any key. The index is
bound to all of the file around it: whoever has the key notices a version that was put together by somebody else.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidTag

from zkstate import nesting
from zkstate.backup.store_keys import TAG_BYTES, StoreKey
from zkstate.errors import DisagreementError, EncodingError
from zkstate.publication.layout import checked_path

MAX_VERSION_BYTES = 32 << 20
MAX_NUMBER = 99_999_999
CHUNK = 1 << 16
SEALED_CHUNK = CHUNK + TAG_BYTES
INDEX_STEP = 1 << 12
MAX_FILE = 1 << 30
_KIND: Literal["zkstate backup"] = "zkstate backup"
_LENGTH = struct.Struct(">I")

Hash = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Hex = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{2})+\Z")]


class Epoch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published epoch: its header.bin and manifest.json as objects. The manifest names all others."""

    header: Hash
    manifest: Hash


class StoredFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A private file: plain name, size in bytes, and the objects of its pieces in order."""

    name: str
    size: int
    chunks: tuple[Hash, ...]


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the store's key alone shows: the private files, and which versions its writer left, as (first, last)."""

    files: tuple[StoredFile, ...]
    kept: tuple[tuple[int, int], ...]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["zkstate backup"]
    version: Literal[1]
    number: int
    time: int
    previous: Hash
    epochs: tuple[Epoch, ...]
    sealed: tuple[Hash, ...]
    chunks: tuple[Hash, ...]
    index: _Hex


@dataclass(frozen=True, slots=True)
class Version:
    """A decoded version. `sealed` are sealed files, `chunks` pieces of private files; each strictly rises."""

    number: int
    time: int
    previous: str
    epochs: tuple[Epoch, ...]
    sealed: tuple[str, ...]
    chunks: tuple[str, ...]
    index: bytes

    @classmethod
    def make(
        cls,
        key: StoreKey,
        number: int,
        time: int,
        previous: str,
        *,
        epochs: tuple[Epoch, ...],
        sealed: tuple[str, ...],
        files: tuple[StoredFile, ...],
        kept: Iterable[int],
    ) -> Version:
        """A new version of these files, its index encrypted and padded to whole kilobytes.

        `kept` are the numbers of the versions that stay, this one among them.
        """
        chunks = tuple(sorted({name for file in files for name in file.chunks}))
        bare = cls(number, time, previous, epochs, tuple(sorted(set(sealed))), chunks, b"")
        body = msgspec.json.encode(Index(tuple(sorted(files, key=lambda file: file.name)), _ranges(kept)))
        padded = _LENGTH.pack(len(body)) + body
        padded += bytes(-len(padded) % INDEX_STEP)
        index = key.index().encrypt(padded, [bare.encode()])
        return cls(number, time, previous, epochs, bare.sealed, chunks, index)

    def encode(self) -> bytes:
        """The canonical bytes."""
        return msgspec.json.encode(
            _Document(
                _KIND, 1, self.number, self.time, self.previous, self.epochs, self.sealed, self.chunks, self.index.hex()
            )
        )

    @classmethod
    def decode(cls, data: bytes, what: str = "a backup version") -> Version:
        """Read a version. EncodingError for anything but the canonical bytes of one."""
        if len(data) > MAX_VERSION_BYTES:
            raise EncodingError(f"{what} has {len(data)} bytes; the limit is {MAX_VERSION_BYTES}")
        nesting.check(data, what)
        try:
            form = msgspec.json.decode(data, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EncodingError(f"{what} is not a version of a backup: {error}") from error
        if not (1 <= form.number <= MAX_NUMBER and 0 <= form.time < 1 << 64):
            raise EncodingError(f"{what}: number {form.number} or time {form.time} is out of range")
        for name, items in (("sealed", form.sealed), ("chunks", form.chunks)):
            if any(a >= b for a, b in pairwise(items)):
                raise EncodingError(f"{what}: {name} do not rise strictly")
        version = cls(
            form.number, form.time, form.previous, form.epochs, form.sealed, form.chunks, bytes.fromhex(form.index)
        )
        if version.encode() != data:
            raise EncodingError(f"{what} is not in its canonical form")
        return version

    def files(self, key: StoreKey, what: str = "a backup version") -> tuple[StoredFile, ...]:
        """The private files, by the store's key. Errors as `opened`."""
        return self.opened(key, what).files

    def opened(self, key: StoreKey, what: str = "a backup version") -> Index:
        """What the store's key shows.

        DisagreementError if the version is not one that a holder of this key wrote; EncodingError if its index is not
        in order.
        """
        bare = Version(self.number, self.time, self.previous, self.epochs, self.sealed, self.chunks, b"")
        try:
            padded = key.index().decrypt(self.index, [bare.encode()])
        except (InvalidTag, ValueError):
            raise DisagreementError(f"{what} was changed after it was written, or is of another store") from None
        (length,) = _LENGTH.unpack_from(padded) if len(padded) >= _LENGTH.size else (1 << 32,)
        body = padded[_LENGTH.size : _LENGTH.size + length]
        try:
            index = msgspec.json.decode(body, type=Index)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EncodingError(f"{what}: its index cannot be read: {error}") from None
        listed, files = set(self.chunks), index.files
        for file in files:
            if "/" in checked_path(file.name) or not 0 <= file.size <= MAX_FILE:
                raise EncodingError(f"{what}: {file.name} is no plain name, or {file.size} bytes are too many")
            if len(file.chunks) != -(-file.size // CHUNK) or not listed.issuperset(file.chunks):
                raise EncodingError(f"{what}: the pieces of {file.name} are not {-(-file.size // CHUNK)} listed ones")
        if len({file.name for file in files}) != len(files):
            raise EncodingError(f"{what}: a file is listed twice")
        bounds = [0, *(bound for first, last in index.kept for bound in (first, last + 1))]
        if bounds != sorted(set(bounds)) or bounds[-1] != self.number + 1:
            raise EncodingError(f"{what}: the versions it keeps are not in order")
        return index


def gone(kept: Iterable[tuple[int, int]], numbers: Iterable[int]) -> list[str]:
    """What is missing of the versions that one of them says were left, in words."""
    there = set(numbers)
    return [
        f"version {number} is gone, and no rule of rotation removed it"
        for first, last in kept
        for number in range(first, last + 1)
        if number not in there
    ]


def _ranges(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Numbers as rising ranges (first, last) with a gap between any two."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return tuple(ranges)
