"""Keys of Mirage: which are refused and why, and every change of a file of one."""

import dataclasses
import json

import pytest

from tests.proof.frames import framed, joined, patched, sections
from tests.proof.mirage_cases import SEED, TRAPDOOR, WORTH, Made, forged, made, pairs, worth_block
from tests.proof.test_groth16 import made as groth16_made
from zkstate.algebra.bn254 import G1, G2
from zkstate.constraint.unrolled import Unrolled
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import groth16, mirage, zkey_file
from zkstate.proof.keys import SetupStatus, VerifyingKey, setup_status
from zkstate.proof.mirage import Proof, Statement, challenges_of, verify, verify_batch
from zkstate.proof.setup import insecure_setup, setup_with


@pytest.fixture(scope="module")
def proof() -> Proof:
    return made().prove()


# what is committed to before the challenges, and forgers that get around it


def test_a_first_phase_that_knows_its_challenges_is_not_what_d_commits_to():
    case = pairs()
    assert not verify(case.key.vk, case.statement, forged(case))
    for scale in (1, -1):
        assert not verify(case.key.vk, case.statement, forged(case, lambda over, s=scale: over * (s % FR_MODULUS)))


def test_why_deltas_must_not_be_related():
    """Under two deltas that are one point, C takes back what D commits to: a pair that nobody lists is shown."""
    for times in (1, 5):
        related = dataclasses.replace(TRAPDOOR, delta_committed=times * TRAPDOOR.delta)
        case = pairs(related)
        proof = forged(case, lambda over, times=times: over * times)
        assert verify(case.key.vk, case.statement, proof)
        with pytest.raises(InputError, match=rf"delta of committed wires is {times} times delta, so anyone can forge"):
            VerifyingKey.from_json(case.key.vk.to_json(), protocol="mirage")


def test_why_a_key_has_to_commit_to_all_wires_of_the_first_phase():
    """One that commits to known values alone is of the same rows, and shows a pair that nobody lists."""
    count = pairs().circuit.n_known
    case = pairs(n_committed=count)
    assert verify(case.key.vk, case.statement, forged(case))
    with pytest.raises(LengthError, match=rf"committed; the key \d+, 4 and {count}$"):
        case.prove()


def test_keys_of_one_protocol_are_none_of_the_other(proof):
    _, key, other = groth16_made()
    with pytest.raises(InputError, match="the key is one of groth16, and the proof of mirage"):
        verify(key.vk, made().statement, proof)
    with pytest.raises(InputError, match="the key is one of groth16"):
        verify_batch(key.vk, [(made().statement, proof)])
    with pytest.raises(InputError, match="the key is one of groth16: its proofs commit to no wires"):
        mirage.prove(key, made().circuit, made().witness)
    with pytest.raises(InputError, match="the key is one of mirage, and the proof of groth16"):
        groth16.verify(made().key.vk, [1] * made().key.n_public, other)
    with pytest.raises(InputError, match="the key is one of mirage, and the proof of groth16"):
        groth16.verify_batch(made().key.vk, [([1] * made().key.n_public, other)])
    with pytest.raises(InputError, match="the key is one of mirage"):
        groth16.prove(made().key, FrVec.ones(made().key.n_wires))
    text = made().key.vk.to_json()
    with pytest.raises(EncodingError, match="protocol"):
        VerifyingKey.from_json(text)
    with pytest.raises(EncodingError, match="protocol"):
        VerifyingKey.from_json(key.vk.to_json(), protocol="mirage")


def test_another_key_is_refused(proof):
    vk, statement = made().key.vk, made().statement
    for field in ("alpha", "beta", "gamma", "delta", "delta_committed"):
        value = getattr(vk, field)
        other = dataclasses.replace(vk, **{field: value + type(value).generator()})
        assert not verify(other, statement, proof)
    for i in range(len(vk.ic)):
        ic = (*vk.ic[:i], vk.ic[i] + G1.generator(), *vk.ic[i + 1 :])
        assert not verify(dataclasses.replace(vk, ic=ic), statement, proof)
    another = insecure_setup(made().circuit.r1cs, SEED + b"!", made().circuit.n_committed)
    assert not verify(another.vk, statement, proof)


def test_a_verification_key_round_trips():
    vk = made().key.vk
    text = vk.to_json()
    read = VerifyingKey.from_json(text, protocol="mirage")
    assert read == dataclasses.replace(vk, setup=SetupStatus.UNVERIFIED)
    assert read.to_json() == text
    assert read.protocol == json.loads(text)["protocol"] == "mirage"
    assert read.digest() == vk.digest() != dataclasses.replace(vk, delta_committed=vk.beta).digest()
    members = json.loads(text)
    for value in (None, [["0", "0"], ["1", "0"], ["0", "0"]], members["vk_alpha_1"], "x"):
        changed = {**members, "vk_delta_committed_2": value}
        if value is None:
            del changed["vk_delta_committed_2"]
        with pytest.raises(InputError, match="vk_delta_committed_2"):
            VerifyingKey.from_json(json.dumps(changed), protocol="mirage")


@pytest.mark.parametrize("fresh", [("delta",), ("delta_committed",), ("delta", "delta_committed")])
def test_a_fresh_key_is_refused_unless_asked_for(fresh):
    circuit = made().circuit
    trapdoor = dataclasses.replace(TRAPDOOR, **dict.fromkeys(fresh, 1))
    content = joined(zkey_file.encode(setup_with(circuit.r1cs, trapdoor, bytes(32), circuit.n_committed)))
    key = zkey_file.decode(framed(content, {1001: None}))
    assert key.setup is SetupStatus.FRESH
    case = Made(circuit, key, made().witness)
    with pytest.raises(InputError, match="refused for proving"):
        case.prove()
    proof = case.prove(allow_fresh=True)
    for judge in (lambda **more: verify(key.vk, case.statement, proof, **more),
                  lambda **more: verify_batch(key.vk, [(case.statement, proof)], **more)):  # fmt: skip
        with pytest.raises(InputError, match="refused for verifying"):
            judge()
        assert judge(allow_fresh=True)
    if "delta" in fresh:  # why it is refused: a proof for other inputs needs no witness
        other = Statement(FrVec.from_ints([WORTH + 1]), case.statement.known)
        c = proof.rest.c
        stated = [s.inputs(challenges_of(key.vk, s, proof.d)) for s in (case.statement, other)]
        for before, after, each in zip(*stated, key.vk.ic[1:], strict=True):
            c = c + each * ((before - after) % FR_MODULUS)
        assert verify(
            key.vk, other, dataclasses.replace(proof, rest=dataclasses.replace(proof.rest, c=c)), allow_fresh=True
        )


RELATED = [("gamma", "delta"), ("gamma", "delta of committed wires"), ("delta", "delta of committed wires")]


@pytest.mark.parametrize("times", [1, 2, 16, -1, -2, -16])
@pytest.mark.parametrize(("first", "second"), [*RELATED, *((b, a) for a, b in RELATED)])
def test_related_deltas_are_refused_by_name(first, second, times):
    points = {
        name: G2.generator() * k for name, k in (("gamma", 101), ("delta", 10**9), ("delta of committed wires", 3**70))
    }
    points[second] = points[first] * (times % FR_MODULUS)
    with pytest.raises(InputError, match=r"times .*, so anyone can forge proofs: the key is refused") as caught:
        setup_status(points["gamma"], points["delta"], "some key", points["delta of committed wires"])
    assert str(caught.value).startswith("some key: ")
    assert all(name in str(caught.value) for name in (first, second))


def test_unrelated_deltas_are_of_unknown_origin():
    one = G2.generator()
    assert setup_status(one, one * 17, "key", one * 18) is SetupStatus.UNVERIFIED
    assert setup_status(one, one * 17, "key", one) is SetupStatus.FRESH
    assert setup_status(one, one, "key", one * 17) is SetupStatus.FRESH


# key files


def content() -> bytes:
    return joined(zkey_file.encode(made().key))


def test_a_key_file_round_trips(tmp_path):
    path = tmp_path / "key.zkey"
    zkey_file.write_zkey(path, made().key)
    assert path.read_bytes() == content()
    for pin in (None, zkey_file.file_pin(path)):
        key = zkey_file.read_zkey(path, pin)
        assert joined(zkey_file.encode(key)) == content()
        assert (key.n_committed, key.committed_1, key.vk) == (
            made().circuit.n_committed, made().key.committed_1, made().key.vk,
        )  # fmt: skip
        proof = Made(made().circuit, key.with_circuit(made().circuit.r1cs), made().witness).prove()
        assert verify(made().key.vk, made().statement, proof)


COMMITTED, WIDTH = 1002, 4 + 64 + 128
NO_WIRES = (0).to_bytes(4, "little")
CASES = {
    "no wires": (lambda f: patched(f, COMMITTED, 0, NO_WIRES), EncodingError, "0 wires, expected 1 to "),
    "more than are secret": (
        lambda f: patched(f, COMMITTED, 0, (made().key.n_wires - 5).to_bytes(4, "little")),
        EncodingError,
        "wires, expected 1 to ",
    ),
    "2^32-1 wires": (lambda f: patched(f, COMMITTED, 0, b"\xff" * 4), EncodingError, "4294967295 wires, expected 1 to"),
    "other delta in G1": (
        lambda f: patched(f, COMMITTED, 4, made().key.delta_1.raw),
        EncodingError,
        "delta_1 and delta_2 are not the same multiple",
    ),
    "other delta in G2": (
        lambda f: patched(f, COMMITTED, 68, made().key.vk.delta.raw),
        EncodingError,
        "delta_1 and delta_2 are not the same multiple",
    ),
    "delta in G1 infinite": (lambda f: patched(f, COMMITTED, 4, bytes(64)), EncodingError, "delta_1: point 0 is inf"),
    "delta in G2 infinite": (lambda f: patched(f, COMMITTED, 68, bytes(128)), EncodingError, "delta_2: point 0 is inf"),
    "both infinite": (lambda f: patched(f, COMMITTED, 4, bytes(192)), EncodingError, "delta_1: point 0 is infinity"),
    "off curve": (lambda f: patched(f, COMMITTED, 4, b"\1" * 64), EncodingError, r"section 1002 .*delta_1: "),
    "delta itself": (
        lambda f: patched(f, COMMITTED, 4, made().key.delta_1.raw + made().key.vk.delta.raw),
        InputError,
        "delta of committed wires is 1 times delta, so anyone can forge proofs",
    ),
    "short": (lambda f: framed(f, {COMMITTED: bytes(WIDTH - 1)}), LengthError, r"section 1002 \(committed wires\)"),
    "long": (lambda f: framed(f, {COMMITTED: sections(f)[COMMITTED] + b"\0"}), LengthError, "section 1002 "),
    "missing": (lambda f: framed(f, {COMMITTED: None}), EncodingError, "section 1002 .*is missing"),
    "another protocol": (lambda f: patched(f, 1, 0, b"\xea\x03"), EncodingError, "protocol is 1002, expected 1"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_damaged_key_is_refused_by_name(case):
    change, error, message = CASES[case]
    with pytest.raises(error, match=f"^some file: .*{message}"):
        zkey_file.decode(change(content()), "some file")


def test_a_key_that_calls_itself_one_of_groth16_makes_no_proof():
    """Its committed wires are divided by another delta."""
    key = zkey_file.decode(patched(content(), 1, 0, b"\1\0\0\0"))
    assert key.n_committed == 0
    assert key.vk.delta_committed is None
    circuit = made().circuit
    wires = circuit.complete(made().witness.public, circuit.committed(made().witness), (5, 7, 11))
    with pytest.raises(WitnessError, match="the proof made of it is false"):
        groth16.prove(key, wires)


def test_a_key_that_says_another_number_of_wires_makes_no_proof():
    key = zkey_file.decode(patched(content(), COMMITTED, 0, (made().key.n_committed - 1).to_bytes(4, "little")))
    with pytest.raises(LengthError, match=rf"the key \d+, 5 and {made().key.n_committed - 1}$"):
        Made(made().circuit, key, made().witness).prove()


def test_keys_of_other_circuits_make_no_proof():
    block, good = worth_block(), made()
    four = Unrolled(block, 4)
    with pytest.raises(LengthError, match=r"the circuit has \d+ wires, 5 public and \d+ committed; the key \d+, 5 and"):
        mirage.prove(good.key, four, good.witness)
    # the same counts, other coefficients
    pool = good.circuit.r1cs.b.pool
    moved = FrVec.from_ints([x * x for x in pool.to_ints()])
    assert moved != pool
    sides = {side: dataclasses.replace(getattr(good.circuit.r1cs, side), pool=moved) for side in ("a", "b", "c")}
    key = insecure_setup(dataclasses.replace(good.circuit.r1cs, **sides), SEED, good.circuit.n_committed)
    with pytest.raises(DisagreementError, match="the key is for another circuit"):
        key.with_circuit(good.circuit.r1cs)
    with pytest.raises(WitnessError):
        Made(good.circuit, key, good.witness).prove()
