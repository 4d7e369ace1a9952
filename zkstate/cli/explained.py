"""What `inspect` found out about a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from zkstate.cli.terminal import Facts


@dataclass(frozen=True, slots=True)
class Explained:
    """What a file is: its members as JSON, the facts for people, and what is drawn below them."""

    kind: str
    members: Mapping[str, object]
    facts: Facts
    draw: Callable[[Console], None] | None = None


def worded(members: Mapping[Any, object]) -> list[tuple[str, str]]:
    """Members as facts."""
    return [(str(name).replace("_", " "), str(value)) for name, value in members.items()]
