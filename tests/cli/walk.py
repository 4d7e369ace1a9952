"""Pages of the documentation, followed line by line in an empty folder by someone who has nothing else."""

import os
import re
import subprocess
import sys

from tests.cli.program import environment


def blocks(page, kind):
    """The code blocks of a page whose first line is exactly ``` and `kind`."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def follow(script, folder, path="", **variables):
    """Run a block in bash, stopping at the first line that fails, with `zkstate` as a command."""
    tools = folder / ".tools"
    tools.mkdir(exist_ok=True)
    command = tools / "zkstate"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zkstate "$@"\n')
    command.chmod(0o755)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env=environment(PATH=f"{tools}:{path}:{os.environ['PATH']}", **variables), capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip


def run_lines(lines, folder, **variables):
    """Follow each line by itself; what they wrote, by line."""
    said = {}
    for line in lines:
        done = follow(line, folder, **variables)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        said[line] = done.stdout + done.stderr
    return said
