"""A ledger as one JSON Lines file (docs/ledger.md): every line an object of one table, named by its `type`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from zkstate.errors import LedgerError
from zkstate.state.ledger import Ledger
from zkstate.state.ledger_chunk import MAX_LINE, TABLES, Chunk, Place
from zkstate.state.ledger_tables import LedgerBuilder

BLOCK = 4 << 20
_TYPES = {
    "ledger": "ledger",
    "instrument": "instruments",
    "tier": "tiers",
    "scenario": "scenarios",
    "risk": "risks",
    "account": "accounts",
    "row": "rows",
    "order": "orders",
    "entry": "entries",
}
_NUMERIC = {
    "version": int, "time": int, "decimals": int, "expiry": int, "history_length": int,
    "synthetic": bool, "isolated": bool,
}  # fmt: skip


def _struct(tag: str, table: str) -> type[msgspec.Struct]:
    """The line type of a table: text fields, and integers where no value can exceed what JSON readers keep exactly."""
    required, optional = TABLES[table]
    fields: list[Any] = [(name, _NUMERIC.get(name, str)) for name in required]
    fields += [(name, _NUMERIC.get(name, str) | msgspec.UnsetType, msgspec.UNSET) for name in optional]
    return msgspec.defstruct(
        f"{tag.capitalize()}Line", fields, tag=tag, tag_field="type", forbid_unknown_fields=True, rename=None
    )


_STRUCTS = {tag: _struct(tag, table) for tag, table in _TYPES.items()}
_TABLE_OF = {_STRUCTS[tag]: table for tag, table in _TYPES.items()}
_RANK = {kind: rank for rank, kind in enumerate(_TABLE_OF)}
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    _STRUCTS["ledger"]
    | _STRUCTS["instrument"]
    | _STRUCTS["tier"]
    | _STRUCTS["scenario"]
    | _STRUCTS["risk"]
    | _STRUCTS["account"]
    | _STRUCTS["row"]
    | _STRUCTS["order"]
    | _STRUCTS["entry"]
)


def read_jsonl(path: Path) -> Ledger:
    """Read and check a ledger file, a few MiB at a time."""
    builder = LedgerBuilder()
    rank, first = 0, 1
    for block in _blocks(path):
        lines = _decode(path.name, first, block)
        for kind, start, stop in _runs(lines):
            if _RANK[kind] < rank:
                order = ", ".join(_TYPES)
                raise LedgerError(
                    f"{path.name}, line {first + start}, field type: {_TABLE_OF[kind]} come too late; "
                    f"the order of lines is {order}"
                )
            rank = _RANK[kind]
            builder.add(_TABLE_OF[kind], _chunk(path.name, first + start, kind, lines[start:stop]))
        first += len(lines)
    return builder.finish()


def _blocks(path: Path) -> Iterator[bytes]:
    """Whole lines, some MiB of them at a time; LedgerError for a line beyond the limit."""
    rest, before = b"", 0
    with path.open("rb") as file:
        while data := file.read(BLOCK):
            data = rest + data
            cut = data.rfind(b"\n") + 1
            block, rest = data[:cut], data[cut:]
            before += _check_lines(path.name, before, block, rest)
            if block:
                yield block
    if rest:
        yield rest


def _check_lines(name: str, before: int, block: bytes, rest: bytes) -> int:
    """The number of lines of a block, none of which (nor the rest) is too long."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
    lengths = np.diff(ends, prepend=-1)
    long = lengths > MAX_LINE
    if long.any() or len(rest) > MAX_LINE:
        number = before + (int(long.argmax()) if long.any() else len(ends)) + 1
        raise LedgerError(f"{name}, line {number}: longer than {MAX_LINE} bytes")
    return len(ends)


def _decode(name: str, first: int, block: bytes) -> list[Any]:
    """The objects of a block's lines."""
    try:
        lines: list[Any] = _DECODER.decode_lines(block)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        lines = []
    count = block.count(b"\n") + (not block.endswith(b"\n"))
    plain = b"\\" not in block and not any(space in block for space in (b'" :', b'"\t:', b'"\r:'))
    if len(lines) != count or not plain or block.count(b'":') != _members(lines):
        return _decode_slowly(name, first, block)
    return lines


def _members(lines: Sequence[Any]) -> int:
    """How many members the objects have, `type` included: any more in the text are repeated names."""
    total = len(lines)
    for kind, start, stop in _runs(lines):
        required, optional = TABLES[_TABLE_OF[kind]]
        total += len(required) * (stop - start)
        for field in optional:
            total += sum(getattr(line, field) is not msgspec.UNSET for line in lines[start:stop])
    return total


def _decode_slowly(name: str, first: int, block: bytes) -> list[Any]:
    """The same line by line, to find the one at fault or to see that escapes hide nothing."""
    lines = []
    for number, text in enumerate(block.removesuffix(b"\n").split(b"\n"), start=first):
        where = f"{name}, line {number}"
        try:
            lines.append(_DECODER.decode(text))
            json.loads(text, object_pairs_hook=_distinct)
        except UnicodeDecodeError as error:
            raise LedgerError(f"{where}: not UTF-8 at byte {error.start}") from None
        except (msgspec.MsgspecError, ValueError) as error:
            what = str(error) if text.strip() else "the line is empty"
            raise LedgerError(f"{where}: {what}") from None
    return lines


def _distinct(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ValueError(f"field {name} occurs twice")


def _runs(lines: Sequence[Any]) -> list[tuple[type[msgspec.Struct], int, int]]:
    """Maximal runs of lines of one type: (type, start, stop)."""
    runs: list[tuple[type[msgspec.Struct], int, int]] = []
    start = 0
    for stop in range(1, len(lines) + 1):
        if stop == len(lines) or type(lines[stop]) is not type(lines[start]):
            runs.append((type(lines[start]), start, stop))
            start = stop
    return runs


def _chunk(name: str, first: int, kind: type[msgspec.Struct], lines: Sequence[Any]) -> Chunk:
    required, optional = TABLES[_TABLE_OF[kind]]
    columns = {field: [_text(getattr(line, field)) for line in lines] for field in (*required, *optional)}
    return Chunk(Place(name, "line", first), len(lines), columns)


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if value is msgspec.UNSET:
        return None
    return str(value).lower()
