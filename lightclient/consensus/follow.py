"""Catching up: from the period of the finalized header to the present, by pages of updates of sources that may lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from zkstate.errors import InputError, ZkstateError

from .sync import LightClient, UpdateError, apply_update, are_conflicting, verify_age, verify_update
from .types import Update
from .wire import MAX_UPDATES

# (first period, number of periods) -> the updates a source has for them, in any order, with gaps
Fetch = Callable[[int, int], Iterable[Update]]

# Of one page, read and verified at most: an honest one has one update a period
_READ, _VERIFIED = 8 * MAX_UPDATES, 2 * MAX_UPDATES


@dataclass(frozen=True, slots=True)
class Taken:
    """What one answer was good for: where it led, by which updates, and which were refused and why."""

    client: LightClient
    accepted: tuple[Update, ...]
    refused: tuple[tuple[Update, str], ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where catching up ended, by which updates, and which were refused, with the rule each broke."""

    client: LightClient
    accepted: tuple[Update, ...]
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
    accepted: list[Update] = []
    refused: list[str] = []
    for start, count in pages(client.period, client.chain.period(current_slot)):
        try:
            taken = take(client, fetch(start, count), current_slot)
        except ZkstateError as error:
            refused.append(str(error))
            break
        client = taken.client
        accepted += taken.accepted
        refused += (words for _, words in taken.refused)
    return Progress(client, tuple(accepted), tuple(refused))


def take(client: LightClient, updates: Iterable[Update], current_slot: int, *, sources: int = 1) -> Taken:
    """Apply every update of so many answers that verifies, oldest first, reading no more than honest ones hold.

    One that a committee signed which is not known yet is passed over: a gap before it is not its sender's fault.
    """
    accepted: list[Update] = []
    refused: list[tuple[Update, str]] = []
    news = [update for update in islice(updates, sources * _READ) if not is_old(client, update)]
    for update in sorted(news, key=lambda update: update.attested_header.slot)[: sources * _VERIFIED]:
        if is_old(client, update) or is_ahead(client, update, current_slot):
            continue
        try:
            verify_update(client, update, current_slot)
        except (UpdateError, InputError) as error:
            refused.append((update, str(error)))
        else:
            client = apply_update(client, update)
            accepted.append(update)
    return Taken(client, tuple(accepted), tuple(refused))


def conflicts(
    client: LightClient, accepted: Iterable[Update], others: Iterable[Update], current_slot: int
) -> list[tuple[Update, Update]]:
    """Pairs of an accepted update and another one that contradicts it and verifies too, both from the state `client`
    that they were offered to.

    What neither the committees of that state nor those that the accepted updates brought signed is no conflict.
    """
    accepted = list(accepted)
    suspects = [(one, other) for one in accepted for other in others if are_conflicting(one, other)]
    found = []
    for one, other in suspects[:_VERIFIED]:
        at = client
        for before in accepted:
            if before is one:
                break
            at = apply_update(at, before)
        try:
            verify_update(at, other, current_slot)
        except (UpdateError, InputError):
            continue
        found.append((one, other))
    return found


def is_old(client: LightClient, update: Update) -> bool:
    """Does an update say nothing that is not known, so that refusing it would accuse nobody?"""
    known = client.following is not None or not update.has_next_committee
    return known and update.attested_header.slot <= client.finalized.slot


def is_ahead(client: LightClient, update: Update, current_slot: int) -> bool:
    """Is it signed by now, but in a period whose committee no update has brought yet?"""
    signed_in = client.chain.period(update.signature_slot)
    return update.signature_slot <= current_slot and signed_in > client.period + (client.following is not None)
