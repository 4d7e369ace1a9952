"""Parameters: exactly those of the specification, never below 128 bits, and the script that says so."""

import math
from fractions import Fraction

import pytest

from circuits.keys import known
from tests.proof.transparent import slow_verifier
from zkstate.errors import LengthError
from zkstate.kernels import FR_MODULUS
from zkstate.proof.transparent import bits
from zkstate.proof.transparent.parameters import MAX_WIRES, SECURITY_BITS, Shape, missing, parameters_for, queries_for
from zkstate.proof.transparent.proof_file import MAX_BYTES

TABLES = [(627, 637, 2, 3, 619), (2500, 2600, 4, 10, 2500), (2500, 2600, 4, 19, 2560), (3, 5, 1, 0, 1)]
POWERS = [(627, 637, 2, 3, 285, 167), (39125, 39374, 4, 0, 0, 7287), (3, 4, 0, 0, 0, 1), (3000, 3001, 0, 4, 0, 1000)]
SHAPES = [
    *TABLES,
    *POWERS,
    (0, 1, 0),
    (1, 2, 1),
    (5, 1000, 999),
    (300, 126, 0),
    (300, 127, 1),
    (39125, 39374, 4),
    (10**6, 10**6, 9),
]
BULK = [(2**k, 2**k, 10) for k in range(8, 31, 2)] + [(MAX_WIRES, MAX_WIRES, MAX_WIRES - 1)]
BULK += [(2**k, 2**k, 10, 0, 0, 2**k // 3 - 4) for k in (8, 16, 24, 31)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_parameters_are_those_of_the_specification(shape):
    found, wanted = parameters_for(Shape(*shape)), slow_verifier.parameters(*shape)
    assert (found.log_width, found.log_length, found.queries) == (wanted.w, wanted.g, wanted.t)
    assert (found.rows, found.dimension, found.places, found.pads) == (wanted.m, wanted.k, wanted.Z, wanted.P)
    assert (found.row_variables, found.column_variables, found.cap_height) == (wanted.s_x, wanted.s_y, wanted.h)
    assert (found.first_rows, found.proof_bytes) == (wanted.m_1, wanted.size)


@pytest.mark.parametrize("log_width", range(7, 12))
@pytest.mark.parametrize("expansion", range(1, 6))
def test_the_number_of_queries_is_the_least_that_is_enough(log_width, expansion):
    width, length = 1 << log_width, 1 << (log_width + expansion)
    assert queries_for(width, length) == slow_verifier.queries(width, length)


@pytest.mark.parametrize("shape", [*SHAPES, *BULK, *((k.constraints,) * 2 + (4,) for k in known().values())], ids=str)
def test_every_shape_has_128_proven_bits(shape):
    parameters = parameters_for(Shape(*shape))
    assert parameters.error_bound <= Fraction(1, 2**SECURITY_BITS)
    assert parameters.bits >= SECURITY_BITS
    assert 2 * parameters.radius < parameters.length - parameters.dimension + 1
    assert 2 * parameters.dimension <= parameters.length
    assert parameters.pad_dimension <= parameters.dimension
    assert parameters.rows <= 1 << (parameters.column_variables - parameters.log_width)


def test_the_longest_proof_fits_its_limit_and_no_shape_has_longer_pads_than_rows():
    phases = ((0, 0), (1 << 30, 0), ((1 << 31) - 1, 0), (0, 1), (0, 1 << 30), (5, (1 << 31) - 8))
    for n_public, first_phase, powers in (*((*each, 0) for each in phases), (0, 0, 1), (0, 0, (1 << 31) // 3)):
        parameters = parameters_for(Shape(1 << 31, 1 << 31, n_public, 0, first_phase, powers))
        assert parameters.proof_bytes < MAX_BYTES
        assert parameters.pad_dimension <= parameters.dimension, "docs/soundness.md, step 1"


def test_tables_are_counted_in_the_error():
    """2560 wires of a first phase, and in the second 34 uses and their sum, in 2^19 blocks."""
    with_tables, without = (parameters_for(Shape(2500, 2600, 4, 19, first)) for first in (2560, 0))
    d = 34 << 19
    terms = 16 * math.comb(d, 2) + 2 * d
    assert with_tables.table_terms == terms
    assert without.table_terms == 0
    p = with_tables
    closeness = p.length * (p.column_variables - p.log_width + 2)
    rounds = 5 * p.row_variables + 2 * p.column_variables + 2 * p.row_variables + 4
    assert p.field_error == Fraction(closeness + rounds + terms, FR_MODULUS)
    assert 202 < -math.log2(p.field_error) < 203
    most = parameters_for(Shape(1 << 31, 1 << 31, 0, 0, 1))
    assert most.bits >= SECURITY_BITS


def test_the_error_counts_every_term():
    """margin-16, by hand: 13 rows of 2^11 in codewords of 2^13, 196 queries, 15 rounds each."""
    parameters = parameters_for(Shape(39125, 39374, 4, 0, 0, 7287))
    e = (2**13 - 2**11 - 196) // 2
    assert parameters.field_error == Fraction(2**13 * (4 + 2) + 5 * 15 + 2 * 15 + 2 * 15 + 4, FR_MODULUS)
    product = Fraction(1)
    for i in range(196):
        product *= Fraction(2**13 - e - 1 - i, 2**13 - i)
    assert parameters.query_error == product == missing(2**13, e + 1, 196)


@pytest.mark.parametrize(
    "shape",
    [(1, 0, 0), (1, 1, 1), (-1, 1, 0), (1, 2, -1), (MAX_WIRES + 1, 2, 0), (1, MAX_WIRES + 1, 0)]
    + [(1, 5, 1, 0, first) for first in (-1, 2, 3)],
)
def test_shapes_outside_the_limits_are_refused(shape):
    with pytest.raises(LengthError):
        Shape(*shape)


def test_the_script_prints_bits_and_fails_below_128(capsys, monkeypatch):
    assert bits.main(["39125", "39374", "4", "0", "0", "7287"]) == 0
    printed = capsys.readouterr().out
    assert "129.55 bits" in printed
    assert "231136 bytes" in printed
    assert bits.main([]) == 0
    assert capsys.readouterr().out.count("bits") >= 5
    monkeypatch.setattr(bits, "SECURITY_BITS", 200)
    assert bits.main(["39125", "39374", "4"]) == 1
