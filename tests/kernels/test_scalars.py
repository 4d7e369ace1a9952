"""FrVec against Python's integers, and its decoders against everything that is not a scalar."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkstate.errors import EncodingError, InputError, LengthError
from zkstate.kernels import FR_MODULUS, FrVec

R = FR_MODULUS
MONTGOMERY = 1 << 256
edges = [
    0,
    1,
    2,
    R - 1,
    R - 2,
    R // 2,
    R // 2 + 1,
    (1 << 64) - 1,
    1 << 64,
    1 << 128,
    1 << 192,
    1 << 253,
    MONTGOMERY % R,
]
# Also scalars whose Montgomery form is extreme, which is what the C core computes with.
edges += [e * pow(MONTGOMERY, -1, R) % R for e in edges]
scalars = st.one_of(st.integers(0, R - 1), st.sampled_from(edges))
pairs = st.lists(st.tuples(scalars, scalars), max_size=12)


def vec(values):
    return FrVec.from_ints(values)


@given(pairs, scalars)
def test_arithmetic_agrees_with_integers(terms, c):
    a, b = [x for x, _ in terms], [y for _, y in terms]
    u, v = vec(a), vec(b)
    assert (u + v).to_ints() == [(x + y) % R for x, y in terms]
    assert (u - v).to_ints() == [(x - y) % R for x, y in terms]
    assert (u * v).to_ints() == [x * y % R for x, y in terms]
    assert u.scale(c).to_ints() == [c * x % R for x in a]
    assert u.dot(v) == sum(x * y for x, y in terms) % R
    assert u.evaluate(c) == sum(x * c**i for i, x in enumerate(a)) % R
    assert u.scale_powers(c, 3).to_ints() == [x * 3 * c**i % R for i, x in enumerate(a)]


def test_edges_with_each_other():
    a, b = [x for x in edges for _ in edges], edges * len(edges)
    u, v = vec(a), vec(b)
    assert (u + v).to_ints() == [(x + y) % R for x, y in zip(a, b, strict=True)]
    assert (u - v).to_ints() == [(x - y) % R for x, y in zip(a, b, strict=True)]
    assert (u * v).to_ints() == [x * y % R for x, y in zip(a, b, strict=True)]


@given(st.lists(scalars.filter(bool), max_size=8))
def test_inverse_agrees_with_integers(values):
    assert vec(values).inverse().to_ints() == [pow(x, -1, R) for x in values]
    for x in values:
        assert vec([x]).inverse()[0] == pow(x, -1, R)


def test_inverse_of_powers_of_two_and_their_neighbours():
    values = [x % R for k in range(254) for x in ((1 << k) - 1, 1 << k, -(1 << k)) if x % R]
    assert [vec([x]).inverse()[0] for x in values] == [pow(x, -1, R) for x in values]


@pytest.mark.parametrize("at", [0, 1, 4])
def test_zero_has_no_inverse(at):
    values = [5, 6, 7, 8, 9]
    values[at] = 0
    with pytest.raises(InputError, match=f"scalar {at} is zero"):
        vec(values).inverse()


@pytest.mark.parametrize("n", [(1 << 15) - 1, (1 << 15) + 3])
def test_long_vectors_are_the_same_in_threads(n):
    values = [(i * i * 7919 + 1) % R for i in range(n)]
    u = vec(values)
    assert (u * u).to_ints() == [x * x % R for x in values]
    ratio, power = 12345, 1
    scaled = u.scale_powers(ratio).to_ints()
    for i in range(n):
        if i % 997 == 0 or i > n - 3:
            assert scaled[i] == values[i] * power % R
        power = power * ratio % R


@given(st.lists(st.integers(-(1 << 300), 1 << 300), max_size=10))
def test_from_ints_takes_any_integer(values):
    assert vec(values).to_ints() == [x % R for x in values]


@given(st.lists(scalars, max_size=10))
def test_codecs_round_trip(values):
    u = vec(values)
    big = b"".join(x.to_bytes(32, "big") for x in values)
    little = b"".join(x.to_bytes(32, "little") for x in values)
    assert u.to_bytes() == big
    assert u.to_le_bytes() == little
    assert bytes(u.raw()) == b"".join((x * MONTGOMERY % R).to_bytes(32, "little") for x in values)
    assert u.to_limbs().tolist() == [[x >> 64 * k & (1 << 64) - 1 for k in range(4)] for x in values]
    for back in (
        FrVec.from_bytes(big),
        FrVec.from_le_bytes(bytearray(little)),
        FrVec.from_raw(u.raw()),
        FrVec.from_limbs(u.to_limbs()),
    ):
        assert back == u


@pytest.mark.parametrize("bad", [R, R + 1, (1 << 256) - 1, R + (1 << 64), 1 << 255, 1 << 254])
@pytest.mark.parametrize("at", [0, 2])
def test_integers_not_below_r_are_refused(bad, at):
    values = [1, 2, 3]
    values[at] = bad
    for decode, order in ((FrVec.from_bytes, "big"), (FrVec.from_le_bytes, "little"), (FrVec.from_raw, "little")):
        with pytest.raises(EncodingError, match=f"scalar {at} is not below"):
            decode(b"".join(x.to_bytes(32, order) for x in values))
    limbs = np.array([[x >> 64 * k & (1 << 64) - 1 for k in range(4)] for x in values], dtype=np.uint64)
    with pytest.raises(EncodingError, match=f"scalar {at} is not below"):
        FrVec.from_limbs(limbs)


@pytest.mark.parametrize("size", [1, 31, 33, 63])
def test_partial_scalars_are_refused(size):
    for decode in (FrVec.from_bytes, FrVec.from_le_bytes, FrVec.from_raw):
        with pytest.raises(LengthError, match=f"{size} bytes"):
            decode(bytes(size))


@pytest.mark.parametrize("limbs", [np.zeros((2, 3), np.uint64), np.zeros(4, np.uint64), np.zeros((2, 4), np.uint32)])
def test_limbs_of_another_shape_are_refused(limbs):
    with pytest.raises(LengthError):
        FrVec.from_limbs(limbs)


def test_limbs_need_not_be_contiguous():
    wide = np.arange(16, dtype=np.uint64).reshape(2, 8)
    assert FrVec.from_limbs(wide[:, ::2]) == FrVec.from_limbs(np.ascontiguousarray(wide[:, ::2]))


def test_containers():
    u = vec(range(10))
    assert len(u) == 10
    assert (u[0], u[9], u[-1], u[-10]) == (0, 9, 9, 0)
    assert u.slice(2, 5).to_ints() == [2, 3, 4]
    assert len(u.slice(10, 10)) == 0
    assert FrVec.concat([u.slice(0, 3), FrVec(0), u.slice(3, 10)]) == u
    assert len(FrVec.concat([])) == 0
    assert FrVec(3).to_ints() == [0, 0, 0]
    assert FrVec.ones(3).to_ints() == [1, 1, 1]
    assert vec([1, 2]).repeated(2).to_ints() == [1, 2, 1, 2]
    assert u.copy() == u
    assert u.copy().array != u.array
    assert u != vec(range(9))
    assert u != "u"
    for index in (10, -11):
        with pytest.raises(IndexError):
            u[index]
    for start, stop in ((-1, 3), (4, 3), (0, 11)):
        with pytest.raises(LengthError):
            u.slice(start, stop)
    with pytest.raises(LengthError):
        FrVec(-1)
    with pytest.raises(TypeError):
        hash(u)


def test_lengths_must_agree():
    u, v = vec([1, 2]), vec([1])
    for operation in (lambda: u + v, lambda: u - v, lambda: u * v, lambda: u.dot(v)):
        with pytest.raises(LengthError, match="2 and 1"):
            operation()


def test_repr_shows_no_values():
    assert repr(vec([123456789])) == "FrVec(1)"


def test_raw_is_read_only():
    with pytest.raises(TypeError):
        vec([1]).raw()[0] = 1


@settings(max_examples=10)
@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_decode_or_are_refused(data):
    value = int.from_bytes(data, "big")
    if value < R:
        assert FrVec.from_bytes(data)[0] == value
    else:
        with pytest.raises(EncodingError):
            FrVec.from_bytes(data)
