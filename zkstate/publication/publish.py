"""Publishing: copy an epoch's public folder to its place on a mirror, whole or not at all.

In a folder an epoch appears by one rename. A store has no such step: there the header goes last, when all else was read
back and is right, so that whoever reads by the header finds all of it. An upload that was cut off is repeated, over
whatever lies there without a header; a store tells two writers at once from each other no further than that.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from zkstate.atomic import new_folder
from zkstate.errors import DisagreementError, InputError, MissingError, SourceError
from zkstate.publication.erasure import SLICE
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER, MANIFEST, SHARDS, epoch_folder
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Entry, Manifest, check_folder
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import open_below, read_below
from zkstate.publication.shards import (
    HASH_BYTES,
    MAX_PLAN_BYTES,
    MAX_SLICE_FILE,
    ShardPlan,
    Sink,
    new_files,
    slice_path,
    write_shards,
)
from zkstate.publication.stores import Store

CHUNK = 1 << 20
REQUEST_S = 60.0
"""How long a store may take to hand over one small object."""

_SHARD_MIRROR = (SHARDS, MANIFEST, HEADER)  # in the order in which a store gets them

Target = Path | Store
"""A mirror to publish to."""


@dataclass(frozen=True, slots=True)
class Published:
    """Where an epoch lies on a mirror; `already` if it lay there before, byte for byte."""

    folder: Path | str
    header_hash: bytes
    files: int
    copied_bytes: int
    already: bool


def publish_folder(public: Path, mirror: Path, progress: Progress = silent) -> Published:
    """Copy the epoch in `public` below a mirror folder and check the copy against its header and manifest.

    An epoch that is there already and identical is accepted; anything else there is kept as it is.
    Errors: DisagreementError with both header hashes if another epoch of that number is there, and with the
    first differing file if the copy or the one that is there differs from its manifest; EnvironmentFailure if
    the disk refuses; SourceError if `public` cannot be read.
    """
    signed = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES))
    target = mirror / epoch_folder(signed.header.epoch)
    data = read_below(public, MANIFEST, MAX_MANIFEST_BYTES)
    manifest = Manifest.decode_under(data, signed.header.data_root)
    files = len(manifest.files) + 2
    if os.path.lexists(target):
        _same_epoch(target, signed, progress)
        return Published(target, signed.header.hash, files, 0, already=True)
    done, total = 0, sum(entry.size for entry in manifest.files) + len(data) + SIGNED_BYTES
    with new_folder(target) as folder:
        for path in (HEADER, MANIFEST, *(entry.path for entry in manifest.files)):
            done += copy_below(public, folder, path)
            progress("copy files", done, total)
        _require_whole(folder, signed, progress)
    return Published(target, signed.header.hash, files, done, already=False)


def publish_whole(public: Path, mirror: Target, progress: Progress = silent) -> Published:
    """As `publish_folder`, to a folder or a store, where an object that went bad is put again.

    Errors: also those of `Store`.
    """
    if isinstance(mirror, Path):
        return publish_folder(public, mirror, progress)
    signed = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES))
    _require_whole(public, signed, progress)
    manifest = Manifest.decode_under(read_below(public, MANIFEST, MAX_MANIFEST_BYTES), signed.header.data_root)
    place = epoch_folder(signed.header.epoch)
    last = (Entry.of(MANIFEST, manifest.encode()), Entry.of(HEADER, signed.encode()))
    entries = (*manifest.files, *last)
    already, sent = _header_there(mirror, signed), 0
    for done, entry in enumerate(entries, start=1):
        path, wait = f"{place}/{entry.path}", REQUEST_S + entry.size / CHUNK
        if not already or not _is_right(mirror, path, entry, wait):
            sent += mirror.put(path, (public, entry.path))
            if not _is_right(mirror, path, entry, wait):
                raise DisagreementError(f"{mirror.url}: {path} is not there as it was sent, SHA-256 {entry.sha256}")
        progress("upload files", done, len(entries))
    return Published(f"{mirror.url}/{place}", signed.header.hash, len(entries), sent, already=already and not sent)


def _is_right(store: Store, path: str, entry: Entry, timeout_s: float) -> bool:
    try:
        return store.sha256(path, timeout_s) == entry.sha256
    except MissingError:
        return False


def publish_shards(public: Path, mirrors: Sequence[Target], progress: Progress = silent) -> list[Published]:
    """Give each mirror one shard of the epoch in `public`, in order, with header, manifest and plan.

    Errors: InputError if there are not as many mirrors as shards; else as `publish_some_shards`.
    """
    _, _, plan = _sharded(public)
    if len(mirrors) != len(plan.roots):
        raise InputError(f"{len(mirrors)} mirrors for {len(plan.roots)} shards: each takes one")
    return publish_some_shards(public, dict(enumerate(mirrors)), progress)


def publish_some_shards(public: Path, mirrors: Mapping[int, Target], progress: Progress = silent) -> list[Published]:
    """Give mirrors the shards of these numbers, such as a lost one back to its mirror.

    A shard that is there already and right is accepted; anything else there is kept as it is. No mirror has a part of
    a shard. Errors: InputError for a shard that the plan lacks, or a mirror named twice; else as `publish_whole`.
    """
    signed, manifest, plan = _sharded(public)
    if unknown := [shard for shard in mirrors if not 0 <= shard < len(plan.roots)]:
        raise InputError(f"shard {unknown[0]}: the epoch has shards 0 to {len(plan.roots) - 1}")
    if len({mirror.resolve() if isinstance(mirror, Path) else mirror.place for mirror in mirrors.values()}) < len(
        mirrors
    ):
        raise InputError("a mirror is named twice: a mirror takes one shard")
    place = epoch_folder(signed.header.epoch)
    there = {shard for shard, mirror in mirrors.items() if _is_there(mirror, signed)}
    for shard in there:
        _require_shard(_reading(mirrors[shard], place), _place(mirrors[shard], place), signed, plan, shard)
    with ExitStack() as stack:
        sinks: dict[int, Sink] = {}
        readers: dict[int, Callable[[str, int], bytes]] = {}
        for shard, mirror in mirrors.items():
            if shard not in there and isinstance(mirror, Path):
                folder = stack.enter_context(new_folder(mirror / place))
                sinks[shard], readers[shard] = new_files(folder), partial(read_below, folder)
            elif shard not in there:
                sinks[shard], readers[shard] = _uploading(mirror, place), _reading(mirror, place)
        if sinks:
            write_shards(public, manifest, plan, sinks, progress)
        for shard, sink in sinks.items():
            for path in _SHARD_MIRROR:
                if path == HEADER:
                    _require_slices(readers[shard], _place(mirrors[shard], place), signed, plan, shard)
                sink(path, read_below(public, path, MAX_MANIFEST_BYTES))
    files = len(_SHARD_MIRROR) + plan.stripes
    size = plan.stripes * (SLICE + HASH_BYTES * plan.depth) + sum(
        (public / path).stat().st_size for path in _SHARD_MIRROR
    )
    return [
        Published(
            _place(mirror, place),
            signed.header.hash,
            files,
            0 if shard in there else size,
            already=shard in there,
        )
        for shard, mirror in mirrors.items()
    ]


def _sharded(public: Path) -> tuple[SignedHeader, Manifest, ShardPlan]:
    """Header, manifest and plan of an epoch. InputError if it has no shards, DisagreementError for another plan."""
    signed = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES))
    manifest = Manifest.decode_under(read_below(public, MANIFEST, MAX_MANIFEST_BYTES), signed.header.data_root)
    if manifest.find(SHARDS) is None:
        raise InputError(f"{public} has no {SHARDS}: the snapshot was made without shards")
    plan = ShardPlan.decode(read_below(public, SHARDS, MAX_PLAN_BYTES))
    if manifest.find(SHARDS) != Entry.of(SHARDS, plan.encode()):
        raise DisagreementError(f"{public / SHARDS} is not the file that {MANIFEST} lists")
    return signed, manifest, plan


def _is_there(mirror: Target, signed: SignedHeader) -> bool:
    if isinstance(mirror, Path):
        return os.path.lexists(mirror / epoch_folder(signed.header.epoch))
    return _header_there(mirror, signed)


def _header_there(mirror: Store, signed: SignedHeader) -> bool:
    """Whether a store has this header. DisagreementError if it has another one of that epoch."""
    path = f"{epoch_folder(signed.header.epoch)}/{HEADER}"
    try:
        found = mirror.get(path, max_bytes=SIGNED_BYTES, timeout_s=REQUEST_S)
    except MissingError:
        return False
    if found != signed.encode():
        raise DisagreementError(
            f"{mirror.url}: {path} has SHA-256 {hashlib.sha256(found).hexdigest()}, and the epoch to publish has "
            f"header hash {signed.header.hash.hex()}; published epochs are never replaced"
        )
    return True


def _uploading(mirror: Target, place: str) -> Sink:
    assert isinstance(mirror, Store)
    return lambda path, content: mirror.put(f"{place}/{path}", content)


def _reading(mirror: Target, place: str) -> Callable[[str, int], bytes]:
    """What reads a file of an epoch on a mirror, up to a limit."""
    if isinstance(mirror, Path):
        return partial(read_below, mirror / place)
    return lambda path, limit: mirror.get(f"{place}/{path}", max_bytes=limit, timeout_s=REQUEST_S)


def _place(mirror: Target, place: str) -> Path | str:
    return mirror / place if isinstance(mirror, Path) else f"{mirror.url}/{place}"


def _require_shard(
    read: Callable[[str, int], bytes], where: Path | str, signed: SignedHeader, plan: ShardPlan, shard: int
) -> None:
    """DisagreementError unless what `read` reads is this header's, and this shard of its epoch, whole and right."""
    try:
        header = read(HEADER, SIGNED_BYTES)
    except (InputError, DisagreementError, SourceError) as error:
        raise DisagreementError(f"{where} has no readable {HEADER}: {error}") from error
    if header != signed.encode():
        raise DisagreementError(f"{where} holds another header; published epochs are never replaced")
    _require_slices(read, where, signed, plan, shard)


def _require_slices(
    read: Callable[[str, int], bytes], where: Path | str, signed: SignedHeader, plan: ShardPlan, shard: int
) -> None:
    """The same of all but the header, which goes last."""
    try:
        Manifest.decode_under(read(MANIFEST, MAX_MANIFEST_BYTES), signed.header.data_root)
        same = read(SHARDS, MAX_PLAN_BYTES) == plan.encode()
        for stripe in range(plan.stripes):
            plan.open_slice(shard, stripe, read(slice_path(shard, stripe), MAX_SLICE_FILE))
    except (InputError, DisagreementError, SourceError) as error:
        raise DisagreementError(f"{where} does not hold shard {shard} of this epoch: {error}") from error
    if not same:
        raise DisagreementError(f"{where} holds another plan; published epochs are never replaced")


def copy_below(source: Path, target: Path, path: str) -> int:
    """Copy one file to the same place below another folder, where it is not yet; how many bytes it has."""
    to, copied = target / path, 0
    to.parent.mkdir(parents=True, exist_ok=True)
    with open_below(source, path) as fd, to.open("xb") as file:
        while chunk := os.read(fd, CHUNK):
            copied += file.write(chunk)
    return copied


def _same_epoch(target: Path, signed: SignedHeader, progress: Progress) -> None:
    ours, there = signed.header.hash.hex(), "no header"
    try:
        other = SignedHeader.decode(read_below(target, HEADER, SIGNED_BYTES))
        there = f"header hash {other.header.hash.hex()}"
    except (InputError, DisagreementError, SourceError) as error:
        there = f"an unreadable header ({error})"
    else:
        if other == signed:
            _require_whole(target, signed, progress)
            return
    raise DisagreementError(
        f"{target} holds {there}, and the epoch to publish has header hash {ours}; published epochs are never replaced"
    )


def _require_whole(folder: Path, signed: SignedHeader, progress: Progress) -> None:
    if findings := check_folder(folder, signed, progress):
        raise DisagreementError(f"{folder} differs from its manifest in {len(findings)} files, first {findings[0]}")
