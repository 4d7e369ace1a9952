"""ntt and quotient against their definitions in Python's integers, ntt against galois and its own inverse."""

import random

import galois
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkstate.errors import LengthError
from zkstate.kernels import FR_MODULUS, FrVec, ntt, quotient

R = FR_MODULUS
cosets = st.sampled_from([None, 1, 5, 7, R - 1, R // 3])


def sample(n, seed=0):
    source = random.Random(seed)
    return [source.randrange(R) for _ in range(n)]


def transformed(values, **options):
    v = FrVec.from_ints(values)
    ntt(v, **options)
    return v


def by_definition(values, k, shift=1):
    x = shift * pow(5, (R - 1) // len(values) * k, R) % R
    total = 0
    for c in reversed(values):
        total = (total * x + c) % R
    return total


@pytest.mark.parametrize("log_n", range(9))
@pytest.mark.parametrize("coset", [None, 7])
def test_every_value_is_by_definition(log_n, coset):
    values = sample(1 << log_n)
    expected = [by_definition(values, k, coset or 1) for k in range(len(values))]
    assert transformed(values, coset=coset).to_ints() == expected


@pytest.mark.parametrize("log_n", [11, 12, 13, 14, 15])
def test_long_transforms_are_by_definition(log_n):
    n = 1 << log_n
    values = sample(n)
    out = transformed(values)
    for k in [0, 1, n // 2, n - 1, *random.Random(1).sample(range(n), 4)]:
        assert out[k] == by_definition(values, k)


@pytest.mark.parametrize("n", [1, 2, 8, 64])
def test_agrees_with_galois_polynomials(n):
    field = galois.GF(R, primitive_element=5, verify=False)
    values = sample(n, seed=n)
    points = field([pow(5, (R - 1) // n * k, R) for k in range(n)])
    assert transformed(values).to_ints() == [int(y) for y in galois.Poly(values[::-1], field=field)(points)]


@pytest.mark.parametrize("n", [1, 2, 4, 16, 64])
@pytest.mark.parametrize("threads", [1, 2])
def test_quotient_is_by_definition(n, threads):
    """a·b − c at the odd points, from coefficients found by the inverse matrix in integers."""
    a, b = sample(n, seed=n), sample(n, seed=n + 1)
    w, inverse = pow(5, (R - 1) // n, R), pow(n, -1, R)

    def coefficients(values):
        return [inverse * sum(y * pow(w, -j * k, R) for k, y in enumerate(values)) % R for j in range(n)]

    polynomials = [coefficients(v) for v in (a, b, [x * y % R for x, y in zip(a, b, strict=True)])]
    expected = []
    for i in range(n):
        x = pow(5, (R - 1) // (2 * n) * (2 * i + 1), R)
        at_a, at_b, at_c = (sum(c * pow(x, j, R) for j, c in enumerate(p)) for p in polynomials)
        expected.append((at_a * at_b - at_c) % R)
    assert quotient(FrVec.from_ints(a), FrVec.from_ints(b), threads).to_ints() == expected


@pytest.mark.parametrize("log_n", [12, 13, 15])
def test_long_quotients_vanish_on_what_they_should(log_n):
    """h (X^n - 1) = a b - c as polynomials: h has degree below n - 1, and -2 h stands at the odd points."""
    n = 1 << log_n
    a, b = (FrVec.from_ints(sample(n, seed)) for seed in (1, 2))
    before = [v.copy() for v in (a, b, a * b)]
    h = quotient(a, b)
    ntt(h, inverse=True, coset=pow(5, (R - 1) // (2 * n), R))
    assert h[n - 1] == 0
    z = 0x1234567890ABCDEF << 150
    for v in before:
        ntt(v, inverse=True)
    at_a, at_b, at_c = (v.evaluate(z) for v in before)
    assert (at_a * at_b - at_c) % R == -h.evaluate(z) * pow(2, -1, R) * (pow(z, n, R) - 1) % R


@pytest.mark.parametrize(("n", "m"), [(0, 0), (3, 3), (4, 8)])
def test_quotients_need_equal_powers_of_two(n, m):
    with pytest.raises(LengthError):
        quotient(FrVec(n), FrVec(m))


@pytest.mark.slow
@pytest.mark.parametrize("n", [4, 256])
def test_agrees_with_galois_ntt(n):
    """galois factors r - 1 first, which takes minutes."""
    field = galois.GF(R, primitive_element=5, verify=False)
    values = sample(n, seed=n)
    assert transformed(values).to_ints() == [int(y) for y in galois.ntt(field(values))]
    assert transformed(values, inverse=True).to_ints() == [int(y) for y in galois.intt(field(values))]


@settings(max_examples=40)
@given(st.integers(0, 13), cosets, st.integers(0, 3), st.integers())
def test_inverse_undoes(log_n, coset, threads, seed):
    values = sample(1 << log_n, seed)
    v = FrVec.from_ints(values)
    ntt(v, coset=coset, threads=threads)
    ntt(v, inverse=True, coset=coset, threads=threads)
    assert v.to_ints() == values


@settings(max_examples=20)
@given(st.integers(1, 7), st.integers(), st.integers(0, R - 1))
def test_linear_and_multiplicative(log_n, seed, c):
    n = 1 << log_n
    a, b = sample(n, seed), sample(n, seed + 1)
    u, v = transformed(a), transformed(b)
    assert transformed([(c * x + y) % R for x, y in zip(a, b, strict=True)]) == u.scale(c) + v
    cyclic = [sum(a[j] * b[(i - j) % n] for j in range(n)) % R for i in range(n)]
    assert transformed(cyclic) == u * v


@pytest.mark.parametrize("log_n", [10, 12, 13, 16])
@pytest.mark.parametrize("inverse", [False, True])
def test_threads_do_not_change_the_bytes(log_n, inverse):
    values = FrVec.from_ints(range(7, 7 + 64)).repeated(1 << log_n - 6).scale_powers(3)
    outputs = []
    for threads in (1, 2, 3):
        v = values.copy()
        ntt(v, inverse=inverse, coset=11, threads=threads)
        outputs.append(bytes(v.raw()))
    assert outputs[0] == outputs[1] == outputs[2]


@pytest.mark.slow
def test_the_largest_transform_inverts():
    v = FrVec.ones(1 << 24).scale_powers(3)
    before = v.copy()
    ntt(v)
    assert v[1] == by_geometric_sum(3, 24)
    ntt(v, inverse=True)
    assert v == before


def by_geometric_sum(ratio, log_n):
    """sum_j (ratio w)^j over j < 2^log_n."""
    x = ratio * pow(5, (R - 1) >> log_n, R) % R
    return (pow(x, 1 << log_n, R) - 1) * pow(x - 1, -1, R) % R


@pytest.mark.parametrize("n", [0, 3, 5, 6, 12, 1000])
def test_lengths_are_powers_of_two(n):
    with pytest.raises(LengthError, match=f"transform of {n} scalars"):
        ntt(FrVec(n))


@pytest.mark.parametrize("coset", [0, R, -R])
def test_a_zero_coset_is_refused(coset):
    with pytest.raises(LengthError, match="coset"):
        ntt(FrVec(4), coset=coset)


def test_negative_threads_are_refused():
    with pytest.raises(LengthError, match="threads"):
        ntt(FrVec(4), threads=-1)
