"""Intervals follow the integers, whatever leaves the signed range is refused, and nothing has a truth value."""

import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.circuits.nudge import free_wires
from tests.constraint import reference
from tests.constraint.saying import saying
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, sint, uint
from zkstate.constraint.wire import LARGEST, Wire
from zkstate.errors import CircuitError, WitnessError
from zkstate.kernels import FR_MODULUS

SMALL = st.integers(-128, 127)
LEAVES = st.one_of(st.sampled_from(["x", "y", "z"]), st.integers(-5, 5))
BINARY = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def grow(children):
    return st.one_of(
        st.tuples(st.sampled_from(sorted(BINARY)), children, children),
        st.tuples(st.sampled_from(["neg", "abs"]), children),
        st.tuples(st.sampled_from(["<", "<=", "==", "!=", ">", ">=", "&", "|", "^"]), children, children),
        st.tuples(st.just("select"), children, children, children),
    )


EXPRESSIONS = st.recursive(LEAVES, grow, max_leaves=12)
RELATIONS = {
    "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge
}  # fmt: skip
BOOLEAN = {"&": operator.and_, "|": operator.or_, "^": operator.xor}


def value_of(expression, names):
    """The expression over Python integers; boolean operators read an operand as whether it is positive."""
    if isinstance(expression, int):
        return expression
    if isinstance(expression, str):
        return names[expression]
    sign, *operands = expression
    values = [value_of(operand, names) for operand in operands]
    if sign in BINARY:
        return BINARY[sign](*values)
    if sign in RELATIONS:
        return int(RELATIONS[sign](*values))
    if sign in BOOLEAN:
        return BOOLEAN[sign](*(int(value > 0) for value in values))
    if sign == "select":
        return values[1] if values[0] > 0 else values[2]
    return {"neg": operator.neg, "abs": abs}[sign](*values)


def wire_of(c, expression, names):
    """The same, over wires."""
    if isinstance(expression, int):
        return c.const(expression)
    if isinstance(expression, str):
        return names[expression]
    sign, *operands = expression
    wires = [wire_of(c, operand, names) for operand in operands]
    if sign in BINARY:
        return BINARY[sign](*wires)
    if sign in RELATIONS:
        return c.bit(RELATIONS[sign](*wires))
    if sign in BOOLEAN:
        return BOOLEAN[sign](*(wire > 0 for wire in wires))
    if sign == "select":
        return c.select(wires[0] > 0, wires[1], wires[2])
    return {"neg": operator.neg, "abs": abs}[sign](*wires)


@settings(max_examples=80, deadline=None)
@given(EXPRESSIONS, st.lists(st.tuples(SMALL, SMALL, SMALL), min_size=1, max_size=6))
def test_expressions_compute_what_integers_do(expression, assignments):
    """Value, interval, the Python machine and the nudge test agree on every expression."""
    built: list[Wire] = []

    def define(c, out, x, y, z):
        built.append(wire_of(c, expression, {"x": x, "y": y, "z": z}))
        c.require(out == built[0] + x * 3 + y * 5 + z * 7, "the value is as claimed")

    circuit = saying(define, out=FELT, x=sint(8), y=sint(8), z=sint(8))
    lo, hi = built[0].bounds
    for x, y, z in assignments:
        value = value_of(expression, {"x": x, "y": y, "z": z})
        assert lo <= value <= hi
        inputs = {"out": (value + 3 * x + 5 * y + 7 * z) % FR_MODULUS, "x": x, "y": y, "z": z}
        witness = circuit.solve(inputs)
        assert witness.values.to_ints() == reference.solved(circuit, inputs)
        assert reference.broken(circuit, witness.values.to_ints()) == []
        assert free_wires(circuit, witness) == []
        with pytest.raises(WitnessError, match="the value is as claimed"):
            circuit.solve({**inputs, "out": (inputs["out"] + 1) % FR_MODULUS})


def port(c, lo, hi):
    return c.hint(1, "x", lo, hi)[0]


@pytest.mark.parametrize(
    ("lo", "hi", "made", "expected"),
    [
        (-3, 5, lambda x: x + 2, (-1, 7)),
        (-3, 5, lambda x: 2 - x, (-3, 5)),
        (-3, 5, lambda x: -x, (-5, 3)),
        (-3, 5, lambda x: x * -2, (-10, 6)),
        (-3, 5, lambda x: x * x, (0, 25)),
        (-7, -2, lambda x: x * x, (4, 49)),
        (-3, 5, lambda x: x * (x + 1), (-18, 30)),
        (-3, 5, abs, (0, 5)),
        (-9, 5, abs, (0, 9)),
        (2, 5, abs, (2, 5)),
        (-5, -2, abs, (2, 5)),
        (0, 1, lambda x: ~x, (0, 1)),
        (0, 1, lambda x: x ^ 1, (0, 1)),
    ],
)
def test_intervals_are_exact_where_operands_are_independent(lo, hi, made, expected):
    assert made(port(Builder(), lo, hi)).bounds == expected


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x + x,
        lambda x: x - (-x),
        lambda x: x * 2,
        lambda x: x * -2,
        lambda x: x * x,
        lambda x: x + 1,
        lambda x: -x - 1,
    ],
)
def test_leaving_the_signed_range_is_a_build_error(made):
    x = port(Builder(), -LARGEST, LARGEST)
    with pytest.raises(CircuitError, match="leaves the signed range"):
        made(x)


def test_the_widest_interval_is_allowed():
    assert (port(Builder(), 0, LARGEST - 1) + 1).bounds == (1, LARGEST)
    assert (port(Builder(), 1 - LARGEST, 0) - 1).bounds == (-LARGEST, -1)
    assert abs(port(Builder(), -LARGEST, 0)).bounds == (0, LARGEST)


def test_field_elements_have_arithmetic_and_equality_but_no_order():
    c = Builder()
    x = c.hint(1, "x")[0]
    assert (x * FR_MODULUS + 1 - x).is_felt
    assert (x + (FR_MODULUS - 1) * x).terms == {}
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(CircuitError, match="no order"):
            compare(x, 5)
    with pytest.raises(CircuitError, match="no interval"):
        abs(x)
    with pytest.raises(CircuitError, match="not boolean"):
        _ = ~x
    with pytest.raises(CircuitError, match="no interval"):
        c.bits(x, 254)


def test_nothing_has_a_truth_value():
    c = Builder()
    x, y = c.hint(2, "x", 0, 7)
    for attempt in (
        lambda: bool(x),
        lambda: bool(x == y),
        lambda: x and y,
        lambda: 0 <= x <= 7,
        lambda: [y].index(x),
        lambda: not x,
        lambda: min(x, y),
    ):
        with pytest.raises(TypeError, match="truth value"):
            attempt()
    for attempt in (lambda: list(x), lambda: hash(x), lambda: int(x), lambda: [1, 2][x]):
        with pytest.raises(TypeError):
            attempt()


def test_only_wires_of_one_builder_and_plain_integers_mix():
    x, y = port(Builder(), 0, 1), port(Builder(), 0, 1)
    with pytest.raises(CircuitError, match="another builder"):
        x + y
    for other in (True, 1.0, "1", None):
        with pytest.raises(TypeError, match="wanted a wire or an int"):
            x + other
        with pytest.raises(TypeError, match="wanted a wire or an int"):
            x == other  # noqa: B015  # raises


@pytest.mark.parametrize("kind", [uint(4), sint(4), BOOL])
def test_wider_than_boolean_is_no_operand_of_logic(kind):
    c = Builder()
    x = port(c, kind.lo, kind.hi)
    if x.is_boolean:
        assert (x & 1).bounds == (0, 1)
        return
    with pytest.raises(CircuitError, match="not boolean"):
        x & 1
    with pytest.raises(CircuitError, match="not boolean"):
        c.select(x, 1, 2)
    with pytest.raises(CircuitError, match="not boolean"):
        c.require(x, "x")
