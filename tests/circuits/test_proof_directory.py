"""A proof directory that lies: in statement.json, in its key. Whether proofs hold is for tests/proof and tests/cli."""

from dataclasses import replace

import pytest

from circuits import attestation, keys
from circuits.attestation import STATEMENT_FILE, Attestation, Expectation, examine
from circuits.claims import BalanceClaim
from circuits.context import Context
from tests.publication.venue import OPERATOR, TABLE, TIME
from zkstate.algebra.bn254 import G1, G2
from zkstate.errors import EncodingError
from zkstate.proof.groth16 import Proof
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.publication.header import Header, sign

NOTHING = Expectation()
HEADER = Header(
    operator_key=OPERATOR.public_key,
    record_key=b"\x09" + bytes(31),
    venue_name="Test venue",
    epoch=1,
    time=TIME,
    previous_state_root=0,
    accounts_root=1,
    instruments_root=TABLE.root,
    totals_root=2,
    data_root=bytes(32),
    account_count=1,
    table_depth=TABLE.depth,
    record_bits=0,
)
KEY = VerifyingKey(
    G1.generator(), G2.generator(), G2.generator(), G2.generator() * 17, (G1.generator(),) * 6, SetupStatus.UNVERIFIED
)


@pytest.fixture(scope="module")
def false():
    """A well-formed proof of nothing."""
    claim, context = BalanceClaim(1, 0, 100), Context(chain_id=1, expiry=TIME + 60)
    made = Attestation(
        sign(HEADER, OPERATOR.signing_key),
        TABLE,
        "balance-8",
        claim,
        context,
        (),
        Proof(G1.generator(), G2.generator(), G1.generator()),
        KEY,
    )
    return replace(made, public_inputs=tuple(attestation.expected_inputs(made).values()))


def reasons(found, expectation=NOTHING):
    return examine(found, expectation, TIME).reasons


def test_the_files_read_back(false):
    assert Attestation.decode(false.encode()) == false
    assert [reason for reason in reasons(false) if "known for balance-8" not in reason] == [
        "the proof does not satisfy the verification equation for these public inputs"
    ]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"lo": "0"', '"lo": "0\\n"'),
        ('"chain_id": "1"', '"chain_id": "1\\n"'),
        ('"challenge": "' + "00" * 32, '"challenge": "' + "00" * 32 + "\\n"),
        ('"recipient": "' + "00" * 20, '"recipient": "' + "00" * 20 + "\\n"),
        ('"lo": "0"', '"lo": "00"'),
        ('"lo": "0"', '"lo": 0'),
        ('"hi": "100"', '"hi": "1", "hi": "100"'),
        ('"statement": "balance"', '"statement": "margin", "statement": "balance"'),
        ('"context": {', '"context": {}, "context": {'),
        ('"expiry": "', '"expiry": "0", "expiry": "'),
    ],
)
def test_a_statement_has_one_spelling_of_each_value(false, right, wrong):
    """Two readers of it would else disagree about what was claimed."""
    files = false.encode()
    text = files[STATEMENT_FILE].decode()
    assert text.count(right) == 1
    with pytest.raises(EncodingError, match=STATEMENT_FILE):
        Attestation.decode({**files, STATEMENT_FILE: text.replace(right, wrong).encode()})


def test_a_key_known_for_another_circuit_is_refused_even_when_pinned(false, monkeypatch):
    """The statement names its circuit: with a key of another one the size class it states would be a lie."""
    pinned = Expectation(key_digest=KEY.digest())
    assert not any("key" in reason for reason in reasons(false, pinned))
    entry = keys.KnownKey("", KEY.digest(), 0, "insecure")
    monkeypatch.setattr(keys, "known", lambda: {"balance-16": entry})
    assert any("known for balance-16" in reason for reason in reasons(false, pinned))
    monkeypatch.setattr(keys, "known", lambda: {"balance-8": entry})
    assert not any("key" in reason for reason in reasons(false, pinned))


def test_a_key_that_nobody_contributed_to_is_a_rejection(false):
    """gamma = delta = the generator: anyone can forge, so no proof under it is even looked at."""
    fresh = replace(KEY, delta=G2.generator(), setup=SetupStatus.FRESH)
    found = replace(false, key=fresh)
    assert any("anyone can forge" in reason for reason in reasons(found, Expectation(key_digest=fresh.digest())))
