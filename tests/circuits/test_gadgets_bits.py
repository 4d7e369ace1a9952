"""Bits, packing, order and equality gadgets against integers; the canonical digits refuse every alias."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.gadgets import bits, comparison
from tests.circuits.nudge import broken_labels, free_wires
from tests.constraint.saying import saying
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, sint, uint
from zkstate.errors import CircuitError, WitnessError
from zkstate.kernels import FR_MODULUS

WIDTH = 254
EDGES = [0, 1, 2, 1 << 253, (1 << 253) - 1, FR_MODULUS - 1, FR_MODULUS - 2, FR_MODULUS // 2, (1 << 254) - FR_MODULUS]
ELEMENTS = st.sampled_from(EDGES) | st.integers(0, FR_MODULUS - 1)


def canonical(c, out, x):
    for i, digit in enumerate(bits.canonical_bits(c, x)):
        c.require(digit == out[i], f"digit {i}")


CANONICAL = saying(canonical, out=(BOOL, WIDTH), x=FELT)


ANY_DIGITS = saying(lambda c, x: c.bind(bits.canonical_bits(c, x)[0]), x=FELT)


def digits_of(value):
    return [value >> i & 1 for i in range(WIDTH)]


@given(ELEMENTS)
def test_canonical_digits(x):
    witness = CANONICAL.solve({"out": digits_of(x), "x": x})
    assert free_wires(CANONICAL, witness) == []


def with_digits(circuit, witness, digits):
    """The witness with other digits, and with everything derived from them derived again."""
    first = next(w for w in circuit.wires if circuit.name(w) == "bits[0]")
    runs = [w for w in circuit.wires if circuit.name(w).startswith("run")]
    limit = FR_MODULUS - 1
    values = witness.values.to_ints()
    values[first : first + WIDTH] = digits
    ones = [i for i in reversed(range(WIDTH)) if limit >> i & 1]
    run, at = digits[ones[0]], 0
    for i in ones[1:]:
        run *= digits[i]
        if at < len(runs):
            values[runs[at]] = run
            at += 1
    assert at == len(runs)
    return type(witness)(type(witness.values).from_ints(values), witness.n_public)


@given(st.integers(0, (1 << WIDTH) - 1 - FR_MODULUS))
def test_the_digits_of_x_plus_r_are_refused(x):
    """The alias has the right sum and boolean digits; only the canonical rows stand against it."""
    circuit = ANY_DIGITS
    witness = circuit.evaluate({"x": x})
    assert circuit.violations(with_digits(circuit, witness, digits_of(x))) == []
    alias = with_digits(circuit, witness, digits_of(x + FR_MODULUS))
    labels = {violation.label for violation in circuit.violations(alias)}
    assert "canonical bits" in labels


@given(st.integers(0, (1 << WIDTH) - 1))
def test_no_254_digits_past_the_largest_element_pass(value):
    """Any digits at all: the rows hold exactly for integers below r."""
    circuit = ANY_DIGITS
    witness = circuit.evaluate({"x": value % FR_MODULUS})
    tried = with_digits(circuit, witness, digits_of(value))
    assert ({v.label for v in circuit.violations(tried)} & {"canonical bits"} == set()) == (value < FR_MODULUS)


@pytest.mark.parametrize("width", [1, 64, 248])
@given(x=ELEMENTS)
def test_low_bits_are_the_remainder(width, x):
    circuit = LOW[width]
    circuit.solve({"out": x % (1 << width), "x": x})
    assert broken_labels(circuit, {"out": (x % (1 << width)) ^ 1, "x": x}) == {"low"}


LOW = {
    width: saying(
        lambda c, out, x, width=width: c.require(bits.low_bits(c, x, width) == out, "low"), out=uint(width), x=FELT
    )
    for width in (1, 64, 248)
}


@pytest.mark.parametrize("width", [1, 3, 252])
def test_digits_that_must_fit(width):
    def define(c, out, x):
        c.require(bits.from_bits(c, bits.to_bits(c, x, width, "it fits")) + 1 == out, "recomposed")

    circuit = saying(define, out=FELT, x=FELT)
    for x in {0, 1, (1 << width) - 1}:
        assert free_wires(circuit, circuit.solve({"out": x + 1, "x": x})) == []
    with pytest.raises(WitnessError, match=r"^it fits: the value is"):
        circuit.solve({"out": (1 << width) + 1, "x": 1 << width})


def test_only_boolean_digits_make_a_number():
    c = Builder()
    with pytest.raises(CircuitError, match="digit 1 is"):
        bits.from_bits(c, [1, c.hint(1, "x", 0, 2)[0]])
    with pytest.raises(CircuitError, match="leaves the signed range"):
        bits.from_bits(c, [*c.hint(253, "x", 0, 1)])
    assert bits.from_bits(c, [0, 1, 1]).constant == 6


def test_packed_fields_are_their_places():
    def define(c, out, x, y, z):
        c.require(bits.pack(c, [(x, 64), (y + (1 << 63), 64), (z, 125)]) == out, "packed")

    circuit = saying(define, out=FELT, x=uint(64), y=sint(64), z=uint(125))
    for x, y, z in ((0, -(1 << 63), 0), ((1 << 64) - 1, (1 << 63) - 1, (1 << 125) - 1), (5, -6, 7)):
        out = (x << 189) + ((y + (1 << 63)) << 125) + z
        assert free_wires(circuit, circuit.solve({"out": out, "x": x, "y": y, "z": z})) == []
        assert broken_labels(circuit, {"out": out ^ 1, "x": x, "y": y, "z": z}) == {"packed"}


def test_packing_refuses_what_could_overlap_or_wrap():
    c = Builder()
    x, signed = c.hint(1, "x", 0, 255)[0], c.hint(1, "y", -1, 5)[0]
    for fields in ([(x, 7)], [(signed, 8)], [(3, 2), (x, 253)], [(x, 8), (x, 247)]):
        wide = fields[-1][1] + sum(width for _, width in fields[:-1]) > 253
        with pytest.raises(CircuitError, match="share an element" if wide else "may not fit"):
            bits.pack(c, fields)
    assert bits.pack(c, [(x, 8), (x, 245)]).is_felt
    with pytest.raises(CircuitError, match="no interval"):
        bits.pack(c, [(c.hint(1, "felt")[0], 8)])


@given(st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_logic_over_many_bits(values):
    expected = [values == [1] * 5, 1 in values, 0 in values[:2]]
    assert free_wires(LOGIC, LOGIC.solve({"x": values, "out": [int(e) for e in expected]})) == []


def logic(c, out, x):
    ones = [comparison.is_equal(c, wire, 1) for wire in x]
    c.require(comparison.all_of(c, ones) == out[0], "all")
    c.require(comparison.any_of(c, [wire == 1 for wire in x]) == out[1], "any")
    c.require(comparison.any_of(c, [comparison.is_zero(c, wire) for wire in x[:2]]) == out[2], "any of two")


LOGIC = saying(logic, out=(BOOL, 3), x=(uint(2), 5))


def test_logic_over_no_bits():
    with pytest.raises(CircuitError, match="all of no bits"):
        comparison.all_of(Builder(), [])


def test_within_bounds():
    circuit = saying(
        lambda c, out, x, y: c.require(comparison.is_within(c, x, -2, y) == out, "within"),
        out=BOOL, x=sint(4), y=sint(3),
    )  # fmt: skip
    for x in range(-8, 8):
        for y in range(-4, 4):
            assert circuit.solve({"out": int(-2 <= x <= y), "x": x, "y": y})
            assert broken_labels(circuit, {"out": int(not -2 <= x <= y), "x": x, "y": y}) == {"within"}


def test_strictly_increasing():
    circuit = saying(lambda c, x: comparison.require_strictly_increasing(c, x, "ids rise"), x=(uint(8), 4))
    assert free_wires(circuit, circuit.solve({"x": [0, 1, 7, 255]})) == []
    for x, label in (([0, 0, 1, 2], "ids rise (1)"), ([0, 5, 4, 9], "ids rise (2)"), ([1, 2, 3, 3], "ids rise (3)")):
        assert broken_labels(circuit, {"x": x}) == {label}
