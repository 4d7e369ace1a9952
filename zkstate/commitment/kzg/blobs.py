"""Blobs of EIP-4844: 4096 scalars committed to as the values of a polynomial, opened at points.

Everything goes in and out in the bytes of the specification: scalars 32 bytes big-endian, points compressed. Malformed
input raises; a false proof is False. Source: consensus-specs, deneb/polynomial-commitments.md. Times depend on values:
blobs are public.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

from zkstate.commitment.kzg.order import decode_scalar, decode_scalars, reversed_vector
from zkstate.commitment.kzg.trusted_setup import G1_POINTS, lagrange, powers_g2
from zkstate.errors import LengthError
from zkstate.kernels import (
    BLS_FR_MODULUS,
    FR_BYTES,
    BlsFrVec,
    BlsG1Vec,
    BlsG2Vec,
    FixedPairing,
    divide_linear,
    ntt,
)

BLOB_BYTES = FR_BYTES * G1_POINTS
POINT_BYTES = 48
_CHALLENGE = b"FSBLOBVERIFY_V1_" + G1_POINTS.to_bytes(16, "big")
_BATCH = b"RCKZGBATCH___V1_" + G1_POINTS.to_bytes(8, "big")


def blob_to_commitment(blob: bytes, threads: int = 0) -> bytes:
    """48 bytes. LengthError, or EncodingError for a scalar that is not below r."""
    return _commit(_values(blob), threads).to_compressed()


def compute_proof(blob: bytes, z: bytes, threads: int = 0) -> tuple[bytes, bytes]:
    """The proof for the value at z, and the value."""
    quotient, y = divide_linear(coefficients(_values(blob)), decode_scalar(z, "z"))
    padded = BlsFrVec.concat([quotient, BlsFrVec(1)])
    ntt(padded, threads=1)
    return _commit(reversed_vector(padded), threads).to_compressed(), y.to_bytes(FR_BYTES, "big")


def verify_proof(commitment: bytes, z: bytes, y: bytes, proof: bytes) -> bool:
    """Has the committed polynomial the value y at z?"""
    point, opened = decode_point(commitment, "commitment"), decode_point(proof, "proof")
    return _opens(point, opened, [1], [decode_scalar(z, "z")], [decode_scalar(y, "y")])


def compute_blob_proof(blob: bytes, commitment: bytes, threads: int = 0) -> bytes:
    """The proof at the point that blob and commitment hash to. Says nothing of whether they belong together."""
    decode_point(commitment, "commitment")
    return compute_proof(blob, challenge(blob, commitment).to_bytes(FR_BYTES, "big"), threads)[0]


def verify_blob_proof(blob: bytes, commitment: bytes, proof: bytes) -> bool:
    """Is this the commitment of the blob?"""
    return verify_blob_proof_batch([blob], [commitment], [proof])


def verify_blob_proof_batch(blobs: Sequence[bytes], commitments: Sequence[bytes], proofs: Sequence[bytes]) -> bool:
    """Is each the commitment of its blob? True for none. LengthError if the lists differ in length."""
    if not len(blobs) == len(commitments) == len(proofs):
        raise LengthError(f"{len(blobs)} blobs, {len(commitments)} commitments and {len(proofs)} proofs")
    if not blobs:
        return True
    points, opened = decode_points(commitments, "commitment"), decode_points(proofs, "proof")
    z = [challenge(blob, commitment) for blob, commitment in zip(blobs, commitments, strict=True)]
    y = [_values(blob).value_at(x) for blob, x in zip(blobs, z, strict=True)]
    said = [
        c + x.to_bytes(FR_BYTES, "big") + value.to_bytes(FR_BYTES, "big") + p
        for c, x, value, p in zip(commitments, z, y, proofs, strict=True)
    ]
    r = to_scalar(_BATCH + len(blobs).to_bytes(8, "big") + b"".join(said))
    return _opens(points, opened, powers(r, len(blobs)), z, y)


def _opens(commitments: BlsG1Vec, proofs: BlsG1Vec, weights: list[int], z: list[int], y: list[int]) -> bool:
    """Is Σ w_i (C_i - y_i G1 + z_i π_i) paired with G2 what Σ w_i π_i is with tau G2?"""
    total = sum(w * value for w, value in zip(weights, y, strict=True))
    scaled = [w * x for w, x in zip(weights, z, strict=True)]
    left = BlsG1Vec.concat([commitments, proofs, BlsG1Vec.generator()]).msm(
        BlsFrVec.from_ints([*weights, *scaled, -total]), threads=1
    )
    right = proofs.msm(BlsFrVec.from_ints(weights), threads=1)
    return pairs_with_powers(left, right, 1)


@cache
def _prepared(power: int) -> FixedPairing[BlsG1Vec, BlsG2Vec]:
    fixed = BlsG2Vec.concat([powers_g2().slice(i, i + 1) for i in (0, power)])
    return FixedPairing(fixed, (BlsG1Vec(0), BlsG2Vec(0)))


def pairs_with_powers(left: BlsG1Vec, right: BlsG1Vec, power: int) -> bool:
    """Is the pairing of left with G2 that of right with tau^power·G2?"""
    return _prepared(power).check(BlsG1Vec(0), BlsG2Vec(0), BlsG1Vec.concat([-left, right]), threads=1)


def challenge(blob: bytes, commitment: bytes) -> int:
    """Where a blob's polynomial is opened (compute_challenge)."""
    return to_scalar(_CHALLENGE + blob + commitment)


def to_scalar(data: bytes) -> int:
    """hash_to_bls_field."""
    return int.from_bytes(hashlib.sha256(data).digest(), "big") % BLS_FR_MODULUS


def powers(r: int, n: int) -> list[int]:
    """1, r, .., r^(n-1)."""
    found = [1]
    for _ in range(1, n):
        found.append(found[-1] * r % BLS_FR_MODULUS)
    return found[:n]


def coefficients(values: BlsFrVec) -> BlsFrVec:
    """Of the polynomial with these values at the roots of unity in bit-reversed order."""
    vec = reversed_vector(values)
    ntt(vec, inverse=True, threads=1)
    return vec


def decode_point(data: bytes, what: str) -> BlsG1Vec:
    """A point of G1; infinity is one. LengthError or EncodingError."""
    if len(data) != POINT_BYTES:
        raise LengthError(f"{what} has {len(data)} bytes, wanted {POINT_BYTES}")
    return BlsG1Vec.from_compressed(data, threads=1)


def decode_points(items: Sequence[bytes], what: str) -> BlsG1Vec:
    """One after another."""
    for i, item in enumerate(items):
        if len(item) != POINT_BYTES:
            raise LengthError(f"{what} {i} has {len(item)} bytes, wanted {POINT_BYTES}")
    return BlsG1Vec.from_compressed(b"".join(items), threads=1)


def _values(blob: bytes) -> BlsFrVec:
    return decode_scalars(blob, G1_POINTS, "blob")


def _commit(values: BlsFrVec, threads: int) -> BlsG1Vec:
    return lagrange().msm(values, threads)
