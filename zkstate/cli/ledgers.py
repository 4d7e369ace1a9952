"""Which ledger a command means: a file or folder, or a generated venue."""

from __future__ import annotations

from argparse import ArgumentTypeError
from dataclasses import replace
from pathlib import Path

from zkstate.cli.arguments import whole
from zkstate.errors import InputError
from zkstate.state.ledger import MAX_ACCOUNTS, Ledger
from zkstate.state.ledger_read import read_ledger
from zkstate.state.synthetic import synthetic_ledger
from zkstate.state.synthetic_journal import with_events

SYNTHETIC, PORTFOLIO = "synthetic:", ":portfolio"
SEED = 1


def open_ledger(place: str, time: int | None, since: int | None = None) -> Ledger:
    """The ledger at a path, or `synthetic:N`, or `synthetic:N:portfolio`; at `time` if given, else at the ledger's own.

    A generated one has entries after `since`, the time of the epoch before.

    InputError if neither gives a time, or N is not a number of accounts.
    """
    if place.startswith(SYNTHETIC):
        size = place.removeprefix(SYNTHETIC)
        of_portfolio = size.endswith(PORTFOLIO)
        count = _size(size.removesuffix(PORTFOLIO))
        ledger = synthetic_ledger(SEED, count, with_keys=False, with_portfolio=of_portfolio)
        return with_events(ledger if time is None else replace(ledger, time=time), since)
    ledger = read_ledger(Path(place))
    if time is not None:
        return replace(ledger, time=time)
    if not ledger.time:
        raise InputError(f"{place} states no time, and a state has one: give --time")
    return ledger


def _size(text: str) -> int:
    try:
        return whole(1, MAX_ACCOUNTS)(text)
    except ArgumentTypeError as error:
        raise InputError(f"{SYNTHETIC}{text}: {error}") from None
