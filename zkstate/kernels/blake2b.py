"""BLAKE2b-256 with a personalisation, over the columns of a matrix and up a binary Merkle tree (RFC 7693)."""

from __future__ import annotations

from zkstate.errors import LengthError
from zkstate.kernels.scalars import Buffer, FrVec
from zkstate.kernels.seam import ffi, lib, room, thread_count

DIGEST_BYTES = 32
_PERSON_BYTES = 16


def blake2b_columns(person: bytes, salts: Buffer, matrix: FrVec, threads: int = 0) -> bytes:
    """For each column the hash of its 32-byte salt and its elements, 32 bytes big-endian each, top to bottom.

    Shapes: n salts, a matrix of whole rows of n. Errors: LengthError.
    """
    n, rest = divmod(len(salts), DIGEST_BYTES)
    if rest or not n or matrix.n % n:
        raise LengthError(f"{len(salts)} bytes of salts for a matrix of {matrix.n} elements")
    out = room("uint8_t[]", DIGEST_BYTES * n)
    lib.zkn_blake2b_columns(
        out, _person(person), ffi.from_buffer("uint8_t[]", salts), matrix.array, matrix.n // n, n, thread_count(threads)
    )
    return bytes(ffi.buffer(out))


def blake2b_parents(person: bytes, level: bytes, threads: int = 0) -> bytes:
    """The hash of each two neighbours of a level of digests. LengthError unless their number is even."""
    n, rest = divmod(len(level), 2 * DIGEST_BYTES)
    if rest:
        raise LengthError(f"{len(level)} bytes are no even number of digests")
    out = room("uint8_t[]", DIGEST_BYTES * n)
    lib.zkn_blake2b_parents(out, _person(person), ffi.from_buffer("uint8_t[]", level), n, thread_count(threads))
    return bytes(ffi.buffer(out))


def _person(person: bytes) -> bytes:
    if len(person) > _PERSON_BYTES:
        raise LengthError(f"a personalisation of {len(person)} bytes, at most {_PERSON_BYTES}")
    return person.ljust(_PERSON_BYTES, b"\0")
