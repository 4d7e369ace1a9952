"""Sending through JSON-RPC: what is signed and asked, and nodes that lie, refuse, change chain or hold things back."""

import copy
import logging
import os
import re
import sys
import warnings

import pytest
import rlp
from eth_account import Account
from eth_keys import keys
from eth_utils import keccak, to_canonical_address
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lightclient.nodes import Refusal, serve
from tests.registry.headers import VENUE, header
from zkstate.errors import (
    DisagreementError,
    EnvironmentFailure,
    RefusedError,
    SourceError,
    ZkstateError,
)
from zkstate.registry import provider
from zkstate.registry.artefacts import artefact
from zkstate.registry.chain import Log
from zkstate.registry.client import JsonRpcChain, KeyFile, NodeAccount, created_address, read_key
from zkstate.registry.embedded import RevmChain
from zkstate.registry.registry import Registry
from zkstate.registry.rpc import JsonRpc

SECRET = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
SENDER = keys.PrivateKey(bytes.fromhex(SECRET)).public_key.to_canonical_address()
TO = b"\x77" * 20
CHAIN_ID = 5
GAS, TIP, BASE_FEE, NONCE = 200_000, 3, 7 * 10**9, 9
LOG = {
    "address": f"0x{TO.hex()}",
    "topics": [f"0x{'11' * 32}", f"0x{'22' * 32}"],
    "data": "0xabcd",
    "blockNumber": "0x10",
    "transactionHash": f"0x{'33' * 32}",
    "removed": False,
}
RECEIPT = {
    "blockNumber": "0x10",
    "gasUsed": "0x5208",
    "status": "0x1",
    "contractAddress": None,
    "logs": [LOG],
    "logsBloom": "0x00",
}
BLOCK = {
    "timestamp": "0x64",
    "gasLimit": hex(30_000_000),
    "baseFeePerGas": hex(BASE_FEE),
    "extraData": f"0x{'00' * 97}",
}


class Node:
    """A node that tells one consistent story, except in the answers that a test replaces."""

    def __init__(self, **replaced):
        self.replaced, self.asked, self.raw = replaced, [], []

    def __call__(self, method, params):
        self.asked.append((method, params))
        answer = self.replaced.get(method, self.usual)
        answer = answer(method, params) if callable(answer) else answer
        if isinstance(answer, Refusal):
            raise answer
        return answer

    def usual(self, method, params):
        match method:
            case "eth_sendRawTransaction":
                self.raw.append(bytes.fromhex(params[0][2:]))
                return f"0x{keccak(self.raw[-1]).hex()}"
            case "eth_sendTransaction":
                return f"0x{'44' * 32}"
        return {
            "eth_accounts": [f"0x{SENDER.hex()}"],
            "eth_call": f"0x{'00' * 31}01",
            "eth_chainId": hex(CHAIN_ID),
            "eth_estimateGas": hex(GAS),
            "eth_feeHistory": {"oldestBlock": "0x1", "gasUsedRatio": [0.5], "reward": [["0x77359401"], ["0x0"]]},
            "eth_getBlockByNumber": BLOCK,
            "eth_getCode": "0x6001",
            "eth_getLogs": [LOG],
            "eth_getStorageAt": f"0x{'00' * 31}2a",
            "eth_getTransactionCount": hex(NONCE + len(self.raw)),
            "eth_getTransactionReceipt": RECEIPT | {"contractAddress": self.created()},
            "eth_maxPriorityFeePerGas": hex(TIP),
        }[method]

    def created(self):
        """Where the transaction that was signed last put a contract, if it made one."""
        nonce, to = signed_fields(self.raw[-1])[1::5] if self.raw else (0, TO)
        return None if to else f"0x{keccak(rlp.encode([SENDER, nonce]))[12:].hex()}"

    @property
    def methods(self):
        return {method for method, _ in self.asked}


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.write_text(SECRET)
    path.chmod(0o600)
    return KeyFile(path)


def signed_fields(raw):
    """The fields of an EIP-1559 transaction, by its own encoding."""
    assert raw[0] == 2
    chain_id, nonce, tip, fee, gas, to, value, data, access, *_ = rlp.decode(raw[1:])
    numbers = (int.from_bytes(n, "big") for n in (chain_id, nonce, tip, fee, gas, value))
    assert access == []
    return (*numbers, to, data)


def test_what_is_signed(key, caplog):
    node = Node()
    caplog.set_level(logging.DEBUG)
    with serve(node) as url:
        chain = JsonRpcChain(url, key, chain_id=CHAIN_ID)
        receipt = chain.transact(TO, b"\x01\x02")
        created = chain.deploy(b"\x60\x00").contract
    assert chain.sender == SENDER
    fee = 2 * BASE_FEE + TIP
    assert signed_fields(node.raw[0]) == (CHAIN_ID, NONCE, TIP, fee, GAS + 100_000, 0, TO, b"\x01\x02")
    assert signed_fields(node.raw[1]) == (CHAIN_ID, NONCE + 1, TIP, fee, GAS + 100_000, 0, b"", b"\x60\x00")
    assert [to_canonical_address(Account.recover_transaction(raw)) for raw in node.raw] == [SENDER, SENDER]
    assert (receipt.block_number, receipt.gas_used, receipt.contract) == (16, 21000, None)
    assert receipt.transaction_hash == keccak(node.raw[0])
    assert created == keccak(rlp.encode([SENDER, NONCE + 1]))[12:]
    assert receipt.logs == (Log(TO, (b"\x11" * 32, b"\x22" * 32), b"\xab\xcd", 16),)
    seen = " ".join([caplog.text, repr(node.asked), repr(chain), repr(vars(chain)), repr(chain._eth)])
    assert SECRET not in seen
    assert str(int(SECRET, 16)) not in seen


def test_the_node_signs_for_its_own_account():
    node = Node(eth_getTransactionReceipt={**RECEIPT, "contractAddress": f"0x{'AA' * 20}"})
    with serve(node) as url:
        assert JsonRpcChain(url, NodeAccount()).deploy(b"\x60\x00").contract == b"\xaa" * 20
    (sent,) = [params[0] for method, params in node.asked if method == "eth_sendTransaction"]
    assert sent.pop("from").lower() == f"0x{SENDER.hex()}"
    assert sent == {"data": "0x6000", "gas": hex(GAS + 100_000)}
    assert "eth_sendRawTransaction" not in node.methods


@pytest.mark.parametrize("told", [f"0x{'aa' * 20}", f"0x{'00' * 20}", None])
def test_a_node_does_not_choose_where_a_contract_lies(key, told):
    node = Node(eth_getTransactionReceipt=RECEIPT | {"contractAddress": told})
    expected = keccak(rlp.encode([SENDER, NONCE]))[12:].hex()
    with serve(node) as url, pytest.raises(DisagreementError) as caught:
        JsonRpcChain(url, key).deploy(b"\x60\x00")
    assert str(caught.value) == (
        f"{url}: deployment: the receipt names {told or 'no contract'}; what nonce {NONCE} of 0x{SENDER.hex()} "
        f"creates lies at 0x{expected}"
    )


def test_addresses_of_contracts_that_others_made():
    """The four that answers about Ethereum have quoted since 2015, made with nonces 0 to 3."""
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert [created_address(sender, nonce).hex() for nonce in range(4)] == [
        "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d",
        "343c43a37d37dff08ae8c4a11544c718abb4fcf8",
        "f778b86fa74e846c4f0a1fbd1335fe81c00a0c91",
        "fffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c",
    ]


def test_code_at_the_right_address_is_compared_too(key):
    node = Node()
    with serve(node) as url, pytest.raises(DisagreementError) as caught:
        Registry.deploy(JsonRpcChain(url, key), VENUE)
    assert re.fullmatch(
        rf"{url}: the code at 0x\w{{40}}, 2 bytes with hash 0x{keccak(bytes.fromhex('6001')).hex()}, is not the "
        "StateRegistry that was deployed",
        str(caught.value),
    )


def test_no_nonce_is_signed_twice(key):
    node = Node(eth_getTransactionCount=hex(NONCE))
    with serve(node) as url:
        chain = JsonRpcChain(url, key)
        chain.transact(TO, b"")
        with pytest.raises(DisagreementError, match="not sent: next nonce 9, and 9 was sent with already"):
            chain.transact(TO, b"\x01")
    assert len(node.raw) == 1


def test_reading():
    node = Node()
    with serve(node) as url:
        chain = JsonRpcChain(url, NodeAccount())
        assert chain.call(TO, b"\x01") == bytes(31) + b"\x01"
        assert chain.storage(TO, 3) == 42
        assert chain.block_time() == 100
        assert chain.logs(TO, (b"\x11" * 32,)) == (Log(TO, (b"\x11" * 32, b"\x22" * 32), b"\xab\xcd", 16),)
        for address, topic in ((b"\x78" * 20, b"\x11" * 32), (TO, b"\x12" * 32)):
            with pytest.raises(DisagreementError, match=f"{url}: eth_getLogs returned an event that was not asked for"):
                chain.logs(address, (topic,))
        node.replaced["eth_getLogs"] = []
        assert chain.logs(TO, ()) == ()


@pytest.mark.parametrize("sender", ["key", "node"])
def test_a_node_that_moves_to_another_chain_gets_nothing(sender, key):
    node = Node()
    with serve(node) as url:
        with pytest.raises(DisagreementError, match=f"{url}: chain id 5, and 1 is expected"):
            JsonRpcChain(url, NodeAccount(), chain_id=1)
        chain = JsonRpcChain(url, key if sender == "key" else NodeAccount())
        node.replaced["eth_chainId"] = "0x1"
        with pytest.raises(DisagreementError, match=f"{url}: chain id 1, and 5 is expected"):
            chain.transact(TO, b"")
    assert not {"eth_sendTransaction", "eth_sendRawTransaction"} & node.methods


def test_a_chain_id_that_changes_before_signing_is_not_signed(key):
    """The same if the node moves between our question and web3's."""
    left = ["0x5", "0x5"]
    node = Node(eth_chainId=lambda *_: left.pop() if left else "0x1")
    with serve(node) as url, pytest.raises(DisagreementError, match="chain id 1, and 5 is expected"):
        JsonRpcChain(url, key).transact(TO, b"")
    assert node.raw == []


ACTS = {
    "eth_accounts": lambda chain: chain,
    "eth_call": lambda chain: chain.call(TO, b""),
    "eth_chainId": lambda chain: chain,
    "eth_getLogs": lambda chain: chain.logs(TO, ()),
    "eth_getStorageAt": lambda chain: chain.storage(TO, 0),
}


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("eth_accounts", None), ("eth_accounts", {}), ("eth_accounts", [1]), ("eth_accounts", ["0x00"]),
        ("eth_call", None), ("eth_call", "0x0"), ("eth_call", 1), ("eth_call", "1234"),
        ("eth_chainId", None), ("eth_chainId", 5), ("eth_chainId", "0x"), ("eth_chainId", f"0x1{'0' * 16}"),
        ("eth_estimateGas", None), ("eth_estimateGas", "0x" + "f" * 64), ("eth_estimateGas", []),
        ("eth_estimateGas", hex(30_000_001)),
        ("eth_getBlockByNumber", None), ("eth_getBlockByNumber", []),
        ("eth_getBlockByNumber", {**BLOCK, "gasLimit": 3}),
        ("eth_getBlockByNumber", {"timestamp": "0x1", "gasLimit": "0x1"}),
        ("eth_getLogs", None), ("eth_getLogs", "0x"), ("eth_getLogs", [None]), ("eth_getLogs", [f"0x{'00' * 32}"]),
        ("eth_getLogs", [{**LOG, "topics": 1}]), ("eth_getLogs", [{**LOG, "topics": "0x11"}]),
        ("eth_getLogs", [{**LOG, "address": "0x11"}]), ("eth_getLogs", [{**LOG, "blockNumber": None}]),
        ("eth_getStorageAt", "0x"), ("eth_getStorageAt", "0x2a"), ("eth_getStorageAt", f"0x{'00' * 33}"),
        ("eth_getTransactionCount", None), ("eth_getTransactionCount", "0x" + "f" * 17),
        ("eth_getTransactionReceipt", []), ("eth_getTransactionReceipt", {}),
        ("eth_getTransactionReceipt", {**RECEIPT, "status": "0x2"}),
        ("eth_getTransactionReceipt", {**RECEIPT, "logs": None}),
        ("eth_getTransactionReceipt", {**RECEIPT, "contractAddress": "0x"}),
        ("eth_maxPriorityFeePerGas", None), ("eth_maxPriorityFeePerGas", "0x" + "f" * 33),
        ("eth_sendRawTransaction", None), ("eth_sendRawTransaction", "0x11"), ("eth_sendRawTransaction", True),
    ],
)  # fmt: skip
def test_answers_without_their_form(method, answer, key):
    sender = NodeAccount() if method == "eth_accounts" else key
    with serve(Node(**{method: answer})) as url, pytest.raises(SourceError) as caught:
        ACTS.get(method, lambda chain: chain.transact(TO, b""))(JsonRpcChain(url, sender))
    assert str(caught.value).startswith(f"{url}: ")
    assert not isinstance(caught.value, RefusedError)


def spoil(answer, path, value):
    """The answer with the member that `path` leads to replaced."""
    if not path or not isinstance(answer, (dict, list)) or not answer:
        return value
    at = path[0] % len(answer)
    if isinstance(answer, dict):
        at = list(answer)[at]
    answer[at] = spoil(answer[at], path[1:], value)
    return answer


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(sorted(provider._FORMS)),
    path=st.lists(st.integers(0, 7), max_size=3),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
        | st.integers(0, 2**260).map(hex) | st.binary(max_size=40).map(lambda b: f"0x{b.hex()}"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
    from_key=st.booleans(),
)  # fmt: skip
def test_no_answer_ends_in_an_untyped_error(key, method, path, value, from_key):
    node = Node()
    node.replaced["eth_maxPriorityFeePerGas"] = Refusal(-32601, "not here")
    node.replaced[method] = lambda *_: spoil(copy.deepcopy(node.usual(method, ["0x"])), path, value)
    said = ""
    with serve(node) as url:
        try:
            chain = JsonRpcChain(url, key if from_key else NodeAccount(), timeout_s=2, wait_s=0.02)
            chain.transact(TO, b"\x01")
            chain.call(TO, b"")
            chain.storage(TO, 1)
            chain.logs(TO, (b"\x11" * 32,))
        except ZkstateError as error:
            said = str(error)
    assert not said or said.startswith(url)


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (Refusal(3, "execution reverted", f"0x4e487b71{'00' * 31}11"), "panic 0x11"),
        (Refusal(3, "execution reverted", f"0x4e487b71{'00' * 31}99"), "panic 0x99"),
        (Refusal(3, "execution reverted", "0x12345678"), ""),
        (Refusal(3, "execution reverted", "Reverted 0xzz"), ""),
        (Refusal(-32000, "execution reverted: words"), ""),
        (Refusal(-32015, "VM execution error, revert", {"data": "0x"}), ""),
    ],
)
def test_reverts(error, rule):
    with serve(Node(eth_estimateGas=error, eth_call=error)) as url:
        chain = JsonRpcChain(url, NodeAccount())
        for act in (chain.transact, chain.call):
            with pytest.raises(RefusedError, match=url) as caught:
                act(TO, b"")
            assert caught.value.rule == rule


def test_a_refusal_that_is_no_revert():
    poor = Node(eth_sendTransaction=Refusal(-32000, "insufficient funds"))
    with serve(poor) as url, pytest.raises(SourceError, match="eth_sendTransaction: error -32000: insufficient funds"):
        JsonRpcChain(url, NodeAccount()).transact(TO, b"")


def test_a_node_cannot_send_us_elsewhere():
    """EIP-3668: revert data that tells the client to fetch a URL and call again with what it holds."""
    visits = []
    types = ["address", "string[]", "bytes", "bytes4", "bytes"]
    from eth_abi import encode

    with serve(lambda *asked: visits.append(asked)) as elsewhere:
        lookup = bytes.fromhex("556f1830") + encode(types, [TO, [f"{elsewhere}/{{sender}}"], b"", b"\0" * 4, b""])
        error = Refusal(3, "execution reverted", f"0x{lookup.hex()}")
        with serve(Node(eth_call=error)) as url, pytest.raises(RefusedError):
            JsonRpcChain(url, NodeAccount()).call(TO, b"")
    assert visits == []


def test_only_what_sending_needs_is_asked():
    node = Node()
    with serve(node) as url, pytest.raises(EnvironmentFailure, match="wants eth_blockNumber, which is unknown here"):
        _ = provider.connect(JsonRpc(url)).eth.block_number
    assert node.asked == []


def test_without_a_tip_the_fee_history_gives_one(key):
    node = Node(eth_maxPriorityFeePerGas=Refusal(-32601, "the method does not exist"))
    with serve(node) as url, warnings.catch_warnings():
        warnings.simplefilter("error")
        JsonRpcChain(url, key).transact(TO, b"")
    # 0x77359401 is above the 1.5 gwei at which web3 stops.
    assert signed_fields(node.raw[0])[2:4] == (1_500_000_000, 1_500_000_000 + 2 * BASE_FEE)


def test_a_receipt_that_comes_late(key):
    later = [RECEIPT, Refusal(-32000, "transaction indexing is in progress"), None]
    node = Node(eth_getTransactionReceipt=lambda *_: later.pop())
    with serve(node) as url:
        assert JsonRpcChain(url, key).transact(TO, b"").block_number == 16
    node = Node(eth_getTransactionReceipt=None)
    with serve(node) as url, pytest.raises(SourceError) as caught:
        JsonRpcChain(url, key, wait_s=0.3).transact(TO, b"")
    assert re.fullmatch(
        f"{url}: transaction to 0x{TO.hex()}: transaction 0x{keccak(node.raw[0]).hex()} was sent and is in no block "
        "after 0.3 s; it may still get there",
        str(caught.value),
    )


def test_a_transaction_that_fails_in_its_block_is_named_by_its_rule(key):
    reason = "0x08c379a0" + f"{32:064x}" + f"{5:064x}" + b"wrong".hex().ljust(64, "0")
    node = Node(
        eth_getTransactionReceipt={**RECEIPT, "status": "0x0"}, eth_call=Refusal(3, "execution reverted", reason)
    )
    with serve(node) as url:
        with pytest.raises(RefusedError, match=f"transaction to 0x{TO.hex()}: the contract refused: wrong"):
            JsonRpcChain(url, key).transact(TO, b"\x01")
        assert ("eth_call", "0x10") in [(method, params[1]) for method, params in node.asked if method == "eth_call"]
        node.replaced["eth_call"] = "0x"
        with pytest.raises(RefusedError, match="it gave no reason"):
            JsonRpcChain(url, key).transact(TO, b"\x01")


def test_what_is_on_its_way_goes_first(key):
    left = [NONCE, NONCE, NONCE - 1]
    node = Node(eth_getTransactionCount=lambda _, params: hex(NONCE if params[1] == "pending" else left.pop()))
    with serve(node) as url:
        JsonRpcChain(url, key).transact(TO, b"")
        assert len(left) == 1
        node.replaced["eth_getTransactionCount"] = lambda _, params: hex(NONCE + 2 * (params[1] == "pending"))
        with pytest.raises(SourceError, match=r"not sent: 2 earlier transactions of 0x\w{40} are in no block"):
            JsonRpcChain(url, key, wait_s=0.3).transact(TO, b"")
    assert len(node.raw) == 1


class Repeating(RevmChain):
    """Every transaction arrives twice, as when a killed run had already sent it."""

    def transact(self, to, data):
        super().transact(to, data)
        return super().transact(to, data)


def test_publishing_what_another_attempt_has_just_published_is_no_failure():
    start = 1_800_000_000
    registry, _ = Registry.deploy(Repeating(start), VENUE)
    assert registry.publish(header(1, start, 0, 5)) is None
    assert registry.holds(header(1, start, 0, 5))
    with pytest.raises(RefusedError, match="previous state root is not the latest"):
        registry.publish(header(2, start + 1, 4, 6))


def test_without_web3_the_message_says_what_to_install(key, monkeypatch):
    for name in ("web3", "web3.middleware", "web3.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    node = Node()
    with serve(node) as url, pytest.raises(EnvironmentFailure, match=r"pip install 'zkstate\[chain\]'"):
        JsonRpcChain(url, key)
    assert node.asked == []
    from zkstate.registry import artefacts

    monkeypatch.setattr(artefacts, "_contract", artefacts._contract.__wrapped__)
    with pytest.raises(EnvironmentFailure, match=r"pip install 'zkstate\[chain\]'"):
        artefact("StateRegistry").call_data("halt")


def test_a_key_file_that_is_a_pipe_does_not_hang(tmp_path):
    pipe = tmp_path / "key"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(EnvironmentFailure, match="is not a regular file"):
        read_key(pipe)
