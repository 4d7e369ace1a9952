"""Shards of an epoch: its files as one archive, erasure-coded, so that any k of n shards rebuild every byte.

`shards.json` is a file of the manifest, so the header commits to the Merkle root of each shard. A shard is a folder of
slices, each with its path to that root: one slice can be fetched and checked alone, from any mirror that has it
(docs/spec.md, section 6).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.publication.erasure import MAX_SHARDS, SLICE, Code
from zkstate.publication.layout import SHARDS
from zkstate.publication.manifest import Entry, Manifest
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import CHUNK, read_range

HASH_BYTES = 32
MAX_PLAN_BYTES = 1 << 14
MAX_DEPTH = 32
MAX_SLICE_FILE = SLICE + HASH_BYTES * MAX_DEPTH

Sink = Callable[[str, bytes], object]
"""Takes the path and the content of one file after the other."""

_Root = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    needed: int
    size: Annotated[int, msgspec.Meta(ge=1, le=SLICE << MAX_DEPTH)]  # so that paths have at most MAX_DEPTH hashes
    roots: Annotated[list[_Root], msgspec.Meta(max_length=MAX_SHARDS)]


@dataclass(frozen=True)
class ShardPlan:
    """How an archive of `size` bytes is coded, and the Merkle root of each shard, in order."""

    needed: int
    size: int
    roots: tuple[bytes, ...]

    @cached_property
    def code(self) -> Code:
        """The code of every stripe."""
        return Code(self.needed, len(self.roots))

    @property
    def stripe_bytes(self) -> int:
        """Bytes of the archive in one stripe; the last is padded with zeros."""
        return self.needed * SLICE

    @property
    def stripes(self) -> int:
        """How many slices each shard has."""
        return -(-self.size // self.stripe_bytes)

    @property
    def depth(self) -> int:
        """The length of a slice's path."""
        return (self.stripes - 1).bit_length()

    def encode(self) -> bytes:
        """The canonical bytes of `shards.json`."""
        return msgspec.json.encode(_Document(1, self.needed, self.size, [root.hex() for root in self.roots]))

    @classmethod
    def decode(cls, data: bytes) -> ShardPlan:
        """Read `shards.json`; EncodingError for anything but canonical bytes, InputError for a code that cannot be."""
        try:
            form = msgspec.json.decode(data, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EncodingError(f"{SHARDS}: {error}") from error
        plan = cls(form.needed, form.size, tuple(map(bytes.fromhex, form.roots)))
        if plan.encode() != data:
            raise EncodingError(f"{SHARDS} is not in its canonical form")
        Code(plan.needed, len(plan.roots))
        return plan

    def open_slice(self, shard: int, stripe: int, data: bytes) -> bytes:
        """The slice in a file of that shard. LengthError or DisagreementError if it is not what the plan commits to."""
        if len(data) != SLICE + HASH_BYTES * self.depth:
            raise LengthError(
                f"slice {stripe} of shard {shard} has {len(data)} bytes, not {SLICE + HASH_BYTES * self.depth}"
            )
        found, at = _leaf(data[:SLICE]), stripe
        for level in range(self.depth):
            sibling = data[SLICE + HASH_BYTES * level :][:HASH_BYTES]
            found = _node(sibling, found) if at & 1 else _node(found, sibling)
            at >>= 1
        if found != self.roots[shard]:
            raise DisagreementError(
                f"slice {stripe} of shard {shard} leads to {found.hex()}, and {SHARDS} has {self.roots[shard].hex()}"
            )
        return data[:SLICE]


@dataclass(frozen=True)
class Archive:
    """The files of a manifest one after the other, in its order, without `shards.json`."""

    files: tuple[Entry, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> Archive:
        return cls(tuple(entry for entry in manifest.files if entry.path != SHARDS))

    @cached_property
    def starts(self) -> list[int]:
        """Where each file begins, and behind the last one where the archive ends."""
        return list(accumulate((entry.size for entry in self.files), initial=0))

    @property
    def size(self) -> int:
        return self.starts[-1]

    def place(self, path: str) -> tuple[int, Entry] | None:
        """Where a file begins, and its entry; None if the archive has no such file."""
        for start, entry in zip(self.starts, self.files, strict=False):
            if entry.path == path:
                return start, entry
        return None

    def read(self, folder: Path, start: int, size: int) -> bytes:
        """Bytes of the archive whose files lie below `folder`. SourceError for a file that is not as listed."""
        parts, end = [], min(start + size, self.size)
        at = bisect_right(self.starts, start) - 1
        while start < end:
            entry, offset = self.files[at], start - self.starts[at]
            part = read_range(folder, entry.path, offset, min(end - start, entry.size - offset))
            parts.append(part)
            start += len(part)
            at += 1
        return b"".join(parts)


def plan_shards(folder: Path, manifest: Manifest, code: Code, progress: Progress = silent) -> ShardPlan:
    """The plan of the files below `folder`: one pass over them, which leaves nothing but roots."""
    archive = Archive.of(manifest)
    plan = ShardPlan(code.needed, archive.size, (bytes(HASH_BYTES),) * code.count)
    trees = _trees(folder, archive, plan, progress)
    return ShardPlan(code.needed, archive.size, tuple(levels[-1][0] for levels in trees))


def write_shards(
    folder: Path, manifest: Manifest, plan: ShardPlan, targets: Mapping[int, Sink], progress: Progress = silent
) -> None:
    """Write the slices of some shards, each to a place of its own, from the files below `folder`, read twice.

    DisagreementError, before anything is written, if the files are not those of the plan.
    """
    archive = Archive.of(manifest)
    trees = _trees(folder, archive, plan, progress)
    for shard, (levels, root) in enumerate(zip(trees, plan.roots, strict=True)):
        if levels[-1][0] != root:
            raise DisagreementError(
                f"{folder} gives shard {shard} the root {levels[-1][0].hex()}, and {SHARDS} has {root.hex()}"
            )
    for stripe, slices in enumerate(_stripes(folder, archive, plan, "write shards", progress)):
        for shard, target in targets.items():
            path = b"".join(trees[shard][level][(stripe >> level) ^ 1] for level in range(plan.depth))
            target(slice_path(shard, stripe), slices[shard] + path)


def new_files(folder: Path) -> Sink:
    """A sink that writes files below a folder that has none of them."""

    def write(path: str, content: bytes) -> None:
        try:
            file = open(folder / path, "xb", buffering=0)  # noqa: PTH123, SIM115 (many small files)
        except FileNotFoundError:
            (folder / path).parent.mkdir(parents=True)
            file = open(folder / path, "xb", buffering=0)  # noqa: PTH123, SIM115
        with file:
            file.write(content)

    return write


def slice_path(shard: int, stripe: int) -> str:
    """The file of one slice of a shard."""
    return f"shards/{shard:02d}/{stripe:08d}.bin"


def _trees(folder: Path, archive: Archive, plan: ShardPlan, progress: Progress) -> list[list[list[bytes]]]:
    """The levels of each shard's tree."""
    leaves: list[list[bytes]] = [[] for _ in plan.roots]
    for slices in _stripes(folder, archive, plan, "hash shards", progress):
        for hashes, slice_ in zip(leaves, slices, strict=True):
            hashes.append(_leaf(slice_))
    return [_levels(hashes, plan.depth) for hashes in leaves]


def _stripes(folder: Path, archive: Archive, plan: ShardPlan, step: str, progress: Progress) -> Iterator[list[bytes]]:
    """The slices of one stripe after the other, read in larger pieces."""
    if plan.size != archive.size:
        raise DisagreementError(f"{SHARDS} is of {plan.size} bytes, and the manifest lists {archive.size}")
    piece = max(1, CHUNK // plan.stripe_bytes) * plan.stripe_bytes
    for start in range(0, archive.size, piece):
        data = archive.read(folder, start, piece)
        data += bytes(-len(data) % plan.stripe_bytes)
        for at in range(0, len(data), plan.stripe_bytes):
            yield plan.code.encode(data[at : at + plan.stripe_bytes])
        progress(step, min(start + piece, archive.size), archive.size)


def _leaf(slice_: bytes) -> bytes:
    return hashlib.sha256(b"\0" + slice_).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _levels(leaves: list[bytes], depth: int) -> list[list[bytes]]:
    """The levels of a tree of 2^depth leaves, the root last; places behind the leaves hold zeros."""
    levels = [leaves + [bytes(HASH_BYTES)] * ((1 << depth) - len(leaves))]
    for _ in range(depth):
        below = levels[-1]
        levels.append([_node(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels
