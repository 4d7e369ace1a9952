"""Vectors of points: sums of products against py_ecc, in every case that a bucket method can get wrong."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.algebra import oracle
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import (
    FP_MODULUS,
    FR_MODULUS,
    FrVec,
    G1Vec,
    G2Vec,
    fixed_base_g1,
    fixed_base_g2,
    msm_g1,
    msm_g2,
    pairing_check,
)

R = FR_MODULUS
GROUPS = [
    pytest.param(G1Vec, oracle.g1, msm_g1, fixed_base_g1, id="G1"),
    pytest.param(G2Vec, oracle.g2, msm_g2, fixed_base_g2, id="G2"),
]
in_both = pytest.mark.parametrize(("kind", "multiple", "msm", "fixed"), GROUPS)
edges = [
    0,
    1,
    2,
    3,
    R - 1,
    R - 2,
    R // 2,
    R // 2 + 1,
    1 << 253,
    (1 << 253) - 1,
    1 << 64,
    (1 << 64) - 1,
    0x8888888888888888,
]
# Digits at the ends of their range, for windows of every width.
edges += [sum(1 << (c * i + c - 1) for i in range(253 // c)) for c in range(2, 17)]
edges += [sum(((1 << c - 1) - 1) << c * i for i in range(253 // c)) for c in range(2, 17)]
edges += [-e % R for e in edges]
scalars = st.one_of(st.integers(0, R - 1), st.sampled_from(edges), st.integers(0, 300))


def random_scalars(n, seed=0):
    source = random.Random(seed)
    return FrVec.from_ints(source.randrange(R) for _ in range(n))


@in_both
def test_fixed_base_agrees_with_py_ecc(kind, multiple, msm, fixed):
    values = [*edges, *random_scalars(20).to_ints()]
    assert fixed(FrVec.from_ints(values)).to_affine() == [multiple(k) for k in values]


@in_both
@pytest.mark.parametrize("n", [0, 1, 2, 5, 40, 700, 5000])
def test_fixed_base_is_scalar_multiplication(kind, multiple, msm, fixed, n):
    """Sizes that choose windows of 2 bits and of more."""
    values = random_scalars(n, seed=n)
    products = fixed(values)
    assert len(products) == n
    for at in {0, n // 2, n - 1} & set(range(n)):
        assert products.slice(at, at + 1).to_affine() == [multiple(values[at])]


@in_both
def test_fixed_base_of_another_base(kind, multiple, msm, fixed):
    """One table serves any number of products, not only those it was made for."""
    table = kind.fixed_table(2, kind.from_affine([multiple(77)]))
    assert kind.fixed_base(FrVec.from_ints([0, 1, 5]), table).to_affine() == [None, multiple(77), multiple(385)]
    assert kind.fixed_base(FrVec.from_ints([R - 1]), table).to_affine() == [multiple(R - 77)]
    assert kind.fixed_base(FrVec.from_ints([3]), kind.fixed_table(1, kind(1))).to_affine() == [None]
    with pytest.raises(LengthError, match="2 bases"):
        kind.fixed_table(1, kind(2))


@in_both
def test_scale_each_agrees_with_py_ecc(kind, multiple, msm, fixed):
    points = fixed(FrVec.from_ints([5] * len(edges)))
    assert points.scale_each(FrVec.from_ints(edges)).to_affine() == [multiple(5 * k) for k in edges]


@in_both
@settings(max_examples=25)
@given(st.lists(st.tuples(scalars, scalars), max_size=70))
def test_msm_agrees_with_py_ecc(kind, multiple, msm, fixed, terms):
    points, factors = fixed(FrVec.from_ints(a for a, _ in terms)), FrVec.from_ints(b for _, b in terms)
    assert msm(points, factors).to_affine() == [multiple(sum(a * b for a, b in terms))]


def shapes(n, seed):
    """Discrete logarithms of points, and scalars, that crowd buckets, cancel in them or leave them empty."""
    source = random.Random(seed)
    any_point = [source.randrange(1, R) for _ in range(n)]
    any_scalar = [source.randrange(R) for _ in range(n)]
    opposite = [x if i % 2 else R - x for i, x in enumerate(any_point)]
    return {
        "random": (any_point, any_scalar),
        "zeros": (any_point, [0] * n),
        "ones": (any_point, [1] * n),
        "minus ones": (any_point, [R - 1] * n),
        "one point": ([7] * n, any_scalar),
        "one point, one scalar": ([7] * n, [any_scalar[0]] * n),
        "one point, ones": ([7] * n, [1] * n),
        "opposite points, one scalar": ([7 if i % 2 else R - 7 for i in range(n)], [any_scalar[0]] * n),
        "opposite scalars": ([any_point[0]] * n, [5 if i % 2 else R - 5 for i in range(n)]),
        "opposite points": (opposite, [9] * n),
        "all infinity": ([0] * n, any_scalar),
        "some infinity": ([x if i % 3 else 0 for i, x in enumerate(any_point)], any_scalar),
        "witness": (any_point, [source.choice([0, 0, 1, 1, source.randrange(1 << 64), R - 3]) for _ in range(n)]),
        "consecutive": (list(range(1, n + 1)), list(range(n))),
        "top window": (any_point, [R // 2 - i for i in range(n)]),
        "edges": (any_point, [edges[i % len(edges)] for i in range(n)]),
    }


@in_both
@pytest.mark.parametrize("shape", shapes(1, 0))
@pytest.mark.parametrize("n", [1, 2, 33, 700])
def test_msm_of_every_shape(kind, multiple, msm, fixed, shape, n):
    logs, factors = shapes(n, seed=n)[shape]
    points, factors = fixed(FrVec.from_ints(logs)), FrVec.from_ints(factors)
    expected = kind.from_affine([multiple(factors.dot(FrVec.from_ints(logs)))])
    for threads in (1, 3):
        assert msm(points, factors, threads=threads) == expected


@pytest.mark.parametrize("shape", ["random", "ones", "one point, one scalar", "witness", "opposite points"])
@pytest.mark.parametrize("n", [5000, 20000])
def test_long_msm(shape, n):
    """Lists longer than a tile, and several chunks of input."""
    logs, factors = shapes(n, seed=1)[shape]
    logs, factors = FrVec.from_ints(logs), FrVec.from_ints(factors)
    points = fixed_base_g1(logs)
    expected = G1Vec.from_affine([oracle.g1(factors.dot(logs))])
    assert [msm_g1(points, factors, threads=t) for t in (1, 2, 3, 40)] == [expected] * 4


@pytest.mark.parametrize(("n", "zeros"), [((1 << 18) + 3, 0), ((1 << 18) + 3, 1), ((1 << 21) + 3, 1000)])
def test_msm_past_every_limit(n, zeros):
    """More full scalars than are split by the endomorphism; as many as are, of more points; more than a segment holds.

    Of every 1,024 scalars so many are zero.
    """
    logs, period = random_scalars(64, seed=1), FrVec.concat([FrVec(zeros), random_scalars(1024 - zeros)])
    factors = period.repeated(1 + n // 1024)
    every, factors = logs.repeated(1 + n // 64).slice(0, n), factors.slice(0, n)
    points = fixed_base_g1(logs)
    repeated = G1Vec.from_raw((bytes(points.raw()) * (1 + n // 64))[: 64 * n], check=False)
    expected = G1Vec.from_affine([oracle.g1(factors.dot(every))])
    assert msm_g1(repeated, factors, threads=2) == expected


@in_both
def test_msm_in_place_reads_points_anywhere(kind, multiple, msm, fixed):
    """As in a mapped file, where a section starts at any byte."""
    points, factors = fixed(random_scalars(300)), random_scalars(300, seed=1)
    for shift in (0, 1, 4):
        held = memoryview(bytes(shift) + bytes(points.raw()))[shift:]
        assert kind.msm_in_place(held, factors) == msm(points, factors)
    with pytest.raises(LengthError, match="299 points and 300"):
        kind.msm_in_place(held[: len(held) // 300 * 299], factors)
    with pytest.raises(LengthError, match="whole number"):
        kind.msm_in_place(held[1:], factors)


@settings(max_examples=10)
@given(st.integers(1, 60), scalars, scalars, st.integers())
def test_msm_is_linear(n, c, d, seed):
    points, a, b = fixed_base_g1(random_scalars(n, seed)), random_scalars(n, seed + 1), random_scalars(n, seed + 2)
    left = msm_g1(points, a.scale(c) + b.scale(d))
    parts = G1Vec.concat([msm_g1(points, a), msm_g1(points, b)])
    assert left == msm_g1(parts, FrVec.from_ints([c, d]))
    assert msm_g1(points + points, a) == msm_g1(points, a + a)


@in_both
def test_threads_do_not_change_the_bytes(kind, multiple, msm, fixed):
    values = random_scalars(3000)
    points = [fixed(values, threads=t) for t in (1, 2, 3)]
    assert points[0] == points[1] == points[2]
    scaled = [points[0].slice(0, 50).scale_each(values.slice(0, 50), threads=t) for t in (1, 2, 3)]
    assert scaled[0] == scaled[1] == scaled[2]
    sums = [msm(points[0], values, threads=t) for t in (1, 2, 3)]
    assert sums[0] == sums[1] == sums[2]


@in_both
def test_elementwise_sums_are_complete(kind, multiple, msm, fixed):
    left = [0, 0, 5, 5, 5, 9, R - 9, 1, *range(300)]
    right = [0, 5, 0, 5, R - 5, 4, R - 9, 2, *range(300, 0, -1)]
    a, b = fixed(FrVec.from_ints(left)), fixed(FrVec.from_ints(right))
    assert a + b == fixed(FrVec.from_ints(x + y for x, y in zip(left, right, strict=True)))
    assert a - b == fixed(FrVec.from_ints(x - y for x, y in zip(left, right, strict=True)))
    assert -a == fixed(FrVec.from_ints(-x for x in left))


@in_both
def test_codecs_round_trip(kind, multiple, msm, fixed):
    logs = [0, 1, 2, R - 1, 12345]
    points = fixed(FrVec.from_ints(logs))
    assert points.to_affine() == [multiple(k) for k in logs]
    assert kind.from_affine(points.to_affine()) == points
    assert kind.from_bytes(points.to_bytes()) == points
    assert kind.from_raw(points.raw()) == points
    assert kind.concat([points.slice(k, k + 1) for k in range(len(logs))]) == points
    assert kind.generator().to_affine() == [multiple(1)]
    width = len(points.raw()) // len(logs)
    assert bytes(points.raw()[:width]) == bytes(width)
    x = multiple(12345)[0]
    first = x if isinstance(x, int) else x[0]  # G1M and G2M: Montgomery form, real part first
    assert int.from_bytes(points.raw()[4 * width : 4 * width + 32], "little") == (first << 256) % FP_MODULUS


@in_both
@pytest.mark.parametrize("at", [0, 3, 9])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_first_bad_point_is_named(kind, multiple, msm, fixed, at, threads):
    points = bytearray(fixed(FrVec.from_ints(range(1, 11))).raw())
    width = len(points) // 10
    for k in {at, 9}:
        points[k * width] ^= 1
    with pytest.raises(EncodingError, match=f"point {at} is not on the curve"):
        kind.from_raw(points, threads=threads)
    points[at * width : at * width + 32] = b"\xff" * 32
    with pytest.raises(EncodingError, match=f"point {at} is not below its modulus"):
        kind.from_raw(points, threads=threads)
    assert len(kind.from_raw(points, check=False)) == 10


def test_a_point_outside_the_subgroup_is_named():
    good, bad = oracle.g2(5), oracle.outside_subgroup(1)[0]
    with pytest.raises(EncodingError, match="G2 point 2 is not in the subgroup"):
        G2Vec.from_affine([good, None, bad])


@pytest.fixture(scope="module")
def outsiders():
    """Points of the curve of G2 outside it: any, of the cofactor's order, of order 10069, one plus a member."""
    cofactor = 2 * FP_MODULUS - FR_MODULUS
    x, y = oracle.outside_subgroup(1)[0]
    point = (oracle.FQ2(x), oracle.FQ2(y), oracle.FQ2.one())
    made = [oracle.multiply(point, factor) for factor in (1, R, R * (cofactor // 10069))]
    found = [oracle.affine(each) for each in (*made, oracle.add(made[1], oracle.G2))]
    return [b"".join((c * 2**256 % FP_MODULUS).to_bytes(32, "little") for c in (*x, *y)) for x, y in found]


@pytest.mark.parametrize("n", [23, 24, 25, 131, 300])
@pytest.mark.parametrize("every", [1, 3], ids=["finite", "some infinite"])
def test_among_many_points_of_g2_the_first_outside_is_named(outsiders, n, every):
    """Checked together and one by one alike; infinity is in the group."""
    good = fixed_base_g2(FrVec.from_ints([k if every == 1 or k % every else 0 for k in range(3, 3 + n)]))
    raw, width = bytes(good.raw()), 128
    assert G2Vec.from_raw(raw) == good
    cases = [(each, "not in the subgroup") for each in outsiders]
    mixed = raw[width : width + 64] + raw[2 * width + 64 : 3 * width]
    cases += [(mixed, "not on the curve"), (b"\xff" * width, "not below its modulus")]
    for point, words in cases:
        for at in (0, 1, n // 2, n - 1):
            changed = bytearray(raw)
            changed[at * width : (at + 1) * width] = point
            changed[(n - 1) * width :] = point
            for threads in (1, 2):
                with pytest.raises(EncodingError, match=f"point {at} is {words}"):
                    G2Vec.from_raw(changed, threads=threads)
    for each in outsiders:
        with pytest.raises(EncodingError, match="point 0 is not in the subgroup"):
            G2Vec.from_raw(each * n)


@in_both
def test_lengths_are_checked(kind, multiple, msm, fixed):
    for decode in (kind.from_raw, kind.from_bytes):
        for size in (1, 63, 65):
            with pytest.raises(LengthError, match="whole number"):
                decode(bytes(size))
    with pytest.raises(LengthError, match="2 points and 3 scalars"):
        msm(kind(2), FrVec(3))
    with pytest.raises(LengthError):
        kind(2).scale_each(FrVec(3))
    with pytest.raises(LengthError):
        kind(2) + kind(3)
    with pytest.raises(LengthError):
        kind(-1)
    with pytest.raises(LengthError):
        kind(3).slice(2, 4)
    assert msm(kind(0), FrVec(0)).to_affine() == [None]


def test_pairing_lengths_must_agree():
    with pytest.raises(LengthError, match="1 points of G1 and 2 of G2"):
        pairing_check(G1Vec(1), G2Vec(2))


@pytest.mark.parametrize("n", [1, 2, 16, 17, 40])
def test_pairing_threads_agree(n):
    a, b = random_scalars(n, 1), random_scalars(n, 2)
    g1 = G1Vec.concat([fixed_base_g1(a), -fixed_base_g1(FrVec.from_ints([a.dot(b)]))])
    g2 = G2Vec.concat([fixed_base_g2(b), G2Vec.generator()])
    assert [pairing_check(g1, g2, threads=t) for t in (1, 2, 3)] == [True] * 3
    assert [pairing_check(g1, g2 + g2, threads=t) for t in (1, 2, 3)] == [True] * 3
    moved = G1Vec.concat([g1.slice(0, n), g1.slice(n, n + 1) + G1Vec.generator()])
    assert [pairing_check(moved, g2, threads=t) for t in (1, 2, 3)] == [False] * 3
