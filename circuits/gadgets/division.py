"""Division with a remainder: floor(a / d), where a venue's own rule rounds down."""

from __future__ import annotations

from zkstate.constraint import Builder, Wire
from zkstate.errors import CircuitError


def require_division(c: Builder, dividend: Wire, divisor: int, quotient: Wire, remainder: Wire) -> None:
    """quotient is floor(dividend / divisor) and remainder what is left: two requirements, said of `divisor`.

    The intervals of quotient and remainder keep quotient·divisor + remainder from wrapping, so that there is one such
    pair for each dividend. CircuitError for a divisor below 2, or a remainder that may be negative.
    """
    if divisor < 2 or remainder.bounds[0] < 0:
        raise CircuitError(f"division by {divisor} with the remainder {remainder!r}")
    c.require(remainder < divisor, f"the remainder is less than {divisor}")
    c.require(quotient * divisor + remainder == dividend, "the quotient and the remainder make the dividend")
