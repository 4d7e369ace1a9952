"""Catching up: from the period of the finalized header to the present, by pages of updates of a source that may lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from zkstate.errors import InputError, ZkstateError

from .sync import LightClient, UpdateError, apply_update, verify_age, verify_update
from .types import Update
from .wire import MAX_UPDATES

# (first period, number of periods) -> the updates a source has for them, in any order, with gaps
Fetch = Callable[[int, int], Iterable[Update]]

# Of one page, read and verified at most: an honest one has one update a period
_READ, _VERIFIED = 8 * MAX_UPDATES, 2 * MAX_UPDATES


@dataclass(frozen=True, slots=True)
class Progress:
    """Where catching up ended, which updates were refused, with the rule each broke, and how the source failed."""

    client: LightClient
    refused: tuple[str, ...]


def pages(first: int, last: int) -> Iterator[tuple[int, int]]:
    """(first, count) of the requests that cover the periods first to last: nodes answer at most 128 at once."""
    for start in range(first, last + 1, MAX_UPDATES):
        yield start, min(MAX_UPDATES, last + 1 - start)


def catch_up(client: LightClient, fetch: Fetch, current_slot: int, *, max_age_slots: int) -> Progress:
    """Take every update up to the present that verifies. A refused one is reported and skipped; nothing is forced.

    A source that has no update of a period stops the chain of committees there: the result says how far it came by its
    `client.period`, and the same call goes on later or with another source. A ZkstateError of `fetch` ends it as well:
    `refused` has its message last. Errors: those of verify_age, where the finalized header is too old to follow.
    """
    verify_age(client.finalized, client.chain, current_slot, max_age_slots)
    refused: list[str] = []
    for start, count in pages(client.period, client.chain.period(current_slot)):
        try:
            answer = list(islice(fetch(start, count), _READ))
        except ZkstateError as error:
            refused.append(str(error))
            break
        updates = [update for update in answer if not is_old(client, update)]
        for update in sorted(updates, key=lambda update: update.attested_header.slot)[:_VERIFIED]:
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
