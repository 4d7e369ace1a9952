"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from zkstate.kernels import thread_count


def machine() -> dict[str, str | int]:
    """CPU, cores in use, load, system, compiler, Python and commit."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    cpus = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    commit = _first_line("git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD")
    return {
        "cpu": cpus[0] if cpus else platform.machine(),
        "cores": thread_count(0),
        "load of the last 1, 5, 15 minutes": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "system": platform.system(),
        "compiler": _first_line("cc", "--version"),
        "python": platform.python_version(),
        "commit": commit,
    }


def described() -> str:
    """The same in one line."""
    return ", ".join(f"{name} {value}" for name, value in machine().items())


def _first_line(*command: str) -> str:
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return "absent"
    return (output.splitlines() or ["unknown"])[0]
