"""Several mirrors as one source: each is asked within limits, its bytes are checked, the next one is tried.

A mirror whose bytes fail their check has lied about that file; one that does not deliver is silent. Either
goes to the end of the queue, not out of it: two damaged mirrors may still hold everything between them.
"""

from __future__ import annotations

import copy
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from zkstate.errors import (
    DisagreementError,
    EnvironmentFailure,
    InputError,
    MissingError,
    SourceError,
    ZkstateError,
)
from zkstate.publication.mirrors import Mirror
from zkstate.publication.records import NoRecordError

T = TypeVar("T")

MAX_NOTES = 1000
"""Of one kind about one mirror: a rebuild asks for many thousand slices."""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one mirror did: files that passed their checks, and what it answered otherwise, in words."""

    name: str
    bytes_read: int
    served: int
    lied: tuple[str, ...]
    silent: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(slots=True)
class _Record:
    """A mirror and its conduct so far."""

    mirror: Mirror
    served: int = 0
    lied: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def note(self, error: ZkstateError) -> None:
        """File an error under what it says about the mirror.

        A bucket without the record counts as a lie: where it is the truth, recovery ends and blames nobody.
        """
        if isinstance(error, NoRecordError):
            kind, words = self.lied, self.words(error)
        elif isinstance(error, MissingError):
            kind, words = self.missing, str(error)
        elif isinstance(error, (SourceError, EnvironmentFailure)):
            kind, words = self.silent, str(error)
        else:
            kind, words = self.lied, self.words(error)
        if len(kind) < MAX_NOTES:
            kind.append(words)

    def words(self, error: ZkstateError) -> str:
        """The error with the mirror's name, which a mirror's own errors have in them."""
        words = str(error)
        return words if words.startswith(f"{self.mirror.name}: ") else f"{self.mirror.name}: {words}"

    def report(self) -> SourceReport:
        return SourceReport(
            self.mirror.name,
            self.mirror.bytes_read,
            self.served,
            tuple(self.lied),
            tuple(self.silent),
            tuple(self.missing),
        )


class Fleet:
    """Mirrors in the order in which they will be asked. Not for use by several threads at once."""

    def __init__(self, mirrors: Sequence[Mirror], *, request_s: float, grace_s: float) -> None:
        """`request_s` bounds one request; `grace_s` is how long a first right answer waits for the others."""
        if not mirrors:
            raise InputError("no mirror was given to read from")
        self._records = [_Record(mirror) for mirror in mirrors]
        self._queue = list(self._records)
        self._request_s, self._grace_s = request_s, grace_s

    def lane(self, first: int) -> Fleet:
        """The same mirrors under the same reports, with a queue of its own that begins at one of them.

        For files that one mirror has and the others lack, so that the search for each does not upset the rest.
        """
        lane = copy.copy(self)
        first %= len(self._records)
        lane._queue = self._records[first:] + self._records[:first]  # noqa: SLF001 (its own class)
        return lane

    def fetch(self, path: str, max_bytes: int, check: Callable[[bytes], T]) -> T:
        """What `check` makes of the first answer that it accepts.

        Errors, when no mirror is left: DisagreementError if one of them lied, MissingError if all lack the
        file, SourceError otherwise; the message holds the reason of each.
        """
        errors: list[tuple[_Record, ZkstateError]] = []
        for record in list(self._queue):
            try:
                value = check(record.mirror.get(path, max_bytes=max_bytes, timeout_s=self._request_s))
            except ZkstateError as error:
                record.note(error)
                errors.append((record, error))
                self._queue.remove(record)
                self._queue.append(record)
            else:
                record.served += 1
                return value
        raise _joint(path, errors)

    def poll(self, path: str, max_bytes: int, check: Callable[[bytes], T]) -> T:
        """As `fetch`, asking all mirrors at the same time; the quickest right ones lead the queue afterwards.

        A mirror that is still busy `grace_s` after the first right answer is noted as silent and goes behind.
        """
        answers: queue.SimpleQueue[tuple[_Record, T | ZkstateError]] = queue.SimpleQueue()
        waiting = list(self._queue)
        for record in waiting:
            threading.Thread(target=self._ask, args=(record, path, max_bytes, check, answers), daemon=True).start()
        good: list[tuple[_Record, T]] = []
        bad: list[tuple[_Record, ZkstateError]] = []
        deadline = time.monotonic() + self._request_s
        while waiting and (left := deadline - time.monotonic()) > 0:
            try:
                record, answer = answers.get(timeout=left)
            except queue.Empty:
                break
            waiting.remove(record)
            if isinstance(answer, ZkstateError):
                bad.append((record, answer))
                continue
            if not good:
                deadline = min(deadline, time.monotonic() + self._grace_s)
            good.append((record, answer))
        waited = self._grace_s if good else self._request_s
        bad += [(r, SourceError(f"{r.mirror.name}: {path}: no answer within {waited:g} s")) for r in waiting]
        for record, error in bad:
            record.note(error)
        for record, _ in good:
            record.served += 1
        self._queue = [record for record, _ in good] + [record for record, _ in bad]
        if not good:
            raise _joint(path, bad)
        return good[0][1]

    def _ask(
        self,
        record: _Record,
        path: str,
        max_bytes: int,
        check: Callable[[bytes], T],
        answers: queue.SimpleQueue[tuple[_Record, T | ZkstateError]],
    ) -> None:
        try:
            value = check(record.mirror.get(path, max_bytes=max_bytes, timeout_s=self._request_s))
        except ZkstateError as error:
            answers.put((record, error))
        else:
            answers.put((record, value))

    def reports(self) -> tuple[SourceReport, ...]:
        """The conduct of every mirror, in the order in which they were given."""
        return tuple(record.report() for record in self._records)


def _joint(path: str, bad: Sequence[tuple[_Record, ZkstateError]]) -> ZkstateError:
    """One error for a file that no mirror delivered, with the reason of each."""
    reasons = "; ".join(record.words(error) for record, error in bad)
    errors = [error for _, error in bad]
    if any(isinstance(error, (InputError, DisagreementError)) for error in errors):
        return DisagreementError(f"no mirror has a right {path}: {reasons}")
    if all(isinstance(error, MissingError) for error in errors):
        return MissingError(f"no mirror has {path}: {reasons}")
    return SourceError(f"no mirror delivered {path}: {reasons}")
