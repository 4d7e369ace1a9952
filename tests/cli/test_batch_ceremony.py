"""A ceremony for the batches of an epoch, and a proof of solvency under its key: what is believed, and what is not."""

import json

import pytest

from tests.cli.program import zkstate
from tests.proof.ptau import ceremony_ptau
from tests.solvency.venue import commit, ledger
from zkstate.proof import r1cs_file

pytestmark = pytest.mark.slow


def test_batches_are_believed_with_the_record_of_their_own_circuit(tmp_path):
    epoch = commit(tmp_path / "epoch", ledger(small=2, large=0))
    (tmp_path / "records").mkdir()
    (tmp_path / "keys").mkdir()

    def run(*argv, code=0):
        outcome = zkstate(*argv, "--json", believe=False)
        assert outcome.code == code, outcome.err + outcome.out
        return outcome.json

    run("setup", "batches", epoch.folder, "--system", "mirage", "--out", tmp_path / "circuits")
    (listed,) = json.loads((tmp_path / "circuits/batches.json").read_text())["circuits"]
    name, committed, ptau = listed["name"], listed["committed"], tmp_path / "powers.ptau"
    ptau.write_bytes(ceremony_ptau(listed["domain"].bit_length() - 1, prepared=False))
    circuit = ["--r1cs", tmp_path / "circuits" / f"{name}.r1cs", "--committed", str(committed), "--ptau", ptau]
    first, second, key = (tmp_path / place for place in ("0.zkey", "1.zkey", f"keys/{name}.zkey"))
    record = tmp_path / "records/4.json"
    run("setup", "new", *circuit, "--out", first)
    run("setup", "contribute", first, "--name", "anna", "--out", second)
    run("setup", "beacon", second, "--value", "00112233", "--out", key)
    run("setup", "verify", key, *circuit, "--out", record)
    run("prove", "solvency", epoch.folder, "--system", "mirage", "--keys", tmp_path / "keys", "--jobs", "1")
    verify = ("verify", epoch.folder, "--ceremony", tmp_path / "records")
    assert run(*verify)["setup"]["status"] == "verified"
    assert "of unknown origin" in run("verify", epoch.folder, code=1)["reasons"][0]
    document = json.loads(record.read_text())
    r1cs = r1cs_file.read(tmp_path / "circuits" / f"{name}.r1cs").r1cs
    for n in (0, committed - 1):
        other = document | {"circuit": document["circuit"] | {"r1cs": r1cs_file.circuit_digest(r1cs, n).hex()}}
        record.write_text(json.dumps(other, separators=(",", ":")))
        assert "the ceremony record is of the circuit" in run(*verify, code=1)["reasons"][0]
