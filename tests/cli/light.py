"""A venue's registry in a finalized block of a beacon chain of our own, and both nodes, for the command."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lightclient import nodes
from tests.lightclient.beaconchain import BeaconChain, Library, chain_at, executed, network_file, serve
from zkstate.publication.header import SignedHeader
from zkstate.registry.embedded import PyEvmChain
from zkstate.registry.registry import Registry
from zkstate.registry.slots import blobs_slot


@dataclass(frozen=True)
class Light:
    """What the command line is given, and the parts to lie with."""

    rpc: str
    beacon: str
    network: Path
    registry: str
    checkpoint: str
    beacons: BeaconChain
    library: Library

    @property
    def options(self):
        return ("--rpc", self.rpc, "--registry", self.registry, "--network", self.network)

    @property
    def pins(self):
        return ("--checkpoint", self.checkpoint, "--venue-registry", self.registry, "--network", self.network)


def put_word(execution: PyEvmChain, address: bytes, slot: int, word: bytes) -> None:
    """What a transaction with blobs leaves in the registry; py-evm's blocks carry none."""
    head = execution._backend.chain
    vm = head.get_vm()
    vm.state.set_storage(address, slot, int.from_bytes(word))
    vm.state.persist()
    head.header = head.header.copy(state_root=vm.state.state_root)
    execution.set_time(execution.block_time() + 1)


@contextmanager
def light(header: Path, folder: Path, *, superseded=False, blobs=None, halted=False, rollback=False):
    """The header of an epoch in a registry, in the block that slot 160 of 180 made final; with a newer one on top, or
    the registry's word of the epoch's blobs; or halted; or, with a newer one, about to be rolled back to it.
    """
    signed = SignedHeader.decode(header.read_bytes())
    now = int(time.time())
    execution = PyEvmChain(now - 60)
    registry, _ = Registry.deploy(execution, signed.header.venue)
    registry.publish(signed.header.encode())
    if superseded:
        old = signed.header
        newer = replace(old, epoch=old.epoch + 1, time=old.time + 1, previous_state_root=old.state_root)
        registry.publish(newer.encode())
    if blobs is not None:
        put_word(execution, registry.address, blobs_slot(signed.header.hash), blobs)
    if halted:
        registry.halt()
    if rollback:
        registry.propose_rollback(signed.header.epoch)
    chain = replace(chain_at(now, 180), chain_id=execution.chain_id)
    beacons = BeaconChain(chain, executed(execution._backend.chain.get_canonical_head()))
    earlier = BeaconChain(chain)
    bootstrap = earlier.bootstrap(8)
    updates = [earlier.update(40, 24), earlier.update(104, 88), earlier.update(168, 152)]
    library = Library.of(beacons, bootstrap, updates, beacons.finality(178, 160))
    with nodes.serve(nodes.pyevm_node(execution)) as rpc, serve(library.get) as beacon:
        yield Light(
            rpc,
            beacon,
            network_file(chain, folder / "network.json"),
            f"0x{registry.address.hex()}",
            f"0x{bootstrap.header.beacon.root.hex()}",
            beacons,
            library,
        )
