"""zkstate snapshot: from a ledger to an epoch, or nothing."""

import json
import os
import shutil
import stat

import pytest

from tests.cli.conftest import ACCOUNTS
from tests.cli.program import process, tree, zkstate
from tests.shared import shared_path
from zkstate.publication.header import SignedHeader
from zkstate.state.ledger_write import write_ledger
from zkstate.state.synthetic import synthetic_ledger


def snapshot(ledger, folder, *more):
    return zkstate("snapshot", ledger, "--operator", folder / "operator", "--out", folder / "epoch", *more)


def header_of(folder):
    return SignedHeader.decode((folder / "epoch/public/header.bin").read_bytes()).header


def test_the_result_names_the_committed_state(tmp_path):
    outcome = snapshot(f"synthetic:{ACCOUNTS}", tmp_path, "--json")
    assert outcome.code == 0
    header = header_of(tmp_path)
    told = outcome.json
    assert told["state_root"] == f"{header.state_root:#066x}"
    assert told["header_hash"] == f"0x{header.hash.hex()}"
    assert (told["epoch"], told["accounts"], told["synthetic"]) == (1, ACCOUNTS, True)
    files = tree(tmp_path / "epoch/public")
    assert (told["files"], told["bytes"]) == (len(files), sum(map(len, files.values())))


def test_the_text_result_says_that_synthetic_data_is_synthetic(tmp_path):
    outcome = snapshot("synthetic:5", tmp_path)
    assert "(synthetic data)" in outcome.out
    assert f"{header_of(tmp_path).state_root:#066x}" in outcome.out


def test_epochs_follow_each_other(tmp_path, published):
    outcome = zkstate(
        "snapshot", f"synthetic:{ACCOUNTS}", "--operator", published.operator, "--previous", published.header,
        "--time", "2026-11-21T12:00:00Z", "--out", tmp_path / "epoch",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    first, second = SignedHeader.decode(published.header.read_bytes()).header, header_of(tmp_path)
    assert (second.epoch, second.previous_state_root) == (2, first.state_root)
    assert second.time == 1795262400


def test_the_next_epoch_computes_only_what_changed(tmp_path, published):
    """By what lies beside the header; a damaged file costs time, and a note says so."""
    private = shutil.copytree(published.epoch, tmp_path / "one") / "private"
    then = ("--operator", published.operator, "--previous", tmp_path / "one/public/header.bin", "--json", "--time")
    found = zkstate("snapshot", f"synthetic:{ACCOUNTS}", *then, "2026-11-21T12:00:00Z", "--out", tmp_path / "two")
    assert found.code == 0, found.err
    reused = found.json["reused"]
    assert (reused["keys"], reused["rows"]) == (ACCOUNTS, ACCOUNTS)
    data = bytearray((private / "computed.bin").read_bytes())
    data[-1] ^= 1
    (private / "computed.bin").write_bytes(data)
    found = zkstate("snapshot", f"synthetic:{ACCOUNTS}", *then, "2026-11-21T12:00:00Z", "--out", tmp_path / "three")
    assert found.code == 0, found.err
    assert found.json["reused"] == {"keys": 0, "rows": 0, "orders": 0, "secrets": 0}
    assert "what is in it is computed again" in found.err
    assert "damaged" in found.err


def test_a_record_key_is_kept_for_its_hour_alone(tmp_path):
    """One file of it at a time, in the newest epoch; and one that is damaged or of another epoch is passed over."""

    def epoch(name, at, *more):
        argv = ("snapshot", f"synthetic:{ACCOUNTS}", "--operator", tmp_path / "operator", "--time", f"2026-11-21T{at}Z")
        found = zkstate(*argv, "--out", tmp_path / name, "--json", *more)
        assert found.code == 0, found.err
        header = SignedHeader.decode((tmp_path / name / "public/header.bin").read_bytes()).header
        return header.record_key, found.json["reused"]["secrets"], found.err

    def kept(name):
        return tmp_path / name / "private/record-secrets.bin"

    def after(name):
        return ("--keep-record-key", "--previous", tmp_path / name / "public/header.bin")

    first, _, _ = epoch("one", "12:00:00", "--keep-record-key")
    early = shutil.copytree(tmp_path / "one", tmp_path / "early")
    second, reused, _ = epoch("two", "12:59:59", *after("one"))
    assert (second == first, reused) == (True, ACCOUNTS)
    assert (kept("one").exists(), kept("two").stat().st_mode & 0o777) == (False, 0o600)
    third, reused, said = epoch("three", "13:00:00", *after("two"))
    assert (third == second, reused, said) == (False, 0, "")
    assert not kept("two").exists()
    last, reused, _ = epoch("last", "13:01:00", "--previous", tmp_path / "three/public/header.bin")
    assert (last == third, reused, kept("three").exists(), kept("last").exists()) == (False, 0, False, False)

    again = shutil.copytree(early, tmp_path / "again") / "private/record-secrets.bin"
    again.write_bytes(again.read_bytes()[:-1])
    key, reused, said = epoch("damaged", "12:01:00", *after("again"))
    assert (key == first, reused, "record-secrets.bin: record secrets: the file is damaged" in said) == (False, 0, True)
    shutil.copy(kept("damaged"), kept("early"))
    key, reused, said = epoch("foreign", "12:01:00", *after("early"))
    assert (key == first, reused, f"epoch 1 has {first.hex()}" in said) == (False, 0, True)


def test_a_record_key_is_not_kept_with_a_journal(tmp_path):
    outcome = snapshot("synthetic:5", tmp_path, "--journal", tmp_path / "journal", "--keep-record-key")
    assert (outcome.code, "--keep-record-key needs salts of the snapshot's own" in outcome.err) == (2, True)
    assert not (tmp_path / "journal").exists()


def test_another_operator_cannot_continue(tmp_path, published):
    outcome = snapshot("synthetic:5", tmp_path, "--previous", published.header)
    assert outcome.code == 4
    assert "previous header is of" in outcome.err
    assert not (tmp_path / "epoch").exists()


def test_secrets_are_private_and_never_printed(tmp_path):
    issue = f"user-00000001={tmp_path / 'one.key'}"
    outcome = snapshot("synthetic:5", tmp_path, "--issue-key", issue, "--json")
    assert outcome.code == 0
    private = [path for path in tmp_path.glob("epoch/private/**/*") if path.is_file()]
    assert len(private) == 3 + 15
    secrets = [*tmp_path.glob("operator/*"), tmp_path / "one.key", *private]
    for path in secrets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if path.suffix == ".key":
            assert path.read_text().strip() not in outcome.out + outcome.err


def test_an_existing_epoch_is_never_overwritten(tmp_path):
    assert snapshot("synthetic:5", tmp_path).code == 0
    before = tree(tmp_path)
    outcome = snapshot("synthetic:5", tmp_path)
    assert outcome.code == 5
    assert "exists already" in outcome.err
    assert tree(tmp_path) == before


def test_a_key_is_not_issued_to_nobody_or_over_another(tmp_path):
    outcome = snapshot("synthetic:5", tmp_path, "--issue-key", f"alice={tmp_path / 'a.key'}")
    assert (outcome.code, "no account is named 'alice'" in outcome.err) == (2, True)
    (tmp_path / "b.key").write_text("mine")
    outcome = snapshot("synthetic:5", tmp_path, "--issue-key", f"user-00000001={tmp_path / 'b.key'}")
    assert (outcome.code, "never overwritten" in outcome.err) == (2, True)
    assert tree(tmp_path) == {"b.key": b"mine"}


def test_a_key_that_cannot_be_issued_is_known_before_the_work(tmp_path):
    outcome = snapshot("synthetic:5", tmp_path, "--issue-key", f"user-00000001={tmp_path / 'none/a.key'}")
    assert (outcome.code, "there is no folder" in outcome.err) == (2, True)
    twice = [f"--issue-key=user-0000000{i}={tmp_path / 'a.key'}" for i in (1, 2)]
    outcome = snapshot("synthetic:5", tmp_path, *twice)
    assert (outcome.code, "a.key twice" in outcome.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_cannot_be_written_takes_the_epoch_back(tmp_path):
    """The kernel makes no files in /proc; the folder is there, so only writing finds out."""
    keys = [f"--issue-key=user-00000001={tmp_path / 'a.key'}", "--issue-key=user-00000002=/proc/b.key"]
    outcome = snapshot("synthetic:5", tmp_path, *keys)
    assert (outcome.code, "/proc/b.key cannot be written" in outcome.err) == (5, True)
    assert [path.name for path in tmp_path.iterdir()] == ["operator"]


def test_exchange_sheets_need_a_time_and_then_commit(tmp_path):
    sheets = shared_path("data/binance")
    outcome = snapshot(sheets, tmp_path)
    assert (outcome.code, "states no time" in outcome.err) == (2, True)
    outcome = snapshot(sheets, tmp_path, "--time", "1764547200", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["accounts"] == 100
    assert not outcome.json["synthetic"]


def ledger_lines(path):
    write_ledger(synthetic_ledger(3, 6, with_keys=False), path)
    return [json.loads(line) for line in path.read_text().splitlines()]


def spoil(lines, kind, change, at=0):
    chosen = [line for line in lines if line["type"] == kind]
    change(chosen[at])


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("account", {"account": "user-00000002"}, "was declared before"),
        ("row", {"instrument": "DOGGO"}, "'DOGGO' is not among the"),
        ("row", {"amount": "NaN"}, "'NaN' is not a decimal number such as"),
        ("row", {"amount": "-1e3"}, "'-1e3' is not a decimal number such as"),
        ("row", {"amount": "99999999999999999999999"}, "64"),
        ("row", {"amount": "0"}, "a row that is empty is left out"),
        ("row", {"account": "nobody"}, "'nobody' is not among the"),
        ("instrument", {"price": "-1"}, "price"),
    ],
    ids=lambda value: "-".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else None,
)
def test_a_bad_ledger_names_file_line_and_field_and_leaves_nothing(tmp_path, kind, change, words):
    path = tmp_path / "ledger.jsonl"
    lines = ledger_lines(path)
    spoil(lines, kind, lambda line: line.update(change))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    outcome = snapshot(path, tmp_path, "--json")
    assert outcome.code == 2
    assert outcome.json["error"]["type"] == "LedgerError"
    assert words in outcome.err
    assert "ledger.jsonl" in outcome.err
    assert set(tree(tmp_path)) == {"ledger.jsonl"}


def test_bad_utf8_is_named(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger_lines(path)
    path.write_bytes(path.read_bytes() + b'{"type":"account","account":"\xff\xfe"}\n')
    outcome = snapshot(path, tmp_path)
    assert (outcome.code, "UTF-8" in outcome.err) == (2, True), outcome.err
    assert set(tree(tmp_path)) == {"ledger.jsonl"}


@pytest.mark.parametrize("accounts", ["0", "x", "-1", "99999999999", ""])
def test_a_generated_venue_has_a_number_of_accounts(tmp_path, accounts):
    outcome = snapshot(f"synthetic:{accounts}", tmp_path)
    assert (outcome.code, "is not a whole number from 1 to" in outcome.err) == (2, True)
    assert tree(tmp_path) == {}


def test_a_ledger_that_is_not_there(tmp_path):
    outcome = snapshot(tmp_path / "gone.jsonl", tmp_path)
    assert outcome.code == 3
    assert "no ledger at" in outcome.err


def test_a_pipe_is_no_ledger(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    outcome = process(
        "snapshot", tmp_path / "pipe", "--operator", tmp_path / "op", "--out", tmp_path / "epoch", timeout=60
    )
    assert (outcome.code, "is no ledger" in outcome.err) == (2, True)
