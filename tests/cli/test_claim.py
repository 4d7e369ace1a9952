"""zkstate claim, and the vault options of publish: what is refused before any chain is asked."""

import json

import pytest

from tests.cli.program import zkstate
from tests.registry.vaults import EXIT_KEY

VAULT = "0x" + "77" * 20


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
        (["--asset", "USDT"], "wanted SYMBOL=ADDRESS or SYMBOL=native"),
        (["--asset", "NONE=native"], "wanted SYMBOL=ADDRESS or SYMBOL=native"),
        (["--asset", "BTC-PERP=native"], "only assets can leave"),
        (["--asset", "USDT=0x" + "00" * 20], "the zero address is no token"),
        (["--asset", "USDT=0x12"], "is not an address"),
        (["--asset", "USDT=native"], "give --exit-key"),
        (["--asset", "USDT=native", "--exit-key", "exit-4"], "exit-4 names a circuit, whose key is insecure"),
        (["--asset", "USDT=native", "--exit-key", "KEY"], "which is of no `exit` known here"),
    ],
)
def test_vaults_that_are_not_deployed(proved, tmp_path, options, words):
    """Nothing listens at the address, so an answer shows that it was not asked."""
    key = tmp_path / "key.json"
    key.write_text(EXIT_KEY.key.to_json())
    options = [str(key) if option == "KEY" else option for option in options]
    chain = [] if words == "no --rpc is given" else ["--rpc", "http://127.0.0.1:9"]
    chain += ["--registry", VAULT] if chain else []
    outcome = zkstate("publish", proved.epoch, "--mirror", tmp_path / "mirror", *chain, *options)
    assert outcome.code == 2, outcome.err
    assert words in outcome.err
    assert not (tmp_path / "mirror").exists()
