"""A small epoch of random files on mirrors that have a shard each, without a ledger behind it."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.publication.test_header import example
from zkstate.publication.erasure import SLICE, Code
from zkstate.publication.header import SignedHeader, sign
from zkstate.publication.layout import HEADER, MANIFEST, PUBLIC, SHARDS, epoch_folder, tile_path
from zkstate.publication.manifest import Manifest
from zkstate.publication.operator import Operator
from zkstate.publication.shards import ShardPlan, new_files, plan_shards, slice_path, write_shards

EPOCH = 3


@dataclass
class Sharded:
    signed: SignedHeader
    plan: ShardPlan
    files: dict[str, bytes]
    mirrors: list[Path]
    kept: dict[tuple[int, int], bytes] = field(default_factory=dict)
    touched: set[tuple[int, int]] = field(default_factory=set)

    def path(self, shard, stripe):
        return self.mirrors[shard] / epoch_folder(EPOCH) / slice_path(shard, stripe)

    def slice(self, shard, stripe):
        return self.kept[shard, stripe]

    def touch(self, shard, stripe):
        """The file of a slice, to damage."""
        self.touched.add((shard, stripe))
        return self.path(shard, stripe)

    def is_right(self, shard, stripe):
        if (shard, stripe) not in self.touched:
            return True
        path = self.path(shard, stripe)
        return path.exists() and path.read_bytes() == self.kept[shard, stripe]

    def stripe(self, number):
        data = b"".join(self.files[path] for path in sorted(self.files) if path not in (HEADER, MANIFEST, SHARDS))
        part = data[number * self.plan.stripe_bytes :][: self.plan.stripe_bytes]
        return part + bytes(self.plan.stripe_bytes - len(part))

    def mend(self):
        for shard, stripe in self.touched:
            self.path(shard, stripe).write_bytes(self.kept[shard, stripe])
        self.touched.clear()


def sharded(root, k, n, *, seed=0, stripes=3):
    """An epoch whose archive fills `stripes` stripes but for a few bytes, on `n` mirrors."""
    rng = np.random.default_rng(seed)
    public = root / PUBLIC
    left, i = stripes * k * SLICE - 77, 0
    files = {}
    while left:
        size = min(left, int(rng.integers(0, k * SLICE)))
        files[tile_path(0, i)] = rng.bytes(size)
        left, i = left - size, i + 1
    for path, data in files.items():
        (public / path).parent.mkdir(parents=True, exist_ok=True)
        (public / path).write_bytes(data)
    manifest = Manifest.of_folder(public)
    plan = plan_shards(public, manifest, Code(k, n))
    (public / SHARDS).write_bytes(plan.encode())
    manifest = Manifest.of_folder(public)
    operator = Operator(bytes([seed] * 32), bytes(32))
    signed = sign(example(operator_key=operator.public_key, epoch=EPOCH, data_root=manifest.root), operator.signing_key)
    (public / MANIFEST).write_bytes(manifest.encode())
    (public / HEADER).write_bytes(signed.encode())
    mirrors = [root / f"mirror-{i}" for i in range(n)]
    for mirror in mirrors:
        folder = mirror / epoch_folder(EPOCH)
        folder.mkdir(parents=True)
        for name in (HEADER, MANIFEST, SHARDS):
            shutil.copy(public / name, folder / name)
    write_shards(
        public, manifest, plan, {i: new_files(mirror / epoch_folder(EPOCH)) for i, mirror in enumerate(mirrors)}
    )
    everything = {str(p.relative_to(public)): p.read_bytes() for p in public.rglob("*") if p.is_file()}
    epoch = Sharded(signed, plan, everything, mirrors)
    for shard in range(n):
        for stripe in range(plan.stripes):
            epoch.kept[shard, stripe] = epoch.path(shard, stripe).read_bytes()
    return epoch
