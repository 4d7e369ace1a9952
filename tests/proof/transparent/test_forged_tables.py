"""Proofs of false tables, by provers that use what a block circuit leaves open: the circuit or the proof is refused.

Each forger is an ordinary prover with a witness that no solver makes. Where the language refuses to compile what such a
witness needs, the test goes on to the proof if it does not.
"""

import pytest

from tests.proof.transparent.systems import block_case
from zkstate.constraint import (
    FELT,
    BlockStatement,
    BlockWitness,
    broken_blocks,
    compile_blocks,
    public,
    secret,
    solve_blocks,
    uint,
)
from zkstate.constraint.wire import bounded
from zkstate.errors import CircuitError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof.transparent import prover
from zkstate.proof.transparent.prover import prove
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.verifier import verify

LOG_BLOCKS = 2
BLOCKS = 1 << LOG_BLOCKS


class OwnRange(BlockStatement):
    """w < 4 is shown by a lookup, and that lookup is taken back by another, whose weight is w."""

    w, x = secret(FELT), secret(FELT)

    def define(self, c):
        c.provide_range(2, LOG_BLOCKS)
        w = c.ranged(self.w, 2)
        c.lookup("below 2^2", [self.x], w)


class OwnBit(BlockStatement):
    """The same of a table of one's own: w is a bit because the table says so."""

    w, x = secret(FELT), secret(FELT)

    def define(self, c):
        c.lookup("bits", [self.w])
        c.provide("bits", [c.number(1)])
        c.lookup("bits", [self.x], bounded(self.w, 0, 1))


def forged(block):
    """w = x = -1 in the last block, which is looked up once, and -1 times; the others are 0."""
    zeros = {"w": [0] * BLOCKS, "x": [0] * BLOCKS}
    witness = solve_blocks(block, BLOCKS, {}, zeros, {})
    own, wires = witness.own.to_ints(), block.own.tolist()
    for item in block.circuit.inputs:
        own[wires.index(item.first) * BLOCKS + BLOCKS - 1] = FR_MODULUS - 1
    multiplicity = next(use.multiplicity for use in block.uses if use.multiplicity)
    own[wires.index(multiplicity) * BLOCKS] -= 1
    return witness, BlockWitness(FrVec.from_ints(own), witness.public, (), BLOCKS)


def test_a_range_that_takes_itself_back_is_refused():
    with pytest.raises(CircuitError, match=r"table below 2\^2: used by provide_range and ranged alone"):
        accepted(compile_blocks(OwnRange()))


def accepted(block):
    """Where it compiles all the same, the forged proof must be refused."""
    witness = forged(block)[1]
    case = block_case(block, LOG_BLOCKS, [], witness, {})
    assert case.judge(case.prove().encode()) is False


def test_a_weight_that_its_own_table_shows_convinces_nobody(monkeypatch):
    block = compile_blocks(OwnBit())
    good, bad = forged(block)
    case = block_case(block, LOG_BLOCKS, [], good, {})
    assert case.judge(case.prove().encode()) is True
    assert list(broken_blocks(block, bad)) == [f"block {BLOCKS - 1}: row 0: table bits: the weight is a bit"]
    with pytest.raises(WitnessError, match="the weight is a bit"):
        prove(case.system, bad)
    monkeypatch.setattr(prover._Proving, "_check_rows", lambda *_: None)
    content = prove(case.system, bad).encode()
    assert case.judge(content) is False
    assert case.judge_slowly(content) is False


class ComesBack(BlockStatement):
    """What is carried to a block is its node, which is what the block before carries: below 4 because it is below 4."""

    claimed = public(FELT)

    def define(self, c):
        left = c.children("tree", uint(2))[0]
        c.parent("tree", node=c.previous("a", uint(2)), leaf=c.const(0))
        c.carry("a", left)
        c.require_where(c.root, left, self.claimed, "as claimed")


def test_an_interval_that_comes_back_to_its_block_is_refused():
    with pytest.raises(CircuitError, match="which the next block reads, depends on the children of its block"):
        comes_back(compile_blocks(ComesBack()))


def comes_back(block):
    """Block 1 carries -1 to block 2, whose node it is, and which is the left child of block 1."""
    wires, own = block.own.tolist(), [0] * (BLOCKS * len(block.own))
    own[wires.index(block.previous[0].source) * BLOCKS + 1] = FR_MODULUS - 1
    own[wires.index(block.children[0].node) * BLOCKS + 2] = FR_MODULUS - 1
    claimed = FrVec.from_ints([FR_MODULUS - 1])
    case = block_case(block, LOG_BLOCKS, claimed.to_ints(), BlockWitness(FrVec.from_ints(own), claimed, (), BLOCKS), {})
    assert case.judge(case.prove().encode()) is False


class NothingOwn(BlockStatement):
    """What numbers there are is said to be what a column has: not a wire that could be committed to."""

    def define(self, c):
        c.lookup("nothing", [c.number(2)], 0)
        c.provide("nothing", [c.number(2)], 0)
        c.lookup("numbers", [c.number(2)], 1)
        c.provide("numbers", [c.column("claimed", FELT)], 1)


def test_tables_without_a_committed_wire_are_refused():
    """Challenges that are never drawn are 0, and all tuples of a table one: I = weight / (0 - 1) for any column."""
    block = compile_blocks(NothingOwn())
    minus = [FR_MODULUS - 1] * BLOCKS
    fractions = FrVec.from_ints([*[0] * (2 * BLOCKS), *minus, *minus, *[0] * BLOCKS])
    witness = BlockWitness(fractions, FrVec(0), (FrVec.from_ints([7]),), BLOCKS)
    with pytest.raises(CircuitError, match=r"tables in a block without a wire of its own"):
        convinced(System.of(block, LOG_BLOCKS), witness)


def convinced(system, witness):
    assert verify(system, [], prove(system, witness), {"claimed": [7]}) is False


def test_tuples_of_two_lengths_in_one_table_are_refused():
    """(t, v) and (t, v, 0) have one denominator."""
    block = compile_blocks(OwnBit())
    longer = block.uses[0]._replace(first=1, size=2)
    changed = block.__class__(
        **{name: getattr(block, name) for name in block.__dataclass_fields__ if name != "uses"},
        uses=(longer, *block.uses[1:]),
    )
    with pytest.raises(CircuitError, match=r"\[\(0, 1\), \(0, 2\)\]: wanted one length a table"):
        System.of(changed, LOG_BLOCKS)
