"""Whether a solvency proof counts one account: its class, its bounds, and the batch that has its leaf."""

from __future__ import annotations

from dataclasses import dataclass

from zkstate.solvency.classes import class_name, rows_of, rule_of
from zkstate.solvency.plan import Bytes32, Plan
from zkstate.state.schema import Account


@dataclass(frozen=True, slots=True)
class Coverage:
    """The batch that has an account's leaf, and the rule that judges its cross pot there.

    `reasons` say why it is not that account that is counted there.
    """

    batch: str
    rule: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """The classes and bounds that a proof was judged by: read once, since a second reading may find others."""

    plan: Plan
    bounds: Bytes32

    def coverage(self, account: Account) -> Coverage:
        """Where an account is counted whose leaf is under the header's accounts root."""
        plan, at = self.plan, account.index
        reasons = []
        kind = int(plan.classes[at])
        if (stated := rows_of(kind)) != account.size_class:
            reasons.append(f"leaf {at} is counted in class {stated}, and the account has class {account.size_class}")
        lower, upper = (int.from_bytes(self.bounds[i].tobytes()) for i in (at, at + 1))
        if not lower <= account.id < upper:
            reasons.append(f"the id of leaf {at} is not between its bounds: another account is counted there")
        number = int((plan.classes[:at] == kind).sum()) // plan.sizes[kind]
        return Coverage(f"batch {number} of class {class_name(kind)}", rule_of(kind), tuple(reasons))
