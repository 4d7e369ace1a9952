"""One cycle of a watch, in this order: trust root, mirrors, alarms about both, the account, a sample, proofs.

What trust root and mirrors give is told before the rest begins, which a slow mirror or a long proof can hold up.

    trust root   the newest epoch and what the registry says of itself; nothing weaker takes its place when it fails
    mirrors      each is asked for that epoch's header; the order of use is by failures in a row, then as given
    account      recovered when the newest header is another than the held one's, from the mirrors in that order
    sample       of a new epoch at once, and again after each interval
    proofs       of a new account bundle

A step that fails raises its alarm and stops no other step that can do without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from zkstate.errors import (
    DisagreementError,
    EnvironmentFailure,
    InputError,
    MissingError,
    SourceError,
    ZkstateError,
)
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader, equivocation
from zkstate.publication.layout import HEADER, epoch_folder
from zkstate.publication.mirrors import Mirror
from zkstate.publication.records import NoRecordError
from zkstate.publication.trust import Trust, TrustRoot
from zkstate.state.identity import AccountKey

from ..recover import Limits, Recovery, recover
from ..registry_reader import RegistryReader
from ..sampling import Sample
from ..source import Fleet
from .contract import counted, words_of
from .events import Alarm, Event
from .folder import MAX_EQUIVOCATIONS, State, WatchFolder
from .followed import FollowedHeaders
from .notes import Notes
from .probe import BEHIND, SERVES, SILENT, WRONG, Probe, Prober
from .tasks import Prepare, Preparing, Sampling, Storing
from .telling import Telling, two_headers
from .webhook import Webhook

CLOCK_SKEW_S = 600
_ABOUT_REGISTRY = frozenset(
    {"registry-code", "stale", "trust-fell", "chain-broken", "halted", "rollback-proposed", "node-left-out"}
)
_CONDITIONS = {SILENT: "mirror-silent", BEHIND: "mirror-behind", WRONG: "mirror-wrong"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a watch is told. Times in seconds; `max_age_s` None leaves staleness to the registry's own limit.

    `sample` units are drawn of a new epoch, and again every `sample_s`; 0 draws none. `once` raises alarms at once.
    `trust` names what is asked of the trust root: a level is compared with one that was had under the same name.
    """

    max_age_s: int | None = None
    request_s: float = 10.0
    sample: int = 16
    sample_s: int = 3600
    once: bool = False
    trust: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A trust root for one cycle, and the sources of it that were left out: name and why."""

    root: TrustRoot
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a cycle saw. `trust` is None where the trust root failed, and `newest` is then what was known before."""

    time: int
    seconds: float
    trust: Trust | None
    newest: int
    newest_time: int
    held: int
    held_time: int
    mirrors: tuple[Probe, ...]
    alarms: tuple[Alarm, ...]
    events: tuple[Event, ...]
    happened: dict[str, int]
    sample: Sample | None
    recovery: Recovery | None
    failed: bool
    asks_registry: bool = True

    def rpo_s(self, now: float) -> int | None:
        """The age of the account that is held; None if none is."""
        return max(0, int(now) - self.held_time) if self.held else None


class Watcher:
    """A watch over one open folder. `open_root` gives a trust root, fresh for each cycle."""

    def __init__(
        self,
        folder: WatchFolder,
        mirrors: Sequence[Mirror],
        open_root: Callable[[], Opened],
        settings: Settings,
        *,
        key: AccountKey | None = None,
        proofs: Sequence[tuple[str, Prepare]] = (),
        store: Callable[[Path], None] | None = None,
        webhook: Webhook | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Each of `proofs` is the name of a statement and what proves it; `store` gets every new account bundle's file.

        InputError for another account's folder.
        """
        self._folder, self._open_root, self._settings = folder, open_root, settings
        self._mirrors, self._prober = tuple(mirrors), Prober(mirrors, settings.request_s)
        self._key, self._clock = key, clock
        self._telling = Telling(folder, webhook, patient=not settings.once)
        owner = "" if key is None else f"{key.owner:064x}"
        state = folder.state
        if state.owner and owner and state.owner != owner:
            raise InputError(f"{folder.root} is kept for owner {state.owner}, and the key's owner is {owner}")
        self._state = msgspec.structs.replace(state, owner=owner or state.owner)
        self._sampling = Sampling(settings.sample, settings.sample_s, settings.request_s)
        self._preparing, self._storing = Preparing(folder, proofs), Storing(folder, store)
        self._unkept: set[tuple[bytes, bytes]] = set()
        self._asks_registry = True

    def cycle(self) -> Report:
        """Look at everything once, keep what is new, and tell what changed.

        Errors: InputError if the folder is another venue's, or the trust root's options cannot be; EnvironmentFailure
        never: a disk that refuses is an alarm.
        """
        began = time.perf_counter()
        run = Notes(int(self._clock()), self._state)
        before = self._state
        if run.now + CLOCK_SKEW_S < before.looked_at:
            run.happen("clock-jumped", f"the clock went back from {before.looked_at} to {run.now}")
        root, trust = self._trusted(run)
        probes: tuple[Probe, ...] = ()
        recovery = None
        if root is not None:
            probes = self._mirrors_of(run)
        self._stale(run)
        self._telling.tell(run)
        if root is not None:
            recovery = self._account(run, root)
        self._outdated(run)
        self._telling.tell(run)
        if root is not None:
            self._sampling.run(run, self._prober)
            self._telling.tell(run)
        self._storing.run(run)
        self._preparing.run(run)
        return self._report(run, trust, probes, recovery, began)

    def _trusted(self, run: Notes) -> tuple[TrustRoot | None, Trust | None]:
        """The trust root, if it can be believed now, and what it knows, noted in the state."""
        try:
            opened = self._open_root()
            root = opened.root
            for name, fault in opened.left_out:
                run.find("node-left-out", name, fault)
            self._asks_registry = not isinstance(root, FollowedHeaders)
            if isinstance(root, FollowedHeaders):
                self._follow(run, root)
            if isinstance(root, RegistryReader):
                words_of(run, root)
            epoch, header_hash, trust = root.latest_epoch()
            if isinstance(root, RegistryReader):
                counted(run, root)
            self._compare(run, root, epoch, header_hash.hex())
            self._level(run, trust)
        except (SourceError, DisagreementError) as error:
            silent = isinstance(error, SourceError)
            run.find("registry-silent" if silent else "registry-disagrees", "", str(error))
            run.unknown |= _ABOUT_REGISTRY | {"mirror-silent", "mirror-behind", "mirror-wrong", "no-mirror"}
            run.unknown |= {"backup-old", "not-in-epoch", "not-recoverable", "no-spare"}
            run.failed = True
            return None, None
        return root, trust

    def _follow(self, run: Notes, root: FollowedHeaders) -> None:
        root.advance(Fleet(self._mirrors, request_s=self._settings.request_s, grace_s=0.25))
        for signed in (root.pinned, *root.believed):
            before = self._folder.header(signed.header.epoch)
            if before is not None:
                self._equivocates(run, signed, before)
            if before != signed:
                with run.on_this_machine():
                    self._folder.keep_header(signed)
        for one, other in root.contradicting:
            self._equivocates(run, one, other)
        for last, signed in root.broken:
            with run.on_this_machine():
                self._folder.keep_broken(last, signed)
            words = f"header {signed.header.hash.hex()} of epoch {signed.header.epoch}, signed by the same operator"
            run.find("chain-broken", "", f"{words}, does not go on from header {last.header.hash.hex()} before it")
        run.state = msgspec.structs.replace(run.state, pinned_hash=root.pinned.header.hash.hex())

    def _level(self, run: Notes, trust: Trust) -> None:
        """Hold the level of trust to the best that was had when the same was asked for."""
        asked, state = self._settings.trust, run.state
        if state.trust_asked == asked and state.trust_level and trust.level > state.trust_level:
            run.find("trust-fell", "", f"level {trust.level}, and it was {state.trust_level}: {trust.text}")
        else:
            run.state = msgspec.structs.replace(state, trust_asked=asked, trust_level=trust.level)

    def _compare(self, run: Notes, root: TrustRoot, epoch: int, header_hash: str) -> None:
        """What became of the epoch that was the newest, and what is the newest now."""
        known = run.state
        if known.newest and epoch < known.newest:
            run.happen("rolled-back", f"the newest epoch was {known.newest}, and is {epoch}", epoch)
        elif known.newest:
            there = header_hash if epoch == known.newest else _hash_now(root, known)
            if there != known.newest_hash:
                run.happen(
                    "epoch-replaced", f"epoch {known.newest} had hash {known.newest_hash}, and has {there}", epoch
                )
                one, other = self._folder.header(known.newest), self._fetched(known.newest, there)
                if one is not None and other is not None:
                    self._equivocates(run, other, one)
        if header_hash != known.newest_hash:
            run.happen("epoch", f"header hash {header_hash}", epoch)
        run.state = msgspec.structs.replace(known, newest=epoch, newest_hash=header_hash)

    def _mirrors_of(self, run: Notes) -> tuple[Probe, ...]:
        """Ask all mirrors for the newest header, and hold what they show against it."""
        epoch, believed = run.state.newest, bytes.fromhex(run.state.newest_hash)
        probes = self._prober.ask(epoch, believed)
        for probe in probes:
            if probe.condition != SERVES:
                run.find(_CONDITIONS[probe.condition], probe.name, probe.text)
        serving = [probe for probe in probes if probe.condition == SERVES]
        if not serving:
            run.find("no-mirror", "", f"no mirror has the header of epoch {epoch}")
            run.failed = True
        signed = self._header(run)
        others = [probe.other for probe in probes if probe.other is not None]
        before = self._folder.header(epoch)
        if signed is not None:
            for other in [*others, *([before] if before is not None else [])]:
                self._equivocates(run, signed, other)
            if before != signed:
                with run.on_this_machine():
                    self._folder.keep_header(signed)
        return probes

    def _stale(self, run: Notes) -> None:
        """Hold the newest epoch to the limit. One that is dated ahead has no age, and is stale by every limit."""
        limit, state = self._settings.max_age_s, run.state
        age = run.now - state.newest_time
        if state.newest and age < -CLOCK_SKEW_S:
            run.find("stale", "", f"epoch {state.newest} is dated {-age} s ahead of this machine's clock")
        elif limit is not None and state.newest and age > limit:
            run.find("stale", "", f"epoch {state.newest} is {age} s old; the limit is {limit} s")

    def _outdated(self, run: Notes) -> None:
        """Hold the held account to the limit."""
        limit, state = self._settings.max_age_s, run.state
        if limit is not None and state.held and state.held != state.newest and run.now - state.held_time > limit:
            age = run.now - state.held_time
            run.find(
                "backup-old", "age", f"the account held is of epoch {state.held}, {age} s old; the limit is {limit} s"
            )

    def _header(self, run: Notes) -> SignedHeader | None:
        """The newest header, from disk or a mirror; its time goes into the state. InputError for another venue's."""
        epoch, believed = run.state.newest, run.state.newest_hash
        kept = self._folder.header(epoch)
        if kept is None or kept.header.hash.hex() != believed:
            kept = self._fetched(epoch, believed)
        if kept is None:
            return None
        venue = f"{kept.header.venue:064x}"
        if run.state.venue and run.state.venue != venue:
            raise InputError(
                f"{self._folder.root} is kept for venue {run.state.venue}, and the trust root's is {venue}"
            )
        run.state = msgspec.structs.replace(run.state, venue=venue, newest_time=kept.header.time)
        run.header = kept.header
        return kept

    def _fetched(self, epoch: int, believed: str) -> SignedHeader | None:
        """The header of this hash, if a mirror shows it."""
        for mirror in self._prober.in_order():
            try:
                path = f"{epoch_folder(epoch)}/{HEADER}"
                data = mirror.get(path, max_bytes=SIGNED_BYTES, timeout_s=self._settings.request_s)
                signed = SignedHeader.decode(data)
            except ZkstateError:
                continue
            if signed.header.hash.hex() == believed:
                return signed
        return None

    def _equivocates(self, run: Notes, one: SignedHeader, other: SignedHeader) -> None:
        """Keep the proof, which is what `Telling` tells of once; where it cannot be kept, tell of it here."""
        if not equivocation(one, other):
            return
        kept = False
        with run.on_this_machine():
            kept = self._folder.keep_equivocation(one, other)
        first, second = sorted((one.header.hash, other.header.hash))
        if not kept and (first, second) not in self._unkept:
            if len(self._unkept) >= MAX_EQUIVOCATIONS:
                self._unkept.clear()
            self._unkept.add((first, second))
            words = f"{first.hex()} and {second.hex()}, which could not be kept"
            run.happen("equivocation", two_headers(one.header.epoch, words), one.header.epoch)

    def _account(self, run: Notes, root: TrustRoot) -> Recovery | None:
        """Recover the account if the newest header is another than that of the held bundle."""
        state = run.state
        if self._key is None or (
            state.held_hash == state.newest_hash and self._folder.bundle(state.held, state.held_hash)
        ):
            return None
        superseded = state.held >= state.newest or not state.held
        limits = Limits(
            request_s=self._settings.request_s,
            epochs_back=8 if superseded else min(8, state.newest - state.held - 1),
        )
        mirrors = self._prober.in_order()
        try:
            found = recover(self._key, mirrors, root, clock=self._clock, limits=limits)
            bundle = found.bundle
            self._folder.keep_bundle(bundle)
        except NoRecordError as error:
            run.find("not-in-epoch", "", str(error))
            return None
        except EnvironmentFailure as error:
            run.find("machine", "account", str(error))
            return None
        except (SourceError, DisagreementError, InputError) as error:
            run.find("backup-old", "", str(error))
            run.failed = True
            return None
        header: Header = bundle.header
        run.state = msgspec.structs.replace(
            run.state, held=header.epoch, held_hash=header.hash.hex(), held_time=header.time
        )
        for other in found.equivocations:
            self._equivocates(run, bundle.signed, other)
        run.happen(
            "recovered", f"{found.rpo_s} s old, in {found.rto_s:.3f} s, {found.bytes_read} bytes read", header.epoch
        )
        if header.hash.hex() != state.newest_hash:
            run.find("backup-old", "", "; ".join(found.skipped) or f"the newest epoch to be had is {header.epoch}")
        return found

    def _report(
        self, run: Notes, trust: Trust | None, probes: tuple[Probe, ...], recovery: Recovery | None, began: float
    ) -> Report:
        self._telling.settle(run)
        self._state = state = run.state
        return Report(
            time=run.now,
            seconds=time.perf_counter() - began,
            trust=trust,
            newest=state.newest,
            newest_time=state.newest_time,
            held=state.held,
            held_time=state.held_time,
            mirrors=probes,
            alarms=state.alarms,
            events=tuple(run.told),
            happened=dict(state.happened),
            sample=self._sampling.latest,
            recovery=recovery,
            failed=run.failed,
            asks_registry=self._asks_registry,
        )


def _hash_now(root: TrustRoot, known: State) -> str:
    """What a trust root says of the epoch that was the newest. Headers that are followed may begin behind it."""
    try:
        return root.epoch_hash(known.newest).hex()
    except MissingError:
        if not isinstance(root, FollowedHeaders):
            raise
        return known.newest_hash
