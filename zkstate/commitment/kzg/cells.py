"""Cells of EIP-7594: a blob's polynomial on 8192 points, in 128 cells of 64, any 64 of which give back the blob.

Everything goes in and out in the bytes of the specification. Source: consensus-specs,
fulu/polynomial-commitments-sampling.md. Times depend on values: blobs are public.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from zkstate.commitment.kzg.blobs import POINT_BYTES, coefficients, decode_points, pairs_with_powers, powers, to_scalar
from zkstate.commitment.kzg.order import decode_scalars, reversed_indices, reversed_vector
from zkstate.commitment.kzg.proofs import CELL_SCALARS, CELLS, cell_proofs
from zkstate.commitment.kzg.trusted_setup import G1_POINTS, powers_g1
from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.kernels import BLS_FR_MODULUS as R
from zkstate.kernels import FR_BYTES, BlsFrVec, BlsG1Vec, ntt

EXTENDED = 2 * G1_POINTS
CELL_BYTES = FR_BYTES * CELL_SCALARS
_GENERATOR = 7
_BATCH = b"RCKZGCBATCH__V1_"


def compute_cells(blob: bytes) -> list[bytes]:
    """The 128 cells; the first 64 are the blob itself."""
    return _split(_extended(coefficients(decode_scalars(blob, G1_POINTS, "blob"))))


def compute_cells_and_proofs(blob: bytes, threads: int = 0) -> tuple[list[bytes], list[bytes]]:
    """The cells, and for each the proof that it is the polynomial's."""
    return _with_proofs(coefficients(decode_scalars(blob, G1_POINTS, "blob")), threads)


def verify_cell_proof_batch(
    commitments: Sequence[bytes], indices: Sequence[int], cells: Sequence[bytes], proofs: Sequence[bytes]
) -> bool:
    """Does each cell stand at its index of the polynomial of its commitment? True for none.

    One equation for all, by powers of a hash of everything. LengthError if the lists differ in length or a cell has not
    2048 bytes, EncodingError for an index past 127, a scalar not below r, or a point outside G1.
    """
    n = len(cells)
    if not len(commitments) == len(indices) == n == len(proofs):
        raise LengthError(f"{len(commitments)} commitments, {len(indices)} indices, {n} cells and {len(proofs)} proofs")
    if n == 0:
        return True
    _check_indices(indices)
    values = _decode_cells(cells)
    distinct = list(dict.fromkeys(commitments))
    points, opened = decode_points(distinct, "commitment"), decode_points(proofs, "proof")
    number = {commitment: i for i, commitment in enumerate(distinct)}
    which = [number[commitment] for commitment in commitments]
    weights = powers(_challenge(distinct, which, indices, cells, proofs), n)

    of_commitment = [0] * len(distinct)
    for i, weight in enumerate(weights):
        of_commitment[which[i]] += weight
    factors = BlsFrVec.from_ints(weights)
    interpolated = _interpolated(values * _repeated(factors), indices)
    shifted = [w * _root(cell) for w, cell in zip(weights, indices, strict=True)]
    low = powers_g1().slice(0, CELL_SCALARS)
    left = BlsG1Vec.concat([points, opened, -low]).msm(
        BlsFrVec.concat([BlsFrVec.from_ints([*of_commitment, *shifted]), interpolated]), threads=1
    )
    return pairs_with_powers(left, opened.msm(factors, threads=1), CELL_SCALARS)


def recover_cells_and_proofs(
    indices: Sequence[int], cells: Sequence[bytes], threads: int = 0
) -> tuple[list[bytes], list[bytes]]:
    """All cells and proofs from 64 or more cells in ascending order of their indices.

    The cells are not checked against a commitment: verify them first. LengthError for fewer than 64 or more than 128,
    EncodingError for indices that do not ascend, DisagreementError for cells of no one blob, which only more than 64
    can show.
    """
    if len(indices) != len(cells) or not CELLS // 2 <= len(cells) <= CELLS:
        raise LengthError(f"{len(indices)} indices and {len(cells)} cells, wanted {CELLS // 2} to {CELLS} of both")
    _check_indices(indices)
    for before, after in pairwise(indices):
        if before >= after:
            raise EncodingError(f"cell {after} comes after cell {before}")
    known = reversed_vector(_placed(_decode_cells(cells), list(indices)))

    # Z vanishes on the missing cells, of degree at most 64 in X^64. E Z is known everywhere; E = E Z / Z on a coset.
    vanishing = [1]
    for cell in set(range(CELLS)) - set(indices):
        vanishing = [(a - _root(cell) * b) % R for a, b in zip([0, *vanishing], [*vanishing, 0], strict=True)]
    spread = [0] * EXTENDED
    spread[: CELL_SCALARS * len(vanishing) : CELL_SCALARS] = vanishing
    zero = BlsFrVec.from_ints(spread)
    at_roots = zero.copy()
    ntt(at_roots)
    product = known * at_roots
    ntt(product, inverse=True)
    ntt(product, coset=_GENERATOR)
    ntt(zero, coset=_GENERATOR)
    recovered = product * zero.inverse()
    ntt(recovered, inverse=True, coset=_GENERATOR)
    if any(recovered.slice(G1_POINTS, EXTENDED).to_bytes()):
        raise DisagreementError(f"{len(cells)} cells contradict each other: they are of no polynomial of a blob")
    return _with_proofs(recovered.slice(0, G1_POINTS), threads)


def _extended(polynomial: BlsFrVec) -> BlsFrVec:
    """Values at the 8192 roots of unity, in bit-reversed order."""
    vec = BlsFrVec.concat([polynomial, BlsFrVec(EXTENDED - polynomial.n)])
    ntt(vec)
    return reversed_vector(vec)


def _split(values: BlsFrVec) -> list[bytes]:
    data = values.to_bytes()
    return [data[i : i + CELL_BYTES] for i in range(0, len(data), CELL_BYTES)]


def _with_proofs(polynomial: BlsFrVec, threads: int) -> tuple[list[bytes], list[bytes]]:
    compressed = cell_proofs(polynomial, threads).to_compressed()
    proofs = [compressed[at : at + POINT_BYTES] for at in range(0, len(compressed), POINT_BYTES)]
    return _split(_extended(polynomial)), [proofs[i] for i in reversed_indices(CELLS)]


@cache
def _shift(cell: int) -> int:
    """h of the coset h <w_64> on which a cell lies."""
    root = pow(_GENERATOR, (R - 1) // EXTENDED, R)
    return pow(root, int(reversed_indices(CELLS)[cell]), R)


@cache
def _root(cell: int) -> int:
    """What X^64 is on the coset of a cell."""
    return pow(_shift(cell), CELL_SCALARS, R)


def _decode_cells(cells: Sequence[bytes]) -> BlsFrVec:
    """The scalars of all cells, one after another."""
    for i, cell in enumerate(cells):
        if len(cell) != CELL_BYTES:
            raise LengthError(f"cell {i} has {len(cell)} bytes, wanted {CELL_BYTES}")
    return decode_scalars(b"".join(cells), CELL_SCALARS * len(cells), "cells")


def _repeated(factors: BlsFrVec) -> BlsFrVec:
    """Each scalar 64 times."""
    return BlsFrVec.from_raw(np.frombuffer(factors.raw(), np.uint8).reshape(-1, FR_BYTES).repeat(CELL_SCALARS, 0).data)


def _placed(values: BlsFrVec, indices: list[int]) -> BlsFrVec:
    """Cells with distinct indices at their places in the extended blob, zeros at the others'."""
    cells = np.zeros((CELLS, CELL_BYTES), np.uint8)
    cells[indices] = np.frombuffer(values.raw(), np.uint8).reshape(-1, CELL_BYTES)
    return BlsFrVec.from_raw(cells.data)


def _interpolated(values: BlsFrVec, indices: Sequence[int]) -> BlsFrVec:
    """The sum of the polynomials of degree below 64 that have the values of each cell on its coset, 64 coefficients.

    They are what remains of the polynomial of degree below 8192 with all these values, and zeros elsewhere, modulo
    X^64 - s, s over the 128th roots of unity. In the sum of the remainders, s^k adds up to 128 for k = 0 and vanishes
    for the other k below 128: the sum is 128 times the lowest coefficients.
    """
    total, rest = BlsFrVec(EXTENDED), list(range(len(indices)))
    while rest:  # cells of one index, from several blobs, are added up
        first = {indices[i]: i for i in reversed(rest)}
        chosen = np.frombuffer(values.raw(), np.uint8).reshape(-1, CELL_BYTES)[list(first.values())]
        total = total + _placed(BlsFrVec.from_raw(chosen.data), list(first))
        rest = [i for i in rest if first[indices[i]] != i]
    return coefficients(total).slice(0, CELL_SCALARS).scale(CELLS)


def _check_indices(indices: Sequence[int]) -> None:
    for index in indices:
        if not 0 <= index < CELLS:
            raise EncodingError(f"cell {index} of {CELLS}")


def _challenge(
    commitments: list[bytes], which: list[int], indices: Sequence[int], cells: Sequence[bytes], proofs: Sequence[bytes]
) -> int:
    """compute_verify_cell_kzg_proof_batch_challenge."""
    said = [G1_POINTS, CELL_SCALARS, len(commitments), len(cells)]
    parts = [_BATCH, *(number.to_bytes(8, "big") for number in said), *commitments]
    for number, index, cell, proof in zip(which, indices, cells, proofs, strict=True):
        parts += [number.to_bytes(8, "big"), index.to_bytes(8, "big"), cell, proof]
    return to_scalar(b"".join(parts))
