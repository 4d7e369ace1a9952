"""Transforms, sums and multiples of many points against their exponents, and the way into G2 against py_ecc."""

from itertools import pairwise

import numpy as np
import pytest

from tests.algebra import oracle
from tests.kernels.test_points import R, edges, in_both, random_scalars
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FrVec, G2Vec, clear_cofactor, ntt


@in_both
@pytest.mark.parametrize("log_n", [0, 1, 2, 3, 4, 5, 6, 7, 8, 11])
def test_a_transform_of_points_is_that_of_their_exponents(kind, multiple, msm, fixed, log_n):
    exponents = random_scalars(1 << log_n, log_n)
    points = [fixed(exponents).lagrange(threads) for threads in (1, 2, 3)]
    ntt(exponents, inverse=True)
    assert points == [fixed(exponents)] * 3


@in_both
def test_a_transform_knows_infinity_and_equal_points(kind, multiple, msm, fixed):
    for values in ([0] * 8, [1] * 8, [1] + [0] * 7, [5, R - 5] * 4):
        exponents = FrVec.from_ints(values)
        transformed = fixed(exponents).lagrange()
        ntt(exponents, inverse=True)
        assert transformed == fixed(exponents)
    for n in (0, 3, 6):
        with pytest.raises(LengthError, match=f"a transform of {n}"):
            kind(n).lagrange()


@in_both
def test_one_scalar_serves_every_point(kind, multiple, msm, fixed):
    logarithms = random_scalars(600)
    points = fixed(logarithms)
    for factor in [*edges[:12], *random_scalars(4, 9).to_ints()]:
        one = FrVec.from_ints([factor])
        assert points.scale_each(one) == fixed(logarithms.scale(factor))
    assert kind(0).scale_each(FrVec(1)) == kind(0)


@in_both
def test_sums_of_lists_are_those_of_the_exponents(kind, multiple, msm, fixed):
    logarithms = random_scalars(50).to_ints()
    points = fixed(FrVec.from_ints(logarithms))
    source = np.random.default_rng(4)
    sizes = [0, 1, 2, 0, 5, 300, 0]
    offsets = np.cumsum([0, *sizes]).astype(np.uint32)
    items = source.integers(0, 50, offsets[-1]).astype(np.uint32)
    items |= source.integers(0, 2, offsets[-1]).astype(np.uint32) << np.uint32(31)
    signed = [logarithms[i & 0x7FFFFFFF] * (-1 if i >> 31 else 1) for i in items.tolist()]
    expected = [sum(signed[a:b]) for a, b in pairwise(offsets.tolist())]
    for threads in (1, 2, 3):
        assert points.sums(items, offsets, threads) == fixed(FrVec.from_ints(expected))


@in_both
def test_lists_that_point_outside_are_refused(kind, multiple, msm, fixed):
    points = kind(3)
    for items, offsets, error in (
        ([3], [0, 1], EncodingError),
        ([1 << 31 | 3], [0, 1], EncodingError),
        ([0, 1], [0, 2, 1], EncodingError),
        ([0], [0, 2], LengthError),
        ([0], [], LengthError),
    ):
        with pytest.raises(error):
            points.sums(np.array(items, dtype=np.uint32), np.array(offsets, dtype=np.uint32))
    for end in (-1, (1 << 32) - 1):  # other integers than those it asks for
        with pytest.raises(LengthError, match="1 items and 2 offsets"):
            points.sums(np.zeros(1, np.uint32), np.array([0, end]))


def test_the_cofactor_takes_any_point_of_the_curve_into_g2():
    cofactor = 2 * oracle.field_modulus - oracle.curve_order
    for x, y in oracle.outside_subgroup(3):
        point = (oracle.FQ2(x), oracle.FQ2(y), oracle.FQ2.one())
        assert clear_cofactor(x, y).to_affine() == [oracle.affine(oracle.multiply(point, cofactor))]
    inside = oracle.g2(7)
    assert clear_cofactor(*inside) == G2Vec.from_affine([oracle.g2(7 * cofactor)])
    with pytest.raises(EncodingError, match="not on the curve"):
        clear_cofactor((1, 2), (3, 4))
    with pytest.raises((EncodingError, OverflowError)):
        clear_cofactor((oracle.field_modulus, 0), (1, 0))
