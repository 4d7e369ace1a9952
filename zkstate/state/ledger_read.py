"""Open a ledger in whatever form it is: chosen by what lies at the path, read by one of the `ledger_*` readers."""

from __future__ import annotations

from pathlib import Path

from zkstate.errors import LedgerError, MissingError
from zkstate.state.ledger import Ledger
from zkstate.state.ledger_csv import read_csv_folder
from zkstate.state.ledger_exchange import is_user_sheet, read_exchange_sheets, user_sheets
from zkstate.state.ledger_jsonl import read_jsonl
from zkstate.state.ledger_parquet import read_parquet_folder


def read_ledger(path: Path) -> Ledger:
    """The ledger at a path: a .jsonl file, a folder of CSV or Parquet tables, or exchange balance sheets.

    MissingError if nothing is there, LedgerError if what is there is no ledger or a wrong one.
    """
    if not path.exists():
        raise MissingError(f"no ledger at {path}: there is no such file or folder")
    if path.is_dir():
        for name, read in (("ledger.parquet", read_parquet_folder), ("ledger.csv", read_csv_folder)):
            if (path / name).exists():
                return read(path)
        if user_sheets(path):
            return read_exchange_sheets(path)
        raise LedgerError(
            f"{path} holds no ledger.parquet, ledger.csv or exchange sheet (*users*.csv); see docs/ledger.md"
        )
    if path.suffix == ".jsonl":
        return read_jsonl(path)
    if is_user_sheet(path):
        return read_exchange_sheets(path)
    raise LedgerError(f"{path} is no ledger: neither .jsonl nor an exchange balance sheet; see docs/ledger.md")
