"""kill -9, a torn write, a full disk and an I/O error at the calls that change the disk: a sample, or all of them."""

import json
import subprocess
import sys

import pytest

from tests.cli.program import ROOT, environment
from tests.faults.preload import built

SAMPLE = 5


def run(*more):
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.driver", *more],
        env=environment(LD_PRELOAD=str(built())), cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    assert [(line["case"], line["seed"], line["broken"]) for line in lines if line["broken"]] == []
    assert done.returncode == 0, done.stderr
    return lines


def test_a_sample_of_faults_leaves_the_old_state_or_the_new_one():
    assert all(line["runs"] == SAMPLE for line in run("--sample", str(SAMPLE)))


@pytest.mark.slow
def test_every_fault_leaves_the_old_state_or_the_new_one():
    assert all(line["runs"] == 4 * line["calls"] for line in run())
