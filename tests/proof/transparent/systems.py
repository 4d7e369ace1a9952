"""Random satisfiable constraint systems of many shapes, as exact integers, and the two verifiers side by side."""

import os
import random
from types import MappingProxyType

from tests.constraint import venue_block
from tests.proof.circuits import Small
from tests.proof.transparent import slow_verifier
from zkstate.errors import InputError
from zkstate.kernels import FR_MODULUS
from zkstate.proof import r1cs_file
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.prover import prove
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.verifier import verify


def random_system(rng: random.Random, n_rows: int, n_wires: int, n_public: int, dense: bool = False) -> Small:
    """Rows with random left and right sides; the output side is made to fit any witness by its coefficient of one."""
    witness = [1, *(rng.choice([0, 1, rng.randrange(FR_MODULUS)]) for _ in range(n_wires - 1))]

    def combination():
        wires = range(n_wires) if dense else rng.sample(range(n_wires), min(n_wires, rng.randrange(4)))
        return {wire: rng.choice([1, FR_MODULUS - 1, rng.randrange(1, FR_MODULUS)]) for wire in wires}

    def at(terms):
        return sum(value * witness[wire] for wire, value in terms.items())

    rows = []
    for _ in range(n_rows):
        a, b, c = combination(), combination(), combination()
        c[0] = (c.get(0, 0) + at(a) * at(b) - at(c)) % FR_MODULUS
        rows.append((a, b, c))
    return Small(rows, n_public, witness)


def chained_powers(count: int) -> Small:
    """x -> x^5 + 7 over and over from a public x: all rows are those of powers."""
    witness, rows = [1, 5], []
    for i in range(count):
        x, u, v, y = range(1 + 3 * i, 5 + 3 * i)
        rows += [({x: 1}, {x: 1}, {u: 1}), ({u: 1}, {u: 1}, {v: 1}), ({v: 1}, {x: 1}, {0: -7, y: 1})]
        last = witness[-1]
        witness += [last**2 % FR_MODULUS, last**4 % FR_MODULUS, (last**5 + 7) % FR_MODULUS]
    return Small(rows, 1, witness)


def system_of(small: Small, log_blocks: int = 0) -> System:
    return System.of(small.r1cs, log_blocks)


def r1cs_bytes(r1cs) -> bytes:
    return b"".join(bytes(chunk) for chunk in r1cs_file.encode(r1cs_file.R1csFile.of(r1cs)))


def links_of(block):
    """What the second verifier reads of a block circuit."""
    uses = [
        (use.table, use.provides, [block.readings.row(use.first + i) for i in range(1 + use.size)])
        for use in block.uses
    ]
    ranges = [(column.kind.lo, column.kind.hi) for column in block.columns]
    return slow_verifier.Blocks(block.previous, block.children, block.known, ranges, uses)


def circuit_bytes(small: Small) -> bytes:
    return r1cs_bytes(small.r1cs)


class Case:
    """A statement, a witness of it, and both verifiers."""

    def __init__(self, system, r1cs, public, witness, links=None, columns=None):
        self.system, self.r1cs, self.public, self.witness = system, r1cs, public, witness
        self.links, self.columns = links, columns or {}

    def prove(self, randbytes=None):
        """Of the operating system's randomness unless some is given."""
        return prove(self.system, self.witness, randbytes or os.urandom)

    def judge(self, content, public=None, columns=None):
        return judge(self.system, public or self.public, content, columns or self.columns)

    def judge_slowly(self, content, public=None, columns=None):
        log_blocks, listed = self.system.parameters.shape.log_blocks, list((columns or self.columns).values())
        return judge_slowly(self.r1cs, public or self.public, content, log_blocks, self.links, listed)


def plain_case(small: Small) -> Case:
    return Case(system_of(small), circuit_bytes(small), small.public, small.values)


def venue_case(log_blocks: int, seed: object = 0) -> Case:
    """The venue of tests/constraint: every link, three tables, columns."""
    block, given = venue_block.circuit(log_blocks), venue_block.inputs(log_blocks, seed)
    witness = venue_block.solved(block, log_blocks, seed)
    return block_case(block, log_blocks, list(given["public"].values()), witness, given["columns"])


def block_case(block, log_blocks, public, witness, columns) -> Case:
    r1cs = r1cs_bytes(block.circuit.r1cs)
    return Case(System.of(block, log_blocks), r1cs, public, witness, links_of(block), columns)


def judge(system, public, content, columns=MappingProxyType({})):
    """True, False, or "malformed"."""
    try:
        return verify(system, public, Proof.decode(content), columns)
    except InputError:
        return "malformed"


def judge_slowly(r1cs, public, content, log_blocks=0, links=None, columns=()):
    try:
        return slow_verifier.verify(r1cs, public, content, log_blocks, links, columns)
    except slow_verifier.Malformed:
        return "malformed"
