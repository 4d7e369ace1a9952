"""Option values, volatilities and greeks against published figures, doubles, and finite differences."""

from dataclasses import replace
from decimal import Decimal, localcontext
from math import erfc, exp, log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.state.strategies import built_table
from zkstate.errors import EncodingError
from zkstate.state.options import Greeks, Option, greeks, implied_volatility, normal_cdf, value
from zkstate.state.revaluation import changes, option_of, portfolio_greeks, scenario_table
from zkstate.state.scenarios import Shock
from zkstate.state.schema import CALL, PUT, Row

NOW = 1_795_132_800
OPTIONS = st.builds(
    Option,
    st.sampled_from([CALL, PUT]),
    st.integers(50, 200).map(Decimal),
    st.integers(50, 200).map(Decimal),
    st.integers(1, 1000).map(lambda days: Decimal(days) / 365),
    st.integers(5, 300).map(lambda percent: Decimal(percent) / 100),
    st.integers(-10, 20).map(lambda percent: Decimal(percent) / 100),
)


def in_doubles(o):
    """Black 1976 with the C library's erfc."""
    forward, strike, years, vol, rate = map(float, (o.forward, o.strike, o.years, o.volatility, o.rate))
    d1 = log(forward / strike) / (vol * sqrt(years)) + vol * sqrt(years) / 2
    sign = 1 if o.kind == CALL else -1
    first, second = (erfc(-sign * d / sqrt(2)) / 2 for d in (d1, d1 - vol * sqrt(years)))
    return exp(-rate * years) * sign * (forward * first - strike * second)


@given(OPTIONS)
def test_value_is_that_of_the_formula_in_doubles(option):
    assert float(value(option)) == pytest.approx(in_doubles(option), rel=1e-9, abs=1e-12)


@given(OPTIONS)
def test_puts_and_calls_have_parity(option):
    call, put = (value(replace(option, kind=kind)) for kind in (CALL, PUT))
    with localcontext(prec=60):
        expected = (-option.rate * option.years).exp() * (option.forward - option.strike)
        assert abs(call - put - expected) < Decimal("1e-40")


# Abramowitz and Stegun 1964, table 26.1, N(x) to 15 places
@pytest.mark.parametrize(
    ("x", "expected"),
    [("0", "0.500000000000000"), ("1", "0.841344746068543"), ("1.5", "0.933192798731142"),
     ("2", "0.977249868051821"), ("3", "0.998650101968370")],
)  # fmt: skip
def test_normal_distribution(x, expected):
    assert round(normal_cdf(Decimal(x)), 15) == Decimal(expected)
    assert abs(normal_cdf(Decimal(x)) + normal_cdf(-Decimal(x)) - 1) < Decimal("1e-60")


def test_published_figures():
    """Hull, Options, Futures, and Other Derivatives: the examples at spots of 42 and 49, and that of Black's model."""
    years, rate = Decimal("0.5"), Decimal("0.1")
    forward = 42 * (rate * years).exp()
    call = Option(CALL, Decimal(40), forward, years, Decimal("0.2"), rate)
    assert round(value(call), 2) == Decimal("4.76")
    assert round(value(replace(call, kind=PUT)), 2) == Decimal("0.81")
    put = Option(PUT, Decimal(20), Decimal(20), Decimal(4) / 12, Decimal("0.25"), Decimal("0.09"))
    assert round(value(put), 2) == Decimal("1.12")
    years, rate = Decimal("0.3846"), Decimal("0.05")
    growth = (rate * years).exp()
    spot = Option(CALL, Decimal(50), 49 * growth, years, Decimal("0.2"), rate)
    found = greeks(spot)
    assert round(value(spot), 2) == Decimal("2.40")
    assert round(found.delta * growth, 3) == Decimal("0.522")
    assert round(found.gamma * growth * growth, 3) == Decimal("0.066")
    assert round(found.vega, 1) == Decimal("12.1")


@given(OPTIONS)
@settings(max_examples=40)
def test_greeks_are_the_differences_they_stand_for(option):
    found, step = greeks(option), Decimal("1e-12")

    def moved(name, by):
        return value(replace(option, **{name: getattr(option, name) + by}))

    with localcontext(prec=70):
        slope = {
            name: (moved(name, step) - moved(name, -step)) / (2 * step) for name in ("forward", "volatility", "years")
        }
        bend = (moved("forward", step) - 2 * value(option) + moved("forward", -step)) / step**2
        assert abs(found.delta - slope["forward"]) < Decimal("1e-15")
        assert abs(found.vega - slope["volatility"]) < Decimal("1e-12")
        assert abs(found.gamma - bend) < Decimal("1e-12")
        assert abs(found.theta + slope["years"] / 365) < Decimal("1e-12")


@given(OPTIONS)
@settings(max_examples=20)
def test_a_value_implies_its_volatility(option):
    worth = value(option)
    intrinsic = value(replace(option, volatility=Decimal(0)))
    if worth - intrinsic > Decimal("1e-20"):
        assert abs(implied_volatility(option, worth) - option.volatility) <= Decimal("1e-12")
    assert implied_volatility(option, intrinsic) == 0
    bound = {CALL: option.forward, PUT: option.strike}[option.kind] * (-option.rate * option.years).exp()
    with pytest.raises(EncodingError, match="no volatility makes"):
        implied_volatility(option, bound + 1)


def test_options_that_do_not_move():
    expired = Option(CALL, Decimal(90), Decimal(100), Decimal(0), Decimal(1))
    for option in (
        expired,
        replace(expired, years=Decimal(-1)),
        replace(expired, years=Decimal(1), volatility=Decimal(0)),
    ):
        assert value(option) == 10
        assert value(replace(option, kind=PUT)) == 0
        assert greeks(option) == Greeks(Decimal(1), Decimal(0), Decimal(0), Decimal(0))
        assert greeks(replace(option, kind=PUT)).delta == 0
    worthless = replace(expired, forward=Decimal(0), years=Decimal(1))
    assert (value(worthless), value(replace(worthless, kind=PUT))) == (0, 90)


def plain_table():
    coin = {
        "id": 1, "symbol": "ETH", "flags": 1, "decimals": 6, "price": 2_000 * 10**10, "notional_price": 2_000 * 10**10,
        "funding": 0, "expiry": 0, "strike": 0, "option": 0, "underlying": 0, "tiers": [(0, 950_000, 0)],
    }  # fmt: skip
    perpetual = {**coin, "id": 2, "symbol": "ETH-PERP", "flags": 0, "underlying": 1, "tiers": [(0, 5_000, 10_000)]}
    usdt = {**coin, "id": 3, "symbol": "USDT", "price": 10**10, "notional_price": 10**10}
    expiry = NOW + 73 * 86_400
    worth = value(Option(CALL, Decimal(2_100), Decimal(2_000), Decimal("0.2"), Decimal("0.6")))
    call = {
        **perpetual, "id": 4, "symbol": "ETH-C", "flags": 2, "price": round(worth * 10**10), "expiry": expiry,
        "strike": 2_100 * 10**10, "option": CALL, "tiers": [(0, 75_000, 150_000)],
    }  # fmt: skip
    return built_table([coin, perpetual, usdt, call])


SHOCKS = (Shock(1_000_000, 1_000_000), Shock(850_000, 1_300_000), Shock(1_150_000, 700_000), Shock(0, 0))


def test_a_book_is_valued_again_from_its_table():
    table = plain_table()
    option = option_of(table[4], table, NOW)
    assert (option.strike, option.forward, option.years) == (2_100, 2_000, Decimal("0.2"))
    assert abs(option.volatility - Decimal("0.6")) < Decimal("1e-11")
    made = scenario_table(table, NOW, SHOCKS, (10**6, 8 * 10**5), {4: (1, 2, 3, 4)})
    assert made[1].changes == made[2].changes == (0, -300 * 10**10, 300 * 10**10, -2_000 * 10**10)
    assert made[3].changes == (0, 0, 0, 0)
    for shock, change in zip(SHOCKS[:3], made[4].changes[:3], strict=True):
        moved = replace(
            option,
            forward=Decimal(2_000) * shock.price_ppm / 10**6,
            volatility=Decimal("0.6") * shock.volatility_ppm / 10**6,
        )
        expected = (in_doubles(moved) - in_doubles(replace(option, volatility=Decimal("0.6")))) * 10**10
        assert change == pytest.approx(expected, abs=100)
    assert abs(made[4].changes[3] + table[4].price) <= 1
    assert (made[4].maintenance_long, made[4].initial_short, made[1].initial_short) == (1, 4, 0)


def test_greeks_of_a_book():
    table = plain_table()
    rows = [Row(1, 3 * 10**6), Row(2, -(10**6)), Row(3, 10**9), Row(4, -2 * 10**6)]
    found = portfolio_greeks(rows, table, NOW)
    one = greeks(option_of(table[4], table, NOW))
    assert set(found) == {1}
    assert found[1] == Greeks(2 - 2 * one.delta, -2 * one.gamma, -2 * one.vega, -2 * one.theta)
    assert portfolio_greeks([rows[2]], table, NOW) == {}


def test_what_cannot_be_valued():
    table = plain_table()
    with pytest.raises(EncodingError, match="'ETH' is not an option"):
        option_of(table[1], table, NOW)
    dear = replace(table[4], price=2_001 * 10**10)
    with pytest.raises(EncodingError, match="'ETH-C': no volatility makes an option of strike 2100"):
        changes(dear, table, NOW, SHOCKS)
