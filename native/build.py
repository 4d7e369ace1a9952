"""Builds the native core: every native/src/*.c once per CPU path behind native/include/zkn.h, as zkstate._native.

    python native/build.py                            compile in place, beside the Python sources
    python native/build.py --tests [--sanitize [thread]] [--path P]...
                                                      build and run the C tests of every path this machine runs, and
                                                      of the ifma path in plain C where it lacks AVX-512
    python native/build.py --emulate OUTPUT           compile to OUTPUT with the lanes of the ifma path in plain C, so
                                                      that any x86-64 with ADX runs it, slowly
    python native/build.py --program FILE OUTPUT [NAME...]
                                                      build one C program on the sources, all or those named, as the
                                                      core is compiled; a shared library if OUTPUT ends in .so
    python native/build.py --library OUTPUT NAME...   build some sources with ZKN_CHECK as a shared library that shows
                                                      their inner functions, under the names of their path

setuptools builds the same thing through cffi_modules=["native/build.py:ffibuilder"]. CC and CFLAGS are honoured; the
compiler needs C11, unsigned __int128 and pthreads. ZKN_MACHINE names the machine that CC compiles for, and ZKN_RUN the
command that runs its programs, where they are not this machine and none.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import os
import platform
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from cffi import FFI

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "native"
GENERATED = ROOT / "build" / "generated"
MACHINE = os.environ.get("ZKN_MACHINE") or platform.machine()
# What a C test needs to use the inline functions of a path; the core itself switches them on in path.h.
PATH_FLAGS = {
    "portable": [],
    "adx": ["-mbmi2", "-madx", "-mavx2"],
    "ifma": ["-mbmi2", "-madx", *(f"-mavx512{part}" for part in ("f", "dq", "bw", "vl", "ifma"))],
}
# Two limbs moved into one vector register and back cost a field addition twice its time.
OPTIMISATION = ["-O3", "-fno-tree-slp-vectorize"]
STANDARD = ["-std=c11", "-D_POSIX_C_SOURCE=200809L"]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
EMULATION = ["-DZKN_LANES_EMULATED"]
CURVE_FLAGS = ["-DZKN_CURVE_BLS12_381=1"]
SANITIZERS = {"address": "-fsanitize=address,undefined", "thread": "-fsanitize=thread"}


def _beside(name: str) -> ModuleType:
    """A module beside this file, which setuptools runs without its folder on the path."""
    spec = importlib.util.spec_from_file_location(f"zkn_{name}", NATIVE / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


paths = _beside("paths")


def sources() -> list[Path]:
    """Every C file of the core: the kernels once per path, then the dispatch."""
    kernels = [wrapper for path in paths.paths_for(MACHINE) for wrapper in paths.write_wrappers(GENERATED, path)]
    return [*kernels, *paths.write_dispatch(GENERATED)]


def declarations() -> str:
    """zkn.h and zkn_bls.h without their preprocessor lines, which is what cffi reads."""
    return "\n".join(line for line in paths.declared().splitlines() if not line.startswith("#"))


def builder() -> FFI:
    ffi = FFI()
    ffi.cdef(declarations())
    ffi.set_source(
        "zkstate._native",
        '#include "zkn.h"\n#include "zkn_bls.h"',
        # Relative to the project root, where setuptools runs, so that an sdist records them.
        sources=[str(path.relative_to(ROOT)) for path in sources()],
        include_dirs=["native/include", "native/src", str(GENERATED.relative_to(ROOT))],
        depends=[str(path.relative_to(ROOT)) for path in sorted(NATIVE.glob("*/*.[ch]"))],
        extra_compile_args=[*STANDARD, *OPTIMISATION, "-Wall", "-Wextra"],
        libraries=["pthread"],
        py_limited_api=True,
    )
    return ffi


ffibuilder = builder()


def build(target: Path, more: Sequence[str] = ()) -> None:
    """Compile what changed, warnings as errors, and link it to `target`."""
    optimised = [*OPTIMISATION, "-fPIC", "-fvisibility=hidden", *more]
    with objects_folder("-".join(["native", *("emulated" for _ in more)])) as folder:
        objects = compile_changed(folder, sources(), [*WARNINGS, *optimised])
        glue, glue_object = folder / "_native.c", folder / "_native.o"
        ffibuilder.emit_c_code(str(glue))
        compile_c([*optimised, "-c", f"-I{sysconfig.get_path('include')}"], [glue], glue_object)
        # Replaced as a whole: a running process keeps the old file mapped.
        compile_c(["-shared"], [*objects, glue_object], target)
    print(target)


@contextmanager
def objects_folder(name: str) -> Iterator[Path]:
    """The folder build/<name> of one compiler and its flags, for one build at a time."""
    toolchain = [os.environ.get(variable, "") for variable in ("CC", "CFLAGS", "ZKN_MACHINE")]
    if any(toolchain):
        name += "-" + hashlib.sha256("\0".join(toolchain).encode()).hexdigest()[:8]
    folder = ROOT / "build" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def compile_changed(folder: Path, files: Sequence[Path], flags: list[str]) -> list[Path]:
    """Objects of `files`, compiling those older than their text, the kernel they wrap, a header or these scripts."""
    newest_header = max(path.stat().st_mtime for path in [*NATIVE.glob("*/*.h"), *NATIVE.glob("*.py")])

    def compiled(file: Path) -> Path:
        output = folder / f"{file.stem}.o"
        kernel = NATIVE / "src" / f"{file.stem.rpartition('_')[0].removesuffix('_bls12_381')}.c"
        newest = max(path.stat().st_mtime for path in (file, kernel) if path.exists())
        if not output.exists() or output.stat().st_mtime < max(newest_header, newest):
            compile_c([*flags, "-c"], [file], output)
        return output

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(compiled, files))


def compile_c(flags: list[str], inputs: list[Path], output: Path) -> None:
    command = [*shlex.split(os.environ.get("CC", "cc")), *STANDARD, "-pthread", *flags]
    command += shlex.split(os.environ.get("CFLAGS", ""))
    command += [f"-I{folder}" for folder in (NATIVE / "include", NATIVE / "src", GENERATED)]
    fresh = output.with_name(f"{output.name}.tmp")
    subprocess.run([*command, *map(str, inputs), "-o", str(fresh)], check=True)
    fresh.replace(output)


def compile_program(source: Path, output: Path, path: str, objects: list[Path], flags: list[str]) -> None:
    """A C program that calls the kernels of one path, and of the curve in `flags`, by their plain names."""
    for_path = [f"-DZKN_PATH_{path.upper()}=1", "-DZKN_TEST", "-include", "path.h"]
    for_path += PATH_FLAGS["adx" if EMULATION[0] in flags else path]
    compile_c([*flags, *for_path], [source, *objects], output)


def run_c_tests(sanitizer: str | None, wanted: Sequence[str]) -> int:
    """Build tests/native/test_*.c with ZKN_CHECK, each one program, and run them; returns how many failed."""
    common = [*WARNINGS, "-O2", "-g", "-DZKN_CHECK"]
    if sanitizer:
        common += ["-O1", SANITIZERS[sanitizer], "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    failed = 0
    with objects_folder(f"native-{sanitizer or 'checked'}") as folder:
        for path in wanted:
            flags = [*common, *([] if path in runnable_paths() else EMULATION)]
            objects = compile_changed(folder, paths.write_wrappers(GENERATED, path), flags)
            for test in sorted((ROOT / "tests" / "native").glob("test_*.c")):
                for curve in paths.curves_of(test.stem.removeprefix("test_")):
                    name = f"{curve}{test.stem}"
                    program = folder / f"{name}-{path}"
                    compile_program(test, program, path, objects, [*flags, *(CURVE_FLAGS if curve else [])])
                    command = [*shlex.split(os.environ.get("ZKN_RUN", "")), str(program)]
                    code = subprocess.run(command, check=False).returncode
                    print(f"{path}: {name}: {'passed' if code == 0 else f'failed ({code})'}", flush=True)
                    failed += code != 0
    return failed


def build_program(source: Path, output: Path, names: Sequence[str], path: str) -> None:
    flags = [*OPTIMISATION, "-g", "-fPIC"]
    with objects_folder("native-programs") as folder:
        objects = compile_changed(folder, _wrappers(names, path), flags)
        compile_program(source, output, path, objects, [*flags, *(["-shared"] if output.suffix == ".so" else [])])


def _wrappers(names: Sequence[str], path: str) -> list[Path]:
    """Of the sources named, or of all, what compiles them for one path."""
    wanted = {f"{name}_{path}" for name in names}
    return [wrapper for wrapper in paths.write_wrappers(GENERATED, path) if not wanted or wrapper.stem in wanted]


def build_library(output: Path, names: Sequence[str], path: str) -> None:
    flags = ["-O1", "-fPIC", "-DZKN_CHECK"]
    with objects_folder("native-library") as folder:
        compile_c(["-shared"], compile_changed(folder, _wrappers(names, path), flags), output)


def runnable_paths() -> tuple[str, ...]:
    """The paths this machine runs, by what Linux says of it. Off x86-64 the portable one."""
    cpu = Path("/proc/cpuinfo")
    words = set(cpu.read_text(encoding="utf-8").split()) if cpu.exists() else set()
    wanted = {"portable": set(), "adx": {"bmi2", "adx", "avx2"}, "ifma": {"adx", "avx512ifma", "avx512vl", "avx512dq"}}
    return tuple(path for path in paths.paths_for(MACHINE) if wanted[path] <= words)


def testable_paths() -> tuple[str, ...]:
    """The paths whose C tests this machine runs: ifma in plain C too, on any x86-64 with ADX."""
    runnable = runnable_paths()
    return (*runnable, "ifma") if runnable[-1] == "adx" else runnable


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the native core in place, or build and run its C tests.")
    parser.add_argument("--tests", action="store_true", help="build and run tests/native")
    parser.add_argument(
        "--sanitize", nargs="?", const="address", choices=SANITIZERS, help="with --tests: under ASan and UBSan, or TSan"
    )
    parser.add_argument("--program", nargs="+", metavar="FILE OUTPUT NAME", help="build one C program")
    parser.add_argument("--library", nargs="+", metavar="OUTPUT NAME", help="build a library of some sources")
    parser.add_argument("--emulate", type=Path, metavar="OUTPUT", help="build with lanes in plain C")
    parser.add_argument("--path", action="append", choices=paths.PATHS, help="only this CPU path; may be repeated")
    args = parser.parse_args()
    if args.program:
        source, output, *names = args.program
        build_program(Path(source), Path(output), names, (args.path or ["portable"])[0])
        return 0
    if args.library:
        build_library(Path(args.library[0]), args.library[1:], (args.path or ["portable"])[0])
        return 0
    if args.tests:
        return run_c_tests(args.sanitize, args.path or testable_paths())
    if args.emulate:
        build(args.emulate, EMULATION)
    else:
        build(ROOT / "zkstate" / "_native.abi3.so")
    return 0


if __name__ == "__main__":
    sys.exit(main())
