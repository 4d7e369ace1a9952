"""What every wrapper of the C core needs: the library, its errors, scratch memory and the thread count.

Only `zkstate.kernels` imports `ffi` and `lib`. cffi drops the GIL during a call, so no scratch is shared between calls.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from zkstate import _native
from zkstate._native import ffi, lib
from zkstate.errors import EncodingError, InputError, LengthError

__all__ = ["CArray", "check", "ffi", "lib", "native_digest", "room", "thread_count"]

CArray: TypeAlias = Any  # a cdata array or pointer; cffi has no types for what it points to

_ERRORS: dict[int, tuple[type[InputError], str]] = {
    lib.ZKN_BAD_LENGTH: (LengthError, "has a length that is not allowed here"),
    lib.ZKN_BAD_ENCODING: (EncodingError, "is not below its modulus"),
    lib.ZKN_NOT_ON_CURVE: (EncodingError, "is not on the curve"),
    lib.ZKN_NOT_IN_SUBGROUP: (EncodingError, "is not in the subgroup of order r"),
    lib.ZKN_DIVISION_BY_ZERO: (InputError, "is zero and has no inverse"),
    lib.ZKN_OUT_OF_RANGE: (EncodingError, "points outside its array"),
}

_allocate = ffi.new_allocator(should_clear_after_alloc=False)


def check(status: int, what: str) -> None:
    """Raise the error of a status, which says about `what` (a subject: "scalar 3") why it was refused."""
    if status != lib.ZKN_OK:
        error, reason = _ERRORS[status]
        raise error(f"{what} {reason}")


def room(ctype: str, n: int) -> CArray:
    """An uninitialised C array for a kernel to fill."""
    return _allocate(ctype, n)


@cache
def native_digest() -> str:
    """SHA-256 of the compiled core: what a file derived with it may depend on."""
    return hashlib.sha256(Path(_native.__file__).read_bytes()).hexdigest()


def thread_count(requested: int) -> int:
    """`requested`, or for 0 the number of cores this process may run on."""
    if requested < 0:
        raise LengthError(f"{requested} threads: must be 0 (all cores) or more")
    return requested or len(os.sched_getaffinity(0))
