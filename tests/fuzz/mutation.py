"""Bytes made from other bytes: flipped, cut, repeated, spliced, numbers moved to where limits are."""

from __future__ import annotations

import random

EDGES = (0, 1, 2, 0x7F, 0x80, 0xB7, 0xB8, 0xBF, 0xC0, 0xF7, 0xF8, 0xFF)


def mutated(data: bytes, other: bytes, rng: random.Random, fixed: int = 0) -> bytes:
    """One to four changes of `data`, some with pieces of `other`. The first `fixed` bytes stay, as a rule."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = _once(data, other, rng, fixed if rng.random() < 0.95 else 0)
    return data


def _once(data: bytes, other: bytes, rng: random.Random, fixed: int) -> bytes:
    if len(data) <= fixed:
        return data + other[: rng.randrange(1, 9)]
    at = rng.randrange(fixed, len(data))
    size = min(len(data) - at, rng.choice((1, 1, 2, 4, 8, 32, 48, 96, rng.randrange(1, 300))))
    match rng.randrange(10):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at] + bytes([rng.choice(EDGES)]) + data[at + 1 :]
        case 2:
            return data[:at]
        case 3:
            return data[:at] + data[at + size :]
        case 4:
            return data[:at] + data[at : at + size] + data[at:]
        case 5:
            start = rng.randrange(len(other) + 1)
            return data[:at] + other[start : start + size] + data[at + size :]
        case 6:
            width = rng.choice((1, 2, 4, 8))
            value = int.from_bytes(data[at : at + width], "little") + rng.choice((-1, 1, 32, -32))
            return data[:at] + (value % (1 << 8 * width)).to_bytes(width, "little") + data[at + width :]
        case 7:
            return data[:at] + rng.choice((bytes(size), b"\xff" * size, rng.randbytes(size))) + data[at + size :]
        case 8:
            there = rng.randrange(fixed, len(data))  # two pieces change places
            low, high = sorted((at, there))
            size = min(size, high - low, len(data) - high)
            first, second = data[low : low + size], data[high : high + size]
            return data[:low] + second + data[low + size : high] + first + data[high + size :]
        case _:
            return data + rng.choice((b"\0", b"\xff", other[: rng.randrange(1, 64)]))
