"""Container files taken apart and put together again by hand, to damage one thing at a time."""

import struct
import tracemalloc

import pytest


def joined(chunks) -> bytes:
    return b"".join(bytes(chunk) for chunk in chunks)


def sections(content: bytes) -> dict[int, bytes]:
    """An independent walk over the frame, good files only."""
    found, at = {}, 12
    for _ in range(int.from_bytes(content[8:12], "little")):
        number, length = struct.unpack_from("<IQ", content, at)
        found[number] = content[at + 12 : at + 12 + length]
        at += 12 + length
    return found


def framed(content: bytes, changed: dict[int, bytes | None]) -> bytes:
    """The file with some sections replaced or (None) left out, its frame kept consistent."""
    parts = {number: part for number, part in (sections(content) | changed).items() if part is not None}
    body = b"".join(struct.pack("<IQ", number, len(part)) + part for number, part in parts.items())
    return content[:8] + len(parts).to_bytes(4, "little") + body


def patched(content: bytes, number: int, at: int, value: bytes) -> bytes:
    part = sections(content)[number]
    return framed(content, {number: part[:at] + value + part[at + len(value) :]})


def refused(decode, content, error, message):
    tracemalloc.start()
    try:
        with pytest.raises(error, match=message):
            decode(content, "some file")
        assert tracemalloc.get_traced_memory()[1] < 4 * len(content) + (1 << 20)
    finally:
        tracemalloc.stop()
