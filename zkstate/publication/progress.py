"""How long work tells how far it is: a callback, since nothing below the command line prints."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""progress(step, done, total): called now and then with the step's name and the part of it that is done."""


def silent(step: str, done: int, total: int) -> None:
    """The callback of those who do not listen."""
