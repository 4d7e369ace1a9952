"""zkstate claim, and the vault options of publish: what is refused before any chain is asked."""

import json

import pytest

from tests.cli.program import zkstate
from tests.lightclient.nodes import serve
from tests.registry.test_client import SECRET, Node
from tests.registry.vaults import EXIT_KEY
from zkstate.cli import deploy
from zkstate.cli.arguments import Namespace
from zkstate.errors import InputError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER, PUBLIC
from zkstate.publication.regular import read_below
from zkstate.registry.artefacts import artefact

SENT = {"eth_sendTransaction", "eth_sendRawTransaction"}
VAULT = "0x" + "77" * 20
PAYS = ["--asset", "USDT=native", "--exit-key", "exit-4", "--allow-insecure-setup"]


def test_only_an_exit_is_claimed(proved):
    outcome = zkstate("claim", proved.proof, "--vault", VAULT)
    assert (outcome.code, "the proof is of a margin: a vault pays an exit" in outcome.err) == (2, True)


def test_options_of_a_transaction_need_a_node(proved):
    for more in (["--chain-id", "1"], ["--sender-key", proved.key]):
        outcome = zkstate("claim", proved.proof, "--vault", VAULT, *more)
        assert (outcome.code, "and no --rpc is given" in outcome.err) == (2, True)
    assert zkstate("claim", proved.proof).code == 2


def test_a_vault_is_a_challenge_and_there_is_one(proved, tmp_path):
    both = ["--vault", VAULT, "--challenge", "11" * 32]
    outcome = zkstate("verify", proved.proof, *both)
    assert (outcome.code, "not allowed with" in outcome.err) == (2, True)
    exiting = ["exit", "--account", proved.bundle, "--asset", "USDT", "--recipient", VAULT, "--vault", VAULT]
    outcome = zkstate("prove", *exiting, "--out", tmp_path / "proof")
    assert (outcome.code, "give --registry and --chain-id too" in outcome.err) == (2, True)
    judged = zkstate("verify", proved.proof, "--vault", VAULT, "--json")
    assert judged.code == 1
    assert "77" * 20 in json.dumps(judged.json)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--governance", VAULT], "--governance is for a new registry"),
        (["--staleness-limit", "1h"], "--staleness-limit is for a new registry"),
        (["--exit-key", "exit-4"], "--exit-key is for a vault: give --asset"),
        (["--release-delay", "1h"], "--release-delay is for a vault: give --asset"),
        (["--allow-insecure-setup"], "--allow-insecure-setup is for a vault: give --asset"),
        (["--asset", "USDT=native"], "no --rpc is given"),
        (["--asset", "USDT"], "wanted SYMBOL=ADDRESS:DECIMALS or SYMBOL=native"),
        (["--asset", "NONE=native"], "wanted SYMBOL=ADDRESS:DECIMALS or SYMBOL=native"),
        (["--asset", f"USDT={VAULT}"], "wanted SYMBOL=ADDRESS:DECIMALS or SYMBOL=native"),
        (["--asset", f"USDT={VAULT}:x"], "wanted SYMBOL=ADDRESS:DECIMALS or SYMBOL=native"),
        (["--asset", f"USDT={VAULT}:37"], "has 37 decimals, outside 0..36"),
        (["--asset", "USDT=native:18"], "wanted SYMBOL=ADDRESS:DECIMALS or SYMBOL=native"),
        (["--asset", "USDT=native", "--asset", f"USDT={VAULT}:6"], "--asset: USDT is given twice"),
        (["--asset", "BTC-PERP=native"], "only assets can leave"),
        (["--asset", "USDT=0x" + "00" * 20 + ":6"], "the zero address is no token"),
        (["--asset", "USDT=0x12:6"], "is not an address"),
        (["--asset", "USDT=native"], "give --exit-key"),
        (["--asset", "USDT=native", "--exit-key", "exit-4"], "exit-4 names a circuit, whose key is insecure"),
        (["--asset", "USDT=native", "--exit-key", "KEY"], "which is of no `exit` known here"),
        ([*PAYS, "--exit-key", "exit-4"], "--exit-key: exit-4 is given twice"),
        (PAYS, "needs --suspension-limit, at least its rollback delay"),
        ([*PAYS, "--suspension-limit", "0"], "--suspension-limit 0: the contracts take no less than a second"),
        ([*PAYS, "--suspension-limit", "1d", "--release-delay", "0s"], "--release-delay 0: the contracts take"),
        (["--deploy", "--staleness-limit", "0"], "--staleness-limit 0: the contracts take no less than a second"),
        (["--deploy", "--rollback-delay", "0"], "--rollback-delay 0: the contracts take no less than a second"),
        (
            ["--deploy", *PAYS, "--suspension-limit", "172799"],
            "--suspension-limit, 172799 s, is shorter than the rollback delay, 172800 s",
        ),
        (
            ["--deploy", *PAYS, "--rollback-delay", "5d", "--suspension-limit", "4d"],
            "--suspension-limit, 345600 s, is shorter than the rollback delay, 432000 s",
        ),
    ],
)
def test_vaults_that_are_not_deployed(proved, tmp_path, options, words):
    """Nothing listens at the address, so an answer shows that it was not asked."""
    key = tmp_path / "key.json"
    key.write_text(EXIT_KEY.key.to_json())
    options = [str(key) if option == "KEY" else option for option in options]
    chain = [] if words == "no --rpc is given" else ["--rpc", "http://127.0.0.1:9"]
    chain += ["--registry", VAULT] if chain and "--deploy" not in options else []
    outcome = zkstate("publish", proved.epoch, "--mirror", tmp_path / "mirror", *chain, *options)
    assert outcome.code == 2, outcome.err
    assert words in outcome.err
    assert not (tmp_path / "mirror").exists()


@pytest.mark.parametrize("told", [18, 5, 2**255 + 6, None])
def test_one_answer_of_a_node_does_not_set_the_scale_of_a_vault(proved, tmp_path, told):
    key = tmp_path / "sender"
    key.write_text(SECRET)
    key.chmod(0o600)
    node = Node(eth_call="0x" if told is None else f"0x{told:064x}")
    options = ["--asset", f"USDT={VAULT}:6", *PAYS[2:], "--deploy", "--publisher-key", key]
    with serve(node) as url:
        outcome = zkstate("publish", proved.epoch, "--mirror", tmp_path / "mirror", "--rpc", url, *options)
    said = "nothing" if told is None else f"{told:064x}"
    assert outcome.code == 4, outcome.err
    assert f"token {VAULT} of USDT answers decimals() with {said}, and --asset says 6" in outcome.err
    assert not SENT & node.methods
    assert not (tmp_path / "mirror").exists()


def test_the_decimals_that_a_token_has_are_taken(proved, tmp_path):
    """And before a node's own account makes anything, the words that its addresses are its word."""
    node = Node(eth_call=f"0x{6:064x}")
    options = ["--asset", f"USDT={VAULT}:6", *PAYS[2:], "--deploy"]
    with serve(node) as url:
        outcome = zkstate("publish", proved.epoch, "--mirror", tmp_path / "mirror", "--rpc", url, *options)
    assert outcome.code == 4
    assert "the deployment created no contract" in outcome.err
    assert "the addresses of new contracts are its word alone" in outcome.err
    assert "eth_sendTransaction" in node.methods


def test_a_suspension_limit_below_the_delay_of_the_registry_that_is_there(proved, tmp_path):
    answers = {artefact("StateRegistry").call_data("ROLLBACK_DELAY").hex(): 3600}
    node = Node(eth_call=lambda _, params: f"0x{answers.get(params[0]['data'][2:], 0):064x}")
    options = ["--registry", VAULT, *PAYS, "--suspension-limit", "3599"]
    with serve(node) as url:
        outcome = zkstate("publish", proved.epoch, "--mirror", tmp_path / "mirror", "--rpc", url, *options)
    assert outcome.code == 2
    assert "--suspension-limit, 3599 s, is shorter than the rollback delay, 3600 s" in outcome.err
    assert not SENT & node.methods


def test_more_assets_than_a_vault_takes(monkeypatch, proved):
    monkeypatch.setattr(deploy, "MAX_ASSETS", 1)
    args = Namespace(
        asset=["USDT=native", "BTC=native"], rpc="", deploy=True, governance=None,
        staleness_limit=None, rollback_delay=None, suspension_limit=None, release_delay=None,
    )  # fmt: skip
    signed = SignedHeader.decode(read_below(proved.epoch / PUBLIC, HEADER, SIGNED_BYTES))
    with pytest.raises(InputError, match="--asset is given 2 times, and a vault takes 1"):
        deploy.planned(args, proved.epoch / PUBLIC, signed)
