"""Fifth powers as rows: which rows are one, to the byte of the rule, and that they say what the three rows say."""

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.proof.circuits import Small
from tests.proof.transparent import slow_verifier
from tests.proof.transparent.systems import (
    Case,
    block_case,
    circuit_bytes,
    plain_case,
    r1cs_bytes,
    system_of,
)
from tests.soundness import statements
from zkstate.constraint import FELT, BlockStatement, compile_blocks, public, secret, solve_blocks
from zkstate.constraint.r1cs import SparseMatrix
from zkstate.constraint.wire import bounded
from zkstate.errors import LengthError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import r1cs_file
from zkstate.proof.transparent.parameters import Shape
from zkstate.proof.transparent.powers import powers_of
from zkstate.proof.transparent.prover import prove
from zkstate.proof.transparent.system import System

R = FR_MODULUS
X, U, V, Y, W = 2, 3, 4, 5, 6  # wires of `power`; 1 is public
SQUARE, FOURTH, FIFTH = 0, 1, 2  # its rows


def power(x=3, more=()):
    """(x + 2 public)^5 = y + 7 in three rows, then y·x = w, and further rows."""
    base = x + 2 * 11
    y = base**5 - 7
    witness = [1, 11, x, base**2, base**4, y, y * x]
    linear = {1: 2, X: 1}
    rows = [
        (linear, linear, {U: 1}),
        ({U: 1}, {U: 1}, {V: 1}),
        ({V: 1}, linear, {0: 7, Y: 1}),
        ({X: 1}, {Y: 1}, {W: 1}),
    ]
    return Small([*rows, *more], 1, witness)


def found(small):
    """What the layout finds, and what the second verifier does."""
    r1cs = small.r1cs
    powers = powers_of(r1cs, np.arange(r1cs.n_wires) > r1cs.n_public)
    named = (powers.squares, powers.fourths, powers.fifths, powers.u, powers.v)
    listed = list(zip(*(each.tolist() for each in named), strict=True))
    _, n_wires, n_public, rows = slow_verifier.read_r1cs(circuit_bytes(small))
    assert slow_verifier.find_powers(rows, set(range(n_public + 1, n_wires)), set()) == listed
    return listed


def changed(row, side, terms, small=None):
    small = small or power()
    rows = [list(each) for each in small.rows]
    rows[row][side] = terms
    return replace(small, rows=[tuple(each) for each in rows])


def holds(small):
    """Whether both verifiers accept an honest proof of it, and refuse it for another public input."""
    case = plain_case(small)
    content = case.prove().encode()
    other = [(x + 1) % R for x in small.public]
    said = [case.judge(content), case.judge_slowly(content)]
    if other:
        assert case.judge(content, other) is case.judge_slowly(content, other) is False
    return said == [True, True]


def test_the_last_wire_may_be_u_or_v():
    """Without which the rows below that nearly are would show nothing."""
    assert found(U_LAST) == [(SQUARE, FOURTH, FIFTH, 4, 2)]
    assert found(V_LAST) == [(SQUARE, FOURTH, FIFTH, 2, 4)]


def test_a_power_is_found_and_does_without_two_wires():
    small = power()
    assert found(small) == [(SQUARE, FOURTH, FIFTH, U, V)]
    system = system_of(small)
    shape = system.parameters.shape
    assert shape.counts == (4, 7, 1, 0, 0, 1)
    assert (shape.products, shape.committed, shape.n_powers) == (1, 3, 1)
    assert system.kept.tolist() == [wire - 2 for wire in (X, Y, W)]
    assert system.numbers.tolist() == [3, FIFTH]
    assert holds(small)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1)])
def test_rows_of_a_power_may_stand_anywhere(order):
    small = power()
    moved = replace(small, rows=[small.rows[i] for i in order])
    assert found(moved) == [(*(order.index(i) for i in (SQUARE, FOURTH, FIFTH)), U, V)]
    assert holds(moved)


def bare(x, u, v, y):
    """Three rows alone, of these wires of five, the second of which is public."""
    return Small([({x: 1}, {x: 1}, {u: 1}), ({u: 1}, {u: 1}, {v: 1}), ({v: 1}, {x: 1}, {y: 1})], 1, [1] * 5)


LINEAR = {1: 2, X: 1}
U_LAST, V_LAST = bare(1, 4, 2, 3), bare(1, 2, 4, 3)
NOT_POWERS = {
    "another L in the second factor": changed(SQUARE, 1, {1: 2, X: 2}),
    "another L in the last row": changed(FIFTH, 1, {1: 2}),
    "another wire in the second factor": changed(SQUARE, 1, {1: 2, Y: 1}),
    "another wire in the last row": changed(FIFTH, 1, {1: 2, W: 1}),
    "L and a term of 0": changed(SQUARE, 1, {**LINEAR, Y: 0}),
    "twice u": changed(SQUARE, 2, {U: 2}),
    "u and a constant": changed(SQUARE, 2, {0: 1, U: 1}),
    "minus u squared": changed(FOURTH, 0, {U: R - 1}),
    "u times another wire": changed(FOURTH, 1, {X: 1}),
    "u times twice u": changed(FOURTH, 1, {U: 2}),
    "u times u and another wire": changed(FOURTH, 1, {X: 1, U: 1}),
    "twice v": changed(FOURTH, 2, {V: 2}),
    "v and a constant": changed(FOURTH, 2, {0: 1, V: 1}),
    "twice v in the last row": changed(FIFTH, 0, {V: 2}),
    "v as the second factor": changed(FIFTH, 1, {V: 1}, changed(FIFTH, 0, LINEAR)),
    "v and a term more": changed(FIFTH, 0, {V: 1, X: 1}),
    "no output": changed(SQUARE, 2, {}),
    "u read once more": power(more=[({U: 1}, {0: 0}, {})]),
    "u read with a coefficient of 0": power(more=[({U: 0}, {}, {})]),
    "v read once more": power(more=[({}, {V: 5}, {})]),
    "v the output of another row": power(more=[({}, {}, {V: 0})]),
    "u in C": changed(FIFTH, 2, {0: 7, U: 0, Y: 1}),
    "v in C": changed(FIFTH, 2, {0: 7, V: 0, Y: 1}),
    "u is v": changed(FIFTH, 0, {U: 1}, changed(FOURTH, 2, {U: 1})),
    "v the last wire, and a constant": changed(FOURTH, 2, {0: 1, 4: 1}, V_LAST),
    "u the last wire, and a constant": changed(FOURTH, 0, {0: 1, 4: 1}, changed(FOURTH, 1, {0: 1, 4: 1}, U_LAST)),
    "u is public": bare(3, 1, 4, 2),
    "v is public": bare(2, 3, 1, 4),
    "u is the constant": bare(2, 0, 3, 4),
    "v is the constant": bare(2, 3, 0, 4),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_POWERS)
def test_what_is_no_power_stays_three_rows(name):
    small = NOT_POWERS[name]
    assert found(small) == []
    assert system_of(small).parameters.shape.counts[-1] == 0


def test_powers_of_one_circuit_are_numbered_by_their_first_rows_and_may_share_nothing():
    """Three powers in a chain, x -> x^5 + 1, their rows mixed: the next L is in no way u or v of another."""
    rows, witness = [], [1, 4, 4]
    for i in range(3):
        x, y = witness[-1], (witness[-1] ** 5 + 1) % R
        at = 2 + 3 * i
        linear = {at: 1}
        rows += [(linear, linear, {at + 1: 1}), ({at + 1: 1}, {at + 1: 1}, {at + 2: 1})]
        rows += [({at + 2: 1}, linear, {0: R - 1, at + 3: 1})]
        witness += [x * x % R, x**4 % R, y]
    rows.append(({2: 1}, {0: 1}, {1: 1}))
    order = [8, 0, 9, 4, 3, 1, 5, 2, 7, 6]
    small = Small([rows[i] for i in order], 1, witness)
    places = {i: k for k, i in enumerate(order)}
    wanted = [(places[3 * i], places[3 * i + 1], places[3 * i + 2], 3 + 3 * i, 4 + 3 * i) for i in range(3)]
    assert found(small) == sorted(wanted)
    assert holds(small)


@pytest.mark.parametrize("seed", range(40))
def test_both_verifiers_find_the_same_powers_among_rows_that_nearly_are(seed):
    """Few wires and short rows, so that all that can go wrong with a rule does."""
    rng = random.Random(f"nearly {seed}")
    n_public, small_powers = rng.randrange(2), rng.randrange(1, 4)
    n_wires = 1 + n_public + 3 * small_powers + 1
    rows = []
    for i in range(small_powers):
        u, v = 2 + n_public + 3 * i, 3 + n_public + 3 * i
        linear = {rng.randrange(n_wires): 1, rng.randrange(2): rng.choice([0, 1, 5])}
        rows += [[linear, dict(linear), {u: 1}], [{u: 1}, {u: 1}, {v: 1}], [{v: 1}, dict(linear), {v + 1: 1}]]
    for _ in range(rng.randrange(3)):
        rows[rng.randrange(len(rows))][rng.randrange(3)] = {rng.randrange(n_wires): rng.choice([1, 1, 2])}
    rng.shuffle(rows)
    found(Small([tuple(row) for row in rows], n_public, [1] * n_wires))


@pytest.mark.parametrize("name", ["balance", "margin"])
def test_the_powers_of_a_statement_are_its_s_boxes(name):
    circuit = statements.circuit_of(name, 4)
    system = System.of(circuit.r1cs)
    secret = np.arange(circuit.r1cs.n_wires) > circuit.r1cs.n_public
    powers = powers_of(circuit.r1cs, secret)
    assert len(powers) == system.parameters.shape.powers > 1000
    assert all("Poseidon" in circuit.label(int(row)) for row in powers.squares)
    _, n_wires, n_public, rows = slow_verifier.read_r1cs(r1cs_bytes(circuit.r1cs))
    wanted = slow_verifier.find_powers(rows, set(range(n_public + 1, n_wires)), set())
    assert [power[:3] for power in wanted] == list(
        zip(powers.squares.tolist(), powers.fourths.tolist(), powers.fifths.tolist(), strict=True)
    )


def test_terms_in_another_order_and_pools_of_their_own_are_the_same_circuit():
    small = power()
    r1cs = small.r1cs

    def shuffled(matrix):
        ptr, wires, values = matrix.row_ptr.tolist(), matrix.wire.tolist(), matrix.values().to_ints()
        order = [k for begin, end in pairwise(ptr) for k in reversed(range(begin, end))]
        picked = FrVec.from_ints([values[k] for k in order] + [99])
        each = np.arange(len(order), dtype=np.uint32)
        taken = np.array([wires[k] for k in order], dtype=np.uint32)
        return SparseMatrix(matrix.row_ptr, taken, each, picked, matrix.n_columns)

    moved = replace(r1cs, b=shuffled(r1cs.b))
    assert moved.b.wire.tolist() != r1cs.b.wire.tolist()
    systems = [System.of(each) for each in (r1cs, moved, r1cs_file.decode(r1cs_bytes(moved)).r1cs)]
    assert len({system.digest for system in systems}) == 1
    assert {system.parameters.shape.powers for system in systems} == {1}
    content = prove(systems[1], small.values).encode()
    assert [Case(system, None, small.public, None).judge(content) for system in systems] == [True] * 3


class Read(BlockStatement):
    """A power for each way to read its wires otherwise than by rows, and two that nothing else reads."""

    x = secret(FELT)
    end = public(FELT)

    def define(self, c):
        def power(name, base):
            u, v, y = (c.hint(1, f"{name} {part}")[0] for part in "uvy")
            c.solve(c.constrain(base, base, u, name), u)
            c.solve(c.constrain(u, u, v, name), v)
            c.solve(c.constrain(v, base, y + self.end, name), y)
            return u, v

        before = c.previous("carried", FELT)
        left, right = c.children("tree", FELT)
        c.carry("carried", power("source", self.x)[0])
        c.parent("tree", node=power("node", self.x)[1], leaf=power("leaf", self.x)[0])
        of_value, of_weight = power("value", self.x)[1], bounded(power("weight", self.x)[0], 0, 2**64 - 1)
        for use in (c.lookup, c.provide):
            use("values", [of_value, c.number(1)], of_weight)
        power("ports", self.x + before + left)
        power("known", c.felt(c.first) + right + c.felt(c.column("column", FELT)) + 5)


@pytest.mark.parametrize("log_blocks", [1, 3])
def test_wires_that_links_and_tables_read_belong_to_no_power(log_blocks):
    block, blocks = compile_blocks(Read()), 1 << log_blocks
    named = {block.circuit.name(int(wire)) for wire in block.own}
    columns = {"column": [4, 9]}
    witness = solve_blocks(block, blocks, {"end": 12}, {"x": [3 + b for b in range(blocks)]}, columns)
    case = block_case(block, log_blocks, [12], witness, columns)
    system = case.system
    assert system.parameters.shape.powers == 2
    kept = {block.circuit.name(int(block.own[i])) for i in system.kept}
    assert len(named - kept) == 4
    assert {name.split()[0] for name in named - kept} == {"ports", "known"}
    content = case.prove().encode()
    assert case.judge(content) is True
    assert case.judge_slowly(content) is True
    assert case.judge(content, [13]) is case.judge_slowly(content, [13]) is False
    moved = {"column": [4, 10]}
    assert case.judge(content, columns=moved) is case.judge_slowly(content, columns=moved) is False


class Foreign(BlockStatement):
    """Three rows as of a power for each kind of wire that is not the block's own, as u and as v."""

    x = secret(FELT)
    end = public(FELT)

    def define(self, c):
        def power(u=None, v=None):
            found = c.hint(1, "u")[0] if u is None else u, c.hint(1, "v")[0] if v is None else v, c.hint(1, "y")[0]
            factors = (self.x, self.x), (found[0], found[0]), (found[1], self.x)
            for wire, given, (left, right) in zip(found, (u, v, None), factors, strict=True):
                row = c.constrain(left, right, wire, "a row")
                if given is None:
                    c.solve(row, wire)

        for name in ("u", "v"):
            left, right = c.children(f"tree {name}", FELT)
            known = c.felt(c.column(f"column {name}", FELT))
            for wire in (c.previous(f"carried {name}", FELT), left, right, known):
                power(**{name: wire})
            c.carry(f"carried {name}", self.x)
            c.parent(f"tree {name}", node=self.x, leaf=self.x)
        power(u=self.end)


def test_wires_that_are_not_a_blocks_own_are_neither_u_nor_v():
    """Else a public column, or another block, could say anything of a known wire, or of a port."""
    block = compile_blocks(Foreign())
    every = np.ones(block.circuit.r1cs.n_wires, dtype=bool)
    assert len(powers_of(block.circuit.r1cs, every)) == 9
    system = System.of(block, 1)
    assert system.parameters.shape.powers == 0
    assert system.kept.tolist() == list(range(len(block.own)))


class AllDropped(BlockStatement):
    """A block of which all own wires are those of a power, beside a table of public values."""

    def define(self, c):
        u, v = c.hint(1, "u")[0], c.hint(1, "v")[0]
        base = c.felt(c.number(2))
        c.solve(c.constrain(base, base, u, "square"), u)
        c.solve(c.constrain(u, u, v, "fourth"), v)
        c.constrain(v, base, c.felt(c.column("fifths", FELT)), "fifth")
        c.lookup("numbers", [c.number(2)], c.number(1))
        c.provide("numbers", [c.number(2)], c.number(1))


def test_a_first_phase_keeps_wires_to_draw_challenges_from():
    block = compile_blocks(AllDropped())
    columns = {"fifths": [b**5 for b in range(4)]}
    case = block_case(block, 2, [], solve_blocks(block, 4, {}, {}, columns), columns)
    assert case.system.parameters.shape.counts[-2:] == (2, 0)
    content = case.prove().encode()
    assert case.judge(content) is case.judge_slowly(content) is True
    wrong = {"fifths": [0, 1, 31, 243]}
    assert case.judge(content, columns=wrong) is case.judge_slowly(content, columns=wrong) is False


def test_three_rows_and_two_wires_of_nothing_are_counted_out_of_a_shape():
    for counts in ((5, 9, 1, 0, 0, 2), (6, 5, 1, 0, 0, 2), (6, 9, 1, 0, 0, -1)):
        with pytest.raises(LengthError, match="powers of three rows and two secret wires each"):
            Shape(*counts)
    assert Shape(6, 6, 1, 0, 0, 2).committed == 0
    with pytest.raises(LengthError, match="a block needs a row and a secret wire"):
        Shape(6, 6, 1, 1, 0, 2)
    with pytest.raises(LengthError, match="of the secret ones in a first phase"):
        Shape(6, 9, 1, 0, 2, 2)


def test_for_every_other_wire_there_are_u_and_v_just_if_the_power_holds():
    """L·L = u, u·u = v and v·L = C over all values of a small prime."""
    p = 11
    for left in range(p):
        for right in range(p):
            some = any(
                (left * left - u) % p == (u * u - v) % p == (v * left - right) % p == 0
                for u in range(p)
                for v in range(p)
            )
            assert some == (pow(left, 5, p) == right)
