"""`.sym`: every wire of a circuit once, by a name of its own, in the four fields that circom writes."""

import pytest

from tests.constraint.saying import saying
from zkstate.constraint.statement import FELT, uint
from zkstate.errors import EnvironmentFailure
from zkstate.proof import r1cs_file, sym_file


def define(c, out, sizes):
    with c.scope("row 3, the last"):
        squares = [size * size for size in sizes]
        c.require(c.linear((1, square) for square in squares) == out, "the sum")
    c.require(sizes[0] < sizes[1], "the order")


CIRCUIT = saying(define, out=FELT, sizes=(uint(8), 2))


def lines(circuit):
    text = b"".join(sym_file.encode(circuit)).decode("ascii")
    assert text.endswith("\n")
    return [line.split(",") for line in text.splitlines()]


def test_every_wire_has_one_line_and_a_name_of_its_own():
    found = lines(CIRCUIT)
    assert {len(line) for line in found} == {4}
    assert [(label, wire) for label, wire, _, _ in found] == [(str(i), str(i)) for i in CIRCUIT.wires]
    names = [name for *_, name in found]
    assert len(set(names)) == len(names)
    assert names[:3] == ["main.out", "main.sizes[0]", "main.sizes[1]"]
    assert "main.row_3_the_last.product" in names
    assert "main.row_3_the_last.product#2" in names
    components = {name.rpartition(".")[0]: component for *_, component, name in found}
    assert components == {"main": "0", "main.row_3_the_last": "1"}


def test_it_goes_with_the_r1cs_file(tmp_path):
    file = r1cs_file.R1csFile.of_circuit(CIRCUIT)
    assert (file.n_outputs, file.r1cs.n_public, file.n_private_inputs) == (0, 1, 2)
    r1cs_file.write(tmp_path / "c.r1cs", file)
    again = r1cs_file.read(tmp_path / "c.r1cs")
    assert again.n_private_inputs == 2
    assert again.labels.tolist() == list(range(CIRCUIT.r1cs.n_wires))
    sym_file.write(tmp_path / "c.sym", CIRCUIT)
    assert (tmp_path / "c.sym").read_bytes() == b"".join(sym_file.encode(CIRCUIT))
    with pytest.raises(EnvironmentFailure):
        sym_file.write(tmp_path / "none" / "c.sym", CIRCUIT)
