"""The timing promise of zkn.h, checked: no branch and no address depends on a secret (tests/native/ctime.c)."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.paths import runnable_paths

NATIVE = Path(__file__).resolve().parents[2] / "native"
PROGRAM = NATIVE.parent / "tests" / "native" / "ctime.c"
FOUND = 9


@pytest.fixture(scope="module", params=["portable", "adx"])
def ctime(request, tmp_path_factory):
    """Runs ctime under the memory checker, compiled as the core is; gives its exit code and report."""
    valgrind, headers = shutil.which("valgrind"), Path("/usr/include/valgrind/memcheck.h")
    if not valgrind or not headers.exists():
        pytest.skip("valgrind and its headers are not installed")
    if request.param not in runnable_paths():
        pytest.skip(f"this machine does not run the {request.param} path")
    program = tmp_path_factory.mktemp("ctime") / "ctime"
    build = [sys.executable, NATIVE / "build.py", "--program", PROGRAM, program, "--path", request.param]
    subprocess.run(build, check=True)

    def run(*args):
        command = [valgrind, "-q", f"--error-exitcode={FOUND}", program, *args]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_kernels_that_promise_constant_time_keep_it(ctime):
    done = ctime()
    assert done.returncode == 0, done.stderr


def test_the_checker_sees_a_branch_on_a_secret(ctime):
    done = ctime("control")
    assert done.returncode == FOUND
    assert "depends on uninitialised value" in done.stderr
