"""Floor division against Python's, with every quotient and remainder tried at a small width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.gadgets.division import require_division
from tests.circuits.nudge import broken_labels, free_wires
from tests.constraint.saying import saying
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import sint, uint
from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS

WHOLE = "the quotient and the remainder make the dividend"


def divided(dividend, quotient, remainder, divisor):
    kinds = {"out": dividend, "quotient": quotient, "remainder": remainder}
    return saying(lambda c, out, quotient, remainder: require_division(c, out, divisor, quotient, remainder), **kinds)


TINY = divided(sint(6), sint(4), uint(3), 5)


def test_one_pair_passes():
    """Every quotient and remainder of the kinds, for every dividend."""
    for dividend in range(-32, 32, 3):
        passing = [
            (quotient, remainder)
            for quotient in range(-8, 8)
            for remainder in range(8)
            if not broken_labels(TINY, {"out": dividend, "quotient": quotient, "remainder": remainder})
        ]
        assert passing == [divmod(dividend, 5)]


WIDE = divided(uint(148), uint(128), uint(20), 10**6)


@given(st.one_of(st.integers(0, 2**147), st.sampled_from([0, 1, 10**6 - 1, 10**6, 2**147])))
def test_wide_dividends(dividend):
    quotient, remainder = divmod(dividend, 10**6)
    inputs = {"out": dividend, "quotient": quotient, "remainder": remainder}
    assert free_wires(WIDE, WIDE.solve(inputs)) == []
    less, other = {"quotient": quotient - 1, "remainder": remainder + 10**6}, {"remainder": remainder ^ 1}
    assert "the remainder is less than 1000000" in broken_labels(WIDE, {**inputs, **less})
    assert WHOLE in broken_labels(WIDE, {**inputs, **other})


def test_a_quotient_that_only_the_field_knows_is_out_of_range():
    """Any remainder has a quotient mod r: what refuses it is the quotient's range alone."""
    quotient = -pow(5, -1, FR_MODULUS)
    broken = broken_labels(TINY, {"out": 0, "quotient": quotient, "remainder": 1})
    assert broken == {"quotient is a signed 4-bit integer"}


def test_divisions_that_make_no_sense():
    c = Builder()
    wire, signed = c.hint(1, "x", 0, 9)[0], c.hint(1, "y", -1, 9)[0]
    for divisor, remainder in ((1, wire), (0, wire), (7, signed)):
        with pytest.raises(CircuitError, match=f"division by {divisor}"):
            require_division(c, wire, divisor, wire, remainder)
