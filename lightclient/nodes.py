"""Several servers asked the same question at the same time; those that fail are left out and remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from zkstate.errors import DisagreementError, InputError, MissingError, SourceError, StaleError, ZkstateError

T = TypeVar("T")


class Named(Protocol):
    """A server or folder by the name that reports use, which holds no secret."""

    @property
    def name(self) -> str: ...


S = TypeVar("S", bound=Named)


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What became of one node: `fault` is empty if everything it said held."""

    name: str
    fault: str


@dataclass(frozen=True, slots=True)
class Node(Generic[S]):
    """One server during one question, all of whose requests share a deadline on time.monotonic."""

    index: int
    source: S
    deadline: float

    @property
    def name(self) -> str:
        return self.source.name


class Panel(Generic[S]):
    """Servers in the order given. Not for use by several threads at once."""

    def __init__(self, sources: Sequence[S], timeout_s: float) -> None:
        """`timeout_s` bounds all requests of one question to one server together."""
        if not sources:
            raise InputError("no node was given to ask")
        self._sources = tuple(sources)
        self._timeout_s = timeout_s
        self._faults: dict[int, ZkstateError] = {}

    def ask(self, question: Callable[[Node[S]], T]) -> list[tuple[Node[S], T]]:
        """The answers of the nodes that are still trusted to be of use, in order; at least one.

        A question checks what it is told and raises if that does not hold, which leaves the node out for good.
        Errors: if none is left, one error for all of them.
        """
        deadline = time.monotonic() + self._timeout_s
        asked = [Node(i, source, deadline) for i, source in enumerate(self._sources) if i not in self._faults]
        if not asked:
            raise self._joint_fault()
        with ThreadPoolExecutor(max_workers=len(asked)) as pool:
            outcomes = list(pool.map(lambda node: _outcome(node, question), asked))
        answers: list[tuple[Node[S], T]] = []
        for node, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, ZkstateError):
                self._faults[node.index] = outcome
            else:
                answers.append((node, outcome))
        if not answers:
            raise self._joint_fault()
        return answers

    def leave_out(self, node: Node[S], error: ZkstateError) -> None:
        """Hold an answer against a node that was found to be wrong only after the question. The first fault counts."""
        self._faults.setdefault(node.index, _blamed(node, error))

    def reports(self) -> tuple[NodeReport, ...]:
        """The conduct of every node so far, in the order given."""
        return tuple(NodeReport(source.name, str(self._faults.get(i, ""))) for i, source in enumerate(self._sources))

    def _joint_fault(self) -> ZkstateError:
        faults = list(self._faults.values())
        words = "; ".join(map(str, faults))
        for kind in (StaleError, MissingError, SourceError):
            if all(isinstance(fault, kind) for fault in faults):
                return kind(words)
        return DisagreementError(words) if any(isinstance(f, DisagreementError) for f in faults) else SourceError(words)


def _outcome(node: Node[S], question: Callable[[Node[S]], T]) -> T | ZkstateError:
    try:
        return question(node)
    except (SourceError, DisagreementError, InputError) as error:
        return _blamed(node, error)


def _blamed(node: Node[S], error: ZkstateError) -> ZkstateError:
    """The error with the node's name in front and of the kind that says who is to blame."""
    if isinstance(error, SourceError):
        return error if str(error).startswith(node.name) else type(error)(f"{node.name}: {error}")
    if isinstance(error, StaleError):
        return StaleError(f"{node.name}: {error}")
    if isinstance(error, DisagreementError):
        return DisagreementError(f"{node.name}: {error}")
    return SourceError(f"{node.name}: unusable answer: {error}")
