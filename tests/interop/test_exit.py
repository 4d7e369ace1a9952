"""A venue dies and its money leaves: twenty epochs on a real node, recovery through proofs, an exit, wrong claims."""

import json
import shutil
import time
from dataclasses import replace

import pytest

from tests.cli.program import zkstate
from tests.interop.test_anvil import anvil
from tests.registry.vaults import MODES, call_data, created
from zkstate.cli.claim import exit_call
from zkstate.cli.verify import read_attestation
from zkstate.errors import RefusedError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.regular import read_below
from zkstate.registry.chain import parse_address
from zkstate.registry.client import JsonRpcChain, NodeAccount
from zkstate.registry.registry import Registry
from zkstate.registry.rpc import JsonRpc
from zkstate.registry.vault import Vault

pytestmark = pytest.mark.interop

EPOCHS, LIMIT, DELAY = 20, 1800, 600
PAYEE, CHAIN_ID = bytes.fromhex("9fe46736679d2d9a65f0992f2272de9f3c7fa6e0"), 31337
ALLOW = "--allow-insecure-setup"
TABLES = (
    {"type": "instrument", "instrument": "USDT", "kind": "asset", "decimals": 8, "price": "1"},
    {"type": "tier", "instrument": "USDT", "from": "0", "rate": "1"},
    {"type": "account", "account": "alice"},
    {"type": "account", "account": "bob"},
)


def act(*argv, code=0):
    outcome = zkstate(*argv, "--json", believe=False)
    assert outcome.code == code, f"zkstate {argv}\n{outcome.err}"
    return outcome.json if code == 0 else outcome.err


class Venue:
    """A venue on its own anvil, whose clock is behind, so that time can pass."""

    def __init__(self, root, url):
        self.root, self.url, self.mirror = root, url, root / "mirror"
        self.chain = JsonRpcChain(url, NodeAccount())
        self.started = self.chain.block_time()
        accounts = JsonRpc(url).call("eth_accounts", [])
        self.governor = JsonRpcChain(url, NodeAccount(parse_address(accounts[1])))
        self.token = created(self.chain, "Token", 6, MODES.index("silent"))
        for epoch in range(1, EPOCHS + 1):
            self.publish(epoch)
            if epoch == EPOCHS - 1:
                self.recover("old.json")

    def publish(self, epoch):
        ledger, time_now = self.root / f"{epoch}.jsonl", self.started + epoch
        head = {"type": "ledger", "version": 1, "venue": "Example Exchange", "quote": "USDT", "time": time_now}
        rows = [("alice", f"{1000 + epoch}.12345678"), ("bob", "7")]
        rows = [{"type": "row", "account": name, "instrument": "USDT", "amount": amount} for name, amount in rows]
        ledger.write_text("".join(json.dumps(line) + "\n" for line in (head, *TABLES, *rows)))
        before = ["--previous", self.root / f"epoch-{epoch - 1}/public/header.bin"] if epoch > 1 else []
        before += [] if epoch > 1 else ["--issue-key", f"alice={self.root / 'alice.key'}"]
        made = self.root / f"epoch-{epoch}"
        act("snapshot", ledger, "--operator", self.root / "operator", *before, "--out", made)
        where = ["--registry", f"0x{self.registry.address.hex()}"] if epoch > 1 else self.deploying()
        told = act("publish", made, "--mirror", self.mirror, "--rpc", self.url, *where)
        if epoch == 1:
            self.registry = Registry(self.chain, parse_address(told["registry"]))
            self.vault = Vault(self.chain, parse_address(told["vault"]))
            assert told["assets"][0]["divisor"] == "100"
            assert list(told["verifiers"]) == ["exit-4"]
            self.chain.transact(self.token, call_data("Token", "mint", self.vault.address, 5000 * 10**6))

    def deploying(self):
        return (
            "--deploy", "--governance", f"0x{self.governor.sender.hex()}", "--staleness-limit", f"{LIMIT}s",
            "--rollback-delay", f"{DELAY}s", "--asset", f"USDT=0x{self.token.hex()}:6", "--exit-key", "exit-4", ALLOW,
        )  # fmt: skip

    def recover(self, name):
        place = ["--rpc", self.url, "--registry", f"0x{self.registry.address.hex()}", "--chain-id", CHAIN_ID]
        return act(
            "recover", "--key", self.root / "alice.key", "--mirror", self.mirror, *place, "--out", self.root / name
        )

    def prove(self, bundle, name, *more, recipient=PAYEE):
        act(
            "prove", "exit", "--account", self.root / bundle, "--asset", "USDT", "--recipient", f"0x{recipient.hex()}",
            "--vault", f"0x{self.vault.address.hex()}", "--registry", f"0x{self.registry.address.hex()}",
            "--chain-id", CHAIN_ID, ALLOW, *more, "--out", self.root / name,
        )  # fmt: skip
        return self.root / name

    def claim(self, proof, code=0):
        return act("claim", proof, "--vault", f"0x{self.vault.address.hex()}", "--rpc", self.url, code=code)

    def wait(self, seconds):
        rpc = JsonRpc(self.url)
        rpc.call("evm_increaseTime", [seconds])
        rpc.call("evm_mine", [])

    def paid(self, to=PAYEE):
        return int.from_bytes(self.chain.call(self.token, call_data("Token", "balanceOf", to)), "big")


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    with anvil("--timestamp", str(int(time.time()) - 3000)) as url:
        yield Venue(tmp_path_factory.mktemp("venue"), url)


@pytest.fixture(scope="module")
def dead(venue):
    """The venue with its machines gone: what is left is a mirror, a chain and alice's key. It paid no exit before."""
    assert venue.recover("live.json")["epoch"] == EPOCHS
    early = venue.prove("live.json", "early")
    assert "registry is neither stale nor halted" in venue.claim(early, code=4)
    for place in venue.root.iterdir():
        if place.name.startswith("epoch-") or place.name == "operator" or place.suffix == ".jsonl":
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    venue.wait(LIMIT + 60)
    assert venue.registry.is_stale()
    return venue


@pytest.fixture
def moment(dead):
    """What a test does to the chain is undone after it."""
    rpc = JsonRpc(dead.url)
    at = rpc.call("evm_snapshot", [])
    yield dead
    assert rpc.call("evm_revert", [at]) is True


def test_recovered_proved_paid_and_paid_once(moment):
    venue = moment
    account = venue.recover("account.json")
    assert account["epoch"] == EPOCHS
    proof = venue.prove("account.json", "paid")
    told = venue.claim(proof)
    assert (told["paid"], told["owed"]) == (str(1020_123456), "0")
    assert venue.paid() == 1020_123456
    assert "exit was paid before" in venue.claim(proof, code=4)
    again = venue.prove("account.json", "again", "--exactly", "3", recipient=b"\x55" * 20)
    assert "exit was paid before" in venue.claim(again, code=4)
    assert venue.paid() == 1020_123456
    assert venue.paid(b"\x55" * 20) == 0


def test_the_printed_call_is_the_one_that_pays(moment):
    venue = moment
    proof = venue.root / "early"
    printed = act("claim", proof, "--vault", f"0x{venue.vault.address.hex()}")
    assert parse_address(printed["to"]) == venue.vault.address
    venue.governor.transact(venue.vault.address, bytes.fromhex(printed["data"][2:]))
    assert venue.paid() == 1020_123456


def test_wrong_claims(moment):
    venue = moment
    call = exit_call(read_attestation(venue.root / "early"), venue.vault.address)
    for changed in (
        replace(call, recipient=b"\x66" * 20),
        replace(call, amount=call.amount - 1),
        replace(call, nullifier=call.nullifier + 1),
        replace(call, expiry=2**63),
    ):
        with pytest.raises(RefusedError, match="proof is false"):
            venue.vault.claim(changed)
    old = venue.prove("old.json", "of-epoch-19")
    assert "proof is false" in venue.claim(old, code=4)
    elsewhere = zkstate("claim", venue.root / "early", "--vault", "0x" + "77" * 20, believe=False)
    assert (elsewhere.code, "prove it again with --vault" in elsewhere.err) == (2, True)
    assert venue.paid() == 0


def test_a_rolled_back_epoch_pays_nothing(moment):
    venue = moment
    governed = Registry(venue.governor, venue.registry.address)
    old = venue.mirror / f"epochs/{EPOCHS - 1:08d}"
    header = SignedHeader.decode(read_below(old, "header.bin", SIGNED_BYTES)).header.encode()
    governed.propose_rollback(EPOCHS - 1)
    assert "a rollback is pending" in venue.claim(venue.root / "early", code=4)
    told = venue.recover("pending.json")["trust"]["text"]
    assert f"governance may roll back to epoch {EPOCHS - 1} from" in told
    venue.wait(DELAY)
    governed.execute_rollback(header)
    assert "proof is false" in venue.claim(venue.root / "early", code=4)
    assert venue.recover("after.json")["epoch"] == EPOCHS - 1
    assert venue.claim(venue.prove("after.json", "after"))["paid"] == str(1019_123456)
