"""Many blocks of one circuit in one proof: each with its own witness, all with the same public inputs."""

import random

import pytest

from tests.proof import circuits
from tests.proof.transparent.systems import circuit_bytes, judge, judge_slowly, random_system, system_of
from zkstate.errors import LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec, sparse_blocks_product, sparse_product
from zkstate.proof.transparent.links import equality, indexed
from zkstate.proof.transparent.parameters import Shape
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.prover import prove
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.verifier import verify


def square_roots(n):
    """x with x² = 4, two witnesses of one statement, in n rows of which the others are busy with products."""

    def witness(x, seed):
        values, rng = [x], random.Random(seed)
        for _ in range(n):
            values.append(rng.randrange(FR_MODULUS))
            values.append(values[-1] * values[-2] % FR_MODULUS)
        return [1, 4, *values]

    rows = [({2: 1}, {2: 1}, {1: 1})]
    rows += [({2 + 2 * i: 1}, {3 + 2 * i: 1}, {4 + 2 * i: 1}) for i in range(n)]
    rows.append(({0: 3, 1: 2}, {0: 1}, {1: 2, 0: 3}))
    return circuits.Small(rows, 1, witness(2, 0)), witness


@pytest.mark.parametrize("log_blocks", [1, 2, 4])
@pytest.mark.parametrize("n", [1, 5, 40])
def test_blocks_with_witnesses_of_their_own_prove(n, log_blocks):
    small, witness = square_roots(n)
    system = system_of(small, log_blocks)
    witnesses = [FrVec.from_ints(witness((2, -2)[b % 2], b)) for b in range(1 << log_blocks)]
    content = prove(system, witnesses).encode()
    r1cs = circuit_bytes(small)
    assert verify(system, small.public, Proof.decode(content))
    assert judge_slowly(r1cs, small.public, content, log_blocks) is True
    assert judge(system, [5], content) is False
    assert judge_slowly(r1cs, [5], content, log_blocks) is False
    assert judge(system_of(small, log_blocks + 1), small.public, content) is False
    assert judge(system_of(small), small.public, content) is False


def test_random_blocks_prove():
    rng = random.Random("blocks")
    for shape in ((1, 2, 0), (3, 40, 7), (70, 31, 29), (64, 128, 1)):
        small = random_system(rng, *shape)
        system = system_of(small, 3)
        content = prove(system, [small.values] * 8).encode()
        assert judge(system, small.public, content) is True
        assert judge_slowly(circuit_bytes(small), small.public, content, 3) is True


def test_one_wrong_block_is_refused_by_row_and_block(monkeypatch):
    small, witness = square_roots(5)
    system = system_of(small, 3)
    values = [witness(2, b) for b in range(8)]
    values[5][-1] += 1
    witnesses = [FrVec.from_ints(value) for value in values]
    with pytest.raises(WitnessError, match="breaks 1 rows of the circuit, row 5 of block 5 first"):
        prove(system, witnesses)
    monkeypatch.setattr("zkstate.proof.transparent.prover._Proving._check_rows", lambda *_: None)
    content = prove(system, witnesses).encode()
    assert judge(system, small.public, content) is False
    assert judge_slowly(circuit_bytes(small), small.public, content, 3) is False


def test_blocks_share_their_public_inputs_and_are_as_many_as_stated():
    small = circuits.cubic()
    system = system_of(small, 1)
    with pytest.raises(WitnessError, match="block 1 has other public inputs than block 0"):
        prove(system, [small.values, circuits.cubic(4).values])
    with pytest.raises(WitnessError, match="constant"):
        prove(system, [small.values, FrVec.from_ints([2, *small.witness[1:]])])
    for count in (0, 1, 3):
        with pytest.raises(LengthError, match=f"{count} witnesses for 2 blocks"):
            prove(system, [small.values] * count)
    for small in (circuits.all_public(), circuits.Small([], 0, [1, 5])):
        with pytest.raises(LengthError, match="a block needs a row and a secret wire"):
            system_of(small, 1)
    for shape in ((1, 2, 0, -1), (1, 2, 0, 32), (1 << 20, 1 << 20, 0, 12)):
        with pytest.raises(LengthError, match="times"):
            Shape(*shape)


def test_a_verifier_costs_one_block(monkeypatch):
    """What it multiplies the circuit's entries by is as long as one block, whatever the number of blocks."""
    small, witness = square_roots(20)
    seen = []
    product = sparse_product

    def counted(matrix, pool, w, threads=0):
        seen.append((matrix.nnz, len(w)))
        return product(matrix, pool, w, threads)

    monkeypatch.setattr("zkstate.proof.transparent.system.sparse_product", counted)
    for log_blocks in (0, 3, 6):
        system = system_of(small, log_blocks)
        proof = prove(system, [FrVec.from_ints(witness(2, b)) for b in range(1 << log_blocks)])
        seen.clear()
        assert verify(system, small.public, proof)
        assert seen == [(system.matrix.nnz, len(small.witness))]


def test_products_of_blocks_are_those_of_each_block():
    rng = random.Random("products")
    small = random_system(rng, 9, 7, 2, dense=True)
    matrix = System.of(small.r1cs).matrix
    for blocks in (1, 2, 5):
        own = [[rng.randrange(FR_MODULUS) for _ in range(blocks)] for _ in range(4)]
        shared = [rng.randrange(FR_MODULUS) for _ in range(3)]
        flat = FrVec.from_ints(x for row in own for x in row)
        for threads in (1, 3):
            found = sparse_blocks_product(matrix, matrix.pool, flat, FrVec.from_ints(shared), blocks, threads).to_ints()
            for b in range(blocks):
                alone = FrVec.from_ints([*(row[b] for row in own), *shared])
                assert found[b::blocks] == sparse_product(matrix, matrix.pool, alone).to_ints()
    with pytest.raises(LengthError):
        sparse_blocks_product(matrix, matrix.pool, FrVec(7), FrVec(3), 2)
    with pytest.raises(LengthError):
        sparse_blocks_product(matrix, matrix.pool, FrVec(0), FrVec(3), 0)


def test_equality_and_index_are_entries_of_the_table():
    point = [3, 5, 7]
    entries = [indexed(point, i) for i in range(8)]
    assert sum(entries) % FR_MODULUS == 1
    assert entries[5] == 3 * (1 - 5) * 7 % FR_MODULUS
    assert equality(point, [1, 0, 1]) == entries[5]
    assert equality([], []) == 1
