"""The balance sheets that an exchange published, as they are, proved: totals against plain integers of the same CSV."""

import csv
from decimal import Decimal

import pytest

from tests.cli.program import zkstate
from tests.shared import shared_path
from tests.solvency.venue import commit
from zkstate.publication.tables import decode_totals
from zkstate.state.ledger_read import read_ledger
from zkstate.state.table import decode_table

USERS = "data/binance/sample_users0.csv"
PRODUCTION = "data/binance/production_cex_assets_info.csv"
PARTS = {
    "": ("e", ("vl", "m", "pm")),
    ":debt": ("d", ()),
    ":loan": ("vl", ()),
    ":margin": ("m", ()),
    ":portfolio": ("pm", ()),
}


def plain_totals(decimals):
    """{instrument: (credit, debit)} in units of 10^-decimals, by integers from the sheet alone."""
    with shared_path(USERS).open(newline="") as file:
        lines = list(csv.DictReader(file))
    totals = {}
    for asset in (name[2:] for name in lines[0] if name.startswith("e_")):
        for part, (column, less) in PARTS.items():
            unit = Decimal(10) ** decimals[asset + part]
            amounts = []
            for line in lines:
                amount = Decimal(line[f"{column}_{asset}"]) - sum(Decimal(line[f"{each}_{asset}"]) for each in less)
                assert amount * unit == int(amount * unit)
                amounts.append(int(amount * unit) * (-1 if part == ":debt" else 1))
            totals[asset + part] = (sum(a for a in amounts if a > 0), -sum(a for a in amounts if a < 0))
    return totals


def published(epoch):
    table = decode_table((epoch.public / "tables/instruments.json").read_bytes())
    totals = decode_totals((epoch.public / "tables/totals.json").read_bytes())
    pairs = zip(table.instruments, totals.credits, totals.debits, strict=True)
    found = {instrument.symbol: (credit, debit) for instrument, credit, debit in pairs}
    return {instrument.symbol: instrument.decimals for instrument in table.instruments}, found


def test_the_sheets_as_they_are_are_committed_proved_and_audited(tmp_path):
    ledger = read_ledger(shared_path(USERS).parent)
    epoch = commit(tmp_path / "epoch", ledger)
    decimals, found = published(epoch)
    assert found == plain_totals(decimals)
    epoch.prove(rows=512)
    done = zkstate("audit", epoch.folder, "--out", tmp_path / "audit", "--json", believe=False)
    assert done.code == 0, done.out
    (told,) = done.json["epochs"]
    for line in told["assets"]:
        parts = [found[line["symbol"] + part] for part in PARTS]
        unit = Decimal(10) ** decimals[line["symbol"]]
        assert Decimal(line["owed"]) * unit == sum(credit for credit, _ in parts)
        assert Decimal(line["due"]) * unit == sum(debit for _, debit in parts)
    # the sheet has amounts of assets and no positions, so nothing is owed through any
    assert all(instrument.is_asset for instrument in ledger.table.instruments)
    assert told["solvency"]["profit"] == "0"


@pytest.mark.slow
def test_the_sheets_under_the_production_table(tmp_path):
    folder = tmp_path / "sheets"
    folder.mkdir()
    (folder / "users0.csv").symlink_to(shared_path(USERS))
    (folder / "cex_assets_info.csv").symlink_to(shared_path(PRODUCTION))
    epoch = commit(tmp_path / "epoch", read_ledger(folder))
    decimals, found = published(epoch)
    assert len(found) == 5 * 483
    expected = plain_totals(decimals)
    assert {symbol: found[symbol] for symbol in expected} == expected
    assert not any(any(found[symbol]) for symbol in found.keys() - expected.keys())
    epoch.prove(rows=512)
    assert epoch.verify().accepted
