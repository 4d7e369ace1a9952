"""What `verify` of an epoch tells the owner of an account in it: that it is there, and is what they think it is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from lightclient.bundle import Bundle
from lightclient.history import find_record
from zkstate.cli.account import account_result
from zkstate.cli.arguments import Namespace, Parser, decimal, existing, is_given
from zkstate.cli.keys import read_key
from zkstate.cli.terminal import Facts
from zkstate.errors import DisagreementError, InputError, SourceError
from zkstate.publication.header import Header
from zkstate.publication.layout import INSTRUMENTS
from zkstate.publication.records import RecordKey
from zkstate.publication.regular import read_below
from zkstate.publication.tables import check_instruments
from zkstate.publication.tiles import path_from_tiles
from zkstate.solvency.coverage import Counted
from zkstate.state.decimals import render
from zkstate.state.identity import AccountKey
from zkstate.state.schema import Account, Instrument, Row
from zkstate.state.table import MAX_TABLE_BYTES, InstrumentTable

T = TypeVar("T")

_RULES = {
    "tiers": "the tiers of what it holds",
    "portfolio": "the portfolio rule, in place of tiers: the worst of the venue's scenarios, as the venue chose for it",
}
OPTIONS = ("account", "account_key", "unlock", "holds")


def declare_own(parser: Parser) -> None:
    parser.add_argument("--account", type=existing)
    parser.add_argument("--account-key", type=existing)
    parser.add_argument("--unlock", type=Path)
    parser.add_argument("--holds", type=_amount, action="append")


@dataclass(slots=True)
class Own:
    """An account in a published epoch, None if it is not there, and why it is not what its owner thinks, if so."""

    header: Header
    table: InstrumentTable
    account: Account | None
    reasons: list[str] = field(default_factory=list)
    batch: str | None = None
    rule: str | None = None  # that judges its cross pot there
    proof: str | None = None  # why one that is here does not count

    def count_in(self, counted: Counted) -> None:
        """Look for it among what a solvency proof that holds counts."""
        if self.account is not None:
            found = counted.coverage(self.account)
            self.batch, self.rule = found.batch, found.rule
            self.reasons += found.reasons

    def result(self) -> dict[str, object]:
        """In JSON."""
        shown = None if self.account is None else account_result(self.account, self.table, self.header.time)
        return {"account": shown, "account_id": None if self.account is None else f"{self.account.id:#066x}",
                "account_batch": self.batch, "account_rule": self.rule}  # fmt: skip

    def facts(self) -> Facts:
        """For people."""
        account = self.account
        if account is None:
            return [("your account", "is not in this epoch")]
        rows = [_row_text(row, self.table[row.instrument]) for row in account.rows]
        return [
            ("your account", f"leaf {account.index} of {self.header.account_count:,}, id {account.id:#066x}"),
            *(("holds" if i == 0 else "", words) for i, words in enumerate(rows or ["nothing"])),
            (
                "counted in",
                self.batch or f"no proof of solvency: {'none is here' if self.proof is None else self.proof}",
            ),
            *([] if self.rule is None else [("judged by", _RULES[self.rule])]),
        ]


def _row_text(row: Row, of: Instrument) -> str:
    """An amount; what is no asset is said to be none, as no reserves stand behind it."""
    return f"{render(row.amount, of.decimals)} {of.symbol}{'' if of.is_asset else f', a position ({of.kind})'}"


def find_own(public: Path, header: Header, args: Namespace) -> Own | None:
    """The account that the options name, looked up in published files alone; None if they name none.

    Errors: InputError for options that do not go together; those of reading key and bundle.
    """
    if args.account is None and args.account_key is None:
        if is_given(args.holds) or is_given(args.unlock):
            raise InputError("--holds and --unlock are about an account: give --account-key, or --account")
        return None
    if args.account_key is None and args.unlock is not None:
        raise InputError("--unlock is for --account-key")
    table = check_instruments(read_below(public, INSTRUMENTS, MAX_TABLE_BYTES), header)
    own = Own(header, table, None)
    bundle = None if args.account is None else Bundle.read(args.account)
    if bundle is not None:
        if bundle.header.hash != header.hash:
            found = f"{args.account} is of epoch {bundle.header.epoch}, header {bundle.header.hash.hex()}"
            own.reasons.append(f"{found}, and this epoch has header {header.hash.hex()}")
            return own
        own.account = bundle.account
    if args.account_key is not None:
        _look_up(own, read_key(args.account_key, args.unlock), public)
        if bundle is not None and own.account not in (None, bundle.account):
            own.reasons.append(f"the account of {args.account_key} is not the one in {args.account}")
    if args.holds is not None and own.account is not None:
        own.reasons += _differences(own.account, table, args.holds)
    return own


def _look_up(own: Own, key: AccountKey, public: Path) -> None:
    """The account of a key: its record in the published files, its owner and id, and its leaf under the root."""

    def fetch(path: str, max_bytes: int, check: Callable[[bytes], T]) -> T:
        return check(read_below(public, path, max_bytes))

    own.account = None
    try:
        record = find_record(RecordKey.derive(key, own.header), fetch)
        leaf, _ = path_from_tiles(
            record.account.index, count=own.header.account_count, depth=own.header.accounts_depth,
            root=own.header.accounts_root, fetch=fetch,
        )  # fmt: skip
    except (SourceError, DisagreementError) as error:
        own.reasons.append(f"the account of this key: {error}")
        return
    own.account = record.account
    if leaf != record.leaf:
        own.reasons.append(f"the record's leaf is {record.leaf:#066x}, and leaf {record.account.index} {leaf:#066x}")


def _differences(account: Account, table: InstrumentTable, holds: list[tuple[str, Decimal]]) -> list[str]:
    """Where what an account holds is not what its owner says: every row is to be named."""
    if len(dict(holds)) < len(holds):
        raise InputError("--holds names an instrument twice")
    found = {table[row.instrument].symbol: render(row.amount, table[row.instrument].decimals) for row in account.rows}
    reasons = []
    for symbol, amount in holds:
        stated = found.pop(table.by_symbol(symbol).symbol, "0")
        if Decimal(stated) != amount:
            reasons.append(f"the account holds {stated} {symbol}, and you say {amount:f}")
    return reasons + [f"the account holds {amount} {symbol}, and you name none" for symbol, amount in found.items()]


def _amount(text: str) -> tuple[str, Decimal]:
    """SYMBOL=AMOUNT."""
    symbol, equals, amount = text.rpartition("=")
    if not (symbol and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not SYMBOL=AMOUNT")
    return symbol, decimal(amount)
