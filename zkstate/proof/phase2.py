"""Phase 2 begins: the key of a circuit, with gamma and delta (of `mirage` both deltas) one, from powers of tau alone.

Source: Groth 2016 (eprint 2016/260), section 3.2; Bowe, Gabizon, Miers 2017 (eprint 2017/1050), section 6, in the
form of snarkjs. The key is FRESH: nobody has contributed a delta yet, and it is refused for every use.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from zkstate.algebra.bn254 import G1, G2, root_of_unity
from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.errors import LengthError
from zkstate.kernels import FR_BYTES, FR_MODULUS, FrVec, G1Vec, G2Vec
from zkstate.proof import r1cs_file
from zkstate.proof.keys import ProvingKey, SetupStatus, VerifyingKey, domain_matrices, domain_size
from zkstate.proof.powers import Progress, Random, basis_g1, basis_g2, silent
from zkstate.proof.ptau_file import ALPHA_1, BETA_1, BETA_2, TAU_1, PtauFile, check_length
from zkstate.proof.setup import circuit_hash

Vec = TypeVar("Vec", G1Vec, G2Vec)
_NEGATE = np.uint32(1 << 31)


def initial_key(
    r1cs: R1cs, ptau: PtauFile, n_committed: int = 0, rng: Random = os.urandom, progress: Progress = silent
) -> ProvingKey:
    """The key of a circuit before any contribution: the same bytes from the same powers on every machine.

    With `n_committed` it is one of `mirage`, whose proofs commit to so many secret wires, the first ones: it has two
    deltas, both one. The powers are taken as verified. Errors: LengthError if they are too few, or more wires are to be
    committed than are secret; DisagreementError if the file is prepared and its Lagrange bases are not those of its
    powers; EncodingError for a point that is none.
    """
    n = domain_size(r1cs)
    level, bound = n.bit_length() - 1, r1cs.n_public + 1
    if not 0 <= n_committed <= r1cs.n_wires - bound:
        raise LengthError(f"{n_committed} committed wires, the circuit has {r1cs.n_wires - bound} secret ones")
    check_length(ptau.power, level, ptau.name)
    a, b, c = domain_matrices(r1cs)
    progress(f"Lagrange bases of 2^{level} points")
    tau, alpha, beta = (basis_g1(ptau, section, level, rng) for section in (TAU_1, ALPHA_1, BETA_1))
    progress("the points of each wire")
    points_a, points_b1, in_c = _combined(tau, [a, b, c])
    (by_alpha,), (by_beta,) = _combined(alpha, [b]), _combined(beta, [a])
    wires = by_beta + by_alpha + in_c
    ic, secret = wires.slice(0, bound), wires.slice(bound, r1cs.n_wires)
    (points_b2,) = _combined(basis_g2(ptau, level, rng), [b])
    progress("the quotient's points")
    points_h, differences = _quotient_points(ptau, level, rng)
    alpha_1, beta_1 = (ptau.g1(section, 0, 1) for section in (ALPHA_1, BETA_1))
    beta_2, one_1, one_2 = ptau.g2(BETA_2, 0, 1), G1Vec.generator(), G2Vec.generator()
    before_contributions = circuit_hash(
        [alpha_1, beta_1, beta_2, one_2, one_1, one_2],
        [ic, differences, secret, points_a, points_b1, points_b2],
        n_committed,
    )
    vk = VerifyingKey(
        alpha=G1.from_vec(alpha_1),
        beta=G2.from_vec(beta_2),
        gamma=G2.generator(),
        delta=G2.generator(),
        ic=tuple(G1.from_vec(ic, i) for i in range(bound)),
        setup=SetupStatus.FRESH,
        delta_committed=G2.generator() if n_committed else None,
    )
    return ProvingKey(
        vk=vk,
        beta_1=G1.from_vec(beta_1),
        delta_1=G1.generator(),
        n_wires=r1cs.n_wires,
        domain_size=n,
        matrix_a=a,
        matrix_b=b,
        points_a=points_a.raw(),
        points_b1=points_b1.raw(),
        points_b2=points_b2.raw(),
        points_c=secret.raw(),
        points_h=points_h.raw(),
        circuit_hash=before_contributions,
        contributions=bytes(4),
        circuit=r1cs_file.digest(r1cs),
        matrix_c=c,
        n_committed=n_committed,
        committed_1=G1.generator() if n_committed else None,
    )


def _quotient_points(ptau: PtauFile, level: int, rng: Random) -> tuple[G1Vec, G1Vec]:
    """Section H, the odd points of the Lagrange basis of 2n; and (tau^(i+n) - tau^i) G1, which only are hashed.

    L_(2i+1) = 1/(2n) sum_j v^(-(2i+1)j) X^j over j < 2n, v^2 = w, and v^n = -1: so they are the basis of n points of
    v^-j/2 (tau^j - tau^(j+n)).
    """
    n = 1 << level
    low, high = ptau.g1(TAU_1, 0, n), ptau.g1(TAU_1, n, 2 * n)
    differences = low - high
    if ptau.prepared:
        twice = np.frombuffer(basis_g1(ptau, TAU_1, level + 1, rng).raw(), dtype=np.uint8).reshape(-1, 64)
        points = G1Vec.from_raw(np.ascontiguousarray(twice[1::2]).data.cast("B"), check=False)
    else:
        shift = pow(root_of_unity(2 * n), -1, FR_MODULUS)
        points = differences.scale_each(FrVec.ones(n).scale_powers(shift, pow(2, -1, FR_MODULUS))).lagrange()
    return points, -differences.slice(0, n - 1)


@dataclass(frozen=True, slots=True)
class _Terms:
    """The entries of one matrix, ordered by wire: which row's point, times which scalar of a common list."""

    row: npt.NDArray[np.int64]
    scalar: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.uint32]


def _combined(basis: Vec, matrices: Sequence[SparseMatrix]) -> list[Vec]:
    """For each matrix and each wire the sum of the wire's coefficients times the points of their rows.

    A product that several wires or matrices share is computed once; 1 and -1 cost no product.
    """
    numbers: dict[bytes, int] = {}
    found = [_terms(m, numbers) for m in matrices]
    scalars = list(numbers)
    keys = [t.row * len(scalars) + t.scalar for t in found]
    values = [int.from_bytes(s, "little") for s in scalars]
    sizes = np.array([min(v, FR_MODULUS - v).bit_length() for v in values], dtype=np.int64)
    signs = np.array([{1: 1, FR_MODULUS - 1: -1}.get(v, 0) for v in values], dtype=np.int64)
    distinct, which = np.unique(np.concatenate(keys), return_inverse=True)
    row, scalar = np.divmod(distinct, max(len(scalars), 1))
    product = np.flatnonzero(signs[scalar] == 0)
    product = product[np.argsort(sizes[scalar[product]], kind="stable")]  # small ones together: they cost less
    item = row.astype(np.uint32)
    item[product] = len(basis) + np.arange(len(product), dtype=np.uint32)
    item[signs[scalar] == -1] |= _NEGATE
    width = basis.raw().nbytes // max(len(basis), 1)
    raw = np.frombuffer(basis.raw(), dtype=np.uint8).reshape(-1, width)
    factors = FrVec.from_le_bytes(b"".join(scalars[i] for i in scalar[product]))
    points = type(basis).from_raw(raw[row[product]].tobytes(), check=False).scale_each(factors)
    points = type(basis).concat([basis, points])
    ends = np.cumsum([len(key) for key in keys])
    parts = np.split(item[which], ends[:-1])
    return [points.sums(part, t.offsets) for part, t in zip(parts, found, strict=True)]


def _terms(m: SparseMatrix, numbers: dict[bytes, int]) -> _Terms:
    """The entries by wire; new coefficients are added to `numbers`."""
    by_wire = m.transposed()
    pool = m.pool.to_le_bytes()
    each = [pool[i : i + FR_BYTES] for i in range(0, len(pool), FR_BYTES)]
    index = np.array([numbers.setdefault(value, len(numbers)) for value in each], dtype=np.int64)
    return _Terms(by_wire.wire.astype(np.int64), index[by_wire.coefficient], by_wire.row_ptr.astype(np.uint32))
