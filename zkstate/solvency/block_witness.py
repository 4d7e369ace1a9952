"""The secret inputs of a transparent batch, by columns: its accounts, and before and after them the sums."""

from __future__ import annotations

from circuits.account_block import HELD, PARTS, SUMS
from zkstate.kernels import FrVec, wipe
from zkstate.solvency.publics import Sums
from zkstate.solvency.witness import Accounts, Blinds
from zkstate.state.schema import I64, I128

NOTHING = {"instrument": 0, "isolated": 0, "amount": I64, "entry": I128, "funding_at_entry": I64}


def block_inputs(accounts: Accounts, before: Sums, blinds: Blinds) -> dict[str, FrVec]:
    """Every secret input of the account block, block by block; the caller's to wipe."""
    after, rows = before + accounts.added, accounts.part.rows
    parts, held = accounts.parts(), accounts.rows()
    ends = [
        {"owner": blind, **{part: getattr(sums, name) for name, part in SUMS.items()}}
        for sums, blind in ((before, blinds.before), (after, blinds.after))
    ]
    found = {name: _between(parts[name], *(FrVec.from_ints([end.get(name, 0)]) for end in ends)) for name in PARTS}
    for name in HELD:
        nothing = FrVec.from_ints([NOTHING[name]] * rows)
        found[name] = _between(held[name], nothing, nothing)
    entries = accounts.published.entries_of(accounts.part)
    for name, values in entries.read(accounts.entries).items():
        nothing = entries.members[name].slice(0, 1).repeated(rows)
        found[name] = _between(values, nothing, nothing)
    if accounts.published.table.rounds:
        for name, values in accounts.counted().items():
            found[name] = _between(values, FrVec(rows), FrVec(rows))
    if accounts.part.by_portfolio:
        for name, values in accounts.risks().items():
            each = len(values) // accounts.part.accounts
            found[name] = _between(values, FrVec(each), FrVec(each))
    return found


def _between(values: FrVec, first: FrVec, last: FrVec) -> FrVec:
    """All three in one vector; the three are overwritten, as none is used again."""
    joined = FrVec.concat([first, values, last])
    for vec in (first, values, last):
        wipe(vec)
    return joined
