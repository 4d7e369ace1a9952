"""Scenario tables and portfolio margin against the specification in plain Python and Fractions."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.state import oracle
from tests.state.ledgers import ledger_of, plain_ledgers
from tests.state.strategies import built_scenarios, built_table, plain_scenarios, tables
from zkstate.errors import EncodingError, InputError, LengthError
from zkstate.state import wide
from zkstate.state.health import table_columns
from zkstate.state.margin import assess
from zkstate.state.portfolio import assess_judged, assess_portfolio, assess_portfolios
from zkstate.state.scenarios import Shock, decode_scenarios, encode_scenarios
from zkstate.state.schema import Order, Row
from zkstate.state.synthetic import synthetic_ledger

QUOTE = 10**22


@given(plain_scenarios(3), st.sampled_from([2, 3]))
@settings(max_examples=10)
def test_root_is_that_of_the_specification(plain, depth):
    table = built_scenarios(plain, depth)
    assert table.root == oracle.scenarios_root(plain, depth)
    for instrument in range(4):
        above = table.tree.top[instrument // 8 ** (depth - 1)]
        assert table.path(instrument).verify(above, table.digest(instrument))
        assert not table.path(instrument).verify(above, table.digest(instrument) + 1)


def test_every_part_is_committed():
    base = built_scenarios(
        {"maintenance_factor": 1, "initial_factor": 2, "scenarios": [(1, 2)] * 32, "risks": [(1, 2, 3, 4, [5] * 32)]}
    )
    risk = base.risks[0]
    others = [replace(base, **{name: getattr(base, name) + 1}) for name in ("initial_factor", "maintenance_factor")]
    others.append(replace(base, depth=3))
    for place in range(32):
        changes = tuple(6 if k == place else 5 for k in range(32))
        others.append(replace(base, risks=(replace(risk, changes=changes),)))
        others += [
            replace(base, shocks=(*base.shocks[:place], shock, *base.shocks[place + 1 :]))
            for shock in (Shock(2, 2), Shock(1, 3))
        ]
    rates = ("maintenance_long", "maintenance_short", "initial_long", "initial_short")
    others += [replace(base, risks=(replace(risk, **{name: getattr(risk, name) + 1}),)) for name in rates]
    others.append(replace(base, shocks=base.shocks[1:], risks=(replace(risk, changes=risk.changes[1:]),)))
    assert len({table.root for table in (base, *others)}) == len(others) + 1


@given(st.data(), st.booleans())
def test_agrees_with_fractions(data, initial):
    table, held, book = data.draw(plain_ledgers(most_accounts=3))
    plain = data.draw(plain_scenarios(len(table), most=5))
    scenarios, made = built_scenarios(plain), built_table(table, 2)
    columns = assess_portfolios(ledger_of(made, held, book), scenarios, initial)
    equity, need = wide.to_ints(columns.equity), wide.to_ints(columns.need)
    for place, (own, ordered) in enumerate(zip(held, book, strict=True)):
        orders = [Order(*order) for order in sorted(ordered)]
        found = assess_portfolio([Row(*row) for row in own], made, scenarios, initial, orders)
        losses, required = oracle.portfolio(own, table, plain, initial)
        assert [Fraction(loss, 10**16) for loss in found.losses] == losses
        assert Fraction(found.worst, 10**16) == max(0, *losses)
        assert Fraction(found.assessment.need, QUOTE) == required == Fraction(need[place], QUOTE)
        pots = oracle.pots(own, table, initial, ordered)
        assert Fraction(found.assessment.equity, QUOTE) == pots[0][0] == Fraction(equity[place], QUOTE)
        isolated = [(Fraction(pot.equity, QUOTE), Fraction(pot.need, QUOTE)) for pot in found.assessment.isolated]
        assert isolated == pots[1:]
        assert found.assessment.healthy == bool(columns.healthy[place])


@given(plain_scenarios(4, most=6))
def test_json_round_trip(plain):
    table = built_scenarios(plain)
    assert decode_scenarios(encode_scenarios(table), 2) == table


def test_json_form_is_as_documented():
    plain = {"maintenance_factor": 800_000, "initial_factor": 10**6, "scenarios": [(850_000, 1_200_000)]}
    data = encode_scenarios(built_scenarios({**plain, "risks": [(1, 2, 3, 4, [-5])]}))
    assert data == (
        b'{"version":1,"initial_factor":1000000,"maintenance_factor":800000,'
        b'"scenarios":[{"price_ppm":850000,"volatility_ppm":1200000}],"risks":[{"instrument":1,"maintenance_long":1,'
        b'"maintenance_short":2,"initial_long":3,"initial_short":4,"changes":["-5"]}]}'
    )


GOOD = {
    "version": 1, "initial_factor": 2, "maintenance_factor": 1, "scenarios": [{"price_ppm": 1, "volatility_ppm": 1}],
    "risks": [{
        "instrument": 1, "maintenance_long": 1, "maintenance_short": 2, "initial_long": 3, "initial_short": 4,
        "changes": ["-5"],
    }],
}  # fmt: skip


def compact(form):
    return json.dumps(form, separators=(",", ":")).encode()


def risk(**change):
    return {**GOOD, "risks": [{**GOOD["risks"][0], **change}]}


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({**GOOD, "version": 2}, "version"),
        ({**GOOD, "more": 1}, "more"),
        ({**GOOD, "scenarios": []}, "length >= 1"),
        ({**GOOD, "scenarios": GOOD["scenarios"] * 33}, "length <= 32"),
        ({**GOOD, "scenarios": GOOD["scenarios"] * 2}, "1 changes, but there are 2 scenarios"),
        ({**GOOD, "initial_factor": 0}, "initial_factor is 0"),
        ({**GOOD, "maintenance_factor": 2**32}, "4294967295"),
        ({**GOOD, "scenarios": [{"price_ppm": -1, "volatility_ppm": 1}]}, "price_ppm"),
        ({**GOOD, "scenarios": [{"price_ppm": 1}]}, "volatility_ppm"),
        (risk(instrument=2), "instrument 2 stands at place 1"),
        (risk(changes=["9223372036854775808"]), "change 0 is 9223372036854775808"),
        (risk(changes=["-0"]), "changes"),
        (risk(changes=["05"]), "changes"),
        (risk(changes=[5]), "changes"),
        (risk(initial_long=0), "initial_long is 0"),
        (risk(initial_short=1), "initial_short is 1"),
        (risk(initial_long=1_000_001), "initial_long is 1000001"),
    ],
)
def test_tables_that_are_refused(form, message):
    assert decode_scenarios(compact(GOOD), 2)
    with pytest.raises(InputError, match=message):
        decode_scenarios(compact(form), 2)


def test_a_second_spelling_is_refused():
    for data in (json.dumps(GOOD).encode(), compact(GOOD) + b"\n", compact(dict(reversed(GOOD.items())))):
        with pytest.raises(EncodingError, match="canonical form"):
            decode_scenarios(data, 2)
    with pytest.raises(LengthError, match="at most"):
        decode_scenarios(b" " * (8 << 20) + compact(GOOD), 2)
    with pytest.raises(EncodingError):
        decode_scenarios(b"\xff", 2)


@given(tables(most=3))
@settings(max_examples=5)
def test_tables_of_other_sizes_are_refused(plain):
    table = built_table(plain, 2)
    for count, depth in ((len(plain) + 1, 2), (len(plain), 3)):
        scenarios = built_scenarios(
            {"maintenance_factor": 1, "initial_factor": 1, "scenarios": [(1, 1)], "risks": [(0, 0, 0, 0, [0])] * count},
            depth,
        )
        with pytest.raises(EncodingError, match="scenario table has"):
            assess_portfolio([], table, scenarios)


def test_accounts_of_two_rules_are_judged_by_their_own():
    of = synthetic_ledger(5, 200, with_keys=False, with_portfolio=True)
    found = assess_judged(table_columns(of.table), of.rows, of.portfolio, of.scenarios)
    each = [
        assess_portfolio(of.rows_of(i), of.table, of.scenarios).assessment if risky else assess(of.rows_of(i), of.table)
        for i, risky in enumerate(of.portfolio)
    ]
    assert 0 < of.portfolio.sum() < len(of)
    assert found.healthy.tolist() == [account.healthy for account in each]
    assert (wide.to_ints(found.equity), wide.to_ints(found.need)) == (
        [account.cross.equity for account in each],
        [account.cross.need for account in each],
    )
    with pytest.raises(EncodingError, match="has portfolio margin, and there are no scenarios"):
        assess_judged(table_columns(of.table), of.rows, of.portfolio, None)
