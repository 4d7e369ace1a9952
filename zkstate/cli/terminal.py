"""What a verb says: one JSON object or readable text on stdout, words and progress on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

PLAIN_WIDTH = 120

type_of_result = Mapping[str, object]


@dataclass(slots=True)
class Terminal:
    """Where one run of a verb prints, and how long its steps took.

    `steps` holds (words, seconds) of every finished step, in order.
    """

    json: bool = False
    steps: list[tuple[str, float]] = field(default_factory=list)

    def emit(self, result: Mapping[str, object], render: Callable[[Console], None]) -> None:
        """The result of the verb: as one JSON object, or as `render` draws it. A closed pipe is not an error."""
        try:
            if self.json:
                sys.stdout.write(msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n")
            else:
                render(self.console())
            sys.stdout.flush()
        except BrokenPipeError:
            silence_stdout()

    def console(self) -> Console:
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        return Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False)

    def say(self, words: str) -> None:
        """One line of words on stderr."""
        line = f"zkstate: {words}\n"
        if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
            Console(file=sys.stderr, highlight=False, soft_wrap=True).print(Text(line), end="")
        else:
            sys.stderr.write(line)

    @contextmanager
    def step(self, words: str) -> Iterator[Callable[[int, int], None]]:
        """Time a step and, on a terminal, show that it is going on. Yields progress(done, total)."""
        began = time.perf_counter()
        if self.json or not sys.stderr.isatty():
            yield lambda _done, _total: None
        else:
            with Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            ) as progress:
                task = progress.add_task(words, total=None)
                yield lambda done, total: progress.update(task, completed=done, total=total)
        self.steps.append((words, time.perf_counter() - began))


def silence_stdout() -> None:
    """Send what is still to be written to stdout nowhere: its reader has gone."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a descriptor, not a path, is wanted
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
