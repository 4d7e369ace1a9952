"""ntt: the transform over Fr, in place, on the domain or on a coset of it. quotient: of a Groth16 proof."""

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


def quotient(a: FrVec, b: FrVec, threads: int = 0) -> FrVec:
    """h[i] = a·b − c at v^(2i+1), v^2 = w, for the polynomials of degree < n with values a[k], b[k], a[k]·b[k] at w^k.

    a and b are overwritten with what depends on them: the caller's to wipe. Shapes: both of n elements, a power of two
    up to 2^27. Errors: LengthError.
    """
    if len(a) != len(b):
        raise LengthError(f"a quotient of {len(a)} and {len(b)} values: expected as many of both")
    h = FrVec.uninitialised(a.n)
    table = twiddles_for(2 * a.n)
    status = lib.zkn_fr_quotient(h.array, a.array, b.array, a.n, table.array, thread_count(threads))
    check(status, f"a quotient of {a.n} values")
    return h


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
