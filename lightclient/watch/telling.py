"""Telling what a cycle found: alarms, the log, the state and the webhook, so that a kill at any time loses nothing."""

from __future__ import annotations

import msgspec

from zkstate.errors import EnvironmentFailure

from .events import Alarms, Event
from .folder import MAX_PENDING, MAX_UNLOGGED, WatchFolder
from .notes import Notes
from .webhook import Webhook

_DISK = ("machine", "disk")


class Telling:
    """Tells of a cycle in parts, as it goes on. The log comes before the state, and the state before the mark of a pair
    that was told of: a kill in between has an event told twice, and none lost. What the log refuses is kept in the
    state, at most MAX_UNLOGGED events, and told first when it takes it.
    """

    def __init__(self, folder: WatchFolder, webhook: Webhook | None, *, patient: bool) -> None:
        self._folder, self._webhook = folder, webhook
        self._alarms = Alarms(folder.state.alarms, folder.state.recent, patient=patient)
        self._said: set[str] = set()
        self._unmarked: list[str] = []

    def tell(self, run: Notes) -> None:
        """What has been found and has happened since the last call; the webhook is not asked again in a cycle in which
        it failed.
        """
        self._unmarked += self._pairs(run)
        self._take(run, self._alarms.rise(run.now, run.state.newest, run.found))
        if self._keep(run):
            with run.on_this_machine():
                while self._unmarked:
                    self._folder.mark_told(self._unmarked[0])
                    del self._unmarked[0]
        if self._webhook is not None and ("webhook-failed", "") not in run.found:
            left, fault = self._webhook.tell(run.state.pending)
            run.state = msgspec.structs.replace(run.state, pending=left)
            if fault:
                run.find("webhook-failed", "", fault)
            self._keep(run)

    def settle(self, run: Notes) -> None:
        """The end of a cycle: what is left to tell, and the alarms that are over."""
        self.tell(run)
        looked_at = run.now - run.now % 3600  # to the hour, so that a cycle without news writes nothing
        run.state = msgspec.structs.replace(run.state, looked_at=looked_at)
        self._take(run, self._alarms.settle(run.now, run.state.newest, run.found, frozenset(run.unknown)))
        self._keep(run)
        late = self._alarms.rise(run.now, run.state.newest, {k: v for k, v in run.found.items() if k == _DISK})
        self._take(run, late)

    def _pairs(self, run: Notes) -> list[str]:
        """The pairs of headers that were kept and not told of, in this run or one that was killed."""
        names: list[str] = []
        with run.on_this_machine():
            names = [name for name in self._folder.untold() if name not in self._said]
        for name in names:
            self._said.add(name)
            epoch = int(name.partition("-")[0])
            run.happen("equivocation", two_headers(epoch, f"kept in equivocations/{name}"), epoch)
        return names

    def _take(self, run: Notes, raised: list[Event]) -> None:
        """What happened and these go into the state, as what is to be logged and told."""
        state = run.state
        pending = state.pending
        if self._webhook is not None:
            pending += tuple(event for event in (*run.events, *raised) if event.is_alert)
            if len(pending) > MAX_PENDING:
                words = f"{len(pending) - MAX_PENDING} alerts of {MAX_PENDING} that may wait were not told, the oldest"
                run.happen("webhook-dropped", words)
        happened = dict(state.happened)
        for event in run.events:
            happened[event.kind] = happened.get(event.kind, 0) + 1
        fresh = (*run.events, *raised)
        run.told += fresh
        run.events = []
        run.state = msgspec.structs.replace(
            state,
            alarms=self._alarms.standing,
            recent=self._alarms.recent,
            pending=pending[-MAX_PENDING:],
            happened=happened,
            unlogged=(*state.unlogged, *fresh)[-MAX_UNLOGGED:],
        )

    def _keep(self, run: Notes) -> bool:
        """Log and state on disk; a disk that refuses is an alarm. Whether one of them has all there is to tell."""
        kept = 0
        for keep in (self._log, self._save):
            try:
                keep(run)
                kept += 1
            except EnvironmentFailure as error:
                run.find(*_DISK, str(error))
        return kept > 0

    def _log(self, run: Notes) -> None:
        self._folder.log(list(run.state.unlogged))
        run.state = msgspec.structs.replace(run.state, unlogged=())

    def _save(self, run: Notes) -> None:
        self._folder.save(run.state)


def two_headers(epoch: int, where: str) -> str:
    """What is said of an equivocation."""
    return f"the venue signed two headers for epoch {epoch}: {where}"
