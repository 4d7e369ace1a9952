"""What every account holds, in leaf order, as columns that are mapped and not read: the venue's own, never published.

private/holdings/<column>.npy, mode 0600: what a solvency proof is made from, batch by batch, however many accounts
there are (docs/spec.md, section 13). Everything a leaf is the hash of is here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER
from zkstate.errors import EncodingError, InputError
from zkstate.state.ledger import Ledger, RowColumns
from zkstate.state.limbs import Limbs, limb_bytes
from zkstate.state.schema import PORTFOLIO
from zkstate.state.tree import AccountsTree

HOLDINGS = "holdings"

Index = NDArray[np.int64]
Bytes32 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Parts:
    """Each leaf, and its parts beside its rows; all but lengths and classes are (n, 32) big-endian bytes.

    A class is a size class, and PORTFOLIO more where that rule judges the account.
    """

    leaves: Bytes32
    ids: Bytes32
    owners: Bytes32
    salts: Bytes32
    orders: Bytes32
    heads: Bytes32
    lengths: NDArray[np.uint64]
    classes: NDArray[np.uint8]


_SHAPES = {"leaves": 32, "ids": 32, "owners": 32, "salts": 32, "orders": 32, "heads": 32}
_TYPES: dict[str, type[np.generic]] = {
    **dict.fromkeys(_SHAPES, np.uint8),
    "lengths": np.uint64, "classes": np.uint8, "start": np.int64, "instrument": np.uint16, "amount": np.int64,
    "entry_high": np.int64, "entry_low": np.uint64, "funding": np.int64, "isolated": np.uint8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holdings:
    """Rows and leaf parts of every account; entry i belongs to leaf i."""

    rows: RowColumns
    parts: Parts

    def __len__(self) -> int:
        return len(self.parts.classes)

    @property
    def by_portfolio(self) -> NDArray[np.bool_]:
        """Which accounts the portfolio rule judges."""
        return np.asarray(self.parts.classes) >= PORTFOLIO

    def taken(self, leaves: Index) -> Holdings:
        """Those of some leaves, in memory."""
        parts = Parts(*(np.asarray(getattr(self.parts, f.name)[leaves]) for f in fields(Parts)))
        return Holdings(rows_of(self.rows, leaves), parts)

    @classmethod
    def open(cls, folder: Path) -> Holdings:
        """Map the columns in a folder. InputError if one is missing, EncodingError if one has another shape."""
        found = {name: _mapped(folder, name, dtype) for name, dtype in _TYPES.items()}
        return cls._checked(found, lambda name: f"{folder / name}.npy")

    def encode(self) -> dict[str, bytes]:
        """Every column by its name, as the bytes of its entries."""
        columns = {f.name: getattr(part, f.name) for part in (self.rows, self.parts) for f in fields(part)}
        return {name: np.ascontiguousarray(columns[name], dtype).tobytes() for name, dtype in _TYPES.items()}

    @classmethod
    def decode(cls, content: Mapping[str, bytes]) -> Holdings:
        """Read what `encode` wrote. EncodingError for other columns, or one of another shape."""
        if content.keys() != _TYPES.keys():
            raise EncodingError(f"there are columns {sorted(content)}, wanted {sorted(_TYPES)}")
        found: dict[str, NDArray[Any]] = {}
        for name, dtype in _TYPES.items():
            width = _SHAPES.get(name, 1) * np.dtype(dtype).itemsize
            if len(content[name]) % width:
                raise EncodingError(f"column {name} has {len(content[name])} bytes, no multiple of {width}")
            column = np.frombuffer(content[name], dtype)
            found[name] = column.reshape(-1, _SHAPES[name]) if name in _SHAPES else column
        return cls._checked(found, lambda name: f"column {name}")

    @classmethod
    def _checked(cls, found: Mapping[str, NDArray[Any]], title: Callable[[str], str]) -> Holdings:
        start = found["start"]
        n, entries = len(start) - 1, int(start[-1]) if len(start) else -1
        for name, column in found.items():
            length = n + 1 if name == "start" else n if name in Parts.__dataclass_fields__ else entries
            wanted = (length, *((_SHAPES[name],) if name in _SHAPES else ()))
            if column.shape != wanted:
                raise EncodingError(f"{title(name)} has shape {column.shape}, wanted {wanted}")
        if n < 1 or start[0] or (np.diff(start) < 0).any():
            raise EncodingError(f"{title('start')} does not rise from 0")
        return cls(
            RowColumns(**{f.name: found[f.name] for f in fields(RowColumns)}),
            Parts(**{f.name: found[f.name] for f in fields(Parts)}),
        )


def rows_of(rows: RowColumns, accounts: Index) -> RowColumns:
    """The rows of some accounts, in the order given."""
    counts = np.asarray(rows.start[accounts + 1]) - np.asarray(rows.start[accounts])
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    source = np.repeat(np.asarray(rows.start[accounts]), counts) + np.arange(start[-1]) - np.repeat(start[:-1], counts)
    columns = {f.name: np.asarray(getattr(rows, f.name)[source]) for f in fields(RowColumns) if f.name != "start"}
    return RowColumns(start, **columns)


def write_holdings(folder: Path, ledger: Ledger, accounts: AccountsTree) -> None:
    """Write the columns of a committed ledger below a folder that does not exist yet."""
    folder.mkdir(mode=PRIVATE_FOLDER)
    rows = rows_of(ledger.rows, accounts.accounts)
    for f in fields(RowColumns):
        _write(folder, f.name, getattr(rows, f.name))
    _write(folder, "leaves", np.frombuffer(accounts.leaves.to_bytes(), np.uint8).reshape(-1, 32))
    _write(folder, "ids", accounts.ids)
    _write(folder, "owners", ledger.keys()[0][accounts.accounts])
    _write(folder, "salts", accounts.salts)
    _write(folder, "orders", limb_bytes(accounts.orders))
    _write(folder, "heads", accounts.heads)
    _write(folder, "lengths", accounts.lengths)
    _write(folder, "classes", ledger.judged_classes[accounts.accounts])


def _write(folder: Path, name: str, column: NDArray[np.generic] | Limbs) -> None:
    fd = os.open(folder / f"{name}.npy", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    with os.fdopen(fd, "wb") as file:
        np.save(file, np.ascontiguousarray(column, dtype=_TYPES[name]), allow_pickle=False)


def _mapped(folder: Path, name: str, dtype: type[np.generic]) -> NDArray[Any]:
    path = folder / f"{name}.npy"
    try:
        column = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: this epoch's private part holds no accounts to prove") from None
    except (ValueError, EOFError) as error:
        raise EncodingError(f"{path}: {error}") from error
    if column.dtype != dtype:
        raise EncodingError(f"{path} holds {column.dtype}, wanted {dtype.__name__}")
    return np.asarray(column) if not len(column) else column
