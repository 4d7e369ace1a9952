"""Groth16Verifier on an EVM: snarkjs proofs are accepted, and nothing near them is."""

import json

import pytest

from tests.registry.groth16_cases import FILES, P, R, outside_the_subgroup, simulated, snarkjs, times_g1, times_g2
from tests.shared import shared_path
from zkstate.errors import DisagreementError, EncodingError, RefusedError
from zkstate.proof.groth16 import Proof
from zkstate.proof.keys import VerifyingKey
from zkstate.registry.artefacts import artefact
from zkstate.registry.embedded import PyEvmChain, RevmChain
from zkstate.registry.verifier import ProofVerifier

START = 1_800_000_000
MALFORMED, FALSE = "proof point is malformed", "proof is false"
CONTRACT = artefact("Groth16Verifier")

# Transactions to `verify` with no input 0 or 1, all included. 222k is snarkjs' contract for two inputs.
GAS = {1: 215_019, 2: 222_262, 4: 236_736, 5: 243_991, 7: 258_477, 8: 265_708}


def deploy(key, chain=None):
    chain = chain or RevmChain(START)
    code = CONTRACT.creation(key["alpha"], key["beta"], key["gamma"], key["delta"], key["ic"], b"\x07" * 32)
    return chain, chain.deploy(code).contract


def outcome(deployed, proof, inputs):
    """True, False, or the rule by which the contract refuses to answer; `verify` and `is_valid` agree."""
    chain, address = deployed
    try:
        valid = CONTRACT.results("is_valid", chain.call(address, CONTRACT.call_data("is_valid", *proof, inputs)))[0]
    except RefusedError as error:
        valid = error.rule
    try:
        chain.transact(address, CONTRACT.call_data("verify", *proof, inputs))
        verified = True
    except RefusedError as error:
        verified = error.rule
    assert verified == {False: FALSE}.get(valid, valid)
    return valid


@pytest.fixture(scope="module", params=FILES)
def case(request):
    key, proofs = snarkjs(request.param)
    return key, proofs, deploy(key)


def test_snarkjs_proofs_are_accepted(case):
    key, proofs, deployed = case
    assert proofs
    for proof, inputs in proofs:
        assert len(inputs) == len(key["ic"]) - 1
        assert outcome(deployed, proof, inputs) is True


def test_each_public_input_is_bound(case):
    _, proofs, deployed = case
    proof, inputs = proofs[0]
    for i in range(len(inputs)):
        for other in {(inputs[i] + 1) % R, R - 1, 0, 1} - {inputs[i]}:
            assert outcome(deployed, proof, [*inputs[:i], other, *inputs[i + 1 :]]) is False


def test_inputs_are_canonical(case):
    """x + r is the same field element: it must not be a second spelling of the statement."""
    _, proofs, deployed = case
    proof, inputs = proofs[0]
    for alias in (inputs[0] + R, R, 2**256 - 1):
        assert outcome(deployed, proof, [alias, *inputs[1:]]) == "public input is not below r"
    for wrong in (inputs[:-1], [*inputs, 0], []):
        assert outcome(deployed, proof, wrong) == "wrong number of public inputs"
    nine = CONTRACT.call_data("verify", *proof, [0] * 9)
    with pytest.raises(RefusedError):
        deployed[0].call(deployed[1], nine)


def words(value):
    return [value] if isinstance(value, int) else [word for part in value for word in words(part)]


def proof_from(flat):
    return flat[:2], [flat[2:4], flat[4:6]], flat[6:8]


def test_every_byte_of_a_proof_counts(case):
    _, proofs, deployed = case
    proof, inputs = proofs[0]
    flat = words(proof)
    outcomes = set()
    for i, word in enumerate(flat):
        for byte in range(32):
            bent = [*flat[:i], word ^ (1 + 37 * byte % 255) << 8 * byte, *flat[i + 1 :]]
            outcomes.add(outcome(deployed, proof_from(bent), inputs))
    assert outcomes == {MALFORMED}  # a single coordinate off the curve


def test_points_of_the_curve_in_the_wrong_place(case):
    _, proofs, deployed = case
    (a, b, c), inputs = proofs[0]
    minus_a = [a[0], P - a[1]]
    for proof in ((minus_a, b, c), (c, b, a), (a, times_g2(5), c), (a, b, times_g1(7))):
        assert outcome(deployed, proof, inputs) is False


def test_malformed_points_and_their_gas(case):
    """Coordinates have one spelling, B is of order r, and a refusal leaves the caller its reserve of gas."""
    _, proofs, deployed = case
    (a, b, c), inputs = proofs[0]
    spellings = [
        ([a[0] + P, a[1]], b, c),
        (a, [[b[0][0], b[0][1] + P], b[1]], c),
        (a, b, [c[0], c[1] + P]),
        (a, [b[0][::-1], b[1][::-1]], c),  # the order of snarkjs' JSON
        (a, outside_the_subgroup(), c),
        ([1, 3], b, c),
        ([0, 0], b, c),  # infinity, which the precompile would take
        (a, [[0, 0], [0, 0]], c),
        (a, b, [0, 0]),
    ]
    for proof in spellings:
        if all(word < 2**256 for word in words(proof)):
            assert outcome(deployed, proof, inputs) == MALFORMED


def test_another_proof_of_the_same_statement_is_accepted(case):
    """Proofs are malleable, so their bytes identify nothing: negate A and B."""
    _, proofs, deployed = case
    (a, b, c), inputs = proofs[0]
    negated = ([a[0], P - a[1]], [b[0], [(P - y) % P for y in b[1]]], c)
    assert outcome(deployed, negated, inputs) is True


def test_the_key_is_bound(case):
    """Each word of the key, bent: the contract is refused, or refuses the proof."""
    key, proofs, _ = case
    proof, inputs = proofs[0]
    for name, value in key.items():
        flat = words(value)
        for i in range(len(flat)):
            bent = [*flat[:i], flat[i] ^ 1 << 8 * (i % 31), *flat[i + 1 :]]
            with pytest.raises(RefusedError, match="key point of G"):
                deploy({**key, name: shaped(name, bent)})
    for name, other in (("alpha", times_g1(3)), ("beta", times_g2(3)), ("gamma", times_g2(3)), ("delta", times_g2(3))):
        assert outcome(deploy({**key, name: other}), proof, inputs) is False
    for i in range(len(key["ic"])):
        swapped = [*key["ic"][:i], times_g1(3), *key["ic"][i + 1 :]]
        assert outcome(deploy({**key, "ic": swapped}), proof, inputs) is False


def shaped(name, flat):
    if name == "ic":
        return [flat[i : i + 2] for i in range(0, len(flat), 2)]
    return flat if name == "alpha" else [flat[:2], flat[2:]]


KEY, PROOF = simulated([5, 6])
MINUS_DELTA = [KEY["delta"][0], [(P - y) % P for y in KEY["delta"][1]]]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"gamma": KEY["delta"]}, "gamma and delta are equal or negated"),
        ({"gamma": MINUS_DELTA}, "gamma and delta are equal or negated"),
        ({"alpha": [0, 0]}, "key point of G1 is zero"),
        ({"ic": [KEY["ic"][0], [0, 0], KEY["ic"][2]]}, "key point of G1 is zero"),
        ({"beta": [[0, 0], [0, 0]]}, "key point of G2 is zero"),
        ({"gamma": [[0, 0], [0, 0]]}, "key point of G2 is zero"),
        ({"delta": [[0, 0], [0, 0]]}, "key point of G2 is zero"),
        ({"alpha": [1, 1]}, "key point of G1 is not on the curve"),
        ({"alpha": [1 + P, 2]}, "key point of G1 is not on the curve"),
        ({"ic": [*KEY["ic"][:2], [2, 1]]}, "key point of G1 is not on the curve"),
        ({"beta": [KEY["beta"][0], KEY["gamma"][1]]}, "key point of G2 is not in the group"),
        ({"delta": outside_the_subgroup()}, "key point of G2 is not in the group"),
        ({"gamma": outside_the_subgroup()}, "key point of G2 is not in the group"),
        ({"beta": outside_the_subgroup()}, "key point of G2 is not in the group"),
        ({"ic": []}, "key has no IC point"),
        ({"ic": [times_g1(k) for k in range(1, 11)]}, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_keys_that_are_refused(change, rule):
    with pytest.raises(RefusedError) as caught:
        deploy({**KEY, **change})
    assert caught.value.rule == rule


@pytest.mark.parametrize("n", range(9))
def test_every_number_of_inputs(n):
    inputs = [R - 1 - i for i in range(n)]
    key, proof = simulated(inputs)
    deployed = deploy(key)
    assert outcome(deployed, proof, inputs) is True
    for i in range(n):
        assert outcome(deployed, proof, [*inputs[:i], inputs[i] - 1, *inputs[i + 1 :]]) is False


@pytest.mark.parametrize("inputs", [[0, 0, 0], [1, 1, 1], [0, 1, 2], [2, 1, 0], [1, 0, R - 1]], ids=str)
def test_the_short_cuts_for_flags(inputs):
    key, proof = simulated(inputs, seed=2)
    deployed = deploy(key)
    assert outcome(deployed, proof, inputs) is True
    for i, x in enumerate(inputs):
        for other in {0, 1, 2} - {x}:
            assert outcome(deployed, proof, [*inputs[:i], other, *inputs[i + 1 :]]) is False


@pytest.mark.parametrize("n", GAS)
def test_gas_is_what_the_table_says(n):
    inputs = [R - 1 - i for i in range(n)]
    key, proof = simulated(inputs)
    chain, address = deploy(key)
    used = chain.transact(address, CONTRACT.call_data("verify", *proof, inputs)).gas_used
    assert used == GAS[n]


def test_flags_cost_less():
    key, proof = simulated([R - 1, 0, 1])
    chain, address = deploy(key)
    assert chain.transact(address, CONTRACT.call_data("verify", *proof, [R - 1, 0, 1])).gas_used < 217_500


@pytest.mark.parametrize(("name", "precompile"), [("Add", 6), ("ScalarMul", 7), ("Pairing", 8)])
def test_the_precompiles_of_the_embedded_chain(name, precompile):
    """geth's vectors: what the contract leaves to the EVM is what Ethereum does."""
    cases = json.loads(shared_path(f"vectors/bn254/geth_bn256{name}.json").read_text())
    assert len(cases) >= 5
    chain = RevmChain(START)
    for case in cases:
        answer = chain.call(precompile.to_bytes(20, "big"), bytes.fromhex(case["Input"]))
        assert answer.hex() == case["Expected"], case["Name"]


def test_another_evm_agrees():
    """py-evm, which shares no code with pyrevm."""
    chain, address = deploy(KEY, PyEvmChain(START))
    answer = chain.call(address, CONTRACT.call_data("is_valid", *PROOF, [5, 6]))
    assert CONTRACT.results("is_valid", answer) == (True,)
    with pytest.raises(RefusedError, match=MALFORMED):
        chain.call(address, CONTRACT.call_data("is_valid", [1, 3], *PROOF[1:], [5, 6]))


def test_the_client_deploys_keys_and_checks_proofs():
    data = json.loads(shared_path("vectors/groth16_snarkjs/fresh_setup_proofs.json").read_text())
    key = VerifyingKey.from_json(json.dumps(data["vk"]))
    proof = Proof.from_json(json.dumps(data["proofs"][0]["proof"]))
    inputs = [int(x) for x in data["proofs"][0]["publicSignals"]]
    chain = RevmChain(START)
    contract, receipt = ProofVerifier.deploy(chain, key)
    assert receipt.gas_used < 1_000_000
    assert contract.key_digest() == key.digest()
    assert contract.is_valid(proof, inputs) is True
    assert contract.is_valid(proof, [inputs[0], inputs[1] + 1]) is False
    assert contract.verify(proof, inputs).gas_used < 223_000
    with pytest.raises(RefusedError, match=FALSE):
        contract.verify(proof, inputs[::-1])
    with pytest.raises(EncodingError):
        contract.is_valid(proof, [-1, 2])
    with pytest.raises(RefusedError, match="not below r"):
        contract.is_valid(proof, [inputs[0] + R, inputs[1]])
    with pytest.raises(DisagreementError, match="gave 0 bytes where a Groth16Verifier gives 32"):
        ProofVerifier(chain, b"\1" * 20).key_digest()
