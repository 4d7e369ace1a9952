"""The frame that .r1cs, .wtns, .zkey and .ptau files share: magic, version, then numbered sections in any order.

    magic[4]  version u32  count u32   then count x { id u32, length u64, payload[length] }      little-endian

The section table is read first and every length is checked against the file before anything is copied, so a hostile
file costs no more memory than its own size. Sections with an id the caller does not ask for are ignored.
"""

from __future__ import annotations

import mmap
import os
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zkstate.errors import EncodingError, EnvironmentFailure, InputError, LengthError

Buffer = bytes | memoryview
MAX_SECTIONS = 256
_FRAME = struct.Struct("<4sII")
_SECTION = struct.Struct("<IQ")


@dataclass(frozen=True, slots=True)
class Container:
    """The sections of one file, in file order; `name` is what error messages call the file."""

    name: str
    sections: tuple[tuple[int, memoryview], ...]

    @classmethod
    def decode(cls, content: Buffer, magic: bytes, version: int, name: str) -> Container:
        """Split `content` into sections without copying.

        Errors: LengthError for truncation or trailing bytes, EncodingError for a wrong magic, version or section count.
        """
        view = memoryview(content).toreadonly()
        if len(view) < _FRAME.size:
            raise LengthError(f"{name}: {len(view)} bytes, and the file frame alone takes {_FRAME.size}")
        found_magic, found_version, count = _FRAME.unpack_from(view)
        if found_magic != magic:
            # What it starts with is not shown: `--key` of another verb names a secret.
            raise EncodingError(f"{name}: it does not start with {magic!r}")
        if found_version != version:
            raise EncodingError(f"{name}: version is {found_version}, expected {version}")
        if count > MAX_SECTIONS:
            raise EncodingError(f"{name}: {count} sections declared, at most {MAX_SECTIONS} are read")
        sections, at = [], _FRAME.size
        for index in range(count):
            if len(view) - at < _SECTION.size:
                raise LengthError(f"{name}: file ends inside the header of section number {index} of {count}")
            number, length = _SECTION.unpack_from(view, at)
            at += _SECTION.size
            if length > len(view) - at:
                raise LengthError(f"{name}: section {number} declares {length} bytes, {len(view) - at} are left")
            sections.append((number, view[at : at + length]))
            at += length
        if at != len(view):
            raise LengthError(f"{name}: {len(view) - at} bytes after the last section")
        return cls(name, tuple(sections))

    def get(self, number: int, title: str, length: int | None = None) -> memoryview:
        """The payload of the one section `number`, `length` bytes long when given."""
        found = [payload for n, payload in self.sections if n == number]
        if len(found) != 1:
            state = "missing" if not found else f"present {len(found)} times"
            raise EncodingError(f"{self.name}: section {number} ({title}) is {state}, expected once")
        if length is not None and len(found[0]) != length:
            raise LengthError(
                f"{self.name}: section {number} ({title}) has {len(found[0])} bytes, the header implies {length}"
            )
        return found[0]

    def has(self, number: int) -> bool:
        """Whether any section carries this number."""
        return any(n == number for n, _ in self.sections)


def encode(magic: bytes, version: int, sections: Mapping[int, Iterable[Buffer]]) -> Iterator[Buffer]:
    """The chunks of a container file; each section is given as the parts of its payload."""
    yield _FRAME.pack(magic, version, len(sections))
    for number, given in sections.items():
        parts = list(given)
        yield _SECTION.pack(number, sum(memoryview(part).nbytes for part in parts))
        yield from parts


def map_file(path: Path, limit: int) -> memoryview:
    """The bytes of a file, mapped read-only: pages are read when touched and belong to the page cache.

    Files are only ever replaced by rename here, so a mapping keeps the content it was opened with.
    Errors: InputError for a folder, a pipe or a device; EnvironmentFailure when it cannot be opened; LengthError when
    empty or above `limit` bytes.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would wait for its other end
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"{path} is not a regular file")
            if not 0 < found.st_size <= limit:
                raise LengthError(f"{path}: {found.st_size} bytes, expected 1 to {limit}")
            return memoryview(mmap.mmap(file, 0, access=mmap.ACCESS_READ))
        finally:
            os.close(file)
    except OSError as error:
        raise EnvironmentFailure(f"{path}: {error.strerror}") from error
