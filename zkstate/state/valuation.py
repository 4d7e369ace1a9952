"""A book as a table for another venue's desk: what the account holds, what the venue marked it at, what follows.

Every column says where it comes from. `account` stands in the account's leaf and `table` in the venue's instrument
table, which is the venue's word on prices; `computed` follows from these by docs/spec.md, section 18, and no proof
covers it: whoever has the others computes it again. All values are text: exact decimals in whole units and quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from zkstate.errors import EncodingError
from zkstate.state.decimals import render
from zkstate.state.options import Greeks, greeks
from zkstate.state.revaluation import option_of
from zkstate.state.schema import CALL, VALUE_DECIMALS, Instrument, Row
from zkstate.state.table import InstrumentTable

GREEK_PLACES = 16
_WIDE = Context(prec=120, rounding=ROUND_HALF_EVEN)
_STEP = Decimal(1).scaleb(-GREEK_PLACES)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table; `source` is account, table or computed."""

    name: str
    source: str


COLUMNS = tuple(
    Column(f"{source}_{name}", source)
    for source, names in (
        ("account", ("symbol", "isolated", "size", "entry_value", "funding_at_entry")),
        ("table", ("kind", "underlying", "option", "strike", "expiry", "mark_price", "funding_index")),
        (
            "computed",
            ("value", "funding_due", "profit", "implied_volatility", "delta", "gamma", "vega", "theta"),
        ),
    )
    for name in names
)
"""In the order of a line. A name begins with its source, so no reader can lose it."""


def lines(rows: Sequence[Row], table: InstrumentTable, time: int) -> list[tuple[str, ...]]:
    """A line per row of an account, a text per column. `time` is the epoch's, in seconds since 1970."""
    referred = {instrument.underlying for instrument in table.instruments}
    return [_line(row, table, time, row.instrument in referred) for row in rows]


def _line(row: Row, table: InstrumentTable, time: int, is_referred: bool) -> tuple[str, ...]:
    instrument = table[row.instrument]
    places = instrument.price_decimals
    value = row.amount * instrument.price
    due = -row.amount * (instrument.funding - row.funding_at_entry)
    underlying = table[instrument.underlying].symbol if instrument.underlying else ""
    option = ("call" if instrument.option == CALL else "put") if instrument.option else ""
    market = not instrument.is_asset
    return (
        instrument.symbol,
        "yes" if row.isolated else "no",
        render(row.amount, instrument.decimals),
        render(row.entry, VALUE_DECIMALS) if market else "",
        render(row.funding_at_entry, places) if market else "",
        instrument.kind,
        underlying,
        option,
        render(instrument.strike, places) if option else "",
        str(instrument.expiry) if instrument.expiry else "",
        render(instrument.price, places),
        render(instrument.funding, places) if market else "",
        render(value, VALUE_DECIMALS),
        render(due, VALUE_DECIMALS) if market else "",
        render(value - row.entry + due, VALUE_DECIMALS) if market else "",
        *_greeks(row, instrument, table, time, is_referred),
    )


def _greeks(row: Row, instrument: Instrument, table: InstrumentTable, time: int, is_referred: bool) -> tuple[str, ...]:
    """Volatility and greeks of the whole row; empty where an option has no underlying, or a price no model gives."""
    amount = Decimal(row.amount).scaleb(-instrument.decimals, _WIDE)
    if not instrument.option:
        delta = _text(amount) if instrument.underlying or is_referred else "0"
        return ("", delta, "0", "0", "0")
    try:
        option = option_of(instrument, table, time)
    except EncodingError:
        return ("", "", "", "", "")
    own: Greeks = greeks(option)
    return (_text(option.volatility), *(_text(_WIDE.multiply(one, amount)) for one in _parts(own)))


def _parts(own: Greeks) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return own.delta, own.gamma, own.vega, own.theta


def _text(number: Decimal) -> str:
    """At most 16 places, rounded half to even, without exponent or needless zeros."""
    text = f"{number.quantize(_STEP, context=_WIDE):f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0", "-") else text
