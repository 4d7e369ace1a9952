"""Points, sums of multiples and pairings, against the EVM's vectors, py_ecc and the laws of bilinear groups."""

import json
from contextlib import suppress
from dataclasses import FrozenInstanceError
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.algebra import oracle
from tests.shared import shared_path
from zkstate.algebra.bn254 import FP_MODULUS, FR_MODULUS, G1, G2, msm, pairing_check, root_of_unity
from zkstate.errors import EncodingError, LengthError

P, Q = G1.generator(), G2.generator()
scalars = st.one_of(
    st.integers(0, FR_MODULUS - 1),
    st.sampled_from([0, 1, 2, FR_MODULUS - 1, FR_MODULUS - 2, FR_MODULUS // 2, FR_MODULUS // 2 + 1, 1 << 253]),
    st.integers(0, 1 << 20),
)


def vectors(name):
    return [pytest.param(v, id=v["Name"]) for v in json.loads(shared_path(f"vectors/bn254/{name}.json").read_text())]


def evm_input(vector, size):
    """What a precompile reads: `size` bytes, zero padded on the right."""
    return bytes.fromhex(vector["Input"])[:size].ljust(size, b"\0")


def pytest_generate_tests(metafunc):
    files = {"add_vector": "geth_bn256Add", "mul_vector": "geth_bn256ScalarMul", "pairing_vector": "geth_bn256Pairing"}
    for argument, name in files.items():
        if argument in metafunc.fixturenames:
            try:
                found = vectors(name)
            except pytest.skip.Exception as missing:
                found = [pytest.param(None, marks=pytest.mark.skip(reason=str(missing)))]
            metafunc.parametrize(argument, found)


def test_evm_add(add_vector):
    data = evm_input(add_vector, 128)
    assert (G1.decode(data[:64]) + G1.decode(data[64:])).encode().hex() == add_vector["Expected"]


def test_evm_mul(mul_vector):
    data = evm_input(mul_vector, 96)
    product = G1.decode(data[:64]) * int.from_bytes(data[64:], "big")
    assert product.encode().hex() == mul_vector["Expected"]


def test_evm_pairing(pairing_vector):
    data = bytes.fromhex(pairing_vector["Input"])
    assert len(data) % 192 == 0
    pairs = [(G1.decode(data[i : i + 64]), G2.decode(data[i + 64 : i + 192])) for i in range(0, len(data), 192)]
    assert int(pairing_check(pairs)) == int(pairing_vector["Expected"], 16)


@settings(max_examples=25)
@given(scalars)
def test_multiples_agree_with_py_ecc(k):
    assert (P * k).affine == oracle.g1(k)
    assert (k * Q).affine == oracle.g2(k)


@settings(max_examples=25)
@given(scalars, scalars)
def test_sums_agree_with_py_ecc(a, b):
    assert (P * a + P * b).affine == oracle.g1(a + b)
    assert (Q * a - Q * b).affine == oracle.g2(a - b)


@pytest.mark.parametrize("generator", [P, Q], ids=["G1", "G2"])
def test_addition_is_complete(generator):
    point, zero = 5 * generator, type(generator).infinity()
    assert point + zero == zero + point == point
    assert point + point == 10 * generator
    assert point + -point == zero == zero + zero == -zero
    assert zero.is_infinity
    assert not point.is_infinity
    assert generator * FR_MODULUS == zero == generator * 0
    assert generator * -1 == -generator
    assert zero.affine is None
    assert type(point).decode(zero.encode()) == zero


@settings(max_examples=20)
@given(scalars, scalars)
def test_pairing_is_bilinear(a, b):
    assert pairing_check([(P * a, Q * b), (P * -(a * b), Q)])
    assert pairing_check([(P * a, Q), (P * b, Q), (P * -(a + b), Q)])
    assert pairing_check([(P * a, Q * b), (P * (a * b + 1), -Q)]) is False


def test_pairing_is_not_degenerate():
    assert not pairing_check([(P, Q)])
    assert pairing_check([])
    assert pairing_check([(G1.infinity(), Q), (P, G2.infinity())])
    assert not pairing_check([(G1.infinity(), Q), (P, Q)])


def test_pairing_products_agree_with_py_ecc():
    pairs = [(3, 5), (7, 2), (11, 13)]
    last = -sum(a * b for a, b in pairs)
    values = []
    for a, b in [*pairs, (last, 1)]:
        values.append(oracle.pairing(oracle.multiply(oracle.G2, b), oracle.multiply(oracle.G1, a % FR_MODULUS)))
    assert prod(values[1:], start=values[0]) == type(values[0]).one()
    assert pairing_check([(P * a, Q * b) for a, b in [*pairs, (last, 1)]])


@pytest.mark.parametrize("n", [15, 16, 17, 33])
def test_pairing_of_many_pairs(n):
    pairs = [(P * (k + 1), Q * (2 * k + 1)) for k in range(n)]
    total = sum((k + 1) * (2 * k + 1) for k in range(n))
    assert pairing_check([*pairs, (P * -total, Q)])
    assert not pairing_check([*pairs, (P * (1 - total), Q)])


@settings(max_examples=20)
@given(st.lists(st.tuples(scalars, scalars), max_size=40))
def test_msm_agrees_with_py_ecc(terms):
    points, factors = [P * a for a, _ in terms], [b for _, b in terms]
    assert msm(points, factors).affine == oracle.g1(sum(a * b for a, b in terms))


def test_msm_lengths_must_agree():
    with pytest.raises(LengthError, match="2 points and 1 scalars"):
        msm([P, P], [1])


def off_by_one_word(words):
    return [[*words[:i], (words[i] + 1) % FP_MODULUS, *words[i + 1 :]] for i in range(len(words))]


@pytest.mark.parametrize("point", [P, Q, 12345 * P, 12345 * Q], ids=["P", "Q", "kP", "kQ"])
def test_decoding_refuses_what_is_not_a_point(point):
    kind, words = type(point), list(point.evm_words())
    for bad in off_by_one_word(words):
        with pytest.raises(EncodingError, match="not on the curve"):
            kind.from_evm_words(bad)
    for i, word in enumerate(words):
        aliased = [*words[:i], word + FP_MODULUS, *words[i + 1 :]]
        with pytest.raises(EncodingError, match="not in"):
            kind.from_evm_words(aliased)
        if word + FP_MODULUS < 1 << 256:
            with pytest.raises(EncodingError, match="not below"):
                kind.decode(b"".join(w.to_bytes(32, "big") for w in aliased))
    with pytest.raises(LengthError):
        kind.decode(point.encode() + b"\0")
    with pytest.raises(LengthError):
        kind.decode(point.encode()[:-1])
    with pytest.raises(LengthError):
        kind.from_evm_words(words[:-1])
    with pytest.raises(EncodingError):
        kind.from_evm_words([-1, *words[1:]])


@pytest.mark.parametrize("point", oracle.outside_subgroup(6))
def test_points_outside_the_subgroup_are_refused(point):
    with pytest.raises(EncodingError, match="not in the subgroup"):
        G2.from_affine(*point)


def test_points_of_small_order_and_of_the_cofactor_are_refused():
    """r Q for Q outside the subgroup has an order that divides the cofactor 2p - r, which has the factor 10069."""
    cofactor = 2 * FP_MODULUS - FR_MODULUS
    assert cofactor % 10069 == 0
    for x, y in oracle.outside_subgroup(2):
        point = (oracle.FQ2(x), oracle.FQ2(y), oracle.FQ2.one())
        for factor in (FR_MODULUS, FR_MODULUS * (cofactor // 10069)):
            multiple = oracle.affine(oracle.multiply(point, factor))
            assert multiple is not None
            with pytest.raises(EncodingError, match="not in the subgroup"):
                G2.from_affine(*multiple)
        # plus a point of the subgroup it is outside still, and times the cofactor it is inside
        shifted = oracle.affine(oracle.add(oracle.multiply(point, FR_MODULUS), oracle.G2))
        with pytest.raises(EncodingError, match="not in the subgroup"):
            G2.from_affine(*shifted)
        inside = oracle.affine(oracle.multiply(point, cofactor))
        assert G2.from_affine(*inside).affine == inside


def test_the_origin_is_not_infinity():
    with pytest.raises(EncodingError, match="not on the curve"):
        G1.from_affine(0, 0)
    with pytest.raises(EncodingError, match="not on the curve"):
        G2.from_affine((0, 0), (0, 0))


def test_points_of_the_wrong_curve_are_refused():
    with pytest.raises(EncodingError, match="not on the curve"):
        G1.from_affine(1, FP_MODULUS - 3)
    x, y = oracle.g2(1)
    with pytest.raises(EncodingError, match="not on the curve"):
        G2.from_affine((x[1], x[0]), (y[1], y[0]))


@settings(max_examples=30)
@given(st.integers(0, 8 * 128 - 1), st.integers(1, FR_MODULUS - 1))
def test_every_flipped_bit_is_an_error_or_another_point(bit, k):
    for point in (P * k, Q * k):
        data = bytearray(point.encode())
        data[bit // 8 % len(data)] ^= 1 << bit % 8
        with suppress(EncodingError):
            assert type(point).decode(bytes(data)) != point


@settings(max_examples=15)
@given(scalars)
def test_encodings_round_trip(k):
    for point in (P * k, Q * k):
        kind = type(point)
        assert kind.decode(point.encode()) == point
        assert kind.from_evm_words(point.evm_words()) == point
        assert kind(point.raw) == point
        if point.affine is not None:
            assert kind.from_affine(*point.affine) == point


def test_json_is_that_of_snarkjs():
    x, y = oracle.g1(7)
    assert (7 * P).to_json() == [str(x), str(y), "1"]
    (x0, x1), (y0, y1) = oracle.g2(7)
    assert (7 * Q).to_json() == [[str(x0), str(x1)], [str(y0), str(y1)], ["1", "0"]]
    assert G1.infinity().to_json() == ["0", "1", "0"]
    assert G2.infinity().to_json() == [["0", "0"], ["1", "0"], ["0", "0"]]


def test_a_point_is_a_value():
    assert {P, G1.generator(), P + P} == {P, 2 * P}
    assert P != Q
    with pytest.raises(FrozenInstanceError):
        P.raw = bytes(64)
    with pytest.raises(EncodingError):
        G1(bytes([1]) * 64)
    with pytest.raises(LengthError):
        G1(P.raw + P.raw)
    assert eval(repr(5 * Q), {"G2": G2}) == 5 * Q


@pytest.mark.parametrize("log_n", [0, 1, 2, 5, 27, 28])
def test_roots_of_unity(log_n):
    n = 1 << log_n
    root = root_of_unity(n)
    assert pow(root, n, FR_MODULUS) == 1
    assert n == 1 or pow(root, n // 2, FR_MODULUS) == FR_MODULUS - 1
    assert root == pow(pow(5, (FR_MODULUS - 1) >> 28, FR_MODULUS), 1 << (28 - log_n), FR_MODULUS)


@pytest.mark.parametrize("n", [0, -1, 3, 12, 1 << 29])
def test_orders_that_are_no_small_power_of_two_are_refused(n):
    with pytest.raises(LengthError):
        root_of_unity(n)
