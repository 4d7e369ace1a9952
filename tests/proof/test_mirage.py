"""Mirage held to py_ecc's pairing, and to every change of a proof, a statement or a key."""

import dataclasses
import hashlib

import pytest
from py_ecc import optimized_bn128 as ecc

from tests.proof.frames import joined
from tests.proof.mirage_cases import (
    HELD,
    LISTED,
    TRAPDOOR,
    WORTH,
    Made,
    made,
    pairs,
    statement_of,
    worth_block,
    worth_witness,
)
from zkstate.algebra.bn254 import FP_MODULUS, G1, G2
from zkstate.constraint import broken_blocks
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.unrolled import Unrolled
from zkstate.errors import EncodingError, EnvironmentFailure, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import groth16, mirage, zkey_file
from zkstate.proof.mirage import Proof, Statement, challenges_of, digest_of, verify, verify_batch

POINTS = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def proof() -> Proof:
    return made().prove()


def point(proof, name):
    return proof.d if name == "d" else getattr(proof.rest, name)


def with_point(proof, name, value):
    if name == "d":
        return dataclasses.replace(proof, d=value)
    return dataclasses.replace(proof, rest=dataclasses.replace(proof.rest, **{name: value}))


def with_item(statement, i, values):
    known = [item.to_ints() for item in statement.known]
    known[i] = values
    return Statement(statement.public, tuple(map(FrVec.from_ints, known)))


# the equation, and what its challenges are drawn from, by other code


def drawn(vk, public, known, d):
    """The challenges by hashlib alone."""

    def hashed(content):
        return hashlib.blake2b(content, digest_size=32, person=b"zkstate mirage").digest()

    def words(values):
        return b"".join((x % FR_MODULUS).to_bytes(32, "big") for x in values)

    def chained(content):
        return hashlib.blake2b(content, person=b"zkstate trans v1").digest()

    state = bytes(64)
    for kind, label, content in (
        (1, b"protocol", b"zkstate mirage v1"),
        (1, b"circuit", bytes.fromhex(vk.digest())),
        (1, b"parameters", hashed(b"".join(hashed(words(item)) for item in known))),
        (1, b"public inputs", words(public)),
        (1, b"D", b"".join(c.to_bytes(32, "big") for c in d.affine)),
        (2, b"tables", (3).to_bytes(8, "big")),
    ):
        sizes = (len(label).to_bytes(8, "big"), len(content).to_bytes(8, "big"))
        state = chained(state + bytes([kind]) + sizes[0] + label + sizes[1] + content)
    return [int.from_bytes(chained(state + b"\4" + i.to_bytes(8, "big")), "big") % FR_MODULUS for i in range(3)]


def g1(point):
    x, y = point.affine
    return ecc.FQ(x), ecc.FQ(y), ecc.FQ(1)


def g2(point):
    x, y = point.affine
    return ecc.FQ2(x), ecc.FQ2(y), ecc.FQ2.one()


def equation(vk, public, known, proof):
    """Whether py_ecc accepts."""
    challenges = drawn(vk, public, known, proof.d)
    total = 0
    for value in reversed([value for item in known for value in item]):
        total = (total * challenges[2] + value) % FR_MODULUS
    bound = g1(vk.ic[0])
    for value, point in zip([*public, *challenges, total], vk.ic[1:], strict=True):
        bound = ecc.add(bound, ecc.multiply(g1(point), value % FR_MODULUS))
    product = ecc.pairing(g2(vk.gamma), ecc.neg(bound), final_exponentiate=False)
    for left, right, sign in (
        (proof.rest.a, proof.rest.b, 1),
        (vk.alpha, vk.beta, -1),
        (proof.rest.c, vk.delta, -1),
        (proof.d, vk.delta_committed, -1),
    ):
        point = g1(left) if sign == 1 else ecc.neg(g1(left))
        product = product * ecc.pairing(g2(right), point, final_exponentiate=False)
    return ecc.final_exponentiate(product) == ecc.FQ12.one()


def test_py_ecc_accepts_our_proof_and_no_changed_one(proof):
    vk, statement = made().key.vk, made().statement
    known = [item.to_ints() for item in statement.known]
    assert equation(vk, [WORTH], known, proof)
    assert verify(vk, statement, proof)
    changed = [[*known[0][:-1], known[0][-1] + 1], *known[1:]]
    other = made().prove()
    for case in ((vk, [WORTH + 1], known, proof), (vk, [WORTH], changed, proof)):
        assert not equation(*case)
    assert not equation(vk, [WORTH], known, dataclasses.replace(proof, d=other.d))


def test_challenges_are_the_hashes_that_are_stated(proof):
    vk, statement = made().key.vk, made().statement
    found = challenges_of(vk, statement, proof.d)
    assert found == drawn(vk, [WORTH], [item.to_ints() for item in statement.known], proof.d)
    assert len(set(found)) == 3


# what a proof is about


def test_every_changed_point_is_refused(proof):
    vk, statement, other = made().key.vk, made().statement, made().prove()
    for name in POINTS:
        own = point(proof, name)
        for changed in (point(other, name), -own, own + type(own).generator(), own + own):
            assert changed != own
            assert not verify(vk, statement, with_point(proof, name, changed))
        with pytest.raises(EncodingError, match="is the point at infinity"):
            with_point(proof, name, type(own).infinity())
    # a D that hides the same wires otherwise, and a C that makes up for it
    for delta, in_g1 in ((vk.delta, made().key.delta_1), (vk.delta_committed, made().key.committed_1)):
        assert delta is not None
        moved = with_point(with_point(proof, "d", proof.d + in_g1), "c", proof.rest.c + -in_g1)
        assert not verify(vk, statement, moved)
    blinded = with_point(proof, "d", proof.d + made().key.delta_1)
    assert not verify(vk, statement, with_point(blinded, "c", proof.rest.c + -made().key.committed_1))
    for first, second in (("a", "c"), ("a", "d"), ("c", "d")):
        swapped = with_point(with_point(proof, first, point(proof, second)), second, point(proof, first))
        assert not verify(vk, statement, swapped)
    # malleable by design, as Groth16 is: bytes are no identifier
    assert verify(vk, statement, with_point(with_point(proof, "a", -proof.rest.a), "b", -proof.rest.b))


def test_every_changed_value_of_a_statement_is_refused(proof):
    vk, statement = made().key.vk, made().statement
    for value in (WORTH + 1, WORTH - 1, 0, -WORTH):
        assert not verify(vk, Statement(FrVec.from_ints([value]), statement.known), proof)
    known = [item.to_ints() for item in statement.known]
    for i, item in enumerate(known):
        for j, value in enumerate(item):
            for other in (value + 1, -value - 1):
                assert not verify(vk, with_item(statement, i, [*item[:j], other, *item[j + 1 :]]), proof)


def test_items_are_told_apart_and_in_order(proof):
    vk, statement = made().key.vk, made().statement
    known = [item.to_ints() for item in statement.known]
    flat = [value for item in known for value in item]
    others = [
        [known[1], known[0], *known[2:]],
        [[*known[0], known[1][0]], known[1][1:], *known[2:]],
        [flat],
        [*known, []],
        [*known[:-1], [*known[-1], 0]],
        known[:-1],
        [],
    ]
    for items in others:
        assert not verify(vk, Statement(statement.public, tuple(map(FrVec.from_ints, items))), proof)


def test_digests_that_a_caller_has_are_those_of_the_items(proof):
    vk, statement = made().key.vk, made().statement
    digests = tuple(map(digest_of, statement.known))
    assert verify(vk, dataclasses.replace(statement, digests=digests), proof)
    with pytest.raises(LengthError, match="digests of"):
        verify(vk, dataclasses.replace(statement, digests=digests[:-1]), proof)


def test_another_number_of_public_inputs(proof):
    vk, statement = made().key.vk, made().statement
    for public in ([], [WORTH, 0]):
        with pytest.raises(LengthError, match="public inputs, the key takes 5"):
            verify(vk, Statement(FrVec.from_ints(public), statement.known), proof)


def test_challenges_depend_on_all_that_is_stated(proof):
    vk, statement = made().key.vk, made().statement
    found = [challenges_of(vk, statement, proof.d)]
    for field in ("alpha", "beta", "gamma", "delta", "delta_committed"):
        value = getattr(vk, field)
        found.append(challenges_of(dataclasses.replace(vk, **{field: value + value}), statement, proof.d))
    for i, own in enumerate(vk.ic):
        ic = (*vk.ic[:i], own + own, *vk.ic[i + 1 :])
        found.append(challenges_of(dataclasses.replace(vk, ic=ic), statement, proof.d))
    found.append(challenges_of(vk, statement, -proof.d))
    found.append(challenges_of(vk, Statement(FrVec(1), statement.known), proof.d))
    for i, item in enumerate(statement.known):
        values = item.to_ints()
        found.append(challenges_of(vk, with_item(statement, i, [*values[:-1], values[-1] + 1]), proof.d))
    assert len({value for each in found for value in each}) == 3 * len(found)


def test_why_known_values_are_hashed(monkeypatch):
    """Were they not, others that come to the same at the challenge would do."""
    case = pairs()
    monkeypatch.setattr(Statement, "digest", bytes(32))
    proof = case.prove()
    at = challenges_of(case.key.vk, case.statement, proof.d)[2]
    first, *_ = case.statement.known
    values = first.to_ints()
    other = with_item(case.statement, 0, [values[0] + at, values[1] - 1])
    assert verify(case.key.vk, case.statement, proof)
    assert verify(case.key.vk, other, proof)
    monkeypatch.undo()
    assert not verify(case.key.vk, other, proof)


def test_proofs_can_be_made_of_a_trapdoor_and_no_witness():
    """The simulator: three points at random, and the C that the equation leaves. So a proof shows nothing else."""
    case, t = pairs(), TRAPDOOR
    vk, statement = case.key.vk, case.statement
    a, b, d = 0xA << 100, 0xB << 111, 0xD << 122
    point = G1.generator() * d
    inputs = statement.inputs(challenges_of(vk, statement, point))
    ic = vk.ic[0]
    for value, each in zip(inputs, vk.ic[1:], strict=True):
        ic = ic + each * value
    inverse = pow(t.delta, -1, FR_MODULUS)
    c = (G1.generator() * ((a * b - t.alpha * t.beta - d * t.delta_committed) % FR_MODULUS) + -ic) * inverse
    rest = groth16.Proof(G1.generator() * a, G2.generator() * b, c)
    assert verify(vk, statement, Proof(rest, point))


# many at once


def test_a_batch_is_the_conjunction(proof):
    vk, statement = made().key.vk, made().statement
    good, again = (statement, proof), (statement, made().prove())
    false = [
        (Statement(FrVec.from_ints([WORTH + 1]), statement.known), proof),
        *((statement, with_point(proof, name, point(again[1], name))) for name in POINTS),
    ]
    assert verify_batch(vk, [good])
    assert verify_batch(vk, [good, again, good])
    for bad in false:
        assert not verify_batch(vk, [bad])
        for at in range(3):
            assert not verify_batch(vk, [bad if i == at else good for i in range(3)])
    with pytest.raises(LengthError, match="no proofs"):
        verify_batch(vk, [])
    with pytest.raises(LengthError, match="public inputs"):
        verify_batch(vk, [good, (Statement(FrVec(0), statement.known), proof)])


def test_errors_of_two_proofs_do_not_cancel_in_a_batch(proof):
    vk, statement, shift = made().key.vk, made().statement, G1.generator() * 77
    pair = [(statement, with_point(proof, "c", proof.rest.c + by)) for by in (shift, -shift)]
    assert verify_batch(vk, pair, rng=bytes)  # all weights 1: the weights are what stops it
    assert not verify_batch(vk, pair)


# provers


def test_two_proofs_of_one_witness_share_no_point(proof):
    other = made().prove()
    assert all(point(proof, name) != point(other, name) for name in POINTS)


def test_proofs_are_randomised_by_the_given_source_alone():
    ones = b"\x01".__mul__
    assert made().prove(rng=ones) == made().prove(rng=ones)
    kappas = (3, 0x5EED << 64)
    found = set()
    for kappa in kappas:
        draws = iter((kappa, 5, 7))
        proof = made().prove(rng=lambda n, draws=draws: next(draws).to_bytes(n, "big"))
        found.add(proof.d + -(made().key.delta_1 * kappa))
    assert len(found) == 1  # what is hidden: the first phase alone
    with pytest.raises(EnvironmentFailure, match="broken"):
        made().prove(rng=bytes)


def test_proofs_by_several_threads_are_the_same():
    ones = b"\x01".__mul__
    assert made().prove(rng=ones, threads=1) == made().prove(rng=ones, threads=2)


def own_changed(name, number, by):
    """The witness with one input of one block changed, and nothing behind it."""
    circuit, good = made().circuit, made().witness
    own = good.own.to_ints()
    (item,) = (item for item in circuit.block.circuit.inputs if item.name == name)
    own[circuit.block.own.tolist().index(item.first) * circuit.blocks + number] += by
    return BlockWitness(FrVec.from_ints(own), good.public, good.columns, circuit.blocks)


@pytest.mark.parametrize(
    ("witness", "rule"),
    [
        (lambda: worth_witness(worth=WORTH + 1), "the worth is that of all, in block 2, first"),
        (lambda: own_changed("asset", 1, 1), "breaks 1 rows of the circuit, row .* by which what is looked up in all"),
        (lambda: own_changed("amount", 1, 4), "breaks 2 rows"),
    ],
    ids=["another sum", "a price not listed", "an amount out of range"],
)
def test_a_wrong_witness_is_refused_by_its_rule(witness, rule):
    wrong = witness()
    assert list(broken_blocks(worth_block(), wrong))
    with pytest.raises(WitnessError, match=rule):
        Made(made().circuit, made().key, wrong).prove()
    bare = zkey_file.decode(joined(zkey_file.encode(made().key)))
    assert bare.matrix_c is None
    with pytest.raises(WitnessError, match="the proof made of it is false"):
        Made(made().circuit, bare, wrong).prove()


def test_lookups_name_what_they_are_about():
    with pytest.raises(WitnessError, match="the price is listed: a block looks up what table prices does not have"):
        worth_witness(price=[70, 100, 71], worth=WORTH + 1)
    with pytest.raises(WitnessError, match="the amount is below four: "):
        worth_witness(amount=[4, *HELD["amount"][1:]], worth=WORTH + 70)


def test_statements_of_other_columns_are_other_statements(proof):
    other = worth_witness(listed={"assets": [1, 2, 3], "prices": [100, 70, 5]})
    assert list(broken_blocks(worth_block(), other)) == []
    statement = statement_of(made().circuit, other)
    assert not verify(made().key.vk, statement, proof)
    assert verify(made().key.vk, statement, Made(made().circuit, made().key, other).prove())
    # the last value goes on: the same statement said in full
    same = worth_witness(listed={name: [*values, values[-1]] for name, values in LISTED.items()})
    assert verify(made().key.vk, statement_of(made().circuit, same), proof)


def test_what_was_derived_from_the_witness_is_wiped(monkeypatch):
    case, seen = made(), []

    def spied(owner, name):
        original = getattr(owner, name)

        def spy(*args, **more):
            seen.append(original(*args, **more))
            return seen[-1]

        monkeypatch.setattr(owner, name, spy)

    spied(mirage, "random_scalar")
    spied(groth16, "random_scalar")
    spied(groth16, "_quotient")
    spied(groth16, "sparse_product")
    spied(Unrolled, "committed")
    spied(Unrolled, "complete")
    case.prove()
    assert len(seen) == 3 + 1 + 3 + 2
    assert not any(any(vector.raw()) for vector in seen)
    assert any(case.witness.own.raw())
    for wrong in (worth_witness(worth=WORTH + 1), own_changed("asset", 0, 9)):
        seen.clear()
        with pytest.raises(WitnessError):
            Made(case.circuit, case.key, wrong).prove()
        assert len(seen) == 1 + 3 + 2
        assert not any(any(vector.raw()) for vector in seen)
    seen.clear()
    monkeypatch.setattr(mirage, "challenges_of", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        case.prove()
    assert len(seen) == 2
    assert not any(any(vector.raw()) for vector in seen)


def test_evm_words_round_trip(proof):
    words = proof.evm_words()
    assert words == (*proof.rest.evm_words(), *proof.d.affine)
    assert Proof.from_evm_words(words) == proof
    for wrong in (words[:-1], (*words, 0), ()):
        with pytest.raises(LengthError, match="words, expected 10"):
            Proof.from_evm_words(wrong)
    for i in range(10):
        for value in (words[i] + FP_MODULUS, words[i] ^ 1):
            with pytest.raises(EncodingError):
                Proof.from_evm_words([*words[:i], value, *words[i + 1 :]])
    for start, end in ((0, 2), (2, 6), (6, 8), (8, 10)):
        with pytest.raises(EncodingError, match="infinity"):
            Proof.from_evm_words([*words[:start], *[0] * (end - start), *words[end:]])
