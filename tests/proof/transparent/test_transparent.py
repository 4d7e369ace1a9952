"""Completeness and refusals: every shape and every statement proves; what is wrong in one place is refused."""

import random

import pytest

from circuits import catalogue
from tests.proof import circuits
from tests.proof.transparent.systems import circuit_bytes, judge, judge_slowly, random_system, system_of
from tests.soundness import statements
from zkstate.errors import EncodingError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import r1cs_file, wtns_file
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.prover import prove
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.verifier import verify

SMALL = {"cubic": circuits.cubic(), "bits": circuits.bits(), "all public": circuits.all_public()}
SHAPES = [
    (0, 1, 0), (0, 2, 1), (1, 1, 0), (1, 2, 0), (1, 2, 1), (2, 5, 4), (3, 3, 1), (4, 9, 0), (5, 126, 0), (6, 126, 1),
    (7, 125, 0), (8, 127, 2), (15, 128, 0), (16, 129, 1), (17, 130, 3), (31, 40, 2), (61, 253, 0), (62, 254, 5),
    (63, 255, 6), (64, 256, 255), (65, 257, 1), (125, 300, 299), (253, 260, 2), (254, 513, 3), (255, 1, 0),
    (1021, 1030, 4), (1024, 1023, 2), (1025, 2050, 5),
]  # fmt: skip
FAMILIES = list(catalogue.STATEMENTS)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_shape_proves(shape):
    small = random_system(random.Random(f"shape {shape}"), *shape)
    system = system_of(small)
    proof = prove(system, small.values)
    content = proof.encode()
    assert verify(system, small.public, Proof.decode(content))
    assert Proof.decode(content).encode() == content
    if shape[0] < 130:
        assert judge_slowly(circuit_bytes(small), small.public, content) is True


def test_dense_rows_prove():
    small = random_system(random.Random("dense"), 40, 60, 7, dense=True)
    content = prove(system_of(small), small.values).encode()
    assert judge(system_of(small), small.public, content) is True
    assert judge_slowly(circuit_bytes(small), small.public, content) is True


@pytest.mark.slow
def test_a_thousand_random_systems_prove():
    rng = random.Random("a thousand systems")
    refused = []
    for i in range(1000):
        n_wires = rng.choice([1, 2, 3, rng.randrange(1, 40), rng.randrange(1, 600)])
        shape = (rng.choice([0, 1, 2, rng.randrange(80), 2 ** rng.randrange(9)]), n_wires, rng.randrange(n_wires))
        small = random_system(rng, *shape)
        system = system_of(small)
        content = prove(system, small.values).encode()
        if judge(system, small.public, content) is not True:
            refused.append((i, shape))
    assert refused == []


@pytest.mark.parametrize("family", FAMILIES)
def test_every_statement_proves(family):
    check_statement(family, 4)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [16, 64])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_statement_proves_in_every_class(family, rows):
    check_statement(family, rows)


def check_statement(family, rows):
    circuit = statements.circuit_of(family, rows)
    witness = circuit.solve(statements.good(family, rows)[1])
    system = System.of(circuit.r1cs)
    proof = prove(system, witness.values)
    assert verify(system, witness.public_inputs, proof)
    for i in range(len(witness.public_inputs)):
        changed = list(witness.public_inputs)
        changed[i] = (changed[i] + 1) % FR_MODULUS
        assert not verify(system, changed, proof)


@pytest.mark.slow
def test_the_slow_verifier_accepts_a_statement():
    circuit = statements.circuit_of("balance", 4)
    witness = circuit.solve(statements.good("balance", 4)[1])
    content = prove(System.of(circuit.r1cs), witness.values).encode()
    r1cs = b"".join(bytes(chunk) for chunk in r1cs_file.encode(r1cs_file.R1csFile.of(circuit.r1cs)))
    assert judge_slowly(r1cs, witness.public_inputs, content) is True
    wrong = [*witness.public_inputs[:-1], (witness.public_inputs[-1] + 1) % FR_MODULUS]
    assert judge_slowly(r1cs, wrong, content) is False


def test_imported_files_prove(tmp_path):
    small = SMALL["bits"]
    r1cs_file.write(tmp_path / "c.r1cs", r1cs_file.R1csFile.of(small.r1cs))
    wtns_file.write(tmp_path / "w.wtns", small.values)
    system = System.of(r1cs_file.read(tmp_path / "c.r1cs").r1cs)
    proof = prove(system, wtns_file.read(tmp_path / "w.wtns"))
    assert verify(system_of(small), small.public, proof)


@pytest.mark.parametrize("small", SMALL.values(), ids=SMALL)
def test_wrong_witnesses_are_refused_by_row(small):
    system = system_of(small)
    for wire in range(1, len(small.witness)):
        changed = list(small.witness)
        changed[wire] += 1
        with pytest.raises(WitnessError, match=r"breaks \d+ rows"):
            prove(system, FrVec.from_ints(changed))
    with pytest.raises(WitnessError, match="constant"):
        prove(system, FrVec.from_ints([2, *small.witness[1:]]))
    with pytest.raises(LengthError, match="wires"):
        prove(system, FrVec.from_ints(small.witness[:-1]))


def test_a_prover_that_skips_its_own_check_convinces_nobody(monkeypatch):
    """Every wire wrong in turn, in honest messages otherwise: the sums do not come out."""
    monkeypatch.setattr("zkstate.proof.transparent.prover._Proving._check_rows", lambda *_: None)
    for small in SMALL.values():
        system = system_of(small)
        for wire in range(1, len(small.witness)):
            changed = list(small.witness)
            changed[wire] += 1
            public = [value % FR_MODULUS for value in changed[1 : small.n_public + 1]]
            content = prove(system, FrVec.from_ints(changed)).encode()
            assert judge(system, public, content) is False
            assert judge_slowly(circuit_bytes(small), public, content) is False


def test_a_proof_is_of_its_circuit_and_its_inputs():
    cubic, other = SMALL["cubic"], circuits.cubic(4)
    system = system_of(cubic)
    proof = prove(system, cubic.values)
    assert verify(system, cubic.public, proof)
    assert not verify(system, other.public, proof)
    assert not verify(system_of(SMALL["bits"]), SMALL["bits"].public, proof)
    rows = [*cubic.rows]
    rows[2] = ({2: 1, 4: 2}, *rows[2][1:])
    assert not verify(system_of(circuits.Small(rows, 1, cubic.witness)), cubic.public, proof)
    with pytest.raises(LengthError, match="2 public inputs, the circuit has 1"):
        verify(system, [*cubic.public, 0], proof)
    for alias in (-1, FR_MODULUS, cubic.public[0] + FR_MODULUS):
        with pytest.raises(EncodingError, match=r"not in \[0, r\)"):
            verify(system, [alias], proof)
