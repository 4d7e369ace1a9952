"""Run every soundness probe and print the table: tried, wrong, seconds, seed. Exit status 1 if anything is wrong.

python -m tests.soundness [--full] [--seed TEXT] [--jobs N] [--solver PYTHON] [--only WORD]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.soundness.suite import Line, Plan, tasks

SOLVER = Path(".venv-soundness/bin/python")
TOGETHER = {"enumerate", "unique outputs", "delete every row"}  # one line for all gadgets


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soundness", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every size class, 100,000 invalid proofs a statement")
    parser.add_argument("--seed", default=_commit(), help="any text; the commit by default, so that samples rotate")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--solver", default=str(SOLVER) if SOLVER.exists() else "", help="Python that has cvc5-gpl")
    parser.add_argument("--only", default="", help="tasks whose name or subject holds this")
    options = parser.parse_args()
    if not options.solver:
        print("cvc5-gpl is not installed (make soundness does): uniqueness by propagation and enumeration alone")
    plan = Plan(options.seed, options.full, options.solver)
    chosen = [(run, args) for run, args in tasks(plan) if options.only in f"{run.__name__} {args[1:]}"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zkstate-soundness-") as cache:
        os.environ.setdefault("ZKSTATE_CACHE", cache)
        with ProcessPoolExecutor(options.jobs) as pool:
            waiting = [pool.submit(run, *args) for run, args in chosen]
            lines = []
            for future in as_completed(waiting):
                lines.append(line := future.result())
                print(f"{line.probe}, {line.subject}: {line.tried} tried, {line.wrong} wrong, {line.seconds:.1f} s",
                      file=sys.stderr, flush=True)  # fmt: skip
    print(table(lines, plan.seed))
    print(f"\n{sum(line.tried for line in lines):,} tried, {sum(line.wrong for line in lines)} wrong, "
          f"{time.monotonic() - began:.0f} s on {options.jobs} cores, seed {plan.seed}")  # fmt: skip
    return int(any(line.wrong for line in lines))


def table(lines: Iterable[Line], seed: str) -> str:
    """Markdown, gadgets summed up by probe; what is wrong or named is listed below."""
    rows, notes, together = [], [], {}
    for line in lines:
        notes += [f"- {line.probe}, {line.subject}: {note}" for note in line.notes]
        if line.wrong and not line.notes:
            notes.append(f"- {line.probe}, {line.subject}: wrong ({line.said})")
        if line.probe in TOGETHER:
            together.setdefault(line.probe, []).append(line)
        else:
            rows.append(line)
    for probe, group in together.items():
        said = f"{len(group)} circuits" if probe == "enumerate" else _counted(group)
        tried, wrong = sum(line.tried for line in group), sum(line.wrong for line in group)
        rows.append(Line(probe, "every gadget", tried, wrong, sum(line.seconds for line in group), said))
    out = ["| probe | of | tried | wrong | CPU s | seed | |", "|---|---|---:|---:|---:|---|---|"]
    out += [
        f"| {r.probe} | {r.subject} | {r.tried:,} | {r.wrong} | {r.seconds:.1f} | {seed} | {r.said} |"
        for r in sorted(rows, key=lambda r: (r.probe, r.subject))
    ]
    return "\n".join([*out, "", *notes])


def _counted(group: list[Line]) -> str:
    """What the lines of all gadgets say, numbers added up."""
    if group[0].probe == "delete every row":
        parts = [[int(part.split()[0]) for part in line.said.split(", ")] for line in group]
        attacks, second, named = map(sum, zip(*parts, strict=True))
        return f"{attacks} attacks, {second} second witnesses, {named} named"
    rules = sum("propagation yes" in line.said for line in group)
    solved = sum("cvc5 unsat" in line.said for line in group)
    asked = sum("not asked" not in line.said for line in group)
    rest = sum("enumerated" in line.said for line in group)
    return f"propagation {rules}; cvc5 {solved} of {asked} asked, {asked - solved} unknown; {rest} left to enumeration"


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "none"


if __name__ == "__main__":
    sys.exit(main())
