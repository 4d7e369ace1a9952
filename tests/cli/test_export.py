"""recover --export and verify of it, read by readers that are not ours, and held against changes of every part."""

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import pyarrow.parquet
import pytest

from circuits.migration import Export
from lightclient.bundle import Bundle
from tests.cli.program import environment, tree, zkstate
from tests.state.test_options import in_doubles, plain_table
from zkstate.errors import EncodingError
from zkstate.state import valuation_files
from zkstate.state.options import Option
from zkstate.state.revaluation import option_of, portfolio_greeks
from zkstate.state.schema import Row
from zkstate.state.valuation import COLUMNS, lines

CHALLENGE, EXPIRY = "ab" * 32, "2099-01-01T00:00:00Z"
FORMS = {"portfolio.csv", "portfolio.json", "portfolio.parquet"}


@pytest.fixture(scope="module")
def exported(recovered, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "export"
    done = zkstate(
        "recover", "--key", recovered.key, "--mirror", recovered.mirror, "--header", recovered.header, "--out",
        out.with_name("account.json"), "--export", out, "--challenge", CHALLENGE, "--expiry", EXPIRY,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "shows the whole account" in done.err
    return out


def judged(folder, *more):
    return zkstate("verify", folder, "--challenge", CHALLENGE, *more, "--json", believe=False)


def by_outsiders(folder):
    """The table as the standard library and Arrow read it, as dictionaries of text."""
    with (folder / "portfolio.csv").open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    form = json.loads((folder / "portfolio.json").read_bytes())
    from_json = [dict(zip(form["columns"], row, strict=True)) for row in form["rows"]]
    from_parquet = pyarrow.parquet.read_table(folder / "portfolio.parquet").to_pylist()
    return from_csv, from_json, from_parquet


def test_three_readers_find_the_account_and_the_verdict_says_what_is_computed(exported, recovered):
    bundle = Bundle.read(recovered.bundle)
    for table in by_outsiders(exported):
        assert len(table) == len(bundle.account.rows)
        for line, row in zip(table, bundle.account.rows, strict=True):
            instrument = bundle.table[row.instrument]
            size = Decimal(row.amount).scaleb(-instrument.decimals)
            mark = Decimal(instrument.price).scaleb(-instrument.price_decimals)
            assert (line["account_symbol"], Decimal(line["account_size"])) == (instrument.symbol, size)
            assert (Decimal(line["table_mark_price"]), Decimal(line["computed_value"])) == (mark, size * mark)
            if not instrument.is_asset:
                entry = Decimal(row.entry).scaleb(-16)
                paid = size * Decimal(instrument.funding - row.funding_at_entry).scaleb(-instrument.price_decimals)
                assert Decimal(line["computed_profit"]) == size * mark - entry - paid
    told = judged(exported, "--header", recovered.header)
    assert told.code == 0, told.err
    assert (told.json["kind"], told.json["accepted"], told.json["statement"]) == ("export", True, "position")
    assert any("computed_*" in words for words in told.json["not_shown"])
    assert {name.split("_")[0] for name in by_outsiders(exported)[0][0]} == {"account", "table", "computed"}
    stated = json.loads((exported / "export.json").read_bytes())["columns"]
    assert all(column["name"].startswith(column["source"] + "_") for column in stated)


def test_no_secret_leaves(exported, recovered):
    secret = f"{Bundle.read(recovered.bundle).owner_secret:064x}"
    key = recovered.key.read_text().strip()
    for content in tree(exported).values():
        for form in (secret, key):
            assert form.encode() not in content
            assert bytes.fromhex(form) not in content


def test_forms_may_be_left_out_but_one(exported, tmp_path):
    for kept in sorted(FORMS):
        folder = tmp_path / kept
        shutil.copytree(exported, folder)
        for name in FORMS - {kept}:
            (folder / name).unlink()
        assert judged(folder).code == 0
    (folder / kept).unlink()
    assert (judged(folder).code, "holds no table" in judged(folder).err) == (2, True)


def test_every_file_is_bound_to_the_proof(exported, tmp_path):
    """Whatever one byte becomes, the export is refused; and a table that was made to fit its hash, too."""
    for name in sorted(tree(exported)):
        good = (exported / name).read_bytes()
        for at in range(0, len(good), max(1, len(good) // 7)):
            folder = tmp_path / "changed"
            shutil.copytree(exported, folder)
            (folder / name).write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            assert judged(folder).code in (1, 2, 4), (name, at)
            shutil.rmtree(folder)


def test_a_table_that_was_changed_together_with_its_hash_is_refused(exported, tmp_path):
    folder = tmp_path / "forged"
    shutil.copytree(exported, folder)
    export = Export.decode((folder / "export.json").read_bytes())
    table = [list(line) for line in valuation_files.from_csv((folder / "portfolio.csv").read_bytes())]
    table[0][2] += "1"
    forms = {name: write([tuple(line) for line in table]) for name, write in valuation_files.WRITERS.items()}
    listed = tuple(type(file)(file.path, hashlib.sha256(forms[file.path]).hexdigest()) for file in export.files)
    for name, data in forms.items():
        (folder / name).write_bytes(data)
    (folder / "export.json").write_bytes(replace(export, files=listed).encode())
    told = judged(folder)
    assert told.code == 1
    assert sum("is not the table" in reason for reason in told.json["reasons"]) == len(FORMS)
    assert any("the proof answers" in reason for reason in told.json["reasons"])


def test_another_challenge_header_or_none_is_refused(exported, published, tmp_path):
    assert zkstate("verify", exported, believe=False).code == 2
    other = zkstate("verify", exported, "--challenge", "cd" * 32, "--json", believe=False)
    assert other.code == 1
    assert "the export answers challenge" in other.json["reasons"][0]
    assert judged(exported, "--header-hash", "00" * 32).code == 1
    for more in (("--export", tmp_path / "x"), ("--challenge", CHALLENGE),
                 ("--export", tmp_path / "x", "--challenge", "00" * 32, "--expiry", EXPIRY)):  # fmt: skip
        refused = zkstate("recover", "--key", published.key, "--mirror", published.mirror, "--header",
                          published.header, "--out", tmp_path / "account.json", *more)  # fmt: skip
        assert refused.code == 2, refused
    assert list(tmp_path.iterdir()) == []


def test_names_that_a_spreadsheet_would_run_are_shielded_and_come_back():
    row = {column.name: "" for column in COLUMNS} | {"account_size": "-1.5"}
    for symbol in ("=1+1", "+A", "-A1", "@SUM(A1)", "'quoted", "plain,comma", 'with"quote', "ETH"):
        line = tuple((row | {"account_symbol": symbol}).values())
        data = valuation_files.to_csv([line])
        (found,) = csv.DictReader(data.decode().splitlines())
        assert not found["account_symbol"].startswith(("=", "+", "-", "@"))
        assert found["account_size"] == "-1.5"
        assert list(valuation_files.from_csv(data)) == [line]
        assert list(valuation_files.from_json(valuation_files.to_json([line]))) == [line]
        assert list(valuation_files.from_parquet(valuation_files.to_parquet([line]))) == [line]


@pytest.mark.parametrize("name", sorted(FORMS))
def test_forms_that_are_none_are_refused(name):
    good = valuation_files.WRITERS[name]([("x",) * len(COLUMNS)])
    for bad in (b"", good[:-3], good + b"\n", b"\0" * 50, good.replace(b"account_size", b"account_SIZE"),
                valuation_files.WRITERS[name]([("x",) * len(COLUMNS)] * 65), b"[" * 2000):  # fmt: skip
        with pytest.raises(EncodingError):
            valuation_files.READERS[name](bad)


def test_greeks_of_options_are_those_of_the_book_and_of_doubles():
    table = plain_table()
    time = 1_795_132_800
    options = [i for i in table.instruments if i.option and i.underlying]
    assert options
    rows = [Row(i.id, 3 * 10**i.decimals) for i in options]
    names = [column.name for column in COLUMNS]
    found = [dict(zip(names, line, strict=True)) for line in lines(rows, table, time)]
    book = portfolio_greeks(rows, table, time)
    for greek in ("delta", "gamma", "vega", "theta"):
        total = sum(Decimal(line[f"computed_{greek}"]) for line in found)
        assert abs(total - sum(getattr(one, greek) for one in book.values())) < Decimal("1e-12")
    for line, instrument in zip(found, options, strict=True):
        option: Option = option_of(instrument, table, time)
        assert in_doubles(option) == pytest.approx(float(line["table_mark_price"]), rel=1e-6)
        assert abs(Decimal(line["computed_implied_volatility"]) - option.volatility) < Decimal("1e-15")


def test_nothing_that_lies_in_the_export_is_run(exported, tmp_path):
    """Judged from within its own folder, where modules of the names that the program imports are planted."""
    folder = tmp_path / "planted"
    shutil.copytree(exported, folder)
    planted = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    for name in ("zkstate", "zkstate/state", "numpy", "pyarrow"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(planted)
    for name in ("zkstate/state/valuation_parquet", "msgspec", "struct"):
        (folder / f"{name}.py").write_text(planted)
    told = subprocess.run(
        [sys.executable, "-P", "-m", "zkstate", "verify", ".", "--challenge", CHALLENGE],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert (told.returncode, (tmp_path / "ran").exists()) == (0, False), told.stderr
