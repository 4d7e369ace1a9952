"""The checked-in constants are what their script prints, and the identities that the C core relies on hold."""

import importlib.util
import sys
from itertools import pairwise
from math import gcd
from pathlib import Path

import pytest
from py_ecc import bn128, optimized_bls12_381
from py_ecc.fields import bn128_FQ12 as FQ12
from py_ecc.optimized_bls12_381 import constants as hashing

from tests.algebra import oracle

NATIVE = Path(__file__).resolve().parents[2] / "native"


@pytest.fixture(scope="module")
def constants():
    spec = importlib.util.spec_from_file_location("zkn_constants", NATIVE / "constants.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bn254(constants):
    return constants.bn254()


def test_the_headers_are_what_the_script_prints(constants):
    headers = constants.headers()
    assert {path: path.read_text() for path in (NATIVE / "src").glob("constants_*.h")} == headers


def test_the_curve_is_the_one_of_py_ecc(bn254):
    assert oracle.field_modulus == bn254.p
    assert oracle.curve_order == bn254.r
    assert oracle.g1(1) == bn254.g1
    assert oracle.g2(1) == bn254.g2
    assert bn254.twist_b == tuple(map(int, bn128.b2.coeffs))


@pytest.mark.parametrize("name", ["bn254", "bls12_381"])
def test_the_root_of_unity_has_full_two_power_order(constants, name):
    curve = getattr(constants, name)()
    root = pow(curve.fr_generator, (curve.r - 1) >> curve.fr_two_adicity, curve.r)
    assert pow(root, 1 << (curve.fr_two_adicity - 1), curve.r) == curve.r - 1
    assert (curve.r - 1) >> curve.fr_two_adicity & 1


def test_signed_digits_stand_for_their_number(constants, bn254):
    for k in (bn254.parameter, 6 * bn254.parameter + 2):
        digits = constants.naf(k)
        assert sum(d << i for i, d in enumerate(digits)) == k
        assert not any(a and b for a, b in pairwise(digits))


def test_windows_stand_for_their_number(constants, bn254):
    digits = constants.windows(bn254.parameter, 4)
    assert sum(d << i for i, d in enumerate(digits)) == bn254.parameter
    assert digits[-1] > 0
    assert all(d == 0 or (d % 2 and -8 < d < 8) for d in digits)
    assert all(sum(map(bool, digits[i : i + 4])) <= 1 for i in range(len(digits)))


def test_subgroup_check_is_exact(bn254):
    """f = (u+1) + u psi + u psi^2 - 2u psi^3 vanishes on a point of the twist only if r does.

    psi^2 - t psi + p = 0, so f = a + b psi has norm N = a^2 + a b t + b^2 p, and f(psi) Q = 0 gives N Q = 0. The twist
    has r h points with h = 2p - r; if gcd(N, r h) = r then Q has order 1 or r, and r^2 does not divide r h.
    """
    u, p, r = bn254.parameter, bn254.p, bn254.r
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


def test_final_exponent_is_a_multiple_prime_to_r(bn254):
    u, p, r = bn254.parameter, bn254.p, bn254.r
    powers = [1 + 6 * u + 12 * u**2 + 12 * u**3, 4 * u + 6 * u**2 + 12 * u**3]
    powers += [6 * u + 6 * u**2 + 12 * u**3, 4 * u + 6 * u**2 + 12 * u**3 - 1]
    factor = 2 * u * (6 * u**2 + 3 * u + 1)
    assert sum(power * p**k for k, power in enumerate(powers)) == factor * (p**4 - p**2 + 1) // r
    assert (p**4 - p**2 + 1) % r == 0
    assert gcd(factor, r) == 1


def test_frobenius_coefficients_are_those_of_py_ecc(bn254):
    """w^k -> w^k under x -> x^p, in Fp12 = Fp[w]/(w^12 - 18 w^6 + 82), where i = w^6 - 9."""
    w = FQ12([0, 1] + [0] * 10)
    for k in range(6):
        c0, c1 = bn254.power(bn254.xi, k * (bn254.p - 1) // 6)
        gamma = FQ12([(c0 - 9 * c1) % bn254.p] + [0] * 5 + [c1] + [0] * 5)
        assert (w**k) ** bn254.p == gamma * w**k


@pytest.fixture(scope="module")
def bls12_381(constants):
    return constants.bls12_381()


def test_the_second_curve_is_the_one_of_py_ecc(bls12_381):
    assert bls12_381.p == optimized_bls12_381.field_modulus
    assert bls12_381.r == optimized_bls12_381.curve_order
    assert bls12_381.g1 == tuple(map(int, optimized_bls12_381.normalize(optimized_bls12_381.G1)))
    assert bls12_381.g2 == tuple(
        tuple(map(int, c.coeffs)) for c in optimized_bls12_381.normalize(optimized_bls12_381.G2)
    )
    assert bls12_381.twist_b == tuple(map(int, optimized_bls12_381.b2.coeffs))


def test_subgroup_checks_of_the_second_curve_are_exact(bls12_381):
    """phi + x^2 has norm r in Z[phi], phi^2 + phi + 1 = 0; psi - x has norm p - x in Z[psi], psi^2 - t psi + p = 0, and
    that shares with the order of the twist r alone."""
    x, p, r = -bls12_381.parameter, bls12_381.p, bls12_381.r
    cofactor = (x**8 - 4 * x**7 + 5 * x**6 - 4 * x**4 + 6 * x**3 - 4 * x**2 - 4 * x + 13) // 9
    assert x**4 - x**2 + 1 == r
    assert x * x - x * (x + 1) + p == p - x
    assert (p - x) % r == 0
    assert cofactor % r != 0
    assert gcd(p - x, r * cofactor) == r


def test_final_exponent_of_the_second_curve_is_three_times_the_exact_one(bls12_381):
    x, p, r = -bls12_381.parameter, bls12_381.p, bls12_381.r
    assert ((x - 1) ** 2 * (x + p) * (x**2 + p**2 - 1) + 3) * r == 3 * (p**4 - p**2 + 1)
    assert gcd(3, r) == 1


def test_isogenies_are_those_of_py_ecc(constants):
    def coefficients(values):
        lists = [list(v.coeffs) if hasattr(v, "coeffs") else [v] for v in values]
        while not any(map(int, lists[-1])):
            lists.pop()
        return [tuple(map(int, v)) if len(v) == 2 else int(v[0]) for v in lists]

    ours, p = constants.isogenies, constants.bls12_381().p
    assert tuple(map(int, (hashing.ISO_11_A, hashing.ISO_11_B, hashing.ISO_11_Z))) == (ours.G1_A, ours.G1_B, ours.G1_Z)
    for value, theirs in [(ours.G2_A, hashing.ISO_3_A), (ours.G2_B, hashing.ISO_3_B), (ours.G2_Z, hashing.ISO_3_Z)]:
        assert tuple(c % p for c in value) == tuple(map(int, theirs.coeffs))
    for group, maps in [("G1", hashing.ISO_11_MAP_COEFFICIENTS), ("G2", hashing.ISO_3_MAP_COEFFICIENTS)]:
        for part, theirs in zip(("X_NUM", "X_DEN", "Y_NUM", "Y_DEN"), maps, strict=True):
            assert getattr(ours, f"{group}_{part}") == coefficients(theirs)
