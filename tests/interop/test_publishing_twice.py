"""`zkstate publish` killed while its transaction waits, and repeated, on a real node."""

import signal
import subprocess
import threading
import time

import pytest

from tests.cli.program import command, environment, zkstate
from tests.interop.test_anvil import FIRST_ACCOUNT, PUBLISHED_KEY, anvil
from tests.registry.headers import VENUE, header
from zkstate.errors import SourceError
from zkstate.publication.header import SignedHeader
from zkstate.registry.client import JsonRpcChain, KeyFile, NodeAccount
from zkstate.registry.registry import Registry
from zkstate.registry.rpc import JsonRpc, read_quantity

pytestmark = pytest.mark.interop


@pytest.fixture
def node():
    with anvil() as url:
        yield url


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "publisher.key"
    path.write_text(PUBLISHED_KEY)
    path.chmod(0o600)
    return path


@pytest.fixture
def epoch(tmp_path):
    outcome = zkstate("snapshot", "synthetic:20", "--operator", tmp_path / "operator", "--out", tmp_path / "epoch")
    assert outcome.code == 0, outcome.err
    return tmp_path / "epoch"


def sent(node, block="pending"):
    """How many transactions of the first account the node has seen."""
    count = JsonRpc(node).call("eth_getTransactionCount", [f"0x{FIRST_ACCOUNT.hex()}", block])
    return read_quantity(count, "count")


def mining(node, on):
    JsonRpc(node).call("evm_setAutomine", [on])


@pytest.fixture
def late_block(node):
    """A block that comes half a second after it is asked for."""
    timers = []

    def ask():
        timers.append(threading.Timer(0.5, lambda: JsonRpc(node).call("evm_mine", [])))
        timers[-1].start()

    yield ask
    for timer in timers:
        timer.join()


def test_a_killed_publication_is_repeated_without_a_second_transaction(node, key, epoch, tmp_path, late_block):
    mirror = tmp_path / "mirror"
    publish = ("publish", epoch, "--mirror", mirror, "--rpc", node, "--chain-id", "31337", "--publisher-key", key)
    venue = SignedHeader.decode((epoch / "public/header.bin").read_bytes()).header.venue
    registry, _ = Registry.deploy(JsonRpcChain(node, NodeAccount()), venue)
    address = f"0x{registry.address.hex()}"

    mining(node, on=False)
    before = sent(node)
    with subprocess.Popen(command(*publish, "--registry", address), env=environment()) as process:
        deadline = time.monotonic() + 60
        while sent(node) == before and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert (sent(node), sent(node, "latest")) == (before + 1, before)
    late_block()
    again = zkstate(*publish, "--registry", address, "--json")
    assert (again.code, again.json["transaction"]) == (0, None), again.err
    assert sent(node) == sent(node, "latest") == before + 1
    assert registry.latest_epoch() == 1


@pytest.mark.parametrize("own_key", [False, True])
def test_giving_up_and_publishing_again(node, key, own_key, late_block):
    sender = KeyFile(key) if own_key else NodeAccount()
    chain = JsonRpcChain(node, sender, wait_s=5)
    registry, _ = Registry.deploy(chain, VENUE)
    first = header(1, chain.block_time(), 0, 5)
    mining(node, on=False)
    hasty = Registry(JsonRpcChain(node, sender, wait_s=0.3), registry.address)
    with pytest.raises(SourceError, match="it may still get there"):
        hasty.publish(first)
    with pytest.raises(SourceError, match="not sent: 1 earlier transactions"):
        hasty.publish(first)
    late_block()
    assert registry.publish(first) is None
    assert sent(node, "latest") == 2
    assert registry.holds(first)


def test_another_chain_gets_neither_files_nor_transaction(node, key, epoch, tmp_path):
    before = sent(node)
    outcome = zkstate(
        "publish", epoch, "--mirror", tmp_path / "mirror", "--rpc", node, "--deploy", "--chain-id", "1",
        "--publisher-key", key,
    )  # fmt: skip
    assert outcome.code == 4
    assert "chain id 31337, and 1 is expected" in outcome.err
    assert sent(node) == before
    assert not (tmp_path / "mirror").exists()
