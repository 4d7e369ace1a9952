"""The light client vectors of the consensus specifications, read in place, and the chains they are of."""

from __future__ import annotations

import json
import tarfile
from functools import cache

import cramjam
import yaml

from lightclient.consensus.forks import BlobParameters, Chain, Fork
from tests.shared import shared_path

FAMILY = "vectors/consensus_light_client"
# committee size, slots an epoch, epochs a period
PRESETS = {"minimal": (32, 8, 8), "mainnet": (512, 32, 256)}


@cache
def files(name):
    """Every file of an archive by its path."""
    with tarfile.open(shared_path(f"{FAMILY}/{name}")) as tar:
        return {m.name.removeprefix("./"): tar.extractfile(m).read() for m in tar if m.isfile()}


class Case:
    """One folder of an archive."""

    def __init__(self, archive, folder):
        self.name, self._files, self._folder = folder, files(archive), folder

    def ssz(self, name):
        return bytes(cramjam.snappy.decompress_raw(self._files[f"{self._folder}/{name}.ssz_snappy"]))

    def yaml(self, name):
        return yaml.load(self._files[f"{self._folder}/{name}.yaml"], Loader=yaml.BaseLoader)

    def has(self, name):
        return f"{self._folder}/{name}" in self._files

    def names(self):
        start = f"{self._folder}/"
        return sorted(name.removeprefix(start) for name in self._files if name.startswith(start))


def scenarios():
    """Every sync scenario, but those of forks after Fulu."""
    listed = json.loads(shared_path(f"{FAMILY}/cases.json").read_text())
    found = [("light_client.tar.gz", path) for path in listed if "/sync/" in path]
    official = {name.rsplit("/", 1)[0] for name in files("official_from_helios.tar.xz") if name.endswith("steps.yaml")}
    found += [("official_from_helios.tar.xz", path) for path in sorted(official)]
    return [Case(archive, path) for archive, path in found if "gloas" not in path]


def chain_of(config, genesis_validators_root):
    """The chain of a config.yaml whose values are strings."""
    size, slots, epochs = PRESETS[config["PRESET_BASE"]]
    forks = [
        (fork, int(config[f"{fork.name}_FORK_EPOCH"]), unhex(config[f"{fork.name}_FORK_VERSION"]))
        for fork in Fork
        if f"{fork.name}_FORK_EPOCH" in config
    ]
    return Chain(
        genesis_validators_root=genesis_validators_root,
        genesis_version=unhex(config["GENESIS_FORK_VERSION"]),
        forks=tuple(row for row in forks if row[1] < 2**64 - 1),
        committee_size=size,
        slots_per_epoch=slots,
        epochs_per_period=epochs,
        blob_schedule=tuple(
            BlobParameters(int(row["EPOCH"]), int(row["MAX_BLOBS_PER_BLOCK"]))
            for row in config.get("BLOB_SCHEDULE") or []
        ),
        electra_max_blobs=int(config.get("MAX_BLOBS_PER_BLOCK_ELECTRA", 9)),
    )


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))
