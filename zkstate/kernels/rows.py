"""Matrices over Fr, kept row after row in one vector: encoded as Reed-Solomon codewords, and times a vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from zkstate.errors import LengthError
from zkstate.kernels.scalars import FR_BYTES, FrVec
from zkstate.kernels.seam import check, ffi, lib, thread_count
from zkstate.kernels.transforms import twiddles_for


def rows_encode(rows: FrVec, k: int, n: int, threads: int = 0, *, out: FrVec | None = None) -> FrVec:
    """Each row of k coefficients as n values at 1, w, .., w^(n-1), w of order n, a power of two not below k.

    They stand in the order of `bit_reversed`: of a code only few places are ever asked for.
    Shapes: m·k to m·n. The result is `out`, if that is given, no part of `rows`. Errors: LengthError.
    """
    count = _rows_of(rows, k)
    out = _room(count * n, out)
    status = lib.zkn_fr_rows_encode(out.array, n, rows.array, k, count, twiddles_for(n).array, thread_count(threads))
    check(status, f"a code of {n} values for {k} coefficients")
    return out


def bit_reversed(n: int) -> npt.NDArray[np.intp]:
    """Numbers below n, a power of two, with their bits in the other order: where a code has the value at w^i."""
    order = np.zeros(1, dtype=np.intp)
    while len(order) < n:
        order = np.concatenate((2 * order, 2 * order + 1))
    return order


def rows_sum(rows: FrVec, columns: int, weights: FrVec, threads: int = 0) -> FrVec:
    """Σ weights[i] · row i, over the first len(weights) rows. Errors: LengthError."""
    if weights.n > _rows_of(rows, columns):
        raise LengthError(f"{weights.n} weights for {rows.n // columns} rows")
    out = FrVec.uninitialised(columns)
    lib.zkn_fr_rows_sum(out.array, rows.array, weights.n, columns, weights.array, thread_count(threads))
    return out


def rows_dot(rows: FrVec, weights: FrVec, threads: int = 1) -> FrVec:
    """The product of each row, as long as `weights`, with `weights`. Errors: LengthError."""
    count = _rows_of(rows, weights.n)
    out = FrVec.uninitialised(count)
    lib.zkn_fr_rows_dot(out.array, rows.array, count, weights.n, weights.array, thread_count(threads))
    return out


def rows_filled(width: int, parts: Sequence[Sequence[FrVec]], *, out: FrVec | None = None) -> FrVec:
    """A matrix whose row i is parts[i] one after another, then zeros up to `width`; in `out`, if that is given.

    Errors: LengthError if they are longer, or another room than that is given.
    """
    out = _room(width * len(parts), out)
    for i, row in enumerate(parts):
        at = i * width
        if sum(part.n for part in row) > width:
            raise LengthError(f"a row of {sum(part.n for part in row)} scalars in a matrix of width {width}")
        for part in row:
            ffi.memmove(out.array + at, part.array, FR_BYTES * part.n)
            at += part.n
        lib.zkn_wipe(out.array + at, FR_BYTES * ((i + 1) * width - at))
    return out


def rows_columns(matrix: FrVec, columns: int, chosen: npt.NDArray[np.intp]) -> FrVec:
    """The chosen columns of a matrix, one after another: the transpose of that part of it."""
    words = np.frombuffer(matrix.raw(), dtype="<u8").reshape(_rows_of(matrix, columns), columns, 4)
    out = FrVec.uninitialised(words.shape[0] * len(chosen))
    taken = np.frombuffer(ffi.buffer(out.array), dtype="<u8").reshape(len(chosen), -1, 4)
    for i, j in enumerate(chosen):
        taken[i] = words[:, j]
    return out


def rows_beside(parts: Sequence[FrVec], count: int) -> FrVec:
    """Matrices of `count` rows beside each other. LengthError for another number of rows."""
    words = [np.frombuffer(part.raw(), dtype="<u8").reshape(count, _rows_of(part, count), 4) for part in parts]
    return FrVec.from_raw(np.concatenate(words, axis=1).tobytes())


def _room(n: int, out: FrVec | None) -> FrVec:
    if out is None:
        return FrVec.uninitialised(n)
    if len(out) != n:
        raise LengthError(f"room for {len(out)} scalars, the result has {n}")
    return out


def _rows_of(rows: FrVec, columns: int) -> int:
    if columns < 1 or rows.n % columns:
        raise LengthError(f"{rows.n} scalars are no rows of {columns}")
    return rows.n // columns
