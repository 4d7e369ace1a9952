"""Reserves on a real node: anvil's own tries under a Vyper token, a Solidity mapping, coins, and a delegated key."""

import json

import pytest
import vyper

from tests.cli.program import zkstate
from tests.interop.test_anvil import anvil
from tests.lightclient.nodes import forward, serve
from tests.reserves.chain import ADDRESSES, KEYS, balance_slot, sign
from tests.solvency.venue import commit, ledger
from zkstate.registry.client import JsonRpcChain, NodeAccount
from zkstate.registry.rpc import JsonRpc
from zkstate.reserves.control import Control

pytestmark = pytest.mark.interop

TOKEN = """
name: String[8]
balanceOf: public(HashMap[address, uint256])

@deploy
def __init__(holder: address, amount: uint256):
    self.balanceOf[holder] = amount
"""
CHAIN = 31337


def deploy(chain, holder, amount):
    code = vyper.compile_code(TOKEN, output_formats=["bytecode", "layout"])
    arguments = bytes.fromhex(holder[2:]).rjust(32, b"\0") + amount.to_bytes(32)
    receipt = chain.deploy(bytes.fromhex(code["bytecode"][2:]) + arguments)
    return f"0x{receipt.contract.hex()}", code["layout"]["storage_layout"]["balanceOf"]["slot"]


def test_what_a_node_proves_is_what_the_venue_has(tmp_path):
    with anvil("--timestamp", "1700000000", "--hardfork", "prague") as url:
        node = JsonRpc(url)
        epoch = commit(tmp_path / "epoch", ledger(small=10, large=0))
        table, totals = epoch.ledger.table, epoch.ledger.totals()
        owed = {symbol: totals.credits[table.by_symbol(symbol).id - 1] for symbol in ("USD", "COIN", "OTHER")}
        chain = JsonRpcChain(url, NodeAccount())
        usd, slot = deploy(chain, ADDRESSES[0], owed["USD"])
        other, _ = deploy(chain, ADDRESSES[2], 1)
        solidity = balance_slot("solidity", 9, ADDRESSES[1])
        node.call("anvil_setStorageAt", (other, f"0x{solidity.hex()}", f"0x{owed['OTHER']:064x}"))
        wei = owed["COIN"] * 10**10
        node.call("anvil_setBalance", (ADDRESSES[0], hex(wei - 5)))
        node.call("anvil_setBalance", (ADDRESSES[1], hex(5)))
        node.call("anvil_setCode", (ADDRESSES[1], f"0xef0100{usd[2:]}"))
        node.call("evm_mine", ())
        tokens = {
            "chain_id": CHAIN, "native": {"symbol": "COIN", "decimals": 18},
            "tokens": [
                {"symbol": "USD", "address": usd, "decimals": 8, "slot": slot, "layout": "vyper"},
                {"symbol": "OTHER", "address": other, "decimals": 8, "slot": 9, "layout": "solidity"},
            ],
        }  # fmt: skip
        (tmp_path / "tokens.json").write_text(json.dumps(tokens))
        controls = [sign(Control.request(epoch.header, scheme, CHAIN, key.address.lower(), 1 << 40), key)
                    for scheme, key in zip(("eip191", "eip712"), KEYS, strict=False)]  # fmt: skip
        fields = [{name: getattr(each, name) for name in each.__struct_fields__} for each in controls]
        (tmp_path / "controls.json").write_text(json.dumps({"controls": fields}))
        argv = ("prove", "reserves", epoch.folder, "--controls", tmp_path / "controls.json", "--rpc", url)
        newest = lambda: ("--block-hash", node.call("eth_getBlockByNumber", ("latest", False))["hash"])  # noqa: E731
        made = zkstate(*argv, *newest(), "--tokens", tmp_path / "tokens.json", believe=False)
        assert made.code == 0, made.out + made.err
        assert node.call("eth_getBalance", (ADDRESSES[1], "latest")) == hex(5)

        pins = ("--tokens", tmp_path / "tokens.json", "--max-gap", "3650d")
        with serve(forward(url)) as second:
            nodes = ("--reserves-rpc", url, "--reserves-rpc", second)
            verdict = zkstate("verify", epoch.public, *pins, *nodes, "--json", believe=False)
        assert verdict.code == 0, verdict.out + verdict.err
        told = verdict.json["reserves"]
        assert told["chains"][0]["trust"]["level"] == "b"
        assert {each["symbol"]: each["reserve"] == each["owed"] for each in told["assets"]} == dict.fromkeys(owed, True)

        node.call("evm_mine", ())
        tokens["tokens"][0]["slot"] += 1
        (tmp_path / "wrong.json").write_text(json.dumps(tokens))
        refused = zkstate(*argv, *newest(), "--tokens", tmp_path / "wrong.json", "--json", believe=False)
        assert refused.code == 1
        assert any("proved absent for every address" in reason for reason in refused.json["reasons"])
        with anvil("--timestamp", "1700000000") as elsewhere:
            verdict = zkstate("verify", epoch.public, *pins, "--reserves-rpc", elsewhere, believe=False)
            assert (verdict.code, "block" in verdict.err) in {(3, True), (4, True)}
