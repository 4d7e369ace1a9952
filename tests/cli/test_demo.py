"""zkstate demo: the whole story on a generated venue and on the sheets of an exchange."""

import csv
import json
from decimal import Decimal

import pytest

from tests.cli.program import process, tree, zkstate
from tests.shared import shared_path
from zkstate.proof.groth16 import Proof, verify
from zkstate.proof.json_form import public_inputs
from zkstate.proof.keys import VerifyingKey

FILES = {
    "account.json", "account.key", "header.bin", "instruments.json", "proof.json", "public.json", "report.json",
    "statement.json", "verification_key.json",
}  # fmt: skip
TRANSPARENT_FILES = {"header.bin", "instruments.json", "proof.bin", "public.json", "statement.json"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "out"
    outcome = zkstate("demo", "--accounts", "200", "--out", folder)
    assert outcome.code == 0, outcome.err
    return folder, outcome


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exchange") / "out"
    outcome = zkstate("demo", "--ledger", shared_path("data/binance"), "--out", folder, "--json")
    assert outcome.code == 0, outcome.err
    return folder, outcome.json


def check_report(folder, accounts):
    report = json.loads((folder / "report.json").read_text())
    assert report["accepted"] is True
    assert report["ledger"]["accounts"] == accounts
    assert report["offline"]["accepted"] is report["offline"]["changed_inputs_refused"] is True
    assert report["transparent"]["accepted"] is True
    assert report["transparent"]["system"] == "transparent"
    assert report["on_chain"]["accepted"] is report["on_chain"]["changed_inputs_refused"] is True
    assert 180_000 < report["on_chain"]["verification_gas"] < 300_000
    assert report["deleted"]["files"] > 4
    assert 0 <= report["rpo_s"] < 600
    assert 0 < report["rto_s"] < 60
    assert report["recovery"]["trust"]["level"] == "c"
    assert report["sizes"]["mirror"] == sum(map(len, tree(folder / "mirror").values()))
    assert {
        "snapshot",
        "publish to a mirror",
        "delete the venue",
        "recover",
        "prove",
        "prove for the chain",
        "verify offline",
    } <= set(report["seconds"])
    assert all(seconds >= 0 for seconds in report["seconds"].values())
    return report


def test_the_folder_holds_what_is_promised_and_nothing_of_the_venue(demo):
    folder, _ = demo
    top = {path.name for path in folder.iterdir()}
    assert top == FILES | {"mirror", "transparent"}
    assert {path.name for path in (folder / "transparent").iterdir()} == TRANSPARENT_FILES
    assert not any("signing" in name or "salts" in name or "ledger" in name for name in tree(folder))
    assert [path.name for path in folder.parent.iterdir()] == ["out"]
    check_report(folder, 200)


def test_the_story_is_told_to_people(demo):
    _, outcome = demo
    chapters = ["the venue commits", "the venue disappears", "recovers", "proves the margin", "anyone verifies"]
    places = [outcome.out.index(chapter) for chapter in chapters]
    assert places == sorted(places)
    for words in ("SYNTHETIC", "RTO", "RPO", "gas", "INSECURE", "not shown", "snarkjs groth16 verify"):
        assert words in outcome.out


def test_the_rest_of_the_verbs_go_on_from_it(demo, tmp_path):
    folder, outcome = demo
    lines = [line for line in outcome.out.splitlines() if "zkstate verify" in line]
    assert len(lines) == 2
    for line in lines:
        argv = line.partition("zkstate verify ")[2].split()
        assert zkstate("verify", *argv, believe=False).code == 0
    assert zkstate("verify", folder / "mirror/epochs/00000001", "--header", folder / "header.bin").code == 0
    again = zkstate(
        "recover", "--key", folder / "account.key", "--mirror", folder / "mirror", "--header", folder / "header.bin",
        "--out", tmp_path / "account.json",
    )  # fmt: skip
    assert again.code == 0, again.err
    before, after = (json.loads((f / "account.json").read_text()) for f in (folder, tmp_path))
    assert before["account"] == after["account"]


def test_the_three_files_stand_on_their_own(demo):
    folder, _ = demo
    key = VerifyingKey.from_json((folder / "verification_key.json").read_bytes())
    values = public_inputs((folder / "public.json").read_bytes())
    assert verify(key, values, Proof.from_json((folder / "proof.json").read_bytes()))
    report = json.loads((folder / "report.json").read_text())
    assert [str(value) for value in values] == report["proof"]["public_inputs"]
    assert values[0] == int(report["offline"]["state_root"], 16)


def test_a_demo_replaces_a_demo_and_nothing_else(demo, tmp_path):
    folder, _ = demo
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    outcome = zkstate("demo", "--accounts", "20", "--out", mine)
    assert (outcome.code, "is not the result of an earlier demo" in outcome.err) == (5, True)
    assert tree(mine) == {"thesis.tex": b"years of work"}
    old = (folder / "report.json").read_bytes()
    outcome = zkstate("demo", "--accounts", "200", "--account", "user-00000072", "--out", folder)
    assert outcome.code == 0, outcome.err
    assert (folder / "report.json").read_bytes() != old
    assert {path.name for path in folder.iterdir()} == FILES | {"mirror", "transparent"}


def test_exchange_sheets_of_others_go_through_the_whole_story(exchange):
    folder, told = exchange
    report = check_report(folder, 100)
    assert told["ledger"] == report["ledger"]
    assert report["ledger"]["synthetic"] is False


def test_totals_of_the_exchange_equal_a_plain_recomputation(exchange):
    """Equity less debt per asset, from the sheet with Decimals, against the published totals."""
    folder, _ = exchange
    epoch = folder / "mirror/epochs/00000001"
    table = json.loads((epoch / "tables/instruments.json").read_text())["instruments"]
    totals = json.loads((epoch / "tables/totals.json").read_text())["totals"]
    net = {}
    for instrument, total in zip(table, totals, strict=True):
        asset = instrument["symbol"].lower().partition(":")[0].partition("/")[0].partition(".")[0]
        scale = Decimal(10) ** -instrument["decimals"]
        net[asset] = net.get(asset, 0) + (int(total["credit"]) - int(total["debit"])) * scale
    with (shared_path("data/binance/sample_users0.csv")).open(newline="") as file:
        rows = list(csv.DictReader(file))
    symbols = [name.removeprefix("e_") for name in rows[0] if name.startswith("e_")]
    expected = {
        symbol: sum(Decimal(row[f"e_{symbol}"]) - Decimal(row[f"d_{symbol}"]) for row in rows) for symbol in symbols
    }
    assert {asset: net[asset] for asset in expected} == expected


def test_an_unknown_account_or_a_silent_node_leaves_nothing(tmp_path):
    outcome = zkstate("demo", "--accounts", "20", "--account", "nobody", "--out", tmp_path / "out")
    assert (outcome.code, "no account is named 'nobody'" in outcome.err) == (2, True)
    outcome = zkstate("demo", "--accounts", "20", "--chain", "http://127.0.0.1:9", "--out", tmp_path / "out")
    assert (outcome.code, "127.0.0.1:9" in outcome.err) == (3, True)
    assert tree(tmp_path) == {}


def test_it_runs_as_a_process_and_says_nothing_but_the_result(tmp_path):
    outcome = process("demo", "--accounts", "50", "--out", "out", "--json", cwd=tmp_path, timeout=300)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["accepted"] is True
    assert outcome.json["out"] == "out"
