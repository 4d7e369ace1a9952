"""The table of a run: tried, wrong, seconds and seed of every probe; and its section of docs/soundness.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.marked import replaced
from tests.soundness.suite import Line

BEGIN, END = "<!-- table: written by tests/soundness/table.py -->", "<!-- end of table -->"
TOGETHER = {"enumerate", "unique outputs", "delete every row"}  # one line for all gadgets
HEAD = "| probe | of | tried | wrong | CPU s | plan | seed | |\n|---|---|---:|---:|---:|---|---|---|"


def table(lines: Iterable[Line]) -> str:
    """Markdown, gadgets summed up by probe; what is wrong or named is listed below."""
    rows, notes = [], []
    together: dict[str, list[Line]] = {}
    for line in lines:
        notes += [f"- {line.probe}, {line.subject}: {note}" for note in line.notes]
        if line.wrong and not line.notes:
            notes.append(f"- {line.probe}, {line.subject}: wrong ({line.said})")
        if line.probe in TOGETHER:
            together.setdefault(line.probe, []).append(line)
        else:
            rows.append(line)
    rows += [_summed(probe, group) for probe, group in together.items()]
    rows.sort(key=lambda line: (line.probe, line.subject))
    cells = [
        f"| {r.probe} | {r.subject} | {r.tried:,} | {r.wrong} | {r.seconds:.1f} | {r.plan} | {r.seed} | {r.said} |"
        for r in rows
    ]
    total = f"{sum(r.tried for r in rows):,} tried, {sum(r.wrong for r in rows)} wrong, "
    total += f"{sum(r.seconds for r in rows):,.0f} s of one core."
    return "\n".join([HEAD, *cells, "", total, *(["", *sorted(notes)] if notes else [])])


def _summed(probe: str, group: Sequence[Line]) -> Line:
    """One line for all gadgets, or for all small circuits of them."""
    tried, wrong = sum(line.tried for line in group), sum(line.wrong for line in group)
    seconds = sum(line.seconds for line in group)
    plans, seeds = sorted({line.plan for line in group}), sorted({line.seed for line in group})
    said = f"{len(group)} circuits" if probe == "enumerate" else _counted(group)
    return Line(probe, "every gadget", tried, wrong, seconds, said, (), ", ".join(plans), ", ".join(seeds))


def _counted(group: Sequence[Line]) -> str:
    """What the lines of all gadgets say, numbers added up."""
    if group[0].probe == "delete every row":
        parts = [[int(part.split()[0]) for part in line.said.split(", ")] for line in group]
        attacks, derived, second, named = map(sum, zip(*parts, strict=True))
        return f"{attacks} attacks, {derived} by derived inputs alone, {second} second witnesses, {named} named"
    rules = sum("propagation yes" in line.said for line in group)
    solved = sum("cvc5 unsat" in line.said for line in group)
    asked = sum("not asked" not in line.said for line in group)
    rest = [line.subject for line in group if "enumerated" in line.said]
    unknown = f"; unknown to both and enumerated instead: {', '.join(rest)}" if rest else ""
    return f"propagation proves {rules}; cvc5 proves {solved} of {asked} asked, {asked - solved} unknown{unknown}"


def save(path: Path, line: Line, task: str = "") -> None:
    """Append a line to a file of lines, one JSON object each, with the name of the task that gave it."""
    with path.open("a") as file:
        file.write(json.dumps(asdict(line) | {"task": task}) + "\n")


def load(path: Path) -> list[Line]:
    """The lines of a file, the last one of each probe and subject."""
    found: dict[tuple[str, str], Line] = {}
    for read in _read(path):
        line = Line(**{name: value for name, value in read.items() if name != "task"} | {"notes": tuple(read["notes"])})
        found[line.probe, line.subject] = line
    return list(found.values())


def done(path: Path, plan: str, seed: str) -> set[str]:
    """The tasks of a plan and a seed whose lines a file has; none if there is no such file."""
    lines = _read(path) if path.exists() else []
    return {line["task"] for line in lines if (line["plan"], line["seed"]) == (plan, seed)}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text().splitlines()]


def write(document: Path, lines: Iterable[Line], words: str) -> None:
    """Put the table into a document, between its marks."""
    made = f"## The table of the last run\n\n{words}\n\n{table(lines)}\n"
    document.write_text(replaced(document.read_text(), BEGIN, END, made))
