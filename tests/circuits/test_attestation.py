"""Attestations: whatever is changed in one, or expected otherwise, the verdict is no, and says why."""

import json
from dataclasses import replace

import pytest

from circuits import catalogue
from circuits.attestation import FILES, Attestation, Expectation, circuit_system, examine, expected_inputs
from circuits.claims import BalanceClaim, PositionClaim
from circuits.context import Context
from circuits.opening import Opening
from circuits.proving import attest
from lightclient.recover import recover
from lightclient.trust import PinnedHeader
from tests.lightclient.venues import publish_chain
from tests.publication.venue import OPERATOR, TABLE, ledger
from zkstate.constraint import compile_statement
from zkstate.constraint.cache import store
from zkstate.constraint.compiler import build
from zkstate.errors import DisagreementError, InputError, WitnessError, ZkstateError
from zkstate.kernels import FR_MODULUS
from zkstate.proof.keys import SetupStatus
from zkstate.proof.setup import insecure_setup
from zkstate.proof.transparent.system import System
from zkstate.publication.mirrors import FolderMirror

NOW = 1_800_000_000
CONTEXT = Context(1, bytes(20), b"\1" * 20, b"\2" * 32, NOW + 60)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    return folder, publish_chain(folder, 2, accounts=40)


@pytest.fixture(scope="module")
def bundle(chain):
    """A recovered account of class 4 that holds an asset and trades a market."""
    folder, signed = chain
    for name in ledger(40).names:
        found = recover(OPERATOR.account_key(name), [FolderMirror(folder / "mirror")], PinnedHeader(signed[-1])).bundle
        kinds = {TABLE[row.instrument].is_asset for row in found.account.rows}
        if found.account.size_class == 4 and kinds == {True, False}:
            return found
    raise AssertionError("no such account")


@pytest.fixture(scope="module")
def opening(bundle):
    return Opening(bundle.header, bundle.account, bundle.path, bundle.table, bundle.owner_secret)


def row_of(bundle, asset):
    return next(row for row in bundle.account.rows if TABLE[row.instrument].is_asset == asset)


@pytest.fixture(scope="module")
def attestation(opening, bundle):
    row = row_of(bundle, asset=True)
    return attest(opening, bundle.signed, BalanceClaim(row.instrument, row.amount, row.amount), CONTEXT)


def test_it_is_accepted_and_says_what_its_key_is_worth(attestation):
    finding = examine(attestation, Expectation(), NOW)
    assert finding.accepted
    assert finding.setup is SetupStatus.INSECURE
    exact = Expectation(attestation.header.hash, CONTEXT, attestation.key.digest())
    assert examine(attestation, exact, NOW).accepted
    assert not examine(attestation, replace(exact, trusted_setup_only=True), NOW).accepted


def test_files_round_trip(attestation):
    files = attestation.encode()
    assert set(files) == set(FILES)
    assert Attestation.decode(files).encode() == files


def test_position_and_false_claims(opening, bundle):
    row = row_of(bundle, asset=False)
    made = attest(
        opening, bundle.signed, PositionClaim(row.instrument, row.amount, row.amount, row.entry, row.entry), CONTEXT
    )
    assert examine(made, Expectation(), NOW).accepted
    with pytest.raises(WitnessError, match="the size is at most the upper bound"):
        attest(opening, bundle.signed, PositionClaim(row.instrument, -(2**63), row.amount - 1), CONTEXT)
    with pytest.raises(InputError, match="claim a balance instead"):
        attest(opening, bundle.signed, PositionClaim(row_of(bundle, asset=True).instrument, 0, 0), CONTEXT)
    with pytest.raises(InputError, match="claim a position instead"):
        attest(opening, bundle.signed, BalanceClaim(row.instrument, 0, 0), CONTEXT)


@pytest.mark.parametrize(
    ("expectation", "now", "reason"),
    [
        (Expectation(header_hash=bytes(32)), NOW, "about header"),
        (Expectation(context=Context()), NOW, "addressed to chain_id 1, recipient 0x0101"),
        (Expectation(context=replace(CONTEXT, challenge=b"\3" * 32)), NOW, "not to the expected challenge 0x0303"),
        (Expectation(key_digest="00" * 32), NOW, "not the expected 0000"),
        (Expectation(), NOW + 61, "expired at"),
    ],
)
def test_what_the_verifier_expects_is_held_against_it(attestation, expectation, now, reason):
    finding = examine(attestation, expectation, now)
    assert len(finding.reasons) == 1
    assert reason in finding.reasons[0]


def test_another_claim_context_or_epoch_is_another_statement(attestation, chain):
    """Words changed beside the proof no longer match the public inputs; inputs changed to match break the proof."""
    claim = attestation.claim
    changes = [
        replace(attestation, claim=replace(claim, lo=claim.lo - 1)),
        replace(attestation, claim=replace(claim, hi=claim.hi + 1)),
        replace(attestation, context=replace(CONTEXT, recipient=b"\4" * 20)),
        replace(attestation, context=replace(CONTEXT, expiry=0)),
        replace(attestation, signed=chain[1][0]),
    ]
    for changed in changes:
        assert "public input" in examine(changed, Expectation(), NOW).reasons[0]
        matched = replace(changed, public_inputs=tuple(expected_inputs(changed).values()))
        assert examine(matched, Expectation(), NOW).reasons == (
            "the proof does not satisfy the verification equation for these public inputs",
        )


def test_each_public_input_is_bound(attestation):
    for i, value in enumerate(attestation.public_inputs):
        inputs = list(attestation.public_inputs)
        inputs[i] = (value + 1) % FR_MODULUS
        assert len(examine(replace(attestation, public_inputs=tuple(inputs)), Expectation(), NOW).reasons) == 2
    short = replace(attestation, public_inputs=attestation.public_inputs[:-1])
    assert "has 4 inputs; the statement has 5" in examine(short, Expectation(), NOW).reasons[0]


def test_a_key_of_another_circuit_is_not_taken(attestation, opening, bundle):
    finding = examine(replace(attestation, circuit="balance-8"), Expectation(), NOW)
    assert finding.reasons == ("the key is the one known for balance-4, and statement.json names balance-8",)
    with pytest.raises(InputError, match="does not state a balance"):
        replace(attestation, circuit="position-4")
    with pytest.raises(InputError, match="is for depths 11 and 2; the header has 10 and 2"):
        replace(attestation, circuit="balance-4-d11")


def test_a_key_that_came_with_the_proof_is_not_taken(attestation):
    """A forger who makes a key for the same circuit can prove anything under it: only the pin stands against that."""
    circuit = compile_statement(catalogue.parse("balance-4"))
    key = insecure_setup(circuit.r1cs, b"a seed of the forger's own").vk
    finding = examine(replace(attestation, key=key), Expectation(), NOW)
    assert "a key is pinned by the verifier, never taken from beside the proof" in finding.reasons[0]
    assert finding.setup is SetupStatus.UNVERIFIED


def test_a_table_that_is_not_the_committed_one_is_refused(attestation):
    files = attestation.encode()
    table = json.loads(files["instruments.json"])
    table["instruments"][0]["price"] = str(int(table["instruments"][0]["price"]) + 1)
    table["instruments"][0]["notional_price"] = table["instruments"][0]["price"]
    files["instruments.json"] = json.dumps(table, separators=(",", ":")).encode()
    with pytest.raises(DisagreementError, match=r"instruments\.json has root"):
        Attestation.decode(files)


@pytest.mark.parametrize("name", FILES)
def test_no_file_can_be_left_out_cut_or_bent(attestation, name):
    files = attestation.encode()
    with pytest.raises(InputError, match=f"{name} is missing"):
        Attestation.decode({other: content for other, content in files.items() if other != name})
    content = files[name]
    for position in range(0, len(content), max(1, len(content) // 60)):
        bent = bytes([*content[:position], content[position] ^ 1, *content[position + 1 :]])
        for damaged in (content[:position], bent):
            try:
                judged = examine(Attestation.decode({**files, name: damaged}), Expectation(), NOW)
            except ZkstateError:
                continue
            assert not judged.accepted, (name, position)


def test_a_verifier_takes_no_circuit_from_a_cache_that_was_tampered_with(tmp_path, monkeypatch):
    """A well-formed cache file that holds another circuit: everything in it agrees with itself."""
    monkeypatch.setenv("ZKSTATE_CACHE", str(tmp_path))
    statement = catalogue.parse("balance-4")
    true = build(statement)
    compile_statement(statement)
    (path,) = tmp_path.rglob("*.circuit")
    store(path, replace(true, r1cs=replace(true.r1cs, c=true.r1cs.a)))
    assert compile_statement(statement).digest != true.digest, "the file is read"
    circuit_system.cache_clear()
    try:
        assert circuit_system("balance-4").digest == System.of(true.r1cs).digest
    finally:
        circuit_system.cache_clear()
