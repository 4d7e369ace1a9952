"""kill -9, a torn write, a full disk and an I/O error at a sample of the calls that change a disk; `make faults`: all.

And the driver itself: it tells of faults that do not come about, and of a program that never flushes.
"""

import json
import subprocess
import sys

import pytest

from tests.cli.program import ROOT, environment
from tests.faults.cases import CASES
from tests.faults.durable import unflushed
from tests.faults.preload import built

SAMPLE = 2
COSTLY = ("solvency", "watch", "export", "prove")  # they prove, or read everything: not in the default run
DRIVE = "import sys; from tests.faults import driver; sys.exit(driver.main())"


def driven(*more, before="pass"):
    """The lines of a driver's process, in which `before` was executed first."""
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{DRIVE}", *more],
        env=environment(LD_PRELOAD=str(built())), cwd=ROOT, capture_output=True, text=True, timeout=3000, check=False,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    assert done.returncode == any(line["broken"] for line in lines), done.stderr
    return lines


def broken(lines):
    return [(line["case"], line["seed"], line["broken"]) for line in lines if line["broken"]]


def test_a_sample_of_faults_leaves_the_old_state_or_the_new_one():
    lines = driven("--sample", str(SAMPLE), "--only", ",".join(name for name in CASES if name not in COSTLY))
    assert broken(lines) == []
    assert all(line["runs"] == SAMPLE for line in lines)


@pytest.mark.slow
def test_a_sample_of_faults_in_what_takes_longer():
    assert broken(driven("--sample", "4", "--only", ",".join(COSTLY))) == []


def test_faults_that_do_not_come_about_are_told():
    idle = (
        "from tests.faults.preload import Fault, Shim\n"
        "arm = Shim.arm\n"
        "Shim.arm = lambda self, root, at, fault: arm(self, root, at, Fault.COUNT)"
    )
    (line,) = driven("--only", "new key", before=idle)
    assert len(line["broken"]) == line["runs"]
    assert all("no fault came about" in words for words in line["broken"])


def test_a_program_that_never_flushes_is_told():
    lines = driven("--only", "new key,publish,backup of a new store", before="import os; os.fsync = lambda fd: None")
    for line in lines:
        assert line["broken"], line["case"]
        assert all("flushed" in words for words in line["broken"])


def calls(*lines):
    return "".join("\t".join((*line, "", "")[:3]) + "\n" for line in lines)


WRITTEN = (("open", "/r/.a"), ("write", "/r/.a"))
FLUSHED = (*WRITTEN, ("fsync", "/r/.a"))
SHOWN = (*FLUSHED, ("rename", "/r/a", "/r/.a"))


def test_a_file_is_flushed_before_its_name_and_the_folder_after():
    def found(*lines):
        return unflushed(calls(*lines), "/r", ("/r",))

    assert found(*SHOWN, ("fsync", "/r")) == found(*WRITTEN) == found(*SHOWN, ("fsync", "/r"), ("unlink", "/r/a")) == []
    assert found(*SHOWN) == found(*FLUSHED, ("fsync", "/r"), SHOWN[-1]) == ["never flushed: /r"]
    assert "shown before it was flushed: /r/a" in found(*WRITTEN, SHOWN[-1], ("fsync", "/r/a"), ("fsync", "/r"))
    assert "shown before it was flushed: /r/a" in found(*FLUSHED, WRITTEN[-1], SHOWN[-1])
    assert "shown before it was flushed: /r/a" in found(*WRITTEN, ("link", "/r/a", "/r/.a"), ("unlink", "/r/.a"))
    within = (("mkdir", "/r/.d"), ("open", "/r/.d/x"), ("write", "/r/.d/x"), ("rename", "/r/d", "/r/.d"))
    assert found(*within) == [
        "shown before it was flushed: /r/d", "shown before it was flushed: /r/d/x", "never flushed: /r",
        "never flushed: /r/d", "never flushed: /r/d/x",
    ]  # fmt: skip
