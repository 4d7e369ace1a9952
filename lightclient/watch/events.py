"""What a watch tells: kinds of events with their weight and exit code, and the alarms that stand at one time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import msgspec

MAX_TEXT = 600


@dataclass(frozen=True, slots=True)
class Kind:
    """`alert` kinds end `--until-alert`, with `code`; a condition must hold for `patience` cycles to raise its alarm.

    What `stands` is an alarm, raised and cleared; the other kinds happen.
    """

    alert: bool
    code: int
    patience: int = 1
    stands: bool = True


KINDS = {
    "registry-silent": Kind(True, 3, 3),
    "registry-disagrees": Kind(True, 4),
    "registry-code": Kind(True, 4),
    "node-left-out": Kind(False, 3, 3),
    "stale": Kind(True, 4),
    "halted": Kind(True, 4),
    "rollback-proposed": Kind(True, 4),
    "no-mirror": Kind(True, 3, 3),
    "mirror-silent": Kind(False, 3, 3),
    "mirror-behind": Kind(False, 3, 3),
    "mirror-wrong": Kind(False, 4),
    "backup-old": Kind(True, 3, 3),
    "not-in-epoch": Kind(True, 4),
    "not-recoverable": Kind(True, 3),
    "no-spare": Kind(False, 3),
    "not-stored": Kind(True, 5),
    "proof-not-prepared": Kind(True, 1),
    "webhook-failed": Kind(False, 5, 3),
    "machine": Kind(True, 5),
    "rolled-back": Kind(True, 4, stands=False),
    "epoch-replaced": Kind(True, 4, stands=False),
    "equivocation": Kind(True, 4, stands=False),
    "clock-jumped": Kind(False, 5, stands=False),
    "epoch": Kind(False, 0, stands=False),
    "recovered": Kind(False, 0, stands=False),
    "prepared": Kind(False, 0, stands=False),
    "sampled": Kind(False, 0, stands=False),
    "started": Kind(False, 0, stands=False),
    "stopped": Kind(False, 0, stands=False),
}


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happened, without secrets. `state` is `raised` or `cleared` of an alarm, else `happened`."""

    time: int
    kind: str
    state: str
    subject: str
    epoch: int
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]

    @property
    def is_alert(self) -> bool:
        """Whether somebody should look."""
        return KINDS[self.kind].alert and self.state != "cleared"

    def encode(self) -> bytes:
        """One line of JSON, with its end."""
        return msgspec.json.encode(self) + b"\n"


class Alarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition that stands since `since`, told as it was when it was raised."""

    kind: str
    subject: str
    since: int
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Alarms:
    """The alarms that stand. Their number is bounded by kinds times subjects, and subjects are named at the start."""

    def __init__(self, standing: Iterable[Alarm], *, patient: bool) -> None:
        """`patient` False raises every alarm at once, for a watch of one cycle."""
        self._standing = {(alarm.kind, alarm.subject): alarm for alarm in standing if alarm.kind in KINDS}
        self._counts: dict[tuple[str, str], int] = {}
        self._patient = patient

    @property
    def standing(self) -> tuple[Alarm, ...]:
        """In order of kind, then subject."""
        order = list(KINDS)
        return tuple(sorted(self._standing.values(), key=lambda alarm: (order.index(alarm.kind), alarm.subject)))

    def settle(self, now: int, epoch: int, found: dict[tuple[str, str], str], unknown: frozenset[str]) -> list[Event]:
        """Take the conditions of a cycle, as text by kind and subject; the alarms that this raises and clears.

        What a cycle could not look into, kinds in `unknown`, stays as it was.
        """
        events = []
        for key, text in found.items():
            self._counts[key] = self._counts.get(key, 0) + 1
            patience = KINDS[key[0]].patience if self._patient else 1
            if key not in self._standing and self._counts[key] >= patience:
                self._standing[key] = Alarm(*key, now, text[:MAX_TEXT])
                events.append(Event(now, key[0], "raised", key[1], epoch, text[:MAX_TEXT]))
        for key in [key for key in self._counts if key not in found and key[0] not in unknown]:
            del self._counts[key]
        for key in [key for key in self._standing if key not in found and key[0] not in unknown]:
            alarm = self._standing.pop(key)
            events.append(Event(now, alarm.kind, "cleared", alarm.subject, epoch, f"after {now - alarm.since} s"))
        return events
