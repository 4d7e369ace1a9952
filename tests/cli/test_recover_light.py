"""recover by a light client, the evidence it leaves, and verify of that: the strongest level of trust, end to end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import replace

import pytest

from lightclient.evidence import Evidence
from lightclient.network import read_network
from tests.cli.light import light
from tests.cli.program import command, environment, tree, zkstate
from tests.lightclient import nodes
from tests.lightclient.beaconchain import Library, answer, saved, serve
from zkstate.publication.blob_archive import keep_blobs
from zkstate.publication.blobs import pack_epoch


@pytest.fixture(scope="module")
def chain(published, tmp_path_factory):
    with light(published.header, tmp_path_factory.mktemp("light")) as found:
        yield found


def argv(scene, chain, out, *more, checkpoint=True, beacons=None):
    places = [word for place in beacons or [chain.beacon] for word in ("--beacon", place)]
    first = ("--checkpoint", chain.checkpoint) if checkpoint else ()
    return ("recover", "--key", scene.key, "--mirror", scene.mirror, *chain.options, *first, *places,
            "--timeout", "5s", "--out", out, *more)  # fmt: skip


def test_level_a_is_printed_with_block_finality_age_and_checkpoint(published, chain, tmp_path):
    outcome = zkstate(*argv(published, chain, tmp_path / "account.json", "--json"))
    assert outcome.code == 0, outcome.err
    trust = outcome.json["trust"]
    assert (trust["level"], trust["block_number"], trust["finalized_slot"]) == ("a", 2, 160)
    assert trust["checkpoint"] == chain.checkpoint
    assert trust["finalized_at"] == chain.beacons.chain.time_of(160)
    assert 240 <= trust["finality_age_s"] < 600
    assert outcome.json["conflicts"] == []
    assert outcome.json["beacon"] == [{"name": chain.beacon, "fault": ""}]
    told = zkstate(*argv(published, chain, tmp_path / "again.json"))
    lines = " ".join(told.out.split())
    for words in ("(a) 32 of 32 members of", f" checkpoint {chain.checkpoint}", "finality slot 160 of", "block 2, 0x"):
        assert words in lines, told.out
    assert "(a) 32 of 32 members" in zkstate("inspect", tmp_path / "account.json").out


def test_every_level_prints_what_it_has(published, chain, tmp_path):
    outcome = zkstate("recover", "--key", published.key, "--mirror", published.mirror, *chain.options[:4], "--out",
                      tmp_path / "account.json")  # fmt: skip
    assert outcome.code == 0, outcome.err
    lines = " ".join(outcome.out.split())
    for words in ("(d) proved against block 2", "block 2, 0x", " s old finality not shown", "checkpoint none"):
        assert words in lines, outcome.out


def test_evidence_is_verified_offline_and_stands_behind_a_proof(proved, chain, tmp_path):
    evidence = tmp_path / "evidence.bin"
    outcome = zkstate(*argv(proved, chain, tmp_path / "account.json", "--evidence-out", evidence))
    assert outcome.code == 0, outcome.err
    told = zkstate("inspect", evidence, "--json").json
    assert (told["registry"].lower(), told["checkpoint"]) == (chain.registry, chain.checkpoint)
    assert (told["network"], told["updates"] > 0) == ("not built in", True)
    assert told["header_hash"] == zkstate("inspect", proved.header, "--json").json["header_hash"]
    alone = zkstate("verify", evidence, *chain.pins, "--json", believe=False)
    assert alone.code == 0, alone.err
    assert (alone.json["kind"], alone.json["accepted"], alone.json["trust"]["level"]) == ("evidence", True, "a")
    assert alone.json["header_hash"] == zkstate("inspect", proved.header, "--json").json["header_hash"]
    assert (alone.json["newest_epoch"], alone.json["halted"]) == (1, False)
    words = zkstate("verify", evidence, *chain.pins, believe=False).out
    assert words.startswith("accepted")
    assert "(a) 32 of 32 members" in words
    behind = zkstate("verify", proved.proof, "--evidence", evidence, *chain.pins, "--json")
    assert behind.code == 0, behind.err
    assert (behind.json["trust"]["level"], behind.json["trust"]["checkpoint"]) == ("a", chain.checkpoint)
    assert not any("pin one with --header" in words for words in behind.json["not_shown"])
    without = zkstate("verify", proved.proof, "--json")
    assert (without.json["trust"]["level"], without.json["trust"]["checkpoint"]) == ("d", None)


def test_evidence_of_an_epoch_that_was_superseded_says_so_behind_a_proof(proved, tmp_path):
    """The block is final, the header was the registry's, and another state was the newest already."""
    evidence = tmp_path / "evidence.bin"
    with light(proved.header, tmp_path, superseded=True) as chain:
        outcome = zkstate(*argv(proved, chain, tmp_path / "account.json", "--evidence-out", evidence))
    assert outcome.code == 0, outcome.err
    for place, more in ((evidence, ()), (proved.proof, ("--evidence", evidence))):
        found = zkstate("verify", place, *more, *chain.pins, "--json", believe=place == proved.proof).json
        assert (found["epoch"], found["newest_epoch"], found["trust"]["level"]) == (1, 2, "a")
        assert "that this state is current: epoch 2 was the newest in block 3 already" in found["not_shown"]
        assert any("the checkpoint is of the chain that everyone follows" in words for words in found["not_shown"])
        told = " ".join(zkstate("verify", place, *more, *chain.pins, believe=place == proved.proof).out.split())
        assert "epoch is SUPERSEDED: epoch 2 was the newest in that block" in told


def test_evidence_of_a_block_that_is_too_old_is_refused_where_its_reader_says_so(proved, chain, tmp_path):
    """Its slot 160 of 180 was final at least 240 s ago."""
    evidence = tmp_path / "evidence.bin"
    assert zkstate(*argv(proved, chain, tmp_path / "account.json", "--evidence-out", evidence)).code == 0
    for place, more in ((evidence, ()), (proved.proof, ("--evidence", evidence))):
        for age, code, words in (("1h", 0, ""), ("3m", 4, "ends at slot 160, ")):
            pins = (*more, *chain.pins, "--finality-age", age, "--json")
            outcome = zkstate("verify", place, *pins, believe=place == proved.proof)
            assert (outcome.code, words in outcome.err) == (code, True), outcome.err
    outcome = zkstate("verify", proved.proof, "--finality-age", "1h")
    assert (outcome.code, "the pins of evidence need --evidence" in outcome.err) == (2, True), outcome.err


def test_evidence_that_fails_takes_no_recovery_with_it(published, chain, tmp_path):
    """A disk that refuses the file, and a node whose last answer is a lie: the account is kept, the failure told."""
    out = tmp_path / "account.json"
    outcome = zkstate(*argv(published, chain, out, "--evidence-out", tmp_path / "none/evidence.bin"))
    assert (outcome.code, f"the account is recovered, to {out}" in outcome.err) == (5, True), outcome.err
    assert zkstate("inspect", out).code == 0
    liar, asked = nodes.forward(chain.rpc), []

    def handle(method, params):
        asked.append(method)
        return "0x00" if method == "eth_getCode" and asked.count(method) == 2 else liar(method, params)

    out = tmp_path / "again.json"
    with nodes.serve(handle) as wrong:
        arguments = argv(published, chain, out, "--evidence-out", tmp_path / "evidence.bin")
        alone = tuple(wrong if word == chain.rpc else word for word in arguments)
        outcome = zkstate(*alone)
        assert (outcome.code, f"{wrong}: code with hash" in outcome.err) == (4, True), outcome.err
        assert zkstate("inspect", out).code == 0
        assert not (tmp_path / "evidence.bin").exists()
        asked.clear()
        beside = zkstate(*alone, "--rpc", chain.rpc)
    assert beside.code == 0, beside.err
    assert asked.count("eth_getCode") == 2
    assert zkstate("verify", tmp_path / "evidence.bin", *chain.pins, believe=False).code == 0


def test_evidence_asks_for_pins_and_only_where_it_is_read(proved, chain, tmp_path):
    evidence = tmp_path / "evidence.bin"
    assert zkstate(*argv(proved, chain, tmp_path / "account.json", "--evidence-out", evidence)).code == 0
    other, later = "0x" + "11" * 32, str(int(time.time()) + 1000)
    for more, code, words in (
        ((), 2, "evidence shows nothing without pins"),
        (("--checkpoint", chain.checkpoint), 2, "evidence shows nothing without pins"),
        (("--checkpoint", other, *chain.pins[2:]), 4, f"and {other} is expected"),
        ((*chain.pins[:2], "--venue-registry", other[:42], *chain.pins[4:]), 4, f"and {other[:42]} is expected"),
        (chain.pins[:4], 4, "of the network with genesis validators"),
        ((*chain.pins, "--max-age", "0"), 4, "the evidence is about a state"),
        ((*chain.pins, "--checkpoint-age", "1h", "--at", str(int(time.time()) - 1)), 0, ""),
        ((*chain.pins, "--checkpoint-age", "1m"), 4, "--at TIME judges it as of a time"),
        ((*chain.pins, "--at", later), 2, "lies after this machine's clock"),
        ((*chain.pins, "--challenge", other), 2, "does not check --challenge"),
        ((*chain.pins, "--evidence", evidence), 2, "is named without it"),
    ):
        outcome = zkstate("verify", evidence, *more, believe=False)
        assert (outcome.code, words in outcome.err) == (code, True), (more, outcome.err)
    for place, more, words in (
        (proved.proof, chain.pins, "the pins of evidence need --evidence"),
        (proved.published, ("--evidence", evidence), "evidence shows nothing without pins"),
        (proved.published, ("--evidence", evidence, *chain.pins), "give --reserves"),
    ):
        outcome = zkstate("verify", place, *more)
        assert (outcome.code, words in outcome.err) == (2, True), outcome.err
    outcome = zkstate("verify", proved.proof, "--evidence", evidence, *chain.pins, "--header-hash", other)
    assert (outcome.code, "is pinned beside it" in outcome.err) == (2, True), outcome.err


@pytest.fixture(scope="module")
def kept(published, tmp_path_factory):
    """An epoch that travelled in blobs, read by a light client: the evidence of that, and where it was read."""
    root = tmp_path_factory.mktemp("kept")
    blobs_root = keep_blobs(pack_epoch(published.published), [root / "archive"], [])
    with light(published.header, root, blobs=blobs_root) as chain:
        told = zkstate("recover", "--key", published.key, "--blob-archive", root / "archive", *chain.options,
                       "--checkpoint", chain.checkpoint, "--beacon", chain.beacon, "--timeout", "5s",
                       "--out", root / "account.json", "--evidence-out", root / "evidence.bin", "--json")  # fmt: skip
    assert told.code == 0, told.err
    assert told.json["trust"]["level"] == "a"
    return root, chain


def from_evidence(scene, chain, evidence, out, *more):
    return zkstate("recover", "--key", scene.key, "--evidence", evidence, "--checkpoint", chain.checkpoint,
                   "--registry", chain.registry, "--network", chain.network, "--out", out, *more)  # fmt: skip


def test_evidence_with_blobs_recovers_alone_years_later(published, kept, tmp_path, monkeypatch):
    """No mirror, no node, no network: what --evidence-out wrote, the pins, and the key."""
    root, chain = kept
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("somebody is asked"))
    then, years = str(int(time.time())), time.time() + 3 * 365 * 86_400
    monkeypatch.setattr("time.time", lambda: years)
    late = from_evidence(published, chain, root / "evidence.bin", tmp_path / "late.json")
    assert (late.code, "--at TIME judges it as of a time" in late.err) == (4, True), late.err
    told = from_evidence(published, chain, root / "evidence.bin", tmp_path / "a.json", "--at", then, "--json")
    assert told.code == 0, told.err
    assert told.json["trust"]["level"] == "a"
    for words in ("from evidence: what came after that block the evidence cannot show", f"judged as of {then}"):
        assert words in told.json["trust"]["text"]
    assert (told.json["judged_at"], told.json["newest_epoch"]) == (int(then), 1)
    account = json.loads((root / "account.json").read_text())["account"]
    assert json.loads((tmp_path / "a.json").read_text())["account"] == account
    assert told.json["sources"][0]["name"] == "blobs (the evidence)"
    verdict = zkstate("verify", root / "evidence.bin", *chain.pins, "--at", then, "--json", believe=False)
    assert (verdict.code, verdict.json["blobs"] > 0) == (0, True), verdict.err


def test_no_blobs_but_the_registrys(published, kept, tmp_path):
    root, world = kept
    chain = read_network(world.network)
    good = Evidence.decode((root / "evidence.bin").read_bytes(), chain)
    other = list(good.blobs)
    other[0] = other[0][:-1] + bytes([other[0][-1] ^ 1])
    for blobs in (other, [*good.blobs, good.blobs[0]], good.blobs[::-1] if len(other) > 1 else other):
        (tmp_path / "bent.bin").write_bytes(replace(good, blobs=tuple(blobs)).encode(chain))
        outcome = from_evidence(published, world, tmp_path / "bent.bin", tmp_path / "a.json")
        assert (outcome.code, "the blobs of the evidence hash to" in outcome.err) == (4, True), outcome.err
    assert not (tmp_path / "a.json").exists()


def test_evidence_without_blobs_needs_a_mirror_and_says_what_is_newer(published, tmp_path):
    evidence = tmp_path / "evidence.bin"
    with light(published.header, tmp_path, superseded=True) as chain:
        outcome = zkstate(*argv(published, chain, tmp_path / "account.json", "--evidence-out", evidence))
    assert outcome.code == 0, outcome.err
    alone = from_evidence(published, chain, evidence, tmp_path / "a.json")
    assert (alone.code, "the evidence has no blobs" in alone.err) == (2, True), alone.err
    told = from_evidence(published, chain, evidence, tmp_path / "a.json", "--mirror", published.mirror, "--json")
    assert told.code == 0, told.err
    assert "epoch 2 was the newest there, and the evidence is about 1" in told.json["trust"]["text"]
    assert (told.json["epoch"], told.json["newest_epoch"]) == (1, 2)


def test_evidence_leaves_nobody_to_ask(published, kept, tmp_path):
    root, chain = kept
    for more, words in (
        (("--rpc", "http://127.0.0.1:1"), "leave --rpc out"),
        (("--beacon", "http://127.0.0.1:1"), "leave --beacon out"),
        (("--header", published.header), "leave --header out"),
        (("--evidence-out", tmp_path / "again.bin"), "leave --evidence-out out"),
        (("--blob-node", "http://127.0.0.1:1"), "leave --blob-node out"),
        (("--chain-id", "0"), "leave --chain-id out"),
    ):
        outcome = from_evidence(published, chain, root / "evidence.bin", tmp_path / "a.json", *more)
        assert (outcome.code, words in outcome.err) == (2, True), (more, outcome.err)
    outcome = zkstate("recover", "--key", published.key, "--mirror", published.mirror, "--header", published.header,
                      "--at", "1", "--out", tmp_path / "a.json")  # fmt: skip
    assert (outcome.code, "give --evidence" in outcome.err) == (2, True), outcome.err
    assert tree(tmp_path) == {}


def test_damaged_evidence_is_unusable_input(published, chain, tmp_path):
    evidence = tmp_path / "evidence.bin"
    assert zkstate(*argv(published, chain, tmp_path / "account.json", "--evidence-out", evidence)).code == 0
    data = evidence.read_bytes()
    for bent in (data[:-1], data + b"\0", data[:100] + bytes([data[100] ^ 1]) + data[101:]):
        evidence.write_bytes(bent)
        outcome = zkstate("verify", evidence, *chain.pins, believe=False)
        assert (outcome.code, "damaged" in outcome.err) == (2, True), outcome.err


def test_files_of_a_node_recover_as_the_node_does(published, chain, tmp_path):
    with saved(chain.library, tmp_path / "answers") as folder:
        outcome = zkstate(*argv(published, chain, tmp_path / "account.json", "--json", beacons=[folder]))
    assert outcome.code == 0, outcome.err
    assert outcome.json["trust"]["level"] == "a"


def test_a_lying_beacon_node_is_named_and_an_honest_one_beside_it_is_enough(published, chain, tmp_path):
    def get(route, query):
        found = json.loads(json.dumps(chain.library.get(route, query)))
        if route == "finality_update":
            found["data"]["finalized_header"]["execution"]["state_root"] = "0x" + "11" * 32
        return found

    with serve(get) as liar:
        outcome = zkstate(*argv(published, chain, tmp_path / "account.json", beacons=[liar]))
        assert (outcome.code, liar in outcome.err) == (4, True), outcome.err
        assert tree(tmp_path) == {}
        outcome = zkstate(*argv(published, chain, tmp_path / "account.json", beacons=[liar, chain.beacon]))
        assert outcome.code == 0, outcome.err
        assert f"left out: {liar}: the execution header of the finalized header is not in" in outcome.err


def test_two_signed_chains_stop_everything_and_are_kept(published, chain, tmp_path):
    other = Library(
        chain.library.bootstraps,
        chain.library.updates,
        answer("finality_update", chain.beacons.finality(178, 160, body=b"other")),
    )
    with serve(other.get) as beacon:
        outcome = zkstate(*argv(published, chain, tmp_path / "account.json", beacons=[chain.beacon, beacon]))
    assert (outcome.code, "two attested headers of slot 178 are signed" in outcome.err) == (4, True), outcome.err
    kept = list(tmp_path.iterdir())
    assert [path.name.startswith("account.json.conflict-") for path in kept] == [True]
    assert len(kept[0].read_bytes()) > 2 * 1000


def test_a_state_is_kept_and_gone_on_from_without_the_checkpoint(published, chain, tmp_path):
    state = tmp_path / "state"
    arguments = ("--light-client", state, "--json")
    first = zkstate(*argv(published, chain, tmp_path / "account.json", *arguments))
    assert first.code == 0, first.err
    for checkpoint in (False, True):
        again = zkstate(*argv(published, chain, tmp_path / "account.json", *arguments, checkpoint=checkpoint))
        assert again.code == 0, again.err
        assert again.json["trust"]["checkpoint"] == chain.checkpoint
    other = zkstate(
        *argv(published, chain, tmp_path / "account.json", *arguments, "--checkpoint", "11" * 32, checkpoint=False)
    )
    assert (other.code, f"goes on from checkpoint {chain.checkpoint}" in other.err) == (2, True), other.err
    state.write_bytes(state.read_bytes()[:-1])
    damaged = zkstate(*argv(published, chain, tmp_path / "account.json", *arguments[:2]))
    assert (damaged.code, "damaged" in damaged.err) == (2, True), damaged.err


def test_a_recovery_that_is_killed_leaves_a_whole_state_or_none(published, chain, tmp_path):
    state = tmp_path / "state"
    for after in (0.4, 0.8, 1.2):
        running = subprocess.Popen(
            command(*argv(published, chain, tmp_path / "account.json", "--light-client", state)),
            env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        time.sleep(after)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        shutil.rmtree(tmp_path / "account.json", ignore_errors=True)
    outcome = zkstate(*argv(published, chain, tmp_path / "account.json", "--light-client", state))
    assert outcome.code == 0, outcome.err


BEACON = ["--beacon", "B"]
NODES = [*BEACON, "--rpc", "R", "--registry", "A"]
CHOSEN = [*NODES, "--checkpoint", "11" * 32]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--checkpoint", "11" * 32], "needs --beacon, --rpc and --registry"),
        (BEACON, "needs --beacon, --rpc and --registry"),
        ([*BEACON, "--rpc", "R"], "needs --beacon, --rpc and --registry"),
        (NODES, "--checkpoint is needed"),
        ([*NODES, "--light-client", "none"], "--checkpoint is needed"),
        ([*CHOSEN, "--block-hash", "22" * 32], "leave one of them out"),
        ([*BEACON, "--header", "H"], "two things to believe"),
        (["--evidence-out", "e", "--header", "H"], "two things to believe"),
        ([*CHOSEN, "--evidence-out", "e", "--light-client", "s"], "leave --light-client out"),
        ([*CHOSEN, "--beacon", "ftp://x"], "ftp"),
        ([*NODES, "--checkpoint", "11" * 31], "hexadecimal digits"),
        ([*CHOSEN, "--chain-id", "5"], "mainnet has 1"),
    ],
)
def test_nothing_is_chosen_for_the_reader(published, chain, tmp_path, more, words):
    """Above all no checkpoint: where one is missing, nothing runs."""
    stand = {"B": chain.beacon, "R": chain.rpc, "A": chain.registry, "H": published.header}
    outcome = zkstate(
        "recover", "--key", published.key, "--mirror", published.mirror, "--out", tmp_path / "account.json",
        *(stand.get(word, word) for word in more),
    )  # fmt: skip
    assert (outcome.code, words in outcome.err) == (2, True), outcome.err
    assert tree(tmp_path) == {}


def test_an_old_checkpoint_and_a_stale_head_are_exit_code_4(published, chain, tmp_path):
    for more, words in (
        (("--checkpoint-age", "30m"), "the trusted header of slot 8"),
        (("--finality-age", "3m"), "the newest finalized header that any source shows is of slot 160"),
    ):
        outcome = zkstate(*argv(published, chain, tmp_path / "account.json", *more))
        assert (outcome.code, words in outcome.err) == (4, True), outcome.err
    assert tree(tmp_path) == {}


def test_a_node_of_another_chain_is_named(published, chain, tmp_path):
    def handle(method, params):
        assert method == "eth_chainId"
        return "0x1"

    with nodes.serve(handle) as wrong:
        arguments = list(argv(published, chain, tmp_path / "account.json"))
        arguments[arguments.index(chain.rpc)] = wrong
        outcome = zkstate(*arguments)
    assert (outcome.code, f"{wrong}: chain id 1, and" in outcome.err) == (4, True), outcome.err
