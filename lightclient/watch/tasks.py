"""What a watch does now and then: draw a sample of an epoch, back up a new account bundle, and make proofs of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from zkstate.errors import DisagreementError, EnvironmentFailure, InputError, SourceError, ZkstateError

from ..sampling import Sample, sample_epoch
from .folder import WatchFolder
from .notes import Notes
from .probe import Prober

Prepare = Callable[[Path, Path], None]
"""prepare(account bundle, where the proof goes). Errors: any ZkstateError."""


class Sampling:
    """`count` units of each new epoch, and of the newest after each `every_s`; none if `count` is 0."""

    def __init__(self, count: int, every_s: int, request_s: float) -> None:
        self._count, self._every_s, self._request_s = count, every_s, request_s
        self._begun = False
        self._fault = self._thin = ""
        self.latest: Sample | None = None

    def run(self, run: Notes, prober: Prober) -> None:
        """Draw a sample where one is due; what the last one found holds until the next."""
        state = run.state
        due = state.sampled_hash != state.newest_hash or not 0 <= run.now - state.sampled_at < self._every_s
        if self._count and run.header is not None and (due or not self._begun):
            self._begun, self.latest, self._fault, self._thin = True, None, "", ""
            try:
                sample = sample_epoch(prober.in_order(), run.header, self._count, request_s=self._request_s)
            except (SourceError, DisagreementError, InputError) as error:
                self._fault = str(error)
            else:
                self.latest = sample
                self._fault = str(sample) if sample.lost else ""
                self._thin = "" if sample.fewest > sample.needed or sample.count <= sample.needed else str(sample)
                run.happen("sampled", str(sample))
            run.state = msgspec.structs.replace(state, sampled_at=run.now, sampled_hash=state.newest_hash)
        if self._fault:
            run.find("not-recoverable", "", self._fault)
        elif self._thin:
            run.find("no-spare", "", self._thin)


class Storing:
    """Each new account bundle handed on to a store of backups, until it takes it."""

    def __init__(self, folder: WatchFolder, store: Callable[[Path], None] | None) -> None:
        self._folder, self._store = folder, store

    def run(self, run: Notes) -> None:
        """Hand the held bundle on, if it has not been."""
        state = run.state
        bundle = self._folder.bundle(state.held, state.held_hash) if state.held else None
        if self._store is None or bundle is None or state.stored_hash == state.held_hash:
            return
        try:
            self._store(bundle)
        except ZkstateError as error:
            run.find("not-stored", "", str(error))
        else:
            run.state = msgspec.structs.replace(state, stored_hash=state.held_hash)


class Preparing:
    """Proofs of the held account, made once for each bundle; again if this machine was what failed."""

    def __init__(self, folder: WatchFolder, proofs: Sequence[tuple[str, Prepare]]) -> None:
        self._folder, self._proofs = folder, tuple(proofs)
        self._faults: dict[str, str] = {}

    def run(self, run: Notes) -> None:
        """Make what is wanted of the held bundle and not there."""
        state = run.state
        bundle = self._folder.bundle(state.held, state.held_hash) if state.held else None
        if self._proofs and bundle is not None and state.prepared_hash != state.held_hash:
            self._faults, again = {}, False
            for number, (statement, prepare) in enumerate(self._proofs, start=1):
                place = self._folder.place_of_proof(number, statement, state.held, state.held_hash)
                try:
                    if not place.exists():
                        prepare(bundle, place)
                    self._folder.prune_proofs(number)
                except ZkstateError as error:
                    again = again or isinstance(error, EnvironmentFailure)
                    self._faults[f"{number} {statement}"] = str(error)
                else:
                    run.happen("prepared", f"{statement}: prepared/{place.name}", state.held)
            if not again:
                run.state = msgspec.structs.replace(run.state, prepared_hash=state.held_hash)
        for subject, words in self._faults.items():
            run.find("proof-not-prepared", subject, words)
