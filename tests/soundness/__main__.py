"""Run every soundness probe and print the table: tried, wrong, seconds, seed. Exit status 1 if anything is wrong.

python -m tests.soundness [--full] [--seed TEXT] [--jobs N] [--solver PYTHON] [--only WORD]... [--save FILE [--resume]]
python -m tests.soundness --load FILE... [--save FILE] [--write docs/soundness.md]
python -m tests.soundness --again --save FILE

Lines are saved by probe and subject, the last one of each; `--resume` takes those of this seed and plan as they are.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing.queues import Queue
from pathlib import Path

from tests.soundness.line import Line, made_for
from tests.soundness.suite import Plan, again, tasks
from tests.soundness.table import load, save, table, write

SOLVER = ".venv-soundness/bin/python"
COUNTS = ("deleted", "forgeries", "changed", "shown", "proofs")  # of the plan, that an option changes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soundness", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every size class, 100,000 invalid proofs a statement")
    parser.add_argument("--seed", default=_commit(), help="any text; the commit by default, so that samples rotate")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--solver", default=SOLVER, help="Python that has cvc5-gpl")
    parser.add_argument("--only", action="append", default=[], help="tasks whose name or subject holds this")
    parser.add_argument("--deleted", type=int, help="rows of a statement that are deleted, one at a time")
    parser.add_argument("--forgeries", type=int, help="invalid proofs of a statement")
    parser.add_argument("--changed", type=int, help="changed transparent proofs of each of four subjects")
    parser.add_argument("--shown", type=int, help="honest accounts of a statement that are proved without a setup")
    parser.add_argument("--proofs", type=int, help="honest accounts of a statement that are proved with Groth16")
    parser.add_argument("--save", type=Path, help="put each line into this file")
    parser.add_argument("--resume", action="store_true", help="take lines of this seed and plan that the file has")
    parser.add_argument("--load", type=Path, nargs="+", help="run nothing: take the lines of these files")
    parser.add_argument("--again", action="store_true", help="search rows again that saved lines of deletions left")
    parser.add_argument("--write", type=Path, help="put the table into this document")
    options = parser.parse_args()
    if options.load:
        lines = [line for path in options.load for line in load(path)]
        if options.save:
            save(options.save, lines)
            lines = load(options.save)
    elif options.again:
        lines = [
            again(line, options.seed) for line in load(options.save) if line.left and line.circuit == made_for(line)
        ]
        save(options.save, lines)
    else:
        lines = run(options)
    print(table(lines))
    if options.write:
        machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        write(options.write, lines, f"Written by `python -m tests.soundness` on {machine}. Seeds are commits.")
    return int(any(line.wrong for line in lines))


def run(options: argparse.Namespace) -> list[Line]:
    """The line of every task chosen, each worker on a core of its own; reported as soon as it is known."""
    plan = Plan.of(options.seed, options.full, options.solver if _solves(options.solver) else "")
    changed = {name: value for name in COUNTS if (value := getattr(options, name)) is not None}
    plan = replace(plan, **changed)
    called = " ".join([plan.name, *(f"--{name} {value}" for name, value in changed.items())])
    chosen = [
        (task, args)
        for task, args in tasks(plan)
        if not options.only or any(word in _named(task, args) for word in options.only)
    ]
    names = {_named(task, args) for task, args in chosen}
    saved = load(options.save) if options.resume and options.save.exists() else []
    lines = [line for line in saved if (line.plan, line.seed) == (called, plan.seed) and line.task in names]
    lines = [line for line in lines if line.circuit == made_for(line)]
    chosen = [(task, args) for task, args in chosen if _named(task, args) not in {line.task for line in lines}]
    print(f"seed {plan.seed}, {len(chosen)} tasks on {options.jobs} cores", file=sys.stderr, flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zkstate-soundness-") as cache:
        os.environ.setdefault("ZKSTATE_CACHE", cache)
        cores: Queue[int] = multiprocessing.Queue()
        for i in range(options.jobs):
            cores.put(sorted(os.sched_getaffinity(0))[i % len(os.sched_getaffinity(0))])
        with ProcessPoolExecutor(options.jobs, initializer=_settle, initargs=(cores,)) as pool:
            running = {pool.submit(task, *args): _named(task, args) for task, args in chosen}
            for future in as_completed(running):
                line = replace(future.result(), plan=called, seed=plan.seed, task=running[future])
                line = replace(line, circuit=made_for(line))
                lines.append(line)
                if options.save:
                    save(options.save, [line])
                print(f"{line.probe}, {line.subject}: {line.tried} tried, {line.wrong} wrong, {line.seconds:.1f} s",
                      file=sys.stderr, flush=True)  # fmt: skip
    print(f"{time.monotonic() - began:.0f} s on {options.jobs} cores", file=sys.stderr)
    return lines


def _named(task: Callable[..., Line], args: tuple[object, ...]) -> str:
    return f"{task.__name__} {args[1:]}"


def _settle(cores: Queue[int]) -> None:
    """Keep a worker on one core, so that its kernels start no threads to wait for."""
    os.sched_setaffinity(0, {cores.get()})


def _solves(python: str) -> bool:
    """Whether this interpreter exists and has the solver."""
    if not Path(python).exists():
        return False
    return subprocess.run([python, "-c", "import cvc5"], capture_output=True, check=False).returncode == 0


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "none"


if __name__ == "__main__":
    sys.exit(main())
