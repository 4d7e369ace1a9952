"""zkstate setup: a ceremony as its parties run it, and what prove and verify then take and refuse."""

import json
from types import SimpleNamespace

import pytest

from tests.cli.program import ALLOW, zkstate
from tests.proof import shop
from tests.proof.circuits import cubic
from tests.proof.frames import joined
from tests.proof.ptau import ceremony_ptau
from tests.solvency.venue import commit, ledger
from zkstate.proof import mirage, r1cs_file, zkey_file
from zkstate.proof.groth16 import prove
from zkstate.proof.json_form import MIRAGE, public_to_json
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.proof.record import CeremonyRecord
from zkstate.proof.setup import insecure_setup

DICE = "00112233445566778899aabbccddeeff"


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """A ceremony of two parties and a beacon for a small circuit, all through the command."""
    root = tmp_path_factory.mktemp("ceremony")
    (root / "bare.ptau").write_bytes(ceremony_ptau(4, prepared=False))
    r1cs_file.write(root / "c.r1cs", r1cs_file.R1csFile.of(cubic().r1cs))
    (root / "noise").write_bytes(b"dice, coins and coffee")
    at = SimpleNamespace(root=root, r1cs=root / "c.r1cs", ptau=root / "powers.ptau")
    at.key, at.record = root / "3.zkey", root / "record.json"
    said = []
    for argv in (
        ["prepare", "--ptau", root / "bare.ptau", "--out", at.ptau],
        ["new", "--r1cs", at.r1cs, "--ptau", at.ptau, "--out", root / "0.zkey"],
        ["contribute", root / "0.zkey", "--name", "anna", "--out", root / "1.zkey"],
        ["contribute", root / "1.zkey", "--name", "bert", "--entropy", root / "noise", "--out", root / "2.zkey"],
        ["beacon", root / "2.zkey", "--value", DICE, "--name", "dice", "--out", at.key],
        ["verify", at.key, "--r1cs", at.r1cs, "--ptau", at.ptau, "--out", at.record],
        ["export", at.key, "--out", root / "vk.json"],
    ):
        outcome = zkstate("setup", *argv, "--json")
        assert outcome.code == 0, outcome.err
        said.append(outcome.json)
    at.said = said
    small, key = cubic(), zkey_file.read_zkey(at.key)
    at.triple = ["--vk", root / "vk.json", "--public", root / "public.json", "--proof", root / "proof.json"]
    (root / "public.json").write_text(public_to_json(small.public))
    (root / "proof.json").write_text(prove(key, small.values).to_json())
    return at


def test_the_powers_are_the_known_ones(held):
    assert held.ptau.read_bytes() == ceremony_ptau(4)


def test_each_party_sees_its_own_hash_in_the_verdict(held):
    hashes = [said["facts"]["hash"] for said in held.said[2:5]]
    told = held.said[5]["facts"]
    assert [told[f"contribution {i}"].rpartition("hash ")[2] for i in (1, 2, 3)] == hashes
    assert "'bert'" in told["contribution 2"]
    assert "a beacon" in told["contribution 3"]
    assert "erased" in told["not shown"]


def test_a_proof_under_the_key_is_taken_with_its_record_alone(held):
    accepted = zkstate("verify", *held.triple, "--ceremony", held.record, "--json", believe=False)
    assert (accepted.code, accepted.json["setup"]["status"]) == (0, "verified")
    refused = zkstate("verify", *held.triple, "--json", believe=False)
    assert (refused.code, refused.json["setup"]["status"]) == (1, "unverified")
    assert any(ALLOW in reason for reason in refused.json["reasons"])
    assert zkstate("verify", *held.triple, ALLOW, believe=False).code == 0


def test_a_record_of_another_key_vouches_for_nothing(held, tmp_path):
    small, other = cubic(), insecure_setup(cubic().r1cs, b"a seed of sixteen bytes")
    (tmp_path / "vk.json").write_text(other.vk.to_json())
    (tmp_path / "proof.json").write_text(prove(other, small.values).to_json())
    triple = ["--vk", tmp_path / "vk.json", "--public", held.root / "public.json", "--proof", tmp_path / "proof.json"]
    for allow in ([], [ALLOW]):
        outcome = zkstate("verify", *triple, "--ceremony", held.record, *allow, believe=False)
        assert (outcome.code, "the ceremony record is of the key" in outcome.out) == (1, True)
    document = json.loads(held.record.read_text())
    document["contributions"] = document["contributions"][:-2] + "00"
    (tmp_path / "record.json").write_text(json.dumps(document, separators=(",", ":")))
    assert zkstate("verify", *held.triple, "--ceremony", tmp_path / "record.json", believe=False).code in {1, 2}


def test_a_key_that_is_not_what_the_ceremony_made_gets_no_record(held, tmp_path):
    out = tmp_path / "record.json"
    other = tmp_path / "other.zkey"
    other.write_bytes(joined(zkey_file.encode(insecure_setup(cubic().r1cs, b"a seed of sixteen bytes"))))
    for key, reason in ((held.root / "0.zkey", "nobody has contributed"), (other, "nobody has contributed")):
        outcome = zkstate("setup", "verify", key, "--r1cs", held.r1cs, "--ptau", held.ptau, "--out", out)
        assert (outcome.code, reason in outcome.out) == (1, True)
    other.write_bytes(joined(zkey_file.encode(zkey_file.read_zkey(held.root / "2.zkey"))))
    damaged = bytearray(held.key.read_bytes())
    at = damaged.index(zkey_file.read_zkey(held.key).vk.ic[0].raw)
    damaged[at : at + 128] = damaged[at + 64 : at + 128] + damaged[at : at + 64]
    other.write_bytes(damaged)
    outcome = zkstate("setup", "verify", other, "--r1cs", held.r1cs, "--ptau", held.ptau, "--out", out)
    assert (outcome.code, "section IC is not" in outcome.out) == (1, True)
    assert not out.exists()


def test_powers_that_do_not_verify_make_no_key(held, tmp_path):
    bad = tmp_path / "bad.ptau"
    bad.write_bytes(ceremony_ptau(4, ()))
    for argv in (["new", "--r1cs", held.r1cs], ["prepare"]):
        outcome = zkstate("setup", *argv, "--ptau", bad, "--out", tmp_path / "out")
        assert (outcome.code, "no contribution" in outcome.out) == (1, True)
        assert not (tmp_path / "out").exists()
    assert zkstate("setup", "verify", "--ptau", bad).code == 1
    assert zkstate("setup", "verify", "--ptau", held.ptau).code == 0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["new", "--ptau", "PTAU", "--out", "x"], "takes 1 names, 0 are given"),
        (["new", "margin-5", "--ptau", "PTAU", "--out", "x"], "is no circuit name"),
        (["contribute", "KEY", "--out", "x"], "give --name"),
        (["contribute", "KEY", "--name", "n", "--value", "00", "--out", "x"], "does not take --value"),
        (["contribute", "KEY", "--name", "n" * 256, "--out", "x"], "at most 255"),
        (["beacon", "KEY", "--value", "0g", "--out", "x"], "not a value in hexadecimal"),
        (["beacon", "KEY", "--value", "00", "--exponent", "9", "--out", "x"], "from 10 to 32"),
        (["beacon", "KEY", "--value", "00", "--exponent", "-1", "--out", "x"], "from 10 to 32"),
        (["verify", "KEY", "--r1cs", "R1CS", "--ptau", "KEY", "--out", "KEY"], "remove it or choose another"),
        (["new", "margin-5", "--ptau", "KEY", "--out", "x"], "is no circuit name"),
        (["verify", "KEY", "margin-5", "--ptau", "KEY"], "is no circuit name"),
        (["export", "FRESH", "--out", "x"], "contribute to it first"),
        (["contribute", "KEY", "--name", "n", "--out", "KEY"], "exists"),
        (["melt"], "invalid choice"),
        (["circuit", "margin-5", "--out", "x"], "is no circuit name"),
        (["circuit", "balance-4"], "give --out"),
        (["new", "balance-4", "--committed", "2", "--ptau", "PTAU", "--out", "x"], "--committed is for --r1cs"),
        (
            ["new", "--r1cs", "R1CS", "--committed", "5", "--ptau", "PTAU", "--out", "x"],
            "the circuit has 4 secret ones",
        ),
        (["new", "--r1cs", "R1CS", "--committed", "0", "--ptau", "PTAU", "--out", "x"], "not a whole number from 1"),
        (["contribute", "KEY", "--name", "n", "--committed", "2", "--out", "x"], "does not take --committed"),
        (["batches", "PLACE", "--out", "x"], "give --system"),
        (["batches", "PLACE", "--system", "transparent", "--out", "x"], "invalid choice"),
        (["batches", "PLACE", "--system", "groth16", "--batch-rows", "8192", "--out", "x"], "has at most 4096"),
        (["batches", "PLACE", "--system", "groth16", "--out", "x"], "header.bin"),
    ],
)
def test_what_cannot_be_done_is_said(held, tmp_path, argv, message):
    names = {"PTAU": held.ptau, "KEY": held.key, "FRESH": held.root / "0.zkey", "x": tmp_path / "x"}
    names |= {"R1CS": held.r1cs, "PLACE": held.root}
    outcome = zkstate("setup", *(names.get(word, word) for word in argv))
    assert outcome.code in {2, 3, 5}
    assert message in outcome.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "argv",
    [
        ["contribute", "GIVEN", "--name", "n"],
        ["beacon", "GIVEN", "--value", "00"],
        ["export", "GIVEN"],
        ["verify", "GIVEN", "--r1cs", "R1CS", "--ptau", "PTAU"],
        ["batches", "GIVEN", "--system", "mirage"],
    ],
)
def test_what_is_named_by_its_place_and_is_not_there_is_no_bug(held, tmp_path, argv):
    gone, file = tmp_path / "gone", tmp_path / "file"
    file.write_bytes(b"")
    cases = [(gone, f"{gone} does not exist"), (file, f"{file} is not a folder" if argv[0] == "batches" else f"{file}")]
    for given, words in cases:
        names = {"GIVEN": given, "PTAU": held.ptau, "R1CS": held.r1cs}
        outcome = zkstate("setup", *(names.get(word, word) for word in argv), "--out", tmp_path / "x", "--json")
        assert (outcome.code, words in outcome.json["error"]["message"]) == (2, True)
        assert not (tmp_path / "x").exists()


def test_without_a_ceremony_prove_and_verify_refuse(proved, tmp_path):
    prove = ("prove", "margin", "--account", proved.bundle, "--system", "groth16")
    outcome = zkstate(*prove, "--out", tmp_path / "p", believe=False)
    assert (outcome.code, ALLOW in outcome.err) == (2, True)
    assert not (tmp_path / "p").exists()
    outcome = zkstate("verify", proved.proof, believe=False)
    assert (outcome.code, ALLOW in outcome.out) == (1, True)


def test_a_record_for_another_circuit_is_no_record_for_this_one(held, proved, tmp_path):
    outcome = zkstate("verify", proved.proof, "--ceremony", held.record)
    assert (outcome.code, "the ceremony was for circuit ''" in outcome.out) == (1, True)
    outcome = zkstate("prove", "margin", "--account", proved.bundle, "--ceremony", held.record, "--out", tmp_path / "p")
    assert (outcome.code, "give it with --key" in outcome.err) == (2, True)


def test_a_circuit_is_exported_with_the_names_of_its_wires(tmp_path):
    told = zkstate("setup", "circuit", "balance-4", "--out", tmp_path / "out", "--json").json["facts"]
    file = r1cs_file.read(tmp_path / "out/balance-4.r1cs")
    assert (file.r1cs.n_constraints, file.r1cs.n_public) == (int(told["constraints"]), 5)
    assert r1cs_file.digest(file.r1cs).hex() == told["digest"]
    names = [line.split(",") for line in (tmp_path / "out/balance-4.sym").read_text().splitlines()]
    assert [int(wire) for _, wire, _, _ in names] == list(range(1, file.r1cs.n_wires))
    public = [name for *_, name in names[:5]]
    assert public == [f"main.{name}" for name in ("state_root", "context", "instrument", "lo", "hi")]


@pytest.fixture(scope="module")
def committing(tmp_path_factory):
    """A ceremony for a key of mirage, all through the command."""
    root, circuit = tmp_path_factory.mktemp("mirage"), shop.circuit()
    (root / "powers.ptau").write_bytes(ceremony_ptau(8))
    r1cs_file.write(root / "c.r1cs", r1cs_file.R1csFile.of(circuit.r1cs))
    at = SimpleNamespace(root=root, key=root / "3.zkey", record=root / "record.json", said=[])
    at.circuit = ["--r1cs", root / "c.r1cs", "--ptau", root / "powers.ptau"]
    at.committed = ["--committed", str(circuit.n_committed)]
    for argv in (
        ["new", *at.circuit, *at.committed, "--out", root / "0.zkey"],
        ["contribute", root / "0.zkey", "--name", "anna", "--out", root / "1.zkey"],
        ["contribute", root / "1.zkey", "--name", "bert", "--out", root / "2.zkey"],
        ["beacon", root / "2.zkey", "--value", DICE, "--name", "dice", "--out", at.key],
        ["verify", at.key, *at.circuit, *at.committed, "--out", at.record],
        ["export", at.key, "--out", root / "vk.json"],
    ):
        outcome = zkstate("setup", *argv, "--json")
        assert outcome.code == 0, outcome.err
        at.said.append(outcome.json)
    return at


def test_a_ceremony_for_a_key_that_commits_to_wires(committing):
    told = committing.said[4]["facts"]
    assert [committing.said[i]["facts"]["contribution"][0] for i in (1, 2, 3)] == ["1", "2", "3"]
    hashes = [committing.said[i]["facts"]["hash"] for i in (1, 2, 3)]
    assert [told[f"contribution {i}"].rpartition("hash ")[2] for i in (1, 2, 3)] == hashes
    assert "contribution 4" not in told
    assert told["commits to"] == f"{shop.circuit().n_committed} wires, with a delta of their own"
    record, circuit = CeremonyRecord.decode(committing.record.read_bytes()), shop.circuit()
    assert record.circuit.r1cs == r1cs_file.circuit_digest(circuit.r1cs, circuit.n_committed).hex()
    exported = VerifyingKey.from_json((committing.root / "vk.json").read_bytes(), protocol=MIRAGE)
    vk, witness = record.vouched(exported), shop.witness()
    assert vk.setup is SetupStatus.VERIFIED
    proof = mirage.prove(zkey_file.read_zkey(committing.key), circuit, witness)
    known = tuple(circuit.block.known_values(witness.columns, circuit.blocks))
    assert mirage.verify(vk, mirage.Statement(witness.public, known), proof)
    told = zkstate("inspect", committing.key, "--json").json
    assert told["committed"] == circuit.n_committed
    assert [each["hash"] for each in told["contributions"]] == hashes


def test_a_key_that_commits_to_wires_proves_no_witness_of_circom(committing, tmp_path):
    argv = ["prove", "--zkey", committing.key, "--wtns", committing.key, "--ceremony", committing.record]
    outcome = zkstate(*argv, "--out", tmp_path / "x")
    assert (outcome.code, "a key of mirage" in outcome.err) == (2, True)
    assert not (tmp_path / "x").exists()


def test_a_key_that_commits_to_other_wires_gets_no_record(committing, tmp_path):
    committed = shop.circuit().n_committed
    for more, reason in (
        ([], f"under the key commit to {committed} wires, those of the circuit to 0"),
        (["--committed", str(committed - 1)], f"commit to {committed} wires, those of the circuit to {committed - 1}"),
    ):
        outcome = zkstate(
            "setup", "verify", committing.key, *committing.circuit, *more, "--out", tmp_path / "x", "--json"
        )
        assert outcome.code == 1
        assert any(reason in words for words in outcome.json["reasons"])
    early = ["setup", "verify", committing.root / "0.zkey", *committing.circuit, *committing.committed]
    outcome = zkstate(*early, "--out", tmp_path / "x")
    assert (outcome.code, "nobody has contributed" in outcome.out) == (1, True)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("system", ["groth16", "mirage"])
def test_the_circuits_of_solvency_batches_are_exported(system, tmp_path):
    epoch = commit(tmp_path / "epoch", ledger(small=2, large=0))
    outcome = zkstate("setup", "batches", epoch.folder, "--system", system, "--out", tmp_path / "out", "--json")
    assert outcome.code == 0, outcome.err
    document = json.loads((tmp_path / "out/batches.json").read_text())
    assert (document["system"], document["header_hash"]) == (system, epoch.header.hash.hex())
    (listed,) = document["circuits"]
    found = r1cs_file.read(tmp_path / "out" / f"{listed['name']}.r1cs").r1cs
    assert (listed["class"], listed["accounts"], listed["constraints"]) == ("4", 2, found.n_constraints)
    assert listed["digest"] == r1cs_file.circuit_digest(found, listed["committed"]).hex()
    assert (listed["committed"] > 0) == (system == "mirage")
    assert listed["domain"] > found.n_constraints
    assert listed["name"] in outcome.json["facts"]["class 4"]
