"""What a watch tells: kinds of events with their weight and exit code, and the alarms that stand at one time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import msgspec

MAX_TEXT = 600
WINDOW = 8


@dataclass(frozen=True, slots=True)
class Kind:
    """`alert` kinds end `--until-alert`, with `code`; a condition that held in `patience` of the last
    WINDOW cycles raises its alarm.

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
    "trust-fell": Kind(True, 3),
    "chain-broken": Kind(True, 4),
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
    "webhook-dropped": Kind(False, 5, stands=False),
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


class Recent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which of the last WINDOW cycles that could look a condition held: one bit each, the newest lowest."""

    kind: str
    subject: str
    seen: Annotated[int, msgspec.Meta(ge=1, lt=1 << WINDOW)]


class Alarms:
    """The alarms that stand. Their number is bounded by kinds times subjects, and subjects are named at the start."""

    def __init__(self, standing: Iterable[Alarm], recent: Iterable[Recent] = (), *, patient: bool) -> None:
        """`patient` False raises every alarm at once, for a watch of one cycle."""
        self._standing = {(alarm.kind, alarm.subject): alarm for alarm in standing if alarm.kind in KINDS}
        self._seen = {(one.kind, one.subject): one.seen for one in recent if one.kind in KINDS}
        self._looked: set[tuple[str, str]] = set()
        self._patient = patient

    @property
    def standing(self) -> tuple[Alarm, ...]:
        """In order of kind, then subject."""
        order = list(KINDS)
        return tuple(sorted(self._standing.values(), key=lambda alarm: (order.index(alarm.kind), alarm.subject)))

    @property
    def recent(self) -> tuple[Recent, ...]:
        """What has held lately, of conditions that must hold more than once."""
        return tuple(Recent(*key, seen) for key, seen in sorted(self._seen.items()))

    def rise(self, now: int, epoch: int, found: dict[tuple[str, str], str]) -> list[Event]:
        """The alarms that the conditions found so far raise; each counts once a cycle, however often it is named."""
        events = []
        for key, text in found.items():
            if key in self._looked:
                continue
            self._looked.add(key)
            patience = KINDS[key[0]].patience if self._patient else 1
            seen = (self._seen.get(key, 0) << 1 | 1) & ((1 << WINDOW) - 1)
            if patience > 1:
                self._seen[key] = seen
            if key not in self._standing and seen.bit_count() >= patience:
                self._standing[key] = Alarm(*key, now, text[:MAX_TEXT])
                events.append(Event(now, key[0], "raised", key[1], epoch, text[:MAX_TEXT]))
        return events

    def settle(self, now: int, epoch: int, found: dict[tuple[str, str], str], unknown: frozenset[str]) -> list[Event]:
        """End a cycle: the alarms that its conditions raise, and those that it clears.

        What a cycle could not look into, kinds in `unknown`, stays as it was. An alarm that is cleared begins anew.
        """
        events = self.rise(now, epoch, found)

        def over(key: tuple[str, str]) -> bool:
            return key not in found and key[0] not in unknown

        for key in filter(over, list(self._seen)):
            self._seen[key] = self._seen[key] << 1 & ((1 << WINDOW) - 1)
            if not self._seen[key]:
                del self._seen[key]
        for key in filter(over, list(self._standing)):
            alarm = self._standing.pop(key)
            self._seen.pop(key, None)
            events.append(Event(now, alarm.kind, "cleared", alarm.subject, epoch, f"after {now - alarm.since} s"))
        self._looked.clear()
        return events
