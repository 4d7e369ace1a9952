"""The sheets an exchange publishes, as they are, against a recomputation with csv and Decimal alone."""

import csv
import json
import re
import shutil
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.shared import shared_path
from zkstate.errors import EncodingError, LedgerError
from zkstate.state import health
from zkstate.state.brackets import read_brackets
from zkstate.state.ledger_exchange import PARTS, read_asset_table, read_exchange_sheets
from zkstate.state.ledger_read import read_ledger
from zkstate.state.margin import assess
from zkstate.state.schema import UNBOUNDED
from zkstate.state.table import InstrumentTable, decode_table, encode_table

USERS = "data/binance/sample_users0.csv"
ASSETS = "data/binance/sample_cex_assets_info.csv"
PRODUCTION = "data/binance/production_cex_assets_info.csv"
BRACKETS = "data/binance_brackets/leverage_tiers.json"


def plain_sheet():
    """{id: {asset: (unpledged, -debt, loan, margin, portfolio)}} in Decimals."""
    out = {}
    with shared_path(USERS).open(newline="") as file:
        for line in csv.DictReader(file):
            assets = [name[2:] for name in line if name.startswith("e_")]
            out[line["id"]] = {
                asset: (
                    Decimal(line[f"e_{asset}"])
                    - Decimal(line[f"vl_{asset}"])
                    - Decimal(line[f"m_{asset}"])
                    - Decimal(line[f"pm_{asset}"]),
                    -Decimal(line[f"d_{asset}"]),
                    Decimal(line[f"vl_{asset}"]),
                    Decimal(line[f"m_{asset}"]),
                    Decimal(line[f"pm_{asset}"]),
                )
                for asset in assets
            }
    return out


def plain_tiers(text):
    """[(lower, upper, Decimal share)] of a tier list as stated."""
    return [(int(a), int(b), Decimal(c) / 100) for a, b, c in re.findall(r"(\d+)-(\d+):(\d+)", text)]


def plain_assets(relative):
    with shared_path(relative).open(newline="") as file:
        lines = list(csv.reader(file))[1:]
    return {line[0]: (Decimal(line[1]), [plain_tiers(text) for text in line[2:]]) for line in lines}


@pytest.fixture(scope="module")
def sheets():
    return read_ledger(shared_path(USERS).parent)


def test_every_balance_is_the_sheets(sheets):
    expected = plain_sheet()
    assert sheets.names == tuple(expected)
    assert len(sheets) == 100
    for place, balances in enumerate(expected.values()):
        rows = {row.instrument: row for row in sheets.rows_of(place)}
        found = {}
        for asset, parts in balances.items():
            for part, amount in zip(PARTS, parts, strict=True):
                instrument = sheets.table.by_symbol(asset + part)
                row = rows.pop(instrument.id, None)
                found[asset + part] = Decimal(row.amount if row else 0).scaleb(-instrument.decimals)
                assert found[asset + part] == amount
                assert row is None or (row.entry, row.funding_at_entry) == (0, 0)
        assert not rows


def test_totals_are_those_of_a_plain_recomputation(sheets):
    totals = sheets.totals()
    sheet = plain_sheet().values()
    for instrument, credit, debit in zip(sheets.table.instruments, totals.credits, totals.debits, strict=True):
        asset, _, part = instrument.symbol.partition(":")
        amounts = [user[asset][PARTS.index(":" + part if part else "")] for user in sheet]
        assert Decimal(credit).scaleb(-instrument.decimals) == sum(a for a in amounts if a > 0)
        assert Decimal(debit).scaleb(-instrument.decimals) == -sum(a for a in amounts if a < 0)
    assert sum(totals.credits) > 0
    assert sum(totals.debits) > 0


def test_health_is_the_venues_own_rule(sheets):
    """Debt (and what is pledged beyond the holding) at most the tiered value of the pledges, tier by tier."""
    assets = plain_assets(ASSETS)
    found = health.assess_all(sheets)
    for place, user in enumerate(plain_sheet().values()):
        collateral = debt = Decimal(0)
        for asset, (free, owed, *pledges) in user.items():
            price, kinds = assets[asset]
            debt -= (owed + min(free, 0)) * price
            for pledge, tiers in zip(pledges, kinds, strict=True):
                value = pledge * price
                collateral += sum(share * max(Decimal(0), min(value, upper) - lower) for lower, upper, share in tiers)
        assert bool(found.healthy[place]) == (debt <= collateral)
        equity = assess(sheets.rows_of(place), sheets.table).equity
        assert Fraction(equity, 10**22) == Fraction(collateral) - Fraction(debt)
    assert found.unhealthy_count == 10


def test_what_the_reader_notes(sheets):
    pledged = [note for note in sheets.notes if "is pledged than held" in note]
    below = [
        (user, asset) for user, balances in plain_sheet().items() for asset, parts in balances.items() if parts[0] < 0
    ]
    assert len(pledged) == len(below) == 20
    assert "sample_users0.csv, line 2, field e_btc: more btc is pledged than held" in pledged[0]
    assert sheets.notes[-1].startswith("the sheets state no time")
    assert sheets.time == 0
    assert not sheets.synthetic
    assert [i.decimals for i in sheets.table.instruments[::5]] == [8, 8, 8, 2]


def test_a_single_sheet_reads_as_its_folder(sheets):
    one = read_exchange_sheets(shared_path(USERS))
    assert one.names == sheets.names
    assert (one.rows.amount == sheets.rows.amount).all()
    assert one.table == sheets.table


def test_the_production_table():
    table, notes = read_asset_table(shared_path(PRODUCTION))
    plain = plain_assets(PRODUCTION)
    assert len(table) == 5 * len(plain) == 2415
    assert table.depth == 3
    assert decode_table(encode_table(table)) == table
    cut = 0
    for place, (symbol, (price, kinds)) in enumerate(plain.items()):
        five = table.instruments[5 * place : 5 * place + 5]
        assert [i.symbol for i in five] == [symbol + part for part in PARTS]
        exact = Decimal(five[0].price).scaleb(-five[0].price_decimals)
        assert 0 <= price - exact < Decimal(1).scaleb(-five[0].price_decimals)
        cut += exact != price
        for instrument, tiers in zip(five[2:], kinds, strict=True):
            for value in (1, 999, 250_000, 10**6, 5 * 10**7, 10**10):
                stated = next((share for lower, upper, share in tiers if lower <= value < upper), Decimal(0))
                at = next(t for t in instrument.tiers if t.lower <= value * 10**4 < t.upper or t.upper == UNBOUNDED)
                assert Decimal(at.rate) / 10**6 == stated
    assert len(notes) == cut
    assert table.path(2415).verify(table.top[2415 // 64], table.digest(2415))


HEADER = "rn,id,e_x,d_x,x,vl_x,m_x,pm_x,total_net_balance_usdt"
GOOD = "0,aa,10.5,2.25,8.25,1,2,3.125,0.0"
INFO = 'symbol,usdt_price,loan_tiers_ratio,margin_tiers_ratio,portfolio_tiers_ratio\nx,{price},"{tiers}","",""\n'


def sheet(folder, *lines, header=HEADER, price="7.5", tiers="[0-100:90,100-200:50]", info=None):
    (folder / "a_users.csv").write_bytes("\r\n".join([header, *lines]).encode("utf-8", "surrogateescape"))
    (folder / "a_assets_info.csv").write_text(INFO.format(price=price, tiers=tiers) if info is None else info)
    return folder


def test_a_small_sheet(tmp_path):
    ledger = read_ledger(sheet(tmp_path, GOOD, "1,bb,0,0,0,0,0,0,12"))
    assert [(r.instrument, r.amount) for r in ledger.rows_of(0)] == [
        (1, 4375),
        (2, -2250),
        (3, 1000),
        (4, 2000),
        (5, 3125),
    ]
    assert ledger.rows_of(1) == ()
    loan = ledger.table[3]
    assert [(t.lower, t.rate) for t in loan.tiers] == [(0, 900_000), (10**6, 500_000), (2 * 10**6, 0)]
    assert [t.rate for t in ledger.table[4].tiers] == [0]
    assert [i.underlying for i in ledger.table.instruments] == [0, 1, 1, 1, 1]


def test_prices_are_cut_and_decimals_raised_where_they_must(tmp_path):
    ledger = read_ledger(sheet(tmp_path, GOOD, price="1.12345678901239999"))
    assert ledger.table[1].decimals == 3
    assert ledger.table[1].price == 11234567890123
    assert "the price of x, 1.12345678901239999, is cut to 1.1234567890123" in ledger.notes
    ledger = read_ledger(sheet(tmp_path, "0,aa,1,0,0,0,0,0,0", price="1844674407.37"))
    assert (ledger.table[1].decimals, ledger.notes[:-1]) == (6, ())


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ("0,aa,-1,2.25,8.25,1,2,3.125,0.0", "e_x", "'-1' is negative"),
        ("0,aa,10.5,-1,8.25,1,2,3.125,0.0", "d_x", "'-1' is negative"),
        ("0,aa,10.5,2.25,8.25,1,2,-3,0.0", "pm_x", "'-3' is negative"),
        ("0,aa,10.5,2.25,8.26,1,2,3.125,0.0", "x", "'8.26' is not equity 10.5 less debt 2.25"),
        ("0,aa,10.5,2.25,-8.25,1,2,3.125,0.0", "x", "'-8.25' is not equity"),
        ("0,aa,10.5,2.25,8.2500000000001,1,2,3.125,0.0", "x", "is not equity"),
        ("0,aa,NaN,2.25,8.25,1,2,3.125,0.0", "e_x", "'NaN' is not a decimal number"),
        ("0,aa,10.5,Infinity,8.25,1,2,3.125,0.0", "d_x", "'Infinity' is not a decimal number"),
        ("0,aa,1e3,2.25,8.25,1,2,3.125,0.0", "e_x", "'1e3' is not a decimal number"),
        ("0,aa,,2.25,8.25,1,2,3.125,0.0", "e_x", "empty"),
        ("0,,10.5,2.25,8.25,1,2,3.125,0.0", "id", "empty"),
        ("x,aa,10.5,2.25,8.25,1,2,3.125,0.0", "rn", "'x' is not a decimal number"),
        ("0,aa,10.5,2.25,8.25,1,2,3.125,nan", "total_net_balance_usdt", "'nan' is not"),
        ("0,aa,9223372036854775.808,0,0,0,0,0,0", "e_x", "the amount of x does not fit 64 bits"),
        ("0,aa,0,9223372036854775.809,0,0,0,0,0", "e_x", "the amount of x:debt does not fit 64 bits"),
        (GOOD, "id", "'aa' was listed before, at a_users.csv, line 2"),
    ],
)
def test_faults_in_a_user_sheet(tmp_path, line, field, message):
    other = GOOD.replace("aa", "zz") if line != GOOD else GOOD
    with pytest.raises(LedgerError) as caught:
        read_ledger(sheet(tmp_path, other, line))
    assert str(caught.value).startswith(f"a_users.csv, line 3, field {field}: ")
    assert message in str(caught.value)


def test_net_columns_are_doubles(tmp_path):
    """0.3 - 0.1 in doubles is 0.19999999999999998, and 0 says nothing."""
    for net in (str(0.3 - 0.1), "0", "0.0", "0.2"):
        ledger = read_ledger(sheet(tmp_path, f"0,aa,0.3,0.1,{net},0,0,0,0"))
        assert ledger.rows_of(0)[0].amount == 3
    assert str(0.3 - 0.1) == "0.19999999999999998"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("rn,id,e_x,d_x,x,vl_x,pm_x,m_x,total_net_balance_usdt", "column 7 is 'pm_x', not 'm_x'"),
        ("rn,id,e_x,d_x,x,vl_x,m_x,pm_x,more", "column 9 is 'more', not 'total_net_balance_usdt'"),
        ("rn,id,e_x,d_x,x,vl_x,m_x,pm_x", "column 9 is 'nothing'"),
        (HEADER + ",more", "unexpected column 'more'"),
        ("rn,id,e_x,d_x,x,vl_x,m_x,pm_x,e_x,d_x,x,vl_x,m_x,pm_x,total_net_balance_usdt", "listed twice"),
        (HEADER.replace("_x", "_y").replace(",x,", ",y,"), "field e_y: no such asset in a_assets_info.csv"),
    ],
)
def test_faults_in_a_header(tmp_path, header, message):
    width = header.count(",") - 1
    line = "0,aa," + ",".join(["0"] * width)
    with pytest.raises(LedgerError, match=re.escape(message)):
        read_ledger(sheet(tmp_path, line, header=header))


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ("0-100:90", "are not in brackets"),
        ("[0-100:90", "are not in brackets"),
        ("[0-100]", "not of the form"),
        ("[0-100:x]", "not of the form"),
        ("[0-100:90;100-200:50]", "not of the form"),
        ("[1-100:90]", "does not follow the bound 0"),
        ("[0-100:90,150-200:50]", "does not follow the bound 100"),
        ("[0-100:90,100-100:50]", "does not follow the bound 100"),
        ("[0-100:50,100-200:90]", "counts 900000 ppm, more than the 500000"),
        ("[0-100:101]", "above 100 percent"),
        ("[0-18446744073709551615:100,18446744073709551615-18446744073709551616:5]", "unbounded"),
        ("[0-18446744073709552:100]", "does not fit 64 bits"),
    ],
)
def test_faults_in_tiers(tmp_path, tiers, message):
    with pytest.raises(LedgerError, match=re.escape("a_assets_info.csv") + ".*" + re.escape(message)):
        read_ledger(sheet(tmp_path, GOOD, tiers=tiers))


def test_faults_in_an_asset_sheet(tmp_path):
    twice = INFO.format(price="1", tiers="") + 'x,1,"","",""\n'
    for info, message in (
        ("", "empty, without a header line"),
        ("symbol,price\n", "not an asset sheet"),
        (twice, "'x' was listed before"),
        (INFO.format(price="-1", tiers=""), "a_assets_info.csv, line 2: price -1 is outside 64 bits"),
        (INFO.format(price="1e400", tiers=""), "is not a decimal number"),
        (INFO.format(price="9" * 30, tiers=""), "is outside 64 bits"),
    ):
        with pytest.raises(LedgerError, match=re.escape(message)):
            read_ledger(sheet(tmp_path, GOOD, info=info))


def test_files_that_must_be_there(tmp_path):
    folder = sheet(tmp_path, GOOD)
    shutil.copy(folder / "a_users.csv", folder / "a_users2.csv")
    with pytest.raises(LedgerError, match=r"was listed before, at a_users\.csv, line 2"):
        read_ledger(folder)
    (folder / "a_users2.csv").write_text(HEADER.replace("_x", "_y").replace(",x,", ",y,") + "\n" + GOOD)
    with pytest.raises(LedgerError, match="its assets differ"):
        read_ledger(folder)
    (folder / "a_users2.csv").unlink()
    shutil.copy(folder / "a_assets_info.csv", folder / "b_assets_info.csv")
    assert len(read_ledger(folder)) == 1
    (folder / "a_assets_info.csv").rename(folder / "c_assets_info.csv")
    with pytest.raises(LedgerError, match=r"found b_assets_info\.csv, c_assets_info\.csv"):
        read_ledger(folder)
    for name in "bc":
        (folder / f"{name}_assets_info.csv").unlink()
    with pytest.raises(LedgerError, match="found none"):
        read_ledger(folder)
    with pytest.raises(LedgerError, match="no users below the header"):
        read_ledger(sheet(tmp_path))


def test_every_published_cum_is_the_offset_that_follows():
    tiers = read_brackets(shared_path(BRACKETS))
    with shared_path(BRACKETS).open() as file:
        stated = json.load(file, parse_float=Decimal)["tiers"]
    assert len(tiers) == 233
    assert max(len(made) for made in tiers.values()) == 12
    for contract, brackets in stated.items():
        for tier, (low, _, rate, leverage, cum) in zip(tiers[contract], brackets, strict=True):
            assert Decimal(tier.lower) / 10**4 == low
            assert Decimal(tier.rate) / 10**6 == rate
            assert Decimal(tier.offset) / 10**10 == cum
            assert 0 <= tier.initial_rate * leverage - 10**6 < leverage
            assert tier.initial_rate >= tier.rate


def bracket_file(folder, *brackets, columns=None):
    columns = columns or ["min_notional", "max_notional", "maintenance_margin_rate", "max_leverage", "cum"]
    path = folder / "brackets.json"
    path.write_text(json.dumps({"columns": columns, "tiers": {"X": list(brackets)}}))
    return path


FIRST = [0.0, 5000.0, 0.01, 50.0, 0.0]


def test_brackets_by_hand(tmp_path):
    tiers = read_brackets(bracket_file(tmp_path, FIRST, [5000, 6000, 0.02, 3, 50.0]))["X"]
    assert [(t.lower, t.upper, t.rate, t.initial_rate, t.offset) for t in tiers] == [
        (0, 5000 * 10**4, 10_000, 20_000, 0),
        (5000 * 10**4, UNBOUNDED, 20_000, 333_334, 50 * 10**10),
    ]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ([5000, 6000, 0.02, 25, 50.0000000001], "bracket 1: cum states 500000000001"),
        ([5000, 6000, 0.02, 25, 49], "cum states 490000000000, but 500000000000 follows"),
        ([5001, 6000, 0.02, 25, 50], "5001 to 6000 does not follow"),
        ([5000, 5000, 0.02, 25, 50], "does not follow"),
        ([5000, 6000, 0.0200001, 25, 50], "not a whole number of 1/1000000"),
        ([5000, 6000, 0.02, 0, 50], "leverage 0 is not positive"),
        ([5000, 6000, 1e-30, 25, 50], "more than 18 digits"),
        ([5000, 1e300, 0.02, 25, 50], "more than 18 digits"),
        ([5000, 10**30, 0.02, 25, 50], "more than 18 digits"),
        ([5000, 6000, 0.02, "25", 50], "'25' is not a number"),
        ([5000, 6000, 0.02, True, 50], "True is not a number"),
        ([5000, 6000, 0.02, 25], "not lists of 5 numbers"),
        ([5000, 6000, 0.02, float("nan"), 50], "NaN is not a number"),
    ],
)
def test_brackets_that_are_refused(tmp_path, second, message):
    with pytest.raises(EncodingError, match=re.escape(message)):
        read_brackets(bracket_file(tmp_path, FIRST, second))


def test_files_that_are_no_bracket_table(tmp_path):
    path = tmp_path / "brackets.json"
    for text in ("", "[]", "{}", '{"columns": [], "tiers": 5}', "[" * 100_000):
        path.write_text(text)
        with pytest.raises(EncodingError, match=r"not a bracket table|nested 100000 deep"):
            read_brackets(path)
    with pytest.raises(EncodingError, match="columns are"):
        read_brackets(bracket_file(tmp_path, columns=["x"]))


def test_tables_of_sheets_are_tables():
    assert isinstance(read_asset_table(shared_path(ASSETS))[0], InstrumentTable)
