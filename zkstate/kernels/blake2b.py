"""BLAKE2b-256 with a personalisation, over the columns of a matrix and up a binary Merkle tree (RFC 7693)."""

from __future__ import annotations

from zkstate.errors import LengthError
from zkstate.kernels.scalars import Buffer, FrVec
from zkstate.kernels.seam import CArray, ffi, lib, room, thread_count

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
    salt = ffi.from_buffer("uint8_t[]", salts)
    rows, count = matrix.n // n, thread_count(threads)
    lib.zkn_blake2b_columns(out, ffi.NULL, _person(person), salt, matrix.array, 0, rows, n, count)
    return bytes(ffi.buffer(out))


class ColumnHashes:
    """The same hashes of a matrix whose rows come in parts. States are secret until `last`, and wiped by it."""

    __slots__ = ("_person", "_salts", "_states", "columns", "rows")

    def __init__(self, person: bytes, salts: Buffer) -> None:
        self.columns, rest = divmod(len(salts), DIGEST_BYTES)
        if rest or not self.columns:
            raise LengthError(f"{len(salts)} bytes of salts")
        self._person, self._salts = _person(person), ffi.from_buffer("uint8_t[]", salts)
        self._states, self.rows = room("uint64_t[]", 8 * self.columns), 0

    def add(self, rows: FrVec, threads: int = 0) -> None:
        """The next rows, and not the last. LengthError for none, or unless 3, 7, 11, .. rows have come with them."""
        count = self._count(rows)
        if not count or (self.rows + count + 1) % 4:
            raise LengthError(f"{self.rows + count} rows: parts end behind rows 3, 7, 11, ..")
        self._hash(ffi.NULL, rows, count, threads)

    def last(self, rows: FrVec, threads: int = 0) -> bytes:
        """The last rows, at least one; the hash of every column."""
        count = self._count(rows)
        if not count:
            raise LengthError("no row is the last")
        out = room("uint8_t[]", DIGEST_BYTES * self.columns)
        self._hash(out, rows, count, threads)
        self.wipe()
        return bytes(ffi.buffer(out))

    def wipe(self) -> None:
        """Overwrite the states."""
        lib.zkn_wipe(self._states, ffi.sizeof(self._states))

    def _count(self, rows: FrVec) -> int:
        count, rest = divmod(rows.n, self.columns)
        if rest:
            raise LengthError(f"{rows.n} elements are no rows of {self.columns}")
        return count

    def _hash(self, out: CArray, rows: FrVec, count: int, threads: int) -> None:
        array, many = rows.array, thread_count(threads)
        lib.zkn_blake2b_columns(
            out, self._states, self._person, self._salts, array, self.rows, count, self.columns, many
        )
        self.rows += count


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
