"""snarkjs judges the rows of blocks in one circuit: a completed witness is correct, and no changed one."""

import pytest

from tests.interop.tools import run, snarkjs
from tests.proof.mirage_cases import made
from zkstate.kernels import FrVec
from zkstate.proof import r1cs_file, wtns_file
from zkstate.proof.mirage import challenges_of
from zkstate.proof.r1cs_file import R1csFile

pytestmark = pytest.mark.interop


def test_snarkjs_takes_a_completed_witness_and_no_changed_one(tmp_path):
    case = made()
    circuit, first = case.circuit, case.circuit.committed(case.witness)
    challenges = challenges_of(case.key.vk, case.statement, case.prove().d)
    wires = circuit.complete(case.witness.public, first, challenges)
    r1cs_file.write(tmp_path / "blocks.r1cs", R1csFile.of(circuit.r1cs))
    wtns_file.write(tmp_path / "good.wtns", wires)
    said = snarkjs("r1cs", "info", tmp_path / "blocks.r1cs")
    assert f"# of Constraints: {circuit.n_constraints}" in said
    assert f"# of Wires: {circuit.n_wires}" in said
    assert "WITNESS IS CORRECT" in snarkjs("wtns", "check", tmp_path / "blocks.r1cs", tmp_path / "good.wtns")
    values = wires.to_ints()
    second = (circuit.powers, circuit.products, circuit.fractions, circuit.sums)
    for wire in (circuit.known, circuit.first, circuit.first + circuit.n_known, *second):
        moved = FrVec.from_ints([*values[:wire], values[wire] + 1, *values[wire + 1 :]])
        wtns_file.write(tmp_path / "bad.wtns", moved)
        outcome = run("snarkjs", "wtns", "check", tmp_path / "blocks.r1cs", tmp_path / "bad.wtns")
        assert "WITNESS IS CORRECT" not in outcome.text, wire
