"""Poseidon against circomlib's published vectors, and against the permutation as the paper writes it."""

import hashlib
import json
import lzma
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commitment import oracle
from tests.shared import shared_path
from tests.vectors import make_poseidon
from zkstate.commitment.poseidon import chain, parameters, poseidon
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import (
    FR_MODULUS,
    FrVec,
    poseidon_chain_many,
    poseidon_constants,
    poseidon_many,
    poseidon_permutation,
)

# Edges of the field and of its 64-bit limbs beside arbitrary elements.
EDGES = [0, 1, 2, FR_MODULUS - 1, FR_MODULUS - 2, FR_MODULUS // 2, 2**64 - 1, 2**64, 2**128 - 1, 2**253]
ELEMENTS = st.sampled_from(EDGES) | st.integers(0, FR_MODULUS - 1)
VECTORS = json.loads(make_poseidon.PATH.read_text(encoding="ascii"))


def integers(texts):
    return [int(text) for text in texts]


def official():
    return json.loads(shared_path("vectors/poseidon_babyjubjub/circomlibjs_0.1.7.json").read_text())


def test_circomlib_hashes_of_every_arity():
    cases = official()["poseidon"]
    assert {len(case["inputs"]) for case in cases} == set(range(1, 17))
    for case in cases:
        assert poseidon(0, integers(case["inputs"])) == int(case["out"])


def test_circomlib_initial_state_is_the_tag():
    cases = official()["poseidon_ex"]
    assert any(int(case["initState"]) for case in cases)
    for case in cases:
        tag, inputs = int(case["initState"]), integers(case["inputs"])
        words = poseidon_permutation(FrVec.from_ints([tag, *inputs])).to_ints()
        assert words[: case["nOut"]] == integers(case["out"])
        assert poseidon(tag, inputs) == words[0]


@pytest.mark.parametrize("width", oracle.WIDTHS)
def test_constants_are_circomlibs(width):
    published = json.loads(
        lzma.decompress(shared_path("vectors/poseidon_babyjubjub/poseidon_constants.json.xz").read_bytes())
    )
    round_constants, mds = poseidon_constants(width)
    assert round_constants.to_ints() == [int(x, 16) for x in published["C"][width - 2]]
    assert mds.to_ints() == [int(x, 16) for row in published["M"][width - 2] for x in row]


@pytest.mark.parametrize("width", oracle.WIDTHS)
def test_constants_are_those_of_the_papers_generator(width):
    rounds, matrix = oracle.constants(width)
    found = parameters(width)
    assert [list(row) for row in found.round_constants] == rounds
    assert [list(row) for row in found.mds] == matrix
    assert (found.width, found.full_rounds, found.partial_rounds) == (width, 8, oracle.PARTIAL_ROUNDS[width])
    digest = hashlib.sha256(b"".join(vec.to_bytes() for vec in poseidon_constants(width))).hexdigest()
    assert digest == VECTORS["constants"][str(width)]


@pytest.mark.parametrize("width", oracle.WIDTHS)
def test_every_word_agrees_with_full_matrices(width):
    rng = random.Random(width)
    states = [[edge] * width for edge in (0, FR_MODULUS - 1)]
    states += [[rng.randrange(FR_MODULUS) for _ in range(width)] for _ in range(4)]
    for state in states:
        assert poseidon_permutation(FrVec.from_ints(state)).to_ints() == oracle.permutation(state)


@settings(max_examples=60)
@given(ELEMENTS, st.lists(ELEMENTS, min_size=1, max_size=16))
def test_hash_agrees_with_full_matrices(tag, inputs):
    assert poseidon(tag, inputs) == oracle.hash_of(tag, inputs)


@settings(max_examples=20)
@given(ELEMENTS, st.lists(ELEMENTS, min_size=1, max_size=70))
def test_chain_is_blocks_of_sixteen_each_tagging_the_next(tag, inputs):
    assert chain(tag, inputs) == oracle.chain(tag, inputs)


def test_stored_vectors():
    for case in VECTORS["hashes"]:
        assert poseidon(int(case["tag"]), integers(case["inputs"])) == int(case["hash"])
    for case in VECTORS["chains"]:
        assert chain(int(case["tag"]), integers(case["inputs"])) == int(case["hash"])


def test_stored_vectors_are_the_oracles():
    assert make_poseidon.encode(make_poseidon.vectors()) == make_poseidon.PATH.read_text(encoding="ascii")


@given(st.integers(1, 16), st.integers(0, 40), st.integers(0, 5), st.randoms(use_true_random=False))
def test_many_hashes_are_each_hash(arity, rows, threads, rng):
    values = [rng.randrange(FR_MODULUS) for _ in range(arity * rows)]
    tags = [rng.randrange(FR_MODULUS) for _ in range(rows)]
    vector = FrVec.from_ints(values)
    split = [values[i : i + arity] for i in range(0, len(values), arity)]
    shared_tag = poseidon_many(7, vector, arity, threads)
    own_tags = poseidon_many(FrVec.from_ints(tags), vector, arity, threads) if rows else FrVec(0)
    assert shared_tag.to_ints() == [poseidon(7, row) for row in split]
    assert own_tags.to_ints() == [poseidon(tag, row) for tag, row in zip(tags, split, strict=True)]
    assert vector.to_ints() == values


@given(st.integers(1, 50), st.integers(0, 20), st.integers(0, 5), st.randoms(use_true_random=False))
def test_many_chains_are_each_chain(length, rows, threads, rng):
    values = [rng.randrange(FR_MODULUS) for _ in range(length * rows)]
    found = poseidon_chain_many(9, FrVec.from_ints(values), length, threads).to_ints()
    assert found == [chain(9, values[i : i + length]) for i in range(0, len(values), length)]


@given(ELEMENTS, st.lists(ELEMENTS, min_size=1, max_size=16), st.data())
def test_any_changed_word_changes_the_hash(tag, inputs, data):
    state = [tag, *inputs]
    at = data.draw(st.integers(0, len(inputs)))
    state[at] = data.draw(ELEMENTS.filter(lambda x: x != state[at]))
    assert poseidon(state[0], state[1:]) != poseidon(tag, inputs)


@given(ELEMENTS, st.lists(ELEMENTS, min_size=1, max_size=15), ELEMENTS)
def test_a_longer_list_has_another_hash(tag, inputs, extra):
    assert poseidon(tag, [*inputs, extra]) != poseidon(tag, inputs)


@pytest.mark.parametrize("count", [0, 17])
def test_arities_outside_one_to_sixteen_are_refused(count):
    with pytest.raises(LengthError, match=f"{count} inputs"):
        poseidon(0, [1] * count)


def test_an_empty_chain_is_refused():
    with pytest.raises(LengthError, match="at least one"):
        chain(0, [])


@pytest.mark.parametrize("value", [-1, FR_MODULUS, FR_MODULUS + 1, 1 << 256])
@pytest.mark.parametrize("function", [poseidon, chain])
def test_integers_outside_the_field_are_refused_without_showing_them(function, value):
    with pytest.raises(EncodingError, match="input 1") as caught:
        function(0, [1, value])
    assert str(value) not in str(caught.value)
    with pytest.raises(EncodingError, match="tag"):
        function(value, [1, 2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: poseidon_many(0, FrVec(5), 2), "5 inputs are not whole rows of arity 2"),
        (lambda: poseidon_many(0, FrVec(0), 0), "arity 0"),
        (lambda: poseidon_many(0, FrVec(17), 17), "17 inputs"),
        (lambda: poseidon_many(FrVec(3), FrVec(4), 2), "2 rows of 2 inputs under 3 tags"),
        (lambda: poseidon_many(0, FrVec(2), 2, threads=-1), "threads"),
        (lambda: poseidon_chain_many(0, FrVec(5), 2), "length 2"),
        (lambda: poseidon_chain_many(0, FrVec(0), 0), "length 0"),
        (lambda: poseidon_permutation(FrVec(1)), "1 words"),
        (lambda: poseidon_permutation(FrVec(18)), "18 words"),
        (lambda: poseidon_constants(1), "width 1"),
        (lambda: poseidon_constants(18), "width 18"),
        (lambda: parameters(-3), "width -3"),
    ],
)
def test_shapes_that_are_refused(call, message):
    with pytest.raises(LengthError, match=message):
        call()
