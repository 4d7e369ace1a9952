"""Small block circuits with keys of Mirage, and one forger for keys and verifiers that leave something out."""

import os
from dataclasses import dataclass, replace
from functools import cache

from zkstate.algebra.bn254 import G1
from zkstate.constraint import FELT, BlockStatement, compile_blocks, public, secret, solve_blocks, uint
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.unrolled import Unrolled
from zkstate.constraint.wire import bounded
from zkstate.kernels import FR_MODULUS, FrVec, G1Vec
from zkstate.proof import groth16, mirage
from zkstate.proof.keys import ProvingKey
from zkstate.proof.mirage import Proof, Statement
from zkstate.proof.setup import Trapdoor, insecure_setup, setup_with

SEED = b"a seed of sixteen bytes or more"
BLOCKS = 3
TRAPDOOR = Trapdoor(tau=0x1234567, alpha=-5 % FR_MODULUS, beta=2**200 + 1, delta=0xD417A, delta_committed=3**99)


class Worth(BlockStatement):
    """Amounts in range, each at a price that is listed; what they are worth together."""

    worth = public(uint(40))
    asset, amount, price = (secret(FELT) for _ in range(3))

    def define(self, c):
        c.provide_range(2, 1)
        amount = c.ranged(self.amount, 2, "the amount is below four")
        c.lookup("prices", [self.asset, self.price], label="the price is listed")
        c.provide("prices", [c.column("assets", uint(8)), c.column("prices", uint(20))])
        before = c.previous("worth", uint(40))
        total = bounded(before + amount * bounded(self.price, 0, 2**20 - 1), 0, 2**40 - 1)
        c.carry("worth", total)
        c.require_where(c.last, total, self.worth, "the worth is that of all")


class Pairs(BlockStatement):
    """Pairs that are listed."""

    x, y = secret(FELT), secret(FELT)

    def define(self, c):
        c.lookup("pairs", [self.x, self.y])
        c.provide("pairs", [c.column("a", FELT), c.column("b", FELT)])


LISTED = {"assets": [1, 2], "prices": [100, 70]}
HELD = {"asset": [2, 1, 2], "amount": [3, 0, 1], "price": [70, 100, 70]}
WORTH = 280


@dataclass(frozen=True)
class Made:
    """A circuit, its key, a witness and what that is a witness of."""

    circuit: Unrolled
    key: ProvingKey
    witness: BlockWitness

    @property
    def statement(self) -> Statement:
        return statement_of(self.circuit, self.witness)

    def prove(self, **more) -> Proof:
        return mirage.prove(self.key, self.circuit, self.witness, **more)


def statement_of(circuit, witness):
    known = circuit.block.known_values(witness.columns, circuit.blocks)
    return Statement(witness.public, tuple(known))


def worth_witness(worth=WORTH, listed=LISTED, **changed):
    return solve_blocks(worth_block(), BLOCKS, {"worth": worth}, HELD | changed, listed)


@cache
def worth_block():
    return compile_blocks(Worth())


@cache
def made():
    """The one that most is tried on."""
    circuit = Unrolled(worth_block(), BLOCKS)
    return Made(circuit, insecure_setup(circuit.r1cs, SEED, circuit.n_committed), worth_witness())


def pairs(trapdoor=TRAPDOOR, n_committed=None):
    """Two pairs, and a key under a trapdoor or one that commits to fewer wires."""
    block = compile_blocks(Pairs())
    circuit = Unrolled(block, 2)
    listed = {"x": [3, 5], "y": [9, 1]}
    witness = solve_blocks(block, 2, {}, listed, {"a": listed["x"], "b": listed["y"]})
    count = circuit.n_committed if n_committed is None else n_committed
    return Made(circuit, setup_with(circuit.r1cs, trapdoor, bytes(32), count), witness)


def exchanged(case, mix):
    """A first phase with a pair that nobody lists, of one key with one that is: for whoever knows the mix."""
    first = case.circuit.committed(case.witness).to_ints()
    for item, by in zip(case.circuit.block.circuit.inputs, (mix, -1), strict=True):
        first[case.circuit.n_known + case.circuit.block.own.tolist().index(item.first) * 2] += by
    return FrVec.from_ints(first)


def forged(case, claimed=None):
    """A proof whose first phase is chosen when its challenges are known, over a D that was made before.

    D commits to what the key says of an honest first phase. What C then has too much of, it takes away with the point
    `claimed` of D in place of its own, which is no use but where the deltas are related.
    """
    key, circuit, statement = case.key, case.circuit, case.statement
    first = circuit.committed(case.witness)

    def committed(values):
        points = memoryview(key.points_c)[: 64 * key.n_committed]
        return G1.from_vec(G1Vec.msm_in_place(points, values.slice(0, key.n_committed), 1))

    d = committed(first)
    challenges = mirage.challenges_of(key.vk, statement, d)
    false = exchanged(case, challenges[1])
    wires = circuit.complete(statement.public, false, challenges)
    rest = groth16.assemble(key, wires, os.urandom, 1)
    over = committed(false) + -d
    return Proof(rest if claimed is None else replace(rest, c=rest.c + claimed(over)), d)
