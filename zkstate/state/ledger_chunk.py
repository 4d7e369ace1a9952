"""Lines of a ledger by columns, and what turns a text column into exact numbers or bytes.

Every error is a LedgerError that names file, line and field, and the values that disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import LedgerError
from zkstate.state import decimals, wide
from zkstate.state.decimals import DecimalColumn
from zkstate.state.wide import Flags, I64s, U64s, Wide

MAX_LINE = 1 << 16
CHUNK_LINES = 1 << 16
SHOWN = 60

TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ledger": (("version", "venue", "quote", "time"), ("synthetic", "initial_factor", "maintenance_factor")),
    "instruments": (
        ("instrument", "kind", "decimals", "price"),
        ("notional_price", "funding", "margin", "expiry", "strike", "underlying", "option", "rounding"),
    ),
    "tiers": (("instrument", "from", "rate"), ("initial",)),
    "scenarios": (("price", "volatility"), ()),
    "risks": (
        ("instrument", "changes"),
        ("maintenance_long", "maintenance_short", "initial_long", "initial_short"),
    ),
    "accounts": (("account",), ("owner", "view_key", "history_head", "history_length", "margin")),
    "rows": (("account", "instrument", "amount"), ("entry", "funding", "isolated")),
    "orders": (("account", "instrument", "side", "price", "size"), ()),
    "entries": (("account", "time", "kind", "instrument"), ("amount", "value", "fee", "price")),
}
OPTIONAL_TABLES = frozenset(("scenarios", "risks", "orders", "entries"))

Texts = Sequence[str | None]
Column = Texts | DecimalColumn


@dataclass(frozen=True, slots=True)
class Place:
    """Where the lines of a chunk stand: file, whether it counts lines or rows, and the number of the first."""

    source: str
    unit: str
    first: int

    def of(self, line: int, field: str) -> str:
        """The place of a field, for a message."""
        return f"{self.source}, {self.unit} {self.first + line}, field {field}"

    def fail(self, line: int, field: str, what: str) -> NoReturn:
        """Raise LedgerError about a field."""
        raise LedgerError(f"{self.of(line, field)}: {what}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive lines of one table, by column name."""

    place: Place
    count: int
    columns: Mapping[str, Column]

    def refuse(self, field: str, flags: Flags, what: str) -> None:
        """LedgerError at the first flagged line, if any, showing the field's value before `what`."""
        if flags.any():
            line = int(flags.argmax())
            column = self.columns.get(field)
            shown = "the value" if column is None or isinstance(column, DecimalColumn) else _shown(column[line])
            self.place.fail(line, field, f"{shown} {what}")

    def text(self, field: str) -> Texts:
        """A text column; all None if absent. LedgerError if it holds numbers."""
        column = self.columns.get(field)
        if column is None:
            return [None] * self.count
        if isinstance(column, DecimalColumn):
            self.place.fail(0, field, "a decimal column where text is needed")
        return column

    def required(self, field: str) -> list[str]:
        """A text column without empty fields."""
        filled: list[str] = []
        for line, text in enumerate(self.text(field)):
            if not text:
                self.place.fail(line, field, "empty, but a value is needed")
            filled.append(text)
        return filled

    def lookup(self, field: str, known: Mapping[str, int], what: str) -> I64s:
        """The numbers that `known` gives to the names of a required column."""
        names = self.required(field)
        found = np.fromiter(map(known.get, names, repeat(-1)), np.int64, len(names))
        self.refuse(field, found < 0, f"is not among the {len(known)} {what}")
        return found

    def numbers(self, field: str, scale: I64s, *, required: bool = True) -> Wide:
        """A numeric column as integers of 10^-scale each; without `required` an empty field is 0."""
        column = self.columns.get(field)
        if isinstance(column, DecimalColumn):
            given, parsed = np.arange(self.count), column
        else:
            texts = self.required(field) if required else [text for text in self.text(field) if text]
            if required:
                given = np.arange(self.count)
            else:
                given = np.flatnonzero(np.fromiter(map(bool, self.text(field)), np.bool_, self.count))
            parsed, bad = decimals.parse_column(texts)
            self.refuse(field, _spread(bad, given, self.count), "is not a decimal number such as -12.5")
        values, inexact = decimals.rescale(parsed, scale[given])
        if inexact.any():
            line = int(given[int(inexact.argmax())])
            allowed = int(scale[line])
            flags = np.arange(self.count) == line
            self.refuse(field, flags, f"has more decimals than the {allowed} its instrument allows")
        out = np.zeros((len(values), self.count), np.int64)
        out[:, given] = values
        return out

    def signed_64(self, field: str, scale: I64s, *, required: bool = True) -> I64s:
        """A numeric column that fits signed 64-bit integers of 10^-scale."""
        high, low, outside = wide.halves(self.numbers(field, scale, required=required))
        value = low.view(np.int64)
        self.refuse(field, outside | (high != value >> 63), "does not fit a signed 64-bit number of its unit")
        return value

    def unsigned_64(self, field: str, scale: I64s, *, required: bool = True) -> U64s:
        """A numeric column that fits unsigned 64-bit integers of 10^-scale."""
        high, low, outside = wide.halves(self.numbers(field, scale, required=required))
        self.refuse(field, ~outside & (high < 0), "is negative")
        self.refuse(field, outside | (high != 0), "does not fit an unsigned 64-bit number of its unit")
        return low

    def truths(self, field: str) -> Flags:
        """An optional column of `true` and `false`; empty is false."""
        texts = self.text(field)
        self.refuse(
            field, np.array([text not in (None, "", "true", "false") for text in texts]), "is neither true nor false"
        )
        return np.array([text == "true" for text in texts], np.bool_)

    def bytes_32(self, field: str, given: Flags | None = None) -> NDArray[np.uint8]:
        """A column of 64 hex digits each, as (n, 32) bytes: every line, or only those `given`."""
        if given is None:
            texts = self.required(field)
        else:
            texts = [text for text, wanted in zip(self.text(field), given, strict=True) if wanted and text]
        try:
            data = bytes.fromhex("".join(texts))
        except ValueError:
            data = b""
        if len(data) != 32 * len(texts) or set(map(len, texts)) > {64}:
            bad = np.array([len(text) != 64 or text.strip("0123456789abcdefABCDEF") != "" for text in texts])
            lines = np.arange(self.count) if given is None else np.flatnonzero(given)
            self.refuse(field, _spread(bad, lines, self.count), "is not 64 hex digits")
        return np.frombuffer(data, np.uint8).reshape(-1, 32)


def _shown(text: str | None) -> str:
    if text is None:
        return "the empty field"
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}.. ({len(text)} characters)"


def _spread(flags: Flags, given: I64s, count: int) -> Flags:
    out = np.zeros(count, np.bool_)
    out[given[flags]] = True
    return out


def check_columns(table: str, names: Sequence[str], where: str) -> None:
    """LedgerError unless `names` are columns of a table: all required ones, no unknown one, none twice."""
    required, optional = TABLES[table]
    known = (*required, *optional)
    for place, name in enumerate(names):
        if name not in known:
            raise LedgerError(f"{where}: unexpected column {name[:SHOWN]!r}; {table} has {', '.join(known)}")
        if name in names[:place]:
            raise LedgerError(f"{where}: column {name} occurs twice")
    missing = [name for name in required if name not in names]
    if missing:
        raise LedgerError(f"{where}: column {missing[0]} is missing; {table} needs {', '.join(required)}")
