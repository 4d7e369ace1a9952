"""Real networks: mainnet in Capella, Deneb and Fulu, one state proof to the end, and a recorded devnet."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from functools import cache

import pytest

from lightclient.consensus import follow, sync, wire
from lightclient.consensus.chains import MAINNET
from lightclient.execution.proof import verify_answer
from tests.lightclient.consensus.official import chain_of, unhex
from tests.shared import shared_path


@cache
def files(path):
    with tarfile.open(shared_path(f"vectors/{path}")) as tar:
        return {m.name.removeprefix("./"): tar.extractfile(m).read() for m in tar if m.isfile()}


def mainnet(folder, archive, name):
    content = files(f"mainnet_light_client/{folder}/{archive}.tar.xz")
    return json.loads(next(data for path, data in content.items() if path.endswith(name)))


def read(answer):
    return wire.read_update(answer["data"], wire.fork_named(answer["version"]), MAINNET)


NETWORKS = [
    ("helios", "helios_testdata", "bootstrap.json", "updates.json", "finality.json", 17923026),
    ("nimbus_verified_proxy", "nimbus_lc", "lc_bootstrap.json", "lc_updates.json", "lc_finality.json", 24784163),
    (
        "zk_light_clients",
        "zk_light_clients",
        "BootstrapDeneb.json",
        "base-data/UpdateDeneb.json",
        "FinalityUpdateDeneb.json",
        20360596,
    ),
]
CHECKPOINTS = {"helios": 7069376, "nimbus_verified_proxy": 14017856, "zk_light_clients": 9567456}


def followed(folder, archive, bootstrap, updates, finality):
    """From the checkpoint over all updates to the finality update."""
    answer = mainnet(folder, archive, bootstrap)
    start = wire.read_bootstrap(answer["data"], wire.fork_named(answer["version"]), MAINNET)
    assert start.header.slot == CHECKPOINTS[folder]
    sync.verify_bootstrap(start, start.header.beacon.root, MAINNET)
    last = read(mainnet(folder, archive, finality))
    known = [read(one) for one in mainnet(folder, archive, updates)]
    client = sync.start(start, MAINNET)
    progress = follow.catch_up(client, lambda first, count: known, last.signature_slot, max_age_slots=10**6)
    assert progress.refused == ()
    client = progress.client
    if not follow.is_old(client, last):
        sync.verify_update(client, last, last.signature_slot)
        client = sync.apply_update(client, last)
    return client, last


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network[0])
def test_mainnet_is_followed_from_a_checkpoint_to_a_finalized_block(network):
    client, last = followed(*network[:5])
    assert client.finalized == last.finalized_header
    assert client.finalized.execution.block_number == network[5]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network[0])
def test_no_other_message_is_signed_by_mainnets_committee(network):
    """Any part of a real finality update changed, or another chain's domain: refused."""
    client, last = followed(*network[:5])
    committee = client.current if MAINNET.period(last.signature_slot) == client.period else client.following
    sync.verify_signature(committee, last, MAINNET)
    aggregate = last.sync_aggregate
    bits = aggregate.sync_committee_bits
    first = bits.index(True)
    fewer = (*bits[:first], False, *bits[first + 1 :])
    beacon = last.attested_header.beacon
    forged = [
        replace(last, sync_aggregate=replace(aggregate, sync_committee_bits=fewer)),
        replace(last, attested_header=replace(last.attested_header, beacon=replace(beacon, slot=beacon.slot + 1))),
        replace(last, attested_header=replace(last.attested_header, beacon=replace(beacon, state_root=bytes(32)))),
    ]
    for update in forged:
        with pytest.raises(sync.UpdateError, match="is false"):
            sync.verify_signature(committee, update, MAINNET)
    with pytest.raises(sync.UpdateError, match="is false"):
        sync.verify_signature(committee, last, replace(MAINNET, genesis_validators_root=bytes(32)))


def test_a_real_state_proof_hangs_below_a_finalized_mainnet_header():
    client, _ = followed(*NETWORKS[2][:5])
    answer = mainnet("zk_light_clients", "zk_light_clients", "EthGetProof.json")["result"]
    slots = [int(entry["key"], 16) for entry in answer["storageProof"]]
    proved = verify_answer(client.finalized.execution.state_root, unhex(answer["address"]), slots, answer)
    assert proved is not None


def devnet():
    content = files("devnet_lodestar_anvil/recording.tar.xz")
    spec = json.loads(content["cl/spec.json"])
    config = spec.get("data", spec)
    genesis = json.loads(content["cl/genesis.json"])["data"]
    return content, chain_of(config, unhex(genesis["genesis_validators_root"]))


def test_a_recorded_devnet_is_followed_over_its_committees():
    content, chain = devnet()
    names = sorted(name for name in content if name.startswith("cl/bootstrap/") and name.endswith(".ssz"))
    digest = next(digest for digest, fork in chain.digests().items() if fork.name == "DENEB")
    for name in names:
        bootstrap = wire.decode_bootstrap(content[name], digest, chain)
        sync.verify_bootstrap(bootstrap, unhex(name.split("_")[-1].removesuffix(".ssz")), chain)
        assert (
            wire.read_bootstrap(
                json.loads(content[name.replace(".ssz", ".json")])["data"], wire.fork_named("deneb"), chain
            )
            == bootstrap
        )
    client = sync.start(wire.decode_bootstrap(content[names[0]], digest, chain), chain)
    updates = []
    for name in sorted(name for name in content if name.startswith("cl/updates/") and name.endswith(".json")):
        for item in json.loads(content[name]):
            updates.append(wire.read_update(item["data"], wire.fork_named("deneb"), chain))
            # length and digest come before; this node writes the digest of another genesis there
            encoded = wire.formats_of(digest, chain).update.encode(updates[-1])
            assert content[name.replace(".json", ".ssz")][12:] == encoded
    assert len(updates) >= 3
    followed = follow.catch_up(client, lambda first, count: updates, 10**6, max_age_slots=10**6)
    assert followed.refused == ()
    client, finalized, roots = followed.client, 0, 0
    finality = sorted(name for name in content if name.startswith("cl/finality_update/") and name.endswith(".ssz"))
    for name in finality:
        one = wire.decode_finality_update(content[name], digest, chain)
        if follow.is_old(client, one) or one.attested_header.slot <= client.finalized.slot:
            continue
        sync.verify_update(client, one, one.signature_slot)
        client = sync.apply_update(client, one)
        finalized += 1
        number = int(client.finalized.execution.extra_data.decode().removeprefix("anvil:"))
        recorded = content.get(f"el/{number:05}.json")
        if recorded is not None:
            contract = json.loads(recorded)["proofs"][0]
            slots = [int(entry["key"], 16) for entry in contract["storageProof"]]
            state_root = client.finalized.execution.state_root
            proved = verify_answer(state_root, unhex(contract["address"]), slots, contract)
            assert proved.words == {
                slot: int(e["value"], 16) for slot, e in zip(slots, contract["storageProof"], strict=True)
            }
            assert len(slots) == 5
            roots += 1
    assert finalized > 0
    assert roots > 0
    assert client.period >= 2
