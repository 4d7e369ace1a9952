"""The proofs of all cells of a blob at once (FK20: Feist and Khovratovich 2023, section 3, for cosets of 64).

The proof of a cell is the commitment to the quotient by X^64 - s, Σ_j s^(j-1) h_j with h_j = Σ_i f_(i+64j) [tau^i]: a
transform of 63 sums, since the s are the 128th roots of unity. With i = 64 m + r the sums are, for each r, a
correlation of 64 coefficients with 64 powers. All of them are one cyclic convolution of length 128 whose transforms are
added, so they cost 128 sums of 64 products and one transform of points instead of 63 sums of up to 4032. The points of
these sums serve every blob and are prepared.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from zkstate.commitment.kzg.trusted_setup import G1_POINTS, powers_g1
from zkstate.kernels import BlsFrVec, BlsG1Vec, PreparedPoints, ntt

CELL_SCALARS = 64
CELLS = 2 * G1_POINTS // CELL_SCALARS
_HALF = CELLS // 2


def cell_proofs(polynomial: BlsFrVec, threads: int = 0) -> BlsG1Vec:
    """128 proofs of a polynomial of 4096 coefficients, that of the cell on the coset of w^i at place i."""
    # Both factors are transformed by `lagrange`, the inverse transform divided by 128: that is made good for here.
    scaled = np.frombuffer(polynomial.scale(CELLS * CELLS).raw(), np.uint8).reshape(_HALF, CELL_SCALARS, -1)
    columns = np.zeros((CELL_SCALARS, CELLS, scaled.shape[-1]), np.uint8)
    columns[:, :_HALF] = scaled.transpose(1, 0, 2)
    for r in range(CELL_SCALARS):
        vec = BlsFrVec.from_raw(columns[r].tobytes())
        ntt(vec, threads=1)
        columns[r] = np.frombuffer(vec.raw(), np.uint8).reshape(CELLS, -1)
    sums = _prepared_powers().multiplied(BlsFrVec.from_raw(columns.transpose(1, 0, 2).tobytes()), threads)
    # Place 63 + j of the convolution is h_j, for j from 1 to 63.
    products = sums.lagrange(threads)
    quotients = BlsG1Vec.concat([products.slice(_HALF, CELLS - 1), BlsG1Vec(_HALF + 1)])
    return _negated(quotients.lagrange(threads))


@cache
def _prepared_powers() -> PreparedPoints[BlsG1Vec]:
    """For each of the 128 places the 64 transformed points, over 128, that the coefficients' transforms meet.

    Takes some seconds, once a process, and 24 MiB.
    """
    points = np.frombuffer(powers_g1().raw(), np.uint8).reshape(_HALF, CELL_SCALARS, -1)
    rows = []
    for r in range(CELL_SCALARS):
        power = BlsG1Vec.from_raw(points[::-1, r].tobytes(), check=False)
        rows.append(bytes(_negated(BlsG1Vec.concat([power, BlsG1Vec(_HALF)]).lagrange()).raw()))
    made = np.frombuffer(b"".join(rows), np.uint8).reshape(CELL_SCALARS, CELLS, -1)
    transformed = BlsG1Vec.from_raw(made.transpose(1, 0, 2).tobytes(), check=False)
    return PreparedPoints.of(transformed, CELLS)


def _negated(points: BlsG1Vec) -> BlsG1Vec:
    """What is at place i goes to -i: so the inverse transform becomes the transform, over its length."""
    data = np.frombuffer(points.raw(), np.uint8).reshape(len(points), -1)
    return BlsG1Vec.from_raw(np.roll(data[::-1], 1, axis=0).tobytes(), check=False)
