"""Health: the whole committed account is above maintenance, its cross rows together and each isolated position alone.

Public: ratio_ppm. Secret: the account, and of each instrument it holds the table row that prices it.
Each pot has equity * 10^6 >= ratio_ppm * need, need being the maintenance requirement. Assets that the table rounds
count whole 10^-16 quote. Units: equity and need in 10^-22 quote (docs/spec.md section 7).
"""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import public, uint

from .priced import RoundedStatement


@dataclass(frozen=True)
class Health(RoundedStatement):
    """Every pot of the account covers `ratio_ppm` millionths of its maintenance requirement."""

    ratio_ppm = public(uint(32))

    def define(self, c: Builder) -> None:
        cross, *isolated = self.assess(c, self.open_account(c), self.amounts, 0)
        cross.require_covered(c, self.ratio_ppm, "equity covers the margin requirement")
        for i, pot in enumerate(isolated):
            pot.require_covered(c, self.ratio_ppm, f"row {i}, if isolated, covers its own requirement")
