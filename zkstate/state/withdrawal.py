"""What can be taken out of an account without its falling short of its initial requirement (docs/spec.md §7, `exit`).

Amounts in 10^-d of the asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zkstate.state.margin import assess
from zkstate.state.schema import Row
from zkstate.state.table import InstrumentTable


def left_after(rows: Sequence[Row], table: InstrumentTable, instrument: int, amount: int) -> dict[int, int]:
    """The amounts, by instrument, that an exit is judged on: less the exit, and less all held of assets before it."""
    left = {row.instrument: row.amount for row in rows}
    for row in rows:
        if row.instrument < instrument and row.amount > 0 and table[row.instrument].is_asset:
            left[row.instrument] = 0
        elif row.instrument == instrument:
            left[row.instrument] -= amount
    return left


def is_covered(rows: Sequence[Row], table: InstrumentTable, instrument: int, amount: int) -> bool:
    """Whether the account holds `amount` of an asset and its cross pot covers the initial requirement without it.

    Isolated pots stand by themselves: they neither need what leaves nor help out. Open orders count as cancelled.
    """
    held = next((row.amount for row in rows if row.instrument == instrument), 0)
    if not 0 < amount <= held or not table[instrument].is_asset:
        return False
    left = left_after(rows, table, instrument, amount)
    kept = [replace(row, amount=left[row.instrument]) for row in rows]
    cross = assess(kept, table, initial=True).cross
    return cross.equity >= cross.need


def withdrawable(rows: Sequence[Row], table: InstrumentTable, instrument: int) -> int:
    """The most of an asset that can leave the account, 0 if nothing. More of an asset never lowers equity."""
    low, high = 0, max(0, next((row.amount for row in rows if row.instrument == instrument), 0))
    while low < high:
        middle = (low + high + 1) // 2
        if is_covered(rows, table, instrument, middle):
            low = middle
        else:
            high = middle - 1
    return low
