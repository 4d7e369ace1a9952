"""Small constraint systems written out by hand, and Groth16 over exact integers as an oracle for them."""

from dataclasses import dataclass

import numpy as np

from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.kernels import FR_MODULUS, FrVec

Row = tuple[dict[int, int], dict[int, int], dict[int, int]]


def matrix(rows: list[dict[int, int]], n_wires: int) -> SparseMatrix:
    terms = [term for row in rows for term in sorted(row.items())]
    row_ptr = np.cumsum([0, *(len(row) for row in rows)]).astype(np.uint64)
    wire = np.array([wire for wire, _ in terms], dtype=np.uint32)
    return SparseMatrix.from_values(row_ptr, wire, FrVec.from_ints(value for _, value in terms), n_wires)


@dataclass(frozen=True)
class Small:
    """Rows (A, B, C) as {wire: coefficient}, and a witness that satisfies them."""

    rows: list[Row]
    n_public: int
    witness: list[int]

    @property
    def r1cs(self) -> R1cs:
        n = len(self.witness)
        return R1cs(n, self.n_public, *(matrix([row[i] for row in self.rows], n) for i in range(3)))

    @property
    def values(self) -> FrVec:
        return FrVec.from_ints(self.witness)

    @property
    def public(self) -> list[int]:
        return [value % FR_MODULUS for value in self.witness[1 : self.n_public + 1]]


def cubic(x: int = 3) -> Small:
    """x^3 + x + 5 = y, y public (Zcash's example): four rows."""
    w = [1, x**3 + x + 5, x, x * x, x**3, x**3 + x]
    rows = [
        ({2: 1}, {2: 1}, {3: 1}),
        ({3: 1}, {2: 1}, {4: 1}),
        ({2: 1, 4: 1}, {0: 1}, {5: 1}),
        ({0: 5, 5: 1}, {0: 1}, {1: 1}),
    ]
    return Small(rows, 1, w)


def bits() -> Small:
    """A public 4-bit number from secret bits, a second public input under a negative coefficient."""
    b = [1, 0, 1, 1]
    w = [1, 13, -13, *b]
    rows = [({3 + i: 1}, {0: -1, 3 + i: 1}, {}) for i in range(4)]
    rows += [({3 + i: 2**i for i in range(4)}, {0: 1}, {1: 1}), ({2: -1}, {0: 7}, {1: 7})]
    return Small(rows, 2, w)


def all_public() -> Small:
    """One row and no secret wire at all."""
    return Small([({1: 1}, {2: 1}, {3: 1})], 3, [1, 6, 7, 42])


def lagrange(n: int, root: int, tau: int) -> list[int]:
    """L_i(tau) on the powers of `root`, by the product formula."""
    points = [pow(root, i, FR_MODULUS) for i in range(n)]
    values = []
    for i, x in enumerate(points):
        top = bottom = 1
        for j, y in enumerate(points):
            if i != j:
                top, bottom = top * (tau - y) % FR_MODULUS, bottom * (x - y) % FR_MODULUS
        values.append(top * pow(bottom, -1, FR_MODULUS) % FR_MODULUS)
    return values
