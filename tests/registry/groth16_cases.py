"""Groth16 keys and proofs as EVM words: from snarkjs files, and simulated under a known trapdoor with py-ecc."""

import json
import random

from py_ecc import optimized_bn128 as curve

from tests.shared import shared_path

R, P = curve.curve_order, curve.field_modulus
FILES = ("rapidsnark_circuit_proofs.json", "fresh_setup_proofs.json")


def snarkjs(name):
    """The key and the [(proof, public)] of a vector file, as EVM words."""
    data = json.loads(shared_path(f"vectors/groth16_snarkjs/{name}").read_text())
    vk = data["vk"]
    key = {
        "alpha": g1(vk["vk_alpha_1"]),
        "beta": g2(vk["vk_beta_2"]),
        "gamma": g2(vk["vk_gamma_2"]),
        "delta": g2(vk["vk_delta_2"]),
        "ic": [g1(point) for point in vk["IC"]],
    }
    return key, [
        ((g1(p["proof"]["pi_a"]), g2(p["proof"]["pi_b"]), g1(p["proof"]["pi_c"])), [int(x) for x in public_of(p)])
        for p in data["proofs"]
    ]


def public_of(entry):
    return entry["publicSignals"]


def g1(point):
    x, y, z = map(int, point)
    assert z == 1
    return [x, y]


def g2(point):
    """snarkjs writes the real part first, the EVM the imaginary one."""
    (x0, x1), (y0, y1), _ = [tuple(map(int, pair)) for pair in point]
    return [[x1, x0], [y1, y0]]


def times_g1(k):
    x, y = curve.normalize(curve.multiply(curve.G1, k % R))
    return [int(x), int(y)]


def times_g2(k):
    x, y = curve.normalize(curve.multiply(curve.G2, k % R))
    return [[int(x.coeffs[1]), int(x.coeffs[0])], [int(y.coeffs[1]), int(y.coeffs[0])]]


def simulated(inputs, seed=1):
    """A key of len(inputs) public inputs and a true proof for them, from a trapdoor (Groth 2016, the simulator)."""
    rng = random.Random(seed)
    alpha, beta, gamma, delta, a, b = (rng.randrange(1, R) for _ in range(6))
    ic = [rng.randrange(1, R) for _ in range(len(inputs) + 1)]
    bound = ic[0] + sum(x * k for x, k in zip(inputs, ic[1:], strict=True))
    c = (a * b - alpha * beta - bound * gamma) * pow(delta, -1, R)
    key = {
        "alpha": times_g1(alpha),
        "beta": times_g2(beta),
        "gamma": times_g2(gamma),
        "delta": times_g2(delta),
        "ic": [times_g1(k) for k in ic],
    }
    return key, (times_g1(a), times_g2(b), times_g1(c))


def outside_the_subgroup():
    """A point of the twist that is not of order r."""
    real = 1
    while True:
        x = curve.FQ2([real, 1])
        y = root(x * x * x + curve.b2)
        if y is not None:
            point = (x, y, curve.FQ2.one())
            assert curve.is_on_curve(point, curve.b2)
            assert not curve.is_inf(curve.multiply(point, R))
            return [[int(x.coeffs[1]), int(x.coeffs[0])], [int(y.coeffs[1]), int(y.coeffs[0])]]
        real += 1


def root(a):
    """A square root in Fp2 for p = 3 mod 4, or None (Adj and Rodriguez-Henriquez 2012, algorithm 9)."""
    a1 = a ** ((P - 3) // 4)
    x0 = a1 * a
    alpha = a1 * x0
    x = curve.FQ2([0, 1]) * x0 if alpha == curve.FQ2([P - 1, 0]) else (curve.FQ2.one() + alpha) ** ((P - 1) // 2) * x0
    return x if x * x == a else None
