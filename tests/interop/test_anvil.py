"""The contracts and clients on a real node: anvil, over JSON-RPC, with proofs from its own tries."""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lightclient.registry_reader import RegistryReader, Terms
from tests.cli.program import environment
from tests.lightclient.nodes import forward, lying, serve
from tests.lightclient.test_registry_reader import LIES
from tests.publication import servers
from tests.registry.groth16_cases import R, snarkjs
from tests.registry.headers import VENUE, header
from tests.shared import shared_path
from zkstate.errors import (
    DisagreementError,
    EnvironmentFailure,
    MissingError,
    RefusedError,
    SourceError,
    StaleError,
)
from zkstate.proof.groth16 import Proof
from zkstate.proof.keys import VerifyingKey
from zkstate.registry.artefacts import artefact
from zkstate.registry.client import JsonRpcChain, KeyFile, NodeAccount
from zkstate.registry.registry import Registry
from zkstate.registry.rpc import JsonRpc
from zkstate.registry.verifier import ProofVerifier

pytestmark = pytest.mark.interop

TOOLS = Path(__file__).parent / "node_modules"
# The first of the accounts that anvil's documentation publishes.
PUBLISHED_KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
FIRST_ACCOUNT = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")


def tool(pattern):
    found = sorted(TOOLS.glob(pattern))
    if found:
        return found[0]
    message = f"{pattern} is not installed in tests/interop: run `make interop`"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextlib.contextmanager
def anvil(*options):
    """The URL of a fresh anvil."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [tool("@foundry-rs/anvil-*/bin/anvil*"), "--port", str(port), "--silent", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            for _ in range(400):
                with contextlib.suppress(SourceError):
                    JsonRpc(url).call("eth_chainId", [])
                    break
                assert process.poll() is None
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()


def publish(registry, epochs, start, previous=0):
    """Publish epochs whose roots are 1000 + epoch; their headers."""
    headers = {}
    for i, epoch in enumerate(epochs):
        headers[epoch] = header(epoch, start + i, previous, 1000 + epoch, filler=0x5A)
        registry.publish(headers[epoch], f"https://mirror.example/{epoch}")
        previous = 1000 + epoch
    return headers


@pytest.fixture(scope="module")
def world():
    """An anvil with a registry of five epochs: (url, registry, headers)."""
    with anvil() as url:
        registry, _ = Registry.deploy(JsonRpcChain(url, NodeAccount()), VENUE, staleness_limit_s=600)
        headers = publish(registry, range(7, 12), registry.chain.block_time() - 60)
        yield url, registry, headers


def digest(data):
    return hashlib.sha256(data).digest()


def test_publishing_and_reading_back_through_proofs(world):
    url, registry, headers = world
    assert registry.latest_epoch() == 11
    assert {event.epoch: event.header for event in registry.published()} == headers
    assert registry.published()[2].mirrors == "https://mirror.example/9"
    with serve(forward(url)) as other:
        read = RegistryReader([url, other], registry.address, chain_id=31337)
        epoch, header_hash, trust = read.latest_epoch()
        assert (epoch, header_hash, trust.level) == (11, digest(headers[11]), "b")
        for each, data in headers.items():
            assert read.epoch_hash(each) == digest(data)
        for unknown in (0, 6, 12):
            with pytest.raises(MissingError):
                read.epoch_hash(unknown)
        state = read.state()
        assert state.terms == Terms(VENUE, 600, 2 * 86400, state.terms.deployed_at)
        assert (state.latest_state_root, state.halted, state.rollback) == (1011, False, None)
    pinned = RegistryReader([url], registry.address, block_hash=state.block.hash)
    assert pinned.latest_epoch()[2].level == "c"
    assert RegistryReader([url], registry.address).latest_epoch()[2].level == "d"


def test_a_key_in_a_file_signs(world, tmp_path):
    url, *_ = world
    key = tmp_path / "publisher.key"
    key.write_text(f"0x{PUBLISHED_KEY}\n")
    key.chmod(0o600)
    chain = JsonRpcChain(url, KeyFile(key), chain_id=31337)
    assert chain.sender == FIRST_ACCOUNT
    mine, receipt = Registry.deploy(chain, VENUE)
    headers = publish(mine, (1, 2), chain.block_time())
    assert receipt.gas_used < 1_500_000
    assert mine.publish(headers[2]) is None
    assert RegistryReader([url], mine.address).latest_epoch()[:2] == (2, digest(headers[2]))
    with pytest.raises(RefusedError, match="epoch does not follow the latest") as caught:
        mine.publish(header(9, chain.block_time(), 1002, 5))
    assert caught.value.rule == "epoch does not follow the latest"
    with pytest.raises(DisagreementError, match="epoch 2 is published with header hash"):
        mine.publish(header(2, 5, 1001, 5))


def test_senders_that_cannot_send(world, tmp_path):
    url, *_ = world
    key = tmp_path / "key"
    with pytest.raises(EnvironmentFailure, match="does not exist"):
        JsonRpcChain(url, KeyFile(key))
    for content in ("", "00" * 32, "ff" * 32, PUBLISHED_KEY[:-1], PUBLISHED_KEY + " x", "zz" * 32):
        key.write_text(content)
        key.chmod(0o600)
        with pytest.raises(EnvironmentFailure, match="does not hold a private key") as caught:
            JsonRpcChain(url, KeyFile(key))
        assert content[:20] not in str(caught.value) or not content
    key.write_text(PUBLISHED_KEY)
    key.chmod(0o644)
    with pytest.raises(EnvironmentFailure, match="chmod 600"):
        JsonRpcChain(url, KeyFile(key))
    with pytest.raises(EnvironmentFailure, match="not account 0x0101"):
        JsonRpcChain(url, NodeAccount(b"\1" * 20))
    with pytest.raises(DisagreementError, match="chain id 31337, and 1 is expected"):
        JsonRpcChain(url, NodeAccount(), chain_id=1)
    with pytest.raises(SourceError, match="refused"):
        JsonRpcChain("http://127.0.0.1:1", NodeAccount())


def test_a_transaction_that_stays_out_of_blocks():
    with anvil("--no-mining") as url:
        chain = JsonRpcChain(url, NodeAccount(), wait_s=0.5)
        with pytest.raises(SourceError, match=r"deployment: transaction 0x\w{64} was sent and is in no block after"):
            Registry.deploy(chain, VENUE)


def test_a_node_that_goes_away():
    with anvil() as url:
        registry, _ = Registry.deploy(JsonRpcChain(url, NodeAccount()), VENUE)
        publish(registry, (1,), registry.chain.block_time())
    for act in (registry.latest_epoch, registry.published, registry.halt):
        with pytest.raises(SourceError, match=url):
            act()
    with pytest.raises(SourceError, match=url):
        RegistryReader([url], registry.address).latest_epoch()


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_node_in_front_of_anvil(world, lie):
    """The lies of the tests over py-evm, told about anvil's answers."""
    url, registry, headers = world
    method, change, error, _ = LIES[lie]
    started = time.monotonic()
    with serve(lying(forward(url), method, change)) as liar:
        read = RegistryReader([liar], registry.address, chain_id=31337)
        with pytest.raises(error) as caught:
            read.latest_epoch()
        assert str(caught.value).startswith(liar)
        if lie == "invented root":
            return
        _, header_hash, trust = RegistryReader([liar, url], registry.address, chain_id=31337).latest_epoch()
        assert header_hash == digest(headers[11])
        assert f"left out: {liar}" in trust.text
    assert time.monotonic() - started < 10


def test_a_stale_head(world):
    url, registry, _ = world
    late = RegistryReader([url], registry.address, now=lambda: time.time() + 7200)
    with pytest.raises(StaleError, match=f"{url}: its newest block .* s old, more than 3600 s"):
        late.latest_epoch()


def leaves(value, place=()):
    """The places of all strings and nulls in an answer."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for key, each in pairs for found in leaves(each, (*place, key))]
    return [place]


def changed(value, place, lie):
    """The answer with another leaf at a place."""
    if not place:
        return lie(value)
    value[place[0]] = changed(value[place[0]], place[1:], lie)
    return value


def nudged(text):
    """The last digit another one: well-formed and false."""
    return f"{text[:-1]}{'1' if text[-1] == '0' else '0'}" if isinstance(text, str) and len(text) > 2 else "0x5"


WORDS = {
    "another": nudged,
    "nothing": lambda _: None,
    "cut": lambda text: text[:-2] if isinstance(text, str) else [],
    "long": lambda _: "0x" + "ab" * 2**20,
    "an object": lambda _: {"a": 1},
}
# Of a block, what is in no hash of its header and is not looked at.
UNUSED = {"size", "totalDifficulty", "uncles", "transactions", "withdrawals", "blockAccessListHash", "slotNumber"}


@pytest.mark.parametrize("method", ["eth_chainId", "eth_getBlockByNumber", "eth_getProof", "eth_getCode"])
@pytest.mark.parametrize("words", WORDS)
def test_a_lie_in_each_field_of_each_answer(world, method, words):
    """The honest result or an error that names the node, whatever single field is another."""
    url, registry, headers = world
    node, asked = forward(url), []

    def seen(called, params):
        answer = node(called, params)
        if called == method:
            asked.append(answer)
        return answer

    with serve(seen) as honest:
        believed = RegistryReader([honest], registry.address, chain_id=31337).latest_epoch()[:2]
    assert believed == (11, digest(headers[11]))
    refused = []
    for place in leaves(asked[0]):
        told = lying(node, method, lambda answer, place=place: changed(answer, place, WORDS[words]))
        with serve(told) as liar:
            read = RegistryReader([liar], registry.address, chain_id=31337, timeout_s=5)
            with contextlib.suppress(SourceError, DisagreementError):
                assert read.latest_epoch()[:2] == believed, place
            fault = read.reports()[0].fault
            assert not fault or fault.startswith(liar), place
            refused += [place] if fault else []
    assert {place for place in leaves(asked[0]) if not place or place[0] not in UNUSED} <= set(refused)


READ = """
import resource, sys
from lightclient.registry_reader import RegistryReader
from zkstate.errors import DisagreementError, SourceError
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
try:
    RegistryReader([sys.argv[1]], bytes.fromhex(sys.argv[2]), timeout_s=4).latest_epoch()
except (SourceError, DisagreementError) as error:
    assert str(error).startswith(sys.argv[1])
    print(peak() - before)
"""


@pytest.mark.parametrize("way", ["endless", "drip", "long"])
def test_what_a_node_can_make_a_reader_spend(world, way):
    """Less than 64 MiB and ten seconds, in a process of its own."""
    url, registry, _ = world
    chunk = b"100000\r\n" + b"0" * 2**20 + b"\r\n"
    ways = {
        "endless": lambda: servers.raw(servers.flood(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk)),
        "drip": lambda: servers.raw(servers.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")),
        "long": lambda: serve(lying(forward(url), "eth_getCode", lambda _: "0x" + "ab" * 2**22)),
    }
    started = time.monotonic()
    with ways[way]() as liar:
        command = [sys.executable, "-c", READ, liar, registry.address.hex()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment())
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 64 << 10
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("depth", [1, 2, 32])
@pytest.mark.parametrize("after", [0, 1])
def test_reorganisations_around_a_publication(depth, after):
    """A publication in the oldest or the newest block that goes is gone; its pinned block is named as missing, and
    publishing again repairs it. Where the reorganisation stops behind it, it stays."""
    if after >= depth:
        after = 0
    after *= depth - 1
    with anvil() as url:
        rpc, chain = JsonRpc(url), JsonRpcChain(url, NodeAccount())
        registry, _ = Registry.deploy(chain, VENUE)
        start = chain.block_time() - 60
        headers = publish(registry, range(1, 6), start)
        rpc.call("anvil_mine", [hex(depth - 1 - after)]) if depth - 1 > after else None
        headers |= publish(registry, (6,), start + 10, previous=1005)
        rpc.call("anvil_mine", [hex(after)]) if after else None
        before = RegistryReader([url], registry.address).state()
        rpc.call("anvil_reorg", [depth, []])
        read = RegistryReader([url], registry.address)
        assert read.latest_epoch()[:2] == (5, digest(headers[5]))
        with pytest.raises(MissingError, match="no epoch 6"):
            read.epoch_hash(6)
        with pytest.raises((MissingError, DisagreementError), match=url):
            RegistryReader([url], registry.address, block_hash=before.block.hash).latest_epoch()
        assert registry.publish(headers[6]) is not None
        rpc.call("anvil_mine", [hex(depth)])
        rpc.call("anvil_reorg", [depth, []])
        assert RegistryReader([url], registry.address).latest_epoch()[:2] == (6, digest(headers[6]))


def test_nodes_on_two_sides_of_a_fork():
    with anvil() as one, anvil() as two:
        registries = [Registry.deploy(JsonRpcChain(url, NodeAccount()), VENUE)[0] for url in (one, two)]
        assert registries[0].address == registries[1].address
        for registry, root in zip(registries, (1, 2), strict=True):
            registry.publish(header(1, registry.chain.block_time(), 0, root))
        with pytest.raises(DisagreementError, match=f"{one} and {two} are on different chains: block"):
            RegistryReader([one, two], registries[0].address).latest_epoch()


def test_governance_on_anvil():
    with anvil() as url:
        chain = JsonRpcChain(url, NodeAccount())
        registry, _ = Registry.deploy(chain, VENUE, rollback_delay_s=100, staleness_limit_s=10_000)
        headers = publish(registry, (1, 2, 3), chain.block_time())
        registry.propose_rollback(1)
        registry.halt()
        read = RegistryReader([url], registry.address)
        assert read.state().rollback[0] == 1
        assert "governance has halted the registry" in read.latest_epoch()[2].text
        with pytest.raises(RefusedError, match="rollback delay has not passed"):
            registry.execute_rollback(headers[1])
        JsonRpc(url).call("evm_increaseTime", [100])
        registry.execute_rollback(headers[1])
        read = RegistryReader([url], registry.address)
        assert read.latest_epoch()[:2] == (1, digest(headers[1]))
        with pytest.raises(MissingError):
            read.epoch_hash(2)
        JsonRpc(url).call("evm_increaseTime", [10_000])
        JsonRpc(url).call("evm_mine", [])
        assert registry.is_stale()


def test_snarkjs_proofs_on_anvil(world):
    """Accepted as they are; refused with an input, a byte of the proof, or the key changed."""
    data = json.loads(shared_path("vectors/groth16_snarkjs/fresh_setup_proofs.json").read_text())
    key = VerifyingKey.from_json(json.dumps(data["vk"]))
    proof = Proof.from_json(json.dumps(data["proofs"][0]["proof"]))
    inputs = [int(x) for x in data["proofs"][0]["publicSignals"]]
    chain = world[1].chain
    contract, _ = ProofVerifier.deploy(chain, key)
    assert contract.key_digest() == key.digest()
    assert contract.is_valid(proof, inputs) is True
    assert contract.verify(proof, inputs).gas_used < 223_000
    for i in range(len(inputs)):
        bent = [(x + (i == j)) % R for j, x in enumerate(inputs)]
        assert contract.is_valid(proof, bent) is False
        with pytest.raises(RefusedError, match="proof is false"):
            contract.verify(proof, bent)
    other = Proof.from_json(json.dumps(data["proofs"][1]["proof"]))
    assert contract.is_valid(other, inputs) is (inputs == [int(x) for x in data["proofs"][1]["publicSignals"]])
    call = artefact("Groth16Verifier").call_data("verify", *snarkjs("fresh_setup_proofs.json")[1][0][0], inputs)
    for at in range(4, 4 + 256):
        bad = call[:at] + bytes([call[at] ^ 1]) + call[at + 1 :]
        with pytest.raises(RefusedError, match="proof point is malformed"):
            chain.call(contract.address, bad)
    # another key of the same shape: IC points exchanged
    stranger, _ = ProofVerifier.deploy(chain, replace(key, ic=(*key.ic[1:], key.ic[0])))
    assert stranger.is_valid(proof, inputs) is False


def test_calldata_is_in_the_order_of_snarkjs(tmp_path):
    data = json.loads(shared_path("vectors/groth16_snarkjs/fresh_setup_proofs.json").read_text())
    entry = data["proofs"][0]
    for name, value in (("proof", entry["proof"]), ("public", entry["publicSignals"])):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    command = ["node", tool("snarkjs/cli.js"), "zkey", "export", "soliditycalldata", "public.json", "proof.json"]
    printed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60).stdout
    *parts, inputs = json.loads(f"[{printed}]")
    flat = [int(word, 16) for part in parts for pair in part for word in (pair if isinstance(pair, list) else [pair])]
    assert tuple(flat) == Proof.from_json(json.dumps(entry["proof"])).evm_words()
    assert [int(x, 16) for x in inputs] == [int(x) for x in entry["publicSignals"]]
