"""Files of an epoch out of shards, when no mirror has them whole: any k shards of n, wherever they lie.

Each slice is checked against the root that the header commits to before it counts, so a mirror with a wrong one is
named and passed over, and the file that comes out is checked once more against the manifest.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from zkstate.atomic import new_folder, write_new
from zkstate.errors import DisagreementError, InputError, LengthError, MissingError, SourceError, ZkstateError
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.layout import HEADER, MANIFEST, SHARDS, epoch_folder
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Entry, Manifest
from zkstate.publication.progress import Progress, silent
from zkstate.publication.shards import MAX_PLAN_BYTES, MAX_SLICE_FILE, Archive, ShardPlan, slice_path
from zkstate.publication.tiles import Fetch

from .history import in_epoch
from .source import Fleet

T = TypeVar("T")

MAX_WHOLE_FILE = 1 << 30

_SLOW_S = 1.0
_KEPT_STRIPES = 8  # a file rarely spans more, and a restore reads them in order


class Shards:
    """The shards of one epoch on a fleet of mirrors. Not for use by several threads at once."""

    def __init__(self, fleet: Fleet, header: Header) -> None:
        """Reads manifest and plan.

        Errors: MissingError if the venue made no shards; otherwise those of `Fleet.fetch` and of `ShardPlan.decode`.
        """
        self._folder = epoch_folder(header.epoch)
        fetch = in_epoch(fleet, header)
        self.manifest = fetch(MANIFEST, MAX_MANIFEST_BYTES, lambda data: Manifest.decode_under(data, header.data_root))
        entry = self.manifest.find(SHARDS)
        if entry is None:
            raise MissingError(f"epoch {header.epoch} has no {SHARDS}: its venue made no shards")

        def check(data: bytes) -> ShardPlan:
            _require(data, entry.sha256, SHARDS)
            return ShardPlan.decode(data)

        self.plan = fetch(SHARDS, MAX_PLAN_BYTES, check)
        self.archive = Archive.of(self.manifest)
        if self.plan.size != self.archive.size:
            raise DisagreementError(f"{SHARDS} is of {self.plan.size} bytes, and {MANIFEST} lists {self.archive.size}")
        self._lanes = {shard: fleet.lane(shard) for shard in range(len(self.plan.roots))}
        self._order = list(self._lanes)
        self._stripes: dict[int, bytes] = {}

    def read(self, path: str, max_bytes: int) -> bytes:
        """A file of the epoch. MissingError if it has none such, SourceError if it is too long, and as `stripe`."""
        found = self.archive.place(path)
        if found is None:
            raise MissingError(f"{MANIFEST} does not list {path}")
        start, entry = found
        if entry.size > max_bytes:
            raise SourceError(f"{path} has {entry.size} bytes; the limit is {max_bytes}")
        data = self._range(start, entry.size)
        _require(data, entry.sha256, path)
        return data

    def stripe(self, number: int) -> bytes:
        """The data of a stripe, out of any slices that are enough; a shard that fails or is slow is asked last.

        Errors: DisagreementError if too few slices are right and one was wrong, else SourceError; it names all.
        """
        if number not in self._stripes:
            slices: dict[int, bytes] = {}
            failures: list[ZkstateError] = []
            for shard in list(self._order):
                began = time.monotonic()
                try:
                    slices[shard] = self._slice(shard, number)
                except (SourceError, DisagreementError) as error:
                    failures.append(error)
                if shard not in slices or time.monotonic() - began > _SLOW_S:
                    self._order.remove(shard)
                    self._order.append(shard)
                if len(slices) == self.plan.needed:
                    break
            if len(slices) < self.plan.needed:
                words = (
                    f"stripe {number}: {len(slices)} right slices of the {self.plan.needed} needed: "
                    f"{'; '.join(map(str, failures))}"
                )
                lied = any(isinstance(error, DisagreementError) for error in failures)
                raise DisagreementError(words) if lied else SourceError(words)
            if len(self._stripes) == _KEPT_STRIPES:
                self._stripes.pop(next(iter(self._stripes)))
            self._stripes[number] = self.plan.code.decode(slices)
        return self._stripes[number]

    def restore(self, signed: SignedHeader, out: Path, progress: Progress = silent) -> None:
        """Write the whole public folder of the epoch to `out`, which must not exist, whole or not at all.

        Memory: some stripes. Errors: as `stripe`; DisagreementError for a file whose SHA-256 is not the manifest's;
        EnvironmentFailure if the disk refuses.
        """
        with new_folder(out) as folder:
            for start, entry in zip(self.archive.starts, self.archive.files, strict=False):
                digest, target = hashlib.sha256(), folder / entry.path
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file:
                    for at in range(start, start + entry.size, self.plan.stripe_bytes):
                        part = self._range(at, min(self.plan.stripe_bytes, start + entry.size - at))
                        digest.update(part)
                        file.write(part)
                if digest.hexdigest() != entry.sha256:
                    raise DisagreementError(f"{entry.path} has SHA-256 {digest.hexdigest()}, not {entry.sha256}")
                progress("rebuild files", start + entry.size, self.archive.size)
            write_new(folder / SHARDS, self.plan.encode())
            write_new(folder / MANIFEST, self.manifest.encode())
            write_new(folder / HEADER, signed.encode())

    def _range(self, start: int, size: int) -> bytes:
        parts, end = [], start + size
        while start < end:
            number, offset = divmod(start, self.plan.stripe_bytes)
            parts.append(self.stripe(number)[offset : offset + end - start])
            start += len(parts[-1])
        return b"".join(parts)

    def _slice(self, shard: int, number: int) -> bytes:
        path = f"{self._folder}/{slice_path(shard, number)}"

        def check(data: bytes) -> bytes:
            try:
                return self.plan.open_slice(shard, number, data)
            except LengthError as error:
                raise DisagreementError(str(error)) from error

        return self._lanes[shard].fetch(path, MAX_SLICE_FILE, check)


def with_shards(fleet: Fleet, header: Header) -> Fetch:
    """A source of the files of one epoch: whole from a mirror, or out of shards where no mirror has one whole."""
    whole = in_epoch(fleet, header)
    found: list[Shards] = []

    def fetch(path: str, max_bytes: int, check: Callable[[bytes], T]) -> T:
        try:
            return whole(path, max_bytes, check)
        except (SourceError, DisagreementError) as failure:
            if path == MANIFEST:
                raise
            try:
                if not found:
                    found.append(Shards(fleet, header))
                data = found[0].read(path, max_bytes)
            except MissingError:
                raise failure from None
            except (SourceError, DisagreementError) as error:
                raise type(failure)(f"{failure}; and not out of shards: {error}") from None
        try:
            return check(data)
        except InputError as error:
            raise DisagreementError(f"{path} is what {MANIFEST} lists, and malformed: {error}") from error

    return fetch


def rebuild(fleet: Fleet, epoch: int, header_hash: bytes, out: Path, progress: Progress = silent) -> SignedHeader:
    """Write the public folder of an epoch to `out`: out of shards, or file by file where mirrors are whole.

    Memory: some stripes, or the largest file. Errors: as `Shards` and `Fleet.fetch`.
    """

    def check(data: bytes) -> SignedHeader:
        signed = SignedHeader.decode(data)
        if signed.header.hash != header_hash:
            raise DisagreementError(f"a header of hash {signed.header.hash.hex()}, and {header_hash.hex()} is believed")
        return signed

    signed = fleet.fetch(f"{epoch_folder(epoch)}/{HEADER}", SIGNED_BYTES, check)
    try:
        Shards(fleet, signed.header).restore(signed, out, progress)
    except (SourceError, DisagreementError) as failure:
        try:
            _whole(fleet, signed, out, progress)
        except MissingError:
            raise failure from None
    return signed


def _whole(fleet: Fleet, signed: SignedHeader, out: Path, progress: Progress) -> None:
    """Every file of the manifest from whichever mirror has it whole."""
    header, fetch = signed.header, in_epoch(fleet, signed.header)
    manifest = fetch(MANIFEST, MAX_MANIFEST_BYTES, lambda data: Manifest.decode_under(data, header.data_root))
    with new_folder(out) as folder:
        for at, entry in enumerate(manifest.files):
            progress("fetch files", at, len(manifest.files))
            if entry.size > MAX_WHOLE_FILE:
                raise SourceError(f"{entry.path} has {entry.size} bytes, and {MAX_WHOLE_FILE} are read at once")
            target = folder / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            write_new(target, fetch(entry.path, entry.size, partial(_required, entry)))
        write_new(folder / MANIFEST, manifest.encode())
        write_new(folder / HEADER, signed.encode())


def _required(entry: Entry, data: bytes) -> bytes:
    _require(data, entry.sha256, entry.path)
    return data


def _require(data: bytes, sha256: str, path: str) -> None:
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise DisagreementError(f"{path} has SHA-256 {found}, and {MANIFEST} lists {sha256}")
