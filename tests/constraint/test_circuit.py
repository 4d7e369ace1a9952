"""Compiled circuits: digest, names, witnesses, and the native program against the same steps in Python."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.constraint import reference
from tests.constraint.saying import saying
from zkstate.constraint.builder import Builder
from zkstate.constraint.circuit import Witness
from zkstate.constraint.compiler import freeze
from zkstate.constraint.record import OPERATORS
from zkstate.constraint.statement import BOOL, FELT, sint, uint
from zkstate.errors import CircuitError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec

ROOT = Path(__file__).resolve().parents[2]


def define(c, out, x, y, flags):
    with c.scope("part"):
        c.require(abs(x) * y < out, "covered")
    c.require(c.bit(x == 5) | flags[1], "five or flagged")
    c.require(c.select(flags[0], x, y) != 3, "not three")


KINDS = {"out": uint(40), "x": sint(16), "y": uint(16), "flags": (BOOL, 2)}
CIRCUIT = saying(define, **KINDS)
GOOD = {"out": 1000, "x": -9, "y": 100, "flags": [1, 1]}


def test_the_digest_is_of_the_rows_and_the_names():
    assert saying(define, **KINDS).digest == CIRCUIT.digest
    assert saying(define, **{**KINDS, "x": sint(17)}).digest != CIRCUIT.digest

    def renamed(c, out, z, y, flags):
        define(c, out, z, y, flags)

    other = saying(renamed, out=uint(40), z=sint(16), y=uint(16), flags=(BOOL, 2))
    assert other.r1cs.a.wire.tolist() == CIRCUIT.r1cs.a.wire.tolist()
    assert other.digest != CIRCUIT.digest

    def one_coefficient_else(c, out, x, y, flags):
        define(c, out + 1, x, y, flags)

    assert saying(one_coefficient_else, **KINDS).digest != CIRCUIT.digest


def test_the_digest_is_the_same_in_another_process():
    code = "from tests.constraint.test_circuit import CIRCUIT; print(CIRCUIT.digest)"
    for seed in ("1", "2"):
        run = [sys.executable, "-c", code]
        printed = subprocess.check_output(run, cwd=ROOT, env={"PYTHONHASHSEED": seed}, text=True)
        assert printed.strip() == CIRCUIT.digest


def test_rows_come_in_canonical_order():
    """Entries by wire, coefficients 1 and -1 first and then by value, none of them zero or unused."""
    for matrix in (CIRCUIT.r1cs.a, CIRCUIT.r1cs.b, CIRCUIT.r1cs.c):
        rows = matrix.rows().astype(np.int64) * CIRCUIT.r1cs.n_wires + matrix.wire
        assert (np.diff(rows) > 0).all()
    pool = CIRCUIT.r1cs.a.pool.to_ints()
    assert pool[:2] == [1, FR_MODULUS - 1]
    assert pool[2:] == sorted(set(pool[2:]))
    assert 0 not in pool


@given(
    out=st.integers(0, (1 << 40) - 1),
    x=st.integers(-(1 << 15), (1 << 15) - 1) | st.just(5),
    y=st.integers(0, (1 << 16) - 1) | st.just(3),
    flags=st.tuples(st.integers(0, 1), st.integers(0, 1)),
)
def test_the_program_is_what_python_computes(out, x, y, flags):
    inputs = {"out": out, "x": x, "y": y, "flags": flags}
    witness = CIRCUIT.evaluate(inputs)
    wires = reference.solved(CIRCUIT, inputs)
    assert witness.values.to_ints() == wires
    broken = reference.broken(CIRCUIT, wires)
    assert [violation.row for violation in CIRCUIT.violations(witness)] == broken
    holds = {
        "part: covered": abs(x) * y < out,
        "five or flagged": x == 5 or bool(flags[1]),
        "not three": (x if flags[0] else y) != 3,
    }
    assert {violation.label for violation in CIRCUIT.violations(witness)} == {k for k, v in holds.items() if not v}
    assert (broken == []) == all(holds.values())


@given(st.lists(st.integers(0, FR_MODULUS - 1), min_size=5, max_size=5))
def test_any_field_elements_give_some_witness(values):
    """The program is total: inputs outside their kinds break rows, and nothing else happens."""
    inputs = {"out": values[0], "x": values[1], "y": values[2], "flags": values[3:]}
    assert CIRCUIT.evaluate(inputs).values.to_ints() == reference.solved(CIRCUIT, inputs)


def test_violations_name_row_label_and_signed_values():
    witness = CIRCUIT.solve(GOOD)
    assert CIRCUIT.violations(witness) == []
    moved = CIRCUIT.violations(witness.nudged(1, by=-200))
    assert {(v.label, v.values) for v in moved} == {
        ("out is an unsigned 40-bit integer", (800, 0)),
        ("part: covered", (900, 800)),
    }
    product = next(w for w in CIRCUIT.wires if CIRCUIT.name(w) == "part: product" and witness.values[w] == 900)
    rows = CIRCUIT.violations(witness.nudged(product))
    assert str(rows[0]) == "part: product: 9 · 100 = 901 does not hold"
    assert repr(rows[0]).startswith("Violation('part: product', row ")
    assert "901" not in repr(rows[0])
    assert len(CIRCUIT.violations(witness.nudged(2, by=7))) > 1
    assert len(CIRCUIT.violations(witness.nudged(2, by=7), most=1)) == 1


def test_solve_counts_the_other_broken_requirements():
    with pytest.raises(WitnessError, match=r"^part: covered: 300 < 300 does not hold \(and 2 more requirements\)$"):
        CIRCUIT.solve({"out": 300, "x": -100, "y": 3, "flags": [0, 0]})


def test_a_witness_hides_its_values_and_can_be_wiped():
    witness = CIRCUIT.solve(GOOD)
    assert repr(witness) == f"Witness({CIRCUIT.r1cs.n_wires} wires, 1 public)"
    assert "100" not in repr(CIRCUIT)
    witness.wipe()
    assert witness.values == FrVec(CIRCUIT.r1cs.n_wires)


def test_a_witness_of_another_size_is_refused():
    with pytest.raises(LengthError, match="a witness of 3 wires"):
        CIRCUIT.violations(Witness(FrVec(3), 1))


def test_names_are_total_and_refuse_what_is_no_wire():
    names = [CIRCUIT.name(wire) for wire in range(CIRCUIT.r1cs.n_wires)]
    assert names[0] == "one"
    assert len(set(names[1:6])) == 5
    for wire in (-1, CIRCUIT.r1cs.n_wires):
        with pytest.raises(LengthError, match="wire"):
            CIRCUIT.name(wire)


def test_rows_by_label_count_every_row():
    counts = CIRCUIT.rows_by_label()
    assert sum(counts.values()) == CIRCUIT.r1cs.n_constraints
    assert counts["y is an unsigned 16-bit integer"] == 17


def test_every_operator_has_words():
    assert set(OPERATORS) == {"==", "!=", "<", "<=", ">", ">=", "fits", "true"}


@pytest.mark.parametrize("steps", [0, 2])
def test_a_wire_computed_by_no_step_or_by_two_is_a_build_error(steps):
    c = Builder()
    wire = c.hint(1, "forgotten")[0]
    row = c.constrain(3, 5, wire, "definition")
    for _ in range(steps):
        c.solve(row, wire)
    with pytest.raises(CircuitError, match=f"wire 1 is computed by {steps} steps"):
        freeze(c, "test", [])


def test_an_empty_statement_has_no_rows():
    circuit = saying(lambda c: None)
    assert (circuit.r1cs.n_constraints, circuit.r1cs.n_wires) == (0, 1)
    assert circuit.violations(circuit.solve({})) == []
    assert len(circuit.digest) == 64


def test_field_element_inputs_are_taken_as_they_are():
    circuit = saying(lambda c, out, x: c.require(x * x == out, "square"), out=FELT, x=FELT)
    x = FR_MODULUS - 2
    assert circuit.solve({"out": 4, "x": x}).public_inputs == [4]
    with pytest.raises(WitnessError, match=r"^square: 4 == -1 does not hold"):
        circuit.solve({"out": FR_MODULUS - 1, "x": x})
