"""Verification keys: read and written as snarkjs does, pinned by digest, refused when gamma and delta are related."""

import dataclasses
import hashlib
import json
from functools import cache

import pytest

from tests.proof.circuits import bits, cubic
from tests.proof.frames import framed, joined
from tests.proof.official import official, proofs
from zkstate.algebra.bn254 import FP_MODULUS, G1, G2
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.proof import r1cs_file, zkey_file
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.proof.setup import insecure_setup

SEED = b"a seed of sixteen bytes or more"


@cache
def members() -> dict:
    return proofs("fresh_setup_proofs.json")["vk"]


def read(**changed) -> VerifyingKey:
    """The key of snarkjs with some members changed; None leaves one out."""
    merged = {name: value for name, value in (members() | changed).items() if value is not None}
    return VerifyingKey.from_json(json.dumps(merged), "vk.json")


def test_a_key_of_snarkjs_is_read_and_written_back():
    content = official("rapidsnark/verification_key.json").decode()
    key = VerifyingKey.from_json(content)
    expected = json.loads(content)
    # e(alpha, beta) is redundant: it is neither read nor written
    del expected["vk_alphabeta_12"]
    assert key.to_json() == json.dumps(expected, indent=1)
    assert VerifyingKey.from_json(key.to_json()) == key
    assert key.setup is SetupStatus.UNVERIFIED
    assert not key.setup.trusted


def test_the_digest_is_that_of_the_sorted_members():
    key = read()
    expected = {name: value for name, value in members().items() if name != "vk_alphabeta_12"}
    canonical = json.dumps(expected, sort_keys=True, separators=(",", ":")).encode()
    assert key.digest() == hashlib.sha256(canonical).hexdigest()
    reordered = json.dumps(dict(reversed(list(members().items()))), indent=4)
    assert VerifyingKey.from_json(reordered).digest() == key.digest()


def test_the_digest_depends_on_every_point():
    key = read()
    digests = {key.digest()}
    for field in ("alpha", "beta", "gamma", "delta"):
        point = getattr(key, field)
        digests.add(dataclasses.replace(key, **{field: point + point}).digest())
    for i in range(3):
        ic = list(key.ic)
        ic[i] += ic[i]
        digests.add(dataclasses.replace(key, ic=tuple(ic)).digest())
    assert len(digests) == 8


def test_evm_words_are_in_the_order_of_the_precompiles():
    key = read()
    words = []
    for name in ("vk_alpha_1", "vk_beta_2", "vk_gamma_2", "vk_delta_2"):
        point = members()[name][:2]
        words += point if name == "vk_alpha_1" else [c for coordinate in point for c in reversed(coordinate)]
    words += [c for point in members()["IC"] for c in point[:2]]
    assert list(key.evm_words()) == [int(word) for word in words]


GENERATOR = G2.generator()
Q = FP_MODULUS


def related(gamma: G2, delta: G2):
    return read(vk_gamma_2=gamma.to_json(), vk_delta_2=delta.to_json())


@pytest.mark.parametrize("k", [1, 2, 3, 7, 15, 16])
@pytest.mark.parametrize("sign", [1, -1])
def test_related_gamma_and_delta_are_refused(k, sign):
    base = GENERATOR * 123456789
    with pytest.raises(InputError, match=rf"vk\.json: delta is {'-' if sign < 0 else ''}{k} times gamma"):
        related(base, base * (sign * k))
    if k > 1:
        with pytest.raises(InputError, match=f"gamma is {'-' if sign < 0 else ''}{k} times delta"):
            related(base * (sign * k), base)


def test_unrelated_gamma_and_delta_are_taken():
    assert related(GENERATOR, GENERATOR * 1_000_003).setup is SetupStatus.UNVERIFIED


def test_a_key_without_contributions_says_so():
    assert related(GENERATOR, GENERATOR).setup is SetupStatus.FRESH
    # equal, but not the generator: nothing snarkjs would write
    with pytest.raises(InputError, match="delta is 1 times gamma"):
        related(GENERATOR * 5, GENERATOR * 5)
    with pytest.raises(InputError, match="delta is -1 times gamma"):
        related(GENERATOR, -GENERATOR)


def test_the_same_lint_guards_proving_keys():
    # delta moved to 2·gamma consistently in G1 and G2: only the relation is wrong
    key = insecure_setup(bits().r1cs, SEED)
    vk = dataclasses.replace(key.vk, delta=GENERATOR + GENERATOR)
    doubled = dataclasses.replace(key, vk=vk, delta_1=G1.generator() + G1.generator())
    with pytest.raises(InputError, match="delta is 2 times gamma"):
        zkey_file.decode(joined(zkey_file.encode(doubled)))


BAD = {
    "other protocol": ({"protocol": "plonk"}, EncodingError, "protocol is 'plonk', expected 'groth16'"),
    "other curve": ({"curve": "bls12381"}, EncodingError, "curve is 'bls12381', expected 'bn128'"),
    "no curve": ({"curve": None}, EncodingError, "member 'curve' is missing"),
    "nPublic as text": ({"nPublic": "2"}, EncodingError, "nPublic is not a number"),
    "nPublic true": ({"nPublic": True}, EncodingError, "nPublic is not a number"),
    "nPublic negative": ({"nPublic": -1}, EncodingError, "nPublic is not a number"),
    "nPublic too large": ({"nPublic": 2**32 - 1}, LengthError, "IC: 3 items, expected 4294967296"),
    "nPublic too small": ({"nPublic": 1}, LengthError, "IC: 3 items, expected 2"),
    "IC missing": ({"IC": None}, EncodingError, "member 'IC' is missing"),
    "IC no array": ({"IC": {"0": 1}}, EncodingError, "IC: .* is not an array"),
    "point off the curve": ({"vk_alpha_1": ["1", "3", "1"]}, EncodingError, "vk_alpha_1: .*not on the curve"),
    "coordinate q": ({"vk_alpha_1": [str(Q), "2", "1"]}, EncodingError, f"vk_alpha_1: x: {Q} is not below the modulus"),
    "affine point": ({"vk_alpha_1": ["1", "2"]}, LengthError, "vk_alpha_1: 2 items, expected 3"),
    "projective": ({"vk_alpha_1": ["1", "2", "2"]}, EncodingError, "third coordinate is '2'"),
    "infinity": ({"vk_alpha_1": ["0", "1", "0"]}, EncodingError, "infinity is refused"),
    "zeros": ({"vk_alpha_1": ["0", "0", "1"]}, EncodingError, "vk_alpha_1: "),
    "G1 for G2": ({"vk_beta_2": ["1", "2", "1"]}, EncodingError, "vk_beta_2: third coordinate"),
    "float": ({"vk_alpha_1": [1.0, "2", "1"]}, EncodingError, "a number in it is not an integer"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_malformed_key_is_refused_by_name(case):
    changed, error, message = BAD[case]
    with pytest.raises(error, match=rf"^vk\.json: .*{message}"):
        read(**changed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "is not an object"),
        (b'{"a": NaN}', "a number in it is not an integer"),
        (b'{"a": 1, "a": 1}', "member 'a' appears twice"),
        (b"[" * 100_000, "nested 100000 deep"),
        (b"{} {}", "not JSON"),
        (b"1" * 5000, "not JSON"),
    ],
)
def test_text_that_is_no_key_is_refused(content, message):
    with pytest.raises(EncodingError, match=message):
        VerifyingKey.from_json(content)


def test_a_circuit_is_joined_to_its_own_key_only():
    key = zkey_file.decode(joined(zkey_file.encode(insecure_setup(bits().r1cs, SEED))))
    assert key.with_circuit(bits().r1cs).matrix_c is not None
    with pytest.raises(DisagreementError, match="6 wires, 1 public; the key 7, 2"):
        key.with_circuit(cubic().r1cs)
    small = bits()
    rows = list(small.rows)
    rows[5] = ({2: -1}, {0: 8}, {1: 8})
    with pytest.raises(DisagreementError, match="matrix B of the circuit is not the key's"):
        key.with_circuit(dataclasses.replace(small, rows=rows).r1cs)
    rows[5] = ({2: -2}, {0: 7}, {1: 14})
    with pytest.raises(DisagreementError, match="matrix A of the circuit is not the key's"):
        key.with_circuit(dataclasses.replace(small, rows=rows).r1cs)
    more = dataclasses.replace(small, rows=small.rows * 3)
    with pytest.raises(DisagreementError, match="the circuit's domain is 32, the key's 16"):
        key.with_circuit(more.r1cs)


def test_the_circuit_of_snarkjs_joins_the_key_made_for_it():
    file = r1cs_file.decode(official("snarkjs/groth16/circuit.r1cs"))
    key = insecure_setup(file.r1cs, SEED)
    bare = zkey_file.decode(framed(joined(zkey_file.encode(key)), {1001: None}))
    assert bare.setup is SetupStatus.UNVERIFIED
    assert bare.with_circuit(file.r1cs).matrix_c is not None
