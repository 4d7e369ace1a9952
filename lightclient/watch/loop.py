"""When a watch looks next: after an interval with jitter, sooner after a failure and then ever later, never at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .cycle import Report, Watcher
from .events import KINDS

LEAST_S = 1.0
FIRST_RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between cycles. After the n-th failure in a row it is 5·2^(n−1), at most the interval; all ± 10 %."""

    interval_s: float

    def wait_s(self, failures: int, draw: random.Random) -> float:
        """How long to wait after so many failures in a row."""
        wait = self.interval_s if not failures else min(self.interval_s, FIRST_RETRY_S * 2.0 ** min(failures - 1, 32))
        return max(LEAST_S, wait * draw.uniform(0.9, 1.1))


def watch(watcher: Watcher, pace: Pace, wait: Callable[[float], object], draw: random.Random) -> Iterator[Report]:
    """One report a cycle, without end; `wait` sleeps between them."""
    failures = 0
    while True:
        report = watcher.cycle()
        yield report
        failures = failures + 1 if report.failed else 0
        wait(pace.wait_s(failures, draw))


def exit_code(report: Report) -> int:
    """0, or the exit code of the first alert among what stands and what happened."""
    alerts = [alarm.kind for alarm in report.alarms if KINDS[alarm.kind].alert]
    alerts += [event.kind for event in report.events if event.is_alert]
    return KINDS[alerts[0]].code if alerts else 0
