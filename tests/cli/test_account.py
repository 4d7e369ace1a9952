"""The table of an account: whatever the width, no number in it is cut."""

import io

import pytest
from rich.console import Console

from lightclient.bundle import Bundle
from zkstate.cli.account import COLUMNS, DISPENSABLE, show_account
from zkstate.state.decimals import render


def drawn(bundle, width):
    text = io.StringIO()
    show_account(Console(file=text, width=width, highlight=False), bundle.account, bundle.table)
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
