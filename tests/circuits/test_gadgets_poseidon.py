"""The Poseidon gadget against the native hash for every width, three rows an S-box, and no wire free."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.gadgets.poseidon import chain, permutation, poseidon
from tests.circuits.nudge import broken_labels, free_wires
from tests.constraint import reference
from tests.constraint.saying import saying
from zkstate.commitment import poseidon as native
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import FELT
from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS

ELEMENTS = st.sampled_from([0, 1, FR_MODULUS - 1]) | st.integers(0, FR_MODULUS - 1)
TAG = int.from_bytes(b"zkstate:test", "big")


def hashing(n, tag=TAG):
    return saying(lambda c, out, x: c.require(poseidon(c, tag, x) == out, "the hash"), out=FELT, x=(FELT, n))


HASHES = {n: hashing(n) for n in range(1, 17)}


@pytest.mark.parametrize("n", HASHES)
@settings(max_examples=8)
@given(st.data())
def test_it_is_the_native_hash(n, data):
    x = data.draw(st.lists(ELEMENTS, min_size=n, max_size=n))
    out = native.poseidon(TAG, x)
    witness = HASHES[n].solve({"out": out, "x": x})
    assert free_wires(HASHES[n], witness) == []
    assert broken_labels(HASHES[n], {"out": (out + 1) % FR_MODULUS, "x": x}) == {"the hash"}


def test_the_published_hash_of_one_and_two():
    """circomlib, test/poseidoncircuit.js."""
    out = 7853200120776062878684798364095072458815029376092732009249414926327459813530
    assert hashing(2, tag=0).solve({"out": out, "x": [1, 2]})


@pytest.mark.parametrize("n", [1, 2, 16])
def test_the_program_is_what_python_computes(n):
    inputs = {"out": 5, "x": list(range(7, 7 + n))}
    witness = HASHES[n].evaluate(inputs)
    assert witness.values.to_ints() == reference.solved(HASHES[n], inputs)
    assert len(reference.broken(HASHES[n], witness.values.to_ints())) == 1


@pytest.mark.parametrize("n", HASHES)
def test_three_rows_an_s_box_and_sums_as_short_as_the_state(n):
    """No sum is longer than the state and a constant. Entries: the A and B sides, which a proving key stores, have
    3t^2 + 51t + 6 + (P - 1)(3t + 6) at most; the C side is dense in the full rounds only.
    """
    parameters, width = native.parameters(n + 1), n + 1
    r1cs = HASHES[n].r1cs
    s_boxes = parameters.full_rounds * width + parameters.partial_rounds
    assert permutation(width).n_rows == 3 * s_boxes
    assert r1cs.n_constraints == 3 * s_boxes + 1
    for matrix in (r1cs.a, r1cs.b, r1cs.c):
        assert max(len(matrix.row(i)) for i in range(r1cs.n_constraints)) <= width + 1
    partial = parameters.partial_rounds
    of_require = 3
    assert r1cs.a.nnz + r1cs.b.nnz <= 3 * width**2 + 51 * width + 6 + (partial - 1) * (3 * width + 6) + of_require
    assert r1cs.c.nnz <= 7 * width * (width + 1) + 2 * s_boxes + partial * width + 2 * width


def test_inputs_may_be_sums_and_constants():
    def define(c, out, x):
        c.require(poseidon(c, x[0] + 3, [2 * x[1] - x[0], 7, c.const(5) * x[2]]) == out, "the hash")

    circuit = saying(define, out=FELT, x=(FELT, 3))
    x = [11, 12, 13]
    out = native.poseidon(14, [13, 7, 65])
    assert free_wires(circuit, circuit.solve({"out": out, "x": x})) == []


@pytest.mark.parametrize("n", [1, 15, 16, 17, 32, 33, 40])
def test_chains_are_the_native_ones(n):
    circuit = saying(lambda c, out, x: c.require(chain(c, TAG, x) == out, "the chain"), out=FELT, x=(FELT, n))
    x = [i * i for i in range(n)]
    out = native.chain(TAG, x)
    assert free_wires(circuit, circuit.solve({"out": out, "x": x})) == []
    assert broken_labels(circuit, {"out": out, "x": [*x[:-1], x[-1] + 1]}) == {"the chain"}
    assert sum(len(uses.first_rows) for uses in circuit.blocks.values()) == -(-n // 16)


@pytest.mark.parametrize("n", [0, 17])
def test_numbers_of_inputs_it_does_not_take(n):
    with pytest.raises(CircuitError, match=f"Poseidon of {n} inputs"):
        poseidon(Builder(), 1, [2] * n)
    with pytest.raises(CircuitError, match="chain of no inputs"):
        chain(Builder(), 1, [])
