"""Circuits, witnesses, keys and proofs cross between zkstate and circom2, snarkjs, in both directions."""

import json
from pathlib import Path

import pytest

from tests.interop.tools import Compiled, compiled, run, snarkjs
from tests.proof.frames import sections
from tests.proof.ptau import known_ptau
from tests.proof.test_sym_file import CIRCUIT as NAMED
from zkstate.errors import InputError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import json_form, r1cs_file, sym_file, wtns_file, zkey_file
from zkstate.proof.groth16 import Proof, prove, verify
from zkstate.proof.keys import ProvingKey, SetupStatus, VerifyingKey
from zkstate.proof.setup import Trapdoor, insecure_setup, setup_with

pytestmark = pytest.mark.interop

SEED = b"a seed of sixteen bytes or more"
KNOWN = Trapdoor(tau=0x7A75 << 200, alpha=0xA1FA + FR_MODULUS // 3, beta=0xBE7A + FR_MODULUS // 5, delta=1)


@pytest.fixture(scope="module")
def below(tmp_path_factory) -> Compiled:
    return compiled("below", {"secret": "41", "salt": "123456789", "bound": "42"}, tmp_path_factory.mktemp("below"))


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Compiled:
    a, b = 641, 6700417
    inputs = {
        "a": str(a),
        "b": str(b),
        "inverseA": str(pow(a - 1, -1, FR_MODULUS)),
        "inverseB": str(pow(b - 1, -1, FR_MODULUS)),
    }
    return compiled("product", inputs, tmp_path_factory.mktemp("product"))


def publics(key: ProvingKey, witness: FrVec) -> list[int]:
    return witness.slice(1, key.n_public + 1).to_ints()


def accepted_by_snarkjs(folder: Path, vk: str, public: str, proof: str) -> bool:
    paths = [folder / name for name in ("verification_key.json", "public.json", "proof.json")]
    for path, content in zip(paths, (vk, public, proof), strict=True):
        path.write_text(content, encoding="utf-8")
    outcome = run("snarkjs", "groth16", "verify", *paths)
    assert ("OK!" in outcome.text) is (outcome.code == 0)
    return outcome.code == 0


def test_snarkjs_refuses_infinity_in_a_proof_as_we_do(below, tmp_path):
    circuit = r1cs_file.read(below.r1cs)
    witness = wtns_file.read(below.wtns)
    key = insecure_setup(circuit.r1cs, SEED)
    text = json.loads(prove(key, witness).to_json())
    public = json_form.public_to_json(publics(key, witness))
    infinite = {"pi_a": ["0", "1", "0"], "pi_b": [["0", "0"], ["1", "0"], ["0", "0"]], "pi_c": ["0", "1", "0"]}
    for member, infinity in infinite.items():
        changed = json.dumps(text | {member: infinity})
        assert not accepted_by_snarkjs(tmp_path, key.vk.to_json(), public, changed)
        with pytest.raises(InputError, match="infinity"):
            Proof.from_json(changed)


def test_snarkjs_reads_our_circuit_and_witness_files(below, tmp_path):
    circuit = r1cs_file.read(below.r1cs)
    r1cs_file.write(tmp_path / "ours.r1cs", circuit)
    wtns_file.write(tmp_path / "ours.wtns", wtns_file.read(below.wtns))
    theirs, ours = (snarkjs("r1cs", "info", path) for path in (below.r1cs, tmp_path / "ours.r1cs"))
    assert ours == theirs
    assert f"# of Constraints: {circuit.r1cs.n_constraints}" in ours
    assert "WITNESS IS CORRECT" in snarkjs("wtns", "check", tmp_path / "ours.r1cs", tmp_path / "ours.wtns")
    assert (tmp_path / "ours.wtns").read_bytes() == below.wtns.read_bytes()
    snarkjs("r1cs", "export", "json", tmp_path / "ours.r1cs", tmp_path / "ours.json")
    snarkjs("r1cs", "export", "json", below.r1cs, tmp_path / "theirs.json")
    exported = [json.loads((tmp_path / name).read_text()) for name in ("ours.json", "theirs.json")]
    assert exported[0] == exported[1]


def test_snarkjs_sees_the_same_bad_witness(product, tmp_path):
    circuit = r1cs_file.read(product.r1cs).r1cs
    witness = wtns_file.read(product.wtns).to_ints()
    key = insecure_setup(circuit, SEED)
    for wire in range(1, len(witness)):
        moved = FrVec.from_ints([*witness[:wire], witness[wire] + 1, *witness[wire + 1 :]])
        wtns_file.write(tmp_path / "bad.wtns", moved)
        assert "WITNESS IS CORRECT" not in run("snarkjs", "wtns", "check", product.r1cs, tmp_path / "bad.wtns").text
        with pytest.raises(WitnessError):
            prove(key, moved)


def test_snarkjs_proves_with_our_key(below, tmp_path):
    key = insecure_setup(r1cs_file.read(below.r1cs).r1cs, SEED)
    zkey_file.write_zkey(tmp_path / "ours.zkey", key)
    snarkjs("groth16", "prove", tmp_path / "ours.zkey", below.wtns, tmp_path / "proof.json", tmp_path / "public.json")
    proof_text, public_text = ((tmp_path / name).read_text() for name in ("proof.json", "public.json"))
    proof, public = Proof.from_json(proof_text), json_form.public_from_json(public_text, key.n_public)
    assert verify(key.vk, public, proof)
    assert proof.to_json() == proof_text
    assert json_form.public_to_json(public) == public_text


def test_snarkjs_exports_the_verification_key_that_we_export(below, tmp_path):
    key = insecure_setup(r1cs_file.read(below.r1cs).r1cs, SEED)
    zkey_file.write_zkey(tmp_path / "ours.zkey", key)
    snarkjs("zkey", "export", "verificationkey", tmp_path / "ours.zkey", tmp_path / "vk.json")
    exported = json.loads((tmp_path / "vk.json").read_text())
    del exported["vk_alphabeta_12"]
    assert key.vk.to_json() == json.dumps(exported, indent=1)
    assert VerifyingKey.from_json((tmp_path / "vk.json").read_text()).digest() == key.vk.digest()


@pytest.mark.parametrize("name", ["product", "below"])
def test_snarkjs_makes_the_very_key_that_we_make(name, tmp_path, request):
    """One trapdoor, two programs: every section but ours is equal byte for byte, circuit hash included."""
    circuit = request.getfixturevalue(name)
    # written by us, because snarkjs keeps the order of terms in the file and ours are sorted
    r1cs_file.write(tmp_path / "c.r1cs", r1cs_file.read(circuit.r1cs))
    ours = setup_with(r1cs_file.read(circuit.r1cs).r1cs, KNOWN, bytes(32))
    zkey_file.write_zkey(tmp_path / "ours.zkey", ours)
    # one power more than needed: in a ptau of the least power the H points lack their top coefficient, which no
    # product of A and B ever reaches, so both are right and the bytes differ
    power = ours.domain_size.bit_length()
    (tmp_path / "known.ptau").write_bytes(known_ptau(power, KNOWN))
    snarkjs("zkey", "new", tmp_path / "c.r1cs", tmp_path / "known.ptau", tmp_path / "theirs.zkey")
    mine, theirs = (sections((tmp_path / f"{who}.zkey").read_bytes()) for who in ("ours", "theirs"))
    assert set(mine) == {*theirs, zkey_file.SETUP_SECTION}
    for number, content in theirs.items():
        assert mine[number] == content, f"section {number}"


def test_a_contribution_of_snarkjs_to_our_key_verifies_and_proves(product, tmp_path):
    circuit = r1cs_file.read(product.r1cs)
    ours = setup_with(circuit.r1cs, KNOWN, bytes(32))
    zkey_file.write_zkey(tmp_path / "0.zkey", ours)
    (tmp_path / "known.ptau").write_bytes(known_ptau(ours.domain_size.bit_length() - 1, KNOWN))
    snarkjs("zkey", "contribute", tmp_path / "0.zkey", tmp_path / "1.zkey", "-e=some entropy", "--name=someone")
    said = snarkjs("zkey", "verify", product.r1cs, tmp_path / "known.ptau", tmp_path / "1.zkey")
    assert "ZKey Ok!" in said
    key = zkey_file.read_zkey(tmp_path / "1.zkey").with_circuit(circuit.r1cs)
    assert key.setup is SetupStatus.UNVERIFIED
    zkey_file.write_zkey(tmp_path / "again.zkey", key)
    assert (tmp_path / "again.zkey").read_bytes() == (tmp_path / "1.zkey").read_bytes()
    witness = wtns_file.read(product.wtns)
    proof = prove(key, witness)
    assert verify(key.vk, publics(key, witness), proof)
    files = key.vk.to_json(), json_form.public_to_json(publics(key, witness)), proof.to_json()
    assert accepted_by_snarkjs(tmp_path, *files)


def test_a_ceremony_of_snarkjs_alone_gives_a_key_we_prove_with(product, tmp_path):
    ptau, zkey = ([tmp_path / f"{i}.{suffix}" for i in range(3)] for suffix in ("ptau", "zkey"))
    snarkjs("powersoftau", "new", "bn128", "4", ptau[0])
    snarkjs("powersoftau", "contribute", ptau[0], ptau[1], "-e=first", "--name=first")
    snarkjs("powersoftau", "prepare", "phase2", ptau[1], ptau[2])
    snarkjs("zkey", "new", product.r1cs, ptau[2], zkey[0])
    fresh = zkey_file.read_zkey(zkey[0])
    assert fresh.setup is SetupStatus.FRESH
    witness = wtns_file.read(product.wtns)
    with pytest.raises(InputError, match="refused for proving"):
        prove(fresh, witness)
    snarkjs("zkey", "contribute", zkey[0], zkey[1], "-e=second", "--name=second")
    snarkjs("zkey", "beacon", zkey[1], zkey[2], "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "10")
    for path in zkey[1:]:
        key = zkey_file.read_zkey(path)
        assert key.setup is SetupStatus.UNVERIFIED
        proof = prove(key, witness)
        files = key.vk.to_json(), json_form.public_to_json(publics(key, witness)), proof.to_json()
        assert accepted_by_snarkjs(tmp_path, *files)
        zkey_file.write_zkey(tmp_path / "again.zkey", key)
        assert sections((tmp_path / "again.zkey").read_bytes())[10] == sections(path.read_bytes())[10]


def test_snarkjs_hands_a_contract_the_words_that_we_do(product, tmp_path):
    key = insecure_setup(r1cs_file.read(product.r1cs).r1cs, SEED)
    witness = wtns_file.read(product.wtns)
    proof, public = prove(key, witness), publics(key, witness)
    (tmp_path / "proof.json").write_text(proof.to_json())
    (tmp_path / "public.json").write_text(json_form.public_to_json(public))
    said = snarkjs("zkey", "export", "soliditycalldata", tmp_path / "public.json", tmp_path / "proof.json")
    a, b, c, p = json.loads(f"[{said}]")
    words = [int(word, 16) for word in [*a, *b[0], *b[1], *c, *p]]
    assert words == [*proof.evm_words(), *public]


def test_snarkjs_reads_the_names_of_our_wires(tmp_path):
    """`r1cs print` shows every row with the names of the .sym file."""
    r1cs_file.write(tmp_path / "c.r1cs", r1cs_file.R1csFile.of_circuit(NAMED))
    sym_file.write(tmp_path / "c.sym", NAMED)
    info = snarkjs("r1cs", "info", tmp_path / "c.r1cs")
    for line in ("# of Public Inputs: 1", "# of Private Inputs: 2", f"# of Constraints: {NAMED.r1cs.n_constraints}"):
        assert line in info
    rows = [
        line for line in snarkjs("r1cs", "print", tmp_path / "c.r1cs", tmp_path / "c.sym").splitlines() if "=" in line
    ]
    assert len(rows) == NAMED.r1cs.n_constraints
    assert "undefined" not in "".join(rows)
    first, second = "main.row_3_the_last.product", "main.row_3_the_last.product#2"
    assert any(row.count("main.sizes[0]") == 2 and f"{first} ]" in row for row in rows)
    assert any(row.count("main.sizes[1]") == 2 and f"{second} ]" in row for row in rows)
