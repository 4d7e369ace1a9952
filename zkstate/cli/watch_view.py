"""What a watch shows: a picture that stays on a terminal, plain lines elsewhere, or a line of JSON an event."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lightclient.watch.cycle import Report
from lightclient.watch.events import KINDS, Event
from lightclient.watch.probe import SERVES
from zkstate.cli.headers import age_text, time_text
from zkstate.cli.terminal import Terminal, duration_text, show_facts, stdout_console
from zkstate.state.text import plain

LAST_EVENTS = 8
_STYLES = {SERVES: "green"}


class View:
    """Shows one report after the other, and sleeps between them."""

    def __init__(self, terminal: Terminal, once: bool, live: Live | None) -> None:
        self._terminal, self._once, self._live = terminal, once, live
        self._events: deque[Event] = deque(maxlen=LAST_EVENTS)
        self._report: Report | None = None
        self._next = math.inf

    @classmethod
    @contextmanager
    def on(cls, terminal: Terminal, once: bool) -> Iterator[View]:
        """The view that fits stdout."""
        console = stdout_console()
        if once or terminal.json or not console.is_terminal:
            yield cls(terminal, once, None)
            return
        with Live(console=console, auto_refresh=False) as live:
            yield cls(terminal, once, live)

    def show(self, report: Report) -> None:
        """One more cycle."""
        self._report = report
        self._events.extend(report.events)
        if self._live is not None:
            self._live.update(self._picture(report), refresh=True)
            return
        for event in report.events:
            if self._terminal.json and not self._once:
                self._terminal.emit_line(msgspec.json.encode(event).decode())
            elif not self._terminal.json:
                self._terminal.emit_line(event_text(event))
        if self._terminal.json and not self._once:
            self._terminal.emit_line(msgspec.json.encode({"kind": "cycle", **report_result(report)}).decode())

    def wait(self, seconds: float) -> None:
        """Sleep; a picture is drawn anew every second, for its ages and clock."""
        self._next = time.monotonic() + seconds
        if self._live is None:
            time.sleep(seconds)
            return
        while (left := self._next - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            assert self._report is not None
            self._live.update(self._picture(self._report), refresh=True)

    def draw(self, console: Console) -> None:
        """The last report as facts."""
        if self._report is not None:
            show_facts(console, report_facts(self._report, int(time.time())))

    def _picture(self, report: Report) -> Group:
        facts = Table.grid(padding=(0, 2))
        for what, value in report_facts(report, int(time.time())):
            facts.add_row(Text(what, style="bold"), Text(value, style="red" if what == "alarm" else ""))
        events = [Text(event_text(event), style="red" if event.is_alert else "dim") for event in self._events]
        left = max(0.0, self._next - time.monotonic())
        ahead = "" if math.isinf(left) else f"next cycle in {left:.0f} s"
        return Group(facts, Text(""), *events, Text(ahead, style="dim"))


def report_facts(report: Report, now: int) -> list[tuple[str, str]]:
    """A cycle for people."""
    believed = report.trust
    trust = "nothing is believed: see the alarms" if believed is None else f"({believed.level}) {plain(believed.text)}"
    age = report.rpo_s(now)
    held = "no account" if age is None else f"epoch {report.held}, {age_text(age)} old (RPO)"
    return [
        ("watched", f"at {time_text(report.time)}, in {duration_text(report.seconds)}"),
        ("trust", trust),
        ("newest", f"epoch {report.newest}, {age_text(now - report.newest_time)} old" if report.newest else "none"),
        ("held", held),
        *(("alarm", f"{alarm.kind}: {alarm.text or alarm.subject}") for alarm in report.alarms),
        *([] if report.alarms else [("alarms", "none")]),
        *(("mirror", f"{probe.name}: {probe.condition}") for probe in report.mirrors),
        ("sample", "none was drawn" if report.sample is None else plain(str(report.sample))),
    ]


def report_result(report: Report) -> dict[str, object]:
    """A cycle in JSON."""
    sample = report.sample
    return {
        "time": report.time,
        "seconds": round(report.seconds, 6),
        "trust": None if report.trust is None else {"level": report.trust.level, "text": report.trust.text},
        "newest_epoch": report.newest,
        "newest_time": report.newest_time,
        "held_epoch": report.held or None,
        "rpo_s": report.rpo_s(report.time),
        "mirrors": [{"name": one.name, "condition": one.condition, "text": one.text} for one in report.mirrors],
        "sample": None
        if sample is None
        else {
            "unit": sample.unit,
            "units": sample.units,
            "drawn": sample.asked,
            "lost": sample.lost,
            "needed": sample.needed,
            "fewest": sample.fewest,
            "at_most_lost": None if sample.lost else sample.at_most_lost(),
            "confidence": 0.999,
            "bytes_read": sample.bytes_read,
        },
        "alarms": [
            {
                "kind": one.kind,
                "alert": KINDS[one.kind].alert,
                "subject": one.subject,
                "since": one.since,
                "text": one.text,
            }
            for one in report.alarms
        ],
        "happened": report.happened,
    }


def event_text(event: Event) -> str:
    """An event on one line."""
    words = f"{event.kind} {event.state}" if event.state != "happened" else event.kind
    text = " ".join(part for part in (event.subject, event.text) if part)
    weight = "alert" if event.is_alert else "note "
    return f"{time_text(event.time)}  {weight}  epoch {event.epoch}  {words}{': ' * bool(text)}{text}"
