"""Events of a journal as lines of a CSV file (docs/ledger.md): what a venue's own systems write out."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TextIO

from zkstate.errors import EncodingError, InputError, LedgerError
from zkstate.state.decimals import parse
from zkstate.state.schema import VALUE_DECIMALS
from zkstate.state.venue import Venue
from zkstate.state.venue_events import (
    EVENT_KINDS,
    ISOLATED,
    LIQUIDATES,
    PRICE,
    SELLS,
    Event,
    Events,
    stated_events,
)

COLUMNS = (
    "event", "kind", "time", "instrument", "account", "order", "side", "price", "amount", "value", "fee", "isolated",
    "liquidation",
)  # fmt: skip
_KINDS = {name: kind for kind, name in enumerate(EVENT_KINDS, start=1)}
MAX_LINE = 4096
_NUMBERS, _BLANK = ("order", "price", "amount", "value", "fee"), {"isolated": "false", "liquidation": "false"}
# By kind: the cells that have to be filled in, and those that may be. Any other is blank, 0 or false.
_CELLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "deposit": (("account", "amount"), ("price", "value", "fee")),
    "withdrawal": (("account", "amount"), ("price", "value", "fee")),
    "transfer": (("account", "amount"), ("order", "price", "value", "fee")),
    "fill": (("account", "order", "price", "amount", "value"), ("fee", "isolated")),
    "funding": (("account", "value"), ("price", "fee")),
    "liquidation": (("account", "order", "price", "amount", "value"), ("fee", "isolated")),
    "order": (("account", "order", "side", "price", "amount"), ("isolated", "liquidation")),
    "cancel": (("account", "order"), ()),
    "price": (("price", "amount", "value"), ()),
}


def read_events(path: Path, venue: Venue, had: Callable[[int], Iterator[Events]]) -> Iterator[Event]:
    """The events of a file that the venue does not have yet, in order.

    `event` numbers them in the journal, without a gap: those it has, which `had` gives from a number on, have to be as
    it has them and are passed over, so that a run which was cut off is repeated as it was. LedgerError names file,
    line and field.
    """
    symbols = {i.symbol: i.id for i in venue.state.table.instruments}
    accounts = {name: place for place, name in enumerate(venue.state.names)}
    expected: int | None = None
    known: Iterator[Event] = iter(())
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(_whole_lines(file, path), strict=True)
        if lines.fieldnames is None or not {"event", "kind", "time", "instrument"} <= set(lines.fieldnames):
            raise LedgerError(f"{path}: the first line names the columns, event, kind, time and instrument among them")
        if strays := set(lines.fieldnames) - set(COLUMNS):
            raise LedgerError(f"{path}: there is no column {min(strays)!r}")
        if len(set(lines.fieldnames)) < len(lines.fieldnames):
            raise LedgerError(f"{path}: the first line names a column twice")
        try:
            for line in lines:
                where = f"{path}, line {lines.line_num}"
                if None in line or None in line.values():
                    raise LedgerError(f"{where}: it has more or fewer fields than the {len(lines.fieldnames)} columns")
                number = _whole(line, "event", where)
                if expected is None and 1 <= number <= venue.number:
                    known = (event for part in had(number) for event in stated_events(part))
                elif number != (expected or venue.number + 1):
                    raise LedgerError(f"{where}: event {number}, and the {_goes_on(expected, venue.number)}")
                expected = number + 1
                event = _event(line, symbols, accounts, venue, where)
                if number > venue.number:
                    yield event
                else:
                    _compare(event, next(known), f"{where}: event {number}")
        except (csv.Error, UnicodeDecodeError) as error:
            raise LedgerError(f"{path}, line {lines.line_num}: {error}") from error


def _goes_on(expected: int | None, number: int) -> str:
    return f"journal goes on with {number + 1}" if expected is None else f"line before it is event {expected - 1}"


def _compare(event: Event, recorded: Event, where: str) -> None:
    """LedgerError unless a line says what the journal has."""
    for field in fields(Event):
        ours, theirs = getattr(event, field.name), getattr(recorded, field.name)
        if ours != theirs:
            raise LedgerError(f"{where} is in the journal with {field.name} {theirs}, and here with {ours} (its units)")


def _whole_lines(file: TextIO, path: Path) -> Iterator[str]:
    """The lines of a file. LedgerError for one that is too long, or a last one that was cut off."""
    number = 0
    while text := file.readline(MAX_LINE + 1):
        number += 1
        if not text.endswith(("\n", "\r")):
            what = f"is longer than {MAX_LINE} characters" if len(text) > MAX_LINE else "does not end: the file was cut"
            raise LedgerError(f"{path}, line {number}: it {what}")
        yield text


def _event(line: dict[str, str], symbols: dict[str, int], accounts: dict[str, int], venue: Venue, where: str) -> Event:
    kind = _known(_KINDS, line, "kind", where)
    _check_cells(line, where)
    instrument = _known(symbols, line, "instrument", where)
    decimals = venue.state.table[instrument].decimals
    flags = 0
    for name, flag, yes, no in (
        ("side", SELLS, "sell", "buy"),
        ("isolated", ISOLATED, "true", "false"),
        ("liquidation", LIQUIDATES, "true", "false"),
    ):
        text = line.get(name) or ""
        if text not in ("", yes, no):
            raise LedgerError(f"{where}: {name} is {text!r}, neither {yes!r} nor {no!r}")
        flags |= flag if text == yes else 0
    priced = kind == PRICE
    return Event(
        kind,
        instrument,
        _whole(line, "time", where),
        0 if priced else _known(accounts, line, "account", where),
        _pot(line, symbols, where),
        _number(line, "price", VALUE_DECIMALS - decimals, where),
        _number(line, "amount", VALUE_DECIMALS - decimals if priced else decimals, where),
        _number(line, "value", VALUE_DECIMALS - decimals if priced else VALUE_DECIMALS, where),
        _number(line, "fee", VALUE_DECIMALS, where),
        flags,
    )


def _check_cells(line: dict[str, str], where: str) -> None:
    """LedgerError for a cell that the line's kind needs and that is blank, or that says what the kind cannot."""
    kind = line["kind"]
    required, optional = _CELLS[kind]
    for field in COLUMNS[2:]:
        text = line.get(field) or ""
        if not text and field in ("time", "instrument", *required):
            raise LedgerError(f"{where}: {field} is blank, and a line of kind {kind} states it (0 is written as 0)")
        if field in ("time", "instrument", *required, *optional) or not text:
            continue
        if text.strip("0.") if field in _NUMBERS else text != _BLANK.get(field):
            raise LedgerError(f"{where}: {field} is {text!r}, and a line of kind {kind} has none")


def _pot(line: dict[str, str], symbols: dict[str, int], where: str) -> int:
    """An order's number; of a transfer to an isolated pot the market's symbol."""
    text = line.get("order") or ""
    return symbols[text] if text in symbols and line["kind"] == "transfer" else _whole(line, "order", where)


def _known(names: dict[str, int], line: dict[str, str], field: str, where: str) -> int:
    text = line.get(field) or ""
    if text not in names:
        raise LedgerError(f"{where}: {field} is {text!r}, which there is not")
    return names[text]


def _whole(line: dict[str, str], field: str, where: str) -> int:
    value = _number(line, field, 0, where)
    if not 0 <= value < 1 << 64:
        raise LedgerError(f"{where}: {field} is {value}, outside 0..2^64-1")
    return value


def _number(line: dict[str, str], field: str, decimals: int, where: str) -> int:
    text = line.get(field) or "0"
    try:
        return parse(text, decimals)
    except (EncodingError, InputError) as error:
        raise LedgerError(f"{where}: {field}: {error}") from error
