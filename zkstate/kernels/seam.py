"""What every wrapper of the C core needs: the library on its CPU path, its errors, scratch memory, the thread count.

Only `zkstate.kernels` imports `ffi` and `lib`. cffi drops the GIL during a call, so no scratch is shared between calls.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from zkstate import _native
from zkstate._native import ffi, lib
from zkstate.errors import EncodingError, EnvironmentFailure, InputError, LengthError
from zkstate.kernels.rooms import Rooms

__all__ = [
    "CPU_PATHS",
    "CArray",
    "best_path",
    "check",
    "cpu_path",
    "cpu_words",
    "ffi",
    "lib",
    "native_digest",
    "room",
    "thread_count",
]

# In the order of zkn_cpu: each can do what the ones before it can.
CPU_PATHS = ("portable", "adx", "ifma")

CArray: TypeAlias = Any  # a cdata array or pointer; cffi has no types for what it points to

_ERRORS: dict[int, tuple[type[InputError], str]] = {
    lib.ZKN_BAD_LENGTH: (LengthError, "has a length that is not allowed here"),
    lib.ZKN_BAD_ENCODING: (EncodingError, "is not below its modulus"),
    lib.ZKN_NOT_ON_CURVE: (EncodingError, "is not on the curve"),
    lib.ZKN_NOT_IN_SUBGROUP: (EncodingError, "is not in the subgroup of order r"),
    lib.ZKN_DIVISION_BY_ZERO: (InputError, "is zero and has no inverse"),
    lib.ZKN_OUT_OF_RANGE: (EncodingError, "points outside its array"),
}


def cpu_words() -> tuple[int, int, int]:
    """What the CPU says of itself: leaf 1 ECX and leaf 7 EBX of CPUID, and XCR0. All 0 off x86-64."""
    words = ffi.new("zkn_cpu_words *")
    lib.zkn_cpu_read(words)
    return words.leaf1_ecx, words.leaf7_ebx, words.xcr0


def best_path(words: tuple[int, int, int]) -> str:
    """The fastest path that this build holds and a CPU with these words runs."""
    return CPU_PATHS[lib.zkn_cpu_best(ffi.new("zkn_cpu_words *", words))]


def cpu_path() -> str:
    """The path in use."""
    return CPU_PATHS[lib.zkn_cpu_used()]


def _choose_path() -> None:
    """Use the path that ZKSTATE_CPU names, else the best. EnvironmentFailure for one that cannot run here."""
    best = best_path(cpu_words())
    wanted = os.environ.get("ZKSTATE_CPU") or best
    if wanted not in CPU_PATHS:
        raise EnvironmentFailure(f"ZKSTATE_CPU is {wanted!r}: expected one of {', '.join(CPU_PATHS)}, or nothing")
    if lib.zkn_cpu_use(CPU_PATHS.index(wanted)) != lib.ZKN_OK:
        raise EnvironmentFailure(f"ZKSTATE_CPU is {wanted}, and the best this machine runs is {best}: leave it unset")


_choose_path()

_allocate = ffi.new_allocator(should_clear_after_alloc=False)
_HUGE_FROM = 4 << 20  # two huge pages of x86-64
_rooms = Rooms()


def check(status: int, what: str) -> None:
    """Raise the error of a status, which says about `what` (a subject: "scalar 3") why it was refused."""
    if status != lib.ZKN_OK:
        error, reason = _ERRORS[status]
        raise error(f"{what} {reason}")


def room(ctype: str, n: int, *, clear: bool = False) -> CArray:
    """A C array for a kernel to fill, in huge pages where it is long and the system has them; zeros if `clear`.

    Kernels read points and buckets in no order, and a page of 4 KiB then costs a walk of the page tables for each.
    """
    size = ffi.sizeof(ffi.typeof(ctype).item) * n
    if size < _HUGE_FROM or not hasattr(mmap, "MADV_HUGEPAGE"):
        return ffi.new(ctype, n) if clear else _allocate(ctype, n)
    pages, fresh = _rooms.take(size)
    array = ffi.from_buffer(ctype, memoryview(pages)[:size], require_writable=True)
    _rooms.let_go_after(array, pages)
    if clear and not fresh:
        lib.zkn_wipe(array, size)
    return array


@cache
def native_digest() -> str:
    """SHA-256 of the compiled core: what a file derived with it may depend on."""
    return hashlib.sha256(Path(_native.__file__).read_bytes()).hexdigest()


def thread_count(requested: int) -> int:
    """`requested`, or for 0 the number of cores this process may run on."""
    if requested < 0:
        raise LengthError(f"{requested} threads: must be 0 (all cores) or more")
    return requested or len(os.sched_getaffinity(0))
