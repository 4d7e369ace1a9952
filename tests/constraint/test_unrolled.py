"""Blocks as one circuit in two phases: the wires that integers say, and no row that could be left out."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.constraint import venue_block
from tests.constraint.flat import broken_rows, dot, flat_wires
from tests.constraint.test_block import saying
from tests.proof.transparent.random_blocks import random_witness
from zkstate.constraint import FELT, BlockStatement, broken_blocks, compile_blocks, secret, solve_blocks, uint
from zkstate.constraint import unrolled as module
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.unrolled import PUBLICS, Unrolled
from zkstate.errors import CircuitError, InputError, LengthError
from zkstate.kernels import FR_MODULUS, FrVec

SEEDS, BLOCKS = st.integers(0, 10**6), st.integers(1, 7)


def drawn(seed):
    """Challenges as a hash draws them: a search would find poles."""
    rng = random.Random(f"challenges {seed}")
    return tuple(rng.randrange(1, FR_MODULUS) for _ in range(3))


CHALLENGES = SEEDS.map(drawn)
few = settings(max_examples=25, deadline=None)


def completed(circuit, witness, challenges):
    """All wires, as integers."""
    return circuit.complete(witness.public, circuit.committed(witness), challenges).to_ints()


def moved(witness, place, by=1):
    """With one own wire of one block changed."""
    own = witness.own.to_ints()
    own[place] += by
    return BlockWitness(FrVec.from_ints(own), witness.public, witness.columns, witness.blocks)


@few
@given(SEEDS, BLOCKS, CHALLENGES)
def test_a_good_witness_satisfies_all_rows_by_the_wires_of_the_definition(seed, blocks, challenges):
    block, public, witness, columns = random_witness(seed, blocks, rooted=False)
    circuit = Unrolled(block, blocks)
    assert list(broken_blocks(block, witness)) == []
    wires = completed(circuit, witness, challenges)
    assert wires == flat_wires(block, witness, challenges)
    assert len(wires) == circuit.n_wires == circuit.r1cs.n_wires
    assert broken_rows(circuit.r1cs, wires) == []
    assert circuit.n_constraints == circuit.r1cs.n_constraints
    assert circuit.n_public == circuit.r1cs.n_public == len(public) + PUBLICS
    given_columns = block.checked_columns(columns, blocks)
    known = circuit.known_values(given_columns)
    assert circuit.public_inputs(witness.public, known, challenges) == wires[1 : 1 + circuit.n_public]
    first = wires[circuit.first : circuit.first + circuit.n_committed]
    assert first == circuit.committed(witness).to_ints() == [*known.to_ints(), *witness.own.to_ints()]


@few
@given(SEEDS, BLOCKS, CHALLENGES, st.data())
def test_an_own_wire_is_as_free_as_in_the_blocks(seed, blocks, challenges, data):
    """Changed alone, everything behind it computed honestly: rows are broken just where the blocks refuse it."""
    block, _, witness, _ = random_witness(seed, blocks, rooted=False)
    circuit = Unrolled(block, blocks)
    place = data.draw(st.integers(0, len(witness.own) - 1))
    changed = moved(witness, place, data.draw(st.sampled_from([1, -1, 2**64, 12345678901234567890])))
    refused = bool(list(broken_blocks(block, changed)))
    wires = completed(circuit, changed, challenges)
    assert wires == flat_wires(block, changed, challenges)
    assert bool(broken_rows(circuit.r1cs, wires)) is refused


@few
@given(SEEDS, BLOCKS, CHALLENGES, st.data())
def test_a_known_value_of_ones_own_comes_to_something_else(seed, blocks, challenges, data):
    block, _, witness, _ = random_witness(seed, blocks, rooted=False)
    circuit = Unrolled(block, blocks)
    first, known = circuit.committed(witness).to_ints(), circuit.known_values(witness.columns)
    place = data.draw(st.integers(0, circuit.n_known - 1))
    first[place] += data.draw(st.integers(1, FR_MODULUS - 1))
    wires = circuit.complete(witness.public, FrVec.from_ints(first), challenges).to_ints()
    stated = circuit.public_inputs(witness.public, known, challenges)
    assert wires[circuit.known] != stated[-1]
    wires[1 : 1 + circuit.n_public] = stated  # what a verifier puts there
    assert broken_rows(circuit.r1cs, wires)


@few
@given(SEEDS, BLOCKS, CHALLENGES, st.data())
def test_every_wire_of_the_second_phase_is_pinned(seed, blocks, challenges, data):
    block, _, witness, _ = random_witness(seed, blocks, rooted=False)
    circuit = Unrolled(block, blocks)
    wires = completed(circuit, witness, challenges)
    if circuit.powers == circuit.n_wires:
        return
    at = data.draw(st.integers(circuit.powers, circuit.n_wires - 1))
    wires[at] += data.draw(st.integers(1, FR_MODULUS - 1))
    assert broken_rows(circuit.r1cs, wires)


class Said(BlockStatement):
    """A wire that is said, and pairs of two tables."""

    w, x, y, z, t = (secret(FELT) for _ in range(5))

    def define(self, c):
        c.constrain(self.w, 1, c.felt(c.column("said", FELT)), "it is what was said")
        c.lookup("one", [self.x, self.y])
        c.provide("one", [c.column("a", FELT), c.column("b", FELT)])
        c.lookup("two", [self.z, self.t])
        c.provide("two", [c.column("c", FELT), c.column("d", FELT)])


COLUMNS = {"said": [5, 6, 7], "a": [1, 2, 3], "b": [10, 20, 30], "c": [4, 5, 6], "d": [40, 50, 60]}
INPUTS = {"w": [5, 6, 7], "x": [1, 1, 3], "y": [10, 10, 30], "z": [6, 5, 4], "t": [60, 50, 40]}
DRAWN = (0x1234567 << 200, 0xABCDEF << 180, 0x777 << 220)


@cache
def said():
    block = compile_blocks(Said())
    return Unrolled(block, 3), solve_blocks(block, 3, {}, INPUTS, COLUMNS)


def place_of(circuit, name, number):
    """Where a secret input of one block is among own wires."""
    (item,) = (item for item in circuit.block.circuit.inputs if item.name == name)
    return circuit.block.own.tolist().index(item.first) * circuit.blocks + number


def times(circuit, table, number):
    """Where the number of times is that a block provides its tuple."""
    (use,) = (use for use in circuit.block.uses if use.provides and circuit.block.tables[use.table] == table)
    return circuit.block.own.tolist().index(use.multiplicity) * circuit.blocks + number


def titles(circuit, rows):
    return [circuit.row_title(row) for row in rows]


def test_without_the_row_of_all_fractions_anything_is_looked_up():
    circuit, good = said()
    wires = completed(circuit, moved(good, place_of(circuit, "y", 1)), DRAWN)
    (title,) = titles(circuit, broken_rows(circuit.r1cs, wires))
    assert title.endswith("by which what is looked up in all tables is what is provided,")


def test_without_the_row_of_a_fraction_anything_is_looked_up():
    circuit, good = said()
    wires = completed(circuit, moved(good, place_of(circuit, "y", 1)), DRAWN)
    fractions = (
        circuit.fractions
        + next(i for i, use in enumerate(circuit.block.uses) if not use.provides and use.table == 0) * circuit.blocks
    )
    honest = completed(circuit, good, DRAWN)
    wires[fractions + 1] = honest[fractions + 1]
    (title,) = titles(circuit, broken_rows(circuit.r1cs, wires))
    assert title.endswith("of a tuple of table one in block 1,")


@pytest.mark.parametrize(("table", "second"), [("one", "y"), ("two", "t")])
def test_without_the_row_of_a_product_a_value_is_another(table, second):
    circuit, good = said()
    wires = completed(circuit, good, DRAWN)
    wires[circuit.first + circuit.n_known + place_of(circuit, second, 2)] += 1
    (title,) = titles(circuit, broken_rows(circuit.r1cs, wires))
    assert title.endswith(f"of a tuple of table {table} in block 2,")


def test_without_the_row_of_a_power_one_table_is_read_in_place_of_another():
    """The tables are told apart by mix^2: with 0 in its place, an entry of the first serves the second."""
    circuit, good = said()
    changed = good
    for name, by in (("z", 1 - 6), ("t", 10 - 60)):
        changed = moved(changed, place_of(circuit, name, 0), by)
    changed = moved(moved(changed, times(circuit, "two", 2), -1), times(circuit, "one", 0))
    assert len(list(broken_blocks(circuit.block, changed))) == 2
    wires = completed(circuit, changed, DRAWN)
    wires[circuit.powers] = 0
    first = (circuit.block.circuit.r1cs.n_constraints + len(circuit.varying)) * circuit.blocks
    for i in range(len(circuit.block.uses) * circuit.blocks):
        below, weight = (dot(matrix.row(first + i), wires) for matrix in (circuit.r1cs.b, circuit.r1cs.c))
        wires[circuit.fractions + i] = weight * pow(below, -1, FR_MODULUS) % FR_MODULUS
    (title,) = titles(circuit, broken_rows(circuit.r1cs, wires))
    assert title.endswith("of a power of a challenge,")


@pytest.mark.parametrize("number", range(3))
def test_without_the_row_of_a_sum_a_known_value_is_another(number):
    """What was said is the first known value, so its sums are the first three."""
    circuit, good = said()
    assert circuit.block.columns[circuit.block.known[0].parameter].name == "said"
    wires = completed(circuit, good, DRAWN)
    wires[circuit.first + number] += 1
    wires[circuit.first + circuit.n_known + place_of(circuit, "w", number)] += 1
    (title,) = titles(circuit, broken_rows(circuit.r1cs, wires))
    assert title.endswith("of what the known values come to,")


def test_rows_of_blocks_are_named_by_their_labels():
    circuit, good = said()
    wires = completed(circuit, good, DRAWN)
    wires[circuit.first + circuit.n_known + place_of(circuit, "w", 2)] += 1
    assert titles(circuit, broken_rows(circuit.r1cs, wires)) == ["it is what was said, in block 2,"]
    assert len(set(titles(circuit, range(circuit.n_constraints)))) == circuit.n_constraints


@pytest.mark.parametrize("n_known", [0, 1, 2, 3])
@pytest.mark.parametrize("tables", [False, True])
def test_few_known_values(n_known, tables):
    def define(c, x):
        c.constrain(x, x, x, "a bit")
        if tables:
            c.lookup("bits", [x])
            c.provide("bits", [x])
        for i in range(n_known):
            c.constrain(x, c.column(str(i), uint(8)), 0, "no known value where the bit is")

    block = saying(define, x=FELT)
    columns = {str(i): [7 + i] for i in range(n_known)}
    witness = solve_blocks(block, 1, {}, {"x": [0]}, columns)
    circuit = Unrolled(block, 1)
    assert circuit.n_known == n_known
    assert circuit.n_constraints == circuit.r1cs.n_constraints
    wires = completed(circuit, witness, DRAWN)
    assert wires == flat_wires(block, witness, DRAWN)
    assert wires[circuit.known] == sum((7 + i) * DRAWN[2] ** i for i in range(n_known)) % FR_MODULUS
    assert broken_rows(circuit.r1cs, wires) == []
    for i in range(n_known):
        changed = [*wires]
        changed[circuit.first + i] += 1
        assert broken_rows(circuit.r1cs, changed)
    if n_known:
        changed = [*wires]
        changed[circuit.known] += 1
        assert broken_rows(circuit.r1cs, changed)


@few
@given(st.integers(1, 5), st.integers(1, 9), st.data())
def test_ranges_hold_in_numbers_of_blocks_that_are_no_power_of_two(bits, blocks, data):
    """The table is spread over a power of two of blocks and repeated behind: the same numbers are in it, no other."""

    def define(c, x):
        c.provide_range(bits, blocks.bit_length() - 1)
        c.ranged(x, bits)

    block = saying(define, x=FELT)
    circuit = Unrolled(block, blocks)
    xs = data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=blocks, max_size=blocks))
    witness = solve_blocks(block, blocks, {}, {"x": xs}, {})
    wires = completed(circuit, witness, DRAWN)
    assert wires == flat_wires(block, witness, DRAWN)
    assert broken_rows(circuit.r1cs, wires) == []
    (x,) = (item.first for item in block.circuit.inputs)
    place = block.own.tolist().index(x) * blocks + data.draw(st.integers(0, blocks - 1))
    for beyond in (-1, 1 << bits):
        false = moved(witness, place, beyond - witness.own.to_ints()[place])
        assert broken_rows(circuit.r1cs, completed(circuit, false, DRAWN))


def test_a_mix_that_is_known_before_lets_tuples_be_exchanged():
    """(4, 8) for (3, 9) has the same sum of values: what a prover could do who draws the challenges first."""

    def define(c, x, y):
        c.lookup("pairs", [x, y])
        c.provide("pairs", [c.column("a", FELT), c.column("b", FELT)])

    block = saying(define, x=FELT, y=FELT)
    circuit = Unrolled(block, 2)
    witness = solve_blocks(block, 2, {}, {"x": [3, 5], "y": [9, 1]}, {"a": [3, 5], "b": [9, 1]})
    false = moved(moved(witness, place_of(circuit, "x", 0)), place_of(circuit, "y", 0), -1)
    assert broken_rows(circuit.r1cs, completed(circuit, false, (DRAWN[0], 1, DRAWN[2]))) == []
    assert broken_rows(circuit.r1cs, completed(circuit, false, DRAWN))
    point, mix, at = DRAWN
    shifted = moved(moved(witness, place_of(circuit, "x", 0), mix), place_of(circuit, "y", 0), -1)
    assert broken_rows(circuit.r1cs, completed(circuit, shifted, DRAWN)) == []
    assert broken_rows(circuit.r1cs, completed(circuit, shifted, (point, mix + 1, at)))


@pytest.mark.parametrize("other", [5, 6])
def test_values_that_are_constants_or_sums(other):
    """No product is a wire where a value is a constant; coefficients are negative, repeated, and of the constant."""

    def define(c, x, y):
        c.lookup("of three", [2 * x - 3 * y - 3 * x + 7, 5, 0])
        c.provide("of three", [7 - x - 3 * y, other, 0], 1)
        c.lookup("of five", [0, -1, 4 - x, x - x, y])
        c.provide("of five", [0, FR_MODULUS - 1, 4 - x, 0, y])
        c.constrain(x, y, y, "touched")

    block = saying(define, x=FELT, y=FELT)
    circuit = Unrolled(block, 3)
    witness = solve_blocks(block, 3, {}, {"x": [1, 1, 1], "y": [8, 9, 8]}, {})
    wires = completed(circuit, witness, DRAWN)
    assert wires == flat_wires(block, witness, DRAWN)
    assert bool(list(broken_blocks(block, witness))) is bool(broken_rows(circuit.r1cs, wires)) is (other != 5)
    assert len(circuit.varying) == 4


def test_a_port_reads_zero_in_the_first_block_and_the_block_before_in_others():
    def define(c, x):
        total = c.previous("sum", FELT) + x
        c.carry("sum", total)
        c.require_where(c.last, total, c.column("said", FELT), "the sum")

    block = saying(define, x=FELT)
    for blocks in (1, 3, 4):
        circuit = Unrolled(block, blocks)
        xs = [random.Random(f"{blocks} {i}").randrange(FR_MODULUS) for i in range(blocks)]
        for total, holds in ((sum(xs), True), (sum(xs) + 1, False), (sum(xs[1:]), False)):
            columns = {"said": [total % FR_MODULUS]}
            wires = completed(circuit, solve_blocks(block, blocks, {}, {"x": xs}, columns), DRAWN)
            assert bool(broken_rows(circuit.r1cs, wires)) is not holds


def test_blocks_that_read_a_tree_and_no_blocks_are_refused():
    with pytest.raises(CircuitError, match="blocks that read a tree are not unrolled"):
        Unrolled(venue_block.circuit(3), 8)
    for blocks in (0, -1, 1 << 32):
        with pytest.raises(LengthError, match="blocks: wanted 1 to"):
            Unrolled(said()[0].block, blocks)


def test_the_digest_is_of_rows_and_of_what_is_committed_to():
    block = said()[0].block
    digests = {Unrolled(block, blocks).digest for blocks in (1, 2, 3, 4)}

    def variant(factor, table="one"):
        def define(c, x):
            c.constrain(x, factor, c.felt(c.column("said", FELT)), "said")
            c.lookup(table, [x])
            c.provide(table, [x])

        return Unrolled(saying(define, x=FELT), 3)

    digests |= {variant(1).digest, variant(2).digest}
    fewer = variant(1)
    fewer.n_committed -= 1
    assert fewer.r1cs.a.nnz == variant(1).r1cs.a.nnz
    digests.add(fewer.digest)
    assert len(digests) == 7
    assert variant(1).digest == variant(1).digest
    assert "3 blocks" in repr(fewer)


def test_what_fails_while_wires_are_completed_leaves_none(monkeypatch):
    """A denominator of 0, and a failure before: all that was made is zeros."""
    circuit, good = said()
    seen = []
    product = module._product
    monkeypatch.setattr(module, "_product", lambda *a: seen.extend((a[3], found := product(*a))) or found)
    _, mix, at = DRAWN
    first = circuit.committed(good)
    with pytest.raises(InputError):
        circuit.complete(good.public, first, (1 + 10 * mix, mix, at))
    assert len(seen) == 6
    assert not any(any(values.raw()) for values in seen)
    seen.clear()
    with pytest.raises(LengthError):
        circuit.complete(good.public, first, DRAWN, threads=-1)
    assert not any(any(values.raw()) for values in seen)
    assert any(first.raw())
