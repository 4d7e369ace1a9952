"""Catching up: from the period of the finalized header to the present, by pages of updates of a source that may lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from zkstate.errors import InputError

from .sync import LightClient, UpdateError, apply_update, verify_update
from .types import Update
from .wire import MAX_UPDATES

# (first period, number of periods) -> the updates a source has for them, in any order, with gaps
Fetch = Callable[[int, int], Iterable[Update]]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where catching up ended, and which updates were refused, with the rule each broke."""

    client: LightClient
    refused: tuple[str, ...]


def pages(first: int, last: int) -> Iterator[tuple[int, int]]:
    """(first, count) of the requests that cover the periods first to last: nodes answer at most 128 at once."""
    for start in range(first, last + 1, MAX_UPDATES):
        yield start, min(MAX_UPDATES, last + 1 - start)


def catch_up(client: LightClient, fetch: Fetch, current_slot: int) -> Progress:
    """Take every update up to the present that verifies. A refused one is reported and skipped; nothing is forced.

    A source that has no update of a period stops the chain of committees there: the result says how far it came by its
    `client.period`, and the same call goes on later or with another source.
    """
    refused: list[str] = []
    for start, count in pages(client.period, client.chain.period(current_slot)):
        updates = sorted(fetch(start, count), key=lambda update: update.attested_header.slot)
        for update in updates[: 2 * MAX_UPDATES]:
            if is_old(client, update):
                continue
            try:
                verify_update(client, update, current_slot)
            except (UpdateError, InputError) as error:
                refused.append(str(error))
            else:
                client = apply_update(client, update)
    return Progress(client, tuple(refused))


def is_old(client: LightClient, update: Update) -> bool:
    """Does an update say nothing that is not known, so that refusing it would accuse nobody?"""
    known = client.following is not None or not update.has_next_committee
    return known and update.attested_header.slot <= client.finalized.slot
