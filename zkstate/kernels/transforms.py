"""ntt: the transform over Fr of either curve, on the domain or on a coset. quotient: of a Groth16 proof."""

from __future__ import annotations

from zkstate.errors import LengthError
from zkstate.kernels.scalars import FrVec, ScalarVec
from zkstate.kernels.seam import check, lib, thread_count

FR_TWO_ADICITY = 28

# For each curve the table for the largest transform so far; the tables of smaller ones are its beginnings.
_twiddles: dict[type[ScalarVec], ScalarVec] = {}


def ntt(v: ScalarVec, inverse: bool = False, coset: int | None = None, threads: int = 0) -> None:
    """v[k] ← Σ_j v[j]·(g·w^k)^j, in place, natural order; the inverse undoes exactly that.

    Shapes: len(v) = n is a power of two up to 2^28; w = 5^((r−1)/n), for BLS12-381 7^((r−1)/n). g is `coset`, and 1 if
    that is None. Errors: LengthError for another n or a coset of 0 mod r.
    """
    if coset is not None and coset % v.MODULUS == 0:
        raise LengthError("the coset shift is 0 mod r")
    threads, scale_powers = thread_count(threads), v.kernel("vec_scale_powers")
    if coset is not None and not inverse:
        scale_powers(v.array, v.array, v.scalar(1), v.scalar(coset), v.n, threads)
    transform = v.kernel("intt" if inverse else "ntt")
    check(transform(v.array, v.n, twiddles_for(v.n, type(v)).array, threads), f"a transform of {v.n} scalars")
    if coset is not None and inverse:
        ratio = pow(coset, -1, v.MODULUS)
        scale_powers(v.array, v.array, v.scalar(1), v.scalar(ratio), v.n, threads)


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


def twiddles_for(n: int, scalars: type[ScalarVec] = FrVec) -> ScalarVec:
    """Roots for a transform of n elements, kept for the next. LengthError unless n is a power of two up to 2^28."""
    if n < 1 or n & (n - 1) or n > 1 << FR_TWO_ADICITY:
        raise LengthError(f"a transform of {n} scalars: the length must be a power of two up to 2^28")
    table, size = _twiddles.get(scalars), max(1, n // 2)
    if table is None or table.n < size:
        table = scalars.uninitialised(size)
        check(table.kernel("ntt_twiddles")(table.array, size), f"a table of {size} roots")
        _twiddles[scalars] = table
    return table
