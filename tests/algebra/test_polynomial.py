"""Polynomials over Fr against galois, which computes with Python integers, and against the ring laws."""

import galois
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkstate.algebra.bn254 import FR_MODULUS
from zkstate.algebra.polynomial import Coefficients, Domain, Evaluations
from zkstate.errors import LengthError
from zkstate.kernels import FrVec

R = FR_MODULUS
GF = galois.GF(R, primitive_element=5, verify=False)
elements = st.one_of(st.integers(0, R - 1), st.sampled_from([0, 1, R - 1]))
coefficients = st.lists(elements, min_size=1, max_size=20)
domains = st.builds(Domain, st.sampled_from([1, 2, 4, 8, 32]), st.sampled_from([1, 5, 7, R - 1]))


def polynomial(values):
    return Coefficients(FrVec.from_ints(values))


def reference(values):
    return galois.Poly(values[::-1], field=GF)


def integers(poly):
    """The coefficients of a galois polynomial, constant first, without leading zeros."""
    return [int(c) for c in poly.coeffs[::-1]]


def trimmed(p):
    values = p.vec.to_ints()
    return values[: max(p.degree, 0) + 1]


@settings(max_examples=40)
@given(coefficients, coefficients, elements)
def test_arithmetic_agrees_with_galois(a, b, x):
    p, q, u, v = polynomial(a), polynomial(b), reference(a), reference(b)
    assert trimmed(p + q) == integers(u + v)
    assert trimmed(p - q) == integers(u - v)
    assert trimmed(p * q) == integers(u * v)
    assert trimmed(p.scale(x)) == integers(u * galois.Poly([x], field=GF))
    assert p(x) == int(u(GF(x)))
    quotient, remainder = p.divide_linear(x)
    divisor = galois.Poly([1, (R - x) % R], field=GF)
    assert trimmed(quotient) == integers(u // divisor) if len(quotient) else len(a) == 1
    assert [remainder] == integers(u % divisor)


@settings(max_examples=40)
@given(coefficients, domains)
def test_values_agree_with_galois(a, domain):
    a = a[: domain.size]
    points = GF(domain.elements().to_ints())
    assert polynomial(a).on(domain).vec.to_ints() == [int(y) for y in reference(a)(points)]


@settings(max_examples=25)
@given(st.lists(elements, min_size=8, max_size=8), st.sampled_from([1, 7]))
def test_interpolation_agrees_with_galois(values, shift):
    domain = Domain(8, shift)
    through = galois.lagrange_poly(GF(domain.elements().to_ints()), GF(values))
    assert trimmed(Evaluations(domain, FrVec.from_ints(values)).interpolate()) == integers(through)


@settings(max_examples=40)
@given(coefficients, domains, elements, st.integers(0, 40))
def test_values_determine_the_polynomial(a, domain, x, index):
    a = a[: domain.size]
    values = polynomial(a).on(domain)
    assert trimmed(values.interpolate()) == trimmed(polynomial(a))
    assert values(x) == polynomial(a)(x)
    assert values(domain[index]) == values.vec[index % domain.size]


@settings(max_examples=40)
@given(domains, elements)
def test_lagrange_basis_and_vanishing_polynomial(domain, x):
    basis = domain.lagrange_at(x)
    assert sum(basis.to_ints()) % R == 1
    assert domain.vanishing_at(x) == (x**domain.size - domain.shift**domain.size) % R
    on_domain = x in domain.elements().to_ints()
    assert (domain.vanishing_at(x) == 0) == on_domain
    if on_domain:
        assert sorted(basis.to_ints())[-2:] == [0, 1][-domain.size :]


def test_pointwise_products_are_products_below_the_degree():
    domain = Domain(8, 5)
    p, q = polynomial([1, 2, 3]), polynomial([4, 5, 6, 7])
    assert trimmed((p.on(domain) * q.on(domain)).interpolate()) == trimmed(p * q)
    assert trimmed((p.on(domain) + q.on(domain)).interpolate()) == trimmed(p + q)
    assert trimmed((p.on(domain) - q.on(domain)).interpolate()) == trimmed(p - q)


def test_domains():
    assert [Domain.for_length(n).size for n in (0, 1, 2, 3, 4, 5, 1000)] == [1, 1, 2, 4, 4, 8, 1024]
    domain = Domain(16, 3)
    assert domain.elements().to_ints() == [domain[i] for i in range(16)]
    assert len(set(domain.elements().to_ints())) == 16


def test_degrees():
    assert [polynomial(a).degree for a in ([], [0], [0, 0], [1], [1, 0], [0, 1, 0])] == [-1, -1, -1, 0, 0, 1]
    assert len(polynomial([]) * polynomial([1, 2])) == 0


@pytest.mark.parametrize("size", [0, 3, 6, 1 << 29, -4])
def test_domains_are_powers_of_two(size):
    with pytest.raises(LengthError):
        Domain(size)


@pytest.mark.parametrize("shift", [0, R, -1])
def test_shifts_are_units(shift):
    with pytest.raises(LengthError):
        Domain(4, shift)


def test_shapes_are_checked():
    with pytest.raises(LengthError, match="5 coefficients on a domain of 4"):
        polynomial([1] * 5).on(Domain(4))
    with pytest.raises(LengthError, match="3 values on a domain of 4"):
        Evaluations(Domain(4), FrVec(3))
    with pytest.raises(LengthError, match="two domains"):
        polynomial([1]).on(Domain(4)) + polynomial([1]).on(Domain(4, 5))
    with pytest.raises(LengthError, match="without coefficients"):
        polynomial([]).divide_linear(1)
