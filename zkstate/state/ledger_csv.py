"""A ledger as a folder of CSV files, one per table (docs/ledger.md), and the CSV lines other readers build on."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from zkstate.errors import LedgerError
from zkstate.state.ledger import Ledger
from zkstate.state.ledger_chunk import CHUNK_LINES, MAX_LINE, OPTIONAL_TABLES, TABLES, Chunk, Place, check_columns
from zkstate.state.ledger_tables import LedgerBuilder

Header = list[str]
Columns = list[tuple[str, ...]]


def csv_chunks(
    path: Path, check: Callable[[Header], object], max_line: int = MAX_LINE
) -> Iterator[tuple[Header, int, Columns]]:
    """(header, number of the first line, columns) of a CSV file, tens of thousands of lines at a time.

    `check` sees the header before any line is read. LedgerError for a line that is too long, not UTF-8, not CSV,
    broken inside quotes, or of another width than the header.
    """
    with path.open("rb") as file:
        reader = csv.reader(_lines(path, file, max_line), strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise LedgerError(f"{path.name}: empty, without a header line")
            check(header)
            first = 2
            while lines := list(islice(reader, CHUNK_LINES)):
                if reader.line_num != first + len(lines) - 1 or set(map(len, lines)) != {len(header)}:
                    _find_uneven(path, first, len(header), lines)
                yield header, first, list(zip(*lines, strict=True))
                first += len(lines)
        except csv.Error as error:
            raise LedgerError(f"{path.name}, line {reader.line_num}: {error}") from None


def _find_uneven(path: Path, first: int, width: int, lines: list[list[str]]) -> None:
    for number, line in enumerate(lines, start=first):
        if any("\n" in field or "\r" in field for field in line):
            raise LedgerError(f"{path.name}, line {number}: a line break inside quotes")
        if len(line) != width:
            raise LedgerError(f"{path.name}, line {number}: {len(line)} fields, but the header has {width}")


def _lines(path: Path, file: object, max_line: int) -> Iterator[str]:
    number = 0
    while line := file.readline(max_line + 1):  # type: ignore[attr-defined]
        number += 1
        if len(line) > max_line:
            raise LedgerError(f"{path.name}, line {number}: longer than {max_line} bytes")
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            raise LedgerError(f"{path.name}, line {number}: not UTF-8 at byte {error.start}") from None


def read_csv_folder(folder: Path) -> Ledger:
    """Read and check a folder of one CSV file for each table; orders and entries may be missing."""
    builder = LedgerBuilder()
    for table in TABLES:
        path = folder / f"{table}.csv"
        if not path.exists():
            if table in OPTIONAL_TABLES:
                continue
            raise LedgerError(f"{path.name} is missing in {folder}")
        check = partial(_check_header, table, path.name)
        for header, first, columns in csv_chunks(path, check):
            named = dict(zip(header, columns, strict=True))
            builder.add(table, Chunk(Place(path.name, "line", first), len(columns[0]), named))
    return builder.finish()


def _check_header(table: str, name: str, header: Header) -> None:
    check_columns(table, header, name)
