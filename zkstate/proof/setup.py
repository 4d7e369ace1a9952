"""insecure_setup: Groth16 keys from a seed, for tests and demonstrations.

Source: Groth 2016 (eprint 2016/260), section 3.2, in the form of snarkjs: gamma is 1, H holds Lagrange polynomials.
Whoever knows the seed knows the trapdoor and can prove anything, so the key says what it is wherever it goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zkstate.algebra.bn254 import G1, G2, root_of_unity
from zkstate.algebra.polynomial import Domain
from zkstate.constraint.r1cs import R1cs
from zkstate.errors import LengthError
from zkstate.kernels import FR_MODULUS, FrVec, G1Vec, G2Vec, sparse_product
from zkstate.proof import r1cs_file
from zkstate.proof.keys import ProvingKey, SetupStatus, VerifyingKey, domain_matrices, domain_size

MIN_SEED_BYTES = 16


@dataclass(frozen=True, slots=True, repr=False)
class Trapdoor:
    """The secrets of a setup, none of them zero; that of committed wires is for keys of `mirage` alone."""

    tau: int
    alpha: int
    beta: int
    delta: int
    delta_committed: int = 1

    @classmethod
    def from_seed(cls, seed: bytes, circuit: bytes) -> Trapdoor:
        """HKDF-SHA256 of the seed, salted with the circuit's digest, so that no two circuits share a trapdoor."""
        names = ("tau", "alpha", "beta", "delta", "delta committed")
        return cls(*(_secret(seed, circuit, name) for name in names))


def _secret(seed: bytes, circuit: bytes, name: str) -> int:
    kdf = HKDF(hashes.SHA256(), length=48, salt=circuit, info=f"zkstate insecure setup v1 {name}".encode())
    return 1 + int.from_bytes(kdf.derive(seed), "big") % (FR_MODULUS - 1)


def insecure_setup(r1cs: R1cs, seed: bytes, n_committed: int = 0) -> ProvingKey:
    """The proving key of a circuit under the trapdoor of `seed`: the same bytes on every machine.

    With `n_committed` it is one of `mirage`, whose proofs commit to so many secret wires, the first ones.
    Errors: LengthError for a seed below 16 bytes or a circuit too large for a domain of 2^27.
    """
    if len(seed) < MIN_SEED_BYTES:
        raise LengthError(f"a seed of {len(seed)} bytes, expected {MIN_SEED_BYTES} or more")
    circuit = r1cs_file.circuit_digest(r1cs, n_committed)
    return setup_with(r1cs, Trapdoor.from_seed(seed, circuit), circuit, n_committed)


def setup_with(r1cs: R1cs, t: Trapdoor, circuit: bytes, n_committed: int = 0) -> ProvingKey:
    """The proving key under a given trapdoor."""
    n, bound, over_delta = domain_size(r1cs), r1cs.n_public + 1, pow(t.delta, -1, FR_MODULUS)
    a, b, c = domain_matrices(r1cs)
    lagrange = Domain(n).lagrange_at(t.tau)
    at_a, at_b, at_c = (sparse_product(m.transposed(), m.pool, lagrange) for m in (a, b, c))
    combined = at_a.scale(t.beta) + at_b.scale(t.alpha) + at_c
    secret = combined.slice(bound, r1cs.n_wires)

    table_1, table_2 = G1Vec.fixed_table(4 * r1cs.n_wires + 2 * n), G2Vec.fixed_table(r1cs.n_wires)
    in_g1 = G1Vec.fixed_base(FrVec.from_ints([t.alpha, t.beta, t.delta, t.delta_committed]), table_1)
    in_g2 = G2Vec.fixed_base(FrVec.from_ints([t.beta, t.delta, t.delta_committed]), table_2)
    ic, points_a, points_b1 = (G1Vec.fixed_base(v, table_1) for v in (combined.slice(0, bound), at_a, at_b))
    points_b2 = G2Vec.fixed_base(at_b, table_2)
    vanishing = pow(t.tau, n, FR_MODULUS) - 1
    before_contributions = circuit_hash(
        [in_g1.slice(0, 2), in_g2.slice(0, 1), G2Vec.generator(), G1Vec.generator(), G2Vec.generator()],
        [
            ic,
            G1Vec.fixed_base(FrVec.ones(n - 1).scale_powers(t.tau, vanishing), table_1),
            G1Vec.fixed_base(secret, table_1),
            points_a,
            points_b1,
            points_b2,
        ],
        n_committed,
    )
    # L_(2i+1) of the domain of twice the size is the Lagrange polynomial of the odd coset times (1 - X^n)/2.
    odd = Domain(n, root_of_unity(2 * n)).lagrange_at(t.tau).scale(-vanishing * pow(2, -1, FR_MODULUS))
    committed = secret.slice(0, n_committed).scale(pow(t.delta_committed, -1, FR_MODULUS))
    divided = FrVec.concat([committed, secret.slice(n_committed, len(secret)).scale(over_delta)])
    vk = VerifyingKey(
        alpha=G1.from_vec(in_g1, 0),
        beta=G2.from_vec(in_g2, 0),
        gamma=G2.generator(),
        delta=G2.from_vec(in_g2, 1),
        ic=tuple(G1.from_vec(ic, i) for i in range(bound)),
        setup=SetupStatus.INSECURE,
        delta_committed=G2.from_vec(in_g2, 2) if n_committed else None,
    )
    return ProvingKey(
        vk=vk,
        beta_1=G1.from_vec(in_g1, 1),
        delta_1=G1.from_vec(in_g1, 2),
        n_wires=r1cs.n_wires,
        domain_size=n,
        matrix_a=a,
        matrix_b=b,
        points_a=points_a.raw(),
        points_b1=points_b1.raw(),
        points_b2=points_b2.raw(),
        points_c=G1Vec.fixed_base(divided, table_1).raw(),
        points_h=G1Vec.fixed_base(odd.scale(over_delta), table_1).raw(),
        circuit_hash=before_contributions,
        contributions=bytes(4),
        circuit=circuit,
        matrix_c=c,
        n_committed=n_committed,
        committed_1=G1.from_vec(in_g1, 3) if n_committed else None,
    )


def circuit_hash(start: Sequence[G1Vec | G2Vec], sections: Sequence[G1Vec | G2Vec], n_committed: int = 0) -> bytes:
    """The hash by which snarkjs recognises a circuit's key before any contribution (formats: section 10 of `.zkey`).

    For a key of `mirage` it takes in how many wires are committed, and so does every contribution.
    """
    state = hashlib.blake2b(digest_size=64)
    for points in start:
        state.update(points.to_bytes())
    for points in sections:
        state.update(len(points).to_bytes(4, "big"))
        state.update(points.to_bytes())
    if n_committed:
        state.update(r1cs_file.MIRAGE_LABEL + n_committed.to_bytes(4, "little"))
    return state.digest()
