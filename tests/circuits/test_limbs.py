"""Ranges by limbs, exhaustively where they are small: whatever limbs a prover chooses."""

from dataclasses import dataclass, replace
from itertools import product

import pytest

from circuits.limbs import excess, require_below, require_not_negative
from zkstate.constraint import FELT, BlockStatement, compile_blocks, secret, solve_blocks
from zkstate.constraint.block_check import broken_blocks
from zkstate.constraint.wire import Wire, bounded
from zkstate.errors import CircuitError, WitnessError
from zkstate.kernels import FR_MODULUS

SIZE = 2


@dataclass(frozen=True)
class Below(BlockStatement):
    bits: int
    x = secret(FELT)

    def define(self, c):
        c.provide_range(SIZE, 0)
        require_below(c, self.x, self.bits, SIZE, "x is small")
        assert isinstance(self.x * self.x, Wire)  # a row, which every circuit has


@dataclass(frozen=True)
class Excess(BlockStatement):
    x = secret(FELT)

    def define(self, c):
        c.provide_range(SIZE, 0)
        flag, part = excess(c, bounded(self.x, -9, 6), SIZE, "x in excess")
        c.constrain(flag, self.x, part, "what the two are")


def forged(block, values):
    """A witness with these values of own wires, by place, and the multiplicities that its lookups would need."""
    witness = solve_blocks(block, 1, {}, {"x": [0]}, {})
    own = witness.own.to_ints()
    for place, value in values.items():
        own[place] = value % FR_MODULUS
    full = [1, *[0] * (block.circuit.r1cs.n_wires - 1)]
    for wire, value in zip(block.own.tolist(), own, strict=True):
        full[wire] = value
    read = lambda i: sum(v * full[w] for w, v in block.readings.row(i).items()) % FR_MODULUS  # noqa: E731
    looked_up = [read(use.first + 1) for use in block.uses if not use.provides]
    for use in block.uses:
        if use.provides:
            own[block.own.tolist().index(use.multiplicity)] = looked_up.count(read(use.first + 1))
    return replace(witness, own=type(witness.own).from_ints(own))


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5])
def test_a_number_is_below_its_bound_or_no_limbs_are_those_of_it(bits):
    block = compile_blocks(Below(bits))
    names = [block.circuit.name(w) for w in block.own.tolist()]
    limbs = [place for place, name in enumerate(names) if name.startswith("x is small")]
    assert len(limbs) == -(-bits // SIZE) - 1
    square = names.index("product")
    for x in range(-5, 40):
        found = []
        for chosen in product(range(1 << SIZE), repeat=len(limbs)):
            values = {names.index("x"): x, square: x * x, **dict(zip(limbs, chosen, strict=True))}
            found.append(not list(broken_blocks(block, forged(block, values))))
        assert any(found) == (0 <= x < 1 << bits)
        assert sum(found) <= 1
        try:
            solved = not list(broken_blocks(block, solve_blocks(block, 1, {}, {"x": [x % FR_MODULUS]}, {})))
        except WitnessError as error:
            solved = False
            assert str(error).startswith("x is small: a block looks up")  # noqa: PT017
        assert solved == (0 <= x < 1 << bits)


def test_what_is_in_excess_of_zero_is_one_bit_and_one_number():
    block = compile_blocks(Excess())
    names = [block.circuit.name(w) for w in block.own.tolist()]
    flag, distance, *limbs = (place for place, name in enumerate(names) if name.startswith("x in excess"))
    for x in range(-9, 7):
        good = solve_blocks(block, 1, {}, {"x": [x % FR_MODULUS]}, {})
        assert list(broken_blocks(block, good)) == []
        assert good.own.to_ints()[flag] == int(x > 0)
        found = set()
        for bit, chosen in product((0, 1, 2), product(range(1 << SIZE), repeat=len(limbs))):
            values = {
                names.index("x"): x,
                flag: bit,
                distance: (2 * bit - 1) * x - bit,
                **dict(zip(limbs, chosen, strict=True)),
            }
            if not list(broken_blocks(block, forged(block, values))):
                found.add(bit)
        assert found == {int(x > 0)}


def test_ranges_that_a_negative_number_could_pass_are_refused():
    def define(c, x):
        require_not_negative(c, bounded(x, -1, 2**252), SIZE, "x is large")

    def wide(c, x):
        require_below(c, x, 253, SIZE, "x is wide")

    for said, words in ((define, "a negative one could pass"), (wide, "253 bits, wanted 1 to 252")):
        body = {"x": secret(FELT), "__annotations__": {}, "define": lambda self, c, said=said: said(c, self.x)}
        with pytest.raises(CircuitError, match=words):
            compile_blocks(type("Saying", (BlockStatement,), body)())
