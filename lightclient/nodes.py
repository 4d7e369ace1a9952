"""Several execution nodes asked the same question at the same time; those that fail are left out and remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from zkstate.errors import DisagreementError, InputError, MissingError, SourceError, StaleError, ZkstateError
from zkstate.registry.rpc import JsonRpc

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What became of one node: `fault` is empty if everything it said held."""

    name: str
    fault: str


@dataclass(frozen=True, slots=True)
class Node:
    """One node during one question, all of whose requests share a deadline."""

    index: int
    rpc: JsonRpc
    deadline: float

    @property
    def name(self) -> str:
        return self.rpc.name

    def call(self, method: str, params: Sequence[object]) -> object:
        return self.rpc.call(method, params, self.deadline)


class Panel:
    """Nodes in the order given. Not for use by several threads at once."""

    def __init__(self, urls: Sequence[str], timeout_s: float) -> None:
        """`timeout_s` bounds all requests of one question to one node together."""
        if not urls:
            raise InputError("no node was given to ask")
        self._nodes = tuple(JsonRpc(url, timeout_s) for url in urls)
        self._timeout_s = timeout_s
        self._faults: dict[int, ZkstateError] = {}

    def ask(self, question: Callable[[Node], T]) -> list[tuple[Node, T]]:
        """The answers of the nodes that are still trusted to be of use, in order; at least one.

        A question checks what it is told and raises if that does not hold, which leaves the node out for good.
        Errors: if none is left, one error for all of them.
        """
        deadline = time.monotonic() + self._timeout_s
        asked = [Node(i, rpc, deadline) for i, rpc in enumerate(self._nodes) if i not in self._faults]
        with ThreadPoolExecutor(max_workers=len(asked)) as pool:
            outcomes = list(pool.map(lambda node: _outcome(node, question), asked))
        answers: list[tuple[Node, T]] = []
        for node, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, ZkstateError):
                self._faults[node.index] = outcome
            else:
                answers.append((node, outcome))
        if not answers:
            raise self._joint_fault()
        return answers

    def reports(self) -> tuple[NodeReport, ...]:
        """The conduct of every node so far, in the order given."""
        return tuple(NodeReport(rpc.name, str(self._faults.get(i, ""))) for i, rpc in enumerate(self._nodes))

    def _joint_fault(self) -> ZkstateError:
        faults = list(self._faults.values())
        words = "; ".join(map(str, faults))
        for kind in (StaleError, MissingError, SourceError):
            if all(isinstance(fault, kind) for fault in faults):
                return kind(words)
        return DisagreementError(words) if any(isinstance(f, DisagreementError) for f in faults) else SourceError(words)


def _outcome(node: Node, question: Callable[[Node], T]) -> T | ZkstateError:
    """The answer, or the error with the node's name in front and of the kind that says who is to blame."""
    try:
        return question(node)
    except SourceError as error:
        return error if str(error).startswith(node.name) else type(error)(f"{node.name}: {error}")
    except StaleError as error:
        return StaleError(f"{node.name}: {error}")
    except DisagreementError as error:
        return DisagreementError(f"{node.name}: {error}")
    except InputError as error:
        return SourceError(f"{node.name}: unusable answer: {error}")
