"""Publishing: copy an epoch's public folder to its place on a mirror, whole or not at all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zkstate.atomic import new_folder
from zkstate.errors import DisagreementError, InputError, SourceError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER, MANIFEST, epoch_folder
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Manifest, check_folder
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import open_below, read_below

CHUNK = 1 << 20


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
