"""A copy of a template is the block written out: same rows, same witness, same words."""

import time

import pytest

from tests.circuits.nudge import broken_labels, free_wires
from tests.constraint import reference
from tests.constraint.saying import saying
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import FELT, sint, uint
from zkstate.constraint.template import trace
from zkstate.errors import CircuitError, WitnessError
from zkstate.kernels import FR_MODULUS, STEP_LINEAR, STEP_PRODUCT


def step(c, wires):
    """Something of everything: products, a comparison, a requirement, a temporary, ports under every row."""
    size, price, limit = wires
    with c.scope("account"):
        cost = abs(size) * price
        c.require(cost <= limit, "the cost is within the limit")
        temporary = c.temporaries(1)[0]
        doubled = c.hint(1, "doubled")[0]
        row = c.constrain(doubled, 1, 2 * cost + 3 * limit, "doubled")
        c.step(STEP_LINEAR, temporary, c.combination({**cost.terms}))
        c.step(STEP_LINEAR, next(iter(doubled.terms)), c.combination({temporary: 2, **(3 * limit).terms}))
        assert row
    return [cost + 1, doubled, size]


PORTS = [(-128, 127), (0, 255), (0, 1 << 20)]
STEP = trace(Builder(), "step", PORTS, step)
KINDS = {"out": FELT, "size": sint(8), "price": uint(8), "limit": uint(16)}


def total(c, outputs):
    return c.linear((i + 1, wire) for i, wire in enumerate(w for each in outputs for w in each))


def inputs_of(size, price, limit):
    return [(size, price, limit), (-1 - size, 255 - price, limit + 9000), (3, price, 2 * limit)]


def inlined(c, out, size, price, limit):
    c.require(total(c, [step(c, each[:1] + each[1:]) for each in wired(c, size, price, limit)]) == out, "total")


def wired(c, size, price, limit):
    return [tuple(c.const(v) if isinstance(v, int) else v for v in each) for each in inputs_of(size, price, limit)]


def copied(c, out, size, price, limit):
    c.require(total(c, c.repeat(STEP, inputs_of(size, price, limit))) == out, "total")


def test_copies_equal_the_block_written_out():
    circuits = {}
    for name, define in (("inlined", inlined), ("copied", copied)):
        circuits[name] = saying(define, **KINDS)
    values = {"size": -5, "price": 40, "limit": 300}
    claims = set()
    for name, circuit in circuits.items():
        witness = circuit.evaluate({**values, "out": 0})
        (wrong,) = circuit.violations(witness)
        out = wrong.values[0] % FR_MODULUS
        claims.add(out)
        good = circuit.solve({**values, "out": out})
        assert free_wires(circuit, good) == [], name
        assert reference.solved(circuit, {**values, "out": out}) == good.values.to_ints()
        with pytest.raises(WitnessError, match="account: the cost is within the limit: 200 <= 199 does not hold"):
            circuit.solve({**values, "limit": 199, "out": out})
        assert broken_labels(circuit, {**values, "limit": 193, "out": 5}) >= {
            "total",
            "account: the cost is within the limit",
        }
    assert len(claims) == 1


def test_the_circuit_knows_its_copies():
    circuit = saying(copied, **KINDS)
    uses = circuit.blocks["step"]
    assert len(uses.first_rows) == len(uses.first_wires) == 3
    for first_row, first_wire in zip(uses.first_rows[1:], uses.first_wires[1:], strict=True):
        for i in set(range(uses.rows)) - set(uses.port_rows):
            for matrix in (circuit.r1cs.a, circuit.r1cs.b, circuit.r1cs.c):
                base = matrix.row(uses.first_rows[0] + i)
                shift = first_wire - uses.first_wires[0]
                moved = {w + shift if w else 0: v for w, v in base.items()}
                assert matrix.row(first_row + i) == moved
    assert 0 < len(uses.port_rows) < uses.rows


def test_templates_inside_templates():
    inner = trace(Builder(), "inner", [(-8, 7)], lambda c, w: [w[0] * w[0]])
    outer = trace(
        Builder(), "outer", [(-4, 3)], lambda c, w: [c.use(inner, [w[0]])[0] + c.use(inner, [w[0] + 1])[0] * 10]
    )

    def define(c, out, x, y):
        c.require(c.use(outer, [x])[0] + 1000 * c.use(outer, [y])[0] == out, "sum")

    circuit = saying(define, out=sint(32), x=sint(3), y=sint(3))
    for x in range(-4, 4):
        for y in range(-4, 4):
            out = x * x + 10 * (x + 1) ** 2 + 1000 * (y * y + 10 * (y + 1) ** 2)
            assert free_wires(circuit, circuit.solve({"out": out, "x": x, "y": y})) == []
    assert len(circuit.blocks["outer"].first_rows) == 2
    assert len(circuit.blocks["inner"].first_rows) == 4
    assert circuit.blocks["inner"].first_wires == sorted(circuit.blocks["inner"].first_wires)


def test_outputs_keep_their_intervals():
    c = Builder()
    size, price, limit = c.hint(1, "x", -3, 3)[0], c.hint(1, "y", 0, 5)[0], c.hint(1, "z", 0, 9)[0]
    cost, doubled, through = c.use(STEP, [size, price, limit])
    assert cost.bounds == (1, 1 + 128 * 255)
    assert doubled.is_felt
    assert through.terms == size.terms


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([1, 2], "2 inputs for 3 ports"),
        ([128, 0, 0], "input 0 is .* its port takes"),
        ([0, -1, 0], "input 1 is"),
        ([0, 0, (1 << 20) + 1], "input 2 is"),
    ],
)
def test_inputs_that_do_not_fit_the_ports(inputs, message):
    with pytest.raises(CircuitError, match=message):
        Builder().use(STEP, inputs)


def test_a_field_element_does_not_fit_a_ranged_port():
    c = Builder()
    with pytest.raises(CircuitError, match="no interval"):
        c.use(STEP, [c.hint(1, "x")[0], 0, 0])


def test_two_templates_of_one_name_are_refused():
    one = trace(Builder(), "same", [None], lambda c, w: [w[0] * w[0]])
    two = trace(Builder(), "same", [None], lambda c, w: [w[0] * w[0] * w[0]])
    c = Builder()
    c.use(one, [3])
    with pytest.raises(CircuitError, match="two templates are called 'same'"):
        c.use(two, [3])


def test_a_template_is_traced_on_a_fresh_builder():
    c = Builder()
    c.hint(1, "x")
    with pytest.raises(CircuitError, match="not empty"):
        trace(c, "late", [None], lambda c, w: w)


def test_intermediate_products_reach_wires():
    """PRODUCT and LINEAR steps through a temporary, in a copy whose port is a sum."""

    def define(c, wires):
        (x,) = wires
        temporary = c.temporaries(1)[0]
        square = c.hint(1, "square")[0]
        row = c.constrain(x, x, square, "square")
        c.step(STEP_PRODUCT, temporary, row)
        c.step(STEP_LINEAR, next(iter(square.terms)), c.combination({temporary: 1}))
        return [square]

    square = trace(Builder(), "square", [None], define)
    circuit = saying(lambda c, out, x: c.require(c.use(square, [3 * x - 1])[0] == out, "same"), out=FELT, x=sint(8))
    assert free_wires(circuit, circuit.solve({"out": 49, "x": -2})) == []


def test_copies_are_cheap():
    """200,000 rows within the ten seconds promised, with a wide margin here."""

    def chain(c, wires):
        x = wires[0]
        for _ in range(1000):
            x = x * x + 1
        return [x]

    template = trace(Builder(), "chain", [None], chain)
    start = time.perf_counter()

    def define(c, out, x):
        for _ in range(200):
            (x,) = c.use(template, [x])
        c.require(x != out, "differs")

    circuit = saying(define, out=FELT, x=FELT)
    assert circuit.r1cs.n_constraints == 200_001
    assert time.perf_counter() - start < 10
