"""What tests can hold of zero knowledge: uniform messages, masks used once, secrets overwritten, one size for all."""

import itertools
import os

import pytest

from tests.proof import circuits
from tests.proof.transparent.systems import system_of
from zkstate.errors import EnvironmentFailure
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof.transparent import prover
from zkstate.proof.transparent.masks import Masks
from zkstate.proof.transparent.prover import prove
from zkstate.proof.transparent.verifier import verify

BINS = 64
# Of 63 degrees of freedom: exceeded by chance about once in 10^15.
MOST = 230


def product(n, x):
    """n secret numbers x, x, .. and a public 0: rows x·0 = 0, of any x."""
    return circuits.Small([({2 + i: 1}, {1: 1}, {1: 1}) for i in range(n)], 1, [1, 0, *([x] * n)])


def masked(proof):
    """Everything a verifier sees that is not a hash: masked messages, combined rows, opened columns."""
    return {
        "messages": proof.messages.to_ints(),
        "row": proof.row.to_ints(),
        "pad row": proof.pad_row.to_ints(),
        "columns": proof.columns.to_ints(),
    }


def chi_squared(values):
    counts = [0] * BINS
    for value in values:
        counts[value * BINS // FR_MODULUS] += 1
    expected = len(values) / BINS
    return sum((count - expected) ** 2 / expected for count in counts)


@pytest.mark.parametrize("x", [0, 1, FR_MODULUS - 1])
def test_what_is_seen_is_uniform_whatever_the_witness(x):
    small = product(40, x)
    system = system_of(small)
    seen = {}
    for _ in range(30):
        for name, values in masked(prove(system, small.values)).items():
            seen.setdefault(name, []).extend(values)
    assert dict.fromkeys(seen, True) == {name: chi_squared(values) < MOST for name, values in seen.items()}


def test_the_uniformity_test_sees_a_witness_without_masks(monkeypatch):
    monkeypatch.setattr(Masks, "take", lambda _, count: FrVec(count))
    small = product(40, 1)
    system = system_of(small)
    proof = prove(system, small.values)
    assert verify(system, small.public, proof)
    assert chi_squared(proof.messages.to_ints() * 30) > MOST


def test_two_witnesses_of_one_statement_differ_in_every_masked_value():
    first, second = product(40, 5), product(40, 6)
    system = system_of(first)
    assert system.digest == system_of(second).digest
    pairs = zip(masked(prove(system, first.values)).items(), masked(prove(system, second.values)).values(), strict=True)
    for (name, left), right in pairs:
        assert all(x != y for x, y in zip(left, right, strict=True)), name


def test_two_proofs_of_one_witness_share_nothing():
    small = product(40, 5)
    system = system_of(small)
    proofs = [prove(system, small.values) for _ in range(3)]
    for left, right in itertools.combinations(proofs, 2):
        salts = {left.salt(i) for i in range(system.parameters.queries)}
        assert not salts & {right.salt(i) for i in range(system.parameters.queries)}
        for name, values in masked(left).items():
            assert not set(values) & set(masked(right)[name])


def test_a_generator_that_repeats_itself_never_masks_two_witnesses_alike():
    seed = os.urandom(64)
    first, second = product(40, 5), product(40, 6)
    system = system_of(first)
    proofs = [prove(system, small.values, lambda _: seed) for small in (first, first, second)]
    assert proofs[0].encode() == proofs[1].encode()
    for name, values in masked(proofs[0]).items():
        assert not set(values) & set(masked(proofs[2])[name]), name
    other = circuits.Small([*first.rows, ({1: 1}, {1: 1}, {1: 1})], 1, first.witness)
    for name, values in masked(prove(system_of(other), other.values, lambda _: seed)).items():
        assert not set(values) & set(masked(proofs[0])[name]), name


@pytest.mark.parametrize(
    "rng", [bytes, lambda n: b"\xff" * n, lambda n: os.urandom(n - 1), lambda n: os.urandom(n + 1)]
)
def test_a_generator_that_is_plainly_broken_is_refused(rng):
    small = product(2, 5)
    with pytest.raises(EnvironmentFailure, match="it is broken"):
        prove(system_of(small), small.values, rng)


def test_masks_are_uniform_scalars_and_never_twice_the_same():
    masks = Masks(os.urandom, [b"circuit"], [FrVec(3)])
    drawn = [*masks.take(1).to_ints(), *masks.take(20_000).to_ints(), *masks.take(0).to_ints()]
    assert len(set(drawn)) == 20_001
    assert chi_squared(drawn) < MOST


def test_masks_depend_on_where_each_part_of_a_statement_ends():
    seed = os.urandom(64)
    statements = [(b"circuit", b"shape"), (b"circuits", b"hape"), (b"circuitshape",), (b"circuit", b"shap3")]
    cases = [(statement, (2, 1)) for statement in statements]
    cases += [(statements[0], lengths) for lengths in ((1, 2), (3,), (2, 1, 0), (0, 3))]
    drawn = {Masks(lambda _: seed, said, map(FrVec, lengths)).take_bytes(32).hex() for said, lengths in cases}
    assert len(drawn) == len(cases)


def test_every_proof_of_a_circuit_has_one_size():
    system = system_of(product(40, 0))
    sizes = {len(prove(system, product(40, x).values).encode()) for x in (0, 1, FR_MODULUS - 1, FR_MODULUS // 3)}
    assert len(sizes) == 1


@pytest.mark.parametrize("good", [True, False])
def test_secrets_are_overwritten(monkeypatch, good):
    held = []
    hold = prover._Secrets.hold
    monkeypatch.setattr(prover._Secrets, "hold", lambda self, vec: held.append(vec) or hold(self, vec))
    small = product(40, 5) if good else circuits.cubic()
    system = system_of(small)
    if good:
        prove(system, small.values)
    else:
        with pytest.raises(prover.WitnessError):
            prove(system, FrVec.from_ints([*small.witness[:-1], 1]))
    assert len(held) > (20 if good else 1)
    assert all(not any(vec.raw()) for vec in held)
    assert small.values.to_ints() == [value % FR_MODULUS for value in small.witness]


def test_errors_and_reprs_show_no_witness():
    small = circuits.cubic(123456789)
    system = system_of(small)
    with pytest.raises(prover.WitnessError) as raised:
        prove(system, FrVec.from_ints([*small.witness[:-1], 987654321]))
    assert "123456789" not in str(raised.value)
    assert "987654321" not in str(raised.value)
