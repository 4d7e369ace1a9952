"""Sparse matrices and their kernels against Python integers; malformed ones are refused by type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkstate.constraint import r1cs
from zkstate.constraint.r1cs import R1cs, SparseMatrix, gather, pooled
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import (
    FR_MODULUS,
    STEP_BITS,
    STEP_LINEAR,
    STEP_SOLVE,
    FrVec,
    WitnessProgram,
    broken_rows,
    check_sparse,
    sparse_product,
)

VALUES = st.sampled_from([0, 1, FR_MODULUS - 1, 2, FR_MODULUS // 2]) | st.integers(0, FR_MODULUS - 1)


@st.composite
def matrices(draw, n_rows=None, n_columns=None):
    n_columns = n_columns or draw(st.integers(1, 8))
    n_rows = draw(st.integers(0, 8)) if n_rows is None else n_rows
    entry = st.tuples(st.integers(0, n_columns - 1), VALUES)
    return n_columns, [draw(st.lists(entry, max_size=6)) for _ in range(n_rows)]


def sparse(n_columns, rows):
    row_ptr = np.cumsum([0] + [len(row) for row in rows]).astype(np.uint64)
    wires = np.array([wire for row in rows for wire, _ in row], dtype=np.uint32)
    values = FrVec.from_ints([value for row in rows for _, value in row])
    return SparseMatrix.from_values(row_ptr, wires, values, n_columns)


def times(rows, w):
    return [sum(value * w[wire] for wire, value in row) % FR_MODULUS for row in rows]


@given(matrices(), st.data())
def test_products_agree_with_integers(shape, data):
    n_columns, rows = shape
    w = data.draw(st.lists(VALUES, min_size=n_columns, max_size=n_columns))
    matrix = sparse(n_columns, rows)
    for threads in (0, 1, 2, 5):
        assert sparse_product(matrix, matrix.pool, FrVec.from_ints(w), threads).to_ints() == times(rows, w)
    v = data.draw(st.lists(VALUES, min_size=len(rows), max_size=len(rows)))
    columns = [[(i, value) for i, row in enumerate(rows) for wire, value in row if wire == j] for j in range(n_columns)]
    turned = matrix.transposed()
    assert (turned.n_rows, turned.n_columns, turned.nnz) == (n_columns, len(rows), matrix.nnz)
    assert sparse_product(turned, turned.pool, FrVec.from_ints(v)).to_ints() == times(columns, v)


@given(matrices())
def test_entries_come_back_as_they_went_in(shape):
    n_columns, rows = shape
    matrix = sparse(n_columns, rows)
    assert matrix.values().to_ints() == [value for row in rows for _, value in row]
    assert matrix.rows().tolist() == [i for i, row in enumerate(rows) for _ in row]
    assert len(matrix.pool) == len({value for row in rows for _, value in row})
    for i, row in enumerate(rows):
        total = {wire: 0 for wire, _ in row}
        for wire, value in row:
            total[wire] += value
        assert matrix.row(i) == total


@given(st.integers(1, 5), st.integers(0, 6), st.data())
def test_broken_rows_are_those_that_do_not_hold(n_columns, n_rows, data):
    abc = [data.draw(matrices(n_rows, n_columns))[1] for _ in range(3)]
    w = data.draw(st.lists(VALUES, min_size=n_columns, max_size=n_columns))
    a, b, c = (times(rows, w) for rows in abc)
    expected = [i for i in range(n_rows) if (a[i] * b[i] - c[i]) % FR_MODULUS]
    pool, _ = pooled(FrVec.from_ints([value for rows in abc for row in rows for _, value in row] + [7]))
    index = {value: i for i, value in enumerate(pool.to_ints())}
    shared = []
    for rows in abc:
        alone = sparse(n_columns, rows)
        renamed = np.array([index[value] for row in rows for _, value in row], dtype=np.uint32)
        shared.append(SparseMatrix(alone.row_ptr, alone.wire, renamed, pool, n_columns))
    for threads in (0, 1, 3):
        assert broken_rows(shared, pool, FrVec.from_ints(w), threads).tolist() == expected


def arrays(row_ptr=(0, 1, 3), wire=(0, 1, 2), coefficient=(0, 1, 1)):
    return (
        np.array(row_ptr, dtype=np.uint64), np.array(wire, dtype=np.uint32), np.array(coefficient, dtype=np.uint32)
    )  # fmt: skip


MALFORMED = [
    ({"row_ptr": (0, 1, 2)}, LengthError),
    ({"row_ptr": (1, 1, 3)}, LengthError),
    ({"row_ptr": (0, 4, 3)}, EncodingError),
    ({"row_ptr": ()}, LengthError),
    ({"wire": (0, 1, 3)}, EncodingError),
    ({"wire": (0, 1)}, LengthError),
    ({"coefficient": (0, 1, 2)}, EncodingError),
    ({"coefficient": (0, 1, 2**32 - 1)}, EncodingError),
]


@pytest.mark.parametrize(("change", "error"), MALFORMED)
def test_malformed_matrices_are_refused(change, error):
    pool = FrVec.from_ints([5, 6])
    assert SparseMatrix(*arrays(), pool, 3).nnz == 3
    with pytest.raises(error):
        SparseMatrix(*arrays(**change), pool, 3)


class Bare:
    def __init__(self, row_ptr, wire, coefficient):
        self.row_ptr, self.wire, self.coefficient = row_ptr, wire, coefficient


@pytest.mark.parametrize(("change", "error"), MALFORMED)
def test_kernels_refuse_them_on_their_own(change, error):
    """The seam does not rely on SparseMatrix: bare arrays never reach C unchecked."""
    pool, w = FrVec.from_ints([5, 6]), FrVec.from_ints([1, 2, 3])
    good, bad = Bare(*arrays()), Bare(*arrays(**change))
    assert sparse_product(good, pool, w).to_ints() == [5, 30]
    for attempt in (
        lambda: check_sparse(bad, 3, 2),
        lambda: sparse_product(bad, pool, w),
        lambda: broken_rows([good, good, bad], pool, w),
        lambda: WitnessProgram([good, good, good, bad], pool, np.zeros((0, 4), np.uint32), n_fixed=1, n_slots=3),
    ):
        with pytest.raises((LengthError, EncodingError)):
            attempt()


def test_arrays_of_other_types_and_shapes():
    pool = FrVec.from_ints([5, 6])
    row_ptr, wire, coefficient = arrays()
    for wrong in ((row_ptr.astype(np.int64), wire), (row_ptr, wire.astype(np.uint64)), (row_ptr, wire.reshape(1, 3))):
        with pytest.raises(LengthError, match="wanted one dimension of"):
            SparseMatrix(*wrong, coefficient, pool, 3)
    matrix = SparseMatrix(row_ptr, wire, coefficient, pool, 3)
    with pytest.raises(ValueError, match="read-only"):
        matrix.wire[0] = 9


def test_systems_of_matrices_that_do_not_fit():
    square, wide = sparse(3, [[(0, 1)]] * 2), sparse(4, [[(0, 1)]] * 2)
    tall = sparse(3, [[(0, 1)]] * 3)
    assert R1cs(3, 2, square, square, square).n_constraints == 2
    for a, b, c in ((square, wide, square), (square, square, tall), (tall, square, square)):
        with pytest.raises(LengthError, match="rows by"):
            R1cs(3, 1, a, b, c)
    for n_public in (-1, 3):
        with pytest.raises(LengthError, match="public wires"):
            R1cs(3, n_public, square, square, square)


def program(steps, n_fixed=2, n_slots=4):
    one = sparse(4, [[(1, 1)]])
    c = sparse(4, [[(2, 1)]])
    pool = one.pool
    return WitnessProgram([one, one, c, one], pool, np.array(steps, dtype=np.uint32), n_fixed=n_fixed, n_slots=n_slots)


def test_programs_run_in_order():
    steps = [[STEP_SOLVE, 2, 0, 1], [STEP_LINEAR, 3, 0, 1]]
    assert program(steps).run(FrVec.from_ints([1, 7])).to_ints() == [1, 7, 49, 7]
    with pytest.raises(LengthError, match="3 fixed slots, wanted 2"):
        program(steps).run(FrVec.from_ints([1, 7, 8]))


@pytest.mark.parametrize(
    "step",
    [
        [0, 2, 0, 1],
        [9, 2, 0, 1],
        [STEP_SOLVE, 1, 0, 1],
        [STEP_SOLVE, 3, 0, 1],
        [STEP_SOLVE, 2, 1, 1],
        [STEP_LINEAR, 4, 0, 1],
        [STEP_LINEAR, 2, 1, 1],
        [STEP_BITS, 3, 0, 2],
        [STEP_BITS, 2, 0, 0],
        [STEP_BITS, 2, 0, 255],
        [STEP_BITS, 2**32 - 1, 0, 2],
    ],
)
def test_programs_that_could_leave_their_arrays_are_refused(step):
    with pytest.raises(EncodingError, match="witness program: step, row or entry 1 points outside"):
        program([[STEP_SOLVE, 2, 0, 1], step])


def test_programs_of_the_wrong_shape_are_refused():
    for steps in (np.zeros(4), np.zeros((1, 3))):
        with pytest.raises(LengthError, match=r"wanted 4 and \(n, 4\)"):
            program(steps)
    for n_fixed, n_slots in ((0, 4), (5, 4), (2, 3)):
        with pytest.raises(EncodingError):
            program([[STEP_LINEAR, 3, 0, 1]], n_fixed, n_slots)


def test_a_program_keeps_a_copy_of_its_steps():
    steps = np.array([[STEP_LINEAR, 3, 0, 1]], dtype=np.uint32)
    one = sparse(4, [[(1, 1)]])
    made = WitnessProgram([one, one, one, one], one.pool, steps, n_fixed=2, n_slots=4)
    steps[:] = 2**32 - 1
    assert made.run(FrVec.from_ints([1, 6])).to_ints() == [1, 6, 0, 6]


def test_gathering_from_a_pool():
    pool = FrVec.from_ints([3, 4, 5])
    assert gather(pool, np.array([2, 0, 2], dtype=np.uint32)).to_ints() == [5, 3, 5]
    assert len(gather(pool, np.array([], dtype=np.uint32))) == 0


@given(st.lists(VALUES), st.sampled_from([20, 1]))
def test_equal_values_are_pooled_whatever_the_others_are(values, bits):
    """By one bit there are two groups, so that most values differ from what stands for theirs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(r1cs, "_MOST_GROUP_BITS", bits)
        pool, index = pooled(FrVec.from_ints(values))
    raw = [bytes(pool.slice(i, i + 1).raw()) for i in range(len(pool))]
    assert raw == sorted(set(raw))
    assert [pool[i] for i in index.tolist()] == values
