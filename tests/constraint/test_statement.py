"""Declarations: order, shapes, kinds, parameters; what is declared wrongly is refused while building."""

import textwrap
from dataclasses import dataclass

import numpy as np
import pytest

from tests.circuits.nudge import broken_labels, free_wires
from tests.constraint.saying import saying
from zkstate import constraint
from zkstate.constraint import statement
from zkstate.constraint.compiler import build
from zkstate.constraint.statement import BOOL, FELT, Statement, public, secret, sint, uint
from zkstate.errors import CircuitError, InputError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS


@dataclass(frozen=True)
class Based(Statement):
    rows: int

    root = public(FELT)
    owner = secret(FELT)

    def based(self, c):
        c.bind(self.root)
        c.bind(self.owner)


@dataclass(frozen=True)
class Grown(Based):
    width: int = 2

    sizes = secret(sint(8), count=lambda s: s.rows)
    limit = public(uint(16))
    table = secret(BOOL, count=(lambda s: s.rows, lambda s: s.width, 3))

    def define(self, c):
        self.based(c)
        flags = sum(bit for grid in self.table for row in grid for bit in row)
        c.require(sum(self.sizes) + flags <= self.limit, "within the limit")


GROWN = build(Grown(2))
GOOD = {
    "root": 5,
    "limit": 9,
    "owner": 6,
    "sizes": [-3, 7],
    "table": [[[1, 0, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 1]]],
}


def test_public_wires_come_first_in_declared_order_a_base_class_before_its_subclass():
    assert GROWN.public_names == ["root", "limit"]
    assert [GROWN.name(i) for i in range(1, 6)] == ["root", "limit", "owner", "sizes[0]", "sizes[1]"]
    assert GROWN.name(6 + 6 + 3 + 2) == "table[1][1][2]"
    witness = GROWN.solve(GOOD)
    assert witness.public_inputs == [5, 9]
    assert witness.values.slice(1, 6).to_ints() == [5, 9, 6, FR_MODULUS - 3, 7]
    assert free_wires(GROWN, witness) == []


def test_the_example_in_the_documentation_runs():
    lines = statement.__doc__.splitlines()
    code = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ") or not line))
    names = {name: getattr(constraint, name) for name in constraint.__all__} | {"dataclass": dataclass}
    exec(code, names)
    circuit = names["circuit"]
    assert circuit.solve({"limit": 10, "sizes": [1, -2, 3, -4]}).public_inputs == [10]
    with pytest.raises(WitnessError, match="the sizes stay within the limit: 11 <= 10 does not hold"):
        circuit.solve({"limit": 10, "sizes": [1, -2, 3, -5]})


def test_parameters_are_the_fields():
    assert Grown(3, width=1).parameters() == {"rows": 3, "width": 1}
    assert build(Grown(3, width=1)).title == "Grown(rows=3, width=1)"
    assert Grown(3) == Grown(3)
    assert Grown(3) != Grown(4)


def test_sequences_of_any_sort_are_values():
    table = np.array(GOOD["table"])
    assert GROWN.solve({**GOOD, "sizes": (-3, np.int64(7)), "table": table}).public_inputs == [5, 9]
    assert GROWN.solve({**GOOD, "table": [[[True, False, True], [0, 0, 0]], *GOOD["table"][1:]]})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sizes": [1]}, LengthError, "sizes has 1 values, wanted 2"),
        ({"sizes": [1, 2, 3]}, LengthError, "sizes has 3 values, wanted 2"),
        ({"sizes": 4}, LengthError, "sizes is of type int: wanted 2 values"),
        ({"sizes": "12"}, LengthError, "sizes is of type str"),
        ({"sizes": [1, [2]]}, InputError, r"sizes\[1\] is of type list: wanted an integer"),
        ({"table": [[[1, 0, 1], [0, 0]], [[0] * 3] * 2]}, LengthError, r"table\[0\]\[1\] has 2 values, wanted 3"),
        ({"limit": 1.5}, InputError, "limit is of type float: wanted an integer"),
        ({"limit": None}, InputError, "limit is of type NoneType"),
        ({"extra": 4}, InputError, "has no input extra"),
        ({"limit": 1 << 16}, WitnessError, "limit is 65536: wanted an unsigned 16-bit integer"),
        ({"limit": -1}, WitnessError, "limit is -1: wanted an unsigned"),
        ({"sizes": [0, 128]}, WitnessError, r"sizes\[1\] is 128: wanted a signed 8-bit integer"),
        ({"sizes": [-129, 0]}, WitnessError, r"sizes\[0\] is -129"),
        ({"root": FR_MODULUS}, WitnessError, "root is [0-9]+: wanted a field element"),
        ({"root": -1}, WitnessError, "root is -1: wanted a field element"),
        ({"limit": 8}, WitnessError, "within the limit: 9 <= 8 does not hold"),
    ],
)
def test_inputs_that_do_not_fit_their_declaration(change, error, message):
    with pytest.raises(error, match=message) as caught:
        GROWN.solve({**GOOD, **change})
    assert type(caught.value) is error


def test_missing_inputs():
    with pytest.raises(InputError, match="input owner is missing"):
        GROWN.solve({name: value for name, value in GOOD.items() if name != "owner"})


@pytest.mark.parametrize("kind", [uint(1), uint(5), sint(1), sint(5), BOOL, uint(252), sint(253)], ids=str)
def test_kinds_are_enforced_by_rows(kind):
    """Not only by `solve`: the rows refuse any value outside, and the failure has the input's name."""
    circuit = saying(lambda c, out, secret: (c.bind(out), c.bind(secret)), out=kind, secret=kind)
    inside = {kind.lo, kind.hi, 0, (kind.lo + kind.hi) // 2}
    for value in inside:
        assert free_wires(circuit, circuit.solve({"out": kind.hi, "secret": value})) == []
    for value in {kind.lo - 1, kind.hi + 1, kind.hi + 2, FR_MODULUS // 2, FR_MODULUS + kind.lo - 1, 2 * kind.hi + 3}:
        if value % FR_MODULUS in {v % FR_MODULUS for v in inside}:
            continue
        for name in ("out", "secret"):
            inputs = {"out": kind.hi, "secret": kind.lo, name: value}
            assert broken_labels(circuit, inputs) == {f"{name} is {kind.name}"}


@pytest.mark.parametrize(("make", "bits"), [(uint, 0), (sint, 0), (uint, 253), (sint, 254), (uint, -1)])
def test_kinds_that_the_field_has_no_room_for(make, bits):
    with pytest.raises(CircuitError, match="bits, wanted at least 1"):
        make(bits)


@pytest.mark.parametrize("kind", [FELT, BOOL, uint(8)], ids=str)
@pytest.mark.parametrize("name", ["out", "secret"])
def test_an_input_that_no_row_touches_is_a_build_error(kind, name):
    word = "public" if name == "out" else "secret"
    with pytest.raises(CircuitError, match=f"{word} input {name} is declared and no row touches it"):
        saying(lambda c, x, **_: c.require(x == 3, "three"), x=uint(4), **{name: kind})


def test_one_untouched_element_of_many_is_named():
    with pytest.raises(CircuitError, match=r"x\[2\] is declared and no row touches it"):
        saying(lambda c, x: c.require(x[0] == x[1], "equal"), x=(uint(4), 3))


def test_an_input_read_through_its_digits_is_touched():
    saying(lambda c, x: c.require(c.bits(x, 4)[2] == 1, "bit 2"), x=uint(4))


def test_inputs_have_wires_only_inside_define():
    with pytest.raises(CircuitError, match=r"Grown\.sizes has wires only inside define"):
        _ = Grown(2).sizes


def test_a_name_declared_twice():
    @dataclass(frozen=True)
    class Twice(Based):
        root = public(FELT)

    with pytest.raises(CircuitError, match=r"Twice\.root is declared twice, again in Twice"):
        build(Twice(1))


def test_parameters_of_a_class_with_slots():
    @dataclass(frozen=True, slots=True)
    class Slotted(Statement):
        rows: int

    assert Slotted(3).parameters() == {"rows": 3}


def test_parameters_that_are_no_fields_or_no_plain_values():
    class Undeclared(Statement):
        def __init__(self, rows):
            object.__setattr__(self, "rows", rows)

    with pytest.raises(CircuitError, match=r"Undeclared\.rows of type int: a parameter is a dataclass field"):
        Undeclared(3).parameters()

    @dataclass(frozen=True)
    class Listed(Statement):
        rows: list

    with pytest.raises(CircuitError, match=r"Listed\.rows of type list"):
        Listed([1]).parameters()


def test_counts_below_one():
    with pytest.raises(CircuitError, match=r"Grown\.sizes: count \(0,\) has no element"):
        build(Grown(0))


def test_a_statement_without_define():
    with pytest.raises(NotImplementedError):
        build(Based(1))
