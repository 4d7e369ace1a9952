"""The checked-in constants are what their script prints, and the identities that the C core relies on hold."""

import importlib.util
from itertools import pairwise
from math import gcd
from pathlib import Path

import pytest
from py_ecc import bn128
from py_ecc.fields import bn128_FQ12 as FQ12

from tests.algebra import oracle

NATIVE = Path(__file__).resolve().parents[2] / "native"


@pytest.fixture(scope="module")
def constants():
    spec = importlib.util.spec_from_file_location("constants", NATIVE / "constants.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_header_is_what_the_script_prints(constants):
    assert (NATIVE / "src" / "constants.h").read_text() == constants.header()


def test_the_curve_is_the_one_of_py_ecc(constants):
    assert oracle.field_modulus == constants.P
    assert oracle.curve_order == constants.R
    assert oracle.g1(1) == constants.G1_GENERATOR
    assert oracle.g2(1) == constants.G2_GENERATOR
    twist_b = constants.fp2_mul((3, 0), constants.fp2_inverse(constants.XI))
    assert twist_b == tuple(map(int, bn128.b2.coeffs))


def test_the_root_of_unity_has_full_two_power_order(constants):
    root = pow(constants.FR_GENERATOR, (constants.R - 1) >> constants.FR_TWO_ADICITY, constants.R)
    assert pow(root, 1 << (constants.FR_TWO_ADICITY - 1), constants.R) == constants.R - 1
    assert (constants.R - 1) >> constants.FR_TWO_ADICITY & 1


def test_signed_digits_stand_for_their_number(constants):
    for k in (constants.U, 6 * constants.U + 2):
        digits = constants.naf(k)
        assert sum(d << i for i, d in enumerate(digits)) == k
        assert not any(a and b for a, b in pairwise(digits))


def test_windows_stand_for_their_number(constants):
    digits = constants.windows(constants.U, 4)
    assert sum(d << i for i, d in enumerate(digits)) == constants.U
    assert digits[-1] > 0
    assert all(d == 0 or (d % 2 and -8 < d < 8) for d in digits)
    assert all(sum(map(bool, digits[i : i + 4])) <= 1 for i in range(len(digits)))


def test_subgroup_check_is_exact(constants):
    """f = (u+1) + u psi + u psi^2 - 2u psi^3 vanishes on a point of the twist only if r does.

    psi^2 - t psi + p = 0, so f = a + b psi has norm N = a^2 + a b t + b^2 p, and f(psi) Q = 0 gives N Q = 0. The twist
    has r h points with h = 2p - r; if gcd(N, r h) = r then Q has order 1 or r, and r^2 does not divide r h.
    """
    u, p, r = constants.U, constants.P, constants.R
    t = p + 1 - r
    f = [u + 1, u, u, -2 * u]
    while len(f) > 2:
        top = f.pop()
        f[-1] += top * t
        f[-2] -= top * p
    a, b = f
    norm, cofactor = a * a + a * b * t + b * b * p, 2 * p - r
    assert norm % r == 0
    assert cofactor % r != 0
    assert gcd(norm, r * cofactor) == r
    for point in oracle.outside_subgroup(2):
        x, y = (oracle.FQ2(c) for c in point)
        assert oracle.affine(oracle.multiply((x, y, oracle.FQ2.one()), r * cofactor)) is None


def test_final_exponent_is_a_multiple_prime_to_r(constants):
    u, p, r = constants.U, constants.P, constants.R
    powers = [1 + 6 * u + 12 * u**2 + 12 * u**3, 4 * u + 6 * u**2 + 12 * u**3]
    powers += [6 * u + 6 * u**2 + 12 * u**3, 4 * u + 6 * u**2 + 12 * u**3 - 1]
    factor = 2 * u * (6 * u**2 + 3 * u + 1)
    assert sum(power * p**k for k, power in enumerate(powers)) == factor * (p**4 - p**2 + 1) // r
    assert (p**4 - p**2 + 1) % r == 0
    assert gcd(factor, r) == 1


def test_frobenius_coefficients_are_those_of_py_ecc(constants):
    """w^k -> w^k under x -> x^p, in Fp12 = Fp[w]/(w^12 - 18 w^6 + 82), where i = w^6 - 9."""
    w = FQ12([0, 1] + [0] * 10)
    for k in range(6):
        c0, c1 = constants.fp2_pow(constants.XI, k * (constants.P - 1) // 6)
        gamma = FQ12([(c0 - 9 * c1) % constants.P] + [0] * 5 + [c1] + [0] * 5)
        assert (w**k) ** constants.P == gamma * w**k
