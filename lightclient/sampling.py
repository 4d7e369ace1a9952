"""Sampling: whether an epoch can still be rebuilt from what mirrors serve, told from a few random parts of it.

What is drawn are stripes of the shards, or files where the venue made none. The draw is without replacement, so with u
of N units lost the chance that m drawn ones show none of it is C(N − u, m) / C(N, m), exactly. The bound is about the
draw alone: it holds against any state of the mirrors that was fixed before, and says nothing of mirrors that answer
this reader and no other, fetch from one another, or stop serving afterwards (docs/spec.md, section 16).
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from zkstate.errors import DisagreementError, InputError, LengthError, MissingError, SourceError
from zkstate.publication.header import Header
from zkstate.publication.layout import MANIFEST, SHARDS, epoch_folder
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Entry, Manifest
from zkstate.publication.mirrors import Mirror
from zkstate.publication.shards import MAX_PLAN_BYTES, MAX_SLICE_FILE, Archive, ShardPlan, slice_path

from .history import in_epoch
from .source import Fleet

DOUBT = Fraction(1, 1000)
MAX_UNIT_FILE = 64 << 20
MAX_WORDS = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """What drawing `asked` of an epoch's `units` showed: `lost` of them were not to be had.

    `needed` right slices of `count` rebuild a stripe; of files one copy is needed, and `count` mirrors were asked.
    `fewest` is how many the poorest unit drawn had. `faults` are the first of what mirrors did wrong.
    """

    epoch: int
    unit: str
    units: int
    asked: int
    lost: int
    needed: int
    count: int
    fewest: int
    bytes_read: int
    faults: tuple[str, ...]

    def chance_unseen(self, lost: int) -> Fraction:
        """The chance that a draw of this size shows none of `lost` lost units. Hypergeometric, exact."""
        chance = Fraction(1)
        for i in range(self.asked):
            chance *= Fraction(max(0, self.units - lost - i), self.units - i)
        return chance

    def at_most_lost(self, doubt: Fraction = DOUBT) -> int:
        """The largest number of lost units that this draw, if it showed none, misses with a chance above `doubt`."""
        low, high = 0, self.units - self.asked
        while low < high:
            middle = (low + high + 1) // 2
            if self.chance_unseen(middle) > doubt:
                low = middle
            else:
                high = middle - 1
        return low

    def __str__(self) -> str:
        drawn = f"{self.asked} of {self.units} {self.unit}s drawn"
        if self.lost:
            return f"{drawn}, {self.lost} cannot be rebuilt: {'; '.join(self.faults)}"
        spare = f"each with at least {self.fewest} of {self.count} where {self.needed} are needed"
        bound = self.at_most_lost()
        if not bound:
            return f"{drawn}, {spare}: the epoch can be rebuilt now"
        return (
            f"{drawn}, {spare}: at most {bound} {self.unit}s ({100 * bound / self.units:.1f} %) are lost, "
            f"with a confidence of {100 * float(1 - DOUBT):g} %"
        )


def sample_epoch(
    mirrors: Sequence[Mirror], header: Header, asked: int, *, request_s: float, draw: random.Random | None = None
) -> Sample:
    """Draw `asked` units of a believed header's epoch and ask every mirror for them.

    `draw` is the system's entropy by default: a mirror that can foretell the draw keeps nothing else. Errors:
    A mirror that has taken more than its share of time, `request_s` for every four units, is not asked again.
    InputError for a draw of nothing; those of `Fleet.fetch` if no mirror has manifest or plan, and nothing can be told.
    """
    if asked < 1:
        raise InputError(f"a sample of {asked} units shows nothing")
    fleet = Fleet(mirrors, request_s=request_s, grace_s=request_s)
    fetch = in_epoch(fleet, header)
    manifest = fetch(MANIFEST, MAX_MANIFEST_BYTES, lambda data: Manifest.decode_under(data, header.data_root))
    entry, plan = manifest.find(SHARDS), None
    if entry is not None:
        sha256 = entry.sha256
        plan = fetch(SHARDS, MAX_PLAN_BYTES, lambda data: ShardPlan.decode(_listed(data, sha256, SHARDS)))
    before = sum(mirror.bytes_read for mirror in mirrors)
    run = _Run(mirrors, header, Archive.of(manifest), plan, request_s, request_s * max(4.0, asked / 4))
    units = len(manifest.files) if plan is None else plan.stripes
    drawn = (draw or random.SystemRandom()).sample(range(units), min(asked, units))
    found = [run.copies(manifest.files[i]) if plan is None else run.slices(plan, i) for i in drawn]
    needed = 1 if plan is None else plan.needed
    return Sample(
        epoch=header.epoch,
        unit="file" if plan is None else "stripe",
        units=units,
        asked=len(drawn),
        lost=sum(right < needed for right in found),
        needed=needed,
        count=len(mirrors) if plan is None else len(plan.roots),
        fewest=min(found, default=0),
        bytes_read=sum(mirror.bytes_read for mirror in mirrors) - before,
        faults=tuple(run.faults),
    )


class _Run:
    """One draw over the mirrors. One that does not answer is not asked again; where a shard is, is kept in mind."""

    def __init__(
        self,
        mirrors: Sequence[Mirror],
        header: Header,
        archive: Archive,
        plan: ShardPlan | None,
        request_s: float,
        share_s: float,
    ) -> None:
        self.faults: list[str] = []
        self._up = dict(enumerate(mirrors))
        self._folder, self._archive, self._plan = epoch_folder(header.epoch), archive, plan
        self._request_s, self._share_s = request_s, share_s
        self._left = dict.fromkeys(self._up, share_s)
        self._has: dict[tuple[int, int], int] = {}  # of (mirror, shard): slices served, less those it lacked

    def slices(self, plan: ShardPlan, stripe: int) -> int:
        """How many slices of a stripe are right somewhere; all of them where its files are there whole."""
        shards = set(range(len(plan.roots)))
        found = {shard for shard in shards if self._slice(plan, shard, stripe, least=-1)}
        if len(found) < plan.needed:
            found |= {shard for shard in shards - found if self._slice(plan, shard, stripe, least=None)}
        right = len(found)
        if right >= plan.needed:
            return right
        start, end = stripe * plan.stripe_bytes, min((stripe + 1) * plan.stripe_bytes, plan.size)
        inside = (
            entry
            for entry, at in zip(self._archive.files, self._archive.starts, strict=False)
            if at < end and at + entry.size > start
        )
        return plan.needed if all(self.copies(entry, enough=1) for entry in inside) else right

    def copies(self, entry: Entry, enough: int | None = None) -> int:
        """How many mirrors have a file right, or `enough` of them."""
        if entry.size > MAX_UNIT_FILE:
            self._note(f"{entry.path} has {entry.size} bytes; the limit of a sample is {MAX_UNIT_FILE}")
            return 0
        right = 0
        for i, mirror in list(self._up.items()):
            data = self._get(i, entry.path, entry.size)
            if data is not None:
                try:
                    _listed(data, entry.sha256, entry.path)
                    right += 1
                except DisagreementError as error:
                    self._note(f"{mirror.name}: {error}")
            if enough is not None and right >= enough:
                break
        return right

    def _slice(self, plan: ShardPlan, shard: int, stripe: int, *, least: int | None) -> bool:
        """Ask the mirror that had most of the shard first, and only those that have not lacked more than `-least`."""
        marks = {i: self._has.get((i, shard), 0) for i in self._up}
        for i in sorted(marks, key=lambda i: (-marks[i], i != shard)):
            if i not in self._up or (least is not None and marks[i] < least):
                continue
            data = self._get(i, slice_path(shard, stripe), MAX_SLICE_FILE)
            if data is not None:
                try:
                    plan.open_slice(shard, stripe, data)
                except (DisagreementError, LengthError) as error:
                    self._note(f"{self._up[i].name}: {error}")
                else:
                    self._has[i, shard] = marks[i] + 1
                    return True
            self._has[i, shard] = marks[i] - 1
        return False

    def _get(self, i: int, path: str, limit: int) -> bytes | None:
        mirror, began = self._up[i], time.monotonic()
        try:
            return mirror.get(f"{self._folder}/{path}", max_bytes=limit, timeout_s=self._request_s)
        except MissingError as error:
            self._note(str(error))
        except SourceError as error:
            self._note(str(error))
            del self._up[i]
        finally:
            self._left[i] -= time.monotonic() - began
            if self._left[i] <= 0 and self._up.pop(i, None) is not None:
                self._note(f"{mirror.name}: too slow, left out after {self._share_s:g} s of a sample")
        return None

    def _note(self, words: str) -> None:
        if len(self.faults) < MAX_WORDS:
            self.faults.append(words)


def _listed(data: bytes, sha256: str, path: str) -> bytes:
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise DisagreementError(f"{path} has SHA-256 {found}, and {MANIFEST} lists {sha256}")
    return data
