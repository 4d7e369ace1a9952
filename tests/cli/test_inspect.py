"""zkstate inspect: every kind of file is told by its content, and no secret is shown."""

import json
import struct

import pytest

from tests.cli.program import zkstate
from tests.proof.official import official
from tests.proof.ptau import PARTS, ceremony_ptau
from zkstate.backup import sealed
from zkstate.kernels import cpu_path, thread_count


def inspect(path, *more):
    return zkstate("inspect", path, *more)


@pytest.mark.parametrize(
    ("name", "kind"),
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
def test_files_of_ours(proved, name, kind):
    path = proved.root / name
    outcome = inspect(path, "--json")
    assert outcome.code == 0, outcome.err
    assert kind in outcome.json["kind"]
    assert outcome.json["size"] == path.stat().st_size
    text = inspect(path)
    assert kind in text.out
    for secret in (proved.key.read_text().strip(), json.loads(proved.bundle.read_text())["owner_secret"]):
        assert secret not in text.out + outcome.out


def test_the_header_shown_is_the_header_published(proved):
    told = inspect(proved.header, "--json").json
    assert told["header_hash"] == zkstate("verify", proved.proof, "--json").json["header_hash"]


def test_a_sealed_file_says_what_it_holds_and_no_more(proved, tmp_path):
    cost = sealed.Cost(1, 64, 1)
    for kind in sealed.Kind:
        path = tmp_path / f"{kind}.sealed"
        path.write_bytes(sealed.seal(kind, b"what nobody may read", b"six random words are good", cost))
        told = inspect(path, "--json").json
        assert (told["holds"], told["memory_kib"]) == (kind.title, 64)
        assert kind.title in inspect(path).out
    for at, byte in ((35, 9), (39, 9), (47, 255)):
        broken = bytearray(path.read_bytes())
        broken[at] = byte
        path.write_bytes(broken)
        assert inspect(path).code == 2
    path.write_bytes(sealed.MAGIC)
    assert inspect(path).code == 2


def test_a_solvency_claim_and_a_batch(tmp_path):
    claim = {
        "kind": "zkstate solvency", "version": 2, "header_hash": "ab" * 32, "system": "transparent",
        "classes": [{"rows": 4, "accounts": 16}], "unhealthy": 3, "shortfall": "12345678",
        "profit": "-12345678900000000000",
    }  # fmt: skip
    path = tmp_path / "solvency.json"
    path.write_text(json.dumps(claim, separators=(",", ":")))
    told = inspect(path, "--json").json
    assert {name: told[name] for name in ("header_hash", "classes", "unhealthy")} == {
        name: claim[name] for name in ("header_hash", "classes", "unhealthy")
    }
    assert "3 accounts, which lack" in inspect(path).out
    assert "customers owe 1234.56789 quote net" in inspect(path).out
    path.write_text(json.dumps(claim | {"profit": "15000000000000000"}, separators=(",", ":")))
    assert "customers are owed 1.5 quote net" in inspect(path).out
    path.write_text(json.dumps(claim))
    assert inspect(path).code == 2
    batch = tmp_path / "000000.bin"
    batch.write_bytes(b"zkstate batch v1" + b"".join(n.to_bytes(32, "big") for n in (5, 6)) + b"proof")
    told = inspect(batch, "--json").json
    assert (told["before"], told["proof_bytes"]) == (f"{5:#066x}", 5)


def test_records_are_counted_by_class(proved):
    buckets = sorted((proved.published / "records").glob("*.bin"))
    told = [inspect(path, "--json").json for path in buckets]
    assert sum(one["records"] for one in told) == 200
    assert all(sum(one["classes"].values()) == one["records"] for one in told)


def sections(content):
    """The sections of a circom file by id, read as the format says and by nothing of ours."""
    found, at = {}, 12
    for _ in range(int.from_bytes(content[8:12], "little")):
        number, length = struct.unpack_from("<IQ", content, at)
        found[number] = content[at + 12 : at + 12 + length]
        at += 12 + length
    assert at == len(content)
    return found


def words(content, *offsets):
    return [int.from_bytes(content[at : at + 4], "little") for at in offsets]


def place(name, folder):
    path = folder / name.rpartition("/")[2]
    path.write_bytes(official(name))
    return path


def listed(told):
    """What `inspect` says of the sections: number and size."""
    return [(each["section"], each["bytes"]) for each in told["sections"]]


@pytest.mark.parametrize("name", ["snarkjs/groth16/circuit.r1cs", "snarkjs/plonk_circuit/circuit.r1cs"])
def test_a_circuit_of_circom(tmp_path, name):
    found = sections(official(name))
    wires, outputs, inputs, private, constraints = words(found[1], 36, 40, 44, 48, 60)
    told = inspect(place(name, tmp_path), "--json").json
    assert (told["wires"], told["constraints"]) == (wires, constraints)
    assert (told["outputs"], told["public"], told["private_inputs"]) == (outputs, outputs + inputs, private)
    assert listed(told) == [(number, len(part)) for number, part in found.items()]


@pytest.mark.parametrize("name", ["rapidsnark/witness.wtns", "snarkjs/plonk_circuit/witness.wtns"])
def test_a_witness_is_counted_and_not_shown(tmp_path, name):
    found = sections(official(name))
    outcome = inspect(place(name, tmp_path), "--json")
    assert outcome.json["values"] == len(found[2]) // 32
    assert listed(outcome.json) == [(1, 40), (2, len(found[2]))]
    for at in range(0, min(len(found[2]), 3200), 32):
        value = int.from_bytes(found[2][at : at + 32], "little")
        assert value < 1 << 32 or str(value) not in outcome.out


def test_a_key_of_snarkjs(tmp_path):
    name = "rapidsnark/circuit_final.zkey"
    found = sections(official(name))
    wires, public, domain = words(found[2], 72, 76, 80)
    told = inspect(place(name, tmp_path), "--json").json
    assert (told["wires"], told["public"], told["domain"]) == (wires, public, domain)
    assert told["setup"]["status"] == "unverified"
    assert told["circuit_hash"] == found[10][:64].hex()
    assert len(told["contributions"]) == int.from_bytes(found[10][64:68], "little")
    assert listed(told) == [(number, len(part)) for number, part in found.items()]
    other = inspect(place("rapidsnark/verification_key.json", tmp_path), "--json").json
    assert told["key_digest"] == other["key_digest"]


@pytest.mark.parametrize("prepared", [False, True])
def test_powers_of_tau(tmp_path, prepared):
    content = ceremony_ptau(3, prepared=prepared)
    (tmp_path / "powers.ptau").write_bytes(content)
    told = inspect(tmp_path / "powers.ptau", "--json").json
    assert (told["power"], told["ceremony_power"], told["prepared"]) == (3, 3, prepared)
    assert [each["name"] for each in told["contributions"]] == [part.author.name for part in PARTS]
    assert told["contributions"][2]["beacon"] == {"value": b"dice".hex(), "exponent": 10}
    assert told["contributions"][1]["beacon"] is None
    assert listed(told) == [(number, len(part)) for number, part in sections(content).items()]
    names = {each["section"]: each["name"] for each in told["sections"]}
    assert names[4] == "alpha tau G1"
    assert (names.get(14) == "Lagrange basis of alpha tau G1") is prepared
    text = inspect(tmp_path / "powers.ptau").out
    assert ("not prepared" in text) is not prepared
    verified = zkstate("setup", "verify", "--ptau", tmp_path / "powers.ptau", "--json").json["facts"]
    assert all(each["hash"] in verified[f"to the powers {i}"] for i, each in enumerate(told["contributions"], 1))


def test_a_key_of_another_proof_system_is_refused(tmp_path):
    outcome = inspect(place("snarkjs/plonk_circuit/circuit.zkey", tmp_path))
    assert (outcome.code, "protocol is 2, expected 1" in outcome.err) == (2, True)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"{}", b"[1]", b"{", b"r1cs", b"zkstate\x01", b"zkey" + b"\0" * 90, b"\xff" * 99, b"ptau\1\0\0\0"],
)
def test_what_is_unknown_or_damaged_is_exit_code_2(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    outcome = inspect(path)
    assert outcome.code == 2
    assert outcome.out == ""


@pytest.mark.parametrize("place", ["tiles/abc/000000.bin", "tiles/0/tile.bin", "records/000000.bin"])
def test_a_name_like_one_of_ours_is_no_bug(tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    with path.open("wb") as sparse:
        sparse.truncate((8 << 20) + 1 if "records" in place else 64)
    outcome = inspect(path, "--json")
    assert (outcome.code, path.name in outcome.json["error"]["message"]) == (2, True)


@pytest.mark.parametrize("size", [300, 545])
def test_a_header_that_is_cut_or_too_long_is_unusable_and_named(proved, tmp_path, size):
    path = tmp_path / "pinned"
    path.write_bytes((proved.header.read_bytes() + b"x")[:size])
    outcome = inspect(path)
    assert (outcome.code, "pinned" in outcome.err) == (2, True)


def test_a_folder_is_not_a_file(tmp_path):
    assert inspect(tmp_path).code == 2


def test_the_cpu_path_is_told():
    outcome = zkstate("inspect", "--cpu", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["path"] == cpu_path()
    assert outcome.json["threads"] == thread_count(0)
    assert cpu_path() in zkstate("inspect", "--cpu").out


def test_a_file_and_the_cpu_are_two_questions(tmp_path):
    assert zkstate("inspect").code == 2
    assert zkstate("inspect", "--cpu", tmp_path).code == 2
