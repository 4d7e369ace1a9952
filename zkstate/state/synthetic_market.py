"""The instruments of the synthetic venue: real-looking tickers, prices, haircuts and brackets.

Floating point makes the marks once, those of options by Black and Scholes; they are cut to integers here, and nothing
after is inexact.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, floor, log, log10, sqrt

import numpy as np

from zkstate.state.schema import (
    ASSET,
    CALL,
    PPM,
    PUT,
    SHORT_ONLY,
    VALUE_DECIMALS,
    Instrument,
    Tier,
    ladder,
)
from zkstate.state.table import InstrumentTable

TIME = 1_795_132_800  # 2026-11-20 00:00 UTC
_YEAR = 365 * 86400
_BOUND = 10**4

# ticker, price in USDT, percent counted as collateral, and the position in million USDT from which half counts
_COINS = (
    ("BTC", 92_400.0, 98, 400), ("ETH", 3_120.0, 97, 250), ("SOL", 141.2, 95, 60), ("BNB", 873.0, 95, 60),
    ("XRP", 2.071, 92, 40), ("DOGE", 0.1498, 90, 20), ("ADA", 0.4412, 90, 15), ("TRX", 0.2781, 90, 15),
    ("AVAX", 14.03, 88, 10), ("LINK", 12.95, 88, 10), ("LTC", 86.4, 90, 15), ("BCH", 512.0, 88, 10),
    ("DOT", 2.52, 85, 8), ("TON", 1.588, 80, 5), ("SUI", 1.472, 80, 6), ("APT", 2.61, 80, 4),
    ("NEAR", 2.087, 80, 4), ("UNI", 6.53, 80, 4), ("ARB", 0.2108, 75, 3), ("OP", 0.3377, 75, 3),
    ("FIL", 1.711, 75, 3), ("ATOM", 2.68, 80, 3), ("INJ", 5.21, 70, 2), ("AAVE", 171.6, 80, 4),
    ("HBAR", 0.1316, 75, 3), ("ICP", 4.41, 70, 2), ("SHIB", 0.00000842, 75, 3), ("PEPE", 0.00000451, 70, 2),
)  # fmt: skip
_STABLE = (("USDT", 1.0, 100), ("USDC", 0.9998, 99))
_FUTURES = (("25DEC26", 1_798_185_600), ("26MAR27", 1_806_048_000))
_OPTIONS = (("25DEC26", 1_798_185_600), ("29JAN27", 1_801_209_600))
_STRIKE_STEPS = {"BTC": 5_000, "ETH": 200}
_VOLATILITY = {"BTC": 0.52, "ETH": 0.71}
_DEEPEST = 400

# notional in USDT of the deepest market, maintenance ppm, initial ppm
_BRACKETS = (
    (0, 4_000, 8_000), (50_000, 5_000, 10_000), (500_000, 10_000, 20_000), (8_000_000, 25_000, 50_000),
    (50_000_000, 50_000, 100_000), (80_000_000, 100_000, 200_000), (100_000_000, 125_000, 250_000),
    (120_000_000, 150_000, 333_334), (200_000_000, 250_000, 500_000), (300_000_000, 500_000, PPM),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument, how popular it is, and the leverage a usual position in it has at most (0: it is held)."""

    instrument: Instrument
    popularity: float
    leverage: float


@dataclass(frozen=True, slots=True)
class Market:
    """The instrument table and, in its order, what account generation needs to know about each."""

    table: InstrumentTable
    listings: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class _Coin:
    """A listed asset that markets refer to."""

    ticker: str
    id: int
    price: float
    scale: int
    depth: int


def market(rng: np.random.Generator) -> Market:
    """About 120 instruments around the prices of one day, moved a little by `rng`."""
    listings: list[Listing] = []
    for ticker, price, percent in _STABLE:
        listings.append(
            _asset(len(listings) + 1, ticker, _integer(price, 10), 6, popularity=40.0, steps=[(0, percent)])
        )
    coins: list[_Coin] = []
    for rank, (ticker, base, percent, depth) in enumerate(_COINS, start=1):
        number, scale = len(listings) + 1, _amount_decimals(base)
        price = _integer(base * exp(rng.normal(0, 0.02)), VALUE_DECIMALS - scale)
        steps = [(0, percent), (depth * 10**6, percent // 2), (4 * depth * 10**6, 0)]
        listings.append(_asset(number, ticker, price, scale, popularity=6.0 / rank, steps=steps))
        coins.append(_Coin(ticker, number, price / 10 ** (VALUE_DECIMALS - scale), scale, depth))
    for rank, coin in enumerate(coins, start=1):
        funding = round(rng.normal(0, 0.004) * coin.price * 10 ** (VALUE_DECIMALS - coin.scale))
        mark = coin.price * (1 + rng.normal(0, 0.0004))
        listings.append(_linear(len(listings) + 1, coin, "PERP", mark, popularity=14.0 / rank, funding=funding))
    majors = [coin for coin in coins if coin.ticker in _STRIKE_STEPS]
    for coin in majors:
        for month, expiry in _FUTURES:
            mark = coin.price * exp(0.06 * (expiry - TIME) / _YEAR)
            listings.append(_linear(len(listings) + 1, coin, month, mark, popularity=0.8, expiry=expiry))
    for coin in majors:
        step = _STRIKE_STEPS[coin.ticker]
        middle = round(coin.price / step) * step
        for month, expiry in _OPTIONS:
            for strike in range(middle - 3 * step, middle + 4 * step, step):
                for kind in (CALL, PUT):
                    listings.append(_option(len(listings) + 1, coin, (month, expiry), strike, kind))
    return Market(InstrumentTable.of([listing.instrument for listing in listings]), tuple(listings))


def _amount_decimals(price: float) -> int:
    """Decimals that make the smallest amount worth less than a cent, at most 8."""
    return max(0, min(8, floor(log10(price)) + 3))


def _integer(price: float, scale: int) -> int:
    """A price cut to five significant digits, in units of 10^-scale quote."""
    if price <= 0:
        return 0
    exponent = floor(log10(price)) - 4
    ticks = round(price / 10.0**exponent)
    shift = scale + exponent
    return int(ticks * 10**shift) if shift >= 0 else int(ticks // 10**-shift)


def _asset(
    number: int, symbol: str, price: int, scale: int, *, popularity: float, steps: list[tuple[int, int]]
) -> Listing:
    tiers = ladder([(at * _BOUND, percent * 10_000, 0) for at, percent in steps])
    return Listing(Instrument(number, symbol, ASSET, scale, price, price, 0, tiers), popularity, 0.0)


def _linear(
    number: int, coin: _Coin, name: str, mark: float, *, popularity: float, funding: int = 0, expiry: int = 0
) -> Listing:
    """A perpetual or a dated future."""
    price = _integer(mark, VALUE_DECIMALS - coin.scale)
    instrument = Instrument(
        id=number,
        symbol=f"{coin.ticker}-{name}",
        flags=0,
        decimals=coin.scale,
        price=price,
        notional_price=price,
        funding=funding,
        tiers=_brackets(coin.depth),
        expiry=expiry,
        underlying=coin.id,
    )
    return Listing(instrument, popularity, 60.0 if coin.depth == _DEEPEST else 25.0)


def _brackets(depth: int) -> tuple[Tier, ...]:
    """The bracket ladder of a market, its bounds scaled by its depth."""
    first = 0 if depth > 50 else 1 if depth > 10 else 2
    steps = [(at * depth // _DEEPEST, rate, initial) for at, rate, initial in _BRACKETS[first:]]
    return ladder([((at if k else 0) * _BOUND, rate, initial) for k, (at, rate, initial) in enumerate(steps)])


def _option(number: int, coin: _Coin, month: tuple[str, int], strike: int, kind: int) -> Listing:
    """A European option: margined only when short, on the value of its underlying."""
    name, expiry = month
    years = (expiry - TIME) / _YEAR
    skew = 1 + 0.3 * log(strike / coin.price) ** 2
    mark = black_scholes(coin.price, strike, years, _VOLATILITY[coin.ticker] * skew, kind)
    price_scale = VALUE_DECIMALS - coin.scale
    instrument = Instrument(
        id=number,
        symbol=f"{coin.ticker}-{name}-{strike}-{'C' if kind == CALL else 'P'}",
        flags=SHORT_ONLY,
        decimals=coin.scale,
        price=_integer(mark, price_scale),
        notional_price=_integer(coin.price, price_scale),
        funding=0,
        tiers=ladder([(0, 75_000, 150_000), (20_000_000 * _BOUND, 150_000, 300_000)]),
        expiry=expiry,
        strike=strike * 10**price_scale,
        underlying=coin.id,
        option=kind,
    )
    return Listing(instrument, 0.25, 2.0)


def black_scholes(spot: float, strike: float, years: float, volatility: float, kind: int) -> float:
    """The value of a European option at zero rate (Black and Scholes 1973); kind 1 call, 2 put."""
    deviation = volatility * sqrt(years)
    d1 = log(spot / strike) / deviation + deviation / 2
    call = spot * _normal(d1) - strike * _normal(d1 - deviation)
    return call if kind == CALL else call - spot + strike


def _normal(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2
