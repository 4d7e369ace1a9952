"""The command as its users meet it: called in this process for speed, or as a process of its own."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from zkstate.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one JSON object on stdout."""
        return json.loads(self.out)


ALLOW = "--allow-insecure-setup"


def allowing(argv, believe) -> list[str]:
    """Arguments as text. The keys of most tests are insecure: prove and verify are told to take them."""
    argv = [str(argument) for argument in argv]
    return [*argv, ALLOW] if believe and argv and argv[0] in {"prove", "verify"} and ALLOW not in argv else argv


def zkstate(*argv, believe=True) -> Outcome:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(allowing(argv, believe))
    return Outcome(code, out.getvalue(), err.getvalue())


def command(*argv, believe=True) -> list[str]:
    """The command line of the command as a process."""
    return [sys.executable, "-m", "zkstate", *allowing(argv, believe)]


def environment(**more) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | more


def process(*argv, cwd=None, timeout=120, believe=True) -> Outcome:
    """Run the command as a process."""
    done = subprocess.run(
        command(*argv, believe=believe),
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones included."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
