"""Whether a solvency proof counts one account: its class, its bounds, and the batch that has its leaf."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zkstate.publication.header import Header
from zkstate.publication.regular import read_below
from zkstate.solvency.files import BOUNDS, CLAIM, CLASSES, MAX_CLAIM_BYTES, Claim
from zkstate.solvency.plan import BOUND_BYTES, LAYOUTS, Plan, decode_bounds
from zkstate.state.schema import Account


@dataclass(frozen=True, slots=True)
class Coverage:
    """The batch that has an account's leaf; `reasons` say why it is not that account that is counted there."""

    batch: str
    reasons: tuple[str, ...]


def coverage(folder: Path, header: Header, account: Account) -> Coverage:
    """Where the proof in a folder counts an account whose leaf is under the header's accounts root.

    Whether the batches hold is for `verify_solvency`. Errors: those of files that are missing or malformed.
    """
    claim = Claim.decode(read_below(folder, CLAIM, MAX_CLAIM_BYTES))
    classes = np.frombuffer(read_below(folder, CLASSES, header.account_count), np.uint8)
    bounds = decode_bounds(read_below(folder, BOUNDS, BOUND_BYTES * header.account_count), header.account_count)
    plan, at = Plan(classes, claim.sizes, LAYOUTS[claim.system]), account.index
    reasons = []
    if (stated := int(classes[at])) != account.size_class:
        reasons.append(f"leaf {at} is counted in class {stated}, and the account has class {account.size_class}")
    lower, upper = (int.from_bytes(bounds[i].tobytes()) for i in (at, at + 1))
    if not lower <= account.id < upper:
        reasons.append(f"the id of leaf {at} is not between its bounds: another account is counted there")
    number = int((classes[:at] == stated).sum()) // plan.sizes[stated]
    return Coverage(f"batch {number} of class {stated}", tuple(reasons))
