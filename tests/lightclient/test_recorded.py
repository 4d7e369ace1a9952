"""Recordings of real networks served over the loopback: a devnet, and mainnet in Capella, Deneb, Fulu; end to end."""

import copy
import json
import math
from functools import cache

import pytest

from lightclient.beacon import BeaconNode, beacons_at
from lightclient.consensus.chains import MAINNET
from lightclient.execution.proof import verify_answer
from lightclient.execution.receipts import logs_of, verify_receipts
from lightclient.finality import follow
from lightclient.network import chain_of, read_network
from lightclient.nodes import Panel
from tests.lightclient import nodes
from tests.lightclient.beaconchain import Library, serve
from tests.lightclient.execution.recorded import archive, unhex
from tests.lightclient.faults import FAULTS, changed, lies
from tests.publication import servers
from zkstate.errors import DisagreementError, EncodingError, InputError, SourceError, StaleError
from zkstate.registry.rpc import JsonRpc, read_quantity

PRESENT = 224  # the slot after the last recorded one


@cache
def recording():
    """The devnet: its files, its chain by the constants of its node, and what that node would answer at the end."""
    files = archive("vectors/devnet_lodestar_anvil/recording.tar.xz")
    files = {name.removeprefix("./"): data for name, data in files.items()}
    chain = chain_of(constants(files))
    updates = [
        item
        for name in sorted(files)
        if name.startswith("cl/updates/") and name.endswith(".json")
        for item in json.loads(files[name])
    ]
    finality = max(name for name in files if name.startswith("cl/finality_update/") and name.endswith(".json"))
    library = Library(
        {
            name.rpartition("_")[2].removesuffix(".json"): json.loads(data)
            for name, data in files.items()
            if name.startswith("cl/bootstrap/") and name.endswith(".json")
        },
        {chain.period(int(one["data"]["attested_header"]["beacon"]["slot"])): one for one in updates},
        json.loads(files[finality]),
    )
    return files, chain, library


def constants(files):
    """What a reader of this network writes into their --network file."""
    return {**json.loads(files["cl/spec.json"])["data"], **json.loads(files["cl/genesis.json"])["data"]}


def first_checkpoint():
    files, _, _ = recording()
    name = min(name for name in files if name.startswith("cl/bootstrap/"))
    return unhex(name.rpartition("_")[2].partition(".")[0])


def followed(places, timeout_s=5, **options):
    _, chain, _ = recording()
    now = chain.time_of(PRESENT)
    return follow(
        [source for place in places for source in beacons_at(place, timeout_s)],
        chain,
        first_checkpoint(),
        timeout_s=timeout_s,
        clock=lambda: now,
        **options,
    )


def block_of(finalized_header):
    """The recorded block of the execution node that a finalized payload names in its extra data."""
    files, _, _ = recording()
    number = int(finalized_header.execution.extra_data.decode().removeprefix("anvil:"))
    return json.loads(files[f"el/{number:05}.json"])


def execution_node(block):
    """A node over one recorded block."""

    def handle(method, params):
        if method == "eth_chainId":
            return "0x7a69"
        if method == "eth_getProof":
            return next(one for one in block["proofs"] if one["address"] == params[0])
        if method == "eth_getBlockReceipts":
            return block["receipts"]
        raise nodes.Refusal(-32601, f"the method {method} does not exist")

    return handle


def proved_state(urls, state_root, contract, timeout_s=5):
    """The contract's words from the first node whose answer is right, and the faults of the others, by name."""
    wanted = [int(entry["key"], 16) for entry in contract["storageProof"]]
    keys = [entry["key"] for entry in contract["storageProof"]]

    def question(node):
        chain_id = read_quantity(node.source.call("eth_chainId", [], node.deadline), "chain id")
        if chain_id != 31337:
            raise DisagreementError(f"chain id {chain_id}, and 31337 is expected")
        answer = node.source.call("eth_getProof", [contract["address"], keys, "finalized"], node.deadline)
        return verify_answer(state_root, unhex(contract["address"]), wanted, answer)

    panel = Panel([JsonRpc(url, timeout_s) for url in urls], timeout_s)
    found = panel.ask(question)[0][1]
    return found, [report.fault for report in panel.reports()]


def test_the_devnet_is_followed_to_a_word_of_its_contract():
    """Checkpoint, committees, finalized header, state root, account and storage proofs, all receipts and logs."""
    _, _, library = recording()
    with serve(library.get) as beacon:
        found = followed([beacon])
    assert [report.fault for report in found.reports] == [""]
    assert found.client.period >= 3
    header = found.client.finalized
    assert found.finalized.block.state_root == header.execution.state_root
    block = block_of(header)
    contract = block["proofs"][0]
    with nodes.serve(execution_node(block)) as rpc:
        proved, faults = proved_state([rpc], header.execution.state_root, contract)
        assert faults == [""]
        answer = JsonRpc(rpc).call("eth_getBlockReceipts", ["finalized"])
    assert proved.words == {int(e["key"], 16): int(e["value"], 16) for e in contract["storageProof"]}
    assert 0 in proved.words.values()
    logs = logs_of(verify_receipts(header.execution.receipts_root, answer))
    assert [(log.log.address, log.log.data) for log in logs] == [
        (unhex(log["address"]), unhex(log["data"])) for log in block["logs"]
    ]
    assert logs


def test_every_checkpoint_of_the_devnet_leads_to_the_same_end():
    """The one that is younger than the newest finality update is an end itself."""
    _, chain, library = recording()
    newest = library.finality["data"]["finalized_header"]["beacon"]["slot"]
    with serve(library.get) as beacon:
        found = [
            follow([BeaconNode(beacon, 5)], chain, unhex(root), timeout_s=5, clock=lambda: chain.time_of(PRESENT))
            for root in library.bootstraps
        ]
    assert len(found) >= 8
    for one in found:
        start, end = one.bootstrap.header, one.client.finalized
        assert end.slot == max(start.slot, int(newest))
        assert one.finalized.is_checkpoint == (end == start)
    assert len({one.client.finalized for one in found}) == 2


@pytest.mark.parametrize("lie", lies(PRESENT + 1))
def test_no_lie_about_the_devnet_is_believed(lie):
    _, _, library = recording()
    with serve(changed(library, *lies(PRESENT + 1)[lie])) as liar, serve(library.get) as honest:
        with pytest.raises((DisagreementError, SourceError), match=liar):
            followed([liar])
        found = followed([liar, honest])
    assert found.finalized.finality.slot == int(library.finality["data"]["finalized_header"]["beacon"]["slot"])
    assert found.reports[0].fault.startswith(f"{liar}: ")
    assert found.reports[1].fault == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_node_of_the_devnet_is_named_and_outvoted(fault):
    behave, words = FAULTS[fault]
    _, _, library = recording()
    with servers.raw(behave) as broken, serve(library.get) as honest:
        found = followed([broken, honest], timeout_s=0.5 if words == "not finished within" else 5)
    assert found.reports[0].fault.startswith(broken)
    assert words in found.reports[0].fault
    assert found.client.period >= 3


def test_a_node_of_the_devnet_that_stands_still_is_stale():
    _, _, library = recording()
    behind = Library(library.bootstraps, {0: library.updates[0]}, None)
    with serve(behind.get) as beacon, pytest.raises(StaleError, match="the newest finalized header that any source"):
        followed([beacon], max_finality_age_s=300)


def words_of(change):
    def changing(answer):
        answer = copy.deepcopy(answer)
        change(answer)
        return answer

    return changing


PROOF_LIES = {
    "address": lambda answer: answer.update(address="0x" + "11" * 20),
    "balance": lambda answer: answer.update(balance="0x123456"),
    "nonce": lambda answer: answer.update(nonce="0x123456"),
    "code hash": lambda answer: answer.update(codeHash="0x" + "11" * 32),
    "storage hash": lambda answer: answer.update(storageHash="0x" + "11" * 32),
    "value": lambda answer: answer["storageProof"][0].update(value="0x123456"),
    "key": lambda answer: answer["storageProof"][0].update(key="0x123456"),
    "word absent": lambda answer: answer["storageProof"][0].update(value="0x0", proof=[]),
    "truncated account proof": lambda answer: answer["accountProof"].pop(),
    "truncated storage proof": lambda answer: answer["storageProof"][0]["proof"].pop(),
    "account proof absent": lambda answer: answer.update(accountProof=[]),
    "slots missing": lambda answer: answer["storageProof"].pop(),
    "a node more": lambda answer: answer["accountProof"].append(answer["accountProof"][0]),
    "padded node": lambda answer: answer["accountProof"].__setitem__(0, answer["accountProof"][0] + "00"),
}


@pytest.mark.parametrize("lie", PROOF_LIES)
def test_no_lie_of_the_execution_node_is_believed(lie):
    """Against the state root that the recorded committees signed."""
    _, _, library = recording()
    with serve(library.get) as beacon:
        header = followed([beacon]).client.finalized
    block = block_of(header)
    honest, contract = execution_node(block), block["proofs"][0]
    lying = nodes.lying(honest, "eth_getProof", words_of(PROOF_LIES[lie]))
    with nodes.serve(lying) as liar, nodes.serve(honest) as rpc:
        with pytest.raises((DisagreementError, SourceError), match=liar):
            proved_state([liar], header.execution.state_root, contract)
        _, faults = proved_state([liar, rpc], header.execution.state_root, contract)
    assert [fault.startswith(liar) for fault in faults] == [True, False]


def test_other_chains_and_older_blocks_of_the_execution_node_are_refused():
    files, _, library = recording()
    with serve(library.get) as beacon:
        header = followed([beacon]).client.finalized
    contract = block_of(header)["proofs"][0]
    older = json.loads(files[min(name for name in files if name.startswith("el/"))])
    elsewhere = nodes.lying(execution_node(block_of(header)), "eth_chainId", lambda _: "0x1")
    with nodes.serve(elsewhere) as other, pytest.raises(DisagreementError, match=f"{other}: chain id 1, and 31337"):
        proved_state([other], header.execution.state_root, contract)
    with nodes.serve(execution_node(older)) as stale, pytest.raises(DisagreementError, match=f"{stale}: proof node 1"):
        proved_state([stale], header.execution.state_root, contract)
    for behave, words in (FAULTS[name] for name in ("mute", "slow drip", "endless", "cut off", "not JSON")):
        with servers.raw(behave) as broken, pytest.raises(SourceError, match=words) as caught:
            proved_state([broken], header.execution.state_root, contract, timeout_s=0.5)
        assert str(caught.value).startswith(broken)


def test_the_constants_of_the_devnets_node_are_a_network_file(tmp_path):
    files, chain, _ = recording()
    path = tmp_path / "network.json"
    path.write_text(json.dumps(constants(files)))
    assert read_network(path) == chain
    assert (chain.committee_size, chain.slots_per_period, chain.seconds_per_slot, chain.chain_id) == (32, 64, 2, 5)
    assert read_network(None) == MAINNET


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("genesis_validators_root", None, "genesis_validators_root is None"),
        ("genesis_validators_root", "0x11", "64 hexadecimal digits is due"),
        ("genesis_time", "-1", "decimal integer"),
        ("genesis_time", 7, "decimal integer"),
        ("SLOTS_PER_EPOCH", "0", "outside 1 to"),
        ("SYNC_COMMITTEE_SIZE", "1000000", "outside 1 to"),
        ("SECONDS_PER_SLOT", None, "SECONDS_PER_SLOT is None"),
        ("DENEB_FORK_VERSION", "0xzz000001", "8 hexadecimal digits is due"),
        ("ALTAIR_FORK_EPOCH", str(2**64 - 1), "have a gap"),
        ("ALTAIR_FORK_EPOCH", "5", "lies before that of ALTAIR"),
        ("BLOB_SCHEDULE", "0", "BLOB_SCHEDULE is no list"),
        ("BLOB_SCHEDULE", [{"EPOCH": "1"}], "MAX_BLOBS_PER_BLOCK is None"),
    ],
)
def test_a_network_file_is_checked_by_name(tmp_path, name, value, words):
    files, _, _ = recording()
    path = tmp_path / "network.json"
    path.write_text(json.dumps({**constants(files), name: value}))
    with pytest.raises(EncodingError, match=words) as caught:
        read_network(path)
    assert str(path) in str(caught.value)
    for text in ("[]", "{", "[" * 100):
        path.write_text(text)
        with pytest.raises(InputError):
            read_network(path)


# folder, archive, bootstrap, updates, finality update, its execution block
MAINNETS = [
    ("helios", "helios_testdata", "bootstrap.json", "updates.json", "finality.json", 17923026),
    ("nimbus_verified_proxy", "nimbus_lc", "lc_bootstrap.json", "lc_updates.json", "lc_finality.json", 24784163),
    (
        "zk_light_clients", "zk_light_clients", "inclusion/base-data/BootstrapDeneb.json",
        "inclusion/base-data/UpdateDeneb.json", "inclusion/base-data/FinalityUpdateDeneb.json", 20360596,
    ),
]  # fmt: skip


def mainnet(folder, name, *files):
    """A recorded mainnet node, its checkpoint, and the time of its last signature."""
    content = archive(f"vectors/mainnet_light_client/{folder}/{name}.tar.xz")
    content = {path.removeprefix("./"): data for path, data in content.items()}
    bootstrap, updates, finality = (json.loads(content[file]) for file in files)
    root = MAINNET_ROOTS[folder]
    by_period = {MAINNET.period(int(one["data"]["attested_header"]["beacon"]["slot"])): one for one in updates}
    now = MAINNET.time_of(int(finality["data"]["signature_slot"]))
    return Library({f"0x{root.hex()}": bootstrap}, by_period, finality), root, now


MAINNET_ROOTS = {
    "helios": unhex("5afc212a7924789b2bc86acad3ab3a6ffb1f6e97253ea50bee7f4f51422c9275"),
    "nimbus_verified_proxy": unhex("9bcb90ec3a294591b77dd2a58e973578715cdc0e6eeeb286bc06dd120057f18b"),
    "zk_light_clients": unhex("f783c545d2dd90cee6c4cb92a9324323ef397f6ec85e1a3d61c48cf6cfc979e2"),
}


@pytest.mark.parametrize("network", MAINNETS, ids=lambda network: network[0])
def test_mainnet_is_followed_from_its_checkpoint_over_the_loopback(network):
    library, root, now = mainnet(*network[:5])
    with serve(library.get) as beacon:
        found = follow([BeaconNode(beacon, 9)], MAINNET, root, timeout_s=9, clock=lambda: now, max_finality_age_s=2000)
    assert [report.fault for report in found.reports] == [""]
    assert found.finalized.block.number == network[5]
    assert found.finalized.participants > 342


def test_a_real_proof_hangs_below_the_block_that_mainnets_committee_signed():
    library, root, now = mainnet(*MAINNETS[2][:5])
    with serve(library.get) as beacon:
        found = follow([BeaconNode(beacon, 9)], MAINNET, root, timeout_s=9, clock=lambda: now, max_finality_age_s=2000)
    files = archive("vectors/mainnet_light_client/zk_light_clients/zk_light_clients.tar.xz")
    answer = json.loads(next(data for name, data in files.items() if name.endswith("EthGetProof.json")))["result"]
    wanted = [int(entry["key"], 16) for entry in answer["storageProof"]]
    with nodes.serve(lambda method, params: answer) as rpc:
        told = JsonRpc(rpc).call("eth_getProof", [answer["address"], [], "0x1"], math.inf)
    assert verify_answer(found.finalized.block.state_root, unhex(answer["address"]), wanted, told).account is not None
