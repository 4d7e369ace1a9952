"""What the state of a venue has to satisfy beyond its ranges: rules of rows and orders, and conservation (§15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import EncodingError, LedgerError
from zkstate.kernels import FR_MODULUS
from zkstate.state import wide
from zkstate.state.ledger import Bytes32, RowColumns, entry_keys
from zkstate.state.schema import U64, VALUE_DECIMALS
from zkstate.state.table import InstrumentTable
from zkstate.state.text import is_plain
from zkstate.state.venue_events import ISOLATED, LIQUIDATES, SELLS

if TYPE_CHECKING:
    from zkstate.state.venue_state import VenueState


def settlement_of(table: InstrumentTable, quote: str) -> tuple[int, int]:
    """The asset that fees, profits and funding are paid in, and one unit of it in 10^-16 quote. LedgerError if none."""
    for instrument in table.instruments:
        if instrument.symbol == quote and instrument.is_asset:
            return instrument.id, 10 ** (VALUE_DECIMALS - instrument.decimals)
    raise LedgerError(f"no asset has the symbol of the quote, {quote!r}: a journal settles in that asset")


def at_entry(rows: RowColumns, table: InstrumentTable) -> int:
    """Sum over positions of entry value and funding due, 10^-16 quote: what the venue holds against them."""
    funding = np.array([0, *(i.funding for i in table.instruments)], np.int64)[rows.instrument]
    due = _products(rows.amount, funding) - _products(rows.amount, rows.funding)
    return (_total(rows.entry_high) << 64) + _total(rows.entry_low) + due


def _total(numbers: NDArray[np.int64] | NDArray[np.uint64]) -> int:
    """The exact sum. In halves, as one of words may not fit a word."""
    low = numbers.dtype.type(0xFFFFFFFF)
    return (int((numbers >> numbers.dtype.type(32)).sum()) << 32) + int((numbers & low).sum())


def _products(a: NDArray[np.int64], b: NDArray[np.int64]) -> int:
    """The exact sum of a · b, out of products of halves, of which one alone needs all 64 bits."""
    a_high, b_high, a_low, b_low = a >> 32, b >> 32, a & 0xFFFFFFFF, b & 0xFFFFFFFF
    middle = _total(a_high * b_low) + _total(a_low * b_high)
    return (_total(a_high * b_high) << 64) + (middle << 32) + _total(a_low.view(np.uint64) * b_low.view(np.uint64))


def check_accounts(names: Sequence[str], owners: Bytes32) -> None:
    """EncodingError unless names are different plain texts, and owners below the field's modulus."""
    if len(set(names)) < len(names):
        raise EncodingError(f"two of {len(names)} accounts have one name")
    if not all(names) or not is_plain("".join(names)):
        strange = next(name for name in names if not name or not is_plain(name))
        raise EncodingError(f"the account name {strange!a} is no plain text")
    below = wide.below(np.ascontiguousarray(owners), FR_MODULUS)
    if not below.all():
        at = int(np.argmin(below))
        raise EncodingError(f"the owner of {names[at]!r}, {owners[at].tobytes().hex()}, is not below {FR_MODULUS:x}")


def check_state(state: VenueState) -> None:
    """EncodingError unless rows and orders are such as events can leave, and every asset is conserved."""
    rows, table = state.rows, state.table
    settlement, unit = settlement_of(table, state.quote)
    asset = np.array([True, *(i.is_asset for i in table.instruments)])
    keys = entry_keys(rows)
    if (twice := np.flatnonzero(np.diff(keys) <= 0)).size:
        account, instrument = divmod(int(keys[twice[0]]), 1 << 16)
        raise EncodingError(f"account {state.names[account]!r} has two rows of {table[instrument].symbol!r}")
    marked = (rows.entry_high != 0) | (rows.entry_low != 0) | (rows.funding != 0) | (rows.isolated != 0)
    if (wrong := np.flatnonzero(asset[rows.instrument] & marked)).size:
        account, instrument = divmod(int(keys[wrong[0]]), 1 << 16)
        where = f"account {state.names[account]!r}, asset {table[instrument].symbol!r}"
        raise EncodingError(f"{where}: the row has an entry value or funding, or is isolated")
    o = state.resting
    barred = (o.instrument == settlement) | (asset[o.instrument] & ((o.flags & (ISOLATED | LIQUIDATES)) != 0))
    if (wrong := np.flatnonzero(barred)).size:
        symbol, flags = table[int(o.instrument[wrong[0]])].symbol, o.flags[wrong[0]]
        raise EncodingError(f"order {o.number[wrong[0]]} with flags {flags} is of {symbol!r}, and no order may be")
    if not state.events and (o.flags & LIQUIDATES).any():
        raise EncodingError(f"order {o.number[(o.flags & LIQUIDATES) != 0][0]} liquidates before there was an event")
    kept = state.house - at_entry(rows, table)
    for listed, total, net in zip(table.instruments, sums(rows, len(table)), state.net, strict=True):
        times, more = (unit, kept) if listed.id == settlement else (1, 0)
        held = times * total + more if listed.is_asset else 0
        if held != times * net:
            raise EncodingError(
                f"of {listed.symbol!r} {held} are held, with what the venue holds, and {times * net} net"
            )


def check_uncrossed(state: VenueState) -> None:
    """LedgerError if a bid of some instrument is at or above an ask: a journal begins between two matches."""
    o = state.resting
    sells = (o.flags & SELLS) != 0
    bid = np.zeros(len(state.table) + 1, np.uint64)
    ask = np.full(len(bid), U64 - 1, np.uint64)
    np.maximum.at(bid, o.instrument[~sells], o.price[~sells])
    np.minimum.at(ask, o.instrument[sells], o.price[sells])
    both = np.isin(np.arange(len(bid)), np.intersect1d(o.instrument[sells], o.instrument[~sells]))
    if (crossed := np.flatnonzero(both & (bid >= ask))).size:
        symbol = state.table[int(crossed[0])].symbol
        raise LedgerError(f"the book of {symbol!r} is crossed: a journal cannot begin there")


def sums(rows: RowColumns, instruments: int) -> list[int]:
    """What the rows of each instrument add up to. In halves, as a sum of int64 may not fit one."""
    high: NDArray[np.int64] = np.zeros(instruments + 1, np.int64)
    low = high.copy()
    np.add.at(high, rows.instrument, rows.amount >> 32)
    np.add.at(low, rows.instrument, rows.amount & 0xFFFFFFFF)
    return [(h << 32) + w for h, w in zip(high[1:].tolist(), low[1:].tolist(), strict=True)]
