"""Block headers and eth_getProof answers of real chains: mainnet, a recorded devnet, geth's test chain, Goerli."""

import copy
import itertools
import json

import pytest
import rlp as pyrlp
from eth_utils import keccak

from lightclient.execution import mpt, rlp
from lightclient.execution.account import Account, verify_account_proof, verify_storage_proof
from lightclient.execution.header import BlockHeader, verify_walk
from lightclient.execution.proof import verify_answer
from tests.lightclient.execution.recorded import archive, chain_blocks, exchanges
from zkstate.errors import DisagreementError, EncodingError, LengthError


@pytest.fixture(scope="module")
def mainnet():
    files = archive("vectors/eth_getproof/helios_rpc/helios_rpc.tar.xz")
    return {name: json.loads(files[f"rpc/{name}.json"]) for name in ("block", "proof", "block_miner_proof")}


@pytest.fixture(scope="module")
def devnet():
    files = archive("vectors/devnet_lodestar_anvil/recording.tar.xz")
    return [json.loads(data) for name, data in sorted(files.items()) if name.startswith("el/")]


@pytest.fixture(scope="module")
def geth():
    return archive("vectors/eth_getproof/execution_apis/execution_apis.tar.xz")


def address(answer):
    return bytes.fromhex(answer["address"][2:])


def slots(answer):
    return [int(entry["key"], 16) for entry in answer["storageProof"]]


def test_mainnet_block_and_proofs(mainnet):
    header = BlockHeader.from_json(mainnet["block"])
    assert header.number == 0x14E8D38
    assert header.hash.hex() == mainnet["block"]["hash"][2:]
    for name in ("proof", "block_miner_proof"):
        answer = mainnet[name]
        proved = verify_answer(header.state_root, address(answer), slots(answer), answer)
        assert proved.account.balance == int(answer["balance"], 16)
        assert proved.words == {int(e["key"], 16): int(e["value"], 16) for e in answer["storageProof"]}


def test_devnet_blocks_and_proofs(devnet):
    assert len(devnet) >= 20
    absent_accounts = absent_words = 0
    for block in devnet:
        header = BlockHeader.from_json(block["block"])
        for answer in block["proofs"]:
            proved = verify_answer(header.state_root, address(answer), slots(answer), answer)
            absent_accounts += proved.account is None
            absent_words += proved.account is not None and 0 in proved.words.values()
    assert absent_accounts >= 20
    assert absent_words >= 20


def test_headers_of_every_fork(geth):
    """geth's test chain passes every fork; each header names the hash of the one before it."""
    encoded = list(chain_blocks(geth["chain.rlp"]))
    headers = [BlockHeader.decode(data) for data in encoded]
    assert len(headers) >= 40
    assert {len(pyrlp.decode(data)) for data in encoded} >= {15, 16, 17, 20, 21}
    for parent, child in itertools.pairwise(headers):
        assert child.parent_hash == parent.hash
        assert child.number == parent.number + 1
        assert child.timestamp > parent.timestamp


def test_ancestors_are_walked_to_by_their_hashes(geth):
    encoded = list(chain_blocks(geth["chain.rlp"]))[::-1]
    head = BlockHeader.decode(encoded[0])
    found = verify_walk(head.hash, encoded)
    assert [header.number for header in found] == list(range(head.number, head.number - len(encoded), -1))
    assert verify_walk(head.hash, []) == ()
    for bent in (encoded[1:], [encoded[0], *encoded[2:]], [*encoded[:3], encoded[1]], [encoded[0], encoded[0]]):
        with pytest.raises(DisagreementError, match=r"of the walk has hash .* is due"):
            verify_walk(head.hash, bent)
    with pytest.raises(EncodingError):
        verify_walk(head.hash, [encoded[0] + b"\0"])
    jumping = pyrlp.decode(encoded[0])
    jumping[8] = rlp.encode_uint(head.number + 1)
    jumping = pyrlp.encode(jumping)
    with pytest.raises(DisagreementError, match=f"has number {head.number - 1}, and its child has {head.number + 1}"):
        verify_walk(keccak(jumping), [jumping, encoded[1]])


def test_geth_blocks_and_account_proofs(geth):
    by_number = {header.number: header for header in map(BlockHeader.decode, chain_blocks(geth["chain.rlp"]))}
    blocks = proofs = raw = 0
    for name, recording in geth.items():
        for _request, result in exchanges(recording) if name.endswith(".io") else ():
            if name.startswith("eth_getBlockByNumber/") and result:
                header = BlockHeader.from_json(result)
                assert header == by_number[header.number]
                blocks += 1
            elif name.startswith("eth_getProof/"):
                head = by_number[max(by_number)]
                proved = verify_answer(head.state_root, address(result), slots(result), result)
                assert proved.account is not None
                proofs += 1
            elif name.startswith("debug_getRawHeader/") and result:
                header = BlockHeader.decode(bytes.fromhex(result[2:]))
                assert header == by_number[header.number]
                raw += 1
    assert blocks >= 3
    assert proofs >= 3
    assert raw >= 1


def goerli(name):
    files = archive("vectors/eth_getproof/rainbow_bridge/rainbow.tar.xz")
    case = json.loads(files[f"{name}.json"])
    header = BlockHeader.decode(bytes.fromhex(case["header_data"]))
    nodes = {kind: [bytes.fromhex(node) for node in case[f"{kind}_proof"]] for kind in ("account", "storage")}
    return case, header, nodes


def walk(case, header, nodes):
    """The account and word that the nodes prove for the contract and the hashed slot of a case."""
    account = verify_account_proof(header.state_root, bytes.fromhex(case["contract_address"]), nodes["account"])
    value = mpt.prove(account.storage_root, bytes.fromhex(case["storage_key_hash"]), nodes["storage"])
    return account, b"" if value is None else rlp.decode(value)


def test_rainbow_bridge_proof():
    case, header, nodes = goerli("storageProof")
    account, value = walk(case, header, nodes)
    assert value.hex() == case["expected_storage_value"] == "01"
    assert account == Account.decode(bytes.fromhex(case["expected_account_state"]))


def test_rainbow_bridge_absent_word():
    """The bridge's "false" is a word that was never written: its absence is what the nodes prove."""
    case, header, nodes = goerli("storageProofWithFalseValue")
    account, value = walk(case, header, nodes)
    assert account == Account.decode(bytes.fromhex(case["expected_account_state"]))
    assert value == b"" == bytes.fromhex(case["expected_storage_value"])


def test_rainbow_bridge_negative_variants():
    with pytest.raises(DisagreementError, match="node 1 of 8 has hash"):
        walk(*goerli("storageProofWithIncorrectAccountProof"))
    case, header, nodes = goerli("storageProofWithIncorrectValue")
    _, value = walk(case, header, nodes)
    assert value == b"\1"
    assert case["expected_storage_value"] == "00"  # what the case claims is not what its nodes prove


HEADER_FIELDS = ["parentHash", "miner", "stateRoot", "receiptsRoot", "logsBloom", "number", "timestamp", "extraData"]


@pytest.mark.parametrize("field", [*HEADER_FIELDS, "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "mixHash"])
def test_a_block_with_one_field_changed_is_refused(mainnet, field):
    block = copy.deepcopy(mainnet["block"])
    block[field] = block[field][:-1] + ("1" if block[field][-1] != "1" else "2")
    with pytest.raises(DisagreementError, match="its fields have"):
        BlockHeader.from_json(block)


@pytest.mark.parametrize(
    "change",
    [
        {"stateRoot": None},
        {"stateRoot": "0x00"},
        {"number": "0x00"},
        {"number": 17},
        {"number": "0x1" + "0" * 16},
        {"nonce": "0x0"},
        {"extraData": "0x" + "00" * 1025},
        {"blobGasUsed": None},
        {"hash": None},
    ],
    ids=str,
)
def test_malformed_blocks(mainnet, change):
    with pytest.raises(EncodingError):
        BlockHeader.from_json({**mainnet["block"], **change})


def test_headers_are_canonical(geth):
    data = next(chain_blocks(geth["chain.rlp"]))
    fields = pyrlp.decode(data)
    for bad in (
        data[:-1],
        data + b"\0",
        pyrlp.encode([*fields, b""] if len(fields) == 21 else fields[:14]),
        pyrlp.encode([*fields[:8], b"\0\1", *fields[9:]]),
        pyrlp.encode([*fields[:8], [b"\1"], *fields[9:]]),
        pyrlp.encode([*fields[:3], fields[3][:-1], *fields[4:]]),
        pyrlp.encode([*fields[:3], [fields[3]], *fields[4:]]),
        pyrlp.encode(b"\1" * 64),
    ):
        with pytest.raises(EncodingError):
            BlockHeader.decode(bad)


ACCOUNT = [b"\1", b"\2", keccak(b"\x80"), keccak(b"")]


@pytest.mark.parametrize(
    "fields",
    [
        ACCOUNT[:3],
        [*ACCOUNT, b""],
        [b"\0", *ACCOUNT[1:]],
        [b"\0\1", *ACCOUNT[1:]],
        [b"\1" * 9, *ACCOUNT[1:]],
        [b"\1", b"\1" * 33, *ACCOUNT[2:]],
        [*ACCOUNT[:2], b"\1" * 31, ACCOUNT[3]],
        [*ACCOUNT[:3], [ACCOUNT[3]]],
        [[b"\1"], *ACCOUNT[1:]],
    ],
    ids=lambda fields: f"{len(fields)} fields",
)
def test_accounts_are_canonical(fields):
    assert Account.decode(pyrlp.encode(ACCOUNT)).balance == 2
    with pytest.raises(EncodingError):
        Account.decode(pyrlp.encode(fields))
    with pytest.raises(EncodingError):
        Account.decode(pyrlp.encode(ACCOUNT) + b"\0")


def change(answer, kind):
    """What a lying node might answer instead."""
    answer = copy.deepcopy(answer)
    entry = answer["storageProof"][0]
    wrong = "0x" + "11" * 32
    match kind:
        case "other address":
            answer["address"] = "0x" + "11" * 20
        case "balance" | "nonce":
            answer[kind] = hex(int(answer[kind], 16) + 1)
        case "storageHash" | "codeHash":
            answer[kind] = wrong
        case "value":
            entry["value"] = hex(int(entry["value"], 16) + 1)
        case "value zero":
            entry["value"] = "0x0"
        case "key":
            entry["key"] = hex(int(entry["key"], 16) + 1)
        case "no storage proof":
            answer["storageProof"] = []
        case "storage twice":
            answer["storageProof"].append(entry)
        case "storage null":
            answer["storageProof"] = None
        case "account cut":
            answer["accountProof"].pop()
        case "account none":
            answer["accountProof"] = []
        case "account swapped":
            answer["accountProof"].reverse()
        case "account twice":
            answer["accountProof"].append(answer["accountProof"][-1])
        case "storage cut":
            entry["proof"].pop()
        case "storage none":
            entry["proof"] = []
        case "storage of account":
            entry["proof"] = answer["accountProof"]
        case "node not hex":
            entry["proof"][0] = "0xzz"
        case "node a number":
            entry["proof"][0] = 7
        case "too many nodes":
            entry["proof"] = entry["proof"] * 66
        case "node too long":
            entry["proof"][0] += "00" * 1024
    return answer


CHANGES = [
    "other address",
    "balance",
    "nonce",
    "storageHash",
    "codeHash",
    "value",
    "value zero",
    "key",
    "no storage proof",
    "storage twice",
    "storage null",
    "account cut",
    "account none",
    "account swapped",
    "account twice",
    "storage cut",
    "storage none",
    "storage of account",
    "node not hex",
    "node a number",
    "too many nodes",
    "node too long",
]


@pytest.mark.parametrize("kind", CHANGES)
def test_no_changed_answer_is_accepted(mainnet, kind):
    header = BlockHeader.from_json(mainnet["block"])
    good = mainnet["proof"]
    bad = change(good, kind)
    assert bad != good
    with pytest.raises((DisagreementError, EncodingError)):
        verify_answer(header.state_root, address(good), slots(good), bad)


def test_every_byte_of_a_proof_counts(mainnet):
    header = BlockHeader.from_json(mainnet["block"])
    answer = mainnet["proof"]
    account = verify_answer(header.state_root, address(answer), slots(answer), answer).account
    nodes = [bytes.fromhex(node[2:]) for node in answer["storageProof"][0]["proof"]]
    slot = slots(answer)[0]
    for i, node in enumerate(nodes):
        for at in range(0, len(node), 7):
            bent = [*nodes[:i], node[:at] + bytes([node[at] ^ 1]) + node[at + 1 :], *nodes[i + 1 :]]
            with pytest.raises(DisagreementError):
                verify_storage_proof(account.storage_root, slot, bent)


def test_arguments_have_their_sizes():
    with pytest.raises(LengthError):
        verify_account_proof(bytes(32), b"\1" * 19, [])
    with pytest.raises(EncodingError):
        verify_storage_proof(bytes(32), 1 << 256, [])
