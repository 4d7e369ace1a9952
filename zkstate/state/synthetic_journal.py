"""What happened to some accounts of a synthetic venue since the epoch before: entries that leave every row as it was.

Funding is paid, a quarter of a position is liquidated and bought back, and a deposit makes up for what that cost, to
the last unit: so that entries and rows of one generated ledger can follow each other epoch after epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zkstate.state.journal import DEPOSIT, FILL, FUNDING, LIQUIDATION, Entry
from zkstate.state.journal_columns import JournalColumns, journal_columns
from zkstate.state.ledger import Ledger
from zkstate.state.schema import Instrument, Row

EVERY, AMONG = 8, 8192  # of the first so many accounts, every eighth
BEFORE_S = 3600  # how long before its time the first epoch's entries begin
_LARGEST_WORTH = 1 << 90


def with_events(ledger: Ledger, since: int | None) -> Ledger:
    """The ledger with entries between the time of the epoch before, if there is one, and its own. Deterministic."""
    quote = next((i for i in ledger.table.instruments if i.symbol == ledger.quote and i.is_asset), None)
    start = max(0, ledger.time - BEFORE_S) if since is None else since
    if quote is None or not quote.price or ledger.time <= start:
        return ledger
    accounts, entries = [], list[Entry]()
    for account in range(EVERY - 1, min(len(ledger), AMONG), EVERY):
        for row in ledger.rows_of(account):
            market = ledger.table[row.instrument]
            if not market.is_asset and not market.option and abs(row.amount) >= 4:
                found = list(_events(row, market, quote, start, ledger.time))
                accounts += [account] * len(found)
                entries += found
                break
    return replace(ledger, journal=_columns(accounts, entries, len(ledger))) if entries else ledger


def _events(row: Row, market: Instrument, quote: Instrument, start: int, end: int) -> Iterator[Entry]:
    """Values and fees of the four add up to 0, and so do the amounts of the market."""
    part = row.amount // 4 if row.amount > 0 else -(-row.amount // 4)
    lost = min(abs(part) * market.notional_price // 1000, _LARGEST_WORTH)
    deposit = max(8, lost // quote.price)
    worth = deposit * quote.price
    paid, realised, penalty = worth // 4, worth // 2, worth // 8
    times = [max(start + 1, start + (end - start) * k // 4) for k in (1, 2, 3, 4)]
    yield Entry(FUNDING, market.id, 0, -paid, 0, times[0], 0)
    yield Entry(LIQUIDATION, market.id, -part, -realised, penalty, times[1], market.price)
    yield Entry(FILL, market.id, part, 0, worth - paid - realised - penalty, times[2], market.price)
    yield Entry(DEPOSIT, quote.id, deposit, worth, 0, times[3], 0)


def _columns(accounts: list[int], entries: list[Entry], count: int) -> JournalColumns:
    low = (1 << 64) - 1
    columns: list[NDArray[np.generic]] = [
        np.array([e.kind for e in entries], np.uint8),
        np.array([e.instrument for e in entries], np.uint16),
        np.array([e.amount for e in entries], np.int64),
        np.array([e.value >> 64 for e in entries], np.int64),
        np.array([e.value & low for e in entries], np.uint64),
        np.array([e.fee >> 64 for e in entries], np.int64),
        np.array([e.fee & low for e in entries], np.uint64),
        np.array([e.time for e in entries], np.uint64),
        np.array([e.price for e in entries], np.uint64),
    ]
    return journal_columns(np.array(accounts, np.int64), count, columns)
