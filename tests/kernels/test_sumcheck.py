"""Tables, rounds, codes and hashes of the transparent system against their definitions in integers and hashlib."""

import hashlib
import itertools
import math
import random

import numpy as np
import pytest

from zkstate.errors import LengthError
from zkstate.kernels import (
    FR_MODULUS,
    ColumnHashes,
    FrVec,
    SumcheckTable,
    bit_reversed,
    blake2b_columns,
    blake2b_parents,
    eq_table,
    joined_slots,
    rows_columns,
    rows_dot,
    rows_encode,
    rows_filled,
    rows_sum,
    slots_taken,
    sumcheck_powers,
    sumcheck_product,
    sumcheck_rows,
    unequal_powers,
    unequal_products,
)

R = FR_MODULUS
EDGES = [0, 1, R - 1, R // 2, (1 << 253) + 5]


def sample(n, seed=0):
    source = random.Random(f"{n} {seed}")
    return [source.choice(EDGES) if source.randrange(4) == 0 else source.randrange(R) for _ in range(n)]


def eq(point, n):
    """The definition, bit by bit."""
    entries = itertools.islice(itertools.product((0, 1), repeat=len(point)), n)
    return [math.prod(q if bit else 1 - q for q, bit in zip(point, bits, strict=True)) % R for bits in entries]


@pytest.mark.parametrize("variables", range(7))
def test_eq_tables_are_by_definition(variables):
    point = sample(variables, "point")
    for n in {1, (1 << variables) // 2 + 1, max(1, (1 << variables) - 1), 1 << variables} - {0}:
        if n <= 1 << variables:
            assert eq_table(FrVec.from_ints(point), n).to_ints() == eq(point, n)
    for n in (0, (1 << variables) + 1):
        with pytest.raises(LengthError):
            eq_table(FrVec.from_ints(point), n)


def shapes():
    return [
        (s, n) for s in range(1, 7) for n in sorted({1, 2, (1 << s) // 2, (1 << s) // 2 + 1, 1 << s}) if n <= 1 << s
    ]


@pytest.mark.parametrize(("variables", "n"), shapes())
@pytest.mark.parametrize("threads", [1, 3])
def test_rounds_are_by_definition(variables, n, threads):
    full, half = 1 << variables, 1 << (variables - 1)
    a, b, c = (sample(n, name) for name in "abc")
    weights = sample(half, "eq")
    padded = [values + [0] * (full - n) for values in (a, b, c)]
    at = [[[v[i], v[i + half]] for v in padded] for i in range(half)]
    tables = [SumcheckTable(FrVec.from_ints(values), variables) for values in (a, b, c)]
    found = sumcheck_rows(*tables, SumcheckTable(FrVec.from_ints(weights), variables - 1), threads).to_ints()
    assert found == [
        sum(w * (x[0] * y[0] - z[0]) for w, (x, y, z) in zip(weights, at, strict=True)) % R,
        sum(w * (x[1] - x[0]) * (y[1] - y[0]) for w, (x, y, _) in zip(weights, at, strict=True)) % R,
    ]
    assert sumcheck_product(tables[0], tables[1], threads).to_ints() == [
        sum(x[0] * y[0] for x, y, _ in at) % R,
        sum((x[1] - x[0]) * (y[1] - y[0]) for x, y, _ in at) % R,
    ]
    powers = sumcheck_powers(tables[0], tables[2], SumcheckTable(FrVec.from_ints(weights), variables - 1), threads)
    assert powers.to_ints() == [
        sum(
            w * (math.comb(5, i) * x[0] ** (5 - i) * (x[1] - x[0]) ** i - (not i) * z[0])
            for w, (x, _, z) in zip(weights, at, strict=True)
        )
        % R
        for i in (0, 2, 3, 4, 5)
    ]
    r = sample(1, "r")[0]
    tables[0].fold(r, threads)
    folded = [((1 - r) * x[0] + r * x[1]) % R for x, _, _ in at][: min(n, half)]
    assert tables[0].values.slice(0, tables[0].n).to_ints() == folded
    assert (tables[0].n, tables[0].variables) == (len(folded), variables - 1)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_folding_to_the_end_evaluates_the_extension(n):
    values, point = sample(n), sample(3, "point")
    table = SumcheckTable(FrVec.from_ints(values), 3)
    for r in point:
        table.fold(r)
    assert table.value() == sum(x * y for x, y in zip(values, eq(point, n), strict=True)) % R


def test_the_sum_over_the_first_variable():
    values = sample(16)
    table = SumcheckTable(FrVec.from_ints(values), 4)
    table.sum_first()
    assert table.values.slice(0, table.n).to_ints() == [(x + y) % R for x, y in zip(values, values[8:])]  # noqa: B905  # to the shorter
    with pytest.raises(LengthError):
        SumcheckTable(FrVec.from_ints(values[:9]), 4).sum_first()


def test_tables_that_do_not_fit_are_refused():
    table = SumcheckTable(FrVec.from_ints(sample(5)), 3)
    for n, variables in ((0, 2), (5, 2)):
        with pytest.raises(LengthError):
            SumcheckTable(FrVec(n), variables)
    for other in (SumcheckTable(FrVec(4), 3), SumcheckTable(FrVec(5), 4)):
        with pytest.raises(LengthError):
            sumcheck_product(table, other)
        with pytest.raises(LengthError):
            sumcheck_rows(table, table, other, SumcheckTable(FrVec(4), 2))
        with pytest.raises(LengthError):
            sumcheck_powers(table, other, SumcheckTable(FrVec(4), 2))
    for eq_size, eq_variables in ((3, 2), (8, 3)):
        with pytest.raises(LengthError):
            sumcheck_rows(table, table, table, SumcheckTable(FrVec(eq_size), eq_variables))
        with pytest.raises(LengthError):
            sumcheck_powers(table, table, SumcheckTable(FrVec(eq_size), eq_variables))
    with pytest.raises(LengthError):
        table.value()


@pytest.mark.parametrize(("rows", "k", "n"), [(1, 1, 1), (3, 2, 2), (2, 5, 8), (4, 64, 64), (1, 33, 256)])
def test_encoding_evaluates_every_row(rows, k, n):
    values = sample(rows * k)
    encoded = rows_encode(FrVec.from_ints(values), k, n).to_ints()
    w = pow(5, (R - 1) // n, R)
    for i in range(rows):
        row = values[i * k : (i + 1) * k]
        for j in {0, 1 % n, n // 3, n - 1}:
            assert encoded[i * n + bit_reversed(n)[j]] == sum(c * pow(w, j * e, R) for e, c in enumerate(row)) % R
    for bad in (k - 1, 3):
        if bad < k or bad & (bad - 1):
            with pytest.raises(LengthError):
                rows_encode(FrVec.from_ints(values), k, bad)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (5, 3), (17, 4), (40, 19)])
def test_products_with_rows_and_columns(rows, columns):
    values = [sample(columns, i) for i in range(rows)]
    matrix = FrVec.from_ints(x for row in values for x in row)
    left, right = sample(rows, "left"), sample(columns, "right")
    sums = [sum(w * row[j] for w, row in zip(left, values, strict=True)) % R for j in range(columns)]
    dots = [sum(w * x for w, x in zip(right, row, strict=True)) % R for row in values]
    for threads in (1, 3):
        assert rows_sum(matrix, columns, FrVec.from_ints(left), threads).to_ints() == sums
        assert rows_dot(matrix, FrVec.from_ints(right), threads).to_ints() == dots
    assert rows_sum(matrix, columns, FrVec.from_ints(left[:1])).to_ints() == [left[0] * x % R for x in values[0]]
    chosen = [0, columns - 1]
    picked = rows_columns(matrix, columns, np.array(chosen)).to_ints()
    assert picked == [values[i][j] for j in chosen for i in range(rows)]
    with pytest.raises(LengthError):
        rows_sum(matrix, columns, FrVec(rows + 1))
    with pytest.raises(LengthError):
        rows_dot(matrix, FrVec(rows * columns + 1))


def test_slots_of_vectors_are_joined_one_vector_after_another():
    for n_slots, count in ((3, 1), (1, 5), (4, 16), (2, 37)):
        values = [sample(n_slots, f"{count} {i}") for i in range(count)]
        joined = joined_slots((FrVec.from_ints(value) for value in values), n_slots, count)
        assert joined.to_ints() == [value[i] for i in range(n_slots) for value in values]
    for sizes in ((2, 2), (2, 2, 2, 2), (2, 3, 2), (2, 2, 1)):
        with pytest.raises(LengthError):
            joined_slots((FrVec(size) for size in sizes), 2, 3)


@pytest.mark.parametrize("threads", [1, 3])
def test_unequal_products_are_found(threads):
    a, b = sample(40, "a"), sample(40, "b")
    c = [x * y + (i in (0, 17, 39)) for i, (x, y) in enumerate(zip(a, b, strict=True))]
    assert unequal_products(*(FrVec.from_ints(x) for x in (a, b, c)), threads).tolist() == [0, 17, 39]
    with pytest.raises(LengthError):
        unequal_products(FrVec(2), FrVec(2), FrVec(3))


@pytest.mark.parametrize("threads", [1, 3])
def test_unequal_powers_are_found(threads):
    d = sample(40, "d")
    e = [x**5 + (i in (0, 17, 39)) for i, x in enumerate(d)]
    assert unequal_powers(FrVec.from_ints(d), FrVec.from_ints(e), threads).tolist() == [0, 17, 39]
    with pytest.raises(LengthError):
        unequal_powers(FrVec(2), FrVec(3))


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_slots_of_blocks_are_taken(blocks):
    values = sample(6 * blocks)
    flat = FrVec.from_ints(values)
    for chosen in ([], [0], [5, 1, 1], [0, 1, 2, 3, 4, 5]):
        taken = slots_taken(flat, blocks, np.array(chosen, dtype=np.intp))
        assert taken.to_ints() == [x for i in chosen for x in values[i * blocks : (i + 1) * blocks]]
    room = FrVec(3 * blocks)
    slots_taken(flat, blocks, np.array([4]), out=room.view(blocks, 2 * blocks))
    assert room.to_ints() == [0] * blocks + values[4 * blocks : 5 * blocks] + [0] * blocks
    for bad in ([6], [-1]):
        with pytest.raises(LengthError):
            slots_taken(flat, blocks, np.array(bad))
    with pytest.raises(LengthError):
        slots_taken(flat, blocks, np.array([1, 2]), out=room)
    with pytest.raises(LengthError):
        slots_taken(FrVec(6 * blocks + 1), blocks + 1 if blocks > 1 else 2, np.array([0]))


def test_a_room_that_is_given_is_filled_whole_and_has_to_fit():
    values = FrVec.from_ints(sample(6))
    room = FrVec.from_ints(sample(9, "before"))
    assert rows_filled(4, [[values.slice(0, 3)], [values.slice(3, 4)]], out=room.view(1, 9)).to_ints() == [
        *values.to_ints()[:3], 0, values[3], 0, 0, 0
    ]  # fmt: skip
    assert rows_encode(values, 3, 4, out=room.view(0, 8)) == rows_encode(values, 3, 4)
    for size in (7, 9):
        with pytest.raises(LengthError, match=f"room for {size} scalars, the result has 8"):
            rows_encode(values, 3, 4, out=FrVec(size))
        with pytest.raises(LengthError, match=f"room for {size} scalars, the result has 8"):
            rows_filled(4, [[], []], out=FrVec(size))


def test_a_filled_matrix_has_its_parts_and_zeros():
    a, b = FrVec.from_ints([1, 2]), FrVec.from_ints([3])
    assert rows_filled(4, [[a, b], [b], []]).to_ints() == [1, 2, 3, 0, 3, 0, 0, 0, 0, 0, 0, 0]
    with pytest.raises(LengthError):
        rows_filled(2, [[a, b]])


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 6, 7, 8, 23])
@pytest.mark.parametrize("columns", [1, 3, 16])
def test_columns_hash_as_hashlib_does(rows, columns):
    source = random.Random(f"{rows} {columns}")
    values, salts = sample(rows * columns), source.randbytes(32 * columns)
    for threads in (1, 3):
        found = blake2b_columns(b"a person", salts, FrVec.from_ints(values), threads)
        for j in range(columns):
            content = salts[32 * j : 32 * j + 32] + b"".join(x.to_bytes(32, "big") for x in values[j::columns])
            expected = hashlib.blake2b(content, digest_size=32, person=b"a person").digest()
            assert found[32 * j : 32 * j + 32] == expected
    with pytest.raises(LengthError):
        blake2b_columns(b"a person", salts[:-1], FrVec.from_ints(values))
    with pytest.raises(LengthError):
        blake2b_columns(b"a person of 17 by", salts, FrVec.from_ints(values))


@pytest.mark.parametrize("parts", [[1], [4], [3, 1], [3, 4, 4], [7, 8, 3], [3, 4, 5], [11, 2]])
def test_columns_hash_the_same_in_parts(parts):
    columns, rows = 5, sum(parts)
    source = random.Random(str(parts))
    matrix, salts = FrVec.from_ints(sample(rows * columns)), source.randbytes(32 * columns)
    for threads in (1, 3):
        hashes, at = ColumnHashes(b"a person", salts), 0
        for count in parts[:-1]:
            hashes.add(matrix.slice(at * columns, (at + count) * columns), threads)
            at += count
        found = hashes.last(matrix.view(at * columns, rows * columns), threads)
        assert found == blake2b_columns(b"a person", salts, matrix, threads)


def test_parts_of_columns_end_where_a_hash_may_stop():
    hashes = ColumnHashes(b"p", bytes(64))
    for rows in (1, 2, 4, 5):
        with pytest.raises(LengthError, match="parts end behind rows 3, 7"):
            hashes.add(FrVec(2 * rows))
    with pytest.raises(LengthError, match="no rows of 2"):
        hashes.add(FrVec(7))
    hashes.add(FrVec(2 * 3))
    with pytest.raises(LengthError, match="3 rows: parts end"):
        hashes.add(FrVec(0))
    with pytest.raises(LengthError, match="no row is the last"):
        hashes.last(FrVec(0))
    for salts in (b"", bytes(31)):
        with pytest.raises(LengthError, match="bytes of salts"):
            ColumnHashes(b"p", salts)


def test_views_share_what_they_show():
    whole = FrVec.from_ints(range(8))
    part = whole.view(2, 6)
    part.put(1, FrVec.from_ints([50, 51]))
    assert whole.to_ints() == [0, 1, 2, 50, 51, 5, 6, 7]
    assert part.view(2, 4).to_ints() == [51, 5]
    del whole
    assert part.to_ints() == [2, 50, 51, 5]
    for start, stop in ((3, 2), (0, 5), (-1, 2)):
        with pytest.raises(LengthError):
            part.view(start, stop)
    for start in (-1, 3):
        with pytest.raises(LengthError):
            part.put(start, FrVec(2))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_parents_hash_as_hashlib_does(n):
    level = random.Random(n).randbytes(64 * n)
    expected = [hashlib.blake2b(level[i : i + 64], digest_size=32, person=b"p").digest() for i in range(0, 64 * n, 64)]
    assert blake2b_parents(b"p", level, 2) == b"".join(expected)
    with pytest.raises(LengthError):
        blake2b_parents(b"p", level + bytes(32))
