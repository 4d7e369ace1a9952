"""One cycle of a watch, in this order: trust root, mirrors, alarms about both, the account, a sample, proofs.

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

from zkstate.errors import DisagreementError, EnvironmentFailure, InputError, SourceError, ZkstateError
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader, equivocation
from zkstate.publication.layout import HEADER, MAX_EPOCH, epoch_folder
from zkstate.publication.mirrors import Mirror
from zkstate.publication.records import NoRecordError
from zkstate.publication.trust import Trust, TrustRoot
from zkstate.state.identity import AccountKey

from ..recover import Limits, Recovery, recover
from ..registry_reader import RegistryReader
from ..sampling import Sample
from ..source import Fleet
from .events import KINDS, Alarm, Alarms, Event
from .folder import MAX_PENDING, WatchFolder
from .followed import FollowedHeaders
from .notes import Notes
from .probe import BEHIND, SERVES, SILENT, WRONG, Probe, Prober
from .tasks import Prepare, Preparing, Sampling, Storing
from .webhook import Webhook

CLOCK_SKEW_S = 600
MAX_TIME = (1 << 64) - 1
_ABOUT_REGISTRY = frozenset({"registry-code", "stale", "halted", "rollback-proposed", "node-left-out"})
_CONDITIONS = {SILENT: "mirror-silent", BEHIND: "mirror-behind", WRONG: "mirror-wrong"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a watch is told. Times in seconds; `max_age_s` None leaves staleness to the registry's own limit.

    `sample` units are drawn of a new epoch, and again every `sample_s`; 0 draws none. `once` raises alarms at once.
    """

    max_age_s: int | None = None
    request_s: float = 10.0
    sample: int = 16
    sample_s: int = 3600
    once: bool = False


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
        self._key, self._webhook, self._clock = key, webhook, clock
        self._alarms = Alarms(folder.state.alarms, patient=not settings.once)
        owner = "" if key is None else f"{key.owner:064x}"
        state = folder.state
        if state.owner and owner and state.owner != owner:
            raise InputError(f"{folder.root} is kept for owner {state.owner}, and the key's owner is {owner}")
        self._state = msgspec.structs.replace(state, owner=owner or state.owner)
        self._sampling = Sampling(settings.sample, settings.sample_s, settings.request_s)
        self._preparing, self._storing = Preparing(folder, proofs), Storing(folder, store)
        self._webhook_fault = ""

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
            recovery = self._account(run, root)
            self._sampling.run(run, self._prober)
        self._ages(run)
        self._storing.run(run)
        self._preparing.run(run)
        if self._webhook_fault:
            run.find("webhook-failed", "", self._webhook_fault)
        return self._settled(run, trust, probes, recovery, time.perf_counter() - began)

    def _trusted(self, run: Notes) -> tuple[TrustRoot | None, Trust | None]:
        """The trust root, if it can be believed now, and what it knows, noted in the state."""
        try:
            opened = self._open_root()
            root = opened.root
            for name, fault in opened.left_out:
                run.find("node-left-out", name, fault)
            if isinstance(root, FollowedHeaders):
                self._follow(run, root)
            if isinstance(root, RegistryReader):
                self._registry(run, root)
            epoch, header_hash, trust = root.latest_epoch()
            if isinstance(root, RegistryReader):
                self._counted(run, root)
            self._compare(run, root, epoch, header_hash.hex())
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
        for signed in root.believed:
            with run.on_this_machine():
                self._folder.keep_header(signed)
        for one, other in root.contradicting:
            self._equivocates(run, one, other)

    def _registry(self, run: Notes, root: RegistryReader) -> None:
        """What the registry says of itself."""
        state, terms = root.state(), root.state().terms
        if terms is None:
            run.find("registry-code", "", state.remarks[0])
        elif run.now - (state.latest_time or terms.deployed_at) > terms.staleness_limit_s:
            words = f"epoch {state.latest_epoch} is of {state.latest_time}"
            words += f", silence begins after {terms.staleness_limit_s} s"
            run.find("stale", "registry", f"by the registry's own limit: {words}")
        if state.halted:
            run.find("halted", "", f"governance has halted the registry, seen at block {state.block.number}")
        if state.rollback is not None:
            epoch, ready_at = state.rollback
            run.find("rollback-proposed", "", f"governance may roll back to epoch {epoch} from {ready_at} on")

    def _counted(self, run: Notes, root: RegistryReader) -> None:
        """The nodes that were left out, and the time of the newest epoch.

        DisagreementError for an epoch or a time that no header of a venue has: only another contract can say so.
        """
        for report in root.reports():
            if report.fault:
                run.find("node-left-out", report.name, report.fault)
        state = root.state()
        for name, value, most in (("epoch", state.latest_epoch, MAX_EPOCH), ("time", state.latest_time, MAX_TIME)):
            if value > most:
                raise DisagreementError(f"the registry's newest {name} is {value}, and the largest there is is {most}")
        run.state = msgspec.structs.replace(run.state, newest_time=state.latest_time)

    def _compare(self, run: Notes, root: TrustRoot, epoch: int, header_hash: str) -> None:
        """What became of the epoch that was the newest, and what is the newest now."""
        known = run.state
        if known.newest and epoch < known.newest:
            run.happen("rolled-back", f"the newest epoch was {known.newest}, and is {epoch}", epoch)
        elif known.newest:
            there = header_hash if epoch == known.newest else root.epoch_hash(known.newest).hex()
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

    def _ages(self, run: Notes) -> None:
        """Hold the newest epoch and the held account to the limit. One that is dated ahead has no age, and is stale."""
        limit, state = self._settings.max_age_s, run.state
        age = run.now - state.newest_time
        if limit is not None and state.newest and not -CLOCK_SKEW_S <= age <= limit:
            run.find("stale", "", f"epoch {state.newest} is {age} s old; the limit is {limit} s")
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
        """Keep the proof, and tell of it once."""
        if not equivocation(one, other):
            return
        with run.on_this_machine():
            kept = self._folder.keep_equivocation(one, other)
            if kept is not None:
                run.happen(
                    "equivocation",
                    f"the venue signed two headers for epoch {one.header.epoch}, {one.header.hash.hex()} and "
                    f"{other.header.hash.hex()}: kept in equivocations/{kept.name}",
                    one.header.epoch,
                )

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

    def _settled(
        self, run: Notes, trust: Trust | None, probes: tuple[Probe, ...], recovery: Recovery | None, seconds: float
    ) -> Report:
        """Raise and clear alarms, keep log and state, and tell the webhook.

        The log comes first: a kill in between has an event told twice, and none lost.
        """
        events = run.events + self._alarms.settle(run.now, run.state.newest, run.found, frozenset(run.unknown))
        happened = dict(run.state.happened)
        for event in run.events:
            happened[event.kind] = happened.get(event.kind, 0) + 1
        pending = run.state.pending
        if self._webhook is not None:
            pending = (*pending, *(event for event in events if event.is_alert))[-MAX_PENDING:]
        state = msgspec.structs.replace(
            run.state,
            alarms=self._alarms.standing,
            pending=pending,
            happened=happened,
            looked_at=run.now - run.now % 3600,  # to the hour, so that a cycle without news writes nothing
        )
        try:
            self._folder.log(events)
            self._folder.save(state)
            if self._webhook is not None:
                left, self._webhook_fault = self._webhook.tell(state.pending)
                state = msgspec.structs.replace(state, pending=left)
                self._folder.save(state)
        except EnvironmentFailure as error:
            found = {("machine", "disk"): str(error)}
            events += self._alarms.settle(run.now, run.state.newest, found, frozenset(KINDS))
            state = msgspec.structs.replace(state, alarms=self._alarms.standing)
        self._state = state
        return Report(
            time=run.now,
            seconds=seconds,
            trust=trust,
            newest=state.newest,
            newest_time=state.newest_time,
            held=state.held,
            held_time=state.held_time,
            mirrors=probes,
            alarms=self._alarms.standing,
            events=tuple(events),
            happened=happened,
            sample=self._sampling.latest,
            recovery=recovery,
            failed=run.failed,
        )
