"""Marks, scenario values and greeks of a recovered book, from what the venue published and nothing else.

The forward price of an option is the committed price of its underlying, the rate is 0, a year has 365 days, and its
volatility is the one its committed price implies (`options.implied_volatility`). In a scenario the price of every
underlying and of everything that has one, options apart, is multiplied by `price_ppm`, every implied volatility by
`volatility_ppm`; an option is valued again, and what stands alone keeps its value. A change is the difference of the
two real values in units of the price, rounded half to even. A venue may have got its own changes in another way: then
these differ, and the committed ones count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

from zkstate.errors import EncodingError
from zkstate.state.options import Greeks, Option, greeks, implied_volatility, value
from zkstate.state.scenarios import Risk, ScenarioTable, Shock
from zkstate.state.schema import PPM, Instrument, Row
from zkstate.state.table import InstrumentTable

YEAR = 365 * 86400
_NO_GREEKS = Greeks(Decimal(0), Decimal(0), Decimal(0), Decimal(0))


def option_of(instrument: Instrument, table: InstrumentTable, time: int) -> Option:
    """An option as its table has it at a time in seconds since 1970, with the volatility its price implies.

    EncodingError if it has no underlying, or no volatility makes it worth its price.
    """
    if not instrument.option or not instrument.underlying:
        raise EncodingError(f"{instrument.symbol!r} is not an option with an underlying")
    underlying = table[instrument.underlying]
    bare = Option(
        instrument.option,
        Decimal(instrument.strike).scaleb(-instrument.price_decimals),
        Decimal(underlying.price).scaleb(-underlying.price_decimals),
        Decimal(instrument.expiry - time) / YEAR,
        Decimal(0),
    )
    mark = Decimal(instrument.price).scaleb(-instrument.price_decimals)
    try:
        return replace(bare, volatility=implied_volatility(bare, mark))
    except EncodingError as error:
        raise EncodingError(f"{instrument.symbol!r}: {error}") from None


def changes(instrument: Instrument, table: InstrumentTable, time: int, shocks: Sequence[Shock]) -> tuple[int, ...]:
    """What one unit gains or loses in each scenario, in units of its price. Errors as `option_of`."""
    if instrument.option:
        option = option_of(instrument, table, time)
        now = value(option)
        return tuple(_units(value(_shocked(option, shock)) - now, instrument) for shock in shocks)
    if not instrument.underlying and instrument.id not in {i.underlying for i in table.instruments}:
        return (0,) * len(shocks)
    price = Decimal(instrument.price).scaleb(-instrument.price_decimals)
    return tuple(_units(price * (shock.price_ppm - PPM) / PPM, instrument) for shock in shocks)


def scenario_table(
    table: InstrumentTable,
    time: int,
    shocks: Sequence[Shock],
    factors: tuple[int, int],
    rates: Mapping[int, tuple[int, int, int, int]],
) -> ScenarioTable:
    """A scenario table with every change valued here. `factors` are initial and maintenance.

    `rates` are the contingency rates of instruments by id (maintenance long and short, initial long and short), 0 for
    those it leaves out. Errors: as `option_of`, and EncodingError for a change that does not fit its width.
    """
    risks = tuple(Risk(changes(i, table, time, shocks), *rates.get(i.id, (0, 0, 0, 0))) for i in table.instruments)
    return ScenarioTable(tuple(shocks), *factors, risks, table.depth)


def portfolio_greeks(rows: Sequence[Row], table: InstrumentTable, time: int) -> dict[int, Greeks]:
    """Greeks of a book by underlying id, in quote and whole units of the underlying. Errors as `option_of`.

    A future, a perpetual, and an asset that something refers to move one for one with their underlying, which of such
    an asset is itself. Whatever refers to nothing, and is referred to by nothing, has none.
    """
    referred = {i.underlying for i in table.instruments}
    book: dict[int, Greeks] = {}
    for row in rows:
        instrument = table[row.instrument]
        amount = Decimal(row.amount).scaleb(-instrument.decimals)
        if instrument.option:
            own = greeks(option_of(instrument, table, time))
        elif instrument.underlying or instrument.id in referred:
            own = replace(_NO_GREEKS, delta=Decimal(1))
        else:
            continue
        underlying = instrument.underlying or instrument.id
        book[underlying] = book.get(underlying, _NO_GREEKS) + own.scaled(amount)
    return book


def _shocked(option: Option, shock: Shock) -> Option:
    return replace(
        option,
        forward=option.forward * shock.price_ppm / PPM,
        volatility=option.volatility * shock.volatility_ppm / PPM,
    )


def _units(quote: Decimal, instrument: Instrument) -> int:
    """An amount of quote in units of an instrument's price, rounded half to even."""
    return int(quote.scaleb(instrument.price_decimals).to_integral_value(ROUND_HALF_EVEN))
