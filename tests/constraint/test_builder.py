"""Requirements, bits, choices: exhaustive at small widths, with a rejecting witness for each, and no wire free."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.circuits.nudge import broken_labels, free_wires
from tests.constraint.saying import saying
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, sint, uint
from zkstate.constraint.wire import LARGEST, Wire
from zkstate.errors import CircuitError, WitnessError
from zkstate.kernels import FR_MODULUS

ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
RELATIONS = {**ORDER, "==": operator.eq, "!=": operator.ne}


@pytest.mark.parametrize("sign", RELATIONS)
@pytest.mark.parametrize("kind", [uint(3), sint(3)], ids=["uint3", "sint3"])
def test_requirements_hold_exactly_where_integers_do(sign, kind):
    """Every pair of values; a rejected pair breaks rows of this requirement alone, and the message has both sides."""
    relation = RELATIONS[sign]
    circuit = saying(lambda c, x, y: c.require(relation(x, y), "in order"), x=kind, y=kind)
    for x in range(kind.lo, kind.hi + 1):
        for y in range(kind.lo, kind.hi + 1):
            if relation(x, y):
                assert free_wires(circuit, circuit.solve({"x": x, "y": y})) == []
            else:
                assert broken_labels(circuit, {"x": x, "y": y}) == {"in order"}
                with pytest.raises(WitnessError, match=f"^in order: {x} {sign} {y} does not hold$"):
                    circuit.solve({"x": x, "y": y})


@pytest.mark.parametrize("sign", RELATIONS)
@pytest.mark.parametrize("kinds", [(uint(3), sint(3)), (sint(2), uint(2)), (BOOL, BOOL), (BOOL, sint(1))])
def test_bits_say_whether_integers_are_related(sign, kinds):
    relation = RELATIONS[sign]
    x_kind, y_kind = kinds

    def define(c, out, x, y):
        c.require(c.bit(relation(x, y)) + 2 * x + 32 * y == out, "the bit")

    circuit = saying(define, out=FELT, x=x_kind, y=y_kind)
    for x in range(x_kind.lo, x_kind.hi + 1):
        for y in range(y_kind.lo, y_kind.hi + 1):
            claim = int(relation(x, y)) + 2 * x + 32 * y
            witness = circuit.solve({"out": claim % FR_MODULUS, "x": x, "y": y})
            assert free_wires(circuit, witness) == []
            wrong = (claim + 1 - 2 * int(relation(x, y))) % FR_MODULUS
            assert broken_labels(circuit, {"out": wrong, "x": x, "y": y}) == {"the bit"}


WIDE = st.integers(-(1 << 127), (1 << 127) - 1)
NEAR = st.tuples(WIDE, st.integers(-2, 2)).map(lambda pair: (pair[0], max(min(sum(pair), (1 << 127) - 1), -(1 << 127))))
WIDE_ORDER = saying(
    lambda c, out, x, y: [
        c.require(c.bit(ORDER[sign](x, y)) == out[i], f"the bit of {sign}") for i, sign in enumerate(ORDER)
    ],
    out=(BOOL, len(ORDER)),
    x=sint(128),
    y=sint(128),
)


@given(st.one_of(st.tuples(WIDE, WIDE), NEAR))
def test_wide_comparisons_agree_with_integers(pair):
    x, y = pair
    bits = [int(relation(x, y)) for relation in ORDER.values()]
    WIDE_ORDER.solve({"out": bits, "x": x, "y": y})
    for i, sign in enumerate(ORDER):
        wrong = [bit ^ (i == k) for k, bit in enumerate(bits)]
        assert broken_labels(WIDE_ORDER, {"out": wrong, "x": x, "y": y}) == {f"the bit of {sign}"}


def test_the_widest_comparison_and_one_bit_more():
    circuit = saying(lambda c, x, y: c.require(x >= y, "in order"), x=uint(252), y=uint(252))
    top = (1 << 252) - 1
    for x, y in ((top, 0), (top, top), (0, 0), (1, 0)):
        circuit.solve({"x": x, "y": y})
    for x, y in ((0, top), (0, 1), (top - 1, top)):
        assert broken_labels(circuit, {"x": x, "y": y}) == {"in order"}
    c = Builder()
    x = c.hint(1, "x", -LARGEST, LARGEST)[0]
    with pytest.raises(CircuitError, match="could pass as"):
        c.require(x >= c.hint(1, "y", -LARGEST, LARGEST)[0], "in order")
    with pytest.raises(CircuitError, match="with its sign, over 253"):
        c.bit(x >= c.hint(1, "z", -LARGEST, LARGEST)[0])
    with pytest.raises(CircuitError, match="leaves the signed range"):
        c.require_uint(x, 253, "fits")


def test_a_negative_difference_never_passes_as_a_positive_one():
    """Every digit pattern, not only the honest one: exhaustive over hints of a 3-bit comparison."""
    circuit = saying(lambda c, x, y: c.require(x >= y, "in order"), x=uint(3), y=uint(3))
    witness = circuit.evaluate({"x": 2, "y": 5})
    digits = [w for w in circuit.wires if "bits" in circuit.name(w)][-3:]
    for pattern in range(8):
        tried = witness
        for i, wire in enumerate(digits):
            tried = tried.nudged(wire, (pattern >> i & 1) - tried.values[wire])
        assert "in order" in {violation.label for violation in circuit.violations(tried)}


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_digits_are_those_of_the_integer(width):
    def define(c, out, x):
        for i, digit in enumerate(c.bits(x, width)):
            c.require(digit == out[i], f"digit {i}")

    circuit = saying(define, out=(BOOL, width), x=uint(width))
    for x in range(1 << width):
        digits = [x >> i & 1 for i in range(width)]
        assert free_wires(circuit, circuit.solve({"out": digits, "x": x})) == []
        for i in range(width):
            wrong = [digit ^ (i == k) for k, digit in enumerate(digits)]
            assert broken_labels(circuit, {"out": wrong, "x": x}) == {f"digit {i}"}


@pytest.mark.parametrize("width", [1, 4, 64, 252])
def test_requiring_a_width_of_a_field_element(width):
    circuit = saying(lambda c, x: c.require_uint(x, width, "it fits"), x=FELT)
    for x in (0, 1, (1 << width) - 1):
        assert free_wires(circuit, circuit.solve({"x": x})) == []
    for x in (1 << width, FR_MODULUS - 1, FR_MODULUS >> 1):
        assert broken_labels(circuit, {"x": x}) == {"it fits"}
        with pytest.raises(WitnessError, match=r"^it fits: the value is -?[0-9]+$"):
            circuit.solve({"x": x})


def test_choices():
    def define(c, out, bit, x, y):
        c.require(c.select(bit, x, y) == out, "the chosen one")
        c.require(c.select(bit, 7, 9) + x >= 0, "constants too")
        assert c.select(bit, x, y).bounds == (-8, 15)
        assert c.select(bit == 1, 3, -3).bounds == (-3, 3)
        assert c.select(1, x, y) is x
        assert c.select(0, x, y) is y

    circuit = saying(define, out=sint(6), bit=BOOL, x=sint(4), y=uint(4))
    for bit, out in ((1, -5), (0, 11)):
        assert free_wires(circuit, circuit.solve({"out": out, "bit": bit, "x": -5, "y": 11})) == []
        assert broken_labels(circuit, {"out": out + 1, "bit": bit, "x": -5, "y": 11}) == {"the chosen one"}


def test_relations_of_relations():
    circuit = saying(lambda c, x, y: c.require((x > 5) == (y > 5), "alike"), x=uint(3), y=uint(3))
    other = saying(lambda c, x, y: c.require(c.bit(x > 5) != (y > 5), "unlike"), x=uint(3), y=uint(3))
    for x in range(8):
        for y in range(8):
            alike = (x > 5) == (y > 5)
            assert broken_labels(circuit, {"x": x, "y": y}) == (set() if alike else {"alike"})
            assert broken_labels(other, {"x": x, "y": y}) == ({"unlike"} if alike else set())


@pytest.mark.parametrize("what", [True, 1, None, "x"])
def test_only_relations_and_bits_are_required(what):
    with pytest.raises(TypeError, match="wanted a relation or a boolean wire"):
        Builder().require(what, "certain")


def test_requirements_of_bits():
    circuit = saying(lambda c, x, y: c.require((x > 5) | (y == x), "one of both"), x=uint(4), y=uint(4))
    circuit.solve({"x": 6, "y": 0})
    circuit.solve({"x": 3, "y": 3})
    with pytest.raises(WitnessError, match=r"^one of both: it does not hold$"):
        circuit.solve({"x": 3, "y": 4})


@pytest.mark.parametrize(
    "certain",
    [
        lambda x: x >= 0,
        lambda x: x > 15,
        lambda x: x < 16,
        lambda x: x == 16,
        lambda x: x != 16,
        lambda x: x == x,
        lambda x: x != x + 0,
        lambda x: x - x == 1,
    ],
)
def test_what_can_never_fail_or_never_hold_is_a_build_error(certain):
    with pytest.raises(CircuitError, match="can never"):
        saying(lambda c, x: c.require(certain(x), "certain"), x=uint(4))


def test_saying_the_same_twice_is_a_build_error():
    def twice(c, x, y):
        c.require(x >= y, "first")
        c.require(x >= y, "second")

    with pytest.raises(CircuitError, match="second: the same has been required already"):
        saying(twice, x=uint(4), y=uint(4))


def test_the_same_product_and_comparison_cost_once():
    def define(c, x, y):
        rows = []
        for _ in range(2):
            _ = x * y, y * x, c.bit(x < y), abs(x)
            rows.append(c.n_rows)
        assert rows[0] == rows[1]
        assert (x * y).bounds == (-56, 64)
        c.require(x * y == 12, "product")

    saying(define, x=sint(4), y=sint(4))


def test_a_product_of_field_elements_known_first_keeps_no_interval_from_integers():
    c = Builder()
    x = c.hint(1, "x")[0]
    assert (x * x).is_felt
    small = c.require_uint(x, 8, "small")
    assert (small * small).bounds == (0, 255 * 255)
    assert (small * small).terms == (x * x).terms


def test_the_sign_of_a_ranged_input_is_free():
    def define(c, x):
        before = c.n_rows
        _ = c.bit(x >= 0), c.bit(x < 0)
        assert c.n_rows == before
        c.require(abs(x) > 2, "far from zero")

    circuit = saying(define, x=sint(8))
    for x in (-128, -3, 3, 127):
        circuit.solve({"x": x})
    for x in (-2, 0, 2):
        assert broken_labels(circuit, {"x": x}) == {"far from zero"}


def test_bound_inputs_are_pinned():
    circuit = saying(lambda c, out: c.bind(out, "bound"), out=FELT)
    witness = circuit.solve({"out": FR_MODULUS - 5})
    assert free_wires(circuit, witness) == []
    assert {v.label for v in circuit.violations(witness.nudged(1))} == {"bound"}


def test_scopes_name_labels_and_wires():
    def define(c, x):
        for i in range(2):
            with c.scope(f"row {i}"):
                c.require(x[i] * x[i] <= 100, "small")

    circuit = saying(define, x=(sint(5), 2))
    assert broken_labels(circuit, {"x": [11, 1]}) == {"row 0: small"}
    assert {"row 0: product", "row 1: product"} <= {circuit.name(w) for w in circuit.wires}


def test_linear_sums_without_rows():
    c = Builder()
    wires = c.hint(3, "x", -2, 5)
    total = c.linear([(2, wires[0]), (-3, wires[1]), (1, wires[2])], 7)
    assert (total.bounds, c.n_rows) == ((-4 - 15 - 2 + 7, 10 + 6 + 5 + 7), 0)
    assert c.linear([], 4).constant == 4
    assert c.linear([(2, 5), (1, wires[0])]).bounds == (8, 15)
    assert isinstance(sum(wires), Wire)


def test_digits_that_may_not_fit_are_refused():
    c = Builder()
    x = c.hint(1, "x", -1, 8)[0]
    for wire, width in ((x, 4), (x + 1, 3)):
        with pytest.raises(CircuitError, match="may not fit"):
            c.bits(wire, width)
    assert [bit.constant for bit in c.bits(6, 4)] == [0, 1, 1, 0]


def test_rows_need_a_single_new_wire_to_solve():
    c = Builder()
    x, y = c.hint(2, "x", 0, 1)
    row = c.constrain(x, 1, y, "copy")
    with pytest.raises(CircuitError, match="not a single witness wire"):
        c.solve(row, x + y)
