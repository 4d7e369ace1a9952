import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zkstate.state import wide

U64 = st.one_of(st.sampled_from([0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1]), st.integers(0, 2**64 - 1))
I128 = st.one_of(st.sampled_from([-(2**127), -1, 0, 2**127 - 1, -(2**64)]), st.integers(-(2**127), 2**127 - 1))
BIG = st.one_of(st.sampled_from([-(2**128), 2**127, -(2**127) - 1, 2**190]), st.integers(-(2**190), 2**190))


def column(values, limbs):
    return wide.from_ints(values, limbs)


def u64(values):
    return np.array(values, np.uint64)


@given(st.lists(BIG))
def test_integers_round_trip_and_keep_their_sign(values):
    made = column(values, 7)
    assert wide.to_ints(made) == values
    assert wide.is_negative(made).tolist() == [value < 0 for value in values]
    size, negative = wide.magnitude(made)
    assert wide.to_ints(size) == [abs(value) for value in values]
    assert negative.tolist() == [value < 0 for value in values]


@given(st.lists(st.integers(0, 2**190)), st.integers(3, 5))
def test_unsigned_limbs(values, limbs):
    found = wide.to_u64(column(values, 7), limbs)
    assert found.shape == (len(values), limbs)
    assert [sum(limb << 64 * j for j, limb in enumerate(row)) for row in found.tolist()] == values


@given(st.lists(st.tuples(U64, U64)))
def test_products(pairs):
    made = wide.multiply(wide.from_u64(u64([a for a, _ in pairs])), wide.from_u64(u64([b for _, b in pairs])))
    assert wide.to_ints(made) == [a * b for a, b in pairs]


@given(st.lists(st.integers(0, 2**190)), st.integers(1, 2**31 - 1))
def test_division(values, divisor):
    quotient, rest = wide.divide(column(values, 7), divisor)
    assert list(zip(wide.to_ints(quotient), rest.tolist(), strict=True)) == [divmod(v, divisor) for v in values]


@given(st.lists(I128))
def test_halves_are_twos_complement(values):
    high, low, outside = wide.halves(column(values, 5))
    assert not outside.any()
    assert [(int(h) << 64) + int(w) for h, w in zip(high, low, strict=True)] == values
    assert wide.to_ints(wide.from_halves(high, low)) == values
    four, low_four, outside_four = wide.halves(wide.from_halves(high, low, 4))
    assert not outside_four.any()
    assert (four == high).all()
    assert (low_four == low).all()


@given(st.lists(BIG), st.sampled_from([5, 7, 9]))
def test_what_does_not_fit_halves_is_told(values, limbs):
    values = [v for v in values if abs(v) < 2 ** (32 * limbs - 2)]
    _, _, outside = wide.halves(column(values, limbs))
    assert outside.tolist() == [not -(2**127) <= v < 2**127 for v in values]


@given(st.lists(st.lists(BIG, max_size=5), max_size=8))
def test_segment_sums(segments):
    flat = [value for segment in segments for value in segment]
    start = np.cumsum([0, *[len(segment) for segment in segments]])
    assert wide.to_ints(wide.segment_sums(column(flat, 7), start)) == [sum(segment) for segment in segments]


@given(st.lists(BIG, min_size=1), st.data())
def test_signs_change_only_where_flagged(values, data):
    flags = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    made = wide.normalise(wide.negate_where(column(values, 7), flags))
    assert wide.to_ints(made) == [-v if flag else v for v, flag in zip(values, flags, strict=True)]
    assert wide.to_ints(wide.extend(made, 9)) == wide.to_ints(made)
