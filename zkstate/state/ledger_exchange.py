"""The balance sheets an exchange publishes for its proof of solvency, read as they are, as a ledger.

A folder holds `*users*.csv` sheets (columns rn, id, then for each asset equity e_x, debt d_x, net x, and what is
pledged for loans vl_x, margin m_x and portfolio margin pm_x, then a total) and `*assets_info.csv` (price and, for each
kind of pledge, collateral tiers). The venue's rule, debt at most the sum of tiered pledges, is cross margin (§7) once
each asset x stands as five instruments:

    x                            held and not pledged, equity - all pledges: 0 as collateral, in full where negative
    x:debt                       minus the debt
    x:loan x:margin x:portfolio  the pledges, each with its tiers; value beyond the last stated tier counts 0

Amounts get the decimals their sheet needs; a price with more than the 16 - d that leaves is cut, as the venue does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import InputError, LedgerError
from zkstate.state import decimals, wide
from zkstate.state.decimals import DecimalColumn
from zkstate.state.ledger import Ledger, no_orders, row_columns
from zkstate.state.ledger_chunk import Chunk, Place
from zkstate.state.ledger_csv import csv_chunks
from zkstate.state.schema import ASSET, PPM, ROUNDED, U64, UNBOUNDED, VALUE_DECIMALS, Instrument, ladder
from zkstate.state.table import InstrumentTable
from zkstate.state.wide import Wide

PARTS = ("", ":debt", ":loan", ":margin", ":portfolio")
_KINDS = ("e_", "d_", "", "vl_", "m_", "pm_")
_TIER = re.compile(r"([0-9]{1,20})-([0-9]{1,20}):([0-9]{1,3})", re.ASCII)
_STATED_UNBOUNDED = str(U64 - 1)
_PRICE_DECIMALS = 40
_NET_DECIMALS = 24
_NET_PRECISION = np.uint64(1 << 50)
_MAX_LINE = 1 << 20
_VENUE, _QUOTE = "exchange sheet", "USDT"


@dataclass(frozen=True, slots=True)
class _Asset:
    """A line of the asset sheet: the price as stated, and (lower, rate in ppm) steps for the three pledges."""

    symbol: str
    price: str
    pledges: tuple[tuple[tuple[int, int], ...], ...]


def user_sheets(folder: Path) -> list[Path]:
    """The user sheets of a folder, by name."""
    return sorted(path for path in folder.glob("*users*.csv") if is_user_sheet(path))


def is_user_sheet(path: Path) -> bool:
    """Whether a file begins as a user sheet does. A pipe, which may never begin, is none."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(8) == b"rn,id,e_"


def read_asset_table(path: Path, amount_decimals: Mapping[str, int] | None = None) -> tuple[InstrumentTable, list[str]]:
    """The instrument table of an asset sheet, five instruments for each asset, and notes on prices that were cut.

    `amount_decimals` says how many decimals the balances of an asset need (0 where it says nothing); an asset gets that
    many, or more where its price would not fit 64 bits.
    """
    given = amount_decimals or {}
    instruments: list[Instrument] = []
    notes: list[str] = []
    for asset in _assets(path):
        scale = max(given.get(asset.symbol, 0), _least_decimals(asset.price))
        price, cut = _price(asset.price, VALUE_DECIMALS - scale)
        if cut:
            kept = decimals.render(price, VALUE_DECIMALS - scale)
            notes.append(f"the price of {asset.symbol}, {asset.price}, is cut to {kept}")
        try:
            instruments += _five(asset, len(instruments) + 1, scale, price)
        except InputError as error:
            raise LedgerError(f"{path.name}: {error}") from None
    return InstrumentTable.of(instruments), notes


def _five(asset: _Asset, first: int, scale: int, price: int) -> list[Instrument]:
    """The instruments an asset stands as, ids from `first` on."""
    nothing, whole = ((0, 0),), ((0, PPM),)
    return [
        Instrument(
            id=first + k,
            symbol=asset.symbol + part,
            flags=ASSET | ROUNDED if k > 1 else ASSET,
            decimals=scale,
            price=price,
            notional_price=price,
            funding=0,
            tiers=ladder([(lower, rate, 0) for lower, rate in steps]),
            underlying=first if part else 0,
        )
        for k, (part, steps) in enumerate(zip(PARTS, (nothing, whole, *asset.pledges), strict=True))
    ]


def _assets(path: Path) -> list[_Asset]:
    assets: list[_Asset] = []

    def check(header: list[str]) -> None:
        if len(header) != 5 or header[0] not in ("symbol", "token"):
            raise LedgerError(f"{path.name}, line 1: not an asset sheet (symbol, price, three tier lists)")

    for header, first, columns in csv_chunks(path, check, _MAX_LINE):
        for number, line in enumerate(zip(*columns, strict=True), start=first):
            where = f"{path.name}, line {number}"
            if any(asset.symbol == line[0] for asset in assets):
                raise LedgerError(f"{where}, field {header[0]}: {line[0]!r} was listed before")
            try:
                price = decimals.parse(line[1], _PRICE_DECIMALS)
                if not 0 <= price < U64 * 10**_PRICE_DECIMALS:
                    raise LedgerError(f"price {line[1]} is outside 64 bits")
                pledges = tuple(_steps(text) for text in line[2:])
            except InputError as error:
                raise LedgerError(f"{where}: {error}") from None
            assets.append(_Asset(line[0], line[1], pledges))
    return assets


def _steps(text: str) -> tuple[tuple[int, int], ...]:
    """(lower in 10^-4 quote, rate in ppm) of a list such as `[0-10000:100,10000-20000:90]`; beyond it 0 counts."""
    if text in ("", "[]"):
        return ((0, 0),)
    if not (text.startswith("[") and text.endswith("]")):
        raise LedgerError(f"tiers {text[:60]!r} are not in brackets")
    steps: list[tuple[int, int]] = []
    end = "0"
    for item in text[1:-1].split(","):
        match = _TIER.fullmatch(item.strip())
        if match is None:
            raise LedgerError(f"tier {item[:60]!r} is not of the form lower-upper:percent")
        lower, upper, percent = match.groups()
        if lower != end or int(upper) <= int(lower):
            raise LedgerError(f"tier {item.strip()!r} does not follow the bound {end}")
        if end == _STATED_UNBOUNDED or int(percent) > 100:
            raise LedgerError(f"tier {item.strip()!r} follows an unbounded one or counts above 100 percent")
        if upper != _STATED_UNBOUNDED and int(upper) * 10**4 >= UNBOUNDED:
            raise LedgerError(f"tier bound {upper} does not fit 64 bits of 10^-4 quote")
        steps.append((int(lower) * 10**4, int(percent) * 10**4))
        end = upper
    if end != _STATED_UNBOUNDED:
        steps.append((int(end) * 10**4, 0))
    return tuple(step for k, step in enumerate(steps) if k == 0 or step[1] != steps[k - 1][1])


def _least_decimals(price: str) -> int:
    """The least d for which a price of 16 - d decimals fits 64 bits."""
    exact = decimals.parse(price, _PRICE_DECIMALS)
    return next(d for d in range(VALUE_DECIMALS + 1) if exact * 10 ** (VALUE_DECIMALS - d) < U64 * 10**_PRICE_DECIMALS)


def _price(text: str, scale: int) -> tuple[int, bool]:
    """A price cut to `scale` decimals, and whether anything was lost."""
    price, rest = divmod(decimals.parse(text, _PRICE_DECIMALS), 10 ** (_PRICE_DECIMALS - scale))
    return int(price), rest != 0


@dataclass(frozen=True, slots=True)
class _Sheets:
    """All user sheets: names, and for each asset its six columns (equity, debt, net, three pledges) by chunk."""

    names: list[str]
    places: list[Place]
    columns: dict[str, list[list[DecimalColumn]]]


def read_exchange_sheets(path: Path) -> Ledger:
    """The ledger of a folder of sheets, or of one user sheet with the asset sheet beside it."""
    folder = path if path.is_dir() else path.parent
    sheets = user_sheets(path) if path.is_dir() else [path]
    listed = sorted(folder.glob("*assets_info.csv"))
    names = [sheet.name for sheet in sheets]
    chosen = [info for info in listed if any(_stem(info.name) == _stem(name) for name in names)] or listed
    if len(chosen) != 1:
        found = ", ".join(info.name for info in listed) or "none"
        raise LedgerError(f"{folder} needs one *assets_info.csv beside {', '.join(names)}; found {found}")
    read = _read_sheets(sheets)
    if not read.names:
        raise LedgerError(f"{names[0]}: no users below the header")
    seen = {
        symbol: max(decimals.least_scale(column) for part in parts for column in part[:2] + part[3:])
        for symbol, parts in read.columns.items()
    }
    table, notes = read_asset_table(chosen[0], seen)
    unpriced = [symbol for symbol in read.columns if symbol not in {i.symbol for i in table.instruments}]
    if unpriced:
        raise LedgerError(f"{names[0]}, line 1, field e_{unpriced[0]}: no such asset in {chosen[0].name}")
    return _ledger(read, table, notes)


def _stem(name: str) -> str:
    return name.split("_", maxsplit=1)[0]


def _symbols(name: str, header: Sequence[str]) -> list[str]:
    """The assets of a user sheet's header; LedgerError if a column is missing, unexpected or out of order."""
    symbols = [column[2:] for column in header[2::6] if column.startswith("e_")]
    expected = [
        "rn",
        "id",
        *(kind + symbol for symbol in symbols for kind in _KINDS),
        "total_net_balance_usdt",
    ]
    for place, column in enumerate(expected):
        found = header[place] if place < len(header) else "nothing"
        if found != column:
            raise LedgerError(f"{name}, line 1: column {place + 1} is {found!r}, not {column!r}")
    if len(header) > len(expected):
        raise LedgerError(f"{name}, line 1: unexpected column {header[len(expected)]!r}")
    if len(set(symbols)) != len(symbols) or not symbols:
        raise LedgerError(f"{name}, line 1: an asset is listed twice, or none is")
    return symbols


def _read_sheets(paths: Sequence[Path]) -> _Sheets:
    read = _Sheets([], [], {})
    seen: dict[str, str] = {}
    for path in paths:
        for header, first, columns in csv_chunks(path, partial(_symbols, path.name), _MAX_LINE):
            symbols = _symbols(path.name, header)
            if read.columns and list(read.columns) != symbols:
                raise LedgerError(f"{path.name}, line 1: its assets differ from those of {paths[0].name}")
            place = Place(path.name, "line", first)
            chunk = Chunk(place, len(columns[0]), dict(zip(header, columns, strict=True)))
            for line, account in enumerate(chunk.required("id")):
                if account in seen:
                    chunk.place.fail(line, "id", f"{account!r} was listed before, at {seen[account]}")
                seen[account] = f"{path.name}, line {first + line}"
            whole = np.zeros(chunk.count, np.int64)
            chunk.unsigned_64("rn", whole)
            chunk.numbers("total_net_balance_usdt", whole + _NET_DECIMALS)
            for symbol in symbols:
                parts = [_decimals(chunk, kind + symbol, may_be_negative=not kind) for kind in _KINDS]
                _check_net(chunk, symbol, parts)
                read.columns.setdefault(symbol, []).append(parts)
            read.places.append(chunk.place)
    read.names.extend(seen)
    return read


def _decimals(chunk: Chunk, field: str, *, may_be_negative: bool) -> DecimalColumn:
    """A balance column."""
    column, bad = decimals.parse_column(chunk.required(field))
    chunk.refuse(field, bad, "is not a decimal number such as 12.5")
    if not may_be_negative:
        chunk.refuse(field, column.negative & (column.magnitude != 0).any(axis=0), "is negative")
    return column


def _check_net(chunk: Chunk, symbol: str, parts: Sequence[DecimalColumn]) -> None:
    """The net column is equity - debt computed in doubles, or 0 where the venue left it out; nothing else is let by."""
    scale = np.full(chunk.count, _NET_DECIMALS)
    equity, debt, net = _aligned([decimals.rescale(part, scale)[0] for part in parts[:3]])
    error, _ = wide.magnitude(net - equity + debt)
    larger = wide.normalise(np.where(wide.is_negative(equity - debt), debt, equity))
    slack = wide.extend(larger, len(larger) + 2) - wide.multiply(
        error, wide.from_u64(np.full(chunk.count, _NET_PRECISION))
    )
    beyond = wide.is_negative(slack)
    stated = (parts[2].magnitude != 0).any(axis=0)
    if (beyond & stated).any():
        line = int((beyond & stated).argmax())
        shown = [str(chunk.text(kind + symbol)[line]) for kind in _KINDS[:2]]
        flags = np.arange(chunk.count) == line
        chunk.refuse(symbol, flags, f"is not equity {shown[0]} less debt {shown[1]}")


def _ledger(read: _Sheets, table: InstrumentTable, notes: list[str]) -> Ledger:
    """Rows of all five parts of all assets; zero ones are dropped."""
    ids = {i.symbol: i.id for i in table.instruments}
    accounts: list[NDArray[np.int64]] = []
    instruments: list[NDArray[np.int64]] = []
    amounts: list[NDArray[np.int64]] = []
    for symbol, parts in read.columns.items():
        scale = table[ids[symbol]].decimals
        first = 0
        for place, part in zip(read.places, parts, strict=True):
            count = len(part[0])
            needed = (part[0], part[1], *part[3:])
            held = [decimals.rescale(column, np.full(count, scale))[0] for column in needed]
            equity, debt, *pledges = _aligned(held)
            free = wide.normalise(equity - pledges[0] - pledges[1] - pledges[2])
            for k, column in enumerate((free, -debt, *pledges)):
                amount = _amounts(place, symbol, PARTS[k], column)
                filled = np.flatnonzero(amount)
                accounts.append(filled + first)
                instruments.append(np.full(len(filled), ids[symbol] + k))
                amounts.append(amount[filled])
            notes.extend(
                f"{place.of(int(line), 'e_' + symbol)}: more {symbol} is pledged than held; "
                "the difference counts as debt"
                for line in np.flatnonzero(wide.is_negative(free))
            )
            first += count
    account = np.concatenate(accounts)
    zeros = np.zeros(len(account), np.int64)
    n = len(read.names)
    return Ledger(
        venue=_VENUE,
        quote=_QUOTE,
        time=0,
        synthetic=False,
        table=table,
        names=tuple(read.names),
        rows=row_columns(
            account, n, [np.concatenate(instruments), np.concatenate(amounts), zeros, zeros, zeros, zeros]
        ),
        orders=no_orders(n),
        notes=(*notes, "the sheets state no time: 0 is assumed until one is given"),
    )


def _aligned(columns: Sequence[Wide]) -> list[Wide]:
    """Columns over one number of limbs."""
    limbs = max(len(column) for column in columns)
    return [wide.extend(column, limbs) for column in columns]


def _amounts(place: Place, symbol: str, part: str, column: Wide) -> NDArray[np.int64]:
    high, low, outside = wide.halves(column)
    amount = low.view(np.int64)
    unfit = outside | (high != amount >> 63)
    if unfit.any():
        place.fail(int(unfit.argmax()), "e_" + symbol, f"the amount of {symbol}{part} does not fit 64 bits")
    return amount
