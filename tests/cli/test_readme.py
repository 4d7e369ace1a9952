"""The README, followed line by line in an empty folder by someone who has nothing else."""

import pytest

from circuits.catalogue import STATEMENTS
from tests.cli.program import ROOT
from tests.cli.walk import blocks, follow, run_lines

README = ROOT / "README.md"


def test_every_plain_line_runs_in_order(tmp_path):
    lines = "".join(blocks(README, "sh")).splitlines()
    for verb in ("snapshot", "publish", "recover", "watch", "prove", "verify", "inspect"):
        assert any(line.startswith(f"zkstate {verb} ") for line in lines)
    for statement in STATEMENTS:
        assert any(line.startswith(f"zkstate prove {statement} ") for line in lines)
    run_lines(lines, tmp_path)


@pytest.mark.slow
def test_the_venue_proves_its_solvency(tmp_path):
    first, second = (
        next(line for line in blocks(README, "sh")[i].splitlines() if " snapshot " in line) for i in (0, 1)
    )
    for line in (first, second, "zkstate publish epoch-2 --mirror mirror"):
        assert follow(line, tmp_path).returncode == 0
    (script,) = blocks(README, "sh solvency")
    done = follow(script, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_exit_codes_are_those_of_the_program():
    row = next(line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| 0 | 1 |"))
    assert [int(cell) for cell in row.strip("|").split("|")] == [0, 1, 2, 3, 4, 5, 130]
