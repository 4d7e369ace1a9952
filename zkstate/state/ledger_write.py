"""Write a ledger in our own forms (docs/ledger.md), so that what a reader gives can be kept and moved."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from zkstate.atomic import create_file, new_folder
from zkstate.state.decimals import render
from zkstate.state.ledger import Ledger
from zkstate.state.ledger_chunk import CHUNK_LINES, TABLES
from zkstate.state.ledger_instruments import BOUND_DECIMALS, RATE_DECIMALS
from zkstate.state.ledger_parquet import pyarrow
from zkstate.state.ledger_scenarios import FACTORS, risk_lines, scenario_lines
from zkstate.state.schema import CALL, ROUNDED, SHORT_ONLY, VALUE_DECIMALS

Line = Sequence[str | None]
_INTEGERS = frozenset(("version", "time", "decimals", "expiry", "history_length"))
_TRUTHS = frozenset(("synthetic", "isolated"))
_TYPES = {name: name.removesuffix("s") for name in TABLES} | {"entries": "entry"}


def table_lines(ledger: Ledger, table: str) -> Iterator[Line]:
    """The lines of one table, all columns in the order of `TABLES`; None where there is nothing to say."""
    if table == "ledger":
        factors = [None, None] if ledger.scenarios is None else [getattr(ledger.scenarios, name) for name in FACTORS]
        stated = [None if factor is None else render(factor, RATE_DECIMALS) for factor in factors]
        yield ("1", ledger.venue, ledger.quote, str(ledger.time), str(ledger.synthetic).lower(), *stated)
    elif table == "instruments":
        yield from _instrument_lines(ledger)
    elif table == "tiers":
        for instrument in ledger.table.instruments:
            for tier in instrument.tiers:
                initial = None if instrument.is_asset else render(tier.initial_rate, RATE_DECIMALS)
                yield (
                    instrument.symbol,
                    render(tier.lower, BOUND_DECIMALS),
                    render(tier.rate, RATE_DECIMALS),
                    initial,
                )
    elif table in ("scenarios", "risks"):
        if ledger.scenarios is not None:
            scenarios = ledger.scenarios
            yield from scenario_lines(scenarios) if table == "scenarios" else risk_lines(scenarios, ledger.table)
    elif table == "accounts":
        yield from _account_lines(ledger)
    elif table == "rows":
        yield from _row_lines(ledger)
    elif table == "orders":
        yield from _order_lines(ledger)
    else:
        yield from _entry_lines(ledger)


def _instrument_lines(ledger: Ledger) -> Iterator[Line]:
    for i in ledger.table.instruments:
        yield (
            i.symbol,
            i.kind,
            str(i.decimals),
            render(i.price, i.price_decimals),
            None if i.is_asset else render(i.notional_price, i.price_decimals),
            render(i.funding, i.price_decimals) if i.funding else None,
            "short" if i.flags & SHORT_ONLY else None,
            str(i.expiry) if i.expiry else None,
            render(i.strike, i.price_decimals) if i.strike else None,
            ledger.table[i.underlying].symbol if i.underlying else None,
            ("call" if i.option == CALL else "put") if i.option else None,
            "down" if i.flags & ROUNDED else None,
        )


def _account_lines(ledger: Ledger) -> Iterator[Line]:
    journal = ledger.journal
    for i, name in enumerate(ledger.names):
        keys: tuple[str | None, ...] = (None, None)
        if ledger.owners is not None and ledger.view_keys is not None:
            keys = (ledger.owners[i].tobytes().hex(), ledger.view_keys[i].tobytes().hex())
        history: tuple[str | None, ...] = (None, None)
        if journal is not None and journal.lengths[i]:
            history = (journal.heads[i].tobytes().hex(), str(journal.lengths[i]))
        by_portfolio = ledger.portfolio is not None and ledger.portfolio[i]
        yield (name, *keys, *history, "portfolio" if by_portfolio else None)


def _entry_lines(ledger: Ledger) -> Iterator[Line]:
    if ledger.journal is None:
        return
    for i, name in enumerate(ledger.names):
        for entry in ledger.journal.segment(i).entries:
            instrument = ledger.table[entry.instrument]
            yield (
                name,
                str(entry.time),
                entry.name,
                instrument.symbol,
                render(entry.amount, instrument.decimals) if entry.amount else None,
                render(entry.value, VALUE_DECIMALS) if entry.value else None,
                render(entry.fee, VALUE_DECIMALS) if entry.fee else None,
                render(entry.price, instrument.price_decimals) if entry.price else None,
            )


def _row_lines(ledger: Ledger) -> Iterator[Line]:
    symbols = [i.symbol for i in ledger.table.instruments]
    scales = [i.decimals for i in ledger.table.instruments]
    rows = ledger.rows
    columns = zip(
        rows.instrument.tolist(),
        rows.amount.tolist(),
        rows.entry_high.tolist(),
        rows.entry_low.tolist(),
        rows.funding.tolist(),
        rows.isolated.tolist(),
        strict=True,
    )
    for name, count in zip(ledger.names, rows.counts.tolist(), strict=True):
        for instrument, amount, high, low, funding, isolated in islice(columns, count):
            scale = scales[instrument - 1]
            entry = (high << 64) + low
            yield (
                name,
                symbols[instrument - 1],
                render(amount, scale),
                render(entry, VALUE_DECIMALS) if entry else None,
                render(funding, VALUE_DECIMALS - scale) if funding else None,
                "true" if isolated else None,
            )


def _order_lines(ledger: Ledger) -> Iterator[Line]:
    symbols = [i.symbol for i in ledger.table.instruments]
    scales = [i.decimals for i in ledger.table.instruments]
    o = ledger.orders
    columns = zip(o.instrument.tolist(), o.side.tolist(), o.price.tolist(), o.size.tolist(), strict=True)
    for name, count in zip(ledger.names, o.counts.tolist(), strict=True):
        for instrument, side, price, size in islice(columns, count):
            scale = scales[instrument - 1]
            side_name = "sell" if side else "buy"
            shown = render(price, VALUE_DECIMALS - scale), render(size, scale)
            yield (name, symbols[instrument - 1], side_name, *shown)


def write_ledger(ledger: Ledger, path: Path, form: str = "jsonl") -> None:
    """Write a ledger as a `jsonl` file, or as a folder of `csv` or `parquet` tables, whole or not at all.

    EnvironmentFailure if the path exists, cannot be written, or the form needs an extra that is not installed.
    """
    if form == "jsonl":
        create_file(path, _jsonl(ledger), what="ledger")
        return
    write = {"csv": _write_csv, "parquet": _write_parquet}[form]
    with new_folder(path) as folder:
        write(ledger, folder)


def _jsonl(ledger: Ledger) -> Iterator[bytes]:
    """The file, some ten thousand lines at a time."""
    encoder = msgspec.json.Encoder()
    for table, (required, optional) in TABLES.items():
        names = (*required, *optional)
        lines = table_lines(ledger, table)
        while part := list(islice(lines, CHUNK_LINES)):
            yield encoder.encode_lines([_object(_TYPES[table], names, line) for line in part])


def _object(kind: str, names: Sequence[str], line: Line) -> dict[str, str | int | bool]:
    """A JSON line: integers and truths as such, everything else as text, nothing for None."""
    given: dict[str, str | int | bool] = {"type": kind}
    for name, text in zip(names, line, strict=True):
        if text is not None:
            given[name] = int(text) if name in _INTEGERS else text == "true" if name in _TRUTHS else text
    return given


def _write_csv(ledger: Ledger, folder: Path) -> None:
    for table, (required, optional) in TABLES.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow((*required, *optional))
            writer.writerows(["" if text is None else text for text in line] for line in table_lines(ledger, table))


def _write_parquet(ledger: Ledger, folder: Path) -> None:
    arrow = pyarrow()
    for table, (required, optional) in TABLES.items():
        names = (*required, *optional)
        schema = arrow.schema([(name, arrow.string()) for name in names])
        with (
            (folder / f"{table}.parquet").open("wb") as file,
            arrow.parquet.ParquetWriter(file, schema) as writer,
        ):
            lines = table_lines(ledger, table)
            while part := list(islice(lines, CHUNK_LINES)):
                columns = [arrow.array(column, arrow.string()) for column in zip(*part, strict=True)]
                writer.write_batch(arrow.record_batch(columns, schema=schema))
