"""How deep the brackets of a JSON text go, known before a recursive parser meets it.

Parsers recurse in C as far as the interpreter's recursion limit. Libraries that lift the limit, as py_ecc does, turn a
deeply nested text into a crash that no exception handler sees.
"""

from __future__ import annotations

import re

import numpy as np

from zkstate.errors import EncodingError

DEPTH_LIMIT = 64
_STRING = re.compile(rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)', re.DOTALL)  # in one pass: an open string takes all that is left
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1


def depth(text: bytes) -> int:
    """The most brackets that are open at once, outside strings."""
    steps = _STEPS[np.frombuffer(_STRING.sub(b"", text), dtype=np.uint8)]
    return int(np.cumsum(steps, dtype=np.int64).max(initial=0))


def check(text: bytes, name: str, limit: int = DEPTH_LIMIT) -> None:
    """EncodingError for a text nested deeper than `limit`."""
    found = depth(text)
    if found > limit:
        raise EncodingError(f"{name}: nested {found} deep, at most {limit} is read")
