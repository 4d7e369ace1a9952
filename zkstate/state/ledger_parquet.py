"""A ledger as a folder of Parquet files, one per table (docs/ledger.md). Needs the `data` extra (pyarrow)."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from zkstate.errors import EnvironmentFailure, LedgerError
from zkstate.state import wide
from zkstate.state.decimals import COLUMN_LIMBS, DecimalColumn
from zkstate.state.ledger import MAX_ACCOUNTS, Ledger
from zkstate.state.ledger_chunk import CHUNK_LINES, OPTIONAL_TABLES, TABLES, Chunk, Column, Place, check_columns
from zkstate.state.ledger_tables import LedgerBuilder
from zkstate.state.scenarios import MAX_SCENARIOS
from zkstate.state.schema import MAX_INSTRUMENTS, MAX_ROWS, MAX_TIERS

Array = Any  # a pyarrow array; pyarrow has no types and is optional

_MOST_ROWS = {
    "ledger": 1,
    "instruments": MAX_INSTRUMENTS,
    "tiers": MAX_INSTRUMENTS * MAX_TIERS,
    "accounts": MAX_ACCOUNTS,
    "rows": MAX_ACCOUNTS * MAX_ROWS,
    "scenarios": MAX_SCENARIOS,
    "risks": MAX_INSTRUMENTS,
    "orders": MAX_ACCOUNTS * MAX_ROWS,
    "entries": MAX_ACCOUNTS * MAX_ROWS,
}
_NUMBERS = frozenset(("price", "notional_price", "amount", "entry", "funding", "size", "value", "fee"))


def pyarrow() -> ModuleType:
    """pyarrow with its Parquet reader; EnvironmentFailure says what to install."""
    try:
        import pyarrow as pa  # noqa: PLC0415  # an optional extra
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError:
        raise EnvironmentFailure(
            "Parquet ledgers need pyarrow; install the extra: pip install 'zkstate[data]'"
        ) from None
    return cast("ModuleType", pa)


def read_parquet_folder(folder: Path) -> Ledger:
    """Read and check a folder with ledger.parquet, .., rows.parquet, in batches."""
    arrow = pyarrow()
    builder = LedgerBuilder()
    for table in TABLES:
        path = folder / f"{table}.parquet"
        if not path.exists():
            if table in OPTIONAL_TABLES:
                continue
            raise LedgerError(f"{path.name} is missing in {folder}")
        _read_table(arrow, builder, table, path)
    return builder.finish()


def _read_table(arrow: ModuleType, builder: LedgerBuilder, table: str, path: Path) -> None:
    try:
        with arrow.parquet.ParquetFile(path) as file:
            check_columns(table, file.schema_arrow.names, path.name)
            if file.metadata.num_rows > _MOST_ROWS[table]:
                raise LedgerError(f"{path.name}: {file.metadata.num_rows} rows; at most {_MOST_ROWS[table]}")
            first = 1
            for batch in file.iter_batches(CHUNK_LINES, use_threads=False):
                place = Place(path.name, "row", first)
                columns = {
                    name: _column(arrow, place, name, batch.column(i)) for i, name in enumerate(batch.schema.names)
                }
                builder.add(table, Chunk(place, batch.num_rows, columns))
                first += batch.num_rows
    except (arrow.ArrowException, OSError) as error:
        raise LedgerError(f"{path.name}: not a readable Parquet file: {error}") from None


def _column(arrow: ModuleType, place: Place, name: str, array: Array) -> Column:
    """Text of a text, integer or truth column, or exact decimals of a decimal one; floats are refused."""
    types = arrow.types
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if types.is_decimal128(kind) and name in _NUMBERS:
        return _decimals(place, name, array)
    if types.is_string(kind) or types.is_large_string(kind):
        try:
            texts: list[str | None] = array.to_pylist()
        except UnicodeDecodeError:
            bad = next(i for i in range(len(array)) if not _is_utf8(array[i]))
            place.fail(bad, name, "not UTF-8")
        return texts
    if types.is_integer(kind) or types.is_boolean(kind):
        return [None if value is None else str(value).lower() for value in array.to_pylist()]
    return place.fail(0, name, f"the column has type {kind}; text, integers or decimal128 hold exact values")


def _is_utf8(scalar: object) -> bool:
    try:
        scalar.as_py()  # type: ignore[attr-defined]  # a pyarrow scalar
    except UnicodeDecodeError:
        return False
    return True


def _decimals(place: Place, name: str, array: Array) -> DecimalColumn:
    """A decimal128 array without Python objects: its buffer holds 16-byte little-endian integers; nulls are 0."""
    if array.type.scale < 0:
        place.fail(0, name, f"the column has scale {array.type.scale}; a scale of 0 or more is needed")
    if array.null_count and name in ("price", "amount", "size"):
        empty = int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])
        place.fail(empty, name, "empty, but a value is needed")
    halves = np.frombuffer(array.buffers()[1], "<u8").reshape(-1, 2)[array.offset : array.offset + len(array)]
    signed = wide.from_halves(
        halves[:, 1].astype(np.uint64).view(np.int64), halves[:, 0].astype(np.uint64), COLUMN_LIMBS
    )
    if array.null_count:
        signed[:, array.is_null().to_numpy(zero_copy_only=False)] = 0
    value, negative = wide.magnitude(wide.normalise(signed))
    return DecimalColumn(value, negative, np.full(len(array), array.type.scale, np.int64))
