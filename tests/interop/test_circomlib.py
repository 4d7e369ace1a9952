"""Circuits of circomlib, compiled by circom2: proved by command here and by snarkjs, each accepted by the other."""

import json
from types import SimpleNamespace

import pytest

from tests.cli.program import zkstate
from tests.interop.tools import accepted, compiled, refuses_each_changed_input, snarkjs
from tests.shared import shared_path
from zkstate.commitment.poseidon import poseidon
from zkstate.proof import r1cs_file, zkey_file
from zkstate.proof.setup import insecure_setup

pytestmark = pytest.mark.interop

LEVELS = 10


def vectors():
    """What circomlibjs made of fixed inputs."""
    return json.loads(shared_path("vectors/poseidon_babyjubjub/circomlibjs_0.1.7.json").read_text())


def hashed():
    """A Poseidon hash opened, and a comparison."""
    return {"secret": "41", "salt": "123456789", "bound": "42"}, [poseidon(0, [41, 123456789]), 42]


def signed():
    """A signature by circomlibjs."""
    found = vectors()["eddsa_poseidon"][0]
    return {"key": found["A"], "message": found["msg"], "r8": found["R8"], "s": found["S"]}, [*found["A"], found["msg"]]


def absent():
    """A key that is not in a tree of circomlibjs, whose last change before it was looked for is the last insertion."""
    steps = vectors()["smt"]
    root = [step["root"] for step in steps if step["op"] == "insert"][-1]
    found = next(step for step in steps if step["op"] == "find")
    siblings = found["siblings"] + ["0"] * (LEVELS - len(found["siblings"]))
    other = {"otherKey": found["notFoundKey"], "otherValue": found["notFoundValue"]}
    return {"root": root, "key": found["key"], "siblings": siblings, **other}, [root, found["key"]]


INPUTS = {"below": hashed, "signature": signed, "absence": absent}


@pytest.fixture(scope="module", params=INPUTS)
def circuit(request, tmp_path_factory):
    """A compiled circuit with a witness, the public values it should have, and a key."""
    inputs, public = INPUTS[request.param]()
    root = tmp_path_factory.mktemp(request.param)
    files = compiled(request.param, inputs, root)
    key = insecure_setup(r1cs_file.read(files.r1cs).r1cs, b"a seed of sixteen bytes or more")
    zkey_file.write_zkey(root / "c.zkey", key)
    return SimpleNamespace(
        root=root, r1cs=files.r1cs, wtns=files.wtns, zkey=root / "c.zkey", public=[str(value) for value in public]
    )


def test_snarkjs_accepts_what_we_prove(circuit):
    out = circuit.root / "ours"
    told = zkstate(
        "prove", "--zkey", circuit.zkey, "--wtns", circuit.wtns, "--r1cs", circuit.r1cs, "--out", out, "--json"
    ).json  # fmt: skip
    assert told["public_inputs"] == circuit.public
    assert accepted(out)
    refuses_each_changed_input(out)
    assert zkstate("verify", out).code == 0


def test_we_accept_what_snarkjs_proves(circuit):
    out = circuit.root / "theirs"
    out.mkdir()
    snarkjs("groth16", "prove", circuit.zkey, circuit.wtns, out / "proof.json", out / "public.json")
    snarkjs("zkey", "export", "verificationkey", circuit.zkey, out / "verification_key.json")
    told = zkstate("verify", out, "--json").json
    assert (told["accepted"], told["public_inputs"]) == (True, circuit.public)
    for i, value in enumerate(circuit.public):
        (out / "public.json").write_text(
            json.dumps([*circuit.public[:i], str(int(value) + 1), *circuit.public[i + 1 :]])
        )
        assert zkstate("verify", out).code == 1


def test_files_of_circom_are_explained(circuit):
    said = snarkjs("r1cs", "info", circuit.r1cs)
    told = zkstate("inspect", circuit.r1cs, "--json").json
    for words, name in (
        ("Wires", "wires"),
        ("Constraints", "constraints"),
        ("Outputs", "outputs"),
        ("Labels", "labels"),
    ):
        assert f"# of {words}: {told[name]}" in said
    assert zkstate("inspect", circuit.wtns, "--json").json["values"] == told["wires"]
