"""The shim, compiled where it is needed, and its functions in a process that was started with it."""

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from enum import IntEnum
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("shim.c")


class Fault(IntEnum):
    COUNT = 1
    KILL = 2
    TEAR = 3
    FULL = 4
    FAIL = 5


FAULTS = (Fault.KILL, Fault.TEAR, Fault.FULL, Fault.FAIL)


def built() -> Path:
    """The shared object, made once for each version of its source."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        if os.environ.get("CI"):
            raise AssertionError("a C compiler on Linux is needed to inject faults")
        pytest.skip("no C compiler on Linux, so no fault is injected")
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"zkstate-faults-{os.getuid()}-{digest}.so"
    if not target.exists():
        made = target.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [compiler, "-O1", "-fPIC", "-shared", "-Wall", "-Werror", "-o", made, SOURCE, "-ldl"], check=True
        )
        made.replace(target)
    return target


class Shim:
    """The functions of the shim in this process, which was started with it preloaded."""

    def __init__(self):
        self._library = ctypes.CDLL(None)
        self._library.zkfault_seen.restype = ctypes.c_long
        for name in ("hit", "uses", "trace"):
            getattr(self._library, f"zkfault_{name}").restype = ctypes.c_char_p

    def arm(self, root: Path, at: int, fault: Fault):
        self._library.zkfault_arm(os.fsencode(root), ctypes.c_long(at), int(fault))

    @property
    def seen(self) -> int:
        return self._library.zkfault_seen()

    @property
    def hit(self) -> str:
        return self._library.zkfault_hit().decode()

    @property
    def uses(self) -> str:
        """A letter for each call seen: w writes, m makes something else that needs room, r removes."""
        return self._library.zkfault_uses().decode()

    @property
    def trace(self) -> str:
        """The calls that succeeded while they were counted: name, path and source, by tabs, a line each."""
        trace = self._library.zkfault_trace()
        assert trace is not None, "too many calls to write them all down"
        return os.fsdecode(trace)
