"""zkstate recover: from a mirror and a key to an account bundle, or a reason and nothing."""

import json
import stat
import time
from dataclasses import replace

import pytest

import lightclient.recover
from lightclient.trust import PinnedHeader
from tests.cli.conftest import ACCOUNTS, TRADER
from tests.cli.program import tree, zkstate
from zkstate.cli.ledgers import open_ledger
from zkstate.cli.recover import recovery_facts
from zkstate.publication.mirrors import mirror_at
from zkstate.state.decimals import render
from zkstate.state.identity import AccountKey


def recover(scene, out, *more, key=None, mirror=None, header=None):
    return zkstate(
        "recover", "--key", key or scene.key, "--mirror", mirror or scene.mirror, "--header", header or scene.header,
        "--out", out, *more,
    )  # fmt: skip


def test_what_comes_back_is_what_the_ledger_said(published, tmp_path):
    outcome = recover(published, tmp_path / "account.json", "--json")
    assert outcome.code == 0, outcome.err
    ledger = open_ledger(f"synthetic:{ACCOUNTS}", None)
    account = ledger.index_of(TRADER)
    expected = [
        (ledger.table[row.instrument].symbol, render(row.amount, ledger.table[row.instrument].decimals))
        for row in ledger.rows_of(account)
    ]
    told = outcome.json
    assert [(row["symbol"], row["amount"]) for row in told["account"]["rows"]] == expected
    assert len(told["account"]["orders"]) == len(ledger.orders_of(account))
    assert told["trust"]["level"] == "d"
    assert told["bytes_read"] < 200 << 10
    assert told["rpo_s"] == pytest.approx(time.time() - ledger.time, abs=60)
    assert told["sources"][0]["lied"] == told["sources"][0]["silent"] == []


def test_people_are_told_that_a_newer_state_was_withheld(published):
    """Mirrors that hide the newest epoch must not have an older one pass for it, even where stderr goes unread."""
    found = lightclient.recover.recover(
        AccountKey.read(published.key), [mirror_at(str(published.mirror))], PinnedHeader.read(published.header)
    )
    assert "newest" not in dict(recovery_facts(found))
    assert "epoch 3 is on record" in dict(recovery_facts(replace(found, newest_epoch=3)))["newest"]


def test_the_bundle_is_private_and_the_secret_stays_in_it(published, tmp_path):
    outcome = recover(published, tmp_path / "account.json")
    path = tmp_path / "account.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = json.loads(path.read_text())["owner_secret"]
    for text in (outcome.out, outcome.err):
        assert secret not in text
        assert published.key.read_text().strip() not in text


def test_a_new_key_prints_only_its_public_half(tmp_path):
    path = tmp_path / "new.key"
    outcome = zkstate("recover", "--new-key", path, "--json")
    assert outcome.code == 0
    key = AccountKey.read(path)
    assert int(outcome.json["owner"], 16) == key.owner
    assert bytes.fromhex(outcome.json["view_key"]) == key.view_public
    assert path.read_text().strip() not in outcome.out
    assert zkstate("recover", "--new-key", path).code == 5


def test_no_mirror_answers_in_no_time(published, tmp_path):
    outcome = recover(published, tmp_path / "account.json", "--timeout", "0")
    assert (outcome.code, "--timeout 0" in outcome.err) == (2, True)


def test_a_new_key_is_all_that_is_made(published, tmp_path):
    """What looks as if it were checked or recovered as well is refused."""
    for option in (["--header", published.header], ["--rpc", "http://127.0.0.1:9"], ["--max-age", "0"]):
        outcome = zkstate("recover", "--new-key", tmp_path / "my.key", *option)
        assert (outcome.code, "does nothing else" in outcome.err) == (2, True), option
    assert tree(tmp_path) == {}


def test_a_key_of_nobody_is_exit_code_3(published, tmp_path):
    AccountKey(b"\7" * 32).write(tmp_path / "other.key")
    outcome = recover(published, tmp_path / "account.json", key=tmp_path / "other.key")
    assert outcome.code == 3
    assert "none for this key" in outcome.err
    assert set(tree(tmp_path)) == {"other.key"}


def test_a_key_others_can_read_is_refused(published, tmp_path):
    key = published.copy("trader.key", tmp_path)
    key.chmod(0o644)
    outcome = recover(published, tmp_path / "account.json", key=key)
    assert outcome.code == 5
    assert f"chmod 600 {key}" in outcome.err


def test_a_stale_state_is_exit_code_4(published, tmp_path):
    outcome = recover(published, tmp_path / "account.json", "--max-age", "1h")
    assert outcome.code == 4
    assert not (tmp_path / "account.json").exists()


def damage(path, change):
    content = path.read_bytes()
    path.write_bytes(change(content))


@pytest.mark.parametrize("name", ["records/000000.bin", "tiles/0/000000.bin", "tables/instruments.json", "header.bin"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda content: bytes(byte ^ 1 for byte in content), 4),
        (lambda content: content[:-1], 4),
        (lambda content: content + b"\0", 4),
    ],
    ids=["wrong", "truncated", "extended"],
)
def test_a_lying_mirror_is_named_and_leaves_nothing(published, tmp_path, name, change, code):
    mirror = published.copy("mirror", tmp_path)
    for path in (mirror / "epochs/00000001" / name).parent.glob("*.bin" if name.endswith(".bin") else "*.json"):
        if path.parent.name != "00000001" or path.name == name:
            damage(path, change)
    outcome = recover(published, tmp_path / "account.json", mirror=mirror)
    assert outcome.code in {code, 3}, outcome.err
    assert str(mirror) in outcome.err
    assert not (tmp_path / "account.json").exists()


def test_an_empty_mirror_is_exit_code_3_and_an_honest_one_beside_it_is_enough(published, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    outcome = recover(published, tmp_path / "account.json", mirror=empty)
    assert outcome.code == 3
    assert str(empty) in outcome.err
    outcome = recover(published, tmp_path / "account.json", "--mirror", published.mirror, mirror=empty)
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "--key, --mirror and --out are needed"),
        (["--key", "KEY", "--mirror", "m", "--out", "o"], "as what to believe"),
        (["--key", "KEY", "--mirror", "m", "--out", "o", "--header", "KEY", "--rpc", "http://x"], "as what to believe"),
        (["--key", "KEY", "--mirror", "m", "--out", "o", "--rpc", "http://x"], "--rpc and --registry go together"),
        (["--key", "KEY", "--mirror", "m", "--out", "o", "--chain-id", "0", "--header", "KEY"], "as what to believe"),
        (["--new-key", "n", "--key", "KEY"], "--new-key makes a key and does nothing else"),
    ],
)
def test_something_has_to_be_believed_and_only_one_thing(published, argv, words):
    outcome = zkstate("recover", *(str(published.key) if argument == "KEY" else argument for argument in argv))
    assert (outcome.code, words in outcome.err) == (2, True), outcome.err


def test_a_silent_node_is_exit_code_3(published, tmp_path):
    outcome = zkstate(
        "recover", "--key", published.key, "--mirror", published.mirror, "--rpc", "http://127.0.0.1:9",
        "--registry", "0x" + "11" * 20, "--timeout", "2s", "--out", tmp_path / "account.json",
    )  # fmt: skip
    assert (outcome.code, "127.0.0.1:9" in outcome.err) == (3, True), outcome.err
    assert tree(tmp_path) == {}
