"""The choice among CPU paths, with CPUIDs of machines we do not have, and that every path gives the same bytes."""

import os
import subprocess
import sys

import pytest

from tests.kernels.paths import runnable_paths
from zkstate.kernels import CPU_PATHS, best_path, cpu_path, cpu_words

OSXSAVE, AVX2 = 1 << 27, 1 << 5
BMI2, ADX = 1 << 8, 1 << 19
AVX512 = {"f": 1 << 16, "dq": 1 << 17, "ifma": 1 << 21, "bw": 1 << 30, "vl": 1 << 31}
ALL512 = sum(AVX512.values())
ZMM = 0xE6
YMM = 0x6
X86 = best_path((OSXSAVE, BMI2 | ADX | AVX2, YMM)) == "adx"

needs_x86 = pytest.mark.skipif(not X86, reason="this build holds the portable path alone")

# Prints what depends on arithmetic of every kind, for one path.
REPORT = """
import hashlib
import numpy as np
from zkstate.kernels import *
assert cpu_path() == {path!r}, cpu_path()
seen = hashlib.sha256()
edges = [0, 1, 2, 3, FR_MODULUS - 1, FR_MODULUS - 2, (1 << 253) - 1, 1 << 64, (1 << 128) - 1]
x = FrVec.from_ints([*edges, *(pow(7, k, FR_MODULUS) for k in range(503))])
for vec in (x + x, x - FrVec.ones(512), x * x, x.scale(5), x.scale_powers(3), (x.slice(1, 512)).inverse()):
    seen.update(vec.to_bytes())
seen.update(str((x.dot(x), x.evaluate(11))).encode())
for inverse in (False, True):
    for coset in (None, 5):
        y = x.copy()
        ntt(y, inverse=inverse, **({{}} if coset is None else {{"coset": coset}}))
        seen.update(y.to_bytes())
for n in (64, 256):
    seen.update(quotient(x.slice(0, n), x.slice(n, 2 * n)).to_bytes())
tables = [SumcheckTable(x.slice(k, k + 300), 9) for k in range(3)]
seen.update(sumcheck_rows(*tables, SumcheckTable(x.slice(0, 256), 8)).to_bytes())
seen.update(sumcheck_product(*tables[:2]).to_bytes())
tables[0].fold(12345)
for vec in (tables[0].values, eq_table(x.slice(9, 18), 500), rows_encode(x, 128, 256), rows_sum(x, 64, x.slice(0, 8)),
            rows_dot(x, x.slice(9, 41))):
    seen.update(vec.to_bytes())
two = type("Two", (), {{"row_ptr": np.array([0, 2, 3], np.uint64), "wire": np.array([0, 2, 1], np.uint32),
                       "coefficient": np.array([3, 9, 1], np.uint32)}})
seen.update(sparse_blocks_product(two, x, x.slice(0, 16), x.slice(16, 17), 8).to_bytes())
seen.update(blake2b_columns(b"person", bytes(range(64)) * 32, x) + blake2b_parents(b"person", x.to_bytes()))
for width in range(1, 17):
    seen.update(poseidon_many(9, x.slice(0, 2 * width), width).to_bytes())
for fixed, msm in ((fixed_base_g1, msm_g1), (fixed_base_g2, msm_g2)):
    many = fixed(x)
    seen.update(many.to_bytes())
    seen.update(msm(many, x).to_bytes())
    seen.update(many.scale_each(x).to_bytes() + many.slice(64, 192).lagrange().to_bytes())
    seen.update(msm(many.slice(0, 9), x.slice(503, 512)).to_bytes())
g1, g2 = G1Vec.generator(), G2Vec.generator()
assert pairing_check(G1Vec.concat([g1, -g1]), G2Vec.concat([g2, g2]))
assert not pairing_check(G1Vec.concat([g1, g1]), G2Vec.concat([g2, g2]))
x = BlsFrVec.from_ints([*edges, *(pow(7, k, FR_MODULUS) for k in range(503))])
y = x.copy()
ntt(y)
for vec in (x * x, y, x.slice(1, 512).inverse(), x.scale_powers(3)):
    seen.update(vec.to_bytes())
for vec in (BlsG1Vec, BlsG2Vec):
    many = vec.fixed_base(x)
    seen.update(many.to_compressed() + many.msm(x).to_bytes() + many.scale_each(x).sum().to_bytes())
    hashed = vec.hashed(bytes(range(256)))
    seen.update(hashed.to_bytes() + hashed.slice(0, 1).times_secret(bytes(range(32))).to_bytes())
    assert vec.from_compressed(many.to_compressed()) == many
g1, g2 = BlsG1Vec.generator(), BlsG2Vec.generator()
assert bls_pairing_check(BlsG1Vec.concat([g1, -g1]), BlsG2Vec.concat([g2, g2]))
assert not bls_pairing_check(BlsG1Vec.concat([g1, g1]), BlsG2Vec.concat([g2, g2]))
print(seen.hexdigest())
"""


def report(path, script=REPORT):
    environment = os.environ | {"ZKSTATE_CPU": path}
    return subprocess.run(
        [sys.executable, "-c", script.format(path=path)], env=environment, capture_output=True, text=True, check=False
    )


def test_the_best_path_runs_unless_another_is_forced():
    assert cpu_path() == (os.environ.get("ZKSTATE_CPU") or best_path(cpu_words()))


@needs_x86
@pytest.mark.parametrize(
    ("words", "path"),
    [
        ((0, 0, 0), "portable"),
        ((OSXSAVE, BMI2, ZMM), "portable"),
        ((OSXSAVE, ADX, ZMM), "portable"),
        ((OSXSAVE, ADX | ALL512 | AVX2, ZMM), "portable"),
        ((OSXSAVE, BMI2 | ADX, ZMM), "portable"),
        ((OSXSAVE, BMI2 | ADX | AVX2, YMM), "adx"),
        ((OSXSAVE, BMI2 | ADX | AVX2 | ALL512, ZMM), "ifma"),
        ((0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), "ifma"),
        # a hypervisor that shows the instructions and whose system does not save the registers
        ((0, BMI2 | ADX | AVX2 | ALL512, 0), "portable"),
        ((0, BMI2 | ADX | AVX2 | ALL512, ZMM), "portable"),
        ((OSXSAVE, BMI2 | ADX | AVX2 | ALL512, 0x7), "adx"),
        ((OSXSAVE, BMI2 | ADX | ALL512, ZMM), "portable"),
    ],
)
def test_feature_bits_decide(words, path):
    assert best_path(words) == path


@needs_x86
@pytest.mark.parametrize("missing", AVX512)
def test_every_part_of_avx512_is_needed(missing):
    assert best_path((OSXSAVE, BMI2 | ADX | AVX2 | ALL512 & ~AVX512[missing], ZMM)) == "adx"


@pytest.mark.parametrize("bit", [1, 2, 5, 6, 7])
@needs_x86
def test_every_part_of_the_registers_is_saved(bit):
    without = "portable" if YMM >> bit & 1 else "adx"
    assert best_path((OSXSAVE, BMI2 | ADX | AVX2 | ALL512, ZMM & ~(1 << bit))) == without


def test_every_path_gives_the_same_bytes():
    """Against oracles the path in use is tested everywhere else; here every other one against it."""
    runnable = runnable_paths()
    reports = {path: report(path) for path in runnable}
    assert all(done.returncode == 0 for done in reports.values()), {p: d.stderr for p, d in reports.items()}
    assert len({done.stdout for done in reports.values()}) == 1, {p: d.stdout for p, d in reports.items()}


@pytest.mark.parametrize("path", ["avx", "PORTABLE", " "])
def test_an_unknown_path_is_refused(path):
    done = report(path, "import zkstate.kernels")
    assert done.returncode != 0
    assert f"ZKSTATE_CPU is {path!r}: expected one of portable, adx, ifma" in done.stderr


@pytest.mark.skipif(best_path(cpu_words()) == CPU_PATHS[-1], reason="this machine runs every path")
def test_a_path_the_machine_lacks_is_refused():
    done = report(CPU_PATHS[-1], "import zkstate.kernels")
    assert done.returncode != 0
    assert f"the best this machine runs is {best_path(cpu_words())}" in done.stderr
