"""The README, followed line by line in an empty folder by someone who has nothing else."""

import os
import re
import subprocess
import sys

import pytest

from circuits.catalogue import STATEMENTS
from tests.cli.program import ROOT, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind):
    """The code blocks whose first line is exactly ``` and `kind`."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def follow(script, folder, path=""):
    """Run a block in bash, stopping at the first line that fails, with `zkstate` as a command."""
    tools = folder / ".tools"
    tools.mkdir(exist_ok=True)
    command = tools / "zkstate"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zkstate "$@"\n')
    command.chmod(0o755)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env=environment(PATH=f"{tools}:{path}:{os.environ['PATH']}"), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


def test_every_plain_line_runs_in_order(tmp_path):
    scripts = blocks("sh")
    lines = "".join(scripts).splitlines()
    for verb in ("snapshot", "publish", "recover", "prove", "verify", "inspect"):
        assert any(line.startswith(f"zkstate {verb} ") for line in lines)
    for statement in STATEMENTS:
        assert any(line.startswith(f"zkstate prove {statement} ") for line in lines)
    for line in lines:
        done = follow(line, tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stderr}"


@pytest.mark.slow
def test_the_venue_proves_its_solvency(tmp_path):
    first, second = (next(line for line in blocks("sh")[i].splitlines() if " snapshot " in line) for i in (0, 1))
    for line in (first, second, "zkstate publish epoch-2 --mirror mirror"):
        assert follow(line, tmp_path).returncode == 0
    (script,) = blocks("sh solvency")
    done = follow(script, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_exit_codes_are_those_of_the_program():
    row = next(line for line in README.splitlines() if line.startswith("| 0 | 1 |"))
    assert [int(cell) for cell in row.strip("|").split("|")] == [0, 1, 2, 3, 4, 5, 130]
