"""Builds the native core: every native/src/*.c behind native/include/zkn.h, as the module zkstate._native.

    python native/build.py                        compile in place, beside the Python sources
    python native/build.py --tests [--sanitize]   build and run the C tests, the latter under ASan and UBSan

setuptools builds the same thing through cffi_modules=["native/build.py:ffibuilder"]. CC and CFLAGS are honoured; the
compiler needs C11, unsigned __int128 and pthreads.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "native"
# Two limbs moved into one vector register and back cost a field addition twice its time.
OPTIMISATION = ["-O3", "-fno-tree-slp-vectorize"]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]


def sources() -> list[Path]:
    return sorted((NATIVE / "src").glob("*.c"))


def declarations() -> str:
    """zkn.h without its preprocessor lines, which is what cffi reads."""
    text = (NATIVE / "include" / "zkn.h").read_text(encoding="ascii")
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def builder() -> FFI:
    ffi = FFI()
    ffi.cdef(declarations())
    ffi.set_source(
        "zkstate._native",
        '#include "zkn.h"',
        # Relative to the project root, where setuptools runs, so that an sdist records them.
        sources=[str(path.relative_to(ROOT)) for path in sources()],
        include_dirs=["native/include", "native/src"],
        depends=[str(path.relative_to(ROOT)) for path in sorted(NATIVE.glob("*/*.h"))],
        extra_compile_args=["-std=c11", *OPTIMISATION, "-Wall", "-Wextra"],
        libraries=["pthread"],
        py_limited_api=True,
    )
    return ffi


ffibuilder = builder()


def build_in_place() -> None:
    """Compile what changed, warnings as errors, and link it to zkstate/_native.abi3.so."""
    optimised = [*OPTIMISATION, "-fPIC", "-fvisibility=hidden", "-c"]
    with objects_folder("native") as folder:
        objects = compile_changed(folder, [*WARNINGS, *optimised])
        glue, glue_object = folder / "_native.c", folder / "_native.o"
        ffibuilder.emit_c_code(str(glue))
        compile_c([*optimised, f"-I{sysconfig.get_path('include')}"], [glue], glue_object)
        target = ROOT / "zkstate" / "_native.abi3.so"
        # Replaced as a whole: a running process keeps the old file mapped.
        compile_c(["-shared"], [*objects, glue_object], target)
    print(target.relative_to(ROOT))


@contextmanager
def objects_folder(name: str) -> Iterator[Path]:
    """The folder build/<name>, for one build at a time."""
    folder = ROOT / "build" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def compile_changed(folder: Path, flags: list[str]) -> list[Path]:
    """Objects of all sources, compiling those that are older than the source, a header or this script."""
    newest_header = max(path.stat().st_mtime for path in [*NATIVE.glob("*/*.h"), Path(__file__)])
    objects = []
    for source in sources():
        output = folder / f"{source.stem}.o"
        if not output.exists() or output.stat().st_mtime < max(newest_header, source.stat().st_mtime):
            compile_c([*flags, "-c"], [source], output)
        objects.append(output)
    return objects


def compile_c(flags: list[str], inputs: list[Path], output: Path) -> None:
    command = [*shlex.split(os.environ.get("CC", "cc")), "-std=c11", *flags]
    command += [*shlex.split(os.environ.get("CFLAGS", "")), f"-I{NATIVE / 'include'}", f"-I{NATIVE / 'src'}"]
    fresh = output.with_name(f"{output.name}.tmp")
    subprocess.run([*command, *map(str, inputs), "-o", str(fresh), "-lpthread"], check=True)
    fresh.replace(output)


def run_c_tests(sanitize: bool) -> int:
    """Build tests/native/test_*.c with ZKN_CHECK, each one program, and run them; returns how many failed."""
    flags = [*WARNINGS, "-O1" if sanitize else "-O2", "-g", "-DZKN_CHECK", *(SANITIZERS if sanitize else [])]
    failed = 0
    with objects_folder("native-sanitized" if sanitize else "native-checked") as folder:
        objects = compile_changed(folder, flags)
        for test in sorted((ROOT / "tests" / "native").glob("test_*.c")):
            program = folder / test.stem
            compile_c(flags, [test, *objects], program)
            code = subprocess.run([program], check=False).returncode
            print(f"{test.stem}: {'passed' if code == 0 else f'failed ({code})'}", flush=True)
            failed += code != 0
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the native core in place, or build and run its C tests.")
    parser.add_argument("--tests", action="store_true", help="build and run tests/native")
    parser.add_argument("--sanitize", action="store_true", help="with --tests: under ASan and UBSan")
    args = parser.parse_args()
    if args.tests:
        return run_c_tests(args.sanitize)
    build_in_place()
    return 0


if __name__ == "__main__":
    sys.exit(main())
