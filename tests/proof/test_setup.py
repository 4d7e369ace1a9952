"""insecure_setup against the paper's formulas over plain integers, with py_ecc's curve as the judge of points."""

import hashlib
import struct

import pytest
from py_ecc import optimized_bn128 as ecc

from tests.proof.circuits import all_public, bits, cubic, lagrange
from tests.proof.frames import joined, sections
from zkstate.algebra.bn254 import root_of_unity
from zkstate.errors import LengthError
from zkstate.kernels import FR_MODULUS, FrVec, G1Vec, G2Vec
from zkstate.proof import r1cs_file, zkey_file
from zkstate.proof.groth16 import prove, verify
from zkstate.proof.keys import SetupStatus
from zkstate.proof.setup import Trapdoor, insecure_setup, setup_with

SEED = b"a seed of sixteen bytes or more"
TRAPDOOR = Trapdoor(tau=0x1234567, alpha=-5 % FR_MODULUS, beta=2**200 + 1, delta=0xD417A, delta_committed=3**120)
COMMITTED = [(make, n) for make, secret in ((cubic, 4), (bits, 4)) for n in (0, 1, secret)]


def multiples(group: type, section) -> list:
    return group.from_raw(section).to_affine()


def g1_times(scalar: int):
    point = ecc.multiply(ecc.G1, scalar % FR_MODULUS)
    return None if ecc.is_inf(point) else tuple(c.n for c in ecc.normalize(point))


def g2_times(scalar: int):
    point = ecc.multiply(ecc.G2, scalar % FR_MODULUS)
    return None if ecc.is_inf(point) else tuple(tuple(c.coeffs) for c in ecc.normalize(point))


@pytest.mark.parametrize(("make", "n_committed"), [*COMMITTED, (all_public, 0)])
def test_every_point_is_the_multiple_the_paper_says(make, n_committed):
    circuit, t = make(), TRAPDOOR
    key = setup_with(circuit.r1cs, t, bytes(32), n_committed)
    n_public, n_wires, rows = circuit.n_public, len(circuit.witness), circuit.rows
    n = 1 << (len(rows) + n_public).bit_length()
    assert key.domain_size == n
    basis = lagrange(n, root_of_unity(n), t.tau)
    at_tau = [[0] * n_wires for _ in range(3)]
    for i, row in enumerate(rows):
        for which, terms in enumerate(row):
            for wire, value in terms.items():
                at_tau[which][wire] += value * basis[i]
    for s in range(n_public + 1):
        at_tau[0][s] += basis[len(rows) + s]
    a, b, c = at_tau
    combined = [t.beta * a[i] + t.alpha * b[i] + c[i] for i in range(n_wires)]
    over_delta, over_other = (pow(d, -1, FR_MODULUS) for d in (t.delta, t.delta_committed))
    secret = combined[n_public + 1 :]
    divided = [v * (over_other if i < n_committed else over_delta) for i, v in enumerate(secret)]
    odd = lagrange(2 * n, root_of_unity(2 * n), t.tau)[1::2]

    assert multiples(G1Vec, key.points_a) == [g1_times(v) for v in a]
    assert multiples(G1Vec, key.points_b1) == [g1_times(v) for v in b]
    assert multiples(G2Vec, key.points_b2) == [g2_times(v) for v in b]
    assert multiples(G1Vec, key.points_c) == [g1_times(v) for v in divided]
    assert multiples(G1Vec, key.points_h) == [g1_times(v * over_delta) for v in odd]
    assert [p.affine for p in key.vk.ic] == [g1_times(v) for v in combined[: n_public + 1]]
    assert (key.vk.alpha.affine, key.beta_1.affine, key.delta_1.affine) == tuple(
        g1_times(v) for v in (t.alpha, t.beta, t.delta)
    )
    assert (key.vk.beta.affine, key.vk.gamma.affine, key.vk.delta.affine) == tuple(
        g2_times(v) for v in (t.beta, 1, t.delta)
    )
    assert key.n_committed == n_committed
    if n_committed:
        assert key.committed_1.affine == g1_times(t.delta_committed)
        assert key.vk.delta_committed.affine == g2_times(t.delta_committed)
    else:
        assert key.committed_1 is key.vk.delta_committed is None


def test_the_circuit_hash_covers_the_key_before_any_contribution():
    circuit, t = bits(), TRAPDOOR
    key = setup_with(circuit.r1cs, t, bytes(32))
    n = key.domain_size

    def g1u(point) -> bytes:
        return bytes(64) if point is None else b"".join(c.to_bytes(32, "big") for c in point)

    def g2u(point) -> bytes:
        return bytes(128) if point is None else b"".join(c.to_bytes(32, "big") for xy in point for c in reversed(xy))

    h = [g1_times((pow(t.tau, n, FR_MODULUS) - 1) * pow(t.tau, i, FR_MODULUS)) for i in range(n - 1)]
    c = multiples(G1Vec, G1Vec.from_raw(key.points_c).scale_each(FrVec.from_ints([t.delta] * 4)).raw())
    parts = [g1u(g1_times(t.alpha)), g1u(g1_times(t.beta)), g2u(g2_times(t.beta)), g2u(g2_times(1))]
    parts += [g1u(g1_times(1)), g2u(g2_times(1))]
    for points, encode in (
        ([p.affine for p in key.vk.ic], g1u),
        (h, g1u),
        (c, g1u),
        (multiples(G1Vec, key.points_a), g1u),
        (multiples(G1Vec, key.points_b1), g1u),
        (multiples(G2Vec, key.points_b2), g2u),
    ):
        parts += [struct.pack(">I", len(points)), *(encode(point) for point in points)]
    assert key.circuit_hash == hashlib.blake2b(b"".join(parts), digest_size=64).digest()


@pytest.mark.parametrize("make", [cubic, bits, all_public])
def test_a_proof_under_the_key_is_accepted(make):
    circuit = make()
    key = insecure_setup(circuit.r1cs, SEED)
    proof = prove(key, circuit.values)
    assert verify(key.vk, circuit.public, proof)


def test_a_key_depends_on_seed_and_circuit_and_nothing_else():
    def content(circuit, seed):
        return joined(zkey_file.encode(insecure_setup(circuit.r1cs, seed)))

    assert content(cubic(), SEED) == content(cubic(), SEED)
    assert content(cubic(), SEED) != content(cubic(), SEED + b"!")
    digests = [r1cs_file.digest(c.r1cs) for c in (cubic(), bits())]
    assert Trapdoor.from_seed(SEED, digests[0]) != Trapdoor.from_seed(SEED, digests[1])


def test_the_key_says_that_it_is_insecure_wherever_it_goes(tmp_path):
    circuit = cubic()
    key = insecure_setup(circuit.r1cs, SEED)
    assert key.setup is key.vk.setup is SetupStatus.INSECURE
    assert not key.setup.trusted
    zkey_file.write_zkey(tmp_path / "k.zkey", key)
    again = zkey_file.read_zkey(tmp_path / "k.zkey")
    assert again.setup is SetupStatus.INSECURE
    assert again.circuit == r1cs_file.digest(circuit.r1cs)
    private = sections((tmp_path / "k.zkey").read_bytes())[1001]
    assert private == struct.pack("<I", 1) + r1cs_file.digest(circuit.r1cs)


def test_the_trapdoor_and_short_seeds_stay_out():
    assert "1234567" not in repr(TRAPDOOR)
    with pytest.raises(LengthError, match="15 bytes, expected 16"):
        insecure_setup(cubic().r1cs, bytes(15))
