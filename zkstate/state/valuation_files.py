"""The table of a book as CSV, JSON and Parquet: one content, three readers.

CSV is RFC 4180 with a heading line. A spreadsheet takes a cell that begins with = + - @ for a formula; numbers are
left as they are, and a name that begins so, or with the quote that stands against it, is written with a ' before it.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from zkstate import nesting
from zkstate.errors import EncodingError, LengthError
from zkstate.state.ledger_parquet import pyarrow
from zkstate.state.schema import MAX_ROWS
from zkstate.state.valuation import COLUMNS

CSV, JSON, PARQUET = "portfolio.csv", "portfolio.json", "portfolio.parquet"
MAX_BYTES = 1 << 20
READER_S = 20
NAMES = tuple(column.name for column in COLUMNS)
TEXTS = frozenset(("account_symbol", "account_isolated", "table_kind", "table_underlying", "table_option"))
_FORMULA = ("=", "+", "-", "@", "'", "\t", "\r")

Lines = Sequence[tuple[str, ...]]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def no_formula(name: str) -> str:
    """A name as a cell that no spreadsheet takes for a formula: with a ' before what would begin one, or a quote."""
    return f"'{name}" if name.startswith(_FORMULA) else name


def to_csv(lines: Lines) -> bytes:
    """The lines below a heading."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(NAMES)
    writer.writerows(
        [no_formula(cell) if name in TEXTS else cell for name, cell in zip(NAMES, line, strict=True)] for line in lines
    )
    return out.getvalue().encode()


def from_csv(data: bytes) -> Lines:
    """The lines again. EncodingError for anything that `to_csv` does not write."""
    try:
        # field_size_limit is one for all threads; a cell longer than the file cannot be.
        heading, *rest = csv.reader(io.StringIO(_checked(data, CSV).decode("utf-8"), newline=""), strict=True)
    except (csv.Error, ValueError) as error:
        raise EncodingError(f"{CSV} is not CSV: {error}") from None
    lines = [
        tuple(
            cell[1:] if name in TEXTS and cell.startswith("'") else cell for name, cell in zip(NAMES, row, strict=False)
        )
        for row in rest
        if len(row) == len(NAMES)
    ]
    return _same(CSV, tuple(heading), lines, len(rest), to_csv(lines) == data)


def to_json(lines: Lines) -> bytes:
    """Compact JSON: the column names, and an array of texts per row."""
    return msgspec.json.encode(_Document(NAMES, tuple(lines)))


def from_json(data: bytes) -> Lines:
    """The lines again. EncodingError for anything that `to_json` does not write."""
    nesting.check(_checked(data, JSON), JSON)
    try:
        form = msgspec.json.decode(data, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EncodingError(f"{JSON} is not a table: {error}") from None
    return _same(JSON, form.columns, form.rows, len(form.rows), msgspec.json.encode(form) == data)


def to_parquet(lines: Lines) -> bytes:
    """One row group of text columns. EnvironmentFailure without pyarrow. The bytes depend on its version."""
    arrow = pyarrow()
    table = arrow.table(
        {name: arrow.array([line[i] for line in lines], arrow.string()) for i, name in enumerate(NAMES)}
    )
    sink = arrow.BufferOutputStream()
    arrow.parquet.write_table(table, sink, compression="none")
    return bytes(sink.getvalue())


def from_parquet(data: bytes) -> Lines:
    """The lines again. EncodingError for anything but plain text columns of these names, at most 64 rows.

    Arrow ends the whole process at some malformed files, so another one reads it, within bounds.
    """
    if importlib.util.find_spec("pyarrow") is None:
        pyarrow()  # says what to install
    reader = [sys.executable, "-P", "-m", "zkstate.state.valuation_parquet"]  # -P: not what a stranger's folder holds
    try:
        done = subprocess.run(  # noqa: S603  # our own module
            reader, input=_checked(data, PARQUET), capture_output=True, timeout=READER_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise EncodingError(f"{PARQUET} was not read within {READER_S} s") from None
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise EncodingError(f"{PARQUET} cannot be read: {words[:200]!r}")
    try:
        form = msgspec.json.decode(done.stdout, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EncodingError(f"{PARQUET} was read as what is no table: {error}") from None
    return _same(PARQUET, form.columns, form.rows, len(form.rows), canonical=True)


def parquet_lines(data: bytes) -> bytes:
    """What the other process does: the table as JSON. Errors: EncodingError, those of Arrow, or the end of it."""
    arrow = pyarrow()
    # No memory map, no threads, and the footer is looked at before any column is read.
    file = arrow.parquet.ParquetFile(arrow.BufferReader(data), memory_map=False, pre_buffer=False)
    meta = file.metadata
    if not 0 <= meta.num_rows <= MAX_ROWS or meta.num_columns != len(NAMES) or meta.num_row_groups > 1:
        raise EncodingError(f"{meta.num_rows} rows, {meta.num_columns} columns: not a table of a book")
    for group in range(meta.num_row_groups):
        for column in range(meta.num_columns):
            chunk = meta.row_group(group).column(column)
            if chunk.compression != "UNCOMPRESSED" or not 0 <= chunk.total_uncompressed_size <= MAX_BYTES:
                raise EncodingError(f"column {column} is compressed, or larger than {MAX_BYTES} bytes")
    if any(field.type != arrow.string() for field in file.schema_arrow):
        raise EncodingError("a column is not of text")
    table = file.read(use_threads=False)
    columns = [column.to_pylist() for column in table.columns]
    if any(not isinstance(cell, str) for column in columns for cell in column):
        raise EncodingError("a cell is empty where text is due")
    return msgspec.json.encode(_Document(tuple(table.column_names), tuple(zip(*columns, strict=True))))


WRITERS: Mapping[str, Callable[[Lines], bytes]] = {CSV: to_csv, JSON: to_json, PARQUET: to_parquet}
READERS: Mapping[str, Callable[[bytes], Lines]] = {CSV: from_csv, JSON: from_json, PARQUET: from_parquet}


def read(path: Path, data: bytes) -> Lines:
    """The lines of a file by its name."""
    return READERS[path.name](data)


def _checked(data: bytes, what: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise LengthError(f"{what} has {len(data)} bytes; the limit is {MAX_BYTES}")
    return data


def _same(what: str, heading: tuple[str, ...], lines: Lines, count: int, canonical: bool) -> Lines:
    if heading != NAMES:
        raise EncodingError(f"{what}: its columns are not those of a book")
    if count > MAX_ROWS or len(lines) != count or any(len(line) != len(NAMES) for line in lines):
        raise EncodingError(
            f"{what}: {count} lines, or one of another length; a book has up to {MAX_ROWS} of {len(NAMES)}"
        )
    if not canonical:
        raise EncodingError(f"{what} is not in the form it is written in")
    return lines
