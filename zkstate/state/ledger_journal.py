"""The `entries` table of a ledger and the journals that accounts state they had: checked lines in, columns out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from zkstate.kernels import FR_MODULUS
from zkstate.state import wide
from zkstate.state.journal import FUNDING, I96, KINDS, MAX_ENTRIES, TRANSFER
from zkstate.state.journal_columns import JournalColumns, journal_columns, no_entries
from zkstate.state.ledger_chunk import Chunk, Place
from zkstate.state.limbs import ByteMatrix
from zkstate.state.schema import VALUE_DECIMALS
from zkstate.state.wide import below

_KINDS = {name: kind for kind, name in enumerate(KINDS, start=1)}


class JournalLines:
    """Takes the lines of `entries`, and of `accounts` what they say of earlier entries."""

    __slots__ = ("_heads", "_kept", "_lengths")

    def __init__(self) -> None:
        self._kept: list[tuple[Place, list[NDArray[np.generic]]]] = []
        self._heads: list[ByteMatrix] = []
        self._lengths: list[NDArray[np.uint64]] = []

    def add_accounts(self, chunk: Chunk) -> None:
        """Keep the head and length that each account states for its entries before this ledger; 0 if none."""
        lengths = chunk.unsigned_64("history_length", np.zeros(chunk.count, np.int64), required=False)
        stated = chunk.text("history_head")
        heads = np.zeros((chunk.count, 32), np.uint8)
        given = np.fromiter(map(bool, stated), np.bool_, chunk.count)
        chunk.refuse("history_head", given != (lengths != 0), "and history_length: an account has both or neither")
        if given.any():
            heads[given] = chunk.bytes_32("history_head", given)
            chunk.refuse("history_head", ~below(heads, FR_MODULUS), "is not below the field's modulus")
        self._heads.append(heads)
        self._lengths.append(lengths)

    def add_entries(
        self,
        chunk: Chunk,
        accounts: Mapping[str, int],
        symbols: Mapping[str, int],
        decimals: NDArray[np.int64],
        is_asset: NDArray[np.bool_],
    ) -> None:
        """Check and keep some entries; `decimals` and `is_asset` are by instrument id."""
        account = chunk.lookup("account", accounts, "accounts")
        instrument = chunk.lookup("instrument", symbols, "instruments")
        kind = chunk.lookup("kind", _KINDS, f"kinds: {', '.join(KINDS)}")
        scale = decimals[instrument]
        amount = chunk.signed_64("amount", scale, required=False)
        chunk.refuse("amount", (amount == 0) != (kind == FUNDING), "does not suit: funding alone has amount 0")
        chunk.refuse("amount", (kind == 1) & (amount < 0), "is a deposit, and deposits add")
        chunk.refuse("amount", (kind == 2) & (amount > 0), "is a withdrawal, and withdrawals take away")
        chunk.refuse("instrument", (kind <= TRANSFER) & ~is_asset[instrument], "is a market, and assets alone move")
        chunk.refuse("instrument", (kind == FUNDING) & is_asset[instrument], "is an asset, and has no funding")
        whole = np.full(chunk.count, VALUE_DECIMALS)
        value_high, value_low, outside = wide.halves(chunk.numbers("value", whole, required=False))
        chunk.refuse("value", outside, "does not fit a signed 128-bit number of 10^-16 quote")
        fee_high, fee_low, outside = wide.halves(chunk.numbers("fee", whole, required=False))
        outside = outside | (fee_high < -(I96 >> 64)) | (fee_high >= I96 >> 64)
        chunk.refuse("fee", outside, "does not fit a signed 96-bit number of 10^-16 quote")
        time = chunk.unsigned_64("time", np.zeros(chunk.count, np.int64))
        price = chunk.unsigned_64("price", VALUE_DECIMALS - scale, required=False)
        columns: list[NDArray[np.generic]] = [
            account,
            kind,
            instrument,
            amount,
            value_high,
            value_low,
            fee_high,
            fee_low,
            time,
            price,
        ]
        self._kept.append((chunk.place, columns))

    def finish(self, accounts: tuple[str, ...]) -> JournalColumns | None:
        """The journals; None if no account has any. LedgerError for more entries than an epoch can publish."""
        if not accounts:
            return None
        heads, lengths = np.concatenate(self._heads), np.concatenate(self._lengths)
        if not self._kept:
            return no_entries(heads, lengths) if lengths.any() else None
        columns = [np.concatenate(parts) for parts in zip(*(columns for _, columns in self._kept), strict=True)]
        account = columns[0]
        counts = np.bincount(account, minlength=len(accounts))
        if counts.max() > MAX_ENTRIES:
            crowded = int(counts.argmax())
            line = int(np.flatnonzero(account == crowded)[MAX_ENTRIES])
            for place, part in self._kept:
                if line < len(part[0]):
                    name = accounts[crowded]
                    place.fail(line, "account", f"{name!r} has {int(counts[crowded])} entries; at most {MAX_ENTRIES}")
                line -= len(part[0])
        return journal_columns(account, len(accounts), columns[1:], (heads, lengths))
