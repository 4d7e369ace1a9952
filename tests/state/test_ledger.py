"""Every form of a ledger gives the same ledger, and every fault in one is named with file, line and field."""

import contextlib
import csv
import json
import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.state.ledgers import ledger_of, ledgers
from tests.state.strategies import built_table
from zkstate.errors import EnvironmentFailure, LedgerError, LengthError, MissingError
from zkstate.state import ledger_csv, ledger_jsonl, ledger_parquet
from zkstate.state.ledger import Ledger, OrderColumns, RowColumns
from zkstate.state.ledger_chunk import TABLES
from zkstate.state.ledger_read import read_ledger
from zkstate.state.ledger_write import write_ledger
from zkstate.state.scenarios import Shock
from zkstate.state.schema import PORTFOLIO

KEY_A, KEY_B = "0a" * 32, "0b" * 32
LINES = [
    {"type": "ledger", "version": 1, "venue": "Example", "quote": "USDT", "time": 1795132800, "synthetic": True},
    {"type": "instrument", "instrument": "USDT", "kind": "asset", "decimals": 6, "price": "1"},
    {"type": "instrument", "instrument": "BTC", "kind": "asset", "decimals": 8, "price": "92406.5"},
    {
        "type": "instrument", "instrument": "BTC-PERP", "kind": "perpetual", "decimals": 8, "price": "92406.12345678",
        "notional_price": "92400", "funding": "-17.5", "underlying": "BTC",
    },
    {
        "type": "instrument", "instrument": "BTC-C", "kind": "option", "decimals": 8, "price": "100",
        "margin": "short",
        "expiry": 1798185600, "strike": "95000", "option": "call", "underlying": "BTC",
    },
    {"type": "tier", "instrument": "USDT", "from": "0", "rate": "1"},
    {"type": "tier", "instrument": "BTC", "from": "0", "rate": "0.95"},
    {"type": "tier", "instrument": "BTC", "from": "1000000.5", "rate": "0.5"},
    {"type": "tier", "instrument": "BTC-PERP", "from": "0", "rate": "0.004", "initial": "0.008"},
    {"type": "tier", "instrument": "BTC-C", "from": "0", "rate": "0.1", "initial": "0.2"},
    {"type": "account", "account": "alice", "owner": KEY_A, "view_key": KEY_B},
    {"type": "account", "account": "bob", "owner": KEY_B, "view_key": KEY_A},
    {"type": "row", "account": "bob", "instrument": "BTC", "amount": "-0.00000001"},
    {"type": "row", "account": "alice", "instrument": "BTC-PERP", "amount": "0.25", "entry": "22900",
        "funding": "-17.2"},
    {"type": "row", "account": "alice", "instrument": "USDT", "amount": "25000.500000"},
    {"type": "order", "account": "alice", "instrument": "BTC-PERP", "side": "sell", "price": "98000", "size": "0.25"},
]  # fmt: skip
DROP = object()


def jsonl(path, lines):
    path.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    return path


def folder(path, lines, form="csv"):
    """The lines as CSV or Parquet tables, every column present."""
    path.mkdir()
    for table, (required, optional) in TABLES.items():
        names = (*required, *optional)
        kind = table.removesuffix("s")
        chosen = [[line.get(name) for name in names] for line in lines if line["type"] == kind]
        texts = [
            [None if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in line] for line in chosen
        ]
        if form == "csv":
            with (path / f"{table}.csv").open("w", newline="") as file:
                csv.writer(file).writerows([names, *[[text or "" for text in line] for line in texts]])
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq

            columns = zip(*texts, strict=True) if texts else [[]] * len(names)
            pq.write_table(
                pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)}),
                path / f"{table}.parquet",
            )
    return path


def same(one, other):
    """Whether two ledgers are equal in everything but notes."""
    for field in Ledger.__slots__:
        a, b = getattr(one, field), getattr(other, field)
        if isinstance(a, (RowColumns, OrderColumns)):
            assert all((getattr(a, f) == getattr(b, f)).all() for f in type(a).__slots__), field
            assert all(getattr(a, f).dtype == getattr(b, f).dtype for f in type(a).__slots__), field
        elif isinstance(a, np.ndarray):
            assert (a == b).all(), field
        elif field != "notes":
            assert a == b, field
    return True


def test_the_worked_example(tmp_path):
    ledger = read_ledger(jsonl(tmp_path / "x.jsonl", LINES))
    assert (ledger.venue, ledger.quote, ledger.time, ledger.synthetic) == ("Example", "USDT", 1795132800, True)
    assert ledger.names == ("alice", "bob")
    assert [i.kind for i in ledger.table.instruments] == ["asset", "asset", "perpetual", "option"]
    perp, option = ledger.table[3], ledger.table[4]
    assert (perp.price, perp.notional_price, perp.funding, perp.underlying) == (
        9240612345678,
        9240000000000,
        -1750000000,
        2,
    )
    assert (option.flags, option.strike, option.option, option.notional_price) == (2, 95000 * 10**8, 1, 100 * 10**8)
    assert [(t.lower, t.rate, t.offset) for t in ledger.table[2].tiers] == [
        (0, 950_000, 0),
        (10_000_005_000, 500_000, 10_000_005_000 * -450_000),
    ]
    usdt, position = ledger.rows_of(0)
    assert (usdt.instrument, usdt.amount, usdt.entry, usdt.funding_at_entry) == (1, 25_000_500_000, 0, 0)
    assert (position.amount, position.entry, position.funding_at_entry) == (25_000_000, 22900 * 10**16, -1720000000)
    assert ledger.rows_of(1)[0].amount == -1
    (order,) = ledger.orders_of(0)
    assert (order.instrument, order.side, order.price, order.size) == (3, 1, 98000 * 10**8, 25_000_000)
    assert ledger.owner_of(0) == int(KEY_A, 16)
    assert ledger.index_of("bob") == 1
    with pytest.raises(LedgerError, match="no account is named 'carol'"):
        ledger.index_of("carol")


def test_all_forms_are_one_ledger(tmp_path):
    first = read_ledger(jsonl(tmp_path / "x.jsonl", LINES))
    for form in ("csv", "parquet"):
        assert same(first, read_ledger(folder(tmp_path / form, LINES, form)))


@given(ledgers(most_rows=5, most_accounts=5))
@settings(max_examples=25)
def test_written_ledgers_are_read_back(tmp_path_factory, ledger):
    ledger = replace(ledger, owners=None, view_keys=None)
    base = tmp_path_factory.mktemp("ledgers")
    for form, name in (("jsonl", "x.jsonl"), ("csv", "csv"), ("parquet", "parquet")):
        write_ledger(ledger, base / name, form)
        assert same(ledger, read_ledger(base / name))
    assert sorted(p.name for p in base.iterdir()) == ["csv", "parquet", "x.jsonl"]


def test_a_ledger_is_never_overwritten(tmp_path):
    ledger = read_ledger(jsonl(tmp_path / "x.jsonl", LINES))
    with pytest.raises(EnvironmentFailure, match="exists already"):
        write_ledger(ledger, tmp_path / "x.jsonl")
    with pytest.raises(EnvironmentFailure, match="cannot be written"):
        write_ledger(ledger, tmp_path / "none" / "x.jsonl")


def edited(index, **changes):
    lines = [dict(line) for line in LINES]
    for name, value in changes.items():
        if value is DROP:
            del lines[index][name.rstrip("_")]
        else:
            lines[index][name.rstrip("_")] = value
    return lines


def inserted(index, line):
    return [*LINES[:index], line, *LINES[index:]]


SCENARIO = {"type": "scenario", "price": "0.85", "volatility": "1.3"}
RISK = {"type": "risk", "instrument": "BTC", "changes": "-13860.975", "initial_short": "0.01"}


def risky(factors=("1.3", "1"), more=(), **change):
    """The lines with one scenario and the risk of one instrument."""
    head = {**LINES[0], "initial_factor": factors[0], "maintenance_factor": factors[1]}
    return [head, *LINES[1:10], SCENARIO, {**RISK, **change}, *more, *LINES[10:]]


def test_scenarios(tmp_path):
    ledger = read_ledger(jsonl(tmp_path / "x.jsonl", risky()))
    scenarios = ledger.scenarios
    assert (scenarios.initial_factor, scenarios.maintenance_factor) == (1_300_000, 1_000_000)
    assert scenarios.shocks == (Shock(850_000, 1_300_000),)
    assert [risk.changes for risk in scenarios.risks] == [(0,), (-13_860_975 * 10**5,), (0,), (0,)]
    assert (scenarios[2].initial_short, scenarios[2].initial_long) == (10_000, 0)
    for form in ("csv", "parquet"):
        assert same(ledger, read_ledger(folder(tmp_path / form, risky(), form)))


def test_margin_models(tmp_path):
    lines = risky()
    for at, model in ((12, "portfolio"), (13, "tiers")):
        lines[at] = {**lines[at], "margin": model}
    ledger = read_ledger(jsonl(tmp_path / "x.jsonl", lines))
    assert ledger.portfolio.tolist() == [True, False]
    assert ledger.judged_classes.tolist() == [4 + PORTFOLIO, 4]
    for form in ("csv", "parquet"):
        assert same(ledger, read_ledger(folder(tmp_path / form, lines, form)))
    lines[12] = {**lines[12], "margin": "tiers"}
    assert read_ledger(jsonl(tmp_path / "y.jsonl", lines)).portfolio is None


ROW, ORDER, PERP, OPTION, TIER, ACCOUNT = 13, 15, 3, 4, 7, 11
FAULTS = [
    ("version", edited(0, version=2), 1, "version", "'2', but this reader knows version 1"),
    ("time", edited(0, time=-5), 1, "time", "-5 is outside 64 bits"),
    ("venue", edited(0, venue=""), 1, "venue", "empty"),
    ("second ledger", inserted(1, LINES[0]), 2, "venue", "exactly one line"),
    ("symbol twice", inserted(5, {**LINES[2]}), 6, "instrument", "'BTC' was declared before"),
    ("kind", edited(1, kind="coin"), 2, "kind", "'coin' is none of asset, perpetual, future, option"),
    ("decimals", edited(1, decimals=17), 2, "decimals", "17 is outside 0..16"),
    ("price decimals", edited(2, price="1.123456789"), 3, "price", "'1.123456789' has 9 decimals, but 8 are allowed"),
    ("price", edited(2, price="-1"), 3, None, "price is -100000000"),
    ("price too large", edited(2, price="184467440738"), 3, None, "price is 18446744073800000000"),
    ("price exponent", edited(2, price="1e5"), 3, "price", "'1e5' is not a decimal number"),
    ("price NaN", edited(2, price="NaN"), 3, "price", "'NaN' is not a decimal number"),
    ("asset funding", edited(1, funding="1"), 2, None, "has no funding"),
    ("asset margin", edited(1, margin="short"), 2, None, "flags are 3"),
    ("margin", edited(OPTION, margin="long"), 5, "margin", "'long' is none of both, short"),
    ("option", edited(OPTION, option="cal"), 5, "option", "'cal' is none of call, put"),
    ("no strike", edited(OPTION, strike=DROP), 5, None, "an option has an expiry and a strike"),
    ("kind disagrees", edited(PERP, expiry=5), 4, "kind", "perpetual, but expiry, strike and option make it future"),
    ("underlying", edited(PERP, underlying="XRP"), 4, "underlying", "'XRP' is not among the 4 instruments"),
    ("no tiers", [line for line in LINES if line != LINES[5]], 2, None, "0 tiers"),
    ("14 tiers", LINES[:6] + [{**LINES[5], "from": str(k), "rate": "0"} for k in range(1, 14)] + LINES[6:], 19,
        "instrument", "more than 13 tiers"),
    ("tier of nothing", edited(TIER, instrument="XRP"), 8, "instrument", "'XRP' is not among the 4 instruments"),
    ("tier bound", edited(TIER, from_="0.00001"), 8, "from", "has 5 decimals, but 4 are allowed"),
    ("tier rate", edited(TIER, rate="0.1234567"), 8, "rate", "has 7 decimals, but 6 are allowed"),
    ("rate above 1", edited(6, rate="1.5"), 3, None, "rate is 1500000"),
    ("rising haircut", edited(TIER, rate="0.96"), 3, None, "tier 1 counts 960000 ppm, more than the 950000"),
    ("bounds", edited(TIER, from_="0"), 3, None, "do not increase"),
    ("market without initial", edited(8, initial=DROP), 9, "initial", "empty, but a value is needed"),
    ("asset with initial", edited(TIER, initial="0.1"), 3, None, "an asset has no initial rates"),
    ("account twice", edited(ACCOUNT, account="alice"), 12, "account", "'alice' was declared before, at line 11"),
    ("account name", edited(ACCOUNT, account="a\u0000"), 12, "account", "printable"),
    ("account name length", edited(ACCOUNT, account="a" * 129), 12, "account", "is not 1 to 128 printable bytes"),
    ("no name", edited(ACCOUNT, account=""), 12, "account", "empty, but a value is needed"),
    ("one key missing", edited(ACCOUNT, owner=DROP), 12, "owner", "all of them or none"),
    ("one view key missing", edited(ACCOUNT, view_key=DROP), 12, "view_key", "all of them or none"),
    ("short key", edited(ACCOUNT, owner="0a"), 12, "owner", "'0a' is not 64 hex digits"),
    ("key of no hex", edited(ACCOUNT, owner="0g" * 32), 12, "owner", "is not 64 hex digits"),
    ("key with spaces", edited(ACCOUNT, owner=" " * 64), 12, "owner", "is not 64 hex digits"),
    ("owner above r", edited(ACCOUNT, owner="ff" * 32), 12, "owner", "is not below the field's modulus"),
    ("owner is r", edited(ACCOUNT, owner="30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001"), 12,
        "owner", "modulus"),
    ("view key 0", edited(ACCOUNT, view_key="00" * 32), 12, "view_key", "small order"),
    ("row of nobody", edited(ROW, account="carol"), 14, "account", "'carol' is not among the 2 accounts"),
    ("row of nothing", edited(ROW, instrument="XRP"), 14, "instrument", "'XRP' is not among the 4 instruments"),
    ("amount decimals", edited(ROW, amount="0.123456789"), 14, "amount",
        "'0.123456789' has more decimals than the 8"),
    ("scenario price", [*LINES[:10], {**SCENARIO, "price": "-1"}, *LINES[10:]], 11, "price", "price_ppm is -1000000"),
    ("scenario decimals", [*LINES[:10], {**SCENARIO, "price": "0.0000001"}, *LINES[10:]], 11, "price", "7 decimals"),
    ("33 scenarios", [*LINES[:10], *[SCENARIO] * 33, *LINES[10:]], 43, "price", "more than 32"),
    ("risk of nothing", risky(instrument="XRP"), 12, "instrument", "'XRP' is not among the 4 instruments"),
    ("risk twice", risky(more=[RISK]), 13, "instrument", "the risk of 'BTC' was stated before"),
    ("changes", risky(changes="1 2"), 12, "changes", "2 changes, but there are 1 scenarios"),
    ("change decimals", risky(changes="0.123456789"), 12, "changes", "9 decimals"),
    ("change width", risky(changes="92233720368.54775808"), 12, "changes", "change 0 is 9223372036854775808"),
    ("contingency", risky(initial_long="0.1", maintenance_long="0.2"), 12, "changes", "initial_long is 100000"),
    ("margin model", [*risky()[:12], {**risky()[12], "margin": "cross"}, *risky()[13:]], 13, "margin",
        "'cross' is neither tiers nor portfolio"),
    ("portfolio without scenarios", edited(ACCOUNT, margin="portfolio"), 12, "margin", "the ledger has no scenarios"),
    ("no factor", [LINES[0], *risky()[1:]], 1, "initial_factor", "need initial_factor and maintenance_factor"),
    ("factors", risky(factors=("0.5", "1")), 1, "initial_factor", "initial_factor is 500000"),
    ("no scenarios", [*risky()[:10], *risky()[11:]], 1, "initial_factor", "risks or factors, and no scenarios"),
    ("isolated asset", edited(12, isolated=True), 13, "isolated", "is stated of an asset"),
    ("amount zero", edited(12, amount="0.0"), 13, "amount", "is zero, and 'bob' has no order of BTC"),
    ("amount too large", edited(ROW, amount="92233720368.54775808"), 14, "amount", "does not fit a signed 64-bit"),
    ("amount too small", edited(ROW, amount="-92233720368.54775809"), 14, "amount", "does not fit a signed 64-bit"),
    ("amount NaN", edited(ROW, amount="NaN"), 14, "amount", "'NaN' is not a decimal number"),
    ("amount Infinity", edited(ROW, amount="-Infinity"), 14, "amount", "'-Infinity' is not a decimal number"),
    ("amount exponent", edited(ROW, amount="1e-3"), 14, "amount", "'1e-3' is not a decimal number"),
    ("amount missing", edited(ROW, amount=""), 14, "amount", "empty, but a value is needed"),
    ("amount of digits", edited(ROW, amount="1" * 400), 14, "amount", "(400 characters) is not a decimal number"),
    ("entry decimals", edited(ROW, entry="0.00000000000000001"), 14, "entry", "has more decimals than the 16"),
    ("entry too large", edited(ROW, entry="17014118346046923173168.7303715884105728"), 14, "entry",
        "does not fit a signed 128-bit"),
    ("funding too large", edited(ROW, funding="92233720368.54775808"), 14, "funding", "does not fit a signed 64-bit"),
    ("entry of an asset", edited(ROW - 1, entry="1"), 13, "entry", "'1' is given, but an asset has none"),
    ("funding of an asset", edited(ROW - 1, funding="1"), 13, "funding", "'1' is given, but an asset has none"),
    ("row twice", inserted(15, {**LINES[ROW], "amount": "1"}), 16, "instrument",
        "account 'alice' has a row of BTC-PERP already, at line 14"),
    ("side", edited(ORDER, side="short"), 16, "side", "'short' is not among the 2 sides, buy and sell"),
    ("order price", edited(ORDER, price="-1"), 16, "price", "'-1' is negative"),
    ("order price too large", edited(ORDER, price="184467440737.09551616"), 16, "price",
        "does not fit an unsigned 64-bit"),
    ("order size zero", edited(ORDER, size="0"), 16, "size", "'0' is zero"),
    ("order size", edited(ORDER, size="-0.5"), 16, "size", "'-0.5' is negative"),
    ("order of nobody", edited(ORDER, account="carol"), 16, "account", "'carol' is not among the 2 accounts"),
    ("65 orders", [*LINES, *[LINES[ORDER]] * 64], 80, "account", "'alice' has 65 orders; at most 64 fit an account"),
    ("129 orders of 2", [*LINES, *[LINES[ORDER]] * 128], 144, "instrument", "129 entries, but 128 fit 2 accounts"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "number", "field", "message"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_every_fault_is_named(tmp_path, lines, number, field, message):
    with pytest.raises(LedgerError) as caught:
        read_ledger(jsonl(tmp_path / "x.jsonl", lines))
    text = str(caught.value)
    assert text.startswith(f"x.jsonl, line {number}")
    assert message in text
    if field is not None:
        assert f"field {field}:" in text


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(("lines", "number", "field", "message"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_other_forms_name_the_same_faults(tmp_path, form, lines, number, field, message):
    line = lines[number - 1]
    table = {"ledger": "ledger"}.get(line["type"], line["type"] + "s")
    before = sum(other["type"] == line["type"] for other in lines[: number - 1])
    message = re.sub(r"at line (\d+)", lambda m: f"at {'line' if form == 'csv' else 'row'}", message)
    if table == "ledger" and before:
        number = 1
    with pytest.raises(LedgerError) as caught:
        read_ledger(folder(tmp_path / "x", lines, form))
    text = str(caught.value)
    unit, offset = ("line", 2) if form == "csv" else ("row", 1)
    assert text.startswith((f"{table}.{form}, {unit} {before + offset}", f"{table}.{form}: "))
    assert message in text or re.search(r"at most \d+$", text)


def test_65_rows_are_too_many(tmp_path):
    more = [{**LINES[1], "instrument": f"A{k}"} for k in range(65)]
    tiers = [{**LINES[5], "instrument": f"A{k}"} for k in range(65)]
    rows = [{"type": "row", "account": "bob", "instrument": f"A{k}", "amount": "1"} for k in range(65)]
    lines = [LINES[0], *more, *tiers, *LINES[10:12], *rows]
    with pytest.raises(LedgerError, match=r"x\.jsonl, line 198, field account: 'bob' has 65 rows; at most 64"):
        read_ledger(jsonl(tmp_path / "x.jsonl", lines))
    assert read_ledger(jsonl(tmp_path / "x.jsonl", lines[:-1])).rows.counts.tolist() == [0, 64]


def test_full_width_values_are_read(tmp_path):
    lines = edited(
        ROW,
        amount="-92233720368.54775808",
        entry="-17014118346046923173168.7303715884105728",
        funding="92233720368.54775807",
    )
    row = read_ledger(jsonl(tmp_path / "x.jsonl", lines)).rows_of(0)[1]
    assert (row.amount, row.entry, row.funding_at_entry) == (-(2**63), -(2**127), 2**63 - 1)


def test_keys_are_optional_as_a_whole(tmp_path):
    lines = [{k: v for k, v in line.items() if k not in ("owner", "view_key")} for line in LINES]
    ledger = read_ledger(jsonl(tmp_path / "x.jsonl", lines))
    assert ledger.owners is None
    with pytest.raises(LedgerError, match="no account keys"):
        ledger.keys()
    lines[11] = LINES[11]
    with pytest.raises(
        LedgerError, match=r"line 11, field owner: the empty field has no key|line 12, field owner: .* is a key"
    ):
        read_ledger(jsonl(tmp_path / "x.jsonl", lines))


def raw(text, place=None):
    """The worked example with raw bytes for the line of its perpetual position (line 14)."""
    lines = [json.dumps(line).encode() for line in LINES]
    lines[13 if place is None else place] = text
    return b"\n".join(lines) + b"\n"


GOOD_ROW = b'{"type":"row","account":"alice","instrument":"BTC-PERP","amount":"0.25"}'
BROKEN = [
    (raw(b""), "line 14: the line is empty"),
    (raw(b"{"), "line 14"),
    (raw(b"[]"), "line 14: Expected `object`, got `array`"),
    (raw(GOOD_ROW + b" x"), "line 14"),
    (raw(GOOD_ROW.replace(b'"0.25"', b"0.25")), "line 14: Expected `str`, got `float` - at `$.amount`"),
    (raw(GOOD_ROW.replace(b'"0.25"', b"NaN")), "line 14"),
    (raw(GOOD_ROW.replace(b'"0.25"', b"null")), "line 14: Expected `str`, got `null` - at `$.amount`"),
    (raw(GOOD_ROW.replace(b"alice", b"al\xffice")), "line 14: not UTF-8 at byte"),
    (raw(GOOD_ROW.replace(b"alice", b"al\xed\xa0\x80ice")), "line 14: not UTF-8 at byte"),
    (raw(GOOD_ROW.replace(b"alice", b"al\\ud800ice")), "line 14"),
    (raw(GOOD_ROW.replace(b'"type":"row",', b"")), "line 14: Object missing required field `type`"),
    (raw(GOOD_ROW.replace(b'"row"', b'"rows"')), "line 14: Invalid value 'rows' - at `$.type`"),
    (raw(GOOD_ROW.replace(b'"amount"', b'"amuont"')), "line 14"),
    (
        raw(GOOD_ROW.replace(b'"amount":"0.25"', b'"amount":"0.25","amuont":"1"')),
        "line 14: Object contains unknown field `amuont`",
    ),
    (
        raw(GOOD_ROW.replace(b'"amount":"0.25"', b'"amount":"0.25","amount":"0.26"')),
        "line 14: field amount occurs twice",
    ),
    (
        raw(GOOD_ROW.replace(b'"amount":"0.25"', b'"amount":"0.25","\\u0061mount":"0.26"')),
        "line 14: field amount occurs twice",
    ),
    (
        raw(GOOD_ROW.replace(b'"amount":"0.25"', b'"amount":"0.25","amount" :"0.26"')),
        "line 14: field amount occurs twice",
    ),
    (raw(GOOD_ROW.replace(b'"0.25"', b'"' + b"1" * 70_000 + b'"')), "line 14: longer than 65536 bytes"),
    (b'{"type":"ledger"' + b" " * 70_000, "line 1: longer than 65536 bytes"),
    (b"\xef\xbb\xbf" + raw(GOOD_ROW), "line 1"),
    (b"", "the ledger table is missing"),
    (json.dumps(LINES[1]).encode() + b"\n" + json.dumps(LINES[0]).encode(), "line 2, field type: ledger come too late"),
]


@pytest.mark.parametrize(("data", "message"), BROKEN, ids=range(len(BROKEN)))
def test_broken_json_lines(tmp_path, data, message):
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    with pytest.raises(LedgerError, match=re.escape(message)):
        read_ledger(path)


@pytest.mark.parametrize(
    "text", [GOOD_ROW, GOOD_ROW.replace(b":", b" : "), GOOD_ROW.replace(b"alice", b"\\u0061lice"), GOOD_ROW + b"\r"]
)
def test_json_is_read_however_it_is_spaced(tmp_path, text):
    path = tmp_path / "x.jsonl"
    path.write_bytes(raw(text).removesuffix(b"\n"))
    assert read_ledger(path).rows_of(0)[1].amount == 25_000_000


def test_block_borders_change_nothing(tmp_path, monkeypatch):
    path = jsonl(tmp_path / "x.jsonl", LINES)
    whole = read_ledger(path)
    for size in (100, 301, 777):
        monkeypatch.setattr(ledger_jsonl, "BLOCK", size)
        assert same(whole, read_ledger(path))
        with pytest.raises(LedgerError, match="line 15, field amount"):
            read_ledger(jsonl(tmp_path / f"{size}.jsonl", edited(14, amount="x")))
    monkeypatch.setattr(ledger_csv, "CHUNK_LINES", 1)
    assert same(whole, read_ledger(folder(tmp_path / "csv", LINES)))
    with pytest.raises(LedgerError, match="already, at line 3"):
        read_ledger(folder(tmp_path / "csv2", inserted(15, LINES[ROW])))
    monkeypatch.setattr(ledger_parquet, "CHUNK_LINES", 1)
    assert same(whole, read_ledger(folder(tmp_path / "parquet", LINES, "parquet")))


def broken_csv(tmp_path, name, change):
    path = folder(tmp_path / "x", LINES)
    file = path / name
    file.write_bytes(change(file.read_bytes()))
    return path


CSV_FAULTS = [
    ("rows.csv", lambda b: b.replace(b"amount,", b""), "rows.csv: column amount is missing"),
    ("rows.csv", lambda b: b.replace(b"amount", b"quantity"), "rows.csv: unexpected column 'quantity'"),
    ("rows.csv", lambda b: b.replace(b"entry", b"amount"), "rows.csv: column amount occurs twice"),
    ("rows.csv", lambda b: b.replace(b"alice,USDT", b"alice,USDT,1"),
        "rows.csv, line 4: 7 fields, but the header has 6"),
    ("rows.csv", lambda b: b.replace(b"alice,USDT", b"alice"), "rows.csv, line 4: 5 fields, but the header has 6"),
    ("rows.csv", lambda b: b.replace(b"alice,USDT", b"al\xffice,USDT"), "rows.csv, line 4: not UTF-8 at byte 2"),
    ("rows.csv", lambda b: b.replace(b"alice,USDT", b'"alice"x,USDT'), "rows.csv, line 4"),
    ("rows.csv", lambda b: b.replace(b"alice,USDT", b'"al\nice",USDT'),
        "rows.csv, line 4: a line break inside quotes"),
    ("rows.csv", lambda b: b.replace(b"alice,USDT", b'"alice,USDT'), "rows.csv, line 4"),
    ("rows.csv", lambda b: b.replace(b"alice,USDT", b"x" * 70_000), "rows.csv, line 4: longer than 65536 bytes"),
    ("rows.csv", lambda b: b.replace(b"\r\n", b"\r\n\r\n", 1), "rows.csv, line 2: 0 fields, but the header has 6"),
    ("rows.csv", lambda b: b"", "rows.csv: empty, without a header line"),
    ("rows.csv", lambda b: b"\xef\xbb\xbf" + b, "rows.csv: unexpected column"),
    ("ledger.csv", lambda b: b.splitlines(keepends=True)[0], "the ledger table is missing"),
    ("ledger.csv", lambda b: b.replace(b"true", b"yes"), "ledger.csv, line 2, field synthetic: 'yes' is neither"),
    ("ledger.csv", lambda b: b.replace(b"1795132800", b"1e9"), "ledger.csv, line 2, field time: '1e9' is not"),
    ("instruments.csv", lambda b: b.replace(b"asset,6", b"asset,six"),
        "instruments.csv, line 2, field decimals: 'six' is not"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "message"), CSV_FAULTS, ids=range(len(CSV_FAULTS)))
def test_broken_csv(tmp_path, name, change, message):
    with pytest.raises(LedgerError, match=re.escape(message)):
        read_ledger(broken_csv(tmp_path, name, change))


def test_tables_that_may_and_may_not_be_left_out(tmp_path):
    path = folder(tmp_path / "x", LINES)
    (path / "orders.csv").unlink()
    assert len(read_ledger(path).orders.size) == 0
    (path / "tiers.csv").unlink()
    with pytest.raises(LedgerError, match=r"tiers\.csv is missing"):
        read_ledger(path)
    path = folder(tmp_path / "y", LINES, "parquet")
    (path / "orders.parquet").unlink()
    assert len(read_ledger(path).orders.size) == 0
    (path / "rows.parquet").unlink()
    with pytest.raises(LedgerError, match=r"rows\.parquet is missing"):
        read_ledger(path)


def rewrite_rows(path, **columns):
    import pyarrow.parquet as pq

    table = pq.read_table(path / "rows.parquet")
    for name, array in columns.items():
        table = table.set_column(table.column_names.index(name), name, array)
    pq.write_table(table, path / "rows.parquet")
    return path


def test_parquet_decimals_and_integers_are_exact(tmp_path):
    import pyarrow as pa

    path = folder(tmp_path / "x", LINES, "parquet")
    text = read_ledger(path)
    values = [Decimal("-0.00000001"), Decimal("0.25"), Decimal("25000.5")]
    for scale in (8, 12, 18):
        array = pa.array(values, pa.decimal128(38, scale))
        assert same(text, read_ledger(rewrite_rows(path, amount=array)))
    entry = pa.array([None, Decimal(22900), None], pa.decimal128(38, 16))
    assert same(text, read_ledger(rewrite_rows(path, entry=entry)))
    dictionary = pa.array(["BTC", "BTC-PERP", "USDT"]).dictionary_encode()
    assert same(text, read_ledger(rewrite_rows(path, instrument=dictionary)))
    whole = read_ledger(rewrite_rows(path, amount=pa.array([-1, 2, 25000], pa.int64())))
    assert [row.amount for row in whole.rows_of(0)] == [25_000 * 10**6, 2 * 10**8]
    sliced = pa.concat_arrays([pa.array([Decimal(9)], pa.decimal128(38, 8)), pa.array(values, pa.decimal128(38, 8))])
    assert same(text, read_ledger(rewrite_rows(path, amount=sliced.slice(1))))


def test_parquet_faults(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder(tmp_path / "x", LINES, "parquet")

    d128 = pa.decimal128(38, 20)
    with pytest.raises(LedgerError, match="row 1, field amount: the column has type double"):
        read_ledger(rewrite_rows(path, amount=pa.array([1.0, 2.0, 3.0])))
    with pytest.raises(LedgerError, match="row 2, field amount: the value has more decimals than the 8"):
        read_ledger(rewrite_rows(path, amount=pa.array([Decimal(1), Decimal("0.000000001"), Decimal(1)], d128)))
    with pytest.raises(LedgerError, match="row 3, field amount: empty, but a value is needed"):
        read_ledger(rewrite_rows(path, amount=pa.array([Decimal(1), Decimal(1), None], d128)))
    with pytest.raises(LedgerError, match="row 1, field account: the column has type decimal128"):
        read_ledger(rewrite_rows(path, account=pa.array([Decimal(1)] * 3, d128)))
    bad = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.array([0, 1, 2, 3], pa.int32()).buffers()[1], pa.py_buffer(b"a\xffb")]
    )
    with pytest.raises(LedgerError, match="row 2, field account: not UTF-8"):
        read_ledger(rewrite_rows(path, account=bad))
    pq.write_table(pa.table({"account": ["x"], "instrument": ["y"]}), path / "rows.parquet")
    with pytest.raises(LedgerError, match=r"rows\.parquet: column amount is missing"):
        read_ledger(path)
    for data in (b"", b"PAR1", b"x" * 100):
        (path / "rows.parquet").write_bytes(data)
        with pytest.raises(LedgerError, match=r"rows\.parquet: not a readable Parquet file"):
            read_ledger(path)


def test_parquet_counts_are_limited_before_reading(tmp_path, monkeypatch):
    path = folder(tmp_path / "x", LINES, "parquet")
    monkeypatch.setitem(ledger_parquet._MOST_ROWS, "accounts", 1)
    with pytest.raises(LedgerError, match=r"accounts\.parquet: 2 rows; at most 1"):
        read_ledger(path)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    import sys

    path = folder(tmp_path / "x", LINES, "parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EnvironmentFailure, match=r"pip install 'zkstate\[data\]'"):
        read_ledger(path)


def test_paths_that_hold_no_ledger(tmp_path):
    with pytest.raises(MissingError, match="no such file or folder"):
        read_ledger(tmp_path / "none")
    with pytest.raises(LedgerError, match=r"holds no ledger\.parquet, ledger\.csv or exchange sheet"):
        read_ledger(tmp_path)
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(LedgerError, match="is no ledger"):
        read_ledger(tmp_path / "x.txt")


def test_ledgers_that_cannot_be_built():
    table = built_table([
        {
            "id": 1, "symbol": "A", "flags": 1, "decimals": 8, "price": 1, "notional_price": 1, "funding": 0,
            "expiry": 0,
            "strike": 0, "option": 0, "underlying": 0, "tiers": [(0, 1, 0)],
        }
    ])  # fmt: skip
    good = ledger_of(table, [[(1, 5, 0, 0)], []])
    with pytest.raises(LedgerError, match="venue name"):
        replace(good, venue="x" * 61)
    with pytest.raises(LengthError, match="rows are cut into 2 accounts, but there are 3"):
        replace(good, names=("a", "b", "c"))
    with pytest.raises(LedgerError, match="owners and view keys, or neither"):
        replace(good, view_keys=None)
    with pytest.raises(LengthError, match="owners have shape"):
        replace(good, owners=good.owners[:1])
    with pytest.raises(LedgerError, match="account 'account 1' has portfolio margin, and the venue has no scenarios"):
        replace(good, portfolio=np.array([False, True]))
    with pytest.raises(LengthError, match="margin models of 1 accounts"):
        replace(good, portfolio=np.array([False]))
    with pytest.raises(LedgerError, match="account 'account 0' has 65 rows"):
        ledger_of(table, [[(1, 5, 0, 0)] * 65])


def test_small_order_points_are_those_x25519_refuses():
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    from zkstate.state.ledger_tables import _SMALL_ORDER, _small_order

    mine = X25519PrivateKey.generate()
    for u in _SMALL_ORDER:
        for top in (0, 1 << 255):
            key = (u | top).to_bytes(32, "little")
            assert _small_order(np.frombuffer(key, np.uint8).reshape(1, 32))[0]
            with pytest.raises(ValueError):
                mine.exchange(X25519PublicKey.from_public_bytes(key))
    honest = mine.public_key().public_bytes_raw()
    assert not _small_order(np.frombuffer(honest, np.uint8).reshape(1, 32))[0]


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_no_bytes_raise_anything_untyped(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "x.jsonl"
    path.write_bytes(raw(data, place=5))
    with contextlib.suppress(LedgerError):
        read_ledger(path)
