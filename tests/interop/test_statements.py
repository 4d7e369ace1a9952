"""Every statement of the catalogue: snarkjs reads circuit and witness, and accepts the proof and no other inputs."""

import pytest

from circuits import catalogue
from circuits.proving import proving_key
from tests.cli.program import zkstate
from tests.interop.tools import accepted, refuses_each_changed_input, snarkjs
from tests.soundness.statements import circuit_of, good
from zkstate.proof import wtns_file, zkey_file

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("name", catalogue.STATEMENTS)
def test_snarkjs_accepts_the_statement(name, tmp_path):
    statement, circuit = catalogue.get(name, 4), circuit_of(name, 4)
    title = catalogue.name(statement)
    witness = circuit.solve(good(name, 4)[1])
    wtns_file.write(tmp_path / "w.wtns", witness.values)
    assert zkstate("setup", "circuit", title, "--out", tmp_path / "c").code == 0
    r1cs, sym = (tmp_path / "c" / f"{title}.{suffix}" for suffix in ("r1cs", "sym"))
    said = snarkjs("r1cs", "info", r1cs)
    for words, count in (
        ("Wires", circuit.r1cs.n_wires),
        ("Constraints", circuit.r1cs.n_constraints),
        ("Public Inputs", circuit.r1cs.n_public),
    ):
        assert f"# of {words}: {count}" in said
    assert "WITNESS IS CORRECT" in snarkjs("wtns", "check", r1cs, tmp_path / "w.wtns")

    zkey_file.write_zkey(tmp_path / "c.zkey", proving_key(statement, circuit))
    out = tmp_path / "proof"
    made = zkstate(
        "prove", "--zkey", tmp_path / "c.zkey", "--wtns", tmp_path / "w.wtns", "--r1cs", r1cs, "--out", out, "--json"
    )
    assert made.code == 0, made.err
    assert made.json["public_inputs"] == [str(value) for value in witness.public_inputs]
    assert accepted(out)
    refuses_each_changed_input(out)
    assert len(sym.read_text().splitlines()) == circuit.r1cs.n_wires - 1
