"""ntt: the number-theoretic transform over Fr, in place, on the domain itself or on a coset of it."""

from __future__ import annotations

from zkstate.errors import LengthError
from zkstate.kernels.scalars import FR_MODULUS, FrVec, scalar
from zkstate.kernels.seam import check, lib, thread_count

FR_TWO_ADICITY = 28

# The table for the largest transform so far; the tables of smaller ones are its beginnings.
_twiddles = FrVec(0)


def ntt(v: FrVec, inverse: bool = False, coset: int | None = None, threads: int = 0) -> None:
    """v[k] ← Σ_j v[j]·(g·w^k)^j, in place, natural order; the inverse undoes exactly that.

    Shapes: len(v) = n is a power of two up to 2^28; w = 5^((r−1)/n). g is `coset`, and 1 if that is None.
    Errors: LengthError for another n or a coset of 0 mod r.
    """
    if coset is not None and coset % FR_MODULUS == 0:
        raise LengthError("the coset shift is 0 mod r")
    threads = thread_count(threads)
    if coset is not None and not inverse:
        lib.zkn_fr_vec_scale_powers(v.array, v.array, scalar(1), scalar(coset), v.n, threads)
    transform = lib.zkn_fr_intt if inverse else lib.zkn_fr_ntt
    check(transform(v.array, v.n, twiddles_for(v.n).array, threads), f"a transform of {v.n} scalars")
    if coset is not None and inverse:
        ratio = pow(coset, -1, FR_MODULUS)
        lib.zkn_fr_vec_scale_powers(v.array, v.array, scalar(1), scalar(ratio), v.n, threads)


def twiddles_for(n: int) -> FrVec:
    """Roots for a transform of n elements, kept for the next. LengthError unless n is a power of two up to 2^28."""
    global _twiddles  # noqa: PLW0603  # a cache: replaced whole, so a reader has the old table or the new one
    if n < 1 or n & (n - 1) or n > 1 << FR_TWO_ADICITY:
        raise LengthError(f"a transform of {n} scalars: the length must be a power of two up to 2^28")
    table, size = _twiddles, max(1, n // 2)
    if table.n < size:
        table = FrVec.uninitialised(size)
        check(lib.zkn_fr_ntt_twiddles(table.array, size), f"a table of {size} roots")
        _twiddles = table
    return table
