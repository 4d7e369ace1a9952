"""Sums of fractions at a random point: what many rows hold, by key, against a list of keys and amounts.

Σ_r x_r / (p - k_r) = Σ_e y_e / (p - K_e) as functions of p exactly if, for every key, the x of the rows with that key
add up to the y of the entries with it. At a point chosen at random after all of them are fixed, two different functions
agree with a probability below (rows + entries) / r. With x_r = 1, and y_e how often entry e is read, every key read is
one of the list. (Haboeck 2022, "Multivariate lookups based on logarithmic derivatives".)
"""

from __future__ import annotations

from zkstate.constraint import Builder, Wire
from zkstate.constraint.builder import index_of
from zkstate.constraint.wire import WireLike
from zkstate.kernels import STEP_INVERSE


def inverse(c: Builder, x: Wire, label: str) -> Wire:
    """1/x; that x is not 0 becomes a requirement. One row."""
    found = c.hint(1, "inverse")[0]
    c.step(STEP_INVERSE, index_of(found), c.combination(x.terms))
    c.constrain(x, found, 1, label)
    return found


def fraction(c: Builder, numerator: WireLike, point: Wire, key: Wire, label: str) -> Wire:
    """numerator / (point - key): two rows, or one if the numerator is the constant 1."""
    inverted = inverse(c, c.felt(point) - key, label)
    return inverted if isinstance(numerator, int) and numerator == 1 else c.felt(numerator) * inverted
