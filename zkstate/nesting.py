"""How deep the brackets of a JSON text go, known before a recursive parser meets it.

Parsers recurse in C as far as the interpreter's recursion limit. Libraries that lift the limit, as py_ecc does, turn a
deeply nested text into a crash that no exception handler sees.
"""

from __future__ import annotations

import re
from itertools import islice

import numpy as np

from zkstate.errors import EncodingError

DEPTH_LIMIT = 64
_PART = 1 << 16
_STRING = re.compile(rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)', re.DOTALL)  # in one pass: an open string takes all that is left
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1


def depth(text: bytes) -> int:
    """The most brackets that are open at once, outside strings."""
    return _depth(_STRING.sub(b"", text))


def _depth(bare: bytes) -> int:
    deepest = level = 0
    for start in range(0, len(bare), _PART):
        open_at = level + np.cumsum(_STEPS[np.frombuffer(bare[start : start + _PART], np.uint8)], dtype=np.int64)
        deepest, level = max(deepest, int(open_at.max())), int(open_at[-1])
    return deepest


def _has_more_strings(text: bytes, limit: int) -> bool:
    """Counted before they are cut out, which takes memory for each. None has less than two quotes."""
    return text.count(b'"') > 2 * limit and sum(1 for _ in islice(_STRING.finditer(text), limit + 1)) > limit


def check(text: bytes, name: str, limit: int = DEPTH_LIMIT, values: int | None = None) -> None:
    """EncodingError for a text nested deeper than `limit`, or with more than so many values.

    A value of two bytes can take a hundred in memory: count them where whoever wrote the text is not trusted.
    """
    if values is not None and _has_more_strings(text, 2 * values):  # a member's name is one as well
        raise EncodingError(f"{name}: {values + 1} values or more, at most {values} are read")
    bare = _STRING.sub(b"", text)
    found = _depth(bare)
    if found > limit:
        raise EncodingError(f"{name}: nested {found} deep, at most {limit} is read")
    count = sum(map(bare.count, (b",", b"[", b"{"))) + 1
    if values is not None and count > values:
        raise EncodingError(f"{name}: {count} values or more, at most {values} are read")
