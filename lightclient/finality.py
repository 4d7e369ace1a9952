"""From a checkpoint that the reader chose to the newest finalized header, by sources of which none is believed.

    checkpoint → bootstrap → an update for every committee period → finality update → execution block

Every source is asked at the same time and everything it says is verified, so one honest source is enough and a lying
one is named. Nothing is forced, and there is no checkpoint but the reader's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from zkstate.errors import DisagreementError, InputError, MissingError, SourceError, StaleError
from zkstate.publication.trust import Finality

from .beacon import BeaconSource
from .consensus.follow import conflicts, is_ahead, is_old, pages, take
from .consensus.forks import ROWS, Chain
from .consensus.store import encode_update
from .consensus.sync import (
    LightClient,
    UpdateError,
    apply_update,
    are_conflicting,
    are_signed_twice,
    start,
    verify_age,
    verify_bootstrap,
    verify_update,
)
from .consensus.types import Bootstrap, Update
from .execution.header import BlockHeader
from .nodes import Node, NodeReport, Panel

MAX_FINALITY_AGE_S = 3_600


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two verified updates that contradict each other. `is_proof`: two thirds of one committee are behind each."""

    one: Update
    other: Update
    is_proof: bool

    def encode(self, chain: Chain) -> bytes:
        """Both updates as SSZ in the latest fork's form, one after the other."""
        return encode_update(self.one, chain) + encode_update(self.other, chain)

    def __str__(self) -> str:
        same = self.one.attested_header.slot == self.other.attested_header.slot
        kind, pair = (
            ("attested", (self.one.attested_header, self.other.attested_header))
            if same and self.one.attested_header.beacon != self.other.attested_header.beacon
            else ("finalized", (self.one.finalized_header, self.other.finalized_header))
        )
        roots = " and ".join(f"0x{header.beacon.root.hex()}" for header in pair)
        weight = "two thirds of a committee signed each" if self.is_proof else "not by two thirds each"
        return f"two {kind} headers of slot {pair[0].slot} are signed, {roots}: {weight}"


@dataclass(frozen=True, slots=True)
class Finalized:
    """A finalized execution block, and how it came to be believed."""

    chain: Chain
    block: BlockHeader
    finality: Finality
    participants: int  # of the update that made it final, 0 where the checkpoint or a saved state had it
    is_checkpoint: bool

    @classmethod
    def of(cls, client: LightClient, updates: Sequence[Update]) -> Finalized:
        """What a light client holds final after these updates. InputError before Capella: no block is signed there."""
        header, chain = client.finalized, client.chain
        if not ROWS[chain.fork_at(header.slot)].execution:
            raise InputError(f"the finalized header of slot {header.slot} is older than Capella and names no block")
        execution = header.execution
        signed = [one.sync_aggregate.participants for one in updates if one.finalized_header == header]
        return cls(
            chain,
            BlockHeader(
                execution.block_hash,
                execution.parent_hash,
                execution.state_root,
                execution.receipts_root,
                execution.block_number,
                execution.timestamp,
            ),
            Finality(header.slot, chain.time_of(header.slot), client.checkpoint),
            max(signed, default=0),
            header.beacon.root == client.checkpoint,
        )

    def __str__(self) -> str:
        slot, checkpoint = self.finality.slot, f"checkpoint 0x{self.finality.checkpoint.hex()}"
        if self.is_checkpoint:
            return (
                f"slot {slot} of {self.chain.name} is the {checkpoint} itself: no sync committee's signature stands "
                "behind it"
            )
        if not self.participants:
            return f"a saved state of this light client holds slot {slot} of {self.chain.name} final, from {checkpoint}"
        return (
            f"{self.participants} of {self.chain.committee_size} members of {self.chain.name}'s sync committee made "
            f"slot {slot} final, from {checkpoint}"
        )


@dataclass(frozen=True, slots=True)
class Followed:
    """A light client at the newest finalized header to be had, the updates that led there in order, and the rest."""

    client: LightClient
    bootstrap: Bootstrap | None  # None if it went on from a saved state
    updates: tuple[Update, ...]
    conflicts: tuple[Conflict, ...]
    reports: tuple[NodeReport, ...]

    @property
    def finalized(self) -> Finalized:
        """The execution block. Errors: those of Finalized.of; DisagreementError if two chains are signed.

        Which of two chains with two thirds behind each is the right one, no light client can tell.
        """
        proofs = [str(one) for one in self.conflicts if one.is_proof]
        if proofs:
            raise DisagreementError(proofs[0])
        return Finalized.of(self.client, self.updates)


def follow(
    sources: Sequence[BeaconSource],
    chain: Chain,
    begin: bytes | LightClient,
    *,
    timeout_s: float,
    max_checkpoint_age_s: float | None = None,
    max_finality_age_s: float | None = MAX_FINALITY_AGE_S,
    clock: Callable[[], float] = time.time,
) -> Followed:
    """Follow the chain from a checkpoint's block root, or from a saved state, to the newest finalized header.

    Errors, naming the sources: StaleError if the checkpoint, saved state or newest finalized header is older than its
    limit; MissingError if no source has the bootstrap; DisagreementError if all that answered lied; SourceError if
    none delivers, or no update of a period is to be had. `timeout_s` bounds one question to one source; the limit of a
    checkpoint's age is the chain's, unless another is given.
    """
    limit = chain.checkpoint_age_s if max_checkpoint_age_s is None else max_checkpoint_age_s
    return _Run(Panel(sources, timeout_s), chain, clock()).run(begin, limit, max_finality_age_s)


class _Run:
    """One pass over the sources at one time."""

    def __init__(self, panel: Panel[BeaconSource], chain: Chain, now: float) -> None:
        self._panel, self._chain, self._now = panel, chain, now
        self._slot = chain.slot_at(now)
        self._updates: list[Update] = []
        self._conflicts: list[Conflict] = []

    def run(
        self, begin: bytes | LightClient, max_checkpoint_age_s: float, max_finality_age_s: float | None
    ) -> Followed:
        if isinstance(begin, LightClient):
            bootstrap, client = None, begin
        else:
            bootstrap = self._bootstrap(begin)
            client = start(bootstrap, self._chain)
        verify_age(client.finalized, self._chain, self._slot, int(max_checkpoint_age_s // self._chain.seconds_per_slot))
        for first, count in pages(client.period, self._chain.period(self._slot)):
            client = self._page(client, first, count)
        client = self._finality(client)
        age = self._now - self._chain.time_of(client.finalized.slot)
        if max_finality_age_s is not None and age > max_finality_age_s:
            faults = "".join(f"; {report.fault}" for report in self._panel.reports() if report.fault)
            raise StaleError(
                f"the newest finalized header that any source shows is of slot {client.finalized.slot}, {age:.0f} s "
                f"old, more than {max_finality_age_s:g} s{faults}"
            )
        return Followed(client, bootstrap, tuple(self._updates), tuple(self._conflicts), self._panel.reports())

    def _bootstrap(self, root: bytes) -> Bootstrap:
        missing: list[str] = []

        def question(node: Node[BeaconSource]) -> Bootstrap | None:
            try:
                bootstrap = node.source.bootstrap(root, self._chain, node.deadline)
            except MissingError as error:
                missing.append(str(error))  # it may still have updates
                return None
            verify_bootstrap(bootstrap, root, self._chain)
            return bootstrap

        found = [bootstrap for _, bootstrap in self._panel.ask(question) if bootstrap is not None]
        if not found:
            raise MissingError(
                f"no source has the bootstrap of checkpoint 0x{root.hex()}: {'; '.join(sorted(set(missing)))}"
            )
        return found[0]

    def _page(self, client: LightClient, first: int, count: int) -> LightClient:
        """All sources' updates of one page taken together: what one lacks, another may have."""
        answers = self._panel.ask(lambda node: node.source.updates(first, count, self._chain, node.deadline))
        owner = {id(update): node for node, updates in answers for update in updates}
        taken = take(client, [one for _, updates in answers for one in updates], self._slot, sources=len(answers))
        for update, words in taken.refused:
            self._panel.leave_out(owner[id(update)], UpdateError(words))
        for _, updates in answers:
            found = conflicts(client, taken.accepted, updates, self._slot)
            self._note(*(Conflict(a, b, are_signed_twice(a, b, self._chain)) for a, b in found))
        self._updates += taken.accepted
        return taken.client

    def _finality(self, client: LightClient) -> LightClient:
        def question(node: Node[BeaconSource]) -> Update | None:
            try:
                update = node.source.finality_update(self._chain, node.deadline)
            except MissingError:
                return None
            if is_ahead(client, update, self._slot):
                raise SourceError(
                    f"its finality update is signed in period {self._chain.period(update.signature_slot)}, and no "
                    f"source has the updates after period {client.period}"
                )
            if is_old(client, update):
                return None
            verify_update(client, update, self._slot)
            return update

        found = [update for _, update in self._panel.ask(question) if update is not None]
        for one, other in combinations(found, 2):
            if are_conflicting(one, other):
                self._note(Conflict(one, other, are_signed_twice(one, other, self._chain)))
        for update in sorted(found, key=lambda update: update.attested_header.slot):
            if not is_old(client, update) and not is_ahead(client, update, self._slot):
                client = apply_update(client, update)
                self._updates.append(update)
        return client

    def _note(self, *found: Conflict) -> None:
        """Sources that repeat one another make one conflict, whichever side came first."""
        for conflict in found:
            if all({conflict.one, conflict.other} != {known.one, known.other} for known in self._conflicts):
                self._conflicts.append(conflict)
