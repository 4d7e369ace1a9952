"""prove --zkey --wtns and verify of what it wrote: any circuit of circom, and only what can be said of it."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.program import ALLOW, tree, zkstate
from tests.cli.test_setup import held  # noqa: F401  # the ceremony of a small circuit
from tests.proof.circuits import bits, cubic
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import r1cs_file, wtns_file, zkey_file
from zkstate.proof.setup import insecure_setup

FILES = ("verification_key.json", "public.json", "proof.json")


@pytest.fixture(scope="module")
def files(held, tmp_path_factory):  # noqa: F811
    """Circuit, witness, a key of a ceremony with its record and an insecure one, and a proof under each."""
    root = tmp_path_factory.mktemp("circom")
    at = SimpleNamespace(root=root, r1cs=held.r1cs, zkey=held.key, record=held.record, vk=held.root / "vk.json")
    at.wtns, at.insecure = root / "c.wtns", root / "insecure.zkey"
    wtns_file.write(at.wtns, cubic().values)
    zkey_file.write_zkey(at.insecure, insecure_setup(cubic().r1cs, b"a seed of sixteen bytes"))
    at.proof, at.doubtful = root / "proof", root / "doubtful"
    made = prove(at, at.proof, "--ceremony", at.record, believe=False)
    assert made.code == 0, made.err
    at.told = made.json
    assert prove(at, at.doubtful, key=at.insecure).code == 0
    return at


def prove(at, out, *more, key=None, wtns=None, believe=True):
    return zkstate(
        "prove", "--zkey", key or at.zkey, "--wtns", wtns or at.wtns, "--out", out, "--json", *more, believe=believe
    )


def verify(folder, *more, believe=False):
    return zkstate("verify", folder, "--json", *more, believe=believe)


def copied(folder, to, **changed):
    """A proof directory with some of its files replaced: `public`, `proof` or `verification_key`."""
    to.mkdir()
    for name in FILES:
        (to / name).write_bytes(changed.get(name.removesuffix(".json"), (folder / name).read_bytes()))
    return to


def test_a_proof_is_the_three_files_of_snarkjs_and_no_more(files):
    assert set(tree(files.proof)) == set(FILES)
    assert json.loads((files.proof / "public.json").read_text()) == ["35"]  # 3^3 + 3 + 5
    assert files.told["public_inputs"] == ["35"]
    assert files.told["setup"]["status"] == "verified"


def test_the_verdict_says_what_is_shown_and_what_is_not(files):
    told = verify(files.proof, "--ceremony", files.record).json
    assert told["accepted"] is True
    assert told["setup"]["status"] == "verified"
    assert told["circuit"] == f"r1cs digest {r1cs_file.digest(cubic().r1cs).hex()}, by the ceremony record"
    assert told["shows"] == "somebody knew a witness of the circuit of this key, with these public inputs"
    assert any("what the circuit states" in words for words in told["not_shown"])
    assert any("about a venue" in words for words in told["not_shown"])
    assert not any("came with the proof" in words for words in told["not_shown"])
    doubtful = verify(files.doubtful, believe=True).json
    assert (doubtful["accepted"], doubtful["setup"]["status"]) == (True, "unverified")
    assert doubtful["circuit"] == "unknown to this program"
    assert any("it came with the proof" in words for words in doubtful["not_shown"])
    assert any("anything, to those who rely on the key" in words for words in doubtful["not_shown"])
    pinned = verify(files.doubtful, "--key", files.doubtful / "verification_key.json", believe=True).json
    assert not any("came with the proof" in words for words in pinned["not_shown"])
    text = zkstate("verify", files.proof, "--ceremony", files.record, believe=False).out
    assert text.startswith("accepted\nshows ")


def test_without_a_record_or_leave_the_verdict_is_no_and_nothing_is_proved(files, tmp_path):
    outcome = verify(files.proof)
    assert (outcome.code, outcome.json["setup"]["status"], outcome.json["shows"]) == (1, "unverified", "nothing")
    assert any(ALLOW in reason for reason in outcome.json["reasons"])
    outcome = prove(files, tmp_path / "out", believe=False)
    assert (outcome.code, ALLOW in outcome.err) == (2, True)
    assert tree(tmp_path) == {}


def test_a_record_or_a_pin_of_another_key_is_a_rejection(files):
    outcome = verify(files.doubtful, "--ceremony", files.record, believe=True)
    assert (outcome.code, "the ceremony record is of the key" in outcome.json["reasons"][0]) == (1, True)
    outcome = verify(files.doubtful, "--key", files.vk, believe=True)
    assert (outcome.code, "not the expected" in outcome.json["reasons"][0]) == (1, True)


def test_changed_inputs_and_proofs_are_false_or_unusable(files, tmp_path):
    for i, (changed, code) in enumerate((
        ({"public": b'["36"]'}, 1),
        ({"public": b'["%d"]' % (35 + FR_MODULUS)}, 2),
        ({"public": b'["35", "0"]'}, 2),
        ({"public": b'["35"'}, 2),
        ({"proof": (files.doubtful / "proof.json").read_bytes()}, 1),
        ({"proof": b"{}"}, 2),
        ({"verification_key": (files.doubtful / "verification_key.json").read_bytes()}, 1),
        ({"verification_key": b""}, 2),
    )):  # fmt: skip
        folder = copied(files.proof, tmp_path / str(i), **changed)
        assert verify(folder, believe=True).code == code, changed


def test_a_witness_that_breaks_the_circuit_makes_no_proof(files, tmp_path):
    for wire in range(1, 6):
        values = cubic().values.to_ints()
        values[wire] += 1
        wtns_file.write(tmp_path / "bad.wtns", FrVec.from_ints(values))
        outcome = prove(files, tmp_path / "out", wtns=tmp_path / "bad.wtns")
        assert (outcome.code, "does not satisfy the circuit" in outcome.err) == (1, True)
        outcome = prove(files, tmp_path / "out", "--r1cs", files.r1cs, wtns=tmp_path / "bad.wtns")
        assert (outcome.code, "rows of the circuit, row " in outcome.err) == (1, True)
        assert str(values[wire]) not in outcome.err.split("row ")[0]
        assert not (tmp_path / "out").exists()


def test_files_that_do_not_belong_together_are_refused(files, tmp_path):
    other = tmp_path / "other.r1cs"
    r1cs_file.write(other, r1cs_file.R1csFile.of(bits().r1cs))
    outcome = prove(files, tmp_path / "out", "--r1cs", other)
    assert (outcome.code, "the circuit has" in outcome.err) == (4, True)
    wtns_file.write(tmp_path / "other.wtns", bits().values)
    outcome = prove(files, tmp_path / "out", wtns=tmp_path / "other.wtns")
    assert (outcome.code, "the key has 6 wires" in outcome.err) == (2, True)
    outcome = prove(files, tmp_path / "out", "--ceremony", files.record, key=files.insecure)
    assert (outcome.code, "the ceremony record is of the key" in outcome.err) == (2, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--zkey", "--wtns", "--r1cs", "--ceremony"])
@pytest.mark.parametrize("kind", ["absent", "empty", "cut", "other", "folder", "pipe", "device"])
def test_every_unusable_file_is_named(files, tmp_path, option, kind):
    """Not read for ever, not taken for an internal error, and nothing is written."""
    good = {"--zkey": files.zkey, "--wtns": files.wtns, "--r1cs": files.r1cs, "--ceremony": files.record}
    path = tmp_path / "file"
    if kind == "device":
        path = Path("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "absent":
        content = good[option].read_bytes()
        path.write_bytes({"empty": b"", "cut": content[:-1], "other": files.vk.read_bytes()}[kind])
    argv = [word for pair in (good | {option: path}).items() for word in pair]
    outcome = zkstate("prove", *argv, "--out", tmp_path / "out")
    assert outcome.code == 2, outcome.err
    assert path.name in outcome.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "name a statement"),
        (["--wtns", "WTNS"], "give --zkey"),
        (["--zkey", "ZKEY"], "give --wtns"),
        (["--zkey", "ZKEY", "--wtns", "WTNS", "--challenge", "5a" * 32], "does not take --challenge"),
        (["--zkey", "ZKEY", "--wtns", "WTNS", "--ratio", "1"], "does not take --ratio"),
        (["--zkey", "ZKEY", "--wtns", "WTNS", "--key", "ZKEY"], "does not take --key"),
        (["margin", "--zkey", "ZKEY"], "prove margin does not take --zkey"),
        (["margin"], "give --account"),
    ],
)
def test_options_that_would_be_ignored_are_refused(files, tmp_path, argv, message):
    names = {"ZKEY": files.zkey, "WTNS": files.wtns}
    outcome = zkstate("prove", *(names.get(word, word) for word in argv), "--out", tmp_path / "out")
    assert (outcome.code, message in outcome.err) == (2, True), outcome.err
    outcome = verify(files.proof, "--challenge", "5a" * 32)
    assert (outcome.code, "does not check --challenge" in outcome.err) == (2, True)


def test_a_statement_without_its_claim_shows_no_statement(proved, tmp_path):
    folder = copied(proved.proof, tmp_path / "plain")
    told = verify(folder, believe=True).json
    assert (told["accepted"], told["kind"]) == (True, "groth16")
    assert told["circuit"].startswith("margin-")
    assert "no claim, header or context is beside the proof" in told["circuit"]
