"""prove solvency and verify of what it wrote, as their users meet them."""

import shutil
from fractions import Fraction

import numpy as np
import pytest

from tests.cli.program import zkstate
from tests.publication.venue import OPERATOR
from tests.solvency.venue import commit, ledger, positions_profit, risky_ledger
from zkstate.cli import solvency_verify
from zkstate.cli.audit_chain import RATIOS
from zkstate.state.decimals import parse, render
from zkstate.state.margin import assess
from zkstate.state.portfolio import assess_portfolio
from zkstate.state.schema import PORTFOLIO


def owed(of):
    """What is said of positions to people."""
    profit = positions_profit(of)
    return f"customers {'owe' if profit < 0 else 'are owed'} {render(abs(profit), 16)} quote net"


@pytest.fixture(scope="module")
def proved(tmp_path_factory):
    epoch = commit(tmp_path_factory.mktemp("venue") / "epoch", ledger(small=5, large=0))
    outcome = zkstate("prove", "solvency", epoch.folder, "--jobs", "1", "--batch-rows", "64", "--json", believe=False)
    assert outcome.code == 0, outcome.err
    assert outcome.json["batches"] == {"proved": 1, "kept": 0}
    assert outcome.json["accounts"] == 5
    assert parse(outcome.json["profit"], 16) == positions_profit(epoch.ledger) != 0
    return epoch


def test_a_second_run_keeps_what_is_there(proved):
    outcome = zkstate("prove", "solvency", proved.folder, "--jobs", "1", "--batch-rows", "64", believe=False)
    assert outcome.code == 0
    assert "0 proved, 1 kept" in outcome.out
    assert owed(proved.ledger) in outcome.out


def test_the_verdict(proved, tmp_path):
    outcome = zkstate("verify", proved.folder, "--header", proved.public / "header.bin", "--json", believe=False)
    assert outcome.code == 0, outcome.err
    verdict = outcome.json
    assert (verdict["kind"], verdict["accepted"], verdict["system"]) == ("solvency", True, "transparent")
    assert verdict["setup"]["trusted"]
    totals = {each["instrument"]: each["credit"] for each in verdict["totals"]}
    assert list(totals) == [i.symbol for i in proved.ledger.table.instruments]
    assert not any("pin one" in words for words in verdict["not_shown"])
    assert verdict["judged"] == {"tiers": 5, "portfolio": 0}
    assert verdict["shows"].endswith(" and judged under the committed tables")
    assert parse(verdict["profit"], 16) == positions_profit(proved.ledger) != 0
    for left_out in ("anyone meets the portfolio rule", "isolated collateral", "entry values", "the venue issued"):
        assert any(left_out in words for words in verdict["not_shown"])
    told = zkstate("verify", proved.public, "--solvency", proved.proof, believe=False)
    assert told.code == 0
    for words in (
        "accepted",
        verdict["shows"],
        "accounts, which lack",
        owed(proved.ledger),
        "not shown",
        "owes",
        "pin one with --header",
    ):
        assert words in told.out


def test_a_folder_is_explained_if_it_has_a_proof_of_that_epoch(proved, tmp_path):
    shown = zkstate("inspect", proved.folder, "--json", believe=False).json
    assert (shown["epoch"], shown["judged"]) == (1, {"tiers": 5, "portfolio": 0})
    assert shown["header_hash"] == f"0x{proved.header.hash.hex()}"
    epoch = proved.copy(tmp_path)
    classes = epoch.proof / "classes.bin"
    for content, code, words in (
        (classes.read_bytes() + b"\4", 2, "classes.bin has 6 entries, there are 5 accounts"),
        (b"\4\4\4\4\5", 2, "class 5 of 1 leaves is none of"),
    ):
        classes.write_bytes(content)
        refused = zkstate("inspect", epoch.folder, believe=False)
        assert (refused.code, words in refused.err) == (code, True), refused.err
    classes.unlink()
    shown = zkstate("inspect", epoch.folder, "--json", believe=False).json
    assert (shown["counted"], shown["judged"]) == (None, None)
    claim = epoch.proof / "solvency.json"
    claim.write_bytes(claim.read_bytes().replace(proved.header.hash.hex().encode(), b"0" * 64))
    assert zkstate("inspect", epoch.folder, believe=False).code == 4
    claim.unlink()
    refused = zkstate("inspect", epoch.folder, believe=False)
    assert refused.code == 2
    assert "holds no proof of solvency" in refused.err


def test_who_is_held_to_the_portfolio_rule_is_told_so(tmp_path):
    epoch = commit(tmp_path / "epoch", risky_ledger(small=5, large=0))
    refused = zkstate("prove", "solvency", epoch.folder, "--system", "groth16", "--allow-insecure-setup")
    assert refused.code == 2
    assert "3 accounts in all have portfolio margin" in refused.err
    assert "prove with --system transparent or mirage" in refused.err
    proved = zkstate("prove", "solvency", epoch.folder, "--jobs", "1", "--json", believe=False)
    assert proved.code == 0, proved.err
    assert proved.json["judged"] == {"tiers": 2, "portfolio": 3}
    for place, rule, words in ((0, "tiers", "the tiers of what it holds"), (1, "portfolio", "in place of tiers")):
        key = tmp_path / f"{rule}.key"
        OPERATOR.account_key(epoch.ledger.names[place]).write(key)
        verdict = zkstate("verify", epoch.folder, "--account-key", key, "--json", believe=False)
        assert verdict.code == 0, verdict.out
        assert verdict.json["judged"] == {"tiers": 2, "portfolio": 3}
        assert verdict.json["account_rule"] == rule
        assert any("the venue chose it, 3 by the portfolio rule" in each for each in verdict.json["not_shown"])
        told = zkstate("verify", epoch.folder, "--account-key", key, believe=False)
        assert words in told.out
        assert "the portfolio rule: 3" in told.out
    for place in (epoch.folder, epoch.proof, epoch.proof / "solvency.json"):
        shown = zkstate("inspect", place, "--json").json
        assert shown["counted"] == [{"rows": 4, "rule": r, "accounts": n} for r, n in (("tiers", 2), ("portfolio", 3))]
        assert shown["judged"] == {"tiers": 2, "portfolio": 3}
        said = zkstate("inspect", place).out
        assert "3 accounts of up to 4 rows, by the portfolio rule" in said
        assert "tiers: 2 accounts; the portfolio rule: 3" in said
    audited = zkstate("audit", epoch.folder, "--out", tmp_path / "audit", believe=False)
    assert audited.code in (0, 3), audited.err
    report = (tmp_path / "audit/report.html").read_text()
    assert "3 of all are judged by the portfolio rule" in report
    assert "3 of epoch 1 by the portfolio rule" in (tmp_path / "audit/audit.json").read_text()
    drawn = zkstate("audit", epoch.folder, "--holdings", "--out", tmp_path / "drawn", "--json", believe=False)
    assert drawn.json["epochs"][0]["health"] == ratios(epoch.ledger)
    classes = epoch.folder / "private/holdings/classes.npy"
    np.save(classes, np.load(classes) % PORTFOLIO)
    other = zkstate("audit", epoch.folder, "--holdings", "--out", tmp_path / "other", believe=False)
    assert (other.code, "the proof of epoch 1 judges accounts by other rules" in other.err) == (4, True)


def ratios(of):
    """Accounts by equity over what is required of their cross pot, by the rule that judges each."""
    found = dict.fromkeys(RATIOS, 0)
    for i, risky in enumerate(of.portfolio):
        rows = of.rows_of(i)
        whole = assess_portfolio(rows, of.table, of.scenarios).assessment if risky else assess(rows, of.table)
        equity, need = whole.cross.equity, whole.cross.need
        ratio = Fraction(equity, need) if need else None
        at = -1 if ratio is None else sum(ratio >= Fraction(edge, 10) for edge in (10, 11, 15, 20, 50))
        found[RATIOS[at if need or equity >= 0 else 0]] += 1
    return found


def test_a_false_proof_and_a_damaged_epoch(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    path = epoch.batches()[0]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    outcome = zkstate("verify", epoch.folder, "--json", believe=False)
    assert outcome.code == 1
    assert outcome.json["reasons"][0].startswith("batch 0 of class 4: its proof does not hold")
    assert outcome.json["judged"] == {"tiers": 5, "portfolio": 0}
    assert outcome.json["shows"].startswith("nothing: ")
    assert "every account of the tree" not in zkstate("verify", epoch.folder, believe=False).out
    (epoch.proof / "classes.bin").write_bytes(bytes(5))
    outcome = zkstate("verify", epoch.folder, "--json", believe=False)
    assert outcome.json["reasons"] == ["leaf 0 has class 0, none of (4, 8, 16, 64)"]
    assert outcome.json["judged"] is None
    assert not any("portfolio" in words for words in outcome.json["not_shown"])
    assert "judged by" not in zkstate("verify", epoch.folder, believe=False).out
    (epoch.public / "tables/totals.json").write_bytes(b"{}")
    outcome = zkstate("verify", epoch.folder, "--json", believe=False)
    assert outcome.code == 1
    assert "totals.json" in outcome.json["reasons"][0]
    assert not any("portfolio" in words for words in outcome.json["not_shown"])
    other = zkstate("verify", proved.folder, "--header-hash", "00" * 32, believe=False)
    assert (other.code, "is expected" in other.out) == (1, True)


def test_an_epoch_without_a_proof_is_told_how_to_go_on(proved, tmp_path):
    shutil.copytree(proved.public, tmp_path / "epoch/public")
    outcome = zkstate("verify", tmp_path / "epoch")
    assert (outcome.code, "make one with zkstate prove solvency" in outcome.err) == (2, True)
    assert f"verify {tmp_path / 'epoch/public'} alone" in outcome.err
    outcome = zkstate("verify", proved.public, "--solvency", proved.public / "header.bin")
    assert (outcome.code, "is not a folder" in outcome.err) == (2, True)


def test_what_the_reader_names_is_read_before_the_proof_is_judged(proved, tmp_path, monkeypatch):
    """Judging a proof takes minutes, of which a wrong file should cost none."""
    monkeypatch.setattr(solvency_verify, "verify_solvency", lambda *_: pytest.fail("the proof was judged first"))
    (tmp_path / "empty").mkdir()
    for path in ("key", "tokens", "record"):
        (tmp_path / path).write_bytes(b"junk")
    for option, path, code, words in (
        ("--account-key", "key", 5, "run chmod 600"),
        ("--tokens", "tokens", 2, "tokens: JSON is malformed"),
        ("--reserves", "empty", 2, "empty holds no file of reserves"),
        ("--ceremony", "record", 2, "no record of a ceremony"),
    ):
        outcome = zkstate("verify", proved.folder, option, tmp_path / path)
        assert (outcome.code, words in outcome.err) == (code, True), outcome.err


def test_a_key_that_is_missing_is_told_with_where_it_comes_from(proved, tmp_path):
    (tmp_path / "keys").mkdir()
    shutil.copytree(proved.folder, tmp_path / "epoch", ignore=shutil.ignore_patterns("solvency"))
    outcome = zkstate("prove", "solvency", tmp_path / "epoch", "--system", "mirage", "--keys", tmp_path / "keys",
                      "--jobs", "1", believe=False)  # fmt: skip
    assert (outcome.code, "zkstate setup batches" in outcome.err, "--batch-rows" in outcome.err) == (2, True, True)
    assert "keys has no mirage-" in outcome.err


def test_by_mirage_under_keys_that_anyone_can_make(tmp_path):
    """Which is said, and refused unless it is asked for; the portfolio rule included."""
    epoch = commit(tmp_path / "epoch", risky_ledger(small=3, large=0))
    by_mirage = ("prove", "solvency", epoch.folder, "--system", "mirage", "--batch-rows", "64", "--jobs", "1")
    proved = zkstate(*by_mirage, "--allow-insecure-setup", "--json", believe=False)
    assert proved.code == 0, proved.err
    assert (proved.json["system"], proved.json["judged"]) == ("mirage", {"tiers": 1, "portfolio": 2})
    assert sorted(path.name for path in (epoch.proof / "keys").iterdir()) == ["4.json", "4p.json"]
    assert "a Mirage verification key" in zkstate("inspect", epoch.proof / "keys/4p.json").out
    refused = zkstate("verify", epoch.folder, "--json", believe=False)
    assert refused.code == 1
    assert any("of unknown origin" in reason for reason in refused.json["reasons"])
    assert refused.json["shows"].startswith("nothing: ")
    verdict = zkstate("verify", epoch.folder, "--allow-insecure-setup", "--json", believe=False)
    assert verdict.code == 0, verdict.out
    assert not verdict.json["setup"]["trusted"]
    assert verdict.json["shows"].endswith("if nobody knows the trapdoor of a key")
    assert "Mirage" in verdict.json["security"]
    published = zkstate("publish", epoch.folder, "--mirror", tmp_path / "mirror", believe=False)
    assert published.code == 0, published.err
    fetched = tmp_path / "mirror/epochs/00000001"
    found = zkstate("verify", fetched, "--allow-insecure-setup", "--json", believe=False)
    assert (found.code, found.json["system"]) == (0, "mirage")


def test_a_ceremony_of_a_proof_without_a_key(proved, tmp_path, monkeypatch):
    monkeypatch.setattr("zkstate.cli.solvency_verify._records", lambda _: [])
    outcome = zkstate("verify", proved.folder, "--ceremony", tmp_path, "--json", believe=False)
    assert outcome.code == 1
    assert outcome.json["reasons"] == ["--ceremony is given, and the proof is transparent: it has no key to vouch for"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("prove", "solvency"), "name the folder"),
        (("prove", "solvency", "EPOCH", "--initial"), "does not take --initial"),
        (("prove", "solvency", "EPOCH", "--system", "groth16"), "--allow-insecure-setup to try"),
        (("prove", "solvency", "EPOCH", "--system", "mirage"), "prove solvency by mirage: give --keys"),
        (("prove", "margin", "--system", "mirage", "--account", "EPOCH", "--out", "none"), "for prove solvency alone"),
        (("prove", "solvency", "EPOCH", "--system", "transparent", "--allow-insecure-setup"), "takes no key"),
        (("prove", "solvency", "EPOCH", "--batch-rows", "63"), "whole number from 64"),
        (("prove", "margin", "EPOCH", "--account", "EPOCH", "--out", "none"), "only prove solvency takes a folder"),
        (("prove", "margin", "--jobs", "2", "--account", "EPOCH", "--out", "none"), "takes --jobs"),
        (("verify", "EPOCH", "--challenge", "00" * 32), "does not check --challenge"),
        (("verify", "EPOCH", "--ceremony", "EMPTY"), "holds no record"),
    ],
)
def test_options_of_something_else_are_refused(proved, tmp_path, argv, words):
    places = {"EPOCH": proved.folder, "EMPTY": tmp_path}
    outcome = zkstate(*(places.get(each, each) for each in argv), believe=False)
    assert outcome.code == 2
    assert words in outcome.err
