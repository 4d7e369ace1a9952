"""Receipts and logs of real blocks: the trie of all of them has the block's root, and any change is refused."""

import copy
import json

import pytest
import rlp as pyrlp
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lightclient.execution import trie
from lightclient.execution.header import BlockHeader
from lightclient.execution.receipts import Log, Receipt, logs_of, verify_receipt_proof, verify_receipts
from tests.lightclient.execution.recorded import archive, chain_blocks, exchanges, unhex
from tests.lightclient.execution.tries import grow, proof
from zkstate.errors import DisagreementError, EncodingError

logs = st.builds(
    Log,
    st.binary(min_size=20, max_size=20),
    st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
    st.binary(max_size=70),
)
receipts = st.builds(
    Receipt,
    st.integers(0, 4),
    st.sampled_from([b"", b"\1", b"\7" * 32]),
    st.integers(0, 2**64 - 1),
    st.lists(logs, max_size=3).map(tuple),
)


def blocks():
    """(name, receipts root, receipts as nodes state them) of every block that comes with all its receipts."""
    helios = archive("vectors/eth_getproof/helios_rpc/helios_rpc.tar.xz")
    yield "helios", json.loads(helios["rpc/block.json"])["receiptsRoot"], json.loads(helios["rpc/receipts.json"])
    axelar = archive("vectors/mainnet_light_client/axelar/axelar.tar.xz")
    folder = "prover/src/prover/testdata/execution_blocks"
    yield (
        "axelar",
        json.loads(axelar[f"{folder}/18615160.json"])["receiptsRoot"],
        json.loads(axelar[f"{folder}/receipts/18615160.json"]),
    )
    snowbridge = archive("vectors/receipts/snowbridge/snowbridge.tar.xz")
    folder = "relayer/chain/ethereum/testdata"
    yield (
        "snowbridge",
        json.loads(snowbridge[f"{folder}/header11408438.json"])["receiptsRoot"],
        json.loads(snowbridge[f"{folder}/receipts11408438.json"]),
    )
    devnet = archive("vectors/devnet_lodestar_anvil/recording.tar.xz")
    for name in sorted(name for name in devnet if name.startswith("el/")):
        block = json.loads(devnet[name])
        yield name, block["block"]["receiptsRoot"], block["receipts"]


@pytest.fixture(scope="module")
def helios():
    files = archive("vectors/eth_getproof/helios_rpc/helios_rpc.tar.xz")
    return {name: json.loads(data) for name, data in files.items() if name.endswith(".json")}


@pytest.fixture(scope="module")
def small():
    """A devnet block with several receipts and logs, and its root."""
    return next((unhex(root), stated) for name, root, stated in blocks() if name == "el/00024.json")


def test_all_receipts_of_real_blocks_have_the_root_of_their_block():
    count = 0
    for name, root, stated in blocks():
        found = verify_receipts(unhex(root), stated)
        assert [Receipt.decode(one.encode()) for one in found] == list(found), name
        told = [log for receipt in stated for log in receipt["logs"]]
        assert [(log.log.address, log.log.data, log.transaction, log.index) for log in logs_of(found)] == [
            (unhex(log["address"]), unhex(log["data"]), int(log["transactionIndex"], 16), i)
            for i, log in enumerate(told)
        ], name
        assert [unhex(receipt["logsBloom"]) for receipt in stated] == [receipt.bloom for receipt in found], name
        count += 1
    assert count >= 90


def test_receipts_of_geths_chain():
    """Every recorded answer about a whole block or one receipt, raw or in JSON."""
    count = 0
    files = archive("vectors/eth_getproof/execution_apis/execution_apis.tar.xz")
    headers = {}
    for header in map(BlockHeader.decode, chain_blocks(files["chain.rlp"])):
        headers[header.hash], headers[header.number] = header, header
    for name, recording in files.items():
        for request, result in exchanges(recording) if name.endswith(".io") else ():
            if name.startswith("eth_getBlockReceipts/") and result:
                tag = request["params"][0]
                header = headers[unhex(tag) if len(tag) == 66 else int(tag, 16)]
                assert len(verify_receipts(header.receipts_root, result)) == len(result)
                count += 1
            elif name.startswith("eth_getTransactionReceipt/") and result:
                receipt = Receipt.from_json(result, "receipt")
                assert receipt.bloom == unhex(result["logsBloom"])
                assert Receipt.decode(receipt.encode()) == receipt
                count += 1
    assert count >= 3


def test_receipts_of_mainnet_blocks_across_forks():
    """The bytes of bodies, without types or with them, under the receipts roots of their headers."""
    files = archive("vectors/receipts/portal/portal_history.tar.xz")
    kinds, count = set(), 0
    for name, data in sorted(files.items()):
        if not name.startswith("block_data/"):
            continue
        case = yaml.load(data, Loader=yaml.BaseLoader)
        header = BlockHeader.decode(unhex(case["header"]))
        found = []
        for kind, outcome, gas, items in pyrlp.decode(unhex(case["receipts"])):
            made = tuple(Log(address, tuple(topics), told) for address, topics, told in items)
            found.append(Receipt(int.from_bytes(kind, "big"), outcome, int.from_bytes(gas, "big"), made))
        assert trie.ordered_root([receipt.encode() for receipt in found]) == header.receipts_root, name
        kinds |= {receipt.type for receipt in found}
        count += 1
    assert count >= 3
    assert kinds >= {0, 2, 3}


def test_a_recorded_receipt_proof(helios):
    root = unhex(helios["rpc/block.json"]["receiptsRoot"])
    for recorded in (
        helios["verifiable_api/receipt.json"],
        *helios["verifiable_api/logs.json"]["receiptProofs"].values(),
    ):
        stated = recorded["receipt"]
        index = int(stated["transactionIndex"], 16)
        nodes = [unhex(node) for node in recorded.get("receiptProof") or recorded["receipt_proof"]]
        assert verify_receipt_proof(root, index, nodes) == Receipt.from_json(stated, "receipt")
        for i in range(len(nodes)):
            for bent in (nodes[:i], nodes[:i] + nodes[i + 1 :], [*nodes[: i + 1], *nodes[i:]], [*nodes, nodes[i]]):
                with pytest.raises((DisagreementError, EncodingError)):
                    verify_receipt_proof(root, index, bent)
        with pytest.raises((DisagreementError, EncodingError)):
            verify_receipt_proof(root, index + 1, nodes)


def test_each_receipt_is_proved_and_the_one_after_the_last_is_absent(helios):
    stated = helios["rpc/receipts.json"]
    encoded = [Receipt.from_json(one, "receipt").encode() for one in stated]
    tree = grow((trie.index_key(i), data) for i, data in enumerate(encoded))
    root = unhex(helios["rpc/block.json"]["receiptsRoot"])
    assert tree.root_hash == root
    for i in (0, 1, 127, 128, len(encoded) - 1):
        assert verify_receipt_proof(root, i, proof(tree, trie.index_key(i))).encode() == encoded[i]
    assert verify_receipt_proof(root, len(encoded), proof(tree, trie.index_key(len(encoded)))) is None


CHANGES = {
    "one missing": lambda stated: stated.pop(),
    "first missing": lambda stated: stated.pop(0),
    "one more": lambda stated: stated.append(copy.deepcopy(stated[-1])),
    "reordered": lambda stated: stated.reverse(),
    "log missing": lambda stated: stated[0]["logs"].pop(),
    "log added": lambda stated: stated[0]["logs"].append(copy.deepcopy(stated[0]["logs"][0])),
    "log moved": lambda stated: stated[1]["logs"].append(stated[0]["logs"].pop()),
    "address": lambda stated: stated[0]["logs"][0].update(address="0x" + "11" * 20),
    "topic": lambda stated: stated[0]["logs"][0]["topics"].__setitem__(0, "0x" + "11" * 32),
    "topic missing": lambda stated: stated[0]["logs"][0]["topics"].pop(),
    "data": lambda stated: stated[0]["logs"][0].update(data=stated[0]["logs"][0]["data"] + "00"),
    "status": lambda stated: stated[0].update(status="0x0"),
    "type": lambda stated: stated[0].update(type="0x1"),
    "gas": lambda stated: stated[0].update(cumulativeGasUsed="0x1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_changed_list_has_the_root(small, change):
    root, stated = small
    bent = copy.deepcopy(stated)
    CHANGES[change](bent)
    with pytest.raises(DisagreementError, match=r"receipts have root .*; the block has"):
        verify_receipts(root, bent)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "0x5"}, "type 5"),
        ({"type": 2}, "type"),
        ({"status": "0x2"}, "status"),
        ({"status": None}, "root"),
        ({"status": None, "root": "0x11"}, "root"),
        ({"cumulativeGasUsed": None}, "cumulativeGasUsed"),
        ({"cumulativeGasUsed": "0x1" + "0" * 16}, "cumulativeGasUsed"),
        ({"logs": None}, "logs"),
        ({"logs": [7]}, "log 0"),
        ({"logs": [{}]}, "topics"),
        ({"logs": [{"topics": ["0x11"]}]}, "address"),
        ({"logs": [{"address": "0x" + "11" * 20, "topics": ["0x11"], "data": "0x"}]}, "topic 0"),
        ({"logs": [{"address": "0x" + "11" * 20, "topics": ["0x" + "11" * 32] * 5, "data": "0x"}]}, "topics of"),
        ({"logs": [{"address": "0x" + "11" * 20, "topics": [], "data": "zz"}]}, "data"),
    ],
)
def test_malformed_receipts_are_typed_errors_that_name_the_field(small, change, field):
    root, stated = small
    with pytest.raises(EncodingError, match=field):
        verify_receipts(root, [{**stated[0], **change}, *stated[1:]])
    for answer in (None, {}, "0x", [None], [[]]):
        with pytest.raises(EncodingError):
            verify_receipts(root, answer)
    with pytest.raises(EncodingError, match="at most 65536"):
        verify_receipts(root, [None] * 65537)


@given(receipts)
def test_an_encoding_comes_back_as_the_receipt(receipt):
    data = receipt.encode()
    assert Receipt.decode(data) == receipt
    with pytest.raises(EncodingError):
        Receipt.decode(data + b"\0")
    for bad in (b"", data[:-1], b"\0" + data, b"\5" + data[bool(receipt.type) :]):
        with pytest.raises(EncodingError):
            Receipt.decode(bad)


LOG = [b"\1" * 20, [b"\2" * 32], b"data"]
GOOD = Receipt(0, b"\1", 7, (Log(LOG[0], (LOG[1][0],), LOG[2]),))


@pytest.mark.parametrize(
    "fields",
    [
        [b"\1", b"\7", GOOD.bloom],
        [b"\1", b"\7", bytes(256), [LOG]],
        [b"\1", b"\7", GOOD.bloom, b"log"],
        [[b"\1"], b"\7", GOOD.bloom, [LOG]],
        [b"\2", b"\7", GOOD.bloom, [LOG]],
        [b"\1", b"\0\7", GOOD.bloom, [LOG]],
        [b"\1", b"\7", [GOOD.bloom], [LOG]],
        [b"\1", b"\7", GOOD.bloom, [[*LOG, b""]]],
        [b"\1", b"\7", GOOD.bloom, [[LOG[0], LOG[1][0], LOG[2]]]],
        [b"\1", b"\7", GOOD.bloom, [[LOG[0], [LOG[1]], LOG[2]]]],
        [b"\1", b"\7", GOOD.bloom, [[LOG[0][1:], LOG[1], LOG[2]]]],
    ],
    ids=range(11),
)
def test_receipts_are_canonical(fields):
    assert Receipt.decode(pyrlp.encode([b"\1", b"\7", GOOD.bloom, [LOG]])) == GOOD
    with pytest.raises(EncodingError):
        Receipt.decode(pyrlp.encode(fields))


@given(st.dictionaries(st.binary(max_size=5) | st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=40)))
def test_roots_are_those_of_another_implementation(content):
    assert trie.root_of(content) == grow(content.items()).root_hash


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=300))
def test_ordered_roots_are_those_of_another_implementation(values):
    assert trie.ordered_root(values) == grow((pyrlp.encode(i), value) for i, value in enumerate(values)).root_hash


def test_a_trie_holds_no_empty_value():
    with pytest.raises(EncodingError, match="key 6b has an empty value"):
        trie.root_of({b"k": b""})
