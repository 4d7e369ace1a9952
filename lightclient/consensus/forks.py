"""What differs between forks for a light client: one row each, and the chain that says when they begin.

Source: consensus-specs, specs/<fork>/light-client/sync-protocol.md and specs/<fork>/beacon-chain.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from zkstate.errors import EncodingError

from .ssz import hash_pair

GENESIS_SLOT = 0
FAR_FUTURE = 2**64 - 1


class Fork(IntEnum):
    """Forks in order."""

    ALTAIR = 1
    BELLATRIX = 2
    CAPELLA = 3
    DENEB = 4
    ELECTRA = 5
    FULU = 6


@dataclass(frozen=True, slots=True)
class ForkRow:
    """Generalized indices in the state, and which execution header a light client header carries."""

    finalized_root: int
    current_sync_committee: int
    next_sync_committee: int
    execution: bool
    blob_gas: bool


EXECUTION_PAYLOAD_GINDEX = 25  # in the block body, since Capella
_BEFORE_ELECTRA = (105, 54, 55)
_SINCE_ELECTRA = (169, 86, 87)
ROWS = {
    Fork.ALTAIR: ForkRow(*_BEFORE_ELECTRA, execution=False, blob_gas=False),
    Fork.BELLATRIX: ForkRow(*_BEFORE_ELECTRA, execution=False, blob_gas=False),
    Fork.CAPELLA: ForkRow(*_BEFORE_ELECTRA, execution=True, blob_gas=False),
    Fork.DENEB: ForkRow(*_BEFORE_ELECTRA, execution=True, blob_gas=True),
    Fork.ELECTRA: ForkRow(*_SINCE_ELECTRA, execution=True, blob_gas=True),
    Fork.FULU: ForkRow(*_SINCE_ELECTRA, execution=True, blob_gas=True),
}


def depth(gindex: int) -> int:
    """Nodes in the branch of a generalized index."""
    return gindex.bit_length() - 1


@dataclass(frozen=True, slots=True)
class BlobParameters:
    """From an epoch on, so many blobs a block (EIP-7892)."""

    epoch: int
    max_blobs: int


@dataclass(frozen=True, slots=True)
class Chain:
    """A network: its preset's sizes, its forks with version and first epoch, and the root of its genesis validators.

    `forks` holds every fork that the network has, from Altair on, in order; `genesis_version` comes before.
    `unknown` is the first fork after these, its name and first epoch, if the network says when: nothing from there on
    is read. `chain_id` is the execution chain's (EIP-155). `checkpoint_age_s` is how old a checkpoint may be unless
    somebody says otherwise, in seconds. `name` is for people.
    """

    genesis_validators_root: bytes
    genesis_version: bytes
    forks: tuple[tuple[Fork, int, bytes], ...]
    committee_size: int = 512
    slots_per_epoch: int = 32
    epochs_per_period: int = 256
    seconds_per_slot: int = 12
    genesis_time: int = 1606824023
    blob_schedule: tuple[BlobParameters, ...] = ()
    electra_max_blobs: int = 9
    chain_id: int = 1
    name: str = "mainnet"
    unknown: tuple[str, int] | None = None
    checkpoint_age_s: int = 14 * 86_400

    @property
    def slots_per_period(self) -> int:
        return self.slots_per_epoch * self.epochs_per_period

    def slot_at(self, time: float) -> int:
        """The slot of a time in seconds since 1970, 0 before genesis."""
        return max(0, int(time - self.genesis_time) // self.seconds_per_slot)

    def time_of(self, slot: int) -> int:
        """When a slot begins, in seconds since 1970."""
        return self.genesis_time + slot * self.seconds_per_slot

    def epoch(self, slot: int) -> int:
        return slot // self.slots_per_epoch

    def period(self, slot: int) -> int:
        """The sync committee period of a slot."""
        return slot // self.slots_per_period

    def fork_at(self, slot: int) -> Fork:
        """The fork of a slot. EncodingError for one before Altair, which has no sync committees, and for one of a fork
        that came after this program.
        """
        self._must_be_known(slot)
        found = [fork for fork, epoch, _ in self.forks if epoch <= self.epoch(slot)]
        if not found:
            raise EncodingError(f"slot {slot} lies before Altair")
        return found[-1]

    def is_before_altair(self, slot: int) -> bool:
        return all(self.epoch(slot) < epoch for _, epoch, _ in self.forks)

    def version_at(self, slot: int) -> bytes:
        """The fork version that a slot's messages are signed under. EncodingError in a fork that came after."""
        self._must_be_known(slot)
        return ([self.genesis_version] + [v for _, epoch, v in self.forks if epoch <= self.epoch(slot)])[-1]

    def _must_be_known(self, slot: int) -> None:
        if self.unknown is not None and self.epoch(slot) >= self.unknown[1]:
            name, epoch = self.unknown
            raise EncodingError(
                f"slot {slot} of {self.name} lies in {name}, which begins in epoch {epoch} and which this version of "
                "zkstate cannot read"
            )

    def digests(self) -> dict[bytes, Fork]:
        """The fork of every fork digest of this chain (compute_fork_digest; since Fulu with the blob parameters)."""
        found: dict[bytes, Fork] = {}
        fulu = [epoch for fork, epoch, _ in self.forks if fork is Fork.FULU]
        for fork, first, version in self.forks:
            base = self.fork_data_root(version)
            if fork is not Fork.FULU:
                found[base[:4]] = fork
                continue
            for epoch in sorted({first, *(p.epoch for p in self.blob_schedule if p.epoch >= fulu[0])}):
                found[self._masked(base, epoch)[:4]] = fork
        return found

    def _masked(self, base: bytes, epoch: int) -> bytes:
        electra = next((e for fork, e, _ in self.forks if fork is Fork.ELECTRA), FAR_FUTURE)
        now = [p for p in sorted(self.blob_schedule, key=lambda p: p.epoch) if p.epoch <= epoch]
        parameters = now[-1] if now else BlobParameters(electra, self.electra_max_blobs)
        packed = parameters.epoch.to_bytes(8, "little") + parameters.max_blobs.to_bytes(8, "little")
        mask = hashlib.sha256(packed).digest()
        return bytes(a ^ b for a, b in zip(base, mask, strict=True))

    def fork_data_root(self, version: bytes) -> bytes:
        return hash_pair(version.ljust(32, b"\0"), self.genesis_validators_root)

    def sync_committee_domain(self, signature_slot: int) -> bytes:
        """The domain of what a sync committee signs: the fork of the slot before."""
        version = self.version_at(max(signature_slot, 1) - 1)
        return b"\x07\0\0\0" + self.fork_data_root(version)[:28]
