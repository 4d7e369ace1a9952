"""Exact decimal numbers of ledgers: text such as `-12.50`, one by one or by the column. No floats, no rounding.

The only form read is that of a JSON number without exponent: an optional minus, digits without leading zeros, and
optionally a point and digits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import EncodingError
from zkstate.state import wide
from zkstate.state.wide import Flags, I64s, Wide

MAX_TEXT = 60
COLUMN_LIMBS = 7
_CHUNK = 19
_PATTERN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_POWERS = np.array([10**k for k in range(_CHUNK + 1)], np.uint64)


def parse(text: str, decimals: int) -> int:
    """The integer text * 10^decimals; EncodingError if that is no integer or the text is no plain decimal."""
    if len(text) > MAX_TEXT:
        raise EncodingError(f"{text[:MAX_TEXT]!r}.. has {len(text)} characters, not at most {MAX_TEXT}")
    if _PATTERN.fullmatch(text) is None:
        raise EncodingError(f"{text!r} is not a decimal number such as -12.5")
    whole, _, fraction = text.partition(".")
    kept = fraction.rstrip("0")
    if len(kept) > decimals:
        raise EncodingError(f"{text!r} has {len(kept)} decimals, but {decimals} are allowed")
    scale: int = 10 ** (decimals - len(kept))
    return int(whole + kept) * scale


def render(value: int, decimals: int) -> str:
    """The shortest text that `parse` reads back as `value`."""
    digits = str(abs(value)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return ("-" if value < 0 else "") + whole + ("." + fraction if fraction else "")


@dataclass(frozen=True, slots=True)
class DecimalColumn:
    """n decimals: (-1)^negative * magnitude * 10^-scale, magnitude a normalised non-negative wide column."""

    magnitude: Wide
    negative: Flags
    scale: I64s

    def __len__(self) -> int:
        return len(self.scale)


def parse_column(texts: Sequence[str]) -> tuple[DecimalColumn, Flags]:
    """The decimals of many texts, and which of the texts are malformed (their entries mean nothing)."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    bad = (lengths == 0) | (lengths > MAX_TEXT)
    if bad.any():
        texts = ["0" if bad[i] else text for i, text in enumerate(texts)]
        lengths = np.where(bad, 1, lengths)
    width = int(lengths.max(initial=1))
    points = np.array(texts, dtype=f"U{width}").view(np.uint32).reshape(len(texts), width)
    codes = np.ascontiguousarray(np.minimum(points, 255).astype(np.uint8).T)

    count = len(texts)
    digits = np.zeros(count, np.int64)
    scale = np.zeros(count, np.int64)
    point = np.zeros(count, np.bool_)
    negative = codes[0] == ord("-")
    leading_zero = np.where(negative, codes[min(1, width - 1)], codes[0]) == ord("0")
    chunks: list[NDArray[np.uint64]] = []
    used: list[I64s] = []
    for j in range(width):
        code = codes[j]
        inside = j < lengths
        digit = (code >= ord("0")) & (code <= ord("9"))
        dot = (code == ord(".")) & (digits > 0) & ~point
        bad |= inside & ~(digit | dot | (negative if j == 0 else False))
        bad |= ~inside & (code != 0)
        bad |= digit & leading_zero & ~point & (digits == 1)
        value = (code - ord("0")).astype(np.uint64)
        if len(chunks) * _CHUNK <= int(digits.max(initial=0)):
            chunks.append(np.zeros(count, np.uint64))
            used.append(np.zeros(count, np.int64))
        for k, chunk in enumerate(chunks):
            here = digit & (digits // _CHUNK == k) if len(chunks) > 1 else digit
            chunks[k] = np.where(here, chunk * np.uint64(10) + value, chunk)
            used[k] += here
        digits += digit
        scale += digit & point
        point |= dot
    bad |= (digits == 0) | (point & (scale == 0))

    magnitude = wide.extend(wide.from_u64(chunks[0]), COLUMN_LIMBS)
    for chunk, length in zip(chunks[1:], used[1:], strict=True):
        power = wide.from_u64(_POWERS[length])
        magnitude = wide.multiply(magnitude, power)[:COLUMN_LIMBS]
        magnitude[:2] += wide.from_u64(chunk)
        magnitude = wide.normalise(magnitude)
    return DecimalColumn(magnitude, negative, scale), bad


def rescale(column: DecimalColumn, decimals: I64s) -> tuple[Wide, Flags]:
    """Signed integers value * 10^decimals, and which entries have more decimals than that (results void)."""
    shift = decimals - column.scale
    down = np.maximum(-shift, 0)
    value = column.magnitude
    inexact = np.zeros(len(column), np.bool_)
    while down.any():
        for step in range(1, 10):
            here = (down == step) | ((down > 9) & (step == 9))
            if here.any():
                quotient, rest = wide.divide(value, 10**step)
                inexact |= here & (rest != 0)
                value = np.where(here, quotient, value)
        down = np.maximum(down - 9, 0)
    up = np.maximum(shift, 0)
    while up.any():
        value = wide.multiply(value, wide.from_u64(_POWERS[np.minimum(up, _CHUNK)]))
        up = np.maximum(up - _CHUNK, 0)
    return wide.negate_where(value, column.negative), inexact


def least_scale(column: DecimalColumn) -> int:
    """The least number of decimals that holds every entry of a column exactly."""
    value, scale = column.magnitude, column.scale
    while True:
        quotient, rest = wide.divide(value, 10)
        shorter = (scale > 0) & (rest == 0)
        if not shorter.any():
            return int(scale.max(initial=0))
        value, scale = np.where(shorter, quotient, value), scale - shorter
