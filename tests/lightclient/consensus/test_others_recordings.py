"""Recordings that other light clients are tested with: mainnet over 21 committees, Portal, a devnet in Fulu."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from lightclient.consensus import follow, sync, wire
from lightclient.consensus.chains import MAINNET
from lightclient.consensus.forks import FAR_FUTURE, Chain, Fork
from lightclient.consensus.types import EMPTY_BEACON, Header, SyncCommittee, formats, signing_root
from lightclient.execution.account import verify_account_proof, verify_storage_proof
from lightclient.execution.header import BlockHeader
from tests.lightclient.consensus.official import unhex
from tests.lightclient.consensus.test_networks import files, read

LIBNIMBUS = "mainnet_light_client/libnimbus_lc/libnimbus_lc.tar.xz"
PORTAL = "mainnet_light_client/portal/portal_lc.tar.xz"
DATACHAIN = "mainnet_light_client/datachain/datachain.tar.xz"
EUREKA = "mainnet_light_client/solidity_ibc_eureka/ibc_eureka.tar.xz"


def test_mainnet_over_21_committees_down_to_the_hash_of_an_execution_header():
    content = files(LIBNIMBUS)
    bootstrap = formats(Fork.CAPELLA, 512).bootstrap.decode(content["bootstrap.ssz"], "bootstrap")
    sync.verify_bootstrap(bootstrap, bootstrap.header.beacon.root, MAINNET)
    updates = wire.decode_updates(content["updates.ssz"], MAINNET)
    assert len(updates) == 21
    last = read(json.loads(content["finUpdate.json"]))
    start = sync.start(bootstrap, MAINNET)
    progress = follow.catch_up(start, lambda first, count: updates, last.signature_slot, max_age_slots=10**6)
    assert progress.refused == ()
    sync.verify_update(progress.client, last, last.signature_slot)
    client = sync.apply_update(progress.client, last)
    execution = client.finalized.execution
    header = BlockHeader.from_json(json.loads(content["executionBlockHeader.json"]))
    assert (header.number, header.hash) == (execution.block_number, execution.block_hash) == (17548108, header.hash)
    assert (header.state_root, header.timestamp) == (execution.state_root, execution.timestamp)
    for name in ("optUpdate.ssz", "optimistic_update.ssz"):
        one = formats(Fork.CAPELLA, 512).optimistic_update.decode(content[name], name)
        sync.verify_signature(client.current, one, MAINNET)
    missing = [one for one in updates if MAINNET.period(one.attested_header.slot) != client.period - 3]
    halted = follow.catch_up(start, lambda first, count: missing, last.signature_slot, max_age_slots=10**6)
    assert halted.client.period < client.period


def portal(name):
    """Key and value: a byte of kind and a root, slot or range; a fork digest and SSZ."""
    case = yaml.safe_load(files(PORTAL)[f"deneb/{name}.yaml"])
    return unhex(case["content_key"]), unhex(case["content_value"])


def test_what_portal_stores_of_deneb():
    key, value = portal("bootstrap")
    bootstrap = wire.decode_bootstrap(value[4:], value[:4], MAINNET)
    sync.verify_bootstrap(bootstrap, key[1:], MAINNET)
    with pytest.raises(sync.UpdateError, match="the checkpoint is"):
        sync.verify_bootstrap(bootstrap, key[2:] + b"\0", MAINNET)
    key, value = portal("updates")
    first, count = (int.from_bytes(key[at : at + 8], "little") for at in (1, 9))
    starts = [int.from_bytes(value[at : at + 4], "little") for at in range(0, 4 * count, 4)]
    pieces = [value[begin:end] for begin, end in zip(starts, [*starts[1:], len(value)], strict=True)]
    assert starts[0] == 4 * count
    updates = [wire.decode_update(piece[4:], piece[:4], MAINNET) for piece in pieces]
    assert [MAINNET.period(update.attested_header.slot) for update in updates] == [first, first + 1]
    # Whose committee signed the first is not among them; it signs for the second.
    holder = replace(updates[0], sync_aggregate=updates[1].sync_aggregate)
    assert updates[0].next_sync_committee is not None
    sync.verify_signature(updates[0].next_sync_committee, updates[1], MAINNET)
    with pytest.raises(sync.UpdateError, match="is false"):
        sync.verify_signature(updates[0].next_sync_committee, holder, MAINNET)
    for name, decode in (
        ("finality_update", wire.decode_finality_update),
        ("optimistic_update", wire.decode_optimistic_update),
    ):
        key, value = portal(name)
        one = decode(value[4:], value[:4], MAINNET)
        sync.verify_header(one.attested_header, MAINNET, name)
        named = one.finalized_header.slot if name == "finality_update" else one.signature_slot
        assert int.from_bytes(key[1:9], "little") == named


def bellatrix(update):
    """An update as datachain writes it: headers bare, branches beside what they prove, numbers as numbers."""

    def header(bare):
        return {"beacon": {name: str(v) if isinstance(v, int) else v for name, v in bare.items()}}

    finalized, finality_branch = update["finalized_header"]
    committee, committee_branch = update["next_sync_committee"]
    return {
        "attested_header": header(update["attested_header"]),
        "next_sync_committee": committee,
        "next_sync_committee_branch": committee_branch,
        "finalized_header": header(finalized),
        "finality_branch": finality_branch,
        "sync_aggregate": update["sync_aggregate"],
        "signature_slot": str(update["signature_slot"]),
    }


def test_an_update_of_bellatrix_and_the_root_that_its_committee_signed():
    content = {name.rsplit("/", 1)[-1]: data for name, data in files(DATACHAIN).items()}
    update = wire.read_update(
        bellatrix(json.loads(content["mainnet_light_client_update_slot_5841038.json"])), Fork.BELLATRIX, MAINNET
    )
    domain = MAINNET.sync_committee_domain(update.signature_slot)
    signed = signing_root(update.attested_header.beacon, domain)
    assert signed == unhex(json.loads(content["mainnet_signing_root_slot_5841037.json"]))
    committee = json.loads(content["mainnet_sync_committee_period_713.json"])
    current = SyncCommittee(b"".join(map(unhex, committee["pubkeys"])), unhex(committee["aggregate_pubkey"]))
    held = Header(replace(EMPTY_BEACON, slot=713 * MAINNET.slots_per_period))
    client = sync.LightClient(MAINNET, held, current, None, held)
    sync.verify_update(client, update, update.signature_slot)
    assert sync.apply_update(client, update).following == update.next_sync_committee
    with pytest.raises(sync.UpdateError, match="is false"):
        sync.verify_signature(update.next_sync_committee, update, MAINNET)


def objects(body):
    """The JSON objects in the protobuf of a relayer's transaction, as it sent them."""
    found, at = [], 0
    while (at := body.find(b'{"', at)) >= 0:
        value, length = json.JSONDecoder().raw_decode(body[at:].decode("latin1"))
        found.append(value)
        at += length
    return found


def devnet(state):
    """The chain of a relayer's client state."""
    parameters = state["fork_parameters"]
    forks = [
        (fork, parameters[fork.name.lower()]["epoch"], unhex(parameters[fork.name.lower()]["version"])) for fork in Fork
    ]
    return Chain(
        name="devnet",
        chain_id=state["chain_id"],
        genesis_validators_root=unhex(state["genesis_validators_root"]),
        genesis_time=state["genesis_time"],
        genesis_version=unhex(parameters["genesis_fork_version"]),
        forks=tuple((fork, epoch, version) for fork, epoch, version in forks if epoch != FAR_FUTURE),
        committee_size=state["sync_committee_size"],
        slots_per_epoch=state["slots_per_epoch"],
        epochs_per_period=state["epochs_per_sync_committee_period"],
        seconds_per_slot=state["seconds_per_slot"],
        blob_schedule=(),
        electra_max_blobs=9,
    )


RELAYED = (
    "Test_ICS20TransferNativeCosmosCoinsToEthereumAndBack",
    "Test_MultiPeriodClientUpdateToCosmos",
    "Test_TimeoutPacketFromCosmos",
    "Test_ICS20TransferERC20TokenfromEthereumToCosmosAndBack",
)


def relayed(content, chain):
    """An update as the relayer writes it: absent members as null, base fees in hexadecimal."""
    content = {key: value for key, value in content.items() if value is not None}
    for name in ("attested_header", "finalized_header"):
        execution = content[name]["execution"]
        execution["base_fee_per_gas"] = str(int(execution["base_fee_per_gas"], 16))
    return wire.read_update(content, chain.fork_at(int(content["signature_slot"])), chain)


def committee_of(keys):
    return SyncCommittee(b"".join(map(unhex, keys["pubkeys"])), unhex(keys["aggregate_pubkey"]))


@pytest.mark.parametrize("name", RELAYED)
def test_a_devnet_in_fulu_is_followed_down_to_storage_of_a_contract(name):
    steps = json.loads(next(data for path, data in files(EUREKA).items() if name in path))["steps"]
    state = steps[0]["data"]["client_state"]
    chain, contract = devnet(state), unhex(state["ibc_contract_address"])
    held = Header(replace(EMPTY_BEACON, slot=steps[0]["data"]["consensus_state"]["slot"]))
    client, proofs = None, 0
    for step in steps[1:]:
        for item in objects(unhex("0x" + step["data"]["relayer_tx_body"])):
            if "consensus_update" in item:
                update = relayed(item["consensus_update"], chain)
                if client is None:  # the committee comes with the first update, as the one of the held slot or the next
                    ((which, keys),) = item["active_sync_committee"].items()
                    signers = committee_of(keys)
                    client = sync.LightClient(chain, held, signers, signers if which == "Next" else None, held)
                sync.verify_update(client, update, update.signature_slot)
                client = sync.apply_update(client, update)
                assert client.finalized == update.finalized_header
            elif "account_proof" in item:
                account = verify_account_proof(
                    client.finalized.execution.state_root, contract, tuple(map(unhex, item["account_proof"]["proof"]))
                )
                assert account.storage_root == unhex(item["account_proof"]["storage_root"])
                storage = item["storage_proof"]
                slot = int(storage["key"], 16)
                word = verify_storage_proof(account.storage_root, slot, tuple(map(unhex, storage["proof"])))
                assert word == int(storage["value"], 16)
                proofs += 1
    assert proofs == len(steps) - 1
