"""One-hot flags and selections: exhaustive places, values of any kind, and a place outside the list is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.gadgets.lookup import OneHot, one_hot, select_at, select_by
from tests.circuits.nudge import broken_labels, free_wires
from tests.constraint.saying import saying
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, sint, uint
from zkstate.errors import CircuitError, WitnessError
from zkstate.kernels import FR_MODULUS


@pytest.mark.parametrize("n", [1, 2, 13, 16])
def test_flags_are_the_place(n):
    def define(c, out, place):
        flags = one_hot(c, place, n)
        assert isinstance(flags, OneHot)
        for i, flag in enumerate(flags):
            c.require(flag == out[i], f"flag {i}")

    circuit = saying(define, out=(BOOL, n), place=uint(5))
    for place in range(n):
        flags = [int(i == place) for i in range(n)]
        assert free_wires(circuit, circuit.solve({"out": flags, "place": place})) == []
        for i in range(n):
            wrong = [flag ^ (i == k) for k, flag in enumerate(flags)]
            assert broken_labels(circuit, {"out": wrong, "place": place}) == {f"flag {i}"}
    with pytest.raises(WitnessError, match=f"^the place is in the list: the value is {n}$"):
        circuit.solve({"out": [0] * n, "place": n})


@pytest.mark.parametrize("flags", range(16))
def test_only_the_right_flags_pass(flags):
    """All 16 patterns of four flags, for a place inside and a place outside the list."""
    circuit = saying(lambda c, place: one_hot(c, place, 4), place=uint(3))
    first = next(w for w in circuit.wires if circuit.name(w) == "flag[0]")
    for place in range(8):
        tried = circuit.evaluate({"place": place})
        for i in range(4):
            tried = tried.nudged(first + i, (flags >> i & 1) - tried.values[first + i])
        assert (circuit.violations(tried) == []) == (place < 4 and flags == 1 << place)


def test_constant_places():
    c = Builder()
    assert [flag.constant for flag in one_hot(c, 2, 4)] == [0, 0, 1, 0]
    assert c.n_rows == 0
    for place, n in ((4, 4), (-1, 4), (0, 0)):
        with pytest.raises(CircuitError, match=f"place {place} of|a list of 0"):
            one_hot(c, place, n)


KINDS = {"felts": FELT, "signed": sint(8), "unsigned": uint(8)}


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_selections_by_place(kind, data):
    declared = KINDS[kind]
    values = data.draw(st.lists(st.integers(declared.lo, declared.hi), min_size=5, max_size=5))
    place = data.draw(st.integers(0, 4))
    inputs = {"out": values[place] % FR_MODULUS, "place": place, "x": values}
    assert free_wires(SELECTED[kind], SELECTED[kind].solve(inputs)) == []
    assert broken_labels(SELECTED[kind], {**inputs, "out": inputs["out"] + 1}) == {"chosen"}


def chosen(c, out, place, x):
    value = select_by(c, one_hot(c, place, 5), x)
    if not value.is_felt:
        assert value.bounds == x[0].bounds
    c.require(value == out, "chosen")
    for wire in x:
        c.bind(wire)  # a field element that is not chosen is pinned by nothing else


SELECTED = {name: saying(chosen, out=FELT, place=uint(3), x=(kind, 5)) for name, kind in KINDS.items()}


def test_selections_among_constants_cost_no_row():
    def define(c, out, place):
        flags = one_hot(c, place, 4)
        before = c.n_rows
        value = select_by(c, flags, [3, -1, 4, 9])
        assert (c.n_rows, value.bounds) == (before, (-1, 9))
        c.require(value == out, "chosen")

    circuit = saying(define, out=sint(8), place=uint(2))
    for place, value in enumerate([3, -1, 4, 9]):
        assert circuit.solve({"out": value, "place": place})


def test_flags_that_are_not_known_to_be_one_hot_add_up():
    """None of them set gives 0, and the interval is that of a sum: nothing is promised that rows do not say."""

    def define(c, out, flags, x):
        value = select_by(c, flags, x)
        assert value.bounds == (-24, 21)
        c.require(value == out, "sum")

    circuit = saying(define, out=sint(8), flags=(BOOL, 3), x=(sint(4), 3))
    for flags, out in (((0, 0, 0), 0), ((0, 1, 0), -8), ((1, 1, 1), 4)):
        assert free_wires(circuit, circuit.solve({"out": out, "flags": flags, "x": [5, -8, 7]})) == []


def test_lists_that_do_not_match():
    c = Builder()
    flags = one_hot(c, 1, 3)
    for values in ([1, 2], [1, 2, 3, 4], []):
        with pytest.raises(CircuitError, match="3 flags for"):
            select_by(c, flags, values)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 13, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_selections_by_digits_at_every_place(n, kind):
    """Past the end of the list there is 0, so that a digit is free nowhere."""
    width = max(1, (n - 1).bit_length())
    values = [KINDS[kind].hi - 3 * i for i in range(n)]

    def define(c, out, place, x):
        value = select_at(c, place, x)
        assert value.is_felt == (kind == "felts")
        c.require(value == out, "chosen")
        for wire in x:
            c.bind(wire)

    circuit = saying(define, out=FELT, place=(BOOL, width), x=(KINDS[kind], n))
    for number in range(1 << width):
        chosen = values[number] if number < n else 0
        place = [number >> i & 1 for i in range(width)]
        inputs = {"out": chosen % FR_MODULUS, "place": place, "x": values}
        assert circuit.solve(inputs)
        if number < n:
            assert free_wires(circuit, circuit.solve(inputs)) == []
        assert broken_labels(circuit, {**inputs, "out": (chosen + 1) % FR_MODULUS}) == {"chosen"}
    c = Builder()
    with pytest.raises(CircuitError, match="5 values for a place of 2 digits"):
        select_at(c, c.hint(2, "place", 0, 1), [1, 2, 3, 4, 5])
