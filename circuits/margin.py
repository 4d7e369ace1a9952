"""Margin: the committed account's cross positions and assets together have enough equity at the committed prices.

Public: ratio_ppm, initial. Secret: the account, and of each instrument it holds the table row that prices it.
The statement is equity * 10^6 >= ratio_ppm * need over all rows that are not isolated, where need is the maintenance
requirement, or the initial one if `initial` is 1. Not counted: isolated rows, for or against; what open orders
reserve. Units: equity and need in 10^-22 quote (docs/spec.md section 7). Nothing is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, public, uint

from .priced import PricedStatement


@dataclass(frozen=True)
class Margin(PricedStatement):
    """The equity of the cross pot covers `ratio_ppm` millionths of its requirement."""

    ratio_ppm = public(uint(32))
    initial = public(BOOL)

    def define(self, c: Builder) -> None:
        cross, *_ = self.assess(c, self.open_account(c), self.amounts, self.initial)
        cross.require_covered(c, self.ratio_ppm, "equity covers the margin requirement")
