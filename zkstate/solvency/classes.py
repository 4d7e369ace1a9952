"""Classes of a solvency proof: how many rows an account has room for, and which rule judges it.

A class is a number: a size class, and PORTFOLIO more where the portfolio rule judges the cross pot. In names of files
and in words it is the size class, with a `p` behind it for the portfolio rule.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from zkstate.errors import EncodingError, LengthError
from zkstate.publication.header import Header
from zkstate.state.schema import PORTFOLIO, SIZE_CLASSES

RULES = ("tiers", "portfolio")


def rows_of(kind: int) -> int:
    """The rows that an account of a class has room for."""
    return kind % PORTFOLIO


def rule_of(kind: int) -> str:
    """The rule that judges the cross pots of a class."""
    return RULES[kind // PORTFOLIO]


def class_name(kind: int) -> str:
    """A class in words and in names of files."""
    return f"{rows_of(kind)}{'p' if kind >= PORTFOLIO else ''}"


def check_classes(classes: NDArray[np.uint8]) -> None:
    """EncodingError names the first leaf whose class is none."""
    wrong = np.flatnonzero(~np.isin(classes % PORTFOLIO, SIZE_CLASSES))
    if len(wrong):
        raise EncodingError(f"leaf {wrong[0]} has class {classes[wrong[0]]}, none of {SIZE_CLASSES}")


def count_classes(chunks: Iterable[bytes]) -> dict[int, int]:
    """How many leaves there are of each class, of a list of a byte for each, chunk by chunk.

    EncodingError for a class that is none.
    """
    counts = np.zeros(256, np.int64)
    for chunk in chunks:
        counts += np.bincount(np.frombuffer(chunk, np.uint8), minlength=256)
    found = {kind: int(counts[kind]) for kind in np.flatnonzero(counts).tolist()}
    for kind, count in found.items():
        if rows_of(kind) not in SIZE_CLASSES:
            raise EncodingError(f"class {kind} of {count} leaves is none of {SIZE_CLASSES}")
    return found


def check_rules(classes: NDArray[np.uint8], system: str, header: Header) -> None:
    """Refuse the portfolio rule where nothing shows it: LengthError by Groth16, EncodingError without scenarios."""
    risky = np.flatnonzero(classes >= PORTFOLIO)
    if not len(risky):
        return
    name = class_name(int(classes[risky[0]]))
    if system == "groth16":
        found = f"leaf {risky[0]} has class {name}, and {len(risky)} accounts in all have portfolio margin"
        raise LengthError(f"{found}: no circuit of {system} judges it; prove with --system transparent or mirage")
    if not header.scenarios_root:
        raise EncodingError(f"leaf {risky[0]} has class {name}, and the epoch commits to no scenarios")
