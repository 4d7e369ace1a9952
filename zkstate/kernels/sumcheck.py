"""Tables of a sumcheck: values of a multilinear polynomial, whose first variable is the highest bit of an index."""

from __future__ import annotations

from zkstate.errors import LengthError
from zkstate.kernels.scalars import FrVec
from zkstate.kernels.seam import check, ffi, lib, thread_count


def eq_table(point: FrVec, n: int) -> FrVec:
    """Π_j (point[j] if bit j of i else 1 − point[j]) for i < n ≤ 2^len(point); bit 0 is the highest.

    Errors: LengthError.
    """
    if n < 1 or n > 1 << point.n:
        raise LengthError(f"{n} values of a polynomial in {point.n} variables")
    out = FrVec.uninitialised(n)
    check(lib.zkn_eq_table(out.array, n, point.array, point.n), f"a table of {n} values in {point.n} variables")
    return out


class SumcheckTable:
    """The values of a polynomial in some variables at {0,1}^variables, the highest of them zero and not kept.

    Shapes: at least one value, at most 2^variables. `values` belongs to the table, which folds it in place.
    """

    __slots__ = ("n", "values", "variables")

    def __init__(self, values: FrVec, variables: int) -> None:
        if not 1 <= values.n <= 1 << variables:
            raise LengthError(f"{values.n} values of a polynomial in {variables} variables")
        self.values, self.n, self.variables = values, values.n, variables

    @property
    def half(self) -> int:
        """How many values there are for each value of the first variable."""
        return 1 << (self.variables - 1)

    def fold(self, r: int, threads: int = 0) -> None:
        """The first variable becomes r."""
        lib.zkn_sumcheck_fold(self.values.array, self.n, self.half, FrVec.scalar(r), thread_count(threads))
        self._drop_first()

    def sum_first(self) -> None:
        """The sum over the first variable. Every value has to be there: LengthError otherwise."""
        if self.n != 2 * self.half:
            raise LengthError(f"{self.n} values of {2 * self.half}")
        array = self.values.array
        lib.zkn_fr_vec_add(array, array, array + self.half, self.half)
        self._drop_first()

    def value(self) -> int:
        """The one value that is left when every variable is bound."""
        if self.variables:
            raise LengthError(f"{self.variables} variables are not bound")
        return self.values[0]

    def _drop_first(self) -> None:
        self.n, self.variables = min(self.n, self.half), self.variables - 1


def sumcheck_rows(a: SumcheckTable, b: SumcheckTable, c: SumcheckTable, eq: SumcheckTable, threads: int = 0) -> FrVec:
    """h(0) and the coefficient of X² of h(X) = Σ_x eq(x) (a(X,x) b(X,x) − c(X,x)).

    Shapes: a, b and c of one shape; eq full, in one variable less. Errors: LengthError.
    """
    if not (a.n == b.n == c.n and a.variables == b.variables == c.variables == eq.variables + 1 and eq.n == a.half):
        raise LengthError(f"tables of {a.n}, {b.n} and {c.n} values beside one of {eq.n}")
    out = FrVec.uninitialised(2)
    arrays = [table.values.array for table in (a, b, c, eq)]
    lib.zkn_sumcheck_rows(out.array, *arrays, a.n, a.half, thread_count(threads))
    return out


def sumcheck_powers(d: SumcheckTable, e: SumcheckTable, eq: SumcheckTable, threads: int = 0) -> FrVec:
    """h(0) and the coefficients of X² to X⁵ of h(X) = Σ_x eq(x) (d(X,x)⁵ − e(X,x)).

    Shapes: d and e of one shape; eq full, in one variable less. Errors: LengthError.
    """
    if not (d.n == e.n and d.variables == e.variables == eq.variables + 1 and eq.n == d.half):
        raise LengthError(f"tables of {d.n} and {e.n} values beside one of {eq.n}")
    out = FrVec.uninitialised(5)
    arrays = [table.values.array for table in (d, e, eq)]
    lib.zkn_sumcheck_powers(out.array, *arrays, d.n, d.half, thread_count(threads))
    return out


def sumcheck_product(a: SumcheckTable, b: SumcheckTable, threads: int = 0) -> FrVec:
    """h(0) and the coefficient of X² of h(X) = Σ_x a(X,x) b(X,x). LengthError unless the shapes are equal."""
    if (a.n, a.variables) != (b.n, b.variables):
        raise LengthError(f"tables of {a.n} and {b.n} values")
    out = FrVec.uninitialised(2)
    lib.zkn_sumcheck_product(out.array, a.values.array, b.values.array, a.n, a.half, thread_count(threads))
    return out


def wipe_bytes(buffer: bytearray) -> None:
    """Overwrite with zeros."""
    lib.zkn_wipe(ffi.from_buffer("uint8_t[]", buffer), len(buffer))
