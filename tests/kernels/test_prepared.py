"""Sums over prepared points, against sums that know nothing of the preparation."""

import pytest

from tests.kernels.test_points import R, edges, random_scalars
from zkstate.errors import LengthError
from zkstate.kernels import BLS_FR_MODULUS, BlsFrVec, BlsG1Vec, FrVec, G1Vec, PreparedPoints

CURVES = {
    "bn254": (G1Vec, FrVec, R),
    "bls12_381": (BlsG1Vec, BlsFrVec, BLS_FR_MODULUS),
}
on_both = pytest.mark.parametrize(("kind", "vector", "order"), CURVES.values(), ids=CURVES)


def points_of(kind, logarithms):
    return kind.fixed_base(logarithms)


@on_both
@pytest.mark.parametrize(("sums", "count", "window"), [(1, 1, 2), (3, 7, 5), (130, 4, 8), (2, 90, 9), (5, 1, 16)])
def test_prepared_sums_are_those_of_their_logarithms(kind, vector, order, sums, count, window):
    logarithms = [k % order for k in random_scalars(sums * count, 1).to_ints()]
    factors = [k % order for k in random_scalars(sums * count, 2).to_ints()]
    prepared = PreparedPoints.of(points_of(kind, vector.from_ints(logarithms)), sums, window)
    products = [a * b for a, b in zip(logarithms, factors, strict=True)]
    expected = [sum(products[at : at + count]) % order for at in range(0, len(products), count)]
    for threads in (1, 2, 3):
        found = prepared.multiplied(vector.from_ints(factors), threads)
        assert found == points_of(kind, vector.from_ints(expected)), threads


@on_both
@pytest.mark.parametrize("window", [2, 3, 8, 13])
def test_every_kind_of_digit_and_of_point(kind, vector, order, window):
    """Scalars at the ends of their digits over equal, opposite and infinite points, and a table that is used again."""
    factors = [edge % order for edge in edges] + [order - 1, order // 2, order // 2 + 1, 1 << 254]
    factors = [factor % order for factor in factors]
    for pattern in ([1], [1, order - 1, 0]):
        logarithms = (pattern * len(factors))[: len(factors)]
        prepared = PreparedPoints.of(points_of(kind, vector.from_ints(logarithms)), 1, window)
        total = sum(a * b for a, b in zip(logarithms, factors, strict=True)) % order
        assert prepared.multiplied(vector.from_ints(factors)) == points_of(kind, vector.from_ints([total]))
        assert prepared.multiplied(vector(len(factors))) == kind(1)
        each = PreparedPoints.of(points_of(kind, vector.from_ints(logarithms)), len(factors), window)
        products = [a * b % order for a, b in zip(logarithms, factors, strict=True)]
        assert each.multiplied(vector.from_ints(factors)) == points_of(kind, vector.from_ints(products))


@on_both
def test_other_shapes_are_refused(kind, vector, order):
    points = points_of(kind, vector.from_ints([1, 2, 3, 4]))
    for sums in (0, 3, 5, -1):
        with pytest.raises(LengthError, match=f"4 points for {sums} sums"):
            PreparedPoints.of(points, sums)
    for window in (1, 17, 0, -3):
        with pytest.raises(LengthError, match=f"windows of {window} bits"):
            PreparedPoints.of(points, 2, window)
    prepared = PreparedPoints.of(points, 2)
    for n in (0, 3, 5):
        with pytest.raises(LengthError, match=f"{n} scalars for 2 sums of 2 points"):
            prepared.multiplied(vector(n))
    with pytest.raises(TypeError, match="Vec for"):
        prepared.multiplied((FrVec if vector is BlsFrVec else BlsFrVec)(4))
    assert PreparedPoints.of(kind(0), 2).multiplied(vector(0)) == kind(2)
