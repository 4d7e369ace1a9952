"""The sync protocol against the scenarios, rankings and single proofs of the consensus specifications."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lightclient.consensus import store, sync, wire
from lightclient.consensus.forks import EXECUTION_PAYLOAD_GINDEX, ROWS, Fork
from lightclient.consensus.ssz import hash_pair, is_branch
from lightclient.consensus.types import execution_root, formats
from tests.lightclient.consensus.official import PRESETS, Case, chain_of, files, scenarios, unhex

SCENARIOS = scenarios()


def run(case):
    """Replay a scenario; returns how many steps were checked. The state is written and read again at every step."""
    meta = case.yaml("meta")
    chain = chain_of(case.yaml("config"), unhex(meta["genesis_validators_root"]))
    bootstrap = wire.decode_bootstrap(case.ssz("bootstrap"), unhex(meta["bootstrap_fork_digest"]), chain)
    sync.verify_bootstrap(bootstrap, unhex(meta["trusted_block_root"]), chain)
    client = sync.start(bootstrap, chain)
    steps = case.yaml("steps")
    for step in steps:
        kind, body = next(iter(step.items()))
        if kind == "process_update":
            data = case.ssz(body["update"])
            digest = unhex(body["update_fork_digest"])
            update = wire.decode_update(data, digest, chain)
            assert wire.formats_of(digest, chain).update.encode(update) == data
            now = int(body["current_slot"])
            sync.verify_update(client, update, now)
            client = sync.apply_update(client, update)
        elif kind == "force_update":
            client = sync.apply_forced(client, int(body["current_slot"]))
        else:
            assert kind == "upgrade_store"  # one form serves every fork
        for name, wanted in body["checks"].items():
            header = getattr(client, name.removesuffix("_header"))
            assert header.slot == int(wanted["slot"])
            assert header.beacon.root == unhex(wanted["beacon_root"])
            if "execution_root" in wanted:
                assert execution_root(header, chain) == unhex(wanted["execution_root"])
        again = store.decode(store.encode(client), chain)
        assert store.encode(again) == store.encode(client)
        client = again
    return len(steps)


@pytest.mark.parametrize("case", SCENARIOS, ids=lambda case: "-".join(case.name.split("/")[-5:]))
def test_scenarios_end_where_the_specification_says(case):
    assert run(case) > 0


def test_there_are_scenarios_of_every_fork():
    names = " ".join(case.name for case in SCENARIOS)
    assert [fork.name for fork in Fork if f"/{fork.name.lower()}/" not in f"/{names}"] == []
    assert len(SCENARIOS) >= 20


def rankings():
    archive = "light_client.tar.gz"
    folders = {name.rsplit("/", 1)[0] for name in files(archive) if "/update_ranking/" in name}
    return [Case(archive, folder) for folder in sorted(folders)]


@pytest.mark.parametrize("case", rankings(), ids=lambda case: case.name.split("/")[1])
def test_updates_rank_as_the_specification_ranks_them(case):
    """Best first: of any two, the earlier is better, and the later is not."""
    preset, fork = case.name.split("/")[:2]
    size, slots, epochs = PRESETS[preset]
    version = bytes(4)
    chain = chain_of(
        {"PRESET_BASE": preset, "GENESIS_FORK_VERSION": "0x00000000", f"{fork.upper()}_FORK_EPOCH": "0"}
        | {f"{fork.upper()}_FORK_VERSION": "0x" + version.hex()},
        bytes(32),
    )
    assert (chain.committee_size, chain.slots_per_epoch, chain.epochs_per_period) == (size, slots, epochs)
    kind = formats(Fork[fork.upper()], size).update
    count = int(case.yaml("meta")["updates_count"])
    updates = [kind.decode(case.ssz(f"updates_{i}"), "update") for i in range(count)]
    for i, better in enumerate(updates):
        for worse in updates[i + 1 :]:
            assert not sync.is_better(worse, better, chain)
    assert sum(sync.is_better(a, b, chain) for a, b in pairwise(updates)) > count // 2


def proofs():
    archive = "light_client.tar.gz"
    folders = {name.rsplit("/", 1)[0] for name in files(archive) if name.endswith("proof.yaml")}
    return [Case(archive, folder) for folder in sorted(folders)]


@pytest.mark.parametrize(
    "case", proofs(), ids=lambda case: "-".join([*case.name.split("/")[:2], case.name.split("/")[-1]])
)
def test_generalized_indices_and_branches_are_those_of_the_specification(case):
    """The index is that of the fork's row, and leaf and branch give one root, which no other index gives."""
    fork, kind = Fork[case.name.split("/")[1].upper()], case.name.split("/")[-1]
    row = ROWS[fork]
    gindex = {
        "execution_merkle_proof": EXECUTION_PAYLOAD_GINDEX,
        "finality_root_merkle_proof": row.finalized_root,
        "current_sync_committee_merkle_proof": row.current_sync_committee,
        "next_sync_committee_merkle_proof": row.next_sync_committee,
    }[kind]
    proof = case.yaml("proof")
    leaf, branch = unhex(proof["leaf"]), [unhex(node) for node in proof["branch"]]
    assert gindex == int(proof["leaf_index"])
    root = leaf
    for i, node in enumerate(branch):
        root = hash_pair(node, root) if gindex >> i & 1 else hash_pair(root, node)
    assert is_branch(leaf, branch, gindex, root)
    assert is_branch(leaf, [bytes(32), *branch], gindex, root)
    assert not is_branch(leaf, branch, gindex ^ 2, root)
    assert not is_branch(leaf, branch[1:], gindex, root)
    assert not is_branch(leaf, [b"\1" * 32, *branch], gindex, root)
    for i in range(len(branch)):
        broken = [*branch[:i], bytes(a ^ 1 for a in branch[i]), *branch[i + 1 :]]
        assert not is_branch(leaf, broken, gindex, root)
