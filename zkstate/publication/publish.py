"""Publishing: copy an epoch's public folder to its place on a mirror, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from zkstate.atomic import new_folder
from zkstate.errors import DisagreementError, InputError, SourceError
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
    slice_path,
    write_shards,
)

CHUNK = 1 << 20
_SHARD_MIRROR = (HEADER, MANIFEST, SHARDS)


@dataclass(frozen=True, slots=True)
class Published:
    """Where an epoch lies on a mirror; `already` if it lay there before, byte for byte."""

    folder: Path
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
            done += _copy(public, folder, path)
            progress("copy files", done, total)
        _require_whole(folder, signed, progress)
    return Published(target, signed.header.hash, files, done, already=False)


def publish_shards(public: Path, mirrors: Sequence[Path], progress: Progress = silent) -> list[Published]:
    """Give each mirror folder one shard of the epoch in `public`, in order, with header, manifest and plan.

    A shard that is there already and right is accepted; anything else there is kept as it is. No mirror has a part of
    a shard. Errors: InputError if there are not as many mirrors as shards; else as `publish_folder`.
    """
    signed = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES))
    manifest = Manifest.decode_under(read_below(public, MANIFEST, MAX_MANIFEST_BYTES), signed.header.data_root)
    if manifest.find(SHARDS) is None:
        raise InputError(f"{public} has no {SHARDS}: the snapshot was made without shards")
    plan = ShardPlan.decode(read_below(public, SHARDS, MAX_PLAN_BYTES))
    if manifest.find(SHARDS) != Entry.of(SHARDS, plan.encode()):
        raise DisagreementError(f"{public / SHARDS} is not the file that {MANIFEST} lists")
    if len({mirror.resolve() for mirror in mirrors}) < len(mirrors):
        raise InputError("a mirror is named twice: a mirror takes one shard")
    if len(mirrors) != len(plan.roots):
        raise InputError(f"{len(mirrors)} mirrors for {len(plan.roots)} shards: each takes one")
    targets = [mirror / epoch_folder(signed.header.epoch) for mirror in mirrors]
    there = {shard for shard, target in enumerate(targets) if os.path.lexists(target)}
    for shard in there:
        _require_shard(targets[shard], signed, plan, shard)
    with ExitStack() as stack:
        folders = {
            shard: stack.enter_context(new_folder(target)) for shard, target in enumerate(targets) if shard not in there
        }
        if folders:
            write_shards(public, manifest, plan, folders, progress)
        for shard, folder in folders.items():
            for path in _SHARD_MIRROR:
                _copy(public, folder, path)
            _require_shard(folder, signed, plan, shard)
    files = len(_SHARD_MIRROR) + plan.stripes
    size = plan.stripes * (SLICE + HASH_BYTES * plan.depth) + sum(
        (public / path).stat().st_size for path in _SHARD_MIRROR
    )
    return [
        Published(target, signed.header.hash, files, 0 if shard in there else size, already=shard in there)
        for shard, target in enumerate(targets)
    ]


def _require_shard(folder: Path, signed: SignedHeader, plan: ShardPlan, shard: int) -> None:
    """DisagreementError unless `folder` holds this shard of this epoch, whole and right."""
    try:
        header = read_below(folder, HEADER, SIGNED_BYTES)
        Manifest.decode_under(read_below(folder, MANIFEST, MAX_MANIFEST_BYTES), signed.header.data_root)
        same = header == signed.encode() and read_below(folder, SHARDS, MAX_PLAN_BYTES) == plan.encode()
        for stripe in range(plan.stripes):
            plan.open_slice(shard, stripe, read_below(folder, slice_path(shard, stripe), MAX_SLICE_FILE))
    except (InputError, DisagreementError, SourceError) as error:
        raise DisagreementError(f"{folder} does not hold shard {shard} of this epoch: {error}") from error
    if not same:
        raise DisagreementError(f"{folder} holds another header or plan; published epochs are never replaced")


def _copy(source: Path, target: Path, path: str) -> int:
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
