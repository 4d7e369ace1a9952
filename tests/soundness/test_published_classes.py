"""One test for each published class of vulnerability, played against the circuits, the verifier and the contract.

The classes are those of public audits and reports of proof-of-solvency, exit and rollup circuits. Where a class cannot
apply, the docstring says why and the test attacks what comes nearest. Dummy user netting, and what other classes mean
where accounts are added up, are in test_published_classes_of_batches.py.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from circuits import catalogue
from tests.circuits.nudge import broken_labels
from tests.circuits.raw import FLAT, UNBOUNDED, RawRow, with_row
from tests.circuits.test_gadgets_bits import ANY_DIGITS, digits_of, with_digits
from tests.circuits.test_statements import ANY, ANY_MARGIN, OF_ONE_EPOCH, QUIET, STEPS, committed
from tests.constraint.saying import saying
from tests.registry.groth16_cases import outside_the_subgroup
from tests.soundness.forgery import honest_proofs
from tests.soundness.statements import circuit_of, good
from tests.soundness.system import System
from tests.soundness.uniqueness import undetermined
from zkstate.algebra.bn254 import G1, G2
from zkstate.constraint.statement import FELT, sint, uint
from zkstate.errors import CircuitError, EncodingError, InputError, LengthError, RefusedError
from zkstate.kernels import FP_MODULUS, FR_MODULUS
from zkstate.proof.groth16 import Proof, verify
from zkstate.proof.keys import VerifyingKey
from zkstate.registry.artefacts import artefact
from zkstate.registry.embedded import RevmChain
from zkstate.registry.verifier import ProofVerifier

COVERED = "equity covers the margin requirement"
MALFORMED = "proof point is malformed"
QUICK = ("balance", "margin")  # the others need larger keys
ANY_STATEMENT = pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in catalogue.STATEMENTS]
)
OF_ONE_ACCOUNT = pytest.mark.parametrize("name", OF_ONE_EPOCH)  # in the others these rows are the same code


@cache
def proved(name="balance"):
    vk, proofs = honest_proofs(name, 4, 7, 2)
    return vk, *((list(p.public), list(p.words)) for p in proofs)


@cache
def contract(name="balance"):
    return ProofVerifier.deploy(RevmChain(1_800_000_000), proved(name)[0])[0]


def on_chain(words, public):
    """What the contract says of raw words: True, False, or its reason for not answering."""
    deployed, code = contract(), artefact("Groth16Verifier")
    call = code.call_data("is_valid", words[:2], (words[2:4], words[4:6]), words[6:], tuple(public))
    try:
        return code.results("is_valid", deployed.chain.call(deployed.address, call))[0]
    except RefusedError as error:
        return error.rule


def refused_by(account, claim=ANY_MARGIN, **changes):
    """The labels by which `margin` refuses an account, its inputs changed and the state root made to fit."""
    circuit = circuit_of("margin", 4)
    return broken_labels(circuit, committed(circuit, {**account.inputs("margin", **claim), **changes}))


def test_unranged_price_in_a_packed_commitment():
    """2^64 moved from one packed field to the next gives the same word, so the same committed table."""
    account = with_row(QUIET, 0, price=5, notional_price=7)
    inputs = account.inputs("margin", **ANY_MARGIN)
    prices, notional = list(inputs["prices"]), list(inputs["notional_prices"])
    prices[0], notional[0] = prices[0] - 1, notional[0] + 2**64
    assert refused_by(account) == set()
    assert refused_by(account, prices=prices, notional_prices=notional) == {
        "notional_prices[0] is an unsigned 64-bit integer"
    }


def test_a_debt_in_a_row_that_seems_empty():
    """Netting within one account: a loss held in a row that seems empty, or a gain claimed in one.

    Debt alone is refused at any ratio, and a row of padding counts for nothing. Netting between accounts, dummy users
    among them, is played against the circuits that add accounts up: test_published_classes_of_batches.py.
    """
    coin = RawRow(8, -1, price=10**9, notional_price=10**9, tiers=((0, UNBOUNDED, 900_000, 0, 0),))
    debtor = replace(QUIET, rows=(coin, RawRow(), RawRow(), RawRow()))
    for ratio in (0, 10**6):
        assert refused_by(debtor, {"ratio_ppm": ratio, "initial": 0}) == {COVERED}
    dummy = replace(debtor, rows=(coin, RawRow(0, 2**62), RawRow(), RawRow()))
    assert COVERED in refused_by(dummy)
    hidden = replace(QUIET, rows=(RawRow(), coin, RawRow(), RawRow()))
    assert "row 1 is padding because row 0 is" in refused_by(hidden)


def test_tier_flag_or_tier_index_not_constrained():
    """A cheaper tier than the position's own: by its index, by its numbers, by an index that is no digit."""
    large = replace(QUIET.rows[0], is_asset=0, amount=700, notional_price=10**12, tiers=STEPS, tier=1)
    account = replace(QUIET, rows=(large, *QUIET.rows[1:]))
    upper = "row 0: the notional value stays below the tier's upper bound"
    assert upper in refused_by(with_row(account, 0, tier=0))
    inputs = with_row(account, 0, tiers=FLAT, tier=0).inputs("margin", **ANY_MARGIN)
    inputs["rates"] = [0, *inputs["rates"][1:]]
    inputs["initial_rates"] = [1, *inputs["initial_rates"][1:]]
    circuit = circuit_of("margin", 4)
    assert "row 0: the tier is one of the instrument's" in broken_labels(circuit, committed(circuit, inputs))
    digits = [list(row) for row in account.inputs("margin", **ANY_MARGIN)["tier"]]
    digits[0][0] = 2
    assert "tier[0][0] is 0 or 1" in refused_by(account, tier=digits)
    for flag in ("is_asset", "short_only"):
        assert f"{flag}[0] is 0 or 1" in refused_by(with_row(QUIET, 0, **{flag: 2}))


@OF_ONE_ACCOUNT
def test_duplicate_ids(name):
    """The same asset twice would count twice, or hide a debt behind a balance."""
    circuit = circuit_of(name, 4)
    rows = (QUIET.rows[0], QUIET.rows[0], RawRow(), RawRow())
    inputs = replace(QUIET, rows=rows).inputs(name, **ANY[name])
    assert broken_labels(circuit, committed(circuit, inputs)) == {"row 1 has a higher instrument id than row 0"}


def test_sum_overflow():
    """Debts at the end of every range, whose sum passes any power of two that a narrower sum would wrap at.

    Sums are over integers with proved intervals; one that could leave the signed range of the field does not compile.
    """
    debt = {"amount": -(2**63), "price": 2**64 - 1, "notional_price": 2**64 - 1}
    rows = tuple(replace(row, **debt) for row in QUIET.rows)
    assert refused_by(replace(QUIET, rows=rows)) == {COVERED}
    with pytest.raises(CircuitError, match="leaves the signed range of the field"):
        saying(lambda c, x: c.require(sum(wire * 2**180 for wire in x) >= 0, "sum"), x=(sint(64), 2**10))


def test_maximum_instead_of_sum():
    """Two debts, either of which the collateral covers, and not both."""
    coin = {"price": 10**9, "notional_price": 10**9, "tiers": ((0, UNBOUNDED, 10**6, 0, 0),)}
    numbers = (8, 48, 88)

    def owing(first, second):
        held = zip(numbers, (100, -first, -second), strict=True)
        return replace(QUIET, rows=(*(RawRow(number, amount, **coin) for number, amount in held), RawRow()))

    for first, second, refused in ((60, 0, False), (0, 60, False), (60, 40, False), (60, 41, True), (60, 60, True)):
        assert refused_by(owing(first, second)) == ({COVERED} if refused else set())


@OF_ONE_ACCOUNT
def test_non_boolean_path_bits(name):
    """A digit of 2 with children chosen so that every hash and every choice is consistent."""
    circuit = circuit_of(name, 4)
    for i in range(20):
        account = replace(QUIET, place=tuple(2 * (k == i) for k in range(20)))
        inputs = committed(circuit, account.inputs(name, **ANY[name]))
        assert broken_labels(circuit, inputs) == {f"place[{i}] is 0 or 1"}


def test_aliased_public_inputs():
    """x and x + r are one field element: only one of them is an input."""
    vk, (public, words), _ = proved()
    assert verify(vk, public, Proof.from_evm_words(words))
    assert on_chain(words, public) is True
    for i in range(len(public)):
        alias = [*public[:i], public[i] + FR_MODULUS, *public[i + 1 :]]
        with pytest.raises(EncodingError, match="aliases of a value are refused"):
            verify(vk, alias, Proof.from_evm_words(words))
        assert on_chain(words, alias) == "public input is not below r"


def test_non_canonical_bit_decomposition():
    """The 254 digits of x + r add up to x. Statements use 252 digits at most, where no second set exists."""
    for x in (0, 1, 12345):
        witness = ANY_DIGITS.evaluate({"x": x})
        alias = with_digits(ANY_DIGITS, witness, digits_of(x + FR_MODULUS))
        assert "canonical bits" in {violation.label for violation in ANY_DIGITS.violations(alias)}
    with pytest.raises(CircuitError):
        saying(lambda c, x: c.require_uint(x, 253, "fits"), x=FELT)


def test_division_hint_without_bounds():
    """Any remainder has a quotient mod r, and any quotient a remainder: each needs its range."""
    circuit, size = circuit_of("health", 4), 10**6
    counted = with_row(QUIET, 0, amount=1, notional_price=size, tiers=((0, UNBOUNDED, 1, 0, 0),))
    for account, dividend in ((QUIET, 0), (counted, size)):
        inputs = account.inputs("health", **ANY["health"])
        lies = {
            (-pow(size, -1, FR_MODULUS), 1 + dividend): "counted_units[0] is",
            (dividend // size - 1, size): "counted",
            (dividend // size + 1, -size): "counted_rests[0] is",
        }
        for (quotient, rest), label in lies.items():
            told = {"counted_units": [quotient, 0, 0, 0], "counted_rests": [rest, 0, 0, 0]}
            broken = broken_labels(circuit, committed(circuit, {**inputs, **told}))
            assert any(label in each or "the remainder is less than" in each for each in broken), (quotient, rest)


@ANY_STATEMENT
def test_unconstrained_hint(name):
    """The declared inputs of a statement determine every other wire, by rules each of which is a theorem."""
    system = System(circuit_of(name, 4))
    assert undetermined(system, system.inputs) == set()


@ANY_STATEMENT
def test_unused_public_input(name):
    """Each public input stands in a row, has a point of the key of its own, and counts in the equation."""
    circuit = circuit_of(name, 4)
    touched = {int(wire) for matrix in circuit.r1cs.matrices().values() for wire in matrix.wire}
    assert set(range(1, circuit.r1cs.n_public + 1)) <= touched
    vk, (public, words), _ = proved(name)
    assert len({point.evm_words() for point in vk.ic}) == len(public) + 1
    for i in range(len(public)):
        other = [*public[:i], (public[i] + 1) % FR_MODULUS, *public[i + 1 :]]
        assert not verify(vk, other, Proof.from_evm_words(words))
    with pytest.raises(CircuitError, match="no row touches it"):
        saying(lambda c, out, x: c.require(x > 0, "x"), out=FELT, x=uint(8))


@ANY_STATEMENT
def test_proof_replay(name):
    """A proof holds for one epoch's root and one context, which names chain, registry, recipient and challenge."""
    vk, (public, words), (other, _) = proved(name)
    names = circuit_of(name, 4).public_names
    for field in ("state_root", "context"):
        i = names.index(field)
        assert public[i] != other[i]
        assert not verify(vk, [*public[:i], other[i], *public[i + 1 :]], Proof.from_evm_words(words))


def test_proof_malleability():
    """Anyone can turn a Groth16 proof into another of the same statement: its bytes identify nothing, and nothing here
    takes them for an identity. What was proved stays what it was."""
    vk, (public, words), (other, _) = proved()
    twin = list(words)
    for i in (1, 4, 5):
        twin[i] = FP_MODULUS - words[i]
    assert twin != words
    assert verify(vk, public, Proof.from_evm_words(twin))
    assert on_chain(twin, public) is True
    assert not verify(vk, other, Proof.from_evm_words(twin))
    assert on_chain(twin, other) is False
    for alone in ((1,), (4, 5), (7,)):
        bent = [FP_MODULUS - word if i in alone else word for i, word in enumerate(words)]
        assert not verify(vk, public, Proof.from_evm_words(bent))
        assert on_chain(bent, public) is False


def test_key_with_related_gamma_and_delta():
    """Where delta is known to be k times gamma, public inputs can be moved into C and anything proved."""
    vk, *_ = proved()
    equal = replace(vk, delta=vk.gamma)  # both the generator, which is what a key is before anyone contributes
    with pytest.raises(InputError, match="nobody has contributed"):
        verify(VerifyingKey.from_json(equal.to_json()), proved()[1][0], Proof.from_evm_words(proved()[1][1]))
    for k in (-1, 2, -3):
        with pytest.raises(InputError, match=r"delta is -?\d+ times gamma"):
            VerifyingKey.from_json(replace(vk, delta=vk.gamma * (k % FR_MODULUS)).to_json())
    code = artefact("Groth16Verifier")
    words = vk.evm_words()
    pairs = [words[i : i + 2] for i in range(0, len(words), 2)]
    for gamma_y in (pairs[6], tuple(FP_MODULUS - y for y in pairs[6])):
        delta = (pairs[5], pairs[6])
        creation = code.creation(pairs[0], (pairs[1], pairs[2]), (pairs[5], gamma_y), delta, pairs[7:], bytes(32))
        with pytest.raises(RefusedError) as caught:
            RevmChain(1_800_000_000).deploy(creation)
        assert caught.value.rule == "gamma and delta are equal or negated"


def test_missing_subgroup_check():
    """B on the twist and outside the group of order r."""
    _, (public, words), _ = proved()
    outside = [word for pair in outside_the_subgroup() for word in pair]
    bent = [*words[:2], *outside, *words[6:]]
    with pytest.raises(EncodingError, match="subgroup"):
        Proof.from_evm_words(bent)
    assert on_chain(bent, public) == MALFORMED


def test_infinity_points():
    """With A or B and C at infinity the equation would speak of the key alone."""
    _, (public, words), _ = proved()
    for zeroed in (range(2), range(2, 6), range(6, 8), range(8)):
        bent = [0 if i in zeroed else word for i, word in enumerate(words)]
        with pytest.raises(EncodingError, match="infinity"):
            Proof.from_evm_words(bent)
        assert on_chain(bent, public) == MALFORMED
    proof = Proof.from_evm_words(words)
    for part, infinity in (("a", G1.infinity()), ("b", G2.infinity()), ("c", G1.infinity())):
        with pytest.raises(EncodingError, match="infinity"):
            replace(proof, **{part: infinity})


def test_wrong_input_count():
    """Fewer inputs would leave the last points of the key out, more would be ignored."""
    vk, (public, words), _ = proved()
    for wrong in (public[:-1], [*public, 0], [], public[1:]):
        with pytest.raises(LengthError, match="public inputs, the key takes"):
            verify(vk, wrong, Proof.from_evm_words(words))
        assert on_chain(words, wrong) == "wrong number of public inputs"


@ANY_STATEMENT
def test_the_witnesses_attacked_are_good_ones(name):
    """The accounts from which all these attacks start are accepted."""
    circuit = circuit_of(name, 4)
    for inputs in good(name, 4):
        assert circuit.solve(inputs)
