"""What a verb says: one JSON object or readable text on stdout, words and progress on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from zkstate.errors import EnvironmentFailure
from zkstate.publication.progress import Progress as Listener
from zkstate.publication.progress import silent
from zkstate.state.text import is_plain, plain

PLAIN_WIDTH = 160
MAX_NOTES = 4

Facts = Sequence[tuple[str, str]]
"""Lines of a readable result: what, and its value."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where one run of a verb prints: `json` asks for one object on stdout instead of text for people."""

    json: bool = False

    def emit(self, result: Mapping[str, object], render: Callable[[Console], None]) -> None:
        """The result of the verb: as one JSON object, or as `render` draws it. A closed pipe is not an error.

        EnvironmentFailure if stdout refuses it, as a full disk does; what is emitted afterwards goes nowhere.
        """
        self._write(
            (lambda: render(stdout_console())) if not self.json else lambda: sys.stdout.write(pretty_json(result))
        )

    def emit_line(self, line: str) -> None:
        """One line of a result that has no end. As `emit`."""
        self._write(lambda: sys.stdout.write(f"{_escaped(line) if self.json else plain(line)}\n"))

    def _write(self, write: Callable[[], object]) -> None:
        try:
            write()
            sys.stdout.flush()
        except BrokenPipeError:
            _silence_stdout()
        except OSError as error:
            _silence_stdout()
            raise EnvironmentFailure(f"the result cannot be written to stdout: {error.strerror}") from error

    def say(self, words: str) -> None:
        """One line of words on stderr."""
        with suppress(OSError):
            sys.stderr.write(f"zkstate: {shown(words)}\n")

    @contextmanager
    def progress(self, words: str) -> Iterator[Listener]:
        """While the block runs, show on a terminal that it does: yields what long work reports its progress to."""
        if self.json or not sys.stderr.isatty():
            yield silent
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(words, total=None)

            def listen(step: str, done: int, total: int) -> None:
                part = f", {100 * done // total} %" if total > 0 else ""
                bar.update(task, description=f"{words}: {step}{part}")

            yield listen


def pretty_json(value: Mapping[str, object]) -> str:
    """One JSON object as a person would lay it out, with an end of line. No string in it moves a terminal's cursor."""
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:  # the name of a file can be any bytes
        encoded = msgspec.json.encode(_text(value))
    return _escaped(msgspec.json.format(encoded, indent=2).decode()) + "\n"


def _text(value: object) -> object:
    """A value with a question mark for each half of a surrogate pair in its strings."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {_text(name): _text(item) for name, item in value.items()}
    return [_text(item) for item in value] if isinstance(value, list | tuple) else value


def shown(text: str) -> str:
    """Text of one or several lines, fit for a terminal whoever wrote it: all but ends of lines made plain."""
    return "\n".join(plain(line) for line in text.split("\n"))


def _escaped(json: str) -> str:
    """JSON with an escape for each code point in its strings that is not plain."""
    return "\n".join(
        "".join(sign if is_plain(sign) else dumps(sign)[1:-1] for sign in line) if not is_plain(line) else line
        for line in json.split("\n")
    )


def show_facts(console: Console, facts: Facts) -> None:
    """Two columns: what, and its value; wrapped on a terminal, one line each elsewhere."""
    if not console.is_terminal:
        width = max(len(what) for what, _ in facts)
        for what, value in facts:
            console.out(plain(f"{what:<{width}}  {value}".rstrip()), highlight=False)
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for what, value in facts:
        table.add_row(Text(plain(what)), Text(plain(value)))
    console.print(table)


def show_judgement(console: Console, accepted: bool, reasons: Sequence[str], facts: Facts) -> None:
    """Accepted or rejected, why, and the facts behind it."""
    console.print("accepted" if accepted else "rejected", style="bold green" if accepted else "bold red")
    for reason in reasons:
        console.print(Text(f"  because {plain(reason)}", style="red"), soft_wrap=True)
    show_facts(console, facts)


def shortened(notes: Sequence[str], elsewhere: str) -> list[str]:
    """The first few of many notes, and where the others are."""
    if len(notes) <= MAX_NOTES:
        return list(notes)
    return [*notes[:MAX_NOTES], f"and {len(notes) - MAX_NOTES} more notes like these: see {elsewhere}"]


def size_text(size: int) -> str:
    """A number of bytes for people."""
    if size < 10_000:
        return f"{size} bytes"
    return f"{size / 1024:.1f} KiB" if size < 10 << 20 else f"{size / 2**20:.1f} MiB"


def duration_text(seconds: float) -> str:
    """A duration for people."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


class _Stdout(Console):
    """A console that leaves a closed pipe to `Terminal.emit`, where rich would exit with the code of a false proof.

    What it is given to show is made plain: names, and what a server answered, are words of others.
    """

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError

    def out(self, *objects: object, sep: str = " ", end: str = "\n", **options: Any) -> None:  # noqa: ANN401 (rich's)
        super().out(*(shown(str(one)) for one in objects), sep=sep, end=end, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for part in super().render(renderable, options):
            yield part if part.control else Segment(shown(part.text), part.style)


def stdout_console() -> Console:
    """A console on stdout, of a fixed width where that is no terminal."""
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return _Stdout(file=sys.stdout, width=width, highlight=False)


def open_missing_streams() -> None:
    """Give a process that was started with stdout or stderr closed one that leads nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 (open as long as the process)


def _silence_stdout() -> None:
    """Send what is still to be written to stdout nowhere: its reader has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
