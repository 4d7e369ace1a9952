"""Sparse products over Fr, the rows a witness breaks, and the witness machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from zkstate.errors import LengthError
from zkstate.kernels.scalars import FrVec
from zkstate.kernels.seam import CArray, check, ffi, lib, room, thread_count

# Steps of a witness program (zkn.h).
STEP_SOLVE: int = lib.ZKN_STEP_SOLVE
STEP_PRODUCT: int = lib.ZKN_STEP_PRODUCT
STEP_LINEAR: int = lib.ZKN_STEP_LINEAR
STEP_INVERSE: int = lib.ZKN_STEP_INVERSE
STEP_BITS: int = lib.ZKN_STEP_BITS
STEP_ONE_HOT: int = lib.ZKN_STEP_ONE_HOT


class Sparse(Protocol):
    """Compressed rows: row i is entries row_ptr[i] to row_ptr[i+1] - 1, a wire and a coefficient each.

    The arrays do not change while a kernel or a WitnessProgram uses them.
    """

    @property
    def row_ptr(self) -> npt.NDArray[np.uint64]: ...
    @property
    def wire(self) -> npt.NDArray[np.uint32]: ...
    @property
    def coefficient(self) -> npt.NDArray[np.uint32]: ...


class SparseView:
    """A zkn_sparse over arrays it keeps alive: C-contiguous copies where the caller's are not."""

    __slots__ = ("_arrays", "n_rows", "struct")

    def __init__(self, matrix: Sparse) -> None:
        row_ptr = np.ascontiguousarray(matrix.row_ptr, dtype=np.uint64)
        wire = np.ascontiguousarray(matrix.wire, dtype=np.uint32)
        coefficient = np.ascontiguousarray(matrix.coefficient, dtype=np.uint32)
        if not len(row_ptr) or len(wire) != len(coefficient):
            raise LengthError(f"{len(row_ptr)} row starts, {len(wire)} wires, {len(coefficient)} coefficients")
        self.n_rows = len(row_ptr) - 1
        self._arrays = [
            ffi.from_buffer("uint64_t[]", row_ptr),
            ffi.from_buffer("uint32_t[]", wire),
            ffi.from_buffer("uint32_t[]", coefficient),
        ]
        self.struct = ffi.new("zkn_sparse *", [*self._arrays, self.n_rows, len(wire)])


def check_sparse(matrix: Sparse, n_columns: int, pool_size: int) -> None:
    """EncodingError unless the rows rise to the number of entries and every entry points inside."""
    bad = ffi.new("size_t *")
    status = lib.zkn_sparse_check(bad, SparseView(matrix).struct, n_columns, pool_size)
    check(status, f"row or entry {bad[0]}")


def sparse_product(matrix: Sparse, pool: FrVec, w: FrVec, threads: int = 0) -> FrVec:
    """Each row times w. EncodingError if a row reads past w or past the pool."""
    check_sparse(matrix, len(w), len(pool))
    view = SparseView(matrix)
    out = FrVec.uninitialised(view.n_rows)
    lib.zkn_sparse_product(out.array, view.struct, pool.array, len(pool), w.array, thread_count(threads))
    return out


def sparse_blocks_product(
    matrix: Sparse, pool: FrVec, own: FrVec, shared: FrVec, blocks: int, threads: int = 0, *, out: FrVec | None = None
) -> FrVec:
    """The same matrix in each block: row i of the result is row i times the wires of block 0, 1, ..

    Shapes: own n·blocks, the wires below n of every block, wire by wire; shared, the wires from n on, alike in all. The
    result is `out`, if that is given: as long as rows times blocks, and no part of the others.
    Errors: LengthError; EncodingError if a row reads past the wires or past the pool.
    """
    n_own, rest = divmod(len(own), blocks) if blocks > 0 else (0, 1)
    if rest:
        raise LengthError(f"{len(own)} scalars for {blocks} blocks")
    check_sparse(matrix, n_own + len(shared), len(pool))
    view = SparseView(matrix)
    if out is None:
        out = FrVec.uninitialised(view.n_rows * blocks)
    if len(out) != view.n_rows * blocks:
        raise LengthError(f"room for {len(out)} scalars, the product has {view.n_rows} rows of {blocks}")
    lib.zkn_sparse_blocks_product(
        out.array, view.struct, pool.array, len(pool), own.array, n_own, shared.array, blocks, thread_count(threads)
    )
    return out


def broken_rows(abc: Sequence[Sparse], pool: FrVec, w: FrVec, threads: int = 0) -> npt.NDArray[np.intp]:
    """The rows i where (A_i·w)(B_i·w) ≠ C_i·w, in order.

    Errors: LengthError unless abc is three matrices of equally many rows, otherwise as sparse_product.
    """
    views = [SparseView(matrix) for matrix in abc]
    if len(views) != 3 or len({view.n_rows for view in views}) != 1:
        raise LengthError(f"matrices of {[view.n_rows for view in views]} rows: wanted three of one height")
    for matrix in abc:
        check_sparse(matrix, len(w), len(pool))
    broken = room("uint8_t[]", views[0].n_rows)
    structs = [view.struct for view in views]
    lib.zkn_r1cs_broken(broken, *structs, pool.array, len(pool), w.array, thread_count(threads))
    return np.nonzero(np.frombuffer(ffi.buffer(broken), dtype=np.uint8))[0]


def unequal_products(a: FrVec, b: FrVec, c: FrVec, threads: int = 0) -> npt.NDArray[np.intp]:
    """Where a[i] b[i] ≠ c[i], in order. LengthError unless they are equally long."""
    if not len(a) == len(b) == len(c):
        raise LengthError(f"vectors of {len(a)}, {len(b)} and {len(c)} scalars")
    unequal = room("uint8_t[]", len(a))
    lib.zkn_unequal_products(unequal, a.array, b.array, c.array, len(a), thread_count(threads))
    return np.nonzero(np.frombuffer(ffi.buffer(unequal), dtype=np.uint8))[0]


def unequal_powers(d: FrVec, e: FrVec, threads: int = 0) -> npt.NDArray[np.intp]:
    """Where d[i]⁵ ≠ e[i], in order. LengthError unless they are equally long."""
    if len(d) != len(e):
        raise LengthError(f"vectors of {len(d)} and {len(e)} scalars")
    unequal = room("uint8_t[]", len(d))
    lib.zkn_unequal_powers(unequal, d.array, e.array, len(d), thread_count(threads))
    return np.nonzero(np.frombuffer(ffi.buffer(unequal), dtype=np.uint8))[0]


class WitnessProgram:
    """A checked program for the witness machine: steps over the wires and room for intermediate values.

    Shapes: `matrices` are A, B, C and the linear combinations that steps read, over n_slots columns;
    steps uint32 (n, 4): step, target slot, source row, count.
    Errors: EncodingError names the step or entry that points outside; the program is refused as a whole.
    """

    __slots__ = ("_keep", "_program", "n_fixed", "n_slots")

    def __init__(
        self,
        matrices: Sequence[Sparse],
        pool: FrVec,
        steps: npt.NDArray[np.uint32],
        *,
        n_fixed: int,
        n_slots: int,
    ) -> None:
        if len(matrices) != 4 or steps.ndim != 2 or steps.shape[1] != 4:
            raise LengthError(f"{len(matrices)} matrices and steps of shape {steps.shape}: wanted 4 and (n, 4)")
        views = [SparseView(matrix) for matrix in matrices]
        code = ffi.from_buffer("uint32_t[]", np.array(steps, dtype=np.uint32, order="C"))
        self._keep: list[Any] = [views, code, pool]
        fields = [
            *(view.struct[0] for view in views),
            pool.array,
            len(pool),
            code,
            len(steps),
            n_fixed,
            n_slots,
        ]
        self._program = ffi.new("zkn_program *", fields)
        self.n_fixed, self.n_slots = n_fixed, n_slots
        bad = ffi.new("size_t *")
        status = lib.zkn_witness_check(bad, self._program)
        check(status, f"witness program: step, row or entry {bad[0]}")

    @property
    def struct(self) -> CArray:
        """The zkn_program; for zkstate.kernels only."""
        return self._program

    def run(self, fixed: FrVec) -> FrVec:
        """All slots, from the constant one and the inputs. Total: any inputs give some slots."""
        if len(fixed) != self.n_fixed:
            raise LengthError(f"{len(fixed)} fixed slots, wanted {self.n_fixed}")
        slots = FrVec(self.n_slots)
        ffi.memmove(slots.array, fixed.array, ffi.sizeof("zkn_fr") * self.n_fixed)
        lib.zkn_witness_run(slots.array, self._program)
        return slots


def wipe(vec: FrVec) -> None:
    """Overwrite with zeros."""
    lib.zkn_wipe(vec.array, ffi.sizeof(vec.array))
