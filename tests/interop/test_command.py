"""The command against tools that are not ours: a real node, and the verifier of snarkjs."""

import json
import re

import pytest

from tests.cli.program import process, tree, zkstate
from tests.cli.test_readme import README
from tests.cli.walk import blocks, follow
from tests.interop.test_anvil import PUBLISHED_KEY, anvil
from tests.interop.tools import HERE, accepted, judged, refuses_each_changed_input, triple

pytestmark = pytest.mark.interop

TRADER = "user-00000072"


@pytest.fixture(scope="module")
def node():
    with anvil() as url:
        yield url


@pytest.fixture(scope="module")
def demo(node, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "out"
    outcome = zkstate("demo", "--accounts", "200", "--chain", node, "--out", folder, "--json")
    assert outcome.code == 0, outcome.err
    return folder, outcome.json


def test_the_whole_story_on_a_real_node(demo):
    _, told = demo
    assert told["accepted"] is True
    assert told["publication"]["chain_id"] == 31337
    assert told["recovery"]["trust"]["block_hash"].startswith("0x")
    assert told["on_chain"]["changed_inputs_refused"] is True
    assert 180_000 < told["on_chain"]["verification_gas"] < 300_000


def test_snarkjs_accepts_the_directory_as_it_is_and_nothing_changed_in_it(demo):
    folder, _ = demo
    assert accepted(folder)
    refuses_each_changed_input(folder)


@pytest.mark.parametrize("place", [0, 2], ids=["key", "proof"])
def test_snarkjs_refuses_every_coordinate_of_proof_and_key_changed(demo, place):
    folder, _ = demo
    parts = triple(folder)
    # IC_0, then one point for each input: the point of an input that is 0 has no part in the equation
    unused = [i for i, value in enumerate(parts[1]) if value == "0"]
    silent = {word for i in unused for word in parts[0]["IC"][i + 1]}
    text = json.dumps(parts[place])
    coordinates = [match for match in re.finditer(r'"([0-9]{60,})"', text) if place == 2 or match[1] not in silent]
    assert len(coordinates) >= 8
    cases = []
    for match in coordinates:
        changed = f"{text[: match.start(1)]}{int(match[1]) ^ 1}{text[match.end(1) :]}"
        cases.append([*parts[:place], json.loads(changed), *parts[place + 1 :]])
    assert judged([parts, *cases]) == [True] + [False] * len(cases)


def test_the_venue_publishes_and_a_trader_recovers_through_a_node(node, tmp_path):
    """Both roles as processes of their own, which share the mirror and the node alone."""
    venue, trader = tmp_path / "venue", tmp_path / "trader"
    venue.mkdir()
    trader.mkdir()
    (venue / "publisher.key").write_text(PUBLISHED_KEY + "\n")
    (venue / "publisher.key").chmod(0o600)

    def act(folder, *argv, code=0):
        outcome = process(*argv, "--json", cwd=folder)
        assert outcome.code == code, outcome.err
        return outcome

    issue = f"{TRADER}={trader / 'trader.key'}"
    act(venue, "snapshot", "synthetic:200", "--operator", "operator", "--issue-key", issue, "--out", "epoch-1")
    sender = ("--rpc", node, "--publisher-key", "publisher.key")
    first = act(venue, "publish", "epoch-1", "--mirror", "../mirror", *sender, "--deploy").json
    again = act(venue, "publish", "epoch-1", "--mirror", "../mirror", *sender, "--registry", first["registry"]).json
    assert again["transaction"] is None
    chain = ("--rpc", node, "--registry", first["registry"])
    recover = ("recover", "--key", "trader.key", "--mirror", "../mirror", "--out", "account.json")
    told = act(trader, *recover, *chain).json
    assert (told["epoch"], told["header_hash"]) == (1, first["header_hash"])
    assert told["trust"]["block_number"] > 0

    previous = "epoch-1/public/header.bin"
    act(
        venue, "snapshot", "synthetic:200", "--operator", "operator", "--previous", previous,
        "--time", "2026-11-21T00:00:00Z", "--out", "epoch-2",
    )  # fmt: skip
    act(venue, "publish", "epoch-2", "--mirror", "../elsewhere", *sender, "--registry", first["registry"])
    told = act(trader, *recover, *chain).json
    assert (told["epoch"], told["newest_epoch"]) == (1, 2)
    assert len(told["skipped"]) == 1
    told = act(trader, *recover, "--mirror", "../elsewhere", *chain).json
    assert told["epoch"] == 2

    before = tree(trader)
    other = act(venue, "snapshot", "synthetic:9", "--operator", "operator", "--out", "other").json
    assert other["epoch"] == 1
    refused = act(
        venue, "publish", "other", "--mirror", "other-mirror", *sender, "--registry", first["registry"], code=4
    )
    assert first["header_hash"].removeprefix("0x") in refused.err
    assert not (venue / "other-mirror").exists()
    nobody = "0x" + "77" * 20
    missing = act(trader, *recover, "--rpc", node, "--registry", nobody, code=3)
    assert nobody in missing.err
    elsewhere = act(trader, *recover, *chain, "--chain-id", "1", code=4)
    assert "and 1 is expected" in elsewhere.err
    assert tree(trader) == before


def test_the_readme_runs_as_written_with_a_chain_and_snarkjs(node, tmp_path):
    """The blocks that need a node, another port than the one it names, or snarkjs, after those that they build on."""
    tools = str(HERE / "node_modules/.bin")
    plain = blocks(README, "sh")
    needed = next(i for i, block in enumerate(plain) if "--out margin-proof" in block)
    for line in "".join(plain[: needed + 1]).splitlines():
        done = follow(line, tmp_path, tools)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    for script in blocks(README, "sh interop"):
        done = follow(script.replace("http://127.0.0.1:8545", node), tmp_path, tools)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
