"""A recovered account, for its owner: rows, orders and margin, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from decimal import ROUND_FLOOR, Decimal

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from lightclient.bundle import Bundle
from zkstate.cli.terminal import show_facts
from zkstate.errors import EncodingError
from zkstate.state.decimals import render
from zkstate.state.margin import EQUITY_DECIMALS, Assessment, assess
from zkstate.state.revaluation import portfolio_greeks
from zkstate.state.schema import BUY, NULL_INSTRUMENT, VALUE_DECIMALS, Account, Instrument
from zkstate.state.table import InstrumentTable

GREEK_DECIMALS = 12  # in JSON
COLUMNS = ("instrument", "kind", "amount", "price", "value", "equity", "maintenance")
DISPENSABLE = ("kind", "price", "value", "maintenance", "equity")


def account_result(account: Account, table: InstrumentTable, time: int) -> dict[str, object]:
    """Rows, orders, equity, requirement, greeks at a time. Quantities are decimals in whole units and quote, as text.

    All are exact but the greeks, which are null where a price of an option has no volatility.
    """
    margin = assess(account.rows, table)
    return {
        "index": account.index,
        "size_class": account.size_class,
        "rows": [
            {
                "instrument": row.instrument,
                "symbol": table[row.instrument].symbol,
                "kind": table[row.instrument].kind,
                "amount": render(row.amount, table[row.instrument].decimals),
                "entry": render(row.entry, VALUE_DECIMALS),
                "funding_at_entry": render(row.funding_at_entry, table[row.instrument].price_decimals),
            }
            for row in account.rows
        ],
        "orders": [
            {
                "instrument": order.instrument,
                "symbol": table[order.instrument].symbol,
                "side": "buy" if order.side == BUY else "sell",
                "price": render(order.price, table[order.instrument].price_decimals),
                "size": render(order.size, table[order.instrument].decimals),
            }
            for order in account.orders
        ],
        "equity": render(margin.equity, EQUITY_DECIMALS),
        "maintenance": render(margin.need, EQUITY_DECIMALS),
        "healthy": margin.healthy,
        "ratio": None if margin.ratio_ppm is None else render(margin.ratio_ppm, 6),
        "greeks": _greeks_result(account, table, time),
    }


def _greeks_result(account: Account, table: InstrumentTable, time: int) -> list[dict[str, object]] | None:
    try:
        book = portfolio_greeks(account.rows, table, time)
    except EncodingError:
        return None
    return [
        {"underlying": of, "symbol": table[of].symbol}
        | {field.name: f"{getattr(found, field.name):.{GREEK_DECIMALS}f}" for field in fields(found)}
        for of, found in sorted(book.items())
    ]


def greeks_facts(account: Account, table: InstrumentTable, time: int) -> list[tuple[str, str]]:
    """A line for each underlying of an account that holds options; nothing for others, whose delta is their amount."""
    if not any(table[row.instrument].option for row in account.rows):
        return []
    try:
        book = portfolio_greeks(account.rows, table, time)
    except EncodingError as error:
        return [("greeks", f"unknown: {error}")]
    return [
        (f"greeks, {table[of].symbol}",
         f"delta {found.delta:,.6f}, gamma {found.gamma:,.9f}, vega {found.vega:,.2f}, theta {found.theta:,.2f} a day")
        for of, found in sorted(book.items())
    ]  # fmt: skip


def history_result(bundle: Bundle) -> dict[str, object]:
    """The entries that a bundle holds, the oldest first, and how many came before them; null if it holds none."""
    account, history = bundle.account, bundle.history
    result: dict[str, object] = {"length": account.history_length, "new_entries": account.new_entries}
    if history is None:
        return result | {"before": None, "entries": None}
    entries = [
        {
            "kind": entry.name,
            "instrument": entry.instrument,
            "symbol": listed(bundle.table, entry.instrument).symbol,
            "amount": render(entry.amount, listed(bundle.table, entry.instrument).decimals),
            "value": render(entry.value, VALUE_DECIMALS),
            "fee": render(entry.fee, VALUE_DECIMALS),
            "time": entry.time,
            "price": render(entry.price, listed(bundle.table, entry.instrument).price_decimals),
        }
        for entry in history.entries
    ]
    return result | {"before": history.length, "entries": entries}


def listed(table: InstrumentTable, instrument: int) -> Instrument:
    """An instrument of the table; the null instrument for an id that it no longer lists."""
    return table[instrument] if instrument <= len(table) else NULL_INSTRUMENT


def history_text(bundle: Bundle) -> str:
    """How much of an account's history a bundle holds, for people."""
    account, history = bundle.account, bundle.history
    held = "not in the bundle" if history is None else f"the bundle holds the last {len(history.entries)}"
    return f"{account.history_length} entries, {account.new_entries} of them new; {held}"


def show_account(console: Console, account: Account, table: InstrumentTable, time: int) -> None:
    """The rows with value and requirement, as many columns as fit, then what they add up to."""
    margin = assess(account.rows, table)
    shown, dispensable = list(COLUMNS), list(DISPENSABLE)
    unbounded = console.options.update(max_width=1 << 16)
    while console.measure(grid := _grid(margin, table, shown), options=unbounded).maximum > console.width:
        if not dispensable:
            break
        shown.remove(dispensable.pop(0))
    console.print(grid)
    left_out = ", ".join(name for name in COLUMNS if name not in shown)
    facts = [("not in the table", f"{left_out}: see --json, or widen the terminal")] if left_out else []
    show_facts(
        console,
        [*facts, ("open orders", str(len(account.orders))), *margin_facts(margin), *greeks_facts(account, table, time)],
    )


def _grid(margin: Assessment, table: InstrumentTable, shown: Sequence[str]) -> Table:
    """A number is never cut: half of one reads as another. A cell too wide for its terminal is folded."""
    grid = Table(show_edge=False, pad_edge=False)
    fold = len(shown) == 2
    for name in shown:
        justify: JustifyMethod = "left" if name in {"instrument", "kind"} else "right"
        grid.add_column(name, justify=justify, overflow="fold", no_wrap=not fold)
    for row in margin.rows:
        instrument = table[row.row.instrument]
        cells = (
            instrument.symbol,
            instrument.kind,
            render(row.row.amount, instrument.decimals),
            render(instrument.price, instrument.price_decimals),
            quote_text(row.value, VALUE_DECIMALS),
            quote_text(row.equity, EQUITY_DECIMALS),
            quote_text(row.need, EQUITY_DECIMALS),
        )
        grid.add_row(*(Text(cell) for name, cell in zip(COLUMNS, cells, strict=True) if name in shown))
    return grid


def margin_facts(margin: Assessment) -> list[tuple[str, str]]:
    """Equity, requirement and their ratio."""
    ratio = "nothing is required" if margin.ratio_ppm is None else f"{margin.ratio_ppm / 1_000_000:.2f} times"
    health = "healthy" if margin.healthy else f"short of {quote_text(margin.shortfall, EQUITY_DECIMALS)}"
    return [
        ("equity", quote_text(margin.equity, EQUITY_DECIMALS)),
        ("maintenance", f"{quote_text(margin.need, EQUITY_DECIMALS)}: {health}, {ratio}"),
    ]


def quote_text(value: int, decimals: int) -> str:
    """A value in quote for people: two decimals, rounded down, with thousands separated."""
    return f"{Decimal(value).scaleb(-decimals).quantize(Decimal('0.01'), ROUND_FLOOR):,}"
