"""snapshot --journal, publish, verify and recover --venue, as their users meet them."""

import csv
import shutil
from argparse import Namespace
from dataclasses import replace

import pytest

from tests.cli.program import tree, zkstate
from zkstate.cli.snapshot import journal_folder
from zkstate.state.ledger_write import write_ledger
from zkstate.state.synthetic import synthetic_ledger
from zkstate.state.synthetic_events import begin_quietly
from zkstate.state.synthetic_market import TIME

LATER = TIME + 3600


def snapshot(root, *more):
    return zkstate("snapshot", "--operator", root / "operator", "--journal", root / "journal", *more)


def locked_by_first(root):
    """A run that begins a journal, before its first segment."""
    return journal_folder(Namespace(journal=root / "journal"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two epochs with events between and after them, published."""
    root = tmp_path_factory.mktemp("journal")
    for arguments in (
        ("synthetic:60", "--issue-key", f"user-00000001={root / 'trader.key'}", "--out", root / "epoch-1"),
        ("--events", "synthetic:200"),
        ("--events", "synthetic:200", "--previous", root / "epoch-1/public/header.bin", "--time", LATER, "--out",
         root / "epoch-2"),
        ("--events", "synthetic:50"),
    ):  # fmt: skip
        done = snapshot(root, *arguments)
        assert done.code == 0, done.err
    for folder in ("epoch-1", "epoch-2", "journal"):
        assert zkstate("publish", root / folder, "--mirror", root / "mirror").code == 0
    return root


def recover(root, out, *more):
    header = root / "mirror/epochs/00000002/header.bin"
    key = root / "operator/journal.key"
    return zkstate(
        "recover", "--venue", "--journal-key", key, "--mirror", root / "mirror", "--header", header, "--out", out, *more
    )


def test_a_venue_comes_back_and_can_be_committed_to_again(root, tmp_path):
    done = recover(root, tmp_path / "venue", "--json")
    assert done.code == 0, done.err
    assert done.json["epochs_checked"] == [1, 2]
    assert done.json["events_after_epoch"] >= 50
    assert sorted(path.name for path in (tmp_path / "venue").iterdir()) == [
        "ledger.jsonl", "orderbook.json", "orders.csv", "venue.json",
    ]  # fmt: skip
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "venue").iterdir())
    again = zkstate(
        "snapshot", tmp_path / "venue/ledger.jsonl", "--operator", root / "operator", "--out", tmp_path / "epoch-3",
        "--previous", root / "epoch-2/public/header.bin",
    )  # fmt: skip
    assert again.code == 0, again.err
    assert (tmp_path / "epoch-3/public/tables/orderbook.json").read_bytes() == (
        tmp_path / "venue/orderbook.json"
    ).read_bytes()


def test_a_history_out_of_the_journal_is_proved(root, tmp_path):
    headers = [root / f"mirror/epochs/0000000{epoch}/header.bin" for epoch in (1, 2)]
    bundles = [tmp_path / "before.json", tmp_path / "after.json"]
    for header, bundle in zip(headers, bundles, strict=True):
        placed = ("--mirror", root / "mirror", "--header", header, "--out", bundle, "--history-since", 1)
        done = zkstate("recover", "--key", root / "trader.key", *placed, "--json")
        assert done.code == 0, done.err
    assert done.json["history"]["length"] > 0
    proof = tmp_path / "history"
    made = zkstate("prove", "history", "--account", bundles[1], "--since", bundles[0], "--out", proof)
    assert made.code == 0, made.err
    judged = zkstate("verify", proof, "--header", headers[1], "--other-header", headers[0])
    assert judged.code == 0, judged.out + judged.err


def test_anyone_checks_the_journal(root):
    header = root / "mirror/epochs/00000002/header.bin"
    done = zkstate("verify", root / "mirror/journal", "--header", header, "--json")
    assert (done.code, done.json["accepted"], done.json["segments"]) == (0, True, 5)
    assert zkstate("verify", root / "mirror/journal", "--header-hash", "0" * 64).code == 2


def test_a_journal_that_was_altered_is_rejected(root, tmp_path):
    segment = shutil.copytree(root / "journal", tmp_path / "altered") / "00000002.bin"
    data = segment.read_bytes()
    segment.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    done = zkstate("verify", segment.parent, "--json")
    assert (done.code, done.json["accepted"]) == (1, False)
    assert ["00000002.bin" in reason and "payload" in reason for reason in done.json["reasons"]] == [True]
    assert "rejected" in zkstate("verify", segment.parent).out
    segment.write_bytes(data[:-1])
    assert zkstate("verify", segment.parent).code == 2


def test_inspect_tells_a_segment(root):
    told = zkstate("inspect", root / "mirror/journal/00000002.bin", "--json").json
    assert "segment" in told["kind"]
    assert (told["number"], told["epoch"], told["holds"]) == (2, 2, "events")


def test_a_key_that_opens_nothing_and_options_that_do_not_go_together(root, tmp_path):
    zkstate("recover", "--new-key", tmp_path / "stranger.key")
    header = root / "mirror/epochs/00000002/header.bin"
    stranger = tmp_path / "stranger.key"
    placed = ("--mirror", root / "mirror", "--header", header, "--out", tmp_path / "venue")
    wrong = zkstate("recover", "--venue", "--journal-key", stranger, *placed)
    assert (wrong.code, "not to this one" in wrong.err) == (3, True)
    assert not (tmp_path / "venue").exists()
    assert zkstate("recover", "--venue", *placed).code == 2
    assert zkstate("recover", "--journal-key", tmp_path / "stranger.key").code == 2
    for arguments in (
        ("synthetic:60", "--events", "synthetic:5", "--out", tmp_path / "x"),
        ("synthetic:60", "--out", tmp_path / "x"),
        ("--out", tmp_path / "x"),
        ("--events", "synthetic:nine"),
        ("--events", "synthetic:5", "--time", LATER),
        ("--out", tmp_path / "x", "--time", LATER + 9),
        ("--events", "synthetic:5", "--journal-recipient", "00" * 32),
    ):
        assert snapshot(root, *arguments).code == 2
    assert zkstate("snapshot", "--operator", root / "operator", "--out", tmp_path / "x").code == 2
    assert not (tmp_path / "x").exists()


def test_a_snapshot_cut_off_after_its_journal_is_repeated_as_it_was(tmp_path):
    first = ("synthetic:60", "--out", tmp_path / "epoch-1")
    second = (
        "--events", "synthetic:30", "--previous", tmp_path / "epoch-1/public/header.bin", "--time", LATER,
        "--out", tmp_path / "epoch-2",
    )  # fmt: skip
    for epoch, arguments in (("epoch-1", first), ("epoch-2", second)):
        lost = tmp_path / f"{epoch}-lost"
        assert snapshot(tmp_path, *arguments).code == 0
        before = tree(tmp_path / "journal")
        (tmp_path / epoch).rename(lost)
        assert snapshot(tmp_path, *arguments).code == 0
        assert tree(tmp_path / "journal") == before
        tiles = [folder / "public/tiles/0/000000.bin" for folder in (tmp_path / epoch, lost)]
        assert tiles[0].read_bytes() == tiles[1].read_bytes()


def test_a_beginning_cut_off_is_repeated_with_the_recipients_and_disclosure_it_had(tmp_path):
    (tmp_path / "file").touch()
    began = ("synthetic:60", "--journal-recipient", "01" * 32, "--journal-recipient", "02" * 32, "--disclose", "book")
    assert snapshot(tmp_path, *began, "--out", tmp_path / "file/epoch-1").code == 5
    before = tree(tmp_path / "journal")
    for other in (began[:3] + began[5:], (*began, "--journal-recipient", "03" * 32), began[:1] + began[5:],
                  began[:1] + began[3:5] + began[1:3] + began[5:]):  # fmt: skip
        refused = snapshot(tmp_path, *other, "--out", tmp_path / "epoch-1")
        assert (refused.code, "began with the recipients" in refused.err) == (2, True), refused.err
    for other in (began[:5], (*began[:6], "none")):
        refused = snapshot(tmp_path, *other, "--out", tmp_path / "epoch-1")
        assert (refused.code, "discloses book" in refused.err) == (2, True), refused.err
    assert not (tmp_path / "epoch-1").exists()
    assert snapshot(tmp_path, *began, "--out", tmp_path / "epoch-1").code == 0
    assert tree(tmp_path / "journal") == before


def test_who_is_refused_a_journal_leaves_the_folder_of_who_begins_it(tmp_path):
    with locked_by_first(tmp_path):
        refused = snapshot(tmp_path, "synthetic:60", "--out", tmp_path / "epoch-1")
        assert (refused.code, "another process" in refused.err) == (5, True)
        assert (tmp_path / "journal").is_dir()
    assert not (tmp_path / "journal").exists()
    (tmp_path / "journal").mkdir()
    assert snapshot(tmp_path, "--events", "synthetic:5").code == 3
    assert (tmp_path / "journal").is_dir()


def test_events_that_come_after_the_journal_closed_the_epoch_are_not_lost(tmp_path):
    assert snapshot(tmp_path, "synthetic:60", "--out", tmp_path / "epoch-1").code == 0
    events, more = tmp_path / "events.csv", tmp_path / "more.csv"
    events.write_text(f"event,kind,time,instrument,account,amount\n1,deposit,{TIME + 1},USDT,user-00000001,100\n")
    more.write_text(events.read_text() + f"2,deposit,{TIME + 2},USDT,user-00000001,900000\n")
    close = ("--previous", tmp_path / "epoch-1/public/header.bin", "--time", LATER, "--out")
    (tmp_path / "file").touch()
    assert snapshot(tmp_path, "--events", events, *close, tmp_path / "file/epoch-2").code == 5
    before = tree(tmp_path / "journal")
    late = snapshot(tmp_path, "--events", more, *close, tmp_path / "epoch-2")
    assert (late.code, "closed epoch 2" in late.err, "event 2" in late.err) == (2, True, True), late.err
    assert snapshot(tmp_path, "--events", tmp_path / "none.csv", *close, tmp_path / "epoch-2").code == 5
    assert not (tmp_path / "epoch-2").exists()
    assert snapshot(tmp_path, "--events", events, *close, tmp_path / "epoch-2").code == 0
    assert tree(tmp_path / "journal") == before


def test_no_name_among_the_orders_is_a_formula(tmp_path):
    ledger = begin_quietly(synthetic_ledger(3, 20, with_keys=False))
    names = tuple(f"{'=+-@'[i % 4]}{name}" for i, name in enumerate(ledger.names))
    write_ledger(replace(ledger, names=names), tmp_path / "ledger.jsonl")
    made = snapshot(tmp_path, tmp_path / "ledger.jsonl", "--out", tmp_path / "epoch-1")
    assert made.code == 0, made.err
    for folder in ("epoch-1", "journal"):
        assert zkstate("publish", tmp_path / folder, "--mirror", tmp_path / "mirror").code == 0
    done = zkstate(
        "recover", "--venue", "--journal-key", tmp_path / "operator/journal.key", "--mirror", tmp_path / "mirror",
        "--header", tmp_path / "mirror/epochs/00000001/header.bin", "--out", tmp_path / "venue",
    )  # fmt: skip
    assert done.code == 0, done.err
    with (tmp_path / "venue/orders.csv").open(newline="") as file:
        shown = [line["account"] for line in csv.DictReader(file)]
    assert shown
    assert set(shown) <= {f"'{name}" for name in names}


def test_events_of_a_file(tmp_path):
    assert snapshot(tmp_path, "synthetic:60", "--out", tmp_path / "epoch-1").code == 0
    events = tmp_path / "events.csv"
    events.write_text(
        "event,kind,time,instrument,account,order,side,price,amount,value,fee\n"
        f"1,deposit,{TIME + 1},USDT,user-00000001,,,1,250.5,250.5,0.1\n"
        f"2,order,{TIME + 2},SOL-PERP,user-00000001,900001,sell,9000,2,,\n"
        f"3,cancel,{TIME + 3},SOL-PERP,user-00000001,900001,,,,,\n"
        f"4,transfer,{TIME + 3},USDT,user-00000001,,,,-20.25,,\n"
        f"5,transfer,{TIME + 3},USDT,user-00000002,,,,20.25,,\n"
        f"6,price,{TIME + 4},SOL-PERP,,,,160.5,0.001,160.25,\n"
    )
    done = snapshot(tmp_path, "--events", events, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["added"] == 6
    again = snapshot(tmp_path, "--events", events, "--json")
    assert (again.code, again.json["added"], again.json["events"]) == (0, 0, 6)
    lines = events.read_text()
    for wrong, field in (
        (lines + f",deposit,{TIME + 9},USDT,user-00000001,,,,250,,\n", "line 8: event 0"),
        (lines.replace("-20.25", "-20").replace(",20.25", ",20"), "line 5: event 4 is in the journal with amount"),
        (lines + "8,deposit,1,USDT,user-00000001,,,,1,,\n", "event 8"),
        (lines + f"7,deposit,{TIME + 9},XYZ,user-00000001,,,,1,,\n", "instrument is 'XYZ'"),
        (lines + f"7,deposit,{TIME + 9},USDT,user-00000001,,,,1.23456789123,,\n", "amount"),
        (lines + f"7,deposit,{TIME + 9},USDT,nobody,,,,1,,\n", "account is 'nobody'"),
    ):
        events.write_text(wrong)
        refused = snapshot(tmp_path, "--events", events)
        assert (refused.code, field in refused.err) == (2, True), refused.err
