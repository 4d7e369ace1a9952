"""A real cluster for tests: a scheduler of dask and workers, each a process of its own on this machine."""

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.program import environment

PRELOAD = "tests.solvency.odd_worker"  # by its name: a file would be loaded twice
WAIT_S = 120  # for what comes in any case, on however busy a machine


def until(so, process=None):
    """Wait until something is so. AssertionError if a process ends before, or after two minutes."""
    end = time.monotonic() + WAIT_S
    while not (found := so()):
        assert process is None or process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.02)
    return found


@dataclass
class Machines:
    """The scheduler's address, and every process by its name; `folder` has what each said, as NAME.log."""

    folder: Path
    tls: tuple[str, ...] = ()
    address: str = ""
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    def said(self, name):
        return (self.folder / f"{name}.log").read_text()

    def everything_said(self):
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def kill(self, name):
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes.pop(name).wait()

    def start_scheduler(self):
        file = self.folder / "scheduler.json"
        scheme = "tls" if self.tls else "tcp"
        argv = ("--host", f"{scheme}://127.0.0.1:0", "--no-dashboard", "--no-show", "--scheduler-file", str(file))
        process = self._start("scheduler", "distributed.cli.dask_scheduler", *argv)
        self.address = until(lambda: _address(file), process)

    def start_worker(self, name, odd="", **more):
        """A worker of one thread; `odd` is what is wrong with it (`odd_worker`)."""
        preload = ("--preload", PRELOAD) if odd else ()
        argv = (self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--name", name, *preload)
        process = self._start(
            name, "distributed.cli.dask_worker", *argv, ODD_WORKER=odd, ODD_FOLDER=str(self.folder), **more
        )
        until(lambda: "Registered to" in self.said(name), process)

    def _start(self, name, module, *argv, **more):
        log = (self.folder / f"{name}.log").open("wb")
        quiet = {"DASK_LOGGING__DISTRIBUTED": "debug", "DASK_TEMPORARY_DIRECTORY": str(self.folder)}
        process = subprocess.Popen(
            [sys.executable, "-m", module, *self.tls, *argv], stdout=log, stderr=log, env=environment(**quiet, **more)
        )
        log.close()
        self.processes[name] = process
        return process


def _address(file):
    try:
        return json.loads(file.read_text())["address"]
    except (OSError, ValueError, KeyError):
        return None


@contextmanager
def machines(folder, *workers, tls=()):
    """A scheduler and so many sound workers, ended with the block."""
    folder.mkdir(exist_ok=True)
    found = Machines(folder, tls)
    try:
        found.start_scheduler()
        for name in workers:
            found.start_worker(name)
        yield found
    finally:
        for process in found.processes.values():
            process.kill()
            process.wait()
