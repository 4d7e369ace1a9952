"""What one cycle of a watch finds: conditions that hold, things that happened, and the state as it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zkstate.errors import EnvironmentFailure
from zkstate.publication.header import Header
from zkstate.state.text import plain

from .events import KINDS, MAX_TEXT, Event
from .folder import State


class Notes:
    """What one cycle of a watch has found so far. Words of others are made plain here, before anything keeps them."""

    def __init__(self, now: int, state: State) -> None:
        self.now, self.state = now, state
        self.found: dict[tuple[str, str], str] = {}
        self.unknown: set[str] = set()
        self.events: list[Event] = []
        self.told: list[Event] = []
        self.header: Header | None = None
        self.failed = False

    def find(self, kind: str, subject: str, text: str) -> None:
        """A condition that holds now."""
        assert KINDS[kind].stands
        self.found[kind, plain(subject)] = plain(text)

    def happen(self, kind: str, text: str, epoch: int | None = None) -> None:
        """Something that happens once."""
        assert not KINDS[kind].stands
        at = self.state.newest if epoch is None else epoch
        self.events.append(Event(self.now, kind, "happened", "", at, plain(text)[:MAX_TEXT]))

    @contextmanager
    def on_this_machine(self) -> Iterator[None]:
        """A step that fails on this machine's account is an alarm about the machine."""
        try:
            yield
        except EnvironmentFailure as error:
            self.find("machine", "folder", str(error))
