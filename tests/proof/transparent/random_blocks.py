"""Random block circuits with a witness by construction: rows that solve a hint, links and tables of many shapes."""

import random

from tests.proof.transparent.systems import block_case
from zkstate.constraint import FELT, BlockStatement, compile_blocks, public, secret, solve_blocks
from zkstate.kernels import FR_MODULUS


def random_case(seed, most_log_blocks=4):
    """A case of one random circuit; which of its links and tables there are is random too."""
    log_blocks = random.Random(f"size {seed}").randrange(most_log_blocks + 1)
    block, public, witness, columns = random_witness(seed, 1 << log_blocks)
    return block, block_case(block, log_blocks, public, witness, columns)


def random_witness(seed, blocks, rooted=True):
    """A random circuit, public inputs, a witness and columns. It reads no tree and no root unless `rooted`."""
    rng = random.Random(f"blocks {seed}")
    rooted = rooted and blocks > 1
    trees, carried, tables = rng.randrange(3) if rooted else 0, rng.randrange(3), rng.randrange(3)
    arities = [rng.choice([1, 2, 3]) for _ in range(tables)]
    weighted = [rng.randrange(2) for _ in range(tables)]
    n_secret, n_public, n_columns = rng.randrange(1, 4), rng.randrange(3), rng.randrange(3)
    lengths = [rng.randrange(1, blocks + 1) for _ in range(n_columns)]
    shapes = [rng.randrange(1 << 30) for _ in range(2)]

    def define(self, c):
        dice = random.Random(shapes[0])
        wires = [c.felt(c.const(1)), *[getattr(self, f"x{i}") for i in range(n_secret)]]
        wires += [getattr(self, f"out{i}") for i in range(n_public)]
        wires += [c.felt(c.column(f"column {i}", FELT)) for i in range(n_columns)]
        wires += [c.felt(w) for w in dice.sample([c.first, c.last, c.number(2), c.number()], dice.randrange(1, 5))]
        wires += [c.felt(c.root)] if rooted else []
        settled = list(wires)
        wires += [c.previous(f"carried {i}", FELT) for i in range(carried)]

        def combined(of):
            chosen = dice.sample(of, min(len(of), dice.randrange(1, 4)))
            return c.linear([(dice.choice([1, -1, dice.randrange(FR_MODULUS)]), wire) for wire in chosen])

        def product(of):
            hint = c.hint(1, "hint")[0]
            c.solve(c.constrain(combined(of), combined(of), hint + combined(of), "product"), hint)
            return hint

        for _ in range(dice.randrange(4)):
            wires.append(product(wires))
        for i in range(carried):
            c.carry(f"carried {i}", c.felt(dice.choice(wires)))
        sides = [side for i in range(trees) for side in c.children(f"tree {i}", FELT)]
        above = [*wires, *sides]
        for i in range(trees):
            node = dice.choice([product(above), dice.choice(above)])
            c.parent(f"tree {i}", node=node, leaf=c.felt(dice.choice(wires)))
        for wire in settled[1:]:
            c.constrain(wire, 0, 0, "touched")
        for i in range(tables):
            entry = [product(above) for _ in range(arities[i])]
            if weighted[i]:
                c.lookup(f"table {i}", entry, c.number(3))
                c.provide(f"table {i}", entry, c.number(3))
            else:
                for _ in range(dice.randrange(1, 3)):
                    c.lookup(f"table {i}", entry, dice.choice([1, c.first, c.last]))
                c.provide(f"table {i}", entry)

    body = {f"x{i}": secret(FELT) for i in range(n_secret)} | {f"out{i}": public(FELT) for i in range(n_public)}
    block = compile_blocks(type("Random", (BlockStatement,), {**body, "define": define})())

    def value():
        return rng.choice([0, 1, FR_MODULUS - 1, rng.randrange(FR_MODULUS)])

    outs = {f"out{i}": value() for i in range(n_public)}
    inputs = {f"x{i}": [value() for _ in range(blocks)] for i in range(n_secret)}
    columns = {f"column {i}": [value() for _ in range(length)] for i, length in enumerate(lengths)}
    witness = solve_blocks(block, blocks, outs, inputs, columns)
    return block, list(outs.values()), witness, columns
