"""zkstate inspect: every kind of file is told by its content, and no secret is shown."""

import json

import pytest

from tests.cli.program import zkstate
from tests.shared import shared_path
from zkstate.proof import r1cs_file, wtns_file


def inspect(path, *more):
    return zkstate("inspect", path, *more)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mirror/epochs/00000001/header.bin", "the header of an epoch"),
        ("mirror/epochs/00000001/manifest.json", "the manifest of an epoch"),
        ("mirror/epochs/00000001/tables/instruments.json", "an instrument table"),
        ("mirror/epochs/00000001/tables/totals.json", "totals of an epoch"),
        ("mirror/epochs/00000001/tiles/0/000000.bin", "a tile of the accounts tree"),
        ("mirror/epochs/00000001/records/000000.bin", "encrypted account records"),
        ("trader.key", "a 32-byte secret, not shown"),
        ("account.json", "an account bundle that proves itself"),
        ("proof/statement.json", "the claim of a proof"),
        ("proof/proof.json", "a Groth16 proof over BN254"),
        ("proof/public.json", "public inputs of a proof"),
        ("proof/verification_key.json", "a Groth16 verification key"),
    ],
)
def test_files_of_ours(proved, name, words):
    path = proved.root / name
    outcome = inspect(path, "--json")
    assert outcome.code == 0, outcome.err
    assert words in outcome.json["kind"]
    assert outcome.json["size"] == path.stat().st_size
    text = inspect(path)
    assert words in text.out
    for secret in (proved.key.read_text().strip(), json.loads(proved.bundle.read_text())["owner_secret"]):
        assert secret not in text.out + outcome.out


def test_the_header_shown_is_the_header_published(proved):
    told = inspect(proved.header, "--json").json
    assert told["header_hash"] == zkstate("verify", proved.proof, "--json").json["header_hash"]


def test_records_are_counted_by_class(proved):
    buckets = sorted((proved.published / "records").glob("*.bin"))
    told = [inspect(path, "--json").json for path in buckets]
    assert sum(one["records"] for one in told) == 200
    assert all(sum(one["classes"].values()) == one["records"] for one in told)


def circuit_file(suffix):
    found = sorted(shared_path("vectors").rglob(f"*.{suffix}"))
    assert found
    return found


def test_files_of_circom_and_snarkjs():
    for path in circuit_file("r1cs")[:3]:
        told = inspect(path, "--json")
        if told.code == 0:
            file = r1cs_file.read(path)
            assert told.json["constraints"] == file.r1cs.n_constraints
            assert told.json["wires"] == file.r1cs.n_wires
    for path in circuit_file("wtns")[:3]:
        told = inspect(path, "--json")
        if told.code == 0:
            values = wtns_file.read(path).to_ints()
            assert told.json["values"] == len(values)
            assert not any(str(value) in told.out for value in values if value > 1 << 64)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"{}", b"[1]", b"{", b"r1cs", b"zkstate\x01", b"zkey" + b"\0" * 90, b"\xff" * 99]
)
def test_what_is_unknown_or_damaged_is_exit_code_2(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    outcome = inspect(path)
    assert outcome.code == 2
    assert outcome.out == ""


def test_a_folder_is_not_a_file(tmp_path):
    assert inspect(tmp_path).code == 2
