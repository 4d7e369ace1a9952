"""Poseidon, chains and trees written plainly from the papers, sharing nothing with the code under test.

Grassi, Khovratovich, Rechberger, Roy, Schofnegger 2021 ("Poseidon", USENIX Security): the permutation of
section 4 with a full matrix in every round, and the Grain LFSR and the Cauchy matrix of its appendix, one bit
at a time.
"""

from collections import deque
from functools import cache
from itertools import islice

R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
FIELD_BITS = 254
FULL_ROUNDS = 8
PARTIAL_ROUNDS = dict(zip(range(2, 18), [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68], strict=True))
WIDTHS = tuple(PARTIAL_ROUNDS)


def grain_bits(width):
    """The self-shrunk output of the LFSR seeded with the shape of the instance."""
    seed = [(1, 2), (0, 4), (FIELD_BITS, 12), (width, 12), (FULL_ROUNDS, 10), (PARTIAL_ROUNDS[width], 10)]
    state = deque((int(b) for value, size in [*seed, (2**30 - 1, 30)] for b in f"{value:0{size}b}"), maxlen=80)
    assert len(state) == 80

    def clock():
        state.append(state[62] ^ state[51] ^ state[38] ^ state[23] ^ state[13] ^ state[0])
        return state[-1]

    for _ in range(160):
        clock()
    while True:
        counts, bit = clock(), clock()
        if counts:
            yield bit


@cache
def constants(width):
    """(rounds of round constants, rows of the matrix)."""
    bits = grain_bits(width)

    def integer():
        return int("".join(map(str, islice(bits, FIELD_BITS))), 2)

    def below_r():
        while (value := integer()) >= R:
            pass
        return value

    rounds = [[below_r() for _ in range(width)] for _ in range(FULL_ROUNDS + PARTIAL_ROUNDS[width])]
    while True:
        drawn = [integer() % R for _ in range(2 * width)]
        if len(set(drawn)) == 2 * width:
            break
    return rounds, [[pow(x + y, -1, R) for y in drawn[width:]] for x in drawn[:width]]


def permutation(state):
    rounds, matrix = constants(len(state))
    for number, round_constants in enumerate(rounds):
        state = [(a + b) % R for a, b in zip(state, round_constants, strict=True)]
        full = min(number, len(rounds) - 1 - number) < FULL_ROUNDS // 2
        state = [pow(a, 5, R) if full or lane == 0 else a for lane, a in enumerate(state)]
        state = [sum(m * a for m, a in zip(row, state, strict=True)) % R for row in matrix]
    return state


def hash_of(tag, inputs):
    return permutation([tag, *inputs])[0]


def chain(tag, inputs):
    blocks = [inputs[i : i + 16] for i in range(0, len(inputs), 16)]
    for block in blocks:
        tag = hash_of(tag, block)
    return tag


def full_tree_root(tag, arity, depth, leaves):
    """Every one of the arity^depth leaves written out, the missing ones as 0."""
    nodes = list(leaves) + [0] * (arity**depth - len(leaves))
    for _ in range(depth):
        nodes = [hash_of(tag, nodes[i : i + arity]) for i in range(0, len(nodes), arity)]
    return nodes[0]
