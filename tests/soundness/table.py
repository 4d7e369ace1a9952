"""The table of a run: tried, wrong, seconds and seed of every probe; and its section of docs/soundness.md.

A line says which circuit it was made for; where that is not the one of today the table marks it. The lines that the
document shows are kept in `lines.jsonl`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.marked import replaced
from tests.soundness.line import Line, counted, made_for, together
from zkstate.atomic import replace_file

BEGIN, END = "<!-- table: written by tests/soundness/table.py -->", "<!-- end of table -->"
KEPT = Path(__file__).with_name("lines.jsonl")
TOGETHER = {"enumerate", "unique outputs", "delete every row"}  # one line for all gadgets
HEAD = "| probe | of | circuit | tried | wrong | CPU s | plan | seed | |\n|---|---|---|---:|---:|---:|---|---|---|"


def table(lines: Iterable[Line]) -> str:
    """Markdown, gadgets summed up by probe; what is wrong or named is listed below."""
    notes: list[str] = []
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        notes += [f"- {line.probe}, {line.subject}: {note}" for note in line.notes]
        if line.wrong and not line.notes:
            notes.append(f"- {line.probe}, {line.subject}: wrong ({line.said})")
        groups[line.probe, "" if line.probe in TOGETHER else line.subject].append(line)
    rows = [_summed(*group) for group in groups.values()]
    rows.sort(key=lambda row: (row[0].probe, row[0].subject))
    cells = [
        f"| {r.probe} | {r.subject} | {_marked(r.circuit, today)} | {r.tried:,} | {r.wrong} | {r.seconds:.1f}"
        f" | {r.plan} | {r.seed} | {r.said} |"
        for r, today in rows
    ]
    older = sum(r.circuit != today for r, today in rows)
    words = (
        f"{sum(r.tried for r, _ in rows):,} tried, {sum(r.wrong for r, _ in rows)} wrong, "
        f"{sum(r.seconds for r, _ in rows):,.0f} s of one core. "
        f"{older} of {len(rows)} lines are of circuits that have changed since."
    )
    return "\n".join([HEAD, *cells, "", words, *(["", *sorted(notes)] if notes else [])])


def _marked(circuit: str, today: str) -> str:
    return circuit if circuit == today else f"**older: {circuit or 'unknown'}, now {today or 'none'}**"


def _summed(*group: Line) -> tuple[Line, str]:
    """One line for all gadgets, or for all small circuits of them, and the circuit that it would be made for today."""
    today = [made_for(line) for line in group]
    first = group[0]
    if first.probe not in TOGETHER:
        return first, today[0]
    tried, wrong = sum(line.tried for line in group), sum(line.wrong for line in group)
    seconds = sum(line.seconds for line in group)
    plans, seeds = sorted({line.plan for line in group}), sorted({line.seed for line in group})
    said = f"{len(group)} circuits" if first.probe == "enumerate" else _counted(group)
    circuit = together([line.circuit for line in group])
    line = Line(
        first.probe, "every gadget", tried, wrong, seconds, said, (), ", ".join(plans), ", ".join(seeds), circuit
    )
    return line, together(today)


def _counted(group: Sequence[Line]) -> str:
    """What the lines of all gadgets say, numbers added up."""
    if group[0].probe == "delete every row":
        attacks, derived, second, named = map(sum, zip(*(counted(line.said) for line in group), strict=True))
        return f"{attacks} attacks, {derived} by derived inputs alone, {second} second witnesses, {named} named"
    rules = sum("propagation yes" in line.said for line in group)
    solved = sum("cvc5 unsat" in line.said for line in group)
    asked = sum("not asked" not in line.said for line in group)
    rest = [line.subject for line in group if "enumerated" in line.said]
    unknown = f"; unknown to both and enumerated instead: {', '.join(rest)}" if rest else ""
    return f"propagation proves {rules}; cvc5 proves {solved} of {asked} asked, {asked - solved} unknown{unknown}"


def save(path: Path, lines: Iterable[Line]) -> None:
    """Put lines into a file of lines, one JSON object each, in place of those of the same probe and subject."""
    found = {(line.probe, line.subject): line for line in [*(load(path) if path.exists() else []), *lines]}
    replace_file(path, "".join(json.dumps(asdict(found[key])) + "\n" for key in sorted(found)).encode())


def load(path: Path) -> list[Line]:
    """The lines of a file."""
    read = [json.loads(text) for text in path.read_text("utf-8").splitlines()]
    return [Line(**each | {name: tuple(each.get(name, ())) for name in ("notes", "left")}) for each in read]


def write(document: Path, lines: Iterable[Line], words: str) -> None:
    """Put the table into a document, between its marks."""
    made = f"## The table of the last run\n\n{words}\n\n{table(lines)}\n"
    document.write_text(replaced(document.read_text("utf-8"), BEGIN, END, made), "utf-8")
