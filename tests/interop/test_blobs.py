"""Epochs in blob transactions of a real node: sent, committed to by the registry, and taken back from every place."""

import shutil

import pytest

from lightclient.registry_reader import RegistryReader
from tests.interop.test_anvil import PUBLISHED_KEY, anvil
from tests.interop.test_exit import act
from tests.lightclient.nodes import forward, lying, serve
from zkstate.errors import RefusedError
from zkstate.publication.blobs import blobs_root
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.regular import read_below
from zkstate.registry.artefacts import artefact
from zkstate.registry.chain import parse_address
from zkstate.registry.client import JsonRpcChain, KeyFile
from zkstate.registry.registry import Registry

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """(node, folder, what publish told) of an epoch that went out in blobs; its mirror is gone."""
    root = tmp_path_factory.mktemp("blobs")
    key = root / "key"
    key.write_text(PUBLISHED_KEY)
    key.chmod(0o600)
    with anvil() as url:
        issue = ["--issue-key", f"user-00000007={root / 'trader.key'}"]
        act("snapshot", "synthetic:120", "--operator", root / "operator", *issue, "--out", root / "epoch")
        told = act(
            "publish", root / "epoch", "--mirror", root / "mirror", "--rpc", url, "--deploy", "--publisher-key", key,
            "--blobs", "--blob-archive", root / "archive", "--blob-cells", root / "a", "--blob-cells", root / "b",
        )  # fmt: skip
        shutil.rmtree(root / "mirror")
        yield url, root, told


def recover(sent, out, *places, code=0):
    url, root, told = sent
    where = ["--rpc", url, "--registry", told["registry"], "--chain-id", 31337]
    return act("recover", "--key", root / "trader.key", *where, *places, "--out", root / out, code=code)


def test_the_chain_holds_what_the_blobs_are(sent):
    url, root, told = sent
    header = SignedHeader.decode(read_below(root / "epoch/public", "header.bin", SIGNED_BYTES)).header
    reader = RegistryReader([url], parse_address(told["registry"]))
    committed = reader.blobs_root(header.hash)
    assert f"0x{committed.hex()}" == told["blobs_root"]
    carried = [bytes.fromhex(found[2:]) for found in transaction(url, told)["blobVersionedHashes"]]
    assert len(carried) == told["blobs"] > 1
    assert committed == blobs_root(carried)
    assert reader.blobs_root(b"\1" * 32) is None


def transaction(url, told):
    return forward(url)("eth_getTransactionByHash", [told["transaction"]])


@pytest.mark.parametrize(
    "places",
    [["--blob-archive", "archive"], ["--blob-archive", "a", "--blob-archive", "b"], ["--blob-node", "URL"]],
    ids=["archive", "cells", "node"],
)
def test_an_account_comes_back_out_of_blobs(sent, places):
    url, root, _ = sent
    places = [url if place == "URL" else place if place.startswith("--") else root / place for place in places]
    found = recover(sent, f"{places[0][2:]}-{len(places)}.json", *places)
    assert found["epoch"] == 1


def test_lists_of_a_lying_node(sent):
    """Another list of blobs is no list, and a node without the event is named."""
    url, root, told = sent

    def another(logs):
        return [{**log, "data": log["data"][:-1] + ("0" if log["data"][-1] != "0" else "1")} for log in logs]

    for lie, words in ((another, "hashes to"), (lambda _: [], "no event of blobs")):
        with serve(lying(forward(url), "eth_getLogs", lie)) as liar:
            err = recover((liar, root, told), "no.json", "--blob-node", url, code=4 if lie is another else 3)
            assert words in err


def test_publishing_again_without_blobs_keeps_them(sent):
    url, root, told = sent
    chain = JsonRpcChain(url, KeyFile(root / "key"))
    registry = Registry(chain, parse_address(told["registry"]))
    header = SignedHeader.decode(read_below(root / "epoch/public", "header.bin", SIGNED_BYTES)).header
    assert registry.publish(header.encode()) is None
    assert f"0x{registry.blobs_root(header.hash).hex()}" == told["blobs_root"]
    call = artefact("StateRegistry").call_data("publish", header.encode(), "")
    with pytest.raises(RefusedError, match="epoch does not follow"):
        chain.transact_with_blobs(registry.address, call, [min((root / "archive").rglob("blob.bin")).read_bytes()])
