"""Proofs without a key, by command: the default of prove, what verify makes of them, and any circuit of circom."""

import json

import pytest

from circuits import portable
from tests.cli.program import process, tree, zkstate
from tests.proof.circuits import bits
from zkstate.errors import InputError
from zkstate.kernels import FrVec
from zkstate.proof import r1cs_file, wtns_file

FILES = {"header.bin", "instruments.json", "proof.bin", "public.json", "statement.json"}


@pytest.fixture(scope="module")
def shown(recovered, tmp_path_factory):
    """A margin proof without a key, made by default."""
    out = tmp_path_factory.mktemp("transparent") / "proof"
    outcome = zkstate("prove", "margin", "--account", recovered.bundle, "--out", out, "--json", believe=False)
    assert outcome.code == 0, outcome.err
    assert (outcome.json["system"], outcome.json["key_digest"]) == ("transparent", None)
    return out


def copied(folder, to):
    to.mkdir()
    for name, content in tree(folder).items():
        (to / name).write_bytes(content)
    return to


def verify(*argv):
    return zkstate("verify", *argv, believe=False)


def test_a_proof_without_a_key_is_the_default_and_is_accepted(shown, recovered):
    assert set(tree(shown)) == FILES
    secret = json.loads(recovered.bundle.read_text())["owner_secret"]
    for content in tree(shown).values():
        assert bytes.fromhex(secret) not in content
        assert secret.encode() not in content
    outcome = verify(shown, "--header", recovered.header, "--json")
    assert outcome.code == 0, outcome.err
    verdict = outcome.json
    assert verdict["accepted"] is True
    assert verdict["setup"] == {
        "status": "transparent",
        "trusted": True,
        "text": "none: the proof system has no key, and nobody holds a trapdoor",
    }
    for words in ("128 bits proven", "random oracle", "about 64 against quantum calls", "not been audited"):
        assert words in verdict["security"]
    assert not any("key" in words for words in verdict["not_shown"])
    assert "accepted" in verify(shown).out


def test_the_verifier_is_a_process_that_has_nothing_but_the_folder(shown):
    assert process("verify", shown, believe=False).code == 0


@pytest.mark.parametrize("name", ["proof.bin", "public.json", "statement.json"])
def test_what_was_changed_is_rejected(shown, tmp_path, name):
    folder = copied(shown, tmp_path / "changed")
    content = bytearray((folder / name).read_bytes())
    if name == "proof.bin":
        content[-1] ^= 1  # the last sibling of the last path
    elif name == "public.json":
        values = json.loads(content)
        values[-1] = str(1 - int(values[-1]))
        content = json.dumps(values).encode()
    else:
        content = content.replace(b'"ratio_ppm": "1000000"', b'"ratio_ppm": "1000001"')
    assert bytes(content) != (folder / name).read_bytes()
    (folder / name).write_bytes(content)
    outcome = verify(folder, "--json")
    assert outcome.code == 1, outcome.err
    assert outcome.json["accepted"] is False
    assert outcome.json["reasons"]


def test_what_is_malformed_is_unusable(shown, proved, tmp_path):
    cut = copied(shown, tmp_path / "cut")
    (cut / "proof.bin").write_bytes((cut / "proof.bin").read_bytes()[:-1])
    both = copied(shown, tmp_path / "both")
    (both / "proof.json").write_bytes((proved.proof / "proof.json").read_bytes())
    none = copied(shown, tmp_path / "none")
    (none / "proof.bin").unlink()
    for folder, words in ((cut, "proof.bin: "), (both, "holds one proof"), (none, "proof.json is missing")):
        outcome = verify(folder)
        assert (outcome.code, words in outcome.err) == (2, True), outcome.err


def test_a_proof_of_another_circuit_is_rejected(shown, recovered, tmp_path):
    other = tmp_path / "health"
    assert zkstate("prove", "health", "--account", recovered.bundle, "--out", other, believe=False).code == 0
    folder = copied(shown, tmp_path / "swapped")
    (folder / "proof.bin").write_bytes((other / "proof.bin").read_bytes())
    outcome = verify(folder)
    assert outcome.code in {1, 2}  # 2 where the number of public inputs differs already
    assert "accepted" not in outcome.out


def test_options_about_keys_are_not_ignored(shown, proved, recovered, tmp_path):
    key = proved.proof / "verification_key.json"
    for option in ("--key", "--ceremony"):
        outcome = verify(shown, option, key)
        assert (outcome.code, "the proof is transparent" in outcome.err) == (2, True)
    outcome = verify(shown, "--r1cs", key)
    assert (outcome.code, "it is compiled here" in outcome.err) == (2, True)
    prove = ("prove", "margin", "--account", recovered.bundle)
    refusals = [
        (
            ("--system", "transparent", "--allow-insecure-setup", "--out"),
            "takes no key: leave out --allow-insecure-setup",
        ),
        (("--system", "transparent", "--key", key, "--out"), "takes no key: leave out --key"),
        (("--system", "transparent", "--attestation"), "--attestation holds Groth16 proofs"),
        (("--system", "groth16", "--out"), "no verified ceremony made a key"),
        (("--system", "stark", "--out"), "invalid choice"),
    ]
    for options, words in refusals:
        outcome = zkstate(*prove, *options, tmp_path / "out", believe=False)
        assert (outcome.code, words in outcome.err) == (2, True), outcome.err
        assert not (tmp_path / "out").exists()


def test_a_portable_attestation_holds_no_proof_without_a_key(shown):
    from zkstate.cli.verify import read_attestation

    attestation = read_attestation(shown)
    with pytest.raises(InputError):
        portable.encode(attestation)
    with pytest.raises(InputError, match="the proof is transparent"):
        _ = attestation.groth16


def test_inspect_explains_a_proof(shown):
    outcome = zkstate("inspect", shown / "proof.bin", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["bits"] >= 128
    assert outcome.json["constraints"] > 1000


@pytest.fixture(scope="module")
def circom(tmp_path_factory):
    folder, small = tmp_path_factory.mktemp("circom"), bits()
    r1cs_file.write(folder / "c.r1cs", r1cs_file.R1csFile.of(small.r1cs))
    wtns_file.write(folder / "w.wtns", small.values)
    wtns_file.write(folder / "wrong.wtns", FrVec.from_ints([*small.witness[:-1], 0]))
    outcome = zkstate(
        "prove",
        "--r1cs",
        folder / "c.r1cs",
        "--wtns",
        folder / "w.wtns",
        "--out",
        folder / "p",
        "--json",
        believe=False,
    )
    assert outcome.code == 0, outcome.err
    assert outcome.json["public_inputs"] == [str(value) for value in small.public]
    return folder


def test_any_circuit_of_circom_is_proved_without_a_key(circom, tmp_path):
    assert set(tree(circom / "p")) == {"proof.bin", "public.json"}
    outcome = verify(circom / "p", "--r1cs", circom / "c.r1cs", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["shows"].startswith("somebody knew a witness")
    folder = copied(circom / "p", tmp_path / "changed")
    values = json.loads((folder / "public.json").read_text())
    (folder / "public.json").write_text(json.dumps([str(int(values[0]) + 1), *values[1:]]))
    outcome = verify(folder, "--r1cs", circom / "c.r1cs")
    assert (outcome.code, "does not hold" in outcome.out) == (1, True)
    small = bits()
    small.rows.pop()
    r1cs_file.write(tmp_path / "other.r1cs", r1cs_file.R1csFile.of(small.r1cs))
    outcome = verify(circom / "p", "--r1cs", tmp_path / "other.r1cs")
    assert (outcome.code, "r1cs digest" in outcome.out) == (1, True)


def test_what_is_missing_for_a_circuit_of_circom_is_said(circom, tmp_path):
    outcome = verify(circom / "p")
    assert (outcome.code, "give --r1cs" in outcome.err) == (2, True)
    out = ("--out", tmp_path / "out")
    outcome = zkstate("prove", "--r1cs", circom / "c.r1cs", "--wtns", circom / "wrong.wtns", *out, believe=False)
    assert (outcome.code, "breaks" in outcome.err) == (1, True)
    outcome = zkstate("prove", "--r1cs", circom / "c.r1cs", *out, believe=False)
    assert (outcome.code, "give" in outcome.err) == (2, True)
    outcome = zkstate(
        "prove", "--r1cs", circom / "c.r1cs", "--wtns", circom / "w.wtns", "--ratio", "1", *out, believe=False
    )
    assert (outcome.code, "does not take --ratio" in outcome.err) == (2, True)
    assert not (tmp_path / "out").exists()
