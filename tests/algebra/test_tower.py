"""Fp2 and Fp12 of the C core against py_ecc, which has Fp12 = Fp[z]/(z^12 - 18 z^6 + 82) with z = w and i = w^6 - 9."""

import ctypes
import random
import subprocess
import sys
from pathlib import Path

import pytest
from py_ecc.fields import optimized_bn128_FQ2 as FQ2
from py_ecc.fields import optimized_bn128_FQ12 as FQ12

from tests.kernels.paths import runnable_paths
from zkstate.algebra.bn254 import FP_MODULUS as P

NATIVE = Path(__file__).resolve().parents[2] / "native"
MONTGOMERY = 1 << 256
# The powers of w that the coefficients in Fp2 stand for, in the order of memory: c0 then c1, each over 1, v, v^2.
POWERS = (0, 2, 4, 1, 3, 5)


class Tower:
    """The tower of one CPU path, with invariants asserted: its inner functions by their plain names."""

    def __init__(self, library, path):
        self._library, self._path = ctypes.CDLL(str(library)), path

    def __getattr__(self, name):
        return getattr(self._library, f"{name}_{self._path}")


@pytest.fixture(scope="module", params=["portable", "adx"])
def core(request, tmp_path_factory):
    if request.param not in runnable_paths():
        pytest.skip(f"this machine does not run the {request.param} path")
    library = tmp_path_factory.mktemp("tower") / "tower.so"
    sources = ["field", "tower", "tower_line", "tower_cyclotomic"]
    build = [sys.executable, NATIVE / "build.py", "--path", request.param, "--library", library, *sources]
    subprocess.run(build, check=True)
    return Tower(library, request.param)


def encode(coefficients):
    return b"".join((c * MONTGOMERY % P).to_bytes(32, "little") for c in coefficients)


def decode(data):
    words = [int.from_bytes(data[i : i + 32], "little") for i in range(0, len(data), 32)]
    assert all(word < P for word in words)
    return [word * pow(MONTGOMERY, -1, P) % P for word in words]


def call(function, *operands):
    """The result of function(out, operands..), elements as lists of integers, other operands as they are."""
    size = next(len(o) for o in operands if isinstance(o, list))
    out = ctypes.create_string_buffer(32 * size)
    function(out, *(encode(o) if isinstance(o, list) else o for o in operands))
    return decode(out.raw)


def fq12(element):
    """The py_ecc element of 12 integers in the order of memory."""
    coefficients = [0] * 12
    for power, (real, imaginary) in zip(POWERS, zip(element[::2], element[1::2], strict=True), strict=True):
        coefficients[power] = (real - 9 * imaginary) % P
        coefficients[power + 6] = imaginary
    return FQ12(coefficients)


def samples(size, count):
    source = random.Random(size)
    found = [[source.randrange(P) for _ in range(size)] for _ in range(count)]
    return [*found, [P - 1] * size, [1] + [0] * (size - 1), [0] * (size - 1) + [P - 1]]


def test_fp2(core):
    for a in samples(2, 6):
        u = FQ2(a)
        assert FQ2(call(core.fp2_sqr, a)) == u * u
        assert FQ2(call(core.fp2_inv, a)) == u.inv()
        assert FQ2(call(core.fp2_mul_xi, a)) == u * FQ2([9, 1])
        for b in samples(2, 6):
            assert FQ2(call(core.fp2_mul, a, b)) == u * FQ2(b)
    assert call(core.fp2_inv, [0, 0]) == [0, 0]


def test_fp12(core):
    for a in samples(12, 3):
        u = fq12(a)
        assert fq12(call(core.fp12_sqr, a)) == u * u
        assert fq12(call(core.fp12_inv, a)) == u.inv()
        assert fq12(call(core.fp12_conj, a)) == u ** (P**6)
        for b in samples(12, 2):
            assert fq12(call(core.fp12_mul, a, b)) == u * fq12(b)


def test_frobenius(core):
    a = samples(12, 1)[0]
    for power in (1, 2, 3):
        assert fq12(call(core.fp12_frobenius, a, power)) == fq12(a) ** (P**power)


def test_lines(core):
    a, b = samples(12, 2)[:2]
    line = fq12([*b[:2], 0, 0, 0, 0, *b[2:6], 0, 0])
    out = ctypes.create_string_buffer(384)
    core.fp12_mul_line(out, encode(a), encode(b[:2]), encode(b[2:4]), encode(b[4:6]))
    assert fq12(decode(out.raw)) == fq12(a) * line


def test_cyclotomic_squares(core):
    a = samples(12, 1)[0]
    easy = call(core.fp12_mul, call(core.fp12_conj, a), call(core.fp12_inv, a))
    m = call(core.fp12_mul, call(core.fp12_frobenius, easy, 2), easy)
    assert fq12(m) ** (P**4 - P**2 + 1) == FQ12.one()
    assert fq12(call(core.fp12_cyclotomic_sqr, m)) == fq12(m) * fq12(m)
