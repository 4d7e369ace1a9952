"""zkstate prove: what is true and well put is proved, everything else is refused with its reason and no file."""

import json
from decimal import Decimal

import pytest

from tests.cli.conftest import ACCOUNTS, TRADER
from tests.cli.program import tree, zkstate
from tests.cli.test_recover import damage
from zkstate.cli.ledgers import open_ledger
from zkstate.state.decimals import render
from zkstate.state.margin import assess
from zkstate.state.portfolio import assess_portfolio


def prove(scene, out, statement, *more):
    return zkstate("prove", statement, "--account", scene.bundle, "--out", out, *more)


@pytest.fixture(scope="module")
def held():
    """The trader's rows by symbol, as the ledger has them: (amount text, entry text)."""
    ledger = open_ledger(f"synthetic:{ACCOUNTS}", None)
    rows = ledger.rows_of(ledger.index_of(TRADER))
    return {
        ledger.table[row.instrument].symbol: (render(row.amount, ledger.table[row.instrument].decimals), row)
        for row in rows
    }


def test_a_proof_directory_holds_public_things_alone(proved):
    files = tree(proved.proof)
    assert set(files) == {
        "header.bin", "instruments.json", "proof.json", "public.json", "statement.json", "verification_key.json",
    }  # fmt: skip
    secrets = [json.loads(proved.bundle.read_text())["owner_secret"], proved.key.read_text().strip()]
    for content in files.values():
        for secret in secrets:
            assert secret.encode() not in content
            assert str(int(secret, 16)).encode() not in content


def test_the_claims_are_shown_in_whole_units(recovered, tmp_path, held):
    asset = next(symbol for symbol in held if "-" not in symbol)
    amount, _ = held[asset]
    outcome = prove(recovered, tmp_path / "balance", "balance", "--asset", asset, "--exactly", amount, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["claim"] == f"the balance is exactly {amount} {asset}"
    market = next(symbol for symbol in held if symbol.endswith("-PERP"))
    size, _ = held[market]
    outcome = prove(recovered, tmp_path / "position", "position", "--market", market, "--at-most", size)
    assert outcome.code == 0, outcome.err
    assert f"the position is at most {size} {market}" in outcome.out
    for name in ("balance", "position"):
        assert zkstate("verify", tmp_path / name).code == 0


def test_what_is_false_is_exit_code_1_and_leaves_nothing(recovered, tmp_path, held):
    asset = next(symbol for symbol in held if "-" not in symbol)
    ledger = open_ledger(f"synthetic:{ACCOUNTS}", None)
    trader = ledger.index_of(TRADER)
    assessed = assess(ledger.rows_of(trader), ledger.table)
    reserved = assess(ledger.rows_of(trader), ledger.table, initial=True, orders=ledger.orders_of(trader))
    by_scenario = assess_portfolio(ledger.rows_of(trader), ledger.table, ledger.scenarios).assessment
    for argv in (
        ("balance", "--asset", asset, "--at-least", str(Decimal(held[asset][0]) + Decimal("0.000001"))),
        ("margin", "--ratio", render(assessed.cross.ratio_ppm + 1, 6)),
        ("health", "--ratio", render(assessed.ratio_ppm + 1, 6)),
        ("initial", "--ratio", render(reserved.ratio_ppm + 1, 6)),
        ("portfolio", "--ratio", render(by_scenario.ratio_ppm + 1, 6)),
    ):
        outcome = prove(recovered, tmp_path / "proof", *argv)
        assert outcome.code == 1, outcome.err
        assert ("the balance is at least" in outcome.err) or ("equity" in outcome.err)
        assert tree(tmp_path) == {}


def test_the_margin_ratio_holds_to_the_last_millionth(recovered, tmp_path):
    ledger = open_ledger(f"synthetic:{ACCOUNTS}", None)
    trader = ledger.index_of(TRADER)
    rows, orders = ledger.rows_of(trader), ledger.orders_of(trader)
    ratios = {
        "margin": assess(rows, ledger.table).cross.ratio_ppm,
        "health": assess(rows, ledger.table).ratio_ppm,
        "initial": assess(rows, ledger.table, initial=True, orders=orders).ratio_ppm,
        "portfolio": assess_portfolio(rows, ledger.table, ledger.scenarios).assessment.ratio_ppm,
    }
    for statement, ratio in ratios.items():
        outcome = prove(recovered, tmp_path / statement, statement, "--ratio", render(ratio, 6))
        assert outcome.code == 0, outcome.err
        verdict = zkstate("verify", tmp_path / statement, "--json")
        assert verdict.code == 0
        reserved = "that open orders are reserved" in verdict.json["not_shown"]
        assert reserved == (statement != "initial")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["margin", "--asset", "BTC"], "prove margin does not take --asset"),
        (["margin", "--at-least", "0"], "prove margin does not take --at-least"),
        (["margin", "--expiry", "1700000000"], "--expiry 1700000000 has passed"),
        (["balance", "--asset", "BTC"], "give --exactly, --at-least or --at-most"),
        (["balance", "--at-least", "1"], "prove balance: give --asset"),
        (["balance", "--asset", "NOPE", "--at-least", "1"], "lists no instrument 'NOPE'"),
        (["balance", "--asset", "btc", "--at-least", "1"], "did you mean BTC"),
        (["balance", "--asset", "BTC-PERP", "--at-least", "1"], "is a perpetual: claim a position instead"),
        (["position", "--market", "BTC", "--at-least", "1"], "is an asset: claim a balance instead"),
        (["balance", "--asset", "BTC", "--exactly", "1", "--at-most", "2"], "--exactly leaves no room"),
        (["balance", "--asset", "BTC", "--at-least", "2", "--at-most", "1"], "nothing can satisfy it"),
        (["balance", "--asset", "USDT", "--at-least", "0.00000000000000001"], "decimals"),
        (["balance", "--asset", "USDT", "--at-least", "1e30"], "outside"),
        (["position", "--market", "BTC-PERP", "--exactly", "1", "--ratio", "1"], "position does not take --ratio"),
    ],
)
def test_what_cannot_be_claimed_is_exit_code_2(recovered, tmp_path, argv, words):
    outcome = prove(recovered, tmp_path / "proof", *argv)
    assert (outcome.code, words in outcome.err) == (2, True), outcome.err
    assert tree(tmp_path) == {}


def test_an_existing_folder_is_not_overwritten(proved):
    before = tree(proved.proof)
    outcome = prove(proved, proved.proof, "margin")
    assert outcome.code == 5
    assert tree(proved.proof) == before


def test_a_damaged_bundle_is_refused(recovered, tmp_path):
    bundle = recovered.copy("account.json", tmp_path)
    form = json.loads(bundle.read_text())
    form["owner_secret"] = f"{int(form['owner_secret'], 16) ^ 1:064x}"
    bundle.write_text(json.dumps(form, separators=(",", ":")))
    outcome = zkstate("prove", "margin", "--account", bundle, "--out", tmp_path / "proof")
    assert outcome.code == 4
    assert form["owner_secret"] not in outcome.err
    damage(bundle, lambda content: content[:-1])
    outcome = zkstate("prove", "margin", "--account", bundle, "--out", tmp_path / "proof")
    assert outcome.code == 2


def test_a_bundle_others_can_read_is_refused(recovered, tmp_path):
    bundle = recovered.copy("account.json", tmp_path)
    bundle.chmod(0o640)
    outcome = zkstate("prove", "margin", "--account", bundle, "--out", tmp_path / "proof")
    assert (outcome.code, "chmod 600" in outcome.err) == (5, True)


def test_prove_alone_is_told_what_there_is_to_prove():
    outcome = zkstate("prove")
    assert (outcome.code, "name a statement (balance" in outcome.err) == (2, True)
