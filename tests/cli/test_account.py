"""The table of an account: whatever the width, no number in it is cut."""

import io
from dataclasses import replace
from statistics import NormalDist

import pytest
from rich.console import Console

from lightclient.bundle import Bundle
from tests.state.test_options import NOW, plain_table
from zkstate.cli.account import COLUMNS, DISPENSABLE, account_result, greeks_facts, show_account
from zkstate.state.decimals import render
from zkstate.state.schema import Row
from zkstate.state.table import InstrumentTable


def drawn(bundle, width):
    text = io.StringIO()
    show_account(Console(file=text, width=width, highlight=False), bundle.account, bundle.table, bundle.header.time)
    return text.getvalue()


@pytest.mark.parametrize("width", [200, 80, 60, 40, 30])
def test_every_amount_is_whole_at_any_width(recovered, width):
    bundle = Bundle.read(recovered.bundle)
    text = drawn(bundle, width)
    assert "…" not in text
    for row in bundle.account.rows:
        instrument = bundle.table[row.instrument]
        assert f" {render(row.amount, instrument.decimals)}" in text
        assert instrument.symbol in text


def test_columns_that_do_not_fit_are_named(recovered):
    bundle = Bundle.read(recovered.bundle)
    assert "not in the table" not in drawn(bundle, 200)
    heading, *rest = drawn(bundle, 60).splitlines()
    shown = heading.replace("┃", " ").split()
    left_out = [name for name in COLUMNS if name not in shown]
    assert set(left_out) == set(DISPENSABLE[: len(left_out)]) != set()
    assert any(", ".join(left_out) in line for line in rest)
    assert all(len(line) <= 60 for line in rest if "│" in line)


def test_a_number_wider_than_the_terminal_is_folded(recovered):
    bundle = Bundle.read(recovered.bundle)
    table = [line for line in drawn(bundle, 16).splitlines() if "│" in line]
    amounts = "".join(line.split("│")[1].strip() for line in table)
    assert amounts == "".join(render(row.amount, bundle.table[row.instrument].decimals) for row in bundle.account.rows)


def test_greeks_of_a_book_with_options_are_told(recovered):
    """Two calls written: strike 2100, forward 2000, a fifth of a year, volatility 0.6; and three of the underlying."""
    table = plain_table()
    rows = (Row(1, 3 * 10**6), Row(3, 10**9), Row(4, -2 * 10**6))
    account = replace(Bundle.read(recovered.bundle).account, rows=rows, orders=())
    d_1 = 0.6 * 0.2**0.5 / 2 + NormalDist().inv_cdf(0.5) - 0.04879016416943 / (0.6 * 0.2**0.5)  # ln 2100/2000
    (told,) = account_result(account, table, NOW)["greeks"]
    assert (told["underlying"], told["symbol"]) == (1, "ETH")
    assert float(told["delta"]) == pytest.approx(3 - 2 * NormalDist().cdf(d_1), abs=1e-9)
    assert float(told["vega"]) == pytest.approx(-2 * 2_000 * 0.2**0.5 * NormalDist().pdf(d_1), rel=1e-9)
    ((name, line),) = greeks_facts(account, table, NOW)
    assert name == "greeks, ETH"
    assert line.startswith(f"delta {float(told['delta']):.6f}, gamma -")
    assert greeks_facts(replace(account, rows=rows[:2]), table, NOW) == []


def test_greeks_that_no_volatility_gives_are_said_to_be_unknown(recovered):
    table = plain_table()
    instruments = [*table.instruments[:-1], replace(table[4], price=2_001 * 10**10)]
    dear = InstrumentTable.of([i for i in instruments if i.id])
    account = replace(Bundle.read(recovered.bundle).account, rows=(Row(4, 5),), orders=())
    assert account_result(account, dear, NOW)["greeks"] is None
    assert greeks_facts(account, dear, NOW)[0][1].startswith("unknown: 'ETH-C': no volatility")
