"""The watch as a process and as a verb: exit codes, lines of events, signals, kills, every kind of trust root."""

import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from lightclient.bundle import Bundle
from lightclient.watch.folder import State, WatchFolder
from tests.cli.light import light
from tests.cli.program import command, environment, tree, zkstate
from tests.cli.stored import PASSPHRASE, secret_file
from tests.lightclient.nodes import forward, lying, member, serve
from tests.lightclient.watched import Venue
from tests.publication.venue import OPERATOR
from zkstate.publication.header import SignedHeader

QUICK = ("--timeout", "5", "--sample", "2")


@pytest.fixture
def watched(published, tmp_path):
    """Arguments of a watch over the mirror that the trader knows."""
    return (
        "watch", "--folder", tmp_path / "watched", "--mirror", published.mirror, "--header", published.header,
        "--key", published.key, *QUICK,
    )  # fmt: skip


def running(*argv):
    """The command as a process in a session of its own. It heeds SIGINT, whatever this process was told to ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command(*argv), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def ended(process):
    """The process does not outlive the block."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_one_cycle_keeps_the_account_and_says_so(watched, published, tmp_path):
    done = zkstate(*watched, "--once", "--json")
    assert done.code == 0, done.err
    result = done.json
    assert (result["newest_epoch"], result["held_epoch"], result["alarms"]) == (1, 1, [])
    assert result["trust"]["level"] == "d"
    assert result["sample"]["lost"] == 0
    assert result["mirrors"] == [{"name": str(published.mirror), "condition": "serves", "text": ""}]
    account = Bundle.read(tmp_path / "watched/account.json")
    assert account.header == SignedHeader.decode(published.header.read_bytes()).header
    again = zkstate(*watched, "--once")
    assert again.code == 0, again.err
    assert "(RPO)" in again.out
    assert "no chain was asked" in again.out
    secret = published.key.read_text().strip()
    for path, data in tree(tmp_path / "watched").items():
        assert secret.encode() not in data, path
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "watched").iterdir() if path.is_dir()} == {0}


def test_alerts_are_exit_codes(watched, published, tmp_path):
    stale = zkstate(*watched, "--once", "--max-age", "1s")
    assert (stale.code, "stale" in stale.out) == (4, True), stale.err
    ended = zkstate(*watched, "--until-alert", "--max-age", "1s", "--interval", "1")
    assert ended.code == 4
    away = zkstate(*watched[:3], "--mirror", tmp_path / "none", *watched[5:], "--once", "--json")
    assert away.code == 3
    assert {alarm["kind"] for alarm in away.json["alarms"]} >= {"no-mirror", "mirror-behind"}
    two = zkstate(*watched, "--mirror", tmp_path / "none", "--once", "--json")
    assert two.code == 0
    assert [(alarm["kind"], alarm["alert"]) for alarm in two.json["alarms"]] == [
        ("mirror-behind", False),
        ("no-spare", False),
    ]


def test_events_come_line_by_line_and_signals_end_it_cleanly(watched, tmp_path):
    for number, stop in enumerate((signal.SIGTERM, signal.SIGINT)):
        argv = (*watched, "--json", "--interval", "1", "--metrics-file", tmp_path / "metrics.prom")
        with ended(running(*argv)) as process:
            lines = [json.loads(process.stdout.readline()) for _ in range(4 if number == 0 else 2)]
            process.send_signal(stop)
            _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "interrupted" in said
        assert "Traceback" not in said
        assert [line["kind"] for line in lines][-1] == "cycle"
        assert lines[0]["kind"] == ("epoch" if number == 0 else "sampled")
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "watched/events.jsonl").read_text().splitlines()]
    assert kinds.count("started") == kinds.count("stopped") == 2
    assert "zkstate_rpo_seconds" in (tmp_path / "metrics.prom").read_text()
    assert zkstate(*watched, "--once").code == 0


def test_two_at_once(watched, tmp_path):
    with ended(running(*watched, "--json", "--interval", "30")) as process:
        process.stdout.readline()
        refused = zkstate(*watched, "--once")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert (refused.code, "another watch writes" in refused.err) == (5, True)


def started(folder):
    """How many watches have begun in a folder."""
    log = folder / "events.jsonl"
    return log.read_text().count('"started"') if log.exists() else 0


def test_a_kill_at_any_time_leaves_a_whole_state(tmp_path):
    """Killed at random times while epochs appear: every file is whole, and the next run goes on and tidies up."""
    venue = Venue(tmp_path)
    venue.snapshots = venue.make(6)
    OPERATOR.account_key("trader-7").write(tmp_path / "key")
    folder, mirror = tmp_path / "watched", tmp_path / "mirror"
    venue.publish(1, mirror)
    argv = (
        "watch", "--folder", folder, "--mirror", mirror, "--header", mirror / "epochs/00000001/header.bin",
        "--key", tmp_path / "key", "--interval", "1", "--keep", "2", *QUICK,
    )  # fmt: skip
    rng = random.Random()
    for number in range(2, 7):
        before = started(folder)
        process = running(*argv)
        deadline = time.monotonic() + 60
        while started(folder) == before and time.monotonic() < deadline:
            time.sleep(0.02)
        venue.publish(number, mirror)
        time.sleep(rng.uniform(0.0, 1.6))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if (folder / "state.json").exists():
            with WatchFolder(folder, 2).opened() as opened:
                assert isinstance(opened.state, State)
        for path in itertools.chain([folder / "account.json"], (folder / "accounts").glob("[0-9]*")):
            if path.exists():
                assert Bundle.read(path).header.epoch <= number
    done = zkstate(*argv, "--once", "--json")
    assert (done.code, done.json["held_epoch"]) == (0, 6), done.err
    assert [path for path in folder.rglob("*") if ".partial-" in path.name] == []
    assert len(list((folder / "accounts").iterdir())) <= 2
    for line in (folder / "events.jsonl").read_text().splitlines():
        json.loads(line)


def test_a_proof_is_made_ahead_of_time_and_a_backup_of_every_bundle(watched, published, tmp_path):
    (tmp_path / "passphrase").write_text("correct horse battery staple\n")
    (tmp_path / "passphrase").chmod(0o600)
    done = zkstate(
        *watched, "--once", "--json", "--prepare", "balance --asset USDT --at-least 0", "--backup", tmp_path / "store",
        "--passphrase", tmp_path / "passphrase",
    )  # fmt: skip
    assert done.code == 0, done.out + done.err
    (proof,) = (tmp_path / "watched/prepared").iterdir()
    assert zkstate("verify", proof, believe=False).code == 0
    assert zkstate("backup", "verify", "--store", tmp_path / "store").code == 0
    shutil.rmtree(tmp_path / "watched")
    false = zkstate(*watched, "--once", "--prepare", "balance --asset USDT --at-least 99999999999")
    assert (false.code, "proof-not-prepared" in false.out) == (1, True), false.out + false.err


def test_a_backup_by_the_watch_holds_all_that_was_in_the_store(watched, published, tmp_path):
    opened = ("--store", tmp_path / "store", "--passphrase", secret_file(tmp_path / "passphrase", PASSPHRASE))
    (tmp_path / "note.txt").write_text("where the guardians live")
    epoch = published.mirror / "epochs/00000001"
    made = zkstate("backup", "make", *opened, "--epoch", epoch, "--file", tmp_path / "note.txt")
    assert made.code == 0, made.err
    for number in (2, 3):
        shutil.rmtree(tmp_path / "watched", ignore_errors=True)
        done = zkstate(*watched, "--once", "--json", "--backup", *opened[1:], "--backup-keep", "2")
        assert done.code == 0, done.out + done.err
        back = zkstate("backup", "restore", *opened, "--out", tmp_path / f"back-{number}", "--json")
        assert (back.code, back.json["number"], back.json["elsewhere"]) == (0, number, [])
        assert back.json["files"] == ["account.json.stripped", "note.txt"]
        assert tree(tmp_path / f"back-{number}/mirror/epochs/00000001") == tree(epoch)
    assert sorted(path.name for path in (tmp_path / "store/versions").iterdir()) == ["00000002.json", "00000003.json"]


def test_a_light_client_is_followed_with_its_state_kept(published, tmp_path):
    with light(published.header, tmp_path) as chain:
        argv = (
            "watch", "--folder", tmp_path / "watched", "--mirror", published.mirror, *chain.options,
            "--beacon", chain.beacon, "--key", published.key, "--once", "--json", *QUICK,
        )  # fmt: skip
        first = zkstate(*argv, "--checkpoint", chain.checkpoint)
        assert first.code == 0, first.out + first.err
        assert (first.json["trust"]["level"], first.json["held_epoch"]) == ("a", 1)
        second = zkstate(*argv)
        assert (second.code, second.json["trust"]["level"]) == (0, "a"), second.err
        lone = (
            "watch",
            "--folder",
            tmp_path / "d",
            "--mirror",
            published.mirror,
            *chain.options[:4],
            "--once",
            "--json",
        )
        node = zkstate(*lone, *QUICK)
        assert (node.code, node.json["trust"]["level"]) == (0, "d"), node.out + node.err
    gone = zkstate(*lone, *QUICK)
    assert (gone.code, gone.json["alarms"][0]["kind"]) == (3, "registry-silent")


def test_a_light_client_tells_of_a_halt_and_a_rollback_and_names_the_node_that_lies(published, tmp_path):
    """At level a, past a node whose proofs are of another state and one that is gone."""
    with (
        light(published.header, tmp_path, superseded=True, halted=True, rollback=True) as chain,
        serve(lying(forward(chain.rpc), "eth_getProof", member("storageHash", "0x" + "11" * 32))) as liar,
    ):
        argv = (
            "watch", "--folder", tmp_path / "watched", "--mirror", published.mirror, "--rpc", liar,
            "--rpc", "http://127.0.0.1:1", *chain.options, "--beacon", chain.beacon,
            "--checkpoint", chain.checkpoint, "--key", published.key, *QUICK,
        )  # fmt: skip
        done = zkstate(*argv, "--once", "--json")
        text = zkstate(*argv, "--once")
    assert (done.code, done.json["trust"]["level"], text.code) == (4, "a", 4), done.out + done.err
    assert (done.json["newest_epoch"], done.json["held_epoch"]) == (2, 1)
    alarms = [(alarm["kind"], alarm["alert"], alarm["subject"]) for alarm in done.json["alarms"]]
    assert alarms == [
        ("node-left-out", False, "http://127.0.0.1:1"),
        ("node-left-out", False, liar),
        ("halted", True, ""),
        ("rollback-proposed", True, ""),
        ("no-mirror", True, ""),
        ("mirror-behind", False, str(published.mirror)),
        ("backup-old", True, ""),
    ]
    assert "back to epoch 1 from" in text.out
    assert "storageHash is stated" in text.out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--once", "--until-alert"], "leave out --until-alert"),
        (["--interval", "0"], "at least 1s"),
        (["--backup", "x"], "go together"),
        (["--prepare", "nothing"], "does not begin with"),
        (["--prepare", "margin --out x"], "given by the watch itself"),
        (["--prepare", "margin --nonsense"], "unrecognized"),
        (["--prepare", "'"], "No closing quotation"),
        (["--metrics", "1.2.3.4:99999"], "HOST:PORT"),
        (["--webhook", "/nowhere"], "does not exist"),
        (["--rpc", "http://127.0.0.1:1"], "either --rpc"),
        (["--block-hash", "11" * 32], "follows the newest"),
        (["--beacon", "x"], "two things to believe"),
    ],
)
def test_what_is_refused(watched, tmp_path, more, words):
    done = zkstate(*watched, *more)
    assert words in done.err, done.err
    assert done.code in {2, 3}
    assert not (tmp_path / "watched/state.json").exists()


def test_options_about_an_account_need_a_key(published, tmp_path):
    argv = ("watch", "--folder", tmp_path / "w", "--mirror", published.mirror, "--header", published.header, "--once")
    assert zkstate(*argv, "--prepare", "margin").code == 2
    assert zkstate("watch", "--folder", tmp_path / "w", "--header", published.header).code == 2
    done = zkstate(*argv)
    assert (done.code, "no account" in done.out) == (0, True)
