"""Groth16 held to proofs of snarkjs, to py_ecc's pairing, and to every small change of a proof, an input or a key."""

import dataclasses
import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as ecc

from tests.algebra import oracle
from tests.proof.circuits import all_public, bits, cubic
from tests.proof.frames import framed, joined
from tests.proof.official import official, proofs
from zkstate.algebra.bn254 import FP_MODULUS, G1, G1_EIGENVALUE, G2
from zkstate.errors import EncodingError, EnvironmentFailure, InputError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import groth16, json_form, wtns_file, zkey_file
from zkstate.proof.groth16 import Proof, prove, prove_many, verify, verify_batch
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.proof.setup import Trapdoor, insecure_setup, setup_with

SEED = b"a seed of sixteen bytes or more"
FILES = ("fresh_setup_proofs.json", "rapidsnark_circuit_proofs.json")


@cache
def accepted(name: str) -> tuple[VerifyingKey, list[tuple[tuple[int, ...], Proof]]]:
    """The key and the statements of a file that snarkjs verified."""
    content = proofs(name)
    vk = VerifyingKey.from_json(json.dumps(content["vk"]))
    return vk, [
        (json_form.public_inputs(json.dumps(entry["publicSignals"])), Proof.from_json(json.dumps(entry["proof"])))
        for entry in content["proofs"]
    ]


@cache
def made(make=bits):
    circuit = make()
    key = insecure_setup(circuit.r1cs, SEED)
    return circuit, key, prove(key, circuit.values)


def judge(vk_json: str, public_json: str, proof_json: str) -> bool:
    """What a verifier of three files says: refused if any is malformed."""
    try:
        vk = VerifyingKey.from_json(vk_json)
        return verify(vk, json_form.public_inputs(public_json), Proof.from_json(proof_json))
    except InputError:
        return False


@pytest.mark.parametrize("name", FILES)
def test_proofs_of_snarkjs_are_accepted(name):
    vk, statements = accepted(name)
    assert [entry["ok"] for entry in proofs(name)["proofs"]] == [True] * len(statements)
    assert all(verify(vk, inputs, proof) for inputs, proof in statements)
    assert verify_batch(vk, statements)


@pytest.mark.parametrize("name", FILES)
def test_each_changed_public_input_is_refused(name):
    vk, statements = accepted(name)
    inputs, proof = statements[0]
    for i, value in enumerate(inputs):
        for other in ((value + 1) % FR_MODULUS, (value - 1) % FR_MODULUS, -value % FR_MODULUS, 0):
            changed = [*inputs[:i], other, *inputs[i + 1 :]]
            assert verify(vk, changed, proof) is (other == value)
        alias = [*inputs[:i], value + FR_MODULUS, *inputs[i + 1 :]]
        with pytest.raises(EncodingError, match=f"public input {i} is {value + FR_MODULUS}"):
            verify(vk, alias, proof)
        with pytest.raises(EncodingError, match=f"public input {i} is -1"):
            verify(vk, [*inputs[:i], -1, *inputs[i + 1 :]], proof)
    for wrong in (inputs[:-1], [*inputs, 0], []):
        with pytest.raises(LengthError, match=f"{len(wrong)} public inputs, the key takes {len(inputs)}"):
            verify(vk, wrong, proof)


def texts() -> tuple[str, str, str]:
    vk, statements = accepted(FILES[0])
    inputs, proof = statements[0]
    return vk.to_json(), json_form.public_to_json(inputs), proof.to_json()


def test_the_files_of_an_accepted_proof_are_accepted():
    assert judge(*texts())


@pytest.mark.parametrize("which", range(3))
@settings(max_examples=60)
@given(data=st.data())
def test_no_single_changed_character_is_accepted(which, data):
    files = list(texts())
    content = files[which]
    at = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(st.sampled_from('0123456789[]{}",:- e.xX\x00é'))
    files[which] = content[:at] + other + content[at + 1 :]
    if content[at].isspace() and other.isspace():
        return
    if files[which] != content:
        assert not judge(*files)


def leaves(value, path=()):
    """The path of every string and number inside a JSON value."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def replaced(value, path, new):
    copy = json.loads(json.dumps(value))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new(at[path[-1]])
    return copy


WRONG = {
    "one more": lambda v: str(int(v) + 1),
    "negated": lambda v: str(FP_MODULUS - int(v)),
    "aliased": lambda v: str(int(v) + FP_MODULUS),
    "zero": lambda v: "0",
    "leading zero": lambda v: f"0{v}",
    "plus": lambda v: f"+{v}",
    "space": lambda v: f" {v}",
    "hexadecimal": lambda v: hex(int(v)),
    "underscore": lambda v: f"{v[:1]}_{v[1:]}",
    "arabic digits": lambda v: v.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "exponent": lambda v: f"{v}e0",
    "number": int,
    "null": lambda v: None,
    "nested": lambda v: [v],
    "empty": lambda v: "",
    "enormous": lambda v: "9" * 5000,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_every_field_of_every_file_counts(wrong):
    vk, public, proof = (json.loads(text) for text in texts())
    for which, content in enumerate((vk, public, proof)):
        for path in leaves(content):
            if path[-1] in {"protocol", "curve", "nPublic"}:
                changed = replaced(content, path, lambda v: "plonk" if isinstance(v, str) else v + 1)
            else:
                changed = replaced(content, path, WRONG[wrong])
            if changed == content:
                continue
            files = [json.dumps(content) for content in (vk, public, proof)]
            files[which] = json.dumps(changed)
            assert not judge(*files), (path, wrong)


def test_swapped_parts_are_refused():
    vk, statements = accepted(FILES[0])
    (inputs, proof), (_, other) = statements[:2]
    assert not verify(vk, inputs, dataclasses.replace(proof, a=proof.c, c=proof.a))
    for field in ("a", "b", "c"):
        mixed = dataclasses.replace(proof, **{field: getattr(other, field)})
        assert verify(vk, inputs, mixed) is (mixed == proof)
    assert not verify(vk, inputs, dataclasses.replace(proof, a=-proof.a))
    assert not verify(vk, inputs, dataclasses.replace(proof, b=-proof.b))
    # Negating both A and B leaves e(A, B) unchanged: malleable by design, which is why bytes are no identifier.
    assert verify(vk, inputs, dataclasses.replace(proof, a=-proof.a, b=-proof.b))


@pytest.mark.parametrize("field", ["alpha", "beta", "gamma", "delta", "ic"])
def test_another_key_is_refused(field):
    vk, statements = accepted(FILES[0])
    inputs, proof = statements[0]
    value = getattr(vk, field)
    other = (value[0] + G1.generator(), *value[1:]) if field == "ic" else value + type(value).generator()
    assert not verify(dataclasses.replace(vk, **{field: other}), inputs, proof)
    for second, its in (accepted(FILES[1]), (made()[1].vk, [(made()[0].public, made()[2])])):
        if second.n_public == vk.n_public:
            assert not verify(second, inputs, proof)
            assert not verify(vk, its[0][0], its[0][1])


def test_infinity_is_no_part_of_a_proof():
    _, statements = accepted(FILES[0])
    proof = statements[0][1]
    for field, infinity in (("a", G1.infinity()), ("b", G2.infinity()), ("c", G1.infinity())):
        with pytest.raises(EncodingError, match=f"{field.upper()} is the point at infinity"):
            dataclasses.replace(proof, **{field: infinity})
    words = proof.evm_words()
    for start, end in ((0, 2), (2, 6), (6, 8)):
        with pytest.raises(EncodingError, match="infinity"):
            Proof.from_evm_words([*words[:start], *[0] * (end - start), *words[end:]])
    text = json.loads(proof.to_json())
    text["pi_b"] = [["0", "0"], ["1", "0"], ["0", "0"]]
    with pytest.raises(EncodingError, match="infinity is refused"):
        Proof.from_json(json.dumps(text))


def test_a_point_outside_the_subgroup_is_refused():
    for x, y in oracle.outside_subgroup(3):
        text = json.loads(texts()[2])
        text["pi_b"] = [[str(c) for c in x], [str(c) for c in y], ["1", "0"]]
        with pytest.raises(EncodingError, match=r"pi_b: .*subgroup"):
            Proof.from_json(json.dumps(text))


def test_py_ecc_accepts_our_proof_and_refuses_it_for_other_inputs():
    circuit, key, proof = made()
    vk = key.vk

    def g1(point):
        x, y = point.affine
        return ecc.FQ(x), ecc.FQ(y), ecc.FQ(1)

    def g2(point):
        x, y = point.affine
        return ecc.FQ2(x), ecc.FQ2(y), ecc.FQ2.one()

    def equation(inputs):
        bound = g1(vk.ic[0])
        for value, point in zip(inputs, vk.ic[1:], strict=True):
            bound = ecc.add(bound, ecc.multiply(g1(point), value))
        pairs = [(proof.a, proof.b, 1), (vk.alpha, vk.beta, -1), (proof.c, vk.delta, -1)]
        product = ecc.pairing(g2(vk.gamma), ecc.neg(bound), final_exponentiate=False)
        for left, right, sign in pairs:
            point = g1(left) if sign == 1 else ecc.neg(g1(left))
            product = product * ecc.pairing(g2(right), point, final_exponentiate=False)
        return ecc.final_exponentiate(product) == ecc.FQ12.one()

    assert equation(circuit.public)
    assert not equation([circuit.public[0] + 1, *circuit.public[1:]])


def test_the_key_and_witness_of_rapidsnark_prove():
    key = zkey_file.decode(official("rapidsnark/circuit_final.zkey"))
    witness = wtns_file.decode(official("rapidsnark/witness.wtns"))
    vk = VerifyingKey.from_json(official("rapidsnark/verification_key.json"))
    assert vk == key.vk
    first, second = prove(key, witness), prove(key, witness)
    inputs = witness.slice(1, vk.n_public + 1).to_ints()
    assert verify(vk, inputs, first)
    assert verify(vk, inputs, second)
    assert first != second
    assert not verify(vk, [inputs[0] + 1], first)


@pytest.mark.parametrize("threads", [1, 3])
def test_many_proofs_come_in_order_and_few_witnesses_are_taken_ahead(threads):
    _, key, _ = made(cubic)
    roots, taken = [3, 1, 4, 1, 5, 9, 2], []

    def witnesses():
        for x in roots:
            taken.append(x)
            yield cubic(x).values

    for done, proof in enumerate(prove_many(key, witnesses(), threads=threads), 1):
        assert verify(key.vk, cubic(roots[done - 1]).public, proof)
        assert len(taken) <= done + threads
    assert taken == roots
    assert list(prove_many(key, [])) == []


def test_a_bad_witness_among_many_is_refused_at_its_turn():
    _, key, _ = made(cubic)
    good, bad = cubic(3).values, FrVec.from_ints([*cubic(3).witness[:-1], 5])
    proofs_made = prove_many(key, [good, bad, good], threads=2)
    assert verify(key.vk, cubic(3).public, next(proofs_made))
    with pytest.raises(WitnessError, match="breaks 2 rows"):
        next(proofs_made)


@pytest.mark.parametrize("make", [cubic, bits, all_public])
def test_a_bad_witness_is_refused_with_and_without_the_circuit(make):
    circuit = make()
    key = insecure_setup(circuit.r1cs, SEED)
    bare = zkey_file.decode(joined(zkey_file.encode(key)))
    assert bare.matrix_c is None
    for wire in range(1, len(circuit.witness)):
        moved = list(circuit.witness)
        moved[wire] += 1
        satisfied = all(
            (value(a, moved) * value(b, moved) - value(c, moved)) % FR_MODULUS == 0 for a, b, c in circuit.rows
        )
        assert not satisfied
        with pytest.raises(WitnessError, match=r"breaks \d+ rows of the circuit, row \d+ first"):
            prove(key, FrVec.from_ints(moved))
        with pytest.raises(WitnessError, match="the proof made of it is false"):
            prove(bare, FrVec.from_ints(moved))


def value(terms: dict[int, int], witness: list[int]) -> int:
    return sum(coefficient * witness[wire] for wire, coefficient in terms.items())


def test_a_witness_of_the_wrong_shape_is_refused():
    circuit, key, _ = made()
    with pytest.raises(LengthError, match="6 values, the key has 7 wires"):
        prove(key, FrVec.from_ints(circuit.witness[:-1]))
    with pytest.raises(WitnessError, match="constant 1"):
        prove(key, FrVec.from_ints([2, *circuit.witness[1:]]))


def test_a_broken_random_source_is_noticed():
    circuit, key, _ = made()
    for rng in (b"\xff".__mul__, bytes):
        with pytest.raises(EnvironmentFailure, match="broken"):
            prove(key, circuit.values, rng=rng)


def test_proofs_are_randomised_by_the_given_source_alone():
    circuit, key, _ = made()
    ones = b"\x01".__mul__
    assert prove(key, circuit.values, rng=ones) == prove(key, circuit.values, rng=ones)
    assert prove(key, circuit.values) != prove(key, circuit.values)


def test_a_proof_is_the_unblinded_one_re_randomised():
    """Of rho A', (B' + sigma delta)/rho and C' + sigma A': for three pairs (rho, sigma) the same A', B' and C'."""
    circuit, key, _ = made()
    seen = set()
    for rho, sigma in ((1, 0x5EED), (2, 0x5EED), (0x1234, 0xABC)):
        draws = iter((rho.to_bytes(32, "big"), sigma.to_bytes(32, "big")))
        proof = prove(key, circuit.values, rng=lambda n, draws=draws: next(draws))
        a = proof.a * pow(rho, -1, FR_MODULUS)
        seen.add((a, proof.b * rho + -(key.vk.delta * sigma), proof.c + -(a * sigma)))
    assert len(seen) == 1


def test_what_was_derived_from_the_witness_is_wiped(monkeypatch):
    """The blinding scalars, the quotient and the products are zeros by the time prove returns or refuses."""
    circuit, key, _ = made()
    seen = []
    for name in ("random_scalar", "_quotient", "sparse_product"):
        original = getattr(groth16, name)

        def spy(*args, original=original):
            seen.append(original(*args))
            assert any(seen[-1].raw())
            return seen[-1]

        monkeypatch.setattr(groth16, name, spy)
    prove(key, circuit.values)
    assert len(seen) == 3 + 1 + 2
    assert not any(any(vector.raw()) for vector in seen)
    seen.clear()
    with pytest.raises(WitnessError):
        prove(key, FrVec.from_ints([*circuit.witness[:-1], 5]))
    assert len(seen) == 3
    assert not any(any(vector.raw()) for vector in seen)


def test_a_batch_is_the_conjunction():
    circuit, key, proof = made()
    good = (tuple(circuit.public), proof)
    bad = ((circuit.public[0] + 1, *circuit.public[1:]), proof)
    again = (tuple(circuit.public), prove(key, circuit.values))
    assert verify_batch(key.vk, [good])
    assert verify_batch(key.vk, [good, again, good])
    assert not verify_batch(key.vk, [bad])
    assert not verify_batch(key.vk, [bad, bad])
    for at in range(3):
        assert not verify_batch(key.vk, [bad if i == at else good for i in range(3)])
    with pytest.raises(LengthError, match="no proofs"):
        verify_batch(key.vk, [])
    with pytest.raises(LengthError, match="public inputs"):
        verify_batch(key.vk, [good, ((1,), proof)])


def test_errors_of_two_proofs_do_not_cancel_in_a_batch():
    """Two false proofs whose errors are opposite pass an unweighted sum; random weights catch them."""
    circuit, key, proof = made()
    shift = G1.generator() * 77
    up, down = (dataclasses.replace(proof, c=proof.c + s) for s in (shift, -shift))
    pair = [(tuple(circuit.public), up), (tuple(circuit.public), down)]
    assert verify_batch(key.vk, pair, rng=bytes)  # all weights 1: the attack works, so the weights are what stops it
    assert not verify_batch(key.vk, pair)


def test_batch_weights_are_as_many_as_their_halves():
    """k + l lambda = 0 mod r has no solution below 2^65 but 0, by the shortest vector of the lattice of solutions."""
    short, long = (0, FR_MODULUS), (1, -G1_EIGENVALUE % FR_MODULUS)  # (l, k): Gauss's reduction to the shortest basis
    while True:
        if sum(x * x for x in short) > sum(x * x for x in long):
            short, long = long, short
        norm = sum(x * x for x in short)
        times = (2 * sum(x * y for x, y in zip(short, long, strict=True)) + norm) // (2 * norm)
        if times == 0:
            break
        long = tuple(y - times * x for x, y in zip(short, long, strict=True))
    assert (short[1] + short[0] * G1_EIGENVALUE) % FR_MODULUS == 0
    assert norm > 2 * (1 << 65) ** 2


def test_a_batch_without_public_inputs():
    circuit = dataclasses.replace(cubic(), n_public=0)
    key = insecure_setup(circuit.r1cs, SEED)
    proof = prove(key, circuit.values)
    assert verify(key.vk, [], proof)
    assert verify_batch(key.vk, [((), proof), ((), proof)])


def test_a_fresh_key_is_refused_unless_asked_for():
    circuit = bits()
    key = setup_with(circuit.r1cs, Trapdoor(tau=99, alpha=7, beta=8, delta=1), bytes(32))
    fresh = zkey_file.decode(framed(joined(zkey_file.encode(key)), {1001: None}))
    assert fresh.setup is SetupStatus.FRESH
    with pytest.raises(InputError, match="refused for proving"):
        prove(fresh, circuit.values)
    proof = prove(fresh, circuit.values, allow_fresh=True)
    with pytest.raises(InputError, match="refused for verifying"):
        verify(fresh.vk, circuit.public, proof)
    with pytest.raises(InputError, match="refused for verifying"):
        verify_batch(fresh.vk, [(circuit.public, proof)])
    with pytest.raises(InputError, match="refused for export"):
        fresh.vk.to_json()
    assert verify(fresh.vk, circuit.public, proof, allow_fresh=True)
    # why it is refused: a proof for other inputs needs no witness
    forged = dataclasses.replace(proof, c=proof.c - fresh.vk.ic[1])
    assert verify(fresh.vk, [circuit.public[0] + 1, *circuit.public[1:]], forged, allow_fresh=True)


def test_evm_words_round_trip():
    _, statements = accepted(FILES[0])
    proof = statements[0][1]
    text = json.loads(proof.to_json())
    (x0, x1), (y0, y1) = text["pi_b"][:2]
    expected = [*text["pi_a"][:2], x1, x0, y1, y0, *text["pi_c"][:2]]
    assert list(proof.evm_words()) == [int(word) for word in expected]
    assert Proof.from_evm_words(proof.evm_words()) == proof
    with pytest.raises(LengthError, match="7 words, expected 8"):
        Proof.from_evm_words(proof.evm_words()[:7])
    for i in range(8):
        words = list(proof.evm_words())
        words[i] += FP_MODULUS
        with pytest.raises(EncodingError):
            Proof.from_evm_words(words)


def test_json_is_written_as_snarkjs_writes_it():
    for name in FILES:
        for entry in proofs(name)["proofs"]:
            text = json.dumps(entry["proof"], indent=1)  # JSON.stringify(proof, null, 1)
            assert Proof.from_json(text).to_json() == text
            inputs = json_form.public_inputs(json.dumps(entry["publicSignals"]))
            assert json_form.public_to_json(inputs) == json.dumps(entry["publicSignals"], indent=1)
